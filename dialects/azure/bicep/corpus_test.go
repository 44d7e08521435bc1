package bicep

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus returns the texts of the Bicep files of the corpus by path; the test is skipped when there is none.
func corpus(t testing.TB) map[string]string {
	t.Helper()
	root := os.Getenv("PLUMBLINE_CORPUS")
	if root == "" {
		t.Skip("PLUMBLINE_CORPUS names no folder of estates")
	}
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".bicep") {
			return err
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestCorpus parses real files: nothing in them is wrong.
func TestCorpus(t *testing.T) {
	for path, text := range corpus(t) {
		f := Parse(text, 250)
		for _, m := range f.Mistakes {
			t.Errorf("%s:%d: %s", path, strings.Count(text[:m.Start], "\n")+1, m.Message)
		}
		for _, d := range f.Declarations {
			if w := d.Whole(); w.Start < 0 || w.End > len(text) || w.Start >= w.End || d.Header.End > d.End {
				t.Errorf("%s: %s %s has the places %v %v", path, d.Keyword, d.Name, w, d.Header)
			}
		}
	}
}

func BenchmarkParse(b *testing.B) {
	files := corpus(b)
	size := 0
	for _, text := range files {
		size += len(text)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, text := range files {
			Parse(text, 250)
		}
	}
}
