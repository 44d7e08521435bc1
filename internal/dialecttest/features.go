package dialecttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Support says how much of a feature of a language a dialect follows.
type Support string

// How much of a feature is followed.
const (
	Supported   Support = ""            // everything is as the language says
	Unknown     Support = "unknown"     // what depends on it is unknown, never wrong
	Unsupported Support = "unsupported" // a problem tells of it, or what depends on it is missing; nothing is wrong
)

// Feature is a case that shows one feature of a language, read from a txtar file:
//
//	Fn::Join over a list of parameters
//	status: unknown
//	env: TF_VAR_acl=private
//	Remarks, in sentences.
//	-- main.yaml --
//	…
//	-- expect --
//	Logs exists
//
// The first line is the feature as its documentation calls it. A status says that it is not followed, and how; env and var
// give inputs. The lines of expect are what the language makes of the files:
//
//	ADDRESS exists               a resource that is there for certain
//	ADDRESS maybe                one that stands for zero or more
//	ADDRESS absent               no such resource
//	ADDRESS PATH = JSON          a value that is known
//	ADDRESS PATH unknown         one that is not; with a name behind it, that would decide it
//	ADDRESS PATH absent          nothing is written there
//	ADDRESS PATH at FILE:LINE    where the value stands
//	problem KIND TEXT            a problem whose message holds the text
//	missing ADDRESS              a module that is not at hand
//
// A problem or a missing module that no line expects fails the case. A space ends an address, unless it stands in quotes or behind the colon of a
// variant (dev: aws_s3_bucket.logs). Lines that begin with # are remarks.
type Feature struct {
	Path    string // of the file, below the folder of the package
	Title   string
	Remark  string // in sentences; empty when there is nothing to say
	Support Support

	vars    []dialect.Var
	env     map[string]string
	files   map[string]string
	expects []expectation
}

// expectation is one line of what is expected.
type expectation struct {
	line    string
	address string
	path    value.Path
	verb    string // exists, maybe, absent, =, unknown, at; problem, missing
	rest    string // the JSON, name, place, or kind and text
}

// ReadFeatures reads the cases of a dialect, files of a folder in order of their names.
func ReadFeatures(dir fs.FS) ([]Feature, error) {
	names, err := fs.Glob(dir, "*.txtar")
	if err != nil {
		return nil, err
	}
	var out []Feature
	titles := make(map[string]string)
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		f, err := readFeature(name, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if other := titles[f.Title]; other != "" {
			return nil, fmt.Errorf("%s and %s have the same title: %s", other, name, f.Title)
		}
		titles[f.Title] = name
		out = append(out, f)
	}
	return out, nil
}

func readFeature(name string, text []byte) (Feature, error) {
	a := txtar.Parse(text)
	f := Feature{Path: name, files: make(map[string]string), env: make(map[string]string)}
	var remarks []string
	for line := range strings.Lines(string(a.Comment)) {
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, ": ")
		switch name, setting, _ := strings.Cut(rest, "="); {
		case line == "":
		case f.Title == "":
			f.Title = line
		case word == "status":
			if f.Support = Support(rest); f.Support != Unknown && f.Support != Unsupported {
				return f, fmt.Errorf("%q is no status", rest)
			}
		case word == "env":
			f.env[name] = setting
		case word == "var":
			f.vars = append(f.vars, dialect.Var{Name: name, Value: setting})
		default:
			remarks = append(remarks, line)
		}
	}
	f.Remark = strings.Join(remarks, " ")
	if f.Title == "" {
		return f, fmt.Errorf("the case has no title")
	}
	for _, file := range a.Files {
		if file.Name != "expect" {
			if f.files[file.Name] != "" {
				return f, fmt.Errorf("two files are named %s", file.Name)
			}
			f.files[file.Name] = string(file.Data)
			continue
		}
		for line := range strings.Lines(string(file.Data)) {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			e, err := readExpectation(line)
			if err != nil {
				return f, err
			}
			f.expects = append(f.expects, e)
		}
	}
	if len(f.expects) == 0 || len(f.files) == 0 {
		return f, fmt.Errorf("the case has no files, or expects nothing of them")
	}
	return f, nil
}

