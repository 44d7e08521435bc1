package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"plumbline.dev/plumbline/internal/canary"
	"plumbline.dev/plumbline/seal"
)

// TestLog: forty canaries in every place of a log line that people put things into; none is to be read in either format.
func TestLog(t *testing.T) {
	type settings struct {
		Name     string
		Password string
		Nested   map[string]any
	}
	all := canary.All("log")
	for _, asJSON := range []bool{true, false} {
		for _, c := range all {
			var b bytes.Buffer
			log := NewLog(&b, asJSON, slog.LevelDebug)
			u, err := url.Parse("https://user:" + url.QueryEscape(c.Part) + "@example.com/?token=" + url.QueryEscape(c.Part))
			if err != nil {
				t.Fatal(err)
			}
			log.Info("fetch "+c.Text, "text", c.Text, "error", fmt.Errorf("fetch: %w", errors.New(c.Text)), "bytes", []byte(c.Text),
				"settings", settings{"a", c.Part, map[string]any{"text": c.Text, "token": c.Part}}, "list", []string{c.Text}, "at", u,
				"headers", http.Header{"Authorization": {c.Part}, "X-Github-Encoded-Secret": {c.Part}, "X-Api-Key": {c.Part}, "User-Agent": {"curl"}},
				"key", seal.NewKey(), slog.Group("in", "password", c.Part, "text", c.Text), slog.Group("credentials_of", slog.Group("cookie", "v", c.Part)))
			log.With("authorization", c.Part, "text", c.Text).WithGroup("g").Warn("x", "Cookie", c.Part, "valuer", valuer{c.Text})
			out := b.String()
			quoted, _ := json.Marshal(c.Part)
			for _, part := range []string{c.Part, strings.Trim(string(quoted), `"`), url.QueryEscape(c.Part), c.Part[len(c.Part)/2:]} {
				if strings.Contains(out, part) {
					t.Errorf("%s (JSON %v): %q is in\n%s", c.Kind, asJSON, part, out)
				}
			}
			if !strings.Contains(out, "curl") || strings.Count(out, "\n") != 2 {
				t.Errorf("%s: two lines with the agent are wanted:\n%s", c.Kind, out)
			}
		}
	}
}

type valuer struct{ s string }

func (v valuer) LogValue() slog.Value { return slog.StringValue(v.s) }

// TestLog_injection: a text with line breaks is one line.
func TestLog_injection(t *testing.T) {
	for _, asJSON := range []bool{true, false} {
		var b bytes.Buffer
		NewLog(&b, asJSON, slog.LevelInfo).Info("a\n{\"level\":\"ERROR\"}", "name", "b\nlevel=ERROR msg=forged", "long", strings.Repeat("x", 100_000))
		if strings.Count(b.String(), "\n") != 1 || b.Len() > 10_000 {
			t.Errorf("%d bytes: %.300q", b.Len(), b.String())
		}
	}
}
