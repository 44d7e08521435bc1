package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/server"
	"plumbline.dev/plumbline/server/api"
	"plumbline.dev/plumbline/server/signin"
	"plumbline.dev/plumbline/store"
)

// TestMatrix calls every operation of the OpenAPI document as everybody, on objects of their own and of others, and holds it to
// the table of permissions. A new operation whose parameters matrix_seed_test.go cannot fill makes it fail: say there how.
//
//   - nobody, and a session that has ended, get 401;
//   - who lacks the permission gets 403, whatever the object;
//   - both do so before anything of the request is read: one that makes no sense is answered alike;
//   - who has it gets neither 401 nor 403 nor 404 on an object of their own;
//   - what belongs to others answers like what does not exist, word for word, with 404 where the path names it;
//   - every answer is as the document says.
func TestMatrix(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		m := newMatrix(t, s)
		for _, op := range m.operations {
			t.Run(op.ID, func(t *testing.T) {
				m.refuses(t, op)
				m.hides(t, op)
				m.allows(t, op)
			})
		}
	})
}

// caller is one row of the matrix.
type caller struct {
	name string
	of   func(w *world) access.Subject
}

// callers are everybody who has rights somewhere. Those of teams are in the team that owns the objects of the world.
var callers = []caller{
	{"viewer", role(access.Viewer)},
	{"triager", role(access.Triager)},
	{"maintainer", role(access.Maintainer)},
	{"administrator", role(access.Administrator)},
	{"viewer of a team", teamRole(access.Viewer)},
	{"triager of a team", teamRole(access.Triager)},
	{"maintainer of a team", teamRole(access.Maintainer)},
	{"administrator of a team", teamRole(access.Administrator)},
	{"token of an administrator", func(w *world) access.Subject {
		who := role(access.Administrator)(w)
		who.Kind, who.Only = "token", slices.DeleteFunc(access.Permissions(), func(p access.Permission) bool { return !p.Grantable() })
		return who
	}},
	{"token bound to the repository", func(w *world) access.Subject {
		who := role(access.Administrator)(w)
		who.Kind, who.Repository = "token", w.id("repositories")
		who.Only = slices.DeleteFunc(access.Permissions(), func(p access.Permission) bool { return !p.Grantable() || !p.Bindable() })
		return who
	}},
	{"pipeline of the repository", func(w *world) access.Subject {
		return access.Subject{Kind: "forge", ID: 1, Name: "ci", Organisation: int64(w.organisation), Role: access.Maintainer, Repository: w.id("repositories"), Only: []access.Permission{access.ReportUpload}}
	}},
}

func role(r access.Role) func(*world) access.Subject {
	return func(w *world) access.Subject {
		return access.Subject{Kind: "person", ID: int64(w.me), Name: "me@example.org", Organisation: int64(w.organisation), Role: r}
	}
}

func teamRole(r access.Role) func(*world) access.Subject {
	return func(w *world) access.Subject {
		return access.Subject{Kind: "person", ID: int64(w.me), Name: "me@example.org", Organisation: int64(w.organisation), Teams: map[int64]access.Role{w.id("teams"): r}}
	}
}

// operation is what the matrix reads of the document.
type operation struct {
	ID         string `json:"operationId"`
	Permission string `json:"x-permission"`
	Limit      string `json:"x-limit"`
	Parameters []struct {
		Name     string `json:"name"`
		In       string `json:"in"`
		Required bool   `json:"required"`
		Schema   schema `json:"schema"`
	} `json:"parameters"`
	RequestBody struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]json.RawMessage `json:"content"`
	} `json:"responses"`

	method, path string
}

// may tells what the table says of a caller and an operation.
func (op *operation) may(who access.Subject) bool {
	scope := who.Scope(access.Permission(op.Permission))
	return op.Permission == "public" || scope.Somewhere() && (op.Limit != "whole" || scope.Whole()) && (op.Limit != "person" || who.Kind == "person")
}

