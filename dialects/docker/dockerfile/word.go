package dockerfile

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// word is a word of an instruction, as it is written; its place counts in the instruction's text.
type word struct {
	text       string
	start, end int
}

const blanks = " \t\v\f\r"

// split reads the keyword and the flags. What is left are the arguments.
func (in *instruction) split() {
	text := in.text.text
	end := strings.IndexAny(text, blanks)
	if end < 0 {
		end = len(text)
	}
	in.keyword = strings.ToUpper(text[:end])
	in.at = in.text.place(0, end)
	in.args = skip(text, end)
	if !keywords[in.keyword] {
		in.malformed = "there is no instruction " + clip(text[:end])
		return
	}
	for strings.HasPrefix(text[in.args:], "--") {
		stop := in.flagEnd(in.args)
		flag := word{text[in.args:stop], in.args, stop}
		in.args = skip(text, stop)
		if flag.text == "--" {
			break
		}
		in.flags = append(in.flags, flag)
	}
	if in.args == len(text) && in.keyword != "CMD" && in.keyword != "ENTRYPOINT" {
		in.malformed = in.keyword + " needs at least one argument"
	}
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

func skip(text string, at int) int {
	for at < len(text) && strings.IndexByte(blanks, text[at]) >= 0 {
		at++
	}
	return at
}

// flagEnd returns where a flag ends: at a blank outside of quotes.
func (in *instruction) flagEnd(at int) int {
	text, quote := in.text.text, byte(0)
	for ; at < len(text); at++ {
		switch c := text[at]; {
		case quote == 0 && strings.IndexByte(blanks, c) >= 0:
			return at
		case c == in.file.escape && quote != '\'':
			at++
		case quote == c:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		}
	}
	return min(at, len(text))
}

// words splits the arguments at blanks, whatever quotes there are: as COPY, EXPOSE and FROM are read.
func (in *instruction) words() []word {
	var out []word
	text := in.text.text
	for at := in.args; at < len(text); {
		end := at
		for end < len(text) && strings.IndexByte(blanks, text[end]) < 0 {
			end++
		}
		out = append(out, word{text[at:end], at, end})
		at = skip(text, end)
	}
	return out
}

// quotedWords splits the arguments at blanks outside of quotes: as ENV, LABEL and ARG are read.
func (in *instruction) quotedWords() []word {
	var out []word
	text := in.text.text
	for at := in.args; at < len(text); {
		end := in.flagEnd(at)
		out = append(out, word{text[at:end], at, end})
		at = skip(text, end)
	}
	return out
}

// rest is all of the arguments as one word, without blanks at its end.
func (in *instruction) rest() word {
	text := strings.TrimRight(in.text.text[in.args:], blanks)
	return word{text, in.args, in.args + len(text)}
}

// list reads arguments that are a JSON array of strings: the exec form. The text of a word is the element's, its place the
// element's with its quotes.
func (in *instruction) list() ([]word, bool) {
	rest := in.rest()
	var elements []string
	if !strings.HasPrefix(rest.text, "[") || json.Unmarshal([]byte(rest.text), &elements) != nil {
		return nil, false
	}
	words := make([]word, 0, len(elements))
	at := rest.start
	for _, e := range elements {
		for at < rest.end && in.text.text[at] != '"' {
			at++
		}
		start := at
		for at++; at < rest.end && in.text.text[at] != '"'; at++ {
			if in.text.text[at] == '\\' {
				at++
			}
		}
		at = min(at+1, rest.end)
		words = append(words, word{e, start, at})
	}
	return words, true
}

// flag returns the value of a flag and where it stands; a flag without a value is "true".
func (in *instruction) flag(name string) (value, whole word, ok bool) {
	for _, f := range in.flags {
		n, v, has := strings.Cut(f.text[2:], "=")
		if n != name {
			continue
		}
		if !has {
			return word{"true", f.start, f.end}, f, true
		}
		start := f.end - len(v)
		return word{v, start, f.end}, f, true
	}
	return word{}, word{}, false
}

// triggered returns the instruction that ONBUILD holds, nil when it holds none.
func (in *instruction) triggered() *instruction {
	if in.keyword != "ONBUILD" || in.args >= len(in.text.text) {
		return nil
	}
	out := &instruction{file: in.file, text: in.text.slice(in.args, len(in.text.text)), heredocs: in.heredocs, end: in.end, next: in.next, onbuild: true}
	out.start = out.text.offset(0)
	out.split()
	return out
}

// pair is a name with a value: of ENV, ARG and LABEL.
type pair struct {
	name  word
	value word // empty text with the place behind the name when there is none
	has   bool
}

// pairs reads name=value words, and the old form of ENV and LABEL: a name, and all that follows.
func (in *instruction) pairs() []pair {
	words := in.quotedWords()
	if len(words) == 0 {
		return nil
	}
	if in.keyword != "ARG" && !strings.Contains(words[0].text, "=") {
		name := words[0]
		at := skip(in.text.text, name.end)
		rest := strings.TrimRight(in.text.text[at:], blanks)
		return []pair{{name, word{rest, at, at + len(rest)}, true}}
	}
	var out []pair
	for _, w := range words {
		name, value, has := strings.Cut(w.text, "=")
		at := w.start + len(name)
		if has {
			at++
		}
		out = append(out, pair{word{name, w.start, w.start + len(name)}, word{value, at, at + len(value)}, has})
	}
	return out
}

// valid cuts what is no UTF-8: a word can end within a letter only in hostile files, and reports want text.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "")
}
