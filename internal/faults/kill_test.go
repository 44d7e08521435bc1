package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline.dev/plumbline/store"
)

// kills is how many processes each engine loses.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("PLUMBLINE_KILLS")); err == nil {
		return n
	}
	return 6
}

// TestKilled kills the server and the workers at any point under load. What was acknowledged is there afterwards, once; what was not is
// there once or not at all, also when it is asked for again with the same key; nobody ever sees half of something; the audit log holds.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the program")
	}
	t.Parallel()
	for _, engine := range []store.Engine{store.SQLite, store.PostgreSQL} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			kill(t, engine)
		})
	}
}

func kill(t *testing.T, engine store.Engine) {
	var more []string
	if engine == store.PostgreSQL {
		more = []string{"--no-work"}
	}
	s, server := newSite(t, engine, more...)
	l := &load{site: s, findings: s.seed(t)}
	repository := s.connect(t)
	var worker *process
	startWorker := func() *process { return s.start(t, "worker") }
	if engine == store.PostgreSQL {
		worker = startWorker()
	}
	stopLoad := l.begin(t)
	stopReading := s.read(t)
	var starts, reruns []time.Duration
	rounds := kills()
	for round := range rounds {
		s.commit(t, round+1)
		time.Sleep(rand.N(1200 * time.Millisecond))
		running := s.running(t)
		at := time.Now()
		if worker != nil && round%2 == 1 {
			worker.kill()
			worker = startWorker()
		} else {
			server.kill()
			l.died(t)
			server = s.serve(t, more...)
			starts = append(starts, time.Since(at))
		}
		if len(running) > 0 && (worker == nil || round%2 == 1) && len(reruns) < max(2, rounds/8) {
			// They go on when others see that the process is silent. Waiting for it each time would make a night of five hundred.
			for id, attempt := range running {
				eventually(t, "a job of a killed process runs again", 60*time.Second, func() error { return s.tried(id, attempt) })
				reruns = append(reruns, time.Since(at))
			}
		}
		s.isWhole(t)
		if round%10 == 9 || round == rounds-1 {
			l.holds(t)
			s.auditHolds(t)
		}
		if t.Failed() {
			t.Fatalf("after %d kills", round+1)
		}
	}
	stopLoad()
	l.retry(t)
	reads := stopReading()
	l.holds(t)
	records := s.auditHolds(t)
	head := strings.TrimSpace(s.head(t))
	eventually(t, "the newest commit is scanned", 120*time.Second, func() error {
		var scanned string
		if err := s.store.DB.NewRaw("SELECT scanned FROM branch WHERE repository = ? AND name = 'main'", repository).Scan(context.Background(), &scanned); err != nil {
			return err
		}
		if scanned != head {
			return fmt.Errorf("it is %q, want %s", scanned, head)
		}
		return nil
	})
	s.isWhole(t)
	acknowledged, lost, statuses := l.tally()
	if acknowledged == 0 || reads == 0 {
		t.Errorf("%d changes acknowledged, %d reads: there was no load", acknowledged, reads)
	}
	t.Logf("%s: %d kills; %d changes acknowledged, %d without an answer; %d looks at the whole; %d audit records; answers %v", engine, rounds, acknowledged, lost, reads, records, statuses)
	t.Logf("%s: the server answers after p50 %v p99 %v; killed jobs (%d) run again after p50 %v p99 %v", engine, quantile(starts, 50), quantile(starts, 99), len(reruns), quantile(reruns, 50), quantile(reruns, 99))
}

func quantile(list []time.Duration, percent int) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[(len(list)-1)*percent/100].Round(time.Millisecond)
}

// running are the attempts of the jobs that run.
func (s *site) running(t *testing.T) map[int64]int {
	t.Helper()
	var rows []struct {
		ID      int64
		Attempt int
	}
	if err := s.store.DB.NewRaw("SELECT id, attempt FROM river_job WHERE state = 'running'").Scan(context.Background(), &rows); err != nil {
		t.Fatal(err)
	}
	out := map[int64]int{}
	for _, r := range rows {
		out[r.ID] = r.Attempt
	}
	return out
}

// tried tells whether a job ended or began again after an attempt.
func (s *site) tried(id int64, attempt int) error {
	n, err := s.count("SELECT count(*) FROM river_job WHERE id = ? AND attempt <= ? AND state NOT IN ('completed', 'discarded', 'cancelled')", id, attempt)
	if err == nil && n > 0 {
		err = fmt.Errorf("job %d is still in attempt %d", id, attempt)
	}
	return err
}

func (s *site) head(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.repo + "/.git/refs/heads/main")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// read looks at the whole again and again, as somebody else who reads, and asks the API for pages.
func (s *site) read(t *testing.T) (stop func() int) {
	end, n := make(chan struct{}), 0
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case <-end:
				return
			case <-time.After(100 * time.Millisecond):
			}
			w := whole[n%len(whole)]
			if wrong, err := s.count(w.query); err != nil || wrong != 0 {
				t.Errorf("a reader sees %s: %d, %v", w.what, wrong, err)
				return
			}
			if a, err := s.do("GET", "/api/findings?limit=20", "", ""); err == nil && (a.status >= 500 || a.status == 200 && !json.Valid([]byte(a.body))) {
				t.Errorf("a reader gets %d %s", a.status, a.body)
				return
			}
			n++
		}
	})
	halt := sync.OnceFunc(func() { close(end); done.Wait() })
	t.Cleanup(halt)
	return func() int { halt(); return n }
}

