package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"plumbline.dev/plumbline/audit"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/store"
)

const origin = "plumbline.example.com/audit"

func openLog(t *testing.T, s *store.Store, ring *seal.Ring) *store.AuditLog {
	t.Helper()
	l, err := s.AuditLog(context.Background(), ring, origin)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func write(t *testing.T, s *store.Store, n int, organisation store.ID) {
	t.Helper()
	for i := range n {
		if err := s.Write(context.Background(), store.Entry{Organisation: organisation, Actor: "system", Action: "test.write", Object: fmt.Sprintf("test:%d", i)}, nothing); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAuditLog: exports of the whole log and of one organisation prove themselves; a changed row is named; proofs of records
// and between checkpoints hold.
func TestAuditLog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		ring := seal.NewRing(seal.NewKey())
		l := openLog(t, s, ring)
		if again := openLog(t, s, ring); again.Public != l.Public {
			t.Fatal("the key of the log changed")
		}
		if _, err := s.AuditLog(ctx, seal.NewRing(seal.NewKey()), origin); !errors.Is(err, seal.ErrKey) {
			t.Errorf("opened with another master key: %v", err)
		}
		write(t, s, 5, 1)
		first, err := l.Checkpoint(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := l.Checkpoint(ctx); err != nil || !bytes.Equal(first, same) {
			t.Errorf("a checkpoint of a log that did not grow: %q, %v", same, err)
		}
		write(t, s, 5, 2)
		export := func(organisation store.ID) []byte {
			t.Helper()
			var b bytes.Buffer
			if err := l.Export(ctx, &b, organisation); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}
		for organisation, withheld := range map[store.ID]int64{0: 0, 1: 6, 2: 6} {
			r, err := audit.Verify(bytes.NewReader(export(organisation)), audit.Trust{Key: l.Public, Checkpoints: [][]byte{first}})
			if err != nil || r.Records != 11 || r.Withheld != withheld {
				t.Errorf("organisation %d: %+v, %v", organisation, r, err)
			}
			if organisation == 2 && strings.Contains(string(export(2)), `"organisation":"1"`) {
				t.Error("records of another organisation are in the export")
			}
		}
		p, err := l.Prove(ctx, whole(1), 3)
		if err != nil {
			t.Fatal(err)
		}
		c, err := audit.OpenCheckpoint([]byte(p.Checkpoint), l.Public, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := audit.CheckInclusion(p.Hashes, c.Checkpoint, 3, audit.Leaf([]byte(p.Record))); err != nil {
			t.Error(err)
		}
		if _, err := l.Prove(ctx, whole(1), 7); err == nil {
			t.Error("a record of another organisation was proved")
		}

		// An administrator of the database changes a row, and then the hash of it, too.
		exec := func(query string, args ...any) {
			t.Helper()
			if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.NewRaw(query, args...).Exec(ctx)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		exec("UPDATE audit_record SET record = replace(record, 'test.write', 'test.wrote') WHERE sequence = 7")
		_, err = audit.Verify(bytes.NewReader(export(0)), audit.Trust{})
		if f, ok := errors.AsType[*audit.Fault](err); !ok || f.Sequence != 7 || !strings.Contains(f.What, "record 7 was changed") {
			t.Errorf("%v", err)
		}
		exec("UPDATE audit_record SET record = replace(record, 'test.wrote', 'test.write') WHERE sequence = 7")
		exec("DELETE FROM audit_record WHERE sequence = 7")
		if r, err := audit.Verify(bytes.NewReader(export(0)), audit.Trust{}); err != nil || r.Withheld != 1 {
			t.Errorf("a deleted text: %+v, %v", r, err)
		}
	})
}

// TestAuditLog_forget: old texts go, the proof of what is left stays.
func TestAuditLog_forget(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	ctx := context.Background()
	l := openLog(t, s, seal.NewRing(seal.NewKey()))
	write(t, s, 20, 1)
	if n, err := s.ForgetAudit(ctx, 1, time.Now().Add(time.Hour)); err != nil || n != 21 {
		t.Fatal(n, err)
	}
	write(t, s, 3, 1)
	var b bytes.Buffer
	if err := l.Export(ctx, &b, 0); err != nil {
		t.Fatal(err)
	}
	if r, err := audit.Verify(&b, audit.Trust{Key: l.Public}); err != nil || r.Records != 25 || r.Withheld != 21 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestAuditLog_witness: what is sent to a witness proves that the log grew from what it had seen; its cosignature is in exports.
func TestAuditLog_witness(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	ctx := context.Background()
	l := openLog(t, s, seal.NewRing(seal.NewKey()))
	w, err := audit.NewWitness("witness.example.com/w1", bytes.Repeat([]byte{9}, 32), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	l.Witness = []string{w.Public()}
	seen := int64(0)
	for round := range 3 {
		write(t, s, 4, 1)
		body, size, err := l.Submission(ctx, seen)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(body), fmt.Sprintf("old %d\n", seen)) || size != int64(5+round*4) {
			t.Fatalf("%.200s", body)
		}
		_, signed, _ := strings.Cut(string(body), "\n\n")
		text, _, _ := strings.Cut(signed, "\n\n")
		cosigned, err := note.Sign(&note.Note{Text: text + "\n"}, w)
		if err != nil {
			t.Fatal(err)
		}
		_, lines, _ := bytes.Cut(cosigned, []byte("\n\n"))
		if err := l.Cosigned(ctx, w.Public(), size, lines); err != nil {
			t.Fatal(err)
		}
		seen = size
	}
	if body, _, err := l.Submission(ctx, seen); err != nil || body != nil {
		t.Errorf("nothing new was sent: %q, %v", body, err)
	}
	if _, _, err := l.Submission(ctx, seen+5); err == nil || !strings.Contains(err.Error(), "log was cut") {
		t.Errorf("a witness that has seen more: %v", err)
	}
	if err := l.Cosigned(ctx, w.Public(), seen, []byte("— other AAAA\n")); err == nil {
		t.Error("a wrong answer was kept")
	}
	if err := l.WitnessFailed(ctx, w.Public(), -1, "it did not answer"); err != nil {
		t.Fatal(err)
	}
	states, err := s.Witnesses(ctx)
	if err != nil || len(states) != 1 || states[0].Size != seen || states[0].Problem != "it did not answer" {
		t.Errorf("%+v, %v", states, err)
	}
	var b bytes.Buffer
	if err := l.Export(ctx, &b, 0); err != nil {
		t.Fatal(err)
	}
	r, err := audit.Verify(&b, audit.Trust{})
	if err != nil || len(r.Cosigned) != 1 || r.Cosigned[0].Size != seen {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestCheckKey: a database that has sealed something opens with its key only, and changes keys when both are given.
func TestCheckKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		old, now := seal.NewKey(), seal.NewKey()
		for range 2 {
			if err := s.CheckKey(ctx, seal.NewRing(old)); err != nil {
				t.Fatal(err)
			}
		}
		l := openLog(t, s, seal.NewRing(old))
		err := s.CheckKey(ctx, seal.NewRing(now))
		if err == nil || !strings.Contains(err.Error(), old.ID()) || !strings.Contains(err.Error(), "--old-key-file") {
			t.Errorf("a wrong key: %v", err)
		}
		if err := s.CheckKey(ctx, seal.NewRing(now, old)); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Rewrap(ctx, seal.NewRing(now, old)); err != nil || n != 1 {
			t.Fatalf("%d values, %v", n, err)
		}
		if err := s.CheckKey(ctx, seal.NewRing(now)); err != nil {
			t.Error(err)
		}
		if got := openLog(t, s, seal.NewRing(now)); got.Public != l.Public {
			t.Error("the log has another key")
		}
		if err := s.CheckKey(ctx, seal.NewRing(old)); err == nil {
			t.Error("the old key still opens")
		}
		if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewRaw("UPDATE sealing SET sealed = ?", slices.Repeat([]byte{1}, 200)).Exec(ctx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.CheckKey(ctx, seal.NewRing(now)); err == nil {
			t.Error("a broken check was taken")
		}
	})
}
