package helm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/source"
)

func TestTemplateComments(t *testing.T) {
	text := `{{- /* of all */}}
apiVersion: v1
kind: Pod
metadata:
  name: "a # b" # beside
# above spec
spec:
  {{- if .Values.x }}
  # under a condition
  hostPID: true
  {{- end }}
  url: http://a#b
  containers:
    {{/*
      above
      an item
    */}}
    - name: {{ "x # y" }}
      image: i

  # nothing below

---
# above the second
kind: Service
a: 1
`
	f := &source.File{Path: "templates/a.yaml", Bytes: []byte(text)}
	var got strings.Builder
	for _, c := range templateComments(f) {
		first := func(r source.Range) string {
			if r.IsZero() {
				return "-"
			}
			lines := strings.Split(f.Text(r), "\n")
			return fmt.Sprintf("%s+%d", strings.TrimSpace(lines[0]), len(lines)-1)
		}
		fmt.Fprintf(&got, "%q alone=%t target=%s block=%s\n", strings.Join(strings.Fields(c.Text), " "), c.Alone, first(c.Target), first(c.Block))
	}
	want := `"of all" alone=true target=apiVersion: v1+17 block=apiVersion: v1+17
"beside" alone=false target=name: "a # b" # beside+0 block=apiVersion: v1+17
"above spec" alone=true target=spec:+12 block=apiVersion: v1+17
"under a condition" alone=true target=hostPID: true+0 block=apiVersion: v1+17
"above an item" alone=true target=- name: {{ "x # y" }}+1 block=apiVersion: v1+17
"nothing below" alone=true target=- block=apiVersion: v1+17
"above the second" alone=true target=kind: Service+1 block=kind: Service+1
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("comments (-want +got):\n%s", diff)
	}
}
