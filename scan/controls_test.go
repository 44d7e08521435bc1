package scan_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
)

func TestControls(t *testing.T) {
	page := func(id, control, on string) string {
		return "---\nid: " + id + "\nseverity: high\ncategory: access-control\non: [" + on + "]\nrequire: this.acl == \"private\"\n" +
			"message: wrong\ncontrols: {soc2: [" + control + "]}\nsince: 0.1\n---\n# Wrong\n\nWhy.\n"
	}
	set := schema.Load()
	rules, err := rule.Load(set, fstest.MapFS{
		"a.md": {Data: []byte(page("t-acl", "CC6.1", "aws_s3_bucket_acl"))},
		"b.md": {Data: []byte(page("t-bucket", "CC6.6", "aws_s3_bucket"))},
	})
	if err != nil {
		t.Fatal(err)
	}
	const wrong = "resource \"aws_s3_bucket_acl\" \"x\" {\n  acl = \"public-read\"\n}\n"
	for _, c := range []struct{ name, text, want string }{
		{"fails", wrong, "fail"},
		{"all that fails is suppressed", "# plumbline:ignore t-acl meant\n" + wrong, "accepted"},
		{"unknown", "variable \"a\" {}\nresource \"aws_s3_bucket_acl\" \"x\" {\n  acl = var.a\n}\n", "undecided"},
		{"passes", "resource \"aws_s3_bucket_acl\" \"x\" {\n  acl = \"private\"\n}\n", "pass"},
		{"nothing to judge", "locals {}\n", "uncovered"},
	} {
		result, err := scan.Run(context.Background(), scan.Options{
			FS:       fstest.MapFS{"main.tf": {Data: []byte(c.text)}},
			Dialects: []dialect.Dialect{terraform.New(set)}, Rules: rules,
			Controls: []scan.Framework{{ID: "soc2", Controls: []scan.Control{{ID: "CC6.1"}, {ID: "CC6.6"}, {ID: "CC9.9"}}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]string)
		for _, control := range result.Report.Controls {
			got[control.ID] = control.Status
		}
		if diff := cmp.Diff(map[string]string{"CC6.1": c.want, "CC6.6": "uncovered"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
