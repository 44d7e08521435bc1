package dialecttest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// page is a rule that everything of a type breaks.
const page = "---\nid: conformance\nseverity: high\ncategory: access-control\non: [%s]\nrequire: 'false'\nmessage: It is there\nsince: 0.1\n---\n# It is there\n\nEverything of this type breaks this rule.\n"

// checkSuppressions breaks a rule with every resource in turn, and holds that a directive at the resource suppresses the finding
// on it and no other.
func checkSuppressions(t *testing.T, d dialect.Dialect, set *schema.Set, s Suite, sample *Sample) {
	if sample.NoDirectives {
		return
	}
	e := open(d, sample.Files)
	tried := make(map[source.Range]bool)
	suppressed := 0
	for _, p := range e.resources() {
		if set.Resource(p.Type) == nil || tried[p.Range] {
			continue
		}
		tried[p.Range] = true
		catalogue, err := rule.Load(set, fstest.MapFS{"conformance.md": {Data: fmt.Appendf(nil, page, p.Type)}})
		if err != nil {
			t.Fatal(err)
		}
		if problems := catalogue.Problems(); len(problems) > 0 {
			t.Fatalf("%s: %v", p.Type, problems[0].Message)
		}
		file := &source.File{Path: p.Range.File, Bytes: e.files[p.Range.File]}
		write := s.Suppress
		if write == nil {
			write = commentAbove
		}
		edits := write(file, p.Resource, "plumbline:ignore conformance the suite tries it")
		if len(edits) == 0 {
			continue
		}
		files := make(map[string]string)
		for name, text := range e.files {
			files[name] = string(text)
		}
		for name, text := range e.apply(t, edits) {
			files[name] = string(text)
		}
		on := func(files map[string]string) map[string]*finding.Finding {
			tree := fstest.MapFS{}
			for name, text := range files {
				tree[name] = &fstest.MapFile{Data: []byte(text)}
			}
			run, err := scan.Run(context.Background(), scan.Options{FS: tree, Dialects: []dialect.Dialect{d}, Rules: catalogue})
			if err != nil {
				t.Fatal(err)
			}
			out := make(map[string]*finding.Finding)
			for i := range run.Report.Findings {
				f := &run.Report.Findings[i]
				out[f.Resource.Address] = f
			}
			return out
		}
		before := on(sample.Files)[p.Address]
		if before == nil || before.Suppression != nil {
			t.Errorf("%s: there is no finding of the rule that it breaks", p.name())
			continue
		}
		after := on(files)
		if f := after[p.Address]; f == nil || f.Suppression == nil {
			t.Errorf("%s: the finding is not suppressed in\n%s", p.name(), files[file.Path])
			continue
		}
		suppressed++
		for _, o := range e.resources() {
			f := after[o.Address]
			if f != nil && f.Suppression != nil && !p.Range.Contains(o.Range) && o.Range != p.Range && !calledFrom(o.Resource, p.Range) {
				t.Errorf("%s: the finding on %s is suppressed too in\n%s", p.name(), o.name(), files[file.Path])
			}
		}
	}
	if suppressed == 0 && len(e.resources()) > 0 {
		t.Error("no resource of the sample could be tried: none has a type that the schema knows, or a place for a directive")
	}
}

// calledFrom reports whether a resource was led to by a call that stands in a range.
func calledFrom(r *resource.Resource, at source.Range) bool {
	for _, c := range r.Calls {
		if at.Contains(c.Range) || c.Range.Contains(at) {
			return true
		}
	}
	return false
}

// commentAbove writes a directive in a line of its own above a resource.
func commentAbove(f *source.File, r *resource.Resource, directive string) []source.Edit {
	line := f.Line(f.Position(r.Range.Start).Line)
	text := f.Text(line)
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	return []source.Edit{{
		Range: source.Range{File: f.Path, Start: line.Start, End: line.Start},
		Text:  indent + "# " + directive + "\n",
	}}
}
