package ruletest

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// good is a page with nothing wrong. Tests change one thing in it.
const good = `---
id: acme-key-stale
severity: low
category: encryption
on: [aws_kms_key]
require: this.enable_key_rotation
message: The key is never rotated
controls: {soc2: [CC6.1]}
---
# Key is not rotated

Rotation limits how much data one secret protects. It costs nothing, and no program notices it, because old material stays
available for decryption. Ignore this rule for keys that are deleted within the year, and for keys whose material was imported
from elsewhere, which nobody can rotate.

## Flagged
~~~toy
aws_kms_key data # want
~~~
~~~toy
aws_kms_key data
 enable_key_rotation false # want
~~~

## Not flagged
~~~toy
aws_kms_key data
 enable_key_rotation true
~~~

## Undecided
~~~toy
aws_kms_key data
 enable_key_rotation ?
~~~
`

func test(t *testing.T, pages fstest.MapFS) []string {
	t.Helper()
	results, err := Run(t.Context(), pages, Options{
		Schema:   schema.Load(),
		Dialects: []dialect.Dialect{toy{}},
		Control:  func(framework, id string) bool { return framework == "soc2" && id == "CC6.1" },
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range results {
		out = append(out, r.String())
	}
	return out
}

func page(text string) fstest.MapFS {
	return fstest.MapFS{"acme/acme-key-stale.md": &fstest.MapFile{Data: []byte(text)}}
}

func TestGoodPage(t *testing.T) {
	if got := test(t, page(good)); got != nil {
		t.Errorf("a good page has results: %q", got)
	}
}

// TestBadPages changes the good page in one place and looks for the one complaint.
func TestBadPages(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"unmarked line": {"aws_kms_key data # want", "aws_kms_key data",
			"acme/acme-key-stale.md:18: nothing is marked: write # want at the end of the line of each finding"},
		"mark on a clean line": {"aws_kms_key data\n enable_key_rotation false # want", "aws_kms_key data # want\n enable_key_rotation false # want",
			"acme/acme-key-stale.md:21: nothing is flagged here"},
		"mark on another line": {"aws_kms_key data\n enable_key_rotation false # want", "aws_kms_key data # want\n enable_key_rotation false",
			"acme/acme-key-stale.md:22: unexpected finding on aws_kms_key.data, for enable_key_rotation"},
		"too few findings": {"enable_key_rotation false # want", "enable_key_rotation false # want 2",
			"acme/acme-key-stale.md:22: 1 findings here, want 2"},
		"flagged but clean": {"## Not flagged\n~~~toy\naws_kms_key data\n enable_key_rotation true", "## Not flagged\n~~~toy\naws_kms_key data\n enable_key_rotation false",
			"acme/acme-key-stale.md:28: aws_kms_key.data is flagged under Not flagged"},
		"mark under not flagged": {" enable_key_rotation true", " enable_key_rotation true # want",
			"acme/acme-key-stale.md:28: a finding is wanted in an example that must have none"},
		"not flagged but undecided": {" enable_key_rotation true", " enable_key_rotation ?",
			"acme/acme-key-stale.md:28: aws_kms_key.data is undecided under Not flagged (waits for var.x)"},
		"vacuous": {"aws_kms_key data\n enable_key_rotation true", "aws_sns_topic data",
			"acme/acme-key-stale.md:27: the example has no resource that the rule judges"},
		"decided": {" enable_key_rotation ?", " enable_key_rotation true",
			"acme/acme-key-stale.md:33: nothing in the example is undecided"},
		"problem in an example": {" enable_key_rotation true", " enable_key_rotation true\n! broken",
			"acme/acme-key-stale.md:29: the example has a problem: ! broken"},
		"unknown dialect": {"## Not flagged\n~~~toy", "## Not flagged\n~~~toi",
			`acme/acme-key-stale.md:26: there is no dialect "toi"`},
		"misspelt attribute": {"this.enable_key_rotation", "this.enable_key_rotatio",
			"did you mean enable_key_rotation?"},
		"says fail of all-unknown": {"require: this.enable_key_rotation", "require: false",
			"aws_kms_key of which nothing is known is judged fail: it must be undecided"},
		"unknown control": {"CC6.1", "CC6.99",
			"acme/acme-key-stale.md: there is no control CC6.99 in the framework soc2"},
		"short why": {"Rotation limits how much data one secret protects. It costs nothing, and no program notices it, because old material stays\navailable for decryption. Ignore", "Ignore",
			"the why has"},
		"title says what should be": {"# Key is not rotated", "# Key should be rotated",
			"the title says what should be"},
		"message is a sentence": {"is never rotated", "is never rotated.",
			"the message ends with a full stop"},
		"fix without text": {"controls:", "fix: [{set: {enable_key_rotation: true}}]\ncontrols:",
			"the rule has a fix, but there is no example under Fixed"},
		"text without fix": {"## Not flagged", "## Fixed\n~~~toy\naws_kms_key data\n enable_key_rotation true\n~~~\n\n## Not flagged",
			"there is an example under Fixed, but the rule has no fix"},
		"more fixed than flagged": {"## Not flagged", "## Fixed\n" + strings.Repeat("~~~toy\naws_kms_key data\n enable_key_rotation true\n~~~\n", 3) + "\n## Not flagged",
			"there are more examples under Fixed than under Flagged"},
		"no such section": {"## Not flagged", "## Not flaged",
			"did you mean Not flagged?"},
		"an expression that never fails": {"on: [aws_kms_key]\nrequire: this.enable_key_rotation", "on: [aws_kms_key, aws_sns_topic]\nrequire: {aws_kms_key: this.enable_key_rotation, aws_sns_topic: has(this.kms_master_key_id)}",
			"no example under Flagged is flagged by the expression for aws_sns_topic"},
		"a file outside": {"## Not flagged\n~~~toy", "## Not flagged\n~~~toy ../x.toy",
			`"../x.toy" is not a path inside the example`},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(good, c.old, c.new, 1)
			if text == good {
				t.Fatalf("the page does not have %q", c.old)
			}
			got := test(t, page(text))
			if found := strings.Contains(strings.Join(got, "\n"), c.want); !found {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestBadID(t *testing.T) {
	text := strings.Replace(good, "acme-key-stale", "acme-ensure-rotation", 1)
	got := test(t, fstest.MapFS{"acme-ensure-rotation.md": &fstest.MapFile{Data: []byte(text)}})
	want := []string{`acme-ensure-rotation.md: the id has the word "ensure": say what is wrong, so that "ignore acme-ensure-rotation" reads well`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestBetween(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	pages := fstest.MapFS{
		"a/acme-key-stale.md": file(good),
		"b/acme-key-stale.md": file(good),
		"b/acme-key-old.md":   file(strings.Replace(good, "id: acme-key-stale", "id: acme-key-old\naliases: [ACME-KEY-STALE, CKV_1]", 1)),
		"b/acme-key-worn.md":  file(strings.Replace(good, "id: acme-key-stale", "id: acme-key-worn\naliases: [CKV_1]", 1)),
		"b/README.md":         file("no page"),
	}
	results, err := Between(pages)
	if err != nil {
		t.Fatal(err)
	}
	want := []Result{
		{Page: "b/acme-key-stale.md", Message: "the id acme-key-stale is already the one of a/acme-key-stale.md"},
		{Page: "b/acme-key-old.md", Message: "the alias ACME-KEY-STALE is the id of a/acme-key-stale.md"},
	}
	if d := cmp.Diff(want, results); d != "" {
		t.Error(d)
	}
}

func TestMend(t *testing.T) {
	edit := func(start, end int, text string) finding.Fix {
		at := finding.Location{Range: source.Range{File: "a", Start: start, End: end}}
		return finding.Fix{Edits: []finding.Edit{{Location: at, Text: text}}}
	}
	e := example{tree: fstest.MapFS{"a": {Data: []byte("one two three")}, "b": {Data: []byte("four")}}}
	e.Files = []rule.File{{Name: "a", Line: 10}}
	te := &tester{page: "p.md"}
	got := te.mend(e, &finding.Report{Findings: []finding.Finding{
		{Fixes: []finding.Fix{edit(4, 7, "2"), edit(0, 3, "not the second choice")}},
		{Fixes: []finding.Fix{edit(4, 7, "2")}}, // the same edit, from another instance
		{},
		{Fixes: []finding.Fix{edit(8, 13, "3")}},
	}})
	if text := string(got["a"].Data) + "|" + string(got["b"].Data); text != "one 2 3|four" || te.results != nil {
		t.Errorf("got %q, %v", text, te.results)
	}

	te.mend(e, &finding.Report{Findings: []finding.Finding{{Fixes: []finding.Fix{edit(0, 5, "x")}}, {Fixes: []finding.Fix{edit(4, 7, "y")}}}})
	if len(te.results) != 1 || te.results[0].Line != 10 {
		t.Errorf("fixes that overlap give %v", te.results)
	}
}

func TestCompare(t *testing.T) {
	mended := example{tree: fstest.MapFS{"main.toy": {Data: []byte("one\ntwo\n")}}}
	for name, c := range map[string]struct {
		fixed []rule.File
		want  []Result
	}{
		"same":       {[]rule.File{{Name: "main.toy", Text: "one\ntwo\n", Line: 5}}, nil},
		"other line": {[]rule.File{{Name: "main.toy", Text: "one\n2\n", Line: 5}}, []Result{{"p.md", 6, `the fix writes "two" here, and the page says "2"`}}},
		"less":       {[]rule.File{{Name: "main.toy", Text: "one\n", Line: 5}}, []Result{{"p.md", 6, `the fix writes "two" here, and the page says ""`}}},
		"other file": {[]rule.File{{Name: "b.toy", Text: "one\n", Line: 5}}, []Result{{"p.md", 5, "the flagged example has no file b.toy"}}},
		"more files": {[]rule.File{{Name: "main.toy", Text: "one\ntwo\n", Line: 5}, {Name: "b.toy", Line: 9}}, []Result{
			{"p.md", 9, "the flagged example has no file b.toy"}, {"p.md", 5, "the example has 2 files under Fixed and 1 under Flagged"}}},
	} {
		te := &tester{page: "p.md"}
		te.compare(example{Example: rule.Example{Files: c.fixed}}, mended)
		if d := cmp.Diff(c.want, te.results); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
