package translate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"plumbline.dev/plumbline/value"
)

// maxDocument is how long a text may be that is decoded as JSON.
const maxDocument = 4 << 20

// toJSON makes the JSON text that Terraform has of a document that the dialect writes as an object. The document goes with
// it, and the places of its parts with the document.
func toJSON(v value.Value) value.Value {
	switch v.Kind {
	case value.String:
		if v.Document == nil {
			v.Document = readJSON(v.Text)
		}
		if v.Document != nil {
			v.Document.Range = v.Range
		}
		return v
	case value.Object, value.List:
	default:
		return v
	}
	document := v
	out := value.Value{Kind: value.String, Document: &document, Range: v.Range, Maybe: v.Maybe}
	document.Maybe = false
	out.Sensitive, out.Given = document.Marks()
	if document.IsWhollyKnown() {
		out.Text = string(document.AppendJSON(nil, false))
	} else {
		out.Kind, out.NotNull = value.Unknown, true
	}
	return out
}

// fromJSON makes the native value of a JSON text: the text where the dialect has a text there now, else the document.
func fromJSON(v value.Value, was *value.Value) (value.Value, error) {
	if v.Kind != value.String || was.Kind == value.String {
		return v, nil
	}
	if document := readJSON(v.Text); document != nil {
		return *document, nil
	}
	return v, errors.New("it is not a JSON document")
}

// readJSON decodes a JSON object or list; nil when the text is none.
func readJSON(text string) *value.Value {
	if t := strings.TrimLeft(text, " \t\r\n"); t == "" || t[0] != '{' && t[0] != '[' || len(text) > maxDocument {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := readNext(d)
	if err != nil {
		return nil
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil
	}
	return &v
}

// readNext decodes the next value. The package bounds how deep they nest.
func readNext(d *json.Decoder) (value.Value, error) {
	var raw any
	if err := d.Decode(&raw); err != nil {
		return value.Value{}, err
	}
	return decoded(raw), nil
}

func decoded(raw any) value.Value {
	switch d := raw.(type) {
	case bool:
		return value.Value{Kind: value.Bool, Bool: d}
	case json.Number:
		v, ok := number(d.String())
		if !ok { // too large for what numbers are kept in
			return value.Value{Kind: value.Number, Text: d.String()}
		}
		return v
	case string:
		return value.Value{Kind: value.String, Text: d}
	case []any:
		v := value.Value{Kind: value.List}
		for _, item := range d {
			v.Items = append(v.Items, decoded(item))
		}
		return v
	case map[string]any:
		v := value.Value{Kind: value.Object}
		for name, member := range d {
			v.Fields = append(v.Fields, value.Field{Name: name, Value: decoded(member)})
		}
		sortFields(&v)
		return v
	}
	return value.Value{Kind: value.Null}
}

// sameDocument reports whether two values are the same, JSON texts compared as documents.
func sameDocument(a, b *value.Value) bool {
	if a.Equal(b) {
		return true
	}
	return bytes.Equal(plainJSON(a), plainJSON(b))
}

func plainJSON(v *value.Value) []byte {
	if v.Kind == value.String {
		if d := readJSON(v.Text); d != nil {
			v = d
		}
	}
	return v.AppendJSON(nil, false)
}
