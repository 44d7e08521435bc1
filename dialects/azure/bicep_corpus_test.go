package azure

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

func bicepWorkspace(tree fs.FS) *dialect.Workspace {
	reader := &source.Reader{FS: tree}
	return &dialect.Workspace{FS: tree, Read: reader.Read, Env: func(string) (string, bool) { return "", false }}
}

// bicepCorpus opens the Bicep files of the corpus; the test is skipped when there is none.
func bicepCorpus(t testing.TB) (fs.FS, []string) {
	t.Helper()
	root := os.Getenv("PLUMBLINE_CORPUS")
	if root == "" {
		t.Skip("PLUMBLINE_CORPUS names no folder of estates")
	}
	tree := os.DirFS(filepath.Join(root, "bicep-registry-modules"))
	var paths []string
	err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".bicep") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree, paths
}

func TestBicepCorpus(t *testing.T) {
	tree, paths := bicepCorpus(t)
	e, problems := NewBicep(schema.Load()).Open(context.Background(), bicepWorkspace(tree), paths)
	for _, p := range problems {
		t.Errorf("%+v", p)
	}
	counts := map[string]int{}
	kinds := map[string]int{}
	steps, most := 0, 0
	for _, n := range e.Units() {
		u := e.Evaluate(context.Background(), n)
		for _, p := range u.Problems {
			kinds[string(p.Kind)]++
			f, _ := fs.ReadFile(tree, p.Range.File)
			line := strings.Count(string(f[:p.Range.Start]), "\n") + 1
			t.Logf("%s: %s:%d: %s: %s", n.Dir, p.Range.File, line, p.Kind, p.Message)
		}
		for _, r := range u.Graph.Resources {
			counts[r.Native]++
		}
		x := u.Explainer.(bicepExplainer)
		if x.unit != nil {
			steps += x.unit.steps
			most = max(most, x.unit.steps)
		}
	}
	t.Log(len(e.Units()), counts, kinds, steps, most)
}

func BenchmarkBicepEvaluate(b *testing.B) {
	tree, paths := bicepCorpus(b)
	d := NewBicep(schema.Load())
	for _, p := range paths {
		fs.ReadFile(tree, p)
	}
	b.ReportAllocs()
	for b.Loop() {
		e, _ := d.Open(context.Background(), bicepWorkspace(tree), paths)
		for _, n := range e.Units() {
			e.Evaluate(context.Background(), n)
		}
	}
}
