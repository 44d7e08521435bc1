package report

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

func edit(start, end int, text string) finding.Edit {
	return finding.Edit{Location: finding.Location{Range: source.Range{File: "a.tf", Start: start, End: end}}, Text: text}
}

func TestDiff(t *testing.T) {
	const ten = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"
	for _, c := range []struct {
		name, text string
		edits      []finding.Edit
		context    int
		want       string
	}{
		{"nothing", ten, nil, 3, ""},
		{"same text", ten, []finding.Edit{edit(0, 1, "1")}, 3, ""},
		{"one line", ten, []finding.Edit{edit(8, 9, "five")}, 1, "--- a/a.tf\n+++ b/a.tf\n@@ -4,3 +4,3 @@\n 4\n-5\n+five\n 6\n"},
		{"insert", ten, []finding.Edit{edit(4, 4, "new\n")}, 0, "--- a/a.tf\n+++ b/a.tf\n@@ -2,0 +3 @@\n+new\n"},
		{"delete", ten, []finding.Edit{edit(4, 6, "")}, 0, "--- a/a.tf\n+++ b/a.tf\n@@ -3 +2,0 @@\n-3\n"},
		{"two hunks", ten, []finding.Edit{edit(18, 20, "X"), edit(0, 1, "x")}, 1, "--- a/a.tf\n+++ b/a.tf\n@@ -1,2 +1,2 @@\n-1\n+x\n 2\n@@ -9,2 +9,2 @@\n 9\n-10\n+X\n"},
		{"near ones share a hunk", ten, []finding.Edit{edit(0, 1, "x"), edit(6, 7, "y")}, 1, "--- a/a.tf\n+++ b/a.tf\n@@ -1,5 +1,5 @@\n-1\n+x\n 2\n 3\n-4\n+y\n 5\n"},
		{"no line end", "a\nb", []finding.Edit{edit(3, 3, "c\n")}, 1, "--- a/a.tf\n+++ b/a.tf\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+bc\n"},
		{"into nothing", "", []finding.Edit{edit(0, 0, "a\n")}, 3, "--- a/a.tf\n+++ b/a.tf\n@@ -0,0 +1 @@\n+a\n"},
		{"only what differs", "a\nb\nc\n", []finding.Edit{edit(0, 6, "a\nB\nc\n")}, 0, "--- a/a.tf\n+++ b/a.tf\n@@ -2 +2 @@\n-b\n+B\n"},
		{"overlap", ten, []finding.Edit{edit(0, 4, "x"), edit(2, 6, "y")}, 1, ""},
		{"outside", ten, []finding.Edit{edit(0, 400, "x")}, 1, ""},
		{"another file", ten, []finding.Edit{{Location: finding.Location{Range: source.Range{File: "b.tf", End: 1}}}}, 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Diff(&source.File{Path: "a.tf", Bytes: []byte(c.text)}, c.edits, c.context, false)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	if Diff(nil, []finding.Edit{edit(0, 0, "x")}, 3, false) != "" {
		t.Error("no file, no diff")
	}
}

// A diff applied strictly, with every line of context and every number checked, is what the edits make.
func TestDiff_applies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"a\n", "b\n", "b\n", "\n", "  c = 1\n", "x", "y\r\n"}
	text := func(n int) string {
		var b strings.Builder
		for range random.IntN(n) {
			b.WriteString(words[random.IntN(len(words))])
		}
		return b.String()
	}
	for i := range 5000 {
		old := text(30)
		var edits []finding.Edit
		for at := random.IntN(8); at <= len(old) && len(edits) < 4; at += 1 + random.IntN(12) {
			end := min(len(old), at+random.IntN(6))
			edits = append(edits, edit(at, end, text(4)))
			at = end
		}
		var plain []source.Edit
		for _, e := range edits {
			plain = append(plain, source.Edit{Range: e.Location.Range, Text: e.Text})
		}
		want, err := source.Apply([]byte(old), plain)
		if err != nil {
			t.Fatal(err)
		}
		diff := Diff(&source.File{Path: "a.tf", Bytes: []byte(old)}, edits, i%4, false)
		got, err := patch(old, diff)
		if err != nil || got != string(want) {
			t.Fatalf("%d: %v\nold %q\nnew %q\ngot %q\n%s", i, err, old, want, got, diff)
		}
	}
}

// patch applies a unified diff of one file and is strict.
func patch(old, diff string) (string, error) {
	lines := splitLines(old)
	var out []string
	at := 0
	rest := splitLines(diff)
	if len(rest) >= 2 {
		rest = rest[2:]
	}
	for len(rest) > 0 {
		var spans [2][2]int
		for i, s := range strings.Fields(strings.Trim(rest[0], "@ \n")) {
			start, n, ok := strings.Cut(s[1:], ",")
			spans[i][0], _ = strconv.Atoi(start)
			spans[i][1] = 1
			if ok {
				spans[i][1], _ = strconv.Atoi(n)
			}
			if spans[i][1] > 0 {
				spans[i][0]--
			}
		}
		rest = rest[1:]
		if spans[0][0] < at {
			return "", fmt.Errorf("hunk at %d, but %d is done", spans[0][0], at)
		}
		out = append(out, lines[at:spans[0][0]]...)
		at = spans[0][0]
		if len(out) != spans[1][0] {
			return "", fmt.Errorf("new line %d, the hunk says %d", len(out), spans[1][0])
		}
		removed, added := 0, 0
		for len(rest) > 0 && !strings.HasPrefix(rest[0], "@@") {
			op, l := rest[0][0], rest[0][1:]
			rest = rest[1:]
			if len(rest) > 0 && strings.HasPrefix(rest[0], "\\") {
				l = strings.TrimSuffix(l, "\n")
				rest = rest[1:]
			}
			if op != '+' {
				if at >= len(lines) || lines[at] != l {
					return "", fmt.Errorf("line %d is not %q", at+1, l)
				}
				at++
				removed++
			}
			if op != '-' {
				out = append(out, l)
				added++
			}
		}
		if removed != spans[0][1] || added != spans[1][1] {
			return "", fmt.Errorf("%d and %d lines, the hunk says %v", removed, added, spans)
		}
	}
	return strings.Join(append(out, lines[at:]...), ""), nil
}

func TestDiffForTerminal(t *testing.T) {
	const diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old \x1b[2J\n+new\n same\n"
	if d := cmp.Diff("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old \\u{1b}[2J\n+new\n same\n", DiffForTerminal(diff, false)); d != "" {
		t.Error(d)
	}
	want := "\x1b[1m--- a/x\x1b[0m\n\x1b[1m+++ b/x\x1b[0m\n\x1b[2m@@ -1 +1 @@\x1b[0m\n\x1b[31m-old \\u{1b}[2J\x1b[0m\n\x1b[32m+new\x1b[0m\n same\n"
	if d := cmp.Diff(want, DiffForTerminal(diff, true)); d != "" {
		t.Error(d)
	}
	if got := DiffForTerminal("", true); got != "" {
		t.Errorf("nothing became %q", got)
	}
}

func TestDiffName(t *testing.T) {
	for path, want := range map[string]string{"a.tf": "a/a.tf", "a b.tf": "a/a b.tf\t", "a\nb\".tf": `"a/a\012b\".tf"`} {
		if got := diffName("a/", path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}
