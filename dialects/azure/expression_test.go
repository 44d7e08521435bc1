package azure

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

var testSchema = sync.OnceValue(schema.Load)

// opened opens a tree of JSON files.
func opened(t testing.TB, files map[string]string, vars ...dialect.Var) (*estate, []source.Problem) {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	reader := &source.Reader{FS: tree}
	d := New(testSchema())
	var paths []string
	for name := range files {
		if d.Claims(name, func() []byte { return reader.Head(name) }) {
			paths = append(paths, name)
		}
	}
	e, problems := d.Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read, Vars: vars}, paths)
	return e.(*estate), problems
}

// unitOf evaluates the one unit of a template.
func unitOf(t testing.TB, text string, vars ...dialect.Var) *dialect.Unit {
	t.Helper()
	e, problems := opened(t, map[string]string{"azuredeploy.json": text}, vars...)
	if len(e.units) != 1 {
		t.Fatalf("%d units, problems %v", len(e.units), problems)
	}
	return e.Evaluate(context.Background(), e.units[0].name)
}

const schemaLine = `"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", `

// evaluated evaluates an expression beside some parameters and variables.
func valueOf(t *testing.T, expression string) (string, []source.Problem) {
	t.Helper()
	u := unitOf(t, `{`+schemaLine+`
		"functions": [{"namespace": "my", "members": {"twice": {"parameters": [{"name": "s", "type": "string"}], "output": {"type": "string", "value": "[concat(parameters('s'), parameters('s'))]"}}}}],
		"parameters": {"given": {"type": "string", "defaultValue": "g"}, "asked": {"type": "string"}, "n": {"type": "int"}, "secret": {"type": "securestring"},
			"nothing": {"type": "string", "nullable": true}, "o": {"type": "object"}, "flag": {"type": "bool"}},
		"variables": {"obj": {"a": {"b": [1, "two", true]}, "Case": "x"}, "escaped": "[[not one]", "loop": "[variables('obj').a.b]",
			"copy": [{"name": "many", "count": 3, "input": "[concat('n', copyIndex('many', 1))]"}]},
		"resources": [],
		"outputs": {"o": {"type": "string", "value": "`+expression+`"}}}`)
	r := u.Graph.ByAddress("output.o")
	if r == nil {
		t.Fatalf("no output: %v", u.Problems)
	}
	return value.Show(r.Body.Field("value")), u.Problems
}

