package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/notify"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/store"
	"plumbline.dev/plumbline/trace"
)

// Options is how a process works on jobs. The zero value of what has a default beside it means the default.
type Options struct {
	Store *store.Store
	Log   *slog.Logger
	Data  string                                                                                   // absolute directory: mirrors are below it
	Hosts outbound.Hosts                                                                           // that may be reached
	Open  func(ctx context.Context, repository store.ID, sealed []byte) (mirror.Credential, error) // opens a sealed credential; nil: there are none

	Scanners    int           // scans at a time: as many as processors
	Fetchers    int           // fetches at a time: 4
	Poll        time.Duration // how often a repository is fetched: 5 min; negative: only when asked
	Daily       time.Duration // how often the head of the default branch is scanned anew: 24 h; negative: never
	Limits      ChildLimits
	FetchLimits mirror.Limits
	Backlog     int    // how many commits of its history the first scan of a repository follows: 0 for its head alone
	Tasks       []Task // of upkeep, besides our own

	Send        *notify.Sender                                            // sends messages; nil: other processes do
	OpenChannel func(c *store.Channel) (target, secret string, err error) // opens what is sealed of a channel; nil as Send
	Rules       func() (store.Rulebook, error)                            // what messages call rules, and filters know of them; nil: nothing

	// Snapshot keeps what a commit declares, in the transaction of its findings; nil keeps nothing.
	Snapshot func(ctx context.Context, tx *store.Tx, at SnapshotPlace, s *Snapshot) error

	// Child scans commits; nil is RunChild with no options.
	Child func(ctx context.Context, r Request, take func(CommitResult) error) error
}

// SnapshotPlace is whose snapshot it is.
type SnapshotPlace struct {
	Organisation store.ID
	Repository   store.ID
	Commit       string
}

// Task is something that is done every so often, by one of all processes.
type Task struct {
	Name  string
	Every time.Duration
	Do    func(ctx context.Context) error
}

// worker works on jobs.
type worker struct {
	Options
	queue *Queue
	stop  context.Context // done when this process is to stop

	mu     sync.Mutex
	active map[int64]int // attempts that this process works on, by job
}

// holds tells whether this process works on an attempt.
func (w *worker) holds(job int64, attempt int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	number, ok := w.active[job]
	return ok && number == attempt
}

// take notes that this process works on an attempt, until the function it returns is called.
func (w *worker) take(job int64, attempt int) (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active[job] = attempt
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.active[job] == attempt {
			delete(w.active, job)
		}
	}
}

// errSuperseded is what happens to the attempt of a job that others took over, because this process was thought dead.
var errSuperseded = errors.New("another worker has taken the job over")

// undone are the states of a task that is still to be done, so that it need not be queued again. River's own list has those that are done as
// well: a task would then run no oftener than done jobs are removed.
var undone = []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled}

