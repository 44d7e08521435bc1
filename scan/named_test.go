package scan_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/cloudformation"
	"plumbline.dev/plumbline/dialects/helm"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
)

const volumePage = "---\nid: volume\nseverity: high\ncategory: access-control\non: [aws_ebs_volume]\nrequire: this.encrypted\nmessage: x\nsince: 0.1\n---\n# x\n\ny\n"

// volumeTemplate is a template whose volume is encrypted as its parameter says.
const volumeTemplate = `AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Enc: {Type: String, Default: "true"}
Resources:
  V: {Type: "AWS::EC2::Volume", Properties: {Encrypted: !Ref Enc, AvailabilityZone: a, Size: 1}}
`

// namedTree has templates with parameters in a folder, a nested one, root modules, and files that cannot be read.
var namedTree = fstest.MapFS{
	"vpc.yaml":                 {Data: []byte(volumeTemplate)},
	"parameters/vpc.prod.json": {Data: []byte(`[{"ParameterKey": "Enc", "ParameterValue": "false"}]`)},
	"other.yaml":               {Data: []byte(strings.Replace(volumeTemplate, `"true"`, `"false"`, 1))},
	"parent.yaml": {Data: []byte("Resources:\n  N:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n" +
		"      TemplateURL: nested/child.yaml\n      Parameters: {Enc: \"false\"}\n")},
	"nested/child.yaml": {Data: []byte(volumeTemplate)},
	"bad.tf":            {Data: []byte("resource {")},
	"tf/main.tf":        {Data: []byte("resource \"aws_ebs_volume\" \"v\" {\n  encrypted = var.e\n}\n")},
	"tf/variables.tf":   {Data: []byte("variable \"e\" {\n  default = false\n}\n")},
	"tf/two.tf":         {Data: []byte("resource \"aws_ebs_volume\" \"w\" {\n  encrypted = false\n}\n")},
	"tf/x/main.tf":      {Data: []byte("resource \"aws_ebs_volume\" \"x\" {\n  encrypted = false\n}\n")},
	"notes.txt":         {Data: []byte("x")},
}

// TestRun_named holds that a named file is understood with what is around it, and that nothing around it is reported or counted.
func TestRun_named(t *testing.T) {
	for _, c := range []struct {
		dirs []string
		want string // files with findings, and what was counted
	}{
		{[]string{"."}, "nested/child.yaml other.yaml tf/main.tf tf/two.tf tf/x/main.tf vpc.yaml | 10 files, 1 skipped, 6 units, problems in bad.tf"},
		{[]string{"vpc.yaml"}, "vpc.yaml | 2 files, 0 skipped, 1 units, problems in "},
		{[]string{"parameters/vpc.prod.json"}, " | 1 files, 0 skipped, 0 units, problems in "},
		{[]string{"vpc.yaml", "parameters/vpc.prod.json"}, "vpc.yaml | 2 files, 0 skipped, 1 units, problems in "},
		{[]string{"other.yaml"}, "other.yaml | 1 files, 0 skipped, 1 units, problems in "},
		{[]string{"parent.yaml"}, " | 2 files, 0 skipped, 1 units, problems in "},
		{[]string{"vpc.yaml", "nested/child.yaml"}, "nested/child.yaml vpc.yaml | 4 files, 0 skipped, 2 units, problems in "},
		{[]string{"bad.tf"}, " | 1 files, 0 skipped, 1 units, problems in bad.tf"},
		{[]string{"tf/main.tf"}, "tf/main.tf | 3 files, 0 skipped, 1 units, problems in "},
		{[]string{"tf/x", "other.yaml"}, "other.yaml tf/x/main.tf | 2 files, 0 skipped, 2 units, problems in "},
		{[]string{"notes.txt"}, " | 0 files, 1 skipped, 0 units, problems in "},
	} {
		o := namedOptions(t, namedTree)
		o.Dirs = c.dirs
		run, err := scan.Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		var files, problems []string
		for _, f := range run.Report.Findings {
			files = append(files, f.Location.File)
		}
		for _, p := range run.Report.Problems {
			problems = append(problems, p.Location.File)
		}
		slices.Sort(files)
		n := run.Report.Coverage
		got := fmt.Sprintf("%s | %d files, %d skipped, %d units, problems in %s", strings.Join(slices.Compact(files), " "),
			n.Files, n.Skipped, n.Units, strings.Join(slices.Compact(problems), " "))
		if got != c.want {
			t.Errorf("%v:\n got %s\nwant %s", c.dirs, got, c.want)
		}
	}
}

