package manifest

import (
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// pod is a pod, or the template of one in a workload.
type pod struct {
	*resource.Resource
	of         *entity
	at         value.Path // where in the object the template is; empty for a Pod
	labels     value.Value
	spec       value.Value // as it is written
	metadata   value.Value // as it is written
	workload   string
	os         value.Value
	containers []*resource.Resource
}

// podIn returns where in an object of a kind a pod stands.
func podIn(group, kind string) (value.Path, bool) {
	template := path(nil, "spec", "template")
	switch group {
	case "":
		switch kind {
		case "Pod":
			return nil, true
		case "PodTemplate":
			return path(nil, "template"), true
		case "ReplicationController":
			return template, true
		}
	case "apps", "extensions":
		return template, isOneOf(kind, "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")
	case "batch":
		if kind == "CronJob" {
			return path(nil, "spec", "jobTemplate", "spec", "template"), true
		}
		return template, kind == "Job"
	case "apps.openshift.io":
		return template, kind == "DeploymentConfig"
	case "argoproj.io":
		return template, kind == "Rollout"
	case "serving.knative.dev":
		return template, isOneOf(kind, "Service", "Configuration")
	}
	return nil, false
}

// workload makes the pod and the containers of an object.
func (b *builder) workload(e *entity, at value.Path) {
	o := e.object
	names := make([]string, len(at))
	for i := range at {
		names[i] = at[i].Name
	}
	template := field(&o.Body, names...)
	if !template.IsSet() {
		return
	}
	if template.Kind != value.Object && template.Kind != value.Unknown {
		template = unknownAt(&template)
	}
	p := &pod{of: e, at: at, workload: e.Native, spec: field(&template, "spec"), metadata: field(&template, "metadata")}
	p.labels = field(&p.metadata, "labels")
	if p.spec.IsSet() && p.spec.Kind != value.Object {
		p.spec = unknownAt(&p.spec)
	}
	if p.spec.Kind == value.Object && b.set.Resource("k8s_pod") != nil {
		whole := value.Value{Kind: value.Object, Fields: []value.Field{{Name: "spec", Value: p.spec}}}
		whole = b.shaped("k8s_pod", whole)
		p.spec = *whole.Field("spec")
	}
	p.os = p.system()
	p.make(b, &template)
	b.pods = append(b.pods, p)
	b.add(p.Resource)
	b.place(p)
	p.list(b, "initContainers", "init container ")
	p.list(b, "containers", "container ")
	p.list(b, "ephemeralContainers", "ephemeral container ")
}

// make makes the resource of the pod.
func (p *pod) make(b *builder, template *value.Value) {
	e := p.of
	part := &Part{Object: e.object, At: p.at, pod: p}
	r := &resource.Resource{Type: "k8s_pod", Native: "Pod", Name: e.Name, Provider: "kubernetes", Dialect: e.Dialect, Range: e.Range, Header: e.Header,
		Calls: e.Calls, Maybe: e.Maybe, Handle: part}
	metadata := p.metadata
	if len(p.at) == 0 {
		r.Address = e.Address
		metadata = *e.Body.Field("metadata") // with the namespace that it gets
	} else {
		r.Address = b.address(e.Address + " pod")
		if !template.Range.IsZero() && (e.Range.Contains(template.Range) || template.Range.File != e.Range.File) {
			r.Range, r.Header = template.Range, firstWord(template.Range, p.at[len(p.at)-1].Name)
		}
		if !p.metadata.IsSet() {
			metadata = value.Value{Kind: value.Object}
		}
		if metadata.Kind == value.Object {
			part.move("metadata.namespace", path(nil, "metadata", "namespace"))
			metadata = with(metadata, "namespace", e.namespace)
			if e.namespace.Kind == value.Absent {
				metadata = without(metadata, "namespace")
			}
			if !metadata.Field("name").IsSet() && e.name.Kind != value.Absent {
				part.move("metadata.name", path(nil, "metadata", "name"))
				metadata = with(metadata, "name", e.name)
			}
		}
	}
	spec := p.spec
	if spec.Kind == value.Object && !spec.Open && !spec.Field("serviceAccountName").IsSet() {
		account := text("default")
		if old := spec.Field("serviceAccount"); old.IsSet() { // its name of old
			account = *old
			part.move("spec.serviceAccountName", path(p.at, "spec", "serviceAccount"))
		}
		spec = with(spec, "serviceAccountName", account)
	}
	body := value.Value{Kind: value.Object, Range: r.Range, Open: template.Kind == value.Unknown}
	body = with(body, "metadata", metadata)
	body = member(body, "spec", spec)
	body = with(body, "workload", p.kindWord())
	r.Body = body
	part.address = r.Address
	if len(p.at) > 0 {
		r.Within = e.Address
		r.Body = with(r.Body, "controller", text(e.Address))
		r.Refs = append(r.Refs, resource.Ref{Path: path(nil, "controller"), Target: e.Address})
		b.refs++
	} else {
		e.Resource = r // a Pod is its own
	}
	p.Resource = r
}

// kindWord is the kind that makes the pod, where it is written.
func (p *pod) kindWord() value.Value {
	v := text(p.workload)
	v.Range = p.of.object.Body.Field("kind").Range
	return v
}

// firstWord is the part of an entry that holds its key.
func firstWord(entry source.Range, key string) source.Range {
	entry.End = min(entry.End, entry.Start+len(key))
	return entry
}

func without(v value.Value, name string) value.Value {
	fields := make([]value.Field, 0, len(v.Fields))
	for _, f := range v.Fields {
		if f.Name != name {
			fields = append(fields, f)
		}
	}
	v.Fields = fields
	return v
}

// system returns the operating system that the pod is for: what it names, else what its nodes must have, else Linux.
// https://kubernetes.io/docs/concepts/windows/user-guide/#ensuring-os-specific-workloads-land-on-the-appropriate-container-host
func (p *pod) system() value.Value {
	os := field(&p.spec, "os", "name")
	if os.IsSet() {
		return os
	}
	for _, key := range [...]string{"kubernetes.io/os", "beta.kubernetes.io/os"} {
		if v := p.spec.Field("nodeSelector").Field(key); v.IsSet() {
			return *v
		}
	}
	terms := p.spec.Field("affinity").Field("nodeAffinity").Field("requiredDuringSchedulingIgnoredDuringExecution").Field("nodeSelectorTerms")
	all := len(terms.Items) > 0 && !terms.Open
	for i := range terms.Items {
		all = all && wantsWindows(terms.Items[i].Field("matchExpressions"))
	}
	if all {
		return text("windows")
	}
	return text("linux")
}

func wantsWindows(expressions *value.Value) bool {
	for i := range expressions.Items {
		x := &expressions.Items[i]
		values := x.Field("values")
		if isOneOf(x.Field("key").Text, "kubernetes.io/os", "beta.kubernetes.io/os") && x.Field("operator").Text == "In" && len(values.Items) == 1 && values.Items[0].Text == "windows" {
			return true
		}
	}
	return false
}
