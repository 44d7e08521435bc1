package pulumi

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// evaluation is one stack of a project on its way.
type evaluation struct {
	*estate
	unit *unit
	ctx  context.Context

	mu        sync.Mutex // of Explain and Edit
	config    map[string]*setting
	variables map[string]*document.Member
	resources map[string]*declaration
	order     []*declaration
	problems  []source.Problem
	reported  map[source.Problem]bool
	reads     map[string]bool
	steps     int // what evaluation has done, for the budget
	stopped   bool
	nested    int                // names within names
	memo      map[string]*result // of variables
	options   map[string]*result // of resources' properties that others ask for
}

// declaration is one entry of resources.
type declaration struct {
	name       string
	member     *document.Member
	typ        string
	properties *document.Node // nil when there are none
	external   bool           // get: it exists already, and is only looked up
	native     *translate.Native
}

// setting is an entry of the configuration.
type setting struct {
	name   string
	member *document.Member // where it is declared; nil when it is not
	value  value.Value
	step   *dialect.Step // where a stack sets it
}

// result is a value with what it was made from.
type result struct {
	value value.Value
	refs  []resource.Ref // Path is within the value
	busy  bool
}

// maxSize bounds the values in one: variables and properties that hold each other several times grow without end.
const maxSize = 100_000

// maxSteps bounds the values that one stack may take: names may multiply each other.
const maxSteps = 2_000_000

// stepBytes is how many bytes of a text that is made count as a step: texts may multiply each other too.
const stepBytes = 64

// maxDepth bounds how deep names lead to names.
const maxDepth = 200

func (u *evaluation) problem(kind source.ProblemKind, at source.Range, format string, args ...any) {
	p := source.Problem{Kind: kind, Range: at, Message: fmt.Sprintf(format, args...)}
	if !u.reported[p] {
		u.reported[p] = true
		u.problems = append(u.problems, p)
	}
}

// charge counts steps, and reports whether there may be more.
func (u *evaluation) charge(steps int, at source.Range) bool {
	before := u.steps
	if u.steps += steps; u.steps > maxSteps || u.steps/1024 != before/1024 && u.ctx.Err() != nil {
		if !u.stopped && u.ctx.Err() == nil {
			u.problem(source.Limit, at, "the program takes more than %d steps; what is left is unknown", maxSteps)
		}
		u.stopped = true
	}
	return !u.stopped
}

func (e *estate) evaluate(ctx context.Context, of *unit) *dialect.Unit {
	u := &evaluation{estate: e, unit: of, ctx: ctx, config: map[string]*setting{}, variables: map[string]*document.Member{},
		resources: map[string]*declaration{}, reported: map[source.Problem]bool{}, reads: map[string]bool{},
		memo: map[string]*result{}, options: map[string]*result{}}
	u.problems = append(u.problems, of.missing...)
	seen := map[*file]bool{}
	for _, f := range append([]*file{of.project, of.program}, of.stacks...) {
		if !seen[f] {
			seen[f] = true
			u.reads[f.Path] = true
			for _, p := range f.read().problems {
				u.problem(p.Kind, p.Range, "%s", p.Message)
			}
		}
	}
	u.collect()
	out := &dialect.Unit{Name: of.name}
	out.Graph = u.graph()
	out.Explainer = &explainer{u}
	for p := range u.reads {
		out.Reads.Files = append(out.Reads.Files, p)
	}
	slices.Sort(out.Reads.Files)
	slices.SortStableFunc(u.problems, func(a, b source.Problem) int {
		if c := strings.Compare(a.Range.File, b.Range.File); c != 0 {
			return c
		}
		return a.Range.Start - b.Range.Start
	})
	out.Problems = slices.Clone(u.problems)
	return out
}

// collect finds what the program declares.
func (u *evaluation) collect() {
	u.configure()
	root := u.unit.program.read().root
	if n := root.Get("variables"); n != nil {
		for i := range n.Members {
			u.variables[n.Members[i].Key.Text] = &n.Members[i]
		}
	}
	n := root.Get("resources")
	if n == nil {
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		if m.Key.Kind != document.Scalar {
			continue
		}
		if len(u.order) >= u.limits.Resources {
			u.problem(source.Limit, m.Range, "the program has more than %d resources; those from here on are left out", u.limits.Resources)
			return
		}
		d := &declaration{name: m.Key.Text, member: m, typ: textOf(m.Value.Get("type")), properties: m.Value.Get("properties"), external: m.Value.Get("get") != nil}
		if d.typ == "" {
			u.problem(source.Invalid, m.Range, "the resource %s has no type", d.name)
		}
		u.resources[d.name] = d
		u.order = append(u.order, d)
	}
}

