package jobs

import (
	"context"
	"fmt"
	"time"

	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/store"
)

// tasks are our own tasks of upkeep.
func (w *worker) tasks() []Task {
	list := []Task{{"trend", time.Hour, w.trend}, {"undo", 10 * time.Minute, w.forgetUndo}, {"contents", 24 * time.Hour, w.prune}, {"tell", time.Minute, w.tellAll}}
	if w.Poll > 0 {
		list = append(list, Task{"poll", min(w.Poll, 30*time.Second), w.poll})
	}
	if w.Daily > 0 {
		list = append(list, Task{"daily", min(w.Daily, 10*time.Minute), w.daily})
	}
	return list
}

// upkeep does one task.
func (t *attempt) upkeep(ctx context.Context) error {
	for _, task := range t.Tasks {
		if task.Name == t.job.Args.Task {
			if err := task.Do(ctx); err != nil {
				return fmt.Errorf("upkeep %s: %w", task.Name, err)
			}
		}
	}
	return t.end(ctx, store.Entry{}, func(context.Context, *store.Tx) error { return nil })
}

// batch is how many repositories one transaction of upkeep is about.
const batch = 200

// poll queues a fetch of every repository that had none for a while.
func (w *worker) poll(ctx context.Context) error {
	for range 50 {
		list, err := w.Store.DueFetches(ctx, w.Poll, batch)
		if err != nil || len(list) == 0 {
			return err
		}
		if err := w.Store.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
			for _, d := range list {
				if _, err := w.queue.Insert(ctx, tx, Job{What: Fetch, Organisation: d.Organisation, Repository: d.ID}); err != nil {
					return err
				}
			}
			return tx.Tried(ctx, list)
		}); err != nil {
			return err
		}
	}
	return nil
}

// daily queues a whole scan of every default branch that had none for a day: rules and schemas get better, and so do results.
func (w *worker) daily(ctx context.Context) error {
	list, err := w.Store.DueScans(ctx, w.Daily, batch)
	if err != nil || len(list) == 0 {
		return err
	}
	return w.Store.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, d := range list {
			if _, err := w.queue.Insert(ctx, tx, Job{What: Scan, Mode: Whole, Organisation: d.Organisation, Repository: d.ID, Daily: true}); err != nil {
				return err
			}
		}
		return nil
	})
}

// forgetUndo removes what can be undone no more.
func (w *worker) forgetUndo(ctx context.Context) error {
	for range 200 {
		if more, err := w.Store.ForgetUndo(ctx); err != nil || !more {
			return err
		}
	}
	return nil
}

// prune deletes contents that nothing points to.
func (w *worker) prune(ctx context.Context) error {
	n, err := w.Store.PruneBlobs(ctx)
	if n > 0 && w.Log != nil {
		w.Log.InfoContext(ctx, "deleted contents that nothing points to", "count", n)
	}
	return err
}

// trend brings today's counts to what the findings are.
func (w *worker) trend(ctx context.Context) error {
	after := store.ID(0)
	for {
		list, err := w.Store.RepositoriesAfter(ctx, after, batch)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, d := range list {
			after = d.ID
			if err := w.Store.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.SnapshotTrend(ctx, d.Organisation, d.ID) }); err != nil {
				return err
			}
		}
	}
}

// blames is how many findings one blame job asks about: others have their turn then.
const blames = 200

// blame finds out which commits brought findings that were there when their branch was first scanned.
func (t *attempt) blame(ctx context.Context) error {
	j := t.job.Args
	target, err := t.Store.ScanTarget(ctx, j.Repository)
	if err != nil {
		return err
	}
	m := t.mirror(j.Repository)
	if !m.Exists() {
		if err := t.bring(ctx, target); err != nil {
			return err
		}
	}
	list, err := t.Store.Orphans(ctx, j.Repository, j.After, blames)
	if err != nil {
		return err
	}
	type place struct {
		commit, file string
		line         int
	}
	known := map[place]*mirror.Line{}
	var found []store.Origin
	for _, o := range list {
		j.After = o.Finding
		at := place{o.Scanned, o.File, o.Line}
		line, ok := known[at]
		if !ok {
			line, err = m.Blame(ctx, o.Scanned, o.File, max(o.Line, 1))
			if err != nil && !mirror.Is(err, mirror.NotFound) {
				return err
			}
			known[at] = line
		}
		if line != nil && err == nil {
			found = append(found, store.Origin{Finding: o.Finding, SHA: line.Commit, Author: line.Author.Name, At: store.MillisOf(line.At)})
		}
	}
	return t.end(ctx, store.Entry{}, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.SetOrigins(ctx, target.Organisation, target.ID, found); err != nil {
			return err
		}
		if len(list) < blames {
			return nil
		}
		_, err := t.queue.Insert(ctx, tx, j)
		return err
	})
}
