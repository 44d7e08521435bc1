package scan

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// scan is one run: the options, the opened tree and what was met on the way.
type scan struct {
	Options
	reader     *source.Reader
	workspace  *dialect.Workspace
	estates    []dialect.Estate
	problems   []unitProblem           // met before any unit was evaluated
	files      []string                // that a dialect claimed and whose readers are all evaluated, sorted
	claimed    map[string]string       // the dialect of every file that one claimed
	estateOf   map[string]int          // the estate that every such file was given to
	skipped    []string                // files that no dialect claimed
	ignored    []string                // files and folders that ignore files left out, sorted
	excluded   []string                // files that settings left out, sorted
	changed    map[string]*source.File // what fixes in memory made of files; nil without any
	named      []string                // the files among Dirs: only they are reported
	basis      string                  // digest of the settings files, of which every remembered result is a part
	hashes     sync.Map                // of files and listings, see cache.go
	suppressed map[findingKey]string   // where findings are suppressed that no fix may take away
	kept       atomic.Int64            // resources of units that are kept for the proof of fixes
	dialectOf  []int                   // index in Dialects of each estate
	given      map[int]*given          // the files of each dialect that has any, by its index in Dialects
	series     *Series                 // that this is a scan of; nil for none
	noSettings bool                    // no settings file counts
}

func open(ctx context.Context, o Options) (*scan, error) {
	s := newScan(o)
	return s, s.open(ctx)
}

// newScan is a run that nothing was opened for yet.
func newScan(o Options) *scan {
	if o.Env == nil {
		o.Env = func(string) (string, bool) { return "", false }
	}
	s := &scan{Options: o, claimed: make(map[string]string), given: make(map[int]*given), estateOf: make(map[string]int), reader: &source.Reader{FS: o.FS, Limit: o.Limits.FileBytes}}
	s.workspace = &dialect.Workspace{FS: o.FS, Read: s.reader.Read, Vars: o.Vars, Env: o.Env, Limits: o.Limits, Source: o.Source, Modules: watched(o.Modules)}
	s.workspace.Inputs = s.inputs
	return s
}

// open walks the tree, reads the settings on the way, and opens the estates.
func (s *scan) open(ctx context.Context) error {
	o := &s.Options
	dirs := o.Dirs
	if len(dirs) == 0 {
		dirs = []string{"."}
	}
	if o.Source != "" {
		dirs = append(slices.Clip(dirs), o.Source)
	}
	files, ignored := s.listing(dirs)
	s.ignored = ignored
	if err := s.addSettings(files); err != nil {
		return err
	}
	s.basis = s.settingsHash()
	s.series.settled(s.basis)
	files = slices.DeleteFunc(slices.Clone(files), func(f string) bool {
		out := o.Exclude != nil && o.Exclude(f) || !s.Config.For(f).Scans(f)
		if out {
			s.excluded = append(s.excluded, f)
		}
		return out
	})
	surveyed := survey(o.Dialects, files, s.reader.Head)
	claimed := make([][]string, len(o.Dialects))
	for _, f := range files {
		content := func() []byte { return s.reader.Head(f) }
		i, ok := surveyed[f]
		if !ok {
			i = s.series.claim(f, func() int {
				return slices.IndexFunc(o.Dialects, func(d dialect.Dialect) bool { return d.Claims(f, content) })
			})
		}
		if i >= 0 {
			claimed[i] = append(claimed[i], f)
			s.files = append(s.files, f)
			s.claimed[f] = o.Dialects[i].Name()
		} else {
			s.reader.Forget(f)
			if !config.IsFile(f) {
				s.skipped = append(s.skipped, f)
			}
		}
	}
	wrap(o.Dialects, claimed)
	for i, d := range o.Dialects {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(claimed[i]) == 0 {
			continue
		}
		var estate dialect.Estate
		var problems []source.Problem
		if s.series != nil {
			estate, problems = s.series.open(ctx, i, claimed[i])
		} else {
			estate, problems = d.Open(ctx, s.workspace, claimed[i])
		}
		s.note(problems)
		s.given[i] = newGiven(d.Name(), claimed[i])
		s.dialectOf = append(s.dialectOf, i)
		for _, f := range claimed[i] {
			s.estateOf[f] = len(s.estates)
		}
		s.estates = append(s.estates, estate)
	}
	s.narrow()
	return s.checkVars()
}

