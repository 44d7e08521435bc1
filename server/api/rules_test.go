package api_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/server"
	"plumbline.dev/plumbline/store"
)

// client calls operations as somebody.
type client struct {
	t       *testing.T
	handler http.Handler
	who     access.Subject
}

func newClient(t *testing.T, s *store.Store, who access.Subject) *client {
	t.Helper()
	c := &client{t: t, who: who}
	c.handler = server.New(server.Options{Store: s, Log: slog.New(slog.DiscardHandler), Authenticate: func(*http.Request) (access.Subject, error) { return c.who, nil }}).Handler
	return c
}

// call calls an operation, wants a status and reads the answer into out, if that is not nil. It returns the text of the answer.
func (c *client) call(method, path string, body any, status int, out any) string {
	c.t.Helper()
	var text strings.Builder
	if body != nil {
		if err := json.NewEncoder(&text).Encode(body); err != nil {
			c.t.Fatal(err)
		}
	}
	r := httptest.NewRequest(method, strings.ReplaceAll(path, " ", "%20"), strings.NewReader(text.String()))
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	if w.Code != status {
		c.t.Fatalf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, status)
	}
	if out != nil {
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			c.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return w.Body.String()
}

// maintainer is somebody who may set rules in an estate.
func maintainer(e *storetest.Estate) access.Subject {
	return access.Subject{Kind: "person", ID: 7, Name: "ada@example.org", Organisation: int64(e.Organisation), Role: access.Maintainer}
}

type ruleList struct {
	Items []struct {
		ID, Effective string
		Off           bool
		Tally         map[string]int
	}
	Next   string
	Total  int
	Facets map[string][]struct {
		Value string
		Count int
	}
}

func TestListRules(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	e := storetest.NewEstate(t, s)
	e.Add(t, storetest.Row{})
	e.Add(t, storetest.Row{Outcome: "undecided"})
	e.Add(t, storetest.Row{Status: "muted", Reason: "false-positive"})
	e.Add(t, storetest.Row{Status: "muted", Reason: "code"})
	e.Add(t, storetest.Row{Status: "fixed", Fixed: e.Day, Team: e.Network})
	e.Add(t, storetest.Row{Rule: "own-rule"})
	c := newClient(t, s, maintainer(e))

	var all ruleList
	c.call("GET", "/api/rules?sort=open&limit=2", nil, 200, &all)
	if all.Total < 1000 || len(all.Items) != 2 || all.Next != "own-rule" {
		t.Fatalf("%d rules, %d on the page, next %q", all.Total, len(all.Items), all.Next)
	}
	if diff := cmp.Diff(map[string]int{"open": 1, "undecided": 1, "muted": 2, "fixed": 1, "decided": 2, "falsePositives": 1}, all.Items[0].Tally); diff != "" || all.Items[0].ID != "aws-s3-public-acl" {
		t.Errorf("%s: %s", all.Items[0].ID, diff)
	}
	seen := map[string]bool{}
	for next := "x"; next != ""; {
		var page ruleList
		c.call("GET", "/api/rules?limit=400&cursor="+strings.TrimPrefix(next, "x"), nil, 200, &page)
		for _, item := range page.Items {
			if seen[item.ID] {
				t.Errorf("%s twice", item.ID)
			}
			seen[item.ID] = true
		}
		next = page.Next
	}
	if len(seen) != all.Total {
		t.Errorf("%d rules over the pages, want %d", len(seen), all.Total)
	}

	var some ruleList
	c.call("GET", "/api/rules?q=CKV_AWS_20&severity=high", nil, 200, &some)
	if some.Total == 0 || some.Items[0].ID != "aws-s3-public-acl" {
		t.Errorf("by alias: %+v", some)
	}
	var narrow ruleList
	c.call("GET", "/api/rules?provider=aws&category=encryption&limit=500", nil, 200, &narrow)
	for _, f := range narrow.Facets["category"] {
		if f.Value == "encryption" && f.Count != narrow.Total {
			t.Errorf("the facet says %d, the list %d", f.Count, narrow.Total)
		}
	}
	if len(narrow.Facets["category"]) < 2 || len(narrow.Facets["provider"]) < 2 {
		t.Errorf("a facet is narrowed by itself: %v", narrow.Facets)
	}

	// Of a team's scope only its own findings count.
	c.who = access.Subject{Kind: "person", ID: 8, Organisation: int64(e.Organisation), Teams: map[int64]access.Role{int64(e.Network): access.Viewer}}
	var page struct{ Tally map[string]int }
	c.call("GET", "/api/rules/aws-s3-public-acl", nil, 200, &page)
	if diff := cmp.Diff(map[string]int{"open": 0, "undecided": 0, "muted": 0, "fixed": 1, "decided": 1, "falsePositives": 0}, page.Tally); diff != "" {
		t.Error(diff)
	}
	c.call("GET", "/api/rules/own-rule", nil, 404, nil)
}

