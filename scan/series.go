package scan

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"sync"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// Rules of this file: a series gives for each tree what Run gives for it, no more and no less. What it takes over from the tree
// before is what was made of the same bytes: files with what was parsed of them, an opened estate when nothing that was read
// through it has changed, the result of a unit when nothing that its evaluation read has changed. Whatever cannot be told to be
// the same is made anew. TestSeries holds it to Run over random histories in every dialect.

// Series scans the trees of many commits of one repository, one after the other, each for the price of what it changed. It is
// for one goroutine. Trees are source.GitTrees of the same GitObjects; any other tree is scanned whole.
//
// Its results share memory, and must not be changed.
type Series struct {
	o     Options
	kept  *source.Kept
	prior *source.GitTree // the tree that everything here holds for; nil before the first, and after a scan that failed
	basis string

	claims  map[string]seriesClaim
	claimed map[int][]string      // files by index of the dialect, sorted
	estates map[int]*seriesEstate // by index of the dialect
	offers  map[string]cachedOffers

	mu     sync.Mutex // of units, which are kept while others are judged
	units  map[seriesUnit]*unitResult
	made   int // units that were judged, ever
	fresh  int // units that were judged for the tree at hand
	opened int // estates that were opened for the tree at hand

	now  *scan       // whose files estates read
	same *comparison // of the tree at hand with the one before; nil when nothing differs or nothing is known
}

// seriesClaim is which dialect took a file.
type seriesClaim struct {
	identity string // of the content
	dialect  int    // -1 for none
}

// seriesUnit names a unit among those of all dialects.
type seriesUnit struct {
	dialect int
	name    dialect.UnitName
}

// seriesEstate is an opened estate with everything that was read through it.
type seriesEstate struct {
	estate   dialect.Estate
	problems []source.Problem
	reads    *seriesReads
}

// NewSeries starts a series. Of the options FS, Config and Modules do not count: the tree is each scan's, settings are read out
// of it, and modules that are not in the tree are missing.
func NewSeries(o Options) *Series {
	s := &Series{o: o}
	s.o.Modules = nil
	s.reset()
	return s
}

// reset forgets everything.
func (s *Series) reset() {
	s.kept, s.prior, s.basis = new(source.Kept), nil, ""
	s.claims, s.estates = make(map[string]seriesClaim), make(map[int]*seriesEstate)
	s.claimed, s.offers, s.units = make(map[int][]string), make(map[string]cachedOffers), make(map[seriesUnit]*unitResult)
}

// Ask is what a scan of a series does beyond its options.
type Ask struct {
	Fixes      bool // prove and offer fixes
	NoSettings bool // no settings file of the tree counts: they have mistakes
}

// Scan scans a tree. The error is about the surroundings or the settings; the next scan is whole then.
func (s *Series) Scan(ctx context.Context, tree fs.FS, ask Ask) (*Result, error) {
	ok := false
	defer func() {
		if !ok { // also after a panic: what an evaluation that was broken off left in an estate is not known
			s.reset()
		}
	}()
	o := s.o
	o.FS, o.Fixes, o.Config = tree, o.Fixes || ask.Fixes, nil
	git, _ := tree.(*source.GitTree)
	if git == nil {
		s.reset()
	}
	s.fresh, s.opened = 0, 0
	run := newScan(o)
	run.series, run.noSettings, s.now = s, ask.NoSettings, run
	run.reader.Kept = s.kept
	s.forget(git)
	if err := run.open(ctx); err != nil {
		_, ok = errors.AsType[config.Errors](err) // nothing was opened yet, and what is here still holds for the tree before
		return nil, err
	}
	run.baseline()
	result, err := run.run(ctx)
	if err != nil {
		return nil, err
	}
	s.sweep(run)
	s.prior, ok = git, git != nil
	return result, nil
}

// baseline reads the baseline that the settings of the tree name. One that cannot be read is a problem, not the end: a server
// scans every commit.
func (s *scan) baseline() {
	name := s.Config.Run.Baseline
	if name == "" || s.Decide.Baseline != nil {
		return
	}
	f, problem := s.reader.Read(name)
	if problem == nil {
		var err error
		if s.Decide.Baseline, err = ReadBaseline(f); err != nil {
			problem = &source.Problem{Kind: source.Invalid, Range: source.Range{File: name}, Message: err.Error()}
		}
	}
	if problem != nil {
		s.note([]source.Problem{*problem})
	}
}

