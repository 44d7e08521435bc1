package jobs_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/store"
)

// TestTasksGoOn holds that a task is done again and again although the job of its last time is kept, and that a job which is said to run in a
// process that does not work on it, as after the database was gone, goes back to those that wait.
func TestTasksGoOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var done atomic.Int64
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		o := jobs.Options{Store: s, Data: t.TempDir(), Poll: -1, Daily: -1, Tasks: []jobs.Task{{Name: "again", Every: 4 * time.Second, Do: func(context.Context) error {
			done.Add(1)
			return nil
		}}}}
		go func() { ended <- jobs.Work(ctx, o) }()
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		wait := func(what string, more int64) {
			t.Helper()
			want := done.Load() + more
			for deadline := time.Now().Add(time.Minute); done.Load() < want; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%s: the task was done %d times", what, done.Load())
				}
			}
		}
		wait("at first", 2)
		if testing.Short() {
			return
		}
		time.Sleep(2 * time.Second) // River writes ends down once more, some time after they are there
		for {                       // the newest one ended, but nobody could write that down
			err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
				result, err := tx.NewRaw("UPDATE river_job SET state = 'running', finalized_at = NULL WHERE kind = 'upkeep' AND state = 'completed' AND id = (SELECT max(id) FROM river_job WHERE kind = 'upkeep')").Exec(ctx)
				if err != nil {
					return err
				}
				if n, err := result.RowsAffected(); err != nil || n != 1 {
					return fmt.Errorf("%d jobs: %w", n, err)
				}
				return nil
			})
			if err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		wait("after the database was gone", 2)
	})
}
