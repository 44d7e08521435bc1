package cloudformation

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// setTo is a wish for a value at a path.
func setTo(path string, v value.Value) resource.Change {
	p, ok := value.ParsePath(path)
	if !ok {
		panic(path)
	}
	return resource.Change{Op: resource.Set, Path: p, Value: v}
}

func truly(b bool) value.Value { return value.Value{Kind: value.Bool, Bool: b} }

// edited applies what Edit makes of wishes about a resource of the first unit, and returns the files that changed.
func edited(t *testing.T, w *dialect.Workspace, address string, changes []resource.Change) (map[string]string, dialect.Lowered, error) {
	t.Helper()
	e := openTree(t, New(set()), w)
	u := e.Evaluate(context.Background(), e.Units()[0])
	r := u.Graph.ByAddress(address)
	if r == nil {
		t.Fatalf("there is no %s", address)
	}
	lowered, err := u.Edit(r, changes)
	if err != nil {
		return nil, lowered, err
	}
	byFile := map[string][]source.Edit{}
	for _, x := range lowered.Edits {
		byFile[x.Range.File] = append(byFile[x.Range.File], x)
	}
	out := map[string]string{}
	var changed []*source.File
	for name, edits := range byFile {
		f, _ := w.Read(name)
		b, err := source.Apply(f.Bytes, edits)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(b)
		changed = append(changed, &source.File{Path: name, Bytes: b})
	}
	after, problems := e.With(context.Background(), changed)
	if len(problems) > 0 {
		t.Errorf("after the edit: %v", problems)
	}
	u = after.Evaluate(context.Background(), after.Units()[0])
	if again, err := u.Edit(u.Graph.ByAddress(address), changes); err != nil || len(again.Edits) > 0 {
		t.Errorf("editing again gives %v, %v", again.Edits, err)
	}
	return out, lowered, nil
}

