package attacks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/canary"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/server"
	"plumbline.dev/plumbline/store"
)

// TestPanics has operations break with secrets in what they break with: as a panic, and as an error that nobody expects. The log has
// that it happened and not the secret, the answer has neither.
func TestPanics(t *testing.T) {
	t.Parallel()
	said := &output{}
	var secret atomic.Pointer[canary.Secret]
	var panics atomic.Bool
	ready := make(chan string, 1)
	s := server.New(server.Options{Listen: "127.0.0.1:0", Store: storetest.Open(t, storetest.Address(t, store.SQLite)), Log: server.NewLog(said, true, slog.LevelDebug), Ready: func(at string) { ready <- at },
		Authenticate: func(r *http.Request) (access.Subject, error) {
			text := secret.Load().Text
			if panics.Load() {
				panic(fmt.Sprintf("cannot use %s of %v", text, r.Header))
			}
			return access.Subject{}, fmt.Errorf("open: %w", errors.New(text))
		}})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	base := "http://" + <-ready
	for _, c := range canary.All("panic") {
		secret.Store(&c)
		before := len(said.String())
		for _, how := range []bool{true, false} {
			panics.Store(how)
			r, err := http.NewRequest("GET", base+"/api/session", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Secret", strings.ReplaceAll(c.Text, "\n", " "))
			a, err := send(r)
			if (err == nil) == how {
				t.Errorf("%s: %v %d %s", c.Kind, err, a.status, a.body)
			}
			if strings.Contains(a.body, c.Part) {
				t.Errorf("%s is in the answer %s", c.Kind, a.body)
			}
		}
		added := said.String()[before:]
		if strings.Contains(added, c.Part) || !strings.Contains(added, "panic serving") || !strings.Contains(added, "authenticate") {
			t.Errorf("%s: the log has %.600s", c.Kind, added)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
