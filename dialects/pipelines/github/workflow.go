package github

import (
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

var derivedOfWorkflow = []string{
	"triggers", "permissions_preset", "permissions_unset", "unneeded_writes", "reusable", "callers", "dangerous_trigger", "dispatch_inputs",
	"insecure_commands", "secret_dumps", "unredacted_secrets", "publishes", "signs", "attests", "mistakes", "expressions", "runs_on_push", "id_token_exposed", "unnamed",
}

// top is the place of what a workflow or action is as a whole: its first line, so that a comment above it speaks of the whole.
func (e *evaluation) top() source.Range { return e.model.root.Range }

// workflow makes the resource of the workflow itself.
func (e *evaluation) workflow() {
	m := e.model
	exprs := gather(m.file.File, m.root, "jobs", "on", "name", "run-name")
	e.bounded(exprs)
	r := &resource.Resource{Address: e.Address(m.address()), Type: "actions_workflow", Name: textOf(m.root.Get("name")), Range: e.top()}
	var body pipelines.Body
	set(&body, "actions_workflow", m.root)
	body = slices.DeleteFunc(body, func(f value.Field) bool { return f.Name == "permissions" })
	body.Set("triggers", pipelines.Strings(e.events.names, at(m.root, "on")))
	body.Set("reusable", pipelines.Bool(m.trigger("workflow_call") != nil, at(m.root, "on")))
	body.Set("callers", e.callers().value())
	e.permissionsOfWorkflow(&body)
	body.Set("dangerous_trigger", e.dangerousTrigger().first())
	body.Set("dispatch_inputs", dispatchInputs(m).value())
	body.Set("runs_on_push", pipelines.Bool(m.trigger("push") != nil || m.trigger("pull_request") != nil, at(m.root, "on")))
	body.Set("expressions", e.shown(exprs, scope{m, nil, nil}))
	setInsecure(&body, m.root)
	secretUses(&body, exprs)
	e.release(&body)
	body.Set("mistakes", e.mistakesOfWorkflow(exprs).value())
	h := e.handle("actions_workflow", m.root, nil, derivedOfWorkflow)
	h.Lower = e.lowerPermissions(m.root, e.lowerName)
	if textOf(m.root.Get("name")) == "" {
		body.Set("unnamed", pipelines.Bool(true, e.FirstLine(e.top())))
	}
	e.add(r, body, h)
	e.variables(m.root.Get("env"), "workflow", r.Address, nil)
}

// address is the address of a workflow or action: after its file, or the folder of an action.
func (m *model) address() string {
	if m.action {
		if dir := path.Base(path.Dir(m.file.Path)); dir != "." {
			return "action." + dir
		}
		return "action"
	}
	base := path.Base(m.file.Path)
	return "workflow." + strings.TrimSuffix(base, path.Ext(base))
}

// callers names the files of the tree that run this one.
func (e *evaluation) callers() notes {
	var out notes
	if !e.model.callable() {
		return nil
	}
	for _, c := range e.index.calls()[e.model.file.Path] {
		if !slices.ContainsFunc(out, func(n note) bool { return n.text == c.from.file.Path }) {
			out = append(out, note{c.from.file.Path, e.top()})
		}
	}
	return out
}

// dispatchInputs are the inputs that whoever starts a workflow by hand may give.
func dispatchInputs(m *model) notes {
	var out notes
	inputs := m.inputsOf("workflow_dispatch")
	if inputs == nil {
		return nil
	}
	for i := range inputs.Members {
		out = append(out, note{inputs.Members[i].Key.Text, inputs.Members[i].Range})
	}
	return out
}

// action makes the resource of an action itself.
func (e *evaluation) action() {
	m := e.model
	r := &resource.Resource{Address: e.Address(m.address()), Type: "actions_action", Name: textOf(m.root.Get("name")), Range: e.top()}
	var body pipelines.Body
	set(&body, "actions_action", m.root)
	runs := m.root.Get("runs")
	for _, attribute := range []string{"using", "main", "image"} {
		if n := runs.Member(attribute); n != nil {
			v := evaluated(n.Value)
			v.Range = n.Range
			body.Set(attribute, v)
		}
	}
	body.Set("callers", e.callers().value())
	body.Set("old_runtime", oldRuntime(runs).first())
	body.Set("mistakes", mistakesOfAction(m).value())
	h := e.handle("actions_action", m.root, nil, []string{"old_runtime", "mistakes", "callers", "unnamed"})
	h.Lower = e.lowerName
	native := h.Native
	h.Native = func(p value.Path) (value.Path, bool) {
		if len(p) == 1 && (p[0].Name == "using" || p[0].Name == "main" || p[0].Name == "image") {
			return value.Path{{Name: "runs"}, p[0]}, true
		}
		return native(p)
	}
	if textOf(m.root.Get("name")) == "" {
		body.Set("unnamed", pipelines.Bool(true, e.FirstLine(e.top())))
	}
	e.add(r, body, h)
	if n := runs.Member("image"); n != nil && textOf(runs.Get("using")) == "docker" {
		if image, ok := cutDocker(textOf(n.Value)); ok {
			e.Add((&pipelines.Image{Address: e.Address(m.address() + ".image"), Use: "action", Image: pipelines.String(image, n.Range), Range: n.Range}).Resource("github"))
		}
	}
}
