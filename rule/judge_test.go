package rule

import (
	"errors"
	"strings"
	"testing"

	"plumbline.dev/plumbline/finding"
)

// Expressions on an attribute tree without schema, with what is said of them: the outcome and, where given, the witnesses.
func TestJudgeUntyped(t *testing.T) {
	const tree = `{
		"t": true, "f": false, "n": null, "u": {"?": ""}, "un": {"?!": ""}, "arn": {"?!": "arn:aws:s3:::"},
		"i": 22, "d": 1.5, "s": "hello", "e": "",
		"l": ["a", "b"], "ln": [1, 2, 3], "lu": ["a", {"?": ""}], "lo": ["a", "…"], "le": [],
		"m": {"a": "1", "b": "2"}, "mu": {"a": {"?": ""}}, "mo": {"a": "1", "…": 0},
		"b": [{"p": 22, "c": ["10.0.0.0/8"]}, {"p": 80, "c": ["0.0.0.0/0", {"?": ""}]}],
		"bu": [{"p": {"?": ""}, "c": ["0.0.0.0/0"]}, {"p": 22, "c": ["10.0.0.0/8"]}],
		"bm": [{"p": 22, "maybe": 1}, "…"], "bms": [{"p": 22}, {"p": 22, "maybe": 1}, "…"], "pol": [{"Effect": "Allow", "Action": "*", "Resource": "*", "maybe": 1}, "…"]
	}`
	for _, c := range []struct{ require, want string }{
		// An element that may not be there decides nothing alone.
		{`!this.bm.exists(b, b.p == 22)`, "undecided bm"},
		{`this.bm.all(b, b.p == 80)`, "undecided bm"},
		{`this.bm.exists(b, b.p == 22)`, "undecided bm"},
		{`this.bms.exists(b, b.p == 22)`, "pass bms[0].p"},
		{`size(this.bm) == 1`, "undecided bm[0] bm"},
		{`size(this.bms) >= 1`, "pass bms"},
		{`!iam.statements(this.pol).exists(s, iam.admin(s))`, "undecided pol[0] pol"},
		// Logic: absorption on either side, and what remains undecided.
		{`this.t`, "pass t"},
		{`this.f`, "fail f"},
		{`this.n`, "fail n"},
		{`this.nothing`, "fail nothing"},
		{`!this.nothing`, "pass nothing"},
		{`this.u`, "undecided u"},
		{`!this.u`, "undecided u"},
		{`this.f && this.u`, "fail f"},
		{`this.u && this.f`, "fail f"},
		{`this.t && this.u`, "undecided u"},
		{`this.u && this.t`, "undecided u"},
		{`this.t || this.u`, "pass t"},
		{`this.u || this.t`, "pass t"},
		{`this.f || this.u`, "undecided u"},
		{`this.u || this.f`, "undecided u"},
		{`this.u && this.u`, "undecided u"},
		{`this.f || this.n`, "fail n f"},
		{`this.nothing || this.f`, "fail f nothing"}, // the requirement stands first, the finding at it,
		{`this.f || this.nothing`, "fail nothing f"},
		{`this.t && this.f`, "fail f"},
		{`(this.t || this.f) && this.f`, "fail f"},
		{`!(this.t && this.u)`, "undecided u"},
		{`!(this.f && this.u)`, "pass f"},
		{`1 / 0 == 1 || this.t`, "pass t"},
		{`this.t || 1 / 0 == 1`, "pass t"},
		{`this.f && 1 / 0 == 1`, "fail f"},
		{`this.u || 1 / 0 == 1`, "undecided u"},
		{`this.f || 1 / 0 == 1`, "error rule test-rule on x.this: division by zero"},

		// Conditions.
		{`this.t ? this.f : this.t`, "fail t f"},
		{`this.u ? this.t : this.t`, "pass t"},
		{`this.u ? this.f : this.f`, "fail f"},
		{`this.u ? this.t : this.f`, "undecided u"},
		{`this.n ? this.f : this.t`, "pass n t"},
		{`(this.u ? "ab" : "ac").startsWith("a")`, "pass u"},

		// Equality.
		{`this.i == 22`, "pass i"},
		{`this.i == 22.0`, "pass i"},
		{`this.d == 1.5`, "pass d"},
		{`this.s == "hello"`, "pass s"},
		{`this.s != "hello"`, "fail s"},
		{`this.s == this.i`, "fail s i"},
		{`this.nothing == null`, "pass nothing"},
		{`this.n == null`, "pass n"},
		{`this.s == null`, "fail s"},
		{`this.u == null`, "undecided u"},
		{`this.un == null`, "fail un"},
		{`this.un != null`, "pass un"},
		{`this.nothing == true`, "fail nothing"},
		{`this.nothing == false`, "fail nothing"},
		{`this.nothing != true`, "pass nothing"},
		{`this.nothing == ""`, "fail nothing"},
		{`this.u == "a"`, "undecided u"},
		{`this.arn == "arn:aws:s3:::logs"`, "undecided arn"},
		{`this.arn == "logs"`, "fail arn"},
		{`this.arn != "logs"`, "pass arn"},
		{`this.arn == null`, "fail arn"},
		{`this.l == ["a", "b"]`, "pass l"},
		{`["a", "b"] == this.l`, "pass l"},
		{`this.l == ["a"]`, "fail l"},
		{`this.lu == ["a", "x"]`, "undecided lu[1]"},
		{`["a", "x"] == this.lu`, "undecided lu[1]"},
		{`this.lu == ["b", "x"]`, "fail lu"},
		{`this.lu != ["b", "x"]`, "pass lu"},
		{`this.lo == ["a", "b"]`, "undecided lo"},
		{`this.lo == ["b"]`, "fail lo"},
		{`this.lo == []`, "fail lo"},
		{`this.m == {"a": "1", "b": "2"}`, "pass m"},
		{`this.m == {"a": "1"}`, "fail m"},
		{`this.mu == {"a": "1"}`, "undecided mu.a"},
		{`this.mu == {"b": "1"}`, "fail mu"},
		{`this.mo == {"a": "1"}`, "undecided mo"},
		{`this.mo == {"a": "2"}`, "fail mo"},

		// Order.
		{`this.i < 23`, "pass i"},
		{`this.i <= 22 && this.i >= 22`, "pass i"},
		{`this.i > 22`, "fail i"},
		{`this.d > 1`, "pass d"},
		{`this.d < 2 && 1 < this.d`, "pass d"},
		{`this.s < "z"`, "pass s"},
		{`this.nothing < 5`, "fail nothing"},
		{`this.nothing >= 0`, "fail nothing"},
		{`!(this.nothing >= 0)`, "pass nothing"},
		{`this.u < 5`, "undecided u"},
		{`this.s < 5`, "fail s"},
		{`this.nothing < this.u`, "fail nothing"},

		// Arithmetic.
		{`this.i + 1 == 23 && this.i - 2 == 20 && this.i * 2 == 44`, "pass i"},
		{`this.i / 4 == 5`, "pass i"},
		{`this.i / 4.0 == 5.5`, "pass i"},
		{`this.i % 4 == 2`, "pass i"},
		{`-this.i == -22`, "pass i"},
		{`this.u + 1 == 2`, "undecided u"},
		{`this.nothing + 1 == null`, "pass nothing"},
		{`this.s + "!" == "hello!"`, "pass s"},
		{`this.s + this.un == "help"`, "fail s"},
		{`(this.s + this.u).startsWith("hell")`, "pass s"},
		{`this.l + ["c"] == ["a", "b", "c"]`, "pass l"},
		{`"c" in this.lo + ["c"]`, "pass lo"},

		// in.
		{`"a" in this.l`, "pass l[0]"},
		{`"c" in this.l`, "fail l"},
		{`"a" in this.lu`, "pass lu[0]"},
		{`"c" in this.lu`, "undecided lu[1]"},
		{`"a" in this.lo`, "pass lo[0]"},
		{`"c" in this.lo`, "undecided lo"},
		{`"a" in this.nothing`, "fail nothing"},
		{`"a" in this.le`, "fail le"},
		{`this.s in ["hello", "bye"]`, "pass s"},
		{`this.s in ["bye"]`, "fail s"},
		{`this.u in ["hello"]`, "undecided u"},
		{`this.u in []`, "fail u"},
		{`this.arn in ["a", "b"]`, "fail arn"},
		{`this.nothing in ["a"]`, "fail nothing"},
		{`"a" in this.m`, "pass m"},
		{`"c" in this.m`, "fail m"},
		{`"c" in this.mo`, "undecided mo"},
		{`"a" in this.mu`, "pass mu"},
		{`2 in this.ln`, "pass ln[1]"},
		{`"a" in this.u`, "undecided u"},

		// Access.
		{`this.m.a == "1"`, "pass m.a"},
		{`this.m["a"] == "1"`, "pass m.a"},
		{`this.m["c"] == null`, "pass m.c"},
		{`this.mo.c == null`, "undecided mo.c"},
		{`this.mu.a == "1"`, "undecided mu.a"},
		{`this.u.a.b == "1"`, "undecided u"},
		{`this.nothing.a.b == null`, "pass nothing.a.b"},
		{`this.l[1] == "b"`, "pass l[1]"},
		{`this.l[7] == null`, "pass l[7]"},
		{`this.lo[0] == "a"`, "undecided lo[0]"},
		{`this.b[1].c[0] == "0.0.0.0/0"`, "pass b[1].c[0]"},
		{`this.l[this.ln[0]] == "b"`, "pass ln[0] l[1]"},

		// has.
		{`has(this.t)`, "pass t"},
		{`has(this.nothing)`, "fail nothing"},
		{`has(this.n)`, "fail n"},
		{`has(this.u)`, "undecided u"},
		{`has(this.un)`, "pass un"},
		{`has(this.m.c)`, "fail m.c"},
		{`has(this.mo.c)`, "undecided mo.c"},
		{`has(this.u.a)`, "undecided u"},
		{`has(this.nothing.a)`, "fail nothing.a"},

		// Texts.
		{`this.s.startsWith("he")`, "pass s"},
		{`this.s.startsWith("lo")`, "fail s"},
		{`this.nothing.startsWith("a")`, "fail nothing"},
		{`this.arn.startsWith("arn:aws")`, "pass arn"},
		{`this.arn.startsWith("http")`, "fail arn"},
		{`this.arn.startsWith("arn:aws:s3:::logs")`, "undecided arn"},
		{`this.u.startsWith("")`, "undecided u"},
		{`this.s.endsWith("lo")`, "pass s"},
		{`this.arn.endsWith("x")`, "undecided arn"},
		{`this.nothing.endsWith("x")`, "fail nothing"},
		{`this.s.contains("ell")`, "pass s"},
		{`this.arn.contains("s3")`, "pass arn"},
		{`this.arn.contains("zz")`, "undecided arn"},
		{`this.s.matches("^h.*o$")`, "pass s"},
		{`this.s.matches("^x")`, "fail s"},
		{`this.nothing.matches(".*")`, "fail nothing"},
		{`this.u.matches(".*")`, "undecided u"},
		{`this.s.upperAscii() == "HELLO"`, "pass s"},
		{`this.arn.upperAscii().startsWith("ARN")`, "pass arn"},
		{`this.nothing.lowerAscii() == null`, "pass nothing"},
		{`string(this.i) == "22" && int("22") == this.i`, "pass i"},
		{`this.s.size() == 5`, "pass s"},
		{`this.arn.size() > 5`, "pass arn"},
		{`this.nothing.size() == 0`, "pass nothing"},
		{`this.s.split("l").size() == 3`, "pass s"},

		// Sizes of what is partly known.
		{`size(this.l) == 2`, "pass l"},
		{`size(this.nothing) == 0`, "pass nothing"},
		{`size(this.lo) > 0`, "pass lo"},
		{`size(this.lo) == 0`, "fail lo"},
		{`size(this.lo) > 1`, "undecided lo"},
		{`size(this.lu) == 2`, "pass lu"},
		{`size(this.u) >= 0`, "pass u"},
		{`size(this.u) > 0`, "undecided u"},
		{`size(this.m) == 2`, "pass m"},
		{`this.lu.filter(x, x == "a").size() > 0`, "pass lu"},
		{`this.lu.filter(x, x == "b").size() > 0`, "undecided lu[1]"},
		{`this.lu.filter(x, x == "b").size() < 2`, "pass lu"},
		{`size(this.lo) + size(this.l) >= 3`, "pass lo l"},

		// Comprehensions: the element that decides, or the list.
		{`this.l.exists(x, x == "b")`, "pass l[1]"},
		{`this.l.exists(x, x == "c")`, "fail l"},
		{`this.l.all(x, x != "b")`, "fail l[1]"},
		{`this.l.all(x, x != "c")`, "pass l"},
		{`this.lu.exists(x, x == "a")`, "pass lu[0]"},
		{`this.lu.exists(x, x == "c")`, "undecided lu[1]"},
		{`this.lu.all(x, x == "c")`, "fail lu[0]"},
		{`this.lu.all(x, x == "a")`, "undecided lu[1]"},
		{`this.lo.exists(x, x == "a")`, "pass lo[0]"},
		{`this.lo.exists(x, x == "c")`, "undecided lo"},
		{`this.lo.all(x, x == "a")`, "undecided lo"},
		{`this.lo.all(x, x == "c")`, "fail lo[0]"},
		{`this.u.exists(x, x == "c")`, "undecided u"},
		{`this.nothing.exists(x, x == "c")`, "fail nothing"},
		{`this.nothing.all(x, x == "c")`, "pass nothing"},
		{`this.le.exists(x, true)`, "fail le"},
		{`this.le.all(x, false)`, "pass le"},
		{`this.l.exists_one(x, x == "a")`, "pass l[0]"},
		{`this.l.exists_one(x, x != "z")`, "fail l[0] l[1]"},
		{`this.lu.exists_one(x, x == "a")`, "undecided lu[1]"},
		{`this.lo.exists_one(x, x == "a")`, "undecided lo"},
		{`this.m.exists(k, k == "b")`, "pass m.b"},
		{`this.m.all(k, this.m[k] == "1")`, "fail m.b"},
		{`!this.b.exists(x, x.p == 80 && x.c.exists(c, c == "0.0.0.0/0"))`, "fail b[1].p b[1].c[0]"},
		{`!this.b.exists(x, x.p == 22 && x.c.exists(c, c == "0.0.0.0/0"))`, "pass b"},
		{`!this.b.exists(x, x.p == 80 && "10.0.0.0/8" in x.c)`, "undecided b[1].c[1]"},
		{`!this.bu.exists(x, x.p == 22 && "0.0.0.0/0" in x.c)`, "undecided bu[0].p"},
		{`this.b.map(x, x.p).exists(p, p == 80)`, "pass b[1].p"},
		{`80 in this.b.map(x, x.p)`, "pass b[1].p"},
		{`this.b.filter(x, x.p > 25).all(x, x.p == 80)`, "pass b[1].p"},
		{`this.b.map(x, x.c).flatten().exists(c, c == "0.0.0.0/0")`, "pass b[1].c[0]"},
		{`this.b.exists(x, this.l.exists(y, y == "b" && x.p == 80))`, "pass l[1] b[1].p"},
		{`[this.u, "a"].exists(x, x == "a")`, "pass"},
	} {
		t.Run(c.require, func(t *testing.T) {
			if got := said(judged(t, "any", c.require, tree)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// An expression that does not end in time is an error of the rule, and the next judgement is not hurt.
func TestJudgeBudget(t *testing.T) {
	items := strings.Repeat(`"a", `, 180) + `"b"`
	p := compiled(t, "any", `this.l.all(x, this.l.all(y, this.l.all(z, true)))`)
	if v := judgeTree(p, body(t, `{"l": [`+items+`]}`)); !errors.Is(v.Err, errBudget) || v.Outcome != 0 {
		t.Errorf("got %s", said(v))
	}
	if v := judgeTree(p, body(t, `{"l": ["a"]}`)); v.Outcome != finding.Pass {
		t.Errorf("afterwards %s", said(v))
	}
}
