package chart

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/source"
)

var wide = Limits{Steps: 1_000_000, OutputBytes: 8 << 20, ValueBytes: 1 << 20, Depth: 300, Nesting: 200}

var tight = Limits{Steps: 200_000, OutputBytes: 1 << 20, ValueBytes: 1 << 20, Depth: 300, Nesting: 200}

// rendered loads and renders a chart of some files.
func rendered(t testing.TB, files map[string]string, limits Limits) ([]Output, []source.Problem) {
	t.Helper()
	tree := fstest.MapFS{}
	if files["Chart.yaml"] == "" {
		files["Chart.yaml"] = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
	}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	all, problems := ReadDir(tree, ".", nil)
	c, more := Load(all)
	problems = append(problems, more...)
	if c == nil {
		return nil, problems
	}
	whole, values, err := c.Coalesce(nil)
	if err != nil {
		t.Fatal(err)
	}
	problems = append(problems, whole.Violations(values)...)
	out, more := Render(context.Background(), whole, values, Settings{
		Release: Release{Name: "release-name", Namespace: "default"}, Capabilities: DefaultCapabilities(), Limits: limits})
	return out, append(problems, more...)
}

// TestRender_asHelm compares with what Helm itself rendered, see internal/helmoracle.
func TestRender_asHelm(t *testing.T) {
	for _, c := range []struct{ chart, values, golden string }{
		{"functions", "", "functions"}, {"functions", "functions/other.yaml", "functions-other"},
		{"whole", "", "whole"}, {"whole", "whole/more.yaml", "whole-more"}, {"text", "", "text"},
	} {
		files, problems := ReadDir(os.DirFS(filepath.Join("testdata/charts", c.chart)), ".", nil)
		chart, more := Load(files)
		given := Values{}
		if c.values != "" {
			text, err := os.ReadFile(filepath.Join("testdata/values", c.values))
			if err != nil {
				t.Fatal(err)
			}
			if given, err = ReadValues(text); err != nil {
				t.Fatal(err)
			}
		}
		whole, values, err := chart.Coalesce(given)
		if err != nil {
			t.Fatal(err)
		}
		out, wrong := Render(context.Background(), whole, values, Settings{
			Release: Release{Name: "release-name", Namespace: "default"}, Capabilities: DefaultCapabilities(), Limits: wide})
		for _, p := range append(append(problems, more...), wrong...) {
			t.Errorf("%s: %v", c.golden, p)
		}
		var got strings.Builder
		for _, o := range out {
			fmt.Fprintf(&got, "-- %s --\n%s\n", o.Name, o.Text)
		}
		want, err := os.ReadFile(filepath.Join("testdata/rendered", c.golden+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-Helm +ours):\n%s", c.golden, diff)
		}
	}
}

// TestRender_budgets: whatever a template does, it ends soon, with one problem.
func TestRender_budgets(t *testing.T) {
	for _, c := range []struct{ name, template, say string }{
		{"a loop over numbers", `{{ range until 1000000000 }}x{{ end }}`, "until would make a list"},
		{"a loop over a number", `{{ range 1000000000 }}{{ end }}`, "steps"},
		{"steps back", `{{ range untilStep 0 -1000000000 -1 }}{{ end }}`, "untilStep would make"},
		{"a sequence", `{{ seq 1 1000000000 }}`, "seq would make"},
		{"loops in loops", `{{ range until 1000 }}{{ range until 1000 }}{{ range until 1000 }}x{{ end }}{{ end }}{{ end }}`, "steps"},
		{"text again and again", `{{ repeat 1000000000 "x" }}`, "repeat would make"},
		{"indentation", `{{ indent 1000000000 "x" }}`, "indent would make"},
		{"a wide verb", `{{ printf "%*d%*d" 1000000 1 1000000 1 }}`, "printf would make"},
		{"replacing by much", `{{ $s := repeat 1000 "x" }}{{ $s = replace "x" $s $s }}{{ $s = replace "x" $s $s }}`, "replace would make"},
		{"doubling", `{{ $s := "x" }}{{ range until 64 }}{{ $s = print $s $s }}{{ end }}`, "a text of"},
		{"a value in itself", `{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ toYaml $d }}`, "too many parts"},
		{"a value in itself that is printed", `{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $d }}`, "too many parts"},
		{"a value in itself that is copied", `{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $e := deepCopy $d }}`, "too many parts"},
		{"a value twice in each", `{{ $d := dict "a" 1 }}{{ range until 60 }}{{ $d = dict "a" $d "b" $d }}{{ end }}{{ toJson $d }}`, "too many parts"},
		{"a template that calls itself", `{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}`, "call each other"},
		{"a template that is itself again", `{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}`, "call each other"},
		{"two templates", `{{ define "a" }}{{ include "b" . }}{{ end }}{{ define "b" }}{{ tpl "{{ include \"a\" . }}" . }}{{ end }}{{ include "a" . }}`, "call each other"},
		{"two calls each", `{{ define "a" }}{{ if lt . 60 }}{{ include "a" (add1 .) }}{{ include "a" (add1 .) }}{{ end }}{{ end }}{{ include "a" 0 }}`, "steps"},
		{"parentheses", `{{ ` + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + ` }}`, "nested deeper"},
		{"blocks", strings.Repeat(`{{ if true }}`, 100_000) + strings.Repeat(`{{ end }}`, 100_000), "nested deeper"},
		{"parentheses in a value", `{{ tpl (print "{{ " (repeat 1000 "(") "1" (repeat 1000 ")") " }}") . }}`, "nested deeper"},
		{"random text", `{{ randAlphaNum 1000000000 }}`, "random text"},
		{"much output", `{{ $s := repeat 100000 "x" }}{{ range until 1000 }}{{ $s }}{{ end }}`, "bytes of text"},
	} {
		start := time.Now()
		_, problems := rendered(t, map[string]string{"templates/a.yaml": c.template}, tight)
		took := time.Since(start)
		if len(problems) != 1 || problems[0].Kind != source.Limit || !strings.Contains(problems[0].Message, c.say) || problems[0].Range.File != "templates/a.yaml" {
			t.Errorf("%s: problems %v, want one limit that says %q", c.name, problems, c.say)
		}
		if took > 15*time.Second {
			t.Errorf("%s: it takes %s", c.name, took)
		}
	}
}

