package cloudformation

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
)

const service = `service: shop
custom:
  table: ${self:service}-${opt:stage, 'dev'}
  cfg: ${file(config.yml)}
provider:
  name: aws
  runtime: nodejs20.x
  stage: ${opt:stage, 'dev'}
  environment: {TABLE: "${self:custom.table}", TOKEN: "${env:TOKEN}"}
  tracing: {lambda: true}
  iam:
    role:
      statements:
        - {Effect: Allow, Action: "*", Resource: !GetAtt Table.Arn}
functions:
  hello-world:
    handler: a.b
    environment: {OWN: x}
    url: true
    events:
      - http: {path: "/hello/{id}", method: get}
      - http: {path: /in, method: post, private: true, authorizer: aws_iam}
  other:
    handler: c.d
    runtime: python3.12
    role: arn:aws:iam::1:role/r
    tracing: PassThrough
resources:
  - Resources:
      Table:
        Type: AWS::DynamoDB::Table
        Properties:
          TableName: ${self:custom.table}
          Size: ${self:custom.cfg.size}
          Name: !Sub "${self:service}-${AWS::Region}"
          None: ${ssm:/path}
          Fallback: ${self:custom.none, ${self:custom.cfg.size}}
  - ${file(more.yml)}
`

func TestServerless(t *testing.T) {
	files := map[string]string{"serverless.yml": service, "config.yml": "size: 5\n", "more.yml": "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: \"${self:service}-q\"}\n"}
	d := NewServerless(set())
	w := tree(files)
	e := openTree(t, d, w)
	if diff := cmp.Diff([]dialect.UnitName{{Dir: "serverless.yml"}}, e.Units()); diff != "" {
		t.Fatal(diff)
	}
	u := e.Evaluate(context.Background(), e.Units()[0])
	if got := problemsOf(u); got != "" {
		t.Error(got)
	}
	all := natives(u)
	var types []string
	for address, n := range all {
		types = append(types, address+" "+n.typ)
	}
	slices.Sort(types)
	want := strings.Split(`ApiGatewayMethodHelloIdVarGet AWS::ApiGateway::Method
ApiGatewayMethodInPost AWS::ApiGateway::Method
HelloDashworldLambdaFunction AWS::Lambda::Function
HelloDashworldLambdaFunctionUrl AWS::Lambda::Url
HelloDashworldLogGroup AWS::Logs::LogGroup
IamRoleLambdaExecution AWS::IAM::Role
OtherLambdaFunction AWS::Lambda::Function
OtherLogGroup AWS::Logs::LogGroup
Queue AWS::SQS::Queue
Table AWS::DynamoDB::Table`, "\n")
	if diff := cmp.Diff(want, types); diff != "" {
		t.Fatal(diff)
	}
	for _, c := range []struct{ at, property, want string }{
		{"Table", "TableName", "'shop-dev'"},
		{"Table", "Size", "5"},
		{"Table", "Name", "'shop-'*"},
		{"Table", "None", "*"},
		{"Table", "Fallback", "5"},
		{"Queue", "QueueName", "'shop-q'"},
		{"HelloDashworldLambdaFunction", "Runtime", "'nodejs20.x'"},
		{"HelloDashworldLambdaFunction", "Environment", "{Variables: {OWN: 'x', TABLE: 'shop-dev', TOKEN: *}}"},
		{"HelloDashworldLambdaFunction", "TracingConfig", "{Mode: 'Active'}"},
		{"HelloDashworldLambdaFunction", "Role", "'arn:'*"},
		{"HelloDashworldLambdaFunctionUrl", "AuthType", "'NONE'"},
		{"OtherLambdaFunction", "Runtime", "'python3.12'"},
		{"OtherLambdaFunction", "TracingConfig", "{Mode: 'PassThrough'}"},
		{"OtherLambdaFunction", "Role", "'arn:aws:iam::1:role/r'"},
		{"IamRoleLambdaExecution", "Policies", "[{PolicyDocument: {Statement: [{Action: '*', Effect: 'Allow', Resource: 'arn:'*}], Version: '2012-10-17'}, PolicyName: 'lambda'}]"},
		{"ApiGatewayMethodHelloIdVarGet", "AuthorizationType", "'NONE'"},
		{"ApiGatewayMethodInPost", "AuthorizationType", "'AWS_IAM'"},
	} {
		if got := dump(all[c.at].body.Field(c.property)); got != c.want {
			t.Errorf("%s.%s = %s, want %s", c.at, c.property, got, c.want)
		}
	}
	if r := u.Graph.ByAddress("Queue"); r.Range.File != "more.yml" || r.Dialect != "serverless" {
		t.Errorf("the queue stands in %v of %s", r.Range, r.Dialect)
	}
	if diff := cmp.Diff([]string{"config.yml", "more.yml", "serverless.yml"}, u.Reads.Files); diff != "" {
		t.Error(diff)
	}
	if refs := all["IamRoleLambdaExecution"].refs; len(refs) != 1 || refs[0].Target != "Table" {
		t.Errorf("the role refers to %v", refs)
	}

	lowered, err := u.Edit(u.Graph.ByAddress("HelloDashworldLambdaFunction"), []resource.Change{setTo("runtime", text("nodejs22.x"))})
	if err != nil || len(lowered.Edits) != 1 || !strings.Contains(lowered.Edits[0].Text, "runtime: nodejs22.x") {
		t.Errorf("an edit: %v, %v", lowered, err)
	}
	lowered, err = u.Edit(u.Graph.ByAddress("Queue"), []resource.Change{setTo("name", text("q"))})
	if err != nil || len(lowered.Edits) != 1 || lowered.Edits[0].Range.File != "more.yml" {
		t.Errorf("an edit in another file: %v, %v", lowered, err)
	}

	w.Vars = []dialect.Var{{Name: "stage", Value: "prod"}}
	e = openTree(t, d, w)
	u = e.Evaluate(context.Background(), e.Units()[0])
	if got := dump(natives(u)["Table"].body.Field("TableName")); got != "given 'shop-prod'" {
		t.Errorf("with a stage: %s", got)
	}
}

