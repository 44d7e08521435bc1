package kustomize

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Edit lowers wishes to edits of the patch that says what is to be changed, else of the base, else of the entry of the kustomization.
func (x *explainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	if x.unit == nil {
		return dialect.Lowered{}, errors.New("the unit was not evaluated")
	}
	wishes, err := manifest.Lower(r, changes)
	if err != nil {
		return dialect.Lowered{}, err
	}
	part := r.Handle.(*manifest.Part)
	o, ok := part.Object.Handle.(*object)
	if !ok {
		return dialect.Lowered{}, fmt.Errorf("%s was not made by this dialect", r.Address)
	}
	l := &lowering{object: o, graph: x.unit.graph}
	for i := range wishes {
		if err := l.wish(&wishes[i]); err != nil {
			return dialect.Lowered{}, fmt.Errorf("%s: %w", r.Address, err)
		}
	}
	out := dialect.Lowered{Shared: manifest.Shared(r, wishes), Also: manifest.Also(r, changes)}
	if err := l.finish(&out); err != nil {
		return dialect.Lowered{}, fmt.Errorf("%s: %w", r.Address, err)
	}
	if err := x.unit.tried(out.Edits); err != nil {
		return dialect.Lowered{}, fmt.Errorf("%s: %w", r.Address, err)
	}
	out.Shared = append(out.Shared, l.shared(r)...)
	slices.Sort(out.Shared)
	out.Shared = slices.Compact(out.Shared)
	return out, nil
}

// maxTried is how many objects a kustomization has at most that is built to try an edit: of larger ones the proof of a fix does that.
const maxTried = 200

// tried builds with edits, and tells of what kustomize then refuses: it knows kinds, and builds nothing of what has another shape.
func (u *unit) tried(edits []source.Edit) error {
	if len(edits) == 0 || len(u.objects) > maxTried {
		return nil
	}
	byFile := make(map[string][]source.Edit)
	for _, x := range edits {
		byFile[x.Range.File] = append(byFile[x.Range.File], x)
	}
	var changed []*source.File
	for name, edits := range byFile {
		f, problem := u.e.workspace.Read(name)
		if problem != nil {
			return errors.New(problem.Message)
		}
		text, err := source.Apply(f.Bytes, edits)
		if err != nil {
			return err
		}
		changed = append(changed, &source.File{Path: name, Bytes: text})
	}
	ctx := context.Background()
	n, problems := u.e.With(ctx, changed)
	for _, p := range append(problems, n.(*estate).build(ctx, u.name.Dir).problems...) {
		if p.Kind == source.Invalid && !slices.ContainsFunc(u.problems, func(o source.Problem) bool { return o.Message == p.Message }) {
			return errors.New("with it " + p.Message)
		}
	}
	return nil
}

// lowering collects what wishes about one object change.
type lowering struct {
	*object
	graph   *resource.Graph
	changes []change
	created []value.Value
	titles  []string
}

// change is one change of a text.
type change struct {
	text *text
	document.Change
	of value.Path // in the object
}

func (l *lowering) wish(w *manifest.Wish) error {
	if w.Op == resource.Create {
		return l.create(w.Value)
	}
	n, of, rest := l.find(w.Path)
	if len(rest) == 0 && w.Op == resource.Set && w.Value.Kind == value.Object && n.Kind == yaml.MappingNode && len(w.Value.Fields) > 0 {
		for _, f := range w.Value.Fields {
			err := l.wish(&manifest.Wish{Object: w.Object, Op: w.Op, Path: append(w.Path[:len(w.Path):len(w.Path)], value.Step{Name: f.Name}), Value: f.Value})
			if err != nil {
				return err
			}
		}
		return nil
	}
	switch {
	case w.Op == resource.Remove && len(rest) > 0:
		return nil
	case w.Op == resource.Remove:
		return l.remove(w)
	case len(rest) == 0:
		if of.spot == nil || !of.exact {
			return l.stuck(w.Path, of)
		}
		root, at := of.spot.root()
		l.add(of.spot.text, root, at, w)
		if len(w.Path) == 1 && w.Path[0].Name == "apiVersion" {
			l.version(w, of.spot)
		}
		return nil
	}
	// Nothing is there yet: it goes where the innermost mapping around it is written.
	for depth := len(w.Path) - len(rest); depth >= 0; depth-- {
		around, of, _ := l.find(w.Path[:depth])
		if of.spot == nil || of.set != "" || around.Kind == yaml.SequenceNode {
			if depth > 0 && w.Path[depth-1].Name == "" {
				break
			}
			continue
		}
		if around.Kind != yaml.MappingNode || of.spot.node.Kind != document.Mapping {
			break
		}
		if slices.ContainsFunc(w.Path[depth:], func(s value.Step) bool { return s.Name == "" }) {
			break
		}
		root, at := of.spot.root()
		if root.Kind != document.Mapping {
			break
		}
		l.add(of.spot.text, root, append(at[:len(at):len(at)], w.Path[depth:]...), w)
		return nil
	}
	return l.stuck(w.Path, of)
}

