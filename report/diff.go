package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// Diff returns the edits of f as a unified diff for people: two header lines, then hunks with so many unchanged lines around
// each change. Secrets are hidden as in excerpts, and with secret, which is said of a finding about one, every quoted text: whoever
// wants to apply it asks for a Patch. Edits of other files are left out. It is empty when nothing changes, and when the edits
// overlap or leave the file. Use DiffForTerminal to print it.
func Diff(f *source.File, edits []finding.Edit, context int, secret bool) string {
	if f == nil {
		return ""
	}
	hunks := hunksOf(f, edits, context)
	conceal(f, hunks, secret)
	return unified(f.Path, hunks)
}

func unified(path string, hunks []hunk) string {
	if len(hunks) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", diffName("a/", path), diffName("b/", path))
	for _, h := range hunks {
		fmt.Fprintf(&b, "@@ -%s +%s @@\n", h.span(false), h.span(true))
		for _, l := range h.lines {
			b.WriteByte(l.op)
			b.WriteString(l.text)
			if !strings.HasSuffix(l.text, "\n") {
				b.WriteString("\n\\ No newline at end of file\n")
			}
		}
	}
	return b.String()
}

// DiffForTerminal returns a diff with its control characters written out and, if asked for, its lines coloured.
func DiffForTerminal(diff string, colour bool) string {
	if diff == "" {
		return ""
	}
	p := palette(colour)
	lines := strings.Split(strings.TrimSuffix(diff, "\n"), "\n")
	for i, l := range lines {
		shown := visibleLines(l)
		switch {
		case strings.HasPrefix(l, "---"), strings.HasPrefix(l, "+++"):
			shown = p.bold(shown)
		case strings.HasPrefix(l, "@@"):
			shown = p.dim(shown)
		case strings.HasPrefix(l, "-"):
			shown = p.removed(shown)
		case strings.HasPrefix(l, "+"):
			shown = p.added(shown)
		}
		lines[i] = shown
	}
	return strings.Join(lines, "\n") + "\n"
}

// diffName quotes a name as git does when it holds characters that would break the header line.
func diffName(side, path string) string {
	name := side + path
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == 0x7f }) {
		var b strings.Builder
		b.WriteByte('"')
		for i := range len(name) {
			switch c := name[i]; {
			case c == '"' || c == '\\':
				b.WriteByte('\\')
				b.WriteByte(c)
			case c < ' ' || c == 0x7f:
				fmt.Fprintf(&b, `\%03o`, c)
			default:
				b.WriteByte(c)
			}
		}
		b.WriteByte('"')
		return b.String()
	}
	if strings.Contains(name, " ") {
		return name + "\t" // ends a name with spaces for patch
	}
	return name
}

// hunk is a change with its surroundings.
type hunk struct {
	lines []diffLine
}

// diffLine is a line of a hunk; text has its line end, when it has one. Numbers count from 1; of a removed line new is
// the number that the next line of the new file has, of an added line old is the one of the next line of the old file.
type diffLine struct {
	op       byte // ' ', '-' or '+'
	old, new int
	text     string
	hides    bool // text is not what the file has: a secret in it is hidden
}

