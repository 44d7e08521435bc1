package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/query"
)

// FacetKeys are the keys of queries whose values can be counted, in the order of explorers.
var FacetKeys = []string{"severity", "status", "verdict", "repo", "team", "rule", "category", "provider", "type", "dialect", "file", "branch", "framework", "has", "assignee", "reason"}

// Facet is how many findings have each value of a key: of those that would fit if the query had no term of that key.
type Facet struct {
	Key    string       `json:"key"`
	Values []FacetValue `json:"values" doc:"the most frequent first; severity, status, verdict and has in their own order"`
	More   int          `json:"more" doc:"how many values are left out"`
	Counts string       `json:"counts" doc:"what is counted: findings, or of branches the repositories that have one of that name and fit"`
}

// FacetValue is one value.
type FacetValue struct {
	Value string `json:"value"`
	Label string `json:"label,omitempty" doc:"for people, where it is another text"`
	Count int    `json:"count"`
	Term  string `json:"term" doc:"the term of a query that asks for it"`
}

// Facets counts the values of keys; at most limit values of each.
func (s *Store) Facets(ctx context.Context, f FindingSearch, keys []string, limit int) ([]Facet, error) {
	for _, key := range keys {
		if !slices.Contains(FacetKeys, key) {
			return nil, Refuse(Invalid, "%q cannot be counted: use %s", key, strings.Join(FacetKeys, ", "))
		}
	}
	e, done, err := s.open(ctx, f)
	if err != nil {
		return nil, err
	}
	defer done()
	out := make([]Facet, 0, len(keys))
	for _, key := range keys {
		q := e.Query.String()
		if e.Query.Has(key) {
			q = e.Query.Without(key).String()
		}
		facet, err := cached(&e.c.cache, e.question("facet", fmt.Sprint(key, " ", limit, " ", q)), func(f *Facet) int { return 100 * len(f.Values) }, func() (*Facet, error) { return e.facet(ctx, key, limit) })
		if err != nil {
			return nil, err
		}
		out = append(out, *facet)
	}
	return out, nil
}

// counts is how many rows have each code of a column.
func (e *search) counts(rows rowSet, col textColumn) []uint32 {
	out := make([]uint32, len(e.c.dicts[col].ends))
	codes := e.c.codes[col]
	rows.each(func(row int) { out[codes[row]]++ })
	return out
}

// countFlags counts rows by a flag.
func (e *search) countFlags(rows rowSet) func(flag uint8) int {
	var n [256]int
	rows.each(func(row int) { n[e.c.flags[row]]++ })
	return func(flag uint8) int {
		sum := 0
		for v := range n {
			if uint8(v)&flag != 0 {
				sum += n[v]
			}
		}
		return sum
	}
}

// countOf is how many rows have a text.
func (e *search) countOf(rows rowSet, col textColumn, text string) int {
	code, ok := e.c.dicts[col].find([]byte(text))
	if !ok {
		return 0
	}
	n := 0
	codes := e.c.codes[col]
	rows.each(func(row int) {
		if codes[row] == code {
			n++
		}
	})
	return n
}

// facet counts the values of a key.
func (e *search) facet(ctx context.Context, key string, limit int) (*Facet, error) {
	without := ""
	if e.Query.Has(key) {
		without = key
	}
	rows, err := e.matched(ctx, without)
	if err != nil {
		return nil, err
	}
	out := &Facet{Key: key, Counts: "findings", Values: []FacetValue{}}
	put := func(value, label string, count int) {
		if label == value {
			label = ""
		}
		t := query.Exactly(key, value)
		out.Values = append(out.Values, FacetValue{value, label, count, t.String()})
	}
	switch key {
	case "severity":
		var n [256]int
		rows.each(func(row int) { n[e.c.severity[row]]++ })
		for s := finding.Critical; s >= finding.Info; s-- {
			put(s.String(), "", n[s])
		}
	case "status":
		for code, s := range statusOf {
			put(string(s), "", rows.countBoth(e.view.status[code]))
		}
	case "verdict":
		n := e.countFlags(rows)
		undecided := n(flagUndecided)
		put(finding.Fail.String(), "", rows.count()-undecided)
		put(finding.Undecided.String(), "", undecided)
	case "has":
		all := rows.count()
		put("fix", "", e.countFlags(rows)(flagFix))
		put("assignee", "", all-e.countOf(rows, colAssignee, "0"))
		put("team", "", all-e.countOf(rows, colTeam, "0"))
		put("mute", "", all-e.countOf(rows, colReason, ""))
		until := 0
		rows.each(func(row int) {
			if e.c.times[colUntil][row] > 0 {
				until++
			}
		})
		put("expiry", "", until)
	case "file":
		e.countDirectories(rows, put)
		e.most(out, limit)
	case "framework":
		e.countFrameworks(rows, put)
		e.most(out, limit)
	case "branch":
		out.Counts = "repositories"
		if err := e.countBranches(ctx, rows, put); err != nil {
			return nil, err
		}
		e.most(out, limit)
	case "repo", "team", "assignee":
		col := map[string]textColumn{"repo": colRepository, "team": colTeam, "assignee": colAssignee}[key]
		for code, n := range e.counts(rows, col) {
			if n > 0 {
				name := e.textOf(col, uint32(code))
				if string(e.c.dicts[col].of(uint32(code))) == "0" {
					name = "none"
				}
				if name != "" {
					put(name, "", int(n))
				}
			}
		}
		e.most(out, limit)
	default:
		col := columnOfKey[key]
		for code, n := range e.counts(rows, col) {
			if text := e.textOf(col, uint32(code)); n > 0 && text != "" {
				label := ""
				if key == "rule" {
					label = e.Rules[text].Title
				}
				put(text, label, int(n))
			}
		}
		e.most(out, limit)
	}
	return out, nil
}

