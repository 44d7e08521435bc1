package signin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/server"
	"plumbline.dev/plumbline/server/signin"
	"plumbline.dev/plumbline/store"
)

// house is a server of a test, with its clock, its log and its first administrator's link.
type house struct {
	t      *testing.T
	store  *store.Store
	people *signin.Service
	server *httptest.Server
	log    *bytes.Buffer
	clock  *clock
	link   string
}

// clock is a time that a test moves.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// open puts a server together on a database.
func open(t *testing.T, s *store.Store, o signin.Options) *house {
	t.Helper()
	h := &house{t: t, store: s, log: &bytes.Buffer{}, clock: &clock{}}
	s.Now = h.clock.now
	log := slog.New(slog.NewTextHandler(h.log, nil))
	o.Store, o.Log, o.Now = s, log, h.clock.now
	var err error
	if h.people, err = signin.New(o); err != nil {
		t.Fatal(err)
	}
	if h.link, err = h.people.Bootstrap(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.server = httptest.NewServer(server.New(server.Options{Store: s, Log: log, SignIn: h.people}).Handler)
	t.Cleanup(h.server.Close)
	return h
}

// browser keeps cookies by hand, so that tests can steal them.
type browser struct {
	h      *house
	cookie *http.Cookie
	bearer string
	header http.Header // more or other headers
}

func (h *house) browser() *browser { return &browser{h: h} }

// answer is what came back.
type answer struct {
	status int
	body   string
	header http.Header
}

func (b *browser) do(method, path string, body any) answer {
	b.h.t.Helper()
	var r io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			b.h.t.Fatal(err)
		}
		r = bytes.NewReader(text)
	}
	q, err := http.NewRequest(method, b.h.server.URL+path, r)
	if err != nil {
		b.h.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Sec-Fetch-Site", "same-origin")
	if b.bearer != "" {
		q.Header.Set("Authorization", "Bearer "+b.bearer)
	}
	for k, v := range b.header {
		q.Header[k] = v
	}
	if b.cookie != nil {
		q.AddCookie(b.cookie)
	}
	w, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		b.h.t.Fatal(err)
	}
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		b.h.t.Fatal(err)
	}
	for _, c := range w.Cookies() {
		if b.cookie = c; c.MaxAge < 0 {
			b.cookie = nil
		}
	}
	return answer{w.StatusCode, string(text), w.Header}
}

// want does it and checks the status.
func (b *browser) want(status int, method, path string, body any) answer {
	b.h.t.Helper()
	a := b.do(method, path, body)
	if a.status != status {
		b.h.t.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.body, status)
	}
	return a
}

// redeem signs in by a link.
func (b *browser) redeem(link string) answer {
	b.h.t.Helper()
	_, ticket, _ := strings.Cut(link, "ticket=")
	return b.do("POST", "/api/session/link", map[string]string{"ticket": ticket})
}

// administrator is a browser in which the first administrator is signed in.
func (h *house) administrator() *browser {
	h.t.Helper()
	b := h.browser()
	if a := b.redeem(h.link); a.status != 204 {
		h.t.Fatalf("redeem: %d %s", a.status, a.body)
	}
	return b
}

// TestLink holds that a link signs in once, in time, and that its ticket is nowhere to be read.
func TestLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := open(t, s, signin.Options{})
		ada := h.browser()
		ada.want(401, "GET", "/api/session", nil)
		if a := ada.redeem("x?ticket=guess"); a.status != 422 {
			t.Errorf("a guess: %d %s", a.status, a.body)
		}
		if a := ada.redeem(h.link); a.status != 204 {
			t.Fatalf("the link: %d %s", a.status, a.body)
		}
		if a := ada.want(200, "GET", "/api/session", nil); !strings.Contains(a.body, `"role":"administrator"`) {
			t.Errorf("signed in as %s", a.body)
		}
		if a := h.browser().redeem(h.link); a.status != 422 {
			t.Errorf("the link a second time: %d %s", a.status, a.body)
		}
		if link, err := h.people.Bootstrap(context.Background()); err != nil || link != "" {
			t.Errorf("a link after somebody signed in: %q, %v", link, err)
		}
		late, err := h.people.AdministratorLink(context.Background(), "grace@example.org")
		if err != nil {
			t.Fatal(err)
		}
		h.clock.pass(31 * time.Minute)
		if a := h.browser().redeem(late); a.status != 422 {
			t.Errorf("a link after half an hour: %d %s", a.status, a.body)
		}
		_, ticket, _ := strings.Cut(h.link, "ticket=")
		if strings.Contains(h.log.String(), ticket) || strings.Contains(dump(t, s), ticket) || strings.Contains(dump(t, s), ada.cookie.Value) {
			t.Error("a ticket or a cookie can be read in the log or the database")
		}
	})
}

