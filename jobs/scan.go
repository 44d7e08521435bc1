package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/store"
)

const (
	maxChunk   = 200             // commits of one job: others have their turn then
	maxBatch   = 50              // commits of one transaction
	batchEvery = 2 * time.Second // or fewer, when they come slowly
)

// plan is what one scan job does: some commits of one branch.
type plan struct {
	target  *store.ScanTarget
	branch  *store.BranchWork
	kind    string // of the scan: commit, history, full
	commits []mirror.Commit
	line    map[string]bool // commits that move the branch
	overlap int             // how many commits are there only so that the next ones can be compared with them
	more    bool            // there is more to do for the repository
}

// scan scans the next commits of a repository, and queues a job for what is left. It does one branch, and at most maxChunk commits, so
// that repositories take turns.
func (t *attempt) scan(ctx context.Context) error {
	j := t.job.Args
	target, err := t.Store.ScanTarget(ctx, j.Repository)
	if err != nil {
		return err
	}
	if target.State == "paused" && j.Daily {
		return t.end(ctx, store.Entry{}, func(context.Context, *store.Tx) error { return nil })
	}
	if busy, err := t.busy(ctx); err != nil || busy {
		return errors.Join(err, &putOff{time.Second})
	}
	m := t.mirror(j.Repository)
	if !m.Exists() { // this machine never fetched it
		if err := t.bring(ctx, target); err != nil {
			return t.failed(ctx, target, 0, err)
		}
	}
	p, err := t.plan(ctx, m, target)
	if mirror.Is(err, mirror.NotFound) || mirror.Is(err, mirror.Broken) { // the mirror is older than the branch, or lost something
		if err := t.bring(ctx, target); err != nil {
			return t.failed(ctx, target, 0, err)
		}
		p, err = t.plan(ctx, m, target)
	}
	if err != nil {
		return t.failed(ctx, target, 0, err)
	}
	if p == nil {
		return t.end(ctx, store.Entry{}, func(context.Context, *store.Tx) error { return nil })
	}
	return t.run(ctx, m, p)
}

// busy tells whether another job scans the repository: the one that came first goes on.
func (t *attempt) busy(ctx context.Context) (bool, error) {
	var n int
	if err := t.Store.DB.NewRaw("SELECT count(*) FROM river_job WHERE state = 'running' AND kind = ? AND id < ? AND args ->> 'repository' = ?", string(Scan), t.job.ID, t.job.Args.Repository.String()).Scan(ctx, &n); err != nil {
		return false, fmt.Errorf("look at the jobs that run: %w", err)
	}
	return n > 0, nil
}

// plan decides what to scan; nil when there is nothing.
func (t *attempt) plan(ctx context.Context, m mirror.Mirror, target *store.ScanTarget) (*plan, error) {
	j := t.job.Args
	p := &plan{target: target, kind: "commit"}
	var err error
	if j.Mode == Heads {
		if p.branch, p.more, err = t.Store.NextBranch(ctx, j.Repository); err != nil || p.branch == nil {
			return nil, err
		}
		return p, t.planHeads(ctx, m, p)
	}
	if p.branch, err = t.Store.BranchWork(ctx, j.Repository, j.Branch); err != nil {
		return nil, err
	}
	if j.Mode == History {
		p.kind = "history"
		return p, t.planHistory(ctx, m, p)
	}
	p.kind = "full"
	if !j.Daily {
		p.kind = "manual"
	}
	p.commits, err = m.Commits(ctx, mirror.Range{To: p.branch.Head, Most: 1})
	p.line = map[string]bool{p.branch.Head: true}
	return p, err
}

