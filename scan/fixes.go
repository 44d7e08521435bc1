package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/fix"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/source"
)

// findingKey is what a finding is about, whatever the attribute and the set of inputs.
type findingKey struct{ dir, rule, address string }

func keyOf(f *finding.Finding) findingKey {
	return findingKey{f.Resource.Unit, f.Rule, f.Resource.Address}
}

// offer fills in the proved fixes of the findings that are to be reported. units are the judged units of every estate, in
// the order of the estates. What was offered before for a directory is offered again when nothing that matters to its fixes
// has changed: neither its units nor any other unit that reads a file which the fixes edit.
func (s *scan) offer(ctx context.Context, findings []finding.Finding, units []*unitResult) error {
	s.suppressed = suppressedIn(findings)
	asked := make(map[string][]finding.Finding) // by directory
	for _, f := range findings {
		if f.Suppression == nil && s.mendable(f.Rule) {
			asked[f.Resource.Unit] = append(asked[f.Resource.Unit], f)
		}
	}
	offers := make(map[findingKey]finding.Fix)
	var open []finding.Finding // those that nothing is remembered for
	for _, dir := range slices.Sorted(maps.Keys(asked)) {
		before, ok := s.offered(dir, asked[dir], units)
		if !ok {
			open = append(open, asked[dir]...)
		}
		for _, o := range before {
			offers[findingKey{dir, o.Rule, o.Address}] = o.Fix
		}
	}
	if err := s.proveAll(ctx, open, units, offers); err != nil {
		return err
	}
	for i := range findings {
		f := &findings[i]
		if f.Suppression != nil {
			continue
		}
		if offer, ok := offers[keyOf(f)]; ok {
			f.Fixes = append(f.Fixes, offer)
		}
	}
	return nil
}

// suppressedIn returns the findings that somebody decided to keep as they are, with the place where it was decided. A baseline
// decides nothing: it only puts off.
func suppressedIn(findings []finding.Finding) map[findingKey]string {
	out := make(map[findingKey]string)
	for _, f := range findings {
		if by := f.Suppression; by != nil && by.Kind != finding.Baseline {
			place := by.Location.File
			if by.Location.From.Line > 0 {
				place = fmt.Sprintf("%s:%d", place, by.Location.From.Line)
			}
			out[keyOf(&f)] = place
		}
	}
	return out
}

// mendable reports whether a rule says how it is mended.
func (s *scan) mendable(id string) bool {
	ru := s.Rules.Rule(id)
	return ru != nil && len(ru.Fix) > 0
}

// proveAll proves the fixes of findings, group by group and several groups at once. Units that share no file are in
// different groups: no fix can reach from one to the other, and the memory of a group is free when it is done.
func (s *scan) proveAll(ctx context.Context, findings []finding.Finding, units []*unitResult, offers map[findingKey]finding.Fix) error {
	byDir := make(map[string][]finding.Finding)
	for _, f := range findings {
		byDir[f.Resource.Unit] = append(byDir[f.Resource.Unit], f)
	}
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	slots := make(chan struct{}, s.workers())
	for _, group := range s.groups(units) {
		var asked []finding.Finding
		dirs := make(map[string]bool)
		for _, u := range group {
			if !dirs[u.name.Dir] {
				dirs[u.name.Dir] = true
				asked = append(asked, byDir[u.name.Dir]...)
			}
		}
		if len(asked) == 0 {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			made, err := s.prove(ctx, asked, group)
			for _, u := range group {
				u.unit = nil
			}
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(offers, made)
			failed = cmp.Or(failed, err) // they are all the same: the context is done
		})
	}
	wg.Wait()
	return failed
}

