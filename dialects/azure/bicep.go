package azure

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
)

// NewBicep returns the dialect of Bicep files and their files of parameters.
//
// A file is a unit when no other in the tree calls it as a module, or when a file of parameters is made for it; each such file
// of parameters makes a variant of the unit (bicep_params.go). Evaluation is lazy, as it is in package terraform: names are
// resolved when an expression asks for them (bicep_scope.go, bicep_expression.go), modules with the parameters of their call
// (bicep_module.go). Expressions become what the compiler makes of them, calls of the template functions, so that a file
// and the JSON compiled from it evaluate to the same.
func NewBicep(s *schema.Set) dialect.Dialect { return bicepDialect{translate.New(s, "arm")} }

type bicepDialect struct{ table *translate.Table }

// Name returns "bicep".
func (bicepDialect) Name() string { return "bicep" }

// Claims takes .bicep and .bicepparam.
func (bicepDialect) Claims(file string, _ func() []byte) bool {
	return strings.HasSuffix(file, ".bicep") || isParamFile(file)
}

func isParamFile(file string) bool { return strings.HasSuffix(file, ".bicepparam") }

// bicepEstate is the opened files. What With changes is its own; everything else is shared and only read.
type bicepEstate struct {
	table     *translate.Table
	workspace *dialect.Workspace
	limits    dialect.Limits
	files     map[string]*bicepFile // that were given
	units     []bicepUnit
	found     *foundFiles // modules that were not among the files given
}

// foundFiles are files that evaluation came upon, by path; nil for what cannot be read.
type foundFiles struct {
	mu    sync.Mutex
	files map[string]*bicepFile
	dirs  map[string][]string // listings
}

// bicepUnit is a template with a set of inputs.
type bicepUnit struct {
	name    dialect.UnitName
	params  []string         // files of parameters, .bicepparam or JSON, weakest first
	missing []source.Problem // of those that cannot be read
}

// Open parses the files and finds the units among them.
func (d bicepDialect) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	e := &bicepEstate{table: d.table, workspace: w, limits: w.Limits.Defaults(), files: make(map[string]*bicepFile, len(paths)),
		found: &foundFiles{files: map[string]*bicepFile{}, dirs: map[string][]string{}}}
	files, problems := w.ReadAll(ctx, paths)
	for _, f := range files {
		e.files[f.Path] = parseBicep(f, e.limits)
	}
	e.units = e.findUnits()
	return e, append(problems, e.unreached()...)
}

// unreached returns the problems of files of parameters that no unit reads.
func (e *bicepEstate) unreached() []source.Problem {
	used := map[string]bool{}
	for _, u := range e.units {
		for _, p := range u.params {
			used[p] = true
		}
	}
	var out []source.Problem
	for _, p := range slices.Sorted(maps.Keys(e.files)) {
		f := e.files[p]
		if !isParamFile(p) || used[p] {
			continue
		}
		out = append(out, f.problems...)
		if target, ok := f.uses(); ok && target != "" {
			out = append(out, source.Problem{Kind: source.Unresolved, Range: f.at(f.using.Text.Span),
				Message: fmt.Sprintf("the template %s is not in the tree", target)})
		}
	}
	return out
}

