package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"plumbline.dev/plumbline/access"
)

// Provider is where people of an organisation sign in through OpenID Connect.
type Provider struct {
	ID          ID              `json:"id"`
	Name        string          `json:"name" doc:"on the button"`
	Issuer      string          `json:"issuer"`
	Client      string          `json:"client" doc:"id of the client that is registered there"`
	Scopes      string          `json:"scopes" doc:"besides openid, profile and email; separated by spaces"`
	GroupsClaim string          `json:"groupsClaim" doc:"claim that has the groups; empty when groups decide nothing"`
	Role        access.Role     `json:"role" doc:"of people who come for the first time; empty refuses them unless a group lets them in"`
	Groups      []ProviderGroup `json:"groups" bun:"-" doc:"looked at with every sign-in"`
	CreatedAt   Millis          `json:"createdAt"`

	Organisation ID     `json:"-"`
	Secret       []byte `json:"-"` // sealed
}

// ProviderGroup is what a group of a provider means here.
type ProviderGroup struct {
	Name string      `json:"name" maxLength:"300"`
	Team ID          `json:"team,omitempty" doc:"absent: in all of the organisation"`
	Role access.Role `json:"role" enum:"viewer,triager,maintainer,administrator"`
}

const providerColumns = "id, organisation, name, issuer, client, secret, scopes, groups_claim, role, created_at"

// maxProviders bounds the buttons of the sign-in page.
const maxProviders = 20

