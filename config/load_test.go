package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("settings.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("settings.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plain turns YAML into what an editor hands to a schema: dates are strings.
func plain(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case 0:
		return nil
	case yaml.DocumentNode:
		return plain(t, n.Content[0])
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(t, n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, plain(t, item))
		}
		return list
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		i, err := strconv.Atoi(n.Value)
		if err != nil {
			t.Fatal(err)
		}
		return i
	case "!!float":
		return json.Number(n.Value)
	}
	return n.Value
}

func samples(t *testing.T, kind string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", kind, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d samples in testdata/%s", len(files), kind)
	}
	out := map[string][]byte{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".yaml")] = text
	}
	return out
}

func load(text []byte) (*Config, error) {
	return Load(fstest.MapFS{".plumbline.yaml": {Data: text}}, ".")
}

func TestGoodSamples(t *testing.T) {
	schema := compileSchema(t)
	for name, text := range samples(t, "ok") {
		t.Run(name, func(t *testing.T) {
			if _, err := load(text); err != nil {
				t.Errorf("the loader refuses it: %v", err)
			}
			var doc yaml.Node
			_ = yaml.Unmarshal(text, &doc)
			if err := schema.Validate(plain(t, &doc)); err != nil {
				t.Errorf("the schema refuses it: %v", err)
			}
		})
	}
}

func TestBadSamples(t *testing.T) {
	schema := compileSchema(t)
	for name, text := range samples(t, "bad") {
		t.Run(name, func(t *testing.T) {
			var want []string
			for line := range strings.Lines(string(text)) {
				if w, ok := strings.CutPrefix(line, "# want "); ok {
					want = append(want, strings.TrimSpace(w))
				}
			}
			_, err := load(text)
			mistakes, _ := errors.AsType[Errors](err)
			var got []string
			for _, m := range mistakes {
				got = append(got, strings.TrimPrefix(m.Error(), ".plumbline.yaml:"))
			}
			// The order of mistakes is by position; of wants it is free.
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
			if strings.HasPrefix(name, "loader-") {
				return
			}
			var doc yaml.Node
			if err := yaml.Unmarshal(text, &doc); err != nil {
				t.Fatal(err)
			}
			if schema.Validate(plain(t, &doc)) == nil {
				t.Error("the schema accepts it")
			}
		})
	}
}

func TestErrorsAreSorted(t *testing.T) {
	_, err := load([]byte("cache: /x\nzzzz: 1\nbaseline: /y\n"))
	mistakes, _ := errors.AsType[Errors](err)
	var lines []int
	for _, m := range mistakes {
		lines = append(lines, m.Line)
	}
	if diff := cmp.Diff([]int{1, 2, 3}, lines); diff != "" {
		t.Error(diff)
	}
}

// In the template, prose has one space after the hash; settings that are commented out have none or more.
var setting = regexp.MustCompile(`^#(\w|  )`)

func TestTemplate(t *testing.T) {
	if _, err := load([]byte(Template())); err != nil {
		t.Errorf("as it is: %v", err)
	}
	var all strings.Builder
	for line := range strings.Lines(Template()) {
		if setting.MatchString(line) {
			line = line[1:]
		}
		all.WriteString(line)
	}
	c, err := load([]byte(all.String()))
	if err != nil {
		t.Fatalf("with everything uncommented: %v", err)
	}
	// It must speak of every key there is.
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(all.String()), &doc); err != nil {
		t.Fatal(err)
	}
	var schema struct{ Properties map[string]any }
	if err := json.Unmarshal(Schema, &schema); err != nil {
		t.Fatal(err)
	}
	for key := range schema.Properties {
		if _, ok := doc[key]; !ok {
			t.Errorf("the template is silent about %s", key)
		}
	}
	if len(c.Ignores) != 1 || len(c.Run.Reports) != 2 {
		t.Errorf("got %d ignores and %d reports", len(c.Ignores), len(c.Run.Reports))
	}
}

func TestHostile(t *testing.T) {
	deep := strings.Repeat("[", 200_000)
	tests := map[string]string{
		"deep flow":   "select: " + deep,
		"deep blocks": strings.Repeat("- ", 200_000) + "a",
		"deep map":    strings.Repeat("{a: ", 100_000),
		"huge":        strings.Repeat("# x\n", 400_000),
		"not UTF-8":   "threshold: \xff\xfe",
		"long key":    strings.Repeat("k", 500_000) + ": 1",
		"many keys": func() string {
			var b strings.Builder
			for i := range 60_000 {
				b.WriteString("k" + strconv.Itoa(i) + ": 1\n")
			}
			return b.String()
		}(),
		"many ignores": "ignore:\n" + strings.Repeat("- {rules: a}\n", 3000),
		"nul":          "threshold: \"\\0\"",
		"merge key":    "x: &x {a: off}\nrules: {<<: *x}",
		"tag":          "threshold: !!binary aGlnaA==",
		"self":         "a: &a [*a]",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := load([]byte(text))
			if err == nil {
				t.Error("accepted")
			} else if len(err.Error()) > 2000 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func FuzzLoad(f *testing.F) {
	for _, kind := range []string{"ok", "bad"} {
		files, _ := filepath.Glob(filepath.Join("testdata", kind, "*.yaml"))
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := load(text)
		lines := bytes.Count(text, []byte("\n")) + 2
		if mistakes, ok := errors.AsType[Errors](err); ok {
			for _, m := range mistakes {
				if m.Line < 1 || m.Column < 1 || m.Line > lines {
					t.Errorf("mistake at %d:%d of %d lines", m.Line, m.Column, lines)
				}
			}
		}
		for _, g := range c.Ignores {
			if l := g.Suppression.Location; l.Start < 0 || l.Start > l.End || l.End > len(text) {
				t.Errorf("ignore entry at bytes %d to %d of %d", l.Start, l.End, len(text))
			}
		}
	})
}
