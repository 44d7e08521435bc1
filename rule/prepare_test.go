package rule

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// preparedPages has what a page can have.
var preparedPages = fstest.MapFS{
	"aws/a-one.md": extended(pageOf("a-one", "[aws_s3_bucket, aws_s3_bucket_acl]", "this.acl != null", `aliases: [CKV_1, X-2]
controls: {soc2: [CC6.1], hipaa: ["164.312(a)(2)(iv)"]}
fix:
  - set: {acl: private, a.b: {list: [1, 2.50, true, null, x]}}
  - remove: [acl]
  - add: {rule: {id: "${this.id}"}}
  - create: {aws_s3_bucket_policy: {bucket: "${this.id}"}}
since: 0.1
`)),
	"aws/a-two.md": pageOf("a-two", "[aws_s3_bucket, aws_s3_bucket_acl]", `
  aws_s3_bucket: >-
    this.acl in ["private",
    'log']
  aws_s3_bucket_acl: "{'a': 1u, 'b': -2.5}.exists(k, k == this.acl) || [1, -9000000000].exists(n, n > 2)"`, ""),
	"b-three.md": {Data: []byte(strings.ReplaceAll(string(pageOf("b-three", "custom_*", "has(this.x.y) && tags['a'] == null", "schema: none\n").Data), "\n", "\r\n"))},
}

// extended adds examples to a page.
func extended(page *fstest.MapFile) *fstest.MapFile {
	page.Data = append(page.Data, "\n## Flagged\n\n```terraform main.tf\nresource {}\n```\n\n```terraform other.tf\n```\n\n## Fixed\n\n```terraform\nx\n```\n"...)
	return page
}

// What was prepared gives the same rules and problems as the text does.
func TestPrepare(t *testing.T) {
	code, err := Prepare(preparedPages)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Prepare(preparedPages); err != nil || !bytes.Equal(code, again) {
		t.Errorf("the second time it is not the same: %v", err)
	}
	fresh, err := Load(testSet, preparedPages)
	if err != nil {
		t.Fatal(err)
	}
	ready := NewCatalogue(testSet)
	if err := ready.AddPrepared(preparedPages, string(code)); err != nil {
		t.Fatal(err)
	}
	want, got := fresh.All(), ready.All()
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
	for _, e := range ready.pages {
		if e.prepared == nil {
			t.Errorf("%s was read from its text", e.path)
		}
	}
	if diff := cmp.Diff(fresh.Check(), ready.Check()); diff != "" {
		t.Error(diff)
	}
	for _, typ := range []string{"aws_s3_bucket", "aws_s3_bucket_acl", "custom_thing"} {
		if diff := cmp.Diff(ids(fresh.For(typ)), ids(ready.For(typ))); diff != "" || len(fresh.For(typ)) == 0 {
			t.Errorf("%s: %s", typ, diff)
		}
	}
}

// A page that has changed since it was prepared, and one that is new, are read from their texts.
func TestPrepareStale(t *testing.T) {
	code, err := Prepare(fstest.MapFS{"a-one.md": pageOf("a-one", "aws_s3_bucket", "this.acl == 'x'", "")})
	if err != nil {
		t.Fatal(err)
	}
	c := NewCatalogue(testSet)
	if err := c.AddPrepared(fstest.MapFS{
		"a-one.md": pageOf("a-one", "aws_s3_bucket_acl", "this.acl == 'y'", ""),
		"a-two.md": pageOf("a-two", "aws_s3_bucket_acl", "true", ""),
	}, string(code)); err != nil {
		t.Fatal(err)
	}
	if got := ids(c.For("aws_s3_bucket")); got != nil {
		t.Errorf("aws_s3_bucket: %v", got)
	}
	if got := c.For("aws_s3_bucket_acl"); len(got) != 2 || got[0].Rule.Require != "this.acl == 'y'" {
		t.Errorf("aws_s3_bucket_acl: %v", ids(got))
	}
}

func TestPrepareRefuses(t *testing.T) {
	for name, page := range map[string]*fstest.MapFile{
		"no front matter": {Data: []byte("# Title")},
		"syntax error":    pageOf("a-one", "aws_s3_bucket", "this.", ""),
		"bytes":           pageOf("a-one", "aws_s3_bucket", "b'abc' == null", ""),
	} {
		if _, err := Prepare(fstest.MapFS{"a-one.md": page}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Whatever stands in the prepared file, reading it ends without a panic.
func FuzzPrepared(f *testing.F) {
	code, err := Prepare(preparedPages)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(code))
	f.Add(preparedForm)
	f.Fuzz(func(t *testing.T, code string) {
		pages, err := readPrepared(code)
		if err != nil {
			return
		}
		for _, p := range pages {
			if p.open("a-one.md", string(preparedPages["aws/a-one.md"].Data)) != nil {
				continue
			}
			for _, typ := range p.rule.On {
				_, _ = p.expr(typ)
			}
		}
	})
}
