package cloudformation

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

func TestClaims(t *testing.T) {
	for _, c := range []struct {
		path, text string
		want       bool
	}{
		{"a.yaml", "Resources:\n  B:\n    Type: AWS::S3::Bucket\n", true},
		{"a.yml", "# a remark\n---\nResources:\r\n  B:\r\n    Type: \"AWS::S3::Bucket\"\r\n", true},
		{"a.template", "AWSTemplateFormatVersion: 2010-09-09\nResources: {}\n", true},
		{"a.cfn", "'Resources':\n  B:\n    'Type': 'Custom::X'\n", true},
		{"a.json", `{"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}`, true},
		{"a.template", `{"AWSTemplateFormatVersion": "2010-09-09", "Resources": {}}`, true},
		{"a.json", `{"Description": "a \"Resources\" {", "Resources": {"B": {"Properties": {"Type": "x"}, "Type": "Alexa::ASK::Skill"}}}`, true},
		{"a.yaml", "Resources: {B: {Type: AWS::S3::Bucket}}\n", true},
		{"a.yaml", "apiVersion: v1\nkind: ConfigMap\ndata:\n  x: |\n    Resources:\n      Type: AWS::S3::Bucket\n", false},
		{"a.yaml", "- hosts: all\n  vars:\n    Resources: AWS::S3::Bucket\n", false},
		{"a.yaml", "Resources:\n  a: b\n", false},
		{"a.yaml", "openapi: 3.0.0\nResources: x\n", false},
		{"a.json", `{"x": {"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}}`, false},
		{"a.json", `{"resources": [{"type": "Microsoft.Storage/storageAccounts"}]}`, false},
		{"a.json", `{"Version": "2012-10-17", "Statement": []}`, false},
		{"a.txt", "Resources:\n  B:\n    Type: AWS::S3::Bucket\n", false},
		{"p.json", `[{"ParameterKey": "a", "ParameterValue": "b"}]`, true},
		{"p.json", `{"Parameters": {"a": "b"}}`, true},
		{"p.json", `{"parameters": {"a": {"value": "b"}}}`, false},
		{"p.json", `{"x": {"Parameters": {"a": "b"}}}`, false},
		{"a.json", "", false},
		{"a.json", `{"Resources": {"B": {"Type": "AWS::S3`, true},
	} {
		if got := New(set()).Claims(c.path, func() []byte { return []byte(c.text) }); got != c.want {
			t.Errorf("%s %q: %v, want %v", c.path, c.text, got, c.want)
		}
	}
}

// properties dumps one property of every native resource.
func properties(u *dialect.Unit, name string) map[string]string {
	out := map[string]string{}
	for address, n := range natives(u) {
		got := dump(n.body.Field(name))
		if n.maybe {
			got += "?"
		}
		out[address] = got
	}
	return out
}

func TestConditionalResources(t *testing.T) {
	u := evaluated(t, tree(map[string]string{"t.yaml": `
Parameters: {Env: {Type: String}, Size: {Type: String, Default: s}}
Conditions:
  Prod: !Equals [!Ref Env, prod]
  Large: !Equals [!Ref Size, l]
  Both: !And [!Condition Prod, !Not [!Condition Large]]
Resources:
  A:
    Type: AWS::A::A
    Properties: {V: 1}
  B: {Type: "AWS::A::A", Condition: Prod, Properties: {V: !If [Prod, in, out]}}
  C: {Type: "AWS::A::A", Condition: Large, Properties: {V: 1}}
  D: {Type: "AWS::A::A", Condition: Both, Properties: {V: !If [Prod, in, out]}}
  E: {Type: "AWS::A::A", Properties: {V: !If [Both, !If [Prod, x, y], x]}, DeletionPolicy: Retain}
`}))
	want := map[string]string{"A": "1", "B": "'in'?", "D": "'in'?", "E": "'x'"}
	if diff := cmp.Diff(want, properties(u, "V")); diff != "" {
		t.Error(diff)
	}
	if got := dump(natives(u)["E"].body.Field("DeletionPolicy")); got != "'Retain'" {
		t.Errorf("DeletionPolicy %s", got)
	}
	if got := u.Graph.ByAddress("D").When; !slices.Equal(got, []string{"Conditions.Both"}) {
		t.Errorf("D exists when %v", got)
	}
	if got := problemsOf(u); got != "" {
		t.Error(got)
	}
}