// planHeads takes what is new on a branch. The first scan of a repository takes its head only, or as much history as Backlog says.
func (t *attempt) planHeads(ctx context.Context, m mirror.Mirror, p *plan) error {
	heads, err := t.Store.ScannedHeads(ctx, p.target.ID)
	if err != nil {
		return err
	}
	most := 0
	if len(heads) == 0 {
		most = max(1, t.Backlog)
	}
	list, err := m.Commits(ctx, mirror.Range{To: p.branch.Head, Not: heads, Most: most})
	if err != nil {
		return err
	}
	if len(list) == 0 || list[len(list)-1].ID != p.branch.Head { // another branch has it already
		head, err := m.Commits(ctx, mirror.Range{To: p.branch.Head, Most: 1})
		if err != nil {
			return err
		}
		list = append(slices.DeleteFunc(list, func(c mirror.Commit) bool { return c.ID == p.branch.Head }), head...)
	}
	p.line = lineOf(list, p.branch.Head)
	if list, err = t.unknown(ctx, p, list); err != nil {
		return err
	}
	p.cut(list)
	if parent := parentOf(p.commits[0]); parent != "" && parent != p.branch.Scanned && len(heads) > 0 { // a new branch: what it brought is what its start did not have
		start, err := m.Commits(ctx, mirror.Range{To: parent, Most: 1})
		if err != nil {
			return err
		}
		p.commits, p.overlap = append(start, p.commits...), len(start)
	}
	return nil
}

// planHistory takes commits that nobody scanned, the oldest first. They move no branch: its findings are those of its head.
func (t *attempt) planHistory(ctx context.Context, m mirror.Mirror, p *plan) error {
	all, err := m.Commits(ctx, mirror.Range{To: p.branch.Head, Most: 200_000})
	if err != nil {
		return err
	}
	p.line = map[string]bool{}
	list, err := t.unknown(ctx, p, all)
	if err != nil {
		return err
	}
	p.cut(list)
	if len(p.commits) > 0 { // the first is compared with its parent, so that what it brought is known
		if parent := parentOf(p.commits[0]); parent != "" {
			if i := slices.IndexFunc(all, func(c mirror.Commit) bool { return c.ID == parent }); i >= 0 {
				p.commits, p.overlap = append([]mirror.Commit{all[i]}, p.commits...), 1
			}
		}
	}
	return nil
}

// unknown leaves out commits that have a result and do not move the branch.
func (t *attempt) unknown(ctx context.Context, p *plan, list []mirror.Commit) ([]mirror.Commit, error) {
	ids := make([]string, len(list))
	for i, c := range list {
		ids[i] = c.ID
	}
	known, err := t.Store.KnownCommits(ctx, p.target.ID, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(list), func(c mirror.Commit) bool { return known[c.ID] && !p.line[c.ID] }), nil
}

// cut takes as many commits as one job does: at least one that moves the branch, if any does.
func (p *plan) cut(list []mirror.Commit) {
	n := min(len(list), maxChunk)
	if len(p.line) > 0 && !slices.ContainsFunc(list[:n], func(c mirror.Commit) bool { return p.line[c.ID] }) {
		n = slices.IndexFunc(list, func(c mirror.Commit) bool { return p.line[c.ID] }) + 1
	}
	p.more = p.more || n < len(list)
	p.commits = list[:n]
}

// lineOf is the line of first parents from a commit down, as far as it is in a list.
func lineOf(list []mirror.Commit, head string) map[string]bool {
	parents := make(map[string]string, len(list))
	for _, c := range list {
		parents[c.ID] = parentOf(c)
	}
	line := map[string]bool{}
	for id := head; ; {
		parent, ok := parents[id]
		if !ok || line[id] {
			return line
		}
		line[id] = true
		id = parent
	}
}