func readExpectation(line string) (expectation, error) {
	e := expectation{line: line}
	if rest, ok := strings.CutPrefix(line, "problem "); ok {
		e.verb, e.rest = "problem", rest
		if _, text, _ := strings.Cut(rest, " "); text == "" {
			return e, fmt.Errorf("%s: a problem has a kind and a text", line)
		}
		return e, nil
	}
	if rest, ok := strings.CutPrefix(line, "missing "); ok {
		e.verb, e.rest = "missing", rest
		return e, nil
	}
	end := wordEnd(line)
	e.address = line[:end]
	rest := strings.TrimSpace(line[end:])
	end = wordEnd(rest)
	words := append([]string{rest[:end]}, strings.Fields(rest[end:])...)
	switch words[0] {
	case "exists", "maybe", "absent":
		if len(words) == 1 {
			e.verb = words[0]
			return e, nil
		}
	}
	p, ok := value.ParsePath(words[0])
	if !ok || len(words) < 2 {
		return e, fmt.Errorf("%s: what is expected?", line)
	}
	e.path, e.verb = p, words[1]
	_, after, _ := strings.Cut(rest[end:], e.verb)
	e.rest = strings.TrimSpace(after)
	switch e.verb {
	case "=":
		if !json.Valid([]byte(e.rest)) {
			return e, fmt.Errorf("%s: the value is not JSON", line)
		}
	case "at":
		if _, _, ok := readPlace(e.rest); !ok {
			return e, fmt.Errorf("%s: a place is FILE:LINE", line)
		}
	case "unknown":
	case "absent":
		if e.rest != "" {
			return e, fmt.Errorf("%s: what stands behind absent?", line)
		}
	default:
		return e, fmt.Errorf("%s: %q is nothing that can be expected", line, e.verb)
	}
	return e, nil
}

// wordEnd returns where the address or path ends that a line begins with.
func wordEnd(line string) int {
	quoted := false
	for i := range len(line) {
		switch line[i] {
		case '"':
			quoted = !quoted
		case ' ':
			if !quoted && i > 0 && line[i-1] != ':' {
				return i
			}
		}
	}
	return len(line)
}

func readPlace(s string) (file string, line int, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", 0, false
	}
	line, err := strconv.Atoi(s[i+1:])
	return s[:i], line, err == nil
}