// change is one change that somebody asked for.
type change struct {
	kind   string
	mark   string // is in the database as often as the change was made
	method string
	path   string
	key    string
	body   string
	status int // of the answer; 0 when none came
}

// load changes things and keeps account of it.
type load struct {
	*site
	findings []store.ID

	mu       sync.Mutex
	changes  []*change
	checked  int
	statuses map[int]int
}

// begin starts to change things.
func (l *load) begin(t *testing.T) (stop func()) {
	l.statuses = map[int]int{}
	end := make(chan struct{})
	var done sync.WaitGroup
	for client := range 3 {
		done.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-end:
					return
				case <-time.After(rand.N(120 * time.Millisecond)):
				}
				l.send(l.next(client, n))
			}
		})
	}
	stop = sync.OnceFunc(func() { close(end); done.Wait() })
	t.Cleanup(stop)
	return stop
}

// next makes up a change.
func (l *load) next(client, n int) *change {
	mark := fmt.Sprintf("mark-%d-%d-%d", client, n, time.Now().UnixNano())
	finding := l.findings[rand.N(len(l.findings))]
	c := &change{mark: mark, method: "POST"}
	switch (n + client) % 5 {
	case 0, 1:
		c.kind, c.path, c.key, c.body = "comment", fmt.Sprintf("/api/findings/%s/comments", finding), "key-"+mark, fmt.Sprintf(`{"text":%q}`, mark)
	case 2:
		c.kind, c.path, c.body = "mute", "/api/findings/mute", fmt.Sprintf(`{"ids":[%q],"reason":"risk-accepted","comment":%q}`, finding, mark)
		if n%2 == 0 {
			c.kind, c.path, c.body = "restore", "/api/findings/restore", fmt.Sprintf(`{"ids":[%q],"comment":%q}`, finding, mark)
		}
	case 3:
		c.kind, c.mark = "upload", sha(int(time.Now().UnixNano()))
		c.path = fmt.Sprintf("/api/uploads?repository=up-%d&branch=main&commit=%s", client, c.mark)
		c.body = sarif(1 + n%4)
	case 4:
		c.kind, c.path, c.key, c.body = "repository", "/api/repositories", "key-"+mark, fmt.Sprintf(`{"name":%q}`, mark)
		if n < 5 {
			c.mark = fmt.Sprintf("up-%d", client)
			c.body = fmt.Sprintf(`{"name":%q}`, c.mark)
		}
	}
	return c
}

func (l *load) send(c *change) {
	a, err := l.do(c.method, c.path, c.key, c.body)
	if err != nil {
		a.status = 0
	}
	c.status = a.status
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes = append(l.changes, c)
	l.statuses[c.status]++
}

// died makes two minutes pass for requests that were under way when the server died: whoever asks again may then begin again.
func (l *load) died(t *testing.T) {
	t.Helper()
	if err := l.store.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewRaw("UPDATE idempotency SET at = at - 130000 WHERE status < 200").Exec(ctx)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// retry sends once more, with the same keys, what had no answer.
func (l *load) retry(t *testing.T) {
	t.Helper()
	again := 0
	for _, c := range l.changes {
		if c.status != 0 || c.key == "" {
			continue
		}
		again++
		a, err := l.do(c.method, c.path, c.key, c.body)
		if err != nil || a.status != http.StatusCreated && a.status != http.StatusConflict {
			t.Errorf("%s asked for again: %d %s %v", c.kind, a.status, a.body, err)
		}
		if n := l.made(t, c); n != 1 {
			t.Errorf("%s asked for again (%d) is there %d times", c.kind, a.status, n)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("%d changes without an answer were asked for again", again)
}

// made is how often a change is there.
func (l *load) made(t *testing.T, c *change) int {
	t.Helper()
	query := map[string]string{
		"comment":    "SELECT count(*) FROM event WHERE kind = 'commented' AND data LIKE '%' || ? || '%'",
		"mute":       "SELECT count(*) FROM audit_record WHERE action = 'finding.mute' AND record LIKE '%' || ? || '%'",
		"restore":    "SELECT count(*) FROM audit_record WHERE action = 'finding.restore' AND record LIKE '%' || ? || '%'",
		"upload":     "SELECT count(*) FROM commit_result WHERE sha = ?",
		"repository": "SELECT count(*) FROM repository WHERE name = ?",
	}[c.kind]
	n, err := l.count(query, c.mark)
	if err != nil {
		t.Error(err)
	}
	return n
}

// holds: what was acknowledged since it was called last is there once, and what was not once or not at all.
func (l *load) holds(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	list := l.changes[l.checked:]
	l.checked = len(l.changes)
	l.mu.Unlock()
	for _, c := range list {
		n := l.made(t, c)
		switch {
		case c.status >= 200 && c.status < 300 && n != 1 && (c.kind == "upload" || c.kind == "comment" || c.kind == "repository"):
			t.Errorf("%s %s was acknowledged with %d and is there %d times", c.kind, c.mark, c.status, n)
		case n > 1:
			t.Errorf("%s %s (%d) is there %d times", c.kind, c.mark, c.status, n)
		case c.status >= 400 && n != 0 && !strings.HasPrefix(c.mark, "up-"):
			t.Errorf("%s %s was refused with %d and is there", c.kind, c.mark, c.status)
		case c.status >= 500:
			t.Errorf("%s %s was answered with %d", c.kind, c.mark, c.status)
		}
	}
}

func (l *load) tally() (acknowledged, lost int, statuses map[int]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for status, n := range l.statuses {
		if status >= 200 && status < 300 {
			acknowledged += n
		}
	}
	return acknowledged, l.statuses[0], l.statuses
}
