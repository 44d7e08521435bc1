package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// shelf is a database with an organisation and some repositories.
type shelf struct {
	*testing.T
	*store.Store
	org  store.ID
	all  access.Scope
	ids  map[string]store.ID // of repositories, by name
	last int
}

func newShelf(t *testing.T, s *store.Store, names ...string) *shelf {
	f := &shelf{T: t, Store: s, org: s.NewID(), ids: map[string]store.ID{}}
	f.all = access.Scope{Organisation: int64(f.org), All: true}
	f.do("INSERT INTO organisation (id, name, revision, created_at) VALUES (?, 'acme', 0, 1)", f.org)
	for _, name := range names {
		f.add(name)
	}
	return f
}

func (f *shelf) do(query string, args ...any) {
	f.Helper()
	if err := f.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewRaw(query, args...).Exec(ctx)
		return err
	}); err != nil {
		f.Fatal(err)
	}
}

func (f *shelf) write(do func(context.Context, *store.Tx) error) error {
	return f.Write(context.Background(), entry(), do)
}

func (f *shelf) add(name string) store.ID {
	f.Helper()
	id := f.NewID()
	if err := f.write(func(ctx context.Context, tx *store.Tx) error {
		return tx.AddRepository(ctx, f.org, store.Repository{ID: id, Name: name, Address: "https://git.example.org/" + name + ".git", DefaultBranch: "main"}, store.Sealed{Kind: "token", Content: []byte("sealed")})
	}); err != nil {
		f.Fatal(err)
	}
	f.ids[name] = id
	f.do("INSERT INTO branch (id, repository, name, head, scanned, is_default, head_at) VALUES (?, ?, 'main', 'c1', 'c1', 1, 5)", f.NewID(), id)
	return id
}

// finding adds findings of a repository.
func (f *shelf) finding(name string, severity, n int, team store.ID, status string) {
	f.Helper()
	for range n {
		f.last++
		f.do(`INSERT INTO finding (id, organisation, repository, fingerprint, twin, rule, outcome, severity, base_severity, category, provider, dialect, resource_type, address,
attribute, unit, file, line, message, team, detail, status, on_default, first_seen_at, last_seen_at, revision) VALUES (?, ?, ?, ?, '', 'r', 'fail', ?, ?, 'c', 'aws', 'terraform', 't', 'a', '', '.', 'f', 1, 'm', ?, '', ?, 1, 1, 1, 1)`,
			f.NewID(), f.org, f.ids[name], f.last, severity, severity, team, status)
	}
}

func (f *shelf) team(name string, repository any, path string) access.Scope {
	f.Helper()
	id := f.NewID()
	f.do("INSERT INTO team (id, organisation, name, created_at) VALUES (?, ?, ?, 1)", id, f.org, name)
	f.do("INSERT INTO ownership (id, organisation, team, repository, path, position) VALUES (?, ?, ?, ?, ?, 1)", f.NewID(), f.org, id, repository, path)
	return access.Scope{Organisation: int64(f.org), Teams: []int64{int64(id)}}
}

// names reads a list page by page.
func (f *shelf) names(scope access.Scope, q store.RepositoryQuery) []string {
	f.Helper()
	out := []string{}
	for range 20 {
		list, next, err := f.Repositories(context.Background(), scope, q)
		if err != nil {
			f.Fatal(err)
		}
		for _, r := range list {
			out = append(out, r.Name)
		}
		if q.Cursor = next; next == "" {
			return out
		}
	}
	f.Fatal("the list does not end")
	return nil
}

func kindOf(err error) store.FaultKind {
	if fault, ok := errors.AsType[*store.Fault](err); ok {
		return fault.Kind
	}
	return ""
}

func TestRepositories(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := newShelf(t, s, "payments/infra", "web", "data_lake", "tools", "old")
		f.finding("web", 5, 1, 0, "open")
		f.finding("web", 2, 1, 0, "open")
		f.finding("tools", 4, 9, 0, "open")
		f.finding("tools", 5, 3, 0, "muted")
		f.do("UPDATE repository SET scanned_at = 7, problem = 'gone' WHERE name = 'data_lake'")
		f.do("UPDATE repository SET state = 'paused' WHERE name = 'old'")
		other := newShelf(t, s, "foreign")
		for _, c := range []struct {
			name  string
			scope access.Scope
			q     store.RepositoryQuery
			want  string
		}{
			{"by name", f.all, store.RepositoryQuery{}, "data_lake old payments/infra tools web"},
			{"worst first", f.all, store.RepositoryQuery{Sort: "risk"}, "web tools payments/infra data_lake old"},
			{"scanned last", f.all, store.RepositoryQuery{Sort: "scanned"}, "data_lake payments/infra web tools old"},
			{"a word of the name", f.all, store.RepositoryQuery{Text: "INFRA"}, "payments/infra"},
			{"no pattern", f.all, store.RepositoryQuery{Text: "a_l"}, "data_lake"},
			{"nothing", f.all, store.RepositoryQuery{Text: "%"}, ""},
			{"with a problem", f.all, store.RepositoryQuery{State: "problem"}, "data_lake"},
			{"paused", f.all, store.RepositoryQuery{State: "paused"}, "old"},
			{"another organisation", other.all, store.RepositoryQuery{}, "foreign"},
			{"nowhere", access.Scope{Organisation: int64(f.org)}, store.RepositoryQuery{}, ""},
			{"a team with one", f.team("web", f.ids["web"], "modules/**"), store.RepositoryQuery{}, "web"},
			{"a team with paths of all", f.team("all", nil, "*.tf"), store.RepositoryQuery{Sort: "risk"}, "payments/infra web data_lake tools old"},
			{"a token of one", access.Scope{Organisation: int64(f.org), All: true, Repository: int64(f.ids["web"])}, store.RepositoryQuery{}, "web"},
		} {
			c.q.Limit = 2
			if diff := cmp.Diff(strings.Fields(c.want), f.names(c.scope, c.q)); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
			}
		}
		got, err := s.Repository(context.Background(), f.all, f.ids["web"])
		if err != nil || got.Open != (store.Tally{Critical: 1, Low: 1}) || got.Branches != 1 || got.Head.SHA != "c1" || !got.Head.Scanned || got.Credential != "token" {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := s.Repository(context.Background(), other.all, f.ids["web"]); kindOf(err) != store.NotFound {
			t.Errorf("a foreign repository: %v", err)
		}
		if _, _, err := s.Repositories(context.Background(), f.all, store.RepositoryQuery{Cursor: "x", Limit: 2}); kindOf(err) != store.Invalid {
			t.Errorf("a false cursor: %v", err)
		}
	})
}

