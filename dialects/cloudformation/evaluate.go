package cloudformation

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// result is a value with what it was made of: paths of the references start in the value.
type result struct {
	value value.Value
	refs  []resource.Ref
}

// env is where an expression evaluates. It collects the references that values are made of.
type env struct {
	scope *scope
	loop  *loop // the innermost loop around; nil outside of any
	path  value.Path
	flat  int // inside of a function, whose arguments are no parts of the value
	refs  []resource.Ref
	depth int

	// assumed are conditions that nobody knows and that hold where this is evaluated: in a resource that only then exists,
	// and in the branch of an Fn::If that is only then taken.
	assumed []assumption
}

// unknown is a text that nobody knows before it is deployed.
func unknown() value.Value { return value.Value{Kind: value.Unknown, NotNull: true, Given: true} }

// value evaluates a node. AWS::NoValue is absent. The Range of a member is its entry, of everything else where it stands.
func (e *env) value(n *document.Node) value.Value {
	e.scope.unit.charge(1)
	if e.depth++; e.depth > maxDepth {
		e.depth--
		e.scope.unit.exceed("depth", n.Range, "values are nested deeper than %d; what is deeper is unknown", maxDepth)
		return unknown()
	}
	v := e.evaluate(n)
	e.depth--
	if v.Range.IsZero() {
		v.Range = n.Range
	}
	return v
}

func (e *env) evaluate(n *document.Node) value.Value {
	if n.Tag != "" {
		if name, ok := shortForm(n.Tag); ok {
			return e.call(name, n, n)
		}
	}
	switch n.Kind {
	case document.Scalar:
		return e.scalar(n)
	case document.Sequence:
		return e.list(n)
	case document.Mapping:
		if name, arg, ok := longForm(n); ok {
			return e.call(name, n, arg)
		}
		return e.object(n)
	}
	return unknown()
}

// shortForm returns the function that a tag names: Fn::Sub of !Sub. Tags of YAML itself name none.
func shortForm(tag string) (string, bool) {
	name, ok := strings.CutPrefix(tag, "!")
	if !ok || name == "" || name[0] == '!' {
		return "", false
	}
	switch name {
	case "Ref", "Condition":
		return name, true
	}
	return "Fn::" + name, true
}

// longForm returns the function that a mapping with one member is a call of.
func longForm(n *document.Node) (name string, arg *document.Node, ok bool) {
	if len(n.Members) != 1 {
		return "", nil, false
	}
	m := &n.Members[0]
	if m.Key.Text == "Ref" || strings.HasPrefix(m.Key.Text, "Rain::") || strings.HasPrefix(m.Key.Text, "Fn::") && !strings.HasPrefix(m.Key.Text, loopPrefix) {
		return m.Key.Text, m.Value, true
	}
	return "", nil, false
}

// scalar reads a plain text as YAML does, the identifiers of loops replaced. A number with a zero in front is the text that
// was written: account numbers are not octal.
func (e *env) scalar(n *document.Node) value.Value {
	if e.loop != nil && strings.Contains(n.Text, "{") {
		if v, replaced := e.loop.replace(n.Text); replaced {
			return dynamic(v)
		}
	}
	if v, ok := e.variables(n.Text); ok {
		v.Range = source.Range{}
		return dynamic(v)
	}
	if n.Style != document.Plain {
		return dynamic(value.Value{Kind: value.String, Text: n.Text})
	}
	if len(n.Text) > 1 && n.Text[0] == '0' && strings.Trim(n.Text, "0123456789") == "" && n.Tag == "" {
		return value.Value{Kind: value.String, Text: n.Text}
	}
	v := n.Value(true, nil)
	v.Range = source.Range{}
	if v.Kind == value.String {
		return dynamic(v)
	}
	return v
}

// list evaluates the elements. An element that may be one thing or another stands for both, each of which may be there.
func (e *env) list(n *document.Node) value.Value {
	v := value.Value{Kind: value.List, Items: make([]value.Value, 0, len(n.Items))}
	for _, item := range n.Items {
		e.element(&v, item)
	}
	return v
}

func (e *env) element(list *value.Value, n *document.Node) {
	if branches, undecided := e.undecided(n); undecided {
		for i, b := range branches {
			from, before := len(list.Items), e.assumed
			e.assume(ifArguments(n).Items[0], truth(i == 0))
			e.element(list, b)
			e.assumed = before
			for i := from; i < len(list.Items); i++ {
				list.Items[i].Maybe = true
			}
		}
		return
	}
	at := len(e.refs)
	v := e.at(value.Step{Index: len(list.Items)}, n)
	switch {
	case v.Kind == value.Absent:
		e.refs = e.refs[:at]
	default:
		v.Maybe = false
		list.Items = append(list.Items, v)
	}
}

// undecided returns the branches of an Fn::If whose condition is not known.
func (e *env) undecided(n *document.Node) ([]*document.Node, bool) {
	arg := ifArguments(n)
	if arg == nil || len(arg.Items) != 3 {
		return nil, false
	}
	if e.condition(arg.Items[0]) != maybe {
		return nil, false
	}
	return arg.Items[1:], true
}

