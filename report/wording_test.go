package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "grüße 世界 🙂": "grüße 世界 🙂", "a\tb\nc": "a b c", "a\r\nb": "a b", "a\rb": `a\u{d}b`,
		"\x1b[31m": `\u{1b}[31m`, "\u009b": `\u{9b}`, "\u202e": `\u{202e}`, "\u200b": `\u{200b}`, "\u2028": `\u{2028}`, "\xff": `\xff`, "�": "�",
	} {
		if got := Visible(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := visibleLines("a\tb\r\n\x1b"); got != "a    b\n"+`\u{1b}` {
		t.Errorf("%q", got)
	}
}

func TestColumns(t *testing.T) {
	for in, want := range map[string]int{"": 0, "abc": 3, "grüße": 5, "世界": 4, "e\u0301": 1, "🙂": 2} {
		if got := columns(in); got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{{"abcdef", 6, "abcdef"}, {"abcdef", 5, "abcd…"}, {"世界世界", 5, "世界…"}, {"abc", 1, "…"}} {
		if got := cut(c.in, c.n); got != c.want {
			t.Errorf("%q to %d: %q, want %q", c.in, c.n, got, c.want)
		}
	}
	if d := cmp.Diff([]string{"aa bb", "cccccccc", "d"}, wrap(" aa bb\ncccccccc d", 5)); d != "" {
		t.Error(d)
	}
}

func TestDeclared(t *testing.T) {
	for in, want := range map[string]string{
		"aws_s3_bucket.a":                                     "aws_s3_bucket.a",
		"aws_s3_bucket.a[0]":                                  "aws_s3_bucket.a",
		`module.web["a.b"].aws_instance.this["x].y"]`:         "aws_instance.this",
		"module.a.module.b[1].data.aws_iam_policy_document.c": "data.aws_iam_policy_document.c",
		"module.a": "module.a", "var.x": "var.x", "Deployment/default/web": "Deployment/default/web", "": "",
		`a["\"].b"].c`: `a["\"].b"].c`,
	} {
		if got := declared(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// shown writes an excerpt as the markdown format does.
func shown(text string, start, end, width int) string {
	f := &source.File{Path: "a", Bytes: []byte(text)}
	at := finding.Location{Range: source.Range{File: "a", Start: start, End: end}, From: f.Position(start), To: f.Position(end)}
	return excerptText(excerpt(f, &finding.Finding{Location: at}, width))
}

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("x", 300) + "MARK" + strings.Repeat("y", 300)
	for _, c := range []struct {
		name, text        string
		start, end, width int
		want              string
	}{
		{"one line", "a\nb = 1\nc\n", 6, 7, 80, "   1 │ a\n   2 │ b = 1\n     │     ^\n   3 │ c"},
		{"first and only", "b = 1", 0, 1, 80, "   1 │ b = 1\n     │ ^"},
		{"nothing between characters", "ab", 1, 1, 80, "   1 │ ab\n     │  ^"},
		{"the end of the file", "a\n", 2, 2, 80, "   1 │ a\n   2 │\n     │ ^"},
		{"tabs", "\tb = 1\r\n", 5, 6, 80, "   1 │     b = 1\n     │         ^"},
		{"wide characters", "世 = 界", 6, 9, 80, "   1 │ 世 = 界\n     │      ^^"},
		{"escapes", "a\x1bb = 1", 3, 4, 80, "   1 │ a\\u{1b}b = 1\n     │         ^"},
		{"a block", "x\na {\n1\n2\n3\n4\n5\n}\n", 2, 17, 80, "   2 │ a {\n     │ ^^^\n   3 │ 1\n   4 │ 2\n   5 │ 3\n     …\n   8 │ }"},
		{"a block that fits", "a {\n1\n2\n3\n}\nx\n", 0, 11, 80, "   1 │ a {\n     │ ^^^\n   2 │ 1\n   3 │ 2\n   4 │ 3\n   5 │ }"},
		{"a line with its end", "a\nb\nc\n", 2, 4, 80, "   1 │ a\n   2 │ b\n     │ ^\n   3 │ c"},
		{"a long line", long, 300, 304, 40, "   1 │ …xxxxxxxxxxxxxMARKyyyyyyyyyyyyyyyyyyyyy…\n     │               ^^^^"},
		{"a long mark", long, 0, 604, 10, "   1 │ xxxxxxxxx…\n     │ ^^^^^^^^^^"},
		{"outside", "a", 5, 9, 80, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, shown(c.text, c.start, c.end, c.width)); d != "" {
				t.Error(d)
			}
		})
	}
}

// A broken place must not take the report with it, and no line may be wider than asked for.
func FuzzExcerpt(f *testing.F) {
	f.Add("a\nb = 1\n", 3, 4, 20)
	f.Add("00\r", 3, 3, 20)
	f.Add("世界\xff\t\x1b", 1, 7, 10)
	f.Fuzz(func(t *testing.T, text string, start, end, width int) {
		file := &source.File{Path: "a", Bytes: []byte(text)}
		at := finding.Location{Range: source.Range{File: "a", Start: start, End: end}, From: source.Position{Line: 1, Column: 1}}
		width = 8 + max(0, width)%200
		for _, l := range excerpt(file, &finding.Finding{Location: at, Secret: start%2 == 0}, width) {
			if n := columns(l.before + l.mark + l.after); n > width+2 {
				t.Errorf("%d columns: %+v", n, l)
			}
		}
	})
}

func TestProse(t *testing.T) {
	const text = "# Title\n\nFirst **strong** `code` and a\n[link](http://x).\n\n```sh\nrun `x`\n\n# not a heading\n```\n\n- one\n  more\n- `two`\n\nodd ` tick"
	if d := cmp.Diff("First strong `code` and a link.", firstParagraph(text)); d != "" {
		t.Error(d)
	}
	want := []htmlProse{
		{Items: [][]htmlSpan{{{Text: "Title"}}}},
		{Items: [][]htmlSpan{{{Text: "First strong "}, {Text: "code", Code: true}, {Text: " and a link."}}}},
		{Kind: "code", Text: "run `x`\n\n# not a heading"},
		{Kind: "list", Items: [][]htmlSpan{{{Text: "one more"}}, {{Text: "two", Code: true}}}},
		{Items: [][]htmlSpan{{{Text: "odd "}, {Text: "` tick"}}}},
	}
	if d := cmp.Diff(want, proseOf(text)); d != "" {
		t.Error(d)
	}
}

func TestCell(t *testing.T) {
	for in, want := range map[string]string{"a": "a", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x", " =1": "' =1", "\t=1": "' =1", "\r=1": `\u{d}=1`, "a=1": "a=1", "": ""} {
		if got := Cell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestWaits(t *testing.T) {
	at := func(file string) finding.Location { return finding.Location{Range: source.Range{File: file, End: 1}} }
	v := func(rule, unit string, ws ...finding.Wait) finding.Finding {
		return finding.Finding{Rule: rule, Resource: finding.Resource{Unit: unit}, Waits: ws}
	}
	a, b := finding.Wait{Name: "var.a", Kind: "variable", Location: at("a.tf")}, finding.Wait{Name: "var.a", Kind: "variable", Location: at("b.tf")}
	d, m := finding.Wait{Name: "data.d", Kind: "data"}, finding.Wait{Name: "module.m", Kind: "module"}
	var got []string
	for _, w := range waits([]finding.Finding{v("r1", ".", d), v("r1", ".", a, a), v("r2", ".", a), v("r1", ".", b), v("r1", ".", d, a), v("r1", ".", a, d), v("r1", "other", d), v("r1", ".", m), v("r1", "."), v("r1", "."), v("r2", ".")}) {
		got = append(got, w.sentence(func(w finding.Wait) string { return w.Name + "@" + w.Location.File }))
	}
	want := []string{
		"set var.a@a.tf to decide 2 verdicts of 2 rules",
		"data.d@ and var.a@a.tf, known only later, would decide 2 verdicts of 1 rule",
		"r1@ on @ and 1 more: what would decide it has no name",
		"data.d@, known only later, would decide 1 verdict of 1 rule",
		"set var.a@b.tf to decide 1 verdict of 1 rule",
		"data.d@, known only later, would decide 1 verdict of 1 rule",
		"make module.m@ available to decide 1 verdict of 1 rule",
		"r2@ on @: what would decide it has no name",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
