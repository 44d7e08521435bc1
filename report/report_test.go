package report

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	stdhtml "html"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	gmhtml "github.com/yuin/goldmark/renderer/html"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/internal/golden"
	"plumbline.dev/plumbline/source"
)

func TestMain(m *testing.M) { os.Exit(golden.Run(m, "testdata/golden")) }

func TestGolden(t *testing.T) {
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			golden.Equal(t, "testdata/golden/"+f.Name, []byte(written(t, f.Name, sampleInput(t))))
		})
	}
	t.Run("text narrow in colour", func(t *testing.T) {
		in := sampleInput(t)
		in.Width, in.Colour = 60, true
		golden.Equal(t, "testdata/golden/text-narrow-colour", []byte(written(t, "text", in)))
	})
	t.Run("text without files", func(t *testing.T) {
		in := sampleInput(t)
		in.Files = nil
		golden.Equal(t, "testdata/golden/text-without-files", []byte(written(t, "text", in)))
	})
}

func TestEmpty(t *testing.T) {
	clean := &finding.Report{Coverage: finding.Coverage{Files: 4, Units: 1, Resources: 7, Rules: 5, Verdicts: map[string]int{"pass": 20}}}
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			golden.Equal(t, "testdata/golden/empty-"+f.Name, []byte(written(t, f.Name, Input{Report: clean})))
		})
	}
}

// Errors never look like success: these reports have no findings and must not read as clean.
func TestNoFindings(t *testing.T) {
	problem := finding.Problem{Kind: source.Invalid, Location: whole("a.tf"), Message: "bad"}
	for _, c := range []struct {
		name   string
		report finding.Report
		want   string
	}{
		{"clean", finding.Report{Coverage: finding.Coverage{Files: 1}}, "No findings."},
		{"nothing there", finding.Report{}, "Nothing was scanned"},
		{"incomplete", finding.Report{Coverage: finding.Coverage{Files: 1}, Problems: []finding.Problem{problem}}, "the scan is incomplete"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := written(t, "text", Input{Report: &c.report})
			if !strings.Contains(got, c.want) {
				t.Errorf("want %q in\n%s", c.want, got)
			}
			if clean := strings.Contains(got, "No findings."); clean != (c.name == "clean") {
				t.Errorf("says no findings: %v\n%s", clean, got)
			}
		})
	}
}

func schema(t *testing.T, name, text string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, text string) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Error(err)
	}
}

func TestSchemas(t *testing.T) {
	official, err := os.ReadFile("testdata/schema/sarif-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	for format, s := range map[string]*jsonschema.Schema{
		"json":  schema(t, "json.schema.json", JSONSchema()),
		"sarif": schema(t, "sarif-2.1.0.json", string(official)),
	} {
		t.Run(format, func(t *testing.T) {
			validate(t, s, written(t, format, sampleInput(t)))
			validate(t, s, written(t, format, Input{Report: &finding.Report{}}))
			for _, h := range hostile {
				validate(t, s, written(t, format, hostileInput(h)))
			}
			if s.Validate(map[string]any{"version": "2.1.0"}) == nil {
				t.Error("the schema accepts anything")
			}
		})
	}
}

// hostile are strings that act on what reads them, put wherever scanned text can come from.
var hostile = []string{
	"\x1b[2J\x1b]0;owned\x07", "\u009b31m", "\x00\x08\x7f", "a\r\nb\nc", "\u202eevil\u2066", "\u2028\u2029\u200b\ufeff", "\xff\xfe broken", "\U000e0041tag",
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='x`, `</script><!--`, "{{.Root}}", "]]>", "&lt;",
	"`code` ``` ~~~ | pipe | **bold** [x](http://evil.example) ![i](http://evil.example/i.png)", "@octocat @org/team #1 GH-1", "</details>", "\n/close",
	"=HYPERLINK(\"http://evil.example\")", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "\"quoted\", comma",
	"\n::error::fake", "::set-output name=x::y", "%0A::error::x", "a,b:c", "%s %d {0} [1](2)",
	"..", "/etc/passwd", "C:\\x", "a b?c#d%e[f]", strings.Repeat("long ", 4_000), strings.Repeat("x", 20_000),
}

