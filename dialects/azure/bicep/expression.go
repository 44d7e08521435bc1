package bicep

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// expression reads an expression of any form.
func (p *parser) expression() Expr {
	if !p.enter() {
		return p.bad()
	}
	defer p.leave()
	condition := p.binary(0)
	if !p.continues(question) {
		return condition
	}
	p.newlines()
	p.take()
	x := &Conditional{Condition: condition}
	p.newlines()
	x.Then = p.expression()
	p.newlines()
	p.expect(colon)
	p.newlines()
	x.Else = p.expression()
	x.Span = p.since(condition.Extent().Start)
	return x
}

func (p *parser) bad() Expr {
	at := p.next().start
	return &Bad{Span{at, at}}
}

// continues reports whether the next token that is no line end is of the kind: the operators that nothing can begin with may
// stand on a line of their own.
func (p *parser) continues(k kind) bool {
	n := 0
	for p.ahead(n) == newline {
		n++
	}
	return p.ahead(n) == k
}

// level returns how strongly an operator binds; -1 for what is none.
func level(k kind) int {
	switch k {
	case coalesce:
		return 0
	case or:
		return 1
	case and:
		return 2
	case equals, notEquals, equalsFold, notEqualsFold:
		return 3
	case less, lessEqual, greater, greaterEqual:
		return 4
	case plus, minus:
		return 5
	case star, slash, percent:
		return 6
	}
	return -1
}

// binary reads operators that bind at least as strongly as a level. A chain of operators nests to the left, so that its
// length counts as depth.
func (p *parser) binary(least int) Expr {
	left := p.unary()
	for chain := 0; !p.failed; chain++ {
		n := 0
		for p.ahead(n) == newline {
			n++
		}
		k := p.ahead(n)
		l := level(k)
		if l < least || n > 0 && (k == minus || k == plus) { // a line may begin with a sign
			return left
		}
		if chain >= p.limit {
			p.exceed()
			return left
		}
		p.newlines()
		op := p.text(p.take())
		p.newlines()
		if !p.enter() {
			return left
		}
		right := p.binary(l + 1)
		p.leave()
		left = &Binary{Span: Span{left.Extent().Start, right.Extent().End}, Op: op, Left: left, Right: right}
	}
	return left
}

func (p *parser) unary() Expr {
	switch p.peek() {
	case not, minus, plus:
		t := p.take()
		if !p.enter() {
			return p.bad()
		}
		defer p.leave()
		x := &Unary{Op: p.text(t), Value: p.unary()}
		x.Span = Span{t.start, x.Value.Extent().End}
		return x
	}
	return p.postfix()
}

// postfix reads what an expression may be followed by: members, indices, calls.
func (p *parser) postfix() Expr {
	x := p.primary()
	start := x.Extent().Start
	for chain := 0; !p.failed; chain++ {
		if chain >= p.limit {
			p.exceed()
			return x
		}
		switch k := p.peek(); k {
		case dot, safeDot:
			p.take()
			p.newlines()
			name := p.expect(identifier)
			if p.peek() == leftParen {
				c := &Call{Of: x, Name: p.text(name), NameSpan: Span{name.start, name.end}, Safe: k == safeDot}
				c.Args = p.arguments()
				if n, ok := x.(*Name); ok && (n.Text == "sys" || n.Text == "az") {
					c.Of = nil // the two namespaces of the language
				}
				c.Span = p.since(start)
				x = c
			} else {
				x = &Member{Span: p.since(start), Of: x, Name: p.text(name), Safe: k == safeDot}
			}
		case leftSquare:
			p.take()
			i := &Index{Of: x, Safe: p.accept(question)}
			i.FromEnd = p.accept(caret)
			p.newlines()
			i.Index = p.expression()
			p.newlines()
			p.expect(rightSquare)
			i.Span = p.since(start)
			x = i
		case nestedAccess:
			p.take()
			name := p.text(p.expect(identifier))
			x = &Nested{Span: p.since(start), Of: x, Name: name}
		case not:
			p.take()
			x = &NotNull{Span: p.since(start), Value: x}
		default:
			return x
		}
	}
	return x
}

// arguments reads (…).
func (p *parser) arguments() []Expr {
	p.expect(leftParen)
	var out []Expr
	for p.newlines(); p.peek() != rightParen && !p.failed; p.newlines() {
		out = append(out, p.expression())
		p.newlines()
		if p.peek() != rightParen {
			p.expect(comma)
		}
	}
	p.expect(rightParen)
	return out
}

