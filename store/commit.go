package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/access"
)

// Branch is a branch of a repository with what is open on it.
type Branch struct {
	ID        ID     `json:"id"`
	Name      string `json:"name"`
	Head      string `json:"head" doc:"newest commit"`
	HeadAt    Millis `json:"headAt"`
	Scanned   string `json:"scanned" doc:"the commit whose findings are shown; empty before the first scan"`
	IsDefault bool   `json:"isDefault"`
	Open      Tally  `json:"open" bun:"-"`
	More      int    `json:"more" bun:"-" doc:"open here, not on the default branch"`
	Less      int    `json:"less" bun:"-" doc:"open on the default branch, not here"`
}

// Branches lists the branches of a repository of the scope, the default one first, then those with the newest commits. from is how many
// to leave out; more tells that there are others.
func (s *Store) Branches(ctx context.Context, scope access.Scope, repository ID, text string, from, limit int) (list []Branch, more bool, err error) {
	if _, err := s.Repository(ctx, scope, repository); err != nil {
		return nil, false, err
	}
	list = []Branch{}
	if err := s.DB.NewRaw(`SELECT id, name, head, head_at, scanned, is_default FROM branch WHERE repository = ? AND removed_at = 0 AND lower(name) LIKE ? ESCAPE '\'
ORDER BY is_default DESC, head_at DESC, id LIMIT ? OFFSET ?`, repository, likeText(text), limit+1, from).Scan(ctx, &list); err != nil {
		return nil, false, fmt.Errorf("list branches: %w", err)
	}
	if len(list) > limit {
		list, more = list[:limit], true
	}
	return list, more, s.countBranches(ctx, scope, repository, list)
}

// countBranches counts what is open on branches. Muted findings count nowhere, like those that could not be decided.
func (s *Store) countBranches(ctx context.Context, scope access.Scope, repository ID, list []Branch) error {
	if len(list) == 0 {
		return nil
	}
	ids, at := make([]ID, len(list)), map[ID]*Branch{}
	for i := range list {
		ids[i], at[list[i].ID] = list[i].ID, &list[i]
	}
	seen, args := seenFindings(scope)
	const counts = "f.outcome = 'fail' AND f.mute_reason IN ('', 'excluded') AND p.state = 'open'"
	var tallies []struct {
		Branch            ID
		Severity, N, Here int
	}
	if err := s.DB.NewRaw(`SELECT p.branch, f.severity, count(*) AS n, sum(CASE WHEN d.finding IS NULL THEN 1 ELSE 0 END) AS here FROM presence p JOIN finding f ON f.id = p.finding
LEFT JOIN presence d ON d.finding = p.finding AND d.state = 'open' AND d.branch = (SELECT id FROM branch WHERE repository = ? AND is_default = 1 AND removed_at = 0 LIMIT 1)
WHERE p.branch IN (?) AND `+counts+" AND "+seen+" GROUP BY p.branch, f.severity", append([]any{repository, bun.List(ids)}, args...)...).Scan(ctx, &tallies); err != nil {
		return fmt.Errorf("count the findings of branches: %w", err)
	}
	total := map[ID]int{}
	for _, t := range tallies {
		b := at[t.Branch]
		b.Open.add(t.Severity, t.N)
		total[t.Branch] += t.N
		if !b.IsDefault {
			b.More += t.Here
		}
	}
	var all int // open on the default branch
	if err := s.DB.NewRaw("SELECT count(*) FROM presence p JOIN finding f ON f.id = p.finding WHERE p.branch = (SELECT id FROM branch WHERE repository = ? AND is_default = 1 AND removed_at = 0 LIMIT 1) AND "+
		counts+" AND "+seen, append([]any{repository}, args...)...).Scan(ctx, &all); err != nil {
		return fmt.Errorf("count the findings of the default branch: %w", err)
	}
	for i := range list {
		if b := &list[i]; !b.IsDefault && b.Scanned != "" {
			b.Less = max(0, all-(total[b.ID]-b.More))
		}
	}
	return nil
}

// Commit is a scanned commit.
type Commit struct {
	SHA         string `json:"sha"`
	Parent      string `json:"parent" doc:"the one it is compared with: its first parent"`
	Author      string `json:"author"`
	Subject     string `json:"subject"`
	CommittedAt Millis `json:"committedAt"`
	ScannedAt   Millis `json:"scannedAt"`
	Findings    int    `json:"findings" doc:"fails that nothing in the code suppresses"`
	Undecided   int    `json:"undecided"`
	Suppressed  int    `json:"suppressed" doc:"by the code"`
	Problems    int    `json:"problems"`
	Added       int    `json:"added" doc:"fails that its parent does not have; undecided ones are never counted with them"`
	Gone        int    `json:"gone" doc:"fails of its parent that it does not have"`
	Result      string `json:"-"`
	Coverage    string `json:"-"`
}

const commitColumns = "c.sha, c.parent, c.author, c.subject, c.committed_at, c.scanned_at, c.findings, c.undecided, c.suppressed, c.problems, c.added, c.gone, c.result, c.coverage"

