package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"strings"
	"testing"
	"testing/fstest"
)

// archive packs entries; a name that ends with > and a target is a link.
func archive(t *testing.T, entries ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	w := tar.NewWriter(zipped)
	for _, e := range entries {
		head := &tar.Header{Name: e[0], Mode: 0o644, Size: int64(len(e[1])), Typeflag: tar.TypeReg}
		if name, target, ok := strings.Cut(e[0], ">"); ok {
			head.Name, head.Linkname, head.Typeflag, head.Size = name, target, tar.TypeSymlink, 0
		}
		if err := w.WriteHeader(head); err != nil {
			t.Fatal(err)
		}
		if head.Size > 0 {
			if _, err := w.Write([]byte(e[1])); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Close()
	zipped.Close()
	return b.Bytes()
}

func TestUnpack(t *testing.T) {
	definition := [2]string{"db/Chart.yaml", "name: db\nversion: 1.0.0\n"}
	for _, c := range []struct {
		name    string
		data    []byte
		problem string
	}{
		{"good", archive(t, definition, [2]string{"db/templates/a.yaml", "a: 1"}), ""},
		{"no archive", []byte("hello"), "no archive"},
		{"cut", archive(t, definition)[:60], "cannot be read"},
		{"empty", archive(t), "no files"},
		{"a link", archive(t, definition, [2]string{"db/values.yaml>/etc/passwd", ""}), "has a link"},
		{"a way out", archive(t, definition, [2]string{"db/../../x", "x"}), "outside of its folder"},
		{"an absolute way", archive(t, definition, [2]string{"db//etc/x", "x"}), "outside of its folder"},
		{"a way out of Windows", archive(t, definition, [2]string{`db\..\..\x`, "x"}), "outside of its folder"},
		{"a drive", archive(t, definition, [2]string{"db/c:/x", "x"}), "outside of its folder"},
		{"no folder", archive(t, [2]string{"Chart.yaml", "name: db\nversion: 1.0.0\n"}), "outside of a folder"},
		{"a large file", archive(t, definition, [2]string{"db/x", strings.Repeat("x", archiveFile+1)}), "too large"},
		{"many large files", archive(t, definition, [2]string{"db/1", strings.Repeat("x", archiveFile)}, [2]string{"db/2", strings.Repeat("x", archiveFile)},
			[2]string{"db/3", strings.Repeat("x", archiveFile)}, [2]string{"db/4", strings.Repeat("x", archiveFile)}, [2]string{"db/5", strings.Repeat("x", archiveFile)},
			[2]string{"db/6", strings.Repeat("x", archiveFile)}, [2]string{"db/7", strings.Repeat("x", archiveFile)}), "too large"},
	} {
		tree := fstest.MapFS{"Chart.yaml": {Data: []byte("name: web\nversion: 1.0.0\n")}, "charts/db-1.0.0.tgz": {Data: c.data}}
		files, _ := ReadDir(tree, ".", nil)
		chart, problems := Load(files)
		if c.problem == "" {
			if len(problems) > 0 || len(chart.Dependencies) != 1 || !chart.Dependencies[0].Templates[0].Archived {
				t.Errorf("%s: %v, %v", c.name, chart.Dependencies, problems)
			}
			continue
		}
		if len(problems) != 1 || !strings.Contains(problems[0].Message, c.problem) || problems[0].Range.File != "charts/db-1.0.0.tgz" || len(chart.Dependencies) != 0 {
			t.Errorf("%s: problems %v, want one that says %q", c.name, problems, c.problem)
		}
	}
}

// TestUnpack_nested: charts in charts end.
func TestUnpack_nested(t *testing.T) {
	inner := archive(t, [2]string{"db/Chart.yaml", "name: db\nversion: 1.0.0\n"})
	for range 30 {
		inner = archive(t, [2]string{"db/Chart.yaml", "name: db\nversion: 1.0.0\n"}, [2]string{"db/charts/db.tgz", string(inner)})
	}
	files, _ := ReadDir(fstest.MapFS{"Chart.yaml": {Data: []byte("name: web\nversion: 1.0.0\n")}, "charts/db.tgz": {Data: inner}}, ".", nil)
	if _, problems := Load(files); len(problems) != 1 || !strings.Contains(problems[0].Message, "nested deeper") {
		t.Errorf("problems %v, want one limit", problems)
	}
}

func TestLoad_mistakes(t *testing.T) {
	for _, c := range []struct{ definition, problem string }{
		{"version: 1.0.0\n", "no name"},
		{"name: a/b\nversion: 1.0.0\n", "is no name"},
		{"name: ..\nversion: 1.0.0\n", "is no name"},
		{"name: a\n", "no version"},
		{"name: a\nversion: one\n", "not a semantic version"},
		{"name: a\nversion: 1.0.0\ntype: other\n", "neither application nor library"},
		{"name: a\nversion: 1.0.0\ndependencies: [{name: b, alias: a/b}]\n", "signs that are not allowed"},
		{"name: a\nversion: 1.0.0\ndependencies: [{name: b}, {name: c, alias: b}]\n", "more than one dependency"},
		{"name: a\nversion: 1.0.0\ndependencies: [null]\n", "empty dependency"},
		{"name: [\n", "cannot be read"},
		{"[]", "cannot be read"},
	} {
		files, _ := ReadDir(fstest.MapFS{"Chart.yaml": {Data: []byte(c.definition)}}, ".", nil)
		chart, problems := Load(files)
		if chart != nil || len(problems) != 1 || !strings.Contains(problems[0].Message, c.problem) {
			t.Errorf("%q: %v, %v; want a problem that says %q", c.definition, chart, problems, c.problem)
		}
	}
}

func TestIgnore(t *testing.T) {
	for _, c := range []struct{ patterns, name, want string }{
		{"*.bak", "a.bak x/b.bak a.txt", "a.bak x/b.bak"},
		{"docs/", "docs/ docs", "docs/"},
		{"/a.txt", "a.txt x/a.txt", "a.txt"},
		{"x/*.txt", "x/a.txt a.txt x/y/a.txt", "x/a.txt"},
		{"!keep", "keep other", "other"},
		{"# all\n\n  ", "a", ""},
		{"", "templates/.hidden templates/a", "templates/.hidden"},
	} {
		g, err := ParseIgnore([]byte(c.patterns))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range strings.Fields(c.name) {
			if plain := strings.TrimSuffix(name, "/"); g.Leaves(plain, plain != name) {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q leaves out %q, want %q", c.patterns, got, c.want)
		}
	}
	if _, err := ParseIgnore([]byte("a/**")); err == nil {
		t.Error("double stars are accepted")
	}
	if _, err := ParseIgnore([]byte("a[")); err == nil {
		t.Error("a pattern that is none is accepted")
	}
}

// FuzzRender: whatever a template is, rendering ends, and all places lie in the files.
func FuzzRender(f *testing.F) {
	for _, s := range []string{
		"a: {{ .Values.a | quote }}", "{{ range $i, $e := .Values.l }}{{ $e }}{{ end }}", "{{ with .Values.m }}{{ toYaml . | nindent 2 }}{{ end }}",
		"{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}", "{{ tpl .Values.t . }}", "{{ index .Values \"l\" 0 }}{{ printf \"%s\" .Values.a }}",
		"{{ $d := dict \"a\" .Values }}{{ $_ := set $d \"b\" $d }}{{ merge $d .Values | toJson }}", "{{ required \"x\" .Values.none | b64enc }}",
		"{{ .Files.Glob \"**\" }}{{ .Capabilities }}{{ .Chart }}", "{{ list 1 2 | join \",\" }}{{ fromYaml \"a: 1\" }}{{ regexReplaceAll \"a\" \"b\" \"c\" }}",
	} {
		f.Add(s)
	}
	limits := Limits{Steps: 50_000, OutputBytes: 1 << 18, ValueBytes: 1 << 16, Depth: 50, Nesting: 50}
	f.Fuzz(func(t *testing.T, template string) {
		tree := fstest.MapFS{"Chart.yaml": {Data: []byte("name: web\nversion: 1.0.0\n")}, "templates/a.yaml": {Data: []byte(template)},
			"values.yaml": {Data: []byte("a: x\nl: [1, b]\nm: {k: v}\nt: \"{{ .Values.a }}\"\n")}}
		files, _ := ReadDir(tree, ".", nil)
		c, _ := Load(files)
		whole, values, err := c.Coalesce(nil)
		if err != nil {
			t.Fatal(err)
		}
		out, problems := Render(context.Background(), whole, values, Settings{Release: Release{"r", "n"}, Capabilities: DefaultCapabilities(), Limits: limits})
		for _, p := range problems {
			if p.Range.File == "" || p.Range.End > len(template) || p.Message == "" {
				t.Errorf("a problem without a place: %v", p)
			}
		}
		for _, o := range out {
			for i, s := range o.Spans {
				if s.At > len(o.Text) || i > 0 && s.At < o.Spans[i-1].At || s.File != nil && (s.Start < 0 || s.End > len(s.File.Data) || s.Start > s.End) {
					t.Errorf("span %v of %q", s, o.Text)
				}
			}
		}
	})
}
