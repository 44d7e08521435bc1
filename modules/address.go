package modules

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/outbound"
)

// kind is where a module comes from.
type kind int

const (
	fromRegistry kind = iota + 1
	fromGit
	fromWeb
)

// address is a module source, understood.
type address struct {
	kind    kind
	host    string     // of a registry: registry.terraform.io
	name    string     // in the registry: terraform-aws-modules/vpc/aws
	version constraint // of the registry's module
	url     *url.URL   // of git and the web, without //subdir and without what the query says to us
	subdir  string     // in the package; a * as a name stands for the one directory there is
	ref     string     // of git; empty for the default branch
	archive string     // form of a web archive; empty when neither the source nor the name tells
	sum     *checksum  // of a web archive; nil when none is given
}

// shown is the address for people: without credentials and without what a query may hide.
func (a *address) shown() string {
	if a.kind == fromRegistry {
		return a.host + "/" + a.name
	}
	s := hide(a.url)
	if a.ref != "" {
		s += "?ref=" + a.ref
	}
	return s
}

// hide writes a URL without user, password and query.
func hide(u *url.URL) string {
	clean := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return clean.String()
}

// defaultRegistry is the registry of sources that name none.
const defaultRegistry = "registry.terraform.io"

// lazy compiles a pattern when it is first needed: most scans fetch no module.
func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

