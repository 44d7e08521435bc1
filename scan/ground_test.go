package scan_test

import (
	"context"
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

// TestGrounds: a scan says in which files each rule gave a verdict on something that it is about; a pass of what it is not about is idle, and
// makes no control pass.
func TestGrounds(t *testing.T) {
	page := func(id, about string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("---\nid: " + id + "\nseverity: high\ncategory: access-control\non: [aws_s3_bucket]\nrequire: this.bucket != \"bad\"\n" + about +
			"message: wrong\ncontrols: {soc2: [CC6.1]}\nsince: 0.1\n---\n# Wrong\n\nWhy.\n")}
	}
	set := schema.Load()
	rules, err := rule.Load(set, fstest.MapFS{"a.md": page("t-all", ""), "b.md": page("t-some", "about: this.bucket.startsWith(\"log\")\n")})
	if err != nil {
		t.Fatal(err)
	}
	bucket := func(name string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("resource \"aws_s3_bucket\" \"" + name + "\" {\n  bucket = \"" + name + "\"\n}\n")}
	}
	run := func(only string, tree fstest.MapFS) *finding.Report {
		t.Helper()
		result, err := scan.Run(context.Background(), scan.Options{FS: tree, Dialects: []dialect.Dialect{terraform.New(set)}, Rules: rules,
			Only:     func(r *rule.Rule) bool { return only == "" || r.ID == only },
			Controls: []scan.Framework{{ID: "soc2", Controls: []scan.Control{{ID: "CC6.1"}}}}})
		if err != nil {
			t.Fatal(err)
		}
		return result.Report
	}
	r := run("", fstest.MapFS{"a/main.tf": bucket("data"), "a/log.tf": bucket("logs"), "b/main.tf": bucket("x")})
	if diff := cmp.Diff([]string{"t-all", "t-some"}, r.Judged); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]finding.Ground{{Rules: []int{0}, Files: []string{"a/main.tf", "b/main.tf"}}, {Rules: []int{0, 1}, Files: []string{"a/log.tf"}}}, r.Grounds); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"pass": 4, "idle": 2}, r.Coverage.Verdicts); diff != "" {
		t.Error(diff)
	}
	r = run("t-some", fstest.MapFS{"main.tf": bucket("data")})
	if len(r.Judged)+len(r.Grounds) != 0 || r.Controls[0].Status != "uncovered" {
		t.Errorf("judged %v, %v", r.Judged, r.Controls)
	}
}
