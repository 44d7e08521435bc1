package cloudformation

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// explainer answers questions about a unit. It evaluates on demand, so it must not be used by two goroutines at once; the
// mutex of the evaluation sees to that.
type explainer struct{ unit *evaluation }

// maxTrace bounds how far a value is followed.
const maxTrace = 64

// nativeOf returns the native resource behind one of the graph, and the native path of a path in it.
func (u *evaluation) nativeOf(r *resource.Resource, p value.Path) (*native, value.Path) {
	h, ok := r.Handle.(*translate.Origin)
	if !ok {
		return nil, nil
	}
	n, _ := h.Native.Handle.(*native)
	if n != nil && r.Type == n.typ { // no table has it
		return n, p
	}
	return n, u.table().Path(r, p)
}

// quietly runs a question: what it finds wrong was reported before, or is not to be.
func (u *evaluation) quietly(where source.Range, ask func()) {
	u.explaining.Lock()
	defer u.explaining.Unlock()
	problems := u.problems
	steps := u.steps
	u.steps = 0
	u.contain("an explanation", where, ask)
	u.problems, u.steps = problems, steps
}

// Explain follows the value at path to where it is written, and tells what an unknown waits for.
func (x *explainer) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	u := x.unit
	if u == nil {
		return dialect.Explanation{}
	}
	t := &tracer{unit: u, waits: map[string]dialect.Wait{}, visited: map[any]bool{}}
	u.quietly(r.Header, func() {
		t.explain(r, p)
		if len(t.waits) == 0 && len(p) > 0 && u.computed(r, p) { // nobody wrote it: the service decides, or SAM does
			t.wait("computed", r.Address+"."+p.String(), r.Header)
		}
	})
	out := dialect.Explanation{Path: t.path, Value: t.value, Trace: t.trace}
	for _, name := range sortedNames(t.waits) {
		out.Waits = append(out.Waits, t.waits[name])
	}
	return out
}

// computed reports whether an attribute has a value that nobody wrote and nobody knows.
func (u *evaluation) computed(r *resource.Resource, p value.Path) bool {
	v := r.Body.At(p)
	if v.Kind == value.Unknown {
		return true
	}
	known := u.set.Resource(r.Type)
	if v.Kind != value.Absent || known == nil {
		return false
	}
	var names []string
	for _, step := range p {
		if step.Name != "" {
			names = append(names, step.Name)
		}
	}
	a := known.At(names...)
	return a != nil && a.Computed
}

// tracer walks from expressions to what they name.
type tracer struct {
	unit    *evaluation
	trace   []dialect.Step
	waits   map[string]dialect.Wait
	visited map[any]bool
	depth   int
	path    string       // what is asked about, in CloudFormation's words
	value   *value.Value // what is written there, where it is another word than Terraform's
}

func (t *tracer) explain(r *resource.Resource, p value.Path) {
	if h, ok := r.Handle.(*declarationHandle); ok {
		if len(p) == 1 {
			t.path = declarationWords[p[0].Name]
		}
		if h.output != nil && len(p) > 0 && p[0].Name == "value" {
			if n := h.output.node.Get("Value"); n != nil {
				t.follow(n, &env{scope: h.scope, loop: h.output.loop})
			}
		}
		return
	}
	n, path := t.unit.nativeOf(r, p)
	if n == nil {
		return
	}
	words := path
	if n.typ != r.Type {
		words, t.value = t.unit.table().Words(r, p)
	}
	if t.path = words.String(); n.made {
		if from, err := n.source(path); err == nil {
			t.path = from.String()
		}
	}
	e := n.scope.envOf(n.of)
	if len(p) == 0 {
		e.assumed = nil
		if c := n.of.body.Get("Condition"); c != nil && n.maybe {
			t.gatherCondition(c, e)
		}
		t.missing(n)
		return
	}
	v := n.body.At(path)
	if v.Kind == value.Absent {
		for len(path) > 0 && v.Kind == value.Absent {
			path = path[:len(path)-1]
			v = n.body.At(path)
		}
		if v.Kind != value.Unknown && !v.Open {
			if written := r.Body.At(p); written.Kind == value.Unknown || written.Kind == value.Absent && len(path) == 0 {
				t.missing(n)
			}
			return
		}
	}
	for len(path) > 1 && v.Range.IsZero() { // it was put together further out
		path = path[:len(path)-1]
		v = n.body.At(path)
	}
	if at := n.find(v.Range); at != nil {
		t.follow(at, e)
	}
}

