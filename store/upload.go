package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
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
	Head       string // commit of the branch as far as it is known here
	Connected  bool   // the repository is fetched and scanned here too
}

// OpenUpload finds the branch of a repository that results were uploaded for, or makes it. An upload moves the head of a branch only when
// nobody fetches the repository; the first branch of such a one is its default, unless another one is named so.
func (tx *Tx) OpenUpload(ctx context.Context, r *Repository, branch, commit string, at Millis) (UploadTarget, error) {
	t := UploadTarget{Repository: r.ID, Connected: r.Address != ""}
	name := r.DefaultBranch
	if name == "" {
		name = branch
	}
	isDefault := 0
	if branch == name {
		isDefault = 1
	}
	err := tx.NewRaw("SELECT id, head FROM branch WHERE repository = ? AND name = ?", r.ID, branch).Scan(ctx, &t.Branch, &t.Head)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		t.Branch, t.Head = tx.Store.NewID(), commit
		if _, err := tx.NewRaw("INSERT INTO branch (id, repository, name, head, is_default, head_at) VALUES (?, ?, ?, ?, ?, ?)", t.Branch, r.ID, branch, commit, isDefault, at).Exec(ctx); err != nil {
			return t, fmt.Errorf("note a branch: %w", err)
		}
	case err != nil:
		return t, fmt.Errorf("look for a branch: %w", err)
	case !t.Connected && t.Head != commit:
		if _, err := tx.NewRaw("UPDATE branch SET head = ?, head_at = ?, removed_at = 0 WHERE id = ?", commit, at, t.Branch).Exec(ctx); err != nil {
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

// EndUpload notes that results were taken in, as a scan that is done.
func (tx *Tx) EndUpload(ctx context.Context, organisation ID, t UploadTarget, scan ID, problem string) error {
	if _, err := tx.NewRaw("INSERT INTO scan (id, repository, branch, kind, state, started_at, ended_at, commits, problem) VALUES (?, ?, ?, 'upload', 'done', ?, ?, 1, ?)",
		scan, t.Repository, t.Branch, tx.Now, tx.Now, problem).Exec(ctx); err != nil {
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
