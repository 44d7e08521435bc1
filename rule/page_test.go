package rule

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

const goodPage = `---
id: aws-ec2-imdsv1            # says what is wrong
severity: high
category: access-control
on: [aws_instance, aws_launch_template]
require: |
  this.metadata_options.http_tokens == "required" ||
  this.metadata_options.http_endpoint == "disabled"
message: Tokens are {metadata_options.http_tokens}
fix:
  - set: {metadata_options.http_tokens: required, monitoring: true}
  - remove: [user_data]
  - add: {ebs_block_device: {device_name: /dev/sdb, volume_size: 8, sizes: [1, 2.5], kms_key_id: null}}
  - create: {aws_ebs_volume: {snapshot_id: "${this.id}", encrypted: true}}
controls: {cis-aws-3.0.0: [5.6], soc2: [CC6.1, CC6.6]}
aliases: [CKV_AWS_79, AWS-0028]
caution: Programs that know only the first version fail
since: 0.1
---
# EC2 instance answers IMDSv1

Why it matters.

` + "```sh\ncurl http://169.254.169.254/\n```" + `

And more.

## Flagged
` + "```terraform\nresource \"aws_instance\" \"a\" {   # want\n}\n```" + `
Words between are for people.
` + "```terraform main.tf\nmodule \"m\" {}\n```\n```terraform m/main.tf\nx = 1\n```\n```terraform main.tf\ny = 2\n```" + `

## Fixed
` + "~~~terraform\n```\n~~~" + `

## Not flagged

## Undecided
` + "````cloudformation\n````\n"

func TestParse(t *testing.T) {
	r, problems := Parse("aws/aws-ec2-imdsv1.md", []byte(goodPage))
	if problems != nil {
		t.Fatal(problems)
	}
	text := func(s string) value.Value { return value.Value{Kind: value.String, Text: s} }
	num := func(f float64) value.Value { return value.Value{Kind: value.Number, Number: f} }
	yes := value.Value{Kind: value.Bool, Bool: true}
	want := &Rule{
		ID: "aws-ec2-imdsv1", Title: "EC2 instance answers IMDSv1", Severity: finding.High, Category: AccessControl,
		On:      []string{"aws_instance", "aws_launch_template"},
		Require: "this.metadata_options.http_tokens == \"required\" ||\nthis.metadata_options.http_endpoint == \"disabled\"",
		Message: "Tokens are {metadata_options.http_tokens}",
		Why:     "Why it matters.\n\n```sh\ncurl http://169.254.169.254/\n```\n\nAnd more.",
		Fix: []resource.Change{
			{Op: resource.Set, Path: value.Path{{Name: "metadata_options"}, {Name: "http_tokens"}}, Value: text("required")},
			{Op: resource.Set, Path: value.Path{{Name: "monitoring"}}, Value: yes},
			{Op: resource.Remove, Path: value.Path{{Name: "user_data"}}},
			{Op: resource.Add, Path: value.Path{{Name: "ebs_block_device"}}, Value: value.Value{Kind: value.Object, Fields: []value.Field{
				{Name: "device_name", Value: text("/dev/sdb")},
				{Name: "kms_key_id", Value: value.Value{Kind: value.Null}},
				{Name: "sizes", Value: value.Value{Kind: value.List, Items: []value.Value{num(1), num(2.5)}}},
				{Name: "volume_size", Value: num(8)},
			}}},
			{Op: resource.Create, New: &resource.Companion{Type: "aws_ebs_volume", Body: value.Value{Kind: value.Object, Fields: []value.Field{
				{Name: "encrypted", Value: yes},
				{Name: "snapshot_id", Value: text("${this.id}")},
			}}}},
		},
		Caution:  "Programs that know only the first version fail",
		Controls: map[string][]string{"cis-aws-3.0.0": {"5.6"}, "soc2": {"CC6.1", "CC6.6"}},
		Aliases:  []string{"CKV_AWS_79", "AWS-0028"},
		Since:    "0.1",
		Examples: []Example{
			{Section: Flagged, Dialect: "terraform", Files: []File{{Text: "resource \"aws_instance\" \"a\" {   # want\n}\n", Line: 32}}},
			{Section: Flagged, Dialect: "terraform", Files: []File{
				{Name: "main.tf", Text: "module \"m\" {}\n", Line: 37}, {Name: "m/main.tf", Text: "x = 1\n", Line: 40}}},
			{Section: Flagged, Dialect: "terraform", Files: []File{{Name: "main.tf", Text: "y = 2\n", Line: 43}}},
			{Section: Fixed, Dialect: "terraform", Files: []File{{Text: "```\n", Line: 48}}},
			{Section: Undecided, Dialect: "cloudformation", Files: []File{{Line: 55}}},
		},
		Path: "aws/aws-ec2-imdsv1.md",
		Line: 7,
	}
	same := cmp.Comparer(func(a, b value.Value) bool { return a.Equal(&b) })
	if diff := cmp.Diff(want, r, same); diff != "" {
		t.Error(diff)
	}
	on, id, ok := Head([]byte(goodPage))
	if diff := cmp.Diff(want.On, on); diff != "" || id != want.ID || !ok {
		t.Errorf("Head: %v %q %v", on, id, ok)
	}
}

