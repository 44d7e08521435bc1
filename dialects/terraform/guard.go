package terraform

import "bytes"

// The parser of the language calls itself for every bracket, template and operator, and a stack that runs over cannot be
// recovered from. So one scan over the bytes decides, before the parser sees them, whether they nest too deep.

// chainFactor says how many operators, calls and indexes in a row are allowed, as a multiple of the nesting.
const chainFactor = 8

type guardMode uint8

const (
	inCode    guardMode = iota // an opened (, [ or {, or the whole file
	inInterp                   // an opened ${ or %{
	inQuoted                   // between quotes
	inHeredoc                  // between <<EOT and its end
)

type guardLevel struct {
	mode       guardMode
	lines      bool   // a line end separates items here
	chain      int    // operators since the last separator
	directives int    // %{ if and %{ for that are open in this template
	marker     []byte // of a heredoc
}

// tooDeep returns the offset of the first byte at which src nests deeper than limit, and whether there is one. With
// template set, src is the inside of a string rather than a file.
func tooDeep(src []byte, limit int, template bool) (int, bool) {
	first := guardLevel{mode: inCode, lines: true}
	if template {
		first = guardLevel{mode: inHeredoc}
	}
	levels := append(make([]guardLevel, 0, 16), first)
	depth := 0 // levels and directives that are open
	push := func(l guardLevel) {
		levels = append(levels, l)
		depth++
	}
	pop := func() {
		if n := len(levels) - 1; n > 0 {
			depth -= 1 + levels[n].directives
			levels = levels[:n]
		}
	}
	for i := 0; i < len(src); i++ {
		top := &levels[len(levels)-1]
		if depth > limit || top.chain > limit*chainFactor {
			return i, true
		}
		c := src[i]
		if top.mode == inQuoted || top.mode == inHeredoc {
			switch {
			case c == '\\' && top.mode == inQuoted:
				i++
			case c == '"' && top.mode == inQuoted:
				pop()
			case (c == '$' || c == '%') && i+1 < len(src) && src[i+1] == '{':
				if i+2 < len(src) && i > 0 && src[i-1] == c { // $${ and %%{ stand for themselves
					if !(i > 1 && src[i-2] == c) {
						i++
						continue
					}
				}
				if c == '%' {
					n := directive(src[i+2:])
					top.directives = max(0, top.directives+n)
					depth = max(0, depth+n)
				}
				i++
				push(guardLevel{mode: inInterp})
			case c == '\n' && top.mode == inHeredoc && top.marker != nil:
				line := src[i+1:]
				if n := bytes.IndexByte(line, '\n'); n >= 0 {
					line = line[:n]
				}
				if bytes.Equal(bytes.TrimSpace(line), top.marker) {
					i += len(line)
					pop()
				}
			}
			continue
		}
		switch c {
		case '#':
			i = lineEnd(src, i) - 1
		case '/':
			switch {
			case i+1 < len(src) && src[i+1] == '/':
				i = lineEnd(src, i) - 1
			case i+1 < len(src) && src[i+1] == '*':
				n := bytes.Index(src[i+2:], []byte("*/"))
				if n < 0 {
					return 0, false
				}
				i += n + 3
			default:
				top.chain++
			}
		case '"':
			push(guardLevel{mode: inQuoted})
		case '<':
			if marker, n := heredoc(src[i:]); n > 0 {
				i += n - 2 // the line end is seen again, so that an empty heredoc ends
				push(guardLevel{mode: inHeredoc, marker: marker})
				continue
			}
			top.chain++
		case '(', '[':
			push(guardLevel{mode: inCode})
		case '{':
			push(guardLevel{mode: inCode, lines: true})
		case ')', ']', '}':
			pop()
			levels[len(levels)-1].chain++
		case ',':
			top.chain = 0
		case '\n':
			if top.lines {
				top.chain = 0
			}
		case '!', '-', '+', '*', '%', '=', '>', '&', '|', '?', ':', '.':
			top.chain++
		}
	}
	return 0, depth > limit
}

func lineEnd(src []byte, i int) int {
	if n := bytes.IndexByte(src[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(src)
}

// heredoc reads the start of a heredoc and returns its marker and how many bytes lead to the end of the line.
func heredoc(src []byte) (marker []byte, n int) {
	if len(src) < 3 || src[1] != '<' {
		return nil, 0
	}
	start := 2
	if src[2] == '-' {
		start = 3
	}
	end := start
	for end < len(src) && src[end] != '\n' && src[end] != '\r' {
		switch c := src[end]; {
		case c == '_', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= 0x80, end > start && (c == '-' || c >= '0' && c <= '9'):
		default:
			return nil, 0
		}
		end++
	}
	if end == start || end == len(src) {
		return nil, 0
	}
	marker = src[start:end]
	if src[end] == '\r' {
		end++
	}
	if end == len(src) || src[end] != '\n' {
		return nil, 0
	}
	return marker, end + 1
}

// directive says whether the template directive that src begins with opens (1) or closes (-1) a nested template.
func directive(src []byte) int {
	src = bytes.TrimLeft(bytes.TrimPrefix(src[:min(len(src), 64)], []byte("~")), " \t\r\n")
	for _, d := range []struct {
		word string
		n    int
	}{{"if", 1}, {"for", 1}, {"endif", -1}, {"endfor", -1}} {
		rest, ok := bytes.CutPrefix(src, []byte(d.word))
		if ok && (len(rest) == 0 || rest[0] != '_' && (rest[0] < 'a' || rest[0] > 'z')) {
			return d.n
		}
	}
	return 0
}
