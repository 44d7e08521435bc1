package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Notice tells whoever is looking that something changed. It carries hints, not data: who sees one reads again through the API.
type Notice struct {
	ID           ID
	Organisation ID
	Repository   ID     // 0: of the organisation as a whole
	Kind         string // the noun that changed: findings, repositories, scans, jobs, rules, audit, overview, people
	Data         string // JSON object
	At           Millis
}

// noticesKept is how long notices are kept: who was away for longer reads everything again.
const noticesKept = time.Hour

// maxNotice is the most bytes of a notice's data.
const maxNotice = 4 << 10

// Notify tells those who look at a repository, or at the organisation when that is 0, that something of a kind changed. It is told
// when the transaction is done, in every process. data becomes a JSON object of at most 4 KiB; nil is {}.
func (tx *Tx) Notify(ctx context.Context, n Notice, data any) error {
	text := []byte("{}")
	if data != nil {
		var err error
		if text, err = json.Marshal(data); err != nil {
			return fmt.Errorf("write a notice: %w", err)
		}
	}
	if len(text) > maxNotice {
		return fmt.Errorf("a notice of %d bytes: at most %d are told", len(text), maxNotice)
	}
	if _, err := tx.NewRaw("INSERT INTO notice (id, organisation, repository, kind, data, at) VALUES (?, ?, ?, ?, ?, ?)",
		tx.Store.NewID(), n.Organisation, n.Repository, n.Kind, string(text), tx.Now).Exec(ctx); err != nil {
		return fmt.Errorf("tell of a change: %w", err)
	}
	tx.noticed = true
	return nil
}

// Notices returns the notices of all organisations since a time, oldest first, at most limit of them and none of ids up to after.
// Transactions end in another order than their ids are made: who follows them asks for some seconds before the last ones again.
func (s *Store) Notices(ctx context.Context, since Millis, after ID, limit int) ([]Notice, error) {
	var list []Notice
	if err := s.DB.NewRaw("SELECT id, organisation, repository, kind, data, at FROM notice WHERE at >= ? AND id > ? ORDER BY id LIMIT ?", since, after, limit).
		Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("read what happened: %w", err)
	}
	return list, nil
}

// Noticed returns a channel that is closed when a transaction of this process next tells of something.
func (s *Store) Noticed() <-chan struct{} {
	s.notices.mu.Lock()
	defer s.notices.mu.Unlock()
	if s.notices.next == nil {
		s.notices.next = make(chan struct{})
	}
	return s.notices.next
}

// wake closes the channel of Noticed.
func (s *Store) wake() {
	s.notices.mu.Lock()
	defer s.notices.mu.Unlock()
	if s.notices.next != nil {
		close(s.notices.next)
		s.notices.next = nil
	}
}

// Sweep removes notices, answers and deliveries that are too old to be asked for.
func (tx *Tx) Sweep(ctx context.Context) error {
	if _, err := tx.NewRaw("DELETE FROM notice WHERE at < ?", tx.Now-Millis(noticesKept.Milliseconds())).Exec(ctx); err != nil {
		return fmt.Errorf("remove old notices: %w", err)
	}
	if _, err := tx.NewRaw("DELETE FROM idempotency WHERE at < ?", tx.Now-Millis(answersKept.Milliseconds())).Exec(ctx); err != nil {
		return fmt.Errorf("remove old answers: %w", err)
	}
	return tx.sweepTold(ctx)
}
