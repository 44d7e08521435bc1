package scan

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// SuppressInput is the findings of a scan and everything that people decided about them.
type SuppressInput struct {
	Findings []finding.Finding // fails and undecided ones together
	Files    []string          // the files whose comments count: also those without findings
	Source   func(file string) *source.File
	Comments func(file string) []dialect.Comment // in order; asked only for files that may hold a suppression
	Rules    func() *RuleNames                   // asked at most once, and only when there is a name to understand
	Ignores  []*config.Ignore
	Baseline *Baseline // nil for none
	NoInline bool      // comments do not count, and nothing is said about them
	Today    time.Time // the day against which expiry is held; zero for never

	// Ran reports whether the scan would have found what a rule has to say in a file or folder: false when the command
	// line left either out, or when the place could not be read. A rule that the settings turn off has nothing to say and
	// counts as run. A suppression is called unused only where all its rules ran.
	Ran func(rule, place string) bool
}

// Suppress returns the findings, in the same order, with the suppression of each that has one, and what is wrong with
// the suppressions. A finding that several cover carries the first of: comment, settings, baseline. All of them count as
// used.
func Suppress(in SuppressInput) ([]finding.Finding, []finding.Hygiene) {
	s := &suppressor{SuppressInput: in, findings: slices.Clone(in.Findings)}
	if !in.Today.IsZero() {
		y, m, d := in.Today.UTC().Date()
		s.today = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	if !in.NoInline {
		s.inline()
	}
	s.settings()
	s.baseline()
	slices.SortStableFunc(s.hygiene, func(a, b finding.Hygiene) int {
		l, r := a.Suppression.Location, b.Suppression.Location
		return cmp.Or(cmp.Compare(l.File, r.File), cmp.Compare(l.Start, r.Start), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Message, b.Message))
	})
	return s.findings, s.hygiene
}

// suppressor is one call of Suppress.
type suppressor struct {
	SuppressInput
	findings []finding.Finding
	hygiene  []finding.Hygiene
	today    time.Time
	index    *RuleNames
}

func (s *suppressor) names() *RuleNames {
	if s.index == nil {
		s.index = s.Rules()
	}
	return s.index
}

// The kinds of hygiene.
const (
	unused      = "unused"
	expired     = "expired"
	unexplained = "unexplained"
	unknownRule = "unknown-rule"
	malformed   = "malformed"
)

func (s *suppressor) complain(kind string, about finding.Suppression, format string, args ...any) {
	s.hygiene = append(s.hygiene, finding.Hygiene{Kind: kind, Suppression: about, Message: fmt.Sprintf(format, args...)})
}

// expired says so when a suppression no longer holds.
func (s *suppressor) expired(about finding.Suppression) bool {
	if about.Until.IsZero() || s.today.IsZero() || !about.Until.Before(s.today) {
		return false
	}
	s.complain(expired, about, "it held until %s: what it suppressed is reported again", about.Until.Format(time.DateOnly))
	return true
}

// ran reports whether every rule of a list ran over a place.
func (s *suppressor) ran(ids []string, place string) bool {
	return !slices.ContainsFunc(ids, func(id string) bool { return !s.Ran(id, place) })
}

// The words by which files are chosen whose comments are worth reading.
var markers = [][]byte{
	[]byte("plumbline"), []byte("Plumbline"), []byte("PLUMBLINE"), []byte(":skip="), []byte("trivy:"), []byte("tfsec:"),
	[]byte("checkov"), []byte("bridgecrew"), []byte("cortex"), // in metadata the rest stands on other lines
	[]byte("kics-scan"), []byte("KICS-SCAN"), []byte("dd-iac-scan"), []byte("DD-IAC-SCAN"),
}

// maxDirectives bounds the suppressions of one file that are heard. People write tens; a file with more than this was made
// to cost time.
const maxDirectives = 5000

type markedKey struct{}

// marked reports whether the comments of a file are worth reading.
func marked(file *source.File) bool {
	return slices.ContainsFunc(markers, func(m []byte) bool { return bytes.Contains(file.Bytes, m) })
}

func (s *suppressor) inline() {
	byFile := make(map[string][]*directive)
	var all []*directive
	for _, name := range s.Files {
		file := s.Source(name)
		if _, again := byFile[name]; again || file == nil ||
			!file.Memo(markedKey{}, func() any { return marked(file) }).(bool) {
			continue
		}
		list := directives(file, s.Comments(name))
		if len(list) > maxDirectives {
			about := list[maxDirectives].suppression
			about.Kind = finding.Inline
			s.complain(malformed, about, "this one and all below it do not count: the file has more than %d suppressions", maxDirectives)
			list = list[:maxDirectives]
		}
		for _, d := range list {
			all = append(all, d)
			if d.malformed != "" || s.expiredDirective(d) {
				continue
			}
			at := name
			if about := d.comment.About; !about.IsZero() {
				at = about.File // what is written in a file of values may be metadata of a template
			}
			byFile[at] = append(byFile[at], d)
		}
	}
	for i := range s.findings {
		f := &s.findings[i]
		for _, name := range places(f) {
			for _, d := range byFile[name] {
				if s.applies(d, f) && f.Suppression == nil {
					made := d.suppression
					f.Suppression = &made
				}
			}
		}
	}
	for _, d := range all {
		if d.scanner == plumbline && !d.again {
			s.judge(d)
		}
	}
}

