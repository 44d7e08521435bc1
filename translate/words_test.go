package translate

import (
	"testing"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// TestWords asks what CloudFormation calls attributes of a bucket.
func TestWords(t *testing.T) {
	table := New(schema.Load(), "cloudformation")
	written := func(text string) value.Value { return value.Value{Kind: value.String, Text: text} }
	n := &Native{Type: "AWS::S3::Bucket", Address: "B", Body: value.Value{Kind: value.Object, Fields: []value.Field{
		{Name: "AccessControl", Value: written("PublicRead")},
		{Name: "BucketName", Value: written("logs")},
	}}}
	r := table.Resources(n)[0]
	for path, want := range map[string]struct{ name, word string }{
		"acl":                 {"AccessControl", "PublicRead"},
		"bucket":              {"BucketName", ""},
		"object_lock_enabled": {"ObjectLockEnabled", ""},
		"no_such_thing":       {"", ""},
	} {
		p, _ := value.ParsePath(path)
		name, word := table.Words(r, p)
		got := ""
		if word != nil {
			got = word.Text
		}
		if name.String() != want.name || got != want.word {
			t.Errorf("%s is %q, written %q, want %q, %q", path, name, got, want.name, want.word)
		}
	}
}