func TestLoops(t *testing.T) {
	u := evaluated(t, tree(map[string]string{"t.yaml": `
Transform: [AWS::LanguageExtensions]
Parameters:
  Names: {Type: CommaDelimitedList, Default: "a,b"}
  More: {Type: CommaDelimitedList}
Conditions:
  "Fn::ForEach::Cs": [N, !Ref Names, {"Is${N}": !Equals [!Ref N, a]}]
Resources:
  Fn::ForEach::Buckets:
    - N
    - !Ref Names
    - Bucket${N}:
        Type: AWS::A::A
        Condition: Is${N}
        Properties: {V: !Sub "x-${N}", To: !GetAtt "Topic${N}.Arn"}
      Topic${N}:
        Type: AWS::A::B
        Properties: {V: !Ref N}
  Fn::ForEach::Unknown:
    - N
    - !Ref More
    - Thing${N}:
        Type: AWS::A::C
        Properties: {V: !Sub "x-${N}"}
Outputs:
  Fn::ForEach::Outs: [N, !Ref Names, {"Out${N}": {Value: !Ref N}}]
`}))
	want := map[string]string{"Bucketa": "'x-a'", "Topica": "'a'", "Topicb": "'b'", "Thing${N}": "'x-'*?"}
	if diff := cmp.Diff(want, properties(u, "V")); diff != "" {
		t.Error(diff)
	}
	if refs := natives(u)["Bucketa"].refs; len(refs) != 1 || refs[0].Target != "Topica" {
		t.Errorf("references %v", refs)
	}
	if out := u.Graph.ByAddress("Outputs.Outb"); out == nil || dump(out.Body.Field("value")) != "'b'" {
		t.Errorf("the output of the loop is %v", out)
	}
	if got := problemsOf(u); got != "" {
		t.Error(got)
	}
}

func TestNested(t *testing.T) {
	files := map[string]string{
		"main.yaml": `
Parameters: {Env: {Type: String}}
Conditions: {Prod: !Equals [!Ref Env, prod]}
Resources:
  Key:
    Type: AWS::KMS::Key
  Logs:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: ./nested/logs.yaml
      Parameters: {Name: logs, Key: !GetAtt Key.Arn, Names: !Join [",", [x, y]]}
  Maybe:
    Type: AWS::CloudFormation::Stack
    Condition: Prod
    Properties: {TemplateURL: nested/logs.yaml, Parameters: {Name: !Ref Env}}
  User:
    Type: AWS::A::A
    Properties: {V: !GetAtt Logs.Outputs.Name, W: !GetAtt Logs.Outputs.Bucket}
  Far:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: "https://s3.amazonaws.com/b/t.yaml", Parameters: {B: !Ref User}}
`,
		"nested/logs.yaml": `
Parameters:
  Name: {Type: String}
  Key: {Type: String, Default: none}
  Names: {Type: CommaDelimitedList, Default: ""}
Resources:
  Bucket:
    Type: AWS::A::A
    Properties: {V: !Sub "${Name}-bucket", K: !Ref Key, N: !Ref Names}
Outputs:
  Name: {Value: !Sub "${Name}-bucket"}
  Bucket: {Value: !Ref Bucket}
`}
	e := openTree(t, New(set()), tree(files))
	if diff := cmp.Diff([]dialect.UnitName{{Dir: "main.yaml"}}, e.Units()); diff != "" {
		t.Fatal(diff)
	}
	u := e.Evaluate(context.Background(), e.Units()[0])
	want := map[string]string{"Key": "(not set)", "Logs": "(not set)", "Maybe": "(not set)?", "Far": "(not set)", "User": "'logs-bucket'",
		"Stack.Logs.Bucket": "'logs-bucket'", "Stack.Maybe.Bucket": "*?"}
	if diff := cmp.Diff(want, properties(u, "V")); diff != "" {
		t.Error(diff)
	}
	bucket := natives(u)["Stack.Logs.Bucket"]
	if diff := cmp.Diff([]resource.Ref{{Path: value.Path{{Name: "K"}}, Target: "Key", Attribute: "Arn"}}, bucket.refs); diff != "" {
		t.Error(diff)
	}
	if got := dump(bucket.body.Field("N")); got != "['x', 'y']" {
		t.Errorf("Names = %s", got)
	}
	r := u.Graph.ByAddress("Stack.Logs.Bucket")
	if r.Module != "Stack.Logs" || len(r.Calls) != 1 || r.Calls[0].Address != "Stack.Logs" || r.Calls[0].Range.File != "main.yaml" {
		t.Errorf("module %q, calls %v", r.Module, r.Calls)
	}
	if got := u.Graph.ByAddress("Stack.Maybe.Bucket").When; !slices.Equal(got, []string{"Conditions.Prod"}) {
		t.Errorf("the bucket of the conditional stack exists when %v", got)
	}
	var to []string
	for _, ref := range natives(u)["User"].refs {
		to = append(to, ref.Path.String()+" "+ref.Target)
	}
	if diff := cmp.Diff([]string{"W Stack.Logs.Bucket"}, to); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]resource.Missing{{Address: "Stack.Far", Refs: []string{"User"}}}, u.Graph.Missing); diff != "" {
		t.Error(diff)
	}
	if got := problemsOf(u); got != "unresolved: the nested stack Far: its template is not in the tree; what it declares was not scanned\n" {
		t.Error(got)
	}
	if diff := cmp.Diff([]string{"main.yaml", "nested/logs.yaml"}, u.Reads.Files); diff != "" {
		t.Error(diff)
	}
}

