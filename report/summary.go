package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// The end of the text report: what was found in all, what could not be read or decided, and what was covered.

// summary writes the table by severity, or that there is nothing to do.
func (t *texter) summary(found []*finding.Finding) {
	suppressed := len(t.Report.Findings) - len(found)
	if len(found) == 0 {
		switch c := t.Report.Coverage; {
		case !complete(t.Report):
			t.line(t.warn("No findings, but the scan is incomplete: see the problems below."))
		case c.Files == 0:
			t.line(t.warn("Nothing was scanned: no file here is of a language that Plumbline reads."))
		default:
			if n := len(t.strict()); n > 0 {
				t.line(t.warn(fmt.Sprintf("No findings, but %s that the settings or --undecided let fail: see below.", plural(n, "undecided verdict"))))
				break
			}
			t.line(t.good("No findings."))
		}
		t.suppressed(suppressed)
		return
	}
	groups := grouped(found)
	var places, fixable tally
	files := make(map[string]bool)
	ids := make(map[string]bool)
	for _, g := range groups {
		places[g.Severity]++
		files[g.Location.File] = true
		ids[g.Rule] = true
		if slices.ContainsFunc(g.all, func(f *finding.Finding) bool { return len(f.Fixes) > 0 }) {
			fixable[g.Severity]++
		}
	}
	all := count(found)
	t.line(t.bold("Summary"))
	head := fmt.Sprintf("  %-8s  %8s  %6s", "severity", "findings", "places")
	if !t.NoFixes {
		head += fmt.Sprintf("  %7s", "fixable")
	}
	t.line(t.dim(head))
	fixes := 0
	for _, s := range severities {
		fixes += fixable[s]
		if all[s] > 0 {
			row := fmt.Sprintf("  %8d  %6d", all[s], places[s])
			if !t.NoFixes {
				row += fmt.Sprintf("  %7d", fixable[s])
			}
			t.line("  ", t.severity(s, s.String()), strings.Repeat(" ", 8-len(s.String())), row)
		}
	}
	t.line(fmt.Sprintf("  %s of %s in %s.", plural(len(found), "finding"), plural(len(ids), "rule"), plural(len(files), "file")))
	if fixes > 0 {
		t.line(fmt.Sprintf("  A proved fix is ready for %d of the %s: ", fixes, plural(len(groups), "place")), t.bold("plumbline fix"))
	}
	t.suppressed(suppressed)
}

func (t *texter) suppressed(n int) {
	if n == 0 {
		return
	}
	by := make(map[finding.SuppressionKind]int)
	for _, f := range t.Report.Findings {
		if f.Suppression != nil {
			by[f.Suppression.Kind]++
		}
	}
	var parts []string
	for _, k := range []struct {
		kind finding.SuppressionKind
		text string
	}{{finding.Inline, "by comments"}, {finding.Settings, "by settings"}, {finding.Baseline, "in the baseline"}} {
		if by[k.kind] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", by[k.kind], k.text))
		}
	}
	t.line(fmt.Sprintf("  %s suppressed: %s.", plural(n, "more finding"), strings.Join(parts, ", ")))
}

// advice says what to do about a kind of problem, when its message does not.
var advice = map[source.ProblemKind]string{
	source.Unreadable: "not scanned",
	source.Invalid:    "what it declares was not scanned",
	source.Unresolved: "a gap in what was scanned",
	source.Limit:      "the rest was not scanned",
	source.Bug:        "a fault of Plumbline: please report it",
}

func (t *texter) problems() {
	ps := t.Report.Problems
	if len(ps) == 0 {
		return
	}
	t.line()
	head := plural(len(ps), "problem")
	if complete(t.Report) {
		t.line(t.bold(head))
	} else {
		t.line(t.warn(head), t.bold(": the scan is incomplete"))
	}
	for _, p := range ps {
		at := spot(&t.Input, p.Location)
		if at == "" {
			at = Visible(cmp.Or(p.Unit, t.Report.Root))
		}
		t.line("  ", t.link(at), "  ", t.dim(string(p.Kind)+", "+advice[p.Kind]))
		for _, l := range wrap(Visible(p.Message), t.Width-4) {
			t.line("    ", l)
		}
	}
}