func (p *parser) primary() Expr {
	t := p.next()
	switch t.kind {
	case number:
		p.take()
		return &Literal{Span: Span{t.start, t.end}, Kind: Number, Digits: p.text(t)}
	case textWhole, textLeft:
		return p.quoted()
	case leftBrace:
		return p.object()
	case leftSquare:
		return p.array()
	case leftParen:
		return p.paren()
	case identifier:
		p.take()
		at := Span{t.start, t.end}
		switch name := p.text(t); {
		case p.peek() == arrow:
			return p.lambda(t.start, []string{name})
		case p.peek() == leftParen:
			c := &Call{Name: name, NameSpan: at}
			c.Args = p.arguments()
			c.Span = p.since(t.start)
			return c
		case name == "null":
			return &Literal{Span: at, Kind: Null}
		case name == "true":
			return &Literal{Span: at, Kind: True}
		case name == "false":
			return &Literal{Span: at, Kind: False}
		default:
			return &Name{Span: at, Text: name}
		}
	}
	p.fail("%s stands where a value should", p.describe())
	return p.bad()
}

// paren reads an expression in parentheses, or a lambda with parameters in parentheses.
func (p *parser) paren() Expr {
	start := p.next().start
	if params, n := p.lambdaParams(); n > 0 {
		p.at += n
		return p.lambda(start, params)
	}
	p.take()
	p.newlines()
	x := &Paren{Value: p.expression()}
	p.newlines()
	p.expect(rightParen)
	x.Span = p.since(start)
	return x
}

// lambdaParams looks whether (names) => begins here, and how many tokens the parentheses are; 0 when it does not.
func (p *parser) lambdaParams() ([]string, int) {
	var names []string
	n := 1
	skip := func() {
		for p.ahead(n) == newline {
			n++
		}
	}
	for skip(); p.ahead(n) == identifier; skip() {
		names = append(names, p.text(p.tokens[p.at+n]))
		n++
		if skip(); p.ahead(n) != comma {
			break
		}
		n++
	}
	if p.ahead(n) != rightParen || p.ahead(n+1) != arrow {
		return nil, 0
	}
	return names, n + 1
}

// lambda reads => and the body.
func (p *parser) lambda(start int, params []string) Expr {
	p.expect(arrow)
	p.newlines()
	x := &Lambda{Params: params, Body: p.expression()}
	x.Span = p.since(start)
	return x
}

// object reads { … }.
func (p *parser) object() Expr {
	x := &Object{}
	start := p.take().start
	p.separated(rightBrace, func() {
		if p.peek() == at || p.word("resource") && p.ahead(1) == identifier {
			if d := p.declaration(); d != nil {
				x.Resources = append(x.Resources, d)
			}
			return
		}
		m := &Property{}
		begin := p.next().start
		switch t := p.next(); t.kind {
		case spread:
			p.take()
			m.Spread, m.Value = true, p.expression()
			m.Span = p.since(begin)
			x.Members = append(x.Members, m)
			return
		case identifier:
			m.Name = p.text(p.take())
		case textWhole, textLeft:
			key, _ := p.quoted().(*Text)
			if name, ok := key.Plain(); ok {
				m.Name = name
			} else {
				m.Key = key
			}
		default:
			p.fail("%s stands where the name of a property should", p.describe())
			return
		}
		p.expect(colon)
		p.newlines()
		m.Value = p.expression()
		m.Span = p.since(begin)
		x.Members = append(x.Members, m)
	})
	x.Span = p.since(start)
	return x
}

// separated reads items up to a closing bracket, with commas or line ends between them.
func (p *parser) separated(closing kind, item func()) {
	for p.newlines(); p.peek() != closing && !p.failed; p.newlines() {
		item()
		if k := p.peek(); k != newline && k != closing && !p.accept(comma) {
			p.fail("%s stands where a comma, %s or the end of the line should", p.describe(), closing)
		}
	}
	p.expect(closing)
}

