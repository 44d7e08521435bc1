package function

import (
	"errors"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/customdecode"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// tryFunc evaluates each argument once. HCL's own evaluates them once for the type and once for the value, which doubles
// the work with every try inside a try, and drops the marks of what is not wholly known.
var tryFunc = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "expressions", Type: customdecode.ExpressionClosureType},
	Type:     function.StaticReturnType(cty.DynamicPseudoType),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if len(args) == 0 {
			return cty.NilVal, errors.New("at least one argument is required")
		}
		var failed []string
		for _, arg := range args {
			v, diags := customdecode.ExpressionClosureFromVal(arg).Value()
			if diags.HasErrors() {
				failed = append(failed, firstError(diags))
				continue
			}
			if !v.IsWhollyKnown() {
				// What is unknown now may fail later, and then another argument is the answer.
				_, marks := v.UnmarkDeep()
				return cty.DynamicVal.WithMarks(marks), nil
			}
			return v, nil
		}
		return cty.NilVal, errors.New("no expression succeeded: " + strings.Join(failed, "; "))
	},
})

var canFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "expression", Type: customdecode.ExpressionClosureType}},
	Type:   function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, diags := customdecode.ExpressionClosureFromVal(args[0]).Value()
		if diags.HasErrors() {
			return cty.False, nil
		}
		if !v.IsWhollyKnown() {
			_, marks := v.UnmarkDeep()
			return cty.UnknownVal(cty.Bool).WithMarks(marks), nil
		}
		return cty.True, nil
	},
})

// firstError keeps messages short: an error inside nested calls would otherwise repeat all that failed on the way.
func firstError(diags hcl.Diagnostics) string {
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			return clip(d.Summary + ", " + d.Detail)
		}
	}
	return ""
}

// clip bounds a message that quotes the input.
func clip(s string) string {
	if len(s) > 300 {
		return strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