func TestEdit(t *testing.T) {
	for _, c := range []struct {
		name, text, address string
		changes             []resource.Change
		want                string // the lines that are new, or the error
	}{
		{"a literal", "Resources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      Encrypted: false # remark\n", "V",
			[]resource.Change{setTo("Encrypted", truly(true))}, "      Encrypted: true # remark\n"},
		{"a missing property", "Resources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      Size: 1\n", "V",
			[]resource.Change{setTo("Encrypted", truly(true))}, "      Encrypted: true\n"},
		{"no properties", "Resources:\n  V:\n    Type: AWS::A::A\n", "V",
			[]resource.Change{setTo("Encrypted", truly(true))}, "    Properties:\n      Encrypted: true\n"},
		{"a policy beside the properties", "Resources:\n  V:\n    Type: AWS::A::A\n    DeletionPolicy: Delete\n", "V",
			[]resource.Change{setTo("DeletionPolicy", text("Retain"))}, "    DeletionPolicy: Retain\n"},
		{"the default of a parameter of its own", "Parameters:\n  E: {Type: String, Default: \"false\"}\nResources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      Encrypted: !Ref E\n", "V",
			[]resource.Change{setTo("Encrypted", truly(true))}, "  E: {Type: String, Default: \"true\"}\n"},
		{"a parameter that others use", "Parameters:\n  E: {Type: String, Default: \"false\"}\nResources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      Encrypted: !Ref E\n  W:\n    Type: AWS::A::A\n    Properties:\n      Encrypted: !Ref E\n", "V",
			[]resource.Change{setTo("Encrypted", truly(true))}, "      Encrypted: true\n"},
		{"a parameter that does not allow it", "Parameters:\n  E: {Type: String, Default: \"no\", AllowedValues: [\"no\"]}\nResources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      Encrypted: !Ref E\n", "V",
			[]resource.Change{setTo("Encrypted", truly(true))}, "      Encrypted: true\n"},
		{"a function", "Resources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      Name: !Sub \"${AWS::Region}-x\"\n", "V",
			[]resource.Change{setTo("Name", text("y"))}, "      Name: \"y\"\n"},
		{"the branch that is taken", "Parameters: {P: {Type: String, Default: a}}\nConditions: {C: !Equals [!Ref P, a]}\nResources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      Encrypted: !If [C, false, true]\n", "V",
			[]resource.Change{setTo("Encrypted", truly(true))}, "      Encrypted: !If [C, true, true]\n"},
		{"a choice that nobody knows", "Parameters: {P: {Type: String}}\nConditions: {C: !Equals [!Ref P, a]}\nResources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      Encrypted: !If [C, true, false]\n", "V",
			[]resource.Change{setTo("Encrypted", truly(true))}, "      Encrypted: true\n"},
		{"inside a branch", "Conditions: {C: !Equals [a, a]}\nResources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      O: !If\n        - C\n        - {E: false}\n        - !Ref AWS::NoValue\n", "V",
			[]resource.Change{setTo("O.E", truly(true))}, "        - {E: true}\n"},
		{"an element behind one that is not there", "Conditions: {C: !Equals [a, b]}\nResources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      L:\n        - !If [C, {E: 1}, !Ref AWS::NoValue]\n        - E: false\n", "V",
			[]resource.Change{setTo("L[0].E", truly(true))}, "        - E: true\n"},
		{"all elements", "Resources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      L: [{E: false}, {E: true}, {}]\n", "V",
			[]resource.Change{setTo("L.E", truly(true))}, "      L: [{E: true}, {E: true}, {E: true}]\n"},
		{"a boolean in quotes", "Resources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      E: 'false'\n", "V",
			[]resource.Change{setTo("E", truly(true))}, "      E: 'true'\n"},
		{"the value of a key", "Resources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      L:\n        - Key: a\n          Value: false\n", "V",
			[]resource.Change{setTo("L[0].Value", truly(true))}, "          Value: \"true\"\n"},
		{"a key and its value", "Resources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      A: 1\n", "V",
			[]resource.Change{setTo("L", value.Value{Kind: value.List, Items: []value.Value{object(
				value.Field{Name: "Key", Value: text("a")}, value.Field{Name: "Value", Value: truly(true)})}})},
			"      L:\n        - Key: a\n          Value: \"true\"\n"},
		{"removed", "Resources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      A: 1\n      B: 2\n", "V",
			[]resource.Change{{Op: resource.Remove, Path: value.Path{{Name: "A"}}}}, ""},
		{"JSON", "{\n  \"Resources\": {\n    \"V\": {\n      \"Type\": \"AWS::A::A\",\n      \"Properties\": {\n        \"Size\": 1\n      }\n    }\n  }\n}\n", "V",
			[]resource.Change{setTo("Encrypted", truly(true))}, "        \"Size\": 1,\n        \"Encrypted\": true\n"},
		{"what a function makes the parts of", "Resources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      O: !FindInMap [A, b, c]\nMappings: {A: {b: {c: x}}}\n", "V",
			[]resource.Change{setTo("O.E", truly(true))}, "error: V: O is made by Fn::FindInMap, and its parts cannot be changed"},
		{"a parameter's default", "Parameters:\n  P:\n    Type: String\n    Default: x\nResources:\n  V:\n    Type: AWS::A::A\n", "Parameters.P",
			[]resource.Change{{Op: resource.Remove, Path: value.Path{{Name: "default"}}}, setTo("sensitive", truly(true))}, "    NoEcho: true\n"},
		{"what SAM makes", "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Tracing: PassThrough\n", "F",
			[]resource.Change{setTo("tracing_config.mode", text("Active"))}, "      Tracing: Active\n"},
		{"what SAM has from Globals", "Transform: AWS::Serverless-2016-10-31\nGlobals:\n  Function: {Tracing: PassThrough}\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: h\n", "F",
			[]resource.Change{setTo("tracing_config.mode", text("Active"))}, "      Tracing: Active\n"},
	} {
		files, _, err := edited(t, tree(map[string]string{"t.yaml": c.text}), c.address, c.changes)
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else {
			before := map[string]bool{}
			for line := range strings.Lines(c.text) {
				before[line] = true
			}
			for line := range strings.Lines(files["t.yaml"]) {
				if !before[line] {
					got += line
				}
			}
			if len(files) == 0 {
				got = "nothing"
			}
		}
		if c.name == "JSON" {
			got = strings.ReplaceAll(got, "\r", "")
		}
		if got != c.want {
			t.Errorf("%s: new lines\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestEditElsewhere(t *testing.T) {
	const template = "Parameters: {E: {Type: String}}\nResources:\n  V:\n    Type: AWS::A::A\n    Properties:\n      Encrypted: !Ref E\n"
	files, _, err := edited(t, tree(map[string]string{"t.yaml": template, "t.parameters.json": `[{"ParameterKey": "E", "ParameterValue": "false"}]`}), "V",
		[]resource.Change{setTo("Encrypted", truly(true))})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"t.parameters.json": `[{"ParameterKey": "E", "ParameterValue": "true"}]`}, files); diff != "" {
		t.Error(diff)
	}
	w := tree(map[string]string{"t.yaml": template})
	w.Vars = []dialect.Var{{Name: "E", Value: "false"}}
	if _, _, err := edited(t, w, "V", []resource.Change{setTo("Encrypted", truly(true))}); err == nil || !strings.Contains(err.Error(), "--var") {
		t.Errorf("a value from outside: %v", err)
	}
	files, _, err = edited(t, tree(map[string]string{
		"main.yaml":  "Resources:\n  S:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: child.yaml\n      Parameters:\n        E: false\n",
		"child.yaml": template}), "Stack.S.V", []resource.Change{setTo("Encrypted", truly(true))})
	if err != nil || !strings.HasSuffix(files["main.yaml"], "E: true\n") {
		t.Errorf("an argument: %v, %q", err, files)
	}
}

func TestEditShared(t *testing.T) {
	_, lowered, err := edited(t, tree(map[string]string{"t.yaml": `Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::L:
    - N
    - [a, b]
    - V${N}:
        Type: AWS::A::A
        Properties:
          Encrypted: false
`}), "Va", []resource.Change{setTo("Encrypted", truly(true))})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Vb"}, lowered.Shared); diff != "" {
		t.Error(diff)
	}
}

