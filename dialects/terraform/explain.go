package terraform

import (
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// explainer answers questions about a unit. It evaluates on demand, like everything else, so it must not be used by two
// goroutines at once; the mutex of the estate sees to that.
type explainer struct {
	scope *scope // of the root
}

// maxTrace bounds how far a value is followed.
const maxTrace = 64

// Explain follows the value at path to where it is written, and tells what an unknown waits for.
func (x *explainer) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	h, ok := r.Handle.(*handle)
	if !ok {
		return dialect.Explanation{}
	}
	u := h.scope.unit
	u.explaining.Lock()
	defer u.explaining.Unlock()
	problems := u.problems
	defer func() { u.problems = problems }()

	t := &tracer{unit: u, waits: map[string]dialect.Wait{}, visited: map[visit]bool{}}
	if e, ctx, rest := h.expression(p); e != nil {
		u.contain(r.Address, e.Range(), func() cty.Value {
			t.follow(e, ctx, rest)
			return cty.True
		})
	}
	switch v := r.Body.At(p); {
	case len(t.waits) > 0:
	case len(p) == 0:
		t.missing(r)
	case (v.Kind == value.Unknown || v.Kind == value.Absent) && h.computed(p):
		// Nobody wrote it, or a null: the provider decides.
		t.waits[r.Address] = dialect.Wait{Name: r.Address + "." + p.String(), Kind: "computed", Range: r.Header}
	}
	out := dialect.Explanation{Trace: t.trace}
	for _, name := range sortedNames(t.waits) {
		out.Waits = append(out.Waits, t.waits[name])
	}
	return out
}

// missing notes the modules that are not at hand and know the resource: they may declare what belongs to it.
func (t *tracer) missing(r *resource.Resource) {
	for _, m := range t.unit.missing {
		if slices.Contains(m.Refs, r.Address) {
			t.waits[m.Address] = dialect.Wait{Name: m.Address, Kind: "module"}
		}
	}
}

// computed reports whether the provider gives an attribute a value that nobody wrote.
func (h *handle) computed(p value.Path) bool {
	attributes := h.schema
	for i, step := range p {
		if step.Name == "" {
			continue
		}
		a := find(attributes, step.Name)
		if a == nil {
			return false
		}
		if a.Computed || i == len(p)-1 {
			return a.Computed
		}
		attributes = a.Attributes
	}
	return false
}

// expression finds the expression that the value at path was written with, the context in which it evaluates, and the
// steps that lead on inside its value. For a block it returns the for_each of the dynamic block that makes it, if any.
func (h *handle) expression(p value.Path) (hclsyntax.Expression, *hcl.EvalContext, value.Path) {
	if h.config != nil {
		return h.config, h.ctx, p
	}
	if h.content == nil {
		if len(p) == 0 || p[0].Name == "" {
			return nil, nil, nil
		}
		if a := h.block.Body.Attributes[p[0].Name]; a != nil {
			return a.Expr, h.ctx, p[1:]
		}
		return nil, nil, nil
	}
	c, ctx := h.content, h.ctx
	for len(p) > 0 && p[0].Name != "" {
		name := p[0].Name
		p = p[1:]
		if w := c.attribute(name); w != nil {
			return w.attr.Expr, c.context(ctx), p
		}
		g := c.group(name)
		if g == nil || len(g.items) == 0 {
			return nil, nil, nil
		}
		i := 0
		if len(p) > 0 && p[0].Name == "" {
			i, p = p[0].Index, p[1:]
		}
		if i >= len(g.items) {
			return nil, nil, nil
		}
		ctx = c.context(ctx)
		c = g.items[i]
		if len(p) == 0 && c.outer != c.block {
			return c.outer.Body.Attributes["for_each"].Expr, ctx, nil
		}
	}
	return nil, nil, nil
}

// context returns where the attributes of c evaluate.
func (c *content) context(otherwise *hcl.EvalContext) *hcl.EvalContext {
	if c.ctx != nil {
		return c.ctx
	}
	return otherwise
}

// tracer walks from expressions to what they name.
type tracer struct {
	unit    *evaluation
	trace   []dialect.Step
	waits   map[string]dialect.Wait
	visited map[visit]bool
	depth   int
}

type visit struct {
	scope *scope
	name  string
}

