package scan_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// estates are what the benchmarks scan: our own example, and the folders that PLUMBLINE_CORPUS holds.
func estates(b *testing.B) []string {
	dirs := []string{"../examples/shop"}
	corpus := os.Getenv("PLUMBLINE_CORPUS")
	if corpus == "" {
		return dirs
	}
	entries, err := os.ReadDir(corpus)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range entries {
		dir := filepath.Join(corpus, e.Name())
		if len(terraformFiles(b, os.DirFS(dir))) > 0 {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func terraformFiles(b *testing.B, tree fs.FS) []string {
	files, _ := source.Walk(tree, ".")
	var out []string
	for _, f := range files {
		if strings.HasSuffix(f, ".tf") {
			out = append(out, f)
		}
	}
	return out
}

// cpu is the processor time of this process, all threads.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkParse is the yardstick: hclsyntax over the same files, nothing else.
func BenchmarkParse(b *testing.B) {
	for _, dir := range estates(b) {
		b.Run(filepath.Base(dir), func(b *testing.B) {
			tree := os.DirFS(dir)
			files := terraformFiles(b, tree)
			start := cpu(b)
			for b.Loop() {
				for _, name := range files {
					text, err := fs.ReadFile(tree, name)
					if err != nil {
						b.Fatal(err)
					}
					hclsyntax.ParseConfig(text, name, hcl.InitialPos)
				}
			}
			b.ReportMetric(float64(cpu(b)-start)/float64(b.N), "cpu-ns/op")
		})
	}
}

// catalogue is the whole catalogue, filled up with copies of its pages to a thousand, prepared as the program carries them
// and compiled anew for each scan as a new process would.
func catalogue(b *testing.B, set *schema.Set) func() *rule.Catalogue {
	pages := fstest.MapFS{}
	n := 0
	id := regexp.MustCompile(`(?m)^id: (\S+)`)
	aliases := regexp.MustCompile(`(?m)^aliases: .*$`)
	for copies := 0; n < 1000; copies++ {
		before := n
		err := fs.WalkDir(rules.Pages(), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || n == 1000 {
				return err
			}
			text, err := fs.ReadFile(rules.Pages(), name)
			if copies > 0 {
				text = id.ReplaceAll(text, fmt.Appendf(nil, "id: $1-%d", copies))
				text = aliases.ReplaceAll(text, nil)
				text = regexp.MustCompile(`(?m)^aliases:\n(  - .*\n)+`).ReplaceAll(text, nil)
				name = strings.TrimSuffix(name, ".md") + fmt.Sprintf("-%d.md", copies)
			}
			pages[name] = &fstest.MapFile{Data: bytes.Clone(text)}
			n++
			return err
		})
		if err != nil || n == before {
			b.Fatal("no pages", err)
		}
	}
	prepared, err := rule.Prepare(pages)
	if err != nil {
		b.Fatal(err)
	}
	code := string(prepared)
	return func() *rule.Catalogue {
		c := rule.NewCatalogue(set)
		if err := c.AddPrepared(pages, code); err != nil {
			b.Fatal(err)
		}
		return c
	}
}

func options(b *testing.B, dir string, set *schema.Set, rules *rule.Catalogue) scan.Options {
	root, err := os.OpenRoot(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { root.Close() })
	return scan.Options{FS: root.FS(), Dialects: []dialect.Dialect{terraform.New(set)}, Rules: rules}
}

// BenchmarkScan is a scan with a thousand rules, from opening the tree to the finished report.
func BenchmarkScan(b *testing.B) {
	load := catalogue(b, schema.Load())
	for _, dir := range estates(b) {
		b.Run(filepath.Base(dir), func(b *testing.B) {
			start := cpu(b)
			for b.Loop() {
				set := schema.Load()
				if _, err := scan.Run(context.Background(), options(b, dir, set, load())); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpu(b)-start)/float64(b.N), "cpu-ns/op")
		})
	}
}
