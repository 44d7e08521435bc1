package terragrunt

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// open opens a tree as a scan does: with the files of Terraform.
func open(t testing.TB, files map[string]string, modules func(context.Context, dialect.ModuleSource) (string, *source.Problem)) (dialect.Estate, []source.Problem) {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	reader := &source.Reader{FS: tree}
	w := &dialect.Workspace{FS: tree, Read: reader.Read, Env: func(string) (string, bool) { return "", false }, Modules: modules}
	var paths []string
	if err := fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(p, dialect.ModuleDir) {
			paths = append(paths, p)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return New(schema.Load()).Open(context.Background(), w, paths)
}

// resourcesOf lists the resources of all units, and the problems.
func resourcesOf(e dialect.Estate) (out, problems []string) {
	for _, name := range e.Units() {
		u := e.Evaluate(context.Background(), name)
		for _, r := range u.Graph.Resources {
			switch r.Type {
			case "variable", "output", "module":
			default:
				out = append(out, name.Dir+": "+r.Address)
			}
		}
		for _, p := range u.Problems {
			problems = append(problems, fmt.Sprintf("%s: %s: %s", p.Range.File, p.Kind, p.Message))
		}
	}
	return out, problems
}

const aResource = "resource \"terraform_data\" \"x\" {\n}\n"

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		name     string
		files    map[string]string
		want     []string
		problems []string
	}{
		{"a module of units is not judged alone", map[string]string{
			"a/terragrunt.hcl": "terraform {\n  source = \"../m\"\n}\n",
			"b/terragrunt.hcl": "terraform {\n  source = \"../m\"\n}\n",
			"m/main.tf":        aResource + "module \"n\" {\n  source = \"../n\"\n}\n",
			"n/main.tf":        aResource,
			"plain/main.tf":    aResource,
		}, []string{"a: module.n.terraform_data.x", "a: terraform_data.x", "b: module.n.terraform_data.x", "b: terraform_data.x", "plain: terraform_data.x"}, nil},
		{"what others include is no unit unless it runs something", map[string]string{
			"terragrunt.hcl":     "locals {\n  a = 1\n}\n",
			"run/terragrunt.hcl": "terraform {\n  source = \"../m\"\n}\n",
			"a/terragrunt.hcl":   "include \"r\" {\n  path = find_in_parent_folders()\n}\n\ninclude \"s\" {\n  path = \"../run/terragrunt.hcl\"\n}\n",
			"m/main.tf":          aResource,
		}, []string{"a: terraform_data.x", "run: terraform_data.x"}, nil},
		{"a unit with nothing to run", map[string]string{"a/terragrunt.hcl": "inputs = {\n}\n"}, nil,
			[]string{"a/terragrunt.hcl: unresolved: the unit has no source, and there is no configuration of Terraform beside it"}},
		{"what Terragrunt writes is nobody's", map[string]string{
			"s/terragrunt.stack.hcl": "unit \"u\" {\n  source = \"../units/u\"\n  path   = \"u\"\n}\n",
			"units/u/terragrunt.hcl": "terraform {\n  source = \"${get_repo_root()}/m\"\n}\n",
			"m/main.tf":              aResource,
		}, []string{"s/.terragrunt-stack/u: terraform_data.x"}, nil},
		{"a broken unit", map[string]string{"a/terragrunt.hcl": "inputs = {\n", "a/main.tf": aResource}, []string{"a: terraform_data.x"},
			[]string{"a/terragrunt.hcl: invalid: Missing expression: Expected the start of an expression, but found the end of the file"}},
		{"a source out of the tree", map[string]string{"a/terragrunt.hcl": "terraform {\n  source = \"../../m\"\n}\n"}, nil,
			[]string{"a/terragrunt.hcl: unresolved: the source ../../m leaves the tree that is scanned"}},
		{"a source without configuration", map[string]string{"a/terragrunt.hcl": "terraform {\n  source = \"../m\"\n}\n"}, nil,
			[]string{"a/terragrunt.hcl: unresolved: there is no configuration in m; what it declares was not scanned"}},
		{"a unit in JSON", map[string]string{"a/terragrunt.hcl.json": "{}", "a/main.tf": aResource}, []string{"a: terraform_data.x"},
			[]string{"a/terragrunt.hcl.json: unresolved: a unit in JSON was not read; what it runs was not scanned"}},
		{"too deep", map[string]string{"a/terragrunt.hcl": "inputs = {\n  a = " + strings.Repeat("[", 1000) + "\n"}, nil,
			[]string{"a/terragrunt.hcl: limit: the file was not read: it nests deeper than 250 brackets, or chains more than 2000 operators"}},
		{"a stack of itself", map[string]string{"s/terragrunt.stack.hcl": "stack \"t\" {\n  source = \"${get_repo_root()}/t\"\n  path   = \"t\"\n}\n",
			"t/terragrunt.stack.hcl": "stack \"t\" {\n  source = \"${get_repo_root()}/t\"\n  path   = \"t\"\n}\n"}, nil,
			[]string{"t/terragrunt.stack.hcl: invalid: stack.t: the stack generates itself, directly or through other stacks"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, opening := open(t, c.files, nil)
			got, problems := resourcesOf(e)
			for _, p := range opening {
				problems = append(problems, fmt.Sprintf("%s: %s: %s", p.Range.File, p.Kind, p.Message))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.problems, problems); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestClaims(t *testing.T) {
	d := New(schema.Load())
	for _, c := range []struct {
		file, text string
		want       bool
	}{
		{"a/terragrunt.hcl", "", true},
		{"a/terragrunt.stack.hcl", "", true},
		{"root.hcl", "# all\nlocals {\n}\n", true},
		{"env.hcl", "inputs={}\n", true},
		{"nomad.hcl", "job \"x\" {\n  inputs = {}\n}\n", false},
		{"main.pkr.hcl", "locals {\n}\n", false},
		{".terraform.lock.hcl", "provider \"x\" {\n}\n", false},
		{"a/.terragrunt-cache/x/terragrunt.hcl", "", false},
		{"a/.terragrunt-stack/x/terragrunt.hcl", "", false},
		{"main.tf", "locals {\n}\n", false},
	} {
		if got := d.Claims(c.file, func() []byte { return []byte(c.text) }); got != c.want {
			t.Errorf("%s: %v", c.file, got)
		}
	}
}

func TestInputs(t *testing.T) {
	e, _ := open(t, map[string]string{
		"a/terragrunt.hcl": "terraform {\n  source = \"../m\"\n}\n",
		"m/main.tf":        "variable \"b\" {}\n\nvariable \"a\" {}\n",
		"plain/main.tf":    "variable \"c\" {}\n",
	}, nil)
	if diff := cmp.Diff([]string{"a", "b", "c"}, e.(dialect.Inputter).Inputs()); diff != "" {
		t.Error(diff)
	}
}

// TestFetch holds what is asked of who fetches modules.
func TestFetch(t *testing.T) {
	var asked []dialect.ModuleSource
	files := map[string]string{
		"a/terragrunt.hcl":                 "terraform {\n  source = \"tfr:///terraform-aws-modules/iam/aws//modules/iam-policy?version=4.3.0\"\n}\n",
		"b/terragrunt.hcl":                 "terraform {\n  source = \"git::https://example.com/m.git//x?ref=v1\"\n}\n",
		dialect.ModuleDir + "/p/x/main.tf": aResource,
	}
	e, problems := open(t, files, func(_ context.Context, m dialect.ModuleSource) (string, *source.Problem) {
		asked = append(asked, m)
		if m.Root == "b" {
			return "", &source.Problem{Kind: source.Unresolved, Message: "the network is down"}
		}
		return dialect.ModuleDir + "/p/x", nil
	})
	if problems != nil || asked != nil {
		t.Error("opening fetches", problems, asked)
	}
	got, told := resourcesOf(e)
	if diff := cmp.Diff([]string{"a: terraform_data.x"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"b/terragrunt.hcl: unresolved: the network is down"}, told); diff != "" {
		t.Error(diff)
	}
	want := []dialect.ModuleSource{{Source: "terraform-aws-modules/iam/aws//modules/iam-policy", Version: "4.3.0", Root: "a"},
		{Source: "git::https://example.com/m.git//x?ref=v1", Root: "b"}}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}

// TestCall holds that a resource says which unit led to it, and where a value comes from.
func TestCall(t *testing.T) {
	e, _ := open(t, estateFiles, nil)
	u := e.Evaluate(context.Background(), dialect.UnitName{Dir: "live/prod/logs"})
	for _, r := range u.Graph.Resources {
		if r.Address != "aws_s3_bucket.this" {
			continue
		}
		at := strings.Index(estateFiles["live/prod/logs/terragrunt.hcl"], "terraform {")
		want := []resource.Call{{Address: "live/prod/logs", Range: source.Range{File: "live/prod/logs/terragrunt.hcl", Start: at, End: at + len("terraform")}}}
		if diff := cmp.Diff(want, r.Calls); diff != "" {
			t.Error(diff)
		}
		var names []string
		for _, step := range u.Explain(r, aSet("acl", aText("")).Path).Trace {
			names = append(names, step.Name)
		}
		if diff := cmp.Diff([]string{"var.acl", "inputs.acl in live/root.hcl", "local.env", "local.acl"}, names); diff != "" {
			t.Error(diff)
		}
		return
	}
	t.Error("there is no bucket")
}
