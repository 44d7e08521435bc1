package signin_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oauth2-proxy/mockoidc"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/server/signin"
	"plumbline.dev/plumbline/store"
)

// codeOf computes the code of an app, by RFC 6238.
func codeOf(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&0xf:])&0x7fffffff%1000000)
}

func read[T any](t *testing.T, a answer) (out T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return out
}

const secretPassword = "correct horse battery staple canary"

// withPassword gives the administrator a password, and returns the secret of the app and the recovery codes.
func withPassword(t *testing.T, b *browser) (secret string, codes []string) {
	t.Helper()
	app := read[signin.App](t, b.want(200, "POST", "/api/account/app", nil))
	a := b.want(200, "PUT", "/api/account/password", map[string]string{"password": secretPassword, "code": codeOf(t, app.Secret, b.h.clock.now())})
	return app.Secret, read[struct{ RecoveryCodes []string }](t, a).RecoveryCodes
}

// TestPassword holds that a password counts with a fresh code only, that recovery codes work once, and that wrong answers tell nothing.
func TestPassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := open(t, s, signin.Options{Seal: seal.NewRing(seal.NewKey())})
		ada := h.administrator()
		for _, weak := range []string{"short", "elevenchars"} {
			app := read[signin.App](t, ada.want(200, "POST", "/api/account/app", nil))
			ada.want(422, "PUT", "/api/account/password", map[string]string{"password": weak, "code": codeOf(t, app.Secret, h.clock.now())})
		}
		ada.want(422, "PUT", "/api/account/password", map[string]string{"password": secretPassword, "code": "000000"})
		secret, codes := withPassword(t, ada)
		if len(codes) != 10 {
			t.Fatalf("%d recovery codes", len(codes))
		}
		enter := func(email, password, code string) answer {
			h.clock.pass(2 * time.Minute) // what was tried before is forgiven
			if code == "" {
				code = codeOf(t, secret, h.clock.now())
			}
			return h.browser().do("POST", "/api/session/password", map[string]string{"email": email, "password": password, "code": code})
		}
		const me = "administrator@localhost"
		if a := enter(" Administrator@LocalHost", secretPassword, ""); a.status != 204 {
			t.Errorf("the right ones: %d %s", a.status, a.body)
		}
		used := codeOf(t, secret, h.clock.now())
		again := h.browser().do("POST", "/api/session/password", map[string]string{"email": me, "password": secretPassword, "code": used})
		wrong := []answer{again, enter(me, "wrong password!!", ""), enter(me, secretPassword, "123456"), enter("nobody@example.org", secretPassword, ""), enter("no address", "x", "y"),
			enter(me, secretPassword, "AAAAA-AAAAA-AAAAA-AAAAA")}
		for i, a := range wrong {
			if a.status != 403 || a.body != wrong[0].body {
				t.Errorf("wrong answer %d: %d %s", i, a.status, a.body)
			}
		}
		if a := enter(me, secretPassword, strings.ToLower(codes[3])); a.status != 204 {
			t.Errorf("a recovery code: %d %s", a.status, a.body)
		}
		if a := enter(me, secretPassword, codes[3]); a.status != 403 {
			t.Errorf("a recovery code again: %d %s", a.status, a.body)
		}
		all := dump(t, s) + h.log.String()
		for _, canary := range []string{secretPassword, secret, codes[0], strings.ReplaceAll(codes[0], "-", "")} {
			if strings.Contains(all, canary) {
				t.Errorf("%q can be read in the database or the log", canary)
			}
		}
		// An hour later the session is good for reading, not for changing how one signs in.
		h.clock.pass(time.Hour)
		ada.want(403, "POST", "/api/account/app", nil)
		ada.want(200, "GET", "/api/account", nil)
	})
}

