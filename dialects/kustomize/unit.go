package kustomize

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	kustomized "sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/kubernetes"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// unit is a kustomization that was built.
type unit struct {
	built
	name    dialect.UnitName
	graph   *resource.Graph
	objects []*object
}

// object is the Handle of an object.
type object struct {
	unit      *unit
	node      *yaml.Node
	kind      string
	names     []string // what it is called, and was before kustomize named it anew
	namespace string
	base      *spot      // where it is declared; nil when kustomize made it
	generator *generator // that made it; nil for most
	touches   []*touch   // the patches that may be about it, in order
}

// generator is an entry of configMapGenerator or secretGenerator.
type generator struct {
	of *kustomization
	at value.Path
}

// evaluate builds a kustomization and reads what comes out.
func (e *estate) evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	out := &dialect.Unit{Name: name}
	u := &unit{name: name, built: e.build(ctx, name.Dir)}
	out.Reads.Files = slices.Sorted(maps.Keys(u.reads))
	out.Problems = append(out.Problems, u.problems...)
	var objects []manifest.Object
	if u.built.objects != nil {
		for _, r := range u.built.objects.Resources() {
			if o := u.object(r); o != nil {
				objects = append(objects, u.manifest(o))
			}
		}
	}
	e.said.Store(name, manifest.IgnoresOf(objects))
	all, problems := manifest.Resources(e.set, objects, e.limits)
	out.Problems = append(out.Problems, problems...)
	u.graph = resource.NewGraph(all, u.missing(all))
	out.Graph = u.graph
	out.Explainer = &explainer{unit: u}
	slices.SortStableFunc(out.Problems, func(a, b source.Problem) int {
		return cmp.Or(strings.Compare(a.Range.File, b.Range.File), a.Range.Start-b.Range.Start, strings.Compare(a.Message, b.Message))
	})
	out.Problems = slices.Compact(out.Problems)
	return out
}

// missing lists what the kustomizations name and is not at hand. It may hold anything, and be about any object.
func (u *unit) missing(all []*resource.Resource) []resource.Missing {
	var out []resource.Missing
	var addresses []string
	for _, k := range u.order {
		for _, m := range k.missing {
			if addresses == nil {
				for _, r := range all {
					addresses = append(addresses, r.Address)
				}
			}
			m.Refs = addresses
			out = append(out, m)
		}
	}
	return out
}

// object finds where an object comes from.
func (u *unit) object(r *kustomized.Resource) *object {
	o := &object{unit: u, kind: r.GetKind(), namespace: r.GetNamespace(), names: u.namesOf(r.GetName())}
	o.node = r.YNode()
	if o.node == nil || o.node.Kind != yaml.MappingNode {
		return nil
	}
	if s := u.sections.spot(o.node.Line, o.node.Column, document.Mapping); s != nil {
		o.base = s
	} else {
		for _, t := range u.declaring {
			if found := t.declared(o); found != nil && (o.base == nil || !o.inNamespace(o.base) && o.inNamespace(found)) {
				o.base = found
			}
		}
	}
	for _, t := range u.touches {
		if t.about(o) {
			o.touches = append(o.touches, t)
		}
	}
	if o.base == nil {
		o.generator = u.generatorOf(o, "")
	}
	if o.base == nil && o.generator == nil {
		// A plugin of kustomize's own may make objects, and nobody knows from what.
		k := u.order[len(u.order)-1]
		o.generator = &generator{of: k}
	}
	u.objects = append(u.objects, o)
	return o
}

// maxNames bounds the names that an object may have had.
const maxNames = 64

// namesOf lists what an object of a name may be called in its file: kustomize puts prefixes and suffixes around names.
func (u *unit) namesOf(name string) []string {
	out := []string{name}
	for i := 0; i < len(out) && len(out) < maxNames; i++ {
		for _, k := range u.order {
			for _, cut := range [...]func() (string, bool){
				func() (string, bool) { return strings.CutPrefix(out[i], k.spec.NamePrefix) },
				func() (string, bool) { return strings.CutSuffix(out[i], k.spec.NameSuffix) },
			} {
				if shorter, ok := cut(); ok && shorter != "" && !slices.Contains(out, shorter) {
					out = append(out, shorter)
				}
			}
		}
	}
	return out
}

// inNamespace reports whether a document of the object says the namespace that the object has.
func (o *object) inNamespace(s *spot) bool {
	n := s.node.Get("metadata").Get("namespace")
	return n != nil && n.Text == o.namespace
}

// declared finds the object in a text by what it may be called; nil when it is not there.
func (t *text) declared(o *object) *spot {
	var found *spot
	var look func(s *spot)
	look = func(s *spot) {
		if items := s.node.Get("items"); items != nil && found == nil {
			list := &spot{t, items, s.node.Member("items").Range, s, value.Step{Name: "items"}}
			for i, item := range items.Items {
				look(&spot{t, item, items.Place(i), list, value.Step{Index: i}})
			}
		}
		name, kind := s.node.Get("metadata").Get("name"), s.node.Get("kind")
		if found == nil && name != nil && kind != nil && kind.Text == o.kind && slices.Contains(o.names, name.Text) {
			found = s
		}
	}
	for _, root := range t.doc.Roots {
		look(&spot{t, root, root.Range, nil, value.Step{}})
	}
	return found
}

// member returns the value of a mapping's member; nil when there is none.
func member(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// manifest gives the object with the places where its values were written.
func (u *unit) manifest(o *object) manifest.Object {
	at := o.place()
	r := &reader{object: o}
	body := r.read(o.node, nil, o.base)
	body.Range = at
	kubernetes.FillIn(&body)
	r.variables(&body)
	return manifest.Object{Body: body, Range: at, Dialect: "kustomize", Calls: u.calls(o), Handle: o}
}

// place is where the object is declared.
func (o *object) place() source.Range {
	switch {
	case o.base != nil:
		return o.base.place()
	default:
		return o.generator.of.place(o.generator.at)
	}
}

// calls is the way from the kustomization to the one that the object is named by.
func (u *unit) calls(o *object) []resource.Call {
	file := o.place().File
	var way []resource.Call
	var find func(dir string, depth int) bool
	find = func(dir string, depth int) bool {
		k := u.e.kustomization(dir)
		if k == nil || depth > u.e.limits.Modules {
			return false
		}
		if k.file.Path == file {
			return true
		}
		for _, to := range k.order {
			if to.role == asResource && to.path == file {
				return true
			}
		}
		for _, to := range k.order {
			if (to.role == asBase || to.role == asComponent) && !u.e.graph.cut[to] && u.holds(to.path, file) {
				way = append(way, resource.Call{Address: to.path, Range: k.place(to.at)})
				if find(to.path, depth+1) {
					return true
				}
				way = way[:len(way)-1]
			}
		}
		return false
	}
	if !find(u.name.Dir, 0) {
		return nil
	}
	return way
}

// holds reports whether a kustomization leads to a file.
func (u *unit) holds(dir, file string) bool {
	key := dir + "\x00" + file
	if u.stage.led == nil {
		u.stage.led = make(map[string]bool)
	}
	led, known := u.stage.led[key]
	if !known {
		for _, k := range u.e.closure(dir) {
			if k.file.Path == file || slices.ContainsFunc(k.order, func(to *ref) bool { return to.role == asResource && to.path == file }) {
				led = true
				break
			}
		}
		u.stage.led[key] = led
	}
	return led
}
