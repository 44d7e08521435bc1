package jobs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/store"
)

// Detail is what is kept of a finding as JSON: everything that the child sent.
type Detail = Finding

// Coverage is what is kept of the scan of a commit as JSON: what it looked at, and what it could not.
type Coverage struct {
	Coverage finding.Coverage
	Problems []finding.Problem
	Hygiene  []finding.Hygiene
	Judged   []string // ids of the rules that gave at least one verdict
	Settings []string // files
	Mistakes []string // in them
	Failure  string   // why the commit could not be scanned; nothing else is said then
}

// categories are the categories of the rules that the program carries, by id.
var categories = sync.OnceValue(func() map[string]string {
	c := rule.NewCatalogue(schema.Load())
	if err := c.AddPrepared(rules.Pages(), rules.Prepared()); err != nil {
		return nil // a build that lost its pages, which says so elsewhere
	}
	out := map[string]string{}
	for _, r := range c.All() {
		out[r.ID] = string(r.Category)
	}
	return out
})

// tracker follows the results of a child from commit to commit, and says of each what differs from its first parent, which need not be
// the one that was scanned before.
type tracker struct {
	line    map[string]bool // commits on the branch's line of first parents
	wanted  map[string]int  // how many commits to come have this one as first parent
	sets    map[string]map[string]*store.Found
	current map[string]*store.Found
	stands  string // the newest commit of the line that the branch has: the next one may say only what differs from it
}

// newTracker prepares for commits in the order in which they are scanned.
func newTracker(commits []mirror.Commit, line map[string]bool, stands string) *tracker {
	t := &tracker{line: line, stands: stands, wanted: map[string]int{}, sets: map[string]map[string]*store.Found{}}
	for _, c := range commits {
		t.wanted[parentOf(c)]++
	}
	return t
}

func parentOf(c mirror.Commit) string {
	if len(c.Parents) == 0 {
		return ""
	}
	return c.Parents[0]
}

// take turns what the child sent about a commit into what the store takes in.
func (t *tracker) take(c mirror.Commit, r CommitResult) (store.Result, error) {
	out := store.Result{Commit: commitInfo(c), Side: !t.line[c.ID]}
	coverage, err := json.Marshal(Coverage{r.Coverage, r.Problems, r.Hygiene, r.Judged, r.Settings, r.Mistakes, r.Failure})
	if err != nil {
		return out, fmt.Errorf("write the coverage: %w", err)
	}
	out.Coverage = coverage
	parent := parentOf(c)
	before, known := t.sets[parent], t.sets[parent] != nil
	if t.wanted[parent]--; t.wanted[parent] <= 0 {
		delete(t.sets, parent)
	}
	next := t.current
	if r.Failure != "" {
		out.Trouble = 1
		out.Delta = &store.CommitDelta{}
	} else {
		if next, err = t.apply(r); err != nil {
			return out, err
		}
		out.Trouble = len(r.Problems)
		t.compare(&out, change{before, next, known})
		if !out.Side {
			t.stands = c.ID
		}
		out.Covers = covers(r.Problems)
	}
	t.current = next
	if t.wanted[c.ID] > 0 {
		t.sets[c.ID] = next
	}
	for _, f := range next {
		switch {
		case f.Outcome == "undecided":
			out.Waiting++
		case f.Suppressed:
			out.Excused++
		default:
			out.Fails++
		}
	}
	return out, nil
}

// apply makes the set of a commit's findings from the set before. Sets are not changed once they are made.
func (t *tracker) apply(r CommitResult) (map[string]*store.Found, error) {
	if !r.Full && len(r.Found) == 0 && len(r.Gone) == 0 {
		return t.current, nil
	}
	next := map[string]*store.Found{}
	if !r.Full {
		next = maps.Clone(t.current)
		if next == nil {
			next = map[string]*store.Found{}
		}
		for _, id := range r.Gone {
			delete(next, id)
		}
	}
	for i := range r.Found {
		f, err := foundOf(&r.Found[i])
		if err != nil {
			return nil, err
		}
		next[f.Fingerprint] = f
	}
	return next, nil
}

// change is the set of a commit's findings and that of its first parent, if that is known.
type change struct {
	before, next map[string]*store.Found
	known        bool
}

// compare writes what differs between a commit and its first parent. Where the branch does not stand at that parent, the branch is told
// everything.
func (t *tracker) compare(out *store.Result, c change) {
	delta := &store.CommitDelta{}
	out.Full = !out.Side && (!c.known || out.Commit.Parent != t.stands)
	for _, id := range slices.Sorted(maps.Keys(c.next)) {
		was := c.before[id]
		if was == nil {
			delta.Added = append(delta.Added, id)
		}
		if out.Full || !out.Side && was != c.next[id] {
			out.Found = append(out.Found, *c.next[id])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.before)) {
		if c.next[id] == nil {
			delta.Gone = append(delta.Gone, id)
		}
	}
	if !out.Side && !out.Full {
		out.Gone = delta.Gone
	}
	switch {
	case c.known:
		out.Delta = delta
	case out.Side:
		out.Delta = &store.CommitDelta{} // nobody knows what it brought
	}
}

// covers tells whether a scan with these problems looked at where a finding was: a file that could not be read or parsed to its end says
// nothing about its findings, nor does a unit whose evaluation was cut short.
func covers(problems []finding.Problem) func(store.Absent) bool {
	files, units := map[string]bool{}, map[string]bool{}
	for _, p := range problems {
		if p.Kind == source.Unresolved {
			continue
		}
		if p.Location.File != "" {
			files[p.Location.File] = true
		}
		if p.Unit != "" && (p.Kind == source.Limit || p.Kind == source.Bug) {
			units[p.Unit] = true
		}
	}
	if len(files)+len(units) == 0 {
		return nil
	}
	return func(a store.Absent) bool { return !files[a.File] && !units[a.Unit] }
}

func commitInfo(c mirror.Commit) store.CommitInfo {
	return store.CommitInfo{SHA: c.ID, Parent: parentOf(c), Author: c.Author.Name, Email: c.Author.Email, Subject: c.Subject, At: store.MillisOf(c.Landed)}
}

// foundOf is a finding as the store takes it in.
func foundOf(f *Finding) (*store.Found, error) {
	detail, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("write a finding: %w", err)
	}
	key := f.Key()
	r := &f.Resource
	out := &store.Found{Fingerprint: f.ID, Twin: f.Twin, Spot: key.Spot, Rule: f.Rule, Outcome: f.Outcome.String(), Severity: int(f.Severity), Category: categories()[f.Rule],
		Provider: r.Provider, Dialect: r.Dialect, Type: r.Type, Address: r.Address, Attribute: f.Path, Unit: r.Unit, File: f.Location.File, Line: f.Location.From.Line,
		Message: f.Message, HasFix: len(f.Fixes) > 0, Detail: detail}
	if f.Suppression != nil {
		out.Suppressed, out.Comment = true, f.Suppression.Reason
	}
	return out, nil
}
