package cloudformation

import (
	"bytes"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
)

// commentWords are the words that comments with a meaning for scanners hold. A file without any of them is not searched.
var commentWords = [][]byte{[]byte("ignore"), []byte("skip"), []byte("disable"), []byte("nosec"), []byte("plumbline"), []byte("suppress")}

// Comments returns the comments of a file in order, and what the Metadata of resources say in their place: JSON has no
// comments. The Block of a comment is the resource, parameter or output that it stands in.
func (e *estate) Comments(path string) []dialect.Comment {
	f := e.files[path]
	if f == nil || !slices.ContainsFunc(commentWords, func(w []byte) bool { return bytes.Contains(f.source.Bytes, w) }) {
		return nil
	}
	t := f.template()
	out := slices.Clone(t.document.Comments)
	blocks := t.blocks()
	for i := range out {
		c := &out[i]
		at, _ := slices.BinarySearchFunc(blocks, c.Range.Start+1, func(b source.Range, start int) int { return b.Start - start })
		if at == 0 {
			continue
		}
		// A comment behind the last line of a block belongs to it.
		if b := blocks[at-1]; b.Contains(c.Range) || c.Range.Start >= b.End && !bytes.ContainsRune(f.source.Bytes[b.End:c.Range.Start], '\n') {
			c.Block = b
		}
	}
	out = append(out, t.metadata()...)
	slices.SortStableFunc(out, func(a, b dialect.Comment) int { return a.Range.Start - b.Range.Start })
	return out
}

// blocks returns where the declarations of a template stand, in order.
func (t *template) blocks() []source.Range {
	var out []source.Range
	add := func(n *document.Node) {
		if n != nil {
			for i := range n.Members {
				out = append(out, n.Members[i].Range)
			}
		}
	}
	for _, n := range t.resources {
		add(n)
	}
	for _, n := range t.outputs {
		add(n)
	}
	for _, name := range t.order {
		out = append(out, t.parameters[name].member.Range)
	}
	slices.SortFunc(out, func(a, b source.Range) int { return a.Start - b.Start })
	return out
}

// metadata reads the suppressions in the Metadata of resources, as the comments that would say the same:
//
//	Metadata: {plumbline: {ignore: [rule, {rule: …, until: …, reason: …}]}}
//	Metadata: {checkov: {skip: [{id: …, comment: …}]}}
func (t *template) metadata() []dialect.Comment {
	var out []dialect.Comment
	for _, section := range t.resources {
		for i := range section.Members {
			m := &section.Members[i]
			meta := m.Value.Get("Metadata")
			if meta == nil {
				continue
			}
			add := func(at *document.Node, text string) {
				out = append(out, dialect.Comment{Range: at.Range, Text: oneLine(text), Target: m.Range, Block: m.Range, About: m.Range})
			}
			own := meta.Get("plumbline").Get("ignore")
			for _, item := range itemsOf(own) {
				add(item, ownComment(item))
			}
			for _, scanner := range [...]string{"checkov", "bridgecrew"} {
				for _, item := range itemsOf(meta.Get(scanner).Get("skip")) {
					if id := nodeText(item.Get("id")); id != "" {
						add(item, "checkov:skip="+id+":"+nodeText(item.Get("comment")))
					}
				}
			}
		}
	}
	return out
}

// itemsOf returns the elements of a list, or what stands in the place of one.
func itemsOf(n *document.Node) []*document.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == document.Sequence:
		return n.Items
	}
	return []*document.Node{n}
}

// ownComment writes an entry of our metadata as a comment.
func ownComment(n *document.Node) string {
	if n.Kind != document.Mapping {
		return "plumbline:ignore " + nodeText(n)
	}
	text := "plumbline:ignore " + nodeText(n.Get("rule"))
	if until := nodeText(n.Get("until")); until != "" {
		text += " until=" + until
	}
	return text + " " + nodeText(n.Get("reason"))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
