package kubernetes

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// TestComments has what comments and annotations speak of: the first and last words of their text.
func TestComments(t *testing.T) {
	const text = `# ignore: first
apiVersion: apps/v1 # beside
kind: Deployment
metadata:
  name: web
  annotations:
    plumbline.dev/ignore: a-rule it is so
spec:
  template:
    metadata:
      annotations:
        checkov.io/skip1: CKV_K8S_1=why
    spec:
      containers:
        # above a container
        - name: app
          image: nginx
        - name: side # in one
          image: nginx # end
---
# above a list
apiVersion: v1
kind: List
items:
  # above an item
  - apiVersion: v1
    kind: ConfigMap # in an item
`
	tree := fstest.MapFS{"a.yaml": {Data: []byte(text)}}
	reader := &source.Reader{FS: tree}
	e, _ := New(schema.Load()).Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read}, []string{"a.yaml"})
	cut := func(r source.Range) string {
		if r.IsZero() {
			return ""
		}
		words := strings.Fields(text[r.Start:r.End])
		return strings.Join(words[:min(2, len(words))], " ") + " … " + words[len(words)-1]
	}
	var got [][4]string
	for _, c := range e.Comments("a.yaml") {
		got = append(got, [4]string{c.Text, cut(c.Target), cut(c.Block), cut(c.About)})
	}
	const all, template, list = "apiVersion: apps/v1 … nginx", "template: metadata: … nginx", "apiVersion: v1 … ConfigMap"
	want := [][4]string{
		{"ignore: first", all, "", ""},
		{"beside", "apiVersion: apps/v1 … apps/v1", all, ""},
		{"plumbline:ignore a-rule it is so", all, all, all},
		{"checkov:skip=CKV_K8S_1:why", template, template, template},
		{"above a container", "- name: … nginx", all, ""},
		{"in one", "- name: … nginx", all, ""},
		{"end", "image: nginx … nginx", "", ""},
		{"above a list", list, "", ""},
		{"above an item", "- apiVersion: … ConfigMap", "", ""},
		{"in an item", "kind: ConfigMap … ConfigMap", "", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
