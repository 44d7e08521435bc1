package value

import (
	"encoding/json"
	"strconv"
	"strings"
)

// maxShown is how many bytes of a value Show writes.
const maxShown = 200

// Show writes a value for people, as JSON cut to a readable length; a text that holds a JSON document as that document. What is sensitive, unknown or absent is said in
// parentheses.
func Show(v *Value) string {
	var b strings.Builder
	v.show(&b)
	s := b.String()
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return s
}

func (v *Value) show(b *strings.Builder) {
	if v.Sensitive {
		b.WriteString("(sensitive)")
		return
	}
	if b.Len() > maxShown {
		return
	}
	if v.Kind == Unknown && v.Document != nil {
		v.Document.show(b)
		return
	}
	switch v.Kind {
	case Absent:
		b.WriteString("(not set)")
	case Null:
		b.WriteString("null")
	case Unknown:
		if v.Text != "" {
			b.WriteString(quote(v.Text) + "+")
		}
		b.WriteString("(unknown)")
		if v.Ending != "" {
			b.WriteString("+" + quote(v.Ending))
		}
	case Bool:
		b.WriteString(strconv.FormatBool(v.Bool))
	case Number:
		b.WriteString(v.Digits())
	case String:
		if d, ok := decoded(v.Text); ok {
			d.show(b)
			return
		}
		b.WriteString(quote(v.Text))
	case List:
		b.WriteByte('[')
		for i := range v.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			v.Items[i].show(b)
		}
		v.more(b, len(v.Items))
		b.WriteByte(']')
	case Object:
		b.WriteByte('{')
		for i := range v.Fields {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quote(v.Fields[i].Name) + ": ")
			v.Fields[i].Value.show(b)
		}
		v.more(b, len(v.Fields))
		b.WriteByte('}')
	}
}

// maxDecoded is how long a text may be that is shown as the document it holds.
const maxDecoded = 64 << 10

// decoded reads a text that holds a JSON object or list: people read that, not the text with its quotes escaped.
func decoded(text string) (*Value, bool) {
	if t := strings.TrimSpace(text); t == "" || t[0] != '{' && t[0] != '[' || len(text) > maxDecoded {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var document any
	if d.Decode(&document) != nil || d.More() {
		return nil, false
	}
	v := Decoded(document)
	return &v, true
}

func (v *Value) more(b *strings.Builder, before int) {
	if v.Open {
		if before > 0 {
			b.WriteString(", ")
		}
		b.WriteString("(perhaps more)")
	}
}

// Digits writes a Number in decimal digits, exactly.
func (v *Value) Digits() string {
	if v.Text != "" {
		return v.Text
	}
	return strconv.FormatFloat(v.Number, 'f', -1, 64)
}

func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil { // strings always marshal
		return strconv.Quote(s)
	}
	return string(text)
}
