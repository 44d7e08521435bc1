package terragrunt

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

func aSet(path string, v value.Value) resource.Change {
	p, ok := value.ParsePath(path)
	if !ok {
		panic(path)
	}
	return resource.Change{Op: resource.Set, Path: p, Value: v}
}

func aText(s string) value.Value { return value.Value{Kind: value.String, Text: s} }

var (
	aYes = value.Value{Kind: value.Bool, Bool: true}
	aNo  = value.Value{Kind: value.Bool}
)

// estateFiles is a unit that includes two files, reads a third and depends on another unit.
var estateFiles = map[string]string{
	"live/root.hcl": `locals {
  env = read_terragrunt_config(find_in_parent_folders("env.hcl"))
}

remote_state {
  backend = "s3"
  config = {
    bucket  = "acme-state"
    key     = "${path_relative_to_include()}/terraform.tfstate"
    region  = "eu-central-1"
    encrypt = false
  }
}

generate "provider" {
  path      = "provider.tf"
  if_exists = "overwrite_terragrunt"
  contents  = <<EOF
provider "aws" {
  region = "eu-central-1"
}
EOF
}

inputs = {
  acl = local.env.locals.acl # shared
}
`,
	"live/prod/env.hcl": `locals {
  acl = "public-read"
}
`,
	"live/prod/logs/terragrunt.hcl": `include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "../../../modules//bucket"
}

dependency "key" {
  config_path = "../key"
}

# what the module takes
inputs = {
  bucket = "acme-logs" # its name
  size   = 10
  key    = dependency.key.outputs.arn
  zone   = dependency.key.outputs.zone
  owner  = get_env("OWNER")
}
`,
	"live/prod/key/terragrunt.hcl": `terraform {
  source = "../../../modules//key"
}

inputs = {
  place = "eu-central-1a"
}
`,
	"modules/bucket/main.tf": `variable "bucket" {}
variable "acl" {}
variable "size" {}
variable "key" {}
variable "zone" {}
variable "owner" {}

# a bucket
resource "aws_s3_bucket" "this" {
  bucket = var.bucket
  acl    = var.acl
}

resource "aws_ebs_volume" "data" {
  availability_zone = var.zone
  size              = var.size
  kms_key_id        = var.key
  outpost_arn       = var.owner
}
`,
	"modules/key/main.tf": `variable "place" {}

resource "aws_kms_key" "this" {
  description = "of volumes"
}

output "arn" {
  value = aws_kms_key.this.arn
}

output "zone" {
  value = var.place
}
`,
}

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{
		{
			Name:  "units",
			Files: estateFiles,
			Addresses: []string{
				"aws_kms_key.this", "output.arn", "output.zone", "var.place",
				"aws_ebs_volume.data", "aws_s3_bucket.this", "backend.s3", "provider.aws", "var.acl", "var.bucket", "var.key", "var.owner",
				"var.size", "var.zone",
			},
			Values: []dialecttest.Value{
				{Address: "aws_s3_bucket.this", Path: "acl", Show: `"public-read"`, At: "var.acl"},
				{Address: "aws_s3_bucket.this", Path: "bucket", Show: `"acme-logs"`, At: "var.bucket"},
				{Address: "aws_ebs_volume.data", Path: "availability_zone", Show: `"eu-central-1a"`, At: "var.zone"},
				{Address: "aws_ebs_volume.data", Path: "kms_key_id", At: "var.key", Wait: "dependency.key.outputs.arn"},
				{Address: "aws_ebs_volume.data", Path: "outpost_arn", At: "var.owner", Wait: `get_env("OWNER")`},
				{Address: "backend.s3", Path: "encrypt", Show: "false"},
				{Address: "backend.s3", Path: "key", Show: `"prod/logs/terraform.tfstate"`, At: "path_relative_to_include"},
				{Address: "provider.aws", Path: "region", Show: `"eu-central-1"`},
			},
			Wishes: []dialecttest.Wish{
				{Name: "through inputs", Address: "aws_s3_bucket.this", Changes: []resource.Change{aSet("bucket", aText("acme"))}},
				{Name: "through a file that is read", Address: "aws_s3_bucket.this", Changes: []resource.Change{aSet("acl", aText("private"))},
					Want: map[string]string{"live/prod/env.hcl": "locals {\n  acl = \"private\"\n}\n"}},
				{Name: "in the module", Address: "aws_ebs_volume.data", Changes: []resource.Change{aSet("encrypted", aYes)}},
				{Name: "the state", Address: "backend.s3", Changes: []resource.Change{aSet("encrypt", aYes)}},
				{Name: "more of the state", Address: "backend.s3", Changes: []resource.Change{aSet("use_lockfile", aYes)}},
				{Name: "a generated file", Address: "provider.aws", Changes: []resource.Change{aSet("insecure", aNo)}, Refused: true},
			},
		},
		{
			Name: "stack",
			Files: map[string]string{
				"live/terragrunt.stack.hcl": `locals {
  acl = "public-read"
}

unit "logs" {
  source = "../units/bucket"
  path   = "logs"
  values = {
    name = "acme-logs"
    acl  = local.acl
  }
}
`,
				"units/bucket/terragrunt.hcl": `terraform {
  source = "${get_repo_root()}/modules//bucket"
}

inputs = merge(values, {
  name = values.name
})
`,
				"modules/bucket/main.tf": `variable "name" {}
variable "acl" {}

resource "aws_s3_bucket" "this" {
  bucket = var.name
  acl    = var.acl
}
`,
			},
			Addresses: []string{"aws_s3_bucket.this", "var.acl", "var.name"},
			Values: []dialecttest.Value{
				{Address: "aws_s3_bucket.this", Path: "acl", Show: `"public-read"`, At: "var.acl"},
				{Address: "aws_s3_bucket.this", Path: "bucket", Show: `"acme-logs"`, At: "var.name"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "through values", Address: "aws_s3_bucket.this", Changes: []resource.Change{aSet("bucket", aText("acme"))}},
				{Name: "through a local of the stack", Address: "aws_s3_bucket.this", Changes: []resource.Change{aSet("acl", aText("private"))}},
			},
		},
	},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzConformance(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzConformanceEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }
