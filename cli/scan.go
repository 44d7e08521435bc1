package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/report"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/source"
)

// scanFlags are the flags of scan.
type scanFlags struct {
	estateFlags
	reports   list
	threshold string
	undecided string
	noInline  bool
	fixes     bool
	noFixes   bool
	baseline  string
	diff      string
	tolerate  list
	colour    string
	quiet     bool
	upload    uploadFlags
}

var scanCommand = func() *command {
	var f scanFlags
	return &command{
		name:    "scan",
		args:    "[PATH ...]",
		summary: "Find what is insecure in a directory",
		long: `
Scans the directories or files named, or the working directory. A file is understood with its folder, where its parameters
and callers are looked for, and reported alone; modules may lie anywhere in the repository around it.

Exit codes: 0 nothing at or above the threshold, 1 findings, 2 the command line or the settings are wrong,
3 part of the input could not be read (whatever was found in the rest), 4 the program failed.`,
		flags: func(c *call) {
			f = scanFlags{}
			f.estateFlags.declare(c)
			f.declareRules(c)
			c.set.Var(&f.reports, "report", "write a report as `FORMAT[=FILE]`; repeatable; "+formatNames())
			c.set.StringVar(&f.threshold, "threshold", "", "exit 1 from this `SEVERITY` on: critical, high, medium, low, info or none (as the settings say, else low)")
			c.set.StringVar(&f.undecided, "undecided", "", "what to do with undecided verdicts: report, hide or `fail`")
			c.set.BoolVar(&f.noInline, "no-inline", false, "ignore suppressions in comments")
			c.set.BoolVar(&f.fixes, "fixes", false, "prove and offer fixes in json too, as text, markdown, html, sarif and gitlab-sast do by themselves")
			c.set.BoolVar(&f.noFixes, "no-fixes", false, "offer no fixes (faster: nothing has to be proved)")
			c.set.StringVar(&f.baseline, "baseline", "", "do not report what the baseline `FILE` knows")
			c.set.StringVar(&f.diff, "diff", "", "report only what is new against a git `REF`")
			declareTolerate(c, &f.tolerate)
			c.set.StringVar(&f.colour, "color", "auto", "colours in text: auto, always or never")
			c.set.BoolVar(&f.quiet, "quiet", false, "no progress on standard error")
			f.upload.declare(c)
		},
		run: func(ctx context.Context, c *call) error { return runScan(ctx, c, &f) },
	}
}()

func declareTolerate(c *call, kinds *list) {
	c.set.Var((*names)(kinds), "tolerate", "`KIND` of problem that does not make the scan incomplete: "+strings.Join(problemKinds, ", ")+" (unresolved is from the start, if the settings do not say fail); repeatable")
}

