package rule

import (
	"net/netip"
)

var netFunctions = []function{
	{
		Function: Function{
			Name:       "net.open",
			Signatures: []string{"net.open(dyn) -> bool"},
			Doc:        "Whether a network, or one of a list of networks, is the whole internet or a half of it: 0.0.0.0/0, ::/0, 128.0.0.0/1, Azure's *, Any and Internet.",
			Example:    `net.open(["10.0.0.0/8", "0.0.0.0/0"]) && !net.open("10.0.0.0/8")`,
		},
		call: func(_ *frame, args []val) val {
			return anyOf(nodeOf(&args[0]), openNetwork).val()
		},
	},
	{
		Function: Function{
			Name:       "net.private",
			Signatures: []string{"net.private(string) -> bool"},
			Doc:        "Whether a network or address is one that the internet does not route: RFC 1918, 100.64.0.0/10, fc00::/7, loopback, link-local. False for what is no network.",
			Example:    `net.private("192.168.1.0/24") && !net.private("8.8.8.8")`,
		},
		call: onText(func(s string) val {
			p, ok := parsePrefix(s)
			return decided(ok && privateNetwork(p)).val()
		}, isFalse),
	},
	{
		Function: Function{
			Name:       "net.contains",
			Signatures: []string{"net.contains(string, string) -> bool"},
			Doc:        "Whether all of the second network or address lies in the first.",
			Example:    `net.contains("10.0.0.0/8", "10.1.0.0/16")`,
		},
		call: onTexts(func(a, b string) val {
			outer, ok1 := parsePrefix(a)
			inner, ok2 := parsePrefix(b)
			return decided(ok1 && ok2 && within(outer, inner)).val()
		}),
	},
	{
		Function: Function{
			Name:       "net.prefixLength",
			Signatures: []string{"net.prefixLength(string) -> int"},
			Doc:        "The length of a network's prefix; null for what is no network.",
			Example:    `net.prefixLength("10.0.0.0/8") == 8`,
		},
		call: onText(func(s string) val {
			if p, err := netip.ParsePrefix(s); err == nil {
				return numbers(float64(p.Bits()))
			}
			return val{}
		}, val{}),
	},
	{
		Function: Function{
			Name:       "net.covers",
			Signatures: []string{"net.covers(int, int, dyn, int) -> bool"},
			Doc: "Whether a rule with these first and last ports and protocol lets traffic to a port (the last argument) through. All protocols (-1, all, *) let all ports through, " +
				"icmp none, tcp and udp without ports all.",
			Example: `net.covers(0, 0, "-1", 22) && net.covers(20, 25, "tcp", 22) && !net.covers(80, 80, "tcp", 22)`,
		},
		call: func(_ *frame, args []val) val {
			if args[3].kind != number {
				return unsure
			}
			return covers(&args[0], &args[1], &args[2], args[3].num).val()
		},
	},
	{
		Function: Function{
			Name:       "net.hasPort",
			Signatures: []string{"net.hasPort(dyn, int) -> bool"},
			Doc:        "Whether a port is among ports as Azure and Google write them: 22, \"22\", \"20-25\", \"22,80\", \"*\", or a list of these.",
			Example:    `net.hasPort(["80", "20-25"], 22) && net.hasPort("*", 22)`,
		},
		call: func(_ *frame, args []val) val {
			if args[1].kind != number {
				return unsure
			}
			return hasPort(nodeOf(&args[0]), args[1].num).val()
		},
	},
	{
		Function: Function{
			Name:       "net.ports",
			Signatures: []string{"net.ports(dyn) -> list(net.Range)"},
			Doc:        "The ranges (from, to) of ports as Azure and Google write them.",
			Example:    `net.ports("20-25").exists(p, p.from <= 22 && p.to >= 22)`,
		},
		call: func(f *frame, args []val) val {
			if args[0].kind == unknown {
				return val{kind: unknown, at: args[0].at}
			}
			return view(ports(nodeOf(&args[0])), f.within(args[0].at))
		},
	},
}
