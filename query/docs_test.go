package query

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"plumbline.dev/plumbline/internal/golden"
)

const (
	docsFile  = "../docs/findings.md"
	docsBegin = "<!-- keys: made by go test ./query -update -->\n"
	docsEnd   = "<!-- end of keys -->\n"
)

// TestDocs holds the table of keys in the guide to the table of the language.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), docsBegin)
	_, after, ended := strings.Cut(rest, docsEnd)
	if !ok || !ended {
		t.Fatalf("%s lacks the marks of the table", docsFile)
	}
	var b strings.Builder
	b.WriteString("| key | asks for | values | example |\n|---|---|---|---|\n")
	for _, k := range Keys() {
		name := "`" + k.Name + "`"
		for _, a := range k.Aliases {
			name += ", `" + a + "`"
		}
		values := strings.Join(k.Values, ", ")
		fmt.Fprintf(&b, "| %s | %s | %s | `%s` |\n", name, k.Doc, values, k.Example)
	}
	golden.Equal(t, docsFile, []byte(before+docsBegin+b.String()+docsEnd+after))
}
