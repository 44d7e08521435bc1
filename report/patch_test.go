package report

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

const hunter = "  password = \"Sup3rSecretPassw0rd!\"\n"

func TestPatch(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		change string // the first line that holds it becomes "  b = 2\n"
		want   string // "" when there is no patch
	}{
		"nothing to hide":     {"a {\n  b = 1\n}\n", "b = 1", "--- a/a.tf\n+++ b/a.tf\n@@ -1,3 +1,3 @@\n a {\n-  b = 1\n+  b = 2\n }\n"},
		"above":               {"a {\n" + hunter + "  b = 1\n}\n", "b = 1", "--- a/a.tf\n+++ b/a.tf\n@@ -3,2 +3,2 @@\n-  b = 1\n+  b = 2\n }\n"},
		"further above":       {"a {\n" + hunter + "  x = 1\n  b = 1\n}\n", "b = 1", "--- a/a.tf\n+++ b/a.tf\n@@ -3,3 +3,3 @@\n   x = 1\n-  b = 1\n+  b = 2\n }\n"},
		"below":               {"a {\n  b = 1\n  x = 1\n" + hunter + "}\n", "b = 1", "--- a/a.tf\n+++ b/a.tf\n@@ -1,3 +1,3 @@\n a {\n-  b = 1\n+  b = 2\n   x = 1\n"},
		"right below":         {"a {\n  b = 1\n" + hunter + "}\n", "b = 1", ""},
		"in the line":         {"a = {b = 1, password = \"Sup3rSecretPassw0rd!\"}\nx\n", "b = 1", ""},
		"before the last one": {hunter + "  b = 1\n", "b = 1", "--- a/a.tf\n+++ b/a.tf\n@@ -2 +2 @@\n-  b = 1\n+  b = 2\n"},
		"nothing":             {"a\n", "b = 1", ""},
	} {
		start := strings.Index(c.text, c.change)
		var edits []finding.Edit
		if start >= 0 {
			start = strings.LastIndex(c.text[:start], "\n") + 1
			edits = append(edits, edit(start, start+strings.Index(c.text[start:], "\n")+1, "  b = 2\n"))
		}
		got, ok := Patch(&source.File{Path: "a.tf", Bytes: []byte(c.text)}, edits)
		if d := cmp.Diff(c.want, got); d != "" || ok != (c.want != "") {
			t.Errorf("%s: %v %s", name, ok, d)
		}
	}
}

// git takes every patch, and what comes of it is what the edits make; no patch shows a secret.
func TestPatch_git(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	words := []string{"a {\n", "b = 1\n", "\n", "  c = 1\n", "}\n", hunter, "y\r\n"}
	dir := t.TempDir()
	want, all, without := map[string]string{}, "", 0
	for i := range 400 {
		var lines []string
		for range 3 + random.IntN(12) {
			lines = append(lines, words[random.IntN(len(words))])
		}
		name := fmt.Sprintf("f%d.tf", i)
		f := &source.File{Path: name, Bytes: []byte(strings.Join(lines, ""))}
		var edits []finding.Edit
		var plain []source.Edit
		for n := 1 + random.IntN(2); n < len(lines); n += 2 + random.IntN(8) {
			r := source.Range{File: name, Start: f.Line(n).Start, End: f.Line(n).Start}
			if random.IntN(2) == 0 {
				r.End = f.Line(n + 1).Start
			}
			edits = append(edits, finding.Edit{Location: finding.Location{Range: r}, Text: "new = 2\n"})
			plain = append(plain, source.Edit{Range: r, Text: "new = 2\n"})
		}
		after, err := source.Apply(f.Bytes, plain)
		if err != nil {
			t.Fatal(err)
		}
		text, ok := Patch(f, edits)
		if strings.Contains(text, "Sup3r") || strings.Contains(text, "(hidden)") {
			t.Fatalf("a secret, or what stands for it:\n%s", text)
		}
		if !ok {
			without++
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), f.Bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		want[name], all = string(after), all+text
	}
	if len(want) < 100 || without < 20 {
		t.Fatalf("%d patches, %d without one", len(want), without)
	}
	git := exec.Command("git", "apply", "-")
	git.Dir, git.Stdin = dir, strings.NewReader(all)
	git.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	if out, err := git.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(text, string(got)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