// run scans the commits of a plan, and writes what comes in as it comes.
func (t *attempt) run(ctx context.Context, m mirror.Mirror, p *plan) error {
	r := &scanRun{attempt: t, plan: p, track: newTracker(p.commits, p.line, p.branch.Scanned), expects: p.branch.Scanned}
	settings, err := config.Overlay([]byte(p.target.Lower), []byte(p.target.Settings))
	if err != nil {
		return fmt.Errorf("lay the settings of the repository over those of the organisation: %w", err)
	}
	request := Request{GitDir: m.Dir, Settings: string(settings), Today: t.Store.Now().UTC(), Limits: t.Limits}
	if p.kind != "history" {
		watched, err := t.Store.Watched(ctx, p.branch.ID)
		if err != nil {
			return err
		}
		for _, a := range watched {
			request.Watch = append(request.Watch, Watched{a.Fingerprint, a.Rule, a.File, a.Unit})
		}
	}
	for i, c := range p.commits {
		head := c.ID == p.branch.Head && len(p.line) > 0
		request.Commits = append(request.Commits, RequestCommit{ID: c.ID, Full: i == 0, Fixes: head, Snapshot: head && p.branch.IsDefault})
	}
	if err := t.write(ctx, store.Entry{}, func(ctx context.Context, tx *store.Tx) (err error) {
		r.scan, err = tx.BeginScan(ctx, p.target.Organisation, store.Scan{Repository: p.target.ID, Branch: p.branch.ID, Kind: p.kind, Job: t.job.ID})
		if err != nil {
			return err
		}
		return tx.Notify(ctx, r.notice(), r.progress())
	}); err != nil {
		return err
	}
	r.wrote = time.Now()
	err = r.children(ctx, request)
	if errors.Is(err, errGiveWay) {
		r.commits, r.more, err = r.commits[:r.next], true, nil
	}
	if err != nil {
		return t.failed(ctx, p.target, r.scan, errors.Join(err, r.keep(ctx)))
	}
	if r.next != len(p.commits) {
		return t.failed(ctx, p.target, r.scan, fmt.Errorf("the scan ended after %d of %d commits", r.next, len(p.commits)))
	}
	return r.finish(ctx)
}

// deaths is how many commits of one job may end their child: each costs the time of the limit that it reached.
const deaths = 3

// children scans the commits. A child that ends early, at a limit of its own, is followed by another one that goes on where it was. What
// ends a child as its first commit is at fault itself, and is left out; unless no limit was reached: then it may be this
// machine, and the job is tried again first.
func (r *scanRun) children(ctx context.Context, request Request) error {
	for died := 0; ; {
		start := r.next
		err := r.Child(ctx, request, func(c CommitResult) error { return r.take(ctx, c) })
		failed, ok := errors.AsType[*ChildError](err)
		if !ok || ctx.Err() != nil || r.next >= len(r.commits) || failed.Commit != r.commits[r.next].ID {
			return err
		}
		if r.next == start {
			if died++; died > deaths || failed.Limit == "" && r.job.Attempt < 3 {
				return err
			}
			if err := r.take(ctx, CommitResult{Commit: failed.Commit, Failure: failed.Text}); err != nil {
				return err
			}
		}
		if request.Commits = request.Commits[len(request.Commits)-(len(r.commits)-r.next):]; len(request.Commits) == 0 {
			return nil
		}
	}
}

// scanRun is a plan that runs.
type scanRun struct {
	*attempt
	*plan
	track     *tracker
	scan      store.ID
	next      int // of commits: the one whose result comes next
	batch     []store.Result
	snapshots []snapshotOf
	failure   string // why the head could not be scanned
	mistake   string // what is wrong in its settings, which did not count then
	wrote     time.Time
	done      int
	expects   string // the newest scanned commit of the branch, if nobody else moved it
}

type snapshotOf struct {
	commit   string
	snapshot *Snapshot
}

