package server_test

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"plumbline.dev/plumbline/server/signin"
	"plumbline.dev/plumbline/store"
)

// This file says how TestMatrix fills the parameters of operations. A new operation needs a line here only when it names a thing
// that no operation before it has named, or when a body has to be more than what its schema asks for.

// nouns are the things that parameters name, and how one is made in a world. The keys are the word before {id} in a path, or the
// name of any other parameter, property of a body or query. Each insert gets the id of the thing first.
var nouns = map[string]func(w *world, id store.ID) (query string, args []any){
	"repositories": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO repository (id, organisation, name, address, default_branch, created_at) VALUES (?, ?, ?, '', 'main', 1)", []any{id, w.organisation, "r" + id.String()}
	},
	"teams": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO team (id, organisation, name, created_at) VALUES (?, ?, ?, 1)", []any{id, w.organisation, "t" + id.String()}
	},
	"people": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO person (id, email, name, created_at) VALUES (?, ?, 'Ada', 1)", []any{id, id.String() + "@example.org"}
	},
	"ownership": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO ownership (id, organisation, team, repository, path, position) VALUES (?, ?, ?, ?, '', 1)", []any{id, w.organisation, w.ids["teams"], w.ids["repositories"]}
	},
	"tokens": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO token (id, organisation, person, name, hash, hint, permissions, created_by, created_at, expires_at) VALUES (?, ?, ?, 'ci', ?, 'plb_x', 'rule:read', 'me', 1, 9000000000000)",
			[]any{id, w.organisation, w.me, id.String()}
	},
	"trusts": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO trust (id, organisation, repository, issuer, claims, created_by, created_at) VALUES (?, ?, ?, 'https://i.example.org', '{}', 'me', 1)", []any{id, w.organisation, w.ids["repositories"]}
	},
	"findings": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO finding (id, organisation, repository, fingerprint, twin, rule, outcome, severity, base_severity, category, provider, dialect, resource_type, address, attribute, unit, file, line, message, " +
				"team, detail, status, on_default, first_seen_at, last_seen_at, revision) VALUES (?, ?, ?, ?, '', 'aws-s3-public-acl', 'fail', 4, 4, 'access-control', 'aws', 'terraform', 'aws_s3_bucket', 'aws_s3_bucket.b', 'acl', '.', 'main.tf', 7, " +
				"'Everyone may read', ?, '', 'open', 1, 1, 1, 1)",
			[]any{id, w.organisation, w.ids["repositories"], id.String(), w.ids["teams"]}
	},
	"branches": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO branch (id, repository, name, head, scanned, is_default, head_at) VALUES (?, ?, 'main', 'c1', 'c1', 1, 1)", []any{id, w.ids["repositories"]}
	},
	"sessions": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO session (hash, id, person, organisation, method, data, created_at, seen_at, expires_at, address, agent) VALUES (?, ?, ?, ?, 'link', '{}', 1, 9000000000000, 9000000000000, '', '')",
			[]any{id.String(), id, w.me, w.organisation}
	},
	"passkeys": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO passkey (id, person, credential, name, data, created_at) VALUES (?, ?, ?, 'key', '{}', 1)", []any{id, w.me, id.String()}
	},
	"views": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO saved_view (id, organisation, person, name, query, created_at, changed_at) VALUES (?, ?, ?, ?, '', 1, 1)", []any{id, w.organisation, w.me, "v" + id.String()}
	},
	"resources": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO resource (id, organisation, repository, team, unit, variant, address, type, native, name, provider, dialect, module, file, line, maybe, part_of, exposed, tags, digest) " +
			"VALUES (?, ?, ?, ?, '.', '', 'aws_s3_bucket.b', 'aws_s3_bucket', '', 'b', 'aws', 'terraform', '', 'main.tf', 1, 0, '', '', 0, 'x')", []any{id, w.organisation, w.ids["repositories"], w.ids["teams"]}
	},
	"changes": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO finding_change (id, organisation, actor, action, scope, decision, state, total, made_at) VALUES (?, ?, ?, 'finding.mute', '{}', '{}', 'running', 1, 1)",
			[]any{id, w.organisation, "person:" + w.me.String() + " me@example.org"}
	},
	// The jobs of this server have no queue, so that none is found.
	"jobs": func(w *world, id store.ID) (string, []any) {
		return "UPDATE organisation SET name = name WHERE id = ? AND id = ?", []any{id, w.organisation}
	},
	"channels": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO channel (id, organisation, team, name, kind, target, shown, filter, happenings, rhythm, hour, state, created_by, created_at) VALUES (?, ?, ?, 'c', 'webhook', ?, 'https://hooks.example.org/…', '', 'new', 'scan', 8, 'active', 'me', 1)",
			[]any{id, w.organisation, w.ids["teams"], []byte("x")}
	},
	"providers": func(w *world, id store.ID) (string, []any) {
		return "INSERT INTO provider (id, organisation, name, issuer, client, secret, created_at) VALUES (?, ?, ?, 'https://i.example.org', 'c', ?, 1)", []any{id, w.organisation, "p" + id.String(), []byte("x")}
	},
}

