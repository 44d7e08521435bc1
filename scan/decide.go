package scan

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
)

// decide marks what people decided not to report, and says what is wrong with those decisions.
func (s *scan) decide(r *finding.Report) {
	fails := len(r.Findings)
	unread := make(map[string]bool)
	for _, p := range r.Problems {
		unread[p.Location.File] = true
	}
	marked, hygiene := Suppress(SuppressInput{
		Findings: slices.Concat(r.Findings, r.Undecided),
		Files:    s.commented(r),
		Source:   s.file,
		Comments: s.comments,
		Rules:    func() *RuleNames { return NewRuleNames(s.ruleNames()) },
		Ignores:  s.Config.Ignores,
		Baseline: s.Decide.Baseline,
		NoInline: s.Decide.NoInline,
		Today:    s.Decide.Today,
		Ran: func(id, place string) bool {
			ru := s.Rules.Rule(id)
			return ru != nil && (s.Only == nil || s.Only(ru)) && !unread[place] && s.covers(place)
		},
	})
	r.Findings, r.Undecided, r.Hygiene = marked[:fails:fails], marked[fails:], hygiene
}

// commented lists the files whose comments count: those scanned, and those that findings led to, which no dialect need have claimed.
func (s *scan) commented(r *finding.Report) []string {
	files := slices.Clone(s.files)
	for _, list := range [][]finding.Finding{r.Findings, r.Undecided} {
		for i := range list {
			files = append(files, list[i].Location.File, list[i].Resource.Range.File)
			for _, call := range list[i].Resource.Calls {
				files = append(files, call.Location.File)
			}
		}
	}
	slices.Sort(files)
	return slices.DeleteFunc(slices.Compact(files), func(f string) bool { return f == "" })
}

// covers reports whether everything in a file or folder was scanned.
func (s *scan) covers(place string) bool {
	if len(s.Dirs) == 0 {
		return true
	}
	return slices.ContainsFunc(s.Dirs, func(dir string) bool {
		return dir == "." || dir == place || strings.HasPrefix(place, dir+"/")
	})
}

// ruleNames lists every rule with its aliases.
func (s *scan) ruleNames() []RuleName {
	all := s.Rules.All()
	names := make([]RuleName, 0, len(all))
	for _, ru := range all {
		names = append(names, RuleName{ID: ru.ID, Aliases: ru.Aliases})
	}
	return names
}

// comments asks the dialect that read a file for its comments.
func (s *scan) comments(file string) []dialect.Comment {
	for _, e := range s.estates {
		if list := e.Comments(file); len(list) > 0 {
			return list
		}
	}
	return nil
}
