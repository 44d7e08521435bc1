package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"

	"plumbline.dev/plumbline/access"
)

// Organisation is whose repositories, people and findings are kept apart from everybody else's.
type Organisation struct {
	ID        ID     `json:"id"`
	Name      string `json:"name"`
	CreatedAt Millis `json:"createdAt"`

	Retention *Retention `json:"retention,omitempty" bun:"-" doc:"for how long it keeps what is over; not in lists"`
}

// Person is somebody in an organisation.
type Person struct {
	ID         ID           `json:"id"`
	Email      string       `json:"email" doc:"lower case"`
	Name       string       `json:"name"`
	Role       access.Role  `json:"role" doc:"in all of the organisation; empty when only in teams"`
	JoinedAt   Millis       `json:"joinedAt"`
	SeenAt     Millis       `json:"seenAt" doc:"last sign-in; empty when there was none"`
	DisabledAt Millis       `json:"disabledAt" doc:"empty unless disabled"`
	Teams      []PersonTeam `json:"teams" bun:"-"`
}

// PersonTeam is what somebody is in a team.
type PersonTeam struct {
	Team ID          `json:"team"`
	Name string      `json:"name"`
	Role access.Role `json:"role"`
}

// Email returns an address of mail as it is kept, and refuses what is none.
func Email(text string) (string, error) {
	a, err := mail.ParseAddress(text)
	if err != nil || a.Name != "" || a.Address != strings.TrimSpace(text) || len(text) > 254 {
		return "", Refuse(Invalid, "%.254q is not an address of mail: write ada@example.org", text)
	}
	return strings.ToLower(a.Address), nil
}

// Name returns the name of something as it is kept, without spaces around it, and refuses an empty or endless one.
func Name(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > 200 || strings.ContainsFunc(text, unseen) {
		return "", Refuse(Invalid, "a name has 1 to 200 characters that can be seen, on one line")
	}
	return text, nil
}

// unseen reports whether a character cannot be seen or turns the direction of writing, so that it can only mislead in a name. Those that
// join letters are part of some scripts.
func unseen(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && r != '\u200c' && r != '\u200d'
}

// Subject returns a person as one who asks, with the rights of this moment; the zero when the person, or the person's place in
// the organisation, is gone or disabled.
func (s *Store) Subject(ctx context.Context, organisation, person ID) (access.Subject, error) {
	out := access.Subject{Kind: "person", ID: int64(person), Organisation: int64(organisation)}
	err := s.DB.NewRaw(`SELECT p.email, m.role FROM person p JOIN membership m ON m.person = p.id
		WHERE p.id = ? AND m.organisation = ? AND p.disabled_at = 0 AND m.disabled_at = 0`, person, organisation).Scan(ctx, &out.Name, &out.Role)
	if errors.Is(err, sql.ErrNoRows) {
		return access.Subject{}, nil
	}
	if err != nil {
		return access.Subject{}, fmt.Errorf("read who somebody is: %w", err)
	}
	var teams []struct {
		Team int64
		Role access.Role
	}
	err = s.DB.NewRaw("SELECT m.team, m.role FROM team_member m JOIN team t ON t.id = m.team WHERE m.person = ? AND t.organisation = ?", person, organisation).Scan(ctx, &teams)
	if err != nil {
		return access.Subject{}, fmt.Errorf("read whose teams somebody is in: %w", err)
	}
	for _, t := range teams {
		if out.Teams == nil {
			out.Teams = map[int64]access.Role{}
		}
		out.Teams[t.Team] = t.Role
	}
	return out, nil
}

// Organisations lists the organisations that somebody is in, in the order of their names.
func (s *Store) Organisations(ctx context.Context, person ID) (out []Organisation, err error) {
	err = s.DB.NewRaw(`SELECT o.id, o.name, o.created_at FROM organisation o JOIN membership m ON m.organisation = o.id
		WHERE m.person = ? AND m.disabled_at = 0 ORDER BY o.name, o.id LIMIT 500`, person).Scan(ctx, &out)
	if err != nil {
		return nil, fmt.Errorf("read somebody's organisations: %w", err)
	}
	return out, nil
}

// Home returns the organisation in which somebody signed in last, 0 for none.
func (s *Store) Home(ctx context.Context, person ID) (organisation ID, err error) {
	err = s.DB.NewRaw(`SELECT m.organisation FROM membership m JOIN person p ON p.id = m.person
		WHERE m.person = ? AND m.disabled_at = 0 AND p.disabled_at = 0 ORDER BY m.seen_at DESC, m.organisation LIMIT 1`, person).Scan(ctx, &organisation)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return organisation, err
}

