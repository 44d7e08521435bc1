// Package mirror keeps bare copies of git repositories on disk: fetched from addresses that people enter, read without a
// checkout.
//
// Neither the address nor anything in the repository is trusted. Git is run with the configuration of nobody, with an
// environment made for it, without hooks, filters, submodules and transports besides the one of the address; names that come
// out of a repository are never options; everything is bounded in bytes and time. Only Fetch uses the network or sees a
// credential.
package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Mirror is a bare repository on disk. Reading is safe for use by several goroutines and processes, also during a Fetch.
type Mirror struct {
	Dir string // absolute path; made by the first Fetch, and nobody else writes there
}

// Error is why something cannot be done, in words for people without secrets. Kind is for programs.
type Error struct {
	Kind ErrorKind
	Text string
}

func (e *Error) Error() string { return e.Text }

// Lasting reports whether trying again soon ends the same, because somebody has to change something first.
func (e *Error) Lasting() bool {
	return e.Kind == BadAddress || e.Kind == NoAccess || e.Kind == NotFound || e.Kind == UnknownHost
}

// ErrorKind says what kind of Error it is.
type ErrorKind string

// The kinds of errors.
const (
	BadAddress  ErrorKind = "address"     // the address is not one of a repository, or may not be reached
	NoAccess    ErrorKind = "no access"   // credentials are missing or wrong
	NotFound    ErrorKind = "not found"   // no such repository, branch, commit or file
	Unreachable ErrorKind = "unreachable" // the host does not answer, or not with git
	UnknownHost ErrorKind = "host key"    // the ssh key of the host is not the known one
	TooLarge    ErrorKind = "too large"
	TooSlow     ErrorKind = "too slow"
	Broken      ErrorKind = "broken" // what was fetched is not a sound repository
)

func fail(kind ErrorKind, format string, args ...any) error {
	return &Error{kind, fmt.Sprintf(format, args...)}
}

// Is reports whether an error is of a kind.
func Is(err error, kind ErrorKind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == kind
}

// readTime is how long one question to a repository on disk may take.
const readTime = 60 * time.Second

// isCommit reports whether a text is the complete name of an object.
var isCommit = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`) })

// IsCommit reports whether a text is the complete name of a commit, in lower case.
func IsCommit(id string) bool { return isCommit().MatchString(id) }

func checkCommit(id string) error {
	if !IsCommit(id) {
		return fail(NotFound, "%q is not the complete id of a commit", clip(id))
	}
	return nil
}

// environment is all that git sees, besides what a fetch adds.
func environment() []string {
	env := []string{
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_SYSTEM=" + os.DevNull, "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_LFS_SKIP_SMUDGE=1", "GIT_LITERAL_PATHSPECS=1",
		"GIT_NO_REPLACE_OBJECTS=1", "HOME=" + os.DevNull, "XDG_CONFIG_HOME=" + os.DevNull, "LC_ALL=C", "TZ=UTC",
	}
	for _, name := range []string{"PATH", "TMPDIR", "SYSTEMROOT", "GIT_EXEC_PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// safe is the configuration of every run.
var safe = []string{
	"core.hooksPath=" + os.DevNull, "core.fsmonitor=false", "core.attributesFile=" + os.DevNull, "core.symlinks=false", "core.quotePath=false",
	"gc.auto=0", "maintenance.auto=false", "fetch.recurseSubmodules=false", "submodule.recurse=false", "credential.helper=", "diff.external=",
	"log.showSignature=false", "core.abbrev=40", "safe.bareRepository=all",
}

// command is one run of git in the mirror.
type command struct {
	args   []string
	config []string // more of it, as key=value
	env    []string // more of it
	in     io.Reader
	out    io.Writer // nil: it is returned
	most   int       // bytes of output that are returned; 0 means 16 MiB. More is an error of kind TooLarge
	allow  string    // protocols, as GIT_ALLOW_PROTOCOL has them; empty means none
	time   time.Duration
}

// run runs git and returns what it said. An error that is not of the surroundings has what git complained of.
func (m Mirror) run(ctx context.Context, c command) ([]byte, error) {
	if c.time == 0 {
		c.time = readTime
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.time, fail(TooSlow, "git took longer than %s", c.time))
	defer cancel()
	args := []string{"--no-pager", "--git-dir=" + m.Dir}
	for _, kv := range append(safe[:len(safe):len(safe)], c.config...) {
		args = append(args, "-c", kv)
	}
	if c.allow == "" {
		args = append(args, "-c", "protocol.allow=never")
	}
	cmd := exec.CommandContext(ctx, "git", append(args, c.args...)...)
	cmd.Env = append(append(environment(), "GIT_ALLOW_PROTOCOL="+c.allow), c.env...)
	cmd.Dir = filepath.Dir(m.Dir)
	cmd.WaitDelay = 3 * time.Second
	group(cmd)
	if c.most == 0 {
		c.most = 16 << 20
	}
	out, complaint := &bounded{left: c.most}, &bounded{left: 16 << 10}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.in, out, complaint
	if c.out != nil {
		cmd.Stdout = c.out
	}
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("git is not installed: repositories are read with it")
	case out.full:
		return nil, fail(TooLarge, "git answers more than %d MiB", c.most>>20)
	case err == nil:
		return out.buffer.Bytes(), nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, &complained{text: complaint.buffer.String(), err: err}
}

// complained is what git wrote before it failed. It may hold anything, and is never shown as it is.
type complained struct {
	text string
	err  error
}

func (e *complained) Error() string { return "git failed: " + lastWords(e.text) }
func (e *complained) Unwrap() error { return e.err }

// bounded keeps as much as it may, and then ends the program that writes.
type bounded struct {
	buffer bytes.Buffer
	left   int
	full   bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.left {
		b.full = true
		b.buffer.Write(p[:b.left])
		b.left = 0
		return len(p), io.ErrShortWrite
	}
	b.left -= len(p)
	return b.buffer.Write(p)
}

// Exists reports whether the mirror was made.
func (m Mirror) Exists() bool {
	_, err := os.Stat(filepath.Join(m.Dir, "objects"))
	return err == nil
}

// Size is how many bytes the mirror takes on disk.
func (m Mirror) Size() int64 {
	var n int64
	filepath.WalkDir(m.Dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// clip shortens a hostile text for a message, and takes out what is not printable.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfffd {
			return '?'
		}
		return r
	}, s)
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
