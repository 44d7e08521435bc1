package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/notify"
)

// ScanTarget is what a worker needs to know of a repository.
type ScanTarget struct {
	ID             ID
	Organisation   ID
	Name           string
	Address        string
	Credential     []byte // sealed
	CredentialKind string
	DefaultBranch  string
	State          string
	Problem        string
	Settings       string // YAML of the interface
	Lower          string // YAML of the organisation, which lies below
	KnownHosts     string
}

// maxWatched is the most findings of a branch that a scan is asked about.
const maxWatched = 200_000

// Watched returns what our own scans found on a branch that is not fixed there: a scan is asked whether it looked at their places.
func (s *Store) Watched(ctx context.Context, branch ID) (list []Absent, err error) {
	if err := s.DB.NewRaw(`SELECT p.fingerprint, f.rule, p.file, f.unit FROM presence p JOIN finding f ON f.id = p.finding
WHERE p.branch = ? AND p.state <> 'fixed' ORDER BY p.finding LIMIT ?`, branch, maxWatched).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("read what is on a branch: %w", err)
	}
	return slices.DeleteFunc(list, func(a Absent) bool { return MakerOf(a.Fingerprint) != "" }), nil
}

// ScanTarget returns a repository to work on. One that is removed is NotFound.
func (s *Store) ScanTarget(ctx context.Context, repository ID) (*ScanTarget, error) {
	t := &ScanTarget{}
	err := s.DB.NewRaw(`SELECT r.id, r.organisation, r.name, r.address, r.credential, r.credential_kind, r.default_branch, r.state, r.problem, r.settings, r.known_hosts, o.settings AS lower
FROM repository r JOIN organisation o ON o.id = r.organisation WHERE r.id = ? AND r.state <> 'removed'`, repository).Scan(ctx, t)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, Refuse(NotFound, "the repository is not there any more")
	case err != nil:
		return nil, fmt.Errorf("read the repository: %w", err)
	}
	return t, nil
}

// Scan is one execution over one or several commits.
type Scan struct {
	ID         ID
	Repository ID
	Branch     ID
	Kind       string // commit, history, full, manual, upload
	Job        int64
}

