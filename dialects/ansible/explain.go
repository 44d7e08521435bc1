package ansible

import (
	"slices"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/ansible/jinja"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// handle is what the dialect keeps of a resource, to explain and to edit it.
type handle struct {
	unit     *evaluation
	env      *env
	task     *task            // of a task
	defaults []*document.Node // of its module
	document *document.Document
	node     *document.Node   // of everything else: its mapping
	variable *document.Member // of a variable: the definition in node
	settings *file            // of an ansible.cfg
}

// explainer answers questions about a unit.
type explainer struct{ unit *evaluation }

// spot is a value in a document.
type spot struct {
	owner *document.Node // the mapping of the member; nil of what is not in a mapping
	node  *document.Node // what is written; nil where nothing is
	rest  value.Path     // what leads on inside of it; of what is missing, the way from owner
	short *argument      // it is an argument of the short form
}

// find goes from a path to what is written there, or where it would be.
func (h *handle) find(p value.Path) spot {
	n := h.node
	switch {
	case h.variable != nil:
		if len(p) > 0 && p[0].Name == "value" {
			return inside(spot{owner: h.node, node: h.variable.Value, rest: p[1:]})
		}
		return spot{}
	case h.task != nil:
		n = h.task.node
		if len(p) > 0 && p[0].Name == "args" {
			return h.argument(p[1:])
		}
		if len(p) > 0 && n.Get(p[0].Name) == nil {
			if m := h.task.words[p[0].Name]; m != nil {
				return inside(spot{node: m.Value, rest: p[1:]})
			}
		}
	}
	if len(p) == 0 || n == nil || p[0].Name == "" {
		return spot{}
	}
	if next := n.Get(p[0].Name); next != nil {
		return inside(spot{owner: n, node: next, rest: p[1:]})
	}
	return spot{owner: n, rest: p}
}

// argument finds an argument of the module: in its own mapping, in short form, under args, or in the defaults of the module.
func (h *handle) argument(p value.Path) spot {
	c := h.task.call
	if len(p) == 0 {
		return spot{}
	}
	name := p[0].Name
	for i := range c.list {
		if c.list[i].name == name {
			return spot{node: &document.Node{Kind: document.Scalar, Style: document.Plain, Text: c.list[i].text, Range: c.short.Range}, rest: p[1:], short: &c.list[i]}
		}
	}
	for _, n := range []*document.Node{c.args, c.more} {
		if next := n.Get(name); next != nil {
			return inside(spot{owner: n, node: next, rest: p[1:]})
		}
	}
	for _, n := range slices.Backward(h.defaults) {
		if next := n.Get(name); next != nil {
			return inside(spot{owner: n, node: next, rest: p[1:]})
		}
	}
	return spot{rest: p}
}

// inside goes on into mappings and sequences that are written out.
func inside(s spot) spot {
	for len(s.rest) > 0 && s.node != nil {
		step := s.rest[0]
		var next *document.Node
		switch {
		case s.node.Kind == document.Mapping && step.Name != "":
			if next = s.node.Get(step.Name); next != nil {
				s.owner = s.node
			}
		case s.node.Kind == document.Sequence && step.Name == "" && step.Index < len(s.node.Items):
			next = s.node.Items[step.Index]
			s.owner = nil
		}
		if next == nil {
			return s
		}
		s.node, s.rest = next, s.rest[1:]
	}
	return s
}

// handleOf returns the handle of a resource and the path in the words of its task.
func (x *explainer) handleOf(r *resource.Resource, p value.Path) (*handle, value.Path) {
	switch h := r.Handle.(type) {
	case *handle:
		return h, p
	case *translate.Origin:
		inner, ok := h.Native.Handle.(*handle)
		if !ok {
			return nil, nil
		}
		return inner, append(value.Path{{Name: "args"}}, x.unit.estate.table().Path(r, p)...)
	}
	return nil, nil
}

// maxTrace bounds how far a value is followed.
const maxTrace = 64

// Explain follows a value through variables to where it is written, and tells what an unknown waits for.
func (x *explainer) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	h, native := x.handleOf(r, p)
	if h == nil || h.env == nil {
		return dialect.Explanation{}
	}
	at := h.find(native)
	var out dialect.Explanation
	if words, word := x.unit.estate.table().Words(r, p); len(words) > 0 {
		out.Path, out.Value = words.String(), word
	}
	out.Trace, at = h.follow(at)
	if at.node == nil {
		return out
	}
	asked := map[string]bool{}
	v := &env{u: h.unit, scope: h.env.scope, asked: asked}
	if result := v.node(at.node); !result.Value.IsWhollyKnown() {
		for _, name := range sortedKeys(asked) {
			if known := v.Variable(name); !known.Value.IsWhollyKnown() {
				out.Waits = append(out.Waits, v.waits(name, &known))
			}
		}
	}
	return out
}

// waits says what a variable that is unknown waits for.
func (v *env) waits(name string, r *jinja.Result) dialect.Wait {
	w := dialect.Wait{Name: name, Kind: "variable"}
	if defs := v.scope.find(name); len(defs) > 0 {
		w.Range = defs[0].entry
	}
	if len(r.Marks) > 0 {
		w.Kind, w.Name = "computed", r.Marks[0].Target
	}
	return w
}

// follow goes from a value that is nothing but a variable to the definition of it, as long as there is one.
func (h *handle) follow(at spot) ([]dialect.Step, spot) {
	var trace []dialect.Step
	for range maxTrace {
		name, steps, ok := h.unit.estate.reference(at.node)
		if !ok {
			break
		}
		defs := h.env.scope.find(name)
		if len(defs) != 1 || defs[0].others != nil {
			break
		}
		d := defs[0]
		trace = append(trace, dialect.Step{Name: name, Range: d.entry})
		if d.node == nil {
			break
		}
		at = inside(spot{owner: d.owner, node: d.node, rest: append(steps, at.rest...)})
	}
	return trace, at
}

// reference says which variable a value is, when it is nothing else, and what leads on inside of it.
func (e *estate) reference(n *document.Node) (name string, steps value.Path, ok bool) {
	if n == nil || n.Kind != document.Scalar || n.Tag != "" || !jinja.Templated(n.Text) {
		return "", nil, false
	}
	t := e.template(n.Text)
	if len(t.Parts) != 1 || t.Parts[0].Expr == nil {
		return "", nil, false
	}
	x := t.Parts[0].Expr
	for {
		switch x.Op {
		case jinja.Variable:
			slices.Reverse(steps)
			return x.Name, steps, x.Name != "omit"
		case jinja.Attribute:
			steps = append(steps, value.Step{Name: x.Name})
		case jinja.Index:
			key := x.Args[1]
			switch {
			case key.Op != jinja.Literal:
				return "", nil, false
			case key.Value.Kind == value.String:
				steps = append(steps, value.Step{Name: key.Value.Text})
			case key.Value.Kind == value.Number && key.Value.Number >= 0 && key.Value.Number < 1<<20:
				steps = append(steps, value.Step{Index: int(key.Value.Number)})
			default:
				return "", nil, false
			}
		default:
			return "", nil, false
		}
		x = x.Args[0]
	}
}
