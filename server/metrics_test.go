package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/store"
)

func watched(t *testing.T, s *store.Store, change func(*Options)) *Server {
	t.Helper()
	o := Options{Store: s, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Version: "1.2.3", Data: t.TempDir(), MetricsToken: "letmein-letmein",
		Authenticate: func(*http.Request) (access.Subject, error) { return access.Subject{}, nil }}
	if change != nil {
		change(&o)
	}
	return New(o)
}

func ask(s *Server, path, from string, headers ...string) (int, string) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = from
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

const here, elsewhere = "127.0.0.1:1", "203.0.113.7:1"

// TestMetrics: the numbers are those of the database and of the requests, on both engines.
func TestMetrics(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		ctx := context.Background()
		err := db.Write(ctx, store.Entry{Actor: "system", Action: "test"}, func(ctx context.Context, tx *store.Tx) error {
			for _, q := range []string{
				"INSERT INTO organisation (id, name, revision, created_at) VALUES (1, 'secret-name', 0, 0)",
				"INSERT INTO repository (id, organisation, name, address, created_at) VALUES (1, 1, 'secret-name', '', 0)",
				"INSERT INTO branch (id, repository, name, head, head_at) VALUES (1, 1, 'main', '', 0)",
				"INSERT INTO scan (id, repository, branch, kind, state, started_at, ended_at, commits) VALUES (1, 1, 1, 'commit', 'done', 1000, 3500, 12), (2, 1, 1, 'commit', 'done', 1000, 2000, 3)",
			} {
				if _, err := tx.NewRaw(q).Exec(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		s := watched(t, db, nil)
		for range 3 {
			ask(s, "/api/session", elsewhere)
		}
		ask(s, "/api/findings/secret-id/none", elsewhere)
		code, out := ask(s, "/metrics", here)
		if code != http.StatusOK {
			t.Fatal(code, out)
		}
		for _, want := range []string{
			`plumbline_build_info{go=`, `version="1.2.3"} 1`, `plumbline_http_requests_total{code="401",method="GET",route="/api/session"} 3`,
			`plumbline_http_request_seconds_count{method="GET",route="/api/session"} 3`, `plumbline_audit_records 1`, `plumbline_database_up 1`,
			`plumbline_scans_total{kind="commit",state="done"} 2`, `plumbline_scan_commits_total{kind="commit",state="done"} 15`, `plumbline_scan_seconds_total{kind="commit",state="done"} 3.5`,
			`plumbline_processes{kind="command"} 1`, "plumbline_database_bytes", "plumbline_database_connections", "process_resident_memory_bytes", "go_goroutines",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%s is missing", want)
			}
		}
		if strings.Contains(out, "secret") {
			t.Error("names are in the metrics")
		}
	})
}

// TestMetrics_guarded: metrics are for this machine or for those with the token; a proxy on this machine is not this machine.
func TestMetrics_guarded(t *testing.T) {
	s := watched(t, storetest.Open(t, storetest.Address(t, store.SQLite)), nil)
	none := watched(t, nil, func(o *Options) { o.MetricsToken = "" })
	for _, c := range []struct {
		s       *Server
		from    string
		headers []string
		want    int
	}{
		{s, here, nil, 200}, {s, "[::1]:9", nil, 200}, {s, "[::ffff:127.0.0.1]:9", nil, 200}, {s, elsewhere, nil, 401}, {s, "10.0.0.1:1", nil, 401}, {s, "", nil, 401},
		{s, here, []string{"X-Forwarded-For", "203.0.113.9"}, 401}, {s, here, []string{"Forwarded", "for=x"}, 401}, {s, here, []string{"Via", "1.1 x"}, 401},
		{s, elsewhere, []string{"X-Forwarded-For", "127.0.0.1"}, 401},
		{s, elsewhere, []string{"Authorization", "Bearer letmein-letmein"}, 200}, {s, elsewhere, []string{"Authorization", "Bearer letmein"}, 401},
		{s, here, []string{"Authorization", "Bearer wrong"}, 401}, {none, elsewhere, []string{"Authorization", "Bearer "}, 401}, {none, here, nil, 200},
	} {
		if code, _ := ask(c.s, "/metrics", c.from, c.headers...); code != c.want {
			t.Errorf("from %s with %v: %d, want %d", c.from, c.headers, code, c.want)
		}
	}
	for _, method := range []string{"BREW", "X1", "X2"} {
		r := httptest.NewRequest(method, "/api/session", nil)
		s.Handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	if _, out := ask(s, "/metrics", here); strings.Contains(out, "BREW") || !strings.Contains(out, `method="other"`) {
		t.Error("whoever asks can make time series")
	}
}

// TestReady: each thing that is wrong makes the server not ready, and what is wrong is told to this machine only.
func TestReady(t *testing.T) {
	ctx := context.Background()
	ready := func(s *Server, from string) (int, map[string]check) {
		t.Helper()
		code, out := ask(s, "/readyz", from)
		var b struct{ Checks []check }
		if err := json.Unmarshal([]byte(out), &b); err != nil {
			t.Fatal(err, out)
		}
		m := map[string]check{}
		for _, c := range b.Checks {
			m[c.Name] = c
		}
		return code, m
	}
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		ring := seal.NewRing(seal.NewKey())
		if err := db.CheckKey(ctx, ring); err != nil {
			t.Fatal(err)
		}
		if code, c := ready(watched(t, db, func(o *Options) { o.Keys = ring }), here); code != 200 || len(c) != 5 {
			t.Errorf("%d %+v", code, c)
		}
		wrong := watched(t, db, func(o *Options) { o.Keys = seal.NewRing(seal.NewKey()) })
		if code, c := ready(wrong, here); code != 503 || c["master key"].OK || c["master key"].Why == "" || !c["database"].OK {
			t.Errorf("another key: %d %+v", code, c)
		}
		if code, c := ready(wrong, elsewhere); code != 503 || c["master key"].OK || c["master key"].Why != "" {
			t.Errorf("a stranger: %d %+v", code, c)
		}
		if code, c := ready(watched(t, db, func(o *Options) { o.Data = "/no/such/folder" }), here); code != 503 || c["disk"].OK {
			t.Errorf("no disk: %d %+v", code, c)
		}
		if err := db.MigrateTo(ctx, 1); err != nil {
			t.Fatal(err)
		}
		if code, c := ready(watched(t, db, nil), here); code != 503 || c["migrations"].OK || !c["database"].OK {
			t.Errorf("old tables: %d %+v", code, c)
		}
	})
	closed, err := store.Open(ctx, store.Options{Address: storetest.Address(t, store.SQLite), Kind: "command"})
	if err := errors.Join(err, closed.Close()); err != nil {
		t.Fatal(err)
	}
	s := watched(t, closed, nil)
	if code, c := ready(s, here); code != 503 || c["database"].OK {
		t.Errorf("no database: %d %+v", code, c)
	}
	if code, _ := ask(s, "/healthz", elsewhere); code != 200 {
		t.Errorf("a process that lives: %d", code)
	}
	t.Setenv("PATH", "")
	if code, c := ready(watched(t, nil, nil), here); code != 503 || c["git"].OK {
		t.Errorf("no git: %d %+v", code, c)
	}
}
