package fix

import (
	"errors"
	"slices"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

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
		case known && outcome == finding.Fail && old != finding.Fail:
			t.blame(p.seen(near(batch, before, after, key.Address), before, key), "it would turn %s on %s from %s to %s", key.Rule, key.Address, old, outcome)
		case old == finding.Fail && outcome == finding.Pass && p.Suppressed != nil && p.Suppressed(before, key) != "":
			t.blame(p.seen(near(batch, before, after, key.Address), before, key), "it would undo what is suppressed at %s", p.Suppressed(before, key))
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
		made := func(x *resource.Resource) bool {
			return slices.ContainsFunc(batch, func(f *Fix) bool { return f.makes(x.Type) })
		}
		if !made(r) && !slices.ContainsFunc(after.Graph.Resources, func(x *resource.Resource) bool { return x.Within == r.Address && made(x) }) {
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
