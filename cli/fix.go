package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/report"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/source"
)

// fixFlags are the flags of fix.
type fixFlags struct {
	estateFlags
	rules    list
	findings list
	all      bool
	risky    bool
	diff     bool
	noInline bool
}

var fixCommand = func() *command {
	var f fixFlags
	return &command{
		name:    "fix",
		args:    "[PATH ...]",
		summary: "Write the proved fixes of findings",
		long: `
Changes the files so that findings are gone. Each fix was tried out first: the files still parse, the finding becomes a
pass, no other verdict gets worse, nothing changes but what the fix declares, and fixing twice changes nothing more. What
is written was also proved as a whole. Findings that are suppressed are left alone.

Some fixes are right and may still break what works today; they say "caution" and what. They are written when their rule or
finding is named, or with --risky.

Say what to fix: --all, --rule or --finding. With --diff nothing is written.

Exit codes: 0 everything chosen was fixed, 1 some of it was not, 2 the command line or the settings are wrong,
4 the program failed.`,
		flags: func(c *call) {
			f = fixFlags{}
			f.estateFlags.declare(c)
			c.set.BoolVar(&f.all, "all", false, "fix everything that can be fixed; with --rule or --finding only what they name")
			c.set.BoolVar(&f.risky, "risky", false, "with --all, also write fixes that come with a caution")
			c.set.Var(&f.rules, "rule", "fix findings of the rule with this `ID`, alias or glob; repeatable")
			c.set.Var(&f.findings, "finding", "fix the finding with this `ID`, as reports show it, or its beginning; repeatable")
			c.set.BoolVar(&f.diff, "diff", false, "show what would change and write nothing")
			c.set.BoolVar(&f.noInline, "no-inline", false, "ignore suppressions in comments")
		},
		run: func(ctx context.Context, c *call) error { return runFix(ctx, c, &f) },
	}
}()

func runFix(ctx context.Context, c *call, f *fixFlags) error {
	if !f.all && len(f.rules) == 0 && len(f.findings) == 0 {
		return &failed{Usage, "say what to fix: --all, --rule ID or --finding ID", "plumbline fix --all --diff shows what would change"}
	}
	e, err := c.openEstate(ctx, &f.estateFlags, c.args)
	if err != nil {
		return err
	}
	defer e.Close()
	for _, name := range f.rules {
		if ok, near := knownRule(e.options.Rules, name); !ok {
			return &failed{Usage, fmt.Sprintf("--rule: there is no rule %q", name), didYouMean(near)}
		}
	}
	o := e.options
	o.Decide.NoInline = f.noInline
	if o.Decide.Baseline, err = e.baseline(c, ""); err != nil {
		return err
	}
	progress := c.progress("judged", false)
	o.Progress = progress.step
	mending, err := scan.Mend(ctx, o, func(x finding.Finding) bool { return f.chooses(e, x) })
	progress.done()
	if err != nil {
		return err
	}
	for _, id := range f.findings {
		if err := oneFinding(mending.Report.Findings, id); err != nil {
			return err
		}
	}
	var closed []string
	if f.diff {
		if closed, err = c.showDiffs(e, mending.Files); err != nil {
			return err
		}
	} else if err := e.writeFiles(mending.Files); err != nil {
		return err
	}
	out := c.Out
	if f.diff {
		out = c.Err // the diff alone goes to standard output, so that it can be applied
	}
	summary := e.fixSummary(mending, f.diff)
	risky := f.heldBack(e, mending.Report.Findings)
	if len(risky) > 0 {
		summary = fmt.Appendf(summary, "held back, because the fix may break what works today: %s\n  plumbline fix --all --risky --diff shows it\n", strings.Join(risky, ", "))
	}
	for _, name := range closed {
		summary = fmt.Appendf(summary, "no patch for %s: it would show a secret beside what changes; plumbline fix without --diff makes the change\n", name)
	}
	if _, err := out.Write(summary); err != nil {
		return err
	}
	if len(mending.Left)+len(risky)+len(closed) > 0 {
		return &failed{code: Found}
	}
	return nil
}

// chooses reports whether a finding is among those to be fixed.
func (f *fixFlags) chooses(e *estate, x finding.Finding) bool {
	r := e.options.Rules.Rule(x.Rule)
	if len(f.rules) == 0 && len(f.findings) == 0 {
		return f.all && (f.risky || r == nil || r.Caution == "")
	}
	var aliases []string
	if r != nil {
		aliases = r.Aliases
	}
	return slices.ContainsFunc(f.rules, func(name string) bool { return config.MatchRule(name, x.Rule, aliases...) }) ||
		slices.ContainsFunc(f.findings, func(id string) bool { return strings.HasPrefix(x.ID, id) })
}

// heldBack returns the rules of which findings were not fixed because their fix comes with a caution, sorted.
func (f *fixFlags) heldBack(e *estate, findings []finding.Finding) []string {
	if f.risky || len(f.rules)+len(f.findings) > 0 {
		return nil
	}
	var rules []string
	for _, x := range findings {
		if r := e.options.Rules.Rule(x.Rule); x.Suppression == nil && r != nil && r.Caution != "" && len(r.Fix) > 0 && !slices.Contains(rules, x.Rule) {
			rules = append(rules, x.Rule)
		}
	}
	slices.Sort(rules)
	return rules
}

