package audit

import (
	"bytes"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const origin = "plumbline.example.com/audit"

// sample is a log that was made for a test.
type sample struct {
	private, public string
	witness         *Witness
	records         [][]byte
	notes           [][]byte // signed checkpoints, one each `every` records
	every           int
}

func clock() time.Time { return time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC) }

func newSample(t testing.TB, n, every int) *sample {
	t.Helper()
	s := &sample{every: every}
	var err error
	if s.private, s.public, err = NewKey(origin); err != nil {
		t.Fatal(err)
	}
	if s.witness, err = NewWitness("witness.example.com/w1", bytes.Repeat([]byte{7}, 32), clock); err != nil {
		t.Fatal(err)
	}
	s.fill(t, n)
	return s
}

func (s *sample) fill(t testing.TB, n int) {
	for i := len(s.records); i < n; i++ {
		r := record(int64(i))
		text, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		s.records = append(s.records, text)
	}
	s.sign(t)
}

func (s *sample) sign(t testing.TB) {
	s.notes = nil
	var f Frontier
	for i, text := range s.records {
		f.Append(Leaf(text))
		if (i+1)%s.every == 0 || i == len(s.records)-1 {
			signed, err := Checkpoint{Origin: origin, Size: f.Size, Root: f.Root(), Time: clock()}.Sign(s.private)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := note.Sign(&note.Note{Text: noteText(signed)}, s.witness)
			if err != nil {
				t.Fatal(err)
			}
			_, sig, _ := bytes.Cut(lines, []byte("\n\n"))
			if signed, err = AddCosignatures(signed, sig, s.public, s.witness.Public()); err != nil {
				t.Fatal(err)
			}
			s.notes = append(s.notes, signed)
		}
	}
}

func noteText(signed []byte) string {
	text, _, _ := strings.Cut(string(signed), "\n\n")
	return text + "\n"
}

