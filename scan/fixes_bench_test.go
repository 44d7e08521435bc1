package scan

import (
	"context"
	"io/fs"
	"os"
	"testing"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/schema"
)

// BenchmarkFixes compares a scan with and without fixes, over the directory that PLUMBLINE_FIXES names.
func BenchmarkFixes(b *testing.B) {
	dir := os.Getenv("PLUMBLINE_FIXES")
	if dir == "" {
		b.Skip("PLUMBLINE_FIXES names no directory")
	}
	set := schema.Load()
	trees := []fs.FS{rules.Pages()}
	if _, err := os.Stat(dir + "/pages"); err == nil {
		trees = append(trees, os.DirFS(dir+"/pages"))
	}
	catalogue, err := rule.Load(set, trees...)
	if err != nil {
		b.Fatal(err)
	}
	for _, fixes := range []bool{false, true} {
		name := "without"
		if fixes {
			name = "with"
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, err := Run(context.Background(), Options{FS: os.DirFS(dir), Dialects: []dialect.Dialect{terraform.New(set)}, Rules: catalogue, Fixes: fixes})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
