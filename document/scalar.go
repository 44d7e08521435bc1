package document

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/value"
)

// standard are the tags that say nothing which a plain text does not: the node is what the tag names.
var standard = map[string]value.Kind{
	"!!str": value.String, "!!int": value.Number, "!!float": value.Number, "!!bool": value.Bool, "!!null": value.Null,
	"!!seq": value.List, "!!map": value.Object, "!": value.String,
}

const longTag = "!<tag:yaml.org,2002:"

// standardTag returns what a tag of YAML's own says the node is.
func standardTag(tag string) (value.Kind, bool) {
	if strings.HasPrefix(tag, longTag) {
		tag = "!!" + strings.TrimSuffix(tag[len(longTag):], ">")
	}
	k, ok := standard[tag]
	return k, ok
}

// IsNull reports whether n is nil, or null after YAML 1.2's core schema.
func (n *Node) IsNull() bool {
	return n == nil || n.Kind == Scalar && n.Style == Plain && (n.Tag == "" && isNull(n.Text) || n.Tag == "!!null")
}

func isNull(s string) bool {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// Value converts n as YAML 1.2's core schema reads it, or with yaml11 as YAML 1.1 does: yes, no, on, off, 0644, 22:30. The
// Range of a member's value is its whole entry. Tagged nodes (other than !!str, !!int, !!float, !!bool, !!null, !!seq and
// !!map) are handed to tagged, which may be nil: then they are Unknown. Of a mapping, keys that are no scalars are left out.
func (n *Node) Value(yaml11 bool, tagged func(*Node) value.Value) value.Value {
	if n == nil {
		return value.Value{}
	}
	if n.Tag != "" {
		kind, ok := standardTag(n.Tag)
		switch {
		case !ok && tagged != nil:
			return tagged(n)
		case !ok:
			return value.Value{Kind: value.Unknown, Range: n.Range}
		case n.Kind == Scalar:
			return as(kind, n, yaml11)
		}
	}
	v := value.Value{Range: n.Range}
	switch n.Kind {
	case Sequence:
		v.Kind = value.List
		v.Items = make([]value.Value, len(n.Items))
		for i, item := range n.Items {
			v.Items[i] = item.Value(yaml11, tagged)
			v.Items[i].Range = n.Place(i)
		}
	case Mapping:
		v.Kind = value.Object
		v.Fields = make([]value.Field, 0, len(n.Members))
		for i := range n.Members {
			m := &n.Members[i]
			if m.Key.Kind != Scalar {
				continue
			}
			f := value.Field{Name: m.Key.Text, Value: m.Value.Value(yaml11, tagged)}
			f.Value.Range = m.Range
			v.Fields = append(v.Fields, f)
		}
		slices.SortFunc(v.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	default:
		if n.Style != Plain {
			v.Kind, v.Text = value.String, n.Text
			return v
		}
		v = plain(n.Text, yaml11)
		v.Range = n.Range
	}
	return v
}

// as reads a scalar as the kind that its tag names, and as text where it cannot be that.
func as(kind value.Kind, n *Node, yaml11 bool) value.Value {
	v := value.Value{Kind: value.String, Text: n.Text}
	if kind != value.String {
		if p := plain(n.Text, yaml11); p.Kind == kind {
			v = p
		}
	}
	v.Range = n.Range
	return v
}

// ReadPlain returns what an unquoted text is, without a Range: null, a boolean, a number or text.
func ReadPlain(text string, yaml11 bool) value.Value { return plain(text, yaml11) }

func plain(s string, yaml11 bool) value.Value {
	if isNull(s) {
		return value.Value{Kind: value.Null}
	}
	switch s {
	case "true", "True", "TRUE":
		return value.Value{Kind: value.Bool, Bool: true}
	case "false", "False", "FALSE":
		return value.Value{Kind: value.Bool}
	}
	if yaml11 {
		switch s {
		case "yes", "Yes", "YES", "on", "On", "ON":
			return value.Value{Kind: value.Bool, Bool: true}
		case "no", "No", "NO", "off", "Off", "OFF":
			return value.Value{Kind: value.Bool}
		}
	}
	if c := s[0]; c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' {
		if v, ok := number(s, yaml11); ok {
			return v
		}
	}
	return value.Value{Kind: value.String, Text: s}
}

// number reads a number. Infinity and not-a-number stay text: no attribute of a cloud takes them.
func number(s string, yaml11 bool) (value.Value, bool) {
	none := value.Value{}
	sign, digits := 1.0, s
	switch s[0] {
	case '-':
		sign, digits = -1, s[1:]
	case '+':
		digits = s[1:]
	}
	if yaml11 {
		if f, ok := oldNumber(digits); ok {
			return value.Value{Kind: value.Number, Number: sign * f}, true
		}
	} else if len(digits) > 2 && digits[0] == '0' && digits == s && (digits[1] == 'x' || digits[1] == 'o') {
		u, err := strconv.ParseUint(digits[2:], map[byte]int{'x': 16, 'o': 8}[digits[1]], 64)
		if err != nil {
			return none, false
		}
		return value.Value{Kind: value.Number, Number: float64(u)}, true
	}
	if !isDecimal(digits, yaml11) {
		return none, false
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.IsInf(f, 0) {
		return none, false
	}
	v := value.Value{Kind: value.Number, Number: sign * f}
	if len(digits) > 15 {
		if exact := strconv.FormatFloat(f, 'f', -1, 64); exact != digits && strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) < 0 {
			v.Text = strings.TrimPrefix(s, "+")
		}
	}
	return v, true
}

// isDecimal reports whether s is digits with an optional fraction and exponent. YAML 1.1 wants a point before an exponent,
// and its sign.
func isDecimal(s string, yaml11 bool) bool {
	digits := func() (n int) {
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n
	}
	n, point := digits(), false
	if strings.HasPrefix(s, ".") {
		s, point = s[1:], true
		n += digits()
	}
	if n == 0 {
		return false
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		signed := s != "" && (s[0] == '-' || s[0] == '+')
		if signed {
			s = s[1:]
		}
		if digits() == 0 || yaml11 && !(point && signed) {
			return false
		}
	}
	return s == ""
}

// oldNumber reads the integers that only YAML 1.1 has: 0644, 0b11, 0x_ff, 1_000 and 22:30 with the base 60.
func oldNumber(s string) (float64, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	if strings.Contains(s, ":") {
		f, rest, more := 0.0, s, true
		for part := ""; more; {
			part, rest, more = strings.Cut(rest, ":")
			u, err := strconv.ParseUint(strings.ReplaceAll(part, "_", ""), 10, 32)
			if err != nil || part[0] == '0' && f == 0 || f != 0 && (u > 59 || len(part) > 2) {
				return 0, false
			}
			f = f*60 + float64(u)
		}
		return f, true
	}
	digits, base := strings.ReplaceAll(s, "_", ""), 10
	switch {
	case strings.HasPrefix(digits, "0b"):
		digits, base = digits[2:], 2
	case strings.HasPrefix(digits, "0x"):
		digits, base = digits[2:], 16
	case len(digits) > 1 && digits[0] == '0':
		digits, base = digits[1:], 8
	case digits == s:
		return 0, false // a plain decimal is what both versions have
	}
	u, err := strconv.ParseUint(digits, base, 64)
	return float64(u), err == nil
}
