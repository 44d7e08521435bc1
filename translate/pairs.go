package translate

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

// pairs makes a map of a list of objects with a key and a value, as [{Key: a, Value: b}] is one.
func pairs(key, val string) conversion {
	return conversion{
		to: func(v value.Value) value.Value {
			switch v.Kind {
			case value.Unknown:
				return unknown(v)
			case value.List:
			default:
				return v // a map already
			}
			out := value.Value{Kind: value.Object, Open: v.Open, Range: v.Range, Sensitive: v.Sensitive}
			for i := range v.Items {
				item := &v.Items[i]
				name, ok := word(item.Field(key))
				if !ok {
					if item.Kind != value.Null {
						out.Open = true
					}
					continue
				}
				member := *item.Field(val)
				if item.Maybe || !member.IsSet() && item.Open {
					member = unknown(member)
				}
				if member.Kind == value.Absent {
					member.Kind = value.String // a tag without a value has an empty one
				}
				member.Range = item.Range
				out.Fields = append(out.Fields, value.Field{Name: name, Value: member})
			}
			sortFields(&out)
			return out
		},
		back: func(v value.Value, was *value.Value) (value.Value, error) {
			if v.Kind != value.Object || was.Kind == value.Object {
				return v, nil
			}
			return toPairs(v, key, val), nil
		},
	}
}

// toPairs makes a list of objects with a key and a value of a map.
func toPairs(v value.Value, key, val string) value.Value {
	if v.Kind == value.Unknown {
		return unknown(v)
	}
	if v.Kind != value.Object {
		return v
	}
	out := value.Value{Kind: value.List, Open: v.Open, Range: v.Range, Sensitive: v.Sensitive}
	for i := range v.Fields {
		f := &v.Fields[i]
		item := value.Value{Kind: value.Object, Range: f.Value.Range}
		set(&item, key, value.Value{Kind: value.String, Text: f.Name, Range: f.Value.Range})
		set(&item, val, f.Value)
		out.Items = append(out.Items, item)
	}
	return out
}

func find(fields []value.Field, name string) (int, bool) {
	return slices.BinarySearchFunc(fields, name, func(f value.Field, n string) int { return strings.Compare(f.Name, n) })
}
