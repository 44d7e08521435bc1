package azure

import (
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
)

// template is what a JSON template declares, found without evaluating anything. Names are in lower case: Azure does not look
// at their case.
type template struct {
	file        *source.File
	root        *document.Node
	parameters  map[string]*document.Member
	variables   map[string]*document.Member
	copies      map[string]*document.Node // variables that a loop makes
	outputs     map[string]*document.Member
	functions   map[string]*document.Node // by namespace.name
	definitions *document.Node
	resources   []*declaration // those that are not nested in others
	symbolic    bool           // resources have names of their own: languageVersion 2.0
}

// declaration is one resource as it is written.
type declaration struct {
	node     *document.Node
	whole    source.Range // with its symbolic name
	symbol   string
	children []*declaration // resources that are nested in it
}

// newTemplate reads what a template declares. root is the mapping with resources and the rest.
func newTemplate(file *source.File, root *document.Node) *template {
	t := &template{
		file: file, root: root, definitions: get(root, "definitions"),
		parameters: membersOf(get(root, "parameters")), variables: membersOf(get(root, "variables")), outputs: membersOf(get(root, "outputs")),
		copies: map[string]*document.Node{}, functions: map[string]*document.Node{},
	}
	if loops := t.variables["copy"]; loops != nil && loops.Value.Kind == document.Sequence {
		delete(t.variables, "copy")
		for _, loop := range loops.Value.Items {
			if name := get(loop, "name"); name != nil {
				t.copies[strings.ToLower(name.Text)] = loop
			}
		}
	}
	if list := get(root, "functions"); list != nil {
		for _, space := range list.Items {
			namespace := get(space, "namespace")
			if namespace == nil {
				continue
			}
			for name, m := range membersOf(get(space, "members")) {
				t.functions[strings.ToLower(namespace.Text)+"."+name] = m.Value
			}
		}
	}
	resources := get(root, "resources")
	t.symbolic = resources != nil && resources.Kind == document.Mapping
	t.resources = declarations(resources)
	return t
}

// declarations finds the resources of a list, or of a mapping by symbolic names, and those nested in them.
func declarations(n *document.Node) []*declaration {
	if n == nil {
		return nil
	}
	var out []*declaration
	add := func(node *document.Node, whole source.Range, symbol string) {
		if node.Kind == document.Mapping {
			out = append(out, &declaration{node: node, whole: whole, symbol: symbol, children: declarations(get(node, "resources"))})
		}
	}
	for _, item := range n.Items {
		add(item, item.Range, "")
	}
	for i := range n.Members {
		m := &n.Members[i]
		add(m.Value, m.Range, m.Key.Text)
	}
	return out
}

// header returns as much of a declaration as names it: its symbolic name, or its type.
func (d *declaration) header() source.Range {
	if typ := find(d.node, "type"); typ != nil {
		if r := typ.Range; d.symbol == "" || r.IsZero() {
			return r
		}
	}
	r := d.whole
	if d.symbol != "" {
		r.End = r.Start + min(len(d.symbol)+2, r.End-r.Start)
	}
	return r
}

// membersOf returns the members of a mapping by their names in lower case.
func membersOf(n *document.Node) map[string]*document.Member {
	out := map[string]*document.Member{}
	if n == nil {
		return out
	}
	for i := range n.Members {
		out[strings.ToLower(n.Members[i].Key.Text)] = &n.Members[i]
	}
	return out
}

// get returns the member of a mapping, whatever the case of its name; nil when there is none.
func get(n *document.Node, name string) *document.Node {
	if m := find(n, name); m != nil {
		return m.Value
	}
	return nil
}

// find returns the entry of a mapping, whatever the case of its name; nil when there is none.
func find(n *document.Node, name string) *document.Member {
	if n == nil || n.Kind != document.Mapping {
		return nil
	}
	for i := range n.Members {
		if m := &n.Members[i]; len(m.Key.Text) == len(name) && strings.EqualFold(m.Key.Text, name) {
			return m
		}
	}
	return nil
}

// textAt returns the text of a member; empty when it is none.
func textAt(n *document.Node, name string) string {
	if v := get(n, name); v != nil && v.Kind == document.Scalar {
		return v.Text
	}
	return ""
}

// definition follows the $ref of a type to where it is defined.
func (t *template) definition(typ *document.Node) *document.Node {
	for range 16 {
		ref := textAt(typ, "$ref")
		if ref == "" {
			return typ
		}
		to := get(t.definitions, ref[strings.LastIndexByte(ref, '/')+1:])
		if to == nil {
			return typ
		}
		typ = to
	}
	return typ
}

// secure reports whether the values of a type are secrets.
func (t *template) secure(typ *document.Node) bool {
	return strings.HasPrefix(strings.ToLower(textAt(t.definition(typ), "type")), "secure")
}

// nullable reports whether a parameter is null when nobody gives it.
func (t *template) nullable(typ *document.Node) bool {
	return textAt(typ, "nullable") == "true" || textAt(t.definition(typ), "nullable") == "true"
}
