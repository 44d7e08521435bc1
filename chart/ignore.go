package chart

import (
	"bytes"
	"fmt"
	"path"
	"strings"
)

// Ignore is the patterns of a .helmignore file. The zero value leaves out what Helm always leaves out.
type Ignore struct {
	patterns []ignorePattern
}

type ignorePattern struct {
	pattern  string
	negated  bool // what does not match is left out
	folders  bool // only folders match
	whole    bool // the whole path is compared, not the name alone
	anchored bool
}

// ParseIgnore reads a .helmignore file. An error names the pattern that cannot be used; those before it hold.
func ParseIgnore(text []byte) (*Ignore, error) {
	g := &Ignore{}
	for line := range bytes.Lines(bytes.TrimPrefix(text, bom)) {
		if err := g.add(strings.TrimSpace(string(line))); err != nil {
			return g, err
		}
	}
	return g, nil
}

func (g *Ignore) add(line string) error {
	if line == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	if strings.Contains(line, "**") {
		return fmt.Errorf("pattern %q: double stars are not supported", line)
	}
	if _, err := path.Match(line, "abc"); err != nil {
		return fmt.Errorf("pattern %q: %w", line, err)
	}
	var p ignorePattern
	line, p.negated = strings.CutPrefix(line, "!")
	line, p.folders = strings.CutSuffix(line, "/")
	line, p.anchored = strings.CutPrefix(line, "/")
	p.whole = p.anchored || strings.Contains(line, "/")
	p.pattern = line
	g.patterns = append(g.patterns, p)
	return nil
}

// Leaves reports whether a file or folder of the chart is left out. The first pattern that is about it decides; a negated
// one is about everything that it does not match, as Helm has it.
func (g *Ignore) Leaves(name string, folder bool) bool {
	if g != nil {
		for _, p := range g.patterns {
			switch {
			case p.negated:
				if p.folders && !folder || !p.matches(name) {
					return true
				}
			case p.folders && !folder:
			case p.matches(name):
				return true
			}
		}
	}
	// Hidden files beside templates are never templates.
	ok, _ := path.Match("templates/.?*", name)
	return ok
}

func (p *ignorePattern) matches(name string) bool {
	if !p.whole {
		name = path.Base(name)
	}
	ok, err := path.Match(p.pattern, name)
	return ok && err == nil
}
