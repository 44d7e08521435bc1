package fix

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Prove leads every fix without an error through the gates; the ones that fail get an error. Shared is completed on the way.
// The error is of ctx.
func (p *Prover) Prove(ctx context.Context, fixes []*Fix) error {
	var open []*Fix
	for _, f := range fixes {
		if f.Err == nil {
			open = append(open, f)
		}
	}
	var again []*Fix
	for _, batch := range p.batches(open) {
		p.prove(ctx, batch)
		if len(batch) == 1 {
			continue
		}
		for _, f := range batch {
			if f.Err == nil && len(f.Shared) > 0 { // it reaches further than was known when the batch was made
				again = append(again, f)
			}
		}
	}
	for _, f := range again {
		p.prove(ctx, []*Fix{f})
	}
	return ctx.Err()
}

// maxTrials bounds the evaluations that proofs may cost, beside twenty for each unit: a tree in which every fix harms another
// rule must not make a scan endless.
const maxTrials = 100

var errTrials = errors.New("the fix was not tried: too many others failed before it")

// prove proves a batch: as a whole if possible, else without those that are to blame, else half by half.
func (p *Prover) prove(ctx context.Context, batch []*Fix) {
	if len(batch) == 0 || ctx.Err() != nil {
		return
	}
	if p.trials >= maxTrials+20*len(p.Units) {
		for _, f := range batch {
			f.Err = errTrials
		}
		return
	}
	t := p.try(ctx, batch)
	if t.ok() {
		t.share()
		return
	}
	if len(batch) == 1 {
		batch[0].Err = t.first
		return
	}
	var rest []*Fix
	for _, f := range batch {
		if t.blamed[f] == nil {
			rest = append(rest, f)
		}
	}
	if len(rest) == len(batch) {
		half := len(batch) / 2
		p.prove(ctx, batch[:half])
		p.prove(ctx, batch[half:])
		return
	}
	p.prove(ctx, rest)
	for _, f := range batch {
		if t.blamed[f] != nil {
			p.prove(ctx, []*Fix{f})
		}
	}
}

// Together returns the largest part of the fixes that was found to hold applied at once, with the files after it. The first
// fix of a finding, and of a place, is taken. What does not fit is left out: another round may take it.
func (p *Prover) Together(ctx context.Context, fixes []*Fix) ([]*Fix, []*source.File, error) {
	var set []*Fix
	mended := make(map[*dialect.Unit]map[Key]bool)
	for _, f := range fixes {
		done := slices.ContainsFunc(f.Wishes, func(w Wish) bool { return mended[w.Unit][w.Key] })
		if f.Err != nil || done || slices.ContainsFunc(set, func(o *Fix) bool { return overlapping(f, o) }) {
			continue
		}
		set = append(set, f)
		for _, w := range f.Wishes {
			if mended[w.Unit] == nil {
				mended[w.Unit] = make(map[Key]bool)
			}
			mended[w.Unit][w.Key] = true
		}
	}
	for len(set) > 0 && ctx.Err() == nil {
		t := p.try(ctx, set)
		if t.ok() {
			t.share()
			return set, t.files, nil
		}
		rest := slices.DeleteFunc(slices.Clone(set), func(f *Fix) bool { return t.blamed[f] != nil })
		if len(rest) == len(set) || len(rest) == 0 {
			rest = set[:len(set)/2]
		}
		set = rest
	}
	return nil, nil, ctx.Err()
}

// overlapping reports whether two fixes cannot be applied together: they change the same text, or both write into one place
// of one resource and so might write the same thing twice.
func overlapping(a, b *Fix) bool {
	for _, x := range a.Edits {
		for _, y := range b.Edits {
			if x.Range.Overlaps(y.Range) {
				return true
			}
		}
	}
	return false
}

// trial is what came of trying a batch.
type trial struct {
	files  []*source.File // as they are after the edits
	blamed map[*Fix]error
	err    error // a failure that cannot be pinned on one fix
	first  error // the first failure of all
	shared map[*Fix]map[string]bool
}

func (t *trial) ok() bool { return t.err == nil && len(t.blamed) == 0 }

func (t *trial) share() {
	for f, addresses := range t.shared {
		for _, a := range f.Shared {
			addresses[a] = true
		}
		f.Shared = slices.Sorted(maps.Keys(addresses))
	}
}

