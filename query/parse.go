package query

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// connective are words that other languages have; what to write instead.
var connective = map[string]string{
	"AND": "every term must hold as it is: leave AND out",
	"OR":  "several values of one key are written with commas, severity:high,critical; put \"OR\" in quotes to search for it",
	"NOT": "write - in front of the term: -status:muted; put \"NOT\" in quotes to search for it",
}

// Parse reads a query. The error is a *Mistake.
func Parse(text string) (*Query, error) {
	if len(text) > MaxText {
		return nil, mistake(MaxText, len(text), "the query is longer than %d bytes: leave something out", MaxText)
	}
	if !utf8.ValidString(text) {
		return nil, mistake(0, len(text), "the query is not valid UTF-8")
	}
	p := &parser{text: text}
	q := &Query{}
	for p.spaces(); p.at < len(text); p.spaces() {
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		if q.Terms = append(q.Terms, t); len(q.Terms) > MaxTerms {
			return nil, mistake(t.Start, len(text), "more than %d terms: leave some out", MaxTerms)
		}
	}
	return q, nil
}

type parser struct {
	text   string
	at     int
	values int
}

// separates tells whether a character ends a term.
func separates(r rune) bool { return unicode.IsSpace(r) }

func (p *parser) spaces() {
	p.at += len(p.text[p.at:]) - len(strings.TrimLeftFunc(p.text[p.at:], separates))
}

// end tells whether a term ends here.
func (p *parser) end() bool {
	r, n := utf8.DecodeRuneInString(p.text[p.at:])
	return n == 0 || separates(r)
}

func (p *parser) term() (Term, error) {
	t := Term{Start: p.at}
	if p.text[p.at] == '-' {
		p.at++
		t.Not = true
		if p.end() {
			return t, mistake(t.Start, p.at, "- stands in front of a term, without a space: -status:muted")
		}
	}
	name := p.name()
	var err error
	if p.at+len(name) < len(p.text) && name != "" && p.text[p.at+len(name)] == ':' {
		err = p.keyed(&t, name)
	} else {
		err = p.free(&t)
	}
	t.End = p.at
	return t, err
}

// name returns what could be a key here.
func (p *parser) name() string {
	rest := p.text[p.at:]
	n := strings.IndexFunc(rest, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
	})
	return rest[:max(n, 0)]
}

// free reads a text that is searched for.
func (p *parser) free(t *Term) error {
	start := p.at
	v := Value{Start: start}
	if p.text[p.at] == '"' {
		raw, err := p.quoted()
		if err != nil {
			return err
		}
		v.Text = raw
		if !p.end() {
			return mistake(p.at, p.at+1, "after the closing quote a space must come; a quote in quotes is written \\\"")
		}
	} else {
		for !p.end() {
			_, n := utf8.DecodeRuneInString(p.text[p.at:])
			p.at += n
		}
		v.Text = p.text[start:p.at]
		if say := connective[v.Text]; say != "" {
			return mistake(start, p.at, "%s", say)
		}
		if v.Text[0] == '(' || v.Text[len(v.Text)-1] == ')' && !strings.Contains(v.Text, "(") {
			return mistake(start, p.at, "there are no groups: every term must hold; put parentheses in quotes to search for them")
		}
	}
	if v.Text == "" {
		return mistake(start, p.at, "there is nothing between the quotes")
	}
	v.End = p.at
	t.Values = []Value{v}
	return p.count(start)
}

// count holds the bound on values.
func (p *parser) count(start int) error {
	if p.values++; p.values > MaxValues {
		return mistake(start, p.at, "more than %d values: leave some out", MaxValues)
	}
	return nil
}

// quoted reads a text in quotes, without them; only \" and \\ are escapes in a text that is searched for.
func (p *parser) quoted() (string, error) {
	start := p.at
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return b.String(), nil
		case c == '\\' && p.at+1 < len(p.text) && (p.text[p.at+1] == '"' || p.text[p.at+1] == '\\'):
			p.at++
			b.WriteByte(p.text[p.at])
		default:
			b.WriteByte(c)
		}
	}
	return "", mistake(start, len(p.text), "the quote is not closed: write \" at the end of the text")
}

