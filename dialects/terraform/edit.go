package terraform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform/edit"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Edit lowers wishes to text edits. What already holds needs none. A value that is nothing but a reference to a variable, a
// local or a module's output is changed where it is written; a value that an expression makes is replaced where it is used.
func (x *explainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	h, ok := r.Handle.(*handle)
	if !ok {
		return dialect.Lowered{}, fmt.Errorf("%s was not made by this dialect", r.Address)
	}
	u := h.scope.unit
	u.explaining.Lock()
	defer u.explaining.Unlock()
	problems := u.problems
	defer func() { u.problems = problems }()

	l := &lowering{unit: u}
	if err := l.resource(r, h, changes); err != nil {
		return dialect.Lowered{}, err
	}
	if err := l.finish(); err != nil {
		return dialect.Lowered{}, err
	}
	slices.SortStableFunc(l.edits, func(a, b source.Edit) int {
		if c := strings.Compare(a.Range.File, b.Range.File); c != 0 {
			return c
		}
		return a.Range.Start - b.Range.Start
	})
	return dialect.Lowered{Edits: l.edits}, nil
}

// lowering collects the edits for some wishes.
type lowering struct {
	unit      *evaluation
	edits     []source.Edit
	documents map[string]*jsonEdits // files in JSON, by path
}

// resource lowers the changes on one resource.
func (l *lowering) resource(r *resource.Resource, h *handle, changes []resource.Change) error {
	var here []resource.Change
	for _, c := range changes {
		if c.Op == resource.Create {
			continue
		}
		for _, c := range concrete(c, &r.Body) {
			if holds(c, &r.Body) {
				continue
			}
			if r.Type == "module" && c.Op == resource.Remove && len(c.Path) == 1 && c.Path[0].Name == "source" {
				return fmt.Errorf("%s: %s cannot be without its source", r.Range.File, r.Address)
			}
			done, err := l.atOrigin(h, c)
			if err != nil {
				return err
			}
			if !done {
				here = append(here, c)
			}
		}
	}
	switch {
	case len(here) == 0:
	case h.config != nil:
		if err := l.wrappedBackend(h, here); err != nil {
			return err
		}
	case strings.HasSuffix(r.Range.File, ".json"):
		if err := l.jsonBlock(r, h, here); err != nil {
			return err
		}
	default:
		t, err := l.target(r, h)
		if err != nil {
			return err
		}
		edits, err := edit.Wishes(t, here)
		if err != nil {
			return err
		}
		if err := l.join(edits); err != nil {
			return err
		}
	}
	for _, c := range changes {
		if c.Op == resource.Create {
			if err := l.companion(r, h, c.New); err != nil {
				return err
			}
		}
	}
	return nil
}

// target finds the block of a resource in its file's text.
func (l *lowering) target(r *resource.Resource, h *handle) (edit.Target, error) {
	f, body, err := l.file(r.Range.File)
	if err != nil {
		return edit.Target{}, err
	}
	b := edit.Block(body, r.Range.Start)
	if b == nil {
		return edit.Target{}, fmt.Errorf("%s: the block of %s is not there any more", r.Range.File, r.Address)
	}
	return edit.Target{File: f, Block: b, Schema: h.schema, Ref: referenceTo(r, h)}, nil
}

// file reads and parses a file that is to be edited.
func (l *lowering) file(path string) (*source.File, *hclsyntax.Body, error) {
	if fetched(path) {
		return nil, nil, errFetched(path)
	}
	f, p := l.unit.workspace.Read(path)
	if p != nil {
		return nil, nil, fmt.Errorf("%s: %s", path, p.Message)
	}
	known, ok := l.unit.plain.Load(path)
	if !ok {
		if offset, deep := tooDeep(f.Bytes, l.unit.limits.Nesting, false); deep {
			return nil, nil, fmt.Errorf("%s nests too deep at byte %d", path, offset)
		}
		tree, diags := hclsyntax.ParseConfig(f.Bytes, path, hcl.InitialPos)
		if diags.HasErrors() {
			return nil, nil, fmt.Errorf("%s does not parse", path)
		}
		known, _ = l.unit.plain.LoadOrStore(path, tree.Body)
	}
	return f, known.(*hclsyntax.Body), nil
}

