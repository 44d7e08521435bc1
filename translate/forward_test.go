package translate

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// forwardTable has what the other tables of the tests lack.
const forwardTable = `
X::One = aws_db_instance when Kind = db and Flavor != lite
    Ref: id, identifier
    GetAtt Where.Arn: arn
    Name: identifier
    Encrypted: storage_encrypted
    Size: allocated_storage
    Groups: vpc_security_group_ids
    Subnets[].Id: enabled_cloudwatch_logs_exports[]
    Weeks: backup_retention_period | times 7
    Wide.Deep: publicly_accessible
    = engine "mysql"
    ? multi_az true
    Tags: tags | pairs Key Value

X::One = aws_rds_cluster
    Name: cluster_identifier

X::Role = aws_iam_role
    Ref: id
    Name: name
    Doc: assume_role_policy | json
    Policies[] -> aws_iam_role_policy(role: name)
        Name: name
        Doc: policy | json
    Managed[] -> aws_iam_role_policy_attachment(role: name) when . != skip
        .: policy_arn
    . -> aws_iam_instance_profile(role: name)
        Profile: name

X::SG = aws_security_group
    In[]: ingress[]
        Cidr: cidr_blocks | wrap
        From: from_port
    In6[]: ingress[]
        Cidr: ipv6_cidr_blocks | wrap
    Disks[Name!=root]: egress[]
        From: from_port
    Parts[].Inner: egress[]
        From: from_port
    Only[]: timeouts
        Create: create
`

func maybe(v value.Value) value.Value { v.Maybe = true; return v }

func open(v value.Value) value.Value { v.Open = true; return v }

