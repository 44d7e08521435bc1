package terraform

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// FuzzEdit wishes something of every resource of a module: the edits stay in the file, and the file still parses.
func FuzzEdit(f *testing.F) {
	for _, c := range []string{
		"variable \"a\" { default = \"x\" }\nlocals { b = { c = var.a } }\nresource \"aws_s3_bucket\" \"b\" {\n  acl = local.b.c\n  tags = local.b\n}\n",
		"resource \"aws_s3_bucket\" \"b\" {\n  for_each = toset([\"a\"])\n  versioning {}\n dynamic \"versioning\" {\n for_each = [1]\n content {}\n}\n}\n",
		"resource \"aws_s3_bucket\" \"b\" {\n  count = 2\n  acl = count.index == 0 ? \"a\" : <<E\nx\nE\n}\nresource \"aws_s3_bucket_public_access_block\" \"p\" {\n bucket = aws_s3_bucket.b[0].id\n}\n",
		"resource \"aws_s3_bucket\" \"b\" { acl = \"${local.x}\" }\nlocals {\n x = upper(local.y)\n y = local.x\n}\n",
	} {
		f.Add(c)
	}
	set := schema.Load()
	str := func(s string) value.Value { return value.Value{Kind: value.String, Text: s} }
	path := func(s string) value.Path { p, _ := value.ParsePath(s); return p }
	changes := []resource.Change{
		{Op: resource.Set, Path: path("acl"), Value: str("private")},
		{Op: resource.Set, Path: path("versioning.enabled"), Value: value.Value{Kind: value.Bool, Bool: true}},
		{Op: resource.Set, Path: path("tags.Owner"), Value: str("me")},
		{Op: resource.Remove, Path: path("policy")},
		{Op: resource.Create, New: &resource.Companion{Type: "aws_s3_bucket_public_access_block", Body: value.Value{Kind: value.Object,
			Fields: []value.Field{{Name: "block_public_acls", Value: value.Value{Kind: value.Bool, Bool: true}}, {Name: "bucket", Value: str("${this.id}")}}}}},
	}
	f.Fuzz(func(t *testing.T, text string) {
		tree := fstest.MapFS{"main.tf": &fstest.MapFile{Data: []byte(text)}}
		reader := &source.Reader{FS: tree, Limit: 1 << 16}
		estate, _ := New(set).Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read,
			Env: func(string) (string, bool) { return "", false }, Limits: dialect.Limits{Instances: 20}}, []string{"main.tf"})
		for _, name := range estate.Units() {
			u := estate.Evaluate(context.Background(), name)
			for _, r := range u.Graph.Resources {
				if r.Type != "aws_s3_bucket" {
					continue
				}
				lowered, err := u.Edit(r, changes)
				if err != nil {
					continue
				}
				after, err := source.Apply([]byte(text), lowered.Edits)
				if err != nil {
					t.Fatalf("%v\n%q", err, text)
				}
				if _, diags := hclsyntax.ParseConfig(after, "main.tf", hcl.InitialPos); diags.HasErrors() {
					t.Fatalf("%v\n%q\n%q", diags, text, after)
				}
			}
		}
	})
}
