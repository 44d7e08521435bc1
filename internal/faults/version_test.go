package faults

import (
	"os"
	"testing"

	"plumbline.dev/plumbline/store"
)

// TestVersions runs the build that $PLUMBLINE_OLDER names beside this one on one database, which this one has brought up to date: both take
// changes and answer reads, neither with a fault of the server.
func TestVersions(t *testing.T) {
	older := os.Getenv("PLUMBLINE_OLDER")
	if older == "" {
		t.Skip("PLUMBLINE_OLDER names no older build")
	}
	newer := built
	built = older
	defer func() { built = newer }()
	s, _ := newSite(t, store.PostgreSQL, "--no-work")
	ids := s.seed(t)
	old := *s
	built = newer
	s.port = freePort(t)
	s.serve(t, "--no-work")
	s.start(t, "worker")
	for range 10 {
		for _, side := range []*site{&old, s} {
			side.must(t, "POST", "/api/findings/"+ids[0].String()+"/comments", `{"text":"from one side"}`, nil)
			side.must(t, "POST", "/api/findings/mute", `{"ids":["`+ids[1].String()+`"],"reason":"other"}`, nil)
			side.must(t, "POST", "/api/findings/restore", `{"ids":["`+ids[1].String()+`"]}`, nil)
			for _, path := range []string{"/api/findings", "/api/repositories", "/api/jobs", "/api/findings/" + ids[1].String() + "/events"} {
				side.must(t, "GET", path, "", nil)
			}
		}
	}
	s.isWhole(t)
	s.auditHolds(t)
}