// oneFinding reports an error unless an id, or the beginning of one, names exactly one finding: what is written must be what
// was meant.
func oneFinding(findings []finding.Finding, id string) error {
	n := 0
	for _, x := range findings {
		if x.ID == id {
			return nil
		}
		if strings.HasPrefix(x.ID, id) {
			n++
		}
	}
	switch n {
	case 0:
		return usage("--finding: there is no finding %q", id)
	case 1:
		return nil
	}
	return usage("--finding: %d findings begin with %q: write more of the one that is meant", n, id)
}

// showDiffs prints the changes as unified diffs without secrets. What goes to a terminal is for reading; what goes elsewhere is a patch
// to apply. It returns the files that it cannot print as one.
func (c *call) showDiffs(e *estate, files []scan.FileChange) (closed []string, err error) {
	_, plain := c.Lookup("NO_COLOR")
	for _, f := range files {
		shown := &source.File{Path: e.tree.shown(f.Before.Path), Bytes: f.Before.Bytes}
		whole := source.Range{File: shown.Path, End: len(f.Before.Bytes)}
		edits := []finding.Edit{{Location: finding.Location{Range: whole}, Text: string(f.After.Bytes)}}
		text, ok := report.Patch(shown, edits)
		if !ok {
			closed = append(closed, shown.Path)
		}
		if c.Width > 0 {
			text = report.DiffForTerminal(report.Diff(shown, edits, 3, false), !plain)
		}
		if _, err := fmt.Fprint(c.Out, text); err != nil {
			return nil, err
		}
	}
	return closed, nil
}

// writeFiles writes the changed files, none of them when one of them changed since it was read.
func (e *estate) writeFiles(files []scan.FileChange) error {
	for _, f := range files {
		now, problem := (&source.Reader{FS: e.options.FS}).Read(f.Before.Path)
		if problem != nil {
			return fmt.Errorf("%s: %s", e.tree.shown(f.Before.Path), problem.Message)
		}
		if !bytes.Equal(now.Bytes, f.Before.Bytes) {
			return fmt.Errorf("%s was changed by someone else meanwhile; nothing was written", e.tree.shown(f.Before.Path))
		}
	}
	for i, f := range files {
		if err := e.writeFile(f.After); err != nil {
			return errors.Join(err, fmt.Errorf("%d of %d files were written before", i, len(files)))
		}
	}
	return nil
}

// writeFile replaces a file of the tree in one step and keeps its mode.
func (e *estate) writeFile(f *source.File) error {
	info, err := e.tree.root.Lstat(f.Path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is a link: fix the file that it leads to", e.tree.shown(f.Path))
	}
	next := f.Path + ".plumbline-new"
	err = e.tree.root.WriteFile(next, f.Bytes, info.Mode().Perm())
	if err == nil {
		err = e.tree.root.Chmod(next, info.Mode().Perm())
	}
	if err == nil {
		err = e.tree.root.Rename(next, f.Path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", e.tree.shown(f.Path), errors.Join(err, e.tree.root.Remove(next)))
	}
	return nil
}

// fixSummary tells what was fixed, what changed with it, and what stays and why.
func (e *estate) fixSummary(m *scan.Mending, preview bool) []byte {
	var b bytes.Buffer
	verb := "fixed"
	if preview {
		verb = "would fix"
	}
	place := func(f finding.Finding) string {
		return fmt.Sprintf("%s:%d", e.tree.shown(f.Location.File), f.Location.From.Line)
	}
	for _, d := range m.Done {
		title := d.Title
		if title == "" {
			title = "went with another fix"
		}
		fmt.Fprintf(&b, "%s %s on %s (%s): %s\n", verb, d.Finding.Rule, d.Finding.Resource.Address, place(d.Finding), title)
		if len(d.Shared) > 0 {
			fmt.Fprintf(&b, "  also changes %s\n", strings.Join(d.Shared, ", "))
		}
	}
	if len(m.Done) > 0 && len(m.Left) > 0 {
		b.WriteByte('\n')
	}
	fixless := 0
	var rules []string
	for _, l := range m.Left {
		if l.Reason == scan.NoFix {
			fixless++
			rules = append(rules, l.Finding.Rule)
			continue
		}
		fmt.Fprintf(&b, "left %s on %s (%s): %s\n", l.Finding.Rule, l.Finding.Resource.Address, place(l.Finding), l.Reason)
	}
	if fixless > 0 {
		slices.Sort(rules)
		rules = slices.Compact(rules)
		fmt.Fprintf(&b, "left %s of %s: %s\n  %s\n", plural(fixless, "finding"), plural(len(rules), "rule"), scan.NoFix, strings.Join(rules, ", "))
	}
	if len(m.Done)+len(m.Left) > 0 {
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%s %s in %s, left %d\n", verb, plural(len(m.Done), "finding"), plural(len(m.Files), "file"), len(m.Left))
	return b.Bytes()
}
