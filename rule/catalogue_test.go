package rule

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// pageOf writes a page with an id and what differs.
func pageOf(id, on, require, more string) *fstest.MapFile {
	return &fstest.MapFile{Data: fmt.Appendf(nil, "---\nid: %s\nseverity: low\ncategory: network\non: %s\nrequire: %s\nmessage: No\n%s---\n# Title\n\nWhy.\n", id, on, require, more)}
}

func ids(programs []*Program) (out []string) {
	for _, p := range programs {
		out = append(out, p.Rule.ID)
	}
	return out
}

func TestCatalogue(t *testing.T) {
	c, err := Load(testSet, fstest.MapFS{
		"README.md":     {Data: []byte("# Rules")},
		"aws/b-one.md":  pageOf("b-one", "[aws_s3_bucket, aws_s3_bucket_acl]", "this.acl != null", "aliases: [CKV_1]\n"),
		"aws/a-two.md":  pageOf("a-two", "aws_s3_bucket", "has(this.bucket)", ""),
		"aws/g-tags.md": pageOf("g-tags", "aws_*", `'"Team" in tags'`, ""),
		"bad-name.md":   pageOf("bad-name", "aws_s3_bucket", "this.buckt == null", ""),
	}, fstest.MapFS{
		"u-mine.md": pageOf("u-mine", "custom_thing", "this.x == 1", "schema: none\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for typ, want := range map[string][]string{
		"aws_s3_bucket":     {"a-two", "b-one", "g-tags"},
		"aws_s3_bucket_acl": {"b-one", "g-tags"},
		"aws_instance":      {"g-tags"},
		"azurerm_x":         nil,
		"custom_thing":      {"u-mine"},
	} {
		if diff := cmp.Diff(want, ids(c.For(typ))); diff != "" {
			t.Errorf("%s: %s", typ, diff)
		}
	}
	if a, b := c.For("aws_s3_bucket"), c.For("aws_s3_bucket"); a[0] != b[0] {
		t.Error("programs are compiled again")
	}
	for id, want := range map[string]string{"b-one": "b-one", "CKV_1": "b-one", "u-mine": "u-mine", "CKV_2": "", "": ""} {
		got := ""
		if r := c.Rule(id); r != nil {
			got = r.ID
		}
		if got != want {
			t.Errorf("Rule(%q) is %q", id, got)
		}
	}
	var all []string
	for _, r := range c.All() {
		all = append(all, r.ID)
	}
	if diff := cmp.Diff([]string{"a-two", "b-one", "bad-name", "g-tags", "u-mine"}, all); diff != "" {
		t.Error(diff)
	}
	problems := c.Check()
	if len(problems) != 1 || problems[0].Path != "bad-name.md" || problems[0].Line != 6 || !strings.Contains(problems[0].Message, "did you mean bucket?") {
		t.Errorf("problems: %v", problems)
	}
}

func TestCatalogueClashes(t *testing.T) {
	c, err := Load(testSet, fstest.MapFS{
		"a/a-one.md": pageOf("a-one", "aws_s3_bucket", "true", "aliases: [X_1, b-two]\n"),
		"b/a-one.md": pageOf("a-one", "aws_s3_bucket", "true", ""),
		"b-two.md":   pageOf("b-two", "aws_s3_bucket", "true", "aliases: [X_1]\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range c.Check() {
		got = append(got, p.Path+": "+p.Message)
	}
	want := []string{
		"a/a-one.md: the alias b-two is the id of b-two.md",
		"b/a-one.md: the id a-one is already that of a/a-one.md",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Pages that were checked are compiled without a type check, except by Check.
func TestCatalogueTrusts(t *testing.T) {
	c := NewCatalogue(testSet)
	if err := c.AddPrepared(fstest.MapFS{"a-one.md": pageOf("a-one", "aws_s3_bucket", "this.buckt == null", "")}, preparedForm); err != nil {
		t.Fatal(err)
	}
	if n := len(c.For("aws_s3_bucket")); n != 1 || c.Problems() != nil {
		t.Errorf("%d programs, %v", n, c.Problems())
	}
	if problems := c.Check(); len(problems) != 1 {
		t.Errorf("Check found %v", problems)
	}
}

func TestCatalogueConcurrent(t *testing.T) {
	tree := fstest.MapFS{}
	types := []string{"aws_s3_bucket", "aws_instance", "aws_kms_key"}
	for i := range 30 {
		id := fmt.Sprintf("a-%d", i)
		tree[id+".md"] = pageOf(id, types[i%3], "has(this.id)", "")
	}
	c, err := Load(testSet, tree)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			if n := len(c.For(types[i%3])); n != 10 {
				t.Errorf("%d programs", n)
			}
			c.Rule(fmt.Sprintf("a-%d", i))
		})
	}
	wg.Wait()
}

func TestMessage(t *testing.T) {
	p := compiled(t, "aws_security_group", `!this.ingress.exists(i, i.from_port == 22)`)
	for message, want := range map[string]string{
		"Port {from_port} is open":          "Port 22 is open",
		"{name}: {ingress} {description}":   "web: (list) (unknown)",
		"{vpc_id} {ingress[0].from_port}":   "(not set) 80",
		"{revoke_rules_on_delete} is plain": "(sensitive) is plain",
	} {
		p.Rule.Message = message
		r := at(t, "x.this", "aws_security_group", `{"name": "web", "description": {"?": ""}, "revoke_rules_on_delete": true,
			"ingress": [{"from_port": 80}, {"from_port": 22}]}`)
		for i := range r.Body.Fields {
			r.Body.Fields[i].Value.Sensitive = r.Body.Fields[i].Name == "revoke_rules_on_delete"
		}
		v := judgeTree(p, r.Body)
		if got := p.Message(v.Witnesses[0].Resource, v); got != want {
			t.Errorf("%s: got %s, want %s", message, got, want)
		}
	}
}

// TestFixFor tests that a wish about an attribute that a type lacks is for the type of the rule that has it.
func TestFixFor(t *testing.T) {
	c, err := Load(testSet, fstest.MapFS{"two.md": pageOf("two", "[aws_s3_bucket, aws_instance, custom_thing]", "this.tags != null",
		"fix:\n  - set: {acl: private, instance_type: t3.micro, tags: {a: b}, nobodys: 1}\n")})
	if err != nil {
		t.Fatal(err)
	}
	for typ, want := range map[string][]string{
		"aws_s3_bucket": {"acl", "tags", "nobodys"},
		"aws_instance":  {"instance_type", "tags", "nobodys"},
		"custom_thing":  {"nobodys"}, // the others have the rest
	} {
		var got []string
		for _, change := range c.FixFor(c.Rule("two"), typ) {
			got = append(got, change.Path.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", typ, diff)
		}
	}
}
