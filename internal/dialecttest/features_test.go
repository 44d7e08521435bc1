package dialecttest

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/schema"
)

const featureFiles = `-- main.tf --
variable "acl" {}
variable "n" {}
resource "aws_s3_bucket" "a" {
  bucket = "logs"
  acl    = var.acl
  tags   = { team = "a" }
}
resource "aws_s3_bucket" "b" {
  count  = var.n
  bucket = "more"
}
resource "aws_iam_policy" "p" {
  policy = jsonencode({Statement = [{Effect = "Allow"}]})
}
`

// TestFeatures holds that a case passes on what is right, and fails on everything else.
func TestFeatures(t *testing.T) {
	d := terraform.New(schema.Load())
	for _, test := range []struct {
		name, head, files, expect string
		want                      string // what one of the failures says; empty when the case passes
	}{
		{"right", "", "", `
# a remark
aws_s3_bucket.a exists
aws_s3_bucket.b maybe
aws_s3_bucket.c absent
aws_s3_bucket.a bucket = "logs"
aws_s3_bucket.a tags = {"team": "a"}
aws_s3_bucket.a acl unknown var.acl
aws_s3_bucket.a policy absent
aws_s3_bucket.a bucket at main.tf:4
aws_iam_policy.p policy = {"Statement": [{"Effect": "Allow"}]}`, ""},
		{"exists", "", "", `aws_s3_bucket.c exists`, "no such resource"},
		{"exists, maybe", "", "", `aws_s3_bucket.b exists`, "maybe is true"},
		{"maybe", "", "", `aws_s3_bucket.a maybe`, "maybe is false"},
		{"absent resource", "", "", `aws_s3_bucket.a absent`, "it is there"},
		{"value of nothing", "", "", `aws_s3_bucket.c bucket = "logs"`, "no such resource"},
		{"value", "", "", `aws_s3_bucket.a bucket = "log"`, `it is "logs"`},
		{"value of another kind", "", "", `aws_s3_bucket.a bucket = ["logs"]`, `it is "logs"`},
		{"known", "", "", `aws_s3_bucket.a acl = "private"`, `__unknown__`},
		{"a key more", "", "", `aws_s3_bucket.a tags = {}`, `it is {"team"`},
		{"a key less", "", "", `aws_s3_bucket.a tags = {"team": "a", "b": 1}`, `it is {"team"`},
		{"in a document", "", "", `aws_iam_policy.p policy = {"Statement": [{"Effect": "Deny"}]}`, `it is`},
		{"unknown", "", "", `aws_s3_bucket.a bucket unknown`, `it is "logs"`},
		{"unknown for another reason", "", "", `aws_s3_bucket.a acl unknown var.b`, `it waits for ["var.acl"]`},
		{"absent value", "", "", `aws_s3_bucket.a bucket absent`, `it is "logs"`},
		{"place", "", "", `aws_s3_bucket.a bucket at main.tf:5`, `it stands at main.tf:4`},
		{"place of nothing", "", "", `aws_s3_bucket.a policy at main.tf:5`, `it stands nowhere`},
		{"problem", "", "", `problem invalid nothing`, `no such problem`},
		{"another problem", "", "-- b.tf --\nlocals {\n", `aws_s3_bucket.a exists`, `invalid problem`},
		{"missing module", "", "-- b.tf --\nmodule \"m\" {\n  source = \"a/b/c\"\n}\n", "aws_s3_bucket.a exists\nproblem unresolved module.m\nmissing module.m", ""},
		{"missing module, not expected", "", "-- b.tf --\nmodule \"m\" {\n  source = \"a/b/c\"\n}\n", "problem unresolved module.m", "module.m is missing"},
		{"nothing missing", "", "", "missing module.m", "it is not"},
		{"variable", "var: acl=private", "", `aws_s3_bucket.a acl = "private"`, ""},
		{"environment", "env: TF_VAR_acl=private", "", `aws_s3_bucket.a acl = "private"`, ""},

		{"unknown status", "status: unknown", "", `aws_s3_bucket.a acl = "private"`, ""},
		{"unknown status, wrong", "status: unknown", "", "aws_s3_bucket.a acl = \"private\"\naws_s3_bucket.a bucket = \"log\"", `it is "logs"`},
		{"unknown status, supported", "status: unknown", "", `aws_s3_bucket.a bucket = "logs"`, "supported now"},
		{"unknown status, missing", "status: unknown", "", `aws_s3_bucket.c exists`, "no such resource"},
		{"unknown status, problem", "status: unknown", "-- b.tf --\nlocals {\n", `aws_s3_bucket.a acl = "private"`, `invalid problem`},
		{"unsupported, told", "status: unsupported", "-- b.tf --\nlocals {\n", `aws_s3_bucket.c exists`, ""},
		{"unsupported, silent", "status: unsupported", "", `aws_s3_bucket.c exists`, "no problem tells"},
		{"unsupported, wrong", "status: unsupported", "-- b.tf --\nlocals {\n", `aws_s3_bucket.a bucket = "log"`, `it is "logs"`},
		{"unsupported, supported", "status: unsupported", "", `aws_s3_bucket.a bucket = "logs"`, "supported now"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := readFeature("a.txtar", []byte("A title\n"+test.head+"\n"+featureFiles+test.files+"-- expect --\n"+test.expect+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			got := f.Run(d)
			switch {
			case test.want == "" && len(got) > 0:
				t.Errorf("it fails: %s", strings.Join(got, "\n"))
			case test.want != "" && !strings.Contains(strings.Join(got, "\n"), test.want):
				t.Errorf("no failure says %q: %q", test.want, got)
			}
		})
	}
}

func TestReadFeatures(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"no title":      {"-- a.tf --\n-- expect --\na.b exists\n", "no title"},
		"nothing":       {"A title\n-- a.tf --\n", "expects nothing"},
		"status":        {"A title\nstatus: perhaps\n-- a.tf --\n-- expect --\na.b exists\n", "no status"},
		"JSON":          {"A title\n-- a.tf --\n-- expect --\na.b c = d\n", "not JSON"},
		"word":          {"A title\n-- a.tf --\n-- expect --\na.b c is 1\n", "nothing that can be expected"},
		"no word":       {"A title\n-- a.tf --\n-- expect --\na.b c\n", "what is expected"},
		"place":         {"A title\n-- a.tf --\n-- expect --\na.b c at 3\n", "FILE:LINE"},
		"problem":       {"A title\n-- a.tf --\n-- expect --\nproblem invalid\n", "a kind and a text"},
		"behind absent": {"A title\n-- a.tf --\n-- expect --\na.b c absent d\n", "behind absent"},
	} {
		_, err := ReadFeatures(fstest.MapFS{"a.txtar": {Data: []byte(test.text)}})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: the error is %v, want %s", name, err, test.want)
		}
	}
	text := []byte("A | title\nstatus: unknown\nWhy, in\nshort.\n-- a.tf --\n-- expect --\ndev: play[\"a b\"].x[\"c\"] tags[\"d e\"] = 1\n")
	if _, err := ReadFeatures(fstest.MapFS{"a.txtar": {Data: text}, "b.txtar": {Data: text}}); err == nil || !strings.Contains(err.Error(), "same title") {
		t.Errorf("two cases with one title: %v", err)
	}
	features, err := ReadFeatures(fstest.MapFS{"a.txtar": {Data: text}})
	if err != nil {
		t.Fatal(err)
	}
	if x := features[0].expects[0]; x.address != `dev: play["a b"].x["c"]` || x.path.String() != `tags["d e"]` || x.rest != "1" {
		t.Errorf("the expectation is read as %q, %q, %q", x.address, x.path, x.rest)
	}
	var b bytes.Buffer
	WriteFeatures(&b, features, "dir")
	if want := `| A \| title. Why, in short. | unknown | [a](dir/a.txtar) |`; !strings.Contains(b.String(), want) {
		t.Errorf("the table has no line %s:\n%s", want, b.String())
	}
}