type matrix struct {
	server     *server.Server
	store      *store.Store
	operations []*operation
	schemas    map[string]schema
	contract   *contract
	ours       *world // what is only read
	theirs     *world
	who        access.Subject
}

func newMatrix(t *testing.T, s *store.Store) *matrix {
	m := &matrix{store: s}
	log := slog.New(slog.DiscardHandler)
	public, err := outbound.Parse(nil, "the test")
	if err != nil {
		t.Fatal(err)
	}
	people, err := signin.New(signin.Options{Store: s, Log: log, Hosts: public, Seal: seal.NewRing(seal.NewKey())})
	if err != nil {
		t.Fatal(err)
	}
	m.server = server.New(server.Options{Store: s, Log: log, SignIn: people, Channels: api.Channels{Keys: people.Seal, Hosts: public},
		Authenticate: func(*http.Request) (access.Subject, error) { return m.who, nil }})
	var doc struct {
		Paths      map[string]map[string]*operation `json:"paths"`
		Components struct {
			Schemas map[string]schema `json:"schemas"`
		} `json:"components"`
	}
	text, err := json.Marshal(m.server.API.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	m.schemas, m.contract = doc.Components.Schemas, newContract(t, text)
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			op := doc.Paths[path][method]
			op.method, op.path = strings.ToUpper(method), path
			if op.Permission == "" {
				t.Errorf("%s says no permission", op.ID)
			}
			if p := access.Permission(op.Permission); op.Permission != "public" && !slices.Contains(access.Permissions(), p) {
				t.Errorf("%s needs %s, which nobody has", op.ID, p)
			}
			m.operations = append(m.operations, op)
		}
	}
	m.ours, m.theirs = newWorld(t, s), newWorld(t, s)
	return m
}

type reply struct {
	status int
	body   string
}

// call calls an operation as somebody. What streams is cut off.
func (m *matrix) call(t *testing.T, op *operation, who access.Subject, a *arguments) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, streams := op.Responses["200"].Content["text/event-stream"]; streams {
		ctx, cancel = context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
	}
	r := a.request(t, ctx, op)
	if who.Kind == "person" { // some operations ask when somebody signed in
		r.AddCookie(&http.Cookie{Name: "plumbline", Value: cookieOf(store.ID(who.Organisation))})
	}
	m.who = who
	w := httptest.NewRecorder()
	m.server.Handler.ServeHTTP(w, r)
	m.contract.hold(t, op, w)
	return reply{w.Code, w.Body.String()}
}

