package terraform

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// compareOutline compares the outline of a file with what the parser finds. It reports whether the scan was sure.
func compareOutline(t testing.TB, name string, src []byte) bool {
	t.Helper()
	got, refused := scanFile(src, 250)
	if refused != nil || !got.sure {
		return false
	}
	tree, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		return true
	}
	want := outlineOf(tree.Body.(*hclsyntax.Body))
	slices.Sort(got.names)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(outline{}, head{}), cmp.Transformer("empty", func(h []head) []head { return append([]head{}, h...) }),
		cmp.Transformer("none", func(n []string) []string { return append([]string{}, n...) })); diff != "" {
		t.Errorf("%s: %s\n%s", name, diff, src)
	}
	return true
}

// TestOutline compares the outlines of small files with what the parser finds, and says which of them need the parser.
func TestOutline(t *testing.T) {
	for name, c := range map[string]struct {
		src  string
		sure bool
	}{
		"module":             {"module \"a\" {\n  source = \"./a\"\n  x = { source = \"./no\" }\n}\n", true},
		"no line end":        {"module \"a\" {\n  source = \"./a\"\n}", true},
		"one line":           {"module \"a\" { source = \"./a\" }\nmodule b { source = \"./b\" }", true},
		"nested":             {"module \"a\" {\n  b {\n    source = \"./no\"\n  }\n}\n", true},
		"in a comment":       {"/*\nmodule \"a\" {\n  source = \"./a\"\n}\n*/\n# module \"b\" { source = \"./b\" }\n", true},
		"in a heredoc":       {"locals {\n  a = <<-EOT\n    }\n    module \"a\" {\n      source = \"./a\"\n    }\n  EOT\n}\nmodule \"b\" {\n  source = \"./b\" # \"./c\"\n}\n", true},
		"in a string":        {"locals {\n  a = \"} module \\\"a\\\" {\"\n}\n", true},
		"comment inside":     {"module /* x */ \"a\" {\n  # source = \"./no\"\n  source /* = */ = /* \"x\" */ \"./a\" // yes\n}\n", true},
		"not literal":        {"module \"a\" {\n  source = \"${path.module}/a\"\n}\nmodule \"b\" {\n  source = var.b\n}\n", true},
		"parentheses":        {"module \"a\" {\n  source = (\"./a\")\n}\n", true},
		"escapes":            {"module \"a\" {\n  source = \"./\\u0061\"\n}\n", false},
		"heredoc source":     {"module \"a\" {\n  source = <<E\n./a\nE\n}\n", false},
		"two strings":        {"module \"a\" {\n  source = true ? \"./a\" : \"./b\"\n}\n", true},
		"string first":       {"module \"a\" {\n  source = \"./a\" == \"\" ? \"./a\" : \"./b\"\n}\n", false},
		"twice":              {"module \"a\" {\n  source = \"./a\"\n  source = \"./b\"\n}\n", false},
		"dollar dollar":      {"locals {\n a = \"$${x}\"\n}\nmodule \"a\" {\n  source = \"./a\"\n}\n", true},
		"dollars":            {"locals {\n a = \"$$${x}\"\n}\n", false},
		"escaped source":     {"module \"a\" {\n  source = \"./$${x}\"\n}\n", false},
		"percent":            {"locals {\n a = \"100%\"\n b = \"5 $\"\n}\nmodule \"a\" {\n  source = \"./a\"\n}\n", true},
		"windows":            {"module \"a\" {\r\n  source = \"./a\"\r\n  b = <<E\r\nE\r\n}\r\n", true},
		"variables":          {"variable \"a\" {}\nvariable \"b\" {\n  default = null\n}\nvariable \"c\" {\n  type = object({ default = string })\n  validation {\n    default = 1\n  }\n}\n", true},
		"attributes":         {"a = 1\nb = [\n  1,\n  {\n    c = 2\n  },\n]\nd = <<E\ne = 1\nE\n", true},
		"templates":          {"locals {\n  a = \"${x == \"}\" ? \"{\" : \"${\"}\"}\"}\"\n  b = <<E\n%{ for x in y ~}\n${x} }\n%{ endfor ~}\nE\n}\nmodule \"a\" {\n  source = \"./a\"\n}\n", true},
		"end after template": {"a = <<E\n${x}E\nE\nb = 1\n", true},
		"byte order mark":    {"\ufeffmodule \"a\" {\n  source = \"./a\"\n}\n", false},
		"other languages":    {"module \"a\" {\n  # größe\n  name = \"größe\"\n  source = \"./a\"\n}\nmodule \"größe\" {\n  source = \"./b\"\n}\n", true},
		"after a block":      {"module \"a\" {\n  source = \"./a\"\n} module \"b\" {\n  source = \"./b\"\n}\n", false},
		"no line":            {"module \"a\"\n{\n  source = \"./a\"\n}\n", false},
		"division":           {"locals {\n  a = 4 /2\n  b = 4/ /* } */ 2\n}\n", true},
		"fooled by heredoc":  {"locals {\n  a = \"${<<A\n\"\nA\n}\"\n}\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			if sure := compareOutline(t, "x.tf", []byte(c.src)); sure != c.sure {
				t.Errorf("sure is %t", sure)
			}
		})
	}
}

