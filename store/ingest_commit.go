package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
)

// Rules of this file: the row of a commit counts what all makers say of it. Our own scan and each other tool say their part; who says it
// again replaces what was said, and nobody touches what others said.

// commitPart is what one maker says of a commit.
type commitPart struct {
	fails, waiting, excused int
	delta                   CommitDelta
}

// commitState is a commit while results are taken in.
type commitState struct {
	id       ID // 0: it has no row yet
	result   *Result
	all      commitPart // what the row says; its delta only when that was read
	ref      string     // blob of the delta
	read     bool       // of it
	added    int
	gone     int
	trouble  int
	scan     ID
	coverage string // blob
	parts    map[string]commitPart
	dirty    bool
}

// then is what two changes one after the other change together.
func (d CommitDelta) then(next CommitDelta) CommitDelta {
	out := CommitDelta{Added: without(d.Added, next.Gone), Gone: without(d.Gone, next.Added)}
	out.Added = append(out.Added, without(without(next.Added, d.Gone), out.Added)...)
	out.Gone = append(out.Gone, without(without(next.Gone, d.Added), out.Gone)...)
	return out
}

func without(list, other []string) []string {
	if len(other) == 0 {
		return slices.Clone(list)
	}
	drop := make(map[string]bool, len(other))
	for _, x := range other {
		drop[x] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(x string) bool { return drop[x] })
}

// replace puts what a maker says in place of what it said.
func (all *commitPart) replace(was, is commitPart) {
	all.fails += is.fails - was.fails
	all.waiting += is.waiting - was.waiting
	all.excused += is.excused - was.excused
	all.delta.Added = append(without(all.delta.Added, was.delta.Added), is.delta.Added...)
	all.delta.Gone = append(without(all.delta.Gone, was.delta.Gone), is.delta.Gone...)
}

// saveCommits writes the rows of the commits. A commit that has one keeps what our own scan said of it, unless a whole scan says
// something else.
func (g *ingest) saveCommits(ctx context.Context) error {
	states := map[string]*commitState{}
	var order []string
	for _, c := range g.commits {
		if sha := c.result.Commit.SHA; sha != "" && states[sha] == nil {
			states[sha] = &commitState{parts: map[string]commitPart{}}
			order = append(order, sha)
		}
	}
	if err := g.readCommits(ctx, states, order); err != nil {
		return err
	}
	for _, c := range g.commits {
		if err := g.count(ctx, c, states[c.result.Commit.SHA]); err != nil {
			return err
		}
	}
	var rows, changes [][]any
	for _, sha := range order {
		s := states[sha]
		if !s.dirty {
			continue
		}
		if s.read || s.id == 0 {
			var err error
			if s.ref, err = g.saveDelta(ctx, s.all.delta); err != nil {
				return err
			}
			s.added, s.gone = len(s.all.delta.Added), len(s.all.delta.Gone)
		}
		if s.id != 0 {
			changes = append(changes, []any{s.scan, g.Now, s.all.fails, s.all.waiting, s.all.excused, s.trouble, s.added, s.gone, s.ref, s.coverage, s.id})
			continue
		}
		i := s.result.Commit
		rows = append(rows, []any{g.Store.NewID(), g.Repository, i.SHA, i.Parent, i.Author, i.Email, i.Subject, i.At, s.scan, g.Now,
			s.all.fails, s.all.waiting, s.all.excused, s.trouble, s.added, s.gone, s.ref, s.coverage})
	}
	if err := g.insert(ctx, "commit_result", []string{"id", "repository", "sha", "parent", "author", "email", "subject", "committed_at", "scan", "scanned_at",
		"findings", "undecided", "suppressed", "problems", "added", "gone", "result", "coverage"}, rows); err != nil {
		return err
	}
	return g.each(ctx, "UPDATE commit_result SET scan = ?, scanned_at = ?, findings = ?, undecided = ?, suppressed = ?, problems = ?, added = ?, gone = ?, result = ?, coverage = ? WHERE id = ?", changes)
}

