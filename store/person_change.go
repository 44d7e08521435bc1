package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/access"
)

// PersonQuery says which people to list.
type PersonQuery struct {
	Text   string // in the name or the address, whatever the case
	Cursor ID     // the last one of the page before
	Limit  int
}

const personColumns = `p.id, p.email, p.name, m.role, m.joined_at, m.seen_at,
	CASE WHEN m.disabled_at > 0 THEN m.disabled_at ELSE p.disabled_at END AS disabled_at`

// seenPeople is the condition on membership m that a scope sees it: all of the organisation, or who is in its teams.
func seenPeople(scope access.Scope) (string, []any) {
	if !scope.Somewhere() || scope.Repository != 0 {
		return "1 = 0", nil
	}
	if scope.All {
		return "m.organisation = ?", []any{scope.Organisation}
	}
	return "m.organisation = ? AND EXISTS (SELECT 1 FROM team_member x WHERE x.person = m.person AND x.team IN (?))", []any{scope.Organisation, bun.List(scope.Teams)}
}

// People lists the people that a scope sees, in the order in which they came.
func (s *Store) People(ctx context.Context, scope access.Scope, q PersonQuery) ([]Person, error) {
	where, args := seenPeople(scope)
	args = append(args, q.Cursor)
	if q.Text != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(q.Text)) + "%"
		where, args = where+` AND p.id > ? AND (lower(p.name) LIKE ? ESCAPE '\' OR p.email LIKE ? ESCAPE '\')`, append(args, like, like)
	} else {
		where += " AND p.id > ?"
	}
	var list []Person
	err := s.DB.NewRaw("SELECT "+personColumns+" FROM membership m JOIN person p ON p.id = m.person WHERE "+where+" ORDER BY p.id LIMIT ?", append(args, q.Limit)...).Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	return list, personTeams(ctx, s.DB, ID(scope.Organisation), list)
}

// Person returns somebody that a scope sees.
func (s *Store) Person(ctx context.Context, scope access.Scope, id ID) (*Person, error) {
	return personOf(ctx, s.DB, scope, id)
}

func personOf(ctx context.Context, db bun.IDB, scope access.Scope, id ID) (*Person, error) {
	where, args := seenPeople(scope)
	list := make([]Person, 1)
	err := db.NewRaw("SELECT "+personColumns+" FROM membership m JOIN person p ON p.id = m.person WHERE "+where+" AND p.id = ?", append(args, id)...).Scan(ctx, &list[0])
	if err != nil {
		return nil, missing(err, "There is no such person.")
	}
	return &list[0], personTeams(ctx, db, ID(scope.Organisation), list)
}

func personTeams(ctx context.Context, db bun.IDB, organisation ID, list []Person) error {
	ids := make([]ID, len(list))
	for i := range list {
		ids[i], list[i].Teams = list[i].ID, []PersonTeam{}
	}
	if len(ids) == 0 {
		return nil
	}
	var rows []struct {
		Person ID
		PersonTeam
	}
	err := db.NewRaw(`SELECT x.person, x.team, t.name, x.role FROM team_member x JOIN team t ON t.id = x.team
		WHERE t.organisation = ? AND x.person IN (?) ORDER BY t.name`, organisation, bun.List(ids)).Scan(ctx, &rows)
	if err != nil {
		return fmt.Errorf("read the teams of people: %w", err)
	}
	for _, r := range rows {
		i := slices.IndexFunc(list, func(p Person) bool { return p.ID == r.Person })
		list[i].Teams = append(list[i].Teams, r.PersonTeam)
	}
	return nil
}

// PersonChange is what is to be different about somebody; nil stays.
type PersonChange struct {
	Name     *string
	Email    *string
	Role     *access.Role
	Disabled *bool
}

