package scan_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
)

// TestRun_ignored holds that what ignore files leave out is not scanned and is counted, and that what is named is scanned.
func TestRun_ignored(t *testing.T) {
	set := schema.Load()
	const volume = "resource \"aws_ebs_volume\" \"v\" {\n  encrypted = false\n}\n"
	tree := fstest.MapFS{
		".gitignore":       {Data: []byte("old/\n*.bak.tf\n")},
		".plumblineignore": {Data: []byte("examples\n")},
		"main.tf":          {Data: []byte(volume)},
		"x.bak.tf":         {Data: []byte(strings.ReplaceAll(volume, "\"v\"", "\"w\""))},
		"old/main.tf":      {Data: []byte(volume)},
		"examples/main.tf": {Data: []byte(volume)},
	}
	page := "---\nid: volume\nseverity: high\ncategory: access-control\non: [aws_ebs_volume]\nrequire: this.encrypted\nmessage: x\nsince: 0.1\n---\n# x\n\ny\n"
	catalogue, err := rule.Load(set, fstest.MapFS{"volume.md": {Data: []byte(page)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dirs    []string
		files   string
		ignored int
	}{
		{nil, "main.tf", 3},
		{[]string{"."}, "main.tf", 3},
		{[]string{"old"}, "old/main.tf", 0},
		{[]string{"x.bak.tf"}, "x.bak.tf", 0},
		{[]string{"examples", "main.tf"}, "examples/main.tf main.tf", 0},
	} {
		run, err := scan.Run(context.Background(), scan.Options{FS: tree, Dirs: c.dirs, Dialects: []dialect.Dialect{terraform.New(set)}, Rules: catalogue})
		if err != nil {
			t.Fatal(err)
		}
		var files []string
		for _, f := range run.Report.Findings {
			files = append(files, f.Location.File)
		}
		slices.Sort(files)
		if got := strings.Join(files, " "); got != c.files || run.Report.Coverage.Ignored != c.ignored {
			t.Errorf("%v: findings in %q and %d ignored, want %q and %d", c.dirs, got, run.Report.Coverage.Ignored, c.files, c.ignored)
		}
	}
}
