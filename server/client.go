package server

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Rules of this file: who a request comes from is the address of its connection. Where that is a proxy that is trusted, it is the address
// that the proxy says, and of a chain the first from the right that is no trusted proxy: everything left of it may be made up. What
// nobody understands ends the chain. Everything behind this handler sees the client as the request's RemoteAddr; the headers stay, so
// that what is only for this machine sees that a proxy passed the request on.

// maxHops is how many entries of a chain are looked at.
const maxHops = 32

// client makes requests come from their clients.
func (s *Server) client(next http.Handler) http.Handler {
	trusted := func(a netip.Addr) bool {
		return slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, ok := addressOf(r.RemoteAddr)
		u := *r.URL
		u.Scheme = "" // what a client writes there says nothing
		if ok && trusted(peer) {
			if last(r.Header.Values("X-Forwarded-Proto")) == "https" {
				u.Scheme = "https"
			}
			if from := clientOf(peer, r.Header, trusted); from != peer {
				again := *r
				again.RemoteAddr = netip.AddrPortFrom(from, 0).String()
				r = &again
			}
		}
		if u.Scheme != r.URL.Scheme {
			again := *r
			again.URL = &u
			r = &again
		}
		next.ServeHTTP(w, r)
	})
}

// clientOf returns from where a request came to a trusted proxy. A proxy sets one of two headers and may pass the other one on as a client
// wrote it: where they differ, nothing is known but the proxy.
func clientOf(peer netip.Addr, h http.Header, trusted func(netip.Addr) bool) netip.Addr {
	var said []netip.Addr
	for _, chain := range [][]string{split(h.Values("X-Forwarded-For")), forwardedFor(h.Values("Forwarded"))} {
		if len(chain) == 0 {
			continue
		}
		from := peer
		for i, entry := range slices.Backward(chain) {
			a, ok := addressOf(entry)
			if !ok || len(chain)-i > maxHops {
				break
			}
			from = a
			if !trusted(a) {
				break
			}
		}
		said = append(said, from)
	}
	switch {
	case len(said) == 0, len(said) == 2 && said[0] != said[1]:
		return peer
	}
	return said[0]
}

// addressOf reads an address with or without a port.
func addressOf(text string) (netip.Addr, bool) {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// split splits the values of a header at commas.
func split(values []string) (out []string) {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			out = append(out, strings.TrimSpace(part))
		}
	}
	return out
}

// last is the last value of a header: that of the nearest proxy.
func last(values []string) string {
	if list := split(values); len(list) > 0 {
		return strings.ToLower(list[len(list)-1])
	}
	return ""
}

// forwardedFor reads who a request was passed on for, of the header of RFC 7239; "" for an element that does not say. Quotes may hold
// anything: a header with quotes that are not those around a value is not understood at all.
func forwardedFor(values []string) (out []string) {
	for _, element := range split(values) {
		who := ""
		for pair := range strings.SplitSeq(element, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if strings.EqualFold(name, "for") {
				if inner, ok := strings.CutPrefix(value, `"`); ok {
					value = strings.TrimSuffix(inner, `"`)
				}
				who = value
			}
		}
		out = append(out, who)
	}
	return out
}
