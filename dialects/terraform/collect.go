package terraform

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// handle is what a resource of the graph keeps of its evaluation, for questions and fixes.
type handle struct {
	scope    *scope           // the module instance that declares it
	block    *hclsyntax.Block // as merged with its overrides
	instance *instance        // of resources and data; nil for everything else
	content  *content         // of resources, data, providers and backends
	ctx      *hcl.EvalContext // in which its expressions evaluate
	schema   []schema.Attribute
	config   hclsyntax.Expression // of a backend that a wrapping language writes: its settings
}

// collect makes the resources of a module instance and of the modules that it calls.
func (u *evaluation) collect(s *scope) {
	for _, key := range sortedNames(s.module.resources) {
		d := s.module.resources[key]
		g := s.group(key)
		if d.mode == "ephemeral" {
			continue
		}
		for _, i := range g.instances {
			if i.off {
				continue
			}
			if !u.room(d.block) {
				return
			}
			u.contain(i.address, d.block.DefRange(), func() cty.Value {
				u.add(u.instanceResource(i))
				return cty.True
			})
		}
	}
	for _, key := range sortedNames(s.module.providers) {
		if p := s.provider(key); p != nil && p.owner == s {
			u.add(p.resource)
		}
	}
	u.collectDeclarations(s)
	for _, name := range sortedNames(s.module.calls) {
		g := s.child(name)
		if g.module == nil {
			u.missing = append(u.missing, resource.Missing{Address: g.address, Refs: u.argumentRefs(s, g)})
			continue
		}
		for _, child := range g.scopes {
			if child.at.off {
				continue
			}
			if u.ctx.Err() != nil {
				return
			}
			u.collect(child)
		}
	}
}

// room reports whether one more resource may be made.
func (u *evaluation) room(b *hclsyntax.Block) bool {
	if len(u.resources) < u.limits.Resources {
		return u.ctx.Err() == nil
	}
	u.exceed("resources", hcl.Range{Filename: b.DefRange().Filename}, "the unit has more than %d resources; the rest was not evaluated", u.limits.Resources)
	return false
}

func (u *evaluation) add(r *resource.Resource) { u.resources = append(u.resources, r) }

func (u *evaluation) base(s *scope, b *hclsyntax.Block) *resource.Resource {
	return &resource.Resource{
		Module: s.address, Dialect: "terraform", Calls: s.calls, Maybe: s.maybe,
		Range: source.Range{File: b.TypeRange.Filename, Start: b.TypeRange.Start.Byte, End: b.CloseBraceRange.End.Byte}, Header: place(b.DefRange()),
	}
}

func (u *evaluation) instanceResource(i *instance) *resource.Resource {
	s, d := i.scope, i.decl
	c := &content{block: d.block, outer: d.block}
	for _, a := range inSource(d.block.Body) {
		if !metaArguments[a.Name] {
			c.attrs = append(c.attrs, written{attr: a, value: i.wrote(a)})
		}
	}
	c.groups = i.content().groups
	var attributes []schema.Attribute
	if i.schema != nil {
		attributes = i.schema.Attributes
	}
	r := u.base(s, d.block)
	r.Address, r.Type, r.Name = i.address, d.typ, d.name
	r.Maybe = r.Maybe || i.open
	local := s.providerName(d)
	r.Provider, _, _ = strings.Cut(local, ".")
	b := &builder{}
	r.Body = b.body(c, attributes)
	r.Body.Range = r.Range
	r.Refs = b.refs
	r.Tags = tags(r, i.schema, s.provider(local))
	r.Handle = &handle{scope: s, block: d.block, instance: i, content: c, ctx: i.ctx, schema: attributes}
	return r
}