// Commits lists the scanned commits of a branch along first parents, from the newest, or from the commit named. next is where to go on.
// "" is the default branch.
func (s *Store) Commits(ctx context.Context, scope access.Scope, repository ID, branch, from string, limit int) (list []Commit, next string, err error) {
	b, err := s.branch(ctx, scope, repository, branch)
	if err != nil {
		return nil, "", err
	}
	if from == "" {
		from = b.Scanned
	}
	list = []Commit{}
	if err := s.DB.NewRaw(`WITH RECURSIVE line (sha, parent, n) AS (
SELECT c.sha, c.parent, 1 FROM commit_result c WHERE c.repository = ? AND c.sha = ?
UNION ALL SELECT c.sha, c.parent, line.n + 1 FROM line JOIN commit_result c ON c.repository = ? AND c.sha = line.parent WHERE line.n <= ?)
SELECT `+commitColumns+` FROM line JOIN commit_result c ON c.repository = ? AND c.sha = line.sha ORDER BY line.n`, repository, from, repository, limit, repository).Scan(ctx, &list); err != nil {
		return nil, "", fmt.Errorf("list commits: %w", err)
	}
	if len(list) > limit {
		next, list = list[limit].SHA, list[:limit]
	}
	return list, next, nil
}

// branch returns a branch of a repository of the scope; "" is the default one.
func (s *Store) branch(ctx context.Context, scope access.Scope, repository ID, name string) (*Branch, error) {
	if _, err := s.Repository(ctx, scope, repository); err != nil {
		return nil, err
	}
	b := &Branch{}
	where, args := "is_default = 1", []any{repository}
	if name != "" {
		where, args = "name = ?", append(args, name)
	}
	err := s.DB.NewRaw("SELECT id, name, head, head_at, scanned, is_default FROM branch WHERE repository = ? AND removed_at = 0 AND "+where, args...).Scan(ctx, b)
	switch {
	case errors.Is(err, sql.ErrNoRows) && name == "":
		return b, nil // nothing was fetched yet
	case errors.Is(err, sql.ErrNoRows):
		return nil, Refuse(NotFound, "The repository has no such branch.")
	case err != nil:
		return nil, fmt.Errorf("read a branch: %w", err)
	}
	return b, nil
}

// CommitFinding is a finding that a commit brought or took away.
type CommitFinding struct {
	ID       ID     `json:"id"`
	Rule     string `json:"rule"`
	Outcome  string `json:"outcome"`
	Severity int    `json:"-"`
	Status   string `json:"status" doc:"as it is now"`
	Message  string `json:"message"`
	Address  string `json:"address"`
	File     string `json:"file"`
	Line     int    `json:"line"`
}

// maxCommitFindings is how many findings of a commit are listed on each side.
const maxCommitFindings = 1000

// Commit returns one scanned commit of a repository of the scope, and what it changed against its parent: at most 1,000 findings on
// each side; the numbers in Commit are complete.
func (s *Store) Commit(ctx context.Context, scope access.Scope, repository ID, sha string) (c *Commit, added, gone []CommitFinding, err error) {
	if _, err := s.Repository(ctx, scope, repository); err != nil {
		return nil, nil, nil, err
	}
	c = &Commit{}
	err = s.DB.NewRaw("SELECT "+commitColumns+" FROM commit_result c WHERE c.repository = ? AND c.sha = ?", repository, sha).Scan(ctx, c)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, nil, Refuse(NotFound, "This commit was not scanned.")
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read a commit: %w", err)
	}
	if c.Result == "" {
		return c, []CommitFinding{}, []CommitFinding{}, nil
	}
	text, err := s.Blob(ctx, c.Result)
	if err != nil {
		return nil, nil, nil, err
	}
	var delta CommitDelta
	if err := json.Unmarshal(text, &delta); err != nil {
		return nil, nil, nil, fmt.Errorf("read what a commit changed: %w", err)
	}
	if added, err = s.namedFindings(ctx, scope, repository, delta.Added); err == nil {
		gone, err = s.namedFindings(ctx, scope, repository, delta.Gone)
	}
	return c, added, gone, err
}

// namedFindings returns findings by fingerprints that they have or had, the worst first.
func (s *Store) namedFindings(ctx context.Context, scope access.Scope, repository ID, names []string) ([]CommitFinding, error) {
	list := []CommitFinding{}
	if len(names) == 0 {
		return list, nil
	}
	names = names[:min(len(names), maxCommitFindings)]
	seen, args := seenFindings(scope)
	args = append([]any{repository, bun.List(names), repository, bun.List(names)}, args...)
	if err := s.DB.NewRaw(`SELECT f.id, f.rule, f.outcome, f.severity, f.status, f.message, f.address, f.file, f.line FROM finding f WHERE f.id IN (
SELECT id FROM finding WHERE repository = ? AND fingerprint IN (?) UNION SELECT finding FROM finding_alias WHERE repository = ? AND fingerprint IN (?)) AND `+
		seen+" ORDER BY f.severity DESC, f.file, f.line, f.id", args...).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("read the findings of a commit: %w", err)
	}
	return list, nil
}

