package terraform

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// planConfig is the configuration that a plan carries: which expression names what, without the expressions themselves. It
// stands in where the source is not at hand. States carry none.
type planConfig struct {
	plan    *plan
	root    span
	limit   int
	modules map[string]bool                // addresses of the module instances, "" for the root
	known   map[string]bool                // addresses of the resource instances
	blocks  map[string]span                // configurations of modules, by address without keys
	inside  map[string]map[string]span     // their resources, by address in the module
	passed  map[string]map[string][]string // what the arguments of module calls refer to, by address without keys
	outs    map[string]map[string][]string // what the outputs of modules refer to
	work    int                            // references followed so far
}

// newPlanConfig reads the configuration of a plan; limit bounds the nesting of what is parsed.
func newPlanConfig(p *plan, instances []*planned, limit int) *planConfig {
	c := &planConfig{plan: p, root: jsonAt(p.file.Bytes, p.top["configuration"], "root_module"), limit: limit,
		modules: map[string]bool{"": true}, known: map[string]bool{}, blocks: map[string]span{}, inside: map[string]map[string]span{},
		passed: map[string]map[string][]string{}, outs: map[string]map[string][]string{}}
	for _, r := range instances {
		c.known[r.address] = true
		if !c.modules[r.module] {
			for _, m := range moduleSteps(r.module) {
				c.modules[m] = true
			}
		}
	}
	return c
}

// call returns the entry of the call that makes a module instance, in the configuration of the module that calls.
func (c *planConfig) call(module string) entry {
	parent, name := parentModule(module)
	return jsonMember(c.plan.file.Bytes, jsonAt(c.plan.file.Bytes, c.block(parent), "module_calls"), name)
}

// parentModule splits the address of a module instance into that of its caller and the name of the call.
func parentModule(module string) (parent, name string) {
	all := moduleSteps(module)
	if len(all) == 0 {
		return "", ""
	}
	if len(all) > 1 {
		parent = all[len(all)-2]
	}
	steps := addressSteps(strings.TrimPrefix(strings.TrimPrefix(module, parent), "."))
	return parent, steps[1]
}

// keyOf returns the instance key at the end of an address, "" when there is none.
func keyOf(address string) string {
	steps := addressSteps(address)
	if n := len(steps); n > 0 && steps[n-1][0] == '[' {
		return steps[n-1]
	}
	return ""
}

// argument returns what an argument of the call of a module refers to.
func (c *planConfig) argument(module, name string) []string {
	bare := withoutKeys(module)
	m := c.passed[bare]
	if m == nil {
		m = map[string][]string{}
		for e := range jsonMembers(c.plan.file.Bytes, jsonAt(c.plan.file.Bytes, c.call(bare).value, "expressions")) {
			m[e.name] = jsonTexts(c.plan.file.Bytes, jsonAt(c.plan.file.Bytes, e.value, "references"))
		}
		c.passed[bare] = m
	}
	return m[name]
}

// output returns what an output of a module refers to.
func (c *planConfig) output(module, name string) []string {
	bare := withoutKeys(module)
	m := c.outs[bare]
	if m == nil {
		m = map[string][]string{}
		for e := range jsonMembers(c.plan.file.Bytes, jsonAt(c.plan.file.Bytes, c.block(bare), "outputs")) {
			m[e.name] = jsonTexts(c.plan.file.Bytes, jsonAt(c.plan.file.Bytes, e.value, "expression", "references"))
		}
		c.outs[bare] = m
	}
	return m[name]
}

// block returns the configuration of a module.
func (c *planConfig) block(module string) span {
	if module == "" {
		return c.root
	}
	bare := withoutKeys(module)
	s, ok := c.blocks[bare]
	if !ok {
		s = jsonAt(c.plan.file.Bytes, c.call(bare).value, "module")
		c.blocks[bare] = s
	}
	return s
}

// resource returns the configuration of a resource.
func (c *planConfig) resource(module, local string) span {
	bare := withoutKeys(module)
	m := c.inside[bare]
	if m == nil {
		m = map[string]span{}
		for item := range jsonElements(c.plan.file.Bytes, jsonAt(c.plan.file.Bytes, c.block(bare), "resources")) {
			m[c.plan.text(jsonAt(c.plan.file.Bytes, item, "address"))] = item
		}
		c.inside[bare] = m
	}
	return m[local]
}

