package document

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// jsonReader reads JSON with the comments and line breaks in strings that Azure's templates may have.
type jsonReader struct {
	builder
	doc   *Document
	text  string // the file; texts without escapes are parts of it
	at    int
	depth int
	deep  int // the deepest nesting that is read
}

// jsonStop ends reading at the first mistake.
type jsonStop struct{ problem source.Problem }

// parseJSON reads a file as JSON. The last result is the offset of the mistake that ended reading, or -1.
func parseJSON(f *source.File, limits dialect.Limits) (doc *Document, problems []source.Problem, stop int) {
	doc = &Document{File: f, JSON: true}
	r := &jsonReader{doc: doc, text: string(f.Bytes), deep: limits.Nesting}
	r.file = f
	r.at = len(f.Bytes) - len(withoutMark(f.Bytes))
	stop = -1
	defer func() {
		switch p := recover().(type) {
		case nil:
			return
		case jsonStop:
			r.problems = append(r.problems, p.problem)
			problems, stop = r.problems, p.problem.Range.Start
			r.finish(doc)
		default:
			panic(p)
		}
	}()
	r.space()
	if r.at == len(r.text) {
		return doc, nil, -1
	}
	root := r.value()
	doc.Roots = append(doc.Roots, root)
	r.space()
	if r.at < len(r.text) {
		r.fail(source.Invalid, "there is more behind the end of the JSON value")
	}
	r.finish(doc)
	return doc, r.problems, -1
}

func (r *jsonReader) fail(kind source.ProblemKind, format string, args ...any) {
	at := r.place(r.at, r.at)
	if r.at < len(r.text) {
		_, size := utf8.DecodeRuneInString(r.text[r.at:])
		at.End += size
	}
	panic(jsonStop{source.Problem{Kind: kind, Range: at, Message: fmt.Sprintf(format, args...)}})
}

// space skips white space and comments.
func (r *jsonReader) space() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\r', '\n':
			r.at++
			continue
		case '/':
		default:
			return
		}
		end := -1
		switch rest := r.text[r.at:]; {
		case strings.HasPrefix(rest, "//"):
			if end = strings.IndexByte(rest, '\n'); end < 0 {
				end = len(rest)
			} else if rest[end-1] == '\r' {
				end--
			}
		case strings.HasPrefix(rest, "/*"):
			if end = strings.Index(rest[2:], "*/"); end < 0 {
				r.fail(source.Invalid, "the comment is not closed")
			}
			end += 4
		default:
			r.fail(source.Invalid, "a / does not belong here in JSON")
		}
		r.comments = append(r.comments, span{r.at, r.at + end})
		r.at += end
	}
}

func (r *jsonReader) value() *Node {
	if r.at == len(r.text) {
		r.fail(source.Invalid, "the JSON ends before it is complete")
	}
	if r.nodeCount > maxNodes {
		r.fail(source.Limit, "the file has more than %d values", maxNodes)
	}
	switch c := r.text[r.at]; {
	case c == '{':
		return r.object()
	case c == '[':
		return r.array()
	case c == '"':
		return r.string()
	case c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		return r.word()
	default:
		r.unexpected("a value")
	}
	return nil
}

func (r *jsonReader) unexpected(want string) {
	if r.at == len(r.text) {
		r.fail(source.Invalid, "the JSON ends before it is complete: %s is missing", want)
	}
	c, _ := utf8.DecodeRuneInString(r.text[r.at:])
	r.fail(source.Invalid, "%s is expected here in JSON, not %q", want, c)
}

func (r *jsonReader) enter() {
	if r.depth++; r.depth > r.deep {
		r.fail(source.Limit, "brackets are nested deeper than %d", r.deep)
	}
	r.at++
	r.space()
}

func (r *jsonReader) object() *Node {
	start := r.at
	n := r.node(Node{Kind: Mapping, Style: Flow})
	from := len(r.members)
	r.enter()
	for r.at == len(r.text) || r.text[r.at] != '}' {
		if len(r.members) > from {
			r.comma('}')
		}
		if r.at == len(r.text) || r.text[r.at] != '"' {
			r.unexpected("a name in quotes")
		}
		key := r.string()
		r.space()
		if r.at == len(r.text) || r.text[r.at] != ':' {
			r.unexpected("a colon")
		}
		r.at++
		r.space()
		v := r.value()
		r.members = append(r.members, Member{Key: key, Value: v, Range: r.place(key.Range.Start, r.at)})
		r.space()
	}
	r.at++
	r.depth--
	n.Range = r.place(start, r.at)
	r.takeMembers(n, from)
	return n
}

