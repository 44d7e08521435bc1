package mirror

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"plumbline.dev/plumbline/outbound"
)

// Options is what to fetch and how far to go. The zero value of a limit means the default beside it.
type Options struct {
	Address    string
	Credential Credential
	Hosts      outbound.Hosts // that may be reached, and the folders whose repositories may; the zero value allows nothing
	KnownHosts string         // lines of known_hosts for ssh; empty: the key that the host has now is taken and returned in Fetched
	Limits     Limits
}

// Credential is what the host knows us by. The zero value is none. It is given to git in files that only this user can read,
// in a folder that is removed afterwards.
type Credential struct {
	User     string // of https; empty means one that hosts take beside a token
	Password string // of https: password or token
	Key      []byte // of ssh: the private key, in the form that ssh reads, without a passphrase
}

// Limits bounds a fetch.
type Limits struct {
	Bytes int64         // of the mirror on disk: 4 GiB
	Blob  int64         // files larger than this stay with the host, where it can leave them out: 5 MiB
	Time  time.Duration // 15 min
}

// Fetched is what a fetch found out.
type Fetched struct {
	Default    string // name of the default branch: main; empty when the host does not tell
	KnownHosts string // lines of known_hosts to give to the next fetch
	Empty      bool   // the repository has no branches
}

// Fetch makes the mirror what the repository at the address is now: branches that are gone there are gone here. It is for one
// goroutine and one process at a time. Errors that are Error say what people can do.
func (m Mirror) Fetch(ctx context.Context, o Options) (*Fetched, error) {
	a, err := ParseAddress(o.Address)
	if err != nil {
		return nil, err
	}
	if o.Limits.Bytes <= 0 {
		o.Limits.Bytes = 4 << 30
	}
	if o.Limits.Blob <= 0 {
		o.Limits.Blob = 5 << 20
	}
	if o.Limits.Time <= 0 {
		o.Limits.Time = 15 * time.Minute
	}
	private, err := os.MkdirTemp("", "plumbline-fetch-")
	if err != nil {
		return nil, fmt.Errorf("make a private folder: %w", err)
	}
	defer os.RemoveAll(private)
	f := &fetch{Mirror: m, Options: o, address: a, private: private, until: time.Now().Add(o.Limits.Time)}
	if err := f.prepare(ctx); err != nil {
		return nil, err
	}
	defer f.close()
	if err := f.create(ctx); err != nil {
		return nil, err
	}
	fetched := &Fetched{}
	if fetched.Default, fetched.Empty, err = f.head(ctx); err != nil {
		return nil, err
	}
	if err := f.all(ctx); err != nil {
		return nil, err
	}
	if a.Scheme == "ssh" {
		if text, err := os.ReadFile(f.knownHosts()); err == nil {
			fetched.KnownHosts = string(text)
		}
	}
	if fetched.Default != "" {
		if _, err := m.run(ctx, command{args: []string{"symbolic-ref", "--", "HEAD", "refs/heads/" + fetched.Default}}); err != nil {
			return nil, fmt.Errorf("note the default branch: %w", err)
		}
	}
	return fetched, nil
}

// fetch is one run of Fetch.
type fetch struct {
	Mirror
	Options
	address *Address
	private string // a folder for credentials
	until   time.Time
	env     []string
	config  []string
	relay   *outbound.Relay
}

func (f *fetch) knownHosts() string { return filepath.Join(f.private, "known_hosts") }