// Work works on jobs until the context ends. Then running jobs are handed back, and go on elsewhere or after the next start.
func Work(ctx context.Context, o Options) error {
	if o.Scanners <= 0 {
		o.Scanners = runtime.NumCPU()
	}
	if o.Fetchers <= 0 {
		o.Fetchers = 4
	}
	if o.Poll == 0 {
		o.Poll = 5 * time.Minute
	}
	if o.Daily == 0 {
		o.Daily = 24 * time.Hour
	}
	if o.Child == nil {
		o.Child = func(ctx context.Context, r Request, take func(CommitResult) error) error {
			ctx, span := trace.Start(ctx, "child", trace.Internal)
			err := RunChild(ctx, ChildOptions{}, r, take)
			span.End(err)
			return err
		}
	}
	if err := migrate(ctx, o.Store, o.Log); err != nil {
		return fmt.Errorf("bring the tables of the jobs up to date: %w", err)
	}
	w := &worker{Options: o, stop: ctx, active: map[int64]int{}}
	w.Tasks = append(w.Tasks, w.tasks()...)
	workers := river.NewWorkers()
	for _, kind := range [...]Kind{Fetch, Scan, Blame, Change, Upkeep, Tell, Deliver} {
		river.AddWorkerArgs(workers, Job{What: kind}, river.Worker[Job](&attempts{worker: w, kind: kind}))
	}
	config := &river.Config{
		ID: o.Store.ProcessName(), Logger: quiet(o.Log), Workers: workers,
		Queues:        map[string]river.QueueConfig{fetchQueue: {MaxWorkers: o.Fetchers}, scanQueue: {MaxWorkers: o.Scanners}, upkeepQueue: {MaxWorkers: 2}, notifyQueue: {MaxWorkers: 4}},
		FetchCooldown: 50 * time.Millisecond, FetchPollInterval: time.Second,
		CompletedJobRetentionPeriod: time.Hour, CancelledJobRetentionPeriod: 24 * time.Hour, DiscardedJobRetentionPeriod: 7 * 24 * time.Hour,
		RescueStuckJobsAfter: 3 * time.Hour, // long after the janitor
		JobTimeout:           2 * time.Hour,
	}
	for _, t := range w.Tasks {
		config.PeriodicJobs = append(config.PeriodicJobs, river.NewPeriodicJob(river.PeriodicInterval(t.Every), func() (river.JobArgs, *river.InsertOpts) {
			j := Job{What: Upkeep, Task: t.Name}
			return j, &river.InsertOpts{Queue: j.queue(), Priority: j.priority(), MaxAttempts: j.attempts(), UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: undone}}
		}, &river.PeriodicJobOpts{ID: t.Name, RunOnStart: true}))
	}
	var err error
	if w.queue, err = newQueue(o.Store, config); err != nil {
		return err
	}
	if err := o.Store.Beat(ctx); err != nil {
		return err
	}
	// River outlives the context: stopping is ours, so that jobs can hand themselves back.
	running := context.WithoutCancel(ctx)
	if err := w.start(running); err != nil {
		return fmt.Errorf("start working: %w", err)
	}
	var alive sync.WaitGroup
	alive.Go(func() { w.beat(ctx) })
	alive.Go(func() { w.watch(ctx) })
	alive.Go(func() { w.tidy(ctx) })
	<-ctx.Done()
	patience, cancel := context.WithTimeout(running, 8*time.Second)
	defer cancel()
	err = w.halt(patience)
	alive.Wait()
	return errors.Join(err, o.Store.Leave(patience))
}

func (w *worker) start(ctx context.Context) error {
	if w.queue.pg != nil {
		return w.queue.pg.Start(ctx)
	}
	return w.queue.lite.Start(ctx)
}

// halt stops taking jobs and waits for those that run, which were told.
func (w *worker) halt(ctx context.Context) error {
	var err error
	if w.queue.pg != nil {
		err = w.queue.pg.StopAndCancel(ctx)
	} else {
		err = w.queue.lite.StopAndCancel(ctx)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // what is left is taken over by others
	}
	return err
}

// attempts is the worker of one kind of jobs.
type attempts struct {
	river.WorkerDefaults[Job]
	worker *worker
	kind   Kind
}

// Timeout is how long a job may take.
func (a *attempts) Timeout(*river.Job[Job]) time.Duration {
	return Job{What: a.kind}.timeout(a.worker.Limits)
}

// NextRetry is when a job that failed is tried again.
func (a *attempts) NextRetry(j *river.Job[Job]) time.Time {
	return a.worker.Store.Now().Add(Job{What: a.kind}.wait(j.Attempt))
}

// Work works on one job.
func (a *attempts) Work(ctx context.Context, j *river.Job[Job]) error {
	j.Args.What = a.kind
	defer a.worker.take(j.ID, j.Attempt)()
	ctx, span := trace.Start(trace.Continue(ctx, askedBy(j.Metadata)), string(a.kind), trace.Consumer)
	span.Set("plumbline.job", strconv.FormatInt(j.ID, 10))
	err := a.attempt(ctx, j)
	if _, later := errors.AsType[*rivertype.JobSnoozeError](err); later {
		span.Set("plumbline.later", "true")
		span.End(nil)
	} else {
		span.End(err)
	}
	return err
}

