package source

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestMount reads both trees and walks only the first.
func TestMount(t *testing.T) {
	m := &Mount{
		FS:    treeOf(map[string]string{"a.tf": "a", ".own/b.tf": "b", ".own/modules/x/evil.tf": "e"}),
		Dir:   ".own/modules",
		Other: treeOf(map[string]string{"x/m.tf": "m"}),
	}
	if diff := cmp.Diff([]string{".own/b.tf", "a.tf"}, List(m, ".").Files); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{"a.tf": "a", ".own/b.tf": "b", ".own/modules/x/m.tf": "m"} {
		if f, problem := (&Reader{FS: m}).Read(name); problem != nil || string(f.Bytes) != want {
			t.Errorf("%s is %v %v", name, f, problem)
		}
	}
	for _, name := range []string{".own/modules/x/evil.tf", ".own/modules", ".own/modules/../b.tf"} {
		if _, err := fs.Stat(m, name); err == nil {
			t.Errorf("%s can be seen", name)
		}
		if _, err := fs.ReadFile(m, name); err == nil {
			t.Errorf("%s can be read", name)
		}
		if _, err := m.Open(name); err == nil {
			t.Errorf("%s can be opened", name)
		}
	}
	if entries, err := fs.ReadDir(m, ".own/modules/x"); err != nil || len(entries) != 1 {
		t.Errorf("the mounted tree lists %v %v", entries, err)
	}
	if _, err := fs.ReadDir(m, ".own/modules"); err == nil {
		t.Error("the directory of the mounted tree is listed")
	}
	if err := fstest.TestFS(&Mount{FS: treeOf(map[string]string{"a": "", "b/c": ""}), Dir: "b/m", Other: treeOf(nil)}, "a", "b/c"); err != nil {
		t.Error(err)
	}
}
