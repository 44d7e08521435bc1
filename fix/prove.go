package fix

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
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

// maxWork bounds them likewise by the resources that are evaluated, beside twenty times those of the estate.
const maxWork = 20_000

// maxDoomed is how many fixes of a rule may fail alone, without one that holds, before the others that were blamed together
// with them are believed to fail too: what dooms the fix of a rule is mostly another rule on the same type.
const maxDoomed = 3

// exhausted reports whether proofs have cost enough.
func (p *Prover) exhausted() bool {
	resources := 0
	for _, u := range p.Units {
		resources += len(u.Graph.Resources)
	}
	return p.trials >= maxTrials+20*len(p.Units) || p.work >= maxWork+20*resources
}

var errTrials = errors.New("the fix was not tried: too many others failed before it")

// prove proves a batch: as a whole if possible, else without those that are to blame, else half by half.
func (p *Prover) prove(ctx context.Context, batch []*Fix) {
	if len(batch) == 0 || ctx.Err() != nil {
		return
	}
	if p.exhausted() {
		for _, f := range batch {
			f.Err = errTrials
		}
		return
	}
	t := p.try(ctx, batch)
	if t.ok() {
		if len(batch) == 1 { // now it is known what changes; before it was known what might
			batch[0].Shared = nil
		}
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
	doomed := make(map[string]int) // by rule
	for _, f := range batch {
		id := f.Wishes[0].Key.Rule
		switch {
		case t.blamed[f] == nil:
			continue
		case doomed[id] >= maxDoomed:
			f.Err = t.blamed[f]
			continue
		}
		p.prove(ctx, []*Fix{f})
		if f.Err != nil {
			doomed[id]++
		} else {
			doomed[id] = -len(batch) // it is not the rule
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

// share notes what else changed with each fix.
func (t *trial) share() {
	for f, addresses := range t.shared {
		for _, a := range f.Shared {
			addresses[a] = true
		}
		for i := range f.Wishes { // what it mends does not change besides
			w := &f.Wishes[i]
			delete(addresses, addressFrom(f.Wishes[0].Unit, w.Unit, w.Key.Address))
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
		p.work += len(unit.Graph.Resources)
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