// follow follows e as long as it is nothing but a reference, and then gathers what it waits for.
func (t *tracer) follow(e hclsyntax.Expression, ctx *hcl.EvalContext, rest value.Path) {
	for range maxTrace {
		e, rest = inner(e, rest)
		if taken := attempt(e, ctx); taken != nil {
			e = taken
			continue
		}
		if w, ok := t.through(e, ctx, rest); ok {
			e, ctx, rest = w.Expr, w.Context, w.Rest
			continue
		}
		ref, ok := e.(*reference)
		if !ok {
			break
		}
		next, nextCtx, steps, ok := t.step(ref, ctx)
		if !ok {
			break
		}
		e, ctx, rest = next, nextCtx, append(steps, rest...)
	}
	t.gather(e, ctx)
}

// inner goes into parentheses, and into objects and lists that are written out, along the path.
func inner(e hclsyntax.Expression, p value.Path) (hclsyntax.Expression, value.Path) {
	for {
		switch x := e.(type) {
		case *hclsyntax.ParenthesesExpr:
			e = x.Expression
			continue
		case *hclsyntax.TemplateWrapExpr:
			e = x.Wrapped
			continue
		case *hclsyntax.ObjectConsExpr:
			if len(p) > 0 && p[0].Name != "" {
				if item, ok := members(x)[p[0].Name]; ok {
					e, p = item.ValueExpr, p[1:]
					continue
				}
			}
		case *hclsyntax.TupleConsExpr:
			if len(p) > 0 && p[0].Name == "" && p[0].Index < len(x.Exprs) {
				e, p = x.Exprs[p[0].Index], p[1:]
				continue
			}
		}
		return e, p
	}
}

// attempt returns the argument that a try answers with, nil when it is no try or nobody knows yet.
func attempt(e hclsyntax.Expression, ctx *hcl.EvalContext) hclsyntax.Expression {
	c, ok := e.(*call)
	if !ok || strings.TrimPrefix(c.Name, "core::") != "try" || c.ExpandFinal {
		return nil
	}
	for _, arg := range c.Args {
		if v, diags := arg.Value(ctx); !diags.HasErrors() {
			if _, ref := arg.(*reference); ref || v.IsWhollyKnown() {
				return arg
			}
			return nil
		}
	}
	return nil
}

// entry goes from each.value to where for_each writes it out.
func (t *tracer) entry(ref *reference, ctx *hcl.EvalContext) (hclsyntax.Expression, *hcl.EvalContext, value.Path, bool) {
	s := scopeOf(ctx)
	name, _ := attrName(ref.Traversal, 1)
	if s == nil || name != "value" {
		return nil, nil, nil, false
	}
	var each cty.Value
	for c := ctx; c != nil; c = c.Parent() {
		if v, ok := c.Variables["each"]; ok {
			each = v
			break
		}
	}
	b := t.owner(s, ctx)
	if b == nil || each == cty.NilVal || !each.Type().HasAttribute("key") || b.Body.Attributes["for_each"] == nil {
		return nil, nil, nil, false
	}
	key, _ := each.GetAttr("key").Unmark()
	e := b.Body.Attributes["for_each"].Expr
	if key.Type() != cty.String || !key.IsKnown() || key.IsNull() {
		return nil, nil, nil, false
	}
	all, _ := e.Value(s.ctx)
	if all, _ = all.Unmark(); all.Type().IsSetType() {
		return nil, nil, nil, false // its elements have no names in the text
	}
	t.trace = append(t.trace, dialect.Step{Name: "each.value", Range: place(b.Body.Attributes["for_each"].SrcRange)})
	return e, s.ctx, append(value.Path{{Name: key.AsString()}}, pathOf(ref.Traversal[2:])...), true
}

