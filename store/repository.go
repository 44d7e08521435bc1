package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/access"
)

// Repository is a connected repository, or one whose results are only uploaded.
type Repository struct {
	ID            ID      `json:"id"`
	Name          string  `json:"name"`
	Address       string  `json:"address" doc:"of git, without credentials; empty when results are only uploaded"`
	Credential    string  `json:"credential" bun:"credential_kind" enum:",token,password,ssh-key" doc:"kind of the credential that is kept; it is never given out. Empty when there is none"`
	DefaultBranch string  `json:"defaultBranch" doc:"empty until the first fetch"`
	State         string  `json:"state" enum:"active,paused"`
	Problem       string  `json:"problem" doc:"why the last fetch or scan failed; empty when it did not"`
	CreatedAt     Millis  `json:"createdAt"`
	FetchedAt     Millis  `json:"fetchedAt"`
	ScannedAt     Millis  `json:"scannedAt"`
	Open          Tally   `json:"open" bun:"-" doc:"open findings on the default branch"`
	Branches      int     `json:"branches" bun:"-"`
	Head          *Head   `json:"head,omitempty" bun:"-" doc:"newest commit of the default branch"`
	Scan          *LastOf `json:"scan,omitempty" bun:"-" doc:"the last scan, or the one under way"`
	Settings      string  `json:"-"`
}

// Tally counts findings by severity.
type Tally struct {
	Critical int `json:"critical"`
	High     int `json:"high"`
	Medium   int `json:"medium"`
	Low      int `json:"low"`
	Info     int `json:"info"`
}

// add counts n findings of a severity, 1 info … 5 critical.
func (t *Tally) add(severity, n int) {
	if fields := [...]*int{&t.Info, &t.Low, &t.Medium, &t.High, &t.Critical}; severity >= 1 && severity <= len(fields) {
		*fields[severity-1] += n
	}
}

// Head is the newest commit of a branch. Author and subject are known when it was scanned.
type Head struct {
	SHA     string `json:"sha"`
	At      Millis `json:"at"`
	Author  string `json:"author"`
	Subject string `json:"subject"`
	Scanned bool   `json:"scanned" doc:"whether the findings shown are of this commit"`
}

// LastOf is the newest scan of a repository.
type LastOf struct {
	ID        ID     `json:"id"`
	Kind      string `json:"kind" doc:"commit, history, full, manual or upload"`
	State     string `json:"state" doc:"queued, running, done or failed"`
	StartedAt Millis `json:"startedAt"`
	EndedAt   Millis `json:"endedAt"`
	Commits   int    `json:"commits"`
	Problem   string `json:"problem"`
	Branch    string `json:"branch"`
}

// RepositoryQuery says which repositories to list.
type RepositoryQuery struct {
	Text   string // in the name or the address, whatever the case
	State  string // active, paused, problem (the last fetch or scan failed); "" for all
	Sort   string // name, scanned (newest first), risk (worst first); "" is name
	Cursor string // where the page before ended
	Limit  int
}

// seenRepositories is the condition on repository r that a scope sees it: all of the organisation, or what its teams own a part of.
func seenRepositories(scope access.Scope) (string, []any) {
	if !scope.Somewhere() {
		return "1 = 0", nil
	}
	text, args := "r.organisation = ? AND r.state <> 'removed'", []any{scope.Organisation}
	if scope.Repository != 0 {
		text, args = text+" AND r.id = ?", append(args, scope.Repository)
	}
	if !scope.All {
		text += " AND EXISTS (SELECT 1 FROM ownership o WHERE o.organisation = r.organisation AND o.team IN (?) AND (o.repository IS NULL OR o.repository = r.id))"
		args = append(args, bun.List(scope.Teams))
	}
	return text, args
}

// seenFindings is the condition on finding f that a scope sees it, given that it sees the repository.
func seenFindings(scope access.Scope) (string, []any) {
	if scope.All {
		return "1 = 1", nil
	}
	return "f.team IN (?)", []any{bun.List(scope.Teams)}
}

