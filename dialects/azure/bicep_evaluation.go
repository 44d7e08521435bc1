package azure

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Budgets of one unit that no setting changes.
const (
	maxBicepSteps = 4_000_000 // expressions evaluated; an element that a function makes counts as several
	maxBicepDepth = 20_000    // expressions in evaluation at once
	maxBicepParts = 200_000   // parts of the value of a variable or parameter
)

// bicepEvaluation is one unit in evaluation. It belongs to one goroutine at a time.
type bicepEvaluation struct {
	ctx    context.Context
	estate *bicepEstate
	of     bicepUnit
	functions
	root     *bicepScope
	given    map[string]bicepGiven // to the root, by name
	constant map[string]*bicepScope
	json     *evaluation // of the JSON templates that are called; nil when none is

	steps, depth int
	spent        bool // the budget of steps is used up, or the context ended
	quiet        int  // what is evaluated may never be: its mistakes are nobody's
	pending      int  // names whose values are being found
	asked        map[bicep.Expr]bool
	problems     []source.Problem
	seen         map[source.Problem]bool
	limited      map[string]bool
	called       int // modules that were entered
	reads        map[string]bool
	missing      []resource.Missing // once everything is gathered
	deployed     []*deployed        // the same
	graph        *resource.Graph    // the same
}

func newBicepEvaluation(ctx context.Context, e *bicepEstate, of bicepUnit) *bicepEvaluation {
	u := &bicepEvaluation{ctx: ctx, estate: e, of: of, functions: functions{e.limits}, constant: map[string]*bicepScope{},
		seen: map[source.Problem]bool{}, limited: map[string]bool{}, reads: map[string]bool{}, asked: map[bicep.Expr]bool{}}
	u.root = u.scopeOf(e.files[of.name.Dir])
	u.given = u.inputs()
	return u
}

// read notes that the unit depends on a file.
func (u *bicepEvaluation) read(path string) { u.reads[path] = true }

// file returns a file that the unit reads; nil when there is none that can be read.
func (u *bicepEvaluation) file(path string) *bicepFile {
	f := u.estate.file(path)
	if f != nil && !u.reads[path] {
		for _, p := range f.problems {
			u.problem(p)
		}
	}
	u.read(path)
	return f
}

func (u *bicepEvaluation) problem(p source.Problem) {
	if !u.seen[p] {
		u.seen[p] = true
		u.problems = append(u.problems, p)
	}
}

// invalid notes what is wrong at an expression, unless it may never be evaluated.
func (f frame) invalid(at bicep.Span, format string, args ...any) {
	if f.scope.unit.quiet == 0 {
		f.scope.unit.problem(source.Problem{Kind: source.Invalid, Range: f.scope.file.at(at), Message: fmt.Sprintf(format, args...)})
	}
}

// exceed notes that a budget ended the work, once for each kind of budget.
func (f frame) exceed(budget string, at bicep.Span, format string, args ...any) {
	if u := f.scope.unit; !u.limited[budget] {
		u.limited[budget] = true
		u.problem(source.Problem{Kind: source.Limit, Range: f.scope.file.at(at), Message: fmt.Sprintf(format, args...)})
	}
}

// spend takes n off the budget of steps. It returns false when nothing is left.
func (f frame) spend(n int, at bicep.Span) bool {
	u := f.scope.unit
	if u.spent {
		return false
	}
	before := u.steps
	u.steps += n
	switch {
	case u.steps > maxBicepSteps:
		u.spent = true
		f.exceed("steps", at, "evaluating the template takes more than %d steps; the rest of it is unknown", maxBicepSteps)
	case before>>12 != u.steps>>12 && u.ctx.Err() != nil:
		u.spent = true
	}
	return !u.spent
}

// unit evaluates everything and makes the graph.
func (u *bicepEvaluation) unit() (out *dialect.Unit) {
	defer func() {
		if r := recover(); r != nil {
			out = &dialect.Unit{Name: u.of.name, Graph: resource.NewGraph(nil, nil), Explainer: bicepExplainer{}, Reads: u.readsOf(),
				Problems: append(u.problems, source.Problem{Kind: source.Bug, Range: source.Range{File: u.of.name.Dir},
					Message: fmt.Sprintf("evaluating this template failed inside the program: %v", r)})}
		}
	}()
	u.file(u.of.name.Dir)
	for _, p := range u.of.missing {
		u.problem(p)
	}
	c := &bicepCollector{unit: u}
	c.scope(u.root, 0)
	u.finishTemplates()
	graph := c.graph()
	u.missing, u.deployed, u.graph = c.out.missing, c.out.resources, graph
	slices.SortStableFunc(u.problems, func(a, b source.Problem) int {
		if c := strings.Compare(a.Range.File, b.Range.File); c != 0 {
			return c
		}
		return a.Range.Start - b.Range.Start
	})
	return &dialect.Unit{Name: u.of.name, Graph: graph, Problems: u.problems, Reads: u.readsOf(), Explainer: bicepExplainer{unit: u, lock: new(sync.Mutex)}}
}

func (u *bicepEvaluation) readsOf() dialect.Reads {
	return dialect.Reads{Files: slices.Sorted(maps.Keys(u.reads))}
}

// size counts the parts of a value, up to a bound.
func size(v *value.Value, most int) int {
	n := 1
	switch v.Kind {
	case value.List:
		for i := range v.Items {
			if n += size(&v.Items[i], most-n); n > most {
				break
			}
		}
	case value.Object:
		for i := range v.Fields {
			if n += size(&v.Fields[i].Value, most-n); n > most {
				break
			}
		}
	}
	return n
}
