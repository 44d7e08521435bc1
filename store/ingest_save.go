package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// saveRows writes the findings.
func (g *ingest) saveRows(ctx context.Context, revision int64) error {
	var added, changed, free [][]any
	for _, id := range slices.Sorted(maps.Keys(g.rows)) {
		f := g.rows[id]
		switch {
		case f.added:
			added = append(added, []any{f.ID, g.organisation, g.Repository, f.Fingerprint, f.Twin, f.Rule, f.Outcome, f.Severity, f.BaseSeverity, f.Category,
				f.Provider, f.Dialect, f.ResourceType, f.Address, f.Attribute, f.Unit, f.File, f.Line, f.Message, f.Team, f.HasFix, f.Detail, f.Status, f.OnDefault,
				f.FirstSeenAt, f.LastSeenAt, f.FixedAt, f.IntroducedSHA, f.IntroducedAuthor, f.IntroducedAt, f.FixedSHA, f.FixedAuthor,
				f.MuteReason, f.MuteComment, f.MuteUntil, f.MuteBy, f.MuteAt, revision})
		case f.dirty:
			changed = append(changed, []any{f.Fingerprint, f.Twin, f.Rule, f.Outcome, f.Severity, f.BaseSeverity, f.Category, f.Provider, f.Dialect, f.ResourceType,
				f.Address, f.Attribute, f.Unit, f.File, f.Line, f.Message, f.Team, f.HasFix, f.Detail, f.Status, f.OnDefault, f.LastSeenAt, f.FixedAt,
				f.FixedSHA, f.FixedAuthor, f.MuteReason, f.MuteComment, f.MuteUntil, f.MuteBy, f.MuteAt, revision, f.ID})
		}
	}
	for _, f := range g.renamed { // names may go round in a circle
		free = append(free, []any{"~" + f.ID.String(), f.ID})
	}
	return firstError(
		func() error { return g.each(ctx, "UPDATE finding SET fingerprint = ? WHERE id = ?", free) },
		func() error {
			return g.each(ctx, "UPDATE finding SET fingerprint = ?, twin = ?, rule = ?, outcome = ?, severity = ?, base_severity = ?, category = ?, provider = ?, dialect = ?, "+
				"resource_type = ?, address = ?, attribute = ?, unit = ?, file = ?, line = ?, message = ?, team = ?, has_fix = ?, detail = ?, status = ?, on_default = ?, "+
				"last_seen_at = ?, fixed_at = ?, fixed_sha = ?, fixed_author = ?, mute_reason = ?, mute_comment = ?, mute_until = ?, mute_by = ?, mute_at = ?, revision = ? WHERE id = ?", changed)
		},
		func() error {
			return g.insert(ctx, "finding", []string{"id", "organisation", "repository", "fingerprint", "twin", "rule", "outcome", "severity", "base_severity", "category",
				"provider", "dialect", "resource_type", "address", "attribute", "unit", "file", "line", "message", "team", "has_fix", "detail", "status", "on_default",
				"first_seen_at", "last_seen_at", "fixed_at", "introduced_sha", "introduced_author", "introduced_at", "fixed_sha", "fixed_author",
				"mute_reason", "mute_comment", "mute_until", "mute_by", "mute_at", "revision"}, added)
		},
	)
}

func (g *ingest) saveAliases(ctx context.Context) error {
	var rows, names [][]any
	for _, name := range slices.Sorted(maps.Keys(g.aliases)) {
		rows = append(rows, []any{g.Repository, name, g.aliases[name]})
	}
	for _, f := range g.renamed {
		names = append(names, []any{g.Repository, f.Fingerprint})
	}
	return firstError(
		func() error {
			return g.each(ctx, "DELETE FROM finding_alias WHERE repository = ? AND fingerprint = ?", names)
		},
		func() error {
			return g.each(ctx, "INSERT INTO finding_alias (repository, fingerprint, finding) VALUES (?, ?, ?) ON CONFLICT (repository, fingerprint) DO UPDATE SET finding = excluded.finding", rows)
		},
	)
}

// savePresence writes what the branch has.
func (g *ingest) savePresence(ctx context.Context, revision int64) error {
	var added, changed [][]any
	for _, id := range slices.Sorted(maps.Keys(g.holds)) {
		h := g.holds[id]
		switch {
		case h.added:
			added = append(added, []any{g.Branch, h.Finding, h.State, h.Detail, h.File, h.Line, h.SinceSHA, h.SinceAt, h.FixedSHA, h.FixedAt, revision, h.Fingerprint, h.Twin})
		case h.dirty:
			changed = append(changed, []any{h.State, h.Detail, h.File, h.Line, h.SinceSHA, h.SinceAt, h.FixedSHA, h.FixedAt, revision, h.Fingerprint, h.Twin, g.Branch, h.Finding})
		}
	}
	if err := g.insert(ctx, "presence", []string{"branch", "finding", "state", "detail", "file", "line", "since_sha", "since_at", "fixed_sha", "fixed_at",
		"revision", "fingerprint", "twin"}, added); err != nil {
		return err
	}
	return g.each(ctx, "UPDATE presence SET state = ?, detail = ?, file = ?, line = ?, since_sha = ?, since_at = ?, fixed_sha = ?, fixed_at = ?, revision = ?, fingerprint = ?, twin = ? WHERE branch = ? AND finding = ?", changed)
}

