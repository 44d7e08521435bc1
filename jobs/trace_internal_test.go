package jobs

import (
	"context"
	"testing"

	"plumbline.dev/plumbline/trace"
)

// TestTraced: a job continues the trace that asked for it, and one without a trace begins its own.
func TestTraced(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	if got := askedBy(traceOf(trace.Continue(context.Background(), parent))); got != parent {
		t.Errorf("%q", got)
	}
	if got := traceOf(context.Background()); got != nil {
		t.Errorf("%s", got)
	}
	for _, bad := range []string{"", "x", "[]", "{}"} {
		if got := askedBy([]byte(bad)); got != "" {
			t.Errorf("%q gave %q", bad, got)
		}
	}
}
