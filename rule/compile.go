package rule

import (
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/containers"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"

	"plumbline.dev/plumbline/schema"
)

// Compiler compiles rules against a schema. Use one for many rules. It may not be used by several goroutines at once.
type Compiler struct {
	// Trusting leaves out the type check, which is two thirds of the work. It is for expressions that were checked before;
	// in others a misspelt attribute would be null for ever.
	Trusting bool

	set    *schema.Set
	parser *parser.Parser
	env    *checker.Env // what all rules share; nil until it is needed
}

// NewCompiler makes a compiler.
func NewCompiler(set *schema.Set) *Compiler {
	p, err := newParser()
	if err != nil {
		panic("rule: parser: " + err.Error())
	}
	return &Compiler{set: set, parser: p}
}

// Compile compiles a rule for every type that it is on, in that order. A type with a * and the types of a rule without
// schema give programs to which `this` has no type. Mistakes are problems at their line in the page.
func Compile(r *Rule, set *schema.Set) ([]*Program, []Problem) {
	c := NewCompiler(set)
	var programs []*Program
	var problems []Problem
	for _, typ := range r.On {
		p, mistakes := c.Compile(r, typ)
		problems = append(problems, mistakes...)
		if len(mistakes) == 0 {
			programs = append(programs, p)
		}
	}
	return programs, problems
}

// Compile compiles a rule for one of the types that it is on.
func (c *Compiler) Compile(r *Rule, typ string) (*Program, []Problem) {
	return c.compile(r, typ, syntax{})
}

// syntax is the syntax of the expressions of a rule for a type, each nil where it must be parsed.
type syntax struct{ require, about ast.Expr }

// compile compiles a rule for one of its types. When the syntax of an expression is given, it is trusted; the places of
// problems are not known then. The expression is changed.
func (c *Compiler) compile(r *Rule, typ string, given syntax) (*Program, []Problem) {
	this := types.DynType
	program := &Program{Rule: r, set: c.set}
	if !r.Untyped && !strings.HasSuffix(typ, "*") {
		if c.set.Resource(typ) == nil {
			near := ""
			if s := c.set.Suggest(typ); s != "" {
				near = ": did you mean " + s + "?"
			}
			return nil, []Problem{{Line: r.Line, Message: fmt.Sprintf("the schema has no type %s%s", typ, near)}}
		}
		this = types.NewObjectType(typ)
		program.Type = typ
	}
	kinds := typing{set: c.set, this: this, untyped: r.Untyped}
	own := *r // for the mistakes' lines; the program keeps the rule itself
	clause := r.clause(typ)
	own.Require, own.Line = clause.Text, clause.Line
	var slots, more int
	var problems []Problem
	if program.eval, slots, problems = c.build(&own, kinds, given.require); problems != nil {
		return nil, problems
	}
	if about := r.aboutOf(typ); about != "" {
		own.Require = about
		if program.about, more, problems = c.build(&own, kinds, given.about); problems != nil {
			for i := range problems {
				problems[i].Message = "about: " + problems[i].Message
			}
			return nil, problems
		}
	}
	program.frames = &sync.Pool{New: func() any {
		return &frame{program: program, vars: make([]val, max(slots, more)), joins: map[string]val{}}
	}}
	return program, nil
}

// build compiles the expression of a rule, and says how many slots its variables take.
func (c *Compiler) build(r *Rule, kinds typing, given ast.Expr) (eval, int, []Problem) {
	checked, problems := c.typed(r, kinds, given)
	if problems != nil {
		return nil, 0, problems
	}
	b := &builder{ast: checked, typing: kinds, rule: r}
	if t := checked.GetType(checked.Expr().ID()); t.Kind() != types.BoolKind && t.Kind() != types.DynKind {
		b.problem(checked.Expr(), "the expression must be a bool, and is %s", describe(t))
	}
	e := b.expr(checked.Expr())
	return e, b.slots, b.problems
}

// typed returns the expression with the types that the builder needs.
func (c *Compiler) typed(r *Rule, kinds typing, given ast.Expr) (*ast.AST, []Problem) {
	if given != nil {
		return annotate(ast.NewAST(given, ast.NewSourceInfo(nil)), kinds), nil
	}
	parsed, src, problems := c.parse(r)
	if problems != nil {
		return nil, problems
	}
	if c.Trusting {
		return annotate(parsed, kinds), nil
	}
	return c.check(r, parsed, src, kinds)
}

func (c *Compiler) parse(r *Rule) (*ast.AST, common.Source, []Problem) {
	src := common.NewStringSource(r.Require, r.Path)
	parsed, errs := c.parser.Parse(src)
	if mistakes := errs.GetErrors(); len(mistakes) > 0 {
		return nil, nil, translate(r, mistakes[:1], nil) // what follows a syntax error is noise
	}
	return parsed, src, nil
}

// check type-checks a parsed expression.
func (c *Compiler) check(r *Rule, parsed *ast.AST, src common.Source, kinds typing) (*ast.AST, []Problem) {
	if c.env == nil {
		env, err := declarations()
		if err != nil {
			panic("rule: declarations: " + err.Error()) // fixed in the program: the first test finds it
		}
		c.env = env
	}
	env, err := checker.NewEnv(containers.DefaultContainer, kinds, checker.ValidatedDeclarations(c.env))
	if err == nil {
		err = env.AddIdents(
			decls.NewVariable("this", kinds.this),
			decls.NewVariable("tags", tagsType),
			decls.NewVariable("linked", types.NewObjectType(gathered)),
			decls.NewVariable("all", types.NewObjectType(gathered)),
		)
	}
	if err != nil {
		return nil, []Problem{{Line: r.Line, Message: err.Error()}}
	}
	checked, errs := checker.Check(parsed, src, env)
	if mistakes := errs.GetErrors(); len(mistakes) > 0 {
		return nil, translate(r, mistakes, &suggester{typing: kinds, ast: checked})
	}
	return checked, nil
}

// translate puts cel-go's errors at their lines in the page.
func translate(r *Rule, mistakes []*common.Error, near *suggester) []Problem {
	var out []Problem
	for _, m := range mistakes {
		hint := ""
		if near != nil {
			hint = near.hint(m)
		}
		line, column := 1, 0
		if m.Location != nil {
			line, column = max(m.Location.Line(), 1), m.Location.Column()
		}
		out = append(out, Problem{
			Line:    r.Line + line - 1,
			Message: fmt.Sprintf("require, column %d: %s%s", column+1, plainly(m.Message), hint),
		})
	}
	return out
}

// plainly takes the wrappings off cel-go's messages.
func plainly(message string) string {
	message = strings.TrimPrefix(message, "Syntax error: ")
	message = strings.ReplaceAll(message, "wrapper(", "nullable(")
	return strings.ReplaceAll(message, "undefined field", "no attribute")
}
