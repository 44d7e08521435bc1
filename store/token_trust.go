package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// Trust lets pipelines of a code host upload the results of one repository: those whose identity tokens come from an issuer and
// have every one of the claims.
type Trust struct {
	ID         ID                `json:"id"`
	Repository ID                `json:"repository"`
	Issuer     string            `json:"issuer" doc:"https://token.actions.githubusercontent.com, https://gitlab.com, …"`
	Claims     map[string]string `json:"claims" bun:"-" doc:"claims that the identity token must have, with exactly these texts: repository_id or project_id, and what else matters"`
	CreatedBy  string            `json:"createdBy"`
	CreatedAt  Millis            `json:"createdAt"`
	UsedAt     Millis            `json:"usedAt" doc:"empty when never"`

	Organisation ID     `json:"-"`
	Text         string `json:"-" bun:"claims"`
}

const trustColumns = "id, organisation, repository, issuer, claims, created_by, created_at, used_at"

func readTrusts(list []Trust) error {
	for i := range list {
		if err := json.Unmarshal([]byte(list[i].Text), &list[i].Claims); err != nil {
			return fmt.Errorf("read the claims of a trust: %w", err)
		}
	}
	return nil
}

// Trusts lists the trusts of an organisation in the order in which they were made.
func (s *Store) Trusts(ctx context.Context, organisation, after ID, limit int) (out []Trust, err error) {
	err = s.DB.NewRaw("SELECT "+trustColumns+" FROM trust WHERE organisation = ? AND id > ? ORDER BY id LIMIT ?", organisation, after, limit).Scan(ctx, &out)
	if err != nil {
		return nil, fmt.Errorf("list trusts: %w", err)
	}
	return out, readTrusts(out)
}

// TrustsOfIssuer lists the trusts in an issuer, of every organisation, for one repository.
func (s *Store) TrustsOfIssuer(ctx context.Context, issuer string, repository ID) (out []Trust, err error) {
	err = s.DB.NewRaw("SELECT "+trustColumns+" FROM trust WHERE issuer = ? AND repository = ? ORDER BY id LIMIT 100", issuer, repository).Scan(ctx, &out)
	if err != nil {
		return nil, fmt.Errorf("look for trusts: %w", err)
	}
	return out, readTrusts(out)
}

// AddTrust keeps a trust. Its repository must be one of its organisation.
func (tx *Tx) AddTrust(ctx context.Context, t Trust) error {
	if err := tx.hasRepository(ctx, t.Organisation, t.Repository); err != nil {
		return err
	}
	var n int
	if err := tx.NewRaw("SELECT count(*) FROM trust WHERE repository = ?", t.Repository).Scan(ctx, &n); err != nil {
		return fmt.Errorf("count trusts: %w", err)
	}
	if n >= 100 {
		return Refuse(Limited, "A repository has at most 100 trusts.")
	}
	text, err := json.Marshal(t.Claims)
	if err != nil {
		return fmt.Errorf("write the claims of a trust: %w", err)
	}
	_, err = tx.NewRaw("INSERT INTO trust (id, organisation, repository, issuer, claims, created_by, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		t.ID, t.Organisation, t.Repository, t.Issuer, string(text), t.CreatedBy, tx.Now).Exec(ctx)
	if err != nil {
		return fmt.Errorf("keep a trust: %w", err)
	}
	return nil
}

// RemoveTrust ends a trust.
func (tx *Tx) RemoveTrust(ctx context.Context, organisation, id ID) error {
	r, err := tx.NewRaw("DELETE FROM trust WHERE id = ? AND organisation = ?", id, organisation).Exec(ctx)
	if err != nil {
		return fmt.Errorf("remove a trust: %w", err)
	}
	n, err := r.RowsAffected()
	if err == nil && n == 0 {
		return Refuse(NotFound, "There is no such trust.")
	}
	return err
}

// TouchTrust notes that a trust is used.
func (tx *Tx) TouchTrust(ctx context.Context, id ID) error {
	_, err := tx.NewRaw("UPDATE trust SET used_at = ? WHERE id = ? AND used_at < ?", tx.Now, id, tx.Now).Exec(ctx)
	return err
}
