package azure

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// child returns the scope of a nested deployment, made when first asked for; nil when its template is not at hand.
func (u *evaluation) child(i *instance) *scope {
	if c, ok := i.scope.children[i]; ok {
		return c
	}
	if i.scope.children == nil {
		i.scope.children = map[*instance]*scope{}
	}
	i.scope.children[i] = nil // while it is being found
	c := u.newChild(i)
	i.scope.children[i] = c
	return c
}

func (u *evaluation) newChild(i *instance) *scope {
	properties := get(i.decl.node, "properties")
	header := i.decl.header()
	name := within(i.scope.address, i.module())
	if i.scope.depth+1 > u.limits.Modules {
		u.exceed("modules", header, "the deployments are nested more than %d deep; what lies deeper was not evaluated", u.limits.Modules)
		return nil
	}
	if u.deployed++; u.deployed > u.limits.Resources/50 {
		u.exceed("deployments", header, "more than %d deployments are nested in each other; the rest was not evaluated", u.limits.Resources/50)
		return nil
	}
	c := &scope{
		unit: u, parent: i.scope, caller: i, memo: map[string]*evaluated{}, address: name, maybe: i.maybe, depth: i.scope.depth + 1,
		calls: append(slices.Clone(i.scope.calls), resource.Call{Address: name, Range: header}),
	}
	inline := get(properties, "template")
	switch {
	case inline != nil && inline.Kind == document.Mapping:
		c.template = u.templateAt(i.scope.template.file, inline)
		options := get(properties, "expressionEvaluationOptions")
		if !strings.EqualFold(textAt(options, "scope"), "inner") {
			c.outer = i.env
			return c
		}
	default:
		if c.template = u.linked(i, properties, header, name); c.template == nil {
			return nil
		}
		for up := i.scope; up != nil; up = up.parent {
			if up.template == c.template {
				u.exceed("circle "+c.template.file.Path, header, "%s deploys the template that it stands in, %s, without end; it was not evaluated again", name, c.template.file.Path)
				return nil
			}
		}
	}
	c.given = u.arguments(get(properties, "parameters"), i.env, name)
	return c
}

// arguments reads what a deployment gives to parameters.
func (u *evaluation) arguments(n *document.Node, env *environment, name string) map[string]*argument {
	out := map[string]*argument{}
	plain := *env
	plain.places = false
	for low, m := range membersOf(n) {
		a := &argument{name: name + "." + m.Key.Text, place: m.Range, env: &plain}
		if v := get(m.Value, "value"); v != nil {
			a.node = v
		} else if isExpression(m.Value.Text) || get(m.Value, "copy") != nil { // the whole {value: …} is made by an expression or a loop
			whole := u.plain(m.Value, env)
			v, err := into(whole, text("value"), true)
			if err != nil {
				v = value.Value{Kind: value.Unknown}
			}
			a.value = v
		} else {
			a.value = fromVault(get(m.Value, "reference"))
		}
		out[low] = a
	}
	return out
}

// fromVault is the value of a parameter that a key vault holds.
func fromVault(reference *document.Node) value.Value {
	if reference == nil {
		return value.Value{Kind: value.Unknown}
	}
	v := symbol("keyVault", textAt(reference, "secretName"), text(textAt(get(reference, "keyVault"), "id")))
	v.Given, v.Sensitive, v.NotNull = true, true, true
	return v
}

// linked finds the template of a deployment in another file of the tree.
func (u *evaluation) linked(i *instance, properties *document.Node, where source.Range, name string) *template {
	link := get(properties, "templateLink")
	if link == nil {
		u.problem(source.Unresolved, where, name+": its template is not known; what it declares was not scanned")
		return nil
	}
	what := get(link, "relativePath")
	if what == nil {
		what = get(link, "uri")
	}
	if what == nil {
		u.problem(source.Unresolved, where, fmt.Sprintf("%s: its template %s is not in the tree; what it declares was not scanned", name, textAt(link, "id")))
		return nil
	}
	v := u.plain(what, i.env)
	for _, candidate := range linkCandidates(&v) {
		p := path.Join(path.Dir(i.scope.template.file.Path), candidate)
		if strings.HasPrefix(p, "../") || p == ".." {
			continue
		}
		u.files[p] = true
		if t := u.estate.templateIn(p); t != nil {
			for _, problem := range t.problems {
				u.problem(problem.Kind, problem.Range, problem.Message)
			}
			if t.template != nil {
				return t.template
			}
		}
	}
	u.problem(source.Unresolved, where, fmt.Sprintf("%s: its template %s is not in the tree; what it declares was not scanned", name, what.Text))
	return nil
}

