package terraform

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// planner turns the values of one planned resource into a body. Where the source of the resource is known, its evaluated
// body says where each value was written, in which order the elements of sets come, and what is not in the code.
type planner struct {
	file    string             // the plan's, for places; empty when values have no place of their own
	written map[string]writing // without source: what the configuration in the plan says of each attribute
	source  bool               // bodies are held against the source's
	state   bool               // it is a state: legacy providers store empty texts where nothing was written
	wrapped bool               // values of any type are objects with the value and its type, as terraform.tfstate has them
}

// writing is what the configuration in a plan tells of an attribute without its source.
type writing struct {
	place source.Range // of the expression in the plan
	given bool         // it is not in the code, or nobody knows
	tree  *node        // the expression, or the blocks of expressions
}

// inBlocks returns what a tree of expressions has for a member of a block, in any of the blocks; nil when nobody writes it.
func inBlocks(tree *node, name string) *node {
	switch {
	case tree == nil:
		return nil
	case tree.kind == '[':
		out := &node{kind: '['}
		for i := range tree.items {
			if got := inBlocks(&tree.items[i], name); got != nil {
				out.items = append(out.items, *got)
			}
		}
		if len(out.items) > 0 {
			return out
		}
		return nil
	case tree.kind == '{' && isExpression(tree):
		return inBlocks(tree.get("constant_value"), name)
	}
	_, item := member(tree, name)
	if item == nil || item.kind == '0' {
		return nil
	}
	return item
}

// lists reports whether a tree of expressions says which members there are.
func lists(tree *node) bool {
	switch {
	case tree == nil:
		return false
	case tree.kind == '[':
		return len(tree.items) > 0 && lists(&tree.items[0])
	case tree.kind == '{' && isExpression(tree):
		return lists(tree.get("constant_value"))
	}
	return tree.kind == '{'
}

// unwritten takes the unknown members of blocks away that nobody wrote: they count as in a source, where the provider decides.
func unwritten(v *value.Value, tree *node) {
	for i := range v.Items {
		unwritten(&v.Items[i], tree)
	}
	if v.Kind != value.Object || !lists(tree) {
		return
	}
	v.Fields = slices.DeleteFunc(v.Fields, func(f value.Field) bool { return f.Value.Kind == value.Unknown && inBlocks(tree, f.Name) == nil })
	for i := range v.Fields {
		unwritten(&v.Fields[i].Value, inBlocks(tree, v.Fields[i].Name))
	}
}

// body makes the body of a resource. after, unknown and sensitive may be nil.
func (b *planner) body(p *planned, trees [3]*node, attributes []schema.Attribute, src *value.Value) value.Value {
	fields := map[string]value.Value{}
	after, unknown, sensitive := trees[0], trees[1], trees[2]
	for _, name := range memberNames(after, unknown) {
		a := find(attributes, name)
		key, item := member(after, name)
		v := b.attribute(item, unknown.get(name), sensitive.get(name), a, src.Field(name))
		if v.Kind == value.Absent || v.Kind == value.Null {
			continue
		}
		if !b.source {
			w, written := b.written[name]
			switch {
			case v.Kind == value.Unknown && !written:
				continue // the provider decides: it counts as not written, as in a source
			case v.Kind == value.Unknown || key == nil:
				v.Range = w.place
			default:
				v.Range = b.place(key.start, item.end)
			}
			if !written || w.given {
				give(&v)
			}
			if a != nil && a.Nesting != schema.None {
				unwritten(&v, w.tree)
			}
		}
		if slices.Contains(p.secret, name) {
			v.Sensitive = true
		}
		fields[name] = v
	}
	return value.Value{Kind: value.Object, Fields: sortedFields(fields)}
}

// give notes of all texts in v that they are not in the code. v is nobody else's.
func give(v *value.Value) {
	switch v.Kind {
	case value.String, value.Unknown:
		v.Given = true
	}
	for i := range v.Items {
		give(&v.Items[i])
	}
	for i := range v.Fields {
		give(&v.Fields[i].Value)
	}
}

