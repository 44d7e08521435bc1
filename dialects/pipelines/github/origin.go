package github

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/shell"
)

// origin says who decides on a text.
type origin int

// From nobody to anybody. The zero is a text that nobody can choose freely: a number, a commit, a name of GitHub's.
const (
	safe     origin = iota
	ofRun           // something that was worked out in the run, or is set by those who administer the repository
	ofSecret        // a secret
	ofInput         // whoever may start the workflow, or calls the action
	outsider        // anybody: the author of an issue, a pull request, a comment or a commit
)

var originNames = [...]string{"safe", "run", "secret", "input", "outsider"}

func (o origin) String() string { return originNames[o] }

// outsiders are the contexts whose text anybody can choose, and the events that fill them: by the first name behind github.event.
//
// https://docs.github.com/en/actions/concepts/security/script-injections says that they end with body, default_branch, email,
// head_ref, label, message, name, page_name, ref and title; which of them an outsider writes follows from
// https://docs.github.com/en/webhooks/webhook-events-and-payloads.
var outsiders = []struct {
	path   string
	events []string // none: any
}{
	{"github.head_ref", pulls},
	{"github.event.issue.title", issues},
	{"github.event.issue.body", issues},
	{"github.event.changes.title.from", nil},
	{"github.event.changes.body.from", nil},
	{"github.event.comment.body", []string{"issue_comment", "commit_comment", "discussion_comment", "pull_request_review_comment"}},
	{"github.event.discussion.title", discussions},
	{"github.event.discussion.body", discussions},
	{"github.event.pull_request.title", pulls},
	{"github.event.pull_request.body", pulls},
	{"github.event.pull_request.head.ref", pulls},
	{"github.event.pull_request.head.label", pulls},
	{"github.event.pull_request.head.repo.default_branch", pulls},
	{"github.event.pull_request.head.repo.description", pulls},
	{"github.event.pull_request.head.repo.homepage", pulls},
	{"github.event.review.body", []string{"pull_request_review", "pull_request_review_comment"}},
	{"github.event.review_comment.body", nil},
	{"github.event.pages.*.page_name", []string{"gollum"}},
	{"github.event.pages.*.title", []string{"gollum"}},
	{"github.event.commits.*.message", []string{"push"}},
	{"github.event.commits.*.author.name", []string{"push"}},
	{"github.event.commits.*.author.email", []string{"push"}},
	{"github.event.commits.*.committer.name", []string{"push"}},
	{"github.event.commits.*.committer.email", []string{"push"}},
	{"github.event.head_commit.message", []string{"push"}},
	{"github.event.head_commit.author.name", []string{"push"}},
	{"github.event.head_commit.author.email", []string{"push"}},
	{"github.event.head_commit.committer.name", []string{"push"}},
	{"github.event.head_commit.committer.email", []string{"push"}},
	{"github.event.merge_group.head_commit.message", []string{"merge_group"}},
	{"github.event.workflow_run.head_branch", runs},
	{"github.event.workflow_run.display_title", runs},
	{"github.event.workflow_run.head_commit.message", runs},
	{"github.event.workflow_run.head_commit.author.name", runs},
	{"github.event.workflow_run.head_commit.author.email", runs},
	{"github.event.workflow_run.head_commit.committer.name", runs},
	{"github.event.workflow_run.head_commit.committer.email", runs},
	{"github.event.workflow_run.head_repository.description", runs},
	{"github.event.workflow_run.pull_requests.*.head.ref", runs},
	{"github.event.check_run.check_suite.head_branch", nil},
	{"github.event.check_suite.head_branch", nil},
}

var (
	pulls       = []string{"pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"}
	issues      = []string{"issues", "issue_comment"}
	discussions = []string{"discussion", "discussion_comment"}
	runs        = []string{"workflow_run"}
)

