package cli

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/report"
)

// uploadFlags are the flags of scan that send the results to a server.
type uploadFlags struct {
	server     string
	tokenFile  string
	repository string
	branch     string
	commit     string
}

func (f *uploadFlags) declare(c *call) {
	c.set.StringVar(&f.server, "upload", "", "send the results to the server at `URL`; its token is in --token-file or $PLUMBLINE_TOKEN")
	c.set.StringVar(&f.tokenFile, "token-file", "", "read the token for --upload from `FILE`")
	c.set.StringVar(&f.repository, "repository", "", "`NAME` of the repository on the server of --upload (default: as CI or git says)")
	c.set.StringVar(&f.branch, "branch", "", "`NAME` of the branch for --upload (default: as CI or git says)")
	c.set.StringVar(&f.commit, "commit", "", "`ID` of the commit for --upload (default: as CI or git says)")
}

// upload is what is to be sent, and where.
type upload struct {
	address *url.URL
	token   string
	body    []byte // gzip
	tries   int
}

// maxSent is the most bytes of a compressed report that a server takes.
const maxSent = 10 << 20

// prepare checks the flags before anything is scanned, so that nobody waits for a scan that cannot be sent. It returns nil when nothing is
// to be sent.
func (f *uploadFlags) prepare(ctx context.Context, c *call, e *estate, scan *scanFlags) (*upload, error) {
	if f.server == "" {
		if f.tokenFile != "" || f.repository != "" || f.branch != "" || f.commit != "" {
			return nil, usage("--token-file, --repository, --branch and --commit are for --upload")
		}
		return nil, nil
	}
	if scan.diff != "" || len(scan.rules) > 0 || len(scan.frameworks) > 0 || scan.severity != "" || len(scan.exclude) > 0 {
		return nil, usage("--upload sends what a whole scan found: leave out --diff, --rule, --framework, --severity and --exclude, or the server takes the rest for fixed")
	}
	u, err := serverAddress(f.server)
	if err != nil {
		return nil, err
	}
	token, err := f.token(c)
	if err != nil {
		return nil, err
	}
	where, err := f.where(ctx, c, e.tree.Dir)
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	for name, value := range where {
		if value != "" {
			q.Set(name, value)
		}
	}
	if !slices.Contains(e.tree.Paths, ".") {
		q.Set("paths", strings.Join(e.tree.Paths, ","))
	}
	u.RawQuery = q.Encode()
	return &upload{address: u, token: token}, nil
}

// serverAddress reads the address of a server. A token goes over the network encrypted or not at all.
func serverAddress(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, usage("--upload: %q is not the address of a server: write https://plumbline.example.org", text)
	}
	if u.User != nil {
		return nil, usage("--upload: the address holds a user or a token: put the token in --token-file or $PLUMBLINE_TOKEN")
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return nil, usage("--upload: %s is not https, and others on the way could read the token", u.Redacted())
	}
	return u.JoinPath("/api/uploads"), nil
}

// token reads the token from where it may be: never from an argument, which every process of the machine can read.
func (f *uploadFlags) token(c *call) (string, error) {
	text, _ := c.Lookup("PLUMBLINE_TOKEN")
	from := "$PLUMBLINE_TOKEN"
	if f.tokenFile != "" {
		name := f.tokenFile
		if !filepath.IsAbs(name) {
			name = filepath.Join(c.Dir, name)
		}
		file, err := os.Open(name)
		if err != nil {
			return "", usage("--token-file %s: %v", f.tokenFile, unwrapPath(err))
		}
		defer file.Close()
		content, err := io.ReadAll(io.LimitReader(file, 16<<10))
		if err != nil {
			return "", usage("--token-file %s: %v", f.tokenFile, unwrapPath(err))
		}
		text, from = string(content), f.tokenFile
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return "", usage("--upload needs a token that may upload reports: put it in $PLUMBLINE_TOKEN or name its file with --token-file")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", usage("what is in %s is not a token: it has spaces or characters that no token has", from)
	}
	return text, nil
}