// step goes from a reference to the expression behind it, noting the stop.
func (t *tracer) step(ref *reference, ctx *hcl.EvalContext) (hclsyntax.Expression, *hcl.EvalContext, value.Path, bool) {
	for c := ctx; c != nil; c = c.Parent() {
		if _, ok := c.Variables[ref.Traversal.RootName()]; ok {
			if ref.Traversal.RootName() == "each" {
				return t.entry(ref, ctx)
			}
			return nil, nil, nil, false
		}
	}
	s := scopeOf(ctx)
	if s != nil && s.names != nil {
		return t.wrapped(s.names, ref)
	}
	name, ok := attrName(ref.Traversal, 1)
	if s == nil || !ok {
		return nil, nil, nil, false
	}
	note := func(name string, r hcl.Range) {
		t.trace = append(t.trace, dialect.Step{Name: name, Range: place(r)})
	}
	switch ref.Traversal.RootName() {
	case "local":
		if a := s.module.locals[name]; a != nil {
			note("local."+name, a.SrcRange)
			return a.Expr, s.ctx, pathOf(ref.Traversal[2:]), true
		}
	case "var":
		v := s.module.variables[name]
		if v == nil {
			return nil, nil, nil, false
		}
		note("var."+name, v.block.DefRange())
		rest := pathOf(ref.Traversal[2:])
		if s.parent != nil {
			if a := s.caller.Body.Attributes[name]; a != nil {
				note("module."+s.caller.Labels[0]+"."+name, a.SrcRange)
				return a.Expr, s.at.ctx, rest, true
			}
		} else if in, ok := t.unit.given[name]; ok {
			if in.wrapped != nil {
				w, ok := in.wrapped.Written(rest)
				if ok {
					t.trace = append(t.trace, dialect.Step{Name: w.Name, Range: w.Range})
				}
				return w.Expr, w.Context, w.Rest, ok && w.Expr != nil
			}
			t.trace = append(t.trace, dialect.Step{Name: in.name, Range: in.rng})
			if in.expr != nil {
				return in.expr, nil, rest, true
			}
			return nil, nil, nil, false
		}
		if a := v.block.Body.Attributes["default"]; a != nil {
			return a.Expr, nil, rest, true
		}
	case "module":
		g := s.child(name)
		if g == nil || g.module == nil {
			return nil, nil, nil, false
		}
		i, rest, diags := g.pick(ref.Traversal[2:], ref.Traversal, name)
		if diags.HasErrors() || i == nil || len(rest) == 0 {
			return nil, nil, nil, false
		}
		out, _ := attrName(rest, 0)
		b := g.module.outputs[out]
		if b == nil || b.Body.Attributes["value"] == nil {
			return nil, nil, nil, false
		}
		child := g.scopes[slices.Index(g.instances, i)]
		note("module."+name+"."+out, b.Body.Attributes["value"].SrcRange)
		return b.Body.Attributes["value"].Expr, child.ctx, pathOf(rest[1:]), true
	}
	return nil, nil, nil, false
}

func pathOf(t hcl.Traversal) value.Path {
	var p value.Path
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseAttr:
			p = append(p, value.Step{Name: step.Name})
		case hcl.TraverseIndex:
			if step.Key.Type() == cty.String {
				p = append(p, value.Step{Name: step.Key.AsString()})
			} else if n, acc := step.Key.AsBigFloat().Int64(); acc == 0 && n >= 0 {
				p = append(p, value.Step{Index: int(n)})
			}
		}
	}
	return p
}

// gather notes what the unknown parts of an expression wait for.
func (t *tracer) gather(e hclsyntax.Expression, ctx *hcl.EvalContext) {
	if e == nil || t.depth > maxTrace {
		return
	}
	t.depth++
	defer func() { t.depth-- }()
	hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *reference:
			t.reference(n, ctx)
		case *call:
			if s := scopeOf(ctx); s != nil && s.names != nil {
				if w, ok := s.names.Waits(n.FunctionCallExpr, ctx); ok {
					if _, again := t.waits[w.Name]; !again {
						t.waits[w.Name] = w
					}
				}
			}
			switch strings.TrimPrefix(n.Name, "core::") {
			case "timestamp", "plantimestamp", "uuid", "bcrypt", "abspath", "pathexpand":
				t.wait("function", n.Name+"()", n.NameRange)
			}
			if strings.HasPrefix(n.Name, "provider::") {
				t.wait("function", n.Name+"()", n.NameRange)
			}
		}
		return nil
	})
}

func (t *tracer) wait(kind, name string, r hcl.Range) {
	if _, ok := t.waits[name]; !ok {
		t.waits[name] = dialect.Wait{Name: name, Kind: kind, Range: place(r)}
	}
}

