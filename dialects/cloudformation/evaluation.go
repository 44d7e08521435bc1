package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// evaluation is the evaluation of one unit. It belongs to one goroutine.
type evaluation struct {
	*estate
	ctx        context.Context
	of         *unit
	root       *scope
	problems   []source.Problem
	seen       map[source.Problem]bool
	limited    map[string]bool // limits that were reported
	nested     int             // stacks that were entered
	files      map[string]bool
	steps      int // work so far, see charge
	text       int // bytes of text made so far, see made
	natives    []*native
	resources  []*resource.Resource
	missing    []resource.Missing
	explaining sync.Mutex
	documents  map[string]*document.Document // files that a file of the Serverless Framework names, by path; nil for one that is not at hand
}

// Budgets that have no name in dialect.Limits.
const (
	maxSteps    = 4_000_000 // nodes and references evaluated, and elements of values that are handed on, of one unit
	maxMade     = 64 << 20  // bytes of text that a unit makes
	maxDepth    = 400       // values that are evaluated inside of each other
	maxProblems = 10_000
)

var errExhausted = errors.New("the budget of the unit is used up")

func newEvaluation(ctx context.Context, e *estate, of *unit) *evaluation {
	return &evaluation{estate: e, ctx: ctx, of: of, seen: map[source.Problem]bool{}, limited: map[string]bool{}, files: map[string]bool{}}
}

// charge counts work. When the budget of the unit is used up, or the caller gave up, it panics with errExhausted, and what is
// being evaluated becomes unknown.
func (u *evaluation) charge(n int) {
	before := u.steps
	u.steps += n
	if u.steps > maxSteps {
		u.exceed("steps", u.start(), "evaluating %s takes more than %d steps; what was not evaluated by then is unknown", u.of.name.Dir, maxSteps)
		panic(errExhausted)
	}
	if before>>14 != u.steps>>14 && u.ctx.Err() != nil {
		panic(errExhausted)
	}
}

// made counts text that was made, as work and as memory.
func (u *evaluation) made(bytes int) {
	if u.text += bytes; u.text > maxMade {
		u.exceed("text", u.start(), "evaluating %s makes more than %d bytes of text; what was not evaluated by then is unknown", u.of.name.Dir, maxMade)
		u.steps = maxSteps
		panic(errExhausted)
	}
	u.charge(bytes / 256)
}

func (u *evaluation) start() source.Range { return source.Range{File: u.of.file.source.Path} }

// exceed reports a limit, at the first place that meets it.
func (u *evaluation) exceed(kind string, r source.Range, format string, args ...any) {
	if !u.limited[kind] && !u.limited["steps"] && !u.limited["text"] {
		u.limited[kind] = true
		u.problem(source.Limit, r, fmt.Sprintf(format, args...))
	}
}

func (u *evaluation) problem(kind source.ProblemKind, r source.Range, message string) {
	p := source.Problem{Kind: kind, Range: r, Message: message}
	if !u.seen[p] && len(u.seen) < maxProblems {
		u.seen[p] = true
		u.problems = append(u.problems, p)
	}
}

// contain runs evaluate; a panic ends there. It reports whether evaluate came to its end.
func (u *evaluation) contain(name string, where source.Range, evaluate func()) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			if err, is := r.(error); !is || !errors.Is(err, errExhausted) {
				u.problem(source.Bug, where, fmt.Sprintf("evaluating %s failed inside the program: %v", name, r))
			}
			ok = false
		}
	}()
	evaluate()
	return true
}

// unit evaluates everything and makes the result.
func (u *evaluation) unit() *dialect.Unit {
	f := u.of.file
	u.files[f.source.Path] = true
	t := f.template()
	u.root = &scope{unit: u, template: t}
	u.root.given = u.inputs(u.of)
	u.contain("the template", u.start(), func() { u.collect(u.root) })
	u.contain("the resources", u.start(), u.translate)
	slices.SortStableFunc(u.problems, compareProblems)
	slices.SortFunc(u.missing, func(a, b resource.Missing) int { return strings.Compare(a.Address, b.Address) })
	return &dialect.Unit{
		Name:      u.of.name,
		Graph:     resource.NewGraph(u.resources, u.missing),
		Problems:  u.problems,
		Reads:     dialect.Reads{Files: sortedNames(u.files)},
		Explainer: &explainer{unit: u},
	}
}

