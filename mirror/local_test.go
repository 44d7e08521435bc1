package mirror_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/outbound"
)

// TestFetch_local holds that people are told what is wrong with a folder of this machine, and of folders that are not allowed not even
// whether they are there.
func TestFetch_local(t *testing.T) {
	allowed, other := t.TempDir(), t.TempDir()
	hosts, err := outbound.Parse([]string{"file://" + allowed}, "--allow-file")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(allowed, "file"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Join(allowed, "empty"), filepath.Join(other, "there")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(other, filepath.Join(allowed, "out")); err != nil {
		t.Fatal(err)
	}
	const refused = "repositories on this machine are not read, unless --allow-file names their folder"
	for path, want := range map[string]string{
		filepath.Join(allowed, "gone"):                    "there is no folder " + filepath.Join(allowed, "gone") + " on the machine that fetches",
		filepath.Join(allowed, "gone", "deep"):            "there is no folder ",
		filepath.Join(allowed, "empty"):                   "the folder " + filepath.Join(allowed, "empty") + " is there, but it is no git repository",
		filepath.Join(allowed, "file"):                    "it is no git repository",
		filepath.Join(other, "there"):                     refused,
		filepath.Join(other, "gone"):                      refused,
		filepath.Join(allowed, "out", "gone"):             refused,
		filepath.Join(allowed, "out", "there"):            refused,
		allowed + "/../" + filepath.Base(other) + "/gone": refused,
	} {
		_, err := mirror.Mirror{Dir: filepath.Join(t.TempDir(), "m.git")}.Fetch(context.Background(), mirror.Options{Address: "file://" + path, Hosts: hosts})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "credential") {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}
