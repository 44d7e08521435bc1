package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"plumbline.dev/plumbline/access"
)

// MakerOf tells from a fingerprint who made a finding: "" for our own scans, else the key of another tool. A result says nothing
// about the findings of other makers.
func MakerOf(fingerprint string) string {
	if strings.HasPrefix(fingerprint, "x") {
		if maker, _, ok := strings.Cut(fingerprint, "-"); ok {
			return maker
		}
	}
	return ""
}

// Maker is the key of another tool, by its name.
func Maker(tool string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(tool)))
	return "x" + hex.EncodeToString(sum[:4])
}

// ForeignFingerprint names a finding of another tool by what makes it the same one the next time.
func ForeignFingerprint(maker string, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return maker + "-" + hex.EncodeToString(sum[:10])
}

// UploadTarget is where the results of a scan elsewhere belong.
type UploadTarget struct {
	Repository ID
	Branch     ID
	Before     string // commit that the branch had results of before; "" for none, or when it is the same one
	Connected  bool   // the repository is fetched and scanned here too
	Later      bool   // the branch had results of an earlier commit
}

// OpenUpload finds the branch of a repository that results were uploaded for, or makes it. An upload moves the head of a branch only when
// nobody fetches the repository, and only forward; the first branch of such a one is its default, unless another one is named so.
func (tx *Tx) OpenUpload(ctx context.Context, r *Repository, branch string, commit CommitInfo) (UploadTarget, error) {
	t := UploadTarget{Repository: r.ID, Connected: r.Address != "" && r.State == "active"}
	var head, scanned string
	var headAt Millis
	err := tx.NewRaw("SELECT id, head, head_at, scanned FROM branch WHERE repository = ? AND name = ?", r.ID, branch).Scan(ctx, &t.Branch, &head, &headAt, &scanned)
	if err == nil && scanned == commit.SHA {
		var parent string
		if err := tx.NewRaw("SELECT coalesce(max(parent), '') FROM commit_result WHERE repository = ? AND sha = ?", r.ID, scanned).Scan(ctx, &parent); err != nil {
			return t, fmt.Errorf("look for a commit: %w", err)
		}
		t.Later = parent != ""
	} else {
		t.Before, t.Later = scanned, scanned != ""
	}
	switch {
	case errors.Is(err, sql.ErrNoRows) && t.Connected:
		return t, Refuse(Conflict, "The branch %s of %s was not fetched yet, or is gone: results belong to a branch that is there.", branch, r.Name)
	case errors.Is(err, sql.ErrNoRows):
		t.Branch = tx.Store.NewID()
		isDefault := 0
		if r.DefaultBranch == "" || r.DefaultBranch == branch {
			isDefault = 1
		}
		if _, err := tx.NewRaw("INSERT INTO branch (id, repository, name, head, is_default, head_at) VALUES (?, ?, ?, ?, ?, ?)", t.Branch, r.ID, branch, commit.SHA, isDefault, commit.At).Exec(ctx); err != nil {
			return t, fmt.Errorf("note a branch: %w", err)
		}
	case err != nil:
		return t, fmt.Errorf("look for a branch: %w", err)
	case t.Connected || head == commit.SHA:
	case headAt > commit.At:
		return t, Refuse(Conflict, "Results of a newer commit of %s were uploaded before: %.12s.", branch, head)
	default:
		if _, err := tx.NewRaw("UPDATE branch SET head = ?, head_at = ?, removed_at = 0 WHERE id = ?", commit.SHA, commit.At, t.Branch).Exec(ctx); err != nil {
			return t, fmt.Errorf("move a branch: %w", err)
		}
	}
	if r.DefaultBranch == "" {
		if _, err := tx.NewRaw("UPDATE repository SET default_branch = ? WHERE id = ? AND default_branch = ''", branch, r.ID).Exec(ctx); err != nil {
			return t, fmt.Errorf("note the default branch: %w", err)
		}
	}
	return t, nil
}

// RepositoryAt returns the repository of the scope that is fetched from a host and a path, whatever the scheme.
func (s *Store) RepositoryAt(ctx context.Context, scope access.Scope, host, path string) (*Repository, error) {
	seen, args := seenRepositories(scope)
	var list []Repository
	like := "%" + strings.TrimPrefix(likeText(host), "%") + likeText(path)
	if err := s.DB.NewRaw("SELECT "+repositoryColumns+" FROM repository r WHERE "+seen+` AND lower(r.address) LIKE ? ESCAPE '\' ORDER BY r.id LIMIT 200`, append(args, like)...).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("look for a repository by its address: %w", err)
	}
	for _, r := range list {
		rest := strings.TrimSuffix(r.Address, ".git")
		before, ok := strings.CutSuffix(rest, path)
		if ok && (strings.HasSuffix(before, host+"/") || strings.HasSuffix(before, host+":")) && (len(before) == len(host)+1 || strings.ContainsAny(before[len(before)-len(host)-2:len(before)-len(host)-1], "/@")) {
			return &r, nil
		}
	}
	return nil, Refuse(NotFound, "No repository here has the address that the log names: name it as repository=….")
}

// Uploaded is the last upload of a maker for a branch.
type Uploaded struct {
	Maker  string
	SHA    string
	Digest string
	Scan   ID
}

// Uploads returns the last uploads for a branch, one per maker.
func (s *Store) Uploads(ctx context.Context, repository ID, branch string) (list []Uploaded, err error) {
	if err := s.DB.NewRaw("SELECT u.maker, u.sha, u.digest, u.scan FROM upload u JOIN branch b ON b.id = u.branch WHERE b.repository = ? AND b.name = ? ORDER BY u.maker", repository, branch).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("read what was uploaded: %w", err)
	}
	return list, nil
}

// UploadedMakers returns who uploaded results for a branch before.
func (tx *Tx) UploadedMakers(ctx context.Context, branch ID) (map[string]bool, error) {
	var list []string
	if err := tx.NewRaw("SELECT maker FROM upload WHERE branch = ?", branch).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("read what was uploaded: %w", err)
	}
	out := make(map[string]bool, len(list))
	for _, maker := range list {
		out[maker] = true
	}
	return out, nil
}

// EndUpload notes that results were taken in, as a scan that is done.
func (tx *Tx) EndUpload(ctx context.Context, organisation ID, t UploadTarget, scan ID, made []Uploaded) error {
	for _, u := range made {
		if _, err := tx.NewRaw(`INSERT INTO upload (repository, branch, maker, sha, digest, scan) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (branch, maker) DO UPDATE SET sha = excluded.sha, digest = excluded.digest, scan = excluded.scan`, t.Repository, t.Branch, u.Maker, u.SHA, u.Digest, scan).Exec(ctx); err != nil {
			return fmt.Errorf("note an upload: %w", err)
		}
	}
	if _, err := tx.NewRaw("INSERT INTO scan (id, repository, branch, kind, state, started_at, ended_at, commits) VALUES (?, ?, ?, 'upload', 'done', ?, ?, 1)",
		scan, t.Repository, t.Branch, tx.Now, tx.Now).Exec(ctx); err != nil {
		return fmt.Errorf("note an upload: %w", err)
	}
	if _, err := tx.NewRaw("UPDATE repository SET scanned_at = ? WHERE id = ?", tx.Now, t.Repository).Exec(ctx); err != nil {
		return fmt.Errorf("note an upload: %w", err)
	}
	for _, kind := range []string{"scans", "repositories"} {
		if err := tx.Notify(ctx, Notice{Organisation: organisation, Repository: t.Repository, Kind: kind}, nil); err != nil {
			return err
		}
	}
	return nil
}
