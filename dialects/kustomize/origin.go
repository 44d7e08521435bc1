package kustomize

import (
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// origin is where a value of an object was written.
type origin struct {
	spot  *spot         // a node of a base or patch, or an entry of a kustomization; nil when nobody knows
	exact bool          // the value there is that of the object
	set   string        // what of kustomize's own made it what it is: images of prod/kustomization.yaml; empty for most
	place *source.Range // where spot is nil: an entry of a kustomization
}

// at is the place of an origin, zero when nobody knows.
func (x origin) at() source.Range {
	switch {
	case x.spot != nil:
		return x.spot.place()
	case x.place != nil:
		return *x.place
	}
	return source.Range{}
}

// reader makes values of an object.
type reader struct {
	*object
}

// read makes the value of a node of the object. Base is the node of the object's own document that has the same place there, if any.
func (r *reader) read(n *yaml.Node, at value.Path, base *spot) value.Value {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	var v value.Value
	switch n.Kind {
	case yaml.MappingNode:
		v.Kind = value.Object
		v.Fields = make([]value.Field, 0, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			inner := append(at[:len(at):len(at)], value.Step{Name: name})
			v.Fields = append(v.Fields, value.Field{Name: name, Value: r.read(n.Content[i+1], inner, base.member(name))})
		}
		sort.SliceStable(v.Fields, func(i, j int) bool { return v.Fields[i].Name < v.Fields[j].Name })
		v.Fields = slices.CompactFunc(v.Fields, func(a, b value.Field) bool { return a.Name == b.Name })
	case yaml.SequenceNode:
		v.Kind = value.List
		v.Items = make([]value.Value, len(n.Content))
		for i, item := range n.Content {
			v.Items[i] = r.read(item, append(at[:len(at):len(at)], value.Step{Index: i}), base.item(item, i))
		}
	default:
		v = scalar(n)
		if v.Kind == value.String && r.generator != nil && v.Text != "" && r.isUnread(v.Text, at) {
			v = value.Value{Kind: value.Unknown, NotNull: true, Given: true}
		}
	}
	v.Range = r.originOf(n, at, base).at()
	return v
}

// scalar reads a scalar as kubectl reads what kustomize writes.
func scalar(n *yaml.Node) value.Value {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return value.Value{Kind: value.String, Text: n.Value}
	}
	if n.Tag == yaml.NodeTagString {
		if as := document.ReadPlain(n.Value, false); as.Kind != value.String {
			return value.Value{Kind: value.String, Text: n.Value} // it is written in quotes
		}
	}
	return document.ReadPlain(n.Value, true)
}

// member returns the entry of a mapping.
func (s *spot) member(name string) *spot {
	if s == nil {
		return nil
	}
	m := s.node.Member(name)
	if m == nil {
		return nil
	}
	return &spot{s.text, m.Value, m.Range, s, value.Step{Name: name}}
}

// item returns the item of a list that is the same as one of the object: of those that have a name the one of that name, of texts the
// one that says the same, else the one at the same place.
func (s *spot) item(of *yaml.Node, i int) *spot {
	if s == nil || s.node.Kind != document.Sequence {
		return nil
	}
	at := func(j int) *spot {
		return &spot{s.text, s.node.Items[j], s.node.Place(j), s, value.Step{Index: j}}
	}
	if of.Kind == yaml.MappingNode {
		for _, key := range [...]string{"name", "containerPort", "mountPath", "devicePath", "port", "topologyKey", "ip", "uid", "key", "kind"} {
			id := member(of, key)
			if id == nil || id.Kind != yaml.ScalarNode {
				continue
			}
			for j, item := range s.node.Items {
				if n := item.Get(key); n != nil && n.Text == id.Value {
					return at(j)
				}
			}
			return nil
		}
	}
	if of.Kind == yaml.ScalarNode {
		if i < len(s.node.Items) && s.node.Items[i].Text == of.Value {
			return at(i)
		}
		for j, item := range s.node.Items {
			if item.Kind == document.Scalar && item.Text == of.Value {
				return at(j)
			}
		}
		return nil
	}
	if i < len(s.node.Items) {
		return at(i)
	}
	return nil
}

// originOf finds where a node of the object was written.
func (o *object) originOf(n *yaml.Node, at value.Path, base *spot) origin {
	if len(at) == 0 {
		return origin{spot: o.base, exact: true}
	}
	if s := o.written(n); s != nil {
		return origin{spot: s, exact: true}
	}
	if n.Kind == yaml.ScalarNode {
		if x, ok := o.transformed(n.Value, at); ok {
			return x
		}
	}
	for i := len(o.touches) - 1; i >= 0; i-- {
		if s := o.patched(o.touches[i], n, at); s != nil {
			return origin{spot: s, exact: true}
		}
	}
	if base == nil {
		return origin{}
	}
	return origin{spot: base, exact: same(base.node, n)}
}

// same reports whether a node of a document says what one of the object says, as far as that can be told without looking into them.
func same(d *document.Node, n *yaml.Node) bool {
	switch n.Kind {
	case yaml.ScalarNode:
		return d.Kind == document.Scalar && d.Text == n.Value
	case yaml.SequenceNode:
		return d.Kind == document.Sequence
	}
	return d.Kind == document.Mapping
}

