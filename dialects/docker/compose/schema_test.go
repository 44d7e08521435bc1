package compose

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// attributeOf is how schema/generate/compose.json writes a shape.
func attributeOf(s shape) []any {
	fields := func(m map[string]shape) map[string]any {
		out := map[string]any{}
		for name, f := range m {
			out[name] = attributeOf(f)
		}
		return out
	}
	switch s.kind {
	case aText:
		return []any{"o", "string"}
	case aTruth:
		return []any{"o", "bool"}
	case aNumber:
		return []any{"o", "number"}
	case texts, capability:
		return []any{"o", "list(string)"}
	case textMap:
		return []any{"o", "map(string)"}
	case anObject:
		return []any{"o", "single", fields(s.fields)}
	case aList:
		return []any{"o", "list", fields(s.item.fields)}
	case security:
		options := map[string]any{"no_new_privileges": []any{"o", "bool"}, "other": []any{"o", "list(string)"}}
		for _, name := range securityNames {
			if options[name] == nil {
				options[name] = []any{"o", "string"}
			}
		}
		return []any{"o", "single", options}
	}
	return []any{"o", "any"}
}

// TestSchema holds that what the dialect makes of attributes is what the schema says to rules.
func TestSchema(t *testing.T) {
	want := map[string]any{"compose_project": map[string]any{"name": []any{"o", "string"}, "version": []any{"o", "string"}}}
	service := map[string]any{"name": []any{"r", "string"}, "commands": read(t, "ci.json")["ci_script"].(map[string]any)["commands"]}
	for name, s := range serviceShape {
		service[name] = attributeOf(s)
	}
	want["compose_service"] = service
	for section, shapes := range sectionShapes {
		attributes := map[string]any{"key": []any{"r", "string"}}
		for name, s := range shapes {
			attributes[name] = attributeOf(s)
		}
		want[types[section]] = attributes
	}
	got := read(t, "compose.json")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("compose.json (-dialect +schema):\n%s", diff)
	}
}

func read(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../../../schema/generate/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
