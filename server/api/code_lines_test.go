package api

import (
	"strings"
	"testing"
)

// TestShownLines holds that a file is shown without what the lines around a line say to be secret, and that no line is lost.
func TestShownLines(t *testing.T) {
	const text = "env:\n  - name: DB_PASSWORD\r\n    value: hunter2hunter\n  - name: REGION\n    value: shown\n"
	got := shownLines(text, nil)
	if all := strings.Join(got, "\n"); len(got) != 5 || strings.Contains(all, "hunter2") || !strings.Contains(all, "shown") {
		t.Errorf("%q", got)
	}
}
