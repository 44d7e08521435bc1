package cloudformation

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// What SAM makes of its types is in the SAM Developer Guide, "Generated CloudFormation resources": the plain types with their
// logical ids. Only what says something about the deployed thing is made here: no deployments, versions or aliases.

// samGlobals are the names of SAM's types in the section Globals.
var samGlobals = map[string]string{
	"AWS::Serverless::Function":     "Function",
	"AWS::Serverless::Api":          "Api",
	"AWS::Serverless::HttpApi":      "HttpApi",
	"AWS::Serverless::SimpleTable":  "SimpleTable",
	"AWS::Serverless::StateMachine": "StateMachine",
	"AWS::Serverless::LayerVersion": "LayerVersion",
}

// maker makes plain resources of one of SAM's.
type maker struct {
	scope     *scope
	of        *declared
	uncertain bool
	body      value.Value // with Globals
	refs      []resource.Ref
}

// serverless makes the plain resources of one of SAM's.
func (s *scope) serverless(d *declared, uncertain bool) {
	m := &maker{scope: s, of: d, uncertain: uncertain}
	m.body, m.refs = s.properties(d)
	if name := samGlobals[d.typ]; name != "" {
		if n := s.template.globals.Get(name); n != nil && n.Kind == document.Mapping {
			e := &env{scope: s}
			m.inherit(e.value(n), e.refs)
		}
	}
	switch d.typ {
	case "AWS::Serverless::Function":
		m.function()
	case "AWS::Serverless::Api":
		m.restAPI()
	case "AWS::Serverless::HttpApi":
		m.httpAPI()
	case "AWS::Serverless::SimpleTable":
		m.table()
	case "AWS::Serverless::LayerVersion":
		n := m.plain(d.id, "AWS::Lambda::LayerVersion")
		m.take(n, "LayerName", "Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo")
		m.finish(n)
	case "AWS::Serverless::StateMachine":
		m.stateMachine()
	case "AWS::Serverless::Application":
		n := m.plain(d.id, "AWS::CloudFormation::Stack")
		m.move(n, "Location", "TemplateURL")
		m.take(n, "Parameters", "NotificationARNs", "TimeoutInMinutes")
		m.tags(n)
		m.finish(n)
	default:
		n := &native{scope: s, of: d, id: d.id, typ: d.typ, maybe: uncertain, body: m.body, refs: m.refs}
		s.add(n)
	}
}

// inherit puts the section of Globals under the properties, as SAM does: the resource's own value wins, mappings are merged,
// and lists are joined, those of Globals first.
func (m *maker) inherit(global value.Value, refs []resource.Ref) {
	if global.Kind != value.Object {
		m.body.Open = true
		return
	}
	own := m.body.Range
	in := &inheritance{own: m.refs, global: refs}
	m.body = in.merge(global, m.body, nil)
	m.body.Range = own
	m.refs = in.out
	slices.SortStableFunc(m.refs, func(a, b resource.Ref) int { return strings.Compare(a.Path.String(), b.Path.String()) })
}

// inheritance merges values and picks the references that stay.
type inheritance struct{ own, global, out []resource.Ref }

func (in *inheritance) merge(global, own value.Value, path value.Path) value.Value {
	switch {
	case own.Kind == value.Absent:
		in.keep(in.global, path, 0)
		return global
	case global.Kind == value.Object && own.Kind == value.Object:
		out := value.Value{Kind: value.Object, Open: global.Open || own.Open, Range: own.Range}
		names := map[string]bool{}
		for _, f := range global.Fields {
			names[f.Name] = true
		}
		for _, f := range own.Fields {
			names[f.Name] = true
		}
		for _, name := range sortedNames(names) {
			at := append(path[:len(path):len(path)], value.Step{Name: name})
			out.Fields = append(out.Fields, value.Field{Name: name, Value: in.merge(*global.Field(name), *own.Field(name), at)})
		}
		return out
	case global.Kind == value.List && own.Kind == value.List && len(path) > 0:
		out := own
		out.Items = slices.Concat(global.Items, own.Items)
		out.Open = global.Open || own.Open
		in.keep(in.global, path, 0)
		in.keep(in.own, path, len(global.Items))
		return out
	}
	in.keep(in.own, path, 0)
	return own
}

// keep takes the references at a path; the first index behind it moves by shift.
func (in *inheritance) keep(refs []resource.Ref, path value.Path, shift int) {
	for _, ref := range refs {
		if len(ref.Path) < len(path) || !slices.Equal(ref.Path[:len(path)], path) {
			continue
		}
		if shift > 0 && len(ref.Path) > len(path) && ref.Path[len(path)].Name == "" {
			ref.Path = slices.Clone(ref.Path)
			ref.Path[len(path)].Index += shift
		}
		in.out = append(in.out, ref)
	}
}

