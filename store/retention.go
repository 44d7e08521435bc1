package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// Retention says for how many days an organisation keeps what is over. 0 is for ever.
type Retention struct {
	FixedDays  int `json:"fixedDays" minimum:"0" maximum:"36500" doc:"findings that are fixed, since they are; those with a decision of somebody are kept. 0 is for ever"`
	CommitDays int `json:"commitDays" minimum:"0" maximum:"36500" doc:"results of commits that only branches have that are gone, since they were scanned. 0 is for ever"`
	AuditDays  int `json:"auditDays" minimum:"0" maximum:"36500" doc:"texts of audit records; their hashes stay. 0 is for ever"`
}

// The least that can be kept, in days: a slip of the finger must not delete last week, and nobody hides what they just did.
const (
	leastKept  = 30
	leastAudit = 365
)

// check refuses what would delete too much.
func (r Retention) check() error {
	for _, c := range []struct {
		what        string
		days, least int
	}{{"Fixed findings", r.FixedDays, leastKept}, {"Results of commits", r.CommitDays, leastKept}, {"Audit records", r.AuditDays, leastAudit}} {
		if c.days != 0 && (c.days < c.least || c.days > 36500) {
			return Refuse(Invalid, "%s are kept for %d to 36500 days, or for ever (0).", c.what, c.least)
		}
	}
	return nil
}

// Retention returns for how long an organisation keeps what is over.
func (s *Store) Retention(ctx context.Context, organisation ID) (r Retention, err error) {
	err = s.DB.NewRaw("SELECT keep_fixed, keep_commits, keep_audit FROM organisation WHERE id = ?", organisation).Scan(ctx, &r.FixedDays, &r.CommitDays, &r.AuditDays)
	return r, missing(err, "There is no such organisation.")
}

// SetRetention sets for how long an organisation keeps what is over.
func (tx *Tx) SetRetention(ctx context.Context, organisation ID, r Retention) error {
	if err := r.check(); err != nil {
		return err
	}
	_, err := tx.NewRaw("UPDATE organisation SET keep_fixed = ?, keep_commits = ?, keep_audit = ? WHERE id = ?", r.FixedDays, r.CommitDays, r.AuditDays, organisation).Exec(ctx)
	return err
}

// forgetChunk is how many rows one transaction of ForgetOld deletes, so that nobody waits long for it; forgetRounds is how many of
// these there are for one organisation at a time. What is left has its turn the next day.
const (
	forgetChunk  = 2000
	forgetRounds = 100
)

// errNothing ends a transaction that had nothing to do, so that none is recorded.
var errNothing = errors.New("nothing to do")

// ForgetOld deletes what organisations keep no longer: findings that were fixed long ago, results of commits of branches that are gone,
// texts of old audit records. It never deletes what is open on any branch, or muted. The audit log says how much went.
func (s *Store) ForgetOld(ctx context.Context) error {
	var all []struct {
		ID                                ID
		KeepFixed, KeepCommits, KeepAudit int
		Forgotten                         int64
	}
	if err := s.DB.NewRaw("SELECT id, keep_fixed, keep_commits, keep_audit, forgotten FROM organisation ORDER BY id").Scan(ctx, &all); err != nil {
		return fmt.Errorf("read for how long organisations keep what is over: %w", err)
	}
	now := s.Now()
	since := func(days int) Millis { return MillisOf(now.Add(-time.Duration(days) * 24 * time.Hour)) }
	for _, o := range all {
		f := forgetting{s, o.ID}
		if o.KeepFixed > 0 || o.Forgotten < 0 {
			if err := f.findings(ctx, since(o.KeepFixed), o.KeepFixed > 0); err != nil {
				return fmt.Errorf("forget fixed findings: %w", err)
			}
		}
		if o.KeepCommits > 0 {
			if err := f.commits(ctx, since(o.KeepCommits)); err != nil {
				return fmt.Errorf("forget results of commits: %w", err)
			}
		}
		for range forgetRounds {
			if o.KeepAudit == 0 {
				break
			}
			if n, err := s.ForgetAudit(ctx, o.ID, since(o.KeepAudit).Time()); err != nil {
				return err
			} else if n < forgetChunk {
				break
			}
		}
	}
	return nil
}

// forgetting is ForgetOld for one organisation.
type forgetting struct {
	store        *Store
	organisation ID
}

// over is the condition for a finding to be forgotten: fixed, on whatever branch, and nobody's decision about it is lost. A mute outlives
// the fix, see Life.
const over = "organisation = ? AND status = 'fixed' AND mute_reason = '' AND fixed_at > 0 AND fixed_at < ? AND NOT EXISTS (SELECT 1 FROM presence p WHERE p.finding = finding.id AND p.state = 'open')"

