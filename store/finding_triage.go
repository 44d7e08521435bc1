package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/notify"
)

// The bounds of what people decide.
const (
	MaxTriage  = 20_000 // findings of one decision that is made at once; what fits a query may be more, see MaxChange
	MaxComment = 4000   // bytes of a comment
	undoAge    = 10 * time.Minute
	maxMute    = 10 * 365 * 24 * time.Hour
)

// Decision is what somebody decides about findings.
type Decision struct {
	Happening Happening // Mute or Restore; "" leaves mutes alone
	Reason    Reason    // of Mute
	Until     Millis    // of Mute: when it ends; 0 when it does not
	Assign    bool      // Assignee counts
	Assignee  ID        // who it is assigned to; 0 for nobody
	Comment   string    // of a mute it is kept with it; may be empty
	By        string    // name of who decides, for the timeline
}

// Selection is the findings of a decision: by id, or all that fit.
type Selection struct {
	Scope  access.Scope
	IDs    []ID
	Search *FindingSearch // its scope is Scope; nil for IDs

	// Later queues the job that does a change of more than MaxTriage findings, see StepChange; nil refuses such a one.
	Later func(ctx context.Context, tx *Tx, change ID) error
}

// Triaged is what became of a decision.
type Triaged struct {
	Changed int    `json:"changed" doc:"findings that are another now"`
	Skipped int    `json:"skipped" doc:"findings that the decision makes no sense for, or that you may not change"`
	Undo    string `json:"undo" doc:"takes the change back for ten minutes, in as far as nobody changed it since; empty when nothing changed, and when there is a change"`
	Change  ID     `json:"change,omitempty" doc:"with status 202: the findings are too many for one answer, and are changed one after the other; ask how far the change is"`
}

// triageData is what the audit log says about a decision.
type triageData struct {
	Query    string `json:"query,omitempty"`
	Count    int    `json:"count"`
	Reason   Reason `json:"reason,omitempty"`
	Comment  string `json:"comment,omitempty"`
	Until    Millis `json:"until,omitempty"`
	Assignee *ID    `json:"assignee,omitempty"`
}

