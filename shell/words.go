package shell

import "strings"

// Words reads a text by words alone, line by line: PowerShell, cmd, and what is no script of the shell at all. Quotes keep words
// together, ; & && || and | end a command, a backslash, ^ or ` at its end goes on with the next line. The script is Broken.
func Words(text string) Script {
	s := Script{Text: text, Broken: true}
	if len(text) > maxBytes {
		text = text[:maxBytes]
	}
	w := wordReader{text: text}
	for w.at < len(text) && len(w.commands) < maxCommands {
		w.token()
	}
	w.endCommand(false)
	s.Commands = w.commands
	return s
}

type wordReader struct {
	text     string
	at       int
	commands []Command
	words    []Word
	first    int // of the commands of the present pipe
}

func (w *wordReader) token() {
	c := w.text[w.at]
	switch {
	case c == ' ' || c == '\t' || c == '\r':
		w.at++
	case (c == '\\' || c == '^' || c == '`') && w.endsLine(w.at+1) > 0:
		w.at = w.endsLine(w.at + 1)
	case c == '\n' || c == ';' || c == '(' || c == ')':
		w.at++
		w.endCommand(false)
	case c == '|' && !strings.HasPrefix(w.text[w.at:], "||"):
		w.at++
		w.endCommand(true)
	case c == '|' || c == '&' && strings.HasPrefix(w.text[w.at:], "&&"):
		w.at += 2
		w.endCommand(false)
	case c == '#' && len(w.words) == 0:
		if n := strings.IndexByte(w.text[w.at:], '\n'); n >= 0 {
			w.at += n
		} else {
			w.at = len(w.text)
		}
	default:
		w.word()
	}
}

// endsLine returns where the next line begins when nothing but a line end stands at a place, else 0.
func (w *wordReader) endsLine(at int) int {
	if strings.HasPrefix(w.text[at:], "\r\n") {
		return at + 2
	}
	if strings.HasPrefix(w.text[at:], "\n") {
		return at + 1
	}
	return 0
}

func (w *wordReader) word() {
	start := w.at
	var text strings.Builder
	quote := byte(0)
	known, prefix, unquoted := true, "", false
	for ; w.at < len(w.text); w.at++ {
		c := w.text[w.at]
		if c == '\n' || quote == 0 && (strings.IndexByte(" \t\r;|()", c) >= 0 || c == '&' && strings.HasPrefix(w.text[w.at:], "&&")) {
			break
		}
		switch {
		case quote != 0 && c == quote:
			quote = 0
			continue
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
			continue
		case (c == '$' || c == '%') && quote != '\'' && known:
			known, prefix, unquoted = false, text.String(), quote == 0
		}
		text.WriteByte(c)
	}
	if w.at == start { // what begins no word: never stand still
		w.at++
		return
	}
	word := Word{Text: text.String(), Known: known, Unquoted: unquoted, Start: start, End: w.at}
	if !known {
		word.Prefix, word.Text = prefix, prefix
	}
	w.words = append(w.words, word)
}

func (w *wordReader) endCommand(piped bool) {
	if len(w.words) > 0 {
		c := Command{Start: w.words[0].Start, End: w.words[len(w.words)-1].End}
		c.Words, c.Wrappers, c.Assigns = unwrap(w.words)
		for len(c.Words) > 0 { // NAME=value before the program
			a, ok := assignment(c.Words[0])
			if !ok {
				break
			}
			c.Assigns, c.Words = append(c.Assigns, a), c.Words[1:]
		}
		if len(c.Words) > 0 && c.Words[0].Known {
			c.Name = base(c.Words[0].Text)
		}
		for i := max(w.first, len(w.commands)-maxNames); i < len(w.commands); i++ {
			p := &w.commands[i]
			if c.Name != "" {
				p.Into = append(p.Into, c.Name)
			}
			if p.Name != "" {
				c.From = append(c.From, p.Name)
			}
		}
		w.commands, w.words = append(w.commands, c), nil
	}
	if !piped {
		w.first = len(w.commands)
	}
}
