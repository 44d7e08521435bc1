package golden

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorder is a test that may fail without failing ours.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; panic(r) }

func fails(t *testing.T, path, got string) (failed bool) {
	r := &recorder{TB: t}
	defer func() {
		if p := recover(); p != nil && p != any(r) {
			panic(p)
		}
		failed = r.failed
	}()
	Equal(r, path, []byte(got))
	return r.failed
}

func TestEqual(t *testing.T) {
	if *update {
		t.Skip("with -update nothing is compared")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	if err := os.WriteFile(path, []byte("wall\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if fails(t, path, "wall\n") {
		t.Error("equal text must pass")
	}
	if !fails(t, path, "roof\n") {
		t.Error("other text must fail")
	}
	if !fails(t, filepath.Join(dir, "missing.txt"), "wall\n") {
		t.Error("a missing file must fail")
	}
}

func TestOrphans(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"asked.txt", "orphan.txt"} {
		if err := os.WriteFile(filepath.Join(dir, n), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !*update {
		Equal(t, filepath.Join(dir, "asked.txt"), []byte("x"))
	} else {
		asked.paths[filepath.Join(dir, "asked.txt")] = true
	}
	got, err := orphans(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{filepath.Join(dir, "orphan.txt")}, got); diff != "" {
		t.Error(diff)
	}
	if got, err := orphans(filepath.Join(dir, "none")); got != nil || err != nil {
		t.Errorf("a missing folder has no orphans, got %v, %v", got, err)
	}
}
