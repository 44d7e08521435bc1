package rule

import "testing"

// What the schema says of attributes that were not written, and values of sloppy sources.
func TestJudgeTyped(t *testing.T) {
	for _, c := range []struct{ typ, require, body, want string }{
		// Defaults, through absent blocks too.
		{"aws_instance", `this.metadata_options.http_tokens == "required"`, `{}`, "fail metadata_options.http_tokens"},
		{"aws_instance", `this.metadata_options.http_tokens == "required"`, `{"metadata_options": {}}`, "fail metadata_options.http_tokens"},
		{"aws_instance", `this.metadata_options.http_tokens == "required"`, `{"metadata_options": null}`, "fail metadata_options.http_tokens"},
		{"aws_instance", `this.metadata_options.http_tokens == "required"`, `{"metadata_options": {"http_tokens": null}}`, "fail metadata_options.http_tokens"},
		{"aws_instance", `this.metadata_options.http_tokens == "required"`, `{"metadata_options": {"http_tokens": "required"}}`, "pass metadata_options.http_tokens"},
		{"aws_instance", `this.metadata_options.http_tokens == "required"`, `{"metadata_options": {"?": ""}}`, "undecided metadata_options"},
		{"aws_instance", `this.metadata_options.http_tokens == "required"`, `{"metadata_options": {"http_tokens": {"?": ""}}}`, "undecided metadata_options.http_tokens"},
		{"aws_db_instance", `this.storage_encrypted`, `{}`, "fail storage_encrypted"},
		{"aws_db_instance", `!this.publicly_accessible`, `{}`, "pass publicly_accessible"},
		{"aws_db_instance", `has(this.storage_encrypted)`, `{}`, "fail storage_encrypted"},
		// The cloud chooses.
		{"aws_instance", `this.private_ip == "10.0.0.1"`, `{}`, "undecided private_ip"},
		{"aws_instance", `this.arn.startsWith("arn:")`, `{}`, "undecided arn"},
		{"aws_security_group", `this.ingress.exists(i, i.from_port == 22)`, `{}`, "undecided ingress"},
		// Absent.
		{"aws_instance", `this.user_data == null`, `{}`, "pass user_data"},
		{"aws_instance", `this.user_data.contains("x")`, `{}`, "fail user_data"},
		{"aws_s3_bucket", `this.cors_rule.all(c, "*" in c.allowed_origins)`, `{}`, "pass cors_rule"},
		{"aws_s3_bucket", `this.tags["a"] == null`, `{}`, "pass tags.a"},
		{"aws_s3_bucket", `this.logging.target_bucket == null`, `{}`, "pass logging.target_bucket"},
		// Within written blocks.
		{"aws_security_group", `!this.ingress.exists(i, net.open(i.cidr_blocks) && net.covers(i.from_port, i.to_port, i.protocol, 22))`,
			`{"ingress": [{"from_port": 80, "to_port": 80, "protocol": "tcp", "cidr_blocks": ["0.0.0.0/0"]}, {"from_port": 0, "to_port": 0, "protocol": "-1", "cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"]}]}`,
			"fail ingress[1].cidr_blocks ingress[1].from_port ingress[1].to_port ingress[1].protocol"},
		{"aws_security_group", `!this.ingress.exists(i, net.open(i.cidr_blocks) && i.from_port == 22)`,
			`{"ingress": [{"from_port": 22, "to_port": 22, "protocol": "tcp"}]}`, "pass ingress[0].cidr_blocks"},
		// Conversions.
		{"aws_db_instance", `this.storage_encrypted`, `{"storage_encrypted": "true"}`, "pass storage_encrypted"},
		{"aws_security_group", `this.ingress.exists(i, i.from_port == 22)`, `{"ingress": [{"from_port": "22"}]}`, "pass ingress[0].from_port"},
		{"aws_security_group", `this.ingress.exists(i, i.protocol == "6")`, `{"ingress": [{"protocol": 6}]}`, "pass ingress[0].protocol"},
		{"aws_security_group", `this.ingress.exists(i, "a" in i.cidr_blocks)`, `{"ingress": {"cidr_blocks": "a"}}`, "pass ingress[0].cidr_blocks[0]"},
		{"aws_instance", `this.metadata_options.http_tokens == "required"`, `{"metadata_options": [{"http_tokens": "required"}]}`, "pass metadata_options.http_tokens"},
		{"aws_s3_bucket", `this.tags.n == "1"`, `{"tags": {"n": 1}}`, "pass tags.n"},
		// What is partly known.
		{"aws_security_group", `!this.ingress.exists(i, "0.0.0.0/0" in i.cidr_blocks)`, `{"ingress": [{"cidr_blocks": ["0.0.0.0/0", "…"]}, "…"]}`, "fail ingress[0].cidr_blocks[0]"},
		{"aws_security_group", `!this.ingress.exists(i, "0.0.0.0/0" in i.cidr_blocks)`, `{"ingress": [{"cidr_blocks": ["10.0.0.0/8"]}, "…"]}`, "undecided ingress"},
	} {
		t.Run(c.typ+" "+c.require+" "+c.body, func(t *testing.T) {
			if got := said(judged(t, c.typ, c.require, c.body)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
