package github

import (
	"slices"
	"strings"

	"github.com/rhysd/actionlint"
)

// Bounds of one expression: what GitHub allows itself, https://docs.github.com/en/actions/reference/limits. Longer ones are not parsed.
const (
	maxExpression = 21_000 // bytes
	maxNesting    = 50     // brackets in each other
)

// expression is one ${{ … }} in a text, or the whole of a condition.
type expression struct {
	start, end int    // bytes of the text, brackets included
	inner      string // between the brackets, trimmed
	node       actionlint.ExprNode
	problem    string // why there is no node
	limit      bool   // it is because of its size
}

// expressionsIn finds the expressions of a text.
func expressionsIn(text string) []expression {
	var out []expression
	for at := 0; ; {
		i := strings.Index(text[at:], "${{")
		if i < 0 {
			return out
		}
		start := at + i
		end := closing(text, start+3)
		if end < 0 {
			return append(out, expression{start: start, end: len(text), inner: strings.TrimSpace(text[start+3:]), problem: "the expression has no end: }} is missing"})
		}
		out = append(out, parseExpression(text[start+3:end], start, end+2))
		at = end + 2
	}
}

// closing returns where the }} of an expression stands, or -1. Those in texts do not count.
func closing(text string, at int) int {
	quoted := false
	for ; at < len(text); at++ {
		switch {
		case text[at] == '\'':
			quoted = !quoted
		case !quoted && strings.HasPrefix(text[at:], "}}"):
			return at
		}
	}
	return -1
}

// conditionIn reads the value of an if, which needs no brackets.
func conditionIn(text string) []expression {
	if strings.Contains(text, "${{") {
		return expressionsIn(text)
	}
	return []expression{parseExpression(text, 0, len(text))}
}

func parseExpression(inner string, start, end int) expression {
	x := expression{start: start, end: end, inner: strings.TrimSpace(inner)}
	if len(inner) > maxExpression {
		x.problem, x.limit = "the expression is longer than GitHub allows", true
		return x
	}
	depth, quoted := 0, false
	for i := range len(inner) {
		switch c := inner[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(' || c == '[':
			if depth++; depth > maxNesting {
				x.problem, x.limit = "the expression is nested deeper than GitHub allows", true
				return x
			}
		case c == ')' || c == ']':
			depth--
		}
	}
	node, err := actionlint.NewExprParser().Parse(actionlint.NewExprLexer(inner + "}}"))
	if err != nil {
		x.problem = "the expression cannot be read: " + err.Message
		return x
	}
	x.node = node
	return x
}

// dotted writes a chain of accesses as a dotted path in lower case: github.event.commits.*.message. Ok is false for what is no chain.
func dotted(n actionlint.ExprNode) (p string, ok bool) {
	switch n := n.(type) {
	case *actionlint.VariableNode:
		return strings.ToLower(n.Name), true
	case *actionlint.ObjectDerefNode:
		p, ok = dotted(n.Receiver)
		return p + "." + strings.ToLower(n.Property), ok
	case *actionlint.ArrayDerefNode:
		p, ok = dotted(n.Receiver)
		return p + ".*", ok
	case *actionlint.IndexAccessNode:
		p, ok = dotted(n.Operand)
		if s, is := n.Index.(*actionlint.StringNode); is {
			return p + "." + strings.ToLower(s.Value), ok
		}
		return p + ".*", ok
	}
	return "", false
}

// booleans are the functions whose result carries no text of their arguments.
var booleans = []string{"contains", "startswith", "endswith", "success", "failure", "always", "cancelled", "hashfiles"}

// carried lists the paths whose text gets into the result of an expression, in order, each once. What is only compared does not.
func carried(n actionlint.ExprNode) []string {
	var out []string
	carry(n, &out)
	return out
}

func carry(n actionlint.ExprNode, out *[]string) {
	add := func(p string) {
		if !slices.Contains(*out, p) {
			*out = append(*out, p)
		}
	}
	switch n := n.(type) {
	case *actionlint.VariableNode:
		add(strings.ToLower(n.Name))
	case *actionlint.ObjectDerefNode:
		if p, ok := dotted(n); ok {
			add(p)
		} else {
			carry(n.Receiver, out)
		}
	case *actionlint.ArrayDerefNode:
		if p, ok := dotted(n); ok {
			add(p)
		} else {
			carry(n.Receiver, out)
		}
	case *actionlint.IndexAccessNode:
		if p, ok := dotted(n); ok {
			add(p)
		} else {
			carry(n.Operand, out)
		}
	case *actionlint.LogicalOpNode:
		if n.Kind == actionlint.LogicalOpNodeKindOr {
			carry(n.Left, out) // of && the left side is the result only when it is empty, zero or false
		}
		carry(n.Right, out)
	case *actionlint.FuncCallNode:
		if slices.Contains(booleans, strings.ToLower(n.Callee)) {
			return
		}
		for _, arg := range n.Args {
			carry(arg, out)
		}
	}
}

// walk visits every node of an expression until visit says false; then it leaves out what is below.
func walk(n actionlint.ExprNode, visit func(actionlint.ExprNode) bool) {
	if n == nil || !visit(n) {
		return
	}
	switch n := n.(type) {
	case *actionlint.ObjectDerefNode:
		walk(n.Receiver, visit)
	case *actionlint.ArrayDerefNode:
		walk(n.Receiver, visit)
	case *actionlint.IndexAccessNode:
		walk(n.Operand, visit)
		walk(n.Index, visit)
	case *actionlint.NotOpNode:
		walk(n.Operand, visit)
	case *actionlint.CompareOpNode:
		walk(n.Left, visit)
		walk(n.Right, visit)
	case *actionlint.LogicalOpNode:
		walk(n.Left, visit)
		walk(n.Right, visit)
	case *actionlint.FuncCallNode:
		for _, arg := range n.Args {
			walk(arg, visit)
		}
	}
}

// paths lists every path that an expression asks for, also those that are only compared, each once and as long as it is.
func paths(n actionlint.ExprNode) []string {
	var out []string
	walk(n, func(n actionlint.ExprNode) bool {
		p, ok := dotted(n)
		if ok && !slices.Contains(out, p) {
			out = append(out, p)
		}
		if i, is := n.(*actionlint.IndexAccessNode); is && ok {
			out = append(out, paths(i.Index)...)
		}
		return !ok
	})
	return out
}

// literal returns the text of an expression that is a literal, as GitHub writes it.
func literal(n actionlint.ExprNode) (string, bool) {
	switch n := n.(type) {
	case *actionlint.StringNode:
		return n.Value, true
	case *actionlint.BoolNode:
		if n.Value {
			return "true", true
		}
		return "false", true
	case *actionlint.NullNode:
		return "", true
	}
	return "", false
}
