package translate

import (
	"strings"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// at is the place number n of the test file.
func at(n int) source.Range { return source.Range{File: "f", Start: n, End: n + 1} }

func text(s string) value.Value { return value.Value{Kind: value.String, Text: s} }

func obj(pairs ...any) value.Value {
	v := value.Value{Kind: value.Object}
	for i := 0; i < len(pairs); i += 2 {
		set(&v, pairs[i].(string), of(pairs[i+1]))
	}
	return v
}

func list(items ...any) value.Value {
	v := value.Value{Kind: value.List}
	for _, item := range items {
		v.Items = append(v.Items, of(item))
	}
	return v
}

// of makes a value of what a test writes.
func of(x any) value.Value {
	switch x := x.(type) {
	case value.Value:
		return x
	case string:
		return text(x)
	case bool:
		return value.Value{Kind: value.Bool, Bool: x}
	case int:
		return value.Value{Kind: value.Number, Number: float64(x)}
	}
	panic("no value")
}

func isUnknown() value.Value { return value.Value{Kind: value.Unknown} }

// show writes resources as lines: address, type, body, and references.
func show(made []*resource.Resource) string {
	var b strings.Builder
	for _, r := range made {
		b.WriteString(r.Address + " " + r.Type)
		if r.Maybe {
			b.WriteString(" maybe")
		}
		b.WriteString(" " + showAll(&r.Body) + "\n")
		for _, ref := range r.Refs {
			b.WriteString("    " + ref.Path.String() + " = " + ref.Target + "." + ref.Attribute + "\n")
		}
	}
	return b.String()
}

// showAll is value.Show without its limit, with the marks that matter.
func showAll(v *value.Value) string {
	out := ""
	if v.Maybe {
		out = "maybe "
	}
	switch v.Kind {
	case value.List:
		var items []string
		for i := range v.Items {
			items = append(items, showAll(&v.Items[i]))
		}
		if v.Open {
			items = append(items, "…")
		}
		return out + "[" + strings.Join(items, ", ") + "]"
	case value.Object:
		var fields []string
		for i := range v.Fields {
			fields = append(fields, v.Fields[i].Name+": "+showAll(&v.Fields[i].Value))
		}
		if v.Open {
			fields = append(fields, "…")
		}
		return out + "{" + strings.Join(fields, ", ") + "}"
	case value.Unknown:
		if v.Document != nil {
			return out + "?" + showAll(v.Document)
		}
		return out + "?"
	}
	return out + value.Show(v)
}

// tableOf makes a table of a text.
func tableOf(t testing.TB, names string) *Table {
	t.Helper()
	n, err := schema.ReadNames(fstest.MapFS{"names/test/a.names": {Data: []byte(names)}}, "test")
	if err != nil {
		t.Fatal(err)
	}
	set := schema.Load()
	for _, typ := range n.Types() {
		for _, b := range n.Blocks(typ) {
			if _, err := compile(set, b); err != nil {
				t.Fatal(err)
			}
		}
	}
	return over(set, n)
}

func bucket(body value.Value, refs ...resource.Ref) *Native {
	return &Native{Dialect: "cloudformation", Type: "AWS::S3::Bucket", Address: "Logs", Name: "Logs", Body: body, Refs: refs, Range: at(1), Header: at(2)}
}

// bucketTable is a bucket as the README shows one, and what belongs to it.
const bucketTable = `
AWS::S3::Bucket = aws_s3_bucket
    Ref: id, bucket
    GetAtt Arn: arn
    BucketName: bucket
    AccessControl: acl | enum Private=private PublicRead=public-read
    Tags: tags | pairs Key Value
    BucketEncryption -> aws_s3_bucket_server_side_encryption_configuration(bucket: id)
        ServerSideEncryptionConfiguration[]: rule[]
            BucketKeyEnabled: bucket_key_enabled
            ServerSideEncryptionByDefault: apply_server_side_encryption_by_default
                SSEAlgorithm: sse_algorithm
    LifecycleConfiguration -> aws_s3_bucket_lifecycle_configuration(bucket: id)
        Rules[]: rule[]
            Status: status
            ExpirationInDays: expiration.days
            TagFilters: filter.and.tags | pairs Key Value
    OwnershipControls -> aws_s3_bucket_ownership_controls(bucket: id)
        Rules[]: rule
            ObjectOwnership: object_ownership
    PublicAccessBlockConfiguration -> aws_s3_bucket_public_access_block(bucket: id)
        BlockPublicAcls: block_public_acls
    VersioningConfiguration -> aws_s3_bucket_versioning(bucket: id)
        Status: versioning_configuration.status

AWS::S3::BucketPolicy = aws_s3_bucket_policy
    Bucket: bucket
    PolicyDocument: policy | json
`

func TestResources_bucket(t *testing.T) {
	table := tableOf(t, bucketTable)
	for _, c := range []struct {
		name string
		body value.Value
		want string
	}{
		{"empty", obj(), "Logs aws_s3_bucket {}\n"},
		{"plain", obj("BucketName", "logs", "AccessControl", "PublicRead", "Tags", list(obj("Key", "a", "Value", "b"))),
			"Logs aws_s3_bucket {acl: \"public-read\", bucket: \"logs\", tags: {a: \"b\"}}\n"},
		{"companions", obj("VersioningConfiguration", obj("Status", "Enabled"), "BucketEncryption", obj("ServerSideEncryptionConfiguration",
			list(obj("BucketKeyEnabled", "true", "ServerSideEncryptionByDefault", obj("SSEAlgorithm", "aws:kms"))))),
			"Logs aws_s3_bucket {}\n" +
				"Logs.BucketEncryption aws_s3_bucket_server_side_encryption_configuration {bucket: ?, rule: [{apply_server_side_encryption_by_default: {sse_algorithm: \"aws:kms\"}, bucket_key_enabled: true}]}\n    bucket = Logs.id\n" +
				"Logs.VersioningConfiguration aws_s3_bucket_versioning {bucket: ?, versioning_configuration: {status: \"Enabled\"}}\n    bucket = Logs.id\n"},
		{"unknown companion", obj("VersioningConfiguration", isUnknown()),
			"Logs aws_s3_bucket {}\nLogs.VersioningConfiguration aws_s3_bucket_versioning maybe {bucket: ?, …}\n    bucket = Logs.id\n"},
		{"null", obj("VersioningConfiguration", value.Value{Kind: value.Null}, "BucketName", value.Value{Kind: value.Null}), "Logs aws_s3_bucket {}\n"},
		{"implied element", obj("LifecycleConfiguration", obj("Rules", list(obj("Status", "Enabled", "ExpirationInDays", 3, "TagFilters", list(obj("Key", "k", "Value", "v")))))),
			"Logs aws_s3_bucket {}\nLogs.LifecycleConfiguration aws_s3_bucket_lifecycle_configuration {bucket: ?, rule: [{expiration: [{days: 3}], filter: [{and: [{tags: {k: \"v\"}}]}], status: \"Enabled\"}]}\n    bucket = Logs.id\n"},
		{"one element", obj("OwnershipControls", obj("Rules", list(obj("ObjectOwnership", "ObjectWriter")))),
			"Logs aws_s3_bucket {}\nLogs.OwnershipControls aws_s3_bucket_ownership_controls {bucket: ?, rule: {object_ownership: \"ObjectWriter\"}}\n    bucket = Logs.id\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := show(table.Resources(bucket(c.body))); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}
