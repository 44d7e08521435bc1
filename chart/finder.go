package chart

import (
	"slices"
	"text/template/parse"
)

// finder finds the places that the value of a pipeline may come from, as far as the template says.
type finder struct {
	in    *instrumenter
	found []candidate
	args  []parse.Node
	depth int
}

// through are functions whose result comes from one of their arguments, the one of that number: -1 is the last. Those that are
// exact give it as it is.
var through = map[string]struct {
	arg   int
	exact bool
}{
	"toYaml": {-1, true}, "toYamlPretty": {-1, true}, "toJson": {-1, true}, "toRawJson": {-1, true}, "toPrettyJson": {-1, true}, "mustToJson": {-1, true},
	"quote": {-1, true}, "squote": {-1, true}, "toString": {-1, true}, "int": {-1, true}, "int64": {-1, true}, "float64": {-1, true},
	"indent": {-1, true}, "nindent": {-1, true}, "trim": {-1, true}, "required": {-1, true}, "tpl": {1, true}, "omit": {1, true}, "pick": {1, false},
	"deepCopy": {-1, true}, "mustDeepCopy": {-1, true}, "print": {-1, true},
	"trunc": {-1, false}, "trimSuffix": {-1, false}, "trimPrefix": {-1, false}, "trimAll": {-1, false}, "lower": {-1, false}, "upper": {-1, false},
	"b64enc": {-1, false}, "replace": {-1, false}, "printf": {-1, false}, "title": {-1, false}, "nospace": {-1, false}, "sha256sum": {-1, false},
	"first": {-1, false}, "last": {-1, false}, "join": {-1, false}, "uniq": {-1, false},
}

// pipe looks at a pipeline from its end.
func (f *finder) pipe(p *parse.PipeNode, exact bool) {
	commands := p.Cmds
	commands = slices.DeleteFunc(slices.Clone(commands), func(c *parse.CommandNode) bool {
		id, ok := c.Args[0].(*parse.IdentifierNode)
		return ok && ((id.Ident == fnPlain || id.Ident == fnHeld || id.Ident == fnPaid) && len(c.Args) == 1 || id.Ident == fnWith)
	})
	f.commands(commands, exact)
}

func (f *finder) commands(commands []*parse.CommandNode, exact bool) {
	f.depth++
	defer func() { f.depth-- }()
	if len(commands) == 0 || f.depth > 20 || len(f.found) > 8 {
		return
	}
	c, before := commands[len(commands)-1], commands[:len(commands)-1]
	id, isCall := c.Args[0].(*parse.IdentifierNode)
	if !isCall {
		if len(before) == 0 && len(c.Args) == 1 {
			f.node(c.Args[0], exact)
		}
		return
	}
	// operand looks at an argument of the call, the piped one being the last.
	operands := len(c.Args) - 1
	if len(before) > 0 {
		operands++
	}
	operand := func(i int, exact bool) {
		switch {
		case i < 1 || i > operands:
		case i < len(c.Args):
			f.node(c.Args[i], exact)
		default:
			f.commands(before, exact)
		}
	}
	switch id.Ident {
	case fnPlain, fnHeld, fnPaid:
		operand(1, exact)
	case "default":
		operand(operands, exact)
		operand(1, exact)
	case "coalesce":
		for i := 1; i <= operands; i++ {
			operand(i, exact)
		}
	case "index", "get":
		f.indexed(c, operands, exact)
	default:
		t, ok := through[id.Ident]
		if !ok {
			return
		}
		if id.Ident == "printf" && operands != 2 || id.Ident == "print" && operands != 1 {
			return
		}
		if t.arg < 0 {
			t.arg = operands
		}
		operand(t.arg, exact && t.exact)
	}
}

// indexed is index .Values "a" "b".
func (f *finder) indexed(c *parse.CommandNode, operands int, exact bool) {
	if operands != len(c.Args)-1 || operands < 2 {
		return
	}
	end, parent := c.Args[operands], c.Args[:operands]
	if p, ok := end.(*parse.PipeNode); ok && len(p.Cmds) == 1 && len(p.Cmds[0].Args) == 2 {
		end = p.Cmds[0].Args[1]
	}
	var key last
	switch end := end.(type) {
	case *parse.StringNode:
		key = last{name: end.Text}
	case *parse.NumberNode:
		if !end.IsInt {
			return
		}
		key = last{index: int(end.Int64)}
	default:
		return
	}
	var arg parse.Node = parent[1]
	if len(parent) > 2 {
		arg = f.in.pipe(c.Pos, &parse.CommandNode{NodeType: parse.NodeCommand, Pos: c.Pos, Args: slices.Clone(parent)})
	}
	f.add(arg, candidate{key: key, frame: -1, exact: exact})
}

func (f *finder) add(arg parse.Node, c candidate) {
	f.found = append(f.found, c)
	f.args = append(f.args, arg)
}

func (f *finder) node(n parse.Node, exact bool) {
	switch n := n.(type) {
	case *parse.FieldNode:
		var parent parse.Node = &parse.DotNode{NodeType: parse.NodeDot, Pos: n.Pos}
		if k := len(n.Ident) - 1; k > 0 {
			parent = &parse.FieldNode{NodeType: parse.NodeField, Pos: n.Pos, Ident: n.Ident[:k]}
		}
		f.add(parent, candidate{key: last{name: n.Ident[len(n.Ident)-1]}, frame: -1, exact: exact})
	case *parse.VariableNode:
		if k := len(n.Ident) - 1; k > 0 {
			parent := &parse.VariableNode{NodeType: parse.NodeVariable, Pos: n.Pos, Ident: n.Ident[:k]}
			f.add(parent, candidate{key: last{name: n.Ident[k]}, frame: -1, exact: exact})
			return
		}
		f.add(n, candidate{key: last{whole: true}, frame: f.in.frameOf(n.Ident[0]), exact: exact})
	case *parse.DotNode:
		f.add(n, candidate{key: last{whole: true}, frame: f.in.frameOf(""), exact: exact})
	case *parse.ChainNode:
		if len(n.Field) == 0 {
			return
		}
		k := len(n.Field) - 1
		parent := n.Node
		if k > 0 {
			parent = &parse.ChainNode{NodeType: parse.NodeChain, Pos: n.Pos, Node: n.Node, Field: n.Field[:k]}
		}
		f.add(parent, candidate{key: last{name: n.Field[k]}, frame: -1, exact: exact})
	case *parse.PipeNode:
		f.pipe(n, exact)
	case *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
		f.add(&parse.NilNode{NodeType: parse.NodeNil, Pos: n.Position()}, candidate{literal: true, frame: -1})
	}
}

// frameOf returns the action of the block that set a variable, or the dot for an empty name.
func (in *instrumenter) frameOf(name string) int {
	for _, s := range slices.Backward(in.scopes) {
		if name == "" && s.dot || name != "" && slices.Contains(s.vars, name) {
			return s.action
		}
	}
	return -1
}
