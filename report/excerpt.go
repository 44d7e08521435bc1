package report

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/rule"
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
// place. Lines are cut to so many columns around the mark. Secrets are hidden: what is assigned to the name of one, and every
// quoted text when the finding is about one.
func excerpt(f *source.File, about *finding.Finding, width int) []excerptLine {
	at := about.Location
	if f == nil || at.From.Line == 0 || at.Start < 0 || at.Start > at.End || at.End > len(f.Bytes) {
		return nil
	}
	first, last := f.Position(at.Start).Line, f.Position(at.End).Line
	if last > first && f.Line(last).Start == at.End {
		last-- // the place ends with a line end
	}
	var out []excerptLine
	c := cutter{file: f, width: width}
	// The lines of a text of many lines have no quotes.
	heredoc := about.Secret && last > first && strings.Contains(f.Text(f.Line(first)), "<<")
	plain := func(n int) {
		if r := f.Line(n); !r.IsZero() && r.End > r.Start {
			within := n >= first && n <= last
			c.secret, c.hideAll = about.Secret && (within || about.Resource.Type == "variable"), heredoc && within && n > first
			out = append(out, c.line(n, source.Range{Start: r.Start, End: r.Start}))
		}
	}
	if first == last {
		plain(first - 1)
	}
	c.secret, c.hideAll = about.Secret, false
	out = append(out, c.line(first, at.Range))
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

// cutter makes the lines of an excerpt.
type cutter struct {
	file    *source.File
	width   int
	secret  bool // every quoted text is hidden
	hideAll bool // the whole line is hidden
}

// hiddenByte stands for each byte of a hidden text until the line was split. No line of a file that is shown has it.
const hiddenByte = 0

// maxMasked is how much of a line around the place is looked at for secrets.
const maxMasked = 4096

// masked returns the bytes of a part of line n with secrets replaced by as many hiddenBytes.
func (c *cutter) masked(n int, part source.Range) []byte {
	b := bytes.ReplaceAll(c.file.Bytes[part.Start:part.End], []byte{hiddenByte}, []byte{' '})
	if c.hideAll {
		content := bytes.TrimSpace(b)
		return bytes.Replace(b, content, make([]byte, len(content)), 1)
	}
	shown, around := string(b), linesOf(c.file, maxMasked)
	text := func(i int) (string, bool) {
		if i == n {
			return shown, true
		}
		return around(i)
	}
	for _, s := range rule.SpansAt(text, n, c.secret) {
		clear(b[s[0]:s[1]])
	}
	return b
}

// linesOf gives the lines of a file, at most so many bytes of each.
func linesOf(f *source.File, most int) rule.Lines {
	return func(n int) (string, bool) {
		if n < 1 || n > f.Lines() {
			return "", false
		}
		r := f.Line(n)
		return string(f.Bytes[r.Start:min(r.End, r.Start+most)]), true
	}
}

var hiddenBytes = regexp.MustCompile("\x00+")

// visiblePart is visibleLines with secrets said to be hidden.
func visiblePart(b []byte) string {
	return visibleLines(hiddenBytes.ReplaceAllString(string(b), rule.Hidden))
}

// line splits line n at the mark and leaves out what would not fit.
func (c *cutter) line(n int, mark source.Range) excerptLine {
	f, width := c.file, c.width
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
	around := source.Range{Start: max(line.Start, from-maxMasked), End: min(line.End, to+maxMasked)}
	shown := c.masked(n, around)
	part := func(from, to int) string { return visiblePart(shown[from-around.Start : to-around.Start]) }
	e := excerptLine{
		number: n,
		marked: !mark.IsZero(),
		before: part(from, start),
		mark:   part(start, end),
		after:  part(end, to),
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
