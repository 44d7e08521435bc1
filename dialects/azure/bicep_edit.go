package azure

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// Edit lowers wishes to text edits. What already holds needs none. A value that is only named where it is used (a variable, a
// parameter, an output of a module) is changed where it is written; a value that an expression makes is replaced where it is
// used.
func (x bicepExplainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	if x.unit == nil {
		return dialect.Lowered{}, fmt.Errorf("%s could not be evaluated", r.Address)
	}
	defer x.ask()()
	l := &bicepLowering{unit: x.unit, editors: map[string]*bicep.Editor{}, json: map[*document.Document][]document.Change{}}
	var of *bicepInstance
	switch h := r.Handle.(type) {
	case *bicepValue:
		return dialect.Lowered{}, fmt.Errorf("a parameter or an output has nothing that could be changed")
	case *translate.Origin:
		i := instanceOf(h)
		if i == nil && x.unit.json != nil {
			return x.json().Edit(r, changes)
		}
		if i == nil || i.body == nil {
			return dialect.Lowered{}, fmt.Errorf("%s was not made by this dialect", r.Address)
		}
		of = i
		wishes, err := x.wishes(r, changes)
		if err != nil {
			return dialect.Lowered{}, err
		}
		d, _ := h.Native.Handle.(*deployed)
		for _, w := range d.parted(wishes) {
			on, body := i, &h.Native.Body
			if w.of != nil {
				part, ok := w.of.handle.(*bicepHandle)
				if !ok || part.instance == nil || part.instance.body == nil {
					return dialect.Lowered{}, fmt.Errorf("%s is not written in the same language", w.of.address)
				}
				on, body = part.instance, &w.of.body
			}
			if err := l.wish(on, body, w.Wish); err != nil {
				return dialect.Lowered{}, err
			}
		}
	default:
		return dialect.Lowered{}, fmt.Errorf("%s was not made by this dialect", r.Address)
	}
	edits, err := l.edits()
	if err != nil {
		return dialect.Lowered{}, err
	}
	shared, err := l.shared(of, edits)
	return dialect.Lowered{Edits: edits, Shared: shared}, err
}

// wishes translates changes. A resource of a type that is in no table has kept Azure's words.
func (x bicepExplainer) wishes(r *resource.Resource, changes []resource.Change) ([]translate.Wish, error) {
	if r.Type != r.Native {
		return x.unit.estate.table.Back(r, changes)
	}
	var out []translate.Wish
	for _, c := range changes {
		if c.Op == resource.Create {
			return nil, fmt.Errorf("nobody knows how %s is called in Bicep", c.New.Type)
		}
		out = append(out, translate.Wish{Op: c.Op, Path: c.Path, Value: c.Value})
	}
	return out, nil
}

// shared returns the addresses of the other resources that the edits change. Where the edits lie in the only resource of its
// declaration, which no other names, there are none; elsewhere evaluating tells.
func (l *bicepLowering) shared(i *bicepInstance, edits []source.Edit) ([]string, error) {
	own := i.frame.scope.file.at(i.group.decl.Whole())
	text := string(i.frame.scope.file.source.Bytes)
	alone := i.group.loop == nil && i.group.scope.caller == nil && i.group.outer == nil &&
		!strings.Contains(text[:own.Start], i.group.decl.Name) && !strings.Contains(text[own.End:], i.group.decl.Name)
	for _, e := range edits {
		alone = alone && (own.Contains(e.Range) || slices.Contains(l.made, e))
	}
	if alone || len(edits) == 0 {
		return nil, nil
	}
	byFile := map[string][]source.Edit{}
	for _, e := range edits {
		byFile[e.Range.File] = append(byFile[e.Range.File], e)
	}
	var changed []*source.File
	for _, path := range slices.Sorted(maps.Keys(byFile)) {
		f, problem := l.unit.estate.workspace.Read(path)
		if problem != nil {
			return nil, fmt.Errorf("%s: %s", path, problem.Message)
		}
		after, err := source.Apply(f.Bytes, byFile[path])
		if err != nil {
			return nil, err
		}
		changed = append(changed, &source.File{Path: path, Bytes: after})
	}
	next, _ := l.unit.estate.With(l.unit.ctx, changed)
	graph := next.Evaluate(l.unit.ctx, l.unit.of.name).Graph
	var out []string
	for _, r := range l.unit.graph.Resources {
		o, ok := r.Handle.(*translate.Origin)
		if !ok || instanceOf(o) == i {
			continue
		}
		if now := graph.ByAddress(r.Address); now != nil && !now.Body.Equal(&r.Body) {
			out = append(out, r.Address)
		}
	}
	return out, nil
}

