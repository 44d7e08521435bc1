package terraform

import (
	"io/fs"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// unit is a root module with a set of inputs.
type unit struct {
	name    dialect.UnitName
	root    *module
	variant *parsed // file of variables of the set; nil when there is but one
}

// findUnits finds the roots: the directories that no other calls as a module. Where modules call each other in a circle
// that no root leads to, the first of them is a root.
func (e *estate) findUnits() []unit {
	callees := map[string][]string{}
	called := map[string]bool{}
	for dir, m := range e.modules {
		for _, b := range m.calls {
			a := b.Body.Attributes["source"]
			if a == nil {
				continue
			}
			if src, ok := literalText(a.Expr); ok {
				if to, local := localDir(dir, src); local && e.modules[to] != nil {
					callees[dir] = append(callees[dir], to)
					called[to] = called[to] || to != dir
				}
			}
		}
	}
	reached := map[string]bool{}
	var reach func(dir string)
	reach = func(dir string) {
		for todo := []string{dir}; len(todo) > 0; {
			d := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if !reached[d] {
				reached[d] = true
				todo = append(todo, callees[d]...)
			}
		}
	}
	var roots []string
	dirs := sortedNames(e.modules)
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
		root := e.modules[dir]
		variants := e.variants(root)
		for _, name := range sortedNames(variants) {
			units = append(units, unit{name: dialect.UnitName{Dir: dir, Variant: name}, root: root, variant: variants[name]})
		}
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
