package document

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"plumbline.dev/plumbline/value"
)

// writer writes values in the style of what is around them.
type writer struct {
	habits
	indent string // of the line that the value begins in
	quote  Style  // the quotes that the neighbours have
	keys   Style  // the quotes that the neighbours' keys have
	like   *Node  // what the value takes the place of
}

// writerAt returns a writer for values in a collection, at a place in it.
func (e *editor) writerAt(n *Node, at int) *writer {
	w := &writer{habits: e.style, indent: e.indentOfLine(at), quote: Plain, keys: Plain}
	if n.Style == Block {
		w.indent = e.columnText(at)
	}
	same := func(styles func(yield func(Style))) Style {
		first := Style(0)
		styles(func(s Style) {
			switch {
			case first == 0:
				first = s
			case first != s:
				first = Plain
			}
		})
		if first == Single || first == Double {
			return first
		}
		return Plain
	}
	w.quote = same(func(yield func(Style)) {
		for _, item := range n.Items {
			if item.Kind == Scalar && item.Tag == "" && plain(item.Text, true).Kind == value.String {
				yield(item.Style)
			}
		}
		for _, m := range n.Members {
			if m.Value.Kind == Scalar && m.Value.Tag == "" && plain(m.Value.Text, true).Kind == value.String {
				yield(m.Value.Style)
			}
		}
	})
	w.keys = same(func(yield func(Style)) {
		for _, m := range n.Members {
			yield(m.Key.Style)
		}
	})
	return w
}

// inline writes what fits beside a key or between commas. It reports false for what wants lines of its own.
func (w *writer) inline(v *value.Value, flow bool) (string, bool) {
	tag, inner := tagOf(v)
	if tag != "" && !w.json {
		text, ok := w.inline(inner, flow)
		return strings.TrimRight(tag+" "+text, " "), ok
	}
	switch v.Kind {
	case value.List:
		if len(v.Items) == 0 {
			return "[]", true
		}
	case value.Object:
		if isEmpty(v) {
			return "{}", true
		}
	case value.String:
		if !flow && literal(v.Text) {
			return "", false
		}
		return w.text(v.Text, flow), true
	default:
		return w.word(v), true
	}
	if !flow {
		return "", false
	}
	return w.flow(v, w.indent), true
}

func isEmpty(v *value.Value) bool {
	for i := range v.Fields {
		if v.Fields[i].Value.Kind != value.Absent {
			return false
		}
	}
	return true
}

func (w *writer) word(v *value.Value) string {
	switch v.Kind {
	case value.Bool:
		return strconv.FormatBool(v.Bool)
	case value.Number:
		return v.Digits()
	}
	return "null"
}

// flow writes a collection in brackets: JSON over several lines where the file does so, YAML on one line.
func (w *writer) flow(v *value.Value, indent string) string {
	open, closing := "{", "}"
	var parts []string
	inner := *w
	inner.indent = indent + w.step
	inner.like = nil
	if v.Kind == value.List {
		open, closing = "[", "]"
		for i := range v.Items {
			text, _ := inner.inline(&v.Items[i], true)
			parts = append(parts, text)
		}
	} else {
		for i := range v.Fields {
			f := &v.Fields[i]
			if f.Value.Kind != value.Absent {
				text, _ := inner.inline(&f.Value, true)
				parts = append(parts, w.key(f.Name, true)+w.colon+text)
			}
		}
	}
	if !w.json || w.compact {
		return open + strings.Join(parts, w.commaOf(v.Kind != value.List)) + closing
	}
	newLine := w.eol + inner.indent
	return open + newLine + strings.Join(parts, ","+newLine) + w.eol + indent + closing
}

// below writes what comes behind the colon of a key, or behind a dash, and wants lines of its own.
func (w *writer) below(v *value.Value, dash bool) string {
	if dash {
		return w.afterDash(v, w.indent)
	}
	return w.after(v, w.indent)
}

// member writes an entry of a block mapping whose key has the given indentation.
func (w *writer) member(name string, v *value.Value, indent string) string {
	return w.key(name, false) + ":" + w.after(v, indent)
}

func (w *writer) after(v *value.Value, indent string) string {
	if text, ok := w.inline(v, false); ok {
		return " " + text
	}
	if tag, inner := tagOf(v); tag != "" {
		return " " + tag + w.after(inner, indent)
	}
	switch v.Kind {
	case value.String:
		return w.literal(v.Text, indent+w.step)
	case value.List:
		return w.eol + w.block(v, indent+w.dashes)
	}
	return w.eol + w.block(v, indent+w.step)
}

func (w *writer) afterDash(v *value.Value, indent string) string {
	if text, ok := w.inline(v, false); ok {
		return " " + text
	}
	if tag, inner := tagOf(v); tag != "" {
		if inner.Kind == value.String {
			return " " + tag + w.afterDash(inner, indent)
		}
		return " " + tag + w.eol + w.block(inner, indent+"  ")
	}
	if v.Kind == value.String {
		return w.literal(v.Text, indent+"  ")
	}
	return " " + strings.TrimLeft(w.block(v, indent+"  "), " ")
}

