// Package helm evaluates Helm charts: what their templates render to with the charts' own values, and with each set of values
// that the settings name or that lies beside them, is judged as manifests of Kubernetes.
//
// Survey finds the charts by their Chart.yaml (helm.go); a chart under another one's charts/ belongs to that. A chart is read
// (chart.go) and rendered by package chart when its unit is evaluated (unit.go). What is rendered is parsed as any manifest; where
// each part of it was written is found by the marks that package chart leaves (place.go): in a template, or in a file of values
// (values.go). Wishes become edits of that place (edit.go).
//
// What only whoever installs a chart knows is unknown: the namespace, values that a template requires, keys that are made anew
// each time. The package knows nothing of rules or findings.
package helm

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// New returns the dialect. The schema tells the shapes of Kubernetes' kinds.
func New(s *schema.Set) dialect.Dialect { return helm{set: s} }

type helm struct{ set *schema.Set }

// Name returns "helm".
func (helm) Name() string { return "helm" }

// Claims takes nothing: a file belongs to a chart because of where it lies, see Survey.
func (helm) Claims(string, func() []byte) bool { return false }

// Survey takes the definitions, values, templates and dependencies of charts.
func (helm) Survey(paths []string, _ func(string) []byte) []string {
	dirs := chartDirs(paths)
	if len(dirs) == 0 {
		return nil
	}
	var out []string
	for _, p := range paths {
		if dir, ok := owner(dirs, p); ok && isOf(p, dir) {
			out = append(out, p)
		}
	}
	return out
}

// chartDirs lists the directories of charts that belong to no other.
func chartDirs(paths []string) []string {
	var all []string
	for _, p := range paths {
		if path.Base(p) == "Chart.yaml" {
			all = append(all, path.Dir(p))
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Clone(all), func(dir string) bool {
		return slices.ContainsFunc(all, func(o string) bool {
			rest, in := inside(dir, o)
			rest += "/"
			return in && o != dir && (strings.HasPrefix(rest, "charts/") || strings.HasPrefix(rest, "templates/") || strings.HasPrefix(rest, "crds/"))
		})
	})
}

// inside returns a path as the directory sees it.
func inside(p, dir string) (string, bool) {
	if dir == "." {
		return p, true
	}
	return strings.CutPrefix(p, dir+"/")
}

// owner returns the directory of the chart that a file lies in, the innermost when there are several.
func owner(dirs []string, p string) (string, bool) {
	best, found := "", false
	for _, d := range dirs {
		if _, in := inside(p, d); in && (!found || len(d) > len(best) || best == ".") {
			best, found = d, true
		}
	}
	return best, found
}

// isOf reports whether a file in a chart's directory is one that makes the chart.
func isOf(p, dir string) bool {
	rest, _ := inside(p, dir)
	first, _, nested := strings.Cut(rest, "/")
	if nested {
		return first == "templates" || first == "crds" || first == "charts"
	}
	switch rest {
	case "Chart.yaml", "Chart.lock", "requirements.yaml", "requirements.lock", "values.schema.json", ".helmignore":
		return true
	}
	return isValues(rest)
}

// isValues reports whether a file beside Chart.yaml has values: values.yaml, values-prod.yaml, values.prod.json.
func isValues(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
	default:
		return false
	}
	return name == "values.yaml" || strings.HasPrefix(name, "values-") || strings.HasPrefix(name, "values.") || strings.HasPrefix(name, "values_")
}

// estate is the charts of a tree. Its fields are written by Open and With and only read afterwards.
type estate struct {
	helm
	workspace *dialect.Workspace
	limits    dialect.Limits
	files     map[string]*source.File // those that are text
	charts    []*unitChart
	parsed    *sync.Map // of *source.File: func() *values, shared by all estates that come from one
}

// unitChart is one chart that belongs to no other, read when somebody asks.
type unitChart struct {
	dir      string
	variants []variant
	read     func() *loaded
	with     func(name string) *values // a file of values
	said     sync.Map                  // what annotations say of rules, by variant: []dialect.Comment
}

// variant is one set of values.
type variant struct {
	name  string
	files []string // weakest first
}

