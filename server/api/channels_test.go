package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/server"
	"plumbline.dev/plumbline/server/api"
	"plumbline.dev/plumbline/store"
)

// TestChannels: who may set up what is told to whom, and what nobody ever sees again.
func TestChannels(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := storetest.NewEstate(t, s)
		hosts, err := outbound.Parse(nil, "--outbound-hosts")
		if err != nil {
			t.Fatal(err)
		}
		queue, err := jobs.NewQueue(context.Background(), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		ring := seal.NewRing(seal.NewKey())
		as := func(role access.Role, teams map[int64]access.Role) access.Subject {
			return access.Subject{Kind: "person", ID: 7, Name: "ada@example.org", Organisation: int64(e.Organisation), Role: role, Teams: teams}
		}
		administrator := as(access.Administrator, nil)
		c := &client{t: t, who: administrator}
		c.handler = server.New(server.Options{Store: s, Queue: queue, Log: slog.New(slog.DiscardHandler), Channels: api.Channels{Keys: ring, Hosts: hosts},
			Authenticate: func(*http.Request) (access.Subject, error) { return c.who, nil }}).Handler
		body := func(change map[string]any) map[string]any {
			out := map[string]any{"name": "on-call", "kind": "webhook", "target": "https://hooks.example.org/canary-path?key=canary", "happenings": []string{"fixed", "new", "new"}}
			for k, v := range change {
				if out[k] = v; v == nil {
					delete(out, k)
				}
			}
			return out
		}
		var made struct {
			Channel struct{ ID, Target, State, Team string }
			Secret  string
		}
		c.call("POST", "/api/channels", body(nil), 201, &made)
		if !strings.HasPrefix(made.Secret, "whsec_") || made.Channel.Target != "https://hooks.example.org/…" {
			t.Errorf("%+v", made)
		}
		for what, b := range map[string]map[string]any{
			"inside":          {"target": "https://169.254.169.254/latest"},
			"loopback":        {"target": "https://127.0.0.1:8443/"},
			"in the clear":    {"target": "http://hooks.example.org/"},
			"credentials":     {"target": "https://ada:canary@hooks.example.org/"},
			"nowhere":         {"target": nil},
			"a status":        {"filter": "status:open"},
			"me":              {"filter": "assignee:me"},
			"a mistake":       {"filter": "severity:>=worst"},
			"nothing":         {"happenings": []string{}},
			"another kind":    {"kind": "pager"},
			"an hour of Mars": {"rhythm": "daily", "hour": 25},
			"a control":       {"name": "a\u0000"},
		} {
			t.Run(what, func(t *testing.T) { c.call("POST", "/api/channels", body(b), 422, nil) })
		}
		c.call("POST", "/api/channels", body(map[string]any{"kind": "email", "target": "ada@example.org"}), 409, nil)
		one := "/api/channels/" + made.Channel.ID
		c.call("PUT", one, body(map[string]any{"kind": "slack"}), 409, nil)

		// What is kept: nothing of the address or the secret is to be read anywhere, and both are bound to their row.
		var kept struct{ Target, Secret []byte }
		if err := s.DB.NewRaw("SELECT target, secret FROM channel").Scan(context.Background(), &kept); err != nil {
			t.Fatal(err)
		}
		var id store.ID
		if err := id.UnmarshalText([]byte(made.Channel.ID)); err != nil {
			t.Fatal(err)
		}
		if text, err := ring.Open(kept.Target, api.TargetPlace(id)); err != nil || !strings.HasSuffix(string(text), "key=canary") {
			t.Errorf("the address is %q (%v)", text, err)
		}
		if _, err := ring.Open(kept.Secret, api.TargetPlace(id)); err == nil {
			t.Error("a secret opens as an address")
		}
		var again struct{ Secret string }
		c.call("POST", one+"/secret", nil, 200, &again)
		if again.Secret == made.Secret || again.Secret == "" {
			t.Errorf("the new secret is %q", again.Secret)
		}
		c.call("PUT", one, body(map[string]any{"target": nil, "filter": "severity:high"}), 200, nil)
		c.call("POST", one+"/test", nil, 202, nil)
		for _, path := range []string{"/api/channels", one + "/deliveries"} {
			var page any
			c.call("GET", path, nil, 200, &page)
			if text := fmt.Sprint(page); strings.Contains(text, "canary") || strings.Contains(text, made.Secret) || strings.Contains(text, again.Secret) {
				t.Errorf("%s shows a secret: %s", path, text)
			}
		}
		var records []string
		if err := s.DB.NewRaw("SELECT record FROM audit_record").Scan(context.Background(), &records); err != nil || len(records) < 4 {
			t.Errorf("%d records (%v)", len(records), err)
		}
		for _, r := range records {
			if strings.Contains(r, "canary") || strings.Contains(r, again.Secret) {
				t.Errorf("the audit log has a secret: %s", r)
			}
		}

		// Maintainers of a team have its channels, and no others; those of all of the organisation have every team's.
		network := map[int64]access.Role{int64(e.Network): access.Maintainer}
		c.who = as("", network)
		c.call("GET", one+"/deliveries", nil, 404, nil)
		c.call("DELETE", one, nil, 404, nil)
		c.call("POST", "/api/channels", body(nil), 403, nil)
		c.call("POST", "/api/channels", body(map[string]any{"team": e.Data}), 404, nil)
		c.call("POST", "/api/channels", body(map[string]any{"team": e.Network}), 201, &made)
		own := "/api/channels/" + made.Channel.ID
		c.call("PUT", own, body(map[string]any{"team": e.Data}), 404, nil)
		c.call("PUT", own, body(map[string]any{"team": nil}), 403, nil)
		var list struct{ Items []struct{ ID string } }
		if c.call("GET", "/api/channels", nil, 200, &list); len(list.Items) != 1 || list.Items[0].ID != made.Channel.ID {
			t.Errorf("the team sees %+v", list)
		}
		c.who = as(access.Maintainer, nil)
		c.call("PUT", own, body(map[string]any{"team": e.Network, "state": "paused"}), 200, nil)
		for _, call := range [][2]string{{"PUT", one}, {"DELETE", one}, {"POST", one + "/test"}, {"POST", one + "/secret"}} {
			var b any
			if call[0] == "PUT" {
				b = body(nil)
			}
			c.call(call[0], call[1], b, 403, nil)
		}
		c.who = as(access.Triager, network)
		c.who.Teams[int64(e.Network)] = access.Triager
		c.call("GET", "/api/channels", nil, 403, nil)

		// A team that goes takes its channels along.
		c.who = administrator
		c.call("DELETE", "/api/teams/"+e.Network.String(), nil, 204, nil)
		if c.call("GET", "/api/channels", nil, 200, &list); len(list.Items) != 1 {
			t.Errorf("%d channels are left", len(list.Items))
		}
		c.call("DELETE", one, nil, 204, nil)
	})
}
