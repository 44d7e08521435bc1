package terraform

import (
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// cty makes a list or map unknown as a whole when one of the parts that it is put together from is. A mark on the result
// keeps what is known of it: concat(["0.0.0.0/0"], var.more) holds 0.0.0.0/0 whatever the variable is. The mark is taken off
// again by everything that makes something else of the value.

// partial marks an unknown list or map with what is known of it, an open List or Object.
type partial struct{ *value.Value }

type (
	index    struct{ *hclsyntax.IndexExpr }
	relative struct {
		*hclsyntax.RelativeTraversalExpr
	}
	splat struct{ *hclsyntax.SplatExpr }
)

func (e *index) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	coll, diags := e.Collection.Value(ctx)
	key, more := operandKey(e.Key, coll, ctx)
	inner := *e.IndexExpr
	inner.Collection, inner.Key = literal(coll, e.Collection.Range()), literal(key, e.Key.Range())
	v, last := inner.Value(ctx)
	return dropShape(v), append(append(diags, more...), last...)
}

func (e *relative) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if diags := checkSteps(e.Traversal); diags != nil {
		return cty.DynamicVal, diags
	}
	v, diags := e.RelativeTraversalExpr.Value(ctx)
	return dropShape(v), diags
}

func (e *splat) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	v, diags := e.SplatExpr.Value(ctx)
	if plain, _ := v.Unmark(); plain.IsKnown() && !plain.IsNull() && plain.CanIterateElements() {
		if s := scopeOf(ctx); s != nil {
			s.unit.charge(loopSteps * plain.LengthInt())
		}
	}
	return dropShape(v), diags
}

// onward follows the steps behind a name into its value.
func onward(steps hcl.Traversal, v cty.Value) (cty.Value, hcl.Diagnostics) {
	if len(steps) == 0 {
		return v, nil
	}
	if diags := checkSteps(steps); diags != nil {
		return cty.DynamicVal, diags
	}
	return steps.TraverseRel(dropShape(v))
}

// dropShape takes documents and partial values off an unknown that was made into something else.
func dropShape(v cty.Value) cty.Value {
	if !v.IsMarked() {
		return v
	}
	plain, marks := v.Unmark()
	return plain.WithMarks(withoutShape([]cty.ValueMarks{marks})...)
}

// partialOf returns what is known of a value: all of it, the partial value among its marks, or nil.
func partialOf(v cty.Value) *value.Value {
	plain, marks := v.Unmark()
	if plain.IsKnown() {
		if plain.IsNull() {
			return nil
		}
		got := plainValue(v)
		return &got
	}
	var found *value.Value
	for m := range marks {
		if p, ok := m.(partial); ok {
			if found != nil {
				return nil
			}
			found = p.Value
		}
	}
	return found
}

// keepPartial marks the unknown result of a function with what its arguments tell of it.
func (e *call) keepPartial(name string, v cty.Value, ctx *hcl.EvalContext) cty.Value {
	v = dropShape(v)
	var known *value.Value
	switch name {
	case "concat", "setunion":
		known = together(e.values(ctx))
	case "merge":
		known = merged(e.values(ctx))
	case "tolist", "toset", "distinct", "compact", "tomap", "nonsensitive", "sensitive":
		if args := e.values(ctx); len(args) == 1 {
			if p := partialOf(args[0]); p != nil && p.Open {
				known = p
			}
		}
	}
	if known == nil || len(known.Items) == 0 && len(known.Fields) == 0 {
		return v
	}
	return v.Mark(partial{known})
}

// values evaluates the arguments, those of an expansion (…) included.
func (e *call) values(ctx *hcl.EvalContext) []cty.Value {
	var out []cty.Value
	for i, arg := range e.Args {
		v, _ := arg.Value(ctx)
		if !e.ExpandFinal || i < len(e.Args)-1 {
			out = append(out, v)
			continue
		}
		plain, _ := v.Unmark()
		if !plain.IsKnown() || plain.IsNull() || !plain.CanIterateElements() {
			return append(out, cty.DynamicVal)
		}
		for it := plain.ElementIterator(); it.Next(); {
			_, item := it.Element()
			out = append(out, item)
		}
	}
	return out
}

// together puts lists one behind the other.
func together(args []cty.Value) *value.Value {
	out := &value.Value{Kind: value.List, Open: true}
	for _, v := range args {
		if p := partialOf(v); p != nil && p.Kind == value.List {
			out.Items = append(out.Items, p.Items...)
		}
	}
	return out
}

// merged puts maps over one another. What an unknown one may replace is unknown from there on.
func merged(args []cty.Value) *value.Value {
	fields := map[string]value.Value{}
	for _, v := range args {
		p := partialOf(v)
		if p == nil || p.Open {
			if plain, _ := v.Unmark(); plain.IsKnown() && plain.IsNull() {
				continue // merge ignores null
			}
			for name := range fields {
				fields[name] = value.Value{Kind: value.Unknown}
			}
		}
		if p != nil && p.Kind == value.Object {
			for _, f := range p.Fields {
				fields[f.Name] = f.Value
			}
		}
	}
	return &value.Value{Kind: value.Object, Open: true, Fields: sortedFields(fields)}
}

// coerced gives the scalars of a partial value the types of the schema.
func coerced(v value.Value, t shape) value.Value {
	switch v.Kind {
	case value.String:
		got := textAs(v.Text, t.typ)
		got.Sensitive, got.Range, got.Document = v.Sensitive, v.Range, v.Document
		return got
	case value.Number, value.Bool:
		if t.typ.Kind == schema.String {
			text := strconv.FormatBool(v.Bool)
			if v.Kind == value.Number {
				text = v.Digits()
			}
			return value.Value{Kind: value.String, Text: text, Sensitive: v.Sensitive, Range: v.Range}
		}
	case value.List:
		items := make([]value.Value, len(v.Items))
		for i := range v.Items {
			items[i] = coerced(v.Items[i], t.elem())
		}
		v.Items = items
	case value.Object:
		fields := make([]value.Field, len(v.Fields))
		for i, f := range v.Fields {
			fields[i] = value.Field{Name: f.Name, Value: coerced(f.Value, t.field(f.Name))}
		}
		v.Fields = fields
	}
	return v
}
