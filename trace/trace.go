// Package trace follows work through the program: a request, the jobs that it started, the scans that they ran. Spans are exported
// as OpenTelemetry's OTLP over HTTP in JSON; traces continue across processes by W3C's traceparent.
//
// It is the small part of OpenTelemetry that is needed here. The official exporter would make the program a third larger.
// Without a Tracer in the context everything here does nothing and costs nothing.
package trace

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"
)

// ID is the identity of a trace (16 bytes) and of a span in it (8 bytes), in hexadecimal digits.
type ID struct{ Trace, Span string }

// Span is one piece of work.
type Span struct {
	ID
	Parent string // span; empty for the first of a trace
	Name   string
	Kind   Kind
	Began  time.Time
	Ended  time.Time
	Fields map[string]string // never a secret
	Failed string            // why it failed; empty when it did not

	tracer *Tracer
}

// Kind is what a span is in OpenTelemetry's words.
type Kind int

// The kinds.
const (
	Internal Kind = 1
	Server   Kind = 2 // answers a request
	Consumer Kind = 5 // works on a job
)

type spanKey struct{}

type tracerKey struct{}

// With returns a context in which spans are recorded.
func With(ctx context.Context, t *Tracer) context.Context {
	if t == nil {
		return ctx
	}
	return context.WithValue(ctx, tracerKey{}, t)
}

// Start begins a span under the one of the context. End it, also when it is nil.
func Start(ctx context.Context, name string, kind Kind) (context.Context, *Span) {
	t, _ := ctx.Value(tracerKey{}).(*Tracer)
	if t == nil {
		return ctx, nil
	}
	s := &Span{Name: name, Kind: kind, Began: t.now(), Fields: map[string]string{}, tracer: t}
	if parent, ok := ctx.Value(spanKey{}).(ID); ok {
		s.Trace, s.Parent = parent.Trace, parent.Span
	} else {
		s.Trace = random(16)
	}
	s.ID.Span = random(8)
	return context.WithValue(ctx, spanKey{}, s.ID), s
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// Set notes something about the work.
func (s *Span) Set(key, value string) {
	if s != nil {
		s.Fields[key] = value
	}
}

// End ends the span; an error says that the work failed. It is called once.
func (s *Span) End(err error) {
	if s == nil {
		return
	}
	if err != nil {
		s.Failed = err.Error()
	}
	s.Ended = s.tracer.now()
	s.tracer.take(s)
}

// Parent returns the traceparent of the context, to be handed to a job, a child or a request; empty outside of a trace.
func Parent(ctx context.Context) string {
	id, ok := ctx.Value(spanKey{}).(ID)
	if !ok {
		return ""
	}
	return "00-" + id.Trace + "-" + id.Span + "-01"
}

// Continue returns a context whose spans belong to the trace of a traceparent; one that is not right is ignored.
func Continue(ctx context.Context, traceparent string) context.Context {
	p := strings.Split(traceparent, "-")
	if len(p) < 4 || len(p[0]) != 2 || p[0] == "ff" || p[0] == "00" && len(p) != 4 || !isID(p[1], 32) || !isID(p[2], 16) || len(p[3]) != 2 {
		return ctx
	}
	return context.WithValue(ctx, spanKey{}, ID{p[1], p[2]})
}

// isID reports whether a text is so many lower-case hexadecimal digits, not all of them zero.
func isID(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == "" && strings.Trim(s, "0") != ""
}
