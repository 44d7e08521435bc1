package server

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// TestRecorder holds that the first status is the one that is sent and counted, and that one that comes too late makes no noise.
func TestRecorder(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(w http.ResponseWriter)
		want int
	}{
		"none":             {func(http.ResponseWriter) {}, 200},
		"one":              {func(w http.ResponseWriter) { w.WriteHeader(404) }, 404},
		"two":              {func(w http.ResponseWriter) { w.WriteHeader(404); w.WriteHeader(500) }, 404},
		"after the body":   {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "x"); w.WriteHeader(500) }, 200},
		"after a flush":    {func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush(); w.WriteHeader(500) }, 200},
		"an interim one":   {func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(404) }, 404},
		"only for interim": {func(w http.ResponseWriter) { w.WriteHeader(103); _, _ = io.WriteString(w, "x") }, 200},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var said bytes.Buffer
			counted := 0
			web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				rec := &recorder{ResponseWriter: w}
				c.do(rec)
				mu.Lock()
				defer mu.Unlock()
				counted = rec.code()
			}))
			web.Config.ErrorLog = log.New(&said, "", 0)
			web.Start()
			answer, err := http.Get(web.URL)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			web.Close()
			mu.Lock()
			defer mu.Unlock()
			if answer.StatusCode != c.want || counted != c.want || said.Len() > 0 {
				t.Errorf("sent %d, counted %d, want %d; said %q", answer.StatusCode, counted, c.want, said.String())
			}
		})
	}
}
