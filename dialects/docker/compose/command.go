package compose

import (
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/shell"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// commands are what a service runs when it starts, as package shell has it: its entrypoint with its command as arguments. A text is
// split into words and not handed to a shell; what stands behind sh -c is read as a script. Absent when the image decides alone.
func commands(n *node) value.Value {
	entrypoint, command := n.get("entrypoint"), n.get("command")
	words := append(argv(entrypoint), argv(command)...)
	if len(words) == 0 {
		return value.Value{}
	}
	var text strings.Builder
	for i, w := range words {
		if i > 0 {
			text.WriteByte(' ')
		}
		quote(&text, w)
	}
	at := entrypoint
	if command != nil && len(argv(command)) > 0 {
		at = command
	}
	script := shell.Read(text.String())
	return script.Value(func(int, int) source.Range { return at.at })
}

// argv is the words of a command, which is written as a list or as a text.
func argv(n *node) []words {
	switch {
	case n == nil || n.null || n.opaque:
		return nil
	case n.kind == document.Scalar:
		return n.text.fields()
	case n.kind != document.Sequence:
		return nil
	}
	var out []words
	for _, item := range n.present() {
		if item.kind == document.Scalar && !item.null && !item.opaque {
			out = append(out, item.text)
		}
	}
	return out
}

// fields splits a text into words as Compose does: at white space outside of quotes, with the quotes taken away.
func (w words) fields() []words {
	var out []words
	var word words
	open, quoted := byte(0), false // the quote that is open; whether the word had one
	var part strings.Builder
	flush := func() {
		if part.Len() > 0 {
			word = append(word, piece{text: part.String()})
			part.Reset()
		}
	}
	end := func() {
		flush()
		if word != nil || quoted {
			out = append(out, word)
		}
		word, quoted = nil, false
	}
	for _, p := range w {
		if p.hole != "" {
			flush()
			word = append(word, p)
			continue
		}
		for i := 0; i < len(p.text); i++ {
			c := p.text[i]
			switch {
			case c == '\\' && open != '\'' && i+1 < len(p.text):
				i++
				part.WriteByte(p.text[i])
			case open != 0 && c == open:
				open = 0
			case open == 0 && (c == '"' || c == '\''):
				open, quoted = c, true
			case open == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
				end()
			default:
				part.WriteByte(c)
			}
		}
	}
	end()
	return out
}

// quote writes a word so that a shell reads it as one; what is not known is a variable in it.
func quote(b *strings.Builder, w words) {
	if len(w) == 0 {
		b.WriteString("''")
		return
	}
	for _, p := range w {
		switch {
		case p.hole != "" && nameAt(p.hole) == p.hole:
			b.WriteString(`"${` + p.hole + `}"`)
		case p.hole != "":
			b.WriteString(`"${UNKNOWN}"`)
		case p.text != "" && strings.Trim(p.text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,-") == "":
			b.WriteString(p.text)
		default:
			b.WriteString("'" + strings.ReplaceAll(p.text, "'", `'\''`) + "'")
		}
	}
}
