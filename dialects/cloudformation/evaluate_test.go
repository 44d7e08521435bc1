package cloudformation

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

var set = sync.OnceValue(schema.Load)

// tree makes a workspace of files in memory.
func tree(files map[string]string) *dialect.Workspace {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return &dialect.Workspace{FS: fsys, Read: func(p string) (*source.File, *source.Problem) {
		b, err := fs.ReadFile(fsys, p)
		if err != nil {
			return nil, &source.Problem{Kind: source.Unreadable, Range: source.Range{File: p}, Message: "it is not there"}
		}
		return &source.File{Path: p, Bytes: b}, nil
	}}
}

// openTree opens what the dialect claims of a workspace.
func openTree(t testing.TB, d dialect.Dialect, w *dialect.Workspace) dialect.Estate {
	t.Helper()
	var paths []string
	err := fs.WalkDir(w.FS, ".", func(p string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if d.Claims(p, func() []byte { b, _ := fs.ReadFile(w.FS, p); return b }) {
			paths = append(paths, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	e, problems := d.Open(context.Background(), w, paths)
	for _, p := range problems {
		t.Logf("opening: %s %s", p.Range.File, p.Message)
	}
	return e
}

// evaluated evaluates the only unit of some files.
func evaluated(t testing.TB, w *dialect.Workspace) *dialect.Unit {
	t.Helper()
	e := openTree(t, New(set()), w)
	if len(e.Units()) != 1 {
		t.Fatalf("units %v, want one", e.Units())
	}
	return e.Evaluate(context.Background(), e.Units()[0])
}

// natives returns the native resources of a unit by address.
func natives(u *dialect.Unit) map[string]*native {
	out := map[string]*native{}
	for _, r := range u.Graph.Resources {
		if o, ok := r.Handle.(*translate.Origin); ok {
			n := o.Native.Handle.(*native)
			out[n.address()] = n
		}
	}
	return out
}

func problemsOf(u *dialect.Unit) string {
	var b strings.Builder
	for _, p := range u.Problems {
		fmt.Fprintf(&b, "%s: %s\n", p.Kind, p.Message)
	}
	return b.String()
}

// dump writes a value: value.Show, with a ? behind elements that may not be there, and marks of who gives it.
func dump(v *value.Value) string {
	var b strings.Builder
	switch {
	case v.Sensitive:
		b.WriteString("secret ")
	}
	switch v.Kind {
	case value.List:
		b.WriteString("[")
		for i := range v.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(dump(&v.Items[i]))
			if v.Items[i].Maybe {
				b.WriteString("?")
			}
		}
		if v.Open {
			b.WriteString("…")
		}
		b.WriteString("]")
	case value.Object:
		b.WriteString("{")
		for i := range v.Fields {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(v.Fields[i].Name + ": " + dump(&v.Fields[i].Value))
		}
		if v.Open {
			b.WriteString("…")
		}
		b.WriteString("}")
	case value.String:
		if v.Given {
			b.WriteString("given ")
		}
		b.WriteString("'" + v.Text + "'")
	case value.Unknown:
		if v.Text != "" {
			b.WriteString("'" + v.Text + "'")
		}
		b.WriteString("*")
		if v.Ending != "" {
			b.WriteString("'" + v.Ending + "'")
		}
		if !v.NotNull {
			b.WriteString("or null")
		}
	default:
		b.WriteString(value.Show(v))
	}
	return b.String()
}

const preamble = `
Transform: AWS::LanguageExtensions
Parameters:
  Name: {Type: String, Default: web}
  Empty: {Type: String, Default: ""}
  Number: {Type: Number, Default: 3}
  Zones: {Type: CommaDelimitedList, Default: "a, b,c"}
  None: {Type: CommaDelimitedList, Default: ""}
  Ports: {Type: List<Number>, Default: "80,443"}
  Subnets: {Type: "List<AWS::EC2::Subnet::Id>"}
  Env: {Type: String, AllowedValues: [dev-1, dev-2, prod]}
  Stage: {Type: String, AllowedValues: [stage-a, stage-b]}
  Only: {Type: String, AllowedValues: [one]}
  Open: {Type: String}
  Secret: {Type: String, NoEcho: true}
  Known: {Type: String, NoEcho: "true", Default: hunter2}
  Image: {Type: "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", Default: /aws/ami}
  Images: {Type: "AWS::SSM::Parameter::Value<List<String>>", Default: /aws/amis}
  Key: {Type: "AWS::EC2::KeyPair::KeyName", Default: ops}
  Flag: {Type: String, Default: "true"}
  Dynamic: {Type: String, Default: "{{resolve:ssm:/db/password:1}}"}
Mappings:
  Regions:
    us-east-1: {ami: ami-1, arch: arm, zones: [a, b]}
    eu-west-1: {ami: ami-2, arch: arm, zones: [a, b]}
  Sizes:
    web: {size: big, ports: [80, 443], enabled: true, number: 5}
  Accounts:
    "012345678901": {name: one}
Conditions:
  Always: !Equals [a, a]
  Never: !Equals [a, b]
  IsProd: !Equals [!Ref Env, prod]
  IsStaging: !Equals [!Ref Env, staging]
  IsOpen: !Equals [!Ref Open, x]
  NotProd: !Not [!Condition IsProd]
  ProdAndOpen: !And [!Condition IsProd, !Condition IsOpen]
Resources:
  Bucket: {Type: "AWS::S3::Bucket"}
  Handler: {Type: "AWS::Lambda::Function"}
  Topic: {Type: "AWS::SNS::Topic"}
  Thing: {Type: "Custom::Thing"}
  T:
    Type: AWS::Test::Type
    Properties:
      V: `

// evaluations are expressions with what the Template Reference says they yield.
var evaluations = []struct{ expr, want string }{
	// Plain values.
	{`text`, `'text'`},
	{`"text"`, `'text'`},
	{`5`, `5`},
	{`"5"`, `'5'`},
	{`5.50`, `5.5`},
	{`true`, `true`},
	{`yes`, `true`},
	{`off`, `false`},
	{`"yes"`, `'yes'`},
	{`2012-10-17`, `'2012-10-17'`},
	{`012345678901`, `'012345678901'`},
	{`0`, `0`},
	{`[a, 1, true]`, `['a', 1, true]`},
	{`{b: 1, a: [x]}`, `{a: ['x'], b: 1}`},
	{`[]`, `[]`},
	{`{}`, `{}`},
	{`null`, `null`},
	// Ref.
	{`!Ref Name`, `'web'`},
	{`{Ref: Name}`, `'web'`},
	{`!Ref Empty`, `''`},
	{`!Ref Number`, `'3'`},
	{`!Ref Zones`, `['a', 'b', 'c']`},
	{`!Ref None`, `[]`},
	{`!Ref Ports`, `['80', '443']`},
	{`!Ref Subnets`, `[…]`},
	{`!Ref Env`, `*`},
	{`!Ref Stage`, `'stage-'*`},
	{`!Ref Only`, `'one'`},
	{`!Ref Open`, `*`},
	{`!Ref Secret`, `secret *`},
	{`!Ref Known`, `secret 'hunter2'`},
	{`!Ref Image`, `*`},
	{`!Ref Images`, `[…]`},
	{`!Ref Key`, `'ops'`},
	{`!Ref Dynamic`, `*`},
	{`!Ref Bucket`, `*`},
	{`{Ref: Bucket}`, `*`},
	{`!Ref Topic`, `'arn:'*`},
	{`!Sub "${Topic}/x"`, `'arn:'*'/x'`},
	{`!Ref AWS::NoValue`, `(not set)`},
	{`{Ref: "AWS::NoValue"}`, `(not set)`},
	{`!Ref AWS::Region`, `*`},
	{`!Ref AWS::AccountId`, `*`},
	{`!Ref AWS::Partition`, `'aws'*`},
	{`!Ref AWS::StackName`, `*`},
	{`!Ref AWS::StackId`, `'arn:aws'*`},
	{`!Ref AWS::URLSuffix`, `*`},
	{`!Ref AWS::NotificationARNs`, `[…]`},
	{`{a: !Ref AWS::NoValue, b: 1}`, `{b: 1}`},
	{`[a, !Ref AWS::NoValue, b]`, `['a', 'b']`},
	// Fn::GetAtt.
	{`!GetAtt Bucket.Arn`, `'arn:'*`},
	{`!GetAtt [Bucket, Arn]`, `'arn:'*`},
	{`{"Fn::GetAtt": [Bucket, DomainName]}`, `*`},
	{`{"Fn::GetAtt": Bucket.Arn}`, `'arn:'*`},
	{`!GetAtt Thing.Arn`, `*`},
	{`{"Fn::GetAtt": [Bucket, !Ref Name]}`, `*`},
	// Fn::Sub.
	{`!Sub plain`, `'plain'`},
	{`!Sub "${Name}-x"`, `'web-x'`},
	{`{"Fn::Sub": "${Name}-${Number}"}`, `'web-3'`},
	{`!Sub "arn:${AWS::Partition}:s3:::x"`, `'arn:aws'*':s3:::x'`},
	{`!Sub "arn:aws:s3:::${Bucket}/*"`, `'arn:aws:s3:::'*'/*'`},
	{`!Sub "${Bucket.Arn}/*"`, `'arn:'*'/*'`},
	{`!Sub "${Open}-x"`, `*`},
	{`!Sub "${!Literal}"`, `'${Literal}'`},
	{`!Sub "a ${!A} ${Name} ${!B}"`, `'a ${A} web ${B}'`},
	{`!Sub ["${a}-${Name}", {a: !Ref Number}]`, `'3-web'`},
	{`!Sub ["${Name}", {Name: own}]`, `'own'`},
	{`{"Fn::Sub": ["${a}${b}", {a: x, b: !Ref Open}]}`, `'x'*`},
	{`!Sub "$Name {Name} $${Name}"`, `'$Name {Name} $web'`},
	{`!Sub "${Name"`, `'${Name'`},
	{`!Sub "${Known}"`, `secret 'hunter2'`},
	{`!Sub "user:${Secret}@"`, `secret 'user:'*'@'`},
	{`!Sub "{{resolve:secretsmanager:${Name}:SecretString:p}}"`, `*`},
	{`!Sub "x-{{resolve:ssm:${Open}}}"`, `'x-'*`},
	// Dynamic references.
	{`"{{resolve:secretsmanager:MySecret:SecretString:password}}"`, `*`},
	{`"{{resolve:ssm-secure:/p:1}}"`, `*`},
	{`"postgres://u:{{resolve:ssm:/p}}@db"`, `'postgres://u:'*'@db'`},
	{`!Join ["", ["{{resolve:secretsmanager:", !Ref Thing, "::password}}"]]`, `*`},
	// Fn::Join.
	{`!Join [":", [a, b, c]]`, `'a:b:c'`},
	{`{"Fn::Join": ["", [a, 1, true]]}`, `'a1true'`},
	{`!Join [",", !Ref Zones]`, `'a,b,c'`},
	{`!Join ["-", []]`, `''`},
	{`!Join ["", ["arn:", !Ref "AWS::Partition", ":s3:::", !Ref Name]]`, `'arn:aws'*':s3:::web'`},
	{`!Join ["-", [x, !Ref Open, y]]`, `'x-'*'-y'`},
	{`!Join [",", !Ref Subnets]`, `*`},
	{`!Join ["-", [a, !If [IsProd, b, !Ref "AWS::NoValue"], c]]`, `'a'*'-c'`},
	{`!Join ["-", [a, !If [Always, b, c]]]`, `'a-b'`},
	// Fn::Split and Fn::Select.
	{`!Split ["|", "a|b|c"]`, `['a', 'b', 'c']`},
	{`!Split [",", ""]`, `['']`},
	{`{"Fn::Split": [":", !Ref Open]}`, `[…]`},
	{`!Split [":", !Sub "arn:${Name}:${Open}"]`, `['arn', 'web'…]`},
	{`!Split ["-", !GetAtt Bucket.Arn]`, `[…]`},
	{`!Select [0, [a, b]]`, `'a'`},
	{`!Select ["1", [a, b]]`, `'b'`},
	{`{"Fn::Select": ["2", !Ref Zones]}`, `'c'`},
	{`!Select [0, !GetAZs ""]`, `*`},
	{`!Select [1, !Split [":", "arn:aws:s3"]]`, `'aws'`},
	{`!Select [1, !Split [":", !Sub "arn:x:${Open}"]]`, `'x'`},
	{`!Select [2, !Split [":", !Sub "arn:x:${Open}"]]`, `*`},
	{`!Select [!Ref Open, [a, b]]`, `*`},
	{`!Select [0, !Ref Subnets]`, `*`},
	{`!Select [1, [!If [Always, a, b], c]]`, `'c'`},
	{`!Select [0, [!Ref "AWS::NoValue", c]]`, `'c'`},
	{`!Select [0, [!If [IsProd, a, !Ref "AWS::NoValue"], c]]`, `*`},
	// Fn::If.
	{`!If [Always, a, b]`, `'a'`},
	{`!If [Never, a, b]`, `'b'`},
	{`{"Fn::If": [Always, a, b]}`, `'a'`},
	{`!If [IsProd, a, b]`, `*`},
	{`!If [IsProd, same, same]`, `'same'`},
	{`!If [IsProd, prefix-a, prefix-b]`, `'prefix-'*`},
	{`!If [IsProd, "a: x", "a: yx"]`, `'a: '*'x'`},
	{`!If [IsProd, true, false]`, `*`},
	{`!If [IsProd, true, true]`, `true`},
	{`!If [IsProd, "false", false]`, `false`},
	{`!If [IsProd, false, "False"]`, `false`},
	{`!If [IsProd, "22", 22]`, `22`},
	{`!If [IsProd, "022", 22]`, `*`},
	{`!If [IsProd, "true", false]`, `*`},
	{`!If [IsProd, a, !Ref "AWS::NoValue"]`, `*or null`},
	{`!If [Always, !Ref "AWS::NoValue", b]`, `(not set)`},
	{`!If [Never, a, !Ref "AWS::NoValue"]`, `(not set)`},
	{`!If [IsProd, {a: 1, b: x}, {a: 1, b: y}]`, `{a: 1, b: *}`},
	{`!If [IsProd, {a: 1}, {b: 1}]`, `{a: *or null, b: *or null}`},
	{`!If [IsProd, [a], [b]]`, `['a'?, 'b'?]`},
	{`!If [IsProd, [a], !Ref "AWS::NoValue"]`, `*or null`},
	{`[!If [IsProd, a, b], c]`, `['a'?, 'b'?, 'c']`},
	{`[!If [IsProd, a, !Ref "AWS::NoValue"], c]`, `['a'?, 'c']`},
	{`[!If [Always, a, b], c]`, `['a', 'c']`},
	{`!If [IsProd, !If [IsProd, a, b], c]`, `*`},
	{`!If [IsProd, !If [NotProd, a, b], b]`, `'b'`},
	{`!If [ProdAndOpen, !If [IsProd, x, y], x]`, `'x'`},
	{`!If [IsStaging, a, b]`, `'b'`},
	// Conditions.
	{`!If [!Equals [!Ref Name, web], a, b]`, `'a'`},
	{`!If [!Not [!Condition Always], a, b]`, `'b'`},
	{`!If [!And [!Condition Always, !Condition Never], a, b]`, `'b'`},
	{`!If [!And [!Condition Never, !Condition IsOpen], a, b]`, `'b'`},
	{`!If [!And [!Condition Always, !Condition IsOpen], a, b]`, `*`},
	{`!If [!Or [!Condition Always, !Condition IsOpen], a, b]`, `'a'`},
	{`!If [!Or [!Condition Never, !Condition IsOpen], a, b]`, `*`},
	{`!If [!Not [!Condition IsOpen], a, b]`, `*`},
	{`!If [!Equals [!Ref Flag, true], a, b]`, `'a'`},
	{`!If [!Equals [!Ref Number, 3], a, b]`, `'a'`},
	{`!If [!Equals [!Ref Empty, ""], a, b]`, `'a'`},
	{`!If [!Equals [!Ref Name, WEB], a, b]`, `'b'`},
	{`!If [!Equals [!Ref Stage, prod], a, b]`, `'b'`},
	{`!If [!Equals [!Ref Stage, stage-c], a, b]`, `'b'`},
	{`!If [!Equals [!Ref AWS::Partition, gov], a, b]`, `'b'`},
	{`!If [!Equals [!Ref AWS::Region, us-east-1], a, b]`, `*`},
	{`!If [!Equals [!Ref Open, !Ref Open], a, b]`, `*`},
	{`!If [!Equals [!Join ["", !Ref Zones], abc], a, b]`, `'a'`},
	{`!If [!Equals [!Sub "x${Open}", "y"], a, b]`, `'b'`},
	{`{"Fn::If": [{"Fn::Or": [{"Condition": Never}, {"Fn::Equals": [a, a]}]}, x, y]}`, `'x'`},
	// Fn::FindInMap.
	{`!FindInMap [Sizes, web, size]`, `'big'`},
	{`{"Fn::FindInMap": [Sizes, !Ref Name, size]}`, `'big'`},
	{`!FindInMap [Sizes, web, ports]`, `[80, 443]`},
	{`!FindInMap [Sizes, web, enabled]`, `true`},
	{`!FindInMap [Sizes, web, number]`, `5`},
	{`!FindInMap [Regions, !Ref AWS::Region, ami]`, `'ami-'*`},
	{`!FindInMap [Regions, !Ref AWS::Region, arch]`, `'arm'`},
	{`!FindInMap [Regions, !Ref AWS::Region, zones]`, `['a', 'b']`},
	{`!FindInMap [Regions, us-east-1, !Ref Open]`, `*`},
	{`!FindInMap [Accounts, !Ref AWS::AccountId, name]`, `'one'`},
	{`!FindInMap [Sizes, api, size, {DefaultValue: small}]`, `'small'`},
	{`!FindInMap [Sizes, !Ref Open, size, {DefaultValue: small}]`, `*`},
	{`!FindInMap [Sizes, !Ref Open, size, {DefaultValue: big}]`, `'big'`},
	{`!FindInMap [Sizes, web, none, {DefaultValue: !Ref Name}]`, `'web'`},
	// Fn::Base64.
	{`!Base64 hello`, `'aGVsbG8='`},
	{`{"Fn::Base64": !Sub "${Name}"}`, `'d2Vi'`},
	{`{"Fn::Base64": !Sub "abcd${Open}"}`, `'YWJj'*`},
	{`{"Fn::Base64": {"Fn::Join": ["", [a, b]]}}`, `'YWI='`},
	// Fn::Cidr.
	{`!Cidr ["192.168.0.0/24", 3, 5]`, `['192.168.0.0/27', '192.168.0.32/27', '192.168.0.64/27']`},
	{`!Cidr ["10.0.0.0/16", "2", "8"]`, `['10.0.0.0/24', '10.0.1.0/24']`},
	{`!Select [1, !Cidr ["10.0.0.0/16", 2, 8]]`, `'10.0.1.0/24'`},
	{`!Cidr [!GetAtt Bucket.CidrBlock, 2, 8]`, `[*, *]`},
	{`!Cidr ["2001:db8::/56", 2, 64]`, `['2001:db8::/64', '2001:db8:0:1::/64']`},
	{`!Cidr ["10.0.0.0/16", !Ref Open, 8]`, `[…]`},
	// The rest.
	{`!GetAZs ""`, `[…]`},
	{`!GetAZs {Ref: "AWS::Region"}`, `[…]`},
	{`{"Fn::GetAZs": us-east-1}`, `[…]`},
	{`!ImportValue network-vpc`, `*`},
	{`{"Fn::ImportValue": !Sub "${Name}-vpc"}`, `*`},
	{`{"Fn::Length": [a, b, c]}`, `3`},
	{`{"Fn::Length": !Ref Zones}`, `3`},
	{`{"Fn::Length": !Ref Subnets}`, `*`},
	{`!Length [a, !If [IsProd, b, !Ref "AWS::NoValue"]]`, `*`},
	{`{"Fn::ToJsonString": {b: !Ref Name, a: [1, true]}}`, `'{"a":[1,true],"b":"web"}'`},
	{`!ToJsonString [a]`, `'["a"]'`},
	{`{"Fn::ToJsonString": {a: !Ref Open}}`, `*`},
	// Loops over properties.
	{`{"Fn::ForEach::L": [X, [a, b], {"K${X}": {name: !Ref X, text: "${X}-t", sub: !Sub "${X}.${Name}"}}]}`,
		`{Ka: {name: 'a', sub: 'a.web', text: 'a-t'}, Kb: {name: 'b', sub: 'b.web', text: 'b-t'}}`},
	{`{own: 1, "Fn::ForEach::L": [X, !Ref Zones, {"K${X}": !Ref X}]}`, `{Ka: 'a', Kb: 'b', Kc: 'c', own: 1}`},
	{`{"Fn::ForEach::L": [X, ["1.2", "3"], {"K&{X}": "&{X}/${X}"}]}`, `{K12: '12/1.2', K3: '3/3'}`},
	{`{"Fn::ForEach::A": [X, [a, b], {"Fn::ForEach::B": [Y, [c], {"${X}${Y}": !Ref Y}]}]}`, `{ac: 'c', bc: 'c'}`},
	{`{"Fn::ForEach::L": [X, !Ref Subnets, {"K${X}": 1}]}`, `{…}`},
	{`{"Fn::ForEach::L": [X, [], {"K${X}": 1}]}`, `{}`},
	// What is not at hand.
	{`{"Fn::Transform": {Name: "AWS::Include", Parameters: {Location: "s3://x"}}}`, `*or null`},
	{`{a: 1, "Fn::Transform": {Name: "AWS::Include"}}`, `{a: 1…}`},
	{`!Transform {Name: Mine}`, `*or null`},
	{`!Unheard of`, `*or null`},
}

func TestEvaluate(t *testing.T) {
	if len(evaluations) < 150 {
		t.Errorf("only %d evaluations", len(evaluations))
	}
	for _, c := range evaluations {
		text := preamble + c.expr + "\n"
		u := evaluated(t, tree(map[string]string{"t.yaml": text}))
		for _, p := range u.Problems {
			if p.Kind != source.Unresolved {
				t.Errorf("%s: %s", c.expr, p.Message)
			}
		}
		n := natives(u)["T"]
		if n == nil {
			t.Errorf("%s: the resource is not there", c.expr)
			continue
		}
		if got := dump(n.body.Field("V")); got != c.want {
			t.Errorf("%s = %s, want %s", c.expr, got, c.want)
		}
		twin := evaluated(t, tree(map[string]string{"t.json": asJSON(t, text)}))
		if got := dump(natives(twin)["T"].body.Field("V")); got != c.want {
			t.Errorf("in JSON %s = %s, want %s", c.expr, got, c.want)
		}
	}
}

// asJSON writes a template in JSON, functions in their long form.
func asJSON(t testing.TB, yaml string) string {
	d, problems := document.Parse(&source.File{Path: "t.yaml", Bytes: []byte(yaml)}, dialect.Limits{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var plain func(n *document.Node) any
	plain = func(n *document.Node) any {
		if name, ok := shortForm(n.Tag); ok {
			bare := *n
			bare.Tag = ""
			if name == "Fn::GetAtt" && n.Kind == document.Scalar {
				id, attribute, _ := strings.Cut(n.Text, ".")
				return map[string]any{name: []any{id, attribute}}
			}
			return map[string]any{name: plain(&bare)}
		}
		switch n.Kind {
		case document.Sequence:
			out := []any{}
			for _, item := range n.Items {
				out = append(out, plain(item))
			}
			return out
		case document.Mapping:
			out := map[string]any{}
			for _, m := range n.Members {
				out[m.Key.Text] = plain(m.Value)
			}
			return out
		}
		if v := n.Value(true, nil); v.Kind != value.String && !(len(n.Text) > 1 && n.Text[0] == '0') {
			return json.RawMessage(v.AppendJSON(nil, false))
		}
		return n.Text
	}
	b, err := json.Marshal(plain(d.Roots[0]))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRefs(t *testing.T) {
	u := evaluated(t, tree(map[string]string{"t.yaml": preamble + `
        - !Ref Bucket
        - {deep: !Sub "${Handler.Arn}-${Bucket}"}
        - !If [IsProd, !GetAtt Handler.Arn, !Ref "AWS::NoValue"]
        - !Ref "AWS::NoValue"
        - !Join ["", [!GetAtt [Bucket, DomainName]]]
`}))
	var got []string
	for _, ref := range natives(u)["T"].refs {
		got = append(got, ref.Path.String()+" "+ref.Target+" "+ref.Attribute)
	}
	want := []string{"V[0] Bucket ", "V[1].deep Handler Arn", "V[1].deep Bucket ", "V[2] Handler Arn", "V[3] Bucket DomainName"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b := u.Graph.ByAddress("Bucket")
	if from := u.Graph.Referrers(b, "AWS::Test::Type"); len(from) != 1 {
		t.Errorf("%d resources refer to the bucket, want 1", len(from))
	}
}

var _ = resource.Set