func TestCreate(t *testing.T) {
	policy := value.Value{Kind: value.Object, Fields: []value.Field{
		{Name: "bucket", Value: text("${this.id}")},
		{Name: "policy", Value: text(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Resource":["${this.arn}","${this.arn}/*"]}]}`)},
	}}
	for _, c := range []struct{ name, text, want string }{
		{"YAML", "Resources:\n  LogBucket:\n    Type: AWS::S3::Bucket\n    Condition: C\n    Properties:\n      BucketName: !Sub x\nConditions: {C: !Equals [a, a]}\n",
			"LogBucketPolicy:\n    Type: AWS::S3::BucketPolicy\n    Condition: C\n    Properties:\n      Bucket: !Ref LogBucket\n"},
		{"JSON", "{\n  \"Resources\": {\n    \"Logs\": {\n      \"Type\": \"AWS::S3::Bucket\"\n    }\n  }\n}\n",
			"\"LogsBucketPolicy\": {\n      \"Type\": \"AWS::S3::BucketPolicy\",\n      \"Properties\": {\n        \"Bucket\": {\n          \"Ref\": \"Logs\"\n"},
	} {
		w := tree(map[string]string{"t.template": c.text})
		e := openTree(t, New(set()), w)
		u := e.Evaluate(context.Background(), e.Units()[0])
		var bucket *resource.Resource
		for _, r := range u.Graph.ByType("aws_s3_bucket") {
			bucket = r
		}
		files, _, err := edited(t, w, bucket.Address, []resource.Change{{Op: resource.Create, New: &resource.Companion{Type: "aws_s3_bucket_policy", Body: policy}}})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !strings.Contains(files["t.template"], c.want) {
			t.Errorf("%s:\n%s\nlacks\n%s", c.name, files["t.template"], c.want)
		}
	}
}

func TestExplain(t *testing.T) {
	e := openTree(t, New(set()), tree(map[string]string{"main.yaml": `
Parameters: {Acl: {Type: String, Default: Private}, Env: {Type: String}, Image: {Type: "AWS::SSM::Parameter::Value<String>"}}
Conditions: {Prod: !Equals [!Ref Env, prod]}
Mappings: {M: {a: {b: x}}}
Resources:
  A:
    Type: AWS::A::A
    Condition: Prod
    Properties:
      Known: !Ref Acl
      Mapped: !FindInMap [M, a, b]
      Unknown: !Sub "${Env}-${AWS::Region}"
      Computed: !GetAtt B.Arn
      Import: !ImportValue vpc
      Stored: !Ref Image
      Secret: "{{resolve:ssm:/p}}"
      Zones: !Select [0, !GetAZs ""]
      Output: !GetAtt S.Outputs.O
      Literal: 5
  B:
    Type: AWS::A::A
    Properties:
      Choice: !If [Prod, {X: 1}, {X: 2}]
  S:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: child.yaml, Parameters: {P: !Ref Env}}
`, "child.yaml": "Parameters: {P: {Type: String}}\nResources:\n  C:\n    Type: AWS::A::A\nOutputs: {O: {Value: !Ref P}}\n"}))
	u := e.Evaluate(context.Background(), e.Units()[0])
	for _, c := range []struct{ address, path, trace, waits string }{
		{"A", "Known", "Parameters.Acl", ""},
		{"A", "Mapped", "Mappings.M.a.b", ""},
		{"A", "Unknown", "", "pseudo AWS::Region, variable Parameters.Env"},
		{"A", "Computed", "", "computed B.Arn"},
		{"A", "Import", "", "import vpc"},
		{"A", "Stored", "Parameters.Image", "data Parameters.Image"},
		{"A", "Secret", "", "data {{resolve:ssm:/p}}"},
		{"A", "Zones", "", "function Fn::GetAZs"},
		{"A", "Output", "Stack.S.Outputs.O, Stack.S.Parameters.P, Stack.S.Parameters.P, Parameters.Env", "variable Parameters.Env"},
		{"A", "Literal", "", ""},
		{"A", "Absent", "", ""},
		{"A", "", "", "variable Parameters.Env"},
		{"B", "Choice.X", "", "variable Parameters.Env"},
	} {
		p, _ := value.ParsePath(c.path)
		x := u.Explain(u.Graph.ByAddress(c.address), p)
		var trace, waits []string
		for _, s := range x.Trace {
			trace = append(trace, s.Name)
			if s.Range.IsZero() {
				t.Errorf("%s.%s: the step %s stands nowhere", c.address, c.path, s.Name)
			}
		}
		for _, w := range x.Waits {
			waits = append(waits, w.Kind+" "+w.Name)
		}
		if got := strings.Join(trace, ", "); got != c.trace {
			t.Errorf("%s.%s comes by %q, want %q", c.address, c.path, got, c.trace)
		}
		if got := strings.Join(waits, ", "); got != c.waits {
			t.Errorf("%s.%s waits for %q, want %q", c.address, c.path, got, c.waits)
		}
	}
}

func TestComments(t *testing.T) {
	const yaml = "# plumbline:ignore a\nResources:\n  # plumbline:ignore b\n  A:\n    Type: AWS::A::A\n    Metadata:\n      plumbline:\n        ignore: [c, {rule: d, until: 2030-01-01, reason: because}]\n      checkov: {skip: [{id: CKV_AWS_1, comment: fine}]}\n    Properties:\n      V: 1 # plumbline:ignore e\n"
	e := openTree(t, New(set()), tree(map[string]string{"t.yaml": yaml}))
	var got []string
	for _, c := range e.Comments("t.yaml") {
		line := c.Text
		if !c.About.IsZero() {
			line += " about " + yaml[c.About.Start:c.About.Start+2]
		}
		if !c.Block.IsZero() {
			line += " in " + yaml[c.Block.Start:c.Block.Start+2]
		}
		got = append(got, line)
	}
	want := []string{"plumbline:ignore a", "plumbline:ignore b", "plumbline:ignore c about A: in A:", "plumbline:ignore d until=2030-01-01 because about A: in A:",
		"checkov:skip=CKV_AWS_1:fine about A: in A:", "plumbline:ignore e in A:"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
