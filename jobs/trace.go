package jobs

import (
	"context"
	"encoding/json"

	"plumbline.dev/plumbline/trace"
)

// traced is what a job's metadata says of the trace that asked for it. It is no argument of the job: two requests for the same
// work are one job, whatever their traces.
type traced struct {
	Parent string `json:"traceparent"`
}

// traceOf is the metadata of a job that is asked for in a context; nil outside of a trace.
func traceOf(ctx context.Context) []byte {
	parent := trace.Parent(ctx)
	if parent == "" {
		return nil
	}
	text, err := json.Marshal(traced{parent})
	if err != nil {
		return nil // a job without its trace is better than none
	}
	return text
}

// askedBy reads what traceOf wrote.
func askedBy(metadata []byte) string {
	var t traced
	if json.Unmarshal(metadata, &t) != nil {
		return ""
	}
	return t.Parent
}
