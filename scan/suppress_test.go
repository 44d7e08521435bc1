package scan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// The rules of the tests find something in every attribute of their own name: bad, worse, and so on.
var testRules = []RuleName{
	{"aws-bad", []string{"CKV_AWS_1", "AWS-0001", "11111111-2222-3333-4444-555555555555"}},
	{"aws-worse", []string{"CKV_AWS_2", "CKV_AWS_22", "AWS-0002", "22222222-2222-3333-4444-555555555555"}},
	{"aws-own", nil},
	{"google-bad", []string{"CKV_GCP_1"}},
}

func testLocation(f *source.File, r hcl.Range) finding.Location {
	return finding.Location{Range: source.Range{File: f.Path, Start: r.Start.Byte, End: r.End.Byte},
		From: f.Position(r.Start.Byte), To: f.Position(r.End.Byte)}
}

// testEstate is HCL that was read just far enough to have comments and findings in it.
type testEstate struct {
	files    map[string]*source.File
	bodies   map[string]*hclsyntax.Body
	names    []string
	findings []finding.Finding
}

// readEstate reads files from txtar-like text: a line "-- name --" starts a file; the first is main.tf. Resources in
// other files are found once for each module block of main.tf.
func readEstate(t *testing.T, text string) *testEstate {
	t.Helper()
	e := &testEstate{files: map[string]*source.File{}, bodies: map[string]*hclsyntax.Body{}}
	name, start := "main.tf", 0
	add := func(end int) {
		f := &source.File{Path: name, Bytes: []byte(text[start:end])}
		parsed, diags := hclsyntax.ParseConfig(f.Bytes, name, hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		e.files[name], e.bodies[name] = f, parsed.Body.(*hclsyntax.Body)
		e.names = append(e.names, name)
	}
	at := 0
	for line := range strings.Lines(text) {
		if next, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok {
			add(at)
			name, start = strings.TrimSuffix(next, " --"), at+len(line)
		}
		at += len(line)
	}
	add(len(text))
	for _, name := range e.names {
		for _, b := range e.bodies[name].Blocks {
			switch {
			case b.Type == "resource" && name == "main.tf":
				e.find(e.files[name], b, "", nil)
			case b.Type == "resource":
				for _, m := range e.bodies["main.tf"].Blocks {
					if m.Type == "module" {
						address := "module." + m.Labels[0]
						e.find(e.files[name], b, address+".", []finding.Related{{Location: testLocation(e.files["main.tf"], m.DefRange()), Text: address}})
					}
				}
			}
		}
	}
	return e
}

func (e *testEstate) find(f *source.File, b *hclsyntax.Block, prefix string, calls []finding.Related) {
	r := finding.Resource{Address: prefix + strings.Join(b.Labels, "."), Range: testLocation(f, b.Range()), Calls: calls, Dialect: "terraform"}
	var walk func(body *hclsyntax.Body, path string)
	walk = func(body *hclsyntax.Body, path string) {
		for name, a := range body.Attributes {
			for _, rule := range testRules {
				if strings.TrimPrefix(rule.ID, "aws-") == name {
					e.findings = append(e.findings, finding.Finding{ID: rule.ID + r.Address + path, Rule: rule.ID, Outcome: finding.Fail,
						Resource: r, Path: path + name, Location: testLocation(f, a.Range())})
				}
			}
			if name == "missing" { // something that is found at the head of the resource
				e.findings = append(e.findings, finding.Finding{ID: "missing" + r.Address, Rule: "aws-own", Outcome: finding.Fail,
					Resource: r, Location: testLocation(f, b.DefRange())})
			}
		}
		for _, nested := range body.Blocks {
			walk(nested.Body, path+nested.Type+".")
		}
	}
	walk(b.Body, "")
	slices.SortFunc(e.findings, func(a, b finding.Finding) int {
		return strings.Compare(a.Resource.Address+a.Path+a.Rule, b.Resource.Address+b.Path+b.Rule)
	})
}

// comments does what the contract asks of a dialect.
func (e *testEstate) comments(name string) []dialect.Comment {
	f, body := e.files[name], e.bodies[name]
	tokens, _ := hclsyntax.LexConfig(f.Bytes, name, hcl.InitialPos)
	var out []dialect.Comment
	for _, tok := range tokens {
		if tok.Type != hclsyntax.TokenComment {
			continue
		}
		text := strings.TrimSpace(string(tok.Bytes))
		text = strings.TrimSuffix(strings.TrimLeft(text, "#/*"), "*/")
		at := f.Position(tok.Range.Start.Byte)
		before := f.Text(source.Range{Start: f.Line(at.Line).Start, End: tok.Range.Start.Byte})
		out = append(out, dialect.Comment{
			Range: source.Range{File: name, Start: tok.Range.Start.Byte, End: tok.Range.End.Byte},
			Text:  strings.TrimSpace(text),
			Alone: strings.TrimSpace(before) == "",
		})
	}
	var things []hcl.Range
	var walk func(body *hclsyntax.Body)
	walk = func(body *hclsyntax.Body) {
		for _, a := range body.Attributes {
			things = append(things, a.Range())
		}
		for _, b := range body.Blocks {
			things = append(things, b.Range())
			walk(b.Body)
		}
	}
	walk(body)
	for i := range slices.Backward(out) {
		c := &out[i]
		line := f.Position(c.Range.Start).Line
		if c.Alone {
			line = f.Position(c.Range.End-1).Line + 1
			if i+1 < len(out) && out[i+1].Alone && f.Position(out[i+1].Range.Start).Line == line {
				c.Target = out[i+1].Target
			}
		}
		for _, r := range things {
			if r.Start.Line == line {
				c.Target = source.Range{File: name, Start: r.Start.Byte, End: r.End.Byte}
			}
		}
		for _, b := range body.Blocks {
			if r := b.Range(); r.Start.Byte < c.Range.Start && c.Range.End <= r.End.Byte {
				c.Block = source.Range{File: name, Start: r.Start.Byte, End: r.End.Byte}
			}
		}
	}
	return out
}

// terraform reads the comments with the real dialect.
func (e *testEstate) terraform(t *testing.T) func(string) []dialect.Comment {
	t.Helper()
	tree := fstest.MapFS{}
	for name, f := range e.files {
		tree[name] = &fstest.MapFile{Data: f.Bytes}
	}
	w := &dialect.Workspace{FS: tree, Read: (&source.Reader{FS: tree}).Read, Env: func(string) (string, bool) { return "", false }}
	estate, problems := terraform.New(schema.Load()).Open(t.Context(), w, e.names)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return estate.Comments
}

func (e *testEstate) input() SuppressInput {
	return SuppressInput{
		Findings: e.findings, Files: e.names, Source: func(name string) *source.File { return e.files[name] }, Comments: e.comments,
		Rules: func() *RuleNames { return NewRuleNames(testRules) },
		Today: time.Date(2026, 11, 22, 23, 59, 0, 0, time.UTC),
		Ran:   func(string, string) bool { return true },
	}
}

// run suppresses and returns in words what was suppressed and what is wrong.
func run(in SuppressInput) (suppressed, hygiene []string) {
	findings, problems := Suppress(in)
	for _, f := range findings {
		if f.Suppression != nil {
			suppressed = append(suppressed, strings.TrimSuffix(fmt.Sprintf("%s %s.%s", f.Rule, f.Resource.Address, f.Path), "."))
		}
	}
	for _, h := range problems {
		hygiene = append(hygiene, fmt.Sprintf("%d %s: %s", h.Suppression.Location.From.Line, h.Kind, h.Message))
	}
	return suppressed, hygiene
}

const noReason = "unexplained: it gives no reason: say why after the rules"

func nothingFor(names string) string {
	return "unused: it has nothing to suppress: take " + names + " out"
}

func TestSuppressInline(t *testing.T) {
	tests := map[string]struct {
		text       string
		suppressed []string
		hygiene    []string
	}{
		"none":               {text: "resource x a {\n  bad = 1\n}\n"},
		"same line":          {"resource x a {\n  bad = 1 # plumbline:ignore aws-bad why\n  worse = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"same line, slashes": {"resource x a {\n  bad = 1 // plumbline:ignore aws-bad why\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"same line, star":    {"resource x a {\n  bad = 1 /* plumbline:ignore aws-bad why */\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"before on the same line": {"resource x a {\n  /* plumbline:ignore aws-bad why */ bad = 1\n  b {\n    bad = 2\n  }\n}\n",
			[]string{"aws-bad x.a.bad"}, nil},
		"line above":          {"resource x a {\n  # plumbline:ignore aws-bad why\n  bad = 1\n  worse = 2\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"above the next line": {"resource x a {\n  # plumbline:ignore aws-bad why\n  other = 1\n  bad = 1\n}\n", nil, []string{"2 " + nothingFor("aws-bad")}},
		"blank line between":  {"resource x a {\n  # plumbline:ignore aws-bad why\n\n  bad = 1\n}\n", nil, []string{"2 " + nothingFor("aws-bad")}},
		"trailing reaches not the next line": {"resource x a {\n  other = 1 # plumbline:ignore aws-bad why\n  bad = 1\n}\n", nil,
			[]string{"2 " + nothingFor("aws-bad")}},
		"stacked": {"resource x a {\n  # plumbline:ignore aws-bad why\n  # some text\n  # plumbline:ignore aws-worse why\n  b {\n    bad = 1\n    worse = 1\n  }\n}\n",
			[]string{"aws-bad x.a.b.bad", "aws-worse x.a.b.worse"}, nil},
		"several lines of one comment": {"/*\n * plumbline:ignore aws-bad one\n * plumbline:ignore aws-worse two\n */\nresource x a {\n  bad = 1\n  worse = 1\n}\n",
			[]string{"aws-bad x.a.bad", "aws-worse x.a.worse"}, nil},
		"above a nested block":   {"resource x a {\n  # plumbline:ignore aws-bad why\n  b {\n    c {\n      bad = 1\n    }\n  }\n  bad = 2\n}\n", []string{"aws-bad x.a.b.c.bad"}, nil},
		"head of nested block":   {"resource x a {\n  b { # plumbline:ignore aws-bad why\n    bad = 1\n  }\n  bad = 2\n}\n", []string{"aws-bad x.a.b.bad"}, nil},
		"above the resource":     {"# plumbline:ignore aws-bad why\nresource x a {\n  bad = 1\n}\nresource x b {\n  bad = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"head of the resource":   {"resource x a { # plumbline:ignore aws-bad,aws-own why\n  missing = 1\n  b {\n    bad = 1\n  }\n}\n", []string{"aws-own x.a", "aws-bad x.a.b.bad"}, nil},
		"several lines value":    {"resource x a {\n  # plumbline:ignore aws-bad why\n  bad = {\n    k = 1\n  }\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"list of rules":          {"resource x a { # plumbline:ignore aws-bad,aws-worse why\n  bad = 1\n  worse = 1\n}\n", []string{"aws-bad x.a.bad", "aws-worse x.a.worse"}, nil},
		"list with blanks":       {"resource x a { # plumbline:ignore aws-bad , aws-worse why\n  bad = 1\n  worse = 1\n}\n", []string{"aws-bad x.a.bad", "aws-worse x.a.worse"}, nil},
		"half of a list unused":  {"resource x a { # plumbline:ignore aws-bad, aws-worse why\n  bad = 1\n}\n", []string{"aws-bad x.a.bad"}, []string{"1 " + nothingFor("aws-worse")}},
		"star":                   {"resource x a { # plumbline:ignore * why\n  bad = 1\n  worse = 1\n}\n", []string{"aws-bad x.a.bad", "aws-worse x.a.worse"}, nil},
		"glob":                   {"resource x a { # plumbline:ignore aws-* why\n  bad = 1\n  google-bad = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"alias":                  {"resource x a { # plumbline:ignore CKV_AWS_1 why\n  bad = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"alias in small letters": {"resource x a { # plumbline:ignore ckv_aws_1 why\n  bad = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"alias of Trivy before":  {"resource x a { # plumbline:ignore AVD-AWS-0002 why\n  worse = 1\n}\n", []string{"aws-worse x.a.worse"}, nil},
		"uuid":                   {"resource x a { # plumbline:ignore 11111111-2222-3333-4444-555555555555 why\n  bad = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"file-wide": {"resource x a {\n  bad = 1\n}\n# plumbline:ignore-file aws-bad why\n\nresource x b {\n  bad = 1\n  worse = 1\n}\n",
			[]string{"aws-bad x.a.bad", "aws-bad x.b.bad"}, nil},
		"file-wide elsewhere": {"module m {\n}\n# plumbline:ignore-file aws-bad why\n-- m/x.tf --\nresource x a {\n  bad = 1\n}\n", nil, []string{"3 " + nothingFor("aws-bad")}},
		"above the call": {"# plumbline:ignore aws-bad why\nmodule m {\n}\nmodule n {\n}\n-- m/x.tf --\nresource x a {\n  bad = 1\n}\n",
			[]string{"aws-bad module.m.x.a.bad"}, nil},
		"head of the call": {"module m { # plumbline:ignore aws-bad why\n}\nmodule n {\n}\n-- m/x.tf --\nresource x a {\n  bad = 1\n}\n",
			[]string{"aws-bad module.m.x.a.bad"}, nil},
		"on an argument of the call": {"module m {\n  x = 1 # plumbline:ignore aws-bad why\n}\n-- m/x.tf --\nresource x a {\n  bad = 1\n}\n", nil,
			[]string{"2 " + nothingFor("aws-bad")}},
		"in the module": {"module m {\n}\nmodule n {\n}\n-- m/x.tf --\nresource x a {\n  bad = 1 # plumbline:ignore aws-bad why\n}\n",
			[]string{"aws-bad module.m.x.a.bad", "aws-bad module.n.x.a.bad"}, nil},
		"until today":     {"resource x a {\n  bad = 1 # plumbline:ignore aws-bad until=2026-11-22 why\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"until yesterday": {"resource x a {\n  bad = 1 # plumbline:ignore aws-bad until=2026-11-21 why\n}\n", nil, []string{"2 expired: it held until 2026-11-21: what it suppressed is reported again"}},
		"until behind the reason": {"resource x a {\n  bad = 1 # plumbline:ignore aws-bad why not until=2026-11-21\n}\n", nil,
			[]string{"2 expired: it held until 2026-11-21: what it suppressed is reported again"}},
		"expired, without reason and unused": {"# plumbline:ignore aws-bad until=2020-01-01\n", nil, []string{"1 expired: it held until 2020-01-01: what it suppressed is reported again"}},
		"day that is none":                   {"resource x a {\n  bad = 1 # plumbline:ignore aws-bad until=2026-02-30 why\n}\n", nil, []string{`2 malformed: it does not count: "until=2026-02-30" is not a day: write until=YYYY-MM-DD`}},
		"day with a colon":                   {"resource x a {\n  bad = 1 # plumbline:ignore aws-bad until:2027-02-20 why\n}\n", nil, []string{`2 malformed: it does not count: "until:2027-02-20" is not a day: write until=YYYY-MM-DD`}},
		"two days":                           {"resource x a {\n  bad = 1 # plumbline:ignore aws-bad until=2027-01-01 until=2028-01-01 why\n}\n", nil, []string{"2 malformed: it does not count: it says until twice"}},
		"without reason":                     {"resource x a {\n  bad = 1 # plumbline:ignore aws-bad\n}\n", []string{"aws-bad x.a.bad"}, []string{"2 " + noReason}},
		"reason of dashes":                   {"resource x a {\n  bad = 1 # plumbline:ignore aws-bad --\n}\n", []string{"aws-bad x.a.bad"}, []string{"2 " + noReason}},
		"colon before the reason":            {"resource x a {\n  bad = 1 # plumbline:ignore aws-bad: why\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"no rule":                            {"resource x a {\n  bad = 1 # plumbline:ignore\n}\n", nil, []string{"2 malformed: it does not count: name the rules to ignore, or * for all"}},
		"only a day":                         {"resource x a {\n  bad = 1 # plumbline:ignore until=2027-01-01\n}\n", nil, []string{"2 malformed: it does not count: name the rules to ignore, or * for all"}},
		"misspelt word":                      {"resource x a {\n  bad = 1 # plumbline:ignor aws-bad why\n}\n", nil, []string{"2 malformed: it does not count: write plumbline:ignore RULE[,RULE] [until=YYYY-MM-DD] REASON"}},
		"blank after the colon":              {"resource x a {\n  bad = 1 # plumbline: ignore aws-bad why\n}\n", nil, []string{"2 malformed: it does not count: write plumbline:ignore RULE[,RULE] [until=YYYY-MM-DD] REASON"}},
		"capital letter":                     {"resource x a {\n  bad = 1 # Plumbline:ignore aws-bad why\n}\n", nil, []string{"2 malformed: it does not count: write plumbline:ignore RULE[,RULE] [until=YYYY-MM-DD] REASON"}},
		"prose":                              {"# Plumbline: our scanner. plumbline:ignore is explained in the docs\nresource x a {\n  bad = 1\n}\n", nil, nil},
		"unknown rule":                       {"resource x a {\n  bad = 1 # plumbline:ignore aws-bda why\n}\n", nil, []string{`2 unknown-rule: there is no rule "aws-bda": did you mean "aws-bad"?`}},
		"unknown alias":                      {"resource x a {\n  bad = 1 # plumbline:ignore CKV-AWS-1 why\n}\n", nil, []string{`2 unknown-rule: there is no rule "CKV-AWS-1": did you mean "CKV_AWS_1"?`}},
		"unknown number":                     {"resource x a {\n  bad = 1 # plumbline:ignore CKV_AWS_3 why\n}\n", nil, []string{`2 unknown-rule: there is no rule "CKV_AWS_3"`}},
		"unknown glob":                       {"resource x a {\n  bad = 1 # plumbline:ignore azure-* why\n}\n", nil, []string{`2 unknown-rule: there is no rule "azure-*"`}},
		"known and unknown":                  {"resource x a {\n  bad = 1 # plumbline:ignore aws-bad,zzz why\n}\n", []string{"aws-bad x.a.bad"}, []string{`2 unknown-rule: there is no rule "zzz"`}},
		"unused everywhere":                  {"# plumbline:ignore aws-bad why\n\nresource x a {\n  worse = 1\n}\n", nil, []string{"1 " + nothingFor("aws-bad")}},
		"twice on one finding": {"# plumbline:ignore aws-bad why\nresource x a {\n  bad = 1 # plumbline:ignore aws-bad why\n}\n",
			[]string{"aws-bad x.a.bad"}, nil},
		"CRLF": {"resource x a {\r\n  # plumbline:ignore aws-bad why\r\n  bad = 1\r\n  other = 1\r\n}\r\n", []string{"aws-bad x.a.bad"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := readEstate(t, quoted(tt.text))
			for reader, comments := range map[string]func(string) []dialect.Comment{"by the contract": e.comments, "by terraform": e.terraform(t)} {
				in := e.input()
				in.Comments = comments
				suppressed, hygiene := run(in)
				if diff := cmp.Diff(sorted(tt.suppressed), sorted(suppressed)); diff != "" {
					t.Errorf("comments read %s: suppressed (-want +got):\n%s", reader, diff)
				}
				if diff := cmp.Diff(tt.hygiene, hygiene); diff != "" {
					t.Errorf("comments read %s: hygiene (-want +got):\n%s", reader, diff)
				}
			}
		})
	}
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// quoted turns "resource x a" into resource "x" "a" and "module m" into module "m".
func quoted(text string) string {
	return strings.NewReplacer("resource x a", `resource "x" "a"`, "resource x b", `resource "x" "b"`,
		"module m {", `module "m" {`, "module n {", `module "n" {`).Replace(text)
}

func TestSuppressForeign(t *testing.T) {
	const mod = "\n-- m/x.tf --\nresource x a {\n  bad = 1\n}\n"
	tests := map[string]struct {
		text       string
		suppressed []string
		hygiene    []string
	}{
		"checkov inside":             {"resource x a {\n  #checkov:skip=CKV_AWS_1:why\n  b {\n    bad = 1\n  }\n  worse = 1\n}\n", []string{"aws-bad x.a.b.bad"}, nil},
		"checkov in a nested block":  {"resource x a {\n  b {\n    # checkov:skip=CKV_AWS_1\n  }\n  bad = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"checkov list":               {"resource x a {\n  # checkov:skip=CKV_AWS_1,CKV_AWS_22:why\n  bad = 1\n  worse = 1\n}\n", []string{"aws-bad x.a.bad", "aws-worse x.a.worse"}, nil},
		"checkov blank":              {"resource x a {\n  # checkov:skip= CKV_AWS_1 why\n  bad = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"bridgecrew":                 {"resource x a {\n  # see bridgecrew:skip=CKV_AWS_1\n  bad = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"cortex, trailing":           {"resource x a {\n  bad = 1\n  other = 1 # cortex:skip=CKV_AWS_1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"checkov above":              {"# checkov:skip=CKV_AWS_1:why\nresource x a {\n  bad = 1\n}\n", nil, nil},
		"checkov on the first line":  {"resource x a { # checkov:skip=CKV_AWS_1:why\n  bad = 1\n}\n", nil, nil},
		"checkov in the call":        {"module m {\n  # checkov:skip=CKV_AWS_1:why\n}\nmodule n {\n}" + mod, []string{"aws-bad module.m.x.a.bad"}, nil},
		"checkov no star":            {"resource x a {\n  # checkov:skip=CKV_AWS_*\n  bad = 1\n}\n", nil, nil},
		"checkov unknown":            {"resource x a {\n  # checkov:skip=CKV_AWS_999:why\n  bad = 1\n}\n", nil, nil},
		"checkov with our id":        {"resource x a {\n  # checkov:skip=aws-bad:why\n  bad = 1\n}\n", nil, nil},
		"checkov with Trivy's id":    {"resource x a {\n  # checkov:skip=AWS-0001:why\n  bad = 1\n}\n", nil, nil},
		"trivy same line":            {"resource x a {\n  bad = 1 #trivy:ignore:AVD-AWS-0001\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"trivy above":                {"# trivy:ignore:aws-0001\nresource x a {\n  bad = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"trivy stacked":              {"#trivy:ignore:AWS-0001\n#trivy:ignore:AWS-0002\nresource x a {\n  bad = 1\n  worse = 1\n}\n", []string{"aws-bad x.a.bad", "aws-worse x.a.worse"}, nil},
		"trivy two on a line":        {"# trivy:ignore:AWS-0001 trivy:ignore:AWS-0002\nresource x a {\n  bad = 1\n  worse = 1\n}\n", []string{"aws-bad x.a.bad", "aws-worse x.a.worse"}, nil},
		"trivy star":                 {"# trivy:ignore:*\nresource x a {\n  bad = 1\n  own = 1\n  google-bad = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"trivy glob":                 {"# trivy:ignore:AWS-*\nresource x a {\n  bad = 1\n  own = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"trivy inside":               {"resource x a {\n  # trivy:ignore:AWS-0001\n  other = 1\n  bad = 1\n}\n", nil, nil},
		"trivy expired":              {"resource x a {\n  bad = 1 # trivy:ignore:AWS-0001:exp:2020-01-01\n}\n", nil, []string{"2 expired: it held until 2020-01-01: what it suppressed is reported again"}},
		"trivy unknown expired":      {"resource x a {\n  bad = 1 # trivy:ignore:AWS-9999:exp:2020-01-01\n}\n", nil, nil},
		"trivy holds":                {"resource x a {\n  bad = 1 # trivy:ignore:AWS-0001:exp:2026-11-22\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"trivy bad day":              {"resource x a {\n  bad = 1 # trivy:ignore:AWS-0001:exp:soon\n}\n", nil, nil},
		"trivy workspace":            {"resource x a {\n  bad = 1 # trivy:ignore:AWS-0001:ws:dev\n}\n", nil, nil},
		"trivy condition":            {"resource x a {\n  bad = 1 # trivy:ignore:AWS-0001[bad=1]\n}\n", nil, nil},
		"trivy call":                 {"#trivy:ignore:AWS-0001\nmodule m {\n}\nmodule n {\n}" + mod, []string{"aws-bad module.m.x.a.bad"}, nil},
		"tfsec":                      {"resource x a {\n  bad = 1 #tfsec:ignore:AWS-0001\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"kics line":                  {"resource x a {\n  # kics-scan ignore-line\n  bad = 1\n  worse = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"kics line, only its rules":  {"resource x a {\n  # kics-scan ignore-line\n  own = 1\n}\n", nil, nil},
		"kics line above a resource": {"# kics-scan ignore-line\nresource x a {\n  bad = 1\n}\n", nil, nil},
		"kics block":                 {"# kics-scan ignore-block\nresource x a {\n  bad = 1\n  own = 1\n}\nresource x b {\n  bad = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"kics capitals":              {"# KICS-SCAN ignore-block\nresource x a {\n  bad = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"kics trailing":              {"resource x a {\n  bad = 1 # kics-scan ignore-line\n}\n", nil, nil},
		"kics file":                  {"# text\n# kics-scan ignore\n\nresource x a {\n  bad = 1\n  own = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"kics file, too late":        {"resource x a {\n  bad = 1\n}\n# kics-scan ignore\n", nil, nil},
		"kics disable":               {"# kics-scan disable=22222222-2222-3333-4444-555555555555,11111111-2222-3333-4444-555555555555\nresource x a {\n  bad = 1\n  worse = 1\n}\n", []string{"aws-bad x.a.bad", "aws-worse x.a.worse"}, nil},
		"kics last disable": {"# kics-scan disable=22222222-2222-3333-4444-555555555555\n# kics-scan disable=11111111-2222-3333-4444-555555555555\nresource x a {\n  bad = 1\n  worse = 1\n}\n",
			[]string{"aws-bad x.a.bad"}, nil},
		"kics prose": {"# kics-scan ignore-block is what we used\nresource x a {\n  bad = 1\n}\n", nil, nil},
		"datadog":    {"# dd-iac-scan ignore-block\nresource x a {\n  bad = 1\n}\n", []string{"aws-bad x.a.bad"}, nil},
		"ours and theirs": {"resource x a {\n  #checkov:skip=CKV_AWS_1:why\n  # plumbline:ignore aws-worse why\n  worse = 1\n  bad = 1\n}\n",
			[]string{"aws-bad x.a.bad", "aws-worse x.a.worse"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := readEstate(t, quoted(tt.text))
			for reader, comments := range map[string]func(string) []dialect.Comment{"by the contract": e.comments, "by terraform": e.terraform(t)} {
				in := e.input()
				in.Comments = comments
				suppressed, hygiene := run(in)
				if diff := cmp.Diff(sorted(tt.suppressed), sorted(suppressed)); diff != "" {
					t.Errorf("comments read %s: suppressed (-want +got):\n%s", reader, diff)
				}
				if diff := cmp.Diff(tt.hygiene, hygiene); diff != "" {
					t.Errorf("comments read %s: hygiene (-want +got):\n%s", reader, diff)
				}
			}
		})
	}
}

func TestSuppressionIsCarried(t *testing.T) {
	e := readEstate(t, quoted("resource x a {\n  bad = 1 # plumbline:ignore aws-bad,zz until=2027-01-31 public on purpose\n}\n"))
	findings, _ := Suppress(e.input())
	want := &finding.Suppression{
		Kind: finding.Inline, Rules: []string{"aws-bad", "zz"}, Reason: "public on purpose", Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
		Location: finding.Location{Range: source.Range{File: "main.tf", Start: 29, End: 93}, From: source.Position{Line: 2, Column: 11}, To: source.Position{Line: 2, Column: 75}},
	}
	if diff := cmp.Diff(want, findings[0].Suppression); diff != "" {
		t.Error(diff)
	}
	if e.findings[0].Suppression != nil {
		t.Error("the input was changed")
	}
}

func TestNoInline(t *testing.T) {
	in := readEstate(t, quoted("# plumbline:ignore-file zzz\nresource x a {\n  bad = 1 # plumbline:ignore aws-bad\n}\n")).input()
	in.NoInline = true
	if suppressed, hygiene := run(in); suppressed != nil || hygiene != nil {
		t.Errorf("got %v, %v", suppressed, hygiene)
	}
}

func TestUnusedOnlyWhereRulesRan(t *testing.T) {
	const text = "# plumbline:ignore-file aws-bad why\n# plumbline:ignore-file * why\n# plumbline:ignore-file aws-worse why\n"
	tests := map[string]struct {
		ran  func(rule, place string) bool
		want []string
	}{
		"all":      {func(string, string) bool { return true }, []string{"1 " + nothingFor("aws-bad"), "2 " + nothingFor("*"), "3 " + nothingFor("aws-worse")}},
		"none":     {func(string, string) bool { return false }, nil},
		"one":      {func(rule, _ string) bool { return rule == "aws-bad" }, []string{"1 " + nothingFor("aws-bad")}},
		"not here": {func(_, place string) bool { return place != "main.tf" }, nil},
	}
	for name, tt := range tests {
		in := readEstate(t, text).input()
		in.Ran = tt.ran
		if _, hygiene := run(in); !cmp.Equal(tt.want, hygiene) {
			t.Errorf("%s: got %q, want %q", name, hygiene, tt.want)
		}
	}
}

// TestRulesAreAskedOnlyWhenNeeded: the names of a thousand rules cost time that most scans can save.
func TestRulesAreAskedOnlyWhenNeeded(t *testing.T) {
	in := readEstate(t, quoted("# prose about plumbline\nresource x a {\n  bad = 1\n}\n")).input()
	in.Rules = func() *RuleNames { t.Error("asked"); return nil }
	in.Baseline = NewBaseline(in.Findings)
	Suppress(in)
}

func ignores(t *testing.T, text string) []*config.Ignore {
	t.Helper()
	c, err := config.Load(fstest.MapFS{".plumbline.yaml": {Data: []byte("ignore:\n" + text)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	return c.Ignores
}

func TestSuppressSettings(t *testing.T) {
	const text = "module m {\n}\nresource x a {\n  bad = 1\n  worse = 1\n}\n-- m/x.tf --\nresource x b {\n  bad = 1\n}\n"
	const silent = "unexplained: it gives no reason: say why in reason"
	tests := map[string]struct {
		entries    string
		suppressed []string
		hygiene    []string
	}{
		"rule":             {"- {rules: aws-bad, reason: r}", []string{"aws-bad module.m.x.b.bad", "aws-bad x.a.bad"}, nil},
		"alias":            {"- {rules: ckv_aws_2, reason: r}", []string{"aws-worse x.a.worse"}, nil},
		"path":             {"- {paths: m, reason: r}", []string{"aws-bad module.m.x.b.bad"}, nil},
		"resource":         {"- {resources: x.a, reason: r}", []string{"aws-bad x.a.bad", "aws-worse x.a.worse"}, nil},
		"module":           {"- {resources: module.m, reason: r}", []string{"aws-bad module.m.x.b.bad"}, nil},
		"all three":        {"- {rules: aws-*, paths: '*.tf', resources: 'x.*', reason: r}", []string{"aws-bad x.a.bad", "aws-worse x.a.worse"}, nil},
		"one does not fit": {"- {rules: aws-bad, paths: m, resources: x.a, reason: r}", nil, []string{"2 " + nothingFor("aws-bad")}},
		"no reason":        {"- {rules: aws-worse}", []string{"aws-worse x.a.worse"}, []string{"2 " + silent}},
		"half unused":      {"- {rules: [aws-worse, google-bad], reason: r}", []string{"aws-worse x.a.worse"}, []string{"2 " + nothingFor("google-bad")}},
		"expired":          {"- {rules: aws-bad, until: 2026-11-21}", nil, []string{"2 expired: it held until 2026-11-21: what it suppressed is reported again"}},
		"last day":         {"- {rules: aws-worse, until: 2026-11-22, reason: r}", []string{"aws-worse x.a.worse"}, nil},
		"second is also used": {"- {rules: aws-worse, reason: r}\n- {resources: x.a, rules: aws-w*, reason: r}",
			[]string{"aws-worse x.a.worse"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := readEstate(t, quoted(text)).input()
			in.Ignores = ignores(t, tt.entries)
			suppressed, hygiene := run(in)
			if diff := cmp.Diff(tt.suppressed, suppressed); diff != "" {
				t.Errorf("suppressed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.hygiene, hygiene); diff != "" {
				t.Errorf("hygiene (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSuppressOrder(t *testing.T) {
	in := readEstate(t, quoted("resource x a {\n  bad = 1 # plumbline:ignore aws-bad why\n  worse = 1\n  own = 1\n}\n")).input()
	in.Ignores = ignores(t, "- {rules: [aws-bad, aws-worse], reason: r}")
	in.Baseline = NewBaseline(in.Findings)
	findings, hygiene := Suppress(in)
	got := map[string]finding.SuppressionKind{}
	for _, f := range findings {
		got[f.Rule] = f.Suppression.Kind
	}
	want := map[string]finding.SuppressionKind{"aws-bad": finding.Inline, "aws-worse": finding.Settings, "aws-own": finding.Baseline}
	if diff := cmp.Diff(want, got); diff != "" || hygiene != nil {
		t.Errorf("%v (-want +got):\n%s", hygiene, diff)
	}
}

func TestBaselineHygiene(t *testing.T) {
	in := readEstate(t, "").input()
	in.Baseline = &Baseline{Entries: []BaselineEntry{
		{ID: "1", Rule: "aws-bad", Path: "a.tf", Resource: "x.a"},
		{ID: "2", Rule: "aws-worse", Path: "a.tf", Resource: "x.a"},
		{ID: "3", Rule: "aws-gone", Path: "a.tf", Resource: "x.a"},
	}}
	in.Ran = func(rule, _ string) bool { return rule == "aws-bad" }
	_, hygiene := run(in)
	want := []string{
		"0 unused: aws-bad no longer finds anything in x.a: write the baseline again to take it out",
		"0 unused: aws-gone no longer finds anything in x.a: write the baseline again to take it out",
	}
	if diff := cmp.Diff(want, hygiene); diff != "" {
		t.Error(diff)
	}
}

func TestTooManySuppressions(t *testing.T) {
	text := quoted("resource x a {\n  bad = 1\n}\n") + strings.Repeat("# plumbline:ignore-file aws-bad why\n", maxDirectives+3)
	suppressed, hygiene := run(readEstate(t, text).input())
	want := []string{"5004 malformed: this one and all below it do not count: the file has more than 5000 suppressions"}
	if len(suppressed) != 1 || !cmp.Equal(want, hygiene) {
		t.Errorf("got %v, %v", suppressed, hygiene)
	}
}

func FuzzParseComment(f *testing.F) {
	f.Add("plumbline:ignore a, b until=2027-01-01 why")
	f.Add("checkov:skip=CKV_AWS_1,CKV_AWS_2:why\n* trivy:ignore:AWS-0001:exp:2020-01-01 tfsec:ignore:*")
	f.Add("kics-scan disable=1,2")
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range parseComment(dialect.Comment{Text: text, Alone: true}, true) {
			if d.malformed == "" && len(d.names) == 0 {
				t.Errorf("%q counts and names no rule", text)
			}
			if slices.Contains(d.names, "") && d.scanner == plumbline {
				t.Errorf("%q names nothing", text)
			}
		}
	})
}

func TestRuleNames(t *testing.T) {
	n := NewRuleNames(testRules)
	tests := map[string]struct {
		ok   bool
		near string
	}{
		"aws-bad": {true, ""}, "AWS-BAD": {true, ""}, "*": {true, ""}, "CKV_*": {true, ""}, "aws-0001": {true, ""},
		"aws-worst": {false, "aws-worse"}, "CKV_AWS_9": {false, ""}, "CKV AWS 1": {false, "CKV_AWS_1"}, "": {false, ""}, "nope-*": {false, ""},
	}
	for name, want := range tests {
		if ok, near := n.Known(name); ok != want.ok || near != want.near {
			t.Errorf("%q: got %v %q", name, ok, near)
		}
	}
}

func BenchmarkSuppress(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "# plumbline:ignore aws-bad why\nresource \"x\" \"r%d\" {\n  bad = 1\n  worse = 1\n}\n", i)
	}
	e := readEstate(&testing.T{}, text.String())
	comments := e.comments("main.tf")
	in := e.input()
	in.Comments = func(string) []dialect.Comment { return comments }
	for b.Loop() {
		Suppress(in)
	}
}
