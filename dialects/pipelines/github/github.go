// Package github evaluates GitHub Actions: workflows in .github/workflows, and the metadata of actions (action.yml) anywhere.
//
// Each file is a unit of its own, named after it: that is how people call a workflow, and a finding keeps its identity whatever its
// neighbours do. What other files of the tree say is worked in: a reusable workflow or a local action is evaluated once, knowing
// which workflows of the tree call it (index.go): it can be started by what starts them, and an input is an outsider's where one of
// them passes an outsider's text. So a mistake in it is found once, where it is written, and judged by its worst caller.
//
// model.go reads a file, expression.go its ${{ expressions }} (with actionlint's parser, behind bounds of our own), origin.go and
// flow.go say who decides on the text of each: outsiders, those who start a run, the run itself, or nobody. What comes of it in a step,
// a job or a workflow is an attribute that nobody wrote: a checkout that fetches what an outsider wrote and is followed by code that
// runs it (checkout.go), a condition that is always true (condition.go), credentials that stay on disk (credential.go). Rules read those.
//
// The language: https://docs.github.com/en/actions/reference/workflows-and-actions
//
// The package knows nothing of rules or findings.
package github

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

const name = "github-actions"

// New returns the dialect. It needs nothing of the schema: the types are its own.
func New(*schema.Set) dialect.Dialect {
	return pipelines.New(pipelines.System{Name: name, Claims: claims, Index: newIndex, Evaluate: evaluate, Blocks: blocks})
}

// claims takes every workflow, and what is called action.yml and says what it runs.
func claims(file string, content func() []byte) bool {
	return isWorkflowFile(file) && (strings.Contains("/"+file, "/.github/") || bytes.Contains(content(), []byte("jobs:"))) || isActionFile(file) && bytes.Contains(content(), []byte("runs"))
}

// blocks are the jobs and steps of a file.
func blocks(f *pipelines.File) []source.Range {
	var out []source.Range
	for _, j := range modelOf(f).jobs {
		if j.member != nil {
			out = append(out, j.member.Range)
		}
		for _, s := range j.steps {
			out = append(out, s.place)
		}
	}
	return out
}

// evaluation is the work on one file.
type evaluation struct {
	*pipelines.Unit
	*asker
	model  *model
	events eventSet
	told   bool // the problem of a bound
}

func evaluate(ctx context.Context, u *pipelines.Unit) {
	x := u.Index().(*index)
	m := x.model(u.Main.Path)
	if m == nil || m.root == nil {
		return
	}
	e := &evaluation{Unit: u, asker: newAsker(x), model: m}
	if m.callable() {
		u.Depends(x.paths...) // whoever calls it is worked in
		u.List(path.Join(rootOf(m.file.Path), ".github/workflows"))
	}
	e.events = e.eventsOf(m)
	if m.action {
		e.action()
	} else {
		e.workflow()
	}
	for _, j := range m.jobs {
		if ctx.Err() != nil {
			return
		}
		if j.member != nil {
			e.job(j)
		}
		for _, s := range j.steps {
			e.step(s)
		}
	}
}

// bounded tells of an expression that is larger than is looked at: once per file.
func (e *evaluation) bounded(all []placed) {
	for i := range all {
		if all[i].limit && !e.told {
			e.told = true
			e.Problem(source.Limit, all[i].scalar.Range, "%s; what it says is unknown", all[i].problem)
		}
	}
}

// words carries the names of attributes to those of GitHub, where they have hyphens.
var words = map[string]string{
	"runs_on": "runs-on", "timeout_minutes": "timeout-minutes", "working_directory": "working-directory",
	"continue_on_error": "continue-on-error", "run_name": "run-name",
}

// written are the attributes of each type that stand in the file under their own name.
var written = map[string][]string{
	"actions_workflow": {"name", "run_name", "on", "permissions", "env", "defaults", "concurrency"},
	"actions_job": {"name", "runs_on", "permissions", "environment", "container", "services", "uses", "with", "secrets", "needs", "if", "strategy", "env",
		"defaults", "timeout_minutes", "continue_on_error", "concurrency", "outputs"},
	"actions_step":   {"id", "name", "uses", "run", "shell", "with", "env", "if", "working_directory", "continue_on_error", "timeout_minutes"},
	"actions_action": {"name", "description", "inputs", "outputs"},
}

// handle makes the handle of a resource.
func (e *evaluation) handle(typ string, n *document.Node, prefix value.Path, also []string) *pipelines.Handle {
	h := &pipelines.Handle{Node: n, Prefix: prefix}
	h.Native = func(p value.Path) (value.Path, bool) {
		if len(p) == 0 {
			return nil, true
		}
		if !slices.Contains(written[typ], p[0].Name) {
			return nil, false
		}
		out := slices.Clone(p)
		if w := words[p[0].Name]; w != "" {
			out[0].Name = w
		}
		switch {
		case typ == "actions_job" && p[0].Name == "services" && len(p) > 1 && p[1].Name == "":
			services := n.Get("services")
			if p[1].Index >= len(membersOf(services)) {
				return nil, false
			}
			of := &services.Members[p[1].Index]
			out[1] = value.Step{Name: of.Key.Text}
			if len(p) > 2 && of.Value.Kind == document.Scalar {
				out = out[:2]
			}
		case typ == "actions_job" && p[0].Name == "container" && len(p) > 1 && n.Get("container") != nil && n.Get("container").Kind == document.Scalar:
			out = out[:1]
		}
		return out, true
	}
	for _, name := range also {
		h.Also = append(h.Also, value.Path{{Name: name}})
	}
	h.Waits = func(p value.Path) []dialect.Wait {
		native, ok := h.Native(p)
		if !ok {
			return nil
		}
		at := n
		for _, s := range native {
			switch {
			case at == nil:
			case s.Name != "":
				at = at.Get(s.Name)
			case at.Kind == document.Sequence && s.Index < len(at.Items):
				at = at.Items[s.Index]
			default:
				at = nil
			}
		}
		return e.waits(at)
	}
	return h
}

