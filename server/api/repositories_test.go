package api_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/server"
	"plumbline.dev/plumbline/server/api"
	"plumbline.dev/plumbline/store"
)

// desk is a server and somebody who uses its API.
type desk struct {
	*testing.T
	store   *store.Store
	server  *server.Server
	subject access.Subject
	keys    *seal.Ring
	fetched []store.ID
	log     strings.Builder
}

func newDesk(t *testing.T, s *store.Store, change ...func(*server.Options)) *desk {
	d := &desk{T: t, store: s, keys: seal.NewRing(seal.NewKey())}
	org := s.NewID()
	d.do("INSERT INTO organisation (id, name, revision, created_at) VALUES (?, 'acme', 0, 1)", org)
	d.subject = access.Subject{Kind: "person", ID: 7, Name: "ada@example.org", Organisation: int64(org), Role: access.Administrator}
	o := server.Options{Store: s, Log: slog.New(slog.NewTextHandler(&d.log, nil)),
		Authenticate: func(*http.Request) (access.Subject, error) { return d.subject, nil },
		Repositories: api.Repositories{Keys: d.keys, Fetch: func(_ context.Context, _ *store.Tx, id store.ID) error {
			d.fetched = append(d.fetched, id)
			return nil
		}}}
	for _, c := range change {
		c(&o)
	}
	d.server = server.New(o)
	return d
}

func (d *desk) do(query string, args ...any) {
	d.Helper()
	if err := d.store.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewRaw(query, args...).Exec(ctx)
		return err
	}); err != nil {
		d.Fatal(err)
	}
}

// call asks and wants a status; the answer is read into out unless that is nil. "Name: value" are headers.
func (d *desk) call(method, path, body string, status int, out any, headers ...string) string {
	d.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, path, reader)
	r.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	d.server.Handler.ServeHTTP(w, r)
	if w.Code != status {
		d.Fatalf("%s %s: %d %s, want %d\n%s", method, path, w.Code, w.Body, status, d.log.String())
	}
	if out != nil {
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			d.Fatalf("%s %s: %v\n%s", method, path, err, w.Body)
		}
	}
	return w.Body.String()
}

