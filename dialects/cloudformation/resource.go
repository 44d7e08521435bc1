package cloudformation

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// native is one resource in CloudFormation's own names: one that is declared, or one that SAM makes of it.
type native struct {
	scope  *scope
	of     *declared
	id     string // its logical id
	typ    string
	body   value.Value
	refs   []resource.Ref
	routes []route // where its properties are written; nil when they are the declared ones
	made   bool    // SAM makes it: properties without a route are nowhere
	maybe  bool
	when   []string       // as in resource.Resource
	base   *document.Node // where the routes begin; nil for the Properties of what is declared
}

// route says that a property of a resource that SAM makes is written in another one of what is declared.
type route struct{ to, from value.Path }

// address returns the native's address in the unit.
func (n *native) address() string { return n.scope.within(n.id) }

// policies are the attributes of a resource that stand beside its properties, and that tables name like properties.
var policies = [...]string{"CreationPolicy", "DeletionPolicy", "UpdatePolicy", "UpdateReplacePolicy"}

// resource evaluates one declared resource and what it nests.
func (s *scope) resource(d *declared) {
	exists := s.exists(d)
	if exists == no {
		return
	}
	uncertain := s.maybe || d.maybe || exists == maybe
	if s.template.sam && strings.HasPrefix(d.typ, "AWS::Serverless::") {
		s.serverless(d, uncertain)
	} else {
		n := &native{scope: s, of: d, id: d.id, typ: d.typ, maybe: uncertain}
		n.body, n.refs = s.properties(d)
		s.add(n)
	}
	if isNested(d) {
		if c := s.child(d); c != nil {
			s.unit.collectPrepared(c)
		}
	}
}

func (s *scope) add(n *native) {
	u := s.unit
	if len(u.natives) >= u.limits.Resources {
		u.exceed("resources", n.of.member.Key.Range, "the unit has more than %d resources; the rest was not evaluated", u.limits.Resources)
		return
	}
	if n.body.Kind != value.Object {
		n.body = value.Value{Kind: value.Object, Open: n.body.Kind == value.Unknown}
	}
	n.body.Range = n.of.member.Range
	n.of.natives = append(n.of.natives, n)
	if n.maybe && n.when == nil {
		n.when = s.when(n.of)
	}
	u.natives = append(u.natives, n)
}

// when returns the conditions that decide whether a resource exists; nil when something else does too.
func (s *scope) when(d *declared) []string {
	if d.maybe || s.maybe && s.conditional == nil {
		return nil
	}
	out := slices.Clone(s.conditional)
	if s.exists(d) == maybe {
		name, known := (&env{scope: s, loop: d.loop}).text(d.body.Get("Condition"))
		if !known {
			return nil
		}
		out = append(out, s.within("Conditions."+name))
	}
	slices.Sort(out)
	return out
}

// envOf returns where the properties of a resource evaluate: its condition holds there.
func (s *scope) envOf(d *declared) *env {
	e := &env{scope: s, loop: d.loop}
	if c := d.body.Get("Condition"); c != nil && c.Kind == document.Scalar && !d.made {
		e.assume(c, yes)
	}
	return e
}

