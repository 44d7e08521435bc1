package scan

import (
	"cmp"
	"slices"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// location adds the positions for people to a range.
func (s *scan) location(r source.Range) finding.Location {
	loc := finding.Location{Range: r}
	if r.IsZero() {
		return loc
	}
	if f := s.file(r.File); f != nil {
		loc.From, loc.To = f.Position(r.Start), f.Position(r.End)
	}
	return loc
}

// places turns problems into the report's form, sorted and without repetitions.
func (s *scan) places(problems []unitProblem) []finding.Problem {
	var out []finding.Problem
	seen := make(map[source.Problem]bool)
	for _, p := range problems {
		if seen[p.Problem] {
			continue
		}
		seen[p.Problem] = true
		out = append(out, finding.Problem{Kind: p.Kind, Location: s.location(p.Range), Message: p.Message, Unit: p.Unit})
	}
	slices.SortFunc(out, func(a, b finding.Problem) int {
		return cmp.Or(
			cmp.Compare(a.Location.File, b.Location.File),
			cmp.Compare(a.Location.Start, b.Location.Start),
			cmp.Compare(a.Message, b.Message))
	})
	return out
}

// order sorts everything so that equal inputs give equal reports, and adds the rules that findings name.
func (s *scan) order(r *finding.Report) {
	byBadness := func(a, b finding.Finding) int {
		return cmp.Or(
			cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(a.Location.File, b.Location.File),
			cmp.Compare(a.Location.Start, b.Location.Start),
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Resource.Unit, b.Resource.Unit),
			cmp.Compare(a.Resource.Address, b.Resource.Address),
			cmp.Compare(a.ID, b.ID))
	}
	slices.SortFunc(r.Findings, byBadness)
	slices.SortFunc(r.Undecided, byBadness)
	named := make(map[string]bool)
	for _, list := range [][]finding.Finding{r.Findings, r.Undecided} {
		for _, f := range list {
			if named[f.Rule] {
				continue
			}
			named[f.Rule] = true
			if ru := s.Rules.Rule(f.Rule); ru != nil {
				r.Rules = append(r.Rules, finding.Rule{ID: ru.ID, Title: ru.Title, Severity: ru.Severity, Category: string(ru.Category),
					Why: ru.Why, Controls: ru.Controls, Aliases: ru.Aliases})
			}
		}
	}
	slices.SortFunc(r.Rules, func(a, b finding.Rule) int { return cmp.Compare(a.ID, b.ID) })
}
