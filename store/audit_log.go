package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/audit"
	"plumbline.dev/plumbline/seal"
)

// AuditLog is the audit log with its key: it signs checkpoints, proves, and writes exports.
type AuditLog struct {
	store   *Store
	private string
	Public  string   // the key that people know the log by
	Witness []string // public keys of the witnesses whose cosignatures exports carry
}

var auditKeyPlace = seal.Place{Kind: "audit_key.private", ID: "1"}

// AuditLog opens the log; the first time it makes its key. The origin names it then: a name without spaces, such as
// plumbline.example.com/audit. Later the name that it was given stays.
func (s *Store) AuditLog(ctx context.Context, ring *seal.Ring, origin string) (*AuditLog, error) {
	for attempt := 0; ; attempt++ {
		var public string
		var private []byte
		err := s.DB.NewRaw("SELECT public, private FROM audit_key WHERE id = 1").Scan(ctx, &public, &private)
		if err == nil {
			text, err := ring.Open(private, auditKeyPlace)
			if err != nil {
				return nil, fmt.Errorf("open the key of the audit log: %w", err)
			}
			return &AuditLog{store: s, private: string(text), Public: public}, nil
		}
		if !errors.Is(err, sql.ErrNoRows) || attempt > 0 {
			return nil, fmt.Errorf("read the key of the audit log: %w", err)
		}
		if err := s.makeAuditKey(ctx, ring, origin); err != nil {
			return nil, err
		}
	}
}

func (s *Store) makeAuditKey(ctx context.Context, ring *seal.Ring, origin string) error {
	private, public, err := audit.NewKey(origin)
	if err != nil {
		return err
	}
	sealed, err := ring.Seal([]byte(private), auditKeyPlace)
	if err != nil {
		return err
	}
	return s.Write(ctx, Entry{Actor: "system", Action: "audit.begin", Object: "audit " + origin, Data: map[string]string{"public": public}}, func(ctx context.Context, tx *Tx) error {
		_, err := tx.NewRaw("INSERT INTO audit_key (id, public, private, made_at) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO NOTHING", public, sealed, tx.Now).Exec(ctx)
		return err
	})
}

// head is the edge of the log as it is now.
func (s *Store) auditHead(ctx context.Context) (audit.Frontier, error) {
	var size int64
	var edge []byte
	err := s.DB.NewRaw("SELECT size, edge FROM audit_head WHERE id = 1").Scan(ctx, &size, &edge)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Frontier{}, nil
	}
	if err != nil {
		return audit.Frontier{}, fmt.Errorf("read the size of the audit log: %w", err)
	}
	return audit.ReadFrontier(size, edge)
}

// AuditSize is how many records the log has.
func (s *Store) AuditSize(ctx context.Context) (int64, error) {
	head, err := s.auditHead(ctx)
	return head.Size, err
}

// Checkpoint returns a signed checkpoint of the log as it is; when it did not grow, the last one. nil when it is empty.
func (l *AuditLog) Checkpoint(ctx context.Context) ([]byte, error) {
	head, err := l.store.auditHead(ctx)
	if err != nil || head.Size == 0 {
		return nil, err
	}
	text, err := l.note(ctx, head.Size)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return text, err
	}
	origin, err := audit.KeyName(l.Public)
	if err != nil {
		return nil, err
	}
	signed, err := audit.Checkpoint{Origin: origin, Size: head.Size, Root: head.Root(), Time: l.store.Now()}.Sign(l.private)
	if err != nil {
		return nil, err
	}
	// A checkpoint says nothing new and is signed: it needs no record of its own, which would need a checkpoint.
	err = l.store.Quiet(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.NewRaw("INSERT INTO audit_checkpoint (size, at, note) VALUES (?, ?, ?) ON CONFLICT (size) DO NOTHING", head.Size, tx.Now, string(signed)).Exec(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("keep a checkpoint: %w", err)
	}
	return l.note(ctx, head.Size)
}

// note is the checkpoint of a size as it is kept.
func (l *AuditLog) note(ctx context.Context, size int64) ([]byte, error) {
	var text string
	err := l.store.DB.NewRaw("SELECT note FROM audit_checkpoint WHERE size = ?", size).Scan(ctx, &text)
	return []byte(text), err
}

// reader reads stored hashes of the tree.
func (l *AuditLog) reader(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(positions []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(positions))
		for i, p := range positions {
			var h []byte
			if err := l.store.DB.NewRaw("SELECT hash FROM audit_hash WHERE position = ?", p).Scan(ctx, &h); err != nil {
				return nil, fmt.Errorf("read a hash of the audit log: %w", err)
			}
			copy(out[i][:], h)
		}
		return out, nil
	})
}

// AuditProof shows that a record is in the log.
type AuditProof struct {
	Record     string      // as it was hashed
	Checkpoint string      // signed
	Hashes     []tlog.Hash // audit.CheckInclusion
}

