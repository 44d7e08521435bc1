package function

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/gocty"
)

// parseAddr reads an address. Numbers of IPv4 may have leading zeros and are decimal all the same, as Terraform promises.
func parseAddr(s string) (netip.Addr, error) {
	if !strings.Contains(s, ":") {
		parts := strings.Split(s, ".")
		for i, p := range parts {
			if t := strings.TrimLeft(p, "0"); t != "" {
				parts[i] = t
			} else if p != "" {
				parts[i] = "0"
			}
		}
		s = strings.Join(parts, ".")
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("invalid IP address: %s", clip(s))
	}
	return a, nil
}

// parsePrefix reads a network in CIDR notation; bits of the host part are cleared.
func parsePrefix(s string) (netip.Prefix, error) {
	bad := fmt.Errorf("invalid CIDR expression: invalid CIDR address: %s", clip(s))
	addr, length, ok := strings.Cut(s, "/")
	if !ok || length == "" || strings.Trim(length, "0123456789") != "" {
		return netip.Prefix{}, bad
	}
	a, err := parseAddr(addr)
	if err != nil {
		return netip.Prefix{}, bad
	}
	bits, err := strconv.Atoi(length)
	if err != nil || bits > a.BitLen() {
		return netip.Prefix{}, bad
	}
	return netip.PrefixFrom(a, bits).Masked(), nil
}

func number(a netip.Addr) *big.Int { return new(big.Int).SetBytes(a.AsSlice()) }

// address is the inverse of number for the family of like; n must fit.
func address(n *big.Int, like netip.Addr) netip.Addr {
	a, _ := netip.AddrFromSlice(n.FillBytes(make([]byte, like.BitLen()/8)))
	return a
}

// subnet returns network number num among those that are newBits longer than p.
func subnet(p netip.Prefix, newBits int, num *big.Int) (netip.Prefix, error) {
	bits := p.Bits() + newBits
	if bits > p.Addr().BitLen() {
		return netip.Prefix{}, fmt.Errorf("insufficient address space to extend prefix of %d by %d", p.Bits(), newBits)
	}
	most := new(big.Int).Lsh(big.NewInt(1), uint(newBits))
	if num.Sign() < 0 || num.Cmp(most) >= 0 {
		return netip.Prefix{}, fmt.Errorf("prefix extension of %d does not accommodate a subnet numbered %s", newBits, clip(num.String()))
	}
	offset := new(big.Int).Lsh(num, uint(p.Addr().BitLen()-bits))
	return netip.PrefixFrom(address(offset.Or(offset, number(p.Addr())), p.Addr()), bits), nil
}

// whole returns the argument as an integer of any size.
func whole(args []cty.Value, i int) (*big.Int, error) {
	n, accuracy := args[i].AsBigFloat().Int(nil)
	if n == nil || accuracy != big.Exact {
		return nil, function.NewArgErrorf(i, "value must be a whole number")
	}
	return n, nil
}

// prefixFunc makes a function of a network and some numbers.
func prefixFunc(numbers []string, f func(p netip.Prefix, args []cty.Value) (string, error)) function.Function {
	params := []function.Parameter{{Name: "prefix", Type: cty.String}}
	for _, n := range numbers {
		params = append(params, function.Parameter{Name: n, Type: cty.Number})
	}
	return function.New(&function.Spec{
		Params:       params,
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			p, err := parsePrefix(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			out, err := f(p, args)
			if err != nil {
				return cty.NilVal, err
			}
			return cty.StringVal(out), nil
		},
	})
}

var cidrHostFunc = prefixFunc([]string{"hostnum"}, func(p netip.Prefix, args []cty.Value) (string, error) {
	n, err := whole(args, 1)
	if err != nil {
		return "", err
	}
	size := new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits()))
	host := n
	if n.Sign() < 0 { // counted from the end
		host = new(big.Int).Add(size, n)
	}
	if host.Sign() < 0 || host.Cmp(size) >= 0 {
		return "", fmt.Errorf("prefix of %d does not accommodate a host numbered %s", p.Bits(), clip(n.String()))
	}
	return address(host.Or(host, number(p.Addr())), p.Addr()).String(), nil
})

