package terraform

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// state is what is known of a resource instance so far.
type state struct {
	schema     *schema.Resource                   // nil when the type is unknown
	raw        map[*hclsyntax.Attribute]cty.Value // top-level attributes as written
	attributes map[string]*cell                   // as others see them
	all        cell                               // all of them as one object
	written    *content                           // the whole configuration, evaluated
	blocks     cell                               // guards written against cycles
}

// group is a resource with its instances.
type group struct {
	*expansion
	decl    *declaration
	unit    *evaluation
	address string // without key
	schema  *schema.Resource
	whole   cell
}

// group returns the resource of that name in this module; nil when there is none.
func (s *scope) group(key string) *group {
	if g, ok := s.groups[key]; ok {
		return g
	}
	d := s.module.resources[key]
	if d == nil {
		return nil
	}
	u := s.unit
	g := &group{unit: u, decl: d, address: s.within(d.key), schema: u.set.Resource(d.typ)}
	// While count or for_each is evaluated, a reference back finds the symbolic instance of a group that is open.
	g.expansion = &expansion{keyed: true}
	g.expansion.symbolic(s, g.address, "each", map[string]cty.Value{"key": cty.DynamicVal, "value": cty.DynamicVal})
	g.own()
	s.groups[key] = g
	u.contain(g.address, d.block.DefRange(), func() cty.Value {
		x := s.expand(d.block, g.address)
		g.expansion = x
		return cty.DynamicVal
	})
	g.own()
	g.whole = cell{}
	return g
}

func (g *group) own() {
	for _, i := range g.instances {
		i.decl = g.decl
		i.state = state{schema: g.schema, raw: map[*hclsyntax.Attribute]cty.Value{}, attributes: map[string]*cell{}}
	}
}

// resourceValue returns what a reference to a resource names; the first steps of t are the resource itself.
func (s *scope) resourceValue(t hcl.Traversal, key string, steps int) (cty.Value, hcl.Diagnostics) {
	g := s.group(key)
	if g == nil {
		return s.undeclared(t, "resource", key, sortedNames(s.module.resources))
	}
	i, rest, diags := g.pick(t[steps:], t, key)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	if i == nil {
		return onward(rest, g.value())
	}
	if len(rest) > 0 {
		if name, ok := attrName(rest, 0); ok {
			return onward(rest[1:], i.attribute(name))
		}
	}
	return onward(rest, i.object())
}

// value returns the resource as a whole: an object, or a tuple or object of them.
func (g *group) value() cty.Value {
	u := g.unit
	return u.demand(&g.whole, g.address, g.decl.block.DefRange(), func() cty.Value {
		if g.open {
			v := cty.DynamicVal
			if g.schema != nil {
				t := u.objectType(g.schema)
				switch {
				case t.HasDynamicTypes():
				case g.byName:
					v = cty.UnknownVal(cty.Map(t)).RefineNotNull()
				default:
					v = cty.UnknownVal(cty.List(t)).RefineNotNull()
				}
			}
			return v.Mark(origin{address: g.address})
		}
		if g.byName {
			values := make(map[string]cty.Value, len(g.instances))
			for _, i := range g.instances {
				values[i.ctx.Variables["each"].GetAttr("key").AsString()] = i.object()
			}
			return cty.ObjectVal(values)
		}
		values := make([]cty.Value, len(g.instances))
		for n, i := range g.instances {
			values[n] = i.object()
		}
		return cty.TupleVal(values)
	})
}

// metaArguments belong to the language and not to the resource.
var metaArguments = map[string]bool{"count": true, "for_each": true, "provider": true, "depends_on": true}

// metaBlocks likewise.
var metaBlocks = map[string]bool{"lifecycle": true, "provisioner": true, "connection": true}

// wrote returns a top-level attribute as it was evaluated.
func (i *instance) wrote(a *hclsyntax.Attribute) cty.Value {
	v, ok := i.raw[a]
	if !ok {
		v = i.scope.unit.evaluate(a.Expr, i.ctx)
		i.raw[a] = v
	}
	return v
}

