package document

import (
	"strings"
	"testing"
	"time"
)

// TestParse_large holds that the time grows with the size and no faster: each of these took minutes where something looked at
// the whole file once for each value.
func TestParse_large(t *testing.T) {
	const n = 75_000
	for name, text := range map[string]string{
		"values on one line":    "{a: [" + strings.Repeat("x, ", 2*n) + "]}",
		"wide signs on a line":  "{a: [" + strings.Repeat("é, ", n) + "]}",
		"documents":             strings.Repeat("---\na: 1\n", n/3),
		"comments":              "a: 1\n" + strings.Repeat("# c\n", n),
		"comments behind":       "a: [\n" + strings.Repeat("1, # c\n", n) + "]\n",
		"a mistake at the end":  strings.Repeat("- v\n", n) + "- [\n",
		"spaces in a text":      "a: b" + strings.Repeat(" ", 10*n) + "c",
		"line ends in a text":   "a: b\n" + strings.Repeat("\n", n) + "  c\n",
		"lines of a literal":    "a: |\n" + strings.Repeat("  x\n", n),
		"lines of a plain text": "a:\n" + strings.Repeat("  x\n", n),
		"brackets with comment": strings.Repeat("- [\n  1\n  ] # c\n", n/5),
	} {
		start := time.Now()
		d, _ := parse("f.yaml", text)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: %d bytes take %s", name, len(text), took)
		}
		if name != "a mistake at the end" && len(d.Roots) == 0 {
			t.Errorf("%s: nothing was read", name)
		}
	}
}
