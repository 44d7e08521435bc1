package terraform

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// evaluated is everything that came out of a tree.
type evaluated struct {
	estate   dialect.Estate
	units    []*dialect.Unit
	problems []source.Problem
}

func evaluateTree(t testing.TB, files map[string]string) *evaluated {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return evaluateWorkspace(t, treeWorkspace(tree), claimed(t, tree))
}

func evaluateWorkspace(t testing.TB, w *dialect.Workspace, paths []string) *evaluated {
	t.Helper()
	out := &evaluated{}
	out.estate, out.problems = New(schema.Load()).Open(context.Background(), w, paths)
	for _, n := range out.estate.Units() {
		u := out.estate.Evaluate(context.Background(), n)
		out.units = append(out.units, u)
		out.problems = append(out.problems, u.Problems...)
	}
	for _, p := range out.problems {
		if p.Kind == source.Bug {
			t.Errorf("bug: %s: %s", p.Range.File, p.Message)
		}
	}
	return out
}

// find returns the resource of an address in the first unit that has it.
func (e *evaluated) find(t testing.TB, address string) *resource.Resource {
	t.Helper()
	for _, u := range e.units {
		if r := u.Graph.ByAddress(address); r != nil {
			return r
		}
	}
	t.Fatalf("no resource %s", address)
	return nil
}

func (e *evaluated) kinds() string {
	var kinds []string
	for _, p := range e.problems {
		if len(kinds) == 0 || kinds[len(kinds)-1] != string(p.Kind) {
			kinds = append(kinds, string(p.Kind))
		}
	}
	return strings.Join(kinds, " ")
}

func repeat(s string, n int) string { return strings.Repeat(s, n) }