func TestServerlessHostile(t *testing.T) {
	for _, text := range []string{
		"service: a\nprovider: {name: aws}\ncustom: {a: \"${self:custom.b}\", b: \"${self:custom.a}\"}\nfunctions: {f: {handler: \"${self:custom.a}\", runtime: \"${self:functions.f}\"}}\n",
		"service: a\nprovider: {name: aws}\nfunctions: ${file(serverless.yml):functions}\nresources: ${file(serverless.yml)}\n",
		"service: a\nprovider:\n",
		"service: a\nprovider: {name: aws}\nfunctions: 5\nresources: [5, [], null]\n",
		"service: a\nprovider: {name: aws}\ncustom: {a: \"" + strings.Repeat("${self:custom.a, ", 300) + strings.Repeat("}", 300) + "\"}\nfunctions: {f: {handler: \"${self:custom.a}\"}}\n",
		"service: ${",
	} {
		e := openTree(t, NewServerless(set()), tree(map[string]string{"serverless.yml": text}))
		for _, name := range e.Units() {
			for _, p := range e.Evaluate(context.Background(), name).Problems {
				if p.Kind == "bug" {
					t.Errorf("%.100s: %s", text, p.Message)
				}
			}
		}
	}
}

func TestServerlessClaims(t *testing.T) {
	d := NewServerless(set())
	for _, c := range []struct {
		path, text string
		want       bool
	}{
		{"a/serverless.yml", "service: a\nprovider:\n  name: aws\n", true},
		{"serverless.prod.yaml", "service: a\nprovider:\n  name: aws\n", true},
		{"serverless.json", `{"service": "a", "provider": {}}`, true},
		{"serverless.yml", "a: b\n", false},
		{"service.yml", "service: a\nprovider:\n  name: aws\n", false},
	} {
		if got := d.Claims(c.path, func() []byte { return []byte(c.text) }); got != c.want {
			t.Errorf("%s: %v, want %v", c.path, got, c.want)
		}
	}
}
