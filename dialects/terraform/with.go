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

// With parses the changed files and gathers their directories anew; everything else is shared with e. The problems are
// those that the files did not have before.
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
		folders: maps.Clone(e.folders), named: maps.Clone(e.named), sets: maps.Clone(e.sets), loaded: map[string]*folder{}}
	e.kinds.Range(func(k, v any) bool { n.kinds.Store(k, v); return true })
	e.mu.Lock()
	maps.Copy(n.loaded, e.loaded)
	e.mu.Unlock()

	var problems []source.Problem
	parsedNow := make(map[string]*parsed, len(changed))
	dirs := make(map[string]bool)
	for _, f := range changed {
		p := n.open(f)
		parsedNow[f.Path] = p
		if isTfvars(f.Path) {
			problems = append(problems, p.mistakes()...)
		}
		if n.sets[f.Path] != nil {
			n.sets[f.Path] = p
		}
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
		for _, folders := range []map[string]*folder{n.folders, n.loaded} {
			if f := folders[dir]; f != nil {
				folders[dir] = newFolder(dir, current(f.files), f.unread)
				problems = append(problems, folders[dir].module().problems...)
			}
		}
	}
	n.units = n.findUnits()
	before := e.mistakesIn(dirs)
	problems = slices.DeleteFunc(problems, func(p source.Problem) bool {
		return overlay[p.Range.File] == nil || before[p.Range.File+"\x00"+p.Message]
	})
	slices.SortStableFunc(problems, compareProblems)
	return n, problems
}

// mistakesIn returns what was wrong in directories, by file and message: places move.
func (e *estate) mistakesIn(dirs map[string]bool) map[string]bool {
	out := map[string]bool{}
	note := func(problems []source.Problem) {
		for _, p := range problems {
			out[p.Range.File+"\x00"+p.Message] = true
		}
	}
	for dir := range dirs {
		for _, f := range e.tfvars[dir] {
			note(f.mistakes())
		}
		if f := e.folders[dir]; f != nil {
			note(f.module().problems)
		}
	}
	return out
}

// fetched reports whether a file belongs to a module that terraform init fetched: it is not this repository's to change.
func fetched(file string) bool {
	return strings.HasPrefix(file, ".terraform/") || strings.Contains(file, "/.terraform/")
}