// order is the order in which the things of a world are made: what others refer to comes first.
var order = []string{"teams", "repositories", "people"}

// called are other words for a noun, in bodies and queries.
var called = map[string]string{"repository": "repositories", "team": "teams", "person": "people", "assignee": "people", "finding": "findings", "branch": "branches", "organisation": "organisations", "ids": "findings"}

// global are parameters that name what belongs to nobody: every organisation has the same.
var global = map[string]string{"rule": "aws-s3-public-acl", "sha": commit, "framework": "soc2", "control": "CC6.1", "sequence": "0"}

const commit = "1111111111111111111111111111111111111111"

// queries are the values of query parameters that an operation needs and that have no list of what is allowed.
var queries = map[string]string{"by": "rule", "ref": "main", "path": "main.tf"}

// bodies are bodies of which the schema does not say enough.
var bodies = map[string]func(w *world) any{
	"assign-findings": func(w *world) any {
		return map[string]any{"ids": []any{w.ids["findings"]}, "assignee": w.ids["people"]}
	},
	"mute-findings":        func(w *world) any { return map[string]any{"ids": []any{w.ids["findings"]}, "reason": "false-positive"} },
	"restore-findings":     func(w *world) any { return map[string]any{"ids": []any{w.ids["findings"]}} },
	"add-view":             func(w *world) any { return map[string]any{"name": "n" + w.store.NewID().String(), "query": ""} },
	"change-view":          func(w *world) any { return map[string]any{"name": "n" + w.store.NewID().String(), "query": ""} },
	"scan-repository":      func(w *world) any { return map[string]any{"kind": "head"} },
	"change-organisation":  func(w *world) any { return map[string]any{"name": "n" + w.store.NewID().String()} },
	"upload-results":       func(w *world) any { return "{}" },
	"switch-organisation":  func(w *world) any { return map[string]any{"organisation": w.organisation} },
	"set-password":         func(w *world) any { return map[string]any{"password": "four words are better", "code": "000000"} },
	"add-provider":         provider,
	"change-provider":      provider,
	"set-rule":             func(w *world) any { return map[string]any{"team": w.ids["teams"], "off": true, "reason": "x"} },
	"preview-rule-setting": func(w *world) any { return map[string]any{"team": w.ids["teams"], "off": true} },
	"set-scan-settings":    func(w *world) any { return map[string]any{"text": "ignore: []"} },
	"invite-person":        func(w *world) any { return map[string]any{"email": w.store.NewID().String() + "@example.org"} },
	"add-repository":       func(w *world) any { return map[string]any{"name": "n" + w.store.NewID().String()} },
	"change-repository":    func(w *world) any { return map[string]any{"state": "paused"} },
	"add-trust": func(w *world) any {
		return map[string]any{"repository": w.ids["repositories"], "issuer": "https://token.actions.githubusercontent.com", "claims": map[string]string{"repository_id": "7"}}
	},
	"add-token": func(w *world) any {
		return map[string]any{"name": "ci", "permissions": []string{"rule:read"}, "expiresAt": store.MillisOf(w.store.Now()) + 1000000, "repository": w.ids["repositories"]}
	},
	"add-owner": func(w *world) any {
		return map[string]any{"team": w.ids["teams"], "repository": w.ids["repositories"], "path": "a/**"}
	},
	"change-owner": func(w *world) any {
		return map[string]any{"team": w.ids["teams"], "repository": w.ids["repositories"], "path": "a/**"}
	},
	"add-channel":    channel,
	"change-channel": channel,
	"add-team":       func(w *world) any { return map[string]any{"name": "n" + w.store.NewID().String()} },
	"rename-team":    func(w *world) any { return map[string]any{"name": "n" + w.store.NewID().String()} },
}

