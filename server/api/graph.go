package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/store"
)

// The bounds of a graph.
const (
	maxNodes     = 2000    // drawn one by one; beyond it they are grouped
	maxResources = 200_000 // looked at
	maxPictures  = 5000    // repositories
)

// graphNode is a resource, or a group of them.
type graphNode struct {
	ID         string           `json:"id" doc:"of the resource, or a name of the group"`
	Label      string           `json:"label" doc:"address, or directory of the group"`
	Type       string           `json:"type" doc:"empty for a group"`
	Tier       string           `json:"tier" enum:"network,compute,data,identity,other"`
	Repository store.FindingRef `json:"repository"`
	Unit       string           `json:"unit"`
	Variant    string           `json:"variant"`
	File       string           `json:"file"`
	Line       int              `json:"line"`
	Count      int              `json:"count" doc:"how many resources it stands for"`
	Open       int              `json:"open" doc:"open fails on it"`
	Query      string           `json:"query" doc:"lists them; empty for a group"`
	Exposed    string           `json:"exposed" doc:"why the internet can reach it; of a group, how many of its resources it can reach"`
	Path       bool             `json:"path" doc:"on a way from what is exposed to data or identities"`
	Maybe      bool             `json:"maybe"`
}

// graphEdge says that a node refers to another one.
type graphEdge struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Label string `json:"label" doc:"the attribute that refers"`
	Path  bool   `json:"path" doc:"on a way from what is exposed to data or identities"`
	Maybe bool   `json:"maybe"`
}

type graphInput struct {
	Repository string   `query:"repository" maxLength:"20" doc:"id; empty is everything that the caller sees"`
	Unit       string   `query:"unit" maxLength:"1000" doc:"only this directory"`
	Tier       []string `query:"tier" maxItems:"5" doc:"only these: network, compute, data, identity, other"`
}

type graphBody struct {
	Nodes   []graphNode    `json:"nodes"`
	Edges   []graphEdge    `json:"edges"`
	Total   int            `json:"total" doc:"resources that the graph stands for"`
	Grouped string         `json:"grouped" enum:",unit,repository" doc:"what nodes stand for when there are too many resources to draw"`
	Cut     bool           `json:"cut" doc:"there is more than could be looked at: name a repository"`
	Tiers   map[string]int `json:"tiers" doc:"resources by tier, whatever tiers were asked for"`
	Units   []string       `json:"units" doc:"directories, when one repository was asked for"`
}

type graphOutput struct{ Body *graphBody }

func (s *Service) graph(api huma.API) {
	add(s, api, operation{id: "get-graph", method: http.MethodGet, path: "/api/graph", tag: "resources",
		summary: "Resources and what they refer to, with what the internet can reach; grouped when there are many", needs: access.FindingRead}, s.getGraph)
}

// drawing is a graph while it is put together.
type drawing struct {
	nodes []graphNode
	next  [][]int // by node: indexes of edges that leave it
	edges []drawnEdge
}

type drawnEdge struct {
	from, to    int
	label       string
	path, maybe bool
}

func (s *Service) getGraph(ctx context.Context, call *Call, in *graphInput) (*graphOutput, error) {
	var repository store.ID
	if in.Repository != "" {
		if err := repository.UnmarshalText([]byte(in.Repository)); err != nil {
			return nil, store.Refuse(store.Invalid, "repository: %q is not an id.", in.Repository)
		}
	}
	for _, tier := range in.Tier {
		if !slices.Contains([]string{tierNetwork, tierCompute, tierData, tierIdentity, tierOther}, tier) {
			return nil, store.Refuse(store.Invalid, "tier: %q is not network, compute, data, identity or other.", tier)
		}
	}
	list, cut, err := s.Store.GraphResources(ctx, call.Scope, repository, maxResources)
	if err != nil {
		return nil, err
	}
	snapshots, err := s.Store.Snapshots(ctx, call.Scope, repository, maxPictures)
	if err != nil {
		return nil, err
	}
	out := &graphBody{Nodes: []graphNode{}, Edges: []graphEdge{}, Cut: cut, Tiers: map[string]int{tierNetwork: 0, tierCompute: 0, tierData: 0, tierIdentity: 0, tierOther: 0}, Units: []string{}}
	units := make(map[string]bool)
	kept := list[:0:0]
	for _, r := range list {
		units[r.Unit] = true
		if in.Unit != "" && r.Unit != in.Unit {
			continue
		}
		tier := tierOf(r.Type)
		out.Tiers[tier]++
		if len(in.Tier) == 0 || slices.Contains(in.Tier, tier) {
			kept = append(kept, r)
		}
	}
	if repository != 0 {
		for u := range units {
			out.Units = append(out.Units, u)
		}
		slices.Sort(out.Units)
	}
	for _, n := range snapshots {
		out.Cut = out.Cut || n.Cut
	}
	out.Total = len(kept)
	d := draw(kept, snapshots)
	places := make([]store.ResourcePlace, len(kept))
	for i, r := range kept {
		places[i] = store.ResourcePlace{Repository: r.Repository.ID, Unit: r.Unit, Address: r.Address}
	}
	counts, err := s.Store.OpenOn(ctx, call.Scope, places)
	if err != nil {
		return nil, err
	}
	for i := range d.nodes {
		d.nodes[i].Open, d.nodes[i].Query = counts[i], store.FindingsOn(kept[i].Repository.Name, places[i])
	}
	d.ways()
	if len(d.nodes) > maxNodes {
		out.Grouped = "unit"
		d = d.grouped(func(n *graphNode) string { return n.Unit })
		if len(d.nodes) > maxNodes {
			out.Grouped = "repository"
			d = d.grouped(func(*graphNode) string { return "" })
		}
		if len(d.nodes) > maxNodes {
			return nil, store.Refuse(store.Limited, "This is more than can be drawn: name a repository.")
		}
	}
	out.Nodes = append(out.Nodes, d.nodes...)
	for _, e := range d.edges {
		out.Edges = append(out.Edges, graphEdge{d.nodes[e.from].ID, d.nodes[e.to].ID, e.label, e.path, e.maybe})
	}
	return &graphOutput{out}, nil
}