func TestParseProblems(t *testing.T) {
	for name, c := range map[string]struct {
		change [2]string
		line   int
		want   string
	}{
		"unknown key":         {[2]string{"message:", "mesage:"}, 9, `unknown key "mesage": did you mean message?`},
		"missing key":         {[2]string{"severity: high\n", ""}, 1, "lacks severity"},
		"bad severity":        {[2]string{"severity: high", "severity: hihg"}, 3, "is not a severity: use one of critical"},
		"bad category":        {[2]string{"access-control", "acess-control"}, 4, "did you mean access-control?"},
		"key twice":           {[2]string{"since: 0.1", "id: b-c"}, 18, "id is already on line 2"},
		"not yaml":            {[2]string{"since: 0.1", "since: [0.1"}, 17, "is not YAML"},
		"id and file":         {[2]string{"id: aws-ec2-imdsv1", "id: aws-ec2-imdsv2"}, 2, "named after the id"},
		"id form":             {[2]string{"id: aws-ec2-imdsv1", "id: AwsEc2"}, 2, "lower-case words"},
		"wish":                {[2]string{"- remove:", "- delete:"}, 12, `unknown wish "delete"`},
		"wish misspelt":       {[2]string{"- remove:", "- remov:"}, 12, "did you mean remove?"},
		"wish path":           {[2]string{"[user_data]", "[user_data.]"}, 12, "is not a path"},
		"wish of scalars":     {[2]string{"create: {aws_ebs_volume: {", "create: {aws_ebs_volume: x, y: {"}, 14, "must map its attributes"},
		"glob in the middle":  {[2]string{"[aws_instance,", "[aws_*_x,"}, 5, "only at the end"},
		"section":             {[2]string{"## Not flagged", "## Not flaged"}, 51, "did you mean Not flagged?"},
		"section twice":       {[2]string{"## Not flagged", "## Fixed"}, 51, "is there twice"},
		"no title":            {[2]string{"# EC2 instance answers IMDSv1", ""}, 0, "lacks a title"},
		"no why":              {[2]string{"Why it matters.", "## Flagged"}, 0, "does not say why"},
		"fence open":          {[2]string{"````\n", "```\n"}, 54, "not closed"},
		"fence without word":  {[2]string{"~~~terraform", "~~~"}, 47, "must say its dialect"},
		"message":             {[2]string{"{metadata_options.http_tokens}\n", "{metadata options\n"}, 9, "which is not {path}"},
		"no front matter":     {[2]string{"---\nid", "id"}, 1, "must start with front matter"},
		"alias twice":         {[2]string{"AWS-0028]", "CKV_AWS_79]"}, 16, "twice"},
		"controls not a map":  {[2]string{"controls: {cis-aws-3.0.0: [5.6], soc2: [CC6.1, CC6.6]}", "controls: [a]"}, 15, "must map frameworks"},
		"since not a version": {[2]string{"since: 0.1", "since: soon"}, 18, "must be a version"},
		"schema not none":     {[2]string{"since: 0.1", "schema: some"}, 18, "can only be none"},
		"caution alone":       {[2]string{"fix:\n", "no:\n"}, 17, "a caution without a fix"},
		"empty value":         {[2]string{"category: access-control", "category:"}, 4, "must have a value"},
		"alias":               {[2]string{"http_tokens: required", "http_tokens: &a [*a]"}, 11, "aliases cannot be used"},
		"not UTF-8":           {[2]string{"Why", "\xff"}, 0, "not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(goodPage, c.change[0]) {
				t.Fatalf("%q is not in the page", c.change[0])
			}
			_, problems := Parse("aws/aws-ec2-imdsv1.md", []byte(strings.Replace(goodPage, c.change[0], c.change[1], 1)))
			for _, p := range problems {
				if p.Line == c.line && strings.Contains(p.Message, c.want) {
					return
				}
			}
			t.Errorf("want line %d %q, got %v", c.line, c.want, problems)
		})
	}
}

func TestHead(t *testing.T) {
	for _, c := range []struct {
		page, id string
		on       []string
		ok       bool
	}{
		{"---\nid: a-b\non: aws_x\n---\n", "a-b", []string{"aws_x"}, true},
		{"---\non:\n  - aws_x # one\n  - \"aws_y\"\nid: 'a-b'\n---\n", "a-b", []string{"aws_x", "aws_y"}, true},
		{"---\nid: a-b\non: [aws_x,\n  aws_y]\n---\n", "", nil, false},
		{"---\nid: a-b\n---\n", "a-b", nil, false},
		{"---\nid: a-b\non: aws_x\n", "", nil, false},
		{"# No front matter", "", nil, false},
	} {
		on, id, ok := Head([]byte(c.page))
		if ok != c.ok || ok && (id != c.id || !cmp.Equal(on, c.on)) {
			t.Errorf("%q: %v %q %v", c.page, on, id, ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(goodPage))
	f.Add([]byte("---\nid: a-b\non: *x\nfix: [{set: {a: &a [*a]}}]\n---\n# T\n## Flagged\n```\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, problems := Parse("a.md", text)
		lines := strings.Count(string(text), "\n") + 1
		for _, p := range problems {
			if p.Line < 0 || p.Line > lines+1 {
				t.Errorf("line %d of %d: %s", p.Line, lines, p.Message)
			}
		}
		if on, id, ok := Head(text); ok && problems == nil && (id != r.ID || !cmp.Equal(on, r.On)) {
			t.Errorf("Head says %v %q, Parse %v %q", on, id, r.On, r.ID)
		}
	})
}

func TestFile_Shown(t *testing.T) {
	f := File{Text: "a = 1 # want\nb // want 2\n# what I want\n  c = \"# want this\"\n# want\nd # wanted\n"}
	if got, want := f.Shown(), "a = 1\nb\n# what I want\n  c = \"# want this\"\n\nd # wanted\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
