package cloudformation

import (
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// parameter is one declared parameter.
type parameter struct {
	name     string
	member   *document.Member
	typ      string           // String, Number, CommaDelimitedList, List<AWS::EC2::Subnet::Id>, …
	fallback *document.Member // its Default; nil when there is none
	allowed  []string         // AllowedValues; nil when any value is
	noEcho   bool
}

// readParameters notes the declarations.
func (t *template) readParameters(n *document.Node) {
	if n.IsNull() {
		return
	}
	if n.Kind != document.Mapping {
		t.problem(source.Invalid, n.Range, "Parameters is not a mapping")
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		name := m.Key.Text
		if name == "Fn::Transform" {
			t.opaque = true
			t.problem(source.Unresolved, m.Range, "Fn::Transform includes parameters that are not at hand")
			continue
		}
		if m.Value.Kind != document.Mapping {
			t.problem(source.Invalid, m.Range, "the parameter "+shown(name)+" is not a mapping")
			continue
		}
		p := &parameter{name: name, member: m, typ: nodeText(m.Value.Get("Type"))}
		if d := m.Value.Member("Default"); d != nil && !d.Value.IsNull() {
			p.fallback = d
		}
		if a := m.Value.Get("AllowedValues"); a != nil && a.Kind == document.Sequence {
			p.allowed = []string{}
			for _, item := range a.Items {
				p.allowed = append(p.allowed, item.Text)
			}
		}
		p.noEcho = strings.EqualFold(nodeText(m.Value.Get("NoEcho")), "true")
		if t.parameters[name] == nil {
			t.order = append(t.order, name)
		}
		t.parameters[name] = p
	}
}

// isList reports whether the values of the parameter's type are lists.
func (p *parameter) isList() bool {
	typ := p.typ
	if inner, ok := strings.CutPrefix(typ, "AWS::SSM::Parameter::Value<"); ok {
		typ = strings.TrimSuffix(inner, ">")
	}
	return typ == "CommaDelimitedList" || strings.HasPrefix(typ, "List<")
}

// stored reports whether the parameter names a parameter of the Systems Manager, whose value it takes.
func (p *parameter) stored() bool { return strings.HasPrefix(p.typ, "AWS::SSM::Parameter::Value<") }

// convert reads a text that is given for the parameter.
func (p *parameter) convert(text string) value.Value {
	switch {
	case p.stored():
		return p.unknown()
	case p.isList():
		v := value.Value{Kind: value.List, Items: []value.Value{}}
		if text != "" {
			for item := range strings.SplitSeq(text, ",") {
				v.Items = append(v.Items, value.Value{Kind: value.String, Text: strings.TrimSpace(item), Sensitive: p.noEcho})
			}
		}
		v.Sensitive = p.noEcho
		return v
	}
	return dynamic(value.Value{Kind: value.String, Text: text, Sensitive: p.noEcho})
}

// unknown is the value of the parameter when nothing is given. With a single allowed value it can be nothing else, and what
// all of them begin with is known.
func (p *parameter) unknown() value.Value {
	v := unknown()
	v.Sensitive = p.noEcho
	if p.isList() {
		return value.Value{Kind: value.List, Open: true, Sensitive: p.noEcho, Given: true}
	}
	if len(p.allowed) == 1 && !p.stored() {
		return value.Value{Kind: value.String, Text: p.allowed[0], Sensitive: p.noEcho}
	}
	if len(p.allowed) > 1 && !p.stored() {
		v.Text = p.allowed[0]
		for _, a := range p.allowed[1:] {
			v.Text = commonPrefix(v.Text, a)
		}
	}
	return v
}

// mayBe reports whether the parameter can have a value.
func (p *parameter) mayBe(text string) bool {
	return p.allowed == nil || p.stored() || slices.Contains(p.allowed, text)
}

// typeName is the word that Terraform has for the type, which rules about variables are written in.
func (p *parameter) typeName() string {
	switch {
	case p.isList():
		if strings.HasSuffix(p.typ, "<Number>") {
			return "list(number)"
		}
		return "list(string)"
	case p.typ == "Number":
		return "number"
	}
	return "string"
}

// input is a value given to a parameter from outside of the template.
type input struct {
	name   string // dev.parameters.json, --var
	value  value.Value
	node   *document.Node // where it is written; nil when in no file
	file   *parameterFile // of node
	entry  source.Range   // of node; zero when in no file
	holder *document.Node // the mapping that node is a member of
	key    string         // its name there
	given  bool           // it is in no file of the tree
}

// parameterCell is the value of a parameter, evaluated when it is first asked for.
type parameterCell struct {
	state cellState
	result
}

type cellState uint8

const (
	untouched cellState = iota
	busy
	done
)

// parameter returns the value of a parameter with what it refers to.
func (s *scope) parameter(p *parameter) result {
	c := s.parameters[p.name]
	if c == nil {
		c = &parameterCell{}
		s.parameters[p.name] = c
	}
	switch c.state {
	case done:
		s.unit.charge(1)
		return c.result
	case busy: // a nested stack whose argument leads back to its own outputs
		s.unit.problem(source.Invalid, p.member.Range, "the parameter "+shown(p.name)+" refers to itself through a nested stack")
		return result{value: unknown()}
	}
	c.state = busy
	c.result = s.evaluateParameter(p)
	c.value.Range = source.Range{}
	c.state = done
	return c.result
}

func (s *scope) evaluateParameter(p *parameter) result {
	if s.parent != nil {
		if m := s.arguments.Member(p.name); m != nil {
			e := &env{scope: s.parent, loop: s.caller.loop}
			v := e.value(m.Value)
			return result{value: p.given(v), refs: e.refs}
		}
	} else if in, ok := s.given[p.name]; ok {
		v := p.given(in.value)
		if in.given {
			v = markGiven(v)
		}
		if text, known := v.Word(); known && !p.mayBe(text) {
			s.unit.problem(source.Invalid, p.member.Key.Range, fmt.Sprintf("%s gives the parameter %s a value that is not among its AllowedValues", in.name, p.name))
		}
		return result{value: v}
	}
	if p.fallback != nil {
		return result{value: p.fromDefault()}
	}
	return result{value: p.unknown()}
}

// fromDefault is the value that the parameter has by its Default.
func (p *parameter) fromDefault() value.Value {
	n := p.fallback.Value
	if n.Kind == document.Scalar {
		return p.convert(n.Text)
	}
	return p.unknown()
}

// given converts a value that is handed to the parameter to its type.
func (p *parameter) given(v value.Value) value.Value {
	switch {
	case v.Kind == value.Absent || v.Kind == value.Null:
		if p.fallback != nil {
			return p.fromDefault()
		}
		return p.unknown()
	case p.stored():
		return p.unknown()
	case v.Kind == value.List && !p.isList():
		return concat(v.Items, ",")
	case v.Kind == value.List || v.Kind == value.Object:
		return unplaced(v)
	}
	text, known := v.Word()
	if !known {
		if p.isList() {
			return value.Value{Kind: value.List, Open: true, Given: v.Given, Sensitive: v.Sensitive || p.noEcho}
		}
		v.Sensitive = v.Sensitive || p.noEcho
		return v
	}
	w := p.convert(text)
	w.Sensitive, w.Given = w.Sensitive || v.Sensitive, w.Given || v.Given
	return w
}

// markGiven marks the texts of a value as not being in the code.
func markGiven(v value.Value) value.Value {
	v.Given = true
	if v.Kind == value.List {
		items := slices.Clone(v.Items)
		for i := range items {
			items[i] = markGiven(items[i])
		}
		v.Items = items
	}
	return v
}

// variable makes the fields of the resource that stands for a parameter.
func (p *parameter) variable() []value.Field {
	var fields []value.Field
	add := func(name string, m *document.Member, v value.Value) {
		v.Range = m.Range
		fields = append(fields, value.Field{Name: name, Value: v})
	}
	if p.fallback != nil {
		v := p.fromDefault()
		add("default", p.fallback, v)
	}
	if m := p.member.Value.Member("Description"); m != nil && m.Value.Kind == document.Scalar {
		add("description", m, value.Value{Kind: value.String, Text: m.Value.Text})
	}
	if m := p.member.Value.Member("NoEcho"); m != nil {
		add("sensitive", m, value.Value{Kind: value.Bool, Bool: p.noEcho})
	}
	if m := p.member.Value.Member("Type"); m != nil {
		add("type", m, value.Value{Kind: value.String, Text: p.typeName()})
	}
	return fields
}
