package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// readWord takes a word's quotes away and says what of it is known.
func readWord(w *syntax.Word) Word {
	b := builder{}
	b.parts(w.Parts, false)
	return Word{
		Text: b.text.String(), Prefix: b.prefix, Suffix: b.suffix(), Known: !b.unknown,
		Variables: b.variables, Unquoted: b.unquoted,
		Start: int(w.Pos().Offset()), End: int(w.End().Offset()),
	}
}

// builder gathers the text of a word.
type builder struct {
	text      strings.Builder
	prefix    string
	last      int // length of the text at the last unknown part
	unknown   bool
	variables []string
	unquoted  bool
}

func (b *builder) gap() {
	if !b.unknown {
		b.unknown, b.prefix = true, b.text.String()
	}
	b.last = b.text.Len()
}

func (b *builder) suffix() string {
	if !b.unknown {
		return ""
	}
	return b.text.String()[b.last:]
}

func (b *builder) parts(parts []syntax.WordPart, quoted bool) {
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.text.WriteString(unescape(p.Value, quoted))
		case *syntax.SglQuoted:
			if p.Dollar && strings.Contains(p.Value, `\`) {
				b.gap()
			} else {
				b.text.WriteString(p.Value)
			}
		case *syntax.DblQuoted:
			b.parts(p.Parts, true)
		case *syntax.ParamExp:
			b.gap()
			if p.Param != nil && p.Param.Value != output[1:] {
				b.variables = join(b.variables, []string{p.Param.Value})
				b.unquoted = b.unquoted || !quoted && !p.Length
			}
			if p.Exp != nil && p.Exp.Word != nil { // ${A:-$B}
				inner := builder{}
				inner.parts(p.Exp.Word.Parts, quoted)
				b.variables = join(b.variables, inner.variables)
			}
		case *syntax.ExtGlob:
			b.text.WriteString(p.Op.String() + p.Pattern.Value + ")")
		default: // $(…), $((…)), <(…)
			b.gap()
		}
	}
}

// unescape takes the backslashes of a literal away as the shell does: outside of quotes all, inside those before $ ` " \ and
// line ends.
func unescape(s string, quoted bool) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch {
		case s[i] == '\n':
		case s[i] == '\r' && i+1 < len(s) && s[i+1] == '\n':
			i++
		case quoted && !strings.ContainsRune("$`\"\\", rune(s[i])):
			b.WriteByte('\\')
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// hasExpansion reports whether a word may hold commands.
func hasExpansion(w *syntax.Word) bool {
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit, *syntax.SglQuoted:
		case *syntax.DblQuoted:
			for _, q := range p.Parts {
				if _, ok := q.(*syntax.Lit); !ok {
					return true
				}
			}
		default:
			return true
		}
	}
	return false
}

// sourceText is the text of a word that is itself a script, as the program that runs it will see it, and where each of its bytes
// stands. What the outer shell puts in is left as it was written: it is not known then either.
type sourceText struct {
	text strings.Builder
	at   []int
}

func (s *sourceText) add(text string, start int) {
	s.text.WriteString(text)
	for i := range len(text) {
		s.at = append(s.at, start+i)
	}
}

func (s *sourceText) parts(outer string, parts []syntax.WordPart, quoted bool) {
	for _, p := range parts {
		start, end := int(p.Pos().Offset()), int(p.End().Offset())
		switch p := p.(type) {
		case *syntax.Lit:
			s.escaped(outer[start:end], start, quoted)
		case *syntax.SglQuoted:
			open := int(p.Left.Offset()) + 1
			if p.Dollar {
				open++
			}
			s.add(outer[open:max(open, int(p.Right.Offset()))], open)
		case *syntax.DblQuoted:
			s.parts(outer, p.Parts, true)
		case *syntax.CmdSubst, *syntax.ProcSubst: // its commands are read where it stands
			s.add(output, start)
			s.at[len(s.at)-1] = end - 1
		default:
			s.add(outer[start:end], start)
		}
	}
}

// output stands for what a command wrote.
const output = "$_"

func (s *sourceText) escaped(text string, start int, quoted bool) {
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && (!quoted || strings.ContainsRune("$`\"\\\n", rune(text[i+1]))) {
			i++
			if text[i] == '\n' {
				continue
			}
			if text[i] == '$' { // the inner shell expands it
				s.add("$", start+i)
				continue
			}
		}
		s.add(text[i:i+1], start+i)
	}
}
