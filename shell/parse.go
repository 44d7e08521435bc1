package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// parse reads a script with the parser of bash, whose language holds the POSIX shell's.
func parse(text string, depth int) (Script, bool) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return Script{}, false
	}
	r := &reader{text: text, depth: depth}
	r.stmts(file.Stmts, pipe{})
	slices.SortStableFunc(r.commands, func(a, b Command) int { return a.Start - b.Start })
	s := Script{Text: text, Commands: r.commands}
	s.Pipefail = pipefail(r.commands, r.firstPipe)
	return s, true
}

// pipefail reports whether set -o pipefail stands before the first pipe, or anywhere when there is none (0).
func pipefail(commands []Command, before int) bool {
	for i := range commands {
		c := &commands[i]
		if before > 0 && c.Start >= before {
			break
		}
		if c.Name != "set" {
			continue
		}
		for j := 1; j+1 < len(c.Words); j++ {
			if w := c.Words[j].Text; strings.HasPrefix(w, "-") && strings.HasSuffix(w, "o") && c.Words[j+1].Text == "pipefail" {
				return true
			}
		}
	}
	return false
}

// pipe is what a command is piped to and from.
type pipe struct {
	into, from []string
}

type reader struct {
	text      string
	depth     int
	commands  []Command
	firstPipe int // where the first | stands; 0 when there is none
}

func (r *reader) stmts(list []*syntax.Stmt, p pipe) {
	for _, s := range list {
		r.stmt(s, p)
	}
}

func (r *reader) stmt(s *syntax.Stmt, p pipe) {
	if s == nil {
		return
	}
	if call, ok := s.Cmd.(*syntax.CallExpr); ok {
		r.call(s, call, p)
		return
	}
	if d, ok := s.Cmd.(*syntax.DeclClause); ok {
		r.declare(s, d, p)
		return
	}
	if s.Cmd == nil && len(s.Redirs) > 0 { // > file
		r.call(s, &syntax.CallExpr{}, p)
		return
	}
	for _, d := range s.Redirs {
		p = r.redirected(d, p)
	}
	switch c := s.Cmd.(type) {
	case *syntax.BinaryCmd:
		r.binary(c, p)
	case *syntax.Block:
		r.stmts(c.Stmts, p)
	case *syntax.Subshell:
		r.stmts(c.Stmts, p)
	case *syntax.IfClause:
		for ; c != nil; c = c.Else {
			r.stmts(c.Cond, p)
			r.stmts(c.Then, p)
		}
	case *syntax.WhileClause:
		r.stmts(c.Cond, p)
		r.stmts(c.Do, p)
	case *syntax.ForClause:
		if l, ok := c.Loop.(*syntax.WordIter); ok {
			for _, w := range l.Items {
				r.inside(w)
			}
		} else {
			r.inside(c.Loop)
		}
		r.stmts(c.Do, p)
	case *syntax.CaseClause:
		r.inside(c.Word)
		for _, item := range c.Items {
			r.stmts(item.Stmts, p)
		}
	case *syntax.FuncDecl:
		r.stmt(c.Body, p)
	case *syntax.TimeClause:
		from := len(r.commands)
		r.stmt(c.Stmt, p)
		if len(r.commands) == from+1 {
			r.commands[from].Wrappers = append([]string{"time"}, r.commands[from].Wrappers...)
		}
	case *syntax.CoprocClause:
		r.stmt(c.Stmt, p)
	case *syntax.TestClause, *syntax.ArithmCmd, *syntax.LetClause:
		r.inside(c)
	}
}

// binary follows && and || and pipes, which lean to the left: as a loop, so that a long chain costs no depth.
func (r *reader) binary(c *syntax.BinaryCmd, p pipe) {
	parts, ops := []*syntax.Stmt{c.Y}, []*syntax.BinaryCmd{c}
	left := c.X
	for {
		b, ok := left.Cmd.(*syntax.BinaryCmd)
		if !ok || len(left.Redirs) > 0 || isPipe(b.Op) != isPipe(c.Op) {
			break
		}
		parts, ops = append(parts, b.Y), append(ops, b)
		left = b.X
	}
	parts = append(parts, left)
	slices.Reverse(parts)
	if !isPipe(c.Op) {
		r.stmts(parts, p)
		return
	}
	if at := int(ops[len(ops)-1].OpPos.Offset()); r.firstPipe == 0 || at < r.firstPipe {
		r.firstPipe = at
	}
	names := make([][]string, len(parts))
	for i, s := range parts {
		names[i] = namesOf(s)
	}
	for i, s := range parts {
		q := pipe{from: p.from}
		if i > 0 {
			q.from = nil
		}
		for _, n := range names[max(0, i-maxNames):i] {
			q.from = join(q.from, n)
		}
		for _, n := range names[i+1 : min(len(parts), i+1+maxNames)] {
			q.into = join(q.into, n)
		}
		q.into = join(q.into, p.into)
		r.stmt(s, q)
	}
}

// join appends names, up to as many as are told.
func join(list, more []string) []string {
	more = more[:min(len(more), max(0, maxNames-len(list)))]
	if len(more) == 0 {
		return list
	}
	return append(slices.Clip(list), more...)
}

func isPipe(op syntax.BinCmdOperator) bool { return op == syntax.Pipe || op == syntax.PipeAll }