func (a *attempts) attempt(ctx context.Context, j *river.Job[Job]) error {
	t := &attempt{worker: a.worker, job: j}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(a.worker.stop, func() { cancel(context.Canceled) })()
	var err error
	switch a.kind {
	case Fetch:
		err = t.fetch(ctx)
	case Scan:
		err = t.scan(ctx)
	case Blame:
		err = t.blame(ctx)
	case Change:
		err = t.change(ctx)
	case Upkeep:
		err = t.upkeep(ctx)
	case Tell:
		err = t.tell(ctx)
	case Deliver:
		err = t.deliver(ctx)
	}
	var later *putOff
	switch {
	case err == nil:
		return nil
	case errors.As(err, &later):
		return river.JobSnooze(later.by)
	case errors.Is(err, errSuperseded), a.worker.stop.Err() != nil && ctx.Err() != nil:
		return river.JobSnooze(0) // it costs no attempt
	case errors.Is(context.Cause(ctx), river.ErrJobCancelledRemotely):
		return river.JobCancel(errors.New("somebody cancelled it"))
	}
	if fault, ok := errors.AsType[*store.Fault](err); ok && fault.Kind == store.NotFound {
		return river.JobCancel(err) // what it is about was removed
	}
	if a.worker.Log != nil {
		a.worker.Log.WarnContext(ctx, "job failed", "kind", string(a.kind), "job", j.ID, "attempt", j.Attempt, "repository", j.Args.Repository.String(), "error", err)
	}
	if problem, ok := errors.AsType[*mirror.Error](err); ok && a.kind == Fetch && problem.Lasting() {
		j.MaxAttempts = j.Attempt // tried again at once it ends the same; the next poll looks again
	}
	return errors.New(people(err)) // it is kept, and shown to whoever sees the repository
}

// putOff is a job that cannot run now, for no fault of its own.
type putOff struct{ by time.Duration }

func (p *putOff) Error() string { return "put off by " + p.by.String() }

// attempt is one attempt at a job.
type attempt struct {
	*worker
	job *river.Job[Job]
}

// write is a transaction of the job: it is refused when others took the job over.
func (t *attempt) write(ctx context.Context, e store.Entry, do func(context.Context, *store.Tx) error) error {
	fenced := func(ctx context.Context, tx *store.Tx) error {
		if err := t.fence(ctx, tx); err != nil {
			return err
		}
		return do(ctx, tx)
	}
	if e.Action == "" {
		return t.Store.Quiet(ctx, fenced)
	}
	return t.Store.Write(ctx, e, fenced)
}

// end is write for the last transaction of the job: the job is done exactly when the transaction is.
func (t *attempt) end(ctx context.Context, e store.Entry, do func(context.Context, *store.Tx) error) error {
	return t.write(ctx, e, func(ctx context.Context, tx *store.Tx) error {
		if err := do(ctx, tx); err != nil {
			return err
		}
		if tx.PGX != nil {
			_, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx.PGX, t.job)
			return completed(err)
		}
		_, err := river.JobCompleteTx[*riversqlite.Driver](ctx, tx.SQL, t.job)
		return completed(err)
	})
}

func completed(err error) error {
	switch {
	case errors.Is(err, rivertype.ErrNotFound):
		return errSuperseded
	case err != nil:
		return fmt.Errorf("end the job: %w", err)
	}
	return nil
}

// fence refuses when the job is not this attempt's any more. The row stays locked until the transaction ends.
func (t *attempt) fence(ctx context.Context, tx *store.Tx) error {
	var state, by string
	var number int
	var err error
	if tx.PGX != nil {
		err = tx.PGX.QueryRow(ctx, "SELECT state::text, attempt, coalesce(attempted_by[array_length(attempted_by, 1)], '') FROM river_job WHERE id = $1 FOR UPDATE", t.job.ID).Scan(&state, &number, &by)
	} else {
		err = tx.SQL.QueryRowContext(ctx, "SELECT state, attempt, coalesce(attempted_by ->> '$[#-1]', '') FROM river_job WHERE id = ?", t.job.ID).Scan(&state, &number, &by)
	}
	switch {
	case errors.Is(err, sql.ErrNoRows), errors.Is(err, pgx.ErrNoRows):
		return errSuperseded
	case err != nil:
		return fmt.Errorf("look whether the job is still ours: %w", err)
	case state != string(rivertype.JobStateRunning) || number != t.job.Attempt || by != t.Store.ProcessName():
		return errSuperseded
	}
	return nil
}

// mirror is where a repository is kept on this machine.
func (w *worker) mirror(repository store.ID) mirror.Mirror { return MirrorOf(w.Data, repository) }

// MirrorOf is where a process with a data directory keeps a repository. It need not be there.
func MirrorOf(data string, repository store.ID) mirror.Mirror {
	return mirror.Mirror{Dir: filepath.Join(data, "mirrors", repository.String()+".git")}
}
