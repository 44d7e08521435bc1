package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/query"
)

// Rulebook is what the catalogue says about rules, by id, as far as findings are asked for by it. It is never changed.
type Rulebook map[string]RuleFacts

// RuleFacts is what is known about one rule.
type RuleFacts struct {
	Title    string
	Controls map[string][]string // framework id to control ids
}

// FindingSearch is who looks for what. A query with a branch asks about findings and their status on it; any other about those that the
// default branches have or had, with their status there.
type FindingSearch struct {
	Scope access.Scope
	Query *query.Query // nil asks for everything
	Me    ID           // who asks, for assignee:me
	Rules Rulebook
}

// search is a FindingSearch on columns that are held still.
type search struct {
	FindingSearch
	store *Store
	c     *columns
	now   time.Time // to the minute: what is computed from it is kept that long
	view  *branchView
	scope *rowTerm // the rows of the scope and the view
	all   rowSet   // the same, as they are now
	key   string   // of scope and view, in questions to the answers
}

// rowTerm is the rows that fit a term.
type rowTerm struct{ followed }

func (*rowTerm) order() int { return 1 }

// rowMatch is the rows that fit a query in a scope.
type rowMatch struct{ followed }

func (*rowMatch) order() int { return 2 }

// open prepares a search. Call done when it is not used any more.
func (s *Store) open(ctx context.Context, f FindingSearch) (e *search, done func(), err error) {
	if !f.Scope.Somewhere() {
		return nil, nil, Refuse(NotFound, "there are no findings that you may see")
	}
	if f.Query == nil {
		f.Query = &query.Query{}
	}
	c, done, err := s.columnsOf(ctx, ID(f.Scope.Organisation))
	if err != nil {
		return nil, nil, err
	}
	e = &search{FindingSearch: f, store: s, c: c, now: s.Now().Truncate(time.Minute)}
	if err := e.look(ctx); err != nil {
		done()
		return nil, nil, err
	}
	return e, done, nil
}

// look finds the view and what of it is in scope.
func (e *search) look(ctx context.Context) error {
	var terms []string
	for i := range e.Query.Terms {
		if t := &e.Query.Terms[i]; t.Key == "branch" && !t.Not {
			terms = append(terms, t.String())
		}
	}
	key := strings.Join(terms, " ")
	var err error
	e.view, err = cached(&e.c.cache, "view "+key, func(v *branchView) int { return 4 * 8 * len(v.rows) }, func() (*branchView, error) {
		if len(terms) == 0 {
			return e.defaultView(key), nil
		}
		return e.branchView(ctx, key)
	})
	if err != nil {
		return err
	}
	e.key = fmt.Sprintf("%q %v %d %v", key, e.Scope.All, e.Scope.Repository, e.Scope.Teams)
	e.scope, err = cached(&e.c.cache, "all "+e.key, sizeOfRows, func() (*rowTerm, error) {
		out := &rowTerm{followed{rows: slices.Clone(e.view.rows)}}
		view := e.view
		tests := []func(int) bool{func(row int) bool { return view.rows.has(row) }}
		if view.test == nil {
			tests = append(tests, nil)
		}
		narrow := func(t *rowTerm) {
			out.rows.and(t.rows)
			tests = append(tests, t.test)
		}
		if !e.Scope.All {
			narrow(e.codes(colTeam, func(id string) bool { return slices.Contains(e.Scope.Teams, int64(idOf([]byte(id)))) }))
		}
		if e.Scope.Repository != 0 {
			narrow(e.codes(colRepository, func(id string) bool { return idOf([]byte(id)) == ID(e.Scope.Repository) }))
		}
		out.test = allOf(tests)
		return out, nil
	})
	if err == nil {
		e.all = e.scope.rows
	}
	return err
}

// allOf is a test that all hold; nil when one of them is.
func allOf(tests []func(int) bool) func(int) bool {
	if slices.ContainsFunc(tests, func(t func(int) bool) bool { return t == nil }) {
		return nil
	}
	return func(row int) bool {
		for _, t := range tests {
			if !t(row) {
				return false
			}
		}
		return true
	}
}

// anyOf is the rows that are in one of the sets.
func (e *search) anyOf(list ...*rowTerm) *rowTerm {
	out := &rowTerm{followed{rows: newRowSet(len(e.c.ids))}}
	follows := true
	for _, t := range list {
		out.rows.or(t.rows)
		follows = follows && t.test != nil
	}
	if follows {
		out.test = func(row int) bool { return slices.ContainsFunc(list, func(t *rowTerm) bool { return t.test(row) }) }
	}
	return out
}