// scope is one template in evaluation: that of the unit, or a nested one for one of its callers.
type scope struct {
	unit     *evaluation
	template *template
	module   string // address of the nested stack; empty for the root
	calls    []resource.Call
	maybe    bool
	depth    int // of nesting

	sections []*document.Node // of resources
	outs     []*document.Node // of outputs

	conditional []string // the conditions under which the template is nested; nil when none, or not only conditions, decide it

	given map[string]input // to the parameters of the root

	parent    *scope
	caller    *declared      // the stack that nests it
	arguments *document.Node // the Parameters of the caller

	parameters map[string]*parameterCell
	conditions map[string]*conditionCell
	outputs    map[string]*outputCell
	declared   map[string]*declared
	order      []*declared
	sources    map[string]*document.Node // conditions by name, loops expanded
	loops      map[string]*loop          // in which they are
	children   map[string]*scope         // nested templates by logical id; nil for one that is not at hand
	generated  map[string]bool           // logical ids of what SAM makes
}

// within returns an address in the template's own terms as one of the unit.
func (s *scope) within(local string) string {
	if s.module == "" {
		return local
	}
	return s.module + "." + local
}

// declared is one resource of a template, loops expanded.
type declared struct {
	id      string
	member  *document.Member
	body    *document.Node
	typ     string
	loop    *loop
	maybe   bool // a loop over something unknown made it
	made    bool // SAM makes it of another one
	natives []*native
}

// outputCell is the value of an output.
type outputCell struct {
	state  cellState
	node   *document.Node
	member *document.Member
	loop   *loop
	maybe  bool
	result
}

// prepare expands the loops of the sections.
func (s *scope) prepare() {
	s.parameters, s.conditions, s.outputs = map[string]*parameterCell{}, map[string]*conditionCell{}, map[string]*outputCell{}
	s.declared, s.sources, s.loops, s.children = map[string]*declared{}, map[string]*document.Node{}, map[string]*loop{}, map[string]*scope{}
	t := s.template
	for _, p := range t.problems {
		s.unit.problem(p.Kind, p.Range, p.Message)
	}
	s.each(t.conditions, nil, false, 0, func(id string, m *document.Member, l *loop, _ bool) {
		s.sources[id], s.loops[id] = m.Value, l
	})
	s.sections, s.outs = slices.Clone(t.resources), slices.Clone(t.outputs)
	s.included()
	for _, section := range s.sections {
		s.each(section, nil, false, 0, s.declare)
	}
	for _, section := range s.outs {
		s.each(section, nil, false, 0, func(id string, m *document.Member, l *loop, maybe bool) {
			s.outputs[id] = &outputCell{node: m.Value, member: m, loop: l, maybe: maybe}
		})
	}
}

// declare notes one resource.
func (s *scope) declare(id string, m *document.Member, l *loop, maybe bool) {
	u := s.unit
	typ := m.Value.Get("Type")
	if typ == nil {
		if !s.template.opaque {
			u.problem(source.Invalid, m.Range, "the resource "+shown(id)+" has no Type")
		}
		return
	}
	if typ.Kind != document.Scalar || typ.Tag != "" {
		s.unresolved("Type", m.Key.Range, "the Type of the resource "+shown(id)+" is not written out; what it stands for was not scanned")
		return
	}
	if len(s.order) >= u.limits.Resources {
		u.exceed("resources", m.Key.Range, "the template has more than %d resources; the rest was not evaluated", u.limits.Resources)
		return
	}
	d := &declared{id: id, member: m, body: m.Value, loop: l, maybe: maybe}
	e := &env{scope: s, loop: l}
	d.typ, _ = e.text(typ)
	if old := s.declared[id]; old != nil {
		if l != nil || old.loop != nil {
			u.problem(source.Invalid, m.Key.Range, "a loop makes the resource "+shown(id)+" twice")
		}
		return
	}
	s.declared[id] = d
	s.order = append(s.order, d)
}

// collect evaluates the resources of the root and of what it nests.
func (u *evaluation) collect(s *scope) {
	u.contain("the sections", s.template.file.place(), s.prepare)
	u.collectPrepared(s)
}

// collectPrepared evaluates the resources of a template whose sections are prepared.
func (u *evaluation) collectPrepared(s *scope) {
	if s.template.sam {
		u.contain("SAM's resources", s.template.file.place(), s.expandSAM)
	}
	for _, d := range s.order {
		if u.ctx.Err() != nil {
			return
		}
		u.contain("the resource "+d.id, d.member.Key.Range, func() { s.resource(d) })
	}
	u.contain("the functions", s.template.file.place(), s.functions)
	u.contain("the parameters", s.template.file.place(), s.declarations)
}

// place is the file as a place.
func (f *file) place() source.Range { return source.Range{File: f.source.Path} }
