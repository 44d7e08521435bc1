package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ScanSettings returns the settings of scans of every repository of an organisation, YAML; "" for none.
func (s *Store) ScanSettings(ctx context.Context, organisation ID) (text string, err error) {
	err = s.DB.NewRaw("SELECT settings FROM organisation WHERE id = ?", organisation).Scan(ctx, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the settings of an organisation: %w", err)
	}
	return text, nil
}

// SetScanSettings sets them. The text was checked.
func (tx *Tx) SetScanSettings(ctx context.Context, organisation ID, text string) error {
	if _, err := tx.NewRaw("UPDATE organisation SET settings = ? WHERE id = ?", text, organisation).Exec(ctx); err != nil {
		return fmt.Errorf("set the settings of an organisation: %w", err)
	}
	return tx.Notify(ctx, Notice{Organisation: organisation, Kind: "repositories"}, nil)
}

// ScannedHead returns the commit of a branch whose findings are shown; "" when there is none. The caller has seen the repository.
func (s *Store) ScannedHead(ctx context.Context, repository ID, branch string) (commit string, err error) {
	err = s.DB.NewRaw("SELECT scanned FROM branch WHERE repository = ? AND name = ? AND removed_at = 0", repository, branch).Scan(ctx, &commit)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the head of a branch: %w", err)
	}
	return commit, nil
}
