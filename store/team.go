package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/access"
)

// Team is people who own repositories or parts of them.
type Team struct {
	ID        ID     `json:"id"`
	Name      string `json:"name"`
	CreatedAt Millis `json:"createdAt"`
	Members   int    `json:"members" doc:"how many"`
	Owns      int    `json:"owns" doc:"how many lines of the ownership name it"`
}

// Member is somebody in a team.
type Member struct {
	Person ID          `json:"person"`
	Email  string      `json:"email"`
	Name   string      `json:"name"`
	Role   access.Role `json:"role" doc:"in what the team owns"`
	Source string      `json:"source" doc:"the provider whose groups say so; empty when a person did"`
}

// seenTeams is the condition on team t that a scope sees it.
func seenTeams(scope access.Scope) (string, []any) {
	if !scope.Somewhere() || scope.Repository != 0 {
		return "1 = 0", nil
	}
	if scope.All {
		return "t.organisation = ?", []any{scope.Organisation}
	}
	return "t.organisation = ? AND t.id IN (?)", []any{scope.Organisation, bun.List(scope.Teams)}
}

const teamColumns = `t.id, t.name, t.created_at, (SELECT count(*) FROM team_member x WHERE x.team = t.id) AS members,
	(SELECT count(*) FROM ownership o WHERE o.team = t.id) AS owns`

// Teams lists the teams that a scope sees, in the order in which they were made.
func (s *Store) Teams(ctx context.Context, scope access.Scope, after ID, limit int) (out []Team, err error) {
	where, args := seenTeams(scope)
	err = s.DB.NewRaw("SELECT "+teamColumns+" FROM team t WHERE "+where+" AND t.id > ? ORDER BY t.id LIMIT ?", append(args, after, limit)...).Scan(ctx, &out)
	if err != nil {
		return nil, fmt.Errorf("list teams: %w", err)
	}
	return out, nil
}

// Team returns a team that a scope sees.
func (s *Store) Team(ctx context.Context, scope access.Scope, id ID) (*Team, error) {
	return teamOf(ctx, s.DB, scope, id)
}

func teamOf(ctx context.Context, db bun.IDB, scope access.Scope, id ID) (*Team, error) {
	where, args := seenTeams(scope)
	out := &Team{}
	err := db.NewRaw("SELECT "+teamColumns+" FROM team t WHERE "+where+" AND t.id = ?", append(args, id)...).Scan(ctx, out)
	return out, missing(err, "There is no such team.")
}

// AddTeam makes a team.
func (tx *Tx) AddTeam(ctx context.Context, scope access.Scope, id ID, name string) error {
	r, err := tx.NewRaw("INSERT INTO team (id, organisation, name, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", id, scope.Organisation, name, tx.Now).Exec(ctx)
	if err != nil {
		return fmt.Errorf("make a team: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return Refuse(Conflict, "There is a team with the name %s.", name)
}

// RenameTeam gives a team another name.
func (tx *Tx) RenameTeam(ctx context.Context, scope access.Scope, id ID, name string) error {
	if _, err := teamOf(ctx, tx, scope, id); err != nil {
		return err
	}
	var n int
	if err := tx.NewRaw("SELECT count(*) FROM team WHERE organisation = ? AND name = ? AND id <> ?", scope.Organisation, name, id).Scan(ctx, &n); err != nil {
		return fmt.Errorf("look for a team of that name: %w", err)
	}
	if n > 0 {
		return Refuse(Conflict, "There is a team with the name %s.", name)
	}
	_, err := tx.NewRaw("UPDATE team SET name = ? WHERE id = ?", name, id).Exec(ctx)
	return err
}

// RemoveTeam removes a team with its members and its ownership; findings of it get another owner, or none.
func (tx *Tx) RemoveTeam(ctx context.Context, scope access.Scope, id ID) (*Team, error) {
	t, err := teamOf(ctx, tx, scope, id)
	if err != nil {
		return nil, err
	}
	if err := tx.renewMembers(ctx, scope, id); err != nil {
		return nil, err
	}
	for _, query := range []string{"DELETE FROM ownership WHERE team = ?", "DELETE FROM provider_group WHERE team = ?", "DELETE FROM team_member WHERE team = ?", "DELETE FROM team WHERE id = ?"} {
		if _, err := tx.NewRaw(query, id).Exec(ctx); err != nil {
			return nil, fmt.Errorf("remove a team: %w", err)
		}
	}
	return t, tx.reassign(ctx, ID(scope.Organisation))
}

// renewMembers has the cookies of everybody in a team changed.
func (tx *Tx) renewMembers(ctx context.Context, scope access.Scope, team ID) error {
	_, err := tx.NewRaw("UPDATE session SET renew = 1 WHERE organisation = ? AND person IN (SELECT person FROM team_member WHERE team = ?)", scope.Organisation, team).Exec(ctx)
	return err
}

// Members lists who is in a team that a scope sees.
func (s *Store) Members(ctx context.Context, scope access.Scope, team, after ID, limit int) (out []Member, err error) {
	if _, err := s.Team(ctx, scope, team); err != nil {
		return nil, err
	}
	err = s.DB.NewRaw(`SELECT x.person, p.email, p.name, x.role, x.source FROM team_member x JOIN person p ON p.id = x.person
		WHERE x.team = ? AND x.person > ? ORDER BY x.person LIMIT ?`, team, after, limit).Scan(ctx, &out)
	if err != nil {
		return nil, fmt.Errorf("list the members of a team: %w", err)
	}
	return out, nil
}

// SetMember puts somebody of the organisation into a team, or gives them another role there.
func (tx *Tx) SetMember(ctx context.Context, scope access.Scope, team, person ID, role access.Role) error {
	if _, err := teamOf(ctx, tx, scope, team); err != nil {
		return err
	}
	if _, err := personOf(ctx, tx, access.Scope{Organisation: scope.Organisation, All: true}, person); err != nil {
		return err
	}
	_, err := tx.NewRaw(`INSERT INTO team_member (team, person, role, source) VALUES (?, ?, ?, '')
		ON CONFLICT (team, person) DO UPDATE SET role = excluded.role, source = ''`, team, person, role).Exec(ctx)
	if err != nil {
		return fmt.Errorf("put somebody into a team: %w", err)
	}
	return tx.RenewSessions(ctx, ID(scope.Organisation), person)
}

// RemoveMember takes somebody out of a team.
func (tx *Tx) RemoveMember(ctx context.Context, scope access.Scope, team, person ID) error {
	if _, err := teamOf(ctx, tx, scope, team); err != nil {
		return err
	}
	r, err := tx.NewRaw("DELETE FROM team_member WHERE team = ? AND person = ?", team, person).Exec(ctx)
	if err != nil {
		return fmt.Errorf("take somebody out of a team: %w", err)
	}
	n, err := r.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return Refuse(NotFound, "There is no such person.")
	}
	return tx.RenewSessions(ctx, ID(scope.Organisation), person)
}
