package rule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// randomGraph makes buckets and what links to them by reference, by name, by a name that is not known, or not at all.
func randomGraph(r *rand.Rand) *resource.Graph {
	name := func(field string) value.Field {
		texts := []string{"a", "b", "c", "", "ab"}
		v := value.Value{Kind: value.String, Text: texts[r.IntN(len(texts))]}
		switch r.IntN(8) {
		case 0:
			v = value.Value{Kind: value.Unknown, Text: texts[r.IntN(len(texts))]}
		case 1:
			v = value.Value{Kind: value.Unknown}
		case 2:
			v = value.Value{Kind: value.Number, Number: 1}
		case 3:
			v = value.Value{Kind: value.Null}
		case 4:
			v = value.Value{Kind: value.List, Items: []value.Value{v}, Open: r.IntN(2) == 0}
		}
		return value.Field{Name: field, Value: v}
	}
	var list []*resource.Resource
	for i := range 4 + r.IntN(8) {
		x := &resource.Resource{Type: "aws_s3_bucket", Address: fmt.Sprintf("aws_s3_bucket.x%d", r.IntN(20))}
		if i%2 == 0 {
			x.Type, x.Address = "aws_s3_bucket_policy", fmt.Sprintf("aws_s3_bucket_policy.x%d", i)
		}
		x.Body = value.Value{Kind: value.Object}
		if r.IntN(5) > 0 {
			x.Body.Fields = append(x.Body.Fields, name("bucket"))
		}
		if r.IntN(3) == 0 && i%2 == 1 {
			x.Body.Fields = append(x.Body.Fields, name("id"))
		}
		if r.IntN(3) == 0 {
			x.Refs = append(x.Refs, resource.Ref{Path: value.Path{{Name: "bucket"}}, Target: fmt.Sprintf("aws_s3_bucket.x%d", r.IntN(20))})
		}
		if r.IntN(5) == 0 {
			x.Refs = append(x.Refs, resource.Ref{Path: value.Path{{Name: "policy"}}, Target: fmt.Sprintf("aws_s3_bucket.x%d", r.IntN(20))})
		}
		list = append(list, x)
	}
	return resource.NewGraph(list, nil)
}

// The index leaves out only what a comparison says no to, and keeps the order.
func TestIndexLosesNothing(t *testing.T) {
	const from, to = "aws_s3_bucket_policy", "aws_s3_bucket"
	links := slices.DeleteFunc(slices.Clone(testSet.Links(from)), func(l schema.Link) bool { return l.Target != to })
	if len(links) == 0 {
		t.Fatal("the schema has no link to try")
	}
	r := rand.New(rand.NewPCG(1, 2))
	kept, dropped := 0, 0
	for range 3000 {
		g := randomGraph(r)
		f := &frame{graph: g, program: &Program{set: testSet}}
		check := func(what string, picked []*resource.Resource, all []*resource.Resource, counts func(*resource.Resource) bool) {
			t.Helper()
			at := 0
			for _, x := range all {
				if at < len(picked) && picked[at] == x {
					at++
				} else if counts(x) {
					t.Fatalf("%s: %s is missing", what, x.Address)
				}
			}
			if at != len(picked) {
				t.Fatalf("%s: not in order, or not of the type", what)
			}
			kept, dropped = kept+at, dropped+len(all)-at
		}
		for _, f.this = range g.ByType(to) {
			for _, by := range [][]schema.Link{links, nil} {
				check("linking", f.linking(from, by), g.ByType(from), func(x *resource.Resource) bool {
					verdict, _ := f.linksTo(x, by)
					return x != f.this && verdict != no
				})
			}
		}
		for _, name := range []val{texts("a"), texts(""), {kind: unknown}, {kind: unknown, text: "a"}} {
			for _, typ := range []string{from, to} {
				check("calling", f.calling(&name, typ, []string{"id", "bucket"}), g.ByType(typ), func(x *resource.Resource) bool {
					one := *f
					one.graph = resource.NewGraph([]*resource.Resource{x}, nil)
					one.index = nil
					seq := &sequence{}
					one.findNamed(&name, typ, []string{"id", "bucket"}, seq)
					return len(seq.items) > 0
				})
			}
			check("naming", f.naming(&name, to, from), g.ByType(from), func(x *resource.Resource) bool {
				for _, l := range links {
					for _, e := range ends(&x.Body, []string{l.Attribute}, nil) {
						if f.namesSame(&name, x, e, l.TargetAttributes) != no {
							return true
						}
					}
				}
				return false
			})
		}
	}
	if kept == 0 || dropped == 0 {
		t.Errorf("%d kept and %d dropped: nothing was tried", kept, dropped)
	}
}

// A graph of a hundred estates costs a hundred times one: each bucket is compared with its own policy only, and what is
// known of the graph is found out once.
func TestJoinsAreLinear(t *testing.T) {
	const n = 500
	var list []*resource.Resource
	for i := range n {
		name := fmt.Sprintf("b%d", i)
		list = append(list,
			&resource.Resource{Type: "aws_s3_bucket", Address: "aws_s3_bucket." + name, Body: body(t, `{"bucket": "`+name+`"}`)},
			&resource.Resource{Type: "aws_s3_bucket_policy", Address: "aws_s3_bucket_policy." + name, Body: body(t, `{"bucket": "`+name+`"}`)})
	}
	f := &frame{graph: resource.NewGraph(list, nil), program: &Program{set: testSet}, places: make([]place, 0, 8)}
	first := f.indexed()
	for _, f.this = range f.graph.ByType("aws_s3_bucket") {
		linked := f.linked("aws_s3_bucket_policy", "")
		if linked.size() != 1 || f.steps != 1 {
			t.Fatalf("%s: %d policies in %d steps", f.this.Address, linked.size(), f.steps)
		}
		f.steps = 0
	}
	if f.index != first || len(first.rolls) != 1 {
		t.Errorf("the graph was indexed again")
	}
}
