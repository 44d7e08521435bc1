package bicep

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// kind says what a token is.
type kind uint8

// The kinds of tokens. A text with interpolation is several tokens: the text before the first expression (textLeft), between
// two of them (textMiddle) and behind the last (textRight), with the tokens of the expressions in between.
const (
	endOfFile kind = iota
	newline
	identifier
	number
	textWhole
	textLeft
	textMiddle
	textRight
	leftBrace
	rightBrace
	leftParen
	rightParen
	leftSquare
	rightSquare
	at
	comma
	dot
	safeDot
	spread
	question
	coalesce
	colon
	nestedAccess
	assign
	arrow
	plus
	minus
	star
	slash
	percent
	caret
	pipe
	not
	equals
	notEquals
	equalsFold
	notEqualsFold
	less
	lessEqual
	greater
	greaterEqual
	and
	or
	bad
)

var kindNames = [...]string{
	endOfFile: "the end of the file", newline: "the end of the line", identifier: "a name", number: "a number",
	textWhole: "a text", textLeft: "a text", textMiddle: "a text", textRight: "a text",
	leftBrace: "{", rightBrace: "}", leftParen: "(", rightParen: ")", leftSquare: "[", rightSquare: "]", at: "@", comma: ",", dot: ".",
	safeDot: ".?", spread: "...", question: "?", coalesce: "??", colon: ":", nestedAccess: "::", assign: "=", arrow: "=>", plus: "+",
	minus: "-", star: "*", slash: "/", percent: "%", caret: "^", pipe: "|", not: "!", equals: "==", notEquals: "!=", equalsFold: "=~",
	notEqualsFold: "!~", less: "<", lessEqual: "<=", greater: ">", greaterEqual: ">=", and: "&&", or: "||", bad: "this",
}

func (k kind) String() string { return kindNames[k] }

// token is a piece of the source. Start and end are offsets; those of a text are with its quotes and marks.
type token struct {
	kind       kind
	start, end int
}

// lexer cuts a source into tokens. Its zero value with a source is ready.
type lexer struct {
	source   string
	offset   int
	tokens   []token
	comments []Span
	mistakes []mistake
	open     []opened // texts whose interpolation the lexer is inside of, outermost first
}

// opened is a text with an interpolation that has not ended: how many braces are open in the interpolation, and how the text
// goes on behind it.
type opened struct {
	braces int
	block  bool // the text is written with three quotes
	marks  int  // of a block: how many $ begin an interpolation in it
}

// mistake is what is wrong at a place.
type mistake struct {
	Span
	message string
	limit   bool // a budget ended the work
}

func lex(source string) *lexer {
	l := &lexer{source: source, tokens: make([]token, 0, len(source)/6+8)}
	if strings.HasPrefix(source, "\ufeff") {
		l.offset = len("\ufeff")
	}
	for l.next() {
	}
	l.emit(endOfFile, len(source))
	return l
}

// emit adds the token that starts at the offset and ends at end, and moves behind it.
func (l *lexer) emit(k kind, end int) {
	l.tokens = append(l.tokens, token{k, l.offset, end})
	l.offset = end
}

// next reads one token, comment or stretch of blanks. It returns false at the end.
func (l *lexer) next() bool {
	s, i := l.source, l.offset
	if i >= len(s) {
		return false
	}
	switch c := s[i]; {
	case c == ' ' || c == '\t':
		l.offset++
	case c == '\n' || c == '\r':
		if n := len(l.tokens); n > 0 && l.tokens[n-1].kind == newline { // a run of line ends is one token
			l.offset = i + 1
			l.tokens[n-1].end = l.offset
		} else {
			l.emit(newline, i+1)
		}
	case isNameStart(c):
		end := i + 1
		for end < len(s) && (isNameStart(s[end]) || isDigit(s[end])) {
			end++
		}
		l.emit(identifier, end)
	case isDigit(c):
		end := i + 1
		for end < len(s) && isDigit(s[end]) {
			end++
		}
		l.emit(number, end)
	case c == '\'':
		if strings.HasPrefix(s[i:], "'''") {
			l.block(textWhole, i+3, 0)
		} else {
			l.text(textWhole, i+1)
		}
	case c == '$':
		l.dollar()
	case c == '/' && strings.HasPrefix(s[i:], "//"), c == '#':
		end := i
		for end < len(s) && s[end] != '\n' && s[end] != '\r' {
			end++
		}
		if c == '/' {
			l.comments = append(l.comments, Span{i, end})
		}
		l.offset = end
	case c == '/' && strings.HasPrefix(s[i:], "/*"):
		end := strings.Index(s[i+2:], "*/")
		if end < 0 {
			l.mistake(Span{i, len(s)}, "the comment does not end")
			end = len(s)
		} else {
			end += i + 4
		}
		l.comments = append(l.comments, Span{i, end})
		l.offset = end
	default:
		l.punctuation()
	}
	return true
}

