package scan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
)

func TestGroups(t *testing.T) {
	unit := func(dir string, files ...string) *unitResult {
		return &unitResult{name: dialect.UnitName{Dir: dir}, reads: dialect.Reads{Files: files}}
	}
	s := &scan{files: []string{"a/main.tf", "b/main.tf", "c/main.tf", "d/main.tf", "m/main.tf", "n/main.tf"}}
	groups := s.groups([]*unitResult{
		unit("a", "a/main.tf", "m/main.tf"),
		unit("b", "b/main.tf", "list.json"), // what no fix edits may be shared
		unit("c", "c/main.tf", "m/main.tf", "n/main.tf"),
		unit("d", "d/main.tf", "list.json", "n/main.tf"),
	})
	var got [][]string
	for _, g := range groups {
		var dirs []string
		for _, u := range g {
			dirs = append(dirs, u.name.Dir)
		}
		got = append(got, dirs)
	}
	if diff := cmp.Diff([][]string{{"a", "c", "d"}, {"b"}}, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}
