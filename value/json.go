package value

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// UnknownMark is the member that stands for an unknown in what AppendJSON writes: {"__unknown__": true}.
const UnknownMark = "__unknown__"

// AppendJSON writes v as JSON, members sorted, numbers in full. An unknown at any depth is {"__unknown__": true}; a list or
// object that may have more than what is known of it is unknown as a whole. Absent is null. With redact, what is sensitive
// is the string "(sensitive)".
func (v *Value) AppendJSON(b []byte, redact bool) []byte {
	if v.Sensitive && redact {
		return append(b, `"(sensitive)"`...)
	}
	if v.Kind == Unknown || v.Open {
		return append(b, `{"`+UnknownMark+`":true}`...)
	}
	switch v.Kind {
	case Bool:
		if v.Bool {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case Number:
		return append(b, v.Digits()...)
	case String:
		return appendString(b, v.Text)
	case List:
		b = append(b, '[')
		for i := range v.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = v.Items[i].AppendJSON(b, redact)
		}
		return append(b, ']')
	case Object:
		b = append(b, '{')
		for i := range v.Fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, v.Fields[i].Name), ':')
			b = v.Fields[i].Value.AppendJSON(b, redact)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

func appendString(b []byte, s string) []byte {
	var w strings.Builder
	enc := json.NewEncoder(&w)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil { // strings always encode
		return append(b, `""`...)
	}
	return append(b, strings.TrimSuffix(w.String(), "\n")...)
}

// Decoded returns what encoding/json made of a document (bool, float64 or json.Number, string, []any, map[string]any, nil) as
// a value without places. The digits of a json.Number are kept where a float64 would be written otherwise.
func Decoded(d any) Value {
	switch d := d.(type) {
	case bool:
		return Value{Kind: Bool, Bool: d}
	case float64:
		return Value{Kind: Number, Number: d}
	case json.Number:
		v := Value{Kind: Number, Text: d.String()}
		if n, err := d.Float64(); err == nil {
			if v.Number = n; strconv.FormatFloat(n, 'f', -1, 64) == v.Text {
				v.Text = ""
			}
		}
		return v
	case string:
		return Value{Kind: String, Text: d}
	case []any:
		v := Value{Kind: List, Items: make([]Value, len(d))}
		for i := range d {
			v.Items[i] = Decoded(d[i])
		}
		return v
	case map[string]any:
		v := Value{Kind: Object, Fields: make([]Field, 0, len(d))}
		for _, name := range slices.Sorted(maps.Keys(d)) {
			v.Fields = append(v.Fields, Field{Name: name, Value: Decoded(d[name])})
		}
		return v
	}
	return Value{Kind: Null}
}
