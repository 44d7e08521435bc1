package jobs

import (
	"context"
	"errors"
	"time"

	"plumbline.dev/plumbline/store"
)

// changeTurn is how long one job goes on with a change of findings, before others have their turn.
const changeTurn = 2 * time.Minute

// change goes on with a change of many findings, part by part.
func (t *attempt) change(ctx context.Context) error {
	id := t.job.Args.Change
	for until := time.Now().Add(changeTurn); time.Now().Before(until); {
		more := false
		if err := t.write(ctx, store.Entry{}, func(ctx context.Context, tx *store.Tx) (err error) {
			more, err = tx.StepChange(ctx, id)
			return err
		}); err != nil {
			return err
		}
		if more {
			continue
		}
		entry, err := t.Store.ChangeEntry(ctx, id)
		if err != nil {
			return err
		}
		err = t.end(ctx, entry, func(ctx context.Context, tx *store.Tx) error {
			return tx.EndChange(ctx, id, entry.Data.(map[string]any))
		})
		if fault, ok := errors.AsType[*store.Fault](err); ok && fault.Kind == store.Conflict { // another job ended it, or somebody takes it back
			return t.end(ctx, store.Entry{}, func(ctx context.Context, tx *store.Tx) error { return nil })
		}
		return err
	}
	return t.end(ctx, store.Entry{}, func(ctx context.Context, tx *store.Tx) error {
		_, err := t.queue.Insert(ctx, tx, t.job.Args)
		return err
	})
}

// ChangeFindings queues the job of a change of findings.
func (q *Queue) ChangeFindings(ctx context.Context, tx *store.Tx, organisation, change store.ID) error {
	_, err := q.Insert(ctx, tx, Job{What: Change, Organisation: organisation, Change: change})
	return err
}
