package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// Rules of this file: a blob goes when nothing points to it, and when nobody can be about to point to it. Whoever keeps a text notes when, in
// the same transaction (see saveBlobs), unless that was noted within blobNoted; what was noted within blobKept is left alone. So between
// the two there is a day and a half for a transaction to end and for clocks to differ. What points to blobs is read in one state of
// the database, before them.

const (
	blobNoted = 12 * time.Hour
	blobKept  = 48 * time.Hour
)

// How much one run of PruneBlobs looks at and deletes at a time, and deletes in all: what is left has its turn the next day.
const (
	pruneLook   = 5000
	pruneChunk  = 500
	pruneAtMost = 200_000
)

// pointers are where references to blobs are kept.
var pointers = []string{
	"SELECT DISTINCT substr(detail, 1, 40) FROM finding",
	"SELECT DISTINCT substr(detail, 1, 40) FROM presence",
	"SELECT DISTINCT substr(result, 1, 40) FROM commit_result",
	"SELECT DISTINCT substr(coverage, 1, 40) FROM commit_result",
	"SELECT DISTINCT substr(result, 1, 40) FROM commit_part",
	"SELECT DISTINCT substr(edges, 1, 40) FROM snapshot",
}

// PruneBlobs deletes contents that nothing points to, and returns how many.
func (s *Store) PruneBlobs(ctx context.Context) (deleted int, err error) {
	before := MillisOf(s.Now().Add(-blobKept))
	used, err := s.pointed(ctx)
	if err != nil {
		return 0, fmt.Errorf("read what points to contents: %w", err)
	}
	for after := ""; deleted < pruneAtMost; {
		var page []string
		if err := s.DB.NewRaw("SELECT hash FROM blob WHERE hash > ? ORDER BY hash LIMIT ?", after, pruneLook).Scan(ctx, &page); err != nil {
			return deleted, fmt.Errorf("read contents: %w", err)
		}
		if len(page) == 0 {
			return deleted, nil
		}
		after = page[len(page)-1]
		var idle []string
		for _, hash := range page {
			if key, ok := blobKey(hash); !ok || used[key] {
				continue
			}
			if idle = append(idle, hash); len(idle) == pruneChunk {
				n, err := s.prune(ctx, idle, before)
				if deleted += n; err != nil {
					return deleted, err
				}
				idle = idle[:0]
			}
		}
		n, err := s.prune(ctx, idle, before)
		if deleted += n; err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}

// blobKey is the beginning of a hash: enough to tell contents apart, and where two are alike both are kept.
func blobKey(hash string) (key [8]byte, ok bool) {
	if len(hash) < 16 {
		return key, false
	}
	_, err := hex.Decode(key[:], []byte(hash[:16]))
	return key, err == nil
}

// pointed returns the contents that something points to.
func (s *Store) pointed(ctx context.Context) (map[[8]byte]bool, error) {
	o := &sql.TxOptions{}
	if s.Engine == PostgreSQL {
		o = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	used := map[[8]byte]bool{}
	return used, s.DB.RunInTx(ctx, o, func(ctx context.Context, tx bun.Tx) error {
		for _, query := range pointers {
			rows, err := tx.QueryContext(ctx, query)
			if err != nil {
				return err
			}
			for rows.Next() {
				var ref string
				if err := rows.Scan(&ref); err != nil {
					rows.Close()
					return err
				}
				if key, ok := blobKey(ref); ok {
					used[key] = true
				}
			}
			if err := rows.Err(); err != nil {
				rows.Close()
				return err
			}
			rows.Close()
		}
		return nil
	})
}

// prune deletes those of some contents that were not kept again since.
func (s *Store) prune(ctx context.Context, hashes []string, before Millis) (deleted int, err error) {
	if len(hashes) == 0 {
		return 0, nil
	}
	err = s.Quiet(ctx, func(ctx context.Context, tx *Tx) error {
		result, err := tx.NewRaw("DELETE FROM blob WHERE hash IN (?) AND made_at < ?", bun.List(hashes), before).Exec(ctx)
		if err != nil {
			return fmt.Errorf("delete contents that nothing points to: %w", err)
		}
		n, err := result.RowsAffected()
		deleted = int(n)
		return err
	})
	return deleted, err
}
