// Package cloudformation evaluates CloudFormation templates, with what AWS SAM makes of its own types, and the files of the
// Serverless Framework, which become such templates.
//
// Open finds the units among the files: templates that no other one nests, with one set of parameters each (unit.go,
// parameterfile.go). A file is parsed when a unit first asks for it (template.go). Evaluation turns nodes of the document into
// values in CloudFormation's own names (evaluate.go, function.go); parameters (parameter.go) and conditions (condition.go)
// are evaluated once, when somebody asks. Each resource becomes a native one, those of SAM several (sam.go), and package
// translate makes Terraform's of them.
//
// The facts about the language are those of the CloudFormation Template Reference and the SAM Developer Guide:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference and
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide.
//
// The package knows nothing of rules or findings.
package cloudformation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
)

// New returns the dialect of templates. The schema gives attributes their types.
func New(s *schema.Set) dialect.Dialect { return &templates{set: s} }

type templates struct {
	set   *schema.Set
	once  sync.Once
	table *translate.Table
}

// Name returns "cloudformation".
func (*templates) Name() string { return "cloudformation" }

// Claims takes templates and files of parameters for them, told by their content.
func (*templates) Claims(path string, content func() []byte) bool {
	kind := extension(path)
	return kind != "" && (isTemplate(content()) || isParameters(kind, content()))
}

// names returns the table of names, which is made when it is first needed.
func (d *templates) names() *translate.Table {
	d.once.Do(func() { d.table = translate.New(d.set, "cloudformation") })
	return d.table
}

// Open finds the templates that are not nested in others. Files of parameters are read, templates only where that cannot be
// told without.
func (d *templates) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	return open(ctx, w, paths, &kind{word: "cloudformation", set: d.set, table: d.names, read: readTemplate})
}

// kind is what the two dialects of the package differ in.
type kind struct {
	word  string
	set   *schema.Set
	table func() *translate.Table
	read  func(*file, *template) // takes a document apart
}

// estate is the opened files. Its fields are written by Open and only read afterwards; files guard themselves.
type estate struct {
	*kind
	workspace  *dialect.Workspace
	limits     dialect.Limits
	files      map[string]*file
	parameters map[string]*parameterFile // files of parameters by path
	named      map[int]*parameterFile    // files given with --var-file, by place in workspace.Vars
	units      []unit
	unitAt     map[dialect.UnitName]int
}

func open(ctx context.Context, w *dialect.Workspace, paths []string, k *kind) (*estate, []source.Problem) {
	e := &estate{kind: k, workspace: w, limits: w.Limits.Defaults(), files: map[string]*file{},
		parameters: map[string]*parameterFile{}, named: map[int]*parameterFile{}}
	var problems []source.Problem
	for i := range w.Vars {
		if w.Vars[i].File != nil {
			e.named[i] = e.readParameters(w.Vars[i].File)
			problems = append(problems, e.named[i].problems...)
		}
	}
	files, unread := w.ReadAll(ctx, paths)
	problems = append(problems, unread...)
	for _, f := range files {
		problems = append(problems, e.take(f)...)
	}
	e.setUnits()
	slices.SortStableFunc(problems, compareProblems)
	return e, problems
}

// take adds a file to the estate. It returns the problems that belong to no unit.
func (e *estate) take(f *source.File) []source.Problem {
	if e.word == "cloudformation" && !isTemplate(f.Bytes) {
		p := e.readParameters(f)
		e.parameters[f.Path] = p
		return p.problems
	}
	e.files[f.Path] = newFile(f, e.limits, e.read)
	return nil
}

// Units lists the templates that stand for themselves with their sets of parameters.
func (e *estate) Units() []dialect.UnitName {
	names := make([]dialect.UnitName, len(e.units))
	for i := range e.units {
		names[i] = e.units[i].name
	}
	return names
}

// Evaluate evaluates one unit. A name that Units does not list gives an empty unit with a problem.
func (e *estate) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	i, ok := e.unitAt[name]
	if !ok {
		return &dialect.Unit{Name: name, Graph: resource.NewGraph(nil, nil), Explainer: &explainer{},
			Problems: []source.Problem{{Kind: source.Bug, Range: source.Range{File: name.Dir},
				Message: fmt.Sprintf("there is no unit %s %s", name.Dir, name.Variant)}}}
	}
	return newEvaluation(ctx, e, &e.units[i]).unit()
}

// Inputs lists the parameters of all templates that stand for themselves, and the pseudo parameters, sorted.
func (e *estate) Inputs() []string {
	seen := map[string]bool{}
	for name := range pseudo {
		seen[name] = true
	}
	for i := range e.units {
		t := e.units[i].file.template()
		for name := range t.parameters {
			seen[name] = true
		}
		if t.framework != nil {
			for _, name := range variableNames(e.units[i].file.source.Bytes) {
				seen[name] = true
			}
		}
	}
	return sortedNames(seen)
}

// With returns the estate as it would be if some of its files had other content.
func (e *estate) With(_ context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	n := *e
	n.workspace = e.workspace.With(changed)
	n.files, n.parameters, n.named = cloned(e.files), cloned(e.parameters), cloned(e.named)
	var problems []source.Problem
	for _, f := range changed {
		if e.files[f.Path] != nil { // it stays a template, however broken it may be now
			n.files[f.Path] = newFile(f, e.limits, e.read)
			problems = append(problems, source.NewProblems(n.files[f.Path].template().problems, e.files[f.Path].template().problems)...)
		} else if old := e.parameters[f.Path]; old != nil {
			n.parameters[f.Path] = n.readParameters(f)
			problems = append(problems, source.NewProblems(n.parameters[f.Path].problems, old.problems)...)
		}
		for i, given := range n.named {
			if given.file.Path == f.Path {
				n.named[i] = n.readParameters(f)
			}
		}
	}
	n.setUnits()
	slices.SortStableFunc(problems, compareProblems)
	return &n, problems
}

func cloned[K comparable, V any](m map[K]V) map[K]V {
	out := make(map[K]V, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
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
