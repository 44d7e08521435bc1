// Package config is the user's settings file, .plumbline.yaml, read with positions and cascading into folders.
//
// A settings file holds for the folder that it lies in and everything below. Where two files speak of the same place, the
// nearer one overlays the farther: maps merge by key, scalars and lists replace, and the two lists that take something
// out of the report, ignore and paths.exclude, add up. Four keys hold for a whole run and stand only in the outermost
// file: rule-pages, baseline, report and cache. Paths and globs are relative to the folder of the file they stand in.
//
// Settings come out of the repository that is scanned, so nothing in them is trusted: sizes are bounded, YAML aliases are
// refused, and no path leaves the tree. The package does not know rules; Check is told their names.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// FileNames are the names a settings file can have. A folder has at most one of them.
var FileNames = [...]string{".plumbline.yaml", ".plumbline.yml"}

// What hostile settings may cost.
const (
	maxFileBytes = 1 << 20
	maxFiles     = 1000
	maxEntries   = 2000 // of one list or map
	maxIgnores   = 10_000
)

// IsFile reports whether the base name of file is that of a settings file.
func IsFile(file string) bool {
	base := path.Base(file)
	return base == FileNames[0] || base == FileNames[1]
}

// Config is every settings file that was read. Add may not run at the same time as anything else; For may be called by
// several goroutines.
type Config struct {
	Run     Run       // of the outermost file
	Ignores []*Ignore // of all files, in the order they were read; each knows its folder

	tree   fs.FS
	layers map[string]*layer // by folder
	outer  string            // folder of the outermost file
	under  *layer            // what lies below all files; nil for nothing
	mu     sync.Mutex
	merged map[string]*Settings // by folder, for folders with a layer
}

// Run is what holds for a whole run. Paths are relative to the root of the tree.
type Run struct {
	RulePages []string // folders with the user's own rule pages
	Baseline  string   // the baseline file; empty for none
	Reports   []Output // empty for the command's default
	CacheOff  bool     // nothing is remembered between runs
}

// Output is one report to write. As settings are part of what is scanned, whoever writes File must not follow symbolic
// links out of the tree.
type Output struct {
	Format string
	File   string // relative to the root of the tree; empty for standard output
}

// Settings are what holds at one place. They are shared and must not be changed.
type Settings struct {
	Rules      []RuleSetting // the later one wins
	Select     []string      // names or globs of the only rules to run; empty for all
	Frameworks []string      // ids of the frameworks whose rules run; empty for all
	Threshold  finding.Severity
	Undecided  Undecided
	Include    []Glob // when there are any, only files that one of them matches are scanned
	Exclude    []Glob
	Tolerated  map[source.ProblemKind]bool // problems that leave a scan complete
	Terraform  Terraform
}

// Undecided says what becomes of undecided verdicts.
type Undecided string

// What can become of undecided verdicts.
const (
	ReportUndecided Undecided = "report" // listed, without effect on the exit code
	HideUndecided   Undecided = "hide"
	FailUndecided   Undecided = "fail" // count like failed ones
)

// RuleSetting changes the rules that a name or glob matches.
type RuleSetting struct {
	Pattern  string
	Switch   Switch
	Severity finding.Severity // zero to leave it as it was
}

// Switch turns a rule on or off.
type Switch uint8

// The positions of a Switch. The zero changes nothing.
const (
	Unchanged Switch = iota
	On
	Off
)

// Terraform is what only the Terraform dialect needs.
type Terraform struct {
	Workspace string        // what terraform.workspace is; empty for "default"
	Units     []UnitSetting // the later one wins
}

// UnitSetting is about the root modules that a glob matches.
type UnitSetting struct {
	Dir       Glob
	Workspace string    // empty to leave it as it was
	Variants  []Variant // in the order written; empty to leave them as they were
}

// Variant is a set of inputs under which a unit is evaluated.
type Variant struct {
	Name  string
	Files []string // tfvars files relative to the folder of the unit
}

// Ignore is an entry of the ignore list. Where a list is empty, everything matches.
type Ignore struct {
	Rules       []string // names, aliases or globs, as written
	Paths       []Glob
	Resources   []string // globs of addresses
	Suppression finding.Suppression
	Folder      string // where its file lies: it holds there and below; "." for the root of the tree
}

