package azure

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// bicepUnits opens files and evaluates every unit of them.
func bicepUnits(t testing.TB, files map[string]string) (dialect.Estate, []*dialect.Unit) {
	t.Helper()
	tree := fstest.MapFS{}
	var paths []string
	for p, text := range files {
		tree[p] = &fstest.MapFile{Data: []byte(text)}
		if (bicepDialect{}).Claims(p, nil) {
			paths = append(paths, p)
		}
	}
	e, problems := NewBicep(schema.Load()).Open(context.Background(), bicepWorkspace(tree), paths)
	for _, p := range problems {
		t.Errorf("%+v", p)
	}
	var units []*dialect.Unit
	for _, name := range e.Units() {
		units = append(units, e.Evaluate(context.Background(), name))
	}
	return e, units
}

// tags evaluates an expression, and shows it.
func tags(t *testing.T, before, expression string) string {
	t.Helper()
	_, units := bicepUnits(t, map[string]string{"main.bicep": before + "\nresource x 'My.Own/things@1' = {\n  name: 'x'\n  properties: { v: " + expression + " }\n}\n",
		"data/a.json": `{"a": [1, {"b": true}]}`, "data/a.yaml": "a:\n  - x\n", "data/a.txt": "text\n"})
	for _, p := range units[0].Problems {
		if p.Kind == source.Bug {
			t.Fatal(p.Message)
		}
	}
	v := units[0].Graph.ByAddress("x").Body.At(value.Path{{Name: "properties"}, {Name: "v"}})
	if len(units[0].Problems) > 0 {
		return "problem: " + units[0].Problems[0].Message
	}
	return value.Show(v)
}

