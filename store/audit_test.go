package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/audit"
	"plumbline.dev/plumbline/internal/canary"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

func nothing(context.Context, *store.Tx) error { return nil }

// whole is the scope of an administrator.
func whole(organisation store.ID) access.Scope {
	return access.Scope{Organisation: int64(organisation), All: true}
}

func TestAuditRecords(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		for i := range 10 {
			e := store.Entry{Organisation: store.ID(1 + i%2), Actor: fmt.Sprintf("person:p%d ada@example.com", i%3), Action: []string{"finding.mute", "finding.assign", "repository.add"}[i%3],
				Object: fmt.Sprintf("finding:f%d a bucket", i), Data: map[string]int{"n": i}, Address: "192.0.2.1", Request: "r"}
			if err := s.Write(ctx, e, nothing); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			organisation store.ID
			f            store.AuditFilter
			want         string
		}{
			{1, store.AuditFilter{Limit: 50}, "8 6 4 2 0"},
			{2, store.AuditFilter{Limit: 2}, "9 7"},
			{2, store.AuditFilter{Limit: 2, Before: 7}, "5 3"},
			{1, store.AuditFilter{Limit: 50, Actor: "person:p0"}, "6 0"},
			{1, store.AuditFilter{Limit: 50, Actor: "person"}, "8 6 4 2 0"},
			{1, store.AuditFilter{Limit: 50, Actor: "token"}, ""},
			{1, store.AuditFilter{Limit: 50, Action: "finding."}, "6 4 0"},
			{1, store.AuditFilter{Limit: 50, Action: "finding.mute"}, "6 0"},
			{1, store.AuditFilter{Limit: 50, Object: "finding:f4"}, "4"},
			{1, store.AuditFilter{Limit: 50, From: 1 << 60}, ""},
			{1, store.AuditFilter{Limit: 50, Until: 1}, ""},
			{3, store.AuditFilter{Limit: 50}, ""},
		} {
			got, err := s.AuditRecords(ctx, whole(c.organisation), c.f)
			if err != nil {
				t.Fatal(err)
			}
			var seen []string
			for _, r := range got {
				seen = append(seen, fmt.Sprint(r.Sequence))
			}
			if strings.Join(seen, " ") != c.want {
				t.Errorf("%d %+v: %v, want %s", c.organisation, c.f, seen, c.want)
			}
		}
		if _, err := s.AuditRecords(ctx, access.Scope{Organisation: 1, Teams: []int64{1}}, store.AuditFilter{Limit: 1}); err == nil {
			t.Error("the log was shown to somebody of a team")
		}
		if _, err := s.AuditRecords(ctx, whole(1), store.AuditFilter{Limit: 501}); err == nil {
			t.Error("a page has no bound")
		}
	})
}

