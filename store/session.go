package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Session is one browser in which somebody is signed in or is about to.
type Session struct {
	ID           ID     `json:"id"`
	Hash         string `json:"-"` // SHA-256 of the cookie, hexadecimal
	Person       ID     `json:"-"` // 0 while somebody is signing in
	Organisation ID     `json:"-"`
	Method       string `json:"method" doc:"how they signed in: link, passkey, password, or the name of a provider"`
	Data         string `json:"-"` // JSON
	CreatedAt    Millis `json:"createdAt"`
	SeenAt       Millis `json:"seenAt"`
	ExpiresAt    Millis `json:"expiresAt" doc:"however much it is used"`
	Address      string `json:"address"`
	Agent        string `json:"agent" doc:"what the browser says it is"`
	Renew        bool   `json:"-"` // its cookie is to change because rights did
}

const sessionColumns = "id, hash, person, organisation, method, data, created_at, seen_at, expires_at, address, agent, renew"

// Session returns the session of a cookie that has neither ended nor been idle for longer than idle milliseconds; nil for none. One
// that is over is forgotten at once: a clock that goes back must not bring it back.
func (s *Store) Session(ctx context.Context, hash string, idle Millis) (*Session, error) {
	out := &Session{}
	err := s.DB.NewRaw("SELECT "+sessionColumns+" FROM session WHERE hash = ?", hash).Scan(ctx, out)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a session: %w", err)
	}
	if now := MillisOf(s.Now()); out.ExpiresAt <= now || out.SeenAt <= now-idle {
		return nil, s.Quiet(ctx, func(ctx context.Context, tx *Tx) error { return tx.EndSession(ctx, hash, 0) })
	}
	return out, nil
}

// SaveSession writes a session as it is now.
func (tx *Tx) SaveSession(ctx context.Context, v Session) error {
	_, err := tx.NewRaw("INSERT INTO session ("+sessionColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) "+
		`ON CONFLICT (hash) DO UPDATE SET person = excluded.person, organisation = excluded.organisation, method = excluded.method,
		data = excluded.data, seen_at = excluded.seen_at, expires_at = excluded.expires_at`,
		v.ID, v.Hash, v.Person, v.Organisation, v.Method, v.Data, v.CreatedAt, v.SeenAt, v.ExpiresAt, v.Address, v.Agent).Exec(ctx)
	if err != nil {
		return fmt.Errorf("write a session: %w", err)
	}
	return nil
}

// TouchSession notes that a session is used.
func (tx *Tx) TouchSession(ctx context.Context, hash string) error {
	_, err := tx.NewRaw("UPDATE session SET seen_at = ? WHERE hash = ? AND seen_at < ?", tx.Now, hash, tx.Now).Exec(ctx)
	return err
}

// EndSession ends the session of a cookie, at once or after some milliseconds in which requests that are under way still count.
func (tx *Tx) EndSession(ctx context.Context, hash string, grace Millis) error {
	var err error
	if grace > 0 {
		_, err = tx.NewRaw("UPDATE session SET expires_at = ?, renew = 0 WHERE hash = ? AND expires_at > ?", tx.Now+grace, hash, tx.Now+grace).Exec(ctx)
	} else {
		_, err = tx.NewRaw("DELETE FROM session WHERE hash = ?", hash).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// Sessions lists where somebody is signed in to an organisation, the newest first.
func (s *Store) Sessions(ctx context.Context, organisation, person ID) (out []Session, err error) {
	err = s.DB.NewRaw("SELECT "+sessionColumns+" FROM session WHERE person = ? AND organisation = ? AND expires_at > ? ORDER BY id DESC LIMIT 500",
		person, organisation, MillisOf(s.Now())).Scan(ctx, &out)
	if err != nil {
		return nil, fmt.Errorf("read somebody's sessions: %w", err)
	}
	return out, nil
}

// EndSessions ends sessions of somebody in an organisation: the one with an id, or all but one when id is 0. It returns how many.
func (tx *Tx) EndSessions(ctx context.Context, organisation, person, id ID, but string) (int64, error) {
	query, args := "DELETE FROM session WHERE person = ? AND organisation = ? AND hash <> ?", []any{person, organisation, but}
	if id != 0 {
		query, args = query+" AND id = ?", append(args, id)
	}
	r, err := tx.NewRaw(query, args...).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	return r.RowsAffected()
}

// RenewSessions has the cookies of somebody's sessions changed with their next requests.
func (tx *Tx) RenewSessions(ctx context.Context, organisation, person ID) error {
	_, err := tx.NewRaw("UPDATE session SET renew = 1 WHERE person = ? AND organisation = ?", person, organisation).Exec(ctx)
	return err
}

// SweepSessions forgets sessions and tickets that have ended, at most a thousand of each.
func (tx *Tx) SweepSessions(ctx context.Context, idle Millis) error {
	for query, before := range map[string]Millis{
		"DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE expires_at < ? LIMIT 1000)": tx.Now,
		"DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE seen_at < ? LIMIT 1000)":    tx.Now - idle,
		"DELETE FROM ticket WHERE hash IN (SELECT hash FROM ticket WHERE expires_at < ? LIMIT 1000)":   tx.Now,
	} {
		if _, err := tx.NewRaw(query, before).Exec(ctx); err != nil {
			return fmt.Errorf("forget sessions that have ended: %w", err)
		}
	}
	return nil
}
