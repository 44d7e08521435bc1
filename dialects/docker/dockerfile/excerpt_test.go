package dockerfile

import (
	"strings"
	"testing"
)

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("ä", maxExcerpt)
	tests := map[string]string{
		"apt":                            "apt",
		"apt-get update \\\n && apt-get": "apt-get update …",
		"a\r\nb":                         "a …",
		long:                             strings.Repeat("ä", maxExcerpt/2) + " …",
		"x" + long:                       "x" + strings.Repeat("ä", (maxExcerpt-1)/2) + " …",
	}
	for text, want := range tests {
		if got := excerpt(text); got != want {
			t.Errorf("excerpt of %q is %q, want %q", text, got, want)
		}
	}
}
