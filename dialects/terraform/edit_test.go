package terraform

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// editCase is one case of testdata/edit.txt. Cases begin with a line "== NAME"; then comes a txtar archive whose comment is
// the wish, and whose files are those before and, below after/, those that change.
type editCase struct {
	name    string
	archive *txtar.Archive
}

func readEditCases(t *testing.T) []editCase {
	t.Helper()
	text, err := os.ReadFile("testdata/edit.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []editCase
	for _, part := range strings.Split("\n"+string(text), "\n== ")[1:] {
		name, rest, _ := strings.Cut(part, "\n")
		out = append(out, editCase{name, txtar.Parse([]byte(strings.TrimRight(rest, "\n") + "\n"))})
	}
	return out
}

// TestEdit lowers wishes through evaluation: to where values are written, to companions, to instances. Each case says
// on ADDRESS (IN DIR), then set PATH = LITERAL, remove PATH, create TYPE ATTRIBUTE=LITERAL…, or error TEXT.
func TestEdit(t *testing.T) {
	for _, c := range readEditCases(t) {
		t.Run(c.name, func(t *testing.T) {
			before, after := fstest.MapFS{}, map[string]string{}
			for _, f := range c.archive.Files {
				if name, ok := strings.CutPrefix(f.Name, "after/"); ok {
					after[name] = string(f.Data)
				} else {
					before[f.Name] = &fstest.MapFile{Data: f.Data}
				}
			}
			address, dir, changes, fails := readWish(t, string(c.archive.Comment))
			unit := editUnit(t, before, dir)
			r := unit.Graph.ByAddress(address)
			if r == nil {
				t.Fatalf("there is no %s in %v", address, unit.Graph.Types())
			}
			lowered, err := unit.Edit(r, changes)
			if fails != "" {
				if err == nil || !strings.Contains(err.Error(), fails) {
					t.Fatalf("the error is %v, want one with %q", err, fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := applied(t, before, lowered.Edits)
			changed := map[string]string{}
			for name, f := range got {
				if string(f.Data) != string(before[name].Data) {
					changed[name] = string(f.Data)
				}
			}
			if diff := cmp.Diff(after, changed); diff != "" {
				t.Error(diff)
			}
			again := editUnit(t, got, dir)
			twice, err := again.Edit(again.Graph.ByAddress(address), changes)
			if err != nil || len(twice.Edits) > 0 {
				t.Errorf("wishing twice changes more: %v %v", twice, err)
			}
		})
	}
}

func applied(t *testing.T, before fstest.MapFS, edits []source.Edit) fstest.MapFS {
	t.Helper()
	byFile := map[string][]source.Edit{}
	for _, e := range edits {
		byFile[e.Range.File] = append(byFile[e.Range.File], e)
	}
	out := fstest.MapFS{}
	for name, f := range before {
		text, err := source.Apply(f.Data, byFile[name])
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: text}
	}
	return out
}

func editUnit(t *testing.T, tree fstest.MapFS, dir string) *dialect.Unit {
	t.Helper()
	reader := &source.Reader{FS: tree, Limit: 1 << 20}
	d := New(schema.Load())
	var paths []string
	for name := range tree {
		if d.Claims(name, func() []byte { return reader.Head(name) }) {
			paths = append(paths, name)
		}
	}
	slices.Sort(paths)
	estate, problems := d.Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read,
		Env: func(string) (string, bool) { return "", false }}, paths)
	for _, p := range problems {
		t.Errorf("problem: %v", p)
	}
	name := dialect.UnitName{Dir: "."}
	if dir != "" {
		name.Dir, name.Variant, _ = strings.Cut(dir, " ")
	}
	return estate.Evaluate(context.Background(), name)
}

func readWish(t *testing.T, text string) (address, dir string, changes []resource.Change, fails string) {
	t.Helper()
	for line := range strings.Lines(text) {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verb {
		case "":
		case "on":
			address, dir, _ = strings.Cut(rest, " in ")
		case "error":
			fails = rest
		case "set", "remove":
			at, literal, _ := strings.Cut(rest, " = ")
			p, ok := value.ParsePath(at)
			if !ok {
				t.Fatalf("bad path %q", at)
			}
			changes = append(changes, resource.Change{Op: resource.ChangeOp(verb), Path: p, Value: literalValue(literal)})
		case "create":
			words := strings.Fields(rest)
			body := value.Value{Kind: value.Object}
			for _, w := range words[1:] {
				name, literal, _ := strings.Cut(w, "=")
				body.Fields = append(body.Fields, value.Field{Name: name, Value: literalValue(literal)})
			}
			slices.SortFunc(body.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
			changes = append(changes, resource.Change{Op: resource.Create, New: &resource.Companion{Type: words[0], Body: body}})
		default:
			t.Fatalf("bad line %q", line)
		}
	}
	return address, dir, changes, fails
}

func literalValue(text string) value.Value {
	var n float64
	switch {
	case text == "true" || text == "false":
		return value.Value{Kind: value.Bool, Bool: text == "true"}
	case strings.HasPrefix(text, "["):
		list := value.Value{Kind: value.List}
		for _, item := range strings.Split(strings.Trim(text, "[]"), ",") {
			list.Items = append(list.Items, literalValue(strings.TrimSpace(item)))
		}
		return list
	}
	if _, err := fmt.Sscanf(text, "%g", &n); err == nil {
		return value.Value{Kind: value.Number, Number: n}
	}
	return value.Value{Kind: value.String, Text: strings.Trim(text, `"`)}
}

// TestComments_json reads the comments of a file in JSON, each about the object that it stands in.
func TestComments_json(t *testing.T) {
	text := `{"//": {"metadata": 1}, "resource": {"aws_s3_bucket": {"b": {"//": " plumbline:ignore x why ", "acl": "private"}}}}`
	e, problems := estateOf(t, fstest.MapFS{"cdk.tf.json": {Data: []byte(text)}}, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := e.Comments("cdk.tf.json")
	if len(got) != 1 || got[0].Text != "plumbline:ignore x why" || !got[0].Alone {
		t.Fatalf("the comments are %+v", got)
	}
	r := evaluateAll(t, e)[".:"].Graph.ByAddress("aws_s3_bucket.b")
	if got[0].About != r.Range {
		t.Errorf("it is about %v, want %v", got[0].About, r.Range)
	}
}
