package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"plumbline.dev/plumbline/seal"
)

// Options says where spans go.
type Options struct {
	Endpoint string // of a collector, as OTEL_EXPORTER_OTLP_ENDPOINT has it: http://localhost:4318; /v1/traces is added
	Service  string // name of the process: plumbline
	Version  string
	Client   *http.Client     // nil is one with a limit of ten seconds
	Now      func() time.Time // nil is time.Now
	Every    time.Duration    // between exports; 0 is five seconds
	Problem  func(error)      // called when an export fails, from one goroutine; may be nil
}

// Tracer collects spans and exports them in batches. It never makes work wait: when the collector is slow or gone, spans are
// dropped and counted.
type Tracer struct {
	o       Options
	address string
	queue   chan *Span
	dropped atomic.Int64
	stop    chan struct{}
	stopped chan struct{}
}

const (
	queued  = 4096 // spans that wait at most
	batch   = 512  // spans of one export at most
	patient = 10 * time.Second
)

// New makes a Tracer and starts to export. Stop it.
func New(o Options) (*Tracer, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the address of a collector: write http://localhost:4318", o.Endpoint)
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: patient, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Every == 0 {
		o.Every = 5 * time.Second
	}
	t := &Tracer{o: o, address: u.JoinPath("v1", "traces").String(), queue: make(chan *Span, queued), stop: make(chan struct{}), stopped: make(chan struct{})}
	go t.run()
	return t, nil
}

func (t *Tracer) now() time.Time { return t.o.Now() }

// Dropped is how many spans were lost.
func (t *Tracer) Dropped() int64 { return t.dropped.Load() }

func (t *Tracer) take(s *Span) {
	select {
	case t.queue <- s:
	default:
		t.dropped.Add(1)
	}
}

// Stop exports what waits, for as long as the context allows. Spans that end later are dropped.
func (t *Tracer) Stop(ctx context.Context) {
	close(t.stop)
	select {
	case <-t.stopped:
	case <-ctx.Done():
	}
}

func (t *Tracer) run() {
	defer close(t.stopped)
	tick := time.NewTicker(t.o.Every)
	defer tick.Stop()
	var waiting []*Span
	send := func() {
		if len(waiting) == 0 {
			return
		}
		if err := t.export(waiting); err != nil {
			t.dropped.Add(int64(len(waiting)))
			if t.o.Problem != nil {
				t.o.Problem(err)
			}
		}
		waiting = waiting[:0]
	}
	for {
		select {
		case s := <-t.queue:
			if waiting = append(waiting, s); len(waiting) >= batch {
				send()
			}
		case <-tick.C:
			send()
		case <-t.stop:
			for {
				select {
				case s := <-t.queue:
					if waiting = append(waiting, s); len(waiting) >= batch {
						send()
					}
					continue
				default:
				}
				send()
				return
			}
		}
	}
}

// export sends a batch.
func (t *Tracer) export(spans []*Span) error {
	body, err := json.Marshal(t.request(spans))
	if err != nil {
		return fmt.Errorf("write spans: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("send spans: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := t.o.Client.Do(r)
	if err != nil {
		return fmt.Errorf("send spans: %w", err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)); err != nil {
		return fmt.Errorf("send spans: %w", err)
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("send spans: the collector answered %s", answer.Status)
	}
	return nil
}

// The shapes of OTLP in JSON (https://opentelemetry.io/docs/specs/otlp/): identities are hexadecimal, times are decimal texts of
// nanoseconds.
type (
	otlpRequest struct {
		ResourceSpans []otlpResource `json:"resourceSpans"`
	}
	otlpResource struct {
		Resource struct {
			Attributes []otlpField `json:"attributes"`
		} `json:"resource"`
		ScopeSpans []otlpScope `json:"scopeSpans"`
	}
	otlpScope struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Spans []otlpSpan `json:"spans"`
	}
	otlpSpan struct {
		TraceID    string      `json:"traceId"`
		SpanID     string      `json:"spanId"`
		Parent     string      `json:"parentSpanId,omitempty"`
		Name       string      `json:"name"`
		Kind       Kind        `json:"kind"`
		Start      string      `json:"startTimeUnixNano"`
		End        string      `json:"endTimeUnixNano"`
		Attributes []otlpField `json:"attributes,omitempty"`
		Status     otlpStatus  `json:"status"`
	}
	otlpStatus struct {
		Code    int    `json:"code,omitempty"` // 2 is an error
		Message string `json:"message,omitempty"`
	}
	otlpField struct {
		Key   string `json:"key"`
		Value struct {
			Text string `json:"stringValue"`
		} `json:"value"`
	}
)

func field(key, value string) otlpField {
	f := otlpField{Key: key}
	f.Value.Text = seal.Redact(value)
	return f
}

func (t *Tracer) request(spans []*Span) otlpRequest {
	var r otlpResource
	r.Resource.Attributes = []otlpField{field("service.name", t.o.Service), field("service.version", t.o.Version)}
	var scope otlpScope
	scope.Scope.Name = "plumbline.dev/plumbline"
	for _, s := range spans {
		o := otlpSpan{TraceID: s.Trace, SpanID: s.ID.Span, Parent: s.Parent, Name: seal.Redact(s.Name), Kind: s.Kind,
			Start: strconv.FormatInt(s.Began.UnixNano(), 10), End: strconv.FormatInt(s.Ended.UnixNano(), 10)}
		for k, v := range s.Fields {
			o.Attributes = append(o.Attributes, field(k, v))
		}
		if s.Failed != "" {
			o.Status = otlpStatus{Code: 2, Message: seal.Redact(s.Failed)}
		}
		scope.Spans = append(scope.Spans, o)
	}
	r.ScopeSpans = []otlpScope{scope}
	return otlpRequest{[]otlpResource{r}}
}
