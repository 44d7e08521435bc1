package document

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Change is a wish about a document.
type Change struct {
	Op    resource.ChangeOp // Set, Remove or Add (append to the sequence at Path); Create is no change of a document
	At    *Node             // the mapping or sequence in which Path starts
	Path  value.Path        // what is missing of it is made, where Op is Set or Add
	Value value.Value       // of Set and Add; wholly known. An Object whose one field is named "!Name" is written as a node with that tag
}

// Edit lowers changes to the smallest edits: comments, anchors, quotes, indentation and line ends stay as they are, new text
// is written in the style of its neighbours. Changes that make the same missing mapping share it. Changes to what is
// already so make no edits. An error says what stands in the way, for people.
//
// A path that leads through an alias changes what its anchor is on, and so every place that names it; an alias that is
// itself set or removed is replaced where it stands, and what a merge key brings in is overridden beside it. A comment beside
// what is removed goes with it, one above it stays. The edits are not taken on trust: they are applied, and the outcome is
// read again and compared with what was wished.
func (d *Document) Edit(changes []Change) ([]source.Edit, error) {
	e := &editor{doc: d, wishes: make(map[*Node]*wishes), replaced: make(map[*Node]value.Value)}
	for i := range changes {
		if err := e.wish(&changes[i]); err != nil {
			return nil, err
		}
	}
	if len(e.order) == 0 {
		return nil, nil
	}
	e.learn()
	// What is around others comes first: when it is written anew, their wishes are written with it.
	slices.SortStableFunc(e.order, func(a, b *Node) int {
		return (b.Range.End - b.Range.Start) - (a.Range.End - a.Range.Start)
	})
	var inner []source.Edit
	for _, n := range e.order {
		e.edits = nil
		e.lower(n, e.wishes[n])
		inner = append(e.edits, inner...) // at the same place, what lies deeper comes first
	}
	if e.stuck {
		return nil, errAround
	}
	e.edits = inner
	slices.SortStableFunc(e.edits, func(a, b source.Edit) int {
		return cmp.Or(a.Range.Start-b.Range.Start, min(1, a.Range.End-a.Range.Start)-min(1, b.Range.End-b.Range.Start))
	})
	if len(e.edits) == 0 {
		return nil, nil
	}
	if err := e.prove(); err != nil {
		return nil, err
	}
	return e.edits, nil
}

var errAround = errors.New("the text around it does not allow the change")

// editor is one call of Edit.
type editor struct {
	doc      *Document
	wishes   map[*Node]*wishes
	order    []*Node // the nodes that have wishes, in the order in which they got them
	edits    []source.Edit
	covered  []source.Range        // what is gone or written anew already
	replaced map[*Node]value.Value // nodes with an anchor that have a new value
	style    habits
	stuck    bool // something cannot be written as an edit
}

// wishes is what shall become of the entries of one collection.
type wishes struct {
	entries []*wish       // of entries that are there or shall be, by name or index
	added   []value.Value // to a sequence, at its end
}

// wish is what shall become of one entry.
type wish struct {
	step   value.Step
	remove bool
	value  value.Value
}

func (w *wishes) at(step value.Step) *wish {
	if w == nil {
		return nil
	}
	for _, e := range w.entries {
		if e.step == step {
			return e
		}
	}
	return nil
}

// want says what shall become of an entry; a later wish takes the place of an earlier one.
func (w *wishes) want(next wish) {
	if before := w.at(next.step); before != nil {
		*before = next
		return
	}
	w.entries = append(w.entries, &next)
}

// of returns the wishes of a node.
func (e *editor) of(n *Node) *wishes {
	w := e.wishes[n]
	if w == nil {
		w = new(wishes)
		e.wishes[n] = w
		e.order = append(e.order, n)
	}
	return w
}

