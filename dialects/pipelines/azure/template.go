package azure

import (
	"maps"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/dialects/pipelines/written"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// scope is what names mean in one use of a file.
type scope struct {
	file      *pipelines.File
	params    map[string]*argument // by name in lower case
	locals    map[string]*argument // of ${{ each }}
	variables map[string]*argument // by name in lower case
	chain     []string             // the files that led here, this one included
	calls     []resource.Call
}

// argument is a node with the scope that its expressions are read in; no node is what nobody knows.
type argument struct {
	node *document.Node
	in   *scope
	at   source.Range
	free bool // whoever starts the pipeline may give any text
}

// with is the scope with a further name.
func (s *scope) with(name string, a *argument) *scope {
	out := *s
	out.locals = maps.Clone(s.locals)
	if out.locals == nil {
		out.locals = map[string]*argument{}
	}
	out.locals[strings.ToLower(name)] = a
	return &out
}

// item is an entry of a list when all directives are followed.
type item struct {
	node  *document.Node
	in    *scope
	at    source.Range
	maybe bool
}

// member is the same of a mapping.
type member struct {
	name  string
	node  *document.Node
	in    *scope
	at    source.Range
	maybe bool
}

// maxItems bounds the entries of a pipeline after expansion.
const maxItems = 50_000

// maxEvaluated bounds the expressions that are worked out; what comes behind is unknown.
const maxEvaluated = 200_000

// maxText bounds what the values of expressions make of a text.
const maxText = 1 << 20

// spend pays for one entry; false ends the work.
func (p *pipeline) spend(at source.Range) bool {
	if p.spent++; p.spent == maxItems {
		p.Problem(source.Limit, at, "the pipeline has more than %d entries when its templates are in place; those from here on are left out", maxItems)
	}
	return p.spent < maxItems && p.ctx.Err() == nil
}

// expressionIn is the inside of a text that is one expression.
func expressionIn(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "${{") || !strings.HasSuffix(text, "}}") || strings.Count(text, "${{") != 1 {
		return "", false
	}
	return strings.TrimSpace(text[3 : len(text)-2]), true
}

// resolve finds what a reference names.
func (p *pipeline) resolve(names []string, in *scope) *argument {
	if len(names) == 0 {
		return nil
	}
	var a *argument
	rest := names[1:]
	switch first := strings.ToLower(names[0]); {
	case in.locals[first] != nil:
		a = in.locals[first]
	case first == "parameters" && len(rest) > 0:
		a, rest = in.params[strings.ToLower(rest[0])], rest[1:]
		p.noteUse("parameters."+names[1], a)
	case first == "variables" && len(rest) > 0:
		a, rest = in.variables[strings.ToLower(strings.Join(rest, "."))], nil
		p.noteUse("variables."+strings.Join(names[1:], "."), a)
	}
	for _, name := range rest {
		if a = p.settle(a); a == nil || a.node == nil {
			return nil
		}
		found := false
		ms, _ := p.members(a.node, a.in, false)
		for _, m := range ms {
			if strings.EqualFold(m.name, name) {
				a, found = &argument{node: m.node, in: m.in, at: m.at}, true
			}
		}
		if !found {
			return nil
		}
	}
	return p.settle(a)
}

// settle follows an argument that is itself a reference.
func (p *pipeline) settle(a *argument) *argument {
	for range 20 {
		if a == nil || a.node == nil || a.node.Kind != document.Scalar {
			return a
		}
		inner, ok := expressionIn(a.node.Text)
		if !ok {
			return a
		}
		t, ok := parse(inner)
		if !ok || t.path == nil {
			return a
		}
		if p.depth++; p.depth > 40 {
			p.depth--
			return nil
		}
		next := p.resolve(t.path, a.in)
		p.depth--
		if next == nil {
			return &argument{at: a.at}
		}
		a = next
	}
	return nil
}

// noteUse notes where a value comes from that is being worked out, or what would decide it.
func (p *pipeline) noteUse(name string, a *argument) {
	if p.note == nil {
		return
	}
	if a != nil && a.node != nil {
		p.note.Trace = append(p.note.Trace, dialect.Step{Name: name, Range: a.at})
		return
	}
	w := dialect.Wait{Name: name, Kind: "variable"}
	if a != nil {
		w.Range = a.at
	}
	p.note.Waits = append(p.note.Waits, w)
}

// evaluateText gives the value of an expression.
func (p *pipeline) evaluateText(text string, in *scope) value.Value {
	t, ok := parse(text)
	if p.evaluated++; !ok || p.evaluated > maxEvaluated {
		return unknown
	}
	return t.evaluate(func(names []string) value.Value {
		a := p.resolve(names, in)
		if a == nil || a.node == nil {
			return unknown
		}
		if p.depth++; p.depth > 40 {
			p.depth--
			return unknown
		}
		defer func() { p.depth-- }()
		return p.value(a.node, a.in)
	})
}