// TestOutlineOfFiles compares the outlines of all the files at hand with what the parser finds, and the calls of every
// directory with those of its module.
func TestOutlineOfFiles(t *testing.T) {
	roots := []string{"../.."}
	if corpus := os.Getenv("PLUMBLINE_CORPUS"); corpus != "" {
		roots = append(roots, corpus)
	}
	for _, root := range roots {
		files, sure := 0, 0
		tree := os.DirFS(root)
		byDir := map[string]bool{}
		err := fs.WalkDir(tree, ".", func(p string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules") {
				return fs.SkipDir
			}
			if ext := extension(p); entry.IsDir() || ext == "" || strings.HasSuffix(ext, ".json") {
				return nil
			}
			content, err := os.ReadFile(filepath.Join(root, p))
			if err != nil {
				return nil
			}
			files++
			if compareOutline(t, p, content) {
				sure++
			}
			byDir[path.Dir(p)] = true
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: sure of %d files of %d", root, sure, files)
		if sure*100 < files*90 {
			t.Errorf("%s: sure of only %d files of %d", root, sure, files)
		}
		e := &estate{workspace: treeWorkspace(tree), limits: treeWorkspace(tree).Limits.Defaults(), loaded: map[string]*folder{}}
		for dir := range byDir {
			f := e.load(dir)
			if f == nil || len(f.module().problems) > 0 {
				continue
			}
			var want []string
			for _, name := range sortedNames(f.module().calls) {
				if a := f.module().calls[name].Body.Attributes["source"]; a != nil {
					if src, ok := literalText(a.Expr); ok {
						if to, local := localDir(dir, src); local && !slices.Contains(want, to) {
							want = append(want, to)
						}
					}
				}
			}
			if diff := cmp.Diff(want, f.callees()); diff != "" {
				t.Errorf("%s calls: %s", dir, diff)
			}
			defaults := map[string]bool{}
			for name, v := range f.module().variables {
				defaults[name] = v.block.Body.Attributes["default"] != nil
			}
			if diff := cmp.Diff(defaults, f.variables()); diff != "" {
				t.Errorf("%s variables: %s", dir, diff)
			}
		}
	}
}

// FuzzOutline compares the scan with HCL's own scanner: where the scan is sure, the tokens must not be worse than it says,
// and the outline must be that of the parser.
func FuzzOutline(f *testing.F) {
	for _, seed := range []string{
		"module \"a\" {\n  source = \"./a\"\n}\n", "a = \"${<<A\n\"\nA\n((((", "/* \" */ ((((", "a = <<E\n${x}\nE\n", "a = \"$${\"\n[[[[",
		"a = \"%{if x}%{endif}\"\n", "a = <<-E\n  %{ for a in b ~}\n  E\n", "x {\n a = \"\\${\"\n}\n", "a = 1e5\n", "a = <<E\n$\nE\n[[[", "a = \"$\"\n((((",
		"a = \"%${\"\n", "a = [<<E\n  E\n]\n", "a = <<E\r\nE\r\n", "variable \"a\" {\n default = 1\n}\n",
	} {
		f.Add([]byte(seed))
	}
	const limit = 4
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 4096 {
			return
		}
		_, refused := scanFile(src, limit)
		tokens, _ := hclsyntax.LexConfig(src, "x.tf", hcl.InitialPos)
		if r := refuseTokens(tokens, limit); r != nil && refused == nil {
			t.Errorf("the scan lets pass what HCL's scanner finds: %s\n%q", r.message, src)
		}
		compareOutline(t, "x.tf", src)
	})
}
