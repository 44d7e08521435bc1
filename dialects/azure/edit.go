package azure

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

// Edit lowers wishes to text edits. What already holds needs none. A value that is nothing but the name of a parameter or a
// variable that nothing else uses is changed where it is written; every other expression is replaced where it is used, or
// laid under what is wished when that is only a part of the object that it makes.
func (x *explainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	if x.unit == nil {
		return dialect.Lowered{}, fmt.Errorf("%s was not made by this dialect", r.Address)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unit.quiet++
	defer func() { x.unit.quiet-- }()
	l := &lowering{explainer: x, wishes: map[*armFile][]document.Change{}, shared: map[string]bool{}}
	if err := l.lower(r, changes); err != nil {
		return dialect.Lowered{}, err
	}
	return l.finish()
}

// lowering collects the changes of documents for some wishes.
type lowering struct {
	*explainer
	wishes map[*armFile][]document.Change
	order  []*armFile
	shared map[string]bool // addresses of other resources that change too
	title  string          // what is wished
}

func (l *lowering) lower(r *resource.Resource, changes []resource.Change) error {
	if h, ok := r.Handle.(*declaredName); ok {
		return l.declaration(h, changes)
	}
	o, ok := r.Handle.(*translate.Origin)
	if !ok {
		return fmt.Errorf("%s was not made by this dialect", r.Address)
	}
	d, _ := o.Native.Handle.(*deployed)
	i, ok := d.handle.(*instance)
	if !ok || !l.unit.estate.table.Knows(o.Native.Type) {
		return fmt.Errorf("%s has no counterpart in Terraform's words", r.Address)
	}
	wishes, err := l.unit.estate.table.Back(r, changes)
	if err != nil {
		return err
	}
	var lowered []translate.Wish
	defer func() { l.title = translate.Title(lowered) }()
	for _, w := range d.parted(wishes) {
		lowered = append(lowered, w.Wish)
		if w.of != nil {
			of, ok := w.of.handle.(*instance)
			if !ok {
				return fmt.Errorf("%s is not written in the same language", w.of.address)
			}
			err = l.wish(of, &translate.Native{Address: within(w.of.module, w.of.address), Body: w.of.body}, w.Wish)
		} else if w.Op == resource.Create {
			err = l.create(i, w.Wish)
		} else {
			err = l.wish(i, o.Native, w.Wish)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finish makes the edits of the changes, file by file.
func (l *lowering) finish() (dialect.Lowered, error) {
	out := dialect.Lowered{Title: l.title}
	for _, f := range l.order {
		edits, err := f.read().document.Edit(l.wishes[f])
		if err != nil {
			return dialect.Lowered{}, fmt.Errorf("%s: %w", f.path, err)
		}
		out.Edits = append(out.Edits, edits...)
	}
	for at := range l.shared {
		out.Shared = append(out.Shared, at)
	}
	slices.Sort(out.Shared)
	return out, nil
}

// change notes a change of the document that a node is in.
func (l *lowering) change(c document.Change) error {
	f := l.fileOf(c.At.Range.File)
	if f == nil {
		return fmt.Errorf("%s is not one of the files that were scanned", c.At.Range.File)
	}
	for _, p := range f.read().problems {
		if p.Kind != source.Limit {
			return fmt.Errorf("%s cannot be read to its end", f.path)
		}
	}
	if l.wishes[f] == nil {
		l.order = append(l.order, f)
	}
	l.wishes[f] = append(l.wishes[f], c)
	return nil
}

// literal notes a change to a value that is no expression.
func (l *lowering) literal(c document.Change) error {
	c.Value = escaped(c.Value)
	return l.change(c)
}

// fileOf returns a file of the estate that may be edited.
func (l *lowering) fileOf(path string) *armFile {
	e := l.unit.estate
	if f := e.files[path]; f != nil {
		return f
	}
	for _, f := range e.named {
		if f.path == path { // it may lie anywhere, and is not part of what is proved
			return nil
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.found[path]
}

// wish lowers a wish about one resource.
func (l *lowering) wish(i *instance, n *translate.Native, w translate.Wish) error {
	if len(w.Path) == 0 {
		return errors.New("the wish names no property")
	}
	switch have := n.Body.At(w.Path); w.Op {
	case resource.Set:
		if have.IsWhollyKnown() && have.IsSet() && (same(have, &w.Value, false) == 1 || includes(have, &w.Value)) {
			return nil
		}
	case resource.Remove:
		if have.Kind == value.Absent || have.Kind == value.Null {
			return nil
		}
	case resource.Add:
		if have.Kind == value.List && slices.ContainsFunc(have.Items, func(item value.Value) bool { return includes(&item, &w.Value) }) {
			return nil
		}
	}
	if first := w.Path[0].Name; first == "name" || first == "parent" || first == "scope" {
		return fmt.Errorf("%s: the %s of a resource cannot be changed: it would be another one", i.address, first)
	}
	l.share(i, n)
	return l.at(place{holder: i.decl.node, env: i.env}, document.Change{Op: w.Op, Path: slices.Clone(w.Path), Value: w.Value}, 0)
}

// share notes the other resources that the same text makes.
func (l *lowering) share(i *instance, n *translate.Native) {
	for at, other := range l.unit.at {
		if other != i && other.decl.node == i.decl.node && !other.existing {
			if at = within(other.scope.address, other.address); at != n.Address {
				l.shared[at] = true
			}
		}
	}
}

// place is a node that holds others, and where its expressions evaluate.
type place struct {
	holder *document.Node
	env    *environment
}

// at lowers a change that starts at a place: along what is written out, and through the expressions on the way.
func (l *lowering) at(p place, c document.Change, depth int) error {
	n := p.holder
	for i, s := range c.Path {
		next := child(n, s)
		if next == nil && n.Kind == document.Mapping && s.Name != "" {
			if loop := loopOf(n, s.Name); loop != nil {
				rest := c.Path[i+1:]
				if len(rest) == 0 {
					if c.Op == resource.Remove {
						return fmt.Errorf("%s is made by a loop", s.Name)
					}
					return l.literal(document.Change{Op: c.Op, At: n, Path: value.Path{s}, Value: c.Value})
				}
				e := *p.env
				e.loop = &anyTurn
				return l.at(place{loop, &e}, document.Change{Op: c.Op, Path: append(value.Path{{Name: "input"}}, rest[1:]...), Value: c.Value}, depth)
			}
		}
		if next == nil {
			break
		}
		c.Path[i] = spelled(n, s)
		if next.Kind == document.Scalar && !p.env.plain && isExpression(next.Text) && next.Style != document.Plain {
			return l.expression(place{n, p.env}, c.Path[i], next, document.Change{Op: c.Op, Path: c.Path[i+1:], Value: c.Value}, depth)
		}
		if next.Kind == document.Scalar && i+1 < len(c.Path) { // null, or what cannot hold anything
			return l.literal(document.Change{Op: resource.Set, At: n, Path: value.Path{c.Path[i]}, Value: nestedIn(c.Path[i+1:], c.Value)})
		}
		n = next
	}
	c.At = p.holder
	return l.literal(c)
}

// anyTurn stands for the turns of a loop whose text is changed for all of them.
var anyTurn = loop{index: value.Value{Kind: value.Unknown}}

// child returns what a step leads to; nil when there is nothing.
func child(n *document.Node, s value.Step) *document.Node {
	switch {
	case n.Kind == document.Mapping && s.Name != "":
		return get(n, s.Name)
	case n.Kind == document.Sequence && s.Name == "" && s.Index < len(n.Items):
		return n.Items[s.Index]
	}
	return nil
}

// spelled returns a step as the file spells it.
func spelled(n *document.Node, s value.Step) value.Step {
	if s.Name != "" {
		if m := find(n, s.Name); m != nil {
			s.Name = m.Key.Text
		}
	}
	return s
}

// nestedIn makes the objects on the way to a value.
func nestedIn(p value.Path, v value.Value) value.Value {
	for _, s := range slices.Backward(p) {
		if s.Name == "" {
			v = list(v)
		} else {
			v = object([]value.Field{{Name: s.Name, Value: v}})
		}
	}
	return v
}

// expression lowers a change of what an expression makes, at a step of its holder. The path of the change leads into it.
func (l *lowering) expression(p place, step value.Step, n *document.Node, c document.Change, depth int) error {
	if to, ok := l.origin(p, n, c); ok && depth < maxTrace {
		return l.at(to.place, document.Change{Op: c.Op, Path: append(to.path, c.Path...), Value: c.Value}, depth+1)
	}
	here := func(op resource.ChangeOp, v value.Value) error {
		return l.change(document.Change{Op: op, At: p.holder, Path: value.Path{step}, Value: v})
	}
	if len(c.Path) == 0 && c.Op != resource.Add {
		return here(c.Op, escaped(c.Value))
	}
	inner := strings.TrimSpace(n.Text[1 : len(n.Text)-1])
	if c.Op == resource.Set && !slices.ContainsFunc(c.Path, func(s value.Step) bool { return s.Name == "" }) {
		over, ok := asExpression(nestedIn(c.Path, c.Value))
		if !ok {
			return fmt.Errorf("%s is made by an expression", c.Path)
		}
		if v := l.unit.plain(n, p.env); v.Kind == value.Unknown && !v.NotNull || v.Kind == value.Null {
			inner = "coalesce(" + inner + ", createObject())"
		}
		return here(resource.Set, text("[union("+inner+", "+over+")]"))
	}
	if c.Op == resource.Add && len(c.Path) == 0 {
		if over, ok := asExpression(list(c.Value)); ok {
			return here(resource.Set, text("[concat("+inner+", "+over+")]"))
		}
	}
	return errors.New("the value is made by an expression: " + value.Show(&value.Value{Kind: value.String, Text: n.Text}))
}

// origin is where the value of a name is written.
type origin struct {
	place
	path value.Path // from the holder
}

// origin returns where an expression that is nothing but a name, or a member of one, has its value from, if nothing else uses
// the name: otherwise others would change too.
func (l *lowering) origin(p place, n *document.Node, c document.Change) (origin, bool) {
	if c.Op == resource.Add || p.env.own {
		return origin{}, false
	}
	u := l.unit
	e := u.parse(n)
	var path value.Path
	for e != nil && e.kind == element {
		if e.args[1].kind != literal || e.args[1].value.Kind != value.String {
			return origin{}, false
		}
		path = append(value.Path{{Name: e.args[1].value.Text}}, path...)
		e = e.args[0]
	}
	if e == nil {
		return origin{}, false
	}
	f, name, ok := e.parameter()
	if !ok {
		return origin{}, false
	}
	s := p.env.scope
	for s.outer != nil {
		s = s.outer.scope
	}
	if c.Op == resource.Remove && len(c.Path)+len(path) == 0 || s.template.uses(f, name) != 1 || l.severalScopes(s) {
		return origin{}, false
	}
	low := strings.ToLower(name)
	if f == "variables" {
		if m := s.template.variables[low]; m != nil {
			return l.literally(origin{place{get(s.template.root, "variables"), &environment{scope: s}}, append(value.Path{{Name: m.Key.Text}}, path...)}, c)
		}
		return origin{}, false
	}
	m := s.template.parameters[low]
	if m == nil {
		return origin{}, false
	}
	if a := s.given[low]; a != nil {
		if a.node == nil || a.given || l.fileOf(a.node.Range.File) == nil {
			return origin{}, false
		}
		env := a.env
		if env == nil {
			env = &environment{scope: s, plain: true}
		}
		holder := l.holderOf(s, a)
		if holder == nil {
			return origin{}, false
		}
		return l.literally(origin{place{holder, env}, append(value.Path{{Name: "value"}}, path...)}, c)
	}
	if get(m.Value, "defaultValue") == nil || len(c.Path)+len(path) == 0 && !s.template.admits(m.Value, &c.Value) {
		return origin{}, false
	}
	return l.literally(origin{place{m.Value, &environment{scope: s}}, append(value.Path{{Name: "defaultValue"}}, path...)}, c)
}

// literally lets an origin pass when what is written there says the value itself, or names another.
func (l *lowering) literally(o origin, c document.Change) (origin, bool) {
	n := o.holder
	for _, s := range o.path {
		if n = child(n, s); n == nil {
			return o, len(c.Path) > 0 || c.Op == resource.Set
		}
		if n.Kind == document.Scalar && !o.env.plain && isExpression(n.Text) {
			e := l.unit.parse(n)
			for e != nil && e.kind == element {
				e = e.args[0]
			}
			if e == nil {
				return o, false
			}
			_, _, name := e.parameter()
			return o, name
		}
	}
	return o, true
}

// admits reports whether a parameter may have a value.
func (t *template) admits(parameter *document.Node, v *value.Value) bool {
	kinds := map[string]value.Kind{"string": value.String, "securestring": value.String, "int": value.Number, "bool": value.Bool,
		"array": value.List, "object": value.Object, "secureobject": value.Object}
	if v.Kind != kinds[strings.ToLower(textAt(t.definition(parameter), "type"))] {
		return false
	}
	values := get(parameter, "allowedValues")
	return values == nil || slices.ContainsFunc(values.Items, func(n *document.Node) bool { return strings.EqualFold(n.Text, textOf(v)) })
}

// holderOf returns the entry of a parameter that holds the value of an argument.
func (l *lowering) holderOf(s *scope, a *argument) *document.Node {
	var entries []*document.Node
	if s.caller != nil {
		entries = append(entries, get(get(s.caller.decl.node, "properties"), "parameters"))
	}
	if f := l.fileOf(a.node.Range.File); f != nil && f.read().root != nil {
		entries = append(entries, get(f.read().root, "parameters"))
	}
	for _, n := range entries {
		if n == nil {
			continue
		}
		for i := range n.Members {
			if get(n.Members[i].Value, "value") == a.node {
				return n.Members[i].Value
			}
		}
	}
	return nil
}

// severalScopes reports whether the template of a scope is deployed more than once in the unit.
func (l *lowering) severalScopes(s *scope) bool {
	n := 0
	var count func(at *scope)
	count = func(at *scope) {
		if at.template == s.template {
			n++
		}
		for _, c := range at.children {
			if c != nil {
				count(c)
			}
		}
	}
	count(l.unit.root)
	return n > 1
}

// uses counts how often the texts of a template name a parameter or variable.
func (t *template) uses(function, name string) int {
	count := 0
	want := strings.ToLower(function + "('" + name + "')")
	var walk func(n *document.Node)
	walk = func(n *document.Node) {
		if n.Kind == document.Scalar && strings.HasPrefix(n.Text, "[") {
			count += strings.Count(strings.ToLower(strings.Join(strings.Fields(n.Text), "")), want)
		}
		for _, item := range n.Items {
			walk(item)
		}
		for i := range n.Members {
			walk(n.Members[i].Value)
		}
	}
	walk(t.root)
	return count
}

// escaped writes the texts of a value so that none is taken for an expression.
func escaped(v value.Value) value.Value {
	switch v.Kind {
	case value.String:
		if isExpression(v.Text) {
			v.Text = "[" + v.Text
		}
	case value.List:
		v.Items = slices.Clone(v.Items)
		for i := range v.Items {
			v.Items[i] = escaped(v.Items[i])
		}
	case value.Object:
		v.Fields = slices.Clone(v.Fields)
		for i := range v.Fields {
			v.Fields[i].Value = escaped(v.Fields[i].Value)
		}
	}
	return v
}

// asExpression writes a value as an expression: createObject('a', true()).
func asExpression(v value.Value) (string, bool) {
	switch v.Kind {
	case value.String:
		return "'" + strings.ReplaceAll(v.Text, "'", "''") + "'", true
	case value.Bool:
		if v.Bool {
			return "true()", true
		}
		return "false()", true
	case value.Null:
		return "null()", true
	case value.Number:
		if _, ok := integer(&v); !ok {
			return "", false
		}
		return v.Digits(), true
	case value.List, value.Object:
		name, parts := "createArray", []string{}
		for i := range v.Items {
			s, ok := asExpression(v.Items[i])
			if !ok {
				return "", false
			}
			parts = append(parts, s)
		}
		for i := range v.Fields {
			name = "createObject"
			s, ok := asExpression(v.Fields[i].Value)
			if !ok {
				return "", false
			}
			parts = append(parts, "'"+strings.ReplaceAll(v.Fields[i].Name, "'", "''")+"'", s)
		}
		if v.Kind == value.Object {
			name = "createObject"
		}
		return name + "(" + strings.Join(parts, ", ") + ")", true
	}
	return "", false
}

// includes reports whether an object has all the members of a wished one.
func includes(have, wish *value.Value) bool {
	if have.Kind != value.Object || wish.Kind != value.Object {
		return same(have, wish, false) == 1
	}
	for i := range wish.Fields {
		if !includes(have.Field(wish.Fields[i].Name), &wish.Fields[i].Value) {
			return false
		}
	}
	return true
}

// declaration lowers wishes about a parameter or an output.
func (l *lowering) declaration(h *declaredName, changes []resource.Change) error {
	env := &environment{scope: h.scope, plain: true}
	for _, c := range changes {
		if len(c.Path) != 1 {
			return fmt.Errorf("nobody knows how to %s %s of a declaration", c.Op, c.Path)
		}
		change := document.Change{Op: c.Op, Value: c.Value}
		switch c.Path[0].Name {
		case "default":
			change.Path = value.Path{{Name: "defaultValue"}}
			if c.Op != resource.Remove { // who knows what the expressions that use it make of another one
				return fmt.Errorf("nobody knows what else another default of %s would change", h.member.Key.Text)
			}
		case "sensitive":
			typ := strings.ToLower(textAt(h.scope.template.definition(h.member.Value), "type"))
			secure := map[string]string{"string": "securestring", "object": "secureObject"}[typ]
			if strings.HasPrefix(typ, "secure") {
				continue
			}
			if c.Op != resource.Set || !c.Value.Bool || secure == "" || textAt(h.member.Value, "$ref") != "" {
				return fmt.Errorf("%s cannot be made secure", h.member.Key.Text)
			}
			change.Path, change.Value = value.Path{{Name: "type"}}, text(secure)
		default:
			return fmt.Errorf("a declaration has no %s", c.Path)
		}
		if err := l.at(place{h.member.Value, env}, change, 0); err != nil {
			return err
		}
	}
	return nil
}
