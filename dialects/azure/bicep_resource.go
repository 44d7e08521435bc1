package azure

import (
	"strconv"
	"strings"

	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// bicepGroup is what one declaration of a resource or module makes: one instance, or one for each element of a loop.
type bicepGroup struct {
	scope     *bicepScope
	decl      *bicep.Declaration
	outer     *bicepGroup // the resource that it is nested in
	address   string      // in its scope, without a key: stg, vault::key
	loop      *bicep.For  // nil when there is none
	open      bool        // nobody knows how many: one symbolic instance stands for the rest
	instances []*bicepInstance
	busy      bool // it is being expanded
}

// bicepInstance is one resource, or one call of a module.
type bicepInstance struct {
	group  *bicepGroup
	key    string // [0]; empty without a loop, and for the symbolic one
	frame  frame  // of its body
	body   *bicep.Object
	maybe  bool // nobody knows whether it is there, or how often
	absent bool // its condition is false

	named bool // name is known, or being evaluated
	name  value.Value
	child *bicepScope // of a module, once somebody asks
	json  *scope      // of a module in JSON, once somebody has asked
	asked bool
}

// group expands a declaration, unless it was.
func (s *bicepScope) group(d *bicep.Declaration, outer *bicepGroup) *bicepGroup {
	if g := s.groups[d]; g != nil {
		return g
	}
	g := &bicepGroup{scope: s, decl: d, outer: outer, address: d.Name, busy: true}
	s.groups[d] = g
	f := s.frame()
	if outer != nil {
		g.address = outer.address + "::" + d.Name
		if len(outer.instances) > 0 {
			f = outer.instances[0].frame
		}
	}
	quiet := s.unit.quiet
	s.unit.quiet = 0
	s.unit.pending++
	if !d.Broken && d.Value != nil {
		g.expand(f)
	}
	s.unit.pending--
	s.unit.quiet = quiet
	if len(g.instances) == 0 && g.loop == nil { // broken: it stands for whatever it would be
		g.instances = []*bicepInstance{{group: g, frame: f}}
	}
	g.busy = false
	return g
}

func (g *bicepGroup) expand(f frame) {
	if loop, ok := g.decl.Value.(*bicep.For); ok {
		g.loop = loop
		g.open = f.each(loop, func(inner frame, i int, certain bool) {
			key := ""
			if certain {
				key = "[" + strconv.Itoa(i) + "]"
			}
			g.add(inner, loop.Body, key, !certain)
		})
		return
	}
	g.add(f, g.decl.Value, "", false)
}

// add makes an instance of a body.
func (g *bicepGroup) add(f frame, body bicep.Expr, key string, maybe bool) {
	f.within = g
	i := &bicepInstance{group: g, key: key, frame: f, maybe: maybe}
	if cond, ok := body.(*bicep.If); ok {
		v := f.eval(cond.Condition)
		switch c := truth(&v); {
		case c.Kind == value.Bool:
			i.absent = !c.Bool
		case c.Kind == value.Unknown:
			i.maybe = true
		default:
			f.invalid(cond.Condition.Extent(), "a condition is true or false, and this is neither")
			i.maybe = true
		}
		body = cond.Body
	}
	if g.outer != nil && len(g.outer.instances) > 0 {
		o := g.outer.instances[0]
		i.absent = i.absent || o.absent && !g.outer.decl.Existing
		i.maybe = i.maybe || o.maybe && !g.outer.decl.Existing
	}
	i.frame.placed = true
	if i.body, _ = body.(*bicep.Object); i.body == nil {
		f.invalid(body.Extent(), "the body of %s is no object", g.decl.Name)
	}
	g.instances = append(g.instances, i)
}

// nested finds a resource that is declared in the body of another.
func (g *bicepGroup) nested(name string) *bicepGroup {
	for _, i := range g.instances {
		if i.body == nil {
			continue
		}
		for _, d := range i.body.Resources {
			if d.Name == name {
				return g.scope.group(d, g)
			}
		}
	}
	return nil
}

// typ is the whole type of a resource, without its version, and the version.
func (g *bicepGroup) typ() (typ, version string) {
	text, _ := g.decl.Text.Plain()
	typ, version, _ = strings.Cut(text, "@")
	if g.outer != nil && strings.Count(typ, "/") == 0 {
		outer, above := g.outer.typ()
		typ = outer + "/" + typ
		if version == "" {
			version = above
		}
	}
	return typ, version
}

// property is an entry of a body that is written out; nil when there is none.
func (i *bicepInstance) property(name string) *bicep.Property {
	if i.body == nil {
		return nil
	}
	for _, m := range i.body.Members {
		if m.Name == name && !m.Spread && m.Key == nil {
			return m
		}
	}
	return nil
}

// address is unique in its scope.
func (i *bicepInstance) address() string { return i.group.address + i.key }

// full is unique in its unit.
func (i *bicepInstance) full() string {
	address := i.address()
	if i.group.decl.Keyword == bicep.Module {
		address = "module." + address
	}
	return within(i.group.scope.prefix, address)
}

// parent is the resource that this one is a part of: the one that it is nested in, or that it names as its parent.
func (i *bicepInstance) parent() (*bicepInstance, bool) {
	if o := i.group.outer; o != nil && len(o.instances) > 0 {
		return o.instances[0], true
	}
	p := i.property("parent")
	if p == nil {
		return nil, false
	}
	r, ok := i.frame.entity(p.Value)
	if !ok {
		return nil, true
	}
	return r.instance, true
}

// fullName is the name with those of the parents before it.
func (i *bicepInstance) fullName() value.Value {
	if i.named {
		return i.name
	}
	i.named, i.name = true, unknown() // of one that is named after itself
	p := i.property("name")
	if p == nil {
		return i.name
	}
	f := i.frame
	f.placed = false
	quiet := f.scope.unit.quiet
	f.scope.unit.quiet = 0
	f.scope.unit.pending++
	name := f.eval(p.Value)
	f.scope.unit.pending--
	f.scope.unit.quiet = quiet
	if parent, ok := i.parent(); ok {
		above := unknown()
		if parent != nil {
			above = parent.fullName()
		}
		name = joined(above, text("/"), name)
	}
	name.Range = f.scope.file.at(p.Span)
	i.name = name
	return name
}

// id is what resourceId() makes of the resource.
func (i *bicepInstance) id() value.Value {
	typ, _ := i.group.typ()
	name := i.fullName()
	name.Range = source.Range{}
	path := providerPath(typ, nameParts(name))
	if s := i.scope(); s.Kind != value.Absent {
		return joined(s, path)
	}
	if strings.EqualFold(typ, "Microsoft.Resources/resourceGroups") {
		return joined(subscriptionPath(nil), text("/resourceGroups/"), name)
	}
	switch i.group.scope.target() {
	case "subscription":
		return joined(subscriptionPath(nil), path)
	case "managementGroup":
		return joined(text("/providers/Microsoft.Management/managementGroups/"), symbol("managementGroup", "name"), path)
	case "tenant":
		return path
	}
	return joined(groupPath(nil, nil), path)
}

// target is what the file is deployed to.
func (s *bicepScope) target() string {
	for _, d := range s.file.tree.Declarations {
		if d.Keyword == bicep.TargetScope && d.Value != nil {
			if t, ok := d.Value.(*bicep.Text); ok {
				text, _ := t.Plain()
				return text
			}
		}
	}
	return "resourceGroup"
}

// scope is the identity of what the property scope names; absent when it is not written. A part stands where its parent does.
func (i *bicepInstance) scope() value.Value {
	for range 32 {
		if p := i.property("scope"); p != nil {
			if r, ok := i.frame.entity(p.Value); ok {
				if r.instance == nil {
					return stateOf(within(r.group.scope.prefix, r.group.address), "id")
				}
				return r.instance.id()
			}
			f := i.frame
			f.placed = false
			v := f.eval(p.Value)
			if id := v.Field("id"); id.IsSet() {
				return *id
			}
			if v.Kind == value.Object { // the tenant
				return text("")
			}
			return unknown()
		}
		parent, ok := i.parent()
		if !ok || parent == nil {
			return value.Value{}
		}
		i = parent
	}
	return value.Value{}
}

// extended is the identity of the resource that this one extends; absent when it extends none.
func (i *bicepInstance) extended() value.Value {
	p := i.property("scope")
	if p == nil {
		return value.Value{}
	}
	r, ok := i.frame.entity(p.Value)
	if !ok {
		return value.Value{}
	}
	if typ, _ := r.group.typ(); strings.EqualFold(typ, "Microsoft.Resources/resourceGroups") {
		return value.Value{}
	}
	v := i.scope()
	v.Range = i.frame.scope.file.at(p.Span)
	return v
}
