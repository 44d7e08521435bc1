package fix

import (
	"slices"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// Combine joins the fixes of one declaration into wishes that are lowered together, so that what two rules want in one place
// is written once and in one piece. Fixes that contradict each other, or are alone, are left out; so are those that already
// share their text with a fix of another declaration.
func Combine(fixes []*Fix) []Wish {
	type place struct {
		dir  string
		file string
		at   int
		typ  string // what one line calls, of several types, begins where the line does
	}
	groups := make(map[place][]*Fix)
	var order []place
	for _, f := range fixes {
		t := f.Wishes[0].target()
		p := place{f.Wishes[0].Unit.Name.Dir, t.Range.File, t.Range.Start, t.Type}
		if slices.ContainsFunc(f.Wishes, func(w Wish) bool { return w.target().Range != t.Range }) {
			continue
		}
		if groups[p] == nil {
			order = append(order, p)
		}
		groups[p] = append(groups[p], f)
	}
	var out []Wish
	for _, p := range order {
		if len(groups[p]) < 2 {
			continue
		}
		var changes []resource.Change
		agree := true
		for _, f := range groups[p] {
			for _, c := range f.Wishes[0].Changes {
				changes, agree = add(changes, c)
				if !agree {
					break
				}
			}
		}
		if !agree {
			continue
		}
		for _, f := range groups[p] {
			for _, w := range f.Wishes {
				out = append(out, Wish{Unit: w.Unit, Key: w.Key, Changes: changes})
			}
		}
	}
	return out
}

// add joins a change to others about the same resource. It reports false when they contradict each other.
func add(changes []resource.Change, c resource.Change) ([]resource.Change, bool) {
	for i, have := range changes {
		switch {
		case c.Op == resource.Create && have.Op == resource.Create && c.New.Type == have.New.Type:
			body, ok := union(have.New.Body, c.New.Body)
			joined := slices.Clone(changes)
			joined[i].New = &resource.Companion{Type: c.New.Type, Body: body}
			return joined, ok
		case c.Op == resource.Create || have.Op == resource.Create:
		case c.Op == have.Op && slices.Equal(c.Path, have.Path) && c.Op != resource.Add:
			return changes, c.Value.Equal(&have.Value)
		case c.Op != have.Op && covers(names(c.Path), names(have.Path)):
			return changes, false
		}
	}
	return append(changes, c), true
}

// union joins two objects member by member. It reports false when a member would have two values.
func union(a, b value.Value) (value.Value, bool) {
	out := value.Value{Kind: value.Object, Fields: slices.Clone(a.Fields)}
	for _, f := range b.Fields {
		i := slices.IndexFunc(out.Fields, func(g value.Field) bool { return g.Name == f.Name })
		switch {
		case i < 0:
			out.Fields = append(out.Fields, f)
		case out.Fields[i].Value.Kind == value.Object && f.Value.Kind == value.Object:
			inner, ok := union(out.Fields[i].Value, f.Value)
			if !ok {
				return out, false
			}
			out.Fields[i].Value = inner
		case !out.Fields[i].Value.Equal(&f.Value):
			return out, false
		}
	}
	slices.SortFunc(out.Fields, func(x, y value.Field) int {
		if x.Name < y.Name {
			return -1
		}
		return 1
	})
	return out, true
}