// refs returns what the attributes of a resource refer to, and what is written of each of them.
func (c *planConfig) refs(p *planned, attributes []schema.Attribute) ([]resource.Ref, map[string]writing) {
	var refs []resource.Ref
	written := map[string]writing{}
	declared := c.resource(p.module, p.local())
	src := c.plan.file.Bytes
	each := jsonTexts(src, jsonAt(src, declared, "for_each_expression", "references"))
	for m := range jsonMembers(src, jsonAt(src, declared, "expressions")) {
		w := &walker{config: c, self: p, each: each}
		n := c.plan.tree(m.value, c.limit)
		if n != nil {
			w.walk(n, value.Path{{Name: m.name}}, find(attributes, m.name))
		}
		refs = append(refs, w.refs...)
		written[m.name] = writing{place: c.plan.place(m.whole), given: w.given, tree: n}
	}
	for _, name := range p.depends {
		refs = append(refs, resource.Ref{Target: inModule(p.module, strings.TrimPrefix(name, withoutKeys(p.module)+"."))})
	}
	return refs, written
}

// walker gathers the references of one attribute.
type walker struct {
	config *planConfig
	self   *planned
	each   []string // what for_each of the resource refers to
	refs   []resource.Ref
	given  bool // a part of it is not in the code, or nobody knows
	work   int
}

// Bounds of how many references are followed for one attribute, and for all of a plan. What is beyond is not told.
const (
	maxReferences    = 2000
	maxAllReferences = 2_000_000
)

// isExpression reports whether an object of a configuration stands for an expression and not for a block.
func isExpression(n *node) bool {
	return n.kind == '{' && !slices.ContainsFunc(n.keys, func(k node) bool { return k.text != "constant_value" && k.text != "references" })
}

// walk goes into blocks, down to the expressions.
func (w *walker) walk(n *node, path value.Path, a *schema.Attribute) {
	switch {
	case n.kind == '[':
		single := a != nil && (a.Nesting == schema.One || a.Nesting == schema.Single)
		for i := range n.items {
			at := path
			if !single {
				at = append(path[:len(path):len(path)], value.Step{Index: i})
			}
			w.walk(&n.items[i], at, a)
		}
	case n.kind != '{':
	case isExpression(n):
		list, _ := texts(n.get("references"))
		w.references(list, w.self.module, keyOf(w.self.address), func(target, attribute string) {
			w.refs = append(w.refs, resource.Ref{Path: slices.Clone(path), Target: target, Attribute: attribute})
		})
	default:
		for i := range n.keys {
			var inner *schema.Attribute
			if a != nil {
				inner = find(a.Attributes, n.keys[i].text)
			}
			w.walk(&n.items[i], append(path[:len(path):len(path)], value.Step{Name: n.keys[i].text}), inner)
		}
	}
}

func texts(n *node) ([]string, bool) {
	if n == nil || n.kind != '[' {
		return nil, false
	}
	var out []string
	for i := range n.items {
		out = append(out, n.items[i].text)
	}
	return out, true
}

// references resolves the references of one expression in a module instance; key is that of the block that the expression
// is in.
func (w *walker) references(list []string, module, key string, found func(target, attribute string)) {
	byKey := slices.ContainsFunc(list, func(r string) bool { return strings.HasPrefix(r, "each.") || strings.HasPrefix(r, "count.") })
	if !byKey {
		key = ""
	}
	before, c := "", w.config
	for _, ref := range list {
		if strings.HasPrefix(before, ref) && ref != before { // a reference is followed by its own beginnings
			continue
		}
		before = ref
		w.work++
		c.work++
		if w.work > maxReferences || c.work > maxAllReferences {
			w.given = true
			return
		}
		w.reference(ref, module, key, found)
	}
}