// value is what a node becomes.
func (p *pipeline) value(n *document.Node, in *scope) value.Value {
	switch n.Kind {
	case document.Scalar:
		return p.scalar(n, in)
	case document.Sequence:
		v := value.Value{Kind: value.List, Range: n.Range}
		items, open := p.items(n, in, false)
		v.Open = open
		for _, it := range items {
			inner := p.value(it.node, it.in)
			inner.Range, inner.Maybe = it.at, it.maybe
			v.Items = append(v.Items, inner)
		}
		return v
	}
	v := value.Value{Kind: value.Object, Range: n.Range}
	ms, open := p.members(n, in, false)
	v.Open = open
	return fields(v, ms, func(m *member) value.Value { return p.value(m.node, m.in) })
}

// fields fills an object, sorted; of a name that comes twice the last one.
func fields(v value.Value, ms []member, of func(m *member) value.Value) value.Value {
	for i := range ms {
		f := value.Field{Name: ms[i].name, Value: of(&ms[i])}
		f.Value.Range = ms[i].at
		if ms[i].maybe {
			f.Value = value.Value{Kind: value.Unknown, Range: ms[i].at}
		}
		at, found := slices.BinarySearchFunc(v.Fields, f.Name, func(x value.Field, name string) int { return strings.Compare(x.Name, name) })
		if found {
			v.Fields[at] = f
		} else {
			v.Fields = slices.Insert(v.Fields, at, f)
		}
	}
	return v
}

// scalar puts the values of expressions into a text.
func (p *pipeline) scalar(n *document.Node, in *scope) value.Value {
	if !strings.Contains(n.Text, "${{") {
		return n.Value(false, nil)
	}
	if inner, ok := expressionIn(n.Text); ok {
		v := p.evaluateText(inner, in)
		v.Range = n.Range
		return v
	}
	out := value.Value{Kind: value.String, Range: n.Range}
	text, open, since := n.Text, false, ""
	for {
		i := strings.Index(text, "${{")
		end := -1
		if i >= 0 {
			end = strings.Index(text[i:], "}}")
		}
		if end < 0 {
			break
		}
		since += text[:i]
		v := p.evaluateText(strings.TrimSpace(text[i+3:i+end]), in)
		text = text[i+end+2:]
		if s, ok := textOf(&v); ok && len(since)+len(s) <= maxText {
			since += s
		} else {
			if !open {
				out.Text, open = since, true
			}
			since = ""
		}
	}
	since += text
	if !open {
		out.Text = since
		return out
	}
	out.Kind, out.NotNull = value.Unknown, true
	if out.Text != "" {
		out.Ending = since
	}
	return out
}

// valueAt is the value of a node as it is written at a place, with a note of what it is made of.
func (p *pipeline) valueAt(n *document.Node, in *scope, at source.Range) value.Value {
	before := p.note
	p.note = &written.Note{}
	v := p.value(n, in)
	v.Range = at
	p.places.Note(at, *p.note)
	p.note = before
	return v
}

// directive reads a key that is a directive: its word and what stands behind it.
func directive(key string) (word, rest string) {
	inner, ok := expressionIn(key)
	if !ok {
		return "", ""
	}
	word, rest, _ = strings.Cut(inner, " ")
	if i := strings.IndexByte(word, '('); i > 0 { // if(…)
		word, rest = word[:i], inner[i:]
	}
	switch word = strings.ToLower(word); word {
	case "if", "elseif", "else", "each", "insert":
		return word, strings.TrimSpace(rest)
	}
	return "", ""
}

// conditions is how far an if and the elseif and else behind it have come.
type conditions struct{ taken, maybe bool }

// enter reports whether what a condition governs is there, and whether that is not certain.
func (c *conditions) enter(p *pipeline, word, text string, in *scope) (there, maybe bool) {
	if word == "if" {
		*c = conditions{}
	}
	if c.taken {
		return false, false
	}
	is, known := true, true
	if word != "else" {
		is, known = truth(p.evaluateText(text, in))
	}
	maybe = c.maybe || !known
	switch {
	case known && is:
		c.taken = true
		return true, maybe
	case !known:
		c.maybe = true
		return true, true
	}
	return false, false
}