// version changes the API version wherever the object is named with it: a patch is of the object whose version it says.
func (l *lowering) version(w *manifest.Wish, done *spot) {
	documents := []*spot{l.base}
	for _, t := range l.touches {
		for _, root := range t.text.doc.Roots {
			if root.Kind == document.Mapping && (t.target != nil || names(root, l.object)) {
				documents = append(documents, &spot{t.text, root, root.Range, nil, value.Step{}})
			}
		}
	}
	for _, d := range documents {
		if s := d.member("apiVersion"); s != nil && s.node != done.node {
			root, at := s.root()
			l.changes = append(l.changes, change{s.text, document.Change{Op: w.Op, At: root, Path: at, Value: w.Value}, w.Path})
		}
	}
}

// stuck says why a value cannot be changed.
func (l *lowering) stuck(at value.Path, of origin) error {
	switch {
	case of.set != "":
		return fmt.Errorf("%s makes %s what it is", of.set, at)
	case l.generator != nil:
		return fmt.Errorf("%s of %s makes the object", l.generator.at, l.generator.of.file.Path)
	}
	return fmt.Errorf("kustomize makes %s what it is, and where is not known", at)
}

func (l *lowering) add(t *text, root *document.Node, at value.Path, w *manifest.Wish) {
	l.changes = append(l.changes, change{t, document.Change{Op: w.Op, At: root, Path: at, Value: w.Value}, w.Path})
	l.titles = append(l.titles, titleOf(w))
}

func titleOf(w *manifest.Wish) string {
	shown := value.Show(&w.Value)
	switch {
	case w.Op == resource.Remove || len(shown) > 60:
		return string(w.Op) + " " + w.Path.String()
	case w.Op == resource.Add:
		return "add " + shown + " to " + w.Path.String()
	}
	return string(w.Op) + " " + w.Path.String() + " to " + shown
}

// remove takes a value away wherever it is said: what a patch no longer says, the base would.
func (l *lowering) remove(w *manifest.Wish) error {
	_, of, _ := l.find(w.Path)
	var spots []*spot
	add := func(s *spot) {
		if s == nil || s.up == nil || slices.ContainsFunc(spots, func(x *spot) bool { return x.node == s.node && x.text == s.text && x.at == s.at }) {
			return
		}
		spots = append(spots, s)
	}
	if of.spot != nil && of.set != "" && !of.exact {
		return l.stuck(w.Path, of)
	}
	add(of.spot)
	if l.base != nil {
		add(l.along(l.base, w.Path))
	}
	for _, t := range l.touches {
		for _, root := range t.text.doc.Roots {
			if root.Kind == document.Mapping && (t.target != nil || names(root, l.object)) {
				add(l.along(&spot{t.text, root, root.Range, nil, value.Step{}}, w.Path))
			}
		}
	}
	if len(spots) == 0 {
		return l.stuck(w.Path, of)
	}
	for _, s := range spots {
		root, at := s.root()
		if root.Kind == document.Sequence {
			at = at[:1] // the operation that adds it
		}
		l.changes = append(l.changes, change{s.text, document.Change{Op: resource.Remove, At: root, Path: at}, w.Path})
	}
	l.titles = append(l.titles, titleOf(w))
	return nil
}

// create writes an object beside this one, in the file of its base. What the kustomization adds to names and namespaces is left to it.
func (l *lowering) create(v value.Value) error {
	if l.base == nil {
		return l.stuck(nil, origin{})
	}
	name := l.base.node.Get("metadata").Get("name")
	if name == nil || name.Text != l.names[0] {
		return errors.New("kustomize gives objects other names than they have in their files")
	}
	wished := v.Field("metadata").Field("namespace")
	if wished.IsSet() && l.base.node.Get("metadata").Get("namespace") == nil {
		v = withoutNamespace(v)
	}
	typ := manifest.TypeOf(v.Field("apiVersion").Text, v.Field("kind").Text)
	for _, r := range l.graph.ByType(typ) {
		have := r.Body.Field("metadata")
		if have.Field("name").Text == v.Field("metadata").Field("name").Text && (!wished.IsSet() || have.Field("namespace").Text == wished.Text) {
			if holds(&r.Body, &v) {
				return nil
			}
			return fmt.Errorf("there is a %s of that name already", v.Field("kind").Text)
		}
	}
	if len(l.created) > 0 {
		return errors.New("only one object can be made at once")
	}
	l.created = append(l.created, v)
	l.titles = append(l.titles, "create a "+v.Field("kind").Text)
	return nil
}

