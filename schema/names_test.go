package schema

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/value"
)

var sameValue = cmp.Comparer(func(a, b value.Value) bool { return a.Equal(&b) })

// TestNames reads every table.
func TestNames(t *testing.T) {
	dialects := NamedDialects()
	if len(dialects) == 0 {
		t.Fatal("there are no tables")
	}
	for _, d := range dialects {
		for _, err := range CheckNames(d) {
			t.Error(err)
		}
	}
}

func TestNamesLookup(t *testing.T) {
	tree := fstest.MapFS{
		"names/d/a.names": {Data: []byte("# remark\n\nignore case\n\nX::A, X::B = aws_a when k = 1\n    a: b\nX::A = aws_b\n    c -> aws_c(x: id)\n        d[] -> aws_d\n")},
		"names/d/b.names": {Data: []byte("X::C = aws_a\n    . -> aws_c\n")},
		"names/e/b.names": {Data: []byte("X::D = aws_a\n")},
	}
	n, err := ReadNames(tree, "d")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"X::A", "X::B", "X::C"}, n.Types()); diff != "" {
		t.Error(diff)
	}
	if got := n.Canonical("x::a"); got != "X::A" {
		t.Errorf("Canonical(x::a) is %q", got)
	}
	if got := n.Canonical("X::D"); got != "" {
		t.Errorf("Canonical(X::D) is %q", got)
	}
	var wheres []string
	for _, b := range n.Blocks("X::A") {
		wheres = append(wheres, b.Where+" "+b.Type)
	}
	if diff := cmp.Diff([]string{"d/a.names:5 aws_a", "d/a.names:7 aws_b"}, wheres); diff != "" {
		t.Error(diff)
	}
	for typ, want := range map[string][]string{
		"aws_a": {"X::A", "X::B", "X::C"}, "aws_b": {"X::A"}, "aws_c": {"X::A", "X::C"}, "aws_d": {"X::A"}, "aws_e": nil,
	} {
		if diff := cmp.Diff(want, n.Natives(typ)); diff != "" {
			t.Errorf("%s: %s", typ, diff)
		}
	}
	if got := len(n.Making("aws_a")); got != 2 {
		t.Errorf("%d blocks make aws_a", got)
	}
}

