package edit

import (
	"bytes"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// FuzzEdit holds what every edit must keep: it stays in the file, the file still parses, and wishing twice changes nothing
// more.
func FuzzEdit(f *testing.F) {
	for _, seed := range []string{
		"resource \"aws_instance\" \"w\" {}\n",
		"resource \"aws_instance\" \"w\" { ami = 1 }",
		"resource \"aws_instance\" \"w\" {\r\n  ami = <<E\r\nx\r\nE\r\n  tags = { a = 1, \"b\" : 2 }\r\n}\r\n",
		"resource \"aws_security_group\" \"w\" { # c\n\tingress {\n\t}\n\n\n\tdynamic \"ingress\" {\n\t\tcontent { }\n\t}\n}\n",
		"resource \"aws_security_group\" \"w\" {\n ingress = [{a=1}, /* x */ var.b,]\n tags = merge({}, {\n})\n}\n",
	} {
		for i := range 6 {
			f.Add([]byte(seed), uint8(i))
		}
	}
	str := func(s string) value.Value { return value.Value{Kind: value.String, Text: s} }
	path := func(s string) value.Path { p, _ := value.ParsePath(s); return p }
	wishes := [][]resource.Change{
		{{Op: resource.Set, Path: path("ami"), Value: str("a\"${b}\n")}, {Op: resource.Set, Path: path("monitoring"), Value: value.Value{Kind: value.Bool}}},
		{{Op: resource.Set, Path: path("tags.Owner"), Value: str("me")}, {Op: resource.Set, Path: path(`tags["a b"]`), Value: str("c")}},
		{{Op: resource.Set, Path: path("metadata_options.http_tokens"), Value: str("required")}, {Op: resource.Set, Path: path("root_block_device.encrypted"), Value: value.Value{Kind: value.Bool, Bool: true}}},
		{{Op: resource.Set, Path: path("ingress.cidr_blocks"), Value: value.Value{Kind: value.List, Items: []value.Value{str("10.0.0.0/8")}}}},
		{{Op: resource.Remove, Path: path("ingress")}, {Op: resource.Remove, Path: path("ami")}, {Op: resource.Remove, Path: path("tags.a")}},
		{{Op: resource.Remove, Path: path("ami")}, {Op: resource.Set, Path: path("metadata_options"), Value: value.Value{Kind: value.Object, Fields: []value.Field{{Name: "http_tokens", Value: str("required")}}}}},
	}
	f.Fuzz(func(t *testing.T, text []byte, which uint8) {
		if _, diags := hclsyntax.ParseConfig(text, "main.tf", hcl.InitialPos); diags.HasErrors() {
			return
		}
		w := script{changes: wishes[int(which)%len(wishes)]}
		edits, err := lower(text, w)
		if err != nil {
			return
		}
		after, err := source.Apply(text, edits)
		if err != nil {
			t.Fatal(err)
		}
		if len(edits) == 0 && !bytes.Equal(text, after) {
			t.Fatal("no edit changed the file")
		}
		if _, diags := hclsyntax.ParseConfig(after, "main.tf", hcl.InitialPos); diags.HasErrors() {
			t.Fatalf("the result does not parse: %v\n%q\n%q", diags, text, after)
		}
		if again, err := lower(after, w); err != nil || len(again) > 0 {
			t.Fatalf("wishing twice changes more: %v %v\n%q\n%q", again, err, text, after)
		}
	})
}
