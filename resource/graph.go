package resource

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

// Graph is every resource of a unit with the edges between them. Build it with NewGraph; it is then read only and may be
// read by several goroutines.
type Graph struct {
	Resources []*Resource // in order of address
	Missing   []Missing   // modules that were not at hand: what they declare is not in Resources

	byAddress map[string]*Resource
	byType    map[string][]*Resource
	into      map[*Resource][]*Resource // who refers to it
}

// Missing is a module that could not be read, or something else of which nobody knows what it declares.
type Missing struct {
	Address string   // module.vpc
	Refs    []string // addresses of the resources that its arguments refer to
	Types   string   // how the types of what it declares begin; empty when they may be any
}

// NewGraph sorts the resources and joins the references.
func NewGraph(resources []*Resource, missing []Missing) *Graph {
	g := &Graph{
		Resources: slices.Clone(resources),
		Missing:   missing,
		byAddress: make(map[string]*Resource, len(resources)),
		byType:    make(map[string][]*Resource),
		into:      make(map[*Resource][]*Resource),
	}
	slices.SortStableFunc(g.Resources, func(a, b *Resource) int { return strings.Compare(a.Address, b.Address) })
	for _, r := range g.Resources {
		g.byAddress[r.Address] = r
		g.byType[r.Type] = append(g.byType[r.Type], r)
	}
	for _, r := range g.Resources {
		for _, ref := range r.Refs {
			for _, to := range g.Targets(ref.Target) {
				into := g.into[to]
				if n := len(into); to != r && (n == 0 || into[n-1] != r) { // r comes once, so its repetitions are neighbours
					g.into[to] = append(into, r)
				}
			}
		}
	}
	return g
}

// ByAddress returns the resource of that address, or nil.
func (g *Graph) ByAddress(address string) *Resource { return g.byAddress[address] }

// ByType returns the resources of a type in order of address.
func (g *Graph) ByType(typ string) []*Resource { return g.byType[typ] }

// Lacks reports whether there may be resources of a type that are not in the graph.
func (g *Graph) Lacks(typ string) bool {
	return slices.ContainsFunc(g.Missing, func(m Missing) bool { return strings.HasPrefix(typ, m.Types) })
}

// Types returns the types present, sorted.
func (g *Graph) Types() []string {
	types := make([]string, 0, len(g.byType))
	for t := range g.byType {
		types = append(types, t)
	}
	slices.Sort(types)
	return types
}

// Referrers returns the resources of a type that refer to r, in order of address; typ "" means every type.
func (g *Graph) Referrers(r *Resource, typ string) []*Resource {
	var out []*Resource
	for _, from := range g.into[r] {
		if typ == "" || from.Type == typ {
			out = append(out, from)
		}
	}
	return out
}

// Wholes returns the resources that r is a part of, the nearest first.
func (g *Graph) Wholes(r *Resource) []*Resource {
	var out []*Resource
	for r.Within != "" && len(out) < maxWholes {
		if r = g.byAddress[r.Within]; r == nil {
			break
		}
		out = append(out, r)
	}
	return out
}

// maxWholes bounds how deep parts have parts.
const maxWholes = 8

// Targets returns the resources that a reference's target names: one instance, or all instances of a resource named
// without its key.
func (g *Graph) Targets(address string) []*Resource {
	if r := g.byAddress[address]; r != nil {
		return []*Resource{r}
	}
	i, _ := slices.BinarySearchFunc(g.Resources, address, func(r *Resource, a string) int { return strings.Compare(r.Address, a) })
	var out []*Resource
	for ; i < len(g.Resources) && strings.HasPrefix(g.Resources[i].Address, address); i++ {
		if g.Resources[i].Address[len(address)] == '[' {
			out = append(out, g.Resources[i])
		}
	}
	return out
}

// RefAt returns the references of the value at path and of everything in it.
func (r *Resource) RefAt(path value.Path) []Ref {
	var out []Ref
	for _, ref := range r.Refs {
		if len(ref.Path) >= len(path) && slices.Equal(ref.Path[:len(path)], path) {
			out = append(out, ref)
		}
	}
	return out
}
