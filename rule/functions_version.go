package rule

import (
	"strconv"
	"strings"
)

var versionFunctions = []function{
	{
		Function: Function{
			Name:       "semver.atLeast",
			Signatures: []string{"semver.atLeast(string, string) -> bool"},
			Doc:        "Whether a version (first) is the second or later. Missing parts are zero, a leading v does not matter, a pre-release is before its release. False for what is no version.",
			Example:    `semver.atLeast("1.10", "1.9.3") && !semver.atLeast("1.28.0-rc1", "1.28")`,
		},
		call: onTexts(func(a, b string) val {
			x, ok1 := parseVersion(a)
			y, ok2 := parseVersion(b)
			return decided(ok1 && ok2 && !x.before(y)).val()
		}),
	},
}

// version is a version in three parts and what follows a hyphen.
type version struct {
	parts [3]int
	pre   string
}

func parseVersion(s string) (version, bool) {
	s = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(s), "v"), "V")
	s, _, _ = strings.Cut(s, "+")
	s, pre, _ := strings.Cut(s, "-")
	v := version{pre: pre}
	for i, w := range strings.Split(s, ".") {
		n, err := strconv.Atoi(w)
		if err != nil || n < 0 {
			return v, i > 0 // 5.7.mysql_aurora.2.11.1 is 5.7
		}
		if i < len(v.parts) {
			v.parts[i] = n
		}
	}
	return v, true
}

func (v version) before(o version) bool {
	for i := range v.parts {
		if v.parts[i] != o.parts[i] {
			return v.parts[i] < o.parts[i]
		}
	}
	switch {
	case v.pre == o.pre || v.pre == "":
		return false
	case o.pre == "":
		return true
	}
	// Identifiers compare as numbers where both are, numbers before words, and fewer before more.
	a, b := strings.Split(v.pre, "."), strings.Split(o.pre, ".")
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			continue
		}
		x, err1 := strconv.Atoi(a[i])
		y, err2 := strconv.Atoi(b[i])
		switch {
		case err1 == nil && err2 == nil:
			return x < y
		case err1 == nil || err2 == nil:
			return err1 == nil
		}
		return a[i] < b[i]
	}
	return len(a) < len(b)
}
