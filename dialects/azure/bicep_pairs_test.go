package azure

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"plumbline.dev/plumbline/schema"
)

// TestBicepPairs compares small templates with what they are compiled to: both come to the same resources.
func TestBicepPairs(t *testing.T) {
	files, err := filepath.Glob("testdata/bicep/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no pairs", err)
	}
	set := schema.Load()
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			written, compiled := fstest.MapFS{}, fstest.MapFS{}
			for _, f := range txtar.Parse(text).Files {
				tree := written
				if f.Name == "main.json" {
					tree = compiled
				}
				tree[f.Name] = &fstest.MapFile{Data: f.Data}
			}
			got, _, wrong := natives(t, NewBicep(set), written, []string{"main.bicep"}, nil)
			want, _, also := natives(t, New(set), compiled, []string{"main.json"}, nil)
			if wrong+also > 0 {
				t.Error("there are problems")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-JSON +Bicep:\n%s", diff)
			}
			if len(got) == 0 {
				t.Error("nothing came out")
			}
		})
	}
}
