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
			Name: "objects of Kubernetes",
			Files: map[string]string{
				"main.tf": `variable "user" {}

variable "debug" {
  default = true
}

# a pod
resource "kubernetes_pod_v1" "web" {
  metadata {
    name = "web" # its name
  }

  spec {
    host_pid = var.debug

    container {
      name  = "app"
      image = "ghcr.io/acme/shop:1.8.2"

      security_context {
        run_as_user = var.user
      }
    }
  }
}

resource "kubernetes_manifest" "account" {
  manifest = {
    apiVersion = "v1"
    kind       = "ServiceAccount"
    metadata   = { name = "shop", namespace = "shop" }
  }
}
`,
			},
			Addresses: []string{
				"kubernetes_manifest.account", "kubernetes_pod_v1.web", "kubernetes_pod_v1.web container app",
				"resource.kubernetes_manifest.account", "resource.kubernetes_pod_v1.web", "var.debug", "var.user",
			},
			Values: []dialecttest.Value{
				{Address: "kubernetes_pod_v1.web", Path: "metadata.name", Show: `"web"`},
				{Address: "kubernetes_pod_v1.web", Path: "spec.hostPID", Show: "true", At: "var.debug"},
				{Address: "kubernetes_pod_v1.web container app", Path: "securityContext.runAsUser", At: "var.user", Wait: "var.user"},
				{Address: "kubernetes_manifest.account", Path: "metadata.namespace", Show: `"shop"`},
			},
			Wishes: []dialecttest.Wish{
				{
					Name: "set", Address: "kubernetes_pod_v1.web container app",
					Changes: []resource.Change{aSet("securityContext.readOnlyRootFilesystem", aYes)},
				},
				{
					Name: "through a variable", Address: "kubernetes_pod_v1.web",
					Changes: []resource.Change{aSet("spec.hostPID", value.Value{Kind: value.Bool})},
				},
				{
					Name: "an object", Address: "kubernetes_pod_v1.web container app",
					Changes: []resource.Change{aSet("securityContext.seccompProfile.type", aText("RuntimeDefault"))},
				},
				{
					Name: "in a value", Address: "kubernetes_manifest.account",
					Changes: []resource.Change{aSet("automountServiceAccountToken", value.Value{Kind: value.Bool})},
				},
				{
					Name: "remove", Address: "kubernetes_pod_v1.web container app",
					Changes: []resource.Change{{Op: resource.Remove, Path: value.Path{{Name: "securityContext"}, {Name: "runAsUser"}}}},
				},
				{
					Name: "create", Address: "kubernetes_pod_v1.web",
					Changes: []resource.Change{{Op: resource.Create, New: &resource.Companion{
						Type: "k8s_network_policy",
						Body: value.Value{Kind: value.Object, Fields: []value.Field{
							{Name: "metadata", Value: value.Value{Kind: value.Object, Fields: []value.Field{
								{Name: "name", Value: aText("${this.metadata.name}")}, {Name: "namespace", Value: aText("${this.metadata.namespace}")}}}},
							{Name: "spec", Value: value.Value{Kind: value.Object, Fields: []value.Field{
								{Name: "podSelector", Value: value.Value{Kind: value.Object}},
								{Name: "policyTypes", Value: value.Value{Kind: value.List, Items: []value.Value{aText("Ingress")}}}}}},
						}},
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
