package document

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// checkRanges holds what must be true of every tree: ranges lie in the file and in each other, and the bytes of a scalar,
// read alone, give its text again.
func checkRanges(t *testing.T, d *Document) (scalars int) {
	t.Helper()
	seen := make(map[*Node]bool)
	bad := func(n *Node, format string, args ...any) {
		t.Helper()
		at := d.File.Position(n.Range.Start)
		t.Errorf("%s:%d:%d: "+format, append([]any{d.File.Path, at.Line, at.Column}, args...)...)
	}
	var walk func(n *Node, indent int)
	walk = func(n *Node, indent int) {
		if seen[n] || t.Failed() {
			return
		}
		seen[n] = true
		if n.Range.File != d.File.Path || n.Range.Start < 0 || n.Range.End < n.Range.Start || n.Range.End > len(d.File.Bytes) {
			bad(n, "the range %v is not in the file", n.Range)
			return
		}
		text := d.File.Text(n.Range)
		switch n.Kind {
		case Scalar:
			scalars++
			checkScalar(n, text, indent, d.JSON, bad)
		case Sequence:
			if n.Style == Flow && !strings.HasSuffix(text, "]") {
				bad(n, "a flow sequence is %q", text)
			}
			inner := indent
			if n.Style == Block {
				inner = column(d.File, n.Range.End-len(strings.TrimLeft(afterProperties(n, text), " \t\r\n")))
			}
			for i, item := range n.Items {
				if p := n.Place(i); !n.Range.Contains(p) {
					bad(n, "item %d at %v is outside of %v", i, p, n.Range)
				}
				walk(item, inner)
			}
		case Mapping:
			if n.Style == Flow && !strings.HasSuffix(text, "}") && !(len(n.Members) == 1) {
				bad(n, "a flow mapping is %q", text)
			}
			inner := indent
			if w := n.written(); n.Style == Block && len(w) > 0 {
				inner = column(d.File, w[0].Range.Start)
			}
			for _, m := range n.written() {
				if !n.Range.Contains(m.Range) {
					bad(n, "member %q at %v is outside of %v", m.Key.Text, m.Range, n.Range)
				}
				walk(m.Key, inner)
				walk(m.Value, inner)
			}
		default:
			bad(n, "no kind")
		}
	}
	for _, root := range d.Roots {
		walk(root, -1)
	}
	return scalars
}

func column(f *source.File, offset int) int { return f.Position(offset).Column - 1 }

// afterProperties takes tag and anchor off.
func afterProperties(n *Node, text string) string {
	for _, p := range []string{n.Tag, "&" + n.Anchor, n.Tag} {
		if p != "" && p != "&" {
			text = strings.TrimLeft(strings.TrimPrefix(text, p), " \t\r\n")
		}
	}
	return text
}

func checkScalar(n *Node, text string, indent int, isJSON bool, bad func(*Node, string, ...any)) {
	doc := text
	if n.Style == Literal || n.Style == Folded {
		doc += "\n"
		if indent >= 0 {
			doc = strings.Repeat(" ", indent) + "k: " + doc
		}
	}
	if n.Style == Plain && n.Text == "" {
		if rest := afterProperties(n, text); rest != "" {
			bad(n, "nothing is written as %q", rest)
		}
		return
	}
	if n.Style == Plain && len(text) < 500 && !strings.ContainsAny(text, "\r\n\u0085\u2028\u2029") {
		doc += ":" // some texts are no scalar when they stand alone, but can be a key
	}
	var again yaml.Node
	if err := yaml.Unmarshal([]byte(doc), &again); err != nil || len(again.Content) == 0 {
		bad(n, "the text %q of %q cannot be read: %v", doc, n.Text, err)
		return
	}
	c := again.Content[0]
	if c.Kind == yaml.MappingNode && len(c.Content) == 2 {
		c = c.Content[1]
		if n.Style == Plain {
			c = again.Content[0].Content[0]
		}
	}
	got, want := c.Value, n.Text
	if n.Style == Literal || n.Style == Folded { // the last line end may not be in the file
		got, want = strings.TrimSuffix(got, "\n"), strings.TrimSuffix(want, "\n")
	}
	if isJSON && strings.Contains(text, `\u`) {
		return // the library does not know surrogates
	}
	if got != want {
		bad(n, "%q reads %q, want %q", text, got, want)
	}
	if n.Style == Plain && strings.TrimSpace(text) != text {
		bad(n, "%q has white space around it", text)
	}
}

func TestRanges_corpus(t *testing.T) {
	corpus := os.Getenv("PLUMBLINE_CORPUS")
	if corpus == "" {
		t.Skip("PLUMBLINE_CORPUS names no folder of YAML and JSON files")
	}
	files, scalars, refused := 0, 0, 0
	err := filepath.WalkDir(corpus, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		switch filepath.Ext(name) {
		case ".yaml", ".yml", ".json", ".template":
		default:
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil || !utf8.Valid(b) || len(b) > 8<<20 {
			return nil
		}
		d, problems := Parse(&source.File{Path: name, Bytes: b}, dialect.Limits{})
		files++
		if len(problems) > 0 {
			refused++
			if os.Getenv("PLUMBLINE_SHOW") != "" {
				for _, p := range problems {
					t.Logf("%s:%d: %s", name, d.File.Position(p.Range.Start).Line, p.Message)
				}
			}
		}
		t.Run(filepath.Base(name), func(t *testing.T) { scalars += checkRanges(t, d) })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d with problems, %d scalars", files, refused, scalars)
}
