package cloudformation

import (
	"context"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// NewServerless returns the dialect of the Serverless Framework's files. What the framework makes of them is in its
// documentation, https://www.serverless.com/framework/docs/providers/aws/guide/serverless.yml and …/guide/resources, which
// also gives the logical ids.
func NewServerless(s *schema.Set) dialect.Dialect { return &frameworks{set: s} }

type frameworks struct {
	set   *schema.Set
	once  sync.Once
	table *translate.Table
}

// Name returns "serverless".
func (*frameworks) Name() string { return "serverless" }

// Claims takes files that are called serverless.yml, or so with a word behind it, and have a service and a provider.
func (*frameworks) Claims(p string, content func() []byte) bool {
	base := strings.ToLower(path.Base(p))
	if !strings.HasPrefix(base, "serverless") || extension(p) == "" {
		return false
	}
	text := content()
	if isJSON(text) {
		return firstLevel(text, "service") && firstLevel(text, "provider")
	}
	service, provider := false, false
	for line := range strings.Lines(string(text)) {
		service = service || strings.HasPrefix(line, "service:")
		provider = provider || strings.HasPrefix(line, "provider:")
	}
	return service && provider
}

func (d *frameworks) names() *translate.Table {
	d.once.Do(func() { d.table = translate.New(d.set, "cloudformation") })
	return d.table
}

// Open opens the files, each of which is a unit.
func (d *frameworks) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	return open(ctx, w, paths, &kind{word: "serverless", set: d.set, table: d.names, read: readServerless})
}

// framework is a file of the Serverless Framework.
type framework struct{ root *document.Node }

// readServerless takes a file apart. The resources in it are a template; what variables stand for is found in evaluation.
func readServerless(f *file, t *template) {
	t.framework = &framework{}
	if len(t.document.Roots) == 0 {
		return
	}
	root := t.document.Roots[0]
	if root.Kind != document.Mapping {
		t.problem(source.Invalid, root.Range, "a service is a mapping")
		return
	}
	t.framework.root = root
	for _, part := range itemsOf(root.Get("resources")) {
		if part.Kind == document.Mapping {
			t.sections(part)
		}
	}
}

// included adds the sections of resources that stand in other files.
func (s *scope) included() {
	f := s.template.framework
	if f == nil || f.root == nil {
		return
	}
	e := &env{scope: s, flat: 1}
	if provider := e.derefQuietly(f.root.Get("provider")); nodeText(provider) == "" {
		if name := nodeText(provider.Get("name")); name != "" && name != "aws" {
			return // it is about another cloud
		}
	}
	take := func(n *document.Node) {
		for i := range n.Members {
			m := &n.Members[i]
			v := e.deref(m.Value)
			if v == nil || v.Kind != document.Mapping || v == m.Value && n.Range.File == s.template.file.source.Path {
				continue // written out, and read already
			}
			switch m.Key.Text {
			case "Resources":
				s.sections = append(s.sections, v)
			case "Outputs":
				s.outs = append(s.outs, v)
			}
		}
	}
	for _, part := range itemsOf(f.root.Get("resources")) {
		if n := e.deref(part); n != nil && n.Kind == document.Mapping {
			take(n)
		}
	}
}

// deref returns the node that a variable stands for; the node itself where it is none, nil where that is not known.
func (e *env) deref(n *document.Node) *document.Node {
	for range maxLoops {
		if n == nil || n.Kind != document.Scalar || n.Tag != "" {
			return n
		}
		inner, ok := wholeVariable(n.Text)
		if !ok {
			return n
		}
		var next *document.Node
		for _, address := range alternatives(inner) {
			if next = e.addressed(address); next != nil {
				break
			}
		}
		if next == nil {
			e.scope.unresolved(n.Text, n.Range, "what "+shown(n.Text)+" stands for is not known")
			return nil
		}
		n = next
	}
	return nil
}

// functions makes what the framework makes of functions and of their provider.
func (s *scope) functions() {
	f := s.template.framework
	if f == nil || f.root == nil {
		return
	}
	e := &env{scope: s, flat: 1}
	provider := e.deref(f.root.Get("provider"))
	if name := nodeText(provider.Get("name")); name != "aws" && nodeText(provider) != "aws" {
		return
	}
	own := false
	for _, part := range itemsOf(f.root.Get("functions")) {
		n := e.deref(part)
		if n == nil {
			continue
		}
		for i := range n.Members {
			m := &n.Members[i]
			body := e.deref(m.Value)
			if body == nil || body.Kind != document.Mapping {
				continue
			}
			s.unit.contain("the function "+m.Key.Text, m.Key.Range, func() { own = s.frameworkFunction(m, body, provider) || own })
		}
	}
	if m := f.root.Member("provider"); own && m != nil && provider != nil && provider.Kind == document.Mapping {
		s.unit.contain("the role", m.Key.Range, func() { s.frameworkRole(m, provider) })
	}
}

