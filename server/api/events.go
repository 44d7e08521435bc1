package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/store"
)

const (
	maxWatchers    = 500              // of one process
	maxWatchersOf  = 12               // of one subject: windows of a browser
	watcherBacklog = 256              // notices that one may be behind; then it has to connect again
	maxReplayed    = 500              // notices that are told again to one who comes back
	pollEvery      = time.Second      // for what other processes tell
	pollBack       = 15 * time.Second // how much later than its id a notice may appear: transactions end in another order than they begin
	heartbeat      = 20 * time.Second
	watchFor       = 10 * time.Minute // then a watcher connects again, and is asked anew who it is
	writeWithin    = 10 * time.Second
)

// hub tells watchers what notices say. One goroutine reads them while there are watchers. The zero is ready for use.
type hub struct {
	mu       sync.Mutex
	watchers map[*watcher]bool
	running  bool
	stopped  chan struct{} // closed by stop; nil before anybody watches
	ended    bool
}

// watcher is one client of the stream.
type watcher struct {
	who   string
	feed  chan store.Notice
	once  sync.Once
	ended chan struct{} // closed when it has fallen behind
}

func (w *watcher) end() { w.once.Do(func() { close(w.ended) }) }

// watch adds a watcher. A fault says that there are too many.
func (h *hub) watch(s *store.Store, who string) (*watcher, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped == nil {
		h.stopped, h.watchers = make(chan struct{}), map[*watcher]bool{}
	}
	own := 0
	for w := range h.watchers {
		if w.who == who {
			own++
		}
	}
	if h.ended || len(h.watchers) >= maxWatchers || own >= maxWatchersOf {
		return nil, store.Refuse(store.Limited, "Too many windows are watching: close some.")
	}
	w := &watcher{who: who, feed: make(chan store.Notice, watcherBacklog), ended: make(chan struct{})}
	h.watchers[w] = true
	if !h.running {
		h.running = true
		go h.run(s)
	}
	return w, nil
}

func (h *hub) leave(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers, w)
}

// stop ends every stream, now and later.
func (h *hub) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped == nil {
		h.stopped = make(chan struct{})
	}
	if !h.ended {
		h.ended = true
		close(h.stopped)
	}
}

// run reads notices and hands them out until nobody watches any more.
func (h *hub) run(s *store.Store) {
	seen := map[store.ID]store.Millis{}
	first := true
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		told := s.Noticed()
		since := store.MillisOf(s.Now().Add(-pollBack))
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		list, err := s.Notices(ctx, since, 0, 5000)
		cancel()
		h.mu.Lock()
		if len(h.watchers) == 0 || h.ended {
			h.running = false
			h.mu.Unlock()
			return
		}
		if err == nil { // else the next time: what was missed is still there
			for _, n := range list {
				if _, known := seen[n.ID]; known {
					continue
				}
				seen[n.ID] = n.At
				if first && n.At < store.MillisOf(s.Now().Add(-2*time.Second)) {
					continue
				}
				for w := range h.watchers {
					select {
					case w.feed <- n:
					default:
						w.end()
					}
				}
			}
			for id, at := range seen {
				if at < since-1000 {
					delete(seen, id)
				}
			}
			first = false
		}
		h.mu.Unlock()
		select {
		case <-told:
		case <-tick.C:
		case <-h.stopped:
		}
	}
}

// Stop ends the streams of events, now and later, so that the server can stop.
func (s *Service) Stop() { s.hub.stop() }

type eventsInput struct {
	Last string `header:"Last-Event-ID" doc:"id of the last event that was seen: what came after it in the last hour is told again"`
}

