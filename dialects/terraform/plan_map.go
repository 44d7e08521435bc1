package terraform

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// mapper makes the resources of a plan.
type mapper struct {
	estate    *estate
	plan      *plan
	unit      planUnit
	instances []*planned
	config    *planConfig
	now       *planSource // the source; nil when it is not at hand
	before    *planSource // the source that the plan was made from, where it has been changed since
	problems  []source.Problem
}

// planHandle is what a planned resource keeps of the one in the source.
type planHandle struct {
	source *resource.Resource // nil when there is none
}

func (m *mapper) resources(ctx context.Context) []*resource.Resource {
	var out []*resource.Resource
	used := map[*resource.Resource]bool{}
	inPlan := map[string]bool{} // addresses without keys
	limit := m.estate.limits.Resources
	for i, p := range m.instances {
		if i >= limit {
			m.problems = append(m.problems, source.Problem{Kind: source.Limit, Range: source.Range{File: m.plan.file.Path},
				Message: fmt.Sprintf("the plan has more than %d resources; the rest was not read", limit)})
			break
		}
		if ctx.Err() != nil {
			return out
		}
		inPlan[withoutKeys(p.address)] = true
		src := m.now.find(p)
		if src != nil {
			used[src] = true
		}
		if m.before == nil {
			out = append(out, m.resource(p, src))
			continue
		}
		was := m.before.find(p)
		if src == nil && was != nil {
			continue // it is gone from the source
		}
		r := m.resource(p, was)
		if src != nil {
			body := r.Body
			r = m.resource(p, src)
			r.Body = patched(body, &was.Body, &src.Body)
			r.Body.Range = r.Range
			r.Tags = src.Tags
		}
		out = append(out, r)
	}
	if m.now == nil {
		return append(out, m.config.declarations(m.estate.set)...)
	}
	for _, r := range m.now.unit.Graph.Resources {
		h, ok := r.Handle.(*handle)
		managed := ok && h.instance != nil && h.instance.decl != nil && h.instance.decl.mode == "resource"
		data := ok && h.instance != nil && !managed
		switch {
		case used[r] || data && inPlan[withoutKeys(r.Address)]:
			continue
		case managed && (m.before == nil || m.before.like[withoutKeys(r.Address)] != nil):
			continue // it is in the source and not in the plan: it will not be there
		}
		kept := *r
		kept.Handle = &planHandle{source: r}
		out = append(out, &kept)
	}
	return out
}

// find returns what the source says of a planned resource: the same instance, or the one that stands for several. It
// returns nil when there is none.
func (s *planSource) find(p *planned) *resource.Resource {
	if s == nil {
		return nil
	}
	if r := s.unit.Graph.ByAddress(p.address); r != nil {
		return r
	}
	steps := addressSteps(p.address)
	var best *resource.Resource
	most := -1
	for _, r := range s.like[withoutKeys(p.address)] {
		if !r.Maybe {
			continue // another instance
		}
		same, fits := agree(addressSteps(r.Address), steps)
		if fits && same > most {
			best, most = r, same
		}
	}
	return best
}

// agree counts the keys that two addresses share, and reports whether no key of the first is another in the second.
func agree(symbolic, exact []string) (same int, fits bool) {
	i := 0
	for _, step := range exact {
		switch {
		case i < len(symbolic) && symbolic[i] == step:
			if step[0] == '[' {
				same++
			}
			i++
		case step[0] == '[' && (i == len(symbolic) || symbolic[i][0] != '['):
		default:
			return 0, false
		}
	}
	return same, i == len(symbolic)
}