// TestThrottle holds that guessing gets slow, and that strangers who guess do not lock out who has been here before.
func TestThrottle(t *testing.T) {
	h := open(t, storetest.Open(t, storetest.Address(t, store.SQLite)), signin.Options{Seal: seal.NewRing(seal.NewKey())})
	secret, _ := withPassword(t, h.administrator())
	guess := func(b *browser, email string) int {
		return b.do("POST", "/api/session/password", map[string]string{"email": email, "password": "guess guess guess", "code": "000000"}).status
	}
	count := func(n int, email string) (slow int) {
		for range n {
			if guess(h.browser(), email) == 429 {
				slow++
			}
		}
		return slow
	}
	if slow := count(7, "administrator@localhost"); slow != 2 {
		t.Errorf("%d of 7 guesses had to wait, want 2", slow)
	}
	if slow := count(7, "nobody@example.org"); slow != 2 {
		t.Errorf("%d of 7 guesses at nobody had to wait, want 2: it must not tell who has an account", slow)
	}
	h.clock.pass(2 * time.Minute)
	if a := h.browser().do("POST", "/api/session/password", map[string]string{"email": "administrator@localhost", "password": secretPassword, "code": codeOf(t, secret, h.clock.now())}); a.status != 204 {
		t.Errorf("the owner two minutes later: %d %s", a.status, a.body)
	}
	var slow int
	for range 30 {
		b := h.browser()
		b.bearer = strings.Repeat("x", 20)
		if b.do("GET", "/api/session", nil).status == 429 {
			slow++
		}
	}
	if slow != 10 {
		t.Errorf("%d of 30 guessed tokens had to wait, want 10", slow)
	}
}

// TestTiming holds that an account that is none takes as long as one that is: what takes time is done for both.
func TestTiming(t *testing.T) {
	h := open(t, storetest.Open(t, storetest.Address(t, store.SQLite)), signin.Options{Seal: seal.NewRing(seal.NewKey())})
	withPassword(t, h.administrator())
	fastest := func(email string) time.Duration {
		best := time.Hour
		for range 4 {
			h.clock.pass(2 * time.Minute)
			began := time.Now()
			h.browser().want(403, "POST", "/api/session/password", map[string]string{"email": email, "password": "guess guess guess", "code": "000000"})
			best = min(best, time.Since(began))
		}
		return best
	}
	known, unknown := fastest("administrator@localhost"), fastest("nobody@example.org")
	if unknown < known/2 || known < unknown/2 {
		t.Errorf("an account takes %v, none takes %v", known, unknown)
	}
}

// TestTokens holds what a token may do: no more than it says, than its person may, where it is bound, and while it lasts.
func TestTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := open(t, s, signin.Options{})
		ada := h.administrator()
		make := func(status int, body map[string]any) (token, id string) {
			t.Helper()
			b := map[string]any{"name": "ci", "permissions": []string{"rule:read"}, "expiresAt": h.clock.now().Add(24 * time.Hour).UTC().Format(time.RFC3339)}
			for k, v := range body {
				b[k] = v
			}
			a := ada.want(status, "POST", "/api/tokens", b)
			out := read[struct {
				Token string
				Item  struct{ ID string }
			}](t, a)
			return out.Token, out.Item.ID
		}
		with := func(token string) *browser { b := h.browser(); b.bearer = token; return b }

		token, id := make(201, nil)
		with(token).want(200, "GET", "/api/session", nil)
		with(token).want(403, "GET", "/api/people", nil) // not among its permissions
		with(token).want(403, "GET", "/api/tokens", nil) // tokens make no tokens
		with(token).want(403, "GET", "/api/account", nil)
		if b := h.browser(); b.do("GET", "/api/session?token="+token, nil).status == 200 || b.do("GET", "/api/session?access_token="+token, nil).status == 200 {
			t.Error("a token in an address was taken")
		}
		flipped := []byte(token)
		flipped[10] ^= 1
		with(string(flipped)).want(401, "GET", "/api/session", nil)
		with(token[:len(token)-1]).want(401, "GET", "/api/session", nil)
		unknown, _ := signin.NewToken() // its checksum is right
		with(unknown).want(401, "GET", "/api/session", nil)
		with("ghp_"+token[4:]).want(401, "GET", "/api/session", nil)

		for _, bad := range []map[string]any{
			{"permissions": []string{"everything"}}, {"permissions": []string{"token:write"}}, {"permissions": []string{"self:write"}}, {"permissions": []string{}},
			{"expiresAt": h.clock.now().Add(400 * 24 * time.Hour).UTC().Format(time.RFC3339)}, {"expiresAt": "2001-01-01T00:00:00Z"}, {"name": " "}, {"name": "a\nb"},
		} {
			make(422, bad)
		}
		ada.want(204, "DELETE", "/api/tokens/"+id, nil)
		with(token).want(401, "GET", "/api/session", nil)

		// A person's token never has more than the person, and ends with them.
		grace := invite(t, ada, "grace@example.org", "administrator")
		ada2 := ada
		ada = grace
		token, _ = make(201, map[string]any{"permissions": []string{"rule:read", "people:write", "team:read"}})
		ada = ada2
		with(token).want(200, "GET", "/api/people", nil)
		with(token).want(201, "POST", "/api/teams", map[string]string{"name": "payments"})
		id = personID(t, ada, "grace@example.org")
		ada.want(200, "PATCH", "/api/people/"+id, map[string]string{"role": "viewer"})
		with(token).want(403, "POST", "/api/teams", map[string]string{"name": "orders"})
		grace.want(403, "POST", "/api/tokens", map[string]any{"name": "x", "permissions": []string{"people:write"}, "expiresAt": h.clock.now().Add(time.Hour).UTC().Format(time.RFC3339)})
		ada.want(200, "PATCH", "/api/people/"+id, map[string]bool{"disabled": true})
		with(token).want(401, "GET", "/api/session", nil)
		grace.want(401, "GET", "/api/session", nil)
		ada.want(200, "PATCH", "/api/people/"+id, map[string]bool{"disabled": false})
		with(token).want(401, "GET", "/api/session", nil) // it does not come back

		token, _ = make(201, nil)
		h.clock.pass(25 * time.Hour)
		with(token).want(401, "GET", "/api/session", nil)
		if strings.Contains(dump(t, s)+h.log.String(), token) {
			t.Error("a token can be read in the database or the log")
		}
	})
}

