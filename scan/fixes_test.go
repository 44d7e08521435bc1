package scan_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/cloudformation"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
)

// offers is a tree in which the same text makes several resources fail, with the rule that says so.
func offers(t *testing.T) scan.Options {
	t.Helper()
	set := schema.Load()
	catalogue, err := rule.Load(set, fstest.MapFS{"volume-open.md": {Data: []byte(`---
id: volume-open
severity: high
category: encryption
on: [aws_ebs_volume]
require: this.encrypted
message: The volume is not encrypted
fix:
  - set: {encrypted: true}
since: 0.1
---
# Volume is not encrypted

Why.
`)}})
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{
		"main.tf": {Data: []byte(`variable "encrypted" {
  default = false
}

resource "aws_ebs_volume" "a" {
  count     = 2
  encrypted = var.encrypted
}

resource "aws_rds_cluster" "c" {
  storage_encrypted = var.encrypted
}

# plumbline:ignore volume-open it holds nothing
resource "aws_ebs_volume" "ignored" {
  encrypted = false
}
`)},
	}
	return scan.Options{FS: tree, Dialects: []dialect.Dialect{terraform.New(set)}, Rules: catalogue, Fixes: true}
}

func TestRun_offersFixes(t *testing.T) {
	result, err := scan.Run(context.Background(), offers(t))
	if err != nil {
		t.Fatal(err)
	}
	type offer struct {
		Title, Text string
		Line        int
		Shared      []string
	}
	got := map[string][]offer{}
	for _, f := range result.Report.Findings {
		got[f.Resource.Address] = nil
		for _, x := range f.Fixes {
			got[f.Resource.Address] = append(got[f.Resource.Address], offer{x.Title, x.Edits[0].Text, x.Edits[0].Location.From.Line, x.Shared})
		}
	}
	want := map[string][]offer{
		"aws_ebs_volume.a[0]":    {{"set encrypted to true where it is written, in main.tf", "true", 2, []string{"aws_ebs_volume.a[1]", "aws_rds_cluster.c"}}},
		"aws_ebs_volume.a[1]":    {{"set encrypted to true where it is written, in main.tf", "true", 2, []string{"aws_ebs_volume.a[0]", "aws_rds_cluster.c"}}},
		"aws_ebs_volume.ignored": nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMend(t *testing.T) {
	m, err := scan.Mend(context.Background(), offers(t), func(f finding.Finding) bool { return f.Rule == "volume-open" })
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Files) != 1 || len(m.Done) != 2 || len(m.Left) != 0 {
		t.Fatalf("%d files, %d done, %d left, want 1, 2 and 0", len(m.Files), len(m.Done), len(m.Left))
	}
	if diff := cmp.Diff([]string{"aws_rds_cluster.c"}, m.Done[0].Shared); diff != "" {
		t.Error(diff)
	}
	file := m.Files[0]
	want := strings.Replace(string(file.Before.Bytes), "default = false", "default = true", 1)
	if diff := cmp.Diff(want, string(file.After.Bytes)); diff != "" {
		t.Error(diff)
	}
}

// TestRun_keepsWhatIsSuppressed: a fix is not offered that would take away what somebody decided to keep.
func TestRun_keepsWhatIsSuppressed(t *testing.T) {
	const shared = "variable \"encrypted\" {\n  default = false\n}\n\nresource \"aws_ebs_volume\" \"a\" {\n  encrypted = var.encrypted\n}\n\n"
	for _, test := range []struct {
		name, text string
		noInline   bool
		offers     int
	}{
		{"suppressed", "# plumbline:ignore volume-open it holds nothing\n", false, 0},
		{"comments do not count", "# plumbline:ignore volume-open it holds nothing\n", true, 2},
		{"not suppressed", "", false, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := offers(t)
			o.FS = fstest.MapFS{"main.tf": {Data: []byte(shared + test.text + "resource \"aws_ebs_volume\" \"b\" {\n  encrypted = var.encrypted\n}\n")}}
			o.Decide.NoInline = test.noInline
			result, err := scan.Run(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, f := range result.Report.Findings {
				n += len(f.Fixes)
			}
			if n != test.offers {
				t.Errorf("%d fixes are offered, want %d", n, test.offers)
			}
			m, err := scan.Mend(context.Background(), o, func(finding.Finding) bool { return true })
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Done) != test.offers {
				t.Errorf("%d are mended, want %d; left %v", len(m.Done), test.offers, m.Left)
			}
			if test.offers == 0 && (len(m.Left) != 1 || m.Left[0].Reason != "it would undo what is suppressed at main.tf:9") {
				t.Errorf("left %v", m.Left)
			}
		})
	}
}

