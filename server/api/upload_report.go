package api

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/store"
)

// uploaded is what an upload says, whatever its format.
type uploaded struct {
	found    map[string][]uploadedFinding // by maker
	coverage *keptCoverage                // of our own reports
	skipped  map[string]int               // why results were left out
	results  int
	ids      map[string]bool // of our own findings

	repository, branch, commit string // as far as the upload itself says; repository is an address
}

// uploadedFinding is a finding with what only its maker knows about its rule.
type uploadedFinding struct {
	jobs.Finding
	category string // "" asks the catalogue
}

func newUploaded() *uploaded {
	return &uploaded{found: map[string][]uploadedFinding{}, skipped: map[string]int{}, ids: map[string]bool{}}
}

// add takes in a finding; more than 25,000 are refused, as a whole.
func (u *uploaded) add(maker string, f uploadedFinding) error {
	if u.results++; u.results > maxResults {
		return store.Refuse(store.Invalid, "The upload has more than %d results: upload parts of the repository under names of their own, or leave out what nobody will look at.", maxResults)
	}
	u.found[maker] = append(u.found[maker], f)
	return nil
}

// The parts of our own JSON format that are taken in; report.JSONSchema describes it.

type reportPosition struct{ Line, Column, Byte int }

type reportLocation struct {
	File       string
	Start, End *reportPosition
}

type reportRelated struct {
	Text     string
	Location *reportLocation
}

type reportFinding struct {
	ID, Twin, Rule, Message, Path string
	Severity                      finding.Severity
	Outcome                       finding.Outcome
	Location                      *reportLocation
	Resource                      struct {
		Address, Type, Native, Provider, Dialect, Unit string
		Maybe                                          bool
		Variants                                       []string
		Calls                                          []reportRelated
		Location                                       *reportLocation
	}
	Related  []reportRelated
	Evidence []struct {
		Path, Value string
		From        []reportRelated
	}
	Waits []struct {
		Name, Kind string
		Location   *reportLocation
	}
	Suppression *struct {
		Kind     finding.SuppressionKind
		Rules    []string
		Reason   string
		Location *reportLocation
	}
}

type reportProblem struct {
	Kind, Message, Unit string
	Location            *reportLocation
}

// readReport reads a report of ours from where its object begins.
func readReport(s *stream, u *uploaded) error {
	u.coverage = &keptCoverage{}
	format := 0
	u.found[""] = nil
	findings := func() error {
		return s.array(func() error {
			var f reportFinding
			if err := s.value(&f); err != nil {
				return err
			}
			return u.reported(&f)
		})
	}
	if err := s.object(func(name string) error {
		switch name {
		case "format":
			return s.value(&format)
		case "findings", "undecided":
			return findings()
		case "problems":
			return s.array(func() error {
				var p reportProblem
				if err := s.value(&p); err != nil {
					return err
				}
				if len(u.coverage.Problems) >= maxProblems {
					return store.Refuse(store.Invalid, "The report has more than %d problems.", maxProblems)
				}
				at, ok := p.Location.place()
				if !ok {
					at = finding.Location{}
				}
				u.coverage.Problems = append(u.coverage.Problems, finding.Problem{Kind: source.ProblemKind(cut(p.Kind, 40)), Message: cut(p.Message, maxMessage), Unit: cut(p.Unit, maxIdentifier), Location: at})
				return nil
			})
		case "coverage":
			return s.value(&u.coverage.Coverage)
		}
		return s.skip()
	}); err != nil {
		return err
	}
	if format != 1 {
		return store.Refuse(store.Invalid, "This is neither a SARIF log nor a report of plumbline in format 1: write one with plumbline scan --report json, or let plumbline scan --upload do it.")
	}
	return s.end()
}

// place is a location of the report; false when it is not one in the repository.
func (l *reportLocation) place() (finding.Location, bool) {
	if l == nil {
		return finding.Location{}, true
	}
	file, ok := inRepository(l.File)
	out := finding.Location{Range: source.Range{File: file}}
	if l.Start != nil {
		out.From, out.Start = source.Position{Line: l.Start.Line, Column: l.Start.Column}, l.Start.Byte
	}
	if l.End != nil {
		out.To, out.End = source.Position{Line: l.End.Line, Column: l.End.Column}, l.End.Byte
	}
	return out, ok && out.From.Line >= 0 && out.To.Line >= 0
}

