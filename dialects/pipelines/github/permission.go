package github

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/shell"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// setPermissions adds what a permissions entry grants: scope by scope, or the preset that it names.
func setPermissions(body *pipelines.Body, m *document.Member) {
	if m == nil {
		return
	}
	switch m.Value.Kind {
	case document.Mapping:
		v := evaluated(m.Value)
		v.Range = m.Range
		body.Set("permissions", v)
	case document.Scalar:
		if t := textOf(m.Value); t != "" {
			v := evaluated(m.Value)
			v.Range = m.Range
			body.Set("permissions_preset", v)
		}
	}
}

// writes lists the scopes that a mapping of permissions lets a token write.
func writes(n *document.Node) notes {
	var out notes
	if n == nil || n.Kind != document.Mapping {
		return nil
	}
	for i := range n.Members {
		if m := &n.Members[i]; strings.EqualFold(textOf(m.Value), "write") {
			out = append(out, note{m.Key.Text, m.Range})
		}
	}
	return out
}

// permissionsOfJob adds the permissions that the token of a job has: the job's own, else the workflow's.
func (e *evaluation) permissionsOfJob(body *pipelines.Body, j *job) {
	own := j.node.Member("permissions")
	m := own
	if m == nil {
		m = e.model.root.Member("permissions")
	}
	setPermissions(body, m)
	body.Set("own_permissions", pipelines.Bool(own != nil, at(j.node, "permissions")))
	if m == nil {
		body.Set("permissions_unset", pipelines.Bool(true, j.member.Key.Range))
		return
	}
	body.Set("writes", writes(m.Value).value())
	for _, w := range writes(m.Value) {
		if w.text != "id-token" || own == nil {
			continue
		}
		if _, runs := e.runsOutsidersCode(j); runs {
			body.Set("id_token_exposed", pipelines.Bool(true, w.at))
		}
	}
}

// permissionsOfWorkflow adds the permissions that a workflow says, and those that too many jobs have because it says them.
func (e *evaluation) permissionsOfWorkflow(body *pipelines.Body) {
	root := e.model.root
	m := root.Member("permissions")
	setPermissions(body, m)
	inheriting := 0
	var first *job
	for _, j := range e.model.jobs {
		if j.node.Get("permissions") == nil {
			inheriting++
			if first == nil {
				first = j
			}
		}
	}
	// What is only called has the permissions of its caller at most.
	called := len(e.model.triggers) > 0 && !slices.ContainsFunc(e.model.triggers, func(t trigger) bool { return t.event != "workflow_call" })
	if m == nil && inheriting > 0 && !called {
		body.Set("permissions_unset", pipelines.Bool(true, at(root, "on")))
	}
	if m == nil || inheriting == 0 {
		return
	}
	var unneeded notes
	for _, w := range writes(m.Value) {
		switch {
		case w.text == "id-token" && inheriting > 1:
			body.Set("id_token_exposed", pipelines.Bool(true, w.at))
		case w.text == "id-token":
			if _, runs := e.runsOutsidersCode(first); runs {
				body.Set("id_token_exposed", pipelines.Bool(true, w.at))
			}
		case inheriting > 1:
			unneeded = append(unneeded, w)
		}
	}
	body.Set("unneeded_writes", unneeded.value())
}

// lowerPermissions lowers a wish for permissions where there are none or a word stands for all of them: they are written as a whole,
// and in a workflow above the jobs, where people look for them.
func (e *evaluation) lowerPermissions(n *document.Node, also func(resource.Change) (pipelines.Lowering, bool, error)) func(resource.Change) (pipelines.Lowering, bool, error) {
	return func(c resource.Change) (pipelines.Lowering, bool, error) {
		m := n.Member("permissions")
		if c.Op != resource.Set || len(c.Path) == 0 || c.Path[0].Name != "permissions" || m != nil && m.Value.Kind == document.Mapping {
			if also != nil {
				return also(c)
			}
			return pipelines.Lowering{}, false, nil
		}
		wished := c.Value
		if len(c.Path) == 2 {
			wished = value.Value{Kind: value.Object, Fields: []value.Field{{Name: c.Path[1].Name, Value: c.Value}}}
		}
		if err := e.enough(n, &wished); err != nil {
			return pipelines.Lowering{}, true, err
		}
		l := pipelines.Lowering{Title: "set permissions to " + value.Show(&wished)}
		if m != nil {
			l.Changes = []document.Change{{Op: resource.Set, At: n, Path: value.Path{{Name: "permissions"}}, Value: wished}}
			return l, true, nil
		}
		before := n.Member("jobs")
		if before == nil {
			before = n.Member("steps")
		}
		if before == nil || n.Style != document.Block || before.Merged {
			l.Changes = []document.Change{{Op: resource.Set, At: n, Path: value.Path{{Name: "permissions"}}, Value: wished}}
			return l, true, nil
		}
		edit, err := e.above(before, wished)
		l.Edits = []source.Edit{edit}
		return l, true, err
	}
}

