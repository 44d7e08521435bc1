package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// The dialect of JUnit's XML that Jenkins, GitLab and Azure read. A suite is a rule; a case is a verdict of it.

type junitSuites struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Name     string        `xml:"name,attr"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Errors   int           `xml:"errors,attr"`
	Skipped  int           `xml:"skipped,attr"`
	Suites   []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

// junitCase has at most one of failure, error and skipped; none means that it passed.
type junitCase struct {
	Name    string       `xml:"name,attr"`
	Class   string       `xml:"classname,attr"`
	File    string       `xml:"file,attr,omitempty"`
	Line    int          `xml:"line,attr,omitempty"`
	Failure *junitResult `xml:"failure"`
	Error   *junitResult `xml:"error"`
	Skipped *junitResult `xml:"skipped"`
}

type junitResult struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

func writeJUnit(w io.Writer, in Input) error {
	// Readers take a file without a case for a broken one: the first suite is about the scan itself.
	scan := &junitSuite{Name: "scan"}
	all := junitSuites{Name: "plumbline", Suites: []*junitSuite{scan}}
	if len(in.Report.Problems) == 0 {
		scan.add(junitCase{Name: "everything was read", Class: "scan"})
	}
	for _, p := range in.Report.Problems {
		c := junitCase{Name: cmp.Or(spot(&in, p.Location), Visible(cmp.Or(p.Unit, in.Report.Root))), Class: "scan", File: Visible(p.Location.File), Line: p.Location.From.Line}
		result := &junitResult{Message: Visible(p.Message), Type: string(p.Kind)}
		if p.Kind == source.Unresolved {
			c.Skipped = result
		} else {
			c.Error = result
		}
		scan.add(c)
	}
	suites := make(map[string]*junitSuite)
	for _, list := range [][]finding.Finding{in.Report.Findings, in.Report.Undecided} {
		for i := range list {
			f := &list[i]
			s := suites[f.Rule]
			if s == nil {
				s = &junitSuite{Name: Visible(f.Rule)}
				suites[f.Rule] = s
				all.Suites = append(all.Suites, s)
			}
			s.add(in.junitCase(f))
		}
	}
	for _, s := range all.Suites {
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (in *Input) junitCase(f *finding.Finding) junitCase {
	name := Visible(f.Resource.Address)
	if f.Path != "" {
		name += " " + Visible(f.Path)
	}
	c := junitCase{Name: name, Class: Visible(f.Rule), File: Visible(f.Location.File), Line: f.Location.From.Line}
	message := Visible(f.Message)
	switch {
	case f.Outcome == finding.Undecided && in.Strict && f.Suppression == nil:
		c.Failure = &junitResult{Message: "undecided: " + message, Type: f.Severity.String(), Text: strings.TrimPrefix(spot(in, f.Location)+"\nundecided: "+message, "\n")}
	case f.Outcome == finding.Undecided && f.Suppression == nil:
		c.Skipped = &junitResult{Message: "undecided: " + message, Type: "undecided"}
	case f.Suppression != nil:
		c.Skipped = &junitResult{Message: strings.TrimSuffix(fmt.Sprintf("suppressed (%s): %s", f.Suppression.Kind, Visible(f.Suppression.Reason)), ": "), Type: "suppressed"}
	default:
		lines := []string{spot(in, f.Location), message}
		for _, e := range f.Evidence {
			lines = append(lines, evidence(e))
		}
		for _, x := range f.Fixes {
			lines = append(lines, "fix: "+Visible(x.Title))
		}
		c.Failure = &junitResult{Message: message, Type: f.Severity.String(), Text: strings.TrimPrefix(strings.Join(lines, "\n"), "\n")}
	}
	return c
}
