package terraform

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// moduleGroup is a module call with its instances.
type moduleGroup struct {
	*expansion
	block   *hclsyntax.Block
	module  *module  // nil when it is not at hand
	scopes  []*scope // one per instance; nil when the module is not at hand
	address string   // without key
}

// moduleArguments belong to the language and not to the module.
var moduleArguments = map[string]bool{"source": true, "version": true, "count": true, "for_each": true, "providers": true, "depends_on": true}

// child returns the module call of that name; nil when there is none.
func (s *scope) child(name string) *moduleGroup {
	if g, ok := s.children[name]; ok {
		return g
	}
	b := s.module.calls[name]
	if b == nil {
		return nil
	}
	u := s.unit
	g := &moduleGroup{block: b, address: s.within("module." + name), expansion: &expansion{}}
	g.expansion.symbolic(s, g.address, "each", map[string]cty.Value{"key": cty.DynamicVal, "value": cty.DynamicVal})
	s.children[name] = g
	u.contain(g.address, b.DefRange(), func() cty.Value {
		x := s.expand(b, g.address)
		m := s.called(b, name)
		g.expansion, g.module = x, m
		if m != nil {
			for _, i := range x.instances {
				g.scopes = append(g.scopes, s.enter(g, i))
			}
		}
		return cty.DynamicVal
	})
	if len(g.scopes) < len(g.instances) { // a budget ended the work halfway
		g.module, g.scopes = nil, nil
	}
	return g
}

// enter makes the scope of one instance of a module call.
func (s *scope) enter(g *moduleGroup, i *instance) *scope {
	u := s.unit
	u.charge(scopeSteps)
	if u.scopes++; u.scopes > u.limits.Resources {
		u.exceed("scopes", g.block.DefRange(), "the unit has more than %d instances of modules; the rest was not evaluated", u.limits.Resources)
		panic(errExhausted)
	}
	child := &scope{
		unit: u, module: g.module, parent: s, caller: g.block, at: i, address: i.address, depth: s.depth + 1,
		maybe: s.maybe || i.open,
		calls: append(slices.Clone(s.calls), resource.Call{Address: i.address, Range: place(g.block.DefRange())}),
	}
	child.init(s.ctx.Functions, s.ctx.Parent().Functions)
	return child
}

// called finds the module that a block calls. When it is not at hand it says so and returns nil.
func (s *scope) called(b *hclsyntax.Block, name string) *module {
	u := s.unit
	where := place(b.DefRange())
	a := b.Body.Attributes["source"]
	if a == nil {
		u.problem(source.Invalid, where, "module."+name+" has no source")
		return nil
	}
	where = place(a.SrcRange)
	src, ok := literalText(a.Expr)
	if !ok {
		v, _ := u.evaluate(a.Expr, s.ctx).UnmarkDeep()
		if !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
			u.problem(source.Unresolved, where, "the source of module."+name+" is not known")
			return nil
		}
		src = v.AsString()
	}
	dir, local := localDir(s.module.dir, src)
	switch {
	case !local:
		var problem *source.Problem
		if dir, problem = s.elsewhere(b, name, src); problem != nil {
			if problem.Range.IsZero() {
				problem.Range = where
			}
			u.problem(problem.Kind, problem.Range, problem.Message)
			return nil
		}
	case dir == ".." || strings.HasPrefix(dir, "../"):
		u.problem(source.Unresolved, where, fmt.Sprintf("module.%s: its source %s leaves the tree that is scanned", name, src))
		return nil
	case packageOf(dir) != packageOf(s.module.dir):
		u.problem(source.Unresolved, where, fmt.Sprintf("module.%s: its source %s leaves the package that it was fetched with", name, src))
		return nil
	}
	u.dirs[dir] = true
	folder := u.load(dir)
	if folder == nil {
		u.problem(source.Unresolved, where, fmt.Sprintf("module.%s: there is no configuration in %s; what it declares was not scanned", name, dir))
		return nil
	}
	u.reads(folder)
	m := folder.module()
	for up := s; up != nil; up = up.parent {
		if up.module.dir == m.dir {
			u.problem(source.Limit, where, fmt.Sprintf("module.%s: the module %s calls itself, directly or through other modules", name, dir))
			return nil
		}
	}
	if s.depth+1 > u.limits.Modules {
		u.problem(source.Limit, where, fmt.Sprintf("module.%s: modules call each other more than %d deep", name, u.limits.Modules))
		return nil
	}
	return m
}

