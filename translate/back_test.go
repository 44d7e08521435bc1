package translate

import (
	"strings"
	"testing"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

func path(t testing.TB, s string) value.Path {
	t.Helper()
	p, ok := value.ParsePath(s)
	if !ok {
		t.Fatalf("%q is no path", s)
	}
	return p
}

func wishText(wishes []Wish) string {
	var lines []string
	for _, w := range wishes {
		line := string(w.Op) + " " + w.Type + w.Path.String()
		if w.Op != resource.Remove {
			line += " " + showAll(&w.Value)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// backTable has a row of every sort.
const backTable = `
X::DB = aws_db_instance
    Ref: id, identifier
    GetAtt Arn: arn
    Name: identifier
    Encrypted: storage_encrypted
    Public: publicly_accessible | enum yes=true no=false
    Enabled: skip_final_snapshot | not
    Days: backup_retention_period
    Logs: enabled_cloudwatch_logs_exports
    Tags: tags | pairs Key Value
    Attrs[Key=del].Value: deletion_protection
    Attrs[Key=auto].Value: auto_minor_version_upgrade
    Disks[Name=a,b].Size: allocated_storage
    Features: performance_insights_enabled | has PI
    = engine "mysql"
    ? multi_az true
    Snapshot.Id: s3_import.bucket_name
    Snapshot.Role: s3_import.ingestion_role
    Policy -> aws_iam_role_policy(role: id)
        Doc: policy | json
        Name: name

X::SG = aws_security_group
    Ref: id
    Ingress[]: ingress[]
        Cidr: cidr_blocks[0]
        From: from_port
        To: to_port
    Egress: egress
        From: from_port

X::Rule = aws_security_group_rule when Kind = ingress
    = type "ingress"
    Group: security_group_id
    Cidr: cidr_blocks | wrap

X::Params = aws_db_parameter_group
    Family: family
    Map{}: parameter[]
        $: name
        .: value
`

func TestBack(t *testing.T) {
	table := tableOf(t, backTable)
	set := func(p string, v any) resource.Change {
		return resource.Change{Op: resource.Set, Path: path(t, p), Value: of(v)}
	}
	add := func(p string, v any) resource.Change {
		return resource.Change{Op: resource.Add, Path: path(t, p), Value: of(v)}
	}
	remove := func(p string) resource.Change { return resource.Change{Op: resource.Remove, Path: path(t, p)} }
	create := func(typ string, body value.Value) resource.Change {
		return resource.Change{Op: resource.Create, New: &resource.Companion{Type: typ, Body: body}}
	}
	for _, c := range []struct {
		name    string
		typ     string
		body    value.Value
		address string // of the resource that is fixed; empty for the first
		changes []resource.Change
		want    string // or, after "error: ", what stands in the way
	}{
		{"set", "DB", obj(), "", []resource.Change{set("storage_encrypted", true)}, `set Encrypted true`},
		{"already so", "DB", obj("Encrypted", "true"), "", []resource.Change{set("storage_encrypted", true)}, ``},
		{"enum", "DB", obj("Public", "Yes"), "", []resource.Change{set("publicly_accessible", false)}, `set Public "no"`},
		{"not", "DB", obj("Enabled", false), "", []resource.Change{set("skip_final_snapshot", false)}, `set Enabled true`},
		{"constant", "DB", obj(), "", []resource.Change{set("engine", "mysql")}, ``},
		{"another constant", "DB", obj(), "", []resource.Change{set("engine", "oracle")}, `error: it is always "mysql"`},
		{"default", "DB", obj(), "", []resource.Change{set("multi_az", true)}, ``},
		{"no way", "DB", obj(), "", []resource.Change{set("max_allocated_storage", 1)}, `error: X::DB has no property for max_allocated_storage`},
		{"list", "DB", obj(), "", []resource.Change{set("enabled_cloudwatch_logs_exports", list("audit"))}, `set Logs ["audit"]`},
		{"tags", "DB", obj(), "", []resource.Change{set("tags", obj("a", "b"))}, `set Tags [{Key: "a", Value: "b"}]`},
		{"a tag", "DB", obj("Tags", list(obj("Key", "a", "Value", "b"))), "", []resource.Change{set("tags.a", "c"), set("tags.d", "e")}, "set Tags[0].Value \"c\"\nadd Tags {Key: \"d\", Value: \"e\"}"},
		{"a chosen element", "DB", obj("Attrs", list(obj("Key", "other"), obj("Key", "del", "Value", "false"))), "", []resource.Change{set("deletion_protection", true)}, `set Attrs[1].Value true`},
		{"chosen elements that are not there", "DB", obj(), "", []resource.Change{set("deletion_protection", true), set("auto_minor_version_upgrade", true)},
			"add Attrs {Key: \"del\", Value: true}\nadd Attrs {Key: \"auto\", Value: true}"},
		{"one of several that is not there", "DB", obj("Disks", list(obj("Name", "c"))), "", []resource.Change{set("allocated_storage", 5)}, `error: which of a, b it is cannot be known`},
		{"one of several that is there", "DB", obj("Disks", list(obj("Name", "b"))), "", []resource.Change{set("allocated_storage", 5)}, `set Disks[0].Size 5`},
		{"a word in a list", "DB", obj("Features", list("X")), "", []resource.Change{set("performance_insights_enabled", true)}, `set Features ["X", "PI"]`},
		{"no word in a list", "DB", obj("Features", list("PI", "X")), "", []resource.Change{set("performance_insights_enabled", false)}, `set Features ["X"]`},
		{"object over rows", "DB", obj(), "", []resource.Change{set("s3_import", obj("bucket_name", "b", "ingestion_role", "r"))}, "set Snapshot.Id \"b\"\nset Snapshot.Role \"r\""},
		{"a part that nobody takes", "DB", obj(), "", []resource.Change{set("s3_import", obj("source_engine", "b"))}, "error: X::DB has no property for s3_import"},
		{"element", "SG", obj("Ingress", list(obj("Cidr", "0.0.0.0/0"), obj("Cidr", "::/0"))), "", []resource.Change{set("ingress[1].cidr_blocks", list("10.0.0.0/8"))}, `set Ingress[1].Cidr "10.0.0.0/8"`},
		{"first of an element", "SG", obj("Ingress", list(obj("Cidr", "0.0.0.0/0"))), "", []resource.Change{set("ingress[0].cidr_blocks[0]", "10.0.0.0/8")}, `set Ingress[0].Cidr "10.0.0.0/8"`},
		{"one more", "SG", obj("Ingress", list(obj("Cidr", "0.0.0.0/0"))), "", []resource.Change{add("ingress", obj("from_port", 22, "to_port", 22))}, `add Ingress {From: 22, To: 22}`},
		{"whole list", "SG", obj(), "", []resource.Change{set("ingress", list(obj("from_port", 22), obj("from_port", 23)))}, `set Ingress [{From: 22}, {From: 23}]`},
		{"the only one", "SG", obj(), "", []resource.Change{add("egress", obj("from_port", 22))}, `set Egress {From: 22}`},
		{"in the only one", "SG", obj("Egress", obj("From", 1)), "", []resource.Change{set("egress[0].from_port", 22)}, `set Egress.From 22`},
		{"remove", "DB", obj("Encrypted", false), "", []resource.Change{remove("storage_encrypted"), remove("identifier")}, `remove Encrypted`},
		{"remove an element", "SG", obj("Ingress", list(obj("From", 1), obj("From", 2))), "", []resource.Change{remove("ingress[1]")}, `remove Ingress[1]`},
		{"remove a block", "DB", obj("Snapshot", obj("Id", "b", "Role", "r")), "", []resource.Change{remove("s3_import")}, "remove Snapshot.Id\nremove Snapshot.Role"},
		{"remove a tag", "DB", obj("Tags", list(obj("Key", "a"), obj("Key", "b"))), "", []resource.Change{remove("tags.b")}, `remove Tags[1]`},
		{"in a companion", "DB", obj("Policy", obj("Doc", obj("A", "b"))), "X.Policy", []resource.Change{set("policy", `{"A":"c"}`)}, `set Policy.Doc {A: "c"}`},
		{"text in a companion", "DB", obj("Policy", obj("Doc", `{"A":"b"}`)), "X.Policy", []resource.Change{set("policy", `{"A":"c"}`)}, `set Policy.Doc {"A": "c"}`},
		{"create a companion", "DB", obj(), "", []resource.Change{create("aws_iam_role_policy", obj("role", "${this.id}", "policy", `{"A":"c"}`))}, `set Policy {Doc: {A: "c"}}`},
		{"create alone", "SG", obj(), "", []resource.Change{create("aws_security_group_rule", obj("type", "ingress", "security_group_id", "${this.id}", "cidr_blocks", list("10.0.0.0/8")))},
			`create X::Rule {Cidr: "10.0.0.0/8", Group: "${this}", Kind: "ingress"}`},
		{"create with an output", "DB", obj(), "", []resource.Change{create("aws_security_group_rule", obj("security_group_id", "${this.arn}"))}, `create X::Rule {Group: "${this.Arn}", Kind: "ingress"}`},
		{"create beside a companion", "DB", obj("Policy", obj("Doc", obj())), "X.Policy", []resource.Change{create("aws_security_group_rule", obj("security_group_id", "${this.role}"))}, `create X::Rule {Group: "${this}", Kind: "ingress"}`},
		{"create nothing", "DB", obj(), "", []resource.Change{create("aws_kms_key", obj())}, `error: nothing in test is a aws_kms_key`},
		{"create from nothing", "DB", obj(), "", []resource.Change{create("aws_security_group_rule", obj("security_group_id", "${this.port}"))}, `error: no reference to a resource of type X::DB yields its port`},
		{"member", "Params", obj("Map", obj("a", "1", "b", "2")), "", []resource.Change{set("parameter[1].value", "3")}, `set Map.b "3"`},
		{"one more member", "Params", obj("Map", obj("a", "1")), "", []resource.Change{add("parameter", obj("name", "c", "value", "3"))}, `set Map.c "3"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			made := table.Resources(&Native{Dialect: "test", Type: "X::" + c.typ, Address: "X", Name: "X", Body: c.body})
			if c.typ == "Rule" || len(made) == 0 {
				t.Fatal("nothing was made")
			}
			r := made[0]
			for _, m := range made {
				if m.Address == c.address {
					r = m
				}
			}
			wishes, err := table.Back(r, c.changes)
			got := wishText(wishes)
			if err != nil {
				got = "error: " + err.Error()
			}
			if want, ok := strings.CutPrefix(c.want, "error: "); ok && err != nil && strings.Contains(got, want) {
				return
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s\nof %s", got, c.want, show(made))
			}
		})
	}
}

// TestBack_bucket is the way back of the fixes that buckets get.
func TestBack_bucket(t *testing.T) {
	table := tableOf(t, bucketTable)
	for _, c := range []struct {
		name    string
		body    value.Value
		address string
		change  resource.Change
		want    string
	}{
		{"versioning", obj(), "Logs", resource.Change{Op: resource.Create, New: &resource.Companion{Type: "aws_s3_bucket_versioning",
			Body: obj("bucket", "${this.id}", "versioning_configuration", obj("status", "Enabled"))}}, `set VersioningConfiguration {Status: "Enabled"}`},
		{"public access", obj(), "Logs", resource.Change{Op: resource.Create, New: &resource.Companion{Type: "aws_s3_bucket_public_access_block",
			Body: obj("bucket", "${this.bucket}", "block_public_acls", true)}}, `set PublicAccessBlockConfiguration {BlockPublicAcls: true}`},
		{"encryption", obj("BucketEncryption", obj("ServerSideEncryptionConfiguration", list(obj("ServerSideEncryptionByDefault", obj("SSEAlgorithm", "AES256"))))), "Logs.BucketEncryption",
			resource.Change{Op: resource.Set, Path: path(t, "rule[0].apply_server_side_encryption_by_default.sse_algorithm"), Value: text("aws:kms")},
			`set BucketEncryption.ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault.SSEAlgorithm "aws:kms"`},
		{"block in an element", obj("BucketEncryption", obj("ServerSideEncryptionConfiguration", list(obj()))), "Logs.BucketEncryption",
			resource.Change{Op: resource.Set, Path: path(t, "rule[0].apply_server_side_encryption_by_default.sse_algorithm"), Value: text("aws:kms")},
			`set BucketEncryption.ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault.SSEAlgorithm "aws:kms"`},
		{"policy", obj(), "Logs", resource.Change{Op: resource.Create, New: &resource.Companion{Type: "aws_s3_bucket_policy",
			Body: obj("bucket", "${this.id}", "policy", `{"Resource":"${this.arn}"}`)}}, `create AWS::S3::BucketPolicy {Bucket: "${this}", PolicyDocument: {Resource: "${this.Arn}"}}`},
		{"acl", obj("AccessControl", "PublicRead"), "Logs", resource.Change{Op: resource.Set, Path: path(t, "acl"), Value: text("private")}, `set AccessControl "Private"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r *resource.Resource
			for _, m := range table.Resources(bucket(c.body)) {
				if m.Address == c.address {
					r = m
				}
			}
			if r == nil {
				t.Fatal("there is no", c.address)
			}
			wishes, err := table.Back(r, []resource.Change{c.change})
			if err != nil {
				t.Fatal(err)
			}
			if got := wishText(wishes); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
