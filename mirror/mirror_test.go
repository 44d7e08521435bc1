package mirror

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/outbound"
)

// repository is somebody's repository that is fetched from.
type repository struct {
	t   *testing.T
	dir string
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	r := &repository{t, filepath.Join(t.TempDir(), "theirs")}
	if err := os.Mkdir(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r.git("init", "--quiet", "--initial-branch=main")
	return r
}

func (r *repository) git(args ...string) string { return r.input("", args...) }

func (r *repository) input(in string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Stdin = strings.NewReader(in)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com",
		"GIT_COMMITTER_NAME=Con", "GIT_COMMITTER_EMAIL=con@example.com", "GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *repository) write(name, text string) {
	r.t.Helper()
	p := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *repository) commit(message string) string {
	r.t.Helper()
	r.git("add", "--all")
	r.git("commit", "--quiet", "--allow-empty", "-m", message)
	return r.git("rev-parse", "HEAD")
}

// tree makes a commit of entries that no work tree could have: "100644 blob OBJECT\tpath" lines.
func (r *repository) tree(entries string) string {
	r.t.Helper()
	return r.git("commit-tree", "-m", "made", r.input(entries, "mktree", "--missing"))
}

func (r *repository) blob(text string) string { return r.input(text, "hash-object", "-w", "--stdin") }

func allow(t *testing.T, list ...string) outbound.Hosts {
	t.Helper()
	h, err := outbound.Parse(list, "the hosts in the settings")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// fetched mirrors a repository of this machine.
func fetched(t *testing.T, r *repository) (Mirror, *Fetched) {
	t.Helper()
	m := Mirror{filepath.Join(t.TempDir(), "ours.git")}
	f, err := m.Fetch(context.Background(), Options{Address: r.dir, Hosts: allow(t, "file://"+r.dir)})
	if err != nil {
		t.Fatal(err)
	}
	return m, f
}

func TestFetch(t *testing.T) {
	ctx := context.Background()
	r := newRepository(t)
	r.write("a/main.tf", "one\ntwo\n")
	first := r.commit("first")
	r.write("a/main.tf", "one\nTWO\n")
	r.write("b c.tf", "x\n")
	second := r.commit("second\n\nbody")
	r.git("checkout", "--quiet", "-b", "feature/é")
	r.git("mv", "b c.tf", "d.tf")
	third := r.commit("third")
	r.git("checkout", "--quiet", "main")
	r.git("tag", "v1")

	m, got := fetched(t, r)
	if got.Default != "main" || got.Empty {
		t.Errorf("fetched %+v", got)
	}
	branches, more, err := m.Branches(ctx)
	at := time.Unix(1700000000, 0).UTC()
	want := []Branch{{"feature/é", third, at}, {"main", second, at}}
	if diff := cmp.Diff(want, branches); err != nil || more || diff != "" {
		t.Errorf("branches: %v %v\n%s", more, err, diff)
	}
	if name, err := m.Default(ctx); name != "main" || err != nil {
		t.Errorf("default %q %v", name, err)
	}
	if refs, _ := m.run(ctx, command{args: []string{"for-each-ref", "--format=%(refname)", "refs/tags"}}); len(refs) > 0 {
		t.Errorf("tags were fetched: %s", refs)
	}
	ann := Person{"Ann", "ann@example.com"}
	commits, err := m.Commits(ctx, Range{To: third})
	wantCommits := []Commit{
		{ID: first, Author: ann, At: at, Landed: at, Subject: "first", Changed: []string{"a/main.tf"}},
		{ID: second, Parents: []string{first}, Author: ann, At: at, Landed: at, Subject: "second", Changed: []string{"a/main.tf", "b c.tf"}},
		{ID: third, Parents: []string{second}, Author: ann, At: at, Landed: at, Subject: "third", Changed: []string{"b c.tf", "d.tf"}},
	}
	if diff := cmp.Diff(wantCommits, commits, equateEmpty); err != nil || diff != "" {
		t.Errorf("commits: %v\n%s", err, diff)
	}
	commits, err = m.Commits(ctx, Range{To: third, Not: []string{first, strings.Repeat("0", 40), "--all"}})
	if diff := cmp.Diff(wantCommits[1:], commits, equateEmpty); err != nil || diff != "" {
		t.Errorf("commits after the first: %v\n%s", err, diff)
	}
	if text, err := m.File(ctx, first, "a/main.tf", 100); string(text) != "one\ntwo\n" || err != nil {
		t.Errorf("file: %q %v", text, err)
	}
	if _, err := m.File(ctx, first, "a/main.tf", 7); !Is(err, TooLarge) {
		t.Errorf("a file over the limit: %v", err)
	}
	line, err := m.Blame(ctx, third, "a/main.tf", 2)
	if diff := cmp.Diff(&Line{Commit: second, Author: ann, At: at, Subject: "second", Path: "a/main.tf", Line: 2}, line); err != nil || diff != "" {
		t.Errorf("blame: %v\n%s", err, diff)
	}
	diff, cut, err := m.Diff(ctx, "", second, []string{"a/main.tf"}, 1<<20)
	if err != nil || cut || !strings.Contains(diff, "-two\n+TWO\n") || strings.Contains(diff, "b c.tf") {
		t.Errorf("diff: %v %v\n%s", cut, err, diff)
	}
	if diff, cut, err := m.Diff(ctx, first, third, nil, 100); err != nil || !cut || len(diff) != 100 {
		t.Errorf("a cut diff: %v %v %q", cut, err, diff)
	}
	if base, err := m.MergeBase(ctx, first, third); base != first || err != nil {
		t.Errorf("merge base %q %v", base, err)
	}

	// What is gone there is gone here, also when history was written anew.
	r.git("branch", "-D", "feature/é")
	r.git("reset", "--quiet", "--hard", first)
	r.write("a/main.tf", "anew\n")
	anew := r.commit("anew")
	if err := os.WriteFile(filepath.Join(m.Dir, "refs", "heads", "main.lock"), nil, 0o600); err != nil { // of a fetch that was killed
		t.Fatal(err)
	}
	if _, err := m.Fetch(ctx, Options{Address: r.dir, Hosts: allow(t, "file://"+r.dir)}); err != nil {
		t.Fatal(err)
	}
	branches, _, err = m.Branches(ctx)
	if diff := cmp.Diff([]Branch{{"main", anew, at}}, branches); err != nil || diff != "" {
		t.Errorf("branches after the second fetch: %v\n%s", err, diff)
	}
	if err := m.Maintain(ctx); err != nil {
		t.Error(err)
	}
}

var equateEmpty = cmp.FilterValues(func(a, b []string) bool { return len(a) == 0 && len(b) == 0 }, cmp.Ignore())

func TestFetch_empty(t *testing.T) {
	m, got := fetched(t, newRepository(t))
	if !got.Empty {
		t.Error("it is not said to be empty")
	}
	if _, err := m.Default(context.Background()); !Is(err, NotFound) {
		t.Errorf("the default branch: %v", err)
	}
}

// TestCommits_merge has what a merge brought to the branch as its changes.
func TestCommits_merge(t *testing.T) {
	r := newRepository(t)
	r.write("a", "1")
	r.commit("a")
	r.git("checkout", "--quiet", "-b", "side")
	r.write("b", "1")
	r.commit("b")
	r.git("checkout", "--quiet", "main")
	r.write("c", "1")
	r.commit("c")
	r.git("merge", "--quiet", "--no-ff", "-m", "merge", "side")
	m, _ := fetched(t, r)
	for first, want := range map[bool][]string{false: {"[a]", "[b]", "[c]", "[b]"}, true: {"[a]", "[c]", "[b]"}} {
		list, err := m.Commits(context.Background(), Range{To: r.git("rev-parse", "HEAD"), FirstParent: first})
		var got []string
		for _, c := range list {
			got = append(got, fmt.Sprint(c.Changed))
		}
		slicesSortBut(got)
		slicesSortBut(want)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("first parents %v: %v\n%s", first, err, diff)
		}
	}
}

// slicesSortBut sorts all but the last: commits of the same second have no order among branches.
func slicesSortBut(s []string) {
	for i := range len(s) - 1 {
		for j := i + 1; j < len(s)-1; j++ {
			if s[j] < s[i] {
				s[i], s[j] = s[j], s[i]
			}
		}
	}
}

// TestHostile has the inputs of people who would like to be more than readers of their own repository.
func TestHostile(t *testing.T) {
	ctx := context.Background()
	r := newRepository(t)
	r.write("ok.tf", "fine\n")
	r.commit("ok")
	good := r.blob("content\n")
	link := r.blob("/etc/passwd")
	out := filepath.Join(t.TempDir(), "x")
	commit := r.tree("100644 blob " + good + "\tmain.tf\n120000 blob " + link + "\tlink.tf\n100644 blob " + good + "\t--output=" + filepath.Base(out) + "\n" +
		"100644 blob " + good + "\tnew\xe9line\n160000 commit " + strings.Repeat("1", 40) + "\tsub\n")
	for _, branch := range []string{"--output=x", "-c", "x;touch-y", "$(id)", "a'b"} {
		r.input("create refs/heads/"+branch+" "+commit+"\n", "update-ref", "--stdin")
	}
	m, _ := fetched(t, r)
	for _, branch := range []string{"--output=x", "-c", "x;touch-y", "$(id)", "a'b"} {
		if id, err := m.Head(ctx, branch); id != commit {
			t.Errorf("head of %q: %q %v", branch, id, err)
		}
	}
	for _, branch := range []string{"", "main^", "main~1", "@{-1}", "main@{1}", "../../HEAD", "nowhere", "main:ok.tf", "--all"} {
		if id, err := m.Head(ctx, branch); !Is(err, NotFound) {
			t.Errorf("head of %q: %q %v", branch, id, err)
		}
	}
	for _, path := range []string{"link.tf", "sub", ".", "..", "../x", "/etc/passwd", "a/../main.tf", "main.tf/", "", "*.tf", ":(top)main.tf", "main.tf\x00x"} {
		if text, err := m.File(ctx, commit, path, 1<<20); !Is(err, NotFound) {
			t.Errorf("file %q: %q %v", path, text, err)
		}
	}
	for _, path := range []string{"main.tf", "--output=x"} {
		if text, err := m.File(ctx, commit, path, 1<<20); string(text) != "content\n" || err != nil {
			t.Errorf("file %q: %q %v", path, text, err)
		}
	}
	for _, id := range []string{"", "HEAD", "main", "--output=/tmp/x", commit[:12], commit + "^", strings.ToUpper(commit)} {
		if _, err := m.File(ctx, id, "main.tf", 1<<20); !Is(err, NotFound) {
			t.Errorf("commit %q: %v", id, err)
		}
		if _, err := m.Commits(ctx, Range{To: id}); !Is(err, NotFound) {
			t.Errorf("commits of %q: %v", id, err)
		}
		if _, _, err := m.Diff(ctx, "", id, nil, 1<<20); !Is(err, NotFound) {
			t.Errorf("diff of %q: %v", id, err)
		}
	}
	if line, err := m.Blame(ctx, commit, "--output=x", 1); err != nil || line.Commit != commit {
		t.Errorf("blame: %+v %v", line, err)
	}
	if _, err := m.Blame(ctx, commit, "link.tf", 99); !Is(err, NotFound) {
		t.Errorf("blame of a line that is not there: %v", err)
	}
	if _, err := m.Blame(ctx, commit, "../../../etc/passwd", 1); !Is(err, NotFound) {
		t.Errorf("blame outside: %v", err)
	}
	list, err := m.Commits(ctx, Range{To: commit})
	if err != nil || len(list) != 1 || strings.Join(list[0].Changed, " ") != "--output=x link.tf main.tf sub" {
		t.Errorf("changed: %+v %v", list, err)
	}
	if _, err := os.Stat(filepath.Join(m.Dir, "x")); err == nil {
		t.Error("git wrote a file")
	}
}

// TestFetch_broken refuses what breaks programs that check it out later, although we never do.
func TestFetch_broken(t *testing.T) {
	for name, entries := range map[string]func(r *repository) string{
		"a .git folder":       func(r *repository) string { return "040000 tree " + r.input("", "mktree") + "\t.GIT\n" },
		"a path that goes up": func(r *repository) string { return "100644 blob " + r.blob("x") + "\t..\n" },
		"a submodule as an option": func(r *repository) string {
			return "100644 blob " + r.blob("[submodule \"x\"]\n\tpath = x\n\turl = -u./payload\n") + "\t.gitmodules\n"
		},
		"a .gitmodules that links": func(r *repository) string { return "120000 blob " + r.blob("/etc/passwd") + "\t.gitmodules\n" },
		"a submodule that goes up": func(r *repository) string {
			return "100644 blob " + r.blob("[submodule \"../x\"]\n\tpath = x\n\turl = https://example.com/x\n") + "\t.gitmodules\n"
		},
		"a submodule that runs one": func(r *repository) string {
			return "100644 blob " + r.blob("[submodule \"x\"]\n\tpath = x\n\turl = x\n\tupdate = !touch y\n") + "\t.gitmodules\n"
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t)
			commit := r.tree(entries(r))
			r.git("update-ref", "refs/heads/main", commit)
			m := Mirror{filepath.Join(t.TempDir(), "ours.git")}
			_, err := m.Fetch(context.Background(), Options{Address: r.dir, Hosts: allow(t, "file://"+r.dir)})
			if !Is(err, Broken) {
				t.Errorf("fetched: %v", err)
			}
			if have, _ := m.Have(context.Background(), []string{commit}); len(have) > 0 {
				t.Error("the commit is in the mirror")
			}
		})
	}
}