func invite(t *testing.T, by *browser, email, role string) *browser {
	t.Helper()
	link := read[struct{ Link string }](t, by.want(201, "POST", "/api/people", map[string]string{"email": email, "role": role})).Link
	b := by.h.browser()
	if a := b.redeem(link); a.status != 204 {
		t.Fatalf("redeem an invitation: %d %s", a.status, a.body)
	}
	return b
}

func personID(t *testing.T, b *browser, email string) string {
	t.Helper()
	list := read[struct{ Items []struct{ ID, Email string } }](t, b.want(200, "GET", "/api/people?q="+url.QueryEscape(email), nil))
	if len(list.Items) != 1 {
		t.Fatalf("%d people are %s", len(list.Items), email)
	}
	return list.Items[0].ID
}

// TestEscalation holds that nobody gives themselves more, and that an organisation keeps an administrator.
func TestEscalation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := open(t, s, signin.Options{})
		ada := h.administrator()
		adaID := personID(t, ada, "administrator@localhost")
		grace := invite(t, ada, "grace@example.org", "maintainer")
		graceID := personID(t, ada, "grace@example.org")
		grace.want(403, "PATCH", "/api/people/"+graceID, map[string]string{"role": "administrator"})
		grace.want(403, "POST", "/api/people", map[string]string{"email": "friend@example.org", "role": "administrator"})
		ada.want(403, "PATCH", "/api/people/"+adaID, map[string]string{"role": "viewer"})
		ada.want(403, "DELETE", "/api/people/"+adaID, nil)

		before := grace.cookie.Value
		ada.want(200, "PATCH", "/api/people/"+graceID, map[string]string{"role": "administrator"})
		grace.want(200, "GET", "/api/session", nil)
		if grace.cookie.Value == before {
			t.Error("the cookie is the same after the role changed")
		}
		late := h.browser()
		late.cookie = &http.Cookie{Name: "plumbline", Value: before}
		late.want(200, "GET", "/api/session", nil) // a request that was under way
		h.clock.pass(11 * time.Second)
		late.cookie = &http.Cookie{Name: "plumbline", Value: before}
		late.want(401, "GET", "/api/session", nil)

		grace.want(200, "PATCH", "/api/people/"+adaID, map[string]string{"role": "viewer"})
		grace.want(403, "PATCH", "/api/people/"+graceID, map[string]string{"role": "viewer"})
		grace.want(200, "PATCH", "/api/people/"+adaID, map[string]string{"role": "administrator"})
		grace.want(204, "DELETE", "/api/people/"+adaID, nil)
		ada.want(401, "GET", "/api/session", nil)

		// The administrator of a team rules the team, and nothing else.
		team := read[struct{ ID string }](t, grace.want(201, "POST", "/api/teams", map[string]string{"name": "payments"})).ID
		other := read[struct{ ID string }](t, grace.want(201, "POST", "/api/teams", map[string]string{"name": "orders"})).ID
		lead := invite(t, grace, "lead@example.org", "")
		leadID := personID(t, grace, "lead@example.org")
		lead.want(403, "GET", "/api/teams", nil)
		grace.want(204, "PUT", "/api/teams/"+team+"/members/"+leadID, map[string]string{"role": "administrator"})
		lead.want(200, "GET", "/api/teams/"+team, nil)
		lead.want(404, "GET", "/api/teams/"+other, nil)
		lead.want(404, "PUT", "/api/teams/"+other+"/members/"+leadID, map[string]string{"role": "viewer"})
		lead.want(403, "PUT", "/api/teams/"+team+"/members/"+leadID, map[string]string{"role": "viewer"})
		lead.want(204, "PUT", "/api/teams/"+team+"/members/"+graceID, map[string]string{"role": "viewer"})
		lead.want(403, "POST", "/api/ownership", map[string]string{"team": team})
		lead.want(403, "PATCH", "/api/people/"+leadID, map[string]string{"role": "administrator"})
		lead.want(403, "POST", "/api/people/"+graceID+"/link", nil)
	})
}

