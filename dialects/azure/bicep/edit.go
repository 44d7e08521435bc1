package bicep

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

// Edit replaces the bytes of a span; an empty span inserts.
type Edit struct {
	Span
	Text string
}

// Editor collects changes of what is written out in a file, and makes the smallest edits of them: comments, line ends and
// indentation stay as they are, new text is written in the style of its neighbours.
type Editor struct {
	Source string
	This   string // how an expression names the resource that "${this}" in a value means; empty when nothing does

	inserted map[*Object]*value.Value // members to add to an object
	appended map[*Array][]value.Value
	overlaid map[Span]*value.Value // objects to lay over what an expression makes
	replaced map[Span]string
	removed  map[Span]bool
	order    []Expr // of inserted and appended
}

// NewEditor returns an editor of a file.
func NewEditor(source string) *Editor {
	return &Editor{Source: source, inserted: map[*Object]*value.Value{}, appended: map[*Array][]value.Value{},
		overlaid: map[Span]*value.Value{}, replaced: map[Span]string{}, removed: map[Span]bool{}}
}

var errContradict = errors.New("the wishes contradict each other")

// Replace writes v in the place of an expression.
func (e *Editor) Replace(x Expr, v value.Value) error {
	text, err := e.render(&v, e.indentAt(x.Extent().Start), true)
	if err != nil {
		return err
	}
	if had, ok := e.replaced[x.Extent()]; ok && had != text {
		return errContradict
	}
	e.replaced[x.Extent()] = text
	return nil
}

// Overlay lays objects over what an expression makes, union(expression, object), in which v stands at a path.
func (e *Editor) Overlay(x Expr, path value.Path, v value.Value) error {
	tree := e.overlaid[x.Extent()]
	if tree == nil {
		tree = &value.Value{Kind: value.Object}
		e.overlaid[x.Extent()] = tree
	}
	return graft(tree, path, v)
}

// Insert adds a member to an object, or parts to one that is added already.
func (e *Editor) Insert(x *Object, path value.Path, v value.Value) error {
	tree := e.inserted[x]
	if tree == nil {
		tree = &value.Value{Kind: value.Object}
		e.inserted[x] = tree
		e.order = append(e.order, x)
	}
	return graft(tree, path, v)
}

// graft puts v into an object at a path whose objects are made. Members keep the order in which they are wished for.
func graft(tree *value.Value, path value.Path, v value.Value) error {
	if path[0].Name == "" {
		return errors.New("an element of a list that is not there cannot be set")
	}
	i := slices.IndexFunc(tree.Fields, func(f value.Field) bool { return f.Name == path[0].Name })
	if i < 0 {
		tree.Fields = append(tree.Fields, value.Field{Name: path[0].Name, Value: nest(path[1:], v)})
		return nil
	}
	have := &tree.Fields[i].Value
	switch {
	case len(path) == 1 && have.Equal(&v):
		return nil
	case len(path) == 1 && have.Kind == value.Object && v.Kind == value.Object:
		have.Fields = slices.Clone(have.Fields)
		for _, f := range v.Fields {
			if err := graft(have, value.Path{{Name: f.Name}}, f.Value); err != nil {
				return err
			}
		}
		return nil
	case len(path) == 1 || have.Kind != value.Object:
		return errContradict
	}
	have.Fields = slices.Clone(have.Fields)
	return graft(have, path[1:], v)
}

// nest makes the objects and lists in which v stands at a path.
func nest(path value.Path, v value.Value) value.Value {
	for _, s := range slices.Backward(path) {
		if s.Name == "" {
			v = value.Value{Kind: value.List, Items: []value.Value{v}}
		} else {
			v = value.Value{Kind: value.Object, Fields: []value.Field{{Name: s.Name, Value: v}}}
		}
	}
	return v
}

// Nest makes the objects and lists in which v stands at a path.
func Nest(path value.Path, v value.Value) value.Value { return nest(path, v) }

// Append adds an element to a list.
func (e *Editor) Append(x *Array, v value.Value) {
	if _, ok := e.appended[x]; !ok {
		e.order = append(e.order, x)
	}
	if !slices.ContainsFunc(e.appended[x], func(have value.Value) bool { return have.Equal(&v) }) {
		e.appended[x] = append(e.appended[x], v)
	}
}

// Remove takes a member or an element away, with its line when nothing else stands there.
func (e *Editor) Remove(s Span) {
	start, end := s.Start, s.End
	from, to := e.lineStart(start), e.lineEnd(end)
	before, behind := strings.TrimSpace(e.Source[from:start]), strings.TrimSpace(e.Source[end:to])
	switch {
	case before == "" && (behind == "" || behind == ","):
		if to < len(e.Source) {
			to++ // the line end; \r stands before it
		}
		start, end = from, to
	case strings.HasPrefix(strings.TrimLeft(e.Source[end:to], " \t"), ","):
		end += strings.Index(e.Source[end:to], ",") + 1
		for end < to && (e.Source[end] == ' ' || e.Source[end] == '\t') {
			end++
		}
	case strings.HasSuffix(before, ","):
		start = from + strings.LastIndexByte(e.Source[from:start], ',')
	default:
		for start > from && (e.Source[start-1] == ' ' || e.Source[start-1] == '\t') && strings.TrimSpace(e.Source[from:start]) != "" {
			start--
		}
	}
	e.removed[Span{start, end}] = true
}