// Visit evaluates every unit of the tree that was scanned last, judges nothing, and hands the units to visit one after the other.
func (s *Series) Visit(ctx context.Context, visit func(*dialect.Unit) error) error {
	for i := range s.o.Dialects {
		e := s.estates[i]
		if e == nil {
			continue
		}
		for _, name := range e.estate.Units() {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := visit(e.estate.Evaluate(ctx, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget drops what is not the same in the next tree.
func (s *Series) forget(git *source.GitTree) {
	s.same = nil
	if git == nil || s.prior == nil {
		return
	}
	same := s.comparison(git)
	s.same = same
	if same == nil {
		return
	}
	for i, e := range s.estates {
		if !e.reads.same(same) {
			delete(s.estates, i)
		}
	}
	for key, u := range s.units {
		if slices.ContainsFunc(u.reads.Files, func(f string) bool { return !same.file(f) }) ||
			slices.ContainsFunc(u.reads.Dirs, func(d string) bool { return !same.dir(d) }) {
			delete(s.units, key)
		}
	}
}

// comparison tells what is the same in two trees.
type comparison struct {
	files, dirs    map[string]bool // what differs
	now, before    *source.GitTree // where links have to be followed, else nil
	knownF, knownD map[string]bool
}

// comparison compares a tree with the one before; nil means that nothing differs.
func (s *Series) comparison(git *source.GitTree) *comparison {
	c := &comparison{}
	c.files, c.dirs = git.Differs(s.prior)
	if len(c.files)+len(c.dirs) == 0 {
		return nil
	}
	if git.Links() || s.prior.Links() {
		c.now, c.before = git, s.prior
		c.knownF, c.knownD = make(map[string]bool), make(map[string]bool)
	}
	return c
}

func (c *comparison) file(name string) bool {
	if c.now == nil {
		return !c.files[name]
	}
	same, known := c.knownF[name]
	if !known {
		same = c.now.Identity(name) == c.before.Identity(name)
		c.knownF[name] = same
	}
	return same
}

func (c *comparison) dir(name string) bool {
	if c.now == nil {
		return !c.dirs[name]
	}
	same, known := c.knownD[name]
	if !known {
		if same = c.now.Identity(name) == c.before.Identity(name); !same {
			a, errA := c.now.ReadDir(name)
			b, errB := c.before.ReadDir(name)
			same = (errA == nil) == (errB == nil) && slices.EqualFunc(a, b, func(a, b fs.DirEntry) bool { return a.Name() == b.Name() && a.Type() == b.Type() })
		}
		c.knownD[name] = same
	}
	return same
}

// settled is told the settings of the tree at hand: nothing that was made under others counts.
func (s *Series) settled(basis string) {
	if s == nil || s.basis == basis {
		return
	}
	s.basis = basis
	clear(s.estates)
	clear(s.units)
	clear(s.offers)
}

// claim returns which dialect takes a file by its name and content, see Dialect.Claims, and notes what ask says.
func (s *Series) claim(file string, ask func() int) int {
	tree, ok := s.tree()
	if !ok {
		return ask()
	}
	identity := tree.Identity(file)
	if c, known := s.claims[file]; known && c.identity == identity && identity != "" {
		return c.dialect
	}
	i := ask()
	s.claims[file] = seriesClaim{identity, i}
	return i
}

// tree is the tree that is scanned, when the series can tell what is the same in it.
func (s *Series) tree() (*source.GitTree, bool) {
	if s == nil {
		return nil, false
	}
	tree, ok := s.now.FS.(*source.GitTree)
	return tree, ok
}

// open opens the estate of a dialect, or returns the one of the tree before when it is the same.
func (s *Series) open(ctx context.Context, i int, claimed []string) (dialect.Estate, []source.Problem) {
	s.reclaim(i, claimed)
	if e := s.estates[i]; e != nil {
		return e.estate, e.problems
	}
	e := &seriesEstate{reads: &seriesReads{series: s}}
	w := *s.now.workspace
	w.FS, w.Read = e.reads, e.reads.read
	w.Inputs = func(dir string) dialect.Inputs { return s.now.inputs(dir) }
	e.estate, e.problems = s.o.Dialects[i].Open(ctx, &w, claimed)
	s.estates[i] = e
	s.opened++
	return e.estate, e.problems
}

// reclaim notes the files that a dialect has. When they are others than in the tree before, its estate is another one, and so
// are its units around the files that came and went: which files a dialect has need not show in what an evaluation read.
func (s *Series) reclaim(i int, claimed []string) {
	before := s.claimed[i]
	s.rewrap(i, before, claimed)
	if slices.Equal(before, claimed) {
		return
	}
	s.claimed[i] = slices.Clone(claimed)
	delete(s.estates, i)
	moved := make(map[string]bool) // folders around what came and went
	for _, file := range without(claimed, before) {
		moved[path.Dir(file)] = true
	}
	for _, file := range without(before, claimed) {
		moved[path.Dir(file)] = true
	}
	touched := func(dir string) bool {
		for at := range moved {
			if at == dir || below(dir, at) || below(at, dir) {
				return true
			}
		}
		return false
	}
	for key, u := range s.units {
		if key.dialect == i && (touched(u.name.Dir) || slices.ContainsFunc(u.reads.Dirs, func(d string) bool { return moved[d] }) ||
			slices.ContainsFunc(u.reads.Files, func(f string) bool { return moved[path.Dir(f)] })) {
			delete(s.units, key)
		}
	}
}

// rewrap drops every unit of a dialect that wraps another one when its own files are not as they were: they say which of the
// other's files are whose, and what is left of a unit need not have read them.
func (s *Series) rewrap(i int, before, claimed []string) {
	if _, wraps := s.o.Dialects[i].(dialect.Wrapper); !wraps || len(before) == 0 {
		return
	}
	own := func(file string) bool { return s.now.claimed[file] == s.o.Dialects[i].Name() }
	if slices.ContainsFunc(claimed, func(f string) bool { return own(f) && (s.same != nil && !s.same.file(f)) }) ||
		len(without(before, claimed)) > 0 || slices.ContainsFunc(without(claimed, before), own) {
		maps.DeleteFunc(s.units, func(key seriesUnit, _ *unitResult) bool { return key.dialect == i })
	}
}

// below reports whether a path lies below a folder.
func below(dir, p string) bool {
	return dir == "." || len(p) > len(dir) && p[len(dir)] == '/' && p[:len(dir)] == dir
}

// without returns what is in one sorted list and not in another one.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(f string) bool {
		_, found := slices.BinarySearch(other, f)
		return found
	})
}

// unit returns what a unit gave before, when that holds.
func (s *Series) unit(i int, name dialect.UnitName) *unitResult {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.units[seriesUnit{i, name}]
	if u == nil {
		return nil
	}
	again := *u
	return &again
}

// keep keeps what a unit gave.
func (s *Series) keep(i int, u *unitResult) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	s.fresh++
	u.digest = cmp.Or(u.digest, strconv.Itoa(s.made))
	kept := *u
	kept.unit, kept.estate, kept.given = nil, nil, nil
	s.units[seriesUnit{i, u.name}] = &kept
}

// offer keeps the fixes that were offered for a folder.
func (s *Series) offer(dir string, c cachedOffers) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offers[dir] = c
}

