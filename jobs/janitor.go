package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"plumbline.dev/plumbline/store"
)

const (
	beatEvery = 2 * time.Second // between signs of life
	silent    = 8 * time.Second // after which a process counts as dead

	// forgotten is after what time a job goes back that is said to run in this process but does not: the database went away as the job was
	// handed out, or as its end was written down. River writes an end down several times over some seconds before it gives up.
	forgotten = 15 * time.Second
)

// beat gives signs of life until the context ends.
func (w *worker) beat(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := w.Store.Beat(ctx); err != nil && ctx.Err() == nil && w.Log != nil {
				w.Log.Warn("this process cannot say that it lives; others may take its jobs over", "error", err)
			}
		}
	}
}

// watch hands back the jobs of processes that are dead until the context ends. Every process watches all: whether one is silent is
// measured with the watcher's own steady clock, so that clocks which differ or jump kill nobody.
func (w *worker) watch(ctx context.Context) {
	seen, idle := map[string]pulse{}, map[runningJob]time.Time{}
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		if err := w.sweep(ctx, sightings{seen, idle}, time.Now()); err != nil && ctx.Err() == nil && w.Log != nil {
			w.Log.Warn("cannot look after the jobs of dead workers", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// pulse is a sign of life, and when it was first seen.
type pulse struct {
	value int64
	since time.Time
}

// sightings are what was seen when it was looked before: signs of life, and since when jobs of this process are not worked on.
type sightings struct {
	seen map[string]pulse
	idle map[runningJob]time.Time
}

// sweep looks once.
func (w *worker) sweep(ctx context.Context, before sightings, now time.Time) error {
	seen := before.seen
	list, err := w.Store.Pulses(ctx)
	if err != nil {
		return err
	}
	dead := map[string]bool{}
	there := map[string]bool{w.Store.ProcessName(): true}
	for _, p := range list {
		there[p.Process] = true
		if last, ok := seen[p.Process]; !ok || last.value != p.Seen {
			seen[p.Process] = pulse{p.Seen, now}
		} else if now.Sub(last.since) > silent && p.Process != w.Store.ProcessName() {
			dead[p.Process] = true
		}
	}
	for name := range seen {
		if !there[name] {
			delete(seen, name)
		}
	}
	running, err := runningJobs(ctx, w.Store)
	if err != nil {
		return err
	}
	var lost []runningJob
	lying := map[runningJob]bool{}
	for _, j := range running {
		if j.By == w.Store.ProcessName() && !w.holds(j.ID, j.Attempt) {
			lying[j] = true
			if since, ok := before.idle[j]; !ok {
				before.idle[j] = now
			} else if now.Sub(since) > forgotten {
				lost = append(lost, j)
			}
		}
		if store.IsProcess(j.By) && (dead[j.By] || !there[j.By]) {
			lost = append(lost, j)
		}
	}
	for j := range before.idle {
		if !lying[j] {
			delete(before.idle, j)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return w.Store.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, j := range lost {
			if err := handBack(ctx, tx, j); err != nil {
				return err
			}
		}
		return nil
	})
}

// runningJob is a job that runs, and who runs it.
type runningJob struct {
	ID          int64
	Attempt     int
	MaxAttempts int
	By          string
}

func runningJobs(ctx context.Context, s *store.Store) (list []runningJob, err error) {
	by := "attempted_by ->> '$[#-1]'"
	if s.Engine == store.PostgreSQL {
		by = "attempted_by[array_length(attempted_by, 1)]"
	}
	if err := s.DB.NewRaw("SELECT id, attempt, max_attempts, coalesce("+by+", '') AS by FROM river_job WHERE state = 'running' ORDER BY id LIMIT 10000").Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("look at the jobs that run: %w", err)
	}
	return list, nil
}

// handBack lets a job run again whose worker is dead. One that lost its worker as often as it may be tried is given up: it may be what
// kills them.
func handBack(ctx context.Context, tx *store.Tx, j runningJob) error {
	note, err := json.Marshal(map[string]any{"at": tx.Now.Time(), "attempt": j.Attempt, "error": "the process that worked on it is gone", "trace": ""})
	if err != nil {
		return err
	}
	state, final := "available", "NULL"
	if j.Attempt >= j.MaxAttempts {
		state, final = "discarded", "strftime('%Y-%m-%d %H:%M:%f', 'now')"
		if tx.PGX != nil {
			final = "now()"
		}
	}
	set := "state = ?, finalized_at = " + final
	if tx.PGX != nil {
		_, err = tx.NewRaw("UPDATE river_job SET "+set+", scheduled_at = least(scheduled_at, now()), errors = array_append(coalesce(errors, '{}'), ?::jsonb) WHERE id = ? AND state = 'running' AND attempt = ? AND attempted_by[array_length(attempted_by, 1)] = ?",
			state, string(note), j.ID, j.Attempt, j.By).Exec(ctx)
	} else {
		_, err = tx.NewRaw("UPDATE river_job SET "+set+", errors = jsonb_insert(coalesce(errors, jsonb('[]')), '$[#]', jsonb(?)) WHERE id = ? AND state = 'running' AND attempt = ? AND attempted_by ->> '$[#-1]' = ?",
			state, string(note), j.ID, j.Attempt, j.By).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("hand back job %d: %w", j.ID, err)
	}
	return nil
}
