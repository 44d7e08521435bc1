package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"plumbline.dev/plumbline/store"
)

// Queue takes jobs. It is safe for use by several goroutines.
type Queue struct {
	store  *store.Store
	pg     *river.Client[pgx.Tx] // one of the two
	lite   *river.Client[*sql.Tx]
	config *river.Config
}

// NewQueue opens the queue of a database, and brings its tables up to date. It works on nothing: see Work.
func NewQueue(ctx context.Context, s *store.Store, log *slog.Logger) (*Queue, error) {
	if err := migrate(ctx, s, log); err != nil {
		return nil, fmt.Errorf("bring the tables of the jobs up to date: %w", err)
	}
	return newQueue(s, &river.Config{Logger: quiet(log), SkipUnknownJobCheck: true})
}

func newQueue(s *store.Store, config *river.Config) (*Queue, error) {
	q := &Queue{store: s, config: config}
	var err error
	if s.Engine == store.PostgreSQL {
		q.pg, err = river.NewClient(riverpgxv5.New(s.Pool), config)
	} else {
		q.lite, err = river.NewClient(riversqlite.New(s.Queue), config)
	}
	if err != nil {
		return nil, fmt.Errorf("open the queue: %w", err)
	}
	return q, nil
}

// quiet is the log of River: what it says below warnings is for its makers.
func quiet(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(atLeast{log.Handler(), slog.LevelWarn})
}

type atLeast struct {
	slog.Handler
	level slog.Level
}

// Enabled tells whether a record of a level is written.
func (h atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level && h.Handler.Enabled(ctx, level)
}

// Handle writes a record, unless it is about something that was given up because the process stops.
func (h atLeast) Handle(ctx context.Context, r slog.Record) error {
	given := false
	r.Attrs(func(a slog.Attr) bool {
		err, ok := a.Value.Any().(error)
		text, _ := a.Value.Any().(string)
		given = ok && errors.Is(err, context.Canceled) || strings.Contains(text, context.Canceled.Error())
		return !given
	})
	if given {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// migrateLock is the advisory lock of PostgreSQL under which the tables are changed.
const migrateLock = 0x6a6f6273

// migrate brings River's tables up to date, one process at a time.
func migrate(ctx context.Context, s *store.Store, log *slog.Logger) error {
	if s.Engine == store.SQLite {
		m, err := rivermigrate.New(riversqlite.New(s.Queue), &rivermigrate.Config{Logger: quiet(log)})
		if err != nil {
			return err
		}
		return s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
			//lint:ignore SA1019 it is so for PostgreSQL; SQLite has one connection that writes, which the transaction holds
			_, err := m.MigrateTx(ctx, tx.SQL, rivermigrate.DirectionUp, nil)
			return err
		})
	}
	conn, err := s.Pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", migrateLock); err != nil {
		return err
	}
	defer func() { _, _ = conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrateLock) }()
	m, err := rivermigrate.New(riverpgxv5.New(s.Pool), &rivermigrate.Config{Logger: quiet(log)})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// Insert queues a job in the transaction that asks for it. Jobs about a repository coalesce: one that waits already does for the
// next one too, because a job looks at how things are when it starts. It tells whether a job was added.
func (q *Queue) Insert(ctx context.Context, tx *store.Tx, j Job) (added bool, err error) {
	if j.Repository != 0 {
		waits, err := waiting(ctx, tx, j)
		if err != nil || waits {
			return false, err
		}
	}
	options := &river.InsertOpts{Queue: j.queue(), Priority: j.priority(), MaxAttempts: j.attempts(), Metadata: traceOf(ctx)}
	var result *rivertype.JobInsertResult
	if tx.PGX != nil {
		result, err = q.pg.InsertTx(ctx, tx.PGX, j, options)
	} else {
		result, err = q.lite.InsertTx(ctx, tx.SQL, j, options)
	}
	if err != nil {
		return false, fmt.Errorf("queue a job: %w", err)
	}
	if j.What == Fetch && j.Repository != 0 { // who looks for repositories that were not fetched for a while leaves this one alone
		if err := tx.Tried(ctx, []store.Due{{ID: j.Repository, Organisation: j.Organisation}}); err != nil {
			return false, err
		}
	}
	if j.Organisation != 0 {
		if err := tx.Notify(ctx, store.Notice{Organisation: j.Organisation, Repository: j.Repository, Kind: "jobs"}, nil); err != nil {
			return false, err
		}
	}
	return true, fair(ctx, tx, j, result.Job.ID)
}