// hostileInput is a report with s wherever a report holds a string of the scanned input.
func hostileInput(s string) Input {
	file := &source.File{Path: s, Bytes: []byte("before\n" + s + " mark " + s + "\nafter\n")}
	at := finding.Location{Range: source.Range{File: s, Start: 7, End: len(file.Bytes) - 7}}
	at.From, at.To = file.Position(at.Start), file.Position(at.End)
	rel := []finding.Related{{Location: at, Text: s}}
	f := finding.Finding{
		ID: "1-x" + s, Twin: s, Rule: s, Severity: finding.High, Outcome: finding.Fail, Message: s, Path: s, Location: at, Related: rel,
		Resource: finding.Resource{Address: s, Type: s, Provider: s, Dialect: s, Unit: s, Variants: []string{s, s + "2"}, Calls: rel, Range: at},
		Evidence: []finding.Evidence{{Path: s, Value: s, From: rel}}, Waits: []finding.Wait{{Name: s, Kind: s, Location: at}},
		Fixes: []finding.Fix{{Title: s, Edits: []finding.Edit{{Location: at, Text: s}}, Shared: []string{s}}},
	}
	other := f
	other.ID, other.Resource.Address = "1-y"+s, s+"other"
	muted := f
	muted.ID = "1-z" + s
	muted.Suppression = &finding.Suppression{Kind: finding.Inline, Rules: []string{s}, Reason: s, Until: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Location: at}
	open := f
	open.ID, open.Outcome = "1-u"+s, finding.Undecided
	nameless := open
	nameless.ID, nameless.Waits = "1-v"+s, nil
	return Input{
		Files: func(string) *source.File { return file },
		Report: &finding.Report{
			Tool: finding.Tool{Version: s}, Root: s, Findings: []finding.Finding{f, other, muted}, Undecided: []finding.Finding{open, nameless},
			Problems: []finding.Problem{{Kind: source.Invalid, Location: at, Message: s, Unit: s}}, Hygiene: []finding.Hygiene{{Kind: s, Suppression: *muted.Suppression, Message: s}},
			Rules:    []finding.Rule{{ID: s, Title: s, Severity: finding.High, Category: s, Why: s, Controls: map[string][]string{s: {s}}, Aliases: []string{s}}},
			Coverage: finding.Coverage{Files: 1, Missing: []string{s}},
		},
	}
}

func TestHostile(t *testing.T) {
	for i, s := range hostile {
		for _, f := range Formats() {
			t.Run(fmt.Sprintf("%s/%d", f.Name, i), func(t *testing.T) {
				out := written(t, f.Name, hostileInput(s))
				if !utf8.ValidString(out) {
					t.Error("not UTF-8")
				}
				for i, r := range out {
					if acts(r) && r != '\n' && !(r == '\r' && f.Name == "csv" && strings.HasPrefix(out[i:], "\r\n")) && !(r == '\t' && f.Name == "markdown") {
						t.Fatalf("%U at %d: %.60q", r, i, out[max(0, i-20):])
					}
				}
				check := harmless[f.Name]
				if check == nil {
					t.Fatalf("no check of format %s", f.Name)
				}
				check(t, out)
			})
		}
	}
}

func isJSON(t *testing.T, out string) {
	if !json.Valid([]byte(out)) {
		t.Error("not JSON")
	}
}

