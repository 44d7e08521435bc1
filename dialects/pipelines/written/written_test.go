package written

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// TestPlaces finds members and items again by their ranges: those that share one with the mapping that they are alone in, behind
// aliases and behind merge keys.
func TestPlaces(t *testing.T) {
	const text = "a: &a\n  - x: 1\nb: *a\nc:\n  <<: {d: 2}\n  e: [3]\n"
	tree := fstest.MapFS{"f.yml": {Data: []byte(text)}}
	got := map[string]string{}
	d := pipelines.New(pipelines.System{Name: "test", Claims: func(string, func() []byte) bool { return true }, Evaluate: func(_ context.Context, u *pipelines.Unit) {
		p := New(u)
		var walk func(n *document.Node)
		walk = func(n *document.Node) {
			for i, item := range n.Items {
				got["item "+text[n.Place(i).Start:n.Place(i).End]] = p.Item(n.Place(i)).Path().String()
				walk(item)
			}
			for i := range n.Members {
				m := &n.Members[i]
				got["member "+text[m.Range.Start:m.Range.End]] = p.Member(m.Range).Path().String()
				walk(m.Value)
			}
		}
		walk(u.Main.Root())
		if s := p.Member(source.Range{File: "f.yml", Start: 1, End: 2}); s != nil {
			t.Errorf("there is nothing at bytes 1 to 2, and %s is found", s.Path())
		}
		p.Note(source.Range{File: "f.yml", Start: 0, End: 1}, Note{Waits: []dialect.Wait{{Name: "w"}}})
		p.Note(source.Range{File: "f.yml", Start: 0, End: 1}, Note{Waits: []dialect.Wait{{Name: "w"}, {Name: "v"}}})
		if n := len(p.notes[source.Range{File: "f.yml", Start: 0, End: 1}].Waits); n != 2 {
			t.Errorf("two inputs are noted, and there are %d", n)
		}
	}})
	reader := &source.Reader{FS: tree}
	e, _ := d.Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read}, []string{"f.yml"})
	e.Evaluate(context.Background(), e.Units()[0])
	want := map[string]string{
		"member a: &a\n  - x: 1":            "a",
		"item x: 1":                         "a[0]",
		"member x: 1":                       value.Path{{Name: "a"}, {Index: 0}, {Name: "x"}}.String(),
		"member b: *a":                      "b",
		"member c:\n  <<: {d: 2}\n  e: [3]": "c",
		"member d: 2":                       "c.d",
		"member e: [3]":                     "c.e",
		"item 3":                            "c.e[0]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
