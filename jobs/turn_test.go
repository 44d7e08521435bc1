package jobs_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/store"
)

// TestGiveWay holds that a repository that is connected while the only scanner follows the history of another one is scanned before that
// goes on, that nothing of the history is lost for it.
func TestGiveWay(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	for _, mode := range []string{"first scan", "history"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				ctx := context.Background()
				q, err := jobs.NewQueue(ctx, s, nil)
				if err != nil {
					t.Fatal(err)
				}
				old, fresh := newGitRepo(t), newGitRepo(t)
				for i := range 80 {
					old.n++
					old.git("commit", "-q", "--allow-empty", "-m", fmt.Sprint(i))
				}
				old.commit(map[string]string{"a.tf": "bad one\n"})
				fresh.commit(map[string]string{"a.tf": "bad one\n"})
				o := options(t, s, filepath.Dir(old.dir)) // both are below
				o.Scanners, o.Child, o.Poll = 1, lineChild(60*time.Millisecond), 5*time.Minute
				if mode == "first scan" {
					o.Backlog = 1000
				}
				organisation, first := connect(t, s, q, old.dir)
				work(t, o)
				commits := func(repository store.ID) (n int) {
					t.Helper()
					if err := s.DB.NewRaw("SELECT count(*) FROM commit_result WHERE repository = ?", repository).Scan(ctx, &n); err != nil {
						t.Fatal(err)
					}
					return n
				}
				if mode == "history" {
					eventually(t, s, "1", "SELECT count(*) FROM commit_result WHERE repository = ?", first)
					ask(t, s, q, jobs.Job{What: jobs.Scan, Mode: jobs.History, Organisation: organisation, Repository: first})
				}
				for end := time.Now().Add(40 * time.Second); commits(first) < 2; time.Sleep(20 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatal("the history is not begun")
					}
				}
				_, second := connect(t, s, q, fresh.dir)
				eventually(t, s, "1", "SELECT count(*) FROM commit_result WHERE repository = ?", second)
				if n := commits(first); n >= 80 {
					t.Errorf("it was scanned after %d commits of the other one", n)
				}
				eventually(t, s, "81", "SELECT count(*) FROM commit_result WHERE repository = ?", first)
			})
		})
	}
}

// TestFetchOnce holds that a repository whose fetch is queued or runs is none that nobody fetches.
func TestFetchOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		q, err := jobs.NewQueue(t.Context(), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		connect(t, s, q, "/nowhere")
		if due, err := s.DueFetches(t.Context(), time.Minute, 10); err != nil || len(due) > 0 {
			t.Errorf("%v are to be fetched, %v", due, err)
		}
	})
}
