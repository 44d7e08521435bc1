package scan

import (
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/finding"
)

// unitGround says which rules gave verdicts on something that they are about in each of some files of a unit.
type unitGround struct {
	Rules []string // sorted
	Files []string
}

// groundsIn joins the files of a unit that have the same rules.
func groundsIn(files map[string][]string) []unitGround {
	byKey := make(map[string]*unitGround)
	for file, rules := range files {
		slices.Sort(rules)
		rules = slices.Compact(rules)
		key := strings.Join(rules, "\n")
		if byKey[key] == nil {
			byKey[key] = &unitGround{Rules: rules}
		}
		byKey[key].Files = append(byKey[key].Files, file)
	}
	var out []unitGround
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		slices.Sort(byKey[key].Files)
		out = append(out, *byKey[key])
	}
	return out
}

// maxGrounds bounds how many files a report names as grounds. Beyond it, it names none: nobody can tell then who owns what was judged.
const maxGrounds = 100_000

// grounds joins those of all units: the rules, and the files by them.
func grounds(units []*unitResult) (judged []string, out []finding.Ground) {
	sets := make(map[string][]string) // by themselves, joined
	of := make(map[string]string)     // keys of sets by file
	for _, u := range units {
		for _, g := range u.Grounds {
			key := strings.Join(g.Rules, "\n")
			sets[key] = g.Rules
			for _, file := range g.Files {
				before, known := of[file]
				if !known || before == key {
					of[file] = key
					continue
				}
				both := slices.Concat(sets[before], g.Rules)
				slices.Sort(both)
				both = slices.Compact(both)
				joined := strings.Join(both, "\n")
				sets[joined], of[file] = both, joined
			}
		}
	}
	files := make(map[string][]string) // by keys of sets: those in use
	at := make(map[string]int)         // rules
	for file, key := range of {
		if files[key] == nil {
			for _, id := range sets[key] {
				at[id] = 0
			}
		}
		files[key] = append(files[key], file)
	}
	judged = slices.Sorted(maps.Keys(at))
	if len(of) > maxGrounds {
		return judged, nil
	}
	for i, id := range judged {
		at[id] = i
	}
	for _, key := range slices.Sorted(maps.Keys(files)) {
		g := finding.Ground{Files: files[key]}
		slices.Sort(g.Files)
		for _, id := range sets[key] {
			g.Rules = append(g.Rules, at[id])
		}
		out = append(out, g)
	}
	return judged, out
}
