// Package scan is the main job: walk a tree, parse, evaluate, judge, suppress, and report.
//
// Data flows one way. The only way back is a fix, as text edits that package fix proves by scanning again.
package scan

import (
	"context"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"time"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/source"
)

// Options is what to scan and how. The zero value of a field means what its comment says.
type Options struct {
	FS       fs.FS             // the tree; it must refuse what leads out of it
	Dirs     []string          // directories or files of the tree to look at; none means all of it
	Dialects []dialect.Dialect // in the order in which they may claim a file
	Rules    *rule.Catalogue
	Config   *config.Config                    // the settings files read so far; those further down are added on the way; nil means none
	Settings string                            // settings that lie below those of all files, as YAML; only where Config is nil
	Known    config.Known                      // the names that settings may use
	Only     func(*rule.Rule) bool             // the rules that the user asked for; nil means all
	Severity func(*rule.Rule) finding.Severity // what somebody above the settings says of a rule; 0 is what the settings say; nil says nothing
	Controls []Framework                       // the frameworks to report on
	Exclude  func(path string) bool            // paths to leave out beyond what the settings say; nil means none
	Vars     []dialect.Var                     // --var and --var-file
	Env      func(string) (string, bool)       // environment; nil means empty
	Limits   dialect.Limits
	Source   string // directory of the source of plans; empty: each plan's own

	// Modules fetches modules; see dialect.Workspace. FS has what it fetches. Nil fetches nothing.
	Modules func(context.Context, dialect.ModuleSource) (dir string, problem *source.Problem)

	LooseVars bool // a variable among Vars need not be declared, as in a scan of the past

	Jobs     int                   // units evaluated at once; 0 means the number of processors
	Cache    *Cache                // nil means none
	Progress func(done, total int) // called after each unit, from one goroutine at a time; may be nil
	Decide   Decisions
	Version  string // of the program, for the report
	Fixes    bool   // offer proved fixes
}

// Decisions is what people decided about findings outside the settings.
type Decisions struct {
	Baseline *Baseline // nil means none
	NoInline bool      // comments in the code do not count
	Today    time.Time // for expiry
}

// Result is a report with what is needed to show it.
type Result struct {
	Report   *finding.Report
	Settings []string                       // the settings files that counted, sorted
	Files    func(path string) *source.File // a file that was read, nil when it was not

	// Left tells why what is not among the findings need not be mended: settings or ignore files leave out its file or unit, which are
	// there, or the rule is off there. It is "" for what was looked at, or is not there.
	Left func(rule, file, unit string) string
}

// Run scans. The error is about the surroundings; what is wrong with the input is in the report.
func Run(ctx context.Context, o Options) (*Result, error) {
	s, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	return s.run(ctx)
}

// run judges what was opened.
func (s *scan) run(ctx context.Context) (*Result, error) {
	units, err := s.judgeAll(ctx)
	if err != nil {
		return nil, err
	}
	report := s.merge(units)
	s.onlyNamed(report, units)
	s.decide(report)
	s.order(report)
	s.controls(report)
	if s.Fixes {
		if err := s.offer(ctx, report.Findings, units); err != nil {
			return nil, err
		}
	}
	return &Result{Report: report, Settings: s.Config.Files(), Files: s.file, Left: s.left(units)}, nil
}

// judgeAll judges every unit that was asked for, several at once, and returns the results in the order of the units.
func (s *scan) judgeAll(ctx context.Context) ([]*unitResult, error) {
	type job struct {
		estate  dialect.Estate
		name    dialect.UnitName
		dialect int
		at      int
	}
	var jobs []job
	for i, e := range s.estates {
		for _, name := range s.unitsOf(i) {
			jobs = append(jobs, job{e, name, s.dialectOf[i], len(jobs)})
		}
	}
	results := make([]*unitResult, len(jobs))
	queue := make(chan job)
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range min(s.workers(), len(jobs)) {
		wg.Go(func() {
			for j := range queue {
				results[j.at] = s.judgeUnit(ctx, j.estate, j.name, j.dialect)
				mu.Lock()
				done++
				if s.Progress != nil {
					s.Progress(done, len(jobs))
				}
				mu.Unlock()
			}
		})
	}
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	wg.Wait()
	return slices.DeleteFunc(results, func(u *unitResult) bool { return !s.holds(u.name, u.reads) }), ctx.Err()
}

// workers is how many units are worked on at once.
func (s *scan) workers() int {
	if s.Jobs > 0 {
		return s.Jobs
	}
	return runtime.GOMAXPROCS(0)
}

// defaultInputs is what reports call the inputs of a unit when it is evaluated with other sets too: the values of a chart itself.
const defaultInputs = "default"

// merge joins the results of all units into one report. The same finding under several sets of inputs is one finding.
func (s *scan) merge(units []*unitResult) *finding.Report {
	report := &finding.Report{Tool: finding.Tool{Version: s.Version}}
	report.Coverage = s.coverage(units)
	variants := make(map[string]int)         // how many sets of inputs each directory has
	named := make(map[dialect.UnitName]bool) // directories and dialects that have named sets beside the one without a name
	for _, u := range units {
		variants[u.name.Dir]++
		for i := range u.Findings {
			if u.name.Variant != "" {
				named[dialect.UnitName{Dir: u.name.Dir, Variant: u.Findings[i].Resource.Dialect}] = true
			}
		}
	}
	fails, open := newMerger(), newMerger()
	problems := s.about(s.problems, func(file string) bool {
		return slices.ContainsFunc(units, func(u *unitResult) bool { return u.read(file) })
	})
	dirs := make(map[string]bool)
	for _, u := range units {
		dirs[u.name.Dir] = true
		report.Coverage.Resources += u.Resources
		for outcome, n := range u.Verdicts {
			report.Coverage.Verdicts[outcome] += n
		}
		variant := u.name.Variant
		if variants[u.name.Dir] == 1 {
			variant = ""
		}
		for _, f := range u.Findings {
			under := variant
			if u.name.Variant == "" && named[dialect.UnitName{Dir: u.name.Dir, Variant: f.Resource.Dialect}] {
				under = defaultInputs
			}
			if f.Outcome == finding.Fail {
				fails.add(f, under)
			} else {
				open.add(f, under)
			}
		}
		problems = append(problems, u.Problems...)
		report.Coverage.Missing = append(report.Coverage.Missing, u.Missing...)
	}
	report.Findings, report.Undecided = fails.list, open.list
	report.Problems = s.places(problems)
	report.Coverage.Units = len(dirs)
	report.Judged, report.Grounds = grounds(units)
	report.Coverage.Rules = len(report.Judged)
	slices.Sort(report.Coverage.Missing)
	report.Coverage.Missing = slices.Compact(report.Coverage.Missing)
	return report
}

// merger joins findings with the same id.
type merger struct {
	list []finding.Finding
	at   map[string]int
}

func newMerger() *merger { return &merger{at: make(map[string]int)} }

func (m *merger) add(f finding.Finding, variant string) {
	i, known := m.at[f.ID]
	if !known {
		i = len(m.list)
		m.at[f.ID] = i
		m.list = append(m.list, f)
	}
	if variant != "" && !slices.Contains(m.list[i].Resource.Variants, variant) {
		m.list[i].Resource.Variants = append(m.list[i].Resource.Variants, variant)
	}
}
