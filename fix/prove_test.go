package fix

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// page is a rule in short: on and require, and the fix as the front matter has it.
func page(id, on, require, fix string) string {
	return fmt.Sprintf("---\nid: t-%s\nseverity: high\ncategory: configuration\non: [%s]\nrequire: %s\nmessage: wrong\nfix: %s\n---\n# Title\n\nWhy.\n", id, on, require, fix)
}

// workbench is an estate with rules, ready to prove fixes in.
type workbench struct {
	*Prover
	rules *rule.Catalogue
}

func newWorkbench(t *testing.T, files map[string]string, pages ...string) *workbench {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	set := schema.Load()
	paged := fstest.MapFS{}
	for _, p := range pages {
		_, id, _ := strings.Cut(strings.SplitN(p, "\n", 3)[1], " ")
		paged[id+".md"] = &fstest.MapFile{Data: []byte(p)}
	}
	catalogue, err := rule.Load(set, paged)
	if err != nil {
		t.Fatal(err)
	}
	reader := &source.Reader{FS: tree, Limit: 1 << 20}
	read := func(name string) *source.File { f, _ := reader.Read(name); return f }
	d := terraform.New(set)
	var paths []string
	for name := range tree {
		paths = append(paths, name)
	}
	slices.Sort(paths)
	estate, problems := d.Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read,
		Env: func(string) (string, bool) { return "", false }}, paths)
	w := &workbench{rules: catalogue, Prover: &Prover{Estate: estate, Problems: problems, File: read}}
	w.Judge = w.judge
	w.Rules = func(typ string) []*rule.Rule {
		var out []*rule.Rule
		for _, p := range catalogue.For(typ) {
			out = append(out, p.Rule)
		}
		return out
	}
	for _, name := range estate.Units() {
		w.Units = append(w.Units, estate.Evaluate(context.Background(), name))
		w.judge(w.Units[len(w.Units)-1])
	}
	for _, p := range catalogue.Problems() {
		t.Fatalf("%v", p)
	}
	return w
}

func (w *workbench) judge(u *dialect.Unit) Verdicts {
	out := make(Verdicts)
	for _, typ := range u.Graph.Types() {
		for _, p := range w.rules.For(typ) {
			for _, r := range u.Graph.ByType(typ) {
				if v := p.Judge(u.Graph, r); v.Err == nil {
					out[Key{p.Rule.ID, r.Address}] = v.Outcome
				}
			}
		}
	}
	return out
}

