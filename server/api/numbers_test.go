package api_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// TestNumbers follows every number that answers give with a query, as people follow links, and compares it with what the list has: after
// mutes, exclusions, rules that are off, on several branches, for several teams, on both databases.
func TestNumbers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := storetest.NewEstate(t, s)
		r := rand.New(rand.NewPCG(3, 4))
		now := store.MillisOf(s.Now())
		feature := s.NewID()
		e.Do(t, "INSERT INTO branch (id, repository, name, head, scanned, is_default, head_at) VALUES (?, ?, 'feature', 'c2', 'c2', 0, ?)", feature, e.Shop, now)
		for range 120 {
			row := storetest.Row{
				Repository: []store.ID{e.Shop, e.Ledger}[r.IntN(2)], Team: []store.ID{0, e.Network, e.Data}[r.IntN(3)], Severity: 1 + r.Int64N(5),
				Rule: []string{"aws-s3-public-acl", "aws-s3-http-allowed", "own-rule"}[r.IntN(3)], Outcome: []string{"fail", "fail", "undecided"}[r.IntN(3)],
				First: now - store.Millis(r.Int64N(100*24*3600*1000)),
			}
			switch r.IntN(4) {
			case 0:
				row.Status, row.Fixed = "fixed", row.First+store.Millis(r.Int64N(int64(now-row.First)+1))
			case 1:
				row.Status, row.Reason, row.MutedAt = "muted", []string{"risk-accepted", "false-positive", "code", "excluded", "rule-off"}[r.IntN(5)], now
			}
			id := e.Add(t, row)
			if row.Repository == e.Shop && r.IntN(4) == 0 { // on another branch only
				e.Do(t, "UPDATE finding SET on_default = 0 WHERE id = ?", id)
				e.Do(t, "UPDATE presence SET branch = ? WHERE finding = ?", feature, id)
			}
		}
		grounds := `{"Coverage":{"Files":2,"Resources":7},"Judged":["aws-s3-http-allowed","aws-s3-public-acl"],"Grounds":[{"Rules":[0,1],"Files":["main.tf","net/main.tf"]}]}`
		e.Scanned(t, e.Shop, grounds)
		e.Scanned(t, e.Ledger, grounds)
		bump(t, e)
		c := newClient(t, s, maintainer(e))
		follow := func(who string, queries ...string) {
			t.Helper()
			followed, some := 0, 0
			check := func(where string, n int, query string) {
				t.Helper()
				followed, some = followed+1, some+n
				if got := c.total(query); got != n {
					t.Errorf("%s, %s: %d, but %s lists %d", who, where, n, query, got)
				}
			}
			for _, q := range queries {
				for _, path := range []string{"/api/overview?q=", "/api/compliance?q=", "/api/compliance/cis-aws-3.0.0?q="} {
					var answer any
					c.call("GET", path+url.QueryEscape(q), nil, 200, &answer)
					walk(path+q, answer, check)
				}
			}
			var list struct{ Items []struct{ ID string } }
			c.call("GET", "/api/rules?limit=500&state=open", nil, 200, &list)
			for _, item := range append(list.Items, struct{ ID string }{"own-rule"}) {
				var p struct {
					Tally   map[string]int
					Queries map[string]string
				}
				c.call("GET", "/api/rules/"+item.ID, nil, 200, &p)
				for name, query := range p.Queries {
					check("rule "+item.ID+" "+name, p.Tally[name], query)
				}
			}
			var repositories struct {
				Items []struct {
					Name string
					Open map[string]int
				}
			}
			c.call("GET", "/api/repositories", nil, 200, &repositories)
			for _, one := range repositories.Items {
				for severity, n := range one.Open {
					check("repository "+one.Name, n, "repo:"+one.Name+" status:open verdict:fail severity:"+severity)
				}
			}
			if followed < 60 || some < 50 {
				t.Errorf("%s: only %d numbers with %d findings were followed", who, followed, some)
			}
		}
		follow("a maintainer", "", "repo:shop", "team:network", "branch:feature", "branch:main repo:shop")
		e.Do(t, "UPDATE repository SET default_branch = '' WHERE id = ?", e.Shop) // results are only uploaded, for whatever branch
		bump(t, e)
		follow("a maintainer, without a default branch", "")
		c.who = access.Subject{Kind: "person", ID: 8, Organisation: int64(e.Organisation), Teams: map[int64]access.Role{int64(e.Network): access.Maintainer}}
		follow("somebody of a team", "", "repo:ledger")
	})
}

// walk finds the numbers of an answer that have a query beside them.
func walk(where string, answer any, check func(where string, n int, query string)) {
	switch v := answer.(type) {
	case []any:
		for i, x := range v {
			walk(fmt.Sprint(where, "/", i), x, check)
		}
	case map[string]any:
		if query, ok := v["query"].(string); ok {
			for _, name := range []string{"count", "fixed"} {
				if n, ok := v[name].(float64); ok {
					check(where, int(n), query)
				}
			}
		}
		for name, x := range v {
			walk(where+"/"+name, x, check)
		}
	}
}
