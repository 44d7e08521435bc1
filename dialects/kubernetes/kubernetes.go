// Package kubernetes evaluates manifests of Kubernetes: YAML or JSON files that hold objects with an apiVersion and a kind.
//
// Open finds the files and groups them by directory: the objects of a directory see each other. Each file is read when its unit is
// evaluated (unit.go); what the objects mean is package manifest's business. Values are read as YAML 1.1 has them, as kubectl does:
// yes and on are booleans. What other tools fill in before a manifest is applied ({{ … }}, ${…}) is unknown.
//
// Wishes become edits of the document (edit.go). The package knows nothing of rules or findings.
package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// New returns the dialect. The schema tells the shapes of the kinds.
func New(s *schema.Set) dialect.Dialect { return kubernetes{set: s} }

type kubernetes struct{ set *schema.Set }

// Name returns "kubernetes".
func (kubernetes) Name() string { return "kubernetes" }

// Claims takes files that hold an object of Kubernetes.
func (kubernetes) Claims(file string, content func() []byte) bool {
	switch strings.ToLower(path.Ext(file)) {
	case ".yaml", ".yml", ".json":
		return isManifest(content())
	}
	return false
}

// estate is the opened files. Its fields are written by Open and With and only read afterwards.
type estate struct {
	kubernetes
	limits dialect.Limits
	files  map[string]*file
	units  []*unit
}

// unit is the manifests of one directory.
type unit struct {
	name  dialect.UnitName
	files []*file
}

// file is one file, parsed when somebody asks.
type file struct {
	*source.File
	read func() *parsed
}

// parsed is what a file holds.
type parsed struct {
	document *document.Document
	objects  []object
	problems []source.Problem
}

func (e *estate) open(f *source.File) *file {
	return &file{f, sync.OnceValue(func() *parsed { return read(f, e.limits) })}
}

// Open reads the files and groups them by directory.
func (d kubernetes) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	e := &estate{kubernetes: d, limits: w.Limits.Defaults(), files: make(map[string]*file, len(paths))}
	files, problems := w.ReadAll(ctx, paths)
	for _, f := range files {
		e.files[f.Path] = e.open(f)
	}
	e.setUnits()
	return e, problems
}

func (e *estate) setUnits() {
	byDir := make(map[string]*unit)
	for _, p := range slices.Sorted(maps.Keys(e.files)) {
		dir := path.Dir(p)
		u := byDir[dir]
		if u == nil {
			u = &unit{name: dialect.UnitName{Dir: dir}}
			byDir[dir] = u
		}
		u.files = append(u.files, e.files[p])
	}
	e.units = make([]*unit, 0, len(byDir))
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		e.units = append(e.units, byDir[dir])
	}
}

// Units lists the directories that hold manifests.
func (e *estate) Units() []dialect.UnitName {
	names := make([]dialect.UnitName, len(e.units))
	for i := range e.units {
		names[i] = e.units[i].name
	}
	return names
}

// Members lists the files of a directory.
func (e *estate) Members(name dialect.UnitName) []string {
	i, ok := slices.BinarySearchFunc(e.units, name.Dir, func(u *unit, dir string) int { return strings.Compare(u.name.Dir, dir) })
	if !ok || name.Variant != "" {
		return nil
	}
	out := make([]string, len(e.units[i].files))
	for j, f := range e.units[i].files {
		out[j] = f.Path
	}
	return out
}

// Evaluate evaluates one directory. A name that Units does not list gives an empty unit with a problem.
func (e *estate) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	i, ok := slices.BinarySearchFunc(e.units, name.Dir, func(u *unit, dir string) int { return strings.Compare(u.name.Dir, dir) })
	if ok && name.Variant == "" {
		return e.evaluate(ctx, e.units[i])
	}
	return &dialect.Unit{Name: name, Graph: resource.NewGraph(nil, nil), Explainer: &explainer{}, Problems: []source.Problem{{
		Kind: source.Bug, Range: source.Range{File: name.Dir}, Message: fmt.Sprintf("there is no unit %s %s", name.Dir, name.Variant)}}}
}

// With parses the changed files; everything else is shared with e.
func (e *estate) With(_ context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	n := &estate{kubernetes: e.kubernetes, limits: e.limits, files: maps.Clone(e.files)}
	var problems []source.Problem
	for _, f := range changed {
		was := e.files[f.Path]
		if was == nil {
			continue
		}
		n.files[f.Path] = n.open(f)
		problems = append(problems, source.NewProblems(n.files[f.Path].read().problems, was.read().problems)...)
	}
	n.setUnits()
	return n, problems
}
