package query

import (
	"strings"
	"unicode/utf8"
)

// Suggestion is one way to go on.
type Suggestion struct {
	Text string `json:"text" doc:"replaces the bytes of the completion"`
	Doc  string `json:"doc" doc:"what it means; may be empty"`
}

// Completion is what may be written at a place of a query.
type Completion struct {
	Start, End  int    // the bytes that a suggestion replaces
	Key         string // whose value is being written; "" when it is a key or a text
	Prefix      string // what is there of the value or key, without quotes
	Suggestions []Suggestion
	Open        bool // there may be more values than the language knows: those that findings have
}

// Suggest says what may be written at a place, in bytes from the start; the text may be half written.
func Suggest(text string, at int) Completion {
	at = min(max(at, 0), len(text))
	if len(text) > MaxText || !utf8.ValidString(text) {
		return Completion{Start: at, End: at}
	}
	start := termStart(text[:at])
	term := strings.TrimPrefix(text[start:at], "-")
	start = at - len(term)
	name, value, keyed := strings.Cut(term, ":")
	key := keyOf(name)
	if !keyed || key == nil {
		c := Completion{Start: start, End: at, Prefix: term}
		if strings.HasPrefix(term, `"`) {
			return c
		}
		for i := range keys {
			if strings.HasPrefix(keys[i].Name, strings.ToLower(term)) {
				c.Suggestions = append(c.Suggestions, Suggestion{keys[i].Name + ":", keys[i].Doc})
			}
		}
		return c
	}
	value = strings.TrimLeft(value, "<>=")
	if comma := lastComma(value); comma >= 0 {
		value = value[comma+1:]
	}
	c := Completion{Start: at - len(value), End: at, Key: key.Name, Prefix: strings.TrimPrefix(value, `"`),
		Open: key.Kind == Name || key.Kind == Path}
	for _, v := range key.Values {
		if strings.HasPrefix(v, strings.ToLower(c.Prefix)) {
			c.Suggestions = append(c.Suggestions, Suggestion{v, ""})
		}
	}
	return c
}

// termStart is where the last term of a half-written query begins.
func termStart(text string) int {
	start, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\t' || c == '\n'):
			start = i + 1
		}
	}
	return start
}

// lastComma is where the last comma that parts values stands, or -1.
func lastComma(value string) int {
	at, quoted := -1, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\\' && i+1 < len(value):
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && c == ',':
			at = i
		}
	}
	return at
}

// Quote prints a value so that it can stand behind a key: none of its characters is special.
func Quote(value string) string { return Value{Text: value}.quote() }
