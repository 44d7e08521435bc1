package cloudformation

import (
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// function makes a Lambda function, its role, its address, and the permissions of what calls it.
func (m *maker) function() {
	id := m.of.id
	n := m.plain(id, "AWS::Lambda::Function")
	m.take(n, "FunctionName", "Description", "Handler", "Runtime", "MemorySize", "Timeout", "VpcConfig", "Environment", "Layers", "KmsKeyArn",
		"ReservedConcurrentExecutions", "EphemeralStorage", "Architectures", "FileSystemConfigs", "ImageConfig", "PackageType", "SnapStart",
		"RuntimeManagementConfig", "LoggingConfig", "RecursiveLoop", "CodeSigningConfigArn", "Role")
	m.move(n, "Tracing", "TracingConfig.Mode")
	m.move(n, "DeadLetterQueue.TargetArn", "DeadLetterConfig.TargetArn")
	m.move(n, "InlineCode", "Code.ZipFile")
	m.move(n, "ImageUri", "Code.ImageUri")
	m.tags(n)
	ownRole := m.body.Field("Role").Kind == value.Absent
	if ownRole {
		m.link(n, "Role", id+"Role", "Arn")
	}
	m.finish(n)
	if ownRole {
		m.role("lambda.amazonaws.com", m.functionPolicies())
	}
	m.functionURL()
	if events := m.body.Field("Events"); events.Kind == value.Object {
		for _, f := range events.Fields {
			m.event(f.Name, &f.Value)
		}
	}
}

// functionPolicies are the managed policies that SAM gives every function's role.
func (m *maker) functionPolicies() []string {
	names := []string{"service-role/AWSLambdaBasicExecutionRole"}
	if m.body.Field("VpcConfig").IsSet() {
		names = append(names, "service-role/AWSLambdaVPCAccessExecutionRole")
	}
	if t := m.body.Field("Tracing"); t.Kind == value.String && t.Text == "Active" {
		names = append(names, "AWSXrayWriteOnlyAccess")
	}
	return names
}

// role makes the role of a function or state machine with the policies that it lists.
func (m *maker) role(service string, managed []string) {
	n := m.plain(m.of.id+"Role", "AWS::IAM::Role")
	m.move(n, "RolePath", "Path")
	m.move(n, "PermissionsBoundary", "PermissionsBoundary")
	if m.body.Field("AssumeRolePolicyDocument").Kind != value.Absent {
		m.take(n, "AssumeRolePolicyDocument")
	} else {
		statement := object(
			value.Field{Name: "Effect", Value: text("Allow")},
			value.Field{Name: "Action", Value: value.Value{Kind: value.List, Items: []value.Value{text("sts:AssumeRole")}}},
			value.Field{Name: "Principal", Value: object(value.Field{Name: "Service", Value: value.Value{Kind: value.List, Items: []value.Value{text(service)}}})})
		m.set(n, "AssumeRolePolicyDocument", object(
			value.Field{Name: "Version", Value: text("2012-10-17")},
			value.Field{Name: "Statement", Value: value.Value{Kind: value.List, Items: []value.Value{statement}}}), m.of.member.Key.Range)
	}
	written := m.body.Field("Policies")
	at := m.place("Policies")
	arns := value.Value{Kind: value.List}
	for _, name := range managed {
		arns.Items = append(arns.Items, managedPolicy(name))
	}
	inline := value.Value{Kind: value.List}
	policy := func(index int, v value.Value, path value.Path) {
		switch {
		case v.Kind == value.String || v.Kind == value.Unknown && v.Text != "":
			if v.Kind == value.String && !strings.HasPrefix(v.Text, "arn:") {
				r := v.Range
				v = managedPolicy(v.Text)
				v.Range = r
			}
			m.carry(n, path, value.Path{{Name: "ManagedPolicyArns"}, {Index: len(arns.Items)}})
			arns.Items = append(arns.Items, v)
		case v.Kind == value.Object && v.Field("Statement").Kind != value.Absent:
			to := value.Path{{Name: "Policies"}, {Index: len(inline.Items)}, {Name: "PolicyDocument"}}
			m.carry(n, path, to)
			n.routes = append(n.routes, route{to: to, from: path})
			inline.Items = append(inline.Items, object(
				value.Field{Name: "PolicyDocument", Value: v},
				value.Field{Name: "PolicyName", Value: text(m.of.id + "RolePolicy" + itoa(index))}))
			inline.Items[len(inline.Items)-1].Range = v.Range
		default: // one of SAM's templates of policies, which are narrow, or something unknown
			document := value.Value{Kind: value.Unknown, NotNull: true, Given: true, Range: v.Range}
			inline.Items = append(inline.Items, object(value.Field{Name: "PolicyDocument", Value: document}))
			inline.Items[len(inline.Items)-1].Range = v.Range
			inline.Items[len(inline.Items)-1].Maybe = v.Kind == value.Unknown
		}
	}
	switch written.Kind {
	case value.List:
		for i, item := range written.Items {
			policy(i, item, value.Path{{Name: "Policies"}, {Index: i}})
		}
		arns.Open, inline.Open = written.Open, written.Open
	case value.Absent, value.Null:
	case value.Unknown:
		arns.Open, inline.Open = true, true
	default:
		policy(0, *written, value.Path{{Name: "Policies"}})
	}
	m.set(n, "ManagedPolicyArns", arns, at)
	if len(inline.Items) > 0 || inline.Open {
		m.set(n, "Policies", inline, at)
	}
	m.finish(n)
}

// carry takes the references of one path of the properties over to another.
func (m *maker) carry(n *native, from, to value.Path) {
	probe := &resource.Resource{Refs: m.refs}
	for _, ref := range probe.RefAt(from) {
		n.refs = append(n.refs, resource.Ref{Path: append(to[:len(to):len(to)], ref.Path[len(from):]...), Target: ref.Target, Attribute: ref.Attribute})
	}
}

// withoutPath are policies of AWS's own whose address has no path before the name, of those that decide most. Others have
// service-role/, job-function/ or something else there, which SAM looks up.
var withoutPath = map[string]bool{"AdministratorAccess": true, "IAMFullAccess": true, "PowerUserAccess": true}

// managedPolicy is the address of one of AWS's own policies, whatever the partition and the path.
func managedPolicy(name string) value.Value {
	ending := "/" + name
	if withoutPath[name] || strings.Contains(name, "/") {
		ending = ":iam::aws:policy/" + name
	}
	return value.Value{Kind: value.Unknown, NotNull: true, Given: true, Text: "arn:aws", Ending: ending}
}

// functionURL makes the address of a function that answers to the world, and the permission when it asks nobody who they are.
func (m *maker) functionURL() {
	config := m.body.Field("FunctionUrlConfig")
	if config.Kind == value.Absent {
		return
	}
	at := m.place("FunctionUrlConfig")
	n := m.plain(m.of.id+"Url", "AWS::Lambda::Url")
	for _, name := range [...]string{"AuthType", "Cors", "InvokeMode"} {
		m.move(n, "FunctionUrlConfig."+name, name)
	}
	n.body.Open = n.body.Open || config.Kind != value.Object
	m.link(n, "TargetFunctionArn", m.of.id, "")
	m.finish(n)
	auth := config.Field("AuthType")
	if auth.Kind == value.String && auth.Text != "NONE" {
		return
	}
	p := m.plain(m.of.id+"UrlPublicPermissions", "AWS::Lambda::Permission")
	if auth.Kind != value.String {
		p.maybe, p.when = true, []string{}
	}
	m.set(p, "Action", text("lambda:InvokeFunctionUrl"), at)
	m.set(p, "Principal", text("*"), at)
	m.move(p, "FunctionUrlConfig.AuthType", "FunctionUrlAuthType")
	m.link(p, "FunctionName", m.of.id, "")
	m.finish(p)
}

// eventServices are the services that SAM lets call a function, by the type of the event. The others poll.
var eventServices = map[string]string{
	"Api": "apigateway.amazonaws.com", "HttpApi": "apigateway.amazonaws.com", "S3": "s3.amazonaws.com", "SNS": "sns.amazonaws.com",
	"Schedule": "events.amazonaws.com", "CloudWatchEvent": "events.amazonaws.com", "EventBridgeRule": "events.amazonaws.com",
	"CloudWatchLogs": "logs.amazonaws.com", "IoTRule": "iot.amazonaws.com", "Cognito": "cognito-idp.amazonaws.com",
}

// event makes the permission of what calls the function: SAM always names the caller.
func (m *maker) event(name string, event *value.Value) {
	typ := event.Field("Type")
	service := eventServices[typ.Text]
	if service == "" || typ.Kind != value.String {
		return
	}
	n := m.plain(m.of.id+name+"Permission", "AWS::Lambda::Permission")
	m.set(n, "Action", text("lambda:InvokeFunction"), event.Range)
	m.set(n, "Principal", text(service), event.Range)
	m.set(n, "SourceArn", value.Value{Kind: value.Unknown, NotNull: true, Given: true, Text: anyARN}, event.Range)
	if typ.Text == "S3" {
		m.set(n, "SourceAccount", unknown(), event.Range)
	}
	m.link(n, "FunctionName", m.of.id, "")
	m.finish(n)
}

// stateMachine makes a state machine and its role.
func (m *maker) stateMachine() {
	n := m.plain(m.of.id, "AWS::StepFunctions::StateMachine")
	m.move(n, "Name", "StateMachineName")
	m.move(n, "Type", "StateMachineType")
	m.move(n, "Logging", "LoggingConfiguration")
	m.move(n, "Tracing", "TracingConfiguration")
	m.move(n, "Role", "RoleArn")
	m.take(n, "Definition", "DefinitionSubstitutions", "EncryptionConfiguration")
	m.tags(n)
	ownRole := m.body.Field("Role").Kind == value.Absent && m.body.Field("Policies").Kind != value.Absent
	if ownRole {
		m.link(n, "RoleArn", m.of.id+"Role", "Arn")
	}
	m.finish(n)
	if ownRole {
		var managed []string
		if t := m.body.Field("Tracing").Field("Enabled"); t.Kind == value.Bool && t.Bool {
			managed = append(managed, "AWSXrayWriteOnlyAccess")
		}
		m.role("states.amazonaws.com", managed)
	}
}

// table makes a table of DynamoDB with one key.
func (m *maker) table() {
	n := m.plain(m.of.id, "AWS::DynamoDB::Table")
	m.take(n, "TableName", "SSESpecification", "PointInTimeRecoverySpecification", "ProvisionedThroughput")
	m.tags(n)
	if m.body.Field("ProvisionedThroughput").Kind == value.Absent {
		m.set(n, "BillingMode", text("PAY_PER_REQUEST"), m.of.member.Key.Range)
	}
	name, typ := text("id"), text("S")
	if key := m.body.Field("PrimaryKey"); key.Kind != value.Absent {
		name = *key.Field("Name")
		switch t := key.Field("Type"); t.Text {
		case "Number":
			typ = text("N")
		case "Binary":
			typ = text("B")
		}
	}
	one := func(fields ...value.Field) value.Value {
		return value.Value{Kind: value.List, Items: []value.Value{object(fields...)}}
	}
	at := m.place("PrimaryKey")
	m.set(n, "AttributeDefinitions", one(value.Field{Name: "AttributeName", Value: name}, value.Field{Name: "AttributeType", Value: typ}), at)
	m.set(n, "KeySchema", one(value.Field{Name: "AttributeName", Value: name}, value.Field{Name: "KeyType", Value: text("HASH")}), at)
	m.finish(n)
}
