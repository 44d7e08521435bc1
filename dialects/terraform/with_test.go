package terraform

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// TestWith changes files step by step and holds each estate against one that was opened with the files as they are then.
func TestWith(t *testing.T) {
	set := schema.Load()
	files := map[string]string{
		"main.tf":         "variable \"on\" {}\nresource \"aws_ebs_volume\" \"v\" {\n  encrypted = var.on\n}\nmodule \"m\" {\n  source = \"./m\"\n}\n",
		"env/dev.tfvars":  "on = false\n",
		"env/prod.tfvars": "on = true\n",
		"m/main.tf":       "resource \"aws_ebs_volume\" \"m\" {}\n",
		"other/main.tf":   "resource \"aws_ebs_volume\" \"o\" {}\n",
	}
	open := func() *estate {
		tree := fstest.MapFS{}
		for name, text := range files {
			tree[name] = &fstest.MapFile{Data: []byte(text)}
		}
		reader := &source.Reader{FS: tree, Limit: 1 << 20}
		e, _ := New(set).Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read}, slices.Collect(maps.Keys(files)))
		return e.(*estate)
	}
	show := func(e *estate) map[string]string {
		out := map[string]string{}
		for _, name := range e.Units() {
			out[name.Dir+" "+name.Variant] = shownUnit(e.Evaluate(context.Background(), name))
		}
		return out
	}
	e := open()
	for _, step := range []struct{ file, text string }{
		{"env/dev.tfvars", "on = true\n"},
		{"m/main.tf", "resource \"aws_ebs_volume\" \"m\" {\n  encrypted = true\n}\n"},
		{"env/prod.tfvars", "off = 1\n"}, // it is no set of inputs any more
		{"main.tf", "variable \"on\" {\n  default = true\n}\nresource \"aws_ebs_volume\" \"v\" {\n  encrypted = var.on\n}\n"}, // m is a root now
		{"m/main.tf", "resource \"aws_ebs_volume\" \"m\" {\n  size = 1\n}\n"},
	} {
		files[step.file] = step.text
		next, _ := e.With(context.Background(), []*source.File{{Path: step.file, Bytes: []byte(step.text)}})
		e = next.(*estate)
		if diff := cmp.Diff(show(open()), show(e)); diff != "" {
			t.Errorf("after %s (-opened +changed):\n%s", step.file, diff)
		}
		if len(e.files) == len(files) || e.folders["other"] != nil {
			t.Errorf("after %s: what did not change was copied", step.file)
		}
	}
}
