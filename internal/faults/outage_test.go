package faults

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"plumbline.dev/plumbline/store"
)

// state is how many rows there are of what a change leaves behind.
func (s *site) state(t *testing.T) string {
	t.Helper()
	var out string
	for _, table := range []string{"repository", "finding", "event", "commit_result", "scan", "audit_record"} {
		n, err := s.count("SELECT count(*) FROM " + table)
		if err != nil {
			t.Fatal(err)
		}
		out += fmt.Sprintf("%s %d ", table, n)
	}
	return out
}

// changesFail sends one change of each kind and holds that they are refused with a status and a text, and that reads go on.
func (s *site) changesFail(t *testing.T, finding store.ID, status int, says string) {
	t.Helper()
	for _, c := range []change{
		{kind: "comment", method: "POST", path: fmt.Sprintf("/api/findings/%s/comments", finding), body: `{"text":"x"}`},
		{kind: "mute", method: "POST", path: "/api/findings/mute", body: fmt.Sprintf(`{"ids":[%q],"reason":"other"}`, finding)},
		{kind: "repository", method: "POST", path: "/api/repositories", body: `{"name":"no-room"}`},
		{kind: "upload", method: "POST", path: "/api/uploads?repository=seed&branch=main&commit=" + sha(77), body: sarif(300)},
	} {
		a, err := s.do(c.method, c.path, "", c.body)
		if err != nil || a.status != status || !strings.Contains(a.body, says) {
			t.Errorf("%s: %d %s %v, want %d and %q", c.kind, a.status, a.body, err, status, says)
		}
	}
}