// Covers reports whether the entry speaks of a resource that is declared or broken in file. It does not look at rules.
func (g *Ignore) Covers(file, address string) bool {
	if !below(g.Folder, file) {
		return false
	}
	if len(g.Paths) > 0 && !matchAny(g.Paths, file) {
		return false
	}
	for _, pattern := range g.Resources {
		if MatchAddress(pattern, address) {
			return true
		}
	}
	return len(g.Resources) == 0
}

// Error is one mistake in a settings file.
type Error struct {
	File    string
	Line    int // from 1
	Column  int // from 1, in Unicode code points
	Message string
}

func (e Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Errors are all mistakes that were found, in the order of the files read and their lines.
type Errors []Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Load reads the settings files of dir and of the folders above it, up to the root of the tree. Without any, the settings
// are the defaults. Mistakes are an Errors, and the rest of the settings is still usable; any other error is the tree's.
func Load(tree fs.FS, dir string) (*Config, error) {
	c := &Config{tree: tree, layers: map[string]*layer{}, merged: map[string]*Settings{}}
	dir = path.Clean(dir)
	if !fs.ValidPath(dir) {
		return c, fmt.Errorf("folder %q is not in the tree", dir)
	}
	var mistakes Errors
	for _, folder := range chain(dir) {
		var found []string
		for _, name := range FileNames {
			if info, err := fs.Stat(tree, path.Join(folder, name)); err == nil && !info.IsDir() {
				found = append(found, path.Join(folder, name))
			}
		}
		for _, file := range found {
			err := c.Add(file)
			if more, ok := errors.AsType[Errors](err); ok {
				mistakes = append(mistakes, more...)
			} else if err != nil {
				return c, err
			}
		}
	}
	if len(mistakes) > 0 {
		return c, mistakes
	}
	return c, nil
}

// Under puts settings below those of all files: what a server says of every repository. They are written as a file at the root
// of the tree would be, without the keys that hold for a whole run. Name is what mistakes call them; they are an Errors, and
// nothing counts then. It comes before anything is asked, and at most once.
func (c *Config) Under(name string, text []byte) error {
	if len(text) > maxFileBytes {
		return Errors{{name, 1, 1, fmt.Sprintf("the settings are larger than %d bytes", maxFileBytes)}}
	}
	l, mistakes := parse(name, text)
	for _, k := range l.runKeys {
		mistakes = append(mistakes, Error{name, k.Line, k.Column, fmt.Sprintf("%s stands in the settings file of a repository only", k.Value)})
	}
	if len(mistakes) > 0 {
		sortErrors(mistakes)
		return mistakes
	}
	c.under = l
	c.Ignores = append(c.Ignores, l.ignores...)
	clear(c.merged)
	return nil
}

// Add reads one more settings file, one that the walk through the tree came upon. Parents must be added before their
// children. A file that was read before is left out. Errors are those of Load.
func (c *Config) Add(file string) error {
	file = path.Clean(file)
	folder := path.Dir(file)
	if l := c.layers[folder]; l != nil {
		if l.file == file {
			return nil
		}
		return Errors{{file, 1, 1, fmt.Sprintf("the folder has two settings files: keep this one or %s", path.Base(l.file))}}
	}
	if len(c.layers) == maxFiles {
		return Errors{{file, 1, 1, fmt.Sprintf("the tree has more than %d settings files", maxFiles)}}
	}
	text, err := c.read(file)
	if err != nil {
		return err
	}
	nested := len(c.layers) > 0
	if !nested {
		c.outer = folder
	}
	l, mistakes := parse(file, text)
	c.layers[folder] = l
	clear(c.merged)
	if len(c.Ignores)+len(l.ignores) > maxIgnores {
		l.ignores = nil
		mistakes = append(mistakes, Error{file, 1, 1, fmt.Sprintf("the settings files have more than %d ignore entries in all", maxIgnores)})
	}
	c.Ignores = append(c.Ignores, l.ignores...)
	if nested {
		for _, k := range l.runKeys {
			mistakes = append(mistakes, Error{file, k.Line, k.Column,
				fmt.Sprintf("%s holds for the whole run: move it to the outermost settings file (%s)", k.Value, c.layers[c.outer].file)})
		}
	} else {
		c.Run = l.run
	}
	if len(mistakes) > 0 {
		sortErrors(mistakes)
		return mistakes
	}
	return nil
}

func (c *Config) read(file string) ([]byte, error) {
	f, err := c.tree.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	} else if !info.Mode().IsRegular() {
		return nil, Errors{{file, 1, 1, "the settings are not a regular file"}}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	if len(text) > maxFileBytes {
		return nil, Errors{{file, 1, 1, fmt.Sprintf("the settings are larger than %d bytes", maxFileBytes)}}
	}
	return text, nil
}

// Files lists the settings files that were read, sorted.
func (c *Config) Files() []string {
	files := make([]string, 0, len(c.layers))
	for _, l := range c.layers {
		files = append(files, l.file)
	}
	slices.Sort(files)
	return files
}

// For returns what holds for a file or folder of the tree.
func (c *Config) For(file string) *Settings {
	folder := "."
	if len(c.layers) > 1 || c.layers["."] == nil && len(c.layers) > 0 {
		folder = path.Clean(file)
		for c.layers[folder] == nil && folder != "." {
			folder = path.Dir(folder)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.merge(folder)
}

// merge returns the settings of a folder that has a layer, or of the root.
func (c *Config) merge(folder string) *Settings {
	if s := c.merged[folder]; s != nil {
		return s
	}
	s := defaults()
	if c.under != nil {
		for _, overlay := range c.under.overlays {
			overlay(&s)
		}
	}
	if folder != "." {
		parent := path.Dir(folder)
		for c.layers[parent] == nil && parent != "." {
			parent = path.Dir(parent)
		}
		s = *c.merge(parent)
	}
	if l := c.layers[folder]; l != nil {
		for _, overlay := range l.overlays {
			overlay(&s)
		}
	}
	c.merged[folder] = &s
	return &s
}

func defaults() Settings {
	return Settings{
		Threshold: finding.Low,
		Undecided: ReportUndecided,
		Tolerated: map[source.ProblemKind]bool{source.Unresolved: true},
	}
}

// Rule returns whether a rule runs, from select and rules, and with which severity; zero means that of its page.
func (s *Settings) Rule(id string, aliases ...string) (on bool, severity finding.Severity) {
	if len(s.Select) == 0 && len(s.Rules) == 0 {
		return true, 0
	}
	on = len(s.Select) == 0
	for _, pattern := range s.Select {
		on = on || MatchRule(pattern, id, aliases...)
	}
	selected := on
	for _, r := range s.Rules {
		if !MatchRule(r.Pattern, id, aliases...) {
			continue
		}
		switch r.Switch {
		case On:
			on = selected
		case Off:
			on = false
		}
		if r.Severity != 0 {
			severity = r.Severity
		}
	}
	return on, severity
}

// Scans reports whether paths.include and paths.exclude leave a file in the scan.
func (s *Settings) Scans(file string) bool {
	return (len(s.Include) == 0 || matchAny(s.Include, file)) && !matchAny(s.Exclude, file)
}

// Skips reports whether a folder is left out with everything below, so that a walk need not enter it.
func (s *Settings) Skips(folder string) bool { return matchAny(s.Exclude, folder) }

// Unit returns the workspace and the variants of the root module in dir. Files of variants are relative to the root of
// the tree; one that starts with ../ lies outside it. No variants means that none were set.
func (t *Terraform) Unit(dir string) (workspace string, variants []Variant) {
	workspace = t.Workspace
	var set []Variant
	for _, u := range t.Units {
		if !u.Dir.MatchExactly(dir) {
			continue
		}
		if u.Workspace != "" {
			workspace = u.Workspace
		}
		if len(u.Variants) > 0 {
			set = u.Variants
		}
	}
	for _, v := range set {
		files := make([]string, len(v.Files))
		for i, f := range v.Files {
			files[i] = path.Join(dir, f)
		}
		variants = append(variants, Variant{Name: v.Name, Files: files})
	}
	return workspace, variants
}

// chain returns the folders from the root of the tree to dir.
func chain(dir string) []string {
	folders := []string{"."}
	if dir == "." {
		return folders
	}
	for i := range len(dir) {
		if dir[i] == '/' {
			folders = append(folders, dir[:i])
		}
	}
	return append(folders, dir)
}

// below reports whether file lies in folder or is it.
func below(folder, file string) bool {
	if folder == "." {
		return true
	}
	rest, ok := strings.CutPrefix(file, folder)
	return ok && (rest == "" || rest[0] == '/')
}
