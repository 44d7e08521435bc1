// Package faults starts the program as its users do, loads it and breaks what it stands on: it kills processes, fills disks, takes the
// database away. What was acknowledged must be there afterwards, once, and the audit log must hold.
package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"plumbline.dev/plumbline/internal/program"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// built is the path of the program that the tests start.
var built string

func TestMain(m *testing.M) {
	os.Exit(program.Run(m, &built))
}

// site is a server with its database, a repository to scan, and somebody who may do everything.
type site struct {
	engine  store.Engine
	address string // of the database
	data    string
	repo    string // a git repository on the disk
	port    string
	token   string
	store   *store.Store // the test's own look at the database
	client  http.Client

	organisation store.ID
}

// newSite makes a site and starts its server; more are arguments of it.
func newSite(t *testing.T, engine store.Engine, more ...string) (*site, *process) {
	t.Helper()
	return newSiteAt(t, engine, storetest.Address(t, engine), t.TempDir(), more...)
}

func newSiteAt(t *testing.T, engine store.Engine, address, data string, more ...string) (*site, *process) {
	t.Helper()
	s := &site{engine: engine, address: address, data: data, repo: t.TempDir(), port: freePort(t), client: http.Client{Timeout: 30 * time.Second}}
	s.git(t, "init", "--quiet", "--initial-branch=main")
	s.commit(t, 0)
	p := s.serve(t, more...)
	s.store = storetest.Open(t, address)
	s.organisation, s.token = program.Administrator(t, s.store)
	return s, p
}

// freePort is a port that nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func (s *site) git(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = s.repo
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("git %s: %v\n%s", args[0], err, out)
	}
}

// commit makes commit n: one file of seven changes, each with two buckets that anybody may read.
func (s *site) commit(t *testing.T, n int) {
	t.Helper()
	var b strings.Builder
	for i := range 2 {
		fmt.Fprintf(&b, "resource \"aws_s3_bucket\" \"b%d_%d\" {\n  bucket = \"bucket-%d-%d\"\n  acl    = \"public-read\"\n}\n", n%7, i, n, i)
	}
	if err := os.WriteFile(filepath.Join(s.repo, fmt.Sprintf("f%d.tf", n%7)), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	s.git(t, "add", "--all")
	s.git(t, "commit", "--quiet", "--allow-empty", "--message", fmt.Sprint("commit ", n))
}

// process is one that runs. Its error output is kept.
type process struct {
	*exec.Cmd
	ended chan struct{}
	err   error // once it has ended

	mu  sync.Mutex
	log bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

func (s *site) start(t *testing.T, command string, more ...string) *process {
	t.Helper()
	args := append([]string{command, "--data", s.data, "--database", s.address, "--allow-file", s.repo, "--poll", "1s", "--scans", "1", "--history", "50"}, more...)
	return startProgram(t, built, args...)
}

func startProgram(t *testing.T, path string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.Stdout, p.Stderr = p, p
	p.WaitDelay = time.Second
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() { p.kill(); logs(t, p) })
	return p
}

// logs shows what a process said when the test has failed.
func logs(t *testing.T, p *process) {
	if text := p.output(); t.Failed() && p.Process != nil {
		t.Logf("process %d:\n%s", p.Process.Pid, text[max(0, len(text)-3000):])
	}
}

// kill ends a process as a power cut would.
func (p *process) kill() {
	_ = p.Process.Kill() // it may have ended
	<-p.ended
}

// stop asks a process to end, and returns how long that took.
func (p *process) stop(t *testing.T) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		p.kill()
		t.Error("it did not end within 30 s of SIGTERM")
	}
	if p.err != nil {
		t.Errorf("it ended with %v\n%s", p.err, p.output())
	}
	return time.Since(begin)
}

// serve starts the server and waits until it answers.
func (s *site) serve(t *testing.T, more ...string) *process {
	t.Helper()
	p := s.start(t, "serve", append([]string{"--listen", "127.0.0.1:" + s.port}, more...)...)
	s.ready(t, p)
	return p
}

