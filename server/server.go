// Package server is the program as a web server: it opens what the operations need, puts the middleware around them, serves the
// interface, and stops in an orderly way.
package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/server/api"
	"plumbline.dev/plumbline/server/signin"
	"plumbline.dev/plumbline/store"
	"plumbline.dev/plumbline/trace"
)

// Options is how a server runs.
type Options struct {
	Listen  string // address of the listener; its port may be 0
	Store   *store.Store
	Log     *slog.Logger
	Web     fs.FS // the built interface; nil when there is none
	Version string

	SignIn *signin.Service // nil makes one for http without an address of its own

	Repositories api.Repositories
	Limits       Limits      // the zero limits nothing
	Queue        *jobs.Queue // of fetches and scans; nil: nobody works
	Channels     api.Channels

	Keys           *seal.Ring      // the master key; nil: readiness does not ask for it
	Audit          *store.AuditLog // nil: the log is neither proved nor exported
	Data           string          // data directory whose disk must have room; "" is none
	Tracer         *trace.Tracer   // nil records no spans
	TrustedProxies []netip.Prefix  // who may say which client it passes requests on for; none reads no such headers
	MetricsToken   string          // with it metrics are read from elsewhere; "" allows this machine only

	// Authenticate says who sends a request: the zero Subject for nobody. An error is the surroundings' or a store.Fault. Nil asks SignIn.
	Authenticate func(*http.Request) (access.Subject, error)
	Ready        func(address string) // called when requests are answered; may be nil
}

// Server is a server that is put together but not running.
type Server struct {
	Options
	API     huma.API
	Handler http.Handler

	service *api.Service
	metrics *metrics
	health  health
}

// New puts a server together.
func New(o Options) *Server {
	if o.SignIn == nil {
		public, _ := outbound.Parse(nil, "the server")                                      // it errs on names only
		o.SignIn, _ = signin.New(signin.Options{Store: o.Store, Log: o.Log, Hosts: public}) // it errs on addresses only
	}
	if o.Authenticate == nil {
		o.Authenticate = o.SignIn.Authenticate
	}
	mux := http.NewServeMux()
	s := &Server{Options: o, API: humago.New(mux, api.Config())}
	s.service = &api.Service{Store: o.Store, Log: o.Log, Now: time.Now, SignIn: o.SignIn, Audit: o.Audit, Repositories: o.Repositories, Queue: o.Queue, Channels: o.Channels}
	s.service.Register(s.API)
	s.metrics = newMetrics(&s.Options)
	mux.HandleFunc("GET /healthz", s.serveLive)
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.Handle("GET /metrics", s.serveMetrics())
	o.SignIn.Mount(mux)
	mux.Handle("/", s.pages())
	s.Handler = s.client(s.observe(mux, s.secure(s.bound(o.SignIn.Middleware(s.identify(s.share(s.once(mux))))))))
	return s
}

// Run serves until the context ends, then lets what is under way finish.
func (s *Server) Run(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.Listen, err)
	}
	web := &http.Server{Handler: s.Handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn)}
	web.RegisterOnShutdown(s.service.Stop)
	sweeping, cancelSweep := context.WithCancel(ctx)
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		s.sweep(sweeping)
	}()
	defer func() {
		cancelSweep()
		<-swept
	}()
	if s.Ready != nil {
		s.Ready(listener.Addr().String())
	}
	go s.SignIn.Maintain(ctx)
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := web.Shutdown(patience); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}

// policy is what a page may do: nothing from anywhere else, no frames, no script that is not ours.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// secure sets the headers of every answer and refuses changes that another site asks for.
func (s *Server) secure(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}

// identify finds out who sends a request, gives it an id and hands both to the operations.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()[:16]
		w.Header().Set("X-Request-Id", id)
		_, token := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		call := &api.Call{Request: id, Token: token}
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
			call.Address = host
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			var err error
			if call.Subject, err = s.Authenticate(r); err != nil {
				if fault, ok := errors.AsType[*store.Fault](err); ok && fault.Kind == store.Limited {
					w.Header().Set("Retry-After", "60")
					signin.Refuse(w, http.StatusTooManyRequests, fault.Text)
					return
				}
				if errors.Is(r.Context().Err(), context.Canceled) {
					signin.Refuse(w, api.ClientGone, "The request was given up.")
					return
				}
				s.Log.ErrorContext(r.Context(), "authenticate", "request", id, "error", err)
				signin.Refuse(w, http.StatusServiceUnavailable, "The server cannot tell who you are at the moment. Try again.")
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(api.WithCall(r.Context(), call)))
	})
}

// noOperation answers who asks the API for what it does not have.
func noOperation(w http.ResponseWriter) {
	signin.Refuse(w, http.StatusNotFound, "The API has nothing at this address: /api/openapi.json says what it has.")
}

// pages serves the interface: files as they are, and its first page for every address that is a view of it.
func (s *Server) pages() http.Handler {
	if s.Web == nil {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/api/") {
				noOperation(w)
				return
			}
			if r.URL.Path != "/" {
				http.NotFound(w, r)
				return
			}
			fmt.Fprintln(w, "This build has no interface: make web, then build again. The API is at /api/openapi.json.")
		})
	}
	files := http.FileServerFS(s.Web)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		info, err := fs.Stat(s.Web, name)
		switch {
		case strings.HasPrefix(name, "api/"):
			noOperation(w)
			return
		case name == "" || err != nil || info.IsDir():
			w.Header().Set("Cache-Control", "no-cache")
			r.URL.Path = "/"
		case strings.HasPrefix(name, "assets/"): // their names change with their content
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		files.ServeHTTP(w, r)
	})
}
