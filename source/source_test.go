package source

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestPosition(t *testing.T) {
	f := &File{Path: "a", Bytes: []byte("ab\r\nüß x\n\nend")}
	for _, c := range []struct {
		offset int
		want   Position
	}{
		{0, Position{1, 1}}, {2, Position{1, 3}}, {4, Position{2, 1}}, {6, Position{2, 2}}, {9, Position{2, 4}},
		{11, Position{3, 1}}, {12, Position{4, 1}}, {15, Position{4, 4}}, {99, Position{4, 4}}, {-1, Position{1, 1}},
	} {
		if got := f.Position(c.offset); got != c.want {
			t.Errorf("Position(%d) = %v, want %v", c.offset, got, c.want)
		}
	}
	if got := f.Text(f.Line(1)); got != "ab" {
		t.Errorf("line 1 = %q, want the text without its line end", got)
	}
	if got := f.Line(5); !got.IsZero() {
		t.Errorf("Line(5) = %v, want none", got)
	}
}

// TestPosition_longLine counts in a line that is longer than what is counted at once.
func TestPosition_longLine(t *testing.T) {
	text := "a\n" + strings.Repeat("aü€😀", 5000) + "\nend"
	f := &File{Path: "a", Bytes: []byte(text)}
	for offset := 0; offset <= len(text); offset += 611 {
		for !utf8.RuneStart((text + "x")[offset]) {
			offset++
		}
		start := strings.LastIndexByte(text[:offset], '\n') + 1
		want := Position{Line: strings.Count(text[:offset], "\n") + 1, Column: utf8.RuneCountInString(text[start:offset]) + 1}
		if got := f.Position(offset); got != want {
			t.Errorf("Position(%d) = %v, want %v", offset, got, want)
		}
	}
}

func TestApply(t *testing.T) {
	at := func(start, end int, text string) Edit { return Edit{Range{"a", start, end}, text} }
	for _, c := range []struct {
		name  string
		edits []Edit
		want  string // empty means an error
	}{
		{"nothing", nil, "0123456789"},
		{"any order", []Edit{at(8, 9, "b"), at(1, 3, "a")}, "0a34567b9"},
		{"insertions keep their order", []Edit{at(5, 5, "x"), at(5, 5, "y")}, "01234xy56789"},
		{"overlap", []Edit{at(1, 4, ""), at(3, 5, "")}, ""},
		{"outside", []Edit{at(9, 11, "")}, ""},
		{"backwards", []Edit{at(4, 3, "")}, ""},
	} {
		got, err := Apply([]byte("0123456789"), c.edits)
		if (err != nil) != (c.want == "") || string(got) != c.want {
			t.Errorf("%s: got %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}

func TestRead_refuses(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "tree")
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "secret.tf"), "outside")
	write(filepath.Join(root, "big.tf"), strings.Repeat("#", 2<<20))
	write(filepath.Join(root, "latin.tf"), "a\nb\xe9\n")
	write(filepath.Join(root, "ok.tf"), "fine")
	for link, target := range map[string]string{
		"out.tf": "../secret.tf", "outdir": "..", "in.tf": "ok.tf", "loop": ".", "gone.tf": "nowhere.tf",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(root, "pipe.tf"), 0o644); err != nil {
		t.Fatal(err)
	}
	tree, err := os.OpenRoot(root)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	r := &Reader{FS: tree.FS(), Limit: 1 << 20}
	for name, want := range map[string]string{
		"big.tf": "2 MiB", "latin.tf": "line 2", "out.tf": "leads out of the tree", "pipe.tf": "named pipe",
		"nowhere.tf": "does not exist", "../secret.tf": "invalid argument",
	} {
		if f, p := r.Read(name); f != nil || p == nil || !strings.Contains(p.Message, want) {
			t.Errorf("Read(%s) = %v, %v; want a problem with %q", name, f, p, want)
		}
	}
	if f, p := r.Read("in.tf"); p != nil || string(f.Bytes) != "fine" {
		t.Errorf("Read(in.tf) = %v, %v; want the file the link leads to", f, p)
	}
	files, problems := Walk(tree.FS(), ".")
	if diff := cmp.Diff([]string{"big.tf", "in.tf", "latin.tf", "ok.tf", "pipe.tf"}, files); diff != "" {
		t.Errorf("Walk lists other files (-want +got):\n%s", diff)
	}
	var places []string
	for _, p := range problems {
		places = append(places, p.Range.File)
	}
	if diff := cmp.Diff([]string{"out.tf", "outdir"}, places); diff != "" {
		t.Errorf("Walk reports other places (-want +got):\n%s", diff)
	}
}

func TestReader_With(t *testing.T) {
	r := &Reader{FS: fstest.MapFS{"a": {Data: []byte("old")}, "b": {Data: []byte("same")}}}
	before, _ := r.Read("b")
	w := r.With(&File{Path: "a", Bytes: []byte("new")})
	a, _ := w.Read("a")
	b, _ := w.Read("b")
	old, _ := r.Read("a")
	if string(a.Bytes) != "new" || b != before || string(old.Bytes) != "old" {
		t.Errorf("got %q, shared %v, %q", a.Bytes, b == before, old.Bytes)
	}
}

func TestGit(t *testing.T) {
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	if err := os.CopyFS(dir, fstest.MapFS{
		"outside.tf":      {Data: []byte("outside")},
		"envs/main.tf":    {Data: []byte("first")},
		"envs/mod/a/b.tf": {Data: []byte("deep")},
	}); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"envs/in.tf": "mod/a/b.tf", "envs/out.tf": "../outside.tf", "envs/dir": "mod/a"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	run("init", "-q")
	run("add", ".")
	run("commit", "-qm", "one")
	if err := os.WriteFile(filepath.Join(dir, "envs/main.tf"), []byte("changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	g, err := OpenGit(context.Background(), filepath.Join(dir, "envs"), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"main.tf": "first", "in.tf": "deep", "dir/b.tf": "deep"} {
		if got, err := fs.ReadFile(g, name); err != nil || string(got) != want {
			t.Errorf("%s = %q, %v; want %q", name, got, err, want)
		}
	}
	if _, err := fs.ReadFile(g, "out.tf"); err == nil {
		t.Error("a link out of the tree was followed")
	}
	files, _ := Walk(g, ".")
	if diff := cmp.Diff([]string{"in.tf", "main.tf", "mod/a/b.tf"}, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if err := g.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	for _, ref := range []string{"nothing", "--help", ""} {
		if _, err := OpenGit(context.Background(), dir, ref); err == nil {
			t.Errorf("OpenGit(%q) succeeded", ref)
		}
	}
}
