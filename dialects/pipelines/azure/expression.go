package azure

import (
	"strconv"
	"strings"

	"plumbline.dev/plumbline/value"
)

// A template expression, ${{ … }}, is a literal, a reference, or a call; https://learn.microsoft.com/azure/devops/pipelines/process/expressions.

// maxDepth bounds the nesting of an expression; a deeper one is unknown.
const maxDepth = 50

// term is one term of an expression.
type term struct {
	literal value.Value // of a literal
	call    string      // name of the function, in lower case
	args    []term
	path    []string // of a reference: parameters, image
}

// parse reads an expression. False: it is none, or nested too deeply.
func parse(text string) (term, bool) {
	p := &parser{text: text}
	t, ok := p.term(0)
	p.space()
	return t, ok && p.at == len(text)
}

type parser struct {
	text string
	at   int
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) take(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func isWord(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *parser) word() string {
	start := p.at
	for p.at < len(p.text) && isWord(p.text[p.at]) {
		p.at++
	}
	return p.text[start:p.at]
}

// quoted reads a text in single quotes; two of them are one.
func (p *parser) quoted() (string, bool) {
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		if c != '\'' {
			b.WriteByte(c)
			continue
		}
		if p.at < len(p.text) && p.text[p.at] == '\'' {
			b.WriteByte('\'')
			p.at++
			continue
		}
		return b.String(), true
	}
	return "", false
}

func (p *parser) term(depth int) (term, bool) {
	if depth > maxDepth {
		return term{}, false
	}
	if p.take('\'') {
		s, ok := p.quoted()
		return term{literal: value.Value{Kind: value.String, Text: s}}, ok
	}
	p.space()
	w := p.word()
	if w == "" {
		return term{}, false
	}
	if c := w[0]; c == '-' || c >= '0' && c <= '9' {
		for p.at < len(p.text) && p.text[p.at] == '.' { // a number, or a version
			p.at++
			w += "." + p.word()
		}
		if f, err := strconv.ParseFloat(w, 64); err == nil {
			return term{literal: value.Value{Kind: value.Number, Number: f}}, true
		}
		return term{literal: value.Value{Kind: value.String, Text: w}}, true
	}
	switch lower := strings.ToLower(w); {
	case lower == "true" || lower == "false":
		return term{literal: value.Value{Kind: value.Bool, Bool: lower == "true"}}, true
	case lower == "null":
		return term{literal: value.Value{Kind: value.Null}}, true
	case p.take('('):
		t := term{call: lower}
		if p.take(')') {
			return t, true
		}
		for {
			arg, ok := p.term(depth + 1)
			if !ok {
				return term{}, false
			}
			t.args = append(t.args, arg)
			if p.take(')') {
				return t, true
			}
			if !p.take(',') {
				return term{}, false
			}
		}
	}
	t := term{path: []string{w}}
	for {
		switch {
		case p.take('.'):
			next := p.word()
			if next == "" {
				return term{}, false
			}
			t.path = append(t.path, next)
		case p.take('['):
			p.space()
			var name string
			if p.take('\'') {
				s, ok := p.quoted()
				if !ok {
					return term{}, false
				}
				name = s
			} else if name = p.word(); name == "" || name[0] < '0' || name[0] > '9' {
				return term{}, false
			}
			if !p.take(']') {
				return term{}, false
			}
			t.path = append(t.path, name)
		default:
			return t, true
		}
	}
}

// unknown is what cannot be said before the pipeline runs.
var unknown = value.Value{Kind: value.Unknown}

func boolean(b bool) value.Value { return value.Value{Kind: value.Bool, Bool: b} }

// truth is a value as a condition: known is false when it cannot be said.
func truth(v value.Value) (is, known bool) {
	switch v.Kind {
	case value.Unknown:
		return false, false
	case value.Bool:
		return v.Bool, true
	case value.Number:
		return v.Number != 0, true
	case value.String:
		return v.Text != "", true
	case value.List, value.Object:
		return true, true
	}
	return false, true
}

// textOf is a scalar as text; false for what is none.
func textOf(v *value.Value) (string, bool) {
	switch v.Kind {
	case value.String:
		return v.Text, true
	case value.Number:
		return v.Digits(), true
	case value.Bool:
		if v.Bool {
			return "True", true
		}
		return "False", true
	case value.Null, value.Absent:
		return "", true
	}
	return "", false
}

