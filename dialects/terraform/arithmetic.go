package terraform

import (
	"errors"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"plumbline.dev/plumbline/dialects/terraform/function"
)

// A number may have a billion digits that nobody has written: a text of it takes minutes to make, and it to read. So numbers
// are looked at wherever one is made: literals by the guard, results of functions by package function, and here those of
// operators, and texts that are to become numbers.

type (
	binary struct{ *hclsyntax.BinaryOpExpr }
	unary  struct{ *hclsyntax.UnaryOpExpr }
)

// calculates reports whether an operator takes numbers.
func calculates(op *hclsyntax.Operation) bool {
	switch op {
	case hclsyntax.OpLogicalAnd, hclsyntax.OpLogicalOr, hclsyntax.OpLogicalNot, hclsyntax.OpEqual, hclsyntax.OpNotEqual:
		return false
	}
	return true
}

// operand evaluates an expression that takes part in a calculation.
func operand(e hclsyntax.Expression, ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	v, diags := e.Value(ctx)
	if err := function.CheckOperand(v); err != nil {
		return cty.UnknownVal(cty.Number), append(diags, failure(e.Range(), "Number too large", "This is a %s", err))
	}
	return v, diags
}

func result(v cty.Value, diags hcl.Diagnostics, r hcl.Range) (cty.Value, hcl.Diagnostics) {
	if err := function.CheckOperand(v); err != nil {
		return cty.UnknownVal(cty.Number), append(diags, failure(r, "Number too large", "The result is too large: %s", err))
	}
	return v, diags
}

func (e *binary) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	left, diags := operand(e.LHS, ctx)
	right, more := operand(e.RHS, ctx)
	diags = append(diags, more...)
	inner := *e.BinaryOpExpr
	inner.LHS, inner.RHS = literal(left, e.LHS.Range()), literal(right, e.RHS.Range())
	v, more := inner.Value(ctx)
	return result(v, append(diags, more...), e.SrcRange)
}

func (e *unary) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	val, diags := operand(e.Val, ctx)
	inner := *e.UnaryOpExpr
	inner.Val = literal(val, e.Val.Range())
	v, more := inner.Value(ctx)
	return result(v, append(diags, more...), e.SrcRange)
}

// convertTo is convert.Convert for values of which nothing is known: a text with too many digits becomes no number.
func convertTo(v cty.Value, t cty.Type) (cty.Value, error) {
	if holdsNumbers(t) && unreadable(v, t) {
		return cty.NilVal, errors.New("a number of too many digits")
	}
	return convert.Convert(v, t)
}

func holdsNumbers(t cty.Type) bool {
	switch {
	case t == cty.Number:
		return true
	case t.IsCollectionType():
		return holdsNumbers(t.ElementType())
	case t.IsObjectType():
		for _, a := range t.AttributeTypes() {
			if holdsNumbers(a) {
				return true
			}
		}
	case t.IsTupleType():
		for _, a := range t.TupleElementTypes() {
			if holdsNumbers(a) {
				return true
			}
		}
	}
	return false
}

// unreadable reports whether v has a text that t would make a number of too many digits.
func unreadable(v cty.Value, t cty.Type) bool {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return false
	}
	if t == cty.Number {
		return function.CheckOperand(v) != nil
	}
	if !v.CanIterateElements() {
		return false
	}
	at := 0
	for it := v.ElementIterator(); it.Next(); at++ {
		key, item := it.Element()
		of := cty.DynamicPseudoType
		switch {
		case t.IsCollectionType():
			of = t.ElementType()
		case t.IsTupleType() && at < t.Length():
			of = t.TupleElementType(at)
		case t.IsObjectType():
			if key, _ = key.Unmark(); key.Type() == cty.String && t.HasAttribute(key.AsString()) {
				of = t.AttributeType(key.AsString())
			}
		}
		if holdsNumbers(of) && unreadable(item, of) {
			return true
		}
	}
	return false
}

// checkSteps refuses a step whose key is a text of too many digits.
func checkSteps(steps hcl.Traversal) hcl.Diagnostics {
	for _, step := range steps {
		if i, ok := step.(hcl.TraverseIndex); ok && i.Key.Type() == cty.String && len(i.Key.AsString()) > 1024 {
			if err := function.CheckOperand(i.Key); err != nil {
				return hcl.Diagnostics{failure(i.SrcRange, "Invalid index", "This is a %s", err)}
			}
		}
	}
	return nil
}

// operandKey evaluates the key of an index, which a list takes as a number.
func operandKey(e hclsyntax.Expression, coll cty.Value, ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if t := coll.Type(); t.IsListType() || t.IsTupleType() {
		return operand(e, ctx)
	}
	return e.Value(ctx)
}