// Open reads the files of charts that are text.
func (h helm) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	e := &estate{helm: h, workspace: w, limits: w.Limits.Defaults(), files: make(map[string]*source.File, len(paths)), parsed: &sync.Map{}}
	files, problems := w.ReadAll(ctx, slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return !isText(p) }))
	for _, f := range files {
		e.files[f.Path] = f
	}
	for _, dir := range chartDirs(paths) {
		e.charts = append(e.charts, e.chart(dir))
	}
	return e, problems
}

// isText reports whether a file of a chart is one that the chart is rendered from.
func isText(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".yaml", ".yml", ".json", ".tpl":
		return true
	}
	return false
}

func (e *estate) chart(dir string) *unitChart {
	c := &unitChart{dir: dir, variants: e.variants(dir)}
	c.read = sync.OnceValue(func() *loaded { return e.load(dir) })
	c.with = e.values
	return c
}

// variants returns the sets of values that a chart is rendered with: those of the settings, or its own and one for each file of
// values beside them.
func (e *estate) variants(dir string) []variant {
	var given []string
	for _, v := range e.workspace.Vars {
		if v.File != nil && (path.Ext(v.File.Path) == ".yaml" || path.Ext(v.File.Path) == ".yml") {
			given = append(given, v.File.Path)
			e.files[v.File.Path] = v.File
		}
	}
	if e.workspace.Inputs != nil {
		if sets := e.workspace.Inputs(dir).Sets; len(sets) > 0 {
			var out []variant
			for _, s := range sets {
				out = append(out, variant{s.Name, slices.Concat(s.Files, given)})
			}
			slices.SortStableFunc(out, func(a, b variant) int { return strings.Compare(a.name, b.name) })
			return out
		}
	}
	out := []variant{{"", given}}
	seen := map[string]bool{}
	for _, p := range slices.Sorted(maps.Keys(e.files)) {
		if path.Dir(p) != dir || path.Base(p) == "values.yaml" || !isValues(path.Base(p)) || path.Base(p) == "values.schema.json" {
			continue
		}
		base := path.Base(p)
		name := strings.TrimSuffix(base, path.Ext(base))[len("values"):]
		if name = strings.TrimLeft(name, "-._"); name == "" || seen[name] {
			name = base
		}
		seen[name] = true
		out = append(out, variant{name, slices.Concat([]string{p}, given)})
	}
	slices.SortStableFunc(out, func(a, b variant) int { return strings.Compare(a.name, b.name) })
	return out
}

// Units lists the charts and the sets of values that each is rendered with.
func (e *estate) Units() []dialect.UnitName {
	var out []dialect.UnitName
	for _, c := range e.charts {
		for _, v := range c.variants {
			out = append(out, dialect.UnitName{Dir: c.dir, Variant: v.name})
		}
	}
	return out
}

// Evaluate renders a chart with one set of values. A name that Units does not list gives an empty unit with a problem.
func (e *estate) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	for _, c := range e.charts {
		for i := range c.variants {
			if c.dir == name.Dir && c.variants[i].name == name.Variant {
				return e.evaluate(ctx, c, &c.variants[i])
			}
		}
	}
	return &dialect.Unit{Name: name, Graph: resource.NewGraph(nil, nil), Explainer: &explainer{}, Problems: []source.Problem{{
		Kind: source.Bug, Range: source.Range{File: name.Dir}, Message: fmt.Sprintf("there is no unit %s %s", name.Dir, name.Variant)}}}
}

// With reads the charts again that have changed files; every other one is shared with e.
func (e *estate) With(_ context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	n := &estate{helm: e.helm, workspace: e.workspace.With(changed), limits: e.limits, files: maps.Clone(e.files), parsed: e.parsed}
	var problems []source.Problem
	for _, f := range changed {
		if e.files[f.Path] != nil {
			n.files[f.Path] = f
		}
	}
	for _, c := range e.charts {
		touched := slices.ContainsFunc(changed, func(f *source.File) bool {
			_, in := inside(f.Path, c.dir)
			return in || slices.ContainsFunc(c.variants, func(v variant) bool { return slices.Contains(v.files, f.Path) })
		})
		if !touched {
			n.charts = append(n.charts, c)
			continue
		}
		fresh := n.chart(c.dir)
		n.charts = append(n.charts, fresh)
		problems = append(problems, source.NewProblems(fresh.read().problems, c.read().problems)...)
	}
	return n, problems
}