// Coverage returns what the scan of a branch's newest scanned commit says beside findings, JSON as Result.Coverage had it; nil when nothing
// is kept. "" is the default branch.
func (s *Store) Coverage(ctx context.Context, scope access.Scope, repository ID, branch string) (c *Commit, text []byte, err error) {
	b, err := s.branch(ctx, scope, repository, branch)
	if err != nil || b.Scanned == "" {
		return nil, nil, err
	}
	c = &Commit{}
	err = s.DB.NewRaw("SELECT "+commitColumns+" FROM commit_result c WHERE c.repository = ? AND c.sha = ?", repository, b.Scanned).Scan(ctx, c)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("read a commit: %w", err)
	case c.Coverage == "":
		return c, nil, nil
	}
	text, err = s.Blob(ctx, c.Coverage)
	return c, text, err
}

// UndecidedDetails returns references to the details of undecided findings that are open on a branch, at most limit of them. "" is the
// default branch.
func (s *Store) UndecidedDetails(ctx context.Context, scope access.Scope, repository ID, branch string, limit int) (refs []string, err error) {
	b, err := s.branch(ctx, scope, repository, branch)
	if err != nil {
		return nil, err
	}
	seen, args := seenFindings(scope)
	if err := s.DB.NewRaw("SELECT p.detail FROM presence p JOIN finding f ON f.id = p.finding WHERE p.branch = ? AND p.state = 'open' AND f.outcome = 'undecided' AND "+seen+" ORDER BY p.detail LIMIT ?",
		append(append([]any{b.ID}, args...), limit)...).Scan(ctx, &refs); err != nil {
		return nil, fmt.Errorf("read what is undecided: %w", err)
	}
	return refs, nil
}

// WasScanned tells whether a commit of a repository was scanned: only such ones are shown.
func (s *Store) WasScanned(ctx context.Context, repository ID, sha string) (bool, error) {
	var n int
	if err := s.DB.NewRaw("SELECT count(*) FROM commit_result WHERE repository = ? AND sha = ?", repository, sha).Scan(ctx, &n); err != nil {
		return false, fmt.Errorf("look for a commit: %w", err)
	}
	return n > 0, nil
}

// FileView is what is to be known before a file of a repository is shown.
type FileView struct {
	Hidden []int // lines with findings about secrets
}

// FileView tells whether a scope may see a file of a repository that it sees: all of them when it holds in the whole organisation, else
// those that its teams own.
func (s *Store) FileView(ctx context.Context, scope access.Scope, repository ID, file string) (v FileView, err error) {
	if !scope.All {
		var list owners
		if err := s.DB.NewRaw("SELECT team, coalesce(repository, 0) AS repository, path FROM ownership WHERE organisation = ? ORDER BY position, id", scope.Organisation).Scan(ctx, &list); err != nil {
			return v, fmt.Errorf("read who owns what: %w", err)
		}
		if !slices.Contains(scope.Teams, int64(list.of(repository, file))) {
			return v, Refuse(NotFound, "There is no such file here.")
		}
	}
	if err := s.DB.NewRaw("SELECT f.line FROM finding f WHERE f.repository = ? AND f.file = ? AND f.category = 'secrets' UNION SELECT p.line FROM presence p JOIN finding f ON f.id = p.finding WHERE f.repository = ? AND p.file = ? AND f.category = 'secrets'",
		repository, file, repository, file).Scan(ctx, &v.Hidden); err != nil {
		return v, fmt.Errorf("look for secrets in a file: %w", err)
	}
	return v, nil
}

// Blobs returns several texts by their references. Those that are in one pack are read once; those that are not kept any more are left out.
func (s *Store) Blobs(ctx context.Context, refs []string) ([][]byte, error) {
	out := make([][]byte, 0, len(refs))
	packs := map[string][]json.RawMessage{}
	for _, ref := range refs {
		hash, rest, packed := strings.Cut(ref, ".")
		number, _, _ := strings.Cut(rest, ".")
		n, err := strconv.Atoi(number)
		if !packed || err != nil {
			text, err := s.Blob(ctx, ref)
			if fault, ok := errors.AsType[*Fault](err); ok && fault.Kind == NotFound {
				continue
			}
			if err != nil {
				return nil, err
			}
			out = append(out, text)
			continue
		}
		parts, read := packs[hash]
		if !read {
			text, err := s.Blob(ctx, hash)
			if fault, ok := errors.AsType[*Fault](err); ok && fault.Kind == NotFound {
				text, err = []byte("[]"), nil
			}
			if err != nil {
				return nil, err
			}
			if err := json.Unmarshal(text, &parts); err != nil {
				return nil, fmt.Errorf("blob %s is no pack: %w", hash, err)
			}
			packs[hash] = parts
		}
		if n >= 0 && n < len(parts) {
			out = append(out, parts[n])
		}
	}
	return out, nil
}
