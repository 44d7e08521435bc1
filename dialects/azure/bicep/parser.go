package bicep

import (
	"fmt"
	"strings"
)

// parser reads declarations from tokens. It never panics: a function that meets something broken notes it, and returns
// what it has.
type parser struct {
	source   string
	tokens   []token
	at       int // index of the next token
	depth    int // of nesting
	limit    int
	mistakes []Mistake
	failed   bool // the declaration at hand is broken; further mistakes in it are not noted
}

// Parse reads a file. Nesting is how deep brackets, operators and the like may stand in each other.
func Parse(source string, nesting int) *File {
	l := lex(source)
	p := &parser{source: source, tokens: l.tokens, limit: nesting}
	f := &File{Comments: l.comments}
	f.Declarations = p.program(l.mistakes)
	f.Mistakes = p.mistakes
	return f
}

// program reads every declaration. What the lexer met is a mistake of the declaration that it lies in.
func (p *parser) program(lexed []mistake) []*Declaration {
	var out []*Declaration
	for {
		p.newlines()
		if p.peek() == endOfFile {
			break
		}
		first, start := p.at, p.next().start
		p.failed, p.depth = false, 0
		d := p.declaration()
		if !p.failed && p.peek() != newline && p.peek() != endOfFile {
			p.fail("%s does not belong behind the declaration", p.describe())
		}
		if p.failed {
			for d != nil && p.tokens[first].start < d.Start { // its decorators are its own
				first++
			}
			p.recover(first)
		}
		end := p.lastEnd()
		n := 0
		for n < len(lexed) && lexed[n].Start < end {
			n++
		}
		if n > 0 { // the first of them explains what the parser has stumbled over
			if p.failed {
				p.mistakes = p.mistakes[:len(p.mistakes)-1]
			}
			p.mistakes = append(p.mistakes, Mistake{lexed[0].Span, lexed[0].message, lexed[0].limit})
			p.failed, lexed = true, lexed[n:]
		}
		if d != nil {
			d.Broken = p.failed
			if d.End < d.Start || p.failed {
				d.End = max(end, start)
			}
			out = append(out, d)
		}
	}
	for _, m := range lexed { // in comments behind the last declaration
		p.mistakes = append(p.mistakes, Mistake{m.Span, m.message, m.limit})
	}
	return out
}

// next returns the token at hand, peek its kind.
func (p *parser) next() token { return p.tokens[p.at] }

func (p *parser) peek() kind { return p.tokens[p.at].kind }

// ahead returns the kind of the n-th token behind the one at hand.
func (p *parser) ahead(n int) kind { return p.tokens[min(p.at+n, len(p.tokens)-1)].kind }

// take consumes the token at hand.
func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != endOfFile {
		p.at++
	}
	return t
}

// accept consumes the token at hand if it is of the kind.
func (p *parser) accept(k kind) bool {
	if p.peek() != k {
		return false
	}
	p.take()
	return true
}

// expect consumes a token of the kind, or fails.
func (p *parser) expect(k kind) token {
	if p.peek() != k {
		p.fail("%s stands where %s should", p.describe(), k)
		return token{kind: k, start: p.next().start, end: p.next().start}
	}
	return p.take()
}

func (p *parser) newlines() {
	for p.peek() == newline {
		p.take()
	}
}

func (p *parser) text(t token) string { return p.source[t.start:t.end] }

// word reports whether the token at hand is that name.
func (p *parser) word(s string) bool { return p.peek() == identifier && p.text(p.next()) == s }

// lastEnd is the end of the last token that was consumed, line ends aside.
func (p *parser) lastEnd() int {
	for i := p.at - 1; i >= 0; i-- {
		if p.tokens[i].kind != newline {
			return p.tokens[i].end
		}
	}
	return 0
}

// since is the span from a place to the last token that was consumed.
func (p *parser) since(start int) Span { return Span{start, max(start, p.lastEnd())} }

// describe names the token at hand for people.
func (p *parser) describe() string {
	t := p.next()
	switch t.kind {
	case endOfFile, newline:
		return t.kind.String()
	}
	s := p.text(t)
	if len(s) > 30 {
		s = strings.ToValidUTF8(s[:30], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}

// fail notes the first mistake of a declaration.
func (p *parser) fail(format string, args ...any) {
	if p.failed {
		return
	}
	p.failed = true
	t := p.next()
	p.mistakes = append(p.mistakes, Mistake{Span: Span{t.start, t.end}, Message: fmt.Sprintf(format, args...)})
}

// enter counts nesting. It returns false, having failed, when there is too much of it; leave must follow only on true.
func (p *parser) enter() bool {
	if p.depth >= p.limit {
		p.exceed()
		return false
	}
	p.depth++
	return true
}

func (p *parser) leave() { p.depth-- }

func (p *parser) exceed() {
	if !p.failed {
		p.fail("this nests more than %d deep", p.limit)
		p.mistakes[len(p.mistakes)-1].Limit = true
	}
}

// recover moves to the first line behind a token that begins a declaration: also one that the parser took for a part of the
// broken one, for want of a bracket.
func (p *parser) recover(first int) {
	p.at = first
	for p.peek() != endOfFile {
		if p.take().kind != newline {
			continue
		}
		t := p.next()
		if t.start > 0 && p.source[t.start-1] != '\n' && p.source[t.start-1] != '\r' {
			continue // it is indented: part of what is broken
		}
		switch t.kind {
		case at:
			return
		case identifier:
			if k := p.ahead(1); keywords[p.text(t)] && k != colon && k != dot && k != leftParen {
				return
			}
		}
	}
}

var keywords = map[string]bool{
	"targetScope": true, "metadata": true, "param": true, "var": true, "resource": true, "module": true, "output": true, "type": true,
	"func": true, "import": true, "extension": true, "provider": true, "using": true, "extends": true, "assert": true, "test": true,
}