func TestParseBlock(t *testing.T) {
	text := func(s string) value.Value { return value.Value{Kind: value.String, Text: s} }
	name := func(names ...string) (out []NameStep) {
		for _, n := range names {
			out = append(out, NameStep{Name: n})
		}
		return out
	}
	for _, c := range []struct {
		text string
		want *Block
	}{
		{"T = aws_t when a.b = x|y z and c unset and d has \"a and b\"   # why\n", &Block{Native: []string{"T"}, Type: "aws_t", When: []Test{
			{Path: name("a", "b"), Op: "=", Words: []string{"x", "y z"}},
			{Path: name("c"), Op: "unset"},
			{Path: name("d"), Op: "has", Words: []string{"a and b"}},
		}}},
		{"T = aws_t\n    Ref: id, name\n    GetAtt A.B: arn\n    hook h\n", &Block{Native: []string{"T"}, Type: "aws_t", Hook: "h", Yields: []Yield{
			{Attributes: []string{"id", "name"}}, {Name: "A.B", Attributes: []string{"arn"}},
		}}},
		{"T = aws_t\n    a/b.\"c.d\"[].e: . | enum \"a b\"=c ENABLED=true | not\n", &Block{Native: []string{"T"}, Type: "aws_t", Rows: []Row{{
			Kind: Same, Native: append([]NameStep{{Name: "a", Aliases: []string{"b"}}, {Name: "c.d"}, {Each: true}}, name("e")...),
			Convert: []Conversion{{"enum", []string{"a b=c", "ENABLED=true"}}, {"not", []string{}}}, Where: ":2",
		}}}},
		{"T = aws_t\n    a: b\n        c[k=v.w].x: d[1]\n        ? e unknown\n    = f {\"g\": [\"h\"]}\n    i: ~\n", &Block{Native: []string{"T"}, Type: "aws_t", Rows: []Row{
			{Kind: Same, Native: name("a"), Target: name("b"), Where: ":2", Rows: []Row{
				{Kind: Same, Native: append(append(name("c"), NameStep{Key: "k", Words: []string{"v.w"}}), name("x")...), Target: append(name("d"), NameStep{Index: 1}), Where: ":3"},
				{Kind: Otherwise, Target: name("e"), Value: value.Value{Kind: value.Unknown}, Where: ":4"},
			}},
			{Kind: Constant, Target: name("f"), Where: ":5", Value: value.Value{Kind: value.Object, Fields: []value.Field{
				{Name: "g", Value: value.Value{Kind: value.List, Items: []value.Value{text("h")}}}}}},
			{Kind: Nowhere, Native: name("i"), Where: ":6"},
		}}},
		{"T = aws_t\n    a{}: b[]\n        $: c\n        d[k!=1,2].e: f\n", &Block{Native: []string{"T"}, Type: "aws_t", Rows: []Row{
			{Kind: Same, Native: append(name("a"), NameStep{Each: true, Map: true}), Target: append(name("b"), NameStep{Each: true}), Where: ":2", Rows: []Row{
				{Kind: Same, Native: name("$"), Target: name("c"), Where: ":3"},
				{Kind: Same, Native: append(append(name("d"), NameStep{Each: true, Key: "k", Words: []string{"1", "2"}}), name("e")...), Target: name("f"), Where: ":4"},
			}},
		}}},
		{"T = aws_t\n    a[] -> aws_u(b: id, c: arn) when .k = 1 and m set\n        n: o\n    . -> aws_v\n", &Block{Native: []string{"T"}, Type: "aws_t", Rows: []Row{
			{Kind: Companion, Native: append(name("a"), NameStep{Each: true}), Type: "aws_u", Links: []Anchor{{"b", "id"}, {"c", "arn"}}, Where: ":2",
				When: []Test{{Path: name("k"), Inner: true, Op: "=", Words: []string{"1"}}, {Path: name("m"), Op: "set"}},
				Rows: []Row{{Kind: Same, Native: name("n"), Target: name("o"), Where: ":3"}}},
			{Kind: Companion, Type: "aws_v", Where: ":4"},
		}}},
	} {
		got, err := parseBlock(&section{line: 1, text: c.text})
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		c.want.Where = ":1"
		if diff := cmp.Diff(c.want, got, sameValue); diff != "" {
			t.Errorf("%s: %s", c.text, diff)
		}
	}
}

func TestParseBlock_mistakes(t *testing.T) {
	for _, c := range [][2]string{
		{"T", ":1: \"T\" is not TYPE"},
		{"T = a b", ":1: \"a b\" is not the name"},
		{"T, = a", ":1: a type has no name"},
		{"T = a\n  x: y", ":2: the line must stand in"},
		{"T = a\n        x: y", ":2: the line must stand in"},
		{"T = a\n    x: y | not\n        z: y", ":3: the line must stand in"},
		{"T = a\n    x y", ":2: \"x y\" is no row"},
		{"T = a\n    x..y: z", "is no path"},
		{"T = a\n    x[: z", "is no row"},
		{"T = a\n    x[y]: z", "is no path"},
		{"T = a\n    x: z |", "a conversion has no name"},
		{"T = a\n    x: ~ | not", "not converted"},
		{"T = a\n    = x yes", "invalid character"},
		{"T = a\n    ? x", "is not terraform.path JSON"},
		{"T = a\n    x -> b(c)", "is not attribute: attribute"},
		{"T = a\n    x -> b(c: d", "a parenthesis is not closed"},
		{"T = a when x", "is no test"},
		{"T = a\n    Ref: a\n    Ref: b", "said already"},
		{"T = a\n    GetAtt X", "a reference yields"},
	} {
		if _, err := parseBlock(&section{line: 1, text: c[0]}); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v, want %s", c[0], err, c[1])
		}
	}
}
