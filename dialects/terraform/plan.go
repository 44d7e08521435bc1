package terraform

import (
	"context"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// A plan or state in JSON is a unit of its own: a variant of the root module that it was made from, named after its file.
// Its values are what the providers have planned; places, comments and fixes are the source's, as far as the source is in the
// tree. The source is evaluated under the variables of the plan, and each planned resource held against the evaluated one.

// planUnit is a plan or state among the files given.
type planUnit struct {
	name   dialect.UnitName
	file   string
	source string // directory of the root module that it was made from; empty when that is not at hand
}

// openPlans finds the units of plans and states. A file that cannot be used is a unit without resources, whose problem says
// why.
func (e *estate) openPlans(paths []string) {
	for _, file := range paths {
		u := planUnit{file: file, name: dialect.UnitName{Dir: path.Dir(file)}}
		if f, problem := e.workspace.Read(file); problem == nil {
			if p, problem := readPlan(f); problem == nil {
				u.source = e.sourceOf(p)
			}
		}
		if u.source != "" {
			u.name.Dir = u.source
		}
		u.name.Variant = path.Base(file)
		if rel, err := filepath.Rel(u.name.Dir, file); err == nil {
			u.name.Variant = filepath.ToSlash(rel)
		}
		e.plans = append(e.plans, u)
	}
	slices.SortStableFunc(e.plans, func(a, b planUnit) int { return compareNames(a.name, b.name) })
	e.planAt = make(map[dialect.UnitName]int, len(e.plans))
	for i := range e.plans {
		e.planAt[e.plans[i].name] = i
	}
}

func compareNames(a, b dialect.UnitName) int {
	if c := strings.Compare(a.Dir, b.Dir); c != 0 {
		return c
	}
	return strings.Compare(a.Variant, b.Variant)
}

// sourceOf returns the directory of the root module that a plan was made from: the one that the caller names, or the plan's
// own, where it declares something that is in the plan.
func (e *estate) sourceOf(p *plan) string {
	dir := e.lookedIn(p.file.Path)
	folder := e.load(dir)
	if folder == nil {
		return ""
	}
	m := folder.module()
	for _, r := range p.instances() {
		steps := addressSteps(r.address)
		if len(steps) > 1 && steps[0] == "module" && m.calls[steps[1]] != nil || m.resources[withoutKeys(r.address)] != nil {
			return dir
		}
	}
	return ""
}

// lookedIn returns the directory in which the source of a plan is looked for.
func (e *estate) lookedIn(file string) string {
	if e.workspace.Source != "" {
		return path.Clean(e.workspace.Source)
	}
	return path.Dir(file)
}

// evaluatePlan makes the unit of a plan.
func (e *estate) evaluatePlan(ctx context.Context, of planUnit) *dialect.Unit {
	fail := func(p source.Problem) *dialect.Unit {
		u := emptyUnit(of.name, p)
		u.Reads = dialect.Reads{Files: []string{of.file}}
		return u
	}
	f, problem := e.workspace.Read(of.file)
	if problem != nil {
		return fail(*problem)
	}
	p, problem := readPlan(f)
	if problem != nil {
		return fail(*problem)
	}
	m := &mapper{estate: e, plan: p, unit: of, instances: p.instances()}
	m.config = newPlanConfig(p, m.instances, e.limits.Nesting)
	u := &dialect.Unit{Name: of.name, Reads: dialect.Reads{Files: []string{of.file}, Dirs: []string{e.lookedIn(of.file)}}}
	if of.source != "" {
		m.now = e.evaluateSource(ctx, p, of)
		if e.opened != nil && e.changedSince(m.now.unit.Reads) {
			m.before = e.opened.evaluateSource(ctx, p, of)
		}
		u.Reads = m.now.unit.Reads
		u.Reads.Files = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(u.Reads.Files), of.file))))
		u.Reads.Dirs = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(u.Reads.Dirs), of.source))))
	}
	resources := m.resources(ctx)
	if m.now != nil {
		for _, p := range m.now.unit.Problems {
			if p.Kind != source.Unresolved { // what the source leaves open is in the plan
				u.Problems = append(u.Problems, p)
			}
		}
	}
	u.Problems = append(u.Problems, m.problems...)
	slices.SortStableFunc(u.Problems, compareProblems)
	u.Graph = resource.NewGraph(resources, nil)
	u.Explainer = &planExplainer{now: m.now, graph: u.Graph}
	return e.orchestrate(ctx, u, of.name.Dir)
}

