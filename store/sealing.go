package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"plumbline.dev/plumbline/seal"
)

// sealingPlace and sealingText tell the right master key: the text opens with no other one.
var sealingPlace = seal.Place{Kind: "sealing", ID: "1"}

const sealingText = "plumbline: this is the right master key"

// CheckKey errs unless the ring can open what this database has sealed. On a database that has sealed nothing yet it remembers
// the current key. With an old key in the ring the database is told of the current one: Rewrap does the rest.
func (s *Store) CheckKey(ctx context.Context, ring *seal.Ring) error {
	var number string
	var sealed []byte
	err := s.DB.NewRaw("SELECT number, sealed FROM sealing WHERE id = 1").Scan(ctx, &number, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return s.rememberKey(ctx, ring, "INSERT INTO sealing (number, sealed, made_at, id) VALUES (?, ?, ?, 1) ON CONFLICT (id) DO NOTHING")
	}
	if err != nil {
		return fmt.Errorf("read the check of the master key: %w", err)
	}
	text, err := ring.Open(sealed, sealingPlace)
	switch {
	case errors.Is(err, seal.ErrKey):
		return fmt.Errorf("the master key %s is not the one of this database, which is %s: start with that key (--key-file or --key-command), or, to change keys, give that one with --old-key-file", ring.Current(), number)
	case err != nil || string(text) != sealingText:
		return fmt.Errorf("the check of the master key does not open: the table sealing was changed, restore it from a backup")
	case ring.Stale(sealed):
		return s.rememberKey(ctx, ring, "UPDATE sealing SET number = ?, sealed = ?, made_at = ? WHERE id = 1")
	}
	return nil
}

// KeyNumber is the number of the master key that this database was sealed with, "" when nothing is sealed in it yet.
func (s *Store) KeyNumber(ctx context.Context) (string, error) {
	var number string
	err := s.DB.NewRaw("SELECT number FROM sealing WHERE id = 1").Scan(ctx, &number)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read the check of the master key: %w", err)
	}
	return number, nil
}

func (s *Store) rememberKey(ctx context.Context, ring *seal.Ring, query string) error {
	sealed, err := ring.Seal([]byte(sealingText), sealingPlace)
	if err != nil {
		return err
	}
	return s.Write(ctx, Entry{Actor: "system", Action: "key.use", Object: "key:" + ring.Current()}, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.NewRaw(query, ring.Current(), sealed, tx.Now).Exec(ctx); err != nil {
			return fmt.Errorf("remember the master key: %w", err)
		}
		return nil
	})
}

// sealedColumns are the columns that hold sealed values, with the text that names their row. A new one is added here, or Rewrap
// leaves it behind.
var sealedColumns = []struct{ table, column, key string }{
	{"audit_key", "private", "id"},
	{"repository", "credential", "id"},
	{"password", "secret", "person"},
	{"provider", "secret", "id"},
	{"channel", "target", "id"},
	{"channel", "secret", "id"},
}

// Rewrap wraps everything that is sealed in the database with the current master key and returns how many values had another
// one. Afterwards old keys are not needed.
func (s *Store) Rewrap(ctx context.Context, ring *seal.Ring) (int, error) {
	n := 0
	err := s.Write(ctx, Entry{Actor: "system", Action: "key.rotate", Object: "key:" + ring.Current()}, func(ctx context.Context, tx *Tx) error {
		for _, c := range sealedColumns {
			var rows []struct {
				Row    int64
				Sealed []byte
			}
			if err := tx.NewRaw("SELECT "+c.key+" AS row, "+c.column+" AS sealed FROM "+c.table+" WHERE "+c.column+" IS NOT NULL").Scan(ctx, &rows); err != nil {
				return fmt.Errorf("read what is sealed in %s: %w", c.table, err)
			}
			for _, r := range rows {
				if len(r.Sealed) == 0 || !ring.Stale(r.Sealed) {
					continue
				}
				fresh, err := ring.Rewrap(r.Sealed)
				if err != nil {
					return fmt.Errorf("wrap %s.%s of %d anew: %w", c.table, c.column, r.Row, err)
				}
				if _, err := tx.NewRaw("UPDATE "+c.table+" SET "+c.column+" = ? WHERE "+c.key+" = ?", fresh, r.Row).Exec(ctx); err != nil {
					return fmt.Errorf("wrap %s.%s of %d anew: %w", c.table, c.column, r.Row, err)
				}
				n++
			}
		}
		return nil
	})
	return n, err
}
