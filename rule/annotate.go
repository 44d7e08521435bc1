package rule

import (
	"sync"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// annotator gives a parsed expression the types that the builder needs, in place of the checker: those of the attributes on
// the way. It finds no mistakes and takes a third of the time, which is for expressions that the checker has seen before:
// those of our own catalogue, which a test checks.
type annotator struct {
	ast    *ast.AST
	typing typing
	vars   []variable // of the comprehensions around, innermost last
	make   ast.ExprFactory
}

// variable is a variable of a comprehension and what it is.
type variable struct {
	name string
	of   *types.Type
}

var tagsType = types.NewMapType(types.StringType, types.NewNullableType(types.StringType))

// annotate returns the expression with types, and with calls of functions in a namespace resolved.
func annotate(parsed *ast.AST, kinds typing) *ast.AST {
	const usual = 64 // nodes
	a := &annotator{
		ast:    ast.NewCheckedAST(parsed, make(map[int64]*types.Type, usual), make(map[int64]*ast.ReferenceInfo)),
		typing: kinds,
		make:   ast.NewExprFactory(),
	}
	a.visit(a.ast.Expr())
	return a.ast
}

func (a *annotator) visit(e ast.Expr) *types.Type {
	t := a.typeOf(e)
	a.ast.SetType(e.ID(), t)
	return t
}

func (a *annotator) typeOf(e ast.Expr) *types.Type {
	switch e.Kind() {
	case ast.LiteralKind:
		if t, ok := e.AsLiteral().Type().(*types.Type); ok {
			return t
		}
	case ast.IdentKind:
		return a.ident(e.AsIdent())
	case ast.SelectKind:
		s := e.AsSelect()
		t := a.member(a.visit(s.Operand()), s.FieldName())
		if s.IsTestOnly() {
			return types.BoolType
		}
		return t
	case ast.CallKind:
		return a.call(e)
	case ast.ListKind:
		elem := types.DynType
		for i, x := range e.AsList().Elements() {
			if t := a.visit(x); i == 0 {
				elem = t
			} else if !t.IsExactType(elem) {
				elem = types.DynType
			}
		}
		return types.NewListType(elem)
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			a.visit(entry.AsMapEntry().Key())
			a.visit(entry.AsMapEntry().Value())
		}
		return types.NewMapType(types.StringType, types.DynType)
	case ast.ComprehensionKind:
		return a.comprehension(e.AsComprehension())
	}
	return types.DynType
}

func (a *annotator) ident(name string) *types.Type {
	for i := len(a.vars) - 1; i >= 0; i-- {
		if a.vars[i].name == name {
			return a.vars[i].of
		}
	}
	switch name {
	case "this":
		return a.typing.this
	case "tags":
		return tagsType
	case "linked", "all":
		return types.NewObjectType(gathered)
	}
	return types.DynType
}

func (a *annotator) member(of *types.Type, name string) *types.Type {
	switch of.Kind() {
	case types.StructKind:
		if f, ok := a.typing.FindStructFieldType(of.TypeName(), name); ok {
			return f.Type
		}
	case types.MapKind:
		return of.Parameters()[1]
	}
	return types.DynType
}

func (a *annotator) call(e ast.Expr) *types.Type {
	c := e.AsCall()
	if c.IsMemberFunction() && c.Target().Kind() == ast.IdentKind {
		if name := c.Target().AsIdent() + "." + c.FunctionName(); builtin(name) != nil {
			e.SetKindCase(a.make.NewCall(e.ID(), name, c.Args()...))
			c = e.AsCall()
		}
	}
	args := make([]*types.Type, 0, 4)
	if c.IsMemberFunction() {
		args = append(args, a.visit(c.Target()))
	}
	for _, x := range c.Args() {
		args = append(args, a.visit(x))
	}
	switch c.FunctionName() {
	case operators.Index:
		switch args[0].Kind() {
		case types.ListKind:
			return args[0].Parameters()[0]
		case types.MapKind:
			return args[0].Parameters()[1]
		}
		return types.DynType
	case operators.Conditional:
		if args[1].IsExactType(args[2]) {
			return args[1]
		}
		return types.DynType
	case operators.Add:
		if args[0].IsExactType(args[1]) {
			return args[0]
		}
		return types.DynType
	case "flatten":
		if args[0].Kind() == types.ListKind && args[0].Parameters()[0].Kind() == types.ListKind {
			return args[0].Parameters()[0]
		}
		return types.DynType
	}
	if t := results()[c.FunctionName()]; t != nil {
		return t
	}
	return types.DynType
}

// results are the types of the builtins whose results have members.
var results = sync.OnceValue(func() map[string]*types.Type {
	return map[string]*types.Type{
		"iam.statements": types.NewListType(types.NewObjectType(policyType)),
		"net.ports":      types.NewListType(types.NewObjectType(portRange)),
		"target":         types.NewObjectType(gathered),
		"beside":         types.NewObjectType(gathered),
		"linkedBy":       types.NewObjectType(gathered),
	}
})

func (a *annotator) comprehension(c ast.ComprehensionExpr) *types.Type {
	over := a.visit(c.IterRange())
	init := a.visit(c.AccuInit())
	elem := types.DynType
	switch over.Kind() {
	case types.ListKind:
		elem = over.Parameters()[0]
	case types.MapKind:
		elem = types.StringType
	}
	outer := a.vars
	a.vars = append(a.vars, variable{c.AccuVar(), types.DynType}, variable{c.IterVar(), elem})
	a.visit(c.LoopCondition())
	a.visit(c.LoopStep())
	a.vars = outer
	if init.Kind() != types.ListKind {
		return types.BoolType
	}
	return types.NewListType(a.made(c.LoopStep()))
}

// made returns the type of what a map or filter makes of an element.
func (a *annotator) made(step ast.Expr) *types.Type {
	args := step.AsCall().Args()
	if step.AsCall().FunctionName() == operators.Conditional {
		args = args[1].AsCall().Args()
	}
	return a.ast.GetType(args[1].AsList().Elements()[0].ID())
}