// TestRun_namedInChart holds that a named template is rendered with the chart that it belongs to, the outermost one.
func TestRun_namedInChart(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  hostPID: {{ .Values.pid }}\n  containers: [{name: a, image: b}]\n"
	o := namedOptions(t, fstest.MapFS{
		"shop/Chart.yaml":                      {Data: []byte("apiVersion: v2\nname: shop\nversion: 0.1.0\n")},
		"shop/values.yaml":                     {Data: []byte("pid: true\ncache: {pid: true}\n")},
		"shop/templates/web/pod.yaml":          {Data: []byte(pod)},
		"shop/charts/cache/Chart.yaml":         {Data: []byte("apiVersion: v2\nname: cache\nversion: 0.1.0\n")},
		"shop/charts/cache/templates/pod.yaml": {Data: []byte(strings.Replace(pod, "name: x", "name: y", 1))},
	})
	o.Dialects = []dialect.Dialect{helm.New(schema.Load())}
	for _, name := range []string{"shop/templates/web/pod.yaml", "shop/charts/cache/templates/pod.yaml"} {
		o.Dirs = []string{name}
		run, err := scan.Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		if n := run.Report.Coverage; n.Units != 1 || n.Resources == 0 {
			t.Errorf("%s: %d units with %d resources, want the chart", name, n.Units, n.Resources)
		}
	}
}

// TestVisit_named holds that an inventory of a file evaluates what a scan of it does.
func TestVisit_named(t *testing.T) {
	o := namedOptions(t, namedTree)
	o.Dirs = []string{"vpc.yaml"}
	var units []string
	visited, err := scan.Visit(context.Background(), o, func(u *dialect.Unit) error {
		units = append(units, u.Name.Dir)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"vpc.yaml"}, slices.Compact(units)); diff != "" || len(visited.Problems) > 0 {
		t.Error(diff, visited.Problems)
	}
}

// TestRun_utf16 holds that a template in UTF-16 is a problem, and a file of another language in it is not.
func TestRun_utf16(t *testing.T) {
	wide := func(text string) *fstest.MapFile {
		f := &fstest.MapFile{Data: []byte{0xff, 0xfe}}
		for _, u := range utf16.Encode([]rune(text)) {
			f.Data = append(f.Data, byte(u), byte(u>>8))
		}
		return f
	}
	run, err := scan.Run(context.Background(), namedOptions(t, fstest.MapFS{"a.yaml": wide(volumeTemplate), "b.yaml": wide("a: b\n")}))
	if err != nil {
		t.Fatal(err)
	}
	r := run.Report
	if len(r.Problems) != 1 || r.Problems[0].Location.File != "a.yaml" || !strings.Contains(r.Problems[0].Message, "save it as UTF-8") || r.Coverage.Skipped != 1 {
		t.Errorf("problems %+v, %d skipped", r.Problems, r.Coverage.Skipped)
	}
}

func namedOptions(t *testing.T, tree fstest.MapFS) scan.Options {
	t.Helper()
	set := schema.Load()
	catalogue, err := rule.Load(set, fstest.MapFS{"volume.md": {Data: []byte(volumePage)}})
	if err != nil {
		t.Fatal(err)
	}
	return scan.Options{FS: tree, Rules: catalogue, Dialects: []dialect.Dialect{terraform.New(set), cloudformation.New(set)}}
}
