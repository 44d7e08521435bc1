package chart

import (
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
)

// The functions that instrumented templates call. The parser does not know their names, so that no template can.
const (
	fnEmit  = "plumbline_emit"
	fnStep  = "plumbline_step"
	fnEnter = "plumbline_enter"
	fnRange = "plumbline_range"
	fnWith  = "plumbline_with"
	fnPlain = "plumbline_plain"
	fnCall  = "plumbline_call"
	fnHeld  = "plumbline_held"
	fnPaid  = "plumbline_paid"
)

// action is what is known of an action before it runs. Its number is handed to the functions above.
type action struct {
	origin Origin // of what it prints
	from   []candidate
}

// candidate is a place that the value of an action may come from. The first that is set counts.
type candidate struct {
	key     last // the last step to the value, from the argument that goes with the candidate
	frame   int  // when it is the dot or the variable of a block: the action of that block; else -1
	literal bool // no place: something written in the template
	exact   bool
}

// last is the last step to a value: of a table, of a list, or none when the argument itself is it.
type last struct {
	name  string
	index int
	whole bool
}

// instrumenter changes the tree of one template.
type instrumenter struct {
	*renderer
	name   string
	file   *File
	text   string
	used   map[string]bool // functions that are called
	scopes []scope
	quiet  bool // text of tpl: it has no place of its own
}

// scope is a block that sets the dot or variables.
type scope struct {
	action int
	dot    bool
	vars   []string
	start  int
}

// instrument changes the trees of a template and what it defines.
func (in *instrumenter) instrument(trees map[string]*parse.Tree) {
	for _, name := range sortedKeys(trees) {
		t := trees[name]
		if t.Root == nil || parse.IsEmptyTree(t.Root) {
			continue // it counts as not defined when there is another one of its name
		}
		in.scopes = nil
		in.list(t.Root)
		t.Root.Nodes = slices.Insert(t.Root.Nodes, 0, in.statement(fnEnter, t.Root.Pos))
	}
}

func (in *instrumenter) statement(fn string, pos parse.Pos, args ...parse.Node) parse.Node {
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: pos, Pipe: in.pipe(pos, in.command(fn, pos, args...))}
}

func (in *instrumenter) pipe(pos parse.Pos, commands ...*parse.CommandNode) *parse.PipeNode {
	return &parse.PipeNode{NodeType: parse.NodePipe, Pos: pos, Cmds: commands} // nothing reads its line, which would cost a pass over the text
}

func (in *instrumenter) command(fn string, pos parse.Pos, args ...parse.Node) *parse.CommandNode {
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pos, Args: append([]parse.Node{parse.NewIdentifier(fn).SetPos(pos)}, args...)}
}

func number(n int, pos parse.Pos) parse.Node {
	return &parse.NumberNode{NodeType: parse.NodeNumber, Pos: pos, IsInt: true, Int64: int64(n), Text: strconv.Itoa(n)}
}

func (in *instrumenter) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for i, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			in.textNode(n)
		case *parse.ActionNode:
			in.pipeline(n.Pipe)
			in.declare(n.Pipe)
			if len(n.Pipe.Decl) == 0 {
				id, args := in.action(n.Pipe, n.Pos)
				in.actions[id].origin.Start, in.actions[id].origin.End = in.braces(int(n.Pos))
				n.Pipe.Cmds = append(n.Pipe.Cmds, in.command(fnEmit, n.Pos, append([]parse.Node{number(id, n.Pos)}, args...)...))
			}
		case *parse.TemplateNode:
			l.Nodes[i] = in.templateNode(n)
		case *parse.IfNode:
			in.branch(&n.BranchNode, false)
		case *parse.WithNode:
			in.branch(&n.BranchNode, true)
		case *parse.RangeNode:
			in.rangeNode(n)
		}
	}
}

// templateNode makes a call of {{template}}, so that its depth and its output are counted.
func (in *instrumenter) templateNode(n *parse.TemplateNode) parse.Node {
	var arg parse.Node = &parse.NilNode{NodeType: parse.NodeNil, Pos: n.Pos}
	if n.Pipe != nil {
		in.pipeline(n.Pipe)
		arg = n.Pipe
	}
	name := &parse.StringNode{NodeType: parse.NodeString, Pos: n.Pos, Quoted: strconv.Quote(n.Name), Text: n.Name}
	return in.statement(fnCall, n.Pos, name, arg)
}

func (in *instrumenter) branch(n *parse.BranchNode, dot bool) {
	in.pipeline(n.Pipe)
	sc := scope{action: -1, start: int(n.Pos)}
	if dot {
		id, args := in.action(n.Pipe, n.Pos)
		sc.action, sc.dot, sc.vars = id, true, names(n.Pipe)
		n.Pipe.Cmds = append(n.Pipe.Cmds, in.command(fnWith, n.Pos, append([]parse.Node{number(id, n.Pos)}, args...)...))
	}
	in.blocks(sc, n.List, n.ElseList)
}

func (in *instrumenter) rangeNode(n *parse.RangeNode) {
	in.pipeline(n.Pipe)
	id, _ := in.action(nil, n.Pos)
	n.Pipe.Cmds = append(n.Pipe.Cmds, in.command(fnRange, n.Pos, number(id, n.Pos)))
	vars := names(n.Pipe)
	if len(vars) == 2 {
		vars = vars[1:] // the first one is the key
	}
	in.blocks(scope{action: id, dot: true, start: int(n.Pos), vars: vars}, n.List, n.ElseList)
	if n.List != nil {
		n.List.Nodes = slices.Insert(n.List.Nodes, 0, in.statement(fnStep, n.Pos, number(id, n.Pos)))
	}
}