var cidrNetmaskFunc = prefixFunc(nil, func(p netip.Prefix, _ []cty.Value) (string, error) {
	if !p.Addr().Is4() {
		return "", errors.New("IPv6 addresses cannot have a netmask: use the prefix length")
	}
	ones := netip.AddrFrom4([4]byte{255, 255, 255, 255})
	return netip.PrefixFrom(ones, p.Bits()).Masked().Addr().String(), nil
})

var cidrSubnetFunc = prefixFunc([]string{"newbits", "netnum"}, func(p netip.Prefix, args []cty.Value) (string, error) {
	var newBits int
	if err := gocty.FromCtyValue(args[1], &newBits); err != nil {
		return "", function.NewArgError(1, err)
	}
	num, err := whole(args, 2)
	if err != nil {
		return "", err
	}
	if newBits < 0 {
		return "", function.NewArgErrorf(1, "must not be negative")
	}
	s, err := subnet(p, min(newBits, 129), num)
	return s.String(), err
})

var cidrSubnetsFunc = function.New(&function.Spec{
	Params:       []function.Parameter{{Name: "prefix", Type: cty.String}},
	VarParam:     &function.Parameter{Name: "newbits", Type: cty.Number},
	Type:         function.StaticReturnType(cty.List(cty.String)),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		p, err := parsePrefix(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		if len(args) == 1 {
			return cty.ListValEmpty(cty.String), nil
		}
		if p.Addr().IsUnspecified() {
			// Terraform looks for the network before the first one, finds none before 0.0.0.0, and fails.
			return cty.NilVal, function.NewArgErrorf(0, "not enough remaining address space for a subnet of %s", p)
		}
		var out []cty.Value
		next := number(p.Addr()) // first address that is still free
		end := new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits()))
		end.Add(end, next)
		for i := 1; i < len(args); i++ {
			var newBits int
			if err := gocty.FromCtyValue(args[i], &newBits); err != nil {
				return cty.NilVal, function.NewArgError(i, err)
			}
			if newBits < 1 {
				return cty.NilVal, function.NewArgErrorf(i, "must extend prefix by at least one bit")
			}
			if newBits > 32 {
				return cty.NilVal, function.NewArgErrorf(i, "may not extend prefix by more than 32 bits")
			}
			bits := p.Bits() + newBits
			if bits > p.Addr().BitLen() {
				return cty.NilVal, function.NewArgErrorf(i, "would extend prefix to %d bits, which is too long for this address family", bits)
			}
			size := new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-bits))
			// A network starts at a multiple of its size: round up.
			start := new(big.Int).Add(next, size)
			start.Sub(start, big.NewInt(1))
			start.Sub(start, new(big.Int).Mod(start, size))
			next = new(big.Int).Add(start, size)
			if next.Cmp(end) > 0 {
				return cty.NilVal, function.NewArgErrorf(i, "not enough remaining address space for a subnet with a prefix of %d bits", bits)
			}
			out = append(out, cty.StringVal(netip.PrefixFrom(address(start, p.Addr()), bits).String()))
		}
		return cty.ListVal(out), nil
	},
})

// cidrContainsFunc is OpenTofu's: the second argument is an address or a network.
var cidrContainsFunc = function.New(&function.Spec{
	Params:       []function.Parameter{{Name: "containing_prefix", Type: cty.String}, {Name: "contained_ip_or_prefix", Type: cty.String}},
	Type:         function.StaticReturnType(cty.Bool),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		outer, err := parsePrefix(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		var inner netip.Prefix
		if s := args[1].AsString(); strings.Contains(s, "/") {
			if inner, err = parsePrefix(s); err != nil {
				return cty.NilVal, function.NewArgError(1, err)
			}
		} else {
			a, err := parseAddr(s)
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(1, "invalid IP address or prefix: %s", clip(s))
			}
			inner = netip.PrefixFrom(a, a.BitLen())
		}
		if outer.Addr().BitLen() != inner.Addr().BitLen() {
			return cty.NilVal, fmt.Errorf("address family mismatch: %s and %s", outer, inner)
		}
		return cty.BoolVal(outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())), nil
	},
})
