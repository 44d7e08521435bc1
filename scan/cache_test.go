package scan_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
)

// estate has two roots that share a module, a file function, variables from a file and from the environment.
func cacheEstate() fstest.MapFS {
	return fstest.MapFS{
		"a/main.tf":          {Data: []byte("variable \"acl\" {}\nmodule \"m\" {\n  source = \"../m\"\n  acl = var.acl\n}\n")},
		"a/terraform.tfvars": {Data: []byte("acl = \"public-read\"\n")},
		"b/main.tf":          {Data: []byte("variable \"acl\" {}\nmodule \"m\" {\n  source = \"../m\"\n  acl = trimspace(file(\"acl.txt\"))\n}\nresource \"aws_s3_bucket_acl\" \"own\" {\n  bucket = \"b\"\n  acl = var.acl\n}\n")},
		"b/acl.txt":          {Data: []byte("private\n")},
		"m/main.tf":          {Data: []byte("variable \"acl\" {}\nresource \"aws_s3_bucket_acl\" \"this\" {\n  bucket = \"x\"\n  acl = var.acl\n}\n")},
	}
}

const cachePage = `---
id: test-public-acl
severity: high
category: access-control
on: [aws_s3_bucket_acl]
require: this.acl != "public-read"
message: public
fix:
  - set: {acl: private}
since: 0.1
---
# A public ACL

Why.
`

func TestCache(t *testing.T) {
	cases := []struct {
		name   string
		change func(fstest.MapFS, map[string]string)
	}{
		{"nothing", func(fstest.MapFS, map[string]string) {}},
		{"a root", func(f fstest.MapFS, _ map[string]string) {
			f["b/main.tf"] = &fstest.MapFile{Data: append([]byte("# more\n\n"), f["b/main.tf"].Data...)}
		}},
		{"the shared module", func(f fstest.MapFS, _ map[string]string) {
			f["m/main.tf"] = &fstest.MapFile{Data: []byte("variable \"acl\" {}\nresource \"aws_s3_bucket_acl\" \"this\" {\n  acl = \"public-read\"\n}\n")}
		}},
		{"a file that a function reads", func(f fstest.MapFS, _ map[string]string) {
			f["b/acl.txt"] = &fstest.MapFile{Data: []byte("public-read")}
		}},
		{"a new tfvars file", func(f fstest.MapFS, _ map[string]string) {
			f["a/z.auto.tfvars"] = &fstest.MapFile{Data: []byte("acl = \"private\"\n")}
		}},
		{"a removed tfvars file", func(f fstest.MapFS, _ map[string]string) { delete(f, "a/terraform.tfvars") }},
		{"the environment", func(_ fstest.MapFS, env map[string]string) { env["TF_VAR_acl"] = "public-read" }},
		{"a new file in the module", func(f fstest.MapFS, _ map[string]string) {
			f["m/more.tf"] = &fstest.MapFile{Data: []byte("resource \"aws_s3_bucket_acl\" \"more\" {\n  acl = \"public-read\"\n}\n")}
		}},
		{"a new root that calls the module", func(f fstest.MapFS, _ map[string]string) {
			f["c/main.tf"] = &fstest.MapFile{Data: []byte("module \"m\" {\n  source = \"../m\"\n  acl = \"public-read\"\n}\n")}
		}},
		{"settings", func(f fstest.MapFS, _ map[string]string) {
			f[".plumbline.yaml"] = &fstest.MapFile{Data: []byte("rules: {test-public-acl: low}\n")}
		}},
		{"a suppression", func(f fstest.MapFS, _ map[string]string) {
			f["m/main.tf"] = &fstest.MapFile{Data: append([]byte("# plumbline:ignore-file test-public-acl why not\n"), f["m/main.tf"].Data...)}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cache := &scan.Cache{Dir: t.TempDir(), Salt: "test"}
			before, env := cacheEstate(), map[string]string{"TF_VAR_acl": "private"}
			run(t, before, env, cache)
			after := maps.Clone(before)
			c.change(after, env)
			want := run(t, after, env, nil)
			for _, what := range []string{"partly remembered", "wholly remembered"} {
				if diff := cmp.Diff(want, run(t, after, env, cache)); diff != "" {
					t.Errorf("%s (-without a cache +with it):\n%s", what, diff)
				}
			}
			if back := run(t, before, map[string]string{"TF_VAR_acl": "private"}, cache); len(back.Findings) == 0 {
				t.Error("nothing is found in the first state again")
			}
		})
	}
}

func run(t *testing.T, tree fstest.MapFS, env map[string]string, cache *scan.Cache) *finding.Report {
	t.Helper()
	set := schema.Load()
	rules, err := rule.Load(set, fstest.MapFS{"p/test-public-acl.md": {Data: []byte(cachePage)}})
	if err != nil {
		t.Fatal(err)
	}
	result, err := scan.Run(context.Background(), scan.Options{
		FS: tree, Dialects: []dialect.Dialect{terraform.New(set)}, Rules: rules, Cache: cache, Fixes: true,
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(result.Report.Findings, func(f finding.Finding) bool { return f.Suppression == nil && len(f.Fixes) == 0 }) {
		t.Log("a finding without a fix")
	}
	return result.Report
}
