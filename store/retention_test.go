package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

func TestRetention_bounds(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	ctx := context.Background()
	e := storetest.NewEstate(t, s)
	if r, err := s.Retention(ctx, e.Organisation); err != nil || r != (store.Retention{FixedDays: 400, CommitDays: 400}) {
		t.Fatalf("what nobody set: %+v, %v", r, err)
	}
	for _, c := range []struct {
		r    store.Retention
		want bool
	}{
		{store.Retention{}, true},
		{store.Retention{FixedDays: 30, CommitDays: 30, AuditDays: 365}, true},
		{store.Retention{FixedDays: 29}, false},
		{store.Retention{CommitDays: -1}, false},
		{store.Retention{AuditDays: 364}, false},
		{store.Retention{AuditDays: 36501}, false},
	} {
		err := s.Write(ctx, entry(), func(ctx context.Context, tx *store.Tx) error { return tx.SetRetention(ctx, e.Organisation, c.r) })
		if (err == nil) != c.want {
			t.Errorf("%+v: %v", c.r, err)
		}
		if got, err := s.Retention(ctx, e.Organisation); err != nil || c.want && got != c.r {
			t.Errorf("%+v became %+v, %v", c.r, got, err)
		}
	}
}

// TestForgetOld_findings: only what was fixed long ago goes, on no branch open and decided by nobody; the columns in memory follow.
func TestForgetOld_findings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		e := storetest.NewEstate(t, s)
		now := store.MillisOf(s.Now())
		old, young := now-401*e.Day, now-399*e.Day
		ids := map[string]store.ID{
			"open":            e.Add(t, storetest.Row{First: old - e.Day}),
			"muted":           e.Add(t, storetest.Row{First: old - e.Day, Status: "muted", Reason: "risk-accepted", MutedAt: old}),
			"fixed long ago":  e.Add(t, storetest.Row{First: old - e.Day, Status: "fixed", Fixed: old}),
			"fixed lately":    e.Add(t, storetest.Row{First: old - e.Day, Status: "fixed", Fixed: young}),
			"fixed and muted": e.Add(t, storetest.Row{First: old - e.Day, Status: "fixed", Fixed: old, Reason: "false-positive", MutedAt: old}),
			"open elsewhere":  e.Add(t, storetest.Row{First: old - e.Day, Status: "fixed", Fixed: old}),
		}
		other := s.NewID()
		e.Do(t, "INSERT INTO branch (id, repository, name, head, scanned, head_at) VALUES (?, ?, 'topic', 'c2', 'c2', ?)", other, e.Shop, now)
		e.Do(t, "INSERT INTO presence (branch, finding, state, detail, file, line, since_sha, since_at, revision) VALUES (?, ?, 'open', '', 'main.tf', 1, 'c2', 1, 1)", other, ids["open elsewhere"])
		left := func() (out []string) {
			t.Helper()
			var there []store.ID
			if err := s.DB.NewRaw("SELECT id FROM finding WHERE organisation = ?", e.Organisation).Scan(ctx, &there); err != nil {
				t.Fatal(err)
			}
			for name, id := range ids {
				if slices.Contains(there, id) {
					out = append(out, name)
				}
			}
			slices.Sort(out)
			return out
		}
		count := func() int {
			t.Helper()
			n, err := s.CountFindings(ctx, store.FindingSearch{Scope: whole(e.Organisation)})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := count(); n != 6 {
			t.Fatalf("%d findings in memory, want 6", n)
		}
		for range 2 { // the second time nothing is left to do, and nothing is recorded
			if err := s.ForgetOld(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{"fixed and muted", "fixed lately", "muted", "open", "open elsewhere"}, left()); diff != "" {
			t.Error(diff)
		}
		if n := count(); n != 5 {
			t.Errorf("%d findings in memory, want 5", n)
		}
		records, err := s.AuditRecords(ctx, whole(e.Organisation), store.AuditFilter{Action: "finding.forget", Limit: 10})
		if err != nil || len(records) != 1 || !strings.Contains(string(records[0].Data), `"count":1`) {
			t.Errorf("recorded: %+v, %v", records, err)
		}
		// A process that died between the last deletion and the word to the columns: the next run gives it.
		e.Do(t, "DELETE FROM finding WHERE id = ?", ids["fixed lately"])
		e.Do(t, "UPDATE organisation SET forgotten = -1 WHERE id = ?", e.Organisation)
		if err := s.ForgetOld(ctx); err != nil {
			t.Fatal(err)
		}
		if n := count(); n != 4 {
			t.Errorf("%d findings in memory after a run that died, want 4", n)
		}
		// For ever is for ever.
		if err := s.Write(ctx, entry(), func(ctx context.Context, tx *store.Tx) error {
			return tx.SetRetention(ctx, e.Organisation, store.Retention{})
		}); err != nil {
			t.Fatal(err)
		}
		ids["fixed very long ago"] = e.Add(t, storetest.Row{First: 1, Status: "fixed", Fixed: 2})
		if err := s.ForgetOld(ctx); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(left(), "fixed very long ago") {
			t.Error("a finding went that is kept for ever")
		}
	})
}

