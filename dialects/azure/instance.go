package azure

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// instance is one resource of a template after its loop is unrolled. Its properties are not evaluated yet.
type instance struct {
	scope    *scope
	decl     *declaration
	env      *environment
	typ      string      // whole
	name     value.Value // whole
	address  string      // in its scope
	base     value.Value // the identity of what it extends, where its type and name say so; absent otherwise
	maybe    bool
	existing bool
	values   *value.Value // the body, when it was evaluated
}

// deployments is the type of nested deployments.
const deployments = "Microsoft.Resources/deployments"

// ownMembers are the members of a resource that are the language's and not the resource's.
var ownMembers = []string{"type", "name", "apiVersion", "condition", "copy", "dependsOn", "resources", "comments", "metadata", "existing", "scope", "import", "extension"}

// instances returns the resources of the scope, found when first asked for. Asked for again while they are being found, it
// returns what there is.
func (s *scope) instances() []*instance {
	if s.listed || s.listing {
		return s.declared
	}
	s.listing = true
	s.bySymbol, s.byName, s.plainName = map[string]*instance{}, map[named]*instance{}, map[string]*instance{}
	env := *s.environment()
	env.places = true
	for _, d := range s.template.resources {
		s.expand(d, &env, nil)
	}
	s.listing, s.listed = false, true
	return s.declared
}

// expand makes the instances of a declaration and of those nested in it.
func (s *scope) expand(d *declaration, env *environment, parent *instance) {
	u := s.unit
	one := func(env *environment, key string, certain bool) bool {
		if u.instances++; u.instances > u.limits.Resources {
			u.exceed("resources", source.Range{File: d.whole.File}, "the unit has more than %d resources; the rest was not evaluated", u.limits.Resources)
			return false
		}
		i := &instance{scope: s, decl: d, env: env, maybe: !certain || s.maybe}
		if parent != nil && parent.maybe && env.loop == parent.env.loop && env.loop != nil {
			i.maybe = true // its loop is that of the parent
		}
		i.existing = textAt(d.node, "existing") == "true"
		if c := get(d.node, "condition"); c != nil {
			met := u.plain(c, env)
			if b := truth(&met); b.Kind == value.Bool && !b.Bool {
				return true
			} else if b.Kind != value.Bool {
				i.maybe = true
			}
		}
		if !i.identify(parent, key) {
			return true
		}
		s.add(i)
		for _, child := range d.children {
			s.expand(child, env, i)
		}
		return true
	}
	if c := get(d.node, "copy"); c != nil && c.Kind == document.Mapping {
		n := 0
		u.turns(c, env, func(l *loop, certain bool) bool {
			l.name, l.plain = textAt(c, "name"), true
			e := *env
			e.loop = l
			key := "[" + strconv.Itoa(n) + "]"
			if !certain {
				key = ""
			}
			n++
			return one(&e, key, certain)
		})
		return
	}
	one(env, "", true)
}

// plain evaluates a value of which nobody asks where it stands.
func (u *evaluation) plain(n *document.Node, env *environment) value.Value {
	e := *env
	e.places = false
	return u.value(n, &e)
}

// identify finds the type, name and address. It reports false for what is no resource.
func (i *instance) identify(parent *instance, key string) bool {
	u, d := i.scope.unit, i.decl
	typ := get(d.node, "type")
	if typ == nil || get(d.node, "import") != nil && !strings.Contains(typ.Text, "/") {
		return false
	}
	t := u.plain(typ, i.env)
	if t.Kind != value.String || !strings.Contains(t.Text, "/") && parent == nil {
		if t.Kind != value.Unknown && t.Text != "" && get(d.node, "import") == nil && get(d.node, "extension") == nil {
			u.problem(source.Invalid, typ.Range, fmt.Sprintf("%q is no type of a resource", t.Text))
		}
		return false
	}
	i.typ = strings.TrimSuffix(t.Text, "/")
	i.typ, _, _ = strings.Cut(i.typ, "@")
	i.name = value.Value{Kind: value.Unknown}
	label := ""
	if n := find(d.node, "name"); n != nil {
		i.name = u.plain(n.Value, i.env)
		label = u.label(n.Value, i.env)
		i.name.Range = n.Range
	}
	if parent != nil && !strings.HasPrefix(strings.ToLower(i.typ), strings.ToLower(parent.typ)+"/") && !strings.Contains(strings.SplitN(i.typ, "/", 2)[0], ".") {
		i.typ = parent.typ + "/" + i.typ
		at := i.name.Range
		i.name = joined(parent.name, text("/"), i.name)
		i.name.Range = at
		label = parent.label() + "/" + label
	}
	i.extend()
	i.typ = u.estate.table.Canonical(i.typ)
	if d.symbol != "" {
		i.address = d.symbol + key
	} else {
		i.address = i.typ + "/" + label + key
	}
	return true
}