// bicepLowering collects the edits for some wishes.
type bicepLowering struct {
	unit    *bicepEvaluation
	editors map[string]*bicep.Editor // by path
	made    []source.Edit            // resources that are created
	json    map[*document.Document][]document.Change
}

func (l *bicepLowering) editor(f *bicepFile) *bicep.Editor {
	e := l.editors[f.path]
	if e == nil {
		e = bicep.NewEditor(string(f.source.Bytes))
		l.editors[f.path] = e
	}
	return e
}

// edits returns what was collected, having made sure that every file still parses.
func (l *bicepLowering) edits() ([]source.Edit, error) {
	out := slices.Clone(l.made)
	for _, path := range slices.Sorted(maps.Keys(l.editors)) {
		edits, err := l.editors[path].Edits()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, e := range edits {
			out = append(out, source.Edit{Range: source.Range{File: path, Start: e.Start, End: e.End}, Text: e.Text})
		}
	}
	for d, changes := range l.json {
		edits, err := d.Edit(changes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.File.Path, err)
		}
		out = append(out, edits...)
	}
	slices.SortStableFunc(out, func(a, b source.Edit) int {
		if c := strings.Compare(a.Range.File, b.Range.File); c != 0 {
			return c
		}
		return a.Range.Start - b.Range.Start
	})
	for start := 0; start < len(out); {
		end := start
		for end < len(out) && out[end].Range.File == out[start].Range.File {
			end++
		}
		if f := l.unit.estate.file(out[start].Range.File); f != nil && l.editors[f.path] != nil {
			after, err := source.Apply(f.source.Bytes, out[start:end])
			if err != nil {
				return nil, err
			}
			if len(bicep.Parse(string(after), l.unit.limits.Nesting).Mistakes) > len(f.tree.Mistakes) {
				return nil, fmt.Errorf("%s: the change cannot be written there", f.path)
			}
		}
		start = end
	}
	return out, nil
}

// wish lowers one wish about a resource.
func (l *bicepLowering) wish(i *bicepInstance, body *value.Value, w translate.Wish) error {
	switch w.Op {
	case resource.Create:
		return l.create(i, w)
	case resource.Remove:
		if !body.At(w.Path).IsSet() {
			return nil
		}
		return l.remove(i, w.Path)
	case resource.Add:
		return l.add(i, body, w)
	}
	if bicepHolds(body.At(w.Path), &w.Value) {
		return nil
	}
	return l.set(i, w.Path, w.Value)
}

// bicepHolds reports whether a value is what is wished for: an object has all the members that it shall have.
func bicepHolds(v, wish *value.Value) bool {
	if v.Kind == value.Object && wish.Kind == value.Object {
		return !slices.ContainsFunc(wish.Fields, func(f value.Field) bool { return !bicepHolds(v.Field(f.Name), &f.Value) })
	}
	if wish.Kind == value.Null {
		return !v.IsSet()
	}
	if v.Kind == value.List && len(v.Items) == 1 && wish.Kind != value.List { // Terraform takes one for the other
		v = &v.Items[0]
	}
	return v.IsWhollyKnown() && same(v, wish, false) == 1
}

