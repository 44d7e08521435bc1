package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Visible returns s with every character that acts instead of being seen written out: \u{1b} for the one that starts a
// terminal's escape sequences, \u{202e} for the one that turns the direction of text, \xff for a byte that is not UTF-8.
// Line ends and tabs become a space. The result is one line of valid UTF-8 that is safe to print.
func Visible(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\r' && strings.HasPrefix(s[i:], "\r\n"):
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case acts(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// visibleLines is Visible for text of several lines: line ends stay (as \n), tabs become four spaces.
func visibleLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = Visible(strings.ReplaceAll(strings.TrimSuffix(l, "\r"), "\t", "    "))
	}
	return strings.Join(lines, "\n")
}

func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// acts reports whether r does something to its surroundings: controls, formats (directions, invisible joiners, tags),
// separators of lines and paragraphs, characters of no meaning.
func acts(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) || r == 0x115f || r == 0x1160 || r == 0x3164
}

// columns returns how many columns of a terminal s takes; s must be visible.
func columns(s string) int {
	if isPlain(s) {
		return len(s)
	}
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case isWide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

func isWide(r rune) bool {
	k := width.LookupRune(r).Kind()
	return k == width.EastAsianWide || k == width.EastAsianFullwidth
}

// cut returns s shortened to n columns, with an ellipsis when something is gone.
func cut(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	w := 0
	for i, r := range s {
		w += columns(string(r))
		if w > n-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// wrap breaks s at spaces into lines of at most n columns; a longer word stays whole.
func wrap(s string, n int) []string {
	var lines []string
	var line strings.Builder
	have := 0
	for _, w := range strings.Fields(s) {
		c := columns(w)
		if have > 0 && have+1+c > n {
			lines = append(lines, line.String())
			line.Reset()
			have = 0
		}
		if have > 0 {
			line.WriteByte(' ')
			have++
		}
		line.WriteString(w)
		have += c
	}
	if have > 0 {
		lines = append(lines, line.String())
	}
	return lines
}
