package modules

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Hosts says what may be reached. The zero value allows every public host, over https and ssh.
type Hosts struct {
	public bool // hosts of the internet by their names
	names  []string
	dirs   []string // absolute: repositories of git on this machine
}

// ParseHosts reads an allow list: names (example.com), wildcards (*.example.com), a name or address with its port
// (localhost:8080), the word public for every host of the internet, and file:///srv/git for repositories on this machine.
// An empty list is public. What is named may have an address that is not public, and may be spoken to without encryption.
func ParseHosts(list []string) (Hosts, error) {
	h := Hosts{public: len(list) == 0}
	for _, entry := range list {
		entry = strings.ToLower(strings.TrimSpace(entry))
		switch {
		case entry == "public":
			h.public = true
		case strings.HasPrefix(entry, "file://"):
			dir := filepath.Clean(strings.TrimPrefix(list[len(list)-1], "file://"))
			for _, e := range list { // paths keep their case
				if strings.EqualFold(strings.TrimSpace(e), entry) {
					dir = filepath.Clean(strings.TrimSpace(e)[len("file://"):])
				}
			}
			if !filepath.IsAbs(dir) || dir == string(filepath.Separator) {
				return Hosts{}, fmt.Errorf("%s is not the path of a folder", entry)
			}
			if real, err := filepath.EvalSymlinks(dir); err == nil {
				dir = real
			}
			h.dirs = append(h.dirs, dir)
		case hostName().MatchString(strings.TrimPrefix(entry, "*.")) || isAddress(entry):
			h.names = append(h.names, entry)
		default:
			return Hosts{}, fmt.Errorf("%q is not a host, *.host, public or file:///folder", entry)
		}
	}
	return h, nil
}

// isAddress reports whether a host, with or without port, is an IP address.
func isAddress(host string) bool {
	_, ok := addressOf(host)
	return ok
}

func addressOf(host string) (netip.Addr, bool) {
	if p, err := netip.ParseAddrPort(host); err == nil {
		return p.Addr(), true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return a, err == nil
}

// named reports whether the list names a host, given as name and port.
func (h Hosts) named(host, port string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, n := range h.names {
		if strings.HasPrefix(n, "*.") {
			if strings.HasSuffix(host, n[1:]) {
				return true
			}
			continue
		}
		if n == host || n == net.JoinHostPort(host, port) || strings.Trim(n, "[]") == host {
			return true
		}
	}
	return false
}

// check returns why a host may not be reached, by its name alone.
func (h Hosts) check(host, port string) error {
	if h.named(host, port) {
		return nil
	}
	if !h.public {
		return failure("the host %s is not among those that --modules-hosts allows", host)
	}
	if a, ok := addressOf(host); ok {
		if !isPublic(a) {
			return forbidden(host)
		}
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if !strings.Contains(name, ".") {
		return forbidden(host)
	}
	for _, end := range []string{".localhost", ".local", ".internal", ".localdomain", ".home.arpa", ".lan", ".intranet", ".corp", ".home"} {
		if strings.HasSuffix(name, end) {
			return forbidden(host)
		}
	}
	return nil
}

func forbidden(host string) error {
	return failure("the host %s is not a public one: allow it with --modules-hosts %s (and public, to go on using the others)", host, host)
}

// dialer makes connections to allowed addresses: the check is made on the address that is dialed, after names were looked up.
func (h Hosts) dialer(host, port string) *net.Dialer {
	d := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	if !h.named(host, port) {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			a, ok := addressOf(address)
			if !ok || !isPublic(a) {
				return forbidden(host)
			}
			return nil
		}
	}
	return d
}

// dial connects to host:port when that is allowed.
func (h Hosts) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if err := h.check(host, port); err != nil {
		return nil, err
	}
	return h.dialer(host, port).DialContext(ctx, network, address)
}

// lookup checks the addresses of a host that another program is going to dial.
func (h Hosts) lookup(ctx context.Context, host, port string) error {
	if err := h.check(host, port); err != nil || h.named(host, port) {
		return err
	}
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return failure("the host %s has no address", host)
	}
	for _, a := range all {
		if !isPublic(a) {
			return forbidden(host)
		}
	}
	return nil
}

// local reports whether a directory of this machine may be read with git.
func (h Hosts) local(dir string) error {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		for _, d := range h.dirs {
			rel, err := filepath.Rel(d, real)
			if err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
				return nil
			}
		}
	}
	return failure("repositories on this machine are not read, unless --modules-hosts names their folder: file:///path/to/repositories")
}

// special are the ranges that are not hosts of the internet although netip does not say so: this network, carrier-grade NAT,
// protocol assignments, examples, benchmarks, reserved, and IPv6 ranges that lead to IPv4 addresses (RFC 6890 and the
// registries of IANA).
var special = func() []netip.Prefix {
	var all []netip.Prefix
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}()

// isPublic reports whether an address is one of the internet.
func isPublic(a netip.Addr) bool {
	if a.Is4In6() {
		a = a.Unmap()
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.Zone() != "" {
		return false
	}
	if a.Is6() && netip.MustParsePrefix("::/96").Contains(a) {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// problemError is why a module cannot be had, in words for people; it holds no secrets.
type problemError struct {
	text  string
	limit bool // a budget ended the work
}

func (e *problemError) Error() string { return e.text }

func failure(format string, args ...any) error {
	return &problemError{text: fmt.Sprintf(format, args...)}
}

func exceeded(format string, args ...any) error {
	return &problemError{text: fmt.Sprintf(format, args...), limit: true}
}

// plain returns the reason of an error without the address that it happened at: a query may hold a signature.
func plain(err error) error {
	if p, ok := errors.AsType[*problemError](err); ok {
		return p
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
