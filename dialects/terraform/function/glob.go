package function

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"
)

// Patterns are those of fileset: * and ? within a name, [a-z] and [^a-z], {a,b} within a name, a backslash before a character
// that means itself, and ** as a whole name for any number of directories. Hidden files are not special. Links are followed,
// as far as the tree lets them be.

const (
	maxAlternatives = 1000 // that the braces of a pattern may expand to
	maxLinks        = 40   // links on the way to a file, as Linux has it
)

var errPattern = errors.New("syntax error in pattern")

// glob returns the regular files that match pattern, a clean path of the tree whose first names are those of base as
// far as they agree; these are taken literally.
func (t tree) glob(base, pattern string) ([]string, error) {
	literal := "."
	rest := pattern
	if base == "." {
	} else if after, ok := strings.CutPrefix(pattern, base+"/"); ok {
		literal, rest = base, after
	} else if pattern == base {
		return nil, nil // the directory itself is not a file
	}
	var segments [][]string
	for _, segment := range strings.Split(rest, "/") {
		names, err := expand(segment)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			if _, err := matchName(n, ""); err != nil {
				return nil, err
			}
		}
		segments = append(segments, names)
	}
	g := globber{tree: t, left: t.Elements, found: map[string]bool{}}
	if err := g.walk(literal, segments, 0); err != nil {
		return nil, err
	}
	return g.files, nil
}

type globber struct {
	tree
	left  int // entries that may still be looked at
	files []string
	found map[string]bool
}

// walk matches the segments below dir, to which links symbolic links led. Each segment is a choice of patterns for one name.
func (g *globber) walk(dir string, segments [][]string, links int) error {
	segment, last := segments[0], len(segments) == 1
	if plain := segment[0]; !last && len(segment) == 1 && plain != "**" && !strings.ContainsAny(plain, `*?[\`) {
		// Nothing to list: the directory may even be unreadable, as long as it can be walked through.
		if info, err := fs.Stat(g.FS, path.Join(dir, plain)); err != nil || !info.IsDir() {
			return nil
		}
		return g.walk(path.Join(dir, plain), segments[1:], links)
	}
	if g.Listed != nil {
		g.Listed(dir)
	}
	entries, err := fs.ReadDir(g.FS, dir)
	if err != nil {
		return nil // as a directory that is not there: no match
	}
	if g.left -= 1 + len(entries); g.left < 0 {
		return tooMany(g.Elements)
	}
	any := isAny(segment)
	if any && !last {
		// No directory at all is a match too.
		for len(segments) > 2 && isAny(segments[1]) {
			segments = segments[1:]
		}
		if err := g.walk(dir, segments[1:], links); err != nil {
			return err
		}
	}
	for _, e := range entries {
		matched := any
		for i := 0; i < len(segment) && !matched; i++ {
			if matched, err = matchName(segment[i], e.Name()); err != nil {
				return err
			}
		}
		if !matched {
			continue
		}
		name := path.Join(dir, e.Name())
		mode, through := e.Type(), links
		if mode&fs.ModeSymlink != 0 {
			info, err := fs.Stat(g.FS, name)
			if through++; err != nil || through > maxLinks {
				continue // dangling, out of the tree or in a circle
			}
			mode = info.Mode()
		}
		switch {
		case mode.IsRegular() && last:
			if !g.found[name] {
				g.found[name] = true
				g.files = append(g.files, name)
			}
		case mode.IsDir() && any:
			if err := g.walk(name, segments, through); err != nil {
				return err
			}
		case mode.IsDir() && !last:
			if err := g.walk(name, segments[1:], through); err != nil {
				return err
			}
		}
	}
	return nil
}

func isAny(segment []string) bool { return len(segment) == 1 && segment[0] == "**" }

// expand writes out the braces of a pattern.
func expand(pattern string) ([]string, error) {
	open, depth, class := -1, 0, false
	var commas []int
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '{':
			if depth++; depth == 1 {
				open = i
			}
		case c == ',' && depth == 1:
			commas = append(commas, i)
		case c == '}' && depth > 0:
			if depth--; depth > 0 {
				continue
			}
			var out []string
			start := open + 1
			for _, end := range append(commas, i) {
				more, err := expand(pattern[:open] + pattern[start:end] + pattern[i+1:])
				if err != nil {
					return nil, err
				}
				if out = append(out, more...); len(out) > maxAlternatives {
					return nil, errors.New("too many alternatives in pattern")
				}
				start = end + 1
			}
			return out, nil
		}
	}
	if depth > 0 {
		return nil, errPattern
	}
	return []string{pattern}, nil
}

// matchName reports whether name matches a pattern without braces and slashes. Only the last star is ever tried again, so
// that the time is bounded by the product of the lengths.
func matchName(pattern, name string) (bool, error) {
	p, n := pattern, name
	afterStar, retry, starred := "", "", false
	for {
		if p == "" && n == "" {
			return true, nil
		}
		if strings.HasPrefix(p, "*") {
			p = p[1:]
			afterStar, retry, starred = p, n, true
			continue
		}
		ok := false
		if p != "" {
			var err error
			var size int
			if ok, size, err = matchOne(p, n); err != nil {
				return false, err
			}
			if ok {
				p = p[size:]
				_, w := utf8.DecodeRuneInString(n)
				n = n[w:]
				continue
			}
		}
		if !starred || retry == "" {
			return false, check(p)
		}
		_, w := utf8.DecodeRuneInString(retry)
		retry = retry[w:]
		p, n = afterStar, retry
	}
}

// check finds errors in what is left of a pattern after it did not match.
func check(p string) error {
	for p != "" {
		_, size, err := matchOne(p, "x")
		if err != nil {
			return err
		}
		p = p[size:]
	}
	return nil
}

// matchOne matches the first element of p, which is not a star, with the first character of n, and says how long the
// element is.
func matchOne(p, n string) (ok bool, size int, err error) {
	r, _ := utf8.DecodeRuneInString(n)
	switch p[0] {
	case '?':
		return n != "", 1, nil
	case '[':
		return matchClass(p, r, n != "")
	case '\\':
		if len(p) == 1 {
			return false, 0, errPattern
		}
		c, w := utf8.DecodeRuneInString(p[1:])
		return n != "" && c == r, 1 + w, nil
	}
	c, w := utf8.DecodeRuneInString(p)
	return n != "" && c == r, w, nil
}

func matchClass(p string, r rune, some bool) (ok bool, size int, err error) {
	i := 1
	negated := i < len(p) && p[i] == '^'
	if negated {
		i++
	}
	next := func() (rune, bool) {
		if i < len(p) && p[i] == '\\' {
			i++
		}
		if i >= len(p) {
			return 0, false
		}
		c, w := utf8.DecodeRuneInString(p[i:])
		i += w
		return c, true
	}
	in := false
	for first := true; first || i < len(p) && p[i] != ']'; first = false {
		if first && i < len(p) && p[i] == ']' {
			return false, 0, errPattern
		}
		low, ok := next()
		if !ok {
			return false, 0, errPattern
		}
		high := low
		if i+1 < len(p) && p[i] == '-' && p[i+1] != ']' {
			i++
			if high, ok = next(); !ok {
				return false, 0, errPattern
			}
		}
		in = in || low <= r && r <= high
	}
	if i >= len(p) {
		return false, 0, errPattern
	}
	return some && in != negated, i + 1, nil
}
