package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// evaluated opens and evaluates the one directory of a tree.
func evaluated(t testing.TB, files map[string]string) *dialect.Unit {
	t.Helper()
	tree := fstest.MapFS{}
	var paths []string
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
		paths = append(paths, name)
	}
	reader := &source.Reader{FS: tree}
	e, problems := New(schema.Load()).Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read}, paths)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return e.Evaluate(context.Background(), dialect.UnitName{Dir: "."})
}

// TestHostile has files that are not as they should be: one problem each, and the rest is there.
func TestHostile(t *testing.T) {
	const good = "apiVersion: v1\nkind: Namespace\nmetadata: {name: good}\n---\n"
	bomb := &strings.Builder{}
	fmt.Fprintf(bomb, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := range 12 {
		fmt.Fprintf(bomb, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), ", "))
	}
	tests := []struct {
		name, text string
		problems   int
		want       []string // addresses beside the good one
	}{
		{"numbers as keys", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, 7: b}\n1: 2\n", 0, []string{"ConfigMap/a"}},
		{"lists as keys", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n? [a, b]\n: c\n", 0, []string{"ConfigMap/a"}},
		{"double keys", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nmetadata: {name: b}\n", 1, []string{"ConfigMap/b"}},
		{"no object", "- apiVersion: v1\n  kind: Pod\n---\ntext\n---\n42\n---\n~\n", 0, nil},
		{"kinds that are no texts", "apiVersion: v1\nkind: [Pod]\n---\napiVersion: 1\nkind: Pod\n---\napiVersion: {}\nkind: {}\n", 0, nil},
		{"an alias bomb", "apiVersion: v1\nkind: ConfigMap\n" + bomb.String(), 1, nil},
		{"broken further down", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\nkind: [\n", 1, []string{"ConfigMap/a"}},
		{"a list in itself", "apiVersion: v1\nkind: List\nitems: &i\n  - apiVersion: v1\n    kind: List\n    items: *i\n", 1, nil},
		{"containers of every shape", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [null, text, 7, [a], {name: [x]}, {name: c, command: {a: b}, args: [1, {}, null, -a]}]\n  initContainers: 7\n  ephemeralContainers: null\n",
			0, []string{"Pod/a", "Pod/a container *", "Pod/a container * #5", "Pod/a container c", "Pod/a init container *"}},
		{"metadata of no shape", "apiVersion: v1\nkind: Pod\nmetadata: text\nspec: text\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: [a]\nspec: {template: {metadata: 7, spec: {containers: [{name: c}]}}}\n",
			0, []string{"Deployment/", "Deployment/ container c", "Deployment/ pod", "Pod/", "Pod/ container *"}},
		{"the same twice", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", 0, []string{"ConfigMap/a", "ConfigMap/a #2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := evaluated(t, map[string]string{"a.yaml": good + tt.text, "b.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: beside}\n"})
			if len(u.Problems) != tt.problems {
				t.Errorf("%d problems, want %d: %v", len(u.Problems), tt.problems, u.Problems)
			}
			var got []string
			for _, r := range u.Graph.Resources {
				got = append(got, r.Address)
			}
			want := append([]string{"Namespace/good", "Secret/beside"}, tt.want...)
			for _, w := range want {
				if !slices.Contains(got, w) {
					t.Errorf("there is no %s; there are %q", w, got)
				}
			}
			if tt.problems == 0 && !strings.Contains(tt.text, "container") && len(got) != len(want) {
				t.Errorf("there are %q, want %q", got, want)
			}
		})
	}
}

// TestMany holds that what grows with the square of a directory has a bound: everything selects everything.
func TestMany(t *testing.T) {
	var b strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&b, "---\n{apiVersion: v1, kind: Pod, metadata: {name: p%d, labels: {app: a}}, spec: {containers: [{name: c}]}}\n", i)
		fmt.Fprintf(&b, "---\n{apiVersion: v1, kind: Service, metadata: {name: s%d}, spec: {selector: {app: a}}}\n", i)
	}
	start := time.Now()
	u := evaluated(t, map[string]string{"a.yaml": b.String()})
	if took := time.Since(start); took > 10*time.Second && !testing.Short() { // with the race detector it means nothing
		t.Errorf("it takes %s", took)
	}
	if len(u.Problems) != 1 || u.Problems[0].Kind != source.Limit || u.Problems[0].Range.IsZero() {
		t.Errorf("problems: %v", u.Problems)
	}
}

// TestLarge holds that a directory of 5,000 objects that have little to do with each other is evaluated whole.
func TestLarge(t *testing.T) {
	u := evaluated(t, map[string]string{"a.yaml": large(1250)})
	if len(u.Problems) > 0 {
		t.Error(u.Problems)
	}
	if n := len(u.Graph.ByType("k8s_container")); n != 2500 {
		t.Errorf("%d containers", n)
	}
	if n := len(u.Graph.Referrers(u.Graph.ByAddress("ns7/Deployment/web7 pod"), "k8s_service")); n != 1 {
		t.Errorf("the pod has %d services", n)
	}
}

// large is workloads with what belongs to them, four objects each.
func large(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web%[1]d
  namespace: ns%[2]d
spec:
  replicas: 3
  selector:
    matchLabels:
      app: web%[1]d
  template:
    metadata:
      labels:
        app: web%[1]d
    spec:
      serviceAccountName: web%[1]d
      containers:
        - name: app
          image: registry.example.com/team/web:1.2.3
          ports:
            - containerPort: 8080
          env:
            - name: LEVEL
              value: info
          resources:
            limits:
              memory: 128Mi
              cpu: 500m
          securityContext:
            runAsNonRoot: true
            readOnlyRootFilesystem: true
        - name: side
          image: registry.example.com/team/side:1
---
apiVersion: v1
kind: Service
metadata:
  name: web%[1]d
  namespace: ns%[2]d
spec:
  selector:
    app: web%[1]d
  ports:
    - port: 80
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web%[1]d
  namespace: ns%[2]d
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web%[1]d
  namespace: ns%[2]d
data:
  a: b
`, i, i%40)
	}
	return b.String()
}

// BenchmarkEvaluate compares with parsing alone, which is the measure of what evaluation may cost.
func BenchmarkEvaluate(b *testing.B) {
	text := large(200)
	for b.Loop() {
		if u := evaluated(b, map[string]string{"a.yaml": text}); len(u.Problems) > 0 {
			b.Fatal(u.Problems)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	text := large(200)
	for b.Loop() {
		if _, problems := document.Parse(&source.File{Path: "a.yaml", Bytes: []byte(text)}, dialect.Limits{}); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
