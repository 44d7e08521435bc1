package crossplane

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// TestAnnotations has what manifests say of rules in their annotations, and the first and last line of what it speaks of.
func TestAnnotations(t *testing.T) {
	const text = `apiVersion: s3.aws.upbound.io/v1beta1
kind: Bucket
metadata:
  name: logs
  annotations:
    plumbline.dev/ignore: "aws-s3-bucket-versioning,aws-s3-bucket-logging until=2030-01-31 it is rebuilt daily"
spec: {forProvider: {region: eu-central-1}} # end
---
apiVersion: apiextensions.crossplane.io/v1
kind: Composition
metadata:
  name: app
  annotations: {plumbline.dev/ignore: "", other: plumbline}
spec:
  resources:
    - name: key
      base:
        apiVersion: kms.aws.upbound.io/v1beta1
        kind: Key
        metadata:
          annotations:
            plumbline.dev/ignore: |
              * nothing holds

              aws-kms-key-rotation by hand
---
apiVersion: v1
kind: List
items:
  - apiVersion: sns.aws.upbound.io/v1beta1
    kind: Topic
    metadata: {name: t, annotations: {plumbline.dev/ignore: [no, text]}}
  - apiVersion: sqs.aws.upbound.io/v1beta1
    kind: Queue
    metadata: {name: q, annotations: {plumbline.dev/ignore: a b}}
`
	tree := fstest.MapFS{"a.yaml": {Data: []byte(text)}}
	reader := &source.Reader{FS: tree}
	e, problems := New(schema.Load()).Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read}, []string{"a.yaml"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got [][3]string
	for _, c := range e.Comments("a.yaml") {
		about := strings.TrimSpace(text[c.About.Start:c.About.End])
		lines := strings.Split(about, "\n")
		got = append(got, [3]string{c.Text, lines[0], strings.TrimSpace(lines[len(lines)-1])})
	}
	want := [][3]string{
		{"plumbline:ignore aws-s3-bucket-versioning,aws-s3-bucket-logging until=2030-01-31 it is rebuilt daily", "apiVersion: s3.aws.upbound.io/v1beta1", "spec: {forProvider: {region: eu-central-1}}"},
		{"end", "", ""},
		{"plumbline:ignore * nothing holds", "base:", "aws-kms-key-rotation by hand"},
		{"plumbline:ignore aws-kms-key-rotation by hand", "base:", "aws-kms-key-rotation by hand"},
		{"plumbline:ignore a b", "apiVersion: sqs.aws.upbound.io/v1beta1", "metadata: {name: q, annotations: {plumbline.dev/ignore: a b}}"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
