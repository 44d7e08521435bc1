package cloudformation

import (
	"strconv"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

func itoa(n int) string { return strconv.Itoa(n) }

// restAPI makes a REST API, its stage, and its domain.
func (m *maker) restAPI() {
	id := m.of.id
	n := m.plain(id, "AWS::ApiGateway::RestApi")
	m.take(n, "Name", "Description", "MinimumCompressionSize", "BinaryMediaTypes", "DisableExecuteApiEndpoint", "ApiKeySourceType", "Mode", "FailOnWarnings", "SecurityPolicy", "EndpointAccessMode")
	m.move(n, "DefinitionBody", "Body")
	if e := m.body.Field("EndpointConfiguration"); e.Kind == value.Object {
		if t := e.Field("Type"); t.Kind != value.Absent {
			m.set(n, "EndpointConfiguration.Types", value.Value{Kind: value.List, Items: []value.Value{*t}}, t.Range)
		}
		m.move(n, "EndpointConfiguration.VPCEndpointIds", "EndpointConfiguration.VpcEndpointIds")
	} else {
		m.move(n, "EndpointConfiguration", "EndpointConfiguration")
	}
	m.tags(n)
	m.finish(n)

	name := m.body.Field("StageName")
	stage := m.plain(id+alphanumeric(name.Text)+"Stage", "AWS::ApiGateway::Stage")
	m.take(stage, "StageName", "TracingEnabled", "CacheClusterEnabled", "CacheClusterSize", "MethodSettings", "AccessLogSetting", "CanarySetting", "Variables")
	m.link(stage, "RestApiId", id, "")
	m.tags(stage)
	m.finish(stage)

	if domain := m.body.Field("Domain"); domain.Kind == value.Object {
		n := m.plain(id+"DomainName", "AWS::ApiGateway::DomainName")
		m.move(n, "Domain.DomainName", "DomainName")
		m.move(n, "Domain.SecurityPolicy", "SecurityPolicy")
		m.move(n, "Domain.MutualTlsAuthentication", "MutualTlsAuthentication")
		certificate := "RegionalCertificateArn"
		if t := domain.Field("EndpointConfiguration"); t.Kind == value.String && t.Text == "EDGE" {
			certificate = "CertificateArn"
		}
		m.move(n, "Domain.CertificateArn", certificate)
		m.finish(n)
	}
}

// httpAPI makes an HTTP API and its stage.
func (m *maker) httpAPI() {
	id := m.of.id
	n := m.plain(id, "AWS::ApiGatewayV2::Api")
	m.take(n, "Name", "Description", "DisableExecuteApiEndpoint", "FailOnWarnings")
	if m.body.Field("CorsConfiguration").Kind == value.Object {
		m.take(n, "CorsConfiguration")
	}
	m.move(n, "DefinitionBody", "Body")
	m.set(n, "ProtocolType", text("HTTP"), m.of.member.Key.Range)
	if m.body.Field("Name").Kind == value.Absent {
		m.set(n, "Name", unknown(), source.Range{}) // the title in the definition
	}
	if tags := m.body.Field("Tags"); tags.Kind != value.Absent {
		m.take(n, "Tags") // a mapping, as in the plain type
	}
	m.finish(n)

	name := m.body.Field("StageName")
	stageID := id + "ApiGatewayDefaultStage"
	if name.Kind == value.String && name.Text != "$default" {
		stageID = id + alphanumeric(name.Text) + "Stage"
	}
	stage := m.plain(stageID, "AWS::ApiGatewayV2::Stage")
	m.take(stage, "StageName", "AccessLogSettings", "DefaultRouteSettings", "RouteSettings", "Tags")
	m.move(stage, "StageVariables", "StageVariables")
	if name.Kind == value.Absent {
		m.set(stage, "StageName", text("$default"), m.of.member.Key.Range)
	}
	m.set(stage, "AutoDeploy", value.Value{Kind: value.Bool, Bool: true}, m.of.member.Key.Range)
	m.link(stage, "ApiId", id, "")
	m.finish(stage)
}

// implicitAPIs makes the APIs that SAM makes for events that name none. They stand where the first of these events does.
func (s *scope) implicitAPIs() {
	first := map[string]*document.Member{}
	for _, d := range s.order {
		if d.typ != "AWS::Serverless::Function" || s.exists(d) == no {
			continue
		}
		events := d.body.Get("Properties").Get("Events")
		if events == nil {
			continue
		}
		for i := range events.Members {
			m := &events.Members[i]
			typ := nodeText(m.Value.Get("Type"))
			own := map[string]string{"Api": "RestApiId", "HttpApi": "ApiId"}[typ]
			if own != "" && m.Value.Get("Properties").Get(own) == nil && first[typ] == nil {
				first[typ] = m
			}
		}
	}
	for _, api := range [...]struct{ event, id, typ string }{
		{"Api", "ServerlessRestApi", "AWS::Serverless::Api"}, {"HttpApi", "ServerlessHttpApi", "AWS::Serverless::HttpApi"},
	} {
		at := first[api.event]
		if at == nil || s.declared[api.id] != nil {
			continue
		}
		d := &declared{id: api.id, member: at, body: at.Value, typ: api.typ, made: true}
		s.declared[d.id] = d
		s.generated[d.id] = true
		m := &maker{scope: s, of: d, uncertain: s.maybe, body: value.Value{Kind: value.Object, Range: at.Range}}
		if n := s.template.globals.Get(strings.TrimPrefix(api.typ, "AWS::Serverless::")); n != nil && n.Kind == document.Mapping {
			e := &env{scope: s}
			m.inherit(e.value(n), e.refs)
		}
		if api.event == "Api" {
			m.body = with(m.body, namePath("StageName"), text("Prod"))
			m.restAPI()
		} else {
			m.httpAPI()
		}
	}
}
