package compose

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// judged opens and evaluates a tree, and returns the addresses and the problems.
func judged(t *testing.T, files map[string]string) (addresses []string, problems []source.Problem) {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	reader := &source.Reader{FS: tree}
	d := New(nil)
	paths, _ := source.Walk(tree, ".")
	claimed := d.(dialect.Surveyor).Survey(paths, reader.Head)
	for _, p := range paths {
		if d.Claims(p, func() []byte { return reader.Head(p) }) {
			claimed = append(claimed, p)
		}
	}
	e, problems := d.Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read}, claimed)
	for _, name := range e.Units() {
		u := e.Evaluate(context.Background(), name)
		problems = append(problems, u.Problems...)
		for _, r := range u.Graph.Resources {
			addresses = append(addresses, r.Address)
		}
	}
	return addresses, problems
}

// TestHostile holds that files that want too much end in one problem, and soon.
func TestHostile(t *testing.T) {
	some, doubling := "", "A0=0123456789\n"
	for i := range 40 {
		if i == 16 {
			some = doubling
		}
		doubling += fmt.Sprintf("A%d=$A%d$A%d\n", i+1, i, i)
	}
	fan := map[string]string{"compose.yaml": "include: [f0.yml]\nservices:\n  web: {image: a}\n"}
	for i := range 30 {
		fan[fmt.Sprintf("f%d.yml", i)] = fmt.Sprintf("include: [f%d.yml, f%d.yml]\nservices: {s%d: {image: a}}\n", i+1, i+1, i)
	}
	fan["f30.yml"] = "services: {last: {image: a}}\n"
	chain := &strings.Builder{}
	chain.WriteString("services:\n  web: {image: a}\n  s0: {image: a, cap_add: [A]}\n")
	for i := range 2000 {
		fmt.Fprintf(chain, "  s%d: {extends: s%d}\n", i+1, i)
	}
	deep := map[string]string{"compose.yaml": "include: [d0.yml]\nservices:\n  web: {image: a}\n"}
	for i := range 100 {
		deep[fmt.Sprintf("d%d.yml", i)] = fmt.Sprintf("include: [d%d.yml]\n", i+1)
	}
	for name, c := range map[string]struct {
		files map[string]string
		kind  source.ProblemKind
		text  string
	}{
		"variables that double":         {map[string]string{"compose.yaml": "services:\n  web: {image: \"$A40\"}\n", ".env": doubling}, source.Limit, "grow too large"},
		"texts that double":             {map[string]string{"compose.yaml": "services:\n  web: {image: a}\n  x: {image: \"" + strings.Repeat("$A16", 100) + "\"}\n", ".env": some}, source.Limit, "too long"},
		"many long texts":               {map[string]string{"compose.yaml": "services:\n  web: {image: a}\n  x:\n    image: a\n    cap_add:\n" + strings.Repeat("      - $A16\n", 200), ".env": some}, source.Limit, "too large"},
		"files that include two each":   {fan, source.Limit, "too large"},
		"files that include for ever":   {deep, source.Limit, "too deep"},
		"services that extend for ever": {map[string]string{"compose.yaml": chain.String()}, source.Limit, "too deep"},
		"defaults in defaults":          {map[string]string{"compose.yaml": "services:\n  web: {image: a, command: \"" + strings.Repeat("${A:-", 10_000) + strings.Repeat("}", 10_000) + "\"}\n"}, source.Invalid, "no template"},
		"absolute paths":                {map[string]string{"compose.yaml": "include: [/etc/passwd]\nservices:\n  web: {image: a, env_file: /etc/passwd}\n"}, source.Unresolved, "lies outside"},
		"a folder as a file":            {map[string]string{"compose.yaml": "include: [sub]\nservices:\n  web: {image: a}\n", "sub/x": ""}, source.Unresolved, "is not in the tree"},
		"numbers as keys":               {map[string]string{"compose.yaml": "1: 2\nservices:\n  web: {image: a, 3: 4}\n  5: {image: b}\n"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			addresses, problems := judged(t, c.files)
			if took := time.Since(start); took > 10*time.Second && !testing.Short() { // with the race detector it means nothing
				t.Errorf("it took %s", took)
			}
			if !strings.Contains(strings.Join(addresses, " "), "services.web") {
				t.Errorf("the rest is not judged: %q", addresses)
			}
			n := 0
			for _, p := range problems {
				if p.Kind == c.kind && strings.Contains(p.Message, c.text) {
					n++
				}
			}
			if c.kind == "" && len(problems) > 0 || c.kind != "" && (n != 1 || len(problems) != 1) {
				t.Errorf("there are the problems %v, want one of kind %q with %q", problems, c.kind, c.text)
			}
		})
	}
}
