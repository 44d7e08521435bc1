package store_test

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// TestContention holds that fifty writers and fifty readers at once never see that the database is locked, and that everything
// that was acknowledged is there. It runs for two seconds, or for as long as PLUMBLINE_CONTENTION says (1m).
func TestContention(t *testing.T) {
	last := 2 * time.Second
	if text := os.Getenv("PLUMBLINE_CONTENTION"); text != "" {
		var err error
		if last, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var written, read atomic.Int64
		var slowest atomic.Int64 // microseconds of a write
		var wg sync.WaitGroup
		end := time.Now().Add(last)
		for range 50 {
			wg.Go(func() {
				for time.Now().Before(end) && !t.Failed() {
					start := time.Now()
					err := s.Write(ctx, entry(), func(ctx context.Context, tx *store.Tx) error {
						_, err := tx.NewRaw("INSERT INTO blob (hash, content, made_at) VALUES (?, ?, ?)", s.NewID().String(), []byte("x"), tx.Now).Exec(ctx)
						return err
					})
					if err != nil {
						t.Errorf("write: %v", err)
						return
					}
					written.Add(1)
					for took := time.Since(start).Microseconds(); ; {
						was := slowest.Load()
						if took <= was || slowest.CompareAndSwap(was, took) {
							break
						}
					}
				}
			})
			wg.Go(func() {
				for time.Now().Before(end) && !t.Failed() {
					var n int64
					if err := s.DB.NewRaw("SELECT count(*) FROM (SELECT hash FROM blob ORDER BY hash DESC LIMIT 100) AS newest").Scan(ctx, &n); err != nil {
						t.Errorf("read: %v", err)
						return
					}
					read.Add(1)
				}
			})
		}
		wg.Wait()
		var rows, records int64
		if err := s.DB.NewRaw("SELECT (SELECT count(*) FROM blob), (SELECT count(*) FROM audit_record)").Scan(ctx, &rows, &records); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d writes, the slowest %d ms, and %d reads in %s", written.Load(), slowest.Load()/1000, read.Load(), last)
		if rows != written.Load() || records != rows || rows == 0 {
			t.Errorf("%d acknowledged, %d rows, %d records", written.Load(), rows, records)
		}
	})
}