// take takes the result of one commit.
func (r *scanRun) take(ctx context.Context, c CommitResult) error {
	if r.next >= len(r.commits) || r.commits[r.next].ID != c.Commit {
		return fmt.Errorf("the scan answers with commit %.12q, which is not the next one", c.Commit)
	}
	result, err := r.track.take(r.commits[r.next], c)
	if err != nil {
		return err
	}
	r.next++
	if r.next <= r.overlap {
		return nil
	}
	r.batch = append(r.batch, result)
	if c.Commit == r.branch.Head {
		r.failure, r.mistake = c.Failure, ""
		if len(c.Mistakes) > 0 {
			r.mistake = c.Mistakes[0]
		}
	}
	if c.Snapshot != nil && r.Snapshot != nil {
		r.snapshots = append(r.snapshots, snapshotOf{c.Commit, c.Snapshot})
	}
	if len(r.batch) < maxBatch && (time.Since(r.wrote) <= batchEvery || r.next == len(r.commits)) {
		return nil
	}
	if err := r.keep(ctx); err != nil || r.next == len(r.commits) {
		return err
	}
	return r.giveWay(ctx)
}

// errGiveWay ends the child of a job that lets another one go first.
var errGiveWay = errors.New("another scan goes first")

// giveWay tells whether somebody waits for a scan that is more urgent than the rest of this one: of a repository that nobody scanned yet, or
// of a higher priority. With one scanner it would wait for as long as maxChunk commits take.
func (r *scanRun) giveWay(ctx context.Context) error {
	var list []struct {
		Priority   int
		Repository string
	}
	if err := r.Store.DB.NewRaw("SELECT priority, args ->> 'repository' AS repository FROM river_job WHERE state = 'available' AND queue = ? AND kind = ? ORDER BY priority, scheduled_at LIMIT 20", scanQueue, string(Scan)).Scan(ctx, &list); err != nil {
		return fmt.Errorf("look who waits for a scan: %w", err)
	}
	var others []store.ID
	for _, j := range list {
		var id store.ID
		if err := id.UnmarshalText([]byte(j.Repository)); err != nil {
			continue // of no repository
		}
		switch {
		case id == r.target.ID: // it would wait for this one, see busy
		case j.Priority < r.job.Priority:
			return errGiveWay
		case j.Priority == r.job.Priority:
			others = append(others, id)
		}
	}
	if len(others) == 0 {
		return nil
	}
	fresh, err := r.Store.NeverScanned(ctx, others)
	if err != nil || !fresh {
		return err
	}
	return errGiveWay
}

// keep writes what came in so far. What is written stays, whatever happens to the job.
func (r *scanRun) keep(ctx context.Context) error {
	if len(r.batch) == 0 {
		return nil
	}
	err := r.write(ctx, r.entry(), r.save)
	r.wrote = time.Now()
	return err
}

func (r *scanRun) entry() store.Entry {
	return store.Entry{Organisation: r.target.Organisation, Actor: "system", Action: "scan.ingest", Object: "repository:" + r.target.ID.String() + " " + r.target.Name,
		Data: map[string]any{"branch": r.branch.Name, "kind": r.kind, "commits": len(r.batch), "last": r.batch[len(r.batch)-1].Commit.SHA}}
}

// save takes the batch in, in a transaction.
func (r *scanRun) save(ctx context.Context, tx *store.Tx) error {
	var scanned string
	if err := tx.NewRaw("SELECT scanned FROM branch WHERE id = ? AND removed_at = 0", r.branch.ID).Scan(ctx, &scanned); err != nil {
		return fmt.Errorf("read where the branch stands: %w", err)
	}
	if scanned != r.expects {
		return errSuperseded // somebody else scanned it meanwhile
	}
	if _, err := tx.Ingest(ctx, store.Ingest{Repository: r.target.ID, Branch: r.branch.ID, Scan: r.scan, Results: r.batch}); err != nil {
		return err
	}
	if r.kind == "history" {
		if err := tx.SetOrigins(ctx, r.target.Organisation, r.target.ID, origins(r.batch)); err != nil {
			return err
		}
	}
	for _, s := range r.snapshots {
		if err := r.Snapshot(ctx, tx, SnapshotPlace{r.target.Organisation, r.target.ID, s.commit}, s.snapshot); err != nil {
			return fmt.Errorf("keep what commit %.12s declares: %w", s.commit, err)
		}
	}
	if err := tx.CountScan(ctx, r.scan, len(r.batch)); err != nil {
		return err
	}
	for _, result := range r.batch {
		if !result.Side {
			r.expects = result.Commit.SHA
		}
	}
	r.done += len(r.batch)
	r.batch, r.snapshots = nil, nil
	return tx.Notify(ctx, r.notice(), r.progress())
}