// namesOf returns the names of the simple commands of a stage of a pipe, those in its substitutions left out.
func namesOf(nodes ...*syntax.Stmt) []string {
	var names []string
	seen := 0
	for _, s := range nodes {
		if s == nil || len(names) >= maxNames || seen > maxSeen {
			continue
		}
		syntax.Walk(s, func(n syntax.Node) bool {
			if seen++; len(names) >= maxNames || seen > maxSeen {
				return false
			}
			switch n := n.(type) {
			case *syntax.CallExpr:
				words := make([]Word, 0, len(n.Args))
				for _, a := range n.Args[:min(len(n.Args), maxWrapped)] {
					words = append(words, readWord(a))
				}
				if words, _, _ = unwrap(words); len(words) > 0 && words[0].Known {
					names = append(names, base(words[0].Text))
				}
				return false
			case *syntax.Word, *syntax.FuncDecl:
				return false
			}
			return true
		})
	}
	return names
}

// maxSeen is how many nodes are looked at for names: stages hold stages, which would be quadratic.
const maxSeen = 200

// inside reads the commands of the substitutions that stand anywhere in a node, and returns their names.
func (r *reader) inside(n syntax.Node) (from, into []string) {
	if n == nil {
		return nil, nil
	}
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			names := namesOf(n.Stmts...)
			from = join(from, names)
			r.stmts(n.Stmts, pipe{})
			return false
		case *syntax.ProcSubst:
			names := namesOf(n.Stmts...)
			if n.Op == syntax.CmdOut {
				into = join(into, names)
			} else {
				from = join(from, names)
			}
			r.stmts(n.Stmts, pipe{})
			return false
		}
		return true
	})
	return from, into
}

// redirected adds what a redirection reads from and writes to.
func (r *reader) redirected(d *syntax.Redirect, p pipe) pipe {
	for _, w := range []*syntax.Word{d.Word, d.Hdoc} {
		if w == nil {
			continue
		}
		from, into := r.inside(w)
		p.from, p.into = join(p.from, from), join(p.into, into)
	}
	return p
}

// call reads a simple command, and what it runs where that is literal.
func (r *reader) call(s *syntax.Stmt, c *syntax.CallExpr, p pipe) {
	cmd := Command{Start: int(s.Pos().Offset()), End: r.end(s)}
	for _, a := range c.Assigns {
		r.assign(&cmd, a, &p)
	}
	words := make([]Word, 0, len(c.Args))
	for _, a := range c.Args {
		words = append(words, readWord(a))
		if hasExpansion(a) {
			from, into := r.inside(a)
			p.from, p.into = join(p.from, from), join(p.into, into)
		}
	}
	r.redirects(&cmd, s, &p)
	cmd.Into, cmd.From = p.into, p.from
	var set []Assign
	cmd.Words, cmd.Wrappers, set = unwrap(words)
	cmd.Assigns = append(cmd.Assigns, set...)
	if len(cmd.Words) > 0 && cmd.Words[0].Known {
		cmd.Name = base(cmd.Words[0].Text)
	}
	r.commands = append(r.commands, cmd)
	args := c.Args[len(c.Args)-len(cmd.Words):]
	r.runs(&cmd, args, s)
}

func (r *reader) end(s *syntax.Stmt) int {
	end := int(s.End().Offset())
	if s.Semicolon.IsValid() {
		end = int(s.Semicolon.Offset())
		for end > int(s.Pos().Offset()) && (r.text[end-1] == ' ' || r.text[end-1] == '\t') {
			end--
		}
	}
	return min(end, len(r.text))
}

func (r *reader) redirects(cmd *Command, s *syntax.Stmt, p *pipe) {
	for _, d := range s.Redirs {
		*p = r.redirected(d, *p)
		op := d.Op.String()
		if d.N != nil {
			op = d.N.Value + op
		}
		if d.Word != nil {
			cmd.Redirects = append(cmd.Redirects, Redirect{Op: op, Target: readWord(d.Word)})
		}
	}
}

func (r *reader) assign(cmd *Command, a *syntax.Assign, p *pipe) {
	if a.Value != nil {
		from, _ := r.inside(a.Value)
		p.from = join(p.from, from)
	}
	if a.Array != nil {
		from, _ := r.inside(a.Array)
		p.from = join(p.from, from)
	}
	if a.Name == nil || a.Naked {
		return
	}
	w := Word{Known: true, Start: int(a.End().Offset()), End: int(a.End().Offset())}
	if a.Value != nil {
		w = readWord(a.Value)
	} else if a.Array != nil {
		w = Word{Start: int(a.Array.Pos().Offset()), End: int(a.Array.End().Offset())}
	}
	if a.Append {
		w.Known, w.Prefix = false, ""
	}
	cmd.Assigns = append(cmd.Assigns, Assign{Name: a.Name.Value, Value: w})
}

// declare reads export, declare, readonly and local.
func (r *reader) declare(s *syntax.Stmt, d *syntax.DeclClause, p pipe) {
	v := d.Variant
	cmd := Command{Name: v.Value, Start: int(s.Pos().Offset()), End: r.end(s)}
	cmd.Words = []Word{{Text: v.Value, Known: true, Start: int(v.Pos().Offset()), End: int(v.End().Offset())}}
	for _, a := range d.Args {
		r.assign(&cmd, a, &p)
		w := Word{Start: int(a.Pos().Offset()), End: int(a.End().Offset())}
		switch {
		case a.Naked && a.Name != nil:
			w.Text, w.Known = a.Name.Value, true
		case a.Naked && a.Value != nil:
			w = readWord(a.Value)
		case a.Name != nil && a.Value != nil:
			value := readWord(a.Value)
			w.Text, w.Prefix, w.Suffix, w.Known = a.Name.Value+"="+value.Text, a.Name.Value+"="+value.Prefix, value.Suffix, value.Known
			w.Variables, w.Unquoted = value.Variables, value.Unquoted
		}
		cmd.Words = append(cmd.Words, w)
	}
	r.redirects(&cmd, s, &p)
	cmd.Into, cmd.From = p.into, p.from
	r.commands = append(r.commands, cmd)
}
