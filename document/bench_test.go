package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// corpus reads the files below $PLUMBLINE_CORPUS whose names end in one of some ways.
func corpus(b *testing.B, extensions ...string) (files []*source.File) {
	b.Helper()
	root := os.Getenv("PLUMBLINE_CORPUS")
	if root == "" {
		b.Skip("PLUMBLINE_CORPUS names no folder of YAML and JSON files")
	}
	size := int64(0)
	err := filepath.WalkDir(root, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		for _, x := range extensions {
			if strings.HasSuffix(name, x) {
				text, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				files = append(files, &source.File{Path: name, Bytes: text})
				size += int64(len(text))
			}
		}
		return nil
	})
	if err != nil || len(files) == 0 {
		b.Fatal(err, len(files))
	}
	b.SetBytes(size)
	b.ReportAllocs()
	return files
}

func BenchmarkParseYAML(b *testing.B) {
	files := corpus(b, ".yaml", ".yml")
	for b.Loop() {
		for _, f := range files {
			Parse(f, dialect.Limits{})
		}
	}
}

// BenchmarkLibraryYAML is what the library alone takes for the same.
func BenchmarkLibraryYAML(b *testing.B) {
	files := corpus(b, ".yaml", ".yml")
	for b.Loop() {
		for _, f := range files {
			d := yaml.NewDecoder(bytes.NewReader(f.Bytes))
			for {
				var n yaml.Node
				if err := d.Decode(&n); errors.Is(err, io.EOF) || err != nil {
					break
				}
			}
		}
	}
}

func BenchmarkParseJSON(b *testing.B) {
	files := corpus(b, ".json")
	for b.Loop() {
		for _, f := range files {
			Parse(f, dialect.Limits{})
		}
	}
}

// BenchmarkLibraryJSON is what the standard library alone takes for the same.
func BenchmarkLibraryJSON(b *testing.B) {
	files := corpus(b, ".json")
	for b.Loop() {
		for _, f := range files {
			var v any
			if err := json.Unmarshal(f.Bytes, &v); err != nil {
				continue
			}
		}
	}
}