func isNameStart(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (l *lexer) mistake(at Span, format string, args ...any) {
	l.mistakes = append(l.mistakes, mistake{Span: at, message: fmt.Sprintf(format, args...)})
}

// punctuation reads an operator or bracket. The brace that ends an interpolation resumes its text.
func (l *lexer) punctuation() {
	s := l.source[l.offset:]
	if n := len(l.open); n > 0 {
		switch s[0] {
		case '{':
			l.open[n-1].braces++
		case '}':
			if l.open[n-1].braces == 0 {
				o := l.open[n-1]
				l.open = l.open[:n-1]
				if o.block {
					l.block(textRight, l.offset+1, o.marks)
				} else {
					l.text(textRight, l.offset+1)
				}
				return
			}
			l.open[n-1].braces--
		}
	}
	for _, size := range [...]int{3, 2, 1} {
		if len(s) < size {
			continue
		}
		if k, ok := punctuation(s[:size]); ok {
			l.emit(k, l.offset+size)
			return
		}
	}
	r, size := utf8.DecodeRuneInString(s)
	l.mistake(Span{l.offset, l.offset + size}, "%q is not a sign of the language", r)
	l.emit(bad, l.offset+size)
}

func punctuation(s string) (kind, bool) {
	switch s {
	case "...":
		return spread, true
	case ".?":
		return safeDot, true
	case "??":
		return coalesce, true
	case "::":
		return nestedAccess, true
	case "=>":
		return arrow, true
	case "==":
		return equals, true
	case "!=":
		return notEquals, true
	case "=~":
		return equalsFold, true
	case "!~":
		return notEqualsFold, true
	case "<=":
		return lessEqual, true
	case ">=":
		return greaterEqual, true
	case "&&":
		return and, true
	case "||":
		return or, true
	}
	if len(s) != 1 {
		return bad, false
	}
	i := strings.IndexByte("{}()[]@,.?:=+-*/%^|!<>", s[0])
	if i < 0 {
		return bad, false
	}
	return [...]kind{leftBrace, rightBrace, leftParen, rightParen, leftSquare, rightSquare, at, comma, dot, question, colon, assign,
		plus, minus, star, slash, percent, caret, pipe, not, less, greater}[i], true
}

// text reads a text of one line from i, which is behind its quote or behind the brace of an interpolation. The kind is that
// of the token if the text ends with its quote: textWhole or textRight.
func (l *lexer) text(k kind, i int) {
	s := l.source
	for i < len(s) {
		switch s[i] {
		case '\'':
			l.emit(k, i+1)
			return
		case '\n', '\r':
			l.mistake(Span{l.offset, i}, "the text does not end on its line")
			l.emit(k, i)
			return
		case '\\':
			i++
			if i < len(s) && s[i] != '\n' && s[i] != '\r' {
				i++
			}
			continue
		case '$':
			if strings.HasPrefix(s[i:], "${") {
				l.open = append(l.open, opened{})
				l.emit(broken(k), i+2)
				return
			}
		}
		i++
	}
	l.mistake(Span{l.offset, len(s)}, "the text does not end")
	l.emit(k, len(s))
}

// broken is the kind of a token of a text that an interpolation ends.
func broken(k kind) kind {
	if k == textWhole {
		return textLeft
	}
	return textMiddle
}

// block reads a text in three quotes from i, as text does. Marks is how many $ before a brace begin an interpolation; 0 when
// there is none.
func (l *lexer) block(k kind, i, marks int) {
	s := l.source
	for i < len(s) {
		switch {
		case strings.HasPrefix(s[i:], "'''"):
			i += 3
			for i < len(s) && s[i] == '\'' { // the last three of many quotes end the text
				i++
			}
			l.emit(k, i)
			return
		case marks > 0 && s[i] == '$':
			n := len(s[i:]) - len(strings.TrimLeft(s[i:], "$"))
			if n >= marks && strings.HasPrefix(s[i+n:], "{") {
				l.open = append(l.open, opened{block: true, marks: marks})
				l.emit(broken(k), i+n+1)
				return
			}
			i += n
		default:
			i++
		}
	}
	l.mistake(Span{l.offset, min(l.offset+3, len(s))}, "the text does not end")
	l.emit(k, len(s))
}

// dollar reads what begins a block text with interpolation.
func (l *lexer) dollar() {
	s := l.source[l.offset:]
	n := len(s) - len(strings.TrimLeft(s, "$"))
	if strings.HasPrefix(s[n:], "'''") {
		l.block(textWhole, l.offset+n+3, n)
		return
	}
	l.mistake(Span{l.offset, l.offset + n}, "%q is not a sign of the language", '$')
	l.emit(bad, l.offset+n)
}
