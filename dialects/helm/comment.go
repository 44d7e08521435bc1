package helm

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
)

// Comments returns the comments of a file of values or of a definition, as YAML has them, and of a template: those behind # in its
// text and those in {{/* … */}}. Annotations of objects that the file writes say the same.
func (e *estate) Comments(p string) []dialect.Comment {
	f := e.files[p]
	if f == nil {
		return nil
	}
	out := e.annotations(f)
	if bytes.Contains(f.Bytes, []byte("#")) || bytes.Contains(f.Bytes, []byte("/*")) {
		out = append(out, e.written(f)...)
	}
	slices.SortStableFunc(out, func(a, b dialect.Comment) int { return a.Range.Start - b.Range.Start })
	return out
}

// written returns the comments in the text of a file.
func (e *estate) written(f *source.File) []dialect.Comment {
	p := f.Path
	if isTemplate(p) {
		return templateComments(f)
	}
	doc, _ := document.Parse(f, e.limits)
	if doc == nil {
		return nil
	}
	out := slices.Clone(doc.Comments)
	for _, root := range doc.Roots {
		for i := range out {
			if root.Range.Contains(out[i].Range) && isDefinition(p) {
				out[i].Block = root.Range
			}
			if isDefinition(p) && out[i].Alone && !out[i].Target.IsZero() && out[i].Target.Start == root.Range.Start {
				out[i].Target = root.Range
			}
		}
	}
	return out
}

func isTemplate(p string) bool { return inFolder(p, "templates") }

func isDefinition(p string) bool { return inFolder(p, "crds") }

func inFolder(p, folder string) bool {
	return slices.Contains(strings.Split(path.Dir(p), "/"), folder)
}

// line is one line of a template.
type line struct {
	start, end int // without the line end
	indent     int
	content    int  // where it begins, behind white space; end when it is blank
	control    bool // there is nothing but actions in it
	separator  bool // of documents
}

func linesOf(text []byte) []line {
	var out []line
	for at := 0; at < len(text); {
		raw := text[at:]
		next := len(text)
		if i := bytes.IndexByte(raw, '\n'); i >= 0 {
			raw, next = raw[:i], at+i+1
		}
		raw = bytes.TrimRight(raw, "\r")
		trimmed := bytes.TrimLeft(raw, " \t")
		l := line{start: at, end: at + len(raw), indent: len(raw) - len(trimmed)}
		l.content = l.start + l.indent
		t := bytes.TrimSpace(trimmed)
		l.control = bytes.HasPrefix(t, []byte("{{")) && bytes.HasSuffix(t, []byte("}}"))
		l.separator = l.indent == 0 && bytes.HasPrefix(raw, []byte("---"))
		out = append(out, l)
		at = next
	}
	return out
}

// templateComments finds the comments of a template. What a comment stands above reaches as far as what is indented deeper.
func templateComments(f *source.File) []dialect.Comment {
	text := f.Bytes
	lines := linesOf(text)
	around := documentsOf(f, lines)
	below := targetsOf(lines, text)
	documentAround := func(i int) source.Range {
		if i >= len(around) {
			return source.Range{}
		}
		return around[i]
	}
	var out []dialect.Comment
	for at := 0; at < len(text); {
		comment, next := nextComment(text, at)
		if next <= at || comment.Range.End == 0 {
			break
		}
		at = next
		comment.Range.File = f.Path
		i, _ := slices.BinarySearchFunc(lines, comment.Range.Start, func(l line, at int) int { return l.end - at })
		j, _ := slices.BinarySearchFunc(lines, comment.Range.End, func(l line, at int) int { return l.end - at })
		if i >= len(lines) || j >= len(lines) {
			continue
		}
		comment.Alone = len(bytes.TrimSpace(text[lines[i].start:comment.Range.Start])) == 0
		comment.Block = documentAround(i)
		if !comment.Alone {
			comment.Target = source.Range{File: f.Path, Start: lines[i].content, End: lines[i].end}
		} else if t := below(j + 1); t.End > 0 {
			comment.Target = source.Range{File: f.Path, Start: t.Start, End: t.End}
			if first := documentAround(j + 1); first.Start == t.Start && !first.IsZero() {
				comment.Target = first // above the first key of an object it stands above all of it
			}
		}
		out = append(out, comment)
	}
	return out
}

