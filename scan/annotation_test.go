package scan_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/helm"
	"plumbline.dev/plumbline/dialects/kubernetes"
	"plumbline.dev/plumbline/dialects/kustomize"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
)

// TestRun_annotationsOfCharts holds that annotations of rendered objects count, wherever the text of them is written.
func TestRun_annotationsOfCharts(t *testing.T) {
	set := schema.Load()
	page := "---\nid: image\nseverity: high\ncategory: access-control\non: [k8s_container]\nrequire: this.image == \"\"\nmessage: x\naliases: [CKV_K8S_1]\nsince: 0.1\n---\n# x\n\ny\n"
	catalogue, err := rule.Load(set, fstest.MapFS{"image.md": {Data: []byte(page)}})
	if err != nil {
		t.Fatal(err)
	}
	const head, pod = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: NAME\n", "    spec:\n      containers:\n        - name: c\n          image: nginx\n"
	const plain = head + "spec:\n  template:\n" + pod
	const fromValues = head + "spec:\n  template:\n    metadata:\n      annotations:\n        {{- toYaml .Values.podAnnotations | nindent 8 }}\n" + pod
	for _, c := range []struct {
		name            string
		template        string
		values          string
		suppressed      string // which findings are suppressed, and by what line of what file
		hygiene         string
		second, variant bool
	}{
		{"nothing", plain, "", "", "", false, false},
		{"of the object", head + "  annotations:\n    plumbline.dev/ignore: image said above\nspec:\n  template:\n" + pod, "", "image: said above at templates/a.yaml:6;", "", false, false},
		{"of the pod", head + "spec:\n  template:\n    metadata:\n      annotations: {checkov.io/skip1: CKV_K8S_1=said below}\n" + pod, "", "image: said below at templates/a.yaml:8;", "", false, false},
		{"of the pod in the values", fromValues, "podAnnotations:\n  plumbline.dev/ignore: image of all\n", "image: of all at values.yaml:3;", "", false, false},
		{"two that share it", fromValues, "podAnnotations:\n  plumbline.dev/ignore: image of all\n", "image: of all at values.yaml:3;image: of all at values.yaml:3;", "", true, false},
		{"in a set of values", fromValues, "podAnnotations:\n  plumbline.dev/ignore: image of all\n", "image: of all at values.yaml:3;", "", false, true},
		{"another rule", fromValues, "podAnnotations:\n  plumbline.dev/ignore: images of all\n", "", "unknown-rule at values.yaml:3;", false, false},
	} {
		name := func(text, n string) []byte { return bytesOf(text, "NAME", n) }
		tree := fstest.MapFS{
			"Chart.yaml":       {Data: []byte("apiVersion: v2\nname: web\nversion: 1.0.0\n")},
			"values.yaml":      {Data: []byte("image: nginx\n" + c.values)},
			"templates/a.yaml": {Data: name(c.template, "a")},
		}
		if c.second {
			tree["templates/b.yaml"] = &fstest.MapFile{Data: name(c.template, "b")}
		}
		if c.variant {
			tree["values-prod.yaml"] = &fstest.MapFile{Data: []byte("image: apache\n")}
		}
		run, err := scan.Run(context.Background(), scan.Options{FS: tree, Dialects: []dialect.Dialect{helm.New(set)}, Rules: catalogue})
		if err != nil {
			t.Fatal(err)
		}
		suppressed, hygiene := "", ""
		for _, f := range run.Report.Findings {
			if s := f.Suppression; s != nil {
				suppressed += f.Rule + ": " + s.Reason + " at " + place(s.Location) + ";"
			}
		}
		for _, h := range run.Report.Hygiene {
			hygiene += h.Kind + " at " + place(h.Suppression.Location) + ";"
		}
		if diff := cmp.Diff([]string{c.suppressed, c.hygiene}, []string{suppressed, hygiene}); diff != "" {
			t.Errorf("%s (-want +got):\n%s\n%v", c.name, diff, run.Report.Problems)
		}
	}
}

func bytesOf(text, old, by string) []byte { return []byte(strings.ReplaceAll(text, old, by)) }

func place(l finding.Location) string { return fmt.Sprintf("%s:%d", l.File, l.From.Line) }

// TestRun_annotationsOfOverlays holds that an annotation in a patch speaks of the whole object, also of what stands in its base.
func TestRun_annotationsOfOverlays(t *testing.T) {
	set := schema.Load()
	page := "---\nid: host-pid\nseverity: high\ncategory: access-control\non: [k8s_pod]\nrequire: this.spec.hostPID != true\nmessage: x\nsince: 0.1\n---\n# x\n\ny\n"
	catalogue, err := rule.Load(set, fstest.MapFS{"host-pid.md": {Data: []byte(page)}})
	if err != nil {
		t.Fatal(err)
	}
	for patch, want := range map[string]bool{
		"metadata: {name: web, annotations: {plumbline.dev/ignore: host-pid it looks at processes}}\n": true,
		"metadata: {name: web, annotations: {example.com/ignore: host-pid it looks at processes}}\n":   false,
	} {
		tree := fstest.MapFS{
			"base/kustomization.yaml": {Data: []byte("resources: [pod.yaml]\n")},
			"base/pod.yaml":           {Data: []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  hostPID: true\n  containers: [{name: c, image: nginx}]\n")},
			"prod/kustomization.yaml": {Data: []byte("resources: [../base]\npatches: [{path: patch.yaml}]\n")},
			"prod/patch.yaml":         {Data: []byte("apiVersion: v1\nkind: Pod\n" + patch)},
		}
		run, err := scan.Run(context.Background(), scan.Options{FS: tree, Dialects: []dialect.Dialect{kustomize.New(set), kubernetes.New(set)}, Rules: catalogue})
		if err != nil {
			t.Fatal(err)
		}
		if r := run.Report; len(r.Findings) != 1 || r.Findings[0].Location.File != "base/pod.yaml" {
			t.Fatalf("the findings are %v, the problems %v", r.Findings, r.Problems)
		}
		if got := run.Report.Findings[0].Suppression != nil; got != want {
			t.Errorf("%s: suppressed is %v", strings.TrimSpace(patch), got)
		}
		if n := len(run.Report.Hygiene); n != 0 {
			t.Errorf("%s: %d remarks on suppressions", strings.TrimSpace(patch), n)
		}
	}
}
