// Package dockerfile evaluates Dockerfiles and Containerfiles: https://docs.docker.com/reference/dockerfile/.
//
// A file is read into instructions whose words keep their bytes (line.go, word.go); each is a unit. Evaluation (evaluate.go)
// goes through the instructions in order, with the variables of each stage (scope.go), and makes one resource of the file, one of
// each stage and one of each instruction. Of RUN it tells the commands, read by package shell, and what people ask of
// them under a name of its own (fact.go), so that a wish about it can be lowered to an edit of words.
//
// The package runs nothing and knows nothing of rules or findings.
package dockerfile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// New returns the dialect. Its types are its own, so that it needs nothing of the schema.
func New(*schema.Set) dialect.Dialect { return dockerfile{} }

type dockerfile struct{}

// Name returns "dockerfile".
func (dockerfile) Name() string { return "dockerfile" }

// estate is the opened files. Its fields are written by Open and With and only read afterwards.
type estate struct {
	limits dialect.Limits
	vars   map[string]string // --var: build arguments
	files  map[string]*file
	paths  []string // sorted
}

// Open reads and splits the files; each is a unit.
func (dockerfile) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	e := &estate{limits: w.Limits.Defaults(), vars: map[string]string{}, files: make(map[string]*file, len(paths))}
	for _, v := range w.Vars {
		if v.File == nil {
			e.vars[v.Name] = v.Value
		}
	}
	files, problems := w.ReadAll(ctx, paths)
	for _, f := range files {
		e.files[f.Path] = parse(f, e.limits)
		problems = append(problems, e.files[f.Path].problems...)
	}
	e.paths = slices.Sorted(maps.Keys(e.files))
	return e, problems
}

// Units lists the files.
func (e *estate) Units() []dialect.UnitName {
	names := make([]dialect.UnitName, len(e.paths))
	for i, p := range e.paths {
		names[i] = dialect.UnitName{Dir: p}
	}
	return names
}

// Evaluate evaluates one file. A name that Units does not list gives an empty unit with a problem.
func (e *estate) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	f := e.files[name.Dir]
	if f == nil || name.Variant != "" {
		return &dialect.Unit{Name: name, Graph: resource.NewGraph(nil, nil), Explainer: &explainer{}, Problems: []source.Problem{{
			Kind: source.Bug, Range: source.Range{File: name.Dir}, Message: fmt.Sprintf("there is no unit %s %s", name.Dir, name.Variant)}}}
	}
	return e.evaluate(ctx, name, f)
}

// With reads the changed files; everything else is shared with e.
func (e *estate) With(_ context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	n := &estate{limits: e.limits, vars: e.vars, files: maps.Clone(e.files), paths: e.paths}
	var problems []source.Problem
	for _, f := range changed {
		was := e.files[f.Path]
		if was == nil {
			continue
		}
		n.files[f.Path] = parse(f, e.limits)
		problems = append(problems, source.NewProblems(n.files[f.Path].problems, was.problems)...)
	}
	return n, problems
}

// Inputs lists the build arguments of all files.
func (e *estate) Inputs() []string {
	names := map[string]bool{}
	for _, f := range e.files {
		for i := range f.instructions {
			if in := &f.instructions[i]; in.keyword == "ARG" {
				for _, w := range in.words() {
					name, _, _ := strings.Cut(w.text, "=")
					names[name] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
