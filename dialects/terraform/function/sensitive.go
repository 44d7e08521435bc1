package function

import (
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// anything is a parameter that takes whatever there is, as it is.
func anything(name string) function.Parameter {
	return function.Parameter{
		Name: name, Type: cty.DynamicPseudoType,
		AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true,
	}
}

func sameType(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil }

var sensitiveFunc = function.New(&function.Spec{
	Params: []function.Parameter{anything("value")},
	Type:   sameType,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return args[0].Mark(SensitiveMark), nil
	},
})

var nonsensitiveFunc = function.New(&function.Spec{
	Params: []function.Parameter{anything("value")},
	Type:   sameType,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, marks := args[0].Unmark()
		delete(marks, SensitiveMark)
		return v.WithMarks(marks), nil
	},
})

var isSensitiveFunc = function.New(&function.Spec{
	Params:       []function.Parameter{anything("value")},
	Type:         function.StaticReturnType(cty.Bool),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, marks := args[0].Unmark()
		_, sensitive := marks[SensitiveMark]
		delete(marks, SensitiveMark)
		if !sensitive && !v.IsKnown() {
			return cty.UnknownVal(cty.Bool).WithMarks(marks), nil // it may become sensitive when it is known
		}
		return cty.BoolVal(sensitive).WithMarks(marks), nil
	},
})

var ephemeralAsNullFunc = function.New(&function.Spec{
	Params: []function.Parameter{anything("value")},
	Type:   sameType,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return cty.Transform(args[0], func(_ cty.Path, v cty.Value) (cty.Value, error) {
			if !v.HasMark(EphemeralMark) {
				return v, nil
			}
			_, marks := v.Unmark()
			delete(marks, EphemeralMark)
			return cty.NullVal(v.Type()).WithMarks(marks), nil
		})
	},
})
