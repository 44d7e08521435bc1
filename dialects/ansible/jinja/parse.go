package jinja

import (
	"errors"
	"fmt"
	"strconv"

	"plumbline.dev/plumbline/value"
)

// Op says what an Expr does.
type Op uint8

// The kinds of expressions.
const (
	Literal   Op = iota + 1 // Value
	Variable                // Name
	Attribute               // Args[0].Name
	Index                   // Args[0][Args[1]]
	Slice                   // Args[0][Args[1]:Args[2]]; a bound that is not written is nil
	Call                    // Args[0](Args[1:])
	Filter                  // Args[0] | Name(Args[1:])
	Test                    // Args[0] is Name(Args[1:])
	Unary                   // Name is "not", "-" or "+"
	Binary                  // Name is the operator, "and", "or", "in" and "not in" among them
	Condition               // Args[1] if Args[0] else Args[2]; the last may be nil
	ListOf                  // Args
	DictOf                  // keys and values in turn
)

// Expr is an expression. It is not changed after it was parsed.
type Expr struct {
	Op    Op
	Name  string
	Value value.Value
	Args  []*Expr
	Named []Named // of Call, Filter and Test: arguments with names
	Start int     // offsets in the text that was parsed
	End   int
}

// Named is an argument with a name.
type Named struct {
	Name  string
	Value *Expr
}

// maxParse bounds how deep expressions nest.
const maxParse = 60

type parser struct {
	tokens []token
	at     int
	depth  int
}

