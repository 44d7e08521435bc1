package fix

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// relation says what a fix has to do with an attribute of a resource.
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
			if declares(w.Changes, true, r.Type, path) || w.brings(path) {
				return declared
			}
			best = undeclared
		case declares(w.Changes, false, r.Type, path) && (w.Unit == unit && refers(unit, r.Address, w.Key.Address) || f.edits(r)):
			return declared // a companion that was there
		case f.isPart(w, unit, r):
			return declared // it is made of the same text
		case w.Unit == unit && slices.Contains(f.Shared, r.Address):
			best = sharing
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

// isPart reports whether a resource is a part of what a wish is about, or has it as a part. In another unit that is what the same text
// makes there: overlays of a base give it other names and namespaces.
func (f *Fix) isPart(w *Wish, unit *dialect.Unit, r *resource.Resource) bool {
	target := w.target()
	part := func(of *resource.Resource) bool {
		return slices.Contains(unit.Graph.Wholes(of), r) || slices.Contains(unit.Graph.Wholes(r), of)
	}
	if w.Unit == unit {
		return part(target)
	}
	return slices.ContainsFunc(unit.Graph.ByType(target.Type), func(there *resource.Resource) bool {
		return there.Range == target.Range && part(there)
	})
}

// brings reports whether the dialect said that an attribute of the target changes with what is wished.
func (w *Wish) brings(path value.Path) bool {
	return slices.ContainsFunc(w.also, func(p value.Path) bool { return covers(names(p), names(path)) })
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

// edits reports whether the fix edits the declaration of a resource.
func (f *Fix) edits(r *resource.Resource) bool {
	return slices.ContainsFunc(f.Edits, func(e source.Edit) bool { return r.Range.Contains(e.Range) })
}
