package edit

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/rogpeppe/go-internal/txtar"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden reads testdata/*.txtar. A case is three files: NAME/wish, NAME/before and NAME/after; the wish has a line per
// change (set path = JSON, remove path, add path = JSON, create type = JSON), may say crlf or "meta count = 2", and names
// the error that is wanted where the change must be refused. The first block of before is the target.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases := make(map[string]map[string]int)
		var names []string
		for i, f := range archive.Files {
			name, part, _ := strings.Cut(f.Name, "/")
			if cases[name] == nil {
				cases[name] = make(map[string]int)
				names = append(names, name)
			}
			cases[name][part] = i
		}
		var out []txtar.File
		for _, name := range names {
			parts := cases[name]
			wish, before := archive.Files[parts["wish"]], archive.Files[parts["before"]]
			var after []byte
			if i, ok := parts["after"]; ok {
				after = archive.Files[i].Data
			}
			out = append(out, wish, before)
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+name, func(t *testing.T) {
				got, failed := golden(t, string(wish.Data), before.Data)
				if failed {
					return
				}
				out = append(out, txtar.File{Name: name + "/after", Data: got})
				if diff := cmp.Diff(string(after), string(got)); diff != "" && !*update {
					t.Error(diff)
				}
			})
		}
		if *update && !t.Failed() {
			if err := os.WriteFile(file, txtar.Format(&txtar.Archive{Comment: archive.Comment, Files: out}), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// golden runs one case and returns the text after it; failed when the case wanted an error.
func golden(t *testing.T, script string, before []byte) (after []byte, failed bool) {
	t.Helper()
	w := parseWish(t, script)
	if w.crlf {
		before = bytes.ReplaceAll(before, []byte("\n"), []byte("\r\n"))
	}
	edits, err := lower(before, w)
	if w.fails != "" {
		if err == nil || !strings.Contains(err.Error(), w.fails) {
			t.Errorf("the error is %v, want one with %q", err, w.fails)
		}
		return nil, true
	}
	if err != nil {
		t.Fatal(err)
	}
	after, err = source.Apply(before, edits)
	if err != nil {
		t.Fatal(err)
	}
	if _, diags := hclsyntax.ParseConfig(after, "main.tf", hcl.InitialPos); diags.HasErrors() {
		t.Errorf("the result does not parse: %v\n%s", diags, after)
	}
	// What is left of a list of attributes may have to be aligned anew; other lines are not ours.
	if bytes.Equal(hclwrite.Format(before), before) && !strings.Contains(script, "remove ") {
		if diff := cmp.Diff(string(hclwrite.Format(after)), string(after)); diff != "" {
			t.Errorf("the file was formatted and is no more: %s", diff)
		}
	}
	if !w.once {
		again, err := lower(after, w)
		if err != nil || len(again) > 0 {
			t.Errorf("fixing twice is not fixing once: %v %v", again, err)
		}
	}
	if w.crlf {
		if n := bytes.Count(after, []byte("\n")); n != bytes.Count(after, []byte("\r\n")) {
			t.Errorf("line ends are mixed: %q", after)
		}
		after = bytes.ReplaceAll(after, []byte("\r\n"), []byte("\n"))
	}
	return after, false
}

type script struct {
	changes    []resource.Change
	meta       string
	fails      string
	crlf, once bool
}

func parseWish(t *testing.T, text string) script {
	t.Helper()
	var w script
	for line := range strings.Lines(text) {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		path, literal, _ := strings.Cut(rest, " = ")
		switch verb {
		case "":
		case "crlf":
			w.crlf = true
		case "meta":
			w.meta = rest
		case "error":
			w.fails = rest
		case "set", "add", "remove":
			p, ok := value.ParsePath(path)
			if !ok {
				t.Fatalf("bad path %q", path)
			}
			c := resource.Change{Op: resource.ChangeOp(verb), Path: p}
			if verb != "remove" {
				c.Value = fromJSON(t, literal)
			}
			w.once = w.once || verb == "add" || verb == "remove" && strings.HasSuffix(path, "]") || strings.Contains(literal, "${this.")
			w.changes = append(w.changes, c)
		case "create":
			w.once = true
			w.changes = append(w.changes, resource.Change{Op: resource.Create, New: &resource.Companion{Type: path, Body: fromJSON(t, literal)}})
		default:
			t.Fatalf("bad line %q", line)
		}
	}
	return w
}

func fromJSON(t *testing.T, text string) value.Value {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return plain(v)
}

func plain(v any) value.Value {
	switch v := v.(type) {
	case bool:
		return value.Value{Kind: value.Bool, Bool: v}
	case float64:
		return value.Value{Kind: value.Number, Number: v}
	case string:
		return value.Value{Kind: value.String, Text: v}
	case []any:
		list := value.Value{Kind: value.List}
		for _, i := range v {
			list.Items = append(list.Items, plain(i))
		}
		return list
	case map[string]any:
		o := value.Value{Kind: value.Object}
		for n, m := range v {
			o.Fields = append(o.Fields, value.Field{Name: n, Value: plain(m)})
		}
		slices.SortFunc(o.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
		return o
	}
	return value.Value{Kind: value.Null}
}

var types = schema.Load()

func lower(text []byte, w script) ([]source.Edit, error) {
	f := &source.File{Path: "main.tf", Bytes: text}
	parsed, _ := hclsyntax.ParseConfig(text, f.Path, hcl.InitialPos)
	body := parsed.Body.(*hclsyntax.Body)
	if len(body.Blocks) == 0 {
		return nil, nil
	}
	b := body.Blocks[0]
	target := Target{File: f, Block: b}
	if len(b.Labels) == 2 {
		if r := types.Resource(b.Labels[0]); r != nil {
			target.Schema = r.Attributes
		}
		address := strings.Join(b.Labels, ".")
		if strings.HasPrefix(w.meta, "count") {
			address += "[count.index]"
		} else if w.meta != "" {
			address += "[each.key]"
		}
		target.Ref = func(path string) string { return address + "." + path }
	}
	edits, err := Wishes(target, w.changes)
	if err != nil {
		return nil, err
	}
	for _, c := range w.changes {
		if c.Op == resource.Create {
			companion := Companion{Type: c.New.Type, Name: b.Labels[1], Body: c.New.Body}
			if name, text, ok := strings.Cut(w.meta, " = "); ok {
				companion.Meta = []Argument{{name, text}}
			}
			if r := types.Resource(c.New.Type); r != nil {
				companion.Schema = r.Attributes
			}
			e, err := Create(target, companion)
			if err != nil {
				return nil, err
			}
			edits = append(edits, e)
		}
	}
	return edits, nil
}
