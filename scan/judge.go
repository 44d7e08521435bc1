package scan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// unitResult is what one unit contributes to the report. Its exported fields are what the cache keeps.
type unitResult struct {
	name      dialect.UnitName
	estate    dialect.Estate
	given     *given        // the files of its dialect
	unit      *dialect.Unit // kept where fixes are proved, as far as maxKept allows; nil when the result was remembered
	reads     dialect.Reads
	calls     []dialect.ModuleSource // modules that were asked for
	digest    string                 // of what was read; empty without a cache
	Findings  []finding.Finding      // fails and undecided ones
	Problems  []unitProblem
	Resources int
	Grounds   []unitGround
	Verdicts  map[string]int // by outcome; finding.Idle are passes of what a rule is not about
	Missing   []string       // modules that were not at hand
}

// unitProblem is a problem with the unit in which it was met.
type unitProblem struct {
	source.Problem
	Unit string
}

// maxKept is how many resources are kept in memory for the proof of fixes; the units beyond are evaluated once more.
const maxKept = 10_000

// maxRelated bounds how many further places and values a finding names.
const maxRelated = 8

func (s *scan) judgeUnit(ctx context.Context, estate dialect.Estate, name dialect.UnitName, at int) *unitResult {
	if res := s.series.unit(at, name); res != nil {
		res.estate, res.given = estate, s.given[at]
		return res
	}
	res := &unitResult{name: name, estate: estate, given: s.given[at], Verdicts: make(map[string]int)}
	if known := s.remembered(ctx, res); known != nil {
		return known
	}
	asked := &moduleCalls{}
	u := estate.Evaluate(context.WithValue(ctx, moduleCallsKey{}, asked), name)
	res.reads, res.calls = u.Reads, asked.sorted()
	if s.Fixes && (s.changed != nil || s.kept.Add(int64(len(u.Graph.Resources))) <= maxKept) {
		res.unit = u
	}
	for _, p := range u.Problems {
		res.Problems = append(res.Problems, unitProblem{p, name.Dir})
	}
	res.Resources = len(u.Graph.Resources)
	for _, m := range u.Graph.Missing {
		res.Missing = append(res.Missing, m.Address)
	}
	layers := make(map[string]*config.Settings) // by file
	grounds := make(map[string][]string)        // rules by file
	// Who owns the file of a finding owns the finding; the verdicts of a rule follow each other, for each type.
	ground := func(file, rule string) {
		if list := grounds[file]; len(list) == 0 || list[len(list)-1] != rule {
			grounds[file] = append(list, rule)
		}
	}
	for _, typ := range u.Graph.Types() {
		resources := u.Graph.ByType(typ)
		for _, r := range resources {
			if layers[r.Range.File] == nil {
				layers[r.Range.File] = s.Config.For(r.Range.File)
			}
		}
		for _, p := range s.Rules.For(typ) {
			if s.Only != nil && !s.Only(p.Rule) {
				continue
			}
			var chosen choice
			for _, r := range resources {
				if layer := layers[r.Range.File]; layer != chosen.layer {
					chosen = s.choose(p.Rule, layer)
				}
				if !chosen.on || p.Rule.Dialects != nil && !slices.Contains(p.Rule.Dialects, r.Dialect) {
					continue
				}
				verdict := p.Judge(u.Graph, r)
				if verdict.Err != nil {
					res.Problems = append(res.Problems, unitProblem{source.Problem{Kind: source.Bug, Range: r.Header,
						Message: fmt.Sprintf("rule %s could not judge %s: %v", p.Rule.ID, r.Address, verdict.Err)}, name.Dir})
					continue
				}
				if verdict.Idle && verdict.Outcome == finding.Pass {
					res.Verdicts[finding.Idle]++
					continue
				}
				res.Verdicts[verdict.Outcome.String()]++
				if !verdict.Idle {
					ground(r.Range.File, p.Rule.ID)
				}
				if verdict.Outcome != finding.Pass {
					f := s.finding(u, p, r, verdict)
					f.Severity = chosen.severity
					res.Findings = append(res.Findings, f)
					if !verdict.Idle {
						ground(f.Location.File, p.Rule.ID)
					}
				}
			}
		}
	}
	res.Grounds = groundsIn(grounds)
	if ctx.Err() == nil && !slices.ContainsFunc(res.Problems, func(p unitProblem) bool { return p.Kind == source.Bug }) {
		s.remember(ctx, res)
		s.series.keep(at, res)
	}
	return res
}

// choice says whether a rule is judged under some settings, and at which severity.
type choice struct {
	layer    *config.Settings
	on       bool
	severity finding.Severity
}

func (s *scan) choose(r *rule.Rule, layer *config.Settings) choice {
	on, severity := layer.Rule(r.ID, r.Aliases...)
	if s.Severity != nil {
		severity = cmp.Or(s.Severity(r), severity)
	}
	if severity == 0 {
		severity = r.Severity
	}
	return choice{layer: layer, on: on, severity: severity}
}

