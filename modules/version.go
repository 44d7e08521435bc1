package modules

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// moduleVersion is a version as registries have them: 1.2.3 or 1.2.3-beta.1; what follows a + does not count.
type moduleVersion struct {
	numbers [3]uint64
	given   int      // how many numbers were written
	pre     []string // the parts of a pre-release; none for a release
	text    string
}

var versionText = lazy(`^v?(\d{1,18})(?:\.(\d{1,18}))?(?:\.(\d{1,18}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$`)

func parseVersion(text string) (moduleVersion, bool) {
	m := versionText().FindStringSubmatch(text)
	if m == nil {
		return moduleVersion{}, false
	}
	v := moduleVersion{text: strings.TrimPrefix(text, "v")}
	for i := range v.numbers {
		if m[i+1] != "" {
			v.numbers[i], _ = strconv.ParseUint(m[i+1], 10, 64)
			v.given++
		}
	}
	if m[4] != "" {
		v.pre = strings.Split(m[4], ".")
	}
	return v, true
}

// compare orders versions as Semantic Versioning does.
func (v moduleVersion) compare(o moduleVersion) int {
	if c := slices.Compare(v.numbers[:], o.numbers[:]); c != 0 {
		return c
	}
	switch {
	case len(v.pre) == 0 && len(o.pre) == 0:
		return 0
	case len(v.pre) == 0:
		return 1
	case len(o.pre) == 0:
		return -1
	}
	return slices.CompareFunc(v.pre, o.pre, func(a, b string) int {
		x, errX := strconv.ParseUint(a, 10, 64)
		y, errY := strconv.ParseUint(b, 10, 64)
		switch {
		case errX == nil && errY == nil:
			return cmp.Compare(x, y)
		case errX == nil:
			return -1
		case errY == nil:
			return 1
		}
		return strings.Compare(a, b)
	})
}

// constraint is the condition that a version must meet; the zero value is met by every release.
type constraint []bound

type bound struct {
	operator string
	version  moduleVersion
}

var boundText = lazy(`^(=|!=|>=|<=|>|<|~>)?\s*(\S+)$`)

// parseConstraint understands ">= 1.2, < 2.0".
func parseConstraint(text string) (constraint, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var c constraint
	for part := range strings.SplitSeq(text, ",") {
		m := boundText().FindStringSubmatch(strings.TrimSpace(part))
		if m == nil {
			return nil, failure("the version %q is not understood", clip(text))
		}
		v, ok := parseVersion(m[2])
		if !ok {
			return nil, failure("the version %q is not understood", clip(text))
		}
		if m[1] == "" {
			m[1] = "="
		}
		c = append(c, bound{m[1], v})
	}
	return c, nil
}

// exact returns the one version that can meet the constraint, and whether that is told by the constraint alone.
func (c constraint) exact() (moduleVersion, bool) {
	if len(c) == 1 && c[0].operator == "=" && c[0].version.given == 3 {
		return c[0].version, true
	}
	return moduleVersion{}, false
}

// meets reports whether a version meets the constraint. A pre-release meets only one that names it.
func (c constraint) meets(v moduleVersion) bool {
	named := func(b bound) bool { return b.operator == "=" && b.version.compare(v) == 0 }
	if len(v.pre) > 0 && !slices.ContainsFunc(c, named) {
		return false
	}
	for _, b := range c {
		if !b.meets(v) {
			return false
		}
	}
	return true
}

func (b bound) meets(v moduleVersion) bool {
	c := v.compare(b.version)
	switch b.operator {
	case "=":
		return c == 0
	case "!=":
		return c != 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	}
	// ~> lets the last number that was written grow, and those that were not.
	if c < 0 {
		return false
	}
	fixed := max(b.version.given-1, 0)
	return slices.Equal(v.numbers[:fixed], b.version.numbers[:fixed])
}

// newest returns the highest of the versions that meets the constraint.
func (c constraint) newest(versions []string) (moduleVersion, bool) {
	var best moduleVersion
	found := false
	for _, text := range versions {
		v, ok := parseVersion(text)
		if ok && c.meets(v) && (!found || v.compare(best) > 0) {
			best, found = v, true
		}
	}
	return best, found
}

// String writes the constraint.
func (c constraint) String() string {
	parts := make([]string, len(c))
	for i, b := range c {
		parts[i] = b.operator + " " + b.version.text
	}
	return strings.Join(parts, ", ")
}