// array reads [ … ], written out or with for.
func (p *parser) array() Expr {
	start := p.take().start
	n := 0
	for p.ahead(n) == newline {
		n++
	}
	if t := p.tokens[min(p.at+n, len(p.tokens)-1)]; t.kind == identifier && p.text(t) == "for" && (p.ahead(n+1) == identifier || p.ahead(n+1) == leftParen) {
		p.at += n
		return p.loop(start)
	}
	x := &Array{}
	p.separated(rightSquare, func() {
		if begin := p.next().start; p.accept(spread) {
			s := &Spread{Value: p.expression()}
			s.Span = p.since(begin)
			x.Items = append(x.Items, s)
			return
		}
		x.Items = append(x.Items, p.expression())
	})
	x.Span = p.since(start)
	return x
}

// loop reads for … in …: … up to the bracket that closes it.
func (p *parser) loop(start int) Expr {
	p.take()
	x := &For{}
	if p.accept(leftParen) {
		p.newlines()
		x.Item = p.text(p.expect(identifier))
		p.newlines()
		p.expect(comma)
		p.newlines()
		x.Index = p.text(p.expect(identifier))
		p.newlines()
		p.expect(rightParen)
	} else {
		x.Item = p.text(p.expect(identifier))
	}
	if !p.word("in") {
		p.fail("%s stands where in should", p.describe())
		return &Bad{p.since(start)}
	}
	p.take()
	p.newlines()
	x.In = p.expression()
	p.newlines()
	p.expect(colon)
	p.newlines()
	if p.word("if") && p.ahead(1) == leftParen {
		x.Body = p.conditional()
	} else {
		x.Body = p.expression()
	}
	p.newlines()
	p.expect(rightSquare)
	x.Span = p.since(start)
	return x
}

// quoted reads a text with its interpolations.
func (p *parser) quoted() Expr {
	t := p.take()
	x := &Text{}
	head := p.text(t)
	marks := len(head) - len(strings.TrimLeft(head, "$"))
	x.Block = strings.HasPrefix(head[marks:], "'''")
	opening := 1
	if x.Block {
		opening = marks + 3
		switch after := head[opening:]; {
		case strings.HasPrefix(after, "\r\n"):
			opening += 2
		case strings.HasPrefix(after, "\n"), strings.HasPrefix(after, "\r"):
			opening++
		}
	} else {
		marks = 1
	}
	piece := t
	piece.start += opening
	for {
		x.Parts = append(x.Parts, p.piece(piece, x.Block, marks))
		if piece.kind == textWhole || piece.kind == textRight {
			break
		}
		p.newlines()
		x.Values = append(x.Values, p.expression())
		p.newlines()
		if p.failed {
			x.Parts = append(x.Parts, "")
			break
		}
		if k := p.peek(); k != textMiddle && k != textRight {
			p.fail("%s stands where } should", p.describe())
			x.Parts = append(x.Parts, "")
			break
		}
		piece = p.take()
		piece.start++ // the brace
	}
	x.Span = p.since(t.start)
	return x
}

// piece decodes a part of a text that begins where t does and ends with its quotes or with the marks of an interpolation.
func (p *parser) piece(t token, block bool, marks int) string {
	s := p.text(token{start: min(t.start, t.end), end: t.end})
	switch {
	case t.kind == textLeft || t.kind == textMiddle:
		s = s[:max(0, len(s)-marks-1)]
	case block:
		s = strings.TrimSuffix(s, "'''")
	default:
		s = strings.TrimSuffix(s, "'")
	}
	if block || !strings.Contains(s, `\`) {
		return s
	}
	return p.unescape(s, t.start)
}

// unescape decodes the escapes of a text that begins at an offset.
func (p *parser) unescape(s string, offset int) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		begin := i
		i++
		if i == len(s) {
			break
		}
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case '\\', '\'', '$':
			b.WriteByte(s[i])
		case 'u':
			end := strings.IndexByte(s[i:], '}')
			if strings.HasPrefix(s[i:], "u{") && end > 2 {
				if n, err := strconv.ParseUint(s[i+2:i+end], 16, 32); err == nil && n <= utf8.MaxRune && utf8.ValidRune(rune(n)) {
					b.WriteRune(rune(n))
					i += end
					continue
				}
			}
			p.escape(offset + begin)
		default:
			p.escape(offset + begin)
		}
	}
	return b.String()
}

// escape notes an escape that the language does not have. The text is read to its end all the same.
func (p *parser) escape(at int) {
	if !p.failed {
		p.fail("a backslash stands before a sign that needs none: write \\\\ for a backslash")
		p.mistakes[len(p.mistakes)-1].Span = Span{at, at + 1}
	}
}
