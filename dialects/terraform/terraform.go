// Package terraform evaluates the Terraform language, and OpenTofu's, as terraform plan would, without providers,
// credentials or network.
//
// Files are parsed once (parse.go, after guard.go has looked at their nesting; jsonsyntax.go reads the JSON form) and
// gathered into modules (module.go). A unit is a root module with one set of inputs (unit.go, inputs.go). Evaluation is
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
	"runtime"
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

// Claims takes files of configuration and of variables. Files of tests end differently and are nobody's.
func (terraform) Claims(path string, _ []byte) bool { return extension(path) != "" }

// estate is the parsed files. Its fields are written by Open and only read afterwards, but for what mu guards.
type estate struct {
	set       *schema.Set
	workspace *dialect.Workspace
	limits    dialect.Limits
	files     map[string]*parsed
	tfvars    map[string][]*parsed // by directory, in order
	modules   map[string]*module   // by directory
	named     map[int]*parsed      // files given with --var-file, by place in workspace.Vars
	units     []unit
	kinds     sync.Map // *schema.Attribute to kind, *schema.Resource to cty.Type

	plain sync.Map // path to *hclsyntax.Body, as the parser made it: what edits look at

	mu     sync.Mutex
	loaded map[string]*module // directories read later: modules outside the files that were given; nil when there is none
}

// Open parses the files and finds the root modules.
func (t terraform) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	e := &estate{set: t.set, workspace: w, limits: withDefaults(w.Limits), loaded: map[string]*module{}}
	paths = slices.Compact(slices.Sorted(slices.Values(paths)))
	files, problems := e.parseAll(ctx, shadowed(paths))
	e.named = e.parseNamed(w.Vars)
	problems = append(problems, e.gather(files)...)
	slices.SortStableFunc(problems, compareProblems)
	return e, problems
}

// gather makes the modules of parsed files and finds the units.
func (e *estate) gather(files []*parsed) []source.Problem {
	e.files, e.tfvars, e.modules = map[string]*parsed{}, map[string][]*parsed{}, map[string]*module{}
	var problems []source.Problem
	byDir := map[string][]*parsed{}
	for _, f := range files {
		e.files[f.path] = f
		problems = append(problems, f.problems...)
		if isTfvars(f.path) {
			e.tfvars[path.Dir(f.path)] = append(e.tfvars[path.Dir(f.path)], f)
		} else {
			byDir[path.Dir(f.path)] = append(byDir[path.Dir(f.path)], f)
		}
	}
	for _, dir := range sortedNames(byDir) {
		m := newModule(dir, byDir[dir])
		e.modules[dir] = m
		problems = append(problems, m.problems...)
	}
	e.units = e.findUnits()
	return problems
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

// parseAll reads and parses files on all cores. The result is in the order of the paths.
func (e *estate) parseAll(ctx context.Context, paths []string) ([]*parsed, []source.Problem) {
	files := make([]*parsed, len(paths))
	unread := make([]*source.Problem, len(paths))
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), len(paths)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range next {
				if ctx.Err() != nil {
					continue
				}
				f, problem := e.workspace.Read(paths[i])
				if problem != nil {
					unread[i] = problem
					continue
				}
				files[i] = e.parseFile(f)
			}
		}()
	}
	for i := range paths {
		next <- i
	}
	close(next)
	wg.Wait()
	var problems []source.Problem
	for _, p := range unread {
		if p != nil {
			problems = append(problems, *p)
		}
	}
	return slices.DeleteFunc(files, func(f *parsed) bool { return f == nil }), problems
}

// load returns the module of a directory; nil when there is no configuration in it. Directories that were not among the
// files given are read now.
func (e *estate) load(dir string) *module {
	if m := e.modules[dir]; m != nil {
		return m
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if m, ok := e.loaded[dir]; ok {
		return m
	}
	e.loaded[dir] = nil
	entries, err := readDir(e.workspace.FS, dir)
	if err != nil {
		return nil
	}
	var paths []string
	for _, name := range entries {
		if p := path.Join(dir, name); isConfig(p) {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		return nil
	}
	files, problems := e.parseAll(context.Background(), shadowed(paths))
	m := newModule(dir, files)
	for _, f := range files {
		problems = append(problems, f.problems...)
	}
	m.problems = append(problems, m.problems...)
	e.loaded[dir] = m
	return m
}

// Units lists the root modules with their sets of inputs.
func (e *estate) Units() []dialect.UnitName {
	names := make([]dialect.UnitName, len(e.units))
	for i := range e.units {
		names[i] = e.units[i].name
	}
	return names
}

// Evaluate evaluates one unit. A name that Units does not list gives an empty unit with a problem.
func (e *estate) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	i := slices.IndexFunc(e.units, func(u unit) bool { return u.name == name })
	if i < 0 {
		return emptyUnit(name, source.Problem{Kind: source.Bug, Range: source.Range{File: name.Dir},
			Message: fmt.Sprintf("there is no unit %s %s", name.Dir, name.Variant)})
	}
	u := &evaluation{
		estate: e, ctx: ctx, root: e.units[i].root, seen: map[source.Problem]bool{}, limited: map[string]bool{},
		files: map[string]bool{}, dirs: map[string]bool{}, env: map[string]bool{},
	}
	u.given = u.inputs(u.root, e.units[i].variant)
	return u.unit(name, &explainer{})
}
