package dialecttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"

	"plumbline.dev/plumbline/dialect"
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
// A problem or a missing module that no line expects fails the case. A space ends an address, unless it (or the whole address) stands in quotes, or behind the colon of a
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
	if whole, err := strconv.Unquote(e.address); err == nil { // an address with spaces, as a whole
		e.address = whole
	}
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