// evaluate gives the value of a term; look gives that of a reference.
func (t *term) evaluate(look func(path []string) value.Value) value.Value {
	if t.path != nil {
		return look(t.path)
	}
	if t.call == "" {
		return t.literal
	}
	args := make([]value.Value, len(t.args))
	for i := range t.args {
		args[i] = t.args[i].evaluate(look)
	}
	return call(t.call, args)
}

// call calls a function. What the package does not know is unknown.
func call(name string, args []value.Value) value.Value {
	switch name {
	case "and", "or":
		out := boolean(name == "and")
		for _, a := range args {
			is, known := truth(a)
			if known && is != out.Bool {
				return boolean(is)
			}
			if !known {
				out.Kind = value.Unknown
			}
		}
		if out.Kind == value.Unknown {
			return unknown
		}
		return out
	case "not":
		if len(args) == 1 {
			if is, known := truth(args[0]); known {
				return boolean(!is)
			}
		}
		return unknown
	case "in", "notin":
		if len(args) == 0 {
			return unknown
		}
		open := false
		for i := range args[1:] {
			same := equal(&args[0], &args[i+1])
			if same.Kind == value.Unknown {
				open = true
			} else if same.Bool {
				return boolean(name == "in")
			}
		}
		if open {
			return unknown
		}
		return boolean(name != "in")
	case "coalesce":
		for _, a := range args {
			if a.Kind == value.Unknown {
				return unknown
			}
			if s, ok := textOf(&a); !ok || s != "" {
				return a
			}
		}
		return value.Value{Kind: value.Null}
	case "iif":
		if len(args) == 3 {
			if is, known := truth(args[0]); known && is {
				return args[1]
			} else if known {
				return args[2]
			}
		}
		return unknown
	case "eq", "ne":
		if len(args) != 2 {
			return unknown
		}
		same := equal(&args[0], &args[1])
		if same.Kind == value.Bool && name == "ne" {
			same.Bool = !same.Bool
		}
		return same
	case "length":
		if len(args) == 1 {
			switch a := &args[0]; a.Kind {
			case value.String:
				return value.Value{Kind: value.Number, Number: float64(len(a.Text))}
			case value.List:
				return value.Value{Kind: value.Number, Number: float64(len(a.Items))}
			}
		}
		return unknown
	case "contains":
		if len(args) == 2 && args[0].Kind == value.List {
			return call("in", append([]value.Value{args[1]}, args[0].Items...))
		}
	}
	return texts(name, args)
}

// texts calls the functions over texts.
func texts(name string, args []value.Value) value.Value {
	all := make([]string, len(args))
	for i := range args {
		s, ok := textOf(&args[i])
		if !ok {
			return unknown
		}
		all[i] = s
	}
	text := func(s string) value.Value { return value.Value{Kind: value.String, Text: s} }
	fold := strings.ToLower
	switch {
	case name == "lower" && len(all) == 1:
		return text(strings.ToLower(all[0]))
	case name == "upper" && len(all) == 1:
		return text(strings.ToUpper(all[0]))
	case name == "trim" && len(all) == 1:
		return text(strings.TrimSpace(all[0]))
	case name == "replace" && len(all) == 3 && len(all[0])*len(all[2]) < 1<<20:
		return text(strings.ReplaceAll(all[0], all[1], all[2]))
	case name == "startswith" && len(all) == 2:
		return boolean(strings.HasPrefix(fold(all[0]), fold(all[1])))
	case name == "endswith" && len(all) == 2:
		return boolean(strings.HasSuffix(fold(all[0]), fold(all[1])))
	case name == "contains" && len(all) == 2:
		return boolean(strings.Contains(fold(all[0]), fold(all[1])))
	case name == "containsvalue" && len(all) == 2:
		return boolean(strings.EqualFold(all[0], all[1]))
	case name == "format" && len(all) > 0:
		out := all[0]
		for i, s := range all[1:] {
			if len(out)+len(s) > 1<<20 {
				return unknown
			}
			out = strings.ReplaceAll(out, "{"+strconv.Itoa(i)+"}", s)
		}
		return text(out)
	}
	return unknown
}

// equal compares as Azure does: without regard to case, after the kind of the first.
func equal(a, b *value.Value) value.Value {
	x, ok := textOf(a)
	y, also := textOf(b)
	if !ok || !also {
		return unknown
	}
	return boolean(strings.EqualFold(x, y))
}
