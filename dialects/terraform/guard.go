package terraform

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/dialects/terraform/function"
	"plumbline.dev/plumbline/source"
)

// The parser of the language calls itself for every bracket, template and operator, and a stack that runs over cannot be
// recovered from; it keeps a hundred bytes for every word; and a number of a billion digits takes minutes to print. So
// before the parser sees a text, one scan over it decides whether it is harmless. The scan knows strings, comments and
// heredocs as well as well-formed files need. Where it meets anything that HCL's own scanner might see differently, it
// gives up, and the tokens of that scanner decide (tokens.go). What the scan tells of a file on the way is its outline.

const (
	chainFactor = 8         // operators, calls and indexes in a row that are allowed, as a multiple of the nesting
	maxTokens   = 1_500_000 // words and signs of one text
)

// refusal says why a text must not be parsed.
type refusal struct {
	offset  int
	message string
}

func tooNested(offset, limit int) *refusal {
	return &refusal{offset, fmt.Sprintf("it nests deeper than %d brackets, or chains more than %d operators", limit, limit*chainFactor)}
}

func tooWordy(offset int) *refusal {
	return &refusal{offset, fmt.Sprintf("it has more than %d words and signs", maxTokens)}
}

func tooPrecise(offset int) *refusal {
	return &refusal{offset, "it holds a number of too many digits, or with too large an exponent"}
}

func (r *refusal) problem(file string) source.Problem {
	return source.Problem{Kind: source.Limit, Range: source.Range{File: file, Start: r.offset, End: r.offset},
		Message: "the file was not read: " + r.message}
}

// refuse decides on the text of an expression, or with template set, of the inside of a string. It returns nil when the
// text may be parsed.
func refuse(src []byte, limit int, template bool) *refusal {
	if words(src) > maxTokens {
		return tooWordy(0)
	}
	lex := hclsyntax.LexConfig
	if template {
		lex = hclsyntax.LexTemplate
	}
	tokens, _ := lex(src, "", hcl.InitialPos)
	return refuseTokens(tokens, limit)
}

// tooDeep returns the offset of the first byte for which src must not be parsed, and whether there is one. With template
// set, src is the inside of a string rather than a file.
func tooDeep(src []byte, limit int, template bool) (int, bool) {
	var r *refusal
	if template {
		r = refuse(src, limit, true)
	} else {
		_, r = scanFile(src, limit)
	}
	if r == nil {
		return 0, false
	}
	return r.offset, true
}

// scanFile returns the outline of a file, or why it must not be parsed. The outline is not sure when only the parser knows.
func scanFile(src []byte, limit int) (outline, *refusal) {
	s := &scanner{src: src, limit: limit, levels: append(make([]level, 0, 16), level{lines: true, watched: true})}
	if s.run(); s.refused != nil {
		return outline{}, s.refused
	}
	if s.lost {
		return outline{}, refuse(src, limit, false)
	}
	s.out.sure = true
	return s.out, nil
}

type mode uint8

const (
	inCode    mode = iota // an opened (, [ or {, or the whole file
	inInterp              // an opened ${ or %{
	inQuoted              // between quotes
	inHeredoc             // between <<EOT and its end
)

// level is something that was opened and not closed yet.
type level struct {
	mode       mode
	closer     byte   // of brackets
	lines      bool   // a line end separates items here
	chain      int    // operators since the last separator
	directives int    // %{ if and %{ for that are open in this template
	marker     []byte // of a heredoc
	start      int    // of a string
	escapes    bool   // a string holds more than plain text
	watched    bool   // its lines belong to the outline
	line       line
	block      *head // the block that was opened; nil when the outline does not want it
}

type scanner struct {
	src     []byte
	at      int
	limit   int
	levels  []level
	depth   int // levels and directives that are open
	chained int // the chains of all levels
	tokens  int
	lost    bool // HCL's scanner must decide
	refused *refusal
	out     outline
}

func (s *scanner) top() *level { return &s.levels[len(s.levels)-1] }

func (s *scanner) push(l level) {
	s.levels = append(s.levels, l)
	s.depth++
}

func (s *scanner) pop() {
	top := s.top()
	s.depth -= 1 + top.directives
	s.chained -= top.chain
	s.levels = s.levels[:len(s.levels)-1]
}

func (s *scanner) operator() {
	s.top().chain++
	s.chained++
}