// join adds edits; the same edit twice is one.
func (l *lowering) join(edits []source.Edit) error {
	for _, e := range edits {
		if slices.Contains(l.edits, e) {
			continue
		}
		for _, have := range l.edits {
			empty := e.Range.Start == e.Range.End || have.Range.Start == have.Range.End
			if have.Range.Overlaps(e.Range) && !empty {
				return fmt.Errorf("%s: the wishes contradict each other", e.Range.File)
			}
		}
		l.edits = append(l.edits, e)
	}
	return nil
}

// concrete turns a set wish on repeated blocks without numbers into one for each element. Every other wish stays as it is.
func concrete(c resource.Change, body *value.Value) []resource.Change {
	if c.Op != resource.Set {
		return []resource.Change{c}
	}
	v := body
	for i, s := range c.Path {
		if s.Name != "" && v.Kind == value.List {
			if len(v.Items) == 0 {
				return []resource.Change{c}
			}
			var out []resource.Change
			for n := range v.Items {
				path := slices.Concat(c.Path[:i], value.Path{{Index: n}}, c.Path[i:])
				out = append(out, concrete(resource.Change{Op: c.Op, Path: path, Value: c.Value}, body)...)
			}
			return out
		}
		v = v.At(value.Path{s})
	}
	return []resource.Change{c}
}

// holds reports whether what a change wishes for is so already.
func holds(c resource.Change, body *value.Value) bool {
	v := body.At(c.Path)
	switch c.Op {
	case resource.Set:
		if v.Kind == value.Object && c.Value.Kind == value.Object {
			return includes(v, &c.Value)
		}
		return same(v, &c.Value)
	case resource.Remove:
		return !v.IsSet() || v.Kind == value.List && len(v.Items) == 0 && !v.Open
	case resource.Add:
		if v.Kind == value.List {
			return slices.ContainsFunc(v.Items, func(item value.Value) bool { return includes(&item, &c.Value) })
		}
		return includes(v, &c.Value)
	}
	return false
}

// includes reports whether an object has all the members of a wished one. Members that refer to the resource itself are
// taken as they are.
func includes(v, wish *value.Value) bool {
	if v.Kind == value.List && len(v.Items) == 1 && wish.Kind == value.Object {
		v = &v.Items[0]
	}
	if v.Kind != value.Object || wish.Kind != value.Object {
		return same(v, wish)
	}
	for i := range wish.Fields {
		f := &wish.Fields[i]
		have := v.Field(f.Name)
		if refersToThis(&f.Value) && have.IsSet() {
			continue
		}
		if !includes(have, &f.Value) {
			return false
		}
	}
	return true
}

func refersToThis(v *value.Value) bool {
	return v.Kind == value.String && strings.Contains(v.Text, "${this.")
}

// same compares a value with a wish as the language converts: true and "true" are the same.
func same(v, wish *value.Value) bool {
	if v.Kind == value.List && wish.Kind == value.List {
		return !v.Open && len(v.Items) == len(wish.Items) && !slices.ContainsFunc(wish.Items, func(w value.Value) bool {
			return !slices.ContainsFunc(v.Items, func(i value.Value) bool { return same(&i, &w) })
		})
	}
	if wish.Kind == value.Null {
		return !v.IsSet()
	}
	return v.Equal(wish) || scalar(v) != "" && scalar(v) == scalar(wish)
}

// scalar is the text that a scalar converts to, with its kind's mark gone; "" for everything else.
func scalar(v *value.Value) string {
	switch v.Kind {
	case value.Bool:
		return fmt.Sprint(v.Bool)
	case value.Number:
		return v.Digits()
	case value.String:
		return v.Text
	}
	return ""
}

// referenceTo returns how an expression beside a resource names an attribute of it.
func referenceTo(r *resource.Resource, h *handle) func(string) string {
	if h.instance == nil || h.instance.decl == nil {
		return nil
	}
	address := h.instance.decl.key
	body := h.block.Body
	switch {
	case body.Attributes["for_each"] != nil:
		address += "[each.key]"
	case body.Attributes["count"] != nil:
		address += "[count.index]"
	}
	return func(path string) string { return address + "." + path }
}
