package store

import (
	"context"
	"fmt"
)

// Gauges are the numbers that operators watch. They are counted when somebody asks: ask seldom.
type Gauges struct {
	Jobs     []JobGauge
	Scans    []ScanGauge
	Findings []FindingGauge
	Audit    int64 // records
	Bytes    int64 // of the database
	Witness  []Witnessed
	Workers  []ProcessGauge
}

// JobGauge counts the jobs of a kind in a state of the queue.
type JobGauge struct {
	Kind   string
	State  string // available, running, retryable, scheduled, discarded …
	Count  int64
	Oldest float64 // seconds that the oldest of those that could run has waited; 0 in other states
}

// ScanGauge sums up the scans of a kind and state since the beginning.
type ScanGauge struct {
	Kind    string
	State   string
	Count   int64
	Commits int64
	Seconds float64
}

// FindingGauge counts findings.
type FindingGauge struct {
	Severity int64
	Status   string
	Count    int64
}

// Witnessed is how many records a witness has not seen.
type Witnessed struct {
	Name   string
	Behind int64
}

// ProcessGauge counts processes that were seen in the last minute.
type ProcessGauge struct {
	Kind  string
	Count int64
}

// Gauges counts. A table of the queue that is not there yet gives no jobs.
func (s *Store) Gauges(ctx context.Context) (Gauges, error) {
	var g Gauges
	waited := "coalesce((julianday('now') - julianday(min(CASE WHEN state = 'available' THEN scheduled_at END))) * 86400, 0.0)"
	size := "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
	queue := "SELECT count(*) FROM sqlite_master WHERE name = 'river_job'"
	if s.Engine == PostgreSQL {
		waited = "coalesce(extract(epoch FROM now() - min(CASE WHEN state = 'available' THEN scheduled_at END)), 0)::float8"
		size = "SELECT pg_database_size(current_database())"
		queue = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'river_job'"
	}
	fail := func(what string, err error) (Gauges, error) { return g, fmt.Errorf("count %s: %w", what, err) }
	var there int
	if err := s.DB.NewRaw(queue).Scan(ctx, &there); err != nil {
		return fail("jobs", err)
	}
	if there > 0 {
		err := s.DB.NewRaw("SELECT kind, CAST(state AS TEXT) AS state, count(*) AS count, "+waited+" AS oldest FROM river_job GROUP BY kind, state ORDER BY kind, state").Scan(ctx, &g.Jobs)
		if err != nil {
			return fail("jobs", err)
		}
	}
	if err := s.DB.NewRaw("SELECT kind, state, count(*) AS count, CAST(sum(commits) AS BIGINT) AS commits, CAST(sum(CASE WHEN ended_at > 0 THEN ended_at - started_at ELSE 0 END) AS BIGINT) / 1000.0 AS seconds FROM scan GROUP BY kind, state ORDER BY kind, state").Scan(ctx, &g.Scans); err != nil {
		return fail("scans", err)
	}
	if err := s.DB.NewRaw("SELECT severity, status, count(*) AS count FROM finding GROUP BY severity, status ORDER BY severity, status").Scan(ctx, &g.Findings); err != nil {
		return fail("findings", err)
	}
	if err := s.DB.NewRaw("SELECT kind, count(*) AS count FROM process WHERE seen_at > ? GROUP BY kind ORDER BY kind", MillisOf(s.Now())-60_000).Scan(ctx, &g.Workers); err != nil {
		return fail("processes", err)
	}
	if err := s.DB.NewRaw(size).Scan(ctx, &g.Bytes); err != nil {
		return fail("the bytes of the database", err)
	}
	var err error
	if g.Audit, err = s.AuditSize(ctx); err != nil {
		return g, err
	}
	states, err := s.Witnesses(ctx)
	if err != nil {
		return g, err
	}
	for _, w := range states {
		g.Witness = append(g.Witness, Witnessed{Name: w.Name, Behind: g.Audit - w.Size})
	}
	return g, nil
}
