package rule

import (
	"testing"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// at makes a resource with references from some of its attributes: "bucket", "aws_s3_bucket.a", ….
func at(t *testing.T, address, typ, text string, refs ...string) *resource.Resource {
	t.Helper()
	r := &resource.Resource{Address: address, Type: typ, Body: body(t, text)}
	for i := 0; i < len(refs); i += 2 {
		path, _ := value.ParsePath(refs[i])
		r.Refs = append(r.Refs, resource.Ref{Path: path, Target: refs[i+1]})
	}
	return r
}

func maybe(r *resource.Resource) *resource.Resource {
	r.Maybe = true
	return r
}

func TestLinked(t *testing.T) {
	const (
		bucket = "aws_s3_bucket"
		block  = "aws_s3_bucket_public_access_block"
		closed = `linked.aws_s3_bucket_public_access_block.exists(p, p.block_public_acls)`
	)
	unknown := `{"bucket": {"?!": ""}, "block_public_acls": true}`
	for _, c := range []struct {
		name, require, this string
		others              []*resource.Resource
		missing             []resource.Missing
		want                string
	}{
		{"nobody", closed, `{}`, nil, nil, "fail *"},
		{"by reference", closed, `{}`, several(at(t, "p", block, unknown, "bucket", "x.this")), nil, "pass p:block_public_acls"},
		{"does not block", closed, `{}`, several(at(t, "p", block, `{"bucket": {"?!": ""}, "block_public_acls": false}`, "bucket", "x.this")), nil, "fail p:block_public_acls"},
		{"not written there", closed, `{}`, several(at(t, "p", block, `{"bucket": {"?!": ""}}`, "bucket", "x.this")), nil, "fail p:block_public_acls"},
		{"another's", closed, `{}`, several(at(t, "y", bucket, `{}`), at(t, "p", block, unknown, "bucket", "y")), nil, "fail *"},
		{"the same name", closed, `{"bucket": "logs"}`, several(at(t, "p", block, `{"bucket": "logs", "block_public_acls": true}`)), nil, "pass p:block_public_acls"},
		{"another name", closed, `{"bucket": "logs"}`, several(at(t, "p", block, `{"bucket": "data", "block_public_acls": true}`)), nil, "fail *"},
		{"a name, and the cloud chooses this one's", closed, `{}`, several(at(t, "p", block, `{"bucket": "data", "block_public_acls": true}`)), nil, "fail *"},
		{"unknown name", closed, `{"bucket": "logs"}`, several(at(t, "p", block, unknown)), nil, "undecided p:bucket"},
		{"unknown name of what would not help", closed, `{"bucket": "logs"}`, several(at(t, "p", block, `{"bucket": {"?!": ""}}`)), nil, "fail p:block_public_acls"},
		{"name with another prefix", closed, `{"bucket": "logs"}`, several(at(t, "p", block, `{"bucket": {"?!": "data-"}, "block_public_acls": true}`)), nil, "fail *"},
		{"this has an unknown name", closed, `{"bucket": {"?!": ""}}`, several(at(t, "p", block, `{"bucket": "data", "block_public_acls": true}`)), nil, "undecided p:bucket"},
		{"may not exist", closed, `{}`, several(maybe(at(t, "p", block, unknown, "bucket", "x.this"))), nil, "undecided p:*"},
		{"may not exist, nor help", closed, `{}`, several(maybe(at(t, "p", block, `{"bucket": {"?!": ""}}`, "bucket", "x.this"))), nil, "fail p:block_public_acls"},
		{"module not at hand", closed, `{}`, nil, []resource.Missing{{Address: "module.m", Refs: []string{"x.this"}}}, "undecided *"},
		{"module about another", closed, `{}`, nil, []resource.Missing{{Address: "module.m", Refs: []string{"y"}}}, "fail *"},
		{"a reference from elsewhere", `linked.aws_s3_bucket_policy.size() == 0`, `{}`,
			several(at(t, "y", bucket, `{}`), at(t, "p", "aws_s3_bucket_policy", `{}`, "bucket", "y", "policy", "x.this")), nil, "pass *"},
		{"either attribute", `linked.aws_s3_bucket_logging.size() == 1`, `{}`, several(at(t, "l", "aws_s3_bucket_logging", `{}`, "target_bucket", "x.this")), nil, "pass *"},
		{"one attribute", `linkedBy("bucket").aws_s3_bucket_logging.size() == 0`, `{}`, several(at(t, "l", "aws_s3_bucket_logging", `{}`, "target_bucket", "x.this")), nil, "pass *"},
		{"no link in the schema", `linked.aws_instance.size() == 1`, `{}`, several(at(t, "i", "aws_instance", `{}`, "user_data", "x.this")), nil, "pass *"},
		{"all", `all.aws_s3_bucket.all(b, b.bucket == "logs")`, `{"bucket": "logs"}`, several(at(t, "y", bucket, `{"bucket": "data"}`)), nil, "fail y:bucket"},
		{"all, module not at hand", `all.aws_kms_key.size() == 0`, `{}`, nil, []resource.Missing{{Address: "module.m"}}, "undecided *"},
		{"two in a row", `linked.aws_s3_bucket_public_access_block.exists(p, p.block_public_acls) && linked.aws_s3_bucket_public_access_block.exists(p, p.ignore_public_acls)`,
			`{}`, several(at(t, "p", block, unknown, "bucket", "x.this")), nil, "fail p:ignore_public_acls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			this := at(t, "x.this", bucket, c.this)
			v := judgedIn(t, c.require, resource.NewGraph(append(c.others, this), c.missing), this)
			if got := said(v); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestTarget(t *testing.T) {
	const rotated = `target(this.kms_key_id).aws_kms_key.all(k, k.enable_key_rotation)`
	for _, c := range []struct {
		name, require string
		this          *resource.Resource
		others        []*resource.Resource
		want          string
	}{
		{"nothing", rotated, at(t, "x.this", "aws_ebs_volume", `{"kms_key_id": null}`), nil, "undecided kms_key_id"},
		{"outside", rotated, at(t, "x.this", "aws_ebs_volume", `{"kms_key_id": "arn:aws:kms:x"}`), nil, "pass kms_key_id"},
		{"by reference", rotated, at(t, "x.this", "aws_ebs_volume", `{"kms_key_id": {"?!": ""}}`, "kms_key_id", "k"),
			several(at(t, "k", "aws_kms_key", `{"enable_key_rotation": true}`)), "pass k:enable_key_rotation"},
		{"that fails", rotated, at(t, "x.this", "aws_ebs_volume", `{"kms_key_id": {"?!": ""}}`, "kms_key_id", "k"),
			several(at(t, "k", "aws_kms_key", `{"enable_key_rotation": false}`)), "fail k:enable_key_rotation"},
		{"unknown without reference", rotated, at(t, "x.this", "aws_ebs_volume", `{"kms_key_id": {"?!": ""}}`), nil, "undecided kms_key_id"},
		{"of a list", `target(this.vpc_security_group_ids).aws_security_group.exists(g, g.name == "b")`,
			at(t, "x.this", "aws_instance", `{"vpc_security_group_ids": [{"?!": ""}, {"?!": ""}]}`, "vpc_security_group_ids[0]", "a", "vpc_security_group_ids[1]", "b"),
			several(at(t, "a", "aws_security_group", `{"name": "a"}`), at(t, "b", "aws_security_group", `{"name": "b"}`)), "pass b:name"},
		{"of an element", `this.vpc_security_group_ids.all(i, target(i).aws_security_group.exists(g, g.name == "b"))`,
			at(t, "x.this", "aws_instance", `{"vpc_security_group_ids": [{"?!": ""}, {"?!": ""}]}`, "vpc_security_group_ids[0]", "a", "vpc_security_group_ids[1]", "b"),
			several(at(t, "a", "aws_security_group", `{"name": "a"}`), at(t, "b", "aws_security_group", `{"name": "b"}`)), "fail a:name"},
		{"by name", `target(this.bucket).aws_s3_bucket.exists(b, b.force_destroy)`, at(t, "x.this", "aws_s3_bucket_policy", `{"bucket": "logs"}`),
			several(at(t, "b", "aws_s3_bucket", `{"bucket": "logs", "force_destroy": true}`), at(t, "c", "aws_s3_bucket", `{"bucket": "data"}`)), "pass b:force_destroy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := judgedIn(t, c.require, resource.NewGraph(append(c.others, c.this), nil), c.this)
			if got := said(v); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestTags(t *testing.T) {
	r := at(t, "x.this", "aws_s3_bucket", `{"tags": {"Team": "a", "Owner": {"?": ""}}}`)
	r.Tags = []resource.Tag{
		{Key: "Environment", Value: value.Value{Kind: value.String, Text: "prod"}, Origin: "default_tags of provider.aws"},
		{Key: "Owner", Value: value.Value{Kind: value.Unknown}},
		{Key: "Team", Value: value.Value{Kind: value.String, Text: "a"}},
	}
	g := resource.NewGraph([]*resource.Resource{r}, nil)
	for require, want := range map[string]string{
		`tags["Environment"] == "prod"`:                      "pass tags.Environment",
		`"Team" in tags && "Owner" in tags`:                  "pass tags",
		`"Cost" in tags`:                                     "fail tags",
		`tags.Owner == "me"`:                                 "undecided tags.Owner",
		`tags.exists(k, k.lowerAscii() == "team")`:           "pass tags.Team",
		`["Team", "Cost"].all(k, k in tags)`:                 "fail tags",
		`this.tags["Environment"] == null`:                   "pass tags.Environment",
		`tags.all(k, tags[k] != "" || k == "Owner")`:         "pass tags",
		`size(tags) == 3 && tags.filter(k, k == "x") == []`:  "pass tags",
		`tags.map(k, tags[k]).exists(v, v.startsWith("pr"))`: "pass tags.Environment",
	} {
		if got := said(judgedIn(t, require, g, r)); got != want {
			t.Errorf("%s: got %s, want %s", require, got, want)
		}
	}
	r.Body = body(t, `{"tags": {"Team": "a", "…": 0}}`)
	if got := said(compiled(t, "aws_s3_bucket", `"Cost" in tags`).Judge(g, r)); got != "undecided tags" {
		t.Errorf("open tags: %s", got)
	}
}
