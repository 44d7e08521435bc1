package terraform

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/dialects/terraform/function"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// The JSON form of the language does not say what is a block and what an attribute. Here it is turned into the tree of
// the native form: at the top by the words of the language, in resources by the schema, and where the type of resource is
// unknown, objects and lists are taken as attributes.

// jsonSyntax converts one file.
type jsonSyntax struct {
	estate   *estate
	file     *source.File
	plain    bool // strings are no templates here
	problems []source.Problem
}

func (e *estate) parseJSON(f *source.File) (*hclsyntax.Body, []source.Problem) {
	c := &jsonSyntax{estate: e, file: f}
	empty := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}}
	root, err := readJSON(f.Bytes, e.limits.Nesting, false)
	if err != nil {
		kind := source.Invalid
		if err.deep {
			kind = source.Limit
		}
		return empty, []source.Problem{{Kind: kind, Range: source.Range{File: f.Path, Start: err.offset, End: err.offset}, Message: err.message}}
	}
	var body *hclsyntax.Body
	if isTfvars(f.Path) {
		c.plain = true
		body = c.body(&root, nil)
	} else {
		body = c.document(&root)
	}
	rewriteBody(body)
	return body, c.problems
}

func (c *jsonSyntax) invalid(n *node, format string, args ...any) {
	c.problems = append(c.problems, source.Problem{Kind: source.Invalid,
		Range: source.Range{File: c.file.Path, Start: n.start, End: n.end}, Message: fmt.Sprintf(format, args...)})
}

func (c *jsonSyntax) rng(start, end int) hcl.Range {
	return hcl.Range{Filename: c.file.Path, Start: c.pos(start), End: c.pos(end)}
}

func (c *jsonSyntax) pos(offset int) hcl.Pos { return hcl.Pos{Byte: offset, Line: 1, Column: 1} }

// labels says how many labels the blocks of the language have.
var jsonLabels = map[string]int{
	"resource": 2, "data": 2, "ephemeral": 2, "variable": 1, "output": 1, "module": 1, "provider": 1, "check": 1,
	"action": 2, "locals": 0, "terraform": 0, "moved": 0, "import": 0, "removed": 0,
}

func (c *jsonSyntax) document(root *node) *hclsyntax.Body {
	body := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: c.rng(root.start, root.end)}
	objects := []node{*root}
	if root.kind == '[' {
		objects = root.items
	}
	for i := range objects {
		if objects[i].kind != '{' {
			c.invalid(&objects[i], "an object is wanted here")
			continue
		}
		for j := range objects[i].keys {
			key := &objects[i].keys[j]
			n, known := jsonLabels[key.text]
			switch {
			case key.text == "//":
			case !known:
				c.invalid(key, "%q is not a block of the language", key.text)
			default:
				body.Blocks = append(body.Blocks, c.blocks(blockHead{typ: key.text, key: key}, n, &objects[i].items[j])...)
			}
		}
	}
	return body
}

// blockHead is what is known of a block while its labels are gathered.
type blockHead struct {
	typ    string
	key    *node
	labels []*node
}

func (c *jsonSyntax) blocks(h blockHead, labels int, n *node) []*hclsyntax.Block {
	var out []*hclsyntax.Block
	switch {
	case n.kind == '[':
		for i := range n.items {
			out = append(out, c.blocks(h, labels, &n.items[i])...)
		}
	case n.kind == '0':
	case n.kind != '{':
		c.invalid(n, "an object is wanted for the block %q", h.typ)
	case labels > 0:
		for i := range n.keys {
			if n.keys[i].text == "//" {
				continue
			}
			next := h
			next.labels = append(slices.Clone(h.labels), &n.keys[i])
			out = append(out, c.blocks(next, labels-1, &n.items[i])...)
		}
	default:
		before := c.plain
		c.plain = h.typ == "variable" // a default takes its text as it is, and nothing else in it has any
		out = append(out, c.block(h, n, c.inside(h)))
		c.plain = before
	}
	return out
}