func TestBicepExpressions(t *testing.T) {
	for _, c := range []struct{ before, expression, want string }{
		{"param p string", "p == 'a' && false", "false"},
		{"param p string", "true || p == 'a'", "true"},
		{"param p string", "p == 'a'", "(unknown)"},
		{"param p string", "p == p", "true"},
		{"param p string?", "p ?? 'd'", `"d"`},
		{"param p string", "p ?? 'd'", "(unknown)"},
		{"param p string", "'a-${p}-b'", `"a-"+(unknown)+"-b"`},
		{"param p bool", "p ? 'same' : 'same'", `"same"`},
		{"param p bool", "p ? 'one' : 'other'", `"o"+(unknown)`},
		{"param p bool", "p ? 1 : 2", "(unknown)"},
		{"param p bool", "p ? { a: 1, b: 2 } : { a: 1 }", `{"a": 1, "b": (unknown)}`},
		{"param p object", "p.a.b", "(unknown)"},
		{"param p object", "empty(p.?a) ? 1 : 2", "(unknown)"},
		{"param p array", "[for i in p: i.name]", "[(unknown), (perhaps more)]"},
		{"param p array", "['a', ...p]", `["a", (unknown), (perhaps more)]`},
		{"param p object", "{ a: 1, ...p, b: 2 }", "(unknown)"},
		{"var n = null", "n.?a.b.c", "null"},
		{"var o = { a: { b: 1 } }", "o.?a.b", "1"},
		{"var o = { a: { b: 1 } }", "o['a'].b", "1"},
		{"var o = {}", "o.a", `problem: "a" is not in the value`},
		{"var o = [1]", "o[3]", `problem: 3 is not in the value`},
		{"param p bool\nvar o = {}", "p ? o.a : 1", "(unknown)"},
		{"", "y", "problem: there is no y"},
		{"", "f()", "problem: there is no function f"},
		{"", "concat()", "problem: concat takes at least 1 arguments, and has 0"},
		{"var a = b\nvar b = a", "a", "problem: a is made from itself"},
		{"", "7 / 2 + 7 % 2 - -1", "5"},
		{"", "!(1 >= 2) && 'a' < 'b'", "true"},
		{"", "loadTextContent('data/a.txt')", `"text\n"`},
		{"", "loadJsonContent('data/a.json').a[1].b", "true"},
		{"", "loadJsonContent('data/a.json', '.a[0]')", "1"},
		{"", "loadYamlContent('data/a.yaml').a[0]", `"x"`},
		{"", "loadFileAsBase64('data/a.txt')", `"dGV4dAo="`},
		{"", "loadTextContent('../secret')", "problem: the file ../secret is not in the tree"},
		{"", "loadTextContent('data/none')", "problem: the file data/none cannot be read: the file does not exist"},
		{"", "nameof(x.id)", `"id"`},
		{"@secure()\nparam p string = 'hunter2'", "'a${p}'", "(sensitive)"},
		{"type secret = string\n@secure()\nparam p secret", "p", "(sensitive)"},
		{"func twice(s string) string => '${s}${s}'", "twice('ab')", `"abab"`},
		{"func rec(n int) int => n == 0 ? 0 : rec(n - 1)", "rec(3)", "0"},
		{"import { far } from 'br/public:x:1'", "far", "(unknown)"},
		{"import * as far from 'br/public:x:1'", "far.f(1)", "(unknown)"},
		{"resource s 'Microsoft.KeyVault/vaults@2023-07-01' existing = { name: 'kv' }", "s.name", `"kv"`},
		{"resource s 'Microsoft.KeyVault/vaults@2023-07-01' existing = { name: 'kv' }", "s.id", `"/subscriptions/"+(unknown)+"/providers/Microsoft.KeyVault/vaults/kv"`},
		{"resource s 'Microsoft.KeyVault/vaults@2023-07-01' existing = { name: 'kv' }", "s.type", `"Microsoft.KeyVault/vaults"`},
		{"resource s 'Microsoft.KeyVault/vaults@2023-07-01' existing = { name: 'kv' }", "s.getSecret('a')", "(sensitive)"},
		{"resource s 'Microsoft.KeyVault/vaults@2023-07-01' = { name: 'kv', location: 'west' }", "s.location", `"west"`},
		{"resource s 'Microsoft.KeyVault/vaults@2023-07-01' = [for i in range(0, 2): { name: 'kv${i}' }]", "s[1].name", `"kv1"`},
	} {
		if got := tags(t, c.before, c.expression); got != c.want {
			t.Errorf("%s; %s\n got %s\nwant %s", c.before, c.expression, got, c.want)
		}
	}
}

