package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/riverqueue/river/rivertype"
	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/store"
)

// State is where a job is, in the words of people.
type State string

// The states of jobs.
const (
	Queued    State = "queued"
	Running   State = "running"
	Waiting   State = "waiting" // it failed and is tried again, or was put off
	Done      State = "done"
	Failed    State = "failed" // and is not tried again
	Cancelled State = "cancelled"
)

// rivers are the states as the queue has them.
var rivers = map[State][]string{Queued: {"available", "pending"}, Running: {"running"}, Waiting: {"retryable", "scheduled"}, Done: {"completed"}, Failed: {"discarded"}, Cancelled: {"cancelled"}}

// stateOf is the reverse of rivers.
func stateOf(river string) State {
	for state, names := range rivers {
		for _, n := range names {
			if n == river {
				return state
			}
		}
	}
	return Queued
}

// Listed is a job for people.
type Listed struct {
	ID          store.ID     `json:"id"`
	Kind        Kind         `json:"kind" enum:"fetch,scan,blame,change,upkeep,tell,deliver"`
	Mode        Mode         `json:"mode" enum:",head,full,history" doc:"of scans"`
	Daily       bool         `json:"daily" doc:"nobody waits for it"`
	State       State        `json:"state" enum:"queued,running,waiting,done,failed,cancelled" doc:"waiting: it failed and is tried again, or was put off"`
	Repository  store.ID     `json:"repository"`
	Name        string       `json:"name" doc:"of the repository"`
	Attempt     int          `json:"attempt"`
	MaxAttempts int          `json:"maxAttempts"`
	Problem     string       `json:"problem" doc:"why the last attempt failed"`
	Process     string       `json:"process" doc:"that works or worked on it"`
	CreatedAt   store.Millis `json:"createdAt"`
	NextAt      store.Millis `json:"nextAt" doc:"when a waiting one is tried again"`
	StartedAt   store.Millis `json:"startedAt" doc:"of the last attempt"`
	EndedAt     store.Millis `json:"endedAt"`
}

// Query says which jobs to list.
type Query struct {
	States     []State // none is all
	Kind       Kind    // "" is all
	Repository store.ID
	After      int64 // the last id of the page before: the newest come first
	Limit      int
}

// List returns jobs, the newest first.
func (q *Queue) List(ctx context.Context, scope access.Scope, query Query) ([]Listed, error) {
	text, args := "", []any{}
	var names []string
	for _, s := range query.States {
		names = append(names, rivers[s]...)
	}
	if len(names) > 0 {
		text, args = text+" AND CAST(j.state AS text) IN (?)", append(args, bun.List(names))
	}
	if query.Kind != "" {
		text, args = text+" AND j.kind = ?", append(args, string(query.Kind))
	}
	if query.Repository != 0 {
		text, args = text+" AND j.args ->> 'repository' = ?", append(args, query.Repository.String())
	}
	if query.After != 0 {
		text, args = text+" AND j.id < ?", append(args, query.After)
	}
	return q.list(ctx, scope, listing{text, args, query.Limit})
}

// listing is a condition on jobs.
type listing struct {
	where string
	args  []any
	limit int
}