// nextComment finds the next comment from a place on, and where to go on behind it.
func nextComment(text []byte, at int) (dialect.Comment, int) {
	var c dialect.Comment
	quote := byte(0)
	for i := at; i < len(text); i++ {
		switch b := text[i]; {
		case b == '{' && bytes.HasPrefix(text[i:], []byte("{{")):
			end := bytes.Index(text[i:], []byte("}}"))
			body := bytes.TrimLeft(bytes.TrimPrefix(text[i+2:], []byte("-")), " \t\r\n")
			if bytes.HasPrefix(body, []byte("/*")) {
				inner := len(text) - len(body) + 2
				shut := bytes.Index(text[inner:], []byte("*/"))
				if shut < 0 {
					return c, len(text)
				}
				stop := inner + shut + 2
				if j := bytes.Index(text[stop:], []byte("}}")); j >= 0 {
					stop += j + 2
				}
				c.Range = source.Range{Start: i, End: stop}
				c.Text = strings.TrimSpace(string(text[inner : inner+shut]))
				return c, stop
			}
			if end < 0 {
				return c, len(text)
			}
			i += end + 1
		case b == '\n':
			quote = 0
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case (b == '"' || b == '\'') && (i == 0 || text[i-1] == ' ' || text[i-1] == '[' || text[i-1] == '{' || text[i-1] == ','):
			quote = b
		case b == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t' || text[i-1] == '\n'):
			end := len(text)
			if j := bytes.IndexByte(text[i:], '\n'); j >= 0 {
				end = i + j
			}
			c.Range = source.Range{Start: i, End: i + len(bytes.TrimRight(text[i:end], "\r \t"))}
			c.Text = strings.TrimSpace(strings.TrimLeft(string(text[i:c.Range.End]), "#"))
			return c, end
		}
	}
	return c, len(text)
}

// isRemark reports whether there is nothing but a comment in a line.
func (l *line) isRemark(text []byte) bool {
	rest := text[l.content:l.end]
	if bytes.HasPrefix(rest, []byte("#")) {
		return true
	}
	body := bytes.TrimLeft(bytes.TrimPrefix(bytes.TrimPrefix(rest, []byte("{{")), []byte("-")), " ")
	return bytes.HasPrefix(rest, []byte("{{")) && bytes.HasPrefix(body, []byte("/*"))
}

// targetsOf returns a function that tells what stands at a line or below the remarks there: the next line that is no comment, with
// what is indented deeper. Each line is looked at once, however many comments are stacked.
func targetsOf(lines []line, text []byte) func(i int) source.Range {
	first := make([]int, len(lines)+1) // the line that a comment above the line speaks of; -1 for none
	first[len(lines)] = -1
	for i := len(lines) - 1; i >= 0; i-- {
		l := &lines[i]
		switch {
		case l.content == l.end || l.separator:
			first[i] = -1
		case l.isRemark(text) || l.control && !bytes.Contains(text[l.start:l.end], []byte("include")) && !bytes.Contains(text[l.start:l.end], []byte("toYaml")):
			first[i] = first[i+1]
		default:
			first[i] = i
		}
	}
	known := map[int]source.Range{}
	return func(i int) source.Range {
		if i >= len(lines) || first[i] < 0 {
			return source.Range{}
		}
		out, ok := known[first[i]]
		if !ok {
			out = extent(lines, text, first[i])
			known[first[i]] = out
		}
		return out
	}
}

// mostExtent is how many lines one comment may speak of. What is longer was made to cost time.
const mostExtent = 5_000

// extent returns a line with what is indented deeper below it.
func extent(lines []line, text []byte, i int) source.Range {
	l := &lines[i]
	out := source.Range{Start: l.content, End: l.end}
	for j := i + 1; j < min(len(lines), i+mostExtent); j++ {
		next := &lines[j]
		if next.content == next.end || next.isRemark(text) || next.control && next.indent > l.indent {
			continue
		}
		dash := next.indent == l.indent && text[next.content] == '-' && text[l.content] != '-'
		if next.separator || next.indent <= l.indent && !dash {
			break
		}
		out.End = next.end
	}
	return out
}

// documentsOf returns for each line the YAML document of the template that it is in: from its first key to its last line.
func documentsOf(f *source.File, lines []line) []source.Range {
	out := make([]source.Range, len(lines))
	for from := 0; from < len(lines); {
		to := from + 1
		for to < len(lines) && !lines[to].separator {
			to++
		}
		start, end := -1, 0
		for j := from; j < to; j++ {
			l := &lines[j]
			if l.content == l.end || l.separator || l.control || l.isRemark(f.Bytes) {
				continue
			}
			if start < 0 {
				start = l.content
			}
			end = l.end
		}
		for j := from; j < to && start >= 0; j++ {
			out[j] = source.Range{File: f.Path, Start: start, End: end}
		}
		from = to
	}
	return out
}