// Edits returns the edits, by place.
func (e *Editor) Edits() ([]Edit, error) {
	var out []Edit
	for _, x := range e.order {
		var edit Edit
		var err error
		switch x := x.(type) {
		case *Object:
			edit, err = e.members(x, e.inserted[x])
		case *Array:
			edit, err = e.elements(x, e.appended[x])
		}
		if err != nil {
			return nil, err
		}
		out = append(out, edit)
	}
	for s, tree := range e.overlaid {
		text, err := e.render(tree, e.indentAt(s.Start), true)
		if err != nil {
			return nil, err
		}
		out = append(out, Edit{s, "union(" + e.Source[s.Start:s.End] + ", " + text + ")"})
	}
	for s, text := range e.replaced {
		if e.Source[s.Start:s.End] != text {
			out = append(out, Edit{s, text})
		}
	}
	for s := range e.removed {
		out = append(out, Edit{Span: s})
	}
	slices.SortFunc(out, func(a, b Edit) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return a.End - b.End
	})
	for i := 1; i < len(out); i++ {
		if out[i].Start < out[i-1].End {
			return nil, errContradict
		}
	}
	return out, nil
}

// members writes new members of an object.
func (e *Editor) members(x *Object, tree *value.Value) (Edit, error) {
	var last *Span
	if n := len(x.Members); n > 0 {
		last = &x.Members[n-1].Span
	}
	lines := make([]func(indent string, long bool) (string, error), len(tree.Fields))
	for i := range tree.Fields {
		f := &tree.Fields[i]
		lines[i] = func(indent string, long bool) (string, error) {
			text, err := e.render(&f.Value, indent, long)
			return key(f.Name) + ": " + text, err
		}
	}
	return e.grow(x.Span, last, lines)
}

func (e *Editor) elements(x *Array, items []value.Value) (Edit, error) {
	var last *Span
	if n := len(x.Items); n > 0 {
		s := x.Items[n-1].Extent()
		last = &s
	}
	lines := make([]func(indent string, long bool) (string, error), len(items))
	for i := range items {
		lines[i] = func(indent string, long bool) (string, error) { return e.render(&items[i], indent, long) }
	}
	return e.grow(x.Span, last, lines)
}

// grow adds lines behind the last item between two brackets.
func (e *Editor) grow(whole Span, last *Span, lines []func(indent string, long bool) (string, error)) (Edit, error) {
	eol := e.eol()
	var b strings.Builder
	if last == nil {
		outer := e.indentAt(whole.Start)
		inner := outer + e.unit()
		for _, line := range lines {
			text, err := line(inner, true)
			if err != nil {
				return Edit{}, err
			}
			b.WriteString(eol + inner + text)
		}
		body := e.Source[whole.Start+1 : whole.End-1]
		if strings.TrimSpace(body) == "" {
			return Edit{Span{whole.Start + 1, whole.End - 1}, b.String() + eol + outer}, nil
		}
		return Edit{Span{whole.Start + 1, whole.Start + 1}, b.String()}, nil // only comments are in there
	}
	if end := e.lineEnd(last.End); end < whole.End-1 && strings.ContainsAny(e.Source[whole.Start:last.Start], "\r\n") {
		indent := e.indentAt(last.Start)
		if strings.TrimSpace(e.Source[e.lineStart(last.Start):last.Start]) != "" { // it does not begin its line
			indent = e.indentAt(whole.Start) + e.unit()
		}
		for _, line := range lines {
			text, err := line(indent, true)
			if err != nil {
				return Edit{}, err
			}
			b.WriteString(eol + indent + text)
		}
		return Edit{Span{end, end}, b.String()}, nil
	}
	long := strings.ContainsAny(e.Source[whole.Start:last.End], "\r\n")
	for _, line := range lines {
		text, err := line(e.indentAt(last.End), long)
		if err != nil {
			return Edit{}, err
		}
		b.WriteString(", " + text)
	}
	at := last.End
	if rest := e.Source[at:min(whole.End, len(e.Source))]; strings.HasPrefix(strings.TrimLeft(rest, " \t"), ",") {
		return Edit{Span{at, at + strings.Index(rest, ",")}, b.String()}, nil // one comma behind it stays
	}
	return Edit{Span{at, at}, b.String()}, nil
}

