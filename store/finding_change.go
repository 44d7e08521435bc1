package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"plumbline.dev/plumbline/access"
)

// Rules of this file: a decision about more than MaxTriage findings is a change that goes in parts, each a transaction, so that nobody
// waits for it. What it is about is settled when it is asked for, and so is what its actor may change. The audit log has its beginning with
// the query and the number, and its end with what was changed. Every part keeps what undoes it until the change can be taken back no more.

// MaxChange is the most findings of a change that goes in parts.
const MaxChange = 2_000_000

// changePart is how many findings one transaction changes.
const changePart = 2000

// The states of changes.
const (
	ChangeRunning = "running"
	ChangeDone    = "done"
	ChangeUndoing = "undoing"
	ChangeUndone  = "undone"
)

// Change is a decision about many findings, and how far it is.
type Change struct {
	ID       ID     `json:"id"`
	Action   string `json:"action" doc:"finding.mute, finding.restore or finding.assign"`
	State    string `json:"state" enum:"running,done,undoing,undone" doc:"undoing: what was changed is being taken back"`
	Total    int    `json:"total" doc:"findings that fitted when it was asked for"`
	Seen     int    `json:"seen" doc:"of these"`
	Changed  int    `json:"changed" doc:"of those"`
	Restored int    `json:"restored" doc:"what was taken back; what somebody changed since stays"`
	MadeAt   Millis `json:"madeAt"`
	EndedAt  Millis `json:"endedAt" doc:"empty while it is under way"`
	Undo     bool   `json:"undo" doc:"whether you can take it back: for ten minutes after its end, or while it is under way"`

	Actor string `json:"-"`
}

const changeColumns = "id, actor, action, state, total, seen, changed, restored, made_at, ended_at"

// undoable tells whether a change can be taken back.
func (c *Change) undoable(actor string, now Millis) bool {
	return c.Actor == actor && (c.State == ChangeRunning || c.State == ChangeDone && now-c.EndedAt < Millis(undoAge.Milliseconds()))
}

// later begins a change in parts.
func (s *Store) later(ctx context.Context, entry Entry, sel Selection, d Decision, ids []ID) (*Triaged, error) {
	slices.Sort(ids)
	c := Change{ID: s.NewID(), Total: len(ids)}
	scope, err := json.Marshal(sel.Scope)
	if err != nil {
		return nil, err
	}
	decision, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	err = s.Write(ctx, entry, func(ctx context.Context, tx *Tx) error {
		t := &triage{Tx: tx, organisation: ID(sel.Scope.Organisation), decision: d}
		if err := t.assignable(ctx); err != nil {
			return err
		}
		if _, err := tx.NewRaw("INSERT INTO finding_change (id, organisation, actor, action, scope, decision, state, total, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			c.ID, t.organisation, entry.Actor, entry.Action, string(scope), string(decision), ChangeRunning, c.Total, tx.Now).Exec(ctx); err != nil {
			return fmt.Errorf("begin a change of findings: %w", err)
		}
		var rows [][]any
		for part := range slices.Chunk(ids, changePart) {
			var text []byte
			for _, id := range part {
				text = binary.BigEndian.AppendUint64(text, uint64(id))
			}
			rows = append(rows, []any{c.ID, len(rows), text})
		}
		if err := tx.insert(ctx, "finding_change_part", []string{"change", "number", "ids"}, rows); err != nil {
			return err
		}
		return sel.Later(ctx, tx, c.ID)
	})
	if err != nil {
		return nil, err
	}
	return &Triaged{Change: c.ID}, nil
}

// FindingChange returns a change to who made it, and to those who may change findings of the whole organisation.
func (s *Store) FindingChange(ctx context.Context, scope access.Scope, id ID, actor string) (*Change, error) {
	c := &Change{}
	query, args := "SELECT "+changeColumns+" FROM finding_change WHERE id = ? AND organisation = ?", []any{id, scope.Organisation}
	if !scope.Whole() {
		query, args = query+" AND actor = ?", append(args, actor)
	}
	if err := s.DB.NewRaw(query, args...).Scan(ctx, c); err != nil {
		return nil, missing(err, "There is no such change, or not any more.")
	}
	c.Undo = c.undoable(actor, MillisOf(s.Now()))
	return c, nil
}