func quoted(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func privateKey(t *testing.T) string {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// TestAddRepository holds what is taken as a repository, and that its credential is sealed and never comes out.
func TestAddRepository(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	d := newDesk(t, s)
	const canary = "ghp_CANARY0123456789abcdef"
	for _, c := range []struct {
		name, body string
		status     int
		has        string
	}{
		{"https", `{"address":"https://git.example.org/acme/web.git","credential":{"kind":"token","secret":"` + canary + `"}}`, 201, `"name":"acme/web"`},
		{"ssh", `{"address":"git@git.example.org:acme/infra.git","credential":{"kind":"ssh-key","secret":` + quoted(privateKey(t)) + `}}`, 201, `"credential":"ssh-key"`},
		{"uploads only", `{"name":"elsewhere"}`, 201, `"address":""`},
		{"the same address", `{"name":"x","address":"https://GIT.example.org/acme/web.git"}`, 409, "connected already, as acme/web"},
		{"the same name", `{"name":"acme/web","address":"https://git.example.org/y"}`, 409, "another name"},
		{"neither name nor address", `{}`, 422, "name of a repository"},
		{"a password in it", `{"address":"https://user:` + canary + `@git.example.org/x"}`, 422, "give it as the credential"},
		{"a token in it", `{"address":"https://` + canary + `@git.example.org/x"}`, 422, "give it as the credential"},
		{"a file", `{"address":"file:///etc"}`, 422, "--allow-file"},
		{"a path", `{"address":"/etc"}`, 422, "--allow-file"},
		{"http", `{"address":"http://git.example.org/x"}`, 422, "over https or ssh"},
		{"a transport that runs commands", `{"address":"ext::sh -c id"}`, 422, "ASCII"},
		{"an option", `{"address":"--upload-pack=id"}`, 422, "not the address"},
		{"a token for ssh", `{"name":"x","address":"git@git.example.org:x","credential":{"kind":"token","secret":"y"}}`, 422, "takes a token"},
		{"a key for https", `{"name":"x","address":"https://git.example.org/x","credential":{"kind":"ssh-key","secret":"y"}}`, 422, "takes a token"},
		{"no key", `{"name":"x","address":"git@git.example.org:x","credential":{"kind":"ssh-key","secret":"` + canary + `"}}`, 422, "not a private key"},
		{"a public key", `{"name":"x","address":"git@git.example.org:x","credential":{"kind":"ssh-key","secret":"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}}`, 422, "public key, not"},
		{"a key with a passphrase", `{"name":"x","address":"git@git.example.org:x","credential":{"kind":"ssh-key","secret":"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AB\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"}}`, 422, "passphrase"},
		{"a token of two lines", `{"name":"x","address":"https://git.example.org/x","credential":{"kind":"token","secret":"a\nhelper = !id"}}`, 422, "one line"},
		{"a branch like an option", `{"name":"x","address":"https://git.example.org/x","defaultBranch":"--output=x"}`, 422, "name of a branch"},
		{"wrong settings", `{"name":"x","address":"https://git.example.org/x","settings":"threshold: bad"}`, 422, "line 1: "},
		{"settings of a run", `{"name":"x","address":"https://git.example.org/x","settings":"rule-pages: [x]"}`, 422, "own file"},
		{"a field too many", `{"name":"x","address":"https://git.example.org/x","credential":{"kind":"token","secret":"` + canary + `","x":1}}`, 422, "unexpected property"},
		{"a secret of another type", `{"name":"x","address":"https://git.example.org/x","credential":{"kind":"token","secret":["` + canary + `"]}}`, 422, "expected string"},
		{"right settings", `{"name":"y","address":"https://git.example.org/x","settings":"threshold: high"}`, 201, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.T = t
			if got := d.call("POST", "/api/repositories", c.body, c.status, nil); !strings.Contains(got, c.has) || strings.Contains(got, "CANARY") {
				t.Errorf("%s, want %q", got, c.has)
			}
		})
	}
	d.T = t
	if len(d.fetched) != 3 {
		t.Errorf("%d fetches were queued, want those of the three with an address", len(d.fetched))
	}
	if got := d.call("GET", "/api/repositories", "", 200, nil); strings.Contains(got, "CANARY") || !strings.Contains(got, `"credential":"token"`) {
		t.Error(got)
	}
	ctx := context.Background()
	var sealed []byte
	var id store.ID
	if err := s.DB.NewRaw("SELECT id, credential FROM repository WHERE name = 'acme/web'").Scan(ctx, &id, &sealed); err != nil {
		t.Fatal(err)
	}
	text, err := d.keys.Open(sealed, api.CredentialPlace(id))
	if err != nil {
		t.Fatal(err)
	}
	var credential mirror.Credential
	if err := json.Unmarshal(text, &credential); err != nil || credential.Password != canary {
		t.Errorf("%+v, %v", credential, err)
	}
	var records string
	if err := s.DB.NewRaw("SELECT group_concat(record) FROM audit_record").Scan(ctx, &records); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(records, "CANARY") || !strings.Contains(records, "repository.connect") || strings.Contains(d.log.String(), "CANARY") {
		t.Errorf("the audit log or the log of the server is not right:\n%s\n%s", records, d.log.String())
	}
}

func TestChangeRepository(t *testing.T) {
	d := newDesk(t, storetest.Open(t, storetest.Address(t, store.SQLite)))
	var r store.Repository
	d.call("POST", "/api/repositories", `{"address":"https://git.example.org/acme/web.git","credential":{"kind":"token","secret":"s"}}`, 201, &r)
	path := "/api/repositories/" + r.ID.String()
	if got := d.call("PATCH", path, `{"address":"https://evil.example.com/acme/web.git"}`, 422, nil); !strings.Contains(got, "another host") {
		t.Error(got)
	}
	d.call("PATCH", path, `{"address":"https://git.example.org:8443/acme/web.git"}`, 422, nil)
	d.call("PATCH", path, `{"address":"https://git.example.org/acme/website.git","state":"paused"}`, 200, &r)
	if r.State != "paused" || r.Credential != "token" || r.Address != "https://git.example.org/acme/website.git" || len(d.fetched) != 1 {
		t.Errorf("%+v, fetched %d", r, len(d.fetched))
	}
	d.call("PATCH", path, `{"address":"https://evil.example.com/x","credential":{"kind":"none"},"state":"active"}`, 200, &r)
	if r.Credential != "" || len(d.fetched) != 2 {
		t.Errorf("%+v, fetched %d", r, len(d.fetched))
	}
	d.call("PATCH", path, `{"unknown":1}`, 422, nil)
	admin := d.subject
	d.subject.Role = access.Triager
	d.call("PATCH", path, `{"state":"paused"}`, 403, nil)
	d.call("DELETE", path, "", 403, nil)
	d.subject.Organisation, d.subject.Role = 1, access.Administrator
	d.call("GET", path, "", 404, nil)
	d.call("PATCH", path, `{"state":"paused"}`, 404, nil)
	d.call("DELETE", path, "", 404, nil)
	d.subject = admin
	d.call("DELETE", path, "", 204, nil)
	d.call("GET", path, "", 404, nil)
}

func TestRepositorySettings(t *testing.T) {
	d := newDesk(t, storetest.Open(t, storetest.Address(t, store.SQLite)))
	var r store.Repository
	d.call("POST", "/api/repositories", `{"name":"web","settings":"threshold: high\nrules: {a: off}\nignore: [{rules: x, reason: y}]"}`, 201, &r)
	d.call("PUT", "/api/settings/scan", `{"text":"threshold: 7"}`, 422, nil)
	d.call("PUT", "/api/settings/scan", `{"text":"threshold: low\nrules: {b: low}\nignore: [{rules: z, reason: y}]"}`, 200, nil)
	var got struct {
		Values []struct {
			Key, Value, Source string
			Counts             bool
		}
	}
	d.call("GET", "/api/repositories/"+r.ID.String()+"/settings", "", 200, &got)
	var lines []string
	for _, v := range got.Values {
		lines = append(lines, strings.Join([]string{v.Key, v.Value, v.Source, quoted(v.Counts)}, " "))
	}
	want := `ignore [{rules: z, reason: y}] organisation true
ignore [{rules: x, reason: y}] repository true
rules.a off repository true
rules.b low organisation true
threshold low organisation false
threshold high repository true`
	if text := strings.Join(lines, "\n"); text != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
}
