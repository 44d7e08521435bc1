package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/audit"
	"plumbline.dev/plumbline/seal"
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

// auditLock is the advisory lock of PostgreSQL that keeps appends in order. It is taken last in a transaction and nothing is
// waited for after it, so it cannot be part of a deadlock.
const auditLock = 0x706c756d62

// Record adds a record to those of the transaction, besides the entry of Write: for changes of many things that are recorded one
// by one. They are appended when the transaction ends, in this order, before the entry of Write.
func (tx *Tx) Record(e Entry) { tx.entries = append(tx.entries, e) }

// record appends to the audit log inside the transaction.
func (tx *Tx) record(ctx context.Context, last Entry) error {
	entries := append(tx.entries, last)
	for _, e := range entries {
		if e.Action == "" {
			return fmt.Errorf("a change without an audit record")
		}
	}
	edge, fresh, err := tx.auditEdge(ctx)
	if err != nil {
		return err
	}
	const chunk = 200 // rows of one statement: seven values each
	for len(entries) > 0 {
		n := min(len(entries), chunk)
		if err := tx.appendAudit(ctx, &edge, entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	text, err := edge.MarshalBinary()
	if err != nil {
		return err
	}
	query := "UPDATE audit_head SET size = ?, edge = ? WHERE id = 1"
	if fresh {
		query = "INSERT INTO audit_head (id, size, edge) VALUES (1, ?, ?)"
	}
	if _, err := tx.NewRaw(query, edge.Size, text).Exec(ctx); err != nil {
		return fmt.Errorf("append to the audit log: %w", err)
	}
	return nil
}

// auditEdge waits for the log and reads its edge; fresh says that there is no row of it yet.
func (tx *Tx) auditEdge(ctx context.Context) (edge audit.Frontier, fresh bool, err error) {
	if tx.Store.Engine == PostgreSQL {
		if _, err := tx.NewRaw("SELECT pg_advisory_xact_lock(?)", auditLock).Exec(ctx); err != nil {
			return edge, false, fmt.Errorf("wait for the audit log: %w", err)
		}
	}
	var size int64
	var text []byte
	switch err := tx.NewRaw("SELECT size, edge FROM audit_head WHERE id = 1").Scan(ctx, &size, &text); {
	case err == nil:
		edge, err = audit.ReadFrontier(size, text)
		return edge, false, err
	case !errors.Is(err, sql.ErrNoRows):
		return edge, false, fmt.Errorf("read the size of the audit log: %w", err)
	}
	// Before the migration that made audit_head there may have been records: their hashes are read once.
	var records []string
	if err := tx.NewRaw("SELECT record FROM audit_record ORDER BY sequence").Scan(ctx, &records); err != nil {
		return edge, false, fmt.Errorf("read the audit log: %w", err)
	}
	for _, r := range records {
		edge.Append(audit.Leaf([]byte(r)))
	}
	return edge, true, nil
}

// appendAudit writes records and their hashes.
func (tx *Tx) appendAudit(ctx context.Context, edge *audit.Frontier, entries []Entry) error {
	var rows, hashes strings.Builder
	var values, added []any
	for _, e := range entries {
		r, err := e.record(edge.Size, tx.Now)
		if err != nil {
			return err
		}
		text, err := r.Encode()
		if err != nil {
			return err
		}
		if len(values) > 0 {
			rows.WriteString(", ")
		}
		rows.WriteString("(?, ?, ?, ?, ?, ?, ?)")
		values = append(values, edge.Size, e.Organisation, tx.Now, reference(r.Actor.Kind, r.Actor.ID), r.Action, reference(r.Object.Kind, r.Object.ID), string(text))
		at := tlog.StoredHashIndex(0, edge.Size)
		for i, h := range edge.Append(audit.Leaf(text)) {
			if len(added) > 0 {
				hashes.WriteString(", ")
			}
			hashes.WriteString("(?, ?)")
			added = append(added, at+int64(i), bytes.Clone(h[:]))
		}
	}
	if _, err := tx.NewRaw("INSERT INTO audit_record (sequence, organisation, at, actor, action, object, record) VALUES "+rows.String(), values...).Exec(ctx); err != nil {
		return fmt.Errorf("append to the audit log: %w", err)
	}
	if _, err := tx.NewRaw("INSERT INTO audit_hash (position, hash) VALUES "+hashes.String(), added...).Exec(ctx); err != nil {
		return fmt.Errorf("append to the audit log: %w", err)
	}
	return nil
}

// reference is how a column names an actor or an object: kind:id, or the kind alone.
func reference(kind, id string) string {
	if id == "" {
		return kind
	}
	return kind + ":" + id
}

// record is the entry as a record of the log. Whatever looks like a secret is hidden in it: who makes entries must not rely on
// that, but a mistake must not be kept for ever.
func (e Entry) record(sequence int64, now Millis) (audit.Record, error) {
	data, err := auditData(e.Data)
	if err != nil {
		return audit.Record{}, fmt.Errorf("the audit record of %s: %w", e.Action, err)
	}
	r := audit.Record{Sequence: sequence, Time: now.Time(), Action: e.Action, Data: data, Address: e.Address, Request: e.Request}
	if e.Organisation != 0 {
		r.Organisation = e.Organisation.String()
	}
	kind, id, name := parts(e.Actor)
	switch kind {
	case audit.Person, audit.Token, audit.System, audit.Forge, audit.Nobody:
		r.Actor = audit.Actor{Kind: kind, ID: id, Name: seal.Redact(name)}
	default:
		r.Actor = audit.Actor{Kind: audit.System, Name: seal.Redact(e.Actor)}
	}
	kind, id, name = parts(e.Object)
	r.Object = audit.Object{Kind: kind, ID: id, Name: seal.Redact(name)}
	return r, nil
}

// parts cuts kind:id name.
func parts(s string) (kind, id, name string) {
	s, name, _ = strings.Cut(s, " ")
	kind, id, _ = strings.Cut(s, ":")
	return kind, id, name
}

// auditData is a value as data of a record, without what looks like a secret.
func auditData(v any) (json.RawMessage, error) {
	if v == nil {
		return audit.Canonical(nil)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var plain any
	if err := dec.Decode(&plain); err != nil {
		return nil, err
	}
	if plain = withoutSecrets(plain); plain == nil {
		return audit.Canonical(nil)
	}
	if _, isObject := plain.(map[string]any); !isObject {
		plain = map[string]any{"value": plain}
	}
	return audit.Canonical(plain)
}

func withoutSecrets(v any) any {
	switch v := v.(type) {
	case string:
		return seal.Redact(v)
	case []any:
		for i := range v {
			v[i] = withoutSecrets(v[i])
		}
	case map[string]any:
		for k, x := range v {
			if text, isText := x.(string); isText && text != "" && seal.SecretName(k) {
				v[k] = seal.Hidden
				continue
			}
			v[k] = withoutSecrets(x)
		}
	}
	return v
}

// AuditFilter says which records of the audit log are wanted. Its zero value wants all.
type AuditFilter struct {
	Actor  string // kind:id, or a kind alone
	Action string // one action, or with a dot at the end all of a noun: finding.
	Object string // kind:id, or a kind alone
	From   Millis // this time and later; 0 is no bound
	Until  Millis // before this time; 0 is no bound
	Before int64  // records before this sequence; 0 is from the newest on
	Limit  int    // 1 to 500
}

// auditVisible is the condition for a record to be seen by somebody of an organisation. What concerns the whole server belongs to
// the only organisation, when there is only one.
const auditVisible = "(organisation = ? OR organisation = 0 AND (SELECT count(*) FROM organisation) <= 1)"

// AuditRecords returns records, the newest first.
func (s *Store) AuditRecords(ctx context.Context, scope access.Scope, f AuditFilter) ([]audit.Record, error) {
	if !scope.All || scope.Repository != 0 {
		return nil, Refuse(Forbidden, "The audit log is for administrators of the whole organisation.")
	}
	if f.Limit < 1 || f.Limit > 500 {
		return nil, Refuse(Invalid, "A page of the audit log has 1 to 500 records.")
	}
	where, args := []string{auditVisible}, []any{scope.Organisation}
	and := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	named := func(column, name string) {
		if strings.Contains(name, ":") || name == audit.System || name == audit.Nobody {
			and(column+" = ?", name)
		} else if name != "" {
			and(column+" >= ? AND "+column+" < ?", name+":", name+";")
		}
	}
	named("actor", f.Actor)
	named("object", f.Object)
	if noun, isNoun := strings.CutSuffix(f.Action, "."); isNoun {
		and("action >= ? AND action < ?", noun+".", noun+"/")
	} else if f.Action != "" {
		and("action = ?", f.Action)
	}
	if f.From != 0 {
		and("at >= ?", f.From)
	}
	if f.Until != 0 {
		and("at < ?", f.Until)
	}
	if f.Before != 0 {
		and("sequence < ?", f.Before)
	}
	var texts []string
	err := s.DB.NewRaw("SELECT record FROM audit_record WHERE "+strings.Join(where, " AND ")+" ORDER BY sequence DESC LIMIT ?", append(args, f.Limit)...).Scan(ctx, &texts)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	records := make([]audit.Record, len(texts))
	for i, text := range texts {
		if records[i], err = audit.Decode([]byte(text)); err != nil {
			return nil, fmt.Errorf("the audit log was changed: %w", err)
		}
	}
	return records, nil
}
