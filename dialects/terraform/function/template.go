package function

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// maxTemplates is how many templates may be rendered inside one another. (Terraform allows no template in a template,
// OpenTofu a thousand.)
const maxTemplates = 10

// renderer renders templates at one depth of nesting.
type renderer struct {
	tree
	depth     int
	functions func() map[string]function.Function // what a template may call
}

// templates returns templatefile and templatestring; rest holds all other functions.
func templates(o Options, rest func() map[string]function.Function, depth int) map[string]function.Function {
	r := &renderer{tree: tree{o}, depth: depth}
	r.functions = sync.OnceValue(func() map[string]function.Function {
		inner := rest()
		maps.Copy(inner, qualified(templates(o, rest, depth+1)))
		return inner
	})
	l := o.limits()
	return map[string]function.Function{
		"templatefile":   l.bound(r.file(), guard{}),
		"templatestring": l.bound(r.string(), guard{}),
	}
}

func (r *renderer) file() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "path", Type: cty.String},
			{Name: "vars", Type: cty.DynamicPseudoType},
		},
		Type: function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			p := args[0].AsString()
			src, err := r.text(p)
			if err != nil {
				return cty.DynamicVal, function.NewArgError(0, err)
			}
			v, err := r.render(p, src, args[1])
			if err == nil && v.IsNull() {
				err = errors.New("the result of the template is null")
			}
			return v, err
		},
	})
}

func (r *renderer) string() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "template", Type: cty.String},
			{Name: "vars", Type: cty.DynamicPseudoType},
		},
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
			v, err := r.render("template", args[0].AsString(), args[1])
			if err != nil {
				return cty.NilVal, err
			}
			if v, err = convert.Convert(v, want); err != nil {
				return cty.NilVal, err
			}
			if v.IsNull() {
				return cty.NilVal, errors.New("the template is null")
			}
			return v, nil
		},
	})
}

// render evaluates a template with nothing but vars and functions.
func (r *renderer) render(name, src string, vars cty.Value) (cty.Value, error) {
	if t := vars.Type(); !t.IsObjectType() && !t.IsMapType() {
		return cty.DynamicVal, function.NewArgErrorf(1, "invalid vars value: must be a map")
	}
	if r.depth >= maxTemplates {
		return cty.DynamicVal, fmt.Errorf("templates inside templates are nested deeper than %d", maxTemplates)
	}
	if r.Charge != nil {
		r.Charge(rendering + len(src)/elementsPerStep)
	}
	if err := checkTemplate(src, name); err != nil {
		return cty.DynamicVal, fmt.Errorf("%s: %w", clip(name), err)
	}
	expr, diags := hclsyntax.ParseTemplate([]byte(src), name, hcl.InitialPos)
	if diags.HasErrors() {
		return cty.DynamicVal, describe(diags)
	}
	scope := vars.AsValueMap()
	for _, key := range slices.Sorted(maps.Keys(scope)) {
		if !hclsyntax.ValidIdentifier(key) {
			return cty.DynamicVal, function.NewArgErrorf(1,
				"invalid template variable name %q: must start with a letter, followed by zero or more letters, digits, and underscores", clip(key))
		}
	}
	for _, ref := range expr.Variables() {
		if _, ok := scope[ref.RootName()]; !ok {
			return cty.DynamicVal, function.NewArgErrorf(1, "vars map does not contain key %q, referenced at %s", clip(ref.RootName()), ref.SourceRange())
		}
	}
	b := &budget{bytes: r.ValueBytes, elements: r.Elements}
	hclsyntax.Walk(expr, meter{b})
	out, diags := expr.Value(&hcl.EvalContext{Variables: scope, Functions: r.functions()})
	if b.spent {
		return cty.DynamicVal, fmt.Errorf("%s makes more than %d bytes of text or %d elements", clip(name), r.ValueBytes, r.Elements)
	}
	if diags.HasErrors() {
		return cty.DynamicVal, describe(diags)
	}
	return out, nil
}

func describe(diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			if d.Subject != nil {
				return fmt.Errorf("%s: %s; %s", d.Subject, clip(d.Summary), clip(d.Detail))
			}
			return fmt.Errorf("%s; %s", clip(d.Summary), clip(d.Detail))
		}
	}
	return errors.New("invalid template")
}

// budget is what one rendering may still make.
type budget struct {
	bytes    int
	elements int
	spent    bool
}

// meter puts a metered expression around the parts of templates and the bodies of loops: these are what makes much out of
// little. It does so on the way back from the children, which it would otherwise hide.
type meter struct{ *budget }

func (m meter) Enter(hclsyntax.Node) hcl.Diagnostics { return nil }

func (m meter) Exit(n hclsyntax.Node) hcl.Diagnostics {
	around := func(e hclsyntax.Expression) hclsyntax.Expression {
		if e == nil {
			return nil
		}
		return metered{e, m.budget}
	}
	switch n := n.(type) {
	case *hclsyntax.TemplateExpr:
		for i, p := range n.Parts {
			n.Parts[i] = around(p)
		}
	case *hclsyntax.BinaryOpExpr:
		n.LHS, n.RHS = operand{n.LHS}, operand{n.RHS}
	case *hclsyntax.UnaryOpExpr:
		n.Val = operand{n.Val}
	case *hclsyntax.IndexExpr:
		n.Key = operand{n.Key}
	case *hclsyntax.FunctionCallExpr:
		if n.Name != "try" && n.Name != "can" { // which look at the expression
			for i, a := range n.Args {
				n.Args[i] = operand{a}
			}
		}
	case *hclsyntax.TemplateWrapExpr:
		n.Wrapped = operand{n.Wrapped}
	case *hclsyntax.ForExpr:
		n.KeyExpr, n.ValExpr, n.CondExpr = around(n.KeyExpr), around(n.ValExpr), around(n.CondExpr)
	}
	return nil
}

// operand evaluates an expression and refuses a number of too many digits, whose text nobody could wait for.
type operand struct{ hclsyntax.Expression }

func (e operand) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	v, diags := e.Expression.Value(ctx)
	if plain, _ := v.Unmark(); plain.Type() == cty.Number {
		if err := CheckOperand(v); err != nil {
			return cty.DynamicVal, diags.Append(&hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Number with too many digits", Detail: err.Error(), Subject: e.Range().Ptr(),
			})
		}
	}
	return v, diags
}

// metered evaluates an expression until the budget is spent, then nothing any more.
type metered struct {
	hclsyntax.Expression
	*budget
}

func (e metered) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if e.spent {
		return cty.DynamicVal, nil
	}
	v, diags := e.Expression.Value(ctx)
	w := weight{elements: e.elements, bytes: e.bytes}
	err := w.take(v, 0)
	e.elements, e.bytes = w.elements, w.bytes
	if err != nil {
		e.spent = true
		return cty.DynamicVal, diags.Append(&hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Template makes too much", Detail: err.Error(), Subject: e.Range().Ptr(),
		})
	}
	return v, diags
}
