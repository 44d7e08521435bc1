package azure

import (
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
	return dialect.Lowered{Title: strings.Join(slices.Compact(l.titles), ", "), Edits: edits, Shared: shared}, err
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
	titles  []string                 // what is done, in Bicep's words
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
		l.title("remove " + w.Path.String())
		return l.remove(i, w.Path)
	case resource.Add:
		return l.add(i, body, w)
	}
	if bicepHolds(body.At(w.Path), &w.Value) {
		return nil
	}
	l.title(w.Title())
	return l.set(i, w.Path, w.Value)
}

func (l *bicepLowering) title(s string) { l.titles = append(l.titles, s) }

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
	l.title("add to " + w.Path.String())
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
