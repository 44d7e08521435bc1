package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/access"
)

// Rules of this file: a rule that is switched off is still judged. Its findings are muted with the reason RuleOff, so that they
// are followed like all others, count as nobody's work, and come back with their history when the rule is switched on again. A
// scan that left the rule out would make them look fixed.

// RuleOff is the reason of a mute that a rule setting made. People neither give nor take it.
const RuleOff = "rule-off"

// RuleSetting is what somebody decided about a rule: for the organisation, for what a team owns, or for a repository.
type RuleSetting struct {
	ID         ID     `json:"id"`
	Rule       string `json:"rule" doc:"id of the rule"`
	Team       ID     `json:"team" doc:"0 when it is not a team's"`
	Repository ID     `json:"repository" doc:"0 when it is not a repository's"`
	Off        bool   `json:"off"`
	Severity   int64  `json:"-"` // 1 info … 5 critical; 0 is the rule's own
	Reason     string `json:"reason"`
	By         string `json:"by"`
	At         Millis `json:"at"`
}

// rank tells how specific a setting is.
func (r *RuleSetting) rank() int {
	switch {
	case r.Repository != 0:
		return 2
	case r.Team != 0:
		return 1
	}
	return 0
}

// RuleSettings are the settings of an organisation by rule, the most specific first.
type RuleSettings map[string][]RuleSetting

// Of returns what counts for the findings of a rule in a repository that a team owns (0 for nobody), nil when nobody decided.
func (s RuleSettings) Of(rule string, repository, team ID) *RuleSetting {
	for i, r := range s[rule] {
		if r.Repository != 0 && r.Repository != repository || r.Team != 0 && r.Team != team {
			continue
		}
		return &s[rule][i]
	}
	return nil
}

// with returns the settings of one rule after a change.
func (s RuleSettings) with(c RuleChange) RuleSettings {
	list := slices.DeleteFunc(slices.Clone(s[c.Rule]), func(r RuleSetting) bool { return r.Team == c.Team && r.Repository == c.Repository })
	if !c.Inherit {
		list = append(list, RuleSetting{Rule: c.Rule, Team: c.Team, Repository: c.Repository, Off: c.Off, Severity: c.Severity, Reason: c.Reason})
	}
	sortSettings(list)
	return RuleSettings{c.Rule: list}
}

func sortSettings(list []RuleSetting) {
	slices.SortFunc(list, func(a, b RuleSetting) int { return cmp.Or(cmp.Compare(b.rank(), a.rank()), cmp.Compare(a.ID, b.ID)) })
}

// RuleSettings returns what an organisation decided about rules.
func (s *Store) RuleSettings(ctx context.Context, organisation ID) (RuleSettings, error) {
	return ruleSettings(ctx, s.DB, organisation)
}

// RuleSettings is Store.RuleSettings inside of the transaction.
func (tx *Tx) RuleSettings(ctx context.Context, organisation ID) (RuleSettings, error) {
	return ruleSettings(ctx, tx, organisation)
}

func ruleSettings(ctx context.Context, db bun.IDB, organisation ID) (RuleSettings, error) {
	rows, err := db.QueryContext(ctx, "SELECT id, rule, COALESCE(team, 0), COALESCE(repository, 0), off, severity, reason, set_by, set_at FROM rule_setting WHERE organisation = ?", organisation)
	if err != nil {
		return nil, fmt.Errorf("read the settings of rules: %w", err)
	}
	defer rows.Close()
	out := make(RuleSettings)
	for rows.Next() {
		var r RuleSetting
		var off int64
		if err := rows.Scan(&r.ID, &r.Rule, &r.Team, &r.Repository, &off, &r.Severity, &r.Reason, &r.By, &r.At); err != nil {
			return nil, fmt.Errorf("read the settings of rules: %w", err)
		}
		r.Off = off != 0
		out[r.Rule] = append(out[r.Rule], r)
	}
	for _, list := range out {
		sortSettings(list)
	}
	return out, rows.Err()
}

// RuleChange is a wish about a rule, for the organisation when neither Team nor Repository is set. Both are not allowed.
type RuleChange struct {
	Rule       string
	Team       ID
	Repository ID
	Off        bool
	Severity   int64 // 0 is the rule's own
	Inherit    bool  // take the setting of this place away; Off and Severity do not count then
	Reason     string
	By         string
}