// resource makes one resource; src is the one in the source, nil when there is none.
func (m *mapper) resource(p *planned, src *resource.Resource) *resource.Resource {
	typ := p.typ
	if p.data {
		typ = "data." + typ
	}
	known := m.estate.set.Resource(typ)
	var attributes []schema.Attribute
	if known != nil {
		attributes = known.Attributes
	}
	r := &resource.Resource{Address: p.address, Module: p.module, Type: typ, Name: p.name, Dialect: "terraform", Maybe: p.maybe,
		Handle: &planHandle{source: src}}
	b := &planner{source: m.now != nil, state: m.plan.form != planJSON, wrapped: m.plan.form == stateFile}
	body := &value.Value{}
	if src != nil {
		r.Provider, r.Range, r.Header = src.Provider, src.Range, src.Header
		r.Refs, r.Calls = m.refs(p, src), m.calls(p, src)
		body = &src.Body
	} else {
		r.Refs, b.written = m.config.refs(p, attributes)
		r.Provider = m.provider(p)
		m.placed(r, p)
		if r.Range.File == m.plan.file.Path {
			b.file, b.source = m.plan.file.Path, false
		}
	}
	limit := m.estate.limits.Nesting
	trees := [3]*node{m.plan.tree(p.values, limit), m.plan.tree(p.unknown, limit), m.plan.tree(p.sensitive, limit)}
	if p.values.found() && trees[0] == nil {
		m.problems = append(m.problems, source.Problem{Kind: source.Limit, Range: m.plan.place(p.head),
			Message: fmt.Sprintf("the values of %s nest deeper than %d and were not read", p.address, limit)})
	}
	r.Body = b.body(p, trees, attributes, body)
	r.Body.Range = r.Range
	r.Tags = planTags(r, known, src)
	return r
}

// placed gives a resource without source its place: the module call that leads to it, where that is in the source, else the
// plan itself.
func (m *mapper) placed(r *resource.Resource, p *planned) {
	if m.now != nil {
		for _, module := range moduleSteps(p.module) {
			parent, name := parentModule(module)
			for _, call := range m.now.like[inModule(withoutKeys(parent), "module."+name)] {
				if call.Type == "module" {
					r.Range, r.Header = call.Range, call.Header
					r.Calls = append(r.Calls, resource.Call{Address: module, Range: call.Header})
					break
				}
			}
		}
		if !r.Range.IsZero() {
			return
		}
	}
	r.Calls = m.config.calls(p.module)
	r.Range, r.Header = m.plan.place(p.whole), m.plan.place(p.head)
	if r.Header.IsZero() {
		r.Header = r.Range
	}
}

// provider returns the local name of a resource's provider.
func (m *mapper) provider(p *planned) string {
	src := m.plan.file.Bytes
	if key := m.plan.text(jsonAt(src, m.config.resource(p.module, p.local()), "provider_config_key")); key != "" {
		key = key[strings.LastIndexByte(key, ':')+1:]
		name, _, _ := strings.Cut(key, ".")
		return name
	}
	if p.provider != "" {
		return path.Base(p.provider)
	}
	name, _, _ := strings.Cut(p.typ, "_")
	return name
}

// prefixes pairs the module instances of a source resource with those of the planned one, innermost first.
func prefixes(p *planned, src *resource.Resource) [][2]string {
	from, to := moduleSteps(src.Module), moduleSteps(p.module)
	var out [][2]string
	for i := min(len(from), len(to)) - 1; i >= 0; i-- {
		if from[i] != to[i] {
			out = append(out, [2]string{from[i], to[i]})
		}
	}
	return out
}

// refs returns the references of the source, from the planned module instance.
func (m *mapper) refs(p *planned, src *resource.Resource) []resource.Ref {
	pairs := prefixes(p, src)
	if len(pairs) == 0 {
		return src.Refs
	}
	out := slices.Clone(src.Refs)
	for i := range out {
		for _, pair := range pairs {
			if rest, ok := strings.CutPrefix(out[i].Target, pair[0]+"."); ok {
				out[i].Target = pair[1] + "." + rest
				break
			}
		}
	}
	return out
}

func (m *mapper) calls(p *planned, src *resource.Resource) []resource.Call {
	steps := moduleSteps(p.module)
	if len(steps) != len(src.Calls) {
		return src.Calls
	}
	out := slices.Clone(src.Calls)
	for i := range out {
		out[i].Address = steps[i]
	}
	return out
}

