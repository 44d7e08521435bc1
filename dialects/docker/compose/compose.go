// Package compose evaluates Compose files as docker compose would before it starts anything.
//
// Open finds the projects among the files (unit.go). A project is loaded (project.go): files are read with their variables
// put in (interpolate.go, dotenv.go), short forms become long ones (canon.go, short.go), what is included, extended and
// overridden is merged (merge.go). Each service, volume, network, secret and config becomes a resource (resource.go,
// shape.go) whose attributes stand where they were written, so that wishes can be lowered to the written form (edit.go).
//
// The language: https://docs.docker.com/reference/compose-file/
//
// A variable that nobody sets and that has no default is unknown; Compose itself would put an empty text in its place and
// warn. The environment of the machine that scans is not asked. Nothing is fetched and nothing is run.
package compose

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// New returns the dialect. Compose has its own words, so the schema is not asked.
func New(*schema.Set) dialect.Dialect { return compose{} }

type compose struct{}

// Name returns "compose".
func (compose) Name() string { return "compose" }

// Claims takes files with the names that Compose looks for, and others whose top level is that of a Compose file.
func (compose) Claims(file string, content func() []byte) bool {
	switch roleOf(file) {
	case baseFile, overrideFile, dockerFile:
		return true
	case namedFile:
		return hasCompose(content())
	case anyFile:
		return isCompose(content())
	}
	return false
}

// Survey takes the files of variables that lie in the folder of a project or below it: what stands in them is in the code.
func (compose) Survey(paths []string, _ func(string) []byte) []string {
	dirs := make(map[string]bool)
	for _, p := range paths {
		if roleOf(p) == baseFile {
			dirs[path.Dir(p)] = true
		}
	}
	if len(dirs) == 0 {
		return nil
	}
	var out []string
	for _, p := range paths {
		if !isEnvFile(p) {
			continue
		}
		for dir := path.Dir(p); ; dir = path.Dir(dir) {
			if dirs[dir] {
				out = append(out, p)
			}
			if dirs[dir] || dir == "." || dir == "/" {
				break
			}
		}
	}
	return out
}

// estate is the opened files. Its fields are written by Open and With and only read afterwards; the files that nobody claimed
// are behind a lock.
type estate struct {
	workspace *dialect.Workspace
	limits    dialect.Limits
	claimed   map[string]bool
	units     []*unit

	mu    sync.Mutex
	files map[string]*file // read so far, by path
}

// file is one file, parsed when somebody asks.
type file struct {
	path string
	read func() *parsed
}

// parsed is what is in a file.
type parsed struct {
	source   *source.File
	document *document.Document
	roots    []*document.Node // the mappings among the documents
	problems []source.Problem
}

// open returns a file of the tree.
func (e *estate) open(p string) *file {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.files[p]
	if f == nil {
		f = &file{path: p, read: sync.OnceValue(func() *parsed { return e.parse(p) })}
		e.files[p] = f
	}
	return f
}

func (e *estate) parse(p string) *parsed {
	out := &parsed{}
	f, problem := e.workspace.Read(p)
	if problem != nil {
		out.problems = []source.Problem{*problem}
		return out
	}
	out.source = f
	if isEnvFile(p) {
		return out
	}
	out.document, out.problems = document.Parse(f, e.limits)
	if out.document == nil {
		return out
	}
	for _, n := range out.document.Roots {
		if n.Kind == document.Mapping {
			out.roots = append(out.roots, n)
		} else if !n.IsNull() && len(out.problems) == 0 {
			out.problems = append(out.problems, source.Problem{Kind: source.Invalid, Range: n.Range, Message: "a Compose file must be a mapping, with services in it"})
		}
	}
	var blocks []source.Range
	for _, root := range out.roots {
		for _, section := range sections {
			if n := root.Get(section); n != nil && n.Kind == document.Mapping {
				for i := range n.Members {
					blocks = append(blocks, n.Members[i].Range)
				}
			}
		}
	}
	out.document.Frame(blocks)
	return out
}

// sections are the parts of a file that declare something by name.
var sections = [...]string{"services", "volumes", "networks", "secrets", "configs"}

// Open reads the files and finds the projects.
func (compose) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	e := &estate{workspace: w, limits: w.Limits.Defaults(), claimed: make(map[string]bool, len(paths)), files: make(map[string]*file, len(paths))}
	var problems []source.Problem
	for _, p := range slices.Compact(slices.Sorted(slices.Values(paths))) {
		if ctx.Err() != nil {
			break
		}
		e.claimed[p] = true
		problems = append(problems, e.open(p).read().problems...)
	}
	e.setUnits()
	return e, problems
}

// Units lists the projects with their variants.
func (e *estate) Units() []dialect.UnitName {
	names := make([]dialect.UnitName, len(e.units))
	for i := range e.units {
		names[i] = e.units[i].name
	}
	return names
}

// Inputs lists the variables that the files name, sorted.
func (e *estate) Inputs() []string {
	seen := make(map[string]bool)
	for p := range e.claimed {
		if doc := e.open(p).read().document; doc != nil {
			for _, name := range variablesIn(string(doc.File.Bytes)) {
				seen[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Evaluate evaluates one project. A name that Units does not list gives an empty unit with a problem.
func (e *estate) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	for _, u := range e.units {
		if u.name == name {
			return e.evaluate(ctx, u)
		}
	}
	return &dialect.Unit{Name: name, Graph: resource.NewGraph(nil, nil), Explainer: &explainer{}, Problems: []source.Problem{{
		Kind: source.Bug, Range: source.Range{File: name.Dir}, Message: fmt.Sprintf("there is no unit %s %s", name.Dir, name.Variant)}}}
}

// With parses the changed files; the other files are shared with e.
func (e *estate) With(_ context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	n := &estate{workspace: e.workspace.With(changed), limits: e.limits, claimed: e.claimed}
	e.mu.Lock()
	n.files = maps.Clone(e.files)
	e.mu.Unlock()
	var problems []source.Problem
	for _, f := range changed {
		delete(n.files, f.Path)
	}
	for _, f := range changed {
		if e.claimed[f.Path] {
			problems = append(problems, n.open(f.Path).read().problems...)
		}
	}
	n.setUnits()
	return n, problems
}

// Comments returns the comments of a file in order. The Block of a comment is the service or other declaration around it.
func (e *estate) Comments(p string) []dialect.Comment {
	if !e.claimed[p] {
		return nil
	}
	t := e.open(p).read()
	if t.document == nil {
		if t.source != nil {
			return envComments(t.source)
		}
		return nil
	}
	return t.document.Comments
}
