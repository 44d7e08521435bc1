package azure

import (
	"strings"

	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// header is the place of the first line of a declaration.
func (s *bicepScope) header(d *bicep.Declaration) source.Range { return s.file.at(d.Header) }

// module returns the file of a call in evaluation with the call's parameters; nil when it is not at hand.
func (i *bicepInstance) module() *bicepScope {
	if i.child != nil {
		return i.child
	}
	s := i.group.scope
	to, ok := s.file.local(i.group.decl.Text)
	if !ok || !strings.HasSuffix(to, ".bicep") {
		return nil
	}
	for up, depth := s, 1; up != nil; depth++ {
		if up.file.path == to || depth > s.unit.limits.Modules {
			return nil // collecting it tells
		}
		if up.caller == nil {
			break
		}
		up = up.caller.group.scope
	}
	f := s.unit.file(to)
	if f == nil {
		return nil
	}
	if s.unit.called++; s.unit.called > s.unit.limits.Resources/50 {
		s.frame().exceed("calls", i.group.decl.Header, "more than %d modules are called; the rest was not evaluated", s.unit.limits.Resources/50)
		return nil
	}
	c := s.unit.scopeOf(f)
	c.caller, c.prefix, c.maybe = i, i.full(), s.maybe || i.maybe
	c.calls = append(s.calls[:len(s.calls):len(s.calls)], resource.Call{Address: c.prefix, Range: s.header(i.group.decl)})
	i.child = c
	return c
}

// arguments is the object of the parameters of a call; nil when none is written out.
func (i *bicepInstance) arguments() *bicep.Object {
	p := i.property("params")
	if p == nil {
		return nil
	}
	o, _ := p.Value.(*bicep.Object)
	return o
}

// argument is what a parameter is given; false when it is given nothing.
func (s *bicepScope) argument(d *bicep.Declaration) (value.Value, bool) {
	if s.caller == nil {
		if s != s.unit.root {
			return unknown(), true
		}
		g, ok := s.unit.given[d.Name]
		if !ok {
			return value.Value{}, false
		}
		return g.value(d), true
	}
	e, f, spread := s.passed(d.Name)
	switch {
	case e != nil:
		v := f.eval(e)
		return v, true
	case spread != nil:
		v, _ := into(f.eval(spread), text(d.Name), true)
		return v, v.Kind != value.Null
	}
	return value.Value{}, false
}

// passed finds the expression that the caller passes for a parameter, or all of what it passes when that is one expression.
func (s *bicepScope) passed(name string) (one bicep.Expr, f frame, all bicep.Expr) {
	f = s.caller.frame
	f.placed = false
	p := s.caller.property("params")
	if p == nil {
		return nil, f, nil
	}
	o := s.caller.arguments()
	if o == nil {
		return nil, f, p.Value
	}
	for _, m := range o.Members {
		if m.Spread || m.Key != nil {
			return nil, f, o
		}
		if m.Name == name {
			one = m.Value
		}
	}
	return one, f, nil
}

// output reads the outputs of a call, or its name.
func (f frame) output(r entity, path []access) value.Value {
	if len(path) == 0 {
		return unknown()
	}
	safe := false
	for _, a := range path {
		safe = safe || a.safe
	}
	i := r.instance
	switch {
	case i == nil:
		return unknown()
	case path[0].at.Text == "name":
		return f.follow(i.ownName(), path[1:])
	case i.absent && safe:
		return null()
	case i.absent || path[0].at.Text != "outputs":
		return unknown()
	}
	missing := func(name string) value.Value {
		return symbol(symbolReference, "outputs."+name, text(i.full()))
	}
	if t := i.template(); t != nil && len(path) > 1 {
		v, ok := t.output(path[1].at.Text)
		if !ok {
			v = unknown()
		}
		return f.follow(v, path[2:])
	}
	s := i.module()
	if s == nil {
		if len(path) == 1 {
			return missing("")
		}
		return f.follow(missing(path[1].at.Text), path[2:])
	}
	if len(path) == 1 {
		var fields []value.Field
		for _, d := range s.file.tree.Declarations {
			if d.Keyword == bicep.Output {
				v, _ := s.output(d.Name)
				fields = append(fields, value.Field{Name: d.Name, Value: v})
			}
		}
		return object(fields)
	}
	v, ok := s.output(path[1].at.Text)
	switch {
	case !ok && path[1].at.Kind == value.String && !path[1].safe && len(s.file.problems) == 0:
		f.invalid(path[1].span, "the module %s has no output %s", r.group.decl.Name, path[1].at.Text)
	case !ok && path[1].safe:
		v = null()
	}
	if i.maybe && safe && v.Kind != value.Unknown {
		// The module may not be there, and then there is null in place of what it yields.
		v = symbol(symbolReference, "outputs."+path[1].at.Text, text(i.full()), v)
	}
	return f.follow(v, path[2:])
}
