package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

func save(t *testing.T, s *store.Store, n store.Snapshot) int {
	t.Helper()
	changed := 0
	if err := s.Quiet(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		changed, err = tx.SaveSnapshot(ctx, n)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return changed
}

func bucket(name string, tags ...string) store.SnapshotResource {
	r := store.SnapshotResource{Unit: "live", Address: "aws_s3_bucket." + name, Type: "aws_s3_bucket", Name: name, Provider: "aws", Dialect: "terraform", File: "live/main.tf", Line: 3}
	for i := 0; i+1 < len(tags); i += 2 {
		r.Tags = append(r.Tags, store.ResourceTag{Key: tags[i], Value: tags[i+1], Known: true, Origin: "resource", File: "live/main.tf", Line: 5})
	}
	return r
}

func TestInventory(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := storetest.NewEstate(t, s)
		all := access.Scope{Organisation: int64(e.Organisation), All: true}
		vpc := store.SnapshotResource{Unit: ".", Address: "aws_vpc.main", Type: "aws_vpc", Provider: "aws", Dialect: "terraform", File: "net/vpc.tf", Exposed: "everybody may reach it"}
		data := store.SnapshotResource{Unit: "live", Variant: "prod", Address: "null_resource.x", Type: "null_resource", Dialect: "terraform", File: "live/x.tf", Maybe: true}
		shop := store.Snapshot{Organisation: e.Organisation, Repository: e.Shop, SHA: "c1",
			Resources: []store.SnapshotResource{bucket("a", "Team", "data", "Env", "prod"), bucket("b", "Team", "net"), bucket("c"), vpc, data, bucket("a", "twice", "x")},
			Edges:     []store.ResourceEdge{{Unit: "live", From: "aws_s3_bucket.a", To: "aws_s3_bucket.b", Path: "logging"}}}
		if n := save(t, s, shop); n != 5 {
			t.Errorf("first: %d rows, want 5", n)
		}
		if n := save(t, s, shop); n != 0 {
			t.Errorf("again: %d rows, want 0", n)
		}
		save(t, s, store.Snapshot{Organisation: e.Organisation, Repository: e.Ledger, SHA: "c1", Resources: []store.SnapshotResource{bucket("books", "Team", "data")}})
		e.Add(t, storetest.Row{Address: "aws_s3_bucket.a"})
		e.Add(t, storetest.Row{Address: "aws_s3_bucket.a", Status: "muted", Reason: "other"})
		e.Add(t, storetest.Row{Address: "aws_s3_bucket.a", Outcome: "undecided"})
		e.Add(t, storetest.Row{Address: "aws_s3_bucket.a"})
		e.Do(t, "UPDATE finding SET unit = 'live'")
		e.Do(t, "UPDATE finding SET unit = 'other' WHERE id = (SELECT max(id) FROM finding)")

		names := func(list []store.Resource) (out []string) {
			for _, r := range list {
				out = append(out, r.Address)
			}
			slices.Sort(out)
			return out
		}
		for _, c := range []struct {
			name  string
			scope access.Scope
			query store.ResourceQuery
			want  []string
		}{
			{"all", all, store.ResourceQuery{}, []string{"aws_s3_bucket.a", "aws_s3_bucket.b", "aws_s3_bucket.books", "aws_s3_bucket.c", "aws_vpc.main", "null_resource.x"}},
			{"type", all, store.ResourceQuery{Type: "aws_vpc"}, []string{"aws_vpc.main"}},
			{"repository", all, store.ResourceQuery{Repository: e.Ledger}, []string{"aws_s3_bucket.books"}},
			{"text", all, store.ResourceQuery{Text: "BUCKET.B"}, []string{"aws_s3_bucket.b", "aws_s3_bucket.books"}},
			{"text with a wildcard of SQL", all, store.ResourceQuery{Text: "aws%vpc"}, nil},
			{"tag", all, store.ResourceQuery{Tag: "Team"}, []string{"aws_s3_bucket.a", "aws_s3_bucket.b", "aws_s3_bucket.books"}},
			{"tag and value", all, store.ResourceQuery{Tag: "Team=data"}, []string{"aws_s3_bucket.a", "aws_s3_bucket.books"}},
			{"without a tag, of types that have tags", all, store.ResourceQuery{Without: "Env"}, []string{"aws_s3_bucket.b", "aws_s3_bucket.books", "aws_s3_bucket.c"}},
			{"untagged", all, store.ResourceQuery{Untagged: true}, []string{"aws_s3_bucket.c"}},
			{"exposed", all, store.ResourceQuery{Exposed: true}, []string{"aws_vpc.main"}},
			{"a team", access.Scope{Organisation: int64(e.Organisation), Teams: []int64{int64(e.Network)}}, store.ResourceQuery{}, []string{"aws_vpc.main"}},
			{"another team", access.Scope{Organisation: int64(e.Organisation), Teams: []int64{int64(e.Data)}}, store.ResourceQuery{}, []string{"aws_s3_bucket.books"}},
			{"a bound token", access.Scope{Organisation: int64(e.Organisation), All: true, Repository: int64(e.Ledger)}, store.ResourceQuery{}, []string{"aws_s3_bucket.books"}},
		} {
			var got []store.Resource
			c.query.Limit = 2
			for {
				page, next, err := s.Resources(t.Context(), c.scope, c.query)
				if err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
				got = append(got, page...)
				if c.query.Cursor = next; next == "" {
					break
				}
			}
			if diff := cmp.Diff(c.want, names(got)); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
			}
			c.query.Cursor = ""
			facets, err := s.ResourceFacets(t.Context(), c.scope, c.query)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0
			for _, f := range facets.Types {
				sum += f.Count
			}
			if facets.Total != len(c.want) || sum != len(c.want) {
				t.Errorf("%s: facets count %d and %d, want %d", c.name, facets.Total, sum, len(c.want))
			}
			for _, r := range got {
				if n, err := s.CountFindings(t.Context(), store.FindingSearch{Scope: c.scope, Query: mustParse(t, r.Open.Query)}); err != nil || n != r.Open.Count {
					t.Errorf("%s: %d open on %s, but %s lists %d (%v)", c.name, r.Open.Count, r.Address, r.Open.Query, n, err)
				}
				if r.Address == "aws_s3_bucket.a" && (r.Open.Count != 1 || len(r.Tags) != 2 || r.Tags[0].Key != "Env" || r.Tags[0].Origin != "resource") {
					t.Errorf("%+v", r)
				}
			}
		}
		facets, err := s.ResourceFacets(t.Context(), all, store.ResourceQuery{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&store.ResourceFacets{Total: 6, Exposed: 1, Taggable: 4, Untagged: 1, Types: []store.ResourceFacet{{"aws_s3_bucket", "aws_s3_bucket", 4}, {"aws_vpc", "aws_vpc", 1}, {"null_resource", "null_resource", 1}},
			Providers: []store.ResourceFacet{{"aws", "aws", 5}}, Dialects: []store.ResourceFacet{{"terraform", "terraform", 6}},
			Repositories: []store.ResourceFacet{{e.Shop.String(), "shop", 5}, {e.Ledger.String(), "ledger", 1}}, Tags: []store.ResourceFacet{{"Team", "Team", 3}, {"Env", "Env", 1}}}, facets); diff != "" {
			t.Error(diff)
		}
		snapshots, err := s.Snapshots(t.Context(), all, 0, 10)
		if err != nil || len(snapshots) != 2 || len(snapshots[1].Edges) != 1 || snapshots[1].Edges[0].Path != "logging" {
			t.Errorf("%+v %v", snapshots, err)
		}

		// One changes, one goes, one comes; ids of the others stay.
		before, _, err := s.Resources(t.Context(), all, store.ResourceQuery{Text: "bucket.a", Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		changedVPC := vpc
		changedVPC.Line = 9
		if n := save(t, s, store.Snapshot{Organisation: e.Organisation, Repository: e.Shop, SHA: "c2", Resources: []store.SnapshotResource{shop.Resources[0], shop.Resources[1], shop.Resources[2], changedVPC, bucket("new")}}); n != 4 {
			t.Errorf("%d rows, want 4: two written, two removed", n)
		}
		if x, err := s.Resource(t.Context(), all, before[0].ID); err != nil || x.Address != "aws_s3_bucket.a" {
			t.Errorf("what stays has another id: %v", err)
		}
		if _, err := s.Resource(t.Context(), access.Scope{Organisation: int64(e.Organisation), Teams: []int64{int64(e.Data)}}, before[0].ID); err == nil {
			t.Error("a team sees what it does not own")
		}
	})
}

// TestOwnersOfResources: who owns a file owns what it declares, and rules that are set for the new owner count.
func TestOwnersOfResources(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	e := storetest.NewEstate(t, s)
	all := access.Scope{Organisation: int64(e.Organisation), All: true}
	save(t, s, store.Snapshot{Organisation: e.Organisation, Repository: e.Shop, SHA: "c1", Resources: []store.SnapshotResource{bucket("a")}})
	e.Add(t, storetest.Row{Rule: "r", File: "live/main.tf"})
	if _, err := setRule(t, s, all, store.RuleChange{Rule: "r", Team: e.Data, Severity: 5, Reason: "x"}); err != nil {
		t.Fatal(err)
	}
	e.Do(t, "UPDATE ownership SET path = 'live/**', repository = NULL, position = 0 WHERE team = ?", e.Data)
	e.Do(t, "INSERT INTO reassignment (organisation, after) VALUES (?, 0)", e.Organisation)
	for more := true; more; {
		var err error
		if more, err = s.Reassign(t.Context(), 100); err != nil {
			t.Fatal(err)
		}
	}
	list, _, err := s.Resources(t.Context(), access.Scope{Organisation: int64(e.Organisation), Teams: []int64{int64(e.Data)}}, store.ResourceQuery{Limit: 10})
	if err != nil || len(list) != 1 {
		t.Errorf("the new owner sees %d resources, want 1 (%v)", len(list), err)
	}
	if got := ruleStates(t, s, "r"); got[0] != "5 4 open " {
		t.Errorf("the finding of the new owner: %s", got)
	}
}

// BenchmarkSaveSnapshot writes ten thousand resources, and then what a usual commit changes of them.
func BenchmarkSaveSnapshot(b *testing.B) {
	s := storetest.Open(b, storetest.Address(b, store.SQLite))
	e := storetest.NewEstate(b, s)
	n := store.Snapshot{Organisation: e.Organisation, Repository: e.Shop, SHA: "c1"}
	for i := range 10_000 {
		n.Resources = append(n.Resources, bucket(fmt.Sprint(i), "Team", "data", "Env", "prod"))
	}
	run := func(name string, change func(i int)) {
		b.Run(name, func(b *testing.B) {
			for i := range b.N {
				change(i)
				if err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
					_, err := tx.SaveSnapshot(ctx, n)
					return err
				}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	line := 0
	run("all", func(int) {
		line++
		for k := range n.Resources {
			n.Resources[k].Line = line
		}
	})
	run("one of them", func(int) {
		line++
		n.Resources[0].Line = line
	})
}
