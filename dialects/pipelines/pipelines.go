// Package pipelines is the ground that the dialects of CI systems stand on: files of YAML of which each, or some, is a unit, jobs
// whose steps run scripts, and images that they run in.
//
// A room of this house (pipelines/github, pipelines/gitlab, …) says in a System how its files are recognised and evaluated; New
// makes a dialect of it. Here are the estate (estate.go), what evaluation gathers (unit.go), the resources that all systems
// have in common: ci_script (script.go) and ci_image (image.go), where a place in a decoded text stands in its file (text.go), and the
// answers about resources: explanations and edits (explain.go, edit.go), which follow from the Handle of a resource (handle.go).
//
// It knows nothing of rules or findings.
package pipelines

import (
	"context"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// System says how the files of one CI system are read. It holds no state.
type System struct {
	Name   string // the dialect's
	YAML11 bool   // its parser reads YAML 1.1: on and yes are booleans

	// Claims is dialect.Dialect's.
	Claims func(file string, content func() []byte) bool

	// Units returns the paths of the files that are evaluated; nil means every file that was claimed. A unit has the path of
	// its file for a name: that is how people call a pipeline.
	Units func(e *Estate) []string

	// Index works out what is asked of many files at once, as who calls whom; Estate.Index asks for it, once per estate. It may be nil.
	Index func(e *Estate) any

	// Evaluate adds the resources of a unit's file.
	Evaluate func(ctx context.Context, u *Unit)

	// Blocks returns what comments of a file may stand inside of: its jobs and steps.
	Blocks func(f *File) []source.Range
}

// New makes a dialect of a system.
func New(s System) dialect.Dialect { return system{&s} }

type system struct{ *System }

// Name returns the name of the dialect.
func (s system) Name() string { return s.System.Name }

// Claims asks the system.
func (s system) Claims(file string, content func() []byte) bool {
	return s.System.Claims(file, content)
}

// Open reads the files. They are parsed when somebody asks.
func (s system) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	e := &Estate{system: s.System, workspace: w, Limits: w.Limits.Defaults(), files: make(map[string]*File, len(paths))}
	files, problems := w.ReadAll(ctx, paths)
	for _, f := range files {
		e.files[f.Path] = e.open(f)
	}
	e.settle()
	return e, problems
}