// linkCandidates returns the paths, relative to the template, that a link may mean: a relative path as it is, of an address
// that is not wholly known the parts that are, which name the file beside the template when it was published.
func linkCandidates(v *value.Value) []string {
	var out []string
	add := func(s string) {
		s = strings.TrimLeft(strings.TrimSpace(s), "/")
		s, _, _ = strings.Cut(s, "?")
		if strings.HasSuffix(strings.ToLower(s), ".json") && !strings.Contains(s, "://") && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	switch v.Kind {
	case value.String:
		add(v.Text)
	case value.Unknown:
		for _, p := range v.Items {
			if p.Kind == value.String {
				add(p.Text)
			}
		}
		symbols(v, func(s *value.Value) {
			for n := range s.Items {
				if s.Items[n].Kind == value.String {
					add(s.Items[n].Text)
				}
			}
		})
	}
	return out
}

// resolve finds the resource of the unit that a text names: a symbolic name, an identity or a plain name.
func (u *evaluation) resolve(v *value.Value, s *scope) *instance {
	n, isIdentity := identity(v)
	k, ok := key(v)
	if !ok {
		return nil
	}
	if !isIdentity && strings.Contains(v.Text, "/") { // the older way: Microsoft.Storage/storageAccounts/name
		whole := joined(text("/providers/"), *v)
		n, isIdentity = identity(&whole)
	}
	for at := s; at != nil; at = at.parent {
		at.instances()
		if isIdentity {
			if i := at.byName[n]; i != nil {
				return i
			}
			continue
		}
		if i := at.bySymbol[k]; i != nil {
			return i
		}
		if i := at.plainName[strings.ToLower(k)]; i != nil {
			return i
		}
	}
	return nil
}

// reference is the state of a resource: an edge to it, by address when it is one of the unit.
func (u *evaluation) reference(name string, args []value.Value, env *environment) (value.Value, error) {
	if len(args) == 0 {
		return value.Value{Kind: value.Unknown}, fmt.Errorf("%s takes at least one argument, and has none", name)
	}
	if name != symbolReference {
		return symbol(name, "", args...), nil
	}
	part := "properties"
	if len(args) > 2 && args[2].Kind == value.String && strings.EqualFold(args[2].Text, "full") {
		part = ""
	}
	v := symbol(symbolReference, part, u.addressed(args[:1], env)...)
	v.Given, v.NotNull = true, true
	return v, nil
}

// addressed replaces what names a resource of the unit by its address.
func (u *evaluation) addressed(args []value.Value, env *environment) []value.Value {
	out := slices.Clone(args)
	for n := range out {
		if n > 0 {
			break
		}
		if i := u.resolve(&out[n], env.scope); i != nil {
			out[n] = text(addressMark + within(i.scope.address, i.address))
		}
	}
	return out
}

// state is the value that is written for what a reference reads: an output of a nested deployment, or a property of a
// resource. It reports false when only Azure knows it.
func (u *evaluation) state(s *value.Value, env *environment) (value.Value, bool) {
	if len(s.Items) == 0 || !strings.HasPrefix(s.Items[0].Text, addressMark) {
		return value.Value{}, false
	}
	i := u.at[s.Items[0].Text[len(addressMark):]]
	if i == nil || i.existing {
		return value.Value{}, false
	}
	steps := strings.Split(s.Ending, ".")
	if strings.EqualFold(i.typ, deployments) {
		if len(steps) != 4 || !strings.EqualFold(steps[1], "outputs") || !strings.EqualFold(steps[3], "value") {
			return value.Value{}, false
		}
		c := u.child(i)
		if c == nil {
			return value.Value{}, false
		}
		return c.output(steps[2])
	}
	n := i.decl.node
	for _, step := range steps {
		if n = get(n, step); n == nil {
			return value.Value{}, false
		}
	}
	if n.Kind == document.Mapping || i.maybe {
		return value.Value{}, false
	}
	if !u.enter(n.Range) {
		return value.Value{}, false
	}
	defer u.leave()
	if u.asked[n] { // it needs itself: only Azure knows
		return value.Value{}, false
	}
	u.asked[n] = true
	defer delete(u.asked, n)
	v := u.plain(n, i.env)
	return v, v.IsWhollyKnown()
}
