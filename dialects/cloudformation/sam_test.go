package cloudformation

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSAM(t *testing.T) {
	const text = `
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: python3.12
    Tracing: Active
    Environment: {Variables: {A: global, B: global}}
    Layers: [one]
    VpcConfig: {SubnetIds: [s-1]}
  Api: {TracingEnabled: true, AccessLogSetting: {DestinationArn: !GetAtt Logs.Arn}}
Resources:
  Logs:
    Type: AWS::Logs::LogGroup
  Fn:
    Type: AWS::Serverless::Function
    DeletionPolicy: Retain
    Properties:
      Handler: app.main
      Environment: {Variables: {B: own}}
      Layers: [two]
      Tags: {team: x}
      KmsKeyArn: !GetAtt Key.Arn
      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Dead.Arn}
      Policies:
        - AmazonS3FullAccess
        - arn:aws:iam::aws:policy/AdministratorAccess
        - {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: !GetAtt Logs.Arn}]}
        - S3ReadPolicy: {BucketName: b}
        - PowerUserAccess
      FunctionUrlConfig: {AuthType: NONE, Cors: {AllowOrigins: ["*"]}}
      Events:
        Get: {Type: Api, Properties: {Path: /, Method: get}}
        Put: {Type: S3, Properties: {Bucket: !Ref Files}}
        Poll: {Type: SQS, Properties: {Queue: q}}
  Plain:
    Type: AWS::Serverless::Function
    Properties: {Runtime: nodejs22.x, Role: "arn:aws:iam::1:role/r", Tracing: PassThrough}
  Key: {Type: "AWS::KMS::Key"}
  Dead: {Type: "AWS::SQS::Queue"}
  Files: {Type: "AWS::S3::Bucket"}
  Table:
    Type: AWS::Serverless::SimpleTable
    Properties: {PrimaryKey: {Name: k, Type: Number}, SSESpecification: {SSEEnabled: true}}
  Rest:
    Type: AWS::Serverless::Api
    Properties: {StageName: live, EndpointConfiguration: {Type: REGIONAL}, Domain: {DomainName: d, CertificateArn: c, SecurityPolicy: TLS_1_0}}
  Http:
    Type: AWS::Serverless::HttpApi
    Properties: {CorsConfiguration: true}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties: {Name: m, Type: EXPRESS, Logging: {Level: ALL}, Tracing: {Enabled: true}, Policies: [{Statement: [{Effect: Deny, Action: "*"}]}]}
  Wire:
    Type: AWS::Serverless::Connector
    Properties: {Source: {Id: Fn}}
  User:
    Type: AWS::A::A
    Properties: {V: !GetAtt FnRole.Arn, W: !Ref ServerlessRestApi}
`
	u := evaluated(t, tree(map[string]string{"t.yaml": text}))
	if got := problemsOf(u); got != "" {
		t.Error(got)
	}
	all := natives(u)
	var types []string
	for address, n := range all {
		types = append(types, address+" "+n.typ)
	}
	slices.Sort(types)
	want := strings.Split(`Dead AWS::SQS::Queue
Files AWS::S3::Bucket
Fn AWS::Lambda::Function
FnGetPermission AWS::Lambda::Permission
FnPutPermission AWS::Lambda::Permission
FnRole AWS::IAM::Role
FnUrl AWS::Lambda::Url
FnUrlPublicPermissions AWS::Lambda::Permission
Http AWS::ApiGatewayV2::Api
HttpApiGatewayDefaultStage AWS::ApiGatewayV2::Stage
Key AWS::KMS::Key
Logs AWS::Logs::LogGroup
Machine AWS::StepFunctions::StateMachine
MachineRole AWS::IAM::Role
Plain AWS::Lambda::Function
Rest AWS::ApiGateway::RestApi
RestDomainName AWS::ApiGateway::DomainName
RestliveStage AWS::ApiGateway::Stage
ServerlessRestApi AWS::ApiGateway::RestApi
ServerlessRestApiProdStage AWS::ApiGateway::Stage
Table AWS::DynamoDB::Table
User AWS::A::A
Wire AWS::Serverless::Connector`, "\n")
	if diff := cmp.Diff(want, types); diff != "" {
		t.Fatal(diff)
	}
	for _, c := range []struct{ at, property, want string }{
		{"Fn", "Environment", "{Variables: {A: 'global', B: 'own'}}"},
		{"Fn", "Layers", "['one', 'two']"},
		{"Fn", "TracingConfig", "{Mode: 'Active'}"},
		{"Fn", "Tags", "[{Key: 'team', Value: 'x'}]"},
		{"Fn", "DeletionPolicy", "'Retain'"},
		{"Fn", "DeadLetterConfig", "{TargetArn: 'arn:'*}"},
		{"Fn", "Role", "'arn:'*"},
		{"Plain", "Runtime", "'nodejs22.x'"},
		{"Plain", "TracingConfig", "{Mode: 'PassThrough'}"},
		{"Plain", "Role", "'arn:aws:iam::1:role/r'"},
		{"FnRole", "ManagedPolicyArns", "['arn:aws'*':iam::aws:policy/service-role/AWSLambdaBasicExecutionRole', 'arn:aws'*':iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole', 'arn:aws'*'/AWSXrayWriteOnlyAccess', 'arn:aws'*'/AmazonS3FullAccess', 'arn:aws:iam::aws:policy/AdministratorAccess', 'arn:aws'*':iam::aws:policy/PowerUserAccess']"},
		{"FnRole", "Policies", "[{PolicyDocument: {Statement: [{Action: '*', Effect: 'Allow', Resource: 'arn:'*}], Version: '2012-10-17'}, PolicyName: 'FnRolePolicy2'}, {PolicyDocument: *}]"},
		{"FnUrl", "AuthType", "'NONE'"},
		{"FnUrlPublicPermissions", "Principal", "'*'"},
		{"FnPutPermission", "Principal", "'s3.amazonaws.com'"},
		{"FnGetPermission", "SourceArn", "'arn:'*"},
		{"Table", "BillingMode", "'PAY_PER_REQUEST'"},
		{"Table", "AttributeDefinitions", "[{AttributeName: 'k', AttributeType: 'N'}]"},
		{"Table", "SSESpecification", "{SSEEnabled: true}"},
		{"RestliveStage", "TracingEnabled", "true"},
		{"RestliveStage", "AccessLogSetting", "{DestinationArn: 'arn:'*}"},
		{"Rest", "EndpointConfiguration", "{Types: ['REGIONAL']}"},
		{"RestDomainName", "SecurityPolicy", "'TLS_1_0'"},
		{"ServerlessRestApiProdStage", "StageName", "'Prod'"},
		{"HttpApiGatewayDefaultStage", "StageName", "'$default'"},
		{"Machine", "TracingConfiguration", "{Enabled: true}"},
		{"Machine", "StateMachineType", "'EXPRESS'"},
	} {
		if got := dump(all[c.at].body.Field(c.property)); got != c.want {
			t.Errorf("%s.%s = %s, want %s", c.at, c.property, got, c.want)
		}
	}
	refs := func(at string) (out []string) {
		for _, ref := range all[at].refs {
			out = append(out, ref.Path.String()+" "+ref.Target+" "+ref.Attribute)
		}
		slices.Sort(out)
		return out
	}
	if diff := cmp.Diff([]string{"DeadLetterConfig.TargetArn Dead Arn", "KmsKeyArn Key Arn", "Role FnRole Arn"}, refs("Fn")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Policies[0].PolicyDocument.Statement[0].Resource Logs Arn"}, refs("FnRole")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"AccessLogSetting.DestinationArn Logs Arn", "RestApiId Rest "}, refs("RestliveStage")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"V FnRole Arn", "W ServerlessRestApi "}, refs("User")); diff != "" {
		t.Error(diff)
	}
	at := all["Fn"].body.Field("TracingConfig").Field("Mode").Range
	if got := text[at.Start:at.End]; got != "Tracing: Active" {
		t.Errorf("tracing stands at %q", got)
	}
}
