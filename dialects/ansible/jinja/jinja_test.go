package jinja

import (
	"strings"
	"testing"

	"plumbline.dev/plumbline/value"
)

// scope is the variables of the tests; what it lacks is undeclared.
type scope map[string]Result

func (s scope) Variable(name string) Result {
	if r, ok := s[name]; ok {
		return r
	}
	return Result{Value: value.Value{Kind: value.Unknown, Given: true}, Undeclared: true}
}

var limits = Limits{Bytes: 10_000, Items: 1000, Depth: 100}

func vars() scope {
	env := scope{
		"name":   Text("web"),
		"n":      number(3),
		"on":     boolean(true),
		"nil":    {Value: value.Value{Kind: value.Null}},
		"secret": Unknown(),
		"part":   {Value: value.Value{Kind: value.Unknown, Text: "http://", Ending: "/x", NotNull: true}},
		"vpc":    {Value: value.Value{Kind: value.Unknown, NotNull: true, Given: true}, Marks: []Mark{{Target: "vpc"}}},
	}
	for name, text := range map[string]string{
		"ports": "[22, 80]",
		"user":  "{'name': 'ada', 'uid': 7, 'keys': ['a', 'b']}",
		"users": "[{'name': 'ada', 'admin': true}, {'name': 'bob', 'admin': false}]",
	} {
		x, err := ParseExpression(text)
		if err != nil {
			panic(err)
		}
		env[name] = x.Evaluate(env, limits)
	}
	return env
}

// show writes a result: JSON when it is known, else ? with what is known around it.
func show(r *Result) string {
	v := &r.Value
	switch {
	case r.Omit:
		return "omit"
	case v.Kind == value.Absent:
		return "undefined"
	case v.Kind == value.Unknown:
		return v.Text + "?" + v.Ending
	}
	return string(v.AppendJSON(nil, false))
}

