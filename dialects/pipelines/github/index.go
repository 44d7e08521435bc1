package github

import (
	"path"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
)

// index knows the models of all files, and who calls whom in the tree. It may be used by several goroutines.
type index struct {
	paths  []string
	models map[string]func() *model
	calls  func() map[string][]call // by path of the called file
}

// call is one place in the tree that runs a local action or workflow.
type call struct {
	from *model
	job  *job
	step *step // nil for a job that is a workflow
}

func newIndex(e *pipelines.Estate) any {
	x := &index{paths: e.Paths(), models: map[string]func() *model{}}
	for _, p := range x.paths {
		f := e.File(p)
		x.models[p] = sync.OnceValue(func() *model { return modelOf(f) })
	}
	x.calls = sync.OnceValue(x.findCalls)
	return x
}

func (x *index) model(p string) *model {
	if m := x.models[p]; m != nil {
		return m()
	}
	return nil
}

// called returns the file that a local use means: a workflow, or the metadata of an action.
func (x *index) called(u use) string {
	if u.kind != "local" {
		return ""
	}
	for _, p := range []string{u.path, path.Join(u.path, "action.yml"), path.Join(u.path, "action.yaml")} {
		if x.models[p] != nil {
			return p
		}
	}
	return ""
}

func (x *index) findCalls() map[string][]call {
	out := map[string][]call{}
	for _, p := range x.paths {
		m := x.model(p)
		for _, j := range m.jobs {
			if to := x.called(j.uses); to != "" {
				out[to] = append(out[to], call{m, j, nil})
			}
			for _, s := range j.steps {
				if to := x.called(s.uses); to != "" {
					out[to] = append(out[to], call{m, j, s})
				}
			}
		}
	}
	return out
}

// callable reports whether other files may run this one.
func (m *model) callable() bool { return m.action || m.trigger("workflow_call") != nil }

// eventsOf lists the events that can start a model: its own and, of what is called, its callers'. Open says that there may be others.
func (x *index) eventsOf(m *model) (events []string, open bool) {
	seen := map[*model]bool{}
	var visit func(m *model)
	visit = func(m *model) {
		if seen[m] {
			return
		}
		seen[m] = true
		for _, t := range m.triggers {
			if t.event != "workflow_call" && !slices.Contains(events, t.event) {
				events = append(events, t.event)
			}
		}
		if m.callable() {
			open = true
			for _, c := range x.calls()[m.file.Path] {
				visit(c.from)
			}
		}
	}
	visit(m)
	slices.Sort(events)
	return events, open || len(events) == 0
}

// scalarsOf lists the texts of a node: it, or its items.
func scalarsOf(n *document.Node) []string {
	if n == nil {
		return nil
	}
	var out []string
	switch n.Kind {
	case document.Scalar:
		if t := textOf(n); t != "" {
			out = append(out, t)
		}
	case document.Sequence:
		for _, item := range n.Items {
			out = append(out, scalarsOf(item)...)
		}
	}
	return out
}

// isActionFile reports whether a path is that of an action's metadata.
func isActionFile(p string) bool {
	base := strings.ToLower(path.Base(p))
	return (base == "action.yml" || base == "action.yaml") && !isWorkflowFile(p)
}

// isWorkflowFile reports whether a path is that of a workflow; the tree may be the folder .github itself.
func isWorkflowFile(p string) bool {
	ext := strings.ToLower(path.Ext(p))
	return (ext == ".yml" || ext == ".yaml") && (strings.HasSuffix("/"+path.Dir(p), "/.github/workflows") || path.Dir(p) == "workflows")
}
