package trace

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline.dev/plumbline/internal/canary"
)

// collector is a fake of an OpenTelemetry collector.
type collector struct {
	sync.Mutex
	spans []otlpSpan
	raw   strings.Builder
	types []string
	fail  bool
	wait  chan struct{}
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.wait != nil {
		<-c.wait
	}
	c.Lock()
	defer c.Unlock()
	var q otlpRequest
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if r.URL.Path != "/v1/traces" || r.Method != http.MethodPost || c.fail || dec.Decode(&q) != nil {
		http.Error(w, "no", http.StatusServiceUnavailable)
		return
	}
	b, _ := json.Marshal(q)
	c.raw.Write(b)
	c.types = append(c.types, r.Header.Get("Content-Type"))
	for _, rs := range q.ResourceSpans {
		for _, s := range rs.ScopeSpans {
			c.spans = append(c.spans, s.Spans...)
		}
	}
}

func start(t *testing.T, c *collector, o Options) *Tracer {
	t.Helper()
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	o.Endpoint, o.Service, o.Version = srv.URL, "plumbline", "1"
	tr, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestTrace: a request, its job in another process and the child of that are one trace, with their durations and failures.
func TestTrace(t *testing.T) {
	var c collector
	now := time.Unix(1_800_000_000, 0)
	tr := start(t, &c, Options{Now: func() time.Time { now = now.Add(time.Millisecond); return now }, Every: time.Hour})
	ctx := Continue(With(context.Background(), tr), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	request, span := Start(ctx, "POST /api/scans", Server)
	span.Set("http.route", "/api/scans")
	handed := Parent(request)
	span.End(nil)

	job, jobSpan := Start(Continue(With(context.Background(), tr), handed), "scan", Consumer)
	_, child := Start(job, "child", Internal)
	secret := canary.All("trace")[0]
	child.Set("address", secret.Text)
	child.End(errors.New("killed: " + secret.Text))
	jobSpan.End(nil)
	tr.Stop(context.Background())

	if len(c.spans) != 3 {
		t.Fatalf("%d spans", len(c.spans))
	}
	byName := map[string]otlpSpan{}
	for _, s := range c.spans {
		byName[s.Name] = s
		if s.TraceID != "4bf92f3577b34da6a3ce929d0e0e4736" || len(s.SpanID) != 16 || s.Start >= s.End {
			t.Errorf("%+v", s)
		}
	}
	r, j, k := byName["POST /api/scans"], byName["scan"], byName["child"]
	if r.Parent != "00f067aa0ba902b7" || j.Parent != r.SpanID || k.Parent != j.SpanID {
		t.Errorf("parents: %q %q %q", r.Parent, j.Parent, k.Parent)
	}
	if r.Kind != Server || j.Kind != Consumer || r.Status.Code != 0 || k.Status.Code != 2 || r.Attributes[0].Value.Text != "/api/scans" {
		t.Errorf("%+v %+v %+v", r, j, k)
	}
	if strings.Contains(c.raw.String(), secret.Part) {
		t.Error("a secret was sent")
	}
	if c.types[0] != "application/json" {
		t.Error(c.types)
	}
}

func TestContinue(t *testing.T) {
	for _, bad := range []string{"", "x", "00-0-0-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", strings.Repeat("-", 1000)} {
		if got := Parent(Continue(context.Background(), bad)); got != "" {
			t.Errorf("%.80q gave %s", bad, got)
		}
	}
}

// TestTracer_gone: work does not wait for a collector that does not answer, and what is lost is counted.
func TestTracer_gone(t *testing.T) {
	c := collector{wait: make(chan struct{})}
	tr := start(t, &c, Options{Every: time.Millisecond})
	ctx := With(context.Background(), tr)
	began := time.Now()
	for range 3 * queued {
		_, s := Start(ctx, "x", Internal)
		s.End(nil)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("work waited: %v", d)
	}
	if tr.Dropped() == 0 {
		t.Error("nothing was dropped: the queue has no bound")
	}
	close(c.wait)
	tr.Stop(context.Background())
	if int64(len(c.spans))+tr.Dropped() != 3*queued {
		t.Errorf("%d spans and %d dropped of %d", len(c.spans), tr.Dropped(), 3*queued)
	}

	failing := collector{fail: true}
	problems := 0
	tr = start(t, &failing, Options{Every: time.Hour, Problem: func(error) { problems++ }})
	_, s := Start(With(context.Background(), tr), "x", Internal)
	s.End(nil)
	tr.Stop(context.Background())
	if problems != 1 || tr.Dropped() != 1 {
		t.Errorf("%d problems, %d dropped", problems, tr.Dropped())
	}
}

// TestOff: without a tracer nothing happens.
func TestOff(t *testing.T) {
	ctx, s := Start(With(context.Background(), nil), "x", Server)
	s.Set("a", "b")
	s.End(errors.New("x"))
	if Parent(ctx) != "" {
		t.Error("a trace without a tracer")
	}
	for _, address := range []string{"", "localhost:4318", "file:///x"} {
		if _, err := New(Options{Endpoint: address}); err == nil {
			t.Errorf("%q is no collector", address)
		}
	}
}