func TestExpressions(t *testing.T) {
	for _, c := range [][2]string{
		// what is written, what comes out
		{"plain", `"plain"`},
		{"[[plain]", `"[plain]"`},
		{"[plain", `"[plain"`},
		{"[ 'a' ]", `"a"`},
		{"['it''s']", `"it's"`},
		{"[concat('a', 'b', 1)]", `"ab1"`},
		{"[CONCAT('a','b')]", `"ab"`},
		{"[concat('a', true())]", `"aTrue"`},
		{"[concat(createArray(1), createArray('b'))]", `[1, "b"]`},
		{"[concat('a', parameters('asked'), 'z')]", `"a"+(unknown)+"z"`},
		{"[parameters('GIVEN')]", `"g"`},
		{"[parameters('nothing')]", "null"},
		{"[parameters('secret')]", "(sensitive)"},
		{"[concat('a', parameters('secret'))]", "(sensitive)"},
		{"[variables('obj').a.b[1]]", `"two"`},
		{"[variables('obj')['a']['b'][2]]", "true"},
		{"[variables('obj').case]", `"x"`},
		{"[variables('escaped')]", `"[not one]"`},
		{"[variables('many')]", `["n1", "n2", "n3"]`},
		{"[last(variables('many'))]", `"n3"`},
		{"[my.twice('ab')]", `"abab"`},
		{"[format('{0}-{1}-{0}', 'a', 2)]", `"a-2-a"`},
		{"[format('{{{0}}}', 'a')]", `"{a}"`},
		{"[format('{0:D3}', 7)]", `"007"`},
		{"[format('{0,4}|', 7)]", `"   7|"`},
		{"[format('x{0}y', parameters('asked'))]", `"x"+(unknown)+"y"`},
		{"[format('{0}', false())]", `"False"`},
		{"[toUpper('aB')]", `"AB"`},
		{"[toLower(concat('AB', parameters('asked')))]", `"ab"+(unknown)`},
		{"[trim('  a ')]", `"a"`},
		{"[string(12)]", `"12"`},
		{"[string(createObject('a', 1))]", `{"a": 1}`},
		{"[substring('abcdef', 2)]", `"cdef"`},
		{"[substring('abcdef', 2, 3)]", `"cde"`},
		{"[substring(concat('abc', parameters('asked')), 0, 2)]", `"ab"`},
		{"[replace('a-b-c', '-', '')]", `"abc"`},
		{"[replace(concat('a-', parameters('asked')), '-', '')]", `"a"+(unknown)`},
		{"[split('a,b;c', createArray(',', ';'))]", `["a", "b", "c"]`},
		{"[join(createArray('a', 'b'), '+')]", `"a+b"`},
		{"[startsWith('Abc', 'aB')]", "true"},
		{"[endsWith('abC', 'c')]", "true"},
		{"[startsWith(concat('abc', parameters('asked')), 'x')]", "false"},
		{"[indexOf('abCb', 'cb')]", "2"},
		{"[lastIndexOf('abab', 'ab')]", "2"},
		{"[indexOf('a', 'z')]", "-1"},
		{"[padLeft(7, 3, '0')]", `"007"`},
		{"[padLeft('abc', 2)]", `"abc"`},
		{"[base64('hi')]", `"aGk="`},
		{"[base64ToString('aGk=')]", `"hi"`},
		{"[base64ToJson('eyJhIjoxfQ==').a]", "1"},
		{"[dataUriToString(dataUri('x'))]", `"x"`},
		{"[uri('https://a.b/c/', 'd.json')]", `"https://a.b/c/d.json"`},
		{"[uriComponent('a b/c')]", `"a%20b%2Fc"`},
		{"[uriComponentToString('a%20b')]", `"a b"`},
		{"[json('{\\\"a\\\": [1, null]}').a[0]]", "1"},
		{"[json('null')]", "null"},
		{"[int('42')]", "42"},
		{"[bool('true')]", "true"},
		{"[bool(0)]", "false"},
		{"[add(1, 2)]", "3"}, {"[sub(1, 2)]", "-1"}, {"[mul(3, 4)]", "12"}, {"[div(7, 2)]", "3"}, {"[mod(7, 4)]", "3"},
		{"[min(3, 1, 2)]", "1"}, {"[max(createArray(3, 9, 2))]", "9"},
		{"[equals('a', 'A')]", "false"},
		{"[equals(createArray(1, 2), createArray(1, 2))]", "true"},
		{"[equals(parameters('asked'), parameters('ASKED'))]", "true"},
		{"[equals(uniqueString(parameters('asked')), uniqueString(parameters('asked')))]", "true"},
		{"[equals(parameters('asked'), parameters('n'))]", "(unknown)"},
		{"[equals(newGuid(), newGuid())]", "(unknown)"},
		{"[equals(concat('a', parameters('asked')), 'b')]", "false"},
		{"[less(1, 2)]", "true"}, {"[greaterOrEquals('b', 'a')]", "true"}, {"[lessOrEquals(2, 2)]", "true"}, {"[greater(1, 2)]", "false"},
		{"[and(false(), parameters('flag'))]", "false"},
		{"[and(parameters('flag'), false())]", "false"},
		{"[and(true(), parameters('flag'))]", "(unknown)"},
		{"[or(parameters('flag'), true())]", "true"},
		{"[not(false())]", "true"},
		{"[if(true(), 'a', variables('obj').nope)]", `"a"`},
		{"[if(parameters('flag'), 'abc', 'abd')]", `"ab"+(unknown)`},
		{"[if(parameters('flag'), 'a', 'a')]", `"a"`},
		{"[if(parameters('flag'), createObject('a', 1, 'b', 2), createObject('a', 1)).a]", "1"},
		{"[coalesce(null(), parameters('nothing'), 'x')]", `"x"`},
		{"[coalesce(parameters('nothing'))]", "null"},
		{"[coalesce('a', fail('never'))]", `"a"`},
		{"[array('a')]", `["a"]`},
		{"[createObject('a', 1, 'b', createArray())]", `{"a": 1, "b": []}`},
		{"[contains(createArray('a', 'b'), 'b')]", "true"},
		{"[contains('abc', 'bc')]", "true"},
		{"[contains(variables('obj'), 'CASE')]", "true"},
		{"[contains(parameters('o'), 'x')]", "(unknown)"},
		{"[empty('')]", "true"}, {"[empty(createArray())]", "true"}, {"[empty(createObject('a', 1))]", "false"}, {"[empty(null())]", "true"},
		{"[empty(concat('a', parameters('asked')))]", "false"},
		{"[empty(parameters('asked'))]", "(unknown)"},
		{"[first('abc')]", `"a"`}, {"[first(createArray(9, 8))]", "9"}, {"[last('abc')]", `"c"`},
		{"[length('abc')]", "3"}, {"[length(variables('obj'))]", "2"}, {"[length(createArray(1))]", "1"},
		{"[take('abc', 2)]", `"ab"`}, {"[take(createArray(1, 2, 3), 5)]", "[1, 2, 3]"}, {"[skip(createArray(1, 2, 3), 1)]", "[2, 3]"},
		{"[skip('abc', 9)]", `""`},
		{"[take(concat('abc', parameters('asked')), 2)]", `"ab"`},
		{"[range(2, 3)]", "[2, 3, 4]"},
		{"[union(createArray(1, 2), createArray(2, 3))]", "[1, 2, 3]"},
		{"[union(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2)))]", `{"a": {"x": 1, "y": 2}}`},
		{"[union(parameters('o'), createObject('a', 1)).a]", "1"},
		{"[union(createObject('a', 1), parameters('o')).a]", "(unknown)"},
		{"[shallowMerge(createArray(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2))))]", `{"a": {"y": 2}}`},
		{"[intersection(createArray(1, 2, 3), createArray(3, 2))]", "[2, 3]"},
		{"[intersection(createObject('a', 1, 'b', 2), createObject('a', 1, 'b', 3))]", `{"a": 1}`},
		{"[flatten(createArray(createArray(1), createArray(2, 3)))]", "[1, 2, 3]"},
		{"[items(createObject('b', 2, 'a', 1))]", `[{"key": "a", "value": 1}, {"key": "b", "value": 2}]`},
		{"[objectKeys(createObject('b', 2, 'a', 1))]", `["a", "b"]`},
		{"[tryGet(variables('obj'), 'a', 'b', 0)]", "1"},
		{"[tryGet(variables('obj'), 'nope', 'b')]", "null"},
		{"[tryIndexFromEnd(createArray(1, 2), 1)]", "2"},
		{"[map(range(0, 3), lambda('i', mul(lambdaVariables('i'), 2)))]", "[0, 2, 4]"},
		{"[map(createArray('a', 'b'), lambda('x', 'i', concat(lambdaVariables('x'), lambdaVariables('i'))))]", `["a0", "b1"]`},
		{"[filter(range(0, 5), lambda('i', greater(lambdaVariables('i'), 2)))]", "[3, 4]"},
		{"[reduce(createArray(1, 2, 3), 10, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))]", "16"},
		{"[sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))]", "[1, 2, 3]"},
		{"[toObject(createArray('a', 'b'), lambda('x', lambdaVariables('x')), lambda('x', toUpper(lambdaVariables('x'))))]", `{"a": "A", "b": "B"}`},
		{"[groupBy(createArray('ab', 'b', 'ac'), lambda('x', first(lambdaVariables('x'))))]", `{"a": ["ab", "ac"], "b": ["b"]}`},
		{"[mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))]", `{"a": 2}`},
		{"[map(createArray(1, 2), lambda('a', map(createArray(3), lambda('b', add(lambdaVariables('a'), lambdaVariables('b'))))))]", "[[4], [5]]"},
		{"[resourceId('Microsoft.Storage/storageAccounts', 'x')]", `"/subscriptions/"+(unknown)+"/providers/Microsoft.Storage/storageAccounts/x"`},
		{"[resourceId('rg', 'Microsoft.Network/virtualNetworks/subnets', 'v', 's')]", `"/subscriptions/"+(unknown)+"/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/s"`},
		{"[tenantResourceId('Microsoft.Authorization/roleDefinitions', 'r')]", `"/providers/Microsoft.Authorization/roleDefinitions/r"`},
		{"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')]", `"/subscriptions/"+(unknown)+"/providers/Microsoft.Authorization/roleDefinitions/r"`},
		{"[extensionResourceId(tenantResourceId('A.B/c', 'd'), 'E.F/g', 'h')]", `"/providers/A.B/c/d/providers/E.F/g/h"`},
		{"[resourceGroup().location]", "(unknown)"},
		{"[subscription().tenantId]", "(unknown)"},
		{"[environment().suffixes.storage]", "(unknown)"},
		{"[deployment().name]", "(unknown)"},
		{"[utcNow('d')]", "(unknown)"},
		{"[guid('a')]", "(unknown)"},
		{"[listKeys('x', '2021-01-01').keys[0].value]", "(sensitive)"},
		{"[null()]", "null"},
	} {
		t.Run(c[0], func(t *testing.T) {
			got, problems := valueOf(t, c[0])
			want := c[1]
			if got == "(not set)" && want == "null" {
				got = "null"
			}
			if got != want {
				t.Errorf("%s, want %s", got, want)
			}
			for _, p := range problems {
				t.Errorf("problem: %s", p.Message)
			}
		})
	}
}

