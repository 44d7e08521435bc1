package rule

import (
	"strings"
	"testing"
)

// Every function has an example that holds, a sentence, and signatures that are its own.
func TestFunctions(t *testing.T) {
	for _, fn := range Functions() {
		t.Run(fn.Name, func(t *testing.T) {
			found := strings.HasSuffix(fn.Signatures[0], "-> "+gathered) // finds nothing where there is but one resource
			if got := said(judged(t, "any", fn.Example, `{}`)); !strings.HasPrefix(got, "pass") && !(found && strings.HasPrefix(got, "fail")) {
				t.Errorf("%s: %s", fn.Example, got)
			}
			if !strings.Contains(fn.Example, fn.Name) || !strings.HasSuffix(fn.Doc, ".") {
				t.Errorf("example or sentence of %s", fn.Name)
			}
			for _, s := range fn.Signatures {
				if !strings.HasPrefix(s, fn.Name+"(") && !strings.Contains(s, "."+fn.Name+"(") {
					t.Errorf("signature %s", s)
				}
			}
		})
	}
}

func TestIAM(t *testing.T) {
	const (
		public = `iam.statements(this.p).exists(s, iam.public(s))`
		admin  = `iam.statements(this.p).exists(s, iam.admin(s))`
	)
	doc := func(statement string) string {
		return `{"p": {"doc": {"Version": "2012-10-17", "Statement": ` + statement + `}}}`
	}
	condition := func(c string) string {
		return doc(`{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Condition": ` + c + `}`)
	}
	for _, c := range []struct{ name, require, body, want string }{
		{"star", public, doc(`[{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]`), "pass p"},
		{"AWS star", public, doc(`{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:GetObject"}`), "pass p"},
		{"AWS list", public, doc(`{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::1:root", "*"]}}`), "pass p"},
		{"deny", public, doc(`{"Effect": "Deny", "Principal": "*", "Action": "s3:*"}`), "fail p"},
		{"account", public, doc(`{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}`), "fail p"},
		{"service", public, doc(`{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}`), "fail p"},
		{"not principal", public, doc(`{"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::1:root"}, "Action": "*"}`), "pass p"},
		{"lower case", public, doc(`{"effect": "Allow", "principal": "*", "action": "s3:GetObject"}`), "pass p"},
		{"source account", public, condition(`{"StringEquals": {"aws:SourceAccount": "123456789012"}}`), "fail p"},
		{"case of keys", public, condition(`{"StringEquals": {"AWS:sourceaccount": "123456789012"}}`), "fail p"},
		{"source arn", public, condition(`{"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:123456789012:*"}}`), "fail p"},
		{"any source arn", public, condition(`{"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}}`), "pass p"},
		{"bucket arn", public, condition(`{"ArnLike": {"aws:SourceArn": "arn:aws:s3:::logs"}}`), "fail p"},
		{"any bucket", public, condition(`{"StringLike": {"aws:SourceArn": "arn:aws:s3:::*"}}`), "pass p"},
		{"star value", public, condition(`{"StringLike": {"aws:PrincipalOrgID": "*"}}`), "pass p"},
		{"star equals", public, condition(`{"StringEquals": {"aws:PrincipalOrgID": "o-1"}}`), "fail p"},
		{"one of two wide", public, condition(`{"StringLike": {"aws:PrincipalOrgID": ["o-1", "*"]}}`), "pass p"},
		{"if exists", public, condition(`{"StringEqualsIfExists": {"aws:SourceAccount": "1"}}`), "pass p"},
		{"for all", public, condition(`{"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-1/"}}`), "pass p"},
		{"for any", public, condition(`{"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/*"}}`), "fail p"},
		{"not equals", public, condition(`{"StringNotEquals": {"aws:SourceAccount": "1"}}`), "pass p"},
		{"transport", public, condition(`{"Bool": {"aws:SecureTransport": true}}`), "pass p"},
		{"address", public, condition(`{"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "203.0.113.7"]}}`), "fail p"},
		{"wide address", public, condition(`{"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}`), "pass p"},
		{"vpce", public, condition(`{"StringEquals": {"aws:SourceVpce": "vpce-1"}}`), "fail p"},
		{"unknown account", public, condition(`{"StringEquals": {"aws:SourceAccount": {"?": ""}}}`), "fail p"},
		{"unknown arn", public, condition(`{"ArnLike": {"aws:SourceArn": {"?": ""}}}`), "undecided"},
		{"arn of a resource", public, condition(`{"ArnLike": {"aws:SourceArn": {"?!": "arn:"}}}`), "fail p"},
		{"arn of a part of a resource", public, condition(`{"ArnLike": {"aws:SourceArn": {"?!": "arn:", "$": "/*"}}}`), "fail p"},
		{"arn of unknown partition", public, condition(`{"ArnLike": {"aws:SourceArn": {"?!": "arn:", "$": ":sns:*:*:*"}}}`), "undecided"},
		{"unknown condition", public, condition(`{"?": ""}`), "undecided"},
		{"unknown principal", public, doc(`{"Effect": "Allow", "Principal": {"AWS": {"?": ""}}}`), "undecided"},
		{"unknown account root", public, doc(`{"Effect": "Allow", "Principal": {"AWS": {"?!": "arn:aws:iam::"}}}`), "fail p"},
		{"unknown effect", public, doc(`{"Effect": {"?": ""}, "Principal": "*"}`), "undecided"},
		{"unknown statement, one public", public, doc(`[{"?": ""}, {"Effect": "Allow", "Principal": "*"}]`), "pass p"},
		{"unknown document", public, `{"p": {"?": ""}}`, "undecided p"},
		{"no document", public, `{}`, "fail p"},
		{"no JSON", public, `{"p": "hello"}`, "fail p"},
		{"text", public, `{"p": "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\"}]}"}`, "pass p"},
		{"terraform block", public, `{"p": {"statement": [{"principals": [{"type": "*", "identifiers": ["*"]}], "actions": ["s3:GetObject"]}]}}`, "pass p"},
		{"terraform condition", public, `{"p": {"statement": [{"principals": [{"type": "AWS", "identifiers": ["*"]}],
			"condition": [{"test": "StringEquals", "variable": "aws:SourceAccount", "values": ["1"]}]}]}}`, "fail p"},

		{"admin", admin, doc(`{"Effect": "Allow", "Action": "*", "Resource": "*"}`), "pass p"},
		{"admin by colons", admin, doc(`{"Effect": "Allow", "Action": ["*:*"], "Resource": ["*"]}`), "pass p"},
		{"one service", admin, doc(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}`), "fail p"},
		{"one resource", admin, doc(`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::a"}`), "fail p"},
		{"unknown resource", admin, doc(`{"Effect": "Allow", "Action": "*", "Resource": {"?": ""}}`), "undecided"},
		{"unknown resource of one service", admin, doc(`{"Effect": "Allow", "Action": "s3:*", "Resource": {"?": ""}}`), "fail p"},
		{"unknown resource with prefix", admin, doc(`{"Effect": "Allow", "Action": "*", "Resource": {"?": "arn:aws:"}}`), "fail p"},

		{"allows", `iam.statements(this.p).exists(s, iam.allows(s, "iam:PassRole"))`, doc(`{"Effect": "Allow", "Action": ["iam:Pass*"]}`), "pass p"},
		{"allows by exception", `iam.statements(this.p).exists(s, iam.allows(s, "iam:PassRole"))`, doc(`{"Effect": "Allow", "NotAction": ["s3:*"]}`), "pass p"},
		{"excepted", `iam.statements(this.p).exists(s, iam.allows(s, "iam:PassRole"))`, doc(`{"Effect": "Allow", "NotAction": "iam:*"}`), "fail p"},
		{"allows all of a service", `iam.statements(this.p).exists(s, iam.allows(s, "s3:*"))`, doc(`{"Effect": "Allow", "Action": "s3:Get*"}`), "fail p"},
		{"unknown action", `iam.statements(this.p).exists(s, iam.allows(s, "s3:GetObject"))`, doc(`{"Effect": "Allow", "Action": {"?!": "s3:"}}`), "undecided"},
		{"unknown action of another", `iam.statements(this.p).exists(s, iam.allows(s, "s3:GetObject"))`, doc(`{"Effect": "Allow", "Action": {"?!": "ec2:"}}`), "fail p"},
		{"unknown principals have a type", `iam.statements(this.p).exists(s, s.principals.exists(p, p.type == "AWS" && p.id == "1"))`,
			doc(`{"Effect": "Allow", "Principal": {"Federated": {"?": ""}}}`), "fail p"},
		{"unknown principals of the type", `iam.statements(this.p).exists(s, s.principals.exists(p, p.type == "AWS" && p.id == "1"))`,
			doc(`{"Effect": "Allow", "Principal": {"AWS": {"?": ""}}}`), "undecided"},
		{"fields", `iam.statements(this.p).all(s, s.effect == "Allow" && s.actions == ["a:b"] && s.resources == [] && s.principals.size() == 0 && s.sid == null)`,
			doc(`{"Effect": "Allow", "Action": "a:b"}`), "pass p"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := said(judged(t, "any", c.require, c.body))
			if c.want == "undecided" {
				got = strings.Fields(got)[0]
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestEnding compares texts of which the beginning and the end are known.
func TestEnding(t *testing.T) {
	const arn = `{"p": {"?!": "arn:", "$": ":policy/Read"}}`
	for _, c := range []struct{ require, body, want string }{
		{`this.p.endsWith("/Read")`, arn, "pass"},
		{`this.p.endsWith(":policy/Read")`, arn, "pass"},
		{`this.p.endsWith("/Admin")`, arn, "fail"},
		{`this.p.endsWith("aws:policy/Read")`, arn, "undecided"},
		{`this.p.endsWith("Read")`, `{"p": {"?!": "arn:"}}`, "undecided"},
		{`this.p == "arn:aws:iam::aws:policy/Admin"`, arn, "fail"},
		{`this.p in ["arn:aws:iam::aws:policy/Admin", "x"]`, arn, "fail"},
		{`this.p == "arn:aws:iam::aws:policy/Read"`, arn, "undecided"},
	} {
		if got := said(judged(t, "any", c.require, c.body)); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s on %s is %s, want %s", c.require, c.body, got, c.want)
		}
	}
}

func TestNet(t *testing.T) {
	for _, c := range []struct{ require, want string }{
		{`net.open("0.0.0.0/0")`, "pass"},
		{`net.open("::/0") && net.open("0:0:0:0:0:0:0:0/0")`, "pass"},
		{`net.open("0.0.0.0/1") && net.open("128.0.0.0/1") && net.open("8000::/1")`, "pass"},
		{`net.open("*") && net.open("Internet") && net.open("any")`, "pass"},
		{`net.open("0.0.0.0/8") || net.open("1.2.3.4/32") || net.open("") || net.open("sg-1")`, "fail"},
		{`net.open([])`, "fail"},
		{`net.open(this.nothing)`, "fail nothing"},
		{`net.open(this.u)`, "undecided u"},
		{`net.open(this.ten)`, "fail ten"},
		{`net.open(this.lu)`, "undecided lu[1]"},
		{`net.open(["0.0.0.0/0", this.u])`, "pass u"},
		{`net.private("10.1.2.3") && net.private("172.31.0.0/16") && net.private("fd00::/8") && net.private("100.64.0.1")`, "pass"},
		{`net.private("172.32.0.0/16") || net.private("0.0.0.0/0") || net.private("10.0.0.0/7") || net.private("x")`, "fail"},
		{`net.contains("10.0.0.0/8", "10.255.0.0/16") && net.contains("::/0", "::1")`, "pass"},
		{`net.contains("10.0.0.0/16", "10.0.0.0/8") || net.contains("0.0.0.0/0", "::1")`, "fail"},
		{`net.prefixLength("10.0.0.0/24") == 24 && net.prefixLength("x") == null`, "pass"},
		{`net.covers(22, 22, "tcp", 22) && net.covers(0, 65535, "6", 22) && net.covers(this.nothing, this.nothing, "tcp", 22)`, "pass nothing"},
		{`net.covers(this.nothing, this.nothing, "-1", 22) && net.covers(0, 0, -1, 22) && net.covers(80, 80, "all", 22) && net.covers(-1, -1, "tcp", 22)`, "pass nothing"},
		{`net.covers(23, 80, "tcp", 22) || net.covers(0, 0, "tcp", 22) || net.covers(8, 0, "icmp", 22) || net.covers(-1, -1, "icmp", 22)`, "fail"},
		{`net.covers(this.u, 80, "tcp", 22)`, "undecided u"},
		{`net.covers(this.u, 21, "tcp", 22)`, "fail u"},
		{`net.covers(23, this.u, "tcp", 22)`, "fail u"},
		{`net.covers(23, 24, this.u, 22)`, "undecided u"},
		{`net.covers(this.u, this.u, "-1", 22)`, "pass u"},
		{`net.covers(22, this.nothing, "tcp", 22)`, "pass nothing"},
		{`net.hasPort("22", 22) && net.hasPort(22, 22) && net.hasPort("20-25", 22) && net.hasPort("80, 22", 22) && net.hasPort("*", 22)`, "pass"},
		{`net.hasPort(["80", "443"], 22) || net.hasPort("23-25", 22) || net.hasPort("", 22) || net.hasPort("ssh", 22)`, "fail"},
		{`net.hasPort(this.nothing, 22)`, "fail nothing"},
		{`net.hasPort(this.u, 22)`, "undecided u"},
		{`net.ports(["20-25", "80"]).all(p, p.from <= p.to)`, "pass"},
		{`semver.atLeast("1.2.3", "1.2") && semver.atLeast("v1.10", "1.9") && semver.atLeast("8.0.mysql_aurora.3.02", "8.0")`, "pass"},
		{`semver.atLeast("1.2.2", "1.2.3") || semver.atLeast("latest", "1") || semver.atLeast("1.0.0-alpha.1", "1.0.0-alpha.beta") || semver.atLeast(this.nothing, "1")`, "fail nothing"},
	} {
		t.Run(c.require, func(t *testing.T) {
			if got := said(judged(t, "any", c.require, `{"u": {"?": ""}, "ten": {"?!": "10.0."}, "lu": ["10.0.0.0/8", {"?": ""}]}`)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestSecret(t *testing.T) {
	// Put together here, so that scanners of secrets leave this file alone.
	key := "AKIA" + "Q3EGTX7PLBHS2ZRW"
	for _, c := range []struct {
		text string
		want bool
	}{
		{key, true},
		{"export AWS_ACCESS_KEY_ID=" + key + "\n", true},
		{"AKIAIOSFODNN7EXAMPLE", false},
		{"aws_secret_access_key = \"" + "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" + "\"", true},
		{"-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3Bl", true},
		{"-----BEGIN PUBLIC KEY-----", false},
		{"-----BEGIN CERTIFICATE-----", false},
		{"ghp_" + "Zx8Kp2Lw9Qe4Rt6Yu1Io3Pa5Sd7Fg0HjKlZc", true},
		{"xoxb-" + "2839471029-4857201934-aBcDkFgHiJkLmNoPqRsTuVwX", true},
		{"postgres://app:" + "s8dKq2vX0p@db.internal:5432/app", true},
		{"postgres://app:${var.password}@db/app", false},
		{"https://example.com/a:b@c", false},
		{"PASSWORD=" + "hT7kQ9wZ2m", true},
		{"PASSWORD=changeme", false},
		{"PASSWORD=${DB_PASSWORD}", false},
		{"password_length: 16characters8", false},
		{"echo \"$TOKEN\" | docker login --password-stdin", false},
		{"token=arn:aws:secretsmanager:us-east-1:1:secret:x", false},
		{"the quick brown fox jumps over the lazy dog", false},
		{"", false},
	} {
		if got := looksSecret(c.text); got != c.want {
			t.Errorf("looksSecret(%q) = %v", c.text, got)
		}
	}
	for name, want := range map[string]bool{
		"password": true, "db_password": true, "DB_PASSWORD": true, "dbPassword": true, "masterPassword": true, "client_secret": true,
		"api_key": true, "apiKey": true, "auth_token": true, "SECRET_KEY": true, "connection_string": true, "AWS_SECRET_ACCESS_KEY": true,
		"password_length": false, "secret_arn": false, "token_ttl": false, "kms_key_id": false, "key": false, "name": false,
		"password_policy": false, "secret_name": false, "secretary": false, "tokenizer": false, "": false,
	} {
		if got := secretName(name); got != want {
			t.Errorf("secretName(%q) = %v", name, got)
		}
	}
	for text, want := range map[string]bool{
		"hT7kQ9wZ2m": true, "Sup3rS3cr3t!": true, "changeme": false, "CHANGE_ME_123": false, "${var.x}": false, "": false, "short1": false,
		"password": false, "xxxxxxxxxxxx": false, "aaaaaaaa": false, "arn:aws:secretsmanager:eu-west-1:1:secret:db-AbC": false,
		"{{resolve:secretsmanager:db}}": false, "/prod/db/password": false, "~/.ssh/id_ed25519": false, "./keys/Prod-7.pem": false, "<your password>": false, "mypassword": false,
	} {
		if got := assignedSecret(text); got != want {
			t.Errorf("assignedSecret(%q) = %v", text, got)
		}
	}
	for _, c := range []struct{ require, body, want string }{
		{`secret.marked(this.p)`, `{"p": "plain"}`, "fail p"},
		{`secret.marked(this.p)`, `{"p": {"?": ""}}`, "undecided p"},
		{`secret.marked(this.p)`, `{}`, "fail p"},
		{`secret.within(this.env)`, `{"env": {"DB_PASSWORD": "hT7kQ9wZ2m", "PORT": "80"}}`, "pass env"},
		{`secret.within(this.env)`, `{"env": [{"name": "DB_PASSWORD", "value": "hT7kQ9wZ2m"}]}`, "pass env"},
		{`secret.within(this.env)`, `{"env": [{"name": "DB_HOST", "value": "hT7kQ9wZ2m"}]}`, "fail env"},
		{`secret.within(this.env)`, `{"env": {"A": {"?": ""}, "PORT": "80"}}`, "undecided env.A"},
		{`secret.within(this.env)`, `{"env": {"A": {"?": ""}, "KEY": "` + key + `"}}`, "pass env"},
		{`secret.looksLike(this.env)`, `{"env": {"?!": "export KEY=` + key + ` NAME="}}`, "pass env"},
		{`secret.looksLike(this.env)`, `{"env": {"?!": "export KEY="}}`, "undecided env"},
		{`secret.within(this.nothing)`, `{}`, "fail nothing"},
	} {
		if got := said(judged(t, "any", c.require, c.body)); got != c.want {
			t.Errorf("%s on %s: got %s, want %s", c.require, c.body, got, c.want)
		}
	}
}
