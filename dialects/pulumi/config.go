package pulumi

import (
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// configure evaluates the configuration: what the project and the program declare, with the values of the stack over the
// defaults, and those of --var and --var-file over both.
func (u *evaluation) configure() {
	for name, m := range u.unit.declared() {
		s := &setting{name: name, member: m}
		s.value = u.fallback(m)
		u.config[name] = s
	}
	for _, f := range u.unit.stacks {
		u.configureFrom(f)
	}
	for i := range u.workspace.Vars {
		given := &u.workspace.Vars[i]
		if f := u.named[i]; f != nil {
			for _, p := range f.read().problems {
				u.problem(p.Kind, p.Range, "%s", p.Message)
			}
			u.configureFrom(f)
			continue
		}
		s := u.configured(given.Name)
		s.step = &dialect.Step{Name: "--var " + given.Name}
		s.value = s.typed(value.Value{Kind: value.String, Text: given.Value, Given: true})
	}
}

// configured returns the entry of a name, which may be a new one.
func (u *evaluation) configured(name string) *setting {
	name = u.unit.bare(name)
	s := u.config[name]
	if s == nil {
		s = &setting{name: name}
		u.config[name] = s
	}
	return s
}

// configureFrom takes the values of a stack.
func (u *evaluation) configureFrom(f *file) {
	n := f.read().root.Get("config")
	if n == nil {
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		if m.Key.Kind != document.Scalar {
			continue
		}
		s := u.configured(m.Key.Text)
		s.step = &dialect.Step{Name: f.Path, Range: m.Range}
		s.value = s.typed(literal(m.Value))
		s.value.Range = m.Range
	}
}

// literal is the value of a node in which nothing is evaluated. What is encrypted is unknown.
func literal(n *document.Node) value.Value {
	if n.Kind == document.Mapping && len(n.Members) == 1 && n.Members[0].Key.Text == "secure" {
		return value.Value{Kind: value.Unknown, NotNull: true, Sensitive: true, Given: true, Range: n.Range}
	}
	v := n.Value(false, nil)
	if n.Kind == document.Mapping {
		for i := range v.Fields {
			if inner := n.Get(v.Fields[i].Name); inner != nil && inner.Kind == document.Mapping {
				at := v.Fields[i].Value.Range
				v.Fields[i].Value = literal(inner)
				v.Fields[i].Value.Range = at
			}
		}
	}
	return v
}

// fallback is what an entry is when no stack says otherwise.
func (u *evaluation) fallback(m *document.Member) value.Value {
	s := &setting{member: m}
	var v value.Value
	switch {
	case m.Value.Kind != document.Mapping:
		v = literal(m.Value) // name: value
	case m.Value.Get("default") != nil:
		v = s.typed(literal(m.Value.Get("default")))
		v.Range = m.Value.Member("default").Range
	case m.Value.Get("value") != nil:
		v = s.typed(literal(m.Value.Get("value")))
		v.Range = m.Value.Member("value").Range
	default:
		v = s.typed(value.Value{Kind: value.Unknown, NotNull: true, Given: true})
	}
	return v
}

// typed makes a value what the type of the entry says: settings on the command line are texts.
func (s *setting) typed(v value.Value) value.Value {
	if s.member == nil {
		return v
	}
	n := s.member.Value
	if textOf(n.Get("secret")) == "true" {
		v.Sensitive = true
	}
	text, known := v.Word()
	if !known {
		return v
	}
	as := v
	switch strings.ToLower(textOf(n.Get("type"))) {
	case "string":
		as.Kind, as.Text = value.String, text
	case "integer", "number", "int", "boolean":
		plain := document.ReadPlain(text, false)
		if plain.Kind == value.Number || plain.Kind == value.Bool {
			as = plain
			as.Range, as.Sensitive, as.Given = v.Range, v.Sensitive, v.Given
		}
	}
	return as
}

// settingOf returns the entry of the configuration that a name means, with or without the project's name before it.
func (u *evaluation) settingOf(name string) *setting { return u.config[u.unit.bare(name)] }

// declarations makes resources of the configuration and the outputs, as rules about inputs and outputs want them.
func (u *evaluation) declarations() []*resource.Resource {
	var out []*resource.Resource
	add := func(address, typ, name string, m *document.Member, fields ...value.Field) {
		r := &resource.Resource{Address: address, Type: typ, Name: name, Dialect: "pulumi", Range: m.Range, Header: u.firstLine(m.Range),
			Body: value.Value{Kind: value.Object, Range: m.Range}, Handle: m}
		for _, f := range fields {
			if f.Value.Kind != value.Absent {
				r.Body.Fields = append(r.Body.Fields, f)
			}
		}
		out = append(out, r)
	}
	for _, name := range slices.Sorted(maps.Keys(u.config)) {
		s := u.config[name]
		if s.member == nil || strings.Contains(name, ":") { // the settings of a provider are no inputs of the program
			continue
		}
		var sensitive, fallback value.Value
		if m := s.member.Value.Member("secret"); m != nil {
			sensitive = literal(m.Value)
			sensitive.Range = m.Range
		}
		if m := s.member.Value.Member("default"); m != nil {
			fallback = s.typed(literal(m.Value))
			fallback.Range = m.Range
		}
		add("config."+name, "variable", name, s.member, value.Field{Name: "default", Value: fallback}, value.Field{Name: "sensitive", Value: sensitive})
	}
	if n := u.unit.program.read().root.Get("outputs"); n != nil {
		for i := range n.Members {
			m := &n.Members[i]
			if m.Key.Kind != document.Scalar {
				continue
			}
			e := &env{evaluation: u}
			v := e.value(m.Value)
			v.Range = m.Range
			fields := []value.Field{{Name: "value", Value: v}}
			if v.Sensitive {
				fields = append([]value.Field{{Name: "sensitive", Value: value.Value{Kind: value.Bool, Bool: true, Range: m.Range}}}, fields...)
			}
			add("outputs."+m.Key.Text, "output", m.Key.Text, m, fields...)
			r := out[len(out)-1]
			for _, ref := range e.refs {
				r.Refs = append(r.Refs, resource.Ref{Path: append(value.Path{{Name: "value"}}, ref.Path...), Target: ref.Target, Attribute: ref.Attribute})
			}
		}
	}
	return out
}

// at returns where an entry of the configuration is declared.
func (s *setting) at() source.Range {
	if s.member == nil {
		return source.Range{}
	}
	return s.member.Range
}
