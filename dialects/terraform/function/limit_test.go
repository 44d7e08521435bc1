package function

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// doubled is a value of few parts that, written out, has more than 2 to the power of times.
func doubled(times int) cty.Value {
	v := cty.ListVal([]cty.Value{cty.StringVal("a")})
	for range times {
		v = cty.ListVal([]cty.Value{v, v})
	}
	return v
}

func bomb(t *testing.T) cty.Value {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for range 1000 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	return cty.StringVal(base64.StdEncoding.EncodeToString(b.Bytes()))
}

func laughs() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 30 {
		fmt.Fprintf(&b, "a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), i)
	}
	return b.String()
}

// Whatever is asked, the answer comes soon and takes little memory.
func TestTable_hostile(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds on purpose")
	}
	long := func(s string, n int) cty.Value { return cty.StringVal(strings.Repeat(s, n)) }
	many := make([]cty.Value, 1000)
	for i := range many {
		many[i] = cty.NumberIntVal(int64(i))
	}
	vars := map[string]cty.Value{
		"mega":     long("a", 1<<20),
		"commas":   long(",", 1<<20),
		"brackets": long("[", 1<<20),
		"objects":  long(`{"a":`, 1<<18),
		"dashes":   long("- ", 1<<19),
		"digits":   long("9", 1<<20),
		"ones":     long("1,", 1<<19),
		"many":     cty.ListVal(many),
		"doubled":  doubled(17),
		"bomb":     bomb(t),
		"laughs":   cty.StringVal(laughs()),
		"dollars":  long("$0", 1000),
		"classes":  long(".{1000}", 2000),
		"huge":     cty.MustParseNumberVal("1e100000"),
	}
	tree := fstest.MapFS{
		"loops.tpl":   {Data: []byte("%{ for a in l }%{ for b in l }%{ for c in l }%{ for d in l }x%{ endfor }%{ endfor }%{ endfor }%{ endfor }")},
		"dry.tpl":     {Data: []byte(`${length([for a in l: a if length([for b in l: b if length([for c in l: c if false]) > 0]) > 0])}`)},
		"parts.tpl":   {Data: []byte(strings.Repeat("${x}", 10_000))},
		"parens.tpl":  {Data: []byte("${" + strings.Repeat("(", 1<<18))},
		"strings.tpl": {Data: []byte(strings.Repeat(`${"`, 1<<17))},
		"not.tpl":     {Data: []byte("${" + strings.Repeat("!", 1<<18) + "true}")},
		"plus.tpl":    {Data: []byte("${1" + strings.Repeat("+1", 1<<17) + "}")},
		"cond.tpl":    {Data: []byte("${" + strings.Repeat("true?1:", 1<<16) + "1}")},
		"ifs.tpl":     {Data: []byte(strings.Repeat("%{ if true }", 1<<15))},
		"splat.tpl":   {Data: []byte("${l" + strings.Repeat("[*]", 1<<17) + "}")},
		"attrs.tpl":   {Data: []byte("${l" + strings.Repeat(".a", 1<<17) + "}")},
		"large.tpl":   {Data: make([]byte, 1<<20)},
		"heredoc.tpl": {Data: []byte("${<<A\n\"\nA\n" + strings.Repeat("(", 1<<18))},
		"comment.tpl": {Data: []byte("${ /* \" */ " + strings.Repeat("(", 1<<18))},
		"line.tpl":    {Data: []byte("${ // \"\n " + strings.Repeat("(", 1<<18))},
		"escape2.tpl": {Data: []byte(`${"$$${` + strings.Repeat("(", 1<<18))},
		"self.tpl":    {Data: []byte(`${templatefile("self.tpl", {})}${templatefile("self.tpl", {})}`)},
		"square.tpl":  {Data: []byte(`${join("", [for x in split("", s): s])}`)},
	}
	for _, src := range []string{
		`range(0, 1000000000)`,
		`range(1, 2, 0.0000000001)`,
		`format("%1000000000d", 1)`,
		`format("%.1000000000f", 1.5)`,
		`format("%999999999999999999999s", "x")`,
		`format("${mega}%s%s%s%s", mega, mega, mega, mega)`,
		`format(join("", [for i in range(1000): "%[1]s"]), mega)`,
		`formatlist(mega, many)`,
		`formatlist("%100000s", many)`,
		`setproduct(many, many, many, many)`,
		`setproduct(many, many)`,
		`join(mega, many)`,
		`indent(1000000000, "a\nb")`,
		`indent(1000, commas == "" ? "" : replace(commas, ",", "\n"))`,
		`replace(mega, "a", mega)`,
		`replace(mega, "", mega)`,
		`replace(mega, "/a+/", dollars)`,
		`replace(mega, "/a/", dollars)`,
		`replace(mega, "/${classes}/", "")`,
		`regexall("${classes}", mega)`,
		`regexall("(((((((((((((((((((((((((((((((a)))))))))))))))))))))))))))))))", mega)`,
		`split("", mega)`,
		`split(",", commas)`,
		`csvdecode(commas)`,
		`jsondecode(brackets)`,
		`jsondecode(objects)`,
		`jsondecode("[${ones}1]")`,
		`jsondecode(digits)`,
		`jsondecode("1e999999999")`,
		`jsondecode("[1e-99999999]")`,
		`yamldecode(brackets)`,
		`yamldecode(dashes)`,
		`yamldecode(laughs)`,
		`yamldecode("a: 1e999999999")`,
		`yamldecode("a: ${digits}")`,
		`yamldecode("a: &a [b]\n<<: *nope")`,
		`parseint(digits, 10)`,
		`tonumber(digits)`,
		`tostring(huge)`,
		`jsonencode([huge])`,
		`abs(huge)`,
		`jsonencode(doubled)`,
		`yamlencode(doubled)`,
		`flatten(doubled)`,
		`flatten([doubled, doubled])`,
		`distinct(doubled)`,
		`toset(doubled)`,
		`merge({a = doubled}, {b = doubled})`,
		`concat(doubled, doubled)`,
		`templatestring("$${x}", {x = doubled})`,
		`base64gunzip(bomb)`,
		`templatefile("loops.tpl", {l = many})`,
		`templatefile("dry.tpl", {l = many})`,
		`templatefile("parts.tpl", {x = mega})`,
		`templatefile("parens.tpl", {})`,
		`templatefile("strings.tpl", {})`,
		`templatefile("not.tpl", {})`,
		`templatefile("plus.tpl", {})`,
		`templatefile("cond.tpl", {})`,
		`templatefile("ifs.tpl", {})`,
		`templatefile("splat.tpl", {l = many})`,
		`templatefile("attrs.tpl", {l = {a = 1}})`,
		`templatefile("large.tpl", {})`,
		`templatefile("heredoc.tpl", {})`,
		`templatefile("comment.tpl", {})`,
		`templatefile("line.tpl", {})`,
		`templatefile("escape2.tpl", {})`,
		`templatefile("self.tpl", {})`,
		`templatefile("square.tpl", {s = mega})`,
		`fileset(".", "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}")`,
	} {
		t.Run(src, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			v, err := evaluate(t, Options{FS: tree}, src, vars)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Errorf("a value of type %s", v.Type().FriendlyName())
			} else if len(err.Error()) > 2000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			if made := after.TotalAlloc - before.TotalAlloc; made > 600<<20 {
				t.Errorf("made %d MiB", made>>20)
			}
			t.Logf("%v, %d MiB: %.100v", took, (after.TotalAlloc-before.TotalAlloc)>>20, err)
		})
	}
}

