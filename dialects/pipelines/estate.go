package pipelines

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// Estate is the files of one system. It is written by Open and With and only read afterwards.
type Estate struct {
	Limits dialect.Limits // with the defaults in place

	system    *System
	workspace *dialect.Workspace
	files     map[string]*File
	units     func() []string // paths, sorted
	index     func() any
}

// File is one file of a system, parsed when somebody asks.
type File struct {
	*source.File
	parsed func() *parsed
}

type parsed struct {
	document *document.Document
	problems []source.Problem
}

// Document returns the parsed file; it is never nil.
func (f *File) Document() *document.Document { return f.parsed().document }

// Problems returns what is wrong with the text of the file.
func (f *File) Problems() []source.Problem { return f.parsed().problems }

// Root returns the mapping that the file holds, or nil.
func (f *File) Root() *document.Node {
	if d := f.Document(); len(d.Roots) > 0 && d.Roots[0].Kind == document.Mapping {
		return d.Roots[0]
	}
	return nil
}

func (e *Estate) open(f *source.File) *File {
	yaml11 := e.system.YAML11
	return &File{f, sync.OnceValue(func() *parsed {
		p := &parsed{}
		p.document, p.problems = document.Parse(f, e.Limits)
		if p.document == nil {
			p.document = &document.Document{File: f}
		}
		p.document.YAML11 = yaml11
		return p
	})}
}

// settle sets what is worked out of the files.
func (e *Estate) settle() {
	e.units = sync.OnceValue(func() []string {
		if e.system.Units == nil {
			return e.Paths()
		}
		return slices.Compact(slices.Sorted(slices.Values(e.system.Units(e))))
	})
	e.index = sync.OnceValue(func() any {
		if e.system.Index == nil {
			return nil
		}
		return e.system.Index(e)
	})
}

// Paths lists the claimed files, sorted.
func (e *Estate) Paths() []string { return slices.Sorted(maps.Keys(e.files)) }

// File returns a claimed file, or nil.
func (e *Estate) File(path string) *File { return e.files[path] }

// Index returns what the system's Index made.
func (e *Estate) Index() any { return e.index() }

// Units lists the files that are evaluated.
func (e *Estate) Units() []dialect.UnitName {
	paths := e.units()
	names := make([]dialect.UnitName, len(paths))
	for i, p := range paths {
		names[i] = dialect.UnitName{Dir: p}
	}
	return names
}

// Evaluate evaluates one file. A name that Units does not list gives an empty unit with a problem.
func (e *Estate) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	f := e.files[name.Dir]
	if f == nil || name.Variant != "" || !slices.Contains(e.units(), name.Dir) {
		return &dialect.Unit{Name: name, Graph: resource.NewGraph(nil, nil), Explainer: &explainer{}, Problems: []source.Problem{{
			Kind: source.Bug, Range: source.Range{File: name.Dir}, Message: fmt.Sprintf("there is no unit %s %s", name.Dir, name.Variant)}}}
	}
	u := &Unit{Estate: e, Main: f, reads: map[string]bool{f.Path: true}, dirs: map[string]bool{}, others: map[string]*File{}, addresses: map[string]bool{}}
	u.problems = append(u.problems, f.Problems()...)
	if ctx.Err() == nil {
		e.system.Evaluate(ctx, u)
	}
	return u.finish(name)
}

// With parses the changed files; everything else is shared with e.
func (e *Estate) With(_ context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	n := &Estate{system: e.system, workspace: e.workspace.With(changed), Limits: e.Limits, files: maps.Clone(e.files)}
	var problems []source.Problem
	for _, f := range changed {
		was := e.files[f.Path]
		if was == nil {
			continue
		}
		n.files[f.Path] = n.open(f)
		problems = append(problems, source.NewProblems(n.files[f.Path].Problems(), was.Problems())...)
	}
	n.settle()
	return n, problems
}

// Comments returns the comments of a file in order. The Block of one is the outermost of the system's blocks around it.
func (e *Estate) Comments(path string) []dialect.Comment {
	f := e.files[path]
	if f == nil {
		return nil
	}
	out := slices.Clone(f.Document().Comments)
	if e.system.Blocks == nil || len(out) == 0 {
		return out
	}
	blocks := e.system.Blocks(f)
	for i := range out {
		c := &out[i]
		for _, b := range blocks {
			if b.Contains(c.Range) && (c.Block.IsZero() || b.Contains(c.Block)) {
				c.Block = b
			}
			if c.Alone && c.Target.File != "" && c.Target.Start == b.Start && b.Contains(c.Target) {
				c.Target = b // what stands above the first key of a step stands above all of it
			}
		}
	}
	return out
}
