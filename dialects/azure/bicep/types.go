package bicep

// typ reads the type of a parameter, output or alias.
func (p *parser) typ() *Type {
	start := p.next().start
	if !p.enter() {
		return &Type{Span: Span{start, start}, Kind: Derived}
	}
	defer p.leave()
	p.accept(pipe)
	p.newlines()
	first := p.singular()
	if !p.continues(pipe) {
		return first
	}
	x := &Type{Kind: Union, Items: []*Type{first}}
	for p.continues(pipe) && !p.failed {
		p.newlines()
		p.take()
		p.newlines()
		item := p.singular()
		x.Nullable = x.Nullable || item.Nullable || item.isNull()
		x.Items = append(x.Items, item)
	}
	x.Nullable = x.Nullable || first.Nullable || first.isNull()
	x.Span = p.since(start)
	return x
}

func (t *Type) isNull() bool {
	l, ok := t.Literal.(*Literal)
	return t.Kind == LiteralType && ok && l.Kind == Null
}

// singular reads a type that is no union, with what may follow it: [] ? ! .name [index]
func (p *parser) singular() *Type {
	x := p.primaryType()
	start := x.Start
	for chain := 0; !p.failed; chain++ {
		if chain >= p.limit {
			p.exceed()
			return x
		}
		switch p.peek() {
		case question:
			p.take()
			x.Nullable = true
		case not:
			p.take()
			x.Nullable = false
		case leftSquare:
			p.take()
			if p.peek() == rightSquare {
				x = &Type{Kind: List, Items: []*Type{x}}
			} else {
				if p.peek() != star && p.peek() != number {
					p.fail("%s stands where ], a number or * should", p.describe())
				}
				p.take()
				x = &Type{Kind: Derived}
			}
			p.expect(rightSquare)
		case dot:
			p.take()
			if p.accept(star) {
				x = &Type{Kind: Derived}
				break
			}
			name := p.text(p.expect(identifier))
			if x.Kind == Named {
				x = &Type{Kind: Named, Name: x.Name + "." + name}
			} else {
				x = &Type{Kind: Derived}
			}
		default:
			return x
		}
		x.Span = p.since(start)
	}
	return x
}

func (p *parser) primaryType() *Type {
	t := p.next()
	x := &Type{Kind: LiteralType, Span: Span{t.start, t.end}}
	switch t.kind {
	case identifier:
		switch name := p.text(p.take()); {
		case name == "null" || name == "true" || name == "false":
			p.at--
			x.Literal = p.primary()
		case name == "resource" && (p.peek() == textWhole || p.peek() == textLeft):
			p.literalText()
			x.Kind = Derived
		default:
			x.Kind, x.Name = Named, name
			if p.peek() == less { // resourceInput<'type@version'>
				p.take()
				x.Kind = Derived
				p.newlines()
				p.typ()
				p.newlines()
				p.expect(greater)
			}
		}
	case textWhole, textLeft:
		x.Literal = p.quoted()
	case number:
		x.Literal = p.primary()
	case minus, plus, not:
		x.Literal = p.unary()
	case leftParen:
		p.take()
		p.newlines()
		x = p.typ()
		p.newlines()
		p.expect(rightParen)
	case leftBrace:
		p.take()
		x.Kind = ObjectType
		p.separated(rightBrace, func() { x.Fields = append(x.Fields, p.field()) })
	case leftSquare:
		p.take()
		x.Kind = Tuple
		p.separated(rightSquare, func() {
			p.decorators()
			x.Items = append(x.Items, p.typ())
		})
	default:
		p.fail("%s stands where a type should", p.describe())
	}
	x.Span = p.since(t.start)
	return x
}

// field reads one property of an object type.
func (p *parser) field() Field {
	f := Field{Decorators: p.decorators()}
	switch p.peek() {
	case star:
		p.take()
		f.Name = "*"
	case textWhole, textLeft:
		f.Name, _ = p.literalText().Plain()
	default:
		f.Name = p.text(p.expect(identifier))
	}
	p.expect(colon)
	p.newlines()
	f.Type = p.typ()
	return f
}
