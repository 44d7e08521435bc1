package terraform

import (
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/dialects/terraform/function"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// place turns HCL's range into ours.
func place(r hcl.Range) source.Range {
	return source.Range{File: r.Filename, Start: r.Start.Byte, End: max(r.Start.Byte, r.End.Byte)}
}

func sortedFields(m map[string]value.Value) []value.Field {
	fields := make([]value.Field, 0, len(m))
	for name, v := range m {
		fields = append(fields, value.Field{Name: name, Value: v})
	}
	slices.SortFunc(fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

// numberValue reads decimal digits; it keeps them when a float64 cannot hold them.
func numberValue(digits string) value.Value {
	f, err := strconv.ParseFloat(digits, 64)
	v := value.Value{Kind: value.Number, Number: f}
	if err != nil || strconv.FormatFloat(f, 'f', -1, 64) != digits && !sameNumber(f, digits) {
		v.Text = digits
	}
	return v
}

func sameNumber(f float64, digits string) bool {
	if len(digits) > 400 || !function.Calculable(digits) {
		return false
	}
	exact, ok := new(big.Rat).SetString(digits)
	if !ok {
		return false
	}
	got := new(big.Rat).SetFloat64(f)
	return got != nil && got.Cmp(exact) == 0
}

func bigNumber(n *big.Float) value.Value {
	f, exact := n.Float64()
	v := value.Value{Kind: value.Number, Number: f}
	if exact != big.Exact {
		if digits := n.Text('f', -1); strconv.FormatFloat(f, 'f', -1, 64) != digits {
			v.Text = digits
		}
	}
	return v
}

// plainValue turns a cty value into ours without places and references.
func plainValue(v cty.Value) value.Value {
	var b builder
	return b.value(v, shape{}, nil)
}

// shape is the form that the schema asks of a value: its type, and the attributes when it is an object of a known form.
type shape struct {
	typ        schema.Type
	attributes []schema.Attribute
}

func shapeOf(a *schema.Attribute) shape { return shape{typ: a.Type, attributes: a.Attributes} }

func (s shape) elem() shape { return shape{typ: elem(s.typ), attributes: s.attributes} }

func (s shape) field(name string) shape {
	if s.attributes != nil {
		if a := find(s.attributes, name); a != nil {
			return shapeOf(a)
		}
		return shape{}
	}
	return s.elem()
}

// builder turns evaluated configuration into the body of a resource and collects what it refers to.
type builder struct {
	path    value.Path
	refs    []resource.Ref
	planned bool // unknown lists and maps are unknown as a whole, as in a plan
}

// value turns v, written as e (nil when that is not known), into the form that the type asks for.
func (b *builder) value(v cty.Value, t shape, e hclsyntax.Expression) value.Value {
	var marks cty.ValueMarks
	sensitive := false
	if v.IsMarked() {
		v, marks = v.Unmark()
		sensitive = b.collect(marks)
	}
	out := b.unmarked(v, t, e)
	out.Given = marks != nil && comesFromOutside(v, marks)
	if marks != nil && out.Kind == value.Unknown && !b.planned && mayBePartial(v.Type(), t) {
		if p := partialOf(v.WithMarks(marks)); p != nil {
			given := out.Given
			out = coerced(*p, t)
			out.Given = given
		}
	}
	out.Sensitive = out.Sensitive || sensitive
	if marks != nil && v.Type() == cty.String && !v.IsKnown() {
		out.Ending = endingOf(v, marks)
		// A hash or an encoding of the document carries its mark too, but not how it begins.
		if begin := strings.TrimLeft(out.Text, " \t\r\n"); begin != "" && (begin[0] == '{' || begin[0] == '[') {
			out.Document = documentOf(marks)
		}
	}
	return out
}

// mayBePartial reports whether an unknown of a type, in an attribute of a form, is a list or map.
func mayBePartial(v cty.Type, t shape) bool {
	switch t.typ.Kind {
	case schema.String, schema.Number, schema.Bool:
		return false
	}
	return v == cty.DynamicPseudoType || v.IsCollectionType()
}

// collect notes the references among marks, in order, and reports whether one says sensitive.
func (b *builder) collect(marks cty.ValueMarks) (sensitive bool) {
	var found []origin
	for m := range marks {
		switch m := m.(type) {
		case origin:
			found = append(found, m)
		default:
			sensitive = sensitive || m == function.SensitiveMark
		}
	}
	slices.SortFunc(found, func(x, y origin) int {
		if c := strings.Compare(x.address, y.address); c != 0 {
			return c
		}
		return strings.Compare(x.attribute, y.attribute)
	})
	for _, o := range found {
		b.refs = append(b.refs, resource.Ref{Path: slices.Clone(b.path), Target: o.address, Attribute: o.attribute})
	}
	return sensitive
}

func (b *builder) unmarked(v cty.Value, t shape, e hclsyntax.Expression) value.Value {
	switch {
	case v.Type() == cty.DynamicPseudoType && !v.IsKnown():
		return value.Value{Kind: value.Unknown, NotNull: v.Range().DefinitelyNotNull()}
	case !v.IsKnown():
		r := v.Range()
		out := value.Value{Kind: value.Unknown, NotNull: r.DefinitelyNotNull()}
		if v.Type() == cty.String {
			out.Text = r.StringPrefix()
		}
		return out
	case v.IsNull():
		return value.Value{Kind: value.Null}
	}
	switch vt := v.Type(); {
	case vt == cty.String:
		return textAs(v.AsString(), t.typ)
	case vt == cty.Number:
		if t.typ.Kind == schema.String {
			return value.Value{Kind: value.String, Text: v.AsBigFloat().Text('f', -1)}
		}
		return bigNumber(v.AsBigFloat())
	case vt == cty.Bool:
		if t.typ.Kind == schema.String {
			return value.Value{Kind: value.String, Text: strconv.FormatBool(v.True())}
		}
		return value.Value{Kind: value.Bool, Bool: v.True()}
	case vt.IsListType() || vt.IsTupleType() || vt.IsSetType():
		return b.list(v, t, e)
	case vt.IsMapType() || vt.IsObjectType():
		return b.object(v, t, e)
	}
	return value.Value{Kind: value.Unknown}
}

// textAs gives a string the primitive type that the schema asks for, when it has the form.
func textAs(s string, t schema.Type) value.Value {
	switch t.Kind {
	case schema.Bool:
		switch s {
		case "true", "1":
			return value.Value{Kind: value.Bool, Bool: true}
		case "false", "0":
			return value.Value{Kind: value.Bool}
		}
	case schema.Number:
		if !function.Calculable(s) {
			break
		}
		if n, err := cty.ParseNumberVal(s); err == nil {
			return bigNumber(n.AsBigFloat())
		}
	}
	return value.Value{Kind: value.String, Text: s}
}

func elem(t schema.Type) schema.Type {
	if t.Elem != nil {
		return *t.Elem
	}
	return schema.Type{}
}

func (b *builder) list(v cty.Value, t shape, e hclsyntax.Expression) value.Value {
	out := value.Value{Kind: value.List, Items: make([]value.Value, 0, v.LengthInt())}
	parts := elements(e)
	if len(parts) != v.LengthInt() || v.Type().IsSetType() {
		parts = nil
	}
	isSet := v.Type().IsSetType()
	for it := v.ElementIterator(); it.Next(); {
		_, item := it.Element()
		i := len(out.Items)
		b.path = append(b.path, value.Step{Index: i})
		var part hclsyntax.Expression
		if parts != nil {
			part = parts[i]
		}
		got := b.value(item, t.elem(), part)
		if part != nil {
			got.Range = place(part.Range())
		}
		b.path = b.path[:len(b.path)-1]
		out.Open = out.Open || isSet && !got.IsWhollyKnown() // elements of a set may turn out to be the same
		out.Items = append(out.Items, got)
	}
	return out
}

func (b *builder) object(v cty.Value, t shape, e hclsyntax.Expression) value.Value {
	out := value.Value{Kind: value.Object, Fields: make([]value.Field, 0, v.LengthInt())}
	parts := members(e)
	for it := v.ElementIterator(); it.Next(); {
		k, item := it.Element()
		k, _ = k.Unmark()
		name := k.AsString()
		b.path = append(b.path, value.Step{Name: name})
		part, written := parts[name]
		got := b.value(item, t.field(name), part.ValueExpr)
		if written {
			got.Range = source.Range{File: part.KeyExpr.Range().Filename, Start: part.KeyExpr.Range().Start.Byte, End: part.ValueExpr.Range().End.Byte}
		}
		b.path = b.path[:len(b.path)-1]
		out.Fields = append(out.Fields, value.Field{Name: name, Value: got})
	}
	slices.SortFunc(out.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// elements returns the elements of a list that is written out.
func elements(e hclsyntax.Expression) []hclsyntax.Expression {
	for {
		switch x := e.(type) {
		case *hclsyntax.ParenthesesExpr:
			e = x.Expression
		case *hclsyntax.TupleConsExpr:
			return x.Exprs
		default:
			return nil
		}
	}
}

// members returns the items of an object that is written out, by their literal names.
func members(e hclsyntax.Expression) map[string]hclsyntax.ObjectConsItem {
	for {
		switch x := e.(type) {
		case *hclsyntax.ParenthesesExpr:
			e = x.Expression
		case *hclsyntax.ObjectConsExpr:
			out := make(map[string]hclsyntax.ObjectConsItem, len(x.Items))
			for _, item := range x.Items {
				if name, ok := literalKey(item.KeyExpr); ok {
					out[name] = item
				}
			}
			return out
		default:
			return nil
		}
	}
}

func literalKey(e hclsyntax.Expression) (string, bool) {
	key, ok := e.(*hclsyntax.ObjectConsKeyExpr)
	if !ok {
		return "", false
	}
	if word := hcl.ExprAsKeyword(key.Wrapped); word != "" && !key.ForceNonLiteral {
		return word, true
	}
	return literalText(key.Wrapped)
}

// literalText returns the text of a string that is written out without interpolation.
func literalText(e hclsyntax.Expression) (string, bool) {
	switch e := e.(type) {
	case *hclsyntax.TemplateExpr:
		if e.IsStringLiteral() {
			v, _ := e.Value(nil)
			return v.AsString(), true
		}
	case *hclsyntax.LiteralValueExpr:
		if e.Val.Type() == cty.String && e.Val.IsKnown() && !e.Val.IsNull() {
			return e.Val.AsString(), true
		}
	}
	return "", false
}