// waits says what the expressions of a node wait for.
func (e *evaluation) waits(n *document.Node) []dialect.Wait {
	var out []dialect.Wait
	if n == nil {
		return nil
	}
	switch n.Kind {
	case document.Scalar:
		for _, x := range expressionsIn(n.Text) {
			if x.node == nil {
				out = append(out, dialect.Wait{Name: "an expression", Kind: "computed", Range: n.Range})
				continue
			}
			for _, p := range paths(x.node) {
				out = append(out, dialect.Wait{Name: p, Kind: waitKind(p), Range: n.Range})
			}
			if len(paths(x.node)) == 0 {
				out = append(out, dialect.Wait{Name: x.inner, Kind: "computed", Range: n.Range})
			}
		}
	case document.Sequence:
		for _, item := range n.Items {
			out = append(out, e.waits(item)...)
		}
	case document.Mapping:
		for i := range n.Members {
			out = append(out, e.waits(n.Members[i].Value)...)
		}
	}
	return out
}

func waitKind(p string) string {
	for prefix, kind := range map[string]string{"inputs": "variable", "vars": "variable", "secrets": "variable", "env": "variable", "github.event.inputs": "variable"} {
		if p == prefix || len(p) > len(prefix) && p[:len(prefix)+1] == prefix+"." {
			return kind
		}
	}
	return "computed"
}

// add adds a resource.
func (e *evaluation) add(r *resource.Resource, body pipelines.Body, h *pipelines.Handle) {
	r.Body = body.Object(r.Range)
	r.Handle = h
	e.Add(r)
}

// set adds the attributes of a node that stand in the file.
func set(body *pipelines.Body, typ string, n *document.Node) {
	for _, attribute := range written[typ] {
		native := attribute
		if w := words[attribute]; w != "" {
			native = w
		}
		m := n.Member(native)
		if m == nil {
			continue
		}
		v := evaluated(m.Value)
		v.Range = m.Range
		body.Set(attribute, v)
	}
}

// notes is a list of texts, each with the place that it is about.
type notes []note

type note struct {
	text string
	at   source.Range
}

// value returns the notes as a list; Absent when there are none.
func (n notes) value() value.Value {
	if len(n) == 0 {
		return value.Value{}
	}
	v := value.Value{Kind: value.List, Range: n[0].at}
	for _, x := range n {
		v.Items = append(v.Items, pipelines.String(x.text, x.at))
	}
	return v
}

// first returns the first note as a text; Absent when there is none.
func (n notes) first() value.Value {
	if len(n) == 0 {
		return value.Value{}
	}
	return pipelines.String(n[0].text, n[0].at)
}

// gather finds the expressions below a node, but not below some of its members.
func gather(f *source.File, n *document.Node, skip ...string) []placed {
	var out []placed
	var visit func(n *document.Node, sink string)
	visit = func(n *document.Node, sink string) {
		switch n.Kind {
		case document.Scalar:
			text := pipelines.Join(func(string) *source.File { return f }, n)
			found := expressionsIn(n.Text)
			if sink == "if" {
				found = conditionIn(n.Text)
			}
			for _, x := range found {
				out = append(out, placed{x, sink, "", text, n})
			}
		case document.Sequence:
			for _, item := range n.Items {
				visit(item, sink)
			}
		case document.Mapping:
			for i := range n.Members {
				visit(n.Members[i].Value, sink)
			}
		}
	}
	if n == nil || n.Kind != document.Mapping {
		return nil
	}
	for i := range n.Members {
		if m := &n.Members[i]; !slices.Contains(skip, m.Key.Text) {
			visit(m.Value, m.Key.Text)
		}
	}
	return out
}

// shown are expressions as rules see them.
func (e *evaluation) shown(all []placed, in scope) value.Value {
	if len(all) == 0 {
		return value.Value{}
	}
	list := value.Value{Kind: value.List, Range: all[0].at()}
	for i := range all {
		x := &all[i]
		at := x.at()
		var body pipelines.Body
		body.Set("text", pipelines.String(x.inner, at))
		body.Set("sink", pipelines.String(x.sink, at))
		body.Set("origin", pipelines.String(e.of(&x.expression, in).String(), at))
		if x.node != nil {
			body.Set("contexts", pipelines.Strings(paths(x.node), at))
		}
		list.Items = append(list.Items, body.Object(at))
	}
	return list
}