// codes is the set of rows whose text is accepted.
func (e *search) codes(col textColumn, accept func(text string) bool) *rowTerm {
	return e.coded(col, e.c.dicts[col].match(accept), accept)
}

// coded is the set of rows whose code is marked; of codes that come later accept decides.
func (e *search) coded(col textColumn, marked []bool, accept func(text string) bool) *rowTerm {
	c := e.c
	return &rowTerm{followed{rowsWhere(c.codes[col], marked), func(row int) bool {
		code := c.codes[col][row]
		for int(code) >= len(marked) {
			marked = append(marked, accept(string(c.dicts[col].of(uint32(len(marked))))))
		}
		return marked[code]
	}}}
}

// timed is the set of rows whose time lies between two, both included.
func (e *search) timed(col timeColumn, from, to uint32) *rowTerm {
	c := e.c
	return &rowTerm{followed{rowsFrom(c.times[col], from, to), func(row int) bool { return c.times[col][row] >= from && c.times[col][row] <= to }}}
}

// live are the rows of repositories that are there.
func (e *search) live() rowSet {
	rows := newRowSet(len(e.c.ids))
	for row, gone := range e.c.gone {
		if !gone {
			rows.put(row)
		}
	}
	return rows
}

// flagged is the set of rows with a flag.
func (e *search) flagged(flag uint8) *rowTerm {
	var marked [256]bool
	for v := range marked {
		marked[v] = uint8(v)&flag != 0
	}
	c := e.c
	return &rowTerm{followed{rowsWhere(c.flags, marked[:]), func(row int) bool { return c.flags[row]&flag != 0 }}}
}

// matched is the set of rows that fit the query, without the terms of a key; "" leaves none out.
func (e *search) matched(ctx context.Context, without string) (rowSet, error) {
	q := e.Query
	if without != "" {
		q = q.Without(without)
	}
	out, err := cached(&e.c.cache, e.question("match", q.String()), sizeOfMatch, func() (*rowMatch, error) {
		rows := slices.Clone(e.all)
		tests := []func(int) bool{e.scope.test}
		for i := range q.Terms {
			t := &q.Terms[i]
			if t.Key == "branch" && !t.Not {
				continue // the view is about it
			}
			fits, err := e.term(ctx, t)
			if err != nil {
				return nil, err
			}
			test := fits.test
			if t.Not {
				rows.not(fits.rows)
				if test != nil {
					test = func(row int) bool { return !fits.test(row) }
				}
			} else {
				rows.and(fits.rows)
			}
			tests = append(tests, test)
		}
		return &rowMatch{followed{rows, allOf(tests)}}, nil
	})
	if err != nil {
		return nil, err
	}
	return out.rows, nil
}

// question names something that depends on the scope, the view and more; on who asks and on the time where the query does.
func (e *search) question(what, more string) string {
	if e.Query.Has("assignee") {
		more = fmt.Sprint(e.Me, " ", more)
	}
	if e.Query.Has("age") || e.Query.Has("is") || e.Query.Has("tag") {
		more = fmt.Sprint(e.now.Unix()/60, " ", more)
	}
	return what + " " + e.key + " " + more
}

// term is the set of rows that fit a term, as if it were not negated, anywhere in the organisation.
func (e *search) term(ctx context.Context, t *query.Term) (*rowTerm, error) {
	positive := *t
	positive.Not = false
	key := "term " + positive.String()
	switch t.Key {
	case "status":
		key += " " + e.view.key
	case "assignee":
		key += fmt.Sprint(" ", e.Me)
	case "is", "age", "tag": // inventories change without a revision of findings
		key += fmt.Sprint(" ", e.now.Unix()/60)
	}
	return cached(&e.c.cache, key, sizeOfRows, func() (*rowTerm, error) { return e.evaluate(ctx, t) })
}

// columnOfKey are the keys that are a column of texts.
var columnOfKey = map[string]textColumn{"rule": colRule, "category": colCategory, "provider": colProvider, "dialect": colDialect, "type": colType,
	"address": colAddress, "author": colAuthor, "commit": colCommit, "reason": colReason, "message": colMessage}

// momentColumn are the keys that are a column of times.
var momentColumn = map[string]timeColumn{"first-seen": colFirst, "last-seen": colLast, "fixed": colFixed, "introduced": colIntroduced}

