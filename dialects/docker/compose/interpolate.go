package compose

import (
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// words is a text with its variables put in: what is known of it and what is not, in order.
type words []piece

// piece is a part of a text.
type piece struct {
	text  string
	hole  string       // name of the variable that nobody sets; the text is then empty
	from  string       // name of the variable that the text comes from, when it comes from one
	given bool         // the text is not in the code
	at    source.Range // where the variable is set
}

// literal is a text that is wholly known.
func literal(text string) words { return words{{text: text}} }

// known returns the whole text, when it is known.
func (w words) known() (string, bool) {
	if len(w) == 1 && w[0].hole == "" {
		return w[0].text, true
	}
	var b strings.Builder
	for i := range w {
		if w[i].hole != "" {
			return "", false
		}
		b.WriteString(w[i].text)
	}
	return b.String(), true
}

// begin returns what is known of the beginning.
func (w words) begin() string {
	var b strings.Builder
	for i := range w {
		if w[i].hole != "" {
			break
		}
		b.WriteString(w[i].text)
	}
	return b.String()
}

func (w words) given() bool {
	return slices.ContainsFunc(w, func(p piece) bool { return p.given || p.hole != "" })
}

// value returns the text as a value at a place.
func (w words) value(at source.Range) value.Value {
	if text, ok := w.known(); ok {
		return value.Value{Kind: value.String, Text: text, Given: w.given(), Range: at}
	}
	v := value.Value{Kind: value.Unknown, NotNull: true, Given: true, Text: w.begin(), Range: at}
	if v.Text != "" {
		for i := len(w) - 1; i >= 0 && w[i].hole == ""; i-- {
			v.Ending = w[i].text + v.Ending
		}
	}
	return v
}

// split cuts a text at a sign, where it is known.
func (w words) split(sep byte) []words {
	out := []words{nil}
	for _, p := range w {
		for p.hole == "" {
			i := strings.IndexByte(p.text, sep)
			if i < 0 {
				break
			}
			before := p
			before.text, p.text = p.text[:i], p.text[i+1:]
			last := len(out) - 1
			out[last] = append(out[last], before)
			out = append(out, nil)
		}
		last := len(out) - 1
		if p.text != "" || p.hole != "" {
			out[last] = append(out[last], p)
		}
	}
	return out
}

// cut splits a text at the first sign, when it is known.
func (w words) cut(sep byte) (before, after words, found bool) {
	for i, p := range w {
		at := strings.IndexByte(p.text, sep)
		if p.hole != "" || at < 0 {
			continue
		}
		head, tail := p, p
		head.text, tail.text = p.text[:at], p.text[at+1:]
		before = append(slices.Clone(w[:i]), head)
		after = append(words{tail}, w[i+1:]...)
		return before, after, true
	}
	return w, nil, false
}

// variable is what a name stands for.
type variable struct {
	text  words
	at    source.Range
	given bool
}

// scope is the variables that a file sees.
type scope struct {
	outer *scope // that of who includes the file: it is asked first
	own   map[string]variable
}

func (s *scope) lookup(name string) (variable, bool) {
	if s == nil {
		return variable{}, false
	}
	if v, ok := s.outer.lookup(name); ok {
		return v, true
	}
	v, ok := s.own[name]
	return v, ok
}

// maxNesting is how deep defaults may stand in defaults.
const maxNesting = 50

// expander puts variables in.
type expander struct {
	scope *scope
	most  int  // bytes that a text may grow to
	bad   bool // the text breaks the rules of Compose's templates
	large bool // it grew too much
	names map[string]bool
}

// expand puts the variables into a text.
func (x *expander) expand(text string, depth int) words {
	if strings.IndexByte(text, '$') < 0 {
		return literal(text)
	}
	var out words
	var plain strings.Builder // what stands between variables
	size := 0
	grow := func(n int) bool {
		size += n
		x.large = x.large || size > x.most
		return !x.large
	}
	flush := func() {
		if plain.Len() > 0 {
			out = append(out, piece{text: plain.String()})
			plain.Reset()
		}
	}
	put := func(name, rest string) {
		for _, p := range x.braced(name, rest, depth) {
			if grow(len(p.text)) && (p.text != "" || p.hole != "") {
				flush()
				out = append(out, p)
			}
		}
	}
	for text != "" {
		i := strings.IndexByte(text, '$')
		if i < 0 {
			i = len(text)
		}
		if grow(i) {
			plain.WriteString(text[:i])
		}
		if text = text[i:]; text == "" {
			break
		}
		if strings.HasPrefix(text, "$$") {
			plain.WriteByte('$')
			text = text[2:]
			continue
		}
		name, rest, end := nameAt(text[1:]), "", 0
		if strings.HasPrefix(text, "${") {
			name, end = nameAt(text[2:]), closing(text[1:])
			if name != "" && end > 0 {
				rest, end = text[2+len(name):1+end], end+2
			}
		} else {
			end = 1 + len(name)
		}
		if name == "" && text[:min(2, len(text))] != "${" { // $(date), $1: a sign like any other
			plain.WriteByte('$')
			text = text[1:]
			continue
		}
		if name == "" || end <= 0 || depth >= maxNesting {
			x.bad = true
			plain.WriteString(text)
			break
		}
		put(name, rest)
		text = text[end:]
	}
	flush()
	if out == nil {
		return literal("")
	}
	return out
}

// braced evaluates ${NAME…}; rest is what stands behind the name.
func (x *expander) braced(name, rest string, depth int) words {
	if x.names != nil {
		x.names[name] = true
	}
	v, set := x.scope.lookup(name)
	text, known := v.text.known()
	empty := set && known && text == ""
	op, word := "", ""
	for _, o := range [...]string{":-", ":?", ":+", "-", "?", "+"} {
		if after, ok := strings.CutPrefix(rest, o); ok {
			op, word = o, after
			break
		}
	}
	if op == "" && rest != "" {
		x.bad = true
		return literal("${" + name + rest + "}")
	}
	if !strings.HasPrefix(op, ":") {
		empty = false
	}
	switch strings.TrimPrefix(op, ":") {
	case "-":
		if !set || empty {
			return x.expand(word, depth+1)
		}
	case "+":
		if set && !empty {
			return x.expand(word, depth+1)
		}
		return nil
	case "?":
		if !set || empty {
			return words{{hole: name}}
		}
	}
	if !set {
		return words{{hole: name}}
	}
	if known { // one piece, however many it was made of
		return words{{text: text, from: name, at: v.at, given: v.given || v.text.given()}}
	}
	here := slices.Clone(v.text)
	for i := range here {
		if here[i].from == "" {
			here[i].from, here[i].at = name, v.at
		}
		here[i].given = here[i].given || v.given
	}
	return here
}

// closing returns where the brace closes that a text begins with, -1 when it does not.
func closing(text string) int {
	open := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{':
			if i == 0 || text[i-1] == '$' {
				open++
			}
		case '}':
			if open--; open == 0 {
				return i
			}
		}
	}
	return -1
}

// nameAt returns the name of a variable that a text begins with.
func nameAt(text string) string {
	i := 0
	for i < len(text) && (text[i] == '_' || text[i] >= 'a' && text[i] <= 'z' || text[i] >= 'A' && text[i] <= 'Z' || i > 0 && text[i] >= '0' && text[i] <= '9') {
		i++
	}
	return text[:i]
}

// variablesIn returns the names of the variables that a text names, also in defaults.
func variablesIn(text string) []string {
	seen := make(map[string]bool)
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '$' {
			continue
		}
		if text[i+1] == '$' {
			i++
			continue
		}
		if name := nameAt(strings.TrimPrefix(text[i+1:min(len(text), i+200)], "{")); name != "" {
			seen[name] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
