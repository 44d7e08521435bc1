package store_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/query"
	"plumbline.dev/plumbline/store"
)

// randomEstate adds findings of every kind over the last 200 days.
func randomEstate(t testing.TB, e *storetest.Estate, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	now := store.MillisOf(e.Store.Now())
	for range n {
		row := storetest.Row{
			Repository: []store.ID{e.Shop, e.Ledger}[r.IntN(2)], Team: []store.ID{0, e.Network, e.Data}[r.IntN(3)], Severity: 1 + r.Int64N(5),
			Rule: []string{"aws-s3-public-acl", "own-rule", "other-rule"}[r.IntN(3)], Outcome: []string{"fail", "fail", "fail", "undecided"}[r.IntN(4)],
			First: now - store.Millis(r.Int64N(200*24*3600*1000)), File: []string{"main.tf", "net/vpc.tf"}[r.IntN(2)],
		}
		later := row.First + store.Millis(r.Int64N(int64(now-row.First)+1))
		switch r.IntN(4) {
		case 0:
			row.Status, row.Fixed = "fixed", later
			if r.IntN(10) == 0 { // somebody's clock is ahead
				row.Fixed = now + 30*e.Day
			}
		case 1:
			row.Status, row.Reason, row.MutedAt = "muted", "risk-accepted", later
		}
		e.Add(t, row)
	}
}

func mustParse(t testing.TB, text string) *query.Query {
	t.Helper()
	q, err := query.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return q
}

// TestOverviewAgrees runs the query of each number and compares it with the number.
func TestOverviewAgrees(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := storetest.NewEstate(t, s)
		randomEstate(t, e, 200)
		now := s.Now()
		for _, c := range []struct {
			name, query string
			scope       access.Scope
		}{
			{"everything", "", access.Scope{All: true}},
			{"a query", `repo:shop severity:>=medium "read"`, access.Scope{All: true}},
			{"a branch", "branch:main -rule:own-rule", access.Scope{All: true}},
			{"a team", "", access.Scope{Teams: []int64{int64(e.Network)}}},
			{"a repository", "file:net/**", access.Scope{All: true, Repository: int64(e.Ledger)}},
			{"nothing", "repo:none", access.Scope{All: true}},
		} {
			t.Run(c.name, func(t *testing.T) {
				c.scope.Organisation = int64(e.Organisation)
				o, err := s.Overview(t.Context(), store.FindingSearch{Scope: c.scope, Query: mustParse(t, c.query)}, store.OverviewSpan{From: now.AddDate(0, 0, -89), To: now})
				if err != nil {
					t.Fatal(err)
				}
				checked := 0
				agree := func(what string, n int, query string) {
					t.Helper()
					checked++
					found, err := s.CountFindings(t.Context(), store.FindingSearch{Scope: c.scope, Query: mustParse(t, query)})
					if err != nil || found != n {
						t.Errorf("%s: %d, but %s lists %d (%v)", what, n, query, found, err)
					}
				}
				agree("open", o.Open.Count, o.Open.Query)
				agree("undecided", o.Undecided.Count, o.Undecided.Query)
				agree("muted", o.Muted.Count, o.Muted.Query)
				agree("new", o.New.Count, o.New.Query)
				agree("fixed", o.Fixed.Count, o.Fixed.Query)
				sum, came, went := 0, 0, 0
				for _, v := range o.Severities {
					agree(v.Severity, v.Count, v.Query)
					sum += v.Count
				}
				for _, v := range o.Remediation {
					agree("fixed "+v.Severity, v.Fixed, v.Query)
				}
				for _, w := range o.Weeks {
					agree("new in a week", w.New.Count, w.New.Query)
					agree("fixed in a week", w.Fixed.Count, w.Fixed.Query)
					came, went = came+w.New.Count, went+w.Fixed.Count
				}
				for _, r := range o.Repositories {
					agree(r.Name, r.Count, r.Query)
				}
				for _, r := range o.Rules {
					agree(r.Rule, r.Count, r.Query)
				}
				if sum != o.Open.Count || came != o.New.Count || went != o.Fixed.Count || checked < 30 {
					t.Errorf("parts %d %d %d, wholes %d %d %d, %d checked", sum, came, went, o.Open.Count, o.New.Count, o.Fixed.Count, checked)
				}
				last := o.Days[len(o.Days)-1].Open
				now := store.Tally{Critical: o.Severities[0].Count, High: o.Severities[1].Count, Medium: o.Severities[2].Count, Low: o.Severities[3].Count, Info: o.Severities[4].Count}
				if diff := cmp.Diff(now, last); diff != "" {
					t.Errorf("the line does not end where things are: %s", diff)
				}
			})
		}
	})
}