func (s *Service) events(api huma.API) {
	add(s, api, operation{id: "watch-events", method: http.MethodGet, path: "/api/events", tag: "events",
		summary: "What changes, as it changes: a stream of server-sent events", streams: []string{"text/event-stream"}, needs: access.RepositoryRead},
		func(ctx context.Context, call *Call, in *eventsInput) (*huma.StreamResponse, error) {
			var last store.ID
			if in.Last != "" {
				if err := last.UnmarshalText([]byte(in.Last)); err != nil {
					last = 0 // another server's, or nonsense: the stream begins now
				}
			}
			w, err := s.hub.watch(s.Store, fmt.Sprintf("%d %s %d", call.Subject.Organisation, call.Subject.Kind, call.Subject.ID))
			if err != nil {
				return nil, err
			}
			return &huma.StreamResponse{Body: func(c huma.Context) {
				defer s.hub.leave(w)
				c.SetHeader("Content-Type", "text/event-stream")
				c.SetHeader("X-Accel-Buffering", "no")
				v := &sightseer{s: s, scope: call.Scope, c: c, known: map[store.ID]sight{}, told: map[store.ID]bool{}}
				if out, ok := c.BodyWriter().(http.ResponseWriter); ok {
					v.control = http.NewResponseController(out)
				}
				v.follow(c.Context(), w, last)
			}}, nil
		})
}

// sight is whether a repository is seen, and until when that is believed.
type sight struct {
	sees  bool
	until time.Time
}

// sightseer writes to one client what it may see.
type sightseer struct {
	s       *Service
	scope   access.Scope
	c       huma.Context
	control *http.ResponseController // nil when the writer has none
	known   map[store.ID]sight
	told    map[store.ID]bool // what was told again when it came back
}

func (v *sightseer) follow(ctx context.Context, w *watcher, last store.ID) {
	if !v.write("retry: 2000\n\n") || !v.replay(ctx, last) {
		return
	}
	beat, over := time.NewTicker(heartbeat), time.NewTimer(watchFor)
	defer beat.Stop()
	defer over.Stop()
	for {
		select {
		case n := <-w.feed:
			if !v.told[n.ID] && !v.tell(ctx, n) {
				return
			}
		case <-beat.C:
			if !v.write(": still here\n\n") {
				return
			}
		case <-w.ended:
			return
		case <-v.s.hub.stopped:
			return
		case <-over.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// replay tells again what came after an event.
func (v *sightseer) replay(ctx context.Context, last store.ID) bool {
	if last == 0 {
		return true
	}
	// A notice with a smaller id may have come later; the same again does no harm.
	list, err := v.s.Store.Notices(ctx, store.MillisOf(last.Time().Add(-pollBack)), 0, 5000)
	if err != nil {
		return false
	}
	for _, n := range list {
		v.told[n.ID] = true
	}
	i := slices.IndexFunc(list, func(n store.Notice) bool { return n.ID >= last })
	if i < 0 {
		return true
	}
	list = slices.DeleteFunc(list[max(0, i-50):], func(n store.Notice) bool { return n.ID == last })
	for _, n := range list[max(0, len(list)-maxReplayed):] {
		if !v.tell(ctx, n) {
			return false
		}
	}
	return true
}

// tell writes a notice when it may be seen.
func (v *sightseer) tell(ctx context.Context, n store.Notice) bool {
	if !v.sees(ctx, n) {
		return true
	}
	data := struct {
		Repository store.ID        `json:"repository,omitempty"`
		At         store.Millis    `json:"at"`
		Data       json.RawMessage `json:"data"`
	}{n.Repository, n.At, json.RawMessage(n.Data)}
	text, err := json.Marshal(data)
	if err != nil {
		return true
	}
	return v.write(fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", n.ID, n.Kind, text))
}

// sees tells whether a notice is of something that the client may see. What is of no repository is for everybody in the organisation.
func (v *sightseer) sees(ctx context.Context, n store.Notice) bool {
	switch {
	case int64(n.Organisation) != v.scope.Organisation:
		return false
	case n.Repository == 0:
		return v.scope.Repository == 0
	}
	now := v.s.Store.Now()
	k, ok := v.known[n.Repository]
	if !ok || now.After(k.until) {
		if len(v.known) > 10_000 {
			clear(v.known)
		}
		sees, err := v.s.Store.SeesRepository(ctx, v.scope, n.Repository)
		k = sight{sees && err == nil, now.Add(time.Minute)}
		v.known[n.Repository] = k
	}
	return k.sees
}

func (v *sightseer) write(text string) bool {
	if v.control != nil {
		if err := v.control.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return false
		}
	}
	if _, err := v.c.BodyWriter().Write([]byte(text)); err != nil {
		return false
	}
	if v.control != nil {
		if err := v.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return false
		}
	}
	return true
}
