package pipelines

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Edit lowers wishes to text edits of the files that a resource is written in. What already holds needs no edit.
func (x *explainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	h, ok := r.Handle.(*Handle)
	if !ok || x.unit == nil {
		return dialect.Lowered{}, fmt.Errorf("%s was not made by this dialect", r.Address)
	}
	var out dialect.Lowered
	var wishes []document.Change
	var titles []string
	for _, c := range changes {
		l, err := h.lower(r, c)
		if err != nil {
			return dialect.Lowered{}, fmt.Errorf("%s: %w", r.Address, err)
		}
		wishes = append(wishes, l.Changes...)
		out.Edits = append(out.Edits, l.Edits...)
		out.Also = append(out.Also, l.Also...)
		if l.Title != "" {
			titles = append(titles, l.Title)
		}
	}
	edits, err := x.unit.edits(wishes)
	if err != nil {
		return dialect.Lowered{}, fmt.Errorf("%s: %w", r.Address, err)
	}
	out.Edits = append(out.Edits, edits...)
	if len(out.Edits) == 0 {
		return dialect.Lowered{}, nil
	}
	if err := x.unit.apart(out.Edits); err != nil {
		return dialect.Lowered{}, fmt.Errorf("%s: %w", r.Address, err)
	}
	out.Also = append(out.Also, h.Also...)
	out.Shared = x.unit.sharedWith(r, out.Edits)
	out.Title = strings.Join(slices.Compact(titles), ", ")
	return out, nil
}

// lower lowers one change.
func (h *Handle) lower(r *resource.Resource, c resource.Change) (Lowering, error) {
	if h.Lower != nil {
		if l, done, err := h.Lower(c); done || err != nil {
			return l, err
		}
	}
	if c.Op == resource.Create {
		return Lowering{}, fmt.Errorf("no %s can be made beside it", c.New.Type)
	}
	if len(c.Path) == 0 {
		return Lowering{}, errors.New("the wish names nothing")
	}
	native, written := h.native(c.Path)
	if !written || h.Node == nil || len(native) == 0 {
		return Lowering{}, fmt.Errorf("%s is worked out of other things and cannot be written", c.Path)
	}
	l := Lowering{Title: title(c, slices.Concat(h.Prefix, native))}
	have := r.Body.At(c.Path)
	switch {
	case c.Op == resource.Set && have.Includes(&c.Value, (*value.Value).Equal),
		c.Op == resource.Remove && !have.IsSet() && !reached(h.Node, native),
		c.Op == resource.Add && slices.ContainsFunc(have.Items, func(v value.Value) bool { return v.Includes(&c.Value, (*value.Value).Equal) }):
		return l, nil
	}
	if n := last(h.Node, native); n != nil && n.Kind == document.Scalar && strings.Contains(n.Text, "${{") {
		return l, fmt.Errorf("%s is made of an expression, and its parts cannot be changed", native)
	}
	l.Changes = []document.Change{{Op: c.Op, At: h.Node, Path: native, Value: c.Value}}
	return l, nil
}

func title(c resource.Change, native value.Path) string {
	t := string(c.Op) + " " + native.String()
	if shown := value.Show(&c.Value); c.Op == resource.Set && len(shown) <= 60 {
		t += " to " + shown
	}
	return t
}

// follow goes one step into a node.
func follow(n *document.Node, s value.Step) *document.Node {
	switch {
	case n == nil:
	case s.Name != "":
		return n.Get(s.Name)
	case n.Kind == document.Sequence && s.Index < len(n.Items):
		return n.Items[s.Index]
	}
	return nil
}

// reached reports whether something is written at a path.
func reached(n *document.Node, p value.Path) bool {
	for _, s := range p {
		n = follow(n, s)
	}
	return n != nil
}

// last returns the last node before the end of a path, or nil when the whole path or nothing of it is there.
func last(n *document.Node, p value.Path) *document.Node {
	for i, s := range p {
		next := follow(n, s)
		if next == nil {
			if i == 0 {
				return nil
			}
			return n
		}
		n = next
	}
	return nil
}

// edits makes the edits of changes, file by file.
func (u *Unit) edits(changes []document.Change) ([]source.Edit, error) {
	byFile := map[string][]document.Change{}
	for _, c := range changes {
		byFile[c.At.Range.File] = append(byFile[c.At.Range.File], c)
	}
	var out []source.Edit
	for _, path := range slices.Sorted(maps.Keys(byFile)) {
		f := cmp.Or(u.files[path], u.others[path])
		if f == nil {
			return nil, fmt.Errorf("%s is not part of the pipeline", path)
		}
		if problems := f.Problems(); len(problems) > 0 {
			return nil, fmt.Errorf("%s is not in order: %s", path, problems[0].Message)
		}
		edits, err := f.Document().Edit(byFile[path])
		if err != nil {
			return nil, err
		}
		out = append(out, edits...)
	}
	return out, nil
}

// apart holds that edits do not touch each other.
func (u *Unit) apart(edits []source.Edit) error {
	byFile := map[string][]source.Edit{}
	for _, e := range edits {
		byFile[e.Range.File] = append(byFile[e.Range.File], e)
	}
	for path, of := range byFile {
		f := u.source(path)
		if f == nil {
			return fmt.Errorf("%s is not part of the pipeline", path)
		}
		if _, err := source.Apply(f.Bytes, of); err != nil {
			return errors.New("two of the changes are at one place")
		}
	}
	return nil
}

// sharedWith returns the addresses of the resources, elsewhere in the unit, that are made of the text which is edited: an anchor.
func (u *Unit) sharedWith(r *resource.Resource, edits []source.Edit) []string {
	var out []string
	for _, o := range u.resources {
		if o == r || o.Range.Overlaps(r.Range) {
			continue
		}
		if slices.ContainsFunc(edits, func(e source.Edit) bool {
			return !o.Range.Contains(e.Range) && (touches(&o.Body, e.Range) || madeOf(o, e.Range))
		}) {
			out = append(out, o.Address)
		}
	}
	slices.Sort(out)
	return out
}

// madeOf reports whether an attribute of a resource was made of something that is written where something is edited.
func madeOf(o *resource.Resource, at source.Range) bool {
	h, ok := o.Handle.(*Handle)
	if !ok || h.Trace == nil {
		return false
	}
	for i := range o.Body.Fields {
		for _, s := range h.Trace(value.Path{{Name: o.Body.Fields[i].Name}}) {
			if !s.Range.IsZero() && (s.Range.Overlaps(at) || s.Range.Contains(at)) {
				return true
			}
		}
	}
	return false
}

// touches reports whether a part of a value is written where something is edited.
func touches(v *value.Value, at source.Range) bool {
	overlaps := func(r source.Range) bool { return !r.IsZero() && (r.Overlaps(at) || r.Contains(at)) }
	for i := range v.Fields {
		if f := &v.Fields[i].Value; overlaps(f.Range) || touches(f, at) {
			return true
		}
	}
	for i := range v.Items {
		if f := &v.Items[i]; overlaps(f.Range) || touches(f, at) {
			return true
		}
	}
	return false
}
