package query

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var ignorePlaces = cmp.Options{cmpopts.IgnoreFields(Term{}, "Start", "End"), cmpopts.IgnoreFields(Value{}, "Start", "End"), cmpopts.EquateEmpty()}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string
		want []Term
		out  string // "" when it is printed as it was written
	}{
		{"", nil, ""},
		{"severity:high,critical", []Term{{Key: "severity", Values: []Value{{Text: "high"}, {Text: "critical"}}}}, ""},
		{"severity:>=Medium", []Term{{Key: "severity", Op: AtLeast, Values: []Value{{Text: "medium"}}}}, "severity:>=medium"},
		{"-status:muted", []Term{{Not: true, Key: "status", Values: []Value{{Text: "muted"}}}}, ""},
		{"public bucket", []Term{{Values: []Value{{Text: "public"}}}, {Values: []Value{{Text: "bucket"}}}}, ""},
		{`-"public \"bucket\""`, []Term{{Not: true, Values: []Value{{Text: `public "bucket"`}}}}, ""},
		{"tag:Compliance=PCI-DSS", []Term{{Key: "tag", Values: []Value{{Text: "Compliance=PCI-DSS"}}}}, ""},
		{"rule:aws-s3-*", []Term{{Key: "rule", Values: []Value{{Text: "aws-s3-*", Wild: true}}}}, ""},
		{`rule:a\*b`, []Term{{Key: "rule", Values: []Value{{Text: "a*b"}}}}, ""},
		{`file:"my dir/*\*"`, []Term{{Key: "file", Values: []Value{{Text: `my dir/*\*`, Wild: true}}}}, ""},
		{`address:"module.a[\"x,y\"]"`, []Term{{Key: "address", Values: []Value{{Text: `module.a["x,y"]`}}}}, ""},
		{`address:a["b"]`, []Term{{Key: "address", Values: []Value{{Text: `a["b"]`}}}}, `address:"a[\"b\"]"`},
		{"resource_type:x Path:y", []Term{{Key: "type", Values: []Value{{Text: "x"}}}, {Key: "file", Values: []Value{{Text: "y"}}}}, "type:x file:y"},
		{"age:>30d first-seen:<2026-01-01", []Term{{Key: "age", Op: More, Values: []Value{{Text: "30d"}}}, {Key: "first-seen", Op: Less, Values: []Value{{Text: "2026-01-01"}}}}, ""},
		{"a,b*", []Term{{Values: []Value{{Text: "a,b*"}}}}, ""},
		{"  has:fix\tx\n", []Term{{Key: "has", Values: []Value{{Text: "fix"}}}, {Values: []Value{{Text: "x"}}}}, "has:fix x"},
	} {
		q, err := Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if diff := cmp.Diff(c.want, q.Terms, ignorePlaces); diff != "" {
			t.Errorf("%s: %s", c.text, diff)
		}
		want := c.out
		if want == "" {
			want = c.text
		}
		if got := q.String(); got != want {
			t.Errorf("%s prints %s, want %s", c.text, got, want)
		}
	}
}

func TestParse_mistakes(t *testing.T) {
	for _, c := range []struct{ text, at, says string }{
		{"severty:high", "severty", "did you mean severity:?"},
		{"x severity:hihg", "hihg", "did you mean high?"},
		{"severity:", "severity:", "write severity:>=high"},
		{"severity:high,", "severity:high,", "lacks a value"},
		{"rule:>a", ">", "has no order"},
		{"severity:>low,high", "high", "one value"},
		{`"abc`, `"abc`, "not closed"},
		{`rule:"abc`, `"abc`, "not closed"},
		{`rule:"a"b`, "b", "after the closing quote"},
		{"age:30d", "30d", "age:>30d"},
		{"age:>30x", "30x", "no length of time"},
		{"age:>99999y", "99999y", "no length of time"},
		{"first-seen:yesterday", "yesterday", "no day"},
		{"a OR b", "OR", "commas"},
		{"NOT b", "NOT", "write -"},
		{"(a b)", "(a", "no groups"},
		{"- a", "-", "without a space"},
		{`""`, `""`, "nothing between"},
		{"arn:aws:s3:::x", "arn", "in quotes"},
		{"rule:*a*a*a*a*a*a*a*a*", "*a*a*a*a*a*a*a*a*", "stars"},
		{"a\xff", "a\xff", "UTF-8"},
	} {
		_, err := Parse(c.text)
		m, ok := errors.AsType[*Mistake](err)
		if !ok {
			t.Errorf("%s: %v, want a mistake", c.text, err)
			continue
		}
		if got := c.text[m.Start:m.End]; got != c.at || !strings.Contains(m.Text, c.says) {
			t.Errorf("%s: %q at %q, want %q at %q", c.text, m.Text, got, c.says, c.at)
		}
	}
	for _, text := range []string{strings.Repeat("a", MaxText+1), strings.Repeat("a ", MaxTerms+1), "rule:" + strings.Repeat("a,", MaxValues) + "a"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%d bytes of %.10s are taken", len(text), text)
		}
	}
}

