// Package signin finds out who somebody is: by a one-time link, a passkey, a password with the code of an app, a provider of
// OpenID Connect; by a token of the API or an identity token of CI. What they may do is not its business.
//
// It fails closed, tells nobody whether an account exists, and keeps no secret where it could be read: tickets, tokens and codes
// are hashed, secrets that are needed again are sealed.
package signin

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/store"
)

// Limits of time.
const (
	idle      = 12 * time.Hour     // a session that is not used ends
	lifetime  = 7 * 24 * time.Hour // a session ends however much it is used
	pending   = 10 * time.Minute   // to finish signing in
	ticketFor = 30 * time.Minute   // links of the command line
	inviteFor = 3 * 24 * time.Hour // links that administrators hand on
	touch     = time.Minute        // how exactly it is known when a session was used
	grace     = 10 * time.Second   // for requests under way when a cookie changes because rights did
)

// Options is what a Service works with.
type Options struct {
	Store *store.Store
	Log   *slog.Logger
	URL   string // by which people reach the server: https://plumbline.example.org, without a path; "" is http and the host they ask for
	Now   func() time.Time
	Seal  *seal.Ring     // of secrets that are needed again; nil refuses what needs one
	Hosts outbound.Hosts // where issuers of OpenID Connect may be
}

// Service signs people in. It is safe for use by several goroutines.
type Service struct {
	Options
	base     string // scheme and host; "" when no address was given
	sessions *scs.SessionManager
	issuers  *issuers
	guesses  throttle // of tokens, by network

	addresses throttle      // failures to sign in, by network
	accounts  throttle      // by account
	pairs     throttle      // by both
	turns     chan struct{} // to hash a password
}

// New makes a Service. Over https the cookie has the prefix __Host-, so that no other site of the domain can set it.
func New(o Options) (*Service, error) {
	base, err := url.Parse(o.URL)
	if o.URL != "" && (err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || strings.Trim(base.Path, "/") != "") {
		return nil, fmt.Errorf("%q is not the address of the server: write https://plumbline.example.org, without a path", o.URL)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{Options: o, issuers: newIssuers(o.Hosts), guesses: throttle{burst: 20, interval: 3 * time.Second},
		addresses: throttle{burst: 20, interval: 20 * time.Second}, accounts: throttle{burst: 30, interval: time.Minute},
		pairs: throttle{burst: 5, interval: time.Minute}, turns: make(chan struct{}, argonAtOnce)}
	if o.URL != "" {
		s.base = base.Scheme + "://" + base.Host
	}
	m := scs.New()
	m.Store, m.Codec, m.HashTokenInStore = &sessionStore{s}, codec{}, false
	m.Lifetime = pending
	m.Cookie.Name, m.Cookie.HttpOnly, m.Cookie.SameSite = "plumbline", true, http.SameSiteLaxMode
	if strings.HasPrefix(s.base, "https:") {
		m.Cookie.Name, m.Cookie.Secure = "__Host-plumbline", true
	}
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		s.Log.ErrorContext(r.Context(), "session", "error", err)
		Refuse(w, http.StatusServiceUnavailable, "The server cannot tell who you are at the moment. Try again.")
	}
	s.sessions = m
	return s, nil
}

