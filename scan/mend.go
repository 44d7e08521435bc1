package scan

import (
	"context"
	"maps"
	"slices"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/fix"
	"plumbline.dev/plumbline/source"
)

// Mending is what Mend would write, and what it leaves.
type Mending struct {
	Report *finding.Report // of the scan before
	Files  []FileChange    // by path
	Done   []Mended        // in the order of the report
	Left   []Unmended      // likewise
}

// FileChange is a file before and after.
type FileChange struct {
	Before, After *source.File
}

// Mended is a finding that is gone after the changes.
type Mended struct {
	Finding finding.Finding
	Title   string   // of the fix; empty when it went with another
	Shared  []string // addresses of other resources that changed with it
}

// Unmended is a chosen finding that stays.
type Unmended struct {
	Finding finding.Finding
	Reason  string
}

// NoFix is the reason of a finding whose rule says nothing of how it is mended.
const NoFix = "the rule has no fix: what is right depends on the use"

// maxRounds bounds how often the tree is fixed and judged again. Each round mends at least one finding. What the last round
// wrote is judged too: nothing is called mended that was not seen to be gone.
const maxRounds = 12

// Mend fixes the chosen findings in memory: round by round it proves their fixes, applies as many as hold together, and judges
// again what came out, until nothing more can be done. It writes nothing.
func Mend(ctx context.Context, o Options, choose func(finding.Finding) bool) (*Mending, error) {
	o.Cache = nil // files change in memory on the way, and what a cache keeps is about those on disk
	o.Fixes = true
	s, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	s.changed = make(map[string]*source.File)
	m := &mender{scan: s, titles: make(map[string]Mended), before: make(map[string]*source.File), after: make(map[string]*source.File)}
	out := &Mending{}
	var now *finding.Report
	reasons := make(map[findingKey]string)
	for round := 0; ; round++ {
		units, err := s.judgeAll(ctx)
		if err != nil {
			return nil, err
		}
		now = s.merge(units)
		s.onlyNamed(now, units)
		s.decide(now)
		s.order(now)
		if out.Report == nil {
			out.Report = now
		}
		m.suppressed = suppressedIn(now.Findings)
		chosen := slices.DeleteFunc(slices.Clone(now.Findings), func(f finding.Finding) bool { return f.Suppression != nil || !choose(f) })
		if len(chosen) == 0 || round == maxRounds {
			break
		}
		clear(reasons)
		again, err := m.round(ctx, units, chosen, reasons)
		if err != nil {
			return nil, err
		}
		if !again {
			break
		}
	}
	m.conclude(out, now, reasons, choose)
	return out, ctx.Err()
}

// mender is what Mend carries from round to round.
type mender struct {
	*scan
	titles        map[string]Mended // by finding id
	before, after map[string]*source.File
}

// round proves the fixes of the chosen findings and applies what holds together. It reports whether it applied anything;
// reasons tells why a finding has no fix.
func (m *mender) round(ctx context.Context, units []*unitResult, chosen []finding.Finding, reasons map[findingKey]string) (bool, error) {
	applied := false
	for i, p := range m.provers(units) {
		fixes, err := m.proved(ctx, p, chosen)
		if err != nil {
			return false, err
		}
		single := make(map[findingKey]*fix.Fix)
		var good []*fix.Fix
		for _, f := range fixes {
			for _, w := range f.Wishes {
				key := findingKey{w.Unit.Name.Dir, w.Key.Rule, w.Key.Address}
				if f.Err != nil {
					reasons[key] = f.Err.Error()
				} else {
					single[key] = f
				}
			}
			if f.Err == nil {
				good = append(good, f)
			}
		}
		joint := fix.Lower(fix.Combine(good))
		m.within(joint)
		set, files, err := p.Together(ctx, append(joint, good...))
		if err != nil {
			return false, err
		}
		for _, f := range set {
			for _, w := range f.Wishes {
				key := findingKey{w.Unit.Name.Dir, w.Key.Rule, w.Key.Address}
				for _, c := range chosen {
					if keyOf(&c) == key && single[key] != nil {
						m.titles[c.ID] = Mended{Title: single[key].Title, Shared: single[key].Shared}
					}
				}
			}
		}
		if len(set) == 0 {
			continue
		}
		applied = true
		for _, f := range files {
			if m.before[f.Path] == nil {
				m.before[f.Path] = m.file(f.Path)
			}
			m.after[f.Path] = f
			m.changed[f.Path] = f
		}
		m.estates[i], _ = m.estates[i].With(ctx, files)
	}
	return applied, nil
}

// conclude tells apart what is gone and what stays. A finding whose attribute changed stays under another id, and one that
// was not there before stays too.
func (m *mender) conclude(out *Mending, now *finding.Report, reasons map[findingKey]string, choose func(finding.Finding) bool) {
	before := make(map[string]bool)
	was := make(map[findingKey]bool)
	for _, f := range out.Report.Findings {
		before[f.ID] = true
		was[keyOf(&f)] = true
	}
	stays := make(map[string]bool)
	moved := make(map[findingKey]bool) // there is a finding about it that was not there before
	for _, f := range now.Findings {
		stays[f.ID] = true
		if !before[f.ID] {
			moved[keyOf(&f)] = true
		}
	}
	for _, f := range out.Report.Findings {
		switch done := m.titles[f.ID]; {
		case f.Suppression != nil:
		case !stays[f.ID] && !moved[keyOf(&f)]:
			done.Finding = f
			out.Done = append(out.Done, done)
		case choose(f):
			out.Left = append(out.Left, Unmended{f, m.whyLeft(f, reasons)})
		}
	}
	for _, f := range now.Findings {
		if f.Suppression == nil && !was[keyOf(&f)] && choose(f) {
			out.Left = append(out.Left, Unmended{f, "it is there since the others are fixed: run fix again"})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(m.after)) {
		out.Files = append(out.Files, FileChange{Before: m.before[path], After: m.after[path]})
	}
}

// whyLeft says why a chosen finding stays.
func (m *mender) whyLeft(f finding.Finding, reasons map[findingKey]string) string {
	if reason := reasons[keyOf(&f)]; reason != "" {
		return reason
	}
	if ru := m.Rules.Rule(f.Rule); ru == nil || len(ru.Fix) == 0 {
		return NoFix
	}
	if _, applied := m.titles[f.ID]; applied {
		return "it could not be applied together with the others: run fix again"
	}
	return "its fix does not hold together with the others"
}
