package faults

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/store"
)

// TestClock lets the clock of a process jump a day back and a day on: ids stay unique and grow, tasks go on, and no job is taken from the
// living.
func TestClock(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for tasks")
	}
	t.Parallel()
	for _, engine := range []store.Engine{store.SQLite, store.PostgreSQL} {
		t.Run(string(engine), func(t *testing.T) {
			ctx, stop := context.WithCancel(context.Background())
			var shift atomic.Int64
			s, err := store.Open(ctx, store.Options{Address: storetest.Address(t, engine), Kind: "serve", Now: func() time.Time { return time.Now().Add(time.Duration(shift.Load())) }})
			if err != nil {
				t.Fatal(err)
			}
			var done atomic.Int64
			ended := make(chan error, 1)
			go func() {
				ended <- jobs.Work(ctx, jobs.Options{Store: s, Data: t.TempDir(), Poll: -1, Daily: -1, Tasks: []jobs.Task{{Name: "again", Every: time.Second, Do: func(context.Context) error {
					done.Add(1)
					return nil
				}}}})
			}()
			t.Cleanup(func() {
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			var ids []store.ID
			for _, by := range []time.Duration{0, -24 * time.Hour, 24 * time.Hour, 0} {
				shift.Store(int64(by))
				for range 5000 {
					ids = append(ids, s.NewID())
				}
				before := done.Load()
				eventually(t, fmt.Sprintf("a task, the clock %v off", by), 30*time.Second, func() error {
					if n := done.Load() - before; n < 2 {
						return fmt.Errorf("done %d times", n)
					}
					return nil
				})
				var lost int
				if err := s.DB.NewRaw("SELECT count(*) FROM river_job WHERE state IN ('discarded', 'retryable')").Scan(ctx, &lost); err != nil || lost != 0 {
					t.Errorf("the clock %v off: %d jobs failed, %v", by, lost, err)
				}
			}
			if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
				t.Error("ids do not grow, or are there twice, when the clock jumps")
			}
		})
	}
}
