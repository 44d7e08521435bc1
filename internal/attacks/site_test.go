// Package attacks starts the program as its users do and attacks it with what strangers can send: repositories, uploads, addresses,
// tokens, requests. README.md says which test holds which threat.
package attacks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
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

// site is a running server that is attacked.
type site struct {
	*testing.T
	base    string // http://127.0.0.1:…
	data    string // its data directory
	repos   string // the folder whose repositories may be connected
	address string // of the database
	store   *store.Store
	token   string // of an administrator
	link    string // the first one-time link

	organisation store.ID
	process      *exec.Cmd
	said         *output
}

// output keeps what a process says.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// newSite starts a server on an empty database of an engine; more are arguments of it.
func newSite(t *testing.T, engine store.Engine, more ...string) *site {
	t.Helper()
	s := &site{T: t, data: t.TempDir(), repos: t.TempDir(), address: storetest.Address(t, engine), said: &output{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := l.Addr().String()
	l.Close()
	s.base = "http://" + listen
	s.process = exec.Command(built, append([]string{"serve", "--data", s.data, "--database", s.address, "--listen", listen, "--allow-file", s.repos, "--poll", "1s",
		"--log-level", "debug", "--log-format", "json"}, more...)...)
	s.process.Stdout, s.process.Stderr = s.said, s.said
	s.process.WaitDelay = time.Second
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.process.Wait() }()
	t.Cleanup(func() {
		_ = s.process.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = s.process.Process.Kill()
			<-ended
		}
		if t.Failed() {
			var b strings.Builder
			for line := range strings.Lines(s.said.String()) {
				if !strings.Contains(line, `"level":"DEBUG"`) && !strings.Contains(line, `"level":"INFO"`) {
					b.WriteString(line[:min(len(line), 500)] + "\n")
				}
			}
			t.Logf("the server:\n%s", b.String()[max(0, b.Len()-8000):])
		}
	})
	s.eventually("the server answers", time.Minute, func() error {
		r, err := http.Get(s.base + "/healthz")
		if err == nil {
			r.Body.Close()
		}
		return err
	})
	if _, after, ok := strings.Cut(s.said.String(), "/signin?ticket="); ok {
		s.link, _, _ = strings.Cut(after, "\n")
		s.link = strings.TrimSpace(s.link)
	}
	s.store = storetest.Open(t, s.address)
	s.organisation, s.token = program.Administrator(t, s.store)
	return s
}

// signIn redeems the first one-time link and returns the cookie of the session.
func (s *site) signIn() string {
	s.Helper()
	a := s.do("POST", "/api/session/link", quoted(map[string]string{"ticket": s.link}), "Authorization: ", "Sec-Fetch-Site: same-origin")
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	if a.status != http.StatusNoContent || cookie == "" {
		s.Fatalf("sign in: %d %s", a.status, a.body)
	}
	return cookie
}

// codeOf computes the code of an app, by RFC 6238.
func codeOf(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&0xf:])&0x7fffffff%1000000)
}

// change changes the database behind the server's back.
func (s *site) change(query string, args ...any) {
	s.Helper()
	if err := s.store.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewRaw(query, args...).Exec(ctx)
		return err
	}); err != nil {
		s.Fatal(err)
	}
}

// answer is an answer of the server.
type answer struct {
	status int
	body   string
	header http.Header
}

// do sends a request with the administrator's token; "Name: value" are other headers, of which an empty value takes one away.
func (s *site) do(method, path, body string, headers ...string) answer {
	s.Helper()
	r, err := http.NewRequest(method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(path, "/api/uploads") {
		r.Header.Set("Content-Type", "application/octet-stream")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if value == "" {
			r.Header.Del(name)
			continue
		}
		r.Header.Set(name, value)
	}
	for {
		a, err := send(r)
		if err != nil {
			s.Fatalf("%s %s: %v", method, path, err)
		}
		if a.status != http.StatusTooManyRequests || !strings.Contains(a.body, "wait a moment") {
			return a
		}
		time.Sleep(50 * time.Millisecond) // tests are quicker than people
		r.Body = io.NopCloser(strings.NewReader(body))
	}
}

// send follows no redirection.
func send(r *http.Request) (answer, error) {
	client := http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(text), resp.Header}, err
}

// must sends a request that has to succeed, and reads its answer.
func (s *site) must(method, path, body string, into any, headers ...string) string {
	s.Helper()
	a := s.do(method, path, body, headers...)
	if a.status >= 300 {
		s.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(a.body), into); err != nil {
			s.Fatalf("%s %s: %v\n%s", method, path, err, a.body)
		}
	}
	return a.body
}

// eventually waits until a condition holds, and says how long that took.
func (s *site) eventually(what string, patience time.Duration, holds func() error) time.Duration {
	s.Helper()
	begin := time.Now()
	for {
		err := holds()
		if err == nil {
			return time.Since(begin)
		}
		if time.Since(begin) > patience {
			s.Fatalf("%s: not after %v: %v", what, patience, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// quoted is a text as JSON.
func quoted(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// repository is one of git, on the disk.
type repository struct {
	*testing.T
	dir string
}

// newRepository makes an empty one among those that may be connected.
func (s *site) newRepository(name string) *repository {
	s.Helper()
	r := &repository{s.T, filepath.Join(s.repos, name)}
	if err := os.Mkdir(r.dir, 0o755); err != nil {
		s.Fatal(err)
	}
	r.git("", "init", "--quiet", "--initial-branch=main")
	return r
}

// git runs git with an input and returns what it prints. Changes are by Ada unless the environment says otherwise.
func (r *repository) git(in string, args ...string) string {
	r.Helper()
	return r.gitAs("Ada", in, args...)
}

func (r *repository) gitAs(who, in string, args ...string) string {
	r.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Stdin = strings.NewReader(in)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME="+who, "GIT_AUTHOR_EMAIL=ada@example.org",
		"GIT_COMMITTER_NAME="+who, "GIT_COMMITTER_EMAIL=ada@example.org")
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		r.Fatalf("git %s: %v\n%s", args[0], err, &complaint)
	}
	return strings.TrimSpace(out.String())
}

// commit writes files and commits all there is.
func (r *repository) commit(subject string, files map[string]string) string {
	r.Helper()
	return r.commitAs("Ada", subject, files)
}

func (r *repository) commitAs(who, subject string, files map[string]string) string {
	r.Helper()
	for name, text := range files {
		path := filepath.Join(r.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			r.Fatal(err)
		}
	}
	r.git("", "add", "--all", "--force")
	r.gitAs(who, subject, "commit", "--quiet", "--allow-empty", "--file=-", "--cleanup=verbatim")
	return r.git("", "rev-parse", "HEAD")
}

// connect connects a repository and returns its id.
func (s *site) connect(r *repository) store.ID {
	s.Helper()
	var made struct{ ID store.ID }
	s.must("POST", "/api/repositories", quoted(map[string]any{"address": "file://" + r.dir}), &made)
	return made.ID
}

// scanned waits until the newest commit of the main branch of a repository is scanned, and says how long that took.
func (s *site) scanned(id store.ID, sha string, patience time.Duration) time.Duration {
	s.Helper()
	return s.eventually("commit "+sha+" is scanned", patience, func() error {
		var n int
		if err := s.store.DB.NewRaw("SELECT count(*) FROM branch WHERE repository = ? AND scanned = ?", id, sha).Scan(context.Background(), &n); err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("it is not")
		}
		return nil
	})
}

// read reads an answer of JSON.
func read(t *testing.T, a answer, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}
