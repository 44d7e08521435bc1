package scan_test

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/source"
)

// sameAsRun scans a history as a series, and with a cache on disk, and holds every report to the one that Run gives of the same tree.
func sameAsRun(t *testing.T, h *history, o scan.Options, ask func(i int) scan.Ask) {
	t.Helper()
	ctx := context.Background()
	objects, err := source.OpenGitObjects(ctx, h.dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer objects.Close()
	apart, err := source.OpenGitObjects(ctx, h.dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer apart.Close()
	series := scan.NewSeries(o)
	cache := &scan.Cache{Dir: t.TempDir(), Salt: "test"}
	for i, commit := range h.commits() {
		tree, err := objects.Tree(commit)
		if err != nil {
			t.Fatal(err)
		}
		got, gotErr := series.Scan(ctx, tree, ask(i))
		if tree, err = apart.Tree(commit); err != nil {
			t.Fatal(err)
		}
		whole := o
		whole.FS, whole.Fixes = tree, ask(i).Fixes
		want, wantErr := scan.Run(ctx, whole)
		if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
			t.Fatalf("commit %d: %v, want %v", i, gotErr, wantErr)
		}
		if wantErr != nil {
			continue
		}
		whole.Cache = cache
		cached, err := scan.Run(ctx, whole)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Report, cached.Report, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("commit %d of %s (-whole +with a cache):\n%s\n%s", i, h.dir, diff, gitRun(t, h.dir, nil, "show", "--format=", commit))
		}
		if diff := cmp.Diff(want.Report, got.Report, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("commit %d of %s (-whole +series):\n%s\n%s", i, h.dir, diff, gitRun(t, h.dir, nil, "show", "--format=", commit))
		}
	}
}

func noFixes(int) scan.Ask { return scan.Ask{} }

// seriesEstates are what the property is tried on: the examples, and the folders of PLUMBLINE_CORPUS.
func seriesEstates(t *testing.T) map[string]fs.FS {
	t.Helper()
	out := make(map[string]fs.FS)
	roots := []string{"../examples"}
	if corpus := os.Getenv("PLUMBLINE_CORPUS"); corpus != "" {
		roots = append(roots, corpus)
	}
	for _, root := range roots {
		entries, err := os.ReadDir(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() {
				out[e.Name()] = os.DirFS(filepath.Join(root, e.Name()))
			}
		}
	}
	return out
}

func TestSeries_random(t *testing.T) {
	n := 12
	if os.Getenv("PLUMBLINE_CORPUS") != "" {
		n = 25
	}
	if testing.Short() {
		n = 8
	}
	o := everything(t)
	for name, estate := range seriesEstates(t) {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t)
			synthesise(t, h, estate, n)
			sameAsRun(t, h, o, noFixes)
		})
	}
}

// TestSeries_fixes has fixes for some trees of a history and not for others.
func TestSeries_fixes(t *testing.T) {
	o := everything(t)
	for _, name := range []string{"shop", "newsroom"} {
		h := newHistory(t)
		synthesise(t, h, os.DirFS("../examples/"+name), 6)
		sameAsRun(t, h, o, func(i int) scan.Ask { return scan.Ask{Fixes: i%3 != 0} })
	}
}