// TestBicepBudgets evaluates templates whose work or size explodes: each ends soon, and says so.
func TestBicepBudgets(t *testing.T) {
	many := func(n int, each func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(each(i))
		}
		return b.String()
	}
	uses := "\nresource x 'My.Own/things@1' = {\n  name: 'x'\n  properties: { v: last }\n}\n"
	for name, files := range map[string]map[string]string{
		"lists in lists":   {"main.bicep": "var a0 = [1]\n" + many(60, func(i int) string { return fmt.Sprintf("var a%d = [a%d, a%d]\n", i+1, i, i) }) + "var last = a60" + uses},
		"texts":            {"main.bicep": "var a0 = 'xxxxxxxxxx'\n" + many(60, func(i int) string { return fmt.Sprintf("var a%d = '${a%d}${a%d}'\n", i+1, i, i) }) + "var last = a60" + uses},
		"loops in loops":   {"main.bicep": "var last = [for a in range(0, 1000): [for b in range(0, 1000): [for c in range(0, 1000): '${a}${b}${c}']]]" + uses},
		"lambdas":          {"main.bicep": "var last = map(range(0, 10000), a => map(range(0, 10000), b => range(0, 10000)))" + uses},
		"recursion":        {"main.bicep": "func f(n int) int => f(n + 1) + f(n + 2)\nvar last = f(0)" + uses},
		"instances":        {"main.bicep": "var last = 1\nresource many 'My.Own/things@1' = [for i in range(0, 9000): { name: 'x${i}' }]" + uses},
		"modules":          {"main.bicep": "var last = 1\nmodule m 'main.bicep' = { name: 'm' }" + uses},
		"modules in pairs": {"main.bicep": "var last = 1\nmodule m 'm0.bicep' = { name: 'm' }" + uses, "m0.bicep": "module a 'm1.bicep' = [for i in range(0, 100): { name: 'a' }]\n", "m1.bicep": "module a 'm2.bicep' = [for i in range(0, 100): { name: 'a' }]\n", "m2.bicep": "module a 'm3.bicep' = [for i in range(0, 100): { name: 'a' }]\n", "m3.bicep": "resource a 'My.Own/things@1' = [for i in range(0, 100): { name: 'a' }]\n"},
		"chain":            {"main.bicep": "var a0 = 1\n" + many(30_000, func(i int) string { return fmt.Sprintf("var a%d = a%d\n", i+1, i) }) + "var last = a30000" + uses},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, units := bicepUnits(t, files)
			told := false
			for _, p := range units[0].Problems {
				told = told || p.Kind == source.Limit || name == "modules" && p.Kind == source.Invalid
				if p.Kind == source.Bug {
					t.Error(p.Message)
				}
			}
			if !told {
				t.Errorf("nothing is said: %v", units[0].Problems)
			}
			if units[0].Graph.ByAddress("x") == nil && name != "modules in pairs" {
				t.Error("the other resource is gone")
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestBicepExplain(t *testing.T) {
	_, units := bicepUnits(t, map[string]string{
		"main.bicep":           "param tls string\nparam other string\nmodule m 'store.bicep' = {\n  name: 'm'\n  params: {\n    tls: tls\n    name: other\n  }\n}\n",
		"main.prod.bicepparam": "using 'main.bicep'\nparam tls = 'TLS1_0'\n",
		"store.bicep":          "param tls string\nparam name string\nvar level = tls\nresource s 'Microsoft.Storage/storageAccounts@2023-01-01' = {\n  name: 'x${name}'\n  properties: {\n    minimumTlsVersion: level\n  }\n}\n",
	})
	u := units[0]
	if u.Name.Variant != "prod" {
		t.Fatalf("the variant is %q", u.Name.Variant)
	}
	r := u.Graph.ByAddress("module.m.s")
	explained := u.Explain(r, value.Path{{Name: "min_tls_version"}})
	if explained.Path != "properties.minimumTlsVersion" {
		t.Errorf("in Azure's words it is %q", explained.Path)
	}
	var steps []string
	for _, s := range explained.Trace {
		steps = append(steps, s.Name)
	}
	if lowered, err := u.Edit(r, []resource.Change{bicepSet("min_tls_version", text("TLS1_2"))}); err != nil || lowered.Title != `set properties.minimumTlsVersion to "TLS1_2"` {
		t.Errorf("the fix is called %q, %v", lowered.Title, err)
	}
	if diff := cmp.Diff([]string{"var.level", "param.tls", "m.params.tls", "param.tls", "main.prod.bicepparam"}, steps); diff != "" {
		t.Error(diff)
	}
	var waits []string
	for _, w := range u.Explain(r, value.Path{{Name: "name"}}).Waits {
		waits = append(waits, w.Kind+" "+w.Name)
	}
	if diff := cmp.Diff([]string{"variable param.other"}, waits); diff != "" {
		t.Error(diff)
	}
	if len(r.Calls) != 1 || r.Calls[0].Address != "module.m" || r.Module != "module.m" {
		t.Errorf("the calls are %v, the module is %s", r.Calls, r.Module)
	}
}

func TestBicepComments(t *testing.T) {
	text := "// at the top\n\n// above\n/* and\n * again */\n@description('x')\n// between\nresource a 'T/t@1' = { // head\n  name: 'x' // beside\n  // inner\n  properties: {\n    b: 1\n  }\n}\n#disable-next-line no-unused-params\nparam p string // after\n"
	e, _ := bicepUnits(t, map[string]string{"main.bicep": text})
	var got []string
	for _, c := range e.Comments("main.bicep") {
		target, _, _ := strings.Cut(text[c.Target.Start:c.Target.End], "\n")
		got = append(got, fmt.Sprintf("%q %v %q %v", c.Text, c.Alone, target, !c.Block.IsZero()))
	}
	want := []string{
		`"at the top" true "" false`, `"above" true "@description('x')" false`, `"and\n * again" true "@description('x')" false`,
		`"between" true "resource a 'T/t@1' = { // head" true`, `"head" false "resource a 'T/t@1' = { // head" true`, `"beside" false "name: 'x'" true`,
		`"inner" true "properties: {" true`, `"after" false "param p string" false`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestBicepCreate writes what belongs to a resource, beside it.
func TestBicepCreate(t *testing.T) {
	rule := resource.Change{Op: resource.Create, New: &resource.Companion{Type: "azurerm_network_security_rule", Body: object([]value.Field{
		{Name: "network_security_group_name", Value: text("${this.name}")},
		{Name: "name", Value: text("deny")},
		{Name: "access", Value: text("Deny")},
		{Name: "priority", Value: whole(100)},
	})}}
	for _, c := range []struct{ name, text, want string }{
		{"alone",
			"resource nsg 'Microsoft.Network/networkSecurityGroups@2023-04-01' = {\n  name: 'nsg'\n} // end\n\nparam last string\n",
			"resource nsg 'Microsoft.Network/networkSecurityGroups@2023-04-01' = {\n  name: 'nsg'\n} // end\n\n" +
				"resource nsg_securityRules 'Microsoft.Network/networkSecurityGroups/securityRules@2023-04-01' = {\n  parent: nsg\n  name: 'deny'\n  properties: {\n    access: 'Deny'\n    priority: 100\n  }\n}\n\nparam last string\n"},
		{"in a loop, by four, CRLF",
			"var names = ['a', 'b']\r\nresource nsg 'Microsoft.Network/networkSecurityGroups@2023-04-01' = [for n in names: if (n != 'c') {\r\n    name: n\r\n}]",
			"var names = ['a', 'b']\r\nresource nsg 'Microsoft.Network/networkSecurityGroups@2023-04-01' = [for n in names: if (n != 'c') {\r\n    name: n\r\n}]\r\n\r\n" +
				"resource nsg_securityRules 'Microsoft.Network/networkSecurityGroups/securityRules@2023-04-01' = [for (n, i) in names: if (n != 'c') {\r\n    parent: nsg[i]\r\n    name: 'deny'\r\n    properties: {\r\n        access: 'Deny'\r\n        priority: 100\r\n    }\r\n}]"},
		{"there is one",
			"resource nsg 'Microsoft.Network/networkSecurityGroups@2023-04-01' = {\n  name: 'nsg'\n  resource r 'securityRules' = {\n    name: 'deny'\n    properties: { access: 'Allow' }\n  }\n}\n",
			"resource nsg 'Microsoft.Network/networkSecurityGroups@2023-04-01' = {\n  name: 'nsg'\n  resource r 'securityRules' = {\n    name: 'deny'\n    properties: { access: 'Deny', priority: 100 }\n  }\n}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := c.text
			for range 2 { // the second time nothing is left to do
				_, units := bicepUnits(t, map[string]string{"main.bicep": text})
				for _, p := range units[0].Problems {
					t.Errorf("%s in\n%s", p.Message, text)
				}
				r := units[0].Graph.ByType("azurerm_network_security_group")[0]
				lowered, err := units[0].Edit(r, []resource.Change{rule})
				if err != nil {
					t.Fatal(err)
				}
				after, err := source.Apply([]byte(text), lowered.Edits)
				if err != nil {
					t.Fatal(err)
				}
				text = string(after)
				if diff := cmp.Diff(c.want, text); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}
