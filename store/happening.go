package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/notify"
	"plumbline.dev/plumbline/query"
)

// Rules of this file, how changes come to be told of:
//   - A happening is written in the transaction of the change, while the organisation has an active channel, and else not at all.
//   - It holds ids of findings, not their texts: whoever makes a message reads them as they are then, in the scope of the channel.
//   - What belongs to a scan waits for its end, so that a scan is told of once, however many transactions it took.
//   - Until the head of a branch was scanned once, its findings are not told of one by one: the happening says First.

// MaxHappened bounds the ids of one happening of one kind: more are counted as at least so many.
const MaxHappened = 20_000

// Happened is what is to be told of.
type Happened struct {
	ID           ID
	Organisation ID
	Repository   ID // 0 for several
	Branch       string
	OnDefault    bool
	SHA          string `bun:"sha"`
	Scan         ID
	At           Millis
	Data         string `json:"-"`

	HappenedData `bun:"-"`
}

// HappenedData is what a happening says by kind.
type HappenedData struct {
	First    bool                        `json:"first,omitempty"` // the branch was scanned for the first time
	Findings map[notify.Happening][]ID   `json:"findings,omitempty"`
	Texts    map[notify.Happening]string `json:"texts,omitempty"` // of problems
}

const happenedColumns = "h.id, h.organisation, h.repository, h.branch, h.on_default, h.sha, h.scan, h.data, h.at"

// told tells whether anybody is told of what happens in an organisation.
func (tx *Tx) told(ctx context.Context, organisation ID) (bool, error) {
	var n int
	if err := tx.NewRaw("SELECT count(*) FROM (SELECT 1 FROM channel WHERE organisation = ? AND state = 'active' LIMIT 1) AS c", organisation).Scan(ctx, &n); err != nil {
		return false, fmt.Errorf("look for channels: %w", err)
	}
	return n > 0, nil
}

// happen writes a happening, when there is anybody to tell.
func (tx *Tx) happen(ctx context.Context, h Happened) error {
	if told, err := tx.told(ctx, h.Organisation); err != nil || !told {
		return err
	}
	for kind, ids := range h.Findings {
		if len(ids) > MaxHappened {
			h.Findings[kind] = ids[:MaxHappened]
		}
	}
	data, err := json.Marshal(h.HappenedData)
	if err != nil {
		return fmt.Errorf("write what happened: %w", err)
	}
	if _, err := tx.NewRaw("INSERT INTO happening (id, organisation, repository, branch, on_default, sha, scan, data, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		tx.Store.NewID(), h.Organisation, h.Repository, h.Branch, bit(h.OnDefault), h.SHA, h.Scan, string(data), tx.Now).Exec(ctx); err != nil {
		return fmt.Errorf("write what happened: %w", err)
	}
	return nil
}

// happenedOf are the events of a finding's life that are told of.
var happenedOf = map[string]notify.Happening{"opened": notify.New, "reopened": notify.Reopened, "restored": notify.Reopened, "fixed": notify.Fixed}

// saveHappening writes what an ingest is to tell of.
func (g *ingest) saveHappening(ctx context.Context) error {
	sha, line := "", false // line: the branch's own scans, not what others say beside them
	for i := len(g.Results) - 1; i >= 0; i-- {
		if r := &g.Results[i]; !r.Side {
			sha, line = cmp.Or(sha, r.Commit.SHA), line || !r.Aside
		}
	}
	if sha == "" {
		return nil
	}
	h := Happened{Organisation: g.organisation, Repository: g.Repository, Branch: g.branch, OnDefault: g.isDefault, SHA: sha, Scan: g.Scan}
	var head string
	var announced bool
	if err := g.NewRaw("SELECT head, announced FROM branch WHERE id = ?", g.Branch).Scan(ctx, &head, &announced); err != nil {
		return fmt.Errorf("read the branch: %w", err)
	}
	if !announced {
		if sha != head || !line {
			return nil
		}
		if _, err := g.NewRaw("UPDATE branch SET announced = 1 WHERE id = ?", g.Branch).Exec(ctx); err != nil {
			return fmt.Errorf("note that a branch was scanned: %w", err)
		}
		h.First = true
		return g.happen(ctx, h)
	}
	h.Findings = map[notify.Happening][]ID{}
	seen := map[lifeOf]bool{}
	for _, e := range g.events {
		kind := happenedOf[e.kind]
		if kind == "" || seen[lifeOf{e.finding, kind}] {
			continue
		}
		if kind == notify.Fixed && (seen[lifeOf{e.finding, notify.New}] || g.rows[e.finding] != nil && g.rows[e.finding].MuteReason != "") {
			continue // it came and went, or nobody wanted to hear of it
		}
		seen[lifeOf{e.finding, kind}] = true
		h.Findings[kind] = append(h.Findings[kind], e.finding)
	}
	if len(h.Findings) == 0 {
		return nil
	}
	return g.happen(ctx, h)
}

