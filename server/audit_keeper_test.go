package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plumbline.dev/plumbline/audit"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/store"
)

// witness is a fake of one, with the checks that the protocol asks of it.
type witness struct {
	sync.Mutex
	*audit.Witness
	log      string // public key of the log that it knows
	seen     audit.Checkpoint
	statuses []int
	redirect string
}

func (w *witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.Lock()
	defer w.Unlock()
	answer := func(status int, text string) {
		w.statuses = append(w.statuses, status)
		out.WriteHeader(status)
		io.WriteString(out, text)
	}
	if w.redirect != "" {
		http.Redirect(out, r, w.redirect, http.StatusTemporaryRedirect)
		return
	}
	body, _ := io.ReadAll(r.Body)
	head, signed, _ := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	c, err := audit.OpenCheckpoint([]byte(signed), w.log, nil)
	if err != nil || r.URL.Path != "/w/add-checkpoint" {
		answer(http.StatusForbidden, err.Error())
		return
	}
	if lines[0] != fmt.Sprintf("old %d", w.seen.Size) {
		answer(http.StatusConflict, fmt.Sprintf("%d\n", w.seen.Size))
		return
	}
	var proof []tlog.Hash
	for _, l := range lines[1:] {
		b, _ := base64.StdEncoding.DecodeString(l)
		proof = append(proof, tlog.Hash(b))
	}
	old := w.seen
	if old.Size > 0 {
		if err := audit.CheckConsistency(proof, old, c.Checkpoint); err != nil {
			answer(http.StatusUnprocessableEntity, err.Error())
			return
		}
	}
	text, _, _ := strings.Cut(signed, "\n\n")
	both, err := note.Sign(&note.Note{Text: text + "\n"}, w)
	if err != nil {
		answer(http.StatusInternalServerError, "")
		return
	}
	_, sig, _ := bytes.Cut(both, []byte("\n\n"))
	w.seen = c.Checkpoint
	answer(http.StatusOK, string(sig))
}

func TestAuditKeeper(t *testing.T) {
	ctx := context.Background()
	db := storetest.Open(t, storetest.Address(t, store.SQLite))
	log, err := db.AuditLog(ctx, seal.NewRing(seal.NewKey()), "plumbline.example.com/audit")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := audit.NewWitness("witness.example.com/w1", bytes.Repeat([]byte{3}, 32), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{Witness: signer, log: log.Public}
	srv := httptest.NewServer(w)
	defer srv.Close()
	given, err := ParseWitness(srv.URL + "/w " + signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(srv.URL, "http://")
	named, err := outbound.Parse([]string{address}, "--outbound-hosts")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	k := &AuditKeeper{Log: log, Store: db, Logger: slog.New(slog.NewTextHandler(&out, nil)), Witnesses: []Witness{given}, Hosts: named}
	grow := func() {
		t.Helper()
		if err := db.Write(ctx, store.Entry{Actor: "system", Action: "test"}, func(context.Context, *store.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	state := func() store.WitnessState {
		t.Helper()
		all, err := db.Witnesses(ctx)
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		return all[0]
	}
	for range 3 {
		grow()
		k.round(ctx)
	}
	k.round(ctx) // nothing new: nobody is asked
	if got := fmt.Sprint(w.statuses); got != "[200 200 200]" || state().Size != w.seen.Size || state().Problem != "" {
		t.Errorf("%s %+v\n%s", got, state(), out.String())
	}

	// The witness has seen another part of the log than this database remembers: it says which, and is asked from there.
	if err := log.WitnessFailed(ctx, given.Key, 1, "forgotten"); err != nil {
		t.Fatal(err)
	}
	grow()
	k.round(ctx)
	if got := fmt.Sprint(w.statuses[3:]); got != "[409 200]" || state().Problem != "" {
		t.Errorf("%s %+v", got, state())
	}
	log.Witness = []string{given.Key}
	var export bytes.Buffer
	if err := log.Export(ctx, &export, 0); err != nil {
		t.Fatal(err)
	}
	if r, err := audit.Verify(&export, audit.Trust{Key: log.Public}); err != nil || len(r.Cosigned) != 1 || r.Cosigned[0].Size != w.seen.Size {
		t.Errorf("%+v, %v", r, err)
	}

	// A witness that has seen what this log never had: that is said, and not covered up.
	w.seen.Root[0] ^= 1
	grow()
	k.round(ctx)
	if s := state(); !strings.Contains(s.Problem, "422") {
		t.Errorf("%+v", s)
	}
	w.redirect = "http://169.254.169.254/latest/meta-data"
	k.round(ctx)
	if s := state(); !strings.Contains(s.Problem, "307") {
		t.Errorf("a redirection was followed: %+v", s)
	}
	public, err := outbound.Parse(nil, "--outbound-hosts")
	if err != nil {
		t.Fatal(err)
	}
	before := len(w.statuses)
	for _, a := range []string{srv.URL, strings.Replace(srv.URL, "http:", "https:", 1), "https://169.254.169.254", "https://[::ffff:127.0.0.1]:1", "https://localhost:" + address[strings.LastIndex(address, ":")+1:]} {
		closed := &AuditKeeper{Log: log, Store: db, Logger: k.Logger, Hosts: public}
		if _, _, err := closed.post(ctx, Witness{Address: a, Key: given.Key}, []byte("x")); err == nil {
			t.Errorf("%s was reached", a)
		}
	}
	if len(w.statuses) != before {
		t.Error("a private address was spoken to")
	}
	for _, bad := range []string{"", "https://w.example.com", "w.example.com " + given.Key, "https://u:p@w.example.com " + given.Key, "file:///x " + given.Key} {
		if _, err := ParseWitness(bad); err == nil {
			t.Errorf("%q is no witness", bad)
		}
	}
}