// planTags returns the tags that the deployed thing will carry, as the provider has planned them.
func planTags(r *resource.Resource, known *schema.Resource, src *resource.Resource) []resource.Tag {
	found := map[string]resource.Tag{}
	for _, t := range tags(r, known, nil) {
		found[t.Key] = t
	}
	if src != nil {
		for _, t := range src.Tags {
			if own, ok := found[t.Key]; ok {
				t.Value = own.Value
			}
			found[t.Key] = t
		}
	}
	for _, name := range [...]string{"tags_all", "effective_labels", "terraform_labels"} {
		all := r.Body.Field(name)
		for i := range all.Fields {
			f := &all.Fields[i]
			t, ok := found[f.Name]
			if !ok {
				t = resource.Tag{Key: f.Name, Origin: "provider." + r.Provider, Range: f.Value.Range}
			}
			t.Value = f.Value
			found[f.Name] = t
		}
	}
	out := make([]resource.Tag, 0, len(found))
	for _, key := range sortedNames(found) {
		out = append(out, found[key])
	}
	return out
}

// patched carries what changed between two versions of the source over to a planned value: what did not change stays as it
// was planned.
func patched(v value.Value, was, is *value.Value) value.Value {
	switch {
	case was.Equal(is):
		return v
	case !is.IsSet() || !was.IsSet():
		return *is
	case v.Kind == value.Object && was.Kind == value.Object && is.Kind == value.Object:
		names := map[string]bool{}
		for _, o := range []*value.Value{&v, was, is} {
			for i := range o.Fields {
				names[o.Fields[i].Name] = true
			}
		}
		out := v
		out.Fields = nil
		for _, name := range sortedNames(names) {
			if got := patched(*v.Field(name), was.Field(name), is.Field(name)); got.IsSet() {
				out.Fields = append(out.Fields, value.Field{Name: name, Value: got})
			}
		}
		return out
	case v.Kind == value.List && was.Kind == value.List && is.Kind == value.List && len(v.Items) == len(was.Items) && len(was.Items) == len(is.Items):
		out := v
		out.Items = slices.Clone(v.Items)
		for i := range out.Items {
			out.Items[i] = patched(v.Items[i], &was.Items[i], &is.Items[i])
		}
		return out
	}
	return *is
}

// planExplainer answers for a plan what its source knows.
type planExplainer struct {
	now   *planSource
	graph *resource.Graph
}

// inSource returns a planned resource as the source's explainer knows it; nil when it has no source.
func (x *planExplainer) inSource(r *resource.Resource) *resource.Resource {
	h, ok := r.Handle.(*planHandle)
	if !ok || h.source == nil || x.now == nil {
		return nil
	}
	known := *h.source
	known.Body = r.Body
	return &known
}

// Explain tells where the source writes the value; without source, what an unknown was made from.
func (x *planExplainer) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	if known := x.inSource(r); known != nil {
		return x.now.exp.Explain(known, p)
	}
	if v := r.Body.At(p); v.Kind != value.Unknown && v.Kind != value.Absent || len(p) == 0 {
		return dialect.Explanation{}
	}
	waits := map[string]dialect.Wait{}
	for _, ref := range r.RefAt(p) {
		w := dialect.Wait{Name: ref.Target, Kind: "computed"}
		if ref.Attribute != "" {
			w.Name += "." + ref.Attribute
		}
		if targets := x.graph.Targets(ref.Target); len(targets) > 0 {
			w.Range = targets[0].Header
			if strings.HasPrefix(targets[0].Type, "data.") {
				w.Kind = "data"
			}
		}
		waits[w.Name] = w
	}
	if len(waits) == 0 {
		name := r.Address + "." + p.String()
		waits[name] = dialect.Wait{Name: name, Kind: "computed", Range: r.Header}
	}
	var out dialect.Explanation
	for _, name := range sortedNames(waits) {
		out.Waits = append(out.Waits, waits[name])
	}
	return out
}

// Edit lowers wishes to edits of the source.
func (x *planExplainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	known := x.inSource(r)
	if known == nil {
		if x.now == nil {
			return dialect.Lowered{}, errors.New("there is no source beside the plan: name its directory with --source")
		}
		return dialect.Lowered{}, fmt.Errorf("%s is not in the source beside the plan", r.Address)
	}
	return x.now.exp.Edit(known, changes)
}
