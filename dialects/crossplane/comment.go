package crossplane

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
)

// ignoreAnnotation says which rules a manifest does not need to follow, as a comment would: "rule,rule until=2030-01-31 reason",
// one such line for each reason. Of a composition it speaks of all that is composed.
const ignoreAnnotation = "plumbline.dev/ignore"

// Comments returns the comments of a file, and the annotations that say the same, in order. The Block of a comment is the
// manifest, or the resource of a composition, that it stands in; one above the first key of a manifest stands above the manifest.
func (e *estate) Comments(p string) []dialect.Comment {
	f := e.files[p]
	if f == nil {
		return nil
	}
	t := f.read()
	var blocks []source.Range // those within others come behind them
	var annotated []dialect.Comment
	block := func(n *document.Node, place source.Range) {
		blocks = append(blocks, place)
		annotated = append(annotated, annotations(n, place)...)
	}
	for _, root := range t.document.Roots {
		block(root, root.Range)
		for _, item := range itemsOf(root) {
			block(item, item.Range)
		}
		for _, c := range composed(root) {
			block(c.base.Value, c.base.Range)
		}
	}
	out := slices.Clone(t.document.Comments)
	for i := range out {
		for _, b := range blocks {
			if b.Contains(out[i].Range) {
				out[i].Block = b
			}
			if out[i].Alone && out[i].Target.File != "" && out[i].Target.Start == b.Start {
				out[i].Target = b // what stands above the first key stands above all of it
			}
		}
	}
	out = append(out, annotated...)
	slices.SortStableFunc(out, func(a, b dialect.Comment) int { return a.Range.Start - b.Range.Start })
	return out
}

// annotations reads the annotation of a manifest as the comments that would say the same. A manifest that an alias repeats stands
// elsewhere: there it is read.
func annotations(n *document.Node, place source.Range) []dialect.Comment {
	a := n.Get("metadata").Get("annotations").Member(ignoreAnnotation)
	if a == nil || a.Value.Kind != document.Scalar || !place.Contains(a.Range) {
		return nil
	}
	var out []dialect.Comment
	for line := range strings.Lines(a.Value.Text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, dialect.Comment{Range: a.Range, Text: "plumbline:ignore " + line, Target: place, Block: place, About: place})
		}
	}
	return out
}