type lifeOf struct {
	finding ID
	kind    notify.Happening
}

// happenProblem tells of a problem of a repository, but of none that was told of within the hour.
func (tx *Tx) happenProblem(ctx context.Context, h Happened, kind notify.Happening, text string) error {
	var n int
	if err := tx.NewRaw("SELECT count(*) FROM happening WHERE organisation = ? AND repository = ? AND at > ? AND data LIKE ?", h.Organisation, h.Repository, tx.Now-Millis(time.Hour.Milliseconds()),
		`%"texts":{"`+string(kind)+`"%`).Scan(ctx, &n); err != nil {
		return fmt.Errorf("look for what was told: %w", err)
	}
	if n > 0 {
		return nil
	}
	h.Texts = map[notify.Happening]string{kind: notify.TidyText(text)}
	return tx.happen(ctx, h)
}

// Unplanned returns what happened in an organisation and is to be handed to its channels: what belongs to a scan when that has ended, or
// hangs for an hour. The oldest comes first, that of one scan together.
func (s *Store) Unplanned(ctx context.Context, organisation ID, limit int) ([]Happened, error) {
	var list []Happened
	if err := s.DB.NewRaw("SELECT "+happenedColumns+` FROM happening h WHERE h.organisation = ? AND h.planned_at = 0
AND (h.scan = 0 OR h.at < ? OR NOT EXISTS (SELECT 1 FROM scan s WHERE s.id = h.scan AND s.state = 'running')) ORDER BY h.id LIMIT ?`,
		organisation, MillisOf(s.Now())-Millis(time.Hour.Milliseconds()), limit).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("read what happened: %w", err)
	}
	return list, unpackHappened(list)
}

func unpackHappened(list []Happened) error {
	for i := range list {
		if err := json.Unmarshal([]byte(list[i].Data), &list[i].HappenedData); err != nil {
			return fmt.Errorf("read what happened: %w", err)
		}
	}
	return nil
}

// Plan notes that happenings are handed to their channels, and false when somebody else has done that.
func (tx *Tx) Plan(ctx context.Context, list []Happened) (bool, error) {
	for part := range slices.Chunk(list, most) {
		ids := make([]ID, len(part))
		for i, h := range part {
			ids[i] = h.ID
		}
		r, err := tx.NewRaw("UPDATE happening SET planned_at = ? WHERE id IN (?) AND planned_at = 0", tx.Now, bun.List(ids)).Exec(ctx)
		if err != nil {
			return false, fmt.Errorf("note what is told of: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n != int64(len(part)) {
			return false, err
		}
	}
	return true, nil
}

// Gather keeps a happening for the next message of a daily channel.
func (tx *Tx) Gather(ctx context.Context, channel, happening ID) error {
	if _, err := tx.NewRaw("INSERT INTO channel_happening (channel, happening) VALUES (?, ?) ON CONFLICT DO NOTHING", channel, happening).Exec(ctx); err != nil {
		return fmt.Errorf("keep what is told of daily: %w", err)
	}
	return nil
}

// maxGathered is how many happenings one daily message is made of.
const maxGathered = 2000

// Gathered returns what a daily channel is to be told of, the oldest first.
func (s *Store) Gathered(ctx context.Context, channel ID) ([]Happened, error) {
	var list []Happened
	if err := s.DB.NewRaw("SELECT "+happenedColumns+" FROM happening h JOIN channel_happening x ON x.happening = h.id WHERE x.channel = ? ORDER BY h.id LIMIT ?", channel, maxGathered).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("read what is told of daily: %w", err)
	}
	return list, unpackHappened(list)
}

