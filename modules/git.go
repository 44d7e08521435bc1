package modules

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/source"
)

// Rules of this file: git is the user's own, with the user's own credentials, and does nothing but list refs and fetch one
// commit into a repository that was made for it. It checks out nothing, so that there are no hooks, filters, submodules or
// links; it speaks https and ssh only (and what the user allowed); over https it reaches hosts through a proxy of ours that
// connects to allowed addresses only; nothing that a source says can be an option.

// commitID is the name of a commit, complete.
var commitID = lazy(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// git fetches a repository at a ref.
func (f *Fetcher) git(ctx context.Context, a *address) (entry, error) {
	address := a.url.String()
	key := func(commit string) string { return "git " + address + " " + commit }
	if commitID().MatchString(a.ref) {
		if e, ok := f.store.find(key(a.ref)); ok {
			return f.placed(e, a.subdir)
		}
	}
	if f.offline {
		return entry{}, f.notCached(a)
	}
	work, done, err := f.store.work()
	if err != nil {
		return entry{}, err
	}
	defer done()
	g := &gitRun{fetcher: f, address: a, dir: filepath.Join(work, "repository")}
	if err := g.prepare(ctx); err != nil {
		return entry{}, err
	}
	defer g.close()
	commit, ref, err := g.resolve(ctx)
	if err != nil {
		return entry{}, err
	}
	if e, ok := f.store.find(key(commit)); ok {
		return f.placed(e, a.subdir)
	}
	f.say("fetching " + a.shown())
	if commit, err = g.fetch(ctx, commit, ref); err != nil {
		return entry{}, err
	}
	tree, err := g.unpack(ctx, commit, work)
	if err != nil {
		return entry{}, err
	}
	e := entry{Tree: tree}
	f.store.note(key(commit), e)
	return f.placed(e, a.subdir)
}

// gitRun is the work on one repository.
type gitRun struct {
	fetcher *Fetcher
	address *address
	dir     string // of the repository that is fetched into
	config  []string
	env     []string
	relay   *outbound.Relay // nil where git goes its own way
}

// prepare makes an empty repository, and the ways out of it that are allowed.
func (g *gitRun) prepare(ctx context.Context) error {
	u := g.address.url
	protocols := "https:ssh"
	switch u.Scheme {
	case "file":
		if err := g.fetcher.client.hosts.Local(filepath.FromSlash(u.Path)); err != nil {
			return err
		}
		protocols = "file"
	case "ssh":
		port := u.Port()
		if port == "" {
			port = "22"
		}
		if _, err := g.fetcher.client.hosts.Lookup(ctx, u.Hostname(), port); err != nil {
			return err
		}
	default:
		if err := g.fetcher.client.checkURL(u); err != nil {
			return err
		}
		if u.Scheme == "http" {
			protocols = "http:https:ssh"
		}
	}
	g.env = environment(protocols)
	g.config = []string{
		"core.hooksPath=" + os.DevNull, "core.fsmonitor=false", "gc.auto=0", "maintenance.auto=false",
		"fetch.recurseSubmodules=false", "submodule.recurse=false", "fetch.writeCommitGraph=false", "http.followRedirects=false",
		"http.lowSpeedLimit=1000", "http.lowSpeedTime=30", "credential.interactive=false", "transfer.bundleURI=false",
	}
	if _, err := g.run(ctx, "", "init", "--quiet", "--bare", "--template=", g.dir); err != nil {
		return err
	}
	switch u.Scheme {
	case "ssh":
		command, err := g.run(ctx, g.dir, "config", "--get", "core.sshCommand")
		ssh := strings.TrimSpace(string(command))
		if own, ok := g.fetcher.env("GIT_SSH_COMMAND"); ok {
			ssh, err = own, nil
		}
		if err != nil || ssh == "" {
			ssh = "ssh"
		}
		g.env = append(g.env, "GIT_SSH_COMMAND="+ssh+" -oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=15 -oClearAllForwardings=yes -oForwardAgent=no -oPermitLocalCommand=no")
	case "http", "https":
		if g.proxied(ctx) {
			return nil
		}
		var err error
		if g.relay, err = outbound.StartRelay(g.fetcher.client.hosts); err != nil {
			return fmt.Errorf("the way to %s cannot be opened: %w", u.Host, err)
		}
		g.config = append(g.config, "http.proxy="+g.relay.URL(), "http.followRedirects=initial")
		g.env = append(g.env, "NO_PROXY=", "no_proxy=", "ALL_PROXY=", "all_proxy=")
	}
	return nil
}

// proxied reports whether the user has a proxy for the address: it looks up names, so that ours cannot.
func (g *gitRun) proxied(ctx context.Context) bool {
	if p, err := http.ProxyFromEnvironment(&http.Request{URL: g.address.url}); err != nil || p != nil {
		return true
	}
	plainURL := url.URL{Scheme: g.address.url.Scheme, Host: g.address.url.Host, Path: g.address.url.Path}
	own, err := g.run(ctx, g.dir, "config", "--get-urlmatch", "http.proxy", plainURL.String())
	return err == nil && len(bytes.TrimSpace(own)) > 0
}

func (g *gitRun) close() {
	if g.relay != nil {
		g.relay.Close()
	}
}

// kept are the variables of git that say how the user reaches hosts. Others could lead git to another repository or let it
// write what it sends.
var kept = []string{"GIT_ASKPASS", "GIT_CONFIG_", "GIT_SSH=", "GIT_SSH_VARIANT", "GIT_SSL_", "GIT_PROXY_SSL", "GIT_EXEC_PATH"}

// environment is what git sees of the process.
func environment(protocols string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "GIT_") && !slices.ContainsFunc(kept, func(k string) bool { return strings.HasPrefix(v, k) })
	})
	return append(env, "GIT_ALLOW_PROTOCOL="+protocols, "GIT_TERMINAL_PROMPT=0", "GIT_LFS_SKIP_SMUDGE=1", "GIT_NO_LAZY_FETCH=1",
		"GCM_INTERACTIVE=never", "SSH_ASKPASS_REQUIRE=never", "LC_ALL=C")
}

