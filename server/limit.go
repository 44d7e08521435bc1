package server

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"plumbline.dev/plumbline/server/api"
	"plumbline.dev/plumbline/server/signin"
	"plumbline.dev/plumbline/store"
)

// Limits bounds what one client can ask for. A zero field is no limit.
type Limits struct {
	Address Rate          // requests of an address, whoever sends them
	Subject Rate          // requests of a person, token or machine
	Body    int64         // bytes of a request's body
	Time    time.Duration // within which a body has to come
}

// Rate is how many requests are answered: so many at once, and so many each second in the long run.
type Rate struct {
	Second float64
	Burst  int
}

// DefaultLimits are for servers that strangers can reach. People are far below them; an interface that opens a page asks some ten things.
var DefaultLimits = Limits{Address: Rate{100, 600}, Subject: Rate{50, 300}, Body: 11 << 20, Time: time.Minute}

// maxBuckets is how many addresses or subjects are told apart. When there are more, those that are idle are forgotten; when none is, all
// are, because memory is worth more than a stranger's count.
const maxBuckets = 20_000

// buckets are the limits of a kind of client.
type buckets struct {
	rate Rate
	now  func() time.Time

	mu   sync.Mutex
	each map[string]*rate.Limiter
}

func newBuckets(r Rate) *buckets {
	return &buckets{rate: r, now: time.Now, each: map[string]*rate.Limiter{}}
}

// take counts a request; wait is how long to wait when it is one too many.
func (b *buckets) take(who string) (wait time.Duration, ok bool) {
	if b.rate.Second <= 0 {
		return 0, true
	}
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.each[who]
	if l == nil {
		if len(b.each) >= maxBuckets {
			for k, other := range b.each {
				if other.TokensAt(now) >= float64(b.rate.Burst) {
					delete(b.each, k)
				}
			}
			if len(b.each) >= maxBuckets {
				clear(b.each)
			}
		}
		l = rate.NewLimiter(rate.Limit(b.rate.Second), b.rate.Burst)
		b.each[who] = l
	}
	if l.AllowN(now, 1) {
		return 0, true
	}
	return time.Duration((1 - l.TokensAt(now)) / b.rate.Second * float64(time.Second)), false
}

// place is what of an address counts as one client: of IPv6 the network, which a client has to itself.
func place(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap(); ip.Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}

// bound limits requests by the address that they come from, and their bodies by size and time.
func (s *Server) bound(next http.Handler) http.Handler {
	addresses := newBuckets(s.Limits.Address)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") {
			if wait, ok := addresses.take(place(host(r))); !ok {
				tooMany(w, wait)
				return
			}
		}
		if r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody {
			if s.Limits.Body > 0 {
				if r.ContentLength > s.Limits.Body {
					w.Header().Set("Connection", "close")
					signin.Refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("This is more than the server takes in one request: %d MiB.", s.Limits.Body>>20))
					return
				}
				r.Body = http.MaxBytesReader(w, r.Body, s.Limits.Body)
			}
			if s.Limits.Time > 0 {
				_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.Limits.Time)) // writers of tests have none
			}
		}
		next.ServeHTTP(w, r)
	})
}

// share limits requests by who sends them.
func (s *Server) share(next http.Handler) http.Handler {
	subjects := newBuckets(s.Limits.Subject)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if call := api.CallOf(r.Context()); call.Subject.Kind != "" {
			if wait, ok := subjects.take(subjectOf(call)); !ok {
				tooMany(w, wait)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// subjectOf names who sends a request, in one organisation.
func subjectOf(call *api.Call) string {
	return fmt.Sprintf("%d %s:%d", call.Subject.Organisation, call.Subject.Kind, call.Subject.ID)
}

func tooMany(w http.ResponseWriter, wait time.Duration) {
	seconds := int(math.Ceil(wait.Seconds()))
	w.Header().Set("Retry-After", strconv.Itoa(max(1, seconds)))
	signin.Refuse(w, http.StatusTooManyRequests, "Too many requests: wait a moment, then go on.")
}

// host is the address that a request comes from.
func host(r *http.Request) string {
	h, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return h
}

// sweep removes what was kept for a while only, until the context ends: old notices and answers, and rows of removed repositories.
func (s *Server) sweep(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		err := s.Store.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.Sweep(ctx) })
		for more := err == nil; more && err == nil && ctx.Err() == nil; {
			more, err = s.Store.Purge(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "sweep", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