// TestHostile evaluates inputs that are made to hang or crash. Each must end in a problem of the kind given, in seconds.
func TestHostile(t *testing.T) {
	const n = 100_000
	chain := func(n int, link func(i int) string) string {
		var b strings.Builder
		b.WriteString("locals {\n")
		for i := range n {
			b.WriteString(link(i))
		}
		b.WriteString("}\nresource \"terraform_data\" \"x\" {\n  input = local.l" + fmt.Sprint(n-1) + "\n}\n")
		return b.String()
	}
	local := func(e string) string {
		return "locals {\n  a = " + e + "\n}\nresource \"terraform_data\" \"x\" {\n  input = local.a\n}\n"
	}
	for name, c := range map[string]struct {
		files map[string]string
		kinds string
	}{
		"nots":                          {map[string]string{"a.tf": local(repeat("!", n) + "true")}, "limit"},
		"minus":                         {map[string]string{"a.tf": local(repeat("-", n) + "1")}, "limit"},
		"conditionals":                  {map[string]string{"a.tf": local(repeat("true?1:", n) + "1")}, "limit"},
		"parentheses":                   {map[string]string{"a.tf": local(repeat("(", n) + "1" + repeat(")", n))}, "limit"},
		"brackets":                      {map[string]string{"a.tf": local(repeat("[", n) + repeat("]", n))}, "limit"},
		"open brackets":                 {map[string]string{"a.tf": local(repeat("[", n))}, "limit"},
		"braces":                        {map[string]string{"a.tf": repeat("a {", n)}, "limit"},
		"attributes":                    {map[string]string{"a.tf": local("local" + repeat(".b", n))}, "limit"},
		"indexes":                       {map[string]string{"a.tf": local("[1]" + repeat("[0]", n))}, "limit"},
		"splats":                        {map[string]string{"a.tf": local("[1]" + repeat("[*]", n))}, "limit"},
		"plus":                          {map[string]string{"a.tf": local("1" + repeat("+1", n))}, "limit"},
		"plus on lines":                 {map[string]string{"a.tf": local("(1" + repeat("\n+1", n) + ")")}, "limit"},
		"ands":                          {map[string]string{"a.tf": local("true" + repeat("&&true", n))}, "limit"},
		"templates":                     {map[string]string{"a.tf": local(repeat(`"${`, n) + "1" + repeat(`}"`, n))}, "limit"},
		"open template":                 {map[string]string{"a.tf": local(repeat(`"${`, n))}, "limit"},
		"ifs":                           {map[string]string{"a.tf": local(`"` + repeat(`%{if true}`, n) + `"`)}, "limit"},
		"ifs after fake ends":           {map[string]string{"a.tf": local(`"` + repeat(`%{endif}`, n) + repeat(`%{if true}`, n) + `"`)}, "limit"},
		"heredoc ifs":                   {map[string]string{"a.tf": local("<<E\n" + repeat("%{~ for x in [1] }", n) + "\nE")}, "limit"},
		"calls":                         {map[string]string{"a.tf": local(repeat("upper(", n) + `"x"` + repeat(")", n))}, "limit"},
		"type":                          {map[string]string{"a.tf": "variable \"x\" {\n type = " + repeat("list(", n) + "string" + repeat(")", n) + "\n}"}, "limit"},
		"brackets in strings then deep": {map[string]string{"a.tf": "# ]]]]\nlocals {\n s = \"" + repeat("]", 500) + "\"\n}\n" + local(repeat("[", 500)+repeat("]", 500))}, "limit"},
		"json arrays":                   {map[string]string{"a.tf.json": `{"locals": {"a": ` + repeat("[", n) + repeat("]", n) + `}}`}, "limit"},
		"json template":                 {map[string]string{"a.tf.json": `{"locals": {"a": "` + repeat("${[", n) + `"}}`}, "limit"},
		"tfvars":                        {map[string]string{"a.tf": "variable \"a\" {}", "terraform.tfvars": "a = " + repeat("[", n)}, "limit"},
		"chain of locals": {map[string]string{"a.tf": chain(n, func(i int) string {
			if i == 0 {
				return "l0 = 1\n"
			}
			return fmt.Sprintf("l%d = local.l%d\n", i, i-1)
		})}, "limit"},
		"doubling strings": {map[string]string{"a.tf": chain(64, func(i int) string {
			if i == 0 {
				return "l0 = \"0123456789\"\n"
			}
			return fmt.Sprintf("l%d = \"${local.l%d}${local.l%d}\"\n", i, i-1, i-1)
		})}, "limit"},
		"doubling lists": {map[string]string{"a.tf": chain(64, func(i int) string {
			if i == 0 {
				return "l0 = [1]\n"
			}
			return fmt.Sprintf("l%d = [local.l%d, local.l%d]\n", i, i-1, i-1)
		})}, "limit"},
		"doubling concat": {map[string]string{"a.tf": chain(64, func(i int) string {
			if i == 0 {
				return "l0 = [1]\n"
			}
			return fmt.Sprintf("l%d = concat(local.l%d, local.l%d)\n", i, i-1, i-1)
		})}, "invalid"},
		"doubling objects": {map[string]string{"a.tf": chain(64, func(i int) string {
			if i == 0 {
				return "l0 = {a = 1}\n"
			}
			return fmt.Sprintf("l%d = {a = local.l%d, b = local.l%d}\n", i, i-1, i-1)
		})}, "limit"},
		"loops in loops": {map[string]string{"a.tf": local("[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : 1]]]")}, "limit"},
		"loop of text":   {map[string]string{"a.tf": local(`"%{for a in range(1000)}%{for b in range(1000)}%{for c in range(1000)}x%{endfor}%{endfor}%{endfor}"`)}, "limit"},
		"count":          {map[string]string{"a.tf": "resource \"terraform_data\" \"x\" {\n count = 1000000\n}"}, "limit"},
		"many counts": {map[string]string{"a.tf": func() string {
			var b strings.Builder
			for i := range 60 {
				fmt.Fprintf(&b, "resource \"terraform_data\" \"x%d\" {\n count = 2000\n}\n", i)
			}
			return b.String()
		}()}, "limit"},
		"module calls itself": {map[string]string{"a.tf": "module \"m\" {\n source = \"./\"\n}\nresource \"terraform_data\" \"x\" {}"}, "limit"},
		"modules in a circle": {map[string]string{"a/a.tf": "module \"m\" {\n source = \"../b\"\n}", "b/b.tf": "module \"m\" {\n source = \"../a\"\n}"}, "limit"},
		"modules doubling": {func() map[string]string {
			files := map[string]string{}
			for i := range 32 {
				d := fmt.Sprintf("m%02d", i)
				files[d+"/a.tf"] = fmt.Sprintf("module \"a\" {\n source = \"../m%02d\"\n}\nmodule \"b\" {\n source = \"../m%02d\"\n}\n", i+1, i+1)
			}
			files["m32/a.tf"] = "variable \"x\" {}"
			return files
		}(), "limit"},
		"module outside":     {map[string]string{"a.tf": "module \"m\" {\n source = \"../../outside\"\n}"}, "unresolved"},
		"cycle of locals":    {map[string]string{"a.tf": "locals {\n a = local.b\n b = local.a\n}\noutput \"o\" {\n value = local.a\n}"}, "invalid"},
		"local of itself":    {map[string]string{"a.tf": local("local.a")}, "invalid"},
		"count of itself":    {map[string]string{"a.tf": "resource \"terraform_data\" \"x\" {\n count = length(terraform_data.x)\n}"}, ""},
		"big file of junk":   {map[string]string{"a.tf": repeat("\x00\xff{", 10000)}, "invalid limit"},
		"unclosed comment":   {map[string]string{"a.tf": "/* " + repeat("[", n)}, "limit"},
		"big sets":           {map[string]string{"a.tf": local("setproduct(range(1000), range(1000), range(1000))")}, "invalid"},
		"dynamic from big":   {map[string]string{"a.tf": "resource \"aws_security_group\" \"x\" {\n dynamic \"ingress\" {\n for_each = setproduct(range(100), range(100))\n content {\n from_port = ingress.value\n }\n }\n}"}, "limit"},
		"template recursion": {map[string]string{"a.tf": local(`templatefile("t.tpl", {})`), "t.tpl": `${templatefile("t.tpl", {})}`}, "unresolved"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			e := evaluateTree(t, c.files)
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %s", took)
			} else if took > 2*time.Second {
				t.Logf("it took %s", took)
			}
			got := e.kinds()
			found := c.kinds == ""
			for _, k := range strings.Fields(c.kinds) {
				found = found || strings.Contains(got, k)
			}
			if !found {
				t.Errorf("problems %q, want one of %q", got, c.kinds)
			}
			for i, p := range e.problems {
				if i < 3 {
					t.Logf("%s %s:%d %.200s", p.Kind, p.Range.File, p.Range.Start, p.Message)
				}
			}
		})
	}
}
