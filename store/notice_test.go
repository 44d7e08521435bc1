package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// TestNotices holds that a notice is told when, and only when, its transaction is done.
func TestNotices(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		told := s.Noticed()
		tell := func(kind string, more error) error {
			return s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
				return errors.Join(tx.Notify(ctx, store.Notice{Organisation: 1, Repository: 2, Kind: kind}, map[string]int{"done": 3}), more)
			})
		}
		if err := tell("lost", errors.New("no")); err == nil {
			t.Error("an error did not come back")
		}
		select {
		case <-told:
			t.Fatal("told of what did not happen")
		default:
		}
		if err := tell("scans", nil); err != nil {
			t.Fatal(err)
		}
		select {
		case <-told:
		case <-time.After(time.Second):
			t.Fatal("nobody was told")
		}
		list, err := s.Notices(ctx, 0, 0, 10)
		if err != nil || len(list) != 1 || list[0].Kind != "scans" || list[0].Data != `{"done":3}` || list[0].Repository != 2 {
			t.Fatalf("%+v, %v", list, err)
		}
		if list, err := s.Notices(ctx, 0, list[0].ID, 10); err != nil || len(list) != 0 {
			t.Errorf("after the last one: %+v, %v", list, err)
		}
		if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
			return tx.Notify(ctx, store.Notice{Kind: "scans"}, strings.Repeat("x", 5000))
		}); err == nil {
			t.Error("a notice of 5,000 bytes was taken")
		}
	})
}

func TestSweep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, now := context.Background(), time.Now()
		left := func(after time.Duration) (notices, answers int) {
			s.Now = func() time.Time { return now.Add(after) }
			if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.Sweep(ctx) }); err != nil {
				t.Fatal(err)
			}
			if err := s.DB.NewRaw("SELECT (SELECT count(*) FROM notice), (SELECT count(*) FROM idempotency)").Scan(ctx, &notices, &answers); err != nil {
				t.Fatal(err)
			}
			return notices, answers
		}
		if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.Notify(ctx, store.Notice{Kind: "scans"}, nil) }); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Begin(ctx, "person:1", "k", "r"); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			after            time.Duration
			notices, answers int
		}{{59 * time.Minute, 1, 1}, {61 * time.Minute, 0, 1}, {23 * time.Hour, 0, 1}, {25 * time.Hour, 0, 0}} {
			if n, a := left(c.after); n != c.notices || a != c.answers {
				t.Errorf("after %s: %d notices and %d answers, want %d and %d", c.after, n, a, c.notices, c.answers)
			}
		}
	})
}

// TestBegin holds that one of several equal requests does the work, and that one whose process died can be made again.
func TestBegin(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, now := context.Background(), time.Now()
		s.Now = func() time.Time { return now }
		begin := func(actor, request string) *store.Answered {
			t.Helper()
			before, err := s.Begin(ctx, actor, "key", request)
			if err != nil {
				t.Fatal(err)
			}
			return before
		}
		if before := begin("a", "r"); before != nil {
			t.Fatalf("the first one came second: %+v", before)
		}
		if before := begin("a", "r"); before == nil || before.Status != 0 {
			t.Fatalf("while it is under way: %+v", before)
		}
		if before := begin("b", "r"); before != nil {
			t.Fatalf("somebody else's key: %+v", before)
		}
		now = now.Add(3 * time.Minute)
		if before := begin("a", "r"); before != nil {
			t.Fatalf("its process died: %+v", before)
		}
		if err := s.Answer(ctx, "a", "key", 201, []byte("sealed")); err != nil {
			t.Fatal(err)
		}
		now = now.Add(23 * time.Hour)
		if before := begin("a", "other"); before == nil || before.Status != 201 || before.Request != "r" || string(before.Answer) != "sealed" {
			t.Fatalf("a day later: %+v", before)
		}
		now = now.Add(2 * time.Hour)
		if before := begin("a", "other"); before != nil {
			t.Fatalf("after more than a day: %+v", before)
		}
		if err := s.Forget(ctx, "a", "key"); err != nil {
			t.Fatal(err)
		}
		if before := begin("a", "third"); before != nil {
			t.Fatalf("after it was forgotten: %+v", before)
		}
	})
}
