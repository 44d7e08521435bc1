package scan

import (
	"context"
	"fmt"
	"slices"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/fix"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/source"
)

// findingKey is what a finding is about, whatever the attribute and the set of inputs.
type findingKey struct{ dir, rule, address string }

// offer fills in the proved fixes of the findings that are to be reported. units are the judged units of every estate, in
// the order of the estates.
func (s *scan) offer(ctx context.Context, findings []finding.Finding, units []*unitResult) error {
	offers := make(map[findingKey]finding.Fix)
	for _, p := range s.provers(units) {
		fixes, err := s.proved(ctx, p, findings)
		if err != nil {
			return err
		}
		for _, f := range fixes {
			if f.Err != nil {
				continue
			}
			for _, w := range f.Wishes {
				key := findingKey{w.Unit.Name.Dir, w.Key.Rule, w.Key.Address}
				offers[key] = s.fix(f, w)
			}
		}
	}
	for i := range findings {
		f := &findings[i]
		if f.Suppression != nil {
			continue
		}
		if offer, ok := offers[findingKey{f.Resource.Unit, f.Rule, f.Resource.Address}]; ok {
			f.Fixes = append(f.Fixes, offer)
		}
	}
	return nil
}

// fix describes a proved fix for one of the findings that it mends.
func (s *scan) fix(f *fix.Fix, w fix.Wish) finding.Fix {
	out := finding.Fix{Title: f.Title, Shared: f.Others(w)}
	for _, e := range f.Edits {
		out.Edits = append(out.Edits, finding.Edit{Location: s.location(e.Range), Text: e.Text})
	}
	return out
}

// provers makes a prover for each estate of its judged units.
func (s *scan) provers(units []*unitResult) []*fix.Prover {
	var out []*fix.Prover
	for _, e := range s.estates {
		n := len(e.Units())
		p := &fix.Prover{Estate: e, File: s.file, Judge: s.verdicts, Rules: s.rulesOn()}
		for _, problem := range s.problems {
			p.Problems = append(p.Problems, problem.Problem)
		}
		for _, u := range units[:n] {
			p.Units = append(p.Units, u.unit)
		}
		units = units[n:]
		out = append(out, p)
	}
	return out
}

// rulesOn returns a function that lists the rules on a resource type.
func (s *scan) rulesOn() func(typ string) []*rule.Rule {
	known := make(map[string][]*rule.Rule)
	return func(typ string) []*rule.Rule {
		list, ok := known[typ]
		if !ok {
			for _, p := range s.Rules.For(typ) {
				list = append(list, p.Rule)
			}
			known[typ] = list
		}
		return list
	}
}

// verdicts judges a unit with every rule that is on, also those that the user did not ask for: a fix must not harm them.
func (s *scan) verdicts(u *dialect.Unit) fix.Verdicts {
	out := make(fix.Verdicts)
	for _, typ := range u.Graph.Types() {
		for _, p := range s.Rules.For(typ) {
			for _, r := range u.Graph.ByType(typ) {
				if _, on := s.settings(p.Rule, r.Range.File); !on {
					continue
				}
				if v := p.Judge(u.Graph, r); v.Err == nil {
					out[fix.Key{Rule: p.Rule.ID, Address: r.Address}] = v.Outcome
				}
			}
		}
	}
	return out
}

// proved lowers and proves the fixes of the findings that are in a prover's units. Those that fail have an error.
func (s *scan) proved(ctx context.Context, p *fix.Prover, findings []finding.Finding) ([]*fix.Fix, error) {
	byDir := make(map[string][]*dialect.Unit)
	for _, u := range p.Units {
		byDir[u.Name.Dir] = append(byDir[u.Name.Dir], u)
	}
	var wishes []fix.Wish
	for i := range findings {
		f := &findings[i]
		if f.Suppression != nil || f.Outcome != finding.Fail {
			continue
		}
		ru := s.Rules.Rule(f.Rule)
		if ru == nil || len(ru.Fix) == 0 {
			continue
		}
		key := fix.Key{Rule: f.Rule, Address: f.Resource.Address}
		for _, u := range byDir[f.Resource.Unit] {
			if p.Verdict(u, key) == finding.Fail {
				wishes = append(wishes, fix.Wish{Unit: u, Key: key, Changes: ru.Fix})
			}
		}
	}
	fixes := fix.Lower(wishes)
	s.within(fixes)
	return fixes, p.Prove(ctx, fixes)
}

// within refuses fixes of files that were not scanned: nobody knows who else reads them.
func (s *scan) within(fixes []*fix.Fix) {
	for _, f := range fixes {
		i := slices.IndexFunc(f.Edits, func(e source.Edit) bool { return !slices.Contains(s.files, e.Range.File) })
		if f.Err == nil && i >= 0 {
			f.Err = fmt.Errorf("%s would have to be changed, which is outside of what is scanned", f.Edits[i].Range.File)
		}
	}
}
