package terraform

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/chart"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/helm"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// releaseType installs a chart. A chart in the tree is rendered with the values that the resource gives it; of any other one nobody
// knows what is in it.
const releaseType = "helm_release"

// install returns the chart that a release installs, and how; nil when the chart is not in the tree, or what is given to it is not
// known as a whole. Dir is that of the root module, where Terraform runs.
// https://registry.terraform.io/providers/hashicorp/helm/latest/docs/resources/release
func install(w *dialect.Workspace, dir string, r *resource.Resource) *helm.Install {
	name, repository := r.Body.Field("chart"), r.Body.Field("repository")
	if name.Kind != value.String || repository.Kind == value.Unknown || repository.Kind == value.String && repository.Text != "" || path.IsAbs(name.Text) {
		return nil
	}
	in := &helm.Install{Dir: path.Join(dir, name.Text), Namespace: value.Value{Kind: value.String, Text: "default"}}
	if !helm.HasChart(w.FS, in.Dir) {
		return nil
	}
	if n := r.Body.Field("name"); n.Kind == value.String {
		in.Name = n.Text
	}
	if space := r.Body.Field("namespace"); space.IsSet() {
		in.Namespace = *space
	}
	texts := r.Body.Field("values")
	if texts.Kind == value.Unknown || texts.Open {
		return nil
	}
	for i := range texts.Items {
		t := &texts.Items[i]
		values, err := chart.ReadValues([]byte(t.Text))
		if t.Kind != value.String || err != nil {
			return nil
		}
		at := t.Range
		if at.IsZero() {
			at = texts.Range
		}
		in.Given = append(in.Given, helm.Given{Values: values, At: at})
	}
	for _, block := range [...]string{"set", "set_list", "set_sensitive", "set_wo"} {
		sets := r.Body.Field(block)
		if sets.Kind == value.Unknown || sets.Open {
			return nil
		}
		for i := range sets.Items {
			s := &sets.Items[i]
			name := s.Field("name")
			if name.Kind != value.String || s.Maybe {
				return nil
			}
			values := chart.Values{}
			if !writeAt(values, name.Text, setting(s)) {
				return nil
			}
			in.Given = append(in.Given, helm.Given{Values: values, At: s.Range})
		}
	}
	return in
}

// setting returns the value of a block set or set_list.
func setting(s *value.Value) any {
	v := s.Field("value")
	word := func(v *value.Value) any {
		switch {
		case v.Kind == value.Unknown:
			return v.Text + helm.Unknown + v.Ending
		case s.Field("type").Text == "string":
			return scalar(v)
		}
		return typed(scalar(v))
	}
	if v.Kind == value.List {
		out := make([]any, len(v.Items))
		for i := range v.Items {
			out[i] = word(&v.Items[i])
		}
		return out
	}
	if inner, ok := strings.CutPrefix(v.Text, "{"); ok && v.Kind == value.String && strings.HasSuffix(inner, "}") {
		var out []any
		for _, item := range strings.Split(strings.TrimSuffix(inner, "}"), ",") {
			out = append(out, typed(strings.TrimSpace(item)))
		}
		return out
	}
	return word(v)
}

// typed reads a value as helm install --set does.
func typed(s string) any {
	switch s {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	case "0":
		return int64(0)
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && s[0] != '0' {
		return n
	}
	return strings.ReplaceAll(s, `\,`, ",")
}

// writeAt sets a value at a name in dots. It is false for a name that it cannot read: those with places in lists other than the first ones.
func writeAt(into map[string]any, name string, v any) bool {
	steps := strings.Split(strings.ReplaceAll(name, `\.`, "\x00"), ".")
	for i := range steps {
		steps[i] = strings.ReplaceAll(steps[i], "\x00", ".")
	}
	for i, step := range steps {
		last := i == len(steps)-1
		key, index, listed := strings.Cut(step, "[")
		if key == "" || listed && index != "0]" {
			return false
		}
		next := map[string]any{}
		var set any = next
		if last {
			set = v
		}
		if listed {
			set = []any{set}
		}
		into[key] = set
		into = next
	}
	return true
}

// releases renders the charts that the unit installs.
func (o *orchestration) releases(ctx context.Context) {
	for _, r := range o.unit.Graph.Resources {
		if r.Type != releaseType {
			continue
		}
		in := install(o.workspace, o.dir, r)
		if in == nil {
			o.missing = append(o.missing, resource.Missing{Address: r.Address, Types: "k8s_"})
			continue
		}
		release := helm.Render(ctx, o.set, o.workspace, in)
		o.problems = append(o.problems, release.Problems...)
		o.reads.Files = append(o.reads.Files, release.Reads.Files...)
		o.reads.Dirs = append(o.reads.Dirs, release.Reads.Dirs...)
		for _, made := range release.Objects {
			made.Dialect = r.Dialect
			made.Address = r.Address + " " + made.Body.Field("kind").Text + "/" + made.Body.Field("metadata").Field("name").Text
			made.Calls = slices.Concat(r.Calls, []resource.Call{{Address: r.Address, Range: r.Header}}, made.Calls)
			made.Maybe = made.Maybe || r.Maybe || release.Unsure
			o.objects = append(o.objects, made)
			o.charts[made.Handle] = chartOf{release, r}
		}
	}
}

// chartOf is where an object of a chart comes from.
type chartOf struct {
	release *helm.Release
	by      *resource.Resource
}
