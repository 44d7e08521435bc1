package chart

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSet(t *testing.T) {
	for _, c := range []struct{ text, want, err string }{
		{"a=1", "a: 1", ""},
		{"a.b.c=true,d=FALSE", "a:\n  b:\n    c: true\nd: false", ""},
		{"a=", `a: ""`, ""},
		{"a=null,b=0,c=007,d=1.5", "a: null\nb: 0\nc: \"007\"\nd: \"1.5\"", ""},
		{"a={x,1,y}", "a:\n- x\n- 1\n- \"y\"", ""},
		{`a\.b=x\,y`, "a.b: x,y", ""},
		{"a[1].b=x", "a:\n- null\n- b: x", ""},
		{"a[0][1]=x,a[0][0]=y", "a:\n- - \"y\"\n  - x", ""},
		{"table.in=2", "table:\n  in: 2", ""},
		{"list[0].k=2", "list:\n- k: 2", ""},
		{"a=b=c", "a: b=c", ""},
		{"a", "", `"a" has no value`},
		{"a.b", "", `"a.b" has no value`},
		{"a,b=1", "", `"a" has no value`},
		{"a={x", "", "} is missing"},
		{"a[x]=1", "", "no index"},
		{"a[99999999]=1", "", "no index"},
		{"a[0]x=1", "", "has no value"},
		{"a=1,a.b=2", "", "a is no table"},
		{"a=1,a[0]=2", "", "a is no list"},
		{".a=1", "", "empty"},
		{strings.Repeat("a.", 40) + "a=1", "", "parts"},
	} {
		v, err := ReadValues([]byte(map[bool]string{true: "table: {in: 1}", false: "{}"}[strings.HasPrefix(c.text, "table")]))
		if strings.HasPrefix(c.text, "list") {
			v["list"] = []any{"x"}
		}
		var all []Assignment
		if err == nil {
			all, err = ReadAssignments(c.text)
		}
		for _, a := range all {
			if err == nil {
				err = v.Set(a)
			}
		}
		if c.err != "" || err != nil {
			if err == nil || c.err == "" || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", c.text, err, c.err)
			}
			continue
		}
		got, _ := v.YAML()
		if diff := cmp.Diff(c.want, strings.TrimSpace(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.text, diff)
		}
	}
}
