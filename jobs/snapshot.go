package jobs

import (
	"context"

	"plumbline.dev/plumbline/store"
)

// KeepSnapshot puts what a commit declares into the inventory: what Options.Snapshot of a server is.
func KeepSnapshot(ctx context.Context, tx *store.Tx, at SnapshotPlace, s *Snapshot) error {
	out := store.Snapshot{Organisation: at.Organisation, Repository: at.Repository, SHA: at.Commit, Cut: s.Cut,
		Resources: make([]store.SnapshotResource, 0, len(s.Resources)), Edges: make([]store.ResourceEdge, 0, len(s.Edges))}
	for _, r := range s.Resources {
		tags := make([]store.ResourceTag, 0, len(r.Tags))
		for _, t := range r.Tags {
			tags = append(tags, store.ResourceTag(t))
		}
		out.Resources = append(out.Resources, store.SnapshotResource{Unit: r.Unit, Variant: r.Variant, Address: r.Address, Type: r.Type, Native: r.Native, Name: r.Name, Provider: r.Provider, Dialect: r.Dialect,
			Module: r.Module, File: r.File, Line: r.Line, Maybe: r.Maybe, Within: r.Within, Exposed: r.Exposed, Tags: tags})
	}
	for _, e := range s.Edges {
		out.Edges = append(out.Edges, store.ResourceEdge(e))
	}
	_, err := tx.SaveSnapshot(ctx, out)
	return err
}