// groups splits units so that units of different groups read no common file that a fix could edit.
func (s *scan) groups(units []*unitResult) [][]*unitResult {
	editable := make(map[string]bool, len(s.files))
	for _, f := range s.files {
		editable[f] = true
	}
	group := make([]int, len(units)) // index of a unit of the same group, its own for the first
	root := func(i int) int {
		for group[i] != i {
			group[i] = group[group[i]]
			i = group[i]
		}
		return i
	}
	reader := make(map[string]int)
	for i, u := range units {
		group[i] = i
		for _, f := range u.reads.Files {
			if !editable[f] {
				continue
			}
			if other, ok := reader[f]; ok {
				a, b := root(other), root(i)
				group[max(a, b)] = min(a, b)
			} else {
				reader[f] = i
			}
		}
	}
	members := make(map[int][]*unitResult)
	for i, u := range units {
		members[root(i)] = append(members[root(i)], u)
	}
	var out [][]*unitResult
	for _, i := range slices.Sorted(maps.Keys(members)) {
		out = append(out, members[i])
	}
	return out
}

// prove proves the fixes of the findings in a group of units, and remembers them.
func (s *scan) prove(ctx context.Context, findings []finding.Finding, group []*unitResult) (map[findingKey]finding.Fix, error) {
	p := s.prover(group[0].estate)
	load := func(u *unitResult) {
		if u.unit == nil {
			u.unit = u.estate.Evaluate(ctx, u.name)
		}
		if !slices.Contains(p.Units, u.unit) {
			p.Units = append(p.Units, u.unit)
		}
	}
	memory := make(map[string]*cachedOffers) // by directory
	for _, u := range group {
		if slices.ContainsFunc(findings, func(f finding.Finding) bool { return f.Resource.Unit == u.name.Dir }) {
			memory[u.name.Dir] = new(cachedOffers)
			load(u)
		}
	}
	fixes := s.lowered(p, findings)
	for _, f := range fixes {
		for _, edit := range f.Edits {
			for _, w := range f.Wishes {
				m := memory[w.Unit.Name.Dir]
				m.Edited = append(m.Edited, edit.Range.File)
			}
			for _, u := range group {
				if u.read(edit.Range.File) {
					load(u)
				}
			}
		}
	}
	if err := p.Prove(ctx, fixes); err != nil {
		return nil, err
	}
	offers := make(map[findingKey]finding.Fix)
	for _, f := range fixes {
		if f.Err != nil {
			continue
		}
		for _, w := range f.Wishes {
			o, m := s.fix(f, w), memory[w.Unit.Name.Dir]
			offers[findingKey{w.Unit.Name.Dir, w.Key.Rule, w.Key.Address}] = o
			m.Offers = append(m.Offers, cachedOffer{w.Key.Rule, w.Key.Address, o})
		}
	}
	for dir, m := range memory {
		s.rememberOffers(dir, *m, findings, group)
	}
	return offers, nil
}

// fix describes a proved fix for one of the findings that it mends.
func (s *scan) fix(f *fix.Fix, w fix.Wish) finding.Fix {
	out := finding.Fix{Title: f.Title, Shared: f.Others(w)}
	var cautions []string
	for _, w := range f.Wishes {
		if c := s.Rules.Rule(w.Key.Rule).Caution; c != "" && !slices.Contains(cautions, c) {
			cautions = append(cautions, c)
		}
	}
	slices.Sort(cautions)
	out.Caution = strings.Join(cautions, "; ")
	for _, e := range f.Edits {
		out.Edits = append(out.Edits, finding.Edit{Location: s.location(e.Range), Text: e.Text})
	}
	return out
}

// prover makes a prover for an estate, without units.
func (s *scan) prover(e dialect.Estate) *fix.Prover {
	p := &fix.Prover{Estate: e, File: s.file, Judge: s.verdicts, Rules: s.rulesOn()}
	p.Suppressed = func(u *dialect.Unit, key fix.Key) string {
		return s.suppressed[findingKey{u.Name.Dir, key.Rule, key.Address}]
	}
	for _, problem := range s.problems {
		p.Problems = append(p.Problems, problem.Problem)
	}
	return p
}

