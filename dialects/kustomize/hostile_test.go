package kustomize

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// opened is what comes of a tree: addresses by unit, and problems.
func opened(t testing.TB, files map[string]string) (addresses []string, problems []source.Problem) {
	t.Helper()
	tree := fstest.MapFS{}
	var paths []string
	d := newBoth(schema.Load())
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
		if d.Claims(name, func() []byte { return []byte(text) }) {
			paths = append(paths, name)
		}
	}
	reader := &source.Reader{FS: tree}
	e, problems := d.Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read}, paths)
	for _, name := range e.Units() {
		u := e.Evaluate(context.Background(), name)
		problems = append(problems, u.Problems...)
		for _, r := range u.Graph.Resources {
			at := name.Dir
			if name.Variant != "" {
				at += " " + name.Variant
			}
			addresses = append(addresses, at+": "+r.Address)
		}
	}
	slices.Sort(addresses)
	return addresses, problems
}

func configMap(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
}

// TestHostile has kustomizations that are not as they should be: one problem each, and the rest is there.
func TestHostile(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  []string // the parts of messages, one for each problem
		have  []string // addresses
	}{
		{"itself", map[string]string{"a/kustomization.yaml": "resources: [., c.yaml]\n", "a/c.yaml": configMap("c")},
			[]string{"leads back to a"}, []string{"a: ConfigMap/c"}},
		{"a circle", map[string]string{"a/kustomization.yaml": "resources: [../b, c.yaml]\n", "a/c.yaml": configMap("c"), "b/kustomization.yaml": "resources: [../a]\n"},
			[]string{"leads back to a"}, []string{"a: ConfigMap/c"}},
		{"out of the tree", map[string]string{"a/kustomization.yaml": "resources: [../../etc/passwd, /etc/passwd, c.yaml]\n", "a/c.yaml": configMap("c")},
			[]string{"leads out of the tree", "leads out of the tree"}, []string{"a: ConfigMap/c"}},
		{"addresses everywhere", map[string]string{"kustomization.yaml": `resources: ["https://example.com/x.yaml", "git@example.com:a/b.git", "ssh://x/y", "git::file:///etc", c.yaml]
patches: [{path: "http://example.com/p.yaml"}]
configurations: ["http://example.com/c.yaml"]
replacements: [{path: "http://example.com/r.yaml"}]
configMapGenerator: [{name: g, files: ["k=http://example.com/f"], envs: ["http://example.com/e"]}]
components: ["https://example.com/c//d"]
transformers: ["https://example.com/t"]
openapi: {path: "http://example.com/o"}
crds: ["http://example.com/crd"]
`, "c.yaml": configMap("c")}, slices.Repeat([]string{"not in the tree"}, 11), []string{".: ConfigMap/c", ".: ConfigMap/g"}},
		{"an unknown field", map[string]string{"kustomization.yaml": "resources: [c.yaml]\nresource: x\n", "c.yaml": configMap("c")},
			[]string{"knows no field resource"}, []string{".: ConfigMap/c"}},
		{"fields of another shape", map[string]string{"kustomization.yaml": "resources: [c.yaml]\nimages: nginx\n", "c.yaml": configMap("c")},
			[]string{"cannot read it"}, []string{".: ConfigMap/c"}},
		{"no kustomization", map[string]string{"kustomization.yaml": "- a\n", "c.yaml": configMap("c")}, []string{"is a mapping"}, []string{".: ConfigMap/c"}},
		{"broken", map[string]string{"kustomization.yaml": "resources: [c.yaml\n", "c.yaml": configMap("c")}, []string{""}, []string{".: ConfigMap/c"}},
		{"a file that is not there", map[string]string{"kustomization.yaml": "resources: [c.yaml, d.yaml]\n", "c.yaml": configMap("c")}, []string{"there is no d.yaml"}, []string{".: ConfigMap/c"}},
		{"a directory without kustomization", map[string]string{"kustomization.yaml": "resources: [c.yaml, d]\n", "c.yaml": configMap("c"), "d/x.yaml": configMap("x")},
			[]string{"has no kustomization.yaml"}, []string{".: ConfigMap/c", "d: ConfigMap/x"}},
		{"a broken resource", map[string]string{"kustomization.yaml": "resources: [c.yaml, d.yaml]\n", "c.yaml": configMap("c"), "d.yaml": configMap("d") + "---\nkind: [\n"},
			[]string{""}, []string{".: ConfigMap/c", ".: ConfigMap/d"}},
		{"no object among the resources", map[string]string{"kustomization.yaml": "resources: [c.yaml, values.yaml]\n", "c.yaml": configMap("c"), "values.yaml": "a: b\n"},
			[]string{"refuses what is no object"}, []string{".: ConfigMap/c"}},
		{"a patch of nothing", map[string]string{"kustomization.yaml": "resources: [c.yaml]\npatches: [{path: p.yaml}]\n", "c.yaml": configMap("c"), "p.yaml": configMap("other") + "data: {a: b}\n"},
			[]string{"ConfigMap"}, []string{".: ConfigMap/c"}},
		{"a patch that fits nothing", map[string]string{"kustomization.yaml": "resources: [c.yaml]\npatches: [{target: {kind: ConfigMap}, patch: '[{\"op\": \"remove\", \"path\": \"/none/there\"}]'}]\n", "c.yaml": configMap("c")},
			[]string{"cannot build it as it is"}, []string{".: ConfigMap/c"}},
		{"the same object twice", map[string]string{"kustomization.yaml": "resources: [c.yaml, d.yaml]\n", "c.yaml": configMap("c"), "d.yaml": configMap("c")},
			[]string{"cannot build it as it is"}, []string{".: ConfigMap/c"}},
		{"a component as a resource", map[string]string{"kustomization.yaml": "resources: [c.yaml, d]\n", "c.yaml": configMap("c"), "d/kustomization.yaml": "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nresources: [x.yaml]\n", "d/x.yaml": configMap("x")},
			[]string{"named under components"}, []string{".: ConfigMap/c"}},
		{"two kustomizations in a directory", map[string]string{"kustomization.yaml": "resources: [c.yaml]\n", "Kustomization": "resources: [d.yaml]\n", "c.yaml": configMap("c")},
			[]string{"several kustomizations"}, []string{".: ConfigMap/c"}},
		{"a component that nobody names", map[string]string{"kustomization.yaml": "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nresources: [c.yaml]\npatches: [{path: p.yaml}]\n",
			"c.yaml": configMap("c"), "p.yaml": configMap("other")}, nil, []string{".: ConfigMap/c"}},
		{"copies of copies", map[string]string{"kustomization.yaml": "resources: [c.yaml]\npatches:\n- target: {kind: ConfigMap}\n  path: p.json\n", "c.yaml": configMap("c") + "data: {a: " + strings.Repeat("x", 100) + "}\n",
			"p.json": "[" + strings.TrimSuffix(strings.Repeat(`{"op": "copy", "from": "/data", "path": "/data/a"},`, 40), ",") + "]"}, []string{"would grow without end"}, nil},
		{"a plugin that runs something", map[string]string{"kustomization.yaml": "resources: [c.yaml]\ntransformers: [t.yaml]\n", "c.yaml": configMap("c"),
			"t.yaml": "apiVersion: builtin\nkind: LabelTransformer\nmetadata:\n  name: t\n  annotations: {config.kubernetes.io/function: 'exec: {path: /bin/sh}'}\n"}, []string{"plugins are never run"}, []string{".: ConfigMap/c"}},
		{"a file that is no text", map[string]string{"kustomization.yaml": "secretGenerator: [{name: s, files: [key.bin]}]\n", "key.bin": "\xff\xfe\x00\x01"}, nil, []string{".: Secret/s"}},
		{"manifests beside it", map[string]string{"kustomization.yaml": "resources: [c.yaml]\n", "c.yaml": configMap("c"), "other.yaml": configMap("other")}, nil,
			[]string{". kustomization: ConfigMap/c", ".: ConfigMap/other"}},
		{"one of Flux's", map[string]string{"kustomization.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: f}\n"}, nil, []string{".: Kustomization/f"}},
		{"an anchor in itself", map[string]string{"kustomization.yaml": "resources: &a [*a, c.yaml]\n", "c.yaml": configMap("c")}, []string{""}, []string{".: ConfigMap/c"}},
		{"line ends of YAML alone", map[string]string{"kustomization.yaml": "resources: [c.yaml]\n", "c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  a: 'x\u2028y'\n"}, nil, []string{".: ConfigMap/c"}},
		{"a byte order mark", map[string]string{"kustomization.yaml": "\ufeffresources: [c.yaml]\n", "c.yaml": "\ufeff" + configMap("c")}, nil, []string{".: ConfigMap/c"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			addresses, problems := opened(t, tt.files)
			if took := time.Since(start); took > 5*time.Second && !testing.Short() { // with the race detector it means nothing
				t.Errorf("it took %s", took)
			}
			if diff := cmp.Diff(tt.have, addresses); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}
			left := slices.Clone(tt.want)
			for _, p := range problems {
				i := slices.IndexFunc(left, func(w string) bool { return strings.Contains(p.Message, w) })
				if i < 0 || p.Kind == source.Bug {
					t.Errorf("%s at %v: %s", p.Kind, p.Range, p.Message)
					continue
				}
				left = slices.Delete(left, i, i+1)
			}
			for _, w := range left {
				t.Errorf("no problem says %q", w)
			}
		})
	}
}