// planSource is the source of a plan under the plan's variables.
type planSource struct {
	unit *dialect.Unit
	exp  *explainer
	like map[string][]*resource.Resource // by address without keys
}

// changedSince reports whether a file that a unit reads is another than in the estate that was opened.
func (e *estate) changedSince(r dialect.Reads) bool {
	return slices.ContainsFunc(r.Files, func(file string) bool {
		now, _ := e.workspace.Read(file)
		was, _ := e.opened.workspace.Read(file)
		return now != was
	})
}

// evaluateSource evaluates the root module of a plan under the plan's variables. Where inputs that lie in the tree say the
// same as the plan they are what counts, so that a fix finds them.
func (e *estate) evaluateSource(ctx context.Context, p *plan, of planUnit) *planSource {
	candidates := []unit{}
	for _, u := range e.units {
		if u.root.dir == of.source {
			candidates = append(candidates, e.current(u))
		}
	}
	if len(candidates) == 0 {
		if root := e.load(of.source); root != nil {
			candidates = append(candidates, unit{name: of.name, root: root})
		}
	}
	if len(candidates) == 0 {
		return &planSource{unit: emptyUnit(of.name, source.Problem{Kind: source.Unresolved, Range: source.Range{File: of.source},
			Message: "there is no configuration in " + of.source + " any more"}), exp: &explainer{}}
	}
	var best *evaluation
	var chosen unit
	least := -1
	for _, c := range candidates {
		u := e.evaluation(ctx, c)
		differ := u.plannedInputs(p)
		if least < 0 || differ < least {
			best, chosen, least = u, c, differ
		}
	}
	x := &explainer{}
	out := &planSource{unit: best.unit(&chosen, x), exp: x, like: map[string][]*resource.Resource{}}
	for _, r := range out.unit.Graph.Resources {
		bare := withoutKeys(r.Address)
		out.like[bare] = append(out.like[bare], r)
	}
	return out
}

// plannedInputs gives the variables of the root the values of the plan, and counts those that the inputs in the tree say
// otherwise.
func (u *evaluation) plannedInputs(p *plan) int {
	differ := 0
	src := p.file.Bytes
	for m := range jsonMembers(src, p.top["variables"]) {
		v := u.root.variables[m.name]
		n := p.tree(jsonAt(src, m.value, "value"), u.limits.Nesting)
		if v == nil || n == nil {
			continue
		}
		planned, err := v.convert(ctyOf(n))
		if err != nil {
			continue
		}
		problems, seen := u.problems, len(u.seen)
		is := v.fallback
		if in, ok := u.given[m.name]; ok {
			is, _ = u.convertInput(v, in)
		}
		u.problems = problems
		if len(u.seen) > seen {
			u.seen = map[source.Problem]bool{}
		}
		if is != cty.NilVal {
			if is, _ = is.UnmarkDeep(); is.IsWhollyKnown() && is.RawEquals(planned) {
				continue
			}
		}
		differ++
		u.given[m.name] = input{name: path.Base(p.file.Path), given: true, expr: &hclsyntax.LiteralValueExpr{Val: planned}}
	}
	return differ
}

// ctyOf turns a JSON value into one of the language.
func ctyOf(n *node) cty.Value {
	switch n.kind {
	case '{':
		fields := map[string]cty.Value{}
		for i := range n.keys {
			fields[n.keys[i].text] = ctyOf(&n.items[i])
		}
		return cty.ObjectVal(fields)
	case '[':
		items := make([]cty.Value, len(n.items))
		for i := range n.items {
			items[i] = ctyOf(&n.items[i])
		}
		return cty.TupleVal(items)
	case 's':
		return cty.StringVal(n.text)
	case 'n':
		if v, err := cty.ParseNumberVal(n.text); err == nil {
			return v
		}
		return cty.UnknownVal(cty.Number)
	case 't', 'f':
		return cty.BoolVal(n.kind == 't')
	}
	return cty.NullVal(cty.DynamicPseudoType)
}
