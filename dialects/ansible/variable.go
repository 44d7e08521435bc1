package ansible

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/ansible/jinja"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// level is the strength of a definition, weakest first, as Ansible's documentation on variable precedence lists them.
type level uint8

const (
	fromRoleDefaults level = iota
	fromInventoryGroup
	fromInventoryGroupVarsAll
	fromPlaybookGroupVarsAll
	fromInventoryGroupVars
	fromPlaybookGroupVars
	fromInventoryHost
	fromInventoryHostVars
	fromPlaybookHostVars
	fromPlay
	fromPrompt
	fromVarsFiles
	fromRoleVars
	fromBlock
	fromTask
	fromIncludeVars
	fromFacts // set_fact and registered results
	fromRoleParams
	fromIncludeParams
	fromLoop
	fromOutside // --var
)

// definition is one definition of a variable.
type definition struct {
	name   string
	level  level
	label  string         // of the step in a trace: group_vars/all.yml
	node   *document.Node // what was written; nil when result says it
	owner  *document.Node // the mapping that node is in; nil when it is not in one
	entry  source.Range   // the whole definition
	result *jinja.Result  // what it is when no node was written

	// others are what other hosts have in place of it. When some hosts have none of them, weaker definitions hold for those.
	others  []*definition
	partial bool
}

// scope is a level of definitions; the chain ends at the play.
type scope struct {
	parent *scope
	defs   map[string][]*definition // of each name, weakest first
}

func (s *scope) child() *scope { return &scope{parent: s} }

// define adds a definition.
func (s *scope) define(d *definition) {
	if s.defs == nil {
		s.defs = map[string][]*definition{}
	}
	list := s.defs[d.name]
	at := len(list)
	for at > 0 && list[at-1].level > d.level {
		at--
	}
	s.defs[d.name] = slices.Insert(slices.Clip(list), at, d)
}

// defineAll adds the members of a mapping.
func (s *scope) defineAll(n *document.Node, at level, label string) {
	if n == nil || n.Kind != document.Mapping {
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		s.define(&definition{name: m.Key.Text, level: at, label: label, node: m.Value, owner: n, entry: m.Range})
	}
}

// find returns the definitions of a name that may hold, strongest first: one, and weaker ones only where it is partial.
func (s *scope) find(name string) []*definition {
	var all []*definition
	for ; s != nil; s = s.parent {
		for i := len(s.defs[name]) - 1; i >= 0; i-- {
			all = append(all, s.defs[name][i])
		}
	}
	if len(all) > 1 {
		slices.SortStableFunc(all, func(a, b *definition) int { return int(b.level) - int(a.level) })
	}
	for i, d := range all {
		if !d.partial {
			return all[:i+1]
		}
	}
	return all
}

// env is where expressions are evaluated: a scope with what was found in it so far.
type env struct {
	u     *evaluation
	scope *scope
	known map[string]jinja.Result
	busy  map[string]bool
	asked map[string]bool // names that were looked up, when somebody wants to know
}

func (u *evaluation) env(s *scope) *env { return &env{u: u, scope: s} }

// outside is an unknown that comes from outside; undeclared when nobody in the tree gives it.
func outside(undeclared bool) jinja.Result {
	r := jinja.Unknown()
	r.Undeclared = undeclared
	return r
}

// magic are names that Ansible itself gives.
func magic(name string) bool {
	switch name {
	case "hostvars", "groups", "group_names", "inventory_hostname", "inventory_hostname_short", "inventory_dir", "inventory_file",
		"play_hosts", "playbook_dir", "role_path", "role_name", "environment", "vars", "omit":
		return true
	}
	return strings.HasPrefix(name, "ansible_")
}