func TestTemplates(t *testing.T) {
	tests := []struct{ text, want string }{
		{"plain", `"plain"`},
		{"{{ name }}", `"web"`},
		{"{{ n }}", `3`},
		{"{{ on }}", `true`},
		{"{{ 'a' }}-{{ n }}", `"a-3"`},
		{"arn:{{ secret }}", `arn:?`},
		{"arn:{{ secret }}:x", `arn:?:x`},
		{"{{ part }}y", `http://?/xy`},
		{"{{ name ~ '-' ~ n }}", `"web-3"`},
		{"{{ name + '-x' }}", `"web-x"`},
		{"{{ n + 1 * 2 }}", `5`},
		{"{{ 7 // 2 }} {{ 7 % 4 }} {{ 2 ** 3 }}", `"3 3 8"`},
		{"{{ -n }}", `-3`},
		{"{{ user.name }}{{ user['uid'] }}", `"ada7"`},
		{"{{ user.missing }}", `?`},
		{"{{ user.missing | default('x') }}", `"x"`},
		{"{{ nothing | default('x') }}", `"x"`},
		{"{{ nothing.at.all | d(5) }}", `5`},
		{"{{ '' | default('x') }}", `""`},
		{"{{ '' | default('x', true) }}", `"x"`},
		{"{{ nothing | default(omit) }}", `omit`},
		{"{{ name | default(omit) }}", `"web"`},
		{"{{ nothing }}", `?`},
		{"{{ secret | default('x') }}", `?`},
		{"{{ ports[0] }} {{ ports[-1] }} {{ ports.1 }}", `"22 80 80"`},
		{"{{ ports | first }},{{ ports | last }},{{ ports | length }}", `"22,80,2"`},
		{"{{ ports | join('-') }}", `"22-80"`},
		{"{{ [1, secret] | join('-') }}", `1-?`},
		{"{{ ports + [443] }}", `[22,80,443]`},
		{"{{ ports }}", `[22,80]`},
		{"x{{ ports }}", `"x[22, 80]"`},
		{"{{ user | dict2items | length }}", `3`},
		{"{{ [{'key': 'a', 'value': 1}] | items2dict }}", `{"a":1}`},
		{"{{ users | map(attribute='name') | list }}", `["ada","bob"]`},
		{"{{ users | selectattr('admin') | map(attribute='name') | first }}", `"ada"`},
		{"{{ users | rejectattr('name', 'eq', 'ada') | map(attribute='name') | list }}", `["bob"]`},
		{"{{ ports | map('string') | join(',') }}", `"22,80"`},
		{"{{ {'a': 1} | combine({'b': 2}, {'a': 3}) }}", `{"a":3,"b":2}`},
		{"{{ {'a': {'x': 1}} | combine({'a': {'y': 2}}, recursive=True) }}", `{"a":{"x":1,"y":2}}`},
		{"{{ {'a': 1} | combine(secret) }}", `{"__unknown__":true}`},
		{"{{ user | to_json }}", `"{\"keys\":[\"a\",\"b\"],\"name\":\"ada\",\"uid\":7}"`},
		{"{{ '{\"a\": [1]}' | from_json }}", `{"a":[1]}`},
		{"{{ name | upper | lower | capitalize }}", `"Web"`},
		{"{{ 'a,b' | split(',') }}", `["a","b"]`},
		{"{{ 'a,b'.split(',')[1] }}", `"b"`},
		{"{{ name | b64encode | b64decode }}", `"web"`},
		{"{{ 'web-01' | regex_replace('^(\\w+)-(\\d+)$', '\\\\2\\\\1') }}", `"01web"`},
		{"{{ name | replace('w', 'W') }}", `"Web"`},
		{"{{ 'yes' | bool }}{{ 'off' | bool }}", `"TrueFalse"`},
		{"{{ '12' | int + 1 }}", `13`},
		{"{{ on | ternary('a', 'b') }}", `"a"`},
		{"{{ secret | ternary('a', 'a') }}", `"a"`},
		{"{{ 'a' if n > 2 else 'b' }}", `"a"`},
		{"{{ 'a' if secret else 'b' }}", `?`},
		{"{{ [3, 1, 2] | sort }} ", `"[1, 2, 3] "`},
		{"{{ [1, 1, 2] | unique }}", `[1,2]`},
		{"{{ [1, [2, [3]]] | flatten }}", `[1,2,3]`},
		{"{{ range(2) | list }}", `[0,1]`},
		{"{{ lookup('env', 'HOME') }}", `?`},
		{"{{ lookup('vars', 'name') }}", `"web"`},
		{"{{ query('dict', {'a': 1})[0].key }}", `"a"`},
		{"{{ name | community.general.json_query('x') }}", `?`},
		{"a{# remark #}b", `"ab"`},
		{"a{% if x %}b{% endif %}c", `a?c`},
		{"{% raw %}{{ x }}{% endraw %}", `"{{ x }}"`},
		{"a  {{- name -}}  b", `"awebb"`},
		{"{{ broken", `?`},
		{"x{{ 1 + }}", `x?`},
		{"{{ '}}' }}", `"}}"`},
		{"{{ {'a': {'b': 1}}.a.b }}", `1`},
		{"{{ name[0:2] }}", `"we"`},
		{"{{ 'a' 'b' }}", `"ab"`},
		{"{{ 1_000 }}", `1000`},
		{"{{ user.get('x', 'y') }}", `"y"`},
		{"{{ ('a', 'b') | join }}", `"ab"`},
		{"{{ name | quote }} {{ 'a b' | quote }}", `"web 'a b'"`},
		{"{{ '/etc/x.conf' | basename }} {{ '/etc/x.conf' | dirname }}", `"x.conf /etc"`},
		{"{{ [1,2] | union([2,3]) }}", `[1,2,3]`},
		{"{{ part | lower }}", `http://?/x`},
	}
	for _, tt := range tests {
		r := Parse(tt.text).Evaluate(vars(), limits)
		if got := show(&r); got != tt.want {
			t.Errorf("%s = %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestConditions(t *testing.T) {
	tests := []struct {
		text string
		want int
	}{
		{"true", 1},
		{"name == 'web'", 1},
		{"name != 'web'", 0},
		{"not on", 0},
		{"on and secret", -1},
		{"not on and secret", 0},
		{"on or secret", 1},
		{"secret == 'x'", -1},
		{"part == 'https://x'", 0},
		{"part == 'http://y/x'", -1},
		{"22 in ports", 1},
		{"443 not in ports", 1},
		{"'name' in user", 1},
		{"name in ['web', 'db'] and n >= 3", 1},
		{"1 < n < 3", 0},
		{"name is defined", 1},
		{"nothing is defined", -1},
		{"nothing is not defined", -1},
		{"user.missing is defined", 0},
		{"user.missing is undefined", 1},
		{"nil is none", 1},
		{"name is not none", 1},
		{"name is string and n is number", 1},
		{"user is mapping", 1},
		{"name is match('we')", 1},
		{"name is search('b$')", 1},
		{"name is eq 'web'", 1},
		{"vpc is changed", -1},
		{"vpc is succeeded and not on", 0},
		{"ansible_os_family == 'Debian'", -1},
		{"n is divisibleby 3", 1},
		{"(on)", 1},
		{"name.startswith('w')", 1},
		{"name == 'web' if on else false", 1},
		{"user.keys", 1},
		{"ports is contains(22)", 1},
	}
	for _, tt := range tests {
		x, err := ParseExpression(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		r := x.Evaluate(vars(), limits)
		if got := True(&r.Value); got != tt.want {
			t.Errorf("%s = %d (%s), want %d", tt.text, got, show(&r), tt.want)
		}
	}
}

func TestMarks(t *testing.T) {
	tests := []struct{ text, want string }{
		{"{{ vpc.vpc.id }}", "vpc.vpc.id"},
		{"{{ vpc.results[0].vpc.id }}", "vpc.vpc.id"},
		{"{{ vpc['subnet'].id | default('') }}", "vpc.subnet.id"},
		{"arn/{{ vpc.id }}", "vpc.id"},
		{"{{ [1, {'a': vpc.id}][1].a }}", "vpc.id"},
		{"{{ [1, {'a': vpc.id}][0] }}", ""},
		{"{{ vpc.subnets | map(attribute='id') | list }}", "vpc.subnets.id"},
	}
	for _, tt := range tests {
		r := Parse(tt.text).Evaluate(vars(), limits)
		var got []string
		for _, m := range r.Marks {
			got = append(got, m.Target+"."+m.Attribute)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s comes from %q, want %s", tt.text, got, tt.want)
		}
	}
}

func TestGiven(t *testing.T) {
	for text, want := range map[string]bool{
		"{{ secret }}": true, "{{ secret | default('x') }}": true, "x{{ secret }}": true, "{{ secret | upper }}": true,
		"{{ nothing | default('x') }}": false, "{{ name }}": false, "{{ lookup('password', 'x') }}": true, "{{ vpc.id }}": true,
	} {
		r := Parse(text).Evaluate(vars(), limits)
		if r.Value.Given != want {
			t.Errorf("%s is given: %v", text, r.Value.Given)
		}
	}
}

func TestBounds(t *testing.T) {
	env := vars()
	for _, text := range []string{
		"{{ " + strings.Repeat("(", 10_000) + " }}",
		"{{ " + strings.Repeat("not ", 10_000) + "x }}",
		"{{ " + strings.Repeat("-", 10_000) + "1 }}",
		"{{ range(1000000000) | list }}",
		"{{ ('x' * 1000000000) }}",
		"{{ 'xxxxxxxx' | replace('x', '" + strings.Repeat("y", 2000) + "') }}",
		"{{ 10 ** 10000 }}",
	} {
		if r := Parse(text).Evaluate(env, limits); r.Value.Kind != value.Unknown {
			t.Errorf("%.40s is %s, want unknown", text, show(&r))
		}
	}
}

func FuzzEvaluate(f *testing.F) {
	for _, s := range []string{"{{ a.b | default('x', true) }}", "a{% if x %}b{% endif %}", "{{ x[1:2] is not defined and y in [1] }}", "{{ users | map('x') }}"} {
		f.Add(s)
	}
	env := vars()
	f.Fuzz(func(t *testing.T, s string) {
		r := Parse(s).Evaluate(env, limits)
		if len(r.Value.Text) > 4*limits.Bytes+len(s) {
			t.Errorf("a text of %d bytes", len(r.Value.Text))
		}
		if !Templated(s) && r.Value.Kind == value.String && r.Value.Text != s {
			t.Errorf("%q became %q", s, r.Value.Text)
		}
	})
}
