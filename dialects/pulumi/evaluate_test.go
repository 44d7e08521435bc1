package pulumi

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

var set = schema.Load()

// units evaluates the units of a tree.
func units(t testing.TB, files map[string]string, vars ...dialect.Var) []*dialect.Unit {
	t.Helper()
	tree := fstest.MapFS{}
	var paths []string
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
		paths = append(paths, name)
	}
	reader := &source.Reader{FS: tree}
	d := New(set)
	var claimed []string
	for _, p := range paths {
		if d.Claims(p, func() []byte { return reader.Head(p) }) {
			claimed = append(claimed, p)
		}
	}
	e, problems := d.Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read, Vars: vars}, claimed)
	var out []*dialect.Unit
	for _, name := range e.Units() {
		out = append(out, e.Evaluate(context.Background(), name))
	}
	if len(out) > 0 {
		out[0].Problems = append(out[0].Problems, problems...)
	}
	return out
}

// TestExpressions has what each expression of the language comes to, as the tag of a bucket.
func TestExpressions(t *testing.T) {
	for _, c := range []struct{ name, write, want string }{
		{"text", `a`, `"a"`},
		{"config", `${name}`, `"x"`},
		{"config with the project's name", `${shop:name}`, `"x"`},
		{"config without default", `${open}`, `(unknown)`},
		{"variable", `${list[1]}`, `"b"`},
		{"key in quotes", `${map["a key"].deep}`, `"v"`},
		{"beyond the list", `${list[7]}`, `null`},
		{"in a text", `pre-${name}-${list[0]}`, `"pre-x-a"`},
		{"escaped", `$${name}`, `"${name}"`},
		{"property of a resource", `${disk.size}`, `"10"`},
		{"output of a resource", `${disk.arn}`, `(unknown)`},
		{"resource that is looked up", `${found.tags}`, `(unknown)`},
		{"project", `${pulumi.project}`, `"shop"`},
		{"stack", `${pulumi.stack}`, `(unknown)`},
		{"join", `{"fn::join": ["-", ["a", "${name}"]]}`, `"a-x"`},
		{"join with an unknown", `{"fn::join": ["-", ["a", "${open}"]]}`, `"a-"+(unknown)`},
		{"select", `{"fn::select": [1, ["a", "b"]]}`, `"b"`},
		{"split", `{"fn::select": [1, {"fn::split": [",", "a,b"]}]}`, `"b"`},
		{"toJSON", `{"fn::toJSON": {"a": [1, true]}}`, `{"a": [1, true]}`},
		{"toBase64", `{"fn::toBase64": "ab"}`, `"YWI="`},
		{"fromBase64", `{"fn::fromBase64": "YWI="}`, `"ab"`},
		{"secret", `{"fn::secret": "s"}`, `(sensitive)`},
		{"readFile", `{"fn::readFile": "./note.txt"}`, `"hello"`},
		{"readFile outside", `{"fn::readFile": "../../etc/passwd"}`, `(unknown)`},
		{"invoke", `{"fn::invoke": {"function": "aws:index:getRegion", "return": "name"}}`, `(unknown)`},
		{"invoke in short", `{"fn::aws:index:getRegion": {}}`, `(unknown)`},
		{"stackReference", `{"fn::stackReference": "org/p/s"}`, `(unknown)`},
		{"fileAsset", `{"fn::fileAsset": "./a"}`, `"./a"`},
		{"stringAsset", `{"fn::stringAsset": "a"}`, `"a"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			program := `name: shop
runtime: yaml
config:
  name: {type: string, default: x}
  open: {type: string}
variables:
  list: [a, b]
  map: {"a key": {deep: v}}
resources:
  disk: {type: "aws:ebs:Volume", properties: {size: 10}}
  found: {type: "aws:ebs:Volume", get: {id: vol-1}}
  b:
    type: aws:s3:Bucket
    properties:
      tags:
        t: ` + c.write + "\n"
			u := units(t, map[string]string{"p/Pulumi.yaml": program, "p/note.txt": "hello"})[0]
			got := value.Show(u.Graph.ByAddress("b").Body.At(value.Path{{Name: "tags"}, {Name: "t"}}))
			if got != c.want {
				t.Errorf("it is %s, want %s; problems: %v", got, c.want, u.Problems)
			}
		})
	}
}

func TestReferences(t *testing.T) {
	u := units(t, map[string]string{"Pulumi.yaml": `name: a
runtime: yaml
variables: {name: "${b.bucket}", all: ["${b.id}", x]}
resources:
  b: {type: "aws:s3:Bucket", properties: {bucket: logs}}
  p: {type: "aws:s3:BucketPolicy", properties: {bucket: "${all[0]}", policy: "x ${b.arn}"}}
  q: {type: "aws:s3:BucketVersioning", properties: {bucket: "${name}"}}
`})[0]
	got := map[string]string{}
	for _, r := range u.Graph.Resources {
		for _, ref := range r.Refs {
			got[r.Address+"."+ref.Path.String()] = ref.Target + "." + ref.Attribute
		}
	}
	for where, want := range map[string]string{"p.bucket": "b.id", "p.policy": "b.arn", "q.bucket": "b.bucket"} {
		if got[where] != want {
			t.Errorf("%s refers to %q, want %q", where, got[where], want)
		}
	}
	if v := u.Graph.ByAddress("q").Body.Field("bucket"); v.Text != "logs" {
		t.Errorf("the bucket of q is %s", value.Show(v))
	}
}

func TestInputs(t *testing.T) {
	files := map[string]string{
		"Pulumi.yaml":     "name: a\nruntime: yaml\nconfig:\n  size: {type: integer, default: 1}\nresources:\n  d: {type: 'aws:ebs:Volume', properties: {size: '${size}'}}\n",
		"Pulumi.dev.yaml": "config: {'a:size': 2}\n",
	}
	size := func(u *dialect.Unit) string { return value.Show(u.Graph.ByAddress("d").Body.Field("size")) }
	if got := size(units(t, files)[0]); got != "2" {
		t.Errorf("in the stack it is %s", got)
	}
	if got := size(units(t, files, dialect.Var{Name: "size", Value: "3"})[0]); got != "3" {
		t.Errorf("with --var it is %s", got)
	}
	file := &source.File{Path: "other.yaml", Bytes: []byte("config: {'a:size': 4}\n")}
	all := units(t, files, dialect.Var{File: file})
	if got := size(all[0]); got != "4" || len(all) != 1 {
		t.Errorf("with --var-file it is %s in %d units", got, len(all))
	}
}

func TestClaims(t *testing.T) {
	d := New(set)
	for _, c := range []struct {
		path, text string
		want       bool
	}{
		{"Pulumi.yaml", "name: a\nruntime: yaml\n", true},
		{"Pulumi.yaml", "name: a\nruntime:\n  name: yaml\n", true},
		{"Pulumi.yml", `{"name": "a", "runtime": "yaml"}`, true},
		{"Pulumi.yaml", "name: a\nruntime: nodejs\n", false},
		{"Pulumi.yaml", "name: a\nruntime:\n  name: python\n", false},
		{"Pulumi.dev.yaml", "config:\n  a:b: c\n", true},
		{"Main.yaml", "resources:\n  b:\n    type: aws:s3:Bucket\n", true},
		{"Main.yaml", "resources:\n  b:\n    type: AWS::S3::Bucket\n", false},
		{"main.yaml", "resources:\n  b:\n    type: aws:s3:Bucket\n", false},
		{"values.yaml", "resources:\n  type: aws:s3:Bucket\n", false},
	} {
		if got := d.Claims(c.path, func() []byte { return []byte(c.text) }); got != c.want {
			t.Errorf("%s %q: %v", c.path, c.text, got)
		}
	}
}

// TestHostile has programs that would take for ever, or for which there is no answer.
func TestHostile(t *testing.T) {
	const head = "name: a\nruntime: yaml\n"
	var bomb, chain strings.Builder
	bomb.WriteString(head + "variables:\n  v0: [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 12; i++ {
		n := string(rune('a' + i - 1))
		before := "v0"
		if i > 1 {
			before = string(rune('a' + i - 2))
		}
		bomb.WriteString("  " + n + ": [" + strings.TrimSuffix(strings.Repeat(`"${`+before+`}",`, 10), ",") + "]\n")
	}
	bomb.WriteString("resources:\n  r: {type: 'aws:s3:Bucket', properties: {tags: {a: {'fn::toJSON': '${k}'}}}}\n")
	chain.WriteString(head + "variables:\n")
	for i := range 3000 {
		chain.WriteString("  v" + strings.Repeat("i", i%7) + string(rune('a'+i%26)) + strings.Repeat("x", i/26) + ": '${v" + strings.Repeat("i", (i+1)%7) + string(rune('a'+(i+1)%26)) + strings.Repeat("x", (i+1)/26) + "}'\n")
	}
	chain.WriteString("resources:\n  r: {type: 'aws:s3:Bucket', properties: {bucket: '${va}'}}\n")
	for name, text := range map[string]string{
		"bomb":            bomb.String(),
		"chain":           chain.String(),
		"circle":          head + "variables: {a: '${b}', b: '${a}'}\nresources: {r: {type: 'aws:s3:Bucket', properties: {bucket: '${a}'}}}\n",
		"itself":          head + "resources: {r: {type: 'aws:s3:Bucket', properties: {bucket: '${r.bucket}'}}}\n",
		"each other":      head + "resources: {r: {type: 'aws:s3:Bucket', properties: {bucket: '${s.bucket}'}}, s: {type: 'aws:s3:Bucket', properties: {bucket: '${r.bucket}'}}}\n",
		"no name":         head + "resources: {r: {type: 'aws:s3:Bucket', properties: {bucket: '${nothing.x}'}}}\n",
		"list of nothing": head + "resources: [a]\nvariables: 3\noutputs: x\nconfig: []\n",
		"odd resource":    head + "resources: {r: 3, s: [], t: {type: 'aws:s3:Bucket', properties: 7}, u: {type: {a: b}}}\n",
		"no properties":   head + "variables: {u: {'fn::invoke': {}}}\nresources: {r: {type: 'a:b:C', properties: 7}, s: {type: 'a:b:C', properties: '${u}'}, t: {type: 'a:b:C', properties: [x]}, u: {type: 'a:b:C', properties: }}\n",
		"tags":            head + "resources: {r: {type: 'aws:s3:Bucket', properties: !!python/object {a: 1}}}\n",
		"broken":          head + "resources:\n  r: {type: 'aws:s3:Bucket\n",
		"not closed":      head + "resources: {r: {type: 'aws:s3:Bucket', properties: {bucket: '${a.b[', acl: '${}'}}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			u := units(t, map[string]string{"Pulumi.yaml": text})[0]
			for _, p := range u.Problems {
				if p.Kind == source.Bug {
					t.Errorf("a bug: %s", p.Message)
				}
			}
			for _, r := range u.Graph.Resources {
				if r.Body.Kind != value.Object {
					t.Errorf("the body of %s is %s", r.Address, r.Body.Kind)
				}
			}
			if len(u.Problems) == 0 && name != "itself" && name != "each other" && name != "list of nothing" && name != "tags" {
				t.Error("there is no problem")
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func program(resources int) []byte {
	var b strings.Builder
	b.WriteString("name: a\nruntime: yaml\nvariables:\n  zone: eu\nresources:\n")
	for i := range resources {
		n := strings.Repeat("n", i%9) + string(rune('a'+i%26)) + strings.Repeat("m", i/234)
		b.WriteString("  b" + n + ":\n    type: aws:s3:Bucket\n    properties:\n      bucket: logs-${zone}-" + n + "\n      acl: private\n      tags: {team: a, stage: b}\n" +
			"  g" + n + ":\n    type: aws:ec2:SecurityGroup\n    properties:\n      ingress:\n        - {protocol: tcp, fromPort: 22, toPort: 22, cidrBlocks: [10.0.0.0/8]}\n        - protocol: tcp\n          fromPort: 443\n          toPort: 443\n          cidrBlocks: [0.0.0.0/0]\n")
	}
	return []byte(b.String())
}

// TestGrowth holds that values which grow by being named again and again end in a problem, and soon.
func TestGrowth(t *testing.T) {
	const head = "name: a\nruntime: yaml\n"
	repeated := func(of string, times int) string { return strings.TrimSuffix(strings.Repeat(of+", ", times), ", ") }
	chain := func(entry func(i int) string) string {
		var b strings.Builder
		for i := range 60 {
			b.WriteString(entry(i))
		}
		return b.String()
	}
	resource := func(i int, tags string) string {
		return fmt.Sprintf("  r%d: {type: 'aws:s3:Bucket', properties: {tags: %s}}\n", i, tags)
	}
	for name, text := range map[string]string{
		"properties": head + "resources:\n" + chain(func(i int) string {
			return resource(i, fmt.Sprintf("{a: '${r%d.tags}', b: '${r%[1]d.tags}'}", i+1))
		}) + resource(60, "{z: z}"),
		"properties in lists": head + "resources:\n" + chain(func(i int) string {
			return resource(i, "["+repeated(fmt.Sprintf("'${r%d.tags}'", i+1), 10)+"]")
		}) + resource(60, "[x]"),
		"through JSON": head + "resources:\n" + chain(func(i int) string {
			return resource(i, fmt.Sprintf("{a: {'fn::toJSON': ['${r%d.tags.a}', '${r%[1]d.tags.a}']}}", i+1))
		}) + resource(60, "{a: a}"),
		"through base64": head + "variables:\n" + chain(func(i int) string {
			return fmt.Sprintf("  v%d: {'fn::toBase64': '${v%d}'}\n", i, i+1)
		}) + "  v60: " + strings.Repeat("x", 1000) + "\nresources:\n" + resource(0, "{a: '${v0}'}"),
		"texts": head + "resources:\n" + chain(func(i int) string {
			return resource(i, fmt.Sprintf("{a: '${r%d.tags.a}${r%[1]d.tags.a}'}", i+1))
		}) + resource(60, "{a: aaaaaaaa}"),
		"large texts often": head + "variables:\n  t: " + strings.Repeat("x", 1<<20) + "\nresources:\n" + resource(0, "["+repeated("'y${t}'", 5000)+"]"),
		"words often": head + "variables:\n  t: " + strings.Repeat("x,", 50_000) + "\nresources:\n" +
			resource(0, "["+repeated("{'fn::split': [',', '${t}']}", 1000)+"]"),
		"many resources": head + "variables:\n  t: [" + repeated("x", 50_000) + "]\nresources:\n" +
			chain(func(i int) string { return resource(i, "['${t}']") }),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			u := units(t, map[string]string{"Pulumi.yaml": text})[0]
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %s", took)
			} else {
				t.Logf("it took %s", took)
			}
			if !slices.ContainsFunc(u.Problems, func(p source.Problem) bool { return p.Kind == source.Limit }) {
				t.Errorf("there is no limit among the problems %v", u.Problems)
			}
		})
	}
}

// TestNamingLittle holds that naming a small part of something large counts for little.
func TestNamingLittle(t *testing.T) {
	var b strings.Builder
	b.WriteString("name: a\nruntime: yaml\nvariables:\n  big:\n    one: 1\n    all: [" + strings.TrimSuffix(strings.Repeat("x, ", 5000), ", ") + "]\n")
	b.WriteString("resources:\n  r: {type: 'aws:s3:Bucket', properties: {bucket: b, tags: {a: ['${big.all}']}}}\n  s:\n    type: aws:s3:Bucket\n    properties:\n      tags:\n")
	for i := range 100 {
		fmt.Fprintf(&b, "        t%d: ${big.one} ${r.bucket}\n", i)
	}
	if u := units(t, map[string]string{"Pulumi.yaml": b.String()})[0]; len(u.Problems) > 0 {
		t.Error(u.Problems)
	}
}

// BenchmarkParse is what BenchmarkEvaluate is measured by.
func BenchmarkParse(b *testing.B) {
	f := &source.File{Path: "Pulumi.yaml", Bytes: program(200)}
	for b.Loop() {
		document.Parse(f, dialect.Limits{})
	}
}

func BenchmarkEvaluate(b *testing.B) {
	files := map[string]string{"Pulumi.yaml": string(program(200))}
	for b.Loop() {
		units(b, files)
	}
}