// FirstOrganisation returns the oldest organisation, NotFound when there is none yet.
func (s *Store) FirstOrganisation(ctx context.Context) (out Organisation, err error) {
	err = s.DB.NewRaw("SELECT id, name, created_at FROM organisation ORDER BY id LIMIT 1").Scan(ctx, &out)
	return out, missing(err, "there is no organisation")
}

// missing makes a NotFound of a row that is not there.
func missing(err error, text string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return Refuse(NotFound, "%s", text)
	}
	return err
}

// PersonByEmail returns the id of a person, 0 for nobody.
func (s *Store) PersonByEmail(ctx context.Context, email string) (id ID, err error) {
	err = s.DB.NewRaw("SELECT id FROM person WHERE email = ?", email).Scan(ctx, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, err
}

// CreateOrganisation makes an organisation.
func (tx *Tx) CreateOrganisation(ctx context.Context, name string) (Organisation, error) {
	o := Organisation{ID: tx.Store.NewID(), Name: name, CreatedAt: tx.Now}
	_, err := tx.NewRaw("INSERT INTO organisation (id, name, revision, created_at) VALUES (?, ?, 0, ?)", o.ID, o.Name, o.CreatedAt).Exec(ctx)
	return o, err
}

// Bootstrap makes the first organisation with its administrator, unless there is an organisation; then it returns zeros.
func (tx *Tx) Bootstrap(ctx context.Context, name, email string) (organisation, person ID, err error) {
	if tx.Store.Engine == PostgreSQL { // of servers that start together one comes first
		if _, err := tx.NewRaw("SELECT pg_advisory_xact_lock(?)", auditLock).Exec(ctx); err != nil {
			return 0, 0, fmt.Errorf("wait for other servers: %w", err)
		}
	}
	var n int
	if err := tx.NewRaw("SELECT count(*) FROM organisation").Scan(ctx, &n); err != nil || n > 0 {
		return 0, 0, err
	}
	o, err := tx.CreateOrganisation(ctx, name)
	if err != nil {
		return 0, 0, fmt.Errorf("make the first organisation: %w", err)
	}
	person, _, err = tx.Join(ctx, o.ID, email, "Administrator", access.Administrator)
	return o.ID, person, err
}

// FirstAdministrator returns the administrator who has been longest in an organisation and when they last signed in, 0 for nobody.
func (s *Store) FirstAdministrator(ctx context.Context, organisation ID) (person ID, seen Millis, err error) {
	err = s.DB.NewRaw(`SELECT m.person, m.seen_at FROM membership m JOIN person p ON p.id = m.person
		WHERE m.organisation = ? AND m.role = ? AND m.disabled_at = 0 AND p.disabled_at = 0 ORDER BY m.joined_at, m.person LIMIT 1`,
		organisation, access.Administrator).Scan(ctx, &person, &seen)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	return person, seen, err
}

// SignedIn notes that somebody signs in, and from where.
func (tx *Tx) SignedIn(ctx context.Context, organisation, person ID, address string) error {
	if _, err := tx.NewRaw("UPDATE membership SET seen_at = ? WHERE organisation = ? AND person = ?", tx.Now, organisation, person).Exec(ctx); err != nil {
		return fmt.Errorf("note a sign-in: %w", err)
	}
	_, err := tx.NewRaw("INSERT INTO known_address (person, address, seen_at) VALUES (?, ?, ?) ON CONFLICT (person, address) DO UPDATE SET seen_at = excluded.seen_at",
		person, address, tx.Now).Exec(ctx)
	return err
}

// Join puts somebody into an organisation, and makes the person when the address is new. The role of one who is in already
// stays as it is; added tells which it was.
func (tx *Tx) Join(ctx context.Context, organisation ID, email, name string, role access.Role) (person ID, added bool, err error) {
	err = tx.NewRaw("SELECT id FROM person WHERE email = ?", email).Scan(ctx, &person)
	if errors.Is(err, sql.ErrNoRows) {
		person = tx.Store.NewID()
		_, err = tx.NewRaw("INSERT INTO person (id, email, name, created_at) VALUES (?, ?, ?, ?)", person, email, name, tx.Now).Exec(ctx)
	}
	if err != nil {
		return 0, false, fmt.Errorf("make a person: %w", err)
	}
	r, err := tx.NewRaw("INSERT INTO membership (person, organisation, role, joined_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", person, organisation, role, tx.Now).Exec(ctx)
	if err != nil {
		return 0, false, fmt.Errorf("put somebody into an organisation: %w", err)
	}
	n, err := r.RowsAffected()
	return person, n == 1, err
}
