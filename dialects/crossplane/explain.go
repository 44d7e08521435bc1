package crossplane

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// explainer answers questions about an evaluated directory.
type explainer struct{ unit *evaluation }

// parameters is where the parameters of a manifest are.
var parameters = value.Path{{Name: "spec"}, {Name: "forProvider"}}

// nativeOf returns the manifest behind a resource, and the path of a value in its parameters.
func (u *evaluation) nativeOf(r *resource.Resource, p value.Path) (*manifest, value.Path) {
	if m, ok := r.Handle.(*manifest); ok { // Terraform does not have its type
		return m, p
	}
	m := u.byAddress[r.Address]
	if m == nil {
		return nil, nil
	}
	return m, u.table().Path(r, p)
}

// holder is the mapping that has the first name of a path: forProvider or initProvider. It is nil when none has.
func (m *manifest) holder(p value.Path) *document.Node {
	if len(p) == 0 {
		return nil
	}
	for _, w := range m.from {
		if w.name == p[0].Name {
			return w.in
		}
	}
	return nil
}

// Explain tells what an unknown waits for: the resource that a reference means, the secret, or the composite that a patch reads.
func (x *explainer) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	u := x.unit
	if u == nil {
		return dialect.Explanation{}
	}
	m, native := u.nativeOf(r, p)
	if m == nil {
		return dialect.Explanation{}
	}
	out := dialect.Explanation{}
	if len(native) > 0 {
		section := "forProvider"
		if h := m.holder(native); h != nil && h == m.node.Get("spec").Get("initProvider") {
			section = "initProvider"
		}
		out.Path = slices.Concat(value.Path{{Name: "spec"}, {Name: section}}, native).String()
	}
	v := m.native.Body.At(native)
	if v.Kind != value.Unknown && (len(native) > 0 && v.IsSet() || len(p) == 0) && v.IsWhollyKnown() {
		return out
	}
	for _, pt := range m.patches {
		if len(native) > 0 && pt.covers(native) {
			out.Waits = append(out.Waits, dialect.Wait{Name: "composite " + pt.from, Kind: "variable", Range: pt.at.Range})
		}
	}
	for _, e := range m.edges {
		if len(native) == 0 || len(e.path) < len(native) || !slices.Equal(e.path[:len(native)], native) {
			if len(native) < len(e.path) || len(e.path) == 0 || len(native) == 0 || !slices.Equal(native[:len(e.path)], e.path) {
				continue
			}
		}
		name := e.at.Key.Text
		if e.name != "" {
			name += " " + e.name
		}
		out.Waits = append(out.Waits, dialect.Wait{Name: name, Kind: "computed", Range: e.at.Range})
	}
	if len(out.Waits) == 0 && v.Kind == value.Unknown && v.Sensitive {
		out.Waits = append(out.Waits, dialect.Wait{Name: nameOf(native) + "SecretRef", Kind: "data", Range: v.Range})
	}
	if len(out.Waits) == 0 && len(p) > 0 && !r.Body.At(p).IsWhollyKnown() {
		out.Waits = append(out.Waits, dialect.Wait{Name: r.Address + "." + p.String(), Kind: "computed", Range: r.Header})
	}
	slices.SortStableFunc(out.Waits, func(a, b dialect.Wait) int { return strings.Compare(a.Name, b.Name) })
	out.Waits = slices.CompactFunc(out.Waits, func(a, b dialect.Wait) bool { return a.Name == b.Name })
	return out
}

