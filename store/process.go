package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// ProcessName is how this process is known to others: what works on a job is named so.
func (s *Store) ProcessName() string { return processPrefix + strconv.FormatInt(s.process, 10) }

const processPrefix = "process-"

// Pulse is a sign of life of a process. Seen only ever grows while it lives, whatever its clock does: who watches compares it with
// what it was before, not with a clock.
type Pulse struct {
	Process string // see ProcessName
	Kind    string
	Host    string
	Started Millis
	Seen    int64
}

// Beat gives a sign of life.
func (s *Store) Beat(ctx context.Context) error {
	return s.Quiet(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.NewRaw("UPDATE process SET seen_at = CASE WHEN seen_at < ? THEN ? ELSE seen_at + 1 END WHERE id = ?", tx.Now, tx.Now, s.process).Exec(ctx); err != nil {
			return fmt.Errorf("give a sign of life: %w", err)
		}
		return nil
	})
}

// Leave takes the process off the list: it works on nothing any more, and whatever is left is anybody's.
func (s *Store) Leave(ctx context.Context) error {
	return s.Quiet(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.NewRaw("UPDATE process SET seen_at = 0 WHERE id = ?", s.process).Exec(ctx); err != nil {
			return fmt.Errorf("leave the list of processes: %w", err)
		}
		return nil
	})
}

// Pulses returns the signs of life of processes that did not leave.
func (s *Store) Pulses(ctx context.Context) ([]Pulse, error) {
	var rows []struct {
		ID         int64
		Kind, Host string
		StartedAt  Millis
		SeenAt     int64
	}
	if err := s.DB.NewRaw("SELECT id, kind, host, started_at, seen_at FROM process WHERE seen_at > 0").Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("read the signs of life: %w", err)
	}
	out := make([]Pulse, len(rows))
	for i, r := range rows {
		out[i] = Pulse{processPrefix + strconv.FormatInt(r.ID, 10), r.Kind, r.Host, r.StartedAt, r.SeenAt}
	}
	return out, nil
}

// IsProcess tells whether a name is one of ProcessName.
func IsProcess(name string) bool { return strings.HasPrefix(name, processPrefix) }
