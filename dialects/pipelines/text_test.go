package pipelines

import (
	"strings"
	"testing"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
)

// TestTextRange holds that each word of a decoded text is found where it was written, in every style of YAML and in JSON.
func TestTextRange(t *testing.T) {
	for _, test := range []struct{ name, text string }{
		{"plain", "run: make one two\n"},
		{"plain lines", "run: make\n  one\n\n  two\n"},
		{"single", "run: 'make one two'\n"},
		{"single with quotes", "run: 'make ''x'' one\n\n   two'\n"},
		{"double", `run: "make \"x\" \t\x41\u00e4\U0001F600 one two"` + "\n"},
		{"double lines", "run: \"make \\\n   one\n   two\"\n"},
		{"literal", "run: |\n  make\n  one\n\n    two\n"},
		{"literal indented by number", "run: |2\n    make\n  one\n  two\n"},
		{"literal, CRLF", "run: |\r\n  make\r\n  one\r\n  two\r\n"},
		{"literal, kept", "run: |+\n\n  make one\n  two\n\n"},
		{"literal with a remark", "run: | # x\n  make one two\n"},
		{"folded", "run: >-\n  make\n  one\n\n\n  two\n"},
		{"folded, deeper lines", "run: >\n  make\n    deeper\n    one\n  two\n"},
		{"anchored", "run: &a !!str\n  make one two\n"},
		{"anchored literal", "run: &a |\n      make\n      one\n      two\n"},
		{"json", `{"run": "make \n \ud83d\ude00 one two"}`},
		{"not ASCII", "run: |\n  make ä😀 one\n  ü two\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &source.File{Path: "a.yaml", Bytes: []byte(test.text)}
			doc, problems := document.Parse(f, dialect.Limits{})
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			text := Join(func(string) *source.File { return f }, doc.Roots[0].Get("run"))
			for _, word := range []string{"make", "one", "two"} {
				at := strings.Index(text.Text, word)
				if at < 0 {
					t.Fatalf("%q has no %s", text.Text, word)
				}
				r := text.Range(at, at+len(word))
				if got := f.Text(r); got != word {
					t.Errorf("%s of %q is at %d, where %q stands", word, text.Text, r.Start, got)
				}
			}
		})
	}
}

// TestTextJoined holds that a text of several scalars knows the places of each.
func TestTextJoined(t *testing.T) {
	f := &source.File{Path: "a.yaml", Bytes: []byte("script:\n  - make one\n  - |\n    make two\n    make three\n  - 'make four'\n")}
	doc, _ := document.Parse(f, dialect.Limits{})
	text := Join(func(string) *source.File { return f }, doc.Roots[0].Get("script").Items...)
	if want := "make one\nmake two\nmake three\n\nmake four"; text.Text != want {
		t.Fatalf("the text is %q, want %q", text.Text, want)
	}
	for _, word := range []string{"one", "two", "three", "four"} {
		at := strings.Index(text.Text, word)
		if got := f.Text(text.Range(at, at+len(word))); got != word {
			t.Errorf("%s is where %q stands", word, got)
		}
	}
	if got := f.Text(text.Whole()); !strings.HasPrefix(got, "make one") || !strings.HasSuffix(got, "four'") {
		t.Errorf("the whole is %q", got)
	}
}

// FuzzText holds that places lie in the file and never go back.
func FuzzText(f *testing.F) {
	f.Add("run: >\n  a\n   b\n\n  c\n")
	f.Add("run: \"a\\u00e4\\\n  b\"\n")
	f.Add("run: !x &y |2-\n    a\n  b\n")
	f.Fuzz(func(t *testing.T, s string) {
		file := &source.File{Path: "a.yaml", Bytes: []byte(s)}
		doc, _ := document.Parse(file, dialect.Limits{})
		if doc == nil {
			return
		}
		for _, root := range doc.Roots {
			text := Join(func(string) *source.File { return file }, root.Get("run"), root)
			at := root.Range.Start
			if n := root.Get("run"); n != nil {
				at = n.Range.Start
			}
			for i := range text.Text {
				r := text.Range(i, i+1)
				if r.Start < 0 || r.End < r.Start || r.End > len(s) {
					t.Fatalf("byte %d is at %v of %d bytes", i, r, len(s))
				}
				if len(text.parts) == 1 && r.Start < at {
					t.Fatalf("byte %d is at %v, before %d", i, r, at)
				}
				at = r.Start
			}
		}
	})
}