// ifArguments returns the arguments of a call of Fn::If; nil when the node is none.
func ifArguments(n *document.Node) *document.Node {
	switch {
	case n.Tag == "!If" && n.Kind == document.Sequence:
		return n
	case n.Kind == document.Mapping && n.Tag == "":
		if name, arg, ok := longForm(n); ok && name == "Fn::If" && arg.Kind == document.Sequence {
			return arg
		}
	}
	return nil
}

// at evaluates a node one step further in.
func (e *env) at(step value.Step, n *document.Node) value.Value {
	if e.flat > 0 {
		return e.value(n)
	}
	e.path = append(e.path, step)
	v := e.value(n)
	e.path = e.path[:len(e.path)-1]
	return v
}

// object evaluates the members. What a macro or an include adds makes it open.
func (e *env) object(n *document.Node) value.Value {
	v := value.Value{Kind: value.Object, Fields: make([]value.Field, 0, len(n.Members))}
	e.members(&v, n)
	slices.SortStableFunc(v.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	return v
}

func (e *env) members(v *value.Value, n *document.Node) {
	for i := range n.Members {
		m := &n.Members[i]
		name := m.Key.Text
		switch {
		case strings.HasPrefix(name, loopPrefix):
			inner := &env{scope: e.scope, loop: e.loop, path: e.path, flat: e.flat, depth: e.depth, assumed: e.assumed}
			e.scope.round(m, e.loop, false, 0, func(id string, m *document.Member, l *loop, uncertain bool) {
				if uncertain {
					v.Open = true
					return
				}
				inner.loop = l
				inner.member(v, id, m)
			})
			e.refs = append(e.refs, inner.refs...)
			continue
		case name == "Fn::Transform":
			e.transform(m.Range, m.Value)
			v.Open = true
			continue
		case e.loop != nil && strings.Contains(name, "{"):
			name, _ = e.loop.key(name)
		}
		e.member(v, name, m)
	}
}

func (e *env) member(v *value.Value, name string, m *document.Member) {
	at := len(e.refs)
	field := e.at(value.Step{Name: name}, m.Value)
	if field.Kind == value.Absent {
		e.refs = e.refs[:at]
		return
	}
	field.Range = m.Range
	v.Fields = append(v.Fields, value.Field{Name: name, Value: field})
}

// transform notes that a macro or an include makes a part of the template.
func (e *env) transform(r source.Range, n *document.Node) {
	if n.Kind == document.Sequence && len(n.Items) > 0 {
		n = n.Items[0]
	}
	name := nodeText(n.Get("Name"))
	e.scope.unresolved("Fn::Transform "+name, r, "Fn::Transform: what the macro "+shown(name)+" makes is not known")
}

// text reads a name: of a type, a condition, a resource. It reports false when the name is not known.
func (e *env) text(n *document.Node) (string, bool) {
	if n == nil || n.Kind != document.Scalar {
		return "", false
	}
	if v, ok := e.variables(n.Text); ok {
		return v.Text, v.Kind == value.String
	}
	if e.loop != nil && strings.Contains(n.Text, "{") {
		v, _ := e.loop.replace(n.Text)
		return v.Text, v.Kind == value.String
	}
	return n.Text, true
}

// refer notes that the value that is being evaluated was made of an attribute of a resource.
func (e *env) refer(target, attribute string) {
	e.refs = append(e.refs, resource.Ref{Path: slices.Clone(e.path), Target: target, Attribute: attribute})
}

// adopt takes a value from elsewhere with its references.
func (e *env) adopt(r result) value.Value {
	for _, ref := range r.refs {
		path := slices.Clone(e.path)
		if e.flat == 0 {
			path = append(path, ref.Path...)
		}
		e.refs = append(e.refs, resource.Ref{Path: path, Target: ref.Target, Attribute: ref.Attribute})
	}
	if n := len(r.value.Items); n > 0 {
		e.scope.unit.charge(n)
	}
	return r.value
}

// argument evaluates an argument of a function, whose parts are no parts of the value. A node that bears the function's own
// tag is read without it.
func (e *env) argument(call, n *document.Node) value.Value {
	e.flat++
	defer func() { e.flat-- }()
	if call != n {
		return e.value(n)
	}
	switch n.Kind {
	case document.Scalar:
		plain := *n
		plain.Tag = ""
		return e.scalar(&plain)
	case document.Sequence:
		return e.list(n)
	}
	if name, arg, ok := longForm(n); ok {
		return e.call(name, n, arg)
	}
	return e.object(n)
}

// unplaced takes the places out of what was written elsewhere: the value stands where it is used.
func unplaced(v value.Value) value.Value {
	v.Range = source.Range{}
	if len(v.Items) > 0 {
		items := make([]value.Value, len(v.Items))
		for i := range v.Items {
			items[i] = unplaced(v.Items[i])
		}
		v.Items = items
	}
	if len(v.Fields) > 0 {
		fields := make([]value.Field, len(v.Fields))
		for i := range v.Fields {
			fields[i] = value.Field{Name: v.Fields[i].Name, Value: unplaced(v.Fields[i].Value)}
		}
		v.Fields = fields
	}
	return v
}
