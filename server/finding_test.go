package server_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// hostile is what a repository can carry in every text.
const hostile = "=cmd|'/c calc'!A1 <script>alert(1)</script> ](javascript:x) \u202e\x1b[31m"

// findingCrowd is a database with some findings; the first of the first organisation is hostile, the second about a secret.
func findingCrowd(t *testing.T, db *store.Store) storetest.Made {
	t.Helper()
	detail, err := os.ReadFile("testdata/detail.json")
	if err != nil {
		t.Fatal(err)
	}
	made := storetest.Fill(t, db, storetest.Crowd{Organisations: []int{300, 30}, Detail: detail, Rules: []string{"aws-s3-public-acl", "made-up"}})
	err = db.Quiet(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		secret, err := tx.SaveBlob(ctx, bytes.Replace(detail, []byte(`"Secret":false`), []byte(`"Secret":true`), 1))
		if err != nil {
			return err
		}
		for _, p := range made.People {
			if _, err := tx.NewRaw("INSERT INTO membership (person, organisation, role, joined_at) VALUES (?, 1, 'viewer', 1)", p).Exec(ctx); err != nil {
				return err
			}
		}
		if _, err := tx.NewRaw("UPDATE finding SET message = ?, address = ?, file = ?, status = 'open', mute_reason = '', mute_until = 0, on_default = 1, severity = 5 WHERE id = ?", hostile, hostile, "a:b/"+hostile, made.First[0]).Exec(ctx); err != nil {
			return err
		}
		_, err = tx.NewRaw("UPDATE finding SET detail = ?, on_default = 1 WHERE id = ?", secret, made.First[0]+1).Exec(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// asked is an answer.
type asked struct {
	code int
	text string
	body map[string]any
}

// call asks a server; body is nil for none.
func call(t *testing.T, h http.Handler, method, address string, body any) asked {
	t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	r := httptest.NewRequest(method, address, bytes.NewReader(text))
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	out := asked{code: w.Code, text: w.Body.String()}
	if strings.Contains(w.Header().Get("Content-Type"), "json") {
		if err := json.Unmarshal(w.Body.Bytes(), &out.body); err != nil {
			t.Fatalf("%s: %v in %s", address, err, w.Body)
		}
	}
	return out
}

func TestFindingOperations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		made := findingCrowd(t, db)
		h := findingServer(db, 1, 1001, access.Triager).Handler
		viewer := findingServer(db, 1, 1001, access.Viewer).Handler
		first, foreign := made.First[0].String(), made.First[1].String()
		q := func(text string) string { return url.QueryEscape(text) }
		for _, c := range []struct {
			name, method, address string
			body                  any
			by                    http.Handler
			code                  int
			has                   string
		}{
			{"the list", "GET", "/api/findings?limit=2", nil, h, 200, `"total":`},
			{"a mistake has its place in UTF-16 units", "GET", "/api/findings?q=" + q(`"😀" sevrity:high`), nil, h, 422, `"location":"query.q[5:12]"`},
			{"too long a page", "GET", "/api/findings?limit=501", nil, h, 422, ""},
			{"a sort that is none", "GET", "/api/findings?sort=x", nil, h, 422, "use one of severity"},
			{"a cursor that is none", "GET", "/api/findings?cursor=x", nil, h, 422, "begin again"},
			{"some facets", "GET", "/api/findings/facets?facet=severity,repo&limit=2", nil, h, 200, `"key":"repo"`},
			{"a facet that is none", "GET", "/api/findings/facets?facet=message", nil, h, 422, "cannot be counted"},
			{"groups", "GET", "/api/findings/groups?by=rule", nil, h, 200, `"worst":"critical"`},
			{"groups by nothing", "GET", "/api/findings/groups", nil, h, 422, ""},
			{"completion of a key", "GET", "/api/findings/suggest?q=sever", nil, h, 200, `"text":"severity:"`},
			{"completion of a value", "GET", "/api/findings/suggest?q=" + q("x rule:made"), nil, h, 200, `"text":"made-up"`},
			{"completion within a text", "GET", "/api/findings/suggest?at=9&q=" + q("😀 repo:pa status:open"), nil, h, 200, `"start":8,"end":9`},
			{"the keys", "GET", "/api/findings/keys", nil, h, 200, `"name":"first-seen"`},
			{"a finding", "GET", "/api/findings/" + first, nil, h, 200, `"diff":"--- a/modules`},
			{"a foreign finding", "GET", "/api/findings/" + foreign, nil, h, 404, "no such finding"},
			{"its events", "GET", "/api/findings/" + foreign + "/events", nil, h, 404, "no such finding"},
			{"its raw event", "GET", "/api/findings/" + foreign + "/raw", nil, h, 404, "no such finding"},
			{"a comment on it", "POST", "/api/findings/" + foreign + "/comments", map[string]any{"text": "x"}, h, 404, "no such finding"},
			{"a mute of it", "POST", "/api/findings/mute", map[string]any{"ids": []string{foreign}, "reason": "other"}, h, 404, "no such finding"},
			{"no finding", "GET", "/api/findings/zzzz", nil, h, 404, "no such finding"},
			{"an id that is none", "GET", "/api/findings/!", nil, h, 422, ""},
			{"a viewer mutes", "POST", "/api/findings/mute", map[string]any{"ids": []string{first}, "reason": "other"}, viewer, 403, "finding:triage"},
			{"a viewer comments", "POST", "/api/findings/" + first + "/comments", map[string]any{"text": "x"}, viewer, 403, ""},
			{"a reason that is none", "POST", "/api/findings/mute", map[string]any{"ids": []string{first}, "reason": "code"}, h, 422, ""},
			{"neither ids nor query", "POST", "/api/findings/mute", map[string]any{"reason": "other"}, h, 422, "either ids or query"},
			{"both", "POST", "/api/findings/restore", map[string]any{"ids": []string{first}, "query": "x"}, h, 422, "either ids or query"},
			{"a wrong query", "POST", "/api/findings/restore", map[string]any{"query": "sevrity:x"}, h, 422, "did you mean"},
			{"an undo that is none", "POST", "/api/findings/undo", map[string]any{"undo": "x"}, h, 404, "nothing to undo"},
			{"an export of a wrong query", "GET", "/api/findings/export?q=" + q("(x"), nil, h, 422, "no groups"},
			{"a format that is none", "GET", "/api/findings/export?format=xml", nil, h, 422, ""},
			{"a view without a name", "POST", "/api/views", map[string]any{"name": "", "query": ""}, h, 422, ""},
			{"somebody's view", "DELETE", "/api/views/abc", nil, h, 404, "no such view"},
		} {
			if got := call(t, c.by, c.method, c.address, c.body); got.code != c.code || !strings.Contains(got.text, c.has) {
				t.Errorf("%s: %d %.300s, want %d and %s", c.name, got.code, got.text, c.code, c.has)
			}
		}
		texts(t, h, made)
		decisions(t, h, made)
		files(t, db, h, viewer)
	})
}

