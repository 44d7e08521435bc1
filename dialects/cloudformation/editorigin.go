package cloudformation

import (
	"fmt"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// atOrigin lowers a change of a value that is nothing but a reference to a parameter to a change of what is given for it: the
// Default, the entry of a file of parameters, or the argument of a nested stack. It reports false where that would change
// more than the resource, or is not allowed; the reference is replaced then.
func (l *lowering) atOrigin(n *native, at *document.Node, w translate.Wish) (bool, error) {
	s, d := n.scope, n.of
	text, plain := w.Value.Word()
	for range maxTrace {
		name, arg := called(at)
		if name != "Ref" || !plain || refersToThis(&w.Value) || d.loop != nil {
			return false, nil
		}
		p := s.template.parameters[arg.Text]
		if p == nil || p.isList() || p.stored() || !p.mayBe(text) || s.usedElsewhere(p, d.body) {
			return false, nil
		}
		if s.parent != nil {
			if l.nestedAgain(s) {
				return false, nil
			}
			m := s.arguments.Member(p.name)
			if m != nil {
				if next, _ := called(m.Value); next == "" && m.Value.Kind == document.Scalar {
					l.set(s.parent.template.document, s.arguments, p.name, m.Value, w.Value)
					return true, nil
				}
				at, s, d = m.Value, s.parent, s.caller
				continue
			}
		} else if in, ok := s.given[p.name]; ok {
			if in.given || in.file == nil {
				return false, fmt.Errorf("the value is given from outside of the tree, by %s", in.name)
			}
			if in.holder == nil || in.node.Kind != document.Scalar {
				return false, nil
			}
			l.set(in.file.document, in.holder, in.key, in.node, value.Value{Kind: value.String, Text: text})
			return true, nil
		}
		if p.fallback == nil {
			return false, nil
		}
		l.set(s.template.document, p.member.Value, "Default", p.fallback.Value, w.Value)
		return true, nil
	}
	return false, nil
}

// set writes a scalar in the place of another. A text stays a text, whatever it looks like.
func (l *lowering) set(d *document.Document, in *document.Node, name string, old *document.Node, v value.Value) {
	if was := old.Value(true, nil); was.Kind == value.String && v.Kind != value.String {
		text, _ := v.Word()
		v = value.Value{Kind: value.String, Text: text}
	}
	l.change(d, document.Change{Op: resource.Set, At: in, Path: value.Path{{Name: name}}, Value: v})
}

// nestedAgain reports whether the template of a scope is nested in another place of the unit too.
func (l *lowering) nestedAgain(s *scope) bool {
	count := 0
	for _, n := range l.unit.natives {
		if c := n.scope.children[n.of.id]; c != nil && c.template.file == s.template.file && n.id == n.of.id {
			count++
		}
	}
	return count > 1
}

// usedElsewhere reports whether anything but one use in one resource names a parameter: its other uses would change with it.
func (s *scope) usedElsewhere(p *parameter, body *document.Node) bool {
	t := s.template
	uses := 0
	var visit func(*document.Node)
	visit = func(n *document.Node) {
		if n == nil || uses > 1 {
			return
		}
		switch n.Kind {
		case document.Scalar:
			if n.Text == p.name || strings.Contains(n.Text, "${"+p.name+"}") {
				uses++
			}
		case document.Sequence:
			for _, item := range n.Items {
				visit(item)
			}
		case document.Mapping:
			for i := range n.Members {
				visit(n.Members[i].Value)
			}
		}
	}
	visit(body)
	for _, section := range s.sections {
		for i := range section.Members {
			if section.Members[i].Value != body {
				visit(section.Members[i].Value)
			}
		}
	}
	for _, section := range s.outs {
		visit(section)
	}
	visit(t.conditions)
	visit(t.globals)
	return uses > 1
}

// concrete turns a set wish on elements of a list without numbers into one for each element.
func concrete(w translate.Wish, body *value.Value) []translate.Wish {
	if w.Op != resource.Set {
		return []translate.Wish{w}
	}
	v := body
	for i, step := range w.Path {
		if step.Name != "" && v.Kind == value.List {
			var out []translate.Wish
			for n := range v.Items {
				one := w
				one.Path = append(append(append(value.Path{}, w.Path[:i]...), value.Step{Index: n}), w.Path[i:]...)
				out = append(out, concrete(one, body)...)
			}
			if out == nil {
				return []translate.Wish{w}
			}
			return out
		}
		v = v.At(value.Path{step})
	}
	return []translate.Wish{w}
}

// holds reports whether what is wished for is so already.
func holds(w translate.Wish, body *value.Value) bool {
	v := body.At(w.Path)
	switch w.Op {
	case resource.Set:
		return includes(v, &w.Value)
	case resource.Remove:
		return !v.IsSet() || v.Kind == value.List && len(v.Items) == 0 && !v.Open
	case resource.Add:
		for i := range v.Items {
			if includes(&v.Items[i], &w.Value) {
				return true
			}
		}
	}
	return false
}

// includes reports whether a value has all that a wished one has.
func includes(v, wish *value.Value) bool {
	switch {
	case wish.Kind == value.Null:
		return !v.IsSet()
	case refersToThis(wish):
		return v.IsSet()
	case wish.Kind == value.Object && v.Kind == value.Object:
		for i := range wish.Fields {
			if !includes(v.Field(wish.Fields[i].Name), &wish.Fields[i].Value) {
				return false
			}
		}
		return true
	case wish.Kind == value.List && v.Kind == value.List:
		if v.Open || len(v.Items) != len(wish.Items) {
			return false
		}
		for i := range wish.Items {
			if v.Items[i].Maybe || !includes(&v.Items[i], &wish.Items[i]) {
				return false
			}
		}
		return true
	}
	have, known := v.Word()
	want, scalar := wish.Word()
	return known && scalar && have == want
}

func refersToThis(v *value.Value) bool {
	return v.Kind == value.String && strings.Contains(v.Text, "${this")
}