// prepare checks where the address leads, and opens the one way there.
func (f *fetch) prepare(ctx context.Context) error {
	a := f.address
	// The remote is configured for this run only: without it, nothing that reads the mirror can be led to fetch.
	f.config = []string{
		"remote.origin.url=" + a.String(), "remote.origin.promisor=true", fmt.Sprintf("remote.origin.partialclonefilter=blob:limit=%d", f.Limits.Blob),
		"http.followRedirects=false", "http.lowSpeedLimit=1000", "http.lowSpeedTime=60", "credential.interactive=false", "transfer.bundleURI=false",
		"transfer.fsckObjects=true", "fetch.writeCommitGraph=false", "protocol.version=2", "core.askPass=", "http.proxy=", "http.cookieFile=",
	}
	// What old tools wrote wrongly and what harms nobody is no reason to refuse a repository.
	for _, harmless := range []string{"zeroPaddedFilemode", "missingSpaceBeforeDate", "badTimezone", "missingEmail", "badDate", "zeroPaddedDate"} {
		f.config = append(f.config, "fetch.fsck."+harmless+"=ignore")
	}
	switch a.Scheme {
	case "file":
		if err := f.Hosts.Local(a.Path); err != nil {
			return fail(BadAddress, "%s", err)
		}
		return nil
	case "ssh":
		return f.prepareSSH(ctx)
	case "http":
		if !f.Hosts.Named(a.Host, a.port()) {
			return fail(BadAddress, "%s would be asked without encryption: use https", a.Host)
		}
	}
	if err := f.Hosts.Check(a.Host, a.port()); err != nil {
		return fail(BadAddress, "%s", err)
	}
	var err error
	if f.relay, err = outbound.StartRelay(f.Hosts); err != nil {
		return fmt.Errorf("open the way to %s: %w", a.Host, err)
	}
	f.config = append(f.config, "http.proxy="+f.relay.URL())
	f.env = append(f.env, "NO_PROXY=", "no_proxy=")
	if f.Credential.Password == "" {
		return nil
	}
	user := f.Credential.User
	if user == "" {
		user = "oauth2"
	}
	// The store of git gives a credential to the host that it is for and to no other.
	host := strings.TrimPrefix(a.String(), a.Scheme+"://")
	host, _, _ = strings.Cut(host, "/")
	line := a.Scheme + "://" + escape(user) + ":" + escape(f.Credential.Password) + "@" + host + "\n"
	file, err := f.secret("credentials", []byte(line))
	if err != nil {
		return err
	}
	f.config = append(f.config, "credential.helper=store --file="+quote(file))
	return nil
}

// escape writes a text such that git's store of credentials reads it back.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// quote writes a text as one word of a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// secret writes a file that only this user can read.
func (f *fetch) secret(name string, content []byte) (string, error) {
	file := filepath.Join(f.private, name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return "", fmt.Errorf("keep a credential for git: %w", err)
	}
	return file, nil
}

func (f *fetch) prepareSSH(ctx context.Context) error {
	a := f.address
	var pinned netip.Addr
	all, err := f.Hosts.Lookup(ctx, a.Host, a.port())
	if err != nil {
		return fail(BadAddress, "%s", err)
	}
	pinned = all[0]
	strict := "yes"
	if strings.TrimSpace(f.KnownHosts) == "" {
		strict = "accept-new"
	}
	if _, err := f.secret("known_hosts", []byte(f.KnownHosts)); err != nil {
		return err
	}
	words := []string{"ssh", "-F", os.DevNull, "-oBatchMode=yes", "-oStrictHostKeyChecking=" + strict, quote("-oUserKnownHostsFile=" + f.knownHosts()),
		"-oGlobalKnownHostsFile=" + os.DevNull, "-oConnectTimeout=20", "-oClearAllForwardings=yes", "-oForwardAgent=no", "-oPermitLocalCommand=no",
		"-oIdentityAgent=none", "-oIdentitiesOnly=yes", "-oUpdateHostKeys=no", "-oHashKnownHosts=no", "-oProxyCommand=none", "-oServerAliveInterval=15",
		"-oServerAliveCountMax=4", outbound.PinSSH(a.Host, a.Port, pinned)}
	if len(f.Credential.Key) > 0 {
		key := slices.Clone(f.Credential.Key)
		if key[len(key)-1] != '\n' {
			key = append(key, '\n') // ssh reads no key without it
		}
		file, err := f.secret("key", key)
		if err != nil {
			return err
		}
		words = append(words, "-i", quote(file), "-oPreferredAuthentications=publickey")
	} else {
		words = append(words, "-oIdentityFile=none")
	}
	f.env = append(f.env, "GIT_SSH_COMMAND="+strings.Join(words, " "), "GIT_SSH_VARIANT=ssh")
	return nil
}

func (f *fetch) close() {
	if f.relay != nil {
		f.relay.Close()
	}
}

