package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
)

// Snapshot is what a commit of a default branch declares, after expansion.
type Snapshot struct {
	Organisation ID
	Repository   ID
	SHA          string
	Resources    []SnapshotResource
	Edges        []ResourceEdge
	Cut          bool // there is more than was kept
}

// SnapshotResource is one deployed thing.
type SnapshotResource struct {
	Unit     string // directory
	Variant  string // set of inputs; empty when there is but one
	Address  string // unique in unit and variant
	Type     string
	Native   string // the dialect's own word for the type where it is another one
	Name     string
	Provider string
	Dialect  string
	Module   string
	File     string
	Line     int
	Maybe    bool
	Within   string // address of the resource that it is a part of
	Exposed  string
	Tags     []ResourceTag
}

// ResourceTag is an effective tag and where it comes from.
type ResourceTag struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Known  bool   `json:"known" doc:"false: the value is not known before deployment"`
	Origin string `json:"origin" doc:"resource, default_tags of provider.aws"`
	File   string `json:"file"`
	Line   int    `json:"line"`
}

// ResourceEdge says that a resource refers to another one of the same unit and variant. The names in JSON are short: there are many.
type ResourceEdge struct {
	Unit    string `json:"u"`
	Variant string `json:"v,omitempty"`
	From    string `json:"f"` // address
	To      string `json:"t"` // address
	Path    string `json:"p"` // the attribute that refers
	Maybe   bool   `json:"m,omitempty"`
}

// key names a resource within its repository.
func (r *SnapshotResource) key() [3]string { return [3]string{r.Unit, r.Variant, r.Address} }

// SaveSnapshot replaces what is known of a repository. What is as before is not written again. It returns how many rows it wrote or removed.
func (tx *Tx) SaveSnapshot(ctx context.Context, s Snapshot) (int, error) {
	owners, err := tx.owners(ctx, s.Organisation)
	if err != nil {
		return 0, err
	}
	var old []struct {
		ID                             ID
		Unit, Variant, Address, Digest string
	}
	if err := tx.NewRaw("SELECT id, unit, variant, address, digest FROM resource WHERE repository = ?", s.Repository).Scan(ctx, &old); err != nil {
		return 0, fmt.Errorf("read the inventory: %w", err)
	}
	known := make(map[[3]string]int, len(old))
	for i, o := range old {
		known[[3]string{o.Unit, o.Variant, o.Address}] = i
	}
	kept := make([]bool, len(old))
	seen := make(map[[3]string]bool, len(s.Resources))
	var rows, tags [][]any
	for i := range s.Resources {
		r := &s.Resources[i]
		if seen[r.key()] {
			continue
		}
		seen[r.key()] = true
		text, err := json.Marshal(r)
		if err != nil {
			return 0, fmt.Errorf("write a resource: %w", err)
		}
		sum := digest(text, 10)
		if at, ok := known[r.key()]; ok && old[at].Digest == sum {
			kept[at] = true
			continue
		}
		id := tx.Store.NewID()
		of := make(map[string]bool, len(r.Tags))
		for _, t := range r.Tags {
			if !of[t.Key] {
				of[t.Key] = true
				tags = append(tags, []any{id, t.Key, t.Value, t.Known, t.Origin, t.File, t.Line})
			}
		}
		rows = append(rows, []any{id, s.Organisation, s.Repository, owners.of(s.Repository, r.File), r.Unit, r.Variant, r.Address, r.Type, r.Native, r.Name, r.Provider, r.Dialect, r.Module,
			r.File, r.Line, r.Maybe, r.Within, r.Exposed, len(of), sum})
	}
	var gone []ID
	for i, o := range old {
		if !kept[i] {
			gone = append(gone, o.ID)
		}
	}
	for part := range slices.Chunk(gone, 500) {
		for _, query := range []string{"DELETE FROM resource_tag WHERE resource IN (?)", "DELETE FROM resource WHERE id IN (?)"} {
			if _, err := tx.NewRaw(query, bun.List(part)).Exec(ctx); err != nil {
				return 0, fmt.Errorf("remove from the inventory: %w", err)
			}
		}
	}
	changed := len(rows) + len(gone)
	if err := tx.insert(ctx, "resource", []string{"id", "organisation", "repository", "team", "unit", "variant", "address", "type", "native", "name", "provider", "dialect", "module",
		"file", "line", "maybe", "part_of", "exposed", "tags", "digest"}, rows); err != nil {
		return 0, err
	}
	if err := tx.insert(ctx, "resource_tag", []string{"resource", "key", "value", "known", "origin", "file", "line"}, tags); err != nil {
		return 0, err
	}
	edges := ""
	if len(s.Edges) > 0 {
		text, err := json.Marshal(s.Edges)
		if err != nil {
			return 0, fmt.Errorf("write the references of resources: %w", err)
		}
		if edges, err = tx.SaveBlob(ctx, text); err != nil {
			return 0, err
		}
	}
	_, err = tx.NewRaw("INSERT INTO snapshot (repository, sha, made_at, edges, cut) VALUES (?, ?, ?, ?, ?) ON CONFLICT (repository) DO UPDATE SET sha = excluded.sha, made_at = excluded.made_at, edges = excluded.edges, cut = excluded.cut",
		s.Repository, s.SHA, tx.Now, edges, number(s.Cut)).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("write the snapshot: %w", err)
	}
	return changed, nil
}

// number is how the database keeps what is true or not.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// reassignResources looks up the owners of an organisation's resources anew.
func (tx *Tx) reassignResources(ctx context.Context, organisation ID, owners owners) error {
	var files []struct {
		Repository, Team ID
		File             string
	}
	if err := tx.NewRaw("SELECT DISTINCT repository, team, file FROM resource WHERE organisation = ?", organisation).Scan(ctx, &files); err != nil {
		return fmt.Errorf("read the owners of resources: %w", err)
	}
	var changes [][]any
	for _, f := range files {
		if team := owners.of(f.Repository, f.File); team != f.Team {
			changes = append(changes, []any{team, f.Repository, f.File})
		}
	}
	return tx.each(ctx, "UPDATE resource SET team = ? WHERE repository = ? AND file = ?", changes)
}
