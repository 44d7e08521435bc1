package terraform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// node is a JSON value with its place. It serves the JSON form of the language, where the place matters, and documents
// that are only partly known, where bare tokens of our own stand for what is missing.
type node struct {
	kind       byte // '{' '[' 's' 'n' 't' 'f' '0', and 'u' for an unknown that stands where a value is wanted
	start, end int
	text       string // of strings and numbers
	hole       int    // of 'u'
	keys       []node // of objects, in order, repeated names included
	items      []node // members of objects, elements of arrays
}

type jsonError struct {
	offset  int
	message string
	deep    bool
}

func (e *jsonError) Error() string { return e.message }

type jsonReader struct {
	src   []byte
	at    int
	depth int
	limit int
	holes bool // tokens made by hole are values
}

// Runes of the private use area that enclose the number of an unknown in a text that is only partly known.
const (
	holeOpen  = '\uE000'
	holeClose = '\uE001'
)

// readJSON parses one JSON value. limit bounds the nesting.
func readJSON(src []byte, limit int, holes bool) (node, *jsonError) {
	r := &jsonReader{src: src, limit: limit, holes: holes}
	n, err := r.value()
	if err != nil {
		return node{}, err
	}
	r.space()
	if r.at < len(src) {
		return node{}, r.fail("there is text after the end of the JSON value")
	}
	return n, nil
}

func (r *jsonReader) fail(format string, args ...any) *jsonError {
	return &jsonError{offset: r.at, message: fmt.Sprintf(format, args...)}
}

func (r *jsonReader) space() {
	for r.at < len(r.src) && (r.src[r.at] == ' ' || r.src[r.at] == '\t' || r.src[r.at] == '\n' || r.src[r.at] == '\r') {
		r.at++
	}
}

func (r *jsonReader) value() (node, *jsonError) {
	r.space()
	if r.at == len(r.src) {
		return node{}, r.fail("the JSON ends where a value is wanted")
	}
	start := r.at
	switch c := r.src[r.at]; {
	case c == '{' || c == '[':
		if r.depth++; r.depth > r.limit {
			err := r.fail("the JSON nests deeper than %d", r.limit)
			err.deep = true
			return node{}, err
		}
		defer func() { r.depth-- }()
		r.at++
		if c == '{' {
			return r.object(start)
		}
		return r.array(start)
	case c == '"':
		text, err := r.string()
		return node{kind: 's', start: start, end: r.at, text: text}, err
	case c == '-' || c >= '0' && c <= '9':
		for r.at < len(r.src) && bytes.IndexByte([]byte("+-.eE0123456789"), r.src[r.at]) >= 0 {
			r.at++
		}
		text := r.src[start:r.at]
		if !json.Valid(text) {
			r.at = start
			return node{}, r.fail("%q is not a number", text)
		}
		return node{kind: 'n', start: start, end: r.at, text: string(text)}, nil
	}
	for _, word := range [...]struct {
		text string
		kind byte
	}{{"true", 't'}, {"false", 'f'}, {"null", '0'}} {
		if bytes.HasPrefix(r.src[r.at:], []byte(word.text)) {
			r.at += len(word.text)
			return node{kind: word.kind, start: start, end: r.at}, nil
		}
	}
	if c, size := utf8.DecodeRune(r.src[r.at:]); r.holes && c == holeOpen {
		end := bytes.IndexRune(r.src[r.at:], holeClose)
		if end > 0 {
			if n, err := strconv.Atoi(string(r.src[r.at+size : r.at+end])); err == nil {
				r.at += end + utf8.RuneLen(holeClose)
				return node{kind: 'u', start: start, end: r.at, hole: n}, nil
			}
		}
	}
	return node{}, r.fail("a JSON value is wanted here")
}

func (r *jsonReader) object(start int) (node, *jsonError) {
	n := node{kind: '{', start: start}
	for {
		r.space()
		if r.at < len(r.src) && r.src[r.at] == '}' && len(n.keys) == 0 {
			break
		}
		keyStart := r.at
		if r.at == len(r.src) || r.src[r.at] != '"' {
			return node{}, r.fail("a property name in quotes is wanted here")
		}
		text, err := r.string()
		if err != nil {
			return node{}, err
		}
		n.keys = append(n.keys, node{kind: 's', start: keyStart, end: r.at, text: text})
		r.space()
		if r.at == len(r.src) || r.src[r.at] != ':' {
			return node{}, r.fail("a colon is wanted after the property name")
		}
		r.at++
		item, err := r.value()
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, item)
		r.space()
		if r.at < len(r.src) && r.src[r.at] == ',' {
			r.at++
			continue
		}
		if r.at == len(r.src) || r.src[r.at] != '}' {
			return node{}, r.fail("a comma or a closing brace is wanted here")
		}
		break
	}
	r.at++
	n.end = r.at
	return n, nil
}

func (r *jsonReader) array(start int) (node, *jsonError) {
	n := node{kind: '[', start: start}
	for {
		r.space()
		if r.at < len(r.src) && r.src[r.at] == ']' && len(n.items) == 0 {
			break
		}
		item, err := r.value()
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, item)
		r.space()
		if r.at < len(r.src) && r.src[r.at] == ',' {
			r.at++
			continue
		}
		if r.at == len(r.src) || r.src[r.at] != ']' {
			return node{}, r.fail("a comma or a closing bracket is wanted here")
		}
		break
	}
	r.at++
	n.end = r.at
	return n, nil
}

func (r *jsonReader) string() (string, *jsonError) {
	start := r.at
	for r.at++; r.at < len(r.src); r.at++ {
		switch r.src[r.at] {
		case '\\':
			r.at++
		case '"':
			r.at++
			var text string
			if err := json.Unmarshal(r.src[start:r.at], &text); err != nil {
				r.at = start
				return "", r.fail("the string is not valid JSON")
			}
			return text, nil
		}
	}
	r.at = start
	return "", r.fail("the string does not end")
}

// member returns the last member of that name, or nil.
func (n *node) member(name string) *node {
	for i := len(n.keys) - 1; i >= 0; i-- {
		if n.keys[i].text == name {
			return &n.items[i]
		}
	}
	return nil
}
