package report

import (
	"unicode/utf8"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// excerptLine is a line of a file to show. Line zero stands for lines that were left out.
type excerptLine struct {
	number              int
	marked              bool   // the line that decided; a mark of nothing stands between two characters
	before, mark, after string // the line in three parts, safe to print; mark is empty on lines around the place
}

// excerptTail is how many lines of a longer place are shown after its first.
const excerptTail = 3

// excerpt returns the line that decided with its mark, a line before and one after it, or the first lines of a longer
// place. Lines are cut to so many columns around the mark.
func excerpt(f *source.File, at finding.Location, width int) []excerptLine {
	if f == nil || at.From.Line == 0 || at.Start < 0 || at.Start > at.End || at.End > len(f.Bytes) {
		return nil
	}
	first, last := f.Position(at.Start).Line, f.Position(at.End).Line
	if last > first && f.Line(last).Start == at.End {
		last-- // the place ends with a line end
	}
	var out []excerptLine
	plain := func(n int) {
		if r := f.Line(n); !r.IsZero() && r.End > r.Start {
			out = append(out, cutLine(f, n, source.Range{Start: r.Start, End: r.Start}, width))
		}
	}
	if first == last {
		plain(first - 1)
	}
	out = append(out, cutLine(f, first, at.Range, width))
	for n := first + 1; n <= min(last, first+excerptTail); n++ {
		plain(n)
	}
	switch {
	case last > first+excerptTail+1:
		out = append(out, excerptLine{})
		plain(last)
	case last == first+excerptTail+1:
		plain(last)
	case first == last:
		plain(first + 1)
	}
	return out
}

// cutLine splits line n at the mark and leaves out what would not fit.
func cutLine(f *source.File, n int, mark source.Range, width int) excerptLine {
	line := f.Line(n)
	start := min(max(mark.Start, line.Start), line.End) // a place may begin in the line end
	end := max(start, min(mark.End, line.End))
	// No more than this many bytes can be of use: it keeps a line of a megabyte cheap.
	from, to := max(line.Start, start-4*width), min(line.End, start+4*width)
	for from < start && !utf8.RuneStart(f.Bytes[from]) {
		from++
	}
	for to > start && to < line.End && !utf8.RuneStart(f.Bytes[to]) {
		to--
	}
	end = min(end, to)
	e := excerptLine{
		number: n,
		marked: !mark.IsZero(),
		before: visibleLines(string(f.Bytes[from:start])),
		mark:   visibleLines(string(f.Bytes[start:end])),
		after:  visibleLines(string(f.Bytes[end:to])),
	}
	if room := width * 2 / 3; columns(e.before) > room {
		cutAt := len(e.before)
		for w := 0; cutAt > 0; {
			r, n := utf8.DecodeLastRuneInString(e.before[:cutAt])
			if w += columns(string(r)); w > room/2 {
				break
			}
			cutAt -= n
		}
		e.before = "…" + e.before[cutAt:]
	}
	e.mark = cut(e.mark, max(1, width-columns(e.before)))
	e.after = cut(e.after, max(0, width-columns(e.before)-columns(e.mark)))
	return e
}
