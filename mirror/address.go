package mirror

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/seal"
)

// Address is where a repository is fetched from.
type Address struct {
	Scheme string // https, http, ssh or file
	User   string // of ssh; empty for git
	Host   string // without port
	Port   string // empty for the standard one
	Path   string // with the leading slash; of scp-like addresses without
	scp    bool
}

var (
	scpLike = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:([A-Za-z0-9_][A-Za-z0-9_.-]*)@)?([A-Za-z0-9][A-Za-z0-9.-]*):([^:].*)$`)
	})
	sshUser = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`) })
)

// ParseAddress reads an address as people write it: https://host/path, ssh://user@host:port/path, user@host:path,
// file:///path or an absolute path. Passwords in it are refused, because addresses are shown.
func ParseAddress(text string) (*Address, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > 2000 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r >= 0x80 }) {
		return nil, fail(BadAddress, "the address of a repository has only printable ASCII characters: write others as %%XX")
	}
	if filepath.IsAbs(text) {
		return &Address{Scheme: "file", Path: filepath.Clean(text)}, nil
	}
	if found := scpLike().FindStringSubmatch(text); found != nil && !strings.Contains(text, "://") {
		a := &Address{Scheme: "ssh", User: found[1], Host: strings.ToLower(found[2]), Path: found[3], scp: true}
		return a, a.check()
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || !strings.Contains(text, "://") {
		return nil, fail(BadAddress, "%s is not the address of a git repository: write https://host/path, ssh://git@host/path, git@host:path or file:///path", clip(seal.Redact(withoutSecrets(text))))
	}
	if _, has := u.User.Password(); has {
		return nil, fail(BadAddress, "the address holds a password: take it out, and give it as the credential of the repository")
	}
	if u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return nil, fail(BadAddress, "the address of a repository has no ? and no #")
	}
	a := &Address{Scheme: strings.ToLower(u.Scheme), User: u.User.Username(), Host: strings.ToLower(u.Hostname()), Port: u.Port(), Path: u.Path}
	switch a.Scheme {
	case "file":
		if a.Host != "" || !filepath.IsAbs(a.Path) {
			return nil, fail(BadAddress, "a repository on this machine is written file:///path")
		}
		a.Path = filepath.Clean(a.Path)
		return a, nil
	case "https", "http":
		if a.User != "" {
			return nil, fail(BadAddress, "the address holds a user name or token: take it out, and give it as the credential of the repository")
		}
	case "ssh":
	default:
		return nil, fail(BadAddress, "repositories are fetched over https, ssh or from a file, not over %s", clip(a.Scheme))
	}
	return a, a.check()
}

func (a *Address) check() error {
	switch {
	case !outbound.IsHost(a.Host) && !outbound.IsAddress(a.Host):
		return fail(BadAddress, "%q is not the name of a host", clip(a.Host))
	case a.User != "" && !sshUser().MatchString(a.User):
		return fail(BadAddress, "%q is not the name of a user", clip(a.User))
	case len(seal.Spans(a.String())) > 0:
		return fail(BadAddress, "the address holds what looks like a secret, and addresses are shown: take it out")
	case strings.Trim(a.Path, "/") == "":
		return fail(BadAddress, "the address names the host %s, but no repository on it", a.Host)
	case strings.HasPrefix(a.Path, "-") || strings.ContainsFunc(a.Path, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fail(BadAddress, "the path of the repository has characters that git does not take")
	}
	return nil
}

// String is the address in the form in which it is kept, compared and given to git.
func (a *Address) String() string {
	host := a.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if a.Port != "" {
		host += ":" + a.Port
	}
	switch {
	case a.Scheme == "file":
		return "file://" + a.Path
	case a.scp:
		return a.user() + "@" + a.Host + ":" + a.Path
	case a.Scheme == "ssh":
		return (&url.URL{Scheme: "ssh", User: url.User(a.user()), Host: host, Path: a.Path}).String()
	}
	return (&url.URL{Scheme: a.Scheme, Host: host, Path: a.Path}).String()
}

func (a *Address) user() string {
	if a.User == "" {
		return "git"
	}
	return a.User
}

func (a *Address) port() string {
	switch {
	case a.Port != "":
		return a.Port
	case a.Scheme == "http":
		return "80"
	case a.Scheme == "ssh":
		return "22"
	}
	return "443"
}

// Web is the address of the repository for a browser, as the common hosts have it; empty when it has none.
func (a *Address) Web() string {
	if a.Scheme == "file" || a.Scheme == "http" {
		return ""
	}
	host := a.Host
	if a.Scheme == "https" && a.Port != "" {
		host += ":" + a.Port
	}
	return "https://" + host + "/" + strings.TrimSuffix(strings.Trim(a.Path, "/"), ".git")
}

var userInfo = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/\s@]*@`) })
var queries = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\?[^\s']*`) })

// withoutSecrets takes out of a text what may be a credential in an address.
func withoutSecrets(s string) string {
	return queries().ReplaceAllString(userInfo().ReplaceAllString(s, "$1"), "")
}
