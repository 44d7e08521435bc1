package signin

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// throttle counts failures by key: burst of them, then one per interval. It is in memory, of one process, and bounded.
type throttle struct {
	burst    int
	interval time.Duration

	mu   sync.Mutex
	keys map[string]*rate.Limiter
}

// maxKeys bounds the memory that strangers can fill; one key is about 100 bytes.
const maxKeys = 20000

// open tells whether a key may try.
func (t *throttle) open(key string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.keys[key]
	return l == nil || l.TokensAt(now) >= 1
}

// fail counts a failure.
func (t *throttle) fail(key string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.keys[key]
	if l == nil {
		if t.keys == nil {
			t.keys = map[string]*rate.Limiter{}
		}
		if len(t.keys) >= maxKeys {
			t.forget(now)
		}
		l = rate.NewLimiter(rate.Every(t.interval), t.burst)
		t.keys[key] = l
	}
	l.AllowN(now, 1)
}

// forget drops the keys that are as if they had never failed, and some others when there are none.
func (t *throttle) forget(now time.Time) {
	for key, l := range t.keys {
		if l.TokensAt(now) >= float64(t.burst) {
			delete(t.keys, key)
		}
	}
	for key := range t.keys {
		if len(t.keys) < maxKeys*9/10 {
			return
		}
		delete(t.keys, key)
	}
}

// network is the part of an address that one customer has: of IPv6 the first 64 bits.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if a = a.Unmap(); a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}