// texts holds that texts come out as they are in JSON, and that nothing is quoted of a finding about a secret.
func texts(t *testing.T, h http.Handler, made storetest.Made) {
	got := call(t, h, "GET", "/api/findings/"+made.First[0].String(), nil)
	if got.body["message"] != hostile || got.body["address"] != hostile {
		t.Errorf("a hostile text is not as it was: %v", got.body["message"])
	}
	if got.body["kept"] != true || got.body["excerpt"] == nil || len(got.body["code"].([]any)) != 1 || len(got.body["evidence"].([]any)) != 1 {
		t.Errorf("the details are not complete: %s", got.text)
	}
	if rule := call(t, h, "GET", "/api/findings?limit=1&q=rule:aws-s3-public-acl", nil); !strings.Contains(rule.text, `"ruleTitle":"`) {
		t.Errorf("no title: %s", rule.text)
	}
	secret := made.First[0] + 1
	for _, address := range []string{"", "/raw"} {
		got := call(t, h, "GET", "/api/findings/"+secret.String()+address, nil)
		if got.code != 200 || strings.Contains(got.text, "var.name") || strings.Contains(got.text, "+  acl") {
			t.Errorf("code of a secret is shown: %d %s", got.code, got.text)
		}
	}
}

// decisions mutes all that fits, sees it, takes it back, and talks about it.
func decisions(t *testing.T, h http.Handler, made storetest.Made) {
	count := func(text string) float64 {
		t.Helper()
		got := call(t, h, "GET", "/api/findings?limit=1&q="+url.QueryEscape(text), nil)
		if got.code != 200 {
			t.Fatalf("%s: %s", text, got.text)
		}
		return got.body["total"].(float64)
	}
	open := count("severity:critical status:open")
	got := call(t, h, "POST", "/api/findings/mute", map[string]any{"query": "severity:critical status:open", "reason": "risk-accepted", "comment": "<b>", "until": "2999-01-01T00:00:00Z"})
	if got.code != 422 {
		t.Errorf("a mute for a thousand years: %d", got.code)
	}
	got = call(t, h, "POST", "/api/findings/mute", map[string]any{"query": "severity:critical status:open", "reason": "risk-accepted", "comment": "<b>"})
	if got.code != 200 || got.body["changed"] != open || open == 0 || count("severity:critical status:open") != 0 {
		t.Fatalf("%d %s of %v", got.code, got.text, open)
	}
	one := call(t, h, "GET", "/api/findings/"+made.First[0].String(), nil)
	if mute, _ := one.body["mute"].(map[string]any); one.body["status"] != "muted" || mute["reason"] != "risk-accepted" || mute["by"] != "person-1@example.org" || mute["comment"] != "<b>" {
		t.Errorf("%s", one.text)
	}
	back := call(t, h, "POST", "/api/findings/undo", map[string]any{"undo": got.body["undo"]})
	if back.code != 200 || back.body["changed"] != open || count("severity:critical status:open") != open {
		t.Errorf("%d %s", back.code, back.text)
	}
	id := made.First[0].String()
	if got := call(t, h, "POST", "/api/findings/assign", map[string]any{"ids": []string{id}, "assignee": store.ID(1001).String()}); got.code != 200 || count("assignee:me id:"+id) != 1 {
		t.Errorf("%d %s", got.code, got.text)
	}
	if got := call(t, h, "POST", "/api/findings/assign", map[string]any{"ids": []string{id}}); got.code != 200 || count("assignee:none id:"+id) != 1 {
		t.Errorf("%d %s", got.code, got.text)
	}
	if got := call(t, h, "POST", "/api/findings/"+id+"/comments", map[string]any{"text": hostile}); got.code != 201 {
		t.Errorf("%d %s", got.code, got.text)
	}
	events := call(t, h, "GET", "/api/findings/"+id+"/events?limit=3", nil)
	items := events.body["items"].([]any)
	if len(items) != 3 || items[0].(map[string]any)["kind"] != "commented" || items[1].(map[string]any)["kind"] != "assigned" || events.body["next"] == "" {
		t.Errorf("%s", events.text)
	}
	rest := call(t, h, "GET", "/api/findings/"+id+"/events?cursor="+events.body["next"].(string), nil)
	if kinds := rest.body["items"].([]any); len(kinds) != 2 || kinds[0].(map[string]any)["kind"] != "restored" {
		t.Errorf("%s", rest.text)
	}

	view := call(t, h, "POST", "/api/views", map[string]any{"name": "Mine", "query": "severity:HIGH", "shared": true})
	if view.code != 201 || view.body["query"] != "severity:high" {
		t.Fatalf("%d %s", view.code, view.text)
	}
	address := "/api/views/" + view.body["id"].(string)
	if got := call(t, h, "PUT", address, map[string]any{"name": "Mine too", "query": ""}); got.code != 200 || got.body["shared"] != false {
		t.Errorf("%d %s", got.code, got.text)
	}
	if got := call(t, h, "GET", "/api/views", nil); len(got.body["items"].([]any)) != 1 {
		t.Errorf("%s", got.text)
	}
	if got := call(t, h, "DELETE", address, nil); got.code != 204 {
		t.Errorf("%d %s", got.code, got.text)
	}
}