func (e *search) evaluate(ctx context.Context, t *query.Term) (*rowTerm, error) {
	any := func(match func(v query.Value) bool) bool { return slices.ContainsFunc(t.Values, match) }
	if col, ok := columnOfKey[t.Key]; ok {
		return e.codes(col, func(text string) bool { return text != "" && any(func(v query.Value) bool { return v.Match(text) }) }), nil
	}
	if col, ok := momentColumn[t.Key]; ok {
		return e.moment(col, t), nil
	}
	switch t.Key {
	case "":
		return e.containing(t.Values[0].Text), nil
	case "file", "unit":
		col := colFile
		if t.Key == "unit" {
			col = colUnit
		}
		return e.codes(col, func(text string) bool { return any(func(v query.Value) bool { return v.MatchPath(text) }) }), nil
	case "severity":
		c, marked := e.c, severitiesOf(t)
		return &rowTerm{followed{rowsWhere(c.severity, marked), func(row int) bool { return marked[c.severity[row]] }}}, nil
	case "status":
		out, view := &rowTerm{followed{rows: newRowSet(len(e.c.ids))}}, e.view
		var asked [len(statusOf)]bool
		for code, status := range statusOf {
			if asked[code] = any(func(v query.Value) bool { return v.Text == string(status) }); asked[code] {
				out.rows.or(view.status[code])
			}
		}
		if view.test != nil {
			out.test = func(row int) bool { return view.rows.has(row) && asked[view.code(row)] }
		}
		return out, nil
	case "verdict":
		var marked [256]bool
		for v := range marked {
			word := finding.Fail
			if v&flagUndecided != 0 {
				word = finding.Undecided
			}
			marked[v] = any(func(v query.Value) bool { return v.Text == word.String() })
		}
		c := e.c
		return &rowTerm{followed{rowsWhere(c.flags, marked[:]), func(row int) bool { return marked[c.flags[row]] }}}, nil
	case "repo":
		return e.codes(colRepository, func(id string) bool {
			return any(func(v query.Value) bool { return v.Match(e.c.repositories[idOf([]byte(id))].name) })
		}), nil
	case "team":
		return e.codes(colTeam, func(id string) bool {
			return any(func(v query.Value) bool {
				return id == "0" && v.Text == "none" || id != "0" && v.Match(e.c.teams[idOf([]byte(id))])
			})
		}), nil
	case "assignee":
		return e.codes(colAssignee, func(id string) bool {
			return any(func(v query.Value) bool {
				who := idOf([]byte(id))
				return who == 0 && v.Text == "none" || who != 0 && (v.Text == "me" && who == e.Me || v.Match(e.c.people[who]))
			})
		}), nil
	case "framework", "control":
		return e.codes(colRule, func(rule string) bool { return any(func(v query.Value) bool { return e.Rules[rule].serves(t.Key, v) }) }), nil
	case "tag":
		return e.tagged(ctx, t)
	case "branch": // a negated one: what is there now
		on, err := e.present(ctx, t)
		if err != nil {
			return nil, err
		}
		return &rowTerm{followed{rows: on.open}}, nil
	case "has", "is":
		var list []*rowTerm
		for _, v := range t.Values {
			list = append(list, e.word(v.Text))
		}
		return e.anyOf(list...), nil
	case "age":
		length, _ := t.Values[0].Span()
		limit := max(seconds(MillisOf(e.now.Add(-length))), 1)
		switch t.Op {
		case query.More:
			return e.timed(colFirst, 1, limit-1), nil
		case query.AtLeast:
			return e.timed(colFirst, 1, limit), nil
		case query.Less:
			return e.timed(colFirst, limit+1, math.MaxUint32), nil
		}
		return e.timed(colFirst, limit, math.MaxUint32), nil
	case "id":
		out := newRowSet(len(e.c.ids))
		for _, v := range t.Values {
			var id ID
			if id.UnmarshalText([]byte(v.Text)) == nil {
				if row, ok := e.c.row(id); ok {
					out.put(row)
				}
			}
		}
		return &rowTerm{followed{rows: out}}, nil
	}
	return nil, fmt.Errorf("nobody looks for %s", t.Key)
}

// serves tells whether a rule serves a framework or a control.
func (r RuleFacts) serves(key string, v query.Value) bool {
	for framework, controls := range r.Controls {
		if key == "framework" {
			if v.Match(framework) {
				return true
			}
			continue
		}
		for _, c := range controls {
			if v.Match(c) || v.Match(framework+"/"+c) {
				return true
			}
		}
	}
	return false
}

// severitiesOf marks the severities that a term means.
func severitiesOf(t *query.Term) []bool {
	marked := make([]bool, 256)
	for _, v := range t.Values {
		var is finding.Severity
		if is.UnmarshalText([]byte(v.Text)) != nil {
			continue
		}
		for s := finding.Info; s <= finding.Critical; s++ {
			switch t.Op {
			case query.Is:
				marked[s] = marked[s] || s == is
			case query.Less:
				marked[s] = s < is
			case query.AtMost:
				marked[s] = s <= is
			case query.More:
				marked[s] = s > is
			case query.AtLeast:
				marked[s] = s >= is
			}
		}
	}
	return marked
}