// TestSeries_estate walks through changes whose effect is far from the file that changed.
func TestSeries_estate(t *testing.T) {
	text := func(s string) []byte { return []byte(s) }
	const module = "variable \"acl\" {}\nresource \"aws_s3_bucket\" \"b\" {\n  bucket = \"x\"\n  acl = var.acl\n}\n"
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: nginx:latest\n    securityContext: {privileged: true}\n"
	chart := map[string][]byte{
		"chart/Chart.yaml":         text("apiVersion: v2\nname: c\nversion: 1.0.0\n"),
		"chart/values.yaml":        text("privileged: true\n"),
		"chart/templates/pod.yaml": text("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: nginx:1\n    securityContext: {privileged: {{ .Values.privileged }}}\n"),
	}
	steps := []map[string][]byte{
		{"m/main.tf": text(module), "k8s/pod.yaml": text(pod), "README.md": text("hello")},
		{"README.md": text("nothing of ours changes")},
		{"a/main.tf": text("module \"m\" {\n  source = \"../m\"\n  acl = \"public-read\"\n}\n")}, // m is called now
		{"a/main.tf": text("module \"m\" {\n  source = \"../m\"\n  acl = \"private\"\n}\n")},
		{"b/main.tf": text("module \"m\" {\n  source = \"../m\"\n  acl = var.acl\n}\nvariable \"acl\" {}\n"), "b/terraform.tfvars": text("acl = \"public-read\"\n")},
		{"b/terraform.tfvars": nil},
		{"b/x.auto.tfvars": text("acl = \"public-read\"\n")},
		{"b/dev.tfvars": text("acl = \"private\"\n"), "b/prod.tfvars": text("acl = \"public-read\"\n")},
		{"a/main.tf": nil},
		{"b/main.tf": text("variable \"acl\" {}\n")}, // m is called no longer
		{".plumblineignore": text("k8s/\n")},
		{"k8s/more.yaml": text(pod)},
		{".plumblineignore": text("m/\n")},
		{".gitignore": text("k8s\n"), ".plumblineignore": nil},
		{".plumbline.yaml": text("rules: {k8s-container-privileged: off}\n")},
		{".plumbline.yaml": text("paths: {exclude: [\"m/**\"]}\n")},
		{".plumbline.yaml": text("rules: [\n")}, // settings that cannot be read
		{".plumbline.yaml": nil, "k8s/.plumbline.yaml": text("rules: {k8s-container-privileged: low}\n")},
		chart,
		{"chart/values.yaml": text("privileged: false\n")},
		{"chart/values-prod.yaml": text("privileged: true\n")},
		{"chart/Chart.yaml": nil},
		{"chart/Chart.yaml": chart["chart/Chart.yaml"]},
		{"kustomization.yaml": text("resources: [k8s/pod.yaml]\npatches:\n- target: {kind: Pod}\n  patch: |-\n    - {op: replace, path: /spec/containers/0/image, value: \"nginx:1\"}\n")},
		{"k8s/pod.yaml": text(pod + "---\n" + pod)},
		{"kustomization.yaml": nil},
		{"m/main.tf": text("# plumbline:ignore-file * because\n" + module)},
		{"m/main.tf": text(module + "locals { x = file(\"${path.module}/x.txt\") }\nresource \"aws_s3_bucket\" \"c\" {\n  acl = trimspace(local.x)\n}\n")},
		{"m/x.txt": text("public-read")},
		{"m/x.txt": text("private")},
		{"link.tf@": text("m/main.tf"), "d@": text("m"), "out@": text("/etc"), "loop@": text("loop")},
		{"m/x.txt": text("public-read")},
		{"e/main.tf": text("module \"m\" {\n  source = \"../d\"\n  acl = \"public-read\"\n}\n")},
		{"m/main.tf": text(module)},
		{"d": nil, "d/main.tf": text(module)}, // the link is a folder now
		{"link.tf": nil, "d": nil, "out": nil, "loop": nil},
		{"p.yaml": text("a: 1\n")},
		{"p.yaml": text(pod)}, // a file that nobody took is a manifest now
		{"p.yaml": text("AWSTemplateFormatVersion: 2010-09-09\nResources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties: {AccessControl: PublicRead}\n")},
		{"site.yml": text("- hosts: all\n  roles: [r]\n"), "roles/r/tasks/main.yml": text("- amazon.aws.s3_bucket: {name: x, acl: public-read}\n")},
		{"roles/r/tasks/main.yml": text("- amazon.aws.s3_bucket: {name: x, acl: \"{{ acl }}\"}\n"), "roles/r/defaults/main.yml": text("acl: public-read\n")},
		{"group_vars/all.yml": text("acl: private\n")},
		{"Dockerfile": text("FROM alpine:latest\nUSER root\n"), ".github/workflows/x.yml": text("on: pull_request_target\njobs: {a: {runs-on: x, steps: [{uses: actions/checkout@v3}]}}\n")},
		{"m": nil, "a": nil, "b": nil},
		{"m/main.tf": text(module), "bad.tf": text("resource {"), "worse.yaml": text("kind: Pod\napiVersion: v1\n  a: [")},
		{"bad.tf": []byte("\xff\xfe\x00")},
	}
	h := newHistory(t)
	for _, s := range steps {
		h.commit(s)
	}
	sameAsRun(t, h, everything(t), noFixes)
}

// TestSeries_jumps goes to and fro between trees that have little to do with each other.
func TestSeries_jumps(t *testing.T) {
	ctx := context.Background()
	h := newHistory(t)
	synthesise(t, h, os.DirFS("../examples/ferry"), 12)
	commits := h.commits()
	objects, err := source.OpenGitObjects(ctx, h.dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer objects.Close()
	o := everything(t)
	wants := make(map[string]*finding.Report)
	series := scan.NewSeries(o)
	random := rand.New(rand.NewPCG(7, 7))
	for range 30 {
		c := commits[random.IntN(len(commits))]
		tree, err := objects.Tree(c)
		if err != nil {
			t.Fatal(err)
		}
		if wants[c] == nil {
			whole := o
			whole.FS = tree
			want, err := scan.Run(ctx, whole)
			if err != nil {
				t.Fatal(err)
			}
			wants[c] = want.Report
		}
		if random.IntN(5) == 0 { // a scan that is broken off leaves nothing behind
			gone, cancel := context.WithCancel(ctx)
			cancel()
			if _, err := series.Scan(gone, tree, scan.Ask{}); err == nil {
				t.Fatal("a scan whose context is done ends well")
			}
		}
		got, err := series.Scan(ctx, tree, scan.Ask{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wants[c], got.Report, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("commit %s (-whole +series):\n%s", c, diff)
		}
	}
}
