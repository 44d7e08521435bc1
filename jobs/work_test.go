package jobs_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/store"
)

// lineChild is a child that finds one fail for each line "bad NAME" of the files of a commit. It is what the tests of jobs scan
// with: what real scans find is tested elsewhere.
func lineChild(pause time.Duration) func(context.Context, jobs.Request, func(jobs.CommitResult) error) error {
	return func(ctx context.Context, r jobs.Request, take func(jobs.CommitResult) error) error {
		before := map[string]int{}
		for i, c := range r.Commits {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(pause):
			}
			out, err := exec.CommandContext(ctx, "git", "--git-dir", r.GitDir, "grep", "-n", "^bad ", c.ID).Output()
			if err != nil && len(out) > 0 {
				return err
			}
			result := jobs.CommitResult{Commit: c.ID, Full: i == 0 || c.Full}
			now := map[string]int{}
			for text := range strings.Lines(string(out)) {
				var line int
				fields := strings.SplitN(strings.TrimSpace(text), ":", 4)
				file, name := fields[1], strings.TrimPrefix(fields[3], "bad ")
				fmt.Sscan(fields[2], &line)
				if strings.HasPrefix(name, "killer") {
					return &jobs.ChildError{Limit: "memory", Commit: c.ID, Text: "the scan needs more than 2 GiB of memory"}
				}
				id := finding.Identify("aws-s3-public-acl", ".", name, "acl")
				now[id] = line
				if was, ok := before[id]; ok && was == line && !result.Full {
					continue
				}
				f := finding.Finding{ID: id, Twin: finding.Twin("aws-s3-public-acl", name), Rule: "aws-s3-public-acl", Severity: finding.High, Outcome: finding.Fail, Message: "public",
					Resource: finding.Resource{Address: name, Type: "aws_s3_bucket", Provider: "aws", Dialect: "terraform", Unit: "."}, Path: "acl",
					Location: finding.Location{Range: source.Range{File: file}, From: source.Position{Line: line, Column: 1}}}
				result.Found = append(result.Found, jobs.Finding{Finding: f})
			}
			for id := range before {
				if _, ok := now[id]; !ok && !result.Full {
					result.Gone = append(result.Gone, id)
				}
			}
			before = now
			if err := take(result); err != nil {
				return err
			}
		}
		return nil
	}
}

// gitRepo is a repository that tests commit to.
type gitRepo struct {
	t   testing.TB
	dir string
	n   int
}

func newGitRepo(t testing.TB) *gitRepo {
	t.Helper()
	r := &gitRepo{t: t, dir: t.TempDir()}
	r.git("init", "-q", "-b", "main")
	return r
}

func (r *gitRepo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.n) * time.Minute).Format(time.RFC3339)
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_DATE="+at, "GIT_COMMITTER_DATE="+at)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files (name to text, "" removes) and returns the commit.
func (r *gitRepo) commit(files map[string]string) string {
	r.t.Helper()
	r.n++
	for name, text := range files {
		if text == "" {
			r.git("rm", "-q", name)
			continue
		}
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
			r.t.Fatal(err)
		}
		r.git("add", name)
	}
	r.git("commit", "-q", "--allow-empty", "-m", fmt.Sprint("change ", r.n))
	return r.git("rev-parse", "HEAD")
}

// connect connects a repository, and queues its first fetch.
func connect(t testing.TB, s *store.Store, q *jobs.Queue, dir string) (organisation, repository store.ID) {
	t.Helper()
	organisation, repository = s.NewID(), s.NewID()
	if err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.NewRaw("INSERT INTO organisation (id, name, revision, created_at) VALUES (?, ?, 0, ?)", organisation, organisation.String(), tx.Now).Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewRaw("INSERT INTO repository (id, organisation, name, address, created_at) VALUES (?, ?, 'infra', ?, ?)", repository, organisation, "file://"+dir, tx.Now).Exec(ctx); err != nil {
			return err
		}
		return q.Ask(ctx, tx, jobs.Job{What: jobs.Fetch, Organisation: organisation, Repository: repository})
	}); err != nil {
		t.Fatal(err)
	}
	return organisation, repository
}

func ask(t testing.TB, s *store.Store, q *jobs.Queue, j jobs.Job) {
	t.Helper()
	if err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error { return q.Ask(ctx, tx, j) }); err != nil {
		t.Fatal(err)
	}
}