// label returns the part of the address behind the type, without the key of an instance.
func (i *instance) label() string {
	if i.decl.symbol != "" {
		if n := get(i.decl.node, "name"); n != nil {
			return i.scope.unit.label(n, i.env)
		}
	}
	return strings.TrimPrefix(i.address, i.typ+"/")
}

// extend reads the older way of writing extension resources: type Microsoft.Storage/storageAccounts/providers/locks, name
// account/Microsoft.Authorization/lock.
func (i *instance) extend() {
	base, rest, ok := strings.Cut(i.typ, "/providers/")
	if !ok {
		return
	}
	parts := nameParts(i.name)
	n := strings.Count(base, "/")
	if len(parts) < n+2 || parts[n].Kind != value.String {
		return
	}
	name := parts[n+1]
	for _, p := range parts[n+2:] {
		name = joined(name, text("/"), p)
	}
	i.base = joined(groupPath(nil, nil), providerPath(base, parts[:n]))
	i.typ = parts[n].Text + "/" + rest
	name.Range = i.name.Range
	i.name = name
}

// add notes an instance under what it can be referred to by.
func (s *scope) add(i *instance) {
	u := s.unit
	s.declared = append(s.declared, i)
	if s.template.symbolic {
		s.bySymbol[i.address] = i
	}
	if k, ok := key(&i.name); ok {
		k = strings.ToLower(k)
		n := named{strings.ToLower(i.typ), k}
		if s.byName[n] == nil {
			s.byName[n] = i
		}
		if s.plainName[k] == nil {
			s.plainName[k] = i
		}
	}
	if at := within(s.address, i.address); u.at[at] == nil {
		u.at[at] = i
	}
}

// label writes the text of a name for an address: what depends on inputs stands in braces, so that the address is the same
// whatever they are.
func (u *evaluation) label(n *document.Node, env *environment) string {
	if !isExpression(n.Text) {
		return plainText(n.Text)
	}
	return u.labelled(u.parse(n), env.scope, 0)
}

// maxLabel is the length of a label, and how deep it looks into expressions.
const (
	maxLabel      = 200
	maxLabelDepth = 12
)

func (u *evaluation) labelled(e *expression, s *scope, depth int) string {
	if e == nil || depth > maxLabelDepth {
		return "{}"
	}
	if s.outer != nil {
		s = s.outer.scope
	}
	switch e.kind {
	case literal:
		return textOf(&e.value)
	case element:
		if at := e.args[1]; at.kind == literal {
			return "{" + strings.Trim(u.labelled(e.args[0], s, depth+1), "{}") + "." + textOf(&at.value) + "}"
		}
		return u.labelled(e.args[0], s, depth+1)
	}
	if f, name, ok := e.parameter(); ok {
		if m := s.template.variables[strings.ToLower(name)]; f == "variables" && m != nil && m.Value.Kind == document.Scalar {
			if !isExpression(m.Value.Text) {
				return plainText(m.Value.Text)
			}
			return u.labelled(u.parse(m.Value), s, depth+1)
		}
		return "{" + name + "}"
	}
	var b strings.Builder
	switch strings.ToLower(e.name) {
	case "concat":
		for _, a := range e.args {
			b.WriteString(u.labelled(a, s, depth+1))
			if b.Len() > maxLabel {
				break
			}
		}
	case "format":
		if len(e.args) == 0 || e.args[0].kind != literal {
			return "{format}"
		}
		pattern := textOf(&e.args[0].value)
		for n, a := range e.args[1:] {
			place := "{" + strconv.Itoa(n) + "}"
			if strings.Contains(pattern, place) {
				pattern = strings.Replace(pattern, place, "\x00"+strconv.Itoa(n)+"\x00", 1)
				pattern = strings.ReplaceAll(pattern, "\x00"+strconv.Itoa(n)+"\x00", u.labelled(a, s, depth+1))
			}
			if len(pattern) > maxLabel*4 {
				break
			}
		}
		b.WriteString(pattern)
	case "tolower", "toupper", "trim", "take", "substring", "string", "replace", "padleft":
		if len(e.args) > 0 {
			return u.labelled(e.args[0], s, depth+1)
		}
	default:
		return "{" + e.name + "}"
	}
	if out := b.String(); len(out) <= maxLabel {
		return out
	}
	return strings.ToValidUTF8(b.String()[:maxLabel], "")
}