// wish takes one change in: it follows the path as far as there are nodes.
func (e *editor) wish(c *Change) error {
	if c.At == nil || c.At.Kind == Scalar {
		return errors.New("what shall be changed is no mapping or list")
	}
	switch {
	case c.Op != resource.Set && c.Op != resource.Remove && c.Op != resource.Add:
		return fmt.Errorf("a document cannot be changed with %q", c.Op)
	case c.Op != resource.Remove && !c.Value.IsWhollyKnown():
		return errors.New("a value that is not known cannot be written")
	case len(c.Path) == 0 && c.Op == resource.Add && c.At.Kind == Sequence:
		e.add(c.At, c.Value)
		return nil
	case len(c.Path) == 0:
		return errors.New("the change names nothing")
	}
	n := c.At
	for i, step := range c.Path {
		last := i == len(c.Path)-1
		child, err := e.child(n, step, c.Path[:i+1])
		if err != nil {
			return err
		}
		pending := e.wishes[n].at(step)
		switch {
		case pending != nil && pending.remove:
			if c.Op == resource.Remove {
				return nil
			}
			pending.remove, pending.value = false, value.Value{}
			fallthrough
		case pending != nil:
			return put(&pending.value, c.Path[i+1:], c)
		case child == nil || child.isEmpty() && !(last && c.Op == resource.Set):
			if c.Op == resource.Remove {
				if child != nil && last {
					e.of(n).want(wish{step: step, remove: true})
				}
				return nil
			}
			e.of(n).want(wish{step: step})
			return put(&e.wishes[n].at(step).value, c.Path[i+1:], c)
		case last && c.Op == resource.Add:
			if child.Kind != Sequence {
				return fmt.Errorf("%s is no list", c.Path)
			}
			e.add(child, c.Value)
			return nil
		case last && c.Op == resource.Remove:
			if m := n.Member(step.Name); step.Name != "" && m.Merged {
				return fmt.Errorf("%s comes through a merge key and cannot be removed here", c.Path)
			}
			e.of(n).want(wish{step: step, remove: true})
			return nil
		case last:
			e.set(n, step, child, c.Value)
			return nil
		}
		n = child
	}
	return nil
}

// child returns the node that a step leads to, nil when it is not there but could be.
func (e *editor) child(n *Node, step value.Step, path value.Path) (*Node, error) {
	switch {
	case step.Name != "" && n.Kind != Mapping:
		return nil, fmt.Errorf("%s cannot be reached: what holds it is no mapping", path)
	case step.Name != "":
		return n.Get(step.Name), nil
	case n.Kind != Sequence:
		return nil, fmt.Errorf("%s cannot be reached: what holds it is no list", path)
	case step.Index > len(n.Items)+e.wishes[n].behind(len(n.Items)):
		return nil, fmt.Errorf("%s cannot be reached: the list has %d elements", path, len(n.Items))
	case step.Index >= len(n.Items):
		return nil, nil
	}
	return n.Items[step.Index], nil
}

// isEmpty reports whether n holds nothing that an entry could not be put in the place of.
func (n *Node) isEmpty() bool {
	return n.IsNull() || n.Kind != Scalar && n.Tag == "" && len(n.Items) == 0 && len(n.written()) == 0
}

func (e *editor) add(n *Node, v value.Value) {
	for _, item := range n.Items {
		if e.same(item, &v) {
			return
		}
	}
	w := e.of(n)
	for _, a := range w.appended(len(n.Items)) {
		if a.Equal(&v) {
			return
		}
	}
	w.added = append(w.added, v)
}

// behind counts the wished elements behind the ones that are there.
func (w *wishes) behind(items int) (n int) {
	if w != nil {
		for _, e := range w.entries {
			if e.step.Name == "" && e.step.Index >= items && !e.remove {
				n++
			}
		}
	}
	return n
}

// appended returns the values that a sequence of so many items shall have behind them.
func (w *wishes) appended(items int) []value.Value {
	if w == nil {
		return nil
	}
	var out []value.Value
	for _, e := range w.entries {
		if e.step.Name == "" && e.step.Index >= items && !e.remove {
			out = append(out, e.value)
		}
	}
	return append(out, w.added...)
}

