package report

import (
	"strings"
	"testing"
	"time"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// tree is the files of a hand-made report.
type tree map[string]*source.File

func (t tree) add(path, text string) { t[path] = &source.File{Path: path, Bytes: []byte(text)} }

// at returns the place of text in a file; the first bar in text|more ends what is marked.
func (t tree) at(tb testing.TB, path, text string) finding.Location {
	tb.Helper()
	mark, _, _ := strings.Cut(text, "|")
	f := t[path]
	i := strings.Index(string(f.Bytes), strings.Replace(text, "|", "", 1))
	if i < 0 {
		tb.Fatalf("%s does not hold %q", path, text)
	}
	return t.between(path, i, i+len(mark))
}

func (t tree) between(path string, start, end int) finding.Location {
	f := t[path]
	return finding.Location{Range: source.Range{File: path, Start: start, End: end}, From: f.Position(start), To: f.Position(end)}
}

// whole is the place of a file of which nothing more is known.
func whole(path string) finding.Location {
	return finding.Location{Range: source.Range{File: path}}
}

const sampleMain = `provider "aws" {
  region = "eu-west-1"
}

module "assets" {
  source = "./modules/bucket"
  name   = "assets"
  acl    = "public-read"
}

module "logs" {
  source = "./modules/bucket"
  name   = "logs"
  acl    = "public-read"
}

resource "aws_instance" "web" {
  ami           = "ami-1"
  instance_type = "t3.micro"
  user_data     = <<-EOT
    #!/bin/sh
    echo "grüße, 世界"
  EOT
}

resource "aws_security_group_rule" "ssh" {
  cidr_blocks = ["0.0.0.0/0"] # plumbline:ignore aws-sg-open-ssh until=2027-01-31 bastion, see NET-12
}
`

const sampleBucket = `variable "acl" {}
variable "kms_key" {
  type = string
}

resource "aws_s3_bucket" "this" {
  bucket = var.name
	acl = var.acl
}
`

// sample is a report that uses every field, with the files it speaks of.
func sample(tb testing.TB) (*finding.Report, tree) {
	files := tree{}
	files.add("main.tf", sampleMain)
	files.add("modules/bucket/main.tf", sampleBucket)
	files.add("network.tf", "resource \"aws_vpc\" \"main\" {\n  cidr = \n}\n")

	var acl []finding.Finding
	for _, m := range []string{"assets", "logs"} {
		acl = append(acl, finding.Finding{
			ID: "1-aaaa" + m, Twin: "1-twin", Rule: "aws-s3-public-acl", Severity: finding.Critical, Outcome: finding.Fail,
			Message: "The bucket's ACL lets anyone on the internet list it", Path: "acl",
			Resource: finding.Resource{
				Address: "module." + m + ".aws_s3_bucket.this", Type: "aws_s3_bucket", Provider: "aws", Dialect: "terraform", Unit: ".",
				Variants: []string{"dev.tfvars", "prod.tfvars"},
				Calls:    []finding.Related{{Location: files.at(tb, "main.tf", `module "`+m+`" {`), Text: "module." + m}},
				Range:    files.at(tb, "modules/bucket/main.tf", strings.TrimSuffix(sampleBucket[strings.Index(sampleBucket, "resource"):], "\n")),
			},
			Location: files.at(tb, "modules/bucket/main.tf", "var.acl"),
			Related:  []finding.Related{{Location: files.at(tb, "modules/bucket/main.tf", "var.name"), Text: "the bucket has no public access block"}, {Location: files.at(tb, "modules/bucket/main.tf", "bucket = var.name"), Text: "bucket"}},
			Evidence: []finding.Evidence{{Path: "bucket", Value: `"logs"`}, {Path: "acl", Value: `"public-read"`, From: []finding.Related{
				{Location: files.at(tb, "modules/bucket/main.tf", `variable "acl" {}`), Text: "var.acl"},
				{Location: files.at(tb, "main.tf", `acl    = "public-read"`), Text: "argument acl of module." + m},
			}}},
			Fixes: []finding.Fix{{
				Title: `set acl to "private"`, Shared: []string{"module." + m + ".aws_s3_bucket_acl.this"},
				Edits: []finding.Edit{{Location: files.at(tb, "main.tf", "\"public-read\"|\n}\n\n"+map[string]string{"assets": "module", "logs": "resource"}[m]), Text: `"private"`}},
			}},
		})
	}
	web := finding.Resource{Address: "aws_instance.web", Type: "aws_instance", Provider: "aws", Dialect: "terraform", Unit: ".",
		Range: files.at(tb, "main.tf", sampleMain[strings.Index(sampleMain, `resource "aws_instance"`):strings.Index(sampleMain, "\n\nresource \"aws_security")])}
	end := strings.Index(sampleMain, "  EOT\n") + len("  EOT\n")
	imds := finding.Finding{
		ID: "1-bbbb", Twin: "1-twin-b", Rule: "aws-ec2-imdsv1", Severity: finding.High, Outcome: finding.Fail, Resource: web,
		Message: "The instance answers IMDSv1 requests, which SSRF can reach", Path: "metadata_options.http_tokens", Location: web.Range,
		Evidence: []finding.Evidence{{Path: "metadata_options.http_tokens", Value: "(not set)"}},
		Fixes: []finding.Fix{{Title: `set metadata_options.http_tokens to "required"`, Edits: []finding.Edit{
			{Location: files.between("main.tf", end, end), Text: "\n  metadata_options {\n    http_tokens = \"required\"\n  }\n"}}}},
	}
	greet := finding.Finding{
		ID: "1-cccc", Twin: "1-twin-c", Rule: "aws-ec2-user-data", Severity: finding.Medium, Outcome: finding.Fail, Resource: web,
		Message: "User data speaks", Path: "user_data", Location: files.at(tb, "main.tf", "世界"),
		Evidence: []finding.Evidence{{Path: "user_data", Value: "(sensitive)"}},
	}
	ssh := finding.Finding{
		ID: "1-dddd", Twin: "1-twin-d", Rule: "aws-sg-open-ssh", Severity: finding.High, Outcome: finding.Fail, Path: "cidr_blocks[0]",
		Message:  "SSH is open to the world",
		Resource: finding.Resource{Address: "aws_security_group_rule.ssh", Type: "aws_security_group_rule", Provider: "aws", Dialect: "terraform", Unit: ".", Range: files.at(tb, "main.tf", `resource "aws_security_group_rule" "ssh" {`)},
		Location: files.at(tb, "main.tf", `"0.0.0.0/0"`),
		Suppression: &finding.Suppression{Kind: finding.Inline, Rules: []string{"aws-sg-open-ssh"}, Reason: "bastion, see NET-12",
			Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC), Location: files.at(tb, "main.tf", "# plumbline:ignore aws-sg-open-ssh until=2027-01-31 bastion, see NET-12")},
	}
	baseline := finding.Finding{
		ID: "1-eeee", Twin: "1-twin-e", Rule: "aws-vpc-flow-logs", Severity: finding.Low, Outcome: finding.Fail, Message: "The VPC keeps no flow logs",
		Resource: finding.Resource{Address: "aws_vpc.main", Type: "aws_vpc", Provider: "aws", Dialect: "terraform", Unit: "."},
		Location: whole("network.tf"), Suppression: &finding.Suppression{Kind: finding.Baseline, Rules: []string{"aws-vpc-flow-logs"}, Location: whole(".plumbline-baseline.json")},
	}
	noplace := finding.Finding{
		ID: "1-ffff", Twin: "1-twin-f", Rule: "aws-cloudtrail-none", Severity: finding.Info, Outcome: finding.Fail, Message: "No trail records what is done in the account",
		Resource: finding.Resource{Maybe: true, Address: "provider.aws", Type: "provider.aws", Provider: "aws", Dialect: "terraform", Unit: "."},
	}
	kms := finding.Wait{Name: "var.kms_key", Kind: "variable", Location: files.at(tb, "modules/bucket/main.tf", `variable "kms_key" {`)}
	undecided := finding.Finding{
		ID: "1-0001", Twin: "1-twin-u", Rule: "aws-s3-public-acl", Severity: finding.Critical, Outcome: finding.Undecided, Message: "The bucket's key may be the default one",
		Resource: finding.Resource{Address: "aws_s3_bucket.state", Type: "aws_s3_bucket", Provider: "aws", Dialect: "terraform", Unit: "."},
		Location: files.at(tb, "modules/bucket/main.tf", `"aws_s3_bucket"`), Waits: []finding.Wait{kms},
		Evidence: []finding.Evidence{{Path: "kms_key_id", Value: "(unknown)"}},
	}
	undecided2 := undecided
	undecided2.ID, undecided2.Rule = "1-0002", "aws-ec2-imdsv1"
	undecided3 := undecided
	undecided3.ID, undecided3.Waits = "1-0003", []finding.Wait{{Name: "data.aws_ami.latest", Kind: "data"}, kms}
	undecided4 := undecided
	undecided4.ID, undecided4.Waits = "1-0004", []finding.Wait{{Name: "module.vpc", Kind: "module"}}

	return &finding.Report{
		Tool: finding.Tool{Version: "0.1.0"}, Root: "shop",
		Findings:  []finding.Finding{acl[0], acl[1], ssh, imds, greet, baseline, noplace},
		Undecided: []finding.Finding{undecided, undecided2, undecided3, undecided4},
		Problems: []finding.Problem{
			{Kind: source.Invalid, Location: files.at(tb, "network.tf", "\n}\n"), Message: "expected a value after the equals sign: write one or remove the attribute", Unit: "."},
			{Kind: source.Unreadable, Location: whole("secret.tf"), Message: "permission denied: give the scanner read access or exclude the file"},
			{Kind: source.Unresolved, Location: files.at(tb, "main.tf", `module "logs" {`), Message: "module.vpc is not at hand: run terraform init", Unit: "."},
		},
		Hygiene: []finding.Hygiene{{Kind: "unused", Message: "Nothing is suppressed by this comment any more: remove it",
			Suppression: finding.Suppression{Kind: finding.Inline, Rules: []string{"aws-x"}, Location: files.at(tb, "main.tf", `region = "eu-west-1"`)}}},
		Rules: []finding.Rule{
			{ID: "aws-cloudtrail-none", Title: "No CloudTrail", Severity: finding.Info, Category: "logging", Why: "Without a trail nobody can say who did what."},
			{ID: "aws-ec2-imdsv1", Title: "EC2 instance answers IMDSv1", Severity: finding.High, Category: "access-control",
				Why:      "Version 1 of the metadata service answers any GET request, so a **server-side request forgery** in the application\nhands out the role's credentials, as in the [Capital One breach](https://example.com/x).\n\nVersion 2 wants a token.",
				Controls: map[string][]string{"cis-aws-3.0.0": {"5.6"}, "nist-800-53-r5": {"AC-3", "AC-6"}}, Aliases: []string{"CKV_AWS_79", "AWS-0028"}},
			{ID: "aws-ec2-user-data", Title: "User data holds text", Severity: finding.Medium, Category: "secrets", Why: "`user_data` can be read by anyone who can describe the instance."},
			{ID: "aws-s3-public-acl", Title: "S3 bucket has a public ACL", Severity: finding.Critical, Category: "public-access", Why: "Anyone can list and read what is in the bucket.", Controls: map[string][]string{"soc2": {"CC6.1"}}},
			{ID: "aws-sg-open-ssh", Title: "SSH is open to the world", Severity: finding.High, Category: "network"},
			{ID: "aws-vpc-flow-logs", Title: "VPC without flow logs", Severity: finding.Low, Category: "logging"},
		},
		Controls: []finding.Control{
			{Framework: "cis-aws-3.0.0", ID: "5.6", Title: "Instances ask for session tokens", Status: "fail", Rules: []string{"aws-ec2-imdsv1"}, Findings: 1, Undecided: 1},
			{Framework: "cis-aws-3.0.0", ID: "3.7", Title: "VPCs keep flow logs", Status: "accepted", Rules: []string{"aws-vpc-flow-logs"}, Suppressed: 1},
			{Framework: "soc2", ID: "CC6.1", Title: "Access is limited", Status: "uncovered", Rules: []string{"aws-s3-public-acl"}},
		},
		Coverage: finding.Coverage{Files: 3, Dialects: map[string]int{"terraform": 2, "cloudformation": 1}, Skipped: 2, Ignored: 1, Units: 1, Resources: 9, Rules: 6, Verdicts: map[string]int{"pass": 40, "fail": 7, "undecided": 4}, Missing: []string{"module.vpc terraform-aws-modules/vpc/aws"}},
	}, files
}

func sampleInput(tb testing.TB) Input {
	r, files := sample(tb)
	return Input{Report: r, Files: func(p string) *source.File { return files[p] }}
}

func written(tb testing.TB, format string, in Input) string {
	tb.Helper()
	f, ok := Lookup(format)
	if !ok {
		tb.Fatalf("no format %s", format)
	}
	var b strings.Builder
	if err := f.Write(&b, in); err != nil {
		tb.Fatalf("%s: %v", format, err)
	}
	return b.String()
}