// missing notes the nested stacks that are not at hand and know the resource: they may declare what belongs to it.
func (t *tracer) missing(n *native) {
	for _, m := range t.unit.missing {
		if slices.Contains(m.Refs, n.address()) {
			t.waits[m.Address] = dialect.Wait{Name: m.Address, Kind: "module"}
		}
	}
}

// find returns the node that was written at a place: in the resource, or in the Globals that it inherits.
func (n *native) find(r source.Range) *document.Node {
	if r.IsZero() {
		return nil
	}
	if at := findNode(n.of.body, r); at != nil {
		return at
	}
	if n.scope.template.sam {
		return findNode(n.scope.template.globals, r)
	}
	return nil
}

func findNode(n *document.Node, r source.Range) *document.Node {
	if n == nil {
		return nil
	}
	if n.Range == r {
		return n
	}
	for i := range n.Members {
		m := &n.Members[i]
		if m.Range == r {
			return m.Value
		}
		if m.Range.Contains(r) || !n.Range.Contains(m.Range) || m.Value.Range.Contains(r) {
			if at := findNode(m.Value, r); at != nil {
				return at
			}
		}
	}
	for _, item := range n.Items {
		if item.Range.Contains(r) || !n.Range.Contains(item.Range) {
			if at := findNode(item, r); at != nil {
				return at
			}
		}
	}
	return nil
}

// called returns the function that a node is a call of, with its argument; "" when it is none.
func called(n *document.Node) (string, *document.Node) {
	if n.Tag != "" {
		if name, ok := shortForm(n.Tag); ok {
			return name, n
		}
	}
	if n.Kind == document.Mapping {
		if name, arg, ok := longForm(n); ok {
			return name, arg
		}
	}
	return "", n
}

// follow follows a node as long as it is nothing but a reference, and then gathers what it waits for.
func (t *tracer) follow(n *document.Node, e *env) {
	for range maxTrace {
		next, nextEnv := t.step(n, e)
		if next == nil {
			break
		}
		n, e = next, nextEnv
	}
	t.gather(n, e)
}

// step goes from a call to the node behind it, noting the stop; nil when the way ends.
func (t *tracer) step(n *document.Node, e *env) (*document.Node, *env) {
	s := e.scope
	switch name, arg := called(n); name {
	case "Fn::If":
		if len(arg.Items) == 3 {
			switch e.condition(arg.Items[0]) {
			case yes:
				return arg.Items[1], e
			case no:
				return arg.Items[2], e
			}
		}
	case "Ref":
		id, _ := e.text(arg)
		if p := s.template.parameters[id]; p != nil {
			return t.parameter(p, s)
		}
	case "Fn::GetAtt":
		if c, out := e.nestedOutput(arg); c != nil && c.outputs[out] != nil {
			cell := c.outputs[out]
			t.note(c.within("Outputs."+out), cell.member.Key.Range)
			if v := cell.node.Get("Value"); v != nil {
				return v, &env{scope: c, loop: cell.loop}
			}
		}
	case "Fn::FindInMap":
		if len(arg.Items) >= 3 {
			at, path := s.template.mappings, "Mappings"
			for i, item := range arg.Items[:3] {
				inner := &env{scope: s, loop: e.loop, flat: 1}
				v := inner.value(item)
				key, known := v.Word()
				if !known || at == nil || at.Member(key) == nil {
					return nil, nil
				}
				path += "." + key
				if i == 2 {
					t.note(path, at.Member(key).Range)
				}
				at = at.Get(key)
			}
		}
	}
	return nil, nil
}

