package terraform

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// print is what a cache would keep of the things that a unit has read.
func printOf(tree fs.FS, env map[string]string, r dialect.Reads) string {
	var b strings.Builder
	for _, f := range r.Files {
		content, err := fs.ReadFile(tree, f)
		fmt.Fprintf(&b, "file %s %t %q\n", f, err == nil, content)
	}
	for _, d := range r.Dirs {
		entries, err := fs.ReadDir(tree, d)
		fmt.Fprintf(&b, "dir %s %t", d, err == nil)
		for _, e := range entries {
			fmt.Fprintf(&b, " %s", e.Name())
		}
		b.WriteByte('\n')
	}
	for _, name := range r.Env {
		v, ok := env[name]
		fmt.Fprintf(&b, "env %s %t %q\n", name, ok, v)
	}
	return b.String()
}

// shownUnit writes everything that came out of a unit.
func shownUnit(u *dialect.Unit) string {
	var b strings.Builder
	fmt.Fprintln(&b, u.Problems, u.Graph.Missing)
	for _, r := range u.Graph.Resources {
		fmt.Fprintln(&b, r.Address, r.Refs, shown(&r.Body))
	}
	return b.String()
}

// TestReads changes, adds and removes one thing after the other. Whenever a unit comes out differently, what it said that
// it had read must have changed too.
func TestReads(t *testing.T) {
	files := map[string]string{
		"main.tf": `
variable "a" { default = 1 }
variable "b" { default = 1 }
module "m" {
  source = "./modules/m"
}
module "none" {
  source = "./modules/none"
}
module "zero" {
  source = "./modules/zero"
  count  = 0
}
module "far" {
  source = "hashicorp/far/aws"
}
output "o" {
  value = {
    a = var.a, b = var.b, w = terraform.workspace, t = templatefile("t.tpl", {}), f = fileexists("f.txt"), s = fileset("set", "*.txt"),
    g = try(file("${path.module}/g.txt"), "none"), deep = fileset("nothing", "**/*.x")
  }
}
`,
		"t.tpl":              `${file("u.txt")}`,
		"u.txt":              "u",
		"set/a.txt":          "",
		"modules/m/m.tf":     "resource \"terraform_data\" \"x\" {\n  input = 1\n}\n",
		"modules/zero/z.tf":  "resource \"terraform_data\" \"x\" {\n  input = 1\n}\n",
		"other/main.tf":      "resource \"terraform_data\" \"x\" {}\n",
		"env/dev.tfvars":     "a = 2\n",
		"conf/extra.txt":     "",
		"modules/m/data.txt": "",
	}
	run := func(files map[string]string, env map[string]string) (map[string]*dialect.Unit, fs.FS) {
		tree := fstest.MapFS{}
		for name, text := range files {
			tree[name] = &fstest.MapFile{Data: []byte(text)}
		}
		w := treeWorkspace(tree)
		w.Env = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
		estate, _ := New(schema.Load()).Open(context.Background(), w, claimed(t, tree))
		units := map[string]*dialect.Unit{}
		for _, n := range estate.Units() {
			units[n.Dir+":"+n.Variant] = estate.Evaluate(context.Background(), n)
		}
		return units, tree
	}
	before, tree := run(files, nil)
	if diff := cmp.Diff([]string{".:", ".:dev", "other:"}, slices.Sorted(maps.Keys(before))); diff != "" {
		t.Fatal(diff)
	}
	for _, c := range []struct {
		path, text string // the file that is written; removed when the text is empty
		env        string // or the variable that is set
		units      string // that come out differently
	}{
		{path: "main.tf", text: files["main.tf"] + "output \"p\" {\n  value = 1\n}\n", units: ".: .:dev"},
		{path: "second.tf", text: "output \"p\" {\n  value = 1\n}\n", units: ".: .:dev"},
		{path: "broken.tf", text: "output {", units: ".: .:dev"},
		{path: "main.tofu", text: files["main.tf"] + "output \"p\" {\n  value = 1\n}\n", units: ".: .:dev"},
		{path: "terraform.tfvars", text: "b = 2\n", units: ".: .:dev"},
		{path: "terraform.tfvars.json", text: `{"b": 3}`, units: ".: .:dev"},
		{path: "x.auto.tfvars", text: "b = 2\n", units: ".: .:dev"},
		{path: "env/dev.tfvars", text: "a = 3\n", units: ".:dev"},
		{path: "modules/m/m.tf", text: "resource \"terraform_data\" \"x\" {\n  input = 2\n}\n", units: ".: .:dev"},
		{path: "modules/m/n.tf", text: "resource \"terraform_data\" \"y\" {}\n", units: ".: .:dev"},
		{path: "modules/zero/broken.tf", text: "output {", units: ".: .:dev"},
		{path: "modules/none/a.tf", text: "resource \"terraform_data\" \"y\" {}\n", units: ".: .:dev"},
		{path: ".terraform/modules/modules.json", text: `{"Modules": [{"Key": "far", "Dir": "modules/m"}]}`, units: ".: .:dev"},
		{path: "t.tpl", text: "t", units: ".: .:dev"},
		{path: "u.txt", text: "v", units: ".: .:dev"},
		{path: "u.txt", units: ".: .:dev"},
		{path: "f.txt", text: "f", units: ".: .:dev"},
		{path: "g.txt", text: "g", units: ".: .:dev"},
		{path: "set/b.txt", text: "b", units: ".: .:dev"},
		{path: "nothing/deep/b.x", text: "b", units: ".: .:dev"},
		{env: "TF_VAR_b", units: ".: .:dev"},
		{env: "TF_WORKSPACE", units: ".: .:dev"},
		{path: "conf/extra.txt", text: "x"},
		{path: "other/main.tf", text: "resource \"terraform_data\" \"y\" {}\n", units: "other:"},
	} {
		t.Run(c.path+c.env, func(t *testing.T) {
			changed, env := maps.Clone(files), map[string]string{}
			switch {
			case c.env != "":
				env[c.env] = "9"
			case c.text == "":
				delete(changed, c.path)
			default:
				changed[c.path] = c.text
			}
			after, now := run(changed, env)
			var differ []string
			for _, name := range slices.Sorted(maps.Keys(before)) {
				u := before[name]
				if after[name] == nil {
					t.Fatalf("the unit %s is gone", name)
				}
				other := shownUnit(u) != shownUnit(after[name])
				if other {
					differ = append(differ, name)
				}
				if noticed := printOf(tree, nil, u.Reads) != printOf(now, env, u.Reads); other && !noticed {
					t.Errorf("the unit %s came out differently, and its reads do not tell", name)
				}
			}
			if got := strings.Join(differ, " "); got != c.units {
				t.Errorf("%q came out differently, want %q", got, c.units)
			}
		})
	}
	again, _ := run(files, nil)
	for name, u := range before {
		if diff := cmp.Diff(u.Reads, again[name].Reads); diff != "" {
			t.Error(diff)
		}
	}
	if slices.Contains(before["other:"].Reads.Files, "main.tf") {
		t.Error("a unit reads the files of another")
	}
}

