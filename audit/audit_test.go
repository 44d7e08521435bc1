package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

func record(n int64) Record {
	return Record{Sequence: n, Time: time.Date(2026, 11, 22, 17, 0, 0, int(n%1000)*1000, time.UTC), Organisation: "o1",
		Actor: Actor{Person, fmt.Sprint("p", n%7), "Ada"}, Action: "finding.mute",
		Object: Object{"finding", fmt.Sprintf("%08x", n), "aws_s3_bucket.logs"}, Data: json.RawMessage(`{"reason":"false positive"}`),
		Address: "192.0.2.7", Request: fmt.Sprintf("r%d", n)}
}

func TestRecord(t *testing.T) {
	r := record(7)
	text, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"sequence":7,"time":"2026-11-22T17:00:00.000007Z","organisation":"o1","actor":{"kind":"person","id":"p0","name":"Ada"},"action":"finding.mute","object":{"kind":"finding","id":"00000007","name":"aws_s3_bucket.logs"},"data":{"reason":"false positive"},"address":"192.0.2.7","request":"r7"}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Fatal(diff)
	}
	back, err := Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Error(diff)
	}
}

// TestRecord_refused: there is one text for a record, and some things are none.
func TestRecord_refused(t *testing.T) {
	r := record(7)
	good, _ := r.Encode()
	for name, text := range map[string]string{
		"space":         strings.Replace(string(good), ":7,", ": 7,", 1),
		"other case":    strings.Replace(string(good), `"sequence"`, `"Sequence"`, 1),
		"twice":         strings.Replace(string(good), `"address":"192.0.2.7"`, `"address":"192.0.2.8","address":"192.0.2.7"`, 1),
		"more":          strings.Replace(string(good), `"request"`, `"more":1,"request"`, 1),
		"other order":   strings.Replace(string(good), `{"sequence":7,"time":"2026-11-22T17:00:00.000007Z"`, `{"time":"2026-11-22T17:00:00.000007Z","sequence":7`, 1),
		"escape":        strings.Replace(string(good), "Ada", `\u0041da`, 1),
		"other zone":    strings.Replace(string(good), "000007Z", "000007+00:00", 1),
		"less of a sec": strings.Replace(string(good), ".000007Z", ".00000700Z", 1),
		"two records":   string(good) + string(good),
		"a line more":   string(good) + "\n",
		"actor":         strings.Replace(string(good), `"kind":"person"`, `"kind":"god"`, 1),
		"data":          strings.Replace(string(good), `{"reason":"false positive"}`, `[]`, 1),
		"data twice":    strings.Replace(string(good), `{"reason":"false positive"}`, `{"a":1,"a":1}`, 1),
		"null":          "null",
		"nothing":       "",
	} {
		if _, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s: %s was read as a record", name, text)
		}
	}
	for name, change := range map[string]func(*Record){
		"no action":     func(r *Record) { r.Action = "" },
		"no actor":      func(r *Record) { r.Actor = Actor{} },
		"negative":      func(r *Record) { r.Sequence = -1 },
		"zero time":     func(r *Record) { r.Time = time.Time{} },
		"data is a str": func(r *Record) { r.Data = json.RawMessage(`"x"`) },
		"too large":     func(r *Record) { r.Object.Name = strings.Repeat("x", MaxRecord) },
	} {
		r := record(7)
		change(&r)
		if text, err := r.Encode(); err == nil {
			t.Errorf("%s: %s was written", name, text)
		}
	}
}