// provers makes a prover for each estate, with all of its judged units.
func (s *scan) provers(units []*unitResult) []*fix.Prover {
	var out []*fix.Prover
	for _, e := range s.estates {
		p := s.prover(e)
		for _, u := range units {
			if u.estate == e {
				p.Units = append(p.Units, u.unit)
			}
		}
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
				if !s.choose(p.Rule, s.Config.For(r.Range.File)).on {
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
	fixes := s.lowered(p, findings)
	return fixes, p.Prove(ctx, fixes)
}

// lowered lowers the fixes of the findings that are in a prover's units, without proof.
func (s *scan) lowered(p *fix.Prover, findings []finding.Finding) []*fix.Fix {
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
				wishes = append(wishes, fix.Wish{Unit: u, Key: key, Changes: changesFor(ru, s.Rules.FixFor(ru, f.Resource.Type), f.Resource.Type)})
			}
		}
	}
	fixes := fix.Lower(wishes)
	s.within(fixes)
	return fixes
}

// changesFor returns which of a rule's wishes for a type are for a resource of it. Where a rule judges the companion that its fix makes, the
// companion is made beside the other types, and everything else that the fix says is for the companion that is there.
func changesFor(ru *rule.Rule, wishes []resource.Change, typ string) []resource.Change {
	made := func(c resource.Change) bool { return c.Op == resource.Create && slices.Contains(ru.On, c.New.Type) }
	if !slices.ContainsFunc(wishes, made) {
		return wishes
	}
	companion := slices.ContainsFunc(wishes, func(c resource.Change) bool { return made(c) && c.New.Type == typ })
	var out []resource.Change
	for _, c := range wishes {
		if made(c) != companion {
			out = append(out, c)
		}
	}
	return out
}

// within refuses fixes of files that were not scanned, since nobody knows who else reads them, and of generated ones, since the
// next run of the program that writes them would undo the fix.
func (s *scan) within(fixes []*fix.Fix) {
	for _, f := range fixes {
		if err := s.generated(f); err != nil {
			f.Err = err
			continue
		}
		i := slices.IndexFunc(f.Edits, func(e source.Edit) bool {
			_, scanned := slices.BinarySearch(s.files, e.Range.File)
			return !scanned
		})
		if f.Err == nil && i >= 0 {
			f.Err = fmt.Errorf("%s would have to be changed, which is outside of what is scanned", f.Edits[i].Range.File)
		}
	}
}

// generated returns why a fix is refused that is about a generated file, or that would change one. Where the file tells from
// which construct of the program a resource comes, the error does too.
func (s *scan) generated(f *fix.Fix) error {
	for _, w := range f.Wishes {
		r := w.Unit.Graph.ByAddress(w.Key.Address)
		if r == nil || !s.assembled(r.Range.File) {
			continue
		}
		if strings.Contains(r.Name, "/") && strings.HasSuffix(r.Range.File, ".json") { // the path of a construct
			return fmt.Errorf("the file is generated: change the program that writes it, at %s", r.Name)
		}
		return errGenerated
	}
	if slices.ContainsFunc(f.Edits, func(e source.Edit) bool { return s.assembled(e.Range.File) }) {
		return errGenerated
	}
	return nil
}

var errGenerated = errors.New("the file is generated: change the program that writes it")

// assemblies are folders that programs write: development kits, SAM and the Serverless Framework.
var assemblies = []string{"cdk.out", "cdktf.out", ".aws-sam", ".serverless"}

// assembled reports whether a file is in an assembly: below a folder with such a name, or, where the folder itself is the root
// of the tree or has another name, beside the file cdk.out by which a cloud assembly is known.
func (s *scan) assembled(name string) bool {
	template := strings.HasSuffix(name, ".template.json") // as development kits call them
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if slices.Contains(assemblies, path.Base(dir)) {
			return true
		}
		if template {
			if info, err := fs.Stat(s.FS, path.Join(dir, "cdk.out")); err == nil && info.Mode().IsRegular() {
				return true
			}
		}
		if dir == path.Dir(dir) {
			return false
		}
	}
}