func (w *walker) reference(ref, module, key string, found func(target, attribute string)) {
	c := w.config
	steps := addressSteps(ref)
	if len(steps) < 2 {
		return
	}
	switch steps[0] {
	case "var":
		if module == "" {
			w.given = w.given || c.givenVariable(steps[1])
			return
		}
		parent, _ := parentModule(module)
		w.references(c.argument(module, steps[1]), parent, keyOf(module), found)
	case "each":
		if steps[1] == "value" && module == w.self.module {
			for _, ref := range w.each {
				if !strings.HasPrefix(ref, "each.") {
					w.reference(ref, module, key, found)
				}
			}
		}
	case "count", "path", "terraform", "self":
	case "local":
		w.given = true // the plan does not tell what locals are made of
	case "module":
		rest := steps[2:]
		named := inModule(module, "module."+steps[1])
		if len(rest) > 0 && rest[0][0] == '[' {
			named, rest = named+rest[0], rest[1:]
		}
		if len(rest) == 0 {
			return
		}
		for _, instance := range c.instancesOf(named, key) {
			w.references(c.output(instance, rest[0]), instance, keyOf(instance), found)
		}
	default:
		w.given = true
		size := 2
		if steps[0] == "data" {
			size = 3
		}
		if len(steps) < size {
			return
		}
		target, rest := inModule(module, strings.Join(steps[:size], ".")), steps[size:]
		if len(rest) > 0 && rest[0][0] == '[' {
			target, rest = target+rest[0], rest[1:]
		} else if key != "" && c.known[target+key] {
			target += key
		}
		attribute := ""
		if len(rest) > 0 && rest[0][0] != '[' {
			attribute = rest[0]
		}
		found(target, attribute)
	}
}

// instancesOf returns the module instances that an address without or with key names; of several, the one with the key.
func (c *planConfig) instancesOf(named, key string) []string {
	if c.modules[named] {
		return []string{named}
	}
	if key != "" && c.modules[named+key] {
		return []string{named + key}
	}
	c.work += len(c.modules) / 100
	var out []string
	for m := range c.modules {
		if strings.HasPrefix(m, named+"[") && withoutKeys(m) == withoutKeys(named) {
			out = append(out, m)
		}
	}
	slices.Sort(out)
	return out
}

// givenVariable reports whether the value of a variable of the root is another than its default.
func (c *planConfig) givenVariable(name string) bool {
	src := c.plan.file.Bytes
	is := c.plan.tree(jsonAt(src, c.plan.top["variables"], name, "value"), c.limit)
	or := c.plan.tree(jsonAt(src, c.root, "variables", name, "default"), c.limit)
	if is == nil || or == nil {
		return true
	}
	x, y := documentValue(is, nil), documentValue(or, nil)
	return !x.Equal(&y)
}

// declarations makes the resources that stand for providers, variables, outputs and module calls.
func (c *planConfig) declarations(set *schema.Set) []*resource.Resource {
	var out []*resource.Resource
	src := c.plan.file.Bytes
	plain := &planner{file: c.plan.file.Path}
	fields := func(s span, names ...string) map[string]value.Value {
		found := map[string]value.Value{}
		for m := range jsonMembers(src, s) {
			if n := c.plan.tree(m.value, c.limit); n != nil && n.kind != '0' && slices.Contains(names, m.name) {
				v := plain.known(n, nil, nil, shape{}, &value.Value{})
				v.Range = c.plan.place(m.whole)
				found[m.name] = v
			}
		}
		return found
	}
	declare := func(e entry, module, typ, local string, body map[string]value.Value) *resource.Resource {
		whole := c.plan.place(e.whole)
		r := &resource.Resource{Module: module, Dialect: "terraform", Calls: c.calls(module), Range: whole,
			Header:  source.Range{File: whole.File, Start: whole.Start, End: e.value.start},
			Address: inModule(module, local), Type: typ, Name: e.name,
			Body: value.Value{Kind: value.Object, Fields: sortedFields(body), Range: whole}}
		out = append(out, r)
		return r
	}
	for _, module := range sortedNames(c.modules) {
		for m := range jsonMembers(src, c.block(module)) {
			for e := range jsonMembers(src, m.value) {
				switch m.name {
				case "variables":
					declare(e, module, "variable", "var."+e.name, fields(e.value, "default", "description", "sensitive"))
				case "outputs":
					r := declare(e, module, "output", "output."+e.name, fields(e.value, "description", "sensitive"))
					w := &walker{config: c, self: &planned{module: module}}
					w.references(jsonTexts(src, jsonAt(src, e.value, "expression", "references")), module, keyOf(module), func(target, attribute string) {
						w.refs = append(w.refs, resource.Ref{Path: value.Path{{Name: "value"}}, Target: target, Attribute: attribute})
					})
					r.Refs = w.refs
				case "module_calls":
					body := fields(e.value, "source")
					if version, ok := fields(e.value, "version_constraint")["version_constraint"]; ok {
						body["version"] = version
					}
					declare(e, module, "module", "module."+e.name, body)
				}
			}
		}
	}
	for e := range jsonMembers(src, jsonAt(src, c.plan.top["configuration"], "provider_config")) {
		out = append(out, c.provider(e, set))
	}
	return out
}