// inside returns which members of a top-level block are blocks.
func (c *jsonSyntax) inside(h blockHead) func(name string, n *node) ([]schema.Attribute, bool) {
	switch h.typ {
	case "resource", "data", "ephemeral":
		name := h.labels[0].text
		if h.typ == "data" {
			name = "data." + name
		}
		r := c.estate.set.Resource(name)
		if r == nil {
			r = &schema.Resource{}
		}
		return inSchema(r.Attributes, true)
	case "provider":
		r := c.estate.set.Resource("provider." + h.labels[0].text)
		if r == nil {
			r = &schema.Resource{Attributes: []schema.Attribute{
				{Name: "default_labels", Type: schema.Type{Kind: schema.MapOf}},
				{Name: "default_tags", Nesting: schema.One},
			}}
		}
		return inSchema(r.Attributes, false)
	case "variable":
		return named("validation")
	case "output":
		return named("precondition")
	case "terraform":
		return func(name string, n *node) ([]schema.Attribute, bool) {
			return nil, name == "backend" || name == "required_providers" || name == "cloud" || name == "provider_meta"
		}
	}
	return named()
}

func named(names ...string) func(string, *node) ([]schema.Attribute, bool) {
	return func(name string, _ *node) ([]schema.Attribute, bool) { return nil, slices.Contains(names, name) }
}

// inSchema decides by the schema; meta says that the members of every resource are blocks too.
func inSchema(attributes []schema.Attribute, meta bool) func(string, *node) ([]schema.Attribute, bool) {
	return func(name string, n *node) ([]schema.Attribute, bool) {
		if meta {
			switch name {
			case "lifecycle", "connection", "provisioner", "dynamic":
				return attributes, true
			}
		}
		for i := range attributes {
			a := &attributes[i]
			if a.Name != name || a.Nesting == schema.None {
				continue
			}
			if n.kind == '{' {
				return a.Attributes, true
			}
			if n.kind != '[' {
				return nil, false
			}
			for j := range n.items {
				if n.items[j].kind != '{' {
					return nil, false
				}
			}
			return a.Attributes, true
		}
		return nil, false
	}
}

type isBlock = func(name string, n *node) ([]schema.Attribute, bool)

func (c *jsonSyntax) block(h blockHead, n *node, is isBlock) *hclsyntax.Block {
	b := &hclsyntax.Block{
		Type:            h.typ,
		TypeRange:       c.rng(h.key.start, h.key.end),
		OpenBraceRange:  c.rng(n.start, n.start+1),
		CloseBraceRange: c.rng(n.end-1, n.end),
		Body:            c.body(n, is),
	}
	for _, l := range h.labels {
		b.Labels = append(b.Labels, l.text)
		b.LabelRanges = append(b.LabelRanges, c.rng(l.start, l.end))
	}
	if len(h.labels) > 0 { // the declaration starts at its own name, which no other declaration shares
		b.TypeRange = b.LabelRanges[len(h.labels)-1]
	}
	return b
}

func (c *jsonSyntax) body(n *node, is isBlock) *hclsyntax.Body {
	body := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: c.rng(n.start, n.end), EndRange: c.rng(n.end, n.end)}
	if n.kind != '{' {
		c.invalid(n, "an object is wanted here")
		return body
	}
	for i := range n.keys {
		key, item := &n.keys[i], &n.items[i]
		if key.text == "//" {
			continue
		}
		if is != nil {
			if attributes, block := is(key.text, item); block {
				body.Blocks = append(body.Blocks, c.nested(key, item, attributes)...)
				continue
			}
		}
		body.Attributes[key.text] = &hclsyntax.Attribute{
			Name: key.text, Expr: c.expression(item),
			SrcRange: c.rng(key.start, item.end), NameRange: c.rng(key.start, key.end), EqualsRange: c.rng(key.end, key.end),
		}
	}
	return body
}

func (c *jsonSyntax) nested(key, item *node, attributes []schema.Attribute) []*hclsyntax.Block {
	h := blockHead{typ: key.text, key: key}
	switch key.text {
	case "dynamic":
		return c.dynamic(h, item, attributes)
	case "backend", "provisioner", "provider_meta":
		return c.blocks(h, 1, item)
	}
	items := []node{*item}
	if item.kind == '[' {
		items = item.items
	}
	var out []*hclsyntax.Block
	for i := range items {
		if items[i].kind == '{' {
			out = append(out, c.block(h, &items[i], inSchema(attributes, attributes != nil)))
		} else if items[i].kind != '0' {
			c.invalid(&items[i], "an object is wanted for the block %q", h.typ)
		}
	}
	return out
}

