package bicep

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// show writes an expression with its structure in parentheses.
func show(e Expr) string {
	list := func(items []Expr) string {
		var parts []string
		for _, i := range items {
			parts = append(parts, show(i))
		}
		return strings.Join(parts, " ")
	}
	mark := func(on bool, s string) string {
		if on {
			return s
		}
		return ""
	}
	switch x := e.(type) {
	case *Literal:
		return [...]string{"null", "true", "false", x.Digits}[x.Kind]
	case *Text:
		s := fmt.Sprintf("%q", x.Parts[0])
		for i, v := range x.Values {
			s += "+" + show(v) + fmt.Sprintf("+%q", x.Parts[i+1])
		}
		return s
	case *Array:
		return "[" + list(x.Items) + "]"
	case *Object:
		var parts []string
		for _, m := range x.Members {
			switch {
			case m.Spread:
				parts = append(parts, "..."+show(m.Value))
			case m.Key != nil:
				parts = append(parts, show(m.Key)+": "+show(m.Value))
			default:
				parts = append(parts, m.Name+": "+show(m.Value))
			}
		}
		for _, d := range x.Resources {
			parts = append(parts, "resource "+d.Name)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case *Spread:
		return "..." + show(x.Value)
	case *Name:
		return x.Text
	case *Call:
		of := ""
		if x.Of != nil {
			of = show(x.Of) + mark(x.Safe, "?") + "."
		}
		return of + x.Name + "(" + list(x.Args) + ")"
	case *Member:
		return "(" + show(x.Of) + " ." + mark(x.Safe, "?") + " " + x.Name + ")"
	case *Index:
		return "(" + show(x.Of) + " [" + mark(x.Safe, "?") + mark(x.FromEnd, "^") + "] " + show(x.Index) + ")"
	case *Nested:
		return "(" + show(x.Of) + " :: " + x.Name + ")"
	case *NotNull:
		return "(" + show(x.Value) + " !)"
	case *Paren:
		return show(x.Value)
	case *Unary:
		return "(" + x.Op + " " + show(x.Value) + ")"
	case *Binary:
		return "(" + show(x.Left) + " " + x.Op + " " + show(x.Right) + ")"
	case *Conditional:
		return "(" + show(x.Condition) + " ? " + show(x.Then) + " : " + show(x.Else) + ")"
	case *Lambda:
		return "(" + strings.Join(x.Params, ",") + " => " + show(x.Body) + ")"
	case *For:
		return "[for " + x.Item + mark(x.Index != "", ","+x.Index) + " in " + show(x.In) + ": " + show(x.Body) + "]"
	case *If:
		return "if " + show(x.Condition) + " " + show(x.Body)
	}
	return "BAD"
}

func TestExpressions(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"1 + 2 * 3 - 4", "((1 + (2 * 3)) - 4)"},
		{"a || b && c == d < e", "(a || (b && (c == (d < e))))"},
		{"a ?? b ?? c || d", "((a ?? b) ?? (c || d))"},
		{"a =~ b !~ c != d", "(((a =~ b) !~ c) != d)"},
		{"!a && -1 < +2", "((! a) && ((- 1) < (+ 2)))"},
		{"a ? b : c ? d : e", "(a ? b : (c ? d : e))"},
		{"a\n  ? b\n  : c", "(a ? b : c)"},
		{"a\n  && b\n  || c", "((a && b) || c)"},
		{"a ||\n  b", "(a || b)"},
		{"(a || b) && c", "((a || b) && c)"},
		{"a.b.?c[0][?1][^1][?^2]::d!.e", "(((((((((a . b) .? c) [] 0) [?] 1) [^] 1) [?^] 2) :: d) !) . e)"},
		{"stg.listKeys('x').keys[0]", `((stg.listKeys("x") . keys) [] 0)`},
		{"sys.concat('a') == az.resourceGroup().id", `(concat("a") == (resourceGroup() . id))`},
		{"a.?b()", "a?.b()"},
		{"f(\n  1\n  ,\n  2\n)", "f(1 2)"},
		{"map(x, y => y.z)", "map(x (y => (y . z)))"},
		{"reduce(x, 0, (cur, next) => cur + next)", "reduce(x 0 (cur,next => (cur + next)))"},
		{"f(() => 1)", "f(( => 1))"},
		{"(a)", "a"},
		{"[]", "[]"},
		{"['a', 'b'\n'c'\n\n  d\n]", `["a" "b" "c" d]`},
		{"[\n  1\n  -1\n]", "[1 (- 1)]"},
		{"[1, ...b, 2,]", "[1 ...b 2]"},
		{"{}", "{}"},
		{"{ a: 1, 'b c': 2, '${d}e': 3\n ...f, }", `{a: 1, b c: 2, ""+d+"e": 3, ...f}`},
		{"{\n  a: b\n    ? c\n    : d\n  e: f\n}", "{a: (b ? c : d), e: f}"},
		{"{\n  if: 1\n  for: 2\n  param: 3\n  resource: 4\n}", "{if: 1, for: 2, param: 3, resource: 4}"},
		{"[for x in y: x]", "[for x in y: x]"},
		{"[\n  for (x, i) in range(0, 3): {\n    a: x\n  }\n]", "[for x,i in range(0 3): {a: x}]"},
		{"[for x in y: if (x.on) { a: 1 }]", "[for x in y: if (x . on) {a: 1}]"},
		{"[for]", "[for]"},
		{"for", "for"},
		{"''", `""`},
		{"'it\\'s \\\\ \\n\\t\\r \\${x} $ \\u{1F600}'", `"it's \\ \n\t\r ${x} $ 😀"`},
		{"'a${b}c${d}'", `"a"+b+"c"+d+""`},
		{"'${a}${'b${c}'}'", `""+a+""+"b"+c+""+""`},
		{"'${ { a: 'x' }.a }'", `""+({a: "x"} . a)+""`},
		{"'''\na 'b' ${c}\\n\n'''", `"a 'b' ${c}\\n\n"`},
		{"'''a''''", `"a'"`},
		{"''''''", `""`},
		{"$'''a ${b} $c'''", `"a "+b+" $c"`},
		{"$$'''\r\na ${b} $${c}'''", `"a ${b} "+c+""`},
		{"a // why\n  ? b /* or */ : c", "(a ? b : c)"},
		{"9223372036854775807", "9223372036854775807"},
	} {
		f := Parse("var x = "+c.text+"\n", 250)
		if len(f.Mistakes) > 0 || len(f.Declarations) != 1 {
			t.Errorf("%s: %v", c.text, f.Mistakes)
			continue
		}
		if got := show(f.Declarations[0].Value); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

const every = `targetScope = 'subscription'
metadata author = 'me'
using './main.bicep'
extends 'base.bicepparam'
import { a, b as c } from 'x.bicep'
import * as ns from 'br/public:avm/x:1.0'
import 'kubernetes@1.0.0' as k8s
extension microsoftGraph
extension 'br:mcr/x:1' with { a: 1 } as g
provider 'az@1.0'
@description('d')
@sys.secure()
param p string = 'x'
param q resourceInput<'Microsoft.Storage/storageAccounts@2025-01-01'>.tags?
param r 'a' | 'b' | null
param s
  | 'a'
  | 'b' = 'a'
param t { @secure() a: string, b: int?, *: bool }[]
param u [string, int]
param v types.lock.kind[*]
param w (string | int)[]?
param x = 1
var y = 1
var z string = 'a'
type alias = { a: alias? }
func f(a string, b int?) string => '${a}${b}'
resource stg 'Microsoft.Storage/storageAccounts@2023-01-01' existing = if (true) { name: 'x' }
resource list 'T/t@1' = [for i in []: if (i) { name: i }]
module m 'm.bicep' = { name: 'm' }
output o string = p
output l array = [for i in []: i]
assert ok = 1 == 1
test unit 'test.bicep' = { params: {} }
`

func TestDeclarations(t *testing.T) {
	f := Parse(every, 250)
	for _, m := range f.Mistakes {
		t.Errorf("%q: %s", every[m.Start:m.End], m.Message)
	}
	var got []string
	for _, d := range f.Declarations {
		s := string(d.Keyword) + " " + d.Name
		if d.Type != nil {
			s += fmt.Sprintf(" %d", d.Type.Kind)
			if d.Type.Nullable {
				s += "?"
			}
		}
		if text, ok := d.Text.Plain(); ok {
			s += " '" + text + "'"
		}
		if d.Existing {
			s += " existing"
		}
		if d.Alias != "" {
			s += " as " + d.Alias
		}
		for _, x := range d.Decorators {
			s += " @" + x.Name
		}
		for _, i := range d.Imports {
			s += " " + i.Name + "=" + i.As
		}
		if d.Value != nil {
			s += " = " + show(d.Value)
		}
		got = append(got, s)
	}
	want := []string{
		`targetScope  = "subscription"`, `metadata author = "me"`, `using  './main.bicep'`, `extends  'base.bicepparam'`,
		`import  'x.bicep' a=a b=c`, `import  'br/public:avm/x:1.0' as ns`, `extension  'kubernetes@1.0.0' as k8s`,
		`extension microsoftGraph`, `extension  'br:mcr/x:1' as g = {a: 1}`, `extension  'az@1.0'`,
		`param p 0 @description @secure = "x"`, `param q 6?`, `param r 2?`, `param s 2 = "a"`, `param t 3`, `param u 4`, `param v 6`, `param w 3?`, `param x = 1`,
		`var y = 1`, `var z 0 = "a"`, `type alias 5`, `func f 0 = ""+a+""+b+""`,
		`resource stg 'Microsoft.Storage/storageAccounts@2023-01-01' existing = if true {name: "x"}`,
		`resource list 'T/t@1' = [for i in []: if i {name: i}]`, `module m 'm.bicep' = {name: "m"}`,
		`output o 0 = p`, `output l 0 = [for i in []: i]`, `assert ok = (1 == 1)`, `test unit 'test.bicep' = {params: {}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPlaces(t *testing.T) {
	text := "// first\n@secure()\n@description('a')\nresource a 'T/t@1' = {\r\n  name: 'x' // beside\r\n  @batchSize(1)\r\n  resource b 'u' = { name: 'y' }\r\n}\n"
	f := Parse(text, 250)
	if len(f.Mistakes) > 0 || len(f.Declarations) != 1 {
		t.Fatal(f.Mistakes)
	}
	d := f.Declarations[0]
	o := d.Value.(*Object)
	for _, c := range []struct {
		what string
		at   Span
		want string
	}{
		{"whole", d.Whole(), text[len("// first\n") : len(text)-1]},
		{"header", d.Header, "resource a 'T/t@1' = {"},
		{"name", d.NameSpan, "a"},
		{"property", o.Members[0].Span, "name: 'x'"},
		{"nested", o.Resources[0].Whole(), "@batchSize(1)\r\n  resource b 'u' = { name: 'y' }"},
		{"comment", f.Comments[1], "// beside"},
	} {
		if got := text[c.at.Start:c.at.End]; got != c.want {
			t.Errorf("%s is %q, want %q", c.what, got, c.want)
		}
	}
}

// TestRecovery breaks a declaration: it is one mistake, and the others are read.
func TestRecovery(t *testing.T) {
	for name, broken := range map[string]string{
		"no value":           "var a =\n",
		"no name":            "param\n",
		"bracket open":       "resource a 'T/t@1' = {\n  name: 'x'\n",
		"bracket too many":   "var a = [1]]\n",
		"text open":          "var a = 'x\n",
		"interpolation open": "var a = 'x${b\n",
		"a sign":             "var a = \"x\"\n",
		"not a statement":    "hello world\n",
		"two values":         "var a = 1 2\n",
		"bad escape":         "var a = 'C:\\Users'\n",
		"bad property":       "resource a 'T/t@1' = {\n  1: 'x'\n  properties: {\n    b: 2\n  }\n}\n",
		"a dollar":           "var a = $b\n",
		"decorator alone":    "@secure\nparam a string\n",
		"type":               "param a = \n",
		"loop":               "var a = [for x y: 1]\n",
		"conditional":        "var a = b ? c\n",
		"decorated":          "@a()\n@b()\nvar a = ]\n",
	} {
		f := Parse("var before = 1\n"+broken+"var after = 2\n", 250)
		if len(f.Mistakes) != 1 {
			t.Errorf("%s: %d mistakes: %v", name, len(f.Mistakes), f.Mistakes)
		}
		names := map[string]bool{}
		for _, d := range f.Declarations {
			names[d.Name] = !d.Broken
		}
		if !names["before"] || !names["after"] {
			t.Errorf("%s: what stands around it is gone: %v", name, names)
		}
	}
}

// TestNesting nests deeper than is allowed, in every way: it is one mistake, of the budget.
func TestNesting(t *testing.T) {
	n := 100_000
	for name, text := range map[string]string{
		"parentheses":    strings.Repeat("(", n),
		"brackets":       strings.Repeat("[", n) + strings.Repeat("]", n),
		"objects":        strings.Repeat("{a:", n),
		"calls":          strings.Repeat("f(", n),
		"not":            strings.Repeat("!", n) + "a",
		"minus":          strings.Repeat("-", n) + "a",
		"conditionals":   strings.Repeat("a ? b : ", n) + "c",
		"lambdas":        strings.Repeat("a => ", n) + "b",
		"members":        "a" + strings.Repeat(".b", n),
		"indices":        "a" + strings.Repeat("[0]", n),
		"safe":           "a" + strings.Repeat("!", n),
		"operators":      "1" + strings.Repeat(" + 1", n),
		"coalesce":       "a" + strings.Repeat(" ?? a", n),
		"interpolations": strings.Repeat("'${", n),
		"loops":          strings.Repeat("[for a in b: ", n),
	} {
		f := Parse("var x = "+text+"\nvar after = 1\n", 250)
		limit := 0
		for _, m := range f.Mistakes {
			if m.Limit {
				limit++
			}
		}
		if limit != 1 && name != "interpolations" {
			t.Errorf("%s: %v", name, f.Mistakes)
		}
		if name == "interpolations" && len(f.Mistakes) == 0 {
			t.Errorf("%s: nothing is wrong", name)
		}
	}
	for name, text := range map[string]string{
		"lists":  "string" + strings.Repeat("[]", n),
		"parens": strings.Repeat("(", n),
		"tuples": strings.Repeat("[", n),
		"fields": strings.Repeat("{ a: ", n),
	} {
		f := Parse("param x "+text+"\nvar after = 1\n", 250)
		if len(f.Mistakes) != 1 || !f.Mistakes[0].Limit {
			t.Errorf("type of %s: %v", name, f.Mistakes)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(every)
	f.Add("resource a 'T/t@1' = {\n  name: 'x${b}y'\n  resource c 'u' = [for (d, e) in f: if (g) { h: [1, ...i] }]\n}\n")
	f.Add("var a = $'''x${b}'''\nvar c = '''''''\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 20_000 || !utf8.ValidString(text) {
			return
		}
		file := Parse(text, 50)
		lies := func(s Span) {
			if s.Start < 0 || s.End < s.Start || s.End > len(text) {
				t.Fatalf("%v lies outside of %d bytes", s, len(text))
			}
		}
		for _, m := range file.Mistakes {
			lies(m.Span)
		}
		for _, c := range file.Comments {
			lies(c)
		}
		last := 0
		for _, d := range file.Declarations {
			lies(d.Whole())
			lies(d.Header)
			lies(d.NameSpan)
			if d.Whole().Start < last {
				t.Fatalf("%s %s at %v begins before the one before it ends", d.Keyword, d.Name, d.Whole())
			}
			last = d.Span.Start
			if d.Value != nil && !d.Broken {
				lies(d.Value.Extent())
				show(d.Value)
			}
		}
	})
}
