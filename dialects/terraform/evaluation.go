package terraform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyfunction "github.com/zclconf/go-cty/cty/function"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform/function"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// evaluation is the evaluation of one unit. It belongs to one goroutine.
type evaluation struct {
	*estate
	ctx        context.Context
	root       *module
	given      map[string]input // to the variables of the root
	problems   []source.Problem
	seen       map[source.Problem]bool
	limited    map[string]bool // limits that were reported
	files      map[string]bool
	dirs       map[string]bool
	env        map[string]bool
	steps      int // work so far, see charge
	explaining sync.Mutex
	depth      int
	resources  []*resource.Resource
	missing    []resource.Missing
	manifest   map[string]string               // module key to directory, of .terraform/modules
	scopes     int                             // module instances so far
	text       int                             // bytes made so far, see made
	folded     map[*folder]bool                // that were read
	selected   string                          // terraform.workspace by the settings
	called     []resource.Call                 // what leads to the root, in a language that wraps this one
	anchor     string                          // see function.Options
	pure       map[string]ctyfunction.Function // see functions
	backend    *Backend                        // stands in for the root's; nil when the root's own counts
}

// Budgets that have no name in dialect.Limits.
const (
	maxSteps      = 2_000_000 // references, calls, rounds of loops (which count loopSteps and their nodes) and elements of one unit
	loopSteps     = 10
	blockSteps    = 50 // of a block that a dynamic one makes
	instanceSteps = 20
	scopeSteps    = 200
	maxMade       = 128 << 20 // bytes of text that a unit makes
	maxDepth      = 400       // values that wait for each other
	maxSize       = 200_000   // elements of one named value, at any depth
	maxNested     = 250       // nesting of one named value
)

// exhausted is what charge panics with; demand recovers it.
var errExhausted = errors.New("the budget of the unit is used up")

// charge counts work. When the budget of the unit is used up, or the caller gave up, it panics with errExhausted, and the
// values that are being evaluated become unknown.
func (u *evaluation) charge(n int) {
	before := u.steps
	u.steps += n
	if u.steps > maxSteps {
		if u.limited["text"] {
			panic(errExhausted)
		}
		u.exceed("steps", u.start(), "evaluating %s takes more than %d steps; what was not evaluated by then is unknown", u.root.dir, maxSteps)
		panic(errExhausted)
	}
	if before>>14 != u.steps>>14 && u.ctx.Err() != nil {
		panic(errExhausted)
	}
}

// start is where a unit begins, for what has no better place.
func (u *evaluation) start() hcl.Range {
	if len(u.root.files) == 0 {
		return hcl.Range{Filename: u.root.dir}
	}
	return hcl.Range{Filename: u.root.files[0].path}
}

// made counts text that was made, as work and as memory.
func (u *evaluation) made(bytes int) {
	if u.text += bytes; u.text > maxMade {
		u.exceed("text", u.start(), "evaluating %s makes more than %d bytes of text; what was not evaluated by then is unknown", u.root.dir, maxMade)
		u.steps = maxSteps
		panic(errExhausted)
	}
	u.charge(bytes / 256)
}

// onceLimits are reported at the first place only: everything after it meets them too.
var onceLimits = map[string]bool{"steps": true, "text": true, "depth": true, "scopes": true, "resources": true}

// exceed reports a limit.
func (u *evaluation) exceed(kind string, r hcl.Range, format string, args ...any) {
	if onceLimits[kind] {
		if u.limited[kind] {
			return
		}
		u.limited[kind] = true
	}
	u.problem(source.Limit, place(r), fmt.Sprintf(format, args...))
}

func (u *evaluation) problem(kind source.ProblemKind, r source.Range, message string) {
	p := source.Problem{Kind: kind, Range: r, Message: message}
	if !u.seen[p] && len(u.seen) < 10_000 {
		u.seen[p] = true
		u.problems = append(u.problems, p)
	}
}

// fileFunctions fail when a file is not there, which is a gap in what is at hand and no fault of the configuration.
var fileFunctions = map[string]bool{"file": true, "filebase64": true, "templatefile": true, "fileset": true, "filemd5": true,
	"read_terragrunt_config": true, "find_in_parent_folders": true, "read_tfvars_file": true,
	"filesha1": true, "filesha256": true, "filesha512": true, "filebase64sha256": true, "filebase64sha512": true}

func (u *evaluation) report(diags hcl.Diagnostics) {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		kind := source.Invalid
		if extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d); ok && fileFunctions[strings.TrimPrefix(extra.CalledFunctionName(), "core::")] {
			kind = source.Unresolved
		}
		if _, ok := d.Extra.(notAtHand); ok {
			kind = source.Unresolved
		}
		p := problemOf(kind, d, u.root.dir)
		u.problem(p.Kind, p.Range, p.Message)
	}
}