// TestOverviewDays compares the line with what is counted finding by finding, for spans with and without a step.
func TestOverviewDays(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	e := storetest.NewEstate(t, s)
	randomEstate(t, e, 150)
	const day = 24 * 3600 * 1000
	var rows []struct {
		Severity                     int64
		Status                       string
		FirstSeenAt, FixedAt, MuteAt store.Millis
	}
	if err := s.DB.NewRaw("SELECT severity, status, first_seen_at, fixed_at, mute_at FROM finding WHERE outcome = 'fail'").Scan(context.Background(), &rows); err != nil {
		t.Fatal(err)
	}
	now := s.Now()
	for _, days := range []int{1, 30, 120, 121, 400} {
		o, err := s.Overview(t.Context(), store.FindingSearch{Scope: access.Scope{Organisation: int64(e.Organisation), All: true}}, store.OverviewSpan{From: now.AddDate(0, 0, 1-days), To: now})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(o.Days); n > 120 || n < min(days, 60) {
			t.Errorf("%d days: %d points", days, n)
		}
		for _, d := range o.Days {
			var want [6]int
			for _, r := range rows {
				end := d.Day + day // midnight after it
				left := r.Status == "fixed" && min(r.FixedAt, store.MillisOf(now)) < end || r.Status == "muted" && r.MuteAt < end
				if r.FirstSeenAt < end && !left {
					want[r.Severity]++
				}
			}
			if diff := cmp.Diff(store.Tally{Critical: want[5], High: want[4], Medium: want[3], Low: want[2], Info: want[1]}, d.Open); diff != "" {
				t.Fatalf("%d days, %s: %s", days, d.Day.Time(), diff)
			}
		}
	}
	if _, err := s.Overview(t.Context(), store.FindingSearch{Scope: access.Scope{Organisation: int64(e.Organisation), All: true}}, store.OverviewSpan{From: now, To: now.AddDate(0, 0, -1)}); err == nil {
		t.Error("a span that ends before it begins: want it refused")
	}
}

// TestOverviewFigures holds figures that can be worked out by hand.
func TestOverviewFigures(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	e := storetest.NewEstate(t, s)
	at := func(text string) store.Millis {
		v, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return store.MillisOf(v)
	}
	e.Add(t, storetest.Row{First: at("2026-01-05 00:00:00"), Status: "fixed", Fixed: at("2026-01-05 01:00:00")}) // a Monday
	e.Add(t, storetest.Row{First: at("2026-01-05 00:00:00"), Status: "fixed", Fixed: at("2026-01-07 00:00:00")})
	e.Add(t, storetest.Row{First: at("2026-01-06 00:00:00"), Status: "fixed", Fixed: at("2026-01-11 23:59:59"), Severity: 4})
	e.Add(t, storetest.Row{First: at("2026-01-04 23:59:59"), Severity: 5, Address: "oldest critical"})
	e.Add(t, storetest.Row{First: at("2025-12-01 00:00:00"), Severity: 1, Repository: e.Ledger})
	e.Add(t, storetest.Row{First: at("2026-01-06 00:00:00"), Severity: 3, Outcome: "undecided"})
	o, err := s.Overview(t.Context(), store.FindingSearch{Scope: access.Scope{Organisation: int64(e.Organisation), All: true}}, store.OverviewSpan{From: at("2026-01-01 12:00:00").Time(), To: at("2026-01-12 12:00:00").Time()})
	if err != nil {
		t.Fatal(err)
	}
	type week struct {
		from, to   string
		new, fixed int
	}
	var weeks []week
	for _, w := range o.Weeks {
		weeks = append(weeks, week{w.From.Time().Format(time.DateOnly), w.To.Time().Format(time.DateOnly), w.New.Count, w.Fixed.Count})
	}
	if diff := cmp.Diff([]week{{"2026-01-01", "2026-01-05", 1, 0}, {"2026-01-05", "2026-01-12", 3, 3}, {"2026-01-12", "2026-01-13", 0, 0}}, weeks, cmp.AllowUnexported(week{})); diff != "" {
		t.Error(diff)
	}
	high := o.Remediation[1]
	if hour := int64(3600); high.Severity != "high" || high.Fixed != 3 || high.Median != 48*hour || high.Mean != (hour+48*hour+143*hour+hour-1)/3 {
		t.Errorf("%+v", high)
	}
	if len(o.Repositories) != 2 || o.Repositories[0].Name != "shop" || o.Repositories[0].Score != 100 || o.Repositories[1].Score != 0 {
		t.Errorf("%+v", o.Repositories)
	}
	if len(o.Oldest) != 2 || o.Oldest[0].Address != "oldest critical" || o.Undecided.Count != 1 {
		t.Errorf("%+v", o.Oldest)
	}
}