func provider(w *world) any {
	return map[string]any{"name": "p" + w.store.NewID().String(), "issuer": "https://login.example.org", "client": "c", "secret": "s",
		"groups": []any{map[string]any{"name": "g", "team": w.ids["teams"], "role": "viewer"}}}
}

func channel(w *world) any {
	return map[string]any{"name": "c", "team": w.ids["teams"], "kind": "webhook", "target": "https://hooks.example.org/1", "happenings": []any{"new"}}
}

// cookieOf is the cookie of the session in which the callers of a world are signed in.
func cookieOf(organisation store.ID) string { return "cookie-of-" + organisation.String() }

// answers are statuses besides success with which an operation may answer one who may call it, on an object of their own, and why.
var answers = map[string][]int{
	"export-audit-log":    {409}, // this server has no key of its log
	"get-audit-log":       {409},
	"test-channel":        {409}, // this server has no queue
	"prove-audit-record":  {404, 409},
	"undo-findings":       {404, 409, 422}, // nothing was changed that could be taken back
	"assign-findings":     {409},           // the first caller has assigned it
	"restore-findings":    {409},           // nothing is muted
	"get-finding-change":  {404},           // somebody else made it
	"undo-finding-change": {404},           // this server has no queue
	"get-job-summary":     {404, 409},      // this server has no queue
	"list-jobs":           {404, 409},
	"cancel-job":          {404},
	"retry-job":           {404},
	"scan-repository":     {409},
	"upload-results":      {422},      // there is nothing in it
	"redeem-link":         {422},      // the ticket is none
	"enter-password":      {403, 429}, // nor is the password, and then it was tried too often
	"enter-passkey":       {409},      // nobody began
	"add-passkey":         {409},
	"set-password":        {409},
	"get-finding-raw":     {404}, // the finding of this world has no details
	"get-file":            {404}, // the repository of this world has no mirror
	"add-repository":      {403}, // a new one belongs to no team, so a role in teams is not enough
}

// world is an organisation with one of everything, all of it owned by one team in which the callers of teams are.
type world struct {
	store        *store.Store
	organisation store.ID
	me           store.ID // the person of all callers
	ids          map[string]store.ID
}

