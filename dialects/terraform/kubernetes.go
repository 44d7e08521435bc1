package terraform

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform/object"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Resources that write objects of Kubernetes (package object) are judged as those. The objects get the addresses of the resources, and
// so what refers to these refers to them; a resource as Terraform has it stands beside its object under the longer form of its
// address that the language knows too: resource.kubernetes_pod.web.

// orchestration is the work on one unit.
type orchestration struct {
	set       *schema.Set
	workspace *dialect.Workspace
	unit      *dialect.Unit
	dir       string // of the root module
	objects   []manifest.Object
	charts    map[any]chartOf // by the handle of an object
	missing   []resource.Missing
	problems  []source.Problem
	reads     dialect.Reads
}

// orchestrate adds to an evaluated unit the resources that its objects of Kubernetes make. One without such is not changed. Dir is that
// of its root module.
func (e *estate) orchestrate(ctx context.Context, u *dialect.Unit, dir string) *dialect.Unit {
	if !slices.ContainsFunc(u.Graph.Resources, func(r *resource.Resource) bool { return r.Type == releaseType || object.Is(r.Type) }) {
		return u
	}
	o := &orchestration{set: e.set, workspace: e.workspace, unit: u, dir: dir, charts: make(map[any]chartOf)}
	o.releases(ctx)
	kept := make(map[string]string) // address of a resource to the one that it gets
	all := make([]*resource.Resource, 0, len(u.Graph.Resources))
	for _, r := range u.Graph.Resources {
		beside := o.read(r)
		if beside != r {
			kept[r.Address] = beside.Address
		}
		all = append(all, beside)
	}
	made, problems := manifest.Resources(e.set, o.objects, e.limits)
	for _, r := range made {
		part, ok := r.Handle.(*manifest.Part)
		if !ok {
			continue
		}
		x, ok := part.Object.Handle.(*object.Object)
		if !ok {
			r.Module = o.charts[part.Object.Handle].by.Module
			continue
		}
		r.Module, r.Provider, r.When = x.Of.Module, x.Of.Provider, x.Of.When
		if r.Address == part.Object.Address || strings.HasPrefix(r.Address, part.Object.Address+" #") {
			r.Native, r.Name, r.Within, r.Tags = x.Of.Type, x.Of.Name, x.Of.Address, x.Of.Tags
		}
	}
	for i, r := range all {
		all[i] = refersToo(r, kept)
	}
	out := *u
	out.Graph = resource.NewGraph(append(all, made...), slices.Concat(u.Graph.Missing, o.missing))
	out.Explainer = &orchestra{Explainer: u.Explainer, set: e.set, graph: out.Graph, charts: o.charts}
	out.Problems = slices.Concat(u.Problems, o.problems, problems)
	slices.SortStableFunc(out.Problems, compareProblems)
	out.Problems = slices.Compact(out.Problems)
	out.Reads.Files = slices.Compact(slices.Sorted(slices.Values(slices.Concat(u.Reads.Files, o.reads.Files))))
	out.Reads.Dirs = slices.Compact(slices.Sorted(slices.Values(slices.Concat(u.Reads.Dirs, o.reads.Dirs))))
	return &out
}

// read takes the objects of a resource. It returns the resource, under its longer address when it has some.
func (o *orchestration) read(r *resource.Resource) *resource.Resource {
	if !object.Is(r.Type) {
		return r
	}
	found, known := object.Read(o.set, r)
	if !known {
		o.missing = append(o.missing, resource.Missing{Address: r.Address, Types: "k8s_"})
	}
	if len(found) == 0 {
		return r
	}
	beside := *r
	beside.Address = longer(r)
	for _, x := range found {
		x.Of = &beside
		o.objects = append(o.objects, manifest.Unfold(manifest.Object{Body: x.Body, Range: r.Range, Header: r.Header, Dialect: r.Dialect,
			Namespace: x.Namespace(), Calls: r.Calls, Maybe: r.Maybe, Address: r.Address, Handle: x})...)
	}
	return &beside
}

// longer is the address of a resource with the word resource before its type.
func longer(r *resource.Resource) string {
	if rest, ok := strings.CutPrefix(r.Address, r.Module+"."); ok && r.Module != "" {
		return r.Module + ".resource." + rest
	}
	return "resource." + r.Address
}

// refersToo returns a resource with references to the resources as Terraform has them beside those to their objects.
func refersToo(r *resource.Resource, kept map[string]string) *resource.Resource {
	var more []resource.Ref
	for _, ref := range r.Refs {
		if to, ok := kept[ref.Target]; ok {
			ref.Target = to
			more = append(more, ref)
		}
	}
	if more == nil {
		return r
	}
	out := *r
	out.Refs = append(slices.Clone(r.Refs), more...)
	return &out
}

// orchestra explains and edits objects by the attributes that write them.
type orchestra struct {
	dialect.Explainer
	set    *schema.Set
	graph  *resource.Graph
	charts map[any]chartOf
}

// chart returns the release that a resource was made of, if it is one of a chart.
func (x *orchestra) chart(r *resource.Resource) (chartOf, bool) {
	part, ok := r.Handle.(*manifest.Part)
	if !ok {
		return chartOf{}, false
	}
	c, ok := x.charts[part.Object.Handle]
	return c, ok
}

