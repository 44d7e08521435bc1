package rule

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// suggester finds what a misspelt name could have meant.
type suggester struct {
	typing typing
	ast    *ast.AST
}

func (s *suggester) hint(m *common.Error) string {
	switch {
	case strings.HasPrefix(m.Message, "undefined field"):
		return s.attribute(m.ExprID)
	case strings.HasPrefix(m.Message, "undeclared reference to"):
		_, name, _ := strings.Cut(m.Message, "'")
		name, _, _ = strings.Cut(name, "'")
		names := []string{"this", "tags", "linked", "all"}
		for i := range builtins {
			names = append(names, builtins[i].Name)
		}
		if near := nearest(name, names); near != "" {
			return ": did you mean " + near + "?"
		}
	}
	return ""
}

func (s *suggester) attribute(id int64) string {
	e := find(s.ast.Expr(), id)
	if e == nil || e.Kind() != ast.SelectKind {
		return ""
	}
	field, t := e.AsSelect().FieldName(), s.ast.GetType(e.AsSelect().Operand().ID())
	if t.Kind() != types.StructKind {
		return ""
	}
	if prefix, ok := gatherPrefix(t.TypeName()); ok {
		if near := s.typing.set.Suggest(prefix + field); near != "" {
			return fmt.Sprintf(": did you mean %s?", near)
		}
		return ": the schema has no such type"
	}
	names, _ := s.typing.FindStructFieldNames(t.TypeName())
	if near := nearest(field, names); near != "" {
		return fmt.Sprintf(" in %s: did you mean %s?", t.TypeName(), near)
	}
	return " in " + t.TypeName()
}

// find returns the expression of that id, or nil.
func find(root ast.Expr, id int64) (found ast.Expr) {
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == id {
			found = e
		}
	}))
	return found
}

// describe names a type for people.
func describe(t *types.Type) string {
	switch t.Kind() {
	case types.BoolKind:
		return "a bool"
	case types.IntKind, types.DoubleKind, types.UintKind:
		return "a number"
	case types.StringKind:
		return "a string"
	case types.ListKind:
		return "a list"
	case types.MapKind:
		return "a map"
	case types.StructKind:
		return "an object"
	case types.NullTypeKind:
		return "null"
	}
	return t.String()
}
