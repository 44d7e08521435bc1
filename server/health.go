package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"sync"
	"time"
)

// leastFree is how much room the disk of the data directory must have for the server to be ready, in bytes.
const leastFree = 256 << 20

// health answers whether the process lives and whether it can do its work.
type health struct {
	mu     sync.Mutex
	at     time.Time
	checks []check
}

// check is one thing that must be right.
type check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Why  string `json:"why,omitempty"` // what to do, for those who may watch
}

// readyFor is how long an answer counts: whoever asks often asks the database no oftener.
const readyFor = 2 * time.Second

// serveLive answers as long as the process can answer at all.
func (s *Server) serveLive(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

// serveReady answers 200 when requests can be answered and work be done, else 503, with what is wrong. Why it is wrong is told to
// those who may see the metrics.
func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	checks := s.readiness(r.Context())
	ready := true
	for i, c := range checks {
		ready = ready && c.OK
		if !s.mayWatch(r) {
			checks[i].Why = ""
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if err := json.NewEncoder(w).Encode(struct {
		Ready  bool    `json:"ready"`
		Checks []check `json:"checks"`
	}{ready, checks}); err != nil {
		s.Log.DebugContext(r.Context(), "readiness was not sent", "error", err)
	}
}

func (s *Server) readiness(ctx context.Context) []check {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	if time.Since(s.health.at) > readyFor {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		s.health.checks = s.check(ctx)
		s.health.at = time.Now()
	}
	return append([]check(nil), s.health.checks...)
}

func (s *Server) check(ctx context.Context) []check {
	var all []check
	add := func(name string, err error) {
		c := check{Name: name, OK: err == nil}
		if err != nil {
			c.Why = shown(err.Error())
		}
		all = append(all, c)
	}
	if s.Store != nil {
		var one int
		err := s.Store.DB.NewRaw("SELECT 1").Scan(ctx, &one)
		add("database", err)
		if err == nil {
			add("migrations", s.Store.Current(ctx))
			if s.Keys != nil {
				add("master key", s.Store.CheckKey(ctx, s.Keys))
			}
		}
	}
	_, err := exec.LookPath("git")
	if err != nil {
		err = errors.New("git is not installed: repositories cannot be fetched")
	}
	add("git", err)
	if s.Data != "" {
		free, err := freeBytes(s.Data)
		if err == nil && free < leastFree {
			err = fmt.Errorf("the disk of %s has %d MB left, %d are the least: make room", s.Data, free>>20, leastFree>>20)
		}
		add("disk", err)
	}
	return all
}
