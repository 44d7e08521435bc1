package cli

import (
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/schema"
)

// TestPage starts a page on many types: it must compile, whatever attributes the type has.
func TestPage(t *testing.T) {
	set := schema.Load()
	n := 0
	for typ := range set.Types() {
		if n++; n%97 != 0 && typ != "aws_route" && typ != "aws_s3_bucket" {
			continue
		}
		text := page("acme-x", "medium", set.Resource(typ))
		catalogue, err := rule.Load(set, fstest.MapFS{"acme-x.md": &fstest.MapFile{Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range catalogue.Check() {
			t.Errorf("%s: line %d: %s\n%s", typ, p.Line, p.Message, text)
		}
	}
}
