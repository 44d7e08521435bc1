package terraform

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"plumbline.dev/plumbline/value"
)

// Expressions are evaluated by HCL itself. A few nodes of the tree are replaced after parsing by nodes of our own that
// embed the original and answer Value differently: references find what they name on demand instead of in a table that
// someone filled before, conditionals whose branches agree are decided, templates keep the JSON that they hold, and loops
// and joins count what they cost.

type (
	reference   struct{ *hclsyntax.ScopeTraversalExpr }
	conditional struct{ *hclsyntax.ConditionalExpr }
	template    struct{ *hclsyntax.TemplateExpr }
	join        struct{ *hclsyntax.TemplateJoinExpr }
	loop        struct {
		*hclsyntax.ForExpr
		nodes int // evaluated in each round
	}
	call struct{ *hclsyntax.FunctionCallExpr }
)

// rewrite replaces the nodes of an expression. The expression must not be shared with anyone who expects HCL's own.
func rewrite(e hclsyntax.Expression) hclsyntax.Expression {
	var r rewriter
	return r.rewrite(e)
}

// rewriter counts the nodes that it has met.
type rewriter struct{ nodes int }

func (r *rewriter) rewrite(e hclsyntax.Expression) hclsyntax.Expression {
	r.nodes++
	each := func(list []hclsyntax.Expression) {
		for i := range list {
			list[i] = r.rewrite(list[i])
		}
	}
	switch e := e.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		return &reference{e}
	case *hclsyntax.ConditionalExpr:
		e.Condition, e.TrueResult, e.FalseResult = r.rewrite(e.Condition), r.rewrite(e.TrueResult), r.rewrite(e.FalseResult)
		return &conditional{e}
	case *hclsyntax.TemplateExpr:
		if e.IsStringLiteral() {
			return e
		}
		each(e.Parts)
		return &template{e}
	case *hclsyntax.TemplateJoinExpr:
		e.Tuple = r.rewrite(e.Tuple)
		return &join{e}
	case *hclsyntax.ForExpr:
		e.CollExpr = r.rewrite(e.CollExpr)
		before := r.nodes
		e.ValExpr = r.rewrite(e.ValExpr)
		if e.KeyExpr != nil {
			e.KeyExpr = r.rewrite(e.KeyExpr)
		}
		if e.CondExpr != nil {
			e.CondExpr = r.rewrite(e.CondExpr)
		}
		return &loop{e, r.nodes - before}
	case *hclsyntax.FunctionCallExpr:
		each(e.Args)
		return &call{e}
	case *hclsyntax.TemplateWrapExpr:
		e.Wrapped = r.rewrite(e.Wrapped)
	case *hclsyntax.RelativeTraversalExpr:
		e.Source = r.rewrite(e.Source)
		return &relative{e}
	case *hclsyntax.IndexExpr:
		e.Collection, e.Key = r.rewrite(e.Collection), r.rewrite(e.Key)
		return &index{e}
	case *hclsyntax.TupleConsExpr:
		each(e.Exprs)
	case *hclsyntax.ObjectConsExpr:
		for i := range e.Items {
			e.Items[i].KeyExpr, e.Items[i].ValueExpr = r.rewrite(e.Items[i].KeyExpr), r.rewrite(e.Items[i].ValueExpr)
		}
	case *hclsyntax.ObjectConsKeyExpr:
		if hcl.ExprAsKeyword(e.Wrapped) == "" || e.ForceNonLiteral {
			e.Wrapped = r.rewrite(e.Wrapped)
		}
	case *hclsyntax.SplatExpr:
		e.Source, e.Each = r.rewrite(e.Source), r.rewrite(e.Each)
		return &splat{e}
	case *hclsyntax.BinaryOpExpr:
		e.LHS, e.RHS = r.rewrite(e.LHS), r.rewrite(e.RHS)
		if calculates(e.Op) {
			return &binary{e}
		}
	case *hclsyntax.UnaryOpExpr:
		e.Val = r.rewrite(e.Val)
		if calculates(e.Op) {
			return &unary{e}
		}
	case *hclsyntax.ParenthesesExpr:
		e.Expression = r.rewrite(e.Expression)
	}
	return e
}