// wait is the undecided verdicts that the same inputs would decide.
type wait struct {
	first    *finding.Finding
	inputs   []finding.Wait // empty when nobody knows: then the verdicts are of one rule
	verdicts int
	rules    map[string]bool
}

// waits groups undecided verdicts by the inputs that would decide them, most first.
func waits(undecided []finding.Finding) []*wait {
	index := make(map[string]*wait)
	var out []*wait
	for i := range undecided {
		f := &undecided[i]
		inputs := slices.Clone(f.Waits)
		slices.SortFunc(inputs, func(a, b finding.Wait) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Location.File, b.Location.File), cmp.Compare(a.Location.Start, b.Location.Start))
		})
		inputs = slices.CompactFunc(inputs, func(a, b finding.Wait) bool { return a.Name == b.Name && a.Location.Range == b.Location.Range })
		var k strings.Builder
		for _, in := range inputs {
			// Without a place the name alone does not tell inputs of two units apart.
			fmt.Fprintf(&k, "%q %q %d,", in.Name, in.Location.File, in.Location.Start)
			if in.Location.IsZero() {
				fmt.Fprintf(&k, "%q", f.Resource.Unit)
			}
		}
		if len(inputs) == 0 {
			k.WriteString(f.Rule)
		}
		w := index[k.String()]
		if w == nil {
			w = &wait{first: f, inputs: inputs, rules: make(map[string]bool)}
			index[k.String()] = w
			out = append(out, w)
		}
		w.verdicts++
		w.rules[f.Rule] = true
	}
	slices.SortStableFunc(out, func(a, b *wait) int { return cmp.Compare(b.verdicts, a.verdicts) })
	return out
}