func TestFetch_limits(t *testing.T) {
	r := newRepository(t)
	noise := make([]byte, 3<<20)
	for i := range noise {
		noise[i] = byte(i*i>>7 ^ i*31>>3 ^ i>>11)
	}
	r.write("noise", string(noise))
	r.write("main.tf", "x")
	head := r.commit("large")
	o := Options{Address: r.dir, Hosts: allow(t, "file://"+r.dir)}

	small := o
	small.Limits.Bytes = 100 << 10
	if _, err := (Mirror{filepath.Join(t.TempDir(), "m")}).Fetch(context.Background(), small); !Is(err, TooLarge) {
		t.Errorf("beyond the size: %v", err)
	}
	quick := o
	quick.Limits.Time = time.Nanosecond
	if _, err := (Mirror{filepath.Join(t.TempDir(), "m")}).Fetch(context.Background(), quick); !Is(err, TooSlow) {
		t.Errorf("beyond the time: %v", err)
	}
	// A host that can leaves large files out; what is there can be read all the same.
	r.git("config", "uploadpack.allowFilter", "true")
	o.Limits.Blob = 1 << 20
	m := Mirror{filepath.Join(t.TempDir(), "m")}
	if _, err := m.Fetch(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if size := m.Size(); size > 1<<20 {
		t.Errorf("the mirror has %d bytes", size)
	}
	if _, err := m.File(context.Background(), head, "noise", 1<<30); !Is(err, TooLarge) {
		t.Errorf("a file that was left out: %v", err)
	}
	if text, err := m.File(context.Background(), head, "main.tf", 100); string(text) != "x" || err != nil {
		t.Errorf("%q %v", text, err)
	}
	r.write("main.tf", "y")
	r.commit("more")
	if _, err := m.Fetch(context.Background(), o); err != nil {
		t.Errorf("fetch again: %v", err)
	}
	if err := m.Maintain(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestFetch_addresses(t *testing.T) {
	r := newRepository(t)
	for address, kind := range map[string]ErrorKind{
		"": BadAddress, "ext::sh -c id": BadAddress, "--upload-pack=touch x": BadAddress, "git://github.com/x/y": BadAddress, "ftp://example.com/x": BadAddress,
		"https://user:secret@example.com/x": BadAddress, "https://token@example.com/x": BadAddress, "https://example.com": BadAddress, "https://example.com/x?a=b": BadAddress,
		"https://-oProxyCommand=id/x": BadAddress, "ssh://-oProxyCommand=id/x": BadAddress, "-oProxyCommand=id:x": BadAddress, "git@-x:y": BadAddress, "git@example.com:-x": BadAddress,
		"http://169.254.169.254/latest/meta-data": BadAddress, "https://169.254.169.254/x": BadAddress, "https://[::ffff:169.254.169.254]/x": BadAddress,
		"https://127.0.0.1/x": BadAddress, "https://localhost/x": BadAddress, "https://metadata.google.internal/x": BadAddress, "ssh://git@10.0.0.1/x": BadAddress,
		"git@192.168.1.1:x/y": BadAddress, "https://0x7f.1/x": BadAddress, "https://[fd00:ec2::254]/x": BadAddress, "http://example.com/x": BadAddress,
		"file:///etc": BadAddress, "/etc": BadAddress, r.dir + "/../../..": BadAddress, "file://host/x": BadAddress, "https://example.com/x\nfoo": BadAddress,
		r.dir + "/nowhere": BadAddress,
	} {
		m := Mirror{filepath.Join(t.TempDir(), "m")}
		_, err := m.Fetch(context.Background(), Options{Address: address, Hosts: allow(t, "public", "file://"+r.dir), Limits: Limits{Time: 5 * time.Second}})
		if !Is(err, kind) && !(strings.Contains(address, "0x7f") && Is(err, Unreachable)) {
			t.Errorf("%q: %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error has the password: %v", address, err)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]string{
		"https://GitHub.com/A/b.git": "https://github.com/A/b.git", "git@github.com:a/b.git": "git@github.com:a/b.git", "github.com:a/b": "git@github.com:a/b",
		"ssh://git@example.com:2222/a/b": "ssh://git@example.com:2222/a/b", "ssh://example.com/a": "ssh://git@example.com/a",
		"/srv/git/x/../y": "file:///srv/git/y", "file:///srv/git/y": "file:///srv/git/y", "https://example.com:8443/a b": "error", "https://[2606:4700::1111]/x": "https://[2606:4700::1111]/x",
	} {
		a, err := ParseAddress(text)
		got := "error"
		if err == nil {
			got = a.String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s (%v)", text, got, want, err)
		}
	}
}

// web serves repositories of a folder over HTTP with a password.
func web(t *testing.T, dir, password string) (*httptest.Server, *[]*http.Request) {
	t.Helper()
	execPath, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	handler := &cgi.Handler{Path: filepath.Join(strings.TrimSpace(string(execPath)), "git-http-backend"),
		Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=x"}}
	var seen []*http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		seen = append(seen, q)
		if strings.HasPrefix(q.URL.Path, "/moved/") {
			http.Redirect(w, q, "http://169.254.169.254/x", http.StatusFound)
			return
		}
		if _, p, _ := q.BasicAuth(); password != "" && p != password {
			w.Header().Set("WWW-Authenticate", "Basic realm=x")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, q)
	}))
	t.Cleanup(s.Close)
	return s, &seen
}

func TestFetch_credential(t *testing.T) {
	r := newRepository(t)
	r.write("main.tf", "x")
	head := r.commit("x")
	const canary = "s3cr3t/c@nary+%41 x"
	s, seen := web(t, filepath.Dir(r.dir), canary)
	host := strings.TrimPrefix(s.URL, "http://")
	private := t.TempDir()
	t.Setenv("TMPDIR", private)
	try := func(address, password string) (Mirror, error) {
		m := Mirror{filepath.Join(t.TempDir(), "m")}
		_, err := m.Fetch(context.Background(), Options{Address: address, Hosts: allow(t, host), Credential: Credential{Password: password}})
		return m, err
	}
	m, err := try(s.URL+"/theirs/.git", canary)
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := m.Head(context.Background(), "main"); id != head {
		t.Errorf("head %q", id)
	}
	filepath.WalkDir(m.Dir, func(name string, d os.DirEntry, err error) error {
		if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), "nary") {
			t.Errorf("the password is in %s", name)
		}
		return nil
	})
	if left, _ := os.ReadDir(private); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	for password, words := range map[string]string{"": "give it a token", "wrong" + canary: "does not accept the credential"} {
		if _, err := try(s.URL+"/theirs/.git", password); !Is(err, NoAccess) || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "nary") {
			t.Errorf("password %q: %v", password, err)
		}
	}
	if _, err := try(s.URL+"/nowhere", canary); !Is(err, NotFound) {
		t.Errorf("a repository that there is not: %v", err)
	}
	*seen = nil
	if _, err := try(s.URL+"/moved/x", canary); !Is(err, Unreachable) {
		t.Errorf("a redirection: %v", err)
	}
	if len(*seen) != 1 {
		t.Errorf("%d requests", len(*seen))
	}
	if _, err := (Mirror{filepath.Join(t.TempDir(), "m")}).Fetch(context.Background(), Options{Address: s.URL + "/theirs/.git", Hosts: allow(t, "public")}); !Is(err, BadAddress) {
		t.Errorf("a host of this machine that is not allowed: %v", err)
	}
}