// body evaluates what is written in the resource, once.
func (i *instance) body() value.Value {
	if i.values != nil {
		return *i.values
	}
	u := i.scope.unit
	var fields []value.Field
	for n := range i.decl.node.Members {
		m := &i.decl.node.Members[n]
		if slices.ContainsFunc(ownMembers, func(own string) bool { return strings.EqualFold(own, m.Key.Text) }) {
			continue
		}
		v := u.value(m.Value, i.env)
		v.Range = m.Range
		fields = append(fields, value.Field{Name: m.Key.Text, Value: v})
	}
	v := object(fields)
	i.values = &v
	return v
}

// extends returns the identity of what the resource extends.
func (i *instance) extends() value.Value {
	m := find(i.decl.node, "scope")
	if m == nil {
		return i.base
	}
	v := i.scope.unit.plain(m.Value, i.env)
	if start := v.Text; start != "" && !strings.HasPrefix(start, "/") && strings.Contains(start, ".") && strings.Contains(start, "/") {
		v = joined(groupPath(nil, nil), text("/providers/"), v)
	}
	v.Range = m.Range
	return v
}

// collect makes the resources of a scope and of the deployments in it.
func (u *evaluation) collect(s *scope, d *deployment) {
	for _, i := range s.instances() {
		if u.ctx.Err() != nil {
			return
		}
		if strings.EqualFold(i.typ, deployments) && !i.existing {
			u.nested(i, d)
			continue
		}
		r := &deployed{
			address: i.address, typ: i.typ, name: i.name, existing: i.existing, maybe: i.maybe, module: s.address, calls: s.calls,
			whole: i.decl.whole, header: i.decl.header(), handle: i,
		}
		if !i.existing {
			r.body, r.scope = i.body(), i.extends()
		}
		d.resources = append(d.resources, r)
	}
	u.declarations(s, d)
}

// nested collects what a nested deployment declares.
func (u *evaluation) nested(i *instance, d *deployment) {
	address := within(i.scope.address, i.module())
	child := u.child(i)
	if child == nil {
		args := value.Value{}
		if p := get(get(i.decl.node, "properties"), "parameters"); p != nil {
			args = u.plain(p, i.env)
		}
		d.absent = append(d.absent, absentModule{address: address, module: i.scope.address, args: args})
		return
	}
	u.collect(child, d)
}

// module is the address of the deployment as a module, in its scope.
func (i *instance) module() string {
	if i.decl.symbol != "" {
		return "module." + i.address
	}
	return "module." + strings.TrimPrefix(i.address, i.typ+"/")
}

// declarations makes the resources that stand for parameters and outputs.
func (u *evaluation) declarations(s *scope, d *deployment) {
	add := func(m *document.Member, typ, address string, fields []value.Field) {
		r := &resource.Resource{
			Address: within(s.address, address), Module: s.address, Type: typ, Name: m.Key.Text, Dialect: d.dialect, Calls: s.calls, Maybe: s.maybe,
			Range: m.Range, Header: m.Key.Range, Handle: &declaredName{scope: s, member: m},
		}
		r.Body = object(fields)
		r.Body.Range = m.Range
		d.others = append(d.others, r)
	}
	if s.outer == nil {
		for _, m := range inOrder(s.template.parameters) {
			var fields []value.Field
			if v := find(m.Value, "defaultValue"); v != nil {
				got := u.value(v.Value, &environment{scope: s, places: true})
				got.Range, got.Sensitive = v.Range, s.template.secure(m.Value)
				if got.Kind != value.Null {
					fields = append(fields, value.Field{Name: "default", Value: got})
				}
			}
			if v := find(m.Value, "type"); v != nil {
				fields = append(fields, value.Field{Name: "type", Value: value.Value{Kind: value.String, Text: v.Value.Text, Range: v.Range}})
				if s.template.secure(m.Value) {
					fields = append(fields, value.Field{Name: "sensitive", Value: value.Value{Kind: value.Bool, Bool: true, Range: v.Range}})
				}
			}
			add(m, "variable", "param."+m.Key.Text, fields)
		}
	}
	for _, m := range inOrder(s.template.outputs) {
		v, _ := s.output(m.Key.Text)
		var fields []value.Field
		if written := find(m.Value, "value"); written != nil {
			v.Range = written.Range
			fields = append(fields, value.Field{Name: "value", Value: v})
		}
		if s.template.secure(m.Value) {
			fields = append(fields, value.Field{Name: "sensitive", Value: value.Value{Kind: value.Bool, Bool: true, Range: find(m.Value, "type").Range}})
		}
		add(m, "output", "output."+m.Key.Text, fields)
	}
}

// declaredName is the Handle of a parameter or an output.
type declaredName struct {
	scope  *scope
	member *document.Member
}

func inOrder(members map[string]*document.Member) []*document.Member {
	out := make([]*document.Member, 0, len(members))
	for _, m := range members {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *document.Member) int { return a.Range.Start - b.Range.Start })
	return out
}