// moment compares a time, which must be there.
func (e *search) moment(col timeColumn, t *query.Term) *rowTerm {
	var list []*rowTerm
	for _, v := range t.Values {
		from, to, _ := v.Day()
		first, last := seconds(MillisOf(from)), seconds(MillisOf(to))
		switch t.Op {
		case query.Is:
		case query.Less:
			first, last = 1, max(first, 1)-1
		case query.AtMost:
			first = 1
		case query.More:
			first, last = last+1, math.MaxUint32
		case query.AtLeast:
			last = math.MaxUint32
		}
		if last > 0 {
			list = append(list, e.timed(col, max(first, 1), last))
		}
	}
	return e.anyOf(list...)
}

// soon is how far what is new lies back and what is expiring lies ahead.
const soon = 7 * 24 * time.Hour

// word is the set of rows that a word of has: or is: means.
func (e *search) word(word string) *rowTerm {
	now := e.now
	switch word {
	case "fix":
		return e.flagged(flagFix)
	case "assignee":
		return e.codes(colAssignee, func(id string) bool { return id != "0" })
	case "team":
		return e.codes(colTeam, func(id string) bool { return id != "0" })
	case "mute":
		return e.codes(colReason, func(reason string) bool { return reason != "" })
	case "expiry":
		return e.timed(colUntil, 1, math.MaxUint32)
	case "new":
		return e.timed(colFirst, seconds(MillisOf(now.Add(-soon))), math.MaxUint32)
	case "expiring":
		return e.timed(colUntil, 1, seconds(MillisOf(now.Add(soon))))
	}
	return e.anyOf()
}

// containing is the set of rows with a text in the message, the address, the file, or the id or title of the rule.
func (e *search) containing(text string) *rowTerm {
	part := lowerASCII(text)
	var list []*rowTerm
	for _, col := range searched {
		d := &e.c.dicts[col]
		accept := func(text string) bool {
			return strings.Contains(lowerASCII(text), part) || col == colRule && strings.Contains(lowerASCII(e.Rules[text].Title), part)
		}
		found := make([]bool, len(d.ends))
		if col == colRule {
			found = d.match(accept)
		} else {
			d.containing([]byte(part), found)
		}
		list = append(list, e.coded(col, found, accept))
	}
	return e.anyOf(list...)
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// tagged reads which findings are on resources with a tag, as the inventory has them.
func (e *search) tagged(ctx context.Context, t *query.Term) (*rowTerm, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	type tag struct {
		Key, Value string
		Known      bool
	}
	var all []tag
	if err := e.store.DB.NewRaw("SELECT DISTINCT t.key, t.value, t.known FROM resource_tag t JOIN resource r ON r.id = t.resource WHERE r.organisation = ?", e.Scope.Organisation).Scan(ctx, &all); err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	all = slices.DeleteFunc(all, func(g tag) bool {
		return !slices.ContainsFunc(t.Values, func(v query.Value) bool {
			return g.Known && v.Match(g.Key+"="+g.Value) || !strings.Contains(v.Text, "=") && v.Match(g.Key)
		})
	})
	if len(all) > maxTags {
		return nil, Refuse(Limited, "%s means more than %d tags: write more of it", t, maxTags)
	}
	fits := map[[3]uint32]bool{}
	marked := make([]bool, len(e.c.dicts[colAddress].ends))
	for _, g := range all {
		var list []struct {
			Repository    ID
			Unit, Address string
		}
		if err := e.store.DB.NewRaw("SELECT r.repository, r.unit, r.address FROM resource_tag t JOIN resource r ON r.id = t.resource WHERE r.organisation = ? AND t.key = ? AND t.value = ? AND t.known = ?",
			e.Scope.Organisation, g.Key, g.Value, bit(g.Known)).Scan(ctx, &list); err != nil {
			return nil, fmt.Errorf("read tags: %w", err)
		}
		for _, r := range list {
			repository, known := e.c.dicts[colRepository].find([]byte(r.Repository.String()))
			unit, has := e.c.dicts[colUnit].find([]byte(r.Unit))
			address, there := e.c.dicts[colAddress].find([]byte(r.Address))
			if known && has && there {
				fits[[3]uint32{repository, unit, address}], marked[address] = true, true
			}
		}
	}
	out := newRowSet(len(e.c.ids))
	for row, address := range e.c.codes[colAddress] {
		if marked[address] && fits[[3]uint32{e.c.codes[colRepository][row], e.c.codes[colUnit][row], address}] {
			out.put(row)
		}
	}
	return &rowTerm{followed{rows: out}}, nil
}

// maxTags is how many tags a term may mean.
const maxTags = 1000
