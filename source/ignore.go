package source

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// The files that say what is to be left out, in the order in which their lines count: the later wins.
const (
	gitIgnore = ".gitignore"       // git's; it does not count in the tree of a commit, where what it names was added all the same
	ownIgnore = ".plumblineignore" // ours, in the same language; it always counts
)

// assemblies are folders of what the development kits made of a program: it is what will be deployed, so it is looked at
// although their templates of .gitignore name it. Our own ignore file can leave them out.
var assemblies = []string{"cdk.out", "cdktf.out"}

// What an ignore file may be at most. Larger ones are problems, and nothing in them counts.
const (
	ignoreBytes    = 1 << 20
	ignorePatterns = 2_000
)

// ignores are the ignore files that count for a directory: its own and those of the directories above it.
type ignores struct {
	parent *ignores
	dir    string // where the patterns lead from; "." for the root
	rules  []ignoreRule
}

// ignoreRule is one line of an ignore file.
type ignoreRule struct {
	segments []string // of the pattern, between the slashes; "**" for any number of folders
	negated  bool     // what matches is kept
	folders  bool     // only folders match
	anywhere bool     // the one segment matches names at any depth
	own      bool     // of our ignore file
}

// parseIgnore reads an ignore file as git reads .gitignore.
func parseIgnore(text []byte, own bool) []ignoreRule {
	var rules []ignoreRule
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\ufeff"))) {
		if rule, ok := parseIgnoreLine(strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")); ok {
			rule.own = own
			rules = append(rules, rule)
		}
	}
	return rules
}

func parseIgnoreLine(line string) (ignoreRule, bool) {
	// Spaces at the end do not count, unless they are escaped.
	end := len(line)
	for end > 0 && line[end-1] == ' ' {
		slashes := 0
		for end-2-slashes >= 0 && line[end-2-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 1 {
			break
		}
		end--
	}
	line = line[:end]
	var r ignoreRule
	if strings.HasPrefix(line, "#") {
		return r, false
	}
	line, r.negated = strings.CutPrefix(line, "!")
	line, r.folders = strings.CutSuffix(line, "/")
	if line == "" {
		return r, false
	}
	r.anywhere = !strings.Contains(line, "/")
	r.segments = strings.Split(strings.TrimPrefix(line, "/"), "/")
	return r, true
}

// matches reports whether the rule is about a path, which leads from the directory of its ignore file.
func (r *ignoreRule) matches(rel string, folder bool) bool {
	if r.folders && !folder {
		return false
	}
	if r.anywhere {
		return matchName(r.segments[0], path.Base(rel))
	}
	return matchSegments(r.segments, strings.Split(rel, "/"))
}

// matchSegments matches a path against a pattern whose ** stand for any number of folders, at its end for at least one name.
// It goes back to the last ** only: what an earlier one could take, the last can take too.
func matchSegments(pattern, name []string) bool {
	p, n, star, from := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == "**":
			if p == len(pattern)-1 {
				return true
			}
			star, from = p, n
			p++
		case p < len(pattern) && matchName(pattern[p], name[n]):
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return p == len(pattern)
}

// matchName matches a name without slashes against *, ?, [a-z], [!a-z] and \x. A pattern that is not complete matches nothing.
func matchName(pattern, name string) bool {
	p, n, star, from := 0, 0, -1, 0
	for n < len(name) || p < len(pattern) {
		if p < len(pattern) {
			if pattern[p] == '*' {
				star, from = p, n
				p++
				continue
			}
			if n < len(name) {
				if size, ok := matchByte(pattern[p:], name[n]); ok {
					p += size
					n++
					continue
				}
			}
		}
		if star < 0 || from >= len(name) {
			return false
		}
		from++
		p, n = star+1, from
	}
	return true
}

// matchByte matches one byte of a name against the first element of a pattern, and returns how long that is. Git compares bytes:
// a ? is not an ä.
func matchByte(pattern string, c byte) (size int, ok bool) {
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		return matchClass(pattern, c)
	case '\\':
		return 2, len(pattern) > 1 && pattern[1] == c
	}
	return 1, pattern[0] == c
}

