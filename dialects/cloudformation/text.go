package cloudformation

import (
	"strings"
	"unicode/utf8"

	"plumbline.dev/plumbline/value"
)

// concat joins values to a text. What stands in front of the first unknown and behind the last one stays known. An element
// that may not be there, and a list that may have more, end what is known.
func concat(parts []value.Value, delimiter string) value.Value {
	var prefix, ending strings.Builder
	out := value.Value{NotNull: true}
	known := true // so far
	add := func(text string) {
		if known {
			prefix.WriteString(text)
		} else {
			ending.WriteString(text)
		}
	}
	for i := range parts {
		p := &parts[i]
		out.Sensitive = out.Sensitive || p.Sensitive
		out.Given = out.Given || p.Given
		if p.Maybe {
			known = false
			ending.Reset()
			continue
		}
		if i > 0 {
			add(delimiter)
		}
		text, ok := p.Word()
		if ok {
			add(text)
			continue
		}
		if known {
			prefix.WriteString(p.Text)
		}
		known = false
		ending.Reset()
		ending.WriteString(p.Ending)
	}
	out.Text = prefix.String()
	if known {
		out.Kind, out.NotNull = value.String, false
		return out
	}
	out.Kind = value.Unknown
	out.Given = true
	if out.Text != "" {
		out.Ending = ending.String()
	}
	return out
}

const dynamicMark = "{{resolve:"

// dynamic replaces the dynamic references in a text: who deploys looks them up in the Secrets Manager or the parameter store,
// so that they are unknown, and no secrets that the code gives away.
func dynamic(v value.Value) value.Value {
	if v.Kind == value.Unknown {
		if i := strings.Index(v.Text, dynamicMark); i >= 0 {
			if end := strings.Index(v.Ending, "}}"); end >= 0 && !strings.Contains(v.Text[i:], "}}") {
				v.Ending = v.Ending[end+2:]
			}
			v.Text, v.Given = v.Text[:i], true
			if v.Text == "" {
				v.Ending = ""
			}
		}
		return v
	}
	if v.Kind != value.String {
		return v
	}
	i := strings.Index(v.Text, dynamicMark)
	if i < 0 {
		return v
	}
	out := value.Value{Kind: value.Unknown, NotNull: true, Given: true, Text: v.Text[:i], Sensitive: v.Sensitive, Range: v.Range}
	if j := strings.LastIndex(v.Text, "}}"); j > i && out.Text != "" {
		out.Ending = v.Text[j+2:]
	}
	return out
}

// commonPrefix returns what two texts begin with, in whole characters.
func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	return a[:n]
}

// commonEnding returns what two texts end with, in whole characters.
func commonEnding(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	for n > 0 && !utf8.RuneStart(a[len(a)-n]) {
		n--
	}
	return a[len(a)-n:]
}

// either is a value of which nobody knows which of two it will be.
func either(a, b value.Value) value.Value {
	switch {
	case a.Equal(&b) && a.Kind != value.Unknown:
		a.Sensitive, a.Given = a.Sensitive || b.Sensitive, a.Given || b.Given
		return a
	case a.Kind == value.Object && b.Kind == value.Object:
		return eitherObject(a, b)
	case a.Kind == value.List && b.Kind == value.List:
		out := value.Value{Kind: value.List, Open: a.Open || b.Open, Sensitive: a.Sensitive || b.Sensitive, Given: a.Given || b.Given}
		for _, items := range [][]value.Value{a.Items, b.Items} {
			for _, item := range items {
				item.Maybe = true
				out.Items = append(out.Items, item)
			}
		}
		return out
	case sameSpelling(&a, &b):
		if a.Kind == value.String { // the other one says more of what is meant
			a, b = b, a
		}
		a.Sensitive, a.Given = a.Sensitive || b.Sensitive, a.Given || b.Given
		return a
	}
	out := value.Value{Kind: value.Unknown, Sensitive: a.Sensitive || b.Sensitive, Given: true}
	out.NotNull = notNull(&a) && notNull(&b)
	if textual(&a) && textual(&b) {
		out.Text = commonPrefix(beginning(&a), beginning(&b))
		if out.Text != "" {
			out.Ending = commonEnding(ending(&a), ending(&b))
		}
	}
	return out
}

// sameSpelling reports whether CloudFormation reads the same out of two scalars of different kinds: a quoted "false" is false
// to a property that takes a boolean, and 22 is "22" to one that takes a text.
func sameSpelling(a, b *value.Value) bool {
	s, ok := a.Word()
	t, other := b.Word()
	if !ok || !other || a.Kind == b.Kind {
		return false
	}
	if a.Kind == value.Bool || b.Kind == value.Bool {
		return strings.EqualFold(s, t)
	}
	return s == t
}

// eitherObject takes what both objects have as known; what only one has may be there. What differs has no place of its own:
// the choice is made further out.
func eitherObject(a, b value.Value) value.Value {
	out := value.Value{Kind: value.Object, Open: a.Open || b.Open, Sensitive: a.Sensitive || b.Sensitive}
	i, j := 0, 0
	for i < len(a.Fields) || j < len(b.Fields) {
		var f value.Field
		switch {
		case j == len(b.Fields) || i < len(a.Fields) && a.Fields[i].Name < b.Fields[j].Name:
			f = a.Fields[i]
			f.Value = either(f.Value, value.Value{})
			i++
		case i == len(a.Fields) || b.Fields[j].Name < a.Fields[i].Name:
			f = b.Fields[j]
			f.Value = either(f.Value, value.Value{})
			j++
		default:
			f = a.Fields[i]
			f.Value = either(f.Value, b.Fields[j].Value)
			i, j = i+1, j+1
		}
		out.Fields = append(out.Fields, f)
	}
	return out
}

func notNull(v *value.Value) bool {
	return v.Kind != value.Absent && v.Kind != value.Null && (v.Kind != value.Unknown || v.NotNull)
}

func textual(v *value.Value) bool {
	return v.Kind == value.String || v.Kind == value.Unknown && v.Text != ""
}

func beginning(v *value.Value) string { return v.Text }

func ending(v *value.Value) string {
	if v.Kind == value.String {
		return v.Text
	}
	return v.Ending
}
