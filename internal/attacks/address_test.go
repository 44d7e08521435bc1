package attacks

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"plumbline.dev/plumbline/store"
)

// inside is something that nobody outside may reach through the server: it counts who comes.
type inside struct {
	port string
	met  atomic.Int64
}

// newInside listens on every address of the machine, also of version 6 where there is one.
func newInside(t *testing.T) *inside {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	in := &inside{}
	_, in.port, _ = net.SplitHostPort(l.Addr().String())
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			in.met.Add(1)
			c.Close()
		}
	}()
	return in
}

// insiders are ways to write addresses that are not of the internet; %s is for a port, with its colon.
func insiders(port string) []string {
	list := []string{"127.0.0.1", "127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1", "127.0.0.1.", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::]", "0.0.0.0", "0", "localhost", "LOCALHOST",
		"localhost.", "localhost.localdomain", "ip6-localhost", "a.localhost", "[64:ff9b::7f00:1]", "[fe80::1%25lo]", "127.0.0.1%00.example.com", "１２７.0.0.1", "127。0。0。1", "example.com@127.0.0.1", "127.0.0.1#@example.com"}
	if name, err := os.Hostname(); err == nil {
		list = append(list, name) // a name that leads to a private address
	}
	for i := range list {
		list[i] += ":" + port
	}
	return append(list, "169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "metadata.google.internal", "100.100.100.200", "10.0.0.1", "192.168.0.1", "172.16.0.1")
}

