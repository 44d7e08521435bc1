package schema_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

func TestDefault(t *testing.T) {
	s := schema.Load()
	no, yes := value.Value{Kind: value.Bool}, value.Value{Kind: value.Bool, Bool: true}
	text := func(s string) value.Value { return value.Value{Kind: value.String, Text: s} }
	tests := []struct {
		typ, path               string
		always, written, absent *value.Value
	}{
		{"aws_db_instance", "storage_encrypted", &no, &no, &no},
		{"aws_instance", "metadata_options.http_endpoint", ptr(text("enabled")), ptr(text("enabled")), ptr(text("enabled"))},
		{"aws_opensearch_domain", "domain_endpoint_options.enforce_https", nil, &yes, &no},
		{"aws_opensearch_domain", "encrypt_at_rest.enabled", nil, nil, &no},
		{"aws_ecs_service", "volume_configuration.managed_ebs_volume.encrypted", nil, &yes, nil},
		{"aws_eks_cluster", "vpc_config.public_access_cidrs", ptr(list("0.0.0.0/0")), ptr(list("0.0.0.0/0")), ptr(list("0.0.0.0/0"))},
		{"azurerm_storage_account", "https_traffic_only_enabled", &yes, &yes, &yes},
		{"k8s_container", "securityContext.allowPrivilegeEscalation", &yes, &yes, &yes},
		{"k8s_pod", "spec.automountServiceAccountToken", nil, nil, nil},
		{"aws_db_instance", "engine", nil, nil, nil},
		{"aws_nothing", "at_all", nil, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.typ+"."+tt.path, func(t *testing.T) {
			check := func(name string, want *value.Value, got schema.Default, ok bool) {
				t.Helper()
				if ok != (want != nil) {
					t.Fatalf("%s: found is %v, want %v", name, ok, want != nil)
				}
				if want != nil && !want.Equal(&got.Value) {
					t.Errorf("%s: %s", name, cmp.Diff(*want, got.Value))
				}
			}
			d, ok := s.Default(tt.typ, tt.path)
			check("Default", tt.always, d, ok)
			d, ok = s.DefaultInBlock(tt.typ, tt.path, true)
			check("written", tt.written, d, ok)
			d, ok = s.DefaultInBlock(tt.typ, tt.path, false)
			check("absent", tt.absent, d, ok)
		})
	}
}

func ptr(v value.Value) *value.Value { return &v }

func list(items ...string) value.Value {
	l := value.Value{Kind: value.List}
	for _, i := range items {
		l.Items = append(l.Items, value.Value{Kind: value.String, Text: i})
	}
	return l
}

// TestDefaultTables holds every row against the schema: the attribute exists, may be left out, and takes such a value.
func TestDefaultTables(t *testing.T) {
	s := schema.Load()
	for _, file := range []string{"defaults.tsv", "defaults-azurerm.tsv", "defaults-kubernetes.tsv"} {
		seen := map[string]bool{}
		for n, columns := range rowsOf(t, file, 5, 6) {
			typ, path, scope, source := columns[0], columns[1], columns[2], columns[4]
			names := strings.Split(path, ".")
			r := s.Resource(typ)
			if r == nil {
				t.Errorf("%s:%d: unknown type %s, perhaps %s", file, n, typ, s.Suggest(typ))
				continue
			}
			a := r.At(names...)
			if a == nil {
				t.Errorf("%s:%d: %s has no %s", file, n, typ, path)
				continue
			}
			if seen[typ+path+scope] || scope != "always" && seen[typ+path+"always"] {
				t.Errorf("%s:%d: %s.%s twice", file, n, typ, path)
			}
			seen[typ+path+scope] = true
			switch {
			case !slices.Contains([]string{"always", "block", "absent"}, scope):
				t.Errorf("%s:%d: unknown scope %q", file, n, scope)
			case len(names) == 1 && scope != "always":
				t.Errorf("%s:%d: %s.%s is in no block; its scope must be always", file, n, typ, path)
			case !a.Optional && scope != "absent":
				t.Errorf("%s:%d: %s.%s cannot be left out", file, n, typ, path)
			case source == "":
				t.Errorf("%s:%d: %s.%s has no source", file, n, typ, path)
			}
			d, ok := s.DefaultInBlock(typ, path, scope != "absent")
			if !ok {
				t.Errorf("%s:%d: %s.%s is not found", file, n, typ, path)
			} else if !fits(d.Value, a.Type) {
				t.Errorf("%s:%d: %s.%s is %s, the default is a %s", file, n, typ, path, a.Type, d.Value.Kind)
			}
			if !slices.Contains(s.Defaults(typ), path) {
				t.Errorf("%s:%d: Defaults(%q) lacks %s", file, n, typ, path)
			}
		}
	}
}

func fits(v value.Value, t schema.Type) bool {
	switch t.Kind {
	case schema.String:
		return v.Kind == value.String
	case schema.Number:
		return v.Kind == value.Number
	case schema.Bool:
		return v.Kind == value.Bool
	case schema.ListOf, schema.SetOf:
		for _, item := range v.Items {
			if !fits(item, *t.Elem) {
				return false
			}
		}
		return v.Kind == value.List
	}
	return false
}

// rowsOf returns the rows of a table by line number, split into columns, and checks what search relies on.
func rowsOf(t *testing.T, file string, least, most int) map[int][]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("data", file))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(data), "\n") {
		t.Errorf("%s: the last line has no end", file)
	}
	rows := map[int][]string{}
	before := ""
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		columns := strings.Split(line, "\t")
		if columns[0] < before && !strings.HasPrefix(line, "#") {
			t.Errorf("%s:%d: %s stands after %s", file, i+1, columns[0], before)
		}
		if strings.HasPrefix(line, "#") {
			if before != "" {
				t.Errorf("%s:%d: remarks stand at the top", file, i+1)
			}
			continue
		}
		if len(columns) < least || len(columns) > most {
			t.Errorf("%s:%d: %d columns", file, i+1, len(columns))
			continue
		}
		before = columns[0]
		rows[i+1] = columns
	}
	if len(rows) == 0 {
		t.Errorf("%s is empty", file)
	}
	return rows
}
