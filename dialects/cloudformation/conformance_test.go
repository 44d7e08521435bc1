package cloudformation

import (
	"bytes"
	"strings"
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

func remove(path string) resource.Change {
	p, _ := value.ParsePath(path)
	return resource.Change{Op: resource.Remove, Path: p}
}

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{
		{
			Name: "yaml",
			Files: map[string]string{
				"main.yaml": `AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Acl: # of the logs
    Type: String
    Default: PublicRead
  Key:
    Type: String
Conditions:
  Encrypted: !Not [!Equals [!Ref Key, ""]]
Resources:
  # a bucket
  Logs:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: acme-logs # its name
      AccessControl: !Ref Acl
      Tags:
        - Key: team
          Value: "a team"
  Data:
    Type: AWS::EC2::Volume
    Properties:
      Size: 10
      KmsKeyId: !Ref Key
      AvailabilityZone: !Select [0, !GetAZs ""]
  Web:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: web/disk.yaml
      Parameters:
        Size: 3
`,
				"web/disk.yaml": `Parameters:
  Size: {Type: Number}
Resources:
  Disk:
    Type: AWS::EC2::Volume
    Properties: {Size: !Ref Size, AvailabilityZone: eu-central-1b}
Outputs:
  Disk: {Value: !Ref Disk}
`,
			},
			Addresses: []string{"Logs", "Data", "Web", "Stack.Web.Disk", "Parameters.Acl", "Parameters.Key", "Stack.Web.Parameters.Size", "Stack.Web.Outputs.Disk"},
			Values: []dialecttest.Value{
				{Address: "Logs", Path: "bucket", Show: `"acme-logs"`},
				{Address: "Logs", Path: "acl", Show: `"public-read"`, At: "!Ref Acl"},
				{Address: "Logs", Path: "tags.team", Show: `"a team"`},
				{Address: "Data", Path: "kms_key_id", At: "!Ref Key", Wait: "Parameters.Key"},
				{Address: "Data", Path: "availability_zone", At: "GetAZs", Wait: "Fn::GetAZs"},
				{Address: "Stack.Web.Disk", Path: "size", Show: "3", At: "!Ref Size"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "set", Address: "Data", Changes: []resource.Change{setTo("encrypted", truly(true))}},
				{Name: "change", Address: "Logs", Changes: []resource.Change{setTo("bucket", text("acme"))}},
				{Name: "change at its origin", Address: "Logs", Changes: []resource.Change{setTo("acl", text("private"))}},
				{Name: "change the argument", Address: "Stack.Web.Disk", Changes: []resource.Change{setTo("size", value.Value{Kind: value.Number, Number: 4})}, Shared: []string{"Web"}},
				{Name: "remove", Address: "Data", Changes: []resource.Change{remove("kms_key_id")}},
			},
		},
		{
			Name: "json",
			Files: map[string]string{
				"app.template.json": `{
  "Parameters": {
    "Size": {"Type": "Number"}
  },
  "Resources": {
    "Disk": {
      "Type": "AWS::EC2::Volume",
      "DeletionPolicy": "Retain",
      "Properties": {
        "Size": {"Ref": "Size"},
        "AvailabilityZone": {"Fn::Join": ["", ["eu-central-1", "b"]]},
        "Encrypted": false
      }
    }
  }
}
`,
				"app.parameters.json": `[{"ParameterKey": "Size", "ParameterValue": "5"}]
`,
			},
			Addresses: []string{"app.parameters: Disk", "app.parameters: Parameters.Size"},
			Values: []dialecttest.Value{
				{Address: "app.parameters: Disk", Path: "size", Show: "5", At: `"Size": {"Ref": "Size"}`},
				{Address: "app.parameters: Disk", Path: "availability_zone", Show: `"eu-central-1b"`, At: "Fn::Join"},
				{Address: "app.parameters: Disk", Path: "encrypted", Show: "false"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "change", Address: "app.parameters: Disk", Changes: []resource.Change{setTo("encrypted", truly(true))}},
				{Name: "add", Address: "app.parameters: Disk", Changes: []resource.Change{setTo("kms_key_id", text("k"))}},
				{Name: "change the file of parameters", Address: "app.parameters: Disk", Changes: []resource.Change{setTo("size", value.Value{Kind: value.Number, Number: 6})}},
			},
		},
		{
			Name: "sam",
			Files: map[string]string{"template.yml": `Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: python3.12
Parameters:
  Mode: {Type: String}
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.main
      Role: arn:aws:iam::123456789012:role/r
      Tracing: !Ref Mode
`},
			Addresses: []string{"Fn", "Parameters.Mode"},
			Values: []dialecttest.Value{
				{Address: "Fn", Path: "handler", Show: `"app.main"`},
				{Address: "Fn", Path: "runtime", Show: `"python3.12"`},
				{Address: "Fn", Path: "tracing_config.mode", At: "!Ref Mode", Wait: "Parameters.Mode"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "rename", Address: "Fn", Changes: []resource.Change{setTo("tracing_config.mode", text("Active"))}},
				{Name: "override Globals", Address: "Fn", Changes: []resource.Change{setTo("runtime", text("python3.13"))}},
			},
		},
		{
			Name: "loop",
			Files: map[string]string{"loop.yaml": `Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Disks:
    - Name
    - [a, b]
    - Disk${Name}:
        Type: AWS::EC2::Volume
        Properties:
          Size: 10
          AvailabilityZone: !Sub eu-central-1${Name}
`},
			Addresses: []string{"Diska", "Diskb"},
			Values: []dialecttest.Value{
				{Address: "Diskb", Path: "availability_zone", Show: `"eu-central-1b"`, At: "!Sub"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "set", Address: "Diska", Changes: []resource.Change{setTo("encrypted", truly(true))}, Shared: []string{"Diskb"}},
			},
		},
	},
	Suppress: suppress,
}

// suppress writes a directive as a comment above the resource, and in JSON into its Metadata.
func suppress(f *source.File, r *resource.Resource, directive string) []source.Edit {
	at := func(offset int, text string) []source.Edit {
		return []source.Edit{{Range: source.Range{File: f.Path, Start: offset, End: offset}, Text: text}}
	}
	if isJSON(f.Bytes) {
		if r.Type == "variable" || r.Type == "output" {
			return nil // they have no Metadata
		}
		open := r.Range.Start + bytes.IndexByte(f.Bytes[r.Range.Start:], '{') + 1
		rules := strings.TrimPrefix(directive, "plumbline:ignore ")
		return at(open, ` "Metadata": {"plumbline": {"ignore": ["`+rules+`"]}},`)
	}
	line := f.Line(f.Position(r.Range.Start).Line)
	text := string(f.Bytes[line.Start:line.End])
	return at(line.Start, text[:len(text)-len(strings.TrimLeft(text, " "))]+"# "+directive+"\n")
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }
