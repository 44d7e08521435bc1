package pulumi

import (
	"strconv"
	"strings"
)

// part is a piece of a text: words as they are, or an access to a name.
type part struct {
	text   string
	access *access // nil for words
}

// access is ${name.attribute[0]["key"]}: a name and the way from it.
type access struct {
	root  string
	steps []accessStep
	text  string // as it is written, without ${ and }
}

// accessStep is one step of an access: a name, or an index.
type accessStep struct {
	name  string
	index int
	isKey bool // it is a name, be it an empty one
}

// interpolate takes a text apart. $${ is ${ as it is. What is not complete is text, as malformed says.
func interpolate(text string) (parts []part, malformed bool) {
	if !strings.Contains(text, "${") {
		return []part{{text: text}}, false
	}
	var words strings.Builder
	flush := func() {
		if words.Len() > 0 {
			parts = append(parts, part{text: words.String()})
			words.Reset()
		}
	}
	for i := 0; i < len(text); {
		switch {
		case strings.HasPrefix(text[i:], "$${"):
			words.WriteString("${")
			i += 3
		case strings.HasPrefix(text[i:], "${"):
			a, end := readAccess(text, i+2)
			if a == nil {
				malformed = true
				words.WriteString("${")
				i += 2
				continue
			}
			flush()
			parts = append(parts, part{access: a})
			i = end
		default:
			words.WriteByte(text[i])
			i++
		}
	}
	flush()
	return parts, malformed
}

// readAccess reads an access that begins behind ${, and returns where it ends behind }; nil when it is none.
func readAccess(text string, i int) (*access, int) {
	a := &access{}
	start := i
	name := func() string {
		from := i
		for i < len(text) && !strings.ContainsRune(".[]}\" \n", rune(text[i])) {
			i++
		}
		return text[from:i]
	}
	if a.root = name(); a.root == "" && !(i < len(text) && text[i] == '[') {
		return nil, 0
	}
	for i < len(text) {
		switch text[i] {
		case '}':
			if a.root == "" && len(a.steps) > 0 && a.steps[0].isKey { // ${["a name"].x}
				a.root, a.steps = a.steps[0].name, a.steps[1:]
			}
			a.text = text[start:i]
			return a, i + 1
		case '.':
			i++
			step := name()
			if step == "" {
				return nil, 0
			}
			a.steps = append(a.steps, accessStep{name: step, isKey: true})
		case '[':
			i++
			if i < len(text) && text[i] == '"' {
				quoted, err := strconv.QuotedPrefix(text[i:])
				if err != nil {
					return nil, 0
				}
				key, err := strconv.Unquote(quoted)
				if err != nil {
					return nil, 0
				}
				i += len(quoted)
				a.steps = append(a.steps, accessStep{name: key, isKey: true})
			} else {
				n, err := strconv.Atoi(name())
				if err != nil || n < 0 {
					return nil, 0
				}
				a.steps = append(a.steps, accessStep{index: n})
			}
			if i >= len(text) || text[i] != ']' {
				return nil, 0
			}
			i++
		default:
			return nil, 0
		}
	}
	return nil, 0
}

// escaped writes a text so that it means itself.
func escaped(text string) string { return strings.ReplaceAll(text, "${", "$${") }
