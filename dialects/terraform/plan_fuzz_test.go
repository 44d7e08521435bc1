package terraform

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// FuzzPlan reads any text as a plan, with and without a source beside it: nothing panics, and every place lies in its file.
func FuzzPlan(f *testing.F) {
	for _, name := range []string{"builtin/plan.json", "builtin/state.json", "builtin/terraform.tfstate", "estate/plan.json"} {
		text, err := os.ReadFile("testdata/plan/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(`{"format_version":"1.2","terraform_version":"1","planned_values":{"root_module":{"resources":[{"address":"aws_s3_bucket.b[\"x","type":"aws_s3_bucket","values":{"acl":[{}],"versioning":"a","grant":[1]}}],"child_modules":[{"address":"module.","resources":[{"address":"module.a.module.b.x.y","type":"x"}]}]}},` +
		`"configuration":{"root_module":{"resources":[{"address":"aws_s3_bucket.b","expressions":{"acl":{"references":["module.m.o","var.v","each.value"]}},"for_each_expression":{"references":["each.value"]}}],"module_calls":{"m":{"module":{"outputs":{"o":{"expression":{"references":["module.m.o","var.v"]}}}}}}}}}`)
	set := schema.Load()
	f.Fuzz(func(t *testing.T, text string) {
		for _, tree := range []fstest.MapFS{
			{"plan.json": {Data: []byte(text)}},
			{"plan.json": {Data: []byte(text)}, "main.tf": {Data: []byte("variable \"v\" {}\nresource \"terraform_data\" \"one\" {\n  for_each = var.v\n  input = each.value\n}\nresource \"aws_s3_bucket\" \"b\" {\n  acl = var.v\n}\nmodule \"kid\" {\n  source = \"x/y/z\"\n}\n")}},
		} {
			reader := &source.Reader{FS: tree, Limit: 1 << 20}
			e, _ := New(set).Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read, Limits: dialect.Limits{Nesting: 40}}, []string{"plan.json", "main.tf"})
			for _, name := range e.Units() {
				u := e.Evaluate(context.Background(), name)
				for _, r := range u.Graph.Resources {
					placesIn(t, tree, r)
					u.Explain(r, value.Path{{Name: "acl"}})
					u.Explain(r, nil)
				}
				for _, p := range u.Problems {
					if p.Kind == source.Bug {
						t.Errorf("%v\n%q", p, text)
					}
				}
			}
		}
	})
}

// placesIn checks that every place of a resource lies in its file.
func placesIn(t *testing.T, tree fstest.MapFS, r *resource.Resource) {
	t.Helper()
	check := func(at source.Range) {
		if f := tree[at.File]; !at.IsZero() && (f == nil || at.Start < 0 || at.End < at.Start || at.End > len(f.Data)) {
			t.Fatalf("%s is at %v, outside of its file", r.Address, at)
		}
	}
	check(r.Range)
	check(r.Header)
	for _, c := range r.Calls {
		check(c.Range)
	}
	var walk func(v *value.Value)
	walk = func(v *value.Value) {
		check(v.Range)
		for i := range v.Items {
			walk(&v.Items[i])
		}
		for i := range v.Fields {
			walk(&v.Fields[i].Value)
		}
	}
	walk(&r.Body)
}

// FuzzEditJSON wishes something of every resource of a file in JSON: the file stays JSON.
func FuzzEditJSON(f *testing.F) {
	for _, c := range []string{
		`{"resource": {"aws_s3_bucket": {"b": {"acl": "${var.a}", "versioning": [{}], "tags": {"//": 1}}}}, "variable": {"a": {"default": "x"}}}`,
		`[{"resource": [{"aws_s3_bucket": [{"b": {"count": 2, "versioning": {"enabled": false}}}, {"c": {}}]}]}]`,
		`{"resource":{"aws_s3_bucket":{"b":{"dynamic":{"versioning":[{"for_each":[1],"content":{}}]},"policy":"x",` + "\n\t" + `"for_each":["a"]}}}}`,
		`{"resource":{"aws_s3_bucket":{"b":{"acl":"a","acl":"b","versioning":"x"}}}}`,
	} {
		f.Add(c)
	}
	set := schema.Load()
	str := func(s string) value.Value { return value.Value{Kind: value.String, Text: s} }
	path := func(s string) value.Path { p, _ := value.ParsePath(s); return p }
	changes := []resource.Change{
		{Op: resource.Set, Path: path("acl"), Value: str("private")},
		{Op: resource.Set, Path: path("versioning.enabled"), Value: value.Value{Kind: value.Bool, Bool: true}},
		{Op: resource.Set, Path: path("tags.Owner"), Value: str("${me}")},
		{Op: resource.Remove, Path: path("policy")},
		{Op: resource.Create, New: &resource.Companion{Type: "aws_s3_bucket_public_access_block", Body: value.Value{Kind: value.Object,
			Fields: []value.Field{{Name: "block_public_acls", Value: value.Value{Kind: value.Bool, Bool: true}}, {Name: "bucket", Value: str("${this.id}")}}}}},
	}
	f.Fuzz(func(t *testing.T, text string) {
		tree := fstest.MapFS{"main.tf.json": &fstest.MapFile{Data: []byte(text)}}
		reader := &source.Reader{FS: tree, Limit: 1 << 16}
		e, _ := New(set).Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read, Limits: dialect.Limits{Instances: 20}}, []string{"main.tf.json"})
		e.Comments("main.tf.json")
		for _, name := range e.Units() {
			u := e.Evaluate(context.Background(), name)
			for _, r := range u.Graph.Resources {
				if r.Type != "aws_s3_bucket" {
					continue
				}
				lowered, err := u.Edit(r, changes)
				if err != nil {
					continue
				}
				after, err := source.Apply([]byte(text), lowered.Edits)
				if err != nil || !json.Valid(after) {
					t.Fatalf("%v\n%q\n%q", err, text, after)
				}
			}
		}
	})
}