// TestOwnership holds that findings follow the ownership, in steps.
func TestOwnership(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := open(t, s, signin.Options{})
		ada := h.administrator()
		ctx := context.Background()
		o, err := s.FirstOrganisation(ctx)
		if err != nil {
			t.Fatal(err)
		}
		repository := s.NewID()
		err = s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.NewRaw("INSERT INTO repository (id, organisation, name, address, created_at) VALUES (?, ?, 'shop', '', 1)", repository, o.ID).Exec(ctx); err != nil {
				return err
			}
			for i := range 25 {
				id := s.NewID()
				if _, err := tx.NewRaw("INSERT INTO finding (id, organisation, repository, fingerprint, twin, rule, outcome, severity, base_severity, category, provider, dialect, resource_type, address, attribute, unit, file, line, message, detail, status, first_seen_at, last_seen_at, revision) "+
					"VALUES (?, ?, ?, ?, '', 'r', 'fail', 3, 3, '', '', '', '', '', '', '', ?, 1, '', '', 'open', 1, 1, 1)", id, o.ID, repository, id.String(), fmt.Sprintf("%s/main.tf", []string{"pay", "net"}[i%2])).Exec(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		pay := read[struct{ ID string }](t, ada.want(201, "POST", "/api/teams", map[string]string{"name": "pay"})).ID
		rest := read[struct{ ID string }](t, ada.want(201, "POST", "/api/teams", map[string]string{"name": "rest"})).ID
		owned := func() map[string]int {
			t.Helper()
			for more := true; more; {
				if more, err = s.Reassign(ctx, 4); err != nil {
					t.Fatal(err)
				}
			}
			var rows []struct {
				Team store.ID
				N    int
			}
			if err := s.DB.NewRaw("SELECT team, count(*) AS n FROM finding GROUP BY team").Scan(ctx, &rows); err != nil {
				t.Fatal(err)
			}
			out := map[string]int{}
			for _, r := range rows {
				out[r.Team.String()] = r.N
			}
			return out
		}
		line := read[struct{ ID string }](t, ada.want(201, "POST", "/api/ownership", map[string]any{"team": pay, "repository": repository, "path": "pay/**"})).ID
		ada.want(201, "POST", "/api/ownership", map[string]any{"team": rest})
		if diff := cmp.Diff(map[string]int{pay: 13, rest: 12}, owned()); diff != "" {
			t.Errorf("owners (-want +got):\n%s", diff)
		}
		ada.want(204, "DELETE", "/api/ownership/"+line, nil)
		if diff := cmp.Diff(map[string]int{rest: 25}, owned()); diff != "" {
			t.Errorf("owners (-want +got):\n%s", diff)
		}
		ada.want(204, "DELETE", "/api/teams/"+rest, nil)
		if diff := cmp.Diff(map[string]int{"0": 25}, owned()); diff != "" {
			t.Errorf("owners (-want +got):\n%s", diff)
		}
		ada.want(422, "POST", "/api/ownership", map[string]any{"team": pay, "path": "a[b"})
	})
}

