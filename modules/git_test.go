package modules

import (
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository is a git repository that somebody serves.
type repository struct {
	t   *testing.T
	dir string
}

func newRepository(t *testing.T, parent, name string) *repository {
	t.Helper()
	r := &repository{t, filepath.Join(parent, name)}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r.git("init", "-q", "-b", "main")
	return r
}

func (r *repository) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "protocol.file.allow=always"}, args...)...)
	cmd.Dir = r.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *repository) commit(files ...string) string {
	r.t.Helper()
	for _, f := range files {
		name, text, _ := strings.Cut(f, "=")
		p := filepath.Join(r.dir, name)
		os.MkdirAll(filepath.Dir(p), 0o755)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	r.git("add", "-A")
	r.git("commit", "-q", "-m", "m")
	return r.git("rev-parse", "HEAD")
}

// TestFetch_git fetches branches, tags and commits, asks again where a branch is, and leaves out what is not plain files.
func TestFetch_git(t *testing.T) {
	parent := t.TempDir()
	r := newRepository(t, parent, "vpc")
	other := newRepository(t, parent, "other")
	other.commit("o.tf=other")
	os.Symlink("main.tf", filepath.Join(r.dir, "link.tf"))
	os.Symlink("/etc/passwd", filepath.Join(r.dir, "passwd"))
	os.Symlink("sub", filepath.Join(r.dir, "folder"))
	r.git("submodule", "--quiet", "add", other.dir, "third")
	first := r.commit("main.tf=one", "sub/s.tf=s", ".gitattributes=*.tf filter=evil", "big.tf="+strings.Repeat("x", 5000))
	r.git("tag", "-a", "v1", "-m", "m")
	b := newBench(t)
	b.hosts = []string{"file://" + parent}
	b.limits.File = 4000
	src := "git::file://" + r.dir
	one := ".gitattributes=*.tf filter=evil .gitmodules=" + mustRead(t, filepath.Join(r.dir, ".gitmodules")) + " link.tf=one main.tf=one sub/s.tf=s"

	t.Setenv("GIT_DIR", "/nowhere") // as in a hook
	t.Setenv("GIT_INDEX_FILE", "/nowhere/index")
	for _, s := range []string{src, src + "?ref=main", src + "?ref=v1", src + "?ref=" + first} {
		if got, problem := b.fetch(s, ""); got != one {
			t.Errorf("%s gives %q %s", s, got, problem)
		}
	}
	if len(b.said) != 1 {
		t.Errorf("it was fetched %d times: %v", len(b.said), b.said)
	}
	if got, _ := b.fetch(src+"//sub?ref=v1", ""); got != "s.tf=s" {
		t.Errorf("the folder is %s", got)
	}
	os.Unsetenv("GIT_DIR")
	os.Unsetenv("GIT_INDEX_FILE")
	r.commit("main.tf=two")
	if got, _ := b.fetch(src+"?ref=main", ""); !strings.Contains(got, "main.tf=two") {
		t.Errorf("the branch moved, and it is still %s", got)
	}
	if got, _ := b.fetch(src+"?ref=v1", ""); got != one {
		t.Errorf("the tag is %s", got)
	}
	for s, want := range map[string]string{
		src + "?ref=none":                       `has no branch, tag or complete commit id "none"`,
		src + "?ref=" + strings.Repeat("0", 40): "has no commit 000",
		"git::file://" + parent + "/gone":       "there is no folder",
		"git::file:///etc":                      "repositories on this machine are not read",
		src + "/../../..":                       "repositories on this machine are not read",
	} {
		if _, problem := b.fetch(s, ""); !strings.Contains(problem, want) {
			t.Errorf("%s: the problem is %s", s, problem)
		}
	}
	if err := os.RemoveAll(r.dir); err != nil {
		t.Fatal(err)
	}
	if got, _ := b.fetch(src+"?ref="+first, ""); got != one {
		t.Errorf("a commit that is in the cache is %s", got)
	}
	if _, problem := b.fetch(src+"?ref=main", ""); problem == "" {
		t.Error("a branch of a repository that is gone was not asked for")
	}
	b.offline = true
	if got, _ := b.fetch(src+"?ref=main", ""); !strings.Contains(got, "main.tf=two") {
		t.Errorf("in the cache the branch is %s", got)
	}
	b.offline, b.hosts = false, nil
	if _, problem := b.fetch(src+"?ref=v1", ""); !strings.Contains(problem, "repositories on this machine are not read") {
		t.Errorf("the problem is %s", problem)
	}
}

func mustRead(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFetch_gitThreats: nothing that git could be told to run runs, and what grows without end is ended.
func TestFetch_gitThreats(t *testing.T) {
	parent := t.TempDir()
	mark := filepath.Join(parent, "ran")
	home := t.TempDir()
	script := filepath.Join(parent, "evil.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntouch "+mark+"\ncat\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	hooks := filepath.Join(parent, "hooks")
	os.MkdirAll(hooks, 0o755)
	for _, hook := range []string{"reference-transaction", "post-checkout", "pre-auto-gc", "post-merge", "post-index-change"} {
		os.WriteFile(filepath.Join(hooks, hook), []byte("#!/bin/sh\ntouch "+mark+"\n"), 0o755)
	}
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	r := newRepository(t, parent, "r")
	r.commit("main.tf=x", ".gitattributes=* filter=evil")
	os.WriteFile(filepath.Join(home, ".gitconfig"), []byte("[core]\nhooksPath = "+hooks+"\n[filter \"evil\"]\nsmudge = "+script+"\nrequired = true\n"), 0o600)
	b := newBench(t)
	b.hosts = []string{"file://" + parent}
	if got, problem := b.fetch("git::file://"+r.dir, ""); !strings.Contains(got, "main.tf=x") {
		t.Errorf("it is %s %s", got, problem)
	}
	for _, s := range []string{
		"git::file://" + r.dir + "?ref=--upload-pack=" + script, "git::ext::" + script, "git::--upload-pack=" + script, "git::-u " + script,
		"git::ssh://-oProxyCommand=" + script + "/x", "git::ssh://x@-oProxyCommand=" + script + "/x",
	} {
		if got, _ := b.fetch(s, ""); got != "" {
			t.Errorf("%s gives %s", s, got)
		}
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a program was run")
	}

	// A tree whose folders are shared lists millions of files and is small.
	bomb := newRepository(t, parent, "bomb")
	bomb.commit("f=x")
	tree := bomb.git("rev-parse", "HEAD^{tree}")
	for range 7 {
		var in strings.Builder
		for i := range 10 {
			in.WriteString("040000 tree " + tree + "\td" + string(rune('0'+i)) + "\n")
		}
		cmd := exec.Command("git", "mktree")
		cmd.Dir, cmd.Stdin = bomb.dir, strings.NewReader(in.String())
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		tree = strings.TrimSpace(string(out))
	}
	commit := bomb.git("commit-tree", "-m", "m", tree)
	bomb.git("update-ref", "refs/heads/main", commit)
	if _, problem := b.fetch("git::file://"+bomb.dir+"?ref=main", ""); !strings.Contains(problem, "more than 30000 files") {
		t.Errorf("the problem of ten million files is %s", problem)
	}
}

// TestFetch_gitWeb fetches over HTTP through the relay, which keeps git to allowed hosts also when it is sent elsewhere.
func TestFetch_gitWeb(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := filepath.Join(strings.TrimSpace(string(out)), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Skip("git-http-backend is not installed")
	}
	t.Setenv("HOME", t.TempDir())
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, "")
	}
	parent := t.TempDir()
	r := newRepository(t, parent, "vpc.git")
	first := r.commit("main.tf=one")
	second := r.commit("main.tf=two")
	var asked []string
	serve := &cgi.Handler{Path: backend, Stderr: io.Discard, Env: []string{"GIT_PROJECT_ROOT=" + parent, "GIT_HTTP_EXPORT_ALL=1"}}
	elsewhere := httptest.NewServer(serve)
	defer elsewhere.Close()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, q *http.Request) {
		asked = append(asked, q.URL.Path)
		switch {
		case strings.HasPrefix(q.URL.Path, "/moved/"):
			http.Redirect(rw, q, elsewhere.URL+strings.TrimPrefix(q.URL.RequestURI(), "/moved"), http.StatusFound)
		case strings.HasPrefix(q.URL.Path, "/private/"):
			rw.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			rw.WriteHeader(http.StatusUnauthorized)
		default:
			serve.ServeHTTP(rw, q)
		}
	}))
	defer server.Close()
	host := server.Listener.Addr().String()
	b := newBench(t)
	b.hosts = []string{"public", host}
	base := "git::http://" + host
	for s, want := range map[string]string{
		base + "/vpc.git":               "main.tf=two",
		base + "/vpc.git?ref=" + first:  "main.tf=one",
		base + "/vpc.git?ref=" + second: "main.tf=two",
	} {
		if got, problem := b.fetch(s, ""); got != want {
			t.Errorf("%s gives %s %s, want %s", s, got, problem, want)
		}
	}
	for s, want := range map[string]string{
		base + "/moved/vpc.git":                      "is not a public one",
		base + "/private/vpc.git":                    "give git credentials for " + host,
		base + "/gone.git":                           "there is no repository http://" + host + "/gone.git",
		"git::http://tok3n@" + host + "/gone.git":    "there is no repository http://" + host + "/gone.git",
		"git::http://u:tok3n@" + host + "/private/x": "git has no access to http://" + host + "/private/x",
		"git::" + elsewhere.URL + "/vpc.git":         "without encryption",
		"git::https://127.0.0.1:1/vpc.git":           "is not a public one",
		"git::https://localhost/vpc.git":             "is not a public one",
		"git::ssh://git@localhost/vpc.git":           "is not a public one",
		"git::ssh://git@10.0.0.1/vpc.git":            "is not a public one",
		"git::http://example.com/vpc.git":            "without encryption",
	} {
		_, problem := b.fetch(s, "")
		if !strings.Contains(problem, want) || strings.Contains(problem, "tok3n") {
			t.Errorf("%s: the problem is %s, want %s", s, problem, want)
		}
	}
	b.hosts = append(b.hosts, elsewhere.Listener.Addr().String())
	if got, problem := b.fetch(base+"/moved/vpc.git", ""); got != "main.tf=two" {
		t.Errorf("a redirection to an allowed host gives %s %s", got, problem)
	}
	asked = nil
	if got, _ := b.fetch(base+"/vpc.git?ref="+first, ""); got != "main.tf=one" || len(asked) > 0 {
		t.Errorf("a commit that is in the cache is %s, and the server was asked for %v", got, asked)
	}
}