// set wishes a value for an entry that is there: the smallest wishes that make it so.
func (e *editor) set(n *Node, step value.Step, child *Node, v value.Value) {
	if e.same(child, &v) {
		return
	}
	merged := step.Name != "" && n.Member(step.Name).Merged
	plain := child.Tag == "" && !merged && child.Anchor == ""
	switch tag, _ := tagOf(&v); {
	case plain && child.Kind == Mapping && v.Kind == value.Object && tag == "" && len(v.Fields) > 0 && len(child.Members) > 0 && !hasMerges(child):
		for _, m := range child.Members {
			if m.Key.Kind != Scalar || v.Field(m.Key.Text).Kind == value.Absent {
				e.of(child).want(wish{step: value.Step{Name: m.Key.Text}, remove: true})
			}
		}
		for _, f := range v.Fields {
			if f.Value.Kind == value.Absent {
				continue
			}
			inner := value.Step{Name: f.Name}
			if c := child.Get(f.Name); c != nil && f.Name != "" {
				e.set(child, inner, c, f.Value)
			} else {
				e.of(child).want(wish{step: inner, value: f.Value})
			}
		}
		return
	case plain && child.Kind == Sequence && v.Kind == value.List && len(v.Items) > 0 && len(child.Items) > 0:
		e.setList(child, v.Items)
		return
	}
	e.of(n).want(wish{step: step, value: v})
}

// setList removes what is not wished when the rest is in order, and else settles element by element.
func (e *editor) setList(n *Node, want []value.Value) {
	var gone []int
	j := 0
	for i, item := range n.Items {
		if j < len(want) && e.same(item, &want[j]) {
			j++
		} else {
			gone = append(gone, i)
		}
	}
	w := e.of(n)
	if len(gone) > 0 && j < len(want) {
		gone = nil
		for i := range n.Items {
			if i >= len(want) {
				gone = append(gone, i)
			} else {
				e.set(n, value.Step{Index: i}, n.Items[i], want[i])
			}
		}
		j = min(len(n.Items), len(want))
	}
	for _, i := range gone {
		w.want(wish{step: value.Step{Index: i}, remove: true})
	}
	w.added = want[j:]
}

func hasMerges(n *Node) bool {
	return slices.ContainsFunc(n.written(), func(m Member) bool { return isMerge(m.Key) })
}

// same reports whether a node is the value that is wished.
func (e *editor) same(n *Node, v *value.Value) bool {
	have, want := e.shape(n, nil), normal(*v)
	return have.Equal(&want)
}

// put applies a change to a value that is still to be written.
func put(v *value.Value, path value.Path, c *Change) error {
	if len(path) == 0 {
		switch c.Op {
		case resource.Set:
			*v = c.Value
		case resource.Add:
			if v.Kind == value.Absent || v.Kind == value.Null {
				*v = value.Value{Kind: value.List}
			}
			if v.Kind != value.List {
				return fmt.Errorf("%s is no list", c.Path)
			}
			for i := range v.Items {
				if v.Items[i].Equal(&c.Value) {
					return nil
				}
			}
			v.Items = append(slices.Clip(v.Items), c.Value)
		}
		return nil
	}
	step := path[0]
	removes := c.Op == resource.Remove && len(path) == 1
	switch empty := v.Kind == value.Absent || v.Kind == value.Null; {
	case empty && c.Op == resource.Remove:
		return nil
	case empty && step.Name != "":
		*v = value.Value{Kind: value.Object}
	case empty:
		*v = value.Value{Kind: value.List}
	}
	switch {
	case step.Name != "" && v.Kind == value.Object:
		i, there := slices.BinarySearchFunc(v.Fields, step.Name, func(f value.Field, n string) int { return strings.Compare(f.Name, n) })
		if !there && c.Op == resource.Remove {
			return nil
		}
		v.Fields = slices.Clone(v.Fields)
		if removes {
			v.Fields = slices.Delete(v.Fields, i, i+1)
			return nil
		}
		if !there {
			v.Fields = slices.Insert(v.Fields, i, value.Field{Name: step.Name})
		}
		return put(&v.Fields[i].Value, path[1:], c)
	case step.Name == "" && v.Kind == value.List && step.Index <= len(v.Items):
		if step.Index == len(v.Items) && c.Op == resource.Remove {
			return nil
		}
		v.Items = slices.Clone(v.Items)
		if removes {
			v.Items = slices.Delete(v.Items, step.Index, step.Index+1)
			return nil
		}
		if step.Index == len(v.Items) {
			v.Items = append(v.Items, value.Value{})
		}
		return put(&v.Items[step.Index], path[1:], c)
	}
	return fmt.Errorf("%s cannot be reached", c.Path)
}