func (t *tracer) note(name string, r source.Range) {
	t.trace = append(t.trace, dialect.Step{Name: name, Range: r})
}

// parameter goes from a parameter to what is given for it.
func (t *tracer) parameter(p *parameter, s *scope) (*document.Node, *env) {
	t.note(s.within("Parameters."+p.name), p.member.Key.Range)
	if s.parent != nil {
		if m := s.arguments.Member(p.name); m != nil {
			t.note(s.module+".Parameters."+p.name, m.Range)
			return m.Value, &env{scope: s.parent, loop: s.caller.loop}
		}
	} else if in, ok := s.given[p.name]; ok {
		t.note(in.name, in.entry)
		return nil, nil
	}
	if p.fallback != nil {
		t.trace[len(t.trace)-1].Range = p.fallback.Range
	}
	return nil, nil
}

// nestedOutput returns the nested template and the output that the argument of Fn::GetAtt names; nil for anything else.
func (e *env) nestedOutput(arg *document.Node) (*scope, string) {
	text, _ := e.text(arg)
	if arg.Kind == document.Sequence {
		var words []string
		for _, item := range arg.Items {
			word, _ := e.text(item)
			words = append(words, word)
		}
		text = strings.Join(words, ".")
	}
	id, rest, _ := strings.Cut(text, ".")
	out, ok := strings.CutPrefix(rest, "Outputs.")
	d := e.scope.declared[id]
	if !ok || d == nil || nestingProperty(d.typ) == "" {
		return nil, ""
	}
	return e.scope.child(d), out
}

// gather notes what the unknown parts of a node wait for.
func (t *tracer) gather(n *document.Node, e *env) {
	if n == nil || t.depth > maxTrace {
		return
	}
	t.depth++
	defer func() { t.depth-- }()
	t.unit.charge(1)
	s := e.scope
	name, arg := called(n)
	switch name {
	case "":
		if n.Kind == document.Scalar {
			if i := strings.Index(n.Text, dynamicMark); i >= 0 {
				t.wait("data", oneLine(n.Text[i:]), n.Range)
			}
		}
		t.children(n, e)
	case "Ref":
		id, _ := e.text(arg)
		t.named(id, e, n.Range)
	case "Fn::GetAtt":
		t.attribute(arg, e)
	case "Fn::Sub":
		text := arg
		if arg.Kind == document.Sequence && len(arg.Items) == 2 {
			text = arg.Items[0]
		}
		for _, id := range subNames(text.Text) {
			if arg != text {
				if own := arg.Items[1].Get(id); own != nil {
					t.gather(own, e)
					continue
				}
			}
			if target, attribute, ok := strings.Cut(id, "."); ok {
				t.computed(target, attribute, e)
			} else {
				t.named(id, e, n.Range)
			}
		}
	case "Fn::If":
		if len(arg.Items) == 3 {
			switch e.condition(arg.Items[0]) {
			case yes:
				t.gather(arg.Items[1], e)
			case no:
				t.gather(arg.Items[2], e)
			default:
				t.gatherCondition(arg.Items[0], e)
			}
		}
	case "Fn::ImportValue":
		v := (&env{scope: s, loop: e.loop, flat: 1}).argument(n, arg)
		export, known := v.Word()
		if !known {
			export = value.Show(&v)
		}
		t.wait("import", export, n.Range)
	case "Fn::GetAZs":
		t.wait("function", "Fn::GetAZs", n.Range)
	case "Fn::Transform":
		t.wait("function", "Fn::Transform "+nodeText(arg.Get("Name")), n.Range)
	default:
		t.children(arg, e)
	}
}