func (r *jsonReader) array() *Node {
	start := r.at
	n := r.node(Node{Kind: Sequence, Style: Flow})
	from := len(r.items)
	r.enter()
	for r.at == len(r.text) || r.text[r.at] != ']' {
		if len(r.items) > from {
			r.comma(']')
		}
		r.items = append(r.items, r.value())
		r.space()
	}
	r.at++
	r.depth--
	n.Range = r.place(start, r.at)
	r.takeItems(n, from)
	return n
}

// comma takes what stands between two elements. One before the closing bracket is a mistake that harms nothing.
func (r *jsonReader) comma(closing byte) {
	if r.at == len(r.text) || r.text[r.at] != ',' {
		r.unexpected(fmt.Sprintf("a comma or %c", closing))
	}
	at := r.at
	r.at++
	r.space()
	if r.at < len(r.text) && r.text[r.at] == closing {
		r.at = at
		r.fail(source.Invalid, "a comma before %c is not allowed in JSON", closing)
	}
}

func (r *jsonReader) word() *Node {
	start := r.at
	for r.at < len(r.text) {
		c := r.text[r.at]
		if c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			break
		}
		r.at++
	}
	text := r.text[start:r.at]
	if text != "true" && text != "false" && text != "null" && !isJSONNumber(text) {
		r.at = start
		r.fail(source.Invalid, "%.40q is no value in JSON", text)
	}
	return r.node(Node{Kind: Scalar, Style: Plain, Text: text, Range: r.place(start, r.at)})
}

func isJSONNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := s
	if i := strings.IndexAny(s, ".eE"); i >= 0 {
		whole = s[:i]
	}
	if whole == "" || len(whole) > 1 && whole[0] == '0' || strings.Contains(s, ".e") || strings.Contains(s, ".E") || strings.HasSuffix(s, ".") {
		return false
	}
	return isDecimal(s, false)
}

func (r *jsonReader) string() *Node {
	start := r.at
	r.at++
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case '"':
			r.at++
			return r.node(Node{Kind: Scalar, Style: Double, Text: r.text[start+1 : r.at-1], Range: r.place(start, r.at)})
		case '\\':
			text := r.escaped(start)
			return r.node(Node{Kind: Scalar, Style: Double, Text: text, Range: r.place(start, r.at)})
		}
		r.at++
	}
	r.at = start
	r.fail(source.Invalid, "the text in quotes is not closed")
	return nil
}

// escaped reads the rest of a string from its first escape.
func (r *jsonReader) escaped(start int) string {
	out := []byte(r.text[start+1 : r.at])
	for r.at < len(r.text) {
		c := r.text[r.at]
		if c == '"' {
			r.at++
			return string(out)
		}
		if c != '\\' {
			out = append(out, c)
			r.at++
			continue
		}
		if r.at+1 == len(r.text) {
			break
		}
		i := strings.IndexByte(`"\/bfnrt`, r.text[r.at+1])
		switch {
		case i >= 0:
			out = append(out, "\"\\/\b\f\n\r\t"[i])
			r.at += 2
		case r.text[r.at+1] == 'u':
			out = utf8.AppendRune(out, r.unicode())
		default:
			r.fail(source.Invalid, "\\%c is no escape in JSON", r.text[r.at+1])
		}
	}
	r.at = start
	r.fail(source.Invalid, "the text in quotes is not closed")
	return ""
}

// unicode reads \uXXXX, or two of them that make one sign.
func (r *jsonReader) unicode() rune {
	c, ok := hex4(r.text[r.at:])
	if !ok {
		r.fail(source.Invalid, "\\u wants four hexadecimal digits")
	}
	r.at += 6
	if c >= 0xd800 && c < 0xdc00 {
		if low, ok := hex4(r.text[r.at:]); ok && low >= 0xdc00 && low < 0xe000 {
			r.at += 6
			return (c-0xd800)<<10 + (low - 0xdc00) + 0x10000
		}
	}
	if c >= 0xd800 && c < 0xe000 {
		return utf8.RuneError
	}
	return c
}

func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var c rune
	for _, d := range []byte(s[2:6]) {
		switch {
		case d >= '0' && d <= '9':
			d -= '0'
		case d >= 'a' && d <= 'f':
			d -= 'a' - 10
		case d >= 'A' && d <= 'F':
			d -= 'A' - 10
		default:
			return 0, false
		}
		c = c<<4 | rune(d)
	}
	return c, true
}