// graph evaluates every resource.
func (u *evaluation) graph() *resource.Graph {
	var all []*resource.Resource
	var objects []manifest.Object
	table := u.table()
	for _, d := range u.order {
		if d.external || d.typ == "" {
			continue
		}
		r := u.body(d)
		d.native = &translate.Native{Dialect: "pulumi", Type: d.typ, Address: d.name, Name: d.name, Body: r.value, Range: d.member.Range,
			Header: u.firstLine(d.member.Range), Handle: d, First: u.firstLine}
		for _, ref := range r.refs {
			d.native.Refs = append(d.native.Refs, resource.Ref{Path: slices.Clone(ref.Path), Target: ref.Target, Attribute: ref.Attribute})
		}
		if made, ok := u.object(d); ok {
			objects = append(objects, made...)
			continue
		}
		if !table.Knows(d.typ) {
			all = append(all, u.foreign(d))
			continue
		}
		all = append(all, table.Resources(d.native)...)
	}
	table.Link(all)
	if len(objects) > 0 {
		all = append(all, u.objects(objects)...)
	}
	return resource.NewGraph(append(all, u.declarations()...), nil)
}

// foreign is a resource whose type Terraform does not have: it is counted, and others may refer to it.
func (u *evaluation) foreign(d *declaration) *resource.Resource {
	provider, _, _ := strings.Cut(d.typ, ":")
	r := &resource.Resource{Address: d.name, Type: d.typ, Native: d.typ, Name: d.name, Provider: provider, Dialect: "pulumi",
		Body: d.native.Body, Range: d.native.Range, Header: d.native.Header, Refs: d.native.Refs, Handle: d}
	return r
}

// body evaluates the properties of a resource; the result is remembered.
func (u *evaluation) body(d *declaration) *result {
	if r := u.options[d.name]; r != nil {
		return r
	}
	r := &result{busy: true}
	u.options[d.name] = r
	e := &env{evaluation: u}
	v := value.Value{Kind: value.Object, Range: d.member.Range}
	if d.properties != nil {
		switch v = e.value(d.properties); v.Kind {
		case value.Object:
		case value.Unknown: // a function makes them
			v = value.Value{Kind: value.Object, Open: true}
		case value.Null, value.Absent:
			v = value.Value{Kind: value.Object}
		default:
			u.problem(source.Invalid, d.properties.Range, "the properties of %.60s are no mapping", d.name)
			v = value.Value{Kind: value.Object, Open: true}
		}
		v.Range = d.member.Range
	}
	r.value, r.refs, r.busy = v, e.refs, false
	return r
}

// env evaluates one value, and gathers what it refers to.
type env struct {
	*evaluation
	at   value.Path
	refs []resource.Ref
	size int // values made so far
}