// Triage decides about findings: every one of them gets its event, the audit log the decision. All of it is there, or none.
func (s *Store) Triage(ctx context.Context, entry Entry, sel Selection, d Decision) (*Triaged, error) {
	if err := d.check(MillisOf(s.Now())); err != nil {
		return nil, err
	}
	ids := sel.IDs
	data := &triageData{Reason: d.Reason, Comment: d.Comment, Until: d.Until}
	if d.Assign {
		data.Assignee = &d.Assignee
	}
	if sel.Search != nil {
		search := *sel.Search
		search.Scope = sel.Scope
		var total int
		var err error
		most := MaxTriage
		if sel.Later != nil {
			most = MaxChange
		}
		if ids, total, err = s.FindingIDs(ctx, search, most); err != nil {
			return nil, err
		}
		if total > most {
			return nil, Refuse(Limited, "%d findings fit, and one decision may be about %d: narrow the query", total, most)
		}
		data.Query = search.Query.String()
		if total > MaxTriage {
			data.Count, entry.Data = total, data
			return s.later(ctx, entry, sel, d, ids)
		}
	}
	if len(ids) == 0 {
		return nil, Refuse(Conflict, "there are no such findings: nothing was changed")
	}
	if len(ids) > MaxTriage {
		return nil, Refuse(Limited, "one decision may be about %d findings: make several", MaxTriage)
	}
	entry.Data = data
	var out *Triaged
	err := s.Write(ctx, entry, func(ctx context.Context, tx *Tx) error {
		t := &triage{Tx: tx, organisation: ID(sel.Scope.Organisation), scope: sel.Scope, decision: d, actor: entry.Actor, action: entry.Action}
		var err error
		out, err = t.run(ctx, ids)
		data.Count = t.changed
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// check refuses decisions that make no sense whatever they are about.
func (d *Decision) check(now Millis) error {
	if len(d.Comment) > MaxComment || !utf8.ValidString(d.Comment) {
		return Refuse(Invalid, "a comment has at most %d bytes of UTF-8", MaxComment)
	}
	switch d.Happening {
	case "":
		if !d.Assign {
			return Refuse(Invalid, "there is nothing to decide")
		}
	case Mute:
		if _, _, err := Next(Life{Detected: true}, Mute, d.Reason); err != nil {
			return err
		}
		if d.Until != 0 && (d.Until <= now || d.Until > now+Millis(maxMute/time.Millisecond)) {
			return Refuse(Invalid, "a mute ends in the future, within ten years")
		}
	case Restore:
	default:
		return Refuse(Invalid, "people do not decide to %s", d.Happening)
	}
	return nil
}

// triage is a decision under way.
type triage struct {
	*Tx
	organisation ID
	scope        access.Scope
	decision     Decision
	actor        string
	action       string

	revision int64
	changed  int
	events   [][]any
	undo     [][]any
	fault    error // of the first finding that the decision makes no sense for
	trend    map[trendOf]tally
}

// trendOf is a row of today's trend.
type trendOf struct {
	repository ID
	severity   int64
}

// undone is what a finding was before a decision.
type undone struct {
	Status   Status `json:"status"`
	Reason   Reason `json:"reason"`
	Comment  string `json:"comment"`
	Until    Millis `json:"until"`
	By       string `json:"by"`
	At       Millis `json:"at"`
	Assignee ID     `json:"assignee"`
}

// bump makes the next revision of an organisation; from here on its other transactions wait.
func (tx *Tx) bump(ctx context.Context, organisation ID) (revision int64, err error) {
	err = tx.NewRaw("UPDATE organisation SET revision = revision + 1 WHERE id = ? RETURNING revision", organisation).Scan(ctx, &revision)
	if err != nil {
		return 0, fmt.Errorf("begin a revision of the findings: %w", err)
	}
	return revision, nil
}

func (t *triage) run(ctx context.Context, ids []ID) (*Triaged, error) {
	err := t.assignable(ctx)
	if err != nil {
		return nil, err
	}
	if t.revision, err = t.bump(ctx, t.organisation); err != nil {
		return nil, err
	}
	t.trend = map[trendOf]tally{}
	seen := 0
	for from := 0; from < len(ids); from += 1000 {
		rows, err := t.rows(ctx, ids[from:min(from+1000, len(ids))])
		if err != nil {
			return nil, err
		}
		seen += len(rows)
		if err := t.decide(ctx, rows); err != nil {
			return nil, err
		}
	}
	switch {
	case seen == 0:
		return nil, noFinding
	case t.changed == 0 && t.fault != nil && len(ids) == 1:
		return nil, t.fault
	case t.changed == 0 && t.fault != nil:
		return nil, Refuse(Conflict, "none of %d findings was changed; of the first one: %s", len(ids), t.fault)
	case t.changed == 0:
		return nil, Refuse(Conflict, "the findings are so already: nothing was changed")
	}
	token, err := t.save(ctx, 0)
	if err != nil {
		return nil, err
	}
	return &Triaged{Changed: t.changed, Skipped: len(ids) - t.changed, Undo: token}, nil
}

// assignable refuses to assign findings to somebody who is not there.
func (t *triage) assignable(ctx context.Context) error {
	if !t.decision.Assign || t.decision.Assignee == 0 {
		return nil
	}
	var n int
	if err := t.NewRaw("SELECT count(*) FROM membership WHERE person = ? AND organisation = ? AND disabled_at = 0", t.decision.Assignee, t.organisation).Scan(ctx, &n); err != nil {
		return fmt.Errorf("look up who is to be assigned: %w", err)
	}
	if n == 0 {
		return Refuse(Invalid, "nobody of that id is in the organisation: assign somebody who is")
	}
	return nil
}

// rows reads those of some findings that the scope may change.
func (t *triage) rows(ctx context.Context, ids []ID) (list []findingColumns, err error) {
	seen, args := seenFindings(t.scope)
	query := "SELECT " + findingNames + " FROM finding f WHERE f.id IN (?) AND f.organisation + 0 = ? AND " + seen + " AND EXISTS (SELECT 1 FROM repository r WHERE r.id = f.repository AND r.state <> 'removed')"
	args = append([]any{bun.List(ids), t.organisation}, args...)
	if t.scope.Repository != 0 {
		query, args = query+" AND f.repository = ?", append(args, t.scope.Repository)
	}
	if err := t.NewRaw(query, args...).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("read findings: %w", err)
	}
	return list, nil
}

// decide changes some findings.
func (t *triage) decide(ctx context.Context, rows []findingColumns) error {
	d := &t.decision
	byStatus := map[Status][]ID{}
	for i := range rows {
		f := &rows[i]
		was := undone{f.Status, f.MuteReason, f.MuteComment, f.MuteUntil, f.MuteBy, f.MuteAt, f.Assignee}
		is := was
		kind := ""
		if d.Happening != "" {
			life, what, err := Next(LifeOf(f.Status, f.MuteReason), d.Happening, d.Reason)
			if err != nil {
				if t.fault == nil {
					t.fault = err
				}
				continue
			}
			kind = what
			is.Status, is.Reason, is.Comment, is.Until, is.By, is.At = life.Status(), life.Mute, "", 0, "", 0
			if life.Mute != "" {
				is.Comment, is.Until, is.By, is.At = d.Comment, d.Until, d.By, t.Now
			}
		}
		if d.Assign && is.Assignee != d.Assignee {
			is.Assignee = d.Assignee
		}
		if is == was {
			continue
		}
		t.changed++
		byStatus[is.Status] = append(byStatus[is.Status], f.ID)
		t.count(f, is.Status)
		if kind != "" {
			data := map[string]any{"comment": d.Comment}
			if d.Happening == Mute {
				data["reason"] = d.Reason
				if d.Until != 0 {
					data["until"] = d.Until
				}
			}
			if err := t.note(f.ID, kind, data); err != nil {
				return err
			}
		}
		if is.Assignee != was.Assignee {
			if err := t.note(f.ID, "assigned", map[string]any{"from": was.Assignee, "to": is.Assignee, "comment": d.Comment}); err != nil {
				return err
			}
		}
		text, err := json.Marshal(was)
		if err != nil {
			return err
		}
		t.undo = append(t.undo, []any{"", f.ID, string(text)})
	}
	for status, ids := range byStatus {
		set, args := "revision = ?", []any{t.revision}
		if d.Happening != "" {
			set += ", status = ?, mute_reason = ?, mute_comment = ?, mute_until = ?, mute_by = ?, mute_at = ?"
			if d.Happening == Mute {
				args = append(args, status, d.Reason, d.Comment, d.Until, d.By, t.Now)
			} else {
				args = append(args, status, "", "", 0, "", 0)
			}
		}
		if d.Assign {
			set, args = set+", assignee = ?", append(args, d.Assignee)
		}
		if _, err := t.NewRaw("UPDATE finding SET "+set+" WHERE id IN (?)", append(args, bun.List(ids))...).Exec(ctx); err != nil {
			return fmt.Errorf("change findings: %w", err)
		}
	}
	return nil
}

// count keeps the trend of default branches right.
func (t *triage) count(f *findingColumns, is Status) {
	if f.Outcome != "fail" || !f.OnDefault || f.Status == is {
		return
	}
	k := trendOf{f.Repository, f.Severity}
	n := t.trend[k]
	for status, by := range map[Status]int{f.Status: -1, is: 1} {
		switch status {
		case StatusOpen:
			n.open += by
		case StatusMuted:
			n.muted += by
		}
	}
	t.trend[k] = n
}

// note makes an event.
func (t *triage) note(id ID, kind string, data map[string]any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	t.events = append(t.events, []any{t.Store.NewID(), id, t.Now, kind, t.decision.By, string(text)})
	return nil
}

// save writes the events, the trend and what undoes the change, and returns the token for that. Change is the one that it is a part of, or 0.
func (t *triage) save(ctx context.Context, change ID) (token string, err error) {
	if err := t.tell(ctx); err != nil {
		return "", err
	}
	token = rand.Text()
	hash := digest([]byte(token), 32)
	if err := t.forgetUndo(ctx); err != nil {
		return "", err
	}
	if _, err := t.NewRaw("INSERT INTO finding_undo (hash, organisation, actor, action, revision, made_at, change) VALUES (?, ?, ?, ?, ?, ?, ?)",
		hash, t.organisation, t.actor, t.action, t.revision, t.Now, change).Exec(ctx); err != nil {
		return "", fmt.Errorf("keep what undoes a change: %w", err)
	}
	for i := range t.undo {
		t.undo[i][0] = hash
	}
	if err := t.insert(ctx, "finding_undo_row", []string{"undo", "finding", "was"}, t.undo); err != nil {
		return "", fmt.Errorf("keep what undoes a change: %w", err)
	}
	return token, nil
}

// tell writes the events and the trend.
func (t *triage) tell(ctx context.Context) error {
	if err := t.insert(ctx, "event", []string{"id", "finding", "at", "kind", "actor", "data"}, t.events); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	for k, n := range t.trend {
		if n == (tally{}) {
			continue
		}
		today := trendKey{int64(t.Now) / day, k.severity}
		if err := t.trendRow(ctx, t.organisation, k.repository, today); err != nil {
			return err
		}
		if _, err := t.NewRaw("UPDATE trend SET open = open + ?, muted = muted + ? WHERE repository = ? AND severity = ? AND day >= ?", n.open, n.muted, k.repository, k.severity, today.day).Exec(ctx); err != nil {
			return fmt.Errorf("count what is open: %w", err)
		}
	}
	return nil
}

// UndoTriage takes a decision back: what the same actor changed within ten minutes, and nobody since. By is the actor's name for the timeline.
func (s *Store) UndoTriage(ctx context.Context, entry Entry, scope access.Scope, token, by string) (*Triaged, error) {
	data := &struct {
		Undid string `json:"undid"`
		Count int    `json:"count"`
	}{}
	entry.Data = data
	out := &Triaged{}
	err := s.Write(ctx, entry, func(ctx context.Context, tx *Tx) error {
		var undo struct {
			Hash     string
			Action   string
			Revision int64
		}
		err := tx.NewRaw("SELECT hash, action, revision FROM finding_undo WHERE hash = ? AND organisation = ? AND actor = ? AND made_at >= ? AND change = 0",
			digest([]byte(token), 32), scope.Organisation, entry.Actor, tx.Now-Millis(undoAge/time.Millisecond)).Scan(ctx, &undo)
		if errors.Is(err, sql.ErrNoRows) {
			return Refuse(NotFound, "there is nothing to undo: it is more than ten minutes ago, or was undone already")
		}
		if err != nil {
			return fmt.Errorf("look up what undoes a change: %w", err)
		}
		t := &triage{Tx: tx, organisation: ID(scope.Organisation), scope: scope, decision: Decision{By: by}, trend: map[trendOf]tally{}}
		if t.revision, err = tx.bump(ctx, t.organisation); err != nil {
			return err
		}
		total, err := t.undoOne(ctx, undo.Hash, undo.Revision)
		if err != nil {
			return err
		}
		if t.changed == 0 {
			return Refuse(Conflict, "everything was changed again since: nothing was undone")
		}
		out.Changed, out.Skipped = t.changed, total-t.changed
		data.Undid, data.Count = undo.Action, t.changed
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// undoOne takes back what was done under a revision, and returns about how many findings that was.
func (t *triage) undoOne(ctx context.Context, hash string, revision int64) (total int, err error) {
	var list []struct {
		Finding ID
		Was     string
	}
	if err := t.NewRaw("SELECT finding, was FROM finding_undo_row WHERE undo = ? ORDER BY finding", hash).Scan(ctx, &list); err != nil {
		return 0, fmt.Errorf("read what undoes a change: %w", err)
	}
	for part := range slices.Chunk(list, 1000) {
		was := map[ID]string{}
		var ids []ID
		for _, u := range part {
			was[u.Finding] = u.Was
			ids = append(ids, u.Finding)
		}
		rows, err := t.rows(ctx, ids)
		if err != nil {
			return 0, err
		}
		if err := t.takeBack(ctx, rows, was, revision); err != nil {
			return 0, err
		}
	}
	if err := t.tell(ctx); err != nil {
		return 0, err
	}
	if _, err := t.NewRaw("DELETE FROM finding_undo WHERE hash = ?", hash).Exec(ctx); err != nil {
		return 0, fmt.Errorf("forget what was undone: %w", err)
	}
	return len(list), nil
}

// takeBack makes findings what they were, those that have the revision of the change still.
func (t *triage) takeBack(ctx context.Context, rows []findingColumns, was map[ID]string, revision int64) error {
	groups := map[undone][]ID{}
	for i := range rows {
		f := &rows[i]
		if f.Revision != revision {
			continue
		}
		var before undone
		if err := json.Unmarshal([]byte(was[f.ID]), &before); err != nil {
			return fmt.Errorf("read what undoes a change: %w", err)
		}
		t.changed++
		t.count(f, before.Status)
		groups[before] = append(groups[before], f.ID)
		kind, data := "restored", map[string]any{"undo": true}
		switch {
		case before.Reason == f.MuteReason && before.Assignee != f.Assignee:
			kind, data["from"], data["to"] = "assigned", f.Assignee, before.Assignee
		case before.Reason != "":
			kind, data["reason"], data["comment"] = "muted", before.Reason, before.Comment
		}
		if err := t.note(f.ID, kind, data); err != nil {
			return err
		}
	}
	for w, ids := range groups {
		if _, err := t.NewRaw(`UPDATE finding SET revision = ?, status = ?, mute_reason = ?, mute_comment = ?, mute_until = ?, mute_by = ?, mute_at = ?, assignee = ? WHERE id IN (?)`,
			t.revision, w.Status, w.Reason, w.Comment, w.Until, w.By, w.At, w.Assignee, bun.List(ids)).Exec(ctx); err != nil {
			return fmt.Errorf("change findings: %w", err)
		}
	}
	return nil
}

// CommentFinding adds a comment to the timeline of a finding.
func (s *Store) CommentFinding(ctx context.Context, entry Entry, scope access.Scope, id ID, by, text string) (*FindingEvent, error) {
	if text = strings.TrimSpace(text); text == "" || len(text) > MaxComment || !utf8.ValidString(text) {
		return nil, Refuse(Invalid, "a comment has between one and %d bytes of UTF-8", MaxComment)
	}
	data, err := json.Marshal(map[string]any{"comment": text})
	if err != nil {
		return nil, err
	}
	out := &FindingEvent{Kind: "commented", Actor: by, Data: string(data)}
	err = s.Write(ctx, entry, func(ctx context.Context, tx *Tx) error {
		if _, err := findingBy(ctx, tx, scope, id); err != nil {
			return err
		}
		out.ID, out.At = s.NewID(), tx.Now
		return tx.insert(ctx, "event", []string{"id", "finding", "at", "kind", "actor", "data"}, [][]any{{out.ID, id, out.At, out.Kind, by, out.Data}})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ExpireMutes ends the mutes whose time is over, at most a thousand in one transaction of one organisation, and returns how many ended
// at all. What is still detected is open again.
func (s *Store) ExpireMutes(ctx context.Context) (ended int, err error) {
	for {
		var organisation ID
		now := MillisOf(s.Now())
		if err := s.DB.NewRaw("SELECT coalesce(min(organisation), 0) FROM finding WHERE mute_until > 0 AND mute_until <= ?", now).Scan(ctx, &organisation); err != nil {
			return ended, fmt.Errorf("look for mutes whose time is over: %w", err)
		}
		if organisation == 0 {
			return ended, nil
		}
		data := &triageData{}
		entry := Entry{Organisation: organisation, Actor: "system", Action: "finding.expire", Object: "findings", Data: data}
		err := s.Write(ctx, entry, func(ctx context.Context, tx *Tx) error {
			t := &triage{Tx: tx, organisation: organisation, trend: map[trendOf]tally{}}
			var err error
			if t.revision, err = tx.bump(ctx, organisation); err != nil {
				return err
			}
			var rows []findingColumns
			if err := tx.NewRaw("SELECT "+findingNames+" FROM finding WHERE mute_until > 0 AND mute_until <= ? AND organisation = ? ORDER BY id LIMIT 1000", now, organisation).Scan(ctx, &rows); err != nil {
				return fmt.Errorf("look for mutes whose time is over: %w", err)
			}
			var again []ID // open ones
			for i := range rows {
				f := &rows[i]
				life, kind, err := Next(LifeOf(f.Status, f.MuteReason), Expire, "")
				if err != nil {
					return err
				}
				if kind != "" {
					if life.Status() == StatusOpen {
						again = append(again, f.ID)
					}
					t.count(f, life.Status())
					if err := t.note(f.ID, kind, map[string]any{"reason": f.MuteReason, "comment": f.MuteComment}); err != nil {
						return err
					}
				}
				if life.Mute == "" {
					f.MuteComment, f.MuteBy, f.MuteAt = "", "", 0
				}
				if _, err := tx.NewRaw("UPDATE finding SET revision = ?, status = ?, mute_reason = ?, mute_comment = ?, mute_by = ?, mute_at = ?, mute_until = 0 WHERE id = ?",
					t.revision, life.Status(), life.Mute, f.MuteComment, f.MuteBy, f.MuteAt, f.ID).Exec(ctx); err != nil {
					return fmt.Errorf("end a mute: %w", err)
				}
			}
			data.Count = len(rows)
			if len(again) > 0 {
				if err := tx.happen(ctx, Happened{Organisation: organisation, HappenedData: HappenedData{Findings: map[notify.Happening][]ID{notify.MuteEnded: again}}}); err != nil {
					return err
				}
			}
			return t.tell(ctx)
		})
		if err != nil {
			return ended, err
		}
		ended += data.Count
	}
}
