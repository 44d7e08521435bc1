package server_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/server"
	"plumbline.dev/plumbline/store"
)

// TestMiddleware holds what every answer has to keep to, whatever the operation.
func TestMiddleware(t *testing.T) {
	s := server.New(server.Options{
		Store: storetest.Open(t, storetest.Address(t, store.SQLite)), Log: slog.New(slog.DiscardHandler), Version: "test",
		Web: fstest.MapFS{"index.html": {Data: []byte("<title>Plumbline</title>")}, "assets/a.js": {Data: []byte("1")}},
		Authenticate: func(r *http.Request) (access.Subject, error) {
			if text := r.Header.Get("Authorization"); text == "" || text == "Bearer wrong" {
				return access.Subject{}, nil
			}
			return access.Subject{Kind: "person", ID: 7, Name: "ada@example.org", Organisation: 1, Role: access.Viewer}, nil
		},
	})
	for _, c := range []struct {
		name, method, path, header string
		status                     int
		has                        string
	}{
		{"nobody", "GET", "/api/session", "", 401, "Nobody is signed in"},
		{"somebody", "GET", "/api/session", "Authorization: Bearer x", 200, `"name":"ada@example.org"`},
		{"an unknown parameter", "GET", "/api/session?x=1", "Authorization: Bearer x", 422, "unknown query parameter"},
		{"another site's change", "POST", "/api/session", "Sec-Fetch-Site: cross-site", 403, ""},
		{"the first page", "GET", "/", "", 200, "Plumbline"},
		{"a view of the interface", "GET", "/findings?q=severity:high", "", 200, "Plumbline"},
		{"a token that is none", "GET", "/api/session", "Authorization: Bearer wrong", 401, "The token of this request is not known, or it has ended or was revoked"},
		{"no such operation", "GET", "/api/nothing", "", 404, `"detail":"The API has nothing at this address`},
		{"the document", "GET", "/api/openapi.json", "", 200, "get-session"},
		{"a way out", "GET", "/../../etc/passwd", "", 307, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, nil)
			if name, value, ok := strings.Cut(c.header, ": "); ok {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			s.Handler.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.has) {
				t.Errorf("%d %s, want %d and %q", w.Code, w.Body, c.status, c.has)
			}
			for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options"} {
				if w.Header().Get(name) == "" {
					t.Errorf("no %s", name)
				}
			}
		})
	}
}