// BeginScan notes that a scan runs. The same job, started again, goes on with the scan that it had.
func (tx *Tx) BeginScan(ctx context.Context, organisation ID, scan Scan) (ID, error) {
	var id ID
	err := tx.NewRaw("SELECT id FROM scan WHERE repository = ? AND job = ? AND branch = ? AND kind = ?", scan.Repository, scan.Job, scan.Branch, scan.Kind).Scan(ctx, &id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		id = tx.Store.NewID()
		_, err = tx.NewRaw("INSERT INTO scan (id, repository, branch, kind, state, started_at, job) VALUES (?, ?, ?, ?, 'running', ?, ?)",
			id, scan.Repository, scan.Branch, scan.Kind, tx.Now, scan.Job).Exec(ctx)
	case err == nil:
		_, err = tx.NewRaw("UPDATE scan SET state = 'running', ended_at = 0, problem = '' WHERE id = ?", id).Exec(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("begin a scan: %w", err)
	}
	return id, tx.Notify(ctx, Notice{Organisation: organisation, Repository: scan.Repository, Kind: "scans"}, map[string]any{"scan": id, "state": "running"})
}

// ScanEnd is how a scan ended.
type ScanEnd struct {
	Organisation ID
	Repository   ID
	Scan         ID
	Commits      int
	Problem      string // why it failed, for people; "" when it did not
}

// CountScan notes how far a scan is.
func (tx *Tx) CountScan(ctx context.Context, scan ID, commits int) error {
	if _, err := tx.NewRaw("UPDATE scan SET commits = commits + ? WHERE id = ?", commits, scan).Exec(ctx); err != nil {
		return fmt.Errorf("note how far a scan is: %w", err)
	}
	return nil
}

// EndScan notes the end of a scan at its repository too: that has the problem until a scan succeeds.
func (tx *Tx) EndScan(ctx context.Context, e ScanEnd) error {
	state := "done"
	if e.Problem != "" {
		state = "failed"
	}
	if _, err := tx.NewRaw("UPDATE scan SET state = ?, ended_at = ?, problem = ? WHERE id = ?", state, tx.Now, e.Problem, e.Scan).Exec(ctx); err != nil {
		return fmt.Errorf("end a scan: %w", err)
	}
	if err := tx.setProblem(ctx, e, notify.ScanFailed); err != nil {
		return err
	}
	if e.Problem == "" {
		if _, err := tx.NewRaw("UPDATE repository SET scanned_at = ? WHERE id = ?", tx.Now, e.Repository).Exec(ctx); err != nil {
			return fmt.Errorf("end a scan: %w", err)
		}
	}
	return tx.Notify(ctx, Notice{Organisation: e.Organisation, Repository: e.Repository, Kind: "scans"}, map[string]any{"scan": e.Scan, "state": state})
}

// NeverScanned tells whether any of some repositories was never scanned.
func (s *Store) NeverScanned(ctx context.Context, repositories []ID) (fresh bool, err error) {
	if err := s.DB.NewRaw("SELECT count(*) > 0 FROM repository WHERE id IN (?) AND scanned_at = 0", bun.List(repositories)).Scan(ctx, &fresh); err != nil {
		return false, fmt.Errorf("look which repositories were scanned: %w", err)
	}
	return fresh, nil
}

// SetProblem notes why a repository could not be fetched or scanned; "" that it could.
func (tx *Tx) SetProblem(ctx context.Context, organisation, repository ID, problem string) error {
	return tx.setProblem(ctx, ScanEnd{Organisation: organisation, Repository: repository, Problem: problem}, notify.Trouble)
}

// setProblem notes a problem, and tells of it when it is another one than before.
func (tx *Tx) setProblem(ctx context.Context, e ScanEnd, kind notify.Happening) error {
	result, err := tx.NewRaw("UPDATE repository SET problem = ? WHERE id = ? AND problem <> ?", e.Problem, e.Repository, e.Problem).Exec(ctx)
	if err != nil {
		return fmt.Errorf("note the problem of a repository: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if e.Problem != "" {
		if err := tx.happenProblem(ctx, Happened{Organisation: e.Organisation, Repository: e.Repository, Scan: e.Scan}, kind, e.Problem); err != nil {
			return err
		}
	}
	return tx.Notify(ctx, Notice{Organisation: e.Organisation, Repository: e.Repository, Kind: "repositories"}, nil)
}

// SetKnownHosts keeps the keys of the hosts that a repository was fetched from.
func (tx *Tx) SetKnownHosts(ctx context.Context, repository ID, lines string) error {
	if _, err := tx.NewRaw("UPDATE repository SET known_hosts = ? WHERE id = ? AND known_hosts <> ?", lines, repository, lines).Exec(ctx); err != nil {
		return fmt.Errorf("keep the key of a host: %w", err)
	}
	return nil
}

// Due is a repository with something to do.
type Due struct {
	ID           ID
	Organisation ID
}

// DueFetches returns repositories that were not fetched for an interval, the longest waiting first.
func (s *Store) DueFetches(ctx context.Context, interval time.Duration, limit int) (list []Due, err error) {
	before := MillisOf(s.Now()) - Millis(interval.Milliseconds())
	if err := s.DB.NewRaw("SELECT id, organisation FROM repository WHERE state = 'active' AND address <> '' AND fetched_at < ? AND tried_at < ? ORDER BY tried_at, id LIMIT ?", before, before, limit).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("look for repositories to fetch: %w", err)
	}
	return list, nil
}

// Tried notes that a repository is about to be fetched, so that one that cannot be is not tried all the time.
func (tx *Tx) Tried(ctx context.Context, list []Due) error {
	rows := make([][]any, len(list))
	for i, d := range list {
		rows[i] = []any{tx.Now, d.ID}
	}
	return tx.each(ctx, "UPDATE repository SET tried_at = ? WHERE id = ?", rows)
}

// DueScans returns repositories whose default branch had no whole scan for an interval.
func (s *Store) DueScans(ctx context.Context, interval time.Duration, limit int) (list []Due, err error) {
	before := MillisOf(s.Now()) - Millis(interval.Milliseconds())
	if err := s.DB.NewRaw(`SELECT r.id, r.organisation FROM repository r WHERE r.state = 'active' AND r.address <> '' AND r.created_at < ? AND r.scanned_at > 0
AND NOT EXISTS (SELECT 1 FROM scan s WHERE s.repository = r.id AND s.started_at >= ? AND s.kind = 'full') ORDER BY r.scanned_at, r.id LIMIT ?`, before, before, limit).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("look for repositories to scan again: %w", err)
	}
	return list, nil
}

