package terraform

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// commentWords are the words that comments with a meaning for scanners hold. A file without any of them is not searched.
var commentWords = [][]byte{[]byte("ignore"), []byte("skip"), []byte("disable"), []byte("nosec"), []byte("plumbline"), []byte("suppress")}

// Comments returns the comments of a file in order; in JSON they are the texts of members named "//". Files without any of the
// words that suppressions are made of have none.
func (e *estate) Comments(path string) []dialect.Comment {
	f := e.fileAt(path)
	if f == nil && !fetched(path) {
		f = e.loadedAt(path)
	}
	if f == nil {
		return nil
	}
	return f.comments()
}

// comments returns the comments of the file; see estate.Comments.
func (p *parsed) comments() []dialect.Comment {
	path, f := p.path, p
	if !slices.ContainsFunc(commentWords, func(w []byte) bool { return bytes.Contains(f.file.Bytes, w) }) {
		return nil
	}
	if strings.HasSuffix(path, ".json") {
		root, err := readJSON(f.file.Bytes, f.nesting, false)
		if err != nil {
			return nil
		}
		return jsonComments(nil, path, &root, root.start)
	}
	tokens, _ := hclsyntax.LexConfig(f.file.Bytes, path, hcl.InitialPos)
	var out []dialect.Comment
	for _, t := range tokens {
		if t.Type != hclsyntax.TokenComment {
			continue
		}
		r := place(t.Range)
		text := string(bytes.TrimRight(t.Bytes, "\r\n"))
		r.End = r.Start + len(text)
		out = append(out, dialect.Comment{Range: r, Text: commentText(text), Alone: f.startsLine(r.Start)})
	}
	f.aim(out)
	return out
}

// commentText takes the marker off a comment.
func commentText(s string) string {
	switch {
	case strings.HasPrefix(s, "/*"):
		s = strings.TrimSuffix(strings.TrimPrefix(s, "/*"), "*/")
		s = strings.TrimLeft(s, "*")
	case strings.HasPrefix(s, "#"):
		s = strings.TrimLeft(s, "#")
	default:
		s = strings.TrimLeft(s, "/")
	}
	return strings.TrimSpace(s)
}

// startsLine reports whether only white space stands before the offset on its line.
func (p *parsed) startsLine(offset int) bool {
	for i := offset - 1; i >= 0; i-- {
		switch p.file.Bytes[i] {
		case '\n':
			return true
		case ' ', '\t', '\r':
		default:
			return false
		}
	}
	return true
}

// aim finds what each comment stands above or beside.
func (p *parsed) aim(comments []dialect.Comment) {
	var all []source.Range
	var body func(*hclsyntax.Body)
	body = func(b *hclsyntax.Body) {
		for _, a := range b.Attributes {
			all = append(all, place(a.SrcRange))
			all = entries(all, a.Expr)
		}
		for _, block := range b.Blocks {
			all = append(all, blockRange(block))
			body(block.Body)
		}
	}
	body(p.tree())
	// By place, and the larger first.
	slices.SortFunc(all, func(a, b source.Range) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return b.End - a.End
	})
	line := func(offset int) int { return p.file.Position(offset).Line }
	for i := len(comments) - 1; i >= 0; i-- {
		c := &comments[i]
		after, _ := slices.BinarySearchFunc(p.tree().Blocks, c.Range.Start, func(b *hclsyntax.Block, at int) int { return b.TypeRange.Start.Byte - at })
		if after > 0 && blockRange(p.tree().Blocks[after-1]).Contains(c.Range) {
			c.Block = blockRange(p.tree().Blocks[after-1])
		}
		if !c.Alone {
			c.Target = beside(all, c.Range, p.file.Line(line(c.Range.Start)))
			continue
		}
		next := line(c.Range.End) + 1
		if i+1 < len(comments) && comments[i+1].Alone && line(comments[i+1].Range.Start) == next {
			c.Target = comments[i+1].Target
			continue
		}
		c.Target = first(all, p.file.Line(next))
	}
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
	var best source.Range
	for _, r := range all {
		if r.Start > line.Start {
			break
		}
		if r.End > line.Start && (best.IsZero() || r.End-r.Start <= best.End-best.Start) {
			best = r
		}
	}
	return best
}

// entries adds the members and elements of objects and lists that are written out.
func entries(all []source.Range, e hclsyntax.Expression) []source.Range {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return entries(all, e.Expression)
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			r := place(item.KeyExpr.Range())
			r.End = item.ValueExpr.Range().End.Byte
			all = entries(append(all, r), item.ValueExpr)
		}
	case *hclsyntax.TupleConsExpr:
		for _, item := range e.Exprs {
			all = entries(append(all, place(item.Range())), item)
		}
	case *call:
		for _, a := range e.Args {
			all = entries(all, a)
		}
	}
	return all
}

// jsonComments adds the comments in a JSON value. start is where the entry begins that the value is of: a comment is about all
// of the object that it stands in, with its name.
func jsonComments(out []dialect.Comment, file string, n *node, start int) []dialect.Comment {
	for i := range n.items {
		item, from := &n.items[i], n.items[i].start
		if n.kind == '{' {
			from = n.keys[i].start
			if n.keys[i].text == "//" {
				if item.kind == 's' {
					out = append(out, dialect.Comment{Text: strings.TrimSpace(item.text), Alone: true,
						Range: source.Range{File: file, Start: item.start, End: item.end},
						About: source.Range{File: file, Start: start, End: n.end}})
				}
				continue
			}
		}
		out = jsonComments(out, file, item, from)
	}
	return out
}
