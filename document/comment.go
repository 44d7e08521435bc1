package document

import (
	"slices"

	"plumbline.dev/plumbline/dialect"
)

// finish puts what was found beside the nodes into the document.
func (b *builder) finish(doc *Document) {
	if len(b.comments) > 0 {
		slices.SortFunc(b.comments, func(x, y span) int { return x.start - y.start })
		for _, c := range b.comments {
			doc.Comments = append(doc.Comments, dialect.Comment{Range: b.place(c.start, c.end)})
		}
	}
}

// Edit lowers.
