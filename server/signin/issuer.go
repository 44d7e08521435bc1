package signin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/store"
)

// algorithms are the signatures that are believed: public keys only, so that nobody signs with what everybody knows.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// issuers knows where issuers of OpenID Connect have their keys, as they say themselves.
type issuers struct {
	hosts outbound.Hosts
	http  *http.Client

	mu    sync.Mutex
	known map[string]issuer
}

type issuer struct {
	provider *oidc.Provider
	err      error
	at       time.Time
}

// Discovery is asked for again after a day, or half a minute when it failed; a server knows a thousand issuers at most.
const (
	discoveryKept   = 24 * time.Hour
	discoveryFailed = 30 * time.Second
	maxIssuers      = 1000
	maxAnswer       = 1 << 20 // bytes
)

func newIssuers(hosts outbound.Hosts) *issuers {
	transport := &http.Transport{DialContext: hosts.Dial, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true}
	return &issuers{hosts: hosts, known: map[string]issuer{}, http: &http.Client{Transport: bounded{transport}, Timeout: 15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("an issuer does not redirect") }}}
}

// bounded cuts answers that are too long.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	w, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	w.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(w.Body, maxAnswer), w.Body}
	return w, nil
}

// check refuses what cannot be the address of an issuer that may be asked.
func (i *issuers) check(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(address) > 500 || u.Scheme != "https" && u.Scheme != "http" {
		return store.Refuse(store.Invalid, "%.200q is not the address of an issuer: write https://login.example.org", seal.Redact(address))
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	if u.Scheme == "http" && !i.hosts.Named(u.Hostname(), port) {
		return store.Refuse(store.Invalid, "The issuer %.200s speaks without encryption: write https://…, or have the server allow the host by name.", address)
	}
	if err := i.hosts.Check(u.Hostname(), port); err != nil {
		return store.Refuse(store.Invalid, "The issuer cannot be asked: %v.", err)
	}
	return nil
}

// provider returns what an issuer says about itself.
func (i *issuers) provider(ctx context.Context, address string, now time.Time) (*oidc.Provider, error) {
	if err := i.check(address); err != nil {
		return nil, err
	}
	i.mu.Lock()
	known, ok := i.known[address]
	i.mu.Unlock()
	if ok && (known.err == nil && now.Sub(known.at) < discoveryKept || known.err != nil && now.Sub(known.at) < discoveryFailed) {
		return known.provider, known.err
	}
	// The provider keeps the context for fetching keys later, so it must outlive the request; the client limits the time.
	provider, err := oidc.NewProvider(i.client(context.WithoutCancel(ctx)), address)
	if err != nil {
		err = fmt.Errorf("ask the issuer %s about itself: %w", address, err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.known) >= maxIssuers {
		clear(i.known)
	}
	i.known[address] = issuer{provider, err, now}
	return provider, err
}

// client is a context in which oauth2 and oidc use the guarded client.
func (i *issuers) client(ctx context.Context) context.Context { return oidc.ClientContext(ctx, i.http) }

// CheckIssuer refuses what cannot be the address of an issuer that may be asked.
func (s *Service) CheckIssuer(address string) error { return s.issuers.check(address) }
