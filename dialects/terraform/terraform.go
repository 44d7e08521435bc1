// Package terraform evaluates the Terraform language, and OpenTofu's, as terraform plan would, without providers,
// credentials or network.
//
// Open looks every file over (guard.go) and notes what modules it calls (outline.go), which is enough to know the units: root
// modules with one set of inputs (unit.go, inputs.go). A file is parsed when a unit first asks for it (parse.go; jsonsyntax.go
// reads the JSON form), once, and a directory of files (folder.go) is gathered into a module (module.go). Evaluation is
// lazy: references are resolved when an expression asks for them (expression.go, scope.go), each named value once
// (evaluation.go), count and for_each by instance (group.go), resources completed by the schema (state.go). What comes out
// are the resources of the graph (collect.go, body.go), with the edges that marks on values have carried (trace.go).
//
// The package knows nothing of rules or findings.
package terraform

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// New returns the dialect. The schema gives attributes their types.
func New(s *schema.Set) dialect.Dialect { return terraform{set: s} }

type terraform struct{ set *schema.Set }

// Name returns "terraform".
func (terraform) Name() string { return "terraform" }

// Claims takes files of configuration and of variables, and plans and states in JSON. Files of tests end differently and are
// nobody's.
func (terraform) Claims(path string, content func() []byte) bool {
	return extension(path) != "" || planFormOf(path, content) != noPlan
}

// estate is the opened files. Its fields are written by Open and only read afterwards, but for what mu guards; files are
// parsed when somebody asks (parse.go, folder.go).
type estate struct {
	set       *schema.Set
	workspace *dialect.Workspace
	limits    dialect.Limits
	files     map[string]*parsed
	tfvars    map[string][]*parsed // by directory, in order
	folders   map[string]*folder   // by directory
	named     map[int]*parsed      // files given with --var-file, by place in workspace.Vars
	sets      map[string]*parsed   // files of sets of inputs that are not among files; nil for one that cannot be read
	units     []unit
	unitAt    map[dialect.UnitName]int
	plans     []planUnit
	planAt    map[dialect.UnitName]int
	taken     map[string]bool // roots that a wrapping language runs: they are no units of their own
	kinds     *sync.Map       // *schema.Attribute to kind, *schema.Resource to cty.Type

	// opened is the estate that With made this one of, first of all; nil for one that was opened. It has whatever files,
	// tfvars and folders do not have: trying out a fix must not cost what the whole estate is large.
	opened *estate

	plain sync.Map // path to *hclsyntax.Body, as the parser made it: what edits look at

	mu     sync.Mutex
	loaded map[string]*folder // directories read later: modules outside the files that were given; nil when there is none
}

// Open reads the files, looks them over, and finds the root modules. What is wrong with the text of a file is a problem of
// the units that read it; Open tells of files that no unit reads.
func (t terraform) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	e := &estate{set: t.set, workspace: w, limits: w.Limits.Defaults(), loaded: map[string]*folder{}, sets: map[string]*parsed{},
		kinds: new(sync.Map)}
	paths = slices.Compact(slices.Sorted(slices.Values(paths)))
	var plans []string
	paths = slices.DeleteFunc(paths, func(p string) bool {
		if extension(p) != "" {
			return false
		}
		plans = append(plans, p)
		return true
	})
	files, unread := e.openAll(ctx, shadowed(paths))
	e.named = map[int]*parsed{}
	for i := range w.Vars {
		if w.Vars[i].File != nil {
			e.named[i] = e.open(w.Vars[i].File)
		}
	}
	problems := e.gather(files, unread)
	e.setUnits()
	for i := range e.units {
		for _, f := range e.led(e.units[i].root) {
			f.users.Add(1)
		}
	}
	e.openPlans(plans)
	for _, f := range e.unused() {
		problems = append(problems, f.mistakes()...)
	}
	slices.SortStableFunc(problems, compareProblems)
	return e, problems
}

// gather sorts files into directories. It returns the problems that belong to no unit.
func (e *estate) gather(files []*parsed, unread []source.Problem) []source.Problem {
	e.files, e.tfvars, e.folders = map[string]*parsed{}, map[string][]*parsed{}, map[string]*folder{}
	byDir := map[string][]*parsed{}
	for _, f := range files {
		e.files[f.path] = f
		if isTfvars(f.path) {
			e.tfvars[path.Dir(f.path)] = append(e.tfvars[path.Dir(f.path)], f)
		} else {
			byDir[path.Dir(f.path)] = append(byDir[path.Dir(f.path)], f)
		}
	}
	var problems []source.Problem
	missed := map[string][]source.Problem{}
	for _, p := range unread {
		if dir := path.Dir(p.Range.File); byDir[dir] != nil && !isTfvars(p.Range.File) {
			missed[dir] = append(missed[dir], p)
		} else {
			problems = append(problems, p)
		}
	}
	for dir, files := range byDir {
		e.folders[dir] = newFolder(dir, files, missed[dir])
	}
	return problems
}

// unused returns the files of variables that no unit reads, in order.
func (e *estate) unused() []*parsed {
	used := map[*parsed]bool{}
	for i := range e.units {
		for _, f := range e.autoFiles(e.units[i].root.dir) {
			used[f] = true
		}
		for _, f := range e.units[i].set {
			used[f] = true
		}
	}
	var out []*parsed
	for _, dir := range sortedNames(e.tfvars) {
		for _, f := range e.tfvars[dir] {
			if !used[f] {
				out = append(out, f)
			}
		}
	}
	return out
}

// shadowed leaves out the files that OpenTofu's own files stand in for: main.tf beside main.tofu.
func shadowed(paths []string) []string {
	tofu := map[string]bool{}
	for _, p := range paths {
		if e := extension(p); strings.HasPrefix(e, ".tofu") {
			tofu[strings.TrimSuffix(p, e)+strings.Replace(e, ".tofu", ".tf", 1)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return tofu[p] })
}

// Units lists the root modules with their sets of inputs, and the plans.
func (e *estate) Units() []dialect.UnitName {
	names := make([]dialect.UnitName, 0, len(e.units)+len(e.plans))
	for i := range e.units {
		names = append(names, e.units[i].name)
	}
	for i := range e.plans {
		names = append(names, e.plans[i].name)
	}
	slices.SortStableFunc(names, compareNames)
	return names
}

// Evaluate evaluates one unit. A name that Units does not list gives an empty unit with a problem.
func (e *estate) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	i, ok := e.unitAt[name]
	if !ok {
		if i, ok := e.planAt[name]; ok {
			return e.evaluatePlan(ctx, e.plans[i])
		}
		return emptyUnit(name, source.Problem{Kind: source.Bug, Range: source.Range{File: name.Dir},
			Message: fmt.Sprintf("there is no unit %s %s", name.Dir, name.Variant)})
	}
	of := e.current(e.units[i])
	u := e.evaluation(ctx, of).unit(&of, &explainer{})
	if e.opened == nil {
		for _, f := range e.led(of.root) {
			f.leave()
		}
	}
	return e.orchestrate(ctx, u, of.root.dir)
}

// evaluation starts the evaluation of a unit with what is given to its variables.
func (e *estate) evaluation(ctx context.Context, of unit) *evaluation {
	u := &evaluation{
		estate: e, ctx: ctx, root: of.root.module(), seen: map[source.Problem]bool{}, limited: map[string]bool{},
		files: map[string]bool{}, dirs: map[string]bool{}, env: map[string]bool{}, selected: of.workspace,
	}
	u.reads(of.root)
	u.given = u.inputs(&of)
	return u
}