// TestFetch_environment sees what git starts sees: nothing of ours.
func TestFetch_environment(t *testing.T) {
	dir := t.TempDir()
	told := filepath.Join(dir, "told")
	for _, name := range []string{"ssh", "curl"} {
		script := "#!/bin/sh\n(env; echo ARGS \"$@\"; for a in \"$@\"; do case \"$a\" in -oUserKnownHostsFile=*) stat -c %a \"${a#*=}\";; */key) stat -c %a \"$a\"; cat \"$a\";; esac; done) >" + told + "\nexit 255\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("CANARY", "canary-of-the-server")
	t.Setenv("GIT_SSH_COMMAND", "touch "+filepath.Join(dir, "own"))
	t.Setenv("SSH_AUTH_SOCK", "/nowhere")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	m := Mirror{filepath.Join(dir, "m")}
	_, err = m.Fetch(context.Background(), Options{Address: "ssh://git@localhost:" + port + "/x", Hosts: allow(t, "localhost:"+port), KnownHosts: "x", Credential: Credential{Key: []byte("THEKEY")}})
	if !Is(err, Unreachable) {
		t.Errorf("%v", err)
	}
	text, err := os.ReadFile(told)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"canary", "SSH_AUTH_SOCK", "touch"} {
		if strings.Contains(string(text), bad) {
			t.Errorf("ssh sees %q:\n%s", bad, text)
		}
	}
	for _, good := range []string{"-oStrictHostKeyChecking=yes", "-oBatchMode=yes", "600\n", "THEKEY\n", "-oHostKeyAlias=[localhost]:" + port, "-F /dev/null", "GIT_ALLOW_PROTOCOL=ssh"} {
		if !strings.Contains(string(text), good) {
			t.Errorf("ssh does not see %q:\n%s", good, text)
		}
	}
}

// TestBranches_many lists no more than it may of very many branches.
func TestBranches_many(t *testing.T) {
	if testing.Short() {
		t.Skip("makes many branches")
	}
	r := newRepository(t)
	id := r.commit("x")
	var in strings.Builder
	for i := range MaxBranches + 500 {
		fmt.Fprintf(&in, "%s refs/heads/b%d\n", id, i)
	}
	m, _ := fetched(t, r)
	if err := os.WriteFile(filepath.Join(m.Dir, "packed-refs"), []byte(in.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	list, more, err := m.Branches(context.Background())
	if len(list) != MaxBranches || !more || err != nil {
		t.Errorf("%d branches, more: %v, %v", len(list), more, err)
	}
}