// run runs git and ends it when it takes too long or too much.
func (g *gitRun) run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	all := []string{"--no-pager", "--no-replace-objects"}
	for _, c := range g.config {
		all = append(all, "-c", c)
	}
	cmd := exec.CommandContext(ctx, "git", append(all, args...)...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, g.env, 3*time.Second
	var out, complaint bounded
	out.left, complaint.left = maxAnswer, 16<<10
	cmd.Stdout, cmd.Stderr = &out, &complaint
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		g.watch(ended, cancel)
	}()
	err := cmd.Run()
	close(ended)
	<-watched
	if err == nil {
		return out.buffer.Bytes(), nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return nil, failure("git is not installed, and the module is in a git repository")
	}
	if ctx.Err() != nil {
		if p, ok := errors.AsType[*problemError](context.Cause(ctx)); ok {
			return nil, p
		}
		return nil, failure("git does not come to an end with %s: %v", g.address.shown(), cause(ctx))
	}
	return nil, g.complaint(complaint.buffer.String())
}

// bounded keeps the beginning of what is written to it.
type bounded struct {
	buffer bytes.Buffer
	left   int
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.buffer.Write(p[:n])
	b.left -= n
	return len(p), nil
}

// watch ends git when the repository grows beyond the limit.
func (g *gitRun) watch(ended <-chan struct{}, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			if sizeOf(g.dir) > g.fetcher.limits.Archive {
				cancel(exceeded("the repository has more than %d MiB at this commit", g.fetcher.limits.Archive>>20))
				return
			}
		}
	}
}

func sizeOf(dir string) (n int64) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// complaint is what git says, for people: the last line that tells of an error, without credentials.
func (g *gitRun) complaint(text string) error {
	if g.relay != nil {
		if err := g.relay.Refused(); err != nil {
			return err
		}
	}
	var said string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		for _, lead := range []string{"fatal: ", "error: ", "remote: ", "ERROR: "} {
			if rest, ok := strings.CutPrefix(line, lead); ok && rest != "" && !strings.HasPrefix(rest, "Could not read from remote") {
				said = rest
			}
		}
		if strings.Contains(line, "Permission denied") || strings.Contains(line, "Host key verification failed") {
			said = line
			break
		}
	}
	host := g.address.url.Host
	said = clip(queries().ReplaceAllString(withoutUser(said), ""))
	switch {
	case strings.Contains(said, "Host key verification failed"):
		return failure("the ssh key of %s is not known: connect to it once with ssh, or add it to known_hosts", host)
	case strings.Contains(said, "Permission denied"), strings.Contains(said, "Authentication failed"),
		strings.Contains(said, "could not read Username"), strings.Contains(said, "could not read Password"):
		return failure("git has no access to %s: give git credentials for %s (a credential helper, or a key for ssh)", g.address.shown(), host)
	case strings.Contains(said, "not found"):
		return failure("there is no repository %s, or git needs credentials for it", g.address.shown())
	case said == "":
		said = "it does not say why"
	}
	return failure("git cannot fetch %s: %s", g.address.shown(), said)
}