// evaluate evaluates an expression and reports what is wrong with it. The value is usable whatever happened.
func (u *evaluation) evaluate(e hclsyntax.Expression, ctx *hcl.EvalContext) cty.Value {
	v, diags := e.Value(ctx)
	if len(diags) > 0 {
		u.report(diags)
	}
	if v == cty.NilVal {
		return cty.DynamicVal
	}
	return v
}

// cell is a value that is evaluated when it is first asked for.
type cell struct {
	state cellState
	size  int
	value cty.Value
}

type cellState uint8

const (
	untouched cellState = iota
	busy
	done
)

// demand returns the value of a cell. What goes wrong inside stays inside: a cycle, a depth or a panic gives an unknown
// and a problem.
func (u *evaluation) demand(c *cell, name string, where hcl.Range, evaluate func() cty.Value) cty.Value {
	switch c.state {
	case done:
		u.charge(c.size)
		return c.value
	case busy:
		u.problem(source.Invalid, place(where), name+" refers to itself, directly or through other values")
		return cty.DynamicVal
	}
	if u.depth >= maxDepth {
		u.exceed("depth", where, "%s waits for a chain of more than %d other values and was not evaluated", name, maxDepth)
		return cty.DynamicVal
	}
	c.state = busy
	u.depth++
	c.value = u.contain(name, where, evaluate)
	u.depth--
	c.state = done
	w := weight{}
	if w.take(c.value, 0); w.heavy {
		u.exceed("size", where, "%s has more than %d elements, more than %d levels or a number of too many digits, and is taken as unknown", name, maxSize, maxNested)
		c.value, w = cty.DynamicVal, weight{}
	}
	c.size = w.elements/4 + w.bytes/256
	return c.value
}

// contain runs evaluate and turns a panic into an unknown.
func (u *evaluation) contain(name string, where hcl.Range, evaluate func() cty.Value) (v cty.Value) {
	depth := u.depth
	defer func() {
		if r := recover(); r != nil {
			u.depth = depth
			v = cty.DynamicVal
			if err, ok := r.(error); !ok || !errors.Is(err, errExhausted) {
				u.problem(source.Bug, place(where), fmt.Sprintf("evaluating %s failed inside the program: %v", name, r))
			}
		}
	}()
	return evaluate()
}

// weight is what a value costs whoever looks at all of it.
type weight struct {
	elements int
	bytes    int
	heavy    bool // it is beyond the limits, and was not weighed any further
}

func (w *weight) take(v cty.Value, depth int) {
	v, _ = v.Unmark()
	w.elements++
	if w.heavy = w.heavy || w.elements > maxSize || depth > maxNested; w.heavy || !v.IsKnown() || v.IsNull() {
		return
	}
	switch t := v.Type(); {
	case t == cty.String:
		w.bytes += len(v.AsString())
	case t == cty.Number:
		w.heavy = function.CheckOperand(v) != nil
	case t.IsPrimitiveType() || t.IsCapsuleType() || !v.CanIterateElements():
	default:
		for it := v.ElementIterator(); !w.heavy && it.Next(); {
			_, item := it.Element()
			w.take(item, depth+1)
		}
	}
}

// unit evaluates everything and makes the result.
func (u *evaluation) unit(of *unit, x *explainer) *dialect.Unit {
	return u.finish(of, u.rootScope(), x)
}

// finish is unit for a root whose scope was made.
func (u *evaluation) finish(of *unit, s *scope, x *explainer) *dialect.Unit {
	x.scope = s
	u.contain("the module "+u.root.dir, hcl.Range{Filename: u.root.dir}, func() cty.Value {
		u.collect(s)
		return cty.DynamicVal
	})
	u.rest(of.root)
	slices.SortFunc(u.problems, compareProblems)
	slices.SortFunc(u.missing, func(a, b resource.Missing) int { return strings.Compare(a.Address, b.Address) })
	return &dialect.Unit{
		Name:      of.name,
		Graph:     resource.NewGraph(u.resources, u.missing),
		Problems:  u.problems,
		Reads:     dialect.Reads{Files: sortedNames(u.files), Dirs: sortedNames(u.dirs), Env: sortedNames(u.env)},
		Explainer: x,
	}
}

func compareProblems(a, b source.Problem) int {
	if c := strings.Compare(a.Range.File, b.Range.File); c != 0 {
		return c
	}
	if a.Range.Start != b.Range.Start {
		return a.Range.Start - b.Range.Start
	}
	return strings.Compare(string(a.Kind)+a.Message, string(b.Kind)+b.Message)
}
