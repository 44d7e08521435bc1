package compose

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
)

// node is a part of a file with its variables put in, or of several files that were merged. A node that is a member or an
// item knows where it is written. Nodes are not changed after they were made.
type node struct {
	kind   document.Kind
	at     source.Range // the entry or item
	raw    *document.Node
	text   words   // of a scalar
	plain  bool    // of a scalar: it stands without quotes
	null   bool    // null is written, or nothing
	opaque bool    // it has a tag that Compose does not know
	reset  bool    // !reset: what was there before is taken away
	alone  bool    // !override: what was there before is replaced
	fields []field // of a mapping, sorted by name
	items  []*node // of a sequence
	more   bool    // of a mapping: there may be further fields
	origin *origin // of a file of variables: where it is looked for

	in    *document.Node // the mapping or sequence that holds it, as it is written
	step  int            // its place in a sequence
	name  string         // its name in a mapping
	short *node          // it is a part of a short form, which stands there
	keyed bool           // it is written as NAME=value, or as a name alone, in a list

	before []*node // of what was merged or overrides something: every place where it is written, the weakest first
}

// places returns every place where a node is written, the weakest first.
func (n *node) places() []*node {
	if n.before != nil {
		return slices.Clone(n.before)
	}
	return []*node{n}
}

// origin is what a path and the variables in a file depend on.
type origin struct {
	dir   string // what paths are relative to
	scope *scope
}

// field is a named member.
type field struct {
	name string
	*node
}

// get returns the member of that name, or nil: also when n is nil or no mapping.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	if i, ok := n.find(name); ok && !n.fields[i].reset {
		return n.fields[i].node
	}
	return nil
}

func (n *node) find(name string) (int, bool) {
	return slices.BinarySearchFunc(n.fields, name, func(f field, name string) int { return strings.Compare(f.name, name) })
}

// scalar returns the text of a scalar, when it is known.
func (n *node) scalar() (string, bool) {
	if n == nil || n.kind != document.Scalar || n.null || n.opaque {
		return "", false
	}
	return n.text.known()
}

// sortFields brings fields in order; of two with one name the later one stays.
func sortFields(fields []field) []field {
	slices.SortStableFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	out := fields[:0]
	for _, f := range fields {
		if n := len(out); n > 0 && out[n-1].name == f.name {
			out[n-1] = f
			continue
		}
		out = append(out, f)
	}
	return out
}

// build makes the nodes of a part of a file.
func (l *loader) build(raw *document.Node, s *scope) *node {
	if raw == nil {
		return nil
	}
	n := &node{kind: raw.Kind, at: raw.Range, raw: raw}
	if !l.charge(1, raw.Range) {
		n.kind, n.null = document.Scalar, true
		return n
	}
	switch raw.Tag {
	case "", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!seq", "!!map", "!":
	case "!reset":
		n.reset, n.kind, n.null = true, document.Scalar, true
		return n
	case "!override":
		n.alone = true
	default:
		n.opaque, n.kind = true, document.Scalar
		return n
	}
	switch raw.Kind {
	case document.Scalar:
		n.plain = raw.Style == document.Plain && raw.Tag != "!!str" && raw.Tag != "!"
		if n.null = raw.IsNull() || n.alone && raw.Style == document.Plain && raw.Text == ""; !n.null {
			n.text = l.expand(raw, s)
		}
	case document.Sequence:
		n.items = make([]*node, len(raw.Items))
		for i, item := range raw.Items {
			c := l.build(item, s)
			c.in, c.step, c.at = raw, i, raw.Place(i)
			n.items[i] = c
		}
	case document.Mapping:
		n.fields = make([]field, 0, len(raw.Members))
		for i := range raw.Members {
			m := &raw.Members[i]
			if m.Key.Kind != document.Scalar {
				continue
			}
			c := l.build(m.Value, s)
			c.in, c.name, c.at = raw, m.Key.Text, m.Range
			n.fields = append(n.fields, field{m.Key.Text, c})
		}
		n.fields = sortFields(n.fields)
	}
	return n
}

// expand puts the variables into a scalar.
func (l *loader) expand(raw *document.Node, s *scope) words {
	x := &expander{scope: s, most: l.limits.ValueBytes}
	text := x.expand(raw.Text, 0)
	size := 0
	for i := range text {
		size += len(text[i].text)
	}
	switch {
	case x.large:
		l.problem(source.Limit, raw.Range, "the text with its variables put in is too long")
		return words{{hole: "its length"}}
	case x.bad:
		l.problem(source.Invalid, raw.Range, "the text is no template that Compose can read: ${ begins a variable, and is written $${ where it does not")
	}
	if size > len(raw.Text) {
		l.bytes += size - len(raw.Text)
		if l.bytes > maxBytes {
			l.charge(maxNodes, raw.Range)
		}
	}
	return text
}
