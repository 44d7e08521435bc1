package azure

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// TestHostile evaluates files that were made to cost time: each ends soon.
func TestHostile(t *testing.T) {
	doubling := &strings.Builder{}
	doubling.WriteString("pool: p\nparameters:\n")
	for i := range 60 {
		fmt.Fprintf(doubling, "  - {name: p%d, type: string, default: \"${{ parameters.p%d }}${{ parameters.p%d }}\"}\n", i, i+1, i+1)
	}
	doubling.WriteString("  - {name: p60, type: string, default: \"\"}\nsteps:\n  - bash: echo ${{ parameters.p0 }}\n    env: {A: \"${{ parameters.p0 }}\"}\n")
	loops := &strings.Builder{}
	loops.WriteString("pool: p\nparameters:\n  - name: l\n    type: object\n    default: [" + strings.Repeat("1, ", 999) + "1]\nsteps:\n")
	indent := "  "
	for i := range 8 {
		fmt.Fprintf(loops, "%s- ${{ each x%d in parameters.l }}:\n", indent, i)
		indent += "    "
	}
	loops.WriteString(indent + "- bash: x\n")
	templates := fstest.MapFS{}
	for i := range 60 {
		text := fmt.Sprintf("steps:\n  - template: t%d.yml\n  - template: t%d.yml\n", i+1, i+1)
		if i == 0 {
			text = "pool: p\n" + text
		}
		name := fmt.Sprintf("t%d.yml", i)
		if i == 0 {
			name = "azure-pipelines.yml"
		}
		templates[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, tree := range map[string]fstest.MapFS{
		"parameters that double":      {"azure-pipelines.yml": {Data: []byte(doubling.String())}},
		"loops in loops":              {"azure-pipelines.yml": {Data: []byte(loops.String())}},
		"templates that double":       templates,
		"an expression nested deeply": {"azure-pipelines.yml": {Data: []byte("pool: p\nsteps:\n  - bash: ${{ " + strings.Repeat("not(", 10_000) + "true" + strings.Repeat(")", 10_000) + " }}\n")}},
	} {
		start := time.Now()
		reader := &source.Reader{FS: tree}
		d := New(schema.Load())
		var paths []string
		for p := range tree {
			paths = append(paths, p)
		}
		e, _ := d.Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read}, paths)
		for _, u := range e.Units() {
			e.Evaluate(context.Background(), u)
		}
		if took := time.Since(start); took > 10*time.Second && !testing.Short() { // with the race detector it means nothing
			t.Errorf("%s: it took %s", name, took)
		}
	}
}
