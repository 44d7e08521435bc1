package function

import (
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

var timestampFunc = unknownText

var timeCmpFunc = function.New(&function.Spec{
	Params:       []function.Parameter{{Name: "timestamp_a", Type: cty.String}, {Name: "timestamp_b", Type: cty.String}},
	Type:         function.StaticReturnType(cty.Number),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		a, err := parseTime(args[0])
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		b, err := parseTime(args[1])
		if err != nil {
			return cty.NilVal, function.NewArgError(1, err)
		}
		return cty.NumberIntVal(int64(a.Compare(b))), nil
	},
})

// parseTime is as strict about RFC 3339 as the functions of the cty library are: time.Parse alone lets more through.
func parseTime(v cty.Value) (time.Time, error) {
	if _, err := stdlib.FormatDate(cty.StringVal("YYYY"), v); err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, v.AsString())
}
