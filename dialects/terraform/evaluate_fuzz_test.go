package terraform

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/rogpeppe/go-internal/txtar"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// seeds are the estates of the oracle and what the language has besides.
func seeds(f *testing.F) []string {
	f.Helper()
	out := []string{
		"resource \"aws_security_group\" \"x\" {\n  dynamic \"ingress\" {\n    for_each = var.r\n    content {\n      from_port = ingress.value\n    }\n  }\n}\nvariable \"r\" {}\n",
		"data \"aws_iam_policy_document\" \"d\" {\n  statement {\n    actions = [\"a:*\"]\n    principals {\n      type = \"*\"\n      identifiers = [\"*\"]\n    }\n  }\n}\nresource \"aws_iam_policy\" \"p\" {\n  policy = data.aws_iam_policy_document.d.json\n}\n",
		"provider \"aws\" {\n  alias = \"x\"\n  default_tags {\n    tags = { a = 1 }\n  }\n}\nresource \"aws_s3_bucket\" \"b\" {\n  provider = aws.x\n  tags = { b = [1] }\n}\n",
		"terraform {\n  backend \"s3\" {\n    bucket = 1\n  }\n}\n# plumbline:ignore x\nmodule \"m\" {\n  source = \"./m\"\n}\n",
	}
	paths, err := fs.Glob(oracleFiles(f), "*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range paths {
		content, err := fs.ReadFile(oracleFiles(f), p)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(content).Files {
			if isConfig(file.Name) {
				out = append(out, string(file.Data))
			}
		}
	}
	return out
}

// FuzzEvaluate evaluates one file, as the native and as the JSON form, and asks about everything that comes out. No panic
// reaches the top, no panic is recovered either, and every range lies in the file.
func FuzzEvaluate(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s, strings.HasPrefix(strings.TrimSpace(s), "{"))
	}
	set := schema.Load()
	f.Fuzz(func(t *testing.T, text string, isJSON bool) {
		name := "main.tf"
		if isJSON {
			name = "main.tf.json"
		}
		tree := fstest.MapFS{name: {Data: []byte(text)}}
		w := treeWorkspace(tree)
		w.Limits = dialect.Limits{Instances: 20, Resources: 200, ValueBytes: 1 << 12}
		e, problems := New(set).Open(context.Background(), w, []string{name})
		inside := func(what string, r source.Range) {
			if !r.IsZero() && r.File == name && (r.Start < 0 || r.End < r.Start || r.End > len(text)) {
				t.Errorf("%s lies at %d to %d in a file of %d bytes", what, r.Start, r.End, len(text))
			}
		}
		for _, n := range e.Units() {
			u := e.Evaluate(context.Background(), n)
			problems = append(problems, u.Problems...)
			for _, r := range u.Graph.Resources {
				inside(r.Address, r.Range)
				inside(r.Address, r.Header)
				Attributes(set, r)
				for i := range r.Body.Fields {
					inside(r.Address+"."+r.Body.Fields[i].Name, r.Body.Fields[i].Value.Range)
					u.Explain(r, value.Path{{Name: r.Body.Fields[i].Name}})
				}
			}
		}
		for _, p := range problems {
			if p.Kind == source.Bug {
				t.Errorf("bug: %s", p.Message)
			}
			inside(p.Message, p.Range)
		}
		for _, c := range e.Comments(name) {
			inside("comment", c.Range)
			inside("target of a comment", c.Target)
		}
	})
}

// FuzzGuard holds the guard against HCL's own scanner: where that sees brackets nested deeper than the limit, so must the
// guard.
func FuzzGuard(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	const limit = 6
	f.Fuzz(func(t *testing.T, text string) {
		if _, deep := tooDeep([]byte(text), limit, false); deep {
			return
		}
		tokens, _ := hclsyntax.LexConfig([]byte(text), "a.tf", hcl.InitialPos)
		depth := 0
		for _, token := range tokens {
			switch token.Type {
			case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
				depth++
			case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd:
				depth = max(0, depth-1)
			}
			if depth > 2*limit+2 {
				t.Fatalf("HCL sees more than %d brackets open where the guard sees at most %d", depth, limit)
			}
		}
	})
}

func oracleFiles(t testing.TB) fs.FS {
	t.Helper()
	return os.DirFS("testdata/oracle")
}
