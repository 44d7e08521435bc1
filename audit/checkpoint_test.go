package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func newDigest() hash.Hash { return sha256.New() }

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func decode(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCheckpoint(t *testing.T) {
	private, public, err := NewKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	c := Checkpoint{Origin: origin, Size: 12, Root: Leaf([]byte("x")), Time: clock()}
	signed, err := c.Sign(private)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenCheckpoint(signed, public, nil)
	if err != nil || got.Checkpoint != c {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range signed {
		bad := bytes.Clone(signed)
		bad[i] ^= 1
		if _, err := OpenCheckpoint(bad, public, nil); err == nil {
			t.Errorf("byte %d: %q was believed", i, bad)
		}
	}
	if _, err := (Checkpoint{Origin: "other", Size: 1}).Sign(private); err == nil {
		t.Error("a checkpoint of another log was signed")
	}
	if _, err := c.Sign("PRIVATE+KEY+secret"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("an error of a bad key: %v", err)
	}
	for _, name := range []string{"", "with space", "with+plus", "line\nbreak"} {
		if _, _, err := NewKey(name); err == nil {
			t.Errorf("a log was named %q", name)
		}
	}
	// A note of the right hand that is no checkpoint.
	signer, _ := note.NewSigner(private)
	for _, text := range []string{origin + "\n12\n" + c.Root.String() + "\n", endText(origin, 12, c.Root[:]), origin + "\n012\n" + c.Root.String() + "\ntime 2026-11-22T18:00:00Z\n"} {
		n, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenCheckpoint(n, public, nil); err == nil {
			t.Errorf("%q is no checkpoint", text)
		}
	}
}

// TestWitness: the cosignature in C2SP's own example has the key number and the form that ours have.
func TestWitness(t *testing.T) {
	s := newSample(t, 3, 3)
	signed := s.notes[0]
	got, err := OpenCheckpoint(signed, s.public, []string{s.witness.Public()})
	if err != nil || len(got.Cosigned) != 1 || got.Cosigned[0].Witness != "witness.example.com/w1" || !got.Cosigned[0].Time.Equal(clock()) {
		t.Fatalf("%+v, %v", got, err)
	}
	if again, err := AddCosignatures(signed, []byte(lastLine(signed)), s.public, s.witness.Public()); err != nil || !bytes.Equal(again, signed) {
		t.Errorf("the same cosignature twice: %q, %v", again, err)
	}
	for _, answer := range []string{"", "no note", "— witness.example.com/w1 AAAA\n", strings.Replace(lastLine(signed), "w1", "w2", 1), strings.Repeat("x", maxNote+1)} {
		if _, err := AddCosignatures(signed, []byte(answer), s.public, s.witness.Public()); err == nil {
			t.Errorf("the answer %.60q was taken", answer)
		}
	}
	body := Submission(2, []tlog.Hash{Leaf([]byte("a"))}, signed)
	if want := "old 2\n" + Leaf([]byte("a")).String() + "\n\n" + string(signed); string(body) != want {
		t.Errorf("%q", body)
	}
	for _, key := range []string{"", "w1", "w1+00000000+AAAA", strings.Replace(s.witness.Public(), "w1", "w2", 1), s.public} {
		if _, err := OpenCheckpoint(signed, s.public, []string{key}); err == nil {
			t.Errorf("%q is no key of a witness", key)
		}
	}
}

func lastLine(b []byte) string {
	l := lines(b)
	return string(l[len(l)-1])
}