// Providers lists the providers of an organisation in the order in which they were made; of all organisations when it is 0.
func (s *Store) Providers(ctx context.Context, organisation ID) (out []Provider, err error) {
	query, args := "SELECT "+providerColumns+" FROM provider", []any{}
	if organisation != 0 {
		query, args = query+" WHERE organisation = ?", append(args, organisation)
	}
	if err := s.DB.NewRaw(query+" ORDER BY id LIMIT 100", args...).Scan(ctx, &out); err != nil {
		return nil, fmt.Errorf("list providers: %w", err)
	}
	for i := range out {
		if err := s.providerGroups(ctx, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Provider returns a provider, of an organisation unless that is 0.
func (s *Store) Provider(ctx context.Context, organisation, id ID) (*Provider, error) {
	query, args := "SELECT "+providerColumns+" FROM provider WHERE id = ?", []any{id}
	if organisation != 0 {
		query, args = query+" AND organisation = ?", append(args, organisation)
	}
	out := &Provider{}
	if err := s.DB.NewRaw(query, args...).Scan(ctx, out); err != nil {
		return nil, missing(err, "There is no such provider.")
	}
	return out, s.providerGroups(ctx, out)
}

func (s *Store) providerGroups(ctx context.Context, p *Provider) error {
	p.Groups = []ProviderGroup{}
	err := s.DB.NewRaw("SELECT name, coalesce(team, 0) AS team, role FROM provider_group WHERE provider = ? ORDER BY id", p.ID).Scan(ctx, &p.Groups)
	if err != nil {
		return fmt.Errorf("read the groups of a provider: %w", err)
	}
	return nil
}

// SetProvider adds a provider, or changes the one with its id; without a secret that one keeps its own.
func (tx *Tx) SetProvider(ctx context.Context, p Provider) error {
	var n, same int
	if err := tx.NewRaw("SELECT count(*), coalesce(sum(CASE WHEN name = ? AND id <> ? THEN 1 ELSE 0 END), 0) FROM provider WHERE organisation = ?", p.Name, p.ID, p.Organisation).Scan(ctx, &n, &same); err != nil {
		return fmt.Errorf("count providers: %w", err)
	}
	if same > 0 {
		return Refuse(Conflict, "There is a provider with the name %s.", p.Name)
	}
	r, err := tx.NewRaw(`UPDATE provider SET name = ?, issuer = ?, client = ?, secret = CASE WHEN ? = 0 THEN secret ELSE ? END, scopes = ?, groups_claim = ?, role = ?
		WHERE id = ? AND organisation = ?`, p.Name, p.Issuer, p.Client, len(p.Secret), p.Secret, p.Scopes, p.GroupsClaim, p.Role, p.ID, p.Organisation).Exec(ctx)
	if err != nil {
		return fmt.Errorf("change a provider: %w", err)
	}
	changed, err := r.RowsAffected()
	if err != nil {
		return err
	}
	if changed == 0 {
		if n >= maxProviders {
			return Refuse(Limited, "An organisation has at most %d providers.", maxProviders)
		}
		_, err := tx.NewRaw("INSERT INTO provider ("+providerColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			p.ID, p.Organisation, p.Name, p.Issuer, p.Client, p.Secret, p.Scopes, p.GroupsClaim, p.Role, tx.Now).Exec(ctx)
		if err != nil {
			return fmt.Errorf("keep a provider: %w", err)
		}
	}
	if _, err := tx.NewRaw("DELETE FROM provider_group WHERE provider = ?", p.ID).Exec(ctx); err != nil {
		return fmt.Errorf("write the groups of a provider: %w", err)
	}
	for _, g := range p.Groups {
		var team any
		if g.Team != 0 {
			if _, err := teamOf(ctx, tx, access.Scope{Organisation: int64(p.Organisation), All: true}, g.Team); err != nil {
				return err
			}
			team = g.Team
		}
		if _, err := tx.NewRaw("INSERT INTO provider_group (id, provider, name, team, role) VALUES (?, ?, ?, ?, ?)", tx.Store.NewID(), p.ID, g.Name, team, g.Role).Exec(ctx); err != nil {
			return fmt.Errorf("write the groups of a provider: %w", err)
		}
	}
	return nil
}

// RemoveProvider removes a provider with what its groups gave; the people stay.
func (tx *Tx) RemoveProvider(ctx context.Context, organisation, id ID) error {
	r, err := tx.NewRaw("DELETE FROM provider WHERE id = ? AND organisation = ?", id, organisation).Exec(ctx)
	if err != nil {
		return fmt.Errorf("remove a provider: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		if err == nil {
			err = Refuse(NotFound, "There is no such provider.")
		}
		return err
	}
	_, err = tx.NewRaw("DELETE FROM team_member WHERE source = ?", id.String()).Exec(ctx)
	return err
}

// Claim is what a provider says of somebody who signs in.
type Claim struct {
	Subject  string // its own name for them, which never changes
	Email    string // lower case
	Verified bool   // whether it has made sure that the address is theirs
	Name     string
	Groups   []string
}

// Arrive finds who a provider's subject is here, and gives them what their groups say. Whoever may not come in gets Forbidden.
//
// An address links somebody to a person who is here already only when the provider has verified it, and only when the person
// is in no other organisation: the provider is in the hand of this one alone.
func (tx *Tx) Arrive(ctx context.Context, p Provider, c Claim) (person ID, err error) {
	if _, err := tx.NewRaw("UPDATE organisation SET name = name WHERE id = ?", p.Organisation).Exec(ctx); err != nil {
		return 0, fmt.Errorf("wait for others: %w", err)
	}
	role, teams := p.gives(c.Groups)
	err = tx.NewRaw("SELECT person FROM provider_identity WHERE provider = ? AND subject = ?", p.ID, c.Subject).Scan(ctx, &person)
	if errors.Is(err, sql.ErrNoRows) {
		person, err = tx.link(ctx, p, c, role, len(teams) > 0)
	}
	if err != nil {
		return 0, err
	}
	before, err := personOf(ctx, tx, access.Scope{Organisation: int64(p.Organisation), All: true}, person)
	if err != nil {
		return 0, Refuse(Forbidden, "You are no longer in the organisation %s.", p.Name)
	}
	if before.DisabledAt != 0 {
		return 0, Refuse(Forbidden, "An administrator has disabled your account.")
	}
	if p.decidesRole() && role != before.Role {
		if _, err := tx.NewRaw("UPDATE membership SET role = ? WHERE person = ? AND organisation = ?", role, person, p.Organisation).Exec(ctx); err != nil {
			return 0, fmt.Errorf("give the role of a group: %w", err)
		}
		if tx.keepAdministrator(ctx, p.Organisation, before) != nil { // the last administrator stays one, whatever the groups say
			if _, err := tx.NewRaw("UPDATE membership SET role = ? WHERE person = ? AND organisation = ?", before.Role, person, p.Organisation).Exec(ctx); err != nil {
				return 0, fmt.Errorf("give the role back: %w", err)
			}
		}
	}
	if _, err := tx.NewRaw("DELETE FROM team_member WHERE person = ? AND source = ?", person, p.ID.String()).Exec(ctx); err != nil {
		return 0, fmt.Errorf("take what groups gave: %w", err)
	}
	for team, role := range teams {
		_, err := tx.NewRaw("INSERT INTO team_member (team, person, role, source) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", team, person, role, p.ID.String()).Exec(ctx)
		if err != nil {
			return 0, fmt.Errorf("give the team of a group: %w", err)
		}
	}
	after, err := personOf(ctx, tx, access.Scope{Organisation: int64(p.Organisation), All: true}, person)
	if err != nil || after.Role == before.Role && slices.Equal(after.Teams, before.Teams) {
		return person, err
	}
	return person, tx.RenewSessions(ctx, p.Organisation, person)
}

// link makes the person of a subject that comes for the first time.
func (tx *Tx) link(ctx context.Context, p Provider, c Claim, role access.Role, inTeam bool) (ID, error) {
	if !c.Verified || c.Email == "" {
		return 0, Refuse(Forbidden, "%s has not verified your address of mail, so nobody can tell who you are here.", p.Name)
	}
	var person ID
	err := tx.NewRaw("SELECT id FROM person WHERE email = ?", c.Email).Scan(ctx, &person)
	switch {
	case err == nil:
		var here, elsewhere int
		if err := tx.NewRaw("SELECT coalesce(sum(CASE WHEN organisation = ? THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN organisation <> ? THEN 1 ELSE 0 END), 0) FROM membership WHERE person = ?",
			p.Organisation, p.Organisation, person).Scan(ctx, &here, &elsewhere); err != nil {
			return 0, fmt.Errorf("look for organisations of somebody: %w", err)
		}
		if elsewhere > 0 || here == 0 {
			return 0, Refuse(Forbidden, "Your address is that of somebody who is in another organisation of this server. Ask an administrator for a link.")
		}
	case errors.Is(err, sql.ErrNoRows):
		if role == "" && !inTeam {
			return 0, Refuse(Forbidden, "None of your groups lets you in here. Ask an administrator to invite you.")
		}
		if person, _, err = tx.Join(ctx, p.Organisation, c.Email, c.Name, role); err != nil {
			return 0, err
		}
	default:
		return 0, err
	}
	_, err = tx.NewRaw("INSERT INTO provider_identity (provider, subject, person) VALUES (?, ?, ?)", p.ID, c.Subject, person).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("remember who somebody is: %w", err)
	}
	return person, nil
}

// decidesRole tells whether groups say who is what in the organisation.
func (p *Provider) decidesRole() bool {
	return p.GroupsClaim != "" && slices.ContainsFunc(p.Groups, func(g ProviderGroup) bool { return g.Team == 0 })
}

// gives returns the strongest role in the organisation and in each team that groups give; without one the provider's own.
func (p *Provider) gives(groups []string) (role access.Role, teams map[ID]access.Role) {
	role, teams = p.Role, map[ID]access.Role{}
	if p.GroupsClaim == "" {
		return role, teams
	}
	stronger := func(a, b access.Role) access.Role {
		if slices.Index(access.Roles, a) > slices.Index(access.Roles, b) {
			return a
		}
		return b
	}
	for _, g := range p.Groups {
		switch {
		case !slices.Contains(groups, g.Name):
		case g.Team == 0:
			role = stronger(g.Role, role)
		default:
			teams[g.Team] = stronger(g.Role, teams[g.Team])
		}
	}
	return role, teams
}
