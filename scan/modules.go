package scan

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// moduleCalls notes which modules one evaluation asks for. It travels in the context of the evaluation, with which
// dialect.Workspace.Modules is called.
type moduleCalls struct {
	mu  sync.Mutex
	all map[dialect.ModuleSource]bool
}

type moduleCallsKey struct{}

// watched returns Modules such that evaluations note what they ask for; nil stays nil.
func watched(fetch func(context.Context, dialect.ModuleSource) (string, *source.Problem)) func(context.Context, dialect.ModuleSource) (string, *source.Problem) {
	if fetch == nil {
		return nil
	}
	return func(ctx context.Context, m dialect.ModuleSource) (string, *source.Problem) {
		if c, ok := ctx.Value(moduleCallsKey{}).(*moduleCalls); ok {
			c.mu.Lock()
			if c.all == nil {
				c.all = make(map[dialect.ModuleSource]bool)
			}
			c.all[m] = true
			c.mu.Unlock()
		}
		return fetch(ctx, m)
	}
}

// sorted lists what was asked for.
func (c *moduleCalls) sorted() []dialect.ModuleSource {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []dialect.ModuleSource
	for m := range c.all {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b dialect.ModuleSource) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Root, b.Root))
	})
	return list
}