const repositoryColumns = "r.id, r.name, r.address, r.credential_kind, r.default_branch, r.state, r.problem, r.settings, r.created_at, r.fetched_at, r.scanned_at"

// Repository returns one repository of the scope.
func (s *Store) Repository(ctx context.Context, scope access.Scope, id ID) (*Repository, error) {
	return repositoryBy(ctx, s.DB, scope, "r.id = ?", id)
}

// RepositoryNamed returns the repository of the scope with a name.
func (s *Store) RepositoryNamed(ctx context.Context, scope access.Scope, name string) (*Repository, error) {
	return repositoryBy(ctx, s.DB, scope, "r.name = ?", name)
}

// SeesRepository tells whether a scope sees a repository.
func (s *Store) SeesRepository(ctx context.Context, scope access.Scope, id ID) (bool, error) {
	seen, args := seenRepositories(scope)
	var n int
	if err := s.DB.NewRaw("SELECT count(*) FROM repository r WHERE "+seen+" AND r.id = ?", append(args, id)...).Scan(ctx, &n); err != nil {
		return false, fmt.Errorf("look for a repository: %w", err)
	}
	return n > 0, nil
}

func repositoryBy(ctx context.Context, db bun.IDB, scope access.Scope, which string, key any) (*Repository, error) {
	seen, args := seenRepositories(scope)
	r := &Repository{}
	err := db.NewRaw("SELECT "+repositoryColumns+" FROM repository r WHERE "+seen+" AND "+which, append(args, key)...).Scan(ctx, r)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, Refuse(NotFound, "There is no such repository here.")
	}
	if err != nil {
		return nil, fmt.Errorf("read a repository: %w", err)
	}
	list := []Repository{*r}
	if err := describeRepositories(ctx, db, scope, list); err != nil {
		return nil, err
	}
	return &list[0], nil
}

// riskOf weighs the open findings of a repository: one that is worse counts for more than many that are milder.
const riskOf = `coalesce((SELECT sum(CASE f.severity WHEN 5 THEN 1000000000000 WHEN 4 THEN 100000000 WHEN 3 THEN 10000 WHEN 2 THEN 1 ELSE 0 END)
FROM finding f WHERE f.repository = r.id AND f.status = 'open' AND (f.on_default = 1 OR r.default_branch = '') AND f.outcome = 'fail' AND `

// Repositories lists repositories of the scope. next is the cursor of the page after, "" on the last one.
func (s *Store) Repositories(ctx context.Context, scope access.Scope, q RepositoryQuery) (list []Repository, next string, err error) {
	where, args := seenRepositories(scope)
	if q.Text != "" {
		like := likeText(q.Text)
		where += ` AND (lower(r.name) LIKE ? ESCAPE '\' OR lower(r.address) LIKE ? ESCAPE '\')`
		args = append(args, like, like)
	}
	switch q.State {
	case "problem":
		where += " AND r.problem <> ''"
	case "active", "paused":
		where, args = where+" AND r.state = ?", append(args, q.State)
	}
	key, back := "r.name", false
	var keyArgs []any
	switch q.Sort {
	case "scanned":
		key, back = "r.scanned_at", true
	case "risk":
		seen, more := seenFindings(scope)
		key, keyArgs, back = riskOf+seen+"), 0)", more, true
	}
	query := "SELECT * FROM (SELECT " + repositoryColumns + ", " + key + " AS sort_key FROM repository r WHERE " + where + ") AS x"
	args = append(keyArgs, args...)
	order, than := "", ">"
	if back {
		order, than = " DESC", "<"
	}
	if q.Cursor != "" {
		after, id, err := readRepositoryCursor(q.Cursor, back)
		if err != nil {
			return nil, "", err
		}
		query += " WHERE sort_key " + than + " ? OR sort_key = ? AND id > ?"
		args = append(args, after, after, id)
	}
	query += " ORDER BY sort_key" + order + ", id LIMIT ?"
	args = append(args, q.Limit+1)
	var rows []struct {
		Repository
		SortKey string
	}
	if err := s.DB.NewRaw(query, args...).Scan(ctx, &rows); err != nil {
		return nil, "", fmt.Errorf("list repositories: %w", err)
	}
	if len(rows) > q.Limit {
		rows = rows[:q.Limit]
		last := rows[len(rows)-1]
		text, err := json.Marshal([2]string{last.SortKey, last.ID.String()})
		if err != nil {
			return nil, "", err
		}
		next = base64.RawURLEncoding.EncodeToString(text)
	}
	list = make([]Repository, len(rows))
	for i := range rows {
		list[i] = rows[i].Repository
	}
	return list, next, describeRepositories(ctx, s.DB, scope, list)
}