// UndoChange begins to take a change back that the same actor made; one that is under way goes no further. Later queues the job.
func (s *Store) UndoChange(ctx context.Context, entry Entry, organisation, id ID, later func(ctx context.Context, tx *Tx, change ID) error) error {
	data := &struct {
		Undid string `json:"undid"`
		Count int    `json:"count"`
	}{}
	entry.Data = data
	return s.Write(ctx, entry, func(ctx context.Context, tx *Tx) error {
		c, err := tx.change(ctx, id)
		switch {
		case err != nil:
			return err
		case c.organisation != organisation || c.Actor != entry.Actor:
			return Refuse(NotFound, "There is no such change, or not any more.")
		case !c.undoable(entry.Actor, tx.Now):
			return Refuse(Conflict, "There is nothing to undo: it is more than ten minutes ago, or was undone already.")
		}
		data.Undid, data.Count = c.Action, c.Changed
		if _, err := tx.NewRaw("UPDATE finding_change SET state = ?, ended_at = 0 WHERE id = ?", ChangeUndoing, id).Exec(ctx); err != nil {
			return fmt.Errorf("take a change back: %w", err)
		}
		return later(ctx, tx, id)
	})
}

// underWay is a change with what its next part needs.
type underWay struct {
	Change
	organisation ID
	scope        access.Scope
	decision     Decision
}

// change reads a change, and lets others wait that work on it.
func (tx *Tx) change(ctx context.Context, id ID) (*underWay, error) {
	lock := ""
	if tx.PGX != nil {
		lock = " FOR UPDATE"
	}
	var row struct {
		Change
		Organisation    ID
		Scope, Decision string
	}
	if err := tx.NewRaw("SELECT "+changeColumns+", organisation, scope, decision FROM finding_change WHERE id = ?"+lock, id).Scan(ctx, &row); err != nil {
		return nil, missing(err, "There is no such change, or not any more.")
	}
	c := &underWay{Change: row.Change, organisation: row.Organisation}
	if err := cmp.Or(json.Unmarshal([]byte(row.Scope), &c.scope), json.Unmarshal([]byte(row.Decision), &c.decision)); err != nil {
		return nil, fmt.Errorf("read a change of findings: %w", err)
	}
	return c, nil
}

// StepChange does the next part of a change. more is false when nothing is left but EndChange.
func (tx *Tx) StepChange(ctx context.Context, id ID) (more bool, err error) {
	c, err := tx.change(ctx, id)
	if err != nil {
		return false, err
	}
	t := &triage{Tx: tx, organisation: c.organisation, scope: c.scope, decision: c.decision, actor: c.Actor, action: c.Action, trend: map[trendOf]tally{}}
	switch c.State {
	case ChangeRunning:
		more, err = t.part(ctx, c)
	case ChangeUndoing:
		t.decision = Decision{By: c.decision.By}
		more, err = t.partBack(ctx, c)
	}
	if err != nil || !more {
		return false, err
	}
	return true, tx.Notify(ctx, Notice{Organisation: c.organisation, Kind: "findings"}, map[string]any{"change": id})
}

// part changes what one part is about.
func (t *triage) part(ctx context.Context, c *underWay) (more bool, err error) {
	var number int64
	var text []byte
	err = t.NewRaw("SELECT number, ids FROM finding_change_part WHERE change = ? ORDER BY number LIMIT 1", c.ID).Scan(ctx, &number, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read what is to be changed: %w", err)
	}
	var ids []ID
	for ; len(text) >= 8; text = text[8:] {
		ids = append(ids, ID(binary.BigEndian.Uint64(text)))
	}
	if t.revision, err = t.bump(ctx, t.organisation); err != nil {
		return false, err
	}
	for list := range slices.Chunk(ids, 1000) {
		rows, err := t.rows(ctx, list)
		if err != nil {
			return false, err
		}
		if err := t.decide(ctx, rows); err != nil {
			return false, err
		}
	}
	if t.changed > 0 {
		if _, err := t.save(ctx, c.ID); err != nil {
			return false, err
		}
	}
	if _, err := t.NewRaw("DELETE FROM finding_change_part WHERE change = ? AND number = ?", c.ID, number).Exec(ctx); err != nil {
		return false, fmt.Errorf("note what was changed: %w", err)
	}
	if _, err := t.NewRaw("UPDATE finding_change SET seen = seen + ?, changed = changed + ? WHERE id = ?", len(ids), t.changed, c.ID).Exec(ctx); err != nil {
		return false, fmt.Errorf("note what was changed: %w", err)
	}
	return true, nil
}

