package translate

import (
	"errors"
	"fmt"
	"slices"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// block is a block of a table, ready to be applied: its rows are a tree that follows the native body, and every path on
// Terraform's side is one in a body that the schema shapes.
type block struct {
	source *schema.Block
	typ    string
	attrs  shape // of the whole body
	rows   []row
	hook   hook
	// Of companions: the row that makes it, in the block of its parent.
	parent    *block
	companion *row
}

// row is a row of a table, cut where a list begins: x[].a: y[].b is a row x: y for each element, with a row a: b in it.
type row struct {
	kind   schema.RowKind
	source *schema.Row
	native []schema.NameStep // without the [] at its end
	each   *schema.NameStep  // that [] or [Key!=word]; nil when there is none
	target value.Path        // in the body, relative to what encloses the row
	list   bool              // what the row makes is appended to a list at target
	group  bool              // it has rows of its own; else it is a leaf
	rows   []row
	shape  shape // of a leaf: what the schema wants. Of a group: the object that its rows write into

	when    []schema.Test // of Same: where they do not hold, nothing is there
	convert []conversion  // of leaves
	value   value.Value   // of Constant and Otherwise, as the schema wants it
	block   *block        // of Companion
	suffix  string        // of Companion: what tells it from others that the same property makes; mostly empty
}

// compile makes a block, and says what is wrong with it. What it returns works as far as it is right.
func compile(set *schema.Set, source *schema.Block) (*block, error) {
	c := compiler{set: set}
	b := c.block(source.Type, source.Where)
	b.source = source
	if source.Hook != "" {
		known := false
		if b.hook, known = hooks[source.Hook]; !known {
			c.fail(source.Where, "there is no hook %s", source.Hook)
		}
	}
	for _, y := range source.Yields {
		for _, a := range y.Attributes {
			if c.set.Resource(b.typ) != nil && !b.attrs.has(a) {
				c.fail(source.Where, "%s has no %s, which a reference to it is said to yield", b.typ, a)
			}
		}
	}
	b.rows = c.rows(b, b.attrs, source.Rows)
	c.suffixes(b)
	return b, errors.Join(c.errs...)
}

// compiler collects what is wrong.
type compiler struct {
	set  *schema.Set
	errs []error
}

func (c *compiler) fail(where, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("schema/names/%s: %s", where, fmt.Sprintf(format, args...)))
}

func (c *compiler) block(typ, where string) *block {
	b := &block{typ: typ}
	if r := c.set.Resource(typ); r != nil {
		b.attrs = shape{form: object, attributes: r.Attributes}
	} else {
		c.fail(where, "Terraform has no type %s", typ)
	}
	return b
}

func (c *compiler) rows(b *block, in shape, sources []schema.Row) []row {
	var out []row
	for i := range sources {
		if r := &sources[i]; r.Kind == schema.Companion {
			out = append(out, c.companion(b, r))
		} else {
			out = append(out, c.row(b, r, part{r.Native, r.Target, in}))
		}
	}
	return merge(out)
}

// part is what is left of a row when its beginning was cut off.
type part struct {
	native, target []schema.NameStep
	in             shape // of what encloses the target
}

// row compiles a row up to its first list; the rest becomes the rows within it.
func (c *compiler) row(b *block, source *schema.Row, p part) row {
	r := row{kind: source.Kind, source: source}
	rest := r.cut(p.native)
	if r.kind == schema.Nowhere {
		return r
	}
	if r.each == nil {
		r.when = source.When
	} else if len(rest) == 0 && len(source.When) > 0 {
		c.fail(source.Where, "a condition is about one value, not about a list")
	}
	at, targetRest, marked := c.walk(b, &r, p)
	inner := func(p part) []row {
		if len(p.native) == 0 && len(p.target) == 0 && len(source.Rows) > 0 {
			r.shape = p.in
			return c.rows(b, p.in, source.Rows)
		}
		return []row{c.row(b, source, p)}
	}
	switch {
	case r.each != nil && !marked:
		// A list on the left only: it has one element, and the whole of the right side is about that.
		r.group, r.list, r.target, r.shape = true, false, nil, p.in
		r.rows = inner(part{rest, p.target, p.in})
	case marked:
		r.group, r.shape = true, at.element()
		r.rows = inner(part{rest, targetRest, at.element()})
	case len(source.Rows) > 0:
		r.group = true
		if at.form == blocks {
			r.list, at = true, at.element()
		}
		r.shape = at
		r.rows = c.rows(b, at, source.Rows)
	default:
		r.shape = at
		var err error
		if r.convert, err = conversions(source.Convert); err != nil {
			c.fail(source.Where, "%v", err)
		}
		r.value = at.fit(source.Value)
		if r.kind != schema.Same && !at.admits(&r.value) {
			c.fail(source.Where, "%s is a %s, and this a %s", r.target, at, source.Value.Kind)
		}
	}
	return r
}

