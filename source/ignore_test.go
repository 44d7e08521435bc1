package source

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func treeOf(files map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return tree
}

// ignoreCases are ignore files and the paths that they leave out of some. TestIgnore_git holds them against git itself.
var ignoreCases = []struct {
	name   string
	ignore map[string]string // by directory
	files  string
	kept   string
}{
	{"name anywhere", map[string]string{".": "a.tf"}, "a.tf x/a.tf x/y/a.tf b.tf", "b.tf"},
	{"folder only", map[string]string{".": "a/"}, "a/x b/a x/a/y", "b/a"},
	{"anchored", map[string]string{".": "/a.tf\nx/b.tf"}, "a.tf x/a.tf x/b.tf y/x/b.tf", "x/a.tf y/x/b.tf"},
	{"stars", map[string]string{".": "*.tf\nx?\n"}, "a.tf a.tfx x1 x12 d/x1 y", "a.tfx x12 y"},
	{"star stops at slashes", map[string]string{".": "a/*/c"}, "a/b/c a/b/d/c a/c", "a/b/d/c a/c"},
	{"negation", map[string]string{".": "*.tf\n!keep.tf"}, "a.tf keep.tf x/keep.tf", "keep.tf x/keep.tf"},
	{"the last one counts", map[string]string{".": "!a\na\nb\n!b"}, "a b", "b"},
	{"nothing comes back from a folder that is out", map[string]string{".": "x/\n!x/keep"}, "x/keep y", "y"},
	{"contents out, one back", map[string]string{".": "x/*\n!x/keep"}, "x/keep x/gone y", "x/keep y"},
	{"nested files override", map[string]string{".": "*.tf", "x": "!a.tf\nb"}, "a.tf x/a.tf x/c.tf x/b y/b y/a.tf x/y/a.tf", "x/a.tf y/b x/y/a.tf"},
	{"anchored in a nested file", map[string]string{"x": "/a\ny/b"}, "a x/a x/y/a x/y/b y/b", "a x/y/a y/b"},
	{"double stars", map[string]string{".": "**/a\nb/**\nc/**/d"}, "a x/a x/y/a b/w b/x/y c/d c/x/d c/x/y/d d z/b/x", "d z/b/x"},
	{"double stars in a name", map[string]string{".": "a**b"}, "ab axxb x/axb a/b", "a/b"},
	{"comments and empty lines", map[string]string{".": "# a\n\n\\#b\n\\!c\n"}, "a #b !c d", "a d"},
	{"spaces", map[string]string{".": "a  \nb\\ \nc d\n"}, "a b b_ c_d", "b"},
	{"classes", map[string]string{".": "[ab]1\n[!ab]2\n[a-c]3\n[]]4\n[[:digit:]]5\n[^x]6"}, "a1 c1 a2 c2 b3 d3 ]4 a4 75 x5 y6 x6", "c1 a2 d3 a4 x5 x6"},
	{"escapes", map[string]string{".": "\\*\na\\?"}, "* x a? ab", "x ab"},
	{"CR LF and a mark", map[string]string{".": "\ufeffa\r\nb\r\n"}, "a b c", "c"},
	{"class that is not closed", map[string]string{".": "[a\n"}, "a [a", "a [a"},
	{"signs are bytes, as git has it", map[string]string{".": "?\n??x"}, "ä öx a", "ä"},
	{"a folder named as a file pattern", map[string]string{".": "*.tf"}, "x.tf/a b/x", "b/x"},
	{"slash alone", map[string]string{".": "/\n!\n"}, "a", "a"},
	{"case counts", map[string]string{".": "A"}, "a", "a"},
}

func fieldsOf(s string) []string {
	var out []string
	for _, f := range strings.Fields(s) {
		out = append(out, strings.ReplaceAll(f, "_", " "))
	}
	return out
}

func TestIgnore(t *testing.T) {
	for _, c := range ignoreCases {
		for _, file := range []string{gitIgnore, ownIgnore} {
			files := map[string]string{}
			for _, f := range fieldsOf(c.files) {
				files[f] = ""
			}
			for dir, text := range c.ignore {
				files[filepath.Join(dir, file)] = text
			}
			l := List(treeOf(files), ".")
			got := slices.DeleteFunc(l.Files, func(f string) bool { return strings.HasSuffix(f, "ignore") })
			want := slices.Sorted(slices.Values(fieldsOf(c.kept)))
			if diff := cmp.Diff(want, got); diff != "" || len(l.Problems) > 0 {
				t.Errorf("%s, %s: files (-want +got):\n%s%v", c.name, file, diff, l.Problems)
			}
		}
	}
}