// TestAddresses enters addresses that lead inside wherever the server takes one. Nothing inside is reached, also not by a redirection of
// a host that may be reached.
func TestAddresses(t *testing.T) {
	t.Parallel()
	in := newInside(t)
	var met atomic.Int64
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		met.Add(1)
		http.Redirect(w, r, "http://127.0.0.1:"+in.port+"/latest/meta-data", http.StatusTemporaryRedirect)
	}))
	defer outside.Close()
	host := strings.TrimPrefix(outside.URL, "http://")
	s := newSite(t, store.SQLite, "--git-hosts", "public,"+host, "--issuer-hosts", host, "--outbound-hosts", host)
	mine := []string{"Authorization: ", "Cookie: " + s.signIn()} // no token may do all of this
	taken := map[string]int{}
	try := func(what, method, path string, body any) (id store.ID) {
		a := s.do(method, path, quoted(body), mine...)
		switch {
		case a.status == http.StatusCreated:
			taken[what]++
			var made struct {
				ID      store.ID
				Channel struct{ ID store.ID }
			}
			read(t, a, &made)
			return max(made.ID, made.Channel.ID)
		case a.status != http.StatusUnprocessableEntity && a.status != http.StatusConflict: // another way to write what is there
			t.Errorf("%s: %s %d %s", what, quoted(body), a.status, a.body)
		}
		return 0
	}
	addresses := insiders(in.port)
	var channels, providers []store.ID
	repository := try("repository", "POST", "/api/repositories", map[string]any{"name": "mine"})
	for _, at := range addresses {
		for _, address := range []string{"https://" + at + "/a.git", "ssh://git@" + at + "/a.git", "git@" + at + "/a.git"} {
			try("repository", "POST", "/api/repositories", map[string]any{"name": "r" + store.ID(len(address)).String() + strings.Map(letters, address), "address": address})
		}
		for _, scheme := range []string{"http://", "https://"} {
			if id := try("provider", "POST", "/api/providers", map[string]any{"name": "p", "issuer": scheme + at, "client": "x", "secret": "x"}); id != 0 {
				providers = append(providers, id)
			}
			before := taken["trust"]
			try("trust", "POST", "/api/trusts", map[string]any{"repository": repository, "issuer": scheme + at, "claims": map[string]string{"sub": "x"}})
			if taken["trust"] > before && before < 5 { // more tokens that are none shut an address out for a minute
				payload := base64.RawURLEncoding.EncodeToString([]byte(quoted(map[string]any{"iss": scheme + at, "aud": "x", "sub": "x", "exp": time.Now().Add(time.Hour).Unix()})))
				s.do("GET", "/api/session", "", "Authorization: Bearer "+base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"x"}`))+"."+payload+".AAAA")
			}
			for _, kind := range []string{"webhook", "slack", "teams"} {
				if id := try("channel", "POST", "/api/channels", map[string]any{"name": "c" + kind + scheme + at, "kind": kind, "target": scheme + at + "/hook", "happenings": []string{"new"}}); id != 0 {
					channels = append(channels, id)
				}
			}
			s.do("DELETE", "/api/providers/"+last(providers).String(), "", mine...)
		}
	}
	for _, address := range []string{"ext::sh -c touch% stolen", "git::https://127.0.0.1/x", "--upload-pack=touch stolen", "-oProxyCommand=touch stolen:x", "ssh://-oProxyCommand=touch/x", "file:///etc", "/etc", "file://127.0.0.1/x",
		"http://example.com/x", "ftp://example.com/x", "gopher://127.0.0.1:6379/_x", "dict://127.0.0.1/x", "https://example.com/x?a=b", "fd::3", "s3::https://s3.amazonaws.com/x", s.repos + "/../../etc"} {
		before := taken["repository"]
		try("repository", "POST", "/api/repositories", map[string]any{"name": "odd" + strings.Map(letters, address), "address": address})
		if local := strings.HasPrefix(address, "/") || strings.HasPrefix(address, "file:///"); taken["repository"] > before && !local { // those are refused by whoever fetches
			t.Errorf("%s is taken as a repository", address)
		}
	}
	for _, issuer := range []string{"file:///etc/passwd", "ftp://example.com", "javascript:alert(1)", "https://user:x@example.com", "https://example.com/?x", "//127.0.0.1", "https://"} {
		before := taken["provider"]
		if try("provider", "POST", "/api/providers", map[string]any{"name": "q", "issuer": issuer, "client": "x", "secret": "x"}); taken["provider"] > before {
			t.Errorf("%s is taken as an issuer", issuer)
		}
	}
	// What was taken is tried, and what may be reached leads inside by a redirection.
	providers = append(providers, try("provider", "POST", "/api/providers", map[string]any{"name": "moved", "issuer": outside.URL, "client": "x", "secret": "x"}))
	channels = append(channels, try("channel", "POST", "/api/channels", map[string]any{"name": "moved", "kind": "webhook", "target": outside.URL + "/hook", "happenings": []string{"new"}}))
	moved := try("repository", "POST", "/api/repositories", map[string]any{"name": "moved", "address": "https://" + host + "/a.git"})
	s.change("UPDATE repository SET address = ? WHERE id = ?", outside.URL+"/a.git", moved)
	for _, id := range providers {
		s.do("GET", "/signin/provider/"+id.String()+"?next="+url.QueryEscape("http://127.0.0.1:"+in.port), "", "Authorization: ")
	}
	for _, id := range channels {
		s.do("POST", "/api/channels/"+id.String()+"/test", "", mine...)
	}
	s.eventually("every repository was tried", 90*time.Second, func() error {
		var left int
		if err := s.store.DB.NewRaw("SELECT count(*) FROM repository WHERE address <> '' AND problem = '' AND state = 'active'").Scan(context.Background(), &left); err != nil || left == 0 {
			return err
		}
		return os.ErrDeadlineExceeded
	})
	s.eventually("every message was tried", 60*time.Second, func() error {
		for _, id := range channels {
			if text := s.must("GET", "/api/channels/"+id.String()+"/deliveries", "", nil, mine...); strings.Contains(text, `"state":"queued"`) || strings.Contains(text, `"state":"sending"`) {
				return os.ErrDeadlineExceeded
			}
		}
		return nil
	})
	s.eventually("the host that may be reached is asked by each: else the test shows nothing", 60*time.Second, func() error {
		if n := met.Load(); n < 3 {
			return fmt.Errorf("%d times", n)
		}
		return nil
	})
	if n := in.met.Load(); n > 0 {
		t.Errorf("something inside was reached %d times", n)
	}
	if n := s.count("SELECT count(*) FROM repository WHERE address LIKE 'file:%' AND problem = ''"); n > 0 {
		t.Errorf("%d folders outside of those that are allowed were fetched", n)
	}
	t.Logf("taken, and refused when dialed: %v; %d requests to the host that redirects", taken, met.Load())
}

// letters keeps what the name of a repository may have.
func letters(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return r
	}
	return -1
}

func last(list []store.ID) store.ID {
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1]
}
