// Package source is files as bytes: where text stands, how it is changed, and what could not be read.
//
// It is the ground floor: it imports only the standard library and knows nothing of dialects, values or findings.
// Paths are slash-separated and relative to the root of the tree that was scanned.
package source

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"sort"
	"sync"
	"unicode/utf8"
)

// Range is a half-open range of bytes in a file. The zero Range points nowhere.
type Range struct {
	File  string // path in the tree; empty when the range points nowhere
	Start int    // first byte
	End   int    // byte after the last
}

// IsZero reports whether r points nowhere.
func (r Range) IsZero() bool { return r.File == "" }

// Contains reports whether o lies wholly inside r.
func (r Range) Contains(o Range) bool {
	return r.File == o.File && r.Start <= o.Start && o.End <= r.End
}

// Overlaps reports whether r and o share a byte, or are the same empty place.
func (r Range) Overlaps(o Range) bool {
	if r.File != o.File {
		return false
	}
	return r.Start < o.End && o.Start < r.End || r.Start == o.Start
}

// Position is a place for people: both numbers count from 1, columns in Unicode code points.
type Position struct {
	Line   int
	Column int
}

// File is the content of one file. It is safe for use by several goroutines and must not be changed.
type File struct {
	Path  string
	Bytes []byte

	once  sync.Once
	lines []int // offset of the first byte of each line

	counted sync.Once
	starts  []int // code points that begin before each block of countBlock bytes

	memos *memos // nil of a file that is not kept
}

// countBlock is the size of the blocks in which the code points of long lines are counted: a file may be a single line of
// megabytes, with thousands of positions in it.
const countBlock = 4096

// codePoints returns how many code points lie between two offsets, the first of which begins one.
func (f *File) codePoints(from, to int) int {
	if to-from <= 2*countBlock {
		return utf8.RuneCount(f.Bytes[from:to])
	}
	f.counted.Do(func() {
		f.starts = make([]int, 1, len(f.Bytes)/countBlock+2)
		for at := 0; at < len(f.Bytes); at += countBlock {
			n := f.starts[len(f.starts)-1]
			f.starts = append(f.starts, n+beginning(f.Bytes[at:min(at+countBlock, len(f.Bytes))]))
		}
	})
	before := func(offset int) int {
		block := offset / countBlock
		return f.starts[block] + beginning(f.Bytes[block*countBlock:offset])
	}
	return before(to) - before(from)
}

// beginning counts the bytes that begin a code point.
func beginning(b []byte) int {
	n := 0
	for _, c := range b {
		if utf8.RuneStart(c) {
			n++
		}
	}
	return n
}

func (f *File) index() []int {
	f.once.Do(func() {
		f.lines = append(f.lines, 0)
		for i := 0; ; {
			n := bytes.IndexByte(f.Bytes[i:], '\n')
			if n < 0 {
				return
			}
			i += n + 1
			f.lines = append(f.lines, i)
		}
	})
	return f.lines
}

// Position turns a byte offset into line and column; offsets outside the file are moved to its nearest end.
func (f *File) Position(offset int) Position {
	offset = min(max(offset, 0), len(f.Bytes))
	lines := f.index()
	n := sort.SearchInts(lines, offset+1)
	return Position{Line: n, Column: f.codePoints(lines[n-1], offset) + 1}
}

// Lines returns how many lines the file has; text after the last line end counts as one.
func (f *File) Lines() int { return len(f.index()) }

// Line returns the range of line n (from 1) without its line end, and the zero Range when there is no such line.
func (f *File) Line(n int) Range {
	lines := f.index()
	if n < 1 || n > len(lines) {
		return Range{}
	}
	start, end := lines[n-1], len(f.Bytes)
	if n < len(lines) {
		end = lines[n] - 1
	}
	if end > start && f.Bytes[end-1] == '\r' {
		end--
	}
	return Range{File: f.Path, Start: start, End: end}
}

// Text returns the bytes of r as a string; r must lie in the file.
func (f *File) Text(r Range) string { return string(f.Bytes[r.Start:r.End]) }

// Edit replaces the bytes of a range. An empty range inserts.
type Edit struct {
	Range Range
	Text  string
}

// Apply returns content after the edits, which may come in any order but must not overlap and must lie in the content.
// Insertions at the same place are kept in the order given.
func Apply(content []byte, edits []Edit) ([]byte, error) {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b Edit) int { return cmp.Compare(a.Range.Start, b.Range.Start) })
	var out bytes.Buffer
	at := 0
	for _, e := range sorted {
		if e.Range.Start < at || e.Range.End < e.Range.Start || e.Range.End > len(content) {
			return nil, fmt.Errorf("edit of bytes %d to %d overlaps another or leaves the %d bytes of %s",
				e.Range.Start, e.Range.End, len(content), e.Range.File)
		}
		out.Write(content[at:e.Range.Start])
		out.WriteString(e.Text)
		at = e.Range.End
	}
	out.Write(content[at:])
	return out.Bytes(), nil
}

// ProblemKind says what went wrong with an input.
type ProblemKind string

// The kinds of problems. Unreadable, Invalid and Limit make a scan incomplete; Unresolved is a gap in coverage.
const (
	Unreadable ProblemKind = "unreadable" // the file could not be read: permission, size, irregular, not UTF-8
	Invalid    ProblemKind = "invalid"    // the text breaks the rules of its language
	Unresolved ProblemKind = "unresolved" // something named is not at hand: a remote module, a missing file
	Limit      ProblemKind = "limit"      // a budget ended the work: depth, expansions, size
	Bug        ProblemKind = "bug"        // our fault: recovered, and asked to be reported
)

// Problem is something in the input that could not be read or resolved. It is data for the report, never swallowed.
type Problem struct {
	Kind    ProblemKind
	Range   Range  // where; End may equal Start when only the file is known
	Message string // what, and what to do, in one sentence without a full stop
}

// NewProblems returns those of the problems of a changed file that were not there before, whatever place they had.
func NewProblems(now, before []Problem) []Problem {
	var out []Problem
	for _, p := range now {
		if !slices.ContainsFunc(before, func(b Problem) bool {
			return b.Kind == p.Kind && b.Message == p.Message && b.Range.File == p.Range.File
		}) {
			out = append(out, p)
		}
	}
	return out
}
