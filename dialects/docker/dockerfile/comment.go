package dockerfile

import (
	"bytes"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// Comments returns the comments of a file in order. The Target of one is the instruction below it, or the line of an instruction
// when it stands between its lines; that instruction is its Block. Only lines of their own are comments: what stands behind an
// instruction belongs to it.
func (e *estate) Comments(p string) []dialect.Comment {
	f := e.files[p]
	if f == nil {
		return nil
	}
	out := make([]dialect.Comment, len(f.comments))
	next := len(f.instructions)
	for i := len(f.comments) - 1; i >= 0; i-- { // backwards: comments below each other have one target
		c := f.comments[i]
		k := &out[i]
		*k = dialect.Comment{
			Range: source.Range{File: f.Path, Start: c.start, End: c.end}, Alone: true,
			Text: strings.TrimSpace(strings.TrimLeft(string(f.Bytes[c.start:c.end]), "#")),
		}
		if c.inside < 0 {
			for next > 0 && f.instructions[next-1].start > c.start {
				next--
			}
			if next < len(f.instructions) {
				k.Target = f.instructions[next].whole()
			}
			continue
		}
		if c.inside >= len(f.instructions) || !f.instructions[c.inside].whole().Contains(k.Range) {
			continue
		}
		k.Block = f.instructions[c.inside].whole()
		start, end := f.lineAt(c.end, k.Block.End)
		if i+1 < len(out) && f.comments[i+1].start == start {
			k.Target = out[i+1].Target
		} else if start < end {
			k.Target = source.Range{File: f.Path, Start: start, End: end}
		}
	}
	return out
}

// lineAt is the line behind the one that ends at a place, without blanks before it; nothing when the block ends there.
func (f *file) lineAt(at, end int) (int, int) {
	i := bytes.IndexByte(f.Bytes[at:end], '\n')
	if i < 0 {
		return end, end
	}
	start := at + i + 1
	if n := bytes.IndexByte(f.Bytes[start:end], '\n'); n >= 0 {
		end = start + n
	}
	for start < end && (f.Bytes[start] == ' ' || f.Bytes[start] == '\t') {
		start++
	}
	return start, end
}