// outputs of actions that are names which outsiders choose: files, branches.
var outsidersOutputs = map[string][]string{
	"tj-actions/changed-files":              {"*_files"},
	"dorny/paths-filter":                    {"*_files"},
	"jitterbit/get-changed-files":           {"*"},
	"trilom/file-changes-action":            {"*"},
	"tj-actions/branch-names":               {"current_branch", "head_ref_branch", "ref_branch"},
	"xt0rted/pull-request-comment-branch":   {"head_ref"},
	"alessbell/pull-request-comment-branch": {"head_ref"},
	"potiuk/get-workflow-origin":            {"sourceheadbranch"},
}

// plain are the last names of paths below github.event whose values have no signs that a shell could take for its own: numbers, commits,
// times, addresses and names of GitHub's.
var plain = []string{
	"action", "active", "additions", "after", "before", "archived", "author_association", "base_ref", "changed_files", "closed_at",
	"commit_id", "conclusion", "created_at", "deletions", "draft", "event", "forced", "full_name", "html_url", "id", "locked", "login", "merge_commit_sha",
	"merged", "merged_at", "node_id", "number", "private", "prerelease", "run_attempt", "run_id", "run_number", "sha", "head_sha", "size", "state",
	"state_reason", "status", "updated_at", "url", "visibility", "clone_url", "ssh_url", "git_url", "diff_url", "patch_url", "avatar_url", "compare",
	"comments", "comments_url", "issue_url", "type", "workflow_id", "check_suite_id", "timestamp", "tree_id", "distinct", "rebaseable", "mergeable", "mergeable_state",
}

// free are the names of the github context itself that somebody chooses who may write to the repository. All others are GitHub's.
var free = []string{"ref", "ref_name", "workflow", "workflow_ref"}

// asker answers who decides on an expression. It belongs to one evaluation and remembers what it was asked.
type asker struct {
	index  *index
	memory map[string]origin
	busy   map[string]bool
	events map[*model]eventSet

	scripts map[*step]*shell.Script
}

type eventSet struct {
	names []string
	open  bool
}

func newAsker(x *index) *asker {
	return &asker{index: x, memory: map[string]origin{}, busy: map[string]bool{}, events: map[*model]eventSet{}, scripts: map[*step]*shell.Script{}}
}

func (a *asker) eventsOf(m *model) eventSet {
	e, ok := a.events[m]
	if !ok {
		e.names, e.open = a.index.eventsOf(m)
		a.events[m] = e
	}
	return e
}

// scope is where an expression stands: what it can see. Step is nil in a job's own fields, job nil in a workflow's.
type scope struct {
	model *model
	job   *job
	step  *step
}

func (s *step) scope() scope { return scope{s.of.of, s.of, s} }
func (j *job) scope() scope  { return scope{j.of, j, nil} }

// of returns who decides on the text that an expression becomes.
func (a *asker) of(x *expression, in scope) origin {
	if x.node == nil {
		return ofRun
	}
	out := safe
	for _, p := range carried(x.node) {
		out = max(out, a.path(p, in))
	}
	return out
}

// text returns who decides on a text that may hold expressions.
func (a *asker) text(text string, in scope) origin {
	out := safe
	for _, x := range expressionsIn(text) {
		out = max(out, a.of(&x, in))
	}
	return out
}

// path returns who decides on the text of a context.
func (a *asker) path(p string, in scope) origin {
	root, rest, _ := strings.Cut(p, ".")
	switch root {
	case "github":
		return a.once(root, rest, scope{model: in.model}, func() origin { return a.github(p, rest, in) })
	case "secrets":
		return ofSecret
	case "inputs":
		return a.once("inputs", rest, in, func() origin { return a.input(rest, in) })
	case "env":
		return a.once("env", rest, in, func() origin { return a.env(rest, in) })
	case "steps":
		return a.once("steps", rest, in, func() origin { return a.output(rest, in) })
	case "needs":
		return a.once("needs", rest, in, func() origin { return a.needs(rest, in) })
	case "matrix":
		return a.once("matrix", rest, in, func() origin { return a.matrix(rest, in) })
	case "vars":
		return ofRun
	case "jobs":
		return ofRun
	}
	return safe // runner, job, strategy
}

