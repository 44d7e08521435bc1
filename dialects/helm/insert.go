package helm

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"

	"plumbline.dev/plumbline/chart"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// template changes the text of a template so that it renders what is wished. What is changed must stand in the template as it is
// rendered; what is added must find a line there that is always rendered with what it is added to.
func (l *lowering) template(first *textChange, group []document.Change) error {
	edits, err := l.doc.Edit(group)
	if err != nil {
		return err
	}
	if len(edits) == 0 {
		return nil
	}
	n := first.at
	if len(first.rest) > 0 && n.Kind == document.Mapping && n.Style == document.Block && len(n.Members) > 0 {
		if len(edits) != 1 || edits[0].Range.Start != edits[0].Range.End || !strings.HasPrefix(strings.TrimPrefix(edits[0].Text, "\r"), "\n") {
			return errors.New("the template's text cannot be changed in one place")
		}
		return l.insert(n, first.entry, edits[0].Text)
	}
	for _, e := range edits {
		at, err := l.exact(e.Range.Start, e.Range.End)
		if err != nil && e.Text == "" {
			at, err = l.wholeLines(e.Range.Start, e.Range.End)
		}
		if err != nil {
			return err
		}
		l.edits = append(l.edits, source.Edit{Range: at, Text: e.Text})
	}
	return nil
}

// exact returns where in its template a range of what was rendered stands, byte for byte.
func (l *lowering) exact(start, end int) (source.Range, error) {
	s := l.spanAt(start)
	if s != nil && start == end && s.At == start && start > 0 { // what is inserted belongs to what is before it
		if before := l.spanAt(start - 1); before != nil && before.Text {
			s = before
		}
	}
	if s == nil || !s.Text || s.File == nil {
		return source.Range{}, errors.New("an action of the template makes what would have to be changed")
	}
	if s.File.Archived {
		return source.Range{}, errors.New("the template is in an archive")
	}
	from, to := s.Start+start-s.At, s.Start+end-s.At
	if to > len(s.File.Data) || !bytes.Equal(s.File.Data[s.Start:to], l.Text[s.At:end]) {
		return source.Range{}, errors.New("the template does not have what would have to be changed as it is rendered")
	}
	return s.File.Place(from, to), nil
}

// wholeLines returns the lines of a template that render to whole lines, each to one.
func (l *lowering) wholeLines(start, end int) (source.Range, error) {
	refused := errors.New("the template does not have the lines that would have to be taken out as they are rendered")
	text := l.Text[start:end]
	first := start + len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
	last := start + len(bytes.TrimRight(text, " \t\r\n")) - 1
	if last < first || start > 0 && l.Text[start-1] != '\n' || !bytes.HasSuffix(text, []byte("\n")) {
		return source.Range{}, refused
	}
	s, e := l.spanAt(first), l.spanAt(last)
	if s == nil || e == nil || !s.Text || s.File == nil || s.File != e.File || s.File.Archived {
		return source.Range{}, refused
	}
	data := s.File.Data
	from := bytes.LastIndexByte(data[:min(offset(s, first), len(data))], '\n') + 1
	to := offset(e, last) + 1
	if !e.Text {
		to = e.End
	}
	if to < from || to > len(data) || len(bytes.TrimSpace(data[from:offset(s, first)])) > 0 {
		return source.Range{}, refused
	}
	rest := firstLine(data[to:])
	next := bytes.IndexByte(data[to:], '\n')
	if len(bytes.Trim(rest, " \t\"'")) > 0 || next < 0 {
		return source.Range{}, refused
	}
	to += next + 1
	if bytes.Count(data[from:to], []byte("\n")) != bytes.Count(text, []byte("\n")) || bytes.Contains(data[from:to], []byte("-}}")) {
		return source.Range{}, refused
	}
	return s.File.Place(from, to), nil
}

