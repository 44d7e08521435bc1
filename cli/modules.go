package cli

import (
	"fmt"
	"io/fs"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/modules"
	"plumbline.dev/plumbline/report"
)

// moduleFlags say whether modules that are not in the tree are fetched. Only the command line decides that: what is scanned
// must not be able to send the program anywhere.
type moduleFlags struct {
	mode  string // empty: none
	hosts names
}

// The values of --modules.
const (
	noModules     = "none"
	fetchModules  = "fetch"
	cachedModules = "cache"
)

func (f *moduleFlags) declare(c *call) {
	c.set.StringVar(&f.mode, "modules", noModules, "`WHENCE` to take modules that are not in the tree: fetch from registries, git and the web, with Terraform's and git's credentials; cache: only what was fetched before; none")
	c.set.Var(&f.hosts, "modules-hosts", "with --modules fetch, reach only this `HOST` (name, *.name, name:port, public for every public one, file:///folder); repeatable, or several with commas (default public)")
}

// openModules makes modules available to the scan as the flags say.
func (c *call) openModules(e *estate, f *moduleFlags) error {
	switch f.mode {
	case noModules, "":
		if len(f.hosts) > 0 {
			return usage("--modules-hosts goes with --modules fetch")
		}
		return nil
	case fetchModules, cachedModules:
	default:
		return &failed{Usage, fmt.Sprintf("--modules: %q is not fetch, cache or none", f.mode),
			didYouMean(config.Nearest(f.mode, []string{fetchModules, cachedModules, noModules}))}
	}
	hosts, err := modules.ParseHosts(f.hosts)
	if err != nil {
		return usage("--modules-hosts: %v", err)
	}
	if _, err := fs.Stat(e.options.FS, dialect.ModuleDir); err == nil {
		return &failed{Usage, "the tree has a folder " + dialect.ModuleDir + " of its own, which --modules would hide", "nothing but what is fetched may appear there: move it"}
	}
	dir := c.cacheDir()
	if dir == "" || inside(e.tree.Dir, dir) {
		return &failed{Usage, "--modules needs a folder for what is fetched, outside of what is scanned", "set PLUMBLINE_CACHE to one"}
	}
	e.fetcher, err = modules.New(modules.Options{
		Dir: modules.Dir(dir), Hosts: hosts, Offline: f.mode == cachedModules, Env: c.Lookup, Version: version, Now: c.Now, Progress: c.fetching(),
	})
	if err != nil {
		return &failed{Usage, err.Error(), "without --modules fetch it is not read"}
	}
	e.options.Modules = e.fetcher.Fetch
	e.options.FS = e.withModules(e.options.FS)
	return nil
}

// withModules returns a tree in which fetched modules can be read, if there are any.
func (e *estate) withModules(tree fs.FS) fs.FS {
	if e.fetcher == nil {
		return tree
	}
	return e.fetcher.Mount(tree)
}

// fetching shows on a terminal what is being fetched, a line each; in a pipe nothing is shown.
func (c *call) fetching() func(string) {
	quiet := c.set.Lookup("quiet")
	if c.ErrWidth == 0 || quiet != nil && quiet.Value.String() == "true" {
		return nil
	}
	return func(text string) { fmt.Fprintf(c.Err, "\r\x1b[K%s\n", report.Visible(text)) }
}