// eol is the line end of the file.
func (e *Editor) eol() string {
	if i := strings.IndexByte(e.Source, '\n'); i > 0 && e.Source[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// unit is what a level is indented by: that of the first line that is.
func (e *Editor) unit() string {
	for line := range strings.Lines(e.Source) {
		if n := len(line) - len(strings.TrimLeft(line, " \t")); n > 0 && n <= 8 && strings.TrimSpace(line) != "" && !strings.HasPrefix(strings.TrimSpace(line), "*") {
			return line[:n]
		}
	}
	return "  "
}

func (e *Editor) lineStart(at int) int {
	for at > 0 && e.Source[at-1] != '\n' && (e.Source[at-1] != '\r' || at < len(e.Source) && e.Source[at] == '\n') {
		at--
	}
	return at
}

// lineEnd is the offset of the line end behind a place.
func (e *Editor) lineEnd(at int) int {
	for at < len(e.Source) && e.Source[at] != '\n' && e.Source[at] != '\r' {
		at++
	}
	return at
}

// indentAt is the white space that the line of a place begins with.
func (e *Editor) indentAt(at int) string {
	line := e.Source[e.lineStart(at):at]
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// Declare writes a resource behind a declaration. Body is its text without braces, a line for each member.
func (e *Editor) Declare(after int, head string, body *value.Value, tail string) (Edit, error) {
	eol := e.eol()
	text, err := e.render(body, "", true)
	if err != nil {
		return Edit{}, err
	}
	at := e.lineEnd(after)
	return Edit{Span{at, at}, eol + eol + head + text + tail}, nil
}

// key writes the name of a property.
func key(name string) string {
	if isName(name) {
		return name
	}
	return quote(name)
}

func isName(s string) bool {
	for i := range len(s) {
		if !isNameStart(s[i]) && (i == 0 || !isDigit(s[i])) {
			return false
		}
	}
	return s != ""
}

// quote writes a text.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "${", `\${`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + "'"
}

// text writes a text in which "${this.name}" means something of the resource that is edited.
func (e *Editor) text(s string) (string, error) {
	if e.This == "" || !strings.Contains(s, "${this") {
		return quote(s), nil
	}
	var b strings.Builder
	whole := ""
	rest := s
	for {
		before, after, ok := strings.Cut(rest, "${this")
		q := quote(before)
		b.WriteString(q[1 : len(q)-1])
		if !ok {
			break
		}
		name, behind, ok := strings.Cut(after, "}")
		if !ok || name != "" && name[0] != '.' {
			return "", fmt.Errorf("%q is no reference", s)
		}
		if name == "" {
			name = ".id"
		}
		for _, part := range strings.Split(name[1:], ".") {
			if !isName(part) {
				return "", fmt.Errorf("%q is no reference", s)
			}
		}
		b.WriteString("${" + e.This + name + "}")
		if before == "" && behind == "" && rest == s {
			whole = e.This + name
		}
		rest = behind
	}
	if whole != "" {
		return whole, nil
	}
	return "'" + b.String() + "'", nil
}

// render writes a value. Long ones take several lines, whose first is indented by whoever writes it.
func (e *Editor) render(v *value.Value, indent string, long bool) (string, error) {
	switch v.Kind {
	case value.Null, value.Absent:
		return "null", nil
	case value.Bool:
		if v.Bool {
			return "true", nil
		}
		return "false", nil
	case value.Number:
		if d := v.Digits(); !strings.ContainsAny(d, ".eE") {
			return d, nil
		}
		return "json('" + v.Digits() + "')", nil // the language has whole numbers only
	case value.String:
		return e.text(v.Text)
	case value.List, value.Object:
	default:
		return "", errors.New("the wish is not wholly known")
	}
	opening, closing, n := "[", "]", len(v.Items)
	if v.Kind == value.Object {
		opening, closing, n = "{", "}", len(v.Fields)
	}
	if n == 0 {
		return opening + closing, nil
	}
	inner := indent
	separator, first, end := ", ", "", ""
	if long {
		inner += e.unit()
		separator = e.eol() + inner
		first, end = separator, e.eol()+indent
	} else if v.Kind == value.Object {
		first, end = " ", " "
	}
	parts := make([]string, 0, n)
	for i := range v.Items {
		text, err := e.render(&v.Items[i], inner, long)
		if err != nil {
			return "", err
		}
		parts = append(parts, text)
	}
	for i := range v.Fields {
		text, err := e.render(&v.Fields[i].Value, inner, long)
		if err != nil {
			return "", err
		}
		if raw, ok := strings.CutPrefix(v.Fields[i].Name, verbatim); ok {
			parts = append(parts, raw+": "+v.Fields[i].Value.Text)
			continue
		}
		parts = append(parts, key(v.Fields[i].Name)+": "+text)
	}
	return opening + first + strings.Join(parts, separator) + end + closing, nil
}

// verbatim begins the name of a member whose text is an expression.
const verbatim = "\x00"

// Verbatim makes a member whose value is an expression as it is written.
func Verbatim(name, expression string) value.Field {
	return value.Field{Name: verbatim + name, Value: value.Value{Kind: value.String, Text: expression}}
}
