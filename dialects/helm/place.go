package helm

import (
	"bytes"
	"sort"
	"strings"

	"plumbline.dev/plumbline/chart"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// spansIn returns the spans of a range of what was rendered.
func (o *output) spansIn(start, end int) []chart.Span {
	i := sort.Search(len(o.Spans), func(i int) bool { return o.Spans[i].At > start }) - 1
	j := sort.Search(len(o.Spans), func(i int) bool { return o.Spans[i].At >= max(end, start+1) })
	return o.Spans[max(i, 0):max(j, i, 0)]
}

// spanAt returns the span that a place of what was rendered belongs to, or nil.
func (o *output) spanAt(at int) *chart.Span {
	i := sort.Search(len(o.Spans), func(i int) bool { return o.Spans[i].At > at }) - 1
	if i < 0 {
		return nil
	}
	return &o.Spans[i]
}

// offset returns where in its template a place of what was rendered was written: exactly for text, else where its action begins.
func offset(s *chart.Span, at int) int {
	if s.Text {
		return min(s.Start+max(at-s.At, 0), s.End)
	}
	return s.Start
}

// place returns where a range of what was rendered was written: in the template of its start.
func (o *output) place(start, end int) source.Range {
	first := o.spanAt(start)
	if first == nil || first.File == nil {
		if len(o.Spans) > 0 && o.Spans[0].File != nil && first == nil {
			return o.Spans[0].File.Place(o.Spans[0].Start, o.Spans[0].End)
		}
		return o.File.Place(0, 0)
	}
	from := offset(first, start)
	to := first.End
	if first.Text {
		to = min(to, first.Start+max(end-first.At, 0))
	}
	for _, s := range o.spansIn(start, end) {
		if s.File != first.File || s.Start < from {
			// What another template writes is called from here: the rest of the line.
			if first.Text && s.File != first.File && !strings.Contains(string(o.Text[start:min(s.At, len(o.Text))]), "\n") {
				to = max(to, from+len(firstLine(first.File.Data[from:])))
			}
			continue
		}
		stop := s.End
		if s.Text {
			stop = min(stop, s.Start+max(end-s.At, 0))
		}
		to = max(to, stop)
	}
	return first.File.Place(from, max(to, from))
}

func firstLine(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	return bytes.TrimRight(b, "\r ")
}

// whole returns where an object was written: from its first to its last text in the template that is rendered.
func (o *output) whole(n *document.Node) source.Range {
	from, to := -1, -1
	for _, s := range o.spansIn(n.Range.Start, n.Range.End) {
		if s.File != o.File {
			continue
		}
		start, stop := s.Start, s.End
		if s.Text {
			start, stop = offset(&s, n.Range.Start), min(stop, s.Start+max(n.Range.End-s.At, 0))
		}
		if from < 0 || start < from {
			from = start
		}
		to = max(to, stop)
	}
	if from < 0 || to < from {
		return o.File.Place(0, len(o.File.Data))
	}
	return o.File.Place(from, to)
}

// reader makes values of what was rendered, with the places where they were written.
type reader struct {
	*output
}

// origin is what is known of where a node comes from.
type origin struct {
	span *chart.Span
	from value.Path // below .Values, with the way inside of a block that one action printed; nil when it is no value
}

// object makes the value of an object.
func (r *reader) object(n *document.Node) value.Value { return r.node(n, origin{}, n.Range) }

// inner returns the origin of an entry of a node: of what an action printed as a whole, each part is a part of the value.
func (r *reader) inner(of origin, step value.Step, entry source.Range) origin {
	s := r.spanAt(entry.Start)
	if s == nil || s.Text || s.From == nil || s.Default {
		return origin{}
	}
	if of.span != nil && of.span.Origin == s.Origin && of.from != nil {
		return origin{s, append(of.from[:len(of.from):len(of.from)], step)}
	}
	return origin{s, append(s.From[:len(s.From):len(s.From)], step)}
}

// item returns the origin of item i of a sequence. An action that printed only some of the items, of which first was the first one,
// printed a list of its own: {{ toYaml .Values.extraEnv }} below entries that stand in the template.
func (r *reader) item(of origin, i, first int, at source.Range) origin {
	if s := r.spanAt(at.Start); s != nil && of.span != nil && of.from != nil && of.span.Origin == s.Origin {
		first = 0 // it printed the whole sequence
	}
	return r.inner(of, value.Step{Index: i - first}, at)
}

// together reports whether an action printed the beginnings of two entries, from one value.
func (r *reader) together(a, b source.Range) bool {
	x, y := r.spanAt(a.Start), r.spanAt(b.Start)
	return x == y || x != nil && y != nil && x.Origin == y.Origin
}

func (r *reader) node(n *document.Node, of origin, entry source.Range) value.Value {
	var v value.Value
	switch n.Kind {
	case document.Mapping:
		if n.Tag != "" && n.Tag != "!!map" {
			v = n.Value(true, nil)
			break
		}
		return r.mapping(n, of, entry)
	case document.Sequence:
		v.Kind = value.List
		v.Items = make([]value.Value, len(n.Items))
		first := 0
		for i, item := range n.Items {
			at := n.Place(i)
			if i > 0 && !r.together(n.Place(i-1), at) {
				first = i
			}
			v.Items[i] = r.node(item, r.item(of, i, first, at), at)
		}
	default:
		v = n.Value(true, nil)
		r.scalar(&v, n)
	}
	v.Range = r.placed(n, of, entry)
	return v
}

func (r *reader) mapping(n *document.Node, of origin, entry source.Range) value.Value {
	v := value.Value{Kind: value.Object, Range: r.placed(n, of, entry)}
	for i := range n.Members {
		m := &n.Members[i]
		if m.Key.Kind != document.Scalar {
			continue
		}
		at := m.Range
		inner := r.inner(of, value.Step{Name: m.Key.Text}, at)
		f := value.Field{Name: m.Key.Text, Value: r.node(m.Value, inner, at)}
		v.Fields = append(v.Fields, f)
	}
	sortFields(v.Fields)
	return v
}

func sortFields(f []value.Field) {
	sort.SliceStable(f, func(i, j int) bool { return f[i].Name < f[j].Name })
}

// placed returns where a node was written: in a file of values where it comes from there, else in its template.
func (r *reader) placed(n *document.Node, of origin, entry source.Range) source.Range {
	if w := r.fromValues(n, of); w != nil {
		return w.at
	}
	return r.place(entry.Start, max(entry.End, n.Range.End))
}

// fromValues returns where in the values a node is written; nil when it is not from there as a whole.
func (r *reader) fromValues(n *document.Node, of origin) *written {
	p := r.valuesPath(n, of)
	if p == nil {
		return nil
	}
	w := r.unit.written(p)
	if w == nil || len(w.rest) > 0 || !w.values.within(w.at) {
		return nil
	}
	return w
}

func (v *values) within(at source.Range) bool {
	return v.file != nil && (at.End <= len(v.file.Bytes) || !v.elsewhere.IsZero())
}

// valuesPath returns the path below .Values of what a node is made of, or nil.
func (o *output) valuesPath(n *document.Node, of origin) value.Path {
	if of.from != nil {
		return below(of.from)
	}
	spans := o.spansIn(n.Range.Start, n.Range.End)
	if len(spans) == 0 {
		return nil
	}
	first := spans[0]
	if first.At > n.Range.Start+1 || first.Text && !isQuote(o.Text[n.Range.Start:], first.At, n.Range.Start) {
		return nil
	}
	var found *chart.Origin
	for i := range spans {
		s := &spans[i]
		if s.Text {
			// Quotes around the action, in the template.
			stop := n.Range.End
			if i+1 < len(spans) {
				stop = min(stop, spans[i+1].At)
			}
			for _, c := range o.Text[max(s.At, n.Range.Start):stop] {
				if c != '"' && c != '\'' && c != ' ' && c != '\n' {
					return nil
				}
			}
			continue
		}
		if found != nil && found != s.Origin {
			return nil
		}
		found = s.Origin
	}
	if found == nil || found.From == nil || found.Default || found.Made || found.Required {
		return nil
	}
	return below(found.From)
}

func isQuote(text []byte, _, _ int) bool { return len(text) > 0 && (text[0] == '"' || text[0] == '\'') }

// below returns a path below .Values; nil for one that leads somewhere else.
func below(p value.Path) value.Path {
	if len(p) < 2 || p[0].Name != "Values" {
		return nil
	}
	return p[1:]
}

// scalar makes unknown what only whoever installs the chart knows, and what is made anew each time.
func (r *reader) scalar(v *value.Value, n *document.Node) {
	for _, s := range r.spansIn(n.Range.Start, n.Range.End) {
		release := len(s.From) == 2 && s.From[0].Name == "Release"
		switch {
		case s.Made, s.Required, release && s.From[1].Name == "Namespace" && !r.unit.namespaced():
			prefix := ""
			if v.Kind == value.String && n.Style == document.Plain && s.At > n.Range.Start && s.At-n.Range.Start <= len(v.Text) {
				prefix = v.Text[:s.At-n.Range.Start]
			}
			*v = value.Value{Kind: value.Unknown, NotNull: true, Given: true, Text: prefix, Range: v.Range}
			return
		case release && v.Kind == value.String:
			v.Given = true
		}
	}
}