// calls returns the module calls that lead to a module instance.
func (c *planConfig) calls(module string) []resource.Call {
	var out []resource.Call
	for _, m := range moduleSteps(module) {
		e := c.call(m)
		at := c.plan.place(e.whole)
		if !at.IsZero() {
			at.End = e.value.start
		}
		out = append(out, resource.Call{Address: m, Range: at})
	}
	return out
}

// provider makes the resource of a provider configuration. Of its arguments only constants and variables of the root are
// known.
func (c *planConfig) provider(e entry, set *schema.Set) *resource.Resource {
	src := c.plan.file.Bytes
	name, alias := c.plan.text(jsonAt(src, e.value, "name")), c.plan.text(jsonAt(src, e.value, "alias"))
	module := c.plan.text(jsonAt(src, e.value, "module_address"))
	local := name
	if alias != "" {
		local += "." + alias
	}
	typ := "provider." + name
	var attributes []schema.Attribute
	if known := set.Resource(typ); known != nil {
		attributes = known.Attributes
	}
	body := map[string]value.Value{}
	for m := range jsonMembers(src, jsonAt(src, e.value, "expressions")) {
		n := c.plan.tree(m.value, c.limit)
		if n == nil {
			continue
		}
		after, unknown := c.constant(n, module)
		v := (&planner{}).attribute(after, unknown, nil, find(attributes, m.name), &value.Value{})
		if v.Kind == value.Absent || v.Kind == value.Null {
			continue
		}
		v.Range = c.plan.place(m.whole)
		body[m.name] = v
	}
	whole := c.plan.place(e.whole)
	return &resource.Resource{
		Address: inModule(module, "provider."+local), Module: module, Type: typ, Name: local, Provider: name, Dialect: "terraform",
		Range: whole, Header: source.Range{File: whole.File, Start: whole.Start, End: e.value.start}, Calls: c.calls(module),
		Body: value.Value{Kind: value.Object, Fields: sortedFields(body), Range: whole},
	}
}

// constant turns expressions into their value and what of it is not known.
func (c *planConfig) constant(n *node, module string) (after, unknown *node) {
	switch {
	case n.kind == '[':
		after, unknown = &node{kind: '['}, &node{kind: '['}
		for i := range n.items {
			a, u := c.constant(&n.items[i], module)
			after.items, unknown.items = append(after.items, *a), append(unknown.items, *u)
		}
		return after, unknown
	case n.kind == '{' && !isExpression(n):
		after, unknown = &node{kind: '{'}, &node{kind: '{'}
		for i := range n.keys {
			a, u := c.constant(&n.items[i], module)
			after.keys, after.items = append(after.keys, n.keys[i]), append(after.items, *a)
			unknown.keys, unknown.items = append(unknown.keys, n.keys[i]), append(unknown.items, *u)
		}
		return after, unknown
	}
	if v := n.get("constant_value"); v != nil {
		return v, &node{kind: 'f'}
	}
	if list, _ := texts(n.get("references")); len(list) == 1 && module == "" {
		if name, ok := strings.CutPrefix(list[0], "var."); ok {
			if v := c.plan.tree(jsonAt(c.plan.file.Bytes, c.plan.top["variables"], name, "value"), c.limit); v != nil {
				return v, &node{kind: 'f'}
			}
		}
	}
	return &node{kind: '0'}, &node{kind: 't'}
}