func (c *jsonSyntax) dynamic(h blockHead, item *node, attributes []schema.Attribute) []*hclsyntax.Block {
	is := func(name string, n *node) ([]schema.Attribute, bool) { return nil, false }
	objects := []node{*item}
	if item.kind == '[' {
		objects = item.items
	}
	var out []*hclsyntax.Block
	for i := range objects {
		for j := range objects[i].keys {
			label, group := &objects[i].keys[j], &objects[i].items[j]
			bodies := []node{*group}
			if group.kind == '[' {
				bodies = group.items
			}
			for k := range bodies {
				head := h
				head.labels = []*node{label}
				b := c.block(head, &bodies[k], is)
				delete(b.Body.Attributes, "content")
				if content := bodies[k].member("content"); content != nil && content.kind == '{' {
					var inner []schema.Attribute
					for l := range attributes {
						if attributes[l].Name == label.text {
							inner = attributes[l].Attributes
						}
					}
					b.Body.Blocks = append(b.Body.Blocks, c.block(blockHead{typ: "content", key: label}, content, inSchema(inner, true)))
				}
				out = append(out, b)
			}
		}
	}
	return out
}

func (c *jsonSyntax) expression(n *node) hclsyntax.Expression {
	rng := c.rng(n.start, n.end)
	lit := func(v cty.Value) hclsyntax.Expression { return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: rng} }
	switch n.kind {
	case '{':
		e := &hclsyntax.ObjectConsExpr{SrcRange: rng, OpenRange: c.rng(n.start, n.start+1)}
		for i := range n.keys {
			key := &hclsyntax.ObjectConsKeyExpr{Wrapped: c.text(&n.keys[i]), ForceNonLiteral: true}
			e.Items = append(e.Items, hclsyntax.ObjectConsItem{KeyExpr: key, ValueExpr: c.expression(&n.items[i])})
		}
		return e
	case '[':
		e := &hclsyntax.TupleConsExpr{SrcRange: rng, OpenRange: c.rng(n.start, n.start+1)}
		for i := range n.items {
			e.Exprs = append(e.Exprs, c.expression(&n.items[i]))
		}
		return e
	case 's':
		return c.text(n)
	case 'n':
		if !function.Calculable(n.text) {
			c.problems = append(c.problems, source.Problem{Kind: source.Limit, Range: place(rng), Message: tooPrecise(n.start).message})
			return lit(cty.UnknownVal(cty.Number))
		}
		v, err := cty.ParseNumberVal(n.text)
		if err != nil {
			c.invalid(n, "the number cannot be read: %s", err)
			return lit(cty.UnknownVal(cty.Number))
		}
		return lit(v)
	case 't', 'f':
		return lit(cty.BoolVal(n.kind == 't'))
	}
	return lit(cty.NullVal(cty.DynamicPseudoType))
}

// text makes the expression of a string, which is a template in files of configuration and plain in files of variables.
func (c *jsonSyntax) text(n *node) hclsyntax.Expression {
	rng := c.rng(n.start, n.end)
	plain := &hclsyntax.LiteralValueExpr{Val: cty.StringVal(n.text), SrcRange: rng}
	if !strings.Contains(n.text, "${") && !strings.Contains(n.text, "%{") || c.plain {
		return plain
	}
	if r := refuse([]byte(n.text), c.estate.limits.Nesting, true); r != nil {
		c.problems = append(c.problems, source.Problem{Kind: source.Limit, Range: place(rng), Message: "the template was not read: " + r.message})
		return &hclsyntax.LiteralValueExpr{Val: cty.UnknownVal(cty.String), SrcRange: rng}
	}
	e, diags := hclsyntax.ParseTemplate([]byte(n.text), c.file.Path, c.pos(n.start+1))
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			c.problems = append(c.problems, problemOf(source.Invalid, d, c.file.Path))
		}
	}
	if e == nil {
		return plain
	}
	return e
}

// sortedNames returns the keys of a map in order.
func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
