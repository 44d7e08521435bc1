package storetest

import (
	"context"
	"fmt"
	"testing"

	"plumbline.dev/plumbline/store"
)

// Estate is a small organisation for tests of what is counted: two teams, two repositories with a default branch each.
type Estate struct {
	Store                *store.Store
	Organisation         store.ID
	Network, Data        store.ID // teams: what is in folder net of any repository, and all of the repository ledger
	Shop, Ledger         store.ID // repositories
	ShopMain, LedgerMain store.ID // their default branches
	Day                  store.Millis
	added                int
}

// NewEstate makes an estate without findings.
func NewEstate(t testing.TB, s *store.Store) *Estate {
	t.Helper()
	e := &Estate{Store: s, Organisation: s.NewID(), Network: s.NewID(), Data: s.NewID(), Shop: s.NewID(), Ledger: s.NewID(), ShopMain: s.NewID(), LedgerMain: s.NewID(), Day: 24 * 3600 * 1000}
	now := store.MillisOf(s.Now())
	e.Do(t, "INSERT INTO organisation (id, name, revision, created_at) VALUES (?, ?, 1, ?)", e.Organisation, "Acme "+e.Organisation.String(), now)
	e.Do(t, "INSERT INTO team (id, organisation, name, created_at) VALUES (?, ?, 'network', ?), (?, ?, 'data', ?)", e.Network, e.Organisation, now, e.Data, e.Organisation, now)
	for _, r := range []struct {
		id, branch store.ID
		name       string
	}{{e.Shop, e.ShopMain, "shop"}, {e.Ledger, e.LedgerMain, "ledger"}} {
		e.Do(t, "INSERT INTO repository (id, organisation, name, address, default_branch, created_at, scanned_at) VALUES (?, ?, ?, '', 'main', ?, ?)", r.id, e.Organisation, r.name, now, now)
		e.Do(t, "INSERT INTO branch (id, repository, name, head, scanned, is_default, head_at) VALUES (?, ?, 'main', 'c1', 'c1', 1, ?)", r.branch, r.id, now)
	}
	e.Do(t, "INSERT INTO ownership (id, organisation, team, repository, path, position) VALUES (?, ?, ?, NULL, 'net/**', 1), (?, ?, ?, ?, '', 2)",
		s.NewID(), e.Organisation, e.Network, s.NewID(), e.Organisation, e.Data, e.Ledger)
	return e
}

// Do executes a statement.
func (e *Estate) Do(t testing.TB, query string, args ...any) {
	t.Helper()
	err := e.Store.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewRaw(query, args...).Exec(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Row is a finding to add; what is empty takes a usual value: open, fail, high, on the default branch of shop, seen for the first time now.
type Row struct {
	Repository store.ID
	Team       store.ID
	Rule       string
	Severity   int64
	Outcome    string
	Status     string
	Reason     string // of the mute
	Address    string
	File       string
	First      store.Millis
	Fixed      store.Millis
	MutedAt    store.Millis
}

// Add adds a finding and returns its id.
func (e *Estate) Add(t testing.TB, r Row) store.ID {
	t.Helper()
	e.added++
	id := e.Store.NewID()
	now := store.MillisOf(e.Store.Now())
	set(&r.Repository, e.Shop)
	set(&r.Rule, "aws-s3-public-acl")
	set(&r.Severity, 4)
	set(&r.Outcome, "fail")
	set(&r.Status, "open")
	set(&r.Address, fmt.Sprintf("aws_s3_bucket.b%d", e.added))
	set(&r.File, "main.tf")
	set(&r.First, now)
	branch := e.ShopMain
	if r.Repository == e.Ledger {
		branch = e.LedgerMain
	}
	e.Do(t, "INSERT INTO finding (id, organisation, repository, fingerprint, twin, rule, outcome, severity, base_severity, category, provider, dialect, resource_type, address, attribute, unit, file, line, message, "+
		"team, detail, status, on_default, first_seen_at, last_seen_at, fixed_at, mute_reason, mute_at, revision) VALUES (?, ?, ?, ?, '', ?, ?, ?, ?, 'access-control', 'aws', 'terraform', 'aws_s3_bucket', ?, 'acl', '.', ?, 7, 'Everyone may read', "+
		"?, '', ?, 1, ?, ?, ?, ?, ?, 1)",
		id, e.Organisation, r.Repository, id.String(), r.Rule, r.Outcome, r.Severity, r.Severity, r.Address, r.File, r.Team, r.Status, r.First, now, r.Fixed, r.Reason, r.MutedAt)
	state := "open"
	if r.Status == "fixed" {
		state = "fixed"
	}
	e.Do(t, "INSERT INTO presence (branch, finding, state, detail, file, line, since_sha, since_at, fixed_at, revision) VALUES (?, ?, ?, '', ?, 7, 'c1', ?, ?, 1)", branch, id, state, r.File, r.First, r.Fixed)
	return id
}

func set[T comparable](field *T, usual T) {
	if zero := *new(T); *field == zero {
		*field = usual
	}
}

// Scanned records that the default branch of a repository was scanned, and what the scan said beside findings, JSON as jobs keep it.
func (e *Estate) Scanned(t testing.TB, repository store.ID, coverage string) {
	t.Helper()
	now := store.MillisOf(e.Store.Now())
	err := e.Store.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		ref, err := tx.SaveBlob(ctx, []byte(coverage))
		if err != nil {
			return err
		}
		_, err = tx.NewRaw("INSERT INTO commit_result (id, repository, sha, author, email, subject, committed_at, scan, scanned_at, findings, undecided, suppressed, problems, added, gone, result, coverage) "+
			"VALUES (?, ?, 'c1', 'Ada', 'ada@example.org', 'begin', ?, 0, ?, 0, 0, 0, 2, 0, 0, '', ?)", tx.Store.NewID(), repository, now, now, ref).Exec(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