// wishes returns the wishes of every fail of the estate, in order.
func (w *workbench) wishes() []Wish {
	var out []Wish
	for _, u := range w.Units {
		for key, outcome := range w.judge(u) {
			if ru := w.rules.Rule(key.Rule); outcome == finding.Fail && len(ru.Fix) > 0 {
				out = append(out, Wish{Unit: u, Key: key, Changes: ru.Fix})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Wish) int {
		return strings.Compare(a.Key.Rule+a.Key.Address, b.Key.Rule+b.Key.Address)
	})
	return out
}

// show writes what became of fixes: a line each, with the findings it mends and what it shares, or why it is refused.
func show(fixes []*Fix) []string {
	var out []string
	for _, f := range fixes {
		var mends []string
		for _, w := range f.Wishes {
			mends = append(mends, strings.TrimPrefix(w.Key.Rule, "t-")+" "+w.Key.Address)
		}
		line := strings.Join(mends, ", ")
		switch {
		case f.Err != nil:
			line += ": " + strings.ReplaceAll(f.Err.Error(), "t-", "")
		case len(f.Shared) > 0:
			line += " shared " + strings.Join(f.Shared, ", ")
		}
		out = append(out, line)
	}
	return out
}

func TestProve(t *testing.T) {
	private := page("private", "aws_s3_bucket", `this.acl == "private"`, `[{set: {acl: private}}]`)
	const open = `resource "aws_s3_bucket" "b" {
  acl = "public-read"
}
`
	for _, c := range []struct {
		name  string
		files map[string]string
		pages []string
		want  []string
	}{
		{"holds", map[string]string{"main.tf": open}, []string{private}, []string{"private aws_s3_bucket.b"}},
		{
			"gate 1: the value does not have the type of the attribute", map[string]string{"main.tf": "resource \"aws_s3_bucket\" \"b\" {}\n"},
			[]string{page("r", "aws_s3_bucket", `this.force_destroy == true || this.acl == "x"`, `[{set: {force_destroy: maybe}}, {set: {acl: x}}]`)},
			[]string{`r aws_s3_bucket.b: force_destroy is bool and cannot be "maybe"`},
		},
		{
			"gate 1: the value does not have the type of the variable",
			map[string]string{"main.tf": "variable \"n\" {\n  type    = number\n  default = 1\n}\nresource \"aws_s3_bucket\" \"b\" {\n  acl = var.n\n}\n"},
			[]string{private},
			[]string{`private aws_s3_bucket.b: after it there is a new problem in main.tf: the default of variable "n" does not have its type: a number is required`},
		},
		{
			"gate 2: it still fails", map[string]string{"main.tf": open},
			[]string{page("r", "aws_s3_bucket", `this.acl == "private"`, `[{set: {acl: authenticated-read}}]`)},
			[]string{"r aws_s3_bucket.b: after it r still says fail of aws_s3_bucket.b"},
		},
		{
			"gate 2: undecided is no pass", map[string]string{"main.tf": open},
			[]string{page("r", "aws_s3_bucket", `this.acl != "public-read" && this.arn == "x"`, `[{set: {acl: private}}]`)},
			[]string{"r aws_s3_bucket.b: after it r still says undecided of aws_s3_bucket.b"},
		},
		{
			"gate 3: another rule fails", map[string]string{"main.tf": open},
			[]string{private, page("public", "aws_s3_bucket", `this.acl == "public-read"`, `[]`)},
			[]string{"private aws_s3_bucket.b: it would turn public on aws_s3_bucket.b from pass to fail"},
		},
		{
			"gate 3: another rule becomes undecided", map[string]string{"main.tf": open},
			[]string{private, page("unsure", "aws_s3_bucket", `this.acl == "public-read" || this.arn == "x"`, `[]`)},
			[]string{"private aws_s3_bucket.b"},
		},
		{
			"gate 3: another resource fails", map[string]string{"main.tf": open + "resource \"aws_s3_bucket_acl\" \"a\" {\n  bucket = aws_s3_bucket.b.id\n}\n"},
			[]string{private, page("near", "aws_s3_bucket_acl", `target(this.bucket).aws_s3_bucket.all(b, b.acl == "public-read")`, `[]`)},
			[]string{"private aws_s3_bucket.b: it would turn near on aws_s3_bucket_acl.a from pass to fail"},
		},
		{
			"gate 3: what it creates fails", map[string]string{"main.tf": open},
			[]string{
				page("r", "aws_s3_bucket", `size(linked.aws_s3_bucket_versioning) > 0`, `[{create: {aws_s3_bucket_versioning: {bucket: "${this.id}"}}}]`),
				page("complete", "aws_s3_bucket_versioning", `this.mfa == "x"`, `[]`),
			},
			[]string{"r aws_s3_bucket.b: what it writes would break complete on aws_s3_bucket_versioning.b"},
		},
		{
			"gate 3: another root fails",
			map[string]string{
				"a/main.tf": "module \"m\" {\n  source = \"../m\"\n}\n",
				"b/main.tf": "module \"m\" {\n  source = \"../m\"\n}\nresource \"aws_s3_bucket\" \"b\" {\n  acl           = module.m.acl\n  force_destroy = true\n}\n",
				"m/main.tf": "resource \"aws_s3_bucket\" \"b\" {\n  acl = var.acl\n}\noutput \"acl\" {\n  value = var.acl\n}\n",
				"m/acl.tf":  "variable \"acl\" {\n  default = \"public-read\"\n}\n",
			},
			[]string{
				page("private", "aws_s3_bucket", `this.acl == "private" || this.force_destroy`, `[{set: {acl: private}}]`),
				page("public", "aws_s3_bucket", `this.acl == "public-read" || !this.force_destroy`, `[]`),
			},
			[]string{"private module.m.aws_s3_bucket.b, private module.m.aws_s3_bucket.b: it would turn public on aws_s3_bucket.b from pass to fail"},
		},
		{
			"instances and callers share the text",
			map[string]string{
				"main.tf":   "module \"x\" {\n  source = \"./m\"\n}\nmodule \"y\" {\n  source = \"./m\"\n}\n",
				"m/main.tf": "resource \"aws_s3_bucket\" \"b\" {\n  count = 2\n  acl   = count.index == 0 ? \"private\" : \"public-read\"\n}\n",
			},
			[]string{private},
			[]string{"private module.x.aws_s3_bucket.b[1], private module.y.aws_s3_bucket.b[1]"},
		},
		{
			"a variable is shared",
			map[string]string{"main.tf": `
variable "e" {
  default = false
}
resource "aws_ebs_volume" "v" {
  encrypted = var.e
}
resource "aws_rds_cluster" "c" {
  storage_encrypted = var.e
}
`},
			[]string{page("disk", "aws_ebs_volume", `this.encrypted`, `[{set: {encrypted: true}}]`)},
			[]string{"disk aws_ebs_volume.v shared aws_rds_cluster.c"},
		},
		{
			"sets of inputs are fixed together",
			map[string]string{
				"main.tf":     "variable \"acl\" {}\nresource \"aws_s3_bucket\" \"b\" {\n  acl = var.acl\n}\n",
				"dev.tfvars":  "acl = \"public-read\"\n",
				"prod.tfvars": "acl = \"public-read\"\n",
			},
			[]string{private},
			[]string{"private aws_s3_bucket.b, private aws_s3_bucket.b"},
		},
		{
			"a fix that needs another is no fix", map[string]string{"main.tf": open},
			[]string{
				page("both", "aws_s3_bucket", `this.acl == "private" && this.force_destroy`, `[{set: {acl: private}}]`),
				page("other", "aws_s3_bucket", `this.force_destroy`, `[{set: {force_destroy: true}}]`),
			},
			[]string{"both aws_s3_bucket.b: after it both still says fail of aws_s3_bucket.b", "other aws_s3_bucket.b"},
		},
		{
			"the harm of one is not hidden by another", map[string]string{"main.tf": open},
			[]string{
				page("a", "aws_s3_bucket", `this.acl == "private"`, `[{set: {acl: private}}]`),
				page("b", "aws_s3_bucket", `this.force_destroy`, `[{set: {force_destroy: true}}]`),
				page("c", "aws_s3_bucket", `this.acl != "private" || this.force_destroy`, `[]`),
			},
			[]string{"a aws_s3_bucket.b: it would turn c on aws_s3_bucket.b from pass to fail", "b aws_s3_bucket.b"},
		},
		{
			"no wish can be lowered", map[string]string{"main.tf.json": `{"resource": {"aws_s3_bucket": {"b": {"acl": "public-read", "acl": "public-read"}}}}`},
			[]string{private},
			[]string{"private aws_s3_bucket.b: main.tf.json does not parse"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorkbench(t, c.files, c.pages...)
			fixes := Lower(w.wishes())
			if err := w.Prove(context.Background(), fixes); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, show(fixes)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// crooked is an estate whose dialect lowers every wish to the same edits, whatever they do.
type crooked struct {
	dialect.Estate
	edits []source.Edit
	again bool // also after they were applied
}

func (c *crooked) With(ctx context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	estate, problems := c.Estate.With(ctx, changed)
	if !c.again {
		return &crooked{Estate: estate}, problems
	}
	return &crooked{Estate: estate, edits: c.edits}, problems
}

func (c *crooked) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	u := c.Estate.Evaluate(ctx, name)
	u.Explainer = liar{u.Explainer, c.edits}
	return u
}

type liar struct {
	dialect.Explainer
	edits []source.Edit
}

func (l liar) Edit(*resource.Resource, []resource.Change) (dialect.Lowered, error) {
	return dialect.Lowered{Edits: l.edits, Shared: []string{"aws_s3_bucket.c", "aws_s3_bucket.b", "aws_s3_bucket.c"}}, nil
}

// TestProve_crooked holds the gates against a dialect that lowers wishes wrongly.
func TestProve_crooked(t *testing.T) {
	const text = `resource "aws_s3_bucket" "b" {
  acl    = "public-read"
  bucket = "b"
}
resource "aws_s3_bucket" "c" {
  acl = "private"
}
`
	right := edit(text, `"public-read"`, `"private"`)
	for _, c := range []struct {
		name  string
		edits []source.Edit
		again bool
		want  string // of the error; empty when the fix holds
	}{
		{"right", []source.Edit{right}, false, ""},
		{"does not parse", []source.Edit{edit(text, `"public-read"`, `"private`)}, false, "there is a new problem in main.tf"},
		{"refers to nothing", []source.Edit{edit(text, `"public-read"`, `var.acl`)}, false, "there is a new problem"},
		{"changes another attribute", []source.Edit{right, edit(text, `"b"
}`, `"x"
}`)}, false, "it would change bucket of aws_s3_bucket.b too"},
		{"writes a block too", []source.Edit{right, edit(text, `"b"
}`, "\"b\"\n  versioning {\n    enabled = true\n  }\n}")}, false, "it would change versioning.enabled of aws_s3_bucket.b too"},
		{"changes another resource", []source.Edit{right, edit(text, `"private"`, `"log-delivery-write"`)}, false, "it would"},
		{"removes the resource", []source.Edit{edit(text, text[:strings.Index(text, "resource \"aws_s3_bucket\" \"c\"")], "")}, false, "after it there is no aws_s3_bucket.b"},
		{"renames the resource", []source.Edit{right, edit(text, `"b" {`, `"d" {`)}, false, "aws_s3_bucket.b"},
		{"makes it conditional", []source.Edit{edit(text, `"public-read"`, "\"private\"\n  count = 1")}, false, "after it there is no aws_s3_bucket.b"},
		{"creates something", []source.Edit{right, edit(text, `resource "aws_s3_bucket" "c"`, "resource \"aws_s3_bucket\" \"n\" {\n  acl = \"private\"\n}\nresource \"aws_s3_bucket\" \"c\"")}, false, "it would create aws_s3_bucket.n"},
		{"never ends", []source.Edit{right}, true, "applied twice"},
		{"leaves the file", []source.Edit{{Range: source.Range{File: "main.tf", Start: 5, End: 9999}}}, false, "leaves the"},
		{"of no file", []source.Edit{{Range: source.Range{File: "no.tf"}, Text: "x"}}, false, "cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorkbench(t, map[string]string{"main.tf": text}, page("private", "aws_s3_bucket", `this.acl == "private"`, `[{set: {acl: private}}]`))
			estate := &crooked{Estate: w.Estate, edits: c.edits, again: c.again}
			w.Estate = estate
			for i, u := range w.Units {
				w.Units[i] = estate.Evaluate(context.Background(), u.Name)
			}
			fixes := Lower(w.wishes())
			if err := w.Prove(context.Background(), fixes); err != nil {
				t.Fatal(err)
			}
			if len(fixes) != 1 {
				t.Fatalf("%d fixes", len(fixes))
			}
			err := fixes[0].Err
			if err == nil && len(fixes[0].Shared) > 0 {
				t.Errorf("it is said to change %v too, and does not", fixes[0].Shared)
			}
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want one with %q", err, c.want)
			}
		})
	}
}

// edit replaces the first occurrence of a text.
func edit(text, old, by string) source.Edit {
	at := strings.Index(text, old)
	if at < 0 {
		panic("no " + old)
	}
	return source.Edit{Range: source.Range{File: "main.tf", Start: at, End: at + len(old)}, Text: by}
}

// TestProve_cheap holds the price: independent fixes are tried together, and one that fails costs few trials more.
func TestProve_cheap(t *testing.T) {
	var text strings.Builder
	for i := range 64 {
		fmt.Fprintf(&text, "resource \"aws_s3_bucket\" \"b%d\" {\n  acl = \"public-read\"\n}\n", i)
	}
	private := page("private", "aws_s3_bucket", `this.acl == "private"`, `[{set: {acl: private}}]`)
	w := newWorkbench(t, map[string]string{"main.tf": text.String()}, private,
		page("special", "aws_s3_bucket", `this.acl == "public-read"`, `[]`))
	if err := w.Prove(context.Background(), Lower(w.wishes())); err != nil {
		t.Fatal(err)
	}
	w = newWorkbench(t, map[string]string{"main.tf": text.String()}, private)
	fixes := Lower(w.wishes())
	if err := w.Prove(context.Background(), fixes); err != nil {
		t.Fatal(err)
	}
	if w.trials > 1 {
		t.Errorf("%d trials for independent fixes, want 1", w.trials)
	}
	set, files, err := w.Together(context.Background(), fixes)
	if err != nil || len(set) != 64 || strings.Contains(string(files[0].Bytes), "public") {
		t.Errorf("%d of 64 fixes were applied together: %v", len(set), err)
	}
}

// TestProve_doomed: where another rule dooms every fix of one, few of them are tried.
func TestProve_doomed(t *testing.T) {
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, "resource \"aws_ebs_volume\" \"v%d\" {\n  encrypted = false\n}\n", i)
	}
	w := newWorkbench(t, map[string]string{"main.tf": text.String()},
		page("open", "aws_ebs_volume", "this.encrypted", "[{set: {encrypted: true}}]"),
		page("key", "aws_ebs_volume", "'!this.encrypted'", "[]"))
	fixes := Lower(w.wishes())
	if err := w.Prove(context.Background(), fixes); err != nil {
		t.Fatal(err)
	}
	for _, f := range fixes {
		if f.Err == nil || !strings.Contains(f.Err.Error(), "t-key") {
			t.Errorf("%v: %v", f.Wishes[0].Key, f.Err)
		}
	}
	if len(fixes) != 60 || w.trials > 10 {
		t.Errorf("%d fixes took %d trials", len(fixes), w.trials)
	}
}