// TestWaits checks that an unknown names what would decide it, wherever it hides.
func TestWaits(t *testing.T) {
	e := evaluateTree(t, map[string]string{"main.tf": `
module "far" {
  source = "hashicorp/far/aws"
  bucket = aws_s3_bucket.b.id
}
resource "aws_s3_bucket" "b" {}
resource "aws_vpc_security_group_ingress_rule" "r" {
  for_each = {
    far  = { cidr = module.far.cidr, port = 1 }
    near = { cidr = "10.0.0.0/8" }
  }
  security_group_id = "sg"
  ip_protocol       = "tcp"
  cidr_ipv4         = try(each.value.cidr, null)
  from_port         = try(each.value.port, null)
}
`})
	for _, c := range []struct{ address, path, trace, waits string }{
		{`aws_vpc_security_group_ingress_rule.r["far"]`, "cidr_ipv4", "each.value", "module.far"},
		{`aws_vpc_security_group_ingress_rule.r["near"]`, "cidr_ipv4", "each.value", ""},
		{"aws_s3_bucket.b", "arn", "", "aws_s3_bucket.b.arn"},
		{"aws_s3_bucket.b", "", "", "module.far"},
	} {
		var p value.Path
		if c.path != "" {
			p = value.Path{{Name: c.path}}
		}
		x := e.units[0].Explain(e.find(t, c.address), p)
		var trace, waits []string
		for _, s := range x.Trace {
			trace = append(trace, s.Name)
		}
		for _, w := range x.Waits {
			waits = append(waits, w.Name)
		}
		if got := strings.Join(trace, " "); got != c.trace {
			t.Errorf("%s %s: trace %q, want %q", c.address, c.path, got, c.trace)
		}
		if got := strings.Join(waits, " "); got != c.waits {
			t.Errorf("%s %s: waits for %q, want %q", c.address, c.path, got, c.waits)
		}
	}
}
