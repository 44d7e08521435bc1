package document

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// fromJSON makes a value of JSON text.
func fromJSON(t testing.TB, text string) value.Value {
	t.Helper()
	var d any
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	doc, problems := Parse(&source.File{Path: "v.json", Bytes: []byte(text)}, dialect.Limits{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	v := doc.Roots[0].Value(false, nil)
	return normal(v)
}

// parseWish reads "set a.b JSON", "add a JSON" and "remove a".
func parseWish(t testing.TB, d *Document, line string) Change {
	t.Helper()
	op, rest, _ := strings.Cut(line, " ")
	name, text, _ := strings.Cut(rest, " ")
	path, ok := value.ParsePath(name)
	if !ok || len(d.Roots) == 0 {
		t.Fatalf("bad wish %q", line)
	}
	c := Change{Op: resource.ChangeOp(op), At: d.Roots[0], Path: path}
	if text != "" {
		c.Value = fromJSON(t, text)
	}
	return c
}

func edited(t testing.TB, name, text string, wishes []string) (string, error) {
	t.Helper()
	f := &source.File{Path: name, Bytes: []byte(text)}
	d, _ := Parse(f, dialect.Limits{})
	var changes []Change
	for _, w := range wishes {
		changes = append(changes, parseWish(t, d, w))
	}
	edits, err := d.Edit(changes)
	if err != nil {
		return "", err
	}
	out, err := source.Apply(f.Bytes, edits)
	return string(out), err
}

var editCases = []struct {
	name, in string
	wishes   string // separated by " ; "
	want     string
}{
	{"scalar", "a: 1 # one\nb: 2\n", "set a 3", "a: 3 # one\nb: 2\n"},
	{"already", "a: 1\n", "set a 1", "a: 1\n"},
	{"text needs quotes", "a: x\n", `set a "yes"`, "a: \"yes\"\n"},
	{"quotes stay", "a: 'x'\nb: \"y\"\n", `set a "z" ; set b "w"`, "a: 'z'\nb: \"w\"\n"},
	{"neighbours' quotes", "a: 'x'\nb: 'y'\n", `set c "z"`, "a: 'x'\nb: 'y'\nc: 'z'\n"},
	{"null filled", "a:\nb: 1\n", `set a true`, "a: true\nb: 1\n"},
	{"null filled beside a comment", "a: # why\nb: 1\n", `set a true`, "a: true # why\nb: 1\n"},
	{"null to mapping", "a: # why\nb: 1\n", `set a.x true`, "a: # why\n  x: true\nb: 1\n"},
	{"empty to mapping", "a: {}\nb: 1\n", `set a.x true ; set a.y 2`, "a:\n  x: true\n  y: 2\nb: 1\n"},
	{"empty to list", "a: []\n", `add a 1`, "a:\n  - 1\n"},
	{"tilde", "a: ~ # c\n", `set a {"x":[1,"b"]}`, "a: # c\n  x:\n    - 1\n    - b\n"},
	{"missing path", "a:\n    b: 1\n", `set a.c.d 2 ; set a.c.e 3`, "a:\n    b: 1\n    c:\n        d: 2\n        e: 3\n"},
	{"no line end", "a:\n  b: 1", `set a.c 2`, "a:\n  b: 1\n  c: 2"},
	{"CRLF", "a:\r\n  b: 1\r\n", `set a.c {"d":1}`, "a:\r\n  b: 1\r\n  c:\r\n    d: 1\r\n"},
	{"CRLF remove", "a: 1\r\nb: 2\r\nc: 3\r\n", `remove b`, "a: 1\r\nc: 3\r\n"},
	{"dash styles, flush", "x:\n- a\n", `set y ["b"]`, "x:\n- a\ny:\n- b\n"},
	{"dash styles, indented", "x:\n  - a\n", `set y ["b"]`, "x:\n  - a\ny:\n  - b\n"},
	{"append", "x:\n- a: 1\n  b: 2 # c\n# tail\ny: 1\n", `add x {"a":3,"b":4}`, "x:\n- a: 1\n  b: 2 # c\n- a: 3\n  b: 4\n# tail\ny: 1\n"},
	{"append what is there", "x:\n- a\n", `add x "a"`, "x:\n- a\n"},
	{"append twice", "x: [a]\n", `add x "b" ; add x "b" ; add x "c"`, "x: [a, b, c]\n"},
	{"in an item", "x:\n  - a: 1\n", `set x[0].b 2`, "x:\n  - a: 1\n    b: 2\n"},
	{"remove first behind a dash", "x:\n  - a: 1\n    b: 2\n", `remove x[0].a`, "x:\n  - b: 2\n"},
	{"remove all", "x:\n  a: 1 # c\ny: 2\n", `remove x.a`, "x: {} # c\ny: 2\n"},
	{"remove item", "x:\n  - a\n  - b # c\n  - d\n", `remove x[1]`, "x:\n  - a\n  - d\n"},
	{"remove missing", "x: 1\n", `remove y ; remove z.a`, "x: 1\n"},
	{"comment above stays", "# about a\na: 1\nb: 2\n", `remove a`, "# about a\nb: 2\n"},
	{"remove the last line", "a: 1\nb: 2", `remove b`, "a: 1"},
	{"literal replaced", "a: |\n  x\n  y\nb: 1\n", `set a "z"`, "a: z\nb: 1\n"},
	{"literal written", "a: x\nb: 1\n", `set a "one\ntwo\n"`, "a: |\n  one\n  two\nb: 1\n"},
	{"literal written beside a comment", "a: x # c\nb: 1\n", `set a "one\ntwo"`, "a: |- # c\n  one\n  two\nb: 1\n"},
	{"literal in the place of a mapping", "a: # c\n  b: 1\nb: 1\n", `set a "one\ntwo\n"`, "a: | # c\n  one\n  two\nb: 1\n"},
	{"literal at the end of a file", "a:\n  b: 1", `set a "one\ntwo\n"`, "a: |\n  one\n  two\n"},
	{"literal added at the end of a file", "a: 1", `set b "one\ntwo\n"`, "a: 1\nb: |\n  one\n  two\n"},
	{"mapping behind a dash, beside a comment", "a:\n- x # c\n", `set a[0] {"k":1,"l":2}`, "a:\n- k: 1 # c\n  l: 2\n"},
	{"literal at the end", "a: |\n  x\n", `set b 1`, "a: |\n  x\nb: 1\n"},
	{"mapping to scalar", "a:\n  b: 1\n  c: 2\nd: 3\n", `set a "x"`, "a: x\nd: 3\n"},
	{"mapping to scalar keeps the comment beside", "a: # why\n  b: 1\nd: 3\n", `set a "x"`, "a: x # why\nd: 3\n"},
	{"object settled entry by entry", "a:\n  # b\n  b: 1\n  c: 2 # c\n  d: 3\n", `set a {"b":5,"c":2,"e":6}`, "a:\n  # b\n  b: 5\n  c: 2 # c\n  e: 6\n"},
	{"list shortened", "a: [1, 2, 3]\n", `set a [1, 3]`, "a: [1, 3]\n"},
	{"list changed", "a:\n- 1\n- 2 # two\n", `set a [1, 3]`, "a:\n- 1\n- 3 # two\n"},
	{"anchor stays", "a: &x 1\nb: *x\n", `set a 2`, "a: &x 2\nb: *x\n"},
	{"alias replaced where it stands", "a: &x 1\nb: *x\n", `set b 2`, "a: &x 1\nb: 2\n"},
	{"through an alias", "a: &x\n  k: 1\nb: *x\n", `set b.k 2`, "a: &x\n  k: 2\nb: *x\n"},
	{"beside a merge", "d: &d\n  k: 1\na:\n  <<: *d\n  l: 2\n", `set a.k 2`, "d: &d\n  k: 1\na:\n  <<: *d\n  l: 2\n  k: 2\n"},
	{"tag goes", "a: !Ref x # c\n", `set a true`, "a: true # c\n"},
	{"tag written", "a: 1\n", `set b {"!Sub":"${x}"}`, "a: 1\nb: !Sub ${x}\n"},
	{"flow set", "a: {b: 1, c: 2} # c\n", `set a.b "x"`, "a: {b: x, c: 2} # c\n"},
	{"flow add", "a: {b: 1}\n", `set a.c [1]`, "a: {b: 1, c: [1]}\n"},
	{"flow add, a tight list elsewhere", "x: [1,2]\na: {b: 1}\n", `set a.c 2`, "x: [1,2]\na: {b: 1, c: 2}\n"},
	{"flow add, spaced beside tight ones", "x: [1,2]\ny: {p: 1,q: 2}\na: {b: 1, c: 2}\n", `set a.d {"e":1,"f":2}`, "x: [1,2]\ny: {p: 1,q: 2}\na: {b: 1, c: 2, d: {e: 1,f: 2}}\n"},
	{"flow add, tight beside a spaced list", "x: [1, 2]\na: [b,c]\n", `add a "d"`, "x: [1, 2]\na: [b,c,d]\n"},
	{"flow remove", "a: {b: 1, c: 2, d: 3}\n", `remove a.c`, "a: {b: 1, d: 3}\n"},
	{"flow remove last", "a: {b: 1, c: 2}\n", `remove a.c`, "a: {b: 1}\n"},
	{"flow remove all", "a: {b: 1, c: 2}\n", `remove a.c ; remove a.b`, "a: {}\n"},
	{"flow over lines", "a: [\n  1,\n  2\n]\n", `add a 3`, "a: [\n  1,\n  2,\n  3\n]\n"},
	{"flow over lines with a comma and comments", "a: [\n  1, # one\n  2, # two\n]\n", `add a 3`, "a: [\n  1, # one\n  2, # two\n  3,\n]\n"},
	{"flow over lines with a comment", "a: [\n  1, # one\n  2 # two\n]\n", `add a 3`, "a: [\n  1, # one\n  2, # two\n  3\n]\n"},
	{"flow remove line", "a: [\n  1, # one\n  2, # two\n  3 # three\n]\n", `remove a[1]`, "a: [\n  1, # one\n  3 # three\n]\n"},
	{"flow remove last line", "a: [\n  1, # one\n  2 # two\n]\n", `remove a[1]`, "a: [\n  1 # one\n]\n"},
	{"wide signs", "ä: {ö: ü, x: 1} # é\n", `set ["ä"].x "日本"`, "ä: {ö: ü, x: 日本} # é\n"},
	{"byte order mark", "\ufeffa: 1\nb: 2\n", `set a 2 ; set c 3`, "\ufeffa: 2\nb: 2\nc: 3\n"},
	{"special texts", "a: x\n", `set a "@x" ; set b "- x" ; set c "a: b" ; set d "a #b" ; set e "" ; set f "12" ; set g "2012-10-17" ; set h " x" ; set i "*" ; set j "null"`,
		"a: \"@x\"\nb: \"- x\"\nc: \"a: b\"\nd: \"a #b\"\ne: \"\"\nf: \"12\"\ng: \"2012-10-17\"\nh: \" x\"\ni: \"*\"\nj: \"null\"\n"},
	{"items of items", "a:\n- - 1\n  - 2\n", `add a[0] 3 ; set a[1] [4]`, "a:\n- - 1\n  - 2\n  - 3\n- - 4\n"},
	{"behind the end of a document", "a: 1\n---\nb: 2\n", `set c 3`, "a: 1\nc: 3\n---\nb: 2\n"},
	{"a removed and one added", "a: 1\nb: 2\n", `remove b ; set c 3`, "a: 1\nc: 3\n"},
	{"sequence to mapping", "a:\n- 1\nb: 1\n", `set a {"x":1}`, "a:\n  x: 1\nb: 1\n"},
	{"twice the same key", "a: 1\na: 2\n", `set a 3`, "a: 1\na: 3\n"},
	{"remove a double key", "a: 1\nb: 0\na: 2\n", `remove a`, "b: 0\n"},
}

var editCasesJSON = []struct {
	name, in string
	wishes   string
	want     string
}{
	{"scalar", `{"a": 1, "b": 2}`, `set a "x"`, `{"a": "x", "b": 2}`},
	{"add", `{"a": 1}`, `set b {"c":[1,2]}`, `{"a": 1, "b": {"c": [1, 2]}}`},
	{"add tight", `{"a":1,"c":[1,2]}`, `set b {"c":[1,2]}`, `{"a":1,"c":[1,2],"b":{"c":[1,2]}}`},
	{"add over lines", "{\n    \"a\": 1\n}\n", `set b {"c":[1]}`, "{\n    \"a\": 1,\n    \"b\": {\n        \"c\": [\n            1\n        ]\n    }\n}\n"},
	{"tabs", "{\n\t\"a\": {\n\t\t\"b\": 1\n\t}\n}", `set a.c {"d":1}`, "{\n\t\"a\": {\n\t\t\"b\": 1,\n\t\t\"c\": {\n\t\t\t\"d\": 1\n\t\t}\n\t}\n}"},
	{"into an empty one", "{\n  \"a\": {}\n}\n", `set a.b 1`, "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n"},
	{"into a null", "{\n  \"a\": null\n}\n", `set a.b 1`, "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n"},
	{"remove", "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n", `remove b`, "{\n  \"a\": 1,\n  \"c\": 3\n}\n"},
	{"remove last", "{\n  \"a\": 1,\n  \"b\": 2\n}\n", `remove b`, "{\n  \"a\": 1\n}\n"},
	{"remove two last", "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 2\n}\n", `remove b ; remove c`, "{\n  \"a\": 1\n}\n"},
	{"remove all", "{\n  \"a\": 1\n}\n", `remove a`, "{}\n"},
	{"comments", "{\n  // about a\n  \"a\": 1, // one\n  /* b */ \"b\": 2\n}\n", `set a 3 ; set c 4`, "{\n  // about a\n  \"a\": 3, // one\n  /* b */ \"b\": 2, \"c\": 4\n}\n"},
	{"escapes", `{"a": "x"}`, `set a "q\"\\\n\u00e9"`, `{"a": "q\"\\\né"}`},
	{"exchange", "{\n  \"a\": [\n    1,\n    2\n  ]\n}", `set a [1, 3, 4]`, "{\n  \"a\": [\n    1,\n    3,\n    4\n  ]\n}"},
	{"CRLF", "{\r\n  \"a\": 1\r\n}\r\n", `set b [1]`, "{\r\n  \"a\": 1,\r\n  \"b\": [\r\n    1\r\n  ]\r\n}\r\n"},
}

func TestEdit(t *testing.T) {
	run := func(file, name, in, wishes, want string) {
		t.Run(file+"/"+name, func(t *testing.T) {
			got, err := edited(t, file, in, strings.Split(wishes, " ; "))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			again, err := edited(t, file, got, strings.Split(wishes, " ; "))
			if strings.Contains(wishes, "remove a[") || strings.Contains(wishes, "remove x[") {
				return // an index names another element afterwards
			}
			if err != nil || again != got {
				t.Errorf("edited twice: %q, %v; want no edits", again, err)
			}
		})
	}
	for _, c := range editCases {
		run("f.yaml", c.name, c.in, c.wishes, c.want)
	}
	for _, c := range editCasesJSON {
		run("f.json", c.name, c.in, c.wishes, c.want)
	}
}
