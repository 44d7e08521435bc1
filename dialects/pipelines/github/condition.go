package github

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rhysd/actionlint"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// constant reports whether an expression is format, join or fromJSON of nothing but literals.
func constant(n actionlint.ExprNode) bool {
	call := false
	literals := true
	walk(n, func(n actionlint.ExprNode) bool {
		switch n := n.(type) {
		case *actionlint.FuncCallNode:
			switch strings.ToLower(n.Callee) {
			case "format", "join":
				call = true
			case "fromjson", "tojson":
			default:
				literals = false
			}
		case *actionlint.VariableNode, *actionlint.ObjectDerefNode, *actionlint.ArrayDerefNode:
			literals = false
		}
		return literals
	})
	return call && literals
}

// conditions adds what is wrong with the if of a job or a step.
func conditions(body *pipelines.Body, e *evaluation, n *document.Node, exprs []placed) {
	m := n.Member("if")
	if m == nil || m.Value.Kind != document.Scalar {
		return
	}
	if alwaysTrue(m.Value) {
		body.Set("always_true", pipelines.Bool(true, m.Range))
	}
	var bots, contains notes
	for i := range exprs {
		x := &exprs[i]
		if x.sink != "if" || x.node == nil {
			continue
		}
		if slices.ContainsFunc(e.events.names, func(t string) bool { return slices.Contains(spoofable, t) }) {
			for range botComparisons(x.node) {
				bots = append(bots, note{x.inner, m.Range})
				break
			}
		}
		for _, c := range unsound(x.node) {
			contains = append(contains, note{c, m.Range})
		}
	}
	body.Set("bot_conditions", bots.value())
	body.Set("unsound_contains", contains.value())
}

// alwaysTrue reports whether a condition has text around its expression: the outcome is a text that is not empty, whatever the
// expression says. A block scalar with a line end behind }} is such a text as well.
func alwaysTrue(n *document.Node) bool {
	if !strings.Contains(n.Text, "${{") {
		return false
	}
	all := expressionsIn(n.Text)
	if len(all) == 1 && all[0].problem == "" && all[0].start == 0 && all[0].end == len(n.Text) {
		return false
	}
	for _, x := range all {
		if x.problem != "" {
			return false
		}
	}
	return true
}

// spoofable are the events in which github.actor is whoever acted last, not who wrote what is looked at:
// https://docs.github.com/en/actions/reference/workflows-and-actions/contexts
var spoofable = []string{"pull_request", "pull_request_target", "issue_comment", "workflow_run"}

// botComparisons are the names of bots that an expression compares the actor with.
func botComparisons(n actionlint.ExprNode) []string {
	var out []string
	walk(n, func(n actionlint.ExprNode) bool {
		c, ok := n.(*actionlint.CompareOpNode)
		if !ok || c.Kind != actionlint.CompareOpNodeKindEq {
			return true
		}
		for _, pair := range [][2]actionlint.ExprNode{{c.Left, c.Right}, {c.Right, c.Left}} {
			p, is := dotted(pair[0])
			if s, text := pair[1].(*actionlint.StringNode); is && text && (p == "github.actor" || p == "github.triggering_actor") && strings.HasSuffix(strings.ToLower(s.Value), "[bot]") {
				out = append(out, s.Value)
			}
		}
		return true
	})
	return out
}

// unsound lists the calls contains('a b c', context) of an expression: they are true of any part of the text, of the empty one too.
func unsound(n actionlint.ExprNode) []string {
	var out []string
	walk(n, func(n actionlint.ExprNode) bool {
		c, ok := n.(*actionlint.FuncCallNode)
		if !ok || !strings.EqualFold(c.Callee, "contains") || len(c.Args) != 2 {
			return true
		}
		s, text := c.Args[0].(*actionlint.StringNode)
		p, is := dotted(c.Args[1])
		chosen := []string{"github.ref", "github.ref_name", "github.head_ref", "github.base_ref", "github.actor", "github.triggering_actor",
			"github.event.pull_request.head.ref", "github.event.pull_request.base.ref", "github.event.pull_request.user.login", "github.event.sender.login"}
		if text && is && slices.Contains(chosen, p) && strings.ContainsAny(s.Value, " ,|;") {
			out = append(out, p)
		}
		return true
	})
	return out
}

// lowerConditions lowers wishes about the if of a job or step.
func (e *evaluation) lowerConditions(n *document.Node) func(resource.Change) (pipelines.Lowering, bool, error) {
	return func(c resource.Change) (pipelines.Lowering, bool, error) {
		if c.Op != resource.Remove || len(c.Path) != 1 {
			return pipelines.Lowering{}, false, nil
		}
		m := n.Member("if")
		if m == nil || m.Value.Kind != document.Scalar {
			return pipelines.Lowering{}, false, nil
		}
		var now, title string
		var err error
		switch c.Path[0].Name {
		case "always_true":
			now, err = bare(m.Value)
			title = "make the condition one expression"
		case "bot_conditions":
			if !slices.ContainsFunc(conditionIn(m.Value.Text), func(x expression) bool { return x.node != nil && len(botComparisons(x.node)) > 0 }) {
				return pipelines.Lowering{}, true, nil
			}
			now, err = e.author(m.Value)
			title = "ask for the author of the pull request"
		case "unsound_contains":
			if !slices.ContainsFunc(conditionIn(m.Value.Text), func(x expression) bool { return x.node != nil && len(unsound(x.node)) > 0 }) {
				return pipelines.Lowering{}, true, nil
			}
			now, err = listed(m.Value)
			title = "compare with the members of a list"
		default:
			return pipelines.Lowering{}, false, nil
		}
		if err != nil || now == "" || now == m.Value.Text {
			return pipelines.Lowering{}, true, err
		}
		return pipelines.Lowering{
			Changes: []document.Change{{Op: resource.Set, At: n, Path: value.Path{{Name: "if"}}, Value: value.Value{Kind: value.String, Text: now}}},
			Also:    []value.Path{{{Name: "if"}}},
			Title:   title,
		}, true, nil
	}
}

