package jobs_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/store"
)

// workerVariable makes the test binary a worker: "database data repository pause".
const workerVariable = "PLUMBLINE_TEST_WORKER"

func TestMain(m *testing.M) {
	if text := os.Getenv(workerVariable); text != "" {
		if err := beWorker(strings.Split(text, "\x1f")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// beWorker works until it is killed or interrupted. It says when a job starts and ends.
func beWorker(words []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := store.Open(ctx, store.Options{Address: words[0], Kind: "worker"})
	if err != nil {
		return err
	}
	defer s.Close()
	hosts, err := outbound.Parse([]string{"file://" + words[2]}, "--hosts")
	if err != nil {
		return err
	}
	pause, err := time.ParseDuration(words[3])
	if err != nil {
		return err
	}
	fmt.Println("ready")
	return jobs.Work(ctx, jobs.Options{Store: s, Data: words[1], Hosts: hosts, Scanners: 2, Poll: -1, Daily: -1, Backlog: 1000,
		Child: func(ctx context.Context, r jobs.Request, take func(jobs.CommitResult) error) error {
			fmt.Println("scan", time.Now().UnixMilli())
			defer fmt.Println("end")
			return lineChild(pause)(ctx, r, take)
		}})
}

// process is a worker in a process of its own.
type process struct {
	*exec.Cmd
	lines chan string
}

func startWorker(t *testing.T, words ...string) *process {
	t.Helper()
	p := &process{exec.Command(os.Args[0]), make(chan string, 10_000)}
	p.Env = append(os.Environ(), workerVariable+"="+strings.Join(words, "\x1f"))
	p.Stderr = os.Stderr
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.lines <- lines.Text()
		}
		close(p.lines)
	}()
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Wait() })
	return p
}

// kills is how many workers each engine loses.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("PLUMBLINE_KILLS")); err == nil {
		return n
	}
	return 1
}

// TestKilledWorkers holds that whatever a worker was killed in goes on elsewhere within 15 seconds, and that nothing is lost and
// nothing is there twice.
func TestKilledWorkers(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for silence")
	}
	for _, engine := range []store.Engine{store.SQLite, store.PostgreSQL} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			killWorkers(t, engine)
		})
	}
}

func killWorkers(t *testing.T, engine store.Engine) {
	address := storetest.Address(t, engine)
	s := storetest.Open(t, address)
	q, err := jobs.NewQueue(context.Background(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	const commits = 40
	r := newGitRepo(t)
	for i := range commits {
		r.commit(map[string]string{fmt.Sprintf("f%d.tf", i%7): fmt.Sprintf("bad b%d\nbad c%d\n", i, i%5)})
	}
	data, pause := t.TempDir(), (30 * time.Millisecond).String()
	running := []*process{startWorker(t, address, data, r.dir, pause), startWorker(t, address, data, r.dir, pause)}
	var waits []time.Duration
	for round := range kills() {
		_, repository := connect(t, s, q, r.dir)
		victim, other := running[round%2], running[(round+1)%2]
		killed := func(p *process) bool { // when it scans, somewhere within
			for {
				select {
				case line, open := <-p.lines:
					if !open {
						return false
					}
					if strings.HasPrefix(line, "scan ") {
						return true
					}
				case <-time.After(30 * time.Millisecond):
					return false
				}
			}
		}
		for who := victim; ; who, other = other, who {
			if killed(who) {
				victim = who
				break
			}
		}
		time.Sleep(rand.N(commits * 30 * time.Millisecond * 8 / 10))
		if err := victim.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		at := time.Now()
		_ = victim.Wait()
		eventually(t, s, fmt.Sprintf("%d commits 1 scans done", commits), "SELECT (SELECT count(*) FROM commit_result WHERE repository = ?) || ' commits ' || (SELECT count(*) FROM scan WHERE repository = ?) || ' scans ' || coalesce((SELECT max(state) FROM scan WHERE repository = ?), '')", repository, repository, repository)
		for again := false; !again; {
			select {
			case line := <-other.lines:
				if word, ms, _ := strings.Cut(line, " "); word == "scan" {
					n, _ := strconv.ParseInt(ms, 10, 64)
					if started := time.UnixMilli(n); started.After(at) {
						waits, again = append(waits, started.Sub(at)), true
					}
				}
			default:
				again = true // the victim had written everything
			}
		}
		i := slices.Index(running, victim)
		running[i] = startWorker(t, address, data, r.dir, pause)
		check(t, s, repository)
	}
	slices.Sort(waits)
	if len(waits) == 0 {
		t.Fatal("no worker was killed in a scan")
	}
	t.Logf("%s: %d workers killed, a scan went on after %v at the median, %v at the most", engine, kills(), waits[len(waits)/2], waits[len(waits)-1])
	if worst := waits[len(waits)-1]; worst > 15*time.Second {
		t.Errorf("a killed worker's job ran again after %v", worst)
	}
}

// check holds that every finding is there once, with the events of one life.
func check(t *testing.T, s *store.Store, repository store.ID) {
	t.Helper()
	var wrong []string
	if err := s.DB.NewRaw(`SELECT f.address || ' ' || f.status || ' opened ' || sum(CASE WHEN e.kind = 'opened' THEN 1 ELSE 0 END) || ' fixed ' || sum(CASE WHEN e.kind = 'fixed' THEN 1 ELSE 0 END) || ' reopened ' || sum(CASE WHEN e.kind = 'reopened' THEN 1 ELSE 0 END)
FROM finding f LEFT JOIN event e ON e.finding = f.id WHERE f.repository = ? GROUP BY f.id, f.address, f.status
HAVING sum(CASE WHEN e.kind = 'opened' THEN 1 ELSE 0 END) <> 1 OR sum(CASE WHEN e.kind = 'fixed' THEN 1 ELSE 0 END) - sum(CASE WHEN e.kind = 'reopened' THEN 1 ELSE 0 END) <> CASE WHEN f.status = 'fixed' THEN 1 ELSE 0 END`, repository).
		Scan(context.Background(), &wrong); err != nil {
		t.Fatal(err)
	}
	if len(wrong) > 0 {
		t.Errorf("findings whose events do not add up: %v", wrong)
	}
	var total, twice int
	if err := s.DB.NewRaw("SELECT count(*), count(*) - count(DISTINCT address) FROM finding WHERE repository = ?", repository).Scan(context.Background(), &total, &twice); err != nil {
		t.Fatal(err)
	}
	if total != 45 || twice != 0 {
		t.Errorf("%d findings, %d of them twice; want 45 and 0", total, twice)
	}
}
