package terraform

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// The plans in testdata/plan were made by terraform 1.11.4: builtin with the provider that is built in, estate with a stand-in
// for the AWS provider that has its schema and plans what nobody wrote as known after apply.

// estateOf opens a tree with everything in it that the dialect claims.
func estateOf(t *testing.T, files fstest.MapFS, change func(*dialect.Workspace)) (dialect.Estate, []source.Problem) {
	t.Helper()
	d := New(schema.Load())
	reader := &source.Reader{FS: files}
	w := &dialect.Workspace{FS: files, Read: reader.Read}
	if change != nil {
		change(w)
	}
	all, problems := source.Walk(files, ".")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	all = slices.DeleteFunc(all, func(f string) bool { return !d.Claims(f, func() []byte { return reader.Head(f) }) })
	return d.Open(context.Background(), w, all)
}

// planTree reads a directory of testdata/plan into memory; files may be left out.
func planTree(t *testing.T, dir string, keep func(name string) bool) fstest.MapFS {
	t.Helper()
	root := os.DirFS("testdata/plan/" + dir)
	names, problems := source.Walk(root, ".")
	if len(problems) > 0 || len(names) == 0 {
		t.Fatal(names, problems)
	}
	out := fstest.MapFS{}
	for _, name := range names {
		if keep == nil || keep(name) {
			content, err := os.ReadFile("testdata/plan/" + dir + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			out[name] = &fstest.MapFile{Data: content}
		}
	}
	return out
}

func evaluateAll(t *testing.T, e dialect.Estate) map[string]*dialect.Unit {
	t.Helper()
	out := map[string]*dialect.Unit{}
	for _, name := range e.Units() {
		out[name.Dir+":"+name.Variant] = e.Evaluate(context.Background(), name)
	}
	return out
}

// TestPlan_mapped holds the resources of a plan against those of its source: the same addresses at the same places, and every
// value that is known in the source is the same in the plan, at the same path and place.
func TestPlan_mapped(t *testing.T) {
	e, problems := estateOf(t, planTree(t, "estate", nil), nil)
	units := evaluateAll(t, e)
	src, plan := units[".:"], units[".:plan.json"]
	if len(problems) > 0 || src == nil || plan == nil {
		t.Fatal(problems, e.Units())
	}
	if len(plan.Problems) > 0 {
		t.Error(plan.Problems)
	}
	if diff := cmp.Diff(addresses(src.Graph), addresses(plan.Graph)); diff != "" {
		t.Fatal(diff)
	}
	compared := 0
	for _, want := range src.Graph.Resources {
		got := plan.Graph.ByAddress(want.Address)
		if got.Range != want.Range || got.Header != want.Header || got.Type != want.Type || got.Provider != want.Provider || got.Maybe != want.Maybe {
			t.Errorf("%s: it is %v %v %s, want %v %v %s", want.Address, got.Range, got.Header, got.Type, want.Range, want.Header, want.Type)
		}
		if diff := cmp.Diff(want.Calls, got.Calls); diff != "" {
			t.Error(want.Address, diff)
		}
		if diff := cmp.Diff(want.Refs, got.Refs); diff != "" {
			t.Error(want.Address, diff)
		}
		if diff := cmp.Diff(tagTexts(want), tagTexts(got)); diff != "" {
			t.Error(want.Address, diff)
		}
		compared += sameWritten(t, want.Address, &want.Body, &got.Body)
	}
	if compared < 90 {
		t.Errorf("only %d values were compared", compared)
	}
}

func addresses(g *resource.Graph) []string {
	var out []string
	for _, r := range g.Resources {
		out = append(out, r.Address)
	}
	return out
}

func tagTexts(r *resource.Resource) []string {
	var out []string
	for _, t := range r.Tags {
		out = append(out, t.Key+"="+value.Show(&t.Value)+" "+t.Origin)
	}
	return out
}

// sameWritten checks that what is known in want is the same in got, and counts the values.
func sameWritten(t *testing.T, at string, want, got *value.Value) (n int) {
	t.Helper()
	switch want.Kind {
	case value.Object:
		for i := range want.Fields {
			f := &want.Fields[i]
			n += sameWritten(t, at+"."+f.Name, &f.Value, got.Field(f.Name))
		}
	case value.List:
		if got.Kind != value.List || len(got.Items) != len(want.Items) {
			t.Errorf("%s: it is %v, want %v", at, value.Show(got), value.Show(want))
			return 0
		}
		for i := range want.Items {
			n += sameWritten(t, at, &want.Items[i], &got.Items[i])
		}
	default:
		if !got.Equal(want) || got.Given != want.Given {
			t.Errorf("%s: it is %v (given %v), want %v (given %v)", at, value.Show(got), got.Given, value.Show(want), want.Given)
		}
		n++
	}
	if got.Range != want.Range {
		t.Errorf("%s: it is at %v, want %v", at, got.Range, want.Range)
	}
	return n
}

// TestPlan_alone reads a plan without its source: places are in the plan, and references come from the configuration in it.
func TestPlan_alone(t *testing.T) {
	tree := planTree(t, "estate", func(name string) bool { return name == "plan.json" })
	e, _ := estateOf(t, tree, nil)
	u := evaluateAll(t, e)[".:plan.json"]
	if len(u.Problems) > 0 {
		t.Error(u.Problems)
	}
	file := &source.File{Path: "plan.json", Bytes: tree["plan.json"].Data}
	r := u.Graph.ByAddress(`module.store["media"].module.lock["b"].aws_s3_bucket_versioning.this[0]`)
	if r == nil {
		t.Fatal(addresses(u.Graph))
	}
	status := r.Body.At(value.Path{{Name: "versioning_configuration"}, {Name: "status"}})
	if got := file.Text(status.Range); got != `"status":"Suspended"` {
		t.Errorf("the status is at %q", got)
	}
	if !strings.HasPrefix(file.Text(r.Header), `"address":"module.store[\"media\"].module.lock`) {
		t.Errorf("the header is %q", file.Text(r.Header))
	}
	if len(r.Calls) != 2 || r.Calls[1].Address != `module.store["media"].module.lock["b"]` || !strings.HasPrefix(file.Text(r.Calls[1].Range), `"lock":`) {
		t.Errorf("the calls are %v", r.Calls)
	}
	want := []resource.Ref{{Path: value.Path{{Name: "bucket"}}, Target: `module.store["media"].aws_s3_bucket.this`, Attribute: "id"}}
	if diff := cmp.Diff(want, r.RefAt(value.Path{{Name: "bucket"}})); diff != "" {
		t.Error(diff)
	}
	if p := u.Graph.ByAddress("provider.aws"); p == nil || p.Body.Field("region").Text != "eu-central-1" {
		t.Errorf("the provider is %v", p)
	}
	db := u.Graph.ByAddress("aws_db_instance.main")
	if pw := db.Body.Field("password"); !pw.Sensitive || !pw.Given || pw.Text != "correct horse" {
		t.Errorf("the password is %+v", pw)
	}
	if got := tagTexts(db); len(got) != 2 || got[1] != `team="core" provider.aws` {
		t.Errorf("the tags are %v", got)
	}
	if _, err := u.Edit(db, nil); err == nil || !strings.Contains(err.Error(), "no source") {
		t.Errorf("the error is %v", err)
	}
	key := u.Graph.ByAddress("aws_sqs_queue.jobs")
	if waits := u.Explain(key, value.Path{{Name: "policy"}}).Waits; len(waits) != 1 || waits[0].Name != "aws_kms_key.main.arn" {
		t.Errorf("it waits for %v", waits)
	}
	if len(u.Graph.ByType("variable")) != 5+2*4+4*2 || len(u.Graph.ByType("module")) != 1+2 || len(u.Graph.ByType("output")) != 1+2 {
		t.Error(addresses(u.Graph))
	}
}

// TestPlan_builtin reads a plan, a state and the JSON of a state of the same configuration.
func TestPlan_builtin(t *testing.T) {
	for _, alone := range []bool{false, true} {
		e, problems := estateOf(t, planTree(t, "builtin", func(name string) bool { return !alone || !strings.HasSuffix(name, ".tf") }), nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		units := evaluateAll(t, e)
		var want []string
		for _, variant := range []string{"plan.json", "state.json", "terraform.tfstate"} {
			u := units[".:"+variant]
			if u == nil {
				t.Fatalf("there is no unit %s in %v", variant, e.Units())
			}
			if len(u.Problems) > 0 {
				t.Errorf("%s: %v", variant, u.Problems)
			}
			var deployed []string
			for _, r := range u.Graph.ByType("terraform_data") {
				deployed = append(deployed, r.Address)
				if r.Range.IsZero() || alone == strings.HasSuffix(r.Range.File, ".tf") {
					t.Errorf("%s of %s is at %v", r.Address, variant, r.Range)
				}
			}
			if want == nil {
				want = deployed
			}
			if diff := cmp.Diff(want, deployed); diff != "" || len(want) != 9 {
				t.Errorf("%s: %s", variant, diff)
			}
			one := u.Graph.ByAddress("terraform_data.one[1]")
			if got := one.Body.At(value.Path{{Name: "input"}, {Name: "name"}}); got.Text != "b" {
				t.Errorf("%s: the input is %s", variant, value.Show(one.Body.Field("input")))
			}
			two := u.Graph.ByAddress(`terraform_data.two["a"]`).Body.At(value.Path{{Name: "triggers_replace"}, {Index: 0}})
			if two.Text != "hunter2" || variant == "plan.json" && !two.Sensitive {
				t.Errorf("%s: the trigger is %+v", variant, two)
			}
		}
		if !alone && units[".:"] == nil {
			t.Error("the source is no unit beside its plans")
		}
	}
}

// TestPlan_inputs evaluates the source under the variables of the plan, and leaves those that say the same where they are.
func TestPlan_inputs(t *testing.T) {
	tree := planTree(t, "estate", func(name string) bool { return name != "terraform.tfvars" })
	e, _ := estateOf(t, tree, nil)
	u := evaluateAll(t, e)[".:plan.json"]
	db := u.Graph.ByAddress("aws_db_instance.main")
	if got := db.Body.Field("password"); got.Text != "correct horse" || !got.Given {
		t.Errorf("the password is %+v", got)
	}
	trace := u.Explain(db, value.Path{{Name: "password"}}).Trace
	if len(trace) != 2 || trace[1].Name != "plan.json" {
		t.Errorf("the trace is %v", trace)
	}
}

// TestPlan_edit fixes what a plan shows in its source, and sees the change in the plan.
func TestPlan_edit(t *testing.T) {
	tree := planTree(t, "estate", nil)
	e, _ := estateOf(t, tree, nil)
	name := dialect.UnitName{Dir: ".", Variant: "plan.json"}
	u := e.Evaluate(context.Background(), name)
	db := u.Graph.ByAddress("aws_db_instance.main")
	no := resource.Change{Op: resource.Set, Path: value.Path{{Name: "publicly_accessible"}}, Value: value.Value{Kind: value.Bool}}
	lowered, err := u.Edit(db, []resource.Change{no})
	if err != nil || len(lowered.Edits) != 1 || lowered.Edits[0].Range.File != "main.tf" {
		t.Fatal(lowered, err)
	}
	after, err := source.Apply(tree["main.tf"].Data, lowered.Edits)
	if err != nil {
		t.Fatal(err)
	}
	with, problems := e.With(context.Background(), []*source.File{{Path: "main.tf", Bytes: after}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	now := with.Evaluate(context.Background(), name)
	if diff := cmp.Diff(addresses(u.Graph), addresses(now.Graph)); diff != "" {
		t.Error(diff)
	}
	fixed := now.Graph.ByAddress("aws_db_instance.main")
	for i := range db.Body.Fields {
		f := &db.Body.Fields[i]
		if is := fixed.Body.Field(f.Name); (f.Name == "publicly_accessible") == is.Equal(&f.Value) {
			t.Errorf("%s is %s after the edit, was %s", f.Name, value.Show(is), value.Show(&f.Value))
		}
	}
	if again, err := now.Edit(fixed, []resource.Change{no}); err != nil || len(again.Edits) > 0 {
		t.Errorf("wishing twice changes more: %v %v", again, err)
	}
}

func TestPlan_refused(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"another major version", "p.json", `{"format_version":"2.0","terraform_version":"9.9.9","planned_values":{}}`, "format_version"},
		{"an old state", "terraform.tfstate", `{"version":3,"terraform_version":"0.11.1","serial":1,"lineage":"x","modules":[]}`, "version 3"},
		{"an encrypted state", "terraform.tfstate", `{"serial":1,"lineage":"x","meta":{},"encrypted_data":"AA==","encryption_version":"v0"}`, "encrypted"},
		{"cut off", "p.json", `{"format_version":"1.2","terraform_version":"1.11.4","planned_values":{"root_module":`, "cannot be read"},
	} {
		e, problems := estateOf(t, fstest.MapFS{c.file: {Data: []byte(c.text)}}, nil)
		for _, u := range evaluateAll(t, e) {
			problems = append(problems, u.Problems...)
		}
		if len(problems) != 1 || !strings.Contains(problems[0].Message, c.want) || problems[0].Range.File != c.file {
			t.Errorf("%s: the problems are %v, want one about %s", c.name, problems, c.want)
		}
	}
}

func TestPlan_claims(t *testing.T) {
	d := New(schema.Load())
	for text, want := range map[string]bool{
		`{"format_version":"1.2","terraform_version":"1.11.4","planned_values":{}}`:           true,
		"\n {\"version\": 4, \"terraform_version\": \"1\", \"serial\": 1, \"lineage\": \"\"}": true,
		`{"format_version":"1.0","provider_schemas":{}}`:                                      false,
		`{"terraform_version":"1.11.4","platform":"linux"}`:                                   false,
		`{"Resources":{"a":{"Properties":{"planned_values":1}}}}`:                             false,
		`[{"format_version":"1.2","terraform_version":"1","planned_values":{}}]`:              false,
		``: false,
	} {
		if got := d.Claims("x.json", func() []byte { return []byte(text) }); got != want {
			t.Errorf("%s: claimed %v, want %v", text, got, want)
		}
	}
}