func (s *site) ready(t *testing.T, p *process) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if r, err := s.client.Get("http://127.0.0.1:" + s.port + "/healthz"); err == nil {
			r.Body.Close()
			return
		}
		select {
		case <-p.ended:
			t.Fatalf("the server ended: %v\n%s", p.err, p.output())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not answer\n%s", p.output())
		}
	}
}

// answer is an answer of the API.
type answer struct {
	status int
	body   string
}

// do sends a request; an error says that no answer came.
func (s *site) do(method, path, key, body string) (answer, error) {
	r, err := http.NewRequest(method, "http://127.0.0.1:"+s.port+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(path, "/api/uploads") {
		r.Header.Set("Content-Type", "application/octet-stream")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(text)}, err
}

// must sends a request that has to succeed, and reads its answer.
func (s *site) must(t *testing.T, method, path, body string, into any) {
	t.Helper()
	a, err := s.do(method, path, "", body)
	if err != nil || a.status >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, path, a.status, a.body, err)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(a.body), into); err != nil {
			t.Fatal(err)
		}
	}
}

// connect connects the repository of the site.
func (s *site) connect(t *testing.T) store.ID {
	t.Helper()
	var r struct{ ID store.ID }
	s.must(t, "POST", "/api/repositories", fmt.Sprintf(`{"name":"scanned","address":"file://%s"}`, s.repo), &r)
	return r.ID
}

// seed makes findings to decide about and returns their ids.
func (s *site) seed(t *testing.T) []store.ID {
	t.Helper()
	s.must(t, "POST", "/api/repositories", `{"name":"seed"}`, nil)
	s.must(t, "POST", "/api/uploads?repository=seed&branch=main&commit="+sha(0), sarif(20), nil)
	var ids []store.ID
	if err := s.store.DB.NewRaw("SELECT f.id FROM finding f JOIN repository r ON r.id = f.repository WHERE r.name = 'seed' ORDER BY f.id").Scan(context.Background(), &ids); err != nil {
		t.Fatal(err)
	}
	if len(ids) != 20 {
		t.Fatalf("%d findings, want 20", len(ids))
	}
	return ids
}

// sha is the made-up id of commit n.
func sha(n int) string { return fmt.Sprintf("%040x", n+1) }

// sarif is a log of a tool with so many results.
func sarif(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"ruleId":"R%d","message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"f%d.tf"},"region":{"startLine":3}}}]}`, i, i)
	}
	return `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"Other"}},"results":[` + b.String() + `]}]}`
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, patience time.Duration, holds func() error) time.Duration {
	t.Helper()
	begin := time.Now()
	for {
		err := holds()
		if err == nil {
			return time.Since(begin)
		}
		if time.Since(begin) > patience {
			t.Fatalf("%s: not after %v: %v", what, patience, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// count is the number that a query gives.
func (s *site) count(query string, args ...any) (n int, err error) {
	err = s.store.DB.NewRaw(query, args...).Scan(context.Background(), &n)
	return n, err
}

// jobs shows the jobs that are not over when the test has failed.
func (s *site) jobs(t *testing.T) {
	if !t.Failed() {
		return
	}
	var rows []struct{ Text string }
	err := s.store.DB.NewRaw("SELECT id || ' ' || kind || ' ' || queue || ' ' || state || ' attempt ' || attempt || ' scheduled ' || scheduled_at || ' args ' || CAST(args AS text) || ' by ' || coalesce(CAST(attempted_by AS text), '') || ' errors ' || coalesce(CAST(errors AS text), '') AS text FROM river_job WHERE state <> 'completed' ORDER BY id DESC LIMIT 20").Scan(context.Background(), &rows)
	t.Log(err)
	for _, r := range rows {
		t.Log(r.Text)
	}
}
