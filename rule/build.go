package rule

import (
	"fmt"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// builder turns a checked expression into closures.
type builder struct {
	ast      *ast.AST
	typing   typing
	rule     *Rule
	scopes   []scope // of the comprehensions around, innermost last
	slots    int     // how many variables were given a slot
	problems []Problem
}

// scope binds the name of a comprehension's variable to a slot of the frame.
type scope struct {
	name string
	slot int
}

func (b *builder) problem(e ast.Expr, format string, args ...any) {
	at := b.ast.SourceInfo().GetStartLocation(e.ID())
	b.problems = append(b.problems, Problem{
		Line:    b.rule.Line + max(at.Line(), 1) - 1,
		Message: fmt.Sprintf("require, column %d: %s", at.Column()+1, fmt.Sprintf(format, args...)),
	})
}

// expr compiles an expression whose value is looked at: what it reads become witnesses.
func (b *builder) expr(e ast.Expr) eval {
	quiet := b.quiet(e)
	if !reads(e) {
		return quiet
	}
	return func(f *frame) val {
		v := quiet(f)
		f.see(&v)
		return v
	}
}

// reads reports whether the value of e has a place where it stands, or where it was computed from.
func reads(e ast.Expr) bool {
	switch e.Kind() {
	case ast.IdentKind, ast.CallKind:
		return true
	case ast.SelectKind:
		return !e.AsSelect().IsTestOnly()
	case ast.ComprehensionKind:
		return e.AsComprehension().AccuInit().Kind() == ast.ListKind
	}
	return false
}

// quiet compiles an expression that is only a way to something else, which will be the witness.
func (b *builder) quiet(e ast.Expr) eval {
	switch e.Kind() {
	case ast.LiteralKind:
		v := b.literal(e)
		return func(*frame) val { return v }
	case ast.IdentKind:
		return b.ident(e)
	case ast.SelectKind:
		if e.AsSelect().IsTestOnly() {
			return b.has(e.AsSelect())
		}
		return b.access(e)
	case ast.CallKind:
		if e.AsCall().FunctionName() == operators.Index {
			return b.access(e)
		}
		return b.call(e)
	case ast.ListKind:
		return b.list(e.AsList())
	case ast.MapKind:
		return b.object(e)
	case ast.ComprehensionKind:
		return b.comprehension(e)
	}
	b.problem(e, "this cannot be used in a rule")
	return nil
}

func (b *builder) literal(e ast.Expr) val {
	switch l := e.AsLiteral().(type) {
	case types.Bool:
		return val{kind: boolean, bool: bool(l)}
	case types.Int:
		return numbers(float64(l))
	case types.Uint:
		return numbers(float64(l))
	case types.Double:
		return val{kind: number, num: float64(l), double: true}
	case types.String:
		return texts(string(l))
	case types.Null:
		return val{}
	}
	b.problem(e, "a %s cannot be used in a rule", e.AsLiteral().Type().TypeName())
	return val{}
}

func (b *builder) ident(e ast.Expr) eval {
	name := e.AsIdent()
	for i := len(b.scopes) - 1; i >= 0; i-- {
		if b.scopes[i].name == name {
			slot := b.scopes[i].slot
			return func(f *frame) val { return f.vars[slot] }
		}
	}
	switch name {
	case "this":
		return func(f *frame) val { return view(&f.this.Body, &f.self) }
	case "tags":
		return (*frame).effectiveTags
	}
	b.problem(e, "%s must be followed by a type, like %s.aws_s3_bucket", name, name)
	return nil
}

func (b *builder) list(l ast.ListExpr) eval {
	elements := make([]eval, len(l.Elements()))
	constant := true
	for i, e := range l.Elements() {
		elements[i] = b.expr(e)
		constant = constant && e.Kind() == ast.LiteralKind
	}
	if b.problems != nil {
		return nil
	}
	build := func(f *frame) val {
		items := make([]val, len(elements))
		for i, element := range elements {
			items[i] = element(f)
			if items[i].kind == failure {
				return items[i]
			}
		}
		return computed(items)
	}
	if constant {
		v := build(nil)
		return func(*frame) val { return v }
	}
	return build
}

func (b *builder) object(e ast.Expr) eval {
	var keys []string
	var values []eval
	for _, entry := range e.AsMap().Entries() {
		m := entry.AsMapEntry()
		key := m.Key()
		if key.Kind() != ast.LiteralKind || key.AsLiteral().Type() != types.StringType {
			b.problem(key, "the keys of a map must be strings that stand in the rule")
			return nil
		}
		keys = append(keys, string(key.AsLiteral().(types.String)))
		values = append(values, b.expr(m.Value()))
	}
	return func(f *frame) val {
		seq := &sequence{keys: keys, items: make([]val, len(values))}
		for i, value := range values {
			seq.items[i] = value(f)
			if seq.items[i].kind == failure {
				return seq.items[i]
			}
		}
		return val{kind: object, seq: seq}
	}
}

// call compiles operators and functions.
func (b *builder) call(e ast.Expr) eval {
	c := e.AsCall()
	args := c.Args()
	switch c.FunctionName() {
	case operators.LogicalAnd:
		return logic(no, b.expr(args[0]), b.expr(args[1]))
	case operators.LogicalOr:
		return logic(yes, b.expr(args[0]), b.expr(args[1]))
	case operators.LogicalNot:
		return negation(b.expr(args[0]))
	case operators.Conditional:
		return conditional(b.expr(args[0]), b.expr(args[1]), b.expr(args[2]))
	case operators.Equals, operators.NotEquals:
		b.comparable(e, args[0], args[1])
		return equality(c.FunctionName() == operators.Equals, b.expr(args[0]), b.expr(args[1]))
	case operators.In:
		b.searchable(e, args[0], args[1])
		return membership(b.expr(args[0]), b.quiet(args[1]))
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return ordering(c.FunctionName(), b.expr(args[0]), b.expr(args[1]))
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo:
		return arithmetics(c.FunctionName(), b.expr(args[0]), b.expr(args[1]))
	case operators.Negate:
		return arithmetics(operators.Subtract, func(*frame) val { return numbers(0) }, b.expr(args[0]))
	}
	return b.function(e)
}

// function compiles a call of one of the builtins.
func (b *builder) function(e ast.Expr) eval {
	c := e.AsCall()
	exprs := c.Args()
	if c.IsMemberFunction() {
		exprs = append([]ast.Expr{c.Target()}, exprs...)
	}
	fn := builtin(c.FunctionName())
	if fn == nil {
		b.problem(e, "%s cannot be used in a rule", c.FunctionName())
		return nil
	}
	if b.ast.GetType(e.ID()).TypeName() == gathered {
		b.problem(e, "a type must follow %s(…), like %s(…).aws_s3_bucket", fn.Name, fn.Name)
		return nil
	}
	if fn.prepare != nil {
		if constants, ok := b.constants(exprs); ok {
			special, err := fn.prepare(constants)
			if err != nil {
				b.problem(e, "%s", err)
				return nil
			}
			if special != nil {
				fn = &function{call: special}
			}
		}
	}
	args := make([]eval, len(exprs))
	for i := range exprs {
		args[i] = b.expr(exprs[i])
	}
	if b.problems != nil {
		return nil
	}
	call := fn.call
	return func(f *frame) val {
		f.step()
		base := len(f.args)
		for _, arg := range args {
			v := arg(f)
			f.args = append(f.args, v)
			if v.kind == failure {
				f.args = f.args[:base]
				return v
			}
		}
		actual := f.args[base : base+len(args) : base+len(args)]
		v := call(f, actual)
		if v.kind == unknown || v.open() {
			for i := range actual {
				if actual[i].kind != unknown { // else it was seen
					f.awaitIn(&actual[i])
				}
			}
		}
		f.args = f.args[:base]
		return v
	}
}

// constants returns the arguments that stand in the rule, with null for the others; ok is false when none does.
func (b *builder) constants(exprs []ast.Expr) (out []val, ok bool) {
	out = make([]val, len(exprs))
	for i, e := range exprs {
		if e.Kind() == ast.LiteralKind {
			out[i], ok = b.literal(e), true
		}
	}
	return out, ok
}