// survey asks the dialects that know files by what lies around them. It returns which dialect takes which file; the first one
// to take a file has it.
func survey(dialects []dialect.Dialect, files []string, content func(path string) []byte) map[string]int {
	taken := make(map[string]int)
	for i, d := range dialects {
		surveyor, ok := d.(dialect.Surveyor)
		if !ok {
			continue
		}
		for _, f := range surveyor.Survey(files, content) {
			if _, known := taken[f]; !known {
				taken[f] = i
			}
		}
	}
	return taken
}

// wrap hands the files of dialects that others wrap to those, where there are files of both.
func wrap(dialects []dialect.Dialect, claimed [][]string) {
	for i, d := range dialects {
		w, ok := d.(dialect.Wrapper)
		if !ok || len(claimed[i]) == 0 {
			continue
		}
		if n := slices.IndexFunc(dialects, func(d dialect.Dialect) bool { return d.Name() == w.Wraps() }); n >= 0 {
			claimed[i] = append(claimed[i], claimed[n]...)
			claimed[n] = nil
		}
	}
}

// UndeclaredError is a --var that nothing in the tree takes.
type UndeclaredError struct {
	Name string
	Near string // what was probably meant, or ""
}

func (e *UndeclaredError) Error() string {
	return fmt.Sprintf("nothing takes an input named %q", e.Name)
}

// checkVars reports a variable that was given but that nothing declares: the scan would not be of what was asked for.
func (s *scan) checkVars() error {
	if s.LooseVars || !slices.ContainsFunc(s.Vars, func(v dialect.Var) bool { return v.File == nil }) {
		return nil // what the units take is not asked for nothing: it may cost parsing them
	}
	var names []string
	units := 0
	for _, e := range s.estates {
		if in, ok := e.(dialect.Inputter); ok {
			names = append(names, in.Inputs()...)
			units += len(e.Units())
		}
	}
	if units == 0 {
		return nil
	}
	for _, v := range s.Vars {
		if v.File == nil && !slices.Contains(names, v.Name) {
			return &UndeclaredError{v.Name, config.Nearest(v.Name, names)}
		}
	}
	return nil
}

// addSettings reads the settings files that the walk came upon, parents first, and checks the names in all of them.
func (s *scan) addSettings(files []string) error {
	var mistakes config.Errors
	if s.Config == nil {
		from := s.FS
		if s.noSettings {
			from = nothing{}
		}
		c, err := config.Load(from, ".")
		more, wrong := errors.AsType[config.Errors](err)
		if err != nil && !wrong {
			return err
		}
		mistakes = append(mistakes, more...)
		if err := c.Under("the settings of the server", []byte(s.Settings)); err != nil {
			return fmt.Errorf("the settings of the server: %w", err)
		}
		s.Config = c
	}
	var found []string
	for _, f := range files {
		if config.IsFile(f) && !s.noSettings {
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") })
	for _, f := range found {
		err := s.Config.Add(f)
		if more, ok := errors.AsType[config.Errors](err); ok {
			mistakes = append(mistakes, more...)
		} else if err != nil {
			return err
		}
	}
	if more, ok := errors.AsType[config.Errors](s.Config.Check(s.Known)); ok {
		mistakes = append(mistakes, more...)
	}
	if len(mistakes) > 0 {
		return mistakes
	}
	return nil
}

// nothing is a tree without files.
type nothing struct{}

// Open finds nothing.
func (nothing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// inputs tells a dialect what the settings say of the unit rooted in dir.
func (s *scan) inputs(dir string) dialect.Inputs {
	workspace, variants := s.Config.For(dir).Terraform.Unit(dir)
	in := dialect.Inputs{Workspace: workspace}
	for _, v := range variants {
		in.Sets = append(in.Sets, dialect.InputSet{Name: v.Name, Files: v.Files})
	}
	return in
}

func (s *scan) note(problems []source.Problem) {
	for _, p := range problems {
		s.problems = append(s.problems, unitProblem{Problem: p})
	}
}

func isFile(fsys fs.FS, name string) bool {
	info, err := fs.Stat(fsys, name)
	return err == nil && !info.IsDir()
}

// file returns a file that can be read, for excerpts; nil when it cannot.
func (s *scan) file(name string) *source.File {
	if f := s.changed[name]; f != nil {
		return f
	}
	f, _ := s.reader.Read(name)
	return f
}
