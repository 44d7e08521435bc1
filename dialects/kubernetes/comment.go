package kubernetes

import (
	"bytes"
	"slices"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/source"
)

// commentWords are what comments and annotations with a meaning for scanners hold. A file without any of them is not searched.
var commentWords = [][]byte{[]byte("ignore"), []byte("skip"), []byte("disable"), []byte("nosec"), []byte("plumbline"), []byte("suppress"), []byte("tfsec"), []byte("trivy"), []byte("kics")}

// Comments returns the comments of a file, and the annotations that say the same, in order. The Block of a comment is the object that
// it stands in; one above the first key of an object, or of a list of objects, stands above all of it.
func (e *estate) Comments(p string) []dialect.Comment {
	f := e.files[p]
	if f == nil || !slices.ContainsFunc(commentWords, func(w []byte) bool { return bytes.Contains(f.Bytes, w) }) {
		return nil
	}
	t := f.read()
	out := slices.Clone(t.document.Comments)
	objects := t.objects // in order of place, but for what an alias repeats
	roots := make(map[int]source.Range, len(t.document.Roots))
	for _, root := range t.document.Roots {
		roots[root.Range.Start] = root.Range
	}
	next := 0
	for i := range out {
		c := &out[i]
		for next < len(objects) && objects[next].Range.End < c.Range.Start {
			next++
		}
		for j := next; j < len(objects) && objects[j].Range.Start <= max(c.Range.End, c.Target.Start); j++ {
			o := objects[j].Range
			if o.Contains(c.Range) {
				c.Block = o
			}
			if c.Alone && c.Target.File != "" && c.Target.Start == o.Start {
				c.Target = o
			}
		}
		if root, ok := roots[c.Target.Start]; ok && c.Alone && c.Target.File != "" {
			c.Target = root
		}
	}
	for i := range objects {
		for _, c := range manifest.Ignores(&objects[i].Object) {
			if objects[i].Range.Contains(c.Range) {
				out = append(out, c)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b dialect.Comment) int { return a.Range.Start - b.Range.Start })
	return out
}