// files holds that an export is the list in each format, harmless for who opens it, and recorded before it goes.
func files(t *testing.T, db *store.Store, h, viewer http.Handler) {
	total := int(call(t, h, "GET", "/api/findings?q=severity:critical", nil).body["total"].(float64))
	get := func(format string) string {
		got := call(t, viewer, "GET", "/api/findings/export?sort=rule&q=severity:critical&format="+format, nil)
		if got.code != 200 {
			t.Fatalf("%s: %d %s", format, got.code, got.text)
		}
		return got.text
	}
	rows, err := csv.NewReader(strings.NewReader(get("csv"))).ReadAll()
	if err != nil || len(rows) != total+1 {
		t.Fatalf("%d rows, want %d: %v", len(rows), total+1, err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@|%\t\r") {
				t.Errorf("a cell is a formula: %q", cell)
			}
			if strings.ContainsAny(cell, "\x1b\u202e") {
				t.Errorf("a cell has a control: %q", cell)
			}
		}
	}
	var list struct {
		Query string
		Items []store.FindingRow
	}
	if err := json.Unmarshal([]byte(get("json")), &list); err != nil || len(list.Items) != total || list.Query != "severity:critical" {
		t.Errorf("%d items, want %d: %v", len(list.Items), total, err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI, URIBaseID string }
						Region           struct{ StartLine int }
					}
				}
			}
			OriginalURIBaseIDs map[string]any
		}
	}
	if err := json.Unmarshal([]byte(get("sarif")), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || len(run.Results) != total {
		t.Errorf("%d results, want %d", len(run.Results), total)
	}
	for _, r := range run.Results {
		at := r.Locations[0].PhysicalLocation
		uri, err := url.Parse(at.ArtifactLocation.URI)
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || r.Level != "error" && r.Level != "none" || at.Region.StartLine < 1 || run.OriginalURIBaseIDs[at.ArtifactLocation.URIBaseID] == nil || err != nil || uri.IsAbs() || strings.Contains(r.Message.Text, "](") && !strings.Contains(r.Message.Text, `\](`) {
			t.Errorf("%+v", r)
		}
	}
	var records int
	if err := db.DB.NewRaw("SELECT count(*) FROM audit_record WHERE action = 'finding.export'").Scan(t.Context(), &records); err != nil || records != 3 {
		t.Errorf("%d exports are recorded, want 3: %v", records, err)
	}
}
