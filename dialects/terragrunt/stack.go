package terragrunt

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/source"
)

// stackDir is the folder in which stacks generate their units.
const stackDir = ".terragrunt-stack"

const (
	maxStacks = 16     // stacks that generate each other
	maxUnits  = 20_000 // units that stacks generate
	maxSpread = 2_000  // stacks that stacks generate
)

// stackRef is a block of a stack: what generates a unit or another stack.
type stackRef struct {
	file   string    // terragrunt.stack.hcl in the tree
	dir    string    // of the stack, as it will be
	kind   string    // unit, stack
	label  string    // of the block
	parent *stackRef // what generates this stack; nil for one that is written
}

// has reports whether a stack is among those that generate each other.
func (s *stackRef) has(file string) bool {
	for ; s != nil; s = s.parent {
		if s.file == file {
			return true
		}
	}
	return false
}

// moved is a directory that a stack generates, and what it is a copy of.
type moved struct{ dir, from string }

// real returns the path of the tree that a path, perhaps in a generated directory, is a copy of.
func (e *estate) real(p string) string {
	best := moved{}
	for _, m := range e.moved {
		if (p == m.dir || strings.HasPrefix(p, m.dir+"/")) && len(m.dir) > len(best.dir) {
			best = m
		}
	}
	if best.dir == "" {
		return p
	}
	return path.Join(best.from, strings.TrimPrefix(p, best.dir))
}

// findUnits finds the units that are written and those that stacks generate. A file that others include is a unit only when
// it runs something.
func (e *estate) findUnits(ctx context.Context, files []string) []source.Problem {
	var problems []source.Problem
	var written []unit
	var stacks []string
	for _, f := range files {
		switch path.Base(f) {
		case unitFile:
			written = append(written, unit{dir: path.Dir(f), file: f})
		case stackFile:
			stacks = append(stacks, f)
		}
	}
	x := &expansion{estate: e, ctx: ctx, sources: map[string]bool{}, nested: map[string]bool{}, dirs: map[string]bool{}}
	for _, u := range written {
		x.dirs[u.dir] = true
	}
	for _, f := range stacks {
		x.look(f)
	}
	for _, f := range stacks {
		if !x.nested[path.Dir(f)] {
			x.stack(f, path.Dir(f), nil, 0)
		}
	}
	problems = append(problems, x.problems...)

	e.units = slices.Concat(x.units, slices.DeleteFunc(written, func(u unit) bool { return x.sources[u.dir] }))
	e.index()
	met := map[string]bool{}
	idle := map[string]bool{}
	taken := map[string]bool{}
	for dir := range x.sources {
		taken[dir] = true
	}
	for i := range e.units {
		u := &e.units[i]
		if ctx.Err() != nil {
			break
		}
		r := e.start(ctx, *u)
		r.Contain("the unit "+u.dir, hcl.Range{Filename: u.file}, func() {
			c := r.config()
			if c == nil {
				return
			}
			c.chain()
			f := r.find(c, false)
			u.module = f.dir
			idle[u.dir] = f.own && !e.host.HasModule(f.dir)
		})
		for f := range r.met {
			met[f] = true
		}
	}
	e.units = slices.DeleteFunc(e.units, func(u unit) bool { return u.stack == nil && met[u.file] && idle[u.dir] })
	e.index()
	for i := range e.units {
		taken[e.real(e.units[i].dir)] = true
		if e.units[i].module != "" {
			taken[e.units[i].module] = true
		}
	}
	e.host.Take(taken)
	for i := range e.units {
		if m := e.units[i].module; m != "" {
			e.host.Lead(m)
		}
	}
	return problems
}

// index sorts the units and notes where they are.
func (e *estate) index() {
	slices.SortFunc(e.units, func(a, b unit) int { return strings.Compare(a.dir, b.dir) })
	e.unitAt = make(map[string]int, len(e.units))
	for i, u := range e.units {
		e.unitAt[u.dir] = i
	}
}

// expansion is the generation of units by stacks.
type expansion struct {
	estate   *estate
	ctx      context.Context
	sources  map[string]bool // directories that units are generated from
	nested   map[string]bool // directories of stacks that others generate
	dirs     map[string]bool // directories of units
	units    []unit
	stacks   int // generated so far
	problems []source.Problem
}

// config reads the file of a stack.
func (x *expansion) config(file, dir string, ref *stackRef) (*run, *config) {
	r := x.estate.start(x.ctx, unit{dir: dir, file: file, stack: ref})
	return r, r.config()
}

