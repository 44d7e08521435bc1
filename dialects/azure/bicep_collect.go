package azure

import (
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// bicepCollector gathers what a unit declares.
type bicepCollector struct {
	unit *bicepEvaluation
	out  deployment
}

// bicepHandle is the Handle of a resource of this dialect.
type bicepHandle struct{ instance *bicepInstance }

// scope gathers the resources of a file, and those of the modules that it calls.
func (c *bicepCollector) scope(s *bicepScope, depth int) {
	for _, d := range s.file.tree.Declarations {
		if c.unit.spent {
			return
		}
		switch d.Keyword {
		case bicep.Resource:
			c.resource(s.group(d, nil))
		case bicep.Module:
			for _, i := range s.group(d, nil).instances {
				if !i.absent && i.body != nil {
					c.call(i, depth)
				}
			}
		case bicep.Param, bicep.Output:
			c.value(s, d)
		}
	}
}

// resource gathers the instances of a declaration, and what is nested in it.
func (c *bicepCollector) resource(g *bicepGroup) {
	var nested []*bicep.Declaration
	for _, i := range g.instances {
		if i.body != nil {
			if nested == nil {
				nested = i.body.Resources
			}
			c.instance(i)
		}
	}
	for _, d := range nested {
		c.resource(g.scope.group(d, g))
	}
}

func (c *bicepCollector) instance(i *bicepInstance) {
	g := i.group
	s := g.scope
	if i.absent {
		return
	}
	if len(c.out.resources) >= c.unit.limits.Resources {
		s.frame().exceed("resources", g.decl.Span, "the template has more than %d resources; the rest was not evaluated", c.unit.limits.Resources)
		return
	}
	typ, _ := g.typ()
	if typ == "" || strings.HasPrefix(typ, "/") || strings.HasSuffix(typ, "/") {
		c.unit.problem(source.Problem{Kind: source.Invalid, Range: s.header(g.decl), Message: fmt.Sprintf("the type of %s is not written out", g.decl.Name)})
		return
	}
	if strings.EqualFold(typ, "Microsoft.Resources/deployments") && !g.decl.Existing {
		c.template(i)
		return
	}
	r := &deployed{
		address: i.address(), typ: typ, name: i.fullName(), existing: g.decl.Existing, maybe: i.maybe || s.maybe,
		module: s.prefix, calls: s.calls, whole: s.file.at(g.decl.Whole()), header: s.header(g.decl), handle: &bicepHandle{i},
	}
	if !r.existing {
		r.scope = i.extended()
		r.body = i.evaluated()
	}
	c.out.resources = append(c.out.resources, r)
}

// template looks at a deployment that is written as a resource, with a JSON template in its body. What such a template declares
// is not evaluated; one that declares something is said to be missing.
func (c *bicepCollector) template(i *bicepInstance) {
	body := i.evaluated()
	properties := body.Field("properties")
	template := properties.Field("template")
	if r := template.Field("resources"); r.Kind == value.List && len(r.Items) == 0 && !r.Open || r.Kind == value.Object && len(r.Fields) == 0 && !r.Open {
		return
	}
	c.out.absent = append(c.out.absent, absentModule{address: i.full(), module: i.group.scope.prefix, args: *properties})
}

// notInBody are the properties of a resource's body that are about its place, not of it.
var notInBody = map[string]bool{"name": true, "parent": true, "scope": true, "dependsOn": true, "asserts": true}

// evaluated is the body of a resource without what says where it belongs.
func (i *bicepInstance) evaluated() value.Value {
	own := &bicep.Object{Span: i.body.Span, Members: make([]*bicep.Property, 0, len(i.body.Members))}
	for _, m := range i.body.Members {
		if m.Spread || m.Key != nil || !notInBody[m.Name] {
			own.Members = append(own.Members, m)
		}
	}
	f := i.frame
	if i.maybe { // what would be wrong in it may never be
		f.scope.unit.quiet++
		defer func() { f.scope.unit.quiet-- }()
	}
	v := f.eval(own)
	if v.Kind != value.Object {
		v = value.Value{Kind: value.Object, Open: true}
	}
	for n := range v.Fields {
		if notInBody[v.Fields[n].Name] { // of a spread
			v.Fields = slices.DeleteFunc(slices.Clone(v.Fields), func(f value.Field) bool { return notInBody[f.Name] })
			break
		}
	}
	return v
}

// call gathers what a call of a module makes.
func (c *bicepCollector) call(i *bicepInstance, depth int) {
	s, d := i.group.scope, i.group.decl
	name, plain := d.Text.Plain()
	to, local := s.file.local(d.Text)
	if child := i.module(); child != nil {
		c.scope(child, depth+1)
		return
	}
	if t := i.template(); t != nil {
		t.unit.collect(t, &c.out)
		return
	}
	where := s.file.at(d.Header)
	if d.Text != nil {
		where = s.file.at(d.Text.Span)
	}
	switch {
	case !plain || strings.Contains(name, ":"): // of a registry: what is missing is told below
	case !local:
		c.unit.unresolved(where, "the module %s leads out of the tree", name)
	case depth >= c.unit.limits.Modules:
		s.frame().exceed("modules", d.Header, "modules call each other more than %d deep", c.unit.limits.Modules)
	case c.unit.limited["calls"]: // told already
	case c.circle(s, to):
		c.unit.problem(source.Problem{Kind: source.Invalid, Range: where, Message: fmt.Sprintf("the module %s calls itself", to)})
	default:
		c.unit.unresolved(where, "the module %s is not in the tree", to)
	}
	m := absentModule{address: i.full(), module: s.prefix}
	if p := i.property("params"); p != nil {
		f := i.frame
		f.placed = false
		m.args = f.maybe(p.Value)
	}
	c.out.absent = append(c.out.absent, m)
}

func (c *bicepCollector) circle(s *bicepScope, to string) bool {
	for ; s != nil; s = s.caller.group.scope {
		if s.file.path == to {
			return true
		}
		if s.caller == nil {
			break
		}
	}
	return false
}

// value makes the resource that stands for a parameter or an output.
func (c *bicepCollector) value(s *bicepScope, d *bicep.Declaration) {
	if d.Broken || d.Name == "" {
		return
	}
	var fields []value.Field
	add := func(name string, v value.Value, at bicep.Span) {
		if v.IsSet() {
			v.Range = s.file.at(at)
			fields = append(fields, value.Field{Name: name, Value: v})
		}
	}
	f := s.frame()
	f.placed = true
	if x := d.Decorated("description"); x != nil && len(x.Args) == 1 {
		add("description", f.maybe(x.Args[0]), x.Span)
	}
	if s.secure(d) {
		at := d.NameSpan
		if x := d.Decorated("secure"); x != nil {
			at = x.Span
		}
		add("sensitive", boolean(true), at)
	}
	if d.Type != nil && d.Type.Kind == bicep.Named {
		add("type", text(d.Type.Name), d.Type.Span)
	}
	r := &resource.Resource{Type: "variable", Native: "param", Name: d.Name, Module: s.prefix, Dialect: "bicep", Calls: s.calls,
		Range: s.file.at(d.Whole()), Header: s.header(d), Maybe: s.maybe, Address: within(s.prefix, "param."+d.Name), Handle: &bicepValue{s, d}}
	if d.Keyword == bicep.Output {
		r.Type, r.Native, r.Address = "output", "output", within(s.prefix, "output."+d.Name)
		if d.Value != nil {
			v, _ := s.output(d.Name)
			add("value", v, d.Value.Extent())
		}
	} else if d.Value != nil {
		add("default", f.maybe(d.Value), d.Value.Extent())
	}
	r.Body = object(fields)
	r.Body.Range = r.Range
	c.out.others = append(c.out.others, r)
}

// bicepValue is the Handle of a parameter or an output.
type bicepValue struct {
	scope *bicepScope
	decl  *bicep.Declaration
}

// graph joins what was gathered.
func (c *bicepCollector) graph() *resource.Graph {
	u := c.unit
	c.out.dialect, c.out.table = "bicep", u.estate.table
	c.out.first = func(r source.Range) source.Range {
		if f := u.estate.file(r.File); f != nil {
			r.End = min(r.End, f.source.Line(f.source.Position(r.Start).Line).End)
		}
		return r
	}
	return c.out.graph()
}
