package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// The phrases that several formats share. All of them are visible: safe to print, not yet escaped for any markup.

// How many of a thing are listed before the rest is only counted, and how many characters of a value are shown.
const (
	maxListed    = 8 // addresses of instances, places of evidence
	maxFixes     = 4
	maxUndecided = 12
	maxValue     = 200
)

// Place writes a place as editors and terminals understand it: path:line:column, or the path alone when the position is
// zero. The result is visible.
func Place(path string, at source.Position) string {
	path = Visible(path)
	if at.Line > 0 {
		path += ":" + strconv.Itoa(at.Line) + ":" + strconv.Itoa(at.Column)
	}
	return path
}

// spot is the Place of a location for the reader; nothing when there is none.
func spot(in *Input, l finding.Location) string {
	if l.IsZero() {
		return ""
	}
	return Place(l.File, l.From)
}

// at writes a place in brackets, by its line alone when it is in the file that the reader has before him; nothing when there
// is none.
func (in *Input) at(l finding.Location, here string) string {
	if l.IsZero() {
		return ""
	}
	if l.File == here && l.From.Line > 0 {
		return " (line " + strconv.Itoa(l.From.Line) + ")"
	}
	at := Visible(l.File)
	if l.From.Line > 0 {
		at += ":" + strconv.Itoa(l.From.Line)
	}
	return " (" + at + ")"
}

// evidence writes a value that the rule saw.
func evidence(e finding.Evidence) string {
	if e.Path == "" {
		return Visible(shorten(e.Value, maxValue))
	}
	return Visible(e.Path) + " = " + Visible(shorten(e.Value, maxValue))
}

// origin writes the way from where a value is used to where it was written.
func (in *Input) origin(from []finding.Related, here string) string {
	var b strings.Builder
	for i, r := range from {
		if i == maxListed {
			b.WriteString(" ← …")
			break
		}
		b.WriteString(" ← " + Visible(r.Text) + in.at(r.Location, here))
	}
	return b.String()
}

// only reports whether the group is a single finding, on the resource that stands in the title.
func (g *group) only(title string) bool { return len(g.all) == 1 && g.Resource.Address == title }

// values lists the evidence of a group. What was not passed on from elsewhere has its own place behind it.
func (in *Input) values(g *group) []string {
	return distinct(g.all, func(f *finding.Finding) []string {
		return each(f.Evidence, func(e finding.Evidence) string {
			s := evidence(e) + in.origin(e.From, g.Location.File)
			if len(e.From) == 0 && e.Value != "(not set)" {
				for _, r := range f.Related {
					if r.Text == e.Path {
						return s + in.at(r.Location, g.Location.File)
					}
				}
			}
			return s
		})
	})
}

// related lists the other places of a group, without those that values has.
func (in *Input) related(g *group) []string {
	return distinct(g.all, func(f *finding.Finding) []string {
		var out []string
		for _, r := range f.Related {
			if !slices.ContainsFunc(f.Evidence, func(e finding.Evidence) bool { return e.Path == r.Text }) {
				out = append(out, Visible(r.Text)+in.at(r.Location, g.Location.File))
			}
		}
		return out
	})
}

// maybeCreated is said of resources whose count, for_each or condition is unknown.
const maybeCreated = "it is not known whether it will be created"

// maybe reports whether it is unknown of all resources of the group whether they will be created.
func (g *group) maybe() bool {
	return !slices.ContainsFunc(g.all, func(f *finding.Finding) bool { return !f.Resource.Maybe })
}

// instances names the resources of a group with the module calls that lead to them. For a single one that the title names
// it is only the way through the calls, when there is one.
func (in *Input) instances(g *group, title string) []string {
	if g.only(title) {
		if len(g.Resource.Calls) == 0 {
			return nil
		}
		return []string{strings.Join(each(g.Resource.Calls, func(c finding.Related) string { return Visible(c.Text) + in.at(c.Location, g.Location.File) }), " → ")}
	}
	units := slices.ContainsFunc(g.all, func(f *finding.Finding) bool { return f.Resource.Unit != g.Resource.Unit })
	return distinct(g.all, func(f *finding.Finding) []string {
		s := Visible(f.Resource.Address)
		if units {
			s += " of " + Visible(f.Resource.Unit)
		}
		if len(f.Resource.Calls) > 0 {
			s += ", called at " + strings.Join(each(f.Resource.Calls, func(c finding.Related) string { return spot(in, c.Location) }), " → ")
		}
		return []string{s}
	})
}

// fixes returns the fixes of the first finding, then the preferred ones of other instances that edit other places.
func (g *group) fixes() []finding.Fix {
	var out []finding.Fix
	for i, f := range g.all {
		for n, fix := range f.Fixes {
			if i > 0 && n > 0 || slices.ContainsFunc(out, func(o finding.Fix) bool { return slices.Equal(o.Edits, fix.Edits) }) {
				continue
			}
			out = append(out, fix)
		}
	}
	return out
}

// distinct collects what the findings say, each thing once, in order.
func distinct(fs []*finding.Finding, say func(*finding.Finding) []string) []string {
	var out []string
	seen := make(map[string]bool)
	for _, f := range fs {
		for _, s := range say(f) {
			if !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out
}

// editedFiles returns the files that a fix edits, in order.
func editedFiles(fix finding.Fix) []string {
	var files []string
	for _, e := range fix.Edits {
		if !slices.Contains(files, e.Location.File) {
			files = append(files, e.Location.File)
		}
	}
	return files
}

// list joins the first so many names and counts the rest.
func list(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:n], ", ") + fmt.Sprintf(" and %d more", len(names)-n)
}

// plural writes a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// shorten cuts s to n characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// sorted returns the keys of a map in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
