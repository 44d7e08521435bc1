package gitlab

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

// TestHostile evaluates files that were made to cost time: each ends soon, with a problem where something was left out.
func TestHostile(t *testing.T) {
	extends, references, variables := &strings.Builder{}, &strings.Builder{}, &strings.Builder{}
	variables.WriteString("variables:\n")
	for i := range 10 {
		fmt.Fprintf(extends, "j%d: {extends: [%s], script: [x]}\n", i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("j%d, ", i+1), 40), ", "))
		fmt.Fprintf(references, "j%d: {script: [%s]}\n", i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("!reference [j%d, script], ", i+1), 40), ", "))
	}
	extends.WriteString("j10: {script: [x]}\n")
	references.WriteString("j10: {script: [x]}\n")
	for i := range 60 {
		fmt.Fprintf(variables, "  V%d: \"%s\"\n", i, strings.Repeat(fmt.Sprintf("$V%d", i+1), 10))
	}
	variables.WriteString("j: {image: $V0, script: [x]}\n")
	includes := fstest.MapFS{}
	for i := range 200 {
		includes[fmt.Sprintf("ci/%d.yml", i)] = &fstest.MapFile{Data: []byte("include: /ci/*.yml\n")}
	}
	includes[".gitlab-ci.yml"] = &fstest.MapFile{Data: []byte("include: /ci/*.yml\nj: {script: [x]}\n")}
	for _, c := range []struct {
		name, problem string
		tree          fstest.MapFS
	}{
		{"extends of many", "", fstest.MapFS{".gitlab-ci.yml": {Data: []byte(extends.String())}}},
		{"references to many", "larger than is looked at", fstest.MapFS{".gitlab-ci.yml": {Data: []byte(references.String())}}},
		{"variables that double", "", fstest.MapFS{".gitlab-ci.yml": {Data: []byte(variables.String())}}},
		{"includes of all by all", "more than 150 files", includes},
	} {
		start := time.Now()
		reader := &source.Reader{FS: c.tree}
		d := New(schema.Load())
		var paths []string
		for p := range c.tree {
			paths = append(paths, p)
		}
		e, _ := d.Open(context.Background(), &dialect.Workspace{FS: c.tree, Read: reader.Read}, paths)
		var problems []string
		for _, u := range e.Units() {
			for _, p := range e.Evaluate(context.Background(), u).Problems {
				problems = append(problems, p.Message)
			}
		}
		if took := time.Since(start); took > 10*time.Second && !testing.Short() { // with the race detector it means nothing
			t.Errorf("%s: it took %s", c.name, took)
		}
		if told := strings.Join(problems, "\n"); c.problem != "" && !strings.Contains(told, c.problem) {
			t.Errorf("%s: no problem says %q; there are %d", c.name, c.problem, len(problems))
		}
	}
}