// TestInside holds that nobody is led elsewhere after signing in.
func TestInside(t *testing.T) {
	for next, want := range map[string]string{
		"/findings?q=severity:high": "/findings?q=severity:high", "/repositories/7#top": "/repositories/7#top", "/": "/", "": "/",
		"//evil.example": "/", `/\evil.example`: "/", `\\evil.example`: "/", "https://evil.example": "/", "javascript:alert(1)": "/", "/%2f%2fevil.example": "/%2f%2fevil.example",
		"/%2fevil.example": "/", "/%5cevil.example": "/", "///evil.example": "/", "/\tevil": "/", "/\n/evil.example": "/", "evil": "/", "/signin?ticket=x": "/",
	} {
		got := signin.Inside(next)
		if next == "/%2f%2fevil.example" {
			if strings.HasPrefix(got, "//") {
				t.Errorf("Inside(%q) = %q", next, got)
			}
			continue
		}
		if got != want {
			t.Errorf("Inside(%q) = %q, want %q", next, got, want)
		}
	}
}

// provider is an OpenID provider with the server as its client.
func provider(t *testing.T) *mockoidc.MockOIDC {
	t.Helper()
	m, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// withProvider adds a provider and returns its id.
func withProvider(t *testing.T, b *browser, m *mockoidc.MockOIDC, more map[string]any) string {
	t.Helper()
	body := map[string]any{"name": "Login", "issuer": m.Issuer(), "client": m.ClientID, "secret": m.ClientSecret}
	for k, v := range more {
		body[k] = v
	}
	return read[struct{ ID string }](t, b.want(201, "POST", "/api/providers", body)).ID
}

// local lets the server ask issuers on this machine.
func local(t *testing.T, addresses ...string) outbound.Hosts {
	t.Helper()
	hosts, err := outbound.Parse(append([]string{"public"}, addresses...), "the test")
	if err != nil {
		t.Fatal(err)
	}
	return hosts
}

// travel goes to the provider and returns the address by which it sends back.
func (b *browser) travel(provider, next string) string {
	b.h.t.Helper()
	a := b.do("GET", "/signin/provider/"+provider+"?next="+url.QueryEscape(next), nil)
	to := a.header.Get("Location")
	if a.status != 303 || strings.HasPrefix(to, "/") {
		b.h.t.Fatalf("to the provider: %d %s\n%s", a.status, to, b.h.log)
	}
	for _, part := range []string{"code_challenge_method=S256", "code_challenge=", "nonce=", "state="} {
		if !strings.Contains(to, part) {
			b.h.t.Errorf("the way to the provider lacks %s", part)
		}
	}
	w, err := http.DefaultTransport.RoundTrip(httptest.NewRequest("GET", to, nil))
	if err != nil {
		b.h.t.Fatal(err)
	}
	defer w.Body.Close()
	back, err := url.Parse(w.Header.Get("Location"))
	if err != nil || back.Path != "/signin/callback" {
		b.h.t.Fatalf("the provider answers %d %s", w.StatusCode, w.Header.Get("Location"))
	}
	return back.RequestURI()
}

// TestProvider signs in through a provider of OpenID Connect, and in all the wrong ways.
func TestProvider(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		m := provider(t)
		h := open(t, s, signin.Options{Seal: seal.NewRing(seal.NewKey()), Hosts: local(t, "127.0.0.1")})
		ada := h.administrator()
		team := read[struct{ ID string }](t, ada.want(201, "POST", "/api/teams", map[string]string{"name": "payments"})).ID
		id := withProvider(t, ada, m, map[string]any{"scopes": "groups", "groupsClaim": "groups", "groups": []any{
			map[string]any{"name": "staff", "role": "viewer"}, map[string]any{"name": "security", "role": "maintainer"}, map[string]any{"name": "pay", "team": team, "role": "triager"}}})
		user := func(subject, email string, verified bool, groups ...string) {
			m.QueueUser(&mockoidc.MockUser{Subject: subject, Email: email, EmailVerified: verified, Groups: groups})
		}
		session := func(b *browser) string {
			a := b.do("GET", "/api/session", nil)
			if a.status != 200 {
				return fmt.Sprint(a.status)
			}
			return read[struct{ Role string }](t, a).Role
		}

		user("s1", "Grace@example.org", true, "staff", "security", "pay")
		grace := h.browser()
		planted := &http.Cookie{Name: "plumbline", Value: "planted"}
		grace.cookie = planted
		if a := grace.do("GET", grace.travel(id, "/findings?q=a"), nil); a.status != 303 || a.header.Get("Location") != "/findings?q=a" {
			t.Fatalf("back: %d %s\n%s", a.status, a.header.Get("Location"), h.log)
		}
		if got := session(grace); got != "maintainer" || grace.cookie.Value == "planted" {
			t.Errorf("came in as %s", got)
		}
		if teams := grace.want(200, "GET", "/api/account", nil).body; !strings.Contains(teams, `"role":"triager"`) {
			t.Errorf("not in the team: %s", teams)
		}

		// Groups are looked at with each sign-in.
		user("s1", "grace@example.org", true, "staff")
		again := h.browser()
		again.do("GET", again.travel(id, "/"), nil)
		if got := session(again); got != "viewer" {
			t.Errorf("after leaving the group: %s", got)
		}
		if got := session(grace); got != "viewer" {
			t.Errorf("the session before: %s", got)
		}
		if teams := grace.want(200, "GET", "/api/account", nil).body; strings.Contains(teams, `"role":"triager"`) {
			t.Errorf("still in the team: %s", teams)
		}

		for _, c := range []struct {
			name    string
			prepare func()
			change  func(back string) string
		}{
			{"an address that is not verified", func() { user("s2", "administrator@localhost", false, "staff") }, nil},
			{"no group that lets in", func() { user("s3", "eve@example.org", true, "visitors") }, nil},
			{"no address", func() { user("s4", "", true, "staff") }, nil},
			{"another state", func() { user("s5", "bob@example.org", true, "staff") }, func(b string) string { return strings.Replace(b, "state=", "state=x", 1) }},
			{"no state", func() { user("s5", "bob@example.org", true, "staff") }, func(b string) string { return strings.Replace(b, "state=", "st=", 1) }},
			{"a code that is none", func() { user("s5", "bob@example.org", true, "staff") }, func(b string) string { return strings.Replace(b, "code=", "code=x", 1) }},
			{"an error of the provider", func() { user("s5", "bob@example.org", true, "staff") }, func(b string) string { return b + "&error=<script>" }},
		} {
			t.Run(c.name, func(t *testing.T) {
				c.prepare()
				b := h.browser()
				back := b.travel(id, "/")
				if c.change != nil {
					back = c.change(back)
				}
				a := b.do("GET", back, nil)
				if to := a.header.Get("Location"); a.status != 303 || !strings.HasPrefix(to, "/signin?problem=") || strings.Contains(to, "script") {
					t.Errorf("%d %s", a.status, to)
				}
				if got := session(b); got != "401" {
					t.Errorf("came in as %s", got)
				}
			})
		}

		// A state works once, and only in the browser that began: nobody is signed in as somebody else by a link (login CSRF).
		user("s6", "carol@example.org", true, "staff")
		b := h.browser()
		back := b.travel(id, "/")
		victim := h.browser()
		victim.do("GET", back, nil)
		if got := session(victim); got != "401" {
			t.Errorf("the victim of a foreign state came in as %s", got)
		}
		stolen := *b.cookie
		b.do("GET", back, nil)
		thief := h.browser()
		thief.cookie = &stolen
		thief.do("GET", back, nil)
		if got := session(thief); got != "401" {
			t.Errorf("a state that was used came in as %s", got)
		}
		for _, next := range []string{"//evil.example", `/\evil.example`, "https://evil.example", "/%2f%2fevil.example", "javascript:alert(1)"} {
			user("s1", "grace@example.org", true, "staff")
			b := h.browser()
			if a := b.do("GET", b.travel(id, next), nil); strings.Contains(a.header.Get("Location"), "//") || !strings.HasPrefix(a.header.Get("Location"), "/") {
				t.Errorf("next=%s leads to %s", next, a.header.Get("Location"))
			}
		}
		// The administrator is one whatever the groups say, because there is no other.
		user("s9", "administrator@localhost", true, "staff")
		b = h.browser()
		b.do("GET", b.travel(id, "/"), nil)
		if got := session(b); got != "administrator" {
			t.Errorf("the last administrator came in as %s", got)
		}
		if strings.Contains(dump(t, s)+h.log.String(), m.ClientSecret) {
			t.Error("the secret of the client can be read in the database or the log")
		}
	})
}