// TestForgetOld_chunks: more than one transaction's worth.
func TestForgetOld_chunks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		e := storetest.NewEstate(t, s)
		e.Add(t, storetest.Row{Status: "fixed", First: 1, Fixed: 2})
		e.Do(t, `INSERT INTO finding (id, organisation, repository, fingerprint, twin, rule, outcome, severity, base_severity, category, provider, dialect, resource_type, address, attribute, unit, file, line, message, detail, status, first_seen_at, last_seen_at, fixed_at, revision)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4999)
			SELECT i, organisation, repository, 'f' || i, twin, rule, outcome, severity, base_severity, category, provider, dialect, resource_type, address, attribute, unit, file, line, message, detail, status, first_seen_at, last_seen_at, fixed_at, revision FROM n CROSS JOIN finding`)
		if err := s.ForgetOld(ctx); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := s.DB.NewRaw("SELECT count(*) FROM finding").Scan(ctx, &n); err != nil || n != 0 {
			t.Errorf("%d findings are left, %v", n, err)
		}
		records, err := s.AuditRecords(ctx, whole(e.Organisation), store.AuditFilter{Action: "finding.forget", Limit: 10})
		if err != nil || len(records) != 3 {
			t.Errorf("%d transactions, want 3; %v", len(records), err)
		}
	})
}

// TestForgetOld_commits: what only branches have that are long gone.
func TestForgetOld_commits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		e := storetest.NewEstate(t, s)
		now := store.MillisOf(s.Now())
		old := now - 401*e.Day
		// The default branch is c1 ← m3 ← m2 ← m1; below c1 there is a gap, and a1 ← a0 are history.
		for i, c := range []struct {
			sha, parent string
			at          store.Millis
		}{
			{"a0", "", old}, {"a1", "a0", old}, {"m1", "lost", old}, {"m2", "m1", old}, {"m3", "m2", old}, {"c1", "m3", old},
			{"t1", "m1", old}, {"t2", "t1", old}, // topic, gone for long
			{"y1", "m1", old}, {"y2", "y1", now}, // gone for long, its head scanned lately
			{"k1", "m1", old}, // gone lately
			{"s1", "t1", old}, // there, made from topic's first commit
			{"h1", "a0", old}, // gone for long, made of history below the gap
		} {
			e.Do(t, `INSERT INTO commit_result (id, repository, sha, parent, author, email, subject, committed_at, scan, scanned_at, findings, undecided, suppressed, problems, added, gone, result)
				VALUES (?, ?, ?, ?, '', '', '', ?, 1, ?, 0, 0, 0, 0, 0, 0, '')`, i+1, e.Shop, c.sha, c.parent, c.at, c.at)
		}
		for name, b := range map[string]struct {
			head    string
			removed store.Millis
		}{"topic": {"t2", old}, "yonder": {"y2", old}, "late": {"k1", now - e.Day}, "side": {"s1", 0}, "deep": {"h1", old}} {
			e.Do(t, "INSERT INTO branch (id, repository, name, head, head_at, removed_at) VALUES (?, ?, ?, ?, ?, ?)", s.NewID(), e.Shop, name, b.head, old, b.removed)
		}
		for range 2 {
			if err := s.ForgetOld(ctx); err != nil {
				t.Fatal(err)
			}
		}
		var left []string
		if err := s.DB.NewRaw("SELECT sha FROM commit_result ORDER BY sha").Scan(ctx, &left); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a0", "a1", "c1", "k1", "m1", "m2", "m3", "s1", "t1", "y2"}, left); diff != "" {
			t.Error(diff)
		}
		records, err := s.AuditRecords(ctx, whole(e.Organisation), store.AuditFilter{Action: "commit.forget", Limit: 10})
		if err != nil || len(records) != 1 || !strings.Contains(string(records[0].Data), `"count":3`) {
			t.Errorf("recorded: %+v, %v", records, err)
		}
	})
}

// TestForgetOld_audit: the log goes only where its organisation says so.
func TestForgetOld_audit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		e, other := storetest.NewEstate(t, s), storetest.NewEstate(t, s)
		for _, o := range []store.ID{e.Organisation, other.Organisation} {
			for range 3 {
				if err := s.Write(ctx, store.Entry{Organisation: o, Actor: "system", Action: "test.do"}, nothing); err != nil {
					t.Fatal(err)
				}
			}
		}
		e.Do(t, "UPDATE audit_record SET at = ? WHERE sequence < 5", store.MillisOf(s.Now().Add(-366*24*time.Hour)))
		if err := s.ForgetOld(ctx); err != nil {
			t.Fatal(err)
		}
		left := func() (out []string) {
			t.Helper()
			if err := s.DB.NewRaw("SELECT CAST(sequence AS text) || ' ' || action FROM audit_record ORDER BY sequence").Scan(ctx, &out); err != nil {
				t.Fatal(err)
			}
			return out
		}
		if n := len(left()); n != 6 {
			t.Fatalf("%d records are left of 6 that are kept for ever", n)
		}
		e.Do(t, "UPDATE organisation SET keep_audit = 365 WHERE id = ?", e.Organisation)
		if err := s.ForgetOld(ctx); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"3 test.do", "4 test.do", "5 test.do", "6 audit.forget"}, left()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestOpen_private: nobody else of the machine reads the database, nor one that was there before with another mode.
func TestOpen_private(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plumbline.db")
	for _, first := range []os.FileMode{0, 0o644} {
		if first != 0 {
			if err := os.Chmod(path, first); err != nil {
				t.Fatal(err)
			}
		}
		s := storetest.Open(t, path)
		if err := s.Write(context.Background(), entry(), nothing); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range []string{path, path + "-wal", path + "-shm"} {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%o", info.Mode().Perm()))
		}
		if diff := cmp.Diff([]string{"600", "600", "600"}, got); diff != "" {
			t.Errorf("after %o: %s", first, diff)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
