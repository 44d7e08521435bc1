package crossplane

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

func remove(path string) resource.Change {
	p, _ := value.ParsePath(path)
	return resource.Change{Op: resource.Remove, Path: p}
}

func truly(b bool) value.Value  { return value.Value{Kind: value.Bool, Bool: b} }
func text(s string) value.Value { return value.Value{Kind: value.String, Text: s} }

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{
		{
			Name: "manifests",
			Files: map[string]string{"s3.yaml": `# the logs
apiVersion: s3.aws.upbound.io/v1beta1
kind: Bucket
metadata:
  name: logs
spec:
  forProvider:
    region: eu-central-1 # near
    tags:
      team: "a team"
---
apiVersion: s3.aws.upbound.io/v1beta1
kind: BucketServerSideEncryptionConfiguration
metadata:
  name: logs
spec:
  forProvider:
    region: eu-central-1
    bucketRef:
      name: logs
    rule:
      - applyServerSideEncryptionByDefault:
          - sseAlgorithm: AES256
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
---
apiVersion: rds.aws.upbound.io/v1beta2
kind: Instance
metadata:
  name: db
spec:
  initProvider:
    publiclyAccessible: true
  forProvider:
    region: eu-central-1
    instanceClass: db.t3.micro
    passwordSecretRef: {name: s, key: k, namespace: n}
    kmsKeyIdSelector: {matchLabels: {use: db}}
---
apiVersion: kms.aws.upbound.io/v1beta1
kind: Key
metadata:
  name: k
  labels: {use: db}
spec:
  forProvider:
    region: eu-central-1
`},
			Addresses: []string{"bucket.s3.aws.upbound.io/logs", "bucketserversideencryptionconfiguration.s3.aws.upbound.io/logs",
				"instance.rds.aws.upbound.io/db", "key.kms.aws.upbound.io/k"},
			Values: []dialecttest.Value{
				{Address: "bucket.s3.aws.upbound.io/logs", Path: "bucket", Show: `"logs"`, At: "name: logs"},
				{Address: "bucket.s3.aws.upbound.io/logs", Path: "tags.team", Show: `"a team"`},
				{Address: "bucketserversideencryptionconfiguration.s3.aws.upbound.io/logs", Path: "rule[0].apply_server_side_encryption_by_default.sse_algorithm", Show: `"AES256"`, At: "AES256"},
				{Address: "bucketserversideencryptionconfiguration.s3.aws.upbound.io/logs", Path: "bucket", At: "bucketRef", Wait: "bucketRef logs"},
				{Address: "instance.rds.aws.upbound.io/db", Path: "publicly_accessible", Show: "true", At: "publiclyAccessible"},
				{Address: "instance.rds.aws.upbound.io/db", Path: "kms_key_id", At: "kmsKeyIdSelector", Wait: "kmsKeyIdSelector"},
				{Address: "instance.rds.aws.upbound.io/db", Path: "password", At: "passwordSecretRef", Wait: "passwordSecretRef"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "set", Address: "key.kms.aws.upbound.io/k", Changes: []resource.Change{setTo("enable_key_rotation", truly(true))}},
				{Name: "in a list of one", Address: "bucketserversideencryptionconfiguration.s3.aws.upbound.io/logs", Changes: []resource.Change{setTo("rule[0].apply_server_side_encryption_by_default.sse_algorithm", text("aws:kms"))}},
				{Name: "new in a list of one", Address: "bucketserversideencryptionconfiguration.s3.aws.upbound.io/logs", Changes: []resource.Change{setTo("rule[0].apply_server_side_encryption_by_default.kms_master_key_id", text("k"))}},
				{Name: "where it is written", Address: "instance.rds.aws.upbound.io/db", Changes: []resource.Change{setTo("publicly_accessible", truly(false)), setTo("storage_encrypted", truly(true))}},
				{Name: "new list of one", Address: "bucket.s3.aws.upbound.io/logs", Changes: []resource.Change{setTo("versioning.enabled", truly(true))}},
				{Name: "over a reference", Address: "instance.rds.aws.upbound.io/db", Changes: []resource.Change{setTo("kms_key_id", text("arn"))}},
				{Name: "remove", Address: "bucket.s3.aws.upbound.io/logs", Changes: []resource.Change{remove("tags.team")}},
				{Name: "remove a reference", Address: "instance.rds.aws.upbound.io/db", Changes: []resource.Change{remove("kms_key_id")}, Refused: true},
			},
		},
		{
			Name: "composition",
			Files: map[string]string{"composition.yaml": `apiVersion: apiextensions.crossplane.io/v1
kind: Composition
metadata:
  name: app
spec:
  patchSets:
    - name: common
      patches:
        - fromFieldPath: spec.parameters.region
          toFieldPath: spec.forProvider.location
  resources:
    - name: account
      base:
        apiVersion: storage.azure.upbound.io/v1beta2
        kind: Account
        spec:
          forProvider:
            location: westeurope
            minTlsVersion: TLS1_0
            networkRules:
              defaultAction: Allow
      patches:
        - type: PatchSet
          patchSetName: common
        - type: FromCompositeFieldPath
          fromFieldPath: spec.parameters.default
          toFieldPath: spec.forProvider.networkRules.defaultAction
`, "pipeline.yaml": `apiVersion: apiextensions.crossplane.io/v1
kind: Composition
metadata:
  name: store
spec:
  mode: Pipeline
  pipeline:
    - step: resources
      functionRef: {name: function-patch-and-transform}
      input:
        apiVersion: pt.fn.crossplane.io/v1beta1
        kind: Resources
        resources:
          - name: bucket
            base:
              apiVersion: storage.gcp.m.upbound.io/v1beta1
              kind: Bucket
              spec:
                forProvider:
                  location: EU
                  versioning:
                    enabled: false # not yet
`},
			Addresses: []string{"app/account.storage.azure.upbound.io/account", "store/bucket.storage.gcp.m.upbound.io/bucket"},
			Values: []dialecttest.Value{
				{Address: "app/account.storage.azure.upbound.io/account", Path: "min_tls_version", Show: `"TLS1_0"`, At: "minTlsVersion"},
				{Address: "app/account.storage.azure.upbound.io/account", Path: "location", At: "location: westeurope", Wait: "composite spec.parameters.region"},
				{Address: "app/account.storage.azure.upbound.io/account", Path: "network_rules.default_action", At: "defaultAction: Allow", Wait: "composite spec.parameters.default"},
				{Address: "store/bucket.storage.gcp.m.upbound.io/bucket", Path: "versioning.enabled", Show: "false", At: "enabled: false"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "set", Address: "app/account.storage.azure.upbound.io/account", Changes: []resource.Change{setTo("min_tls_version", text("TLS1_2"))}},
				{Name: "what a patch writes", Address: "app/account.storage.azure.upbound.io/account", Changes: []resource.Change{setTo("network_rules.default_action", text("Deny"))}, Refused: true},
				{Name: "object", Address: "store/bucket.storage.gcp.m.upbound.io/bucket", Changes: []resource.Change{setTo("versioning.enabled", truly(true)), setTo("encryption.default_kms_key_name", text("k"))}},
			},
		},
	},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }
