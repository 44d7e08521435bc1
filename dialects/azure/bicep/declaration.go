package bicep

import "strings"

// declaration reads one statement with its decorators. It returns nil when none begins here.
func (p *parser) declaration() *Declaration {
	decorators := p.decorators()
	if p.failed {
		return nil
	}
	t := p.next()
	if t.kind != identifier || !keywords[p.text(t)] {
		p.fail("%s begins no declaration", p.describe())
		return nil
	}
	p.take()
	d := &Declaration{Span: Span{t.start, t.end}, Keyword: Keyword(p.text(t)), Decorators: decorators}
	p.rest(d)
	d.End = max(d.End, p.lastEnd())
	if d.Header.End == 0 {
		d.Header = Span{d.Start, d.End}
	}
	d.Header.Start = d.Start
	if i := strings.IndexAny(p.source[d.Header.Start:d.Header.End], "\r\n"); i >= 0 {
		d.Header.End = d.Header.Start + i
	}
	return d
}

// rest reads a declaration behind its keyword.
func (p *parser) rest(d *Declaration) {
	switch d.Keyword {
	case TargetScope:
		p.value(d)
	case Metadata, Assert:
		p.name(d)
		p.value(d)
	case Param, Var, Output:
		p.name(d)
		if p.peek() != assign {
			if p.continues(pipe) {
				p.newlines()
			}
			d.Type = p.typ()
		}
		if p.peek() == assign || d.Keyword != Param {
			p.value(d)
		}
	case TypeAlias:
		p.name(d)
		p.expect(assign)
		p.newlines()
		d.Type = p.typ()
	case Func:
		p.function(d)
	case Resource, Module, Test:
		p.name(d)
		d.Text = p.literalText()
		if p.word("existing") {
			p.take()
			d.Existing = true
		}
		p.value(d)
	case Import:
		p.imports(d)
	case "provider", Extension:
		d.Keyword = Extension
		p.extension(d)
	case Using, Extends:
		if p.peek() == identifier { // none
			p.take()
			return
		}
		d.Text = p.literalText()
		if p.word("with") {
			p.take()
			d.Value = p.expression()
		}
	}
}

func (p *parser) name(d *Declaration) {
	t := p.expect(identifier)
	d.Name, d.NameSpan = p.text(t), Span{t.start, t.end}
}

// value reads = and what is behind it.
func (p *parser) value(d *Declaration) {
	p.expect(assign)
	d.Header = Span{d.Start, p.lastEnd()}
	p.newlines()
	if p.failed {
		return
	}
	if p.word("if") && p.ahead(1) == leftParen && (d.Keyword == Resource || d.Keyword == Module) {
		d.Value = p.conditional()
	} else {
		d.Value = p.expression()
	}
	if at := d.Value.Extent().Start; strings.HasPrefix(p.source[at:], "{") || strings.HasPrefix(p.source[at:], "[") {
		d.Header.End = at + 1
	}
}

// conditional reads if (…) and the body behind it.
func (p *parser) conditional() Expr {
	start := p.take().start
	if !p.enter() {
		return &Bad{Span{start, start}}
	}
	defer p.leave()
	p.expect(leftParen)
	p.newlines()
	x := &If{Condition: p.expression()}
	p.newlines()
	p.expect(rightParen)
	p.newlines()
	x.Body = p.expression()
	x.Span = p.since(start)
	return x
}

// literalText reads a text; one with interpolation is returned too: whoever needs its text asks for Plain.
func (p *parser) literalText() *Text {
	if k := p.peek(); k != textWhole && k != textLeft {
		p.fail("%s stands where a text should", p.describe())
		return nil
	}
	t, _ := p.quoted().(*Text)
	return t
}

func (p *parser) imports(d *Declaration) {
	switch {
	case p.peek() == textWhole || p.peek() == textLeft: // as extensions were once written
		d.Keyword = Extension
		p.extension(d)
		return
	case p.accept(star):
		p.wordAs(d)
	case p.accept(leftBrace):
		for p.newlines(); p.peek() != rightBrace && !p.failed; {
			s := Symbol{}
			if t := p.next(); t.kind == textWhole {
				text, _ := p.literalText().Plain()
				s.Name = text
			} else {
				s.Name = p.text(p.expect(identifier))
			}
			s.As = s.Name
			if p.word("as") && p.ahead(1) == identifier {
				p.take()
				s.As = p.text(p.take())
			}
			d.Imports = append(d.Imports, s)
			if !p.accept(comma) && p.peek() != newline && p.peek() != rightBrace {
				p.fail("%s stands where a comma or the end of the line should", p.describe())
			}
			p.newlines()
		}
		p.expect(rightBrace)
	default:
		p.fail("%s stands where { or * should", p.describe())
		return
	}
	if !p.word("from") {
		p.fail("%s stands where from should", p.describe())
		return
	}
	p.take()
	d.Text = p.literalText()
}

// wordAs reads as NAME.
func (p *parser) wordAs(d *Declaration) {
	if !p.word("as") {
		p.fail("%s stands where as should", p.describe())
		return
	}
	p.take()
	d.Alias = p.text(p.expect(identifier))
}

func (p *parser) extension(d *Declaration) {
	if p.peek() == identifier {
		p.name(d)
	} else {
		d.Text = p.literalText()
	}
	if p.word("with") {
		p.take()
		d.Value = p.expression()
	}
	if p.word("as") {
		p.wordAs(d)
	}
}

func (p *parser) function(d *Declaration) {
	p.name(d)
	p.expect(leftParen)
	for p.newlines(); p.peek() != rightParen && !p.failed; p.newlines() {
		f := Field{Name: p.text(p.expect(identifier))}
		f.Type = p.typ()
		d.Params = append(d.Params, f)
		p.newlines()
		if p.peek() != rightParen {
			p.expect(comma)
		}
	}
	p.expect(rightParen)
	d.Type = p.typ()
	p.expect(arrow)
	d.Header = Span{d.Start, p.lastEnd()}
	p.newlines()
	d.Value = p.expression()
}

// decorators reads the @… before a declaration or a property of a type, with the line ends behind them.
func (p *parser) decorators() []*Decorator {
	var out []*Decorator
	for p.peek() == at && !p.failed {
		start := p.take().start
		x := &Decorator{}
		e := p.postfix()
		c, ok := e.(*Call)
		if !ok {
			p.fail("%s stands where a call should: a decorator is one", p.describe())
			return out
		}
		x.Name, x.Args, x.Span = c.Name, c.Args, p.since(start)
		out = append(out, x)
		p.newlines()
	}
	return out
}
