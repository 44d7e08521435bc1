package audit

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// An export is a file of lines of JSON that proves itself:
//
//	{"plumbline":"audit export","version":1,"origin":…,"key":…,"witnesses":[…],"time":…}
//	{"checkpoint":"…"}          a signed checkpoint of size n, with its cosignatures
//	{"leaves":"…"}              the hashes of the records since the checkpoint before it, base64, up to leavesPerLine in a line
//	{"record":{…}}              the records themselves, or
//	{"withheld":{"sequence":7,"leaf":"…"}}   for one that the reader may not see or that was deleted after its time
//	…                           the next checkpoint
//	{"end":"…"}                 a signed note with the number of records and the digest of all bytes before this line
//
// A checkpoint comes before what it proves: whoever reads the file knows the hash of each record, from the signature, before
// the record comes, and can name the first one that is wrong.
const (
	exportVersion = 1
	leavesPerLine = 1024
	recordOpen    = `{"record":`
	withheldOpen  = `{"withheld":{"sequence":`
	leavesOpen    = `{"leaves":"`
	noteOpen      = `{"checkpoint":`
	endOpen       = `{"end":`
)

// header is the first line of an export.
type header struct {
	Plumbline string   `json:"plumbline"`
	Version   int      `json:"version"`
	Origin    string   `json:"origin"`
	Key       string   `json:"key"`
	Witnesses []string `json:"witnesses"`
	Time      string   `json:"time"`
}

// Export writes an export. Its methods are called in the order of the file: for each checkpoint Segment, then Record or
// Withheld for each of its records; End at last. The first error stays.
type Export struct {
	out    *bufio.Writer
	digest hash.Hash
	origin string
	next   int64 // the sequence of the next record
	size   int64 // of the last checkpoint
	err    error
}

// NewExport begins an export of the log with that public key; witnesses are the public keys of those whose cosignatures count.
func NewExport(w io.Writer, public string, witnesses []string, now time.Time) (*Export, error) {
	v, err := openVerifiers(public, witnesses)
	if err != nil {
		return nil, err
	}
	if witnesses == nil {
		witnesses = []string{}
	}
	text, err := json.Marshal(header{Plumbline: "audit export", Version: exportVersion, Origin: v.log.Name(), Key: public,
		Witnesses: witnesses, Time: now.UTC().Format(checkpointTime)})
	if err != nil {
		return nil, err
	}
	e := &Export{digest: sha256.New(), origin: v.log.Name()}
	e.out = bufio.NewWriterSize(io.MultiWriter(w, e.digest), 64<<10)
	e.line(string(text))
	return e, e.err
}

func (e *Export) line(parts ...string) {
	for _, p := range append(parts, "\n") {
		if e.err == nil {
			_, e.err = e.out.WriteString(p)
		}
	}
}

// Segment writes a signed checkpoint and the leaf hashes of the records since the one before; as many records must follow.
func (e *Export) Segment(signed []byte, size int64, leaves []tlog.Hash) error {
	if e.err == nil && (e.next != e.size || size != e.size+int64(len(leaves)) || len(leaves) == 0) {
		e.err = fmt.Errorf("audit export: a checkpoint of size %d with %d hashes after record %d of %d", size, len(leaves), e.next, e.size)
	}
	e.line(noteOpen, string(appendString(nil, string(signed))), "}")
	for len(leaves) > 0 {
		n := min(len(leaves), leavesPerLine)
		raw := make([]byte, 0, n*tlog.HashSize)
		for _, h := range leaves[:n] {
			raw = append(raw, h[:]...)
		}
		e.line(leavesOpen, base64.StdEncoding.EncodeToString(raw), `"}`)
		leaves = leaves[n:]
	}
	e.size = size
	return e.err
}

// Record writes the next record, as Encode gave it.
func (e *Export) Record(text []byte) error {
	e.next++
	e.line(recordOpen, string(text), "}")
	return e.err
}

// Withheld writes the place of the next record without its text.
func (e *Export) Withheld(leaf tlog.Hash) error {
	e.line(withheldOpen, fmt.Sprint(e.next), `,"leaf":"`, leaf.String(), `"}}`)
	e.next++
	return e.err
}

// End signs what was written.
func (e *Export) End(private string) error {
	if e.err == nil && e.next != e.size {
		e.err = fmt.Errorf("audit export: record %d of %d is the last one", e.next, e.size)
	}
	if e.err == nil {
		e.err = e.out.Flush()
	}
	if e.err != nil {
		return e.err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return errors.New("sign an audit export: the key of the log is not one")
	}
	signed, err := note.Sign(&note.Note{Text: endText(e.origin, e.next, e.digest.Sum(nil))}, signer)
	if err != nil {
		return fmt.Errorf("sign an audit export: %w", err)
	}
	e.line(endOpen, string(appendString(nil, string(signed))), "}")
	if e.err == nil {
		e.err = e.out.Flush()
	}
	return e.err
}

// endText is what the end of an export signs. No checkpoint can be read as one: an origin has no spaces.
func endText(origin string, records int64, digest []byte) string {
	return fmt.Sprintf("plumbline audit export\n%s\nrecords %d\nsha256 %s\n", origin, records, base64.StdEncoding.EncodeToString(digest))
}

// unquote reads a JSON string that is spelled as appendString spells it.
func unquote(text string) (string, bool) {
	var s string
	if json.Unmarshal([]byte(text), &s) != nil || string(appendString(nil, s)) != text {
		return "", false
	}
	return s, true
}

// within cuts what is between the beginning and the end of a line.
func within(line, open, shut string) (string, bool) {
	rest, a := strings.CutPrefix(line, open)
	rest, b := strings.CutSuffix(rest, shut)
	return rest, a && b
}