// TestAudit_tree: what concurrent writers append is one log without gaps, whose stored edge and hashes are those of its records.
func TestAudit_tree(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := range 10 {
					err := s.Write(ctx, store.Entry{Organisation: 1, Actor: "system", Action: "test.write", Object: fmt.Sprintf("test:%d", w)}, func(_ context.Context, tx *store.Tx) error {
						for range i % 4 {
							tx.Record(store.Entry{Organisation: 1, Actor: "system", Action: "test.more"})
						}
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var texts []string
		if err := s.DB.NewRaw("SELECT record FROM audit_record ORDER BY sequence").Scan(ctx, &texts); err != nil {
			t.Fatal(err)
		}
		if want := 8 * (10 + 0 + 1 + 2 + 3 + 0 + 1 + 2 + 3 + 0 + 1); len(texts) != want {
			t.Errorf("%d records, want %d", len(texts), want)
		}
		var f audit.Frontier
		var hashes [][]byte
		for i, text := range texts {
			r, err := audit.Decode([]byte(text))
			if err != nil || r.Sequence != int64(i) {
				t.Fatalf("record %d: %+v, %v", i, r, err)
			}
			for _, h := range f.Append(audit.Leaf([]byte(text))) {
				hashes = append(hashes, h[:])
			}
		}
		var stored [][]byte
		if err := s.DB.NewRaw("SELECT hash FROM audit_hash ORDER BY position").Scan(ctx, &stored); err != nil {
			t.Fatal(err)
		}
		if len(stored) != len(hashes) {
			t.Fatalf("%d hashes, want %d", len(stored), len(hashes))
		}
		for i := range stored {
			if string(stored[i]) != string(hashes[i]) {
				t.Fatalf("hash %d differs", i)
			}
		}
		var size int64
		var edge []byte
		if err := s.DB.NewRaw("SELECT size, edge FROM audit_head").Scan(ctx, &size, &edge); err != nil {
			t.Fatal(err)
		}
		if got, err := audit.ReadFrontier(size, edge); err != nil || got.Root() != f.Root() {
			t.Errorf("the edge is not that of the records: %v", err)
		}
	})
}

// TestAudit_unrecorded: what cannot be recorded does not happen, whatever keeps it from being recorded.
func TestAudit_unrecorded(t *testing.T) {
	ctx := context.Background()
	insert := func(s *store.Store) func(context.Context, *store.Tx) error {
		return func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewRaw("INSERT INTO organisation (id, name, revision, created_at) VALUES (?, 'a', 0, ?)", s.NewID(), tx.Now).Exec(ctx)
			return err
		}
	}
	faults := map[string]map[store.Engine][2]string{ // what breaks the log, and what mends it
		"no table of records": {store.SQLite: {"ALTER TABLE audit_record RENAME TO gone", "ALTER TABLE gone RENAME TO audit_record"},
			store.PostgreSQL: {"ALTER TABLE audit_record RENAME TO gone", "ALTER TABLE gone RENAME TO audit_record"}},
		"no table of hashes": {store.SQLite: {"ALTER TABLE audit_hash RENAME TO gone", "ALTER TABLE gone RENAME TO audit_hash"},
			store.PostgreSQL: {"ALTER TABLE audit_hash RENAME TO gone", "ALTER TABLE gone RENAME TO audit_hash"}},
		"no edge": {store.SQLite: {"ALTER TABLE audit_head RENAME TO gone", "ALTER TABLE gone RENAME TO audit_head"},
			store.PostgreSQL: {"ALTER TABLE audit_head RENAME TO gone", "ALTER TABLE gone RENAME TO audit_head"}},
		"the last statement fails": {store.SQLite: {"CREATE TRIGGER refuse BEFORE UPDATE ON audit_head BEGIN SELECT RAISE(ABORT, 'no'); END", "DROP TRIGGER refuse"},
			store.PostgreSQL: {"ALTER TABLE audit_head ADD CONSTRAINT refuse CHECK (size < 2)", "ALTER TABLE audit_head DROP CONSTRAINT refuse"}},
		"a broken edge": {store.SQLite: {"UPDATE audit_head SET size = size + 2", "UPDATE audit_head SET size = size - 2"},
			store.PostgreSQL: {"UPDATE audit_head SET size = size + 2", "UPDATE audit_head SET size = size - 2"}},
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		count := func() (rows, records int) {
			t.Helper()
			if err := s.DB.NewRaw("SELECT (SELECT count(*) FROM organisation), (SELECT count(*) FROM audit_record)").Scan(ctx, &rows, &records); err != nil {
				t.Fatal(err)
			}
			return rows, records
		}
		exec := func(query string) {
			t.Helper()
			if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { _, err := tx.NewRaw(query).Exec(ctx); return err }); err != nil {
				t.Fatal(query, err)
			}
		}
		if err := s.Write(ctx, entry(), insert(s)); err != nil {
			t.Fatal(err)
		}
		for name, fault := range faults {
			exec(fault[s.Engine][0])
			if err := s.Write(ctx, entry(), insert(s)); err == nil {
				t.Errorf("%s: the change was acknowledged", name)
			}
			exec(fault[s.Engine][1])
			if rows, records := count(); rows != 1 || records != 1 {
				t.Errorf("%s: %d rows and %d records, want 1 and 1", name, rows, records)
			}
		}
		if err := s.Write(ctx, entry(), insert(s)); err != nil {
			t.Errorf("after the faults: %v", err)
		}
		for name, e := range map[string]store.Entry{
			"data that is no JSON": {Actor: "system", Action: "a", Data: func() {}},
			"too large":            {Actor: "system", Action: "a", Data: strings.Repeat("x y ", audit.MaxRecord)},
		} {
			if err := s.Write(ctx, e, insert(s)); err == nil {
				t.Errorf("%s: the change was acknowledged", name)
			}
		}
		if rows, records := count(); rows != 2 || records != 2 {
			t.Errorf("%d rows and %d records, want 2 and 2", rows, records)
		}
	})
}