// EndDay takes what was told of from a daily channel, and sets the time of its next message; false when somebody else has done that.
func (tx *Tx) EndDay(ctx context.Context, c *Channel, told []Happened) (bool, error) {
	r, err := tx.NewRaw("UPDATE channel SET next_at = ? WHERE id = ? AND next_at = ? AND state = 'active'", nextAt(tx.Now, c.Hour), c.ID, c.NextAt).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("end the day of a channel: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	for part := range slices.Chunk(told, most) {
		ids := make([]ID, len(part))
		for i, h := range part {
			ids[i] = h.ID
		}
		if _, err := tx.NewRaw("DELETE FROM channel_happening WHERE channel = ? AND happening IN (?)", c.ID, bun.List(ids)).Exec(ctx); err != nil {
			return false, fmt.Errorf("end the day of a channel: %w", err)
		}
	}
	return true, nil
}

// ToTell returns the organisations that have something to tell of: happenings that no channel has, or a daily message that is due.
func (s *Store) ToTell(ctx context.Context) (list []ID, err error) {
	now := MillisOf(s.Now())
	if err := s.DB.NewRaw(`SELECT DISTINCT h.organisation FROM happening h WHERE h.planned_at = 0 AND (h.scan = 0 OR h.at < ? OR NOT EXISTS (SELECT 1 FROM scan s WHERE s.id = h.scan AND s.state = 'running'))
UNION SELECT c.organisation FROM channel c WHERE c.rhythm = 'daily' AND c.state = 'active' AND c.next_at <= ? ORDER BY 1`, now-Millis(time.Hour.Milliseconds()), now).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("look for what is to be told: %w", err)
	}
	return list, nil
}

// Has tells whether anything happened that a scan of an organisation is to tell of.
func (tx *Tx) Has(ctx context.Context, organisation ID) (bool, error) {
	var n int
	if err := tx.NewRaw("SELECT count(*) FROM (SELECT 1 FROM happening WHERE organisation = ? AND planned_at = 0 LIMIT 1) AS h", organisation).Scan(ctx, &n); err != nil {
		return false, fmt.Errorf("look for what is to be told: %w", err)
	}
	return n > 0, nil
}

// maxWarned is how many mutes one round of WarnMutes warns of in an organisation.
const maxWarned = 5000

