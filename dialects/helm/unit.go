package helm

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/chart"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// unit is a chart rendered with one set of values.
type unit struct {
	*estate
	chart *unitChart
	root  *chart.Chart // as it was rendered
	given []*values    // weakest first
	sets  []value.Path // below .Values, that --var sets
	graph *resource.Graph

	install *Install // as another language installs it; nil otherwise
}

// output is one template as it was rendered, and the Handle of the objects in it.
type output struct {
	*chart.Output
	unit *unit
	doc  *document.Document
}

// object is the Handle of an object.
type object struct {
	*output
	root *document.Node
}

// Limits of one chart. The charts that are known to be large take twenty thousand steps; a million takes half a second.
const (
	steps       = 1_000_000
	outputBytes = 32 << 20
	depth       = 400
)

// evaluate renders a chart and reads what it renders to.
func (e *estate) evaluate(ctx context.Context, of *unitChart, v *variant) *dialect.Unit {
	out := &dialect.Unit{Name: dialect.UnitName{Dir: of.dir, Variant: v.name}}
	u := &unit{estate: e, chart: of}
	l := of.read()
	out.Reads = dialect.Reads{Files: slices.Clone(l.files), Dirs: slices.Clone(l.dirs)}
	out.Problems = append(out.Problems, l.problems...)
	given := chart.Values{}
	for _, name := range v.files {
		out.Reads.Files = append(out.Reads.Files, name)
		more := of.with(name)
		if more.problem != nil {
			out.Problems = append(out.Problems, *more.problem)
			continue
		}
		u.given = append(u.given, more)
		given = more.data.Lay(given)
	}
	slices.Sort(out.Reads.Files)
	out.Reads.Files = slices.Compact(out.Reads.Files)
	var objects []manifest.Object
	if l.chart != nil && ctx.Err() == nil {
		given = u.set(l, given, out)
		objects = u.render(ctx, l.chart, given, out)
	}
	of.said.Store(v.name, manifest.IgnoresOf(objects))
	all, problems := manifest.Resources(e.set, objects, e.limits)
	out.Problems = append(out.Problems, problems...)
	u.graph = resource.NewGraph(all, nil)
	out.Graph = u.graph
	out.Explainer = &explainer{unit: u}
	slices.SortStableFunc(out.Problems, func(a, b source.Problem) int {
		return cmp.Or(strings.Compare(a.Range.File, b.Range.File), a.Range.Start-b.Range.Start, strings.Compare(a.Message, b.Message))
	})
	out.Problems = slices.Compact(out.Problems)
	return out
}

// render renders the chart and returns the objects that it installs.
func (u *unit) render(ctx context.Context, c *chart.Chart, given chart.Values, out *dialect.Unit) []manifest.Object {
	problem := func(kind source.ProblemKind, f *chart.File, format string, args ...any) {
		out.Problems = append(out.Problems, source.Problem{Kind: kind, Range: f.Place(0, 0), Message: fmt.Sprintf(format, args...)})
	}
	root, all, err := c.Coalesce(given)
	if err != nil {
		problem(source.Invalid, c.Definition, "the values cannot be joined: %s", err)
		return nil
	}
	u.root = root
	out.Problems = append(out.Problems, root.Violations(all)...)
	capabilities := chart.DefaultCapabilities()
	if !capabilities.Accepts(root.Metadata) {
		// Helm installs it on such a cluster only: it is rendered for one that fits as well as can be.
		if fit, ok := fitting(root.Metadata, capabilities); ok {
			capabilities = fit
		} else {
			problem(source.Unresolved, c.Definition, "the chart asks for Kubernetes %s; it is rendered for %s", root.Metadata.KubeVersion, capabilities.KubeVersion.Version)
		}
	}
	outputs, problems := chart.Render(ctx, root, all, chart.Settings{
		Release: u.release(), Capabilities: capabilities,
		Limits: chart.Limits{Steps: steps, OutputBytes: outputBytes, ValueBytes: u.limits.ValueBytes, Depth: depth, Nesting: u.limits.Nesting},
	})
	out.Problems = append(out.Problems, problems...)
	var objects []manifest.Object
	for _, f := range root.Definitions() {
		o := &chart.Output{Name: f.Name, File: f, Chart: root, Text: f.Data,
			Spans: []chart.Span{{At: 0, Origin: &chart.Origin{File: f, Start: 0, End: len(f.Data), Text: true, Block: -1}}}}
		objects = append(objects, u.objects(o, out)...)
	}
	for i := range outputs {
		if ctx.Err() != nil {
			break
		}
		objects = append(objects, u.objects(&outputs[i], out)...)
	}
	return objects
}