// spot is where a value is written: the deepest expression on the way to it, and what is left of the way.
type spot struct {
	file *bicepFile
	expr bicep.Expr
	rest value.Path
}

// here finds the deepest expression of a body that is written out on the way to a path.
func (i *bicepInstance) here(p value.Path) spot {
	var e bicep.Expr = i.body
	for {
		switch x := e.(type) {
		case *bicep.Paren:
			e = x.Value
			continue
		case *bicep.NotNull:
			e = x.Value
			continue
		case *bicep.Object:
			if len(p) > 0 && p[0].Name != "" {
				if n := slices.IndexFunc(x.Members, func(m *bicep.Property) bool { return m.Name == p[0].Name && !m.Spread && m.Key == nil }); n >= 0 {
					e, p = x.Members[n].Value, p[1:]
					continue
				}
			}
		case *bicep.Array:
			spread := slices.ContainsFunc(x.Items, func(i bicep.Expr) bool { _, ok := i.(*bicep.Spread); return ok })
			if len(p) > 0 && p[0].Name == "" && p[0].Index < len(x.Items) && !spread {
				e, p = x.Items[p[0].Index], p[1:]
				continue
			}
		}
		return spot{i.frame.scope.file, e, p}
	}
}

// there finds where the value at a path is written when that is not in the body itself: behind the names that stand in the
// body, and in the branch that is taken. It reports false when an expression makes the value, and returns an error when it is
// written where nothing can be changed.
func (l *bicepLowering) there(i *bicepInstance, p value.Path, wish *value.Value) (spot, bool, error) {
	e, rest := i.expression(p)
	if e == nil {
		return spot{}, false, nil
	}
	t := &bicepTracer{unit: l.unit, waits: map[string]dialect.Wait{}, visited: map[bicepVisit]bool{}}
	f := i.frame
	f.placed = false
	for range maxBicepTrace {
		if c, ok := e.(*bicep.Conditional); ok && wish != nil && len(rest) == 0 && l.sameBranch(f, c, wish) {
			break // both branches would say the same
		}
		if n, ok := e.(*bicep.Name); ok && wish != nil && len(rest) == 0 && !l.allowed(f, n, wish) {
			return spot{}, false, nil
		}
		next, g, steps, ok := t.step(e, f, rest)
		if !ok {
			break
		}
		e, f, rest = next, g, steps
	}
	if n := len(t.trace); n > 0 {
		for _, g := range l.unit.given {
			if g.name != t.trace[n-1].Name || g.rng != t.trace[n-1].Range {
				continue
			}
			switch {
			case g.node != nil && wish != nil:
				l.json[g.document] = append(l.json[g.document], document.Change{Op: resource.Set, At: g.node.Value,
					Path: append(value.Path{{Name: "value"}}, rest...), Value: *wish})
				return spot{}, true, nil
			case g.expr == nil:
				return spot{}, false, fmt.Errorf("the value is given from outside of the tree, by %s", g.name)
			}
		}
	}
	return spot{f.scope.file, e, rest}, writtenOut(e), nil
}

// sameBranch reports whether the other branch of a conditional is what is wished for.
func (l *bicepLowering) sameBranch(f frame, c *bicep.Conditional, wish *value.Value) bool {
	yes, no := f.maybe(c.Then), f.maybe(c.Else)
	return bicepHolds(&yes, wish) || bicepHolds(&no, wish)
}

