package server

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"plumbline.dev/plumbline/seal"
)

// NewLog makes the log of a server: lines of JSON, or of text for people. What looks like a secret is hidden in every message and
// value, and what is named like one whatever it looks like; of HTTP headers only a few names pass.
func NewLog(w io.Writer, asJSON bool, level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: redacted}
	if asJSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// loggedHeaders are the headers of requests that may be logged. All others are credentials, or may become some: GitHub has sent
// the secret of webhooks in a header of a name that nobody knew.
var loggedHeaders = []string{"Accept", "Content-Length", "Content-Type", "Host", "Traceparent", "User-Agent", "X-Github-Delivery", "X-Github-Event", "X-Request-Id"}

// longest is how many bytes of one value are logged.
const longest = 8 << 10

// redacted is what the log shows of an attribute.
func redacted(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
		return a
	}
	if !(len(groups) == 0 && a.Key == slog.MessageKey) && seal.SecretName(a.Key) || slices.ContainsFunc(groups, seal.SecretName) {
		return slog.String(a.Key, seal.Hidden)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, shown(a.Value.String()))
	case slog.KindAny:
		return slog.String(a.Key, shown(text(a.Value.Any())))
	case slog.KindLogValuer:
		return redacted(groups, slog.Attr{Key: a.Key, Value: a.Value.Resolve()})
	default: // numbers, durations, times; groups come back member by member
		return a
	}
}

func shown(s string) string {
	s = seal.Redact(s)
	if len(s) > longest {
		s = s[:longest] + "… (cut)"
	}
	return s
}

// text is a value in words. Structs and maps are written as JSON: field names in front of values are what gives many secrets away,
// and what a type hides from JSON stays hidden.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case error:
		return v.Error()
	case http.Header:
		return headers(v)
	case *http.Request:
		return v.Method + " " + v.URL.Path
	case *url.URL:
		return v.Redacted()
	case []byte:
		return fmt.Sprintf("%d bytes", len(v))
	case fmt.Stringer:
		return v.String()
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("a %T", v)
	}
	return string(b)
}

func headers(h http.Header) string {
	var b strings.Builder
	for _, name := range loggedHeaders {
		if v := h.Get(name); v != "" {
			fmt.Fprintf(&b, "%s: %s; ", name, v)
		}
	}
	return strings.TrimSuffix(b.String(), "; ")
}
