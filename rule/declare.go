package rule

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/containers"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"
)

// operatorTypes are the signatures of CEL's operators as rules have them: int and double mix freely, for an attribute that
// is a number is compared with 22 as well as with 0.5. Whether the sides of == and in fit together is checked in
// comparable.go, which the checker could not do without forbidding the mix.
var operatorTypes = []struct{ name, signatures string }{
	{operators.LogicalAnd, "(bool, bool) -> bool"},
	{operators.LogicalOr, "(bool, bool) -> bool"},
	{operators.LogicalNot, "(bool) -> bool"},
	{operators.NotStrictlyFalse, "(bool) -> bool"},
	{operators.Conditional, "(bool, A, A) -> A"},
	{operators.Equals, "(dyn, dyn) -> bool"},
	{operators.NotEquals, "(dyn, dyn) -> bool"},
	{operators.In, "(dyn, dyn) -> bool"},
	{operators.Less, ordered},
	{operators.LessEquals, ordered},
	{operators.Greater, ordered},
	{operators.GreaterEquals, ordered},
	{operators.Add, arithmetic + "; (string, string) -> string; (list(A), list(A)) -> list(A)"},
	{operators.Subtract, arithmetic},
	{operators.Multiply, arithmetic},
	{operators.Divide, arithmetic},
	{operators.Modulo, "(int, int) -> int"},
	{operators.Negate, "(int) -> int; (double) -> double"},
	{operators.Index, "(list(A), int) -> A; (map(string, A), string) -> A"},
}

const (
	ordered = "(int, int) -> bool; (int, double) -> bool; (double, int) -> bool; (double, double) -> bool; " +
		"(string, string) -> bool; (bool, bool) -> bool"
	arithmetic = "(int, int) -> int; (int, double) -> double; (double, int) -> double; (double, double) -> double"
)

// declarations makes the checker's environment that all rules share.
func declarations() (*checker.Env, error) {
	env, err := checker.NewEnv(containers.DefaultContainer, typing{})
	if err != nil {
		return nil, err
	}
	for _, op := range operatorTypes {
		if err := declare(env, op.name, strings.Split(op.signatures, "; ")); err != nil {
			return nil, err
		}
	}
	for _, fn := range builtins {
		var signatures []string
		for _, s := range fn.Signatures {
			signatures = append(signatures, strings.TrimPrefix(s, fn.Name))
		}
		if err := declare(env, fn.Name, signatures); err != nil {
			return nil, err
		}
	}
	return env, nil
}

// declare adds a function. A signature is "(string, list(A)) -> bool", with the receiver in front for methods:
// "string.startsWith(string) -> bool".
func declare(env *checker.Env, name string, signatures []string) error {
	var overloads []decls.FunctionOpt
	for i, s := range signatures {
		id := fmt.Sprintf("%s/%d", name, i)
		receiver, rest, member := strings.Cut(s, "."+name+"(")
		if !member {
			rest = strings.TrimPrefix(s, "(")
		}
		params, result, ok := strings.Cut(rest, ") -> ")
		if !ok {
			return fmt.Errorf("signature %q of %s", s, name)
		}
		if member {
			params = receiver + ", " + params
		}
		args, err := parseTypes(strings.TrimSuffix(params, ", "))
		if err != nil {
			return fmt.Errorf("signature %q of %s: %w", s, name, err)
		}
		out, err := parseTypes(result)
		if err != nil || len(out) != 1 {
			return fmt.Errorf("result in signature %q of %s", s, name)
		}
		if member {
			overloads = append(overloads, decls.MemberOverload(id, args, out[0]))
		} else {
			overloads = append(overloads, decls.Overload(id, args, out[0]))
		}
	}
	fn, err := decls.NewFunction(name, overloads...)
	if err != nil {
		return err
	}
	return env.AddFunctions(fn)
}

// parseTypes reads "string, list(A)".
func parseTypes(s string) ([]*types.Type, error) {
	var out []*types.Type
	for s != "" {
		end := strings.IndexAny(s, ",()")
		name, params := s, []*types.Type(nil)
		if end >= 0 {
			name = s[:end]
		}
		s = s[len(name):]
		if strings.HasPrefix(s, "(") {
			depth, end := 0, -1
			for i, r := range s {
				if r == '(' {
					depth++
				} else if r == ')' {
					if depth--; depth == 0 {
						end = i
						break
					}
				}
			}
			if end < 0 {
				return nil, fmt.Errorf("unbalanced %q", s)
			}
			var err error
			if params, err = parseTypes(s[1:end]); err != nil {
				return nil, err
			}
			s = s[end+1:]
		}
		t, err := namedType(name, params)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
		s = strings.TrimPrefix(s, ", ")
	}
	return out, nil
}

func namedType(name string, params []*types.Type) (*types.Type, error) {
	switch {
	case name == "list" && len(params) == 1:
		return types.NewListType(params[0]), nil
	case name == "map" && len(params) == 2:
		return types.NewMapType(params[0], params[1]), nil
	case len(params) > 0:
	case name == "bool":
		return types.BoolType, nil
	case name == "int":
		return types.IntType, nil
	case name == "double":
		return types.DoubleType, nil
	case name == "string":
		return types.StringType, nil
	case name == "dyn":
		return types.DynType, nil
	case name == gathered || records[name] != nil:
		return types.NewObjectType(name), nil
	case len(name) == 1 && name >= "A" && name <= "Z":
		return types.NewTypeParamType(name), nil
	}
	return nil, fmt.Errorf("no type %s with %d parameters", name, len(params))
}

// newParser makes the parser that all rules share.
func newParser() (*parser.Parser, error) {
	return parser.NewParser(
		parser.EnablePrattParser(true),
		parser.Macros(parser.AllMacros...),
		parser.EnableHiddenAccumulatorName(true),
		parser.MaxRecursionDepth(100),
		parser.ExpressionSizeCodePointLimit(20_000),
		parser.MaxExpressionNodeCount(5_000),
	)
}
