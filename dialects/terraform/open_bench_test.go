package terraform

import (
	"context"
	"testing"

	"plumbline.dev/plumbline/schema"
)

// BenchmarkOpen is to be compared with BenchmarkParseOnly.
func BenchmarkOpen(b *testing.B) {
	for _, name := range estates {
		b.Run(name, func(b *testing.B) {
			tree := corpus(b, name)
			paths := claimed(b, tree)
			d := New(schema.Load())
			w := treeWorkspace(tree)
			for b.Loop() {
				d.Open(context.Background(), w, paths)
			}
		})
	}
}