func TestCheck(t *testing.T) {
	for name, test := range map[string]struct {
		v  cty.Value
		ok bool
	}{
		"shared":  {doubled(60), false},
		"small":   {doubled(3), true},
		"unknown": {cty.DynamicVal, true},
		"null":    {cty.NullVal(cty.String), true},
		"marked":  {cty.ListVal([]cty.Value{cty.StringVal("a").Mark(SensitiveMark)}).Mark(SensitiveMark), true},
		"text":    {cty.StringVal(strings.Repeat("a", 17<<20)), false},
		"number":  {cty.MustParseNumberVal("1e-100000"), false},
	} {
		if err := Check(test.v, Options{}); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is large but honest goes through, in reasonable time.
func TestTable_large(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds on purpose")
	}
	items := make([]cty.Value, 50_000)
	for i := range items {
		items[i] = cty.StringVal(fmt.Sprint("item-", i%20_000))
	}
	vars := map[string]cty.Value{"l": cty.ListVal(items), "text": cty.StringVal(strings.Repeat("line of text\n", 50_000))}
	for src, want := range map[string]int64{
		`length(distinct(l))`: 20_000,
		`length(toset(l))`:    20_000,
		`length(matchkeys(slice(l, 0, 30000), slice(l, 0, 30000), slice(l, 0, 20000)))`: 30_000,
		`length(split("\n", text))`:             50_001,
		`length(regexall("text", text))`:        50_000,
		`length(replace(text, "/of/", "$0$0"))`: 750_000,
		`length(jsondecode(jsonencode(l)))`:     50_000,
		`length(yamldecode(yamlencode(l)))`:     50_000,
		`length(templatestring("%%{ for x in l }$${x}%%{ endfor }", {l = slice(l, 0, 1000)}))`: 7890,
	} {
		start := time.Now()
		v, err := evaluate(t, Options{}, src, vars)
		if err != nil {
			t.Errorf("%s: %.300v", src, err)
			continue
		}
		if !v.RawEquals(cty.NumberIntVal(want)) {
			t.Errorf("%s: got %#v, want %d", src, v, want)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: took %v", src, took)
		}
	}
}

// A try inside a try inside a try … takes time in proportion to their number.
func TestTry_nested(t *testing.T) {
	src := strings.Repeat("try(", 40) + `"a"` + strings.Repeat(")", 40)
	if v, err := evaluate(t, Options{}, src, nil); err != nil || !v.RawEquals(cty.StringVal("a")) {
		t.Errorf("got %#v, %v", v, err)
	}
}

func TestTemplates_nested(t *testing.T) {
	tree := fstest.MapFS{}
	for i := range 12 {
		tree[fmt.Sprintf("%d.tpl", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, `%d${templatefile("%d.tpl", {})}`, i, i+1)}
	}
	tree["4.tpl"] = &fstest.MapFile{Data: []byte("end")}
	if v, err := evaluate(t, Options{FS: tree}, `templatefile("0.tpl", {})`, nil); err != nil || !v.RawEquals(cty.StringVal("0123end")) {
		t.Errorf("got %#v, %v", v, err)
	}
}

// checkTemplate sees escapes, comments and strings as HCL does: neither more nor less nesting than there is.
func TestCheckTemplate(t *testing.T) {
	for _, src := range []string{
		strings.Repeat("${x}", 1000),
		strings.Repeat("$${", 1000),
		"$$${" + strings.Repeat("(", 1000),
		strings.Repeat("%%{ if ", 1000),
		strings.Repeat("((([[[{{{", 1000),
		strings.Repeat(`{"a": "${x}"},`, 1000),
		strings.Repeat(`${x["a"]}${"}"}${"\"("}`, 1000),
		strings.Repeat("%{ if true }a%{ else }b%{ endif }%{~ for x in y ~}%{~ endfor ~}", 1000),
		strings.Repeat("${f(<<A\n((( ${x} \"\nA\n)}", 500),
		strings.Repeat("${ x /* ( \" */ }${ x // ( \"\n}${ x # (\n}", 1000),
		strings.Repeat("#!/bin/sh\necho \"$HOME\" '$$${x}' \"%{if x}\"y%{endif}\n", 1000),
	} {
		if err := checkTemplate(src, ""); err != nil {
			t.Errorf("%.40s…: %v", src, err)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"${x}", "%{ if x }a%{ endif }", `$$${"${x}"}`, "${<<A\n${x}\nA\n}", "${ /* ( */ x }", "%%{ %{ for a in x }${a}%{ endfor }"} {
		f.Add(s)
	}
	vars := map[string]cty.Value{"x": cty.ListVal([]cty.Value{cty.StringVal("a")})}
	functions := Table(Options{})
	f.Fuzz(func(t *testing.T, src string) {
		vars["t"] = cty.StringVal(src)
		expr, diags := hclsyntax.ParseExpression([]byte("templatestring(t, {x = x})"), "", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		_, _ = expr.Value(&hcl.EvalContext{Variables: vars, Functions: functions})
	})
}
