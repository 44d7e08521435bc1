package terragrunt

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/value"
)

// state says whether something is given.
type state uint8

const (
	absent  state = iota
	present       // it is
	maybe         // nobody knows: what it would be given by is unknown as a whole
)

// input is what the configs of a chain give to a variable.
type input struct {
	name  string
	state state
	owner *config              // in whose file it is written
	expr  hclsyntax.Expression // in whose value it lies
	rest  value.Path           // where in it
	at    hcl.Range
	under *input // what it is merged into, deep; nil when it replaces that
}

// find looks for a member in what an expression makes, without evaluating the other members of what is written out.
func find(c *config, e hclsyntax.Expression, name string) (input, state) {
	c.run.Charge(1)
	in := input{name: name, owner: c, expr: e, at: e.Range()}
	switch x := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return find(c, x.Expression, name)
	case *hclsyntax.ObjectConsExpr:
		open := false
		for i := len(x.Items) - 1; i >= 0; i-- {
			item := x.Items[i]
			key, ok := terraform.KeyOf(item.KeyExpr)
			if !ok {
				v, _ := c.run.Value(item.KeyExpr, c.ctx).UnmarkDeep()
				if !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
					open = true
					continue
				}
				key = v.AsString()
			}
			if key == name {
				in.expr, in.state = item.ValueExpr, present
				in.at = hcl.RangeBetween(item.KeyExpr.Range(), item.ValueExpr.Range())
				return in, present
			}
		}
		if open {
			in.state = maybe
		}
		return in, in.state
	}
	if call, ok := terraform.CallOf(e); ok && call.Name == "merge" && !call.ExpandFinal {
		for i := len(call.Args) - 1; i >= 0; i-- {
			if in, state := find(c, call.Args[i], name); state != absent {
				return in, state
			}
		}
		return in, absent
	}
	v, _ := c.run.Value(e, c.ctx).Unmark()
	switch t := v.Type(); {
	case !v.IsKnown():
		in.state = maybe
	case v.IsNull():
	case t.IsObjectType() && t.HasAttribute(name), t.IsMapType() && v.HasIndex(cty.StringVal(name)).True():
		in.state, in.rest = present, value.Path{{Name: name}}
	}
	return in, in.state
}

// value evaluates an input.
func (in *input) value() cty.Value {
	if in.state != present {
		return cty.DynamicVal
	}
	v := in.owner.run.Value(in.expr, in.owner.ctx)
	for _, step := range in.rest {
		plain, marks := v.Unmark()
		switch t := plain.Type(); {
		case plain.IsKnown() && !plain.IsNull() && t.IsObjectType() && t.HasAttribute(step.Name):
			v = plain.GetAttr(step.Name).WithMarks(marks)
		case plain.IsKnown() && !plain.IsNull() && t.IsMapType() && plain.HasIndex(cty.StringVal(step.Name)).True():
			v = plain.Index(cty.StringVal(step.Name)).WithMarks(marks)
		default:
			v = cty.DynamicVal.WithMarks(marks)
		}
	}
	if in.under != nil {
		return deepMerge(in.under.value(), v)
	}
	return v
}

// written tells where the value at p, inside of the input, is written.
func (in *input) written(p value.Path) (terraform.Written, bool) {
	if in.under != nil && len(p) > 0 {
		top := *in
		top.under = nil
		if !reaches(top.value(), p) {
			return in.under.written(p)
		}
	}
	return terraform.Written{Name: "inputs." + in.name + " in " + in.owner.file, Range: terraform.Place(in.at), Expr: in.expr, Context: in.owner.ctx,
		Rest: append(in.rest[:len(in.rest):len(in.rest)], p...)}, true
}

// reaches reports whether a value has something at a path of names.
func reaches(v cty.Value, p value.Path) bool {
	for _, step := range p {
		v, _ = v.Unmark()
		t := v.Type()
		switch {
		case step.Name == "" || !v.IsKnown() || v.IsNull():
			return true
		case t.IsObjectType() && t.HasAttribute(step.Name):
			v = v.GetAttr(step.Name)
		case t.IsMapType() && v.HasIndex(cty.StringVal(step.Name)).True():
			v = v.Index(cty.StringVal(step.Name))
		default:
			return false
		}
	}
	return true
}

// input returns what the config, with all that it includes, gives to a variable.
func (c *config) input(name string) (*input, state) {
	var have *input
	for _, l := range c.chain() {
		a := l.body.Attributes["inputs"]
		if a == nil {
			continue
		}
		next, state := find(l.config, a.Expr, name)
		switch {
		case state == absent:
		case have == nil:
			have = &next
		case have.state == present && l.deep && state == present:
			top := have
			for top.under != nil {
				top = top.under
			}
			top.under = &next
		}
	}
	if have == nil {
		return nil, absent
	}
	return have, have.state
}

// allInputs returns the inputs of the config, with all that it includes.
func (c *config) allInputs() cty.Value {
	out := cty.NilVal
	for _, l := range c.chain() {
		a := l.body.Attributes["inputs"]
		if a == nil {
			continue
		}
		v := l.attribute(a, "inputs of "+l.file)
		switch {
		case out == cty.NilVal:
			out = v
		case l.deep:
			out = deepMerge(v, out)
		default:
			out = shallowMerge(v, out)
		}
	}
	if out == cty.NilVal {
		return cty.EmptyObjectVal
	}
	return out
}

// lookup returns the expression behind a path into what an expression makes.
func lookup(c *config, e hclsyntax.Expression, p value.Path) (terraform.Written, bool) {
	if len(p) == 0 || p[0].Name == "" {
		return terraform.Written{Range: terraform.Place(e.Range()), Expr: e, Context: c.ctx, Rest: p}, true
	}
	in, state := find(c, e, p[0].Name)
	if state == absent {
		return terraform.Written{}, false
	}
	w, ok := in.written(p[1:])
	return w, ok
}
