package github

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/shell"
	"plumbline.dev/plumbline/source"
)

// privileged are the events that run with the base repository's token, secrets and caches although somebody else's commit causes them.
var privileged = []string{"pull_request_target", "workflow_run", "issue_comment"}

func (e *evaluation) privileged() bool {
	return slices.ContainsFunc(e.events.names, func(t string) bool { return slices.Contains(privileged, t) })
}

// headOf are the contexts that name the commit, branch or repository that an outsider brings.
var headOf = []string{
	"github.head_ref", "github.event.pull_request.head.sha", "github.event.pull_request.head.ref", "github.event.pull_request.head.label",
	"github.event.pull_request.head.repo.full_name", "github.event.pull_request.merge_commit_sha", "github.event.workflow_run.head_sha", "github.event.workflow_run.head_branch",
	"github.event.workflow_run.head_commit.id", "github.event.workflow_run.head_repository.full_name",
}

// headOutputs are outputs of actions that name the head of the pull request somebody commented on.
var headOutputs = map[string][]string{
	"xt0rted/pull-request-comment-branch":   {"head_ref", "head_sha"},
	"alessbell/pull-request-comment-branch": {"head_ref", "head_sha"},
	"eficode/resolve-pr-refs":               {"head_ref", "head_sha"},
	"potiuk/get-workflow-origin":            {"sourceheadbranch", "sourceheadsha", "pullrequestnumber"},
}

// namesHead reports whether a text names the head of a pull request, or its merge.
func (e *evaluation) namesHead(text string, in scope) bool {
	if strings.Contains(text, "refs/pull/") && strings.Contains(text, "${{") {
		return true
	}
	for _, x := range expressionsIn(text) {
		if x.node == nil {
			continue
		}
		for _, p := range carried(x.node) {
			if e.isHead(p, in, 0) {
				return true
			}
		}
		if strings.Contains(strings.ToLower(x.inner), "refs/pull/") {
			return true
		}
	}
	return false
}

func (e *evaluation) isHead(p string, in scope, depth int) bool {
	if slices.Contains(headOf, p) {
		return true
	}
	if depth > 8 {
		return false
	}
	root, rest, _ := strings.Cut(p, ".")
	switch root {
	case "env":
		if n := in.variable(rest); n != nil {
			for _, x := range expressionsIn(textOf(n)) {
				if x.node != nil && slices.ContainsFunc(carried(x.node), func(p string) bool { return e.isHead(p, in, depth+1) }) {
					return true
				}
			}
		}
	case "inputs":
		for _, c := range e.index.calls()[in.model.file.Path] {
			if given := c.given(rest); given != nil {
				for _, x := range expressionsIn(textOf(given)) {
					if x.node != nil && slices.ContainsFunc(carried(x.node), func(p string) bool { return e.isHead(p, c.scope(), depth+1) }) {
						return true
					}
				}
			}
		}
	case "needs":
		id, rest, _ := strings.Cut(rest, ".")
		if _, name, ok := strings.Cut(rest, "."); ok {
			if j := in.model.byID[strings.ToLower(id)]; j != nil {
				if m := member(j.node.Get("outputs"), name); m != nil {
					for _, x := range expressionsIn(textOf(m.Value)) {
						if x.node != nil && slices.ContainsFunc(carried(x.node), func(p string) bool { return e.isHead(p, j.scope(), depth+1) }) {
							return true
						}
					}
				}
			}
		}
	case "steps":
		id, rest, _ := strings.Cut(rest, ".")
		_, name, _ := strings.Cut(rest, ".")
		if in.job == nil {
			return false
		}
		if s := in.job.byID[strings.ToLower(id)]; s != nil {
			return slices.Contains(headOutputs[s.uses.repo], strings.ToLower(name))
		}
	}
	return false
}

// fetchesHead returns how a step brings the head of a pull request into the workspace; ok is false when it does not.
func (e *evaluation) fetchesHead(s *step) (how note, ok bool) {
	in := s.scope()
	if s.is("actions/checkout") {
		for _, input := range []string{"ref", "repository"} {
			if m := s.input(input); m != nil && e.namesHead(textOf(m.Value), in) {
				return note{textOf(m.Value), m.Range}, true
			}
		}
		return note{}, false
	}
	if s.text == nil {
		return note{}, false
	}
	for i := range e.reads(s).Commands {
		c := &e.reads(s).Commands[i]
		if (c.Name == "gh" || c.Name == "hub") && hasWords(c, "pr", "checkout") {
			return note{c.Name + " pr checkout", s.text.Range(c.Start, c.End)}, true
		}
		if c.Name != "git" || len(c.Words) < 2 || !slices.ContainsFunc(c.Words, func(w shell.Word) bool {
			return slices.Contains([]string{"fetch", "checkout", "switch", "pull", "clone", "reset", "merge", "worktree"}, w.Text)
		}) {
			continue
		}
		for w := range c.Words {
			word := &c.Words[w]
			begin := word.Prefix
			if word.Known {
				begin = word.Text
			}
			brings := strings.Contains(begin, "refs/pull/") || strings.HasPrefix(begin, "pull/") || strings.HasPrefix(begin, "+refs/pull/")
			for _, v := range word.Variables {
				brings = brings || e.headVariable(v, s)
			}
			if brings {
				return note{s.text.Text[c.Start:c.End], s.text.Range(c.Start, c.End)}, true
			}
		}
	}
	return note{}, false
}