// block writes a collection that is not empty in lines of its own, each with its indentation and the last without its end.
func (w *writer) block(v *value.Value, indent string) string {
	var lines []string
	inner := *w
	inner.like = nil
	for i := range v.Items {
		lines = append(lines, indent+"-"+inner.afterDash(&v.Items[i], indent))
	}
	for i := range v.Fields {
		if f := &v.Fields[i]; f.Value.Kind != value.Absent {
			lines = append(lines, indent+inner.member(f.Name, &f.Value, indent))
		}
	}
	return strings.Join(lines, w.eol)
}

// literal reports whether a text is to be written as a block of lines: it has several, and each shows what it holds.
func literal(s string) bool {
	body := strings.TrimSuffix(s, "\n")
	if !strings.Contains(body, "\n") || strings.HasSuffix(body, "\n") || strings.HasPrefix(body, " ") || strings.HasPrefix(body, "\n") {
		return false
	}
	for line := range strings.SplitSeq(body, "\n") {
		if strings.TrimRight(line, " \t") != line || strings.IndexFunc(line, unprintable) >= 0 || strings.HasPrefix(line, "\t") {
			return false
		}
	}
	return true
}

func (w *writer) literal(s, indent string) string {
	head := " |"
	if !strings.HasSuffix(s, "\n") {
		head = " |-"
	}
	var b strings.Builder
	b.WriteString(head)
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		b.WriteString(w.eol)
		if line != "" {
			b.WriteString(indent + line)
		}
	}
	return b.String()
}

// unprintable reports the signs that can only be written as escapes.
func unprintable(r rune) bool {
	return r != '\t' && !unicode.IsPrint(r) || r == '\ufeff' || r == unicode.ReplacementChar
}

func (w *writer) key(name string, flow bool) string {
	if w.json {
		return doubleQuoted(name)
	}
	if len(name) == 1 && w.keys == Plain && strings.Contains("ynYN", name) {
		return name // no reader takes these keys for booleans, whatever YAML 1.1 says
	}
	return quoted(name, w.keys, flow, w.double)
}

// text writes a text with the quotes of what it replaces, of its neighbours, or that it needs.
func (w *writer) text(s string, flow bool) string {
	if w.json {
		return doubleQuoted(s)
	}
	style := w.quote
	if w.like != nil && w.like.Kind == Scalar && (w.like.Style == Single || w.like.Style == Double || plain(w.like.Text, true).Kind == value.String) {
		style = w.like.Style
	}
	return quoted(s, style, flow, w.double)
}

func quoted(s string, style Style, flow, double bool) string {
	switch {
	case strings.IndexFunc(s, unprintable) >= 0 || strings.Contains(s, "\t"):
		return doubleQuoted(s)
	case style == Double:
		return doubleQuoted(s)
	case style == Single:
		return singleQuoted(s)
	case canBePlain(s, flow):
		return s
	case double && !strings.ContainsAny(s, `"\`):
		return doubleQuoted(s)
	case strings.Contains(s, "'") && !strings.ContainsAny(s, `"\`):
		return doubleQuoted(s)
	}
	return singleQuoted(s)
}

func singleQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// doubleQuoted writes a text in double quotes as both JSON and YAML read them.
func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r > 0xffff && unprintable(r):
			b.WriteRune(r) // escapes of such signs are written differently in JSON and YAML
		case unprintable(r) && r != unicode.ReplacementChar:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// canBePlain reports whether a text, written without quotes, is read as the same text by every version of YAML.
func canBePlain(s string, flow bool) bool {
	if s == "" || strings.TrimSpace(s) != s || strings.HasSuffix(s, ":") || strings.Contains(s, ": ") || strings.Contains(s, " #") ||
		strings.Contains(s, "{{") || flow && strings.ContainsAny(s, ",[]{}:") || s == "<<" || s == "=" {
		return false
	}
	switch c := s[0]; {
	case strings.IndexByte("[]{}#&*!|>'\"%@`,=", c) >= 0:
		return false
	case c == '-' || c == '?' || c == ':':
		if len(s) == 1 || s[1] == ' ' || flow || strings.HasPrefix(s, "---") {
			return false
		}
	case c == '.' && strings.HasPrefix(s, "..."):
		return false
	}
	if looksTyped(s) {
		return false
	}
	return plain(s, true).Kind == value.String && plain(s, false).Kind == value.String
}

// looksTyped reports the texts that some reader takes for a number, a day, a boolean or nothing.
func looksTyped(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", ".nan", ".inf", "+.inf", "-.inf":
		return true
	}
	if len(s) >= 8 && s[4:5] == "-" && strings.Trim(s[:4], "0123456789") == "" {
		return true // a day
	}
	return strings.Trim(s, "0123456789_.:,+-xXoOabcdefABCDEF") == "" && (s[0] >= '0' && s[0] <= '9' || strings.IndexByte("+-.", s[0]) >= 0)
}