// rewriteBody rewrites every expression in a body, blocks included.
func rewriteBody(b *hclsyntax.Body) {
	for _, a := range b.Attributes {
		a.Expr = rewrite(a.Expr)
	}
	for _, block := range b.Blocks {
		rewriteBody(block.Body)
	}
}

// scopeOf returns the module instance in which ctx evaluates; nil when there is none, as in tfvars.
func scopeOf(ctx *hcl.EvalContext) *scope {
	for ; ctx != nil; ctx = ctx.Parent() {
		if v, ok := ctx.Variables[scopeVariable]; ok {
			return v.EncapsulatedValue().(*scope)
		}
	}
	return nil
}

func failure(subject hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(format, args...), Subject: &subject}
}

func (e *reference) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	root := e.Traversal.RootName()
	for c := ctx; c != nil; c = c.Parent() {
		if v, ok := c.Variables[root]; ok {
			return onward(e.Traversal[1:], v)
		}
	}
	s := scopeOf(ctx)
	if s == nil {
		return cty.DynamicVal, hcl.Diagnostics{failure(e.SrcRange, "Variables not allowed", "Only literal values may stand here")}
	}
	s.unit.charge(1)
	return s.resolve(e.Traversal)
}

func literal(v cty.Value, r hcl.Range) hclsyntax.Expression {
	return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: r}
}

func (e *conditional) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	cond, diags := e.Condition.Value(ctx)
	yes, yesDiags := e.TrueResult.Value(ctx)
	no, noDiags := e.FalseResult.Value(ctx)
	// The answer is not made from what the condition looked at, so only the marks of the language flow on.
	cond = dropTraces(cond)
	flat, _ := cond.Unmark()
	decided := flat.IsKnown() && !flat.IsNull()
	if decided {
		if b, err := convert.Convert(flat, cty.Bool); err == nil {
			if b.True() {
				no, diags = dropTracesDeep(no), append(diags, yesDiags...)
			} else {
				yes, diags = dropTracesDeep(yes), append(diags, noDiags...)
			}
		}
	}
	inner := hclsyntax.ConditionalExpr{
		Condition:   literal(cond, e.Condition.Range()),
		TrueResult:  literal(yes, e.TrueResult.Range()),
		FalseResult: literal(no, e.FalseResult.Range()),
		SrcRange:    e.SrcRange,
	}
	v, more := inner.Value(nil)
	diags = append(diags, more...)
	if decided || v.IsKnown() || more.HasErrors() {
		return v, diags
	}
	plain, marks := v.Unmark() // it may be either of the documents of its branches, so it is none
	return agreement(plain.WithMarks(withoutShape([]cty.ValueMarks{marks})...), yes, no), diags
}

// agreement improves the unknown result v of a conditional by what its branches have in common.
func agreement(v, yes, no cty.Value) cty.Value {
	_, marks := v.Unmark()
	a, _ := yes.Unmark()
	b, _ := no.Unmark()
	if t := v.Type(); t != cty.DynamicPseudoType {
		var err error
		if a, err = convert.Convert(a, t); err != nil {
			return v
		}
		if b, err = convert.Convert(b, t); err != nil {
			return v
		}
	}
	plainA, marksA := a.UnmarkDeep()
	plainB, marksB := b.UnmarkDeep()
	if plainA.IsWhollyKnown() && plainA.RawEquals(plainB) {
		return plainA.WithMarks(marks, marksA, marksB)
	}
	if v.Type() == cty.String && !plainA.IsNull() && !plainB.IsNull() {
		p, q := knownPrefix(plainA), knownPrefix(plainB)
		n := 0
		for n < len(p) && n < len(q) && p[n] == q[n] {
			n++
		}
		if n > 0 {
			return cty.UnknownVal(cty.String).Refine().NotNull().StringPrefixFull(strings.ToValidUTF8(p[:n], "")).NewValue().WithMarks(marks)
		}
	}
	return v
}

