package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// ruleStates returns how the findings of a rule are, in the order in which they were added.
func ruleStates(t testing.TB, s *store.Store, rule string) []string {
	t.Helper()
	rows, err := s.DB.Query("SELECT severity, base_severity, status, mute_reason FROM finding WHERE rule = '" + rule + "' ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var severity, base int
		var status, reason string
		if err := rows.Scan(&severity, &base, &status, &reason); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprint(severity, " ", base, " ", status, " ", reason))
	}
	return out
}

func setRule(t testing.TB, s *store.Store, scope access.Scope, c store.RuleChange) (int, error) {
	t.Helper()
	var n int
	err := s.Write(context.Background(), store.Entry{Action: "rule.set", Organisation: store.ID(scope.Organisation)}, func(ctx context.Context, tx *store.Tx) (err error) {
		n, err = tx.SetRule(ctx, scope, c)
		return err
	})
	return n, err
}

func TestSetRule(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := storetest.NewEstate(t, s)
		const rule = "aws-s3-public-acl"
		e.Add(t, storetest.Row{})
		e.Add(t, storetest.Row{Team: e.Network})
		e.Add(t, storetest.Row{Repository: e.Ledger, Team: e.Data})
		e.Add(t, storetest.Row{Status: "fixed", Fixed: e.Day})
		e.Add(t, storetest.Row{Status: "muted", Reason: "risk-accepted"})
		e.Add(t, storetest.Row{Rule: "another"})
		all := access.Scope{Organisation: int64(e.Organisation), All: true}
		for _, step := range []struct {
			name   string
			change store.RuleChange
			n      int
			want   []string
		}{
			{"off for all", store.RuleChange{Off: true}, 3, []string{"4 4 muted rule-off", "4 4 muted rule-off", "4 4 muted rule-off", "4 4 fixed ", "4 4 muted risk-accepted"}},
			{"again", store.RuleChange{Off: true}, 0, []string{"4 4 muted rule-off", "4 4 muted rule-off", "4 4 muted rule-off", "4 4 fixed ", "4 4 muted risk-accepted"}},
			{"on, and worse, for a team", store.RuleChange{Team: e.Network, Severity: 5}, 1, []string{"4 4 muted rule-off", "5 4 open ", "4 4 muted rule-off", "4 4 fixed ", "4 4 muted risk-accepted"}},
			{"on for a repository", store.RuleChange{Repository: e.Ledger}, 1, []string{"4 4 muted rule-off", "5 4 open ", "4 4 open ", "4 4 fixed ", "4 4 muted risk-accepted"}},
			{"milder for all", store.RuleChange{Severity: 2}, 2, []string{"2 4 open ", "5 4 open ", "4 4 open ", "4 4 fixed ", "2 4 muted risk-accepted"}},
			{"the repository as the others", store.RuleChange{Repository: e.Ledger, Inherit: true}, 1, []string{"2 4 open ", "5 4 open ", "2 4 open ", "4 4 fixed ", "2 4 muted risk-accepted"}},
			{"as the rule says", store.RuleChange{Inherit: true}, 3, []string{"4 4 open ", "5 4 open ", "4 4 open ", "4 4 fixed ", "4 4 muted risk-accepted"}},
		} {
			c := step.change
			c.Rule, c.Reason, c.By = rule, "tried", "ada"
			preview, err := s.PreviewRule(t.Context(), all, c)
			if err != nil {
				t.Fatal(err)
			}
			n, err := setRule(t, s, all, c)
			if err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			if diff := cmp.Diff(step.want, ruleStates(t, s, rule)); diff != "" {
				t.Errorf("%s: %s", step.name, diff)
			}
			if n != step.n || preview.Changed != n {
				t.Errorf("%s: %d changed, foreseen were %d, want %d", step.name, n, preview.Changed, step.n)
			}
		}
		if got := ruleStates(t, s, "another"); got[0] != "4 4 open " {
			t.Errorf("another rule's finding: %s", got)
		}
		var kinds []string
		if err := s.DB.NewRaw("SELECT e.kind FROM event e JOIN finding f ON f.id = e.finding WHERE f.team = ? ORDER BY e.id", e.Network).Scan(t.Context(), &kinds); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"muted", "severity", "restored"}, kinds); diff != "" {
			t.Errorf("timeline: %s", diff)
		}
		var revision, highest int64
		if err := s.DB.NewRaw("SELECT o.revision, max(f.revision) FROM organisation o JOIN finding f ON f.organisation = o.id WHERE o.id = ? GROUP BY o.revision", e.Organisation).Scan(t.Context(), &revision, &highest); err != nil {
			t.Fatal(err)
		}
		if revision != 7 || highest != revision {
			t.Errorf("revision %d, newest finding %d, want 7 both", revision, highest)
		}
	})
}