// TestGrowth has trees that grow when they are built: one problem, soon.
func TestGrowth(t *testing.T) {
	doubled := map[string]string{}
	for i := range 25 {
		next := fmt.Sprintf("resources: [../l%d, ../r%d]\n", i+1, i+1)
		if i == 24 {
			next = "resources: [c.yaml]\n"
		}
		doubled[fmt.Sprintf("l%d/kustomization.yaml", i)] = "namePrefix: l-\n" + next
		doubled[fmt.Sprintf("r%d/kustomization.yaml", i)] = "namePrefix: r-\n" + next
		doubled[fmt.Sprintf("l%d/c.yaml", i)], doubled[fmt.Sprintf("r%d/c.yaml", i)] = configMap("c"), configMap("c")
	}
	empty := map[string]string{}
	for name, text := range doubled {
		empty[name] = strings.ReplaceAll(text, "[c.yaml]", "[]")
	}
	empty["l0/kustomization.yaml"] = "resources: [../l1, ../r1, c.yaml]\n"
	deep := map[string]string{}
	for i := range 2_000 {
		deep[fmt.Sprintf("d%d/kustomization.yaml", i)] = fmt.Sprintf("resources: [../d%d]\n", i+1)
	}
	many := &strings.Builder{}
	for i := range 3_000 {
		many.WriteString(configMap(fmt.Sprint("c", i)) + "---\n")
	}
	replaced := "resources: [c.yaml]\nreplacements:\n"
	for i := range 40 {
		replaced += fmt.Sprintf("- source: {kind: ConfigMap, fieldPath: data.a%d}\n  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.a%d], options: {delimiter: ., index: -1, create: true}}]\n", i, i+1)
	}
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"doubled at each step", doubled, "than"},
		{"doubled with nothing in it", empty, "than"},
		{"deep", deep, "deeper than"},
		{"many objects", map[string]string{"kustomization.yaml": "resources: [c.yaml]\n", "c.yaml": many.String()}, "more than"},
		{"replacements of replacements", map[string]string{"kustomization.yaml": replaced, "c.yaml": configMap("c") + "data: {a0: " + strings.Repeat("x.", 100) + "}\n"}, "grow without end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, problems := opened(t, tt.files)
			if took := time.Since(start); took > 10*time.Second && !testing.Short() { // with the race detector it means nothing
				t.Errorf("it took %s", took)
			}
			if !slices.ContainsFunc(problems, func(p source.Problem) bool { return p.Kind == source.Limit && strings.Contains(p.Message, tt.want) }) {
				t.Errorf("no budget ended it: %v", problems)
			}
		})
	}
}
