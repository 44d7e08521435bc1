package edit

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// writer writes values as Terraform text, formatted as terraform fmt does.
type writer struct {
	ref func(path string) string // how ${this.path} is written; nil when nothing can be referred to
	eol string                   // line end of the file
}

// reference is a place in a wished text that stands for an attribute of the resource that is fixed.
var reference = regexp.MustCompile(`\$\{this\.([A-Za-z0-9_.\[\]-]+)\}`)

func hasReference(s string) bool { return strings.Contains(s, "${this.") && reference.MatchString(s) }

// longLine is the length from which a list is written with an element per line.
const longLine = 100

// expr writes a value. indent is the white space that the line begins with on which the value starts.
func (w *writer) expr(v value.Value, indent string) (string, error) {
	switch v.Kind {
	case value.Null:
		return "null", nil
	case value.Bool:
		if v.Bool {
			return "true", nil
		}
		return "false", nil
	case value.Number:
		return v.Digits(), nil
	case value.String:
		return w.text(v.Text)
	case value.List:
		return w.list(v.Items, indent)
	case value.Object:
		return w.object(v.Fields, indent)
	}
	return "", errors.New("the wished value is not known")
}

// text writes a string as a quoted template, or as a reference when it is nothing else.
func (w *writer) text(s string) (string, error) {
	places := reference.FindAllStringSubmatchIndex(s, -1)
	if len(places) > 0 && w.ref == nil {
		return "", errors.New("the wished value refers to the resource, which cannot be named here")
	}
	if len(places) == 1 && places[0][0] == 0 && places[0][1] == len(s) {
		return w.ref(s[places[0][2]:places[0][3]]), nil
	}
	var b strings.Builder
	b.WriteByte('"')
	at := 0
	for _, p := range places {
		b.WriteString(escape(s[at:p[0]]))
		b.WriteString("${" + w.ref(s[p[2]:p[3]]) + "}")
		at = p[1]
	}
	b.WriteString(escape(s[at:]))
	b.WriteByte('"')
	return b.String(), nil
}

func escape(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case (r == '$' || r == '%') && strings.HasPrefix(s[i+1:], "{"):
			b.WriteRune(r)
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (w *writer) list(items []value.Value, indent string) (string, error) {
	texts := make([]string, len(items))
	length, many := len(indent), false
	for i := range items {
		text, err := w.expr(items[i], indent+"  ")
		if err != nil {
			return "", err
		}
		texts[i] = text
		length += len(text) + 2
		many = many || items[i].Kind == value.Object && len(items[i].Fields) > 0
	}
	if length < longLine && !many {
		return "[" + strings.Join(texts, ", ") + "]", nil
	}
	var b strings.Builder
	b.WriteString("[" + w.eol)
	for _, t := range texts {
		b.WriteString(indent + "  " + t + "," + w.eol)
	}
	b.WriteString(indent + "]")
	return b.String(), nil
}

func (w *writer) object(fields []value.Field, indent string) (string, error) {
	if len(fields) == 0 {
		return "{}", nil
	}
	var lines []assignment
	for i := range fields {
		text, err := w.expr(fields[i].Value, indent+"  ")
		if err != nil {
			return "", err
		}
		lines = append(lines, assignment{key(fields[i].Name, false), text})
	}
	return "{" + w.eol + indent + "  " + strings.Join(align(lines, 0), w.eol+indent+"  ") + w.eol + indent + "}", nil
}

// key writes the key of an object: as a name where it is one.
func key(name string, quoted bool) string {
	if !quoted && hclsyntax.ValidIdentifier(name) {
		return name
	}
	return `"` + escape(name) + `"`
}

// align writes assignments below each other with their equals signs in one column, as far as they stand on one line;
// column is the least length of the left side.
func align(list []assignment, column int) []string {
	lines := make([]string, len(list))
	for start := 0; start < len(list); {
		end, width := start, column
		for end < len(list) && !strings.Contains(list[end].text, "\n") {
			width = max(width, utf8.RuneCountInString(list[end].name))
			end++
		}
		for i := start; i < end; i++ {
			lines[i] = list[i].name + strings.Repeat(" ", width-utf8.RuneCountInString(list[i].name)) + " = " + list[i].text
		}
		if end < len(list) {
			lines[end] = list[end].name + " = " + list[end].text
			end++
		}
		start = end
	}
	return lines
}

// newBlocks writes the blocks of a name that v stands for: an object is one, a list several. The lines come without the
// indentation of the first.
func (e *editor) newBlocks(a *schema.Attribute, v value.Value, indent, unit string) ([]newBlock, error) {
	if v.Kind == value.List {
		var out []newBlock
		for _, item := range v.Items {
			blocks, err := e.newBlocks(a, item, indent, unit)
			if err != nil {
				return nil, err
			}
			out = append(out, blocks...)
		}
		return out, nil
	}
	if v.Kind != value.Object {
		return nil, errors.New(a.Name + " is a block and cannot be " + value.Show(&v))
	}
	lines, err := e.body(v.Fields, a.Attributes, indent+unit, unit)
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return []newBlock{{a.Name, []string{indent + a.Name + " {}"}}}, nil
	}
	lines = append([]string{indent + a.Name + " {"}, lines...)
	return []newBlock{{a.Name, append(lines, indent+"}")}}, nil
}