// Edit lowers wishes to text edits: a parameter is changed where the manifest has it. What already holds needs no edit.
func (x *explainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	u := x.unit
	if u == nil {
		return dialect.Lowered{}, errors.New("the unit was not evaluated")
	}
	m, _ := u.nativeOf(r, nil)
	if m == nil {
		return dialect.Lowered{}, fmt.Errorf("%s was not made by this dialect", r.Address)
	}
	if problems := m.file.read().problems; len(problems) > 0 {
		return dialect.Lowered{}, fmt.Errorf("%s is not in order: %s", m.file.Path, problems[0].Message)
	}
	var wishes []translate.Wish
	if r.Handle == m {
		for _, c := range changes {
			if c.Op == resource.Create {
				return dialect.Lowered{}, fmt.Errorf("%s: no %s can be made beside it", r.Address, c.New.Type)
			}
			wishes = append(wishes, translate.Wish{Op: c.Op, Path: c.Path, Value: c.Value})
		}
	} else {
		var err error
		if wishes, err = u.table().Back(r, changes); err != nil {
			return dialect.Lowered{}, err
		}
	}
	var lowered []document.Change
	var titles []string
	for _, w := range wishes {
		c, err := m.lower(w)
		if err != nil {
			return dialect.Lowered{}, fmt.Errorf("%s: %w", r.Address, err)
		}
		title := string(w.Op) + " " + slices.Concat(parameters, w.Path).String()
		if shown := value.Show(&w.Value); w.Op == resource.Set && len(shown) <= 60 {
			title += " to " + shown
		}
		titles = append(titles, title)
		if c != nil {
			lowered = append(lowered, *c)
		}
	}
	if len(lowered) == 0 {
		return dialect.Lowered{}, nil
	}
	d := *m.file.read().document
	d.YAML11 = true
	edits, err := d.Edit(lowered)
	if err != nil {
		return dialect.Lowered{}, err
	}
	out := dialect.Lowered{Title: strings.Join(titles, ", "), Edits: edits}
	for _, o := range u.manifests {
		if o != m && slices.ContainsFunc(lowered, func(c document.Change) bool { return touches(&o.native.Body, c.At.Range) }) {
			out.Shared = append(out.Shared, o.native.Address)
		}
	}
	return out, nil
}

// touches reports whether a part of a value is written within a range: two manifests share an anchor.
func touches(v *value.Value, r source.Range) bool {
	for i := range v.Fields {
		if f := &v.Fields[i].Value; !f.Range.IsZero() && r.Contains(f.Range) || touches(f, r) {
			return true
		}
	}
	for i := range v.Items {
		if touches(&v.Items[i], r) {
			return true
		}
	}
	return false
}

// lower makes the change of the manifest for a wish; nil when it holds already.
func (m *manifest) lower(w translate.Wish) (*document.Change, error) {
	if w.Op == resource.Create || len(w.Path) == 0 {
		return nil, errors.New("no resource of its own can be written beside a manifest")
	}
	have := m.native.Body.At(w.Path)
	switch w.Op {
	case resource.Set:
		if have.Includes(&w.Value, (*value.Value).Equal) {
			return nil, nil
		}
	case resource.Remove:
		if !have.IsSet() {
			return nil, nil
		}
	case resource.Add:
		if slices.ContainsFunc(have.Items, func(v value.Value) bool { return v.Includes(&w.Value, (*value.Value).Equal) }) {
			return nil, nil
		}
	}
	for _, p := range m.patches {
		if p.covers(w.Path) {
			return nil, fmt.Errorf("a patch from %s writes %s", p.from, w.Path)
		}
	}
	at, path := m.holder(w.Path), w.Path
	if have := m.native.Body.Field(w.Path[0].Name); at == nil && have.Kind != value.Absent && have.Kind != value.Unknown {
		return nil, fmt.Errorf("%s is the name of the resource", w.Path)
	}
	if at != nil && at.Get(w.Path[0].Name) == nil { // a reference says it: what is written beside it counts
		if w.Op != resource.Set || len(w.Path) > 1 {
			return nil, fmt.Errorf("a reference to another resource says %s", w.Path)
		}
	}
	if at == nil {
		spec := m.node.Get("spec")
		if at = spec.Get("forProvider"); at == nil || at.Kind != document.Mapping {
			at, path = m.node, slices.Concat(parameters, w.Path)
		}
	}
	return &document.Change{Op: w.Op, At: at, Path: path, Value: w.Value}, nil
}