// waiting tells whether a job that does the same waits already. A job of the same repository that is put off because it failed counts
// as well, unless somebody asks for it now.
func waiting(ctx context.Context, tx *store.Tx, j Job) (bool, error) {
	query := "SELECT count(*) FROM river_job WHERE state IN ('available', 'scheduled', 'retryable') AND kind = ? AND queue = ? AND args ->> 'repository' = ? AND coalesce(args ->> 'mode', '') = ? AND coalesce(args ->> 'branch', '') = ?"
	branch := ""
	if j.Branch != 0 {
		branch = j.Branch.String()
	}
	var n int
	if err := tx.NewRaw(query, j.Kind(), j.queue(), j.Repository.String(), string(j.Mode), branch).Scan(ctx, &n); err != nil {
		return false, fmt.Errorf("look for jobs that wait: %w", err)
	}
	return n > 0, nil
}

// turns bounds how far the jobs of one organisation are put behind those of others.
const turns = 600

// fair puts a job where it would be if the jobs of its organisation had come a second apart: an organisation with a thousand jobs
// waits for itself, and others do not wait for it.
func fair(ctx context.Context, tx *store.Tx, j Job, id int64) error {
	if j.Organisation == 0 {
		return nil
	}
	var n int
	if err := tx.NewRaw("SELECT count(*) FROM (SELECT 1 FROM river_job WHERE state = 'available' AND queue = ? AND priority = ? AND args ->> 'organisation' = ? LIMIT ?) AS own",
		j.queue(), j.priority(), j.Organisation.String(), turns).Scan(ctx, &n); err != nil {
		return fmt.Errorf("count the jobs of an organisation: %w", err)
	}
	ahead := turns - n
	if ahead <= 0 {
		return nil
	}
	query, by := "UPDATE river_job SET scheduled_at = strftime('%Y-%m-%d %H:%M:%f', scheduled_at, ?) WHERE id = ?", any("-"+strconv.Itoa(ahead)+" seconds")
	if tx.PGX != nil {
		query, by = "UPDATE river_job SET scheduled_at = scheduled_at - ? * interval '1 second' WHERE id = ?", ahead
	}
	if _, err := tx.NewRaw(query, by, id).Exec(ctx); err != nil {
		return fmt.Errorf("put a job in its turn: %w", err)
	}
	return nil
}

// Ask queues what somebody asks for: fetching a repository, or a scan of it. A job that waits because it failed starts now.
func (q *Queue) Ask(ctx context.Context, tx *store.Tx, j Job) error {
	added, err := q.Insert(ctx, tx, j)
	if err != nil || added {
		return err
	}
	now := "strftime('%Y-%m-%d %H:%M:%f', 'now')"
	if tx.PGX != nil {
		now = "now()"
	}
	if _, err := tx.NewRaw("UPDATE river_job SET state = 'available', scheduled_at = "+now+" WHERE state IN ('retryable', 'scheduled') AND kind = ? AND args ->> 'repository' = ?",
		j.Kind(), j.Repository.String()).Exec(ctx); err != nil {
		return fmt.Errorf("start a waiting job: %w", err)
	}
	return nil
}

// sqliteTime is how River writes times on SQLite.
const sqliteTime = "2006-01-02 15:04:05.000"

// moment reads a time of River's tables.
func moment(v any) store.Millis {
	switch v := v.(type) {
	case time.Time:
		return store.MillisOf(v)
	case []byte:
		return moment(string(v))
	case string:
		for _, form := range [...]string{sqliteTime, "2006-01-02 15:04:05.999999999", time.RFC3339Nano} {
			if t, err := time.Parse(form, v); err == nil {
				return store.MillisOf(t)
			}
		}
	}
	return 0
}

// FetchNow queues the fetch of a repository that somebody connected or changed.
func (q *Queue) FetchNow(ctx context.Context, tx *store.Tx, repository store.ID) error {
	j := Job{What: Fetch, Repository: repository}
	if err := tx.NewRaw("SELECT organisation FROM repository WHERE id = ?", repository).Scan(ctx, &j.Organisation); err != nil {
		return fmt.Errorf("read the repository: %w", err)
	}
	return q.Ask(ctx, tx, j)
}
