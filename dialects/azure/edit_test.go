package azure

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// account is a template of one storage account whose properties are given, with an indentation that shows.
func account(properties string, rest ...string) string {
	return `{
  ` + schemaLine + `
  ` + strings.Join(append(rest, ""), ",\n  ") + `"resources": [
    {
      "type": "Microsoft.Storage/storageAccounts",
      "apiVersion": "2023-01-01",
      "name": "st",
      "properties": ` + properties + `
    }
  ]
}
`
}

func TestEdits(t *testing.T) {
	tls := armSet("min_tls_version", text("TLS1_2"))
	deny := armSet("network_rules.default_action", text("Deny"))
	param := func(typ, value string) string {
		return `"parameters": {"p": {"type": "` + typ + `", "defaultValue": ` + value + `}}`
	}
	for _, c := range []struct {
		name, properties, rest string
		change                 resource.Change
		want, wantRest         string // what they become; empty: as they were
	}{
		{"a literal", `{"minimumTlsVersion": "TLS1_0"}`, "", tls, `{"minimumTlsVersion": "TLS1_2"}`, ""},
		{"spelled otherwise", `{"MINIMUMTLSVERSION": "TLS1_0"}`, "", tls, `{"MINIMUMTLSVERSION": "TLS1_2"}`, ""},
		{"new", `{"accessTier": "Hot"}`, "", tls, `{"accessTier": "Hot", "minimumTlsVersion": "TLS1_2"}`, ""},
		{"nested and new", `{"networkAcls": {"bypass": "None"}}`, "", deny, `{"networkAcls": {"bypass": "None", "defaultAction": "Deny"}}`, ""},
		{"a default", `{"minimumTlsVersion": "[parameters('p')]"}`, param("string", `"TLS1_0"`), tls, "", param("string", `"TLS1_2"`)},
		{"a default that is not text", `{"minimumTlsVersion": "[parameters('p')]"}`, param("int", `1`), tls, `{"minimumTlsVersion": "TLS1_2"}`, ""},
		{"a default that others use", `{"minimumTlsVersion": "[parameters('p')]", "accessTier": "[parameters('p')]"}`, param("string", `"TLS1_0"`), tls,
			`{"minimumTlsVersion": "TLS1_2", "accessTier": "[parameters('p')]"}`, ""},
		{"a default that may not be so", `{"minimumTlsVersion": "[parameters('p')]"}`, `"parameters": {"p": {"type": "string", "defaultValue": "TLS1_0", "allowedValues": ["TLS1_0", "TLS1_1"]}}`, tls,
			`{"minimumTlsVersion": "TLS1_2"}`, ""},
		{"an input", `{"minimumTlsVersion": "[parameters('p')]"}`, `"parameters": {"p": {"type": "string"}}`, tls, `{"minimumTlsVersion": "TLS1_2"}`, ""},
		{"a variable", `{"minimumTlsVersion": "[variables('v')]"}`, `"variables": {"v": "TLS1_0"}`, tls, "", `"variables": {"v": "TLS1_2"}`},
		{"a member of a variable", `{"minimumTlsVersion": "[variables('v').tls]"}`, `"variables": {"v": {"tls": "TLS1_0"}}`, tls, "", `"variables": {"v": {"tls": "TLS1_2"}}`},
		{"through a variable", `{"minimumTlsVersion": "[variables('v')]"}`, `"variables": {"v": "[parameters('p')]"}, ` + param("string", `"TLS1_0"`), tls, "",
			`"variables": {"v": "[parameters('p')]"}, ` + param("string", `"TLS1_2"`)},
		{"a variable that an expression makes", `{"minimumTlsVersion": "[variables('v')]"}`, `"variables": {"v": "[concat('TLS', '1_0')]"}`, tls, `{"minimumTlsVersion": "TLS1_2"}`, ""},
		{"an expression", `{"minimumTlsVersion": "[concat('TLS', '1_0')]"}`, "", tls, `{"minimumTlsVersion": "TLS1_2"}`, ""},
		{"inside of a variable", `{"networkAcls": "[variables('v')]"}`, `"variables": {"v": {"defaultAction": "Allow"}}`, deny, "", `"variables": {"v": {"defaultAction": "Deny"}}`},
		{"inside of an expression", `{"networkAcls": "[createObject('defaultAction', 'Allow')]"}`, "", deny,
			`{"networkAcls": "[union(createObject('defaultAction', 'Allow'), createObject('defaultAction', 'Deny'))]"}`, ""},
		{"inside of what may be null", `{"networkAcls": "[parameters('p')]", "x": "[parameters('p')]"}`, `"parameters": {"p": {"type": "object", "nullable": true}}`, deny,
			`{"networkAcls": "[union(coalesce(parameters('p'), createObject()), createObject('defaultAction', 'Deny'))]", "x": "[parameters('p')]"}`, ""},
		{"a text in brackets", `{"accessTier": "Hot"}`, "", armSet("access_tier", text("[x]")), `{"accessTier": "[[x]"}`, ""},
		{"gone", `{"accessTier": "Hot", "isSftpEnabled": true}`, "", resource.Change{Op: resource.Remove, Path: armPath("sftp_enabled")}, `{"accessTier": "Hot"}`, ""},
		{"as it is", `{"minimumTlsVersion": "[concat('TLS1_', '2')]"}`, "", tls, "", ""},
		{"two steps", `{"networkAcls": {"ipRules": [{"value": "[parameters('p')]"}]}}`, param("string", `"0.0.0.0/0"`),
			armSet("network_rules.ip_rules", value.Value{Kind: value.List, Items: []value.Value{text("10.0.0.0/8")}}), "?", "?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var rest, wantRest []string
			if c.rest != "" {
				rest, wantRest = []string{c.rest}, []string{c.rest}
			}
			if c.wantRest != "" {
				wantRest = []string{c.wantRest}
			}
			want := c.want
			if want == "" {
				want = c.properties
			}
			before := account(c.properties, rest...)
			u := unitOf(t, before)
			noProblems(t, u)
			lowered, err := u.Edit(u.Graph.ByAddress("Microsoft.Storage/storageAccounts/st"), []resource.Change{c.change})
			if err != nil {
				t.Fatal(err)
			}
			after, err := source.Apply([]byte(before), lowered.Edits)
			if err != nil {
				t.Fatal(err)
			}
			if want != "?" {
				if diff := cmp.Diff(account(want, wantRest...), string(after)); diff != "" {
					t.Error(diff)
				}
			}
			again := unitOf(t, string(after))
			noProblems(t, again)
			lowered, err = again.Edit(again.Graph.ByAddress("Microsoft.Storage/storageAccounts/st"), []resource.Change{c.change})
			if err != nil || len(lowered.Edits) > 0 {
				t.Errorf("again: %v %v in\n%s", lowered.Edits, err, after)
			}
		})
	}
}