func withoutNamespace(v value.Value) value.Value {
	v.Fields = slices.Clone(v.Fields)
	for i := range v.Fields {
		if f := &v.Fields[i]; f.Name == "metadata" {
			f.Value.Fields = slices.DeleteFunc(slices.Clone(f.Value.Fields), func(f value.Field) bool { return f.Name == "namespace" })
		}
	}
	return v
}

// holds reports whether a value has all that another one has.
func holds(have, wish *value.Value) bool {
	if wish.Kind != value.Object {
		return have.Equal(wish)
	}
	for i := range wish.Fields {
		if !holds(have.Field(wish.Fields[i].Name), &wish.Fields[i].Value) {
			return false
		}
	}
	return have.Kind == value.Object
}

// finish makes the edits.
func (l *lowering) finish(out *dialect.Lowered) error {
	var texts []*text
	for _, c := range l.changes {
		if !slices.Contains(texts, c.text) {
			texts = append(texts, c.text)
		}
	}
	if len(l.created) > 0 && !slices.Contains(texts, l.base.text) {
		texts = append(texts, l.base.text)
	}
	var where []string
	for _, t := range texts {
		if slices.ContainsFunc(t.problems, func(p source.Problem) bool { return p.Kind != source.Limit }) {
			return fmt.Errorf("%s is not in order: %s", t.name, t.problems[0].Message)
		}
		var edits []document.Change
		for _, c := range l.changes {
			if c.text == t {
				edits = append(edits, c.Change)
			}
		}
		made, err := t.doc.Edit(edits)
		if err != nil {
			return err
		}
		if len(l.created) > 0 && t == l.base.text {
			if t.patch {
				return errors.New("there is no file for one more object")
			}
			more, err := t.doc.Append(l.created[0])
			if err != nil {
				return err
			}
			made = append(made, more)
		}
		for _, x := range made {
			moved, ok := t.edit(x)
			if !ok {
				return fmt.Errorf("%s is written so that it cannot be edited", t.name)
			}
			out.Edits = append(out.Edits, moved)
		}
		if n := l.unit.e.graph.reach[t.file.Path]; n > 1 && !t.patch {
			where = append(where, fmt.Sprintf("%s, which %d kustomizations are built of", path.Base(t.file.Path), n))
		}
	}
	out.Title = strings.Join(l.titles, ", ")
	if len(where) > 0 {
		out.Title += " (in " + strings.Join(where, " and ") + ")"
	}
	return nil
}

// shared lists the other resources that are made of what is edited.
func (l *lowering) shared(r *resource.Resource) []string {
	var out []string
	for _, other := range l.graph.Resources {
		p, ok := other.Handle.(*manifest.Part)
		if !ok || other == r {
			continue
		}
		o, ok := p.Object.Handle.(*object)
		if ok && slices.ContainsFunc(l.changes, func(c change) bool { return l.shares(other, o, p, c) }) {
			out = append(out, other.Address)
		}
	}
	return out
}

// shares reports whether a resource changes with one change: what is said in a kustomization is said of many objects, and a base or
// patch may serve several.
func (l *lowering) shares(r *resource.Resource, o *object, p *manifest.Part, c change) bool {
	if !c.text.patch && isName(c.text.file.Path) {
		_, at, _ := c.text.find(c.At, c.Path)
		return isAt(&r.Body, at)
	}
	if o == l.object {
		return false
	}
	for i := range min(len(c.of), len(p.At)) {
		if c.of[i] != p.At[i] {
			return false
		}
	}
	if o.base != nil && o.base.text == c.text && o.base.node == c.At {
		return true
	}
	return slices.ContainsFunc(o.touches, func(t *touch) bool { return t.text == c.text && (t.target != nil || names(c.At, o)) })
}

// isAt reports whether a part of a value was written at a place.
func isAt(v *value.Value, at source.Range) bool {
	if v.Range == at {
		return true
	}
	for i := range v.Fields {
		if isAt(&v.Fields[i].Value, at) {
			return true
		}
	}
	for i := range v.Items {
		if isAt(&v.Items[i], at) {
			return true
		}
	}
	return false
}