func (b *planner) place(start, end int) source.Range {
	if b.file == "" {
		return source.Range{}
	}
	return source.Range{File: b.file, Start: start, End: end}
}

// attribute makes an attribute or the blocks of a name. a is nil when the schema does not know it.
func (b *planner) attribute(n, unknown, sensitive *node, a *schema.Attribute, src *value.Value) value.Value {
	if unknown != nil && unknown.kind == 't' {
		return b.unknown(src, sensitive)
	}
	if a == nil || a.Nesting == schema.None {
		t := shape{}
		if a != nil {
			t = shapeOf(a)
		}
		if b.wrapped && t.typ.Kind == schema.Any && n != nil && n.kind == '{' && len(n.keys) == 2 && n.get("value") != nil && n.get("type") != nil {
			n = n.get("value")
		}
		v := b.value(n, unknown, sensitive, t, src)
		if b.state && a != nil && !a.Required && v.Kind == value.String && v.Text == "" && !src.IsSet() {
			return value.Value{}
		}
		return v
	}
	if a.Nesting == schema.One || a.Nesting == schema.Single {
		n, unknown, sensitive = n.first(), unknown.first(), sensitive.first()
		if unknown != nil && unknown.kind == 't' {
			return b.unknown(src, sensitive)
		}
		if n == nil || n.kind != '{' {
			return value.Value{}
		}
		v := b.object(n, unknown, sensitive, shape{attributes: a.Attributes}, src)
		v.Range = src.Range
		return v
	}
	v := b.value(n, unknown, sensitive, shape{typ: schema.Type{Kind: listKind(a)}, attributes: a.Attributes}, src)
	if v.Kind == value.List && len(v.Items) == 0 && !a.Computed && !src.IsSet() {
		return value.Value{} // no blocks are written as an empty list
	}
	return v
}

// listKind says of repeated blocks whether they have an order.
func listKind(a *schema.Attribute) schema.Kind {
	if a.Nesting == schema.Unordered {
		return schema.SetOf
	}
	return schema.ListOf
}

// unknown is a value that will be known after apply. What the source knows of it holds.
func (b *planner) unknown(src *value.Value, sensitive *node) value.Value {
	v := value.Value{Kind: value.Unknown, Range: src.Range}
	switch {
	case src.Kind == value.Unknown:
		v = *src
	case b.source && !src.IsSet():
		return value.Value{} // the provider decides: it counts as not written
	case src.Open || !src.IsWhollyKnown():
		v = *src
	}
	v.Sensitive = v.Sensitive || sensitive != nil && sensitive.kind == 't'
	return v
}

// value makes any value that is no block which occurs at most once.
func (b *planner) value(n, unknown, sensitive *node, t shape, src *value.Value) value.Value {
	if unknown != nil && unknown.kind == 't' {
		if v := b.unknown(src, sensitive); v.Kind != value.Absent {
			return v
		}
		return value.Value{Kind: value.Unknown}
	}
	var v value.Value
	switch {
	case n == nil && unknown != nil && unknown.kind == '{':
		v = b.object(&node{kind: '{'}, unknown, sensitive, t, src)
	case n == nil && unknown != nil && unknown.kind == '[':
		v = b.list(&node{kind: '['}, unknown, sensitive, t, src)
	case n == nil:
		return value.Value{}
	default:
		v = b.known(n, unknown, sensitive, t, src)
	}
	v.Range = src.Range
	v.Sensitive = src.Sensitive || sensitive != nil && sensitive.kind == 't'
	if b.source && v.Kind == value.String {
		v.Given = !src.IsSet() || src.Given || src.Kind == value.Unknown
		if src.Kind == value.String && src.Text == v.Text {
			v.Document = src.Document
		}
	}
	return v
}

