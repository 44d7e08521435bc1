package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/access"
)

// Owner is one line of the ownership: a team owns what it speaks of, unless a line before it does.
type Owner struct {
	ID         ID     `json:"id"`
	Team       ID     `json:"team"`
	Repository ID     `json:"repository,omitempty" doc:"absent for every repository"`
	Path       string `json:"path" doc:"glob: * and ? within a folder, ** across; what matches a folder is everything in it. Empty is everything"`
	Position   int64  `json:"position" doc:"lines are read in the order of their positions"`
}

// maxOwners bounds what every scanned finding is compared with.
const maxOwners = 5000

// Ownership lists the lines that a scope sees, in their order.
func (s *Store) Ownership(ctx context.Context, scope access.Scope) (out []Owner, err error) {
	where, args := seenTeams(scope)
	err = s.DB.NewRaw("SELECT o.id, o.team, coalesce(o.repository, 0) AS repository, o.path, o.position FROM ownership o JOIN team t ON t.id = o.team WHERE "+where+
		" ORDER BY o.position, o.id LIMIT ?", append(args, maxOwners)...).Scan(ctx, &out)
	if err != nil {
		return nil, fmt.Errorf("read the ownership: %w", err)
	}
	return out, nil
}

// SetOwner adds a line, or changes the one with its id. A position of 0 is the end.
func (tx *Tx) SetOwner(ctx context.Context, scope access.Scope, o Owner) error {
	if _, err := teamOf(ctx, tx, scope, o.Team); err != nil {
		return err
	}
	for _, segment := range strings.Split(o.Path, "/") {
		if _, err := path.Match(segment, ""); err != nil || len(o.Path) > 1000 {
			return Refuse(Invalid, "%.100q is not a path: write payments/** or modules/*/main.tf", o.Path)
		}
	}
	var repository any
	if o.Repository != 0 {
		if err := tx.hasRepository(ctx, ID(scope.Organisation), o.Repository); err != nil {
			return err
		}
		repository = o.Repository
	}
	var last, n int64
	if err := tx.NewRaw("SELECT coalesce(max(position), 0), count(*) FROM ownership WHERE organisation = ?", scope.Organisation).Scan(ctx, &last, &n); err != nil {
		return fmt.Errorf("read the ownership: %w", err)
	}
	if n >= maxOwners {
		return Refuse(Limited, "An organisation has at most %d lines of ownership: use ** and * in paths.", maxOwners)
	}
	if o.Position == 0 {
		o.Position = last + 1
	}
	_, err := tx.NewRaw(`INSERT INTO ownership (id, organisation, team, repository, path, position) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET team = excluded.team, repository = excluded.repository, path = excluded.path, position = excluded.position`,
		o.ID, scope.Organisation, o.Team, repository, o.Path, o.Position).Exec(ctx)
	if err != nil {
		return fmt.Errorf("write the ownership: %w", err)
	}
	return tx.reassign(ctx, ID(scope.Organisation))
}

// Owner returns a line that a scope sees.
func (tx *Tx) Owner(ctx context.Context, scope access.Scope, id ID) (*Owner, error) {
	where, args := seenTeams(scope)
	out := &Owner{}
	err := tx.NewRaw("SELECT o.id, o.team, coalesce(o.repository, 0) AS repository, o.path, o.position FROM ownership o JOIN team t ON t.id = o.team WHERE "+where+" AND o.id = ?",
		append(args, id)...).Scan(ctx, out)
	return out, missing(err, "There is no such line of the ownership.")
}

// RemoveOwner removes a line.
func (tx *Tx) RemoveOwner(ctx context.Context, scope access.Scope, id ID) error {
	if _, err := tx.Owner(ctx, scope, id); err != nil {
		return err
	}
	if _, err := tx.NewRaw("DELETE FROM ownership WHERE id = ?", id).Exec(ctx); err != nil {
		return fmt.Errorf("write the ownership: %w", err)
	}
	return tx.reassign(ctx, ID(scope.Organisation))
}

// reassign has the owners of an organisation's findings looked up anew, from the first.
func (tx *Tx) reassign(ctx context.Context, organisation ID) error {
	if _, err := tx.NewRaw("UPDATE organisation SET name = name WHERE id = ?", organisation).Exec(ctx); err != nil { // Reassign takes it first too
		return fmt.Errorf("take the organisation: %w", err)
	}
	_, err := tx.NewRaw("INSERT INTO reassignment (organisation, after) VALUES (?, 0) ON CONFLICT (organisation) DO UPDATE SET after = 0", organisation).Exec(ctx)
	if err != nil {
		return fmt.Errorf("have the owners of findings looked up: %w", err)
	}
	return nil
}

// Reassign looks up the owners of the next findings whose ownership changed, limit of them at most, and tells whether there is
// more to do. Who calls it goes on until there is not; several may.
func (s *Store) Reassign(ctx context.Context, limit int) (more bool, err error) {
	err = s.Quiet(ctx, func(ctx context.Context, tx *Tx) error {
		var organisation, after ID
		err := tx.NewRaw("SELECT organisation, after FROM reassignment ORDER BY organisation LIMIT 1").Scan(ctx, &organisation, &after)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for findings to reassign: %w", err)
		}
		more = true
		var revision int64 // the row of the organisation keeps others out until the end, ingest among them
		if err := tx.NewRaw("UPDATE organisation SET revision = revision + 1 WHERE id = ? RETURNING revision", organisation).Scan(ctx, &revision); err != nil {
			return fmt.Errorf("take the organisation: %w", err)
		}
		if err := tx.NewRaw("SELECT after FROM reassignment WHERE organisation = ?", organisation).Scan(ctx, &after); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				return nil // another one has just finished it
			}
			return err
		}
		owners, err := tx.owners(ctx, organisation)
		if err != nil {
			return err
		}
		var rows []struct {
			ID, Repository, Team ID
			File                 string
		}
		if err := tx.NewRaw("SELECT id, repository, team, file FROM finding WHERE organisation = ? AND id > ? ORDER BY id LIMIT ?", organisation, after, limit).Scan(ctx, &rows); err != nil {
			return fmt.Errorf("read findings to reassign: %w", err)
		}
		changed := map[ID][]ID{}
		for _, r := range rows {
			if team := owners.of(r.Repository, r.File); team != r.Team {
				changed[team] = append(changed[team], r.ID)
			}
		}
		for team, ids := range changed {
			if _, err := tx.NewRaw("UPDATE finding SET team = ?, revision = ? WHERE id IN (?)", team, revision, bun.List(ids)).Exec(ctx); err != nil {
				return fmt.Errorf("reassign findings: %w", err)
			}
		}
		if len(rows) < limit {
			if err := tx.reassignResources(ctx, organisation, owners); err != nil {
				return err
			}
			if _, err := tx.SettleRules(ctx, RuleTarget{Organisation: organisation}); err != nil { // rules may be set otherwise for the new owners
				return err
			}
			_, err = tx.NewRaw("DELETE FROM reassignment WHERE organisation = ?", organisation).Exec(ctx)
		} else {
			_, err = tx.NewRaw("UPDATE reassignment SET after = ? WHERE organisation = ?", rows[len(rows)-1].ID, organisation).Exec(ctx)
		}
		return err
	})
	return more, err
}
