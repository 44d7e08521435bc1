package rule

import (
	"strings"

	"plumbline.dev/plumbline/value"
)

// nodeOf returns v as a node of a value tree, building one where v is computed.
func nodeOf(v *val) *value.Value {
	switch v.kind {
	case unknown:
		if v.node != nil {
			return v.node
		}
		return &value.Value{Kind: value.Unknown, NotNull: v.notNull, Text: v.text, Given: v.given}
	case boolean:
		return &value.Value{Kind: value.Bool, Bool: v.bool}
	case number:
		return &value.Value{Kind: value.Number, Number: v.num}
	case text:
		if v.node != nil {
			return v.node
		}
		return &value.Value{Kind: value.String, Text: v.text, Given: v.given}
	case list, object:
		if v.seq == nil {
			return v.node
		}
		out := &value.Value{Kind: value.List, Open: v.seq.open}
		for i := range v.seq.items {
			if v.seq.items[i].maybe {
				out.Open = true // what may be there is among what nobody can count
				continue
			}
			item := *nodeOf(&v.seq.items[i])
			if v.kind == object {
				out.Fields = append(out.Fields, value.Field{Name: v.seq.keys[i], Value: item})
			} else {
				out.Items = append(out.Items, item)
			}
		}
		if v.kind == object {
			out.Kind = value.Object
			sortFields(out.Fields)
		}
		return out
	}
	return &value.Value{}
}

// anyOf asks whether a text, or an element of a list, satisfies a predicate. Nothing satisfies none.
func anyOf(v *value.Value, satisfies func(*value.Value) verdict) verdict {
	switch v.Kind {
	case value.Absent, value.Null:
		return no
	case value.List:
		t := no.or(v.Open)
		for i := range v.Items {
			switch found := anyOf(&v.Items[i], satisfies); {
			case found == yes && !v.Items[i].Maybe:
				return yes
			case found != no:
				t = open
			}
		}
		return t
	}
	return satisfies(v)
}

// allOf asks whether every element of a list satisfies a predicate.
func allOf(v *value.Value, satisfies func(*value.Value) verdict) verdict {
	return anyOf(v, func(x *value.Value) verdict { return satisfies(x).not() }).not()
}

// both and either join verdicts.
func both(a, b verdict) verdict {
	switch {
	case a == no || b == no:
		return no
	case a == open || b == open:
		return open
	}
	return yes
}

func either(a, b verdict) verdict { return both(a.not(), b.not()).not() }

// isText asks whether v is the text s, without regard to case.
func isText(v *value.Value, s string) verdict {
	switch v.Kind {
	case value.Unknown:
		return no.or(len(v.Text) <= len(s) && strings.EqualFold(v.Text, s[:len(v.Text)]))
	case value.String:
		return decided(strings.EqualFold(v.Text, s))
	}
	return no
}

// scalarText returns a scalar as text, as JSON documents of clouds mix them.
func scalarText(v *value.Value) (string, bool) {
	switch v.Kind {
	case value.String, value.Number, value.Bool:
		w := view(v, nil)
		return w.print(), true
	}
	return "", false
}
