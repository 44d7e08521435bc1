package schema

import "strings"

// The attributes of a type are written as
//
//	attributes = [ attribute { "," attribute } ]         sorted by name
//	attribute  = name "=" flag type
//	flag       = "r" required | "o" optional | "c" computed | "b" both optional and computed
//	type       = "s" string | "n" number | "b" bool | "a" any
//	           | "l" type list | "t" type set | "m" type map
//	           | nesting "{" attributes "}"
//	nesting    = "1" One | "L" List | "T" Unordered | "S" Single
//
// decode trusts its input: the tables are our own, and a test decodes every line.

var (
	plain  = map[byte]*Type{'s': {Kind: String}, 'n': {Kind: Number}, 'b': {Kind: Bool}, 'a': {Kind: Any}}
	object = &Type{Kind: Object}
)

func decode(text string) []Attribute {
	d := decoder{text: text}
	return d.attributes()
}

type decoder struct {
	text string // what is left to read
}

func (d *decoder) attributes() []Attribute {
	var out []Attribute
	for d.text != "" && d.text[0] != '}' {
		if out == nil {
			out = make([]Attribute, 0, 8)
		}
		out = append(out, d.attribute())
		if d.text != "" && d.text[0] == ',' {
			d.text = d.text[1:]
		}
	}
	return out
}

func (d *decoder) attribute() Attribute {
	end := strings.IndexByte(d.text, '=')
	a := Attribute{Name: d.text[:end]}
	switch d.text[end+1] {
	case 'r':
		a.Required = true
	case 'o':
		a.Optional = true
	case 'c':
		a.Computed = true
	case 'b':
		a.Optional, a.Computed = true, true
	}
	d.text = d.text[end+2:]
	switch d.text[0] {
	case '1':
		a.Nesting, a.Type = One, *object
	case 'S':
		a.Nesting, a.Type = Single, *object
	case 'L':
		a.Nesting, a.Type = List, Type{Kind: ListOf, Elem: object}
	case 'T':
		a.Nesting, a.Type = Unordered, Type{Kind: SetOf, Elem: object}
	default:
		a.Type = d.plain()
		return a
	}
	d.text = d.text[2:]
	a.Attributes = d.attributes()
	d.text = d.text[1:]
	return a
}

func (d *decoder) plain() Type {
	c := d.text[0]
	d.text = d.text[1:]
	var kind Kind
	switch c {
	case 'l':
		kind = ListOf
	case 't':
		kind = SetOf
	case 'm':
		kind = MapOf
	default:
		return *plain[c]
	}
	if elem := plain[d.text[0]]; elem != nil { // nearly always: no allocation
		d.text = d.text[1:]
		return Type{Kind: kind, Elem: elem}
	}
	elem := d.plain()
	return Type{Kind: kind, Elem: &elem}
}
