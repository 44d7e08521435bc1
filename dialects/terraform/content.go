package terraform

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/source"
)

// content is an evaluated block: attributes as written and blocks after dynamic ones were expanded.
type content struct {
	block  *hclsyntax.Block // the content block of a dynamic one
	outer  *hclsyntax.Block // the dynamic block; else the same as block
	attrs  []written        // in source order
	groups []blockGroup     // by first appearance
	ctx    *hcl.EvalContext // of a dynamic one: with the iterator; nil when it is the same as outside
	maybe  bool             // it stands for zero or more blocks: the for_each of the dynamic one is unknown
}

type written struct {
	attr  *hclsyntax.Attribute
	value cty.Value
}

// blockGroup is the blocks of one name.
type blockGroup struct {
	name  string
	items []*content
	open  bool // a dynamic block is unknown: there may be none or more of its items
}

func (c *content) attribute(name string) *written {
	for i := range c.attrs {
		if c.attrs[i].attr.Name == name {
			return &c.attrs[i]
		}
	}
	return nil
}

func (c *content) group(name string) *blockGroup {
	for i := range c.groups {
		if c.groups[i].name == name {
			return &c.groups[i]
		}
	}
	return nil
}

func (c *content) add(name string, items []*content, open bool) {
	g := c.group(name)
	if g == nil {
		c.groups = append(c.groups, blockGroup{name: name})
		g = &c.groups[len(c.groups)-1]
	}
	g.items, g.open = append(g.items, items...), g.open || open
}

// untyped returns the blocks of a name as a tuple of objects, for types without a schema.
func (c *content) untyped(name string) cty.Value {
	g := c.group(name)
	if g == nil || g.open {
		return cty.DynamicVal
	}
	values := make([]cty.Value, len(g.items))
	for i, item := range g.items {
		fields := map[string]cty.Value{}
		for _, w := range item.attrs {
			fields[w.attr.Name] = w.value
		}
		for _, inner := range item.groups {
			fields[inner.name] = item.untyped(inner.name)
		}
		values[i] = cty.ObjectVal(fields)
	}
	return cty.TupleVal(values)
}

// content evaluates everything that is written in the resource.
func (i *instance) content() *content {
	if i.written != nil {
		return i.written
	}
	u := i.scope.unit
	out := &content{block: i.decl.block, outer: i.decl.block}
	u.demand(&i.blocks, i.address, i.decl.block.DefRange(), func() cty.Value {
		done := &content{block: i.decl.block, outer: i.decl.block}
		u.fillBlocks(done, i.decl.block.Body, i.ctx)
		out = done
		return cty.True
	})
	if i.blocks.state == done {
		i.written = out
	}
	return out
}

// inSource returns the attributes of a body in the order in which they are written.
func inSource(b *hclsyntax.Body) []*hclsyntax.Attribute {
	attrs := make([]*hclsyntax.Attribute, 0, len(b.Attributes))
	for _, a := range b.Attributes {
		attrs = append(attrs, a)
	}
	slices.SortFunc(attrs, func(a, b *hclsyntax.Attribute) int { return a.SrcRange.Start.Byte - b.SrcRange.Start.Byte })
	return attrs
}

func (u *evaluation) fill(c *content, b *hclsyntax.Body, ctx *hcl.EvalContext) {
	for _, a := range inSource(b) {
		c.attrs = append(c.attrs, written{attr: a, value: u.evaluate(a.Expr, ctx)})
	}
	u.fillBlocks(c, b, ctx)
}

func (u *evaluation) fillBlocks(c *content, b *hclsyntax.Body, ctx *hcl.EvalContext) {
	for _, block := range b.Blocks {
		switch {
		case metaBlocks[block.Type]:
		case block.Type == "dynamic" && len(block.Labels) == 1:
			u.fillDynamic(c, block, ctx)
		default:
			item := &content{block: block, outer: block}
			u.fill(item, block.Body, ctx)
			c.add(block.Type, []*content{item}, false)
		}
	}
}

// fillDynamic expands a dynamic block. When its for_each is not known, one block with an unknown iterator stands for all.
func (u *evaluation) fillDynamic(c *content, block *hclsyntax.Block, ctx *hcl.EvalContext) {
	name := block.Labels[0]
	each := block.Body.Attributes["for_each"]
	var inner *hclsyntax.Block
	for _, b := range block.Body.Blocks {
		if b.Type == "content" {
			inner = b
		}
	}
	if each == nil || inner == nil {
		u.problem(source.Invalid, place(block.DefRange()), "a dynamic block needs for_each and content")
		return
	}
	iterator := name
	if a := block.Body.Attributes["iterator"]; a != nil {
		if word, ok := wordOf(a.Expr); ok {
			iterator = word
		}
	}
	item := func(key, value cty.Value) *content {
		u.charge(blockSteps)
		child := ctx.NewChild()
		child.Variables = map[string]cty.Value{iterator: cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})}
		out := &content{block: inner, outer: block, ctx: child}
		u.fill(out, inner.Body, child)
		return out
	}
	v := u.evaluate(each.Expr, ctx)
	v, marks := v.Unmark()
	unknown := func() {
		value, key := cty.DynamicVal, cty.DynamicVal
		switch t := v.Type(); {
		case t.IsCollectionType():
			value = cty.UnknownVal(t.ElementType())
			if t.IsMapType() {
				key = cty.UnknownVal(cty.String).RefineNotNull()
			}
		case t.IsObjectType():
			value = commonType(t)
		}
		symbolic := item(key.WithMarks(marks), value.WithMarks(marks))
		symbolic.maybe = true
		c.add(name, []*content{symbolic}, true)
	}
	switch {
	case !v.IsKnown():
		unknown()
		return
	case v.IsNull() || !v.CanIterateElements():
		u.problem(source.Invalid, place(each.Expr.Range()), "for_each of a dynamic block must be a collection and is not")
		unknown()
		return
	case v.LengthInt() > u.limits.Instances:
		u.exceed("instances", each.Expr.Range(), "the dynamic block makes more than %d blocks; one stands for all", u.limits.Instances)
		unknown()
		return
	}
	open := false
	var items []*content
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if v.Type().IsSetType() {
			key = value
			open = open || !value.IsWhollyKnown()
		}
		items = append(items, item(key, value))
	}
	c.add(name, items, open)
}
