package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// TestPruneBlobs holds that contents go when nothing points to them and nobody kept them lately, and that all others stay.
func TestPruneBlobs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		s.Now = func() time.Time { return now }
		ctx := t.Context()
		e := newEstate(t, s)
		detailed := func(text string) func(*store.Found) {
			return func(f *store.Found) { f.Detail = fmt.Appendf(nil, "{%q:1}", text) }
		}
		first := full(1, issue("a", "a", detailed("first")))
		first.Coverage, first.Delta = []byte(`{"coverage":1}`), &store.CommitDelta{Added: []string{"a"}}
		e.ingest("main", first)
		e.ingest("main", full(2, issue("a", "a", detailed("second"))))
		save := func(text string) (ref string) {
			t.Helper()
			if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
				ref, err = tx.SaveBlob(ctx, []byte(text))
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return ref
		}
		save("nobody wants it")
		again := save("wanted again")
		edges := save("edges")
		if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewRaw("INSERT INTO snapshot (repository, sha, made_at, edges, cut) VALUES (?, 'c', 1, ?, 0)", e.repository, edges).Exec(ctx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(47 * time.Hour)
		save("wanted again")
		save("new")
		if n, err := s.PruneBlobs(ctx); n != 0 || err != nil {
			t.Errorf("after two days less an hour %d go, %v", n, err)
		}
		now = now.Add(2 * time.Hour)
		if n, err := s.PruneBlobs(ctx); n != 2 || err != nil { // the first details, and what nobody wants
			t.Errorf("%d go, %v, want 2", n, err)
		}
		var left []string
		var refs []string
		if err := s.DB.NewRaw("SELECT hash FROM blob").Scan(ctx, &refs); err != nil {
			t.Fatal(err)
		}
		for _, ref := range refs {
			text, err := s.Blob(ctx, ref)
			if err != nil {
				t.Fatal(err)
			}
			left = append(left, string(text))
		}
		slices.Sort(left)
		if diff := cmp.Diff([]string{`[{"second":1}]`, "edges", "new", "wanted again", `{"added":["a"],"gone":null}`, `{"coverage":1}`, "{}"}, left); diff != "" {
			t.Error(diff)
		}
		if _, err := s.Blob(ctx, again); err != nil {
			t.Error(err)
		}
	})
}

// TestPruneBlobs_concurrent holds that contents stay that are wanted again while they are pruned, however the transactions meet.
func TestPruneBlobs_concurrent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		e := newEstate(t, s)
		var old []string
		if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
			for i := range 40 {
				ref, err := tx.SaveBlob(ctx, []byte(strings.Repeat("x", i+1)))
				if err != nil {
					return err
				}
				old = append(old, ref)
			}
			_, err := tx.NewRaw("UPDATE blob SET made_at = 1").Exec(ctx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		kept := make([]string, 0, 40)
		all.Go(func() {
			for i := range 40 {
				var ref string
				if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
					if ref, err = tx.SaveBlob(ctx, []byte(strings.Repeat("x", i+1))); err != nil {
						return err
					}
					time.Sleep(5 * time.Millisecond) // somebody prunes now
					_, err = tx.NewRaw("INSERT INTO commit_result (id, repository, sha, author, email, subject, committed_at, scan, scanned_at, findings, undecided, suppressed, problems, added, gone, result) VALUES (?, ?, ?, '', '', '', 1, 0, 1, 0, 0, 0, 0, 0, 0, ?)",
						s.NewID(), e.repository, fmt.Sprint("c", i), ref).Exec(ctx)
					return err
				}); err != nil {
					t.Error(err)
					return
				}
				kept = append(kept, ref)
			}
		})
		for range 4 {
			all.Go(func() {
				for range 15 {
					if _, err := s.PruneBlobs(ctx); err != nil {
						t.Error(err)
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
			})
		}
		all.Wait()
		for i, ref := range kept {
			if _, err := s.Blob(ctx, ref); err != nil {
				t.Errorf("content %d: %v", i, err)
			}
		}
		if len(kept) != len(old) {
			t.Errorf("%d of %d were kept", len(kept), len(old))
		}
	})
}