var queries = lazy(`\?[^\s']*`)

// remote is the address as git is to use it.
func (g *gitRun) remote() string {
	u := *g.address.url
	if u.Scheme == "file" {
		return "file://" + u.Path
	}
	return u.String()
}

// resolve asks which commit the ref names now. A commit that is named by its beginning is found while fetching.
func (g *gitRun) resolve(ctx context.Context) (commit, ref string, err error) {
	want := g.address.ref
	if commitID().MatchString(want) {
		return want, want, nil
	}
	patterns := []string{"HEAD"}
	if want != "" {
		patterns = []string{"refs/tags/" + want, "refs/tags/" + want + "^{}", "refs/heads/" + want}
		if strings.HasPrefix(want, "refs/") {
			patterns = []string{want, want + "^{}"}
		}
	}
	out, err := g.run(ctx, g.dir, append([]string{"ls-remote", "--quiet", "--end-of-options", g.remote()}, patterns...)...)
	if err != nil {
		return "", "", err
	}
	refs := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		if id, name, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && commitID().MatchString(id) {
			refs[name] = id
		}
	}
	for _, name := range patterns {
		if strings.HasSuffix(name, "^{}") || refs[name] == "" {
			continue
		}
		if peeled := refs[name+"^{}"]; peeled != "" { // what an annotated tag is about
			return peeled, name, nil
		}
		return refs[name], name, nil
	}
	if want == "" {
		return "", "", failure("the repository %s has no commits", g.address.shown())
	}
	return "", "", failure("the repository has no branch, tag or complete commit id %q: %s", want, g.address.shown())
}

// fetch fetches one commit and returns its name.
func (g *gitRun) fetch(ctx context.Context, commit, ref string) (string, error) {
	fetch := func(what string, options ...string) error {
		args := append([]string{"fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance"}, options...)
		_, err := g.run(ctx, g.dir, append(args, "--end-of-options", g.remote(), what)...)
		return err
	}
	err := fetch("+"+ref+":refs/plumbline/module", "--depth=1")
	if err != nil && ref == commit { // a server that gives no commits by their names
		if limit, ok := errors.AsType[*problemError](err); ok && limit.limit || ctx.Err() != nil {
			return "", err
		}
		if again := fetch("+refs/heads/*:refs/heads/*"); again != nil {
			return "", err
		}
		_, known := g.run(ctx, g.dir, "cat-file", "-e", commit+"^{commit}")
		if known != nil {
			return "", failure("the repository has no commit %s in its branches: %s", commit, g.address.shown())
		}
		return commit, nil
	}
	if err != nil {
		return "", err
	}
	id, err := g.run(ctx, g.dir, "rev-parse", "--verify", "--quiet", "--end-of-options", "refs/plumbline/module^{commit}")
	if err != nil {
		return "", failure("%s is not a commit", clip(ref))
	}
	return strings.TrimSpace(string(id)), nil // the branch may have moved since it was resolved
}

// unpack stores the files of a commit.
func (g *gitRun) unpack(ctx context.Context, commit, work string) (string, error) {
	tree, err := source.OpenGitDir(ctx, g.dir, commit)
	if err != nil {
		if errors.Is(err, source.ErrListing) {
			return "", exceeded("the repository has more than %d files", g.fetcher.limits.Files)
		}
		return "", failure("git cannot read %s: %s", g.address.shown(), clip(withoutUser(err.Error())))
	}
	defer tree.Close()
	u, err := g.fetcher.store.unpacking(ctx, work, g.fetcher.limits)
	if err != nil {
		return "", err
	}
	defer u.root.Close()
	err = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if d.IsDir() {
			_, err := u.enter(name, true)
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := tree.Stat(name)
			if err != nil || !target.Mode().IsRegular() {
				_, err := u.enter(name, false) // it leads out, nowhere or to a folder
				return err
			}
			info = target
		}
		if info.Size() > g.fetcher.limits.File {
			_, err := u.enter(name, false)
			return err
		}
		file, err := tree.Open(name)
		if err != nil {
			return failure("git cannot read %q of %s", clip(path.Base(name)), g.address.shown())
		}
		defer file.Close()
		return u.file(name, file)
	})
	if err != nil {
		return "", err
	}
	return g.fetcher.store.keep(u)
}