// once remembers an answer. What asks for itself gives nothing.
func (a *asker) once(root, rest string, in scope, work func() origin) origin {
	key := root + "." + rest + "\x00" + in.model.file.Path + "\x00"
	if in.job != nil {
		key += in.job.id
	}
	if in.step != nil {
		key += "\x00" + string(rune(in.step.index))
	}
	if o, ok := a.memory[key]; ok {
		return o
	}
	if a.busy[key] {
		return safe
	}
	if len(a.busy) > 200 {
		return ofRun
	}
	a.busy[key] = true
	o := work()
	delete(a.busy, key)
	a.memory[key] = o
	return o
}

func (a *asker) github(p, rest string, in scope) origin {
	events := a.eventsOf(in.model)
	for i := range outsiders {
		o := &outsiders[i]
		if !events.open && len(o.events) > 0 && !slices.ContainsFunc(o.events, func(e string) bool { return slices.Contains(events.names, e) }) {
			continue
		}
		if covers(o.path, p) {
			return outsider
		}
	}
	first, more, deep := strings.Cut(rest, ".")
	switch {
	case first == "":
		return outsider // all of it, with the event
	case first == "token":
		return ofSecret
	case first == "event":
		if next, _, _ := strings.Cut(more, "."); next == "inputs" || next == "client_payload" {
			if _, name, named := strings.Cut(more, "."); next == "inputs" && named {
				return a.path("inputs."+name, in)
			}
			return ofInput
		}
		if !deep || slices.Contains(plain, p[strings.LastIndexByte(p, '.')+1:]) || strings.HasPrefix(more, "repository.") || strings.HasPrefix(more, "organization.") || strings.HasPrefix(more, "enterprise.") {
			return safe
		}
		for i := range outsiders {
			if covers(outsiders[i].path, p) {
				return safe // an event that never comes leaves it empty
			}
		}
		return ofRun
	case slices.Contains(free, first):
		return ofRun
	}
	return safe
}

// covers reports whether a context is one that outsiders choose, or holds one: github.event holds them all. A * stands for any name.
func covers(tainted, p string) bool {
	t, q := strings.Split(tainted, "."), strings.Split(p, ".")
	for i := range min(len(t), len(q)) {
		if t[i] != q[i] && t[i] != "*" && q[i] != "*" {
			return false
		}
	}
	return len(q) <= len(t)
}

// input returns who decides on an input of a workflow or an action.
func (a *asker) input(name string, in scope) origin {
	m := in.model
	name, _, _ = strings.Cut(name, ".")
	worst := safe
	declared := false
	for _, inputs := range []*document.Node{m.root.Get("inputs"), m.inputsOf("workflow_dispatch"), m.inputsOf("workflow_call")} {
		d := member(inputs, name)
		if d == nil {
			continue
		}
		declared = true
		switch strings.ToLower(textOf(d.Value.Get("type"))) {
		case "boolean", "number", "choice", "environment":
		default:
			worst = ofInput
		}
	}
	if declared && worst == safe {
		return safe
	}
	for _, c := range a.index.calls()[m.file.Path] {
		if given := c.given(name); given != nil && given.Kind == document.Scalar && a.text(given.Text, c.scope()) == outsider {
			return outsider
		}
	}
	return ofInput
}

func (m *model) inputsOf(event string) *document.Node {
	if t := m.trigger(event); t != nil {
		return t.config.Get("inputs")
	}
	return nil
}

// given returns what a call gives for an input.
func (c *call) given(name string) *document.Node {
	holder := c.job.node
	if c.step != nil {
		holder = c.step.node
	}
	if m := member(holder.Get("with"), name); m != nil {
		return m.Value
	}
	return nil
}

func (c *call) scope() scope { return scope{c.from, c.job, c.step} }

// env returns who decides on a variable of the env context.
func (a *asker) env(name string, in scope) origin {
	if n := in.variable(name); n != nil {
		outer := in
		return a.text(textOf(n), outer)
	}
	return ofRun // set while the job runs, or not at all
}