var (
	registryName     = lazy(`^[0-9A-Za-z](?:[0-9A-Za-z_-]{0,62}[0-9A-Za-z])?$`)
	registryProvider = lazy(`^[0-9a-z]{1,64}$`)
	scpLike          = lazy(`^([A-Za-z0-9_][A-Za-z0-9_.-]*)@([A-Za-z0-9][A-Za-z0-9.-]*):(.+)$`)
	gitRef           = lazy(`^[A-Za-z0-9_][A-Za-z0-9_./+@#=-]{0,250}$`)
	sshUser          = lazy(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
)

// parseAddress understands a source as Terraform writes it, or Terragrunt (tfr://).
func parseAddress(source, version string) (*address, error) {
	source = strings.TrimSpace(source)
	if len(source) > maxSource {
		return nil, failure("the source is longer than %d bytes", maxSource)
	}
	if strings.ContainsFunc(source, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return nil, failure("the source has control characters")
	}
	if rest, ok := strings.CutPrefix(source, "tfr://"); ok {
		return parseTerragrunt(rest)
	}
	if a, err := parseRegistry(source, version); a != nil || err != nil {
		return a, err
	}
	if version != "" {
		return nil, failure("only modules of a registry have a version; the source of this one says where it is")
	}
	return parseRemote(source)
}

// maxSource bounds how long a source is.
const maxSource = 4096

// parseRegistry understands [HOST/]NAMESPACE/NAME/PROVIDER[//SUBDIR]; nil when the source is no such address.
func parseRegistry(source, version string) (*address, error) {
	if strings.Contains(source, "::") || strings.Contains(source, "://") || strings.ContainsAny(source, "?@") {
		return nil, nil
	}
	name, subdir, _ := strings.Cut(source, "//")
	parts := strings.Split(name, "/")
	host := defaultRegistry
	if len(parts) == 4 && strings.Contains(parts[0], ".") && outbound.IsHost(parts[0]) {
		host, parts = strings.ToLower(parts[0]), parts[1:]
	}
	if len(parts) != 3 || !registryName().MatchString(parts[0]) || !registryName().MatchString(parts[1]) || !registryProvider().MatchString(parts[2]) {
		return nil, nil
	}
	if host == "github.com" || host == "bitbucket.org" {
		return nil, nil
	}
	want, err := parseConstraint(version)
	if err != nil {
		return nil, err
	}
	subdir, err = cleanSubdir(subdir)
	if err != nil {
		return nil, err
	}
	return &address{kind: fromRegistry, host: host, name: strings.Join(parts, "/"), version: want, subdir: subdir}, nil
}

// parseTerragrunt understands what follows tfr://: [HOST]/NAMESPACE/NAME/PROVIDER[//SUBDIR]?version=VERSION.
func parseTerragrunt(rest string) (*address, error) {
	name, query, _ := strings.Cut(rest, "?")
	values, err := url.ParseQuery(query)
	if err != nil || values.Get("version") == "" {
		return nil, failure("a tfr:// source needs ?version=")
	}
	name = strings.TrimPrefix(name, "/")
	a, err := parseRegistry(name, values.Get("version"))
	if a == nil && err == nil {
		err = failure("tfr://%s names no module of a registry", rest)
	}
	return a, err
}

// parseRemote understands every source that says where the module is.
func parseRemote(source string) (*address, error) {
	forced, rest := "", source
	if getter, after, ok := strings.Cut(source, "::"); ok && !strings.ContainsAny(getter, "/?") {
		forced, rest = strings.ToLower(getter), after
	}
	switch forced {
	case "", "git", "http", "https":
	case "s3", "gcs":
		return nil, failure("modules in buckets (%s::) are not fetched; terraform init fetches them to where they are found", forced)
	default:
		return nil, failure("sources of the kind %s:: are not fetched; terraform init fetches those that Terraform knows", clip(forced))
	}
	rest, isGit := detect(rest)
	rest, subdir, query := cut(rest)
	subdir, err := cleanSubdir(subdir)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(rest)
	if err != nil || u.Scheme == "" || u.Opaque != "" {
		return nil, failure("%s is no source that is understood", clip(withoutUser(rest)))
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, failure("the query of the source is not understood")
	}
	u.Scheme, u.Fragment = strings.ToLower(u.Scheme), ""
	a := &address{kind: fromWeb, url: u, subdir: subdir}
	if forced == "git" || isGit || u.Scheme == "ssh" {
		a.kind = fromGit
		return a, a.git(values)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, failure("sources of the kind %s:// are not fetched", u.Scheme)
	}
	return a, a.web(values)
}

// detect completes the short forms: github.com/OWNER/REPOSITORY/SUBDIR, bitbucket.org/…, git@HOST:PATH.
func detect(source string) (string, bool) {
	if m := scpLike().FindStringSubmatch(source); m != nil && !strings.Contains(source, "://") {
		return "ssh://" + m[1] + "@" + m[2] + "/" + strings.TrimPrefix(m[3], "/"), true
	}
	for _, host := range []string{"github.com/", "bitbucket.org/"} {
		rest, ok := strings.CutPrefix(source, host)
		if !ok {
			continue
		}
		rest, query, hasQuery := strings.Cut(rest, "?")
		rest, subdir, _ := strings.Cut(rest, "//")
		parts := strings.SplitN(strings.Trim(rest, "/"), "/", 3)
		if len(parts) == 3 {
			subdir = path.Join(parts[2], subdir)
		}
		out := "https://" + host + strings.TrimSuffix(strings.Join(parts[:min(2, len(parts))], "/"), ".git") + ".git"
		if subdir != "" {
			out += "//" + subdir
		}
		if hasQuery {
			out += "?" + query
		}
		return out, true
	}
	return source, false
}

// cut takes a source apart into the place, the directory after the double slash, and the query.
func cut(source string) (place, subdir, query string) {
	source, query, _ = strings.Cut(source, "?")
	from := 0
	if i := strings.Index(source, "://"); i >= 0 {
		from = i + 3
	}
	if i := strings.Index(source[from:], "//"); i >= 0 {
		return source[:from+i], source[from+i+2:], query
	}
	return source, "", query
}

// cleanSubdir refuses what leads out of the package.
func cleanSubdir(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	clean := path.Clean(strings.Trim(dir, "/"))
	if clean == ".." || strings.HasPrefix(clean, "../") || strings.ContainsAny(clean, "\\\x00") {
		return "", failure("the folder %s leads out of the package", clip(dir))
	}
	if clean == "." {
		return "", nil
	}
	return clean, nil
}

// git checks what goes to git: nothing of it may be read as an option or name a program.
func (a *address) git(values url.Values) error {
	for key := range values {
		if !slices.Contains([]string{"ref", "depth"}, key) {
			return failure("the query of a git source has %s, which is not supported: git's own credentials are used", clip(key))
		}
	}
	a.ref = values.Get("ref")
	if a.ref != "" && (!gitRef().MatchString(a.ref) || strings.Contains(a.ref, "..") || strings.HasSuffix(a.ref, ".lock")) {
		return failure("the ref %q is not the name of a branch, tag or commit", clip(a.ref))
	}
	a.url.RawQuery = ""
	switch a.url.Scheme {
	case "https", "http":
	case "ssh":
		if a.url.User != nil {
			if _, has := a.url.User.Password(); has || !sshUser().MatchString(a.url.User.Username()) {
				return failure("the user of the ssh address is not understood")
			}
		}
	case "file":
		if a.url.Host != "" {
			return failure("a file:// address names no host")
		}
		return nil
	default:
		return failure("git sources of the kind %s:// are not fetched: use https or ssh", a.url.Scheme)
	}
	if !outbound.IsHost(a.url.Host) && !outbound.IsAddress(a.url.Host) {
		return failure("the source names no host that is understood")
	}
	if a.url.Path == "" || a.url.Path == "/" {
		return failure("the source names no repository")
	}
	return nil
}

// web understands the query of an archive: what is for us is taken out, the rest goes to the server.
func (a *address) web(values url.Values) error {
	if !outbound.IsHost(a.url.Host) && !outbound.IsAddress(a.url.Host) {
		return failure("the source names no host that is understood")
	}
	a.archive = values.Get("archive")
	if a.archive != "" && !slices.Contains(archives, a.archive) {
		return failure("archive=%s is not an archive that is unpacked: %s are", clip(a.archive), strings.Join(archives, ", "))
	}
	if a.archive == "" {
		for _, form := range archives {
			if strings.HasSuffix(strings.ToLower(a.url.Path), "."+form) {
				a.archive = form
			}
		}
	}
	if text := values.Get("checksum"); text != "" {
		sum, err := parseChecksum(text)
		if err != nil {
			return err
		}
		a.sum = sum
	}
	for _, ours := range []string{"archive", "checksum", "filename", "ref"} {
		values.Del(ours)
	}
	a.url.RawQuery = values.Encode()
	return nil
}

// clip shortens what a source says for a message.
func clip(s string) string {
	if len(s) > 120 {
		return strings.ToValidUTF8(s[:120], "") + "…"
	}
	return s
}

var userInfo = lazy(`(://|^)[^/@\s]*@`)

// withoutUser leaves out credentials that stand in an address.
func withoutUser(s string) string { return userInfo().ReplaceAllString(s, "$1") }
