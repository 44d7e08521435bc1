package kustomize

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

var shared = map[string]string{
	"base/kustomization.yaml": "resources: [web.yaml]\n",
	"base/web.yaml":           web,
	"dev/kustomization.yaml":  "resources: [../base]\nnamespace: dev\n",
	"prod/kustomization.yaml": "resources: [../base]\nnamespace: prod\nimages: [{name: nginx, newTag: '2'}]\npatches:\n- path: more.yaml\n- patch: >\n    {apiVersion: apps/v1, kind: Deployment,\n\n    metadata: {name: web}, spec: {template: {spec: {hostIPC: true}}}}\n",
	"prod/more.yaml":          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {hostPID: false, hostNetwork: true}}}\n",
}

func open(t testing.TB, files map[string]string) dialect.Estate {
	t.Helper()
	tree, paths := fstest.MapFS{}, []string{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
		paths = append(paths, name)
	}
	reader := &source.Reader{FS: tree}
	e, problems := New(schema.Load()).Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read}, paths)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return e
}

func TestExplain(t *testing.T) {
	u := open(t, shared).Evaluate(context.Background(), dialect.UnitName{Dir: "prod"})
	tests := []struct {
		address, path string
		want          []string // the steps, and the lines that they are on
	}{
		{"prod/Deployment/web pod", "spec.hostPID", []string{"base/web.yaml:15", "patches[0] of prod/kustomization.yaml:4"}},
		{"prod/Deployment/web pod", "spec.hostNetwork", []string{"patches[0] of prod/kustomization.yaml:4"}},
		{"prod/Deployment/web pod", "spec.hostIPC", []string{"patches[1].patch of prod/kustomization.yaml:6"}},
		{"prod/Deployment/web container app", "image", []string{"base/web.yaml:18", "images of prod/kustomization.yaml:3"}},
		{"prod/Deployment/web", "metadata.namespace", []string{"namespace of prod/kustomization.yaml:2"}},
		{"prod/Deployment/web container app", "securityContext.runAsUser", nil},
	}
	for _, tt := range tests {
		p, _ := value.ParsePath(tt.path)
		var got []string
		for _, s := range u.Explain(u.Graph.ByAddress(tt.address), p).Trace {
			f := &source.File{Path: s.Range.File, Bytes: []byte(shared[s.Range.File])}
			got = append(got, fmt.Sprintf("%s:%d", s.Name, f.Position(s.Range.Start).Line))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", tt.path, tt.address, diff)
		}
	}
}

func TestEditTitle(t *testing.T) {
	u := open(t, shared).Evaluate(context.Background(), dialect.UnitName{Dir: "prod"})
	tests := []struct {
		address string
		change  resource.Change
		want    string // the title, or a part of what stands in the way behind !
	}{
		{"prod/Deployment/web container app", setTo("securityContext.runAsUser", number(7)),
			"set spec.template.spec.containers[0].securityContext.runAsUser to 7 (in web.yaml, which 2 kustomizations are built of)"},
		{"prod/Deployment/web pod", setTo("spec.hostNetwork", truly(false)), "set spec.template.spec.hostNetwork to false"},
		{"prod/Deployment/web pod", setTo("spec.hostIPC", truly(false)), "!is written so that it cannot be edited"},
		{"prod/Deployment/web container app", setTo("image", said("x:1")), "!images of prod/kustomization.yaml makes"},
	}
	for _, tt := range tests {
		got, err := u.Edit(u.Graph.ByAddress(tt.address), []resource.Change{tt.change})
		if part, refused := strings.CutPrefix(tt.want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, want %q", tt.change.Path, err, part)
			}
			continue
		}
		if err != nil || got.Title != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.change.Path, got.Title, err, tt.want)
		}
	}
}

// TestParallel builds at once: the library has one schema of Kubernetes' kinds for the whole program.
func TestParallel(t *testing.T) {
	e := open(t, shared)
	var all sync.WaitGroup
	for range 4 {
		for _, name := range e.Units() {
			all.Go(func() {
				if n := len(e.Evaluate(context.Background(), name).Graph.Resources); n != 5 {
					t.Errorf("%v has %d resources", name, n)
				}
			})
		}
	}
	all.Wait()
}
