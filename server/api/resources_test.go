package api_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

func keep(t *testing.T, s *store.Store, n store.Snapshot) {
	t.Helper()
	if err := s.Quiet(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.SaveSnapshot(ctx, n)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

type graphAnswer struct {
	Nodes []struct {
		ID, Label, Tier, Unit, Exposed, Query string
		Count, Open                           int
		Path                                  bool
	}
	Edges []struct {
		From, To, Label string
		Path            bool
	}
	Total   int
	Grouped string
	Tiers   map[string]int
	Units   []string
}

func TestGraph(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	e := storetest.NewEstate(t, s)
	res := func(address, typ, exposed string) store.SnapshotResource {
		return store.SnapshotResource{Unit: "live", Address: address, Type: typ, Dialect: "terraform", File: "live/main.tf", Exposed: exposed}
	}
	edge := func(from, to string) store.ResourceEdge {
		return store.ResourceEdge{Unit: "live", From: from, To: to, Path: "x"}
	}
	inPod := res("pod.c", "k8s_container", "")
	inPod.Within = "vm"
	keep(t, s, store.Snapshot{Organisation: e.Organisation, Repository: e.Shop, SHA: "c1",
		Resources: []store.SnapshotResource{res("lb", "aws_lb", "a load balancer of the internet"), res("vm", "aws_instance", "public"), res("role", "aws_iam_role", ""), res("bucket", "aws_s3_bucket", ""),
			res("vpc", "aws_vpc", ""), res("other", "aws_db_instance", ""), res("alone", "null_resource", ""), inPod},
		Edges: []store.ResourceEdge{edge("vm", "role"), edge("role", "bucket"), edge("vm", "vpc"), edge("vpc", "other"), edge("lb", "vpc"), edge("lb", "gone")}})
	keep(t, s, store.Snapshot{Organisation: e.Organisation, Repository: e.Ledger, SHA: "c1", Resources: []store.SnapshotResource{res("bucket", "aws_s3_bucket", "")}})
	e.Add(t, storetest.Row{Address: "vm"})
	e.Do(t, "UPDATE finding SET unit = 'live'")
	c := newClient(t, s, maintainer(e))

	var g graphAnswer
	c.call("GET", "/api/graph?repository="+e.Shop.String(), nil, 200, &g)
	names := map[string]string{}
	var onWay, edges []string
	for _, n := range g.Nodes {
		names[n.ID] = n.Label
		if n.Path {
			onWay = append(onWay, n.Label)
		}
		if n.Label == "vm" && (n.Open != 1 || c.total(n.Query) != 1 || n.Tier != "compute") {
			t.Errorf("%+v", n)
		}
	}
	for _, x := range g.Edges {
		text := names[x.From] + " " + names[x.To]
		if x.Path {
			text += " way"
		}
		edges = append(edges, text)
	}
	if diff := cmp.Diff([]string{"vm role way", "role bucket way", "vm vpc", "vpc other", "lb vpc", "pod.c vm"}, edges); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"vm", "role", "bucket"}, onWay); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"network": 2, "compute": 2, "data": 2, "identity": 1, "other": 1}, g.Tiers); diff != "" || g.Total != 8 || g.Grouped != "" || len(g.Units) != 1 {
		t.Errorf("%s %d %s", diff, g.Total, g.Grouped)
	}
	c.call("GET", "/api/graph", nil, 200, &g)
	if len(g.Nodes) != 9 {
		t.Errorf("%d nodes everywhere, want 9", len(g.Nodes))
	}
	c.call("GET", "/api/graph?tier=data,identity", nil, 200, &g)
	if len(g.Nodes) != 4 || g.Total != 4 {
		t.Errorf("%d nodes of two tiers, want 4", len(g.Nodes))
	}
	c.call("GET", "/api/graph?tier=cloud", nil, 422, nil)
	c.call("GET", "/api/graph?repository=!", nil, 422, nil)

	// More than can be drawn is grouped, and nothing is lost.
	big := store.Snapshot{Organisation: e.Organisation, Repository: e.Ledger, SHA: "c2"}
	for i := range 2500 {
		r := res(fmt.Sprint("vm", i), "aws_instance", "")
		r.Unit = fmt.Sprint("u", i%3)
		big.Resources = append(big.Resources, r)
	}
	keep(t, s, big)
	c.call("GET", "/api/graph", nil, 200, &g)
	sum := 0
	for _, n := range g.Nodes {
		sum += n.Count
	}
	if g.Grouped != "unit" || sum != 2508 || len(g.Nodes) > 20 {
		t.Errorf("grouped by %q: %d nodes stand for %d resources, want 2508", g.Grouped, len(g.Nodes), sum)
	}
}

func TestResources(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	e := storetest.NewEstate(t, s)
	keep(t, s, store.Snapshot{Organisation: e.Organisation, Repository: e.Shop, SHA: "c1", Resources: []store.SnapshotResource{
		{Unit: ".", Address: "aws_s3_bucket.b1", Type: "aws_s3_bucket", Provider: "aws", Dialect: "terraform", File: "main.tf", Tags: []store.ResourceTag{{Key: "Team", Value: "data", Known: true, Origin: "default_tags of provider.aws", File: "providers.tf", Line: 3}}},
		{Unit: ".", Address: "aws_vpc.v", Type: "aws_vpc", Provider: "aws", Dialect: "terraform", File: "main.tf"}}})
	e.Add(t, storetest.Row{Address: "aws_s3_bucket.b1"})
	c := newClient(t, s, maintainer(e))
	var list struct {
		Items []struct {
			ID, Address string
			Open        numbered
			Tags        []map[string]any
		}
		Next string
	}
	c.call("GET", "/api/resources?tag=Team=data", nil, 200, &list)
	if len(list.Items) != 1 || list.Items[0].Open.Count != 1 || c.total(list.Items[0].Open.Query) != 1 || list.Items[0].Tags[0]["origin"] != "default_tags of provider.aws" {
		t.Errorf("%+v", list)
	}
	var one struct{ Address, Tier string }
	c.call("GET", "/api/resources/"+list.Items[0].ID, nil, 200, &one)
	if one.Address != "aws_s3_bucket.b1" || one.Tier != "data" {
		t.Errorf("%+v", one)
	}
	c.call("GET", "/api/resources/zzz", nil, 404, nil)
	var facets struct{ Total, Taggable int }
	c.call("GET", "/api/resources/facets", nil, 200, &facets)
	if facets.Total != 2 || facets.Taggable != 1 {
		t.Errorf("%+v", facets)
	}
}
