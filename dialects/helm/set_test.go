package helm

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// given opens and evaluates a chart with --var.
func given(t *testing.T, files map[string]string, vars ...string) (dialect.Estate, *dialect.Unit) {
	t.Helper()
	tree := fstest.MapFS{"Chart.yaml": {Data: []byte("name: web\nversion: 1.0.0\n")}}
	paths := []string{"Chart.yaml"}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
		paths = append(paths, name)
	}
	reader := &source.Reader{FS: tree}
	w := &dialect.Workspace{FS: tree, Read: reader.Read}
	for _, v := range vars {
		name, text, _ := strings.Cut(v, "=")
		w.Vars = append(w.Vars, dialect.Var{Name: name, Value: text})
	}
	e, _ := New(schema.Load()).Open(context.Background(), w, paths)
	return e, e.Evaluate(context.Background(), e.Units()[0])
}

// TestInputs: what a chart has or reads can be given, and nothing else: a slip of the pen is told.
func TestInputs(t *testing.T) {
	files := map[string]string{
		"values.yaml":      "image: {tag: a}\nempty: {}\nnothing:\nlist: [a]\n",
		"templates/p.yaml": "{{ .Values.read.here }}{{ index .Values \"quoted\" }}{{ .Values.image.digest }}",
	}
	vars := strings.Fields("image.tag= image.tga= image= empty.x= nothing.x= list[0]= read.here= red.here= quoted= image.digest= image.tag.x= a[= rea=")
	e, _ := given(t, files, vars...)
	var got []string
	for _, v := range vars {
		if name := strings.TrimSuffix(v, "="); slices.Contains(e.(dialect.Inputter).Inputs(), name) {
			got = append(got, name)
		}
	}
	if diff := cmp.Diff("image.tag image empty.x nothing.x list[0] read.here quoted image.digest", strings.Join(got, " ")); diff != "" {
		t.Errorf("names that can be given (-want +got):\n%s", diff)
	}
}

// TestSet_explain: what --var sets is written nowhere, and no edit changes it.
func TestSet_explain(t *testing.T) {
	files := map[string]string{"values.yaml": "context: {privileged: false}\n",
		"templates/p.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    - name: c\n      securityContext:\n        privileged: {{ .Values.context.privileged }}\n"}
	_, u := given(t, files, "context.privileged=true")
	r := u.Graph.ByAddress("Pod/p container c")
	if r == nil {
		t.Fatal("no container")
	}
	at, _ := value.ParsePath("securityContext.privileged")
	if v := r.Body.At(at); v.Kind != value.Bool || !v.Bool {
		t.Errorf("it is %v", v)
	}
	var steps []string
	for _, s := range u.Explain(r, at).Trace {
		steps = append(steps, s.Name)
	}
	if diff := cmp.Diff([]string{".Values.context.privileged", "--var context.privileged"}, steps); diff != "" {
		t.Errorf("the way of the value (-want +got):\n%s", diff)
	}
	if lowered, err := u.Edit(r, []resource.Change{setTo("securityContext.privileged", truly(false))}); err == nil || !strings.Contains(err.Error(), "--var context.privileged") {
		t.Errorf("edits %v, error %v", lowered.Edits, err)
	}
	if _, u = given(t, files, "context=1,context.privileged=true"); len(u.Problems) != 1 || !strings.Contains(u.Problems[0].Message, "--var context cannot be used") {
		t.Errorf("problems %v", u.Problems)
	}
}