// TestProviderElsewhere holds that the provider of one organisation does not reach people of another.
func TestProviderElsewhere(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	m := provider(t)
	h := open(t, s, signin.Options{Seal: seal.NewRing(seal.NewKey()), Hosts: local(t, "127.0.0.1")})
	id := withProvider(t, h.administrator(), m, map[string]any{"role": "administrator"})
	err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		o, err := tx.CreateOrganisation(ctx, "Other")
		if err != nil {
			return err
		}
		_, _, err = tx.Join(ctx, o.ID, "root@other.example", "Root", "administrator")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	m.QueueUser(&mockoidc.MockUser{Subject: "x", Email: "root@other.example", EmailVerified: true})
	b := h.browser()
	b.do("GET", b.travel(id, "/"), nil)
	b.want(401, "GET", "/api/session", nil)
}

// issuer is one of identity tokens of CI, whose keys and mistakes a test chooses.
type issuer struct {
	*httptest.Server
	key *rsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	mux := http.NewServeMux()
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q,"authorization_endpoint":"","token_endpoint":"","id_token_signing_alg_values_supported":["none","HS256","RS256"]}`, i.URL, i.URL+"/keys")
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"RSA","alg":"RS256","use":"sig","kid":"1","n":%q,"e":%q}]}`,
			base64.RawURLEncoding.EncodeToString(key.N.Bytes()), base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()))
	})
	return i
}