// release is what templates see of the release.
func (u *unit) release() chart.Release {
	out := chart.Release{Name: "release-name", Namespace: "default"}
	if u.install != nil && u.install.Name != "" {
		out.Name = u.install.Name
	}
	if u.namespaced() {
		out.Namespace = u.install.Namespace.Text
	}
	return out
}

// namespaced reports whether the namespace of the release is known.
func (u *unit) namespaced() bool {
	return u.install != nil && u.install.Namespace.Kind == value.String && u.install.Namespace.Text != ""
}

// fitting returns the capabilities of a version of Kubernetes that a chart accepts: the newest there is.
func fitting(m *chart.Metadata, c *chart.Capabilities) (*chart.Capabilities, bool) {
	for minor := 60; minor >= 8; minor-- {
		fit := *c
		fit.KubeVersion = chart.KubeVersion{Version: fmt.Sprintf("v1.%d.0", minor), Major: "1", Minor: fmt.Sprint(minor)}
		if fit.Accepts(m) {
			return &fit, true
		}
	}
	return nil, false
}

// objects reads what a template rendered to.
func (u *unit) objects(o *chart.Output, out *dialect.Unit) []manifest.Object {
	if len(strings.TrimSpace(string(o.Text))) == 0 {
		return nil
	}
	of := &output{Output: o, unit: u}
	var problems []source.Problem
	of.doc, problems = document.Parse(&source.File{Path: strings.TrimSuffix(o.Name, path.Ext(o.Name)) + ".yaml", Bytes: o.Text}, u.limits)
	for _, p := range problems {
		if strings.HasSuffix(p.Message, "the last one counts") {
			continue // for Helm too
		}
		p.Range = of.place(p.Range.Start, p.Range.End)
		p.Message = "what the template renders to cannot be read: " + p.Message
		out.Problems = append(out.Problems, p)
	}
	if of.doc == nil {
		return nil
	}
	of.doc.YAML11 = true
	var objects []manifest.Object
	for _, root := range of.doc.Roots {
		if root.Kind != document.Mapping || root.Get("kind") == nil || root.Get("apiVersion") == nil {
			continue
		}
		at := of.whole(root)
		body := (&reader{output: of}).object(root)
		body.Range = at
		whole := manifest.Object{Body: body, Range: at, Dialect: "helm", Calls: u.calls(o.Chart),
			Namespace: value.Value{Kind: value.Unknown, Given: true, NotNull: true}}
		for _, inner := range manifest.Unfold(whole) {
			inner.Handle = &object{of, root}
			objects = append(objects, inner)
		}
	}
	return objects
}

// calls is the way from the chart to one that it depends on.
func (u *unit) calls(c *chart.Chart) []resource.Call {
	var out []resource.Call
	names := strings.Split(c.FullPath(), "/charts/")
	at := u.root
	for _, name := range names[1:] {
		from := at.Definition
		if at.Requirements != nil && at.Metadata.APIVersion == "v1" {
			from = at.Requirements
		}
		out = append(out, resource.Call{Address: "chart." + name, Range: dependencyRange(from, name)})
		if at = dependency(at, name); at == nil {
			break
		}
	}
	return out
}
