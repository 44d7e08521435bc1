package store_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/store"
)

// TestDump: a copy that is made while others write is one state of the database, whose audit log proves itself.
func TestDump(t *testing.T) {
	for _, engine := range []store.Engine{store.SQLite, store.PostgreSQL} {
		t.Run(string(engine), func(t *testing.T) {
			ctx := context.Background()
			address := storetest.Address(t, engine)
			s := storetest.Open(t, address)
			l := openLog(t, s, seal.NewRing(seal.NewKey()))
			write(t, s, 50, 1)
			checkpoint, err := l.Checkpoint(ctx)
			if err != nil {
				t.Fatal(err)
			}
			var stop atomic.Bool
			done := make(chan int)
			go func() {
				n := 0
				for ; !stop.Load(); n++ {
					if err := s.Write(ctx, entry(), nothing); err != nil {
						t.Error(err)
						break
					}
				}
				done <- n
			}()
			path := filepath.Join(t.TempDir(), "dump.db")
			err = s.Dump(ctx, address, path)
			stop.Store(true)
			during := <-done
			if err != nil {
				t.Fatal(err)
			}
			again := path
			if engine == store.PostgreSQL {
				again = storetest.Address(t, engine)
				if err := store.PostgresEmpty(ctx, again); err != nil {
					t.Fatal(err)
				}
				if err := store.Undump(ctx, again, path); err != nil {
					t.Fatal(err)
				}
				if err := store.PostgresEmpty(ctx, again); err == nil {
					t.Error("a restored database is called empty")
				}
			}
			copied := storetest.Open(t, again)
			st, err := copied.VerifyAudit(ctx, checkpoint)
			if err != nil || st.Records < 51 || st.Records > int64(51+during) || st.Checkpoints != 1 {
				t.Errorf("%+v, %v; %d records were written meanwhile", st, err, during)
			}
			if v, err := copied.Version(ctx); err != nil || v < 50 {
				t.Errorf("version %d, %v", v, err)
			}
			if err := copied.Current(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestVerifyAudit: each way of changing the log in the database is found.
func TestVerifyAudit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		l := openLog(t, s, seal.NewRing(seal.NewKey()))
		write(t, s, 30, 1)
		if _, err := l.Checkpoint(ctx); err != nil {
			t.Fatal(err)
		}
		write(t, s, 10, 1)
		later, err := l.Checkpoint(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.VerifyAudit(ctx, later); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string][3]string{
			"record":     {"UPDATE audit_record SET record = replace(record, 'test', 'tset') WHERE sequence = 17", "UPDATE audit_record SET record = replace(record, 'tset', 'test') WHERE sequence = 17", "record 17"},
			"checkpoint": {"UPDATE audit_checkpoint SET note = replace(note, 'Z', 'z')", "UPDATE audit_checkpoint SET note = replace(note, 'z', 'Z')", ""},
			"edge":       {"UPDATE audit_head SET size = size - 0, edge = (SELECT hash FROM audit_hash WHERE position = 0)", "", ""},
		} {
			var keep []byte
			if err := s.DB.NewRaw("SELECT edge FROM audit_head").Scan(ctx, &keep); err != nil {
				t.Fatal(err)
			}
			exec := func(query string, args ...any) {
				t.Helper()
				if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
					_, err := tx.NewRaw(query, args...).Exec(ctx)
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			var notes []string
			if err := s.DB.NewRaw("SELECT note FROM audit_checkpoint ORDER BY size").Scan(ctx, &notes); err != nil {
				t.Fatal(err)
			}
			exec(c[0])
			if _, err := s.VerifyAudit(ctx, later); err == nil || !strings.Contains(err.Error(), c[2]) {
				t.Errorf("%s: %v", name, err)
			}
			if name == "record" {
				exec(c[1])
			}
			exec("UPDATE audit_head SET edge = ?", keep)
			exec("UPDATE audit_checkpoint SET note = ? WHERE size = 31", notes[0])
			exec("UPDATE audit_checkpoint SET note = ? WHERE size = 41", notes[1])
		}
		if _, err := s.VerifyAudit(ctx, later); err != nil {
			t.Errorf("after mending: %v", err)
		}
		// The log is cut back to the first checkpoint, cleanly.
		fresh := storetest.Open(t, storetest.Address(t, s.Engine))
		if _, err := fresh.VerifyAudit(ctx, later); err == nil {
			t.Error("an empty log continues a checkpoint")
		}
	})
}