// draw makes a node of each resource and an edge of each pair of which one refers to the other or is a part of it.
func draw(list []store.Resource, snapshots []store.SnapshotOf) *drawing {
	type place struct {
		repository             store.ID
		unit, variant, address string
	}
	d := &drawing{nodes: make([]graphNode, 0, len(list))}
	at := make(map[place]int, len(list))
	for i, r := range list {
		d.nodes = append(d.nodes, graphNode{ID: r.ID.String(), Label: r.Address, Type: r.Type, Tier: tierOf(r.Type), Repository: r.Repository, Unit: r.Unit, Variant: r.Variant, File: r.File, Line: r.Line, Count: 1,
			Exposed: r.Exposed, Maybe: r.Maybe})
		at[place{r.Repository.ID, r.Unit, r.Variant, r.Address}] = i
	}
	seen := make(map[[2]int]bool)
	link := func(from, to place, label string, maybe bool) {
		a, ok := at[from]
		b, also := at[to]
		if ok && also && a != b && !seen[[2]int{a, b}] {
			seen[[2]int{a, b}] = true
			d.edges = append(d.edges, drawnEdge{from: a, to: b, label: label, maybe: maybe})
		}
	}
	for _, n := range snapshots {
		for _, e := range n.Edges {
			link(place{n.Repository.ID, e.Unit, e.Variant, e.From}, place{n.Repository.ID, e.Unit, e.Variant, e.To}, e.Path, e.Maybe)
		}
	}
	for _, r := range list {
		if r.Within != "" {
			link(place{r.Repository.ID, r.Unit, r.Variant, r.Address}, place{r.Repository.ID, r.Unit, r.Variant, r.Within}, "part of", false)
		}
	}
	d.next = make([][]int, len(d.nodes))
	for i, e := range d.edges {
		d.next[e.from] = append(d.next[e.from], i)
	}
	return d
}

// ways marks the ways from what is exposed to data and identities, along references: what a thing refers to it can use. A way does not go
// through networks: that two things are in one network says nothing of what they may do with each other.
func (d *drawing) ways() {
	for start := range d.nodes {
		if d.nodes[start].Exposed == "" {
			continue
		}
		by := map[int]int{start: -1} // node: the edge that led there
		queue := []int{start}
		for len(queue) > 0 {
			at := queue[0]
			queue = queue[1:]
			n := &d.nodes[at]
			if at != start && (n.Tier == tierData || n.Tier == tierIdentity) {
				for i := at; i != start; i = d.edges[by[i]].from {
					d.nodes[i].Path, d.edges[by[i]].path = true, true
				}
				d.nodes[start].Path = true
			}
			if at != start && n.Tier == tierNetwork || len(by) > maxNodes {
				continue
			}
			for _, i := range d.next[at] {
				if _, been := by[d.edges[i].to]; !been {
					by[d.edges[i].to] = i
					queue = append(queue, d.edges[i].to)
				}
			}
		}
	}
}

// grouped puts nodes of one repository, directory (as by gives it) and tier together.
func (d *drawing) grouped(by func(*graphNode) string) *drawing {
	type group struct {
		repository store.ID
		unit, tier string
	}
	out := &drawing{}
	at := make(map[group]int)
	of := make([]int, len(d.nodes))
	exposed := make(map[int]int)
	for i := range d.nodes {
		n := &d.nodes[i]
		g := group{n.Repository.ID, by(n), n.Tier}
		k, ok := at[g]
		if !ok {
			k = len(out.nodes)
			at[g] = k
			out.nodes = append(out.nodes, graphNode{ID: strings.Join([]string{"group", n.Repository.ID.String(), g.unit, g.tier}, "|"), Label: cmp.Or(g.unit, n.Repository.Name), Tier: n.Tier, Repository: n.Repository, Unit: g.unit})
		}
		of[i] = k
		out.nodes[k].Count += n.Count
		out.nodes[k].Open += n.Open
		out.nodes[k].Path = out.nodes[k].Path || n.Path
		if n.Exposed != "" {
			exposed[k]++
		}
	}
	for k, n := range exposed {
		out.nodes[k].Exposed = fmt.Sprintf("%d of its resources", n)
	}
	edges := make(map[[2]int]int)
	for _, e := range d.edges {
		pair := [2]int{of[e.from], of[e.to]}
		if pair[0] == pair[1] {
			continue
		}
		i, ok := edges[pair]
		if !ok {
			i = len(out.edges)
			edges[pair] = i
			out.edges = append(out.edges, drawnEdge{from: pair[0], to: pair[1], maybe: true})
		}
		out.edges[i].path = out.edges[i].path || e.path
		out.edges[i].maybe = out.edges[i].maybe && e.maybe
	}
	return out
}
