// Package edit changes the text of Terraform blocks: it lowers wishes about attributes to the smallest edits that keep
// comments, layout and line ends, and that leave a file formatted as terraform fmt would when it was so before.
//
// It knows text and the schema's names. Evaluation, references and provenance are the business of the package above.
package edit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Target is the block that wishes are about.
type Target struct {
	File   *source.File
	Block  *hclsyntax.Block
	Schema []schema.Attribute       // what the block may hold; nil when nobody knows
	Ref    func(path string) string // how "${this.path}" is written; nil when there is no this
}

// Wishes lowers changes of kind set, remove and add, all at once: two wishes about one missing block make one block. What
// already is as wished, as a literal, needs no edit. The error says what stands in the way. Edits are in order of position
// and do not overlap.
func Wishes(t Target, changes []resource.Change) ([]source.Edit, error) {
	e := &editor{file: t.File, writer: writer{ref: t.Ref}}
	if err := e.block(t.Block, t.Schema, wishesOf(changes)); err != nil {
		return nil, err
	}
	return e.sorted(), nil
}

// Assign lowers changes, whose paths lead from the expression's value, to edits of the expression. An empty path stands for
// the whole expression.
func Assign(t Target, expr hclsyntax.Expression, changes []resource.Change) ([]source.Edit, error) {
	e := &editor{file: t.File, writer: writer{ref: t.Ref}}
	if err := e.expression(expr, wishesOf(changes)); err != nil {
		return nil, err
	}
	return e.sorted(), nil
}

// wish is a change with what is left of its path.
type wish struct {
	op    resource.ChangeOp
	path  value.Path
	value value.Value
}

func wishesOf(changes []resource.Change) []wish {
	var out []wish
	for _, c := range changes {
		if c.Op != resource.Create {
			out = append(out, wish{c.Op, c.Path, c.Value})
		}
	}
	return out
}

// group is the wishes that share their first step, without it.
type group struct {
	step   value.Step
	wishes []wish
}

// groups splits wishes by their first step, in the order in which the steps are first met.
func groups(wishes []wish) []group {
	var out []group
	for _, w := range wishes {
		i := slices.IndexFunc(out, func(g group) bool { return g.step == w.path[0] })
		if i < 0 {
			i = len(out)
			out = append(out, group{step: w.path[0]})
		}
		out[i].wishes = append(out[i].wishes, wish{w.op, w.path[1:], w.value})
	}
	return out
}

// indexed splits the wishes on a repeated block into those about all elements and those about one of them.
func indexed(wishes []wish) (all []wish, one map[int][]wish) {
	one = make(map[int][]wish)
	for _, w := range wishes {
		if len(w.path) > 0 && w.path[0].Name == "" {
			i := w.path[0].Index
			one[i] = append(one[i], wish{w.op, w.path[1:], w.value})
		} else {
			all = append(all, w)
		}
	}
	return all, one
}

// editor collects the edits of one file.
type editor struct {
	writer
	file      *source.File
	edits     []source.Edit
	iterators []string // names of the dynamic blocks around
}

func (e *editor) replace(start, end int, text string) {
	r := source.Range{File: e.file.Path, Start: start, End: end}
	if string(e.file.Bytes[start:end]) != text {
		e.edits = append(e.edits, source.Edit{Range: r, Text: text})
	}
}

func (e *editor) sorted() []source.Edit {
	slices.SortStableFunc(e.edits, func(a, b source.Edit) int { return a.Range.Start - b.Range.Start })
	return e.edits
}

// refuse is an error about the place of a range.
func (e *editor) refuse(r hcl.Range, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", e.file.Path, r.Start.Line, fmt.Sprintf(format, args...))
}

// addition is what is still to be written into a block.
type addition struct {
	attributes []assignment
	blocks     []newBlock
}

type assignment struct{ name, text string }

type newBlock struct {
	name  string
	lines []string
}

