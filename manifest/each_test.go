package manifest

import (
	"strings"
	"testing"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

func TestEachElement(t *testing.T) {
	body := value.Decoded(map[string]any{
		"ports": []any{map[string]any{"hostPort": 1.0}, map[string]any{"name": "http"}},
		"env":   []any{map[string]any{"name": "A", "value": "1"}, map[string]any{"name": "B"}},
		"add":   []any{"NET_ADMIN", "SYS_ADMIN"},
		"deep":  []any{map[string]any{"in": []any{map[string]any{"x": true}, map[string]any{"x": false}}}},
		"ids":   []any{2000.0, 0.0},
		"plain": map[string]any{"a": 1.0},
	})
	for _, c := range []struct{ path, want string }{
		{"plain.a", "none"},
		{"ports", "none"},
		{"ports[1].name", "none"},
		{"nothing.at.all", "none"},
		{"ports.hostPort", "ports[0].hostPort ports[1].hostPort"},
		{`env["B"]`, "env[1]"},
		{`env["A"].value`, "env[0].value"},
		{`add["SYS_ADMIN"]`, "add[1]"},
		{`add["CHOWN"]`, ""},
		{`ids["0"]`, "ids[1]"},
		{"deep.in.x", "deep[0].in[0].x deep[0].in[1].x"},
	} {
		at, ok := value.ParsePath(c.path)
		if !ok {
			t.Fatal(c.path)
		}
		got := "none"
		if paths := eachElement(&body, at); paths != nil {
			var texts []string
			for _, p := range paths {
				texts = append(texts, p.String())
			}
			got = strings.Join(texts, " ")
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.path, got, c.want)
		}
	}
}

func TestAlso(t *testing.T) {
	r := &resource.Resource{Type: "k8s_container", Body: value.Decoded(map[string]any{"env": []any{map[string]any{"name": "A"}}})}
	for at, want := range map[string]string{"flags.x": "command args", `env["A"]`: "env", "env": "", "securityContext.privileged": "inherits"} {
		p, _ := value.ParsePath(at)
		var got []string
		for _, also := range Also(r, []resource.Change{{Op: resource.Remove, Path: p}}) {
			got = append(got, also.String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("with %s changes %q too, want %q", at, got, want)
		}
	}
}
