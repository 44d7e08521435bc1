package rule

import (
	"strings"
	"testing"
)

func TestCompileMistakes(t *testing.T) {
	for _, c := range []struct{ typ, require, want string }{
		{"aws_instance", `this.encrypyted`, "1: require, column 5: no attribute 'encrypyted' in aws_instance"},
		{"aws_instance", `this.metadata_options.http_tokns == "x"`, "column 22: no attribute 'http_tokns' in aws_instance/metadata_options: did you mean http_tokens?"},
		{"aws_security_group", "true &&\nthis.ingress.exists(i, i.from_prt == 22)", "2: require, column 25: no attribute 'from_prt' in aws_security_group/ingress: did you mean from_port?"},
		{"aws_security_group", `has(this.ingres)`, "no attribute 'ingres' in aws_security_group: did you mean ingress?"},
		{"aws_instance", `this.monitoring == "true"`, "a bool is never equal to a string"},
		{"aws_instance", `this.monitoring == 1`, "a bool is never equal to a number"},
		{"aws_security_group", `this.ingress.exists(i, 22 in i.cidr_blocks)`, "a number is never in a list whose elements are each a string"},
		{"aws_security_group", `this.ingress.exists(i, i.from_port < "22")`, "no matching overload"},
		{"aws_instance", `this.metadata_options[0].http_tokens == "x"`, "no matching overload"},
		{"aws_instance", `this.ami`, "the expression must be a bool, and is a string"},
		{"aws_instance", `this.ami.startWith("a")`, "undeclared reference to 'startWith': did you mean startsWith?"},
		{"aws_instance", `thiss.ami == "a"`, "undeclared reference to 'thiss': did you mean this?"},
		{"aws_instance", `this.ami ==`, "column 12"},
		{"aws_instance", `this.ami.matches("(")`, `the pattern "("`},
		{"aws_instance", `linked.aws_s3_buckt.size() == 0`, "no attribute 'aws_s3_buckt': did you mean aws_s3_bucket?"},
		{"aws_instance", `linked == null`, "linked must be followed by a type"},
		{"aws_instance", `target(this.subnet_id) == null`, "a type must follow target"},
		{"aws_instance", `target(this.subnet_id).aws_subnets.size() == 0`, "did you mean aws_subnet?"},
		{"aws_instance", `iam.statements(this.user_data).exists(s, s.action == "x")`, "did you mean actions?"},
		{"aws_instance", `timestamp("2020-01-01T00:00:00Z") != null`, "undeclared reference to 'timestamp'"},
		{"aws_instance", `b"x" == b"x"`, "a bytes cannot be used in a rule"},
		{"aws_instnce", `true`, "the schema has no type aws_instnce: did you mean aws_instance?"},
	} {
		_, problems := Compile(&Rule{ID: "a-b", On: []string{c.typ}, Require: c.require, Line: 1}, testSet)
		var got []string
		for _, p := range problems {
			got = append(got, string(rune('0'+p.Line))+": "+p.Message)
		}
		if !strings.Contains(strings.Join(got, "\n"), c.want) {
			t.Errorf("%s on %s: got %q, want %q", c.require, c.typ, got, c.want)
		}
	}
}

func TestCompileWorks(t *testing.T) {
	for _, c := range []struct{ typ, require string }{
		{"aws_security_group", `this.ingress.all(i, i.from_port >= 1.5 || i.from_port in [22, 80.5])`},
		{"aws_instance", `this.tags["a"] == null || this.tags.a in ["x"] || tags["a"] == "b"`},
		{"aws_instance", `this.metadata_options == null`},
		{"aws_instance", `linked.aws_eip.exists(e, e.domain == "vpc") && all.data.aws_ami.size() == 0 && all.provider.aws.size() == 0`},
		{"aws_instance", `target(this.vpc_security_group_ids).aws_security_group.all(g, g.ingress.all(i, !net.open(i.cidr_blocks)))`},
		{"aws_instance", `this.monitoring ? this.ami == null : [this.ami, "x"].exists(a, a == "y")`},
		{"aws_iam_policy", `iam.statements(this.policy).all(s, s.principals.all(p, p.type == "AWS" && p.id != "*"))`},
		{"aws_*", `this.anything.goes == 1`},
		{"data.aws_iam_policy_document", `this.statement.all(s, s.effect != "Deny")`},
		{"provider.aws", `!has(this.secret_key)`},
		{"variable", `!secret.name(address()) || this.sensitive`},
	} {
		if _, problems := Compile(&Rule{ID: "a-b", On: []string{c.typ}, Require: c.require, Line: 1}, testSet); problems != nil {
			t.Errorf("%s on %s: %v", c.require, c.typ, problems)
		}
	}
}