// block lowers the wishes on a block's body.
func (e *editor) block(b *hclsyntax.Block, attrs []schema.Attribute, wishes []wish) error {
	lay := e.layout(b)
	var add addition
	removed := make(map[hclsyntax.Node]bool)
	for _, g := range groups(wishes) {
		if g.step.Name == "" {
			return e.refuse(b.Range(), "a block has no elements")
		}
		a := find(attrs, g.step.Name)
		if len(attrs) > 0 && !known(attrs, a.Name) {
			return e.refuse(b.Range(), "%s has no attribute %s", strings.Join(append([]string{b.Type}, b.Labels...), " "), a.Name)
		}
		if err := e.member(b, &lay, a, g, &add, removed); err != nil {
			return err
		}
	}
	e.remove(b, removed)
	e.insert(b, lay, add, removed)
	return nil
}

// language are the blocks and attributes that every resource may hold.
var language = []string{"count", "for_each", "provider", "depends_on", "lifecycle", "connection", "provisioner"}

// find returns the schema of a name. An attribute of no schema is a guess: it has only its name.
func find(attrs []schema.Attribute, name string) *schema.Attribute {
	for i := range attrs {
		if attrs[i].Name == name {
			return &attrs[i]
		}
	}
	return &schema.Attribute{Name: name, Optional: true}
}

func known(attrs []schema.Attribute, name string) bool {
	return slices.ContainsFunc(attrs, func(a schema.Attribute) bool { return a.Name == name }) || slices.Contains(language, name)
}

// isBlock reports whether the attribute is written as a block.
func isBlock(a *schema.Attribute) bool {
	switch a.Nesting {
	case schema.One, schema.List, schema.Unordered:
		return a.Optional || a.Required || !a.Computed
	case schema.Single:
		return a.Name == "timeouts" // the only one that providers declare as a block; others are objects
	}
	return false
}

// member lowers the wishes about one name of a block.
func (e *editor) member(b *hclsyntax.Block, lay *layout, a *schema.Attribute, g group, add *addition, removed map[hclsyntax.Node]bool) error {
	name := g.step.Name
	for _, w := range g.wishes {
		if w.op == resource.Set && len(w.path) == 0 {
			if err := fits(a, &w.value); err != nil {
				return err
			}
		}
	}
	if a.Computed && !a.Optional && !a.Required {
		return e.refuse(b.Range(), "%s is decided by the provider and cannot be written", name)
	}
	if attr := b.Body.Attributes[name]; attr != nil {
		rest := make([]wish, 0, len(g.wishes))
		for _, w := range g.wishes {
			switch {
			case w.op == resource.Remove && len(w.path) == 0:
				removed[attr] = true
			case w.op == resource.Add && len(w.path) == 0:
				if t, ok := attr.Expr.(*hclsyntax.TupleConsExpr); ok {
					text, err := e.expr(w.value, lay.indent)
					if err != nil {
						return err
					}
					e.append(t.Range(), ranges(t.Exprs), text)
					continue
				}
				return e.refuse(attr.SrcRange, "%s is not a list that can be added to", name)
			default:
				rest = append(rest, w)
			}
		}
		if removed[attr] {
			return nil
		}
		return e.expression(attr.Expr, rest)
	}
	existing := nested(b.Body, name)
	if isBlock(a) || len(existing) > 0 {
		return e.blocks(b, lay, a, existing, g.wishes, add, removed)
	}
	var keep []wish
	for _, w := range g.wishes {
		if w.op == resource.Set {
			keep = append(keep, w)
		} else if w.op == resource.Add {
			v := w.value
			if len(w.path) == 0 && a.Nesting != schema.None {
				v = value.Value{Kind: value.List, Items: []value.Value{v}}
			}
			keep = append(keep, wish{resource.Set, w.path, v})
		}
	}
	if len(keep) == 0 {
		return nil // it is not there, as wished
	}
	v, err := built(keep)
	if err != nil {
		return e.refuse(b.Range(), "%s: %v", name, err)
	}
	text, err := e.expr(v, lay.indent)
	if err != nil {
		return err
	}
	add.attributes = append(add.attributes, assignment{name, text})
	return nil
}

