package cloudformation

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/value"
)

// Templates write policies as texts too, with Fn::Sub or Fn::Join for what differs. What is not known of such a text is mostly
// an account or a region inside of an ARN, and the rest of the document can be judged.

// The signs that an unknown part stands between while the text is read as JSON: private ones, which no template has.
const (
	partBegin = '\ue000'
	partEnd   = '\ue001'
)

// documentOf decodes the JSON that parts make together. What is not known stays in place as a part of a string; where it stands
// anywhere else, or the text is no JSON object or list, or longer than limit, there is no document.
func documentOf(parts []value.Value, limit int) *value.Value {
	var b strings.Builder
	for i := range parts {
		s, known := parts[i].Word()
		if !known {
			s = parts[i].Text
		}
		end := parts[i].Ending
		if parts[i].Maybe || b.Len()+len(s)+len(end) > limit || strings.ContainsRune(s+end, partBegin) || i == 0 && strings.IndexByte("{[", first(s)) < 0 {
			return nil
		}
		b.WriteString(s)
		if !known {
			b.WriteRune(partBegin)
			b.WriteString(strconv.Itoa(i))
			b.WriteRune(partEnd)
			b.WriteString(end)
		}
	}
	d := json.NewDecoder(strings.NewReader(b.String()))
	d.UseNumber()
	var raw any
	if err := d.Decode(&raw); err != nil {
		return nil
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil
	}
	v, ok := restored(raw, parts)
	if !ok {
		return nil
	}
	return &v
}

// first returns the first byte of a text that is no white space; 0 when there is none.
func first(s string) byte {
	if s = strings.TrimLeft(s, " \t\r\n"); s == "" {
		return 0
	}
	return s[0]
}

// restored makes a value of decoded JSON, with the parts back in their places. It fails for a part in a name.
func restored(raw any, parts []value.Value) (value.Value, bool) {
	switch d := raw.(type) {
	case bool:
		return value.Value{Kind: value.Bool, Bool: d}, true
	case json.Number:
		f, err := d.Float64()
		if err != nil {
			return value.Value{}, false
		}
		v := value.Value{Kind: value.Number, Number: f}
		if strconv.FormatFloat(f, 'f', -1, 64) != d.String() {
			v.Text = d.String()
		}
		return v, true
	case string:
		return dynamic(concat(split(d, parts), "")), true
	case []any:
		v := value.Value{Kind: value.List}
		for _, item := range d {
			x, ok := restored(item, parts)
			if !ok {
				return value.Value{}, false
			}
			v.Items = append(v.Items, x)
		}
		return v, true
	case map[string]any:
		v := value.Value{Kind: value.Object}
		for _, name := range sortedNames(d) {
			x, ok := restored(d[name], parts)
			if !ok || strings.ContainsRune(name, partBegin) {
				return value.Value{}, false
			}
			v.Fields = append(v.Fields, value.Field{Name: name, Value: x})
		}
		return v, true
	}
	return value.Value{Kind: value.Null}, true
}

// split cuts a string at the signs of parts.
func split(s string, parts []value.Value) []value.Value {
	var out []value.Value
	for {
		before, rest, found := strings.Cut(s, string(partBegin))
		if before != "" || !found && len(out) == 0 {
			out = append(out, text(before))
		}
		if !found {
			return out
		}
		number, after, _ := strings.Cut(rest, string(partEnd))
		if i, err := strconv.Atoi(number); err == nil && i >= 0 && i < len(parts) { // "\ue000" may be written as an escape
			part := parts[i]
			part.Text, part.Ending, part.Document = "", "", nil // what is known of it stands beside it
			out = append(out, part)
		}
		s = after
	}
}

// between puts a delimiter between values.
func between(items []value.Value, delimiter string) []value.Value {
	if delimiter == "" || len(items) < 2 {
		return items
	}
	out := slices.Grow([]value.Value(nil), 2*len(items))
	for i := range items {
		if i > 0 {
			out = append(out, text(delimiter))
		}
		out = append(out, items[i])
	}
	return out
}
