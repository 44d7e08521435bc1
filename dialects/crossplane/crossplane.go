// Package crossplane evaluates managed resources of Crossplane's provider families for AWS, Azure and Google Cloud by Upbound:
// manifests of Kubernetes whose group ends in aws.upbound.io, azure.upbound.io or gcp.upbound.io, and the compositions that
// hold such resources.
//
// Open finds the manifests (claim.go). Each file is read when its unit is evaluated (unit.go): every document of it that is a
// managed resource (manifest.go) or a composition (composition.go) becomes native resources, which package translate carries
// to Terraform's by what package schema derives: the families' fields are Terraform's attributes, https://docs.upbound.io.
//
// A file may hold manifests of others between; they are left to who knows them. The package knows nothing of rules or findings.
package crossplane

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
	"plumbline.dev/plumbline/translate"
)

// New returns the dialect. The schema gives attributes their types, and their names in Crossplane.
func New(s *schema.Set) dialect.Dialect {
	return crossplane{set: s, table: sync.OnceValue(func() *translate.Table { return translate.New(s, "crossplane") })}
}

type crossplane struct {
	set   *schema.Set
	table func() *translate.Table
}

// Name returns "crossplane".
func (crossplane) Name() string { return "crossplane" }

// Claims takes manifests of which one is a managed resource of Upbound's families, or a composition of such.
func (crossplane) Claims(file string, content func() []byte) bool {
	switch strings.ToLower(path.Ext(file)) {
	case ".yaml", ".yml", ".json":
		return isManifest(content())
	}
	return false
}

// estate is the opened files. Its fields are written by Open and With and only read afterwards.
type estate struct {
	crossplane
	workspace *dialect.Workspace
	limits    dialect.Limits
	files     map[string]*file
	units     []unit
}

// unit is the manifests of one directory: they refer to each other by name.
type unit struct {
	name  dialect.UnitName
	files []*file
}

// file is one file, parsed when somebody asks.
type file struct {
	*source.File
	read func() *parsed
}

type parsed struct {
	document *document.Document
	problems []source.Problem
}

func (e *estate) open(f *source.File) *file {
	return &file{f, sync.OnceValue(func() *parsed {
		p := &parsed{}
		p.document, p.problems = document.Parse(f, e.limits)
		if p.document == nil {
			p.document = &document.Document{File: f}
		}
		return p
	})}
}

// Open reads the files and groups them by directory.
func (d crossplane) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	e := &estate{crossplane: d, workspace: w, limits: w.Limits.Defaults(), files: make(map[string]*file, len(paths))}
	files, problems := w.ReadAll(ctx, paths)
	for _, f := range files {
		e.files[f.Path] = e.open(f)
	}
	e.setUnits()
	return e, problems
}

func (e *estate) setUnits() {
	e.units = nil
	for _, p := range slices.Sorted(maps.Keys(e.files)) {
		dir := path.Dir(p)
		i := slices.IndexFunc(e.units, func(u unit) bool { return u.name.Dir == dir })
		if i < 0 {
			i = len(e.units)
			e.units = append(e.units, unit{name: dialect.UnitName{Dir: dir}})
		}
		e.units[i].files = append(e.units[i].files, e.files[p])
	}
	slices.SortFunc(e.units, func(a, b unit) int { return strings.Compare(a.name.Dir, b.name.Dir) })
}

// Units lists the directories that hold manifests.
func (e *estate) Units() []dialect.UnitName {
	names := make([]dialect.UnitName, len(e.units))
	for i := range e.units {
		names[i] = e.units[i].name
	}
	return names
}

// Evaluate evaluates one directory. A name that Units does not list gives an empty unit with a problem.
func (e *estate) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	for i := range e.units {
		if e.units[i].name == name {
			return e.evaluate(ctx, &e.units[i])
		}
	}
	return &dialect.Unit{Name: name, Graph: resource.NewGraph(nil, nil), Explainer: &explainer{}, Problems: []source.Problem{{
		Kind: source.Bug, Range: source.Range{File: name.Dir}, Message: fmt.Sprintf("there is no unit %s %s", name.Dir, name.Variant)}}}
}

// With parses the changed files; everything else is shared with e.
func (e *estate) With(_ context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	n := &estate{crossplane: e.crossplane, workspace: e.workspace, limits: e.limits, files: maps.Clone(e.files)}
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