// Orphan is a finding of which nobody knows yet who brought it.
type Orphan struct {
	Finding ID
	File    string
	Line    int
	Scanned string // commit that has it in this line
}

// Orphans returns findings on the default branch whose origin is not known, after an id.
func (s *Store) Orphans(ctx context.Context, repository, after ID, limit int) (list []Orphan, err error) {
	if err := s.DB.NewRaw(`SELECT f.id AS finding, p.file, p.line, b.scanned FROM finding f JOIN presence p ON p.finding = f.id AND p.state = 'open'
JOIN branch b ON b.id = p.branch AND b.is_default = 1 AND b.scanned <> '' WHERE f.repository = ? AND f.introduced_sha = '' AND f.status <> 'fixed' AND f.id > ? ORDER BY f.id LIMIT ?`, repository, after, limit).
		Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("look for findings without an origin: %w", err)
	}
	return list, nil
}

// Origin is the commit that brought a finding.
type Origin struct {
	Finding     ID     // or
	Fingerprint string // of the repository
	SHA         string
	Author      string
	At          Millis
}

// SetOrigins notes which commits brought findings. What is known from an earlier commit stays.
func (tx *Tx) SetOrigins(ctx context.Context, organisation, repository ID, list []Origin) error {
	if len(list) == 0 {
		return nil
	}
	revision, err := tx.revise(ctx, organisation)
	if err != nil {
		return err
	}
	const set = "UPDATE finding SET introduced_sha = ?, introduced_author = ?, introduced_at = ?, first_seen_at = CASE WHEN ? > 0 AND first_seen_at > ? THEN ? ELSE first_seen_at END, revision = ? WHERE "
	var byID, byName [][]any
	for _, o := range list {
		row := []any{o.SHA, o.Author, o.At, 0, 0, 0, revision}
		if o.Finding != 0 {
			byID = append(byID, append(row, o.Finding))
			continue
		}
		row[3], row[4], row[5] = o.At, o.At, o.At
		byName = append(byName, append(row, repository, o.Fingerprint, o.At))
	}
	return firstError(
		func() error { return tx.each(ctx, set+"id = ? AND introduced_sha = ''", byID) },
		func() error {
			return tx.each(ctx, set+"repository = ? AND fingerprint = ? AND (introduced_at = 0 OR introduced_at > ?)", byName)
		},
	)
}

// ScanProblem returns the problem that the last scan of a repository ended with, "" for none.
func (tx *Tx) ScanProblem(ctx context.Context, repository ID) (problem string, err error) {
	err = tx.NewRaw("SELECT problem FROM scan WHERE repository = ? AND state IN ('done', 'failed') ORDER BY started_at DESC, id DESC LIMIT 1", repository).Scan(ctx, &problem)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read the last scan: %w", err)
	}
	return problem, nil
}

// RepositoriesAfter returns repositories of all organisations in the order of their ids.
func (s *Store) RepositoriesAfter(ctx context.Context, after ID, limit int) (list []Due, err error) {
	if err := s.DB.NewRaw("SELECT id, organisation FROM repository WHERE id > ? AND state <> 'removed' ORDER BY id LIMIT ?", after, limit).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("list the repositories: %w", err)
	}
	return list, nil
}
