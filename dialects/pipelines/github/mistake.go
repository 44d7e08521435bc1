package github

import (
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
)

// The keys of workflows: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax and
// https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
var (
	workflowKeys = []string{"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"}
	jobKeys      = []string{"name", "permissions", "needs", "if", "runs-on", "snapshot", "environment", "concurrency", "outputs", "env", "defaults", "steps", "timeout-minutes",
		"strategy", "continue-on-error", "container", "services", "uses", "with", "secrets"}
	stepKeys   = []string{"id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env", "continue-on-error", "timeout-minutes"}
	actionKeys = []string{"name", "author", "description", "inputs", "outputs", "runs", "branding"}
	contexts   = []string{"github", "env", "vars", "job", "jobs", "steps", "runner", "secrets", "strategy", "matrix", "needs", "inputs"}
)

// unknownKeys tells of keys that mean nothing.
func unknownKeys(n *document.Node, known []string, what string) notes {
	var out notes
	for i := range membersOf(n) {
		if k := n.Members[i].Key; k.Kind == document.Scalar && !slices.Contains(known, k.Text) && !strings.HasPrefix(k.Text, "x-") {
			out = append(out, note{fmt.Sprintf("%s has no key %q", what, k.Text), k.Range})
		}
	}
	return out
}

// brokenExpressions tells of expressions that cannot be read, and of contexts that there are not.
func brokenExpressions(all []placed) notes {
	var out notes
	for i := range all {
		x := &all[i]
		if x.problem != "" && !x.limit {
			out = append(out, note{x.problem, x.at()})
		}
		if x.node == nil {
			continue
		}
		for _, p := range paths(x.node) {
			if root, _, _ := strings.Cut(p, "."); !slices.Contains(contexts, root) {
				out = append(out, note{fmt.Sprintf("there is no context %q", root), x.at()})
			}
		}
	}
	return out
}

func (e *evaluation) mistakesOfStep(s *step) notes {
	out := unknownKeys(s.node, stepKeys, "a step")
	run, uses := s.node.Get("run"), s.node.Get("uses")
	switch {
	case run == nil && uses == nil:
		out = append(out, note{"the step has neither run nor uses", s.place})
	case run != nil && uses != nil:
		out = append(out, note{"the step has both run and uses", s.place})
	}
	if s.of.member == nil && run != nil && s.node.Get("shell") == nil {
		out = append(out, note{"a step of an action that runs a script needs a shell", at(s.node, "run")})
	}
	return append(out, brokenExpressions(s.exprs)...)
}

func (e *evaluation) mistakesOfJob(j *job, exprs []placed) notes {
	out := unknownKeys(j.node, jobKeys, "a job")
	if j.node.Get("runs-on") == nil && j.node.Get("uses") == nil {
		out = append(out, note{"the job has neither runs-on nor uses", j.member.Key.Range})
	}
	for _, n := range scalarsOf(j.node.Get("needs")) {
		if e.model.byID[strings.ToLower(n)] == nil {
			out = append(out, note{fmt.Sprintf("it needs a job %q, which is not there", n), at(j.node, "needs")})
		}
	}
	if e.needsItself(j) {
		out = append(out, note{"the job needs itself, through others or directly", at(j.node, "needs")})
	}
	return append(out, brokenExpressions(exprs)...)
}

// needsItself reports whether following needs leads back to a job.
func (e *evaluation) needsItself(j *job) bool {
	seen := map[*job]bool{}
	open := []*job{j}
	for len(open) > 0 && len(seen) < 1_000 { // a chain of more jobs than GitHub runs at once is no circle that anybody would see
		of := open[len(open)-1]
		open = open[:len(open)-1]
		for _, n := range scalarsOf(of.node.Get("needs")) {
			o := e.model.byID[strings.ToLower(n)]
			if o == j {
				return true
			}
			if o != nil && !seen[o] {
				seen[o] = true
				open = append(open, o)
			}
		}
	}
	return false
}

func (e *evaluation) mistakesOfWorkflow(exprs []placed) notes {
	root := e.model.root
	out := unknownKeys(root, workflowKeys, "a workflow")
	if jobs := root.Get("jobs"); jobs == nil || jobs.Kind != document.Mapping || len(jobs.Members) == 0 {
		out = append(out, note{"the workflow has no jobs", at(root, "jobs")})
	}
	if len(e.model.triggers) == 0 {
		out = append(out, note{"nothing starts the workflow", at(root, "on")})
	}
	for i := range e.model.triggers {
		if t := &e.model.triggers[i]; !slices.Contains(events, t.event) && !strings.Contains(t.event, "${{") {
			out = append(out, note{fmt.Sprintf("there is no event %q", t.event), t.at})
		}
	}
	return append(out, brokenExpressions(exprs)...)
}

// events are those that start workflows: https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
var events = []string{
	"branch_protection_rule", "check_run", "check_suite", "create", "delete", "deployment", "deployment_status", "discussion", "discussion_comment", "fork", "gollum",
	"image_version", "issue_comment", "issues", "label", "merge_group", "milestone", "page_build", "project", "project_card", "project_column", "public", "pull_request",
	"pull_request_comment", "pull_request_review", "pull_request_review_comment", "pull_request_target", "push", "registry_package", "release", "repository_dispatch",
	"schedule", "status", "watch", "workflow_call", "workflow_dispatch", "workflow_run",
}

func mistakesOfAction(m *model) notes {
	out := unknownKeys(m.root, actionKeys, "an action")
	runs := m.root.Get("runs")
	if textOf(runs.Get("using")) == "" {
		out = append(out, note{"the action does not say what runs it", at(m.root, "runs")})
	}
	return out
}