// Variable returns what a name stands for.
func (v *env) Variable(name string) jinja.Result {
	if v.asked != nil {
		v.asked[name] = true
	}
	if r, ok := v.known[name]; ok {
		return r
	}
	if v.busy[name] || len(v.busy) > v.u.estate.limits.Nesting {
		return jinja.Result{Value: value.Value{Kind: value.Unknown}} // a circle, which Ansible refuses
	}
	defs := v.scope.find(name)
	if len(defs) == 0 {
		return outside(!magic(name))
	}
	if v.busy == nil {
		v.busy, v.known = map[string]bool{}, map[string]jinja.Result{}
	}
	v.busy[name] = true
	r := v.agreed(defs)
	delete(v.busy, name)
	if left := maxNodes; !fits(&r.Value, &left) {
		v.u.problem(source.Limit, defs[0].entry, "the variable "+name+" holds more than is evaluated")
		r = jinja.Result{Value: value.Value{Kind: value.Unknown, Given: r.Value.Given}}
	}
	v.known[name] = r
	return r
}

// maxNodes bounds how large the value of a variable may be: lists of lists that name each other double with each name.
const maxNodes = 100_000

// fits reports whether a value has no more parts than are left.
func fits(v *value.Value, left *int) bool {
	if *left -= 1 + len(v.Items) + len(v.Fields); *left < 0 {
		return false
	}
	for i := range v.Items {
		if !fits(&v.Items[i], left) {
			return false
		}
	}
	for i := range v.Fields {
		if !fits(&v.Fields[i].Value, left) {
			return false
		}
	}
	return true
}

// agreed is the value that all definitions agree on; unknown when they do not.
func (v *env) agreed(defs []*definition) jinja.Result {
	r := v.definition(defs[0])
	differs := func(d *definition) bool {
		o := v.definition(d)
		return o.Omit != r.Omit || !o.Value.Equal(&r.Value)
	}
	for _, d := range defs {
		for _, o := range d.others {
			if differs(o) {
				return jinja.Result{Value: value.Value{Kind: value.Unknown, Given: r.Value.Given, Sensitive: r.Value.Sensitive}}
			}
		}
		if d != defs[0] && differs(d) {
			return jinja.Result{Value: value.Value{Kind: value.Unknown, Given: r.Value.Given, Sensitive: r.Value.Sensitive}}
		}
	}
	return r
}

func (v *env) definition(d *definition) jinja.Result {
	if d.node == nil {
		return *d.result
	}
	return v.node(d.node)
}

// text evaluates a text that may be a template.
func (v *env) text(s string) jinja.Result {
	if !jinja.Templated(s) {
		return jinja.Text(s)
	}
	return v.u.estate.template(s).Evaluate(v, v.u.jinja())
}

// node evaluates what is written. The values of members and elements keep the places where they are written.
func (v *env) node(n *document.Node) jinja.Result {
	if n == nil {
		return jinja.Result{Value: value.Value{Kind: value.Null}}
	}
	switch n.Kind {
	case document.Sequence:
		if foreignTag(n.Tag) {
			return tagged(n)
		}
		out := jinja.Result{Value: value.Value{Kind: value.List, Range: n.Range, Items: make([]value.Value, 0, len(n.Items))}}
		for i, item := range n.Items {
			r := v.node(item)
			place(&r.Value, n.Place(i))
			if r.Value.Kind == value.Absent {
				r.Value.Kind = value.Unknown
			}
			out.Value.Items = append(out.Value.Items, r.Value)
			for _, m := range r.Marks {
				m.Path = append(value.Path{{Index: i}}, m.Path...)
				out.Marks = append(out.Marks, m)
			}
		}
		return out
	case document.Mapping:
		if foreignTag(n.Tag) {
			return tagged(n)
		}
		out := jinja.Result{Value: value.Value{Kind: value.Object, Range: n.Range}}
		for i := range n.Members {
			m := &n.Members[i]
			name := m.Key.Text
			if jinja.Templated(name) {
				key := v.text(name)
				if key.Value.Kind != value.String {
					out.Value.Open = true
					continue
				}
				name = key.Value.Text
			}
			r := v.node(m.Value)
			if r.Omit {
				continue
			}
			place(&r.Value, m.Range)
			put(&out, name, r)
		}
		return out
	}
	if n.Tag == "!unsafe" {
		return jinja.Result{Value: value.Value{Kind: value.String, Text: n.Text, Range: n.Range}}
	}
	if foreignTag(n.Tag) {
		return tagged(n)
	}
	if jinja.Templated(n.Text) {
		r := v.text(n.Text)
		r.Value = located(r.Value, n.Range)
		return r
	}
	r := jinja.Result{Value: n.Value(true, nil)}
	r.Value.Range = n.Range
	return r
}