// allowed reports whether a name may have the value: a parameter may say which ones it takes.
func (l *bicepLowering) allowed(f frame, n *bicep.Name, wish *value.Value) bool {
	d := f.scope.file.names[n.Text]
	if d == nil || d.Keyword != bicep.Param || f.find(n.Text) != nil {
		return true
	}
	takes := func(list []bicep.Expr) bool {
		return slices.ContainsFunc(list, func(e bicep.Expr) bool {
			v := f.scope.frame().maybe(e)
			return same(&v, wish, false) != 0
		})
	}
	if a := d.Decorated("allowed"); a != nil && len(a.Args) == 1 {
		if list, ok := a.Args[0].(*bicep.Array); ok && !takes(list.Items) {
			return false
		}
	}
	if d.Type != nil && d.Type.Kind == bicep.Union {
		var words []bicep.Expr
		for _, t := range d.Type.Items {
			if t.Kind != bicep.LiteralType {
				return true
			}
			words = append(words, t.Literal)
		}
		return takes(words)
	}
	return true
}

// writtenOut reports whether an expression says its value itself.
func writtenOut(e bicep.Expr) bool {
	switch x := e.(type) {
	case *bicep.Literal, *bicep.Object, *bicep.Array:
		return true
	case *bicep.Text:
		return len(x.Values) == 0
	}
	return false
}

func (l *bicepLowering) set(i *bicepInstance, p value.Path, v value.Value) error {
	here := i.here(p)
	if o, ok := here.expr.(*bicep.Object); ok && len(here.rest) > 0 {
		return l.editor(here.file).Insert(o, here.rest, v)
	}
	if writtenOut(here.expr) {
		return l.assign(here, v)
	}
	there, ok, err := l.there(i, p, &v)
	switch {
	case err != nil:
		return err
	case ok && there.expr == nil:
		return nil // in JSON
	case ok:
		return l.assign(there, v)
	case len(here.rest) > 0:
		f := i.frame
		f.placed = false
		if made := f.maybe(here.expr); made.Kind != value.Object || slices.ContainsFunc(here.rest, func(s value.Step) bool { return s.Name == "" }) {
			return fmt.Errorf("%s of %s is made by an expression, and cannot be changed in part", p[:len(p)-len(here.rest)], i.full())
		}
		return l.editor(here.file).Overlay(here.expr, here.rest, v)
	}
	return l.assign(here, v)
}

// assign changes what is written at a spot.
func (l *bicepLowering) assign(s spot, v value.Value) error {
	e := l.editor(s.file)
	if len(s.rest) == 0 {
		return e.Replace(s.expr, v)
	}
	switch x := s.expr.(type) {
	case *bicep.Object:
		return e.Insert(x, s.rest, v)
	case *bicep.Literal:
		if x.Kind == bicep.Null {
			return e.Replace(x, bicep.Nest(s.rest, v))
		}
	}
	return fmt.Errorf("%s is not in the value that is written there", s.rest)
}

func (l *bicepLowering) remove(i *bicepInstance, p value.Path) error {
	last := p[len(p)-1]
	s := i.here(p[:len(p)-1])
	if !writtenOut(s.expr) || len(s.rest) > 0 {
		there, ok, err := l.there(i, p[:len(p)-1], nil)
		if err != nil {
			return err
		}
		if !ok || len(there.rest) > 0 {
			return fmt.Errorf("%s of %s is made by an expression, and cannot be changed in part", p[:len(p)-1], i.full())
		}
		s = there
	}
	switch x := s.expr.(type) {
	case *bicep.Object:
		for _, m := range x.Members {
			if m.Name == last.Name && !m.Spread && m.Key == nil {
				l.editor(s.file).Remove(m.Span)
				return nil
			}
		}
	case *bicep.Array:
		if last.Name == "" && last.Index < len(x.Items) {
			l.editor(s.file).Remove(x.Items[last.Index].Extent())
			return nil
		}
	}
	return fmt.Errorf("%s of %s is not written out", p, i.full())
}

