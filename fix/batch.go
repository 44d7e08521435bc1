package fix

import (
	"regexp"
	"slices"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/rule"
)

// Fixes are tried in batches, and a fix that holds in a batch is offered alone. That is sound when no other fix of the batch
// can have helped it or hidden its harm, that is, when no verdict depends on two fixes of the batch. A verdict of a rule on
// a resource depends on what the rule's expression names: attributes of the resource, and, by type, of the resources next
// to it. So two fixes may share a batch when
//
//   - their edits do not touch, and each edits only the declaration of its own resource or a new one beside it, and
//   - for every resource that is next to both there is no rule that names what both change.
//
// A fix whose change reaches other resources (through a variable, a local, or a reference) is tried alone.

// words are the identifiers in a rule's expression.
type words struct {
	names map[string]bool
	all   []string // types of which it reads all resources
	whole bool     // the expression uses the resource as a whole
}

var (
	identifier = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_-]*`)
	readsAll   = regexp.MustCompile(`\ball\s*(?:\.\s*|\[\s*["'])(\w+)`)
	wholeThis  = regexp.MustCompile(`\bthis\b\s*($|[^.\s])`)
)

func (p *Prover) wordsOf(r *rule.Rule) words {
	w, ok := p.words[r]
	if !ok {
		w = words{names: make(map[string]bool), whole: wholeThis.MatchString(r.Require)}
		for _, name := range identifier.FindAllString(r.Require, -1) {
			w.names[name] = true
		}
		for _, m := range readsAll.FindAllStringSubmatch(r.Require, -1) {
			w.all = append(w.all, m[1])
		}
		if p.words == nil {
			p.words = make(map[*rule.Rule]words)
		}
		p.words[r] = w
	}
	return w
}

// atom is one attribute that a fix changes.
type atom struct {
	address string // of the resource that is fixed
	typ     string // of the resource that changes: its own type or the companion's
	name    string // of the attribute; empty for a companion
}

// touched is what a fix changes and the resources whose verdicts may see it.
type touched struct {
	fix   *Fix
	atoms []atom
	near  map[string]*resource.Resource // by unit and address
	wide  bool
}

func touchedBy(f *Fix) *touched {
	t := &touched{fix: f, near: make(map[string]*resource.Resource)}
	_, t.wide = f.elsewhere()
	t.wide = t.wide || len(f.Shared) > 0
	for i := range f.Wishes {
		w := &f.Wishes[i]
		r := w.target()
		prefix := w.Unit.Name.Dir + "\x00" + w.Unit.Name.Variant + "\x00"
		t.near[prefix+r.Address] = r
		for _, from := range w.Unit.Graph.Referrers(r, "") {
			t.near[prefix+from.Address] = from
		}
		for _, ref := range r.Refs {
			for _, to := range w.Unit.Graph.Targets(ref.Target) {
				t.near[prefix+to.Address] = to
			}
		}
		for _, c := range w.Changes {
			if c.Op == resource.Create {
				t.atoms = append(t.atoms, atom{r.Address, c.New.Type, ""})
			} else {
				t.atoms = append(t.atoms, atom{r.Address, r.Type, c.Path[0].Name})
			}
		}
		for _, whole := range w.Unit.Graph.Wholes(r) {
			t.near[prefix+whole.Address] = whole
			t.change(whole, w.Changes)
		}
		for _, part := range w.Unit.Graph.Referrers(r, "") {
			if slices.Contains(w.Unit.Graph.Wholes(part), r) {
				t.change(part, w.Changes)
				for _, inner := range w.Unit.Graph.Referrers(part, "") {
					if slices.Contains(w.Unit.Graph.Wholes(inner), r) {
						t.near[prefix+inner.Address] = inner
						t.change(inner, w.Changes)
					}
				}
			}
		}
		for _, p := range w.also {
			t.atoms = append(t.atoms, atom{r.Address, r.Type, p[0].Name})
		}
	}
	return t
}

// change notes what changes of a resource that is made of the same text as the one that changes are about: whatever is on their way.
func (t *touched) change(r *resource.Resource, changes []resource.Change) {
	for _, c := range changes {
		for _, name := range names(c.Path) {
			t.atoms = append(t.atoms, atom{r.Address, r.Type, name})
		}
	}
}

// sees reports whether a rule on a resource may read one of the atoms.
func (w words) sees(r *resource.Resource, atoms []atom) bool {
	return slices.ContainsFunc(atoms, func(a atom) bool {
		switch {
		case a.name == "": // a companion is next to the resource that it is made for, and to no other
			return a.address == r.Address && w.names[a.typ]
		case a.address == r.Address:
			return w.whole || w.names[a.name]
		}
		return w.names[a.typ]
	})
}

// conflict reports whether two fixes must not share a batch.
func (p *Prover) conflict(a, b *touched) bool {
	if a.wide || b.wide || touching(a, b) {
		return true
	}
	for key, r := range a.near {
		if b.near[key] == nil {
			continue
		}
		for _, ru := range p.Rules(r.Type) {
			if w := p.wordsOf(ru); w.sees(r, a.atoms) && w.sees(r, b.atoms) {
				return true
			}
		}
	}
	return p.global(a, b)
}

// global reports whether a rule may see both fixes because it reads all resources of a type.
func (p *Prover) global(a, b *touched) bool {
	for _, ru := range p.everywhere() {
		w := p.wordsOf(ru)
		all := func(x atom) bool { return slices.Contains(w.all, x.typ) }
		some := func(x atom) bool { return w.names[x.typ] || w.names[x.name] || w.whole }
		if slices.ContainsFunc(a.atoms, all) && slices.ContainsFunc(b.atoms, some) ||
			slices.ContainsFunc(b.atoms, all) && slices.ContainsFunc(a.atoms, some) {
			return true
		}
	}
	return false
}

// everywhere returns the rules on the types of the estate that read all resources of some type.
func (p *Prover) everywhere() []*rule.Rule {
	if p.reachAll == nil {
		p.reachAll = []*rule.Rule{}
		for _, u := range p.Units {
			for _, typ := range u.Graph.Types() {
				for _, ru := range p.Rules(typ) {
					if len(p.wordsOf(ru).all) > 0 && !slices.Contains(p.reachAll, ru) {
						p.reachAll = append(p.reachAll, ru)
					}
				}
			}
		}
	}
	return p.reachAll
}

// touching reports whether two fixes cannot be applied at once: their edits overlap, or both write the same attribute, block
// or companion of one resource. What is inserted at one place by two fixes stands there one below the other.
func touching(a, b *touched) bool {
	for _, x := range a.fix.Edits {
		for _, y := range b.fix.Edits {
			insertions := x.Range.Start == x.Range.End && y.Range.Start == y.Range.End
			if x.Range.Overlaps(y.Range) && !insertions {
				return true
			}
		}
	}
	return slices.ContainsFunc(a.atoms, func(x atom) bool { return slices.Contains(b.atoms, x) })
}

// batches splits fixes so that no two of a batch are in conflict. Those that must be tried alone come as batches of one.
func (p *Prover) batches(fixes []*Fix) [][]*Fix {
	var out [][]*touched
	for _, f := range fixes {
		t := touchedBy(f)
		i := slices.IndexFunc(out, func(batch []*touched) bool {
			return !slices.ContainsFunc(batch, func(other *touched) bool { return p.conflict(t, other) })
		})
		if i < 0 {
			i = len(out)
			out = append(out, nil)
		}
		out[i] = append(out[i], t)
	}
	batches := make([][]*Fix, len(out))
	for i, batch := range out {
		for _, t := range batch {
			batches[i] = append(batches[i], t.fix)
		}
	}
	return batches
}
