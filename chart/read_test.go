package chart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestReadDir(t *testing.T) {
	files := map[string]string{
		"Chart.yaml": "name: web\nversion: 1.0.0\n", "templates/a.yaml": "a: 1", "README.md": "read me", "src/main.go": "package main",
		"charts/db/Chart.yaml": "", "charts/db/x.txt": "", "charts/db/templates/b.yaml": "", "charts/db/charts/c.tgz": "", "charts/notes.txt": "", "crds/a.yaml": "", "values.yaml": "",
	}
	names := func() string {
		tree := fstest.MapFS{}
		for name, text := range files {
			tree["web/"+name] = &fstest.MapFile{Data: []byte(text)}
		}
		got, problems := ReadDir(tree, "web", nil)
		var out []string
		for _, f := range got {
			out = append(out, f.Name)
			if f.Path != "web/"+f.Name {
				t.Errorf("%s is said to be at %s", f.Name, f.Path)
			}
		}
		for _, p := range problems {
			out = append(out, p.Message)
		}
		return strings.Join(out, " ")
	}
	want := "Chart.yaml charts/db/Chart.yaml charts/db/charts/c.tgz charts/db/templates/b.yaml crds/a.yaml templates/a.yaml values.yaml"
	if got := names(); got != want {
		t.Errorf("read %s, want %s", got, want)
	}
	files["templates/a.yaml"] = `a: {{ .Files.Get "README.md" }}`
	if got := names(); got != want+" README.md charts/db/x.txt charts/notes.txt src/main.go" {
		t.Errorf("with .Files: read %s", got)
	}
	files["big.txt"] = strings.Repeat("x", archiveFile+1)
	if got := names(); !strings.Contains(got, "larger than") || strings.Contains(got, "big.txt") {
		t.Errorf("with a large file: read %s", got)
	}
}

// TestReadDir_links: links that lead out are problems, and those that lead around in circles end.
func TestReadDir_links(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"Chart.yaml": "name: web\nversion: 1.0.0\n", "templates/a.yaml": "a: 1"} {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"templates/out.yaml": "/etc/passwd", "templates/in.yaml": "a.yaml", "templates/b": ".", "templates/c": "."} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	files, problems := ReadDir(root.FS(), ".", nil)
	found := false
	for _, f := range files {
		found = found || f.Name == "templates/in.yaml" && string(f.Data) == "a: 1"
		if strings.Contains(string(f.Data), "root:") {
			t.Errorf("%s was read from outside", f.Name)
		}
	}
	if !found || len(problems) != 3 || len(files) != 3 {
		t.Errorf("read %d files, problems %v", len(files), problems)
	}
}