// ParseExpression parses one expression, as it stands between braces or in a condition.
func ParseExpression(s string) (*Expr, error) {
	tokens, err := lex(s)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	e, err := p.condition()
	if err != nil {
		return nil, err
	}
	if p.is(",") { // a tuple without parentheses
		e = &Expr{Op: ListOf, Args: []*Expr{e}, Start: e.Start}
		for p.take(",") && p.peek().kind != tokenEnd {
			next, err := p.condition()
			if err != nil {
				return nil, err
			}
			e.Args = append(e.Args, next)
		}
		e.End = p.before()
	}
	if p.peek().kind != tokenEnd {
		return nil, fmt.Errorf("%q is not expected here", p.peek().text)
	}
	return e, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

// before is where the last token that was taken ends; good enough for messages and ranges of names.
func (p *parser) before() int { return p.peek().at }

func (p *parser) is(sign string) bool {
	t := p.peek()
	return t.kind == tokenSign && t.text == sign
}

func (p *parser) word(w string) bool {
	t := p.peek()
	return t.kind == tokenName && t.text == w
}

func (p *parser) take(sign string) bool {
	if p.is(sign) {
		p.at++
		return true
	}
	return false
}

func (p *parser) takeWord(w string) bool {
	if p.word(w) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(sign string) error {
	if !p.take(sign) {
		return fmt.Errorf("%s is missing", sign)
	}
	return nil
}

var errDeep = errors.New("the expression nests too deep")

func (p *parser) condition() (*Expr, error) {
	if p.depth++; p.depth > maxParse {
		return nil, errDeep
	}
	defer func() { p.depth-- }()
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	for p.takeWord("if") {
		test, err := p.or()
		if err != nil {
			return nil, err
		}
		var other *Expr
		if p.takeWord("else") {
			if other, err = p.condition(); err != nil {
				return nil, err
			}
		}
		e = &Expr{Op: Condition, Args: []*Expr{test, e, other}, Start: e.Start, End: p.before()}
	}
	return e, nil
}

// chain parses operators of one level that group to the left.
func (p *parser) chain(next func() (*Expr, error), operator func() string) (*Expr, error) {
	left, err := next()
	if err != nil {
		return nil, err
	}
	for {
		op := operator()
		if op == "" {
			return left, nil
		}
		right, err := next()
		if err != nil {
			return nil, err
		}
		left = &Expr{Op: Binary, Name: op, Args: []*Expr{left, right}, Start: left.Start, End: p.before()}
	}
}

func (p *parser) one(signs ...string) func() string {
	return func() string {
		for _, s := range signs {
			if p.take(s) {
				return s
			}
		}
		return ""
	}
}

func (p *parser) words(w string) func() string {
	return func() string {
		if p.takeWord(w) {
			return w
		}
		return ""
	}
}

func (p *parser) or() (*Expr, error)  { return p.chain(p.and, p.words("or")) }
func (p *parser) and() (*Expr, error) { return p.chain(p.not, p.words("and")) }

func (p *parser) not() (*Expr, error) {
	at := p.peek().at
	if !p.takeWord("not") {
		return p.compare()
	}
	if p.depth++; p.depth > maxParse {
		return nil, errDeep
	}
	defer func() { p.depth-- }()
	e, err := p.not()
	if err != nil {
		return nil, err
	}
	return &Expr{Op: Unary, Name: "not", Args: []*Expr{e}, Start: at, End: p.before()}, nil
}

// compare parses comparisons. a < b < c means a < b and b < c.
func (p *parser) compare() (*Expr, error) {
	left, err := p.sum()
	if err != nil {
		return nil, err
	}
	var out *Expr
	for {
		op := p.one("==", "!=", "<=", ">=", "<", ">")()
		if op == "" && p.takeWord("in") {
			op = "in"
		}
		if op == "" && p.word("not") && p.tokens[p.at+1].kind == tokenName && p.tokens[p.at+1].text == "in" {
			p.at += 2
			op = "not in"
		}
		if op == "" {
			if out == nil {
				return left, nil
			}
			return out, nil
		}
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		e := &Expr{Op: Binary, Name: op, Args: []*Expr{left, right}, Start: left.Start, End: p.before()}
		if out == nil {
			out = e
		} else {
			out = &Expr{Op: Binary, Name: "and", Args: []*Expr{out, e}, Start: out.Start, End: e.End}
		}
		left = right
	}
}

func (p *parser) sum() (*Expr, error)     { return p.chain(p.joined, p.one("+", "-")) }
func (p *parser) joined() (*Expr, error)  { return p.chain(p.product, p.one("~")) }
func (p *parser) product() (*Expr, error) { return p.chain(p.power, p.one("*", "//", "/", "%")) }
func (p *parser) power() (*Expr, error) {
	return p.chain(func() (*Expr, error) { return p.unary(true) }, p.one("**"))
}

func (p *parser) unary(filters bool) (*Expr, error) {
	if p.depth++; p.depth > maxParse {
		return nil, errDeep
	}
	defer func() { p.depth-- }()
	var e *Expr
	var err error
	at := p.peek().at
	if op := p.one("-", "+")(); op != "" {
		if e, err = p.unary(false); err != nil {
			return nil, err
		}
		e = &Expr{Op: Unary, Name: op, Args: []*Expr{e}, Start: at, End: p.before()}
	} else if e, err = p.primary(); err != nil {
		return nil, err
	}
	if e, err = p.postfix(e); err != nil || !filters {
		return e, err
	}
	return p.filters(e)
}

func (p *parser) primary() (*Expr, error) {
	t := p.peek()
	e := &Expr{Op: Literal, Start: t.at}
	switch t.kind {
	case tokenName:
		p.at++
		switch t.text {
		case "true", "True":
			e.Value = value.Value{Kind: value.Bool, Bool: true}
		case "false", "False":
			e.Value = value.Value{Kind: value.Bool}
		case "none", "None":
			e.Value = value.Value{Kind: value.Null}
		case "and", "or", "in", "is", "if", "else":
			return nil, fmt.Errorf("%q is not expected here", t.text)
		default:
			e.Op, e.Name = Variable, t.text
		}
		e.End = t.at + len(t.text)
		return e, nil
	case tokenText:
		p.at++
		text := t.text
		for p.peek().kind == tokenText { // texts side by side are one
			text += p.peek().text
			p.at++
		}
		e.Value, e.End = value.Value{Kind: value.String, Text: text}, p.before()
		return e, nil
	case tokenNumber:
		p.at++
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", t.text)
		}
		e.Value, e.End = value.Value{Kind: value.Number, Number: f}, p.before()
		if strconv.FormatFloat(f, 'f', -1, 64) != t.text {
			e.Value.Text = t.text
		}
		return e, nil
	}
	switch {
	case p.take("("):
		return p.parenthesis(e)
	case p.take("["):
		e.Op = ListOf
		for !p.take("]") {
			item, err := p.condition()
			if err != nil {
				return nil, err
			}
			e.Args = append(e.Args, item)
			if !p.is("]") {
				if err := p.expect(","); err != nil {
					return nil, err
				}
			}
		}
		e.End = p.before()
		return e, nil
	case p.take("{"):
		e.Op = DictOf
		for !p.take("}") {
			key, err := p.condition()
			if err != nil {
				return nil, err
			}
			if err := p.expect(":"); err != nil {
				return nil, err
			}
			item, err := p.condition()
			if err != nil {
				return nil, err
			}
			e.Args = append(e.Args, key, item)
			if !p.is("}") {
				if err := p.expect(","); err != nil {
					return nil, err
				}
			}
		}
		e.End = p.before()
		return e, nil
	case t.kind == tokenEnd:
		return nil, errors.New("the expression ends too early")
	}
	return nil, fmt.Errorf("%q is not expected here", t.text)
}

// parenthesis parses what follows an opening one: an expression, or a tuple.
func (p *parser) parenthesis(e *Expr) (*Expr, error) {
	tuple := false
	for !p.take(")") {
		item, err := p.condition()
		if err != nil {
			return nil, err
		}
		e.Args = append(e.Args, item)
		if p.take(",") {
			tuple = true
		} else if !p.is(")") {
			return nil, errors.New(") is missing")
		}
	}
	if len(e.Args) == 1 && !tuple {
		return e.Args[0], nil
	}
	e.Op, e.End = ListOf, p.before()
	return e, nil
}

func (p *parser) postfix(e *Expr) (*Expr, error) {
	for {
		switch {
		case p.take("."):
			t := p.peek()
			if t.kind != tokenName && t.kind != tokenNumber {
				return nil, errors.New("a name is missing behind the point")
			}
			p.at++
			if t.kind == tokenNumber { // list.0
				n, err := strconv.ParseFloat(t.text, 64)
				if err != nil {
					return nil, fmt.Errorf("%q is no number", t.text)
				}
				i := &Expr{Op: Literal, Value: value.Value{Kind: value.Number, Number: n}, Start: t.at, End: p.before()}
				e = &Expr{Op: Index, Args: []*Expr{e, i}, Start: e.Start, End: p.before()}
				continue
			}
			e = &Expr{Op: Attribute, Name: t.text, Args: []*Expr{e}, Start: e.Start, End: t.at + len(t.text)}
		case p.take("["):
			next, err := p.subscript(e)
			if err != nil {
				return nil, err
			}
			e = next
		case p.is("("):
			call := &Expr{Op: Call, Args: []*Expr{e}, Start: e.Start}
			if err := p.arguments(call); err != nil {
				return nil, err
			}
			e = call
		default:
			return e, nil
		}
	}
}

func (p *parser) subscript(e *Expr) (*Expr, error) {
	out := &Expr{Op: Index, Args: []*Expr{e}, Start: e.Start}
	var bounds []*Expr
	var bound *Expr
	for {
		switch {
		case p.take(":"):
			out.Op = Slice
			bounds, bound = append(bounds, bound), nil
		case p.take("]"):
			bounds = append(bounds, bound)
			if out.Op == Index && bound == nil || len(bounds) > 3 {
				return nil, errors.New("an index is missing")
			}
			out.Args, out.End = append(out.Args, bounds...), p.before()
			return out, nil
		default:
			if bound != nil {
				return nil, errors.New("] is missing")
			}
			var err error
			if bound, err = p.condition(); err != nil {
				return nil, err
			}
		}
	}
}

// arguments parses the arguments of e with their parentheses.
func (p *parser) arguments(e *Expr) error {
	p.at++
	for !p.take(")") {
		if p.take("*") || p.take("**") {
			return errors.New("arguments that are spread out are not understood")
		}
		if t := p.peek(); t.kind == tokenName && p.tokens[p.at+1].kind == tokenSign && p.tokens[p.at+1].text == "=" {
			p.at += 2
			v, err := p.condition()
			if err != nil {
				return err
			}
			e.Named = append(e.Named, Named{t.text, v})
		} else {
			v, err := p.condition()
			if err != nil {
				return err
			}
			e.Args = append(e.Args, v)
		}
		if !p.is(")") {
			if err := p.expect(","); err != nil {
				return err
			}
		}
	}
	e.End = p.before()
	return nil
}

// dotted parses the name of a filter or test: ansible.builtin.regex_replace is regex_replace.
func (p *parser) dotted() (string, error) {
	t := p.peek()
	if t.kind != tokenName {
		return "", errors.New("the name of a filter or test is missing")
	}
	p.at++
	name := t.text
	for p.take(".") {
		if t = p.peek(); t.kind != tokenName {
			return "", errors.New("the name of a filter or test is missing")
		}
		p.at++
		name = t.text
	}
	return name, nil
}

func (p *parser) filters(e *Expr) (*Expr, error) {
	for {
		switch {
		case p.take("|"):
			name, err := p.dotted()
			if err != nil {
				return nil, err
			}
			f := &Expr{Op: Filter, Name: name, Args: []*Expr{e}, Start: e.Start, End: p.before()}
			if p.is("(") {
				if err := p.arguments(f); err != nil {
					return nil, err
				}
			}
			if e, err = p.postfix(f); err != nil { // x | first['a'] and (x | f).y are both written
				return nil, err
			}
		case p.takeWord("is"):
			negated := p.takeWord("not")
			name, err := p.dotted()
			if err != nil {
				return nil, err
			}
			t := &Expr{Op: Test, Name: name, Args: []*Expr{e}, Start: e.Start, End: p.before()}
			if p.is("(") {
				err = p.arguments(t)
			} else if next := p.peek(); next.kind == tokenText || next.kind == tokenNumber || p.is("[") || p.is("{") ||
				next.kind == tokenName && !reserved[next.text] {
				var arg *Expr
				if arg, err = p.primary(); err == nil {
					arg, err = p.postfix(arg)
				}
				t.Args = append(t.Args, arg)
			}
			if err != nil {
				return nil, err
			}
			if e = t; negated {
				e = &Expr{Op: Unary, Name: "not", Args: []*Expr{t}, Start: t.Start, End: p.before()}
			}
		default:
			return e, nil
		}
	}
}

// reserved are the words that end a test without parentheses.
var reserved = map[string]bool{"and": true, "or": true, "not": true, "in": true, "is": true, "if": true, "else": true}