// written returns the node of which kustomize kept the line; nil when it made the node itself. The list that holds items of one document
// only is the list there.
func (o *object) written(n *yaml.Node) *spot {
	switch n.Kind {
	case yaml.ScalarNode:
		if s := o.unit.sections.spot(n.Line, n.Column, document.Scalar); s != nil && s.node.Text == n.Value {
			return s
		}
	case yaml.MappingNode:
		return o.unit.sections.spot(n.Line, n.Column, document.Mapping)
	case yaml.SequenceNode:
		if s := o.unit.sections.spot(n.Line, n.Column, document.Sequence); s != nil {
			return s
		}
		var list *spot
		for _, item := range n.Content {
			s := o.written(item)
			if s == nil || s.up == nil || s.up.node.Kind != document.Sequence || list != nil && list.node != s.up.node {
				if list != nil {
					break // the first ones are of the list that others were added to
				}
				return nil
			}
			list = s.up
		}
		return list
	}
	return nil
}

// about reports whether a patch may be about an object.
func (t *touch) about(o *object) bool {
	if t.target != nil {
		return matches(t.target.Kind, o.kind) && slices.ContainsFunc(o.names, func(name string) bool { return matches(t.target.Name, name) }) &&
			(t.target.Namespace == "" || o.namespace == "" || matches(t.target.Namespace, o.namespace))
	}
	return slices.ContainsFunc(t.text.doc.Roots, func(root *document.Node) bool { return names(root, o) })
}

func matches(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	x, err := regexp.Compile("^(?:" + pattern + ")$")
	return err == nil && x.MatchString(s)
}

// names reports whether a document of a patch says that it is of an object.
func names(root *document.Node, o *object) bool {
	kind, name := root.Get("kind"), root.Get("metadata").Get("name")
	return kind != nil && name != nil && kind.Text == o.kind && slices.Contains(o.names, name.Text)
}

// patched returns the node of a patch that says what a node of the object says at the same place.
func (o *object) patched(t *touch, n *yaml.Node, at value.Path) *spot {
	for _, root := range t.text.doc.Roots {
		s := &spot{t.text, root, root.Range, nil, value.Step{}}
		if root.Kind == document.Sequence {
			for i := len(root.Items) - 1; i >= 0; i-- {
				operation := &spot{t.text, root.Items[i], root.Place(i), s, value.Step{Index: i}}
				if found := o.operated(operation, n, at); found != nil {
					return found
				}
			}
			continue
		}
		if t.target == nil && !names(root, o) {
			continue
		}
		if found := o.along(s, at); found != nil && found.up != nil && same(found.node, n) && n.Kind == yaml.ScalarNode {
			return found
		}
	}
	return nil
}

// along follows a path of the object in another document of it; nil when it does not lead so far.
func (o *object) along(s *spot, at value.Path) *spot {
	n := o.node
	for _, x := range at {
		if x.Name != "" {
			n, s = member(n, x.Name), s.member(x.Name)
		} else if n != nil && n.Kind == yaml.SequenceNode && x.Index < len(n.Content) {
			n = n.Content[x.Index]
			s = s.item(n, x.Index)
		} else {
			return nil
		}
		if n == nil || s == nil {
			return nil
		}
	}
	return s
}

// operated returns the part of an operation of a JSON patch that says what a node of the object says.
func (o *object) operated(operation *spot, n *yaml.Node, at value.Path) *spot {
	op, pointer, v := operation.node.Get("op"), operation.node.Get("path"), operation.member("value")
	if op == nil || pointer == nil || v == nil || op.Text != "add" && op.Text != "replace" || !strings.HasPrefix(pointer.Text, "/") {
		return nil
	}
	steps := strings.Split(pointer.Text[1:], "/")
	if len(steps) > len(at) {
		return nil
	}
	for i, s := range steps {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
		if at[i].Name != "" && s != at[i].Name || at[i].Name == "" && s != "-" && s != strconv.Itoa(at[i].Index) {
			return nil
		}
	}
	for _, x := range at[len(steps):] {
		switch {
		case x.Name != "":
			v = v.member(x.Name)
		case v.node.Kind == document.Sequence && x.Index < len(v.node.Items):
			v = &spot{v.text, v.node.Items[x.Index], v.node.Place(x.Index), v, x}
		default:
			return nil
		}
		if v == nil {
			return nil
		}
	}
	if !same(v.node, n) || n.Kind == yaml.MappingNode && len(at) == len(steps) && len(n.Content) != 2*len(v.node.Members) {
		return nil
	}
	return v
}

// find follows a path of the object. It returns the last node that is there, where it was written, and the steps that are missing.
func (o *object) find(p value.Path) (n *yaml.Node, x origin, rest value.Path) {
	n, base := o.node, o.base
	x = origin{spot: o.base, exact: true}
	for i, s := range p {
		var next *yaml.Node
		if s.Name != "" {
			next = member(n, s.Name)
			base = base.member(s.Name)
		} else if n.Kind == yaml.SequenceNode && s.Index < len(n.Content) {
			next = n.Content[s.Index]
			base = base.item(next, s.Index)
		}
		if next == nil {
			return n, x, p[i:]
		}
		n = next
		x = o.originOf(n, p[:i+1], base)
	}
	return n, x, nil
}
