package terraform

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/source"
)

// expansion is what count and for_each make of one block. Where they are not known it has a single symbolic instance, so
// that nothing is dropped.
type expansion struct {
	keyed     bool // count or for_each is written
	byName    bool // by for_each
	open      bool // nobody knows how many: instances holds the symbolic one
	instances []*instance
	byKey     map[string]*instance
}

// instance is one instance of a block: its key and where its expressions are evaluated.
type instance struct {
	scope   *scope
	decl    *declaration // nil for module calls
	open    bool         // symbolic
	off     bool         // switched off: it is not there
	key     string       // as written in addresses: [0], ["a"]; empty without a key
	address string
	ctx     *hcl.EvalContext
	state   // of resources
}

// keyText writes an instance key as addresses do.
func keyText(key cty.Value) string {
	if key.Type() == cty.Number {
		return "[" + key.AsBigFloat().Text('f', 0) + "]"
	}
	return textKey(key.AsString())
}

// textKey writes the key of an instance of for_each.
func textKey(text string) string {
	var b strings.Builder
	b.WriteString(`["`)
	for i, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case (r == '$' || r == '%') && strings.HasPrefix(text[i+1:], "{"):
			b.WriteRune(r)
			b.WriteRune(r)
		case !strconv.IsPrint(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case !strconv.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteString(`"]`)
	return b.String()
}

// expand evaluates count or for_each of a block. name is the address without a key.
func (s *scope) expand(b *hclsyntax.Block, name string) *expansion {
	x := &expansion{byKey: map[string]*instance{}}
	count, each := b.Body.Attributes["count"], b.Body.Attributes["for_each"]
	switch {
	case each != nil:
		x.keyed, x.byName = true, true
		s.eachInstances(x, each.Expr, name)
	case count != nil:
		x.keyed = true
		s.countInstances(x, count.Expr, name)
	default:
		i := &instance{scope: s, address: name, ctx: s.ctx}
		i.open, i.off = s.enabled(b)
		x.instances = []*instance{i}
	}
	return x
}

// enabled reads OpenTofu's switch in the lifecycle of a block: whether nobody knows how it stands, and whether it is off.
func (s *scope) enabled(b *hclsyntax.Block) (open, off bool) {
	for _, inner := range b.Body.Blocks {
		if a := inner.Body.Attributes["enabled"]; inner.Type == "lifecycle" && a != nil {
			v, _ := s.unit.evaluate(a.Expr, s.ctx).UnmarkDeep()
			v, err := convertTo(v, cty.Bool)
			return err == nil && !v.IsKnown(), err == nil && v.IsKnown() && !v.IsNull() && v.False()
		}
	}
	return false, false
}

func (x *expansion) add(s *scope, name string, key cty.Value, variable string, fields map[string]cty.Value) {
	s.unit.charge(instanceSteps)
	i := &instance{scope: s, key: keyText(key), ctx: s.ctx.NewChild()}
	i.address = name + i.key
	i.ctx.Variables = map[string]cty.Value{variable: cty.ObjectVal(fields)}
	x.instances = append(x.instances, i)
	x.byKey[i.key] = i
}

// symbolic makes the one instance that stands for however many there will be.
func (x *expansion) symbolic(s *scope, name, variable string, fields map[string]cty.Value) {
	x.open = true
	i := &instance{scope: s, open: true, address: name, ctx: s.ctx.NewChild()}
	i.ctx.Variables = map[string]cty.Value{variable: cty.ObjectVal(fields)}
	x.instances = []*instance{i}
}

func (s *scope) countInstances(x *expansion, e hclsyntax.Expression, name string) {
	u := s.unit
	unknown := func() {
		x.symbolic(s, name, "count", map[string]cty.Value{"index": cty.UnknownVal(cty.Number).RefineNotNull()})
	}
	v, _ := u.evaluate(e, s.ctx).UnmarkDeep()
	if !v.IsKnown() {
		unknown()
		return
	}
	n, err := convertTo(v, cty.Number)
	if err != nil || n.IsNull() {
		u.problem(source.Invalid, place(e.Range()), "count must be a number and is not")
		unknown()
		return
	}
	size, exact := n.AsBigFloat().Int64()
	switch {
	case exact != big.Exact || size < 0:
		u.problem(source.Invalid, place(e.Range()), "count must be a whole number that is not negative")
		unknown()
		return
	case size > int64(u.limits.Instances):
		u.exceed("instances", e.Range(), "%s has more than %d instances; one stands for all", name, u.limits.Instances)
		unknown()
		return
	}
	for i := range size {
		key := cty.NumberIntVal(i)
		x.add(s, name, key, "count", map[string]cty.Value{"index": key})
	}
}

func (s *scope) eachInstances(x *expansion, e hclsyntax.Expression, name string) {
	u := s.unit
	v, _ := u.evaluate(e, s.ctx).Unmark()
	unknown := func() {
		key := cty.UnknownVal(cty.String).RefineNotNull()
		item := cty.DynamicVal
		switch t := v.Type(); {
		case t.IsMapType():
			item = cty.UnknownVal(t.ElementType())
		case t.IsSetType():
			item = key
		case t.IsObjectType():
			item = commonType(t)
		}
		x.symbolic(s, name, "each", map[string]cty.Value{"key": key, "value": item})
	}
	invalid := func(message string) {
		u.problem(source.Invalid, place(e.Range()), message)
		unknown()
	}
	switch t := v.Type(); {
	case !v.IsKnown():
		unknown()
		return
	case v.IsNull():
		invalid("for_each must not be null")
		return
	case !t.IsMapType() && !t.IsObjectType() && !t.IsSetType():
		invalid("for_each must be a map or a set of strings and is " + t.FriendlyName())
		return
	case v.LengthInt() > u.limits.Instances:
		u.exceed("instances", e.Range(), "%s has more than %d instances; one stands for all", name, u.limits.Instances)
		unknown()
		return
	case t.IsSetType():
		for it := v.ElementIterator(); it.Next(); {
			switch _, k := it.Element(); {
			case !k.IsKnown():
				unknown()
				return
			case k.IsNull() || k.Type() != cty.String:
				invalid("for_each over a set takes strings that are not null")
				return
			}
		}
	}
	for it := v.ElementIterator(); it.Next(); {
		k, item := it.Element()
		k, _ = k.Unmark()
		if v.Type().IsSetType() {
			k = item
		}
		x.add(s, name, k, "each", map[string]cty.Value{"key": k, "value": item})
	}
}

// commonType returns an unknown of the type that all attributes of an object share.
func commonType(t cty.Type) cty.Value {
	found := cty.NilType
	for _, a := range t.AttributeTypes() {
		if found != cty.NilType && !found.Equals(a) {
			return cty.DynamicVal
		}
		found = a
	}
	if found == cty.NilType {
		return cty.DynamicVal
	}
	return cty.UnknownVal(found)
}

// at returns the instance that an index names: nil when there is none.
func (x *expansion) at(key cty.Value) *instance {
	if x.open {
		return x.instances[0]
	}
	want := cty.Number
	if x.byName {
		want = cty.String
	}
	key, err := convertTo(key, want)
	if err != nil || !key.IsKnown() || key.IsNull() {
		return nil
	}
	return x.byKey[keyText(key)]
}

// pick reads the key off the steps behind a name: the instance and the steps behind the key. It returns nil when the
// steps do not begin with a key, or (with a diagnostic) when there is no such instance.
func (x *expansion) pick(steps hcl.Traversal, whole hcl.Traversal, name string) (*instance, hcl.Traversal, hcl.Diagnostics) {
	if !x.keyed {
		return x.instances[0], steps, nil
	}
	if len(steps) == 0 {
		return nil, steps, nil
	}
	var key cty.Value
	switch step := steps[0].(type) {
	case hcl.TraverseIndex:
		key = step.Key
	case hcl.TraverseAttr:
		if !x.byName {
			return nil, steps, hcl.Diagnostics{failure(whole.SourceRange(), "Missing instance key",
				"%s has count, so that its attributes belong to instances: %s[0].%s", name, name, step.Name)}
		}
		key = cty.StringVal(step.Name)
		if x.open {
			return nil, steps, nil
		}
	default:
		return nil, steps, nil
	}
	if i := x.at(key); i != nil {
		return i, steps[1:], nil
	}
	return nil, steps, hcl.Diagnostics{failure(whole.SourceRange(), "Invalid index", "%s has no instance with this key", name)}
}