// partBack takes one part back.
func (t *triage) partBack(ctx context.Context, c *underWay) (more bool, err error) {
	var hash string
	var revision int64
	err = t.NewRaw("SELECT hash, revision FROM finding_undo WHERE change = ? ORDER BY revision DESC LIMIT 1", c.ID).Scan(ctx, &hash, &revision)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up what undoes a change: %w", err)
	}
	if t.revision, err = t.bump(ctx, t.organisation); err != nil {
		return false, err
	}
	if _, err := t.undoOne(ctx, hash, revision); err != nil {
		return false, err
	}
	if _, err := t.NewRaw("UPDATE finding_change SET restored = restored + ? WHERE id = ?", t.changed, c.ID).Exec(ctx); err != nil {
		return false, fmt.Errorf("note what was taken back: %w", err)
	}
	return true, nil
}

// ChangeEntry is the audit record of the end of a change; its data is filled in by EndChange.
func (s *Store) ChangeEntry(ctx context.Context, id ID) (Entry, error) {
	var row struct {
		Organisation ID
		Actor        string
	}
	if err := s.DB.NewRaw("SELECT organisation, actor FROM finding_change WHERE id = ?", id).Scan(ctx, &row); err != nil {
		return Entry{}, missing(err, "There is no such change, or not any more.")
	}
	return Entry{Organisation: row.Organisation, Actor: row.Actor, Action: "finding.change-end", Object: "change:" + id.String(), Data: map[string]any{}}, nil
}

// EndChange ends a change of which nothing is left to do, and fills the data of its audit record. One that is not at its end, because
// somebody takes it back meanwhile, is a Conflict.
func (tx *Tx) EndChange(ctx context.Context, id ID, data map[string]any) error {
	c, err := tx.change(ctx, id)
	if err != nil {
		return err
	}
	left := 0
	from, state := "finding_change_part", ChangeDone
	switch c.State {
	case ChangeRunning:
	case ChangeUndoing:
		from, state = "finding_undo", ChangeUndone
	default:
		return Refuse(Conflict, "the change has ended already")
	}
	if err := tx.NewRaw("SELECT count(*) FROM "+from+" WHERE change = ?", id).Scan(ctx, &left); err != nil {
		return fmt.Errorf("look what is left of a change: %w", err)
	}
	if left > 0 {
		return Refuse(Conflict, "the change is not at its end")
	}
	data["action"], data["state"], data["total"], data["changed"] = c.Action, state, c.Total, c.Changed
	if state == ChangeUndone {
		data["restored"] = c.Restored
	}
	if _, err := tx.NewRaw("DELETE FROM finding_change_part WHERE change = ?", id).Exec(ctx); err != nil {
		return fmt.Errorf("end a change: %w", err)
	}
	if _, err := tx.NewRaw("UPDATE finding_change SET state = ?, ended_at = ? WHERE id = ?", state, tx.Now, id).Exec(ctx); err != nil {
		return fmt.Errorf("end a change: %w", err)
	}
	return tx.Notify(ctx, Notice{Organisation: c.organisation, Kind: "findings"}, map[string]any{"change": id})
}

// forgetUndo removes what can be undone no more, and changes that ended a day ago.
func (tx *Tx) forgetUndo(ctx context.Context) error {
	old := tx.Now - Millis(undoAge.Milliseconds())
	for _, q := range []struct {
		text string
		args []any
	}{
		{"DELETE FROM finding_undo WHERE change = 0 AND made_at < ?", []any{old}},
		// Some at a time: those of a change of a million findings are a million rows.
		{"DELETE FROM finding_undo WHERE hash IN (SELECT u.hash FROM finding_undo u JOIN finding_change c ON c.id = u.change WHERE c.state IN ('done', 'undone') AND c.ended_at < ? LIMIT 5)", []any{old}},
		{"DELETE FROM finding_change WHERE state IN ('done', 'undone') AND ended_at < ? AND NOT EXISTS (SELECT 1 FROM finding_undo u WHERE u.change = finding_change.id)", []any{tx.Now - Millis(day)}},
	} {
		if _, err := tx.NewRaw(q.text, q.args...).Exec(ctx); err != nil {
			return fmt.Errorf("forget what can be undone no more: %w", err)
		}
	}
	return nil
}

// ForgetUndo removes what can be undone no more, some at a time. It tells whether there is more.
func (s *Store) ForgetUndo(ctx context.Context) (more bool, err error) {
	err = s.Quiet(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.forgetUndo(ctx); err != nil {
			return err
		}
		return tx.NewRaw("SELECT count(*) > 0 FROM finding_undo u JOIN finding_change c ON c.id = u.change WHERE c.state IN ('done', 'undone') AND c.ended_at < ?",
			tx.Now-Millis(undoAge.Milliseconds())).Scan(ctx, &more)
	})
	return more, err
}
