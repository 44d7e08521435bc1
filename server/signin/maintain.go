package signin

import (
	"context"
	"time"

	"plumbline.dev/plumbline/store"
)

// Maintain forgets sessions and links that have ended, and goes on to look up the owners of findings whose ownership changed, until
// the context ends. Several processes may do it.
func (s *Service) Maintain(ctx context.Context) {
	for tick := time.NewTicker(10 * time.Second); ; {
		if err := s.maintain(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "maintain sessions and owners", "error", err)
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}

func (s *Service) maintain(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = s.Store.Reassign(ctx, 1000); err != nil {
			return err
		}
	}
	return s.Store.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.SweepSessions(ctx, millis(idle)) })
}
