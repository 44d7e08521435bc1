package rules_test

import (
	"fmt"
	"io/fs"
	"path"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/internal/golden"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
)

// TestGeneratedPages keeps prepared.bin fresh. A stale one costs time in every scan and nothing else: who writes a page need
// not care, and who releases runs make generate.
func TestGeneratedPages(t *testing.T) {
	got, err := rule.Prepare(rules.Pages())
	if err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "prepared.bin", got)
}

// TestPreparedPages scans the examples of all pages with rules that were prepared and with rules compiled from their texts:
// the reports must be the same.
func TestPreparedPages(t *testing.T) {
	set := schema.Load()
	fresh, err := rule.Load(set, rules.Pages())
	if err != nil {
		t.Fatal(err)
	}
	code, err := rule.Prepare(rules.Pages())
	if err != nil {
		t.Fatal(err)
	}
	ready := rule.NewCatalogue(set)
	if err := ready.AddPrepared(rules.Pages(), string(code)); err != nil {
		t.Fatal(err)
	}
	estate := fstest.MapFS{}
	for _, r := range fresh.All() {
		for i, x := range r.Examples {
			for _, f := range x.Files {
				name := f.Name
				if name == "" {
					name = "main.tf"
				}
				if x.Dialect == "terraform" {
					estate[path.Join(r.ID, fmt.Sprint(i), name)] = &fstest.MapFile{Data: []byte(f.Text)}
				}
			}
		}
	}
	want, got := reportOf(t, estate, set, fresh), reportOf(t, estate, set, ready)
	if len(want.Findings) == 0 || len(want.Undecided) == 0 {
		t.Errorf("%d findings and %d undecided are too few to compare", len(want.Findings), len(want.Undecided))
	}
	if diff := cmp.Diff(want.Findings, got.Findings); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want.Undecided, got.Undecided); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want.Rules, got.Rules); diff != "" {
		t.Error(diff)
	}
}

func reportOf(t *testing.T, estate fs.FS, set *schema.Set, catalogue *rule.Catalogue) *finding.Report {
	t.Helper()
	result, err := scan.Run(t.Context(), scan.Options{
		FS: estate, Dialects: []dialect.Dialect{terraform.New(set)}, Rules: catalogue,
	})
	if err != nil {
		t.Fatal(err)
	}
	return result.Report
}
