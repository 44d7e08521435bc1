package outbound

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// Relay is a SOCKS proxy (RFC 1928) on the loopback interface, for one run of git: git asks it for connections by name, and
// it makes them as Hosts allows. So addresses are checked when they are dialed, redirections included.
type Relay struct {
	hosts    Hosts
	listener net.Listener
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu  sync.Mutex
	err error // the last connection that was not allowed or not possible
}

// StartRelay opens a relay; Close ends it with every connection through it.
func StartRelay(hosts Hosts) (*Relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Relay{hosts: hosts, listener: l}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.running.Go(func() { r.serve(c) })
		}
	})
	return r, nil
}

// URL is the proxy for git; the names of hosts are looked up here.
func (r *Relay) URL() string { return "socks5h://" + r.listener.Addr().String() }

// Close ends the relay.
func (r *Relay) Close() {
	r.cancel()
	r.listener.Close()
	r.running.Wait()
}

// Refused returns why the last connection was not made; nil when all were.
func (r *Relay) Refused() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// The bytes of the protocol that are used.
const (
	socksVersion = 5
	socksConnect = 1
	socksIPv4    = 1
	socksName    = 3
	socksIPv6    = 4
	socksRefused = 2
)

func (r *Relay) serve(c net.Conn) {
	defer c.Close()
	stop := context.AfterFunc(r.ctx, func() { c.Close() })
	defer stop()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	address, err := r.greet(c)
	if err != nil {
		return
	}
	server, err := r.hosts.Dial(r.ctx, "tcp", address)
	if err != nil {
		r.mu.Lock()
		if p, ok := errors.AsType[*Refused](err); ok {
			r.err = p
		} else {
			r.err = refused("%s could not be reached: %v", address, innermost(err))
		}
		r.mu.Unlock()
		c.Write([]byte{socksVersion, socksRefused, 0, socksIPv4, 0, 0, 0, 0, 0, 0})
		return
	}
	defer server.Close()
	stopServer := context.AfterFunc(r.ctx, func() { server.Close() })
	defer stopServer()
	if _, err := c.Write([]byte{socksVersion, 0, 0, socksIPv4, 0, 0, 0, 0, 0, 0}); err != nil {
		return
	}
	c.SetDeadline(time.Time{})
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		io.Copy(server, c)
		if t, ok := server.(*net.TCPConn); ok {
			t.CloseWrite()
		}
	}()
	io.Copy(c, server)
	c.Close()
	server.Close()
	<-sent
}

// greet reads what the client wants.
func (r *Relay) greet(c net.Conn) (address string, err error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(c, head); err != nil {
		return "", err
	}
	if _, err := io.ReadFull(c, make([]byte, head[1])); err != nil {
		return "", err
	}
	if head[0] != socksVersion {
		return "", errors.New("not SOCKS 5")
	}
	if _, err := c.Write([]byte{socksVersion, 0}); err != nil {
		return "", err
	}
	ask := make([]byte, 4)
	if _, err := io.ReadFull(c, ask); err != nil {
		return "", err
	}
	if ask[0] != socksVersion || ask[1] != socksConnect {
		return "", errors.New("not a connection")
	}
	size := map[byte]int{socksIPv4: 4, socksIPv6: 16}[ask[3]]
	if ask[3] == socksName {
		if _, err := io.ReadFull(c, ask[:1]); err != nil {
			return "", err
		}
		size = int(ask[0])
	}
	rest := make([]byte, size+2)
	if _, err := io.ReadFull(c, rest); err != nil {
		return "", err
	}
	host := string(rest[:size])
	if ask[3] != socksName {
		a, ok := netip.AddrFromSlice(rest[:size])
		if !ok {
			return "", errors.New("no address")
		}
		host = a.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(rest[size:])))), nil
}

// innermost is the reason of an error without the addresses that it happened at.
func innermost(err error) error {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err
}
