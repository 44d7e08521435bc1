package seal

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var place = Place{"repository.credential", "7"}

func TestRing(t *testing.T) {
	old, now := NewKey(), NewKey()
	ring := NewRing(old)
	for _, value := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("secret"), 1000)} {
		box, err := ring.Seal(value, place)
		if err != nil {
			t.Fatal(err)
		}
		if len(value) > 4 && bytes.Contains(box, value[:6]) {
			t.Error("the value is to be read in what was sealed")
		}
		if again, _ := ring.Seal(value, place); bytes.Equal(box, again) {
			t.Error("the same value sealed twice is the same: it tells who has the same password")
		}
		got, err := ring.Open(box, place)
		if err != nil || !bytes.Equal(got, value) {
			t.Errorf("%q, %v", got, err)
		}
		for i := range box {
			bad := bytes.Clone(box)
			bad[i] ^= 0x10
			if _, err := ring.Open(bad, place); err == nil {
				t.Fatalf("byte %d can be changed", i)
			}
		}
		for n := range box {
			if _, err := ring.Open(box[:n], place); err == nil {
				t.Fatalf("it opens when cut to %d bytes", n)
			}
		}
		for _, other := range []Place{{"repository.credential", "8"}, {"person.totp", "7"}, {"repository.credential7", ""}, {"repository.credentia", "l7"}} {
			if _, err := ring.Open(box, other); !errors.Is(err, ErrBroken) {
				t.Errorf("it opens at %v: %v", other, err)
			}
		}
		if _, err := NewRing(now).Open(box, place); !errors.Is(err, ErrKey) {
			t.Errorf("another key: %v", err)
		}

		// Rotation: the new ring opens it, wraps it anew, and then the old key is not needed.
		both := NewRing(now, old)
		if got, err := both.Open(box, place); err != nil || !bytes.Equal(got, value) {
			t.Errorf("%q, %v", got, err)
		}
		if !both.Stale(box) || ring.Stale(box) {
			t.Error("stale is what has another key")
		}
		fresh, err := both.Rewrap(box)
		if err != nil || both.Stale(fresh) {
			t.Fatal(err, both.Stale(fresh))
		}
		if same, err := both.Rewrap(fresh); err != nil || !bytes.Equal(same, fresh) {
			t.Error("what is current was wrapped again")
		}
		if got, err := NewRing(now).Open(fresh, place); err != nil || !bytes.Equal(got, value) {
			t.Errorf("after rotation: %q, %v", got, err)
		}
		if _, err := NewRing(now).Open(fresh, Place{"person.totp", "7"}); err == nil {
			t.Error("rotation lost the place")
		}
	}
	if _, err := new(Ring).Seal([]byte("x"), place); err == nil {
		t.Error("sealed without a key")
	}
	if _, err := new(Ring).Open(make([]byte, 200), place); err == nil {
		t.Error("opened without a key")
	}
	if _, err := ring.Seal(make([]byte, MaxValue+1), place); err == nil {
		t.Error("there is no bound")
	}
}

func TestParseKey(t *testing.T) {
	k := NewKey()
	for _, text := range []string{base64.StdEncoding.EncodeToString(k.secret[:]), base64.RawURLEncoding.EncodeToString(k.secret[:]), hex.EncodeToString(k.secret[:]),
		"\n " + base64.StdEncoding.EncodeToString(k.secret[:]) + " \r\n"} {
		if got, err := ParseKey([]byte(text)); err != nil || got != k {
			t.Errorf("%v", err)
		}
	}
	count := make([]byte, 32)
	for i := range count {
		count[i] = byte(i * 3)
	}
	for name, b := range map[string][]byte{
		"zeros": make([]byte, 32), "ones": bytes.Repeat([]byte{0xff}, 32), "pattern": bytes.Repeat([]byte("\x01\x02\x93\x04\xf5\x06\x07\x08"), 4),
		"counting": count, "text": []byte("correct horse battery staple!!1~"), "two halves": bytes.Repeat(k.secret[:15], 3)[:32], "short": k.secret[:31],
	} {
		got, err := ParseKey([]byte(base64.StdEncoding.EncodeToString(b)))
		if err == nil || got.valid() {
			t.Errorf("%s was taken", name)
		} else if len(b) > 4 && strings.Contains(err.Error(), base64.StdEncoding.EncodeToString(b)[:8]) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
	for range 2000 {
		k := NewKey()
		if weak(k.secret[:]) {
			t.Fatalf("a random key was called weak: %x", k.secret)
		}
	}
}

// TestKey_hidden: whoever prints a key prints its number.
func TestKey_hidden(t *testing.T) {
	k := NewKey()
	raw := hex.EncodeToString(k.secret[:])
	text, err := json.Marshal(map[string]any{"k": k, "p": &k})
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{string(text), fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %x %s %d %q", k, k, k, k, k, k, k), fmt.Sprintf("%x %v", struct{ K Key }{k}, &k)} {
		if strings.Contains(got, raw[:12]) || strings.Contains(got, fmt.Sprint(k.secret[0], " ", k.secret[1], " ", k.secret[2])) || !strings.Contains(got, k.ID()) {
			t.Errorf("%s", got)
		}
	}
}

func TestReadKeyFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "master.key")
	k, err := CreateKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if got, err := ReadKeyFile(path); err != nil || got != k {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := CreateKeyFile(path); err == nil {
		t.Error("a key was overwritten")
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o644, 0o660} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadKeyFile(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("%v: %v", mode, err)
		}
	}
	if _, err := ReadKeyFile(filepath.Join(dir, "none")); err == nil {
		t.Error("no file")
	}
	if _, err := ReadKeyFile(dir); err == nil {
		t.Error("a folder")
	}
}

func TestKeyFromCommand(t *testing.T) {
	ctx := context.Background()
	k := NewKey()
	path := filepath.Join(t.TempDir(), "the key")
	if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(k.secret[:])), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := KeyFromCommand(ctx, `cat "`+path+`"`); err != nil || got != k {
		t.Errorf("%v, %v", got, err)
	}
	canary := "plb_" + strings.Repeat("a1B2", 8)
	for name, line := range map[string]string{"empty": " ", "quote": `cat "x`, "none": "/no/such/program", "fails": "false", "no key": "echo hello", "shell": "cat " + path + "; true",
		"talks": `sh -c "echo ` + canary + ` >&2; exit 1"`} {
		if _, err := KeyFromCommand(ctx, line); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
	short, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := KeyFromCommand(short, "sleep 60"); err == nil {
		t.Error("it waited")
	}
}

func TestSplit(t *testing.T) {
	got, err := split(`aws kms decrypt  --ciphertext-blob 'fileb://a b' --query "Plain""text" ''`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"aws", "kms", "decrypt", "--ciphertext-blob", "fileb://a b", "--query", "Plaintext", ""}, got); diff != "" {
		t.Error(diff)
	}
}