func TestResources(t *testing.T) {
	table := tableOf(t, forwardTable)
	sensitive := text("secret")
	sensitive.Sensitive = true
	for _, c := range []struct {
		name, typ string
		body      value.Value
		want      string
	}{
		{"no test holds", "One", obj("Name", "n"), "X aws_rds_cluster {cluster_identifier: \"n\"}\n"},
		{"a test holds", "One", obj("Kind", "DB", "Name", "n"), "X aws_db_instance {engine: \"mysql\", identifier: \"n\", multi_az: true}\n"},
		{"a test on something unknown", "One", obj("Kind", isUnknown()), "X aws_rds_cluster {}\n"},
		{"the second test does not hold", "One", obj("Kind", "db", "Flavor", "lite"), "X aws_rds_cluster {}\n"},
		{"types", "One", obj("Kind", "db", "Encrypted", "TRUE", "Size", "20", "Groups", "sg-1", "Weeks", "2"),
			"X aws_db_instance {allocated_storage: 20, backup_retention_period: 14, engine: \"mysql\", multi_az: true, storage_encrypted: true, vpc_security_group_ids: [\"sg-1\"]}\n"},
		{"lists that are not wholly known", "One", obj("Kind", "db", "Groups", open(list(maybe(text("a")), isUnknown()))),
			"X aws_db_instance {engine: \"mysql\", multi_az: true, vpc_security_group_ids: [maybe \"a\", ?, …]}\n"},
		{"elements with a path", "One", obj("Kind", "db", "Subnets", list(obj("Id", "a"), obj(), maybe(obj("Id", "b")))),
			"X aws_db_instance {enabled_cloudwatch_logs_exports: [\"a\", maybe \"b\"], engine: \"mysql\", multi_az: true}\n"},
		{"an object that is not wholly known", "One", open(obj("Kind", "db", "Flavor", "x")), "X aws_db_instance {engine: \"mysql\", …}\n"},
		{"a test on what may be there", "One", open(obj("Kind", "db")), "X aws_rds_cluster {…}\n"},
		{"a nested object that is not wholly known", "One", obj("Kind", "db", "Wide", open(obj())), "X aws_db_instance {engine: \"mysql\", …}\n"},
		{"a nested unknown", "One", obj("Kind", "db", "Wide", isUnknown()), "X aws_db_instance {engine: \"mysql\", multi_az: true, publicly_accessible: ?}\n"},
		{"tags with unknown keys", "One", obj("Kind", "db", "Tags", list(obj("Key", "a", "Value", isUnknown()), obj("Key", isUnknown(), "Value", "b"))),
			"X aws_db_instance {engine: \"mysql\", multi_az: true, tags: {a: ?, …}}\n"},
		{"json", "Role", obj("Doc", obj("B", 1, "A", list(true))), "X aws_iam_role {assume_role_policy: {\"A\": [true], \"B\": 1}}\n"},
		{"json with an unknown part", "Role", obj("Doc", obj("A", isUnknown())), "X aws_iam_role {assume_role_policy: ?{A: ?}}\n"},
		{"companions of elements", "Role", obj("Name", "r", "Policies", list(obj("Name", "p", "Doc", obj()), maybe(obj("Name", "q")))),
			"X aws_iam_role {name: \"r\"}\n" +
				"X.Policies[0] aws_iam_role_policy {name: \"p\", policy: {}, role: \"r\"}\n    role = X.name\n" +
				"X.Policies[1] aws_iam_role_policy maybe {name: \"q\", role: \"r\"}\n    role = X.name\n"},
		{"companions of values", "Role", obj("Managed", list("arn:a", "arn:b")),
			"X aws_iam_role {}\n" +
				"X.Managed[0] aws_iam_role_policy_attachment {policy_arn: \"arn:a\", role: ?}\n    role = X.name\n" +
				"X.Managed[1] aws_iam_role_policy_attachment {policy_arn: \"arn:b\", role: ?}\n    role = X.name\n"},
		{"companions of an unknown list", "Role", obj("Policies", isUnknown()),
			"X aws_iam_role {}\nX.Policies aws_iam_role_policy maybe {role: ?, …}\n    role = X.name\n"},
		{"companions of a list with more", "Role", obj("Policies", open(list(obj("Name", "p")))),
			"X aws_iam_role {}\nX.Policies[0] aws_iam_role_policy {name: \"p\", role: ?}\n    role = X.name\n" +
				"X.Policies[*] aws_iam_role_policy maybe {role: ?, …}\n    role = X.name\n"},
		{"companion of the resource itself", "Role", obj("Profile", "p"), "X aws_iam_role {}\nX.aws_iam_instance_profile aws_iam_instance_profile {name: \"p\", role: ?}\n    role = X.name\n"},
		{"companions of an unknown resource", "Role", isUnknown(), "X aws_iam_role {…}\n" +
			"X.Policies aws_iam_role_policy maybe {role: ?, …}\n    role = X.name\n" +
			"X.Managed aws_iam_role_policy_attachment maybe {policy_arn: ?, role: ?, …}\n    role = X.name\n" +
			"X.aws_iam_instance_profile aws_iam_instance_profile maybe {role: ?, …}\n    role = X.name\n"},
		{"two lists into one", "SG", obj("In", list(obj("Cidr", "a"), obj("From", 1)), "In6", list(obj("Cidr", "b"))),
			"X aws_security_group {ingress: [{cidr_blocks: [\"a\"]}, {from_port: 1}, {ipv6_cidr_blocks: [\"b\"]}]}\n"},
		{"unknown elements", "SG", obj("In", list(isUnknown(), open(obj("From", 1)))), "X aws_security_group {ingress: [?, {from_port: 1, …}]}\n"},
		{"an unknown list", "SG", obj("In", isUnknown()), "X aws_security_group {ingress: ?}\n"},
		{"other elements", "SG", obj("Disks", list(obj("Name", "root", "From", 1), obj("Name", isUnknown(), "From", 2), obj("Name", "c", "From", 3))),
			"X aws_security_group {egress: [maybe {from_port: 2}, {from_port: 3}]}\n"},
		{"elements without the part that they are", "SG", obj("Parts", list(obj("Inner", obj("From", 1)), obj("Else", 2), open(obj()), obj("Inner", obj()))),
			"X aws_security_group {egress: [{from_port: 1}, {…}, {}]}\n"},
		{"the only element", "SG", obj("Only", list(obj("Create", "1m"))), "X aws_security_group {timeouts: {create: \"1m\"}}\n"},
		{"not the only element", "SG", obj("Only", list(obj("Create", "1m"), obj("Create", "2m"))), "X aws_security_group {timeouts: ?}\n"},
		{"one value for a list", "SG", obj("In", obj("From", 1)), "X aws_security_group {ingress: [{from_port: 1}]}\n"},
		{"values of the wrong kind", "SG", obj("In", "x", "Only", 5), "X aws_security_group {ingress: [{}], timeouts: {}}\n"},
		{"sensitive", "Role", obj("Doc", obj("A", sensitive)), "X aws_iam_role {assume_role_policy: (sensitive)}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := show(table.Resources(&Native{Type: "X::" + c.typ, Address: "X", Name: "X", Body: c.body})); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
	if made := table.Resources(&Native{Type: "X::None"}); made != nil {
		t.Errorf("a type without a block made %s", show(made))
	}
}

func TestResources_references(t *testing.T) {
	table := tableOf(t, forwardTable)
	made := table.Resources(&Native{Type: "X::One", Address: "Db", Body: obj("Kind", "db")})
	made = append(made, table.Resources(&Native{Type: "X::SG", Address: "Sg", Body: obj("In", list(obj("Cidr", isUnknown()))), Refs: []resource.Ref{
		{Path: path(t, "In[0].Cidr"), Target: "Db", Attribute: "Where.Arn"},
		{Path: path(t, "Elsewhere"), Target: "Db"},
		{Path: path(t, "Elsewhere"), Target: "Foreign", Attribute: "Word"},
	}})...)
	made = append(made, table.Resources(&Native{Type: "X::Role", Address: "Role", Body: obj("Policies", list(obj("Doc", obj("A", list(isUnknown()))))), Refs: []resource.Ref{
		{Path: path(t, "Policies[0].Doc.A[0]"), Target: "Db", Attribute: ""},
	}})...)
	table.Link(made)
	var got []string
	for _, r := range made {
		for _, ref := range r.Refs {
			got = append(got, r.Address+": "+ref.Path.String()+" = "+ref.Target+"."+ref.Attribute)
		}
	}
	want := []string{
		"Sg: ingress[0].cidr_blocks = Db.arn",
		"Sg:  = Db.id",
		"Sg:  = Foreign.Word",
		"Role.Policies[0]: policy = Db.id",
		"Role.Policies[0]: role = Role.name",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestResources_places(t *testing.T) {
	table := tableOf(t, forwardTable)
	in := func(n int, v value.Value) value.Value { v.Range = at(n); return v }
	n := &Native{Type: "X::Role", Dialect: "test", Address: "X", Name: "X", Module: "m", Range: at(1), Header: at(2), Maybe: true,
		Tags:  []resource.Tag{{Key: "k", Value: text("v"), Origin: "stack"}},
		First: func(r source.Range) source.Range { return source.Range{File: r.File, Start: r.Start, End: r.Start} },
		Body:  in(3, obj("Policies", in(4, list(in(5, obj("Name", in(6, text("p")))))))),
	}
	made := table.Resources(n)
	main, companion := made[0], made[1]
	if main.Range != at(1) || main.Header != at(2) || main.Body.Range != at(3) || main.Module != "m" || main.Native != "X::Role" || main.Provider != "aws" || !main.Maybe || main.Dialect != "test" {
		t.Errorf("%+v", main)
	}
	if len(main.Tags) != 1 || main.Tags[0].Key != "k" {
		t.Errorf("tags: %+v", main.Tags)
	}
	if companion.Range != at(5) || companion.Header.End != 5 || companion.Body.Range != at(5) || companion.Body.Field("name").Range != at(6) || !companion.Maybe || companion.Name != "X.Policies[0]" {
		t.Errorf("%+v", companion)
	}
	for _, c := range []struct {
		r         *resource.Resource
		path, out string
	}{
		{main, "", ""}, {main, "description", ""}, {companion, "", "Policies[0]"}, {companion, "name", "Policies[0].Name"}, {companion, "policy", "Policies[0]"}, {companion, "role", "Policies[0]"},
	} {
		if got := table.Path(c.r, path(t, c.path)).String(); got != c.out {
			t.Errorf("%s of %s comes from %s, not from %s", c.path, c.r.Address, got, c.out)
		}
	}
}

// FuzzResources builds a body of bytes, translates it, and asks for the path of, and the way back to, all that was made.
func FuzzResources(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	f.Add([]byte("\x08\x03In\x07\x02\x08\x01"))
	table := tableOf(f, forwardTable)
	types := []string{"X::One", "X::Role", "X::SG"}
	words := []string{"Name", "Kind", "In", "Disks", "Only", "Policies", "Doc", "Groups", "Subnets", "Tags", "Key", "Value", "Managed", "Wide", "Deep", "Id", "From", "Cidr", "Create", "db"}
	f.Fuzz(func(t *testing.T, data []byte) {
		next := func() byte {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return b
		}
		var make func(depth int) value.Value
		make = func(depth int) value.Value {
			b := next()
			v := value.Value{Kind: value.Kind(b % 8), Maybe: b&64 != 0, Open: b&128 != 0}
			switch v.Kind {
			case value.String:
				v.Text = words[int(next())%len(words)]
			case value.List:
				for range next() % 4 {
					if depth < 6 {
						v.Items = append(v.Items, make(depth+1))
					}
				}
			case value.Object:
				for range next() % 6 {
					if depth < 6 {
						set(&v, words[int(next())%len(words)], make(depth+1))
					}
				}
			}
			return v
		}
		n := &Native{Type: types[int(next())%len(types)], Address: "X", Name: "X", Body: make(0)}
		addresses := map[string]bool{}
		for _, r := range table.Resources(n) {
			if addresses[r.Address] {
				t.Errorf("%s twice", r.Address)
			}
			addresses[r.Address] = true
			for _, field := range r.Body.Fields {
				p := value.Path{{Name: field.Name}}
				at := table.Path(r, p)
				if n.Body.At(at).Kind == value.Absent && !slices.ContainsFunc(at, func(s value.Step) bool { return s.Name != "" }) && len(at) > 0 {
					t.Errorf("%s comes from %s, where nothing is", p, at)
				}
				for _, op := range []resource.ChangeOp{resource.Set, resource.Add, resource.Remove} {
					_, _ = table.Back(r, []resource.Change{{Op: op, Path: p, Value: make(4)}})
				}
			}
		}
	})
}