func related(list []reportRelated) (out []finding.Related) {
	for _, r := range list[:min(len(list), 100)] {
		if at, ok := r.Location.place(); ok {
			out = append(out, finding.Related{Text: cut(r.Text, maxMessage), Location: at})
		}
	}
	return out
}

// reported takes in a finding of a report.
func (u *uploaded) reported(f *reportFinding) error {
	at, ok := f.Location.place()
	declared, fine := f.Resource.Location.place()
	switch {
	case f.ID == "" || len(f.ID) > 80 || store.MakerOf(f.ID) != "" || len(f.Twin) > 80 || f.Rule == "" || len(f.Rule) > maxIdentifier || f.Severity == 0 || f.Outcome != finding.Fail && f.Outcome != finding.Undecided:
		return store.Refuse(store.Invalid, "A finding of the report has no id, rule, severity or outcome that plumbline could have written: %q.", clip(f.ID))
	case !ok || !fine:
		u.skipped["names a file outside of the repository"]++
		return nil
	case u.ids[f.ID]:
		u.skipped["has the identity of another one"]++
		return nil
	}
	u.ids[f.ID] = true
	r := &f.Resource
	out := finding.Finding{ID: f.ID, Twin: f.Twin, Rule: f.Rule, Severity: f.Severity, Outcome: f.Outcome, Message: cut(f.Message, maxMessage), Path: cut(f.Path, maxIdentifier), Location: at,
		Resource: finding.Resource{Address: cut(r.Address, maxIdentifier), Type: cut(r.Type, maxIdentifier), Native: cut(r.Native, maxIdentifier), Provider: cut(r.Provider, 100), Dialect: cut(r.Dialect, 100),
			Unit: cut(r.Unit, 1000), Maybe: r.Maybe, Calls: related(r.Calls), Range: declared},
		Related: related(f.Related)}
	for _, v := range r.Variants[:min(len(r.Variants), 100)] {
		out.Resource.Variants = append(out.Resource.Variants, cut(v, maxIdentifier))
	}
	for _, e := range f.Evidence[:min(len(f.Evidence), 100)] {
		out.Evidence = append(out.Evidence, finding.Evidence{Path: cut(e.Path, maxIdentifier), Value: cut(e.Value, maxMessage), From: related(e.From)})
	}
	for _, w := range f.Waits[:min(len(f.Waits), 100)] {
		if at, ok := w.Location.place(); ok {
			out.Waits = append(out.Waits, finding.Wait{Name: cut(w.Name, maxIdentifier), Kind: cut(w.Kind, 40), Location: at})
		}
	}
	if s := f.Suppression; s != nil {
		out.Suppression = &finding.Suppression{Kind: s.Kind, Reason: cut(s.Reason, maxMessage)}
		if at, ok := s.Location.place(); ok {
			out.Suppression.Location = at
		}
	}
	return u.add("", uploadedFinding{Finding: jobs.Finding{Finding: out}})
}

// inRepository cleans the path of a file in a repository; false when it leads elsewhere. "" stays.
func inRepository(file string) (string, bool) {
	if file == "" {
		return "", true
	}
	windows := len(file) > 1 && file[1] == ':'
	clean := path.Clean(strings.ReplaceAll(file, `\`, "/"))
	bad := windows || len(clean) > 1024 || path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") || !validText(clean)
	return clean, !bad
}

// covered makes the test whether the scan looked at where an older finding was: not when the file has a problem, nor when only other
// paths were scanned.
func (u *uploaded) covered(paths []string) func(store.Absent) bool {
	broken := map[string]bool{}
	if u.coverage != nil {
		for _, p := range u.coverage.Problems {
			if p.Kind != source.Unresolved && p.Location.File != "" {
				broken[p.Location.File] = true
			}
		}
	}
	return func(a store.Absent) bool {
		within := len(paths) == 0 || slices.ContainsFunc(paths, func(p string) bool {
			return p == "." || a.File == p || strings.HasPrefix(a.File, p+"/") || cmp.Or(a.File, a.Unit) == p
		})
		return within && !broken[a.File]
	}
}