// Features runs the cases in a folder, and fails on everything that is not as they expect.
func Features(t *testing.T, dir string, d dialect.Dialect) {
	features, err := ReadFeatures(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(features) == 0 {
		t.Fatalf("there are no cases in %s", dir)
	}
	for i := range features {
		f := &features[i]
		t.Run(strings.TrimSuffix(path.Base(f.Path), ".txtar"), func(t *testing.T) {
			for _, m := range f.Run(d) {
				t.Error(m)
			}
		})
	}
}

// Run holds a dialect to a case. It returns what is not as expected.
func (f *Feature) Run(d dialect.Dialect) []string {
	e := openWith(d, f.files, f.vars, f.env)
	r := &featureRun{Feature: f, estate: e}
	expected := make([]bool, len(e.problems))
	missing := make(map[string]bool) // modules that are not at hand; true for those that are expected
	for _, u := range e.units {
		for _, m := range u.Graph.Missing {
			missing[m.Address] = false
		}
	}
	for i := range f.expects {
		x := &f.expects[i]
		if x.verb == "missing" {
			if _, ok := missing[x.rest]; !ok {
				r.fail("%s: it is not", x.line)
			}
			missing[x.rest] = true
			continue
		}
		if x.verb != "problem" {
			r.hold(x)
			continue
		}
		kind, text, _ := strings.Cut(x.rest, " ")
		found := false
		for i, p := range e.problems {
			if string(p.Kind) == kind && strings.Contains(p.Message, text) {
				found, expected[i] = true, true
			}
		}
		if !found {
			r.fail("%s: there is no such problem", x.line)
		}
		r.told = true
	}
	for i, p := range e.problems {
		if p.Kind == source.Bug || !expected[i] && f.Support != Unsupported {
			r.fail("%s: %s problem: %s", where(e, p.Range), p.Kind, p.Message)
		}
		r.told = true
	}
	for _, m := range slices.Sorted(maps.Keys(missing)) {
		if !missing[m] && f.Support != Unsupported {
			r.fail("%s is missing", m)
		}
		r.told = true
	}
	if len(r.failures) > 0 {
		r.fail("there are %q", e.names())
	}
	switch {
	case r.missing > 0 && !r.told:
		r.fail("no problem tells why %d resources are missing", r.missing)
	case f.Support == Unknown && r.open == 0:
		r.fail("nothing is unknown that the case expects to be known: it is supported now")
	case f.Support == Unsupported && r.open+r.missing == 0 && !r.told:
		r.fail("no problem tells of it, and nothing is missing: it is supported now")
	}
	return r.failures
}

// featureRun is a case that runs.
type featureRun struct {
	*Feature
	*estate
	failures []string
	open     int  // values that should be known and are not
	missing  int  // resources that should be there and are not
	told     bool // by a problem, or by a module that is missing
}

func (r *featureRun) fail(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// hold holds one expectation. With a status, a value may be unknown that should be known; with Unsupported, a resource may be
// missing as well, as long as a problem tells of it.
func (r *featureRun) hold(x *expectation) {
	var found *place
	for _, p := range r.resources() {
		if p.name() == x.address {
			found = &p
			break
		}
	}
	if x.verb == "absent" && x.path == nil {
		switch {
		case found == nil:
		case r.Support != Supported && found.Maybe:
			r.open++
		default:
			r.fail("%s: it is there", x.line)
		}
		return
	}
	if found == nil {
		if r.Support == Unsupported {
			r.missing++
		} else {
			r.fail("%s: there is no such resource", x.line)
		}
		return
	}
	got := found.Body.At(x.path)
	switch x.verb {
	case "exists", "maybe":
		switch want := x.verb == "maybe"; {
		case found.Maybe == want:
		case r.Support != Supported && found.Maybe:
			r.open++
		default:
			r.fail("%s: maybe is %t", x.line, found.Maybe)
		}
	case "absent":
		if got.Kind == value.Unknown && r.Support != Supported {
			r.open++
		} else if got.IsSet() {
			r.fail("%s: it is %s", x.line, value.Show(got))
		}
	case "=":
		var want any
		dec := json.NewDecoder(strings.NewReader(x.rest))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			r.fail("%s: %v", x.line, err)
		} else if r.Support != Supported && !got.IsWhollyKnown() {
			r.open++
		} else if !same(got, want) {
			r.fail("%s: it is %s, in full %s", x.line, value.Show(got), got.AppendJSON(nil, false))
		}
	case "unknown":
		if got.Kind != value.Unknown && !got.Open && !mayHave(&found.Body, x.path) {
			r.fail("%s: it is %s, a %s", x.line, value.Show(got), got.Kind)
		} else if x.rest != "" {
			r.waits(x, *found)
		}
	case "at":
		r.at(x, got)
	}
}

// mayHave reports whether something that nobody wrote may be there all the same: it would be in an object whose keys are not all
// known.
func mayHave(v *value.Value, path value.Path) bool {
	for _, s := range path {
		if s.Name == "" {
			return false
		}
		next := v.Field(s.Name)
		if next.Kind == value.Absent {
			return v.Open
		}
		v = next
	}
	return false
}

// waits holds that something would decide a value.
func (r *featureRun) waits(x *expectation, p place) {
	var names []string
	for _, w := range p.unit.Explain(p.Resource, x.path).Waits {
		if w.Name == x.rest {
			return
		}
		names = append(names, w.Name)
	}
	r.fail("%s: it waits for %q", x.line, names)
}

// at holds where a value stands.
func (r *featureRun) at(x *expectation, got *value.Value) {
	file, line, _ := readPlace(x.rest)
	if got.Range.IsZero() {
		r.fail("%s: it stands nowhere", x.line)
		return
	}
	f := &source.File{Path: got.Range.File, Bytes: r.estate.files[got.Range.File]}
	if at := f.Position(got.Range.Start).Line; got.Range.File != file || at != line {
		r.fail("%s: it stands at %s:%d", x.line, got.Range.File, at)
	}
}

// same reports whether a value is what JSON says. A text that holds a document is compared as that where the JSON is not a text.
func same(got *value.Value, want any) bool {
	if _, text := want.(string); !text && got.Document != nil {
		got = got.Document
	} else if !text && got.Kind == value.String {
		return sameText(got.Text, want)
	}
	switch want := want.(type) {
	case nil:
		return got.Kind == value.Null
	case bool:
		return got.Kind == value.Bool && got.Bool == want
	case json.Number:
		return got.Kind == value.Number && got.Digits() == want.String()
	case string:
		return got.Kind == value.String && got.Text == want
	case []any:
		if got.Kind != value.List || got.Open || len(got.Items) != len(want) {
			return false
		}
		for i := range want {
			if got.Items[i].Maybe || !same(&got.Items[i], want[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		if got.Kind != value.Object || got.Open {
			return false
		}
		written := 0
		for i := range got.Fields {
			if f := &got.Fields[i]; f.Value.Kind != value.Absent {
				w, ok := want[f.Name]
				if !ok || !same(&f.Value, w) {
					return false
				}
				written++
			}
		}
		return written == len(want)
	}
	return false
}

// sameText reports whether a text is the document that JSON says.
func sameText(text string, want any) bool {
	var got any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	switch want.(type) {
	case []any, map[string]any:
		return dec.Decode(&got) == nil && reflect.DeepEqual(got, want)
	}
	return false
}

// WriteFeatures writes the table of the features of a language: what is shown, how far it is followed, and the case. Link leads
// from the table to the folder of the cases.
func WriteFeatures(b *bytes.Buffer, features []Feature, link string) {
	fmt.Fprint(b, "| feature | followed | case |\n|---|---|---|\n")
	for _, f := range features {
		followed := map[Support]string{Supported: "yes", Unknown: "unknown", Unsupported: "no"}[f.Support]
		title := f.Title
		if f.Remark != "" {
			title += ". " + f.Remark
		}
		fmt.Fprintf(b, "| %s | %s | [%s](%s/%s) |\n", strings.ReplaceAll(title, "|", `\|`), followed, strings.TrimSuffix(f.Path, ".txtar"), link, f.Path)
	}
}
