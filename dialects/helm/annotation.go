package helm

import (
	"context"
	"slices"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/source"
)

// annotations returns what a file says of rules in the annotations of objects, as comments. What a template or a file of values makes
// of them is known when the charts that read it are rendered: each is when it was not before.
func (e *estate) annotations(f *source.File) []dialect.Comment {
	if !manifest.MayIgnore(f.Bytes) {
		return nil
	}
	var out []dialect.Comment
	for _, c := range e.charts {
		_, in := inside(f.Path, c.dir)
		for i := range c.variants {
			v := &c.variants[i]
			if !in && !slices.Contains(v.files, f.Path) {
				continue
			}
			said, ok := c.said.Load(v.name)
			if !ok {
				e.evaluate(context.Background(), c, v)
				said, _ = c.said.Load(v.name)
			}
			for _, comment := range said.([]dialect.Comment) {
				if comment.Range.File == f.Path && !slices.Contains(out, comment) {
					out = append(out, comment)
				}
			}
		}
	}
	return out
}
