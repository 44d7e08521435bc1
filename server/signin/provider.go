package signin

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/store"
)

// SecretPlace is the row to which the sealed secret of a provider belongs.
func SecretPlace(provider store.ID) seal.Place {
	return seal.Place{Kind: "provider.secret", ID: provider.String()}
}

// journey is what is remembered of somebody while they are at a provider.
type journey struct {
	Provider store.ID `json:"provider"`
	State    string   `json:"state"`
	Nonce    string   `json:"nonce"`
	Verifier string   `json:"verifier"`
	Next     string   `json:"next"`
}

// journeyPlace is where a sealed journey belongs: the cookie that brought it.
var journeyPlace = seal.Place{Kind: "session.journey"}

// Mount adds the two addresses of the way to a provider and back, which browsers follow by themselves.
func (s *Service) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /signin/provider/{id}", func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, r, s.toProvider)
	})
	mux.HandleFunc("GET /signin/callback", func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, r, s.fromProvider)
	})
}

// answer sends the browser where do says; when that fails, back to the page of signing in with a word of what was wrong.
func (s *Service) answer(w http.ResponseWriter, r *http.Request, do func(*http.Request) (string, error)) {
	w.Header().Set("Cache-Control", "no-store")
	to, err := do(r)
	if err != nil {
		word := "provider"
		fault, ok := errors.AsType[*store.Fault](err)
		switch {
		case ok && fault.Kind == store.Forbidden:
			word = "refused"
		case ok && fault.Kind == store.Limited:
			word = "slow"
		case ok && fault.Kind == store.Conflict:
			word = "again"
		}
		s.Log.WarnContext(r.Context(), "sign-in by a provider failed", "error", seal.Redact(err.Error()))
		to = "/signin?problem=" + word
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// config is the client that we are at a provider.
func (s *Service) config(ctx context.Context, p *store.Provider) (*oauth2.Config, *oidc.Provider, error) {
	if s.Seal == nil {
		return nil, nil, store.Refuse(store.Conflict, "This server has no master key, so it cannot open the secret of the provider.")
	}
	at, err := s.issuers.provider(ctx, p.Issuer, s.Now())
	if err != nil {
		return nil, nil, err
	}
	secret, err := s.Seal.Open(p.Secret, SecretPlace(p.ID))
	if err != nil {
		return nil, nil, fmt.Errorf("open the secret of the provider %s: %w", p.ID, err)
	}
	return &oauth2.Config{ClientID: p.Client, ClientSecret: string(secret), Endpoint: at.Endpoint(), RedirectURL: visitOf(ctx).base + "/signin/callback",
		Scopes: append([]string{oidc.ScopeOpenID, "profile", "email"}, strings.Fields(p.Scopes)...)}, at, nil
}

// toProvider begins a journey and returns the address to go to.
func (s *Service) toProvider(r *http.Request) (string, error) {
	ctx := r.Context()
	var id store.ID
	if err := id.UnmarshalText([]byte(r.PathValue("id"))); err != nil {
		return "", store.Refuse(store.NotFound, "There is no such provider.")
	}
	if from := network(visitOf(ctx).address); !s.addresses.open(from, s.Now()) {
		return "", errSlow()
	}
	p, err := s.Store.Provider(ctx, 0, id)
	if err != nil {
		return "", err
	}
	config, _, err := s.config(ctx, p)
	if err != nil {
		return "", err
	}
	j := journey{Provider: id, State: random(), Nonce: random(), Verifier: oauth2.GenerateVerifier(), Next: Inside(r.URL.Query().Get("next"))}
	text, err := json.Marshal(j)
	if err != nil {
		return "", err
	}
	sealed, err := s.Seal.Seal(text, journeyPlace)
	if err != nil {
		return "", fmt.Errorf("seal a journey: %w", err)
	}
	s.sessions.Put(ctx, "journey", base64.StdEncoding.EncodeToString(sealed))
	return config.AuthCodeURL(j.State, oidc.Nonce(j.Nonce), oauth2.S256ChallengeOption(j.Verifier)), nil
}

// journeyOf takes the journey of the request's session, which ends with it, and holds it against the state that came back.
func (s *Service) journeyOf(ctx context.Context, state string) (j journey, err error) {
	sealed, err := base64.StdEncoding.DecodeString(s.sessions.PopString(ctx, "journey"))
	if err != nil || len(sealed) == 0 || s.Seal == nil {
		return j, store.Refuse(store.Conflict, "Nobody here began to sign in, or it took too long.")
	}
	text, err := s.Seal.Open(sealed, journeyPlace)
	if err != nil {
		return j, fmt.Errorf("open a journey: %w", err)
	}
	if err := json.Unmarshal(text, &j); err != nil {
		return j, fmt.Errorf("read a journey: %w", err)
	}
	if state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(j.State)) != 1 {
		return j, store.Refuse(store.Conflict, "What came back is not the answer to what this browser asked.")
	}
	return j, nil
}

// fromProvider signs in who comes back from a provider, and returns where they wanted to go.
func (s *Service) fromProvider(r *http.Request) (string, error) {
	ctx, q := r.Context(), r.URL.Query()
	j, err := s.journeyOf(ctx, q.Get("state"))
	if err != nil {
		return "", err
	}
	if said := q.Get("error"); said != "" {
		return "", store.Refuse(store.Forbidden, "The provider answered %s.", clip(said, 100))
	}
	p, err := s.Store.Provider(ctx, 0, j.Provider)
	if err != nil {
		return "", err
	}
	claim, err := s.exchange(ctx, p, j, q.Get("code"))
	if err != nil {
		return "", err
	}
	request := "" // the middleware that numbers requests is for the API
	refused := func() error {
		return s.refuse(ctx, p.Name, claim.Email, request, store.Refuse(store.Forbidden, "You have no rights here."))
	}
	var person store.ID
	entry := store.Entry{Organisation: p.Organisation, Actor: "system", Action: "person.arrive", Object: "person " + clip(claim.Email, 254),
		Data: map[string]any{"provider": p.Name, "groups": len(claim.Groups)}, Address: visitOf(ctx).address}
	err = s.Store.Write(ctx, entry, func(ctx context.Context, tx *store.Tx) (err error) {
		person, err = tx.Arrive(ctx, *p, *claim)
		return err
	})
	if err != nil {
		if fault, ok := errors.AsType[*store.Fault](err); ok {
			return "", s.refuse(ctx, p.Name, claim.Email, request, fault)
		}
		return "", err
	}
	err = s.arrive(ctx, arrival{p.Organisation, person, p.Name, request, refused}, func(context.Context, *store.Tx) error { return nil })
	return j.Next, err
}

// exchange turns the code of an answer into what the provider says of somebody.
func (s *Service) exchange(ctx context.Context, p *store.Provider, j journey, code string) (*store.Claim, error) {
	config, at, err := s.config(ctx, p)
	if err != nil {
		return nil, err
	}
	tokens, err := config.Exchange(s.issuers.client(ctx), code, oauth2.VerifierOption(j.Verifier))
	if err != nil {
		return nil, fmt.Errorf("exchange a code at %s: %w", p.Issuer, err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	if len(raw) > 64<<10 {
		return nil, fmt.Errorf("the identity token of %s has %d bytes", p.Issuer, len(raw))
	}
	token, err := at.Verifier(&oidc.Config{ClientID: p.Client, SupportedSigningAlgs: algorithms, Now: s.Now}).Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("verify the identity token of %s: %w", p.Issuer, err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(j.Nonce)) != 1 {
		return nil, fmt.Errorf("the identity token of %s is for another sign-in", p.Issuer)
	}
	claims := map[string]any{}
	if err := token.Claims(&claims); err != nil {
		return nil, fmt.Errorf("read the identity token of %s: %w", p.Issuer, err)
	}
	return claimOf(token.Subject, claims, p.GroupsClaim), nil
}

// claimOf reads what we want to know of claims.
func claimOf(subject string, claims map[string]any, groups string) *store.Claim {
	c := &store.Claim{Subject: clip(subject, 500)}
	if text, ok := claims["email"].(string); ok {
		if email, err := store.Email(text); err == nil {
			c.Email = email
		}
	}
	c.Verified, _ = claims["email_verified"].(bool)
	name, _ := claims["name"].(string)
	if c.Name, _ = store.Name(clip(name, 200)); c.Name == "" {
		c.Name = c.Email
	}
	switch list := claims[groups].(type) {
	case string:
		c.Groups = []string{list}
	case []any:
		for _, g := range list {
			if text, ok := g.(string); ok && len(c.Groups) < 5000 {
				c.Groups = append(c.Groups, text)
			}
		}
	}
	return c
}

// Inside returns where somebody wants to go after signing in: a path of this server, or "/" for anything that could lead elsewhere.
func Inside(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsFunc(next, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f }) {
		return "/"
	}
	u, err := url.Parse(next)
	if err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) || strings.HasPrefix(u.Path, "/signin") {
		return "/"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery, Fragment: u.Fragment}).String()
}
