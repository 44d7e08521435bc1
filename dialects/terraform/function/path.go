package function

import (
	"path"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

var (
	baseNameFunc = textFunc("path", func(p string) (string, error) { return path.Base(p), nil })
	dirNameFunc  = textFunc("path", func(p string) (string, error) { return path.Dir(p), nil })
)

// machineFunc makes a function of a path that answers unknown where the answer depends on the machine: f reports false.
func machineFunc(f func(p string) (string, bool)) function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: "path", Type: cty.String}},
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			out, ok := f(args[0].AsString())
			if !ok {
				return cty.UnknownVal(cty.String), nil
			}
			return cty.StringVal(out), nil
		},
	})
}

var absPathFunc = machineFunc(func(p string) (string, bool) { return path.Clean(p), path.IsAbs(p) })

// pathExpandFunc does not say where anyone's home is; "~other/x" is an error in Terraform and is left to it.
var pathExpandFunc = machineFunc(func(p string) (string, bool) { return p, !strings.HasPrefix(p, "~") })