func TestRepository_scopedCounts(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	f := newShelf(t, s, "web")
	team := f.team("a", f.ids["web"], "x/**")
	f.finding("web", 4, 2, store.ID(team.Teams[0]), "open")
	f.finding("web", 4, 5, 0, "open")
	if got, err := s.Repository(context.Background(), team, f.ids["web"]); err != nil || got.Open.High != 2 {
		t.Errorf("%+v, %v: want two high ones", got, err)
	}
}

func TestChangeRepository(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := newShelf(t, s, "a", "b")
		text := func(s string) *string { return &s }
		change := func(scope access.Scope, c store.RepositoryChange) error {
			return f.write(func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.ChangeRepository(ctx, scope, f.ids["a"], c)
				return err
			})
		}
		part, whole := f.team("part", f.ids["a"], "x/**"), f.team("whole", f.ids["a"], "")
		for _, c := range []struct {
			name   string
			scope  access.Scope
			change store.RepositoryChange
			want   store.FaultKind
		}{
			{"a taken name", f.all, store.RepositoryChange{Name: text("b")}, store.Conflict},
			{"a taken address", f.all, store.RepositoryChange{Address: text("https://git.example.org/b.git")}, store.Conflict},
			{"an empty name", f.all, store.RepositoryChange{Name: text("")}, store.Invalid},
			{"a name with a line end", f.all, store.RepositoryChange{Name: text("a\nb")}, store.Invalid},
			{"a name like a flag", f.all, store.RepositoryChange{Name: text("--x")}, store.Invalid},
			{"a team with a part", part, store.RepositoryChange{State: text("paused")}, store.Forbidden},
			{"a team with all", whole, store.RepositoryChange{State: text("paused")}, ""},
			{"another organisation", access.Scope{Organisation: 1, All: true}, store.RepositoryChange{State: text("paused")}, store.NotFound},
			{"all at once", f.all, store.RepositoryChange{Name: text("c"), Settings: text("version: 1"), Credential: &store.Sealed{}}, ""},
		} {
			if err := change(c.scope, c.change); kindOf(err) != c.want || (err != nil) != (c.want != "") {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
		}
		got, err := s.Repository(context.Background(), f.all, f.ids["a"])
		if err != nil || got.Name != "c" || got.State != "paused" || got.Credential != "" || got.Settings != "version: 1" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestRemoveRepository(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		f := newShelf(t, s, "a", "b")
		f.finding("a", 4, 3, 0, "open")
		f.finding("b", 4, 1, 0, "open")
		if err := f.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.RemoveRepository(ctx, f.all, f.ids["a"])
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Repository(ctx, f.all, f.ids["a"]); kindOf(err) != store.NotFound {
			t.Errorf("it is still seen: %v", err)
		}
		f.add("a") // the name and the address are free again
		steps := 0
		for more := true; more; steps++ {
			var err error
			if more, err = s.Purge(ctx); err != nil || steps > 20 {
				t.Fatalf("after %d steps: %v", steps, err)
			}
		}
		var findings, repositories, branches int
		if err := s.DB.NewRaw("SELECT (SELECT count(*) FROM finding), (SELECT count(*) FROM repository), (SELECT count(*) FROM branch)").Scan(ctx, &findings, &repositories, &branches); err != nil {
			t.Fatal(err)
		}
		if findings != 1 || repositories != 2 || branches != 2 {
			t.Errorf("%d findings, %d repositories, %d branches are left, want 1, 2 and 2", findings, repositories, branches)
		}
	})
}

func TestCheckRepositoryName(t *testing.T) {
	for name, want := range map[string]bool{
		"payments/infra": true, "a": true, "École_2.x~y@z+w-": true, "٣": true, strings.Repeat("é", 200): true,
		"": false, strings.Repeat("é", 201): false, "/a": false, "-a": false, "+a": false, "@a": false, "a/": false, "a//b": false, "a b": false,
		"a:b": false, "a\xff": false, "a\"b": false, "a\u202eb": false, "a,b": false, "a*": false,
	} {
		if got := store.CheckRepositoryName(name) == nil; got != want {
			t.Errorf("%q is taken: %v, want %v", name, got, want)
		}
	}
}