// variable returns the value that env gives a variable, the nearest one. Names do not depend on case in expressions.
func (s scope) variable(name string) *document.Node {
	var holders []*document.Node
	if s.step != nil {
		holders = append(holders, s.step.node)
	}
	if s.job != nil && s.job.member != nil {
		holders = append(holders, s.job.node)
	}
	if !s.model.action {
		holders = append(holders, s.model.root)
	}
	for _, h := range holders {
		if m := member(h.Get("env"), name); m != nil && m.Value.Kind == document.Scalar {
			return m.Value
		}
	}
	return nil
}

// variableExactly reports whether env gives a variable of just that name, case included, to the script of a step.
func (s scope) variableExactly(name string) bool {
	for _, h := range []*document.Node{s.step.node, s.job.node, s.model.root} {
		if h.Get("env").Get(name) != nil {
			return true
		}
	}
	return false
}

// output returns who decides on steps.ID.outputs.NAME.
func (a *asker) output(rest string, in scope) origin {
	id, rest, _ := strings.Cut(rest, ".")
	kind, name, _ := strings.Cut(rest, ".")
	if kind == "outcome" || kind == "conclusion" {
		return safe
	}
	if in.job == nil {
		return ofRun
	}
	if s := in.job.byID[strings.ToLower(id)]; s != nil {
		if s.uses.kind == "action" {
			for _, pattern := range outsidersOutputs[s.uses.repo] {
				if pattern == "*" || strings.EqualFold(pattern, name) || strings.HasPrefix(pattern, "*") && strings.HasSuffix(name, pattern[1:]) || name == "*" || name == "" {
					if s.uses.repo == "tj-actions/changed-files" && a.boolOutput(name) {
						return safe
					}
					return outsider
				}
			}
			return ofRun
		}
		if s.text != nil {
			return a.written(s, name)
		}
	}
	return ofRun
}

// boolOutput reports whether an output of a list of files only says whether there are any.
func (*asker) boolOutput(name string) bool {
	return strings.HasPrefix(name, "any_") || strings.HasPrefix(name, "only_") || strings.HasSuffix(name, "_count")
}

// needs returns who decides on needs.JOB.outputs.NAME.
func (a *asker) needs(rest string, in scope) origin {
	id, rest, _ := strings.Cut(rest, ".")
	kind, name, _ := strings.Cut(rest, ".")
	if kind == "result" {
		return safe
	}
	if j := in.model.byID[strings.ToLower(id)]; j != nil {
		if m := member(j.node.Get("outputs"), name); m != nil && m.Value.Kind == document.Scalar {
			return a.text(m.Value.Text, j.scope())
		}
	}
	return ofRun
}

// matrix returns who decides on matrix.NAME: nobody, where all its values are written in the workflow.
func (a *asker) matrix(rest string, in scope) origin {
	if in.job == nil {
		return ofRun
	}
	name, _, _ := strings.Cut(rest, ".")
	m := in.job.node.Get("strategy").Get("matrix")
	if m == nil {
		return ofRun
	}
	if m.Kind == document.Scalar {
		return max(ofRun, a.text(m.Text, in.job.scope()))
	}
	out := safe
	found := false
	var visit func(n *document.Node)
	visit = func(n *document.Node) {
		if n == nil {
			return
		}
		if n.Kind == document.Scalar {
			found = true
			if strings.Contains(n.Text, "${{") {
				out = max(out, ofRun, a.text(n.Text, in.job.scope()))
			}
		}
		for _, item := range n.Items {
			visit(item)
		}
		for i := range n.Members {
			visit(n.Members[i].Value)
		}
	}
	if name == "" || name == "*" {
		visit(m)
	} else {
		if d := member(m, name); d != nil {
			visit(d.Value)
		}
		if include := m.Get("include"); include != nil {
			if include.Kind == document.Scalar {
				visit(include)
			}
			for _, item := range include.Items {
				if d := member(item, name); d != nil {
					visit(d.Value)
				}
			}
		}
	}
	if !found {
		return ofRun
	}
	return out
}