func options(t testing.TB, s *store.Store, dir string) jobs.Options {
	t.Helper()
	hosts, err := outbound.Parse([]string{"file://" + dir}, "--hosts")
	if err != nil {
		t.Fatal(err)
	}
	return jobs.Options{Store: s, Log: slog.New(slog.NewTextHandler(testLog{t}, nil)), Data: t.TempDir(), Hosts: hosts, Scanners: 2, Poll: -1, Daily: -1, Child: lineChild(0)}
}

// testLog writes what is logged to the log of the test.
type testLog struct{ testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.Log(string(bytes.TrimSpace(p)))
	return len(p), nil
}

// work works until the test ends.
func work(t testing.TB, o jobs.Options) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- jobs.Work(ctx, o) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// eventually waits until a query gives a text.
func eventually(t testing.TB, s *store.Store, want string, query string, args ...any) {
	t.Helper()
	var got string
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err := s.DB.NewRaw(query, args...).Scan(context.Background(), &got); err == nil && got == want {
			return
		}
	}
	var list []map[string]any
	_ = s.DB.NewRaw("SELECT id, kind, CAST(state AS text) AS state, attempt, CAST(errors AS text) AS errors FROM river_job").Scan(context.Background(), &list)
	t.Fatalf("it stays %q, want %q\njobs: %v", got, want, list)
}

const stateOf = "SELECT coalesce((SELECT CASE WHEN b.scanned = b.head THEN 'scanned ' ELSE 'behind ' END FROM branch b WHERE b.repository = ? AND b.name = ? AND b.removed_at = 0), 'gone ') || " +
	"(SELECT count(*) FROM finding f WHERE f.repository = ? AND f.status = 'open') || ' open ' || (SELECT count(*) FROM finding f WHERE f.repository = ? AND f.status = 'fixed') || ' fixed ' || (SELECT count(*) FROM commit_result c WHERE c.repository = ?) || ' commits'"

func TestWork(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		q, err := jobs.NewQueue(ctx, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := newGitRepo(t)
		first := r.commit(map[string]string{"a.tf": "bad one\nbad two\n"})
		r.commit(map[string]string{"b.tf": "bad three\n"})
		organisation, repository := connect(t, s, q, r.dir)
		o := options(t, s, r.dir)
		work(t, o)
		is := func(branch, want string) {
			t.Helper()
			eventually(t, s, want, stateOf, repository, branch, repository, repository, repository)
		}
		again := func() {
			t.Helper()
			ask(t, s, q, jobs.Job{What: jobs.Fetch, Organisation: organisation, Repository: repository})
		}
		is("main", "scanned 3 open 0 fixed 1 commits")
		eventually(t, s, "Ada", "SELECT max(introduced_author) FROM finding WHERE introduced_sha = ?", first)

		r.commit(map[string]string{"a.tf": "bad one\n"})
		r.commit(map[string]string{"c.tf": "good\n"})
		r.git("checkout", "-q", "-b", "topic")
		r.commit(map[string]string{"d.tf": "bad four\n"})
		again()
		is("topic", "scanned 3 open 1 fixed 4 commits")
		is("main", "scanned 3 open 1 fixed 4 commits")

		// A merge: its side was scanned on its own branch.
		r.git("checkout", "-q", "main")
		r.commit(map[string]string{"e.tf": "bad five\n"})
		r.n++
		r.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
		r.git("branch", "-q", "-D", "topic")
		again()
		is("main", "scanned 4 open 1 fixed 6 commits")
		is("topic", "gone 4 open 1 fixed 6 commits")

		ask(t, s, q, jobs.Job{What: jobs.Scan, Mode: jobs.History, Organisation: organisation, Repository: repository})
		is("main", "scanned 4 open 1 fixed 7 commits")

		var counts []string
		if err := s.DB.NewRaw("SELECT subject || ' +' || added || ' -' || gone || ' =' || findings FROM commit_result WHERE repository = ? ORDER BY committed_at", repository).Scan(ctx, &counts); err != nil {
			t.Fatal(err)
		}
		want := []string{"change 1 +0 -0 =2", "change 2 +3 -0 =3", "change 3 +0 -1 =2", "change 4 +0 -0 =2", "change 5 +1 -0 =3", "change 6 +1 -0 =3", "merge +1 -0 =4"}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("commits (-want +got)\n%s", diff)
		}
		var kinds []string
		if err := s.DB.NewRaw("SELECT DISTINCT kind || ' ' || state FROM scan WHERE repository = ? ORDER BY 1", repository).Scan(ctx, &kinds); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"commit done", "history done"}, kinds); diff != "" {
			t.Errorf("scans (-want +got)\n%s", diff)
		}
	})
}

