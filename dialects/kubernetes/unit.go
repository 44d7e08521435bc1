package kubernetes

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// object is the Handle of an object: the document of its file that it is, or is in.
type object struct {
	manifest.Object
	file *parsed
	root *document.Node
}

// read parses a file and finds its objects. What is no object is left alone.
func read(f *source.File, limits dialect.Limits) *parsed {
	p := &parsed{}
	p.document, p.problems = document.Parse(f, limits)
	if p.document == nil {
		p.document = &document.Document{File: f}
	}
	p.document.YAML11 = !p.document.JSON
	for _, root := range p.document.Roots {
		if root.Kind != document.Mapping || root.Get("kind") == nil || root.Get("apiVersion") == nil {
			continue
		}
		whole := manifest.Object{Body: valueOf(root, p.document.YAML11), Range: root.Range, Dialect: "kubernetes"}
		whole.Body.Range = root.Range
		for _, o := range manifest.Unfold(whole) {
			p.objects = append(p.objects, object{Object: o, file: p, root: root})
		}
	}
	return p
}

// evaluate evaluates the manifests of one directory.
func (e *estate) evaluate(ctx context.Context, of *unit) *dialect.Unit {
	out := &dialect.Unit{Name: of.name}
	var objects []manifest.Object
	for _, f := range of.files {
		out.Reads.Files = append(out.Reads.Files, f.Path)
		if ctx.Err() != nil {
			break
		}
		p := f.read()
		out.Problems = append(out.Problems, p.problems...)
		for i := range p.objects {
			o := p.objects[i].Object
			o.Handle = &p.objects[i]
			objects = append(objects, o)
		}
	}
	all, problems := manifest.Resources(e.set, objects, e.limits)
	out.Problems = append(out.Problems, problems...)
	out.Graph = resource.NewGraph(all, nil)
	out.Explainer = &explainer{graph: out.Graph}
	slices.SortStableFunc(out.Problems, func(a, b source.Problem) int {
		return cmp.Or(strings.Compare(a.Range.File, b.Range.File), a.Range.Start-b.Range.Start)
	})
	return out
}
