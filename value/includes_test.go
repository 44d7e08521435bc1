package value_test

import (
	"testing"

	"plumbline.dev/plumbline/value"
)

func TestIncludes(t *testing.T) {
	text := func(s string) value.Value { return value.Value{Kind: value.String, Text: s} }
	number := value.Value{Kind: value.Number, Number: 80}
	list := func(items ...value.Value) value.Value { return value.Value{Kind: value.List, Items: items} }
	object := func(name string, v value.Value) value.Value {
		return value.Value{Kind: value.Object, Fields: []value.Field{{Name: name, Value: v}}}
	}
	both := value.Value{Kind: value.Object, Fields: []value.Field{{Name: "a", Value: text("x")}, {Name: "b", Value: number}}}
	maybe := text("x")
	maybe.Maybe = true
	open := list(text("x"))
	open.Open = true
	for name, c := range map[string]struct {
		have, wish  value.Value
		equal, word bool // what it is with each way to compare scalars
	}{
		"the same":         {text("x"), text("x"), true, true},
		"another":          {text("x"), text("y"), false, false},
		"a number as text": {number, text("80"), false, true},
		"nothing":          {value.Value{}, value.Value{Kind: value.Null}, true, true},
		"not nothing":      {text("x"), value.Value{Kind: value.Null}, false, false},
		"a part":           {both, object("a", text("x")), true, true},
		"too little":       {object("a", text("x")), both, false, false},
		"an unknown":       {value.Value{Kind: value.Unknown}, text("x"), false, false},
		"a list":           {list(text("x"), number), list(text("x"), number), true, true},
		"a longer list":    {list(text("x"), number), list(text("x")), false, false},
		"an open list":     {open, list(text("x")), false, false},
		"perhaps":          {list(maybe), list(text("x")), false, false},
		"no list":          {text("x"), list(text("x")), false, false},
	} {
		if got := c.have.Includes(&c.wish, (*value.Value).Equal); got != c.equal {
			t.Errorf("%s, as equals: %v", name, got)
		}
		if got := c.have.Includes(&c.wish, (*value.Value).SameWord); got != c.word {
			t.Errorf("%s, as words: %v", name, got)
		}
	}
}
