package pipelines

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
)

// Text is the decoded text of one scalar or of several, one below the other, that knows where each of its bytes stands in the
// file: a script is read as the shell gets it and found where it was written.
type Text struct {
	Text string

	parts []part
}

// part is one scalar of a text.
type part struct {
	start  int // in Text
	node   *document.Node
	places []int // byte of the file of each byte of the scalar's text, and of its end
}

// Join makes the text of scalars, with a line end between two of them. Nodes that are no scalars are left out. File gives the
// content of a file; nodes of one that it does not have stand where their range begins.
func Join(file func(path string) *source.File, nodes ...*document.Node) *Text {
	t := &Text{}
	var b strings.Builder
	for _, n := range nodes {
		if n == nil || n.Kind != document.Scalar {
			continue
		}
		if len(t.parts) > 0 {
			b.WriteByte('\n')
		}
		p := part{start: b.Len(), node: n}
		if f := file(n.Range.File); f != nil && n.Range.End <= len(f.Bytes) {
			p.places = placesOf(f.Text(n.Range), n)
		}
		t.parts = append(t.parts, p)
		b.WriteString(n.Text)
	}
	t.Text = b.String()
	return t
}

// Text joins scalars of files that the unit has read.
func (u *Unit) Text(nodes ...*document.Node) *Text { return Join(u.source, nodes...) }

// Range returns where bytes of the text stand in the file. Of what lies in several scalars, the part in the first one.
func (t *Text) Range(start, end int) source.Range {
	for i := len(t.parts) - 1; i >= 0; i-- {
		p := &t.parts[i]
		if p.start > start && i > 0 {
			continue
		}
		r := p.node.Range
		if p.places == nil {
			r.End = r.Start
			return r
		}
		last := len(p.places) - 1
		from := min(max(start-p.start, 0), last)
		to := min(max(end-p.start, from), last)
		return source.Range{File: r.File, Start: r.Start + p.places[from], End: r.Start + max(p.places[to], p.places[from])}
	}
	return source.Range{}
}

// Whole returns where all of the text stands: of several scalars, from the first to the last one of the same file.
func (t *Text) Whole() source.Range {
	if len(t.parts) == 0 {
		return source.Range{}
	}
	r := t.parts[0].node.Range
	for i := range t.parts {
		if o := t.parts[i].node.Range; o.File == r.File {
			r.Start, r.End = min(r.Start, o.Start), max(r.End, o.End)
		}
	}
	return r
}

// Verbatim reports whether bytes of the text stand in the file exactly as they are, so that an edit there is an edit of the text.
func (t *Text) Verbatim(file *source.File, start, end int) bool {
	r := t.Range(start, end)
	return r.File == file.Path && start <= end && end <= len(t.Text) && file.Text(r) == t.Text[start:end]
}

// placesOf aligns the text of a scalar with the bytes that it was written in. The result has a place for each byte of the text and
// one for its end; places never go back.
func placesOf(raw string, n *document.Node) []int {
	a := aligner{raw: raw, text: n.Text, places: make([]int, 0, len(n.Text)+1)}
	a.properties()
	switch {
	case n.Style == document.Literal || n.Style == document.Folded:
		a.block(n.Style == document.Folded)
	case strings.HasPrefix(raw[a.at:], "'"):
		a.at++
		a.flow('\'')
	case strings.HasPrefix(raw[a.at:], "\""):
		a.at++
		a.flow('"')
	default:
		a.flow(0)
	}
	for len(a.places) <= len(n.Text) {
		a.places = append(a.places, min(a.at, len(raw)))
	}
	return a.places
}

// aligner walks over the bytes and the text at once.
type aligner struct {
	raw, text string
	at        int // in raw
	places    []int
}

// properties skips a tag and an anchor.
func (a *aligner) properties() {
	for a.at < len(a.raw) && (a.raw[a.at] == '!' || a.raw[a.at] == '&') {
		end := strings.IndexAny(a.raw[a.at:], " \t\r\n")
		if end < 0 {
			return
		}
		a.at += end
		for a.at < len(a.raw) && strings.IndexByte(" \t\r\n", a.raw[a.at]) >= 0 {
			a.at++
		}
	}
}

func (a *aligner) done() bool { return len(a.places) >= len(a.text) || a.at >= len(a.raw) }

// take says that the next bytes of the text stand in the next bytes of the file.
func (a *aligner) take(text, raw int) {
	for range min(text, len(a.text)-len(a.places)) {
		a.places = append(a.places, a.at)
	}
	a.at = min(a.at+raw, len(a.raw))
}

