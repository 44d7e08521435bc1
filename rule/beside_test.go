package rule

import (
	"strings"
	"testing"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

func TestBeside(t *testing.T) {
	const typ = "aws_s3_bucket_public_access_block"
	p := compiled(t, "aws_s3_bucket_acl", "beside(this.bucket)."+typ+".exists(b, b.ignore_public_acls)")
	block := func(name, text string, refs ...string) *resource.Resource {
		return named(t, typ+"."+name, text, refs...)
	}
	acl := func(text string, refs ...string) *resource.Resource {
		return named(t, "aws_s3_bucket_acl.this", text, refs...)
	}
	const unknown = `{"bucket": {"?!": ""}}`
	const ignoring = `{"bucket": {"?!": ""}, "ignore_public_acls": true}`
	a := named(t, "aws_s3_bucket.a", `{"bucket": "alpha"}`)
	b := named(t, "aws_s3_bucket.b", `{"bucket": "beta"}`)
	for _, c := range []struct {
		name    string
		this    *resource.Resource
		rest    []*resource.Resource
		missing []resource.Missing
		want    finding.Outcome
	}{
		{"both refer to the bucket", acl(unknown, a.Address), several(a, b, block("x", ignoring, a.Address)), nil, finding.Pass},
		{"each refers to another", acl(unknown, a.Address), several(a, b, block("x", ignoring, b.Address)), nil, finding.Fail},
		{"the other does not ignore", acl(unknown, a.Address), several(a, block("x", unknown, a.Address)), nil, finding.Fail},
		{"nobody is beside", acl(unknown, a.Address), several(a), nil, finding.Fail},
		{"one of two", acl(unknown, a.Address), several(a, block("x", unknown, a.Address), block("y", ignoring, a.Address)), nil, finding.Pass},
		{"both name it", acl(`{"bucket": "alpha"}`), several(block("x", `{"bucket": "alpha", "ignore_public_acls": true}`)), nil, finding.Pass},
		{"they name others", acl(`{"bucket": "alpha"}`), several(block("x", `{"bucket": "beta", "ignore_public_acls": true}`)), nil, finding.Fail},
		{"a name and a reference", acl(`{"bucket": "alpha"}`), several(a, block("x", ignoring, a.Address)), nil, finding.Pass},
		{"a name and another's reference", acl(`{"bucket": "alpha"}`), several(a, b, block("x", ignoring, b.Address)), nil, finding.Fail},
		{"a reference and a name", acl(unknown, a.Address), several(a, block("x", `{"bucket": "alpha", "ignore_public_acls": true}`)), nil, finding.Pass},
		{"nobody knows what this names", acl(`{"bucket": {"?": ""}}`), several(a, block("x", ignoring, a.Address)), nil, finding.Undecided},
		{"nobody knows what the other names", acl(`{"bucket": "alpha"}`), several(block("x", ignoring)), nil, finding.Undecided},
		{"a module that is not at hand may be", acl(unknown, a.Address), several(a), []resource.Missing{{Address: "module.m", Refs: []string{a.Address}}}, finding.Undecided},
		{"nothing is named", acl(`{}`), several(block("x", `{"ignore_public_acls": true}`)), nil, finding.Fail},
	} {
		v := p.Judge(resource.NewGraph(append(c.rest, c.this), c.missing), c.this)
		if v.Err != nil || v.Outcome != c.want {
			t.Errorf("%s: %s, want %s", c.name, said(v), c.want)
		}
	}
}

func several(rs ...*resource.Resource) []*resource.Resource { return rs }

// named makes a resource whose bucket refers to the given addresses.
func named(t *testing.T, address, text string, refs ...string) *resource.Resource {
	t.Helper()
	typ, _, _ := strings.Cut(address, ".")
	r := &resource.Resource{Address: address, Type: typ, Body: body(t, text)}
	for _, to := range refs {
		r.Refs = append(r.Refs, resource.Ref{Path: value.Path{{Name: "bucket"}}, Target: to, Attribute: "id"})
	}
	return r
}
