package rule

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// index finds the resources of a graph that a join need look at, so that a graph of a hundred estates costs a hundred times
// one, not ten thousand times. It leaves out only resources whose comparison would say no; what it finds is compared as if
// there were no index. It belongs to one frame and is filled as it is asked.
type index struct {
	graph   *resource.Graph
	rolls   map[string]*roll
	lists   map[string]*sequence        // all resources of a type, of types of which every one is there for certain
	missing map[*resource.Resource]bool // what modules that were not at hand refer to; nil until it is needed
}

// roll is the resources of a type by the names that their attributes hold, as positions among those of the type, rising.
type roll struct {
	by   map[string][]int
	open []int // those whose attributes hold something that is no known text: they may have any name
	at   map[*resource.Resource]int
}

func (n *roll) add(v *value.Value, i int) {
	list := n.open
	if v.Kind == value.String {
		list = n.by[v.Text]
	}
	if k := len(list); k > 0 && list[k-1] == i {
		return
	}
	if list = append(list, i); v.Kind == value.String {
		n.by[v.Text] = list
	} else {
		n.open = list
	}
}

// of returns the positions of resources that may have one of some names; ok is false when a name is not known.
func (n *roll) of(wanted []*value.Value) (positions []int, ok bool) {
	positions = slices.Clone(n.open)
	for _, v := range wanted {
		if v.Kind != value.String {
			return nil, false
		}
		positions = append(positions, n.by[v.Text]...)
	}
	return positions, true
}

// all returns the positions of all resources that have a name.
func (n *roll) all() []int {
	positions := slices.Clone(n.open)
	for _, list := range n.by {
		positions = append(positions, list...)
	}
	return positions
}

// pick returns resources at positions, in order, each once.
func pick(from []*resource.Resource, positions []int) []*resource.Resource {
	slices.Sort(positions)
	positions = slices.Compact(positions)
	out := make([]*resource.Resource, len(positions))
	for i, p := range positions {
		out[i] = from[p]
	}
	return out
}

// indexed returns the index of the graph that is judged.
func (f *frame) indexed() *index {
	if f.index == nil || f.index.graph != f.graph {
		f.index = &index{graph: f.graph, rolls: make(map[string]*roll)}
	}
	return f.index
}

// roll returns the roll under a key; names tells the names of a resource of the type when the roll is asked for first.
func (x *index) roll(key, typ string, names func(*resource.Resource) []*value.Value) *roll {
	n := x.rolls[key]
	if n == nil {
		n = &roll{by: make(map[string][]int), at: make(map[*resource.Resource]int)}
		for i, r := range x.graph.ByType(typ) {
			n.at[r] = i
			for _, v := range names(r) {
				n.add(v, i)
			}
		}
		x.rolls[key] = n
	}
	return n
}

// linking returns the resources of a type that may link to this through one of the links, in order of address.
func (f *frame) linking(typ string, links []schema.Link) []*resource.Resource {
	referrers := f.graph.Referrers(f.this, typ)
	if len(links) == 0 {
		return referrers
	}
	var positions []int
	for _, l := range links {
		n := f.indexed().roll("link\x00"+typ+"\x00"+l.Attribute, typ, func(r *resource.Resource) []*value.Value {
			var out []*value.Value
			for _, e := range ends(&r.Body, strings.Split(l.Attribute, "."), nil) {
				if isName := e.value.Kind == value.String || e.value.Kind == value.Unknown; isName && len(f.targetsAt(r, e)) == 0 {
					out = append(out, e.value) // else only what it refers to counts
				}
			}
			return out
		})
		found, ok := n.of(setFields(f.this, l.TargetAttributes))
		if !ok {
			found = n.all()
		}
		positions = append(positions, found...)
		for _, r := range referrers {
			positions = append(positions, n.at[r])
		}
	}
	return pick(f.graph.ByType(typ), positions)
}

// targetsAt returns the resources that a link refers to.
func (f *frame) targetsAt(r *resource.Resource, e end) (out []*resource.Resource) {
	for _, ref := range r.RefAt(e.path) {
		out = append(out, f.graph.Targets(ref.Target)...)
	}
	return out
}

// setFields returns the attributes of a resource that are set, of those that are named.
func setFields(r *resource.Resource, attributes []string) (out []*value.Value) {
	for _, a := range attributes {
		if v := r.Body.Field(a); v.IsSet() {
			out = append(out, v)
		}
	}
	return out
}

// calling returns the resources of a type of which the first of the attributes that is set may be the name.
func (f *frame) calling(name *val, typ string, attributes []string) []*resource.Resource {
	all := f.graph.ByType(typ)
	if name.kind != text {
		return all
	}
	key := "target\x00" + typ + "\x00" + strings.Join(attributes, "\x00")
	n := f.indexed().roll(key, typ, func(r *resource.Resource) []*value.Value {
		set := setFields(r, attributes)
		return set[:min(len(set), 1)]
	})
	return pick(all, append(slices.Clone(n.open), n.by[name.text]...))
}

// naming returns the resources of a type of which a link to a target may name what a value names.
func (f *frame) naming(v *val, target, typ string) []*resource.Resource {
	all := f.graph.ByType(typ)
	if v.kind != text {
		return all
	}
	n := f.indexed().roll("beside\x00"+typ+"\x00"+target, typ, func(r *resource.Resource) []*value.Value {
		var out []*value.Value
		for _, l := range f.program.set.Links(typ) {
			if l.Target != target {
				continue
			}
			for _, e := range ends(&r.Body, strings.Split(l.Attribute, "."), nil) {
				targets := f.targetsAt(r, e)
				if len(targets) == 0 && e.value.IsSet() {
					out = append(out, e.value)
				}
				for _, to := range targets {
					out = append(out, setFields(to, l.TargetAttributes)...)
				}
			}
		}
		return out
	})
	return pick(all, append(slices.Clone(n.open), n.by[v.text]...))
}

// referredByMissing reports whether a module that was not at hand refers to a resource.
func (f *frame) referredByMissing(r *resource.Resource) bool {
	x := f.indexed()
	if x.missing == nil {
		x.missing = make(map[*resource.Resource]bool)
		for _, m := range f.graph.Missing {
			for _, a := range m.Refs {
				for _, to := range f.graph.Targets(a) {
					x.missing[to] = true
				}
			}
		}
	}
	return x.missing[r]
}
