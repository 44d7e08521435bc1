package outbound

import "net/netip"

// PinSSH returns the options, for a shell, with which ssh connects to an address that was checked, and still compares the host's key with
// that of its name. Host must have been checked: it becomes part of a command line. Port is empty for the standard one.
func PinSSH(host, port string, a netip.Addr) string {
	if _, ok := addressOf(host); ok || !a.IsValid() {
		return "-oCheckHostIP=no"
	}
	alias := host
	if port != "" && port != "22" {
		alias = "[" + host + "]:" + port // as known_hosts writes it
	}
	return "-oCheckHostIP=no -oHostName=" + a.String() + " '-oHostKeyAlias=" + alias + "'"
}
