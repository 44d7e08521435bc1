package jobs

import (
	"testing"

	"plumbline.dev/plumbline/mirror"
)

// The oldest branches are left out of very many, and the default branch may be one of them.
func TestWithDefault(t *testing.T) {
	list := func() []mirror.Branch { return []mirror.Branch{{Name: "new", Head: "1"}, {Name: "old", Head: "2"}} }
	if got := withDefault(list(), "old", "2"); got[0].Name != "new" || got[1].Name != "old" {
		t.Errorf("%v: nothing was to change", got)
	}
	got := withDefault(list(), "main", "3")
	if len(got) != 2 || got[0].Name != "new" || got[1].Name != "main" || got[1].Head != "3" {
		t.Errorf("%v, want new and main", got)
	}
}
