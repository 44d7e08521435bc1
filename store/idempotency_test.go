package store_test

import (
	"context"
	"testing"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// TestKeyed holds that a request which made its change is never made again, even when its process died before it could keep the answer;
// and that one which made none is.
func TestKeyed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		begin := func(key string) *store.Answered {
			t.Helper()
			before, err := s.Begin(ctx, "me", key, "asked")
			if err != nil {
				t.Fatal(err)
			}
			return before
		}
		for _, change := range []bool{false, true} {
			key := map[bool]string{false: "nothing changed", true: "something changed"}[change]
			if before := begin(key); before != nil {
				t.Fatalf("a new key was used before: %+v", before)
			}
			if change {
				if err := s.Write(store.Keyed(ctx, "me", key), entry(), func(context.Context, *store.Tx) error { return nil }); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { // the process dies here, and long after somebody asks again
				_, err := tx.NewRaw("UPDATE idempotency SET at = at - 600000").Exec(ctx)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			before := begin(key)
			if change && (before == nil || before.Status != store.Changed) {
				t.Errorf("what made its change may be made again: %+v", before)
			}
			if !change && before != nil {
				t.Errorf("what made no change may not be made again: %+v", before)
			}
			if err := s.Forget(ctx, "me", key); err != nil {
				t.Fatal(err)
			}
			if before := begin(key); (before != nil) != change {
				t.Errorf("forgotten: %+v", before)
			}
		}
	})
}
