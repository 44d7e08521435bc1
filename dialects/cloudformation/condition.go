package cloudformation

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// tri is the answer of a condition.
type tri uint8

const (
	maybe tri = iota
	no
	yes
)

func truth(b bool) tri {
	if b {
		return yes
	}
	return no
}

func (t tri) not() tri {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return maybe
}

// conditionCell is the answer of a named condition, found when it is first asked for.
type conditionCell struct {
	state  cellState
	answer tri
}

// named answers the condition of that name.
func (s *scope) named(name string, where source.Range) tri {
	c := s.conditions[name]
	if c == nil {
		n := s.sources[name]
		if n == nil {
			if !s.template.opaque {
				s.unit.problem(source.Unresolved, where, "there is no condition "+shown(name))
			}
			return maybe
		}
		c = &conditionCell{state: busy}
		s.conditions[name] = c
		e := &env{scope: s, loop: s.loops[name]}
		c.answer = e.condition(n)
		c.state = done
	}
	if c.state == busy {
		s.unit.problem(source.Invalid, where, "the condition "+shown(name)+" refers to itself, directly or through others")
		return maybe
	}
	return c.answer
}

// condition answers an expression of conditions, or the name of one.
func (e *env) condition(n *document.Node) tri {
	e.scope.unit.charge(1)
	if e.depth++; e.depth > maxDepth {
		e.depth--
		e.scope.unit.exceed("depth", n.Range, "conditions are nested deeper than %d; what is deeper is unknown", maxDepth)
		return maybe
	}
	defer func() { e.depth-- }()
	name, arg := "", n
	if n.Tag != "" {
		name, _ = shortForm(n.Tag)
	} else if n.Kind == document.Mapping && len(n.Members) == 1 {
		name, arg = n.Members[0].Key.Text, n.Members[0].Value
	} else if n.Kind == document.Scalar {
		name = "Condition"
	}
	switch name {
	case "Condition":
		id, known := e.text(arg)
		if !known {
			return maybe
		}
		for _, a := range e.assumed {
			if a.name == id {
				return a.answer
			}
		}
		answer := e.scope.named(id, arg.Range)
		if answer == maybe && len(e.assumed) > 0 { // what it is made of may be assumed
			if n := e.scope.sources[id]; n != nil && n.Kind != document.Scalar && e.scope.loops[id] == nil {
				return e.condition(n)
			}
		}
		return answer
	case "Fn::Not":
		if len(arg.Items) == 1 {
			return e.condition(arg.Items[0]).not()
		}
	case "Fn::And", "Fn::Or":
		if arg.Kind != document.Sequence || len(arg.Items) == 0 {
			break
		}
		decides := no // of And
		if name == "Fn::Or" {
			decides = yes
		}
		out := decides.not()
		for _, item := range arg.Items {
			switch e.condition(item) {
			case decides:
				return decides
			case maybe:
				out = maybe
			}
		}
		return out
	case "Fn::Equals":
		if arg.Kind == document.Sequence && len(arg.Items) == 2 {
			return e.equals(arg.Items[0], arg.Items[1])
		}
	case "Fn::Transform":
		e.transform(n.Range, arg)
		return maybe
	}
	if !e.scope.template.opaque {
		e.scope.unit.problem(source.Invalid, n.Range, "a condition is made of Fn::And, Fn::Or, Fn::Not, Fn::Equals and Condition, with the arguments that each of them takes")
	}
	return maybe
}

// assumption is the answer that a named condition has somewhere.
type assumption struct {
	name   string
	answer tri
}

// maxAssumed bounds how many assumptions are kept; those beyond are forgotten, which only knows less.
const maxAssumed = 32

// assume notes that a condition has an answer, and what follows from that for the conditions that it is made of.
func (e *env) assume(n *document.Node, answer tri) {
	if len(e.assumed) >= maxAssumed {
		return
	}
	name, arg := "", n
	if n.Tag != "" {
		name, _ = shortForm(n.Tag)
	} else if n.Kind == document.Mapping && len(n.Members) == 1 {
		name, arg = n.Members[0].Key.Text, n.Members[0].Value
	} else if n.Kind == document.Scalar {
		name = "Condition"
	}
	switch {
	case name == "Condition":
		id, known := e.text(arg)
		if !known || slices.ContainsFunc(e.assumed, func(a assumption) bool { return a.name == id }) {
			return
		}
		e.assumed = append(e.assumed[:len(e.assumed):len(e.assumed)], assumption{id, answer})
		if of := e.scope.sources[id]; of != nil && of.Kind != document.Scalar && e.scope.loops[id] == nil {
			e.assume(of, answer)
		}
	case name == "Fn::Not" && len(arg.Items) == 1:
		e.assume(arg.Items[0], answer.not())
	case name == "Fn::And" && answer == yes, name == "Fn::Or" && answer == no:
		for _, item := range arg.Items {
			e.assume(item, answer)
		}
	}
}

// equals compares as CloudFormation does: texts letter by letter, numbers and booleans by their texts.
func (e *env) equals(left, right *document.Node) tri {
	inner := &env{scope: e.scope, loop: e.loop, flat: 1, depth: e.depth, assumed: e.assumed} // what a condition refers to is no part of a value
	a, b := inner.value(left), inner.value(right)
	if t := equal(&a, &b); t != maybe {
		return t
	}
	if text, known := b.Word(); known && !inner.mayBe(left, text) {
		return no
	}
	if text, known := a.Word(); known && !inner.mayBe(right, text) {
		return no
	}
	return maybe
}

// mayBe reports whether a node that nobody knows can have a value: not when it is a parameter that does not allow it.
func (e *env) mayBe(n *document.Node, text string) bool {
	name := ""
	if n.Tag == "!Ref" {
		name = n.Text
	} else if n.Kind == document.Mapping && len(n.Members) == 1 && n.Members[0].Key.Text == "Ref" {
		name = nodeText(n.Members[0].Value)
	}
	p := e.scope.template.parameters[name]
	return p == nil || e.scope.parent != nil || p.mayBe(text)
}

func equal(a, b *value.Value) tri {
	if a.Kind == value.List && b.Kind == value.List {
		if a.IsWhollyKnown() && b.IsWhollyKnown() {
			return truth(len(a.Items) == len(b.Items) && equalItems(a.Items, b.Items))
		}
		return maybe
	}
	x, known := a.Word()
	y, too := b.Word()
	switch {
	case known && too:
		return truth(x == y)
	case known:
		return canBe(x, b)
	case too:
		return canBe(y, a)
	case a.Kind == value.Unknown && b.Kind == value.Unknown:
		if n := min(len(a.Text), len(b.Text)); a.Text[:n] != b.Text[:n] {
			return no
		}
	}
	return maybe
}

// equalItems reports whether lists of known scalars of one length are the same.
func equalItems(a, b []value.Value) bool {
	for i := range a {
		if equal(&a[i], &b[i]) != yes {
			return false
		}
	}
	return true
}

// canBe answers whether something that is not a known text is the text: no where what is known of it differs.
func canBe(text string, v *value.Value) tri {
	switch v.Kind {
	case value.Unknown:
		if !strings.HasPrefix(text, v.Text) || !strings.HasSuffix(text, v.Ending) || len(text) < len(v.Text)+len(v.Ending) {
			return no
		}
		return maybe
	case value.Object, value.Absent, value.Null:
		return no
	case value.List:
		if v.Open {
			return maybe
		}
		return no
	}
	return maybe
}