// sweep forgets what the tree at hand has no use for.
func (s *Series) sweep(run *scan) {
	used := make(map[seriesUnit]bool, len(s.units))
	opened := make(map[int]bool)
	for i, e := range run.estates {
		at := run.dialectOf[i]
		opened[at] = true
		for _, name := range e.Units() {
			used[seriesUnit{at, name}] = true
		}
	}
	maps.DeleteFunc(s.units, func(key seriesUnit, _ *unitResult) bool { return !used[key] })
	maps.DeleteFunc(s.estates, func(i int, _ *seriesEstate) bool { return !opened[i] })
	maps.DeleteFunc(s.claimed, func(i int, _ []string) bool { return !opened[i] })
	if tree, ok := s.tree(); ok {
		s.kept.Sweep(func(name string) bool { return tree.Identity(name) != "" })
	}
	if len(s.claims) > 2*(len(run.claimed)+len(run.skipped))+100 {
		maps.DeleteFunc(s.claims, func(file string, _ seriesClaim) bool { return !isFile(run.FS, file) })
	}
}

// seriesReads is the tree at hand as an estate sees it, and remembers what was asked of it.
type seriesReads struct {
	series *Series

	mu    sync.Mutex
	files map[string]bool
	dirs  map[string]bool
}

func (r *seriesReads) note(set *map[string]bool, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if *set == nil {
		*set = make(map[string]bool)
	}
	(*set)[name] = true
}

// same reports whether all of it is the same in the next tree.
func (r *seriesReads) same(c *comparison) bool {
	for name := range r.files {
		if !c.file(name) {
			return false
		}
	}
	for name := range r.dirs {
		if !c.dir(name) {
			return false
		}
	}
	return true
}

func (r *seriesReads) read(name string) (*source.File, *source.Problem) {
	r.note(&r.files, name)
	return r.series.now.reader.Read(name)
}

// Open, Stat, ReadDir and ReadFile make it a tree.
func (r *seriesReads) Open(name string) (fs.File, error) {
	r.note(&r.files, name)
	r.note(&r.dirs, name)
	return r.series.now.FS.Open(name)
}

func (r *seriesReads) Stat(name string) (fs.FileInfo, error) {
	r.note(&r.files, name)
	return fs.Stat(r.series.now.FS, name)
}

func (r *seriesReads) ReadDir(name string) ([]fs.DirEntry, error) {
	r.note(&r.dirs, name)
	return fs.ReadDir(r.series.now.FS, name)
}

func (r *seriesReads) ReadFile(name string) ([]byte, error) {
	r.note(&r.files, name)
	return fs.ReadFile(r.series.now.FS, name)
}
