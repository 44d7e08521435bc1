// Package terragrunt evaluates Terragrunt: units, which run a Terraform module under inputs of their own, and the stacks
// that generate units.
//
// Terragrunt is a wrapper and so is this dialect: where a tree has files of Terragrunt it opens the files of Terraform too
// (dialect.Wrapper), and gives the roots that its units run to them (terraform.Host.Take), so that a module which only units
// use is judged under their inputs and never alone. A file of Terragrunt is a config (config.go), whose names (name.go) and
// functions (function.go) are evaluated by Terraform's own nodes, lazily. A unit (unit.go) is its config and what it
// includes, strongest first; what they say of inputs (input.go), of the module's source, of generated files and of the
// state becomes a terraform.Root, and resources come out that lie in the module's files while their values are traced and
// edited through the inputs. Outputs of other units are evaluated where their modules are at hand (dependency.go).
//
// Nothing is ever executed: hooks are left out and run_cmd is unknown.
package terragrunt

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// New returns the dialect. The schema gives attributes their types.
func New(s *schema.Set) dialect.Dialect {
	return terragrunt{set: s, terraform: terraform.New(s)}
}

type terragrunt struct {
	set       *schema.Set
	terraform dialect.Dialect
}

// The files that Terragrunt finds by their names.
const (
	unitFile   = "terragrunt.hcl"
	jsonFile   = "terragrunt.hcl.json"
	stackFile  = "terragrunt.stack.hcl"
	valuesFile = "terragrunt.values.hcl"
)

// Name returns "terragrunt".
func (terragrunt) Name() string { return "terragrunt" }

// Wraps returns "terraform".
func (terragrunt) Wraps() string { return "terraform" }

// Claims takes the files that Terragrunt finds by name, and other files of HCL that units may include or read: those of
// other tools have a second ending in front of theirs (main.pkr.hcl).
func (terragrunt) Claims(file string, content func() []byte) bool {
	base := path.Base(file)
	switch base {
	case unitFile, jsonFile, stackFile, valuesFile:
		return !generated(file)
	}
	name, ok := strings.CutSuffix(base, ".hcl")
	if !ok || strings.Contains(name, ".") || name == "" || generated(file) {
		return false
	}
	return speaks(content())
}

// generated reports whether a file was written by Terragrunt.
func generated(file string) bool {
	for part := range strings.SplitSeq(path.Dir(file), "/") {
		if part == ".terragrunt-cache" || part == stackDir {
			return true
		}
	}
	return false
}

// words begin the constructs of Terragrunt.
var words = [][]byte{[]byte("include"), []byte("locals"), []byte("inputs"), []byte("remote_state"), []byte("terraform"),
	[]byte("dependency"), []byte("dependencies"), []byte("generate"), []byte("feature"), []byte("exclude"), []byte("errors")}

// speaks reports whether a line of a text begins with a construct of Terragrunt.
func speaks(text []byte) bool {
	for line := range bytes.Lines(text) {
		for _, w := range words {
			if rest, ok := bytes.CutPrefix(line, w); ok && len(rest) > 0 && bytes.IndexByte([]byte(" \t={\"\r\n"), rest[0]) >= 0 {
				return true
			}
		}
	}
	return false
}

// estate is the opened files. Its fields are written by Open and only read afterwards.
type estate struct {
	host   *terraform.Host
	units  []unit
	unitAt map[string]int // by directory
	moved  []moved        // directories that stacks generate
}

// Open finds the units and what they run.
func (t terragrunt) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	paths = slices.Compact(slices.Sorted(slices.Values(paths)))
	var theirs, ours []string
	var unread []source.Problem
	for _, p := range paths {
		switch {
		case strings.HasSuffix(p, ".hcl"):
			ours = append(ours, p)
		case path.Base(p) == jsonFile:
			unread = append(unread, source.Problem{Kind: source.Unresolved, Range: source.Range{File: p},
				Message: "a unit in JSON was not read; what it runs was not scanned"})
		default:
			theirs = append(theirs, p)
		}
	}
	host, problems := terraform.NewHost(ctx, t.set, w, theirs)
	problems = append(problems, unread...)
	e := &estate{host: host}
	for _, p := range ours {
		_, more := host.Text(p)
		for _, problem := range more {
			if path.Base(p) != unitFile { // what is wrong with a unit's own file is told by the unit
				problems = append(problems, problem)
			}
		}
	}
	problems = append(problems, e.findUnits(ctx, ours)...)
	return e, problems
}

// Units lists the units of Terragrunt and the roots that are left to Terraform.
func (e *estate) Units() []dialect.UnitName {
	names := slices.Clone(e.host.Estate().Units())
	for i := range e.units {
		names = append(names, dialect.UnitName{Dir: e.units[i].dir})
	}
	slices.SortStableFunc(names, func(a, b dialect.UnitName) int {
		if c := strings.Compare(a.Dir, b.Dir); c != 0 {
			return c
		}
		return strings.Compare(a.Variant, b.Variant)
	})
	return names
}

// Evaluate evaluates one unit.
func (e *estate) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	i, ok := e.unitAt[name.Dir]
	if !ok || name.Variant != "" {
		return e.host.Estate().Evaluate(ctx, name)
	}
	u := e.units[i]
	r := e.start(ctx, u)
	r.open()
	out := r.Unit(name)
	if u.module != "" {
		e.host.Leave(u.module)
	}
	return out
}

// With is the estate with other content of some files. The units stay: which there are, and what they run, is not what a
// fix changes.
func (e *estate) With(ctx context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	host, problems := e.host.With(ctx, changed)
	n := &estate{host: host, units: e.units, unitAt: e.unitAt, moved: e.moved}
	for _, f := range changed {
		if !strings.HasSuffix(f.Path, ".hcl") {
			continue
		}
		before := map[string]bool{}
		_, was := e.host.Text(f.Path)
		for _, p := range was {
			before[p.Message] = true
		}
		_, now := host.Text(f.Path)
		for _, p := range now {
			if !before[p.Message] {
				problems = append(problems, p)
			}
		}
	}
	return n, problems
}

// Comments returns the comments of a file of either language, those in files that it generates among them.
func (e *estate) Comments(file string) []dialect.Comment {
	out := e.host.Comments(file)
	if !strings.HasSuffix(file, ".hcl") {
		return out
	}
	body, _ := e.host.Text(file)
	f, problem := e.host.Read(file)
	if body == nil || problem != nil {
		return out
	}
	for _, b := range body.Blocks {
		if a := b.Body.Attributes["contents"]; b.Type == "generate" && a != nil {
			if at, ok := heredoc(f, a.Expr); ok {
				out = append(out, e.host.CommentsIn(f, at)...)
			}
		}
	}
	slices.SortFunc(out, func(a, b dialect.Comment) int { return a.Range.Start - b.Range.Start })
	return out
}

// Inputs lists the variables of all roots and of the modules that units run, sorted.
func (e *estate) Inputs() []string {
	names := e.host.Estate().(dialect.Inputter).Inputs()
	seen := map[string]bool{}
	for i := range e.units {
		if m := e.units[i].module; m != "" && !seen[m] {
			seen[m] = true
			names = append(names, e.host.Variables(m)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