// expiredDirective leaves alone what other scanners' comments say about rules that we do not have.
func (s *suppressor) expiredDirective(d *directive) bool {
	if d.scanner != plumbline && !slices.ContainsFunc(d.names, func(n string) bool { return len(s.names().resolve(d.scanner, n)) > 0 }) {
		return false
	}
	return s.expired(d.suppression)
}

// places returns the files in which a comment can reach a finding, without repetitions.
func places(f *finding.Finding) []string {
	files := []string{f.Location.File}
	for _, more := range append([]finding.Related{{Location: f.Resource.Range}}, f.Resource.Calls...) {
		if !slices.Contains(files, more.Location.File) {
			files = append(files, more.Location.File)
		}
	}
	return files
}

// applies reports whether a directive suppresses a finding, and notes which of its names did.
func (s *suppressor) applies(d *directive, f *finding.Finding) bool {
	if !d.covers(f) {
		return false
	}
	applies := false
	for i, name := range d.names {
		if slices.Contains(s.names().resolve(d.scanner, name), f.Rule) {
			d.used[i] = true
			applies = true
		}
	}
	return applies
}

// judge says what is wrong with one of our own comments.
func (s *suppressor) judge(d *directive) {
	about := d.suppression
	about.Kind = finding.Inline
	if d.malformed != "" {
		s.complain(malformed, about, "it does not count: %s", d.malformed)
		return
	}
	var idle []string
	for i, name := range d.names {
		ids := s.names().Resolve(name)
		if len(ids) == 0 {
			message := fmt.Sprintf("there is no rule %q", name)
			if _, near := s.names().Known(name); near != "" {
				message += fmt.Sprintf(": did you mean %q?", near)
			}
			s.complain(unknownRule, about, "%s", message)
		} else if !d.used[i] && s.ran(ids, about.Location.File) {
			idle = append(idle, name)
		}
	}
	if !about.Until.IsZero() && !s.today.IsZero() && about.Until.Before(s.today) {
		return // said already; that it also does nothing follows
	}
	if len(idle) > 0 {
		s.complain(unused, about, "it has nothing to suppress: take %s out", strings.Join(idle, ", "))
	}
	if about.Reason == "" {
		s.complain(unexplained, about, "it gives no reason: say why after the rules")
	}
}

func (s *suppressor) settings() {
	for _, g := range s.Ignores {
		about := g.Suppression
		if s.expired(about) {
			continue
		}
		used := make([]bool, len(about.Rules))
		for i := range s.findings {
			f := &s.findings[i]
			if !g.Covers(f.Location.File, f.Resource.Address) && !g.Covers(f.Resource.Range.File, f.Resource.Address) {
				continue
			}
			for n, name := range about.Rules {
				if !slices.Contains(s.names().Resolve(name), f.Rule) {
					continue
				}
				used[n] = true
				if f.Suppression == nil {
					made := about
					f.Suppression = &made
				}
			}
		}
		var idle []string
		for n, name := range about.Rules {
			if !used[n] && s.ran(s.names().Resolve(name), g.Folder) {
				idle = append(idle, name)
			}
		}
		if len(idle) > 0 {
			s.complain(unused, about, "it has nothing to suppress: take %s out", strings.Join(idle, ", "))
		}
		if about.Reason == "" {
			s.complain(unexplained, about, "it gives no reason: say why in reason")
		}
	}
}

func (s *suppressor) baseline() {
	if s.Baseline == nil {
		return
	}
	entryOf, used := s.Baseline.accept(s.findings)
	for i, e := range entryOf {
		if e >= 0 && s.findings[i].Suppression == nil {
			made := s.Baseline.Entries[e].suppression()
			s.findings[i].Suppression = &made
		}
	}
	for i, e := range s.Baseline.Entries {
		if used[i] || len(s.names().Resolve(e.Rule)) > 0 && !s.Ran(e.Rule, e.Path) {
			continue
		}
		s.complain(unused, e.suppression(), "%s no longer finds anything in %s: write the baseline again to take it out", e.Rule, e.Resource)
	}
}

func (e BaselineEntry) suppression() finding.Suppression {
	return finding.Suppression{Kind: finding.Baseline, Rules: []string{e.Rule}, Location: e.at}
}
