package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/store"
)

// fetch brings the mirror of a repository and the list of its branches up to date, and queues a scan when there is something new.
func (t *attempt) fetch(ctx context.Context) error {
	target, err := t.Store.ScanTarget(ctx, t.job.Args.Repository)
	if err != nil {
		return err
	}
	if target.Address == "" || target.State != "active" {
		return t.end(ctx, store.Entry{}, func(context.Context, *store.Tx) error { return nil })
	}
	if err := t.bring(ctx, target); err != nil {
		return t.failed(ctx, target, 0, err)
	}
	m := t.mirror(target.ID)
	list, more, err := m.Branches(ctx)
	if err != nil {
		return t.failed(ctx, target, 0, err)
	}
	byDefault := ""
	if len(list) > 0 {
		if byDefault, err = t.byDefault(ctx, m, target); err != nil {
			return t.failed(ctx, target, 0, err)
		}
		if more {
			head, err := m.Head(ctx, byDefault)
			if err != nil {
				return t.failed(ctx, target, 0, err)
			}
			list = withDefault(list, byDefault, head)
		}
	}
	heads := make([]store.BranchHead, len(list))
	for i, b := range list {
		heads[i] = store.BranchHead{Name: b.Name, Head: b.Head, At: store.MillisOf(b.At)}
	}
	problem := ""
	if more {
		problem = fmt.Sprintf("There are more than %d branches: the oldest are left out.", mirror.MaxBranches)
	}
	return t.end(ctx, store.Entry{}, func(ctx context.Context, tx *store.Tx) error {
		work, err := tx.SyncBranches(ctx, target.ID, byDefault, heads)
		if err != nil {
			return err
		}
		if work {
			if _, err := t.queue.Insert(ctx, tx, Job{What: Scan, Mode: Heads, Organisation: target.Organisation, Repository: target.ID}); err != nil {
				return err
			}
		}
		if work && problem == "" { // the scan says whether all is well
			return nil
		}
		if problem == "" {
			if problem, err = tx.ScanProblem(ctx, target.ID); err != nil {
				return err
			}
		}
		if err := tx.SetProblem(ctx, target.Organisation, target.ID, problem); err != nil {
			return err
		}
		return t.queue.TellNow(ctx, tx, target.Organisation)
	})
}

// withDefault keeps the default branch, however old it is, when there are more branches than are listed: it takes the place of the last.
func withDefault(list []mirror.Branch, name, head string) []mirror.Branch {
	if !slices.ContainsFunc(list, func(b mirror.Branch) bool { return b.Name == name }) {
		last := &list[len(list)-1]
		last.Name, last.Head = name, head
	}
	return list
}

// byDefault is the default branch: the one that somebody chose here, while it is there, or else the host's.
func (t *attempt) byDefault(ctx context.Context, m mirror.Mirror, target *store.ScanTarget) (string, error) {
	if target.DefaultBranch != "" {
		if _, err := m.Head(ctx, target.DefaultBranch); err == nil {
			return target.DefaultBranch, nil
		}
	}
	return m.Default(ctx)
}

// bring fetches a repository into its mirror on this machine. Another process of the machine that does so already is waited for.
func (t *attempt) bring(ctx context.Context, target *store.ScanTarget) error {
	m := t.mirror(target.ID)
	unlock, err := lockMirror(m)
	if err != nil {
		return err
	}
	defer unlock()
	o := mirror.Options{Address: target.Address, Hosts: t.Hosts, KnownHosts: target.KnownHosts, Limits: t.FetchLimits}
	if len(target.Credential) > 0 {
		if t.Open == nil {
			return store.Refuse(store.Conflict, "this server has no master key, so it cannot use the credential of the repository")
		}
		if o.Credential, err = t.Open(ctx, target.ID, target.Credential); err != nil {
			return fmt.Errorf("open the credential of a repository: %w", err)
		}
	}
	fetched, err := m.Fetch(ctx, o)
	if err != nil {
		return err
	}
	if fetched.KnownHosts == "" || fetched.KnownHosts == target.KnownHosts {
		return nil
	}
	return t.write(ctx, store.Entry{Organisation: target.Organisation, Actor: "system", Action: "repository.host-key", Object: "repository:" + target.ID.String() + " " + target.Name},
		func(ctx context.Context, tx *store.Tx) error {
			return tx.SetKnownHosts(ctx, target.ID, fetched.KnownHosts)
		})
}

// lockMirror keeps the processes of one machine from fetching into one mirror at a time. The lock goes with the process.
func lockMirror(m mirror.Mirror) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(m.Dir), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the mirrors: %w", err)
	}
	f, err := os.OpenFile(m.Dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock a mirror: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &putOff{2 * time.Second}
		}
		return nil, fmt.Errorf("lock a mirror: %w", err)
	}
	return func() { f.Close() }, nil
}
