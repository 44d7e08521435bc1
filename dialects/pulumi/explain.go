package pulumi

import (
	"maps"
	"slices"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// explainer answers questions about an evaluated stack. The mutex of the evaluation lets one in at a time.
type explainer struct{ unit *evaluation }

// quietly runs a question: what it finds wrong was reported before.
func (u *evaluation) quietly(ask func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	problems, steps, stopped := u.problems, u.steps, u.stopped
	u.steps, u.stopped = 0, false
	ask()
	u.problems, u.steps, u.stopped = problems, steps, stopped
}

// Explain follows the value at path to where it is written, and tells what an unknown waits for.
func (x *explainer) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	u := x.unit
	if u == nil {
		return dialect.Explanation{}
	}
	var out dialect.Explanation
	u.quietly(func() {
		t := &tracer{unit: u, waits: map[string]dialect.Wait{}, visited: map[any]bool{}}
		d, native := u.nativeOf(r, p)
		if d == nil {
			if m, ok := r.Handle.(*document.Member); ok && r.Type == "output" && len(p) > 0 {
				t.follow(m.Value)
			}
			out = dialect.Explanation{Trace: t.trace, Waits: t.sorted()}
			return
		}
		if n, _ := locate(d.properties, native); n != nil && len(native) > 0 {
			t.follow(n)
		}
		if len(t.waits) == 0 && len(p) > 0 && u.computed(r, p) { // nobody wrote it: the provider decides
			t.waits[r.Address] = dialect.Wait{Name: r.Address + "." + p.String(), Kind: "computed", Range: r.Header}
		}
		out = dialect.Explanation{Path: native.String(), Trace: t.trace, Waits: t.sorted()}
	})
	return out
}

// nativeOf returns the declaration behind a resource, and the path of a value in its properties.
func (u *evaluation) nativeOf(r *resource.Resource, p value.Path) (*declaration, value.Path) {
	if d, ok := r.Handle.(*declaration); ok { // Terraform does not have its type
		return d, p
	}
	if d := declarationOf(r); d != nil {
		return d, propertyOf(r, p)
	}
	d := u.resources[r.Address]
	if d == nil || d.native == nil || r.Type == "variable" || r.Type == "output" {
		return nil, nil
	}
	return d, u.table().Path(r, p)
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

// locate goes from a node along a path, as far as the path leads through what is written. It returns what it came to, and what is
// left of the path.
func locate(n *document.Node, p value.Path) (*document.Node, value.Path) {
	for len(p) > 0 && n != nil {
		if name, _ := called(n); name != "" {
			return n, p
		}
		var next *document.Node
		switch step := p[0]; {
		case step.Name != "" && n.Kind == document.Mapping:
			next = n.Get(step.Name)
		case step.Name == "" && n.Kind == document.Sequence && step.Index < len(n.Items):
			next = n.Items[step.Index]
		}
		if next == nil {
			return n, p
		}
		n, p = next, p[1:]
	}
	return n, p
}

// tracer walks from values to what they name.
type tracer struct {
	unit    *evaluation
	trace   []dialect.Step
	waits   map[string]dialect.Wait
	visited map[any]bool
	depth   int
}

func (t *tracer) sorted() []dialect.Wait {
	var out []dialect.Wait
	for _, name := range slices.Sorted(maps.Keys(t.waits)) {
		out = append(out, t.waits[name])
	}
	return out
}

func (t *tracer) wait(kind, name string, r source.Range) {
	t.waits[name] = dialect.Wait{Name: name, Kind: kind, Range: r}
}

// only returns the access that a node is nothing but.
func only(n *document.Node) *access {
	if n == nil || n.Kind != document.Scalar {
		return nil
	}
	if parts, _ := interpolate(n.Text); len(parts) == 1 {
		return parts[0].access
	}
	return nil
}

// follow follows a node as long as it is nothing but a name, and then gathers what it waits for.
func (t *tracer) follow(n *document.Node) {
	for range maxDepth {
		a := only(n)
		if a == nil {
			break
		}
		u := t.unit
		if m := u.variables[a.root]; m != nil && u.resources[a.root] == nil {
			if t.visited[m] {
				return
			}
			t.visited[m] = true
			t.trace = append(t.trace, dialect.Step{Name: "variables." + a.root, Range: m.Range})
			n, _ = locate(m.Value, pathOf(a.steps))
			continue
		}
		if d := u.resources[a.root]; d != nil && len(a.steps) > 0 && d.properties.Get(a.steps[0].name) != nil {
			if t.visited[d] {
				return
			}
			t.visited[d] = true
			at, _ := locate(d.properties, pathOf(a.steps))
			t.trace = append(t.trace, dialect.Step{Name: a.text, Range: d.properties.Member(a.steps[0].name).Range})
			n = at
			continue
		}
		if s := u.settingOf(a.root); s != nil && u.resources[a.root] == nil {
			t.trace = append(t.trace, dialect.Step{Name: "config." + s.name, Range: s.at()})
			if s.step != nil {
				t.trace = append(t.trace, *s.step)
			}
		}
		break
	}
	t.gather(n)
}

func pathOf(steps []accessStep) value.Path {
	var p value.Path
	for _, s := range steps {
		p = append(p, value.Step{Name: s.name, Index: s.index})
	}
	return p
}

// gather notes what the unknown parts of a node wait for.
func (t *tracer) gather(n *document.Node) {
	if n == nil || t.depth > maxDepth || !t.unit.charge(1, n.Range) {
		return
	}
	t.depth++
	defer func() { t.depth-- }()
	switch n.Kind {
	case document.Scalar:
		parts, _ := interpolate(n.Text)
		for _, p := range parts {
			if p.access != nil {
				t.named(p.access, n)
			}
		}
		return
	case document.Sequence:
		for _, item := range n.Items {
			t.gather(item)
		}
		return
	}
	name, arg := called(n)
	switch name {
	case "":
		for i := range n.Members {
			t.gather(n.Members[i].Value)
		}
		return
	case "invoke":
		t.wait("data", "fn::invoke "+textOf(arg.Get("function")), n.Range)
	case "stackReference":
		t.wait("data", "fn::stackReference "+textOf(arg), n.Range)
	case "join", "select", "split", "toJSON", "toBase64", "fromBase64", "secret", "stringAsset", "fileAsset", "fileArchive", "remoteAsset", "remoteArchive":
	default:
		t.wait("function", "fn::"+name, n.Range)
	}
	t.gather(arg)
}

// named notes what an access waits for.
func (t *tracer) named(a *access, n *document.Node) {
	u := t.unit
	if a.root == "pulumi" {
		if v := u.builtin(a); !v.IsWhollyKnown() {
			t.wait("pseudo", a.text, source.Range{})
		}
		return
	}
	if d := u.resources[a.root]; d != nil {
		if len(a.steps) > 0 && d.properties.Get(a.steps[0].name) != nil && !t.visited[d] {
			t.visited[d] = true
			at, _ := locate(d.properties, pathOf(a.steps))
			t.gather(at)
			return
		}
		kind := "computed"
		if d.external {
			kind = "data"
		}
		t.wait(kind, a.text, d.member.Key.Range)
		return
	}
	if m := u.variables[a.root]; m != nil {
		if !t.visited[m] {
			t.visited[m] = true
			t.gather(m.Value)
		}
		return
	}
	if s := u.settingOf(a.root); s != nil {
		if !s.value.IsWhollyKnown() {
			t.wait("variable", "config."+s.name, s.at())
		}
		return
	}
	t.wait("variable", a.text, n.Range)
}