// finding describes a verdict for people.
func (s *scan) finding(u *dialect.Unit, p *rule.Program, r *resource.Resource, v rule.Verdict) finding.Finding {
	ru := p.Rule
	f := finding.Finding{
		Rule:    ru.ID,
		Outcome: v.Outcome,
		Message: p.Message(r, v),
		Secret:  ru.AboutSecrets() || r.Type == "variable" && rule.NamesSecret(value.Path{{Name: r.Name}}),
		Resource: finding.Resource{
			Address: r.Address, Type: r.Type, Native: r.Native, Provider: r.Provider, Dialect: r.Dialect, Unit: u.Name.Dir, Maybe: r.Maybe,
			Range: s.location(r.Range),
		},
	}
	for _, c := range r.Calls {
		f.Resource.Calls = append(f.Resource.Calls, finding.Related{Location: s.location(c.Range), Text: c.Address})
	}
	at := r.Header
	if n := len(v.Witnesses); n > 0 {
		last := v.Witnesses[n-1]
		f.Path = witnessPath(r, last)
		at = place(last)
		seen := map[source.Range]bool{at: true}
		for _, w := range slices.Backward(v.Witnesses) {
			s.witness(u, &f, r, w, seen)
		}
	}
	f.Location = s.location(at)
	f.ID = finding.Identify(ru.ID, u.Name.Dir, r.Address, f.Path)
	if file := s.file(r.Range.File); file != nil {
		body := r.Range
		body.Start = max(body.Start, r.Header.End) // the name is left out, so that a renamed block is recognised
		f.Twin = finding.Twin(ru.ID, r.Type+" "+file.Text(body))
	}
	if n := len(f.Evidence); f.Outcome == finding.Undecided && len(f.Waits) == 0 && n > 0 {
		// No input has a name here: what is not known stands for itself.
		f.Waits = []finding.Wait{{Name: r.Address + "." + f.Evidence[0].Path, Kind: "computed", Location: f.Location}}
	}
	slices.SortFunc(f.Waits, func(a, b finding.Wait) int { return strings.Compare(a.Name, b.Name) })
	f.Waits = slices.CompactFunc(f.Waits, func(a, b finding.Wait) bool { return a.Name == b.Name })
	return f
}

// witness adds what one witness has to say to the finding.
func (s *scan) witness(u *dialect.Unit, f *finding.Finding, r *resource.Resource, w rule.Witness, seen map[source.Range]bool) {
	explanation := u.Explain(w.Resource, w.Path)
	path := wordsOf(r, w, explanation)
	if at := place(w); w.Resource != r && !seen[at] && len(f.Related) < maxRelated {
		seen[at] = true
		f.Related = append(f.Related, finding.Related{Location: s.location(at), Text: path})
	}
	v := w.Resource.Body.At(w.Path)
	if i := slices.IndexFunc(f.Evidence, func(e finding.Evidence) bool { return e.Path == path }); i >= 0 {
		if absent := (value.Value{}); f.Evidence[i].Value != value.Show(&absent) || !v.IsSet() {
			return
		}
		f.Evidence = slices.Delete(f.Evidence, i, i+1) // two attributes of ours are one word there, and this one is written
	}
	if explanation.Value != nil {
		v = explanation.Value
	}
	structure := v.Kind == value.Object || v.Kind == value.List && len(v.Items) > 0 && v.Items[0].Kind == value.Object
	if structure && f.Outcome == finding.Fail {
		return // a block is no evidence: what is in it is
	}
	// automountServiceAccountToken is named like a secret, but neither a switch nor something that is not there can be one.
	f.Secret = f.Secret || v.Kind != value.Bool && v.Kind != value.Absent && rule.NamesSecret(w.Path)
	if len(f.Evidence) < maxRelated {
		shown := rule.Conceal(w.Path, v, f.Secret)
		e := finding.Evidence{Path: path, Value: value.Show(&shown)}
		for _, step := range explanation.Trace {
			e.From = append(e.From, finding.Related{Location: s.location(step.Range), Text: step.Name})
		}
		f.Evidence = append(f.Evidence, e)
	}
	if f.Outcome == finding.Undecided {
		for _, wait := range explanation.Waits {
			f.Waits = append(f.Waits, finding.Wait{Name: wait.Name, Kind: wait.Kind, Location: s.location(wait.Range)})
		}
	}
}

// witnessPath is the path of a witness as the finding on r shows it: with the type in front when it is another resource's.
func witnessPath(r *resource.Resource, w rule.Witness) string {
	path := w.Path.String()
	if w.Resource == r {
		return path
	}
	if path == "" {
		return w.Resource.Type
	}
	return w.Resource.Type + "." + path
}

// wordsOf is witnessPath in the words of the dialect.
func wordsOf(r *resource.Resource, w rule.Witness, e dialect.Explanation) string {
	switch {
	case e.Path == "":
		return witnessPath(r, w)
	case w.Resource == r:
		return e.Path
	}
	return cmp.Or(w.Resource.Native, w.Resource.Type) + "." + e.Path
}

// place is where a witness stands: the attribute, its nearest written ancestor, or the head of the resource.
func place(w rule.Witness) source.Range {
	at := w.Resource.Body.Nearest(w.Path)
	if at.IsZero() || at == w.Resource.Body.Range {
		return w.Resource.Header
	}
	return at
}
