package scan

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/schema"
)

// planEstate is an estate with count, for_each and nested modules, and the plan that terraform made of it.
const planEstate = "../dialects/terraform/testdata/plan/estate"

// TestPlan_sameFindings scans a plan beside its source, a plan in another directory whose source is named, and the source
// alone: all give the same findings with the same ids, places and suppressions.
func TestPlan_sameFindings(t *testing.T) {
	set := schema.Load()
	catalogue, err := rule.Load(set, rules.Pages())
	if err != nil {
		t.Fatal(err)
	}
	beside, apart, alone := fstest.MapFS{}, fstest.MapFS{}, fstest.MapFS{}
	err = fs.WalkDir(os.DirFS(planEstate), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(planEstate + "/" + name)
		beside[name] = &fstest.MapFile{Data: content}
		if name == "plan.json" {
			apart["plans/"+name] = beside[name]
		} else {
			apart["infra/"+name], alone[name] = beside[name], beside[name]
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	run := func(tree fs.FS, change func(*Options)) *finding.Report {
		t.Helper()
		o := Options{FS: tree, Dialects: []dialect.Dialect{terraform.New(set)}, Rules: catalogue}
		change(&o)
		result, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Report.Problems) > 0 {
			t.Error(result.Report.Problems)
		}
		return result.Report
	}
	rows := func(r *finding.Report, strip string) map[string]string {
		out := map[string]string{}
		for _, list := range [][]finding.Finding{r.Findings, r.Undecided} {
			for _, f := range list {
				file := f.Location.File[len(strip):]
				id := f.ID
				if strip != "" { // the directory is a part of the id
					id = finding.Identify(f.Rule, ".", f.Resource.Address, f.Path)
				}
				out[id] = fmt.Sprintf("%s %s %s %s at %s:%v, suppressed %v", f.Rule, f.Outcome, f.Resource.Address, f.Path, file,
					f.Location.From, f.Suppression != nil)
			}
		}
		return out
	}
	want := rows(run(alone, func(*Options) {}), "")
	if len(want) < 40 {
		t.Fatalf("there are only %d findings", len(want))
	}
	for _, c := range []struct {
		name, strip string
		report      *finding.Report
	}{
		{"the plan beside its source", "", run(beside, func(o *Options) { o.Dirs = []string{"plan.json"} })},
		{"the plan apart from its source", "infra/", run(apart, func(o *Options) { o.Dirs, o.Source = []string{"plans/plan.json"}, "infra" })},
		{"the plan and its source", "", run(beside, func(*Options) {})},
	} {
		if diff := cmp.Diff(want, rows(c.report, c.strip)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
