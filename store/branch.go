package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
)

// BranchHead is a branch as a fetch found it.
type BranchHead struct {
	Name string
	Head string
	At   Millis
}

// SyncBranches brings the branches of a repository to what a fetch found. It tells whether any of them is to be scanned.
//
// A branch that is gone loses its findings: what no other branch has becomes fixed, because nobody can deploy it from here any more. When
// another branch becomes the default one, its next scan is a whole one, and what the old one said counts as any other branch's.
func (tx *Tx) SyncBranches(ctx context.Context, repository ID, byDefault string, heads []BranchHead) (work bool, err error) {
	var r struct{ Organisation ID }
	if err := tx.NewRaw("SELECT organisation FROM repository WHERE id = ?", repository).Scan(ctx, &r); err != nil {
		return false, fmt.Errorf("read the repository: %w", err)
	}
	if _, err := tx.NewRaw("UPDATE repository SET fetched_at = ?, default_branch = CASE WHEN ? <> '' THEN ? ELSE default_branch END WHERE id = ?", tx.Now, byDefault, byDefault, repository).Exec(ctx); err != nil {
		return false, fmt.Errorf("note the fetch: %w", err)
	}
	var known []struct {
		ID        ID
		Name      string
		Head      string
		Scanned   string
		IsDefault bool
		RemovedAt Millis
	}
	if err := tx.NewRaw("SELECT id, name, head, scanned, is_default, removed_at FROM branch WHERE repository = ?", repository).Scan(ctx, &known); err != nil {
		return false, fmt.Errorf("read the branches: %w", err)
	}
	byName := map[string]int{}
	for i, b := range known {
		byName[b.Name] = i
	}
	var added, changed [][]any
	for _, h := range heads {
		is := int64(0)
		if h.Name == byDefault {
			is = 1
		}
		i, ok := byName[h.Name]
		if !ok {
			work = true
			added = append(added, []any{tx.Store.NewID(), repository, h.Name, h.Head, "", is, h.At, 0})
			continue
		}
		b := &known[i]
		delete(byName, h.Name)
		scanned := b.Scanned
		if is == 1 && !b.IsDefault {
			scanned = ""
			if err := tx.changeDefault(ctx, r.Organisation, repository); err != nil {
				return false, err
			}
		}
		if b.Head != h.Head || b.IsDefault != (is == 1) || b.RemovedAt != 0 || scanned != b.Scanned {
			changed = append(changed, []any{h.Head, scanned, is, h.At, b.ID})
		}
		work = work || h.Head != scanned
	}
	if err := tx.insert(ctx, "branch", []string{"id", "repository", "name", "head", "scanned", "is_default", "head_at", "removed_at"}, added); err != nil {
		return false, err
	}
	if err := tx.each(ctx, "UPDATE branch SET head = ?, scanned = ?, is_default = ?, head_at = ?, removed_at = 0 WHERE id = ?", changed); err != nil {
		return false, err
	}
	removed := 0
	for _, i := range byName {
		if known[i].RemovedAt != 0 {
			continue
		}
		removed++
		if err := tx.removeBranch(ctx, r.Organisation, repository, known[i].ID); err != nil {
			return false, fmt.Errorf("remove branch %s: %w", known[i].Name, err)
		}
	}
	if len(added)+len(changed)+removed > 0 {
		return work, tx.Notify(ctx, Notice{Organisation: r.Organisation, Repository: repository, Kind: "repositories"}, nil)
	}
	return work, nil
}

// changeDefault makes findings those of branches like any other, until the new default branch is scanned.
func (tx *Tx) changeDefault(ctx context.Context, organisation, repository ID) error {
	revision, err := tx.revise(ctx, organisation)
	if err != nil {
		return err
	}
	if _, err := tx.NewRaw("UPDATE finding SET on_default = 0, revision = ? WHERE repository = ? AND on_default = 1", revision, repository).Exec(ctx); err != nil {
		return fmt.Errorf("take findings off the old default branch: %w", err)
	}
	return nil
}

// revise counts a change of findings of an organisation, and makes others that change some wait.
func (tx *Tx) revise(ctx context.Context, organisation ID) (revision int64, err error) {
	if err := tx.NewRaw("UPDATE organisation SET revision = revision + 1 WHERE id = ? RETURNING revision", organisation).Scan(ctx, &revision); err != nil {
		return 0, fmt.Errorf("count a change of findings: %w", err)
	}
	return revision, nil
}

