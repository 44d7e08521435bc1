package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// TestChange holds that a decision about more findings than one transaction takes happens to all of them, is told in the audit log at its
// beginning and its end, and can be taken back, also half-way; and that what somebody decided since stays.
func TestChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		s.Now = func() time.Time { return now }
		storetest.Fill(t, s, storetest.Crowd{Organisations: []int{store.MaxTriage + 13_000}, Now: now})
		ctx := t.Context()
		count := func(q string) int {
			t.Helper()
			_, n, err := s.FindingIDs(ctx, ask(t, 1, q), 0)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		var queued []store.ID
		later := func(_ context.Context, _ *store.Tx, id store.ID) error {
			queued = append(queued, id)
			return nil
		}
		search := ask(t, 1, "branch:* -status:fixed -reason:code")
		selection := store.Selection{Scope: everything, Search: &search, Later: later}
		mute := store.Decision{Happening: store.Mute, Reason: store.NoFix, Comment: "all of it", By: "ada"}
		total, muted, noFix := count("branch:* -status:fixed -reason:code"), count("branch:* status:muted -reason:code"), count("branch:* -status:fixed reason:no-fix")
		if total <= store.MaxTriage {
			t.Fatalf("only %d fit: make the crowd larger", total)
		}
		if _, err := s.Triage(ctx, ada("finding.mute"), store.Selection{Scope: everything, Search: &search}, mute); fault(err) != store.Limited {
			t.Errorf("without somebody to work on it: %v", err)
		}
		if _, err := s.Triage(ctx, ada("finding.assign"), selection, store.Decision{Assign: true, Assignee: 99}); fault(err) != store.Invalid || len(queued) > 0 {
			t.Errorf("assigned to a stranger: %v, %v", err, queued)
		}
		begin := func() store.ID {
			t.Helper()
			out, err := s.Triage(ctx, ada("finding.mute"), selection, mute)
			if err != nil {
				t.Fatal(err)
			}
			if out.Change == 0 || len(queued) == 0 || queued[len(queued)-1] != out.Change || out.Undo != "" {
				t.Fatalf("%+v, queued %v", out, queued)
			}
			return out.Change
		}
		step := func(id store.ID) (more bool) {
			t.Helper()
			if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
				more, err = tx.StepChange(ctx, id)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return more
		}
		end := func(id store.ID) error {
			t.Helper()
			entry, err := s.ChangeEntry(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			return s.Write(ctx, entry, func(ctx context.Context, tx *store.Tx) error {
				return tx.EndChange(ctx, id, entry.Data.(map[string]any))
			})
		}
		see := func(id store.ID) store.Change {
			t.Helper()
			c, err := s.FindingChange(ctx, everything, id, "person:1 ada")
			if err != nil {
				t.Fatal(err)
			}
			return *c
		}

		id := begin()
		for range 2 {
			step(id)
		}
		half := see(id)
		if half.State != store.ChangeRunning || half.Seen == 0 || half.Seen >= total || half.Total != total || !half.Undo {
			t.Errorf("under way: %+v", half)
		}
		if err := end(id); fault(err) != store.Conflict {
			t.Errorf("it ends before its end: %v", err)
		}
		for step(id) {
		}
		if err := end(id); err != nil {
			t.Fatal(err)
		}
		changed := count("branch:* -status:fixed reason:no-fix")
		if got := see(id); got.State != store.ChangeDone || got.Seen != total || got.Changed == 0 || changed != total || !got.Undo {
			t.Errorf("%d of %d have the reason: %+v", changed, total, got)
		}
		if err := end(id); fault(err) != store.Conflict {
			t.Errorf("it ends twice: %v", err)
		}

		// Somebody decides otherwise about one of them; that stays.
		one, _, err := s.FindingIDs(ctx, ask(t, 1, "branch:* -status:fixed reason:no-fix"), 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Triage(ctx, ada("finding.mute"), store.Selection{Scope: everything, IDs: one}, store.Decision{Happening: store.Mute, Reason: store.Duplicate, By: "bo"}); err != nil {
			t.Fatal(err)
		}
		other := ada("finding.undo")
		other.Actor = "person:2 bo"
		if err := s.UndoChange(ctx, other, 1, id, later); fault(err) != store.NotFound {
			t.Errorf("somebody else takes it back: %v", err)
		}
		if err := s.UndoChange(ctx, ada("finding.undo"), 1, id, later); err != nil {
			t.Fatal(err)
		}
		for step(id) {
		}
		if err := end(id); err != nil {
			t.Fatal(err)
		}
		if got := see(id); got.State != store.ChangeUndone || got.Restored != got.Changed-1 || got.Undo {
			t.Errorf("taken back: %+v", got)
		}
		if a, b, c := count("branch:* -status:fixed -reason:code"), count("branch:* status:muted -reason:code"), count("branch:* -status:fixed reason:no-fix"); a != total || b < muted || b > muted+1 || c > noFix || c < noFix-1 {
			t.Errorf("afterwards %d detected, %d muted, %d without a fix; before %d, %d, %d", a, b, c, total, muted, noFix)
		}
		if err := s.UndoChange(ctx, ada("finding.undo"), 1, id, later); fault(err) != store.Conflict {
			t.Errorf("it is taken back twice: %v", err)
		}

		// One that is taken back half-way goes no further.
		id = begin()
		step(id)
		if err := s.UndoChange(ctx, ada("finding.undo"), 1, id, later); err != nil {
			t.Fatal(err)
		}
		for step(id) {
		}
		if err := end(id); err != nil {
			t.Fatal(err)
		}
		if got := see(id); got.State != store.ChangeUndone || got.Restored != got.Changed || got.Seen >= total {
			t.Errorf("taken back half-way: %+v", got)
		}

		// After ten minutes nothing can be undone, and a day later nothing is left.
		if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewRaw("UPDATE finding_change SET state = 'done' WHERE id = ?", id).Exec(ctx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(11 * time.Minute)
		if err := s.UndoChange(ctx, ada("finding.undo"), 1, id, later); fault(err) != store.Conflict {
			t.Errorf("it is taken back late: %v", err)
		}
		now = now.Add(25 * time.Hour)
		for more := true; more; {
			if more, err = s.ForgetUndo(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for _, table := range []string{"finding_change", "finding_change_part", "finding_undo", "finding_undo_row"} {
			var n int
			if err := s.DB.NewRaw("SELECT count(*) FROM "+table).Scan(ctx, &n); err != nil || n != 0 {
				t.Errorf("%d rows are left in %s (%v)", n, table, err)
			}
		}
		var actions []string
		if err := s.DB.NewRaw("SELECT action || ' ' || actor FROM audit_record WHERE organisation = 1 ORDER BY sequence").Scan(ctx, &actions); err != nil {
			t.Fatal(err)
		}
		want := []string{}
		for _, a := range []string{"finding.mute", "finding.change-end", "finding.mute", "finding.undo", "finding.change-end", "finding.mute", "finding.undo", "finding.change-end"} {
			want = append(want, fmt.Sprint(a, " person:1"))
		}
		if diff := cmp.Diff(want, actions); diff != "" {
			t.Error(diff)
		}
	})
}

func fault(err error) store.FaultKind {
	if f, ok := errors.AsType[*store.Fault](err); ok {
		return f.Kind
	}
	return ""
}
