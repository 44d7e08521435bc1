package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/server"
	"plumbline.dev/plumbline/store"
)

// hall is a server with an organisation and people who are named in the header Who.
type hall struct {
	*testing.T
	*server.Server
	db  *store.Store
	org store.ID
}

func newHall(t *testing.T, db *store.Store, limits server.Limits) *hall {
	h := &hall{T: t, db: db, org: db.NewID()}
	h.do("INSERT INTO organisation (id, name, revision, created_at) VALUES (?, 'acme', 0, 1)", h.org)
	h.Server = server.New(server.Options{Store: db, Log: slog.New(slog.DiscardHandler), Limits: limits, Listen: "127.0.0.1:0",
		Authenticate: func(r *http.Request) (access.Subject, error) {
			who := r.Header.Get("Who")
			if who == "" {
				return access.Subject{}, nil
			}
			return access.Subject{Kind: "person", ID: int64(len(who)), Name: who, Organisation: int64(h.org), Role: access.Administrator}, nil
		}})
	return h
}

func (h *hall) do(query string, args ...any) {
	h.Helper()
	if err := h.db.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewRaw(query, args...).Exec(ctx)
		return err
	}); err != nil {
		h.Fatal(err)
	}
}

// ask sends a request; headers are "Name: value".
func (h *hall) ask(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for _, x := range headers {
		name, value, _ := strings.Cut(x, ": ")
		if name == "From" {
			r.RemoteAddr = value
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.Handler.ServeHTTP(w, r)
	return w
}

func TestRates(t *testing.T) {
	h := newHall(t, storetest.Open(t, storetest.Address(t, store.SQLite)), server.Limits{Address: server.Rate{Second: 0.001, Burst: 6}, Subject: server.Rate{Second: 0.001, Burst: 2}})
	for i, c := range []struct {
		who, from string
		status    int
	}{
		{"ada", "192.0.2.1:1", 200}, {"ada", "192.0.2.1:2", 200}, {"ada", "192.0.2.1:3", 429}, // somebody
		{"ada", "192.0.2.2:3", 429},                                                  // from elsewhere
		{"linus", "192.0.2.1:3", 200},                                                // somebody else
		{"", "192.0.2.1:3", 401}, {"", "192.0.2.1:3", 401}, {"", "192.0.2.1:3", 429}, // the address has enough
		{"", "[2001:db8::1]:3", 401}, {"", "[2001:db8::2]:3", 401}, {"", "[2001:db8::3]:3", 401}, {"", "[2001:db8::4]:3", 401}, {"", "[2001:db8::5]:3", 401}, {"", "[2001:db8::6]:3", 401},
		{"", "[2001:db8::7]:3", 429},   // the same network
		{"", "[2001:db8:1::1]:3", 401}, // another one
	} {
		w := h.ask("GET", "/api/session", "", "Who: "+c.who, "From: "+c.from)
		if w.Code != c.status || (c.status == 429) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("request %d of %q from %s: %d %s, want %d", i, c.who, c.from, w.Code, w.Header(), c.status)
		}
		if c.status == 429 && !strings.Contains(w.Body.String(), `"detail":"Too many`) {
			t.Errorf("%s", w.Body)
		}
	}
	if w := h.ask("GET", "/healthz", "", "From: 192.0.2.1:3"); w.Code != 200 {
		t.Errorf("health is limited: %d", w.Code)
	}
}

// TestProxies holds that limits and the audit log see the clients behind a proxy that is trusted, and the proxy of one that is not.
func TestProxies(t *testing.T) {
	h := newHall(t, storetest.Open(t, storetest.Address(t, store.SQLite)), server.Limits{Address: server.Rate{Second: 0.001, Burst: 2}})
	h.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for i, c := range []struct {
		from, client string
		status       int
	}{
		{"10.0.0.1:1", "203.0.113.1", 401}, {"10.0.0.2:1", "9.9.9.9, 203.0.113.1", 401}, {"10.0.0.1:1", "203.0.113.1", 429},
		{"10.0.0.1:1", "203.0.113.2", 401}, {"10.0.0.1:1", "203.0.113.2", 401}, {"10.0.0.1:1", "203.0.113.1, 203.0.113.2", 429},
		{"192.0.2.1:1", "203.0.113.3", 401}, {"192.0.2.1:1", "203.0.113.4", 401}, {"192.0.2.1:1", "203.0.113.5", 429},
	} {
		if w := h.ask("GET", "/api/session", "", "From: "+c.from, "X-Forwarded-For: "+c.client); w.Code != c.status {
			t.Errorf("request %d, of %s from %s: %d, want %d", i, c.client, c.from, w.Code, c.status)
		}
	}
	if w := h.ask("POST", "/api/repositories", `{"name":"a"}`, "Who: ada", "From: 10.0.0.1:1", "X-Forwarded-For: 10.1.1.1, 203.0.113.77"); w.Code != 201 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var record string
	if err := h.db.DB.NewRaw("SELECT record FROM audit_record ORDER BY sequence DESC LIMIT 1").Scan(context.Background(), &record); err != nil || !strings.Contains(record, "203.0.113.77") {
		t.Errorf("the audit log has %s, %v", record, err)
	}
	if w := h.ask("GET", "/metrics", "", "From: 10.0.0.1:1", "X-Forwarded-For: 127.0.0.1"); w.Code != 401 {
		t.Errorf("metrics for one who says to be this machine: %d", w.Code)
	}
}

// TestOnce holds that a POST with a key is done once.
func TestOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s, server.Limits{})
		const key = "Idempotency-Key: 0123456789abcdef"
		add := func(body string, headers ...string) *httptest.ResponseRecorder {
			return h.ask("POST", "/api/repositories", body, append([]string{"Who: ada"}, headers...)...)
		}
		first := add(`{"name":"a"}`, key)
		again := add(`{"name":"a"}`, key)
		if first.Code != 201 || again.Code != 201 || first.Body.String() != again.Body.String() || again.Header().Get("Idempotency-Replayed") != "true" || again.Header().Get("Content-Type") != first.Header().Get("Content-Type") {
			t.Errorf("%d %s\n%d %s", first.Code, first.Body, again.Code, again.Body)
		}
		for _, c := range []struct {
			name, body string
			headers    []string
			status     int
		}{
			{"another request under the key", `{"name":"b"}`, []string{key}, 422},
			{"somebody else's key", `{"name":"c"}`, []string{key, "Who: linus"}, 201},
			{"without a key", `{"name":"a"}`, nil, 409},
			{"what was refused may be tried again", `{"name":"a"}`, []string{"Idempotency-Key: conflict-conflict"}, 409},
			{"a mistake stays one", `{"name":""}`, []string{"Idempotency-Key: mistake-mistake-1"}, 422},
			{"a key that can be guessed", `{"name":"d"}`, []string{"Idempotency-Key: 1"}, 422},
			{"a key with a line end", `{"name":"d"}`, []string{"Idempotency-Key: 0123456789abcdef\n"}, 422},
		} {
			if w := add(c.body, c.headers...); w.Code != c.status {
				t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.status)
			}
		}
		h.do("DELETE FROM repository WHERE name = 'a'")
		if w := add(`{"name":"a"}`, "Idempotency-Key: conflict-conflict"); w.Code != 201 {
			t.Errorf("after the conflict: %d %s", w.Code, w.Body)
		}
		var wg sync.WaitGroup
		codes := make([]int, 12)
		for i := range codes {
			wg.Go(func() { codes[i] = add(`{"name":"many"}`, "Idempotency-Key: at-the-same-time-1").Code })
		}
		wg.Wait()
		var n int
		if err := s.DB.NewRaw("SELECT count(*) FROM repository WHERE name = 'many'").Scan(context.Background(), &n); err != nil || n != 1 {
			t.Errorf("%d rows of twelve equal requests, %v: %v", n, err, codes)
		}
		for _, code := range codes {
			if code != 201 && code != 409 {
				t.Errorf("codes %v", codes)
			}
		}
		var text string
		if err := s.DB.NewRaw("SELECT count(*) FROM idempotency WHERE CAST(answer AS TEXT) LIKE '%name%'").Scan(context.Background(), &text); s.Engine == store.SQLite && (err != nil || text != "0") {
			t.Errorf("answers can be read in the database: %s, %v", text, err)
		}
	})
}