// cut takes the native path up to its first list, and returns what comes behind it.
func (r *row) cut(native []schema.NameStep) (rest []schema.NameStep) {
	for i := range native {
		if native[i].Each {
			r.native, r.each = native[:i], &native[i]
			return native[i+1:]
		}
	}
	r.native = native
	return nil
}

// walk follows the right side up to its first [], and says whether there is one. A [] or [0] at a block that occurs once is
// no step of the body.
func (c *compiler) walk(b *block, r *row, p part) (at shape, rest []schema.NameStep, marked bool) {
	at = p.in
	for i, step := range p.target {
		switch {
		case step.Key != "" || len(step.Aliases) > 0:
			c.fail(r.source.Where, "neither elements nor names are chosen on Terraform's side")
		case step.Name != "":
			if at.form == blocks {
				r.target, at = append(r.target, value.Step{}), at.element() // the first of them is meant
			}
			next, ok := at.member(step.Name)
			r.target = append(r.target, value.Step{Name: step.Name})
			if !ok {
				c.fail(r.source.Where, "%s has no %s", b.typ, r.target)
			}
			at = next
		case step.Each:
			if r.kind != schema.Same {
				c.fail(r.source.Where, "a value stands at one place")
			}
			if r.list = at.form != object; r.list && len(r.target) == 0 {
				c.fail(r.source.Where, "a list in a list has no name to stand under")
				r.list = false
			}
			return at, p.target[i+1:], true
		default:
			if at.form != object {
				r.target = append(r.target, value.Step{Index: step.Index})
			}
			at = at.element()
		}
	}
	return at, nil, false
}

func (c *compiler) companion(b *block, source *schema.Row) row {
	r := row{kind: schema.Companion, source: source}
	if rest := r.cut(source.Native); len(rest) > 0 {
		// x[].y -> T: for each element, the companion of its y.
		inner := *source
		inner.Native = rest
		r.kind, r.group, r.shape = schema.Same, true, shape{}
		r.rows = []row{c.companion(b, &inner)}
		return r
	}
	r.block = c.block(source.Type, source.Where)
	r.block.parent, r.block.source = b, b.source
	for _, link := range source.Links {
		if !r.block.attrs.has(link.Attribute) {
			c.fail(source.Where, "%s has no %s", r.block.typ, link.Attribute)
		}
		if !b.attrs.has(link.Parent) {
			c.fail(source.Where, "%s has no %s", b.typ, link.Parent)
		}
	}
	r.block.rows = c.rows(r.block, r.block.attrs, source.Rows)
	return r
}

// suffixes gives the companions that come from the same property names that differ, and every companion block its row.
func (c *compiler) suffixes(b *block) {
	seen := map[string]bool{}
	var visit func(b *block, path string, rows []row)
	visit = func(b *block, path string, rows []row) {
		for i := range rows {
			r := &rows[i]
			at := path + "." + nativeText(r.native)
			if r.kind == schema.Companion {
				if len(r.native) == 0 || seen[at] {
					r.suffix = r.block.typ
					at += "." + r.suffix
				}
				if seen[at] {
					c.fail(r.source.Where, "two companions come from one property and have one type")
				}
				seen[at] = true
				r.block.companion = r
				visit(r.block, at, r.block.rows)
			}
			visit(b, at, r.rows)
		}
	}
	visit(b, "", b.rows)
}

func nativeText(steps []schema.NameStep) string {
	out := ""
	for _, s := range steps {
		out += s.Name + s.Key + "."
	}
	return out
}

// merge joins the rows that go through the same list into the same list, so that they write into the same elements.
func merge(rows []row) []row {
	out := rows[:0]
next:
	for _, r := range rows {
		for i := range out {
			if o := &out[i]; r.group && o.group && o.joins(&r) {
				o.rows = merge(append(slices.Clone(o.rows), r.rows...))
				continue next
			}
		}
		out = append(out, r)
	}
	return out
}

func (r *row) joins(o *row) bool {
	return len(r.when) == 0 && len(o.when) == 0 && r.list == o.list && (r.each == nil) == (o.each == nil) && (r.each == nil || sameStep(*r.each, *o.each)) &&
		slices.EqualFunc(r.native, o.native, sameStep) && slices.Equal(r.target, o.target)
}

func sameStep(a, b schema.NameStep) bool {
	return a.Name == b.Name && a.Each == b.Each && a.Map == b.Map && a.Index == b.Index && a.Key == b.Key && slices.Equal(a.Words, b.Words)
}