func (s *scanner) separate() {
	top := s.top()
	s.chained -= top.chain
	top.chain = 0
}

func (s *scanner) run() {
	if !utf8.Valid(s.src) {
		s.lost = true
		return
	}
	for s.at < len(s.src) && !s.lost {
		switch {
		case s.depth > s.limit || s.chained > s.limit*chainFactor:
			s.refused = tooNested(s.at, s.limit)
			return
		case s.tokens > maxTokens:
			s.refused = tooWordy(s.at)
			return
		}
		switch s.top().mode {
		case inQuoted:
			s.quoted()
		case inHeredoc:
			s.heredoc()
		default:
			s.code()
		}
		if s.refused != nil {
			return
		}
	}
	if s.depth > s.limit {
		s.refused = tooNested(len(s.src), s.limit)
		return
	}
	s.lost = s.lost || len(s.levels) > 1
	if !s.lost {
		s.endLine()
	}
}

// sequence opens ${ or %{ in a text, or goes over $${ and %%{, if they stand here, and reports whether they do.
func (s *scanner) sequence() bool {
	src, i := s.src, s.at
	if i+1 >= len(src) || src[i+1] != '{' {
		if i+2 < len(src) && src[i+1] == src[i] && src[i+2] == '{' {
			// $${ stands for itself, and $$${ is a riddle.
			s.lost = i > 0 && (src[i-1] == '$' || src[i-1] == '%')
			s.top().escapes = true
			s.at += 3
			return true
		}
		return false
	}
	if i > 0 && (src[i-1] == '$' || src[i-1] == '%') {
		s.lost = true
		return false
	}
	top := s.top()
	top.escapes = true
	if src[i] == '%' {
		n, ok := directive(src[i+2:])
		if !ok {
			s.lost = true
			return false
		}
		n = max(n, -top.directives)
		top.directives += n
		s.depth += n
	}
	s.at += 2
	s.tokens++
	if s.at < len(src) && src[s.at] == '~' {
		s.at++
	}
	s.push(level{mode: inInterp, closer: '}'})
	return true
}

func (s *scanner) quoted() {
	for s.at < len(s.src) {
		switch s.src[s.at] {
		case '\\':
			s.top().escapes = true
			if s.at+1 < len(s.src) && (s.src[s.at+1] == '\n' || s.src[s.at+1] == '\r') {
				s.lost = true
				return
			}
			s.at += 2 // the rest of a longer rune is nothing special
		case '"':
			start, plain := s.top().start, !s.top().escapes
			s.pop()
			s.at++
			s.tokens++
			text := s.src[start+1 : s.at-1]
			s.lexeme(lexeme{kind: literalWord, text: text, plain: plain})
			return
		case '\n', '\r':
			s.lost = true
			return
		case '$', '%':
			if s.sequence() || s.lost {
				return
			}
			s.at++
		default:
			s.at++
		}
	}
}

func (s *scanner) heredoc() {
	for s.at < len(s.src) {
		switch s.src[s.at] {
		case '$', '%':
			if s.sequence() || s.lost {
				return
			}
			s.at++
		case '\r':
			if s.at+1 == len(s.src) || s.src[s.at+1] != '\n' {
				s.lost = true
				return
			}
			s.at++
		case '\n':
			line := s.src[s.at+1:]
			n := bytes.IndexByte(line, '\n')
			if n < 0 {
				s.lost = true // a heredoc ends with a line end
				return
			}
			s.at++
			if bytes.Equal(bytes.TrimSpace(line[:n]), s.top().marker) {
				s.at += n // the line end is seen by whoever comes next
				s.pop()
				return
			}
		default:
			s.at++
		}
	}
}

