// Package outbound is the way out: which hosts may be reached by addresses that somebody else wrote, and connections to them
// whose address is checked when it is dialed.
//
// It keeps what fetches for others (modules, repositories, webhooks) from being led to machines of the own network, to this
// machine or to the metadata service of a cloud, by a name, a redirection or a name that changes its address.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Hosts says what may be reached. The zero value allows nothing; Parse makes others.
type Hosts struct {
	// Folders is where people name folders of this machine; empty: where they name hosts.
	Folders string

	list   string // where people write what is allowed: --modules-hosts
	public bool   // hosts of the internet by their names
	names  []string
	dirs   []string // absolute: repositories of git on this machine
}

// Parse reads an allow list: names (example.com), wildcards (*.example.com), a name or address with its port
// (localhost:8080), the word public for every host of the internet, and file:///srv/git for repositories on this machine.
// An empty list is public. What is named may have an address that is not public, and may be spoken to without encryption. Where
// is what people are told to change to allow more: --modules-hosts.
func Parse(list []string, where string) (Hosts, error) {
	h := Hosts{list: where, public: len(list) == 0}
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
		case IsHost(strings.TrimPrefix(entry, "*.")) || IsAddress(entry):
			h.names = append(h.names, entry)
		default:
			return Hosts{}, fmt.Errorf("%q is not a host, *.host, public or file:///folder", entry)
		}
	}
	return h, nil
}

// hostName is compiled when it is first needed: most runs reach nothing.
var hostName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?i)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::[0-9]{1,5})?$`)
})

// IsHost reports whether a text has the form of a host's name, with or without port.
func IsHost(name string) bool { return hostName().MatchString(name) }

// IsAddress reports whether a host, with or without port, is an IP address.
func IsAddress(host string) bool {
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

// Named reports whether the list names a host, given as name and port.
func (h Hosts) Named(host, port string) bool {
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

// Check returns why a host may not be reached, by its name alone.
func (h Hosts) Check(host, port string) error {
	if h.Named(host, port) {
		return nil
	}
	if !h.public {
		return refused("the host %s is not among those that %s allows", host, h.list)
	}
	if a, ok := addressOf(host); ok {
		if !IsPublic(a) {
			return h.forbidden(host)
		}
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if !strings.Contains(name, ".") {
		return h.forbidden(host)
	}
	for _, end := range []string{".localhost", ".local", ".internal", ".localdomain", ".home.arpa", ".lan", ".intranet", ".corp", ".home"} {
		if strings.HasSuffix(name, end) {
			return h.forbidden(host)
		}
	}
	return nil
}

func (h Hosts) forbidden(host string) error {
	return refused("the host %s is not a public one: allow it with %s %s (and public, to go on using the others)", host, h.list, host)
}

// dialer makes connections to allowed addresses: the check is made on the address that is dialed, after names were looked up.
func (h Hosts) dialer(host, port string) *net.Dialer {
	d := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	if !h.Named(host, port) {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			a, ok := addressOf(address)
			if !ok || !IsPublic(a) {
				return h.forbidden(host)
			}
			return nil
		}
	}
	return d
}

// Dial connects to host:port when that is allowed.
func (h Hosts) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if err := h.Check(host, port); err != nil {
		return nil, err
	}
	return h.dialer(host, port).DialContext(ctx, network, address)
}

// Lookup returns the addresses of a host that another program is going to dial, all of them allowed. The program has to be
// given one of them: asked again, the name may have others.
func (h Hosts) Lookup(ctx context.Context, host, port string) ([]netip.Addr, error) {
	if err := h.Check(host, port); err != nil {
		return nil, err
	}
	if a, ok := addressOf(host); ok {
		return []netip.Addr{a}, nil
	}
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(all) == 0 {
		return nil, &Refused{Text: fmt.Sprintf("the host %s has no address", host), Unknown: true}
	}
	for i, a := range all {
		all[i] = a.Unmap()
		if !IsPublic(a) && !h.Named(host, port) {
			return nil, h.forbidden(host)
		}
	}
	return all, nil
}

// Local reports whether a directory of this machine may be read with git. That one is not there is told only where it might be read.
func (h Hosts) Local(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err == nil && h.holds(real) {
		return nil
	}
	for up := filepath.Dir(filepath.Clean(dir)); errors.Is(err, fs.ErrNotExist); up = filepath.Dir(up) {
		if real, err = filepath.EvalSymlinks(up); err == nil && h.holds(real) {
			return refused("there is no folder %s on the machine that fetches: check the path there", dir)
		}
	}
	if h.Folders != "" {
		return refused("repositories on the machine of the server are not read, unless %s names their folder: %s /path/to/repositories", h.Folders, h.Folders)
	}
	return refused("repositories on this machine are not read, unless %s names their folder: file:///path/to/repositories", h.list)
}

// holds tells whether a directory without links is among those that may be read, or below one.
func (h Hosts) holds(real string) bool {
	return slices.ContainsFunc(h.dirs, func(d string) bool {
		rel, err := filepath.Rel(d, real)
		return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
	})
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

// IsPublic reports whether an address is one of the internet.
func IsPublic(a netip.Addr) bool {
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

// Refused is why something may not be reached, or could not be: words for people, without secrets.
type Refused struct {
	Text    string
	Unknown bool // there is no such host at the moment: later there may be
}

func (e *Refused) Error() string { return e.Text }

func refused(format string, args ...any) error { return &Refused{Text: fmt.Sprintf(format, args...)} }