// foreignTag reports whether a tag is none of YAML's own.
func foreignTag(tag string) bool {
	return strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") && tag != "!unsafe" && tag != "!"
}

// tagged is a value behind a tag: one that is encrypted, or nobody knows what.
func tagged(n *document.Node) jinja.Result {
	r := jinja.Result{Value: value.Value{Kind: value.Unknown, Range: n.Range}}
	if n.Tag == "!vault" || n.Tag == "!vault-encrypted" {
		r.Value.NotNull, r.Value.Given, r.Value.Sensitive = true, true, true
	}
	return r
}

// located returns a value that a template made, all of which stands where the template does.
func located(v value.Value, at source.Range) value.Value {
	v.Range = at
	if len(v.Items) > 0 {
		items := make([]value.Value, len(v.Items))
		for i := range v.Items {
			items[i] = located(v.Items[i], at)
		}
		v.Items = items
	}
	if len(v.Fields) > 0 {
		fields := make([]value.Field, len(v.Fields))
		for i, f := range v.Fields {
			fields[i] = value.Field{Name: f.Name, Value: located(f.Value, at)}
		}
		v.Fields = fields
	}
	return v
}

// place says that a value is the whole entry at a range. What stands inside of it and was written there keeps its place.
func place(v *value.Value, at source.Range) {
	was := v.Range
	v.Range = at
	if was.IsZero() || !at.Contains(was) {
		*v = located(*v, at)
	}
}

// put sets a member of an object that is being made, with its marks.
func put(out *jinja.Result, name string, r jinja.Result) {
	if r.Value.Kind == value.Absent {
		r.Value.Kind = value.Unknown
	}
	fields := out.Value.Fields
	i, found := slices.BinarySearchFunc(fields, name, func(f value.Field, n string) int { return strings.Compare(f.Name, n) })
	if found {
		fields[i].Value = r.Value
		out.Marks = slices.DeleteFunc(out.Marks, func(m jinja.Mark) bool { return len(m.Path) > 0 && m.Path[0].Name == name })
	} else {
		out.Value.Fields = slices.Insert(fields, i, value.Field{Name: name, Value: r.Value})
	}
	for _, m := range r.Marks {
		m.Path = append(value.Path{{Name: name}}, m.Path...)
		out.Marks = append(out.Marks, m)
	}
}

// holds says whether a condition holds: 1 yes, 0 no, -1 not known. A list of conditions is their conjunction.
func (v *env) holds(n *document.Node) int {
	if n == nil {
		return 1
	}
	if n.Kind == document.Sequence {
		all := 1
		for _, item := range n.Items {
			switch v.holds(item) {
			case 0:
				return 0
			case -1:
				all = -1
			}
		}
		return all
	}
	if n.Kind != document.Scalar || foreignTag(n.Tag) {
		return -1
	}
	if c := n.Value(true, nil); c.Kind == value.Bool {
		return jinja.True(&c)
	}
	text := strings.TrimSpace(n.Text)
	if text == "" {
		return 1
	}
	var r jinja.Result
	if jinja.Templated(text) {
		r = v.text(text)
	} else {
		x := v.u.estate.expression(text)
		if x == nil {
			return -1
		}
		r = x.Evaluate(v, v.u.jinja())
	}
	if r.Value.Kind != value.Bool && r.Value.Kind != value.Number && r.Value.Kind != value.Null {
		if b, ok := jinja.Bool(&r.Value); ok {
			return jinja.True(&value.Value{Kind: value.Bool, Bool: b})
		}
		if r.Value.Kind == value.List || r.Value.Kind == value.Object {
			return jinja.True(&r.Value)
		}
		return -1
	}
	return jinja.True(&r.Value)
}