// Prove proves that a record that the reader may see is in the log as it is now.
func (l *AuditLog) Prove(ctx context.Context, scope access.Scope, sequence int64) (AuditProof, error) {
	if !scope.All || scope.Repository != 0 {
		return AuditProof{}, Refuse(Forbidden, "The audit log is for administrators of the whole organisation.")
	}
	var p AuditProof
	err := l.store.DB.NewRaw("SELECT record FROM audit_record WHERE sequence = ? AND "+auditVisible, sequence, scope.Organisation).Scan(ctx, &p.Record)
	if errors.Is(err, sql.ErrNoRows) {
		return p, Refuse(NotFound, "There is no record %d in the audit log.", sequence)
	}
	if err != nil {
		return p, fmt.Errorf("read the audit log: %w", err)
	}
	signed, err := l.Checkpoint(ctx)
	if err != nil {
		return p, err
	}
	c, err := audit.OpenCheckpoint(signed, l.Public, nil)
	if err != nil {
		return p, err
	}
	p.Checkpoint = string(signed)
	p.Hashes, err = audit.Inclusion(sequence, c.Size, l.reader(ctx))
	return p, err
}

// Submission is what to send to a witness: nil when it has seen all of the log.
func (l *AuditLog) Submission(ctx context.Context, seen int64) (body []byte, size int64, err error) {
	signed, err := l.Checkpoint(ctx)
	if err != nil || signed == nil {
		return nil, 0, err
	}
	c, err := audit.OpenCheckpoint(signed, l.Public, nil)
	if err != nil {
		return nil, 0, err
	}
	if seen == c.Size {
		return nil, c.Size, nil
	}
	if seen > c.Size {
		return nil, c.Size, fmt.Errorf("the witness has seen %d records of the audit log, which has %d: the log was cut, or an old backup restored", seen, c.Size)
	}
	proof, err := audit.Consistency(seen, c.Size, l.reader(ctx))
	if err != nil {
		return nil, 0, err
	}
	return audit.Submission(seen, proof, signed), c.Size, nil
}

// Cosigned keeps what a witness answered to a submission of that size.
func (l *AuditLog) Cosigned(ctx context.Context, witness string, size int64, answer []byte) error {
	name, err := audit.KeyName(witness)
	if err != nil {
		return err
	}
	return l.store.Quiet(ctx, func(ctx context.Context, tx *Tx) error {
		var text string
		if err := tx.NewRaw("SELECT note FROM audit_checkpoint WHERE size = ?", size).Scan(ctx, &text); err != nil {
			return fmt.Errorf("read a checkpoint: %w", err)
		}
		both, err := audit.AddCosignatures([]byte(text), answer, l.Public, witness)
		if err != nil {
			return err
		}
		if _, err := tx.NewRaw("UPDATE audit_checkpoint SET note = ? WHERE size = ?", string(both), size).Exec(ctx); err != nil {
			return fmt.Errorf("keep a cosignature: %w", err)
		}
		return witnessSaw(ctx, tx, name, size, "")
	})
}

// WitnessFailed remembers why a witness did not answer, and how much it has seen when it said so (otherwise -1).
func (l *AuditLog) WitnessFailed(ctx context.Context, witness string, seen int64, problem string) error {
	name, err := audit.KeyName(witness)
	if err != nil {
		return err
	}
	return l.store.Quiet(ctx, func(ctx context.Context, tx *Tx) error {
		if seen < 0 {
			if err := tx.NewRaw("SELECT coalesce(max(size), 0) FROM audit_witness WHERE name = ?", name).Scan(ctx, &seen); err != nil {
				return err
			}
		}
		return witnessSaw(ctx, tx, name, seen, seal.Redact(problem))
	})
}

func witnessSaw(ctx context.Context, tx *Tx, name string, size int64, problem string) error {
	_, err := tx.NewRaw("INSERT INTO audit_witness (name, size, at, problem) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET size = excluded.size, at = excluded.at, problem = excluded.problem",
		name, size, tx.Now, problem).Exec(ctx)
	return err
}

// WitnessState is how far a witness has seen the log.
type WitnessState struct {
	Name    string `json:"name"`
	Size    int64  `json:"size"`
	At      Millis `json:"at"`
	Problem string `json:"problem"` // why the last attempt failed
}

// Witnesses returns how far the witnesses have seen the log.
func (s *Store) Witnesses(ctx context.Context) ([]WitnessState, error) {
	var out []WitnessState
	if err := s.DB.NewRaw("SELECT name, size, at, problem FROM audit_witness ORDER BY name").Scan(ctx, &out); err != nil {
		return nil, fmt.Errorf("read the witnesses: %w", err)
	}
	return out, nil
}

