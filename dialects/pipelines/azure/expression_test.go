package azure

import (
	"strings"
	"testing"

	"plumbline.dev/plumbline/value"
)

// TestExpressions has what expressions are where x is "Prod" and nothing else is known.
func TestExpressions(t *testing.T) {
	look := func(path []string) value.Value {
		if strings.Join(path, ".") == "parameters.x" {
			return value.Value{Kind: value.String, Text: "Prod"}
		}
		return unknown
	}
	for text, want := range map[string]string{
		"parameters.x":                                `"Prod"`,
		"parameters['x']":                             `"Prod"`,
		"eq(parameters.x, 'prod')":                    "true",
		"ne(parameters.x, 'prod')":                    "false",
		"and(false, variables.y)":                     "false",
		"and(true, variables.y)":                      "(unknown)",
		"or(variables.y, true)":                       "true",
		"not(eq(parameters.x, 'dev'))":                "true",
		"in(parameters.x, variables.y, 'prod')":       "true",
		"notIn(parameters.x, 'a', variables.y)":       "(unknown)",
		"coalesce('', parameters.x)":                  `"Prod"`,
		"coalesce(variables.y, 'a')":                  "(unknown)",
		"iif(eq(1, 1.0), 'a', 'b')":                   `"a"`,
		"format('{0}-{1}', parameters.x, lower('A'))": `"Prod-a"`,
		"startsWith(parameters.x, 'PR')":              "true",
		"contains(parameters.x, 'ro')":                "true",
		"replace('it''s', '''', '')":                  `"its"`,
		"length('abc')":                               "3",
		"convertToJson(parameters.x)":                 "(unknown)",
		"eq(parameters.x":                             "none",
		"'open":                                       "none",
		"a b":                                         "none",
		strings.Repeat("not(", 10_000) + "true" + strings.Repeat(")", 10_000): "none",
	} {
		term, ok := parse(text)
		got := "none"
		if ok {
			v := term.evaluate(look)
			got = value.Show(&v)
		}
		if got != want {
			t.Errorf("%.60s is %s, want %s", text, got, want)
		}
	}
}
