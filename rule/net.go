package rule

import (
	"net/netip"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/value"
)

// openNetwork asks whether a network is the whole internet, or a half of it: two halves are a common way around checks for
// the whole. Azure writes *, Any and Internet.
func openNetwork(v *value.Value) verdict {
	switch v.Kind {
	case value.String:
		switch strings.ToLower(strings.TrimSpace(v.Text)) {
		case "*", "any", "internet", "0.0.0.0", "<nw>/0", "/0":
			return yes
		}
		p, err := netip.ParsePrefix(strings.TrimSpace(v.Text))
		return decided(err == nil && p.Bits() <= 1)
	case value.Unknown:
		return no.or(mayBeOpen(v.Text))
	}
	return no
}

// mayBeOpen reports whether a text with this beginning may be an open network. 10. may not.
func mayBeOpen(prefix string) bool {
	first, _, whole := strings.Cut(prefix, ".")
	if !whole {
		return true
	}
	n, err := strconv.Atoi(first)
	return err != nil || n == 0 || n == 128
}

// privateNetworks are the networks that the internet does not route: RFC 1918, RFC 6598, RFC 4193, loopback and link-local.
var privateNetworks = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("::1/128"),
}

func privateNetwork(p netip.Prefix) bool {
	for _, n := range privateNetworks {
		if within(n, p) {
			return true
		}
	}
	return false
}

// within reports whether all of inner lies in outer.
func within(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// ports reads what clouds write for ports: 22, "22", "22-80", "22,80", "*", and lists of these. Null and what is no port
// have none.
func ports(v *value.Value) *value.Value {
	out := &value.Value{Kind: value.List}
	addPorts(out, v)
	return out
}

func addPorts(out, v *value.Value) {
	switch v.Kind {
	case value.Unknown:
		out.Open = true
	case value.List:
		out.Open = out.Open || v.Open
		for i := range v.Items {
			addPorts(out, &v.Items[i])
		}
	case value.Number:
		out.Items = append(out.Items, span2(v.Number, v.Number))
	case value.String:
		for part := range strings.SplitSeq(v.Text, ",") {
			part = strings.TrimSpace(part)
			if part == "*" || strings.EqualFold(part, "any") || strings.EqualFold(part, "all") {
				out.Items = append(out.Items, span2(0, 65535))
				continue
			}
			from, to, ranged := strings.Cut(part, "-")
			low, err := strconv.Atoi(strings.TrimSpace(from))
			if err != nil {
				continue
			}
			high := low
			if ranged {
				if high, err = strconv.Atoi(strings.TrimSpace(to)); err != nil {
					continue
				}
			}
			out.Items = append(out.Items, span2(float64(low), float64(high)))
		}
	}
}

func span2(from, to float64) value.Value {
	return record("from", value.Value{Kind: value.Number, Number: from}, "to", value.Value{Kind: value.Number, Number: to})
}

// hasPort asks whether a port is among what ports reads.
func hasPort(v *value.Value, port float64) verdict {
	return anyOf(ports(v), func(r *value.Value) verdict {
		return decided(r.Field("from").Number <= port && port <= r.Field("to").Number)
	})
}

// covers asks whether a rule of a firewall lets traffic to a port through. A protocol that stands for all lets all through,
// whatever the ports say; one without ports (icmp) none; without ports, tcp and udp let all through.
func covers(from, to, protocol *val, port float64) verdict {
	if protocol.kind == unknown {
		return open
	}
	switch strings.ToLower(protocol.print()) {
	case "-1", "all", "*", "any":
		return yes
	case "tcp", "udp", "6", "17", "sctp", "132", "tcp_udp", "":
	default:
		return no
	}
	low, high := from, to
	switch {
	case low.kind == null && high.kind == null:
		return yes
	case low.kind == null:
		low = high
	case high.kind == null:
		high = low
	}
	if low.kind == number && low.num == -1 && (high.kind == number && high.num == -1) {
		return yes
	}
	here := numbers(port)
	_, same, less, a := compare(&here, low) // port >= low
	more, same2, _, b := compare(&here, high)
	return both(bound(same || less, a, low), bound(same2 || more, b, high))
}

// bound turns one side of a comparison into a verdict.
func bound(holds bool, compared verdict, limit *val) verdict {
	switch {
	case limit.kind == unknown:
		return open
	case compared != yes:
		return no
	}
	return decided(holds)
}
