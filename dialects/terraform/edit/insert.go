package edit

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// remove takes attributes and blocks out, whole lines where nothing else stands on them.
func (e *editor) remove(b *hclsyntax.Block, removed map[hclsyntax.Node]bool) {
	if len(removed) == 0 {
		return
	}
	for _, n := range children(b.Body) {
		if !removed[n] {
			continue
		}
		start, end := nodeStart(n), nodeEnd(n)
		lineStart := e.startOfLine(start)
		after := e.afterConstruct(end)
		if !e.blank(lineStart, start) || after < len(e.file.Bytes) && e.file.Bytes[after] != '\n' && e.file.Bytes[after] != '\r' {
			// The only attribute of a block on one line.
			e.replace(b.OpenBraceRange.End.Byte, b.CloseBraceRange.Start.Byte, "")
			continue
		}
		next := e.nextLine(after)
		// An empty line before and after leaves one of them.
		before := lineStart == 0 || lineStart <= b.OpenBraceRange.End.Byte+2 || e.blankLine(e.startOfLine(lineStart-1))
		switch {
		case before && e.blankLine(next):
			next = e.nextLine(e.endOfLine(next))
		case before && lineStart > b.OpenBraceRange.End.Byte+2 && e.startOfLine(b.CloseBraceRange.Start.Byte) == next:
			lineStart = e.startOfLine(lineStart - 1) // none before the closing brace
		}
		text := ""
		if attr, ok := n.(*hclsyntax.Attribute); ok && !e.single(attr) && !before && !e.blankLine(next) && e.startOfLine(b.CloseBraceRange.Start.Byte) != next {
			text = e.eol // it kept the lines around it apart, which formatting would align now
		}
		e.replace(lineStart, next, text)
	}
}

func (e *editor) blankLine(at int) bool {
	return at < len(e.file.Bytes) && e.blank(at, e.endOfLine(at))
}

// trailing are the attributes that people keep at the end of a block: new ones go before them.
var trailing = map[string]bool{"tags": true, "tags_all": true, "labels": true, "user_labels": true, "depends_on": true}

// insert writes what is new into a block: attributes after the last attribute, before trailing ones and nested blocks; blocks
// after the last of their name, else at the end.
func (e *editor) insert(b *hclsyntax.Block, lay layout, add addition, removed map[hclsyntax.Node]bool) {
	if len(add.attributes) == 0 && len(add.blocks) == 0 {
		return
	}
	if lay.inline {
		e.expand(b, lay, add, len(removed) > 0)
		return
	}
	kids := slices.DeleteFunc(children(b.Body), func(n hclsyntax.Node) bool { return removed[n] })
	if len(add.attributes) > 0 {
		e.insertAttributes(b, lay, add.attributes, kids)
	}
	if len(add.blocks) == 0 {
		return
	}
	var atEnd []newBlock
	for _, n := range add.blocks {
		var last *hclsyntax.Block
		for _, k := range nested(b.Body, n.name) {
			last = k
		}
		if last == nil || removed[last] {
			atEnd = append(atEnd, n)
			continue
		}
		e.insertAt(e.afterConstruct(last.CloseBraceRange.End.Byte), lay.eol+lay.eol+strings.Join(n.lines, lay.eol))
	}
	if len(atEnd) == 0 {
		return
	}
	var text strings.Builder
	at := e.startOfLine(b.CloseBraceRange.Start.Byte)
	bare := len(add.attributes)+len(kids) == 0 && (len(removed) > 0 || at <= e.nextLine(e.endOfLine(b.OpenBraceRange.End.Byte)))
	if !bare && !e.blankLine(e.startOfLine(max(at-1, 0))) {
		text.WriteString(lay.eol)
	}
	for i, n := range atEnd {
		if i > 0 {
			text.WriteString(lay.eol)
		}
		text.WriteString(strings.Join(n.lines, lay.eol) + lay.eol)
	}
	e.insertAt(at, text.String())
}

// expand writes a block that stood on one line over several.
func (e *editor) expand(b *hclsyntax.Block, lay layout, add addition, emptied bool) {
	open, end := b.OpenBraceRange.End.Byte, b.CloseBraceRange.Start.Byte
	inner := e.file.Bytes[open:end]
	start := open + len(inner) - len(bytes.TrimLeft(inner, " \t"))
	stop := end - (len(inner) - len(bytes.TrimRight(inner, " \t")))
	filled := start < stop && !emptied
	var lines []string
	if len(add.attributes) > 0 {
		column := 0
		for _, a := range b.Body.Attributes { // there is one at most
			column, _ = e.column([]*hclsyntax.Attribute{a})
		}
		made, apart := fit(add.attributes, column, column > 0)
		if apart && filled {
			lines = append(lines, "")
		}
		for _, l := range made {
			lines = append(lines, lay.indent+l)
		}
	}
	for _, n := range add.blocks {
		if filled || len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, n.lines...)
	}
	text := lay.eol + strings.Join(lines, lay.eol) + lay.eol + lay.outer
	if !filled {
		if emptied {
			e.edits = e.edits[:len(e.edits)-1] // the removal is part of this
		}
		e.replace(open, end, text)
		return
	}
	e.replace(open, start, lay.eol+lay.indent)
	e.replace(stop, end, text)
}