// TestRender_mistakes: what is wrong with one template is said where it is, and the others are rendered.
func TestRender_mistakes(t *testing.T) {
	for _, c := range []struct{ name, template, at, say string }{
		{"what cannot be parsed", "a: 1\nb: {{ if }}\n", "b: {{ if }}", "missing value for if"},
		{"a function that is not there", "a: 1\nb: {{ env \"HOME\" }}\n", `b: {{ env "HOME" }}`, `function "env" not defined`},
		{"another", "{{ expandenv \"$HOME\" }}", `{{ expandenv "$HOME" }}`, "not defined"},
		{"ours cannot be called", "{{ plumbline_emit 1 }}", "{{ plumbline_emit 1 }}", "not defined"},
		{"fail", "a: 1\n\nb: {{ fail \"set it\" }}\n", `b: {{ fail "set it" }}`, "set it"},
		{"a wrong argument", "a: {{ trunc \"x\" 1 }}", `a: {{ trunc "x" 1 }}`, "expected integer"},
		{"nothing there", "a: {{ .Values.a.b }}", "a: {{ .Values.a.b }}", "nil pointer"},
		{"in a helper", "{{ include \"broken\" . }}", `{{ fail "no" }}`, "web/templates/a.yaml cannot be rendered: no"},
		{"a panic", "a: {{ div 1 0 }}", "a: {{ div 1 0 }}", "divide by zero"},
	} {
		files := map[string]string{"templates/a.yaml": c.template, "templates/b.yaml": "b: {{ .Chart.Name }}",
			"templates/_h.tpl": "{{ define \"broken\" }}\n{{ fail \"no\" }}\n{{ end }}"}
		out, problems := rendered(t, files, wide)
		if len(problems) != 1 || problems[0].Kind != source.Invalid || !strings.Contains(problems[0].Message, c.say) {
			t.Errorf("%s: problems %v, want one that says %q", c.name, problems, c.say)
			continue
		}
		if p := problems[0].Range; files[p.File][p.Start:p.End] != c.at {
			t.Errorf("%s: at %q, want %q", c.name, files[p.File][p.Start:p.End], c.at)
		}
		if len(out) != 1 || string(out[0].Text) != "b: web" {
			t.Errorf("%s: the other template is not rendered: %v", c.name, out)
		}
	}
}

