package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/server"
	"plumbline.dev/plumbline/store"
)

// TestAddressesNeverFetched holds that what a fetch would refuse is refused when it is entered, in the same words.
func TestAddressesNeverFetched(t *testing.T) {
	allowed := t.TempDir()
	if err := os.Mkdir(filepath.Join(allowed, "there"), 0o700); err != nil {
		t.Fatal(err)
	}
	hosts, err := outbound.Parse([]string{"public", "file://" + allowed}, "--git-hosts")
	if err != nil {
		t.Fatal(err)
	}
	hosts.Folders = "--allow-file"
	d := newDesk(t, storetest.Open(t, storetest.Address(t, store.SQLite)), func(o *server.Options) {
		o.Repositories.AllowFile, o.Repositories.Hosts = true, &hosts
	})
	for _, c := range []struct {
		address string
		status  int
		has     string
	}{
		{"file:///etc", 422, "unless --allow-file names their folder"},
		{"file://" + allowed + "/missing", 422, "There is no folder"},
		{"file://" + allowed + "/there", 201, `"name":"there"`},
		{"https://10.1.2.3/a/b", 422, "allow it with --git-hosts 10.1.2.3"},
		{"https://git.corp.internal/a/b", 422, "allow it with --git-hosts"},
		{"ssh://git@localhost/a/b", 422, "allow it with --git-hosts localhost"},
	} {
		if got := d.call("POST", "/api/repositories", `{"address":"`+c.address+`"}`, c.status, nil); !strings.Contains(got, c.has) {
			t.Errorf("%s: %s, want %q", c.address, got, c.has)
		}
	}
}

// TestClientsThatGo holds that whoever asked and went away is neither an error in the log nor one of the server's in the metrics.
func TestClientsThatGo(t *testing.T) {
	d := newDesk(t, storetest.Open(t, storetest.Address(t, store.SQLite)))
	ask := func(authenticate func(*http.Request) (access.Subject, error)) {
		t.Helper()
		was := d.server.Authenticate
		defer func() { d.server.Authenticate = was }()
		if authenticate != nil {
			d.server.Authenticate = authenticate
		}
		ctx, gone := context.WithCancel(context.Background())
		gone()
		w := httptest.NewRecorder()
		d.server.Handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/api/repositories", nil))
		if w.Code != 499 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	ask(nil)
	ask(func(r *http.Request) (access.Subject, error) { return access.Subject{}, r.Context().Err() })
	if text := d.log.String(); text != "" {
		t.Errorf("the log says %s", text)
	}
}
