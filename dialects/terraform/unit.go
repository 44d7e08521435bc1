package terraform

import (
	"io/fs"
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// unit is a root module with a set of inputs.
type unit struct {
	name      dialect.UnitName
	root      *folder
	set       []*parsed        // files of variables of the set, weakest first
	missing   []source.Problem // files of the set that cannot be read
	workspace string           // terraform.workspace; empty when the settings do not say
	wrap      *Root            // what a wrapping language says; nil for Terraform's own
}

// findUnits finds the roots: the directories that no other calls as a module. Where modules call each other in a circle
// that no root leads to, the first of them is a root.
func (e *estate) findUnits() []unit {
	callees := map[string][]string{}
	called := map[string]bool{} // by a module, or run by a wrapping language
	maps.Copy(called, e.taken)
	folders := e.allFolders()
	for dir, f := range folders {
		for _, to := range f.callees() {
			if folders[to] != nil {
				callees[dir] = append(callees[dir], to)
				called[to] = called[to] || to != dir
			}
		}
	}
	reached := map[string]bool{}
	reach := func(dir string) {
		for todo := []string{dir}; len(todo) > 0; {
			d := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if !reached[d] {
				reached[d] = true
				todo = append(todo, callees[d]...)
			}
		}
	}
	for dir := range e.taken {
		reach(dir)
	}
	var roots []string
	dirs := sortedNames(folders)
	for _, dir := range dirs {
		if !called[dir] {
			roots = append(roots, dir)
			reach(dir)
		}
	}
	for _, dir := range dirs {
		if !reached[dir] {
			roots = append(roots, dir)
			reach(dir)
		}
	}
	var units []unit
	for _, dir := range roots {
		units = append(units, e.inputSets(folders[dir])...)
	}
	slices.SortFunc(units, func(a, b unit) int {
		if c := strings.Compare(a.name.Dir, b.name.Dir); c != 0 {
			return c
		}
		return strings.Compare(a.name.Variant, b.name.Variant)
	})
	return units
}

// readDir lists the names in a directory of the tree.
func readDir(tree fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(tree, dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		if !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

func emptyUnit(name dialect.UnitName, p source.Problem) *dialect.Unit {
	return &dialect.Unit{Name: name, Graph: resource.NewGraph(nil, nil), Problems: []source.Problem{p}, Explainer: &explainer{}}
}

// reads notes that a unit read the files of a directory, and what is wrong with them.
func (u *evaluation) reads(f *folder) {
	if u.folded[f] {
		return
	}
	if u.folded == nil {
		u.folded = map[*folder]bool{}
	}
	u.folded[f] = true
	u.dirs[f.dir] = true
	for _, file := range f.files {
		u.files[file.path] = true
	}
	for _, p := range f.unread {
		u.files[p.Range.File] = true
	}
	for _, p := range f.module().problems {
		u.problem(p.Kind, p.Range, p.Message)
	}
}

// led returns the directories that a root leads to by literal local sources, itself among them.
func (e *estate) led(root *folder) []*folder {
	out := []*folder{root}
	reached := map[*folder]bool{root: true}
	for i := 0; i < len(out); i++ {
		for _, dir := range out[i].callees() {
			if next := e.folderAt(dir); next != nil && !reached[next] {
				reached[next] = true
				out = append(out, next)
			}
		}
	}
	return out
}

// rest reads the modules that the root leads to and that were not evaluated, because they have no instances or a budget
// ended before. Someone must tell what is wrong with their files.
func (u *evaluation) rest(root *folder) {
	for _, f := range u.led(root) {
		u.reads(f)
	}
}
