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
// those that the files did not have before. It costs what the changed directories are large, not what the estate is.
func (e *estate) With(_ context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	n := &estate{set: e.set, workspace: e.workspace.With(changed), limits: e.limits, named: maps.Clone(e.named), sets: maps.Clone(e.sets),
		files: map[string]*parsed{}, tfvars: map[string][]*parsed{}, folders: map[string]*folder{}, loaded: map[string]*folder{},
		kinds: e.kinds, taken: e.taken, opened: e, units: e.units, unitAt: e.unitAt, plans: e.plans, planAt: e.planAt}
	if e.opened != nil {
		n.opened, n.files, n.tfvars, n.folders = e.opened, maps.Clone(e.files), maps.Clone(e.tfvars), maps.Clone(e.folders)
	}
	e.mu.Lock()
	maps.Copy(n.loaded, e.loaded)
	e.mu.Unlock()

	var problems []source.Problem
	parsedNow := make(map[string]*parsed, len(changed))
	dirs := make(map[string]bool)
	same := true // the units are
	for _, f := range changed {
		p := n.open(f)
		parsedNow[f.Path] = p
		was := e.fileAt(f.Path)
		if was != nil {
			n.files[f.Path] = p
		}
		if n.sets[f.Path] != nil {
			was, n.sets[f.Path] = n.sets[f.Path], p
		}
		same = same && was != nil
		if isTfvars(f.Path) {
			problems = append(problems, p.mistakes()...)
			same = same && slices.Equal(was.outline.names, p.outline.names)
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
		if files := e.varsIn(dir); files != nil {
			n.tfvars[dir] = current(files)
		}
		if was := e.folderAt(dir); was != nil {
			now := newFolder(dir, current(was.files), was.unread)
			n.folders[dir] = now
			problems = append(problems, now.module().problems...)
			same = same && slices.Equal(was.callees(), now.callees()) && maps.Equal(was.variables(), now.variables())
		}
		if was := n.loaded[dir]; was != nil {
			n.loaded[dir] = newFolder(dir, current(was.files), was.unread)
			problems = append(problems, n.loaded[dir].module().problems...)
		}
	}
	if !same {
		n.setUnits()
	}
	before := e.mistakesIn(dirs)
	problems = slices.DeleteFunc(problems, func(p source.Problem) bool {
		return !slices.ContainsFunc(changed, func(f *source.File) bool { return f.Path == p.Range.File }) || before[p.Range.File+"\x00"+p.Message]
	})
	slices.SortStableFunc(problems, compareProblems)
	return n, problems
}

// fileAt returns a file of the estate; nil when it is not one.
func (e *estate) fileAt(path string) *parsed {
	if f := e.files[path]; f != nil || e.opened == nil {
		return f
	}
	return e.opened.files[path]
}

// folderAt returns a directory of the files given; nil when there is no configuration in it.
func (e *estate) folderAt(dir string) *folder {
	if f := e.folders[dir]; f != nil || e.opened == nil {
		return f
	}
	return e.opened.folders[dir]
}

// varsIn returns the files of variables in a directory.
func (e *estate) varsIn(dir string) []*parsed {
	if files := e.tfvars[dir]; files != nil || e.opened == nil {
		return files
	}
	return e.opened.tfvars[dir]
}

// allFolders returns the directories of the files given.
func (e *estate) allFolders() map[string]*folder {
	if e.opened == nil {
		return e.folders
	}
	all := maps.Clone(e.opened.folders)
	maps.Copy(all, e.folders)
	return all
}

// setUnits finds the units, and where each of them is.
func (e *estate) setUnits() {
	e.units = e.findUnits()
	e.unitAt = make(map[dialect.UnitName]int, len(e.units))
	for i := range e.units {
		if _, again := e.unitAt[e.units[i].name]; !again {
			e.unitAt[e.units[i].name] = i
		}
	}
}

// current returns a unit with its files as they are in this estate: units are shared with the one that they were found in.
func (e *estate) current(u unit) unit {
	if e.opened == nil {
		return u
	}
	u.root = e.folderAt(u.root.dir)
	u.set = slices.Clone(u.set)
	for i, f := range u.set {
		if now := e.fileAt(f.path); now != nil {
			u.set[i] = now
		} else if now := e.sets[f.path]; now != nil {
			u.set[i] = now
		}
	}
	return u
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
		for _, f := range e.varsIn(dir) {
			note(f.mistakes())
		}
		if f := e.folderAt(dir); f != nil {
			note(f.module().problems)
		}
	}
	return out
}

// fetched reports whether a file belongs to a module that was fetched, by terraform init or by us: it is not this repository's to change.
func fetched(file string) bool {
	return strings.HasPrefix(file, ".terraform/") || strings.Contains(file, "/.terraform/") || strings.HasPrefix(file, dialect.ModuleDir+"/")
}