// dump is everything in the tables that could hold a secret.
func dump(t *testing.T, s *store.Store) string {
	t.Helper()
	var out strings.Builder
	for _, table := range []string{"audit_record", "session", "ticket", "password", "recovery_code", "passkey", "provider", "token", "trust", "person"} {
		rows, err := s.DB.QueryContext(context.Background(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		names, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(names))
			for i := range values {
				values[i] = new([]byte)
			}
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				out.Write(*v.(*[]byte))
				out.WriteByte('\n')
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// TestSession holds what a session is: a new cookie at each sign-in, that ends when idle, when old, and when signed out.
func TestSession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := open(t, s, signin.Options{})
		victim := h.browser()
		victim.cookie = &http.Cookie{Name: "plumbline", Value: "planted"}
		if a := victim.redeem(h.link); a.status != 204 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if victim.cookie.Value == "planted" {
			t.Error("a cookie that was there before signing in is still used")
		}
		if c := victim.cookie; !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("cookie %v", c)
		}
		thief := h.browser()
		thief.cookie = &http.Cookie{Name: "plumbline", Value: "planted"}
		thief.want(401, "GET", "/api/session", nil)

		before := victim.cookie.Value
		link, err := h.people.AdministratorLink(context.Background(), "")
		if err != nil {
			t.Fatal(err)
		}
		if a := victim.redeem(link); a.status != 204 || victim.cookie.Value == before {
			t.Errorf("signing in again kept the cookie (%d)", a.status)
		}
		thief.cookie = &http.Cookie{Name: "plumbline", Value: before}
		thief.want(401, "GET", "/api/session", nil)

		h.clock.pass(11 * time.Hour)
		victim.want(200, "GET", "/api/session", nil)
		h.clock.pass(11 * time.Hour)
		victim.want(200, "GET", "/api/session", nil)
		h.clock.pass(13 * time.Hour)
		victim.want(401, "GET", "/api/session", nil)

		b := h.browser()
		if link, err = h.people.AdministratorLink(context.Background(), ""); err != nil {
			t.Fatal(err)
		}
		b.redeem(link)
		for range 16 { // used all the time
			h.clock.pass(10 * time.Hour)
			b.want(200, "GET", "/api/session", nil)
		}
		h.clock.pass(9 * time.Hour)
		b.want(401, "GET", "/api/session", nil)

		if link, err = h.people.AdministratorLink(context.Background(), ""); err != nil {
			t.Fatal(err)
		}
		b.redeem(link)
		stolen := *b.cookie
		b.want(204, "DELETE", "/api/session", nil)
		thief.cookie = &stolen
		thief.want(401, "GET", "/api/session", nil)
	})
}

// TestClockJumps lets the clock go a day back and a day on. Nobody is locked out, and what has ended does not come back. (Guesses are
// counted by the clock that only goes on.)
func TestClockJumps(t *testing.T) {
	const day = 24 * time.Hour
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := open(t, s, signin.Options{})
		link := func() string {
			t.Helper()
			l, err := h.people.AdministratorLink(context.Background(), "")
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		b := h.browser()
		b.redeem(h.link)
		h.clock.pass(-day)
		b.want(200, "GET", "/api/session", nil)
		second := h.browser()
		if a := second.redeem(link()); a.status != 204 {
			t.Errorf("a link made while the clock is back: %d %s", a.status, a.body)
		}
		second.want(200, "GET", "/api/session", nil)

		h.clock.pass(2 * day)
		b.want(401, "GET", "/api/session", nil)
		second.want(401, "GET", "/api/session", nil)
		h.clock.pass(-day)
		b.want(401, "GET", "/api/session", nil)
		second.want(401, "GET", "/api/session", nil)

		old := link()
		h.clock.pass(day)
		if a := h.browser().redeem(old); a.status == 204 {
			t.Error("a link of yesterday signs in")
		}
	})
}

// TestCookieHTTPS holds that over https nobody but this very host can set the cookie, and that it never goes over http.
func TestCookieHTTPS(t *testing.T) {
	h := open(t, storetest.Open(t, storetest.Address(t, store.SQLite)), signin.Options{URL: "https://plumbline.example.org"})
	b := h.administrator()
	if c := b.cookie; c.Name != "__Host-plumbline" || !c.Secure || c.Path != "/" || c.Domain != "" || !c.HttpOnly {
		t.Errorf("cookie %v", c)
	}
	for _, url := range []string{"plumbline.example.org", "ftp://a", "https://a/path", "https://", "http://%zz"} {
		if _, err := signin.New(signin.Options{URL: url}); err == nil {
			t.Errorf("%s was taken as an address", url)
		}
	}
}

// TestForeignRequests holds that no other site makes a browser change something.
func TestForeignRequests(t *testing.T) {
	h := open(t, storetest.Open(t, storetest.Address(t, store.SQLite)), signin.Options{})
	b := h.administrator()
	kept := *b.cookie
	for _, c := range []struct {
		name   string
		header http.Header
		status int
	}{
		{"another site", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		{"another host of the site", http.Header{"Sec-Fetch-Site": {"same-site"}}, 403},
		{"an old browser, another origin", http.Header{"Sec-Fetch-Site": {}, "Origin": {"https://evil.example"}}, 403},
		{"no origin at all", http.Header{"Sec-Fetch-Site": {}}, 403},
		{"null origin", http.Header{"Sec-Fetch-Site": {}, "Origin": {"null"}}, 403},
		{"JSON called text", http.Header{"Content-Type": {"text/plain"}}, 415},
		{"JSON called a form", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, 415},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := h.browser()
			b.cookie, b.header = &kept, c.header
			if a := b.do("POST", "/api/session/link", map[string]string{"ticket": "x"}); a.status != c.status {
				t.Errorf("%d %s, want %d", a.status, a.body, c.status)
			}
		})
	}
}

// TestTokenAtSignIn holds that a token beside a ceremony of signing in breaks nothing: whoever sends one has an empty session.
func TestTokenAtSignIn(t *testing.T) {
	h := open(t, storetest.Open(t, storetest.Address(t, store.SQLite)), signin.Options{})
	b := h.browser()
	b.bearer = "plb_none"
	if a := b.do("GET", "/signin/callback?code=x&state=y", nil); a.status != 303 || a.header.Get("Location") != "/signin?problem=again" {
		t.Errorf("callback: %d %s", a.status, a.header.Get("Location"))
	}
	if a := b.do("POST", "/api/session/passkey/begin", nil); a.status >= 500 {
		t.Errorf("passkey: %d %s", a.status, a.body)
	}
	if a := b.redeem(h.link); a.status != 204 || b.cookie == nil {
		t.Errorf("a link: %d %s", a.status, a.body)
	}
}