// blame holds fixes responsible for a failure; nobody means the batch as a whole.
func (t *trial) blame(fixes []*Fix, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if t.first == nil {
		t.first = err
	}
	for _, f := range fixes {
		if t.blamed[f] == nil {
			t.blamed[f] = err
		}
	}
	if len(fixes) == 0 && t.err == nil {
		t.err = err
	}
}

// try applies a batch in memory and leads it through the gates.
func (p *Prover) try(ctx context.Context, batch []*Fix) *trial {
	t := &trial{blamed: make(map[*Fix]error), shared: make(map[*Fix]map[string]bool)}
	edits := make(map[string][]source.Edit)
	for _, f := range batch {
		for _, e := range f.Edits {
			edits[e.Range.File] = append(edits[e.Range.File], e)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(edits)) {
		before := p.File(path)
		if before == nil {
			t.blame(nil, "%s cannot be read", path)
			return t
		}
		after, err := source.Apply(before.Bytes, edits[path])
		if err != nil {
			t.blame(nil, "%w", err)
			return t
		}
		t.files = append(t.files, &source.File{Path: path, Bytes: after})
	}
	estate, problems := p.Estate.With(ctx, t.files)
	for _, problem := range problems {
		known := slices.ContainsFunc(p.Problems, func(k source.Problem) bool {
			return k.Range.File == problem.Range.File && k.Message == problem.Message
		})
		if !known {
			t.blame(editing(batch, problem.Range.File), "after it there is a new problem in %s: %s", problem.Range.File, problem.Message)
		}
	}
	if !t.ok() {
		return t
	}
	for _, unit := range p.Units {
		if !slices.ContainsFunc(t.files, func(f *source.File) bool { return reads(unit, f.Path) }) {
			continue
		}
		p.trials++
		after := estate.Evaluate(ctx, unit.Name)
		if ctx.Err() != nil {
			t.blame(nil, "%w", ctx.Err())
			return t
		}
		p.compareProblems(t, batch, unit, after)
		p.compareResources(t, batch, unit, after)
		p.compareVerdicts(t, batch, unit, after)
		for _, f := range batch {
			t.wishAgain(f, unit, after)
		}
	}
	return t
}

func reads(u *dialect.Unit, path string) bool {
	_, ok := slices.BinarySearch(u.Reads.Files, path)
	return ok
}

// editing returns the fixes that edit a file, when it is but one; blaming many says nothing.
func editing(batch []*Fix, path string) []*Fix {
	var out []*Fix
	for _, f := range batch {
		if slices.ContainsFunc(f.Edits, func(e source.Edit) bool { return e.Range.File == path }) {
			out = append(out, f)
		}
	}
	if len(out) > 1 {
		return nil
	}
	return out
}

// compareProblems is gate 1: evaluation meets no problem that it did not meet before. Places move, so that messages count.
func (p *Prover) compareProblems(t *trial, batch []*Fix, before, after *dialect.Unit) {
	known := p.problems[before]
	if known == nil {
		known = countProblems(before.Problems)
		if p.problems == nil {
			p.problems = make(map[*dialect.Unit]map[string]int)
		}
		p.problems[before] = known
	}
	for message, n := range countProblems(after.Problems) {
		if n > known[message] {
			t.blame(nil, "after it there is a new problem: %s", message)
		}
	}
}

func countProblems(problems []source.Problem) map[string]int {
	out := make(map[string]int)
	for _, p := range problems {
		out[p.Message]++
	}
	return out
}

// badness orders outcomes.
var badness = map[finding.Outcome]int{finding.Pass: 1, finding.Undecided: 2, finding.Fail: 3}

// compareVerdicts is gates 2 and 3.
func (p *Prover) compareVerdicts(t *trial, batch []*Fix, before, after *dialect.Unit) {
	was := p.verdictsOf(before)
	is := p.Judge(after)
	mended := make(map[Key]*Fix)
	for _, f := range batch {
		for _, w := range f.Wishes {
			if w.Unit != before {
				continue
			}
			mended[w.Key] = f
			if outcome := is[w.Key]; outcome != finding.Pass {
				said := "cannot judge"
				if outcome != 0 {
					said = "says " + outcome.String() + " of"
				}
				t.blame([]*Fix{f}, "after it %s still %s %s", w.Key.Rule, said, w.Key.Address)
			}
		}
	}
	for key, outcome := range is {
		if mended[key] != nil {
			continue
		}
		old, known := was[key]
		switch {
		case known && badness[outcome] > badness[old]:
			t.blame(p.seen(near(batch, before, after, key.Address), before, key), "it would turn %s on %s from %s to %s", key.Rule, key.Address, old, outcome)
		case !known && outcome == finding.Fail:
			t.blame(near(batch, before, after, key.Address), "what it writes would break %s on %s", key.Rule, key.Address)
		}
	}
	for key, old := range was {
		if _, known := is[key]; !known && old == finding.Pass && mended[key] == nil {
			t.blame(near(batch, before, after, key.Address), "after it %s cannot be judged on %s", key.Rule, key.Address)
		}
	}
}

// Verdict returns what a rule says of a resource before any fix; the zero when it says nothing.
func (p *Prover) Verdict(u *dialect.Unit, key Key) finding.Outcome { return p.verdictsOf(u)[key] }

func (p *Prover) verdictsOf(u *dialect.Unit) Verdicts {
	v, ok := p.verdicts[u]
	if !ok {
		v = p.Judge(u)
		if p.verdicts == nil {
			p.verdicts = make(map[*dialect.Unit]Verdicts)
		}
		p.verdicts[u] = v
	}
	return v
}

// near returns the fixes of a batch that may have caused a change of the resource with that address: those of its own
// declaration, else those of its neighbours.
func near(batch []*Fix, before, after *dialect.Unit, address string) []*Fix {
	r := after.Graph.ByAddress(address)
	if old := before.Graph.ByAddress(address); old != nil {
		r = old
	}
	var own, around []*Fix
	for _, f := range batch {
		for i := range f.Wishes {
			w := &f.Wishes[i]
			target := w.target()
			if w.Unit != before || r == nil {
				continue
			}
			if target.Range == r.Range {
				own = append(own, f)
				break
			}
			if refers(after, r.Address, w.Key.Address) || refers(after, w.Key.Address, r.Address) {
				around = append(around, f)
				break
			}
		}
	}
	if len(own) > 0 {
		return own
	}
	return around
}

// seen returns the fixes whose changes the rule of a verdict may see; all of them when it names none.
func (p *Prover) seen(fixes []*Fix, u *dialect.Unit, key Key) []*Fix {
	r := u.Graph.ByAddress(key.Address)
	if r == nil {
		return fixes
	}
	i := slices.IndexFunc(p.Rules(r.Type), func(ru *rule.Rule) bool { return ru.ID == key.Rule })
	if i < 0 {
		return fixes
	}
	w := p.wordsOf(p.Rules(r.Type)[i])
	var out []*Fix
	for _, f := range fixes {
		if w.sees(r, touchedBy(f).atoms) {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return fixes
	}
	return out
}

// refers reports whether the resource at from refers to the one at to.
func refers(u *dialect.Unit, from, to string) bool {
	r := u.Graph.ByAddress(from)
	return r != nil && slices.ContainsFunc(r.Refs, func(ref resource.Ref) bool {
		return slices.ContainsFunc(u.Graph.Targets(ref.Target), func(x *resource.Resource) bool { return x.Address == to })
	})
}

// compareResources is gate 4.
func (p *Prover) compareResources(t *trial, batch []*Fix, before, after *dialect.Unit) {
	for _, old := range before.Graph.Resources {
		now := after.Graph.ByAddress(old.Address)
		if now == nil {
			t.blame(near(batch, before, after, old.Address), "after it there is no %s", old.Address)
			continue
		}
		if now.Type != old.Type || now.Provider != old.Provider || now.Maybe != old.Maybe {
			t.blame(near(batch, before, after, old.Address), "it would change what %s is", old.Address)
		}
		for _, path := range difference(&old.Body, &now.Body, nil, nil) {
			p.changed(t, batch, before, old, path)
		}
	}
	for _, r := range after.Graph.Resources {
		if before.Graph.ByAddress(r.Address) != nil {
			continue
		}
		if !slices.ContainsFunc(batch, func(f *Fix) bool { return f.makes(r.Type) }) {
			t.blame(near(batch, before, after, r.Address), "it would create %s, which was not wished for", r.Address)
		}
	}
}

func (f *Fix) makes(typ string) bool {
	return slices.ContainsFunc(f.Wishes, func(w Wish) bool {
		return slices.ContainsFunc(w.Changes, func(c resource.Change) bool { return c.Op == resource.Create && c.New.Type == typ })
	})
}

// changed finds out who may have changed the attribute at path of a resource, and blames whoever had not declared it.
func (p *Prover) changed(t *trial, batch []*Fix, unit *dialect.Unit, r *resource.Resource, path value.Path) {
	var own, reach []*Fix
	for _, f := range batch {
		switch f.relation(unit, r, path) {
		case declared:
			return
		case sharing:
			t.sharedBy(f, unit, r)
			return
		case undeclared:
			own = append(own, f)
		case reaching:
			reach = append(reach, f)
		}
	}
	if len(own) > 0 {
		t.blame(own, "it would change %s of %s too", path, r.Address)
		return
	}
	for _, f := range reach {
		t.sharedBy(f, unit, r)
	}
	if len(reach) == 0 {
		t.blame(nil, "it would change %s of %s, which has nothing to do with it", path, r.Address)
	}
}

// sharedBy notes that a resource changes with a fix. Variables, outputs and module calls are the way on which values come;
// only what is deployed counts.
func (t *trial) sharedBy(f *Fix, unit *dialect.Unit, r *resource.Resource) {
	if r.Provider == "" || strings.HasPrefix(r.Type, "data.") || strings.HasPrefix(r.Type, "provider.") {
		return
	}
	if t.shared[f] == nil {
		t.shared[f] = make(map[string]bool)
	}
	t.shared[f][addressFrom(f.Wishes[0].Unit, unit, r.Address)] = true
}

// addressFrom returns an address in a unit as it is shown to someone who looks at the unit here.
func addressFrom(here, unit *dialect.Unit, address string) string {
	if unit.Name.Dir == here.Name.Dir {
		return address
	}
	return address + " in " + unit.Name.Dir
}

// Others returns the addresses of all resources that change with the one of a wish, mended and unmended ones, sorted.
func (f *Fix) Others(w Wish) []string {
	out := slices.Clone(f.Shared)
	for _, o := range f.Wishes {
		if o.Unit.Name.Dir != w.Unit.Name.Dir || o.Key.Address != w.Key.Address {
			out = append(out, addressFrom(w.Unit, o.Unit, o.Key.Address))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

type relation int

const (
	none       relation = iota
	declared            // the fix wishes for this
	sharing             // the resource is made by the same text, or by text that the fix edits for another
	undeclared          // the fix is about this resource but not about this attribute
	reaching            // the resource reads what the fix changes
)

// relation says what a fix has to do with an attribute of a resource.
func (f *Fix) relation(unit *dialect.Unit, r *resource.Resource, path value.Path) relation {
	best := none
	for i := range f.Wishes {
		w := &f.Wishes[i]
		target := w.target()
		switch {
		case w.Unit == unit && w.Key.Address == r.Address:
			if declares(w.Changes, true, r.Type, path) {
				return declared
			}
			best = undeclared
		case declares(w.Changes, false, r.Type, path) && (w.Unit != unit || refers(unit, r.Address, w.Key.Address)):
			return declared // a companion that was there
		case target.Range == r.Range:
			if declares(w.Changes, true, r.Type, path) {
				best = sharing
			} else if best == none {
				best = undeclared
			}
		}
	}
	if best != none {
		return best
	}
	if _, is := f.elsewhere(); is {
		return reaching
	}
	for i := range f.Wishes {
		w := &f.Wishes[i]
		if r.Provider == "" || w.Unit == unit && refers(unit, r.Address, w.Key.Address) {
			return reaching
		}
	}
	return none
}

// errAgain is why a fix that is not stable is refused.
var errAgain = errors.New("applied twice it would change the files twice")

// wishAgain is gate 5.
func (t *trial) wishAgain(f *Fix, before, after *dialect.Unit) {
	for _, w := range f.Wishes {
		if w.Unit != before {
			continue
		}
		r := after.Graph.ByAddress(w.Key.Address)
		if r == nil {
			continue // gate 4 said so
		}
		if again, err := after.Edit(r, w.Changes); err != nil || len(again.Edits) > 0 {
			t.blame([]*Fix{f}, "%w", errAgain)
			return
		}
	}
}
