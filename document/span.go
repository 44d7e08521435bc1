package document

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// lineStarts returns where each line starts. YAML's lines end with CR, LF, both, NEL, LS or PS.
func lineStarts(b []byte) []int {
	odd := bytes.Contains(b, []byte("\u0085")) || bytes.Contains(b, []byte("\u2028")) || bytes.Contains(b, []byte("\u2029")) ||
		bytes.Count(b, []byte("\r")) != bytes.Count(b, []byte("\r\n"))
	starts := make([]int, 1, bytes.Count(b, []byte("\n"))+1)
	if !odd {
		for i := 0; ; {
			n := bytes.IndexByte(b[i:], '\n')
			if n < 0 {
				return starts
			}
			i += n + 1
			starts = append(starts, i)
		}
	}
	for i := 0; i < len(b); {
		if n := breakAt(b, i); n > 0 {
			i += n
			starts = append(starts, i)
		} else {
			i++
		}
	}
	return starts
}

// breakAt returns how many bytes the line end at i has, 0 when there is none.
func breakAt(b []byte, i int) int {
	if i >= len(b) {
		return 0
	}
	switch b[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(b) && b[i+1] == '\n' {
			return 2
		}
		return 1
	case 0xc2:
		if i+1 < len(b) && b[i+1] == 0x85 {
			return 2
		}
	case 0xe2:
		if i+2 < len(b) && b[i+1] == 0x80 && (b[i+2] == 0xa8 || b[i+2] == 0xa9) {
			return 3
		}
	}
	return 0
}

// offset returns the byte of the text at a line and column of the library, which count from 1 and in code points.
func (r *yamlReader) offset(line, column int) int {
	if line < 1 || line > len(r.lines) {
		return len(r.text)
	}
	at, from := r.lines[line-1], 1
	if r.cursor.line == line && r.cursor.column <= column {
		at, from = r.cursor.offset, r.cursor.column
	}
	for ; from < column && at < len(r.text); from++ {
		if r.text[at] < utf8.RuneSelf {
			at++
			continue
		}
		_, size := utf8.DecodeRune(r.text[at:])
		at += size
	}
	r.cursor = cursor{line, column, at}
	return at
}

// properties reads the tag and anchor of a node, which stand at start in either order. It returns where they end and where
// what they belong to begins, if there is something.
func (r *yamlReader) properties(y *yaml.Node, start int) (tag string, end, content int) {
	at, end := start, start
	tagged, anchored := y.Style&yaml.TaggedStyle != 0 || r.text[start] == '!', y.Anchor != ""
	for at < len(r.text) {
		from := at
		switch c := r.text[at]; {
		case c == '!' && tagged:
			tagged = false
			if bytes.HasPrefix(r.text[at:], []byte("!<")) {
				at += max(0, bytes.IndexByte(r.text[at:], '>'))
			}
			at = r.wordEnd(at, "{}")
			tag = string(r.text[from:at])
		case c == '&' && anchored:
			anchored = false
			at = r.wordEnd(at, ",[]{}:")
		default:
			return tag, end, at
		}
		end = at
		at = r.skip(at)
	}
	return tag, end, at
}

// wordEnd returns where the word at a place ends: before white space or one of some signs.
func (r *yamlReader) wordEnd(at int, signs string) int {
	for at < len(r.text) && r.text[at] != ' ' && r.text[at] != '\t' && breakAt(r.text, at) == 0 && !strings.Contains(signs, string(rune(r.text[at]))) {
		at++
	}
	return at
}

// skip returns where the next sign is that is neither white space nor in a comment.
func (r *yamlReader) skip(at int) int {
	for at < len(r.text) {
		switch c := r.text[at]; {
		case c == ' ' || c == '\t':
			at++
		case c == '#':
			at = r.lineEnd(at)
		default:
			n := breakAt(r.text, at)
			if n == 0 {
				return at
			}
			at += n
		}
	}
	return at
}

// lineEnd returns where the line that at is in ends, before its line end.
func (r *yamlReader) lineEnd(at int) int {
	for at < len(r.text) && breakAt(r.text, at) == 0 {
		at++
	}
	return at
}