func TestNestedCDK(t *testing.T) {
	u := evaluated(t, tree(map[string]string{
		"cdk.out/App.template.json": `{"Resources": {"N": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": {"Fn::Join": ["", ["https://s3.", {"Ref": "AWS::URLSuffix"}]]}},
			"Metadata": {"aws:cdk:path": "App/N.NestedStack", "aws:asset:path": "AppN.nested.template.json", "aws:asset:property": "TemplateURL"}}}}`,
		"cdk.out/AppN.nested.template.json": `{"Resources": {"B": {"Type": "AWS::A::A", "Metadata": {"aws:cdk:path": "App/N/B/Resource"}}}}`,
		"cdk.out/App.assets.json":           `{"version": "36.0.0", "files": {}}`,
	}))
	r := u.Graph.ByAddress("Stack.N.B")
	if r == nil || r.Name != "App/N/B/Resource" {
		t.Errorf("got %v %s", r, problemsOf(u))
	}
}

func TestParameterFiles(t *testing.T) {
	const template = `
Parameters: {Env: {Type: String, AllowedValues: [dev, prod]}, Size: {Type: String, Default: small}}
Resources:
  A:
    Type: AWS::A::A
    Properties: {V: !Sub "${Env}-${Size}"}
`
	entry := func(k, v string) string { return `[{"ParameterKey": "` + k + `", "ParameterValue": "` + v + `"}]` }
	for _, c := range []struct {
		name  string
		files map[string]string
		want  map[string]string // variant to value
	}{
		{"none", nil, map[string]string{"": "*"}},
		{"beside", map[string]string{"vpc.parameters.json": entry("Env", "dev")}, map[string]string{"vpc.parameters": "'dev-small'"}},
		{"by stage", map[string]string{"vpc-dev.json": entry("Env", "dev"), "vpc.params.prod.json": `{"Parameters": {"Env": "prod", "Size": "big"}}`},
			map[string]string{"dev": "'dev-small'", "prod": "'prod-big'"}},
		{"in a folder", map[string]string{"parameters/dev.json": entry("Env", "dev"), "parameters/other.json": entry("Other", "x")}, map[string]string{"dev": "'dev-small'"}},
		{"of another template", map[string]string{"web.yaml": "Resources:\n  A:\n    Type: AWS::A::B\n", "web.parameters.json": entry("Env", "dev")}, map[string]string{"": "*"}},
		{"that does not fit", map[string]string{"dev.json": `{"Parameters": {"Env": "dev", "Foreign": "x"}}`}, map[string]string{"": "*"}},
	} {
		files := map[string]string{"vpc.yaml": template}
		for name, text := range c.files {
			files[name] = text
		}
		e := openTree(t, New(set()), tree(files))
		got := map[string]string{}
		for _, name := range e.Units() {
			if name.Dir == "vpc.yaml" {
				got[name.Variant] = properties(e.Evaluate(context.Background(), name), "V")["A"]
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestVars(t *testing.T) {
	const template = `
Parameters: {Env: {Type: String, AllowedValues: [dev, prod]}, Password: {Type: String, NoEcho: true}, Zones: {Type: CommaDelimitedList}}
Resources:
  A:
    Type: AWS::A::A
    Properties: {V: [!Ref Env, !Ref Password, !Ref Zones, !Ref AWS::Region]}
`
	w := tree(map[string]string{"t.yaml": template, "t.parameters.json": `{"Parameters": {"Env": "dev"}}`})
	w.Vars = []dialect.Var{{File: &source.File{Path: "x/p.json", Bytes: []byte(`{"Env": "dev", "Zones": ["a", "b"]}`)}}, {Name: "Env", Value: "prod"}, {Name: "Password", Value: "p"}, {Name: "AWS::Region", Value: "eu-west-1"}}
	u := evaluated(t, w)
	if got, want := properties(u, "V")["A"], "[given 'prod', secret given 'p', [given 'a', given 'b'], given 'eu-west-1']"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	w.Vars = []dialect.Var{{Name: "Env", Value: "test"}}
	u = evaluated(t, tree(map[string]string{"t.yaml": template, "t.parameters.json": `{"Parameters": {"Env": "test"}}`}))
	if got := problemsOf(u); !strings.Contains(got, "not among its AllowedValues") {
		t.Errorf("problems %q", got)
	}
	w.Vars = nil
	w.Inputs = func(dir string) dialect.Inputs {
		return dialect.Inputs{Sets: []dialect.InputSet{{Name: "live", Files: []string{"t.parameters.json"}}, {Name: "gone", Files: []string{"gone.json"}}}}
	}
	e := openTree(t, New(set()), w)
	if diff := cmp.Diff([]dialect.UnitName{{Dir: "t.yaml", Variant: "gone"}, {Dir: "t.yaml", Variant: "live"}}, e.Units()); diff != "" {
		t.Error(diff)
	}
	if in := e.(dialect.Inputter).Inputs(); !slices.Contains(in, "Password") || !slices.Contains(in, "AWS::Region") {
		t.Errorf("inputs %v", in)
	}
}

func TestVariablesAndOutputs(t *testing.T) {
	u := evaluated(t, tree(map[string]string{"t.yaml": `
Parameters:
  Password: {Type: String, NoEcho: true, Default: hunter2, Description: the password}
  Ports: {Type: List<Number>}
Resources:
  A:
    Type: AWS::A::A
Outputs:
  Where: {Value: !GetAtt A.Arn, Description: it}
`}))
	r := u.Graph.ByAddress("Parameters.Password")
	if got, want := dump(&r.Body), "{default: secret 'hunter2', description: 'the password', sensitive: true, type: 'string'}"; r.Type != "variable" || got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := dump(&u.Graph.ByAddress("Parameters.Ports").Body), "{type: 'list(number)'}"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	out := u.Graph.ByAddress("Outputs.Where")
	if got, want := dump(&out.Body), "{description: 'it', value: 'arn:'*}"; out.Type != "output" || got != want || len(out.Refs) != 1 {
		t.Errorf("%s, want %s; refs %v", got, want, out.Refs)
	}
}

func TestProblems(t *testing.T) {
	for text, want := range map[string]string{
		"Resources:\n  A:\n    Type: AWS::A::A\n    Properties: {V: !Ref Nobody}\n":                                               `unresolved: there is no parameter or resource "Nobody"`,
		"Resources:\n  A:\n    Type: AWS::A::A\n    Properties: {V: !GetAtt Nobody.Arn}\n":                                        `unresolved: there is no resource "Nobody"`,
		"Resources:\n  A:\n    Type: AWS::A::A\n    Condition: Nobody\n":                                                          `unresolved: there is no condition "Nobody"`,
		"Resources:\n  A:\n    Type: AWS::A::A\n  B: {}\n":                                                                        `invalid: the resource "B" has no Type`,
		"Resources:\n  A:\n    Type: AWS::A::A\n    Properties: [1]\n":                                                            `invalid: the Properties of "A" are no mapping; what it declares was not judged`,
		"Conditions: {A: !Condition B, B: !Not [!Condition A]}\nResources:\n  A:\n    Type: AWS::A::A\n    Condition: A\n":        `invalid: the condition "A" refers to itself, directly or through others`,
		"Resources:\n  A:\n    Type: AWS::A::A\n    Properties: {V: !Join [a]}\n":                                                 `invalid: Fn::Join takes a text to put between and a list`,
		"Transform: Mine\nResources:\n  A:\n    Type: AWS::A::A\n    Properties: {V: !Ref Nobody}\n":                              `unresolved: the macro "Mine" may change the template and is not at hand; the template was read as it is written`,
		"Mappings: {M: {a: {b: c}}}\nResources:\n  A:\n    Type: AWS::A::A\n    Properties: {V: !FindInMap [M, x, b]}\n":          `unresolved: there is no entry "x", "b" in the mapping "M"`,
		"Resources:\n  A:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: gone.yaml}\n":                      `unresolved: the nested stack A: there is no template gone.yaml; what it declares was not scanned`,
		"Resources:\n  A:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: t.yaml}\n":                         `limit: the nested stack A: the template t.yaml nests itself, directly or through others`,
		"Resources:\n  A:\n    Type: AWS::A::A\n    Properties: {V: !Select [5, [a]]}\n":                                          `invalid: Fn::Select: there is no element 5 in the list`,
		"Resources:\n  A:\n    Type: AWS::A::A\n    Properties: {V: {Fn::Transform: {Name: M}, b: {Fn::Transform: {Name: M}}}}\n": `unresolved: Fn::Transform: what the macro "M" makes is not known`,
	} {
		u := evaluated(t, tree(map[string]string{"t.yaml": text}))
		if got := strings.TrimSpace(problemsOf(u)); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
		for _, p := range u.Problems {
			if p.Range.File != "t.yaml" || p.Range.End > len(text) {
				t.Errorf("%s: a problem stands at %v", text, p.Range)
			}
		}
	}
}