// look notes which stacks a stack generates.
func (x *expansion) look(file string) {
	r, c := x.config(file, path.Dir(file), nil)
	if c == nil {
		return
	}
	r.Contain(file, hcl.Range{Filename: file}, func() {
		for _, b := range c.body.Blocks {
			if b.Type != "stack" {
				continue
			}
			if text, ok := c.text(b, "source"); ok {
				if dir, problem := r.module(text, false); problem == nil && dir != "" && dir != path.Dir(file) {
					x.nested[dir] = true
				}
			}
		}
	})
}

// stack generates the units of a stack whose directory will be dir.
func (x *expansion) stack(file, dir string, ref *stackRef, depth int) {
	r, c := x.config(file, dir, ref)
	if c == nil {
		return
	}
	r.Contain(file, hcl.Range{Filename: file}, func() {
		for _, b := range c.body.Blocks {
			if b.Type == "unit" || b.Type == "stack" {
				x.block(r, c, b, depth)
			}
		}
	})
	x.problems = append(x.problems, r.Noted()...)
}

// block generates what a unit or stack block says.
func (x *expansion) block(r *run, c *config, b *hclsyntax.Block, depth int) {
	at := terraform.Place(b.DefRange())
	name := b.Type + "." + label(b)
	to, ok := c.text(b, "path")
	if !ok || len(b.Labels) != 1 {
		r.Problem(source.Invalid, at, name+" has no name or no path that is known")
		return
	}
	text, ok := c.text(b, "source")
	if !ok {
		r.Problem(source.Unresolved, at, "the source of "+name+" is not known; what it declares was not scanned")
		return
	}
	from, problem := r.module(text, true)
	if problem != nil {
		if problem.Range.IsZero() {
			problem.Range = terraform.Place(b.Body.Attributes["source"].SrcRange)
		}
		r.Problem(problem.Kind, problem.Range, name+": "+problem.Message)
		return
	}
	base := path.Join(r.unit.dir, stackDir)
	if c.flag(b, "no_dot_terragrunt_stack") {
		base = r.unit.dir
	}
	dir, ok := place(base, to)
	if !ok {
		r.Problem(source.Invalid, at, name+": its path leaves the tree")
		return
	}
	ref := &stackRef{file: r.unit.file, dir: r.unit.dir, kind: b.Type, label: label(b), parent: r.unit.stack}
	base = unitFile
	if b.Type == "stack" {
		base = stackFile
	}
	file := path.Join(from, base)
	if !r.exists(file) {
		r.Problem(source.Unresolved, at, fmt.Sprintf("%s: there is no %s in %s", name, base, from))
		return
	}
	switch {
	case b.Type == "stack" && (file == r.unit.file || r.unit.stack.has(file)):
		r.Problem(source.Invalid, at, name+": the stack generates itself, directly or through other stacks")
	case b.Type == "stack" && depth >= maxStacks:
		r.Problem(source.Limit, at, fmt.Sprintf("%s: stacks generate each other more than %d deep", name, maxStacks))
	case b.Type == "stack" && x.stacks >= maxSpread:
		r.Problem(source.Limit, at, fmt.Sprintf("%s: stacks generate more than %d stacks", name, maxSpread))
	case b.Type == "stack":
		x.stacks++
		x.estate.moved = append(x.estate.moved, moved{dir, from})
		x.stack(file, dir, ref, depth+1)
	case len(x.units) >= maxUnits:
		r.Problem(source.Limit, at, fmt.Sprintf("stacks generate more than %d units", maxUnits))
	case x.dirs[dir] && dir != from:
		if x.sources[from] = true; slices.ContainsFunc(x.units, func(u unit) bool { return u.dir == dir }) {
			r.Problem(source.Invalid, at, name+": another unit is generated in "+dir)
		}
	default:
		x.estate.moved = append(x.estate.moved, moved{dir, from})
		x.sources[from], x.dirs[dir] = true, true
		x.units = append(x.units, unit{dir: dir, file: file, stack: ref})
	}
}

// given returns the values that a stack gives to what it generates.
func (r *run) given(ref *stackRef) given {
	key := ref.dir + "\x00" + ref.file
	c := r.stacks[key]
	if c == nil {
		if c = r.newConfig(ref.file, ref.dir, nil); c == nil {
			return given{}
		}
		r.stacks[key] = c
		if ref.parent != nil {
			c.values = func() given { return r.given(ref.parent) }
		}
	}
	b := c.block(ref.kind, ref.label)
	if b == nil || b.Body.Attributes["values"] == nil {
		return given{}
	}
	return given{expr: b.Body.Attributes["values"].Expr, owner: c}
}