// matchClass matches a byte against [abc], [a-z], [!a] and [^a], and the named classes as [[:digit:]].
func matchClass(pattern string, c byte) (size int, ok bool) {
	i := 1
	negated := i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^')
	if negated {
		i++
	}
	found := false
	next := func() (byte, bool) {
		if i < len(pattern) && pattern[i] == '\\' {
			i++
		}
		if i >= len(pattern) {
			return 0, false
		}
		i++
		return pattern[i-1], true
	}
	for first := true; ; first = false {
		if i >= len(pattern) {
			return 0, false
		}
		if pattern[i] == ']' && !first {
			return i + 1, found != negated
		}
		if strings.HasPrefix(pattern[i:], "[:") {
			if end := strings.Index(pattern[i:], ":]"); end > 0 {
				found = found || inClass(pattern[i+2:i+end], c)
				i += end + 2
				continue
			}
		}
		low, ok := next()
		if !ok {
			return 0, false
		}
		high := low
		if i+1 < len(pattern) && pattern[i] == '-' && pattern[i+1] != ']' {
			i++
			if high, ok = next(); !ok {
				return 0, false
			}
		}
		found = found || low <= c && c <= high
	}
}

func inClass(name string, c byte) bool {
	lower, upper, digit := c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9'
	switch name {
	case "lower":
		return lower
	case "upper":
		return upper
	case "digit":
		return digit
	case "alpha":
		return lower || upper
	case "alnum":
		return lower || upper || digit
	case "xdigit":
		return digit || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
	case "space":
		return c == ' ' || c >= '\t' && c <= '\r'
	case "blank":
		return c == ' ' || c == '\t'
	case "punct":
		return c > ' ' && c < 0x7f && !lower && !upper && !digit
	}
	return false
}

// ignored reports whether the ignore files leave out an entry of the directory: the last line of the nearest file that is about
// it decides.
func (g *ignores) ignored(name string, folder bool) bool {
	assembly := folder && slices.Contains(assemblies, path.Base(name))
	for ; g != nil; g = g.parent {
		rel := name
		if g.dir != "." {
			rel = name[len(g.dir)+1:]
		}
		for _, r := range slices.Backward(g.rules) {
			if (r.own || !assembly) && r.matches(rel, folder) {
				return !r.negated
			}
		}
	}
	return false
}

// with returns the ignore files that count in a directory that has some of its own among its entries.
func (g *ignores) with(fsys fs.FS, dir string, entries []fs.DirEntry) (*ignores, []Problem) {
	var rules []ignoreRule
	var problems []Problem
	committed := committed(fsys)
	for _, file := range []string{gitIgnore, ownIgnore} {
		if file == gitIgnore && committed {
			continue
		}
		_, found := slices.BinarySearchFunc(entries, file, func(e fs.DirEntry, name string) int { return strings.Compare(e.Name(), name) })
		if !found {
			continue
		}
		name := path.Join(dir, file)
		f, problem := (&Reader{FS: fsys, Limit: ignoreBytes}).Read(name)
		if problem != nil {
			if info, err := fs.Stat(fsys, name); err == nil && info.IsDir() {
				continue
			}
			problem.Message += "; nothing is left out for its sake"
			problems = append(problems, *problem)
			continue
		}
		more := parseIgnore(f.Bytes, file == ownIgnore)
		if len(more) > ignorePatterns {
			problems = append(problems, Problem{Kind: Limit, Range: Range{File: name},
				Message: fmt.Sprintf("the file has more than %d patterns; nothing is left out for its sake", ignorePatterns)})
			continue
		}
		rules = append(rules, more...)
	}
	if len(rules) == 0 {
		return g, problems
	}
	return &ignores{parent: g, dir: dir, rules: rules}, problems
}

// above returns the ignore files of the directories above one, and of none when they leave it out: who names a directory that is
// ignored wants to see it.
func above(fsys fs.FS, dir string) *ignores {
	var g *ignores
	if dir == "." {
		return nil
	}
	at := "."
	for part := range strings.SplitSeq(dir, "/") {
		if entries, err := fs.ReadDir(fsys, at); err == nil {
			g, _ = g.with(fsys, at, entries)
		}
		at = path.Join(at, part)
		if g.ignored(at, true) {
			return nil
		}
	}
	return g
}