// TestDiskFull fills the disk of the data directory: changes are refused and change nothing, reads go on, and everything works once there
// is room again.
func TestDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	disk := t.TempDir()
	if err := syscall.Mount("plumbline", disk, "tmpfs", 0, "size=24m"); err != nil {
		t.Skip("no disk can be mounted here:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	s, _ := newSiteAt(t, store.SQLite, filepath.Join(disk, "plumbline.db"), filepath.Join(disk, "data"), "--no-work")
	ids := s.seed(t)
	before := s.state(t)
	filler := fill(t, disk)
	s.changesFail(t, ids[0], http.StatusInsufficientStorage, "disk of the server is full")
	if a, err := s.do("GET", "/api/findings", "", ""); err != nil || a.status != http.StatusOK {
		t.Errorf("a read on a full disk: %d %s %v", a.status, a.body, err)
	}
	if after := s.state(t); after != before {
		t.Errorf("a full disk left\n%s\nof\n%s", after, before)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.must(t, "POST", fmt.Sprintf("/api/findings/%s/comments", ids[0]), `{"text":"there is room"}`, nil)
	s.must(t, "POST", "/api/uploads?repository=seed&branch=main&commit="+sha(78), sarif(300), nil)
	s.isWhole(t)
	s.auditHolds(t)
}

// TestDatabaseDiskFull fills the disk of PostgreSQL. It writes into what it has for a while, then refuses, or ends for lack of room for
// its log: what was acknowledged is there, what was refused is not, and everything works once there is room and it runs again.
func TestDatabaseDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	disk, err := os.MkdirTemp("", "faults-disk") // not t.TempDir: PostgreSQL is another user
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("plumbline", disk, "tmpfs", 0, "size=140m"); err != nil {
		os.Remove(disk)
		t.Skip("no disk can be mounted here:", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(syscall.Unmount(disk, 0), os.Remove(disk)); err != nil {
			t.Error(err)
		}
	})
	d := newDatabaseIn(t, disk)
	s, _ := newSiteAt(t, store.PostgreSQL, "postgres://postgres@127.0.0.1:"+d.port+"/postgres", t.TempDir(), "--no-work")
	ids := s.seed(t)
	filler := fill(t, disk)
	said, refused := map[string]bool{}, 0
	for i := 0; i < 4000 && refused < 20; i++ {
		text := fmt.Sprintf("comment %d %s", i, strings.Repeat("x", 3900))
		a, err := s.do("POST", fmt.Sprintf("/api/findings/%s/comments", ids[0]), "", fmt.Sprintf(`{"text":%q}`, text))
		switch {
		case err != nil:
			t.Fatal(err)
		case a.status == http.StatusCreated:
			said[text] = true
		case a.status == http.StatusInsufficientStorage || a.status == http.StatusServiceUnavailable:
			refused++
		default:
			t.Fatalf("on a full disk: %d %s", a.status, a.body)
		}
	}
	t.Logf("%d comments were taken on the full disk, then %d refused", len(said), refused)
	if refused == 0 {
		t.Fatal("the disk was not full")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(d.dir, "postmaster.pid")); errors.Is(err, os.ErrNotExist) {
		t.Log("PostgreSQL ended, and is started again")
		d.start(t)
	}
	eventually(t, "a change", 60*time.Second, func() error {
		a, err := s.do("POST", fmt.Sprintf("/api/findings/%s/comments", ids[0]), "", `{"text":"there is room"}`)
		if err == nil && a.status != http.StatusCreated {
			err = errors.New(a.body)
		}
		return err
	})
	var there []string
	if err := s.store.DB.NewRaw("SELECT data FROM event WHERE kind = 'commented'").Scan(context.Background(), &there); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(there, "\n")
	for text := range said {
		if !strings.Contains(all, text) {
			t.Errorf("%.12s… was acknowledged and is not there", text)
		}
	}
	if len(there) < len(said)+1 || len(there) > len(said)+1+refused {
		t.Errorf("%d comments are there, %d were acknowledged", len(there), len(said)+1)
	}
	s.isWhole(t)
	s.auditHolds(t)
}

// fill leaves no byte of a disk.
func fill(t *testing.T, disk string) string {
	t.Helper()
	name := filepath.Join(disk, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return name
}

// TestLocked locks the file of SQLite from another process for longer than the server waits.
func TestLocked(t *testing.T) {
	t.Parallel()
	s, _ := newSite(t, store.SQLite, "--no-work")
	ids := s.seed(t)
	before := s.state(t)
	ctx := context.Background()
	conn, err := s.store.Queue.Conn(ctx) // the connection that writes of the test's own store: a process beside the server
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	a, err := s.do("POST", fmt.Sprintf("/api/findings/%s/comments", ids[0]), "", `{"text":"x"}`)
	if err != nil || a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "Try again") {
		t.Errorf("a change of a locked database: %d %s %v", a.status, a.body, err)
	}
	waited := time.Since(begin)
	if waited < 5*time.Second || waited > 25*time.Second {
		t.Errorf("it was refused after %v: it should wait, but not for ever", waited)
	}
	if a, err := s.do("GET", "/api/findings", "", ""); err != nil || a.status != http.StatusOK {
		t.Errorf("a read of a locked database: %d %s %v", a.status, a.body, err)
	}
	if after := s.state(t); after != before {
		t.Errorf("a locked database has\n%s\nbefore it had\n%s", after, before)
	}
	if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	s.must(t, "POST", fmt.Sprintf("/api/findings/%s/comments", ids[0]), `{"text":"free again"}`, nil)
}

// database is a PostgreSQL of the test's own, which it can stop.
type database struct {
	bin, dir, port string
	as             *syscall.SysProcAttr
}

func newDatabase(t *testing.T) *database {
	t.Helper()
	root, err := os.MkdirTemp("", "faults-postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	return newDatabaseIn(t, root)
}

// newDatabaseIn is newDatabase in a folder.
func newDatabaseIn(t *testing.T, root string) *database {
	t.Helper()
	list, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(list) == 0 {
		t.Skip("there is no PostgreSQL here")
	}
	d := &database{bin: list[len(list)-1], dir: filepath.Join(root, "data"), port: freePort(t), as: &syscall.SysProcAttr{Setsid: true}}
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skip(err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		d.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := errors.Join(os.Chmod(root, 0o755), os.Chown(d.dir, uid, gid)); err != nil {
			t.Fatal(err)
		}
	}
	d.run(t, "initdb", "-D", d.dir, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
	d.start(t)
	t.Cleanup(func() {
		cmd := exec.Command(filepath.Join(d.bin, "pg_ctl"), "-D", d.dir, "-m", "immediate", "stop")
		cmd.Dir, cmd.SysProcAttr = d.dir, d.as
		_ = cmd.Run() // it may be stopped
	})
	return d
}

func (d *database) run(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(d.bin, name), args...)
	cmd.Dir, cmd.SysProcAttr = d.dir, d.as
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func (d *database) start(t *testing.T) {
	t.Helper()
	d.run(t, "pg_ctl", "-D", d.dir, "-l", filepath.Join(d.dir, "log"), "-w", "-o", "-p "+d.port+" -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off", "start")
}

func (d *database) stop(t *testing.T) {
	t.Helper()
	d.run(t, "pg_ctl", "-D", d.dir, "-m", "immediate", "-w", "stop")
}

// TestDatabaseGone takes the database away and gives it back: clear refusals, no restart of the server or its worker, and jobs go on.
func TestDatabaseGone(t *testing.T) {
	d := newDatabase(t)
	s, server := newSiteAt(t, store.PostgreSQL, "postgres://postgres@127.0.0.1:"+d.port+"/postgres", t.TempDir())
	ids := s.seed(t)
	repository := s.connect(t)
	scanned := func() error {
		var at string
		err := s.store.DB.NewRaw("SELECT scanned FROM branch WHERE repository = ?", repository).Scan(context.Background(), &at)
		if err == nil && at != strings.TrimSpace(s.head(t)) {
			err = fmt.Errorf("it is at %q", at)
		}
		return err
	}
	t.Cleanup(func() { s.jobs(t) })
	for range 2 {
		eventually(t, "the newest commit is scanned", 60*time.Second, scanned)
		d.stop(t)
		s.commit(t, int(time.Now().UnixNano()%1000))
		s.changesFail(t, ids[0], http.StatusServiceUnavailable, "ry again")
		a, err := s.do("GET", "/api/findings", "", "")
		if err != nil || a.status != http.StatusServiceUnavailable {
			t.Errorf("a read without a database: %d %s %v", a.status, a.body, err)
		}
		if a, err := s.do("GET", "/healthz", "", ""); err != nil || a.status != http.StatusOK {
			t.Errorf("the process without a database: %d %v", a.status, err)
		}
		time.Sleep(2100 * time.Millisecond) // answers about readiness count so long
		if a, err := s.do("GET", "/readyz", "", ""); err != nil || a.status != http.StatusServiceUnavailable {
			t.Errorf("readiness without a database: %d %v", a.status, err)
		}
		d.start(t)
		after := eventually(t, "a change", 30*time.Second, func() error {
			a, err := s.do("POST", fmt.Sprintf("/api/findings/%s/comments", ids[0]), "", `{"text":"back"}`)
			if err == nil && a.status != http.StatusCreated {
				err = errors.New(a.body)
			}
			return err
		})
		scannedAfter := eventually(t, "the newest commit is scanned", 60*time.Second, scanned)
		t.Logf("the first change was taken %v after the database was back, the newest commit scanned %v later", after.Round(time.Millisecond), scannedAfter.Round(time.Millisecond))
	}
	select {
	case <-server.ended:
		t.Errorf("the server ended: %v", server.err)
	default:
	}
	s.isWhole(t)
	s.auditHolds(t)
}

// TestStopped asks a server to end under load: what is under way is answered, nothing with 5xx, jobs are handed back with their attempt
// unused, and it is over within 10 seconds.
func TestStopped(t *testing.T) {
	for _, engine := range []store.Engine{store.SQLite, store.PostgreSQL} {
		t.Run(string(engine), func(t *testing.T) {
			s, server := newSite(t, engine)
			ids := s.seed(t)
			s.connect(t)
			var sent, refused atomic.Int64
			var bad sync.Map
			end := make(chan struct{})
			var clients sync.WaitGroup
			for client := range 4 {
				clients.Go(func() {
					for n := 0; ; n++ {
						select {
						case <-end:
							return
						case <-time.After(40 * time.Millisecond): // below the limit of a token
						}
						a, err := s.do("POST", fmt.Sprintf("/api/findings/%s/comments", ids[client]), "", `{"text":"under way"}`)
						var op *net.OpError
						switch {
						case err == nil && a.status == http.StatusCreated:
							sent.Add(1)
						case err == nil:
							bad.Store(fmt.Sprint(a.status, " ", a.body), true)
						case errors.As(err, &op) && op.Op == "dial":
							refused.Add(1)
							return
						default: // an idle connection that was closed as the request was written
							refused.Add(1)
						}
					}
				})
			}
			for i := range 8 {
				s.commit(t, i+1)
			}
			eventually(t, "a job runs", 60*time.Second, func() error {
				if len(s.running(t)) == 0 {
					return errors.New("none does")
				}
				return nil
			})
			took := server.stop(t)
			close(end)
			clients.Wait()
			bad.Range(func(answer, _ any) bool { t.Errorf("a request was answered with %s", answer); return true })
			if took > 10*time.Second {
				t.Errorf("it ended after %v", took)
			}
			if n := s.running(t); len(n) != 0 {
				t.Errorf("jobs %v are still said to run", n)
			}
			if n, err := s.count("SELECT count(*) FROM river_job WHERE state NOT IN ('completed', 'cancelled') AND attempt > 0"); err != nil || n != 0 {
				t.Errorf("%d jobs lost an attempt, %v", n, err)
			}
			if n, err := s.count("SELECT count(*) FROM event WHERE kind = 'commented'"); err != nil || int64(n) < sent.Load() || int64(n) > sent.Load()+refused.Load() {
				t.Errorf("%d comments are there, %d were acknowledged, %d requests had no answer: %v", n, sent.Load(), refused.Load(), err)
			}
			s.isWhole(t)
			t.Logf("%s: ended after %v, %d requests answered", engine, took.Round(time.Millisecond), sent.Load())
		})
	}
}
