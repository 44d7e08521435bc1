package kustomize

import (
	"maps"
	"path"
	"slices"

	"plumbline.dev/plumbline/source"
)

// graph is how the kustomizations of a tree name each other. It is never changed after plan.
type graph struct {
	tops  []string        // directories of those that no other names, sorted
	named map[string]bool // files that a kustomization names, and kustomizations themselves
	cut   map[*ref]bool   // entries that lead back to a kustomization on the way
	reach map[string]int  // by file and directory: how many of the tops it serves
}

// plan finds the units. The problems are those of the kustomizations.
func (e *estate) plan() []source.Problem {
	g := &graph{named: make(map[string]bool), cut: make(map[*ref]bool), reach: make(map[string]int)}
	var problems []source.Problem
	dirs := make(map[string]bool)
	for _, p := range e.ours {
		dirs[path.Dir(p)] = true
	}
	for _, p := range e.ours {
		if k := e.kustomization(path.Dir(p)); k.file.Path != p {
			problems = append(problems, source.Problem{Kind: source.Invalid, Range: source.Range{File: p},
				Message: "the directory has several kustomizations, which kustomize refuses; " + path.Base(k.file.Path) + " is the one that is looked at"})
		}
	}
	into := make(map[string]bool)
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		for _, to := range e.kustomization(dir).order {
			if (to.role == asBase || to.role == asComponent) && to.path != dir {
				into[to.path] = true
			}
		}
	}
	// Those that no other names come first; what is not seen from them leads back to itself, and one of each circle stands for it.
	seen := make(map[string]bool)
	var visited []*kustomization
	var visit func(dir string, way []string)
	visit = func(dir string, way []string) {
		seen[dir] = true
		k := e.kustomization(dir)
		if k == nil {
			return
		}
		visited = append(visited, k)
		g.named[k.file.Path] = true
		for _, p := range k.aside {
			g.named[p] = true
		}
		way = append(way, dir)
		for _, to := range k.order {
			switch {
			case to.role != asBase && to.role != asComponent:
				g.named[to.path] = g.named[to.path] || to.role != asData
			case slices.Contains(way, to.path):
				g.cut[to] = true
				problems = append(problems, source.Problem{Kind: source.Invalid, Range: k.place(to.at),
					Message: "the entry leads back to " + to.path + ", which names it; it is left out"})
			case len(way) >= e.limits.Modules:
				if !g.cut[to] {
					g.cut[to] = true
					problems = append(problems, source.Problem{Kind: source.Limit, Range: k.place(to.at), Message: "kustomizations name each other deeper than is looked at; this one is left out"})
				}
			case !seen[to.path]:
				visit(to.path, way)
			}
		}
	}
	for _, first := range [...]bool{true, false} {
		for _, dir := range slices.Sorted(maps.Keys(dirs)) {
			if !seen[dir] && (!first || !into[dir]) {
				g.tops = append(g.tops, dir)
				visit(dir, nil)
			}
		}
	}
	slices.Sort(g.tops)
	for _, k := range visited {
		problems = append(problems, k.problems...)
	}
	e.graph = g
	for _, top := range g.tops {
		for _, k := range e.closure(top) {
			g.reach[k.dir]++
			counted := make(map[string]bool)
			for _, to := range k.order {
				if to.role != asBase && to.role != asComponent && !counted[to.path] {
					counted[to.path] = true
					g.reach[to.path]++
				}
			}
		}
	}
	return problems
}

// closure lists a kustomization and all that it leads to, each once: what is named before who names it.
func (e *estate) closure(top string) []*kustomization {
	var out []*kustomization
	seen := make(map[string]bool)
	var visit func(dir string)
	visit = func(dir string) {
		if seen[dir] {
			return
		}
		seen[dir] = true
		k := e.kustomization(dir)
		if k == nil {
			return
		}
		for _, to := range k.order {
			if (to.role == asBase || to.role == asComponent) && !e.graph.cut[to] {
				visit(to.path)
			}
		}
		out = append(out, k)
	}
	visit(top)
	return out
}
