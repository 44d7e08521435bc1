package pulumi

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// Edit lowers wishes to text edits: a property is changed where the resource has it. What already holds needs no edit.
func (x *explainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	u := x.unit
	if u == nil {
		return dialect.Lowered{}, errors.New("the unit was not evaluated")
	}
	var out dialect.Lowered
	var err error
	u.quietly(func() {
		l := &lowering{unit: u}
		if err = l.lower(r, changes); err == nil {
			out, err = l.finish()
		}
	})
	return out, err
}

// lowering collects the changes of the program for some wishes.
type lowering struct {
	unit    *evaluation
	of      *declaration
	changes []document.Change
	titles  []string
	shared  []string     // other parts of an object that change with it
	also    []value.Path // see dialect.Lowered
}

func (l *lowering) lower(r *resource.Resource, changes []resource.Change) error {
	d, _ := l.unit.nativeOf(r, nil)
	if d == nil {
		return l.declared(r, changes)
	}
	l.of = d
	for _, p := range l.unit.unit.program.read().problems {
		return fmt.Errorf("%s is not in order: %s", p.Range.File, p.Message)
	}
	if declarationOf(r) == d {
		return l.object(r, d, changes)
	}
	var wishes []translate.Wish
	if r.Handle == d { // Terraform does not have its type
		for _, c := range changes {
			if c.Op == resource.Create {
				return fmt.Errorf("%s: no %s can be made beside a resource of type %s", r.Address, c.New.Type, d.typ)
			}
			wishes = append(wishes, translate.Wish{Op: c.Op, Path: c.Path, Value: c.Value})
		}
	} else {
		var err error
		if wishes, err = l.unit.table().Back(r, changes); err != nil {
			return err
		}
	}
	for _, w := range wishes {
		if err := l.wish(d, w); err != nil {
			return err
		}
	}
	return nil
}

// declared lowers wishes about an entry of the configuration or an output.
func (l *lowering) declared(r *resource.Resource, changes []resource.Change) error {
	m, ok := r.Handle.(*document.Member)
	if !ok {
		return fmt.Errorf("%s was not made by this dialect", r.Address)
	}
	words := map[string]string{"default": "default", "sensitive": "secret"}
	for _, c := range changes {
		word := ""
		if len(c.Path) == 1 {
			word = words[c.Path[0].Name]
		}
		if r.Type != "variable" || word == "" || c.Op != resource.Set && c.Op != resource.Remove || m.Value.Kind != document.Mapping {
			return fmt.Errorf("%s: %s cannot be changed here", r.Address, c.Path)
		}
		l.titles = append(l.titles, string(c.Op)+" "+word)
		if have := r.Body.At(c.Path); c.Op == resource.Set && have.Includes(&c.Value, (*value.Value).SameWord) || c.Op == resource.Remove && !have.IsSet() {
			continue
		}
		l.changes = append(l.changes, document.Change{Op: c.Op, At: m.Value, Path: value.Path{{Name: word}}, Value: c.Value})
	}
	return nil
}

func (l *lowering) wish(d *declaration, w translate.Wish) error {
	if w.Op == resource.Create {
		l.titles = append(l.titles, "create "+w.Type)
		return l.create(d, w)
	}
	if len(w.Path) == 0 {
		return errors.New("the wish names no property")
	}
	title := string(w.Op) + " " + w.Path.String()
	if shown := value.Show(&w.Value); w.Op == resource.Set && len(shown) <= 60 {
		title += " to " + shown
	}
	l.titles = append(l.titles, title)
	have := d.native.Body.At(w.Path)
	switch w.Op {
	case resource.Set:
		if have.Includes(&w.Value, (*value.Value).SameWord) {
			return nil
		}
	case resource.Remove:
		if !have.IsSet() {
			return nil
		}
	case resource.Add:
		if slices.ContainsFunc(have.Items, func(v value.Value) bool { return v.Includes(&w.Value, (*value.Value).SameWord) }) {
			return nil
		}
	}
	at, path := d.properties, w.Path
	if at == nil || at.Kind != document.Mapping {
		at, path = d.member.Value, append(value.Path{{Name: "properties"}}, w.Path...)
	}
	if name, _ := called(at); name != "" || at.Kind != document.Mapping {
		return fmt.Errorf("%s: a function makes its properties", d.name)
	}
	// What lies on the way must be written, or be missing altogether.
	n, rest := locate(at, path)
	if len(rest) > 0 && n != nil && !n.IsNull() {
		if name, _ := called(n); name != "" {
			return fmt.Errorf("%s: fn::%s makes %s, and its parts cannot be changed", d.name, name, path[:len(path)-len(rest)])
		}
		if a := only(n); a != nil {
			return fmt.Errorf("%s: %s is ${%s}, and its parts cannot be changed here", d.name, path[:len(path)-len(rest)], a.text)
		}
	}
	if w.Op == resource.Add && len(rest) == 0 {
		if name, _ := called(n); name != "" {
			return fmt.Errorf("%s: fn::%s makes %s, and nothing can be added to it", d.name, name, w.Path)
		}
	}
	l.changes = append(l.changes, document.Change{Op: w.Op, At: at, Path: path, Value: literalText(w.Value, d.name)})
	return nil
}

