package scan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// The grammar of our own comments is
//
//	plumbline:ignore      rule[,rule…] [until=YYYY-MM-DD] [reason]
//	plumbline:ignore-file rule[,rule…] [until=YYYY-MM-DD] [reason]
//
// at the start of a comment, or of a line of a comment with several lines. A rule is an id, an alias, a glob or *.
// The day of until is found anywhere behind the rules. Whatever looks like a directive but is none is said to be so: a
// comment that silently does nothing is worse than none.

// scope says how far a directive reaches.
type scope uint8

const (
	scopePlace  scope = iota // what the comment stands beside or directly above
	scopeFile                // all of the file
	scopeInside              // the declaration around the comment
	scopeLines               // the comment's own lines and the next one
	scopeBelow               // what the comment stands directly above
)

// directive is what a comment asks for.
type directive struct {
	suppression finding.Suppression
	scanner     scanner
	scope       scope
	names       []string // rules as written
	disable     bool     // a command of KICS of which only the last counts
	malformed   string   // why it does not count; empty when it does

	comment     dialect.Comment
	first, last int    // lines of the comment
	next        int    // line below the comment and those stacked under it
	used        []bool // by name; shared by those that one text makes
	again       bool   // the same text made one before: it speaks of several things
}

var (
	ownShape = regexp.MustCompile(`^plumbline:(ignore-file|ignore)(?:\s+(.*))?$`)
	dayLike  = regexp.MustCompile(`(?i)^(?:until|exp|expires|expiry)(?:=|:\d)`)
	// What somebody writes who means a directive; prose that starts with our name is left alone.
	ownAttempt = regexp.MustCompile(`(?i)^plumbline(?:[:=]\S|[\s:=_-]*(?:ignore|ignore-file|skip|disable|nolint|noqa|allow|suppress)\b)`)
)

// parseOwn reads one line of a comment.
func parseOwn(line string) (directive, bool) {
	m := ownShape.FindStringSubmatch(line)
	if m == nil {
		if !ownAttempt.MatchString(line) {
			return directive{}, false
		}
		return directive{malformed: "write plumbline:ignore RULE[,RULE] [until=YYYY-MM-DD] REASON"}, true
	}
	d := directive{scope: scopePlace}
	if m[1] == "ignore-file" {
		d.scope = scopeFile
	}
	rules, rest := cutNames(m[2])
	d.names = rules
	d.suppression = finding.Suppression{Kind: finding.Inline, Rules: rules}
	var reason []string
	for _, word := range strings.Fields(rest) {
		if !dayLike.MatchString(word) {
			reason = append(reason, word)
			continue
		}
		day, err := time.Parse(time.DateOnly, strings.TrimPrefix(word, "until="))
		if err != nil {
			d.malformed = fmt.Sprintf("%q is not a day: write until=YYYY-MM-DD", word)
		} else if !d.suppression.Until.IsZero() {
			d.malformed = "it says until twice"
		}
		d.suppression.Until = day
	}
	d.suppression.Reason = strings.TrimLeft(strings.Join(reason, " "), ":-–— ")
	if len(rules) == 0 || slices.ContainsFunc(rules, dayLike.MatchString) {
		d.malformed = "name the rules to ignore, or * for all"
	}
	return d, true
}

// cutNames takes the list of names off the front of text. Commas may have blanks around them.
func cutNames(text string) (names []string, rest string) {
	rest = strings.TrimSpace(text)
	for {
		end := strings.IndexAny(rest, ", \t")
		name := rest
		if end < 0 {
			rest = ""
		} else {
			name, rest = rest[:end], rest[end:]
		}
		if trimmed := strings.TrimRight(name, ":"); trimmed != "" {
			names = append(names, trimmed)
		}
		after := strings.TrimLeft(rest, " \t")
		if !strings.HasPrefix(after, ",") || strings.HasSuffix(name, ":") {
			return names, after
		}
		rest = strings.TrimLeft(after, ", \t")
	}
}

