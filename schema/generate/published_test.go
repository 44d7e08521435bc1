package main

import "testing"

func TestResourceType(t *testing.T) {
	for url, want := range map[string]string{
		"/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Web/sites/{n}":                            "Microsoft.Web/sites",
		"/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Web/sites/{n}/config/web":                 "Microsoft.Web/sites/config",
		"/{scope}/providers/Microsoft.Authorization/roleAssignments/{n}":                                     "Microsoft.Authorization/roleAssignments",
		"/subscriptions/{s}/providers/Microsoft.A/b/{n}/providers/Microsoft.Insights/diagnosticSettings/{m}": "Microsoft.Insights/diagnosticSettings",
		"/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Web/sites/{n}/stop":                       "",
		"/subscriptions/{s}/resourceGroups/{g}/providers/{namespace}/{type}/{n}":                             "",
		"/subscriptions/{s}": "",
		"":                   "",
	} {
		if got := resourceType(url); got != want {
			t.Errorf("%s is a %q, not a %q", url, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		allowed []string
		want    string
	}{
		{nil, "string"}, {[]string{"a", "b"}, "string(a|b)"}, {[]string{"a|b"}, "string"}, {[]string{""}, "string"}, {[]string{"a (b)"}, "string"},
	} {
		if got := words("string", c.allowed); got != c.want {
			t.Errorf("%q are %s, not %s", c.allowed, got, c.want)
		}
	}
}