// literalText writes texts so that they mean themselves; ${this.x} is the resource.
func literalText(v value.Value, this string) value.Value {
	switch v.Kind {
	case value.String:
		if rest, ok := strings.CutPrefix(v.Text, "${this"); ok && strings.HasSuffix(rest, "}") && (rest == "}" || rest[0] == '.') {
			v.Text = "${" + reference(this) + rest
			return v
		}
		v.Text = escaped(v.Text)
	case value.List:
		v.Items = slices.Clone(v.Items)
		for i := range v.Items {
			v.Items[i] = literalText(v.Items[i], this)
		}
	case value.Object:
		v.Fields = slices.Clone(v.Fields)
		for i := range v.Fields {
			v.Fields[i].Name = escaped(v.Fields[i].Name)
			v.Fields[i].Value = literalText(v.Fields[i].Value, this)
		}
	}
	return v
}

// reference is how an access begins that means a resource.
func reference(name string) string {
	if strings.ContainsAny(name, ".[]}\" \n") {
		return "[" + strconv.Quote(name) + "]"
	}
	return name
}

// create writes a resource beside another.
func (l *lowering) create(d *declaration, w translate.Wish) error {
	root := l.unit.unit.program.read().root
	section := root.Get("resources")
	if section == nil || section.Kind != document.Mapping {
		return errors.New("the program has no resources that another could stand beside")
	}
	properties := literalText(w.Value, d.name)
	for _, other := range l.unit.order {
		if schema.ShortToken(other.typ) != schema.ShortToken(w.Type) || other.properties == nil {
			continue
		}
		if have := other.properties.Value(false, nil); have.Includes(&properties, (*value.Value).SameWord) {
			return nil // it is there
		}
	}
	_, suffix, _ := strings.Cut(w.Type[strings.IndexByte(w.Type, ':')+1:], ":")
	name := d.name + "-" + lowerFirst(suffix)
	for i := 2; l.unit.resources[name] != nil; i++ {
		name = d.name + "-" + lowerFirst(suffix) + strconv.Itoa(i)
	}
	body := value.Value{Kind: value.Object, Fields: []value.Field{
		{Name: "properties", Value: properties},
		{Name: "type", Value: value.Value{Kind: value.String, Text: w.Type}},
	}}
	l.changes = append(l.changes, document.Change{Op: resource.Set, At: section, Path: value.Path{{Name: name}}, Value: body})
	return nil
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// finish makes the edits.
func (l *lowering) finish() (dialect.Lowered, error) {
	var out dialect.Lowered
	if len(l.changes) == 0 {
		return out, nil
	}
	byFile := map[string][]document.Change{}
	for _, c := range l.changes {
		byFile[c.At.Range.File] = append(byFile[c.At.Range.File], c)
	}
	for _, f := range [...]*file{l.unit.unit.program, l.unit.unit.project} {
		changes := byFile[f.Path]
		if changes == nil {
			continue
		}
		delete(byFile, f.Path)
		edits, err := f.read().document.Edit(changes)
		if err != nil {
			return dialect.Lowered{}, err
		}
		out.Edits = append(out.Edits, edits...)
	}
	out.Title = strings.Join(slices.Compact(l.titles), ", ")
	for _, d := range l.unit.order {
		if d != l.of && d.native != nil && slices.ContainsFunc(l.changes, func(c document.Change) bool { return c.Op != "" && l.reaches(d, c) }) {
			out.Shared = append(out.Shared, d.name)
		}
	}
	if l.of != nil && l.deployedOften() {
		out.Shared = append(out.Shared, l.of.name)
	}
	out.Shared, out.Also = append(out.Shared, l.shared...), l.also
	return out, nil
}

// deployedOften reports whether other stacks deploy the program too: there, the same resource changes with this one. A stack's
// own file is never edited.
func (l *lowering) deployedOften() bool {
	here := l.unit.unit
	return slices.ContainsFunc(l.unit.estate.units, func(u unit) bool { return u.program == here.program && u.name != here.name })
}

// reaches reports whether a change is in what another resource has too: an anchor that both use, or a property that it asks for.
func (l *lowering) reaches(d *declaration, c document.Change) bool {
	if d.properties == nil || c.At == l.unit.unit.program.read().root.Get("resources") {
		return false
	}
	if touches(&d.native.Body, c.At) {
		return true
	}
	if l.of == nil || len(c.Path) == 0 {
		return false
	}
	word := c.Path[0].Name
	if word == "properties" && len(c.Path) > 1 && c.At != l.of.properties {
		word = c.Path[1].Name
	}
	return slices.ContainsFunc(d.native.Refs, func(r resource.Ref) bool { return r.Target == l.of.name && r.Attribute == word })
}

// touches reports whether anything of a value is written within a node.
func touches(v *value.Value, n *document.Node) bool {
	for i := range v.Fields {
		f := &v.Fields[i].Value
		if within(f.Range, n.Range) || touches(f, n) {
			return true
		}
	}
	for i := range v.Items {
		if within(v.Items[i].Range, n.Range) || touches(&v.Items[i], n) {
			return true
		}
	}
	return false
}

func within(r, in source.Range) bool { return !r.IsZero() && in.Contains(r) }