// sign makes a token with an algorithm.
func sign(t *testing.T, alg string, key any, claims map[string]any) string {
	t.Helper()
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	text := part(map[string]string{"alg": alg, "kid": "1", "typ": "JWT"}) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	var mac []byte
	var err error
	switch k := key.(type) {
	case *rsa.PrivateKey:
		mac, err = rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:])
	case *ecdsa.PrivateKey:
		mac, err = ecdsa.SignASN1(rand.Reader, k, sum[:])
	case []byte:
		h := hmac.New(sha256.New, k)
		h.Write([]byte(text))
		mac = h.Sum(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(mac)
}

// TestIdentityTokens holds which identity tokens of CI are believed: those of a trusted issuer for the one repository, untampered, in time.
func TestIdentityTokens(t *testing.T) {
	i := newIssuer(t)
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	h := open(t, s, signin.Options{Hosts: local(t, "127.0.0.1")})
	ada := h.administrator()
	repository := read[struct{ ID string }](t, ada.want(201, "POST", "/api/repositories", map[string]string{"name": "shop"})).ID
	other := read[struct{ ID string }](t, ada.want(201, "POST", "/api/repositories", map[string]string{"name": "ledger"})).ID
	trust := read[struct{ Audience string }](t, ada.want(201, "POST", "/api/trusts", map[string]any{"repository": repository, "issuer": i.URL, "claims": map[string]string{"repository_id": "42", "ref": "refs/heads/main"}}))
	for _, bad := range []map[string]any{
		{"repository": repository, "issuer": i.URL, "claims": map[string]string{"repository": "acme/shop"}}, // a name that others can get
		{"repository": repository, "issuer": "http://169.254.169.254/", "claims": map[string]string{"sub": "x"}},
		{"repository": repository, "issuer": "https://10.0.0.1", "claims": map[string]string{"sub": "x"}},
		{"repository": repository, "issuer": "file:///etc/passwd", "claims": map[string]string{"sub": "x"}},
		{"repository": repository, "issuer": "http://example.org", "claims": map[string]string{"sub": "x"}},
	} {
		ada.want(422, "POST", "/api/trusts", bad)
	}
	claims := func(change map[string]any) map[string]any {
		c := map[string]any{"iss": i.URL, "aud": trust.Audience, "sub": "repo:acme/shop", "repository_id": "42", "ref": "refs/heads/main",
			"exp": h.clock.now().Add(5 * time.Minute).Unix(), "iat": h.clock.now().Unix()}
		for k, v := range change {
			if c[k] = v; v == nil {
				delete(c, k)
			}
		}
		return c
	}
	another, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&i.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := sign(t, "RS256", i.key, claims(nil))
	tampered := strings.Split(good, ".")
	tampered[1] = strings.Split(sign(t, "RS256", another, claims(map[string]any{"ref": "refs/heads/main", "x": "y"})), ".")[1]
	for _, c := range []struct {
		name, token string
		status      int // of an operation that uploads need not: 403 is somebody, 401 nobody
	}{
		{"as it should be", good, 403},
		{"several audiences", sign(t, "RS256", i.key, claims(map[string]any{"aud": []string{"x", trust.Audience}})), 403},
		{"a number as claim", sign(t, "RS256", i.key, claims(map[string]any{"repository_id": 42})), 403},
		{"no signature", sign(t, "none", []byte{}, claims(nil)), 401},
		{"no signature at all", strings.Join(append(strings.Split(sign(t, "none", i.key, claims(nil)), ".")[:2], ""), "."), 401},
		{"the public key as a secret", sign(t, "HS256", public, claims(nil)), 401},
		{"the public key's DER as a secret", sign(t, "HS256", der, claims(nil)), 401},
		{"another key", sign(t, "RS256", another, claims(nil)), 401},
		{"another kind of key", sign(t, "ES256", curve, claims(nil)), 401},
		{"tampered", strings.Join(tampered, "."), 401},
		{"another audience", sign(t, "RS256", i.key, claims(map[string]any{"aud": "https://example.org"})), 401},
		{"another repository of ours", sign(t, "RS256", i.key, claims(map[string]any{"aud": strings.Replace(trust.Audience, repository, other, 1)})), 401},
		{"no audience", sign(t, "RS256", i.key, claims(map[string]any{"aud": nil})), 401},
		{"another issuer", sign(t, "RS256", i.key, claims(map[string]any{"iss": "https://evil.example"})), 401},
		{"expired", sign(t, "RS256", i.key, claims(map[string]any{"exp": h.clock.now().Add(-time.Hour).Unix()})), 401},
		{"no end", sign(t, "RS256", i.key, claims(map[string]any{"exp": nil})), 401},
		{"an end in years", sign(t, "RS256", i.key, claims(map[string]any{"exp": h.clock.now().Add(9000 * time.Hour).Unix()})), 401},
		{"another repository of theirs", sign(t, "RS256", i.key, claims(map[string]any{"repository_id": "43"})), 401},
		{"another branch", sign(t, "RS256", i.key, claims(map[string]any{"ref": "refs/heads/evil"})), 401},
		{"a claim that is not there", sign(t, "RS256", i.key, claims(map[string]any{"ref": nil})), 401},
		{"a claim that is a list", sign(t, "RS256", i.key, claims(map[string]any{"repository_id": []string{"42"}})), 401},
		{"rubbish", "a.b.c", 401},
		{"too long", "eyJ." + strings.Repeat("A", 20<<10) + ".x", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.clock.pass(5 * time.Second) // so that nobody has to wait for wrong guesses
			b := h.browser()
			b.bearer = c.token
			if a := b.do("GET", "/api/session", nil); a.status != c.status {
				t.Errorf("%d %s, want %d\n%s", a.status, a.body, c.status, h.log)
			}
		})
	}
	if strings.Contains(h.log.String(), strings.Split(good, ".")[2]) {
		t.Error("an identity token can be read in the log")
	}
}