func TestMistakesInExpressions(t *testing.T) {
	for _, c := range [][2]string{
		{"[concat(]", "ends too early"},
		{"[concat('a]", "quote is missing"},
		{"[concat('a' 'b')]", ", or ) is missing"},
		{"[nope('a')]", "there is no function nope"},
		{"[parameters('nope')]", "there is no parameter nope"},
		{"[variables('nope')]", "there is no variable nope"},
		{"[variables('obj').nope]", "has no such member"},
		{"[variables('obj').a.b[9]]", "has no such member"},
		{"[substring('abc', 5)]", "leaves the text"},
		{"[int('x')]", "whole number"},
		{"[div(1, 0)]", "divides by zero"},
		{"[equals('a')]", "takes 2 arguments"},
		{"[copyIndex()]", "stands in no loop"},
		{"[format('{1}', 'a')]", "has no value for {1}"},
		{"[not('x')]", "true or false"},
		{"['a' 'b']", "unexpected"},
		{"[json('{')]", "as JSON"},
		{"[createObject('a')]", "a value for each name"},
		{"[resourceId('Microsoft.Storage/storageAccounts', 'a', 'b')]", "wants a name for each part"},
	} {
		t.Run(c[0], func(t *testing.T) {
			got, problems := valueOf(t, c[0])
			if got != "(unknown)" && got != "(not set)" && !strings.HasPrefix(got, "(") {
				t.Errorf("it is %s", got)
			}
			kind := source.Invalid
			if strings.HasSuffix(c[1], " nope") && !strings.Contains(c[1], "function") {
				kind = source.Unresolved
			}
			if len(problems) != 1 || !strings.Contains(problems[0].Message, c[1]) || problems[0].Kind != kind {
				t.Errorf("problems %+v, want one with %q", problems, c[1])
			}
		})
	}
}

func TestExpressionsNestAsDeepAsTheLimit(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("not(", 100_000) + "true()" + strings.Repeat(")", 100_000),
		"parameters('o')" + strings.Repeat(".a", 100_000),
		strings.Repeat("a.", 100_000) + "b()",
	} {
		if e, err := parseExpression(text, 250); err == nil && e.kind != calling {
			t.Errorf("%.20s… was parsed", text)
		}
	}
}

func get1(t *testing.T, u *dialect.Unit, address, path string) *value.Value {
	t.Helper()
	r := u.Graph.ByAddress(address)
	if r == nil {
		t.Fatalf("no %s; there are %v; problems %v", address, addressesOf(u.Graph), u.Problems)
	}
	p, ok := value.ParsePath(path)
	if !ok {
		t.Fatal(path)
	}
	return r.Body.At(p)
}

func addressesOf(g *resource.Graph) []string {
	var out []string
	for _, r := range g.Resources {
		out = append(out, r.Address)
	}
	return out
}
