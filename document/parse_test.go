package document

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

func parse(name, text string) (*Document, []source.Problem) {
	return Parse(&source.File{Path: name, Bytes: []byte(text)}, dialect.Limits{})
}

// scalarCases holds one way each to write a text, and the bytes that it takes: key k of the root.
var scalarCases = []struct{ in, bytes, text string }{
	{"k: v\n", "v", "v"},
	{"k: v", "v", "v"},
	{"k: v # c\n", "v", "v"},
	{"k: v#c\n", "v#c", "v#c"},
	{"k: a b\tc \nl: 1\n", "a b\tc", "a b\tc"},
	{"k: a\n  b\n\n  c\nl: 1\n", "a\n  b\n\n  c", "a b\nc"},
	{"k:\n  a\n  b # c\nl: 1\n", "a\n  b", "a b"},
	{"k: a\r\n  b\r\nl: 1\r\n", "a\r\n  b", "a b"},
	{"k: 'a''b' # c\n", "'a''b'", "a'b"},
	{"k: 'a\n\n  b'\n", "'a\n\n  b'", "a\nb"},
	{"k: \"a\\\"b\\\\\"\n", `"a\"b\\"`, `a"b\`},
	{"k: \"a\\\n  b\"\n", "\"a\\\n  b\"", "ab"},
	{"k: !t v\n", "!t v", "v"},
	{"k: &x v\n", "&x v", "v"},
	{"k: !t &x v\n", "!t &x v", "v"},
	{"k: &x !t\n  v\n", "&x !t\n  v", "v"},
	{"k: !t\nl: 1\n", "!t", ""},
	{"k: &x\nl: &y v\n", "&x", ""},
	{"k: !<tag:a,b> v\n", "!<tag:a,b> v", "v"},
	{"k:\nl: 1\n", "", ""},
	{"k: |\n  a\n  b\nl: 1\n", "|\n  a\n  b", "a\nb\n"},
	{"k: | # c\n  a\n\n\nl: 1\n", "| # c\n  a", "a\n"},
	{"k: |-\n  a\n\nl: 1\n", "|-\n  a", "a"},
	{"k: |+\n  a\n\nl: 1\n", "|+\n  a\n", "a\n\n"},
	{"k: |2\n    a\n   b\nl: 1\n", "|2\n    a\n   b", "  a\n b\n"},
	{"k: >\n  a\n  b\n\n  c\nl: 1\n", ">\n  a\n  b\n\n  c", "a b\nc\n"},
	{"k: |\n\n  a\n # less\nl: 1\n", "|\n\n  a", "\na\n"},
	{"k: |\nl: 1\n", "|", ""},
	{"k: |\r\n  a\r\n  b\r\nl: 1\r\n", "|\r\n  a\r\n  b", "a\nb\n"},
	{"k: |\n  a", "|\n  a", "a"},
	{"\ufeffk: ü # c\n", "ü", "ü"},
	{"{k: v, l: 1}\n", "v", "v"},
	{"{k: a\n b, l: 1}\n", "a\n b", "a b"},
	{"{k: , l: 1}\n", "", ""},
	{"{\"k\":v}\n", "v", "v"},
	{"? k\n: v\n", "v", "v"},
	{"{日本: 語, k: 話}\n", "話", "話"},
	{"k: http://a/b?c#d\n", "http://a/b?c#d", "http://a/b?c#d"},
	{"--- # c\nk: v\n...\n", "v", "v"},
	{"%YAML 1.1\n---\nk: v\n", "v", "v"},
}

func TestRanges_scalars(t *testing.T) {
	for _, c := range scalarCases {
		d, problems := parse("f.yaml", c.in)
		if len(problems) > 0 || len(d.Roots) != 1 {
			t.Errorf("%q: %v, %d roots", c.in, problems, len(d.Roots))
			continue
		}
		n := d.Roots[0].Get("k")
		if got := d.File.Text(n.Range); n.Text != c.text || got != c.bytes {
			t.Errorf("%q: text %q at %q, want %q at %q", c.in, n.Text, got, c.text, c.bytes)
		}
		checkRanges(t, d)
	}
}

func TestRanges_collections(t *testing.T) {
	for _, c := range []struct{ in, value, entry string }{
		{"k:\n  a: 1\n  b: 2 # c\nl: 1\n", "a: 1\n  b: 2", "k:\n  a: 1\n  b: 2"},
		{"k:\n- 1\n-\n  a: 2\nl: 1\n", "- 1\n-\n  a: 2", "k:\n- 1\n-\n  a: 2"},
		{"k:\n- 1\n-\nl: 1\n", "- 1\n-", "k:\n- 1\n-"},
		{"k: &x !t\n  a: 1\nl: 1\n", "&x !t\n  a: 1", "k: &x !t\n  a: 1"},
		{"k: [1, [2, 3], ] # c\n", "[1, [2, 3], ]", "k: [1, [2, 3], ]"},
		{"k: [1, # ]\n 2 ]\n", "[1, # ]\n 2 ]", "k: [1, # ]\n 2 ]"},
		{"k: {a: {b: }}\n", "{a: {b: }}", "k: {a: {b: }}"},
		{"k: []\n", "[]", "k: []"},
		{"k: {} # }\n", "{}", "k: {}"},
		{"k: [a: 1, b]\n", "[a: 1, b]", "k: [a: 1, b]"},
		{"l: &x [1]\nk: *x # c\n", "[1]", "k: *x"},
		{"k:\n  a:\nl: 1\n", "a:", "k:\n  a:"},
	} {
		d, problems := parse("f.yaml", c.in)
		if len(problems) > 0 {
			t.Errorf("%q: %v", c.in, problems)
			continue
		}
		m := d.Roots[0].Member("k")
		value := strings.TrimPrefix(d.File.Text(m.Value.Range), "&x ")
		if value != strings.TrimPrefix(c.value, "&x ") || d.File.Text(m.Range) != c.entry {
			t.Errorf("%q: %q in %q, want %q in %q", c.in, value, d.File.Text(m.Range), c.value, c.entry)
		}
		checkRanges(t, d)
	}
}

func TestMerge(t *testing.T) {
	d, problems := parse("f.yaml", "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc:\n  <<: [*a, *b]\n  x: 5\n  w: 6\nd:\n  <<: *a\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for key, want := range map[string]string{"c": `{"w": 6, "x": 5, "y": 2, "z": 4}`, "d": `{"x": 1, "y": 2}`} {
		v := d.Roots[0].Get(key).Value(false, nil)
		if got := value.Show(&v); got != want {
			t.Errorf("%s = %s, want %s", key, got, want)
		}
	}
	if m := d.Roots[0].Get("c").Member("y"); !m.Merged || d.File.Text(m.Range) != "y: 2" {
		t.Errorf("y is at %q, merged %v; want where it stands", d.File.Text(m.Range), m.Merged)
	}
}

func TestPlain(t *testing.T) {
	for _, c := range []struct{ text, core, old string }{
		{"true", "true", "true"}, {"yes", `"yes"`, "true"}, {"OFF", `"OFF"`, "false"}, {"y", `"y"`, `"y"`},
		{"~", "null", "null"}, {"", "null", "null"}, {"Null", "null", "null"}, {"none", `"none"`, `"none"`},
		{"12", "12", "12"}, {"-3", "-3", "-3"}, {"+3", "3", "3"}, {"0644", "644", "420"}, {"0o17", "15", `"0o17"`}, {"0x1f", "31", "31"},
		{"1e3", "1000", `"1e3"`}, {"1.5e+3", "1500", "1500"}, {".5", "0.5", "0.5"}, {"1.", "1", "1"}, {".", `"."`, `"."`}, {"-", `"-"`, `"-"`},
		{"22:30", `"22:30"`, "1350"}, {"1_000", `"1_000"`, "1000"}, {"0b11", `"0b11"`, "3"}, {"1.2.3", `"1.2.3"`, `"1.2.3"`},
		{"2012-10-17", `"2012-10-17"`, `"2012-10-17"`}, {".inf", `".inf"`, `".inf"`}, {"123456789012345678901", "123456789012345678901", "123456789012345678901"},
		{"08", "8", "8"},
	} {
		core, old := ReadPlain(c.text, false), ReadPlain(c.text, true)
		if a, b := value.Show(&core), value.Show(&old); a != c.core || b != c.old {
			t.Errorf("%q reads %s and as YAML 1.1 %s, want %s and %s", c.text, a, b, c.core, c.old)
		}
	}
}

func TestProblems(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "]\n"
	}
	for _, c := range []struct {
		name, file, in string
		kind           source.ProblemKind
		line           int
		roots          int
		message        string
	}{
		{"truncated flow", "f.yaml", "a: 1\nb: [1,\n", source.Invalid, 2, 0, ""},
		{"unclosed flow", "f.yaml", "a: 1\nb: [1, 2\nc: 3\nd: 4\n", source.Invalid, 4, 0, "line 2"},
		{"unclosed quote", "f.yaml", "a: 1\nb: \"x\nc: 3\n", source.Invalid, 3, 0, ""},
		{"tab", "f.yaml", "a:\n\tb: 1\n", source.Invalid, 2, 0, "tab"},
		{"bad indentation", "f.yaml", "a:\n    b: 1\n  c: 2\nd: 3\n", source.Invalid, 3, 0, ""},
		{"the document before", "f.yaml", "a: 1\n---\nb: [\n", source.Invalid, 3, 1, ""},
		{"double key", "f.yaml", "a: 1\nb: 2\na: 3\n", source.Invalid, 3, 1, "line 1 already"},
		{"unknown anchor", "f.yaml", "a: 1\nb: *x\nc: 1\n", source.Invalid, 2, 0, "*x"},
		{"anchor in itself", "f.yaml", "a: &a\n  b: *a\n", source.Invalid, 2, 0, "inside"},
		{"merge of itself", "f.yaml", "a: &a\n  <<: *a\n", source.Invalid, 2, 0, "inside"},
		{"merge of a scalar", "f.yaml", "a: 1\n<<: 2\n", source.Invalid, 2, 1, "merge"},
		{"alias bomb", "f.yaml", bomb, source.Limit, 1, 0, "aliases"},
		{"control sign", "f.yaml", "a: 1\nb: \x01\n", source.Invalid, 2, 0, "control"},
		{"nothing", "f.yaml", "", "", 0, 0, ""},
		{"only a comment", "f.yaml", "# x\n", "", 0, 0, ""},
		{"python", "f.yaml", "a: !!python/object:os.system x\n", "", 0, 1, ""},
		{"brackets", "f.yaml", strings.Repeat("[", 100_000), source.Limit, 1, 0, "nest"},
		{"closed brackets", "f.yaml", strings.Repeat("[", 1000) + strings.Repeat("]", 1000), source.Limit, 1, 0, "nest"},
		{"dashes", "f.yaml", strings.Repeat("- ", 100_000), source.Limit, 1, 0, "nest"},
		{"brackets in JSON", "f.json", strings.Repeat("[", 100_000), source.Limit, 1, 0, "nest"},
		{"truncated JSON", "f.json", "{\n  \"a\": [1,\n", source.Invalid, 3, 0, ""},
		{"trailing garbage", "f.json", "{\"a\": 1}\nx", source.Invalid, 2, 1, "behind"},
		{"comma before the end", "f.json", "{\"a\": 1,\n}", source.Invalid, 1, 0, "comma"},
		{"double key in JSON", "f.json", "{\"a\": 1,\n\"a\": 2}", source.Invalid, 2, 1, "line 1"},
		{"no JSON", "f.json", "a: 1\n", source.Invalid, 1, 0, ""},
		{"JSON comments", "f.json", "// x\n{\"a\": /* y */ 1}", "", 0, 1, ""},
		{"JSON in YAML", "f.yaml", "{\"a\": 1,}", "", 0, 1, ""},
		{"truncated JSON in YAML", "f.yaml", "{\n\"a\": 1,\n\"b\": {", source.Invalid, 3, 0, ""},
		{"too many values", "f.yaml", "[" + strings.Repeat("1,", 3_000_000) + "]", source.Limit, 1, 0, "values"},
	} {
		d, problems := parse(c.file, c.in)
		if len(d.Roots) != c.roots {
			t.Errorf("%s: %d roots, want %d", c.name, len(d.Roots), c.roots)
		}
		if c.kind == "" {
			if len(problems) > 0 {
				t.Errorf("%s: %v, want no problem", c.name, problems)
			}
			continue
		}
		if len(problems) != 1 {
			t.Errorf("%s: %v, want one problem", c.name, problems)
			continue
		}
		p := problems[0]
		if line := d.File.Position(p.Range.Start).Line; p.Kind != c.kind || line != c.line || !strings.Contains(p.Message, c.message) {
			t.Errorf("%s: %s at line %d: %s; want %s at line %d with %q", c.name, p.Kind, line, p.Message, c.kind, c.line, c.message)
		}
	}
}

func TestComments(t *testing.T) {
	const text = `# head
a: 1 # beside a
# one
# two
b:
  # on c
  - c: "# no" # beside c

  # far

  - d: |  # beside d
      # no
      x
e: [1, # beside e
  2] # end
f: 'x
  # no' # beside f
# last
`
	d, problems := parse("f.yaml", text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got []string
	for _, c := range d.Comments {
		target := ""
		if !c.Target.IsZero() {
			target, _, _ = strings.Cut(d.File.Text(c.Target), "\n")
		}
		alone := " beside "
		if c.Alone {
			alone = " above "
		}
		got = append(got, c.Text+alone+target)
	}
	want := []string{
		"head above a: 1", "beside a beside a: 1", "one above b:", "two above b:", "on c above - c: \"# no\" # beside c"[:20],
		"beside c beside - c: \"# no\"", "far above ", "beside d beside - d: |  # beside d", "beside e beside e: [1, # beside e",
		"end beside 2", "beside f beside f: 'x", "last above ",
	}
	want[4] = "on c above - c: \"# no\""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	item := d.item(d.Roots[0].Get("b"), 0)
	d.Frame([]source.Range{item, d.Roots[0].Member("e").Range})
	for _, c := range d.Comments {
		if want := c.Text == "beside e"; (c.Block == d.Roots[0].Member("e").Range) != want {
			t.Errorf("the block of %q is %v", c.Text, c.Block)
		}
	}
}
