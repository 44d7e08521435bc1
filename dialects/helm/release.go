package helm

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/chart"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Another language may install a chart: Terraform's helm_release does. It says which chart in the tree, and what it gives to the values.

// Install is an installation of a chart.
type Install struct {
	Dir       string      // of the chart
	Name      string      // of the release; empty when it is not known
	Namespace value.Value // Absent for that of the context
	Given     []Given     // weakest first
}

// Given is values that are written in another language.
type Given struct {
	Values chart.Values
	At     source.Range // where all of them are written
}

// Unknown stands in values for what is not known. What is rendered from it is not known either.
const Unknown = "plumbline-does-not-know"

// Release is what an installation makes.
type Release struct {
	Objects  []manifest.Object
	Problems []source.Problem
	Reads    dialect.Reads
	Unsure   bool // something that is not known may be a condition of a template: nobody knows what is there

	unit *unit
}

// HasChart reports whether there is a chart in a directory of a tree.
func HasChart(tree fs.FS, dir string) bool {
	info, err := fs.Stat(tree, dir+"/Chart.yaml")
	return err == nil && info.Mode().IsRegular()
}

// maxEntries bounds what is looked at in the directory of a chart.
const maxEntries = 20_000

// Render renders a chart as it would be installed.
func Render(ctx context.Context, s *schema.Set, w *dialect.Workspace, in *Install) *Release {
	e := &estate{helm: helm{set: s}, workspace: w, limits: w.Limits.Defaults(), files: make(map[string]*source.File), parsed: &sync.Map{}}
	out := &dialect.Unit{}
	seen := 0
	err := fs.WalkDir(w.FS, in.Dir, func(p string, entry fs.DirEntry, err error) error {
		if seen++; err != nil || seen > maxEntries || ctx.Err() != nil {
			return fs.SkipAll
		}
		if entry.Type().IsRegular() && isOf(p, in.Dir) && isText(p) {
			if f, problem := w.Read(p); problem == nil {
				e.files[p] = f
			} else {
				out.Problems = append(out.Problems, *problem)
			}
		}
		return nil
	})
	if err != nil {
		return &Release{}
	}
	c := &unitChart{dir: in.Dir, with: e.values}
	l := e.load(in.Dir)
	c.read = func() *loaded { return l }
	u := &unit{estate: e, chart: c, install: in}
	out.Problems = append(out.Problems, l.problems...)
	given := chart.Values{}
	for _, g := range in.Given {
		u.given = append(u.given, g.layer(e.limits))
		given = g.Values.Lay(given)
	}
	release := &Release{Reads: dialect.Reads{Files: l.files, Dirs: l.dirs}, unit: u}
	if l.chart != nil && ctx.Err() == nil {
		release.Unsure = decides(map[string]any(given), l.chart.Values)
		release.Objects = u.render(ctx, l.chart, given, out)
	}
	for i := range release.Objects {
		o := &release.Objects[i]
		o.Body = unknown(o.Body)
		if in.Namespace.Kind != value.Absent {
			o.Namespace = in.Namespace
		}
	}
	release.Problems = out.Problems
	return release
}

// decides reports whether values hold something unknown that is no mere text or number, by what a chart has in its place: templates ask
// whether switches, tables and what is not set by itself are there.
func decides(v, standard any) bool {
	switch v := v.(type) {
	case map[string]any:
		under, _ := standard.(map[string]any)
		for k, inner := range v {
			if decides(inner, under[k]) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(inner any) bool { return decides(inner, "") })
	case string:
		switch standard := standard.(type) {
		case string:
			return v == Unknown && standard == ""
		case int64, float64:
			return false
		}
		return v == Unknown
	}
	return false
}

// Explainer answers questions about the resources that the release's objects have made in a graph.
func (r *Release) Explainer(g *resource.Graph) dialect.Explainer {
	r.unit.graph = g
	return &explainer{unit: r.unit}
}

// layer makes a file of values of what another language gives.
func (g *Given) layer(limits dialect.Limits) *values {
	v := &values{data: g.Values, elsewhere: g.At}
	if text, err := g.Values.YAML(); err == nil {
		v.file = &source.File{Path: g.At.File, Bytes: []byte(text)}
		v.doc, _ = document.Parse(v.file, limits)
	}
	return v
}

// unknown makes unknown what was rendered from what is not known.
func unknown(v value.Value) value.Value {
	switch v.Kind {
	case value.String:
		if before, after, found := strings.Cut(v.Text, Unknown); found {
			v = value.Value{Kind: value.Unknown, NotNull: true, Given: true, Text: before, Range: v.Range}
			if before != "" && !strings.Contains(after, Unknown) {
				v.Ending = after
			}
		}
	case value.List:
		v.Items = slices.Clone(v.Items)
		for i := range v.Items {
			v.Items[i] = unknown(v.Items[i])
		}
	case value.Object:
		v.Fields = slices.Clone(v.Fields)
		for i := range v.Fields {
			if strings.Contains(v.Fields[i].Name, Unknown) {
				v.Open = true
			}
			v.Fields[i].Value = unknown(v.Fields[i].Value)
		}
	}
	return v
}