// objectOf returns the object that a resource was made of; nil for all others.
func objectOf(r *resource.Resource) (*manifest.Part, *object.Object) {
	part, ok := r.Handle.(*manifest.Part)
	if !ok {
		return nil, nil
	}
	o, _ := part.Object.Handle.(*object.Object)
	return part, o
}

// Explain explains the attribute that writes what is asked for.
func (x *orchestra) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	part, o := objectOf(r)
	if o == nil {
		if c, ok := x.chart(r); ok {
			return c.release.Explainer(x.graph).Explain(r, p)
		}
		return x.Explainer.Explain(r, p)
	}
	at, rest := o.Path(placeOf(part, p))
	out := dialect.Explanation{}
	if len(rest) == 0 || len(at) > 0 && r.Body.At(p).Kind == value.Unknown {
		out = x.Explainer.Explain(o.Of, at)
	}
	out.Path = slices.Concat(at, rest).String()
	if v := r.Body.At(p); v.Kind != value.Unknown {
		out.Waits = nil // the provider computes it, but says nothing to the API server
	}
	return out
}

// placeOf returns where in what the dialect has as one object an attribute stands.
func placeOf(part *manifest.Part, p value.Path) value.Path {
	return slices.Concat(part.Object.Within, part.Path(p))
}

// Edit lowers wishes about an object to edits of the resource that writes it.
func (x *orchestra) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	part, o := objectOf(r)
	if o == nil {
		if c, ok := x.chart(r); ok {
			// What is written in a chart is changed where the chart is judged by itself: this unit cannot prove more than its own part.
			return dialect.Lowered{}, fmt.Errorf("%s comes from the chart that %s installs", r.Address, c.by.Address)
		}
		return x.Explainer.Edit(r, changes)
	}
	wishes, err := manifest.Lower(r, changes)
	if err != nil {
		return dialect.Lowered{}, err
	}
	var ours []resource.Change
	var titles []string
	for i := range wishes {
		w := wishes[i]
		if w.Op == resource.Create {
			if there, err := x.present(&w.Value); err != nil || there {
				if err != nil {
					return dialect.Lowered{}, err
				}
				continue
			}
		} else {
			w.Path = slices.Concat(part.Object.Within, w.Path)
		}
		c, err := o.Changes(x.set, &w)
		if err != nil {
			return dialect.Lowered{}, fmt.Errorf("%s: %w", r.Address, err)
		}
		ours = append(ours, c)
		titles = append(titles, title(&c))
	}
	if len(ours) == 0 {
		return dialect.Lowered{}, nil
	}
	if name := x.bare(o.Of, ours); name != "" {
		return dialect.Lowered{}, fmt.Errorf("%s: the provider asks for at least one %s", r.Address, name)
	}
	out, err := x.Explainer.Edit(o.Of, ours)
	if err != nil {
		return out, err
	}
	out.Title = strings.Join(titles, ", ")
	out.Shared = slices.Compact(slices.Sorted(slices.Values(slices.Concat(out.Shared, manifest.Shared(r, wishes)))))
	out.Also = append(out.Also, manifest.Also(r, changes)...)
	return out, nil
}

// bare returns a block that the provider requires and of which changes would leave none.
func (x *orchestra) bare(r *resource.Resource, changes []resource.Change) string {
	known := x.set.Resource(r.Type)
	gone := make(map[string]int) // elements, by the list
	for _, c := range changes {
		n := len(c.Path) - 1
		if c.Op != resource.Remove || n < 1 || c.Path[n].Name != "" || known == nil {
			continue
		}
		list := c.Path[:n]
		gone[list.String()]++
		var names []string
		for _, s := range list {
			if s.Name != "" {
				names = append(names, s.Name)
			}
		}
		if a := known.At(names...); a != nil && a.Required && gone[list.String()] >= len(r.Body.At(list).Items) {
			return a.Name
		}
	}
	return ""
}

// title says what is wished in Terraform's words.
func title(c *resource.Change) string {
	if c.Op == resource.Create {
		return "create a " + c.New.Type
	}
	text := string(c.Op) + " " + c.Path.String()
	shown := value.Show(&c.Value)
	switch {
	case c.Op == resource.Remove || len(shown) > 60:
		return text
	case c.Op == resource.Add:
		return "add " + shown + " to " + c.Path.String()
	}
	return text + " to " + shown
}

// present reports whether an object of that kind, name and namespace is there.
func (x *orchestra) present(wish *value.Value) (bool, error) {
	typ := manifest.TypeOf(wish.Field("apiVersion").Text, wish.Field("kind").Text)
	name := func(v *value.Value, field string) string { return v.Field("metadata").Field(field).Text }
	for _, r := range x.graph.ByType(typ) {
		if name(&r.Body, "name") != name(wish, "name") || name(&r.Body, "namespace") != name(wish, "namespace") {
			continue
		}
		if has(&r.Body, wish) {
			return true, nil
		}
		return false, fmt.Errorf("there is a %s of that name already", wish.Field("kind").Text)
	}
	return false, nil
}

// has reports whether a value has all that another one has.
func has(v, wish *value.Value) bool {
	if wish.Kind != value.Object {
		return v.Equal(wish)
	}
	for i := range wish.Fields {
		if !has(v.Field(wish.Fields[i].Name), &wish.Fields[i].Value) {
			return false
		}
	}
	return v.Kind == value.Object
}
