package jobs_test

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/query"
	"plumbline.dev/plumbline/store"
)

// TestChangeFindings holds that a job does all parts of a change and ends it, and that it is taken back when somebody asks for that.
func TestChangeFindings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		storetest.Fill(t, s, storetest.Crowd{Organisations: []int{300}, Now: time.Now()})
		q, err := jobs.NewQueue(ctx, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		everything := access.Scope{Organisation: 1, All: true}
		text, err := query.Parse("branch:* -status:fixed -reason:code")
		if err != nil {
			t.Fatal(err)
		}
		ids, _, err := s.FindingIDs(ctx, store.FindingSearch{Scope: everything, Query: text}, 300)
		if err != nil {
			t.Fatal(err)
		}
		id := s.NewID()
		if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { // what store.Triage writes for too many findings
			if _, err := tx.NewRaw(`INSERT INTO finding_change (id, organisation, actor, action, scope, decision, state, total, made_at) VALUES (?, 1, 'person:1 ada', 'finding.mute', '{"Organisation":1,"All":true}', '{"Happening":"mute","Reason":"duplicate","By":"ada"}', 'running', ?, ?)`,
				id, len(ids), tx.Now).Exec(ctx); err != nil {
				return err
			}
			for i, finding := range ids {
				if _, err := tx.NewRaw("INSERT INTO finding_change_part (change, number, ids) VALUES (?, ?, ?)", id, i, binary.BigEndian.AppendUint64(nil, uint64(finding))).Exec(ctx); err != nil {
					return err
				}
			}
			return q.ChangeFindings(ctx, tx, 1, id)
		}); err != nil {
			t.Fatal(err)
		}
		work(t, jobs.Options{Store: s, Data: t.TempDir(), Poll: -1, Daily: -1})
		const told = "SELECT c.state || ' ' || (SELECT count(*) FROM finding_change_part) || ' left, ' || (SELECT count(*) FROM audit_record WHERE action = 'finding.change-end') || ' ended, ' || " +
			"(SELECT count(*) FROM river_job WHERE kind = 'change' AND CAST(state AS text) = 'completed') || ' jobs' FROM finding_change c"
		eventually(t, s, "done 0 left, 1 ended, 1 jobs", told)
		changed, err := s.FindingChange(ctx, everything, id, "person:1 ada")
		if err != nil {
			t.Fatal(err)
		}
		if changed.Seen != len(ids) || changed.Changed == 0 || !changed.Undo {
			t.Errorf("%+v", changed)
		}
		if err := s.UndoChange(ctx, store.Entry{Organisation: 1, Actor: "person:1 ada", Action: "finding.undo", Object: "change"}, 1, id,
			func(ctx context.Context, tx *store.Tx, change store.ID) error {
				return q.ChangeFindings(ctx, tx, 1, change)
			}); err != nil {
			t.Fatal(err)
		}
		eventually(t, s, "undone 0 left, 2 ended, 2 jobs", told)
		if changed, err = s.FindingChange(ctx, everything, id, "person:1 ada"); err != nil || changed.Restored != changed.Changed {
			t.Errorf("%+v, %v", changed, err)
		}
	})
}