// items are the entries of a list with directives followed. Open: there may be others.
func (p *pipeline) items(n *document.Node, in *scope, maybe bool) (out []item, open bool) {
	if n.Kind == document.Scalar {
		if a := p.referred(n, in); a != nil && a.node != nil && a.node.Kind != document.Scalar {
			return p.items(a.node, a.in, maybe)
		}
		return nil, !n.IsNull()
	}
	if n.Kind != document.Sequence {
		return nil, true
	}
	if p.depth++; p.depth > 60 {
		p.depth--
		return nil, true
	}
	defer func() { p.depth-- }()
	var c conditions
	add := func(n *document.Node, in *scope, maybe bool) {
		more, o := p.items(n, in, maybe)
		out, open = append(out, more...), open || o
	}
	for i, it := range n.Items {
		if !p.spend(it.Range) {
			return out, true
		}
		switch {
		case it.Kind == document.Sequence:
			add(it, in, maybe)
			continue
		case it.Kind == document.Scalar:
			if _, ok := expressionIn(it.Text); !ok {
				break
			}
			a := p.referred(it, in)
			switch {
			case a == nil || a.node == nil:
				open = true
				continue
			case a.node.Kind == document.Sequence:
				add(a.node, a.in, maybe)
				continue
			case a.node.Kind == document.Mapping:
				out = append(out, item{a.node, a.in, a.node.Range, maybe})
				continue
			}
		case len(it.Members) > 0:
			word, _ := directive(it.Members[0].Key.Text)
			if word == "" || word == "insert" {
				break
			}
			for j := range it.Members {
				m := &it.Members[j]
				word, rest := directive(m.Key.Text)
				switch word {
				case "if", "elseif", "else":
					if there, may := c.enter(p, word, rest, in); there {
						if m.Value.Kind == document.Mapping { // the condition governs what the entry says, not whether it is there
							out = append(out, item{m.Value, in, m.Range, maybe || may})
							continue
						}
						add(m.Value, in, maybe || may)
					}
				case "each":
					p.each(rest, in, maybe, func(in *scope, maybe bool) { add(m.Value, in, maybe) })
				}
			}
			continue
		}
		out = append(out, item{it, in, n.Place(i), maybe})
	}
	return out, open
}

// referred is what a text that is one reference names, or nil.
func (p *pipeline) referred(n *document.Node, in *scope) *argument {
	inner, ok := expressionIn(n.Text)
	if !ok {
		return nil
	}
	t, ok := parse(inner)
	if !ok || t.path == nil {
		return nil
	}
	return p.resolve(t.path, in)
}

// each calls body for every entry of what an each goes over; once, and not for certain, when that is not known.
func (p *pipeline) each(text string, in *scope, maybe bool, body func(in *scope, maybe bool)) {
	name, over, ok := strings.Cut(text, " in ")
	name = strings.TrimSpace(name)
	var a *argument
	if t, parsed := parse(strings.TrimSpace(over)); ok && parsed && t.path != nil {
		a = p.resolve(t.path, in)
	}
	switch {
	case a == nil || a.node == nil || a.node.Kind == document.Scalar:
		body(in.with(name, &argument{}), true)
	case a.node.Kind == document.Sequence:
		items, open := p.items(a.node, a.in, false)
		for _, it := range items {
			if !p.spend(it.at) {
				return
			}
			body(in.with(name, &argument{node: it.node, in: it.in, at: it.at}), maybe || it.maybe)
		}
		if open {
			body(in.with(name, &argument{}), true)
		}
	default:
		ms, _ := p.members(a.node, a.in, false)
		for _, m := range ms {
			if !p.spend(m.at) {
				return
			}
			pair := &document.Node{Kind: document.Mapping, Range: m.at, Members: []document.Member{
				{Key: &document.Node{Kind: document.Scalar, Text: "key"}, Value: &document.Node{Kind: document.Scalar, Style: document.Double, Text: m.name, Range: m.at}, Range: m.at},
				{Key: &document.Node{Kind: document.Scalar, Text: "value"}, Value: m.node, Range: m.at},
			}}
			body(in.with(name, &argument{node: pair, in: m.in, at: m.at}), maybe || m.maybe)
		}
	}
}

// members are the entries of a mapping with directives followed. Open: there may be others.
func (p *pipeline) members(n *document.Node, in *scope, maybe bool) (out []member, open bool) {
	if n.Kind == document.Scalar {
		if a := p.referred(n, in); a != nil && a.node != nil && a.node.Kind == document.Mapping {
			return p.members(a.node, a.in, maybe)
		}
		return nil, !n.IsNull()
	}
	if n.Kind != document.Mapping {
		return nil, true
	}
	if p.depth++; p.depth > 60 {
		p.depth--
		return nil, true
	}
	defer func() { p.depth-- }()
	var c conditions
	add := func(n *document.Node, in *scope, maybe bool) {
		more, o := p.members(n, in, maybe)
		out, open = append(out, more...), open || o
	}
	for i := range n.Members {
		m := &n.Members[i]
		if m.Key.Kind != document.Scalar || m.Key.Text == "" || !p.spend(m.Range) {
			continue
		}
		switch word, rest := directive(m.Key.Text); word {
		case "if", "elseif", "else":
			if there, may := c.enter(p, word, rest, in); there {
				add(m.Value, in, maybe || may)
			}
			continue
		case "insert":
			add(m.Value, in, maybe)
			continue
		case "each":
			p.each(rest, in, maybe, func(in *scope, maybe bool) { add(m.Value, in, maybe) })
			continue
		}
		name := m.Key.Text
		if strings.Contains(name, "${{") {
			v := p.scalar(m.Key, in)
			s, ok := textOf(&v)
			if !ok {
				open = true
				continue
			}
			name = s
		}
		out = append(out, member{name, m.Value, in, m.Range, maybe})
	}
	return out, open
}