// TestRender_spans: each piece of what is rendered knows its place and its value.
func TestRender_spans(t *testing.T) {
	files := map[string]string{
		"values.yaml": "image: {repository: nginx, tag: \"1\"}\nhosts: [a, b]\nenv: {A: x, B: w}\nsc: {runAs: 1}\nname: web\nport: 80\nempty: {}\nlong: \"{{ .Values.name }}\"\n",
		"templates/_h.tpl": `{{- define "ns" }}{{ default .Release.Namespace .Values.ns }}{{ end -}}
{{- define "image" }}{{ .image.repository }}:{{ .image.tag }}{{ end -}}
{{- define "labels" -}}
app: {{ .Values.name }}
static: yes
{{- end }}`,
		"templates/a.yaml": `direct: {{ .Values.name }}
quoted: {{ .Values.name | quote }}
number: {{ .Values.port }}
default: {{ .Values.missing | default "d" }}
defaulted: {{ default "d" .Values.name }}
index: {{ index .Values.image "tag" }}
changed: {{ .Values.name | upper }}
ns: {{ include "ns" . }}
image: {{ include "image" (dict "image" .Values.image) }}
labels:
  {{- include "labels" . | nindent 2 }}
table:
  {{- toYaml .Values.sc | nindent 2 }}
hosts:
{{- range .Values.hosts }}
- {{ . }}
{{- end }}
{{- range $k, $v := .Values.env }}
{{ $k }}: {{ $v | quote }}
{{- end }}
{{- with .Values.image }}
with: {{ .tag }}
{{- end }}
{{- with .Values.name }}
scalar: {{ . }}
{{- end }}
{{- $x := .Values.name }}
variable: {{ $x }}
{{- $x = "other" }}
again: {{ $x }}
tpl: {{ tpl .Values.long . }}
both: "{{ .Values.name }}-{{ .Values.port }}"
made: {{ randAlphaNum 4 | b64enc }}
required: {{ required "give it" .Values.given | quote }}
sum: {{ include "labels" . | sha256sum }}
`,
	}
	out, problems := rendered(t, files, wide)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	o := out[0]
	var got strings.Builder
	for i, s := range o.Spans {
		end := len(o.Text)
		if i+1 < len(o.Spans) {
			end = o.Spans[i+1].At
		}
		piece := strings.TrimSpace(string(o.Text[s.At:end]))
		source := string(s.File.Data[s.Start:s.End])
		if s.Text {
			if !strings.HasPrefix(source, piece) {
				t.Errorf("%q is said to be the text %q", piece, source)
			}
			continue
		}
		fmt.Fprintf(&got, "%s <- %s", piece, s.From)
		for word, is := range map[string]bool{" exact": s.Exact} {
			if is {
				got.WriteString(word)
			}
		}
		if s.Default {
			got.WriteString(" default")
		}
		if s.Made {
			got.WriteString(" made")
		}
		if s.Required {
			got.WriteString(" required")
		}
		got.WriteString("\n")
	}
	want := `web <- Values.name exact
"web" <- Values.name exact
80 <- Values.port exact
d <- Values.missing exact default
web <- Values.name exact
1 <- Values.image.tag exact
WEB <- Values.name
default <- Release.Namespace exact
nginx <- Values.image.repository exact
1 <- Values.image.tag exact
web <- Values.name exact
runAs: 1 <- Values.sc exact
a <- Values.hosts[0] exact
b <- Values.hosts[1] exact
A <- 
"x" <- Values.env.A exact
B <- 
"w" <- Values.env.B exact
1 <- Values.image.tag exact
web <- Values.name exact
web <- Values.name exact
other <- 
web <- Values.long exact
web <- Values.name exact
80 <- Values.port exact
eDB4MA== <-  made
"required" <- Values.given exact required
`
	text := got.String()
	if i := strings.LastIndex(strings.TrimSpace(text), "\n"); i > 0 { // the sum
		text = text[:i+1]
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}

// TestRender_private: a chart whose text has the runes that marks are made of is rendered as it is.
func TestRender_private(t *testing.T) {
	odd := "x\U000F0000\U00100000y"
	out, problems := rendered(t, map[string]string{"values.yaml": "a: \"" + odd + "\"\n", "templates/a.yaml": "a: {{ .Values.a }}" + odd}, wide)
	if len(problems) > 0 || len(out) != 1 || string(out[0].Text) != "a: "+odd+odd {
		t.Errorf("rendered %v, %v", out, problems)
	}
}

// TestRender_again: nothing differs from run to run.
func TestRender_again(t *testing.T) {
	files := func() map[string]string {
		return map[string]string{"values.yaml": "a: {z: 1, y: 2, x: {w: 3}}\n",
			"templates/a.yaml": `{{ toYaml .Values.a }} {{ range $k, $v := .Values.a }}{{ $k }}{{ end }} {{ uuidv4 }} {{ now }} {{ genPrivateKey "rsa" }} {{ (genCA "a" 1).Cert }} {{ htpasswd "a" "b" }} {{ shuffle "abc" }} {{ randInt 1 9 }} {{ ago now }} {{ date "2006" nil }}`}
	}
	first, problems := rendered(t, files(), wide)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for range 5 {
		again, _ := rendered(t, files(), wide)
		if string(first[0].Text) != string(again[0].Text) || len(first[0].Spans) != len(again[0].Spans) {
			t.Fatalf("rendered %q, then %q", first[0].Text, again[0].Text)
		}
	}
}