// findUnits finds the files that no other calls, and where files call each other in a circle that none of those leads to, the
// first of them. A file of parameters makes a unit of its template wherever that stands.
func (e *bicepEstate) findUnits() []bicepUnit {
	called, reached := map[string]bool{}, map[string]bool{}
	params := map[string][]string{}
	names := slices.Sorted(maps.Keys(e.files))
	for _, p := range names {
		f := e.files[p]
		if !isParamFile(p) {
			for _, to := range f.calls {
				called[to] = called[to] || to != p
			}
		} else if target, ok := f.uses(); ok && e.files[target] != nil {
			params[target] = append(params[target], p)
		}
	}
	reach := func(p string) {
		for todo := []string{p}; len(todo) > 0; {
			next := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if f := e.files[next]; f != nil && !reached[next] {
				reached[next] = true
				todo = append(todo, f.calls...)
			}
		}
	}
	var units []bicepUnit
	root := func(p string) {
		reach(p)
		units = append(units, e.variants(p, append(params[p], e.jsonParamsOf(p)...))...)
	}
	for _, p := range names {
		if !isParamFile(p) && (!called[p] || len(params[p]) > 0) {
			root(p)
		}
	}
	for _, p := range names {
		if !isParamFile(p) && !reached[p] {
			root(p)
		}
	}
	slices.SortFunc(units, func(a, b bicepUnit) int {
		if c := strings.Compare(a.name.Dir, b.name.Dir); c != 0 {
			return c
		}
		return strings.Compare(a.name.Variant, b.name.Variant)
	})
	return units
}

// Units lists the templates with their sets of inputs.
func (e *bicepEstate) Units() []dialect.UnitName {
	names := make([]dialect.UnitName, len(e.units))
	for i := range e.units {
		names[i] = e.units[i].name
	}
	return names
}

// file returns a file by its path, parsed; nil when there is none that can be read.
func (e *bicepEstate) file(p string) *bicepFile {
	if f := e.files[p]; f != nil {
		return f
	}
	e.found.mu.Lock()
	defer e.found.mu.Unlock()
	f, ok := e.found.files[p]
	if !ok {
		if text, problem := e.workspace.Read(p); problem == nil {
			f = parseBicep(text, e.limits)
		}
		e.found.files[p] = f
	}
	return f
}

// Evaluate evaluates one unit. A name that Units does not list gives an empty unit with a problem.
func (e *bicepEstate) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	i := slices.IndexFunc(e.units, func(u bicepUnit) bool { return u.name == name })
	if i < 0 || e.files[name.Dir] == nil {
		return &dialect.Unit{Name: name, Graph: resource.NewGraph(nil, nil), Explainer: bicepExplainer{}, Problems: []source.Problem{{
			Kind: source.Bug, Range: source.Range{File: name.Dir}, Message: fmt.Sprintf("there is no unit %s %s", name.Dir, name.Variant)}}}
	}
	return newBicepEvaluation(ctx, e, e.units[i]).unit()
}

// With parses the changed files; everything else is shared with e. The units are found anew only when a file calls or uses
// others than before. The problems are those that the files did not have before.
func (e *bicepEstate) With(_ context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	n := &bicepEstate{table: e.table, workspace: e.workspace.With(changed), limits: e.limits, files: maps.Clone(e.files), units: e.units,
		found: &foundFiles{files: map[string]*bicepFile{}, dirs: map[string][]string{}}}
	e.found.mu.Lock()
	maps.Copy(n.found.files, e.found.files)
	maps.Copy(n.found.dirs, e.found.dirs)
	e.found.mu.Unlock()
	var problems []source.Problem
	same := true
	for _, f := range changed {
		delete(n.found.files, f.Path)
		was, now := e.files[f.Path], parseBicep(f, e.limits)
		if was == nil {
			if e.found.has(f.Path) {
				n.found.files[f.Path] = now
			}
			continue // of JSON, or nobody's
		}
		n.files[f.Path] = now
		same = same && slices.Equal(was.calls, now.calls)
		before, _ := was.uses()
		after, _ := now.uses()
		same = same && before == after
		problems = append(problems, source.NewProblems(now.problems, was.problems)...)
	}
	if !same {
		n.units = n.findUnits()
	}
	return n, problems
}

func (f *foundFiles) has(p string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.files[p] != nil
}

// bicepFile is a parsed file. It is never changed.
type bicepFile struct {
	path     string
	source   *source.File
	tree     *bicep.File
	names    map[string]*bicep.Declaration // what may be named in expressions: parameters, variables, resources, modules, functions
	types    map[string]*bicep.Declaration
	imported map[string]importedName // by the name here
	wildcard map[string]string       // import * as name: the file
	calls    []string                // the paths of the modules in the tree that it calls, sorted
	using    *bicep.Declaration      // of a file of parameters
	problems []source.Problem        // with its text
}

