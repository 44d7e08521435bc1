package azure

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

// Comments returns the comments of a file in order, and what the metadata of resources say in their place, because JSON that
// other tools read has no comments:
//
//	"metadata": {"plumbline": {"ignore": ["rule", {"rule": "…", "until": "…", "reason": "…"}]}}
//	"metadata": {"checkov": {"skip": [{"id": "…", "comment": "…"}]}}
func (e *estate) Comments(path string) []dialect.Comment {
	f := e.files[path]
	if f == nil || !slices.ContainsFunc(commentWords, func(w []byte) bool { return bytes.Contains(f.file.Bytes, w) }) {
		return nil
	}
	t := f.read()
	if t.document == nil {
		return nil
	}
	out := slices.Clone(t.document.Comments)
	if t.template != nil {
		for _, d := range t.template.resources {
			out = appendMetadata(out, d, d.whole)
		}
	}
	slices.SortStableFunc(out, func(a, b dialect.Comment) int { return a.Range.Start - b.Range.Start })
	return out
}

// appendMetadata adds what the metadata of a resource, of those nested in it and of the templates that it deploys say.
func appendMetadata(out []dialect.Comment, d *declaration, block source.Range) []dialect.Comment {
	metadata := get(d.node, "metadata")
	add := func(at *document.Node, text string) {
		out = append(out, dialect.Comment{Range: at.Range, Text: strings.Join(strings.Fields(text), " "), Target: d.whole, Block: block, About: d.whole})
	}
	for _, item := range elements(get(get(metadata, "plumbline"), "ignore")) {
		if item.Kind != document.Mapping {
			add(item, "plumbline:ignore "+item.Text)
			continue
		}
		text := "plumbline:ignore " + textAt(item, "rule")
		if until := textAt(item, "until"); until != "" {
			text += " until=" + until
		}
		add(item, text+" "+textAt(item, "reason"))
	}
	for _, item := range elements(get(get(metadata, "checkov"), "skip")) {
		if id := textAt(item, "id"); id != "" {
			add(item, "checkov:skip="+id+":"+textAt(item, "comment"))
		}
	}
	for _, child := range d.children {
		out = appendMetadata(out, child, block)
	}
	for _, inner := range declarations(get(get(get(d.node, "properties"), "template"), "resources")) {
		out = appendMetadata(out, inner, block)
	}
	return out
}

// elements returns the elements of a list, or what stands in the place of one.
func elements(n *document.Node) []*document.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == document.Sequence:
		return n.Items
	}
	return []*document.Node{n}
}
