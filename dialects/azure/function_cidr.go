package azure

import (
	"encoding/binary"
	"net/netip"

	"plumbline.dev/plumbline/value"
)

// The functions over ranges of addresses, for those of IPv4. What a range of IPv6, or one without room for hosts, comes to is
// left unknown.
// https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions-cidr

// network is a range of addresses of IPv4.
type network struct {
	first uint32
	bits  int // of the prefix
}

// networkOf reads a range.
func networkOf(v *value.Value) (network, bool) {
	if v.Kind != value.String {
		return network{}, false
	}
	p, err := netip.ParsePrefix(v.Text)
	if err != nil || !p.Addr().Is4() {
		return network{}, false
	}
	b := p.Masked().Addr().As4()
	return network{binary.BigEndian.Uint32(b[:]), p.Bits()}, true
}

func (n network) mask() uint32 { return uint32(uint64(1)<<32 - uint64(1)<<(32-n.bits)) }
func (n network) last() uint32 { return n.first | ^n.mask() }

func address(n uint32) value.Value {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return text(netip.AddrFrom4(b).String())
}

// parseCIDR says what a range is made of.
func parseCIDR(f functions, args []value.Value) (value.Value, error) {
	n, ok := networkOf(&args[0])
	if !ok || n.bits > 30 {
		return opaque("parseCidr")(f, args)
	}
	return object([]value.Field{
		{Name: "network", Value: address(n.first)},
		{Name: "netmask", Value: address(n.mask())},
		{Name: "broadcast", Value: address(n.last())},
		{Name: "firstUsable", Value: address(n.first + 1)},
		{Name: "lastUsable", Value: address(n.last() - 1)},
		{Name: "cidr", Value: whole(int64(n.bits))},
	}), nil
}

// cidrSubnet cuts a range into smaller ones and takes one of them.
func cidrSubnet(f functions, args []value.Value) (value.Value, error) {
	n, ok := networkOf(&args[0])
	bits, whole := integer(&args[1])
	index, also := integer(&args[2])
	if !ok || !whole || !also || bits < int64(n.bits) || bits > 32 || index < 0 || index >= int64(1)<<(bits-int64(n.bits)) {
		return opaque("cidrSubnet")(f, args)
	}
	v := address(n.first + uint32(uint64(index)<<(32-bits)))
	return text(v.Text + "/" + textOf(&args[1])), nil
}

// cidrHost is an address for a host: the first has the index 0.
func cidrHost(f functions, args []value.Value) (value.Value, error) {
	n, ok := networkOf(&args[0])
	index, whole := integer(&args[1])
	if !ok || !whole || n.bits > 30 || index < 0 || index+1 >= int64(n.last()-n.first) {
		return opaque("cidrHost")(f, args)
	}
	return address(n.first + 1 + uint32(index)), nil
}
