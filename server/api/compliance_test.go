package api_test

import (
	"encoding/csv"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

type numbered struct {
	Count int
	Query string
}

type frameworkAnswer struct {
	Framework struct {
		ID       string
		Controls map[string]int
		Judged   int
		Total    int
		Score    *float64
		Query    string
	}
	Controls []struct {
		ID, Status                 string
		Fails, Undecided, Accepted numbered
		Judged                     int
		Rules                      []struct {
			ID     string
			Judged int
			Off    bool
		}
	}
	Scope struct {
		Repositories, Scanned int
		Evidence              []struct{ Name, SHA string }
	}
}

// total is how many findings the API lists for a query.
func (c *client) total(q string) int {
	c.t.Helper()
	var page struct{ Total int }
	c.call("GET", "/api/findings?limit=1&q="+url.QueryEscape(q), nil, 200, &page)
	return page.Total
}

// TestCompliance: each control by what its rules say, and never a pass without a judgement.
func TestCompliance(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	e := storetest.NewEstate(t, s)
	c := newClient(t, s, maintainer(e))
	statuses := func(q string) (map[string]string, frameworkAnswer) {
		t.Helper()
		var a frameworkAnswer
		c.call("GET", "/api/compliance/cis-aws-3.0.0?q="+url.QueryEscape(q), nil, 200, &a)
		out := map[string]string{}
		for _, control := range a.Controls {
			out[control.ID] = control.Status
			for _, n := range []numbered{control.Fails, control.Undecided, control.Accepted} {
				if n.Count > 0 || control.Status == "pass" {
					if got := c.total(n.Query); got != n.Count {
						t.Errorf("%s: %d, but %s lists %d", control.ID, n.Count, n.Query, got)
					}
				}
			}
		}
		return out, a
	}
	want := func(name, q string, want map[string]string) {
		t.Helper()
		got, _ := statuses(q)
		for id, status := range want {
			if got[id] != status {
				t.Errorf("%s: %s is %q, want %q", name, id, got[id], status)
			}
		}
	}
	// 2.1.4 is served by aws-s3-public-acl among others, 2.2.1 by aws-ec2-ebs-… ; 1.1 by no rule.
	want("nothing scanned", "", map[string]string{"2.1.4": "uncovered", "1.1": "no-rule"})
	e.Scanned(t, e.Shop, `{"Coverage":{"Files":3,"Resources":7},"Judged":["aws-s3-public-acl"],"Problems":[{}]}`)
	want("judged", "", map[string]string{"2.1.4": "pass", "5.6": "uncovered"})
	want("judged elsewhere only", "repo:ledger", map[string]string{"2.1.4": "uncovered"})
	want("a team, and nobody knows in which files", "team:network", map[string]string{"2.1.4": "uncovered"})
	want("a team that does not", "team:data", map[string]string{"2.1.4": "uncovered"})

	e.Add(t, storetest.Row{Status: "muted", Reason: "risk-accepted"})
	bump(t, e)
	want("muted", "", map[string]string{"2.1.4": "accepted"})
	e.Add(t, storetest.Row{Outcome: "undecided"})
	bump(t, e)
	want("undecided", "", map[string]string{"2.1.4": "undecided"})
	e.Add(t, storetest.Row{Repository: e.Ledger})
	bump(t, e)
	want("failing", "", map[string]string{"2.1.4": "fail"})
	want("failing elsewhere", "repo:shop", map[string]string{"2.1.4": "undecided"})

	_, a := statuses("")
	counts, sum := map[string]int{}, 0
	for _, control := range a.Controls {
		counts[map[string]string{"no-rule": "noRule"}[control.Status]+strings.Replace(control.Status, "no-rule", "", 1)]++
	}
	for status, n := range a.Framework.Controls {
		sum += n
		if n != counts[status] {
			t.Errorf("%d controls %s, the list has %d", n, status, counts[status])
		}
	}
	if sum != a.Framework.Total || sum != len(a.Controls) || a.Framework.Score == nil || *a.Framework.Score != 0 || a.Framework.Judged != 1 {
		t.Errorf("%+v", a.Framework)
	}
	if diff := cmp.Diff([]struct{ Name, SHA string }{{"ledger", ""}, {"shop", "c1"}}, a.Scope.Evidence); diff != "" || a.Scope.Scanned != 1 {
		t.Error(diff)
	}
	if got := c.total(a.Framework.Query); got != 1 {
		t.Errorf("%s lists %d, want 1", a.Framework.Query, got)
	}
	c.call("GET", "/api/compliance/cis-aws-3.0.0?q=severity:high", nil, 422, nil)
	c.call("GET", "/api/compliance/cis-aws-9", nil, 404, nil)

	var list struct {
		Items []struct {
			ID    string
			Score *float64
		}
	}
	c.call("GET", "/api/compliance", nil, 200, &list)
	if len(list.Items) < 10 || list.Items[0].Score != nil && *list.Items[0].Score != 0 {
		t.Errorf("%+v", list.Items)
	}

	// A team's viewer sees its own repositories and findings only.
	c.who = access.Subject{Kind: "person", ID: 8, Organisation: int64(e.Organisation), Teams: map[int64]access.Role{int64(e.Data): access.Viewer}}
	got, a := statuses("")
	if got["2.1.4"] != "uncovered" || a.Scope.Repositories != 1 {
		t.Errorf("another team: %s in %d repositories", got["2.1.4"], a.Scope.Repositories)
	}
}

// TestComplianceScope: what is said for a team or a branch rests on what was judged there, on nothing else.
func TestComplianceScope(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := storetest.NewEstate(t, s)
		c := newClient(t, s, maintainer(e))
		status := func(q string) string {
			t.Helper()
			var a struct {
				Control struct{ Status string }
			}
			c.call("GET", "/api/compliance/cis-aws-3.0.0/controls/2.1.4?q="+url.QueryEscape(q), nil, 200, &a)
			return a.Control.Status
		}
		all := func(name string, want map[string]string) {
			t.Helper()
			got := map[string]string{}
			for q := range want {
				got[q] = status(q)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		e.Scanned(t, e.Shop, `{"Coverage":{},"Judged":["aws-rds-public","aws-s3-public-acl"],"Grounds":[{"Rules":[0],"Files":["net/db.tf"]},{"Rules":[0,1],"Files":["main.tf"]}]}`)
		all("the rule judged what nobody owns", map[string]string{"": "pass", "repo:shop": "pass", "repo:shop team:none": "pass", "team:network": "uncovered", "team:network repo:shop": "uncovered", "-team:network": "pass", "-team:none": "uncovered"})
		e.Add(t, storetest.Row{File: "main.tf"})
		bump(t, e)
		all("it fails there", map[string]string{"": "fail", "team:none": "fail", "team:network": "uncovered", "-team:none": "uncovered"})

		// The team gets the file: what was judged is the team's, and so is the fail.
		e.Do(t, "INSERT INTO ownership (id, organisation, team, repository, path, position) VALUES (?, ?, ?, ?, 'main.tf', 3)", s.NewID(), e.Organisation, e.Network, e.Shop)
		e.Do(t, "UPDATE finding SET team = ?", e.Network)
		bump(t, e)
		all("it is the team's", map[string]string{"": "fail", "team:network": "fail", "team:none": "uncovered"})
		e.Do(t, "UPDATE finding SET status = 'fixed', fixed_at = ? ", store.MillisOf(s.Now()))
		bump(t, e)
		all("it is fixed", map[string]string{"": "pass", "team:network": "pass", "team:none": "uncovered", "team:data": "uncovered"})

		// Somebody of a team sees what the team's files say.
		c.who = access.Subject{Kind: "person", ID: 8, Organisation: int64(e.Organisation), Teams: map[int64]access.Role{int64(e.Network): access.Viewer}}
		all("for a member", map[string]string{"": "pass"})
		e.Do(t, "DELETE FROM ownership WHERE path = 'main.tf'")
		all("for a member, when the file is nobody's", map[string]string{"": "uncovered"})

		// A branch that was scanned, one that was not, and one that is not there.
		c.who = maintainer(e)
		for _, b := range []struct{ name, scanned string }{{"feature", "c2"}, {"idea", ""}} {
			e.Do(t, "INSERT INTO branch (id, repository, name, head, scanned, is_default, head_at) VALUES (?, ?, ?, 'c2', ?, 0, 1)", s.NewID(), e.Shop, b.name, b.scanned)
		}
		all("on branches", map[string]string{"branch:main": "pass", "branch:feature": "uncovered", "branch:idea": "uncovered", "branch:nowhere": "uncovered", "branch:main,idea": "pass"})
	})
}

// TestComplianceSubject: a benchmark of a managed cluster has no score where only manifests were judged.
func TestComplianceSubject(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	e := storetest.NewEstate(t, s)
	c := newClient(t, s, maintainer(e))
	ask := func() (absent bool, judged int, score *float64, overview bool) {
		t.Helper()
		var a struct {
			Framework struct {
				Absent bool
				Judged int
				Score  *float64
			}
		}
		c.call("GET", "/api/compliance/cis-gke-1.6.0", nil, 200, &a)
		var o struct{ Compliance []struct{ ID string } }
		c.call("GET", "/api/overview", nil, 200, &o)
		for _, f := range o.Compliance {
			overview = overview || f.ID == "cis-gke-1.6.0"
		}
		return a.Framework.Absent, a.Framework.Judged, a.Framework.Score, overview
	}
	e.Scanned(t, e.Shop, `{"Coverage":{},"Judged":["k8s-anonymous-binding","k8s-cluster-admin-binding"]}`)
	if absent, judged, score, overview := ask(); !absent || judged == 0 || score != nil || overview {
		t.Errorf("manifests only: %v %d %v %v", absent, judged, score, overview)
	}
	if page := c.call("GET", "/api/compliance/cis-gke-1.6.0/report", nil, 200, nil); !strings.Contains(page, "no score") {
		t.Error("the report does not say that there is no score")
	}
	e.Scanned(t, e.Ledger, `{"Coverage":{},"Judged":["gcp-gke-shielded-nodes-off"]}`)
	if absent, judged, score, overview := ask(); absent || judged == 0 || score == nil || !overview {
		t.Errorf("a cluster too: %v %d %v %v", absent, judged, score, overview)
	}
}

// bump tells the columns in memory that findings changed.
func bump(t *testing.T, e *storetest.Estate) {
	t.Helper()
	e.Do(t, "UPDATE organisation SET revision = revision + 1 WHERE id = ?", e.Organisation)
	e.Do(t, "UPDATE finding SET revision = (SELECT revision FROM organisation WHERE id = ?) WHERE organisation = ?", e.Organisation, e.Organisation)
}

func TestControlAndReport(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	e := storetest.NewEstate(t, s)
	e.Scanned(t, e.Shop, `{"Coverage":{"Files":3,"Resources":7},"Judged":["aws-s3-public-acl"]}`)
	hostile := `<script>alert(1)</script>` + "\u202e"
	e.Add(t, storetest.Row{Status: "muted", Reason: "risk-accepted", Address: hostile})
	e.Do(t, "UPDATE finding SET mute_comment = ?, mute_by = 'ada@example.org', mute_until = 1900000000000", "=cmd|' /C calc'!A0 <b>x</b>")
	c := newClient(t, s, maintainer(e))

	var control struct {
		Control  struct{ Status string }
		Evidence []struct {
			Name   string
			Judged []string
		}
		Exceptions []store.FindingRow
	}
	c.call("GET", "/api/compliance/cis-aws-3.0.0/controls/2.1.4", nil, 200, &control)
	if control.Control.Status != "accepted" || len(control.Exceptions) != 1 || control.Exceptions[0].Mute.By != "ada@example.org" || control.Evidence[0].Name != "shop" || len(control.Evidence[0].Judged) != 1 || len(control.Evidence[1].Judged) != 0 {
		t.Errorf("%+v", control)
	}
	c.call("GET", "/api/compliance/hipaa/controls/164.312(a)(1)", nil, 200, &control)
	c.call("GET", "/api/compliance/hipaa/controls/9", nil, 404, nil)

	page := c.call("GET", "/api/compliance/cis-aws-3.0.0/report?q=repo:shop", nil, 200, nil)
	for _, has := range []string{"CIS", "2.1.4", "Accepted", "risk-accepted", "ada@example.org", "&lt;script&gt;", "repo:shop", "<code>c1</code>", "@page"} {
		if !strings.Contains(page, has) {
			t.Errorf("the report has no %q", has)
		}
	}
	for _, not := range []string{"<script>", "<b>x</b>", "\u202e", "http://", " src="} {
		if strings.Contains(page, not) {
			t.Errorf("the report has %q", not)
		}
	}
	for range 30 {
		e.Add(t, storetest.Row{Address: hostile, First: 1700000000000})
	}
	bump(t, e)
	page = c.call("GET", "/api/compliance/cis-aws-3.0.0/report", nil, 200, nil)
	for _, has := range []string{"What fails", "Everyone may read", "<code>main.tf:7</code>", "nobody", "14 November 2023", "5 more are not named here", "control:cis-aws-3.0.0/2.1.4"} {
		if !strings.Contains(page, has) {
			t.Errorf("the report of fails has no %q", has)
		}
	}
	if strings.Contains(page, "<script>") {
		t.Error("the report has a script")
	}
	rows, err := csv.NewReader(strings.NewReader(c.call("GET", "/api/compliance/cis-aws-3.0.0/report?format=csv", nil, 200, nil))).ReadAll()
	if err != nil || len(rows) < 50 || rows[1][0] != "cis-aws-3.0.0" {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	var report struct {
		MadeBy, Organisation string
		Failing              []struct {
			Count, More int
			Findings    []json.RawMessage
		}
		Exceptions []json.RawMessage
		Controls   []json.RawMessage
	}
	c.call("GET", "/api/compliance/cis-aws-3.0.0/report?format=json", nil, 200, &report)
	if report.MadeBy != "ada@example.org" || !strings.HasPrefix(report.Organisation, "Acme") || len(report.Exceptions) != 1 || len(report.Failing) != 1 || report.Failing[0].Count != 30 || report.Failing[0].More != 5 || len(report.Failing[0].Findings) != 25 || len(report.Controls) != len(rows)-1 {
		t.Errorf("%s %s %d %d", report.MadeBy, report.Organisation, len(report.Exceptions), len(report.Controls))
	}
	var records int
	if err := s.DB.NewRaw("SELECT count(*) FROM audit_record WHERE action = 'compliance.export'").Scan(t.Context(), &records); err != nil || records != 4 {
		t.Errorf("%d records of reports, want 4 (%v)", records, err)
	}
}

// TestOverview: each number of the answer against the list of findings that its query gives, over the API as the interface does it.
func TestOverview(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	e := storetest.NewEstate(t, s)
	now := store.MillisOf(s.Now())
	for i := range store.Millis(24) {
		row := storetest.Row{First: now - i*7*e.Day, Severity: 1 + int64(i)%5, Repository: []store.ID{e.Shop, e.Ledger}[i%2]}
		switch i % 4 {
		case 1:
			row.Status, row.Fixed = "fixed", now-i*3*e.Day
		case 2:
			row.Status, row.Reason, row.MutedAt = "muted", "false-positive", now-i*e.Day
		case 3:
			row.Outcome = []string{"fail", "undecided"}[i/4%2]
		}
		e.Add(t, row)
	}
	e.Scanned(t, e.Shop, `{"Coverage":{"Files":3,"Skipped":2,"Resources":7},"Judged":["aws-s3-public-acl"],"Problems":[{},{}]}`)
	e.Do(t, "UPDATE repository SET problem = 'gone' WHERE id = ?", e.Ledger)
	c := newClient(t, s, maintainer(e))
	for _, query := range []string{"", "repo:shop severity:>low"} {
		var o struct {
			Open, Undecided, Muted, New, Fixed numbered
			Severities                         []numbered
			Weeks                              []struct{ New, Fixed numbered }
			Repositories, Rules                []numbered
			Remediation                        []struct {
				Fixed int
				Query string
			}
			Compliance []struct{ ID, Query string }
			Coverage   struct {
				Repositories, Scanned, Files, Skipped, Problems, Resources int
				Failing                                                    []struct{ Name, Problem string }
			}
		}
		c.call("GET", "/api/overview?q="+url.QueryEscape(query), nil, 200, &o)
		all := append([]numbered{o.Open, o.Undecided, o.Muted, o.New, o.Fixed}, o.Severities...)
		all = append(append(all, o.Repositories...), o.Rules...)
		for _, w := range o.Weeks {
			all = append(all, w.New, w.Fixed)
		}
		for _, r := range o.Remediation {
			all = append(all, numbered{r.Fixed, r.Query})
		}
		some := 0
		for _, n := range all {
			if got := c.total(n.Query); got != n.Count {
				t.Errorf("%d, but %s lists %d", n.Count, n.Query, got)
			}
			some += n.Count
		}
		if some == 0 || len(o.Weeks) < 13 || len(o.Compliance) == 0 {
			t.Errorf("%+v", o)
		}
		wantRepositories, wantFailing := 2, 1
		if query != "" {
			wantRepositories, wantFailing = 1, 0
		}
		if v := o.Coverage; v.Repositories != wantRepositories || v.Scanned != 1 || v.Files != 3 || v.Skipped != 2 || v.Problems != 2 || v.Resources != 7 || len(v.Failing) != wantFailing {
			t.Errorf("%+v", v)
		}
	}
	c.call("GET", "/api/overview?from=2026-13-01", nil, 422, nil)
	c.call("GET", "/api/overview?from=2026-02-01&to=2026-01-01", nil, 422, nil)
	c.call("GET", "/api/overview?q=nokey:x", nil, 422, nil)
}