// insert adds entries to a mapping, beside one that the template's text writes whenever it writes the mapping. The text starts
// with a line end, and its lines are indented as they are rendered.
func (l *lowering) insert(n *document.Node, entry source.Range, text string) error {
	outer := l.spanAt(entry.Start)
	var best *sibling
	for i := range n.Members {
		b := l.sibling(&n.Members[i])
		if b == nil {
			continue
		}
		if best == nil || b.span.Depth < best.span.Depth || b.span.Depth == best.span.Depth && (b.after || !best.after) {
			best = b
		}
	}
	if best == nil {
		return errors.New("the template has no line of its own that it could be written beside")
	}
	if outer != nil && outer.Text && outer.File == best.span.File && (best.span.Depth > outer.Depth || best.span.Block != outer.Block) {
		return errors.New("every line that it could be written beside is there under a condition only")
	}
	file := best.span.File
	rendered := column(l.Text, n.Members[0].Range.Start)
	lines := strings.Split(strings.TrimPrefix(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	for i, line := range lines {
		rest, ok := strings.CutPrefix(line, strings.Repeat(" ", rendered))
		if !ok {
			return errors.New("what is added is not indented as its neighbours")
		}
		lines[i] = strings.Repeat(" ", best.column) + rest
	}
	eol := "\n"
	if best.end < len(file.Data) && best.end > 0 && file.Data[best.end] == '\r' {
		eol = "\r\n"
	}
	if best.after {
		l.edits = append(l.edits, source.Edit{Range: file.Place(best.end, best.end), Text: eol + strings.Join(lines, eol)})
	} else {
		l.edits = append(l.edits, source.Edit{Range: file.Place(best.start, best.start), Text: strings.Join(lines, eol) + eol})
	}
	return nil
}

// sibling is an entry whose line in the template others can be written beside.
type sibling struct {
	span       *chart.Span
	column     int // of its key in the template
	start, end int // of its line
	after      bool
}

func (l *lowering) sibling(m *document.Member) *sibling {
	s := l.spanAt(m.Key.Range.Start)
	if s == nil || !s.Text || s.File == nil || s.File.Archived {
		return nil
	}
	data := s.File.Data
	key := s.Start + m.Key.Range.Start - s.At
	if key+len(m.Key.Text) > len(data) || !bytes.HasPrefix(data[key:], l.Text[m.Key.Range.Start:m.Key.Range.End]) {
		return nil
	}
	b := &sibling{span: s, start: bytes.LastIndexByte(data[:key], '\n') + 1}
	line := firstLine(data[key:])
	b.end = key + len(line)
	before := data[b.start:key]
	b.column = len(before)
	if bytes.ContainsAny(before, "\t") || bytes.Contains(before, []byte("}}")) || bytes.Contains(line, []byte("\t")) {
		return nil
	}
	single := m.Value.Kind == document.Scalar && m.Value.Style != document.Literal && m.Value.Style != document.Folded &&
		!bytes.Contains(l.Text[m.Range.Start:max(m.Value.Range.End, m.Range.End)], []byte("\n"))
	b.after = single && bytes.Count(line, []byte("{{")) == bytes.Count(line, []byte("}}")) && !bytes.HasSuffix(line, []byte("-}}")) &&
		!bytes.Contains(line, []byte("{{- if")) && !bytes.Contains(line, []byte("nindent"))
	if b.after {
		return b
	}
	previous := bytes.TrimRight(data[:b.start], " \t\r\n")
	if len(bytes.TrimLeft(before, " ")) > 0 || bytes.HasSuffix(previous, []byte("-}}")) {
		return nil
	}
	return b
}

// column returns how far a place is from the start of its line.
func column(text []byte, at int) int { return at - bytes.LastIndexByte(text[:at], '\n') - 1 }

// block is a part of a template that prints a table of values under a key when it is not empty:
//
//	{{- with .Values.securityContext }}
//	securityContext:
//	  {{- toYaml . | nindent 12 }}
var block = regexp.MustCompile(`(?m)^[ \t]*\{\{-? *(?:with|if) +\$?(\.Values(?:\.[A-Za-z_]\w*)+) *-?\}\}[ \t]*\r?\n([ \t]*)(- +)?([\w./-]+):[ \t]*(?:\r?\n[ \t]*)?\{\{-? *toYaml +(\.|\$?\.Values(?:\.[A-Za-z_]\w*)+) *\|`)

// unwritten returns the path below .Values of a table that a template prints when it is not empty, as the next step of a path that is
// not there.
func (l *lowering) unwritten(n *document.Node, rest value.Path) value.Path {
	if len(rest) < 2 || n.Kind != document.Mapping || len(n.Members) == 0 || rest[0].Name == "" {
		return nil
	}
	var file *chart.File
	from, to, at := -1, 0, 0
	for i := range n.Members {
		s := l.spanAt(n.Members[i].Key.Range.Start)
		if s == nil || !s.Text || s.File == nil || file != nil && s.File != file {
			continue
		}
		file = s.File
		key := s.Start + n.Members[i].Key.Range.Start - s.At
		if from < 0 || key < from {
			from, at = key, column(file.Data, key)
		}
		to = max(to, key)
	}
	if file == nil || from > len(file.Data) {
		return nil
	}
	// The block may stand behind the last entry: up to the first line that is indented less.
	end := to
	for end < len(file.Data) {
		line := firstLine(file.Data[end:])
		trimmed := bytes.TrimLeft(line, " ")
		if end != to && len(trimmed) > 0 && !bytes.HasPrefix(trimmed, []byte("{{")) && len(line)-len(trimmed) < at {
			break
		}
		next := bytes.IndexByte(file.Data[end:], '\n')
		if next < 0 {
			end = len(file.Data)
			break
		}
		end += next + 1
	}
	start := bytes.LastIndexByte(file.Data[:from], '\n') + 1
	var found value.Path
	for _, m := range block.FindAllSubmatch(file.Data[start:end], -1) {
		path, indent, key, printed := string(m[1]), len(m[2]), string(m[4]), string(m[5])
		if key != rest[0].Name || len(m[3]) > 0 || indent != at || printed != "." && strings.TrimPrefix(printed, "$") != path {
			continue
		}
		if found != nil {
			return nil // there are several
		}
		found = l.prefix()
		for _, name := range strings.Split(strings.TrimPrefix(path, ".Values."), ".") {
			found = append(found, value.Step{Name: name})
		}
	}
	return slices.Clip(found)
}

// prefix is the path below .Values of the values of the chart that the template is of.
func (l *lowering) prefix() value.Path {
	var out value.Path
	for _, name := range strings.Split(l.Chart.FullPath(), "/charts/")[1:] {
		out = append(out, value.Step{Name: name})
	}
	return out
}
