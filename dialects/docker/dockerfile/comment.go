package dockerfile

import (
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// Comments returns the comments of a file in order. The Target of one is the instruction below it, its Block the instruction
// between whose lines it stands. Only lines of their own are comments: what stands behind an instruction belongs to it.
func (e *estate) Comments(p string) []dialect.Comment {
	f := e.files[p]
	if f == nil {
		return nil
	}
	out := make([]dialect.Comment, 0, len(f.comments))
	next := 0
	for _, c := range f.comments {
		k := dialect.Comment{
			Range: source.Range{File: f.Path, Start: c.start, End: c.end}, Alone: true,
			Text: strings.TrimSpace(strings.TrimLeft(string(f.Bytes[c.start:c.end]), "#")),
		}
		if c.inside >= 0 && c.inside < len(f.instructions) {
			k.Block = f.instructions[c.inside].whole()
			k.Target = f.lineBehind(c.end, k.Block)
		} else {
			for next < len(f.instructions) && f.instructions[next].start < c.start {
				next++
			}
			if next < len(f.instructions) {
				k.Target = f.instructions[next].whole()
			}
		}
		out = append(out, k)
	}
	return out
}

// lineBehind is the line behind a place in an instruction, without blanks around it and other comments before it.
func (f *file) lineBehind(at int, within source.Range) source.Range {
	for at < within.End {
		i := strings.IndexByte(string(f.Bytes[at:within.End]), '\n')
		if i < 0 {
			return source.Range{}
		}
		start := at + i + 1
		end := within.End
		if n := strings.IndexByte(string(f.Bytes[start:within.End]), '\n'); n >= 0 {
			end = start + n
		}
		text := string(f.Bytes[start:end])
		trimmed := strings.TrimLeft(text, " \t")
		if strings.HasPrefix(trimmed, "#") {
			at = end
			continue
		}
		return source.Range{File: f.Path, Start: start + len(text) - len(trimmed), End: end}
	}
	return source.Range{}
}
