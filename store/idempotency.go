package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Answered is a request that was made with an idempotency key.
type Answered struct {
	Request string // SHA-256 of what was asked
	Status  int    // of HTTP; 0 while it is under way
	Answer  []byte // sealed by the one who stores it; nil when it was not kept
	At      Millis
}

const (
	answersKept = 24 * time.Hour
	// givenUp is after what time a request that never ended, because its process died, may be made again.
	givenUp = 2 * time.Minute
)

// Begin notes that an actor makes a request under a key. When the key was used before, it returns that request; else nil, and the
// caller does the work and ends with Answer or Forget. key is the SHA-256 of the client's key.
func (s *Store) Begin(ctx context.Context, actor, key, request string) (before *Answered, err error) {
	err = s.Quiet(ctx, func(ctx context.Context, tx *Tx) error {
		result, err := tx.NewRaw(`INSERT INTO idempotency (actor, key, request, status, at) VALUES (?, ?, ?, 0, ?)
ON CONFLICT (actor, key) DO UPDATE SET request = excluded.request, status = 0, answer = NULL, at = excluded.at
WHERE idempotency.at < ? OR idempotency.status = 0 AND idempotency.at < ?`,
			actor, key, request, tx.Now, tx.Now-Millis(answersKept.Milliseconds()), tx.Now-Millis(givenUp.Milliseconds())).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			return err
		}
		before = &Answered{}
		return tx.NewRaw("SELECT request, status, answer, at FROM idempotency WHERE actor = ? AND key = ?", actor, key).
			Scan(ctx, &before.Request, &before.Status, &before.Answer, &before.At)
	})
	if errors.Is(err, sql.ErrNoRows) { // it was forgotten meanwhile: whoever asks again begins
		return &Answered{Request: request}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for an earlier request of the same key: %w", err)
	}
	return before, nil
}

// Answer keeps the answer to a request that Begin began.
func (s *Store) Answer(ctx context.Context, actor, key string, status int, answer []byte) error {
	err := s.Quiet(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.NewRaw("UPDATE idempotency SET status = ?, answer = ? WHERE actor = ? AND key = ?", status, answer, actor, key).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the answer to a request: %w", err)
	}
	return nil
}

// Forget lets a request that Begin began be made again.
func (s *Store) Forget(ctx context.Context, actor, key string) error {
	err := s.Quiet(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.NewRaw("DELETE FROM idempotency WHERE actor = ? AND key = ? AND status = 0", actor, key).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget a request: %w", err)
	}
	return nil
}
