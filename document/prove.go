package document

import (
	"bytes"
	"errors"
	"fmt"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// prove applies the edits and compares what comes out with what was wished: of the part of the file that can be read alone,
// so that an edit of a large file costs what it changes; or of all of it.
func (e *editor) prove() error {
	if e.provePart(e.part()) {
		return nil
	}
	content, err := source.Apply(e.doc.File.Bytes, e.edits)
	if err != nil {
		return errors.New("the changes touch the same text")
	}
	again, problems := Parse(&source.File{Path: e.doc.File.Path, Bytes: content}, proofLimits)
	_, before := Parse(e.doc.File, proofLimits)
	if len(problems) > len(before) {
		return fmt.Errorf("the text around it does not allow the change: %s", problems[len(problems)-1].Message)
	}
	if len(again.Roots) != len(e.doc.Roots) {
		return errAround
	}
	for i, root := range e.doc.Roots {
		if !e.comesOut(root, again.Roots[i]) {
			return errAround
		}
	}
	return nil
}

// proofLimits are those of a text that was read before.
var proofLimits = dialect.Limits{Nesting: 10_000}

// comesOut reports whether a node that was read after the edits is what was wished for the node before.
func (e *editor) comesOut(before, after *Node) bool {
	reader := &editor{doc: &Document{YAML11: e.doc.YAML11}}
	want, got := e.shape(before, e.wishes), reader.shape(after, nil)
	return want.Equal(&got)
}

// part is a piece of a file that is a document of its own: whole lines that hold one entry of a block, or the text of one
// collection in brackets.
type part struct {
	from, to int
	node     *Node // what the edits change
	held     Kind  // what the piece holds it in: a Mapping or a Sequence with nothing else, or 0 for the node itself
}

// partBytes is the size of a part that is small enough.
const partBytes = 2 << 10

// part finds the smallest piece of the file, not less than partBytes, that all edits lie in. Without any it is the zero part.
func (e *editor) part() part {
	if len(e.doc.Roots) != 1 {
		return part{}
	}
	first, last := e.edits[0].Range.Start, 0
	for _, edit := range e.edits {
		first, last = min(first, edit.Range.Start), max(last, edit.Range.End)
	}
	at := part{to: len(e.doc.File.Bytes), node: e.doc.Roots[0]}
	for at.to-at.from > partBytes {
		inner := e.inner(at, first, last)
		if inner.node == nil {
			break
		}
		at = inner
	}
	if at.node == e.doc.Roots[0] {
		return part{}
	}
	return at
}

// inner is the part of a part that holds the bytes from first to last; the zero part when there is none.
func (e *editor) inner(at part, first, last int) part {
	n := at.node
	if n.odd != nil {
		return part{}
	}
	count := len(n.Members) + len(n.Items)
	entry := func(i int) (source.Range, *Node) {
		if n.Kind == Mapping {
			return n.Members[i].Range, n.Members[i].Value
		}
		return n.Items[i].Range, n.Items[i]
	}
	for i := range count {
		r, value := entry(i)
		if value == nil || value.Kind == Scalar {
			continue
		}
		if n.Style == Flow {
			if value.Style == Flow && value.Range.Start < first && last < value.Range.End {
				return part{value.Range.Start, value.Range.End, value, 0}
			}
			continue
		}
		p := part{e.lineOf(r.Start, n.Kind), at.to, value, n.Kind}
		if i+1 < count {
			next, _ := entry(i + 1)
			p.to = e.lineOf(next.Start, n.Kind)
		}
		if p.from < 0 || p.to < 0 {
			return part{}
		}
		if r.Start < first && last < p.to {
			return p
		}
	}
	return part{}
}

// lineOf returns where the line of an entry begins when nothing else stands before it there, else -1.
func (e *editor) lineOf(start int, kind Kind) int {
	text := e.doc.File.Bytes
	line := bytes.LastIndexByte(text[:start], '\n') + 1
	before := bytes.TrimSpace(text[line:start])
	if kind == Sequence && !bytes.Equal(before, []byte("-")) || kind == Mapping && len(before) > 0 {
		return -1
	}
	return line
}

// provePart reports whether the part, read alone, comes out as wished. False says nothing: the part may name an anchor
// that stands elsewhere.
func (e *editor) provePart(p part) bool {
	if p.node == nil {
		return false
	}
	edits := make([]source.Edit, len(e.edits))
	for i, edit := range e.edits {
		edit.Range.Start -= p.from
		edit.Range.End -= p.from
		edits[i] = edit
	}
	content, err := source.Apply(e.doc.File.Bytes[p.from:p.to], edits)
	if err != nil || p.held != 0 && p.to < len(e.doc.File.Bytes) && !bytes.HasSuffix(content, []byte("\n")) {
		return false
	}
	again, problems := Parse(&source.File{Path: e.doc.File.Path, Bytes: content}, proofLimits)
	if len(problems) > 0 || len(again.Roots) != 1 {
		return false
	}
	root := again.Roots[0]
	switch {
	case p.held == 0:
	case root.Kind == Mapping && p.held == Mapping && len(root.Members) == 1:
		root = root.Members[0].Value
	case root.Kind == Sequence && p.held == Sequence && len(root.Items) == 1:
		root = root.Items[0]
	default:
		return false
	}
	return e.comesOut(p.node, root)
}
