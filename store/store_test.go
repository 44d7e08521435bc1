package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

func entry() store.Entry { return store.Entry{Actor: "system", Action: "test.do", Object: "test:1"} }

// TestWrite holds that a change and its audit record are there together or not at all.
func TestWrite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		insert := func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewRaw("INSERT INTO organisation (id, name, revision, created_at) VALUES (?, 'a', 0, ?)", s.NewID(), tx.Now).Exec(ctx)
			return err
		}
		count := func() (rows, records int) {
			t.Helper()
			if err := s.DB.NewRaw("SELECT (SELECT count(*) FROM organisation), (SELECT count(*) FROM audit_record)").Scan(ctx, &rows, &records); err != nil {
				t.Fatal(err)
			}
			return rows, records
		}
		if err := s.Write(ctx, entry(), insert); err != nil {
			t.Fatal(err)
		}
		if err := s.Write(ctx, entry(), func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(insert(ctx, tx), errors.New("no"))
		}); err == nil {
			t.Error("an error did not come back")
		}
		if err := s.Write(ctx, store.Entry{}, insert); err == nil {
			t.Error("a change without a record was taken")
		}
		if rows, records := count(); rows != 1 || records != 1 {
			t.Errorf("%d rows and %d records, want 1 and 1", rows, records)
		}
	})
}

// TestMigrationsBack holds that every migration can be taken back and made again.
func TestMigrationsBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if err := s.MigrateTo(context.Background(), 0); err != nil {
			t.Fatal(err)
		}
		if err := s.MigrateTo(context.Background(), -1); err != nil {
			t.Fatal(err)
		}
	})
}

func TestNewID(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	last := store.ID(0)
	for range 20_000 {
		id := s.NewID()
		if id <= last {
			t.Fatalf("%d after %d", id, last)
		}
		last = id
	}
	var back store.ID
	if err := back.UnmarshalText([]byte(last.String())); err != nil || back != last {
		t.Errorf("%s became %d, %v", last, back, err)
	}
}

// TestNewerDatabase holds that a program does not start on a database that a newer one has changed.
func TestNewerDatabase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		if err := s.MigrateTo(ctx, -1); err != nil {
			t.Fatal(err)
		}
		if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewRaw("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, ?)", true).Exec(ctx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.MigrateTo(ctx, -1); err == nil || !strings.Contains(err.Error(), "newer version") {
			t.Errorf("%v, want a refusal", err)
		}
	})
}
