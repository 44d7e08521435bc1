package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"plumbline.dev/plumbline/access"
)

// Token lets a program in. What it may do is the least of its permissions and of the rights of its person, or of the role that
// it has itself.
type Token struct {
	ID          ID                  `json:"id"`
	Name        string              `json:"name"`
	Hint        string              `json:"hint" doc:"its first characters, to recognise it by"`
	Person      ID                  `json:"person,omitempty" doc:"whose rights it has; absent for machines"`
	Owner       string              `json:"owner" doc:"the address of that person; empty for machines"`
	Role        access.Role         `json:"role" doc:"of machines; empty otherwise"`
	Permissions []access.Permission `json:"permissions" bun:"-"`
	Repository  ID                  `json:"repository,omitempty" doc:"the only one that it works in; absent for all that its rights reach"`
	CreatedBy   string              `json:"createdBy"`
	CreatedAt   Millis              `json:"createdAt"`
	ExpiresAt   Millis              `json:"expiresAt"`
	UsedAt      Millis              `json:"usedAt" doc:"within a minute; empty when never"`
	RevokedAt   Millis              `json:"revokedAt" doc:"empty unless revoked"`

	Organisation ID     `json:"-"`
	Hash         string `json:"-"` // SHA-256 of the token, hexadecimal
	List         string `json:"-" bun:"permissions"`
}

const tokenColumns = `k.id, k.name, k.hint, coalesce(k.person, 0) AS person, coalesce(p.email, '') AS owner, k.role, k.permissions,
	coalesce(k.repository, 0) AS repository, k.created_by, k.created_at, k.expires_at, k.used_at, k.revoked_at, k.organisation`

func (t *Token) read() {
	t.Permissions = []access.Permission{}
	for _, p := range strings.Fields(t.List) {
		t.Permissions = append(t.Permissions, access.Permission(p))
	}
}

// Tokens lists tokens of an organisation in the order in which they were made: those of a person, or all when person is 0.
func (s *Store) Tokens(ctx context.Context, organisation, person, after ID, limit int) (out []Token, err error) {
	query, args := "SELECT "+tokenColumns+" FROM token k LEFT JOIN person p ON p.id = k.person WHERE k.organisation = ? AND k.id > ?", []any{organisation, after}
	if person != 0 {
		query, args = query+" AND k.person = ?", append(args, person)
	}
	if err := s.DB.NewRaw(query+" ORDER BY k.id LIMIT ?", append(args, limit)...).Scan(ctx, &out); err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	for i := range out {
		out[i].read()
	}
	return out, nil
}

// TokenByHash returns the token with a hash that is neither revoked nor expired, nil for none.
func (s *Store) TokenByHash(ctx context.Context, hash string) (*Token, error) {
	out := &Token{}
	err := s.DB.NewRaw("SELECT "+tokenColumns+" FROM token k LEFT JOIN person p ON p.id = k.person WHERE k.hash = ? AND k.revoked_at = 0 AND k.expires_at > ?",
		hash, MillisOf(s.Now())).Scan(ctx, out)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up a token: %w", err)
	}
	out.read()
	return out, nil
}

// AddToken keeps a token. Its repository must be one of its organisation.
func (tx *Tx) AddToken(ctx context.Context, t Token) error {
	var person, repository any
	if t.Person != 0 {
		person = t.Person
	}
	if t.Repository != 0 {
		if err := tx.hasRepository(ctx, t.Organisation, t.Repository); err != nil {
			return err
		}
		repository = t.Repository
	}
	names := make([]string, len(t.Permissions))
	for i, p := range t.Permissions {
		names[i] = string(p)
	}
	_, err := tx.NewRaw(`INSERT INTO token (id, organisation, person, name, hash, hint, role, permissions, repository, created_by, created_at, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, t.ID, t.Organisation, person, t.Name, t.Hash, t.Hint, t.Role, strings.Join(names, " "), repository, t.CreatedBy,
		tx.Now, t.ExpiresAt).Exec(ctx)
	if err != nil {
		return fmt.Errorf("keep a token: %w", err)
	}
	return nil
}

// hasRepository errs with NotFound unless an organisation has a repository.
func (tx *Tx) hasRepository(ctx context.Context, organisation, repository ID) error {
	var n int
	if err := tx.NewRaw("SELECT count(*) FROM repository WHERE id = ? AND organisation = ? AND state <> 'removed'", repository, organisation).Scan(ctx, &n); err != nil {
		return fmt.Errorf("look for a repository: %w", err)
	}
	if n == 0 {
		return Refuse(NotFound, "There is no such repository.")
	}
	return nil
}

// RevokeToken ends a token of an organisation, of a person when person is not 0, and returns its name.
func (tx *Tx) RevokeToken(ctx context.Context, organisation, person, id ID) (name string, err error) {
	query, args := "UPDATE token SET revoked_at = CASE WHEN revoked_at = 0 THEN ? ELSE revoked_at END WHERE id = ? AND organisation = ?", []any{tx.Now, id, organisation}
	if person != 0 {
		query, args = query+" AND person = ?", append(args, person)
	}
	err = tx.NewRaw(query+" RETURNING name", args...).Scan(ctx, &name)
	return name, missing(err, "There is no such token.")
}

// TouchToken notes that a token is used.
func (tx *Tx) TouchToken(ctx context.Context, id ID) error {
	_, err := tx.NewRaw("UPDATE token SET used_at = ? WHERE id = ? AND used_at < ?", tx.Now, id, tx.Now).Exec(ctx)
	return err
}
