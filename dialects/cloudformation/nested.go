package cloudformation

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// child returns the nested template of a stack; nil when it is not at hand.
func (s *scope) child(d *declared) *scope {
	if c, ok := s.children[d.id]; ok {
		return c
	}
	s.children[d.id] = nil // what asks while it is being made gets unknowns
	c := s.enter(d)
	s.children[d.id] = c
	if c != nil {
		s.unit.contain("the sections", c.template.file.place(), c.prepare)
	}
	return c
}

// enter finds the template of a stack and makes its scope. When it is not at hand it says so and returns nil.
func (s *scope) enter(d *declared) *scope {
	u := s.unit
	where := d.member.Key.Range
	property := nestingProperty(d.typ)
	if m := d.body.Get("Properties").Member(property); m != nil {
		where = m.Range
	}
	address := s.within("Stack." + d.id)
	gone := func(kind source.ProblemKind, message string) *scope {
		u.problem(kind, where, "the nested stack "+d.id+": "+message)
		u.missing = append(u.missing, resource.Missing{Address: address, Refs: s.argumentRefs(d)})
		return nil
	}
	p, ok := nestedPath(s.template, d.body)
	if !ok {
		p, ok = s.evaluatedPath(d, property)
	}
	if !ok {
		return gone(source.Unresolved, "its template is not in the tree; what it declares was not scanned")
	}
	u.files[p] = true
	f := u.estate.files[p]
	if f == nil {
		read, problem := u.workspace.Read(p)
		if problem != nil || !isTemplate(read.Bytes) {
			return gone(source.Unresolved, "there is no template "+p+"; what it declares was not scanned")
		}
		f = newFile(read, u.limits, u.estate.read)
	}
	for up := s; up != nil; up = up.parent {
		if up.template.file.source.Path == p {
			return gone(source.Limit, "the template "+p+" nests itself, directly or through others")
		}
	}
	if s.depth+1 >= u.limits.Modules {
		return gone(source.Limit, "stacks are nested too deep; what it declares was not scanned")
	}
	if u.nested++; u.nested > u.limits.Resources/50 {
		u.exceed("stacks", where, "more than %d stacks are nested in each other; the rest was not evaluated", u.limits.Resources/50)
		u.missing = append(u.missing, resource.Missing{Address: address, Refs: s.argumentRefs(d)})
		return nil
	}
	return &scope{
		unit: u, template: f.template(), module: address, parent: s, caller: d, depth: s.depth + 1,
		maybe: s.maybe || d.maybe || s.exists(d) == maybe, conditional: s.when(d),
		arguments: d.body.Get("Properties").Get("Parameters"),
		calls:     append(slices.Clone(s.calls), resource.Call{Address: address, Range: d.member.Key.Range}),
	}
}

// evaluatedPath is the path of a nested template whose name a function makes.
func (s *scope) evaluatedPath(d *declared, property string) (string, bool) {
	n := d.body.Get("Properties").Get(property)
	if n == nil || n.Kind == document.Scalar && n.Tag == "" {
		return "", false
	}
	e := &env{scope: s, loop: d.loop, flat: 1}
	v := e.value(n)
	if v.Kind != value.String {
		return "", false
	}
	return localPath(s.template.file.source.Path, v.Text)
}

// argumentRefs returns what the arguments of a stack refer to.
func (s *scope) argumentRefs(d *declared) []string {
	n := d.body.Get("Properties").Get("Parameters")
	if n == nil {
		return nil
	}
	e := &env{scope: s, loop: d.loop, flat: 1}
	e.value(n)
	found := map[string]bool{}
	for _, ref := range e.refs {
		found[ref.Target] = true
	}
	return sortedNames(found)
}

// output returns the value of an output with what it refers to.
func (s *scope) output(name string, where source.Range) result {
	c := s.outputs[name]
	if c == nil {
		if !s.template.opaque {
			s.unit.problem(source.Unresolved, where, "the template "+s.template.file.source.Path+" has no output "+shown(name))
		}
		return result{value: unknown()}
	}
	return s.outputOf(c)
}

func (s *scope) outputOf(c *outputCell) result {
	switch c.state {
	case done:
		s.unit.charge(1)
		return c.result
	case busy:
		s.unit.problem(source.Invalid, c.member.Key.Range, "the output "+shown(c.member.Key.Text)+" refers to itself")
		return result{value: unknown()}
	}
	c.state = busy
	c.result = result{value: unknown()}
	if n := c.node.Get("Value"); n != nil {
		e := &env{scope: s, loop: c.loop}
		c.value = unplaced(e.value(n))
		c.refs = e.refs
	}
	c.state = done
	return c.result
}

// exists answers the Condition of a resource.
func (s *scope) exists(d *declared) tri {
	n := d.body.Get("Condition")
	if n == nil || d.made && n.Kind != document.Scalar {
		return yes
	}
	e := &env{scope: s, loop: d.loop}
	name, known := e.text(n)
	if !known {
		return maybe
	}
	return s.named(name, n.Range)
}

// isNested reports whether a resource is a stack whose template is elsewhere.
func isNested(d *declared) bool {
	return strings.HasPrefix(d.typ, "AWS::") && nestingProperty(d.typ) != ""
}