func (b *planner) known(n, unknown, sensitive *node, t shape, src *value.Value) value.Value {
	switch n.kind {
	case '{':
		return b.object(n, unknown, sensitive, t, src)
	case '[':
		return b.list(n, unknown, sensitive, t, src)
	case 's':
		return textAs(n.text, t.typ)
	case 'n':
		if t.typ.Kind == schema.String {
			return value.Value{Kind: value.String, Text: n.text}
		}
		return numberValue(n.text)
	case 't', 'f':
		if t.typ.Kind == schema.String {
			return value.Value{Kind: value.String, Text: map[byte]string{'t': "true", 'f': "false"}[n.kind]}
		}
		return value.Value{Kind: value.Bool, Bool: n.kind == 't'}
	}
	return value.Value{Kind: value.Null}
}

// object makes a map, an object or a block.
func (b *planner) object(n, unknown, sensitive *node, t shape, src *value.Value) value.Value {
	out := value.Value{Kind: value.Object}
	for _, name := range memberNames(n, unknown) {
		key, item := member(n, name)
		var v value.Value
		if t.attributes != nil {
			v = b.attribute(item, unknown.get(name), sensitive.get(name), find(t.attributes, name), src.Field(name))
		} else {
			v = b.value(item, unknown.get(name), sensitive.get(name), t.field(name), src.Field(name))
		}
		if v.Kind == value.Absent || v.Kind == value.Null {
			continue
		}
		if !b.source && key != nil {
			v.Range = b.place(key.start, item.end)
		}
		out.Fields = append(out.Fields, value.Field{Name: name, Value: v})
	}
	slices.SortFunc(out.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// list makes a list, a set or repeated blocks. The elements of a set come in the order of the source, which is the one that
// paths count by.
func (b *planner) list(n, unknown, sensitive *node, t shape, src *value.Value) value.Value {
	size := len(n.items)
	if unknown != nil && unknown.kind == '[' {
		size = max(size, len(unknown.items))
	}
	from := b.sources(n, t, src, size)
	out := value.Value{Kind: value.List, Items: make([]value.Value, 0, size)}
	var order []int
	for i := range size {
		element := t.elem()
		var v value.Value
		if t.attributes != nil {
			v = b.object(orEmpty(n.item(i)), unknown.item(i), sensitive.item(i), shape{attributes: t.attributes}, from[i].value)
			if u := unknown.item(i); u != nil && u.kind == 't' {
				v = value.Value{Kind: value.Unknown}
			}
			v.Range = from[i].value.Range
		} else {
			v = b.value(n.item(i), unknown.item(i), sensitive.item(i), element, from[i].value)
		}
		if item := n.item(i); !b.source && item != nil {
			v.Range = b.place(item.start, item.end)
		}
		out.Items = append(out.Items, v)
		order = append(order, from[i].index)
	}
	if t.typ.Kind == schema.SetOf && b.source {
		sorted := make([]int, size)
		for i := range sorted {
			sorted[i] = i
		}
		slices.SortStableFunc(sorted, func(x, y int) int { return order[x] - order[y] })
		items := make([]value.Value, size)
		for i, j := range sorted {
			items[i] = out.Items[j]
		}
		out.Items = items
		out.Open = slices.ContainsFunc(items, func(v value.Value) bool { return !v.IsWhollyKnown() })
	}
	return out
}

func orEmpty(n *node) *node {
	if n == nil || n.kind != '{' {
		return &node{kind: '{'}
	}
	return n
}

// counterpart is the element of the source that an element of a plan was made from.
type counterpart struct {
	value *value.Value
	index int // place among the source's; behind them all when there is none
}

// maxAligned bounds the work of finding the counterparts of the elements of one set.
const maxAligned = 1 << 20

// sources finds the counterparts of the elements of n: by number in lists, by likeness in sets and where the source does not
// know how many there are.
func (b *planner) sources(n *node, t shape, src *value.Value, size int) []counterpart {
	out := make([]counterpart, size)
	for i := range out {
		out[i] = counterpart{&value.Value{}, len(src.Items) + i}
	}
	if src.Kind != value.List || len(src.Items) == 0 {
		if src.Kind == value.Object && size == 1 { // a block that the source writes once
			out[0] = counterpart{src, 0}
		}
		return out
	}
	loose := src.Open || slices.ContainsFunc(src.Items, func(v value.Value) bool { return v.Maybe })
	if t.typ.Kind != schema.SetOf && !loose || size*len(src.Items) > maxAligned {
		for i := range min(size, len(src.Items)) {
			out[i] = counterpart{&src.Items[i], i}
		}
		return out
	}
	taken := make([]bool, size)
	for j := range src.Items {
		item := &src.Items[j]
		best, most := -1, 0
		for i := range size {
			if got := likeness(n.item(i), item); !taken[i] && got > most {
				best, most = i, got
			}
		}
		if best >= 0 {
			taken[best], out[best] = true, counterpart{item, j}
		}
	}
	// What is left over goes to what may stand for any number of elements, or is not known.
	for j := range src.Items {
		item := &src.Items[j]
		for i := range size {
			if !taken[i] && (item.Maybe || item.Kind == value.Unknown) {
				taken[i], out[i] = true, counterpart{item, j}
				if !item.Maybe {
					break
				}
			}
		}
	}
	return out
}

// likeness counts what an element of a plan and one of the source have in common; 0 when they cannot be the same.
func likeness(n *node, src *value.Value) int {
	switch {
	case n == nil || src.Kind == value.Unknown:
		return 0
	case n.kind == '{' && src.Kind == value.Object:
		sum := 1
		for i := range src.Fields {
			f := &src.Fields[i]
			_, item := member(n, f.Name)
			switch got := likeness(item, &f.Value); {
			case got > 0:
				sum += got
			case f.Value.IsWhollyKnown() && item != nil && item.kind != '0' && item.kind != '{' && item.kind != '[':
				return 0
			}
		}
		return sum
	case n.kind == '[' && src.Kind == value.List:
		sum := 0
		for i := range min(len(n.items), len(src.Items)) {
			sum += likeness(&n.items[i], &src.Items[i])
		}
		return sum
	case n.kind == '[' && src.Kind == value.Object && len(n.items) == 1:
		return likeness(&n.items[0], src)
	}
	var plain value.Value
	switch n.kind {
	case 's', 'n':
		plain = value.Value{Kind: value.String, Text: n.text}
	case 't', 'f':
		plain = value.Value{Kind: value.Bool, Bool: n.kind == 't'}
	default:
		return 0
	}
	if text := scalar(src); text == scalar(&plain) && (text != "" || src.Kind == value.String) {
		return 2
	}
	return 0
}

// memberNames returns the names of the members of two objects, sorted and once each; unknown ones only where something in
// them is.
func memberNames(n, unknown *node) []string {
	var names []string
	if n != nil && n.kind == '{' {
		for i := range n.keys {
			names = append(names, n.keys[i].text)
		}
	}
	if unknown != nil && unknown.kind == '{' {
		for i := range unknown.keys {
			if hasTrue(&unknown.items[i]) {
				names = append(names, unknown.keys[i].text)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func hasTrue(n *node) bool {
	return n.kind == 't' || slices.ContainsFunc(n.items, func(item node) bool { return hasTrue(&item) })
}

// member returns a member of an object with its key; nil when n is nil or has none.
func member(n *node, name string) (key, item *node) {
	if n == nil || n.kind != '{' {
		return nil, nil
	}
	for i := len(n.keys) - 1; i >= 0; i-- {
		if n.keys[i].text == name {
			return &n.keys[i], &n.items[i]
		}
	}
	return nil, nil
}

// get returns a member; a member of what is true as a whole is true.
func (n *node) get(name string) *node {
	if n != nil && n.kind == 't' {
		return n
	}
	_, item := member(n, name)
	return item
}

// item returns an element; an element of what is true as a whole is true.
func (n *node) item(i int) *node {
	switch {
	case n == nil:
		return nil
	case n.kind == 't':
		return n
	case n.kind == '[' && i < len(n.items):
		return &n.items[i]
	}
	return nil
}

// first returns the only element of a list, and everything else as it is.
func (n *node) first() *node {
	if n != nil && n.kind == '[' {
		if len(n.items) == 0 {
			return nil
		}
		return &n.items[0]
	}
	return n
}
