package scan

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

func inFile(f finding.Finding, file string) finding.Finding {
	f.Location.File = file
	return f
}

func TestBaselineText(t *testing.T) {
	muted := inFile(found("3", "t3", "c"), "a.tf")
	muted.Suppression = &finding.Suppression{Kind: finding.Inline}
	kept := inFile(found("4", "t4", "d<x>"), "b.tf")
	kept.Suppression = &finding.Suppression{Kind: finding.Baseline}
	var out bytes.Buffer
	b := NewBaseline([]finding.Finding{kept, inFile(found("2", "t2", "b"), "a.tf"), undecided(inFile(found("1", "", "a"), "a.tf")), muted})
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	const want = `{
  "version": 1,
  "entries": [
    {"id":"1","rule":"r","path":"a.tf","resource":"a","attribute":"acl","outcome":"undecided"},
    {"id":"2","twin":"t2","rule":"r","path":"a.tf","resource":"b","attribute":"acl"},
    {"id":"4","twin":"t4","rule":"r","path":"b.tf","resource":"d<x>","attribute":"acl"}
  ]
}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Fatal(diff)
	}
	f := &source.File{Path: "x.json", Bytes: out.Bytes()}
	again, err := ReadBaseline(f)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.Entries, again.Entries, cmpopts.IgnoreUnexported(BaselineEntry{})); diff != "" {
		t.Error(diff)
	}
	if e := again.Entries[1]; e.at.From != (source.Position{Line: 5, Column: 5}) || !strings.HasPrefix(f.Text(e.at.Range), `{"id":"2"`) {
		t.Errorf("entry at %v", e.at)
	}

	out.Reset()
	if err := NewBaseline(nil).Write(&out); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadBaseline(&source.File{Bytes: out.Bytes()}); err != nil {
		t.Errorf("the empty baseline %q: %v", out.String(), err)
	}
}

func TestReadBaselineRefuses(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"empty":           {"", "b.json:1:1: not a baseline: EOF"},
		"cut":             {`{"version": 1, "entries": [`, "unexpected EOF"},
		"not JSON":        {"{\n  version: 1}", "b.json:2:4: not a baseline: invalid character 'v'"},
		"version":         {`{"version": 2, "entries": []}`, "version 2: this program reads version 1"},
		"no version":      {`{"entries": []}`, "version 0"},
		"no entries":      {`{"version": 1}`, "it has no entries"},
		"unknown key":     {`{"version": 1, "entries": [], "x": 1}`, `unknown field "x"`},
		"entry key":       {"{\"version\": 1, \"entries\": [\n {\"id\": \"1\", \"rule\": \"r\", \"y\": 1}]}", `b.json:2:2: not a baseline: json: unknown field "y"`},
		"entry without":   {`{"version": 1, "entries": [{"id": "1"}]}`, "an entry needs an id and a rule"},
		"null entry":      {`{"version": 1, "entries": [null]}`, "an entry needs an id and a rule"},
		"outcome":         {`{"version": 1, "entries": [{"id": "1", "rule": "r", "outcome": "pass"}]}`, `the outcome "pass" is not undecided`},
		"text after":      {`{"version": 1, "entries": []} {}`, "text after the end"},
		"another's":       {`{"failed_checks": []}`, `unknown field "failed_checks"`},
		"merge conflict":  {"<<<<<<< HEAD\n{}", "invalid character '<'"},
		"a list":          {`[]`, "cannot unmarshal array"},
		"entry is number": {`{"version": 1, "entries": [1]}`, "cannot unmarshal number"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ReadBaseline(&source.File{Path: "b.json", Bytes: []byte(tt.text)})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestBaselineAccepts(t *testing.T) {
	type list = []finding.Finding
	tests := map[string]struct {
		accepted, now list
		reported      []string // ids
		unused        int
	}{
		"same":                      {accepted: list{found("1", "t", "a")}, now: list{found("1", "t", "a")}},
		"new":                       {accepted: list{}, now: list{found("1", "t", "a")}, reported: []string{"1"}},
		"fixed":                     {accepted: list{found("1", "t", "a")}, now: list{}, unused: 1},
		"renamed":                   {accepted: list{found("1", "t", "a")}, now: list{found("2", "t", "b")}},
		"ambiguous":                 {accepted: list{found("1", "t", "a")}, now: list{found("2", "t", "b"), found("3", "t", "c")}, reported: []string{"2", "3"}, unused: 1},
		"copied":                    {accepted: list{found("1", "t", "a")}, now: list{found("1", "t", "a"), found("3", "t", "c")}, reported: []string{"3"}},
		"fail covers undecided":     {accepted: list{found("1", "t", "a")}, now: list{undecided(found("1", "t", "a"))}},
		"fail covers both":          {accepted: list{found("1", "t", "a")}, now: list{undecided(found("1", "t", "a")), found("1", "t", "a")}},
		"undecided stays undecided": {accepted: list{undecided(found("1", "t", "a"))}, now: list{undecided(found("1", "t", "a"))}},
		"undecided became fail":     {accepted: list{undecided(found("1", "t", "a"))}, now: list{found("1", "t", "a")}, reported: []string{"1"}, unused: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			entryOf, used := NewBaseline(tt.accepted).accept(tt.now)
			var reported []string
			for i, e := range entryOf {
				if e < 0 {
					reported = append(reported, tt.now[i].ID)
				}
			}
			unused := 0
			for _, u := range used {
				if !u {
					unused++
				}
			}
			if diff := cmp.Diff(tt.reported, reported); diff != "" || unused != tt.unused {
				t.Errorf("%d unused, reported (-want +got):\n%s", unused, diff)
			}
		})
	}
}

func FuzzReadBaseline(f *testing.F) {
	f.Add([]byte(`{"version": 1, "entries": [{"id":"1","rule":"r","path":"p","resource":"a"}]}`))
	f.Add([]byte(`{"entries": [1, {"id":"2","rule":"r"}], "version": 1, "entries": [{"id":"1","rule":"r"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		file := &source.File{Path: "b", Bytes: text}
		b, err := ReadBaseline(file)
		if err != nil {
			return
		}
		for _, e := range b.Entries {
			if !strings.Contains(file.Text(e.at.Range), "{") {
				t.Errorf("entry at %v", e.at)
			}
		}
		var out bytes.Buffer
		if err := b.Write(&out); err != nil {
			t.Fatal(err)
		}
		again, err := ReadBaseline(&source.File{Bytes: out.Bytes()})
		if err != nil || len(again.Entries) != len(b.Entries) {
			t.Errorf("what was written cannot be read: %v", err)
		}
	})
}
