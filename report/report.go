// Package report writes what a scan found, one file per format.
//
// A format is a pure function of its Input: no clock, no environment, no map order, so that equal scans give equal bytes.
// Scanned text is hostile: it may hold escape sequences for terminals, markup, formulas, or directions for a workflow
// runner. Each format makes it harmless in its own way, see Visible.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/source"
)

// Input is what a format writes.
type Input struct {
	Report  *finding.Report
	Files   func(path string) *source.File // a file of the scanned tree, for excerpts and diffs; nil result when it is not readable; nil when there are no files
	Colour  bool                           // escape sequences for colour in text and short
	Width   int                            // columns of the terminal for text; 0 means 100
	NoFixes bool                           // no fixes were looked for: that there is none says nothing
	Strict  bool                           // undecided verdicts make the scan fail: they are shown like findings where they otherwise are not
	Against string                         // the git ref that the report was compared with: only what is new against it is there; empty for none
	Older   int                            // how many findings are left out for that
	Apart   int                            // how many more because the ref cannot have them: they are in files that git ignores
	At      time.Time                      // when the scan ran, in the formats that demand it (gitlab-sast); the zero time is written as the first second of 1970
}

// Format is one way to write a report.
type Format struct {
	Name      string // as on the command line: sarif
	Title     string // for people: SARIF 2.1.0
	MediaType string
	Write     func(w io.Writer, in Input) error // the error is that of w
}

// Formats returns all formats in the order in which help lists them.
func Formats() []Format {
	return []Format{
		{"text", "for people: excerpts, reasons and fixes", "text/plain; charset=utf-8", quiet(writeText)},
		{"short", "one line per finding", "text/plain; charset=utf-8", quiet(writeShort)},
		{"json", "everything, in a documented schema", "application/json", quiet(writeJSON)},
		{"sarif", "SARIF 2.1.0, for code scanning", "application/sarif+json", quiet(writeSARIF)},
		{"junit", "JUnit XML, for test reports of CI", "application/xml", quiet(writeJUnit)},
		{"markdown", "a comment on a pull request", "text/markdown; charset=utf-8", quiet(writeMarkdown)},
		{"csv", "a row per finding, for spreadsheets", "text/csv; charset=utf-8", quiet(writeCSV)},
		{"html", "one self-contained page", "text/html; charset=utf-8", quiet(writeHTML)},
		{"github", "annotations of a GitHub workflow", "text/plain; charset=utf-8", quiet(writeGitHub)},
		{"gitlab-codequality", "GitLab code quality", "application/json", quiet(writeCodeQuality)},
		{"gitlab-sast", "GitLab SAST 15.0.7", "application/json", quiet(writeGitLabSAST)},
	}
}

// quiet makes a format that shows no secret in what quotes the code: what could not be read, and what a fix would write.
func quiet(write func(io.Writer, Input) error) func(io.Writer, Input) error {
	return func(w io.Writer, in Input) error {
		r := *in.Report
		r.Problems, r.Hygiene = slices.Clone(r.Problems), slices.Clone(r.Hygiene)
		for i := range r.Problems {
			r.Problems[i].Message = rule.Masked(r.Problems[i].Message)
		}
		for i := range r.Hygiene {
			r.Hygiene[i].Message = rule.Masked(r.Hygiene[i].Message)
		}
		in.Report = &r
		return write(w, in)
	}
}

// shows reports whether what a fix writes has nothing in it that is to be hidden. Reports for programs leave out the edits of others.
func shows(fix finding.Fix, secret bool) bool {
	return !slices.ContainsFunc(fix.Edits, func(e finding.Edit) bool {
		lines := strings.Split(e.Text, "\n")
		text := rule.LinesOf(lines)
		for n := range lines {
			if len(rule.SpansAt(text, n, secret)) > 0 {
				return true
			}
		}
		return false
	})
}

// Lookup returns the format of that name.
func Lookup(name string) (Format, bool) {
	all := Formats()
	i := slices.IndexFunc(all, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, false
	}
	return all[i], true
}

// file returns the content of a file of the tree, or nil.
func (in *Input) file(name string) *source.File {
	if in.Files == nil || name == "" {
		return nil
	}
	return in.Files(name)
}

// open returns the findings that are to be acted on: the ones that nobody suppressed.
func open(r *finding.Report) []*finding.Finding {
	out := make([]*finding.Finding, 0, len(r.Findings))
	for i := range r.Findings {
		if r.Findings[i].Suppression == nil {
			out = append(out, &r.Findings[i])
		}
	}
	return out
}

// strict returns the undecided verdicts that make the scan fail.
func (in *Input) strict() []*finding.Finding {
	var out []*finding.Finding
	for i := range in.Report.Undecided {
		if f := &in.Report.Undecided[i]; in.Strict && f.Suppression == nil {
			out = append(out, f)
		}
	}
	return out
}

// against says what the report leaves out, or "".
func (in *Input) against() string {
	if in.Against == "" {
		return ""
	}
	return fmt.Sprintf("New against %s; %s.", Visible(in.Against), in.leftOut())
}

// leftOut counts what a comparison leaves out.
func (in *Input) leftOut() string {
	text := plural(in.Older, "older finding") + " not shown"
	if in.Apart > 0 {
		text += fmt.Sprintf(", nor %d in files that git ignores: they cannot be compared", in.Apart)
	}
	return text
}

// severities lists the severities, worst first.
var severities = [...]finding.Severity{finding.Critical, finding.High, finding.Medium, finding.Low, finding.Info}

// tally counts findings by severity.
type tally [finding.Critical + 1]int

func count(fs []*finding.Finding) tally {
	var t tally
	for _, f := range fs {
		t[f.Severity]++
	}
	return t
}

// rules maps the rules of the report by id.
func rules(r *finding.Report) map[string]*finding.Rule {
	m := make(map[string]*finding.Rule, len(r.Rules))
	for i := range r.Rules {
		m[r.Rules[i].ID] = &r.Rules[i]
	}
	return m
}

// complete reports whether everything that was claimed could be read; Unresolved is a gap in coverage only.
func complete(r *finding.Report) bool {
	return !slices.ContainsFunc(r.Problems, func(p finding.Problem) bool { return !gap(p) })
}

// gap reports whether a problem only leaves a gap in coverage.
func gap(p finding.Problem) bool { return p.Kind == source.Unresolved }

// shown returns the changes of one file by a fix of f for people, without secrets; none when the file is not at hand.
func (in *Input) shown(name string, f *finding.Finding, edits []finding.Edit, context int) []hunk {
	file := in.file(name)
	if file == nil {
		return nil
	}
	hunks := hunksOf(file, edits, context)
	conceal(file, hunks, f.Secret)
	return hunks
}