func formatNames() string {
	var names []string
	for _, f := range report.Formats() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

func runScan(ctx context.Context, c *call, f *scanFlags) error {
	if colours := []string{"auto", "always", "never"}; !slices.Contains(colours, f.colour) {
		return usage("--color: %q is not auto, always or never", f.colour)
	}
	e, err := c.openEstate(ctx, &f.estateFlags, c.args)
	if err != nil {
		return err
	}
	defer e.Close()
	outputs, err := c.outputs(f.reports, e)
	if err != nil {
		return err
	}
	policy, err := e.policy(f)
	if err != nil {
		return err
	}
	upload, err := f.upload.prepare(ctx, c, e, f)
	if err != nil {
		return err
	}
	o := e.options
	o.Fixes = !f.noFixes && (f.fixes || slices.ContainsFunc(outputs, output.showsFixes))
	o.Decide.NoInline = f.noInline
	if o.Decide.Baseline, err = e.baseline(c, f.baseline); err != nil {
		return err
	}
	progress := c.progress("judged", f.quiet)
	o.Progress = progress.step
	result, err := scan.Run(ctx, o)
	var gone gone
	if err == nil && f.diff != "" {
		gone, err = e.onlyNew(ctx, result.Report, f.diff, o)
	}
	progress.done()
	if err != nil {
		return err
	}
	if upload != nil {
		if err := upload.take(result.Report, c.Now); err != nil {
			return err
		}
	}
	if policy.hideUndecided {
		result.Report.Undecided = nil
	}
	e.tree.relocate(result.Report)
	in := report.Input{Report: result.Report, Files: e.tree.shownFiles(result.Files), At: c.Now,
		Against: f.diff, Older: gone.older, Apart: gone.apart, NoFixes: !o.Fixes, Strict: policy.failUndecided && policy.threshold != 0}
	for _, out := range outputs {
		if err := c.write(out, in, f.colour); err != nil {
			return err
		}
	}
	if upload != nil {
		if err := upload.send(ctx, c, f.quiet); err != nil {
			return err
		}
	}
	return policy.judge(result.Report)
}

// problemKinds are the kinds of problems that may be tolerated.
var problemKinds = []string{string(source.Unreadable), string(source.Invalid), string(source.Unresolved), string(source.Limit), string(source.Bug)}

// policy is what makes a scan fail.
type policy struct {
	threshold     finding.Severity // 0 is none
	failUndecided bool
	hideUndecided bool
	tolerated     map[source.ProblemKind]bool
}

// judge turns a report into the exit code: an incomplete scan first, because what was not read may be worse than what was.
func (p *policy) judge(r *finding.Report) error {
	for _, problem := range r.Problems {
		if !p.tolerated[problem.Kind] {
			return &failed{code: Incomplete}
		}
	}
	bad := func(f finding.Finding) bool {
		return f.Suppression == nil && p.threshold != 0 && f.Severity >= p.threshold
	}
	if slices.ContainsFunc(r.Findings, bad) || p.failUndecided && slices.ContainsFunc(r.Undecided, bad) {
		return &failed{code: Found}
	}
	return nil
}

// progress shows on a terminal how far a long work is; in a pipe it shows nothing.
type progress struct {
	w     io.Writer // nil when nothing is shown
	verb  string
	start time.Time
	shown bool
}

func (c *call) progress(verb string, quiet bool) *progress {
	p := &progress{verb: verb, start: time.Now()}
	if c.ErrWidth > 0 && !quiet {
		p.w = c.Err
	}
	return p
}

// progressAfter is how long a work must last before its progress is shown.
const progressAfter = 400 * time.Millisecond

func (p *progress) step(done, total int) {
	if p.w == nil || !p.shown && time.Since(p.start) < progressAfter {
		return
	}
	p.shown = true
	fmt.Fprintf(p.w, "\r%s %d of %d units", p.verb, done, total)
}

func (p *progress) done() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// policy joins the flags with the settings at the top of what is scanned; flags win.
func (e *estate) policy(f *scanFlags) (*policy, error) {
	s := e.config.For(e.tree.Paths[0])
	p := &policy{
		threshold:     s.Threshold,
		failUndecided: s.Undecided == config.FailUndecided,
		hideUndecided: s.Undecided == config.HideUndecided,
		tolerated:     maps.Clone(s.Tolerated),
	}
	switch f.threshold {
	case "":
	case "none":
		p.threshold = 0
	default:
		if err := p.threshold.UnmarshalText([]byte(f.threshold)); err != nil {
			return nil, usage("--threshold: %v", err)
		}
	}
	switch config.Undecided(f.undecided) {
	case "":
	case config.ReportUndecided, config.HideUndecided, config.FailUndecided:
		p.failUndecided, p.hideUndecided = f.undecided == string(config.FailUndecided), f.undecided == string(config.HideUndecided)
	default:
		return nil, usage("--undecided: %q is not report, hide or fail", f.undecided)
	}
	for _, kind := range f.tolerate {
		if !slices.Contains(problemKinds, kind) {
			return nil, &failed{Usage, fmt.Sprintf("--tolerate: %q is not a kind of problem: use %s", kind, strings.Join(problemKinds, ", ")), didYouMean(config.Nearest(kind, problemKinds))}
		}
		p.tolerated[source.ProblemKind(kind)] = true
	}
	return p, nil
}

// baseline reads the baseline that a flag or the settings name; nil when neither does.
func (e *estate) baseline(c *call, flag string) (*scan.Baseline, error) {
	name := flag
	switch {
	case name == "" && e.config.Run.Baseline == "":
		return nil, nil
	case name == "":
		f, problem := (&source.Reader{FS: e.options.FS}).Read(e.config.Run.Baseline)
		if problem != nil {
			return nil, usage("the settings name the baseline %s: %s", e.config.Run.Baseline, problem.Message)
		}
		return readBaseline(f)
	case !filepath.IsAbs(name):
		name = filepath.Join(c.Dir, name)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, usage("--baseline %s: %v", flag, unwrapPath(err))
	}
	return readBaseline(&source.File{Path: filepath.ToSlash(flag), Bytes: content})
}

func readBaseline(f *source.File) (*scan.Baseline, error) {
	b, err := scan.ReadBaseline(f)
	if err != nil {
		return nil, &failed{Usage, err.Error(), "plumbline baseline writes a new one"}
	}
	return b, nil
}

// gone counts the findings that a comparison leaves out.
type gone struct {
	older int // the commit has them
	apart int // they are in files that git ignores: what they were is in no commit
}

// onlyNew keeps in the report what the commit that ref names does not have, and counts the findings that go. Suppressions
// to look at go too: most of them are older, and a scan without --diff tells of them.
func (e *estate) onlyNew(ctx context.Context, r *finding.Report, ref string, o scan.Options) (out gone, err error) {
	g, err := source.OpenGit(ctx, e.tree.Dir, ref)
	if err != nil {
		return out, &failed{Usage, fmt.Sprintf("--diff: %v", err), "is the ref spelt right, and fetched? A shallow clone, as CI makes them, has no history"}
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	o.FS, o.Fixes, o.Progress, o.LooseVars = e.withModules(g), false, nil, true
	if o.Config, err = config.Load(g, "."); err != nil {
		return out, fmt.Errorf("read the settings of %s: %w", ref, err)
	}
	o.Dirs = slices.DeleteFunc(slices.Clone(o.Dirs), func(d string) bool {
		_, err := fs.Stat(g, d)
		return errors.Is(err, fs.ErrNotExist)
	})
	before := &finding.Report{}
	if len(o.Dirs) > 0 {
		result, err := scan.Run(ctx, o)
		if err != nil {
			return out, fmt.Errorf("scan %s: %w", ref, err)
		}
		before = result.Report
	}
	ignored, err := source.GitIgnored(ctx, e.tree.Dir)
	if err != nil {
		return out, err
	}
	active := func() (n int) {
		for i := range r.Findings {
			if r.Findings[i].Suppression == nil {
				n++
			}
		}
		return n
	}
	all := active()
	incomparable := func(f finding.Finding) bool {
		_, err := fs.Stat(g, f.Location.File)
		return err != nil && slices.ContainsFunc(ignored, func(dir string) bool {
			return dir == "." || dir == f.Location.File || strings.HasPrefix(f.Location.File, dir+"/")
		})
	}
	r.Findings = slices.DeleteFunc(r.Findings, incomparable)
	r.Undecided = slices.DeleteFunc(r.Undecided, incomparable)
	compared := active()
	out.apart = all - compared
	r.Findings = added(before.Findings, r.Findings)
	r.Undecided = added(before.Undecided, r.Undecided)
	r.Hygiene = nil
	out.older = compared - active()
	return out, nil
}

// added keeps what is new. What was suppressed before and no longer is counts as new.
func added(before, after []finding.Finding) []finding.Finding {
	before = slices.DeleteFunc(before, func(f finding.Finding) bool { return f.Suppression != nil })
	fresh, _, _ := scan.Match(before, after)
	return fresh
}
