package report

import (
	"strings"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/source"
)

// maxShownLine is how many bytes of a line of a diff are looked at for secrets; the rest is not shown.
const maxShownLine = 256 << 10

// patchContext is how many unchanged lines a patch has around a change, where none of them holds a secret.
const patchContext = 3

// Patch returns the edits of f as a unified diff that git apply takes as it is, and that shows no secret: unchanged lines that hold one
// are left out, with those beyond them. It is false when that cannot be: a line that changes holds a secret, or the line after a
// change does, which git wants to see.
func Patch(f *source.File, edits []finding.Edit) (string, bool) {
	if f == nil {
		return "", false
	}
	return patchOf(f, f.Path, edits, false)
}

func patchOf(f *source.File, name string, edits []finding.Edit, secret bool) (string, bool) {
	hunks := hunksOf(f, edits, patchContext)
	conceal(f, hunks, secret)
	var out []hunk
	for _, h := range hunks {
		parts, ok := h.withoutSecrets(f)
		if !ok {
			return "", false
		}
		out = append(out, parts...)
	}
	return unified(name, out), len(out) > 0
}

// withoutSecrets cuts a hunk at the unchanged lines that hide something. It is false when git would not apply what is left.
func (h hunk) withoutSecrets(f *source.File) ([]hunk, bool) {
	var out []hunk
	lines, cut := h.lines, false
	for len(lines) > 0 {
		n := 0
		for n < len(lines) && !lines[n].hides {
			n++
		}
		part := lines[:n]
		if n < len(lines) {
			if lines[n].op != ' ' {
				return nil, false
			}
			cut = true
			lines = lines[n+1:]
		} else {
			lines = nil
		}
		if changes(part) {
			// A hunk that ends with its change is one of the end of the file for git.
			if last := part[len(part)-1]; last.op != ' ' && lineStart(f, following(last)) < len(f.Bytes) {
				return nil, false
			}
			out = append(out, hunk{part})
		}
	}
	if !cut {
		return []hunk{h}, true
	}
	return out, true
}

// following is the line of the old file after a changed one.
func following(l diffLine) int {
	if l.op == '+' {
		return l.old
	}
	return l.old + 1
}

func changes(lines []diffLine) bool {
	for _, l := range lines {
		if l.op != ' ' {
			return true
		}
	}
	return false
}

// conceal hides what is secret in the lines of hunks of f: of an added line by what is around it afterwards, of others by the file. With
// secret it is every quoted text.
func conceal(f *source.File, hunks []hunk, secret bool) {
	old := linesOf(f, maxShownLine)
	for _, h := range hunks {
		var after []int // the lines of the hunk that are there afterwards
		at := make([]int, len(h.lines))
		for i, l := range h.lines {
			at[i] = len(after)
			if l.op != '-' {
				after = append(after, i)
			}
		}
		first, next := h.lines[0].old, following(h.lines[len(h.lines)-1])
		original := make([]string, len(h.lines))
		for i, l := range h.lines {
			original[i] = strings.TrimRight(l.text, "\r\n")
		}
		then := func(n int) (string, bool) {
			switch {
			case n < 0:
				return old(first + n)
			case n < len(after):
				text := original[after[n]]
				return text[:min(len(text), maxShownLine)], true
			}
			return old(next + n - len(after))
		}
		for i := range h.lines {
			l := &h.lines[i]
			var spans [][2]int
			if l.op == '+' {
				spans = rule.SpansAt(then, at[i], secret)
			} else {
				spans = rule.SpansAt(old, l.old, secret)
			}
			if len(spans) > 0 {
				end := l.text[len(original[i]):]
				l.text, l.hides = rule.Without(original[i], spans)+end, true
			}
			if len(original[i]) > maxShownLine { // nobody looked at the rest
				l.text, l.hides = l.text[:min(len(l.text), maxShownLine)]+"…\n", true
			}
		}
	}
}
