package outbound

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestIsPublic(t *testing.T) {
	for _, a := range []string{"8.8.8.8", "140.82.121.4", "2606:4700::1111", "::ffff:8.8.8.8"} {
		if !IsPublic(netip.MustParseAddr(a)) {
			t.Errorf("%s is not public", a)
		}
	}
	for _, a := range []string{
		"127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "::", "0.1.2.3", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "198.18.0.1", "192.0.0.192", "224.0.0.1", "255.255.255.255", "240.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254",
		"ff02::1", "fec0::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::", "2001:db8::1",
	} {
		if IsPublic(netip.MustParseAddr(a)) {
			t.Errorf("%s is public", a)
		}
	}
}

// TestHosts_dial checks addresses when they are dialed: a name that is allowed and leads to this machine reaches nothing.
func TestHosts_dial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan bool, 9)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- true
			c.Close()
		}
	}()
	address := l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	public, _ := Parse(nil, "--hosts")
	if _, err := public.dialer("example.com", "443").DialContext(context.Background(), "tcp", address); err == nil || !strings.Contains(err.Error(), "example.com is not a public one") {
		t.Errorf("a public name that leads to this machine: %v", err)
	}
	for _, at := range []string{address, net.JoinHostPort("localhost", port)} {
		if c, err := public.Dial(context.Background(), "tcp", at); err == nil {
			c.Close()
			t.Errorf("%s can be reached", at)
		}
	}
	if len(accepted) > 0 {
		t.Error("there was a connection")
	}
	for _, list := range [][]string{{address}, {"127.0.0.1"}, {"public", "127.0.0.1:" + port}} {
		h, err := Parse(list, "--hosts")
		if err != nil {
			t.Fatal(err)
		}
		c, err := h.Dial(context.Background(), "tcp", address)
		if err != nil {
			t.Errorf("%v: %v", list, err)
			continue
		}
		c.Close()
	}
}

func TestParse(t *testing.T) {
	h, err := Parse([]string{"Example.com", "*.corp.example", "git.example:8443", "10.0.0.1", "[::1]:80"}, "--hosts")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]bool{
		"example.com:443": true, "EXAMPLE.com.:443": true, "www.example.com:443": false, "a.corp.example:443": true, "corp.example:443": false,
		"xcorp.example:443": false, "git.example:8443": true, "git.example:443": false, "10.0.0.1:443": true, "10.0.0.2:443": false, "[::1]:80": true,
		"[::1]:81": false, "8.8.8.8:443": false, "github.com:443": false,
	} {
		host, port, _ := net.SplitHostPort(at)
		if got := h.Check(host, port) == nil; got != want {
			t.Errorf("%s is allowed: %v", at, got)
		}
	}
	for _, bad := range []string{"https://example.com", "exa mple", "*", "file://relative", "file:///", "-x"} {
		if _, err := Parse([]string{bad}, "--hosts"); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