// harmless checks that the structure of each format survived the text in it.
var harmless = map[string]func(*testing.T, string){
	"text": func(t *testing.T, out string) {
		for _, want := range []string{"\n  high             2       1        1\n", "\n1 problem: the scan is incomplete\n", "\n2 verdicts undecided: "} {
			if !strings.Contains(out, want) {
				t.Errorf("no line %q", want)
			}
		}
	},
	"short": func(t *testing.T, out string) {
		if n := strings.Count(out, "\n"); n != 3 {
			t.Errorf("%d lines for two findings and a problem", n)
		}
	},
	"json": isJSON, "sarif": isJSON, "gitlab-codequality": isJSON, "gitlab-sast": isJSON,
	"junit": func(t *testing.T, out string) {
		for d, cases := xml.NewDecoder(strings.NewReader(out)), 0; ; {
			tok, err := d.Token()
			if err == io.EOF {
				if cases != 6 {
					t.Errorf("%d cases, want 6", cases)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := tok.(xml.StartElement); ok {
				switch e.Name.Local {
				case "testcase":
					cases++
				case "testsuites", "testsuite", "failure", "error", "skipped":
				default:
					t.Errorf("element %s", e.Name.Local)
				}
			}
		}
	},
	"csv": func(t *testing.T, out string) {
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil || len(rows) != 6 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for _, row := range rows {
			for _, c := range row {
				if c != "" && strings.ContainsAny(c[:1], "=+-@\t\r") {
					t.Errorf("a formula: %q", c)
				}
			}
		}
	},
	"github": func(t *testing.T, out string) {
		for l := range strings.Lines(out) {
			if !regexp.MustCompile(`^::(error|warning|notice) [^:]*::`).MatchString(l) {
				t.Errorf("not an annotation: %.100q", l)
			}
		}
		if n := strings.Count(out, "\n"); n != 3 {
			t.Errorf("%d annotations, want that the scan is incomplete, the place and the problem", n)
		}
	},
	"markdown": func(t *testing.T, out string) {
		if len(out) > markdownLimit {
			t.Errorf("%d bytes", len(out))
		}
		for l := range strings.Lines(out) {
			if strings.HasPrefix(l, "/") {
				t.Errorf("GitLab would take the line for a command: %.100q", l)
			}
		}
		// As a code host shows it: GitHub's Markdown with the HTML in it.
		var page bytes.Buffer
		if err := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(gmhtml.WithUnsafe())).Convert([]byte(out), &page); err != nil {
			t.Fatal(err)
		}
		elements := regexp.MustCompile(`</?([a-zA-Z0-9]+)`).FindAllStringSubmatch(page.String(), -1)
		open := 0
		for _, e := range elements {
			switch e[0] {
			case "<details":
				open++
			case "</details":
				open--
			}
			switch e[1] {
			case "details", "summary", "b", "br", "code", "pre", "p", "strong", "ul", "li", "sub", "h2":
			default:
				t.Errorf("the text became an element %s", e[1])
			}
		}
		if n := strings.Count(page.String(), "<h2"); open != 0 || n != 1 {
			t.Errorf("%d details are open at the end, %d headings", open, n)
		}
		prose := regexp.MustCompile(`(?s)<pre>.*?</pre>|<code>.*?</code>|<[^>]*>`).ReplaceAllString(page.String(), "")
		if m := regexp.MustCompile(`@[\w]|#\d`).FindString(stdhtml.UnescapeString(prose)); m != "" {
			t.Errorf("%q would call somebody", m)
		}
		if strings.Contains(page.String(), "<strong>bold") {
			t.Error("the text is bold")
		}
	},
	"html": func(t *testing.T, out string) {
		style, script := strings.Index(out, "</style>"), strings.LastIndex(out, "<script>")
		body := out[style:script]
		for _, bad := range []string{"<script", "<img", "<!--", "onerror=alert(1)>\"", "src=x>", "href=\"http", "url("} {
			if strings.Contains(body, bad) {
				t.Errorf("%q in the page", bad)
			}
		}
		if n := strings.Count(out, "</script>"); n != 1 {
			t.Errorf("%d ends of scripts", n)
		}
		if a, b := strings.Count(body, "<article"), strings.Count(body, "</article>"); a != 2 || b != 2 {
			t.Errorf("%d articles, %d closed; want 2: the two instances joined, and the suppressed one", a, b)
		}
	},
}

func TestHTMLPolicy(t *testing.T) {
	out := written(t, "html", sampleInput(t))
	for tag, text := range map[string]string{"style": htmlStyle, "script": htmlScript} {
		if !strings.Contains(out, "<"+tag+">"+text+"</"+tag+">") {
			t.Errorf("%s was changed by the template: its hash would not fit", tag)
		}
		if !strings.Contains(out, strings.ReplaceAll(hash(text), "+", "&#43;")) {
			t.Errorf("the policy does not hold the hash of the %s", tag)
		}
	}
	if m := regexp.MustCompile(`(https?:)?//[a-z]`).FindString(strings.ReplaceAll(out, htmlScript, "")); m != "" {
		t.Errorf("the page holds an outside address: %s", m)
	}
}

func TestMarkdownCut(t *testing.T) {
	in := manyFindings(3000)
	out := written(t, "markdown", in)
	if len(out) > markdownLimit || len(out) < markdownFull {
		t.Errorf("%d bytes", len(out))
	}
	full, short := strings.Count(out, "<summary>🟠"), strings.Count(out, "\n- 🟠")
	m := regexp.MustCompile(`\*\*(\d+) more findings not shown here\*\*`).FindStringSubmatch(out)
	if m == nil || full == 0 || short == 0 {
		t.Fatalf("no cut: %d in full, %d short", full, short)
	}
	if got := fmt.Sprint(3000 - full - short); m[1] != got {
		t.Errorf("says that %s are not shown, it is %s", m[1], got)
	}
	if !strings.Contains(out, "Read 1 file") {
		t.Error("the end is missing")
	}
}

// manyFindings is a report of n findings in one file.
func manyFindings(n int) Input {
	var text bytes.Buffer
	r := &finding.Report{Coverage: finding.Coverage{Files: 1, Units: 1}, Rules: []finding.Rule{{ID: "a-rule", Title: "A rule", Severity: finding.High, Why: "Because."}}}
	for i := range n {
		start := text.Len()
		fmt.Fprintf(&text, "resource \"aws_s3_bucket\" \"b%d\" {\n  acl = \"public-read\"\n}\n", i)
		at := finding.Location{Range: source.Range{File: "main.tf", Start: start, End: text.Len() - 1}}
		r.Findings = append(r.Findings, finding.Finding{
			ID: fmt.Sprint("1-", i), Rule: "a-rule", Severity: finding.High, Outcome: finding.Fail, Message: "The bucket is public", Location: at,
			Resource: finding.Resource{Address: fmt.Sprint("aws_s3_bucket.b", i), Range: at},
			Fixes:    []finding.Fix{{Title: "make it private", Edits: []finding.Edit{{Location: at, Text: "resource {\n}"}}}},
		})
	}
	file := &source.File{Path: "main.tf", Bytes: text.Bytes()}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Location.From, f.Location.To = file.Position(f.Location.Start), file.Position(f.Location.End)
		f.Resource.Range = f.Location
		f.Fixes[0].Edits[0].Location = f.Location
	}
	return Input{Report: r, Files: func(string) *source.File { return file }}
}

