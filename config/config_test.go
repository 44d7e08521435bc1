package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

func tree(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

var cascade = map[string]string{
	".plumbline.yaml": `
rules: {"aws-*": low, aws-a: off, aws-b: high, aws-c: {severity: info}}
threshold: high
paths: {exclude: [vendor]}
select: ["aws-*", "azure-*"]
ignore: [{rules: aws-a, reason: root}]
problems: {unresolved: fail}
terraform: {workspace: w, units: {"envs/*": {variants: {dev: dev.tfvars}}}}
`,
	"envs/.plumbline.yml": `
rules: {aws-a: critical, aws-c: {enabled: false}}
undecided: fail
paths: {exclude: ["*.gen.tf"]}
ignore: [{rules: aws-b, paths: prod, reason: envs}]
problems: {limit: allow}
`,
	"envs/prod/x/.plumbline.yaml": `
rules: {"*": off}
select: []
`,
}

func loadAll(t *testing.T, files map[string]string) *Config {
	t.Helper()
	fsys := tree(files)
	c, err := Load(fsys, ".")
	if err != nil {
		t.Fatal(err)
	}
	err = fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && IsFile(path) {
			return c.Add(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCascadeRules(t *testing.T) {
	c := loadAll(t, cascade)
	tests := []struct {
		path, rule string
		aliases    []string
		on         bool
		severity   finding.Severity
	}{
		{"main.tf", "aws-a", nil, false, finding.Low},
		{"main.tf", "aws-b", nil, true, finding.High},
		{"main.tf", "aws-c", nil, true, finding.Info},
		{"main.tf", "aws-z", nil, true, finding.Low},
		{"main.tf", "azure-z", nil, true, 0},
		{"main.tf", "google-z", nil, false, 0},
		{"main.tf", "other", []string{"AWS-B"}, true, finding.High},
		{"envs/dev/main.tf", "aws-a", nil, true, finding.Critical},
		{"envs/dev/main.tf", "aws-c", nil, false, finding.Info},
		{"envs", "aws-c", nil, false, finding.Info},
		{"envsx/main.tf", "aws-c", nil, true, finding.Info},
		{"envs/prod/x/y/main.tf", "aws-a", nil, false, finding.Critical},
		{"envs/prod/x", "google-z", nil, false, 0},
		{"envs/prod/main.tf", "aws-a", nil, true, finding.Critical},
	}
	for _, tt := range tests {
		on, severity := c.For(tt.path).Rule(tt.rule, tt.aliases...)
		if on != tt.on || severity != tt.severity {
			t.Errorf("%s in %s: got %v %v, want %v %v", tt.rule, tt.path, on, severity, tt.on, tt.severity)
		}
	}
}

func TestCascadeOverlay(t *testing.T) {
	c := loadAll(t, cascade)
	type view struct {
		Threshold finding.Severity
		Undecided Undecided
		Tolerated map[source.ProblemKind]bool
		Reasons   []string
	}
	look := func(path string) view {
		s := c.For(path)
		v := view{s.Threshold, s.Undecided, s.Tolerated, nil}
		for _, g := range c.Ignores {
			if below(g.Folder, path) {
				v.Reasons = append(v.Reasons, g.Suppression.Reason)
			}
		}
		return v
	}
	tests := map[string]view{
		"a.tf": {finding.High, ReportUndecided,
			map[source.ProblemKind]bool{source.Unresolved: false}, []string{"root"}},
		"envs/a.tf": {finding.High, FailUndecided,
			map[source.ProblemKind]bool{source.Unresolved: false, source.Limit: true}, []string{"root", "envs"}},
		"envs/prod/x/a.tf": {finding.High, FailUndecided,
			map[source.ProblemKind]bool{source.Unresolved: false, source.Limit: true}, []string{"root", "envs"}},
	}
	for path, want := range tests {
		if diff := cmp.Diff(want, look(path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	if len(c.Ignores) != 2 {
		t.Errorf("%d ignores in all", len(c.Ignores))
	}
}

func TestScans(t *testing.T) {
	c := loadAll(t, map[string]string{
		".plumbline.yaml":     "paths: {exclude: [vendor, /examples, '**/test/**']}",
		"sub/.plumbline.yaml": "paths: {include: [infra, '*.tf'], exclude: [infra/old]}",
	})
	tests := map[string]bool{
		"main.tf":             true,
		"a/vendor/main.tf":    false,
		"examples/main.tf":    false,
		"a/examples/main.tf":  true,
		"a/test/main.tf":      false,
		"test.tf":             true,
		"sub/x.yaml":          false,
		"sub/infra/x.yaml":    true,
		"sub/infra/old/x.tf":  false,
		"sub/deep/x.tf":       true,
		"sub/vendor/infra/x":  false,
		"other/infra/old.tf":  true,
		"sub/a/infra/x.yaml":  true, // infra has no slash: at any depth
		"sub/infra/older.tf":  true,
		"sub/infra/old":       false,
		"vendored/x.tf":       true,
		"a/b/c/test/d/e/f.tf": false,
	}
	for path, want := range tests {
		if got := c.For(path).Scans(path); got != want {
			t.Errorf("%s: got %v", path, got)
		}
	}
	if !c.For("vendor").Skips("vendor") || c.For("infra").Skips("infra") {
		t.Error("the walk would enter vendor or leave out infra")
	}
}

func TestUnits(t *testing.T) {
	c := loadAll(t, map[string]string{
		".plumbline.yaml": `
terraform:
  workspace: base
  units:
    "envs/*": {workspace: env, variants: {dev: dev.tfvars, prod: [../common.tfvars, prod.tfvars]}}
    envs/special: {variants: {only: x.tfvars}}
    ".": {workspace: root}
`})
	type unit struct {
		Workspace string
		Variants  []Variant
	}
	tests := map[string]unit{
		".": {"root", nil},
		"envs/a": {"env", []Variant{
			{"dev", []string{"envs/a/dev.tfvars"}}, {"prod", []string{"envs/common.tfvars", "envs/a/prod.tfvars"}}}},
		"envs/special": {"env", []Variant{{"only", []string{"envs/special/x.tfvars"}}}},
		"envs/a/b":     {"base", nil},
		"envs":         {"base", nil},
		"x":            {"base", nil},
	}
	for dir, want := range tests {
		workspace, variants := c.For(dir).Terraform.Unit(dir)
		if diff := cmp.Diff(want, unit{workspace, variants}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", dir, diff)
		}
	}
}

func TestRun(t *testing.T) {
	c := loadAll(t, map[string]string{
		"a/.plumbline.yaml": "rule-pages: [pages, .]\nbaseline: b.json\nreport: [text, sarif=out/x.sarif]\ncache: off\n",
	})
	want := Run{RulePages: []string{"a/pages", "a"}, Baseline: "a/b.json", Reports: []Output{{"text", ""}, {"sarif", "a/out/x.sarif"}}, CacheOff: true}
	if diff := cmp.Diff(want, c.Run); diff != "" {
		t.Error(diff)
	}
}

func TestLoadFolder(t *testing.T) {
	fsys := tree(map[string]string{
		".plumbline.yaml":       "threshold: low\nbaseline: root.json",
		"a/b/.plumbline.yaml":   "threshold: high",
		"a/b/c/.plumbline.yaml": "threshold: critical",
		"z/.plumbline.yaml":     "threshold: none",
	})
	c, err := Load(fsys, "a/b")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]finding.Severity{"x": finding.Low, "a/x": finding.Low, "a/b/x": finding.High, "a/b/c/x": finding.High} {
		if got := c.For(path).Threshold; got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	if c.Run.Baseline != "root.json" {
		t.Errorf("baseline %q", c.Run.Baseline)
	}
	if err := c.Add("a/b/c/.plumbline.yaml"); err != nil {
		t.Fatal(err)
	}
	if got := c.For("a/b/c/x").Threshold; got != finding.Critical {
		t.Errorf("after Add: got %v", got)
	}
	if _, err := Load(fsys, "../x"); err == nil {
		t.Error("left the tree")
	}
}

func TestMistakesAcrossFiles(t *testing.T) {
	fsys := tree(map[string]string{
		".plumbline.yaml":     "threshold: lo",
		"a/.plumbline.yaml":   "report: json=x.json\ncache: off\nundecided: hide",
		"b/.plumbline.yaml":   "threshold: low",
		"b/.plumbline.yml":    "threshold: low",
		"c/.plumbline.yaml/x": "a folder",
	})
	c, err := Load(fsys, "a")
	want := Errors{
		{".plumbline.yaml", 1, 12, `threshold cannot be "lo": did you mean low? It can be critical, high, medium, low, info or none`},
		{"a/.plumbline.yaml", 1, 1, "report holds for the whole run: move it to the outermost settings file (.plumbline.yaml)"},
		{"a/.plumbline.yaml", 2, 1, "cache holds for the whole run: move it to the outermost settings file (.plumbline.yaml)"},
	}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Error(diff)
	}
	if c.For("a/x").Undecided != HideUndecided {
		t.Error("the rest of the file is lost")
	}
	if c.Run.Reports != nil || c.Run.CacheOff {
		t.Error("a nested file changed the run")
	}
	_, err = Load(fsys, "b")
	if mistakes, _ := errors.AsType[Errors](err); len(mistakes) != 2 || mistakes[1].File != "b/.plumbline.yml" {
		t.Errorf("two files in a folder: %v", err)
	}
	if err := c.Add("c/.plumbline.yaml"); err == nil {
		t.Error("a folder was read as settings")
	}
}

func TestTooMuchInAll(t *testing.T) {
	files := map[string]string{}
	for i := range maxFiles {
		files[fmt.Sprintf("d%04d/.plumbline.yaml", i)] = ""
	}
	full := "ignore:\n" + strings.Repeat("- {rules: a, reason: b}\n", maxEntries)
	for i := range 6 {
		files[fmt.Sprintf("e%d/.plumbline.yaml", i)] = full
	}
	c, err := Load(tree(files), ".")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		err := c.Add(fmt.Sprintf("e%d/.plumbline.yaml", i))
		if i < 5 && err != nil || i == 5 && err == nil {
			t.Errorf("%d entries: %v", (i+1)*maxEntries, err)
		}
	}
	if len(c.Ignores) != maxIgnores {
		t.Errorf("%d entries are kept", len(c.Ignores))
	}
	for i := range maxFiles - 6 {
		if err := c.Add(fmt.Sprintf("d%04d/.plumbline.yaml", i)); err != nil {
			t.Fatal(err)
		}
	}
	if c.Add(fmt.Sprintf("d%04d/.plumbline.yaml", maxFiles-1)) == nil {
		t.Error("one file more was read")
	}
}

func TestCheck(t *testing.T) {
	c := loadAll(t, map[string]string{
		".plumbline.yaml":   "rules: {aws-s3-public-acl: off, aws-s3-public-alc: low, '*': info}\nframeworks: [soc3]\nreport: [jsn=x.json]\n",
		"a/.plumbline.yaml": "ignore:\n  - rules: [aws-s3-public-acl, zzz]\n    reason: x\nselect: 'gone-*'\n",
	})
	find := func(words ...string) func(string) (bool, string) {
		return func(name string) (bool, string) {
			near := Nearest(name, words)
			return near == name, near
		}
	}
	err := c.Check(Known{Rule: find("aws-s3-public-acl", "aws-rds-public"), Framework: find("soc2"), Format: find("json", "text")})
	want := Errors{
		{".plumbline.yaml", 1, 33, `there is no rule "aws-s3-public-alc": did you mean "aws-s3-public-acl"?`},
		{".plumbline.yaml", 2, 14, `there is no framework "soc3": did you mean "soc2"?`},
		{".plumbline.yaml", 3, 10, `there is no report format "jsn": did you mean "json"?`},
		{"a/.plumbline.yaml", 2, 32, `there is no rule "zzz"`},
		{"a/.plumbline.yaml", 4, 9, `there is no rule "gone-*"`},
	}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Error(diff)
	}
	if err := c.Check(Known{}); err != nil {
		t.Errorf("without names: %v", err)
	}
}

func TestIgnore(t *testing.T) {
	c := loadAll(t, map[string]string{"a/.plumbline.yaml": `
ignore:
  - rules: [aws-a, CKV_1]
    paths: ["legacy", "*.old.tf"]
    resources: ["module.web.*", "aws_s3_bucket.x"]
    reason: known
    until: 2027-01-31
  - resources: aws_s3_bucket.y
`})
	g := c.Ignores[0]
	want := finding.Suppression{
		Kind: finding.Settings, Rules: []string{"aws-a", "CKV_1"}, Reason: "known", Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
		Location: finding.Location{
			Range: source.Range{File: "a/.plumbline.yaml", Start: 13, End: 159},
			From:  source.Position{Line: 3, Column: 5}, To: source.Position{Line: 7, Column: 22},
		},
	}
	if diff := cmp.Diff(want, g.Suppression); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"*"}, c.Ignores[1].Suppression.Rules); diff != "" {
		t.Error(diff)
	}
	tests := []struct {
		file, address string
		want          bool
	}{
		{"a/legacy/x.tf", "module.web.aws_x.y", true},
		{"a/legacy/x.tf", `module.web["k"].aws_x.y[0]`, true},
		{"a/legacy/x.tf", "aws_s3_bucket.x[3]", true},
		{"a/legacy/x.tf", "aws_s3_bucket.xy", false},
		{"a/deep/x.old.tf", "aws_s3_bucket.x", true},
		{"a/x.tf", "aws_s3_bucket.x", false},
		{"legacy/x.tf", "aws_s3_bucket.x", false},
		{"ab/legacy/x.tf", "aws_s3_bucket.x", false},
	}
	for _, tt := range tests {
		if got := g.Covers(tt.file, tt.address); got != tt.want {
			t.Errorf("%s in %s: got %v", tt.address, tt.file, got)
		}
	}
}

func BenchmarkFor(b *testing.B) {
	for name, files := range map[string]map[string]string{"none": nil, "cascade": cascade} {
		b.Run(name, func(b *testing.B) {
			c, err := Load(tree(files), "envs")
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				c.For("envs/prod/deep/in/the/tree/main.tf").Rule("aws-s3-public-acl", "CKV_AWS_20")
			}
		})
	}
}
