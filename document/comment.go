package document

import (
	"bytes"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// finish finds the comments of a file that was read as YAML: every # between what no comment can be in.
func (r *yamlReader) finish(doc *Document) {
	if r.hasComments {
		at := 0
		for _, leaf := range r.leaves {
			r.commentsIn(at, leaf.start)
			at = max(at, leaf.end)
		}
		if r.complete {
			r.commentsIn(at, len(r.text))
		} else {
			r.commentLines(at)
		}
	}
	for i := range r.comments {
		r.comments[i].start += r.base
		r.comments[i].end += r.base
	}
	r.builder.finish(doc)
}

// commentsIn adds the comments of a part of the text that has no scalar in it.
func (r *yamlReader) commentsIn(at, end int) {
	for at < end {
		i := bytes.IndexByte(r.text[at:end], '#')
		if i < 0 {
			return
		}
		start := at + i
		at = r.lineEnd(start)
		if start == 0 || strings.IndexByte(" \t\r\n\"'[]{},", r.text[start-1]) >= 0 || r.text[start-1] >= 0x80 {
			r.comments = append(r.comments, span{start, at})
		}
		at = max(at, start+1)
	}
}

// commentLines adds the comments that have a line of their own, of a text that could not be read.
func (r *yamlReader) commentLines(at int) {
	for at < len(r.text) {
		first := at
		for first < len(r.text) && (r.text[first] == ' ' || r.text[first] == '\t') {
			first++
		}
		end := r.lineEnd(first)
		if first < end && r.text[first] == '#' {
			r.comments = append(r.comments, span{first, end})
		}
		at = end + breakAt(r.text, end)
	}
}

// finish puts the comments into the document and aims them at what they stand above or beside.
func (b *builder) finish(doc *Document) {
	if len(b.comments) == 0 {
		return
	}
	slices.SortFunc(b.comments, func(x, y span) int { return x.start - y.start })
	doc.Comments = make([]dialect.Comment, 0, len(b.comments))
	for i, c := range b.comments {
		if i > 0 && c == b.comments[i-1] {
			continue
		}
		for c.end > c.start && (b.file.Bytes[c.end-1] == '\r' || b.file.Bytes[c.end-1] == '\n') {
			c.end--
		}
		line := bytes.LastIndexByte(b.file.Bytes[:c.start], '\n') + 1
		doc.Comments = append(doc.Comments, dialect.Comment{
			Range: b.place(c.start, c.end),
			Text:  commentText(string(b.file.Bytes[c.start:c.end])),
			Alone: len(bytes.Trim(bytes.TrimPrefix(b.file.Bytes[line:c.start], []byte(byteOrderMark)), " \t")) == 0,
		})
	}
	doc.aim()
}

// commentText takes the marker off a comment.
func commentText(s string) string {
	switch {
	case strings.HasPrefix(s, "/*"):
		s = strings.TrimLeft(strings.TrimSuffix(strings.TrimPrefix(s, "/*"), "*/"), "*")
	case strings.HasPrefix(s, "#"):
		s = strings.TrimLeft(s, "#")
	default:
		s = strings.TrimLeft(s, "/")
	}
	return strings.TrimSpace(s)
}

// aim finds what each comment stands above or beside. Several comments in lines of their own that follow each other belong
// to what stands below the last of them.
func (d *Document) aim() {
	all := d.constructs()
	line := func(offset int) int { return d.File.Position(offset).Line }
	for i := len(d.Comments) - 1; i >= 0; i-- {
		c := &d.Comments[i]
		if !c.Alone {
			c.Target = beside(all, c.Range, d.File.Line(line(c.Range.Start)))
			continue
		}
		next := line(c.Range.End) + 1
		if i+1 < len(d.Comments) && d.Comments[i+1].Alone && line(d.Comments[i+1].Range.Start) == next {
			c.Target = d.Comments[i+1].Target
			continue
		}
		c.Target = first(all, d.File.Line(next))
	}
}

// constructs returns the ranges of all that a comment can belong to, by place and the larger first: the entries of mappings,
// and the items of sequences from their dashes.
func (d *Document) constructs() []source.Range {
	var all []source.Range
	seen := make(map[*Node]bool) // what several aliases name
	var walk func(n *Node)
	walk = func(n *Node) {
		if n.Anchor != "" {
			if seen[n] {
				return
			}
			seen[n] = true
		}
		for i, item := range n.Items {
			all = append(all, d.item(n, i))
			walk(item)
		}
		for _, m := range n.written() {
			all = append(all, m.Range)
			if m.Key.Kind != Scalar {
				walk(m.Key)
			}
			walk(m.Value)
		}
	}
	for _, root := range d.Roots {
		walk(root)
	}
	slices.SortFunc(all, func(a, b source.Range) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return b.End - a.End
	})
	return all
}

// item returns where item i of a sequence stands, from its dash where it has one.
func (d *Document) item(n *Node, i int) source.Range {
	place := n.Place(i)
	if n.Style != Block {
		return place
	}
	from := n.Range.Start
	if i > 0 {
		from = n.Place(i - 1).End
	}
	// Between the items stand only white space, comments and the dash; before the first also the tag and anchor.
	for at := from; at < place.Start; at++ {
		switch c := d.File.Bytes[at]; c {
		case '#':
			for at < place.Start && d.File.Bytes[at] != '\n' && d.File.Bytes[at] != '\r' {
				at++
			}
		case '!', '&':
			for at < place.Start && d.File.Bytes[at] > ' ' {
				at++
			}
		case '-':
			place.Start = at
			return place
		}
	}
	return place
}

// first returns the outermost construct that starts on a line.
func first(all []source.Range, line source.Range) source.Range {
	i, _ := slices.BinarySearchFunc(all, line.Start, func(r source.Range, start int) int { return r.Start - start })
	if !line.IsZero() && i < len(all) && all[i].Start <= line.End {
		return all[i]
	}
	return source.Range{}
}

// beside returns what a comment at the end of a line belongs to: what starts on the line, else the smallest construct
// that the line lies in.
func beside(all []source.Range, comment, line source.Range) source.Range {
	if r := first(all, line); !r.IsZero() && r.Start < comment.Start {
		return r
	}
	// Constructs lie in or beside each other, so the last one that has begun and not ended is the smallest.
	i, _ := slices.BinarySearchFunc(all, line.Start+1, func(r source.Range, start int) int { return r.Start - start })
	for i--; i >= 0; i-- {
		if all[i].End > line.Start {
			return all[i]
		}
	}
	return source.Range{}
}

// Frame says what the blocks of a dialect are, in any order: the resources, mostly. The Block of each comment becomes the
// outermost of them that it stands in; before that it has none.
func (d *Document) Frame(blocks []source.Range) {
	for i := range d.Comments {
		c := &d.Comments[i]
		c.Block = source.Range{}
		for _, b := range blocks {
			if b.Contains(c.Range) && (c.Block.IsZero() || b.Contains(c.Block)) {
				c.Block = b
			}
		}
	}
}