// TestCommitThatEndsItsChild holds that a commit which cannot be scanned is a problem of its repository that people see, that the others
// are scanned, and that nothing counts as fixed by it.
func TestCommitThatEndsItsChild(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		q, err := jobs.NewQueue(context.Background(), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := newGitRepo(t)
		r.commit(map[string]string{"a.tf": "bad one\n"})
		r.commit(map[string]string{"b.tf": "bad killer\n"})
		r.commit(map[string]string{"b.tf": "good\n", "c.tf": "bad two\n"})
		organisation, repository := connect(t, s, q, r.dir)
		o := options(t, s, r.dir)
		o.Backlog = 10
		work(t, o)
		eventually(t, s, "scanned 2 open 0 fixed 3 commits", stateOf, repository, "main", repository, repository, repository)
		eventually(t, s, "", "SELECT problem FROM repository WHERE id = ?", repository)
		r.commit(map[string]string{"b.tf": "bad killer\n"})
		ask(t, s, q, jobs.Job{What: jobs.Fetch, Organisation: organisation, Repository: repository})
		eventually(t, s, "scanned 2 open 0 fixed 4 commits", stateOf, repository, "main", repository, repository, repository)
		eventually(t, s, "The newest commit of main could not be scanned: the scan needs more than 2 GiB of memory", "SELECT problem FROM repository WHERE id = ?", repository)
	})
}

// TestCancel holds that a scan that runs can be ended, and that a failed job can be tried again.
func TestCancel(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		q, err := jobs.NewQueue(ctx, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := newGitRepo(t)
		r.commit(map[string]string{"a.tf": "bad one\n"})
		organisation, repository := connect(t, s, q, r.dir)
		o := options(t, s, r.dir)
		first := make(chan bool, 1)
		first <- true
		o.Child = func(ctx context.Context, r jobs.Request, take func(jobs.CommitResult) error) error {
			select {
			case <-first: // only the first one hangs
				<-ctx.Done()
				return context.Cause(ctx)
			default:
				return lineChild(0)(ctx, r, take)
			}
		}
		work(t, o)
		eventually(t, s, "1", "SELECT CAST(count(*) AS text) FROM scan WHERE repository = ? AND state = 'running'", repository)
		scope := access.Scope{Organisation: int64(organisation), All: true}
		one := func(state jobs.State) int64 {
			t.Helper()
			list, err := q.List(ctx, scope, jobs.Query{Kind: jobs.Scan, States: []jobs.State{state}, Limit: 10})
			if err != nil || len(list) != 1 {
				t.Fatalf("%v, %v", list, err)
			}
			return int64(list[0].ID)
		}
		id := one(jobs.Running)
		if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { return q.Cancel(ctx, tx, id) }); err != nil {
			t.Fatal(err)
		}
		eventually(t, s, "cancelled", "SELECT CAST(state AS text) FROM river_job WHERE id = ?", id)
		if got := one(jobs.Cancelled); got != id {
			t.Errorf("job %d is cancelled, want %d", got, id)
		}
		if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { return q.Retry(ctx, tx, id) }); err != nil {
			t.Fatal(err)
		}
		eventually(t, s, "scanned 1 open 0 fixed 1 commits", stateOf, repository, "main", repository, repository, repository)
		if list, err := q.List(ctx, access.Scope{Organisation: int64(organisation) + 1, All: true}, jobs.Query{Limit: 10}); err != nil || len(list) > 0 {
			t.Errorf("another organisation sees %v, %v", list, err)
		}
		if list, err := q.List(ctx, access.Scope{Organisation: int64(organisation), Teams: []int64{7}}, jobs.Query{Limit: 10}); err != nil || len(list) > 0 {
			t.Errorf("a team that owns nothing sees %v, %v", list, err)
		}
	})
}

// TestStop holds that a worker which stops hands its job back at once, without using an attempt.
func TestStop(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		q, err := jobs.NewQueue(context.Background(), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := newGitRepo(t)
		r.commit(map[string]string{"a.tf": "bad one\n"})
		_, repository := connect(t, s, q, r.dir)
		o := options(t, s, r.dir)
		o.Child = func(ctx context.Context, _ jobs.Request, _ func(jobs.CommitResult) error) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		stop := work(t, o)
		eventually(t, s, "1", "SELECT CAST(count(*) AS text) FROM scan WHERE repository = ? AND state = 'running'", repository)
		started := time.Now()
		stop()
		if took := time.Since(started); took > 8*time.Second {
			t.Errorf("stopping took %v", took)
		}
		eventually(t, s, "available after 0 attempts", "SELECT CAST(state AS text) || ' after ' || attempt || ' attempts' FROM river_job WHERE kind = 'scan'")
	})
}