// tally is how a finding counts in the trend: zero when it does not.
type tally struct {
	severity    int64
	open, muted int
}

func (x *row) tally() tally {
	if x.Outcome != "fail" || !x.OnDefault {
		return tally{}
	}
	switch x.Status {
	case StatusOpen:
		return tally{x.Severity, 1, 0}
	case StatusMuted:
		return tally{x.Severity, 0, 1}
	}
	return tally{severity: x.Severity}
}

type trendKey struct {
	day      int64
	severity int64
}

type trendChange struct{ open, muted, opened, fixed int }

const day = int64(24 * time.Hour / time.Millisecond)

// countTrend counts a change of a finding on a day.
func (g *ingest) countTrend(at Millis, was, is tally) {
	if was == is {
		return
	}
	change := func(severity int64) *trendChange {
		k := trendKey{int64(at) / day, severity}
		if g.trend[k] == nil {
			g.trend[k] = &trendChange{}
		}
		return g.trend[k]
	}
	if was.severity != 0 {
		c := change(was.severity)
		c.open -= was.open
		c.muted -= was.muted
		if was.open == 1 && is.open+is.muted == 0 {
			c.fixed++
		}
	}
	if is.severity != 0 {
		c := change(is.severity)
		c.open += is.open
		c.muted += is.muted
		if is.open == 1 && was.open+was.muted == 0 {
			c.opened++
		}
	}
}

func (g *ingest) saveTrend(ctx context.Context) error {
	keys := slices.SortedFunc(maps.Keys(g.trend), func(a, b trendKey) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.severity, b.severity)) })
	for _, k := range keys {
		c := g.trend[k]
		if *c == (trendChange{}) {
			continue
		}
		if err := g.trendRow(ctx, g.organisation, g.Repository, k); err != nil {
			return err
		}
		if _, err := g.NewRaw("UPDATE trend SET opened = opened + ?, fixed = fixed + ? WHERE repository = ? AND severity = ? AND day = ?", c.opened, c.fixed, g.Repository, k.severity, k.day).Exec(ctx); err != nil {
			return fmt.Errorf("count what was opened and fixed: %w", err)
		}
		if _, err := g.NewRaw("UPDATE trend SET open = open + ?, muted = muted + ? WHERE repository = ? AND severity = ? AND day >= ?", c.open, c.muted, g.Repository, k.severity, k.day).Exec(ctx); err != nil {
			return fmt.Errorf("count what is open: %w", err)
		}
	}
	return nil
}

// trendRow makes the row of a day, as the day before it was.
func (tx *Tx) trendRow(ctx context.Context, organisation, repository ID, k trendKey) error {
	was := "(SELECT t.%s FROM trend t WHERE t.repository = ? AND t.severity = ? AND t.day < ? ORDER BY t.day DESC LIMIT 1)"
	_, err := tx.NewRaw("INSERT INTO trend (organisation, repository, day, severity, open, muted) VALUES (?, ?, ?, ?, coalesce("+fmt.Sprintf(was, "open")+", 0), coalesce("+fmt.Sprintf(was, "muted")+", 0)) ON CONFLICT DO NOTHING",
		organisation, repository, k.day, k.severity, repository, k.severity, k.day, repository, k.severity, k.day).Exec(ctx)
	if err != nil {
		return fmt.Errorf("begin a day of the trend: %w", err)
	}
	return nil
}

// SnapshotTrend brings today's open and muted counts of a repository to what its findings are: mutes and severities change without a scan.
func (tx *Tx) SnapshotTrend(ctx context.Context, organisation, repository ID) error {
	var list []struct {
		Severity    int64
		Open, Muted int
		Was, Quiet  int
	}
	if err := tx.NewRaw(`SELECT s.severity, coalesce(f.open, 0) AS open, coalesce(f.muted, 0) AS muted,
coalesce((SELECT t.open FROM trend t WHERE t.repository = ? AND t.severity = s.severity ORDER BY t.day DESC LIMIT 1), 0) AS was,
coalesce((SELECT t.muted FROM trend t WHERE t.repository = ? AND t.severity = s.severity ORDER BY t.day DESC LIMIT 1), 0) AS quiet
FROM (SELECT 1 AS severity UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5) s
LEFT JOIN (SELECT severity, sum(CASE WHEN status = 'open' THEN 1 ELSE 0 END) AS open, sum(CASE WHEN status = 'muted' THEN 1 ELSE 0 END) AS muted
 FROM finding WHERE repository = ? AND outcome = 'fail' AND on_default = 1 GROUP BY severity) f ON f.severity = s.severity`, repository, repository, repository).Scan(ctx, &list); err != nil {
		return fmt.Errorf("count the findings of a repository: %w", err)
	}
	today := int64(tx.Now) / day
	for _, l := range list {
		if l.Open == l.Was && l.Muted == l.Quiet {
			continue
		}
		if err := tx.trendRow(ctx, organisation, repository, trendKey{today, l.Severity}); err != nil {
			return err
		}
		if _, err := tx.NewRaw("UPDATE trend SET open = ?, muted = ? WHERE repository = ? AND severity = ? AND day = ?", l.Open, l.Muted, repository, l.Severity, today).Exec(ctx); err != nil {
			return fmt.Errorf("note the findings of a repository: %w", err)
		}
	}
	return nil
}
