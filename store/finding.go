package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/finding"
)

// FindingRow is a finding in a list. All its texts come from repositories and people: whoever shows them has to treat them as such.
type FindingRow struct {
	ID           ID               `json:"id"`
	Severity     finding.Severity `json:"severity"`
	BaseSeverity finding.Severity `json:"baseSeverity" doc:"the rule's own"`
	Status       Status           `json:"status" doc:"open, muted or fixed: on the default branch, or on the branches that the query names"`
	Outcome      string           `json:"outcome" doc:"fail or undecided"`
	Rule         string           `json:"rule"`
	RuleTitle    string           `json:"ruleTitle" doc:"empty for rules that the catalogue does not have"`
	Category     string           `json:"category"`
	Message      string           `json:"message"`
	Provider     string           `json:"provider"`
	Dialect      string           `json:"dialect"`
	ResourceType string           `json:"resourceType"`
	Address      string           `json:"address"`
	Attribute    string           `json:"attribute,omitempty"`
	Unit         string           `json:"unit"`
	File         string           `json:"file"`
	Line         int              `json:"line"`
	Repository   FindingRef       `json:"repository"`
	Team         *FindingRef      `json:"team,omitempty"`
	Assignee     *FindingRef      `json:"assignee,omitempty" doc:"its name is an address of mail"`
	HasFix       bool             `json:"hasFix"`
	FirstSeenAt  Millis           `json:"firstSeenAt"`
	LastSeenAt   Millis           `json:"lastSeenAt"`
	Introduced   *FindingCommit   `json:"introduced,omitempty"`
	FixedAt      Millis           `json:"fixedAt,omitempty"`
	Fixed        *FindingCommit   `json:"fixed,omitempty"`
	Mute         *FindingMute     `json:"mute,omitempty" doc:"also of a fixed finding, whose mute holds when it comes back"`
}

// FindingRef is something that has an id and a name.
type FindingRef struct {
	ID   ID     `json:"id"`
	Name string `json:"name"`
}

// FindingCommit is the commit that brought or fixed a finding.
type FindingCommit struct {
	SHA    string `json:"sha"`
	Author string `json:"author"`
	At     Millis `json:"at,omitempty"`
}

// FindingMute is why a finding is muted.
type FindingMute struct {
	Reason  Reason `json:"reason"`
	Comment string `json:"comment"`
	By      string `json:"by"`
	At      Millis `json:"at,omitempty"`
	Until   Millis `json:"until,omitempty" doc:"absent when it does not end"`
}

// findingColumns is a row of table finding as lists need it.
type findingColumns struct {
	ID               ID
	Repository       ID
	Severity         int64
	BaseSeverity     int64
	Status           Status
	Outcome          string
	Rule             string
	Category         string
	Provider         string
	Dialect          string
	ResourceType     string
	Address          string
	Attribute        string
	Unit             string
	File             string
	Line             int
	Message          string
	Team             ID
	HasFix           bool
	Assignee         ID
	FirstSeenAt      Millis
	LastSeenAt       Millis
	FixedAt          Millis
	IntroducedSha    string
	IntroducedAuthor string
	IntroducedAt     Millis
	FixedSha         string
	FixedAuthor      string
	MuteReason       Reason
	MuteComment      string
	MuteBy           string
	MuteAt           Millis
	MuteUntil        Millis
	Detail           string
	Revision         int64
	OnDefault        bool
}

// findingNames are the columns of findingColumns.
const findingNames = `id, repository, severity, base_severity, status, outcome, rule, category, provider, dialect, resource_type, address, attribute, unit, file, line,
	message, team, has_fix, assignee, first_seen_at, last_seen_at, fixed_at, introduced_sha, introduced_author, introduced_at, fixed_sha, fixed_author,
	mute_reason, mute_comment, mute_by, mute_at, mute_until, detail, revision, on_default`

// namesOf are the names of what rows refer to by id.
type namesOf struct {
	repositories map[ID]namedRepository
	teams        map[ID]string
	people       map[ID]string
}

// names returns the names that the columns have; nobody changes these maps.
func (e *search) names() namesOf { return namesOf{e.c.repositories, e.c.teams, e.c.people} }

// findingRows reads rows by id; those that are not there are missing in the result. The sum keeps SQLite from going through all rows of the
// organisation by an index.
func (s *Store) findingRows(ctx context.Context, db bun.IDB, organisation ID, ids []ID) (map[ID]*findingColumns, error) {
	out := make(map[ID]*findingColumns, len(ids))
	for part := range slices.Chunk(ids, 500) {
		var list []findingColumns
		if err := db.NewRaw("SELECT "+findingNames+" FROM finding WHERE id IN (?) AND organisation + 0 = ?", bun.List(part), organisation).Scan(ctx, &list); err != nil {
			return nil, fmt.Errorf("read findings: %w", err)
		}
		for i := range list {
			out[list[i].ID] = &list[i]
		}
	}
	return out, nil
}

