package pulumi

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

func setTo(path string, v value.Value) resource.Change {
	p, ok := value.ParsePath(path)
	if !ok {
		panic(path)
	}
	return resource.Change{Op: resource.Set, Path: p, Value: v}
}

func truly(b bool) value.Value  { return value.Value{Kind: value.Bool, Bool: b} }
func text(s string) value.Value { return value.Value{Kind: value.String, Text: s} }
func object(fields ...value.Field) value.Value {
	return value.Value{Kind: value.Object, Fields: fields}
}

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{
		{
			Name: "objects of Kubernetes",
			Files: map[string]string{"Pulumi.yaml": `name: shop
runtime: yaml
config:
  user:
    type: integer
resources:
  # a pod
  web:
    type: kubernetes:core/v1:Pod
    properties:
      metadata:
        namespace: shop # where it runs
      spec:
        hostPID: true
        containers:
          - name: app
            image: ghcr.io/acme/shop:1.8.2
            securityContext:
              runAsUser: ${user}
  deny:
    type: kubernetes:networking.k8s.io/v1:NetworkPolicy
    properties:
      metadata: {name: deny, namespace: shop}
      spec: {podSelector: {}}
`},
			Addresses: []string{"config.user", "deny", "web", "web container app"},
			Values: []dialecttest.Value{
				{Address: "web", Path: "spec.hostPID", Show: "true"},
				{Address: "web container app", Path: "securityContext.runAsUser", Wait: "config.user"},
				{Address: "deny", Path: "metadata.name", Show: `"deny"`},
			},
			Wishes: []dialecttest.Wish{
				{Name: "change", Address: "web", Changes: []resource.Change{setTo("spec.hostPID", truly(false))}},
				{Name: "set", Address: "web container app", Changes: []resource.Change{setTo("securityContext.seccompProfile.type", text("RuntimeDefault"))}},
				{Name: "create", Address: "deny", Changes: []resource.Change{{Op: resource.Create, New: &resource.Companion{Type: "k8s_resource_quota",
					Body: object(value.Field{Name: "metadata", Value: object(value.Field{Name: "name", Value: text("all")}, value.Field{Name: "namespace", Value: text("shop")})})}}}},
			},
		},
		{
			Name: "program",
			Files: map[string]string{"Pulumi.yaml": `name: shop
runtime: yaml
config:
  key: # of the disk
    type: string
  acl:
    type: string
    default: public-read
variables:
  zone: eu-central-1${letter}
  letter: b
resources:
  # a bucket
  logs:
    type: aws:s3:Bucket
    properties:
      bucket: acme-logs # its name
      acl: ${acl}
      tags:
        team: "a team"
  disk:
    type: aws:ebs/volume:Volume
    properties:
      size: 10
      kmsKeyId: ${key}
      availabilityZone: ${zone}
  web:
    type: aws:ec2:SecurityGroup
    properties:
      ingress:
        - protocol: tcp
          fromPort: 22
          toPort: 22
          cidrBlocks: ["0.0.0.0/0"]
  policy:
    type: aws:s3:BucketPolicy
    properties:
      bucket: ${logs.id}
      policy:
        fn::toJSON:
          Statement:
            - Effect: Allow
              Action: "s3:*"
              Resource: ${logs.arn}
outputs:
  name: ${logs.bucket}
`},
			Addresses: []string{"logs", "disk", "web", "policy", "config.key", "config.acl", "outputs.name"},
			Values: []dialecttest.Value{
				{Address: "logs", Path: "bucket", Show: `"acme-logs"`},
				{Address: "logs", Path: "acl", Show: `"public-read"`, At: "${acl}"},
				{Address: "logs", Path: "tags.team", Show: `"a team"`},
				{Address: "disk", Path: "kms_key_id", At: "${key}", Wait: "config.key"},
				{Address: "disk", Path: "availability_zone", Show: `"eu-central-1b"`, At: "${zone}"},
				{Address: "web", Path: "ingress[0].from_port", Show: "22", At: "fromPort"},
				{Address: "policy", Path: "bucket", At: "${logs.id}", Wait: "logs.id"},
				{Address: "outputs.name", Path: "value", Show: `"acme-logs"`, At: "${logs.bucket}"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "set", Address: "disk", Changes: []resource.Change{setTo("encrypted", truly(true))}},
				{Name: "change", Address: "web", Changes: []resource.Change{setTo("ingress[0].cidr_blocks", value.Value{Kind: value.List, Items: []value.Value{text("10.0.0.0/8")}})}},
				{Name: "change what is named", Address: "logs", Changes: []resource.Change{setTo("acl", text("private"))}},
				{Name: "signs of a reference", Address: "logs", Changes: []resource.Change{setTo("tags.x", text("${x}"))}},
				{Name: "remove", Address: "disk", Changes: []resource.Change{{Op: resource.Remove, Path: value.Path{{Name: "kms_key_id"}}}}},
				{Name: "create", Address: "logs", Changes: []resource.Change{{Op: resource.Create, New: &resource.Companion{
					Type: "aws_s3_bucket_public_access_block",
					Body: object(value.Field{Name: "block_public_acls", Value: truly(true)}, value.Field{Name: "bucket", Value: text("${this.id}")}),
				}}}},
				{Name: "inside of a function", Address: "policy", Changes: []resource.Change{setTo("policy", text("{}"))}},
			},
		},
		{
			Name: "stacks",
			Files: map[string]string{
				"infra/Pulumi.yaml": "name: net\nruntime:\n  name: yaml\n",
				"infra/Main.yaml": `configuration:
  size: {type: integer, default: 3}
  token: {type: string, secret: true}
resources:
  disk:
    type: aws:ebs:Volume
    properties: {size: "${size}", availabilityZone: a, tags: {stack: "${pulumi.stack}"}}
  copy:
    type: aws:ebs:Volume
    properties:
      <<: &defaults {encrypted: false}
      size: ${disk.size}
      availabilityZone: ${disk.availabilityZone}
  key:
    type: aws:ssm:Parameter
    properties:
      type: String
      value: ${token}
`,
				"infra/Pulumi.dev.yaml":  "config:\n  net:size: 7 # big\n",
				"infra/Pulumi.prod.yaml": "config:\n  net:token:\n    secure: v1:abc\n",
			},
			Addresses: []string{
				"dev: disk", "dev: copy", "dev: key", "dev: config.size", "dev: config.token",
				"prod: disk", "prod: copy", "prod: key", "prod: config.size", "prod: config.token",
			},
			Values: []dialecttest.Value{
				{Address: "dev: disk", Path: "size", Show: "7", At: `"${size}"`},
				{Address: "prod: disk", Path: "size", Show: "3", At: `"${size}"`},
				{Address: "prod: copy", Path: "size", Show: "3", At: "${disk.size}"},
				{Address: "prod: disk", Path: "tags.stack", Show: `"prod"`, At: "pulumi.stack"},
				{Address: "prod: key", Path: "value", At: "${token}", Wait: "config.token"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "flow", Address: "dev: disk", Changes: []resource.Change{setTo("encrypted", truly(true))}, Shared: []string{"disk"}}, // of prod
				{Name: "merged", Address: "dev: copy", Changes: []resource.Change{setTo("encrypted", truly(true))}, Shared: []string{"copy"}},
				{Name: "what another reads", Address: "dev: disk", Changes: []resource.Change{setTo("availability_zone", text("b"))}, Shared: []string{"copy", "disk"}},
			},
		},
		{
			Name: "clouds",
			Files: map[string]string{"Pulumi.yaml": `name: shop
runtime: yaml
resources:
  account:
    type: azure:storage:Account
    properties:
      name: acme
      resourceGroupName: rg
      location: westeurope
      accountTier: Standard
      accountReplicationType: LRS
      minTlsVersion: TLS1_0
      networkRules:
        defaultAction: Allow
  bucket:
    type: gcp:storage:Bucket
    properties:
      location: EU
      versioning: {enabled: false}
      lifecycleRules:
        - action: {type: Delete}
          condition: {age: 3}
  lambda:
    type: aws:lambda:Function
    properties:
      name: f
      role: arn
      environment:
        variables: {LEVEL: info}
      tracingConfig:
        mode: PassThrough
`},
			Addresses: []string{"account", "bucket", "lambda"},
			Values: []dialecttest.Value{
				{Address: "account", Path: "min_tls_version", Show: `"TLS1_0"`, At: "minTlsVersion"},
				{Address: "account", Path: "network_rules.default_action", Show: `"Allow"`, At: "defaultAction"},
				{Address: "bucket", Path: "versioning.enabled", Show: "false"},
				{Address: "bucket", Path: "lifecycle_rule[0].condition.age", Show: "3"},
				{Address: "lambda", Path: "function_name", Show: `"f"`, At: "name: f"},
				{Address: "lambda", Path: "tracing_config.mode", Show: `"PassThrough"`, At: "mode"},
				{Address: "lambda", Path: "environment.variables.LEVEL", Show: `"info"`, At: "LEVEL"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "block", Address: "account", Changes: []resource.Change{setTo("network_rules.default_action", text("Deny"))}},
				{Name: "new block", Address: "bucket", Changes: []resource.Change{setTo("encryption.default_kms_key_name", text("k"))}},
				{Name: "in a block", Address: "bucket", Changes: []resource.Change{setTo("versioning.enabled", truly(true))}},
				{Name: "renamed", Address: "lambda", Changes: []resource.Change{setTo("tracing_config.mode", text("Active")), setTo("function_name", text("g"))}},
			},
		},
	},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }
