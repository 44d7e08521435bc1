package terraform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// Files in the JSON form of the language are edited as documents: a block is an object, or a list of them, and a string is a
// template.

// jsonEdits is what shall become of one file in JSON. All of it is lowered at once, so that two wishes about one missing block
// make one block.
type jsonEdits struct {
	doc     *document.Document
	changes []document.Change
}

// inJSON returns the document of a file in JSON, to which changes can be added.
func (l *lowering) inJSON(path string) (*jsonEdits, error) {
	if j := l.documents[path]; j != nil {
		return j, nil
	}
	if fetched(path) {
		return nil, errFetched(path)
	}
	f, p := l.unit.workspace.Read(path)
	if p != nil {
		return nil, fmt.Errorf("%s: %s", path, p.Message)
	}
	doc, problems := document.Parse(f, l.unit.limits)
	if len(problems) > 0 || !doc.JSON || len(doc.Roots) != 1 {
		return nil, fmt.Errorf("%s does not parse", path)
	}
	j := &jsonEdits{doc: doc}
	if l.documents == nil {
		l.documents = map[string]*jsonEdits{}
	}
	l.documents[path] = j
	return j, nil
}

func errFetched(path string) error {
	return fmt.Errorf("%s belongs to a module that was fetched and is not this repository's to change", path)
}

// finish lowers what was gathered for files in JSON.
func (l *lowering) finish() error {
	for _, path := range sortedNames(l.documents) {
		j := l.documents[path]
		edits, err := j.doc.Edit(j.changes)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := l.join(edits); err != nil {
			return err
		}
	}
	return nil
}

// jsonNode is a node with the way to it from its parent.
type jsonNode struct {
	parent *document.Node
	step   value.Step
	node   *document.Node
}

// nodeAt finds the outermost node with exactly a range.
func nodeAt(n *document.Node, start, end int) *jsonNode {
	check := func(step value.Step, child *document.Node) *jsonNode {
		switch {
		case child.Range.Start == start && child.Range.End == end:
			return &jsonNode{n, step, child}
		case child.Range.Start <= start && end <= child.Range.End:
			return nodeAt(child, start, end)
		}
		return nil
	}
	for i := range n.Members {
		if found := check(value.Step{Name: n.Members[i].Key.Text}, n.Members[i].Value); found != nil {
			return found
		}
	}
	for i := range n.Items {
		if found := check(value.Step{Index: i}, n.Items[i]); found != nil {
			return found
		}
	}
	return nil
}

// jsonBlock lowers changes of a resource that is written in JSON.
func (l *lowering) jsonBlock(r *resource.Resource, h *handle, changes []resource.Change) error {
	j, err := l.inJSON(r.Range.File)
	if err != nil {
		return err
	}
	found := nodeAt(j.doc.Roots[0], h.block.OpenBraceRange.Start.Byte, r.Range.End)
	if found == nil || found.node.Kind != document.Mapping {
		return fmt.Errorf("%s: the block of %s is not there any more", r.Range.File, r.Address)
	}
	b := &jsonBlock{edits: j, ref: referenceTo(r, h), lists: map[string]*value.Value{}}
	for _, c := range changes {
		if err := b.change(found.node, h.schema, c); err != nil {
			return fmt.Errorf("%s:%d: %w", r.Range.File, j.doc.File.Position(r.Range.Start).Line, err)
		}
	}
	for _, add := range b.order {
		j.changes = append(j.changes, document.Change{Op: resource.Set, At: add.at, Path: value.Path{{Name: add.name}},
			Value: value.Value{Kind: value.List, Items: []value.Value{*add.value}}})
	}
	return nil
}

// jsonBlock lowers the changes of one block.
type jsonBlock struct {
	edits *jsonEdits
	ref   func(string) string // how "${this.path}" is written; nil when there is no this
	lists map[string]*value.Value
	order []jsonAddition
}

// jsonAddition is an element of a list that is not there yet.
type jsonAddition struct {
	at    *document.Node
	name  string
	value *value.Value
}

