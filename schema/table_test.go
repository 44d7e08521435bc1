package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTableRows looks up keys that are there and keys between, before and after them, in tables whose lines differ much in length.
func TestTableRows(t *testing.T) {
	for n := range 9 {
		var text strings.Builder
		text.WriteString("#remark\n")
		want := map[string][]string{}
		for i := range n {
			key := fmt.Sprintf("k%02d", 2*i+1)
			for j := range i%3 + 1 {
				rest := strings.Repeat("x", (i*37+j)%90)
				text.WriteString(key + "\t" + rest + "\n")
				want[key] = append(want[key], rest)
			}
		}
		for i := range 2*n + 2 {
			key := fmt.Sprintf("k%02d", i)
			var got []string
			for k, rest := range table(text.String()).rows(key) {
				if k != key {
					t.Errorf("%d keys: rows of %s yields %s", n, key, k)
				}
				got = append(got, rest)
			}
			if diff := cmp.Diff(want[key], got); diff != "" {
				t.Errorf("%d keys: rows of %s: %s", n, key, diff)
			}
		}
		count := 0
		for range table(text.String()).all() {
			count++
		}
		if lines := strings.Count(text.String(), "\n") - 1; count != lines {
			t.Errorf("%d keys: all yields %d of %d lines", n, count, lines)
		}
	}
}