// fit writes assignments in a column that is there. apart says that they do not fit into it and stand apart, so that
// formatting has nothing to move.
func fit(list []assignment, column int, formatted bool) (lines []string, apart bool) {
	wide := 0
	for _, a := range list {
		if !strings.Contains(a.text, "\n") {
			wide = max(wide, utf8.RuneCountInString(a.name))
		}
	}
	if wide > column {
		return align(list, 0), formatted
	}
	return align(list, column), false
}

// insertAttributes writes new attributes behind an attribute that is there, or at the top of the block.
func (e *editor) insertAttributes(b *hclsyntax.Block, lay layout, list []assignment, kids []hclsyntax.Node) {
	anchor := anchorOf(kids)
	if anchor == nil {
		at := e.afterConstruct(b.OpenBraceRange.End.Byte)
		text := lay.eol + lay.indent + strings.Join(align(list, 0), lay.eol+lay.indent)
		if next := e.nextLine(at); len(kids) > 0 && !e.blankLine(next) {
			text += lay.eol
		}
		e.insertAt(at, text)
		return
	}
	chain := e.chain(anchor, kids)
	column, formatted := e.column(chain)
	lines, apart := fit(list, column, formatted)
	text := lay.eol + lay.indent + strings.Join(lines, lay.eol+lay.indent)
	if apart {
		anchor = chain[len(chain)-1] // a chain that is split would have to be aligned anew
		text = lay.eol + text
	}
	e.insertAt(e.afterConstruct(anchor.SrcRange.End.Byte), text)
}

// anchorOf returns the attribute behind which new ones go: the last before the nested blocks that is no trailing one, else
// the last of all; nil when there is no attribute.
func anchorOf(kids []hclsyntax.Node) *hclsyntax.Attribute {
	var best, last *hclsyntax.Attribute
	blocks := false
	for _, n := range kids {
		a, ok := n.(*hclsyntax.Attribute)
		if !ok {
			blocks = true
			continue
		}
		if !blocks {
			last = a
			if !trailing[a.Name] {
				best = a
			}
		} else if last == nil {
			best = a // only behind blocks
		}
	}
	if best == nil {
		best = last
	}
	return best
}

// chain returns the attributes on neighbouring lines around the place behind the anchor that formatting aligns with each
// other: each on one line.
func (e *editor) chain(anchor *hclsyntax.Attribute, kids []hclsyntax.Node) []*hclsyntax.Attribute {
	var attrs []*hclsyntax.Attribute
	at := 0
	for _, n := range kids {
		if a, ok := n.(*hclsyntax.Attribute); ok {
			if a == anchor {
				at = len(attrs)
			}
			attrs = append(attrs, a)
		}
	}
	joined := func(upper, lower *hclsyntax.Attribute) bool {
		return upper.SrcRange.End.Line+1 == lower.SrcRange.Start.Line
	}
	first, last := at+1, at
	if e.single(anchor) {
		for first = at; first > 0 && e.single(attrs[first-1]) && joined(attrs[first-1], attrs[first]); first-- {
		}
	}
	for last+1 < len(attrs) && e.single(attrs[last+1]) && joined(attrs[last], attrs[last+1]) {
		last++
	}
	return attrs[first : last+1]
}

// single reports whether formatting aligns the attribute with its neighbours: it stands on one line, or is a heredoc.
func (e *editor) single(a *hclsyntax.Attribute) bool {
	r := a.Expr.Range()
	return r.Start.Line == r.End.Line || bytes.HasPrefix(e.file.Bytes[r.Start.Byte:], []byte("<<"))
}

// column returns the length of the left sides of a chain that is aligned, and whether it is as formatting wants it. A chain
// that is not aligned has column 0.
func (e *editor) column(chain []*hclsyntax.Attribute) (int, bool) {
	column, widest := -1, 0
	for _, a := range chain {
		c := utf8.RuneCount(e.file.Bytes[a.SrcRange.Start.Byte:a.EqualsRange.Start.Byte]) - 1
		if column >= 0 && c != column {
			return 0, false
		}
		column = c
		widest = max(widest, utf8.RuneCountInString(a.Name))
	}
	if column < widest { // no space before the equals sign, or no chain
		return 0, false
	}
	return column, column == widest
}