// writers are actions that write with the token of the run, which they take by themselves when nobody gives it to them, as their
// action.yml says (github-token or repo-token with the default ${{ github.token }}).
var writers = []string{
	"actions/stale", "actions/labeler", "actions/first-interaction", "actions/github-script", "actions/deploy-pages",
	"actions/attest", "actions/attest-build-provenance", "actions/attest-sbom", "actions/create-release", "actions/delete-package-versions",
	"dessant/lock-threads", "release-drafter/release-drafter", "softprops/action-gh-release", "ncipollo/release-action",
	"peter-evans/create-or-update-comment", "marocchino/sticky-pull-request-comment", "googleapis/release-please-action",
	"github/codeql-action",
}

// readers are actions that only fetch with the token, wherever they have it from.
var readers = []string{
	"actions/checkout", "actions/cache", "actions/setup-node", "actions/setup-go", "actions/setup-python", "actions/setup-java", "actions/setup-dotnet",
}

// enough reports whether permissions that write nothing may be enough for the jobs that have them from n, the workflow or a job. A
// token that is handed to somebody by name is there for something, and what that is cannot be told from here: a wish that takes the
// right away would end in a run that fails.
func (e *evaluation) enough(n *document.Node, wished *value.Value) error {
	for i := range wished.Fields {
		if wished.Fields[i].Value.Text == "write" {
			return nil
		}
	}
	for _, j := range e.model.jobs {
		if j.node != n && (n != e.model.root || j.node.Get("permissions") != nil) {
			continue
		}
		if user := e.usesToken(j, 0); user != "" {
			return fmt.Errorf("job %s: %s; only its author knows which rights that needs", j.id, user)
		}
	}
	return nil
}

// maxCalls is how deep workflows may call each other: https://docs.github.com/en/actions/reference/workflows-and-actions/reusing-workflow-configurations
const maxCalls = 10

// usesToken says what a job, calls deep in the workflow, does with the token of its run beyond fetching code, or nothing.
func (e *evaluation) usesToken(j *job, calls int) string {
	if j.uses.kind != "" {
		called := e.index.model(e.index.called(j.uses))
		if called == nil || calls == maxCalls {
			return "it calls a workflow that is not here, which gets no more rights than its caller has"
		}
		for _, k := range called.jobs {
			said := k.node.Get("permissions")
			if said == nil {
				said = called.root.Get("permissions")
			}
			if len(writes(said)) > 0 || textOf(said) == "write-all" {
				return "the workflow that it calls asks for rights to write"
			}
			if user := e.usesToken(k, calls+1); said == nil && user != "" {
				return "in the workflow that it calls, " + user
			}
		}
		return ""
	}
	named := func(all []placed) bool {
		return slices.ContainsFunc(all, func(x placed) bool {
			return x.node != nil && slices.ContainsFunc(paths(x.node), func(p string) bool { return p == "github.token" || p == "secrets.github_token" })
		})
	}
	if named(gather(j.of.file.File, j.node, "steps")) {
		return "it uses the token of the run"
	}
	for _, s := range j.steps {
		switch {
		case s.is(readers...):
		case s.is(writers...) || s.is(pushers...):
			return s.uses.repo + " writes to the repository"
		case named(s.exprs):
			return "a step uses the token of the run"
		case s.text != nil && e.pushes(s):
			return "a step pushes with the token of the run"
		}
	}
	return ""
}

// pushes reports whether a script pushes to the repository.
func (e *evaluation) pushes(s *step) bool {
	for i := range e.reads(s).Commands {
		c := &e.reads(s).Commands[i]
		if c.Name == "git" && slices.ContainsFunc(c.Words, func(w shell.Word) bool { return w.Text == "push" }) {
			return true
		}
	}
	return false
}

// above writes permissions in lines of their own above an entry, and above the comments that stand directly above that.
func (e *evaluation) above(m *document.Member, wished value.Value) (source.Edit, error) {
	f := e.model.file
	if problems := f.Problems(); len(problems) > 0 {
		return source.Edit{}, fmt.Errorf("%s is not in order: %s", f.Path, problems[0].Message)
	}
	text := f.Bytes
	line := f.Position(m.Range.Start).Line
	begin := f.Line(line).Start
	indent := string(text[begin:m.Range.Start])
	if strings.TrimLeft(indent, " ") != "" {
		return source.Edit{}, fmt.Errorf("%s shares its line with something else", m.Key.Text)
	}
	for line > 1 && strings.HasPrefix(strings.TrimSpace(f.Text(f.Line(line-1))), "#") {
		line--
	}
	eol := "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		eol = "\r\n"
	}
	var b strings.Builder
	b.WriteString(indent + "permissions:")
	if len(wished.Fields) == 0 {
		b.WriteString(" {}")
	}
	b.WriteString(eol)
	for i := range wished.Fields {
		b.WriteString(indent + "  " + wished.Fields[i].Name + ": " + wished.Fields[i].Value.Text + eol)
	}
	if indent == "" && line > 1 && f.Text(f.Line(line-1)) == "" { // the parts of this file have empty lines between them
		b.WriteString(eol)
	}
	at := f.Line(line).Start
	return source.Edit{Range: source.Range{File: f.Path, Start: at, End: at}, Text: b.String()}, nil
}
