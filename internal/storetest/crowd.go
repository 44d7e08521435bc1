package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"plumbline.dev/plumbline/store"
)

// Crowd is made-up findings, as skewed as real ones: few rules and repositories have most of them. Equal crowds are equal.
type Crowd struct {
	Organisations []int     // how many findings each has
	Now           time.Time // the newest finding is of then; zero is 2026-11-22
	Rules         []string  // ids, the most frequent first; nil makes 600 up
	Detail        []byte    // JSON of every finding; nil is an empty object
}

// Made is what Fill made.
type Made struct {
	Organisations []store.ID
	Repositories  [][]store.ID // by organisation
	Teams         [][]store.ID
	People        []store.ID
	First         []store.ID // id of the first finding of each organisation; the others follow one by one
}

// names of what is made up.
var (
	topics    = []string{"aws-s3-public", "aws-ec2-open", "aws-iam-wildcard", "azure-storage-http", "google-sql-public", "kubernetes-root", "docker-latest", "ci-unpinned"}
	types     = []string{"aws_s3_bucket", "aws_instance", "aws_security_group", "aws_iam_policy", "azurerm_storage_account", "google_sql_database_instance", "k8s_container", "dockerfile_stage", "ci_step"}
	areas     = []string{"access-control", "encryption", "network", "logging", "secrets", "resilience", "supply-chain", "configuration", "cost-and-tags"}
	providers = []string{"aws", "aws", "aws", "azurerm", "google", "kubernetes", "docker", "pipelines"}
	dialects  = []string{"terraform", "terraform", "terraform", "cloudformation", "kubernetes", "helm", "dockerfile", "github-actions"}
	folders   = []string{"modules/network", "modules/storage", "live/prod/eu-west-1", "live/prod/us-east-1", "live/stage", "services/api/deploy", "services/web/deploy", "charts/app/templates", "platform/base"}
	reasons   = []string{"false-positive", "risk-accepted", "pending-fix", "no-fix", "duplicate", "other", "code"}
)

// crowdColumns are the columns that Fill writes, in its order.
var crowdColumns = strings.Fields(`id organisation repository fingerprint twin rule outcome severity base_severity category provider dialect resource_type address attribute
	unit file line message team has_fix detail status on_default first_seen_at last_seen_at fixed_at introduced_sha introduced_author introduced_at fixed_sha fixed_author
	assignee mute_reason mute_comment mute_until mute_by mute_at revision`)

