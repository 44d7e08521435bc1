package jinja

import (
	"strings"
)

// Template is a text with expressions in it.
type Template struct {
	Parts []Part
}

// Part is a piece of a template: a text, an expression, or something that is not understood.
type Part struct {
	Text  string
	Expr  *Expr // nil for a text
	Dark  bool  // a statement, or an expression that cannot be parsed: what it makes is unknown
	Start int   // offset of Expr's text in the template
}

// Templated reports whether a text has anything in it that Jinja looks at.
func Templated(s string) bool {
	for i := strings.IndexByte(s, '{'); i >= 0 && i+1 < len(s); {
		if c := s[i+1]; c == '{' || c == '%' || c == '#' {
			return true
		}
		next := strings.IndexByte(s[i+1:], '{')
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// Parse cuts a text into its parts. What cannot be parsed is dark: people write templates for other programs, too.
func Parse(s string) *Template {
	t := &Template{}
	text := func(part string) {
		if part != "" {
			t.Parts = append(t.Parts, Part{Text: part})
		}
	}
	at := 0
	trim := false // the sign before ended with a minus
	for at < len(s) {
		i := opening(s[at:])
		if i < 0 {
			break
		}
		before := s[at : at+i]
		if trim {
			before = strings.TrimLeft(before, " \t\r\n")
		}
		kind := s[at+i+1]
		start := at + i + 2
		if start < len(s) && (s[start] == '-' || s[start] == '+') {
			if s[start] == '-' {
				before = strings.TrimRight(before, " \t\r\n")
			}
			start++
		}
		end, next := closing(s, start, kind)
		if end < 0 {
			text(before)
			t.Parts = append(t.Parts, Part{Dark: true})
			return t
		}
		text(before)
		inner := s[start:end]
		trim = strings.HasSuffix(inner, "-")
		if trim {
			inner = inner[:len(inner)-1]
		}
		switch kind {
		case '{':
			part := Part{Start: start}
			if e, err := ParseExpression(inner); err == nil {
				part.Expr = e
			} else {
				part.Dark = true
			}
			t.Parts = append(t.Parts, part)
		case '%':
			if strings.TrimSpace(inner) == "raw" {
				if stop, after := endRaw(s[next:]); stop >= 0 {
					text(s[next : next+stop])
					at, trim = next+after, false
					continue
				}
			}
			t.Parts = append(t.Parts, Part{Dark: true})
			text(s[next:][lastStatement(s[next:]):]) // behind the last statement the text is certain again
			return t
		}
		at = next
	}
	rest := s[min(at, len(s)):]
	if trim {
		rest = strings.TrimLeft(rest, " \t\r\n")
	}
	text(rest)
	return t
}

// opening returns where the next sign of Jinja begins, or -1.
func opening(s string) int {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '{' && (s[i+1] == '{' || s[i+1] == '%' || s[i+1] == '#') {
			return i
		}
	}
	return -1
}

// closing returns where the inside ends and where what follows begins; -1 when it does not end.
func closing(s string, at int, kind byte) (end, next int) {
	sign := map[byte]string{'{': "}}", '%': "%}", '#': "#}"}[kind]
	depth := 0
	for i := at; i < len(s); i++ {
		if kind != '#' && (s[i] == '"' || s[i] == '\'') {
			_, n, err := quoted(s[i:])
			if err != nil {
				return -1, -1
			}
			i += n - 1
			continue
		}
		if kind == '{' && s[i] == '{' {
			depth++
			continue
		}
		if kind == '{' && s[i] == '}' && depth > 0 {
			depth--
			continue
		}
		if strings.HasPrefix(s[i:], sign) {
			return i, i + len(sign)
		}
	}
	return -1, -1
}

// endRaw returns where {% endraw %} begins and ends.
func endRaw(s string) (start, end int) {
	for at := 0; ; {
		i := strings.Index(s[at:], "{%")
		if i < 0 {
			return -1, -1
		}
		i += at
		j := strings.Index(s[i:], "%}")
		if j < 0 {
			return -1, -1
		}
		if strings.Trim(s[i+2:i+j], "- \t\r\n") == "endraw" {
			return i, i + j + 2
		}
		at = i + 2
	}
}

// lastStatement returns the offset behind the last sign of Jinja in s.
func lastStatement(s string) int {
	last := max(strings.LastIndex(s, "%}"), strings.LastIndex(s, "}}"), strings.LastIndex(s, "#}"))
	if last < 0 {
		return 0
	}
	return last + 2
}
