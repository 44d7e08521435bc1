package rule

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// clausePage is a page with an expression for each type.
const clausePage = `---
id: acme-bucket-open
severity: low
category: network
on: [aws_s3_bucket, aws_s3_bucket_acl]
require:
  aws_s3_bucket: this.acl != "public-read"
  aws_s3_bucket_acl: >-
    this.acl != "public-read"
    && has(this.bucket)
message: Open
---
# Bucket is open

Why.
`

func TestClauses(t *testing.T) {
	r, problems := Parse("acme-bucket-open.md", []byte(clausePage))
	if problems != nil {
		t.Fatal(problems)
	}
	want := map[string]Clause{
		"aws_s3_bucket":     {Text: `this.acl != "public-read"`, Line: 7},
		"aws_s3_bucket_acl": {Text: `this.acl != "public-read" && has(this.bucket)`, Line: 9},
	}
	if d := cmp.Diff(want, r.Clauses); d != "" {
		t.Error(d)
	}
	if got := r.RequireOf("aws_s3_bucket_acl"); got != want["aws_s3_bucket_acl"].Text {
		t.Errorf("RequireOf gives %q", got)
	}
	if want := "aws_s3_bucket: " + want["aws_s3_bucket"].Text + "\naws_s3_bucket_acl: " + want["aws_s3_bucket_acl"].Text; r.Require != want {
		t.Errorf("Require is %q", r.Require)
	}
	programs, problems := Compile(r, testSet)
	if problems != nil || len(programs) != 2 || programs[1].Rule != r {
		t.Errorf("%d programs, %v", len(programs), problems)
	}
}

func TestOneExpressionForAll(t *testing.T) {
	text := strings.Replace(clausePage, clausePage[strings.Index(clausePage, "require:"):strings.Index(clausePage, "message:")], "require: has(this.bucket)\n", 1)
	r, problems := Parse("acme-bucket-open.md", []byte(text))
	if problems != nil || r.Clauses != nil || r.RequireOf("aws_s3_bucket_acl") != "has(this.bucket)" {
		t.Errorf("%v, %v, %q", problems, r.Clauses, r.RequireOf("aws_s3_bucket_acl"))
	}
}

func TestBadClauses(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"type without expression": {"on: [aws_s3_bucket,", "on: [aws_s3_object, aws_s3_bucket,", "6: there is no expression for aws_s3_object"},
		"expression without type": {"aws_s3_bucket: this", "aws_s3_buket: this", "7: there is an expression for aws_s3_buket, but the rule is not on it: did you mean aws_s3_bucket?"},
		"twice":                   {"  aws_s3_bucket_acl: >-", "  aws_s3_bucket: this.acl == null\n  aws_s3_bucket_acl: >-", "8: aws_s3_bucket has an expression already"},
		"empty":                   {`this.acl != "public-read"` + "\n", "\n", "7: aws_s3_bucket must have a value"},
	} {
		_, problems := Parse("acme-bucket-open.md", []byte(strings.Replace(clausePage, c.old, c.new, 1)))
		line, message, _ := strings.Cut(c.want, ": ")
		if !slices.ContainsFunc(problems, func(p Problem) bool { return p.Message == message && strconv.Itoa(p.Line) == line }) {
			t.Errorf("%s: got %v, want %q", name, problems, c.want)
		}
	}
}

// A mistake is reported at its line in the page, whichever expression it is in.
func TestClauseMistakeHasItsLine(t *testing.T) {
	r, problems := Parse("acme-bucket-open.md", []byte(strings.Replace(clausePage, "has(this.bucket)", "has(this.buckt)", 1)))
	if problems != nil {
		t.Fatal(problems)
	}
	programs, problems := Compile(r, testSet)
	if len(programs) != 1 || len(problems) != 1 || problems[0].Line != 9 || !strings.Contains(problems[0].Message, "did you mean bucket?") {
		t.Errorf("%d programs, %v", len(programs), problems)
	}
}
