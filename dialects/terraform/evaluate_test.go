package terraform

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

func shown(v *value.Value) string { return string(v.AppendJSON(nil, false)) }

func refsOf(r *resource.Resource) string {
	var out []string
	for _, ref := range r.Refs {
		out = append(out, ref.Path.String()+" > "+ref.Target+"."+ref.Attribute)
	}
	return strings.Join(out, "\n")
}

// TestBody checks what attributes become by the schema.
func TestBody(t *testing.T) {
	e := evaluateTree(t, map[string]string{"main.tf": `
variable "unknown" {}
variable "rules" {
  type = list(object({ port = number, cidrs = list(string) }))
}
resource "aws_instance" "web" {
  ami                         = "ami-1"
  associate_public_ip_address = "true"
  user_data                   = null
  instance_type               = var.unknown ? "a.x" : "a.y"
  key_name                    = var.unknown
  tags                        = { Name = 1, On = true }
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = "1"
  }
  ebs_block_device {
    device_name = "a"
    encrypted   = 1 == 1
  }
  ebs_block_device {
    device_name = "b"
  }
  lifecycle {
    ignore_changes = [ami]
  }
}
resource "aws_security_group" "dyn" {
  name = var.unknown ? "same" : "same"
  dynamic "ingress" {
    for_each = { ssh = 22, web = 443 }
    content {
      description = ingress.key
      from_port   = ingress.value
      to_port     = ingress.value
      protocol    = "tcp"
      cidr_blocks = ["0.0.0.0/0", var.unknown]
    }
  }
  dynamic "egress" {
    for_each = var.rules
    iterator = rule
    content {
      from_port   = rule.value.port
      to_port     = 0
      protocol    = "-1"
      cidr_blocks = rule.value.cidrs
    }
  }
}
resource "aws_security_group" "attr" {
  ingress = [{ from_port = "22", to_port = 22, protocol = "tcp", cidr_blocks = ["10.0.0.0/8"], description = null }]
}
resource "aws_instance" "maybe" {
  ami = "ami-1"
  dynamic "metadata_options" {
    for_each = var.rules
    content {
      http_tokens = "required"
    }
  }
}
`})
	web := e.find(t, "aws_instance.web")
	for path, want := range map[string]string{
		"associate_public_ip_address": `true`,
		"user_data":                   `null`,
		"instance_type":               `{"__unknown__":true}`,
		"tags":                        `{"Name":"1","On":"true"}`,
		"metadata_options":            `{"http_put_response_hop_limit":1,"http_tokens":"required"}`,
		"ebs_block_device":            `[{"device_name":"a","encrypted":true},{"device_name":"b"}]`,
		"lifecycle":                   `null`,
		"metadata_options.http_put_response_hop_limit": `1`,
	} {
		p, _ := value.ParsePath(path)
		if got := shown(web.Body.At(p)); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if v := web.Body.Field("instance_type"); v.Text != "a." || !v.NotNull {
		t.Errorf("instance_type is %+v, want the prefix a. and not null", v)
	}
	if v := web.Body.Field("key_name"); v.NotNull {
		t.Error("key_name may be null")
	}
	dyn := e.find(t, "aws_security_group.dyn")
	if got := shown(dyn.Body.Field("name")); got != `"same"` {
		t.Errorf("a conditional with equal branches is %s", got)
	}
	ingress := dyn.Body.Field("ingress")
	if len(ingress.Items) != 2 || ingress.Open || ingress.Items[1].Field("from_port").Number != 443 || ingress.Items[0].Field("cidr_blocks").Items[0].Text != "0.0.0.0/0" {
		t.Errorf("ingress is %+v", ingress)
	}
	egress := dyn.Body.Field("egress")
	if len(egress.Items) != 1 || !egress.Open || egress.Items[0].Field("from_port").Kind != value.Unknown || egress.Items[0].Field("protocol").Text != "-1" {
		t.Errorf("egress is %+v", egress)
	}
	if v := e.find(t, "aws_security_group.attr").Body.Field("ingress"); shown(&v.Items[0]) != `{"cidr_blocks":["10.0.0.0/8"],"description":null,"from_port":22,"protocol":"tcp","to_port":22}` {
		t.Errorf("ingress written as attribute is %s", shown(v))
	}
	if v := e.find(t, "aws_instance.maybe").Body.Field("metadata_options"); v.Kind != value.Unknown {
		t.Errorf("a block that may be there or not is %s", v.Kind)
	}
}

// TestReferences follows edges through unknown values, modules, count, for_each, locals and outputs.
func TestReferences(t *testing.T) {
	e := evaluateTree(t, map[string]string{
		"main.tf": `
resource "aws_s3_bucket" "logs" {
  bucket = "logs"
}
resource "aws_s3_bucket" "many" {
  for_each = { a = 1, b = 2 }
  bucket   = each.key
}
resource "aws_s3_bucket" "counted" {
  count  = 2
  bucket = "c${count.index}"
}
resource "aws_s3_bucket" "open" {
  count  = var.n
  bucket = "x"
}
variable "n" {}
locals {
  logs = { id = aws_s3_bucket.logs.id, other = "x" }
}
resource "aws_s3_bucket_public_access_block" "direct" { bucket = aws_s3_bucket.logs.id }
resource "aws_s3_bucket_public_access_block" "local" { bucket = local.logs.id }
resource "aws_s3_bucket_public_access_block" "other" { bucket = local.logs.other }
resource "aws_s3_bucket_public_access_block" "name" { bucket = aws_s3_bucket.logs.bucket }
resource "aws_s3_bucket_public_access_block" "text" { bucket = "${aws_s3_bucket.logs.bucket}-x" }
resource "aws_s3_bucket_public_access_block" "each" {
  for_each = aws_s3_bucket.many
  bucket   = each.value.id
}
resource "aws_s3_bucket_public_access_block" "counted" {
  count  = 2
  bucket = aws_s3_bucket.counted[count.index].id
}
resource "aws_s3_bucket_public_access_block" "open" { bucket = try(aws_s3_bucket.open[0].id, "") }
resource "aws_s3_bucket_public_access_block" "known" { bucket = try(aws_s3_bucket.logs.id, "") }
resource "aws_s3_bucket_public_access_block" "branch" {
  bucket = length(aws_s3_bucket.many) > 0 ? aws_s3_bucket.logs.id : aws_s3_bucket.counted[0].id
}
module "m" {
  source = "./m"
  bucket = aws_s3_bucket.logs.id
}
resource "aws_s3_bucket_public_access_block" "module" { bucket = module.m.bucket }
resource "aws_lb" "lb" {
  subnets = [aws_subnet.s.id, "x"]
  access_logs {
    bucket = aws_s3_bucket.logs.id
  }
}
resource "aws_subnet" "s" {}
resource "aws_instance" "block" {
  vpc_security_group_ids = aws_lb.lb.access_logs[*].bucket
}
`,
		"m/main.tf": `
variable "bucket" {}
resource "aws_s3_bucket_policy" "p" { bucket = var.bucket }
output "bucket" { value = aws_s3_bucket_policy.p.bucket }
`})
	for address, want := range map[string]string{
		"aws_s3_bucket_public_access_block.direct":     "bucket > aws_s3_bucket.logs.id",
		"aws_s3_bucket_public_access_block.local":      "bucket > aws_s3_bucket.logs.id",
		"aws_s3_bucket_public_access_block.other":      "",
		"aws_s3_bucket_public_access_block.name":       "bucket > aws_s3_bucket.logs.bucket",
		"aws_s3_bucket_public_access_block.text":       "bucket > aws_s3_bucket.logs.bucket",
		`aws_s3_bucket_public_access_block.each["a"]`:  `bucket > aws_s3_bucket.many["a"].id`,
		"aws_s3_bucket_public_access_block.counted[1]": "bucket > aws_s3_bucket.counted[1].id",
		"aws_s3_bucket_public_access_block.open":       "bucket > aws_s3_bucket.open.id",
		"aws_s3_bucket_public_access_block.known":      "bucket > aws_s3_bucket.logs.id",
		"aws_s3_bucket_public_access_block.branch":     "bucket > aws_s3_bucket.logs.id",
		"module.m.aws_s3_bucket_policy.p":              "bucket > aws_s3_bucket.logs.id",
		"aws_s3_bucket_public_access_block.module":     "bucket > aws_s3_bucket.logs.id\nbucket > module.m.aws_s3_bucket_policy.p.bucket",
		"aws_lb.lb":          "subnets[0] > aws_subnet.s.id\naccess_logs.bucket > aws_s3_bucket.logs.id",
		"aws_instance.block": "vpc_security_group_ids > aws_lb.lb.access_logs\nvpc_security_group_ids[0] > aws_s3_bucket.logs.id",
	} {
		if diff := cmp.Diff(want, refsOf(e.find(t, address))); diff != "" {
			t.Errorf("%s:\n%s", address, diff)
		}
	}
	if r := e.find(t, "aws_s3_bucket.open"); !r.Maybe {
		t.Error("aws_s3_bucket.open stands for nobody knows how many")
	}
	if r := e.find(t, "aws_s3_bucket_public_access_block.known"); !r.Body.Field("bucket").NotNull {
		t.Error("an id is never null")
	}
	if len(e.problems) > 0 {
		t.Errorf("problems: %+v", e.problems)
	}
	g := e.units[0].Graph
	if got := len(g.Referrers(g.ByAddress("aws_s3_bucket.logs"), "aws_s3_bucket_public_access_block")); got != 7 {
		t.Errorf("%d public access blocks refer to the bucket, want 7", got)
	}
}

// TestDocuments checks that JSON with unknown parts stays readable.
func TestDocuments(t *testing.T) {
	e := evaluateTree(t, map[string]string{"main.tf": `
resource "aws_s3_bucket" "b" {}
variable "who" {}
variable "statements" {}
locals {
  doc = jsonencode({ Statement = [{ Effect = "Allow", Principal = "*", Resource = "${aws_s3_bucket.b.arn}/*" }] })
}
resource "aws_s3_bucket_policy" "encode" { policy = local.doc }
resource "aws_s3_bucket_policy" "heredoc" {
  policy = <<-EOT
    {
      "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::${var.who}:root"}, "Action": "s3:*", "Nested": ${jsonencode({ a = var.who })}, "Bare": ${var.who}}
      ]
    }
  EOT
}
data "aws_iam_policy_document" "d" {
  statement {
    sid       = "one"
    actions   = ["s3:Get*", "s3:List*"]
    resources = [aws_s3_bucket.b.arn, "${aws_s3_bucket.b.arn}/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}
resource "aws_s3_bucket_policy" "data" { policy = data.aws_iam_policy_document.d.json }
resource "aws_s3_bucket_policy" "hash" { policy = md5(local.doc) }
resource "aws_s3_bucket_policy" "suffix" { policy = "${local.doc}x" }
resource "aws_s3_bucket_policy" "choice" { policy = aws_s3_bucket.b.bucket == null ? local.doc : "" }
data "aws_iam_policy_document" "merged" {
  source_policy_documents   = [data.aws_iam_policy_document.d.json]
  override_policy_documents = [jsonencode({ Statement = [{ Sid = "one", Effect = "Deny" }] })]
}
resource "aws_s3_bucket_policy" "merged" { policy = data.aws_iam_policy_document.merged.json }
data "aws_iam_policy_document" "open" {
  dynamic "statement" {
    for_each = var.statements
    content {
      actions = statement.value.actions
    }
  }
}
resource "aws_s3_bucket_policy" "open" { policy = data.aws_iam_policy_document.open.json }
resource "aws_s3_bucket_policy" "file" {
  policy = templatefile("${path.module}/p.json.tpl", { arn = aws_s3_bucket.b.arn, more = ["a", "b"] })
}
data "template_file" "t" {
  template = file("p2.json.tpl")
  vars     = { arn = aws_s3_bucket.b.arn, known = "k" }
}
resource "aws_s3_bucket_policy" "old" { policy = data.template_file.t.rendered }
`, "p.json.tpl": "{\"Statement\": [{\"Resource\": \"${arn}/*\", \"Action\": ${jsonencode(more)}}%{ for m in more }, {\"Sid\": \"${m}\"}%{ endfor }]}",
		"p2.json.tpl": "{\"Resource\": \"${arn}\", \"k\": \"${known}\"}",
	})
	document := func(name string) string {
		d := e.find(t, "aws_s3_bucket_policy."+name).Body.Field("policy").Document
		if d == nil {
			return "none"
		}
		return strings.ReplaceAll(shown(d), `{"__unknown__":true}`, "?")
	}
	for name, want := range map[string]string{
		"encode":  `{"Statement":[{"Effect":"Allow","Principal":"*","Resource":?}]}`,
		"heredoc": `{"Statement":[{"Action":"s3:*","Bare":?,"Effect":"Allow","Nested":{"a":?},"Principal":{"AWS":?}}]}`,
		"data":    `{"Statement":[{"Action":["s3:List*","s3:Get*"],"Effect":"Allow","Principal":{"AWS":"*"},"Resource":[?,?],"Sid":"one"}],"Version":"2012-10-17"}`,
		"hash":    "none",
		"suffix":  "none",
		"choice":  "none",
		"file":    `{"Statement":[{"Action":["a","b"],"Resource":?},{"Sid":"a"},{"Sid":"b"}]}`,
		"old":     `{"Resource":?,"k":"k"}`,
		"open":    `{"Statement":?,"Version":"2012-10-17"}`,
	} {
		if got := document(name); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
	who := e.find(t, "aws_s3_bucket_policy.heredoc").Body.Field("policy").Document.Field("Statement").Items[0].Field("Principal").Field("AWS")
	if who.Text != "arn:aws:iam::" {
		t.Errorf("the principal begins with %q", who.Text)
	}
	if got := shown(e.find(t, "aws_s3_bucket_policy.merged").Body.Field("policy")); got != `"{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Sid\": \"one\",\n      \"Effect\": \"Deny\"\n    }\n  ]\n}"` {
		t.Errorf("merged is %s", got)
	}
	if got := refsOf(e.find(t, "aws_s3_bucket_policy.data")); !strings.Contains(got, "policy > aws_s3_bucket.b.arn") {
		t.Errorf("the policy refers to %s", got)
	}
}

// TestPolicyDocument compares with what the provider makes (its documentation and source give the rules).
func TestPolicyDocument(t *testing.T) {
	e := evaluateTree(t, map[string]string{"main.tf": `
data "aws_iam_policy_document" "d" {
  policy_id = "p"
  statement {
    actions   = ["a:B"]
    resources = ["arn:aws:s3:::x/&{aws:username}/*", "*"]
    condition {
      test     = "StringEquals"
      variable = "aws:x"
      values   = ["b", "a"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:y"
      values   = ["<one>"]
    }
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
  statement {
    effect      = "Deny"
    not_actions = ["c:D", "e:F", "c:D"]
    not_principals {
      type        = "Service"
      identifiers = ["b.amazonaws.com", "a.amazonaws.com"]
    }
  }
}
resource "aws_iam_policy" "p" { policy = data.aws_iam_policy_document.d.minified_json }
`})
	got := e.find(t, "aws_iam_policy.p").Body.Field("policy").Text
	want := `{"Version":"2012-10-17","Id":"p","Statement":[` +
		`{"Effect":"Allow","Action":"a:B","Resource":["arn:aws:s3:::x/${aws:username}/*","*"],"Principal":"*","Condition":{"StringEquals":{"aws:x":["b","a"],"aws:y":"\u003cone\u003e"}}},` +
		`{"Effect":"Deny","NotAction":["e:F","c:D"],"NotPrincipal":{"Service":["b.amazonaws.com","a.amazonaws.com"]}}]}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestTags checks effective tags and where they come from.
func TestTags(t *testing.T) {
	e := evaluateTree(t, map[string]string{
		"main.tf": `
provider "aws" {
  default_tags {
    tags = { Environment = "prod", Team = "platform" }
  }
}
provider "aws" {
  alias = "west"
  default_tags {
    tags = { Region = "west" }
  }
}
provider "google" {
  default_labels = { env = "prod" }
}
resource "aws_s3_bucket" "payment" {
  tags = { Team = "payments", Service = "card" }
}
resource "aws_s3_bucket" "west" {
  provider = aws.west
}
resource "google_storage_bucket" "g" {
  labels = { team = "x" }
}
resource "aws_s3_bucket_policy" "no" {}
module "m" {
  source    = "./m"
  providers = { aws = aws.west }
}
module "n" {
  source = "./m"
}
resource "terraform_data" "all" {
  input = aws_s3_bucket.payment.tags_all
}
`,
		"m/main.tf": `
resource "aws_s3_bucket" "b" {}
`})
	for address, want := range map[string]string{
		"aws_s3_bucket.payment":    "Environment=prod (default_tags of provider.aws) Service=card (resource) Team=payments (resource)",
		"aws_s3_bucket.west":       "Region=west (default_tags of provider.aws.west)",
		"google_storage_bucket.g":  "env=prod (default_labels of provider.google) team=x (resource)",
		"aws_s3_bucket_policy.no":  "",
		"module.m.aws_s3_bucket.b": "Region=west (default_tags of provider.aws.west)",
		"module.n.aws_s3_bucket.b": "Environment=prod (default_tags of provider.aws) Team=platform (default_tags of provider.aws)",
	} {
		var got []string
		for _, tag := range e.find(t, address).Tags {
			got = append(got, tag.Key+"="+tag.Value.Text+" ("+tag.Origin+")")
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: %s", address, diff)
		}
	}
	if got := shown(e.find(t, "terraform_data.all").Body.Field("input")); got != `{"Environment":"prod","Service":"card","Team":"payments"}` {
		t.Errorf("tags_all is %s", got)
	}
}

// TestUnits checks which directories are roots and with which inputs.
func TestUnits(t *testing.T) {
	e := evaluateTree(t, map[string]string{
		"main.tf":                      "variable \"env\" {\n default = \"none\"\n}\nvariable \"size\" {\n default = 1\n}\nmodule \"a\" {\n source = \"./modules/a\"\n}\nresource \"terraform_data\" \"x\" {\n input = \"${var.env} ${var.size}\"\n}\n",
		"terraform.tfvars":             "size = 2",
		"env/dev.tfvars":               "env = \"dev\"",
		"env/prod.tfvars":              "env = \"prod\"\nsize = 3",
		"env/backend.tfvars":           "bucket = \"state\"",
		"modules/a/main.tf":            "resource \"terraform_data\" \"y\" {}",
		"modules/a/examples/x/main.tf": "module \"it\" {\n source = \"../..\"\n}",
		"modules/lonely/main.tf":       "resource \"terraform_data\" \"z\" {}",
		"modules/lonely/a.tftest.hcl":  "run \"x\" {}",
		"tofu/main.tf":                 "resource \"terraform_data\" \"tf\" {}",
		"tofu/main.tofu":               "resource \"terraform_data\" \"tofu\" {}",
	})
	var got []string
	for _, n := range e.estate.Units() {
		got = append(got, n.Dir+":"+n.Variant)
	}
	if diff := cmp.Diff([]string{".:", ".:dev", ".:prod", "modules/a/examples/x:", "modules/lonely:", "tofu:"}, got); diff != "" {
		t.Error(diff)
	}
	for i, want := range []string{`"none 2"`, `"dev 2"`, `"prod 3"`} {
		if got := shown(e.units[i].Graph.ByAddress("terraform_data.x").Body.Field("input")); got != want {
			t.Errorf("%s: input is %s, want %s", e.units[i].Name.Variant, got, want)
		}
	}
	if e.units[5].Graph.ByAddress("terraform_data.tf") != nil || e.units[5].Graph.ByAddress("terraform_data.tofu") == nil {
		t.Error("main.tofu must stand in for main.tf")
	}
	if diff := cmp.Diff([]string{"env/dev.tfvars", "main.tf", "modules/a/main.tf", "terraform.tfvars", "terraform.tfvars.json"}, e.units[1].Reads.Files); diff != "" {
		t.Error(diff)
	}
}

// TestMissing checks modules that are not in the tree, and those that terraform init has fetched.
func TestMissing(t *testing.T) {
	e := evaluateTree(t, map[string]string{
		"main.tf": `
resource "aws_kms_key" "k" {}
module "vpc" {
  source = "terraform-aws-modules/vpc/aws"
  key    = aws_kms_key.k.arn
}
module "got" {
  source = "example/got/aws"
}
resource "aws_instance" "i" {
  subnet_id = module.vpc.private_subnets[0]
  ami       = module.got.ami
}
`,
		".terraform/modules/modules.json": `{"Modules":[{"Key":"","Source":"","Dir":"."},{"Key":"got","Source":"registry","Dir":".terraform/modules/got"}]}`,
		".terraform/modules/got/main.tf":  `output "ami" { value = "ami-9" }`,
	})
	if got := shown(e.find(t, "aws_instance.i").Body.Field("ami")); got != `"ami-9"` {
		t.Errorf("ami is %s", got)
	}
	want := []resource.Missing{{Address: "module.vpc", Refs: []string{"aws_kms_key.k"}}}
	if diff := cmp.Diff(want, e.units[0].Graph.Missing); diff != "" {
		t.Error(diff)
	}
	if e.kinds() != "unresolved" || len(e.problems) != 1 {
		t.Errorf("problems: %+v", e.problems)
	}
	x := e.units[0].Explain(e.find(t, "aws_instance.i"), value.Path{{Name: "subnet_id"}})
	if len(x.Waits) != 1 || x.Waits[0].Name != "module.vpc" || x.Waits[0].Kind != "module" {
		t.Errorf("subnet_id waits for %+v", x.Waits)
	}
}

// TestExplain follows values to where they are written, and unknown ones to what they wait for.
func TestExplain(t *testing.T) {
	files := map[string]string{
		"main.tf": `
variable "acl" { default = "private" }
variable "missing" {}
variable "settings" { default = { deep = ["a", "b"] } }
locals { acl = var.acl }
module "m" {
  source = "./m"
  acl    = local.acl
  key    = var.missing
}
data "aws_caller_identity" "me" {}
resource "aws_kms_key" "k" {}
resource "aws_s3_bucket" "x" {
  bucket = var.settings.deep[1]
  acl    = "${data.aws_caller_identity.me.account_id}-${aws_kms_key.k.arn}-${local.later}"
}
locals { later = timestamp() }
`,
		"terraform.tfvars": `acl = "public-read"`,
		"m/main.tf": `
variable "acl" {}
variable "key" {}
resource "aws_s3_bucket" "b" {
  acl    = var.acl
  bucket = "b-${var.key}"
}
`}
	e := evaluateTree(t, files)
	names := func(x dialect.Explanation) string {
		var out []string
		for _, s := range x.Trace {
			out = append(out, s.Name)
		}
		for _, w := range x.Waits {
			out = append(out, w.Kind+":"+w.Name)
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct{ address, path, want string }{
		{"module.m.aws_s3_bucket.b", "acl", "var.acl module.m.acl local.acl var.acl terraform.tfvars"},
		{"module.m.aws_s3_bucket.b", "bucket", "variable:var.missing"},
		{"aws_s3_bucket.x", "bucket", "var.settings"},
		{"aws_s3_bucket.x", "acl", "computed:aws_kms_key.k.arn data:data.aws_caller_identity.me function:timestamp()"},
	} {
		p, _ := value.ParsePath(c.path)
		if got := names(e.units[0].Explain(e.find(t, c.address), p)); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.address, c.path, got, c.want)
		}
	}
}

// TestComments checks markers and what comments stand at.
func TestComments(t *testing.T) {
	text := `# plumbline:ignore above
# a second line
resource "aws_s3_bucket" "b" { // beside the block
  acl = "public-read" # beside the attribute
  /* above the tags */
  tags = {
    a = 1 # beside the entry
  }
  # at the end
}
# the last
`
	tree := fstest.MapFS{"main.tf": {Data: []byte(text)}}
	e := evaluateWorkspace(t, treeWorkspace(tree), []string{"main.tf"})
	var got []string
	for _, c := range e.estate.Comments("main.tf") {
		target := text[c.Target.Start:c.Target.End]
		if n := strings.IndexByte(target, '\n'); n >= 0 {
			target = target[:n]
		}
		got = append(got, c.Text+" > "+target)
	}
	want := []string{
		`plumbline:ignore above > resource "aws_s3_bucket" "b" { // beside the block`,
		`a second line > resource "aws_s3_bucket" "b" { // beside the block`,
		`beside the block > resource "aws_s3_bucket" "b" { // beside the block`,
		`beside the attribute > acl = "public-read"`,
		`above the tags > tags = {`,
		`beside the entry > a = 1`,
		`at the end > `,
		`the last > `,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPartial checks what stays known of lists and maps that are put together from unknown parts.
func TestPartial(t *testing.T) {
	e := evaluateTree(t, map[string]string{"main.tf": `
variable "more" {}
variable "tags" { type = map(string) }
locals {
  all = concat(["0.0.0.0/0"], var.more)
}
module "m" {
  source = "./m"
  tags   = merge(var.tags, { Name = "n" })
}
resource "aws_security_group_rule" "list" { cidr_blocks = local.all }
resource "aws_security_group_rule" "distinct" { cidr_blocks = distinct(local.all) }
resource "aws_security_group_rule" "loop" { cidr_blocks = [for c in local.all : "x${c}"] }
resource "aws_security_group_rule" "element" {
  cidr_blocks = local.all[0]
  description = local.all[1]
}
resource "aws_s3_bucket" "merge" { tags = merge({ Lost = "x" }, var.tags, { Kept = 1 }) }
resource "aws_security_group_rule" "reverse" { cidr_blocks = reverse(local.all) }
resource "aws_security_group_rule" "choice" { cidr_blocks = var.more == null ? local.all : [] }
`, "m/main.tf": `
variable "tags" { type = map(string) }
resource "aws_s3_bucket" "b" { tags = merge(var.tags, { Team = "t" }) }
`})
	known := func(v *value.Value) string {
		if v.Kind == value.Unknown {
			return "unknown"
		}
		open := ""
		if v.Open {
			open = " open"
		}
		closed := *v
		closeLists(&closed)
		return strings.ReplaceAll(shown(&closed), `{"__unknown__":true}`, "?") + open
	}
	for address, want := range map[string]string{
		"aws_security_group_rule.list.cidr_blocks":     `["0.0.0.0/0"] open`,
		"aws_security_group_rule.distinct.cidr_blocks": `["0.0.0.0/0"] open`,
		"aws_security_group_rule.loop.cidr_blocks":     "unknown",
		"aws_security_group_rule.element.cidr_blocks":  "unknown",
		"aws_security_group_rule.element.description":  "unknown",
		"aws_security_group_rule.reverse.cidr_blocks":  "unknown",
		"aws_security_group_rule.choice.cidr_blocks":   "unknown",
		"aws_s3_bucket.merge.tags":                     `{"Kept":"1","Lost":?} open`,
		"module.m.aws_s3_bucket.b.tags":                `{"Name":"n","Team":"t"} open`,
	} {
		i := strings.LastIndexByte(address, '.')
		if got := known(e.find(t, address[:i]).Body.Field(address[i+1:])); got != want {
			t.Errorf("%s is %s, want %s", address, got, want)
		}
	}
}

// TestJSONBlocks checks that the JSON form tells blocks from attributes by the schema.
func TestJSONBlocks(t *testing.T) {
	e := evaluateTree(t, map[string]string{"main.tf.json": `{
  "terraform": {"backend": {"s3": {"bucket": "state", "encrypt": true}}, "required_version": ">= 1.0"},
  "provider": {"aws": [{"default_tags": {"tags": {"Env": "x"}}}, {"alias": "west", "region": "us-west-2"}]},
  "variable": {"ports": {"default": [22, 443]}},
  "resource": {
    "aws_security_group": {"g": {
      "name": "g",
      "egress": [{"from_port": 0, "to_port": 0, "protocol": "-1", "cidr_blocks": ["0.0.0.0/0"]}],
      "dynamic": {"ingress": {"for_each": "${var.ports}", "content": {"from_port": "${ingress.value}", "to_port": "${ingress.value}", "protocol": "tcp"}}},
      "lifecycle": {"create_before_destroy": true}
    }},
    "aws_instance": {"i": {"ami": "a", "metadata_options": {"http_tokens": "required"}, "tags": {"a": "${aws_security_group.g.id}"}, "provider": "aws.west"}},
    "made_up_thing": {"t": {"nested": {"a": 1}, "list": [{"b": "${1 + 1}"}]}}
  }
}`})
	for _, c := range []struct{ address, path, want string }{
		{"backend.s3", "encrypt", `true`},
		{"provider.aws", "default_tags.tags", `{"Env":"x"}`},
		{"provider.aws.west", "region", `"us-west-2"`},
		{"aws_security_group.g", "egress[0].cidr_blocks", `["0.0.0.0/0"]`},
		{"aws_security_group.g", "ingress[1].from_port", `443`},
		{"aws_instance.i", "metadata_options.http_tokens", `"required"`},
		{"made_up_thing.t", "nested.a", `1`},
		{"made_up_thing.t", "list[0].b", `2`},
	} {
		p, _ := value.ParsePath(c.path)
		if got := shown(e.find(t, c.address).Body.At(p)); got != c.want {
			t.Errorf("%s %s is %s, want %s", c.address, c.path, got, c.want)
		}
	}
	if got := refsOf(e.find(t, "aws_instance.i")); got != "tags.a > aws_security_group.g.id" {
		t.Errorf("references: %s", got)
	}
	if len(e.problems) > 0 {
		t.Errorf("problems: %+v", e.problems)
	}
}

// TestBroken checks that what can be read of a broken file is used.
func TestBroken(t *testing.T) {
	e := evaluateTree(t, map[string]string{
		"main.tf":  "resource \"aws_s3_bucket\" \"good\" {\n  bucket = \"b\"\n}\nresource \"aws_s3_bucket\" \"bad\" {\n  acl = \n}\nresource \"aws_s3_bucket\" {\n}\n",
		"other.tf": "resource \"aws_s3_bucket\" \"other\" {\n  bucket = aws_s3_bucket.good.bucket\n  acl    = nofunc(1)\n}\n",
	})
	if got := shown(e.find(t, "aws_s3_bucket.other").Body.Field("bucket")); got != `"b"` {
		t.Errorf("bucket is %s", got)
	}
	if e.kinds() != "invalid" {
		t.Errorf("problems %s", e.kinds())
	}
	for _, p := range e.problems {
		if p.Range.File == "" || p.Message == "" || strings.HasSuffix(p.Message, ".") {
			t.Errorf("problem %+v", p)
		}
	}
}