// nested returns the blocks of a name and the dynamic blocks that make such.
func nested(body *hclsyntax.Body, name string) []*hclsyntax.Block {
	var out []*hclsyntax.Block
	for _, n := range body.Blocks {
		if n.Type == name || n.Type == "dynamic" && len(n.Labels) == 1 && n.Labels[0] == name {
			out = append(out, n)
		}
	}
	return out
}

// blocks lowers the wishes about a nested block, given those that exist.
func (e *editor) blocks(b *hclsyntax.Block, lay *layout, a *schema.Attribute, existing []*hclsyntax.Block, wishes []wish, add *addition, removed map[hclsyntax.Node]bool) error {
	var deeper []wish
	for _, w := range wishes {
		switch {
		case w.op == resource.Remove && len(w.path) == 0:
			for _, n := range existing {
				removed[n] = true
			}
		case w.op == resource.Remove && len(w.path) == 1 && w.path[0].Name == "":
			n, err := e.element(b, a, existing, w.path[0].Index)
			if err != nil {
				return err
			}
			removed[n] = true
		case w.op == resource.Set && len(w.path) == 0, w.op == resource.Add && len(w.path) == 0:
			if w.op == resource.Set && len(existing) > 0 {
				deeper = append(deeper, spread(w)...)
				continue
			}
			blocks, err := e.newBlocks(a, w.value, lay.indent, lay.unit)
			if err != nil {
				return err
			}
			add.blocks = append(add.blocks, blocks...)
		default:
			deeper = append(deeper, w)
		}
	}
	if len(deeper) == 0 {
		return nil
	}
	all, one := indexed(deeper)
	for _, i := range slices.Sorted(maps.Keys(one)) {
		ws := one[i]
		if len(existing) == 0 {
			return e.refuse(b.Range(), "there is no %s[%d]", a.Name, i)
		}
		n, err := e.element(b, a, existing, i)
		if err != nil {
			return err
		}
		if err := e.into(n, a.Attributes, append(ws, all...)); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	if len(existing) == 0 {
		return e.missing(b, lay, a, all, add)
	}
	for i, n := range existing {
		if _, done := one[i]; done || removed[n] {
			continue
		}
		if err := e.into(n, a.Attributes, all); err != nil {
			return err
		}
	}
	return nil
}

// spread turns a wish for a whole block into wishes for its attributes.
func spread(w wish) []wish {
	if w.value.Kind != value.Object {
		return []wish{w}
	}
	var out []wish
	for _, f := range w.value.Fields {
		out = append(out, wish{w.op, append(slices.Clip(w.path), value.Step{Name: f.Name}), f.Value})
	}
	return out
}

// element returns the block that makes the element of that number. Dynamic blocks make none or many, so that behind one the
// number says nothing.
func (e *editor) element(b *hclsyntax.Block, a *schema.Attribute, existing []*hclsyntax.Block, i int) (*hclsyntax.Block, error) {
	if len(existing) == 1 && existing[0].Type == "dynamic" {
		return existing[0], nil // whichever element it is, this block makes it
	}
	for k, n := range existing {
		if n.Type == "dynamic" {
			return nil, e.refuse(n.Range(), "which %s is number %d depends on a dynamic block", a.Name, i)
		}
		if k == i {
			return n, nil
		}
	}
	return nil, e.refuse(b.Range(), "there is no %s[%d]", a.Name, i)
}

// into lowers wishes on a nested block, or on the content of a dynamic one.
func (e *editor) into(n *hclsyntax.Block, attrs []schema.Attribute, wishes []wish) error {
	if n.Type != "dynamic" {
		return e.block(n, attrs, wishes)
	}
	iterator := n.Labels[0]
	if it := n.Body.Attributes["iterator"]; it != nil {
		if name := hcl.ExprAsKeyword(it.Expr); name != "" {
			iterator = name
		}
	}
	for _, c := range n.Body.Blocks {
		if c.Type == "content" {
			e.iterators = append(e.iterators, iterator)
			err := e.block(c, attrs, wishes)
			e.iterators = e.iterators[:len(e.iterators)-1]
			return err
		}
	}
	return e.refuse(n.Range(), "the dynamic block has no content")
}
