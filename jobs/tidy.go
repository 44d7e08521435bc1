package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/store"
)

const (
	tidyEvery = 10 * time.Minute
	tidyMost  = 200 // mirrors that are removed at a time
)

// tidy removes the mirrors of repositories that are not there any more from this machine, at the start and from time to time: no other
// machine can.
func (w *worker) tidy(ctx context.Context) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		n, err := RemoveMirrors(ctx, w.Store, w.Data)
		if w.Log != nil && ctx.Err() == nil {
			if err != nil {
				w.Log.WarnContext(ctx, "cannot remove the mirrors of repositories that are gone", "error", err)
			}
			if n > 0 {
				w.Log.InfoContext(ctx, "removed the mirrors of repositories that are gone", "count", n)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// RemoveMirrors removes the mirrors below a data directory whose repositories are not there any more, at most tidyMost of them, and returns
// how many. It follows no link: one in the place of a mirror goes, and what it leads to stays.
func RemoveMirrors(ctx context.Context, s *store.Store, data string) (removed int, err error) {
	dir := filepath.Join(data, "mirrors")
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("open the folder of the mirrors: %w", err)
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return 0, fmt.Errorf("read the folder of the mirrors: %w", err)
	}
	// The folder is read before the database: a repository is there before its mirror is.
	var ids []store.ID
	for _, e := range entries {
		if id, ok := mirrored(e.Name()); ok {
			ids = append(ids, id)
		}
	}
	for part := range slices.Chunk(ids, 500) {
		there, err := s.RepositoriesThere(ctx, part)
		if err != nil {
			return removed, err
		}
		for _, id := range part {
			if there[id] {
				continue
			}
			if removed == tidyMost || ctx.Err() != nil {
				return removed, ctx.Err()
			}
			ok, err := removeMirror(root, MirrorOf(data, id))
			if err != nil {
				return removed, err
			}
			if ok {
				removed++
			}
		}
	}
	return removed, nil
}

// mirrored tells of which repository a folder is the mirror. What is named otherwise is not ours.
func mirrored(name string) (store.ID, bool) {
	text, ok := strings.CutSuffix(name, ".git")
	if !ok {
		return 0, false
	}
	var id store.ID
	err := id.UnmarshalText([]byte(text))
	return id, err == nil && id.String() == text
}

// removeMirror removes a mirror, unless somebody fetches into it.
func removeMirror(root *os.Root, m mirror.Mirror) (bool, error) {
	unlock, err := lockMirror(m)
	if _, busy := errors.AsType[*putOff](err); busy {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer unlock()
	name := filepath.Base(m.Dir)
	if err := errors.Join(root.RemoveAll(name), root.RemoveAll(name+".lock")); err != nil {
		return false, fmt.Errorf("remove the mirror of a repository that is gone: %w", err)
	}
	return true, nil
}