// sentence says what would decide the verdicts; name writes an input, or a name alone, as the format wants it.
func (w *wait) sentence(name func(finding.Wait) string) string {
	gain := fmt.Sprintf("%s of %s", plural(w.verdicts, "verdict"), plural(len(w.rules), "rule"))
	if len(w.inputs) == 0 {
		on := name(finding.Wait{Name: w.first.Resource.Address})
		if w.verdicts > 1 {
			on += fmt.Sprintf(" and %d more", w.verdicts-1)
		}
		return name(finding.Wait{Name: w.first.Rule}) + " on " + on + ": what would decide it has no name"
	}
	var names []string
	settable, modules := true, true
	for _, in := range w.inputs {
		names = append(names, name(in))
		settable = settable && in.Kind == "variable"
		modules = modules && in.Kind == "module"
	}
	what := names[0]
	if n := len(names); n > 1 {
		what = strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	switch {
	case settable:
		return "set " + what + " to decide " + gain
	case modules:
		return "make " + what + " available to decide " + gain
	default:
		return what + ", known only later, would decide " + gain
	}
}

func (t *texter) undecided() {
	if len(t.Report.Undecided) == 0 {
		return
	}
	t.line()
	if failing := t.strict(); len(failing) > 0 {
		t.line(t.warn(fmt.Sprintf("%s undecided", plural(len(t.Report.Undecided), "verdict"))), t.bold(": they fail this scan"))
		for _, f := range failing {
			t.line("  ", t.link(spot(&t.Input, f.Location)), "  ", t.severity(f.Severity, f.Severity.String()), " ", Visible(f.Message), "  ", t.dim(Visible(f.Rule)+" on "+Visible(f.Resource.Address)))
		}
		t.line()
	} else {
		t.line(t.bold(fmt.Sprintf("%s undecided", plural(len(t.Report.Undecided), "verdict"))), t.dim(": neither passed nor failed until an input is known"))
	}
	all := waits(t.Report.Undecided)
	for _, w := range all[:min(len(all), maxUndecided)] {
		text := w.sentence(func(in finding.Wait) string { return Visible(in.Name) + t.at(in.Location, "") })
		for i, l := range wrap(text, t.Width-4) {
			t.line("  ", strings.Repeat(" ", min(i, 1)*2), l)
		}
	}
	if n := len(all) - maxUndecided; n > 0 {
		t.line(fmt.Sprintf("  and %d more; the json report lists them all", n))
	}
}

func (t *texter) hygiene() {
	if len(t.Report.Hygiene) == 0 {
		return
	}
	t.line()
	t.line(t.bold(plural(len(t.Report.Hygiene), "suppression") + " to look at"))
	for _, h := range t.Report.Hygiene {
		t.line("  ", t.link(spot(&t.Input, h.Suppression.Location)), "  ", t.dim(Visible(h.Kind)))
		for _, l := range wrap(Visible(h.Message), t.Width-4) {
			t.line("    ", l)
		}
	}
}

// controls lists what the scan says of each control of the frameworks that were asked for.
func (t *texter) controls() {
	framework := ""
	for _, c := range t.Report.Controls {
		if c.Framework != framework {
			framework = c.Framework
			t.line()
			t.line(t.bold(Visible(framework)), t.dim("  "+standing(t.Report.Controls, framework)))
		}
		status := fmt.Sprintf("%-9s", c.Status)
		switch c.Status {
		case "fail":
			status = t.warn(status)
		case "pass":
			status = t.good(status)
		default:
			status = t.dim(status)
		}
		number := strings.Repeat(" ", 9)
		if c.Findings > 0 {
			number = fmt.Sprintf("%4d open", c.Findings)
		} else if c.Suppressed > 0 {
			number = fmt.Sprintf("%4d held", c.Suppressed)
		}
		t.line("  ", status, " ", number, "  ", cut(fmt.Sprintf("%-14s %s", Visible(c.ID), Visible(c.Title)), t.Width-24))
	}
}

// standing counts the controls of a framework: 3 of 12 controls fail, 1 is undecided.
func standing(controls []finding.Control, framework string) string {
	by := make(map[string]int)
	all := 0
	for _, c := range controls {
		if c.Framework == framework {
			by[c.Status]++
			all++
		}
	}
	return fmt.Sprintf("%s: %d fail, %d undecided, %d accepted, %d pass, %d had nothing to judge",
		plural(all, "control"), by["fail"], by["undecided"], by["accepted"], by["pass"], by["uncovered"])
}

// coverage says what was looked at: without it "no findings" means nothing.
func (t *texter) coverage() {
	t.line()
	for _, l := range wrap(coverage(t.Report.Coverage), t.Width) {
		t.line(t.dim(l))
	}
	for i, m := range t.Report.Coverage.Missing {
		if i == maxUndecided {
			t.line(t.dim("  …"))
			break
		}
		t.line(t.dim("  not at hand: " + Visible(m)))
	}
}

// byDialect names the dialects with their files, the commonest first; nothing when there is but one.
func byDialect(files map[string]int) string {
	if len(files) < 2 {
		return ""
	}
	var parts []string
	for _, d := range slices.SortedFunc(maps.Keys(files), func(a, b string) int {
		return cmp.Or(files[b]-files[a], strings.Compare(a, b))
	}) {
		parts = append(parts, fmt.Sprintf("%d %s", files[d], d))
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func coverage(c finding.Coverage) string {
	s := fmt.Sprintf("Read %s%s in %s: %s judged by %s.", plural(c.Files, "file"), byDialect(c.Dialects), plural(c.Units, "unit"), plural(c.Resources, "resource"), plural(c.Rules, "rule"))
	verdicts := 0
	var parts []string
	for _, o := range []finding.Outcome{finding.Pass, finding.Fail, finding.Undecided} {
		if n := c.Verdicts[o.String()]; n > 0 {
			verdicts += n
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	if verdicts > 0 {
		s += fmt.Sprintf(" %s: %s.", plural(verdicts, "verdict"), strings.Join(parts, ", "))
	}
	if c.Skipped > 0 {
		s += fmt.Sprintf(" %s of other languages.", plural(c.Skipped, "file"))
	}
	if c.Ignored > 0 {
		s += fmt.Sprintf(" %s left out by ignore files.", plural(c.Ignored, "path"))
	}
	if n := len(c.Missing); n > 0 {
		s += fmt.Sprintf(" %s not at hand.", plural(n, "module"))
	}
	return s
}
