package jobs_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/store"
)

// TestRemoveMirrors holds that the mirrors of repositories that are gone are removed, and nothing else, wherever links lead.
func TestRemoveMirrors(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		q, err := jobs.NewQueue(ctx, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, there := connect(t, s, q, "/nowhere")
		_, removed := connect(t, s, q, "/nowhere")
		if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewRaw("UPDATE repository SET state = 'removed' WHERE id = ?", removed).Exec(ctx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		data, precious := t.TempDir(), filepath.Join(t.TempDir(), "precious")
		if n, err := jobs.RemoveMirrors(ctx, s, data); n != 0 || err != nil {
			t.Errorf("without mirrors: %d, %v", n, err)
		}
		write := func(name string) {
			t.Helper()
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte("x"), 0o400); err != nil {
				t.Fatal(err)
			}
		}
		mirrors := filepath.Join(data, "mirrors")
		orphan, linked, fetched := s.NewID(), s.NewID(), s.NewID()
		write(filepath.Join(precious, "a"))
		for _, id := range []store.ID{there, removed, orphan, fetched} {
			write(filepath.Join(jobs.MirrorOf(data, id).Dir, "objects", "pack"))
			write(jobs.MirrorOf(data, id).Dir + ".lock")
		}
		write(filepath.Join(mirrors, "notes.txt"))
		write(filepath.Join(mirrors, "Of somebody.git", "HEAD"))
		write(filepath.Join(mirrors, "0"+orphan.String()+".git", "HEAD"))
		for from, to := range map[string]string{jobs.MirrorOf(data, linked).Dir: precious, filepath.Join(jobs.MirrorOf(data, orphan).Dir, "link"): precious} {
			if err := os.Symlink(to, from); err != nil {
				t.Fatal(err)
			}
		}
		lock, err := os.OpenFile(jobs.MirrorOf(data, fetched).Dir+".lock", os.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		for _, l := range []string{jobs.MirrorOf(data, there).Dir, jobs.MirrorOf(data, removed).Dir, jobs.MirrorOf(data, orphan).Dir, jobs.MirrorOf(data, fetched).Dir} {
			if err := os.Chmod(l+".lock", 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := jobs.RemoveMirrors(ctx, s, data); n != 3 || err != nil {
			t.Errorf("%d removed, %v, want 3", n, err)
		}
		list, err := os.ReadDir(mirrors)
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, e := range list {
			left = append(left, e.Name())
		}
		want := []string{there.String() + ".git", there.String() + ".git.lock", fetched.String() + ".git", fetched.String() + ".git.lock", "notes.txt", "Of somebody.git", "0" + orphan.String() + ".git"}
		slices.Sort(want)
		if diff := cmp.Diff(want, left); diff != "" {
			t.Error(diff)
		}
		if _, err := os.Stat(filepath.Join(precious, "a")); err != nil {
			t.Errorf("what a link leads to: %v", err)
		}
	})
}