// importedName is a name of another file.
type importedName struct {
	file, name string
}

func parseBicep(text *source.File, limits dialect.Limits) *bicepFile {
	f := &bicepFile{path: text.Path, source: text, tree: bicep.Parse(string(text.Bytes), limits.Nesting),
		names: map[string]*bicep.Declaration{}, types: map[string]*bicep.Declaration{},
		imported: map[string]importedName{}, wildcard: map[string]string{}}
	for _, m := range f.tree.Mistakes {
		kind := source.Invalid
		if m.Limit {
			kind = source.Limit
		}
		f.problems = append(f.problems, source.Problem{Kind: kind, Range: f.at(m.Span), Message: m.Message})
	}
	for _, d := range f.tree.Declarations {
		f.declare(d)
	}
	slices.Sort(f.calls)
	f.calls = slices.Compact(f.calls)
	return f
}

// declare notes what a declaration names. Of a name that is declared twice, the first one counts.
func (f *bicepFile) declare(d *bicep.Declaration) {
	switch d.Keyword {
	case bicep.Param, bicep.Var, bicep.Resource, bicep.Module, bicep.Func, bicep.Output, bicep.TypeAlias:
		names, name := f.names, d.Name
		switch d.Keyword {
		case bicep.TypeAlias:
			names = f.types
		case bicep.Output: // has names of its own
			name = outputName(name)
		}
		if other := names[name]; other == nil {
			names[name] = d
		} else if name != "" && !d.Broken {
			f.problems = append(f.problems, source.Problem{Kind: source.Invalid, Range: f.at(d.NameSpan),
				Message: fmt.Sprintf("%s is declared twice", d.Name)})
		}
		if d.Keyword == bicep.Module {
			if to, ok := f.local(d.Text); ok {
				f.calls = append(f.calls, to)
			}
		}
	case bicep.Import:
		if from, ok := f.local(d.Text); ok {
			for _, s := range d.Imports {
				f.imported[s.As] = importedName{from, s.Name}
			}
			if d.Alias != "" {
				f.wildcard[d.Alias] = from
			}
			return
		}
		for _, s := range d.Imports {
			f.imported[s.As] = importedName{}
		}
		if d.Alias != "" {
			f.wildcard[d.Alias] = ""
		}
	case bicep.Extension:
		if d.Alias != "" {
			f.wildcard[d.Alias] = ""
		} else if d.Name != "" {
			f.wildcard[d.Name] = ""
		}
	case bicep.Using:
		f.using = d
	}
}

// outputName is the key of an output among the names of a file: no name of the language begins with a space.
func outputName(name string) string { return " " + name }

// local returns the path in the tree that a text of the file leads to; false when it leads out of it, or to a registry.
func (f *bicepFile) local(t *bicep.Text) (string, bool) {
	text, ok := t.Plain()
	if !ok {
		return "", false
	}
	return f.relative(text)
}

func (f *bicepFile) relative(text string) (string, bool) {
	if text == "" || strings.HasPrefix(text, "/") || strings.Contains(text, ":") || strings.Contains(text, `\`) {
		return "", false
	}
	p := path.Join(path.Dir(f.path), text)
	return p, p != ".." && !strings.HasPrefix(p, "../")
}

// uses returns the template that a file of parameters is for; empty for none of a file.
func (f *bicepFile) uses() (string, bool) {
	if f.using == nil || f.using.Text == nil {
		return "", false
	}
	return f.local(f.using.Text)
}

// at is the place of a span of the file.
func (f *bicepFile) at(s bicep.Span) source.Range {
	return source.Range{File: f.path, Start: s.Start, End: max(s.Start, s.End)}
}
