package azure

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

// While a template is evaluated, an Unknown remembers what it is made of, so that two names that are both
// concat('st', uniqueString(resourceGroup().id)) are known to be the same name, and an identity of a resource still says
// which resource it is the identity of. What is remembered stands in Items, which an Unknown of package value does not use:
// a list of pieces, in order. A piece is
//
//	a String   text that is known
//	an Unknown a symbol: Text is the function that would yield it, Ending the member that is read of its result (dots
//	           between names), Items its arguments. Text "" is a symbol that equals no other.
//
// settle takes all of that off again. Nothing outside this package sees it.

// maxSymbol is how many symbols one may be made of, and maxPieces how many pieces a text has; what is larger forgets.
const (
	maxSymbol = 1024
	maxPieces = 256
)

// Names of symbols that are not functions of the language.
const (
	symbolInput  = "parameters" // Ending: the name; the one argument: the address of the module
	symbolMember = "."          // the member Ending of the one argument
	symbolEither = "if"
)

// symbol returns what calling a function would yield.
func symbol(function, member string, args ...value.Value) value.Value {
	leaf := value.Value{Kind: value.Unknown, Text: function, Ending: member, Items: args, Number: 1}
	for i := range args {
		leaf.Number += weight(&args[i])
		leaf.Sensitive = leaf.Sensitive || sensitive(&args[i])
		leaf.Given = leaf.Given || args[i].Given
	}
	if leaf.Number > maxSymbol {
		leaf.Text, leaf.Ending, leaf.Items, leaf.Number = "", "", nil, 1
	}
	return value.Value{Kind: value.Unknown, Items: []value.Value{leaf}, Given: leaf.Given, Sensitive: leaf.Sensitive}
}

// weight is how much a value is made of: elements, members, symbols, and text by the 64 bytes. While a template is evaluated,
// lists and objects know theirs: Number, which package value does not use for them, holds it where it is known (bounded).
func weight(v *value.Value) float64 {
	n := 1.0
	switch v.Kind {
	case value.String:
		return float64(1 + len(v.Text)/64)
	case value.Unknown:
		if v.Number > 0 {
			return v.Number
		}
	case value.List, value.Object:
		if v.Number > 0 {
			return v.Number
		}
	default:
		return 1
	}
	for i := range v.Items {
		n += weight(&v.Items[i])
	}
	for i := range v.Fields {
		n += weight(&v.Fields[i].Value)
	}
	return n
}

// sensitive reports whether something in v is.
func sensitive(v *value.Value) bool {
	if v.Sensitive {
		return true
	}
	if v.Kind == value.List && slices.ContainsFunc(v.Items, func(i value.Value) bool { return sensitive(&i) }) {
		return true
	}
	return slices.ContainsFunc(v.Fields, func(f value.Field) bool { return sensitive(&f.Value) })
}

// leaf returns the symbol that v is and nothing else; nil when it is none.
func leaf(v *value.Value) *value.Value {
	if v.Kind == value.Unknown && len(v.Items) == 1 && v.Items[0].Kind == value.Unknown {
		return &v.Items[0]
	}
	return nil
}

// pieces returns what the text of v is made of.
func pieces(v *value.Value) []value.Value {
	switch {
	case v.Kind != value.Unknown:
		return []value.Value{{Kind: value.String, Text: textOf(v), Sensitive: v.Sensitive, Given: v.Given}}
	case len(v.Items) > 0:
		return v.Items
	}
	return []value.Value{{Kind: value.Unknown, Number: 1, Sensitive: v.Sensitive, Given: v.Given}}
}

// joined returns the text that values make one behind the other: a String when all of them are known.
func joined(values ...value.Value) value.Value {
	out := value.Value{Kind: value.String, NotNull: true}
	for i := range values {
		v := &values[i]
		out.Sensitive = out.Sensitive || v.Sensitive
		out.Given = out.Given || v.Given
		for _, p := range pieces(v) {
			last := len(out.Items) - 1
			switch {
			case p.Kind == value.String && p.Text == "":
			case p.Kind == value.String && last >= 0 && out.Items[last].Kind == value.String:
				out.Items[last].Text += p.Text
			default:
				out.Items = append(out.Items, p)
			}
			if p.Kind == value.Unknown {
				out.Kind = value.Unknown
			}
		}
	}
	if out.Kind == value.String {
		out.NotNull = false
		if len(out.Items) > 0 {
			out.Text = out.Items[0].Text
		}
		out.Items = nil
		return out
	}
	if n := len(out.Items); n > maxPieces {
		first, last := out.Items[0], out.Items[n-1]
		forgotten := value.Value{Kind: value.Unknown, Number: 1}
		out.Items = nil
		if first.Kind == value.String {
			out.Items = append(out.Items, first)
		}
		out.Items = append(out.Items, forgotten)
		if last.Kind == value.String {
			out.Items = append(out.Items, last)
		}
	}
	out.Text, out.Ending = ends(out.Items)
	return out
}