// directives reads the comments of a file.
func directives(file *source.File, comments []dialect.Comment) []*directive {
	type extent struct{ end, first, last, next int } // where it ends without its line end, and its lines
	extents := make([]extent, len(comments))
	nextAfter := make(map[int]int) // by first line of a comment that stands alone: its next
	for i, c := range slices.Backward(comments) {
		end := c.Range.End
		for end > c.Range.Start && (file.Bytes[end-1] == '\n' || file.Bytes[end-1] == '\r') {
			end-- // the lexers of some languages count the line end as part of the comment
		}
		e := extent{end: end, first: file.Position(c.Range.Start).Line, last: file.Position(end).Line}
		if c.Alone {
			if strings.TrimSpace(file.Text(source.Range{Start: end, End: max(end, file.Line(e.last).End)})) != "" {
				e.next = e.last // code follows on the same line
			} else if e.next = e.last + 1; nextAfter[e.next] > 0 {
				e.next = nextAfter[e.next]
			}
			nextAfter[e.first] = e.next
		}
		extents[i] = e
	}
	var out []*directive
	made := make(map[int]*directive) // of what speaks of something, by its start: several resources may have it in their metadata
	leading, codeFrom := true, 0
	for i, c := range comments {
		leading = leading && strings.TrimSpace(string(file.Bytes[codeFrom:max(codeFrom, c.Range.Start)])) == ""
		codeFrom = max(codeFrom, c.Range.End)
		e := extents[i]
		if c.Alone && file.Position(c.Target.Start).Line != e.next {
			c.Target = source.Range{} // directly above means without a blank line between
		}
		for _, d := range parseComment(c, leading) {
			d.comment, d.first, d.last, d.next = c, e.first, e.last, e.next
			d.used = make([]bool, len(d.names))
			d.suppression.Location = finding.Location{
				Range: source.Range{File: c.Range.File, Start: c.Range.Start, End: e.end},
				From:  file.Position(c.Range.Start),
				To:    file.Position(e.end),
			}
			if first := made[c.Range.Start]; !c.About.IsZero() && first != nil && slices.Equal(first.names, d.names) {
				d.used, d.again = first.used, true
			} else if first == nil && !c.About.IsZero() {
				made[c.Range.Start] = &d
			}
			out = append(out, &d)
		}
	}
	return lastCommandWins(out)
}

// parseComment reads all that a comment asks for, in any of the languages we understand. Leading comments have nothing
// but comments before them in their file.
func parseComment(c dialect.Comment, leading bool) []directive {
	var out []directive
	for line := range strings.Lines(c.Text) {
		line = strings.TrimSpace(strings.TrimLeft(line, " \t*"))
		if d, ok := parseOwn(line); ok {
			out = append(out, d)
			continue
		}
		out = append(out, parseForeign(line, c.Alone, leading)...)
	}
	return out
}

// covers reports whether the directive reaches a finding.
func (d *directive) covers(f *finding.Finding) bool {
	file := d.comment.Range.File
	here := func(l finding.Location) bool { return l.File == file && !l.IsZero() }
	if about := d.comment.About; !about.IsZero() {
		within := func(l finding.Location) bool { return !l.IsZero() && about.Contains(l.Range) }
		return within(f.Location) || within(f.Resource.Range) ||
			slices.ContainsFunc(f.Resource.Calls, func(c finding.Related) bool { return within(c.Location) })
	}
	switch d.scope {
	case scopeFile:
		return here(f.Location) || here(f.Resource.Range)
	case scopeLines:
		line := f.Location.From.Line
		return here(f.Location) && d.first <= line && line <= d.last+1
	case scopeInside:
		return d.inside(f)
	}
	beside := func(l finding.Location) bool {
		return d.scope == scopePlace && (l.From.Line == d.first || l.From.Line == d.last)
	}
	reaches := func(l finding.Location) bool {
		return here(l) && (beside(l) || d.comment.Alone && l.From.Line == d.next ||
			(d.comment.Alone || d.scope == scopePlace) && !d.comment.Target.IsZero() && d.comment.Target.Contains(l.Range))
	}
	if reaches(f.Location) || reaches(f.Resource.Range) {
		return true
	}
	for _, call := range f.Resource.Calls {
		if reaches(call.Location) {
			return true
		}
	}
	return false
}

// inside reports whether the comment stands within the declaration of the finding's resource, or of a module call that
// led to it, between their first and last lines.
func (d *directive) inside(f *finding.Finding) bool {
	r := f.Resource.Range
	if r.File == d.comment.Range.File && r.From.Line < d.first && d.first < r.To.Line {
		return true
	}
	for _, call := range f.Resource.Calls {
		if d.comment.Block.Contains(call.Location.Range) && !call.Location.IsZero() && call.Location.From.Line < d.first {
			return true
		}
	}
	return false
}
