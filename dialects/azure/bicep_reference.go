package azure

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// entity is a resource or a call of a module that an expression names. Without an instance it is all that a loop makes.
type entity struct {
	group    *bicepGroup
	instance *bicepInstance
	missing  bool // the index leads to none that there is
}

// entity finds what an expression names, when that is a resource or a module.
func (f frame) entity(e bicep.Expr) (entity, bool) {
	switch x := e.(type) {
	case *bicep.Paren:
		return f.entity(x.Value)
	case *bicep.NotNull:
		return f.entity(x.Value)
	case *bicep.Name:
		if f.find(x.Text) != nil {
			return entity{}, false
		}
		for g := f.within; g != nil; g = g.outer {
			if n := g.nested(x.Text); n != nil {
				return n.entity(), true
			}
			if g.outer != nil && g.decl.Name == x.Text {
				return g.entity(), true
			}
		}
		d := f.scope.file.names[x.Text]
		if d == nil || d.Keyword != bicep.Resource && d.Keyword != bicep.Module || f.scope.static {
			return entity{}, false
		}
		return f.scope.group(d, nil).entity(), true
	case *bicep.Nested:
		r, ok := f.entity(x.Of)
		if !ok {
			return entity{}, false
		}
		if n := r.group.nested(x.Name); n != nil {
			return n.entity(), true
		}
		if !r.group.decl.Broken {
			f.invalid(x.Span, "there is no %s in %s", x.Name, r.group.decl.Name)
		}
	case *bicep.Index:
		r, ok := f.entity(x.Of)
		if !ok || r.instance != nil || r.missing || x.FromEnd {
			return entity{}, false
		}
		inner := f
		inner.placed = false
		return r.group.at(inner.eval(x.Index)), true
	}
	return entity{}, false
}

func (g *bicepGroup) entity() entity {
	if g.loop != nil || g.busy || len(g.instances) == 0 {
		return entity{group: g}
	}
	return entity{group: g, instance: g.instances[0]}
}

// at returns the instance of an index.
func (g *bicepGroup) at(index value.Value) entity {
	n, ok := integer(&index)
	if ok && n >= 0 && n < int64(len(g.instances)) && g.instances[n].key != "" {
		return entity{group: g, instance: g.instances[n]}
	}
	if g.open {
		return entity{group: g, instance: g.instances[len(g.instances)-1]}
	}
	return entity{group: g, missing: true}
}

// reference evaluates an expression that reads something of a resource or a module; false when it is no such expression.
func (f frame) reference(e bicep.Expr) (value.Value, bool) {
	r, path, ok := f.target(e)
	if !ok {
		return value.Value{}, false
	}
	if r.group.decl.Keyword == bicep.Module {
		return f.output(r, path), true
	}
	return f.read(r, path), true
}

// target finds the resource or module that an expression reads, and the steps into it.
func (f frame) target(e bicep.Expr) (entity, []access, bool) {
	if r, ok := f.entity(e); ok {
		return r, nil, true
	}
	step := func(of bicep.Expr, a func() access) (entity, []access, bool) {
		r, path, ok := f.target(of)
		if ok {
			path = append(path, a())
		}
		return r, path, ok
	}
	switch x := e.(type) {
	case *bicep.Paren:
		return f.target(x.Value)
	case *bicep.NotNull:
		return f.target(x.Value)
	case *bicep.Member:
		return step(x.Of, func() access { return access{text(x.Name), x.Safe || chained(x.Of), x.Span} })
	case *bicep.Index:
		if x.FromEnd {
			return entity{}, nil, false
		}
		return step(x.Of, func() access {
			inner := f
			inner.placed = false
			return access{inner.eval(x.Index), x.Safe || chained(x.Of), x.Span}
		})
	}
	return entity{}, nil, false
}

// follow goes the steps into a value.
func (f frame) follow(v value.Value, path []access) value.Value {
	for _, a := range path {
		v = f.into(v, a)
	}
	return v
}

// read reads what a resource has: what the compiler knows of it, what is written in its body, or what Azure will say.
func (f frame) read(r entity, path []access) value.Value {
	at := within(r.group.scope.prefix, r.group.address)
	if i := r.instance; i != nil {
		at = i.full()
		if len(path) > 0 {
			typ, version := i.group.typ()
			switch path[0].at.Text {
			case "id":
				return f.follow(i.id(), path[1:])
			case "name":
				return f.follow(i.ownName(), path[1:])
			case "type":
				return f.follow(text(typ), path[1:])
			case "apiVersion":
				return f.follow(text(version), path[1:])
			}
			of := i
			if i.group.decl.Existing {
				of = i.deployedHere()
			}
			if v, ok := of.written(path); ok {
				return v
			}
		}
	}
	v := f.follow(stateOf(at, ""), path)
	v.Given = true
	return v
}

// ownName is the name as it is written, without those of the parents.
func (i *bicepInstance) ownName() value.Value {
	parts := nameParts(i.fullName())
	if _, ok := i.parent(); ok && len(parts) > 1 {
		return parts[len(parts)-1]
	}
	v := i.fullName()
	v.Range = source.Range{}
	return v
}

// deployedHere finds the resource that this one refers to among those that the unit deploys itself: in its own file, or in
// those that led to it. It returns nil when there is none, and while names are being found: theirs may be among them.
func (i *bicepInstance) deployedHere() *bicepInstance {
	u := i.group.scope.unit
	if u.pending > 0 {
		return nil
	}
	typ, _ := i.group.typ()
	name := i.fullName()
	wanted, ok := key(&name)
	if !ok {
		return nil
	}
	for s := i.group.scope; ; s = s.caller.group.scope {
		for _, d := range s.file.tree.Declarations {
			if d.Keyword != bicep.Resource || d.Existing {
				continue
			}
			for _, other := range s.group(d, nil).instances {
				if t, _ := other.group.typ(); !strings.EqualFold(t, typ) {
					break
				}
				n := other.fullName()
				if k, ok := key(&n); ok && strings.EqualFold(k, wanted) {
					return other
				}
			}
		}
		if s.caller == nil {
			return nil
		}
	}
}

// written reads a value off the body, where all of it is known.
func (i *bicepInstance) written(path []access) (value.Value, bool) {
	if i == nil || i.body == nil || i.absent || i.maybe || i.group.decl.Existing {
		return value.Value{}, false
	}
	var e bicep.Expr = i.body
	n := 0
	for n < len(path) {
		o, ok := e.(*bicep.Object)
		if !ok {
			break
		}
		e = nil
		for _, m := range o.Members {
			if m.Spread || m.Key != nil {
				return value.Value{}, false
			}
			if m.Name == path[n].at.Text && path[n].at.Kind == value.String {
				e = m.Value
			}
		}
		if e == nil {
			return value.Value{}, false
		}
		n++
	}
	f := i.frame
	f.placed = false
	u := f.scope.unit
	if u.asked[e] { // it needs itself: only Azure knows
		return value.Value{}, false
	}
	u.asked[e] = true
	v := f.maybe(e)
	delete(u.asked, e)
	for _, a := range path[n:] {
		var err error
		if v, err = into(v, a.at, false); err != nil {
			return value.Value{}, false
		}
	}
	// Azure completes objects with what is not written in them, so that they are not known from the text.
	object := func(v value.Value) bool { return v.Kind == value.Object || v.Kind == value.List || !v.IsSet() }
	return v, v.IsSet() && v.IsWhollyKnown() && v.Kind != value.Object && !slices.ContainsFunc(v.Items, object)
}
