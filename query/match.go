package query

import (
	"strconv"
	"strings"
	"time"
)

// Match tells whether a text fits the value of a key of kind Name: the same text in any case of ASCII letters, or with * for any part.
func (v Value) Match(s string) bool {
	if !v.Wild {
		return strings.EqualFold(v.Text, s)
	}
	return glob(strings.ToLower(v.Text), strings.ToLower(s), false)
}

// MatchPath tells whether a path fits the value of a key of kind Path. Case counts.
//
// Without a star the path is that one or lies below it. With one, * stands for any text within a directory, ** for any; a pattern
// without a slash is one of the last part of the path: *.tf is in every directory.
func (v Value) MatchPath(s string) bool {
	if !v.Wild {
		dir := strings.TrimSuffix(v.Text, "/")
		return s == dir || strings.HasPrefix(s, dir) && strings.HasPrefix(s[len(dir):], "/") || dir == "." && s != ""
	}
	if !strings.Contains(v.Text, "/") && !strings.Contains(v.Text, "**") {
		s = s[strings.LastIndexByte(s, '/')+1:]
	}
	return glob(v.Text, s, true)
}

// glob matches with one way back per star, so that a hostile pattern costs the product of the lengths at most. In paths a single star
// does not go over a slash.
func glob(pattern, s string, path bool) bool {
	var starAt, wideAt = -1, -1 // pattern behind the last star, and behind the last one that goes over slashes
	var starS, wideS int        // where in s they end for now
	p, i := 0, 0
	for {
		if p < len(pattern) && pattern[p] == '*' {
			wide := !path
			for p < len(pattern) && pattern[p] == '*' {
				p++
				if p < len(pattern) && pattern[p] == '*' {
					wide = true
				}
			}
			if wide {
				wideAt, wideS, starAt = p, i, -1
			} else {
				starAt, starS = p, i
			}
			continue
		}
		if p == len(pattern) && i == len(s) {
			return true
		}
		if p < len(pattern) && i < len(s) {
			c, n := pattern[p], 1
			if c == '\\' && p+1 < len(pattern) {
				c, n = pattern[p+1], 2
			}
			if c == s[i] {
				p += n
				i++
				continue
			}
		}
		switch { // not so: the last star takes one more
		case starAt >= 0 && starS < len(s) && (!path || s[starS] != '/'):
			starS++
			p, i = starAt, starS
		case wideAt >= 0 && wideS < len(s):
			wideS++
			p, i, starAt = wideAt, wideS, -1
		default:
			return false
		}
	}
}

// Day returns the first and the last moment of a day in UTC, or the moment twice; false when the value is neither.
func (v Value) Day() (from, to time.Time, ok bool) {
	if day, err := time.Parse("2006-01-02", v.Text); err == nil {
		return day, day.Add(24*time.Hour - time.Millisecond), true
	}
	at, err := time.Parse(time.RFC3339, v.Text)
	return at, at, err == nil
}

// spans are the units of a length of time.
var spans = map[byte]time.Duration{'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour, 'm': 30 * 24 * time.Hour, 'y': 365 * 24 * time.Hour}

// Span returns the length of time of a value like 30d; false when it is none.
func (v Value) Span() (time.Duration, bool) {
	if len(v.Text) < 2 || len(v.Text) > 6 {
		return 0, false
	}
	unit, known := spans[v.Text[len(v.Text)-1]]
	n, err := strconv.ParseUint(v.Text[:len(v.Text)-1], 10, 32)
	if !known || err != nil || n > uint64(200*365*24*time.Hour/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}
