package ruletest

import (
	"slices"
	"strings"
	"testing/fstest"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/source"
)

// mend applies the first fix of each finding and returns the tree after it.
func (t *tester) mend(e example, r *finding.Report) fstest.MapFS {
	edits := make(map[string][]source.Edit)
	for _, f := range r.Findings {
		if len(f.Fixes) == 0 {
			continue
		}
		for _, edit := range f.Fixes[0].Edits {
			same := source.Edit{Range: edit.Location.Range, Text: edit.Text}
			if file := same.Range.File; !slices.Contains(edits[file], same) { // two instances of one block have one edit
				edits[file] = append(edits[file], same)
			}
		}
	}
	after := make(fstest.MapFS, len(e.tree))
	for name, file := range e.tree {
		text, err := source.Apply(file.Data, edits[name])
		if err != nil {
			t.fail(e.Files[0].Line, "the fixes do not go together: %v", err)
			text = file.Data
		}
		after[name] = &fstest.MapFile{Data: text}
	}
	return after
}

// compare compares an example under Fixed with what the fix made of its flagged twin, byte by byte.
func (t *tester) compare(fixed, mended example) {
	for _, f := range fixed.Files {
		got := mended.tree[f.Name]
		switch {
		case got == nil:
			t.fail(f.Line, "the flagged example has no file %s", f.Name)
		case string(got.Data) != f.Text:
			n, want, have := difference(f.Text, string(got.Data))
			t.fail(f.Line+n, "the fix writes %q here, and the page says %q", have, want)
		}
	}
	if len(fixed.Files) != len(mended.tree) {
		t.fail(fixed.Files[0].Line, "the example has %d files under %s and %d under %s", len(fixed.Files), rule.Fixed, len(mended.tree), rule.Flagged)
	}
}

// difference returns the first line in which two texts differ, counted from 0, and what each has there.
func difference(a, b string) (n int, inA, inB string) {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for n < len(as) && n < len(bs) && as[n] == bs[n] {
		n++
	}
	if n < len(as) {
		inA = as[n]
	}
	if n < len(bs) {
		inB = bs[n]
	}
	return n, inA, inB
}
