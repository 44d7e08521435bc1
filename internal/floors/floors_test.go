// Package floors holds the house together: imports go down the floors only, and every package stands on one.
package floors

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "plumbline.dev/plumbline/"

// floors lists the packages from the ground up. A package may import packages of lower floors only; "x/" stands for
// every package below x. Scaffolding (internal/…) may import anything but is imported by tests and by cli only.
var floors = [][]string{
	{"source"},
	{"value", "schema"},
	{"resource"},
	{"dialect", "finding", "outbound", "audit", "seal", "access", "query"},
	{"document", "translate", "shell", "manifest", "chart", "trace"},
	{"rule", "policy", "forge", "tracker", "notify"},
	{"dialects/", "rules", "forges/", "trackers/", "report", "store", "config", "fix", "modules", "mirror", "web"},
	{"scan"},
	{"jobs"},
	{"server/signin"},
	{"server/api"},
	{"server"},
	{"cli", "deploy"}, // deploy is no code: its test scans what installs the server
	{"cmd/"},
}

// within are the imports that are allowed between packages of one floor, because one is the ground of the other. A dialect and
// its rooms (dialects/azure and dialects/azure/bicep) may import each other without being named here.
var within = map[string]string{
	"schema":              "value",               // defaults are values
	"dialects/terragrunt": "dialects/terraform",  // it wraps it: what it runs is Terraform
	"dialects/terraform":  "dialects/helm",       // a helm_release installs a chart
	"dialects/kustomize":  "dialects/kubernetes", // it wraps it: manifests that no kustomization names are Kubernetes'
}

// ground are the packages that know only the standard library.
var ground = []string{"source"}

type pkg struct {
	ImportPath string
	Imports    []string
}

func TestFloors(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(out))
	seen := 0
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(name, "internal/") || strings.Contains(name, "/generate") {
			continue
		}
		seen++
		floor := floorOf(name)
		if floor < 0 {
			t.Errorf("package %s stands on no floor: give it one in floors, and say in ARCHITECTURE.md what it is for", name)
			continue
		}
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, module)
			switch {
			case !ours:
				for _, g := range ground {
					if name == g && strings.Contains(strings.Split(imp, "/")[0], ".") {
						t.Errorf("%s imports %s: the ground floor knows only the standard library", name, imp)
					}
				}
			case strings.HasPrefix(to, "internal/"):
				if name != "cli" {
					t.Errorf("%s imports the scaffolding %s", name, to)
				}
			case floorOf(to) > floor:
				t.Errorf("%s imports %s, which stands on a higher floor", name, to)
			case floorOf(to) == floor && !allowedWithin(name, to):
				t.Errorf("%s imports %s, which stands on the same floor", name, to)
			}
		}
	}
	if seen < 10 {
		t.Fatalf("only %d packages were looked at", seen)
	}
}

func allowedWithin(from, to string) bool {
	if a, b := strings.Split(from, "/"), strings.Split(to, "/"); a[0] == "dialects" && b[0] == "dialects" && a[1] == b[1] {
		return true
	}
	w := within[from]
	return w != "" && (to == w || strings.HasSuffix(w, "/") && strings.HasPrefix(to, w))
}

func floorOf(name string) int {
	for i, f := range floors {
		for _, n := range f {
			if name == n || strings.HasSuffix(n, "/") && strings.HasPrefix(name, n) {
				return i
			}
		}
	}
	return -1
}
