package value

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/source"
)

func object(fields ...Field) Value { return Value{Kind: Object, Fields: fields} }

func text(s string) Value { return Value{Kind: String, Text: s} }

func TestPath(t *testing.T) {
	for _, c := range []struct {
		text string
		path Path
	}{
		{"", nil},
		{"a", Path{{Name: "a"}}},
		{"a.b_c", Path{{Name: "a"}, {Name: "b_c"}}},
		{"ingress[1].cidr_blocks[0]", Path{{Name: "ingress"}, {Index: 1}, {Name: "cidr_blocks"}, {Index: 0}}},
		{`tags["a b"].x`, Path{{Name: "tags"}, {Name: "a b"}, {Name: "x"}}},
		{`tags["]\""]`, Path{{Name: "tags"}, {Name: `]"`}}},
	} {
		if got := c.path.String(); got != c.text {
			t.Errorf("String of %v = %q, want %q", c.path, got, c.text)
		}
		if got, ok := ParsePath(c.text); !ok || cmp.Diff(c.path, got) != "" {
			t.Errorf("ParsePath(%q) = %v, %v; want %v", c.text, got, ok, c.path)
		}
	}
	for _, bad := range []string{".", "a.", "a..b", "a[", "a[x]", "a[-1]", `a["b]`, "a b", "a.[0]"} {
		if got, ok := ParsePath(bad); ok {
			t.Errorf("ParsePath(%q) = %v, want a refusal", bad, got)
		}
	}
}

func TestNearest(t *testing.T) {
	at := func(n int) source.Range { return source.Range{File: "f", Start: n, End: n + 1} }
	block := object(Field{"x", Value{Kind: Bool, Range: at(3)}})
	block.Range = at(2)
	body := object(Field{"block", Value{Kind: List, Items: []Value{block}}})
	body.Range = at(1)
	for _, c := range []struct {
		path string
		want int
	}{{"block[0].x", 3}, {"block[0].y", 2}, {"block[1].x", 1}, {"none", 1}, {"", 1}} {
		p, _ := ParsePath(c.path)
		if got := body.Nearest(p); got != at(c.want) {
			t.Errorf("Nearest(%s) = %v, want %v", c.path, got, at(c.want))
		}
	}
}

func TestShowAndJSON(t *testing.T) {
	for _, c := range []struct {
		name       string
		v          Value
		show, json string
	}{
		{"absent", Value{}, "(not set)", "null"},
		{"null", Value{Kind: Null}, "null", "null"},
		{"number", Value{Kind: Number, Number: 0.25}, "0.25", "0.25"},
		{"large number", Value{Kind: Number, Number: 12345678901234567890, Text: "12345678901234567890"}, "12345678901234567890", "12345678901234567890"},
		{"text", text("a<\"\n"), `"a\u003c\"\n"`, `"a<\"\n"`},
		{"unknown", Value{Kind: Unknown}, "(unknown)", `{"__unknown__":true}`},
		{"known prefix", Value{Kind: Unknown, Text: "arn:"}, `"arn:"+(unknown)`, `{"__unknown__":true}`},
		{"known ends", Value{Kind: Unknown, Text: "arn:", Ending: ":root"}, `"arn:"+(unknown)+":root"`, `{"__unknown__":true}`},
		{"deep", object(Field{"a", Value{Kind: List, Items: []Value{{Kind: Unknown}, {Kind: Bool, Bool: true}}}}),
			`{"a": [(unknown), true]}`, `{"a":[{"__unknown__":true},true]}`},
		{"open list", Value{Kind: List, Items: []Value{text("a")}, Open: true}, `["a", (perhaps more)]`, `{"__unknown__":true}`},
		{"secret", object(Field{"p", Value{Kind: String, Text: "hunter2", Sensitive: true}}), `{"p": (sensitive)}`, `{"p":"(sensitive)"}`},
	} {
		if got := Show(&c.v); got != c.show {
			t.Errorf("%s: Show = %s, want %s", c.name, got, c.show)
		}
		if got := string(c.v.AppendJSON(nil, true)); got != c.json {
			t.Errorf("%s: JSON = %s, want %s", c.name, got, c.json)
		}
	}
}