func (t *tracer) children(n *document.Node, e *env) {
	for i := range n.Members {
		t.gather(n.Members[i].Value, e)
	}
	for _, item := range n.Items {
		t.gather(item, e)
	}
}

// subNames returns the names in the text of Fn::Sub.
func subNames(text string) []string {
	var out []string
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			return out
		}
		end := strings.IndexByte(text[i:], '}')
		if end < 0 {
			return out
		}
		if name := strings.TrimSpace(text[i+2 : i+end]); !strings.HasPrefix(name, "!") {
			out = append(out, name)
		}
		text = text[i+end+1:]
	}
}

func (t *tracer) wait(kind, name string, r source.Range) {
	if _, ok := t.waits[name]; !ok {
		t.waits[name] = dialect.Wait{Name: name, Kind: kind, Range: r}
	}
}

// named notes what Ref of a name waits for.
func (t *tracer) named(name string, e *env, where source.Range) {
	s := e.scope
	if _, ok := pseudo[name]; ok {
		if v, _ := s.pseudo(name); !v.IsWhollyKnown() {
			t.wait("pseudo", name, source.Range{})
		}
		return
	}
	if p := s.template.parameters[name]; p != nil {
		v := s.parameter(p).value
		if v.IsWhollyKnown() || t.visited[p] {
			return
		}
		t.visited[p] = true
		if s.parent != nil {
			if n := s.arguments.Get(name); n != nil {
				t.gather(n, &env{scope: s.parent, loop: s.caller.loop})
				return
			}
		}
		if p.stored() {
			t.wait("data", s.within("Parameters."+name), p.member.Key.Range)
			return
		}
		t.wait("variable", s.within("Parameters."+name), p.member.Key.Range)
		return
	}
	if d := s.declared[name]; d != nil {
		t.wait("computed", s.within(name), d.member.Key.Range)
	}
}

func (t *tracer) attribute(arg *document.Node, e *env) {
	if arg.Kind == document.Scalar {
		text, _ := e.text(arg)
		id, attribute, _ := strings.Cut(text, ".")
		t.computed(id, attribute, e)
		return
	}
	if len(arg.Items) >= 2 {
		id, _ := e.text(arg.Items[0])
		var words []string
		for _, item := range arg.Items[1:] {
			word, _ := e.text(item)
			words = append(words, word)
		}
		t.computed(id, strings.Join(words, "."), e)
	}
}

// computed notes an attribute of a resource, or goes on into a nested template.
func (t *tracer) computed(id, attribute string, e *env) {
	s := e.scope
	d := s.declared[id]
	if d == nil {
		return
	}
	if out, ok := strings.CutPrefix(attribute, "Outputs."); ok && nestingProperty(d.typ) != "" {
		c := s.child(d)
		if c == nil {
			t.wait("module", s.within("Stack."+id), d.member.Key.Range)
			return
		}
		if cell := c.outputs[out]; cell != nil && !t.visited[cell] {
			t.visited[cell] = true
			if v := cell.node.Get("Value"); v != nil {
				t.gather(v, &env{scope: c, loop: cell.loop})
			}
		}
		return
	}
	t.wait("computed", s.within(id+"."+attribute), d.member.Key.Range)
}

// gatherCondition notes what a condition waits for.
func (t *tracer) gatherCondition(n *document.Node, e *env) {
	if t.depth > maxTrace || e.condition(n) != maybe {
		return
	}
	t.depth++
	defer func() { t.depth-- }()
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
		id, _ := e.text(arg)
		if c := e.scope.sources[id]; c != nil && !t.visited[c] {
			t.visited[c] = true
			t.gatherCondition(c, &env{scope: e.scope, loop: e.scope.loops[id]})
		}
	case "Fn::And", "Fn::Or", "Fn::Not":
		for _, item := range arg.Items {
			t.gatherCondition(item, e)
		}
	case "Fn::Equals":
		for _, item := range arg.Items {
			t.gather(item, e)
		}
	}
}
