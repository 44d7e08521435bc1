package kubernetes

import "testing"

func TestClaims(t *testing.T) {
	tests := []struct {
		name, file, text string
		want             bool
	}{
		{"a manifest", "a.yaml", "apiVersion: v1\nkind: Pod\n", true},
		{"keys in quotes", "a.yml", "\"apiVersion\": v1\n'kind': Pod\n", true},
		{"with CR LF and a mark", "a.yaml", "\ufeffapiVersion: v1\r\nkind: Pod\r\n", true},
		{"in the second document", "a.yaml", "a: b\n---\nkind: Pod\napiVersion: v1\n", true},
		{"in two documents", "a.yaml", "kind: Pod\n---\napiVersion: v1\n", false},
		{"deeper", "a.yaml", "x:\n  apiVersion: v1\n  kind: Pod\n", false},
		{"a list of objects", "a.yaml", "- apiVersion: v1\n  kind: Pod\n", false},
		{"in a block of text", "a.yaml", "x: |\n  a\nkind: Pod\ntext: |\n apiVersion: v1\n", false},
		{"JSON", "a.json", "{\n  \"kind\": \"Pod\", \"apiVersion\": \"v1\"}", true},
		{"JSON, deeper", "a.json", `{"kind": "x", "a": {"apiVersion": "v1"}}`, false},
		{"JSON, as values", "a.json", `{"a": "kind", "b": "apiVersion"}`, false},
		{"braces in YAML", "a.yaml", "{apiVersion: v1, kind: Pod}\n", true},
		{"braces behind the mark of a document", "a.yaml", "---\n{apiVersion: v1, kind: Pod}\n", true},
		{"braces later", "a.yaml", "a: b\n---\n{kind: Pod, apiVersion: v1}\n", true},
		{"a kustomization", "kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", false},
		{"a kustomization in JSON", "k.json", `{"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}`, false},
		{"Helm's template", "a.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n", false},
		{"Helm's template, a line", "a.yaml", "apiVersion: v1\nkind: Pod\n  {{- toYaml .x }}\n", false},
		{"Helm's template, an item", "a.yaml", "apiVersion: v1\nkind: Pod\na:\n  - {{ .x }}\n", false},
		{"a template in quotes", "a.yaml", "apiVersion: v1\nkind: Pod\nname: \"{{ x }}\"\n", true},
		{"a template in a comment", "a.yaml", "apiVersion: v1\nkind: Pod\n# {{ x }}\n", true},
		{"a template in a block of text", "a.yaml", "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    {{ x }}\n\n    b: {{ y }}\n  b: >-\n    {{ z }}\n", true},
		{"a template in a block of text in a list", "a.yaml", "apiVersion: v1\nkind: Pod\nargs:\n- |\n  {{ x }}\n- a: |\n    {{ y }}\n", true},
		{"a chart", "Chart.yaml", "apiVersion: v2\nname: kind\n", false},
		{"another ending", "a.txt", "apiVersion: v1\nkind: Pod\n", false},
		{"nothing", "a.yaml", "", false},
		{"braces without end", "a.yaml", "{apiVersion: v1, kind: 'x", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := New(nil).Claims(tt.file, func() []byte { return []byte(tt.text) }); got != tt.want {
				t.Errorf("it claims: %v", got)
			}
		})
	}
}
