package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/schema"
)

func TestResource(t *testing.T) {
	s := schema.Load()
	tests := []struct {
		typ, path string
		flags     string
		kind      string
		nesting   schema.Nesting
	}{
		{"aws_s3_bucket", "bucket", "oc", "string", schema.None},
		{"aws_instance", "metadata_options", "o", "object", schema.One},
		{"aws_instance", "metadata_options.http_tokens", "oc", "string", schema.None},
		{"aws_instance", "ebs_block_device.encrypted", "oc", "bool", schema.None},
		{"aws_instance", "ebs_block_device", "o", "set(object)", schema.Unordered},
		{"aws_instance", "vpc_security_group_ids", "oc", "set(string)", schema.None},
		{"aws_instance", "timeouts", "o", "object", schema.Single},
		{"aws_eks_cluster", "certificate_authority", "c", "list(object)", schema.List},
		{"aws_ebs_volume", "size", "oc", "number", schema.None},
		{"aws_ebs_volume", "tags", "o", "map(string)", schema.None},
		{"aws_ebs_volume", "availability_zone", "r", "string", schema.None},
		{"data.aws_iam_policy_document", "statement.principals.identifiers", "r", "set(string)", schema.None},
		{"azurerm_storage_account", "network_rules.default_action", "r", "string", schema.None},
		{"google_storage_bucket", "uniform_bucket_level_access", "oc", "bool", schema.None},
		{"azurerm_storage_account", "enable_https_traffic_only", "o", "bool", schema.None}, // before version 4
		{"azurerm_kubernetes_cluster", "default_node_pool.enable_node_public_ip", "o", "bool", schema.None},
		{"azurerm_kubernetes_cluster", "default_node_pool.node_public_ip_enabled", "o", "bool", schema.None},
		{"azurerm_mysql_server", "ssl_enforcement_enabled", "r", "bool", schema.None}, // gone in version 4
		{"variable", "default", "o", "any", schema.None},
		{"provider.aws", "default_tags.tags", "o", "map(string)", schema.None},
		{"backend.s3", "encrypt", "o", "bool", schema.None},
	}
	for _, tt := range tests {
		t.Run(tt.typ+"."+tt.path, func(t *testing.T) {
			r := s.Resource(tt.typ)
			if r == nil {
				t.Fatal("unknown type")
			}
			a := r.At(strings.Split(tt.path, ".")...)
			if a == nil {
				t.Fatal("unknown attribute")
			}
			if got := flags(a); got != tt.flags || a.Type.String() != tt.kind || a.Nesting != tt.nesting {
				t.Errorf("got %s %s %s, want %s %s %s", got, a.Type, a.Nesting, tt.flags, tt.kind, tt.nesting)
			}
		})
	}
}

func flags(a *schema.Attribute) string {
	f := ""
	if a.Required {
		f += "r"
	}
	if a.Optional {
		f += "o"
	}
	if a.Computed {
		f += "c"
	}
	return f
}

func TestUnknown(t *testing.T) {
	s := schema.Load()
	for _, name := range []string{"", "a", "aws_s3_bucke", "aws_s3_bucket_", "aws_s3_bucket\tx", "#type", "zzz", "provider.aw"} {
		if r := s.Resource(name); r != nil {
			t.Errorf("Resource(%q) = %s, want nil", name, r.Name)
		}
	}
	r := s.Resource("aws_s3_bucket")
	if r.At() != nil || r.At("bukket") != nil || r.At("bucket", "x") != nil || r.Attribute("") != nil {
		t.Error("an attribute that does not exist was found")
	}
}

// TestTables decodes every type and finds each by its name, which also proves that the tables are sorted.
func TestTables(t *testing.T) {
	s := schema.Load()
	count := 0
	var check func(where string, attributes []schema.Attribute)
	check = func(where string, attributes []schema.Attribute) {
		if !slices.IsSortedFunc(attributes, func(a, b schema.Attribute) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("%s: attributes are not sorted", where)
		}
		for i, a := range attributes {
			if flags(&a) == "" || a.Name == "" || strings.ContainsAny(a.Name, "={},.") {
				t.Errorf("%s: %q has flags %q", where, a.Name, flags(&a))
			}
			if i > 0 && attributes[i-1].Name == a.Name {
				t.Errorf("%s: %s twice", where, a.Name)
			}
			if a.Nesting == schema.None && a.Attributes != nil {
				t.Errorf("%s: %s is plain and has attributes", where, a.Name)
			}
			check(where+"."+a.Name, a.Attributes)
		}
	}
	seen := map[string]bool{}
	for name := range s.Types() {
		count++
		r := s.Resource(name)
		if r == nil || r.Name != name || seen[name] {
			t.Fatalf("%s: Resource does not find it, or it is there twice", name)
		}
		seen[name] = true
		check(name, r.Attributes)
	}
	if count < 5000 {
		t.Errorf("%d types, want more than 5000", count)
	}
}

func TestSuggest(t *testing.T) {
	s := schema.Load()
	got := map[string]string{}
	want := map[string]string{
		"aws_s3_bukcet":              "aws_s3_bucket",
		"aws_securty_group":          "aws_security_group",
		"azurerm_storage_acount":     "azurerm_storage_account",
		"google_container_clusters":  "google_container_cluster",
		"data.aws_iam_policy_documt": "data.aws_iam_policy_document",
		"aws_s3_bucket":              "aws_s3_bucket",
		"variabel":                   "variable",
		"something_else_entirely":    "",
		"":                           "",
	}
	for name := range want {
		got[name] = s.Suggest(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkLoadAndResource(b *testing.B) {
	for b.Loop() {
		if schema.Load().Resource("aws_instance") == nil {
			b.Fatal("unknown type")
		}
	}
}

func BenchmarkResourceAgain(b *testing.B) {
	s := schema.Load()
	for b.Loop() {
		s.Resource("aws_instance")
	}
}

func BenchmarkEveryType(b *testing.B) {
	s := schema.Load()
	names := slices.Collect(s.Types())
	for b.Loop() {
		s := schema.Load()
		for _, name := range names {
			s.Resource(name)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(names)), "ns/type")
}