// fits reports an error when an attribute of the schema cannot hold a value. A text that refers to something may be anything.
func fits(a *schema.Attribute, v *value.Value) error {
	if a.Nesting != schema.None || holds(a.Type, v) {
		return nil
	}
	return errors.New(a.Name + " is " + a.Type.String() + " and cannot be " + value.Show(v))
}

func holds(t schema.Type, v *value.Value) bool {
	if v.Kind == value.Null || v.Kind == value.String && hasReference(v.Text) {
		return true
	}
	all := func() bool {
		for i := range v.Items {
			if !holds(*t.Elem, &v.Items[i]) {
				return false
			}
		}
		for i := range v.Fields {
			if !holds(*t.Elem, &v.Fields[i].Value) {
				return false
			}
		}
		return true
	}
	switch t.Kind {
	case schema.Bool:
		return v.Kind == value.Bool || v.Kind == value.String && (v.Text == "true" || v.Text == "false")
	case schema.Number:
		_, err := strconv.ParseFloat(v.Text, 64)
		return v.Kind == value.Number || v.Kind == value.String && err == nil
	case schema.String:
		return v.Kind == value.String || v.Kind == value.Number || v.Kind == value.Bool
	case schema.ListOf, schema.SetOf:
		return v.Kind == value.List && all()
	case schema.MapOf:
		return v.Kind == value.Object && all()
	}
	return true
}

// body writes the attributes and blocks of a body as lines: first what refers to the resource that is fixed, then the other
// attributes, then the blocks.
func (w *writer) body(fields []value.Field, attrs []schema.Attribute, indent, unit string) ([]string, error) {
	var links, plain []assignment
	var blocks []string
	for i := range fields {
		f := &fields[i]
		a := find(attrs, f.Name)
		if isBlock(a) && (f.Value.Kind == value.Object || f.Value.Kind == value.List) {
			inner := editor{writer: *w}
			made, err := inner.newBlocks(a, f.Value, indent, unit)
			if err != nil {
				return nil, err
			}
			for _, b := range made {
				if len(blocks) > 0 {
					blocks = append(blocks, "")
				}
				blocks = append(blocks, b.lines...)
			}
			continue
		}
		if err := fits(a, &f.Value); err != nil {
			return nil, err
		}
		text, err := w.expr(f.Value, indent)
		if err != nil {
			return nil, err
		}
		if f.Value.Kind == value.String && hasReference(f.Value.Text) {
			links = append(links, assignment{f.Name, text})
		} else {
			plain = append(plain, assignment{f.Name, text})
		}
	}
	var parts [][]string
	for _, list := range [][]assignment{links, plain} {
		if len(list) > 0 {
			lines := align(list, 0)
			for i := range lines {
				lines[i] = indent + lines[i]
			}
			parts = append(parts, lines)
		}
	}
	if len(blocks) > 0 {
		parts = append(parts, blocks)
	}
	var out []string
	for i, p := range parts {
		if i > 0 {
			out = append(out, "")
		}
		out = append(out, p...)
	}
	return slices.Clip(out), nil
}