// create makes the mirror when there is none, and clears away what a fetch left behind that was killed.
func (f *fetch) create(ctx context.Context) error {
	if !f.Exists() {
		if err := os.MkdirAll(filepath.Dir(f.Dir), 0o700); err != nil {
			return fmt.Errorf("make the folder of the mirror: %w", err)
		}
		if _, err := f.run(ctx, command{args: []string{"init", "--quiet", "--bare", "--template=", "--", f.Dir}}); err != nil {
			return fmt.Errorf("make the mirror: %w", err)
		}
		return nil
	}
	return filepath.WalkDir(f.Dir, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		base := d.Name()
		if d.Type().IsRegular() && (strings.HasSuffix(base, ".lock") || strings.HasPrefix(base, "tmp_pack_") || strings.HasPrefix(base, "tmp_idx_") || strings.HasPrefix(base, "tmp_rev_")) {
			os.Remove(name)
		}
		if d.IsDir() && (base == "tmp_objdir" || strings.HasPrefix(base, "tmp_objdir-") || strings.HasPrefix(base, "incoming-")) {
			os.RemoveAll(name)
			return filepath.SkipDir
		}
		return nil
	})
}

// talk runs a command that reaches the host.
func (f *fetch) talk(ctx context.Context, c command) ([]byte, error) {
	c.config, c.env, c.allow = append(f.config, c.config...), append(f.env, c.env...), f.address.Scheme
	c.time = max(time.Until(f.until), time.Millisecond)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var watched sync.WaitGroup
	ended := make(chan struct{})
	watched.Go(func() { f.watch(ended, cancel) })
	out, err := f.run(ctx, c)
	close(ended)
	watched.Wait()
	if said, ok := errors.AsType[*complained](err); ok {
		if f.relay != nil && f.relay.Refused() != nil {
			return nil, fail(Unreachable, "%s", f.relay.Refused())
		}
		return nil, f.explain(said.text)
	}
	if Is(err, TooSlow) {
		return nil, fail(TooSlow, "the repository could not be fetched within %s: raise the time limit of repositories, or make it smaller", f.Limits.Time)
	}
	return out, err
}

// watch ends git when the mirror grows beyond the limit.
func (f *fetch) watch(ended <-chan struct{}, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			if f.Size() > f.Limits.Bytes {
				cancel(f.tooLarge())
				return
			}
		}
	}
}

func (f *fetch) tooLarge() error {
	return fail(TooLarge, "the repository has more than %d MiB: raise the size limit of repositories to have it", f.Limits.Bytes>>20)
}

var symref = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^ref: refs/heads/(\S+)\tHEAD$`) })

// head asks for the default branch.
func (f *fetch) head(ctx context.Context) (branch string, empty bool, err error) {
	out, err := f.talk(ctx, command{args: []string{"ls-remote", "--quiet", "--symref", "--", "origin", "HEAD"}})
	if err != nil {
		return "", false, err
	}
	if found := symref().FindSubmatch(out); found != nil {
		branch = string(found[1])
	}
	return branch, len(out) == 0, nil
}

// all fetches every branch, and drops those that are gone.
func (f *fetch) all(ctx context.Context) error {
	_, err := f.talk(ctx, command{args: []string{"fetch", "--quiet", "--force", "--prune", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",
		"--no-auto-maintenance", "--no-show-forced-updates", "--refmap=", "--", "origin", "+refs/heads/*:refs/heads/*"}})
	if err != nil {
		return err
	}
	if f.Size() > f.Limits.Bytes {
		return f.tooLarge()
	}
	return nil
}

// Maintain repacks the mirror: many fetches leave many small packs. It is for a quiet hour, and not for the time of a Fetch.
func (m Mirror) Maintain(ctx context.Context) error {
	partial := []string{"remote.origin.promisor=true", "remote.origin.partialclonefilter=blob:limit=1"}
	_, err := m.run(ctx, command{args: []string{"gc", "--quiet", "--prune=2.weeks.ago"}, config: partial, time: 30 * time.Minute})
	if err != nil {
		return fmt.Errorf("repack %s: %w", filepath.Base(m.Dir), err)
	}
	return nil
}