// TestPreviewRule: the numbers of a preview are those of the rule's page; what only other branches have, and what is undecided, is counted apart.
func TestPreviewRule(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := storetest.NewEstate(t, s)
		all := access.Scope{Organisation: int64(e.Organisation), All: true}
		for range 7 {
			e.Add(t, storetest.Row{Severity: 3})
		}
		for range 5 {
			e.Do(t, "UPDATE finding SET on_default = 0 WHERE id = ?", e.Add(t, storetest.Row{Severity: 3}))
		}
		e.Add(t, storetest.Row{Severity: 3, Outcome: "undecided"})
		tallies, err := s.RuleTallies(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.PreviewRule(t.Context(), all, store.RuleChange{Rule: "aws-s3-public-acl", Severity: 4})
		if err != nil {
			t.Fatal(err)
		}
		want := &store.RulePreview{Now: []store.RuleCount{{Severity: 3, Name: "medium", Status: "open", Count: 7}}, After: []store.RuleCount{{Severity: 4, Name: "high", Status: "open", Count: 7}},
			Changed: 13, Undecided: 1, Elsewhere: 5}
		if diff := cmp.Diff(want, p); diff != "" {
			t.Error(diff)
		}
		if got := tallies["aws-s3-public-acl"]; got.Open != 7 || got.Undecided != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestSetRule_refuses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e, other := storetest.NewEstate(t, s), storetest.NewEstate(t, s)
		all := access.Scope{Organisation: int64(e.Organisation), All: true}
		team := access.Scope{Organisation: int64(e.Organisation), Teams: []int64{int64(e.Network)}}
		bound := access.Scope{Organisation: int64(e.Organisation), All: true, Repository: int64(e.Shop)}
		for _, c := range []struct {
			name   string
			scope  access.Scope
			change store.RuleChange
			kind   store.FaultKind // "" when it is allowed
		}{
			{"own team", team, store.RuleChange{Team: e.Network, Off: true}, ""},
			{"other team", team, store.RuleChange{Team: e.Data, Off: true}, store.NotFound},
			{"a team for all", team, store.RuleChange{Off: true}, store.Forbidden},
			{"a team for a repository", team, store.RuleChange{Repository: e.Shop, Off: true}, store.Forbidden},
			{"other organisation's team", all, store.RuleChange{Team: other.Network, Off: true}, store.NotFound},
			{"other organisation's repository", all, store.RuleChange{Repository: other.Shop, Off: true}, store.NotFound},
			{"a bound token, its repository", bound, store.RuleChange{Repository: e.Shop, Off: true}, ""},
			{"a bound token, another", bound, store.RuleChange{Repository: e.Ledger, Off: true}, store.NotFound},
			{"a bound token for all", bound, store.RuleChange{Off: true}, store.Forbidden},
			{"a bound token for a team", bound, store.RuleChange{Team: e.Network, Off: true}, store.NotFound},
			{"two places", all, store.RuleChange{Repository: e.Shop, Team: e.Network}, store.Invalid},
			{"no severity", all, store.RuleChange{Severity: 6}, store.Invalid},
			{"nothing to take away", all, store.RuleChange{Inherit: true}, store.Conflict},
		} {
			c.change.Rule, c.change.Reason = "r", "tried"
			_, err := setRule(t, s, c.scope, c.change)
			fault, _ := errors.AsType[*store.Fault](err)
			if err != nil && fault == nil || fault == nil && c.kind != "" || fault != nil && fault.Kind != c.kind {
				t.Errorf("%s: %v, want %q", c.name, err, c.kind)
			}
		}
		if _, err := setRule(t, s, all, store.RuleChange{Rule: "r", Off: true, Reason: " "}); err == nil {
			t.Error("no reason: want it refused")
		}
	})
}

// TestSettleRules: whatever was decided in whatever order, findings are as the settings that are left say, and settling again changes nothing.
func TestSettleRules(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	rapid.Check(t, func(r *rapid.T) {
		e := storetest.NewEstate(t, s)
		rule := "rule-" + e.Organisation.String()
		all := access.Scope{Organisation: int64(e.Organisation), All: true}
		for range 6 {
			e.Add(t, storetest.Row{Rule: rule, Repository: rapid.SampledFrom([]store.ID{e.Shop, e.Ledger}).Draw(r, "repository"), Team: rapid.SampledFrom([]store.ID{0, e.Network, e.Data}).Draw(r, "team"),
				Severity: rapid.Int64Range(1, 5).Draw(r, "severity")})
		}
		before := ruleStates(t, s, rule)
		places := []store.RuleChange{{}, {Team: e.Network}, {Team: e.Data}, {Repository: e.Shop}, {Repository: e.Ledger}}
		set := make(map[int]bool)
		for range rapid.IntRange(0, 6).Draw(r, "changes") {
			at := rapid.IntRange(0, len(places)-1).Draw(r, "place")
			c := places[at]
			c.Rule, c.Reason, c.Off, c.Severity = rule, "x", rapid.Bool().Draw(r, "off"), rapid.Int64Range(0, 5).Draw(r, "to")
			c.Inherit = set[at] && rapid.Bool().Draw(r, "inherit")
			preview, err := s.PreviewRule(t.Context(), all, c)
			if err != nil {
				r.Fatal(err)
			}
			n, err := setRule(t, s, all, c)
			if err != nil || n != preview.Changed {
				r.Fatalf("%d changed, foreseen %d: %v", n, preview.Changed, err)
			}
			set[at] = !c.Inherit
			again := 0
			if err := s.Quiet(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
				again, err = tx.SettleRules(ctx, store.RuleTarget{Organisation: e.Organisation})
				return err
			}); err != nil || again != 0 {
				r.Fatalf("settled again, %d changed: %v", again, err)
			}
		}
		for at := range places {
			if c := places[at]; set[at] {
				c.Rule, c.Reason, c.Inherit = rule, "x", true
				if _, err := setRule(t, s, all, c); err != nil {
					r.Fatal(err)
				}
			}
		}
		if diff := cmp.Diff(before, ruleStates(t, s, rule)); diff != "" {
			r.Fatalf("everything taken back: %s", diff)
		}
	})
}