// request makes the request of arguments.
func (a *arguments) request(t *testing.T, ctx context.Context, op *operation) *http.Request {
	t.Helper()
	var body bytes.Buffer
	if a.body != nil {
		if raw, ok := a.body.(string); ok {
			body.WriteString(raw)
		} else if err := json.NewEncoder(&body).Encode(a.body); err != nil {
			t.Fatal(err)
		}
	}
	r := httptest.NewRequestWithContext(ctx, op.method, a.address(op), &body)
	if a.body != nil {
		r.Header.Set("Content-Type", a.kind)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for k, v := range a.header {
		r.Header.Set(k, v)
	}
	return r
}

// refuses: nobody, and those without the permission.
func (m *matrix) refuses(t *testing.T, op *operation) {
	if op.Permission == "public" {
		return
	}
	own, foreign, senseless := m.arguments(t, op, m.ours), m.arguments(t, op, m.theirs), m.arguments(t, op, m.ours)
	senseless.body, senseless.kind = "{", "application/json"
	senseless.query = url.Values{"nonsense": {"1"}, "limit": {"-1"}}
	for name := range senseless.path {
		senseless.path[name] = "!"
	}
	for _, a := range []*arguments{own, foreign, senseless} {
		if r := m.call(t, op, access.Subject{}, a); r.status != http.StatusUnauthorized {
			t.Errorf("nobody: %d %s, want 401", r.status, r.body)
		}
	}
	for _, c := range callers {
		who := c.of(m.ours)
		if op.may(who) {
			continue
		}
		a, b, x := m.call(t, op, who, own), m.call(t, op, who, foreign), m.call(t, op, who, senseless)
		if a.status != http.StatusForbidden || b.status != http.StatusForbidden || x.status != http.StatusForbidden {
			t.Errorf("%s: %d on an own object, %d on a foreign one and %d on nonsense, want 403: %s", c.name, a.status, b.status, x.status, a.body)
		}
	}
}

// hides: whatever of an operation names an object, a foreign one answers as one that does not exist.
func (m *matrix) hides(t *testing.T, op *operation) {
	for _, place := range m.arguments(t, op, m.ours).places {
		for _, c := range callers {
			who := c.of(m.ours)
			if !op.may(who) {
				continue
			}
			t.Run(c.name+" with a foreign "+place.name, func(t *testing.T) {
				foreign, none := m.arguments(t, op, m.ours), m.arguments(t, op, m.ours)
				foreignID, noID := m.theirs.text(t, place.noun), store.ID(77).String()
				foreign.set(place.name, foreignID)
				none.set(place.name, noID)
				a, b := m.call(t, op, who, foreign), m.call(t, op, who, none)
				if a.status != b.status || strings.ReplaceAll(a.body, foreignID, noID) != b.body {
					t.Errorf("a foreign one gives %d %s\none that does not exist gives %d %s", a.status, a.body, b.status, b.body)
				}
				if place.path && a.status != http.StatusNotFound || a.status >= 500 {
					t.Errorf("%d %s, want 404", a.status, a.body)
				}
			})
		}
	}
	// The administrator of another organisation is nobody here.
	if a := m.arguments(t, op, m.ours); slices.ContainsFunc(a.places, func(p place) bool { return p.path }) {
		if who := role(access.Administrator)(m.theirs); op.may(who) {
			if r := m.call(t, op, who, a); r.status != http.StatusNotFound {
				t.Errorf("the administrator of another organisation: %d %s, want 404", r.status, r.body)
			}
		}
	}
}

// allows: those with the permission, on objects of their own. What changes something gets a world of its own.
func (m *matrix) allows(t *testing.T, op *operation) {
	var w *world
	for _, c := range callers {
		if w == nil || op.method != http.MethodGet {
			if w = m.ours; op.method != http.MethodGet {
				w = newWorld(t, m.store)
			}
		}
		who := c.of(w)
		if !op.may(who) {
			continue
		}
		r := m.call(t, op, who, m.arguments(t, op, w))
		if r.status < 300 || slices.Contains(answers[op.ID], r.status) {
			continue
		}
		t.Errorf("%s: %d %s; if that is right, or the arguments are not, say so in matrix_seed_test.go", c.name, r.status, r.body)
	}
}

// TestMatrixExpired holds that a session that has ended and tokens that no longer count are nobody's.
func TestMatrixExpired(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	m := newMatrix(t, s)
	w := newWorld(t, s)
	real := server.New(server.Options{Store: s, Log: slog.New(slog.DiscardHandler)})
	for name, header := range map[string][2]string{
		"an ended session": {"Cookie", "plumbline=" + w.endedSession(t)},
		"a revoked token":  {"Authorization", "Bearer " + w.token(t, "revoked_at = 5")},
		"an expired token": {"Authorization", "Bearer " + w.token(t, "expires_at = 5")},
		"a forged token":   {"Authorization", "Bearer plb_0000000000000000000000000000000000000000000_000000"},
		"an unknown way":   {"Authorization", "Basic YWRtaW46YWRtaW4="},
	} {
		t.Run(name, func(t *testing.T) {
			for i, op := range m.operations {
				if op.Permission == "public" {
					continue
				}
				r := m.arguments(t, op, w).request(t, context.Background(), op)
				r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", i%250) // nobody has to wait for guessing
				r.Header.Set(header[0], header[1])
				rec := httptest.NewRecorder()
				real.Handler.ServeHTTP(rec, r)
				if rec.Code != http.StatusUnauthorized {
					t.Errorf("%s: %d %s", op.ID, rec.Code, rec.Body)
				}
			}
		})
	}
}
