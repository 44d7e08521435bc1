package scan

import (
	"slices"

	"plumbline.dev/plumbline/finding"
)

// Framework is a compliance framework to report on.
type Framework struct {
	ID       string
	Controls []Control
}

// Control is one of its controls.
type Control struct {
	ID    string
	Title string
}

// controls counts for each control that rules serve what these rules said. Call it after suppressions were decided.
func (s *scan) controls(r *finding.Report) {
	if len(s.Controls) == 0 {
		return
	}
	type count struct{ findings, undecided, suppressed int }
	counts := make(map[string]*count)
	of := func(rule string) *count {
		if counts[rule] == nil {
			counts[rule] = new(count)
		}
		return counts[rule]
	}
	for _, f := range r.Findings {
		if f.Suppression != nil {
			of(f.Rule).suppressed++
		} else {
			of(f.Rule).findings++
		}
	}
	for _, f := range r.Undecided {
		if f.Suppression == nil {
			of(f.Rule).undecided++
		}
	}
	all := s.Rules.All()
	for _, framework := range s.Controls {
		for _, c := range framework.Controls {
			out := finding.Control{Framework: framework.ID, ID: c.ID, Title: c.Title, Status: "uncovered"}
			judged := false
			for _, ru := range all {
				if !slices.Contains(ru.Controls[framework.ID], c.ID) {
					continue
				}
				n := of(ru.ID)
				out.Rules = append(out.Rules, ru.ID)
				out.Findings += n.findings
				out.Undecided += n.undecided
				out.Suppressed += n.suppressed
				_, ran := slices.BinarySearch(r.Judged, ru.ID)
				judged = judged || ran
			}
			switch {
			case out.Rules == nil:
				continue
			case out.Findings > 0:
				out.Status = "fail"
			case out.Undecided > 0:
				out.Status = "undecided"
			case out.Suppressed > 0:
				out.Status = "accepted"
			case judged:
				out.Status = "pass"
			}
			r.Controls = append(r.Controls, out)
		}
	}
}
