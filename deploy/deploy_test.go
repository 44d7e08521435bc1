// Package deploy holds what installs the server: an image, a composition, a chart. There is no code in it; its test reads them
// with the parsers that will read them, and scans them with the scanner that they install.
package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"go.yaml.in/yaml/v3"

	"plumbline.dev/plumbline/chart"
	"plumbline.dev/plumbline/cli"
)

// TestScanned: our own rules find nothing above info, in the chart under several sets of values, in the image or the composition.
func TestScanned(t *testing.T) {
	dir := t.TempDir() // a copy: values lie beside, and nothing around it counts
	if err := os.CopyFS(dir, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"values-exposed.yaml": "ingress:\n  enabled: true\n  className: nginx\n  tls: [{hosts: [plumbline.example.org], secretName: tls}]\nmetrics: true\n",
		"values-small.yaml":   "server: {replicas: 1}\nworker: {replicas: 1}\nimage: {digest: \"sha256:" + strings.Repeat("ab", 32) + "\"}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, "chart", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	env := cli.Env{In: strings.NewReader(""), Out: &out, Err: &errs, Dir: dir, Lookup: func(string) (string, bool) { return "", false }, Now: time.Now()}
	code := cli.Main(context.Background(), []string{"scan", "--threshold", "low", "--report", "json", "."}, env)
	var report struct {
		Findings []struct {
			Rule, Severity, Message string
			Suppressed              bool
		}
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("exit code %d, %v\n%s\n%.2000s", code, err, errs.String(), out.String())
	}
	for _, f := range report.Findings {
		if f.Severity != "info" && !f.Suppressed {
			t.Errorf("%s %s: %s", f.Severity, f.Rule, f.Message)
		}
	}
	if code != cli.Clean || !bytes.Contains(out.Bytes(), []byte("chart/templates")) {
		t.Errorf("exit code %d\n%s", code, errs.String())
	}
}

// TestDockerfile: the parser of BuildKit takes it, and the image that is run is small, without a compiler, and not root.
func TestDockerfile(t *testing.T) {
	f, err := os.Open("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := parser.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	var froms []string
	user := ""
	for _, n := range r.AST.Children {
		switch strings.ToUpper(n.Value) {
		case "FROM":
			froms, user = append(froms, n.Next.Value), ""
		case "USER":
			user = n.Next.Value
		case "COPY":
			if len(froms) == 3 && !slices.Contains(n.Flags, "--from=build") {
				t.Errorf("%s: only what was built is copied into the image that runs", n.Original)
			}
		}
	}
	if len(froms) != 3 || !strings.HasPrefix(froms[2], "alpine:") || user != "10001:10001" {
		t.Errorf("stages %v, user %q", froms, user)
	}
}

// TestCompose: each service is confined, the database is not reached from outside, and no secret is in the environment.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Services map[string]struct {
			ReadOnly    bool     `yaml:"read_only"`
			CapDrop     []string `yaml:"cap_drop"`
			Security    []string `yaml:"security_opt"`
			User        string
			Networks    []string
			Ports       []string
			Environment map[string]string
			Command     []string
		}
		Networks map[string]struct{ Internal bool }
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) != 4 {
		t.Fatalf("%d services", len(c.Services))
	}
	for name, s := range c.Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.Security, "no-new-privileges:true") || s.User == "" || s.User == "0" {
			t.Errorf("%s is not confined: %+v", name, s)
		}
		for k, v := range s.Environment {
			if strings.Contains(strings.ToLower(k), "password") && !strings.HasSuffix(k, "_FILE") || strings.Contains(v, ":postgres@") {
				t.Errorf("%s has a secret in its environment: %s", name, k)
			}
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s listens on all interfaces: %s", name, p)
			}
		}
	}
	if db := c.Services["db"]; !slices.Equal(db.Networks, []string{"back"}) || !c.Networks["back"].Internal || len(db.Ports) > 0 {
		t.Errorf("the database can be reached: %+v", db)
	}
}

// TestChart: the chart renders to objects that are what they should be, and its flags are flags of the program.
func TestChart(t *testing.T) {
	files, problems := chart.ReadDir(os.DirFS("."), "chart", nil)
	for _, p := range problems {
		t.Errorf("%+v", p)
	}
	ch, problems := chart.Load(files)
	for _, p := range problems {
		t.Fatalf("%+v", p)
	}
	root, values, err := ch.Coalesce(nil)
	if err != nil {
		t.Fatal(err)
	}
	outputs, problems := chart.Render(context.Background(), root, values, chart.Settings{Release: chart.Release{Name: "plumbline", Namespace: "security"},
		Capabilities: chart.DefaultCapabilities(), Limits: chart.Limits{Steps: 1 << 20, OutputBytes: 1 << 20, ValueBytes: 1 << 20, Depth: 50, Nesting: 50}})
	for _, p := range problems {
		t.Errorf("%+v", p)
	}
	kinds := map[string]int{}
	for _, o := range outputs {
		dec := yaml.NewDecoder(strings.NewReader(string(o.Text)))
		for {
			var obj struct {
				Kind string
				Spec struct {
					PodSelector map[string]any `yaml:"podSelector"`
					PolicyTypes []string       `yaml:"policyTypes"`
					Template    struct {
						Spec struct {
							Automount  *bool `yaml:"automountServiceAccountToken"`
							Containers []struct {
								Name  string
								Args  []string
								Image string
								Env   []struct{ Name, Value string }
							}
						}
					}
				}
			}
			if dec.Decode(&obj) != nil {
				break
			}
			if obj.Kind == "" {
				continue
			}
			kinds[obj.Kind]++
			for _, c := range obj.Spec.Template.Spec.Containers {
				checkArguments(t, c.Args)
				if a := obj.Spec.Template.Spec.Automount; a == nil || *a {
					t.Errorf("%s has a token of the cluster", c.Name)
				}
				for _, e := range c.Env {
					if e.Name == "PLUMBLINE_DATABASE" && e.Value != "postgres://plumbline@postgres:5432/plumbline?sslmode=verify-full&passfile=/run/secrets/plumbline/pgpass" {
						t.Errorf("the address of the database: %s", e.Value)
					}
				}
			}
		}
	}
	for kind, n := range map[string]int{"Deployment": 2, "Service": 1, "ServiceAccount": 1, "NetworkPolicy": 2, "PodDisruptionBudget": 2, "Ingress": 0} {
		if kinds[kind] != n {
			t.Errorf("%d %s, want %d", kinds[kind], kind, n)
		}
	}
	text, err := fs.ReadFile(os.DirFS("."), "compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Services map[string]struct{ Command []string }
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	for name, s := range c.Services {
		if name != "db" {
			checkArguments(t, s.Command)
		}
	}
}

// checkArguments holds that a command and its flags are the program's.
func checkArguments(t *testing.T, args []string) {
	t.Helper()
	var out bytes.Buffer
	env := cli.Env{In: strings.NewReader(""), Out: &out, Err: &out, Dir: t.TempDir(), Lookup: func(string) (string, bool) { return "", false }}
	if len(args) == 0 || cli.Main(context.Background(), []string{args[0], "--help"}, env) != cli.Clean {
		t.Errorf("%v is no command of the program", args)
		return
	}
	for _, a := range args[1:] {
		if strings.HasPrefix(a, "--") && !strings.Contains(out.String(), "  "+a) {
			t.Errorf("%s has no flag %s", args[0], a)
		}
	}
}
