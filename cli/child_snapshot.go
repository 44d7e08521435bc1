package cli

import (
	"context"
	"errors"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// errEnough ends a visit.
var errEnough = errors.New("enough")

// snapshot lists what the tree that was scanned last declares.
func (w *childWork) snapshot(ctx context.Context, files func(string) *source.File) (*jobs.Snapshot, error) {
	s := &jobs.Snapshot{}
	line := func(r source.Range) int {
		if f := files(r.File); f != nil && !r.IsZero() {
			return f.Position(r.Start).Line
		}
		return 0
	}
	err := w.series.Visit(ctx, func(u *dialect.Unit) error {
		exposure := newExposure(u.Graph)
		for _, r := range u.Graph.Resources {
			if !isDeployed(r) {
				continue
			}
			if len(s.Resources) == jobs.MaxSnapshot {
				s.Cut = true
				return errEnough
			}
			out := jobs.Resource{Unit: u.Name.Dir, Variant: u.Name.Variant, Address: r.Address, Type: r.Type, Native: r.Native, Name: r.Name,
				Provider: r.Provider, Dialect: r.Dialect, Module: r.Module, File: r.Range.File, Line: line(r.Range), Maybe: r.Maybe, Within: r.Within,
				Exposed: exposure.of(r)}
			for _, t := range r.Tags {
				shown := rule.Conceal(value.Path{{Name: t.Key}}, &t.Value, false)
				tag := jobs.Tag{Key: t.Key, Known: t.Value.Kind != value.Unknown, Origin: t.Origin, File: t.Range.File, Line: line(t.Range)}
				if tag.Value = value.Show(&shown); shown.Kind == value.String && !shown.Sensitive {
					tag.Value = shown.Text
				}
				out.Tags = append(out.Tags, tag)
			}
			s.Resources = append(s.Resources, out)
			s.Edges = append(s.Edges, edgesOf(u, r, snapshotEdges-len(s.Edges))...)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return s, nil
}

// edgesOf lists the references of a resource to others of its unit, each pair once.
func edgesOf(u *dialect.Unit, r *resource.Resource, most int) []jobs.Edge {
	var out []jobs.Edge
	seen := make(map[string]bool)
	for _, ref := range r.Refs {
		for _, to := range u.Graph.Targets(ref.Target) {
			if to == r || !isDeployed(to) || seen[to.Address] || len(out) == most {
				continue
			}
			seen[to.Address] = true
			out = append(out, jobs.Edge{Unit: u.Name.Dir, Variant: u.Name.Variant, From: r.Address, To: to.Address, Path: ref.Path.String(), Maybe: ref.Maybe})
		}
	}
	return out
}