// bare writes a condition without brackets, where nothing but operators stands between its expressions.
func bare(n *document.Node) (string, error) {
	if !alwaysTrue(n) {
		return "", nil
	}
	text := strings.TrimSpace(n.Text)
	var out strings.Builder
	at := 0
	all := expressionsIn(text)
	for _, x := range all {
		inner := x.inner
		if _, logical := x.node.(*actionlint.LogicalOpNode); logical && len(all) > 1 {
			inner = "(" + inner + ")"
		}
		out.WriteString(text[at:x.start] + inner)
		at = x.end
	}
	out.WriteString(text[at:])
	now := strings.Join(strings.Fields(out.String()), " ")
	if x := parseExpression(now, 0, len(now)); x.node == nil || strings.HasPrefix(now, "!") {
		return "", fmt.Errorf("what stands around the expression is no operator, so nobody knows what was meant")
	}
	return now, nil
}

// author asks for the author of the pull request instead of who acted last.
func (e *evaluation) author(n *document.Node) (string, error) {
	for _, t := range e.events.names {
		if t != "pull_request" && t != "pull_request_target" {
			return "", fmt.Errorf("the workflow is also started by %s, which has no author of a pull request", t)
		}
	}
	now := n.Text
	for _, old := range []string{"github.actor", "github.triggering_actor"} {
		now = strings.ReplaceAll(now, old+" ==", "github.event.pull_request.user.login ==")
		now = strings.ReplaceAll(now, "== "+old, "== github.event.pull_request.user.login")
	}
	if now == n.Text {
		return "", fmt.Errorf("the comparison is written in a way that is better changed by hand")
	}
	return now, nil
}

// listed writes contains(fromJSON('["a", "b"]'), x) for contains('a b', x).
func listed(n *document.Node) (string, error) {
	now := n.Text
	for _, x := range conditionIn(n.Text) {
		if x.node == nil {
			continue
		}
		walk(x.node, func(n actionlint.ExprNode) bool {
			c, ok := n.(*actionlint.FuncCallNode)
			if !ok || !strings.EqualFold(c.Callee, "contains") || len(c.Args) != 2 {
				return true
			}
			if s, text := c.Args[0].(*actionlint.StringNode); text && strings.ContainsAny(s.Value, " ,|;") && !strings.ContainsAny(s.Value, `'"\`) {
				words := strings.FieldsFunc(s.Value, func(r rune) bool { return strings.ContainsRune(" ,|;", r) })
				now = strings.Replace(now, "'"+s.Value+"'", `fromJSON('["`+strings.Join(words, `", "`)+`"]')`, 1)
			}
			return true
		})
	}
	if now == n.Text {
		return "", fmt.Errorf("the list is written in a way that is better changed by hand")
	}
	return now, nil
}

// insecureCommands is what the runner reads to obey printed commands again. It is an attribute of whoever sets it, and no variable besides.
const insecureCommands = "ACTIONS_ALLOW_UNSECURE_COMMANDS"

// setInsecure says whether an env lets steps set variables by printing commands.
func setInsecure(body *pipelines.Body, n *document.Node) {
	m := n.Get("env").Member(insecureCommands)
	if m == nil {
		return
	}
	v := evaluated(m.Value)
	switch {
	case v.Kind == value.Unknown:
		body.Set("insecure_commands", value.Value{Kind: value.Unknown, Range: m.Range})
	case strings.EqualFold(textOf(m.Value), "true"):
		body.Set("insecure_commands", pipelines.Bool(true, m.Range))
	}
}

// secretUses adds the ways to use secrets that show more of them than is masked, or all of them.
func secretUses(body *pipelines.Body, exprs []placed) {
	var dumps, derived notes
	for i := range exprs {
		x := &exprs[i]
		if x.node == nil {
			continue
		}
		walk(x.node, func(n actionlint.ExprNode) bool {
			p, ok := dotted(n)
			switch n := n.(type) {
			case *actionlint.IndexAccessNode:
				if operand, is := dotted(n.Operand); is && operand == "secrets" {
					if _, text := n.Index.(*actionlint.StringNode); !text {
						dumps = append(dumps, note{x.inner, x.at()})
						return false
					}
				}
			case *actionlint.VariableNode:
				if ok && p == "secrets" {
					dumps = append(dumps, note{x.inner, x.at()})
				}
				return false
			case *actionlint.ObjectDerefNode:
				if call, is := n.Receiver.(*actionlint.FuncCallNode); is && strings.EqualFold(call.Callee, "fromjson") && len(call.Args) == 1 {
					if arg, is := dotted(call.Args[0]); is && strings.HasPrefix(arg, "secrets.") {
						derived = append(derived, note{x.inner, x.at()})
						return false
					}
				}
			}
			return !ok || !strings.HasPrefix(p, "secrets.") || p == "secrets.*"
		})
	}
	body.Set("secret_dumps", dumps.value())
	body.Set("unredacted_secrets", derived.value())
}
