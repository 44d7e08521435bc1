package compose

import (
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// setting is one line of a file of variables.
type setting struct {
	name  string
	text  words
	alone bool         // a name without a value: it is passed on from the environment
	at    source.Range // the whole setting
}

// readEnv reads a file of variables: NAME=value, also with export before it, a colon in place of the sign, quotes, and comments. What
// was set before is seen by what comes later. A line that sets nothing is left out. Raw files are taken as they are written. All texts
// together may grow to most bytes; what comes then is left out, and large says so.
func readEnv(f *source.File, outer *scope, raw bool, most int) (out []setting, large bool) {
	own := &scope{outer: outer, own: make(map[string]variable)}
	text := string(f.Bytes)
	for at := 0; at < len(text); {
		end := at + lineLength(text[at:])
		start := at
		line := text[at:min(end, len(text))]
		at = end + 1
		trimmed := strings.TrimLeft(line, " \t\ufeff")
		start += len(line) - len(trimmed)
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		body := trimmed
		if rest, ok := strings.CutPrefix(body, "export "); ok {
			body = strings.TrimLeft(rest, " \t")
		}
		i := strings.IndexAny(body, "=:")
		if i < 0 {
			if name := strings.TrimSpace(body); envName(name) == name && name != "" {
				out = append(out, setting{name: name, alone: true, at: source.Range{File: f.Path, Start: start, End: start + len(strings.TrimRight(trimmed, " \t\r"))}})
			}
			continue
		}
		name := strings.TrimSpace(body[:i])
		if name == "" || envName(name) != name {
			continue
		}
		s := setting{name: name, at: source.Range{File: f.Path, Start: start}}
		written := strings.TrimLeft(body[i+1:], " \t")
		from := start + len(trimmed) - len(written) // the first byte of the value
		x := &expander{scope: own, most: most + len(written)}
		switch {
		case raw:
			s.text, s.at.End = literal(strings.TrimRight(written, "\r")), from+len(strings.TrimRight(written, "\r"))
		case strings.HasPrefix(written, "'") || strings.HasPrefix(written, `"`):
			quote := written[0]
			close := quoteEnd(text[from:], quote)
			if close < 0 {
				continue
			}
			inner := text[from+1 : from+close]
			if quote == '"' {
				s.text = x.expand(unescaped(inner), 0)
			} else {
				s.text = literal(inner)
			}
			s.at.End = from + close + 1
			at = s.at.End + lineLength(text[s.at.End:]) + 1
		default:
			if c := strings.Index(written, " #"); c >= 0 {
				written = written[:c]
			} else if c := strings.Index(written, "\t#"); c >= 0 {
				written = written[:c]
			}
			written = strings.TrimRight(written, " \t\r")
			s.text, s.at.End = x.expand(written, 0), from+len(written)
		}
		for i := range s.text {
			most -= len(s.text[i].text)
		}
		most += len(written)
		if x.large || most < 0 {
			return out, true
		}
		own.own[name] = variable{text: s.text, at: s.at}
		out = append(out, s)
	}
	return out, false
}

// lineLength returns how far a text goes to the end of its first line.
func lineLength(text string) int {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return i
	}
	return len(text)
}

// envName returns what of a text can be the name of a variable in a file.
func envName(text string) string {
	i := 0
	for i < len(text) && (strings.IndexByte("_.-[]", text[i]) >= 0 || text[i] >= 'a' && text[i] <= 'z' || text[i] >= 'A' && text[i] <= 'Z' || text[i] >= '0' && text[i] <= '9') {
		i++
	}
	return text[:i]
}

// quoteEnd returns where the quote closes that a text begins with, -1 when it does not.
func quoteEnd(text string, quote byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return i
		}
	}
	return -1
}

var escapes = strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\"`, `"`, `\\`, `\`, `\$`, "$$")

// unescaped reads the escapes of a text in double quotes. An escaped dollar sign is one that no variable begins with.
func unescaped(text string) string {
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	return escapes.Replace(text)
}

// envComments returns the comments of a file of variables, each aimed at the setting below or beside it.
func envComments(f *source.File) []dialect.Comment {
	var out []dialect.Comment
	text := string(f.Bytes)
	settings, _ := readEnv(f, nil, false, len(text))
	inside := func(at int) bool { // of a value: no comment begins there
		for i := range settings {
			if settings[i].at.Start <= at && at < settings[i].at.End {
				return true
			}
		}
		return false
	}
	for at := 0; at < len(text); {
		end := at + lineLength(text[at:])
		line := strings.TrimRight(text[at:end], "\r")
		for i := strings.IndexByte(line, '#'); i >= 0 && i < len(line); {
			before := strings.TrimSpace(line[:i])
			if !inside(at+i) && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
				c := dialect.Comment{Range: source.Range{File: f.Path, Start: at + i, End: at + len(line)}, Text: strings.TrimSpace(line[i+1:]), Alone: before == ""}
				for _, s := range settings {
					if c.Alone && s.at.Start >= c.Range.End || !c.Alone && s.at.Start >= at && s.at.End <= c.Range.Start {
						c.Target = s.at
						break
					}
				}
				out = append(out, c)
				break
			}
			next := strings.IndexByte(line[i+1:], '#')
			if next < 0 {
				break
			}
			i += 1 + next
		}
		at = end + 1
	}
	return out
}
