package azure

import (
	"fmt"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/value"
)

// expression is one node of an expression of a JSON template, as it is written between [ and ].
type expression struct {
	kind   expressionKind
	name   string        // of calls: the function, with its namespace before a dot; as written
	value  value.Value   // of literals
	args   []*expression // of calls: the arguments; of elements: what is gone into, and where to
	offset int           // in the text of the expression
}

type expressionKind uint8

const (
	literal expressionKind = iota
	calling
	element // args[0].name or args[0][args[1]]
)

// isExpression reports whether a text of a template is an expression: it stands in brackets. "[[text]" is the text "[text]".
func isExpression(s string) bool {
	return len(s) > 1 && s[0] == '[' && s[1] != '[' && s[len(s)-1] == ']'
}

// plainText is the text that a text of a template stands for, when it is no expression.
func plainText(s string) string {
	if strings.HasPrefix(s, "[[") && strings.HasSuffix(s, "]") {
		return s[1:]
	}
	return s
}

// parseExpression reads the text between the brackets. Deeper nesting than depth is an error.
func parseExpression(s string, depth int) (*expression, error) {
	p := &parser{text: s, depth: depth}
	e, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.text) {
		return nil, p.mistake("unexpected %s", p.sign())
	}
	return e, nil
}

type parser struct {
	text  string
	at    int
	depth int // how much deeper it may go
}

func (p *parser) mistake(format string, args ...any) error {
	return fmt.Errorf(format+" at character %d of the expression", append(args, p.at+1)...)
}

// sign names what stands at the place, for people.
func (p *parser) sign() string {
	if p.at >= len(p.text) {
		return "end"
	}
	for _, r := range p.text[p.at:] {
		return strconv.Quote(string(r))
	}
	return "end"
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

// next takes a sign if it comes next.
func (p *parser) next(c byte) bool {
	if p.space(); p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) expression() (*expression, error) {
	if p.depth--; p.depth < 0 {
		return nil, p.mistake("the expression nests too deep")
	}
	defer func() { p.depth++ }()
	e, err := p.primary()
	if err != nil {
		return nil, err
	}
	// Each further step wraps what is there: steps count as nesting, because whoever walks the tree goes through them.
	for steps := 0; ; steps++ {
		if steps > p.depth {
			return nil, p.mistake("the expression nests too deep")
		}
		offset := p.at
		switch {
		case p.next('.'):
			p.space()
			name := p.name()
			if name == "" {
				return nil, p.mistake("a name is missing before %s", p.sign())
			}
			e = &expression{kind: element, args: []*expression{e, {kind: literal, value: text(name), offset: offset}}, offset: e.offset}
		case p.next('['):
			at, err := p.expression()
			if err != nil {
				return nil, err
			}
			if !p.next(']') {
				return nil, p.mistake("] is missing before %s", p.sign())
			}
			e = &expression{kind: element, args: []*expression{e, at}, offset: e.offset}
		default:
			return e, nil
		}
	}
}

func (p *parser) primary() (*expression, error) {
	p.space()
	offset := p.at
	if p.at >= len(p.text) {
		return nil, p.mistake("the expression ends too early")
	}
	switch c := p.text[p.at]; {
	case c == '\'':
		s, err := p.quoted()
		return &expression{kind: literal, value: text(s), offset: offset}, err
	case c >= '0' && c <= '9' || c == '-' || c == '+':
		return p.number()
	case isLetter(c):
		name := p.name()
		for p.at < len(p.text) && p.text[p.at] == '.' && !p.called(name) {
			p.at++
			if p.name() == "" {
				return nil, p.mistake("a name is missing before %s", p.sign())
			}
			name = p.text[offset:p.at]
		}
		if !p.next('(') {
			switch strings.ToLower(name) {
			case "true", "false":
				return &expression{kind: literal, value: boolean(strings.EqualFold(name, "true")), offset: offset}, nil
			case "null":
				return &expression{kind: literal, value: null(), offset: offset}, nil
			}
			return nil, p.mistake("( is missing behind %s", name)
		}
		e := &expression{kind: calling, name: name, offset: offset}
		if p.next(')') {
			return e, nil
		}
		for {
			arg, err := p.expression()
			if err != nil {
				return nil, err
			}
			e.args = append(e.args, arg)
			switch {
			case p.next(')'):
				return e, nil
			case !p.next(','):
				return nil, p.mistake(", or ) is missing before %s", p.sign())
			}
		}
	}
	return nil, p.mistake("unexpected %s", p.sign())
}

// called reports whether a name that was read is that of a constant, behind which a dot is no namespace.
func (p *parser) called(name string) bool {
	return strings.EqualFold(name, "null") || strings.EqualFold(name, "true") || strings.EqualFold(name, "false")
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c == '#'
}

func (p *parser) name() string {
	start := p.at
	for p.at < len(p.text) && (isLetter(p.text[p.at]) || p.text[p.at] >= '0' && p.text[p.at] <= '9' || p.text[p.at] == '-' && p.at > start) {
		p.at++
	}
	return p.text[start:p.at]
}

// quoted reads a text in single quotes; two of them stand for one.
func (p *parser) quoted() (string, error) {
	p.at++
	var b strings.Builder
	for {
		end := strings.IndexByte(p.text[p.at:], '\'')
		if end < 0 {
			p.at = len(p.text)
			return "", p.mistake("a quote is missing")
		}
		b.WriteString(p.text[p.at : p.at+end])
		p.at += end + 1
		if p.at >= len(p.text) || p.text[p.at] != '\'' {
			return b.String(), nil
		}
		b.WriteByte('\'')
		p.at++
	}
}

func (p *parser) number() (*expression, error) {
	start := p.at
	p.at++
	for p.at < len(p.text) && (p.text[p.at] >= '0' && p.text[p.at] <= '9' || p.text[p.at] == '.' || p.text[p.at] == 'e' || p.text[p.at] == 'E') {
		p.at++
	}
	s := strings.TrimPrefix(p.text[start:p.at], "+")
	if _, err := strconv.ParseFloat(s, 64); err != nil {
		return nil, p.mistake("%s is no number", s)
	}
	return &expression{kind: literal, value: digits(s), offset: start}, nil
}

// parameter returns the name that an expression that is nothing but parameters('x') or variables('x') names, and which of the
// two it calls, in lower case.
func (e *expression) parameter() (function, name string, ok bool) {
	if e.kind != calling || len(e.args) != 1 || e.args[0].kind != literal || e.args[0].value.Kind != value.String {
		return "", "", false
	}
	switch f := strings.ToLower(e.name); f {
	case "parameters", "variables":
		return f, e.args[0].value.Text, true
	}
	return "", "", false
}
