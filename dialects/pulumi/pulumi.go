// Package pulumi evaluates Pulumi programs that are written in YAML, as pulumi preview would, without a cloud.
//
// Open finds the projects among the files and their stacks (project.go); each stack is a variant of the unit. Evaluation is
// lazy: a variable is evaluated when a property asks for it (evaluate.go, interpolation.go, function.go). Resources become native
// ones, in Pulumi's own words, which package translate carries to Terraform's by what package schema derives.
//
// The language: https://www.pulumi.com/docs/iac/languages-sdks/yaml/yaml-language-reference/
//
// Programs in other languages are not read. The package knows nothing of rules or findings.
package pulumi

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

// New returns the dialect. The schema gives attributes their types, and their names in Pulumi.
func New(s *schema.Set) dialect.Dialect {
	return pulumi{set: s, table: sync.OnceValue(func() *translate.Table { return translate.New(s, "pulumi") })}
}

type pulumi struct {
	set   *schema.Set
	table func() *translate.Table
}

// Name returns "pulumi".
func (pulumi) Name() string { return "pulumi" }

// Claims takes the files of projects whose runtime is YAML: Pulumi.yaml, Main.yaml and Pulumi.STACK.yaml.
func (pulumi) Claims(file string, content func() []byte) bool {
	switch role, _ := roleOf(file); role {
	case projectFile:
		return isProject(content())
	case mainFile:
		return isProgram(content())
	case stackFile:
		return isStack(content())
	}
	return false
}

// estate is the opened files. Its fields are written by Open and With and only read afterwards.
type estate struct {
	pulumi
	workspace *dialect.Workspace
	limits    dialect.Limits
	files     map[string]*file
	named     map[int]*file // given with --var-file, by place in workspace.Vars
	units     []unit
}

// file is one file, parsed when somebody asks.
type file struct {
	*source.File
	read func() *parsed
}

// parsed is what is in a file.
type parsed struct {
	document *document.Document
	root     *document.Node // a mapping; nil when there is none
	problems []source.Problem
}

func (e *estate) open(f *source.File) *file {
	return &file{f, sync.OnceValue(func() *parsed {
		p := &parsed{}
		p.document, p.problems = document.Parse(f, e.limits)
		if p.document != nil && len(p.document.Roots) > 0 && p.document.Roots[0].Kind == document.Mapping {
			p.root = p.document.Roots[0]
		}
		return p
	})}
}

// Open reads the files and finds the projects and their stacks.
func (d pulumi) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	e := &estate{pulumi: d, workspace: w, limits: w.Limits.Defaults(), files: make(map[string]*file, len(paths)), named: map[int]*file{}}
	files, problems := w.ReadAll(ctx, paths)
	for _, f := range files {
		e.files[f.Path] = e.open(f)
	}
	for i := range w.Vars {
		if w.Vars[i].File != nil {
			e.named[i] = e.open(w.Vars[i].File)
		}
	}
	e.setUnits()
	return e, problems
}

// Units lists the projects with their stacks.
func (e *estate) Units() []dialect.UnitName {
	names := make([]dialect.UnitName, len(e.units))
	for i := range e.units {
		names[i] = e.units[i].name
	}
	return names
}

// Members lists the files of a stack: which ones there are, their folder and the project say.
func (e *estate) Members(name dialect.UnitName) []string {
	for _, u := range e.units {
		if u.name == name {
			out := []string{u.project.Path, u.program.Path}
			for _, f := range u.stacks {
				out = append(out, f.Path)
			}
			return out
		}
	}
	return nil
}

// Inputs lists the configuration of all projects, sorted.
func (e *estate) Inputs() []string {
	seen := map[string]bool{}
	for i := range e.units {
		for name := range e.units[i].declared() {
			seen[name] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Evaluate evaluates one stack. A name that Units does not list gives an empty unit with a problem.
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
	n := &estate{pulumi: e.pulumi, workspace: e.workspace.With(changed), limits: e.limits, files: maps.Clone(e.files), named: e.named}
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

// Comments returns the comments of a file in order. The Block of a comment is the resource or other declaration around it.
func (e *estate) Comments(p string) []dialect.Comment {
	f := e.files[p]
	if f == nil {
		return nil
	}
	t := f.read()
	if t.document == nil {
		return nil
	}
	if t.root == nil {
		return t.document.Comments
	}
	var blocks []source.Range
	for _, section := range [...]string{"resources", "variables", "outputs", "config", "configuration"} {
		if n := t.root.Get(section); n != nil {
			for i := range n.Members {
				blocks = append(blocks, n.Members[i].Range)
			}
		}
	}
	out := slices.Clone(t.document.Comments)
	for i := range out {
		for _, b := range blocks {
			if b.Contains(out[i].Range) || out[i].Range.Start >= b.End && !strings.Contains(string(f.Bytes[b.End:out[i].Range.Start]), "\n") && out[i].Range.Start-b.End < 200 {
				out[i].Block = b
			}
		}
	}
	return out
}

// dirOf is the directory of a file, "." for the root.
func dirOf(p string) string { return path.Dir(p) }