// item makes the row of a list.
func (f *findingColumns) item(names namesOf, rules Rulebook) FindingRow {
	out := FindingRow{ID: f.ID, Severity: finding.Severity(f.Severity), BaseSeverity: finding.Severity(f.BaseSeverity), Status: f.Status, Outcome: f.Outcome,
		Rule: f.Rule, RuleTitle: rules[f.Rule].Title, Category: f.Category, Message: f.Message, Provider: f.Provider, Dialect: f.Dialect,
		ResourceType: f.ResourceType, Address: f.Address, Attribute: f.Attribute, Unit: f.Unit, File: f.File, Line: f.Line,
		Repository: FindingRef{f.Repository, names.repositories[f.Repository].name}, HasFix: f.HasFix,
		FirstSeenAt: f.FirstSeenAt, LastSeenAt: f.LastSeenAt, FixedAt: f.FixedAt}
	if f.Team != 0 {
		out.Team = &FindingRef{f.Team, names.teams[f.Team]}
	}
	if f.Assignee != 0 {
		out.Assignee = &FindingRef{f.Assignee, names.people[f.Assignee]}
	}
	if f.IntroducedSha != "" {
		out.Introduced = &FindingCommit{f.IntroducedSha, f.IntroducedAuthor, f.IntroducedAt}
	}
	if f.FixedSha != "" {
		out.Fixed = &FindingCommit{f.FixedSha, f.FixedAuthor, f.FixedAt}
	}
	if f.MuteReason != "" {
		out.Mute = &FindingMute{f.MuteReason, f.MuteComment, f.MuteBy, f.MuteAt, f.MuteUntil}
	}
	return out
}

// FindingDetail is a finding with where it is.
type FindingDetail struct {
	FindingRow
	Detail   []byte     // JSON as the ingest had it, of the newest state of the default branch; nil when it is not kept any more
	Presence []Presence // by name of the branch, the default one first
}