// Export writes an export of the log up to now. Of records of other organisations it has the hashes only; the zero organisation
// is the whole log. The caller records that it was made.
func (l *AuditLog) Export(ctx context.Context, w io.Writer, organisation ID) error {
	if _, err := l.Checkpoint(ctx); err != nil {
		return err
	}
	e, err := audit.NewExport(w, l.Public, l.Witness, l.store.Now())
	if err != nil {
		return err
	}
	from := int64(0)
	for {
		var size int64
		var text string
		err := l.store.DB.NewRaw("SELECT size, note FROM audit_checkpoint WHERE size > ? ORDER BY size LIMIT 1", from).Scan(ctx, &size, &text)
		if errors.Is(err, sql.ErrNoRows) {
			return e.End(l.private)
		}
		if err != nil {
			return fmt.Errorf("read a checkpoint: %w", err)
		}
		if err := l.segment(ctx, e, span{from, size}, text, organisation); err != nil {
			return err
		}
		from = size
	}
}

// span are the records from one sequence to before another.
type span struct{ from, to int64 }

func (l *AuditLog) segment(ctx context.Context, e *audit.Export, s span, note string, organisation ID) error {
	leaves, err := l.leaves(ctx, s)
	if err != nil {
		return err
	}
	if err := e.Segment([]byte(note), s.to, leaves); err != nil {
		return err
	}
	own := "organisation = ?"
	if organisation == 0 {
		own = "organisation >= ?"
	}
	const page = 1000
	for at := s.from; at < s.to; at += page {
		end := min(at+page, s.to)
		var rows []struct {
			Sequence int64
			Record   string
		}
		err := l.store.DB.NewRaw("SELECT sequence, record FROM audit_record WHERE sequence >= ? AND sequence < ? AND "+own+" ORDER BY sequence", at, end, organisation).Scan(ctx, &rows)
		if err != nil {
			return fmt.Errorf("read the audit log: %w", err)
		}
		for n := at; n < end; n++ {
			if len(rows) > 0 && rows[0].Sequence == n {
				err = e.Record([]byte(rows[0].Record))
				rows = rows[1:]
			} else {
				err = e.Withheld(leaves[n-s.from])
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// leaves are the leaf hashes of records.
func (l *AuditLog) leaves(ctx context.Context, s span) ([]tlog.Hash, error) {
	rows, err := l.store.DB.DB.QueryContext(ctx, l.store.DB.NewRaw("SELECT position, hash FROM audit_hash WHERE position >= ? AND position <= ? ORDER BY position",
		tlog.StoredHashIndex(0, s.from), tlog.StoredHashIndex(0, s.to-1)).String())
	if err != nil {
		return nil, fmt.Errorf("read the hashes of the audit log: %w", err)
	}
	defer rows.Close()
	leaves := make([]tlog.Hash, 0, s.to-s.from)
	for rows.Next() {
		var position int64
		var h []byte
		if err := rows.Scan(&position, &h); err != nil {
			return nil, fmt.Errorf("read the hashes of the audit log: %w", err)
		}
		if level, n := tlog.SplitStoredHashIndex(position); level == 0 && n == s.from+int64(len(leaves)) {
			leaves = append(leaves, tlog.Hash(h))
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the hashes of the audit log: %w", err)
	}
	if int64(len(leaves)) != s.to-s.from {
		return nil, fmt.Errorf("the hashes of the audit log from %d to %d are not all there: the database was changed", s.from, s.to)
	}
	return leaves, nil
}

// ForgetAudit deletes the texts of records of an organisation before a time, the first forgetChunk of them; their hashes stay, so that
// the log still proves what is left. It returns how many there were, and records it when there were any.
func (s *Store) ForgetAudit(ctx context.Context, organisation ID, before time.Time) (n int64, err error) {
	f := forgetting{s, organisation}
	err = f.delete(ctx, "audit.forget", MillisOf(before), func(ctx context.Context, tx *Tx) (int64, error) {
		result, err := tx.NewRaw("DELETE FROM audit_record WHERE sequence IN (SELECT sequence FROM audit_record WHERE "+auditVisible+" AND at < ? ORDER BY sequence LIMIT ?)",
			organisation, MillisOf(before), forgetChunk).Exec(ctx)
		if err != nil {
			return 0, err
		}
		n, err = result.RowsAffected()
		return n, err
	})
	if err != nil {
		return 0, fmt.Errorf("delete old records of the audit log: %w", err)
	}
	return n, nil
}

// LastCheckpoint returns the newest signed checkpoint that is kept and the key of the log; empty when there is none.
func (s *Store) LastCheckpoint(ctx context.Context) (signed, public string, err error) {
	if err := s.DB.NewRaw("SELECT public FROM audit_key WHERE id = 1").Scan(ctx, &public); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", "", fmt.Errorf("read the key of the audit log: %w", err)
	}
	if err := s.DB.NewRaw("SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 1").Scan(ctx, &signed); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", "", fmt.Errorf("read the checkpoints of the audit log: %w", err)
	}
	return signed, public, nil
}
