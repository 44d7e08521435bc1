package audit

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Trust is what the reader of an export knows from elsewhere. The zero value knows nothing: then the export is proved to hang
// together under its own key, and the key in the report is to be compared with the one that was written down.
type Trust struct {
	Key         string   // the public key of the log
	Witnesses   []string // public keys of witnesses, besides those that the export names
	Checkpoints [][]byte // signed checkpoints of the log that were kept outside: the export must continue them
}

// Report is what a verified export holds.
type Report struct {
	Origin      string
	Key         string
	Records     int64 // with those withheld
	Withheld    int64
	Checkpoints int
	Last        Checkpoint  // the last one; zero when the log is empty
	From, To    time.Time   // of the first and the last record that is there
	Cosigned    []Witnessed // how far each witness had seen the log
	ClockBack   int64       // the first record that is over a minute older than the one before it; -1 when there is none
	Exported    time.Time
}

// Witnessed says how far a witness had seen the log.
type Witnessed struct {
	Witness string
	Size    int64
	Time    time.Time
}

// Fault is the first thing in an export that is not proved.
type Fault struct {
	Line     int    // of the file, from 1
	Sequence int64  // the first record that is not what it was; -1 when no record is concerned
	What     string // in words
}

func (f *Fault) Error() string { return fmt.Sprintf("line %d: %s", f.Line, f.What) }

// maxLine bounds a line of an export: a record, or the hashes of leavesPerLine records.
const maxLine = MaxRecord + leavesPerLine*45 + 64

// Verify reads an export to its end. An error is a *Fault when the export is wrong, otherwise reading failed.
func Verify(r io.Reader, t Trust) (Report, error) {
	v := &verifier{trust: t, digest: sha256.New()}
	in := bufio.NewReaderSize(r, 256<<10)
	for {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return v.finish()
		}
		if err != nil {
			return Report{}, err
		}
		if err := v.line(line); err != nil {
			return Report{}, err
		}
	}
}

// readLine reads to the next newline, which it keeps. Of a line that is too long it returns the beginning: no line of an export
// is that long, so whatever it is compared with differs.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) <= maxLine+1 {
			line = append(line, part...)
		} else if len(line) <= maxLine {
			line = append(line, part[:maxLine+1-len(line)]...)
		}
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		default:
			return nil, err
		}
	}
}

// verifier reads the lines of an export one by one; it holds the hashes of one segment, nothing that grows with the file.
type verifier struct {
	trust  Trust
	number int // lines read
	digest hash.Hash

	keys  *verifiers
	known []Checkpoint // those kept outside, by size, that the export has not come to
	tree  Frontier
	r     Report
	last  time.Time // of the record before

	signed  Signed      // the checkpoint of the segment that is being read
	leaves  []tlog.Hash // of its records, as read; proved once they give the root of the checkpoint
	proved  bool
	next    int64 // the sequence of the record that is due
	start   int64 // of the first record of the segment
	ended   bool
	suspect *suspicion
}

func (v *verifier) fault(sequence int64, format string, args ...any) error {
	return &Fault{Line: v.number, Sequence: sequence, What: fmt.Sprintf(format, args...)}
}

// line takes the next line, with its newline.
func (v *verifier) line(raw []byte) error {
	v.number++
	if v.suspect != nil {
		return v.suspect.line(v, raw)
	}
	text, whole := strings.CutSuffix(string(raw), "\n")
	if v.ended {
		return v.fault(-1, "something follows the end of the export")
	}
	if v.number == 1 {
		v.digest.Write(raw)
		return v.header(text)
	}
	if !whole && v.next < v.signed.Size && v.proved {
		return v.fault(v.next, "record %d is cut off", v.next)
	}
	if v.next == v.signed.Size { // a segment is complete
		if end, ok := within(text, endOpen, "}"); ok && whole {
			return v.end(end)
		}
		v.digest.Write(raw)
		return v.checkpoint(text)
	}
	v.digest.Write(raw)
	if !v.proved {
		return v.hashes(text)
	}
	return v.record(text)
}

