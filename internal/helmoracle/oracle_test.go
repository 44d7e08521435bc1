// Package helmoracle renders charts with Helm's engine and with package chart, and compares every byte. Run it in its own folder:
// go test ./... ; PLUMBLINE_CORPUS=folder adds every chart below that folder, -update writes what Helm renders of the charts of
// package chart as goldens.
package helmoracle

import (
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"

	"plumbline.dev/plumbline/chart"
)

var update = flag.Bool("update", false, "write the goldens of package chart")

// limits are wide: what is compared is what is rendered.
var limits = chart.Limits{Steps: 50_000_000, OutputBytes: 64 << 20, ValueBytes: 16 << 20, Depth: 500, Nesting: 500}

func TestCapabilities(t *testing.T) {
	ours, theirs := chart.DefaultCapabilities(), chartutil.DefaultCapabilities
	if diff := cmp.Diff([]string(theirs.APIVersions), []string(ours.APIVersions)); diff != "" {
		t.Errorf("APIs (-Helm +ours):\n%s", diff)
	}
	if theirs.HelmVersion.Version != ours.HelmVersion.Version {
		t.Errorf("Helm calls itself %s, not %s", theirs.HelmVersion.Version, ours.HelmVersion.Version)
	}
}

// TestCharts compares the charts of package chart, each with its values and with each of the files in values/ beside it.
func TestCharts(t *testing.T) {
	root := "../../chart/testdata/charts"
	for _, dir := range charts(t, root) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			sets := []string{""}
			more, _ := filepath.Glob(filepath.Join(root, "..", "values", filepath.Base(dir), "*.yaml"))
			for _, set := range append(sets, more...) {
				files := compare(t, dir, set)
				if *update && files != nil {
					name := filepath.Base(dir)
					if set != "" {
						name += "-" + strings.TrimSuffix(filepath.Base(set), ".yaml")
					}
					golden(t, filepath.Join(root, "..", "rendered", name+".txt"), files)
				}
			}
		})
	}
}

func TestCorpus(t *testing.T) {
	corpus := os.Getenv("PLUMBLINE_CORPUS")
	if corpus == "" {
		t.Skip("PLUMBLINE_CORPUS names no folder")
	}
	for _, dir := range charts(t, corpus) {
		name, _ := filepath.Rel(corpus, dir)
		t.Run(name, func(t *testing.T) {
			compare(t, dir, "")
			more, _ := filepath.Glob(filepath.Join(dir, "ci", "*.yaml"))
			for _, set := range more {
				compare(t, dir, set)
			}
		})
	}
}

// charts lists the folders with a Chart.yaml that lie in no other chart.
func charts(t *testing.T, root string) []string {
	var out []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if _, err := os.Stat(filepath.Join(name, "Chart.yaml")); err == nil {
			out = append(out, name)
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func compare(t *testing.T, dir, set string) map[string]string {
	t.Helper()
	log.SetOutput(io.Discard)
	given := map[string]any{}
	if set != "" {
		text, err := os.ReadFile(set)
		if err != nil {
			t.Fatal(err)
		}
		v, err := chartutil.ReadValues(text)
		if err != nil {
			t.Fatal(err)
		}
		given = v
	}
	want, err := theirs(dir, given)
	got, problems := ours(t, dir, given)
	if err != nil {
		t.Logf("%s %s: Helm says: %v", dir, set, err)
		if problems == "" {
			t.Errorf("%s %s: Helm refuses what renders here: %v", dir, set, err)
		}
		return nil
	}
	if problems != "" {
		t.Errorf("%s %s: problems where Helm has none:\n%s", dir, set, problems)
	}
	again, _ := theirs(dir, given)
	for name := range want {
		if want[name] != again[name] { // Helm itself renders something else each time
			t.Logf("%s is another one each time:\n%s", name, cmp.Diff(want[name], again[name]))
			delete(want, name)
			delete(got, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		if len(diff) > 3000 {
			diff = diff[:3000]
		}
		t.Errorf("%s %s (-Helm +ours):\n%s", dir, set, diff)
	}
	return want
}

func theirs(dir string, given map[string]any) (map[string]string, error) {
	c, err := loader.Load(dir)
	if err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependencies(c, given); err != nil {
		return nil, err
	}
	caps := chartutil.DefaultCapabilities.Copy()
	caps.KubeVersion = chartutil.KubeVersion{Version: "v1.37.0", Major: "1", Minor: "37"}
	values, err := chartutil.ToRenderValues(c, given, chartutil.ReleaseOptions{Name: "release-name", Namespace: "default", Revision: 1, IsInstall: true}, caps)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(c, values)
	for name := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(files, name)
		}
	}
	return files, err
}

func ours(t *testing.T, dir string, given map[string]any) (map[string]string, string) {
	files, problems := chart.ReadDir(os.DirFS(dir), ".", nil)
	c, more := chart.Load(files)
	problems = append(problems, more...)
	out := map[string]string{}
	var text []string
	if c != nil {
		whole, values, err := c.Coalesce(given)
		if err != nil {
			return nil, err.Error()
		}
		problems = append(problems, whole.Violations(values)...)
		rendered, more := chart.Render(context.Background(), whole, values, chart.Settings{
			Release: chart.Release{Name: "release-name", Namespace: "default"}, Capabilities: chart.DefaultCapabilities(), Limits: limits})
		problems = append(problems, more...)
		required := ""
		for _, o := range rendered {
			out[o.Name] = string(o.Text)
			if slices.ContainsFunc(o.Spans, func(s chart.Span) bool { return s.Required }) {
				required = "required: a value is missing" // Helm refuses the chart; here it is not known
			}
		}
		if required != "" {
			text = append(text, required)
		}
	}
	for _, p := range problems {
		text = append(text, fmt.Sprintf("%s %s: %s", p.Kind, p.Range.File, p.Message))
	}
	return out, strings.Join(text, "\n")
}

// golden writes rendered templates one behind the other.
func golden(t *testing.T, name string, files map[string]string) {
	var b strings.Builder
	for _, f := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&b, "-- %s --\n%s\n", path.Clean(f), files[f])
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
