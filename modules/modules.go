// Package modules fetches the modules that infrastructure code names and that are not in the tree: from registries, git
// repositories and archives on the web. It is what dialect.Workspace.Modules asks for.
//
// It is the only part of a scan that uses the network, and the sources it is given are written by whoever wrote the code that
// is scanned: nothing in them may reach a host that is not allowed, run a program, leave the cache, or use more than the
// limits. What it fetches is kept by content, see store, and never executed.
package modules

import (
	"context"
	"crypto/x509"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// Options is how modules are fetched.
type Options struct {
	Dir      string // of the cache: absolute, and nobody else's
	Hosts    Hosts  // that may be reached
	Offline  bool   // use what is in the cache only
	Env      func(string) (string, bool)
	Limits   Limits
	Timeout  time.Duration     // for one module; 0 means 3 minutes
	Roots    *x509.CertPool    // whom to believe that hosts are who they say; nil: the machine's
	Progress func(text string) // told of what is being fetched, from one goroutine at a time; may be nil
	Version  string            // of the program, for the servers
	Now      time.Time
}

// Fetcher fetches modules, each once. It is safe for use by several goroutines.
type Fetcher struct {
	store    *store
	client   *client
	limits   Limits
	offline  bool
	timeout  time.Duration
	env      func(string) (string, bool)
	progress func(string)

	telling  sync.Mutex
	busy     chan struct{} // as many as fetch at once
	services sync.Map      // of registries, by host

	mu    sync.Mutex
	asked map[question]*result
}

// question is a source and version that were asked for; result is what came of it.
type question struct{ source, version string }

type result struct {
	done    chan struct{}
	dir     string
	problem *source.Problem
}

// atOnce is how many modules are fetched at the same time.
const atOnce = 4

// New makes a Fetcher. The error is about the user's own files of credentials.
func New(o Options) (*Fetcher, error) {
	o.Limits.complete()
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Minute
	}
	c := &credentials{env: o.Env}
	if !o.Offline {
		var err error
		if c, err = readCredentials(o.Env); err != nil {
			return nil, err
		}
	}
	f := &Fetcher{
		store: &store{dir: o.Dir}, client: newClient(&o, c), limits: o.Limits, offline: o.Offline, timeout: o.Timeout, env: o.Env,
		progress: o.Progress, busy: make(chan struct{}, atOnce), asked: make(map[question]*result),
	}
	f.store.prune(o.Now)
	return f, nil
}

// Mount returns a tree in which the packages appear below dialect.ModuleDir, those of earlier runs too.
func (f *Fetcher) Mount(tree fs.FS) fs.FS {
	return &source.Mount{FS: tree, Dir: dialect.ModuleDir, Other: packages{f.store}}
}

// Fetch finds the directory of a module in a tree that Mount made; see dialect.Workspace.Modules.
func (f *Fetcher) Fetch(ctx context.Context, m dialect.ModuleSource) (string, *source.Problem) {
	q := question{m.Source, m.Version}
	f.mu.Lock()
	r := f.asked[q]
	if r != nil {
		f.mu.Unlock()
		select {
		case <-r.done:
			return r.dir, r.problem
		case <-ctx.Done():
			return "", &source.Problem{Kind: source.Unresolved, Message: "the scan ended before the module was fetched"}
		}
	}
	r = &result{done: make(chan struct{})}
	f.asked[q] = r
	f.mu.Unlock()
	defer close(r.done)
	r.problem = &source.Problem{Kind: source.Bug, Message: "the module was not fetched"} // for those who wait, if this panics
	r.dir, r.problem = f.fetch(ctx, q)
	return r.dir, r.problem
}

func (f *Fetcher) fetch(ctx context.Context, q question) (string, *source.Problem) {
	select {
	case f.busy <- struct{}{}:
		defer func() { <-f.busy }()
	case <-ctx.Done():
		return "", &source.Problem{Kind: source.Unresolved, Message: "the scan ended before the module was fetched"}
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	a, err := parseAddress(q.source, q.version)
	if err == nil {
		var e entry
		if e, err = f.from(ctx, a, q); err == nil {
			return path.Join(dialect.ModuleDir, label(a, e)+e.Tree, e.Subdir), nil
		}
	}
	problem := &source.Problem{Kind: source.Unresolved, Message: err.Error() + "; what it declares was not scanned"}
	if p, ok := err.(*problemError); ok && p.limit {
		problem.Kind = source.Limit
	}
	return "", problem
}

// from finds a module where its address says. What was found is remembered under what was asked, for scans without network.
func (f *Fetcher) from(ctx context.Context, a *address, q question) (entry, error) {
	last := "last " + q.source + "\x00" + q.version
	if f.offline {
		if e, ok := f.store.find(last); ok {
			return f.placed(e, "")
		}
	}
	var e entry
	var err error
	switch a.kind {
	case fromRegistry:
		e, err = f.registry(ctx, a)
	case fromGit:
		e, err = f.git(ctx, a)
	default:
		e, err = f.web(ctx, a, 0)
	}
	if err == nil && !f.offline {
		f.store.note(last, e)
	}
	return e, err
}

// placed finds a directory in a package: below the one that the entry names.
func (f *Fetcher) placed(e entry, subdir string) (entry, error) {
	t := f.store.tree(e.Tree)
	if t == nil {
		return e, failure("the module is no longer in the cache")
	}
	dir, err := subdirIn(t, path.Join(e.Subdir, subdir))
	e.Subdir = dir
	return e, err
}

func (f *Fetcher) notCached(a *address) error {
	return failure("%s is not in the cache: a scan with --modules fetch downloads it", a.shown())
}

func (f *Fetcher) say(text string) {
	if f.progress == nil {
		return
	}
	f.telling.Lock()
	defer f.telling.Unlock()
	f.progress(text)
}

// label is what people see of a package in paths, before its digest.
func label(a *address, e entry) string {
	name := a.name
	if a.kind == fromRegistry {
		name += "-" + e.Version
	} else {
		name = strings.TrimSuffix(path.Base(a.url.Path), ".git")
		for _, form := range archives {
			name = strings.TrimSuffix(name, "."+form)
		}
		if a.ref != "" {
			name += "-" + a.ref
		}
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '.', r == '_', r == '-':
			return r
		}
		return '-'
	}, name)
	name = strings.Trim(name[:min(len(name), 80)], "-.")
	if name == "" {
		return ""
	}
	return name + "-"
}

// Dir is where modules are kept in the user's cache.
func Dir(cache string) string { return filepath.Join(cache, "modules") }