// trim leaves out empty lines of context at both ends: they show nothing.
func (h *hunk) trim() []diffLine {
	lines := h.lines
	blank := func(l diffLine) bool { return l.op == ' ' && strings.TrimSpace(l.text) == "" }
	for len(lines) > 0 && blank(lines[0]) {
		lines = lines[1:]
	}
	for len(lines) > 0 && blank(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// span writes the start and the length of a hunk for its @@ line.
func (h *hunk) span(after bool) string {
	start, n := h.lines[0].old, 0
	if after {
		start = h.lines[0].new
	}
	for _, l := range h.lines {
		if l.op == ' ' || (l.op == '+') == after {
			n++
		}
	}
	if n == 0 {
		start-- // by convention an empty side names the line before
	}
	if n == 1 {
		return fmt.Sprint(start)
	}
	return fmt.Sprintf("%d,%d", start, n)
}

// hunksOf turns the edits of f into hunks.
func hunksOf(f *source.File, edits []finding.Edit, context int) []hunk {
	if f == nil {
		return nil
	}
	var own []source.Edit
	for _, e := range edits {
		if e.Location.File == f.Path {
			if e.Location.Start < 0 || e.Location.End < e.Location.Start || e.Location.End > len(f.Bytes) {
				return nil
			}
			own = append(own, source.Edit{Range: e.Location.Range, Text: e.Text})
		}
	}
	slices.SortStableFunc(own, func(a, b source.Edit) int { return cmp.Compare(a.Range.Start, b.Range.Start) })
	var all []diffLine // changed regions only
	shift := 0         // new line number less old line number
	for len(own) > 0 {
		first, last := f.Position(own[0].Range.Start).Line, f.Position(own[0].Range.End).Line
		n := 1
		for n < len(own) && f.Position(own[n].Range.Start).Line <= last+1 {
			last = max(last, f.Position(own[n].Range.End).Line)
			n++
		}
		start, end := lineStart(f, first), lineStart(f, last+1)
		region := slices.Clone(own[:n])
		for i := range region {
			region[i].Range.Start -= start
			region[i].Range.End -= start
		}
		after, err := source.Apply(f.Bytes[start:end], region)
		if err != nil {
			return nil
		}
		lines := compare(splitLines(string(f.Bytes[start:end])), splitLines(string(after)))
		o, w := first, first+shift
		for i := range lines {
			lines[i].old, lines[i].new = o, w
			if lines[i].op != '+' {
				o++
			}
			if lines[i].op != '-' {
				w++
			}
		}
		shift = w - o
		all = append(all, lines...)
		own = own[n:]
	}
	return gather(f, all, context)
}

// gather takes the changed lines out of the regions and puts the unchanged lines of the file around them.
func gather(f *source.File, lines []diffLine, context int) []hunk {
	var hunks []hunk
	var h *hunk
	lastOld, lastNew := 0, 0 // the last line that h holds
	unchanged := func(from, to, shift int) {
		for n := from; n <= to && lineStart(f, n) < len(f.Bytes); n++ {
			h.lines = append(h.lines, diffLine{op: ' ', old: n, new: n + shift, text: string(f.Bytes[lineStart(f, n):lineStart(f, n+1)])})
		}
	}
	for _, l := range lines {
		if l.op == ' ' {
			continue
		}
		if h == nil || l.old-context > lastOld+context+1 {
			if h != nil {
				unchanged(lastOld+1, lastOld+context, lastNew-lastOld)
			}
			hunks = append(hunks, hunk{})
			h = &hunks[len(hunks)-1]
			unchanged(max(1, l.old-context), l.old-1, l.new-l.old)
		} else {
			unchanged(lastOld+1, l.old-1, lastNew-lastOld)
		}
		h.lines = append(h.lines, l)
		lastOld, lastNew = l.old, l.new
		if l.op == '+' {
			lastOld-- // the old line of that number is still to come
		} else {
			lastNew--
		}
	}
	if h != nil {
		unchanged(lastOld+1, lastOld+context, lastNew-lastOld)
	}
	return hunks
}

// lineStart returns the offset of line n, and the length of the file when there are fewer lines.
func lineStart(f *source.File, n int) int {
	if n > f.Lines() {
		return len(f.Bytes)
	}
	return f.Line(n).Start
}

func splitLines(s string) []string {
	lines := strings.SplitAfter(s, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// compareLimit bounds the table of compare: above it a region is shown as wholly replaced.
const compareLimit = 4_000_000

// compare returns the shortest way from one list of lines to another, removals before additions.
func compare(a, b []string) []diffLine {
	var head, tail []diffLine
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, diffLine{op: ' ', text: a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, diffLine{op: ' ', text: a[len(a)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	slices.Reverse(tail)
	var common []int32 // common[i*(len(b)+1)+j]: the longest common subsequence of a[i:] and b[j:]
	w := len(b) + 1
	if (len(a)+1)*w <= compareLimit {
		common = make([]int32, (len(a)+1)*w)
		for i := len(a) - 1; i >= 0; i-- {
			for j := len(b) - 1; j >= 0; j-- {
				if a[i] == b[j] {
					common[i*w+j] = common[(i+1)*w+j+1] + 1
				} else {
					common[i*w+j] = max(common[(i+1)*w+j], common[i*w+j+1])
				}
			}
		}
	}
	out := head
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case common != nil && i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, diffLine{op: ' ', text: a[i]})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common == nil || common[(i+1)*w+j] >= common[i*w+j+1]):
			out = append(out, diffLine{op: '-', text: a[i]})
			i++
		default:
			out = append(out, diffLine{op: '+', text: b[j]})
			j++
		}
	}
	return append(out, tail...)
}
