package terragrunt

import (
	"testing"

	"github.com/zclconf/go-cty/cty"
)

func TestDeepMerge(t *testing.T) {
	a, b := cty.StringVal("a"), cty.StringVal("b")
	object := func(name string, v cty.Value) cty.Value { return cty.ObjectVal(map[string]cty.Value{name: v}) }
	for _, c := range []struct {
		name              string
		under, over, want cty.Value
	}{
		{"scalars", a, b, b},
		{"lists", cty.ListVal([]cty.Value{a}), cty.TupleVal([]cty.Value{b}), cty.TupleVal([]cty.Value{a, b})},
		{"maps", object("x", a), object("y", b), cty.ObjectVal(map[string]cty.Value{"x": a, "y": b})},
		{"maps in maps", object("m", object("x", a)), object("m", object("x", b)), object("m", object("x", b))},
		{"null keeps what is there", a, cty.NullVal(cty.String), a},
		{"a scalar over a map", object("x", a), b, b},
		{"an unknown that may be a map", object("x", a), cty.DynamicVal, cty.DynamicVal},
		{"under an unknown that may be a map", cty.DynamicVal, object("x", a), cty.DynamicVal},
		{"an unknown string", a, cty.UnknownVal(cty.String), cty.UnknownVal(cty.String)},
		{"a string over an unknown", cty.DynamicVal, b, b},
	} {
		if got := deepMerge(c.under, c.over); !got.RawEquals(c.want) {
			t.Errorf("%s: %#v, want %#v", c.name, got, c.want)
		}
	}
}
