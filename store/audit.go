package store

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Entry says who changes what: the audit record of a transaction.
type Entry struct {
	Organisation ID     // zero for the server as a whole
	Actor        string // person:<id> <email>, token:<id> <name>, system, forge:…
	Action       string // finding.mute
	Object       string // finding:<id> <name>
	Data         any    // what changed, for people; never a secret. It is written as JSON
	Address      string // of the client, "" when there is none
	Request      string // id of the request, "" when there is none
}

// auditRow is a row of audit_record.
type auditRow struct {
	Sequence     int64  `json:"sequence"`
	Organisation ID     `json:"organisation,omitempty"`
	At           Millis `json:"at"`
	Actor        string `json:"actor"`
	Action       string `json:"action"`
	Object       string `json:"object"`
	Address      string `json:"address,omitempty"`
	Request      string `json:"request,omitempty"`
	Data         any    `json:"data,omitempty"`
}

// auditLock is the advisory lock of PostgreSQL that keeps appends in order.
const auditLock = 0x706c756d62

// record appends to the audit log inside the transaction.
func (tx *Tx) record(ctx context.Context, e Entry) error {
	if e.Action == "" {
		return fmt.Errorf("a change without an audit record")
	}
	if tx.Store.Engine == PostgreSQL {
		if _, err := tx.NewRaw("SELECT pg_advisory_xact_lock(?)", auditLock).Exec(ctx); err != nil {
			return fmt.Errorf("wait for the audit log: %w", err)
		}
	}
	var size int64
	if err := tx.NewRaw("SELECT coalesce(max(sequence) + 1, 0) FROM audit_record").Scan(ctx, &size); err != nil {
		return fmt.Errorf("read the size of the audit log: %w", err)
	}
	text, err := json.Marshal(auditRow{size, e.Organisation, tx.Now, e.Actor, e.Action, e.Object, e.Address, e.Request, e.Data})
	if err != nil {
		return fmt.Errorf("write an audit record: %w", err)
	}
	hashes, err := tlog.StoredHashes(size, text, tlog.HashReaderFunc(func(positions []int64) ([]tlog.Hash, error) { return tx.auditHashes(ctx, positions) }))
	if err != nil {
		return fmt.Errorf("hash an audit record: %w", err)
	}
	if _, err := tx.NewRaw("INSERT INTO audit_record (sequence, organisation, at, actor, action, object, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
		size, e.Organisation, tx.Now, e.Actor, e.Action, e.Object, string(text)).Exec(ctx); err != nil {
		return fmt.Errorf("append to the audit log: %w", err)
	}
	at := tlog.StoredHashIndex(0, size)
	for i, h := range hashes {
		if _, err := tx.NewRaw("INSERT INTO audit_hash (position, hash) VALUES (?, ?)", at+int64(i), h[:]).Exec(ctx); err != nil {
			return fmt.Errorf("append to the audit log: %w", err)
		}
	}
	return nil
}

func (tx *Tx) auditHashes(ctx context.Context, positions []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(positions))
	for i, p := range positions {
		var h []byte
		if err := tx.NewRaw("SELECT hash FROM audit_hash WHERE position = ?", p).Scan(ctx, &h); err != nil {
			return nil, fmt.Errorf("read a hash of the audit log: %w", err)
		}
		copy(out[i][:], h)
	}
	return out, nil
}
