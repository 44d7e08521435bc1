package jobs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/source"
)

// TestTracker_coverage holds that a commit fixes only what its scan looked for: not what settings leave out, and not what is in a file
// that could not be read; and that it brings nothing that was only out of sight.
func TestTracker_coverage(t *testing.T) {
	find := func(ids ...string) (list []Finding) {
		for _, id := range ids {
			list = append(list, Finding{Finding: finding.Finding{ID: id, Rule: "r", Outcome: finding.Fail, Location: finding.Location{Range: source.Range{File: id + ".yaml"}},
				Resource: finding.Resource{Unit: "."}}})
		}
		return list
	}
	undecided := func(ids ...string) []Finding {
		list := find(ids...)
		for i := range list {
			list[i].Outcome = finding.Undecided
		}
		return list
	}
	left := func(ids ...string) (list []LeftOut) {
		for _, id := range ids {
			list = append(list, LeftOut{id, "excluded"})
		}
		return list
	}
	broken := func(file string) []finding.Problem {
		return []finding.Problem{{Kind: source.Invalid, Location: finding.Location{Range: source.Range{File: file}}}}
	}
	steps := []struct {
		give CommitResult
		want string // of the store's result: found, left, gone; then what the commit brought and fixed
	}{
		{CommitResult{Full: true, Found: find("a", "b", "c")}, "full abc - - | ? ?"},
		{CommitResult{Left: left("a"), Gone: []string{"b"}, Problems: broken("b.yaml")}, "- a - | - -"},
		{CommitResult{Gone: []string{"c"}, Problems: broken("main.tf")}, "- - - | - -"},
		{CommitResult{Problems: broken("b.yaml")}, "- - c | - c"},
		{CommitResult{Found: find("a", "b")}, "ab - - | - -"},
		{CommitResult{Left: left("b")}, "- b - | - -"},
		{CommitResult{Gone: []string{"a", "b"}}, "- - ab | - a"},
		{CommitResult{Found: find("a")}, "a - - | a -"},
		{CommitResult{Gone: []string{"a"}, Problems: broken("a.yaml")}, "- - - | - -"},
		{CommitResult{}, "- - a | - a"},
		{CommitResult{Found: undecided("u", "v")}, "uv - - | - -"},
		{CommitResult{Found: find("u")}, "u - - | u -"},
		{CommitResult{Gone: []string{"u", "v"}}, "- - uv | - u"},
	}
	var commits []mirror.Commit
	line := map[string]bool{}
	for i := range steps {
		c := mirror.Commit{ID: fmt.Sprint("c", i)}
		if i > 0 {
			c.Parents = []string{fmt.Sprint("c", i-1)}
		}
		commits = append(commits, c)
		line[c.ID] = true
	}
	track := newTracker(commits, line, "")
	word := func(list []string) string {
		if len(list) == 0 {
			return "-"
		}
		slices.Sort(list)
		return strings.Join(list, "")
	}
	for i, s := range steps {
		r, err := track.take(commits[i], s.give)
		if err != nil {
			t.Fatal(err)
		}
		var found, out []string
		for _, f := range r.Found {
			found = append(found, f.Fingerprint)
		}
		for id := range r.Left {
			out = append(out, id)
		}
		got := word(found) + " " + word(out) + " " + word(r.Gone)
		if r.Full {
			got = "full " + got
		}
		if r.Delta == nil {
			got += " | ? ?"
		} else {
			got += " | " + word(r.Delta.Added) + " " + word(r.Delta.Gone)
		}
		if diff := cmp.Diff(s.want, got); diff != "" {
			t.Errorf("commit %d (-want +got)\n%s", i, diff)
		}
	}
}