func (b *jsonBlock) set(op resource.ChangeOp, at *document.Node, path value.Path, v value.Value) {
	b.edits.changes = append(b.edits.changes, document.Change{Op: op, At: at, Path: path, Value: v})
}

// change lowers one change in the block n.
func (b *jsonBlock) change(n *document.Node, attributes []schema.Attribute, c resource.Change) error {
	step := c.Path[0]
	if step.Name == "" {
		return fmt.Errorf("a block has no element %d", step.Index)
	}
	a := find(attributes, step.Name)
	if a != nil && a.Computed && !a.Optional && !a.Required {
		return fmt.Errorf("%s is decided by the provider and cannot be written", step.Name)
	}
	nested := a != nil && a.Nesting != schema.None
	rest := c.Path[1:]
	here := n.Get(step.Name)
	if nested && here == nil {
		if inner, many, err := dynamicContent(n, step.Name); err != nil {
			return err
		} else if inner != nil && c.Op != resource.Add && len(rest) > 0 {
			if rest[0].Name == "" {
				rest = rest[1:] // whichever element it is, this block makes it
			}
			if len(rest) > 0 && !many {
				return b.change(inner, a.Attributes, resource.Change{Op: c.Op, Path: rest, Value: c.Value})
			}
		}
	}
	switch {
	case !nested && len(rest) == 0 && c.Op == resource.Add:
		return b.add(n, step.Name, here, c.Value)
	case !nested && here != nil && here.Kind == document.Scalar && len(rest) > 0:
		return fmt.Errorf("%s is made by an expression", step.Name)
	case !nested:
		v, err := b.text(c.Value)
		if err != nil {
			return err
		}
		b.set(c.Op, n, c.Path, v)
		return nil
	case c.Op == resource.Add && len(rest) == 0:
		return b.add(n, step.Name, here, c.Value)
	case here == nil:
		return b.missing(n, a, c)
	case len(rest) == 0 && (c.Op == resource.Remove || c.Value.Kind != value.Object):
		v, err := b.text(c.Value)
		if err != nil {
			return err
		}
		b.set(c.Op, n, c.Path[:1], v)
		return nil
	}
	return b.blocks(n, here, a, resource.Change{Op: c.Op, Path: rest, Value: c.Value})
}

// blocks lowers a change of the nested blocks that stand in here.
func (b *jsonBlock) blocks(n, here *document.Node, a *schema.Attribute, c resource.Change) error {
	if len(c.Path) == 0 { // the block as a whole: each of its attributes
		for i := range c.Value.Fields {
			f := &c.Value.Fields[i]
			if err := b.blocks(n, here, a, resource.Change{Op: c.Op, Path: value.Path{{Name: f.Name}}, Value: f.Value}); err != nil {
				return err
			}
		}
		return nil
	}
	all := []*document.Node{here}
	if here.Kind == document.Sequence {
		all = here.Items
	}
	if len(all) == 0 {
		return b.missing(n, a, resource.Change{Op: c.Op, Path: append(value.Path{{Name: a.Name}}, c.Path...), Value: c.Value})
	}
	if c.Path[0].Name == "" {
		i := c.Path[0].Index
		switch {
		case i >= len(all):
			return fmt.Errorf("there is no %s[%d]", a.Name, i)
		case len(c.Path) == 1 && c.Op == resource.Remove && here.Kind == document.Sequence:
			b.set(c.Op, here, c.Path, value.Value{})
			return nil
		case len(c.Path) == 1 && c.Op == resource.Remove:
			b.set(c.Op, n, value.Path{{Name: a.Name}}, value.Value{})
			return nil
		}
		all = all[i : i+1]
		c.Path = c.Path[1:]
		if len(c.Path) == 0 {
			return b.blocks(n, all[0], a, c)
		}
	}
	for _, block := range all {
		if block.Kind != document.Mapping {
			return fmt.Errorf("%s is made by an expression", a.Name)
		}
		if err := b.change(block, a.Attributes, c); err != nil {
			return err
		}
	}
	return nil
}