// ChangePerson changes somebody in an organisation, ends what they must no longer have, and returns them as they are then. The
// last administrator stays one.
func (tx *Tx) ChangePerson(ctx context.Context, scope access.Scope, id ID, c PersonChange) (*Person, error) {
	before, err := tx.alone(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	organisation := ID(scope.Organisation)
	if c.Name != nil || c.Email != nil {
		if err := tx.onlyHere(ctx, organisation, id); err != nil {
			return nil, err
		}
	}
	if c.Name != nil {
		if _, err := tx.NewRaw("UPDATE person SET name = ? WHERE id = ?", *c.Name, id).Exec(ctx); err != nil {
			return nil, fmt.Errorf("rename somebody: %w", err)
		}
	}
	if c.Email != nil && *c.Email != before.Email {
		var other ID
		err := tx.NewRaw("SELECT id FROM person WHERE email = ?", *c.Email).Scan(ctx, &other)
		if err == nil {
			return nil, Refuse(Conflict, "Somebody else has the address %s.", *c.Email)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		if _, err := tx.NewRaw("UPDATE person SET email = ? WHERE id = ?", *c.Email, id).Exec(ctx); err != nil {
			return nil, fmt.Errorf("change the address of somebody: %w", err)
		}
	}
	if c.Role != nil && *c.Role != before.Role {
		if _, err := tx.NewRaw("UPDATE membership SET role = ? WHERE person = ? AND organisation = ?", *c.Role, id, organisation).Exec(ctx); err != nil {
			return nil, fmt.Errorf("change the role of somebody: %w", err)
		}
		if err := tx.RenewSessions(ctx, organisation, id); err != nil {
			return nil, err
		}
	}
	if c.Disabled != nil && *c.Disabled != (before.DisabledAt != 0) {
		at := Millis(0)
		if *c.Disabled {
			at = tx.Now
			if err := tx.strip(ctx, organisation, id); err != nil {
				return nil, err
			}
		}
		if _, err := tx.NewRaw("UPDATE membership SET disabled_at = ? WHERE person = ? AND organisation = ?", at, id, organisation).Exec(ctx); err != nil {
			return nil, fmt.Errorf("disable or enable somebody: %w", err)
		}
	}
	if err := tx.keepAdministrator(ctx, organisation, before); err != nil {
		return nil, err
	}
	return personOf(ctx, tx, scope, id)
}

// RemovePerson takes somebody out of an organisation. The person goes too when that was the last one; what they did stays.
func (tx *Tx) RemovePerson(ctx context.Context, scope access.Scope, id ID) (*Person, error) {
	before, err := tx.alone(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	organisation := ID(scope.Organisation)
	if err := tx.strip(ctx, organisation, id); err != nil {
		return nil, err
	}
	for _, query := range []string{
		"DELETE FROM team_member WHERE person = ? AND team IN (SELECT id FROM team WHERE organisation = ?)",
		"DELETE FROM token WHERE person = ? AND organisation = ?",
		"DELETE FROM provider_identity WHERE person = ? AND provider IN (SELECT id FROM provider WHERE organisation = ?)",
		"DELETE FROM membership WHERE person = ? AND organisation = ?",
	} {
		if _, err := tx.NewRaw(query, id, organisation).Exec(ctx); err != nil {
			return nil, fmt.Errorf("remove somebody: %w", err)
		}
	}
	if _, err := tx.NewRaw("DELETE FROM person WHERE id = ? AND NOT EXISTS (SELECT 1 FROM membership WHERE person = ?)", id, id).Exec(ctx); err != nil {
		return nil, fmt.Errorf("remove somebody: %w", err)
	}
	return before, tx.keepAdministrator(ctx, organisation, before)
}

// alone returns somebody in the scope after having taken the organisation's row, so that of two who change people at once one
// waits for the other.
func (tx *Tx) alone(ctx context.Context, scope access.Scope, id ID) (*Person, error) {
	if _, err := tx.NewRaw("UPDATE organisation SET name = name WHERE id = ?", scope.Organisation).Exec(ctx); err != nil {
		return nil, fmt.Errorf("wait for others: %w", err)
	}
	return personOf(ctx, tx, scope, id)
}

// strip ends what somebody could go on with in an organisation: sessions, links, tokens.
func (tx *Tx) strip(ctx context.Context, organisation, person ID) error {
	if _, err := tx.EndSessions(ctx, organisation, person, 0, ""); err != nil {
		return err
	}
	if _, err := tx.NewRaw("DELETE FROM ticket WHERE person = ? AND organisation = ?", person, organisation).Exec(ctx); err != nil {
		return fmt.Errorf("forget links: %w", err)
	}
	_, err := tx.NewRaw("UPDATE token SET revoked_at = ? WHERE person = ? AND organisation = ? AND revoked_at = 0", tx.Now, person, organisation).Exec(ctx)
	if err != nil {
		return fmt.Errorf("revoke tokens: %w", err)
	}
	return nil
}

// onlyHere refuses what would touch somebody in other organisations too.
func (tx *Tx) onlyHere(ctx context.Context, organisation, person ID) error {
	var n int
	if err := tx.NewRaw("SELECT count(*) FROM membership WHERE person = ? AND organisation <> ?", person, organisation).Scan(ctx, &n); err != nil {
		return fmt.Errorf("look for other organisations of somebody: %w", err)
	}
	if n > 0 {
		return Refuse(Forbidden, "This person also belongs to another organisation of this server: name, address and ways to sign in are theirs to change.")
	}
	return nil
}

// OnlyHere refuses, with Forbidden, what would touch somebody in organisations other than the scope's too.
func (tx *Tx) OnlyHere(ctx context.Context, scope access.Scope, person ID) error {
	return tx.onlyHere(ctx, ID(scope.Organisation), person)
}

// keepAdministrator refuses a change after which an organisation has no administrator who can sign in.
func (tx *Tx) keepAdministrator(ctx context.Context, organisation ID, before *Person) error {
	if before.Role != access.Administrator || before.DisabledAt != 0 {
		return nil
	}
	var n int
	err := tx.NewRaw(`SELECT count(*) FROM membership m JOIN person p ON p.id = m.person
		WHERE m.organisation = ? AND m.role = ? AND m.disabled_at = 0 AND p.disabled_at = 0`, organisation, access.Administrator).Scan(ctx, &n)
	if err != nil {
		return fmt.Errorf("count administrators: %w", err)
	}
	if n == 0 {
		return Refuse(Conflict, "This is the last administrator: make somebody else one first.")
	}
	return nil
}

// Rename gives an organisation another name.
func (tx *Tx) Rename(ctx context.Context, organisation ID, name string) error {
	_, err := tx.NewRaw("UPDATE organisation SET name = ? WHERE id = ?", name, organisation).Exec(ctx)
	return err
}

// Organisation returns an organisation.
func (s *Store) Organisation(ctx context.Context, id ID) (out Organisation, err error) {
	err = s.DB.NewRaw("SELECT id, name, created_at FROM organisation WHERE id = ?", id).Scan(ctx, &out)
	if err != nil {
		return out, missing(err, "There is no such organisation.")
	}
	kept, err := s.Retention(ctx, id)
	out.Retention = &kept
	return out, err
}