// findings forgets those that were fixed before a time, when asked to, and then tells the columns in memory. A row that is gone has no
// revision for them to follow: forgotten is -1 from the first deletion on, so that who dies in between leaves word.
func (f forgetting) findings(ctx context.Context, before Millis, more bool) error {
	for range forgetRounds {
		if !more {
			break
		}
		var ids []ID
		if err := f.store.DB.NewRaw("SELECT id FROM finding WHERE "+over+" ORDER BY fixed_at LIMIT ?", f.organisation, before, forgetChunk).Scan(ctx, &ids); err != nil {
			return err
		}
		more = len(ids) == forgetChunk
		if len(ids) == 0 {
			break
		}
		if err := f.delete(ctx, "finding.forget", before, func(ctx context.Context, tx *Tx) (int64, error) {
			// The row of the organisation is what changes of its findings wait for: nothing is opened again meanwhile.
			if _, err := tx.NewRaw("UPDATE organisation SET forgotten = -1 WHERE id = ?", f.organisation).Exec(ctx); err != nil {
				return 0, err
			}
			result, err := tx.NewRaw("DELETE FROM finding WHERE id IN (?) AND "+over, bun.List(ids), f.organisation, before).Exec(ctx)
			if err != nil {
				return 0, err
			}
			return result.RowsAffected()
		}); err != nil {
			return err
		}
	}
	var forgotten int64
	if err := f.store.DB.NewRaw("SELECT forgotten FROM organisation WHERE id = ?", f.organisation).Scan(ctx, &forgotten); err != nil || forgotten >= 0 {
		return err
	}
	return f.store.Quiet(ctx, func(ctx context.Context, tx *Tx) error {
		revision, err := tx.revise(ctx, f.organisation)
		if err != nil {
			return err
		}
		if _, err := tx.NewRaw("UPDATE organisation SET forgotten = ? WHERE id = ?", revision, f.organisation).Exec(ctx); err != nil {
			return err
		}
		return tx.Notify(ctx, Notice{Organisation: f.organisation, Kind: "findings"}, nil)
	})
}

// commits forgets results of commits that only branches have that are gone.
func (f forgetting) commits(ctx context.Context, before Millis) error {
	var repositories []ID
	if err := f.store.DB.NewRaw(`SELECT DISTINCT b.repository FROM branch b JOIN repository r ON r.id = b.repository JOIN commit_result c ON c.repository = b.repository AND c.sha = b.head
		WHERE r.organisation = ? AND b.removed_at > 0 AND b.removed_at < ? AND c.scanned_at < ? ORDER BY b.repository`, f.organisation, before, before).Scan(ctx, &repositories); err != nil {
		return err
	}
	rounds := forgetRounds
	for _, r := range repositories {
		for more := true; more && rounds > 0; rounds-- {
			ids, err := f.store.abandoned(ctx, r, before)
			if err != nil {
				return err
			}
			more = len(ids) == forgetChunk
			if len(ids) == 0 {
				break
			}
			if err := f.delete(ctx, "commit.forget", before, func(ctx context.Context, tx *Tx) (int64, error) {
				if _, err := tx.NewRaw("DELETE FROM commit_part WHERE repository = ? AND sha IN (SELECT sha FROM commit_result WHERE id IN (?) AND scanned_at < ?)", r, bun.List(ids), before).Exec(ctx); err != nil {
					return 0, err
				}
				result, err := tx.NewRaw("DELETE FROM commit_result WHERE id IN (?) AND scanned_at < ?", bun.List(ids), before).Exec(ctx)
				if err != nil {
					return 0, err
				}
				return result.RowsAffected()
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// abandoned returns results of commits, the oldest commits first, that were scanned before a time and that the first parents of
// branches lead to which were removed before it, but not those of any other branch. A commit that none follows and that is not the
// head of a removed branch counts as a branch, too: there are gaps where commits were not scanned, and what is below them is history.
func (s *Store) abandoned(ctx context.Context, repository ID, before Millis) (ids []ID, err error) {
	err = s.DB.NewRaw(`WITH RECURSIVE
gone(sha, parent) AS (
	SELECT c.sha, c.parent FROM branch b JOIN commit_result c ON c.repository = b.repository AND c.sha = b.head WHERE b.repository = ? AND b.removed_at > 0 AND b.removed_at < ?
	UNION SELECT c.sha, c.parent FROM gone JOIN commit_result c ON c.repository = ? AND c.sha = gone.parent),
live(sha, parent) AS (
	SELECT c.sha, c.parent FROM commit_result c WHERE c.repository = ? AND (
		c.sha IN (SELECT head FROM branch WHERE repository = ? AND (removed_at = 0 OR removed_at >= ?)) OR
		c.sha IN (SELECT scanned FROM branch WHERE repository = ? AND removed_at = 0) OR
		c.sha NOT IN (SELECT parent FROM commit_result WHERE repository = ?) AND c.sha NOT IN (SELECT sha FROM gone))
	UNION SELECT c.sha, c.parent FROM live JOIN commit_result c ON c.repository = ? AND c.sha = live.parent)
SELECT c.id FROM commit_result c WHERE c.repository = ? AND c.scanned_at < ? AND c.sha IN (SELECT sha FROM gone) AND c.sha NOT IN (SELECT sha FROM live) ORDER BY c.committed_at, c.id LIMIT ?`,
		repository, before, repository, repository, repository, before, repository, repository, repository, repository, before, forgetChunk).Scan(ctx, &ids)
	return ids, err
}

// delete deletes in one transaction, and records how much; nothing when there was nothing.
func (f forgetting) delete(ctx context.Context, action string, before Millis, do func(context.Context, *Tx) (int64, error)) error {
	data := map[string]any{"before": before.Time().UTC().Format(time.RFC3339)}
	err := f.store.Write(ctx, Entry{Organisation: f.organisation, Actor: "system", Action: action, Object: "organisation:" + f.organisation.String(), Data: data}, func(ctx context.Context, tx *Tx) error {
		n, err := do(ctx, tx)
		if err != nil {
			return err
		}
		if n == 0 {
			return errNothing
		}
		data["count"] = n
		return nil
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}
