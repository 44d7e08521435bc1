package azure

import (
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// gather notes what the unknown parts of an expression wait for.
func (t *bicepTracer) gather(e bicep.Expr, f frame) {
	if e == nil || t.depth > maxBicepTrace {
		return
	}
	t.depth++
	defer func() { t.depth-- }()
	f.placed = false
	if v := f.eval(e); v.IsWhollyKnown() {
		return
	}
	at := f.scope.file.at(e.Extent())
	switch x := e.(type) {
	case *bicep.Name:
		t.named(x, f)
		return
	case *bicep.Member, *bicep.Index:
		if r, path, ok := f.target(x); ok {
			t.state(r, path, f, x)
			return
		}
	case *bicep.Nested:
		if r, ok := f.entity(x); ok {
			t.state(r, nil, f, x)
		}
		return
	case *bicep.Call:
		if d, s, ok := f.function(x); ok {
			if d == nil || s == nil {
				t.wait("module", x.Name, at)
			}
			break
		}
		if x.Of != nil {
			if r, ok := f.entity(x.Of); ok {
				t.wait("computed", within(r.group.scope.prefix, r.group.address)+"."+x.Name+"()", at)
				return
			}
		}
		if !slices.ContainsFunc(x.Args, func(a bicep.Expr) bool { v := f.eval(a); return !v.IsWhollyKnown() }) {
			t.wait("function", x.Name+"()", at)
			return
		}
	case *bicep.For:
		t.gather(x.In, f)
		f.each(x, func(inner frame, _ int, _ bool) { t.gather(x.Body, inner) })
		return
	}
	for _, child := range children(e) {
		t.gather(child, f)
	}
}

// children returns the expressions that one is made of, those of loops and functions aside.
func children(e bicep.Expr) []bicep.Expr {
	switch x := e.(type) {
	case *bicep.Text:
		return x.Values
	case *bicep.Array:
		return x.Items
	case *bicep.Spread:
		return []bicep.Expr{x.Value}
	case *bicep.Object:
		var out []bicep.Expr
		for _, m := range x.Members {
			out = append(out, m.Value)
		}
		return out
	case *bicep.Paren:
		return []bicep.Expr{x.Value}
	case *bicep.NotNull:
		return []bicep.Expr{x.Value}
	case *bicep.Member:
		return []bicep.Expr{x.Of}
	case *bicep.Index:
		return []bicep.Expr{x.Of, x.Index}
	case *bicep.Unary:
		return []bicep.Expr{x.Value}
	case *bicep.Binary:
		return []bicep.Expr{x.Left, x.Right}
	case *bicep.Conditional:
		return []bicep.Expr{x.Condition, x.Then, x.Else}
	case *bicep.Call:
		if x.Of != nil {
			return append([]bicep.Expr{x.Of}, x.Args...)
		}
		return x.Args
	}
	return nil
}

// named notes what a name waits for.
func (t *bicepTracer) named(x *bicep.Name, f frame) {
	s := f.scope
	if b := f.find(x.Text); b != nil {
		if b.from != nil {
			f.local = b.next
			t.gather(b.from.In, f)
		}
		return
	}
	if r, ok := f.entity(x); ok {
		t.state(r, nil, f, x)
		return
	}
	d := s.file.names[x.Text]
	v := bicepVisit{s, x.Text}
	if t.visited[v] {
		return
	}
	t.visited[v] = true
	switch {
	case d == nil:
		if from, ok := s.file.imported[x.Text]; ok && from.file == "" {
			t.wait("module", x.Text, s.file.at(x.Span))
		}
	case d.Keyword == bicep.Var:
		t.gather(d.Value, s.frame())
	case d.Keyword == bicep.Param:
		e, g, _, ok := t.quietly(func(t *bicepTracer) (bicep.Expr, frame, value.Path, bool) { return t.param(d, s, nil, x, f) })
		if ok {
			t.gather(e, g)
		} else {
			t.wait("variable", within(s.prefix, "param."+d.Name), s.file.at(d.Header))
		}
	}
}

// quietly does something without noting the stops.
func (t *bicepTracer) quietly(do func(*bicepTracer) (bicep.Expr, frame, value.Path, bool)) (bicep.Expr, frame, value.Path, bool) {
	before := len(t.trace)
	defer func() { t.trace = t.trace[:before] }()
	return do(t)
}

// state notes what Azure knows of a resource, or what a module yields.
func (t *bicepTracer) state(r entity, path []access, f frame, x bicep.Expr) {
	var steps []string
	for _, a := range path {
		if n, ok := integer(&a.at); ok {
			steps = append(steps, strconv.FormatInt(n, 10))
		} else {
			steps = append(steps, a.at.Text)
		}
	}
	address, s := r.group.address, r.group.scope
	if r.instance != nil {
		address = r.instance.address()
	}
	at := s.header(r.group.decl)
	if r.group.decl.Keyword == bicep.Module {
		if r.instance == nil || r.instance.module() == nil {
			t.wait("module", within(s.prefix, address), at)
			return
		}
		child := r.instance.module()
		for _, d := range child.file.tree.Declarations {
			v := bicepVisit{child, outputName(d.Name)}
			if d.Keyword == bicep.Output && (len(steps) < 2 || steps[1] == d.Name) && !t.visited[v] {
				t.visited[v] = true
				t.gather(d.Value, child.frame())
			}
		}
		return
	}
	if i := r.instance; i != nil && len(steps) > 0 {
		if m := i.property(steps[0]); m != nil && (steps[0] == "name" || !i.group.decl.Existing) {
			v := bicepVisit{s, address + "." + steps[0]}
			if t.visited[v] {
				return
			}
			t.visited[v] = true
			if e, g, _ := t.origin(x, f, nil); e != x {
				t.gather(e, g)
				return
			}
		}
		if steps[0] == "id" || steps[0] == "name" {
			if m := i.property("name"); m != nil {
				inner := i.frame
				t.gather(m.Value, inner)
			}
			if steps[0] == "name" {
				return
			}
			t.wait("function", "resourceGroup()", source.Range{})
			return
		}
	}
	kind := "computed"
	if r.group.decl.Existing {
		kind = "data"
	}
	t.wait(kind, strings.Join(append([]string{within(s.prefix, address)}, steps...), "."), at)
}