// dynamicContent returns the content of the dynamic block of a name, and whether there are several.
func dynamicContent(n *document.Node, name string) (inner *document.Node, many bool, err error) {
	dynamic := n.Get("dynamic")
	if dynamic == nil {
		return nil, false, nil
	}
	groups := []*document.Node{dynamic}
	if dynamic.Kind == document.Sequence {
		groups = dynamic.Items
	}
	for _, g := range groups {
		body := g.Get(name)
		if body == nil {
			continue
		}
		bodies := []*document.Node{body}
		if body.Kind == document.Sequence {
			bodies = body.Items
		}
		for _, one := range bodies {
			content := one.Get("content")
			if content == nil || content.Kind != document.Mapping {
				return nil, false, fmt.Errorf("the dynamic block %s has no content", name)
			}
			many = many || inner != nil
			inner = content
		}
	}
	if many {
		return nil, true, fmt.Errorf("which %s is meant depends on dynamic blocks", name)
	}
	return inner, false, nil
}

// missing makes a block that is not there. A block is written as an object; where the schema has a list that is no block, as
// the element of a list.
func (b *jsonBlock) missing(n *document.Node, a *schema.Attribute, c resource.Change) error {
	if c.Op != resource.Set {
		return nil // it is not there, as wished
	}
	rest := c.Path[1:]
	if len(rest) > 0 && rest[0].Name == "" {
		return fmt.Errorf("there is no %s[%d]", a.Name, rest[0].Index)
	}
	v, err := b.text(c.Value)
	if err != nil {
		return err
	}
	if !a.Computed || a.Nesting == schema.Single {
		if v.Kind != value.Object {
			b.set(resource.Set, n, c.Path, v)
			return nil
		}
		for i := range v.Fields { // so that other wishes about the block join
			b.set(resource.Set, n, append(c.Path[:len(c.Path):len(c.Path)], value.Step{Name: v.Fields[i].Name}), v.Fields[i].Value)
		}
		return nil
	}
	key := fmt.Sprintf("%d %s", n.Range.Start, a.Name)
	element := b.lists[key]
	if element == nil {
		element = &value.Value{Kind: value.Object}
		b.lists[key] = element
		b.order = append(b.order, jsonAddition{n, a.Name, element})
	}
	put(element, rest, v)
	return nil
}

// put sets what path leads to in an object, and makes the objects on the way.
func put(o *value.Value, path value.Path, v value.Value) {
	if len(path) == 0 {
		for i := range v.Fields {
			put(o, value.Path{{Name: v.Fields[i].Name}}, v.Fields[i].Value)
		}
		return
	}
	i, ok := slices.BinarySearchFunc(o.Fields, path[0].Name, func(f value.Field, n string) int { return strings.Compare(f.Name, n) })
	if !ok {
		o.Fields = slices.Insert(o.Fields, i, value.Field{Name: path[0].Name, Value: value.Value{Kind: value.Object}})
	}
	if len(path) == 1 {
		o.Fields[i].Value = v
		return
	}
	put(&o.Fields[i].Value, path[1:], v)
}

// add adds an element to a list or one more block.
func (b *jsonBlock) add(n *document.Node, name string, here *document.Node, wish value.Value) error {
	v, err := b.text(wish)
	if err != nil {
		return err
	}
	switch {
	case here == nil:
		b.set(resource.Set, n, value.Path{{Name: name}}, value.Value{Kind: value.List, Items: []value.Value{v}})
	case here.Kind == document.Sequence:
		b.set(resource.Add, here, nil, v)
	case here.Kind == document.Mapping:
		b.set(resource.Set, n, value.Path{{Name: name}}, value.Value{Kind: value.List, Items: []value.Value{here.Value(false, nil), v}})
	default:
		return fmt.Errorf("%s is not a list that can be added to", name)
	}
	return nil
}