// attribute returns an attribute as references see it: converted by the schema, and where nothing was written, unknown if
// the provider computes it and null if not. It carries the mark of where it was read.
func (i *instance) attribute(name string) cty.Value {
	u := i.scope.unit
	return u.demand(cellIn(i.attributes, name), i.address+"."+name, i.decl.block.DefRange(), func() cty.Value {
		return i.complete(name).Mark(origin{address: i.address, attribute: name})
	})
}

func (i *instance) complete(name string) cty.Value {
	u := i.scope.unit
	if v, ok := i.special(name); ok {
		return v
	}
	a := i.decl.block.Body.Attributes[name]
	if metaArguments[name] {
		a = nil
	}
	if i.schema == nil {
		switch {
		case a != nil:
			return i.wrote(a)
		case slices.ContainsFunc(i.decl.block.Body.Blocks, func(b *hclsyntax.Block) bool { return blockName(b) == name }):
			return i.content().untyped(name)
		}
		return cty.DynamicVal
	}
	sa := i.schema.Attribute(name)
	switch {
	case sa == nil && a != nil:
		return i.wrote(a)
	case sa == nil:
		return cty.DynamicVal // of another version of the provider
	case a != nil:
		return u.fit(i.wrote(a), sa, a.Expr.Range())
	case sa.Nesting != schema.None:
		return u.blocksValue(i.content().group(name), sa)
	}
	return u.kind(sa).absent(sa)
}

// object returns the whole instance.
func (i *instance) object() cty.Value {
	u := i.scope.unit
	return u.demand(&i.all, i.address, i.decl.block.DefRange(), func() cty.Value {
		if i.schema == nil {
			return cty.DynamicVal.Mark(origin{address: i.address})
		}
		values := make(map[string]cty.Value, len(i.schema.Attributes))
		for n := range i.schema.Attributes {
			name := i.schema.Attributes[n].Name
			values[name] = i.attribute(name)
		}
		for _, a := range inSource(i.decl.block.Body) {
			if _, ok := values[a.Name]; !ok && !metaArguments[a.Name] {
				values[a.Name] = i.attribute(a.Name)
			}
		}
		return cty.ObjectVal(values)
	})
}

// fit gives a written value the type of its attribute. Null counts as not written.
func (u *evaluation) fit(v cty.Value, a *schema.Attribute, where hcl.Range) cty.Value {
	k := u.kind(a)
	converted, err := convertTo(v, k.loose)
	if err != nil {
		u.problem(source.Invalid, place(where), "the value of "+a.Name+" does not have the type of the attribute: "+err.Error())
		_, marks := v.UnmarkDeep()
		return cty.UnknownVal(k.exact).WithMarks(marks)
	}
	if plain, marks := converted.Unmark(); plain.IsNull() {
		return k.absent(a).WithMarks(marks)
	}
	return converted
}

// kind is what cty needs to know of an attribute.
type kind struct {
	exact cty.Type
	loose cty.Type // with every attribute of an object optional
}

// kind returns the types of an attribute of the schema, made once.
func (u *evaluation) kind(a *schema.Attribute) kind {
	if k, ok := u.kinds.Load(a); ok {
		return k.(kind)
	}
	k := kind{exact: ctyType(a.Type)}
	k.loose = k.exact
	if a.Nesting != schema.None {
		types := make(map[string]cty.Type, len(a.Attributes))
		loose := make(map[string]cty.Type, len(a.Attributes))
		names := make([]string, 0, len(a.Attributes))
		for i := range a.Attributes {
			inner := u.kind(&a.Attributes[i])
			name := a.Attributes[i].Name
			types[name], loose[name], names = inner.exact, inner.loose, append(names, name)
		}
		k.exact, k.loose = cty.Object(types), cty.ObjectWithOptionalAttrs(loose, names)
		if a.Nesting != schema.Single {
			wrap := cty.List
			if a.Nesting == schema.Unordered {
				wrap = cty.Set
			}
			if k.exact.HasDynamicTypes() {
				k.exact, k.loose = cty.DynamicPseudoType, cty.DynamicPseudoType
			} else {
				k.exact, k.loose = wrap(k.exact), wrap(k.loose)
			}
		}
	}
	u.kinds.Store(a, k)
	return k
}