// template opens the template that an entry takes: the scope to read it in and the mapping that it holds; nil when it is not at hand.
func (p *pipeline) template(m *member, arguments *member, at source.Range) (*scope, *document.Node) {
	v := p.valueAt(m.node, m.in, m.at)
	if v.Kind != value.String {
		p.miss("template", m.at)
		return nil, nil
	}
	if name, alias, ok := strings.Cut(v.Text, "@"); ok && alias != "self" {
		p.templates[strings.ToLower(alias)] = true
		p.miss("template "+name+"@"+alias, m.at)
		return nil, nil
	}
	var f *pipelines.File
	places := candidates(v.Text, m.in.file.Path)
	if len(places) == 0 {
		p.Problem(source.Unresolved, m.at, "the template %.200q leads out of the tree; what it holds is unknown", v.Text)
		return nil, nil
	}
	for _, place := range places {
		if found, problem := p.Read(place); problem == nil {
			f = found
			break
		}
	}
	switch {
	case f == nil:
		p.Problem(source.Unresolved, m.at, "the template %.200q is not in the tree; what it holds is unknown", v.Text)
		return nil, nil
	case slices.Contains(m.in.chain, f.Path):
		p.Problem(source.Invalid, m.at, "%s takes itself as a template", f.Path)
		return nil, nil
	case len(m.in.chain) > p.Limits.Modules:
		p.Problem(source.Limit, m.at, "templates are nested more than %d deep", p.Limits.Modules)
		return nil, nil
	}
	if !p.read[f.Path] && f.Path != p.Main.Path {
		p.read[f.Path] = true
		p.Problems(f.Problems())
		p.namesTemplates(rootOf(f.Document()))
	}
	root := rootOf(f.Document())
	if root == nil {
		return nil, nil
	}
	s := &scope{file: f, variables: m.in.variables, chain: append(slices.Clone(m.in.chain), f.Path),
		calls: append(slices.Clone(m.in.calls), resource.Call{Address: "template " + f.Path, Range: p.FirstLine(at)})}
	s.params = p.parameters(root.Get("parameters"), s, false)
	if arguments != nil {
		ms, open := p.members(arguments.node, arguments.in, false)
		if open {
			for name, a := range s.params {
				s.params[name] = &argument{at: a.at}
			}
		}
		for _, m := range ms {
			s.params[strings.ToLower(m.name)] = &argument{node: m.node, in: m.in, at: m.at}
		}
	}
	return s, root
}

// miss notes a template that is not at hand.
func (p *pipeline) miss(name string, at source.Range) {
	name = strings.Join(strings.Fields(name), ".")
	if !p.missed[name] {
		p.missed[name] = true
		p.Miss(resource.Missing{Address: name})
	}
}

// parameters are what a file declares, with their defaults. In a pipeline that people start, they give what they like for those of type
// string that have no list of values.
func (p *pipeline) parameters(n *document.Node, in *scope, started bool) map[string]*argument {
	out := map[string]*argument{}
	if n == nil {
		return out
	}
	if n.Kind == document.Mapping { // the old way: name: default
		for i := range n.Members {
			m := &n.Members[i]
			out[strings.ToLower(m.Key.Text)] = &argument{node: m.Value, in: in, at: m.Range}
		}
		return out
	}
	for i, it := range n.Items {
		name := it.Get("name")
		if name == nil || name.Kind != document.Scalar {
			continue
		}
		a := &argument{node: it.Get("default"), in: in, at: n.Place(i)}
		typ := it.Get("type")
		isText := typ == nil || typ.Kind == document.Scalar && strings.EqualFold(typ.Text, "string")
		a.free = started && isText && it.Get("values") == nil
		out[strings.ToLower(name.Text)] = a
	}
	return out
}

// fileOf says which file a name in a tree is in, for people.
func fileOf(main, file string) string {
	if file == main {
		return ""
	}
	return path.Clean(file) + ":"
}