func (t *tracer) reference(ref *reference, ctx *hcl.EvalContext) {
	s := scopeOf(ctx)
	if s == nil {
		return
	}
	root := ref.Traversal.RootName()
	name, named := attrName(ref.Traversal, 1)
	for c := ctx; c != nil; c = c.Parent() {
		if _, ok := c.Variables[root]; ok && root != "each" && root != "count" {
			return
		}
	}
	v, diags := ref.Value(ctx)
	if diags.HasErrors() || wholly(v) {
		return
	}
	key := visit{s, root + "." + name}
	if s.names != nil {
		t.wrappedWait(s, ref)
		return
	}
	switch root {
	case "var", "local":
		if t.visited[key] {
			return
		}
		t.visited[key] = true
	}
	switch root {
	case "each", "count":
		t.iteration(s, root, ctx)
	case "local":
		if a := s.module.locals[name]; a != nil {
			t.gather(a.Expr, s.ctx)
		}
	case "var":
		v := s.module.variables[name]
		if v == nil {
			return
		}
		if s.parent != nil {
			if a := s.caller.Body.Attributes[name]; a != nil {
				t.gather(a.Expr, s.at.ctx)
				return
			}
		}
		if in, ok := t.unit.given[name]; ok && s.parent == nil && in.wrapped != nil {
			before := len(t.waits)
			if w, ok := in.wrapped.Written(pathOf(ref.Traversal[2:])); ok && w.Expr != nil {
				t.gather(w.Expr, w.Context)
			}
			if len(t.waits) > before {
				return
			}
		}
		t.wait("variable", s.within("var."+name), v.block.DefRange())
	case "module":
		g := s.child(name)
		if g == nil {
			return
		}
		if g.module == nil {
			t.wait("module", g.address, g.block.DefRange())
			return
		}
		i, rest, _ := g.pick(ref.Traversal[2:], ref.Traversal, name)
		if i == nil {
			return
		}
		if out, ok := attrName(rest, 0); ok && g.module.outputs[out] != nil {
			if a := g.module.outputs[out].Body.Attributes["value"]; a != nil {
				child := g.scopes[slices.Index(g.instances, i)]
				if k := (visit{child, "output." + out}); !t.visited[k] {
					t.visited[k] = true
					t.gather(a.Expr, child.ctx)
				}
			}
		}
	case "data":
		third, _ := attrName(ref.Traversal, 2)
		t.declared(s, "data."+name+"."+third, ref.Traversal[min(3, len(ref.Traversal)):])
	default:
		if named {
			t.declared(s, root+"."+name, ref.Traversal[2:])
		}
	}
}

// declared notes a resource or data source, or goes on to the expression of the attribute when it is written.
func (t *tracer) declared(s *scope, key string, rest hcl.Traversal) {
	g := s.group(key)
	if g == nil {
		return
	}
	attribute := ""
	for _, step := range rest {
		if a, ok := step.(hcl.TraverseAttr); ok {
			attribute = a.Name
			break
		}
	}
	if a := g.decl.block.Body.Attributes[attribute]; a != nil && !metaArguments[attribute] {
		k := visit{s, key + "." + attribute}
		if !t.visited[k] {
			t.visited[k] = true
			t.gather(a.Expr, g.contextOf())
		}
		return
	}
	if g.decl.mode == "data" {
		t.wait("data", g.address, g.decl.block.DefRange())
		return
	}
	name := g.address
	if attribute != "" {
		name += "." + attribute
	}
	t.wait("computed", name, g.decl.block.DefRange())
}

// iteration notes what count or for_each of the block wait for, or the value that the key has in the collection.
func (t *tracer) iteration(s *scope, root string, ctx *hcl.EvalContext) {
	h := t.owner(s, ctx)
	if h == nil {
		return
	}
	name := "for_each"
	if root == "count" {
		name = "count"
	}
	if a := h.Body.Attributes[name]; a != nil {
		if k := (visit{s, path.Join(h.Type, strings.Join(h.Labels, "."), name)}); !t.visited[k] {
			t.visited[k] = true
			t.gather(a.Expr, s.ctx)
		}
	}
}

// owner finds the block whose instance ctx belongs to.
func (t *tracer) owner(s *scope, ctx *hcl.EvalContext) *hclsyntax.Block {
	for _, key := range sortedNames(s.groups) {
		if g := s.groups[key]; g != nil {
			for _, i := range g.instances {
				if i.ctx != s.ctx && within(ctx, i.ctx) {
					return g.decl.block
				}
			}
		}
	}
	for _, key := range sortedNames(s.children) {
		if g := s.children[key]; g != nil {
			for _, i := range g.instances {
				if i.ctx != s.ctx && within(ctx, i.ctx) {
					return g.block
				}
			}
		}
	}
	return nil
}

func within(ctx, outer *hcl.EvalContext) bool {
	for c := ctx; c != nil; c = c.Parent() {
		if c == outer {
			return true
		}
	}
	return false
}

// wholly reports whether a value, marks aside, is known with everything in it.
func wholly(v cty.Value) bool { return v.IsWhollyKnown() }