func BenchmarkWrite(b *testing.B) {
	in := manyFindings(10_000)
	for _, f := range Formats() {
		b.Run(f.Name, func(b *testing.B) {
			for b.Loop() {
				if err := f.Write(io.Discard, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type full struct{ left int }

var errFull = errors.New("disk full")

func (w *full) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteError(t *testing.T) {
	for _, f := range Formats() {
		in := sampleInput(t)
		n := len(written(t, f.Name, in))
		for _, left := range []int{0, n / 2, n - 1} {
			if err := f.Write(&full{left}, in); !errors.Is(err, errFull) {
				t.Errorf("%s with room for %d of %d bytes: %v", f.Name, left, n, err)
			}
		}
	}
}

// The SAST report has to be what GitLab's schema 15 asks for, in our words.
func TestGitLabSAST(t *testing.T) {
	in := sampleInput(t)
	in.At = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var r struct {
		Version string
		Scan    struct {
			Type, Status, StartTime, EndTime string `json:"-"`
			Start                            string `json:"start_time"`
			Kind                             string `json:"type"`
			State                            string `json:"status"`
			Analyzer, Scanner                struct {
				ID, Name, Version string
				Vendor            struct{ Name string }
			}
			Messages []struct{ Level, Value string }
		}
		Vulnerabilities []struct {
			ID, Name, Severity string
			Identifiers        []struct{ Type, Name, Value string }
			Location           struct {
				File  string
				Start int `json:"start_line"`
				End   int `json:"end_line"`
			}
		}
		Remediations []struct {
			Fixes         []struct{ ID string }
			Summary, Diff string
		}
	}
	if err := json.Unmarshal([]byte(written(t, "gitlab-sast", in)), &r); err != nil {
		t.Fatal(err)
	}
	if r.Version != "15.0.7" || r.Scan.Kind != "sast" || r.Scan.State != "failure" || r.Scan.Start != "2026-01-02T03:04:05" ||
		r.Scan.Analyzer.ID == "" || r.Scan.Scanner.Vendor.Name == "" || len(r.Scan.Messages) != 3 {
		t.Errorf("scan: %+v", r.Scan)
	}
	if len(r.Vulnerabilities) != 5 {
		t.Errorf("%d vulnerabilities, want 5: suppressed ones are left out", len(r.Vulnerabilities))
	}
	for _, v := range r.Vulnerabilities {
		if v.ID == "" || v.Name == "" || len(v.Identifiers) == 0 || v.Identifiers[0].Value == "" || v.Location.File == "" || v.Location.Start < 1 ||
			v.Location.End < v.Location.Start || !strings.Contains(" Critical High Medium Low Info ", " "+v.Severity+" ") {
			t.Errorf("vulnerability: %+v", v)
		}
	}
	if len(r.Remediations) != 3 {
		t.Fatalf("%d remediations", len(r.Remediations))
	}
	diff, err := base64.StdEncoding.DecodeString(r.Remediations[0].Diff)
	if err != nil || !strings.HasPrefix(string(diff), "--- a/main.tf\n+++ b/main.tf\n@@ ") {
		t.Errorf("diff: %s, %v", diff, err)
	}
}

func TestLookup(t *testing.T) {
	for _, f := range Formats() {
		if got, ok := Lookup(f.Name); !ok || got.Title != f.Title {
			t.Errorf("%s is not found", f.Name)
		}
	}
	if _, ok := Lookup("pdf"); ok {
		t.Error("there is no pdf")
	}
}