// argumentRefs returns what the arguments of a missing module refer to.
func (u *evaluation) argumentRefs(s *scope, g *moduleGroup) []string {
	found := map[string]bool{}
	for _, i := range g.instances {
		for _, a := range inSource(g.block.Body) {
			if moduleArguments[a.Name] {
				continue
			}
			v := u.contain(g.address, a.SrcRange, func() cty.Value { return u.evaluate(a.Expr, i.ctx) })
			_, marks := v.UnmarkDeep()
			for m := range marks {
				if o, ok := m.(origin); ok {
					found[o.address] = true
				}
			}
		}
	}
	return sortedNames(found)
}

// collectDeclarations makes the resources that stand for variables, outputs, module calls and the backend.
func (u *evaluation) collectDeclarations(s *scope) {
	for _, name := range sortedNames(s.module.variables) {
		v := s.module.variables[name]
		u.declared(s, v.block, "variable", "var."+name, variableBody(v))
	}
	for _, name := range sortedNames(s.module.outputs) {
		b := s.module.outputs[name]
		builder := &builder{}
		fields := literalFields(b, "description", "sensitive", "ephemeral")
		if a := b.Body.Attributes["value"]; a != nil {
			builder.path = value.Path{{Name: "value"}}
			v := builder.value(s.output(name), shape{}, a.Expr)
			v.Range = place(a.SrcRange)
			fields["value"] = v
		}
		r := u.declared(s, b, "output", "output."+name, fields)
		r.Refs = builder.refs
	}
	for _, name := range sortedNames(s.module.calls) {
		b := s.module.calls[name]
		u.declared(s, b, "module", "module."+name, literalFields(b, "source", "version"))
	}
	if u.backend != nil && s.parent == nil {
		u.add(u.wrappedBackend(s))
	} else if b := s.module.backend; b != nil && s.parent == nil {
		typ := "backend." + b.Labels[0]
		c := &content{block: b, outer: b}
		u.fill(c, b.Body, s.ctx)
		var attributes []schema.Attribute
		if known := u.set.Resource(typ); known != nil {
			attributes = known.Attributes
		}
		builder := &builder{}
		body := builder.body(c, attributes)
		r := u.base(s, b)
		r.Address, r.Type, r.Name, r.Body = typ, typ, b.Labels[0], body
		r.Body.Range = r.Range
		r.Handle = &handle{scope: s, block: b, content: c, ctx: s.ctx, schema: attributes}
		u.add(r)
	}
}

func (u *evaluation) declared(s *scope, b *hclsyntax.Block, typ, local string, fields map[string]value.Value) *resource.Resource {
	r := u.base(s, b)
	r.Address, r.Type, r.Name = s.within(local), typ, b.Labels[0]
	r.Body = value.Value{Kind: value.Object, Fields: sortedFields(fields), Range: r.Range}
	r.Handle = &handle{scope: s, block: b, ctx: s.ctx}
	u.add(r)
	return r
}

// literalFields returns the attributes of a declaration that must be literal.
func literalFields(b *hclsyntax.Block, names ...string) map[string]value.Value {
	fields := map[string]value.Value{}
	for _, name := range names {
		if a := b.Body.Attributes[name]; a != nil {
			v, _ := a.Expr.Value(nil)
			got := plainValue(v)
			if got.Kind != value.Null {
				got.Range = place(a.SrcRange)
				fields[name] = got
			}
		}
	}
	return fields
}

func variableBody(v *variable) map[string]value.Value {
	fields := literalFields(v.block, "description", "sensitive", "nullable", "ephemeral")
	if a := v.block.Body.Attributes["default"]; a != nil && v.fallback != cty.NilVal {
		var b builder
		got := b.value(v.fallback, shape{}, a.Expr)
		got.Range = place(a.SrcRange)
		fields["default"] = got
	}
	if a := v.block.Body.Attributes["type"]; a != nil {
		fields["type"] = value.Value{Kind: value.String, Text: typeName(v.typ), Range: place(a.SrcRange)}
	}
	return fields
}

