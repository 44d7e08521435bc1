package terraform

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// treeWorkspace sees a tree and reads its files.
func treeWorkspace(tree fs.FS) *dialect.Workspace {
	return &dialect.Workspace{
		FS: tree,
		Read: func(path string) (*source.File, *source.Problem) {
			content, err := fs.ReadFile(tree, path)
			if err != nil {
				return nil, &source.Problem{Kind: source.Unreadable, Range: source.Range{File: path}, Message: err.Error()}
			}
			return &source.File{Path: path, Bytes: content}, nil
		},
		Env: func(string) (string, bool) { return "", false },
	}
}

// claimed lists the files of a tree that the dialect claims.
func claimed(t testing.TB, tree fs.FS) []string {
	t.Helper()
	var paths []string
	err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".git" || entry.Name() == ".terraform") {
			return fs.SkipDir
		}
		if !entry.IsDir() && extension(path) != "" {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// corpus returns an estate of the corpus; the test is skipped when there is none.
func corpus(t testing.TB, name string) fs.FS {
	t.Helper()
	root := os.Getenv("PLUMBLINE_CORPUS")
	if root == "" {
		t.Skip("PLUMBLINE_CORPUS names no folder of estates")
	}
	return os.DirFS(filepath.Join(root, name))
}

var estates = []string{"terragoat", "terraform-aws-eks", "KaiMonkey"}

func BenchmarkParseOnly(b *testing.B) {
	for _, name := range estates {
		b.Run(name, func(b *testing.B) {
			tree := corpus(b, name)
			files := map[string][]byte{}
			for _, p := range claimed(b, tree) {
				if filepath.Ext(p) != ".json" {
					files[p], _ = fs.ReadFile(tree, p)
				}
			}
			for b.Loop() {
				for p, content := range files {
					hclsyntax.ParseConfig(content, p, hcl.InitialPos)
				}
			}
		})
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for _, name := range estates {
		b.Run(name, func(b *testing.B) {
			tree := corpus(b, name)
			paths := claimed(b, tree)
			d := New(schema.Load())
			for b.Loop() {
				w := treeWorkspace(tree)
				e, _ := d.Open(context.Background(), w, paths)
				for _, u := range e.Units() {
					e.Evaluate(context.Background(), u)
				}
			}
		})
	}
}

// TestCorpus evaluates the estates and prints what they hold.
func TestCorpus(t *testing.T) {
	for _, name := range estates {
		t.Run(name, func(t *testing.T) {
			tree := corpus(t, name)
			e, problems := New(schema.Load()).Open(context.Background(), treeWorkspace(tree), claimed(t, tree))
			var out bytes.Buffer
			for _, p := range problems {
				fmt.Fprintf(&out, "problem %s %s:%d %s\n", p.Kind, p.Range.File, p.Range.Start, p.Message)
			}
			managed, unknown, attributes, refs, documents := 0, 0, 0, 0, 0
			for _, n := range e.Units() {
				u := e.Evaluate(context.Background(), n)
				for _, p := range u.Problems {
					if p.Kind == source.Bug {
						t.Errorf("%s: %s %s", n.Dir, p.Range.File, p.Message)
					}
					fmt.Fprintf(&out, "problem in %s %s: %s %s:%d %s\n", n.Dir, n.Variant, p.Kind, p.Range.File, p.Range.Start, p.Message)
				}
				for _, r := range u.Graph.Resources {
					h := r.Handle.(*handle)
					if h.instance == nil || h.instance.decl.mode != "resource" {
						continue
					}
					managed++
					refs += len(r.Refs)
					for i := range r.Body.Fields {
						attributes++
						if r.Body.Fields[i].Value.Kind == value.Unknown {
							unknown++
						}
						if r.Body.Fields[i].Value.Document != nil {
							documents++
						}
					}
				}
			}
			t.Logf("%d units, %d managed resources, %d attributes, %d unknown, %d refs, %d documents\n%s",
				len(e.Units()), managed, attributes, unknown, refs, documents, out.String())
		})
	}
}

// TestSameAgain evaluates each estate twice: what comes out must not depend on the order of maps or goroutines.
func TestSameAgain(t *testing.T) {
	for _, name := range estates {
		t.Run(name, func(t *testing.T) {
			tree := corpus(t, name)
			everything := func() string {
				var out bytes.Buffer
				e, problems := New(schema.Load()).Open(context.Background(), treeWorkspace(tree), claimed(t, tree))
				fmt.Fprintln(&out, problems)
				for _, n := range e.Units() {
					u := e.Evaluate(context.Background(), n)
					fmt.Fprintln(&out, n, u.Problems, u.Reads, u.Graph.Missing)
					for _, r := range u.Graph.Resources {
						fmt.Fprintln(&out, r.Address, r.Range, r.Maybe, r.Refs, r.Tags, shown(&r.Body), shown(Attributes(nil, r)))
						for i := range r.Body.Fields {
							fmt.Fprintln(&out, u.Explain(r, value.Path{{Name: r.Body.Fields[i].Name}}))
						}
					}
				}
				return out.String()
			}
			if a, b := everything(), everything(); a != b {
				t.Error(cmp.Diff(a, b))
			}
		})
	}
}
