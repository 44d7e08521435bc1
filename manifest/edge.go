package manifest

import (
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// index remembers an object by its name.
func (b *builder) index(e *entity) {
	b.types[e.Type] = append(b.types[e.Type], e)
	if name, ok := e.name.Word(); ok {
		enter(b.names, e.Type+"/"+name, e)
	} else if e.name.Kind == value.Unknown {
		enter(b.unnamed, e.Type, e)
	}
}

func enter(rosters map[string]*roster, key string, e *entity) {
	r := rosters[key]
	if r == nil {
		r = &roster{}
		rosters[key] = r
	}
	r.all = append(r.all, e)
}

// refer makes references from an attribute to the objects of a type that its value names. A namespace of nil is for those of the cluster.
func (b *builder) refer(from *resource.Resource, at value.Path, typ string, name, namespace *value.Value) {
	if !name.IsSet() {
		return
	}
	lists := [2][]*entity{nil, b.unnamed[typ].near(namespace)}
	if s, ok := name.Word(); ok {
		lists[0] = b.names[typ+"/"+s].near(namespace)
	} else {
		lists[0] = b.named(typ)
	}
	for _, list := range lists {
		for _, e := range list {
			if e.Resource == from {
				continue
			}
			if b.steps++; b.steps > maxSteps {
				b.overspent(from)
				return
			}
			found := sameWord(name, &e.name)
			if namespace != nil && !e.kind.wide {
				found = both(found, sameNamespace(namespace, &e.namespace))
			}
			if found != no {
				b.ref(from, resource.Ref{Path: at, Target: e.Address, Maybe: found == maybe})
			}
		}
	}
}

// named returns the objects of a type whose name is known.
func (b *builder) named(typ string) []*entity {
	var out []*entity
	for _, e := range b.types[typ] {
		if e.name.Kind != value.Unknown {
			out = append(out, e)
		}
	}
	b.steps += len(b.types[typ])
	return out
}

// join makes the references between the objects.
func (b *builder) join() {
	for _, p := range b.pods {
		b.joinPod(p)
	}
	for _, e := range b.entities {
		if !e.kind.wide {
			b.refer(e.Resource, standing(&e.Body, "metadata", "namespace"), "k8s_namespace", &e.namespace, nil)
		}
		b.joinObject(e)
	}
}

// joinPod makes the references of a pod and its containers.
func (b *builder) joinPod(p *pod) {
	space := &p.of.namespace
	if len(p.at) > 0 {
		b.refer(p.Resource, standing(&p.Body, "metadata", "namespace"), "k8s_namespace", space, nil)
	}
	spec := p.Body.Field("spec")
	to := func(typ string, wide bool, steps ...any) {
		at := path(nil, append([]any{"spec"}, steps...)...)
		in := space
		if wide {
			in = nil
		}
		b.refer(p.Resource, at, typ, p.Body.At(at), in)
	}
	to("k8s_service_account", false, "serviceAccountName")
	to("k8s_priority_class", true, "priorityClassName")
	to("k8s_runtime_class", true, "runtimeClassName")
	for i := range spec.Field("imagePullSecrets").Items {
		to("k8s_secret", false, "imagePullSecrets", i, "name")
	}
	volumes := spec.Field("volumes")
	for i := range volumes.Items {
		v := &volumes.Items[i]
		if v.Kind != value.Object {
			continue
		}
		to("k8s_secret", false, "volumes", i, "secret", "secretName")
		to("k8s_config_map", false, "volumes", i, "configMap", "name")
		to("k8s_persistent_volume_claim", false, "volumes", i, "persistentVolumeClaim", "claimName")
		for j := range v.Field("projected").Field("sources").Items {
			to("k8s_secret", false, "volumes", i, "projected", "sources", j, "secret", "name")
			to("k8s_config_map", false, "volumes", i, "projected", "sources", j, "configMap", "name")
		}
	}
	for _, c := range p.containers {
		b.refer(c, standing(&c.Body, "namespace", "name"), "k8s_namespace", space, nil)
		b.environment(c, space)
	}
}

func (b *builder) environment(c *resource.Resource, space *value.Value) {
	to := func(typ string, steps ...any) {
		at := path(nil, steps...)
		b.refer(c, at, typ, c.Body.At(at), space)
	}
	for i := range c.Body.Field("env").Items {
		to("k8s_secret", "env", i, "valueFrom", "secretKeyRef", "name")
		to("k8s_config_map", "env", i, "valueFrom", "configMapKeyRef", "name")
	}
	for i := range c.Body.Field("envFrom").Items {
		to("k8s_secret", "envFrom", i, "secretRef", "name")
		to("k8s_config_map", "envFrom", i, "configMapRef", "name")
	}
}

// joinObject makes the references that the kind of an object has.
func (b *builder) joinObject(e *entity) {
	body := &e.Body
	to := func(typ string, wide bool, steps ...any) {
		at := path(nil, steps...)
		space := &e.namespace
		if wide {
			space = nil
		}
		b.refer(e.Resource, at, typ, body.At(at), space)
	}
	pods := func(s selector, names ...string) { b.selectPods(e, standing(body, names...), &e.namespace, &s) }
	spec := field(body, "spec")
	switch e.Type {
	case "k8s_service":
		selects := field(&spec, "selector")
		pods(mapSelector(&selects), "spec", "selector")
	case "k8s_network_policy":
		selects := field(&spec, "podSelector")
		if !selects.IsSet() { // the field is no pointer: one that is left out is empty, and selects every pod
			selects = value.Value{Kind: value.Object}
		}
		pods(labelSelector(&selects), "spec", "podSelector")
	case "k8s_pod_disruption_budget":
		selects := field(&spec, "selector")
		s := labelSelector(&selects)
		if old, _ := body.Field("apiVersion").Word(); old == "policy/v1beta1" && len(s.equal)+len(s.expressions) == 0 && !s.open {
			s.none = true // the empty selector of the first version selected nothing
		}
		pods(s, "spec", "selector")
	case "k8s_limit_range", "k8s_resource_quota":
		pods(selector{}, "spec")
	case "k8s_role_binding", "k8s_cluster_role_binding":
		b.binding(e)
	case "k8s_cluster_role":
		b.aggregation(e)
	case "k8s_horizontal_pod_autoscaler":
		version, _ := body.At(path(nil, "spec", "scaleTargetRef", "apiVersion")).Word()
		kind, _ := body.At(path(nil, "spec", "scaleTargetRef", "kind")).Word()
		if kind != "" {
			to(TypeOf(defaulted(version, kind), kind), false, "spec", "scaleTargetRef", "name")
		}
	case "k8s_ingress":
		b.ingress(e)
	case "k8s_stateful_set":
		to("k8s_service", false, "spec", "serviceName")
	case "k8s_service_account":
		for i := range body.Field("secrets").Items {
			to("k8s_secret", false, "secrets", i, "name")
		}
		for i := range body.Field("imagePullSecrets").Items {
			to("k8s_secret", false, "imagePullSecrets", i, "name")
		}
	case "k8s_validating_webhook_configuration", "k8s_mutating_webhook_configuration":
		for i := range body.Field("webhooks").Items {
			at := path(nil, "webhooks", i, "clientConfig", "service")
			b.refer(e.Resource, path(at, "name"), "k8s_service", body.At(path(at, "name")), body.At(path(at, "namespace")))
		}
	case "k8s_api_service":
		at := path(nil, "spec", "service")
		b.refer(e.Resource, path(at, "name"), "k8s_service", body.At(path(at, "name")), body.At(path(at, "namespace")))
	case "k8s_validating_admission_policy_binding":
		to("k8s_validating_admission_policy", true, "spec", "policyName")
	case "k8s_persistent_volume_claim":
		to("k8s_storage_class", true, "spec", "storageClassName")
		to("k8s_persistent_volume", true, "spec", "volumeName")
	case "k8s_persistent_volume":
		to("k8s_storage_class", true, "spec", "storageClassName")
	case "k8s_custom":
		if version, _ := body.Field("apiVersion").Word(); groupOf(version) == "cilium.io" && e.Native == "CiliumNetworkPolicy" {
			selects := field(&spec, "endpointSelector")
			pods(labelSelector(&selects), "spec", "endpointSelector")
		}
	}
}

// defaulted guesses the API version of a reference that leaves it out.
func defaulted(version, kind string) string {
	if version == "" && isOneOf(kind, "Deployment", "ReplicaSet", "StatefulSet") {
		return "apps/v1"
	}
	return version
}

// binding joins a binding to its role and to the accounts that hold it.
func (b *builder) binding(e *entity) {
	role := field(&e.Body, "roleRef")
	name := field(&role, "name")
	at := standing(&e.Body, "roleRef", "name")
	kind := field(&role, "kind")
	if sameWord(&kind, &value.Value{Kind: value.String, Text: "ClusterRole"}) != no {
		b.refer(e.Resource, at, "k8s_cluster_role", &name, nil)
	}
	if e.Type == "k8s_role_binding" && sameWord(&kind, &value.Value{Kind: value.String, Text: "Role"}) != no {
		b.refer(e.Resource, at, "k8s_role", &name, &e.namespace)
	}
	subjects := e.Body.Field("subjects")
	for i := range subjects.Items {
		s := &subjects.Items[i]
		at := path(nil, "subjects", i, "name")
		switch kind, _ := s.Field("kind").Word(); kind {
		case "ServiceAccount":
			space := field(s, "namespace")
			if !space.IsSet() {
				space = e.namespace
			}
			b.refer(e.Resource, at, "k8s_service_account", s.Field("name"), &space)
		case "Group":
			b.accounts(e, at, s.Field("name"))
		}
	}
}

// accounts joins a binding to the service accounts of a group,
// https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects.
func (b *builder) accounts(e *entity, at value.Path, group *value.Value) {
	space, ok := strings.CutPrefix(group.Text, "system:serviceaccounts")
	if !ok || group.Kind != value.String || space != "" && space[0] != ':' {
		return
	}
	wanted := text(strings.TrimPrefix(space, ":"))
	for _, other := range b.types["k8s_service_account"] {
		if !b.step(e) {
			return
		}
		found := yes
		if space != "" {
			found = sameNamespace(&wanted, &other.namespace)
		}
		if found != no {
			b.ref(e.Resource, resource.Ref{Path: at, Target: other.Address, Maybe: found == maybe})
		}
	}
}

// aggregation joins a role to those whose rules it takes in.
func (b *builder) aggregation(e *entity) {
	selectors := e.Body.Field("aggregationRule").Field("clusterRoleSelectors")
	for i := range selectors.Items {
		s := labelSelector(&selectors.Items[i])
		for _, other := range b.types["k8s_cluster_role"] {
			if !b.step(e) {
				return
			}
			if other == e {
				continue
			}
			labels := field(&other.Body, "metadata", "labels")
			if found := s.selects(&labels); found != no {
				b.ref(e.Resource, resource.Ref{Path: path(nil, "aggregationRule", "clusterRoleSelectors", i), Target: other.Address, Maybe: found == maybe})
			}
		}
	}
}

// ingress joins an ingress to the services behind it, in the words of the first versions too.
func (b *builder) ingress(e *entity) {
	backend := func(at value.Path) {
		for _, name := range [...]value.Path{path(at, "service", "name"), path(at, "serviceName")} {
			b.refer(e.Resource, name, "k8s_service", e.Body.At(name), &e.namespace)
		}
	}
	backend(path(nil, "spec", "defaultBackend"))
	backend(path(nil, "spec", "backend"))
	rules := e.Body.Field("spec").Field("rules")
	for i := range rules.Items {
		for j := range rules.Items[i].Field("http").Field("paths").Items {
			backend(path(nil, "spec", "rules", i, "http", "paths", j, "backend"))
		}
	}
	tls := e.Body.Field("spec").Field("tls")
	for i := range tls.Items {
		at := path(nil, "spec", "tls", i, "secretName")
		b.refer(e.Resource, at, "k8s_secret", e.Body.At(at), &e.namespace)
	}
	at := path(nil, "spec", "ingressClassName")
	b.refer(e.Resource, at, "k8s_ingress_class", e.Body.At(at), nil)
}