// visit is what is known of the request at hand.
type visit struct {
	address string
	agent   string
	base    string         // scheme and host by which the server was reached
	session *store.Session // nil when it has none
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

// Middleware gives requests their session, and answers their cookie. Files have no need of one, requests that show a token have none.
func (s *Service) Middleware(next http.Handler) http.Handler {
	within := s.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.keep(r.Context()); err != nil {
			s.sessions.ErrorFunc(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{agent: clip(r.UserAgent(), 200), base: s.base}
		if v.base == "" {
			v.base = cmp.Or(r.URL.Scheme, "http") + "://" + r.Host // the scheme is there when a proxy that is trusted says so
		}
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
			v.address = host
		}
		r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
		if !strings.HasPrefix(r.URL.Path, "/api/") && !strings.HasPrefix(r.URL.Path, "/signin/") {
			next.ServeHTTP(w, r)
			return
		}
		if r.Header.Get("Authorization") != "" {
			// A token is who it says, whatever the browser is. What signs in needs a session all the same: an empty one, which is kept nowhere.
			r.Header.Del("Cookie")
		}
		if _, err := r.Cookie(s.sessions.Cookie.Name); err == nil && unsafe(r) && r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "" {
			Refuse(w, http.StatusForbidden, "A change by a browser says from which page it comes, and this one does not. Programs send a token as Authorization: Bearer.")
			return
		}
		within.ServeHTTP(w, r)
	})
}

// unsafe tells whether a request may change something.
func unsafe(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
}

// keep notes that a session is used, and changes its cookie when the rights of its person have changed.
func (s *Service) keep(ctx context.Context) error {
	v := visitOf(ctx)
	if v.session == nil {
		return nil
	}
	if v.session.Renew {
		if err := s.sessions.RenewToken(context.WithValue(ctx, graceKey{}, true)); err != nil {
			return err
		}
		return nil
	}
	if now := store.MillisOf(s.Now()); now-v.session.SeenAt > millis(touch) {
		return s.Store.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.TouchSession(ctx, v.session.Hash) })
	}
	return nil
}

// Authenticate says who sends a request: the zero Subject for nobody.
func (s *Service) Authenticate(r *http.Request) (access.Subject, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		return s.bearer(r.Context(), header)
	}
	v := visitOf(r.Context()).session
	if v == nil || v.Person == 0 {
		return access.Subject{}, nil
	}
	return s.Store.Subject(r.Context(), v.Organisation, v.Person)
}

// start makes the request's session one of somebody: the cookie is a new one, and nothing of before is kept.
func (s *Service) start(ctx context.Context, organisation, person store.ID, method string) error {
	if err := s.sessions.RenewToken(ctx); err != nil {
		return err
	}
	if err := s.sessions.Clear(ctx); err != nil {
		return err
	}
	s.sessions.SetDeadline(ctx, s.Now().Add(lifetime).UTC())
	s.sessions.Put(ctx, "person", person.String())
	s.sessions.Put(ctx, "organisation", organisation.String())
	s.sessions.Put(ctx, "method", method)
	s.sessions.Put(ctx, "since", store.MillisOf(s.Now()).Time().Format(time.RFC3339Nano))
	return nil
}

// End signs the request's person out of this browser.
func (s *Service) End(ctx context.Context, entry store.Entry) error {
	v := visitOf(ctx).session
	if v == nil {
		return nil
	}
	if v.Person != 0 {
		err := s.Store.Write(ctx, entry, func(ctx context.Context, tx *store.Tx) error { return tx.EndSession(ctx, v.Hash, 0) })
		if err != nil {
			return err
		}
	}
	return s.sessions.Destroy(ctx)
}

// Current is the session of the request, nil when it has none.
func (s *Service) Current(ctx context.Context) *store.Session { return visitOf(ctx).session }

// Hash is how something with 256 random bits is kept.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// random returns 256 random bits as text.
func random() string { return rand.Text() + rand.Text() }

func millis(d time.Duration) store.Millis { return store.Millis(d.Milliseconds()) }

// clip cuts a text of strangers, without breaking a character.
func clip(text string, n int) string {
	if len(text) > n {
		text = text[:n]
	}
	return strings.ToValidUTF8(text, "")
}

// Refuse answers with problem details, as operations do, where a request does not reach one.
func Refuse(w http.ResponseWriter, status int, text string) {
	body, err := json.Marshal(map[string]any{"title": http.StatusText(status), "status": status, "detail": text})
	if err != nil {
		http.Error(w, text, status)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // whoever asked is gone when this fails
}