// knownPrefix returns what is known of the beginning of a string that carries no marks.
func knownPrefix(v cty.Value) string {
	switch {
	case v.Type() != cty.String || v.IsNull():
		return ""
	case v.IsKnown():
		return v.AsString()
	}
	return v.Range().StringPrefix()
}

func (e *template) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	s := scopeOf(ctx)
	if s == nil {
		return e.TemplateExpr.Value(ctx)
	}
	var diags hcl.Diagnostics
	var text strings.Builder
	var marks []cty.ValueMarks
	var holes []hole
	known := -1 // length of the known prefix, once something unknown was met
	tail := 0   // where the text behind the last unknown part begins
	for _, part := range e.Parts {
		v, more := part.Value(ctx)
		diags = append(diags, more...)
		v, m := v.Unmark()
		if len(m) > 0 {
			marks = append(marks, m)
		}
		if v.IsNull() {
			diags = append(diags, failure(part.Range(), "Null in a template", "The interpolated value is null, which has no text"))
			continue
		}
		str, err := convert.Convert(v, cty.String)
		if err != nil {
			diags = append(diags, failure(part.Range(), "Invalid value in a template", "The interpolated value cannot be turned into text: %s", err))
			continue
		}
		if !str.IsKnown() {
			if known < 0 {
				known = text.Len()
			}
			holes = append(holes, hole{value: str, document: documentOf(m), ending: endingOf(str, m), given: comesFromOutside(str, m)})
			writeHole(&text, len(holes)-1)
			tail = text.Len()
			continue
		}
		if text.Len()+len(str.AsString()) > s.unit.limits.ValueBytes {
			s.unit.exceed("value", e.SrcRange, "a template makes a string of more than %d bytes", s.unit.limits.ValueBytes)
			return cty.UnknownVal(cty.String).RefineNotNull(), nil
		}
		text.WriteString(str.AsString())
	}
	s.unit.made(text.Len())
	if known < 0 {
		if diags.HasErrors() {
			return cty.UnknownVal(cty.String).RefineNotNull().WithMarks(withoutShape(marks)...), diags
		}
		return cty.StringVal(text.String()).WithMarks(withoutShape(marks)...), diags
	}
	v := cty.UnknownVal(cty.String).RefineNotNull()
	if diags.HasErrors() {
		return v.WithMarks(withoutShape(marks)...), diags
	}
	if prefix := text.String()[:known] + knownPrefix(holes[0].value); prefix != "" {
		v = v.Refine().StringPrefixFull(strings.ToValidUTF8(prefix[:min(len(prefix), 512)], "")).NewValue()
	}
	marks = withoutShape(marks)
	if end := holes[len(holes)-1].ending + text.String()[tail:]; end != "" && len(end) <= 512 && knownPrefix(v) != "" {
		marks = append(marks, cty.NewValueMarks(ending{begin: knownPrefix(v), end: end}))
	}
	if doc := readDocument(text.String(), holes, s.unit.limits.Nesting); doc != nil {
		marks = append(marks, cty.NewValueMarks(decoded{doc}))
	}
	return v.WithMarks(marks...), diags
}

func (e *join) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	s := scopeOf(ctx)
	if s == nil {
		return e.TemplateJoinExpr.Value(ctx)
	}
	tuple, diags := e.Tuple.Value(ctx)
	plain, _ := tuple.Unmark()
	if plain.IsKnown() && !plain.IsNull() && plain.CanIterateElements() {
		size := 0
		for it := plain.ElementIterator(); it.Next(); {
			_, v := it.Element()
			if v, _ = v.Unmark(); v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
				size += len(v.AsString())
			}
		}
		if size > s.unit.limits.ValueBytes {
			s.unit.exceed("value", e.Tuple.Range(), "a loop in a template makes a string of more than %d bytes", s.unit.limits.ValueBytes)
			return cty.UnknownVal(cty.String).RefineNotNull(), nil
		}
		s.unit.made(size)
	}
	inner := hclsyntax.TemplateJoinExpr{Tuple: literal(tuple, e.Tuple.Range())}
	v, more := inner.Value(nil)
	return v, append(diags, more...)
}

