package rule

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

var (
	testSet      = schema.Load()
	testCompiler = NewCompiler(testSet)
)

// body reads a resource body from JSON. An object with the key "?" is an unknown, whose value is the known prefix; with
// "?!" it will not be null, and the value of "$" is the known end. An object or list that ends with "…" (the key of an object, the last element of a list) is open.
// An object with the key "maybe" is an element that may not be there.
// An object with the key "doc" alone is an unknown text that holds the document.
func body(t testing.TB, text string) value.Value {
	t.Helper()
	var decoded any
	if err := json.Unmarshal([]byte(text), &decoded); err != nil {
		t.Fatalf("body %s: %v", text, err)
	}
	return convert(decoded)
}

func convert(decoded any) value.Value {
	switch d := decoded.(type) {
	case []any:
		v := value.Value{Kind: value.List}
		if n := len(d); n > 0 && d[n-1] == "…" {
			v.Open, d = true, d[:n-1]
		}
		for _, x := range d {
			v.Items = append(v.Items, convert(x))
		}
		return v
	case map[string]any:
		if p, ok := d["?"]; ok {
			return value.Value{Kind: value.Unknown, Text: fmt.Sprint(p)}
		}
		if p, ok := d["?!"]; ok {
			v := value.Value{Kind: value.Unknown, NotNull: true, Text: fmt.Sprint(p)}
			if end, ok := d["$"]; ok {
				v.Ending = fmt.Sprint(end)
			}
			return v
		}
		if doc, ok := d["doc"]; ok && len(d) == 1 {
			inner := convert(doc)
			return value.Value{Kind: value.Unknown, NotNull: true, Document: &inner}
		}
		v := value.Value{Kind: value.Object}
		for name, x := range d {
			if name == "…" {
				v.Open = true
				continue
			}
			if name == "maybe" {
				v.Maybe = true
				continue
			}
			v.Fields = append(v.Fields, value.Field{Name: name, Value: convert(x)})
		}
		slices.SortFunc(v.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
		return v
	}
	return value.Decoded(decoded)
}

// compiled compiles one expression on a type, which must work.
func compiled(t testing.TB, typ, require string) *Program {
	t.Helper()
	r := &Rule{ID: "test-rule", On: []string{typ}, Require: require, Line: 1, Untyped: typ == "any"}
	p, problems := testCompiler.Compile(r, typ)
	if problems != nil {
		t.Fatalf("%s on %s: %v", require, typ, problems)
	}
	return p
}

// said writes a verdict as tests do: "fail metadata_options.http_tokens".
func said(v Verdict) string {
	if v.Err != nil {
		return "error " + v.Err.Error()
	}
	out := v.Outcome.String()
	for _, w := range v.Witnesses {
		out += " "
		if w.Resource.Address != "x.this" {
			out += w.Resource.Address + ":"
		}
		out += w.Path.String()
		if len(w.Path) == 0 {
			out += "*"
		}
	}
	return out
}

// judged judges an expression on a body.
func judged(t testing.TB, typ, require, text string) Verdict {
	t.Helper()
	r := &resource.Resource{Address: "x.this", Type: typ, Body: body(t, text)}
	return judgedIn(t, require, resource.NewGraph([]*resource.Resource{r}, nil), r)
}

// judgedIn judges an expression on a resource of a graph, compiled in the three ways that there are, which must say the same.
func judgedIn(t testing.TB, require string, g *resource.Graph, r *resource.Resource) Verdict {
	t.Helper()
	v := compiled(t, r.Type, require).Judge(g, r)
	testCompiler.Trusting = true
	defer func() { testCompiler.Trusting = false }()
	if got, want := said(compiled(t, r.Type, require).Judge(g, r)), said(v); got != want {
		t.Errorf("%s: without type check %s, with it %s", require, got, want)
	}
	if got, want := said(prepared(t, r.Type, require).Judge(g, r)), said(v); got != want {
		t.Errorf("%s: prepared %s, compiled %s", require, got, want)
	}
	return v
}

// prepared compiles an expression that was written by Prepare's writer.
func prepared(t testing.TB, typ, require string) *Program {
	t.Helper()
	r := &Rule{ID: "test-rule", On: []string{typ}, Require: require, Line: 1, Untyped: typ == "any"}
	code, err := (&writer{text: "this." + require}).page(r, testCompiler)
	if err != nil {
		t.Fatal(err)
	}
	page := &preparedPage{code: string(code)}
	if err := page.open("", "this."+require); err != nil {
		t.Fatal(err)
	}
	parsed, err := page.expr(typ)
	if err != nil {
		t.Fatal(err)
	}
	p, problems := testCompiler.compile(page.rule, typ, syntax{require: parsed})
	if problems != nil {
		t.Fatal(problems)
	}
	return p
}
