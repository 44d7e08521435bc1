package terraform

import (
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// outline is what must be known of a file before it is parsed: enough to say which directories are root modules and
// under which sets of inputs they are evaluated. For a file that parses it is what the parser would find.
type outline struct {
	sure      bool     // the outline is complete; otherwise the parser must be asked
	calls     []head   // module blocks
	variables []head   // variable blocks
	names     []string // top-level attributes
}

// head is what the outline keeps of a block.
type head struct {
	kind     string // module or variable
	name     string
	source   string // of a module: its literal source
	literal  bool   // the source is there and literal
	fallback bool   // of a variable: it has a default
}

// lexeme is one item of a line, as far as the outline cares.
type lexeme struct {
	kind  lexemeKind
	text  []byte
	plain bool // text is what it says
}

type lexemeKind uint8

const (
	otherWord   lexemeKind = iota
	nameWord               // an identifier
	literalWord            // a quoted string
	heredocWord
)

// line is an attribute or block that is being read at the top of the file or of a block.
type line struct {
	words    []lexeme // before = or {
	assigned bool     // = was met
	value    lexeme   // first of the value
	values   int      // how many make the value
	closed   bool     // a block ended here: nothing may follow
}

// lexeme adds an item to the line that is being read.
func (s *scanner) lexeme(x lexeme) {
	top := s.top()
	if !top.watched {
		return
	}
	l := &top.line
	switch {
	case l.closed:
		s.lost = true
	case l.assigned:
		if l.values == 0 {
			l.value = x
		}
		l.values++
	case x.kind == otherWord || !x.plain || len(l.words) > 8:
		s.lost = true
	default:
		l.words = append(l.words, x)
	}
}

// assigned reads the = behind the name of an attribute.
func (s *scanner) assigned() {
	top := s.top()
	switch {
	case !top.watched:
	case top.line.assigned || top.line.closed || len(top.line.words) != 1 || top.line.words[0].kind != nameWord:
		s.lost = true
	default:
		top.line.assigned = true
	}
}

// body decides what an opening brace begins: a block, or an object inside a value.
func (s *scanner) body() (block *head, watched bool) {
	top := s.top()
	if !top.watched || top.line.assigned {
		return nil, false
	}
	l := &top.line
	if l.closed || len(l.words) == 0 || l.words[0].kind != nameWord {
		s.lost = true
		return nil, false
	}
	words := l.words
	*l = line{words: words[:0], closed: true}
	kind := string(words[0].text)
	if len(s.levels) > 1 || len(words) < 2 || kind != "module" && kind != "variable" {
		return &head{}, true
	}
	return &head{kind: kind, name: string(words[1].text)}, true
}

// endLine ends the attribute that is being read.
func (s *scanner) endLine() {
	top := s.top()
	if !top.watched {
		return
	}
	l := &top.line
	if len(l.words) > 0 {
		if !l.assigned || l.values == 0 {
			s.lost = true
			return
		}
		name := string(l.words[0].text)
		switch b := top.block; {
		case b == nil:
			s.out.names = append(s.out.names, name)
		case b.kind == "variable" && name == "default":
			b.fallback = true
		case b.kind == "module" && name == "source":
			if l.value.kind == heredocWord || l.value.kind == literalWord && (l.values > 1 || !ascii(l.value.text)) || b.literal {
				s.lost = true
				return
			}
			if l.value.kind == literalWord && l.value.plain {
				b.source, b.literal = string(l.value.text), true
			} else if l.value.kind == literalWord && !hasSequence(l.value.text) {
				s.lost = true // escapes
			}
		}
	}
	*l = line{words: l.words[:0]}
}

// ended takes note of a block that was closed.
func (s *scanner) ended(l level) {
	if l.block == nil {
		return
	}
	switch l.block.kind {
	case "module":
		s.out.calls = append(s.out.calls, *l.block)
	case "variable":
		s.out.variables = append(s.out.variables, *l.block)
	}
}

func ascii(text []byte) bool {
	return !slices.ContainsFunc(text, func(c byte) bool { return c >= 0x80 })
}

// hasSequence reports whether a quoted text holds an interpolation, and so is no literal.
func hasSequence(text []byte) bool {
	for i := range text {
		if text[i] == '{' && i > 0 && (text[i-1] == '$' || text[i-1] == '%') && (i == 1 || text[i-2] != text[i-1]) {
			return true
		}
	}
	return false
}

// outlineOf makes the outline of a file that was parsed.
func outlineOf(b *hclsyntax.Body) outline {
	out := outline{sure: true, names: sortedNames(b.Attributes)}
	for _, block := range b.Blocks {
		if len(block.Labels) == 0 {
			continue
		}
		h := head{kind: block.Type, name: block.Labels[0]}
		switch block.Type {
		case "module":
			if a := block.Body.Attributes["source"]; a != nil {
				h.source, h.literal = literalText(a.Expr)
			}
			out.calls = append(out.calls, h)
		case "variable":
			h.fallback = block.Body.Attributes["default"] != nil
			out.variables = append(out.variables, h)
		}
	}
	return out
}