// TestMend_staysElsewhere: a finding whose attribute is another after the fixes has another id and is there all the same.
func TestMend_staysElsewhere(t *testing.T) {
	page := func(id, require, fix string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("---\nid: " + id + "\nseverity: low\ncategory: encryption\non: [aws_ebs_volume]\nrequire: " +
			require + "\nmessage: It is open\n" + fix + "since: 0.1\n---\n# It is open\n\nWhy.\n")}
	}
	set := schema.Load()
	catalogue, err := rule.Load(set, fstest.MapFS{
		"volume-open.md":    page("volume-open", "this.encrypted", "fix:\n  - set: {encrypted: true}\n"),
		"volume-own-key.md": page("volume-own-key", "this.encrypted && has(this.kms_key_id)", ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := scan.Mend(context.Background(), scan.Options{
		FS:       fstest.MapFS{"main.tf": {Data: []byte("resource \"aws_ebs_volume\" \"a\" {\n  encrypted = false\n  type = \"gp3\"\n}\n")}},
		Dialects: []dialect.Dialect{terraform.New(set)}, Rules: catalogue,
	}, func(finding.Finding) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	var done, left []string
	for _, x := range m.Done {
		done = append(done, x.Finding.Rule)
	}
	for _, x := range m.Left {
		left = append(left, x.Finding.Rule+": "+x.Reason)
	}
	if diff := cmp.Diff([]string{"volume-open"}, done); diff != "" {
		t.Errorf("done: %s", diff)
	}
	if diff := cmp.Diff([]string{"volume-own-key: " + scan.NoFix}, left); diff != "" {
		t.Errorf("left: %s", diff)
	}
}

// TestMend_generated: what a program writes is not changed, wherever the tree begins.
func TestMend_generated(t *testing.T) {
	const generated = "the file is generated: change the program that writes it"
	template := func(metadata string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(`{"Resources": {"V": {"Type": "AWS::EC2::Volume", "Properties": {"Encrypted": false}` + metadata + `}}}`)}
	}
	const construct = `, "Metadata": {"aws:cdk:path": "App/V"}`
	for _, c := range []struct {
		name string
		tree fstest.MapFS
		want string // the reason; empty when it is fixed
	}{
		{"a template", fstest.MapFS{"a/t.json": template("")}, ""},
		{"a template with the path of a construct", fstest.MapFS{"a/t.json": template(construct)}, ""},
		{"a cloud assembly", fstest.MapFS{"a/cdk.out/t.template.json": template("")}, generated},
		{"a construct", fstest.MapFS{"a/cdk.out/nested/t.template.json": template(construct)}, generated + ", at App/V"},
		{"an assembly by its mark", fstest.MapFS{"t.template.json": template(construct), "cdk.out": {Data: []byte(`{"version":"36.0.0"}`)}}, generated + ", at App/V"},
		{"CDKTF", fstest.MapFS{"cdktf.out/stacks/s/cdk.tf.json": {Data: []byte(`{"resource": {"aws_ebs_volume": {"v": {"encrypted": false}}}}`)}}, generated},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := offers(t)
			o.Dialects = append(o.Dialects, cloudformation.New(schema.Load()))
			o.FS = c.tree
			m, err := scan.Mend(context.Background(), o, func(finding.Finding) bool { return true })
			if err != nil {
				t.Fatal(err)
			}
			var left []string
			for _, x := range m.Left {
				left = append(left, x.Reason)
			}
			if c.want == "" && len(m.Done) != 1 || c.want != "" && (len(m.Files) != 0 || len(left) != 1 || left[0] != c.want) {
				t.Errorf("%d done, %d files, left %q; want %q", len(m.Done), len(m.Files), left, c.want)
			}
			result, err := scan.Run(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			if f := result.Report.Findings; len(f) != 1 || (len(f[0].Fixes) > 0) != (c.want == "") {
				t.Errorf("%+v", f)
			}
		})
	}
}
