package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Ticket is a one-time link by which somebody signs in.
type Ticket struct {
	Hash         string // SHA-256 of the ticket, hexadecimal
	Kind         string // administrator, invitation, link
	Person       ID
	Organisation ID
	ExpiresAt    Millis
}

// AddTicket keeps a ticket. Older ones of the person in the organisation no longer count: the newest link is the one that works.
func (tx *Tx) AddTicket(ctx context.Context, t Ticket) error {
	if _, err := tx.NewRaw("DELETE FROM ticket WHERE person = ? AND organisation = ?", t.Person, t.Organisation).Exec(ctx); err != nil {
		return fmt.Errorf("forget the tickets before: %w", err)
	}
	_, err := tx.NewRaw("INSERT INTO ticket (hash, kind, person, organisation, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
		t.Hash, t.Kind, t.Person, t.Organisation, tx.Now, t.ExpiresAt).Exec(ctx)
	if err != nil {
		return fmt.Errorf("keep a ticket: %w", err)
	}
	return nil
}

// UseTicket takes a ticket, which nobody can do a second time; nil when it is unknown, used or too old.
func (tx *Tx) UseTicket(ctx context.Context, hash string) (*Ticket, error) {
	out := &Ticket{}
	err := tx.NewRaw("UPDATE ticket SET used_at = ? WHERE hash = ? AND used_at = 0 AND expires_at > ? RETURNING hash, kind, person, organisation, expires_at",
		tx.Now, hash, tx.Now).Scan(ctx, out)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("take a ticket: %w", err)
	}
	return out, nil
}

// Ticket returns a ticket that could be used now, nil for none.
func (s *Store) Ticket(ctx context.Context, hash string) (*Ticket, error) {
	out := &Ticket{}
	err := s.DB.NewRaw("SELECT hash, kind, person, organisation, expires_at FROM ticket WHERE hash = ? AND used_at = 0 AND expires_at > ?",
		hash, MillisOf(s.Now())).Scan(ctx, out)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up a ticket: %w", err)
	}
	return out, nil
}

// RestoreAdministrator makes somebody who is in an organisation its administrator, disabled or not.
func (tx *Tx) RestoreAdministrator(ctx context.Context, organisation, person ID) error {
	if _, err := tx.NewRaw("UPDATE membership SET role = 'administrator', disabled_at = 0 WHERE organisation = ? AND person = ?", organisation, person).Exec(ctx); err != nil {
		return err
	}
	_, err := tx.NewRaw("UPDATE person SET disabled_at = 0 WHERE id = ?", person).Exec(ctx)
	return err
}
