package rule

import (
	"fmt"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/resource"
)

const (
	benchType  = "aws_security_group"
	benchWorld = `!this.ingress.exists(i, i.from_port <= 22 && i.to_port >= 22 && i.cidr_blocks.exists(c, net.open(c)))`
	benchBody  = `{"name": "web", "ingress": [
		{"from_port": 443, "to_port": 443, "protocol": "tcp", "cidr_blocks": ["0.0.0.0/0"]},
		{"from_port": 22, "to_port": 22, "protocol": "tcp", "cidr_blocks": ["10.0.0.0/8", "192.168.0.0/16"]}]}`
)

// BenchmarkCompile is what a rule costs when its type is met.
func BenchmarkCompile(b *testing.B) {
	c := NewCompiler(testSet)
	r := &Rule{ID: "a-b", On: []string{benchType}, Require: benchWorld, Line: 1}
	for b.Loop() {
		if _, problems := c.Compile(r, benchType); problems != nil {
			b.Fatal(problems)
		}
	}
}

// BenchmarkNewCompiler is paid once in a process.
func BenchmarkNewCompiler(b *testing.B) {
	for b.Loop() {
		NewCompiler(testSet)
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		Parse("aws-ec2-imdsv1.md", []byte(goodPage))
	}
}

// BenchmarkLoad is what a thousand pages cost at the start.
func BenchmarkLoad(b *testing.B) {
	tree := fstest.MapFS{}
	for i := range 1000 {
		tree[fmt.Sprintf("aws/a-%d.md", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "---\nid: a-%d\n%s", i, goodPage[len("---\nid: aws-ec2-imdsv1"):])}
	}
	b.ResetTimer()
	for b.Loop() {
		if _, err := Load(testSet, tree); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	for _, c := range []struct{ name, typ, require, body string }{
		{"attribute", "aws_instance", `this.metadata_options.http_tokens == "required" || this.metadata_options.http_endpoint == "disabled"`, `{"metadata_options": {"http_tokens": "optional"}}`},
		{"nested", benchType, benchWorld, benchBody},
		{"regex", benchType, `this.name.matches("^[a-z-]+$")`, benchBody},
		{"policy", "aws_s3_bucket_policy", `!iam.statements(this.policy).exists(s, iam.public(s))`,
			`{"policy": {"doc": {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": ["s3:*"], "Resource": "*"}]}}}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := compiled(b, c.typ, c.require)
			r := &resource.Resource{Address: "x.this", Type: c.typ, Body: body(b, c.body)}
			g := resource.NewGraph([]*resource.Resource{r}, nil)
			b.ReportAllocs()
			for b.Loop() {
				p.Judge(g, r)
			}
		})
	}
}