// typeName writes a type constraint as the language does, objects without their attributes.
func typeName(t cty.Type) string {
	switch {
	case t == cty.DynamicPseudoType:
		return "any"
	case t.IsPrimitiveType():
		return t.FriendlyName()
	case t.IsListType():
		return "list(" + typeName(t.ElementType()) + ")"
	case t.IsSetType():
		return "set(" + typeName(t.ElementType()) + ")"
	case t.IsMapType():
		return "map(" + typeName(t.ElementType()) + ")"
	case t.IsObjectType():
		return "object"
	case t.IsTupleType():
		return "tuple"
	}
	return t.FriendlyName()
}

// body makes the body of a resource or block.
func (b *builder) body(c *content, attributes []schema.Attribute) value.Value {
	fields := make(map[string]value.Value, len(c.attrs)+len(c.groups))
	for i := range c.attrs {
		w := &c.attrs[i]
		b.path = append(b.path, value.Step{Name: w.attr.Name})
		sh := shape{}
		a := find(attributes, w.attr.Name)
		if a != nil {
			sh = shapeOf(a)
		}
		from := len(b.refs)
		v := b.value(w.value, sh, w.attr.Expr)
		if a != nil && (a.Nesting == schema.One || a.Nesting == schema.Single) && v.Kind == value.List && !v.Open {
			v = b.flatten(v, from)
		}
		b.path = b.path[:len(b.path)-1]
		if v.Kind == value.Null || v.Kind == value.Absent {
			continue
		}
		v.Range = place(w.attr.SrcRange)
		fields[w.attr.Name] = v
	}
	for i := range c.groups {
		g := &c.groups[i]
		a := find(attributes, g.name)
		b.path = append(b.path, value.Step{Name: g.name})
		if v := b.group(g, a); v.Kind != value.Absent {
			fields[g.name] = v
		}
		b.path = b.path[:len(b.path)-1]
	}
	return value.Value{Kind: value.Object, Fields: sortedFields(fields)}
}

// flatten makes the object of a list that is written for a block that occurs at most once. References since from lose the
// index.
func (b *builder) flatten(v value.Value, from int) value.Value {
	if len(v.Items) != 1 {
		return value.Value{}
	}
	at := len(b.path)
	for i := from; i < len(b.refs); i++ {
		if p := b.refs[i].Path; len(p) > at && p[at].Name == "" {
			b.refs[i].Path = slices.Delete(p, at, at+1)
		}
	}
	return v.Items[0]
}

func (b *builder) group(g *blockGroup, a *schema.Attribute) value.Value {
	var inner []schema.Attribute
	if a != nil {
		inner = a.Attributes
	}
	single := a != nil && (a.Nesting == schema.One || a.Nesting == schema.Single)
	if single && len(g.items) > 0 {
		if g.open && len(g.items) == 1 {
			// It may be there or not. What it would refer to is still an edge.
			b.body(g.items[0], inner)
			return value.Value{Kind: value.Unknown, Range: blockRange(g.items[0].outer)}
		}
		v := b.body(g.items[0], inner)
		v.Range = blockRange(g.items[0].outer)
		return v
	}
	if single {
		return value.Value{}
	}
	out := value.Value{Kind: value.List, Open: g.open, Items: make([]value.Value, 0, len(g.items))}
	for i, item := range g.items {
		b.path = append(b.path, value.Step{Index: i})
		v := b.body(item, inner)
		b.path = b.path[:len(b.path)-1]
		v.Range, v.Maybe = blockRange(item.outer), item.maybe
		out.Items = append(out.Items, v)
	}
	if len(out.Items) > 0 {
		out.Range = out.Items[0].Range
	}
	return out
}

func blockRange(b *hclsyntax.Block) source.Range {
	return source.Range{File: b.TypeRange.Filename, Start: b.TypeRange.Start.Byte, End: b.CloseBraceRange.End.Byte}
}

func find(attributes []schema.Attribute, name string) *schema.Attribute {
	i, ok := slices.BinarySearchFunc(attributes, name, func(a schema.Attribute, n string) int { return strings.Compare(a.Name, n) })
	if !ok {
		return nil
	}
	return &attributes[i]
}