// ciVariables are the variables by which systems of continuous integration say what they build: the first one that is set counts.
var ciVariables = map[string][]string{
	"commit":     {"GITHUB_SHA", "CI_COMMIT_SHA", "BITBUCKET_COMMIT", "BUILD_SOURCEVERSION", "CIRCLE_SHA1", "GIT_COMMIT", "TRAVIS_COMMIT", "BUILDKITE_COMMIT", "DRONE_COMMIT_SHA"},
	"branch":     {"GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BITBUCKET_BRANCH", "BUILD_SOURCEBRANCH", "CIRCLE_BRANCH", "GIT_BRANCH", "TRAVIS_BRANCH", "BUILDKITE_BRANCH", "DRONE_BRANCH"},
	"repository": {"GITHUB_REPOSITORY", "CI_PROJECT_PATH", "BITBUCKET_REPO_FULL_NAME", "BUILD_REPOSITORY_NAME", "TRAVIS_REPO_SLUG", "DRONE_REPO"},
}

// where says what was scanned: flags before variables of CI before git.
func (f *uploadFlags) where(ctx context.Context, c *call, dir string) (map[string]string, error) {
	git := func(args ...string) string {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir, "--no-pager", "--no-replace-objects", "-c", "protocol.allow=never", "-c", "core.fsmonitor=false",
			"-c", "core.hooksPath=" + os.DevNull, "-c", "log.showSignature=false"}, args...)...)
		cmd.WaitDelay = 5 * time.Second
		out, err := cmd.Output()
		if err != nil {
			return "" // no repository, or no git: flags can say it
		}
		return strings.TrimSpace(string(out))
	}
	ci := func(what string) string {
		for _, name := range ciVariables[what] {
			if v, ok := c.Lookup(name); ok && v != "" {
				return v
			}
		}
		return ""
	}
	out := map[string]string{
		"commit":     cmp.Or(f.commit, ci("commit"), git("rev-parse", "--verify", "--quiet", "HEAD")),
		"branch":     cmp.Or(f.branch, ci("branch"), git("symbolic-ref", "--quiet", "--short", "HEAD")),
		"repository": cmp.Or(f.repository, ci("repository")),
	}
	if out["repository"] == "" {
		if a, err := mirror.ParseAddress(git("config", "--get", "remote.origin.url")); err == nil && a.Scheme != "file" {
			out["repository"] = strings.TrimSuffix(strings.Trim(a.Path, "/"), ".git")
		}
	}
	out["branch"] = strings.TrimPrefix(strings.TrimPrefix(out["branch"], "refs/heads/"), "origin/")
	switch {
	case out["commit"] == "" || !mirror.IsCommit(strings.ToLower(out["commit"])):
		return nil, usage("--upload: which commit is this? Name its complete id with --commit")
	case out["branch"] == "":
		return nil, usage("--upload: which branch is this? Name it with --branch")
	}
	if parts := strings.Split(git("log", "-1", "--format=%an%x1f%s%x1f%cI", out["commit"], "--"), "\x1f"); len(parts) == 3 {
		out["author"], out["subject"], out["at"] = cutRunes(parts[0], 200), cutRunes(parts[1], 500), parts[2]
	}
	return out, nil
}

func cutRunes(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most])
	}
	return s
}

// take writes the report that is sent. Its paths are those in the repository, and nothing is hidden from it.
func (u *upload) take(r *finding.Report, at time.Time) error {
	format, _ := report.Lookup("json")
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := errors.Join(format.Write(z, report.Input{Report: r, At: at}), z.Close()); err != nil {
		return fmt.Errorf("write the report for the server: %w", err)
	}
	if b.Len() > maxSent {
		return &failed{Failure, fmt.Sprintf("the report is %d MiB compressed, and servers take 10", b.Len()>>20), "scan and upload the folders of the repository one by one"}
	}
	u.body = b.Bytes()
	return nil
}

