package azure

import (
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// explainer answers questions about a unit. It evaluates on demand, so one question is answered at a time.
type explainer struct {
	mu    sync.Mutex
	unit  *evaluation
	graph *resource.Graph
}

// maxTrace bounds how far a value is followed.
const maxTrace = 64

// Explain follows the value at path to where it is written, and tells what an unknown waits for.
func (x *explainer) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	if x.unit == nil {
		return dialect.Explanation{}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unit.quiet++
	defer func() { x.unit.quiet-- }()
	out := dialect.Explanation{}
	if words, word := x.unit.estate.table.Words(r, p); len(words) > 0 {
		out.Path, out.Value = words.String(), word
	}
	w := x.written(r, p)
	if w.node == nil {
		out.Waits = x.unwritten(r, p)
		return out
	}
	w = x.unit.follow(w, func(s dialect.Step, _ written) { out.Trace = append(out.Trace, s) })
	if v := r.Body.At(p); v.IsWhollyKnown() && v.Kind != value.Absent {
		return out
	}
	v := w.value(x.unit)
	out.Waits = x.unit.waits(&v)
	return out
}

// written is a place where a value is written, with the environment in which it evaluates there.
type written struct {
	node *document.Node // nil when it is written nowhere
	env  *environment
	rest value.Path  // the steps into the value of the node, which is an expression then
	arg  value.Value // what is given from outside of all files, in place of a node
}

func (w written) value(u *evaluation) value.Value {
	if w.node == nil {
		return w.arg
	}
	v := u.plain(w.node, w.env)
	for _, s := range w.rest {
		at := text(s.Name)
		if s.Name == "" {
			at = whole(int64(s.Index))
		}
		next, err := into(v, at, true)
		if err != nil {
			return value.Value{Kind: value.Unknown}
		}
		v = next
	}
	return v
}

// written finds the place where the value at a path of r, in Terraform's words, is written.
func (x *explainer) written(r *resource.Resource, p value.Path) written {
	switch h := r.Handle.(type) {
	case *translate.Origin:
		d, ok := h.Native.Handle.(*deployed)
		if !ok {
			return written{}
		}
		i, ok := d.handle.(*instance)
		if !ok {
			return written{}
		}
		native := p
		if x.unit.estate.table.Knows(h.Native.Type) {
			native = x.unit.estate.table.Path(r, p)
		}
		if d, native = d.within(native); d != nil {
			i, _ = d.handle.(*instance)
		}
		if d == nil || i == nil {
			return written{}
		}
		return i.written(native)
	case *declaredName:
		if len(p) == 0 {
			return written{}
		}
		name := p[0].Name
		if name == "default" {
			name = "defaultValue"
		}
		env := *h.scope.environment()
		return descend(get(h.member.Value, name), &env, p[1:])
	}
	return written{}
}

// written finds the place where the value at a path of the native body is written.
func (i *instance) written(p value.Path) written {
	if len(p) == 0 || p[0].Name == "" {
		return written{}
	}
	if p[0].Name == "parent" || p[0].Name == "name" {
		return descend(get(i.decl.node, "name"), i.env, nil)
	}
	return descend(get(i.decl.node, p[0].Name), i.env, p[1:])
}

// descend goes along a path as far as it is written out, lists that loops make included.
func descend(n *document.Node, env *environment, p value.Path) written {
	for n != nil && len(p) > 0 && n.Kind != document.Scalar {
		s := p[0]
		switch {
		case n.Kind == document.Sequence && s.Name == "" && s.Index < len(n.Items):
			n, p = n.Items[s.Index], p[1:]
		case n.Kind == document.Mapping && s.Name != "":
			if m := get(n, s.Name); m != nil {
				n, p = m, p[1:]
				continue
			}
			l := loopOf(n, s.Name)
			if l == nil {
				return written{}
			}
			e := *env
			n, p = get(l, "input"), p[1:]
			if len(p) > 0 && p[0].Name == "" {
				e.loop = &loop{name: textAt(l, "name"), index: whole(int64(p[0].Index)), around: env.loop}
				p = p[1:]
			}
			env = &e
		default:
			return written{}
		}
	}
	return written{node: n, env: env, rest: p}
}

// loopOf returns the loop of an object that makes the list of that name.
func loopOf(n *document.Node, name string) *document.Node {
	loops := get(n, "copy")
	if loops == nil || !isLoops(loops) {
		return nil
	}
	for _, l := range loops.Items {
		if strings.EqualFold(textAt(l, "name"), name) {
			return l
		}
	}
	return nil
}

// follow goes on as long as what is written is nothing but the name of a parameter or variable, or a member of one, telling
// of each stop; to the branch of an if that is taken, too.
func (u *evaluation) follow(w written, stop func(dialect.Step, written)) written {
	for range maxTrace {
		if w.node == nil || !isExpression(w.node.Text) || w.node.Kind != document.Scalar {
			return w
		}
		e := u.parse(w.node)
		next, step, ok := u.step(e, w)
		if !ok {
			return w
		}
		stop(step, next)
		w = next
	}
	return w
}

// step goes from an expression that names something to where that is written.
func (u *evaluation) step(e *expression, w written) (written, dialect.Step, bool) {
	rest := w.rest
	for e != nil && e.kind == element {
		at := u.evaluate(e.args[1], w.env, w.node.Range)
		switch n, ok := integer(&at); {
		case at.Kind == value.String:
			rest = append(value.Path{{Name: at.Text}}, rest...)
		case ok && n >= 0:
			rest = append(value.Path{{Index: int(n)}}, rest...)
		default:
			return w, dialect.Step{}, false
		}
		e = e.args[0]
	}
	if e == nil || w.env.own {
		return w, dialect.Step{}, false
	}
	f, name, ok := e.parameter()
	if !ok {
		return w, dialect.Step{}, false
	}
	s := w.env.scope
	for s.outer != nil {
		s = s.outer.scope
	}
	low := strings.ToLower(name)
	if f == "variables" {
		if m := s.template.variables[low]; m != nil {
			return descend(m.Value, &environment{scope: s}, rest), dialect.Step{Name: within(s.address, "variables."+m.Key.Text), Range: m.Range}, true
		}
		return w, dialect.Step{}, false
	}
	m := s.template.parameters[low]
	if m == nil {
		return w, dialect.Step{}, false
	}
	step := dialect.Step{Name: within(s.address, "parameters."+m.Key.Text), Range: m.Range}
	if a := s.given[low]; a != nil {
		step = dialect.Step{Name: a.name, Range: a.place}
		if a.node == nil {
			return written{arg: a.value}, step, true
		}
		env := a.env
		if env == nil {
			env = &environment{scope: s, plain: true}
		}
		return descend(a.node, env, rest), step, true
	}
	if d := get(m.Value, "defaultValue"); d != nil {
		return descend(d, &environment{scope: s}, rest), step, true
	}
	v, _ := s.parameter(name)
	return written{arg: v}, step, true
}

// waits tells what the unknown parts of a value wait for.
func (u *evaluation) waits(v *value.Value) []dialect.Wait {
	var out []dialect.Wait
	add := func(w dialect.Wait) {
		for _, have := range out {
			if have.Name == w.Name {
				return
			}
		}
		out = append(out, w)
	}
	symbols(v, func(s *value.Value) {
		switch s.Text {
		case "", symbolMember, symbolEither, "[]", "element":
		case symbolInput:
			w := dialect.Wait{Name: s.Ending, Kind: "variable"}
			if c := u.scopeAt(s.Items[0].Text); c != nil {
				if m := c.template.parameters[s.Ending]; m != nil {
					w.Name, w.Range = within(c.address, "parameters."+m.Key.Text), m.Range
				}
			}
			add(w)
		case symbolReference:
			add(u.waitsForState(s))
		case "keyVault":
			add(dialect.Wait{Name: s.Ending, Kind: "data"})
		case "subscription", "resourceGroup", "managementGroup", "tenant", "deployment", "environment", "deployer":
			name := s.Text + "()"
			if s.Ending != "" {
				name += "." + s.Ending
			}
			add(dialect.Wait{Name: name, Kind: "pseudo"})
		case "uniqueString", "guid", "newGuid", "utcNow":
			add(dialect.Wait{Name: s.Text + "()", Kind: "function"})
		default:
			if strings.HasPrefix(s.Text, "list") {
				add(dialect.Wait{Name: s.Text + "()", Kind: "data"})
			} else if len(s.Items) == 0 {
				add(dialect.Wait{Name: s.Text + "()", Kind: "function"})
			}
		}
	})
	return out
}

func (u *evaluation) waitsForState(s *value.Value) dialect.Wait {
	w := dialect.Wait{Name: "reference()", Kind: "computed"}
	if len(s.Items) == 0 {
		return w
	}
	arg := &s.Items[0]
	if i := u.at[strings.TrimPrefix(arg.Text, addressMark)]; arg.Kind == value.String && i != nil {
		w.Name, w.Range = within(i.scope.address, i.address), i.decl.header()
	} else {
		w.Kind = "data"
		shown := settle(*arg)
		w.Name = "reference(" + value.Show(&shown) + ")"
	}
	if s.Ending != "" {
		w.Name += "." + s.Ending
	}
	return w
}

// scopeAt returns the scope of an address.
func (u *evaluation) scopeAt(address string) *scope {
	var find func(s *scope) *scope
	find = func(s *scope) *scope {
		if s.address == address {
			return s
		}
		for _, c := range s.children {
			if c != nil && (c.address == address || strings.HasPrefix(address, c.address+".")) {
				if found := find(c); found != nil {
					return found
				}
			}
		}
		return nil
	}
	return find(u.root)
}

// unwritten tells what somebody waits for who asks for a value that nobody wrote.
func (x *explainer) unwritten(r *resource.Resource, p value.Path) []dialect.Wait {
	if len(p) == 0 {
		var out []dialect.Wait
		for _, m := range x.graph.Missing {
			for _, ref := range m.Refs {
				if ref == r.Address {
					out = append(out, dialect.Wait{Name: m.Address, Kind: "module"})
					break
				}
			}
		}
		return out
	}
	if v := r.Body.At(p); v.Kind != value.Unknown && v.Kind != value.Absent {
		return nil
	}
	typ := x.unit.estate.set.Resource(r.Type)
	if typ == nil {
		return nil
	}
	var names []string
	for _, s := range p {
		if s.Name != "" {
			names = append(names, s.Name)
		}
	}
	if a := typ.At(names...); a != nil && a.Computed {
		return []dialect.Wait{{Name: r.Address + "." + p.String(), Kind: "computed", Range: r.Header}}
	}
	return nil
}