// headVariable reports whether a variable of a script, or a placeholder in it, names the head.
func (e *evaluation) headVariable(name string, s *step) bool {
	if strings.ContainsAny(name, ".[(") {
		return e.namesHead("${{"+name+"}}", s.scope())
	}
	if name == "GITHUB_HEAD_REF" {
		return true
	}
	n := s.scope().variable(name)
	return n != nil && e.namesHead(textOf(n), s.scope())
}

// hasWords reports whether words stand in a command in this order, side by side.
func hasWords(c *shell.Command, words ...string) bool {
	for i := range c.Words {
		if i+len(words) <= len(c.Words) && slices.EqualFunc(c.Words[i:i+len(words)], words, func(w shell.Word, s string) bool { return w.Known && w.Text == s }) {
			return true
		}
	}
	return false
}

// sameRepository reports whether a condition lets only pull requests from the repository itself, or from people it trusts, through.
func sameRepository(exprs []placed) bool {
	for i := range exprs {
		x := &exprs[i]
		if x.sink != "if" || x.node == nil {
			continue
		}
		inner := strings.ReplaceAll(strings.ToLower(x.inner), " ", "")
		for _, guard := range []string{
			"head.repo.full_name==github.repository", "github.repository==github.event.pull_request.head.repo.full_name",
			"head.repo.full_name==github.event.pull_request.base.repo.full_name", "head.repo.id==github.event.pull_request.base.repo.id", "head.repo.fork==false",
			"!github.event.pull_request.head.repo.fork", "author_association==", ".author_association)",
			"head_repository.full_name==github.repository", "workflow_run.event=='push'", "workflow_run.event!='pull_request'",
			"github.event_name=='push'", "github.event_name=='schedule'", "github.event_name=='workflow_dispatch'", "github.event_name=='release'", "workflow_run.event=='schedule'",
			"workflow_run.event=='release'", "github.event_name=='pull_request'",
		} {
			if strings.Contains(inner, guard) && !strings.Contains(inner, "||") {
				return true
			}
		}
	}
	return false
}

func (e *evaluation) guarded(j *job, s *step) bool {
	return sameRepository(gather(e.model.file.File, j.node, "steps")) || s != nil && sameRepository(s.exprs)
}

// untrustedRef names the head of a pull request that a step checks out, with the rights of the base repository, and that a later step
// of the job runs code of.
func (e *evaluation) untrustedRef(s *step) notes {
	if !e.privileged() {
		return nil
	}
	how, ok := e.fetchesHead(s)
	if !ok || e.guarded(s.of, s) {
		return nil
	}
	dir := ""
	if m := s.input("path"); m != nil {
		dir = strings.Trim(strings.TrimPrefix(textOf(m.Value), "./"), "/")
	}
	for _, later := range s.of.steps {
		if later.index < s.index || later == s && s.text == nil {
			continue
		}
		if e.runsCode(later, dir) {
			return notes{how}
		}
	}
	return nil
}

// inert are programs that do not run what they find in the workspace.
var inert = []string{
	"echo", "printf", "cat", "grep", "egrep", "fgrep", "sed", "awk", "jq", "yq", "cut", "tr", "sort", "uniq", "head", "tail", "wc", "tee", "ls", "cp", "mv", "rm", "mkdir",
	"touch", "chmod", "cd", "pwd", "pushd", "popd", "test", "[", "[[", "true", "false", ":", "exit", "return", "set", "export", "read", "shift", "local", "declare", "unset",
	"git", "gh", "hub", "curl", "wget", "date", "sleep", "diff", "cmp", "comm", "basename", "dirname", "realpath", "readlink", "stat", "du", "df", "md5sum", "sha256sum",
	"sha1sum", "file", "tar", "zip", "unzip", "gzip", "gunzip", "base64", "env", "printenv", "which", "command", "type", "trap", "wait", "kill", "expr", "seq", "id", "whoami",
	"uname", "hostname", "xargs", "find", "break", "continue", "let", "apt", "apt-get", "sudo", "brew", "docker-login", "Write-Output", "Write-Host", "if", "then", "else", "fi",
}

