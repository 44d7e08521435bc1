package terraform

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Each file of testdata/oracle is a small estate of the built-in resource terraform_data with what terraform plan says of
// it. The test compares; with -record and a terraform or tofu on the PATH it asks again.
var record = flag.Bool("record", false, "plan the estates of testdata/oracle with the terraform or tofu on the PATH and keep the answers")

func TestOracle(t *testing.T) {
	paths, err := filepath.Glob("testdata/oracle/*.txtar")
	if err != nil || len(paths) < 25 {
		t.Fatalf("%d estates in testdata/oracle: %v", len(paths), err)
	}
	for _, p := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(p), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(p)
			if err != nil {
				t.Fatal(err)
			}
			if *record {
				recordPlan(t, p, a)
			}
			var want map[string]any
			files := fstest.MapFS{}
			vars := &oracleInputs{env: map[string]string{}}
			for _, f := range a.Files {
				switch f.Name {
				case "plan.json":
					if err := json.Unmarshal(f.Data, &want); err != nil {
						t.Fatal(err)
					}
				case "args":
					vars.args = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
				case "env":
					for _, line := range strings.Split(strings.TrimSpace(string(f.Data)), "\n") {
						k, v, _ := strings.Cut(line, "=")
						vars.env[k] = v
					}
				default:
					files[f.Name] = &fstest.MapFile{Data: f.Data}
				}
			}
			if diff := cmp.Diff(want, ourPlan(t, files, vars)); diff != "" {
				t.Errorf("- is terraform's plan, + is ours:\n%s", diff)
			}
		})
	}
}

type oracleInputs struct {
	args []string
	env  map[string]string
}

// ourPlan evaluates the root of a tree and returns the attributes of its resources by address.
func ourPlan(t *testing.T, files fstest.MapFS, in *oracleInputs) map[string]any {
	t.Helper()
	w := treeWorkspace(files)
	w.Env = func(name string) (string, bool) { v, ok := in.env[name]; return v, ok }
	for _, arg := range in.args {
		if name, ok := strings.CutPrefix(arg, "-var-file="); ok {
			w.Vars = append(w.Vars, dialect.Var{File: &source.File{Path: name, Bytes: files[name].Data}})
		} else if pair, ok := strings.CutPrefix(arg, "-var="); ok {
			k, v, _ := strings.Cut(pair, "=")
			w.Vars = append(w.Vars, dialect.Var{Name: k, Value: v})
		}
	}
	set := schema.Load()
	e, problems := New(set).Open(context.Background(), w, claimed(t, files))
	u := e.Evaluate(context.Background(), dialect.UnitName{Dir: "."})
	for _, p := range append(problems, u.Problems...) {
		t.Errorf("problem %s %s:%d %s", p.Kind, p.Range.File, p.Range.Start, p.Message)
	}
	out := map[string]any{}
	for _, r := range u.Graph.Resources {
		if h := r.Handle.(*handle); h.instance == nil {
			continue
		}
		var decoded any
		if err := json.Unmarshal(Attributes(set, r).AppendJSON(nil, false), &decoded); err != nil {
			t.Fatal(err)
		}
		out[r.Address] = decoded
	}
	return out
}

// recordPlan asks the program and puts its answer into the archive.
func recordPlan(t *testing.T, path string, a *txtar.Archive) {
	t.Helper()
	program, err := exec.LookPath("terraform")
	if err != nil {
		if program, err = exec.LookPath("tofu"); err != nil {
			t.Skip("neither terraform nor tofu is on the PATH")
		}
	}
	dir := t.TempDir()
	var args, env []string
	kept := a.Files[:0]
	for _, f := range a.Files {
		switch f.Name {
		case "args":
			args = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
		case "env":
			env = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
		case "plan.json":
			continue
		default:
			name := filepath.Join(dir, f.Name)
			if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, f.Data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		kept = append(kept, f)
	}
	a.Files = kept
	run := func(args ...string) []byte {
		cmd := exec.Command(program, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %v\n%s%s", args, err, out.Bytes(), errs.Bytes())
		}
		return out.Bytes()
	}
	run("init", "-input=false", "-no-color")
	run(append([]string{"plan", "-input=false", "-no-color", "-out=plan"}, args...)...)
	var plan struct {
		ResourceChanges []struct {
			Address string
			Change  struct {
				After        any
				AfterUnknown any `json:"after_unknown"`
			}
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal(run("show", "-json", "plan"), &plan); err != nil {
		t.Fatal(err)
	}
	answer := map[string]any{}
	for _, c := range plan.ResourceChanges {
		merged := withUnknown(c.Change.After, c.Change.AfterUnknown).(map[string]any)
		for k, v := range merged {
			if v == nil {
				delete(merged, k)
			}
		}
		answer[c.Address] = merged
	}
	text, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	a.Files = append(a.Files, txtar.File{Name: "plan.json", Data: append(text, '\n')})
	if err := os.WriteFile(path, txtar.Format(a), 0o666); err != nil {
		t.Fatal(err)
	}
}

// withUnknown puts our sign for unknown where a plan says that a value is.
func withUnknown(after, unknown any) any {
	switch u := unknown.(type) {
	case bool:
		if u {
			return map[string]any{value.UnknownMark: true}
		}
	case map[string]any:
		m, _ := after.(map[string]any)
		if m == nil {
			m = map[string]any{}
		}
		for k, v := range u {
			m[k] = withUnknown(m[k], v)
		}
		return m
	case []any:
		l, _ := after.([]any)
		for i, v := range u {
			if i < len(l) {
				l[i] = withUnknown(l[i], v)
			}
		}
		return l
	}
	return after
}