// TestAudit_full: the disk is full when the record is to be written, though the change itself had room.
func TestAudit_full(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	ctx := context.Background()
	if err := s.Write(ctx, entry(), nothing); err != nil {
		t.Fatal(err)
	}
	var pages int
	if err := s.Queue.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Queue.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for range 50 {
		err := s.Write(ctx, store.Entry{Actor: "system", Action: "a", Data: strings.Repeat("x y ", 2000)}, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewRaw("INSERT INTO organisation (id, name, revision, created_at) VALUES (?, 'a', 0, ?)", s.NewID(), tx.Now).Exec(ctx)
			return err
		})
		if err != nil {
			if failed++; failed == 1 && !strings.Contains(err.Error(), "full") {
				t.Fatalf("not for want of room: %v", err)
			}
		}
	}
	if failed == 0 {
		t.Fatal("there was always room")
	}
	var rows, records int
	if err := s.DB.NewRaw("SELECT (SELECT count(*) FROM organisation), (SELECT count(*) FROM audit_record)").Scan(ctx, &rows, &records); err != nil {
		t.Fatal(err)
	}
	if rows != 50-failed || records != 51-failed {
		t.Errorf("%d of 50 failed, and there are %d rows and %d records", failed, rows, records)
	}
}

// TestAudit_secrets: what people pass by mistake does not stay.
func TestAudit_secrets(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	ctx := context.Background()
	all := canary.All("audit")
	for _, c := range all {
		e := store.Entry{Actor: "person:1 " + c.Text, Action: "a", Object: "repository:2 " + c.Text, Data: map[string]any{"text": c.Text, "list": []string{c.Text}, "password": c.Part, "in": map[string]string{"clientSecret": c.Part}}}
		if err := s.Write(ctx, e, nothing); err != nil {
			t.Fatal(err)
		}
	}
	var texts []string
	if err := s.DB.NewRaw("SELECT record || actor || object FROM audit_record").Scan(ctx, &texts); err != nil {
		t.Fatal(err)
	}
	for i, c := range all {
		quoted, _ := json.Marshal(c.Part)
		if strings.Contains(texts[i], strings.Trim(string(quoted), `"`)) {
			t.Errorf("%s: %s", c.Kind, texts[i])
		}
	}
}

// BenchmarkAudit appends one by one and in batches, on disk, as it is in a transaction with a change.
func BenchmarkAudit(b *testing.B) {
	for _, engine := range []store.Engine{store.SQLite, store.PostgreSQL} {
		for _, batch := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/%d", engine, batch), func(b *testing.B) {
				s := storetest.Open(b, storetest.Address(b, engine))
				ctx := context.Background()
				for b.Loop() {
					err := s.Write(ctx, entry(), func(_ context.Context, tx *store.Tx) error {
						for range batch - 1 {
							tx.Record(entry())
						}
						return nil
					})
					if err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "records/s")
			})
		}
	}
}
