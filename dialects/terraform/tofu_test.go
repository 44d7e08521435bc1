package terraform

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestTofu evaluates what only OpenTofu has: its own files before Terraform's, encrypted state, several instances of a
// provider, sources made of variables, and switches.
func TestTofu(t *testing.T) {
	e, problems := estateOf(t, fstest.MapFS{
		"main.tf": {Data: []byte(`this is not read`)},
		"main.tofu": {Data: []byte(`
terraform {
  encryption {
    key_provider "pbkdf2" "k" {
      passphrase = var.pass
    }
    method "aes_gcm" "m" {
      keys = key_provider.pbkdf2.k
    }
    state {
      method = method.aes_gcm.m
    }
  }
  backend "s3" {
    bucket = var.bucket
  }
}
variable "pass" {}
variable "bucket" { default = "states" }
variable "regions" { default = { a = "eu-west-1", b = "us-east-1" } }
variable "from" { default = "./m" }
variable "on" {}
provider "aws" {
  alias    = "by"
  for_each = var.regions
  region   = each.value
  default_tags {
    tags = { region = each.key, team = "core" }
  }
}
resource "aws_ebs_volume" "v" {
  for_each = var.regions
  provider = aws.by[each.key]
}
resource "aws_sqs_queue" "off" {
  lifecycle {
    enabled = false
  }
}
resource "aws_sqs_queue" "maybe" {
  lifecycle {
    enabled = var.on
  }
}
module "m" {
  source    = var.from
  for_each  = var.regions
  providers = { aws = aws.by[each.key] }
}
module "n" {
  source = "./m"
  lifecycle {
    enabled = false
  }
}
`)},
		"m/main.tf": {Data: []byte(`resource "aws_ebs_volume" "w" {}`)},
	}, nil)
	u := evaluateAll(t, e)[".:"]
	if len(problems)+len(u.Problems) > 0 {
		t.Error(problems, u.Problems)
	}
	got := map[string][]string{}
	for _, r := range u.Graph.Resources {
		if r.Type == "aws_ebs_volume" || r.Type == "aws_sqs_queue" {
			got[r.Address] = tagTexts(r)
			if r.Maybe {
				got[r.Address] = append(got[r.Address], "maybe")
			}
		}
	}
	tags := []string{"region=(unknown) default_tags of provider.aws.by", `team="core" default_tags of provider.aws.by`}
	want := map[string][]string{
		`aws_ebs_volume.v["a"]`: tags, `aws_ebs_volume.v["b"]`: tags,
		`module.m["a"].aws_ebs_volume.w`: tags, `module.m["b"].aws_ebs_volume.w`: tags,
		"aws_sqs_queue.maybe": {"maybe"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if b := u.Graph.ByAddress("backend.s3"); b == nil || b.Body.Field("bucket").Text != "states" {
		t.Errorf("the backend is %v", b)
	}
}