// properties evaluates the Properties of a resource, and what stands beside them.
func (s *scope) properties(d *declared) (value.Value, []resource.Ref) {
	e := s.envOf(d)
	body := value.Value{Kind: value.Object}
	if n := d.body.Get("Properties"); !n.IsNull() {
		ok := s.unit.contain("the properties of "+d.id, d.member.Key.Range, func() { body = e.value(n) })
		if !ok {
			body = value.Value{Kind: value.Object, Open: true}
		}
	}
	if body.Kind != value.Object {
		if body.IsSet() && body.Kind != value.Unknown {
			s.unit.problem(source.Invalid, d.body.Get("Properties").Range, "the Properties of "+shown(d.id)+" are no mapping; what it declares was not judged")
		}
		body = value.Value{Kind: value.Object, Open: true}
	}
	var more []value.Field
	for _, name := range policies {
		if m := d.body.Member(name); m != nil && !m.Value.IsNull() && body.Field(name).Kind == value.Absent {
			e.path = e.path[:0]
			v := e.at(value.Step{Name: name}, m.Value)
			if v.Kind != value.Absent {
				v.Range = m.Range
				more = append(more, value.Field{Name: name, Value: v})
			}
		}
	}
	if len(more) > 0 {
		body.Fields = append(body.Fields[:len(body.Fields):len(body.Fields)], more...)
		slices.SortFunc(body.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	}
	body.Range = d.member.Range
	return body, e.refs
}

// declarations makes the resources that stand for parameters and outputs.
func (s *scope) declarations() {
	u := s.unit
	t := s.template
	base := func(local, typ, name string, m *document.Member, fields []value.Field) *resource.Resource {
		slices.SortFunc(fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
		return &resource.Resource{
			Address: s.within(local), Module: s.module, Type: typ, Name: name, Dialect: u.word, Calls: s.calls, Maybe: s.maybe,
			Range: m.Range, Header: m.Key.Range, Body: value.Value{Kind: value.Object, Fields: fields, Range: m.Range},
		}
	}
	for _, name := range t.order {
		p := t.parameters[name]
		r := base("Parameters."+name, "variable", name, p.member, p.variable())
		r.Handle = &declarationHandle{scope: s, parameter: p}
		u.resources = append(u.resources, r)
	}
	for _, name := range sortedNames(s.outputs) {
		c := s.outputs[name]
		var fields []value.Field
		if m := c.node.Member("Description"); m != nil && m.Value.Kind == document.Scalar {
			fields = append(fields, value.Field{Name: "description", Value: value.Value{Kind: value.String, Text: m.Value.Text, Range: m.Range}})
		}
		var refs []resource.Ref
		if m := c.node.Member("Value"); m != nil {
			out := s.outputOf(c)
			v := out.value
			v.Range = m.Range
			if v.Kind != value.Absent {
				fields = append(fields, value.Field{Name: "value", Value: v})
			}
			for _, ref := range out.refs {
				refs = append(refs, resource.Ref{Path: append(value.Path{{Name: "value"}}, ref.Path...), Target: ref.Target, Attribute: ref.Attribute})
			}
		}
		r := base("Outputs."+name, "output", name, c.member, fields)
		r.Refs = refs
		r.Maybe = r.Maybe || c.maybe
		r.Handle = &declarationHandle{scope: s, output: c}
		u.resources = append(u.resources, r)
	}
}

// declarationHandle is the Handle of a resource that stands for a parameter or an output.
type declarationHandle struct {
	scope     *scope
	parameter *parameter // one of the two
	output    *outputCell
}

// translate makes the resources of the graph.
func (u *evaluation) translate() {
	table := u.table()
	for _, n := range u.natives {
		u.charge(1)
		name := n.id
		if p := nodeText(n.of.body.Get("Metadata").Get("aws:cdk:path")); p != "" && !n.made {
			name = p
		}
		if table.Knows(n.typ) {
			translated := table.Resources(&translate.Native{
				Dialect: u.word, Type: n.typ, Address: n.address(), Module: n.scope.module, Name: name, Body: n.body, Refs: n.refs,
				Range: n.of.member.Range, Header: n.of.member.Key.Range, First: n.scope.template.first, Calls: n.scope.calls,
				Maybe: n.maybe, When: n.when, Handle: n,
			})
			if len(translated) > 0 {
				u.resources = append(u.resources, translated...)
				continue
			}
		}
		provider := ""
		if strings.HasPrefix(n.typ, "AWS::") || strings.HasPrefix(n.typ, "Custom::") {
			provider = "aws"
		}
		u.resources = append(u.resources, &resource.Resource{
			Address: n.address(), Module: n.scope.module, Type: n.typ, Native: n.typ, Name: name, Provider: provider, Dialect: u.word,
			Body: n.body, Range: n.of.member.Range, Header: n.of.member.Key.Range, Calls: n.scope.calls, Maybe: n.maybe, When: n.when, Refs: n.refs,
			Handle: &translate.Origin{Native: &translate.Native{Type: n.typ, Handle: n}},
		})
	}
	table.Link(u.resources)
}

// first returns the first line of a range.
func (t *template) first(r source.Range) source.Range {
	f := t.file.source
	if r.File != f.Path {
		return r
	}
	if line := f.Line(f.Position(r.Start).Line); line.End < r.End {
		r.End = max(line.End, r.Start)
	}
	return r
}