// TestParse_printed is the property that a printed query is read as it was, whatever is in it.
func TestParse_printed(t *testing.T) {
	letters := rapid.StringOfN(rapid.RuneFrom([]rune("aB1 \t\"\\*,:()<>=-./[]é\u00a0OR")), 1, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		q := &Query{}
		for range rapid.IntRange(0, 4).Draw(t, "terms") {
			if rapid.Bool().Draw(t, "free") {
				q.Terms = append(q.Terms, Term{Not: rapid.Bool().Draw(t, "not"), Values: []Value{{Text: letters.Draw(t, "text")}}})
				continue
			}
			term := Exactly(rapid.SampledFrom([]string{"rule", "file", "tag"}).Draw(t, "key"), letters.Draw(t, "value"))
			if rapid.Bool().Draw(t, "wild") {
				term.Values = append(term.Values, Value{Text: strings.NewReplacer(`\`, `\\`, `*`, `\*`).Replace(letters.Draw(t, "more")) + "*", Wild: true})
			}
			q.Terms = append(q.Terms, term)
		}
		text := q.String()
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(q, again, ignorePlaces); diff != "" {
			t.Fatalf("%s: %s", text, diff)
		}
	})
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		key, pattern, text string
		want               bool
	}{
		{"rule", "aws-s3-*", "aws-s3-public-acl", true},
		{"rule", "aws-s3-*", "aws-ec2", false},
		{"rule", "AWS-S3", "aws-s3", true},
		{"rule", "*s3*", "aws-s3-x", true},
		{"rule", `a\*`, "ab", false},
		{"rule", `a\*`, "a*", true},
		{"rule", `*\*`, "xx*", true},
		{"rule", "*a*b*c", "xaxbxcxc", true},
		{"rule", "*a*b*c", "xaxbxcx", false},
		{"file", "modules", "modules/a/main.tf", true},
		{"file", "modules/", "modules/a/main.tf", true},
		{"file", "modules", "modules2/main.tf", false},
		{"file", "modules/**", "modules/a/main.tf", true},
		{"file", "modules/*", "modules/a/main.tf", false},
		{"file", "modules/*", "modules/main.tf", true},
		{"file", "*.tf", "modules/a/main.tf", true},
		{"file", "*/main.tf", "modules/a/main.tf", false},
		{"file", "**/a*/main.tf", "a1/b/a2/main.tf", true},
		{"file", "**a*b", "a/b", false},
		{"file", "**a*b", "a/ab", true},
		{"file", ".", "a/b", true},
		{"file", "Main.tf", "main.tf", false},
	} {
		q, err := Parse(c.key + ":" + c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		match := q.Terms[0].Values[0].Match
		if c.key == "file" {
			match = q.Terms[0].Values[0].MatchPath
		}
		if got := match(c.text); got != c.want {
			t.Errorf("%s matches %s: %v", c.pattern, c.text, got)
		}
	}
}

func TestSuggest(t *testing.T) {
	for _, c := range []struct {
		text, key, prefix string // | is the place
		first             string
		open              bool
	}{
		{"|", "", "", "severity:", false},
		{"sev|", "", "sev", "severity:", false},
		{"x -sta|", "", "sta", "status:", false},
		{"severity:|", "severity", "", "info", false},
		{"severity:high,cr|", "severity", "cr", "critical", false},
		{"severity:>=m|", "severity", "m", "medium", false},
		{`rule:"aws s|`, "rule", "aws s", "", true},
		{"assignee:m| x", "assignee", "m", "me", true},
		{`"some te|`, "", `"some te`, "", false},
		{"nothing:x|", "", "nothing:x", "", false},
	} {
		at := strings.IndexByte(c.text, '|')
		text := strings.Replace(c.text, "|", "", 1)
		got := Suggest(text, at)
		first := ""
		if len(got.Suggestions) > 0 {
			first = got.Suggestions[0].Text
		}
		if got.Key != c.key || got.Prefix != c.prefix || first != c.first || got.Open != c.open {
			t.Errorf("%s: %+v", c.text, got)
		}
	}
}

// TestKeys holds the table: every example is a query of its key.
func TestKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Keys() {
		q, err := Parse(k.Example)
		if err != nil || len(q.Terms) != 1 || q.Terms[0].Key != k.Name || q.String() != k.Example {
			t.Errorf("the example of %s is %s: %v", k.Name, k.Example, err)
		}
		for _, n := range append([]string{k.Name}, k.Aliases...) {
			if seen[n] {
				t.Errorf("%s is there twice", n)
			}
			seen[n] = true
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, k := range Keys() {
		f.Add(k.Example)
	}
	f.Add(`-"a \"b\"" rule:"x y*",\* (c) age:>1h`)
	f.Fuzz(func(t *testing.T, text string) {
		Suggest(text, len(text)/2)
		q, err := Parse(text)
		if err != nil {
			m, ok := errors.AsType[*Mistake](err)
			if !ok || m.Start < 0 || m.End < m.Start || m.End > len(text) || m.Text == "" {
				t.Fatalf("%#v", err)
			}
			return
		}
		printed := q.String()
		again, err := Parse(printed)
		if err != nil && len(printed) <= MaxText {
			t.Fatalf("%q prints %q: %v", text, printed, err)
		}
		if err == nil && again.String() != printed {
			t.Fatalf("%q prints %q, then %q", text, printed, again.String())
		}
		for i := range q.Terms {
			for _, v := range q.Terms[i].Values {
				v.Match(text)
				v.MatchPath(text)
			}
		}
	})
}