// TestIgnore_git asks git what it leaves out.
func TestIgnore_git(t *testing.T) {
	for _, c := range ignoreCases {
		dir := t.TempDir()
		for dirName, text := range c.ignore {
			write(t, filepath.Join(dir, dirName, gitIgnore), text)
		}
		for _, f := range fieldsOf(c.files) {
			write(t, filepath.Join(dir, f), "x")
		}
		cmd := exec.Command("git", "init", "-q")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		cmd = exec.Command("git", "-c", "core.excludesFile="+os.DevNull, "ls-files", "-z", "--others", "--exclude-standard")
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for f := range strings.SplitSeq(strings.Trim(string(out), "\x00"), "\x00") {
			if f != "" && !strings.HasSuffix(f, gitIgnore) {
				got = append(got, f)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(slices.Sorted(slices.Values(fieldsOf(c.kept))), got); diff != "" {
			t.Errorf("%s: git thinks otherwise (-want +git):\n%s", c.name, diff)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestList(t *testing.T) {
	files := map[string]string{
		".gitignore": "gone\ncdk.out\n*.log\n", ".plumblineignore": "mine/\n!kept.log\n",
		"a.tf": "", "gone/a.tf": "", "x/gone": "", "mine/a.tf": "", "cdk.out/a.json": "", "cdk.out/gone": "", "kept.log": "", "b.log": "",
		"node_modules/a.tf": "", "x/.terraform/a.tf": "", "x/c.log": "", "x/.gitignore": "!c.log\n", "x/d.log": "",
		"out/.plumblineignore": "cdk.out\n", "out/cdk.out/a.json": "",
	}
	tree := treeOf(files)
	shown := func(l *Listing) string {
		return strings.Join(slices.DeleteFunc(l.Files, func(f string) bool { return strings.HasSuffix(f, "ignore") }), " ") + " | " + strings.Join(l.Ignored, " ")
	}
	for _, c := range []struct{ dir, want string }{
		{".", "a.tf cdk.out/a.json kept.log x/c.log | b.log cdk.out/gone gone mine out/cdk.out x/d.log x/gone"},
		{"x", "x/c.log | x/d.log x/gone"},
		{"gone", "gone/a.tf | "},
		{"mine", "mine/a.tf | "},
	} {
		if got := shown(List(tree, c.dir)); got != c.want {
			t.Errorf("List(%s) = %s, want %s", c.dir, got, c.want)
		}
	}
	for _, c := range []struct{ file, want string }{
		{"a.tf", "a.tf cdk.out/a.json kept.log x/c.log | b.log cdk.out/gone gone mine out/cdk.out x/d.log x/gone"},
		{"b.log", "a.tf b.log cdk.out/a.json kept.log x/c.log | cdk.out/gone gone mine out/cdk.out x/d.log x/gone"},
		{"x/gone", "x/c.log x/gone | x/d.log"},
		{"mine/a.tf", "mine/a.tf | "},
	} {
		if got := shown(Beside(tree, c.file)); got != c.want {
			t.Errorf("Beside(%s) = %s, want %s", c.file, got, c.want)
		}
	}
	if all, _ := Walk(tree, "."); !slices.Contains(all, "kept.log") || slices.Contains(all, "b.log") {
		t.Errorf("Walk lists %q", all)
	}
	if !slices.Contains(slices.Collect(maps.Keys(files)), "gone/a.tf") {
		t.Fatal("the test is void")
	}
}

func TestList_commit(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{".gitignore": "a.tf\n", ".plumblineignore": "b.tf\n", "a.tf": "", "b.tf": "", "c.tf": ""} {
		write(t, filepath.Join(dir, name), text)
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-f", "."}, {"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "one"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	g, err := OpenGit(context.Background(), dir, "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if diff := cmp.Diff([]string{".gitignore", ".plumblineignore", "a.tf", "c.tf"}, List(g, ".").Files); diff != "" {
		t.Errorf("at a commit (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{".gitignore", ".plumblineignore", "c.tf"}, List(os.DirFS(dir), ".").Files); diff != "" {
		t.Errorf("on disk (-want +got):\n%s", diff)
	}
}

func TestIgnore_hostile(t *testing.T) {
	for name, text := range map[string]string{
		"too large":    strings.Repeat("#\n", ignoreBytes),
		"too many":     strings.Repeat("a\n", ignorePatterns+1),
		"not text":     "\xff\xfe",
		"many stars":   strings.Repeat("*a", 2000) + "b",
		"many folders": strings.Repeat("**/", 2000) + "b/c",
		"many classes": strings.Repeat("[a-z]*", 2000),
	} {
		files := map[string]string{".gitignore": text, "x.tf": "", strings.Repeat("a", 200): "", strings.Repeat("a/", 200) + "x": ""}
		start := time.Now()
		l := List(treeOf(files), ".")
		if !slices.Contains(l.Files, "x.tf") || time.Since(start) > 2*time.Second {
			t.Errorf("%s: after %s %d files", name, time.Since(start), len(l.Files))
		}
		if strings.HasPrefix(name, "too") && len(l.Problems) != 1 {
			t.Errorf("%s: problems %v, want one", name, l.Problems)
		}
	}
}
