package cloudformation

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

// Edit lowers wishes to text edits. What already holds needs none. A value that is nothing but a reference to a parameter is
// changed where it is given when nothing else uses the parameter; a value that a function makes is replaced where it is used.
func (x *explainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	u := x.unit
	if u == nil {
		return dialect.Lowered{}, errors.New("the unit was not evaluated")
	}
	var out dialect.Lowered
	err := fmt.Errorf("%s could not be edited", r.Address)
	u.quietly(r.Header, func() {
		l := &lowering{unit: u}
		if err = l.lower(r, changes); err == nil {
			out, err = l.finish(r)
		}
	})
	return out, err
}

// lowering collects the changes of documents for some wishes.
type lowering struct {
	unit    *evaluation
	changes []document.Change
	of      []*document.Document // the document of each change
	titles  []string             // what is wished, in CloudFormation's words
}

func (l *lowering) change(d *document.Document, c document.Change) {
	l.changes, l.of = append(l.changes, c), append(l.of, d)
}

func (l *lowering) lower(r *resource.Resource, changes []resource.Change) error {
	if h, ok := r.Handle.(*declarationHandle); ok {
		return l.declaration(r, h, changes)
	}
	n, _ := l.unit.nativeOf(r, nil)
	if n == nil {
		return fmt.Errorf("%s was not made by this dialect", r.Address)
	}
	var wishes []translate.Wish
	if r.Type == n.typ { // no table has it
		for _, c := range changes {
			if c.Op == resource.Create {
				return fmt.Errorf("%s: no %s can be made beside a resource of type %s", r.Address, c.New.Type, n.typ)
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
		if err := l.wish(n, w); err != nil {
			return err
		}
	}
	return nil
}

func (l *lowering) wish(n *native, w translate.Wish) error {
	if w.Op == resource.Create {
		l.titles = append(l.titles, "create "+w.Type)
		return l.create(n, w)
	}
	l.titles = append(l.titles, titleOf(n, w))
	for _, w := range concrete(w, &n.body) {
		if holds(w, &n.body) {
			continue
		}
		if err := l.property(n, w); err != nil {
			return err
		}
	}
	return nil
}

// titleOf writes a wish for people.
func titleOf(n *native, w translate.Wish) string {
	if from, err := n.source(w.Path); err == nil {
		w.Path = from
	}
	return w.Title()
}

// finish makes the edits of the changes, document by document.
func (l *lowering) finish(r *resource.Resource) (dialect.Lowered, error) {
	var out dialect.Lowered
	var documents []*document.Document
	for _, d := range l.of {
		if !slices.Contains(documents, d) {
			documents = append(documents, d)
		}
	}
	for _, d := range documents {
		var changes []document.Change
		for i, c := range l.changes {
			if l.of[i] == d {
				changes = append(changes, c)
			}
		}
		edits, err := d.Edit(changes)
		if err != nil {
			return dialect.Lowered{}, err
		}
		out.Edits = append(out.Edits, edits...)
	}
	slices.SortStableFunc(out.Edits, func(a, b source.Edit) int {
		if c := strings.Compare(a.Range.File, b.Range.File); c != 0 {
			return c
		}
		return a.Range.Start - b.Range.Start
	})
	out.Shared = l.shared(r)
	out.Title = strings.Join(slices.Compact(l.titles), ", ")
	return out, nil
}

// shared returns the addresses of other resources that are written where something changes: a loop makes several resources of
// one text, a template is nested several times, an anchor is used more than once, a stack hands on what changes.
func (l *lowering) shared(r *resource.Resource) []string {
	own, _ := l.unit.nativeOf(r, nil)
	found := map[string]bool{}
	for _, n := range l.unit.natives {
		if own != nil && (n == own || n.of == own.of) {
			continue
		}
		for _, c := range l.changes {
			if slices.Contains(n.scope.sections, c.At) {
				continue
			}
			if n.body.Range.Contains(c.At.Range) || n.scope.template.file.anchors && touches(&n.body, c.At.Range) {
				found[n.address()] = true
			}
		}
	}
	return sortedNames(found)
}

// touches reports whether a value, or anything in it, is written in a place or around it.
func touches(v *value.Value, r source.Range) bool {
	if !v.Range.IsZero() && (v.Range.Contains(r) || r.Contains(v.Range)) {
		return true
	}
	for i := range v.Fields {
		if touches(&v.Fields[i].Value, r) {
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

// declarationWords are the words of parameters and outputs for the attributes of variables and outputs.
var declarationWords = map[string]string{"default": "Default", "description": "Description", "sensitive": "NoEcho", "value": "Value"}

// declaration lowers wishes about a parameter or an output.
func (l *lowering) declaration(r *resource.Resource, h *declarationHandle, changes []resource.Change) error {
	at := (*document.Node)(nil)
	if h.parameter != nil {
		at = h.parameter.member.Value
	} else {
		at = h.output.node
	}
	for _, c := range changes {
		if c.Op != resource.Set && c.Op != resource.Remove || len(c.Path) != 1 {
			return fmt.Errorf("%s has no %s that could be changed", r.Address, c.Path)
		}
		word := declarationWords[c.Path[0].Name]
		l.titles = append(l.titles, string(c.Op)+" "+word)
		if word == "" || h.parameter == nil && word != "Description" && word != "Value" {
			return fmt.Errorf("%s has no %s that could be changed", r.Address, c.Path)
		}
		if holds(translate.Wish{Op: c.Op, Path: c.Path, Value: c.Value}, &r.Body) {
			continue
		}
		l.change(h.scope.template.document, document.Change{Op: c.Op, At: at, Path: value.Path{{Name: word}}, Value: c.Value})
	}
	return nil
}

// place is an entry of a mapping or sequence that a wish is about.
type place struct {
	in   *document.Node
	path value.Path     // from in: one step, or more when what lies between is missing
	at   *document.Node // what stands there; nil when nothing does
}

// property lowers a wish about a property.
func (l *lowering) property(n *native, w translate.Wish) error {
	source, err := n.source(w.Path)
	if err != nil {
		return err
	}
	e := n.scope.envOf(n.of)
	p, err := e.locate(n, source, &n.body, w.Path)
	if err != nil {
		return err
	}
	if p.at == nil && w.Op == resource.Remove {
		return fmt.Errorf("%s: %s is not written in the resource itself", n.address(), w.Path)
	}
	if p.at != nil && w.Op == resource.Set && len(p.path) == 1 {
		done, err := l.atOrigin(n, p.at, w)
		if err != nil || done {
			return err
		}
	}
	if p.at != nil && w.Op == resource.Add {
		if name, _ := called(p.at); name != "" {
			return fmt.Errorf("%s: %s is made by %s, and nothing can be added to it", n.address(), w.Path, name)
		}
	}
	v, err := l.literal(n, &w.Value)
	if err != nil {
		return err
	}
	v = paired(v)
	if inQuotes(p.at) || p.path[len(p.path)-1].Name == "Value" && p.in.Get("Key") != nil {
		v = worded(v)
	}
	l.change(l.unit.documentOf(n.scope, p.in), document.Change{Op: w.Op, At: p.in, Path: p.path, Value: v})
	return nil
}

// source returns the path of a property in what is declared: SAM has its own words for some.
func (n *native) source(path value.Path) (value.Path, error) {
	if !n.made {
		return path, nil
	}
	best := -1
	for i, r := range n.routes {
		if len(path) >= len(r.to) && slices.Equal(path[:len(r.to)], r.to) && (best < 0 || len(r.to) > len(n.routes[best].to)) {
			best = i
		}
	}
	if best < 0 {
		return nil, fmt.Errorf("%s: SAM makes %s of %s and lets nobody set %s", n.address(), n.typ, n.of.typ, path)
	}
	return slices.Concat(n.routes[best].from, path[len(n.routes[best].to):]), nil
}

// documentOf returns the document that a node stands in.
func (u *evaluation) documentOf(s *scope, n *document.Node) *document.Document {
	if d := u.documents[n.Range.File]; d != nil && n.Range.File != s.template.file.source.Path {
		return d
	}
	return s.template.document
}

// locate finds where the value at a path is written. Whatever is decided is gone through; what a function makes cannot be.
func (e *env) locate(n *native, path value.Path, body *value.Value, native value.Path) (place, error) {
	d := n.of
	in := d.body
	if n.base != nil {
		in = n.base
	} else if !slices.Contains(policies[:], path[0].Name) || in.Get("Properties").Member(path[0].Name) != nil {
		path = append(value.Path{{Name: "Properties"}}, path...)
	}
	for i := 0; ; i++ {
		p := place{in: in, path: path[i : i+1]}
		switch step := path[i]; {
		case step.Name != "":
			if in.Kind != document.Mapping {
				return p, fmt.Errorf("%s: what is written for %s has no parts that could be changed", n.address(), path[:i])
			}
			p.at = in.Get(step.Name)
			if p.at == nil {
				if err := e.unseen(n, in, body, native[:max(0, len(native)-(len(path)-i-1))]); err != nil {
					return p, err
				}
				p.path = path[i:]
				return p, nil
			}
		default:
			var err error
			if p, err = e.item(in, step.Index); err != nil {
				return p, fmt.Errorf("%s: %s: %w", n.address(), native, err)
			}
		}
		p = e.taken(p)
		if i == len(path)-1 {
			return p, nil
		}
		if name, _ := called(p.at); name != "" {
			return p, fmt.Errorf("%s: %s is made by %s, and its parts cannot be changed", n.address(), path[1:i+1], name)
		}
		if p.at.IsNull() { // an empty entry becomes what is wished of it
			return place{in: p.in, path: slices.Concat(p.path, path[i+1:])}, nil
		}
		in = p.at
	}
}

// unseen reports what stands in the way when something has a value and no entry: a loop or a macro makes it.
func (e *env) unseen(n *native, in *document.Node, body *value.Value, path value.Path) error {
	v := body.At(path)
	if v.Kind == value.Absent {
		return nil
	}
	if globals := n.scope.template.globals; globals != nil && globals.Range.Contains(v.Range) {
		return nil // the resource's own value wins
	}
	if n.made {
		return nil
	}
	for i := range in.Members {
		if strings.HasPrefix(in.Members[i].Key.Text, loopPrefix) {
			return fmt.Errorf("%s: a loop makes %s", n.address(), path)
		}
	}
	return nil
}

// item finds an element of a list: elements that are not there are no elements of its value.
func (e *env) item(in *document.Node, index int) (place, error) {
	if in.Kind != document.Sequence {
		return place{}, errors.New("what is written there is no list")
	}
	at := 0
	for i, item := range in.Items {
		probe := &env{scope: e.scope, loop: e.loop, assumed: e.assumed}
		list := value.Value{Kind: value.List}
		probe.element(&list, item)
		if index < at+len(list.Items) {
			if _, undecided := probe.undecided(item); undecided {
				return place{}, errors.New("which element is there is not known")
			}
			return place{in: in, path: value.Path{{Index: i}}, at: item}, nil
		}
		at += len(list.Items)
	}
	return place{}, errors.New("there is no such element")
}

// taken goes into the branch that an Fn::If takes, so that the other one keeps its value for other parameters.
func (e *env) taken(p place) place {
	for range maxTrace {
		arg := ifArguments(p.at)
		if arg == nil || len(arg.Items) != 3 {
			return p
		}
		i := 1
		switch e.condition(arg.Items[0]) {
		case maybe:
			return p
		case no:
			i = 2
		}
		p = place{in: arg, path: value.Path{{Index: i}}, at: arg.Items[i]}
	}
	return p
}