// objectType returns the type of a whole resource.
func (u *evaluation) objectType(r *schema.Resource) cty.Type {
	if t, ok := u.kinds.Load(r); ok {
		return t.(cty.Type)
	}
	types := make(map[string]cty.Type, len(r.Attributes))
	for i := range r.Attributes {
		types[r.Attributes[i].Name] = u.kind(&r.Attributes[i]).exact
	}
	t := cty.Object(types)
	u.kinds.Store(r, t)
	return t
}

func ctyType(t schema.Type) cty.Type {
	switch t.Kind {
	case schema.String:
		return cty.String
	case schema.Number:
		return cty.Number
	case schema.Bool:
		return cty.Bool
	case schema.ListOf:
		return cty.List(ctyType(elem(t)))
	case schema.SetOf:
		return cty.Set(ctyType(elem(t)))
	case schema.MapOf:
		return cty.Map(ctyType(elem(t)))
	}
	return cty.DynamicPseudoType
}

// ownNames are the attributes that say which resource it is. Where nobody writes one, the provider makes one up.
var ownNames = map[string]bool{"id": true, "arn": true, "name": true, "identifier": true, "cluster_identifier": true, "bucket": true}

// absent returns what stands for an attribute that nobody wrote.
func (k kind) absent(a *schema.Attribute) cty.Value {
	switch {
	case a.Computed && a.Name == "arn" && k.exact == cty.String:
		// Only AWS has ARNs, and every one begins like this in all of its partitions.
		return cty.UnknownVal(cty.String).Refine().NotNull().StringPrefixFull("arn:").NewValue()
	case a.Computed && (!a.Optional || ownNames[a.Name]) && k.exact != cty.DynamicPseudoType:
		return cty.UnknownVal(k.exact).RefineNotNull()
	case a.Computed:
		return cty.UnknownVal(k.exact)
	case a.Nesting == schema.List || a.Nesting == schema.One || a.Nesting == schema.Unordered:
		switch {
		case k.exact.IsListType():
			return cty.ListValEmpty(k.exact.ElementType())
		case k.exact.IsSetType():
			return cty.SetValEmpty(k.exact.ElementType())
		}
		return cty.EmptyTupleVal
	}
	return cty.NullVal(k.exact)
}

// blocksValue returns blocks as references see them.
func (u *evaluation) blocksValue(g *blockGroup, a *schema.Attribute) cty.Value {
	k := u.kind(a)
	switch {
	case g == nil || len(g.items) == 0 && !g.open:
		return k.absent(a)
	case g.open:
		return cty.UnknownVal(k.exact)
	}
	values := make([]cty.Value, len(g.items))
	for i, item := range g.items {
		values[i] = u.blockValue(item, a.Attributes)
	}
	switch {
	case a.Nesting == schema.Single:
		return values[0]
	case k.exact.IsListType():
		return cty.ListVal(values)
	case k.exact.IsSetType():
		return cty.SetVal(values)
	}
	return cty.TupleVal(values)
}

func (u *evaluation) blockValue(c *content, attributes []schema.Attribute) cty.Value {
	values := make(map[string]cty.Value, len(attributes))
	for i := range attributes {
		a := &attributes[i]
		if w := c.attribute(a.Name); w != nil {
			values[a.Name] = u.fit(w.value, a, w.attr.Expr.Range())
		} else {
			values[a.Name] = u.blocksOrAbsent(c, a)
		}
	}
	return cty.ObjectVal(values)
}

func (u *evaluation) blocksOrAbsent(c *content, a *schema.Attribute) cty.Value {
	if a.Nesting == schema.None {
		return u.kind(a).absent(a)
	}
	return u.blocksValue(c.group(a.Name), a)
}

// contextOf returns where the expressions of the resource evaluate, for its first instance.
func (g *group) contextOf() *hcl.EvalContext {
	if len(g.instances) == 0 {
		return nil
	}
	return g.instances[0].ctx
}