// blocks looks through the two bodies of a block; what it sets holds in the first.
func (in *instrumenter) blocks(s scope, body, otherwise *parse.ListNode) {
	outside := len(in.scopes)
	in.scopes = append(in.scopes, s)
	in.list(body)
	in.scopes = append(in.scopes[:outside], scope{action: -1, start: s.start})
	in.list(otherwise)
	in.scopes = in.scopes[:outside]
}

func names(p *parse.PipeNode) []string {
	var out []string
	for _, d := range p.Decl {
		out = append(out, d.Ident[0])
	}
	return out
}

// declare remembers the variable that an action sets: what it prints later comes from where this value comes from. The value is
// recorded when the action runs.
func (in *instrumenter) declare(p *parse.PipeNode) {
	if len(p.Decl) != 1 {
		return
	}
	id, args := in.action(p, p.Pos)
	p.Cmds = append(p.Cmds, in.command(fnWith, p.Pos, append([]parse.Node{number(id, p.Pos)}, args...)...))
	in.scopes = append(in.scopes, scope{action: id, vars: names(p), start: -1})
}

// textNode puts marks into text.
func (in *instrumenter) textNode(n *parse.TextNode) {
	if in.quiet || !in.marks {
		return
	}
	pos := int(n.Pos)
	if pos+len(n.Text) > len(in.text) || in.text[pos:pos+len(n.Text)] != string(n.Text) {
		return
	}
	out := make([]byte, 0, len(n.Text)+64)
	at := pos
	for line := range strings.Lines(string(n.Text)) {
		i := firstSign(line)
		out = append(out, line[:i]...)
		if i < len(line) {
			o := in.origin(at+i, at+len(strings.TrimRight(line, "\r\n")))
			o.Text = true
			in.origins = append(in.origins, o)
			out = appendMark(out, len(in.origins)-1)
		}
		out = append(out, line[i:]...)
		at += len(line)
	}
	n.Text = out
}

// origin is a place in the template with the blocks around it.
func (in *instrumenter) origin(start, end int) *Origin {
	o := &Origin{Name: in.name, File: in.file, Start: start, End: end, Block: -1}
	for _, s := range in.scopes {
		if s.start >= 0 {
			o.Depth++
			o.Block = s.start
		}
	}
	return o
}

// braces returns the offsets of the braces around a place inside an action.
func (in *instrumenter) braces(pos int) (start, end int) {
	pos = min(pos, len(in.text))
	start, end = strings.LastIndex(in.text[:pos], "{{"), strings.Index(in.text[pos:], "}}")
	if start < 0 || end < 0 {
		return pos, pos
	}
	return start, pos + end + 2
}

// action numbers an action, and finds where its value may come from: the arguments are handed to the function that is called
// with the number.
func (in *instrumenter) action(p *parse.PipeNode, pos parse.Pos) (int, []parse.Node) {
	id := len(in.actions)
	a := action{origin: *in.origin(int(pos), int(pos))}
	if in.quiet {
		a.origin.File = nil
	}
	var args []parse.Node
	if p != nil && in.marks {
		f := finder{in: in}
		f.pipe(p, true)
		a.from, args = f.found, f.args
	}
	in.actions = append(in.actions, a)
	return id, args
}

// pipeline looks through what a pipeline calls.
func (in *instrumenter) pipeline(p *parse.PipeNode) {
	if p == nil {
		return
	}
	var commands []*parse.CommandNode
	for _, c := range p.Cmds {
		builtin, plain := false, fnPlain
		for i, a := range c.Args {
			switch a := a.(type) {
			case *parse.IdentifierNode:
				in.used[a.Ident] = true
				if i == 0 {
					builtin = builtins[a.Ident]
					if len(a.Ident) == 2 { // they print what cannot be compared
						plain = fnHeld
					}
				}
			case *parse.PipeNode:
				in.pipeline(a)
			case *parse.ChainNode:
				if inner, ok := a.Node.(*parse.PipeNode); ok {
					in.pipeline(inner)
				}
			}
			if i > 0 && takesLong(a) {
				a = in.pipe(a.Position(), in.command(fnPaid, a.Position(), a))
				c.Args[i] = a
			}
			if builtin && i > 0 && isVariable(a) {
				c.Args[i] = in.pipe(a.Position(), in.command(plain, a.Position(), a))
			}
		}
		if builtin && len(commands) > 0 {
			commands = append(commands, in.command(plain, c.Pos))
		}
		commands = append(commands, c)
		if takesLong(c.Args[0]) {
			commands = append(commands, in.command(fnPaid, c.Pos))
		}
	}
	p.Cmds = commands
}

// takesLong reports whether a node calls a method that looks at all files or values: those of Files and Values.
func takesLong(n parse.Node) bool {
	var names []string
	switch n := n.(type) {
	case *parse.FieldNode:
		names = n.Ident
	case *parse.VariableNode:
		names = n.Ident
	case *parse.ChainNode:
		names = n.Field
	}
	return slices.ContainsFunc(names, func(name string) bool {
		switch name {
		case "Glob", "AsConfig", "AsSecrets", "Lines", "Get", "GetBytes", "YAML":
			return true
		}
		return false
	})
}

// builtins are text/template's functions that look at text and cannot be called from Go.
var builtins = map[string]bool{"eq": true, "ne": true, "lt": true, "le": true, "gt": true, "ge": true, "len": true, "index": true, "call": true}

func isVariable(n parse.Node) bool {
	switch n.Type() {
	case parse.NodeField, parse.NodeVariable, parse.NodeDot, parse.NodePipe, parse.NodeChain, parse.NodeIdentifier:
		return true
	}
	return false
}
