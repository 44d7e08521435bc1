package cloudformation

import (
	"math/big"
	"net/netip"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/value"
)

// cidr makes the first blocks of a size inside of a block: Fn::Cidr [block, count, bits], where bits are those of the hosts.
func (e *env) cidr(n, arg *document.Node) value.Value {
	args := arguments(n, arg)
	if len(args) != 2 && len(args) != 3 {
		return e.invalid(n, "Fn::Cidr takes a block, how many blocks to make, and the bits of their hosts")
	}
	block := e.argument(n, args[0])
	number := e.argument(n, args[1])
	text, known := block.Word()
	count, counted := index(&number)
	bits, sized := 0, false
	if len(args) == 3 {
		size := e.argument(n, args[2])
		bits, sized = index(&size)
	}
	open := value.Value{Kind: value.List, Open: true}
	if !counted {
		return open
	}
	if count < 1 || count > 256 {
		return e.invalid(n, "Fn::Cidr makes 1 to 256 blocks")
	}
	if !known {
		for range count {
			open.Items = append(open.Items, unknown())
		}
		open.Open = false
		return open
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return e.invalid(n, "Fn::Cidr: "+shown(text)+" is not a block of addresses")
	}
	all := prefix.Addr().BitLen()
	if len(args) == 2 { // as many bits as divide the block evenly
		for bits = all - prefix.Bits(); bits > 0 && 1<<(all-prefix.Bits()-bits) < count; bits-- {
		}
		sized = true
	}
	if !sized {
		return open
	}
	if spare := all - prefix.Bits() - bits; bits > all || spare < 0 || spare < 30 && 1<<spare < count {
		return e.invalid(n, "Fn::Cidr: so many blocks of that size do not fit into "+text)
	}
	out := value.Value{Kind: value.List, Items: make([]value.Value, 0, count)}
	at := new(big.Int).SetBytes(prefix.Masked().Addr().AsSlice())
	step := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	for range count {
		addr, _ := netip.AddrFromSlice(at.FillBytes(make([]byte, all/8)))
		out.Items = append(out.Items, value.Value{Kind: value.String, Text: netip.PrefixFrom(addr, all-bits).String()})
		at.Add(at, step)
	}
	return out
}