// Fill makes a crowd in an empty database. Ten of a hundred thousand findings a second are to be expected.
func Fill(t testing.TB, s *store.Store, e Crowd) Made {
	t.Helper()
	ctx := context.Background()
	if e.Now.IsZero() {
		e.Now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	}
	if e.Rules == nil {
		for i := range 600 {
			e.Rules = append(e.Rules, fmt.Sprintf("%s-%d", topics[i%len(topics)], i/len(topics)))
		}
	}
	if e.Detail == nil {
		e.Detail = []byte("{}")
	}
	out := Made{}
	random := rand.New(rand.NewPCG(1, 2))
	for o, size := range e.Organisations {
		repositories := max(size/500, 3)
		teams := max(repositories/40, 2)
		m := maker{Crowd: e, random: random, size: size, organisation: store.ID(o + 1), next: store.ID(1 + (o+1)<<32),
			zipfRule: rand.NewZipf(random, 1.2, 8, uint64(len(e.Rules)-1)), zipfRepository: rand.NewZipf(random, 1.1, 20, uint64(repositories-1))}
		out.Organisations = append(out.Organisations, m.organisation)
		err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
			do := func(query string, args ...any) {
				if _, err := tx.NewRaw(query, args...).Exec(ctx); err != nil {
					t.Fatalf("%s: %v", query, err)
				}
			}
			do("INSERT INTO organisation (id, name, revision, created_at) VALUES (?, ?, 1, 1)", m.organisation, fmt.Sprintf("org-%d", o))
			if o == 0 {
				for p := range 20 {
					id := store.ID(1000 + p)
					out.People = append(out.People, id)
					do("INSERT INTO person (id, email, name, created_at) VALUES (?, ?, ?, 1)", id, fmt.Sprintf("person-%d@example.org", p), fmt.Sprintf("Person %d", p))
				}
				var err error
				if m.detail, err = tx.SaveBlob(ctx, e.Detail); err != nil {
					return err
				}
			}
			for i := range teams {
				id := store.ID(int64(m.organisation)<<20 | int64(i))
				m.teams = append(m.teams, id)
				do("INSERT INTO team (id, organisation, name, created_at) VALUES (?, ?, ?, 1)", id, m.organisation, fmt.Sprintf("team-%d", i))
			}
			for i := range repositories {
				id := store.ID(int64(m.organisation)<<24 | int64(i))
				m.repositories = append(m.repositories, id)
				do("INSERT INTO repository (id, organisation, name, address, default_branch, created_at) VALUES (?, ?, ?, '', 'main', 1)", id, m.organisation, fmt.Sprintf("%s/repo-%d", []string{"payments", "platform", "web", "data"}[i%4], i))
				do("INSERT INTO branch (id, repository, name, head, is_default, head_at) VALUES (?, ?, 'main', 'a', 1, 1), (?, ?, 'develop', 'b', 0, 1)", 2*id, id, 2*id+1, id)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if m.detail == "" {
			if err := s.DB.NewRaw("SELECT hash FROM blob LIMIT 1").Scan(ctx, &m.detail); err != nil {
				t.Fatal(err)
			}
		}
		out.First, out.Repositories, out.Teams = append(out.First, m.next), append(out.Repositories, m.repositories), append(out.Teams, m.teams)
		m.people = out.People
		m.write(t, s)
	}
	return out
}

// maker makes the findings of one organisation.
type maker struct {
	Crowd
	random                   *rand.Rand
	zipfRule, zipfRepository *rand.Zipf
	organisation, next       store.ID
	repositories, teams      []store.ID
	people                   []store.ID
	detail                   string
	size, made               int
	row                      []any
}

func (m *maker) write(t testing.TB, s *store.Store) {
	ctx := context.Background()
	if s.Pool != nil {
		if _, err := s.Pool.CopyFrom(ctx, pgx.Identifier{"finding"}, crowdColumns, m); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Pool.Exec(ctx, "ANALYZE finding"); err != nil {
			t.Fatal(err)
		}
		return
	}
	var tx *sql.Tx
	var err error
	if tx, err = s.Queue.Begin(); err == nil {
		defer tx.Rollback()
		var insert *sql.Stmt
		if insert, err = tx.Prepare("INSERT INTO finding (" + strings.Join(crowdColumns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(crowdColumns)-1) + ")"); err == nil {
			for m.Next() && err == nil {
				_, err = insert.Exec(m.row...)
			}
			if err == nil {
				err = tx.Commit()
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Next makes the next row.
func (m *maker) Next() bool {
	if m.made == m.size {
		return false
	}
	r := m.random
	rule := int(m.zipfRule.Uint64())
	repository := int(m.zipfRepository.Uint64())
	topic := rule % len(topics)
	folder := folders[r.IntN(len(folders))]
	block := r.IntN(max(m.size/len(m.repositories)/4, 1))
	address := fmt.Sprintf("module.%s.%s.%s_%d", []string{"vpc", "app", "data", "edge"}[block%4], types[(rule+block)%len(types)], []string{"logs", "assets", "main", "backup"}[block/4%4], block)
	at := m.Now.Add(-time.Duration(r.ExpFloat64()*120*24) * time.Hour).UnixMilli()
	status, reason, by, until, fixed, muted := "open", "", "", int64(0), int64(0), int64(0)
	switch n := r.IntN(100); {
	case n < 35:
		status, fixed = "fixed", at+r.Int64N(90*86400_000)
	case n < 50:
		status, reason, by, muted = "muted", reasons[r.IntN(len(reasons))], "person-1@example.org", at+1000
		if r.IntN(3) == 0 {
			until = m.Now.UnixMilli() + r.Int64N(60*86400_000)
		}
	}
	outcome := "fail"
	if r.IntN(12) == 0 {
		outcome = "undecided"
	}
	team, assignee := int64(m.teams[repository%len(m.teams)]), int64(0)
	if r.IntN(10) == 0 {
		team = 0
	}
	if r.IntN(20) == 0 {
		assignee = int64(m.people[r.IntN(len(m.people))])
	}
	severity := []int{5, 4, 4, 3, 3, 3, 2, 2, 1}[rule%9]
	file := fmt.Sprintf("%s/%s_%d.tf", folder, []string{"main", "storage", "network", "iam"}[block%4], block/8)
	m.row = []any{int64(m.next), int64(m.organisation), int64(m.repositories[repository]), fmt.Sprintf("f%d", m.next), "t", m.Rules[rule], outcome, severity, severity,
		areas[topic], providers[topic], dialects[topic], types[(rule+block)%len(types)], address, "acl", folder, file, 1 + r.IntN(400),
		fmt.Sprintf("The %s is open to the internet through attribute %d", types[(rule+block)%len(types)], rule), team, r.IntN(2), m.detail, status, 1 - r.IntN(50)/49,
		at, max(at, fixed), fixed, fmt.Sprintf("%040x", at/86400_000), fmt.Sprintf("Author %d", r.IntN(200)), at, "", "", assignee,
		reason, "", until, by, muted, 1}
	m.next++
	m.made++
	return true
}

// Values returns the row for pgx.
func (m *maker) Values() ([]any, error) {
	for i, v := range m.row {
		if n, ok := v.(int); ok {
			m.row[i] = int64(n)
		}
	}
	return m.row, nil
}

// Err is never.
func (m *maker) Err() error { return nil }