func (v *verifier) header(text string) error {
	var h header
	if json.Unmarshal([]byte(text), &h) != nil || h.Plumbline != "audit export" {
		return v.fault(-1, "this is no export of an audit log")
	}
	if h.Version != exportVersion {
		return v.fault(-1, "the export has version %d, which this program does not know", h.Version)
	}
	if v.trust.Key != "" && h.Key != v.trust.Key {
		return v.fault(-1, "the export is signed with another key than the one that is trusted:\n  %s\n  %s", h.Key, v.trust.Key)
	}
	if len(h.Witnesses) > 64 {
		return v.fault(-1, "the export names %d witnesses", len(h.Witnesses))
	}
	all := slices.Clone(h.Witnesses)
	for _, w := range v.trust.Witnesses {
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	var err error
	if v.keys, err = openVerifiers(h.Key, all); err != nil {
		return v.fault(-1, "%v", err)
	}
	for _, signed := range v.trust.Checkpoints {
		c, _, err := v.keys.open(signed)
		if err != nil {
			return v.fault(-1, "the checkpoint that was kept: %v", err)
		}
		v.known = append(v.known, c.Checkpoint)
	}
	slices.SortFunc(v.known, func(a, b Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	for len(v.known) > 0 && v.known[0].Size == 0 {
		v.known = v.known[1:]
	}
	at, err := time.Parse(checkpointTime, h.Time)
	if err != nil || h.Origin != v.keys.log.Name() {
		return v.fault(-1, "the first line of the export was changed")
	}
	v.r = Report{Origin: h.Origin, Key: h.Key, ClockBack: -1, Exported: at}
	return nil
}

// checkpoint begins a segment.
func (v *verifier) checkpoint(text string) error {
	quoted, ok := within(text, noteOpen, "}")
	signed, spelled := "", false
	if ok {
		signed, spelled = unquote(quoted)
	}
	if !spelled {
		if _, isRecord := leafOf(text); isRecord {
			return v.fault(v.next, "there is a record after record %d that no checkpoint speaks of: it was inserted", v.next-1)
		}
		return v.fault(v.next, "a checkpoint or the end of the export is due after record %d, and something else is there", v.next-1)
	}
	s, strangers, err := v.keys.open([]byte(signed))
	if err != nil {
		return v.fault(-1, "%v", err)
	}
	if strangers > 0 {
		return v.fault(-1, "the checkpoint of size %d has a signature that is of no witness of this log", s.Size)
	}
	if s.Size <= v.next {
		return v.fault(-1, "the checkpoint of size %d comes after %d records: an old one was put here", s.Size, v.next)
	}
	v.signed, v.start, v.leaves, v.proved = s, v.next, v.leaves[:0], false
	v.r.Checkpoints++
	v.r.Last = s.Checkpoint
	return nil
}

// hashes takes leaf hashes until the segment has all of them, and proves them.
func (v *verifier) hashes(text string) error {
	encoded, ok := within(text, leavesOpen, `"}`)
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	due := v.signed.Size - v.start - int64(len(v.leaves))
	if !ok || err != nil {
		return v.fault(-1, "the hashes of the records from %d to %d are not readable", v.start, v.signed.Size-1)
	}
	if int64(len(raw)) != min(due, leavesPerLine)*tlog.HashSize {
		return v.fault(v.start, "the checkpoint speaks of the records from %d to %d, and others follow: %d is the first that is not proved", v.start, v.signed.Size-1, v.start)
	}
	for len(raw) > 0 {
		v.leaves = append(v.leaves, tlog.Hash(raw[:tlog.HashSize]))
		raw = raw[tlog.HashSize:]
	}
	if int64(len(v.leaves)) < v.signed.Size-v.start {
		return nil
	}
	tree := v.tree.Clone()
	for _, h := range v.leaves {
		tree.Append(h)
		if len(v.known) == 0 || v.known[0].Size != tree.Size {
			continue
		}
		if v.known[0].Root != tree.Root() {
			return v.fault(-1, "the log is not the one that the kept checkpoint of size %d was made of: one of the first %d records was replaced, and the log signed anew", tree.Size, tree.Size)
		}
		for len(v.known) > 0 && v.known[0].Size == tree.Size {
			v.known = v.known[1:]
		}
	}
	if tree.Root() != v.signed.Root {
		v.suspect = &suspicion{at: v.number, tree: v.tree.Clone()}
		return nil
	}
	v.tree, v.proved = tree, true
	for _, c := range v.signed.Cosigned {
		i := slices.IndexFunc(v.r.Cosigned, func(w Witnessed) bool { return w.Witness == c.Witness })
		if i < 0 {
			v.r.Cosigned = append(v.r.Cosigned, Witnessed{Witness: c.Witness})
			i = len(v.r.Cosigned) - 1
		}
		v.r.Cosigned[i].Size, v.r.Cosigned[i].Time = v.signed.Size, c.Time
	}
	return nil
}

// leafOf is the leaf hash of a line with a record, or the one that a withheld record claims.
func leafOf(text string) (tlog.Hash, bool) {
	if rec, ok := within(text, recordOpen, "}"); ok {
		return Leaf([]byte(rec)), true
	}
	if rest, ok := within(text, withheldOpen, `"}}`); ok {
		number, encoded, _ := strings.Cut(rest, `,"leaf":"`)
		h, err := tlog.ParseHash(encoded)
		if n, nerr := strconv.ParseInt(number, 10, 64); err == nil && nerr == nil && strconv.FormatInt(n, 10) == number && h.String() == encoded {
			return h, true
		}
	}
	return tlog.Hash{}, false
}

// record takes the record that is due. Its hash is known from the signature, so being equal is being proved.
func (v *verifier) record(text string) error {
	want := v.leaves[v.next-v.start]
	h, ok := leafOf(text)
	if !ok || h != want {
		v.suspect = newSuspicion(v, text)
		if v.suspect.wait == 0 {
			return v.suspect.fault(v)
		}
		return nil
	}
	if rest, isWithheld := strings.CutPrefix(text, withheldOpen); isWithheld {
		if !strings.HasPrefix(rest, strconv.FormatInt(v.next, 10)+",") {
			return v.fault(v.next, "record %d is withheld under another number", v.next)
		}
		v.r.Withheld++
		v.next++
		v.r.Records++
		return nil
	}
	rec, err := Decode([]byte(strings.TrimSuffix(strings.TrimPrefix(text, recordOpen), "}")))
	if err != nil {
		return v.fault(v.next, "record %d is in the log as it stands here, and is not a record: %v", v.next, err)
	}
	if rec.Sequence != v.next {
		return v.fault(v.next, "the record at the place of %d says of itself that it is %d", v.next, rec.Sequence)
	}
	if v.r.From.IsZero() {
		v.r.From = rec.Time
	} else if v.r.ClockBack < 0 && rec.Time.Before(v.last.Add(-time.Minute)) {
		v.r.ClockBack = rec.Sequence
	}
	v.last, v.r.To = rec.Time, rec.Time
	v.next++
	v.r.Records++
	return nil
}

// end checks the signature over the whole file.
func (v *verifier) end(quoted string) error {
	signed, ok := unquote(quoted)
	if !ok {
		return v.fault(-1, "the end of the export is not readable")
	}
	n, err := note.Open([]byte(signed), note.VerifierList(v.keys.log))
	if err != nil || len(n.UnverifiedSigs) > 0 || plainSignatures(n) != nil {
		return v.fault(-1, "the end of the export is not signed by %s", v.r.Origin)
	}
	if n.Text != endText(v.r.Origin, v.r.Records, v.digest.Sum(nil)) {
		return v.fault(-1, "the records are the log's, but the file is not as it was written: a checkpoint was left out, or the first line changed")
	}
	v.ended = true
	return nil
}

// finish says what was proved when the file is at its end.
func (v *verifier) finish() (Report, error) {
	v.number++
	switch {
	case v.suspect != nil:
		return Report{}, v.suspect.fault(v)
	case v.number == 1:
		return Report{}, v.fault(-1, "the export is empty")
	case v.ended && len(v.known) > 0:
		return Report{}, v.fault(v.next, "the export has %d records, and a kept checkpoint says that there were %d: the export is an old one, or the log was cut", v.r.Records, v.known[0].Size)
	case v.ended:
		return v.r, nil
	case v.next < v.signed.Size:
		return Report{}, v.fault(v.next, "the export ends early: record %d is missing, there were %d", v.next, v.signed.Size)
	}
	return Report{}, v.fault(v.next, "the export ends early: its last line is missing, and maybe records from %d on", v.next)
}
