// Package audit is the log of everything that was changed, by whom: records in one fixed encoding, a Merkle tree over them
// (RFC 6962), signed checkpoints of the tree, cosignatures of witnesses, and exports that prove themselves without the server.
//
// It is pure: it knows no database and no network. Package store keeps records and hashes, and appends in the same transaction
// as the change that a record speaks of.
//
// What it promises: whoever holds one checkpoint can later be shown that every record before it is still there, unchanged and
// in its place, or be told the first one that is not. What it cannot promise: that a record was true when it was written, and,
// unless checkpoints leave the machine (a witness, a saved copy), that the holder of the signing key did not write another log.
package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxRecord is the longest encoded record in bytes. It keeps one request from filling the log: what is larger belongs into a
// table of its own, and its digest here.
const MaxRecord = 64 << 10

// Record is one thing that happened.
type Record struct {
	Sequence     int64           // the place in the log, from 0 without a gap; the order of records, whatever their times say
	Time         time.Time       // when the server wrote it, UTC, microseconds; a clock that was set back shows here
	Organisation string          // its identity; empty for what concerns the whole server
	Actor        Actor           // who did it
	Action       string          // what was done, object and verb: finding.mute
	Object       Object          // what it was done to
	Data         json.RawMessage // more about it: an object in the encoding of Canonical; nil is {}. Never a secret
	Address      string          // the client's, without port; empty when nobody asked
	Request      string          // the identity of the request, as in the server's own log; empty when there was none
}

// Kinds of actors.
const (
	Person = "person"
	Token  = "token"
	System = "system" // the server itself: schedules, retention, recovery
	Forge  = "forge"  // an event of a code host
	Nobody = "nobody" // one who has not signed in: failed attempts
)

// Actor is who did something.
type Actor struct {
	Kind string // Person, Token, System, Forge or Nobody
	ID   string // empty for the system and for nobody
	Name string // as people knew it at that time
}

// Object is what something was done to.
type Object struct {
	Kind string
	ID   string
	Name string // as people knew it at that time
}

// timeLayout has one spelling for each microsecond.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// Stamp cuts a time to what a record keeps of it.
func Stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Encode gives the one encoding of a record: a line of JSON without the newline, every field in this order, also empty ones.
// It errs on what has no place in the log: an actor of no known kind, no action, data that is not an object in the encoding of
// Canonical, a record over MaxRecord.
func (r *Record) Encode() ([]byte, error) {
	switch r.Actor.Kind {
	case Person, Token, System, Forge, Nobody:
	default:
		return nil, fmt.Errorf("audit record: there is no actor of the kind %q", r.Actor.Kind)
	}
	if r.Action == "" {
		return nil, fmt.Errorf("audit record: the action is missing")
	}
	if r.Sequence < 0 {
		return nil, fmt.Errorf("audit record: the sequence %d is below zero", r.Sequence)
	}
	if y := r.Time.UTC().Year(); y < 1970 || y > 9999 {
		return nil, fmt.Errorf("audit record: the year %d is out of range", y)
	}
	data := r.Data
	if len(data) == 0 {
		data = json.RawMessage("{}")
	}
	if data[0] != '{' {
		return nil, fmt.Errorf("audit record: the data is not an object")
	}
	b := make([]byte, 0, 320+len(data))
	b = fmt.Appendf(b, `{"sequence":%d,"time":"%s","organisation":`, r.Sequence, r.Time.UTC().Format(timeLayout))
	b = appendString(b, r.Organisation)
	b = append(b, `,"actor":{"kind":`...)
	b = appendString(b, r.Actor.Kind)
	b = append(b, `,"id":`...)
	b = appendString(b, r.Actor.ID)
	b = append(b, `,"name":`...)
	b = appendString(b, r.Actor.Name)
	b = append(b, `},"action":`...)
	b = appendString(b, r.Action)
	b = append(b, `,"object":{"kind":`...)
	b = appendString(b, r.Object.Kind)
	b = append(b, `,"id":`...)
	b = appendString(b, r.Object.ID)
	b = append(b, `,"name":`...)
	b = appendString(b, r.Object.Name)
	b = append(b, `},"data":`...)
	b = append(b, data...)
	b = append(b, `,"address":`...)
	b = appendString(b, r.Address)
	b = append(b, `,"request":`...)
	b = appendString(b, r.Request)
	b = append(b, '}')
	if len(b) > MaxRecord {
		return nil, fmt.Errorf("audit record: %d bytes are more than the %d that a record may have", len(b), MaxRecord)
	}
	return b, nil
}

// Decode reads a record and errs unless the text is exactly what Encode writes, so that no two texts mean the same record.
func Decode(text []byte) (Record, error) {
	var w struct {
		Sequence     int64
		Time         string
		Organisation string
		Actor        Actor
		Action       string
		Object       Object
		Data         json.RawMessage
		Address      string
		Request      string
	}
	if len(text) > MaxRecord {
		return Record{}, fmt.Errorf("audit record: %d bytes are more than the %d that a record may have", len(text), MaxRecord)
	}
	if err := json.Unmarshal(text, &w); err != nil {
		return Record{}, fmt.Errorf("audit record: %w", err)
	}
	at, err := time.Parse(timeLayout, w.Time)
	if err != nil {
		return Record{}, fmt.Errorf("audit record: %w", err)
	}
	data, err := Canonical(w.Data)
	if err != nil {
		return Record{}, err
	}
	r := Record{Sequence: w.Sequence, Time: at, Organisation: w.Organisation, Actor: w.Actor, Action: w.Action, Object: w.Object,
		Data: data, Address: w.Address, Request: w.Request}
	again, err := r.Encode()
	if err != nil {
		return Record{}, err
	}
	if string(again) != string(text) {
		return Record{}, fmt.Errorf("audit record: the text is not in the encoding of the log")
	}
	return r, nil
}

// Leaf is the hash of an encoded record in the tree (RFC 6962: SHA-256 of a zero byte and the text).
func Leaf(text []byte) tlog.Hash { return tlog.RecordHash(text) }

// appendString writes a JSON string in the one spelling of RFC 8785: the shortest escape, and only where JSON asks for one. What
// is not UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
