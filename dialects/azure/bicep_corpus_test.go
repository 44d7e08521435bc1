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

// TestBicepCorpus evaluates real modules and their tests: nothing is wrong in them, and the only things missing are those
// that are not in the corpus.
func TestBicepCorpus(t *testing.T) {
	tree, paths := bicepCorpus(t)
	e, problems := NewBicep(schema.Load()).Open(context.Background(), bicepWorkspace(tree), paths)
	for _, p := range problems {
		t.Errorf("%+v", p)
	}
	resources := 0
	for _, n := range e.Units() {
		u := e.Evaluate(context.Background(), n)
		for _, p := range u.Problems {
			absent := strings.Contains(p.Message, "/e2e-template-assets/") || strings.Contains(p.Message, "/istio/scripts/")
			if p.Kind != source.Unresolved || !absent {
				text, _ := fs.ReadFile(tree, p.Range.File)
				t.Errorf("%s:%d: %s: %s", p.Range.File, strings.Count(string(text[:p.Range.Start]), "\n")+1, p.Kind, p.Message)
			}
		}
		resources += len(u.Graph.Resources)
	}
	t.Logf("%d units with %d resources", len(e.Units()), resources)
}

// BenchmarkBicep reads the corpus: its modules alone, each of which is evaluated about once, and with their tests, which
// deploy each of them many times over. Compare with BenchmarkParse of package bicep.
func BenchmarkBicep(b *testing.B) {
	tree, all := bicepCorpus(b)
	var modules []string
	for _, p := range all {
		if !strings.Contains(p, "/tests/") {
			modules = append(modules, p)
		}
	}
	d := NewBicep(schema.Load())
	for name, paths := range map[string][]string{"modules": modules, "with tests": all} {
		b.Run(name, func(b *testing.B) {
			files := map[string]*source.File{}
			size := 0
			for _, p := range paths {
				text, err := fs.ReadFile(tree, p)
				if err != nil {
					b.Fatal(err)
				}
				files[p] = &source.File{Path: p, Bytes: text}
				size += len(text)
			}
			w := bicepWorkspace(tree)
			w.Read = func(p string) (*source.File, *source.Problem) {
				if f := files[p]; f != nil {
					return f, nil
				}
				return nil, &source.Problem{Kind: source.Unreadable, Range: source.Range{File: p}, Message: "it is not there"}
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				e, _ := d.Open(context.Background(), w, paths)
				for _, n := range e.Units() {
					e.Evaluate(context.Background(), n)
				}
			}
		})
	}
}
