package value

import (
	"encoding/json"
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