// TestBodies holds that bodies that are too long or too slow end the request.
func TestBodies(t *testing.T) {
	h := newHall(t, storetest.Open(t, storetest.Address(t, store.SQLite)), server.Limits{Body: 11 << 20, Time: 300 * time.Millisecond})
	long := strings.Repeat(" ", 26<<20)
	if w := h.ask("POST", "/api/uploads?branch=main", long, "Who: ada"); w.Code != 413 {
		t.Errorf("26 MiB: %d", w.Code)
	}
	ready := make(chan string, 1)
	h.Ready = func(address string) { ready <- address }
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Server.Run(ctx) }()
	address := <-ready
	send := func(head string, body func(net.Conn)) string {
		t.Helper()
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, "POST /api/uploads?repository=x&branch=main HTTP/1.1\r\nHost: x\r\nWho: ada\r\n"+head+"\r\n")
		go body(conn)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil && err != io.EOF {
			return err.Error()
		}
		return line
	}
	start := time.Now()
	trickle := func(conn net.Conn) {
		for range 200 {
			if _, err := conn.Write([]byte("1\r\n \r\n")); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	if got := send("Transfer-Encoding: chunked\r\nIdempotency-Key: 0123456789abcdef\r\n", trickle); !strings.Contains(got, "408") {
		t.Errorf("a slow body: %s", got)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("a slow body held the server for %s", took)
	}
	flood := func(conn net.Conn) {
		chunk := "100000\r\n" + strings.Repeat(" ", 1<<20) + "\r\n"
		for range 30 {
			if _, err := conn.Write([]byte(chunk)); err != nil {
				return
			}
		}
	}
	if got := send("Transfer-Encoding: chunked\r\n", flood); !strings.Contains(got, "413") {
		t.Errorf("a body without a length: %s", got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestEvents holds that those who look are told of what they may see, also what they missed.
func TestEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s, server.Limits{})
		web := httptest.NewServer(h.Handler)
		defer web.Close()
		other, seen, hidden := s.NewID(), s.NewID(), s.NewID()
		h.do("INSERT INTO organisation (id, name, revision, created_at) VALUES (?, 'other', 0, 1)", other)
		h.do("INSERT INTO repository (id, organisation, name, address, created_at) VALUES (?, ?, 'seen', '', 1)", seen, h.org)
		h.do("INSERT INTO repository (id, organisation, name, address, created_at) VALUES (?, ?, 'hidden', '', 1)", hidden, other)
		tell := func(organisation, repository store.ID, kind string) {
			t.Helper()
			if err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
				return tx.Notify(ctx, store.Notice{Organisation: organisation, Repository: repository, Kind: kind}, nil)
			}); err != nil {
				t.Fatal(err)
			}
		}
		watch := func(last string) (next func() string, id func() string, leave func()) {
			t.Helper()
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			r, err := http.NewRequestWithContext(ctx, "GET", web.URL+"/api/events", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Who", "ada")
			r.Header.Set("Last-Event-ID", last)
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if got := answer.Header.Get("Content-Type"); got != "text/event-stream" {
				t.Fatalf("%d %s", answer.StatusCode, got)
			}
			lines := bufio.NewScanner(answer.Body)
			at := ""
			return func() string {
					for lines.Scan() {
						if v, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
							at = v
						}
						if v, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
							return v
						}
					}
					return "the end"
				}, func() string { return at }, func() {
					cancel()
					answer.Body.Close()
				}
		}
		next, id, leave := watch("")
		time.Sleep(50 * time.Millisecond)
		tell(other, hidden, "foreign")
		tell(h.org, hidden, "foreign") // a repository that is not of the organisation
		start := time.Now()
		tell(h.org, seen, "scans")
		if got := next(); got != "scans" {
			t.Fatalf("told of %s", got)
		}
		if took := time.Since(start); took > 900*time.Millisecond {
			t.Errorf("it took %s to be told in the same process", took)
		}
		last := id()
		leave()
		tell(h.org, 0, "rules")
		tell(h.org, seen, "jobs")
		next, _, leave = watch(last)
		defer leave()
		if a, b := next(), next(); a != "rules" || b != "jobs" {
			t.Errorf("after coming back: %s, %s", a, b)
		}
		// Another process tells by the database alone.
		h.do("INSERT INTO notice (id, organisation, repository, kind, data, at) VALUES (?, ?, 0, 'audit', '{}', ?)", s.NewID(), h.org, store.MillisOf(time.Now()))
		if got := next(); got != "audit" {
			t.Errorf("told of %s", got)
		}
		var leaves []func()
		for i := range 20 {
			if w := h.ask("GET", "/api/session", "", "Who: ada"); w.Code != 200 {
				t.Fatal(w.Code)
			}
			ctx, cancel := context.WithCancel(context.Background())
			r, _ := http.NewRequestWithContext(ctx, "GET", web.URL+"/api/events", nil)
			r.Header.Set("Who", "ada")
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, func() { cancel(); answer.Body.Close() })
			if answer.StatusCode == 429 {
				if i < 5 {
					t.Errorf("only %d windows may watch", i)
				}
				break
			}
			if i == 19 {
				t.Error("twenty windows of one person watch")
			}
		}
		for _, leave := range leaves {
			leave()
		}
	})
}