// elsewhere finds a module that is not in the tree: installed beside the root, or fetched.
func (s *scope) elsewhere(b *hclsyntax.Block, name, src string) (string, *source.Problem) {
	u := s.unit
	if dir, ok := u.installed(s, name); ok {
		return dir, nil
	}
	if u.workspace.Modules == nil {
		return "", &source.Problem{Kind: source.Unresolved, Message: fmt.Sprintf(
			"module.%s: its source %s is not in the tree; what it declares was not scanned: --modules fetch downloads it, or terraform init", name, src)}
	}
	m := dialect.ModuleSource{Source: src, Root: u.root.dir}
	if a := b.Body.Attributes["version"]; a != nil {
		v, _ := u.evaluate(a.Expr, s.ctx).UnmarkDeep()
		if !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
			return "", &source.Problem{Kind: source.Unresolved, Range: place(a.SrcRange), Message: "the version of module." + name + " is not known"}
		}
		m.Version = v.AsString()
	}
	dir, problem := u.workspace.Modules(u.ctx, m)
	switch {
	case problem != nil:
		told := *problem // it may be remembered for other calls
		told.Message = "module." + name + ": " + told.Message
		return "", &told
	case packageOf(dir) == "":
		return "", &source.Problem{Kind: source.Bug, Message: fmt.Sprintf("module.%s was fetched to %s, which is not below %s", name, dir, dialect.ModuleDir)}
	}
	return dir, nil
}

// packageOf returns the directory of the fetched package that a directory lies in; "" when it lies in none.
func packageOf(dir string) string {
	rest, ok := strings.CutPrefix(dir, dialect.ModuleDir+"/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return path.Join(dialect.ModuleDir, name)
}

// localDir returns the directory that a source names relative to dir, and whether it is a local one.
func localDir(dir, src string) (string, bool) {
	src = strings.ReplaceAll(src, `\`, "/")
	if src != "." && src != ".." && !strings.HasPrefix(src, "./") && !strings.HasPrefix(src, "../") {
		return "", false
	}
	return path.Join(dir, src), true
}

// installed finds a module that terraform init has put beside the root.
func (u *evaluation) installed(s *scope, name string) (string, bool) {
	if u.manifest == nil {
		u.manifest = map[string]string{}
		p := path.Join(u.root.dir, ".terraform/modules/modules.json")
		u.files[p] = true
		if f, problem := u.workspace.Read(p); problem == nil && f != nil {
			var m struct {
				Modules []struct{ Key, Dir string }
			}
			if json.Unmarshal(f.Bytes, &m) == nil {
				for _, e := range m.Modules {
					u.manifest[e.Key] = path.Join(u.root.dir, strings.ReplaceAll(e.Dir, `\`, "/"))
				}
			}
		}
	}
	key := name
	for up := s; up.parent != nil; up = up.parent {
		key = up.caller.Labels[0] + "." + key
	}
	dir, ok := u.manifest[key]
	return dir, ok
}

// moduleValue returns what a reference to a module call names.
func (s *scope) moduleValue(t hcl.Traversal, name string) (cty.Value, hcl.Diagnostics) {
	g := s.child(name)
	if g == nil {
		return s.undeclared(t, "module call", name, sortedNames(s.module.calls))
	}
	if g.module == nil {
		return cty.DynamicVal, nil
	}
	i, rest, diags := g.pick(t[2:], t, "module."+name)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	if i == nil {
		return onward(rest, s.unit.modulesValue(g))
	}
	child := g.scopes[slices.Index(g.instances, i)]
	if len(rest) == 0 {
		return child.outputsValue(), nil
	}
	out, ok := attrName(rest, 0)
	if !ok || g.module.outputs[out] == nil {
		return cty.DynamicVal, hcl.Diagnostics{failure(t.SourceRange(), "Unsupported attribute", "%s has no output %q", "module."+name, out)}
	}
	return onward(rest[1:], child.output(out))
}

func (s *scope) outputsValue() cty.Value {
	values := make(map[string]cty.Value, len(s.module.outputs))
	for name := range s.module.outputs {
		values[name] = cty.NilVal
	}
	for _, name := range sortedNames(values) {
		values[name] = s.output(name)
	}
	return cty.ObjectVal(values)
}

// modulesValue returns a call with count or for_each as a whole.
func (u *evaluation) modulesValue(g *moduleGroup) cty.Value {
	if g.open {
		_, marks := g.scopes[0].outputsValue().UnmarkDeep()
		return cty.DynamicVal.WithMarks(withoutShape([]cty.ValueMarks{marks})...)
	}
	if g.byName {
		values := make(map[string]cty.Value, len(g.scopes))
		for n, i := range g.instances {
			values[i.ctx.Variables["each"].GetAttr("key").AsString()] = g.scopes[n].outputsValue()
		}
		return cty.ObjectVal(values)
	}
	values := make([]cty.Value, len(g.scopes))
	for n := range g.scopes {
		values[n] = g.scopes[n].outputsValue()
	}
	return cty.TupleVal(values)
}