// plain begins a resource that SAM makes.
func (m *maker) plain(id, typ string) *native {
	n := &native{scope: m.scope, of: m.of, id: id, typ: typ, maybe: m.uncertain, made: true, body: value.Value{Kind: value.Object, Open: m.body.Open}}
	if id == m.of.id {
		m.take(n, policies[:]...)
	}
	return n
}

// take takes properties over under their own names.
func (m *maker) take(n *native, names ...string) {
	for _, name := range names {
		m.move(n, name, name)
	}
}

// move takes a property over under another name. Both are paths of names with dots. A property that is not written keeps a
// route, so that it can be written.
func (m *maker) move(n *native, from, to string) {
	source, target := namePath(from), namePath(to)
	n.routes = append(n.routes, route{to: target, from: source})
	v := m.body.At(source)
	if v.Kind == value.Absent {
		return
	}
	n.body = with(n.body, target, *v)
	for _, ref := range m.refs {
		if len(ref.Path) >= len(source) && slices.Equal(ref.Path[:len(source)], source) {
			n.refs = append(n.refs, resource.Ref{Path: slices.Concat(target, ref.Path[len(source):]), Target: ref.Target, Attribute: ref.Attribute})
		}
	}
}

// set writes a property that SAM itself makes, at the place of what makes it do so.
func (m *maker) set(n *native, to string, v value.Value, at source.Range) {
	v.Range = at
	n.body = with(n.body, namePath(to), v)
}

// link writes a property that refers to another resource.
func (m *maker) link(n *native, to, id, attribute string) {
	v := unknown()
	if attribute == "Arn" {
		v.Text = anyARN
	}
	n.body = with(n.body, namePath(to), v)
	n.refs = append(n.refs, resource.Ref{Path: namePath(to), Target: m.scope.within(id), Attribute: attribute})
}

// finish adds a resource that SAM makes.
func (m *maker) finish(n *native) { m.scope.add(n) }

// tags writes SAM's mapping of tags as the list that plain types have.
func (m *maker) tags(n *native) {
	v := m.body.Field("Tags")
	switch v.Kind {
	case value.Object:
		list := value.Value{Kind: value.List, Open: v.Open, Range: v.Range}
		for _, f := range v.Fields {
			item := f.Value
			list.Items = append(list.Items, value.Value{Kind: value.Object, Range: item.Range, Fields: []value.Field{
				{Name: "Key", Value: value.Value{Kind: value.String, Text: f.Name, Range: item.Range}},
				{Name: "Value", Value: item},
			}})
		}
		n.body = with(n.body, namePath("Tags"), list)
	case value.Absent:
	default:
		n.body = with(n.body, namePath("Tags"), *v)
	}
}

// namePath reads names with dots.
func namePath(s string) value.Path {
	var p value.Path
	for name := range strings.SplitSeq(s, ".") {
		p = append(p, value.Step{Name: name})
	}
	return p
}

// with returns an object with a value at a path of names. Objects on the way are made, at the place of the value.
func with(v value.Value, path value.Path, at value.Value) value.Value {
	if len(path) == 0 {
		return at
	}
	if v.Kind != value.Object {
		v = value.Value{Kind: value.Object, Range: at.Range}
	}
	name := path[0].Name
	fields := slices.Clone(v.Fields)
	i, found := slices.BinarySearchFunc(fields, name, func(f value.Field, n string) int { return strings.Compare(f.Name, n) })
	if !found {
		fields = slices.Insert(fields, i, value.Field{Name: name})
	}
	fields[i].Value = with(fields[i].Value, path[1:], at)
	v.Fields = fields
	return v
}

func text(s string) value.Value { return value.Value{Kind: value.String, Text: s} }

func object(fields ...value.Field) value.Value {
	slices.SortFunc(fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	return value.Value{Kind: value.Object, Fields: fields}
}

// place returns where a property is written; the resource itself when it is not.
func (m *maker) place(property string) source.Range {
	if r := m.body.At(namePath(property)).Range; !r.IsZero() {
		return r
	}
	return m.of.member.Key.Range
}

// expandSAM notes the resources that SAM makes, so that references to them find them, and makes those that belong to no
// single resource.
func (s *scope) expandSAM() {
	s.generated = map[string]bool{}
	for _, d := range s.order {
		switch d.typ {
		case "AWS::Serverless::Function", "AWS::Serverless::StateMachine":
			s.generated[d.id+"Role"] = true
		}
	}
	s.implicitAPIs()
}