// uploadTries is how often an upload is tried.
const uploadTries = 4

// send sends the report, again when the server or the network may be better the next time, and says what came of it.
func (u *upload) send(ctx context.Context, c *call, quiet bool) error {
	sum := sha256.Sum256(append([]byte(u.address.RawQuery+"\x00"), u.body...))
	key := hex.EncodeToString(sum[:]) // one upload, however often it is sent
	client := &http.Client{Timeout: 3 * time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var why string
	for try := range uploadTries {
		wait := time.Second << (2 * try)
		answer, after, err := u.try(ctx, client, key)
		if err == nil {
			if !quiet {
				fmt.Fprintf(c.Err, "sent to %s: %s\n", u.address.Host, answer)
			}
			return nil
		}
		stop, final := errors.AsType[*failed](err)
		if final {
			return stop
		}
		why = err.Error()
		if try == uploadTries-1 {
			break
		}
		select {
		case <-time.After(min(max(wait, after), 30*time.Second)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return &failed{code: Failure, text: fmt.Sprintf("the results were not sent to %s: %s", u.address.Host, why)}
}

// try sends the report once. An error that is a failed says that trying again makes no sense.
func (u *upload) try(ctx context.Context, client *http.Client, key string) (answer string, after time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.address.String(), bytes.NewReader(u.body))
	if err != nil {
		return "", 0, err
	}
	r.Header.Set("Authorization", "Bearer "+u.token)
	r.Header.Set("Content-Type", "application/octet-stream")
	r.Header.Set("Content-Encoding", "gzip")
	r.Header.Set("Idempotency-Key", key)
	u.tries++
	response, err := client.Do(r)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // without the address, which has the names of branches
		}
		return "", 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return "", 0, fmt.Errorf("read the answer: %w", err)
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		after = time.Duration(seconds) * time.Second
	}
	switch {
	case response.StatusCode == http.StatusOK && u.tries == 1 && response.Header.Get("Idempotency-Replayed") != "":
		return "known already, nothing changed", 0, nil
	case response.StatusCode == http.StatusOK:
		return said(text), 0, nil
	case response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusConflict && after > 0:
		return "", after, fmt.Errorf("the server answered %s", response.Status)
	case response.StatusCode >= 300 && response.StatusCode < 400:
		return "", 0, &failed{Failure, fmt.Sprintf("the server at %s sends on to another address, and the token is not sent there", u.address.Host), "name the address that the server has"}
	}
	return "", 0, refusal(response.StatusCode, text, u.address.Host)
}

// said tells what an upload changed.
func said(text []byte) string {
	var a struct {
		Name, Branch                      string
		Repeated                          bool
		New, Still, Gone, Reopened, Moved int
		Skipped                           []struct {
			Reason string
			Count  int
		}
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return "done"
	}
	if a.Repeated {
		return "known already, nothing changed"
	}
	out := fmt.Sprintf("%d new, %d as before, %d gone, %d open again", a.New, a.Still+a.Moved, a.Gone, a.Reopened)
	for _, s := range a.Skipped {
		out += fmt.Sprintf("; %d left out: %s", s.Count, report.Visible(s.Reason))
	}
	return out
}

// refusal says why a server does not take the results.
func refusal(status int, text []byte, host string) error {
	var p struct{ Detail string }
	if err := json.Unmarshal(text, &p); err != nil || p.Detail == "" {
		p.Detail = http.StatusText(status)
	}
	f := &failed{code: Failure, text: fmt.Sprintf("the server at %s did not take the results: %s", host, report.Visible(cutRunes(p.Detail, 500)))}
	switch status {
	case http.StatusUnauthorized:
		f.hint = "is the token right, and not expired?"
	case http.StatusForbidden:
		f.hint = "the token needs the permission report:upload"
	case http.StatusNotFound:
		f.hint = "is it the address of a Plumbline server, and --repository the name that the repository has there?"
	}
	return f
}