// closing returns the place behind the closing bracket of a flow collection whose last element ends at a place.
func (r *yamlReader) closing(at int, bracket byte) int {
	for at < len(r.text) {
		at = r.skip(at)
		if at == len(r.text) {
			break
		}
		at++
		if r.text[at-1] == bracket {
			return at
		}
	}
	return at
}

// scalar returns how a scalar is written and where it ends. Its properties end at a place and its text begins at content,
// when it is not empty; indent is the column of the block collection around it.
func (r *yamlReader) scalar(y *yaml.Node, properties, content, indent int) (Style, int) {
	switch {
	case y.Style&yaml.SingleQuotedStyle != 0:
		return Single, r.singleEnd(content)
	case y.Style&yaml.DoubleQuotedStyle != 0:
		return Double, r.doubleEnd(content)
	case y.Style&yaml.LiteralStyle != 0:
		return Literal, r.blockEnd(content, indent)
	case y.Style&yaml.FoldedStyle != 0:
		return Folded, r.blockEnd(content, indent)
	case y.Value == "":
		return Plain, properties
	}
	return Plain, r.plainEnd(content, y.Value)
}

func (r *yamlReader) singleEnd(at int) int {
	for at++; at < len(r.text); at++ {
		if r.text[at] == '\'' {
			if at+1 == len(r.text) || r.text[at+1] != '\'' {
				return at + 1
			}
			at++
		}
	}
	return len(r.text)
}

func (r *yamlReader) doubleEnd(at int) int {
	for at++; at < len(r.text); at++ {
		switch r.text[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(r.text)
}

// plainEnd follows what was decoded of an unquoted text through the source, in which a space or line end of it may be any
// white space with a line end.
func (r *yamlReader) plainEnd(at int, decoded string) int {
	for j := 0; j < len(decoded) && at < len(r.text); {
		c := r.text[at]
		blank := at
		for blank < len(r.text) && (r.text[blank] == ' ' || r.text[blank] == '\t') {
			blank++
		}
		if breakAt(r.text, blank) == 0 {
			if blank > at { // white space inside of a line is kept as it is
				j += blank - at
				at = blank
			} else if c != decoded[j] {
				return at
			} else {
				at++
				j++
			}
			continue
		}
		at = blank
		for at < len(r.text) {
			if n := breakAt(r.text, at); n > 0 {
				at += n
			} else if r.text[at] == ' ' || r.text[at] == '\t' {
				at++
			} else {
				break
			}
		}
		if decoded[j] == ' ' {
			j++
			continue
		}
		for j < len(decoded) {
			n := breakAt([]byte(decoded[j:min(j+3, len(decoded))]), 0)
			if n == 0 {
				break
			}
			j += n
		}
	}
	return at
}

// blockEnd returns where a literal or folded text ends: before the line end of its last line that has content, or that
// the + in its head keeps. indent is the column of the block collection around it, -1 for none.
func (r *yamlReader) blockEnd(at, indent int) int {
	content, keep := 0, false
	for at++; at < len(r.text) && strings.Contains("+-123456789", string(rune(r.text[at]))); at++ {
		switch c := r.text[at]; c {
		case '+':
			keep = true
		case '-':
		default:
			content = max(indent, 0) + int(c-'0')
		}
	}
	end := at
	for at < len(r.text) && (r.text[at] == ' ' || r.text[at] == '\t') {
		at++
	}
	if at < len(r.text) && r.text[at] == '#' {
		r.comments = append(r.comments, span{at, r.lineEnd(at)})
		at = r.lineEnd(at)
	}
	if content == 0 {
		content = max(indent+1, 1, r.firstIndent(at))
	}
	for at < len(r.text) {
		at += breakAt(r.text, at)
		first := at
		for first < len(r.text) && r.text[first] == ' ' && first-at < content {
			first++
		}
		last := r.lineEnd(first)
		if first < last && first-at < content {
			break
		}
		if first < last || keep && last < len(r.text) {
			end = last
		}
		at = last
	}
	return end
}

// firstIndent returns how many spaces stand before the first sign of the lines behind a line end.
func (r *yamlReader) firstIndent(at int) int {
	widest := 0
	for at < len(r.text) {
		at += breakAt(r.text, at)
		first := at
		for first < len(r.text) && r.text[first] == ' ' {
			first++
		}
		widest = max(widest, first-at)
		if at = first; breakAt(r.text, at) == 0 {
			break
		}
	}
	return widest
}
