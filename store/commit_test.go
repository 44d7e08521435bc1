package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// found makes findings by their names; "x?" is undecided.
func found(names ...string) (out []store.Found) {
	for _, n := range names {
		name, undecided := strings.CutSuffix(n, "?")
		f := store.Found{Fingerprint: name, Rule: "rule-" + name, Outcome: "fail", Severity: 4, File: name + ".tf", Line: 1, Message: name, Detail: []byte(`{"Waits":[{"Name":"var.` + name + `"}]}`)}
		if undecided {
			f.Outcome = "undecided"
		}
		out = append(out, f)
	}
	return out
}

// history gives the main branch of a repository some commits; each is what it has.
func (f *shelf) history(name, branch string, first int, commits ...string) {
	f.Helper()
	in := store.Ingest{Repository: f.ids[name]}
	if err := f.DB.NewRaw("SELECT id FROM branch WHERE repository = ? AND name = ?", f.ids[name], branch).Scan(context.Background(), &in.Branch); err != nil {
		f.Fatal(err)
	}
	for i, text := range commits {
		c := store.CommitInfo{SHA: fmt.Sprintf("%s%d", branch, first+i), Author: "ada", Subject: text, At: store.Millis(first + i)}
		if first+i > 1 {
			c.Parent = fmt.Sprintf("%s%d", branch, first+i-1)
		}
		list := found(strings.Fields(text)...)
		in.Results = append(in.Results, store.Result{Commit: c, Full: true, Found: list, Fails: len(list), Coverage: []byte(fmt.Sprintf(`{"Coverage":{"Files":%d}}`, first+i))})
	}
	if err := f.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Ingest(ctx, in)
		return err
	}); err != nil {
		f.Fatal(err)
	}
}

func TestCommits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		f := newShelf(t, s, "web", "other")
		id := f.ids["web"]
		f.do("UPDATE branch SET scanned = '' WHERE repository = ?", id)
		f.history("web", "main", 1, "a b", "a b c", "b c w?")
		var lines []string
		from := ""
		for range 5 {
			list, next, err := s.Commits(ctx, f.all, id, "", from, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range list {
				lines = append(lines, fmt.Sprintf("%s +%d -%d %s", c.SHA, c.Added, c.Gone, c.Subject))
			}
			if from = next; from == "" {
				break
			}
		}
		if diff := cmp.Diff([]string{"main3 +0 -1 b c w?", "main2 +1 -0 a b c", "main1 +2 -0 a b"}, lines); diff != "" {
			t.Error(diff)
		}
		c, added, gone, err := s.Commit(ctx, f.all, id, "main3")
		if err != nil || c.Findings != 3 || len(added) != 0 || len(gone) != 1 || gone[0].Rule != "rule-a" || gone[0].Status != "fixed" {
			t.Errorf("%+v, %+v, %+v, %v", c, added, gone, err)
		}
		if _, _, _, err := s.Commit(ctx, f.all, f.ids["other"], "main3"); kindOf(err) != store.NotFound {
			t.Errorf("a commit of another repository: %v", err)
		}
		if _, _, err := s.Commits(ctx, f.team("none", f.ids["other"], ""), id, "", "", 2); kindOf(err) != store.NotFound {
			t.Errorf("out of scope: %v", err)
		}
		if _, text, err := s.Coverage(ctx, f.all, id, ""); err != nil || string(text) != `{"Coverage":{"Files":3}}` {
			t.Errorf("%s, %v", text, err)
		}
		refs, err := s.UndecidedDetails(ctx, f.all, id, "main", 10)
		if err != nil || len(refs) != 1 {
			t.Fatalf("%v, %v", refs, err)
		}
		texts, err := s.Blobs(ctx, append(refs, "nothing.0.x", refs[0]))
		if err != nil || len(texts) != 2 || string(texts[1]) != `{"Waits":[{"Name":"var.w"}]}` {
			t.Errorf("%s, %v", texts, err)
		}

		// A branch that fixed one and brought two.
		f.do("INSERT INTO branch (id, repository, name, head, is_default, head_at) VALUES (?, ?, 'dev', 'x', 0, 9)", s.NewID(), id)
		f.history("web", "dev", 1, "c d e")
		list, more, err := s.Branches(ctx, f.all, id, "", 0, 10)
		if err != nil || more || len(list) != 2 {
			t.Fatalf("%+v, %v, %v", list, more, err)
		}
		if m, d := list[0], list[1]; m.Name != "main" || !m.IsDefault || m.Open.High != 2 || m.More != 0 || m.Less != 0 || d.Name != "dev" || d.Open.High != 3 || d.More != 2 || d.Less != 1 {
			t.Errorf("%+v", list)
		}
		if list, _, err := s.Branches(ctx, f.all, id, "E", 0, 10); err != nil || len(list) != 1 {
			t.Errorf("branches with an e: %+v, %v", list, err)
		}
		if list, more, err := s.Branches(ctx, f.all, id, "", 0, 1); err != nil || len(list) != 1 || !more {
			t.Errorf("the first one: %+v, %v, %v", list, more, err)
		}
	})
}

// TestMakers holds that what one tool found is not fixed by the results of another one.
func TestMakers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := newShelf(t, s, "web")
		f.history("web", "main", 1, "a")
		tool := store.Maker("Other")
		take := func(commit, maker string, names ...string) store.Counts {
			var counts store.Counts
			if err := f.write(func(ctx context.Context, tx *store.Tx) (err error) {
				var branch store.ID
				if err := tx.NewRaw("SELECT id FROM branch WHERE repository = ?", f.ids["web"]).Scan(ctx, &branch); err != nil {
					return err
				}
				counts, err = tx.Ingest(ctx, store.Ingest{Repository: f.ids["web"], Branch: branch, Results: []store.Result{
					{Commit: store.CommitInfo{SHA: commit, At: 1}, Full: true, Maker: maker, Aside: maker != "", Found: found(names...)}}})
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return counts
		}
		name := store.ForeignFingerprint(tool, "x")
		for _, c := range []struct {
			commit, maker string
			names         []string
			want          store.Counts
		}{
			{"c2", tool, []string{name}, store.Counts{New: 1}},
			{"c2", tool, []string{name}, store.Counts{Still: 1}},
			{"c3", "", []string{"a"}, store.Counts{Still: 1}},
			{"c3", store.Maker("third"), nil, store.Counts{}},
			{"c4", tool, nil, store.Counts{Gone: 1}},
			{"c5", "", nil, store.Counts{Gone: 1}},
		} {
			if diff := cmp.Diff(c.want, take(c.commit, c.maker, c.names...)); diff != "" {
				t.Errorf("%s of %q: %s", c.commit, c.maker, diff)
			}
		}
		if head, err := s.ScannedHead(context.Background(), f.ids["web"], "main"); err != nil || head != "c5" {
			t.Errorf("the branch is at %s, %v", head, err)
		}
	})
}