func TestDifference(t *testing.T) {
	str := value.Value{Kind: value.String, Text: "x"}
	object := func(fields ...value.Field) value.Value { return value.Value{Kind: value.Object, Fields: fields} }
	list := func(items ...value.Value) value.Value { return value.Value{Kind: value.List, Items: items} }
	for _, c := range []struct {
		a, b value.Value
		want string
	}{
		{object(), object(), ""},
		{object(value.Field{Name: "a", Value: str}), object(), "a"},
		{object(value.Field{Name: "a", Value: str}), object(value.Field{Name: "b", Value: str}), "a b"},
		{object(), object(value.Field{Name: "a", Value: object(value.Field{Name: "b", Value: str}, value.Field{Name: "c", Value: str})}), "a.b a.c"},
		{object(), object(value.Field{Name: "a", Value: object()}), "a"},
		{object(value.Field{Name: "a", Value: list(str)}), object(value.Field{Name: "a", Value: list(str, str)}), "a[1]"},
		{object(value.Field{Name: "a", Value: list(object(value.Field{Name: "b", Value: str}))}), object(), "a[0].b"},
		{object(value.Field{Name: "a", Value: value.Value{Kind: value.List, Open: true}}), object(value.Field{Name: "a", Value: list()}), "a"},
		{object(value.Field{Name: "a", Value: str}), object(value.Field{Name: "a", Value: value.Value{Kind: value.Unknown}}), "a"},
	} {
		var got []string
		for _, p := range difference(&c.a, &c.b, nil, nil) {
			got = append(got, p.String())
		}
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCombine(t *testing.T) {
	files := map[string]string{"main.tf": "resource \"aws_instance\" \"w\" {\n  ami = \"a\"\n}\n"}
	w := newWorkbench(t, files,
		page("a", "aws_instance", `this.metadata_options.http_tokens == "required"`, `[{set: {metadata_options.http_tokens: required}}]`),
		page("b", "aws_instance", `this.metadata_options.instance_metadata_tags == "enabled"`, `[{set: {metadata_options.instance_metadata_tags: enabled}}]`),
		page("c", "aws_instance", `this.monitoring`, `[{set: {monitoring: true}}]`))
	fixes := Lower(w.wishes())
	if err := w.Prove(context.Background(), fixes); err != nil {
		t.Fatal(err)
	}
	joint := Lower(Combine(fixes))
	_, changed, err := w.Together(context.Background(), append(joint, fixes...))
	if err != nil || len(changed) != 1 {
		t.Fatalf("%v %v", changed, err)
	}
	want := `resource "aws_instance" "w" {
  ami = "a"

  monitoring = true

  metadata_options {
    http_tokens            = "required"
    instance_metadata_tags = "enabled"
  }
}
`
	if diff := cmp.Diff(want, string(changed[0].Bytes)); diff != "" {
		t.Error(diff)
	}
}
