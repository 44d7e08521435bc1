package cloudformation

import (
	"bytes"
	"fmt"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// create lowers a wish for a resource beside another. When there is one of the type that belongs to it already, that shall
// have the wished properties; otherwise it is written at the end of the section.
func (l *lowering) create(n *native, w translate.Wish) error {
	found := false
	for _, other := range l.unit.natives {
		if other.typ != w.Type || other.scope != n.scope || !belongs(other, n, &w.Value) {
			continue
		}
		found = true
		for i := range w.Value.Fields {
			f := &w.Value.Fields[i]
			if refersToThis(&f.Value) {
				continue
			}
			for _, part := range parts(value.Path{{Name: f.Name}}, &f.Value, other.body.Field(f.Name)) {
				if err := l.wish(other, part); err != nil {
					return err
				}
			}
		}
	}
	if found {
		return nil
	}
	if n.of.loop != nil {
		return fmt.Errorf("%s is made by a loop, and nothing can be written beside it", n.address())
	}
	section := n.scope.sectionOf(n.of)
	if section == nil {
		return fmt.Errorf("%s is no resource of a section to which another one could be added", n.address())
	}
	id := n.scope.freeID(n.id, w.Type)
	n.scope.declared[id] = n.of // no other wish shall take it
	defer delete(n.scope.declared, id)
	properties, err := l.literal(n, &w.Value)
	if err != nil {
		return err
	}
	// In the order in which people write them, which is not that of the alphabet.
	fields := []value.Field{{Name: "Type", Value: text(w.Type)}}
	if c := n.of.body.Get("Condition"); c != nil && c.Kind == document.Scalar {
		fields = append(fields, value.Field{Name: "Condition", Value: text(c.Text)})
	}
	fields = append(fields, value.Field{Name: "Properties", Value: properties})
	l.change(l.unit.documentOf(n.scope, section), document.Change{Op: resource.Set, At: section, Path: value.Path{{Name: id}}, Value: value.Value{Kind: value.Object, Fields: fields}})
	return nil
}

// sectionOf returns the mapping that a resource is declared in.
func (s *scope) sectionOf(d *declared) *document.Node {
	for _, section := range s.sections {
		for i := range section.Members {
			if section.Members[i].Value == d.body {
				return section
			}
		}
	}
	return nil
}

// freeID returns a logical id for a new resource: that of the resource beside it and what it is.
func (s *scope) freeID(id, typ string) string {
	last := typ[strings.LastIndexByte(typ, ':')+1:]
	if !strings.HasSuffix(id, last) || last == "Policy" {
		if strings.HasSuffix(id, "Bucket") && strings.HasPrefix(last, "Bucket") {
			last = strings.TrimPrefix(last, "Bucket")
		}
		id += last
	}
	free := id
	for n := 2; s.declared[free] != nil || s.template.parameters[free] != nil; n++ {
		free = id + itoa(n)
	}
	return free
}

// belongs reports whether a resource is the companion of n that is wished for: it refers to it where the wish does.
func belongs(other, n *native, wish *value.Value) bool {
	for i := range wish.Fields {
		f := &wish.Fields[i]
		if !refersToThis(&f.Value) {
			continue
		}
		probe := &resource.Resource{Refs: other.refs}
		for _, ref := range probe.RefAt(value.Path{{Name: f.Name}}) {
			if ref.Target == n.address() {
				return true
			}
		}
	}
	return false
}

// parts splits a wish for an object that is there into wishes for its members.
func parts(path value.Path, wish, have *value.Value) []translate.Wish {
	if wish.Kind != value.Object || have.Kind != value.Object {
		return []translate.Wish{{Op: resource.Set, Path: path, Value: *wish}}
	}
	var out []translate.Wish
	for i := range wish.Fields {
		f := &wish.Fields[i]
		if !refersToThis(&f.Value) {
			out = append(out, parts(append(path[:len(path):len(path)], value.Step{Name: f.Name}), &f.Value, have.Field(f.Name))...)
		}
	}
	return out
}

// literal writes references to the resource itself as the template does: in the long form in JSON and where the template
// has no short ones.
func (l *lowering) literal(n *native, v *value.Value) (value.Value, error) {
	switch v.Kind {
	case value.String:
		if refersToThis(v) {
			return n.referenceIn(v.Text), nil
		}
	case value.Unknown:
		return *v, fmt.Errorf("%s: a wish is not wholly known", n.address())
	case value.List:
		out := *v
		out.Items = make([]value.Value, len(v.Items))
		for i := range v.Items {
			item, err := l.literal(n, &v.Items[i])
			if err != nil {
				return *v, err
			}
			out.Items[i] = item
		}
		return out, nil
	case value.Object:
		out := *v
		out.Fields = make([]value.Field, len(v.Fields))
		for i := range v.Fields {
			field, err := l.literal(n, &v.Fields[i].Value)
			if err != nil {
				return *v, err
			}
			out.Fields[i] = value.Field{Name: v.Fields[i].Name, Value: field}
		}
		return out, nil
	}
	return *v, nil
}

// referenceIn writes a text with ${this} and ${this.NAME} in it as a call of Ref, Fn::GetAtt or Fn::Sub.
func (n *native) referenceIn(s string) value.Value {
	call := func(name string, short bool, v value.Value) value.Value {
		if short {
			return value.Value{Kind: value.Object, Fields: []value.Field{{Name: "!" + strings.TrimPrefix(name, "Fn::"), Value: v}}}
		}
		return value.Value{Kind: value.Object, Fields: []value.Field{{Name: name, Value: v}}}
	}
	short := n.scope.template.short()
	if s == "${this}" {
		return call("Ref", short, text(n.id))
	}
	if name, ok := strings.CutPrefix(s, "${this."); ok && strings.IndexByte(name, '}') == len(name)-1 {
		attribute := strings.TrimSuffix(name, "}")
		if short {
			return call("Fn::GetAtt", true, text(n.id+"."+attribute))
		}
		return call("Fn::GetAtt", false, value.Value{Kind: value.List, Items: []value.Value{text(n.id), text(attribute)}})
	}
	return call("Fn::Sub", short, text(strings.ReplaceAll(strings.ReplaceAll(s, "${this}", "${"+n.id+"}"), "${this.", "${"+n.id+".")))
}

// short reports whether functions are written in the short form: in YAML, where the template has any or no long ones.
func (t *template) short() bool {
	if t.document.JSON {
		return false
	}
	content := t.file.source.Bytes
	for _, tag := range [...]string{"!Ref", "!Sub", "!GetAtt", "!If", "!Join"} {
		if bytes.Contains(content, []byte(tag)) {
			return true
		}
	}
	return !bytes.Contains(content, []byte("Fn::")) && !bytes.Contains(content, []byte("Ref:"))
}