// harmless are actions that do not run what they find in the workspace.
var harmless = []string{
	"actions/checkout", "actions/upload-artifact", "actions/download-artifact", "actions/labeler", "actions/github-script", "actions/cache", "actions/stale",
	"actions/setup-node", "actions/setup-python", "actions/setup-go", "actions/setup-java", "actions/setup-dotnet", "actions/create-github-app-token", "actions/first-interaction",
	"ruby/setup-ruby", "dorny/paths-filter", "tj-actions/changed-files", "peter-evans/create-or-update-comment", "peter-evans/find-comment", "peter-evans/repository-dispatch",
	"marocchino/sticky-pull-request-comment", "amannn/action-semantic-pull-request", "step-security/harden-runner", "docker/login-action", "docker/setup-buildx-action",
	"docker/setup-qemu-action", "docker/metadata-action", "aws-actions/configure-aws-credentials", "google-github-actions/auth", "azure/login", "codecov/codecov-action",
	"xt0rted/pull-request-comment-branch", "actions/attest-build-provenance", "thollander/actions-comment-pull-request",
}

// runsCode reports whether a step runs what is in the workspace, or in a folder of it: a program of it, a build, a test, an action that
// is there.
func (e *evaluation) runsCode(s *step, dir string) bool {
	switch s.uses.kind {
	case "local":
		return true
	case "docker":
		return false
	case "action":
		return !slices.Contains(harmless, s.uses.repo)
	}
	if s.text == nil {
		return false
	}
	if name, _, _ := strings.Cut(s.shell(), " "); strings.HasPrefix(name, "python") || name == "node" {
		return true
	}
	for i := range e.reads(s).Commands {
		c := &e.reads(s).Commands[i]
		if len(c.Words) == 0 || slices.Contains(inert, c.Name) {
			continue
		}
		return true
	}
	return false
}

// runsOutsidersCode reports whether a job builds or tests a pull request: one of a fork can change what runs.
func (e *evaluation) runsOutsidersCode(j *job) (source.Range, bool) {
	if e.model.trigger("pull_request") == nil && !e.privileged() {
		return source.Range{}, false
	}
	for _, s := range j.steps {
		head := len(e.untrustedRef(s)) > 0
		plain := e.model.trigger("pull_request") != nil && s.is("actions/checkout") && s.input("ref") == nil && s.input("repository") == nil && !notOnPull(j, s, e)
		if !head && !plain {
			continue
		}
		for _, later := range j.steps {
			if later.index > s.index && e.runsCode(later, "") {
				return later.place, true
			}
		}
	}
	return source.Range{}, false
}

// notOnPull reports whether a condition keeps a job or step from running for pull requests.
func notOnPull(j *job, s *step, e *evaluation) bool {
	all := append(gather(e.model.file.File, j.node, "steps"), s.exprs...)
	for i := range all {
		inner := strings.ReplaceAll(strings.ToLower(all[i].inner), " ", "")
		if all[i].sink == "if" && !strings.Contains(inner, "||") && (strings.Contains(inner, "github.event_name!='pull_request'") || strings.Contains(inner, "github.event_name=='") && !strings.Contains(inner, "=='pull_request") || strings.Contains(inner, "github.ref=='refs/heads/") || strings.Contains(inner, "startswith(github.ref,'refs/tags")) {
			return true
		}
	}
	return false
}

// dangerousTrigger names the event that gives a workflow the rights of the repository for what an outsider does, where that is more
// than an answer: a job takes the token's default rights, checks code out, or reads secrets. A checkout of the head that is run is
// told of by itself.
func (e *evaluation) dangerousTrigger() notes {
	m := e.model
	var which *trigger
	for i := range m.triggers {
		if t := &m.triggers[i]; t.event == "pull_request_target" || t.event == "workflow_run" {
			which = t
			break
		}
	}
	if which == nil {
		return nil
	}
	risky := false
	for _, j := range m.jobs {
		for _, s := range j.steps {
			if len(e.untrustedRef(s)) > 0 || len(e.untrustedArtifact(s)) > 0 {
				return nil
			}
			if s.is("actions/checkout") || s.uses.kind == "local" {
				risky = true
			}
		}
		if e.guarded(j, nil) {
			continue
		}
		if j.node.Get("permissions") == nil && m.root.Get("permissions") == nil || textOf(j.node.Get("secrets")) == "inherit" || len(e.secretsOf(j)) > 0 {
			risky = true
		}
	}
	if !risky {
		return nil
	}
	return notes{{which.event, which.at}}
}

// setAppToken says whether the token that a step makes for an app is narrower than the app.
func setAppToken(body *pipelines.Body, s *step) {
	if !s.is("actions/create-github-app-token", "tibdex/github-app-token") {
		return
	}
	scoped := false
	with := s.node.Get("with")
	for i := range membersOf(with) {
		name := strings.ToLower(with.Members[i].Key.Text)
		scoped = scoped || strings.HasPrefix(name, "permission-") || name == "permissions"
	}
	place := s.uses.at
	if m := s.node.Member("uses"); m != nil {
		place = m.Range
	}
	if owner := s.input("owner"); owner != nil && s.input("repositories") == nil && s.is("actions/create-github-app-token") {
		body.Set("app_token_scoped", pipelines.Bool(false, owner.Range))
		return
	}
	body.Set("app_token_scoped", pipelines.Bool(scoped, place))
}