// check refuses what makes no sense or is not the caller's to decide: everything that the change touches must lie in the scope.
func (c *RuleChange) check(ctx context.Context, db bun.IDB, scope access.Scope) error {
	switch {
	case c.Team != 0 && c.Repository != 0:
		return Refuse(Invalid, "A setting is for the organisation, for a team or for a repository: name one.")
	case c.Severity < 0 || c.Severity > 5:
		return Refuse(Invalid, "A severity is critical, high, medium, low or info.")
	case len(c.Reason) > 2000:
		return Refuse(Invalid, "The reason is longer than 2,000 bytes.")
	}
	var found int
	var err error
	switch {
	case c.Team != 0:
		if !scope.All && !slices.Contains(scope.Teams, int64(c.Team)) || scope.Repository != 0 {
			return Refuse(NotFound, "There is no such team.")
		}
		if err = db.NewRaw("SELECT count(*) FROM team WHERE id = ? AND organisation = ?", c.Team, scope.Organisation).Scan(ctx, &found); err == nil && found == 0 {
			return Refuse(NotFound, "There is no such team.")
		}
	case c.Repository != 0:
		if scope.Repository != 0 && scope.Repository != int64(c.Repository) {
			return Refuse(NotFound, "There is no such repository.")
		}
		if err = db.NewRaw("SELECT count(*) FROM repository WHERE id = ? AND organisation = ? AND state <> 'removed'", c.Repository, scope.Organisation).Scan(ctx, &found); err == nil && found == 0 {
			return Refuse(NotFound, "There is no such repository.")
		}
		if !scope.All {
			return Refuse(Forbidden, "A repository may have findings of several teams: only who may set rules everywhere sets them for a repository. Set the rule for your team.")
		}
	case !scope.All || scope.Repository != 0:
		return Refuse(Forbidden, "Only who may set rules everywhere sets them for the organisation. Set the rule for your team.")
	}
	if err != nil {
		return fmt.Errorf("look up where a rule is set: %w", err)
	}
	return nil
}

// SetRule records a decision about a rule and settles the findings that it is about. It returns how many changed.
func (tx *Tx) SetRule(ctx context.Context, scope access.Scope, c RuleChange) (int, error) {
	if err := c.check(ctx, tx, scope); err != nil {
		return 0, err
	}
	if strings.TrimSpace(c.Reason) == "" {
		return 0, Refuse(Invalid, "Say why: others will ask what this decision was for.")
	}
	result, err := tx.NewRaw("DELETE FROM rule_setting WHERE organisation = ? AND rule = ? AND COALESCE(team, 0) = ? AND COALESCE(repository, 0) = ?",
		scope.Organisation, c.Rule, c.Team, c.Repository).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("replace the setting of a rule: %w", err)
	}
	if n, _ := result.RowsAffected(); c.Inherit && n == 0 {
		return 0, Refuse(Conflict, "There is no setting of %s here that could be taken away.", c.Rule)
	}
	if !c.Inherit {
		null := func(id ID) any {
			if id == 0 {
				return nil
			}
			return id
		}
		off := 0
		if c.Off {
			off = 1
		}
		if _, err := tx.NewRaw("INSERT INTO rule_setting (id, organisation, team, repository, rule, off, severity, reason, set_by, set_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			tx.Store.NewID(), scope.Organisation, null(c.Team), null(c.Repository), c.Rule, off, c.Severity, c.Reason, c.By, tx.Now).Exec(ctx); err != nil {
			return 0, fmt.Errorf("write the setting of a rule: %w", err)
		}
	}
	return tx.SettleRules(ctx, RuleTarget{Organisation: ID(scope.Organisation), Rule: c.Rule, Actor: c.By})
}

// RulePreview counts the fails of a rule on default branches in the place of a change, now and as they would be after it.
type RulePreview struct {
	Now       []RuleCount `json:"now" doc:"fails on default branches, as everywhere; the other findings are counted below"`
	After     []RuleCount `json:"after"`
	Changed   int         `json:"changed" doc:"how many findings of every kind would not be as they are"`
	Undecided int         `json:"undecided" doc:"undecided findings on default branches, which the decision is about too"`
	Elsewhere int         `json:"elsewhere" doc:"findings that only other branches have, which the decision is about too"`
}

// RuleCount is how many findings have a severity and a status.
type RuleCount struct {
	Severity int64  `json:"-"`
	Name     string `json:"severity" doc:"critical, high, medium, low or info"`
	Status   string `json:"status" doc:"open, muted or fixed"`
	Count    int    `json:"count"`
}