// export writes the file; hide says which records are withheld.
func (s *sample) export(t testing.TB, hide func(int) bool) []byte {
	t.Helper()
	var b bytes.Buffer
	e, err := NewExport(&b, s.public, []string{s.witness.Public()}, clock())
	if err != nil {
		t.Fatal(err)
	}
	from := 0
	for _, signed := range s.notes {
		c, err := OpenCheckpoint(signed, s.public, nil)
		if err != nil {
			t.Fatal(err)
		}
		var leaves []tlog.Hash
		for _, text := range s.records[from:c.Size] {
			leaves = append(leaves, Leaf(text))
		}
		if err := e.Segment(signed, c.Size, leaves); err != nil {
			t.Fatal(err)
		}
		for i := from; i < int(c.Size); i++ {
			if hide != nil && hide(i) {
				err = e.Withheld(leaves[i-from])
			} else {
				err = e.Record(s.records[i])
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		from = int(c.Size)
	}
	if err := e.End(s.private); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestVerify(t *testing.T) {
	s := newSample(t, 250, 100)
	for name, c := range map[string]struct {
		hide     func(int) bool
		withheld int64
	}{"whole": {}, "withheld": {func(i int) bool { return i%3 == 0 }, 84}, "only hashes": {func(int) bool { return true }, 250}} {
		r, err := Verify(bytes.NewReader(s.export(t, c.hide)), Trust{Key: s.public, Witnesses: []string{s.witness.Public()}, Checkpoints: s.notes})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Records != 250 || r.Withheld != c.withheld || r.Checkpoints != 3 || r.Last.Size != 250 || r.ClockBack != -1 ||
			len(r.Cosigned) != 1 || r.Cosigned[0] != (Witnessed{"witness.example.com/w1", 250, clock()}) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	empty := newSample(t, 0, 10)
	if r, err := Verify(bytes.NewReader(empty.export(t, nil)), Trust{}); err != nil || r.Records != 0 {
		t.Errorf("an empty log: %+v, %v", r, err)
	}
}

// TestVerify_longSegment has more records under one checkpoint than fit into one line of hashes.
func TestVerify_longSegment(t *testing.T) {
	s := newSample(t, 3*leavesPerLine+5, 1<<30)
	if r, err := Verify(bytes.NewReader(s.export(t, nil)), Trust{}); err != nil || r.Checkpoints != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// lines of an export, each with its newline.
func lines(b []byte) [][]byte {
	l := bytes.SplitAfter(b, []byte("\n"))
	return l[:len(l)-1]
}

func join(l [][]byte) []byte { return bytes.Join(l, nil) }

// TestVerify_tampered: what was done to the file is said, with the first record that it was done to.
func TestVerify_tampered(t *testing.T) {
	s := newSample(t, 90, 30)
	good := s.export(t, nil)
	at := func(l [][]byte, n int) int { // the line of record n
		return slices.IndexFunc(l, func(b []byte) bool { return bytes.HasPrefix(b, fmt.Appendf(nil, `{"record":{"sequence":%d,`, n)) })
	}
	// forge signs a whole other log with the same key: only what was kept outside tells.
	fork := &sample{private: s.private, public: s.public, witness: s.witness, every: 30}
	fork.fill(t, 90)
	r := record(40)
	r.Actor.Name = "Eve"
	fork.records[40], _ = r.Encode()
	fork.sign(t)
	shorter := &sample{private: s.private, public: s.public, witness: s.witness, every: 30}
	shorter.fill(t, 60)
	other := newSample(t, 90, 30)

	for name, c := range map[string]struct {
		change func([][]byte) [][]byte
		trust  Trust
		record int64
		what   string
	}{
		"changed": {func(l [][]byte) [][]byte {
			l[at(l, 44)] = bytes.Replace(l[at(l, 44)], []byte("Ada"), []byte("Bob"), 1)
			return l
		}, Trust{}, 44, "changed"},
		"removed":  {func(l [][]byte) [][]byte { return slices.Delete(l, at(l, 44), at(l, 45)) }, Trust{}, 44, "record 44 was removed"},
		"several":  {func(l [][]byte) [][]byte { return slices.Delete(l, at(l, 41), at(l, 45)) }, Trust{}, 41, "from 41 to 44 were removed"},
		"inserted": {func(l [][]byte) [][]byte { return slices.Insert(l, at(l, 44), []byte("{\"record\":{}}\n")) }, Trust{}, 44, "inserted before record 44"},
		"copied":   {func(l [][]byte) [][]byte { return slices.Insert(l, at(l, 44), l[at(l, 35)]) }, Trust{}, 44, "copy of record 35"},
		"swapped": {func(l [][]byte) [][]byte {
			i, j := at(l, 44), at(l, 50)
			l[i], l[j] = l[j], l[i]
			return l
		}, Trust{}, 44, "reordered"},
		"moved": {func(l [][]byte) [][]byte {
			x := slices.Clone(l[at(l, 44)])
			return slices.Insert(slices.Delete(l, at(l, 44), at(l, 45)), at(l, 52)-1, x)
		}, Trust{}, 44, "reordered"},
		"last of a segment removed": {func(l [][]byte) [][]byte { return slices.Delete(l, at(l, 59), at(l, 59)+1) }, Trust{}, 59, ""},
		"inserted at the end of a segment": {func(l [][]byte) [][]byte {
			return slices.Insert(l, at(l, 59)+1, bytes.Replace(l[at(l, 59)], []byte(":59,"), []byte(":60,"), 1))
		}, Trust{}, 60, "inserted"},
		"record and its hash changed": {func(l [][]byte) [][]byte {
			i := at(l, 44)
			old := Leaf(bytes.TrimSuffix(bytes.TrimPrefix(l[i], []byte(recordOpen)), []byte("}\n")))
			l[i] = bytes.Replace(l[i], []byte("Ada"), []byte("Bob"), 1)
			now := Leaf(bytes.TrimSuffix(bytes.TrimPrefix(l[i], []byte(recordOpen)), []byte("}\n")))
			return replaceLeaf(t, l, old, now)
		}, Trust{}, 30, "from 30 to 59 are not those that were signed"},
		"only a hash changed": {func(l [][]byte) [][]byte {
			return replaceLeaf(t, l, Leaf(s.records[44]), Leaf([]byte("x")))
		}, Trust{}, -1, "the records are right"},
		"hash and another record": {func(l [][]byte) [][]byte {
			l[at(l, 50)] = bytes.Replace(l[at(l, 50)], []byte("Ada"), []byte("Bob"), 1)
			return replaceLeaf(t, l, Leaf(s.records[55]), Leaf([]byte("x")))
		}, Trust{}, 50, "record 50 was changed"},
		"cut in a record":   {func(l [][]byte) [][]byte { i := at(l, 44); return append(l[:i], l[i][:20]) }, Trust{}, 44, "cut off"},
		"cut after one":     {func(l [][]byte) [][]byte { return l[:at(l, 44)] }, Trust{}, 44, "ends early"},
		"cut at a segment":  {func(l [][]byte) [][]byte { return l[:at(l, 59)+1] }, Trust{}, 60, "ends early"},
		"without its end":   {func(l [][]byte) [][]byte { return l[:len(l)-1] }, Trust{}, 90, "ends early"},
		"more after it":     {func(l [][]byte) [][]byte { return append(l, []byte("{}\n")) }, Trust{}, -1, ""},
		"a segment removed": {func(l [][]byte) [][]byte { return slices.Delete(l, at(l, 29)+1, at(l, 59)+1) }, Trust{}, 30, ""},
		"checkpoint replayed": {func(l [][]byte) [][]byte {
			l[at(l, 59)+1] = l[at(l, 29)+1]
			return l
		}, Trust{}, -1, "an old one was put here"},
		"checkpoint left out": {func(l [][]byte) [][]byte { return slices.Delete(l, 1, 2) }, Trust{}, 0, ""},
		"other key":           {func(l [][]byte) [][]byte { return l }, Trust{Key: other.public}, -1, "another key"},
		"other log":           {func([][]byte) [][]byte { return lines(other.export(t, nil)) }, Trust{Checkpoints: s.notes}, -1, "kept"},
		"fork":                {func([][]byte) [][]byte { return lines(fork.export(t, nil)) }, Trust{Key: s.public, Checkpoints: s.notes[1:2]}, -1, "size 60"},
		"fork, kept in mid-segment": {func([][]byte) [][]byte { return lines(fork.export(t, nil)) },
			Trust{Key: s.public, Checkpoints: [][]byte{at45(t, s)}}, -1, "size 45"},
		"older export": {func([][]byte) [][]byte { return lines(shorter.export(t, nil)) }, Trust{Key: s.public, Checkpoints: s.notes}, 60, "an old one, or the log was cut"},
		"witness of strangers": {func(l [][]byte) [][]byte {
			l[1] = bytes.Replace(l[1], []byte("witness.example.com/w1"), []byte("witness.example.com/w2"), 1)
			return l
		}, Trust{}, -1, "no witness"},
		"empty":     {func([][]byte) [][]byte { return nil }, Trust{}, -1, "empty"},
		"no export": {func([][]byte) [][]byte { return [][]byte{[]byte("{}\n")} }, Trust{}, -1, "no export"},
	} {
		_, err := Verify(bytes.NewReader(join(c.change(lines(slices.Clone(good))))), c.trust)
		f, ok := errors.AsType[*Fault](err)
		if !ok {
			t.Errorf("%s: %v is not a fault", name, err)
			continue
		}
		if f.Sequence != c.record || !strings.Contains(f.What, c.what) {
			t.Errorf("%s: record %d, %v; want record %d, %q", name, f.Sequence, f, c.record, c.what)
		}
	}
}

// at45 is a checkpoint that somebody kept, of a size that no checkpoint in the export has.
func at45(t *testing.T, s *sample) []byte {
	var f Frontier
	for _, text := range s.records[:45] {
		f.Append(Leaf(text))
	}
	signed, err := Checkpoint{Origin: origin, Size: 45, Root: f.Root(), Time: clock()}.Sign(s.private)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func replaceLeaf(t *testing.T, l [][]byte, old, now tlog.Hash) [][]byte {
	t.Helper()
	for i, line := range l {
		encoded, ok := within(strings.TrimSuffix(string(line), "\n"), leavesOpen, `"}`)
		if !ok {
			continue
		}
		raw := decode(t, encoded)
		if j := bytes.Index(raw, old[:]); j >= 0 {
			copy(raw[j:], now[:])
			l[i] = []byte(leavesOpen + encode(raw) + "\"}\n")
			return l
		}
	}
	t.Fatal("the hash is in no line")
	return nil
}

// TestVerify_everyByte flips each byte of an export of two thousand records. To do that in seconds, the verifier's state before
// each line is kept, and the changed line and those after it are given to a copy: what Verify would have done after having read
// the lines before. (A sample is flipped in the whole file, too.) No flip may go unnoticed, and one in a record's line must
// name that record.
func TestVerify_everyByte(t *testing.T) {
	records, every := 2000, 40
	if testing.Short() {
		records, every = 200, 10
	}
	s := newSample(t, records, every)
	file := s.export(t, func(i int) bool { return i%17 == 5 })
	states, starts, owner := statesOf(t, file)
	if len(file) < records*300 {
		t.Fatalf("%d bytes", len(file))
	}
	flip := func(buf []byte, i, line int) error {
		buf[i] ^= byte(1 << (i % 8))
		defer func() { buf[i] ^= byte(1 << (i % 8)) }()
		v := states[line].clone()
		rest := buf[starts[line]:]
		for len(rest) > 0 {
			n := bytes.IndexByte(rest, '\n') + 1
			if n == 0 {
				n = len(rest)
			}
			if err := v.line(rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		_, err := v.finish()
		return err
	}
	var wg sync.WaitGroup
	const workers = 2
	for w := range workers {
		wg.Go(func() {
			buf := slices.Clone(file)
			line, failures := 0, 0
			for i := range buf {
				for line+1 < len(starts) && starts[line+1] <= i {
					line++
				}
				if i%workers != w {
					continue
				}
				err := flip(buf, i, line)
				f, ok := errors.AsType[*Fault](err)
				if !ok || owner[line] >= 0 && f.Sequence != owner[line] {
					t.Errorf("byte %d (line %d, record %d): %v", i, line+1, owner[line], err)
					if failures++; failures > 5 {
						return
					}
				}
			}
		})
	}
	wg.Wait()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		i := rnd.IntN(len(file))
		buf := slices.Clone(file)
		buf[i] ^= byte(1 << rnd.IntN(8))
		if _, err := Verify(bytes.NewReader(buf), Trust{}); err == nil {
			t.Errorf("byte %d of the whole file", i)
		}
	}
}

// statesOf reads a good export and keeps the verifier before each line, where the line starts, and which record it holds.
func statesOf(t *testing.T, file []byte) (states []*verifier, starts []int, owner []int64) {
	v := &verifier{digest: newDigest()}
	offset := 0
	for _, l := range lines(file) {
		own := int64(-1)
		if _, ok := leafOf(strings.TrimSuffix(string(l), "\n")); ok {
			own = v.next
		}
		states, starts, owner = append(states, v.clone()), append(starts, offset), append(owner, own)
		if err := v.line(l); err != nil {
			t.Fatal(err)
		}
		offset += len(l)
	}
	if _, err := v.finish(); err != nil {
		t.Fatal(err)
	}
	return states, starts, owner
}

func (v *verifier) clone() *verifier {
	c := *v
	d, err := v.digest.(hash.Cloner).Clone()
	if err != nil {
		panic(err)
	}
	c.digest, c.tree, c.leaves, c.r.Cosigned = d, v.tree.Clone(), slices.Clone(v.leaves), slices.Clone(v.r.Cosigned)
	return &c
}

// BenchmarkVerify reads an export of 20,000 records.
func BenchmarkVerify(b *testing.B) {
	s := newSample(b, 20_000, 1000)
	file := s.export(b, nil)
	b.SetBytes(int64(len(file)))
	b.ResetTimer()
	for b.Loop() {
		if _, err := Verify(bytes.NewReader(file), Trust{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*20_000/b.Elapsed().Seconds(), "records/s")
}