// next is the byte of the text that has no place yet.
func (a *aligner) next() byte { return a.text[len(a.places)] }

// flow aligns plain and quoted text, in which line ends are folded.
func (a *aligner) flow(quote byte) {
	for !a.done() {
		c := a.raw[a.at]
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			end, breaks := a.at, 0
			for end < len(a.raw) && strings.IndexByte(" \t\r\n", a.raw[end]) >= 0 {
				if a.raw[end] == '\n' || a.raw[end] == '\r' && !strings.HasPrefix(a.raw[end:], "\r\n") {
					breaks++
				}
				end++
			}
			if breaks == 0 {
				a.take(1, 1)
				continue
			}
			a.take(max(1, breaks-1), end-a.at)
		case quote == '\'' && strings.HasPrefix(a.raw[a.at:], "''"):
			a.take(1, 2)
		case quote != 0 && c == quote:
			return
		case quote == '"' && c == '\\':
			a.escape()
		default:
			a.take(1, 1)
		}
	}
}

// escape aligns what begins with a backslash in double quotes.
func (a *aligner) escape() {
	if a.at+1 >= len(a.raw) {
		a.at = len(a.raw)
		return
	}
	size := 2
	switch a.raw[a.at+1] {
	case 'x':
		size = 4
	case 'u':
		size = 6
		if strings.HasPrefix(a.raw[min(a.at+6, len(a.raw)):], `\u`) && isHighSurrogate(a.raw[a.at+2:]) {
			size = 12
		}
	case 'U':
		size = 10
	case '\r', '\n': // the line goes on in the next one
		end := a.at + 1
		for end < len(a.raw) && strings.IndexByte(" \t\r\n", a.raw[end]) >= 0 {
			end++
		}
		a.at = end
		return
	}
	_, text := utf8.DecodeRuneInString(a.text[len(a.places):])
	a.take(text, size)
}

// isHighSurrogate reports whether four hexadecimal digits are the first half of a pair of UTF-16.
func isHighSurrogate(digits string) bool {
	return len(digits) >= 2 && (digits[0] == 'd' || digits[0] == 'D') && strings.IndexByte("89abAB", digits[1]) >= 0
}

// block aligns literal and folded text.
func (a *aligner) block(folded bool) {
	header := strings.IndexByte(a.raw[a.at:], '\n')
	if header < 0 {
		a.at = len(a.raw)
		return
	}
	a.at += header + 1
	indent := a.indent()
	for !a.done() {
		a.skipIndent(indent)
		for !a.done() && !a.atBreak() {
			a.take(1, 1)
		}
		if a.done() {
			return
		}
		if !folded {
			a.lineEnd(1)
			continue
		}
		// The line ends up to the next line that has text become one space, or as many line ends as the text has.
		if a.next() == ' ' {
			a.lineEnd(1)
			continue
		}
		breaks := len(a.text[len(a.places):]) - len(strings.TrimLeft(a.text[len(a.places):], "\n"))
		written := a.breaks()
		for i := range written {
			if i < breaks {
				a.lineEnd(1)
			} else { // of several line ends one is folded away
				a.lineEnd(0)
			}
			if i+1 < written {
				a.skipIndent(indent)
			}
		}
	}
}

// indent is how many spaces stand before each line: so many more than in the text.
func (a *aligner) indent() int {
	first := func(s string) int {
		for line := range strings.Lines(s) {
			if text := strings.TrimLeft(line, " "); strings.TrimRight(text, "\r\n") != "" {
				return len(line) - len(text)
			}
		}
		return 0
	}
	return max(first(a.raw[a.at:])-first(a.text), 0)
}

func (a *aligner) skipIndent(indent int) {
	for i := 0; i < indent && a.at < len(a.raw) && a.raw[a.at] == ' '; i++ {
		a.at++
	}
}

func (a *aligner) atBreak() bool {
	return a.raw[a.at] == '\n' || a.raw[a.at] == '\r' && strings.HasPrefix(a.raw[a.at:], "\r\n")
}

// lineEnd goes over a line end, which is so many bytes of the text.
func (a *aligner) lineEnd(text int) {
	if a.at >= len(a.raw) {
		return
	}
	size := 1
	if strings.HasPrefix(a.raw[a.at:], "\r\n") {
		size = 2
	}
	a.take(text, size)
}

// breaks counts the line ends from here to the next line that has text.
func (a *aligner) breaks() int {
	n := 0
	for _, c := range []byte(a.raw[a.at:]) {
		switch c {
		case '\n':
			n++
		case ' ', '\r':
		default:
			return cmp.Or(n, 1)
		}
	}
	return cmp.Or(n, 1)
}