func (l *bicepLowering) add(i *bicepInstance, body *value.Value, w translate.Wish) error {
	have := body.At(w.Path)
	if have.Kind == value.List && slices.ContainsFunc(have.Items, func(item value.Value) bool { return bicepHolds(&item, &w.Value) }) {
		return nil
	}
	if !have.IsSet() {
		return l.set(i, w.Path, value.Value{Kind: value.List, Items: []value.Value{w.Value}})
	}
	s := i.here(w.Path)
	if a, ok := s.expr.(*bicep.Array); ok && len(s.rest) == 0 {
		l.editor(s.file).Append(a, w.Value)
		return nil
	}
	there, ok, err := l.there(i, w.Path, nil)
	if err != nil {
		return err
	}
	if a, isList := there.expr.(*bicep.Array); ok && isList && len(there.rest) == 0 {
		l.editor(there.file).Append(a, w.Value)
		return nil
	}
	return fmt.Errorf("%s of %s is made by an expression, and nothing can be added to it", w.Path, i.full())
}

// create lowers a wish for a resource beside another. When there is one of the type that belongs to it, that shall have the
// wished properties; otherwise it is written behind the resource.
func (l *bicepLowering) create(i *bicepInstance, w translate.Wish) error {
	found := false
	for _, d := range l.unit.deployed {
		h, ok := d.handle.(*bicepHandle)
		if !ok || d.existing || !strings.EqualFold(d.typ, w.Type) || h.instance.body == nil || !h.instance.belongs(i) {
			continue
		}
		if name := w.Value.Field("name"); name.Kind == value.String && !strings.Contains(name.Text, "${this") && d.name.Kind == value.String &&
			!strings.HasSuffix("/"+strings.ToLower(d.name.Text), "/"+strings.ToLower(name.Text)) {
			continue
		}
		found = true
		for _, f := range w.Value.Fields {
			if f.Name == "name" || f.Name == "parent" || f.Name == "scope" {
				continue
			}
			for _, part := range bicepParts(value.Path{{Name: f.Name}}, &f.Value, d.body.Field(f.Name)) {
				if err := l.wish(h.instance, &d.body, part); err != nil {
					return err
				}
			}
		}
	}
	if found {
		return nil
	}
	return l.declare(i, w)
}

// belongs reports whether a resource is a part of another, or extends it.
func (i *bicepInstance) belongs(to *bicepInstance) bool {
	if parent, ok := i.parent(); ok {
		return parent == to
	}
	p := i.property("scope")
	if p == nil {
		return false
	}
	r, ok := i.frame.entity(p.Value)
	return ok && r.instance == to
}

// bicepParts splits a wish for an object that is there into wishes for its members.
func bicepParts(path value.Path, wish, have *value.Value) []translate.Wish {
	if wish.Kind != value.Object || have.Kind != value.Object {
		if wish.Kind == value.String && strings.Contains(wish.Text, "${this") {
			return nil
		}
		return []translate.Wish{{Op: resource.Set, Path: path, Value: *wish}}
	}
	var out []translate.Wish
	for i := range wish.Fields {
		f := &wish.Fields[i]
		out = append(out, bicepParts(append(path[:len(path):len(path)], value.Step{Name: f.Name}), &f.Value, have.Field(f.Name))...)
	}
	return out
}

// extensionVersions are versions of the types that extend resources of any provider: https://learn.microsoft.com/azure/templates
var extensionVersions = map[string]string{
	"microsoft.insights/diagnosticsettings":     "2021-05-01-preview",
	"microsoft.authorization/locks":             "2020-05-01",
	"microsoft.authorization/roleassignments":   "2022-04-01",
	"microsoft.security/pricings":               "2024-01-01",
	"microsoft.network/networkwatchers":         "2024-05-01",
	"microsoft.insights/activitylogalerts":      "2020-10-01",
	"microsoft.authorization/policyassignments": "2024-04-01",
}

// version returns the version of a type that a new resource beside i is written with: one that the file has already, that of
// i when it is of the same provider, else one that is known to exist.
func (i *bicepInstance) version(typ string) string {
	for _, g := range i.group.scope.groups {
		if t, v := g.typ(); strings.EqualFold(t, typ) && v != "" {
			return v
		}
	}
	own, v := i.group.typ()
	provider, _, _ := strings.Cut(own, "/")
	if strings.HasPrefix(strings.ToLower(typ), strings.ToLower(provider)+"/") {
		return v
	}
	return extensionVersions[strings.ToLower(typ)]
}

