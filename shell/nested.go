package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// shells are the programs whose -c and standard input are scripts that this package can read.
var shells = map[string]bool{"sh": true, "bash": true, "dash": true, "ash": true, "ksh": true, "zsh": true}

// runs reads what a command runs besides itself: the script of sh -c and eval, a here-document of a shell, and the programs
// behind xargs and find -exec. Args are the words of the command without its wrappers.
func (r *reader) runs(cmd *Command, args []*syntax.Word, s *syntax.Stmt) {
	if len(args) == 0 {
		return
	}
	switch name := cmd.Name; {
	case shells[name] || name == "su" || name == "runuser":
		if n := scriptWord(cmd.Words); n > 0 {
			r.script(args[n:n+1], cmd)
		} else if shells[name] && !hasOperand(cmd.Words) {
			for _, d := range s.Redirs {
				if d.Hdoc != nil {
					r.hereDocument(d, cmd)
				}
			}
		}
	case name == "eval":
		r.script(args[1:], cmd)
	case name == "xargs":
		n, _, _ := wrapper{takes: "IndPLsaE", long: " --replace --max-args --delimiter --max-procs --max-lines --max-chars --arg-file --eof "}.skip(cmd.Words)
		r.program(cmd, args, n, len(args))
	case name == "find":
		for i := 1; i < len(cmd.Words); i++ {
			switch cmd.Words[i].Text {
			case "-exec", "-execdir", "-ok", "-okdir":
				end := i + 1
				for end < len(cmd.Words) && cmd.Words[end].Text != ";" && cmd.Words[end].Text != "+" {
					end++
				}
				r.program(cmd, args, i+1, end)
				i = end
			}
		}
	}
}

// program adds the command that another one runs: its words from one to another.
func (r *reader) program(outer *Command, args []*syntax.Word, from, to int) {
	if from >= to || from >= len(outer.Words) {
		return
	}
	c := Command{Into: outer.Into, From: outer.From, Start: outer.Words[from].Start, End: outer.Words[to-1].End}
	var names []string
	c.Words, names, c.Assigns = unwrap(outer.Words[from:to:to])
	c.Wrappers = append(append(append(c.Wrappers, outer.Wrappers...), outer.Name), names...)
	if len(c.Words) > 0 && c.Words[0].Known {
		c.Name = base(c.Words[0].Text)
	}
	r.commands = append(r.commands, c)
	if shells[c.Name] {
		r.runs(&c, args[to-len(c.Words):to], &syntax.Stmt{})
	}
}

// scriptWord returns which word is the script of sh -c, 0 when there is none.
func scriptWord(words []Word) int {
	c := false
	for i := 1; i < len(words); i++ {
		text := words[i].Text
		switch {
		case text == "--command" || text == "--session-command":
			c = true
		case text == "--":
		case strings.HasPrefix(text, "--"):
		case len(text) > 1 && (text[0] == '-' || text[0] == '+'):
			c = c || text[0] == '-' && strings.Contains(text, "c")
			if strings.HasSuffix(text, "o") || strings.HasSuffix(text, "O") {
				i++
			}
		case c:
			return i
		case words[0].Text != "su" && words[0].Text != "runuser" && text != "-": // su USER -c
			return 0
		}
	}
	return 0
}

// hasOperand reports whether a shell is given a file to run.
func hasOperand(words []Word) bool {
	for i := 1; i < len(words); i++ {
		switch text := words[i].Text; {
		case text == "-s" || text == "-":
			return false
		case strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+"):
			if strings.HasSuffix(text, "o") || strings.HasSuffix(text, "O") {
				i++
			}
		default:
			return true
		}
	}
	return false
}

// script reads words that are a script, and adds its commands.
func (r *reader) script(words []*syntax.Word, outer *Command) {
	var s sourceText
	for i, w := range words {
		if i > 0 {
			s.add(" ", int(w.Pos().Offset())-1)
		}
		s.parts(r.text, w.Parts, false)
	}
	r.add(&s, outer)
}

func (r *reader) hereDocument(d *syntax.Redirect, outer *Command) {
	var s sourceText
	start, end := int(d.Hdoc.Pos().Offset()), int(d.Hdoc.End().Offset())
	if start >= end || end > len(r.text) {
		return
	}
	text := r.text[start:end]
	if n := strings.LastIndexByte(text, '\n') + 1; strings.TrimSpace(text[n:]) == readWord(d.Word).Text {
		text = text[:n]
	}
	if text != "" {
		s.add(text, start)
		r.add(&s, outer)
	}
}

func (r *reader) add(s *sourceText, outer *Command) {
	text := s.text.String()
	if r.depth >= maxDepth || strings.TrimSpace(text) == "" || text == output {
		return
	}
	inner := read(text, r.depth+1)
	s.at = append(s.at, s.at[len(s.at)-1]+1)
	for _, c := range inner.Commands {
		c.move(s.at)
		c.Wrappers = append(append([]string(nil), outer.Wrappers...), c.Wrappers...)
		c.From = join(outer.From, c.From)
		c.Into = join(c.Into, outer.Into)
		r.commands = append(r.commands, c)
	}
}

// move changes the places of a command from those of the inner script to those of the outer one.
func (c *Command) move(at []int) {
	to := func(start, end int) (int, int) {
		s := at[start]
		if end <= start {
			return s, s
		}
		return s, at[end-1] + 1
	}
	words := make([]Word, len(c.Words))
	for i, w := range c.Words {
		w.Start, w.End = to(w.Start, w.End)
		words[i] = w
	}
	c.Words = words
	for i := range c.Assigns {
		c.Assigns[i].Value.Start, c.Assigns[i].Value.End = to(c.Assigns[i].Value.Start, c.Assigns[i].Value.End)
	}
	for i := range c.Redirects {
		c.Redirects[i].Target.Start, c.Redirects[i].Target.End = to(c.Redirects[i].Target.Start, c.Redirects[i].Target.End)
	}
	c.Start, c.End = to(c.Start, c.End)
}