func TestRulePage(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	e := storetest.NewEstate(t, s)
	e.Add(t, storetest.Row{})
	e.Add(t, storetest.Row{Repository: e.Ledger, Team: e.Data})
	c := newClient(t, s, maintainer(e))

	var page struct {
		ID, Why  string
		Examples []struct{ Section, Dialect string }
		Controls []struct{ Framework, Control, Title string }
		Decided  []struct{ TeamName, Severity, Reason, By string }
	}
	c.call("GET", "/api/rules/CKV_AWS_20", nil, 200, &page)
	if page.ID != "aws-s3-public-acl" || !strings.Contains(page.Why, "AllUsers") || len(page.Examples) < 6 || len(page.Controls) < 5 || page.Controls[0].Title == "" {
		t.Errorf("%+v", page)
	}
	if text := c.call("GET", "/api/rules/aws-s3-public-acls", nil, 404, nil); !strings.Contains(text, "Did you mean aws-s3-public-acl?") {
		t.Error(text)
	}
	c.call("GET", "/api/rules/a%20b:c", nil, 404, nil)

	var preview store.RulePreview
	change := map[string]any{"off": true}
	c.call("POST", "/api/rules/aws-s3-public-acl/preview", change, 200, &preview)
	if diff := cmp.Diff([]store.RuleCount{{Name: "high", Status: "muted", Count: 2}}, preview.After); diff != "" || preview.Changed != 2 {
		t.Errorf("%d %s", preview.Changed, diff)
	}
	c.call("PUT", "/api/rules/aws-s3-public-acl/settings", change, 422, nil) // no reason
	var set struct{ Changed int }
	c.call("PUT", "/api/rules/CKV_AWS_20/settings", map[string]any{"off": true, "reason": "public on purpose"}, 200, &set)
	c.call("PUT", "/api/rules/aws-s3-public-acl/settings", map[string]any{"team": e.Data, "severity": "critical", "reason": "the ledger is not"}, 200, &set)
	if set.Changed != 1 {
		t.Errorf("%d changed, want 1", set.Changed)
	}
	c.call("GET", "/api/rules/aws-s3-public-acl", nil, 200, &page)
	if len(page.Decided) != 2 || page.Decided[0].TeamName != "data" || page.Decided[0].Severity != "critical" || page.Decided[1].By != "ada@example.org" {
		t.Errorf("%+v", page.Decided)
	}
	var record string
	if err := s.DB.NewRaw("SELECT record FROM audit_record WHERE action = 'rule.set' ORDER BY sequence LIMIT 1").Scan(t.Context(), &record); err != nil || !strings.Contains(record, "public on purpose") || !strings.Contains(record, `"id":"aws-s3-public-acl"`) {
		t.Errorf("%s %v", record, err)
	}

	var places struct {
		Organisation        bool
		Teams, Repositories []struct{ Name string }
	}
	c.call("GET", "/api/rules/places", nil, 200, &places)
	if !places.Organisation || len(places.Teams) != 2 || len(places.Repositories) != 2 || places.Repositories[1].Name != "shop" {
		t.Errorf("%+v", places)
	}
	c.who.Role, c.who.Teams = access.Viewer, map[int64]access.Role{int64(e.Data): access.Maintainer}
	c.call("GET", "/api/rules/places", nil, 200, &places)
	if places.Organisation || len(places.Teams) != 1 || len(places.Repositories) != 0 {
		t.Errorf("a team's maintainer: %+v", places)
	}

	c.who.Role, c.who.Teams = access.Triager, nil
	c.call("PUT", "/api/rules/aws-s3-public-acl/settings", map[string]any{"off": true, "reason": "x"}, 403, nil)
	c.call("POST", "/api/rules/aws-s3-public-acl/preview", change, 403, nil)
}

// TestCatalogueIsQuick: the first request pays for reading the pages, the start of the server does not.
func TestCatalogueIsQuick(t *testing.T) {
	begin := time.Now()
	server.New(server.Options{Log: slog.New(slog.DiscardHandler)})
	if took := time.Since(begin); took > 100*time.Millisecond {
		t.Errorf("putting a server together took %s", took)
	}
}
