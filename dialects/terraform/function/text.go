package function

import (
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// replace replaces a text, or what a regular expression between slashes matches. It stops at most bytes.
func replace(most int) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "str", Type: cty.String},
			{Name: "substr", Type: cty.String},
			{Name: "replace", Type: cty.String},
		},
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			str, sub, with := args[0].AsString(), args[1].AsString(), args[2].AsString()
			pattern, ok := slashed(sub)
			if !ok {
				return cty.StringVal(strings.ReplaceAll(str, sub, with)), nil
			}
			re, err := regexp.Compile(pattern)
			if err != nil {
				return cty.NilVal, function.NewArgError(1, err)
			}
			var out []byte
			at, refs := 0, strings.Count(with, "$")
			for _, m := range re.FindAllStringSubmatchIndex(str, -1) {
				if !atMost(most, refs, m[1]-m[0]) || len(out) > most {
					return cty.NilVal, tooLong(most)
				}
				out = append(out, str[at:m[0]]...)
				out = re.ExpandString(out, with, str, m)
				at = m[1]
			}
			return cty.StringVal(string(append(out, str[at:]...))), nil
		},
	})
}

// slashed returns the regular expression between slashes, and whether s is one.
func slashed(s string) (string, bool) {
	if len(s) > 1 && s[0] == '/' && s[len(s)-1] == '/' {
		return s[1 : len(s)-1], true
	}
	return "", false
}

// startsWithFunc also decides on an unknown string whose first characters are known.
var startsWithFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "str", Type: cty.String, AllowUnknown: true},
		{Name: "prefix", Type: cty.String},
	},
	Type:         function.StaticReturnType(cty.Bool),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		prefix := args[1].AsString()
		if args[0].IsKnown() {
			return cty.BoolVal(strings.HasPrefix(args[0].AsString(), prefix)), nil
		}
		known := args[0].Range().StringPrefix()
		if n := min(len(known), len(prefix)); known[:n] != prefix[:n] {
			return cty.False, nil
		}
		if len(known) >= len(prefix) {
			return cty.True, nil
		}
		return cty.UnknownVal(cty.Bool), nil
	},
})

// testFunc makes a function that asks something of two strings.
func testFunc(second string, f func(s, t string) bool) function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: "str", Type: cty.String}, {Name: second, Type: cty.String}},
		Type:         function.StaticReturnType(cty.Bool),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

var (
	endsWithFunc    = testFunc("suffix", strings.HasSuffix)
	strContainsFunc = testFunc("substr", strings.Contains)
)
