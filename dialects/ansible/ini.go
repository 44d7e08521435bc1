package ansible

import (
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// section is a section of an INI file.
type section struct {
	name string
	at   source.Range // its line
	end  int          // where the next one begins
	keys []key
}

// key is one entry, of one line and those that continue it.
type key struct {
	name string
	text string
	at   source.Range
	from int // where its text begins
}

// readSections reads an INI file as Python's configparser does, as far as ansible.cfg needs it.
func readSections(f *source.File) []section {
	var out []section
	for n := 1; n <= f.Lines(); n++ {
		at := f.Line(n)
		line := f.Text(at)
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
			continue
		case trimmed[0] == '[' && strings.HasSuffix(trimmed, "]"):
			if len(out) > 0 {
				out[len(out)-1].end = at.Start
			}
			out = append(out, section{name: strings.TrimSpace(trimmed[1 : len(trimmed)-1]), at: at, end: len(f.Bytes)})
			continue
		case len(out) == 0:
			continue
		}
		s := &out[len(out)-1]
		if (line[0] == ' ' || line[0] == '\t') && len(s.keys) > 0 {
			k := &s.keys[len(s.keys)-1]
			k.text += "\n" + trimmed
			k.at.End = at.End
			continue
		}
		sign := strings.IndexAny(line, "=:")
		if sign < 0 {
			continue
		}
		text := line[sign+1:]
		if cut := strings.Index(text, " ;"); cut >= 0 {
			text = text[:cut]
		}
		lead := len(text) - len(strings.TrimLeft(text, " \t"))
		text = strings.TrimSpace(text)
		from := at.Start + sign + 1 + lead
		s.keys = append(s.keys, key{name: strings.ToLower(strings.TrimSpace(line[:sign])), text: text, from: from,
			at: source.Range{File: f.Path, Start: at.Start, End: max(from+len(text), at.Start+sign+1)}})
	}
	return out
}

// iniComments lists the comments of an INI file.
func iniComments(f *source.File) []dialect.Comment {
	if f == nil {
		return nil
	}
	var out []dialect.Comment
	for n := 1; n <= f.Lines(); n++ {
		at := f.Line(n)
		line := f.Text(at)
		mark := -1
		if t := strings.TrimLeft(line, " \t"); t != "" && (t[0] == '#' || t[0] == ';') {
			mark = len(line) - len(t)
		} else if i := strings.Index(line, " ;"); i >= 0 {
			mark = i + 1
		} else if i := strings.Index(line, " #"); i >= 0 {
			mark = i + 1 // in inventories
		}
		if mark < 0 {
			continue
		}
		c := dialect.Comment{Range: source.Range{File: f.Path, Start: at.Start + mark, End: at.End},
			Text: strings.TrimSpace(strings.TrimLeft(line[mark:], "#;")), Alone: strings.TrimSpace(line[:mark]) == ""}
		if !c.Alone {
			c.Target = at
		}
		out = append(out, c)
	}
	for i := len(out) - 1; i >= 0; i-- {
		if c := &out[i]; c.Alone {
			next := f.Line(f.Position(c.Range.Start).Line + 1)
			if i+1 < len(out) && out[i+1].Alone && next.Contains(out[i+1].Range) {
				c.Target = out[i+1].Target
			} else if !next.IsZero() && strings.TrimSpace(f.Text(next)) != "" {
				c.Target = next
			}
		}
	}
	return out
}
