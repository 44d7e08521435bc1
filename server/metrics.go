package server

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"plumbline.dev/plumbline/server/api"
	"plumbline.dev/plumbline/store"
	"plumbline.dev/plumbline/trace"
)

// metrics are the numbers of this process, and those of the database that all processes share. Names of repositories, people and
// organisations are in none of them.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	running  prometheus.Gauge
}

func newMetrics(o *Options) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "plumbline_http_requests_total", Help: "Requests that were answered."}, []string{"route", "method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "plumbline_http_request_seconds", Help: "How long answers took.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"route", "method"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{Name: "plumbline_http_requests_running", Help: "Requests that are being answered."}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "plumbline_build_info", Help: "1, with the version as a label.",
		ConstLabels: prometheus.Labels{"version": o.Version, "go": runtime.Version()}})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.seconds, m.running, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if o.Store != nil {
		m.registry.MustRegister(&databaseCollector{store: o.Store})
	}
	return m
}

// observe counts requests, logs those that failed, and makes a span of each.
func (s *Server) observe(mux *http.ServeMux, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		_, route := mux.Handler(r)
		if route == "" || route == "/" {
			route = "pages"
		}
		if _, path, ok := strings.Cut(route, " "); ok {
			route = path
		}
		method := r.Method
		if !knownMethods[method] {
			method = "other" // whoever invents methods must not invent time series
		}
		ctx, span := trace.Start(trace.Continue(trace.With(r.Context(), s.Tracer), r.Header.Get("Traceparent")), method+" "+route, trace.Server)
		rec := &recorder{ResponseWriter: w}
		s.metrics.running.Inc()
		defer func() {
			s.metrics.running.Dec()
			code := rec.code()
			s.metrics.requests.WithLabelValues(route, method, strconv.Itoa(code)).Inc()
			s.metrics.seconds.WithLabelValues(route, method).Observe(time.Since(began).Seconds())
			span.Set("http.route", route)
			span.Set("http.response.status_code", strconv.Itoa(code))
			span.Set("plumbline.request", w.Header().Get("X-Request-Id"))
			span.End(nil)
			switch {
			case code == api.ClientGone:
				s.Log.DebugContext(ctx, "nobody waited for the answer", "method", method, "route", route, "request", w.Header().Get("X-Request-Id"), "took", time.Since(began))
			case code >= 500:
				s.Log.WarnContext(ctx, "answered with an error", "method", method, "route", route, "code", code, "request", w.Header().Get("X-Request-Id"), "took", time.Since(began))
			}
		}()
		next.ServeHTTP(rec, r.WithContext(ctx))
	})
}

var knownMethods = map[string]bool{http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true, http.MethodPatch: true, http.MethodDelete: true, http.MethodOptions: true}

