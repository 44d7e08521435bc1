package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// RepositoriesThere tells which of some repositories, of whatever organisation, are there and not removed.
func (s *Store) RepositoriesThere(ctx context.Context, ids []ID) (map[ID]bool, error) {
	var list []ID
	if err := s.DB.NewRaw("SELECT id FROM repository WHERE id IN (?) AND state <> 'removed'", bun.List(ids)).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("look which repositories are there: %w", err)
	}
	out := make(map[ID]bool, len(list))
	for _, id := range list {
		out[id] = true
	}
	return out, nil
}

// purgeChunk is how many rows one transaction of Purge removes, so that nobody waits long for it.
const purgeChunk = 2000

// Purge removes rows of removed repositories, in one short transaction. It tells whether there is more to do; several processes may
// call it at once.
func (s *Store) Purge(ctx context.Context) (more bool, err error) {
	var id ID
	if err := s.DB.NewRaw("SELECT coalesce(min(id), 0) FROM repository WHERE state = 'removed'").Scan(ctx, &id); err != nil {
		return false, fmt.Errorf("look for removed repositories: %w", err)
	}
	if id == 0 {
		return false, nil
	}
	err = s.Quiet(ctx, func(ctx context.Context, tx *Tx) error {
		// Findings take their events and presences along; what is left after them is small or goes with the repository.
		for _, table := range []string{"finding", "commit_result", "scan", "branch"} {
			result, err := tx.NewRaw("DELETE FROM "+table+" WHERE id IN (SELECT id FROM "+table+" WHERE repository = ? LIMIT ?)", id, purgeChunk).Exec(ctx)
			if err != nil {
				return fmt.Errorf("remove the %s rows of a removed repository: %w", table, err)
			}
			if n, err := result.RowsAffected(); err != nil || n > 0 {
				return err
			}
		}
		_, err := tx.NewRaw("DELETE FROM repository WHERE id = ? AND state = 'removed'", id).Exec(ctx)
		return err
	})
	return err == nil, err
}