// likeText is the pattern of what contains a text, for "lower(x) LIKE ? ESCAPE '\'".
func likeText(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(text)) + "%"
}

func readRepositoryCursor(cursor string, number bool) (after any, id ID, err error) {
	var parts [2]string
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(text, &parts)
	}
	if err == nil {
		err = id.UnmarshalText([]byte(parts[1]))
	}
	after = parts[0]
	if number && err == nil {
		var n int64
		_, err = fmt.Sscan(parts[0], &n)
		after = n
	}
	if err != nil {
		return nil, 0, Refuse(Invalid, "The cursor is not one of this list: begin again without it.")
	}
	return after, id, nil
}

// describeRepositories adds what other tables know about repositories.
func describeRepositories(ctx context.Context, db bun.IDB, scope access.Scope, list []Repository) error {
	if len(list) == 0 {
		return nil
	}
	ids, at := make([]ID, len(list)), map[ID]*Repository{}
	for i := range list {
		ids[i], at[list[i].ID] = list[i].ID, &list[i]
	}
	seen, args := seenFindings(scope)
	var counts []struct {
		Repository  ID
		Severity, N int
	}
	if err := db.NewRaw("SELECT f.repository, f.severity, count(*) AS n FROM finding f JOIN repository r ON r.id = f.repository WHERE f.repository IN (?) AND f.status = 'open' AND (f.on_default = 1 OR r.default_branch = '') AND f.outcome = 'fail' AND "+
		seen+" GROUP BY f.repository, f.severity", append([]any{bun.List(ids)}, args...)...).Scan(ctx, &counts); err != nil {
		return fmt.Errorf("count the findings of repositories: %w", err)
	}
	for _, c := range counts {
		at[c.Repository].Open.add(c.Severity, c.N)
	}
	var branches []struct {
		Repository ID
		N          int
	}
	if err := db.NewRaw("SELECT repository, count(*) AS n FROM branch WHERE repository IN (?) AND removed_at = 0 GROUP BY repository", bun.List(ids)).Scan(ctx, &branches); err != nil {
		return fmt.Errorf("count the branches of repositories: %w", err)
	}
	for _, b := range branches {
		at[b.Repository].Branches = b.N
	}
	var heads []struct {
		Repository            ID
		Head, Scanned         string
		HeadAt                Millis
		Author, Subject, Said sql.NullString
	}
	if err := db.NewRaw(`SELECT b.repository, b.head, b.scanned, b.head_at, c.author, c.subject FROM branch b
LEFT JOIN commit_result c ON c.repository = b.repository AND c.sha = b.head WHERE b.repository IN (?) AND b.is_default = 1`, bun.List(ids)).Scan(ctx, &heads); err != nil {
		return fmt.Errorf("read the heads of repositories: %w", err)
	}
	for _, h := range heads {
		at[h.Repository].Head = &Head{SHA: h.Head, At: h.HeadAt, Author: h.Author.String, Subject: h.Subject.String, Scanned: h.Head == h.Scanned}
	}
	var scans []struct {
		LastOf
		Repository ID
	}
	if err := db.NewRaw(`SELECT s.id, s.kind, s.state, s.started_at, s.ended_at, s.commits, s.problem, s.repository, b.name AS branch
FROM repository r JOIN scan s ON s.id = (SELECT l.id FROM scan l WHERE l.repository = r.id ORDER BY l.started_at DESC, l.id DESC LIMIT 1)
JOIN branch b ON b.id = s.branch WHERE r.id IN (?)`, bun.List(ids)).Scan(ctx, &scans); err != nil {
		return fmt.Errorf("read the last scans of repositories: %w", err)
	}
	for i := range scans {
		at[scans[i].Repository].Scan = &scans[i].LastOf
	}
	return nil
}