// recorder remembers the status of an answer. It lets streams through: http.ResponseController finds what it wraps.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the first status that is not an interim one. One that comes after it, as of an error in the middle of a stream, is
// too late and is left out.
func (r *recorder) WriteHeader(status int) {
	if r.status != 0 {
		return
	}
	if status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write writes of the body; the status is 200 then, if nobody said another one.
func (r *recorder) Write(p []byte) (int, error) {
	r.status = cmp.Or(r.status, http.StatusOK)
	return r.ResponseWriter.Write(p)
}

// Flush sends what was written so far.
func (r *recorder) Flush() {
	r.status = cmp.Or(r.status, http.StatusOK)
	_ = http.NewResponseController(r.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

// serveMetrics answers those who may know: a scraper on this machine, or one with the token.
func (s *Server) serveMetrics() http.Handler {
	h := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 2, Timeout: 20 * time.Second})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.mayWatch(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="metrics"`)
			http.Error(w, "The metrics are for this machine and for those who have the token of --metrics-token-file.", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// mayWatch reports whether a request may see how the server is doing. A request that a proxy on this machine passed on is not of
// this machine.
func (s *Server) mayWatch(r *http.Request) bool {
	if token, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); isBearer {
		got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.MetricsToken))
		return s.MetricsToken != "" && subtle.ConstantTimeCompare(got[:], want[:]) == 1
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// databaseCollector asks the database, at most each half minute however many scrapers there are.
type databaseCollector struct {
	store *store.Store
	mu    sync.Mutex
	at    time.Time
	last  store.Gauges
	err   error
}

const gaugesFor = 30 * time.Second

var severities = []string{"", "info", "low", "medium", "high", "critical"}

func describeGauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("plumbline_"+name, help, labels, nil)
}

var (
	jobsDesc     = describeGauge("jobs", "Jobs in the queue.", "kind", "state")
	oldestDesc   = describeGauge("jobs_oldest_seconds", "How long the oldest job that could run has waited: when it grows, more workers are needed.", "kind")
	scansDesc    = describeGauge("scans_total", "Scans since the beginning.", "kind", "state")
	commitsDesc  = describeGauge("scan_commits_total", "Commits that were scanned.", "kind", "state")
	scanSecDesc  = describeGauge("scan_seconds_total", "Time that scans took.", "kind", "state")
	findingsDesc = describeGauge("findings", "Findings.", "severity", "status")
	auditDesc    = describeGauge("audit_records", "Records of the audit log.")
	behindDesc   = describeGauge("audit_witness_behind", "Records of the audit log that a witness has not seen.", "witness")
	bytesDesc    = describeGauge("database_bytes", "Size of the database.")
	processDesc  = describeGauge("processes", "Processes that work on this database.", "kind")
	connsDesc    = describeGauge("database_connections", "Connections to the database.", "pool", "state")
	waitsDesc    = describeGauge("database_waits_total", "Times that a connection had to be waited for.", "pool")
	upDesc       = describeGauge("database_up", "Whether the database could be asked.")
)

// Describe is for Prometheus: what there is depends on the database.
func (c *databaseCollector) Describe(ch chan<- *prometheus.Desc) { ch <- upDesc }

// Collect is for Prometheus.
func (c *databaseCollector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.at) > gaugesFor {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		c.last, c.err = c.store.Gauges(ctx)
		c.at = now
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	pool := func(name string, st sql.DBStats) {
		gauge(connsDesc, float64(st.InUse), name, "used")
		gauge(connsDesc, float64(st.Idle), name, "idle")
		counter(waitsDesc, float64(st.WaitCount), name)
	}
	pool("main", c.store.DB.Stats())
	if c.store.Queue != nil {
		pool("writer", c.store.Queue.Stats())
	}
	if c.err != nil {
		gauge(upDesc, 0)
		return
	}
	gauge(upDesc, 1)
	g := c.last
	oldest := map[string]float64{}
	for _, j := range g.Jobs {
		gauge(jobsDesc, float64(j.Count), j.Kind, j.State)
		oldest[j.Kind] = max(oldest[j.Kind], j.Oldest)
	}
	for kind, seconds := range oldest {
		gauge(oldestDesc, seconds, kind)
	}
	for _, s := range g.Scans {
		counter(scansDesc, float64(s.Count), s.Kind, s.State)
		counter(commitsDesc, float64(s.Commits), s.Kind, s.State)
		counter(scanSecDesc, s.Seconds, s.Kind, s.State)
	}
	for _, f := range g.Findings {
		if f.Severity >= 1 && int(f.Severity) < len(severities) {
			gauge(findingsDesc, float64(f.Count), severities[f.Severity], f.Status)
		}
	}
	for _, w := range g.Witness {
		gauge(behindDesc, float64(w.Behind), w.Name)
	}
	for _, p := range g.Workers {
		gauge(processDesc, float64(p.Count), p.Kind)
	}
	gauge(auditDesc, float64(g.Audit))
	gauge(bytesDesc, float64(g.Bytes))
}
