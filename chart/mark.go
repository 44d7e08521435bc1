package chart

import (
	"strings"
	"unicode/utf8"

	"plumbline.dev/plumbline/value"
)

// Origin is where a piece of rendered text comes from.
type Origin struct {
	Name  string // of the template: web/templates/service.yaml
	File  *File  // of the template; nil for text that has none
	Start int    // in File.Data: of the text itself, or of the action with its braces
	End   int
	Depth int  // blocks (if, range, with) around it in its template
	Block int  // offset of the innermost block's action; -1 outside of all
	Text  bool // it stands in the template as it was rendered, byte for byte

	// Of what an action prints: where the value is, and what is known of it.
	From     value.Path // begins with Values or Release; nil when it is not one value
	Exact    bool       // what is printed is the value as it is, but for quotes
	Default  bool       // the value at From is not set; a default in the template was taken
	Made     bool       // a function makes it anew each time: random text, keys
	Required bool       // whoever installs the chart must give it; the text stands for it
}

// Span says that rendered text from At on, to the next Span or the end of the line, comes from Origin.
type Span struct {
	At int
	*Origin
}

// A mark is the number of an origin as two private runes, of the planes 15 and 16. It stands before the first sign of what it is
// about, never before white space, so that functions that trim and indent do what they would do without it.
const (
	markHigh = 0xF0000
	markLow  = 0x100000
	markBits = 15
	markSize = 8 // bytes
	maxMarks = 1 << (2 * markBits)
)

func appendMark(b []byte, id int) []byte {
	b = utf8.AppendRune(b, rune(markHigh+id>>markBits))
	return utf8.AppendRune(b, rune(markLow+id&(1<<markBits-1)))
}

// markAt reads the mark at the start of s.
func markAt(s string) (id int, ok bool) {
	if len(s) < markSize || s[0] != 0xF3 || s[4] != 0xF4 {
		return 0, false
	}
	high, n := utf8.DecodeRuneInString(s)
	low, m := utf8.DecodeRuneInString(s[n:])
	if n+m != markSize || high < markHigh || high >= markHigh+1<<markBits || low < markLow || low >= markLow+1<<markBits {
		return 0, false
	}
	return int(high-markHigh)<<markBits | int(low-markLow), true
}

// looksMarked reports whether a text has what could be taken for a mark.
func looksMarked(s string) bool {
	for at := 0; ; at++ {
		i := strings.IndexByte(s[at:], 0xF3)
		if i < 0 {
			return false
		}
		if at += i; at+1 < len(s) && s[at+1] >= 0xB0 {
			return true
		}
	}
}

// eachMark calls visit for the text between marks, with the mark before it or -1.
func eachMark(s string, visit func(id int, text string)) {
	id := -1
	for from := 0; ; {
		i := strings.IndexByte(s[from:], 0xF3)
		if i < 0 {
			visit(id, s)
			return
		}
		next, ok := markAt(s[from+i:])
		if !ok {
			from += i + 1
			continue
		}
		visit(id, s[:from+i])
		s, from, id = s[from+i+markSize:], 0, next
	}
}

// unmarked returns a text without marks.
func unmarked(s string) string {
	if strings.IndexByte(s, 0xF3) < 0 {
		return s
	}
	var b strings.Builder
	eachMark(s, func(_ int, text string) { b.WriteString(text) })
	return b.String()
}

// isBlank reports whether a byte is white space as templates and YAML have it.
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// firstSign returns the offset of the first byte that is not white space, or len(s).
func firstSign(s string) int {
	for i := range len(s) {
		if !isBlank(s[i]) {
			return i
		}
	}
	return len(s)
}

// marked puts a mark before the first sign of each line that has none there.
func marked(s string, id int) string {
	b := make([]byte, 0, len(s)+markSize*(1+strings.Count(s, "\n")))
	for line := range strings.Lines(s) {
		i := firstSign(line)
		b = append(b, line[:i]...)
		if i < len(line) {
			if _, has := markAt(line[i:]); !has {
				b = appendMark(b, id)
			}
		}
		b = append(b, line[i:]...)
	}
	return string(b)
}

// sole returns the one mark that all of a text carries.
func sole(s string) (int, bool) {
	i := firstSign(s)
	id, ok := markAt(s[i:])
	if !ok {
		return 0, false
	}
	eachMark(s[i:], func(other int, text string) { ok = ok && (other == id || other < 0 && text == "") })
	return id, ok
}