func TestEditsInOtherFiles(t *testing.T) {
	files := map[string]string{
		"a.json":            account(`{"minimumTlsVersion": "[parameters('p')]"}`, `"parameters": {"p": {"type": "string"}}`),
		"a.parameters.json": `{"$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentParameters.json#", "parameters": {"p": {"value": "TLS1_0"}}}`,
	}
	e, _ := opened(t, files)
	u := e.Evaluate(context.Background(), e.Units()[0])
	r := u.Graph.ByAddress("Microsoft.Storage/storageAccounts/st")
	lowered, err := u.Edit(r, []resource.Change{armSet("min_tls_version", text("TLS1_2"))})
	if err != nil || len(lowered.Edits) != 1 || lowered.Edits[0].Range.File != "a.parameters.json" || lowered.Edits[0].Text != `"TLS1_2"` {
		t.Errorf("%+v %v", lowered, err)
	}
	ex := u.Explain(r, armPath("min_tls_version"))
	if len(ex.Trace) != 1 || ex.Trace[0].Name != "a.parameters.json" {
		t.Errorf("trace %+v", ex.Trace)
	}
}

func TestCreate(t *testing.T) {
	container := resource.Companion{Type: "azurerm_storage_container", Body: object([]value.Field{
		{Name: "name", Value: text("logs")}, {Name: "storage_account_id", Value: text("${this.id}")}, {Name: "container_access_type", Value: text("private")}})}
	for _, c := range []struct{ name, address, before, want string }{
		{"beside", "Microsoft.Storage/storageAccounts/st", account(`{"accessTier": "Hot"}`), `[concat('st', '/default/', 'logs')]`},
		{
			"symbolic", "stg", strings.Replace(strings.Replace(account(`{"accessTier": "Hot"}`, `"languageVersion": "2.0"`), "\"resources\": [\n    {", "\"resources\": {\n    \"stg\": {", 1), "\n  ]", "\n  }", 1),
			`[concat('st', '/default/', 'logs')]`,
		},
		{
			"by a loop", "Microsoft.Storage/storageAccounts/st{copyIndex}[1]", strings.Replace(account(`{"accessTier": "Hot"}`), `"name": "st"`, `"name": "[concat('st', copyIndex())]", "copy": {"name": "l", "count": 2}`, 1),
			`[concat(concat('st', copyIndex()), '/default/', 'logs')]`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := unitOf(t, c.before)
			noProblems(t, u)
			r := u.Graph.ByAddress(c.address)
			if r == nil {
				t.Fatal(addressesOf(u.Graph))
			}
			lowered, err := u.Edit(r, []resource.Change{{Op: resource.Create, New: &container}})
			if err != nil {
				t.Fatal(err)
			}
			after, err := source.Apply([]byte(c.before), lowered.Edits)
			if err != nil {
				t.Fatal(err)
			}
			again := unitOf(t, string(after))
			noProblems(t, again)
			made := again.Graph.ByType("azurerm_storage_container")
			if len(made) != len(u.Graph.ByType("azurerm_storage_account")) {
				t.Fatalf("%v\n%s", addressesOf(again.Graph), after)
			}
			if refs := made[len(made)-1].RefAt(armPath("storage_account_id")); len(refs) != 1 || refs[0].Target != c.address {
				t.Errorf("it refers to %v\n%s", refs, after)
			}
			if !strings.Contains(string(after), c.want) {
				t.Errorf("no %s in\n%s", c.want, after)
			}
		})
	}
}
