package api_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/audit"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/server"
	"plumbline.dev/plumbline/store"
)

// TestAudit: what an administrator sees of the log, proves and takes along, on both engines.
func TestAudit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		log, err := s.AuditLog(ctx, seal.NewRing(seal.NewKey()), "plumbline.example.com/audit")
		if err != nil {
			t.Fatal(err)
		}
		c := &client{t: t, who: access.Subject{Kind: "person", ID: 7, Name: "ada@example.org", Organisation: 1, Role: access.Administrator}}
		c.handler = server.New(server.Options{Store: s, Audit: log, Log: slog.New(slog.DiscardHandler), Authenticate: func(*http.Request) (access.Subject, error) { return c.who, nil }}).Handler
		for i := range 12 {
			e := store.Entry{Organisation: store.ID(1 + i%2), Actor: "person:7 ada@example.org", Action: "finding.mute", Object: fmt.Sprintf("finding:%d x", i), Data: map[string]any{"reason": "false-positive"}, Request: "r"}
			if err := s.Write(ctx, e, func(context.Context, *store.Tx) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		var page struct {
			Items []struct {
				Sequence int64
				Action   string
				Actor    struct{ Kind, ID, Name string }
				Data     map[string]string
			}
			Next string
		}
		var seen []int64
		next := ""
		for range 10 {
			c.call("GET", "/api/audit?limit=2&action=finding.&cursor="+next, nil, 200, &page)
			for _, r := range page.Items {
				seen = append(seen, r.Sequence)
				if r.Actor.Name != "ada@example.org" || r.Data["reason"] != "false-positive" {
					t.Errorf("%+v", r)
				}
			}
			if next = page.Next; next == "" {
				break
			}
		}
		if fmt.Sprint(seen) != "[11 9 7 5 3 1]" {
			t.Errorf("%v", seen)
		}
		c.call("GET", "/api/audit?cursor=x", nil, 422, nil)
		c.call("GET", "/api/audit?limit=501", nil, 422, nil)

		var state struct {
			Key, Checkpoint string
			Size            int64
		}
		c.call("GET", "/api/audit/log", nil, 200, &state)
		if _, err := audit.OpenCheckpoint([]byte(state.Checkpoint), state.Key, nil); err != nil || state.Key != log.Public || state.Size != 13 {
			t.Errorf("%+v %v", state, err)
		}
		var proof struct {
			Record, Checkpoint string
			Hashes             []string
		}
		c.call("GET", "/api/audit/5/proof", nil, 200, &proof)
		at, err := audit.OpenCheckpoint([]byte(proof.Checkpoint), log.Public, nil)
		if err != nil {
			t.Fatal(err)
		}
		var hashes []tlog.Hash
		for _, h := range proof.Hashes {
			b, err := base64.StdEncoding.DecodeString(h)
			if err != nil {
				t.Fatal(err)
			}
			hashes = append(hashes, tlog.Hash(b))
		}
		if err := audit.CheckInclusion(hashes, at.Checkpoint, 5, audit.Leaf([]byte(proof.Record))); err != nil {
			t.Error(err)
		}
		c.call("GET", "/api/audit/6/proof", nil, 404, nil)
		c.call("GET", "/api/audit/600/proof", nil, 404, nil)

		text := c.call("POST", "/api/audit/export", nil, 200, nil)
		r, err := audit.Verify(strings.NewReader(text), audit.Trust{Key: log.Public, Checkpoints: [][]byte{[]byte(state.Checkpoint)}})
		if err != nil || r.Records != 14 || r.Withheld != 7 || !strings.Contains(text, `"action":"audit.export"`) {
			t.Errorf("%+v, %v", r, err)
		}

		for _, who := range []access.Subject{
			{}, {Kind: "person", ID: 8, Organisation: 1, Role: access.Maintainer}, {Kind: "person", ID: 8, Organisation: 1, Teams: map[int64]access.Role{1: access.Administrator}},
		} {
			c.who = who
			want := 403
			if who.Kind == "" {
				want = 401
			}
			for _, path := range []string{"GET /api/audit", "GET /api/audit/log", "GET /api/audit/5/proof", "POST /api/audit/export"} {
				method, path, _ := strings.Cut(path, " ")
				c.call(method, path, nil, want, nil)
			}
		}
	})
}