// PreviewRule says what SetRule would do, without a need for a reason.
func (s *Store) PreviewRule(ctx context.Context, scope access.Scope, c RuleChange) (*RulePreview, error) {
	if err := c.check(ctx, s.DB, scope); err != nil {
		return nil, err
	}
	settings, err := s.RuleSettings(ctx, ID(scope.Organisation))
	if err != nil {
		return nil, err
	}
	settings = settings.with(c)
	rows, err := s.DB.QueryContext(ctx, "SELECT f.repository, f.team, f.severity, f.base_severity, f.status, f.mute_reason, f.outcome, CASE WHEN r.default_branch = '' THEN 1 ELSE f.on_default END, count(*) FROM finding f JOIN repository r ON r.id = f.repository "+
		"WHERE f.organisation = ? AND f.rule = ? GROUP BY 1, 2, 3, 4, 5, 6, 7, 8", scope.Organisation, c.Rule)
	if err != nil {
		return nil, fmt.Errorf("count the findings of a rule: %w", err)
	}
	defer rows.Close()
	type key struct {
		severity int64
		status   string
	}
	now, after := make(map[key]int), make(map[key]int)
	out := &RulePreview{}
	for rows.Next() {
		var f ruled
		var outcome string
		var here, n int
		if err := rows.Scan(&f.repository, &f.team, &f.severity, &f.base, &f.status, &f.reason, &outcome, &here, &n); err != nil {
			return nil, fmt.Errorf("count the findings of a rule: %w", err)
		}
		if c.Team != 0 && c.Team != f.team || c.Repository != 0 && c.Repository != f.repository {
			continue
		}
		then := f.settle(settings.Of(c.Rule, f.repository, f.team))
		if then != f {
			out.Changed += n
		}
		switch {
		case here == 0:
			out.Elsewhere += n
		case outcome == "undecided":
			out.Undecided += n
		default:
			now[key{f.severity, f.status}] += n
			after[key{then.severity, then.status}] += n
		}
	}
	list := func(counts map[key]int) []RuleCount {
		all := make([]RuleCount, 0, len(counts))
		for k, n := range counts {
			all = append(all, RuleCount{k.severity, severityName(k.severity), k.status, n})
		}
		slices.SortFunc(all, func(a, b RuleCount) int {
			return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Status, b.Status))
		})
		return all
	}
	out.Now, out.After = list(now), list(after)
	return out, rows.Err()
}

// ruled is what rule settings decide about a finding, and what they look at.
type ruled struct {
	repository, team ID
	severity, base   int64
	status, reason   string
}

// settle returns how a finding is to be under a setting, nil for none. What is fixed keeps the severity that it had: how long fixes took
// is history. It gets the severity of today when it comes back.
func (f ruled) settle(r *RuleSetting) ruled {
	if f.status != "fixed" {
		f.severity = f.base
		if r != nil && r.Severity != 0 {
			f.severity = r.Severity
		}
	}
	off := r != nil && r.Off
	switch {
	case off && f.status == "open":
		f.status, f.reason = "muted", RuleOff
	case !off && f.reason == RuleOff:
		f.reason = ""
		if f.status == "muted" { // it is detected: what is not is fixed, and keeps its mute
			f.status = "open"
		}
	}
	return f
}

// RuleTarget says whose findings are settled: of one rule or of one repository, else of the whole organisation.
type RuleTarget struct {
	Organisation ID
	Rule         string // "" for every rule
	Repository   ID     // 0 for every repository
	Actor        string // for the timeline; "" for the program
}

