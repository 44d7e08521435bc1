//go:build linux && (amd64 || arm64)

package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/jobs"
)

// TestChild_left holds that a child tells findings that settings leave out from those that are mended.
func TestChild_left(t *testing.T) {
	named := func(name string) string { return strings.ReplaceAll(publicBucket, `"a"`, `"`+name+`"`) }
	module := "module \"m\" {\n  source = \"../lib\"\n}\n"
	h := newHostile(t)
	h.commit(map[string]string{"old/a.tf": named("a"), "new/b.tf": named("b"), "live/main.tf": module, "lib/c.tf": named("c"), "play/d.tf": named("d")})
	h.commit(map[string]string{".plumbline.yaml": "paths:\n  exclude: [old/**, lib/**]\n"}) // lib is read by live all the same
	h.commit(map[string]string{"lib/c.tf": "\n" + named("c")})
	h.commit(map[string]string{"old/a.tf": "", "new/b.tf": ""})
	h.commit(map[string]string{".plumblineignore": "play\n"})
	h.commit(map[string]string{".plumblineignore": "nothing\n", ".plumbline.yaml": "rules:\n  aws-s3-public-acl: off\n"})
	h.commit(map[string]string{".plumbline.yaml": "paths:\n  exclude: [live/**]\n"})
	h.commit(map[string]string{"lib/c.tf": ""})
	all, _, err := h.scan(nil)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	tell := func(r jobs.CommitResult) string {
		var found, left, gone []string
		for _, f := range r.Found {
			if f.Rule != "aws-s3-public-acl" {
				continue
			}
			names[f.ID] = f.Resource.Unit + ":" + f.Location.File
			found = append(found, names[f.ID])
		}
		for _, l := range r.Left {
			if names[l.ID] != "" {
				left = append(left, names[l.ID]+" "+l.Why)
			}
		}
		for _, id := range r.Gone {
			if names[id] != "" {
				gone = append(gone, names[id])
			}
		}
		for _, list := range [][]string{found, left, gone} {
			slices.Sort(list)
		}
		return fmt.Sprintf("%v %v %v", found, left, gone)
	}
	var got []string
	for _, r := range all {
		got = append(got, tell(r))
	}
	want := []string{
		"[live:lib/c.tf new:new/b.tf old:old/a.tf play:play/d.tf] [] []",
		"[] [old:old/a.tf The settings leave old/a.tf out of the scan.] []",
		"[live:lib/c.tf] [] []",
		"[] [] [new:new/b.tf old:old/a.tf]",
		"[] [play:play/d.tf An ignore file leaves play/d.tf out of the scan.] []",
		"[] [live:lib/c.tf The settings switch the rule off for lib/c.tf.] []",
		"[lib:lib/c.tf play:play/d.tf] [] []",
		"[] [] [lib:lib/c.tf live:lib/c.tf]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	// The server asks about what an earlier request found.
	var watch []jobs.Watched
	for id, name := range names {
		unit, file, _ := strings.Cut(name, ":")
		if unit == "lib" {
			continue // not yet
		}
		watch = append(watch, jobs.Watched{ID: id, Rule: "aws-s3-public-acl", File: file, Unit: unit})
	}
	later, _, err := h.scan(func(q *jobs.Request) { q.Commits, q.Watch = q.Commits[1:2], watch })
	if err != nil {
		t.Fatal(err)
	}
	if want, got := strings.Replace(want[1], "[]", "[live:lib/c.tf new:new/b.tf play:play/d.tf]", 1), tell(later[0]); got != want {
		t.Errorf("later: %s, want %s", got, want)
	}
}