// logical is how the framework writes a name in a logical id.
func logical(name string) string {
	name = strings.ReplaceAll(strings.ReplaceAll(name, "-", "Dash"), "_", "Underscore")
	for i, r := range name {
		return string(unicode.ToUpper(r)) + name[i+len(string(r)):]
	}
	return name
}

// inherited are the settings of a provider that hold for functions that do not have them.
var inherited = []string{"runtime", "timeout", "memorySize", "environment", "vpc", "tags", "kmsKeyArn", "architecture", "layers"}

// frameworkFunction makes a function, and reports whether it has the role that the framework makes.
func (s *scope) frameworkFunction(at *document.Member, body, provider *document.Node) bool {
	d := &declared{id: logical(at.Key.Text) + "LambdaFunction", member: at, body: body, typ: "AWS::Lambda::Function", made: true}
	e := &env{scope: s}
	m := &maker{scope: s, of: d, uncertain: s.maybe, body: e.value(body)}
	m.refs = e.refs
	if m.body.Kind != value.Object {
		return false
	}
	shared := value.Value{Kind: value.Object}
	common := &env{scope: s}
	for _, name := range inherited {
		if p := provider.Member(name); p != nil {
			common.member(&shared, name, p)
		}
	}
	m.body.Range = at.Range
	slices.SortFunc(shared.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	m.inherit(shared, common.refs)
	if t := provider.Get("tracing").Member("lambda"); t != nil && m.body.Field("tracing").Kind == value.Absent {
		v := common.value(t.Value)
		v.Range = t.Range
		m.body = with(m.body, namePath("tracing"), v)
	}

	n := m.plain(d.id, d.typ)
	n.base = body
	for _, p := range [...][2]string{{"handler", "Handler"}, {"runtime", "Runtime"}, {"timeout", "Timeout"}, {"memorySize", "MemorySize"},
		{"name", "FunctionName"}, {"description", "Description"}, {"kmsKeyArn", "KmsKeyArn"}, {"reservedConcurrency", "ReservedConcurrentExecutions"},
		{"environment", "Environment.Variables"}, {"vpc.securityGroupIds", "VpcConfig.SecurityGroupIds"}, {"vpc.subnetIds", "VpcConfig.SubnetIds"},
		{"layers", "Layers"}, {"onError", "DeadLetterConfig.TargetArn"}, {"image", "Code.ImageUri"}, {"role", "Role"}, {"ephemeralStorageSize", "EphemeralStorage.Size"}} {
		m.move(n, p[0], p[1])
	}
	switch t := m.body.Field("tracing"); {
	case t.Kind == value.Bool && t.Bool:
		m.set(n, "TracingConfig.Mode", text("Active"), t.Range)
	case t.Kind == value.Bool:
		m.set(n, "TracingConfig.Mode", text("PassThrough"), t.Range)
	case t.Kind != value.Absent:
		m.move(n, "tracing", "TracingConfig.Mode")
	}
	n.routes = append(n.routes, route{to: namePath("TracingConfig.Mode"), from: namePath("tracing")})
	if tags := m.body.Field("tags"); tags.Kind != value.Absent {
		m.body = with(m.body, namePath("Tags"), *tags)
		m.tags(n)
	}
	name := *m.body.Field("name")
	if name.Kind == value.Absent {
		name = concat([]value.Value{s.serviceName(e), e.variable("sls:stage"), text(at.Key.Text)}, "-")
		m.set(n, "FunctionName", name, at.Key.Range)
	}
	own := m.body.Field("role").Kind == value.Absent
	if role := provider.Get("iam").Get("role"); own && role != nil && (role.Kind == document.Scalar || role.Tag != "" || len(role.Members) == 1 && strings.HasPrefix(role.Members[0].Key.Text, "Fn::")) {
		n.body = with(n.body, namePath("Role"), e.value(role))
		own = false
	} else if role := provider.Get("role"); own && role != nil {
		n.body = with(n.body, namePath("Role"), e.value(role))
		own = false
	}
	if own {
		m.link(n, "Role", "IamRoleLambdaExecution", "Arn")
	}
	m.finishFramework(n)

	logs := m.plain(logical(at.Key.Text)+"LogGroup", "AWS::Logs::LogGroup")
	m.set(logs, "LogGroupName", concat([]value.Value{text("/aws/lambda/"), name}, ""), at.Key.Range)
	if v := provider.Member("logRetentionInDays"); v != nil {
		days := e.value(v.Value)
		m.set(logs, "RetentionInDays", days, v.Range)
	}
	m.finishFramework(logs)
	m.frameworkURL(logical(at.Key.Text))
	m.frameworkEvents()
	return own
}

// logicalPath is how the framework writes the path of a request in a logical id.
func logicalPath(path string) string {
	var id strings.Builder
	for part := range strings.SplitSeq(path, "/") {
		id.WriteString(logical(strings.NewReplacer("{", "", "}", "Var", "+", "").Replace(part)))
	}
	return id.String()
}

// frameworkRoute makes the route of an HTTP API that calls a function.
func (m *maker) frameworkRoute(event *value.Value) {
	http := event.Field("httpApi")
	var method, where string
	switch http.Kind {
	case value.String: // "GET /hello", or "*" for everything
		short := strings.Fields(http.Text)
		if len(short) == 2 {
			method, where = short[0], short[1]
		} else if http.Text != "*" {
			return
		}
	case value.Object:
		if http.Field("method").Kind == value.Unknown || http.Field("path").Kind == value.Unknown {
			return
		}
		method, where = http.Field("method").Text, http.Field("path").Text
	default:
		return
	}
	key, id := "$default", "HttpApiRouteDefault"
	if where != "" && where != "*" {
		if method == "" || method == "*" {
			method = "any"
		}
		key = strings.ToUpper(method) + " " + where
		id = "HttpApiRoute" + logical(strings.ToLower(method)) + logicalPath(where)
	}
	n := m.plain(id, "AWS::ApiGatewayV2::Route")
	m.set(n, "RouteKey", text(key), event.Range)
	m.set(n, "ApiId", unknown(), event.Range)
	auth := text("NONE")
	switch a := http.Field("authorizer"); {
	case a.Field("type").Kind == value.String && a.Field("type").Text == "aws_iam":
		auth = text("AWS_IAM")
	case a.Kind != value.Absent:
		auth = unknown()
	}
	m.set(n, "AuthorizationType", auth, event.Range)
	n.maybe = n.maybe || event.Maybe
	m.finishFramework(n)
}

// serviceName is what the service is called.
func (s *scope) serviceName(e *env) value.Value {
	service := s.template.framework.root.Get("service")
	if service != nil && service.Kind == document.Mapping {
		service = service.Get("name")
	}
	if service == nil {
		return unknown()
	}
	return unplaced(e.value(service))
}

// finishFramework adds a resource that the framework makes, with what resources.extensions say of it: a property there takes
// the place of the one that is made.
func (m *maker) finishFramework(n *native) {
	e := &env{scope: m.scope}
	for _, part := range itemsOf(m.scope.template.framework.root.Get("resources")) {
		if part = e.derefQuietly(part); part == nil {
			continue
		}
		own := e.derefQuietly(part.Get("extensions").Get(n.id))
		for _, name := range policies {
			if p := own.Member(name); p != nil {
				n.body = with(n.body, namePath(name), e.value(p.Value))
			}
		}
		properties := e.derefQuietly(own.Get("Properties"))
		if properties == nil {
			continue
		}
		for i := range properties.Members {
			p := &properties.Members[i]
			at := value.Path{{Name: p.Key.Text}}
			elsewhere := func(path value.Path) bool { return len(path) > 0 && path[0] == at[0] }
			n.routes = slices.DeleteFunc(n.routes, func(r route) bool { return elsewhere(r.to) })
			n.refs = slices.DeleteFunc(n.refs, func(r resource.Ref) bool { return elsewhere(r.Path) })
			in := &env{scope: m.scope}
			v := in.value(p.Value)
			v.Range = p.Range
			n.body = with(n.body, at, v)
			for _, ref := range in.refs {
				ref.Path = slices.Concat(at, ref.Path)
				n.refs = append(n.refs, ref)
			}
		}
	}
	m.finish(n)
}

// frameworkURL makes the address of a function that answers to the world.
func (m *maker) frameworkURL(id string) {
	url := m.body.Field("url")
	if url.Kind == value.Absent || url.Kind == value.Bool && !url.Bool {
		return
	}
	auth := text("NONE")
	if a := url.Field("authorizer"); a.Kind == value.String && a.Text == "aws_iam" {
		auth = text("AWS_IAM")
	} else if a.Kind == value.Unknown || url.Kind == value.Unknown {
		auth = unknown()
	}
	n := m.plain(id+"LambdaFunctionUrl", "AWS::Lambda::Url")
	m.set(n, "AuthType", auth, url.Range)
	m.link(n, "TargetFunctionArn", m.of.id, "Arn")
	m.finishFramework(n)
}

// frameworkEvents makes the methods of a REST API that call a function.
func (m *maker) frameworkEvents() {
	for i := range m.body.Field("events").Items {
		event := &m.body.Field("events").Items[i]
		m.frameworkRoute(event)
		http := event.Field("http")
		if short := strings.Fields(http.Text); http.Kind == value.String && len(short) == 2 { // "get /hello"
			long := object(value.Field{Name: "method", Value: text(short[0])}, value.Field{Name: "path", Value: text(short[1])})
			http = &long
		}
		method, where := http.Field("method"), http.Field("path")
		if http.Kind != value.Object || method.Kind != value.String {
			continue
		}
		n := m.plain("ApiGatewayMethod"+logicalPath(where.Text)+logical(strings.ToLower(method.Text)), "AWS::ApiGateway::Method")
		m.set(n, "HttpMethod", text(strings.ToUpper(method.Text)), method.Range)
		auth := text("NONE")
		switch a := http.Field("authorizer"); {
		case a.Kind == value.String && strings.EqualFold(a.Text, "aws_iam"):
			auth = text("AWS_IAM")
		case a.Kind != value.Absent:
			auth = unknown()
		}
		m.set(n, "AuthorizationType", auth, event.Range)
		if v := http.Field("private"); v.Kind != value.Absent {
			m.set(n, "ApiKeyRequired", *v, v.Range)
		}
		n.maybe = n.maybe || event.Maybe
		m.finishFramework(n)
	}
}

// frameworkRole makes the role that functions without one share.
func (s *scope) frameworkRole(at *document.Member, provider *document.Node) {
	d := &declared{id: "IamRoleLambdaExecution", member: at, body: provider, typ: "AWS::IAM::Role", made: true}
	e := &env{scope: s}
	m := &maker{scope: s, of: d, uncertain: s.maybe, body: e.value(provider)}
	m.refs = e.refs
	n := m.plain(d.id, d.typ)
	n.base = provider
	statement := object(
		value.Field{Name: "Effect", Value: text("Allow")},
		value.Field{Name: "Action", Value: value.Value{Kind: value.List, Items: []value.Value{text("sts:AssumeRole")}}},
		value.Field{Name: "Principal", Value: object(value.Field{Name: "Service", Value: value.Value{Kind: value.List, Items: []value.Value{text("lambda.amazonaws.com")}}})})
	m.set(n, "AssumeRolePolicyDocument", object(value.Field{Name: "Version", Value: text("2012-10-17")},
		value.Field{Name: "Statement", Value: value.Value{Kind: value.List, Items: []value.Value{statement}}}), at.Key.Range)
	for _, name := range [...]string{"iam.role.statements", "iamRoleStatements"} {
		from := namePath(name)
		statements := m.body.At(from)
		if statements.Kind == value.Absent {
			continue
		}
		to := value.Path{{Name: "Policies"}, {Index: 0}, {Name: "PolicyDocument"}, {Name: "Statement"}}
		m.carry(n, from, to)
		n.routes = append(n.routes, route{to: to, from: from})
		policy := object(value.Field{Name: "PolicyName", Value: text("lambda")}, value.Field{Name: "PolicyDocument", Value: object(
			value.Field{Name: "Version", Value: text("2012-10-17")}, value.Field{Name: "Statement", Value: *statements})})
		policy.Range = statements.Range
		m.set(n, "Policies", value.Value{Kind: value.List, Items: []value.Value{policy}}, statements.Range)
	}
	m.move(n, "iam.role.managedPolicies", "ManagedPolicyArns")
	m.move(n, "iam.role.permissionsBoundary", "PermissionsBoundary")
	m.move(n, "iam.role.name", "RoleName")
	m.finishFramework(n)
}