// Presence is a finding on a branch.
type Presence struct {
	Branch  string `json:"branch"`
	Default bool   `json:"default"`
	Status  Status `json:"status"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Since   string `json:"since" doc:"commit with which it came"`
	SinceAt Millis `json:"sinceAt,omitempty"`
	Fixed   string `json:"fixed,omitempty" doc:"commit with which it went"`
	FixedAt Millis `json:"fixedAt,omitempty"`
}

// noFinding is the answer about findings that are not there or not to be seen.
var noFinding = &Fault{NotFound, "there is no such finding, or you may not see it"}

// findingBy reads one row that the scope sees.
func findingBy(ctx context.Context, db bun.IDB, scope access.Scope, id ID) (*findingColumns, error) {
	if !scope.Somewhere() {
		return nil, noFinding
	}
	seen, args := seenFindings(scope)
	args = append([]any{id, scope.Organisation}, args...)
	query := "SELECT " + findingNames + " FROM finding f WHERE f.id = ? AND f.organisation = ? AND " + seen + " AND EXISTS (SELECT 1 FROM repository r WHERE r.id = f.repository AND r.state <> 'removed')"
	if scope.Repository != 0 {
		query, args = query+" AND f.repository = ?", append(args, scope.Repository)
	}
	var out findingColumns
	switch err := db.NewRaw(query, args...).Scan(ctx, &out); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, noFinding
	case err != nil:
		return nil, fmt.Errorf("read a finding: %w", err)
	}
	return &out, nil
}

// Finding returns one finding with its details.
func (s *Store) Finding(ctx context.Context, scope access.Scope, id ID, rules Rulebook) (*FindingDetail, error) {
	row, err := findingBy(ctx, s.DB, scope, id)
	if err != nil {
		return nil, err
	}
	names, err := s.namesFor(ctx, row)
	if err != nil {
		return nil, err
	}
	out := &FindingDetail{FindingRow: row.item(names, rules), Presence: []Presence{}}
	if row.Detail != "" {
		out.Detail, err = s.Blob(ctx, row.Detail)
		if fault, ok := errors.AsType[*Fault](err); err != nil && (!ok || fault.Kind != NotFound) {
			return nil, err
		}
	}
	var list []struct {
		Name      string
		IsDefault bool
		State     string
		File      string
		Line      int
		SinceSha  string
		SinceAt   Millis
		FixedSha  string
		FixedAt   Millis
	}
	if err := s.DB.NewRaw(`SELECT b.name, b.is_default, p.state, p.file, p.line, p.since_sha, p.since_at, p.fixed_sha, p.fixed_at
FROM presence p JOIN branch b ON b.id = p.branch WHERE p.finding = ? AND b.removed_at = 0 ORDER BY b.is_default DESC, p.state = 'open' DESC, b.name LIMIT 200`, id).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("read where a finding is: %w", err)
	}
	for _, p := range list {
		life := Life{Detected: p.State != string(StatusFixed), Mute: row.MuteReason}
		switch {
		case p.State == string(Excluded):
			life.Mute = Excluded
		case life.Mute == Excluded: // elsewhere
			life.Mute = ""
		}
		out.Presence = append(out.Presence, Presence{p.Name, p.IsDefault, life.Status(), p.File, p.Line, p.SinceSha, p.SinceAt, p.FixedSha, p.FixedAt})
	}
	return out, nil
}

// namesFor reads the names of what one row refers to.
func (s *Store) namesFor(ctx context.Context, f *findingColumns) (namesOf, error) {
	out := namesOf{map[ID]namedRepository{}, map[ID]string{}, map[ID]string{}}
	var repository, team, person string
	err := s.DB.NewRaw(`SELECT coalesce((SELECT name FROM repository WHERE id = ?), ''), coalesce((SELECT name FROM team WHERE id = ?), ''), coalesce((SELECT email FROM person WHERE id = ?), '')`,
		f.Repository, f.Team, f.Assignee).Scan(ctx, &repository, &team, &person)
	if err != nil {
		return out, fmt.Errorf("read names: %w", err)
	}
	out.repositories[f.Repository], out.teams[f.Team], out.people[f.Assignee] = namedRepository{name: repository}, team, person
	return out, nil
}

// FindingEvent is something that happened to a finding.
type FindingEvent struct {
	ID     ID     `json:"id"`
	At     Millis `json:"at"`
	Kind   string `json:"kind" doc:"opened, fixed, reopened, moved, muted, restored, expired, assigned, commented, severity"`
	Actor  string `json:"actor" doc:"empty for the program"`
	Branch string `json:"branch,omitempty"`
	SHA    string `json:"sha,omitempty" bun:"sha"`
	Data   string `json:"-"`
}

// FindingEvents returns one page of the timeline of a finding, the newest first. After is the id of the last event of the page before,
// 0 for the first page.
func (s *Store) FindingEvents(ctx context.Context, scope access.Scope, id, after ID, limit int) (list []FindingEvent, next ID, err error) {
	if _, err := findingBy(ctx, s.DB, scope, id); err != nil {
		return nil, 0, err
	}
	query, args := "SELECT id, at, kind, actor, branch, sha, data FROM event WHERE finding = ?", []any{id}
	if after != 0 {
		query, args = query+" AND id < ?", append(args, after)
	}
	var rows []FindingEvent
	if err := s.DB.NewRaw(query+" ORDER BY id DESC LIMIT ?", append(args, limit+1)...).Scan(ctx, &rows); err != nil {
		return nil, 0, fmt.Errorf("read the timeline of a finding: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].ID
	}
	return append([]FindingEvent{}, rows...), next, nil
}

// FindingNames returns the values that findings of the scope have for a key and that begin with a text, for completion.
func (s *Store) FindingNames(ctx context.Context, f FindingSearch, key, prefix string, limit int) ([]string, error) {
	switch key {
	case "path":
		key = "file"
	case "control":
		return f.Rules.controls(prefix, limit), nil
	}
	if key == "unit" || key == "address" || key == "author" || key == "message" || key == "commit" {
		return s.textsOf(ctx, f, key, prefix, limit)
	}
	if !slices.Contains(FacetKeys, key) {
		return nil, nil
	}
	facets, err := s.Facets(ctx, f, []string{key}, 5000)
	if err != nil {
		return nil, err
	}
	var out, within []string
	for _, v := range facets[0].Values {
		switch lower := lowerASCII(v.Value); {
		case v.Count == 0 && len(facets[0].Values) > 20:
		case hasPrefixFold(lower, prefix):
			out = append(out, v.Value)
		case containsFold(lower, prefix):
			within = append(within, v.Value)
		}
	}
	out = append(out, within...)
	return out[:min(len(out), limit)], nil
}

// controls returns controls as framework/control that have a text.
func (r Rulebook) controls(part string, limit int) []string {
	seen := map[string]bool{}
	for _, facts := range r {
		for framework, controls := range facts.Controls {
			for _, c := range controls {
				if name := framework + "/" + c; containsFold(lowerASCII(name), part) {
					seen[name] = true
				}
			}
		}
	}
	out := slices.Sorted(maps.Keys(seen))
	return out[:min(len(out), limit)]
}