// Sealed is a credential as the database keeps it.
type Sealed struct {
	Kind    string // token, password, ssh-key; "" takes it away
	Content []byte // sealed for this repository
}

// RepositoryChange is what to change about a repository; nil leaves it.
type RepositoryChange struct {
	Name, Address, State, Settings, DefaultBranch *string
	Credential                                    *Sealed
}

// CheckRepositoryName refuses names that are empty, longer than 200 characters or hard to write in a query or an address.
func CheckRepositoryName(name string) error {
	fits := func(c rune) bool {
		return c != utf8.RuneError && (unicode.IsLetter(c) || unicode.IsNumber(c) || strings.ContainsRune("_.~@+/-", c))
	}
	if n := utf8.RuneCountInString(name); n == 0 || n > 200 || strings.ContainsFunc(name, func(c rune) bool { return !fits(c) }) ||
		strings.ContainsRune("@+/-", rune(name[0])) || strings.Contains(name, "//") || strings.HasSuffix(name, "/") {
		return Refuse(Invalid, "The name of a repository has 1 to 200 letters, digits and . _ ~ @ + - /, as in payments/infra.")
	}
	return nil
}

// AddRepository makes the row of a repository under an id that NewID gave; a credential is sealed for that id.
func (tx *Tx) AddRepository(ctx context.Context, organisation ID, r Repository, c Sealed) error {
	if err := CheckRepositoryName(r.Name); err != nil {
		return err
	}
	if err := tx.freeRepository(ctx, organisation, r); err != nil {
		return err
	}
	_, err := tx.NewRaw("INSERT INTO repository (id, organisation, name, address, credential, credential_kind, default_branch, settings, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		r.ID, organisation, r.Name, r.Address, nullable(c.Content), c.Kind, r.DefaultBranch, r.Settings, tx.Now).Exec(ctx)
	if err != nil {
		return fmt.Errorf("connect a repository: %w", err)
	}
	return tx.Notify(ctx, Notice{Organisation: organisation, Repository: r.ID, Kind: "repositories"}, nil)
}

// nullable keeps an absent credential from being an empty one.
func nullable(content []byte) any {
	if len(content) == 0 {
		return nil
	}
	return content
}

// freeRepository refuses names and addresses that another repository of the organisation has. It takes the row of the organisation,
// so that of two requests at once the second one sees the first.
func (tx *Tx) freeRepository(ctx context.Context, organisation ID, r Repository) error {
	if _, err := tx.NewRaw("UPDATE organisation SET name = name WHERE id = ?", organisation).Exec(ctx); err != nil {
		return fmt.Errorf("wait for the organisation: %w", err)
	}
	var others []Repository
	if err := tx.NewRaw("SELECT id, name, address FROM repository WHERE organisation = ? AND id <> ? AND state <> 'removed' AND (name = ? OR address = ? AND address <> '')",
		organisation, r.ID, r.Name, r.Address).Scan(ctx, &others); err != nil {
		return fmt.Errorf("look for a repository of the same name: %w", err)
	}
	switch {
	case len(others) == 0:
		return nil
	case slices.ContainsFunc(others, func(o Repository) bool { return o.Name == r.Name }):
		return Refuse(Conflict, "There is a repository named %s already: give this one another name.", r.Name)
	}
	return Refuse(Conflict, "This address is connected already, as %s.", others[0].Name)
}

// OwnsRepository tells whether a scope may change a repository: one that is bound to a team must own all of it, because the rest
// is other people's.
func (tx *Tx) ownsRepository(ctx context.Context, scope access.Scope, id ID) error {
	if scope.All {
		return nil
	}
	var n int
	if err := tx.NewRaw("SELECT count(*) FROM ownership WHERE organisation = ? AND repository = ? AND path = '' AND team IN (?)",
		scope.Organisation, id, bun.List(scope.Teams)).Scan(ctx, &n); err != nil {
		return fmt.Errorf("look for the owner of a repository: %w", err)
	}
	if n == 0 {
		return Refuse(Forbidden, "Your team owns a part of this repository only: somebody whose role holds in the whole organisation can change it.")
	}
	return nil
}

// ChangeRepository changes a repository of the scope and returns it as it was.
func (tx *Tx) ChangeRepository(ctx context.Context, scope access.Scope, id ID, c RepositoryChange) (*Repository, error) {
	before, err := repositoryBy(ctx, tx, scope, "r.id = ?", id)
	if err != nil {
		return nil, err
	}
	if err := tx.ownsRepository(ctx, scope, id); err != nil {
		return nil, err
	}
	after := *before
	for _, f := range []struct{ to, from *string }{{&after.Name, c.Name}, {&after.Address, c.Address}, {&after.State, c.State}, {&after.Settings, c.Settings}, {&after.DefaultBranch, c.DefaultBranch}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if err := CheckRepositoryName(after.Name); err != nil {
		return nil, err
	}
	if err := tx.freeRepository(ctx, ID(scope.Organisation), after); err != nil {
		return nil, err
	}
	set, args := "name = ?, address = ?, state = ?, settings = ?, default_branch = ?", []any{after.Name, after.Address, after.State, after.Settings, after.DefaultBranch}
	if c.Credential != nil {
		set, args = set+", credential = ?, credential_kind = ?", append(args, nullable(c.Credential.Content), c.Credential.Kind)
	}
	if c.Address != nil || c.Credential != nil {
		set += ", problem = ''" // it was about the old one
	}
	if _, err := tx.NewRaw("UPDATE repository SET "+set+" WHERE id = ?", append(args, id)...).Exec(ctx); err != nil {
		return nil, fmt.Errorf("change a repository: %w", err)
	}
	return before, tx.Notify(ctx, Notice{Organisation: ID(scope.Organisation), Repository: id, Kind: "repositories"}, nil)
}

// RemoveRepository takes a repository out of everybody's sight, with its credential; its name is free again. Its rows go later, by Purge.
func (tx *Tx) RemoveRepository(ctx context.Context, scope access.Scope, id ID) (*Repository, error) {
	before, err := repositoryBy(ctx, tx, scope, "r.id = ?", id)
	if err != nil {
		return nil, err
	}
	if err := tx.ownsRepository(ctx, scope, id); err != nil {
		return nil, err
	}
	if _, err := tx.NewRaw("UPDATE repository SET state = 'removed', name = ?, address = '', credential = NULL, credential_kind = '', settings = '', problem = '' WHERE id = ?",
		"removed "+id.String(), id).Exec(ctx); err != nil {
		return nil, fmt.Errorf("remove a repository: %w", err)
	}
	if _, err := tx.NewRaw("UPDATE organisation SET revision = revision + 1 WHERE id = ?", scope.Organisation).Exec(ctx); err != nil {
		return nil, fmt.Errorf("remove a repository: %w", err)
	}
	for _, kind := range []string{"repositories", "findings"} {
		if err := tx.Notify(ctx, Notice{Organisation: ID(scope.Organisation), Kind: kind}, nil); err != nil {
			return nil, err
		}
	}
	return before, nil
}
