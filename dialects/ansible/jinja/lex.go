package jinja

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenText
	tokenNumber
	tokenSign
)

type token struct {
	kind tokenKind
	text string // decoded, of a text
	at   int    // offset of its first byte
}

// signs are the operators, longer ones first.
var signs = []string{"**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|", "=", "<", ">"}

var errText = errors.New("a text does not end")

// lex cuts an expression into tokens; the last one is the end.
func lex(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case unicode.IsSpace(r):
			i += size
		case r == '"' || r == '\'':
			text, n, err := quoted(s[i:])
			if err != nil {
				return nil, err
			}
			out = append(out, token{tokenText, text, i})
			i += n
		case r >= '0' && r <= '9':
			n := i
			for n < len(s) && (isDigit(s[n]) || s[n] == '_' || s[n] == '.' && n+1 < len(s) && isDigit(s[n+1]) || isExponent(s, i, n)) {
				n++
			}
			out = append(out, token{tokenNumber, strings.ReplaceAll(s[i:n], "_", ""), i})
			i = n
		case r == '_' || unicode.IsLetter(r):
			n := i
			for n < len(s) {
				r, size := utf8.DecodeRuneInString(s[n:])
				if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
					break
				}
				n += size
			}
			out = append(out, token{tokenName, s[i:n], i})
			i = n
		default:
			sign := ""
			for _, o := range signs {
				if strings.HasPrefix(s[i:], o) {
					sign = o
					break
				}
			}
			if sign == "" {
				return nil, fmt.Errorf("%q is no part of an expression", r)
			}
			out = append(out, token{tokenSign, sign, i})
			i += len(sign)
		}
	}
	return append(out, token{kind: tokenEnd, at: len(s)}), nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isExponent reports whether the byte at n belongs to the exponent of the number that starts at start.
func isExponent(s string, start, n int) bool {
	if n == start {
		return false
	}
	before := s[n-1] | 0x20
	return s[n]|0x20 == 'e' && isDigit(s[n-1]) && n+1 < len(s) && (isDigit(s[n+1]) || n+2 < len(s) && isDigit(s[n+2])) ||
		before == 'e' && (s[n] == '+' || s[n] == '-')
}

// quoted decodes the text that s begins with, and tells how many bytes it takes.
func quoted(s string) (string, int, error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == s[0]:
			return b.String(), i + 1, nil
		case c == '\\' && i+1 < len(s):
			i++
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			case '\\', '\'', '"':
				b.WriteByte(s[i])
			default: // Python keeps what it does not know
				b.WriteByte('\\')
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, errText
}
