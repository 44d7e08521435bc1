package azure

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// templateOf wraps resources, and whatever else, in a template.
func templateOf(resources string, rest ...string) string {
	return "{" + schemaLine + strings.Join(append(rest, `"resources": `+resources), ",\n") + "}"
}

func shown(t *testing.T, u *dialect.Unit, address, path string) string {
	t.Helper()
	return value.Show(get1(t, u, address, path))
}

func refsOf(t *testing.T, u *dialect.Unit, address string) []string {
	t.Helper()
	r := u.Graph.ByAddress(address)
	if r == nil {
		t.Fatalf("no %s in %v", address, addressesOf(u.Graph))
	}
	out := []string{}
	for _, ref := range r.Refs {
		out = append(out, ref.Path.String()+" -> "+ref.Target+" "+ref.Attribute)
	}
	return out
}

func noProblems(t *testing.T, u *dialect.Unit) {
	t.Helper()
	for _, p := range u.Problems {
		t.Errorf("%s problem: %s", p.Kind, p.Message)
	}
}

func TestConditions(t *testing.T) {
	u := unitOf(t, templateOf(`[
		{"type": "A.B/c", "apiVersion": "1", "name": "no", "condition": false},
		{"type": "A.B/c", "apiVersion": "1", "name": "text", "condition": "false"},
		{"type": "A.B/c", "apiVersion": "1", "name": "yes", "condition": "[equals(1, 1)]"},
		{"type": "A.B/c", "apiVersion": "1", "name": "perhaps", "condition": "[parameters('p')]"}]`, `"parameters": {"p": {"type": "bool"}}`))
	noProblems(t, u)
	got := []string{}
	for _, r := range u.Graph.ByType("A.B/c") {
		got = append(got, fmt.Sprint(r.Name, " ", r.Maybe))
	}
	if diff := cmp.Diff([]string{"perhaps true", "yes false"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoops(t *testing.T) {
	u := unitOf(t, templateOf(`[
		{"type": "A.B/c", "apiVersion": "1", "name": "[concat('x', copyIndex(5))]", "copy": {"name": "l", "count": 2},
			"properties": {"copy": [{"name": "inner", "count": 2, "input": {"at": "[concat(copyIndex(), '-', copyIndex('inner'))]"}}], "n": "[copyIndex('l')]"},
			"resources": [{"type": "d", "apiVersion": "1", "name": "child"}]},
		{"type": "A.B/unknown", "apiVersion": "1", "name": "[concat('u', copyIndex())]", "copy": {"name": "m", "count": "[parameters('n')]"}, "properties": {"a": 1}},
		{"type": "A.B/none", "apiVersion": "1", "name": "z", "copy": {"name": "k", "count": 0}}]`,
		`"parameters": {"n": {"type": "int"}}`,
		`"outputs": {"all": {"type": "array", "copy": {"count": 3, "input": "[copyIndex()]"}}}`))
	noProblems(t, u)
	want := []string{
		"A.B/c/d/x{copyIndex}[0]/child", "A.B/c/d/x{copyIndex}[1]/child", "A.B/c/x{copyIndex}[0]", "A.B/c/x{copyIndex}[1]", "A.B/unknown/u{copyIndex}",
		"output.all", "param.n",
	}
	if diff := cmp.Diff(want, addressesOf(u.Graph)); diff != "" {
		t.Error(diff)
	}
	if s := shown(t, u, "A.B/c/x{copyIndex}[1]", "name"); s != `"x6"` {
		t.Error(s)
	}
	if s := shown(t, u, "A.B/c/x{copyIndex}[1]", "properties"); s != `{"inner": [{"at": "1-0"}, {"at": "1-1"}], "n": 1}` {
		t.Error(s)
	}
	if r := u.Graph.ByAddress("A.B/unknown/u{copyIndex}"); r == nil || !r.Maybe || r.Body.Field("name").Text != "u" {
		t.Errorf("%+v", r)
	}
	if len(u.Graph.ByType("A.B/none")) != 0 {
		t.Error("a loop without turns makes a resource")
	}
	children := u.Graph.ByType("A.B/c/d")
	if len(children) != 2 || value.Show(children[0].Body.At(armPath("parent.name"))) != `"x5"` || len(children[0].Refs) == 0 || children[0].Refs[0].Target != "A.B/c/x{copyIndex}[0]" {
		t.Errorf("children: %v", addressesOf(u.Graph))
	}
}

func TestReferences(t *testing.T) {
	u := unitOf(t, templateOf(`[
		{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "[parameters('net')]", "properties": {"subnets": [{"name": "s"}]}},
		{"type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "1", "name": "[concat(parameters('net'), '/t')]"},
		{"type": "microsoft.storage/STORAGEACCOUNTS", "apiVersion": "1", "name": "[concat('st', uniqueString(resourceGroup().id))]", "properties": {"accessTier": "Hot"}},
		{"type": "A.B/user", "apiVersion": "1", "name": "u", "properties": {
			"inline": "[resourceId('Microsoft.Network/virtualNetworks/subnets', parameters('net'), 's')]",
			"own": "[concat(resourceId('Microsoft.Network/virtualNetworks', parameters('NET')), '/subnets/t')]",
			"state": "[reference(resourceId('Microsoft.Storage/storageAccounts', concat('st', uniqueString(resourceGroup().id)))).primaryEndpoints.blob]",
			"written": "[reference(concat('ST', uniqueString(resourceGroup().id))).accessTier]",
			"key": "[listKeys(variables('id'), '2019-06-01').keys[0].value]",
			"either": "[if(parameters('flag'), variables('id'), '')]",
			"older": "[reference(concat('Microsoft.Storage/storageAccounts/st', uniqueString(resourceGroup().id)), '2016-01-01').primaryEndpoints.queue]",
			"other": "[resourceId('Microsoft.Storage/storageAccounts', 'other')]"}},
		{"type": "Microsoft.Network/virtualNetworks/providers/locks", "apiVersion": "1", "name": "[concat(parameters('net'), '/Microsoft.Authorization/lock')]"},
		{"type": "Microsoft.Authorization/locks", "apiVersion": "1", "name": "new", "scope": "[format('Microsoft.Network/virtualNetworks/{0}', parameters('net'))]"}]`,
		`"parameters": {"net": {"type": "string"}, "flag": {"type": "bool"}}`,
		`"variables": {"id": "[resourceId('Microsoft.Storage/storageAccounts', concat('st', uniqueString(resourceGroup().id)))]"}`))
	noProblems(t, u)
	net, account := "Microsoft.Network/virtualNetworks/{net}", "Microsoft.Storage/storageAccounts/st{uniqueString}"
	want := []string{
		"properties.either -> " + account + " ",
		"properties.inline -> " + net + " subnets",
		"properties.key -> " + account + " listKeys",
		"properties.older -> " + account + " properties.primaryEndpoints.queue",
		"properties.own -> Microsoft.Network/virtualNetworks/subnets/{net}/t ",
		"properties.state -> " + account + " properties.primaryEndpoints.blob",
	}
	if diff := cmp.Diff(want, refsOf(t, u, "A.B/user/u")); diff != "" {
		t.Error(diff)
	}
	if s := shown(t, u, "A.B/user/u", "properties.written"); s != `"Hot"` {
		t.Error(s)
	}
	if diff := cmp.Diff([]string{"virtual_network_name -> " + net + " name", " -> " + net + " id"}, refsOf(t, u, "Microsoft.Network/virtualNetworks/subnets/{net}/t")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"scope -> " + net + " id"}, refsOf(t, u, "Microsoft.Authorization/locks/new")); diff != "" {
		t.Error(diff)
	}
	old := slices.IndexFunc(addressesOf(u.Graph), func(a string) bool { return strings.HasSuffix(a, "{net}/Microsoft.Authorization/lock") })
	if old < 0 || u.Graph.Resources[old].Type != "azurerm_management_lock" || len(u.Graph.Resources[old].Refs) != 1 {
		t.Errorf("the older way: %v", addressesOf(u.Graph))
	}
}

func TestNestedDeploymentsMeanTheNamesOfTheirScope(t *testing.T) {
	nested := func(options string) string {
		return `{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "n", "properties": {"mode": "Incremental", ` + options + `
			"parameters": {"p": {"value": "given"}},
			"template": {` + schemaLine + `"parameters": {"p": {"type": "string"}}, "variables": {"v": "inner"},
				"resources": [{"type": "A.B/c", "apiVersion": "1", "name": "x", "properties": {"v": "[variables('v')]", "p": "[parameters('p')]"}}],
				"outputs": {"o": {"type": "string", "value": "[variables('v')]"}}}}}`
	}
	for options, want := range map[string]string{
		``: `{"p": "root", "v": "outer"}`,
		`"expressionEvaluationOptions": {"scope": "Outer"},`: `{"p": "root", "v": "outer"}`,
		`"expressionEvaluationOptions": {"scope": "inner"},`: `{"p": "given", "v": "inner"}`,
	} {
		u := unitOf(t, templateOf(`[`+nested(options)+`,{"type": "A.B/user", "apiVersion": "1", "name": "u", "properties": "[reference('n').outputs.o.value]"}]`,
			`"parameters": {"p": {"type": "string", "defaultValue": "root"}}`, `"variables": {"v": "outer"}`))
		noProblems(t, u)
		if s := shown(t, u, "module.n.A.B/c/x", "properties"); s != want {
			t.Errorf("%s: %s", options, s)
		}
		r := u.Graph.ByAddress("module.n.A.B/c/x")
		if len(r.Calls) != 1 || r.Calls[0].Address != "module.n" || r.Module != "module.n" {
			t.Errorf("calls: %+v", r.Calls)
		}
		if s := shown(t, u, "A.B/user/u", "properties"); !strings.Contains(want, s) {
			t.Errorf("%s: the output is %s", options, s)
		}
	}
}

func TestLinkedTemplates(t *testing.T) {
	link := func(link string) string {
		return templateOf(`[{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "n", "properties": {"templateLink": `+link+`}}]`,
			`"parameters": {"base": {"type": "string"}}`)
	}
	leaf := templateOf(`[{"type": "A.B/c", "apiVersion": "1", "name": "x"}]`)
	for _, c := range []struct {
		link, problem string
		units         int
	}{
		{`{"relativePath": "sub/leaf.json"}`, "", 1},
		{`{"uri": "[concat(parameters('base'), '/sub/leaf.json', '?sas')]"}`, "", 1},
		{`{"uri": "[uri(parameters('base'), 'sub/leaf.json')]"}`, "", 1},
		{`{"uri": "https://example.com/leaf.json"}`, "is not in the tree", 2},
		{`{"id": "/subscriptions/x/y"}`, "is not in the tree", 2},
		{`{"relativePath": "../../leaf.json"}`, "is not in the tree", 2},
		{`{"relativePath": "main.json"}`, "without end", 2},
	} {
		e, _ := opened(t, map[string]string{"main.json": link(c.link), "sub/leaf.json": leaf})
		if len(e.Units()) != c.units {
			t.Errorf("%s: units %v", c.link, e.Units())
		}
		u := e.Evaluate(context.Background(), dialect.UnitName{Dir: "main.json"})
		if c.problem == "" {
			noProblems(t, u)
			if r := u.Graph.ByAddress("module.n.A.B/c/x"); r == nil || r.Range.File != "sub/leaf.json" {
				t.Errorf("%s: %v", c.link, addressesOf(u.Graph))
			}
			continue
		}
		if len(u.Problems) != 1 || !strings.Contains(u.Problems[0].Message, c.problem) {
			t.Errorf("%s: problems %v", c.link, u.Problems)
		}
		if len(u.Graph.Missing) != 1 || u.Graph.Missing[0].Address != "module.n" {
			t.Errorf("%s: missing %v", c.link, u.Graph.Missing)
		}
	}
}

func TestMissingModulesKnowWhatTheyAreTold(t *testing.T) {
	u := unitOf(t, templateOf(`[{"type": "A.B/c", "apiVersion": "1", "name": "x"},
		{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "n", "properties": {"templateLink": {"uri": "https://e/x"},
			"parameters": {"id": {"value": "[resourceId('A.B/c', 'x')]"}}}}]`))
	if diff := cmp.Diff([]string{"A.B/c/x"}, u.Graph.Missing[0].Refs); diff != "" {
		t.Error(diff)
	}
	waits := u.Explain(u.Graph.ByAddress("A.B/c/x"), nil).Waits
	if len(waits) != 1 || waits[0].Name != "module.n" || waits[0].Kind != "module" {
		t.Errorf("waits: %v", waits)
	}
}

func TestParameters(t *testing.T) {
	template := templateOf(`[]`, `"parameters": {"a": {"type": "string", "defaultValue": "d"}, "n": {"type": "int"}, "o": {"type": "object"}, "s": {"type": "secureString"}}`,
		`"outputs": {"o": {"type": "object", "value": {"a": "[parameters('a')]", "n": "[parameters('n')]", "o": "[parameters('o')]", "s": "[parameters('s')]"}}}`)
	u := unitOf(t, template, dialect.Var{Name: "A", Value: "x"}, dialect.Var{Name: "n", Value: "3"}, dialect.Var{Name: "o", Value: `{"k": [1]}`}, dialect.Var{Name: "s", Value: "hush"})
	noProblems(t, u)
	if s := shown(t, u, "output.o", "value"); s != `{"a": "x", "n": 3, "o": {"k": [1]}, "s": (sensitive)}` {
		t.Error(s)
	}
	if v := get1(t, u, "output.o", "value.a"); !v.Given {
		t.Error("what --var says is not in the code")
	}
	u = unitOf(t, template)
	ex := u.Explain(u.Graph.ByAddress("output.o"), armPath("value.n"))
	if len(ex.Waits) != 1 || ex.Waits[0].Name != "parameters.n" || ex.Waits[0].Kind != "variable" || ex.Waits[0].Range.IsZero() {
		t.Errorf("waits %+v", ex.Waits)
	}
	ex = u.Explain(u.Graph.ByAddress("output.o"), armPath("value.a"))
	if len(ex.Trace) != 1 || ex.Trace[0].Name != "parameters.a" || len(ex.Waits) != 0 {
		t.Errorf("trace %+v", ex)
	}
}

func TestTextsOfSeveralLines(t *testing.T) {
	u := unitOf(t, templateOf("[]", `"outputs": {"o": {"type": "string", "value": "[concat('a',
		'b')]"}, "p": {"type": "string", "value": "x
y"}}`))
	noProblems(t, u)
	if s := shown(t, u, "output.o", "value"); s != `"ab"` {
		t.Error(s)
	}
	if s := shown(t, u, "output.p", "value"); s != `"x\ny"` {
		t.Error(s)
	}
}

func TestRecognition(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       form
	}{
		{"a.json", templateOf("[]"), templateForm},
		{"a.json", "\ufeff// remark\n/* { */ {\"contentVersion\": \"1\", \"$schema\": \"HTTP://schema.management.azure.com/schemas/2018-05-01/SubscriptionDeploymentTemplate.json\"}", templateForm},
		{"a.json", `{"$schema": "https://schema.management.azure.com/schemas/2019-08-01/managementGroupDeploymentTemplate.json#"}`, templateForm},
		{"a.json", `{"$schema": "https://schema.management.azure.com/schemas/2019-08-01/tenantDeploymentTemplate.json#"}`, templateForm},
		{"a.parameters.json", `{"$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentParameters.json#"}`, parameterForm},
		{"a.json", `{"resources": [{"type": "A.B/c", "apiVersion": "2020-01-01"}]}`, templateForm},
		{"a.json", `{"resources": {"x": {"apiVersion": "2020-01-01", "type": "A.B/c"}}}`, templateForm},
		{"a.json", `{"resources": [{"type": "aws_s3_bucket", "name": "x"}]}`, foreign},
		{"a.json", `{"resources": [{"type": "A/c", "properties": {"apiVersion": "x"}}]}`, foreign},
		{"a.json", `{"properties": {"policyRule": {"then": {"details": {"deployment": {"properties": {"template": {` + schemaLine + `"resources": []}}}}}}}}`, foreign},
		{"a.json", `{"$schema": "https://schema.management.azure.com/schemas/0.1.2-preview/CreateUIDefinition.MultiVm.json#"}`, foreign},
		{"a.json", `[` + templateOf("[]") + `]`, foreign},
		{"a.yaml", templateOf("[]"), foreign},
		{"a.json", `{"a": "$schema", "b": "deploymentTemplate.json#"}`, foreign},
		{"a.json", ``, foreign},
	} {
		if got := recognise(c.name, []byte(c.text)); got != c.want {
			t.Errorf("%.80s: %d, want %d", c.text, got, c.want)
		}
	}
}

func TestCompiledTemplatesAreJudgedAsBicep(t *testing.T) {
	compiled := templateOf("[]", `"metadata": {"_generator": {"name": "bicep", "version": "0.1"}}`)
	for _, c := range []struct {
		files map[string]string
		units int
	}{
		{map[string]string{"main.json": compiled, "main.bicep": ""}, 0},
		{map[string]string{"main.json": compiled}, 1},
		{map[string]string{"main.json": compiled, "other.bicep": ""}, 1},
		{map[string]string{"main.json": templateOf("[]"), "main.bicep": ""}, 1},
	} {
		if e, _ := opened(t, c.files); len(e.Units()) != c.units {
			t.Errorf("%v: %v", c.files, e.Units())
		}
	}
}

func TestVariants(t *testing.T) {
	parameters := func(names ...string) string {
		var out []string
		for _, n := range names {
			out = append(out, fmt.Sprintf("%q: {\"value\": \"v\"}", n))
		}
		return `{"$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentParameters.json#", "parameters": {` + strings.Join(out, ",") + `}}`
	}
	one := templateOf("[]", `"parameters": {"a": {"type": "string"}}`)
	two := templateOf("[]", `"parameters": {"b": {"type": "string", "defaultValue": "x"}}`)
	e, problems := opened(t, map[string]string{
		"x/one.json": one, "x/two.json": two, "x/one.parameters.json": parameters("a"), "x/one-prod.parameters.json": parameters("a"),
		"x/parameters/stage.json": parameters("b"), "x/parameters/alien.json": parameters("z"), "y/one.json": one,
	})
	got := []string{}
	for _, u := range e.Units() {
		got = append(got, u.Dir+" "+u.Variant)
	}
	want := []string{"x/one.json parameters", "x/one.json prod", "x/two.json ", "x/two.json stage", "y/one.json "}
	if diff := cmp.Diff(want, got); diff != "" || len(problems) > 0 {
		t.Error(diff, problems)
	}
}

// TestHostile holds that what is too large or turns in circles ends in one problem, soon, and that the rest is there.
func TestHostile(t *testing.T) {
	nest := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	var doubling, texts, lists []string
	for i := range 60 {
		doubling = append(doubling, fmt.Sprintf(`"v%d": {"a": "[variables('v%d')]", "b": "[variables('v%d')]"}`, i+1, i, i))
		texts = append(texts, fmt.Sprintf(`"v%d": "[concat(variables('v%d'), variables('v%d'))]"`, i+1, i, i))
		lists = append(lists, fmt.Sprintf(`"v%d": "[concat(variables('v%d'), variables('v%d'))]"`, i+1, i, i))
	}
	deployment := func(template string) string {
		return `{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "n", "properties": {"expressionEvaluationOptions": {"scope": "inner"}, "template": ` + template + `}}`
	}
	deep := templateOf("[]")
	for range 60 {
		deep = templateOf("[" + deployment(deep) + "]")
	}
	good := `{"type": "A.B/good", "apiVersion": "1", "name": "good"}`
	use := `{"type": "A.B/c", "apiVersion": "1", "name": "x", "properties": {"a": "[variables('v60')]"}}`
	for _, c := range []struct {
		name, text string
		kind       source.ProblemKind
		gone       bool // the good resource is lost
	}{
		{"a loop of a thousand million turns", templateOf(`[` + good + `, {"type": "A.B/c", "apiVersion": "1", "name": "[concat('x', copyIndex())]", "copy": {"name": "l", "count": 1000000000}}]`), source.Limit, false},
		{"loops in loops", templateOf(`[` + good + `, {"type": "A.B/c", "apiVersion": "1", "name": "[concat('x', copyIndex())]", "copy": {"name": "l", "count": 2000},
			"properties": {"copy": [{"name": "m", "count": 2000, "input": {"copy": [{"name": "k", "count": 2000, "input": 1}]}}]}}]`), source.Limit, false},
		{"variables in a circle", templateOf(`[`+good+`]`, `"variables": {"a": "[variables('b')]", "b": "[variables('a')]"}`, `"outputs": {"o": {"type": "string", "value": "[variables('a')]"}}`), source.Invalid, false},
		{"objects that double", templateOf(`[`+good+`,`+use+`]`, `"variables": {"v0": {"x": 1}, `+strings.Join(doubling, ",")+`}`), source.Limit, false},
		{"texts that double", templateOf(`[`+good+`,`+use+`]`, `"variables": {"v0": "xxxxxxxx", `+strings.Join(texts, ",")+`}`), source.Invalid, false},
		{"lists that double", templateOf(`[`+good+`,`+use+`]`, `"variables": {"v0": [1, 2], `+strings.Join(lists, ",")+`}`), source.Invalid, false},
		{"lambdas in lambdas", templateOf(`[`+good+`]`, `"outputs": {"o": {"type": "array", "value": "[map(range(0, 9999), lambda('a', map(range(0, 9999), lambda('b', 1))))]"}}`), source.Limit, false},
		{"deep nesting", templateOf(`[`+good+`]`, `"variables": {"v": `+nest(5000)+`}`), source.Limit, true},
		{"deep expression", templateOf(`[`+good+`]`, `"outputs": {"o": {"type": "bool", "value": "[`+strings.Repeat("not(", 5000)+`true()`+strings.Repeat(")", 5000)+`]"}}`), source.Limit, false},
		{"deployments without end", templateOf(`[` + good + `, ` + deployment(deep) + `]`), source.Limit, false},
		{"truncated", strings.TrimSuffix(templateOf(`[`+good+`]`), "]}"), source.Invalid, true},
		{"no object", `[1, "` + "deploymentTemplate.json" + `"]`, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			e, problems := opened(t, map[string]string{"a.json": c.text})
			var u *dialect.Unit
			for _, n := range e.Units() {
				u = e.Evaluate(context.Background(), n)
				problems = append(problems, u.Problems...)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
			if c.kind == "" {
				if len(problems) > 0 {
					t.Errorf("problems %v", problems)
				}
				return
			}
			if len(problems) != 1 || problems[0].Kind != c.kind {
				for _, p := range problems {
					t.Errorf("problem: %s %.200s", p.Kind, p.Message)
				}
				t.Errorf("%d problems, want one of kind %s", len(problems), c.kind)
			}
			if !c.gone && (u == nil || u.Graph.ByAddress("A.B/good/good") == nil) {
				t.Error("the rest is not there")
			}
			t.Logf("%s: %v", time.Since(start), problems)
		})
	}
}
