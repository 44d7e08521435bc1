package jobs

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
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
	Judged   []string // ids of the rules that gave at least one verdict on something that they are about
	Grounds  []finding.Ground
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
		out[strings.Clone(r.ID)] = strings.Clone(string(r.Category)) // else the texts of all pages stay
	}
	return out
})

// tracker follows the results of a child from commit to commit, and says of each what differs from its first parent, which need not be
// the one that was scanned before.
type tracker struct {
	line    map[string]bool // commits on the branch's line of first parents
	wanted  map[string]int  // how many commits to come have this one as first parent
	sets    map[string]*findings
	current *findings
	stands  string // the newest commit of the line that the branch has: the next one may say only what differs from it
}

// findings is what a commit has. It is not changed once it is made.
type findings struct {
	found map[string]*store.Found
	kept  map[string]*store.Found // what the scan could not look for
	left  map[string]string       // what settings leave out: why
}

// has tells whether a finding is there, as far as anybody can tell.
func (f *findings) has(id string) bool {
	_, left := f.left[id]
	return left || f.found[id] != nil || f.kept[id] != nil
}

// newTracker prepares for commits in the order in which they are scanned.
func newTracker(commits []mirror.Commit, line map[string]bool, stands string) *tracker {
	t := &tracker{line: line, stands: stands, wanted: map[string]int{}, sets: map[string]*findings{}, current: &findings{}}
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
	coverage, err := json.Marshal(Coverage{r.Coverage, r.Problems, r.Hygiene, r.Judged, r.Grounds, r.Settings, r.Mistakes, r.Failure})
	if err != nil {
		return out, fmt.Errorf("write the coverage: %w", err)
	}
	out.Coverage = coverage
	parent := parentOf(c)
	before := t.sets[parent]
	if t.wanted[parent]--; t.wanted[parent] <= 0 {
		delete(t.sets, parent)
	}
	next := t.current
	if r.Failure != "" {
		out.Trouble = 1
		out.Delta = &store.CommitDelta{}
	} else {
		out.Covers = covers(r.Problems)
		if next, err = t.apply(r, out.Covers); err != nil {
			return out, err
		}
		out.Trouble = len(r.Problems)
		t.compare(&out, change{before, next})
		if !out.Side {
			t.stands = c.ID
		}
	}
	t.current = next
	if t.wanted[c.ID] > 0 {
		t.sets[c.ID] = next
	}
	for _, f := range next.found {
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

// apply makes what a commit has from what the one before had.
func (t *tracker) apply(r CommitResult, covers func(store.Absent) bool) (*findings, error) {
	if !r.Full && len(r.Found) == 0 && len(r.Gone) == 0 && len(r.Left) == 0 && len(t.current.kept) == 0 {
		return t.current, nil
	}
	next := &findings{map[string]*store.Found{}, map[string]*store.Found{}, map[string]string{}}
	keep := func(id string, f *store.Found) {
		if covers != nil && !covers(store.Absent{Fingerprint: id, Rule: f.Rule, File: f.File, Unit: f.Unit}) {
			next.kept[id] = f
		}
	}
	for id, f := range t.current.kept {
		keep(id, f)
	}
	if !r.Full {
		maps.Copy(next.found, t.current.found)
		maps.Copy(next.left, t.current.left)
		for _, id := range r.Gone {
			if f := next.found[id]; f != nil {
				keep(id, f)
			}
			delete(next.found, id)
			delete(next.left, id)
		}
	}
	for _, l := range r.Left {
		delete(next.found, l.ID)
		delete(next.kept, l.ID)
		next.left[l.ID] = l.Why
	}
	for i := range r.Found {
		f, err := foundOf(&r.Found[i])
		if err != nil {
			return nil, err
		}
		next.found[f.Fingerprint] = f
		delete(next.kept, f.Fingerprint)
		delete(next.left, f.Fingerprint)
	}
	return next, nil
}

// change is what a commit has, and what its first parent has, nil when that is not known.
type change struct{ before, next *findings }

// compare writes what differs between a commit and its first parent. Where the branch does not stand at that parent, the branch is told
// everything. What settings leave out, a commit neither brought nor fixed; and what they take in again, it did not bring. The delta is about
// fails that nothing suppresses, as the count of a commit's findings is: undecided ones are never added to them.
func (t *tracker) compare(out *store.Result, c change) {
	delta := &store.CommitDelta{}
	known := c.before != nil
	if !known {
		c.before = &findings{}
	}
	out.Full = !out.Side && (!known || out.Commit.Parent != t.stands)
	out.Left = map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(c.next.found)) {
		was := c.before.found[id]
		now := c.next.found[id]
		if counts(now) && !counts(was) && (was != nil || !c.before.has(id)) {
			delta.Added = append(delta.Added, id)
		}
		if out.Full || !out.Side && was != c.next.found[id] {
			out.Found = append(out.Found, *c.next.found[id])
		}
	}
	for id, why := range c.next.left {
		if _, already := c.before.left[id]; out.Full || !out.Side && !already {
			out.Left[id] = why
		}
	}
	var gone []string
	for id := range c.before.left {
		if !c.next.has(id) {
			gone = append(gone, id)
		}
	}
	for _, list := range [...]map[string]*store.Found{c.before.found, c.before.kept} {
		for id, was := range list {
			if c.next.has(id) {
				continue
			}
			gone = append(gone, id)
			if counts(was) {
				delta.Gone = append(delta.Gone, id)
			}
		}
	}
	slices.Sort(delta.Gone)
	slices.Sort(gone)
	if !out.Side && !out.Full {
		out.Gone = gone
	}
	switch {
	case known:
		out.Delta = delta
	case out.Side:
		out.Delta = &store.CommitDelta{} // nobody knows what it brought
	}
}

// counts tells whether something is a fail that nothing suppresses.
func counts(f *store.Found) bool { return f != nil && f.Outcome != "undecided" && !f.Suppressed }

// covers tells whether a scan with these problems looked at where a finding was: a file that could not be read or parsed to its end says
// nothing about its findings, nor does a unit whose evaluation was cut short, or of which a file is broken that all of it stands on.
func covers(problems []finding.Problem) func(store.Absent) bool {
	files, units := map[string]bool{}, map[string]bool{}
	for _, p := range problems {
		if p.Kind == source.Unresolved {
			continue
		}
		if p.Location.File != "" {
			files[p.Location.File] = true
		}
		switch {
		case p.Unit != "" && (p.Kind == source.Limit || p.Kind == source.Bug):
			units[p.Unit] = true
		case shared(p.Location.File):
			units[path.Dir(p.Location.File)] = true
		}
	}
	if len(files)+len(units) == 0 {
		return nil
	}
	return func(a store.Absent) bool { return !files[a.File] && !units[a.Unit] }
}

// shared tells whether all of a unit stands on a file: a file of a Terraform module, or what a chart or an overlay is made of. Manifests
// in a folder stand each on its own.
func shared(file string) bool {
	base := path.Base(file)
	for _, end := range [...]string{".tf", ".tf.json", ".tofu", ".tofu.json", ".tfvars", ".hcl", ".bicep"} {
		if strings.HasSuffix(base, end) {
			return true
		}
	}
	name := strings.TrimSuffix(strings.TrimSuffix(base, ".yaml"), ".yml")
	return name == "Chart" || name == "values" || name == "kustomization"
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