func newWorld(t *testing.T, s *store.Store) *world {
	t.Helper()
	w := &world{store: s, organisation: s.NewID(), me: s.NewID(), ids: map[string]store.ID{}}
	err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		do := func(query string, args ...any) error {
			if _, err := tx.NewRaw(query, args...).Exec(ctx); err != nil {
				return fmt.Errorf("%s: %w", query, err)
			}
			return nil
		}
		if err := do("INSERT INTO organisation (id, name, revision, created_at) VALUES (?, ?, 1, 1)", w.organisation, "Acme "+w.organisation.String()); err != nil {
			return err
		}
		if err := do("INSERT INTO person (id, email, name, created_at) VALUES (?, ?, 'Me', 1)", w.me, w.me.String()+"@example.org"); err != nil {
			return err
		}
		for _, noun := range append(slices.Clone(order), slices.DeleteFunc(slices.Sorted(maps.Keys(nouns)), func(n string) bool { return slices.Contains(order, n) })...) {
			id := s.NewID()
			query, args := nouns[noun](w, id)
			if err := do(query, args...); err != nil {
				return err
			}
			w.ids[noun] = id
		}
		for person, r := range map[store.ID]string{w.me: "administrator", w.ids["people"]: "viewer"} {
			if err := do("INSERT INTO membership (person, organisation, role, joined_at) VALUES (?, ?, ?, 1)", person, w.organisation, r); err != nil {
				return err
			}
		}
		if err := do("INSERT INTO commit_result (id, repository, sha, author, email, subject, committed_at, scan, scanned_at, findings, undecided, suppressed, problems, added, gone, result) VALUES (?, ?, ?, '', '', '', 1, 0, 1, 0, 0, 0, 0, 0, 0, '')",
			s.NewID(), w.ids["repositories"], commit); err != nil {
			return err
		}
		w.ids["organisations"] = w.organisation
		if err := tx.SaveSession(ctx, store.Session{ID: s.NewID(), Hash: signin.Hash(cookieOf(w.organisation)), Person: w.me, Organisation: w.organisation, Method: "passkey", Data: `{"values":{}}`,
			CreatedAt: tx.Now, SeenAt: tx.Now, ExpiresAt: tx.Now + 3600000}); err != nil {
			return err
		}
		if err := do("INSERT INTO presence (branch, finding, state, detail, file, line, since_sha, since_at, revision) VALUES (?, ?, 'open', '', 'main.tf', 7, 'c1', 1, 1)", w.ids["branches"], w.ids["findings"]); err != nil {
			return err
		}
		return do("INSERT INTO team_member (team, person, role) VALUES (?, ?, 'viewer')", w.ids["teams"], w.ids["people"])
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) id(noun string) int64 { return int64(w.ids[noun]) }

func (w *world) text(t *testing.T, noun string) string {
	t.Helper()
	if text, ok := global[noun]; ok {
		return text
	}
	id, ok := w.ids[noun]
	if !ok {
		t.Fatalf("nobody has said in nouns (matrix_seed_test.go) how to make one of %q", noun)
	}
	return id.String()
}