// keyed reads the operator and the values of a key.
func (p *parser) keyed(t *Term, name string) error {
	key := keyOf(name)
	if key == nil {
		say := "put it in quotes to search for the text"
		if near := nearest(strings.ToLower(name), names()); near != "" {
			say = "did you mean " + near + ":? Or " + say
		}
		return mistake(p.at, p.at+len(name), "there is nothing called %s to ask for: %s", name, say)
	}
	t.Key = key.Name
	p.at += len(name) + 1
	start := p.at
	for _, op := range []Op{AtLeast, AtMost, More, Less} {
		if strings.HasPrefix(p.text[p.at:], string(op)) {
			t.Op = op
			p.at += len(op)
			break
		}
	}
	ordered := key.Kind == Level || key.Kind == Moment || key.Kind == Span
	if t.Op != Is && !ordered {
		return mistake(start, p.at, "%s has no order: write %s", key.Name, key.Example)
	}
	for {
		v, err := p.value()
		if err != nil {
			return err
		}
		if v.Text == "" {
			return mistake(t.Start, p.at, "%s: lacks a value: write %s", key.Name, key.Example)
		}
		if err := key.check(t.Op, &v); err != nil {
			return err
		}
		t.Values = append(t.Values, v)
		if err := p.count(t.Start); err != nil {
			return err
		}
		if p.at >= len(p.text) || p.text[p.at] != ',' {
			break
		}
		p.at++
	}
	if !p.end() {
		return mistake(p.at, p.at+1, "after the closing quote a space or a comma must come; a quote in quotes is written \\\"")
	}
	if t.Op != Is && len(t.Values) > 1 {
		return mistake(t.Values[1].Start, p.at, "%s compares with one value: leave out the others", t.Op)
	}
	return nil
}

func names() []string {
	var out []string
	for i := range keys {
		out = append(append(out, keys[i].Name), keys[i].Aliases...)
	}
	return out
}

// value reads one value of a key, bare or in quotes. In both * stands for any text and \ takes the meaning from *, \, " and the comma.
func (p *parser) value() (Value, error) {
	v := Value{Start: p.at}
	inQuotes := p.at < len(p.text) && p.text[p.at] == '"'
	if inQuotes {
		p.at++
	}
	var plain, pattern strings.Builder
	closed, stars := false, 0
	for p.at < len(p.text) {
		c := p.text[p.at]
		if inQuotes && c == '"' {
			p.at++
			closed = true
			break
		}
		if !inQuotes && (c == ',' || p.end()) {
			break
		}
		literal := false
		if c == '\\' && p.at+1 < len(p.text) && strings.IndexByte(`\*",`, p.text[p.at+1]) >= 0 {
			p.at++
			c, literal = p.text[p.at], true
		}
		switch {
		case c == '*' && !literal:
			v.Wild = true
			stars++
			pattern.WriteByte(c)
		case c == '*' || c == '\\':
			pattern.WriteByte('\\')
			pattern.WriteByte(c)
		default:
			pattern.WriteByte(c)
		}
		plain.WriteByte(c)
		p.at++
	}
	if inQuotes && !closed {
		return v, mistake(v.Start, p.at, "the quote is not closed: write \" at the end of the value")
	}
	if stars > MaxStars {
		return v, mistake(v.Start, p.at, "more than %d stars in a value: leave some out", MaxStars)
	}
	v.End, v.Text = p.at, plain.String()
	if v.Wild {
		v.Text = pattern.String()
	}
	return v, nil
}

// check holds a value against the kind of its key and brings it into the one form in which it is printed.
func (k *Key) check(op Op, v *Value) error {
	switch k.Kind {
	case Word, Level:
		word := strings.ToLower(v.Text)
		if !slices.Contains(k.Values, word) {
			say := "use " + strings.Join(k.Values, ", ")
			if near := nearest(word, k.Values); near != "" {
				say = "did you mean " + near + "? There are " + strings.Join(k.Values, ", ")
			}
			return mistake(v.Start, v.End, "%s is no %s: %s", v.Text, k.Name, say)
		}
		v.Text, v.Wild = word, false
	case Moment:
		if _, _, ok := v.Day(); !ok || v.Wild {
			return mistake(v.Start, v.End, "%s is no day: write %s or a time like 2026-01-31T12:00:00Z", v.Text, k.Example)
		}
	case Span:
		if op == Is {
			return mistake(v.Start, v.End, "%s compares: write %s:>%s or %s:<%s", k.Name, k.Name, v.Text, k.Name, v.Text)
		}
		if _, ok := v.Span(); !ok || v.Wild {
			return mistake(v.Start, v.End, "%s is no length of time: write %s (h, d, w, m or y)", v.Text, k.Example)
		}
	}
	return nil
}