func (e *loop) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	s := scopeOf(ctx)
	if s == nil {
		return e.ForExpr.Value(ctx)
	}
	coll, diags := e.CollExpr.Value(ctx)
	if plain, _ := coll.Unmark(); plain.IsKnown() && !plain.IsNull() && plain.CanIterateElements() {
		s.unit.charge((loopSteps + e.nodes) * plain.LengthInt())
	}
	inner := *e.ForExpr
	inner.CollExpr = literal(coll, e.CollExpr.Range())
	v, more := inner.Value(ctx)
	return dropShape(v), append(diags, more...)
}

// passing are the functions that hand one of their arguments on as it is.
var passing = map[string]bool{"try": true, "coalesce": true, "one": true, "lookup": true, "element": true}

func (e *call) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	s := scopeOf(ctx)
	if s == nil {
		return e.FunctionCallExpr.Value(ctx)
	}
	s.unit.charge(1)
	name := strings.TrimPrefix(e.Name, "core::")
	switch name {
	case "try":
		if v, ok := e.certain(ctx); ok {
			return v, nil
		}
	case "jsonencode":
		if len(e.Args) == 1 && !e.ExpandFinal {
			return e.encode(ctx)
		}
	}
	if strings.HasPrefix(e.Name, "provider::") {
		var diags hcl.Diagnostics
		var marks []cty.ValueMarks
		for _, arg := range e.Args {
			v, more := arg.Value(ctx)
			_, m := v.UnmarkDeep()
			diags, marks = append(diags, more...), append(marks, m)
		}
		return cty.DynamicVal.WithMarks(marks...), diags
	}
	v, diags := e.FunctionCallExpr.Value(ctx)
	switch {
	case v.IsKnown() || diags.HasErrors() || passing[name]:
	case name == "templatefile":
		v = e.keepTemplate(s, v, ctx)
	default:
		v = e.keepPartial(name, v, ctx)
	}
	if plain, _ := v.Unmark(); plain.IsKnown() && !plain.IsNull() {
		switch t := plain.Type(); {
		case t == cty.String:
			s.unit.made(len(plain.AsString()))
		case plain.CanIterateElements():
			s.unit.charge(plain.LengthInt())
		}
	}
	return v, diags
}

// certain answers a try whose first argument is a reference that cannot fail later: its steps are all there, and only the
// scalar at its end is unknown. Otherwise the answer of a try over something unknown is unknown in type too.
func (e *call) certain(ctx *hcl.EvalContext) (cty.Value, bool) {
	if len(e.Args) == 0 || e.ExpandFinal {
		return cty.NilVal, false
	}
	ref, ok := e.Args[0].(*reference)
	if !ok {
		return cty.NilVal, false
	}
	for c := ctx; c != nil; c = c.Parent() {
		if _, ok := c.Variables[ref.Traversal.RootName()]; ok {
			return cty.NilVal, false
		}
	}
	v, diags := ref.Value(ctx)
	if plain, _ := v.Unmark(); diags.HasErrors() || plain.IsKnown() || !plain.Type().IsPrimitiveType() {
		return cty.NilVal, false
	}
	return v, scopeOf(ctx).certain(ref.Traversal)
}

// encode is jsonencode, which keeps what it encodes beside a result that is unknown.
func (e *call) encode(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	arg, diags := e.Args[0].Value(ctx)
	inner := *e.FunctionCallExpr
	inner.Args = []hclsyntax.Expression{literal(arg, e.Args[0].Range())}
	v, more := inner.Value(ctx)
	diags = append(diags, more...)
	if v.IsKnown() || diags.HasErrors() {
		return v, diags
	}
	_, marks := v.Unmark()
	doc := plainValue(arg)
	text := cty.UnknownVal(cty.String).RefineNotNull()
	switch doc.Kind {
	case value.Object:
		text = text.Refine().StringPrefixFull("{").NewValue()
	case value.List:
		text = text.Refine().StringPrefixFull("[").NewValue()
	default:
		return v, diags
	}
	return text.WithMarks(append(withoutShape([]cty.ValueMarks{marks}), cty.NewValueMarks(decoded{&doc}))...), diags
}