// tagOf returns the tag and the content of a value that is to be written with a tag; a value without one has the tag "".
func tagOf(v *value.Value) (string, *value.Value) {
	if v.Kind == value.Object && len(v.Fields) == 1 && strings.HasPrefix(v.Fields[0].Name, "!") {
		return v.Fields[0].Name, &v.Fields[0].Value
	}
	return "", v
}

// shape is what a node holds, once its wishes are fulfilled, as a value to compare. Tags are kept in the form in which they
// are wished.
func (e *editor) shape(n *Node, wished map[*Node]*wishes) value.Value {
	if v, ok := e.replaced[n]; ok && wished != nil {
		return v
	}
	if _, ok := standardTag(n.Tag); n.Tag != "" && !ok {
		bare := *n
		bare.Tag = ""
		inner := e.content(&bare, n, wished)
		return value.Value{Kind: value.Object, Fields: []value.Field{{Name: n.Tag, Value: inner}}}
	}
	return e.content(n, n, wished)
}

func (e *editor) content(n, id *Node, wished map[*Node]*wishes) value.Value {
	w := wished[id]
	switch n.Kind {
	case Sequence:
		v := value.Value{Kind: value.List}
		for i, item := range n.Items {
			switch c := w.at(value.Step{Index: i}); {
			case c == nil:
				v.Items = append(v.Items, e.shape(item, wished))
			case !c.remove:
				v.Items = append(v.Items, normal(c.value))
			}
		}
		for _, a := range w.appended(len(n.Items)) {
			v.Items = append(v.Items, normal(a))
		}
		return v
	case Mapping:
		v := value.Value{Kind: value.Object}
		e.fields(&v, n, id, wished)
		slices.SortStableFunc(v.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
		return v
	}
	return n.Value(e.doc.YAML11, nil)
}

// fields adds the members of a mapping, with those that its merge keys bring in.
func (e *editor) fields(v *value.Value, n, id *Node, wished map[*Node]*wishes) {
	w := wished[id]
	seen := make(map[string]bool)
	add := func(name string, f value.Value) {
		if !seen[name] {
			seen[name] = true
			v.Fields = append(v.Fields, value.Field{Name: name, Value: f})
		}
	}
	if w != nil {
		for _, c := range w.entries {
			if c.remove {
				seen[c.step.Name] = true
			} else {
				add(c.step.Name, normal(c.value))
			}
		}
	}
	merges := false
	for _, m := range n.Members {
		switch {
		case m.Merged:
			merges = true
		case m.Key.Kind == Scalar:
			if !seen[m.Key.Text] {
				add(m.Key.Text, e.shape(m.Value, wished))
			}
		default:
			// Keys that are no scalars are compared by what they hold.
			key := e.shape(m.Key, wished)
			v.Fields = append(v.Fields, value.Field{Name: "? " + value.Show(&key), Value: e.shape(m.Value, wished)})
		}
	}
	if !merges {
		return
	}
	for _, m := range n.written() {
		if !isMerge(m.Key) {
			continue
		}
		sources := []*Node{m.Value}
		if m.Value.Kind == Sequence {
			sources = m.Value.Items
		}
		for _, s := range sources {
			inner := value.Value{}
			if s.Kind == Mapping {
				e.fields(&inner, s, s, wished)
			}
			for _, f := range inner.Fields {
				add(f.Name, f.Value)
			}
		}
	}
}

// normal is a value as it reads once it was written: without absent fields, positions and what only evaluation knows.
func normal(v value.Value) value.Value {
	out := value.Value{Kind: v.Kind, Bool: v.Bool, Number: v.Number, Text: v.Text}
	switch v.Kind {
	case value.Absent:
		out.Kind = value.Null
	case value.List:
		for _, item := range v.Items {
			out.Items = append(out.Items, normal(item))
		}
	case value.Object:
		for _, f := range v.Fields {
			if f.Value.Kind != value.Absent {
				out.Fields = append(out.Fields, value.Field{Name: f.Name, Value: normal(f.Value)})
			}
		}
		slices.SortStableFunc(out.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	case value.Number:
		out = plain(v.Digits(), false)
	}
	return out
}
