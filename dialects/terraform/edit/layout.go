package edit

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// layout is how a block is written.
type layout struct {
	outer  string // white space before the block
	indent string // white space before what is in it
	unit   string // one step of indentation
	eol    string // line end
	inline bool   // the braces stand on one line
}

func (e *editor) layout(b *hclsyntax.Block) layout {
	start := b.TypeRange.Start.Byte
	l := layout{
		outer:  e.indentAt(start),
		eol:    e.lineEnd(start),
		unit:   e.indentUnit(),
		inline: b.OpenBraceRange.Start.Line == b.CloseBraceRange.Start.Line,
	}
	e.eol = l.eol
	l.indent = l.outer + l.unit
	if !l.inline {
		for _, n := range children(b.Body) {
			at := nodeStart(n)
			if line := e.startOfLine(at); e.blank(line, at) {
				l.indent = string(e.file.Bytes[line:at])
				if unit, deeper := strings.CutPrefix(l.indent, l.outer); deeper && unit != "" {
					l.unit = unit
				}
				break
			}
		}
	}
	return l
}

// indentUnit returns how the file indents: as the first indented line does, when that is a tab, else two spaces.
func (e *editor) indentUnit() string {
	for rest := e.file.Bytes; ; {
		_, line, more := bytes.Cut(rest, []byte("\n"))
		switch {
		case bytes.HasPrefix(line, []byte("\t")):
			return "\t"
		case !more || bytes.HasPrefix(line, []byte(" ")):
			return "  "
		}
		rest = line
	}
}

// children returns the attributes and blocks of a body in order.
func children(body *hclsyntax.Body) []hclsyntax.Node {
	var out []hclsyntax.Node
	for _, a := range body.Attributes {
		out = append(out, a)
	}
	for _, b := range body.Blocks {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b hclsyntax.Node) int { return nodeStart(a) - nodeStart(b) })
	return out
}

func nodeStart(n hclsyntax.Node) int {
	switch n := n.(type) {
	case *hclsyntax.Attribute:
		return n.SrcRange.Start.Byte
	case *hclsyntax.Block:
		return n.TypeRange.Start.Byte
	}
	return n.Range().Start.Byte
}

func nodeEnd(n hclsyntax.Node) int {
	switch n := n.(type) {
	case *hclsyntax.Attribute:
		return n.SrcRange.End.Byte
	case *hclsyntax.Block:
		return n.CloseBraceRange.End.Byte
	}
	return n.Range().End.Byte
}

func (e *editor) startOfLine(at int) int { return bytes.LastIndexByte(e.file.Bytes[:at], '\n') + 1 }

// endOfLine returns where the line ends, before its line end.
func (e *editor) endOfLine(at int) int {
	n := bytes.IndexByte(e.file.Bytes[at:], '\n')
	if n < 0 {
		return len(e.file.Bytes)
	}
	end := at + n
	if end > at && e.file.Bytes[end-1] == '\r' {
		end--
	}
	return end
}

// nextLine returns the start of the line after the one that ends at end.
func (e *editor) nextLine(end int) int {
	if n := bytes.IndexByte(e.file.Bytes[end:], '\n'); n >= 0 {
		return end + n + 1
	}
	return len(e.file.Bytes)
}

// lineEnd returns the line end of the line at, or of the file where that line has none.
func (e *editor) lineEnd(at int) string {
	n := bytes.IndexByte(e.file.Bytes[at:], '\n')
	if n < 0 {
		at = 0
		n = bytes.IndexByte(e.file.Bytes, '\n')
	}
	if n > 0 && e.file.Bytes[at+n-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// indentAt returns the white space that the line at begins with.
func (e *editor) indentAt(at int) string {
	start := e.startOfLine(at)
	end := start
	for end < len(e.file.Bytes) && (e.file.Bytes[end] == ' ' || e.file.Bytes[end] == '\t') {
		end++
	}
	return string(e.file.Bytes[start:end])
}

// blank reports whether there is only white space from start to end.
func (e *editor) blank(start, end int) bool {
	return len(bytes.TrimSpace(e.file.Bytes[start:end])) == 0
}

func (e *editor) blankOrComment(start, end int) bool {
	rest := bytes.TrimSpace(e.file.Bytes[start:end])
	return len(rest) == 0 || rest[0] == '#' || bytes.HasPrefix(rest, []byte("//")) ||
		bytes.HasPrefix(rest, []byte("/*")) && bytes.Index(rest, []byte("*/")) == len(rest)-2
}

// afterConstruct skips white space and comments behind an attribute or block, and returns where its last line ends, or
// where the next token stands when there is one on the line.
func (e *editor) afterConstruct(at int) int {
	text := e.file.Bytes
	for at < len(text) {
		switch rest := text[at:]; {
		case rest[0] == ' ' || rest[0] == '\t':
			at++
		case rest[0] == '#' || bytes.HasPrefix(rest, []byte("//")):
			return e.endOfLine(at)
		case bytes.HasPrefix(rest, []byte("/*")):
			n := bytes.Index(rest[2:], []byte("*/"))
			if n < 0 {
				return at
			}
			at += n + 4
		default:
			return at
		}
	}
	return at
}

// afterItem returns where an item of a list or object ends, with the comma behind it, and whether there is one.
func (e *editor) afterItem(at int) (int, bool) {
	for i := at; i < len(e.file.Bytes); {
		rest := e.file.Bytes[i:]
		switch {
		case rest[0] == ',':
			return i + 1, true
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r' || rest[0] == '\n':
			i++
		case rest[0] == '#' || bytes.HasPrefix(rest, []byte("//")):
			i = e.endOfLine(i)
		case bytes.HasPrefix(rest, []byte("/*")):
			n := bytes.Index(rest[2:], []byte("*/"))
			if n < 0 {
				return at, false
			}
			i += n + 4
		default:
			return at, false
		}
	}
	return at, false
}

// style returns the sign between keys and values of an object, and whether its keys are quoted.
func (e *editor) style(x *hclsyntax.ObjectConsExpr) (sign string, quoted bool) {
	last := x.Items[len(x.Items)-1]
	sign = "="
	if bytes.ContainsRune(e.file.Bytes[last.KeyExpr.Range().End.Byte:last.ValueExpr.Range().Start.Byte], ':') {
		sign = ":"
	}
	quoted = true
	for _, item := range x.Items {
		quoted = quoted && e.file.Bytes[item.KeyExpr.Range().Start.Byte] == '"'
	}
	return sign, quoted
}

// itemColumn returns the length that the left sides of an object's last items have when these stand on lines of their own
// below each other and are aligned, and whether that is as formatting wants it.
func (e *editor) itemColumn(x *hclsyntax.ObjectConsExpr, sign string) (column int, formatted bool) {
	widest := 0
	below := 0 // line of the item below
	for _, item := range slices.Backward(x.Items) {
		k, v := item.KeyExpr.Range(), item.ValueExpr.Range()
		if k.Start.Line == x.Range().Start.Line || k.Start.Line != v.End.Line || below != 0 && k.Start.Line != below-1 {
			break
		}
		between := e.file.Bytes[k.End.Byte:v.Start.Byte]
		key := utf8.RuneCount(e.file.Bytes[k.Start.Byte:k.End.Byte])
		have := key + bytes.Index(between, []byte(sign)) - 1
		if below != 0 && have != column || have < key {
			return 0, false
		}
		column, below, widest = have, k.Start.Line, max(widest, key)
	}
	return column, column == widest && column > 0
}