func (s *scanner) code() {
	src, i := s.src, s.at
	c := src[i]
	s.at++
	switch {
	case c == ' ' || c == '\t':
		return
	case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		for s.at < len(src) && isWord(src[s.at]) {
			s.at++
		}
		if s.at < len(src) && src[s.at] >= utf8.RuneSelf {
			s.lost = true
		}
		s.tokens++
		s.lexeme(lexeme{kind: nameWord, text: src[i:s.at], plain: true})
		return
	case c >= '0' && c <= '9':
		n, ok := function.Numeral(src[i:])
		s.at = i + n
		s.tokens++
		if !ok {
			s.refused = tooPrecise(i)
		}
		s.lexeme(lexeme{})
		return
	}
	s.tokens++
	switch c {
	case '\r':
		s.lost = s.at == len(src) || src[s.at] != '\n'
	case '\n':
		if s.top().lines {
			s.separate()
		}
		s.endLine()
	case '#':
		s.at = lineEnd(src, i)
	case '/':
		switch {
		case s.at < len(src) && src[s.at] == '/':
			s.at = lineEnd(src, i)
		case s.at < len(src) && src[s.at] == '*':
			n := bytes.Index(src[i+2:], []byte("*/"))
			if s.lost = n < 0; !s.lost {
				s.at = i + n + 4
			}
		default:
			s.operator()
			s.lexeme(lexeme{})
		}
	case '"':
		s.push(level{mode: inQuoted, start: i})
	case '<':
		if s.at == len(src) || src[s.at] != '<' {
			s.operator()
			s.lexeme(lexeme{})
			return
		}
		marker, n := heredocStart(src[i:])
		if s.lost = n == 0 || s.inTemplate(); s.lost {
			return
		}
		s.lexeme(lexeme{kind: heredocWord})
		s.at = i + n - 1 // the line end is seen again, so that an empty heredoc ends
		s.push(level{mode: inHeredoc, marker: marker})
	case '(', '[', '{':
		s.opened(c)
	case ')', ']', '}':
		s.closed(c)
	case ',':
		s.separate()
		s.lexeme(lexeme{})
	case '=':
		s.operator()
		if s.at < len(src) && (src[s.at] == '=' || src[s.at] == '>') {
			s.at++
			s.lexeme(lexeme{})
		} else {
			s.assigned()
		}
	case '!', '-', '+', '*', '%', '>', '&', '|', '?', ':', '.':
		s.operator()
		if c == '!' || c == '>' {
			if s.at < len(src) && src[s.at] == '=' {
				s.at++
			}
		}
		s.lexeme(lexeme{})
	case '~':
		s.lost = s.at == len(src) || src[s.at] != '}' || s.top().mode != inInterp
	default:
		s.lost = true
	}
}

func (s *scanner) opened(c byte) {
	l := level{mode: inCode, closer: ')'}
	switch c {
	case '[':
		l.closer = ']'
	case '{':
		l.closer, l.lines = '}', true
		l.block, l.watched = s.body()
	}
	if !l.watched {
		s.lexeme(lexeme{})
	}
	s.push(l)
}

func (s *scanner) closed(c byte) {
	top := s.top()
	if s.lost = len(s.levels) == 1 || top.closer != c; s.lost {
		return
	}
	if top.watched {
		s.endLine()
		s.ended(*s.top())
	}
	text := top.mode == inInterp // what follows stands beside it, not around it
	if s.pop(); !text {
		s.operator()
	}
}

func (s *scanner) inTemplate() bool {
	for i := range s.levels {
		if s.levels[i].mode != inCode {
			return true
		}
	}
	return false
}

func isWord(c byte) bool {
	return c == '_' || c == '-' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func lineEnd(src []byte, i int) int {
	if n := bytes.IndexByte(src[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(src)
}

// heredocStart reads the start of a heredoc and returns its marker and how many bytes lead to the end of the line.
func heredocStart(src []byte) (marker []byte, n int) {
	start := 2
	if start < len(src) && src[start] == '-' {
		start++
	}
	end := start
	for end < len(src) && isWord(src[end]) {
		end++
	}
	if end == start || src[start] == '-' || src[start] >= '0' && src[start] <= '9' {
		return nil, 0
	}
	marker = src[start:end]
	if end < len(src) && src[end] == '\r' {
		end++
	}
	if end == len(src) || src[end] != '\n' {
		return nil, 0
	}
	return marker, end + 1
}

// directive says whether the template directive that src begins with opens (1) or closes (-1) a nested template, and
// whether that can be seen.
func directive(src []byte) (n int, ok bool) {
	src = bytes.TrimLeft(bytes.TrimPrefix(src[:min(len(src), 64)], []byte("~")), " \t\r\n")
	if len(src) == 0 || src[0] == '#' || src[0] == '/' {
		return 0, false
	}
	for _, d := range []struct {
		word string
		n    int
	}{{"if", 1}, {"for", 1}, {"endif", -1}, {"endfor", -1}} {
		rest, found := bytes.CutPrefix(src, []byte(d.word))
		if found && (len(rest) == 0 || !isWord(rest[0])) {
			return d.n, len(rest) > 0
		}
	}
	return 0, true
}
