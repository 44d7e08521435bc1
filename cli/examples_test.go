package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"plumbline.dev/plumbline/internal/golden"
)

// TestExamples scans the estates of the folder examples as a user does, and compares with their expected.txt.
func TestExamples(t *testing.T) {
	root, err := filepath.Abs("../examples")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			var out, errs bytes.Buffer
			code := Main(t.Context(), []string{"scan", "--no-cache", "--report", "short", "."}, Env{
				Out: &out, Err: &errs, Dir: filepath.Join(root, e.Name()), Now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
				Lookup: func(string) (string, bool) { return "", false },
			})
			if code != Found {
				t.Errorf("exit code %d, want %d; %s", code, Found, errs.Bytes())
			}
			golden.Equal(t, filepath.Join("../examples", e.Name(), "expected.txt"), out.Bytes())
		})
	}
}