// token makes a token of the world and changes it.
func (w *world) token(t *testing.T, change string) string {
	t.Helper()
	token, _ := signin.NewToken()
	err := w.store.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.NewRaw("INSERT INTO token (id, organisation, person, name, hash, hint, permissions, created_by, created_at, expires_at) VALUES (?, ?, ?, 'ci', ?, 'plb_x', 'rule:read', 'me', 1, 9000000000000)",
			w.store.NewID(), w.organisation, w.me, signin.Hash(token)).Exec(ctx); err != nil {
			return err
		}
		_, err := tx.NewRaw("UPDATE token SET "+change+" WHERE hash = ?", signin.Hash(token)).Exec(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// endedSession makes a session that has just expired, and returns its cookie.
func (w *world) endedSession(t *testing.T) string {
	t.Helper()
	cookie := "cookie-" + w.store.NewID().String()
	err := w.store.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return tx.SaveSession(ctx, store.Session{ID: w.store.NewID(), Hash: signin.Hash(cookie), Person: w.me, Organisation: w.organisation, Method: "link", Data: "{}", CreatedAt: 1, SeenAt: tx.Now, ExpiresAt: tx.Now - 1})
	})
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

// schema is what is read of a JSON Schema.
type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"`
	Enum       []any             `json:"enum"`
	Format     string            `json:"format"`
	Required   []string          `json:"required"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
	MinItems   int               `json:"minItems"`
	Minimum    float64           `json:"minimum"`
}

// arguments are what an operation is called with.
type arguments struct {
	path   map[string]string
	query  url.Values
	body   any // a map, or a text as it is
	kind   string
	header map[string]string
	places []place
}

// place is a parameter that names a thing of an organisation.
type place struct {
	name string // in a path or query as there; in a body "body." and the property
	noun string
	path bool
}

func (a *arguments) address(op *operation) string {
	path := op.path
	for name, value := range a.path {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	if len(a.query) > 0 {
		path += "?" + a.query.Encode()
	}
	return path
}

// set puts another value in a place.
func (a *arguments) set(name, value string) {
	if property, ok := strings.CutPrefix(name, "body."); ok {
		body := a.body.(map[string]any)
		if _, list := body[property].([]any); list {
			body[property] = []any{value}
		} else {
			body[property] = value
		}
		return
	}
	if _, ok := a.path[name]; ok {
		a.path[name] = value
		return
	}
	a.query.Set(name, value)
}

var before = regexp.MustCompile(`([a-z-]+)/\{([a-zA-Z]+)\}`)

// arguments makes arguments of the things of a world.
func (m *matrix) arguments(t *testing.T, op *operation, w *world) *arguments {
	t.Helper()
	a := &arguments{path: map[string]string{}, query: url.Values{}, kind: "application/json"}
	for _, part := range before.FindAllStringSubmatch(op.path, -1) {
		noun := part[2]
		if noun == "id" {
			noun = part[1]
		} else if other, ok := called[noun]; ok {
			noun = other
		}
		a.path[part[2]] = w.text(t, noun)
		if _, all := global[noun]; !all {
			a.places = append(a.places, place{part[2], noun, true})
		}
	}
	for _, p := range op.Parameters {
		noun, thing := called[p.Name]
		switch {
		case p.In == "query" && thing:
			a.places = append(a.places, place{p.Name, noun, false})
			if p.Required {
				a.query.Set(p.Name, w.text(t, noun))
			}
		case p.In == "query" && p.Required && len(p.Schema.Enum) > 0:
			a.query.Set(p.Name, fmt.Sprint(p.Schema.Enum[0]))
		case p.In == "query" && p.Required && queries[p.Name] != "":
			a.query.Set(p.Name, queries[p.Name])
		case p.In == "query" && p.Required:
			t.Fatalf("%s needs the parameter %s: matrix_seed_test.go does not know what it is", op.ID, p.Name)
		}
	}
	for kind, content := range op.RequestBody.Content {
		a.kind = kind
		if make, ok := bodies[op.ID]; ok {
			a.body = make(w)
		} else {
			a.body = m.example(t, op, w, "", content.Schema)
		}
		if body, ok := a.body.(map[string]any); ok {
			for property := range m.resolve(content.Schema).Properties {
				if noun, ok := called[property]; ok {
					a.places = append(a.places, place{"body." + property, noun, false})
				} else if _, ok := nouns[property]; ok {
					if _, list := body[property].([]any); list {
						a.places = append(a.places, place{"body." + property, property, false})
					}
				}
			}
		}
		break
	}
	slices.SortFunc(a.places, func(x, y place) int { return strings.Compare(x.name, y.name) })
	return a
}

func (m *matrix) resolve(s schema) schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return m.schemas[name]
	}
	return s
}

// example makes the least that a schema asks for; properties that name things name those of the world.
func (m *matrix) example(t *testing.T, op *operation, w *world, name string, s schema) any {
	t.Helper()
	s = m.resolve(s)
	if len(s.Enum) > 0 {
		return s.Enum[len(s.Enum)-1]
	}
	kind := fmt.Sprint(s.Type)
	if noun, ok := called[name]; ok && strings.Contains(kind, "string") {
		return w.text(t, noun)
	}
	switch {
	case strings.Contains(kind, "object"):
		out := map[string]any{}
		for _, p := range s.Required {
			out[p] = m.example(t, op, w, p, s.Properties[p])
		}
		return out
	case strings.Contains(kind, "array"):
		out := []any{}
		if _, ok := nouns[name]; ok {
			return append(out, w.text(t, name))
		}
		for range s.MinItems {
			out = append(out, m.example(t, op, w, name, *s.Items))
		}
		return out
	case strings.Contains(kind, "integer"), strings.Contains(kind, "number"):
		return max(s.Minimum, 1)
	case strings.Contains(kind, "boolean"):
		return true
	}
	return "x"
}
