package cli

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// exposure tells which resources of a unit can be reached from the internet, as far as the code says so for certain. It marks
// the graph for people; it judges nothing, which is what rules are for.
type exposure struct {
	graph *resource.Graph
	open  map[string]string // firewalls that let everybody in, by address, with why
}

func newExposure(g *resource.Graph) *exposure {
	e := &exposure{graph: g, open: make(map[string]string)}
	for _, r := range g.Resources {
		why := firewall(r)
		if why == "" {
			continue
		}
		e.open[r.Address] = why
		for _, ref := range r.Refs { // a rule of its own opens the group that it names
			if name := ref.Path.String(); name == "security_group_id" || name == "network_security_group_name" {
				for _, to := range g.Targets(ref.Target) {
					e.open[to.Address] = why
				}
			}
		}
	}
	return e
}

// of says why a resource can be reached from the internet; empty when nothing says so.
func (e *exposure) of(r *resource.Resource) string {
	if why := e.open[r.Address]; why != "" {
		return why
	}
	if why := public(r); why != "" {
		return why
	}
	for _, ref := range r.Refs {
		if !strings.Contains(ref.Path.String(), "security_group") || ref.Maybe {
			continue
		}
		for _, to := range e.graph.Targets(ref.Target) {
			if e.open[to.Address] != "" {
				return "behind " + to.Address + ", which lets everybody in"
			}
		}
	}
	return ""
}

// switches are attributes that make what they stand on public when they are true.
var switches = []string{"publicly_accessible", "associate_public_ip_address", "map_public_ip_on_launch", "public_network_access_enabled", "assign_public_ip"}

// public says why a resource is public by itself.
func public(r *resource.Resource) string {
	for _, name := range switches {
		if v := r.Body.Field(name); v.Kind == value.Bool && v.Bool {
			return name + " is true"
		}
	}
	text := func(name string) string { return r.Body.Field(name).Text }
	switch r.Type {
	case "aws_lb", "aws_alb", "aws_elb":
		if v := r.Body.Field("internal"); v.Kind == value.Absent || v.Kind == value.Bool && !v.Bool {
			return "a load balancer of the internet"
		}
	case "aws_s3_bucket", "aws_s3_bucket_acl":
		if acl := text("acl"); strings.HasPrefix(acl, "public-") {
			return "acl is " + acl
		}
	case "aws_apigatewayv2_api", "aws_cloudfront_distribution", "k8s_ingress":
		return "made to be reached from the internet"
	case "aws_lambda_function_url":
		if text("authorization_type") == "NONE" {
			return "everybody may call it"
		}
	case "k8s_service":
		if kind := r.Body.Field("spec").Field("type").Text; kind == "LoadBalancer" || kind == "NodePort" {
			return "a service of type " + kind
		}
	}
	return ""
}

// firewall says how a rule or group lets everybody in.
func firewall(r *resource.Resource) string {
	b := &r.Body
	inward := func(name, word string) bool {
		v := b.Field(name)
		return v.Kind == value.String && strings.EqualFold(v.Text, word)
	}
	switch r.Type {
	case "aws_security_group", "aws_default_security_group":
		ingress := b.Field("ingress")
		blocks := ingress.Items
		if ingress.Kind == value.Object {
			blocks = []value.Value{*ingress}
		}
		for i := range blocks {
			if everybody(blocks[i].Field("cidr_blocks")) || everybody(blocks[i].Field("ipv6_cidr_blocks")) {
				return "ingress is open to everybody"
			}
		}
	case "aws_security_group_rule":
		if inward("type", "ingress") && (everybody(b.Field("cidr_blocks")) || everybody(b.Field("ipv6_cidr_blocks"))) {
			return "ingress is open to everybody"
		}
	case "aws_vpc_security_group_ingress_rule":
		if everybody(b.Field("cidr_ipv4")) || everybody(b.Field("cidr_ipv6")) {
			return "ingress is open to everybody"
		}
	case "google_compute_firewall":
		if b.Field("allow").IsSet() && !inward("direction", "EGRESS") && everybody(b.Field("source_ranges")) {
			return "source_ranges are open to everybody"
		}
	case "azurerm_network_security_rule":
		if inward("direction", "Inbound") && inward("access", "Allow") && (everybody(b.Field("source_address_prefix")) || everybody(b.Field("source_address_prefixes"))) {
			return "inbound is open to everybody"
		}
	}
	return ""
}

// everybody reports whether an address range, or one of a list, is all of the internet.
func everybody(v *value.Value) bool {
	if v.Kind == value.List {
		return slices.ContainsFunc(v.Items, func(i value.Value) bool { return everybody(&i) })
	}
	return v.Kind == value.String && slices.Contains([]string{"0.0.0.0/0", "::/0", "*", "Internet", "0.0.0.0"}, v.Text)
}