// text writes the strings of a wish as templates.
func (b *jsonBlock) text(v value.Value) (value.Value, error) {
	switch v.Kind {
	case value.String:
		rest, out := v.Text, ""
		for {
			before, after, found := strings.Cut(rest, "${this.")
			out += escapeTemplate(before)
			if !found {
				break
			}
			path, tail, closed := strings.Cut(after, "}")
			if !closed || b.ref == nil {
				return v, fmt.Errorf("%q cannot be written here", v.Text)
			}
			out, rest = out+"${"+b.ref(path)+"}", tail
		}
		v.Text = out
	case value.List:
		items := make([]value.Value, len(v.Items))
		for i := range v.Items {
			item, err := b.text(v.Items[i])
			if err != nil {
				return v, err
			}
			items[i] = item
		}
		v.Items = items
	case value.Object:
		fields := make([]value.Field, len(v.Fields))
		for i, f := range v.Fields {
			item, err := b.text(f.Value)
			if err != nil {
				return v, err
			}
			fields[i] = value.Field{Name: f.Name, Value: item}
		}
		v.Fields = fields
	}
	return v, nil
}

func escapeTemplate(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "${", "$${"), "%{", "%%{")
}

// jsonAssign edits an expression of a file in JSON where it stands.
func (l *lowering) jsonAssign(e hclsyntax.Expression, c resource.Change) error {
	r := e.Range()
	j, err := l.inJSON(r.Filename)
	if err != nil {
		return err
	}
	found := nodeAt(j.doc.Roots[0], r.Start.Byte, r.End.Byte)
	if found == nil {
		return fmt.Errorf("%s: the value is not there any more", r.Filename)
	}
	b := &jsonBlock{edits: j}
	v := c.Value
	if !isTfvars(r.Filename) {
		if v, err = b.text(v); err != nil {
			return err
		}
	}
	b.set(c.Op, found.parent, append(value.Path{found.step}, c.Path...), v)
	return nil
}

// jsonCompanion writes a resource beside r, which is written in JSON.
func (l *lowering) jsonCompanion(r *resource.Resource, h *handle, c *resource.Companion) error {
	j, err := l.inJSON(r.Range.File)
	if err != nil {
		return err
	}
	b := &jsonBlock{edits: j, ref: referenceTo(r, h)}
	body, err := b.text(c.Body)
	if err != nil {
		return err
	}
	found := nodeAt(j.doc.Roots[0], h.block.OpenBraceRange.Start.Byte, r.Range.End)
	if found == nil {
		return fmt.Errorf("%s: the block of %s is not there any more", r.Range.File, r.Address)
	}
	fields := map[string]value.Value{}
	for _, f := range body.Fields {
		fields[f.Name] = f.Value
	}
	for _, name := range [...]string{"count", "for_each", "provider"} { // it exists as often as the resource, with the same provider
		if n := found.node.Get(name); n != nil {
			fields[name] = n.Value(false, nil)
		}
	}
	whole := value.Value{Kind: value.Object, Fields: sortedFields(fields)}
	at := j.doc.Roots[0]
	steps := []string{"resource", c.Type, l.freeName(h.scope.module, c.Type, r.Name)}
	if at.Kind == document.Sequence {
		i := slices.IndexFunc(at.Items, func(n *document.Node) bool {
			return n.Range.Start <= found.node.Range.Start && found.node.Range.End <= n.Range.End
		})
		if i < 0 {
			return fmt.Errorf("%s: there is no place for another resource", r.Range.File)
		}
		at = at.Items[i]
	}
	for len(steps) > 1 {
		next := at.Get(steps[0])
		if next == nil {
			break
		}
		at, steps = next, steps[1:]
		if at.Kind == document.Sequence {
			for _, name := range slices.Backward(steps) {
				whole = value.Value{Kind: value.Object, Fields: []value.Field{{Name: name, Value: whole}}}
			}
			b.set(resource.Add, at, nil, whole)
			return nil
		}
	}
	var path value.Path
	for _, name := range steps {
		path = append(path, value.Step{Name: name})
	}
	b.set(resource.Set, at, path, whole)
	return nil
}

// inJSONForm reports whether a place is in a file in JSON.
func inJSONForm(r hcl.Range) bool { return strings.HasSuffix(r.Filename, ".json") }
