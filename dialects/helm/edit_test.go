package helm

import (
	"testing"

	"plumbline.dev/plumbline/resource"
)

// TestEdit_where: what is new is written to the weakest file of values that has the table, what is there where it is decided.
func TestEdit_where(t *testing.T) {
	container := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    - name: c\n      securityContext:\n        {{- toYaml .Values.context | nindent 8 }}\n"
	sub := map[string]string{"charts/db/Chart.yaml": "name: db\nversion: 1.0.0\n", "charts/db/values.yaml": "context: {runAsNonRoot: true}\n", "charts/db/templates/p.yaml": container}
	for _, c := range []struct {
		name  string
		files map[string]string
		path  string
		want  string // the file that is edited; empty when it is refused
	}{
		{"new", map[string]string{"values.yaml": "context: {}\n", "values-prod.yaml": "context: {runAsUser: 5}\n", "templates/p.yaml": container}, "readOnlyRootFilesystem", "values.yaml"},
		{"there", map[string]string{"values.yaml": "context: {}\n", "values-prod.yaml": "context: {privileged: true}\n", "templates/p.yaml": container}, "privileged", "values-prod.yaml"},
		{"only given", map[string]string{"values.yaml": "a: 1\n", "values-prod.yaml": "context: {runAsUser: 5}\n", "templates/p.yaml": container}, "readOnlyRootFilesystem", "values-prod.yaml"},
		{"of a sub-chart", sub, "readOnlyRootFilesystem", "charts/db/values.yaml"},
		{"the chart above has a say", map[string]string{"values.yaml": "db: {context: {runAsUser: 5}}\n", "charts/db/Chart.yaml": sub["charts/db/Chart.yaml"],
			"charts/db/values.yaml": sub["charts/db/values.yaml"], "charts/db/templates/p.yaml": container}, "readOnlyRootFilesystem", "values.yaml"},
		{"nothing of it is left", map[string]string{"values.yaml": "context: {tables: [1]}\n", "templates/p.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    - {{ dict \"name\" \"c\" | toJson }}\n"}, "securityContext", ""},
	} {
		files := map[string]string{"Chart.yaml": "name: web\nversion: 1.0.0\n"}
		for name, text := range c.files {
			files[name] = text
		}
		units, problems := evaluated(files)
		u := units[len(units)-1]
		r := u.Graph.ByAddress("Pod/p container c")
		if r == nil || len(problems)+len(u.Problems) > 0 {
			t.Errorf("%s: no container; problems %v", c.name, u.Problems)
			continue
		}
		lowered, err := u.Edit(r, []resource.Change{setTo("securityContext."+c.path, truly(c.path != "privileged"))})
		switch {
		case c.want == "" && err == nil:
			t.Errorf("%s: it is not refused: %v", c.name, lowered.Edits)
		case c.want != "" && (err != nil || len(lowered.Edits) != 1 || lowered.Edits[0].Range.File != c.want):
			t.Errorf("%s: edits %v, %v; want one of %s", c.name, lowered.Edits, err, c.want)
		}
	}
}