// TestRecord_hostile: whatever the texts hold, one line comes out and the same texts come back.
func TestRecord_hostile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"\n{\"actor\":\"admin\"}", "\u2028\u202e", "a\x00b", "</script>", `"\`, "\b\f\r\t"}))
		r := record(rapid.Int64Range(0, 1<<40).Draw(t, "n"))
		r.Actor.Name, r.Object.Name, r.Address = text.Draw(t, "actor"), text.Draw(t, "object"), text.Draw(t, "address")
		var err error
		if r.Data, err = Canonical(map[string]any{text.Draw(t, "key"): text.Draw(t, "value"), "n": rapid.Float64Range(-1e300, 1e300).Draw(t, "f")}); err != nil {
			t.Fatal(err)
		}
		line, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(string(line), "\n\r") {
			t.Fatalf("a line break in %q", line)
		}
		back, err := Decode(line)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, back); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestCanonical(t *testing.T) {
	type row struct{ in, want string }
	for _, c := range []row{
		{`{"b":1,"a":[true,null,"x"]}`, `{"a":[true,null,"x"],"b":1}`},
		{`{ "a" : 1.0 }`, `{"a":1}`},
		{`{"a":1e2,"b":0.1,"c":-0.0}`, `{"a":100,"b":0.1,"c":0}`},
		{`{"a":9223372036854775807}`, `{"a":9223372036854775807}`},
		{`{"a":"\u003c\u2028\u00e9/"}`, "{\"a\":\"<\u2028é/\"}"},
		{`{"a":1e999}`, ""},
		{`{"a":1,"a":2}`, ""},
		{`{"a":1}{}`, ""},
		{`{"a":`, ""},
		{strings.Repeat("[", 40) + strings.Repeat("]", 40), ""},
	} {
		got, err := Canonical(json.RawMessage(c.in))
		if (err != nil) != (c.want == "") || string(got) != c.want {
			t.Errorf("Canonical(%s) = %s, %v; want %s", c.in, got, err, c.want)
		}
	}
}

// TestFrontier: the edge agrees with tlog about every hash, the root, and both proofs; false proofs are refused.
func TestFrontier(t *testing.T) {
	var f Frontier
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range at {
			out = append(out, stored[i])
		}
		return out, nil
	})
	var roots []tlog.Hash
	for n := range int64(70) {
		roots = append(roots, f.Root())
		want, err := tlog.StoredHashes(n, fmt.Append(nil, n), reader)
		if err != nil {
			t.Fatal(err)
		}
		got := f.Append(Leaf(fmt.Append(nil, n)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("record %d: %s", n, diff)
		}
		stored = append(stored, got...)
		root, err := tlog.TreeHash(n+1, reader)
		if err != nil || root != f.Root() {
			t.Fatalf("size %d: root %v, tlog has %v, %v", n+1, f.Root(), root, err)
		}
		b, _ := f.MarshalBinary()
		back, err := ReadFrontier(f.Size, b)
		if diff := cmp.Diff(f, back); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
		if _, err := ReadFrontier(f.Size, b[1:]); err == nil {
			t.Fatal("an edge of another size was read")
		}
	}
	head := Checkpoint{Origin: "log", Size: f.Size, Root: f.Root()}
	for n := range f.Size {
		p, err := Inclusion(n, f.Size, reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckInclusion(p, head, n, Leaf(fmt.Append(nil, n))); err != nil {
			t.Error(err)
		}
		if CheckInclusion(p, head, n, Leaf([]byte("other"))) == nil || CheckInclusion(p, head, (n+1)%f.Size, Leaf(fmt.Append(nil, n))) == nil {
			t.Errorf("record %d: a false proof was taken", n)
		}
		old := Checkpoint{Origin: "log", Size: n, Root: roots[n]}
		c, err := Consistency(n, f.Size, reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckConsistency(c, old, head); err != nil {
			t.Error(err)
		}
		old.Root[3] ^= 1
		if n > 0 && CheckConsistency(c, old, head) == nil {
			t.Errorf("size %d: a fork was taken for the same log", n)
		}
	}
	if _, err := Inclusion(70, 70, reader); err == nil {
		t.Error("a record that is not there was proved")
	}
	if _, err := Consistency(71, 70, reader); err == nil {
		t.Error("a log was shortened")
	}
}
