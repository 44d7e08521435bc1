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
	Status  int    // of HTTP; 0 while it is under way, Changed when its change is there and its answer is not, or not yet
	Answer  []byte // sealed by the one who stores it; nil when it was not kept
	At      Millis
}

// Changed is the status of a request whose change is in the database although nobody kept its answer: it must not be made again.
const Changed = 1

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

type keyed struct{ actor, key string }

type keyedContext struct{}

// Keyed returns a context in which Write notes, in the transaction of the change, that the request of Begin has made one. Else a process
// that dies between the change and its answer would let the request be made a second time.
func Keyed(ctx context.Context, actor, key string) context.Context {
	return context.WithValue(ctx, keyedContext{}, keyed{actor, key})
}

// changed notes that the request of a keyed context has made a change.
func (tx *Tx) changed(ctx context.Context) error {
	k, ok := ctx.Value(keyedContext{}).(keyed)
	if !ok {
		return nil
	}
	if _, err := tx.NewRaw("UPDATE idempotency SET status = ? WHERE actor = ? AND key = ? AND status = 0", Changed, k.actor, k.key).Exec(ctx); err != nil {
		return fmt.Errorf("note that a request has made its change: %w", err)
	}
	return nil
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

// Forget lets a request that Begin began be made again, unless it has changed something.
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
