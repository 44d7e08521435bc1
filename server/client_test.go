package server

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestClient holds who a request comes from, whatever its headers say.
func TestClient(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("2001:db8:1::/48")}
	const proxy, stranger = "10.0.0.1:999", "198.51.100.7:5"
	for name, c := range map[string]struct {
		none   bool // no proxy is trusted
		peer   string
		header [][2]string
		want   string // host of the client, and the scheme that counts
	}{
		"no header":                        {peer: proxy, want: "10.0.0.1 "},
		"a client":                         {peer: proxy, header: [][2]string{{"X-Forwarded-For", "203.0.113.9"}}, want: "203.0.113.9 "},
		"nobody is trusted":                {none: true, peer: proxy, header: [][2]string{{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-Proto", "https"}}, want: "10.0.0.1 "},
		"a stranger says":                  {peer: stranger, header: [][2]string{{"X-Forwarded-For", "203.0.113.9"}, {"Forwarded", "for=203.0.113.9"}, {"X-Forwarded-Proto", "https"}}, want: "198.51.100.7 "},
		"made up on the left":              {peer: proxy, header: [][2]string{{"X-Forwarded-For", "127.0.0.1, 1.1.1.1, 203.0.113.9"}}, want: "203.0.113.9 "},
		"a chain of proxies":               {peer: proxy, header: [][2]string{{"X-Forwarded-For", "1.1.1.1, 203.0.113.9, 10.9.9.9, 127.0.0.1"}}, want: "203.0.113.9 "},
		"a chain in two lines":             {peer: proxy, header: [][2]string{{"X-Forwarded-For", "1.1.1.1"}, {"X-Forwarded-For", "203.0.113.9, 10.2.2.2"}}, want: "203.0.113.9 "},
		"only proxies":                     {peer: proxy, header: [][2]string{{"X-Forwarded-For", "10.3.3.3, 10.4.4.4"}}, want: "10.3.3.3 "},
		"nonsense on the right":            {peer: proxy, header: [][2]string{{"X-Forwarded-For", "203.0.113.9, unknown"}}, want: "10.0.0.1 "},
		"nonsense behind a proxy":          {peer: proxy, header: [][2]string{{"X-Forwarded-For", "203.0.113.9, <script>, 10.4.4.4"}}, want: "10.4.4.4 "},
		"an empty entry":                   {peer: proxy, header: [][2]string{{"X-Forwarded-For", "203.0.113.9,"}}, want: "10.0.0.1 "},
		"with a port":                      {peer: proxy, header: [][2]string{{"X-Forwarded-For", "203.0.113.9:4711"}}, want: "203.0.113.9 "},
		"IPv6":                             {peer: "[2001:db8:1::1]:9", header: [][2]string{{"X-Forwarded-For", "2001:db8:2::5"}}, want: "2001:db8:2::5 "},
		"IPv6 with a port":                 {peer: proxy, header: [][2]string{{"X-Forwarded-For", "[2001:db8:2::5]:80"}}, want: "2001:db8:2::5 "},
		"IPv4 in IPv6":                     {peer: "[::ffff:10.0.0.1]:9", header: [][2]string{{"X-Forwarded-For", "::ffff:203.0.113.9"}}, want: "203.0.113.9 "},
		"a zone":                           {peer: proxy, header: [][2]string{{"X-Forwarded-For", "fe80::1%eth0"}}, want: "10.0.0.1 "},
		"the standard":                     {peer: proxy, header: [][2]string{{"Forwarded", `for=1.1.1.1;proto=http, For="[2001:db8:2::5]:4711";proto=https`}}, want: "2001:db8:2::5 "},
		"the standard, hidden":             {peer: proxy, header: [][2]string{{"Forwarded", "for=203.0.113.9, for=_secret"}}, want: "10.0.0.1 "},
		"the standard, without for":        {peer: proxy, header: [][2]string{{"Forwarded", "for=203.0.113.9, proto=https"}}, want: "10.0.0.1 "},
		"the standard, a comma in quotes":  {peer: proxy, header: [][2]string{{"Forwarded", `for="x,for=203.0.113.9"`}}, want: "10.0.0.1 "},
		"the standard, an open quote":      {peer: proxy, header: [][2]string{{"Forwarded", `for="1.1.1.1, for=203.0.113.9`}}, want: "203.0.113.9 "},
		"both say the same":                {peer: proxy, header: [][2]string{{"Forwarded", "for=203.0.113.9"}, {"X-Forwarded-For", "203.0.113.9"}}, want: "203.0.113.9 "},
		"one is the client's own":          {peer: proxy, header: [][2]string{{"Forwarded", "for=1.1.1.1"}, {"X-Forwarded-For", "203.0.113.9"}}, want: "10.0.0.1 "},
		"the scheme":                       {peer: proxy, header: [][2]string{{"X-Forwarded-Proto", "http, HTTPS"}}, want: "10.0.0.1 https"},
		"a scheme that is made up":         {peer: proxy, header: [][2]string{{"X-Forwarded-Proto", "https, http"}}, want: "10.0.0.1 "},
		"a header that is not read":        {peer: proxy, header: [][2]string{{"X-Real-IP", "203.0.113.9"}, {"X-Forwarded-Host", "evil.example.org"}}, want: "10.0.0.1 "},
		"an address in the request's line": {peer: stranger, header: [][2]string{{"scheme", "https"}}, want: "198.51.100.7 "},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Server{Options: Options{TrustedProxies: trusted}}
			if c.none {
				s.TrustedProxies = nil
			}
			r := httptest.NewRequest(http.MethodGet, "/api/session", nil)
			r.RemoteAddr = c.peer
			for _, h := range c.header {
				if h[0] == "scheme" {
					r.URL.Scheme = h[1]
					continue
				}
				r.Header.Add(h[0], h[1])
			}
			got := ""
			s.client(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = host(r) + " " + r.URL.Scheme })).ServeHTTP(httptest.NewRecorder(), r)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzClient holds that headers neither break anything nor make a request come from what is no address, and that what is left of the
// client in a chain changes nothing.
func FuzzClient(f *testing.F) {
	f.Add("1.1.1.1", `for="[::1]"`)
	f.Add(",,;=\"", "for=,")
	s := &Server{Options: Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	f.Fuzz(func(t *testing.T, chain, forwarded string) {
		ask := func(chain string) (from string) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = "10.0.0.1:1"
			r.Header.Set("X-Forwarded-For", chain)
			if forwarded != "" {
				r.Header.Set("Forwarded", forwarded)
			}
			s.client(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { from = host(r) })).ServeHTTP(httptest.NewRecorder(), r)
			return from
		}
		if _, err := netip.ParseAddr(ask(chain)); err != nil {
			t.Error(err)
		}
		if forwarded == "" {
			if got := ask(chain + ", 203.0.113.9"); got != "203.0.113.9" {
				t.Errorf("%q in front of the client makes it %s", chain, got)
			}
		}
	})
}