// SettleRules brings severities and mutes of findings to what the settings of rules say. It changes nothing that is right
// already. Call it in the transaction that changed settings, or the owners of findings. It returns how many changed.
func (tx *Tx) SettleRules(ctx context.Context, t RuleTarget) (int, error) {
	settings, err := tx.RuleSettings(ctx, t.Organisation)
	if err != nil {
		return 0, err
	}
	query := "SELECT f.id, f.rule, f.repository, f.team, f.severity, f.base_severity, f.status, f.mute_reason FROM finding f WHERE f.organisation = ?"
	args := []any{t.Organisation}
	if t.Repository != 0 {
		query, args = query+" AND f.repository = ?", append(args, t.Repository)
	}
	if t.Rule != "" {
		query, args = query+" AND f.rule = ?", append(args, t.Rule)
	} else {
		names := make([]string, 0, len(settings))
		for rule := range settings {
			names = append(names, rule)
		}
		query, args = query+" AND (f.severity <> f.base_severity OR f.mute_reason = ? OR f.rule IN (?))", append(args, RuleOff, bun.List(append(names, "")))
	}
	changes, err := tx.unsettled(ctx, settings, query, args)
	if err != nil || len(changes) == 0 {
		return 0, err
	}
	var revision int64
	if err := tx.NewRaw("UPDATE organisation SET revision = revision + 1 WHERE id = ? RETURNING revision", t.Organisation).Scan(ctx, &revision); err != nil {
		return 0, fmt.Errorf("count a change of findings: %w", err)
	}
	n := 0
	for c, ids := range changes {
		n += len(ids)
		for part := range slices.Chunk(ids, 500) {
			if err := tx.settle(ctx, c, settleArgs{part, revision, t.Actor}); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// unsettled finds the findings that are not as they should be, by what is to be done.
func (tx *Tx) unsettled(ctx context.Context, settings RuleSettings, query string, args []any) (map[settleChange][]ID, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the findings of a rule: %w", err)
	}
	defer rows.Close()
	out := make(map[settleChange][]ID)
	for rows.Next() {
		var id ID
		var rule string
		var f ruled
		if err := rows.Scan(&id, &rule, &f.repository, &f.team, &f.severity, &f.base, &f.status, &f.reason); err != nil {
			return nil, fmt.Errorf("read the findings of a rule: %w", err)
		}
		setting := settings.Of(rule, f.repository, f.team)
		then := f.settle(setting)
		if then == f {
			continue
		}
		c := settleChange{severity: then.severity, status: then.status, reason: then.reason}
		if then.severity != f.severity {
			c.from = f.severity
		}
		c.moved = then.status != f.status || then.reason != f.reason
		if setting != nil {
			c.comment, c.by = setting.Reason, setting.By
		}
		out[c] = append(out[c], id)
	}
	return out, rows.Err()
}

// settleChange is what is done to a group of findings.
type settleChange struct {
	severity       int64
	from           int64 // the severity before; 0 when it stays
	status, reason string
	moved          bool // status or reason are others
	comment, by    string
}

type settleArgs struct {
	ids      []ID
	revision int64
	actor    string
}

func (tx *Tx) settle(ctx context.Context, c settleChange, a settleArgs) error {
	query := "UPDATE finding SET severity = ?, revision = ?"
	args := []any{c.severity, a.revision}
	type event struct{ kind, data string }
	var events []event
	if c.from != 0 {
		events = append(events, event{"severity", fmt.Sprintf(`{"from":%q,"to":%q}`, severityName(c.from), severityName(c.severity))})
	}
	if c.moved {
		query += ", status = ?, mute_reason = ?, mute_comment = ?, mute_by = ?, mute_at = ?, mute_until = 0"
		if c.reason == RuleOff {
			args = append(args, c.status, c.reason, c.comment, c.by, tx.Now)
			events = append(events, event{"muted", `{"reason":"` + RuleOff + `"}`})
		} else {
			args = append(args, c.status, "", "", "", 0)
			events = append(events, event{"restored", `{"reason":"` + RuleOff + `"}`})
		}
	}
	if _, err := tx.NewRaw(query+" WHERE id IN (?)", append(args, bun.List(a.ids))...).Exec(ctx); err != nil {
		return fmt.Errorf("settle findings: %w", err)
	}
	for _, e := range events {
		marks := make([]string, 0, len(a.ids))
		args := make([]any, 0, 6*len(a.ids))
		for _, id := range a.ids {
			marks = append(marks, "(?, ?, ?, ?, ?, ?)")
			args = append(args, tx.Store.NewID(), id, tx.Now, e.kind, a.actor, e.data)
		}
		if _, err := tx.NewRaw("INSERT INTO event (id, finding, at, kind, actor, data) VALUES "+strings.Join(marks, ", "), args...).Exec(ctx); err != nil {
			return fmt.Errorf("tell what happened to findings: %w", err)
		}
	}
	return nil
}

// severityName is the word for a severity as the database counts it.
func severityName(n int64) string {
	if n < 1 || n > 5 {
		return ""
	}
	return [...]string{"info", "low", "medium", "high", "critical"}[n-1]
}
