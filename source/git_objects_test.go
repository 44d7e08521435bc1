package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bare is a repository whose objects are written one by one.
type bare struct {
	t   *testing.T
	dir string
}

func newBare(t *testing.T) bare {
	b := bare{t, filepath.Join(t.TempDir(), "r.git")}
	b.git("", "init", "--quiet", "--bare", b.dir)
	return b
}

func (b bare) git(in string, args ...string) string {
	b.t.Helper()
	cmd := exec.Command("git", append([]string{"--git-dir=" + b.dir}, args...)...)
	cmd.Stdin = strings.NewReader(in)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (b bare) blob(text string) string { return b.git(text, "hash-object", "-w", "--stdin") }
func (b bare) tree(lines ...string) string {
	return b.git(strings.Join(lines, "\n")+"\n", "mktree", "--missing")
}
func (b bare) commit(tree string) string { return b.git("", "commit-tree", "-m", "x", tree) }

func (b bare) open(files int) *GitObjects {
	b.t.Helper()
	o, err := OpenGitObjects(context.Background(), b.dir, files)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { o.Close() })
	return o
}

func TestGitTree(t *testing.T) {
	b := newBare(t)
	x, y := b.blob("x"), b.blob("y")
	link := func(to string) string { return "120000 blob " + b.blob(to) + "\t" }
	sub := b.tree("100644 blob "+x+"\ta.tf", "100755 blob "+y+"\tb.tf")
	first := b.commit(b.tree("100644 blob "+x+"\tmain.tf", "040000 tree "+sub+"\tsub", link("sub")+"dir", link("sub/a.tf")+"file", link("/etc/passwd")+"out",
		link("../x")+"up", link("loop")+"loop", "160000 commit "+strings.Repeat("1", 40)+"\tmodule", "100644 blob "+strings.Repeat("2", 40)+"\tlarge"))
	o := b.open(0)
	tree, err := o.Tree(first)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"main.tf": "x", "sub/a.tf": "x", "sub/b.tf": "y", "dir/b.tf": "y", "file": "x", "out": "escapes", "up": "escapes", "loop": "too many", "module": "not exist",
		"module/x": "not exist", "main.tf/x": "not exist", "large": "larger than what is fetched", "sub": "directory", "dir": "directory", "nowhere": "not exist",
		"../main.tf": "invalid", "/etc/passwd": "invalid",
	} {
		text, err := fs.ReadFile(tree, name)
		if got := string(text) + fmt.Sprint(err); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	l := List(tree, ".")
	if diff := cmp.Diff([]string{"file", "large", "main.tf", "sub/a.tf", "sub/b.tf"}, l.Files); diff != "" || len(l.Problems) != 3 {
		t.Errorf("%s%v", diff, l.Problems)
	}
	if !tree.Links() || tree.Identity("dir/b.tf") != y || tree.Identity("out") != "" || tree.Identity("nowhere") != "" {
		t.Error("identities")
	}
	plain := b.commit(b.tree("100644 blob "+x+"\tmain.tf", "040000 tree "+sub+"\tsub"))
	if one, err := o.Tree(plain); err != nil || one.Links() || one.Identity("sub") != tree.Identity("dir") {
		t.Errorf("a tree without links: %v", err)
	}
}

func TestGitTree_Differs(t *testing.T) {
	b := newBare(t)
	x, y := b.blob("x"), b.blob("y")
	file := func(blob, name string) string { return "100644 blob " + blob + "\t" + name }
	dir := func(tree, name string) string { return "040000 tree " + tree + "\t" + name }
	deep := b.tree(dir(b.tree(file(x, "f")), "e"))
	before := b.commit(b.tree(file(x, "a"), file(x, "gone"), file(x, "turns"), dir(deep, "d"), dir(deep, "same"), dir(deep, "lost")))
	after := b.commit(b.tree(file(y, "a"), file(x, "new"), dir(b.tree(file(x, "in")), "turns"), dir(b.tree(dir(b.tree(file(y, "f")), "e")), "d"), dir(deep, "same")))
	o := b.open(0)
	was, err := o.Tree(before)
	if err != nil {
		t.Fatal(err)
	}
	now, err := o.Tree(after)
	if err != nil {
		t.Fatal(err)
	}
	files, folders := now.Differs(was)
	wantFiles := []string{"a", "d/e/f", "gone", "lost", "lost/e", "lost/e/f", "new", "turns", "turns/in"}
	if diff := cmp.Diff(wantFiles, slices.Sorted(maps.Keys(files))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{".", "lost", "lost/e", "turns"}, slices.Sorted(maps.Keys(folders))); diff != "" {
		t.Error(diff)
	}
	if files, folders := now.Differs(now); len(files)+len(folders) > 0 {
		t.Errorf("a tree differs from itself: %v %v", files, folders)
	}
}

// TestGitObjects_hostile has trees that are small to store and large to list.
func TestGitObjects_hostile(t *testing.T) {
	b := newBare(t)
	x := b.blob("x")
	bomb := b.tree("100644 blob " + x + "\tf")
	for range 12 { // ten of the floor below on each floor
		var lines []string
		for i := range 10 {
			lines = append(lines, fmt.Sprintf("040000 tree %s\td%d", bomb, i))
		}
		bomb = b.tree(lines...)
	}
	tower := b.tree("100644 blob " + x + "\tf")
	for range maxGitDepth + 10 {
		tower = b.tree("040000 tree " + tower + "\td")
	}
	o := b.open(1000)
	if _, err := o.Tree(b.commit(bomb)); !errors.Is(err, ErrListing) {
		t.Errorf("a trillion files: %v", err)
	}
	if _, err := o.Tree(b.commit(tower)); err == nil || !strings.Contains(err.Error(), "nested too deeply") {
		t.Errorf("a tower of folders: %v", err)
	}
	for _, id := range []string{"", "HEAD", "--output=x", strings.Repeat("3", 40), x, strings.Repeat("g", 40), "HEAD\ninfo HEAD"} {
		if _, err := o.Tree(id); err == nil {
			t.Errorf("commit %q is read", id)
		}
	}
	if _, err := o.Tree(b.commit(b.tree("100644 blob " + x + "\tf"))); err != nil {
		t.Errorf("after all that: %v", err)
	}
}