// most sorts values by how often they are there and keeps the first.
func (e *search) most(f *Facet, limit int) {
	slices.SortFunc(f.Values, func(a, b FacetValue) int { return cmp.Or(b.Count-a.Count, strings.Compare(a.Value, b.Value)) })
	if len(f.Values) > limit {
		f.More = len(f.Values) - limit
		f.Values = slices.Clip(f.Values[:limit])
	}
}

// countDirectories counts directories with everything that is in them, as file: asks for them.
func (e *search) countDirectories(rows rowSet, put func(value, label string, count int)) {
	d := &e.c.dicts[colFile]
	dirs := map[string]int{}
	for code, n := range e.counts(rows, colFile) {
		if n == 0 {
			continue
		}
		for dir := string(d.of(uint32(code))); ; {
			i := strings.LastIndexByte(dir, '/')
			if i <= 0 {
				break
			}
			dir = dir[:i]
			dirs[dir] += int(n)
		}
	}
	for dir, n := range dirs {
		put(dir, "", n)
	}
}

// countFrameworks counts a finding once for each framework that its rule serves.
func (e *search) countFrameworks(rows rowSet, put func(value, label string, count int)) {
	d := &e.c.dicts[colRule]
	frameworks := map[string]int{}
	for code, n := range e.counts(rows, colRule) {
		if n > 0 {
			for framework := range e.Rules[string(d.of(uint32(code)))].Controls {
				frameworks[framework] += int(n)
			}
		}
	}
	for framework, n := range frameworks {
		put(framework, "", n)
	}
}

// countBranches counts the repositories that have something that fits and a branch of that name: what is on each branch is not in memory.
func (e *search) countBranches(ctx context.Context, rows rowSet, put func(value, label string, count int)) error {
	byRepository, err := e.c.branches.read(ctx, e)
	if err != nil {
		return err
	}
	names := map[string]int{}
	for code, n := range e.counts(rows, colRepository) {
		if n > 0 {
			for _, name := range byRepository[idOf(e.c.dicts[colRepository].of(uint32(code)))] {
				names[name]++
			}
		}
	}
	for name, n := range names {
		put(name, "", n)
	}
	return nil
}

// branchNames are the names of the branches of each repository. They may be as old as other names.
type branchNames struct {
	mu   sync.Mutex
	at   time.Time
	list map[ID][]string
}

func (b *branchNames) read(ctx context.Context, e *search) (map[ID][]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.list != nil && e.store.Now().Sub(b.at) < namesAge {
		return b.list, nil
	}
	var list []struct {
		Repository ID
		Name       string
	}
	err := e.store.DB.NewRaw("SELECT b.repository, b.name FROM branch b JOIN repository r ON r.id = b.repository WHERE r.organisation = ? AND b.removed_at = 0", e.Scope.Organisation).Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("read branches: %w", err)
	}
	out := map[ID][]string{}
	for _, n := range list {
		out[n.Repository] = append(out[n.Repository], n.Name)
	}
	b.list, b.at = out, e.store.Now()
	return out, nil
}

// textsOf returns texts of a column that begin with a text, of rows in scope.
func (s *Store) textsOf(ctx context.Context, f FindingSearch, key, prefix string, limit int) ([]string, error) {
	e, done, err := s.open(ctx, f)
	if err != nil {
		return nil, err
	}
	defer done()
	col := colUnit
	if key != "unit" {
		col = columnOfKey[key]
	}
	var out []string
	for code, n := range e.counts(e.all, col) {
		if text := string(e.c.dicts[col].of(uint32(code))); n > 0 && text != "" && hasPrefixFold(lowerASCII(text), prefix) {
			if out = append(out, text); len(out) == limit {
				break
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// hasPrefixFold tells whether a lowered text begins with another one in any case of ASCII letters.
func hasPrefixFold(lower, prefix string) bool { return strings.HasPrefix(lower, lowerASCII(prefix)) }

// containsFold tells whether a lowered text has another one in any case of ASCII letters.
func containsFold(lower, part string) bool { return strings.Contains(lower, lowerASCII(part)) }
