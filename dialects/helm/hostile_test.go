package helm

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

// evaluated opens a tree and evaluates its units one after the other.
func evaluated(files map[string]string) ([]*dialect.Unit, []source.Problem) {
	tree := fstest.MapFS{}
	var paths []string
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
		paths = append(paths, name)
	}
	d := New(schema.Load())
	reader := &source.Reader{FS: tree}
	e, problems := d.Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read}, d.(dialect.Surveyor).Survey(paths, nil))
	var units []*dialect.Unit
	for _, name := range e.Units() {
		units = append(units, e.Evaluate(context.Background(), name))
	}
	return units, problems
}

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostPID: true}\n"

// TestHostile: one problem for each bad thing, and the rest is judged.
func TestHostile(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		bomb += strings.NewReplacer("N", string(rune('1'+i)), "P", string(rune('0'+i))).Replace("aN: &aN [*aP, *aP, *aP, *aP, *aP, *aP, *aP, *aP, *aP]\n")
	}
	for _, c := range []struct{ name, file, text, say string }{
		{"a loop without end", "templates/bad.yaml", "{{ range until 1000000000 }}x{{ end }}", "until would make"},
		{"a table that holds itself is compared", "templates/bad.yaml", `{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ eq $d $d }}`, "itself in it"},
		{"a table that holds itself is a number", "templates/bad.yaml", `{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ int $d }}`, "itself in it"},
		{"a table that holds itself is a key", "templates/bad.yaml", `{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ dict $d 1 }}`, "itself in it"},
		{"a table that holds itself in lists of lists", "templates/bad.yaml", `{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ print (chunk 1 (list $d)) }}`, "itself in it"},
		{"slow expressions", "templates/bad.yaml", `{{ $s := repeat 1000000 "a" }}{{ range until 1000 }}{{ regexMatch "(a?){1000}b" $s }}{{ end }}`, "steps"},
		{"YAML in a loop", "templates/bad.yaml", `{{ range until 100000 }}{{ fromYaml (repeat 500 "a: 1\n") | len }}{{ end }}`, "steps"},
		{"files in a loop", "templates/bad.yaml", `{{ range until 100000 }}{{ ($.Files.Glob "{a,b}{a,b}**").AsConfig }}{{ end }}`, "steps"},
		{"too many actions", "templates/bad.yaml", strings.Repeat("{{ 1 }}", 300_000), "actions"},
		{"an alias bomb that is rendered", "templates/bad.yaml", bomb, "cannot be read"},
		{"an alias bomb of values", "values.yaml", bomb, "alias"},
		{"values that are a list", "values.yaml", "- a\n", "values cannot be read"},
		{"values that are no YAML", "values.yaml", "a: [\n", "values cannot be read"},
		{"a set of values that is none", "values-x.yaml", "a: [\n", "not valid YAML"},
		{"brackets", "templates/bad.yaml", "a: " + strings.Repeat("[", 5000), "cannot be read"},
		{"a comment that does not end", "templates/bad.yaml", "a: 1\n{{/* x", "unclosed comment"},
		{"zeroes", "templates/bad.yaml", "a: \x00\n", "control characters"},
		{"a template that is not text", "templates/bad.yaml", "a: \xff\xfe\xfa", "UTF-8"},
		{"a schema that is none", "values.schema.json", "{", "values.schema.json"},
		{"a schema that doubles", "values.schema.json", doubling(40), "references followed"},
		{"an archive that is none", "charts/a.tgz", "x", "no archive"},
		{"a chart in it that is none", "charts/a/Chart.yaml", "x: 1\n", "no name"},
	} {
		files := map[string]string{"Chart.yaml": "name: web\nversion: 1.0.0\n", "templates/pod.yaml": pod, c.file: c.text}
		start := time.Now()
		units, problems := evaluated(files)
		took := time.Since(start)
		found := false
		for _, u := range units {
			if u.Graph.ByAddress("Pod/p") == nil && !strings.Contains(c.file, "templates/bad") {
				t.Errorf("%s: the rest is not there", c.name)
			}
			problems = append(problems, u.Problems...)
		}
		seen := map[string]bool{}
		for _, p := range problems {
			found = found || strings.Contains(p.Message, c.say) && p.Range.File != ""
			seen[p.Message] = true
		}
		if !found || len(seen) != 1 {
			t.Errorf("%s: problems %v, want one that says %q", c.name, problems, c.say)
		}
		if took > 30*time.Second && !testing.Short() { // three on a machine of its own; with the race detector it means nothing
			t.Errorf("%s: it takes %s", c.name, took)
		}
	}
}

// TestSurvey: what belongs to a chart is known by where it lies.
func TestSurvey(t *testing.T) {
	d := New(schema.Load()).(dialect.Surveyor)
	paths := strings.Fields(`a/Chart.yaml a/values.yaml a/values-prod.yaml a/values.dev.json a/templates/x.yaml a/templates/tests/t.yaml a/crds/c.yaml a/README.md
		a/charts/b/Chart.yaml a/charts/b/templates/y.yaml a/charts/c.tgz a/ci/values.yaml a/src/k8s.yaml a/.helmignore b/templates/z.yaml other.yaml
		a/inner/Chart.yaml a/inner/templates/i.yaml a/templates/Chart.yaml`)
	got := strings.Join(d.Survey(paths, nil), " ")
	want := "a/Chart.yaml a/values.yaml a/values-prod.yaml a/values.dev.json a/templates/x.yaml a/templates/tests/t.yaml a/crds/c.yaml " +
		"a/charts/b/Chart.yaml a/charts/b/templates/y.yaml a/charts/c.tgz a/.helmignore a/inner/Chart.yaml a/inner/templates/i.yaml a/templates/Chart.yaml"
	if got != want {
		t.Errorf("taken: %s\nwant:  %s", got, want)
	}
}

// doubling is a schema whose references double at each of n steps.
func doubling(n int) string {
	out := `{"definitions": {"a0": {}`
	for i := range n {
		out += fmt.Sprintf(`, "a%d": {"anyOf": [{"$ref": "#/definitions/a%d"}, {"$ref": "#/definitions/a%d"}]}`, i+1, i, i)
	}
	return out + fmt.Sprintf(`}, "properties": {"x": {"$ref": "#/definitions/a%d"}}}`, n)
}
