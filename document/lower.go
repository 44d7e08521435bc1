package document

import (
	"bytes"
	"slices"
	"strings"

	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

func (e *editor) replace(start, end int, text string) {
	if end < start { // an entry that is written in a way that is not provided for, as ? key over several lines
		e.stuck = true
		return
	}
	r := source.Range{File: e.doc.File.Path, Start: start, End: end}
	if e.doc.File.Text(r) != text {
		e.edits = append(e.edits, source.Edit{Range: r, Text: text})
	}
}

// lower writes the wishes of one node as edits.
func (e *editor) lower(n *Node, w *wishes) {
	for _, c := range e.covered {
		if c.Contains(n.Range) {
			return // it is written anew with what is around it, or gone
		}
	}
	entries := e.entriesOf(n)
	var fresh []entry // what is to be added
	removed := 0
	for _, c := range w.entries {
		found := false
		for i := range entries {
			x := &entries[i]
			if x.step != c.step {
				continue
			}
			found = true
			if c.remove {
				x.removed = true
				removed++
				e.covered = append(e.covered, x.place)
			} else {
				x.wished = &c.value
				e.covered = append(e.covered, x.at)
			}
		}
		if !found && !c.remove && c.step.Name != "" {
			fresh = append(fresh, entry{step: c.step, wished: &c.value})
		}
	}
	if n.Kind == Sequence {
		added := w.appended(len(n.Items))
		for i := range added {
			fresh = append(fresh, entry{wished: &added[i]})
		}
	}
	if len(w.entries) == 0 && len(fresh) == 0 {
		return
	}
	if len(entries) == removed || n.Style == Flow && removed > 0 && len(fresh) > 0 {
		e.rewrite(n)
		return
	}
	for i := range entries {
		// Of a key that comes twice only the last one counts, and only that is changed.
		if x := &entries[i]; x.wished != nil && (i+1 == len(entries) || !slices.ContainsFunc(entries[i+1:], func(o entry) bool { return o.step == x.step })) {
			e.change(n, x)
		}
	}
	if n.Style == Flow {
		e.removeFlow(n, entries)
		e.insertFlow(n, entries, fresh)
	} else {
		e.removeBlock(n, entries)
		e.insertBlock(n, entries, fresh)
	}
}

// entry is one entry of a collection as it is written, or as it is to be.
type entry struct {
	step    value.Step
	key     *Node        // of mappings
	node    *Node        // the value
	place   source.Range // of the whole entry, from its dash
	at      source.Range // of the value or the alias that stands for it
	removed bool
	wished  *value.Value
}

func (e *editor) entriesOf(n *Node) []entry {
	var out []entry
	for i, item := range n.Items {
		out = append(out, entry{step: value.Step{Index: i}, node: item, place: e.doc.item(n, i), at: n.Place(i)})
	}
	for _, m := range n.written() {
		x := entry{key: m.Key, node: m.Value, place: m.Range, at: m.Value.Range}
		switch {
		case m.Key.Kind != Scalar:
			x.step = value.Step{Index: -1}
		case isMerge(m.Key):
			x.step = value.Step{Index: -1}
		default:
			x.step = value.Step{Name: m.Key.Text}
		}
		if !m.Range.Contains(m.Value.Range) || m.Value.Range.End != m.Range.End { // an alias
			x.at = source.Range{File: m.Range.File, Start: e.aliasStart(m), End: m.Range.End}
		}
		out = append(out, x)
	}
	return out
}

// aliasStart returns where the alias begins that is the value of a member.
func (e *editor) aliasStart(m Member) int {
	text := e.doc.File.Bytes
	for i := m.Range.End - 1; i > m.Range.Start; i-- {
		if text[i] == '*' {
			return i
		}
	}
	return m.Range.End
}

// bare returns where the content of a value begins, behind its tag and anchor.
func (e *editor) bare(x *entry) int {
	if x.at != x.node.Range {
		return x.at.Start
	}
	at, text := x.at.Start, e.doc.File.Bytes
	for range 2 {
		switch {
		case x.node.Tag != "" && strings.HasPrefix(string(text[at:x.at.End]), x.node.Tag):
			at += len(x.node.Tag)
		case x.node.Anchor != "" && strings.HasPrefix(string(text[at:x.at.End]), "&"+x.node.Anchor):
			at += 1 + len(x.node.Anchor)
		default:
			return at
		}
		for at < x.at.End && strings.IndexByte(" \t\r\n", text[at]) >= 0 {
			at++
		}
	}
	return at
}

// change replaces the value of an entry. Its anchor stays.
func (e *editor) change(n *Node, x *entry) {
	w := e.writerAt(n, x.place.Start)
	w.like = x.node
	anchor := ""
	if x.node.Anchor != "" && x.at == x.node.Range {
		anchor = "&" + x.node.Anchor + " "
		e.replaced[x.node] = normal(*x.wished)
	}
	text := e.doc.File.Bytes
	start, end := x.at.Start, x.at.End
	if inline, ok := w.inline(x.wished, n.Style == Flow); ok {
		before := ""
		if start > 0 && strings.IndexByte(":-?,", text[start-1]) >= 0 && !e.doc.JSON {
			before = " "
		}
		// What is on lines below the key moves up beside it, and a comment beside the key stays there.
		if n.Style == Block && x.node.Style == Block && x.at == x.node.Range && strings.Contains(string(text[x.head():start]), "\n") {
			head := e.headEnd(x)
			e.replace(head, head, " "+anchor+inline)
			e.replace(e.lineEndAt(head), end, "")
			return
		}
		e.replace(start, end, before+anchor+inline)
		return
	}
	// The sign of a literal, a tag or the first entry behind a dash stand beside the key or dash, and before a comment there.
	beside, body, more := strings.Cut(e.closed(w.below(x.wished, n.Kind == Sequence), end), w.eol)
	if more {
		body = w.eol + body
	}
	if anchor != "" {
		anchor = " " + strings.TrimSpace(anchor)
	}
	anchor += beside
	// The new lines go below the comment beside what they replace.
	from := x.head()
	if i := strings.IndexByte(string(text[from:start]), '\n'); i >= 0 {
		head := e.headEnd(x)
		e.replace(head, head, anchor)
		e.replace(e.lineEndAt(head), end, body)
		return
	}
	behind := e.lineEndAt(end)
	from = e.headEnd(x)
	if strings.TrimSpace(string(text[end:behind])) == "" {
		e.replace(from, end, anchor+body)
		return
	}
	e.replace(from, end, anchor)
	e.replace(behind, behind, body)
}

// closed ends a text that is inserted at the end of a file with a line end, when it has a literal that holds one.
func (e *editor) closed(text string, at int) string {
	if at == len(e.doc.File.Bytes) && strings.Contains(text, " |"+e.style.eol) {
		return text + e.style.eol
	}
	return text
}

// head returns where an entry is named: the end of its key, or of its dash.
func (x *entry) head() int {
	if x.key != nil {
		return x.key.Range.End
	}
	return x.place.Start + 1
}

// headEnd returns where the head of an entry ends with the colon.
func (e *editor) headEnd(x *entry) int {
	at := x.head()
	if x.key != nil {
		for i := at; i < len(e.doc.File.Bytes) && i <= x.at.Start; i++ {
			if e.doc.File.Bytes[i] == ':' {
				return i + 1
			}
		}
	}
	return at
}

func (e *editor) lineStartAt(at int) int {
	return bytes.LastIndexByte(e.doc.File.Bytes[:at], '\n') + 1
}

// lineEndAt returns where the line ends that at is in, before its line end.
func (e *editor) lineEndAt(at int) int {
	text := e.doc.File.Bytes
	for at < len(text) && breakAt(text, at) == 0 {
		at++
	}
	return at
}

// rewrite writes a collection anew: one that is emptied, or a flow collection that loses and gains entries at once.
func (e *editor) rewrite(n *Node) {
	v := e.content(n, n, e.wishes)
	e.covered = append(e.covered, n.Range)
	x := entry{node: n, at: n.Range, place: n.Range, wished: &v}
	wr := e.writerAt(n, n.Range.Start)
	empty := len(v.Items) == 0 && len(v.Fields) == 0
	start := e.bare(&x)
	switch {
	case n.Style == Flow:
		wr.indent = e.indentOfLine(n.Range.Start)
		text, _ := wr.inline(&v, true)
		e.replace(start, n.Range.End, text)
	case empty:
		text := "{}"
		if n.Kind == Sequence {
			text = "[]"
		}
		e.emptied(n, start, text)
	default:
		wr.indent = e.columnText(start)
		e.replace(start, n.Range.End, strings.TrimLeft(wr.block(&v, wr.indent), " "))
	}
}

// emptied writes a block collection that has lost everything: beside its key, where that is on a line above.
func (e *editor) emptied(n *Node, start int, text string) {
	file := e.doc.File.Bytes
	at := start
	for at > 0 && strings.IndexByte(" \t", file[at-1]) >= 0 {
		at--
	}
	if at > 0 && file[at-1] == '\n' && n.Anchor == "" && n.Tag == "" {
		up := at - 1
		for up > 0 && strings.IndexByte(" \t\r\n", file[up-1]) >= 0 {
			up--
		}
		if up > 0 && file[up-1] == ':' {
			e.replace(up, n.Range.End, " "+text)
			return
		}
	}
	e.replace(start, n.Range.End, text)
}
