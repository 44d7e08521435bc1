package terraform

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

var aYes = value.Value{Kind: value.Bool, Bool: true}

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{
		{
			Name: "module",
			Files: map[string]string{
				"main.tf": `variable "acl" {
  default = "public-read" # the default
}

variable "key" {}

# a bucket
resource "aws_s3_bucket" "logs" {
  bucket = "acme-logs" # its name
  acl    = var.acl
}

resource "aws_ebs_volume" "data" {
  availability_zone = "eu-central-1a"
  size              = 10
  kms_key_id        = var.key
}

module "web" {
  source = "./web"
  size   = 3
}
`,
				"web/main.tf": `variable "size" {}

resource "aws_ebs_volume" "disk" {
  count             = 2
  availability_zone = "eu-central-1b"
  size              = var.size
  tags = {
    Name = "disk"
  }
}
`,
			},
			Addresses: []string{
				"aws_s3_bucket.logs", "aws_ebs_volume.data", "module.web", "module.web.aws_ebs_volume.disk[0]",
				"module.web.aws_ebs_volume.disk[1]", "var.acl", "var.key", "module.web.var.size",
			},
			Values: []dialecttest.Value{
				{Address: "aws_s3_bucket.logs", Path: "bucket", Show: `"acme-logs"`},
				{Address: "aws_s3_bucket.logs", Path: "acl", Show: `"public-read"`, At: "var.acl"},
				{Address: "aws_ebs_volume.data", Path: "kms_key_id", At: "var.key", Wait: "var.key"},
				{Address: "module.web.aws_ebs_volume.disk[1]", Path: "size", Show: "3", At: "var.size"},
				{Address: "module.web.aws_ebs_volume.disk[1]", Path: "tags.Name", Show: `"disk"`},
			},
			Wishes: []dialecttest.Wish{
				{
					Name: "set", Address: "aws_ebs_volume.data", Changes: []resource.Change{aSet("encrypted", aYes)},
				},
				{
					Name: "change", Address: "aws_s3_bucket.logs", Changes: []resource.Change{aSet("bucket", aText("acme"))},
				},
				{
					Name: "through a variable", Address: "aws_s3_bucket.logs", Changes: []resource.Change{aSet("acl", aText("private"))},
				},
				{
					Name: "in a called module", Address: "module.web.aws_ebs_volume.disk[0]", Changes: []resource.Change{aSet("encrypted", aYes)},
				},
				{
					Name: "remove", Address: "aws_ebs_volume.data", Changes: []resource.Change{{Op: resource.Remove, Path: value.Path{{Name: "kms_key_id"}}}},
				},
				{
					Name: "create", Address: "aws_s3_bucket.logs", Changes: []resource.Change{{Op: resource.Create, New: &resource.Companion{
						Type: "aws_s3_bucket_public_access_block",
						Body: value.Value{Kind: value.Object, Fields: []value.Field{{Name: "block_public_acls", Value: aYes}, {Name: "bucket", Value: aText("${this.id}")}}},
					}}},
				},
			},
		},
		{
			Name:         "JSON",
			NoDirectives: true,
			Files: map[string]string{
				"main.tf.json": "{\n  \"resource\": {\n    \"aws_ebs_volume\": {\n      \"a\": {\n        \"size\": 10,\n        \"kms_key_id\": \"${var.key}\"\n      }\n    }\n  },\n  \"variable\": {\n    \"key\": {}\n  }\n}\n",
				"other.tf":     "resource \"aws_ebs_volume\" \"b\" {\n  size = 11\n}\n",
			},
			Addresses: []string{"aws_ebs_volume.a", "aws_ebs_volume.b", "var.key"},
			Values: []dialecttest.Value{
				{Address: "aws_ebs_volume.a", Path: "size", Show: "10", At: "10"},
				{Address: "aws_ebs_volume.a", Path: "kms_key_id", At: "var.key", Wait: "var.key"},
			},
		},
	},
}

func FuzzConformance(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzConformanceEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }
