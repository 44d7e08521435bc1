package scan_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/ansible"
	"plumbline.dev/plumbline/dialects/azure"
	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/dialects/cloudformation"
	"plumbline.dev/plumbline/dialects/kubernetes"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// BenchmarkDialects scans the files of one dialect with a thousand rules, and reports the processor time of that, and of nothing
// but parsing the same files with the library that the dialect's language has: yaml.v3 into nodes, encoding/json into any,
// for Bicep our own parser. The estates are folders of PLUMBLINE_CORPUS.
func BenchmarkDialects(b *testing.B) {
	corpus := os.Getenv("PLUMBLINE_CORPUS")
	if corpus == "" {
		b.Skip("PLUMBLINE_CORPUS names no folder of estates")
	}
	set := schema.Load()
	fresh := catalogue(b, set)
	for _, c := range []struct {
		folder  string
		dialect dialect.Dialect
	}{
		{"aws-cloudformation-templates", cloudformation.New(set)},
		{"KaiMonkey/cft", cloudformation.New(set)},
		{"ansible-for-devops", ansible.New(set)},
		{"KaiMonkey/arm", azure.New(set)},
		{"bicep-registry-modules", azure.NewBicep(set)},
		{"kubernetes-goat", kubernetes.New(set)},
	} {
		tree := os.DirFS(filepath.Join(corpus, c.folder))
		files, _ := source.Walk(tree, ".")
		files = slices.DeleteFunc(files, func(f string) bool {
			return !c.dialect.Claims(f, func() []byte { text, _ := fs.ReadFile(tree, f); return text })
		})
		b.Run(c.folder+"/"+c.dialect.Name()+"/parse", func(b *testing.B) {
			start := cpu(b)
			for b.Loop() {
				for _, f := range files {
					text, err := fs.ReadFile(tree, f)
					if err != nil {
						b.Fatal(err)
					}
					parseOnly(f, text)
				}
			}
			b.ReportMetric(float64(cpu(b)-start)/float64(b.N), "cpu-ns/op")
		})
		b.Run(c.folder+"/"+c.dialect.Name()+"/scan", func(b *testing.B) {
			start := cpu(b)
			for b.Loop() {
				o := options(b, filepath.Join(corpus, c.folder), set, fresh())
				o.Dialects = []dialect.Dialect{c.dialect}
				if _, err := scan.Run(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpu(b)-start)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(len(files)), "files")
		})
	}
}

func parseOnly(name string, text []byte) {
	switch path.Ext(name) {
	case ".json":
		var v any
		if json.Unmarshal(text, &v) == nil {
			return
		}
	case ".bicep", ".bicepparam":
		bicep.Parse(string(text), 250)
		return
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		if d.Decode(&n) != nil { // what cannot be read costs too
			return
		}
	}
}