// WarnMutes tells of mutes that end within seven days, of each once, in one message a day for an organisation.
func (s *Store) WarnMutes(ctx context.Context) error {
	var all []ID
	if err := s.DB.NewRaw("SELECT DISTINCT organisation FROM channel WHERE state = 'active' AND happenings LIKE '%"+string(notify.MuteEnding)+"%' ORDER BY organisation").Scan(ctx, &all); err != nil {
		return fmt.Errorf("look for channels: %w", err)
	}
	for _, organisation := range all {
		if err := s.Quiet(ctx, func(ctx context.Context, tx *Tx) error { return tx.warnMutes(ctx, organisation) }); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) warnMutes(ctx context.Context, organisation ID) error {
	const today = Millis(20 * time.Hour / time.Millisecond)
	var n int
	if err := tx.NewRaw("SELECT count(*) FROM happening WHERE organisation = ? AND repository = 0 AND at > ? AND data LIKE ?", organisation, tx.Now-today, `%"`+string(notify.MuteEnding)+`"%`).Scan(ctx, &n); err != nil || n > 0 {
		return err
	}
	var list []struct {
		ID        ID
		MuteUntil Millis
	}
	if err := tx.NewRaw(`SELECT f.id, f.mute_until FROM finding f WHERE f.organisation = ? AND f.mute_until > ? AND f.mute_until <= ? AND f.status = 'muted'
AND NOT EXISTS (SELECT 1 FROM mute_warning w WHERE w.finding = f.id AND w.until = f.mute_until) ORDER BY f.mute_until, f.id LIMIT ?`,
		organisation, tx.Now, tx.Now+Millis(soon.Milliseconds()), maxWarned).Scan(ctx, &list); err != nil {
		return fmt.Errorf("look for mutes that end: %w", err)
	}
	if len(list) == 0 {
		return nil
	}
	ids, rows := make([]ID, len(list)), make([][]any, len(list))
	for i, f := range list {
		ids[i], rows[i] = f.ID, []any{f.ID, f.MuteUntil}
	}
	if err := tx.each(ctx, "INSERT INTO mute_warning (finding, until) VALUES (?, ?) ON CONFLICT (finding) DO UPDATE SET until = excluded.until", rows); err != nil {
		return err
	}
	return tx.happen(ctx, Happened{Organisation: organisation, HappenedData: HappenedData{Findings: map[notify.Happening][]ID{notify.MuteEnding: ids}}})
}

// What was told of is kept for so long: daily messages are made of it, and people look why nothing came.
const (
	happeningsKept = 8 * 24 * time.Hour
	deliveriesKept = 30 * 24 * time.Hour
)

// sweepTold removes happenings and deliveries that nobody needs any more.
func (tx *Tx) sweepTold(ctx context.Context) error {
	if _, err := tx.NewRaw("DELETE FROM happening WHERE at < ?", tx.Now-Millis(happeningsKept.Milliseconds())).Exec(ctx); err != nil {
		return fmt.Errorf("remove what was told of: %w", err)
	}
	if _, err := tx.NewRaw("DELETE FROM delivery WHERE made_at < ? AND state <> 'waiting'", tx.Now-Millis(deliveriesKept.Milliseconds())).Exec(ctx); err != nil {
		return fmt.Errorf("remove old deliveries: %w", err)
	}
	return nil
}

// Among is which of some findings fit a search and have a status, the worst first.
type Among struct {
	IDs        []ID
	Severities map[string]int
	Worst      []FindingRow // of IDs, as many as were asked for
}

// FindingsAmong looks which of some findings a search finds with a status. Without a term about verdicts only fails count.
func (s *Store) FindingsAmong(ctx context.Context, f FindingSearch, ids []ID, status Status, worst int) (*Among, error) {
	f.Query = failing(f.Query)
	e, done, err := s.open(ctx, f)
	if err != nil {
		return nil, err
	}
	out, err := e.among(ctx, ids, status)
	names := e.names()
	done()
	if err != nil {
		return nil, err
	}
	rows, err := s.findingRows(ctx, s.DB, ID(f.Scope.Organisation), out.IDs[:min(worst, len(out.IDs))])
	if err != nil {
		return nil, err
	}
	for _, id := range out.IDs[:min(worst, len(out.IDs))] {
		if row, ok := rows[id]; ok {
			out.Worst = append(out.Worst, row.item(names, f.Rules))
		}
	}
	return out, nil
}

// among looks which of some findings fit and have a status, the worst first.
func (e *search) among(ctx context.Context, ids []ID, status Status) (*Among, error) {
	rows, err := e.matched(ctx, "")
	if err != nil {
		return nil, err
	}
	out := &Among{Severities: map[string]int{}}
	severity := make(map[ID]uint8, len(ids))
	for _, id := range ids {
		row, ok := e.c.row(id)
		if _, twice := severity[id]; twice || !ok || !rows.has(row) || statusOf[e.view.code(row)] != status {
			continue
		}
		severity[id] = e.c.severity[row]
		out.IDs = append(out.IDs, id)
		out.Severities[finding.Severity(e.c.severity[row]).String()]++
	}
	slices.SortFunc(out.IDs, func(a, b ID) int { return cmp.Or(cmp.Compare(severity[b], severity[a]), cmp.Compare(a, b)) })
	return out, nil
}

// OpenBySeverity is how many open findings fit a search, by word.
func (s *Store) OpenBySeverity(ctx context.Context, f FindingSearch) (map[string]int, int, error) {
	f.Query = failing(f.Query)
	e, done, err := s.open(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	defer done()
	rows, err := e.matched(ctx, "")
	if err != nil {
		return nil, 0, err
	}
	out, total := map[string]int{}, 0
	rows.each(func(row int) {
		if statusOf[e.view.code(row)] == StatusOpen {
			out[finding.Severity(e.c.severity[row]).String()]++
			total++
		}
	})
	return out, total, nil
}

// failing is a query that leaves out what is undecided, unless it asks about that.
func failing(q *query.Query) *query.Query {
	if q == nil {
		q = &query.Query{}
	}
	if q.Has("verdict") {
		return q
	}
	return &query.Query{Terms: append(slices.Clone(q.Terms), query.Exactly("verdict", "fail"))}
}