// declare writes a new resource behind the declaration of i, under the same condition and for the same elements.
func (l *bicepLowering) declare(i *bicepInstance, w translate.Wish) error {
	g := i.group
	f := g.scope.file
	outer := g
	for outer.outer != nil {
		outer = outer.outer
	}
	version := i.version(w.Type)
	if version == "" {
		return fmt.Errorf("nobody knows which version of %s to write", w.Type)
	}
	if outer.decl.Broken || g.decl.Value == nil {
		return errors.New("the declaration is broken")
	}
	e := l.editor(f)
	this := g.address
	head := fmt.Sprintf("resource %s '%s@%s' = ", g.scope.freeName(g.decl.Name, w.Type), w.Type, version)
	tail := ""
	if loop, ok := g.decl.Value.(*bicep.For); ok {
		index := loop.Index
		if index == "" {
			index = "i"
			if index == loop.Item {
				index = "n"
			}
		}
		names := "(" + loop.Item + ", " + index + ")"
		in := loop.In.Extent()
		head += "[for " + names + " in " + e.Source[in.Start:in.End] + ": "
		tail, this = "]", this+"["+index+"]"
		if c, ok := loop.Body.(*bicep.If); ok {
			at := c.Condition.Extent()
			head += "if (" + e.Source[at.Start:at.End] + ") "
		}
	} else if c, ok := g.decl.Value.(*bicep.If); ok {
		at := c.Condition.Extent()
		head += "if (" + e.Source[at.Start:at.End] + ") "
	}
	body, err := companionBody(g, w, this)
	if err != nil {
		return err
	}
	writer := bicep.NewEditor(e.Source)
	writer.This = this
	edit, err := writer.Declare(outer.decl.Whole().End, head, body, tail)
	if err != nil {
		return err
	}
	l.made = append(l.made, source.Edit{Range: source.Range{File: f.path, Start: edit.Start, End: edit.End}, Text: edit.Text})
	return nil
}

// companionBody writes what a new resource has: how it belongs to the other one first.
func companionBody(g *bicepGroup, w translate.Wish, this string) (*value.Value, error) {
	out := &value.Value{Kind: value.Object}
	typ, _ := g.typ()
	child := strings.HasPrefix(strings.ToLower(w.Type), strings.ToLower(typ)+"/")
	name := *w.Value.Field("name")
	if name.Kind != value.String || name.Text == "" {
		name = text("default")
	}
	if between := strings.Count(w.Type, "/") - strings.Count(typ, "/") - 1; child && between > 0 {
		// A part of a part: what lies between is what Azure makes of itself, and is called default.
		name = text("${this.name}/" + strings.Repeat("default/", between) + name.Text)
	} else if child {
		out.Fields = append(out.Fields, bicep.Verbatim("parent", this))
	} else if s := w.Value.Field("scope"); s.IsSet() {
		if s.Kind != value.String || !strings.HasPrefix(s.Text, "${this") {
			return nil, errors.New("what it extends is not this resource")
		}
		out.Fields = append(out.Fields, bicep.Verbatim("scope", this))
	}
	out.Fields = append(out.Fields, value.Field{Name: "name", Value: name})
	for _, f := range w.Value.Fields {
		if f.Name != "name" && f.Name != "parent" && f.Name != "scope" {
			out.Fields = append(out.Fields, f)
		}
	}
	return out, nil
}

// freeName returns a name for a new resource: that of the one beside it, and what it is.
func (s *bicepScope) freeName(name, typ string) string {
	last := typ[strings.LastIndexByte(typ, '/')+1:]
	if last != "" {
		name += "_" + last
	}
	free := name
	for n := 2; s.file.names[free] != nil; n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
	return free
}