// removeBranch takes a branch away with what it had.
func (tx *Tx) removeBranch(ctx context.Context, organisation, repository, branch ID) error {
	var ids []ID
	if err := tx.NewRaw(`SELECT p.finding FROM presence p JOIN finding f ON f.id = p.finding WHERE p.branch = ? AND p.state <> 'fixed'
AND (f.on_default = 0 OR EXISTS (SELECT 1 FROM branch b WHERE b.id = p.branch AND b.is_default = 1))
AND NOT EXISTS (SELECT 1 FROM presence o WHERE o.finding = p.finding AND o.branch <> p.branch AND o.state <> 'fixed')`, branch).Scan(ctx, &ids); err != nil {
		return fmt.Errorf("read what only this branch has: %w", err)
	}
	revision, err := tx.revise(ctx, organisation)
	if err != nil {
		return err
	}
	g := &ingest{Tx: tx, Ingest: Ingest{Repository: repository, Branch: branch}, organisation: organisation, rows: map[ID]*row{}, trend: map[trendKey]*trendChange{}}
	if err := tx.NewRaw("SELECT name, is_default FROM branch WHERE id = ?", branch).Scan(ctx, &g.branch, &g.isDefault); err != nil {
		return fmt.Errorf("read the branch: %w", err)
	}
	for part := range slices.Chunk(ids, most) {
		list := make([]*held, len(part))
		for i, id := range part {
			list[i] = &held{Finding: id}
		}
		if err := g.load(ctx, nil, list); err != nil {
			return err
		}
		for _, h := range list {
			g.lose(g.rows[h.Finding], false, lifeEvent{at: tx.Now, kind: "fixed", data: `{"reason":"the branch was removed"}`})
		}
	}
	return firstError(
		func() error { return g.saveRows(ctx, revision) },
		func() error { return g.saveEvents(ctx) },
		func() error { return g.saveTrend(ctx) },
		func() error {
			_, err := tx.NewRaw("UPDATE finding SET revision = ? WHERE id IN (SELECT finding FROM presence WHERE branch = ?)", revision, branch).Exec(ctx)
			return err
		},
		func() error {
			_, err := tx.NewRaw("DELETE FROM presence WHERE branch = ?", branch).Exec(ctx)
			return err
		},
		func() error {
			_, err := tx.NewRaw("UPDATE branch SET removed_at = ?, scanned = '', is_default = 0 WHERE id = ?", tx.Now, branch).Exec(ctx)
			return err
		},
	)
}

// BranchWork is a branch whose head is not scanned, or one that is to be scanned again.
type BranchWork struct {
	ID        ID
	Name      string
	Head      string
	Scanned   string
	IsDefault bool
	HeadAt    Millis
}

// NextBranch returns what is to be scanned first of a repository: the default branch, else the one with the newest head. nil when all is
// scanned. More tells whether there are others.
func (s *Store) NextBranch(ctx context.Context, repository ID) (next *BranchWork, more bool, err error) {
	var list []BranchWork
	if err := s.DB.NewRaw("SELECT id, name, head, scanned, is_default, head_at FROM branch WHERE repository = ? AND removed_at = 0 AND head <> scanned ORDER BY is_default DESC, head_at DESC, id LIMIT 2", repository).
		Scan(ctx, &list); err != nil {
		return nil, false, fmt.Errorf("look for unscanned branches: %w", err)
	}
	if len(list) == 0 {
		return nil, false, nil
	}
	return &list[0], len(list) > 1, nil
}

// BranchWork returns one branch of a repository, by its id, or by 0 the default one. It is NotFound when there is none.
func (s *Store) BranchWork(ctx context.Context, repository, branch ID) (*BranchWork, error) {
	var list []BranchWork
	if err := s.DB.NewRaw("SELECT id, name, head, scanned, is_default, head_at FROM branch WHERE repository = ? AND removed_at = 0 AND (id = ? OR ? = 0 AND is_default = 1)", repository, branch, branch).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("read a branch: %w", err)
	}
	if len(list) == 0 {
		return nil, Refuse(NotFound, "The branch is not there.")
	}
	return &list[0], nil
}

// ScannedHeads returns the newest scanned commits of all branches of a repository.
func (s *Store) ScannedHeads(ctx context.Context, repository ID) (heads []string, err error) {
	if err := s.DB.NewRaw("SELECT DISTINCT scanned FROM branch WHERE repository = ? AND removed_at = 0 AND scanned <> '' LIMIT 5000", repository).Scan(ctx, &heads); err != nil {
		return nil, fmt.Errorf("read the scanned commits: %w", err)
	}
	return heads, nil
}

// KnownCommits tells which commits of a repository have a result.
func (s *Store) KnownCommits(ctx context.Context, repository ID, commits []string) (map[string]bool, error) {
	out := make(map[string]bool, len(commits))
	for part := range slices.Chunk(commits, most) {
		var list []string
		if err := s.DB.NewRaw("SELECT sha FROM commit_result WHERE repository = ? AND sha IN (?)", repository, bun.List(part)).Scan(ctx, &list); err != nil {
			return nil, fmt.Errorf("look for scanned commits: %w", err)
		}
		for _, c := range list {
			out[c] = true
		}
	}
	return out, nil
}
