package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/schema"
)

func TestLink(t *testing.T) {
	s := schema.Load()
	tests := []struct {
		typ, attribute string
		want           []schema.Link
	}{
		{"aws_s3_bucket_public_access_block", "bucket", []schema.Link{{"bucket", "aws_s3_bucket", []string{"id", "bucket"}}}},
		{"aws_lb_listener", "load_balancer_arn", []schema.Link{
			{"load_balancer_arn", "aws_alb", []string{"arn", "id"}},
			{"load_balancer_arn", "aws_lb", []string{"arn", "id"}},
		}},
		{"google_compute_instance", "network_interface.subnetwork", []schema.Link{
			{"network_interface.subnetwork", "google_compute_subnetwork", []string{"self_link", "id", "name"}},
		}},
		{"aws_s3_bucket_public_access_block", "block_public_acls", nil},
		{"aws_nothing", "bucket", nil},
	}
	for _, tt := range tests {
		t.Run(tt.typ+"."+tt.attribute, func(t *testing.T) {
			var got []schema.Link
			for _, l := range s.Links(tt.typ) {
				if l.Attribute == tt.attribute {
					got = append(got, l)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			first, ok := s.Link(tt.typ, tt.attribute)
			if ok != (len(tt.want) > 0) {
				t.Fatalf("Link found one: %v", ok)
			}
			if ok && !cmp.Equal(first, tt.want[0]) {
				t.Errorf("Link: %v", first)
			}
		})
	}
}

// TestLinkTable holds every row against the schema: both ends exist, and what is written can be what the target has.
func TestLinkTable(t *testing.T) {
	s := schema.Load()
	seen := map[string]bool{}
	for n, columns := range rowsOf(t, "links.tsv", 4, 4) {
		typ, path, target := columns[0], columns[1], columns[2]
		if seen[typ+path+target] {
			t.Errorf("links.tsv:%d: %s.%s to %s twice", n, typ, path, target)
		}
		seen[typ+path+target] = true
		from, to := s.Resource(typ), s.Resource(target)
		if from == nil || to == nil {
			t.Errorf("links.tsv:%d: unknown type %s or %s", n, typ, target)
			continue
		}
		a := from.At(strings.Split(path, ".")...)
		switch {
		case a == nil:
			t.Errorf("links.tsv:%d: %s has no %s", n, typ, path)
		case !a.Required && !a.Optional:
			t.Errorf("links.tsv:%d: %s.%s cannot be written", n, typ, path)
		case a.Type.Kind != schema.String && (a.Type.Elem == nil || a.Type.Elem.Kind != schema.String):
			t.Errorf("links.tsv:%d: %s.%s is %s", n, typ, path, a.Type)
		}
		attributes := strings.Split(columns[3], ",")
		for _, name := range attributes {
			if b := to.Attribute(name); b == nil || b.Type.Kind != schema.String {
				t.Errorf("links.tsv:%d: %s has no string %s", n, target, name)
			}
		}
		found := slices.ContainsFunc(s.Links(typ), func(l schema.Link) bool {
			return l.Attribute == path && l.Target == target && slices.Equal(l.TargetAttributes, attributes)
		})
		if !found {
			t.Errorf("links.tsv:%d: Links(%q) lacks %s", n, typ, path)
		}
	}
}