func (q *Queue) list(ctx context.Context, scope access.Scope, l listing) ([]Listed, error) {
	by, problem := "j.attempted_by ->> '$[#-1]'", "j.errors ->> '$[#-1].error'"
	if q.store.Engine == store.PostgreSQL {
		by, problem = "j.attempted_by[array_length(j.attempted_by, 1)]", "j.errors[array_length(j.errors, 1)] ->> 'error'"
	}
	allowed, err := q.repositories(ctx, scope)
	if err != nil || len(allowed) == 0 && !scope.All {
		return nil, err
	}
	where, args := " AND j.args ->> 'organisation' = ?", []any{store.ID(scope.Organisation).String()}
	if !scope.All || scope.Repository != 0 {
		ids := make([]string, 0, len(allowed))
		for id := range allowed {
			ids = append(ids, id.String())
		}
		where, args = where+" AND j.args ->> 'repository' IN (?)", append(args, bun.List(append(ids, "-")))
	}
	rows, err := q.store.DB.QueryContext(ctx, "SELECT j.id, j.kind, CAST(j.state AS text), "+argsText(q.store)+", j.attempt, j.max_attempts, coalesce("+by+", ''), coalesce("+problem+", ''), j.created_at, j.scheduled_at, j.attempted_at, j.finalized_at FROM river_job j WHERE 1 = 1"+
		where+l.where+" ORDER BY j.id DESC LIMIT ?", append(append(args, l.args...), l.limit)...)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	defer rows.Close()
	out := []Listed{}
	for rows.Next() {
		var id int64
		var kind, state, text string
		var created, scheduled, attempted, final any
		var x Listed
		if err := rows.Scan(&id, &kind, &state, &text, &x.Attempt, &x.MaxAttempts, &x.Process, &x.Problem, &created, &scheduled, &attempted, &final); err != nil {
			return nil, fmt.Errorf("list jobs: %w", err)
		}
		var j Job
		if err := json.Unmarshal([]byte(text), &j); err != nil {
			return nil, fmt.Errorf("read job %d: %w", id, err)
		}
		x.ID, x.Kind, x.State, x.Mode, x.Daily, x.Repository, x.Name = store.ID(id), Kind(kind), stateOf(state), j.Mode, j.Daily, j.Repository, allowed[j.Repository]
		x.CreatedAt, x.StartedAt, x.EndedAt = moment(created), moment(attempted), moment(final)
		if x.State == Waiting {
			x.NextAt = moment(scheduled)
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

func argsText(s *store.Store) string {
	if s.Engine == store.PostgreSQL {
		return "CAST(j.args AS text)"
	}
	return "json(j.args)"
}

// repositories are the names of the repositories that a scope sees.
func (q *Queue) repositories(ctx context.Context, scope access.Scope) (map[store.ID]string, error) {
	text, args := "SELECT r.id, r.name FROM repository r WHERE r.organisation = ?", []any{scope.Organisation}
	if scope.Repository != 0 {
		text, args = text+" AND r.id = ?", append(args, scope.Repository)
	}
	if !scope.All {
		text += " AND EXISTS (SELECT 1 FROM ownership o WHERE o.organisation = r.organisation AND o.team IN (?) AND (o.repository IS NULL OR o.repository = r.id))"
		args = append(args, bun.List(append([]int64{-1}, scope.Teams...)))
	}
	var list []struct {
		ID   store.ID
		Name string
	}
	if err := q.store.DB.NewRaw(text, args...).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("list repositories: %w", err)
	}
	out := make(map[store.ID]string, len(list))
	for _, r := range list {
		out[r.ID] = r.Name
	}
	return out, nil
}

// Summary is how the queue of an organisation stands.
type Summary struct {
	Queued   int          `json:"queued"`
	Running  int          `json:"running"`
	Waiting  int          `json:"waiting" doc:"failed ones that are tried again, and those put off"`
	Failed   int          `json:"failed" doc:"that are not tried again, of the last seven days"`
	Oldest   store.Millis `json:"oldest" doc:"when the job was made that waits longest for a worker; empty when none does"`
	Finished int          `json:"finished" doc:"of the last hour"`
	Workers  int          `json:"workers" doc:"processes that gave a sign of life in the last half minute"`
}

// Summary counts the jobs that a scope sees.
func (q *Queue) Summary(ctx context.Context, scope access.Scope) (Summary, error) {
	var s Summary
	all, err := q.list(ctx, scope, listing{"", nil, 20_000})
	if err != nil {
		return s, err
	}
	for _, j := range all {
		switch j.State {
		case Queued:
			s.Queued++
			if s.Oldest == 0 || j.CreatedAt < s.Oldest {
				s.Oldest = j.CreatedAt
			}
		case Running:
			s.Running++
		case Waiting:
			s.Waiting++
		case Failed:
			s.Failed++
		case Done:
			s.Finished++
		}
	}
	list, err := q.store.Pulses(ctx)
	if err != nil {
		return s, err
	}
	now := int64(store.MillisOf(q.store.Now()))
	for _, p := range list {
		if p.Kind != "command" && now-p.Seen < 30_000 {
			s.Workers++
		}
	}
	return s, nil
}

// Job returns one job that a scope sees. Another is NotFound.
func (q *Queue) Job(ctx context.Context, scope access.Scope, id int64) (*Listed, error) {
	list, err := q.list(ctx, scope, listing{" AND j.id = ?", []any{id}, 1})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, store.Refuse(store.NotFound, "The job is not there, or not any more: those that are done are kept for an hour.")
	}
	return &list[0], nil
}

// Retry starts a job again that failed, was cancelled or waits.
func (q *Queue) Retry(ctx context.Context, tx *store.Tx, id int64) error {
	var err error
	if tx.PGX != nil {
		_, err = q.pg.JobRetryTx(ctx, tx.PGX, id)
	} else {
		_, err = q.lite.JobRetryTx(ctx, tx.SQL, id)
	}
	if err != nil {
		return fmt.Errorf("start a job again: %w", err)
	}
	return nil
}

// Cancel ends a job: one that runs is stopped within seconds.
func (q *Queue) Cancel(ctx context.Context, tx *store.Tx, id int64) error {
	if tx.PGX != nil {
		if _, err := q.pg.JobCancelTx(ctx, tx.PGX, id); err != nil {
			return fmt.Errorf("cancel a job: %w", err)
		}
		return nil
	}
	row, err := q.lite.JobCancelTx(ctx, tx.SQL, id)
	if err != nil {
		return fmt.Errorf("cancel a job: %w", err)
	}
	if row.State != rivertype.JobStateRunning {
		return nil
	}
	// River 0.47 tells nobody on SQLite: its workers listen to this table.
	payload := `{"action":"cancel","job_id":` + strconv.FormatInt(id, 10) + `,"queue":` + strconv.Quote(row.Queue) + `}`
	if _, err := tx.NewRaw("INSERT INTO river_notification (topic, payload) VALUES ('river_control', ?)", payload).Exec(ctx); err != nil {
		return fmt.Errorf("tell the worker of a cancelled job: %w", err)
	}
	return nil
}
