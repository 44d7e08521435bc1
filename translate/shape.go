package translate

import (
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// shape is the form that the schema asks of a value. The zero shape asks for nothing.
type shape struct {
	form       form
	typ        schema.Type        // of plain
	attributes []schema.Attribute // of object and blocks
}

type form uint8

const (
	free   form = iota
	plain       // a value of a type
	object      // a block that occurs at most once, an element of blocks, or the whole body
	blocks      // a list of objects
)

func (s shape) String() string {
	switch s.form {
	case plain:
		return s.typ.String()
	case object:
		return "block"
	case blocks:
		return "list of blocks"
	}
	return "any"
}

func shapeOf(a *schema.Attribute) shape {
	switch a.Nesting {
	case schema.One, schema.Single:
		return shape{form: object, attributes: a.Attributes}
	case schema.List, schema.Unordered:
		return shape{form: blocks, attributes: a.Attributes}
	}
	return plainShape(a.Type)
}

func plainShape(t schema.Type) shape {
	if t.Kind == schema.Any || t.Kind == schema.Object {
		return shape{}
	}
	return shape{form: plain, typ: t}
}

// member returns the shape of a member, and whether there may be one of that name.
func (s shape) member(name string) (shape, bool) {
	switch s.form {
	case free:
		return shape{}, true
	case object, blocks:
		i, ok := slices.BinarySearchFunc(s.attributes, name, func(a schema.Attribute, n string) int { return strings.Compare(a.Name, n) })
		if !ok {
			return shape{}, false
		}
		return shapeOf(&s.attributes[i]), true
	}
	if s.typ.Kind == schema.MapOf {
		return plainShape(*s.typ.Elem), true
	}
	return shape{}, false
}

// has reports whether there is an attribute at a path of names, such as endpoint.address or details[0].name.
func (s shape) has(path string) bool {
	p, ok := value.ParsePath(path)
	for _, step := range p {
		if step.Name != "" && ok {
			s, ok = s.member(step.Name)
		}
	}
	return ok
}

// element returns the shape of an element; of a block that occurs once, the block.
func (s shape) element() shape {
	switch {
	case s.form == object || s.form == blocks:
		return shape{form: object, attributes: s.attributes}
	case s.form == plain && (s.typ.Kind == schema.ListOf || s.typ.Kind == schema.SetOf):
		return plainShape(*s.typ.Elem)
	}
	return shape{}
}

// fit makes a value what the schema wants, as far as that needs no knowledge of the value: a number of a text, a list of one
// of an element, the block of a list with one.
func (s shape) fit(v value.Value) value.Value {
	switch v.Kind {
	case value.Absent, value.Null, value.Unknown:
		return v
	}
	switch s.form {
	case plain:
		return fitPlain(v, s.typ)
	case object:
		if v.Kind == value.List {
			v = only(v)
		}
		if v.Kind == value.Object {
			v.Fields = s.fitFields(v.Fields)
		}
	case blocks:
		if v.Kind == value.Object {
			v = listOf(v)
		}
		if v.Kind == value.List {
			v.Items = fitItems(v.Items, s.element().fit)
		}
	}
	return v
}

func (s shape) fitFields(fields []value.Field) []value.Field {
	out := slices.Clone(fields) // the native body stays as it is
	for i := range out {
		if member, ok := s.member(out[i].Name); ok {
			out[i].Value = member.fit(out[i].Value)
		}
	}
	return out
}

func fitItems(items []value.Value, fit func(value.Value) value.Value) []value.Value {
	if len(items) == 0 {
		return nil
	}
	out := make([]value.Value, len(items))
	for i := range items {
		out[i] = fit(items[i])
		out[i].Maybe = items[i].Maybe
	}
	return out
}

// only returns the element of a list that must have one, and Unknown when that is not so.
func only(v value.Value) value.Value {
	switch {
	case len(v.Items) == 0 && !v.Open:
		return value.Value{Range: v.Range}
	case len(v.Items) == 1 && !v.Open && !v.Items[0].Maybe:
		item := v.Items[0]
		if item.Range.IsZero() {
			item.Range = v.Range
		}
		return item
	}
	return value.Value{Kind: value.Unknown, Range: v.Range, Sensitive: v.Sensitive, Given: v.Given}
}

func listOf(v value.Value) value.Value {
	return value.Value{Kind: value.List, Items: []value.Value{v}, Range: v.Range, Sensitive: v.Sensitive}
}

func fitPlain(v value.Value, t schema.Type) value.Value {
	switch t.Kind {
	case schema.String:
		switch v.Kind {
		case value.Number:
			return scalar(v, value.Value{Kind: value.String, Text: v.Digits()})
		case value.Bool:
			return scalar(v, value.Value{Kind: value.String, Text: strconv.FormatBool(v.Bool)})
		case value.List:
			return fitOnly(v, t)
		}
	case schema.Bool:
		switch v.Kind {
		case value.String:
			if b, ok := truth(v.Text); ok {
				return scalar(v, value.Value{Kind: value.Bool, Bool: b})
			}
		case value.Number:
			if v.Number == 0 || v.Number == 1 {
				return scalar(v, value.Value{Kind: value.Bool, Bool: v.Number == 1})
			}
		case value.List:
			return fitOnly(v, t)
		}
	case schema.Number:
		switch v.Kind {
		case value.String:
			if n, ok := number(v.Text); ok {
				return scalar(v, n)
			}
		case value.List:
			return fitOnly(v, t)
		}
	case schema.ListOf, schema.SetOf:
		if v.Kind != value.List {
			v = listOf(v)
		}
		if slices.ContainsFunc(v.Items, func(item value.Value) bool { return !simple(item.Kind, t.Elem.Kind) }) {
			v.Items = fitItems(v.Items, func(item value.Value) value.Value { return plainShape(*t.Elem).fit(item) })
		}
	case schema.MapOf:
		if v.Kind == value.Object && slices.ContainsFunc(v.Fields, func(f value.Field) bool { return !simple(f.Value.Kind, t.Elem.Kind) }) {
			v.Fields = slices.Clone(v.Fields)
			for i := range v.Fields {
				v.Fields[i].Value = plainShape(*t.Elem).fit(v.Fields[i].Value)
			}
		}
	}
	return v
}

// fitOnly makes one value of a list of one; other lists stay as they are.
func fitOnly(v value.Value, t schema.Type) value.Value {
	if one := only(v); one.IsSet() && one.Kind != value.Unknown {
		return fitPlain(one, t)
	}
	return v
}

// simple reports whether a value of a kind is what a type wants already.
func simple(k value.Kind, t schema.Kind) bool {
	switch t {
	case schema.String:
		return k == value.String || k == value.Unknown
	case schema.Number:
		return k == value.Number || k == value.Unknown
	case schema.Bool:
		return k == value.Bool || k == value.Unknown
	}
	return false
}

// admits reports whether a known value is of the shape.
func (s shape) admits(v *value.Value) bool {
	if v.Kind == value.Unknown || v.Kind == value.Null {
		return true
	}
	switch s.form {
	case object:
		return v.Kind == value.Object
	case blocks:
		return v.Kind == value.List
	case plain:
		switch s.typ.Kind {
		case schema.ListOf, schema.SetOf:
			return v.Kind == value.List
		case schema.MapOf:
			return v.Kind == value.Object
		}
		return simple(v.Kind, s.typ.Kind)
	}
	return true
}

// scalar gives a new value the place and the marks of the one that it was made of.
func scalar(of, v value.Value) value.Value {
	v.Range, v.Sensitive, v.Given, v.Maybe = of.Range, of.Sensitive, of.Given, of.Maybe
	return v
}

// truth reads a boolean as the dialects write it.
func truth(text string) (b, ok bool) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true, true
	case "false", "no", "off", "0":
		return false, true
	}
	return false, false
}

func number(text string) (value.Value, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || f != f || f-f != 0 { // neither NaN nor infinite
		return value.Value{}, false
	}
	v := value.Value{Kind: value.Number, Number: f}
	if v.Digits() != strings.TrimSpace(text) && !strings.ContainsAny(text, ".eExX_") {
		v.Text = strings.TrimSpace(text)
	}
	return v, true
}
