package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Passkey is one of somebody's passkeys.
type Passkey struct {
	ID         ID     `json:"id"`
	Person     ID     `json:"-"`
	Credential string `json:"-"` // its id, base64url
	Name       string `json:"name"`
	Data       string `json:"-"` // public key, counter and flags, JSON
	CreatedAt  Millis `json:"createdAt"`
	UsedAt     Millis `json:"usedAt" doc:"empty when never"`
}

const passkeyColumns = "id, person, credential, name, data, created_at, used_at"

// maxPasskeys bounds how many somebody has.
const maxPasskeys = 50

// Passkeys lists somebody's passkeys, the oldest first.
func (s *Store) Passkeys(ctx context.Context, person ID) (out []Passkey, err error) {
	if err := s.DB.NewRaw("SELECT "+passkeyColumns+" FROM passkey WHERE person = ? ORDER BY id LIMIT ?", person, maxPasskeys).Scan(ctx, &out); err != nil {
		return nil, fmt.Errorf("read passkeys: %w", err)
	}
	return out, nil
}

// AddPasskey keeps a passkey.
func (tx *Tx) AddPasskey(ctx context.Context, p Passkey) error {
	var n int
	if err := tx.NewRaw("SELECT count(*) FROM passkey WHERE person = ?", p.Person).Scan(ctx, &n); err != nil {
		return fmt.Errorf("count passkeys: %w", err)
	}
	if n >= maxPasskeys {
		return Refuse(Limited, "You have %d passkeys: remove one that you no longer use.", n)
	}
	r, err := tx.NewRaw("INSERT INTO passkey (id, person, credential, name, data, created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		p.ID, p.Person, p.Credential, p.Name, p.Data, tx.Now).Exec(ctx)
	if err != nil {
		return fmt.Errorf("keep a passkey: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return Refuse(Conflict, "This passkey is known already.")
}

// UsePasskey notes that a passkey was used, with its counter.
func (tx *Tx) UsePasskey(ctx context.Context, id ID, data string) error {
	_, err := tx.NewRaw("UPDATE passkey SET data = ?, used_at = ? WHERE id = ?", data, tx.Now, id).Exec(ctx)
	return err
}

// RemovePasskey removes one of somebody's passkeys.
func (tx *Tx) RemovePasskey(ctx context.Context, person, id ID) error {
	r, err := tx.NewRaw("DELETE FROM passkey WHERE id = ? AND person = ?", id, person).Exec(ctx)
	if err != nil {
		return fmt.Errorf("remove a passkey: %w", err)
	}
	n, err := r.RowsAffected()
	if err == nil && n == 0 {
		return Refuse(NotFound, "There is no such passkey.")
	}
	return err
}

// Password is somebody's password together with the app that makes its codes.
type Password struct {
	Person    ID
	Hash      string // Argon2id with its parameters
	Secret    []byte // of the codes, sealed
	Step      int64  // of the last code that was used
	ChangedAt Millis
}

// Password returns somebody's password, nil for none.
func (s *Store) Password(ctx context.Context, person ID) (*Password, error) {
	out := &Password{}
	err := s.DB.NewRaw("SELECT person, hash, secret, step, changed_at FROM password WHERE person = ?", person).Scan(ctx, out)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a password: %w", err)
	}
	return out, nil
}

// SetPassword keeps a password with its app and the hashes of its recovery codes; those before no longer count.
func (tx *Tx) SetPassword(ctx context.Context, p Password, codes []string) error {
	_, err := tx.NewRaw(`INSERT INTO password (person, hash, secret, step, changed_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, secret = excluded.secret, step = excluded.step, changed_at = excluded.changed_at`,
		p.Person, p.Hash, p.Secret, p.Step, tx.Now).Exec(ctx)
	if err != nil {
		return fmt.Errorf("keep a password: %w", err)
	}
	if _, err := tx.NewRaw("DELETE FROM recovery_code WHERE person = ?", p.Person).Exec(ctx); err != nil {
		return fmt.Errorf("forget recovery codes: %w", err)
	}
	for _, hash := range codes {
		if _, err := tx.NewRaw("INSERT INTO recovery_code (person, hash) VALUES (?, ?)", p.Person, hash).Exec(ctx); err != nil {
			return fmt.Errorf("keep recovery codes: %w", err)
		}
	}
	return nil
}

// RemovePassword removes somebody's password, app and recovery codes.
func (tx *Tx) RemovePassword(ctx context.Context, person ID) error {
	for _, query := range []string{"DELETE FROM recovery_code WHERE person = ?", "DELETE FROM password WHERE person = ?"} {
		if _, err := tx.NewRaw(query, person).Exec(ctx); err != nil {
			return fmt.Errorf("remove a password: %w", err)
		}
	}
	return nil
}

// RemoveMethods removes every way in which somebody signs in by themselves.
func (tx *Tx) RemoveMethods(ctx context.Context, person ID) error {
	if _, err := tx.NewRaw("DELETE FROM passkey WHERE person = ?", person).Exec(ctx); err != nil {
		return fmt.Errorf("remove passkeys: %w", err)
	}
	return tx.RemovePassword(ctx, person)
}

// UseStep takes the code of a step of time, and tells whether it was not yet used: of two who send the same code one is late.
func (tx *Tx) UseStep(ctx context.Context, person ID, step int64) (bool, error) {
	r, err := tx.NewRaw("UPDATE password SET step = ? WHERE person = ? AND step < ?", step, person, step).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("take a code: %w", err)
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// UseRecoveryCode takes a recovery code by its hash, and tells whether it was there and not yet used.
func (tx *Tx) UseRecoveryCode(ctx context.Context, person ID, hash string) (bool, error) {
	r, err := tx.NewRaw("UPDATE recovery_code SET used_at = ? WHERE person = ? AND hash = ? AND used_at = 0", tx.Now, person, hash).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("take a recovery code: %w", err)
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// RecoveryCodes counts the recovery codes that somebody has left.
func (s *Store) RecoveryCodes(ctx context.Context, person ID) (n int, err error) {
	err = s.DB.NewRaw("SELECT count(*) FROM recovery_code WHERE person = ? AND used_at = 0", person).Scan(ctx, &n)
	return n, err
}

// KnownAddress tells whether somebody has signed in from an address in the last 90 days.
func (s *Store) KnownAddress(ctx context.Context, person ID, address string) (bool, error) {
	var n int
	err := s.DB.NewRaw("SELECT count(*) FROM known_address WHERE person = ? AND address = ? AND seen_at > ?", person, address,
		MillisOf(s.Now())-90*24*3600*1000).Scan(ctx, &n)
	return n > 0, err
}
