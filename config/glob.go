package config

import (
	"errors"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Glob is a pattern of paths as .gitignore has them: * and ? stand for anything but a slash, ** for any number of
// folders. Without a slash it matches at any depth; with one it starts at the folder of its settings file, which "."
// stands for. What matches a folder matches everything in it. Brackets mean themselves.
type Glob struct {
	Pattern string // as written
	Folder  string // where it starts, "." for the root of the tree

	segments []string
}

// NewGlob checks a pattern that starts at folder.
func NewGlob(folder, pattern string) (Glob, error) {
	switch {
	case strings.Trim(pattern, "/ ") == "":
		return Glob{}, errors.New("the glob is empty")
	case strings.HasPrefix(pattern, "!"):
		return Glob{}, errors.New("globs cannot be negated: name what is wanted in paths.include")
	case strings.Contains(pattern, `\`):
		return Glob{}, errors.New(`globs are written with /, not with \`)
	case len(pattern) > 1000:
		return Glob{}, errors.New("the glob is longer than 1000 bytes")
	case hasControl(pattern):
		return Glob{}, errors.New("the glob holds a control character")
	}
	g := Glob{Pattern: pattern, Folder: folder}
	trimmed := strings.TrimPrefix(pattern, "./")
	anchored := strings.Contains(strings.TrimSuffix(trimmed, "/"), "/") || trimmed != pattern
	for segment := range strings.SplitSeq(trimmed, "/") {
		switch segment {
		case "", ".":
		case "..":
			return Glob{}, errors.New("a glob cannot leave the folder of its settings file")
		default:
			g.segments = append(g.segments, segment)
		}
	}
	if !anchored && len(g.segments) > 0 && g.segments[0] != "**" {
		g.segments = append([]string{"**"}, g.segments...)
	}
	return g, nil
}

// Match reports whether the glob matches a file or folder, or one of the folders it lies in.
func (g Glob) Match(file string) bool { return g.match(file, true) }

// MatchExactly reports whether the glob matches the file or folder itself. The folder that the glob starts at is matched
// only by globs that could stand for no folder at all.
func (g Glob) MatchExactly(file string) bool { return g.match(file, false) }

func (g Glob) match(file string, inside bool) bool {
	file = path.Clean(file)
	if !below(g.Folder, file) {
		return false
	}
	if g.Folder != "." {
		file = strings.TrimPrefix(strings.TrimPrefix(file, g.Folder), "/")
	}
	var names []string
	if file != "" && file != "." {
		names = strings.Split(file, "/")
	}
	return matchSegments(g.segments, names, inside)
}

// matchSegments goes back only to the last ** it met, which is enough: what an earlier one could swallow more, the last
// one can as well.
func matchSegments(pattern, names []string, inside bool) bool {
	p, n := 0, 0
	star, from := -1, 0
	for {
		switch {
		case p < len(pattern) && pattern[p] == "**":
			// At the end ** stands for everything inside a folder, so for at least one name.
			if p == len(pattern)-1 {
				return n < len(names) || len(pattern) == 1
			}
			star, from = p, n
			p++
			continue
		case p == len(pattern) && (n == len(names) || inside):
			return true
		case p < len(pattern) && n < len(names) && wildcard(pattern[p], names[n]):
			p++
			n++
			continue
		}
		if star < 0 || from >= len(names) {
			return false
		}
		from++
		p, n = star+1, from
	}
}

func matchAny(globs []Glob, file string) bool {
	for i := range globs {
		if globs[i].Match(file) {
			return true
		}
	}
	return false
}

// MatchRule reports whether a name, alias or glob as users write it means the rule of that id and aliases. Case does not
// matter, and neither does the prefix AVD- that Trivy once put before its ids.
func MatchRule(pattern, id string, aliases ...string) bool {
	pattern = foldRule(pattern)
	if wildcard(pattern, foldRule(id)) {
		return true
	}
	for _, alias := range aliases {
		if wildcard(pattern, foldRule(alias)) {
			return true
		}
	}
	return false
}

// foldRule brings the spellings of one rule name together.
func foldRule(name string) string {
	return strings.TrimPrefix(strings.ToLower(name), "avd-")
}

// MatchAddress reports whether a glob matches the address of a resource, or that of a module it lies in. A glob without
// brackets leaves the instance keys of the address aside. The stars of a glob also stand for dots; brackets mean
// themselves.
func MatchAddress(pattern, address string) bool {
	if !strings.Contains(pattern, "[") {
		address = withoutKeys(address)
	}
	for start := 0; strings.HasPrefix(address[start:], "module."); {
		end := stepEnd(address, start+len("module."))
		if wildcard(pattern, address[:end]) {
			return true
		}
		start = min(end+1, len(address))
	}
	return wildcard(pattern, address)
}

// stepEnd returns the offset of the first dot from i on that is not part of an instance key.
func stepEnd(address string, i int) int {
	for ; i < len(address); i++ {
		switch address[i] {
		case '.':
			return i
		case '[':
			i = keyEnd(address, i) - 1
		}
	}
	return len(address)
}

func withoutKeys(address string) string {
	if !strings.Contains(address, "[") {
		return address
	}
	var out strings.Builder
	for i := 0; i < len(address); i++ {
		if address[i] == '[' {
			i = keyEnd(address, i) - 1
			continue
		}
		out.WriteByte(address[i])
	}
	return out.String()
}

// keyEnd returns the offset after the instance key that starts at the bracket at i. Quoted keys may hold brackets.
func keyEnd(address string, i int) int {
	quoted := false
	for i++; i < len(address); i++ {
		switch c := address[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ']' && !quoted:
			return i + 1
		}
	}
	return len(address)
}

// wildcard matches text against a pattern in which * stands for any text and ? for one character. It takes time
// proportional to the product of both lengths at worst.
func wildcard(pattern, text string) bool {
	p, t := 0, 0
	star, from := -1, 0
	for t < len(text) {
		if p < len(pattern) {
			switch pattern[p] {
			case '*':
				star, from = p, t
				p++
				continue
			case '?':
				_, size := utf8.DecodeRuneInString(text[t:])
				p++
				t += size
				continue
			case text[t]:
				p++
				t++
				continue
			}
		}
		if star < 0 {
			return false
		}
		from++
		p, t = star+1, from
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