func (r *scanRun) notice() store.Notice {
	return store.Notice{Organisation: r.target.Organisation, Repository: r.target.ID, Kind: "scans"}
}

// progress is what those who watch are told while it runs: commits that are done, of those that this job does.
func (r *scanRun) progress() map[string]any {
	return map[string]any{"scan": r.scan, "state": "running", "done": r.done, "total": len(r.commits) - r.overlap}
}

// origins are the commits that brought findings, as their history says.
func origins(batch []store.Result) (list []store.Origin) {
	for _, r := range batch {
		if r.Delta == nil {
			continue
		}
		for _, id := range r.Delta.Added {
			list = append(list, store.Origin{Fingerprint: id, SHA: r.Commit.SHA, Author: r.Commit.Author, At: r.Commit.At})
		}
	}
	return list
}

// finish writes the rest, ends the scan and the job, and queues what follows.
func (r *scanRun) finish(ctx context.Context) error {
	e := store.Entry{}
	if len(r.batch) > 0 {
		e = r.entry()
	}
	return r.end(ctx, e, func(ctx context.Context, tx *store.Tx) error {
		if len(r.batch) > 0 {
			if err := r.save(ctx, tx); err != nil {
				return err
			}
		}
		problem := ""
		if r.failure != "" {
			problem = "The newest commit of " + r.branch.Name + " could not be scanned: " + r.failure
		} else if r.mistake != "" && r.branch.IsDefault {
			problem = "The settings in the newest commit of " + r.branch.Name + " do not count, because of a mistake in them: " + r.mistake
		}
		if err := tx.EndScan(ctx, store.ScanEnd{Organisation: r.target.Organisation, Repository: r.target.ID, Scan: r.scan, Problem: problem}); err != nil {
			return err
		}
		if err := r.queue.TellNow(ctx, tx, r.target.Organisation); err != nil {
			return err
		}
		j := r.job.Args
		if r.more {
			if _, err := r.queue.Insert(ctx, tx, j); err != nil {
				return err
			}
		}
		if r.branch.IsDefault && j.Mode != History {
			_, err := r.queue.Insert(ctx, tx, Job{What: Blame, Organisation: r.target.Organisation, Repository: r.target.ID})
			return err
		}
		return nil
	})
}

// failed notes at the repository why a job failed. The job is tried again.
func (t *attempt) failed(ctx context.Context, target *store.ScanTarget, scan store.ID, err error) error {
	if errors.Is(err, errSuperseded) || ctx.Err() != nil && t.stop.Err() != nil {
		return err
	}
	text := people(err)
	noted := t.write(context.WithoutCancel(ctx), store.Entry{}, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if scan != 0 {
			err = tx.EndScan(ctx, store.ScanEnd{Organisation: target.Organisation, Repository: target.ID, Scan: scan, Problem: text})
		} else {
			err = tx.SetProblem(ctx, target.Organisation, target.ID, text)
		}
		if err != nil {
			return err
		}
		return t.queue.TellNow(ctx, tx, target.Organisation)
	})
	if errors.Is(noted, errSuperseded) {
		return noted
	}
	return errors.Join(err, noted)
}

// people is an error in words for those who look at the repository, without what only the log may have.
func people(err error) string {
	if e, ok := errors.AsType[*mirror.Error](err); ok {
		return e.Text
	}
	if e, ok := errors.AsType[*store.Fault](err); ok {
		return e.Text
	}
	if e, ok := errors.AsType[*ChildError](err); ok {
		return e.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "it took longer than a job may take"
	}
	return "something went wrong on the server; its log says what"
}
