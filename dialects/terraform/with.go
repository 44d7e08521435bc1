package terraform

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// With parses the changed files and gathers their directories anew; everything else is shared with e.
func (e *estate) With(_ context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	overlay := make(map[string]*source.File, len(changed))
	for _, f := range changed {
		overlay[f.Path] = f
	}
	w := *e.workspace
	w.Read = func(p string) (*source.File, *source.Problem) {
		if f := overlay[p]; f != nil {
			return f, nil
		}
		return e.workspace.Read(p)
	}
	n := &estate{set: e.set, workspace: &w, limits: e.limits, files: maps.Clone(e.files), tfvars: maps.Clone(e.tfvars),
		modules: maps.Clone(e.modules), named: maps.Clone(e.named), loaded: map[string]*module{}}
	e.kinds.Range(func(k, v any) bool { n.kinds.Store(k, v); return true })
	e.mu.Lock()
	maps.Copy(n.loaded, e.loaded)
	e.mu.Unlock()

	var problems []source.Problem
	parsedNow := make(map[string]*parsed, len(changed))
	dirs := make(map[string]bool)
	for _, f := range changed {
		p := e.parseFile(f)
		parsedNow[f.Path] = p
		problems = append(problems, p.problems...)
		if n.files[f.Path] != nil {
			n.files[f.Path] = p
		}
		for i, given := range n.named {
			if given.path == f.Path {
				n.named[i] = p
			}
		}
		dirs[path.Dir(f.Path)] = true
	}
	current := func(files []*parsed) []*parsed {
		out := slices.Clone(files)
		for i, f := range out {
			if p := parsedNow[f.path]; p != nil {
				out[i] = p
			}
		}
		return out
	}
	for dir := range dirs {
		if files := n.tfvars[dir]; files != nil {
			n.tfvars[dir] = current(files)
		}
		for _, modules := range []map[string]*module{n.modules, n.loaded} {
			if m := modules[dir]; m != nil {
				modules[dir] = newModule(dir, current(m.files))
				problems = append(problems, modules[dir].problems...)
			}
		}
	}
	n.units = n.findUnits()
	problems = slices.DeleteFunc(problems, func(p source.Problem) bool { return overlay[p.Range.File] == nil })
	slices.SortStableFunc(problems, compareProblems)
	return n, problems
}

// fetched reports whether a file belongs to a module that terraform init fetched: it is not this repository's to change.
func fetched(file string) bool {
	return strings.HasPrefix(file, ".terraform/") || strings.Contains(file, "/.terraform/")
}