// value evaluates a node. The Range of a member's value is its whole entry.
func (e *env) value(n *document.Node) value.Value {
	if n == nil {
		return value.Value{}
	}
	if e.size++; !e.charge(1, n.Range) {
		return value.Value{Kind: value.Unknown, Range: n.Range}
	}
	switch n.Kind {
	case document.Scalar:
		v := n.Value(false, nil)
		if v.Kind == value.String && strings.Contains(v.Text, "${") {
			return e.text(n, v.Text)
		}
		return v
	case document.Sequence:
		v := value.Value{Kind: value.List, Range: n.Range, Items: make([]value.Value, len(n.Items))}
		for i, item := range n.Items {
			e.at = append(e.at, value.Step{Index: i})
			v.Items[i] = e.value(item)
			v.Items[i].Range = n.Place(i)
			e.at = e.at[:len(e.at)-1]
		}
		return v
	}
	if name, arg := called(n); name != "" {
		v := e.call(n, name, arg)
		v.Range = n.Range
		return v
	}
	v := value.Value{Kind: value.Object, Range: n.Range, Fields: make([]value.Field, 0, len(n.Members))}
	for i := range n.Members {
		m := &n.Members[i]
		if m.Key.Kind != document.Scalar {
			continue
		}
		name := m.Key.Text
		if strings.Contains(name, "${") {
			at, refs := e.at, len(e.refs)
			key := e.text(m.Key, name)
			e.at, e.refs = at, e.refs[:refs]
			if key.Kind != value.String {
				v.Open = true // a key that is not known
				continue
			}
			name = key.Text
		}
		e.at = append(e.at, value.Step{Name: name})
		f := value.Field{Name: name, Value: e.value(m.Value)}
		f.Value.Range = m.Range
		e.at = e.at[:len(e.at)-1]
		v.Fields = append(v.Fields, f)
	}
	slices.SortStableFunc(v.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	v.Fields = slices.CompactFunc(v.Fields, func(a, b value.Field) bool { return a.Name == b.Name })
	return v
}

// text evaluates a text with accesses in it.
func (e *env) text(n *document.Node, text string) value.Value {
	parts, malformed := interpolate(text)
	if malformed {
		e.problem(source.Invalid, n.Range, "%.60q is not a reference: write ${name.property}, or $${ for the signs themselves", text)
	}
	if len(parts) == 1 && parts[0].access != nil {
		v := e.access(n, parts[0].access)
		v.Range = n.Range
		return v
	}
	values := make([]value.Value, len(parts))
	for i, p := range parts {
		if p.access == nil {
			values[i] = value.Value{Kind: value.String, Text: p.text}
		} else {
			values[i] = e.access(n, p.access)
		}
	}
	v := e.joined(n, values, "")
	v.Range = n.Range
	return v
}

// joined puts values together as text. What is known of the beginning and the end stays known.
func (e *env) joined(n *document.Node, values []value.Value, separator string) value.Value {
	out := value.Value{Kind: value.String, NotNull: true}
	size := 0
	prefix, ending := "", ""
	for i := range values {
		v := &values[i]
		out.Sensitive, out.Given = out.Sensitive || v.Sensitive, out.Given || v.Given
		before := separator
		if i == 0 {
			before = ""
		}
		text, known := v.Word()
		if size += len(before) + len(text); size > e.limits.ValueBytes {
			e.problem(source.Limit, n.Range, "a text grows beyond %d bytes; it is unknown", e.limits.ValueBytes)
			return value.Value{Kind: value.Unknown, Sensitive: out.Sensitive}
		}
		switch {
		case known && out.Kind == value.String:
			prefix += before + text
		case known:
			ending += before + text
		default:
			if out.Kind == value.String {
				prefix += before
				if v.Kind == value.Unknown {
					prefix += v.Text
				}
			}
			out.Kind, ending = value.Unknown, ""
			if v.Kind == value.Unknown && v.Text != "" {
				ending = v.Ending
			}
		}
	}
	if !e.charge(size/stepBytes, n.Range) {
		return value.Value{Kind: value.Unknown, Sensitive: out.Sensitive, Given: out.Given}
	}
	out.Text = prefix
	if out.Kind == value.Unknown && prefix != "" {
		out.Ending = ending
	}
	out.NotNull = out.Kind == value.Unknown
	return out
}

// access evaluates ${name…}.
func (e *env) access(n *document.Node, a *access) value.Value {
	v := e.named(n, a)
	if !e.take(&v, n.Range) {
		return value.Value{Kind: value.Unknown, Sensitive: v.Sensitive, Given: v.Given}
	}
	return v
}

// take counts what is in a value that a name stands for, or that a function made, and reports whether there may be as much. The
// values are shared, but whoever walks through them meets each as often as it is named.
func (e *env) take(v *value.Value, at source.Range) bool {
	count := weigh(v, maxSize)
	if e.size += count; e.size > maxSize {
		e.problem(source.Limit, at, "more than %d values are made of names that hold each other; the rest is unknown", maxSize)
		return false
	}
	return e.charge(count, at)
}

// weigh counts the values in one, itself included; beyond most it does not count on.
func weigh(v *value.Value, most int) int {
	n := 1
	for i := 0; i < len(v.Items) && n <= most; i++ {
		n += weigh(&v.Items[i], most-n)
	}
	for i := 0; i < len(v.Fields) && n <= most; i++ {
		n += weigh(&v.Fields[i].Value, most-n)
	}
	if v.Document != nil && n <= most {
		n += weigh(v.Document, most-n)
	}
	return n
}

// named evaluates what a name stands for.
func (e *env) named(n *document.Node, a *access) value.Value {
	u := e.evaluation
	if a.root == "pulumi" {
		return u.builtin(a)
	}
	if d := u.resources[a.root]; d != nil {
		return e.ofResource(d, a)
	}
	if m := u.variables[a.root]; m != nil {
		return e.follow(u.variable(a.root, m, n), a.steps)
	}
	if s := u.settingOf(a.root); s != nil {
		return e.follow(&result{value: s.value}, a.steps)
	}
	e.problem(source.Unresolved, n.Range, "nothing in the program is called %.60s", a.root)
	return value.Value{Kind: value.Unknown}
}

// variable evaluates a variable; the result is remembered.
func (u *evaluation) variable(name string, m *document.Member, from *document.Node) *result {
	r := u.memo[name]
	switch {
	case r == nil:
	case r.busy:
		u.problem(source.Invalid, from.Range, "the variable %.60s is made of itself", name)
		return &result{value: value.Value{Kind: value.Unknown}}
	default:
		return r
	}
	r = &result{busy: true}
	u.memo[name] = r
	e := &env{evaluation: u}
	if u.deeper(from) {
		r.value = e.value(m.Value)
	} else {
		r.value = value.Value{Kind: value.Unknown}
	}
	u.nested--
	r.refs, r.busy = e.refs, false
	return r
}

// deeper counts names within names.
func (u *evaluation) deeper(at *document.Node) bool {
	if u.nested++; u.nested > maxDepth {
		u.problem(source.Limit, at.Range, "names lead to each other more than %d deep", maxDepth)
		return false
	}
	return true
}

// follow goes from a result to a part of it, and takes over what that refers to.
func (e *env) follow(r *result, steps []accessStep) value.Value {
	p := make(value.Path, 0, len(steps))
	v := &r.value
	for _, s := range steps {
		if v.Kind == value.Unknown {
			break
		}
		var step value.Step
		switch {
		case s.isKey && s.name != "":
			step.Name = s.name
		case s.isKey:
			return value.Value{Kind: value.Unknown}
		default:
			step.Index = s.index
		}
		open := v.Open
		next := v.At(value.Path{step})
		p = append(p, step)
		if next.Kind == value.Absent {
			if open || v.Kind == value.Null {
				return value.Value{Kind: value.Unknown}
			}
			return value.Value{Kind: value.Null}
		}
		v = next
	}
	for _, ref := range r.refs {
		switch {
		case len(ref.Path) >= len(p) && slices.Equal(ref.Path[:len(p)], p):
			e.refer(ref.Path[len(p):], ref.Target, ref.Attribute)
		case len(ref.Path) < len(p) && slices.Equal(p[:len(ref.Path)], ref.Path):
			e.refer(nil, ref.Target, ref.Attribute)
		}
	}
	out := *v
	if out.Kind == value.Unknown && len(p) < len(steps) {
		out = value.Value{Kind: value.Unknown, Sensitive: v.Sensitive, Given: v.Given}
	}
	return out
}

// maxRefs bounds the references of one value.
const maxRefs = 5_000

func (e *env) refer(within value.Path, target, attribute string) {
	if len(e.refs) < maxRefs {
		e.refs = append(e.refs, resource.Ref{Path: slices.Concat(e.at, within), Target: target, Attribute: attribute})
	}
}

// ofResource evaluates a property or an output of a resource: what is written is known, the rest the provider makes.
func (e *env) ofResource(d *declaration, a *access) value.Value {
	word := ""
	if len(a.steps) > 0 {
		word = a.steps[0].name
	}
	if !d.external {
		e.refer(nil, d.name, word)
	}
	if word != "" && !d.external && d.properties.Get(word) != nil {
		r := e.options[d.name]
		if r != nil && r.busy {
			return value.Value{Kind: value.Unknown, NotNull: true}
		}
		if e.deeper(d.properties) {
			r = e.body(d)
		}
		e.nested--
		if r != nil && !r.busy {
			inner := &env{evaluation: e.evaluation} // what it refers to is its own
			if v := inner.follow(&result{value: r.value}, a.steps); v.Kind != value.Null {
				return v
			}
		}
	}
	return value.Value{Kind: value.Unknown, NotNull: true, Given: true}
}

// builtin is ${pulumi.stack} and the like.
func (u *evaluation) builtin(a *access) value.Value {
	if len(a.steps) == 1 {
		switch a.steps[0].name {
		case "project":
			if name := u.unit.projectName(); name != "" {
				return value.Value{Kind: value.String, Text: name}
			}
		case "stack":
			if stack := u.unit.name.Variant; stack != "" {
				return value.Value{Kind: value.String, Text: stack}
			}
		}
	}
	return value.Value{Kind: value.Unknown, NotNull: true}
}

// firstLine returns the first line of a range.
func (u *evaluation) firstLine(r source.Range) source.Range {
	for _, f := range append([]*file{u.unit.project, u.unit.program}, u.unit.stacks...) {
		if f.Path == r.File && r.End <= len(f.Bytes) {
			if i := strings.IndexAny(f.Text(r), "\r\n"); i >= 0 {
				r.End = r.Start + i
			}
			return r
		}
	}
	return r
}

// local is a path of the tree that a program names, or "" when it leads out of the tree.
func (u *evaluation) local(name string) string {
	p := path.Join(dirOf(u.unit.program.Path), name)
	if path.IsAbs(name) || p == ".." || strings.HasPrefix(p, "../") {
		return ""
	}
	return p
}
