package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/server/api"
	"plumbline.dev/plumbline/store"
)

// connect makes sure that the repositories at some addresses are connected to the first organisation.
// Those that are connected already stay as they are.
func connect(ctx context.Context, c *call, db *store.Store, queue *jobs.Queue, addresses []string) error {
	organisation, err := db.FirstOrganisation(ctx)
	if err != nil {
		return err
	}
	for _, text := range addresses {
		address, err := mirror.ParseAddress(text)
		if local := c.path(text); err != nil {
			if info, missing := os.Stat(local); missing == nil && info.IsDir() {
				address, err = mirror.ParseAddress(filepath.Clean(local))
			}
		}
		if err != nil {
			return usage("--connect %s: %v", text, err)
		}
		r := store.Repository{ID: db.NewID(), Name: api.RepositoryName(address), Address: address.String()}
		entry := store.Entry{Organisation: organisation.ID, Actor: "system", Action: "repository.connect", Object: "repository:" + r.ID.String() + " " + r.Name,
			Data: map[string]any{"name": r.Name, "address": r.Address}}
		err = db.Write(ctx, entry, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.AddRepository(ctx, organisation.ID, r, store.Sealed{}); err != nil {
				return err
			}
			_, err := queue.Insert(ctx, tx, jobs.Job{What: jobs.Fetch, Organisation: organisation.ID, Repository: r.ID})
			return err
		})
		if fault, ok := errors.AsType[*store.Fault](err); ok && fault.Kind == store.Conflict {
			have, err := db.RepositoryNamed(ctx, access.Scope{Organisation: int64(organisation.ID), All: true}, r.Name)
			if err == nil && have.Address == r.Address {
				continue // as at every start after the first
			}
			fmt.Fprintf(c.Err, "plumbline: --connect %s: %s\n", text, fault.Text)
			continue
		}
		if err != nil {
			return fmt.Errorf("connect %s: %w", text, err)
		}
	}
	return nil
}