// readCommits reads what is known of commits.
func (g *ingest) readCommits(ctx context.Context, states map[string]*commitState, order []string) error {
	for part := range slices.Chunk(order, 500) {
		var list []struct {
			ID, Scan                                  ID
			SHA, Coverage, Result                     string
			Findings, Undecided, Suppressed, Problems int
			Added, Gone                               int
		}
		if err := g.NewRaw("SELECT id, sha, coverage, result, findings, undecided, suppressed, problems, added, gone, scan FROM commit_result WHERE repository = ? AND sha IN (?)", g.Repository, bun.List(part)).Scan(ctx, &list); err != nil {
			return fmt.Errorf("read the commits: %w", err)
		}
		for _, k := range list {
			s := states[k.SHA]
			s.id, s.coverage, s.trouble, s.scan = k.ID, k.Coverage, k.Problems, k.Scan
			s.ref, s.added, s.gone = k.Result, k.Added, k.Gone
			s.all = commitPart{fails: k.Findings, waiting: k.Undecided, excused: k.Suppressed}
		}
		var parts []struct {
			SHA, Maker, Result              string
			Findings, Undecided, Suppressed int
		}
		if err := g.NewRaw("SELECT sha, maker, result, findings, undecided, suppressed FROM commit_part WHERE repository = ? AND sha IN (?)", g.Repository, bun.List(part)).Scan(ctx, &parts); err != nil {
			return fmt.Errorf("read what other tools say of commits: %w", err)
		}
		for _, p := range parts {
			delta, err := g.readDelta(ctx, p.Result)
			if err != nil {
				return err
			}
			states[p.SHA].parts[p.Maker] = commitPart{p.Findings, p.Undecided, p.Suppressed, delta}
		}
	}
	return nil
}

// count puts a result into the state of its commit.
func (g *ingest) count(ctx context.Context, c commitRow, s *commitState) error {
	r := c.result
	if s == nil {
		return nil
	}
	is := commitPart{r.Fails, r.Waiting, r.Excused, c.delta}
	if r.Maker != "" {
		was := s.parts[r.Maker]
		is.delta = was.delta.then(c.delta)
		s.parts[r.Maker] = is
		result, err := g.saveDelta(ctx, is.delta)
		if err != nil {
			return err
		}
		if err := g.each(ctx, `INSERT INTO commit_part (repository, sha, maker, findings, undecided, suppressed, result) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (repository, sha, maker) DO UPDATE SET findings = excluded.findings, undecided = excluded.undecided, suppressed = excluded.suppressed, result = excluded.result`,
			[][]any{{g.Repository, r.Commit.SHA, r.Maker, is.fails, is.waiting, is.excused, result}}); err != nil {
			return fmt.Errorf("note what a tool says of a commit: %w", err)
		}
		if s.id != 0 || s.result != nil {
			return g.replace(ctx, s, was, is)
		}
	}
	if r.Aside {
		return nil
	}
	coverage, err := g.SaveBlob(ctx, r.Coverage)
	if err != nil {
		return err
	}
	if s.id != 0 || s.result != nil {
		if s.coverage == coverage || coverage == "" {
			return nil
		}
		if s.coverage == "" { // only other tools said something before
			s.scan, s.trouble, s.coverage = g.Scan, r.Trouble, coverage
			return g.replace(ctx, s, commitPart{}, is)
		}
		// What our own scan changed stays: the whole one is compared with nothing.
		s.all.fails, s.all.waiting, s.all.excused = r.Fails, r.Waiting, r.Excused
		for _, p := range s.parts {
			s.all.fails, s.all.waiting, s.all.excused = s.all.fails+p.fails, s.all.waiting+p.waiting, s.all.excused+p.excused
		}
	} else {
		s.result = r
		if r.Maker == "" {
			s.all = is
		}
		for _, p := range s.parts {
			s.all.replace(commitPart{}, p)
		}
	}
	s.scan, s.trouble, s.coverage, s.dirty = g.Scan, r.Trouble, coverage, true
	return nil
}

// replace puts what a maker says of a commit that has a row in place of what it said.
func (g *ingest) replace(ctx context.Context, s *commitState, was, is commitPart) error {
	if s.id != 0 && !s.read {
		var err error
		if s.all.delta, err = g.readDelta(ctx, s.ref); err != nil {
			return err
		}
		s.read = true
	}
	s.all.replace(was, is)
	s.dirty = true
	return nil
}

func (g *ingest) readDelta(ctx context.Context, ref string) (d CommitDelta, err error) {
	if ref == "" {
		return d, nil
	}
	text, err := g.Blob(ctx, ref)
	if fault, ok := errors.AsType[*Fault](err); ok && fault.Kind == NotFound {
		return d, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		return d, fmt.Errorf("read what a commit changed: %w", err)
	}
	return d, nil
}

func (g *ingest) saveDelta(ctx context.Context, d CommitDelta) (string, error) {
	if len(d.Added)+len(d.Gone) == 0 {
		return "", nil
	}
	text, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("write what a commit changed: %w", err)
	}
	return g.SaveBlob(ctx, text)
}
