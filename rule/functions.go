package rule

import (
	"slices"
	"strings"
	"sync"
)

// Function documents a function that rules may call.
type Function struct {
	Name       string   // startsWith, net.open
	Signatures []string // CEL types; methods have their receiver in front: string.startsWith(string) -> bool
	Doc        string   // one sentence or two
	Example    string   // an expression that is true
}

// function is a Function with its implementation. The arguments may be null and unknown; failures never reach it.
type function struct {
	Function
	call    func(f *frame, args []val) val
	prepare func(constants []val) (func(f *frame, args []val) val, error) // specialises for constant arguments; may be nil
}

// Functions lists the functions that rules may call, by name.
func Functions() []Function {
	out := make([]Function, 0, len(builtins))
	for i := range builtins {
		out = append(out, builtins[i].Function)
	}
	slices.SortFunc(out, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// builtins are all functions. A variable initialised once and never changed.
var builtins = slices.Concat(textFunctions, listFunctions, besideFunctions, decodeFunctions, iamFunctions, imageFunctions, kubernetesFunctions, netFunctions,
	secretFunctions, versionFunctions)

// builtin returns the function of that name, or nil.
func builtin(name string) *function { return builtinsByName()[name] }

var builtinsByName = sync.OnceValue(func() map[string]*function {
	byName := make(map[string]*function, len(builtins))
	for i := range builtins {
		byName[builtins[i].Name] = &builtins[i]
	}
	return byName
})