// ends returns the known text before and behind everything unknown.
func ends(items []value.Value) (start, end string) {
	if len(items) > 0 && items[0].Kind == value.String {
		start = items[0].Text
	}
	if n := len(items); n > 1 && items[n-1].Kind == value.String {
		end = items[n-1].Text
	}
	return start, end
}

// key writes a value so that two that are written alike are the same: known text as it is, symbols between two zero bytes.
// It reports false when there is something in it that equals nothing else.
func key(v *value.Value) (string, bool) {
	var b strings.Builder
	ok := writeKey(&b, v)
	return b.String(), ok
}

func writeKey(b *strings.Builder, v *value.Value) bool {
	switch v.Kind {
	case value.Unknown:
		if len(v.Items) == 0 {
			return false
		}
		for i := range v.Items {
			if p := &v.Items[i]; p.Kind == value.String {
				b.WriteString(p.Text)
			} else if !writeSymbol(b, p) {
				return false
			}
		}
		return true
	case value.List:
		if v.Open {
			return false
		}
		b.WriteByte('[')
		for i := range v.Items {
			if v.Items[i].Maybe || !writeKey(b, &v.Items[i]) {
				return false
			}
			b.WriteByte(',')
		}
		b.WriteByte(']')
		return true
	case value.Object:
		if v.Open {
			return false
		}
		b.WriteByte('{')
		for i := range v.Fields {
			b.WriteString(v.Fields[i].Name + ":")
			if !writeKey(b, &v.Fields[i].Value) {
				return false
			}
			b.WriteByte(',')
		}
		b.WriteByte('}')
		return true
	}
	b.WriteString(textOf(v))
	return true
}

// maxKey is the length from which the key of a symbol is a digest.
const maxKey = 160

func writeSymbol(b *strings.Builder, s *value.Value) bool {
	if s.Text == "" {
		return false
	}
	var in strings.Builder
	in.WriteString(s.Text + "(")
	for i := range s.Items {
		if !writeKey(&in, &s.Items[i]) {
			return false
		}
		in.WriteByte(';')
	}
	in.WriteString(")" + s.Ending)
	text := strings.ReplaceAll(strings.ReplaceAll(in.String(), "\x00", "\x01"), "/", "\x02")
	if len(text) > maxKey {
		sum := sha256.Sum256([]byte(text))
		text = s.Text + hex.EncodeToString(sum[:12])
	}
	b.WriteString("\x00" + text + "\x00")
	return true
}

// settle returns v as everybody else knows values: without what its unknowns are made of.
func settle(v value.Value) value.Value {
	switch v.Kind {
	case value.Unknown:
		v.Items, v.Number = nil, 0
		if v.Text == "" {
			v.Ending = ""
		}
	case value.List:
		v.Number = 0
		if len(v.Items) > 0 {
			items := make([]value.Value, len(v.Items))
			for i := range v.Items {
				items[i] = settle(v.Items[i])
			}
			v.Items = items
		}
	case value.Object:
		v.Number = 0
		if len(v.Fields) > 0 {
			fields := make([]value.Field, len(v.Fields))
			for i := range v.Fields {
				fields[i] = value.Field{Name: v.Fields[i].Name, Value: settle(v.Fields[i].Value)}
			}
			v.Fields = fields
		}
	}
	return v
}

// symbols calls f for every symbol that v is made of, those in the arguments of others too, outermost first.
func symbols(v *value.Value, f func(*value.Value)) {
	switch v.Kind {
	case value.Unknown, value.List:
		for i := range v.Items {
			p := &v.Items[i]
			if v.Kind == value.Unknown && p.Kind == value.Unknown {
				f(p)
				for n := range p.Items {
					symbols(&p.Items[n], f)
				}
			} else if v.Kind == value.List {
				symbols(p, f)
			}
		}
	case value.Object:
		for i := range v.Fields {
			symbols(&v.Fields[i].Value, f)
		}
	}
}

func text(s string) value.Value { return value.Value{Kind: value.String, Text: s} }

func boolean(b bool) value.Value { return value.Value{Kind: value.Bool, Bool: b} }

func null() value.Value { return value.Value{Kind: value.Null} }

func list(items ...value.Value) value.Value { return value.Value{Kind: value.List, Items: items} }

// object makes an Object of fields in any order; of a name that comes twice, the last one.
func object(fields []value.Field) value.Value {
	slices.SortStableFunc(fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	out := fields[:0]
	for i := range fields {
		if n := len(out); n > 0 && out[n-1].Name == fields[i].Name {
			out[n-1] = fields[i]
		} else {
			out = append(out, fields[i])
		}
	}
	return value.Value{Kind: value.Object, Fields: out}
}

// member finds the field of an object whose name is name, whatever the case; nil when there is none.
func member(v *value.Value, name string) *value.Value {
	if f := v.Field(name); f.Kind != value.Absent {
		return f
	}
	for i := range v.Fields {
		if strings.EqualFold(v.Fields[i].Name, name) {
			return &v.Fields[i].Value
		}
	}
	return nil
}
