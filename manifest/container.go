package manifest

import (
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// list makes the containers of one list of a pod.
func (p *pod) list(b *builder, name, word string) {
	all := field(&p.spec, name)
	at := path(p.at, "spec", name)
	if name != "containers" && all.Kind == value.Unknown && p.spec.Field(name).Kind == value.Absent {
		return // a pod of which nothing is known stands for itself with one container
	}
	for i := range all.Items {
		if item := &all.Items[i]; item.Kind == value.Object || item.Kind == value.Unknown {
			p.container(b, item, path(at, i), word)
		}
	}
	if all.Kind == value.Unknown || all.Open { // there may be others
		p.container(b, &value.Value{Kind: value.Object, Open: true, Maybe: true, Range: all.Range}, path(at, len(all.Items)), word)
	}
}

// container makes the resource of one container.
func (p *pod) container(b *builder, v *value.Value, at value.Path, word string) {
	if len(b.out) >= b.limits.Resources {
		if !b.spent {
			b.spent = true
			b.limit(v.Range, "there are more than %d resources; those from here on are left out", b.limits.Resources)
		}
		return
	}
	e := p.of
	part := &Part{Object: e.object, At: at, pod: p}
	r := &resource.Resource{Type: "k8s_container", Native: "Container", Provider: "kubernetes", Dialect: e.Dialect, Range: p.Range, Header: p.Header,
		Calls: e.Calls, Maybe: e.Maybe || v.Maybe, Handle: part}
	body := *v
	body.Maybe = false
	if v.Kind == value.Unknown {
		body = value.Value{Kind: value.Object, Open: true, Range: v.Range}
	}
	name := field(&body, "name")
	r.Name, r.Within = shownName(&name), p.Address
	r.Address = b.address(e.Address + " " + word + r.Name)
	part.address = r.Address
	if !v.Range.IsZero() && (e.Range.Contains(v.Range) || v.Range.File != e.Range.File) { // in another file it is what a template calls
		r.Range, r.Header = v.Range, v.Range
		if !name.Range.IsZero() && v.Range.Contains(name.Range) {
			r.Header = name.Range
		}
	}
	body.Range = r.Range
	context, inherited := p.effective(&body, r.Name, part)
	part.inherited = inherited
	arguments := argumentsOf(&body)
	part.arguments = &arguments
	body = member(body, "securityContext", context)
	body = with(body, "role", p.role(&body, word))
	body = with(body, "workload", p.kindWord())
	body = member(body, "namespace", e.namespace)
	body = with(body, "os", p.os)
	body = member(body, "hostUsers", field(&p.spec, "hostUsers"))
	body = with(body, "pod", text(p.Address))
	body = member(body, "program", arguments.program)
	body = with(body, "flags", arguments.flags())
	if len(inherited) > 0 {
		body = with(body, "inherits", texts(inherited))
	}
	r.Body = body
	r.Refs = append(r.Refs, resource.Ref{Path: path(nil, "pod"), Target: p.Address})
	b.refs++
	p.containers = append(p.containers, r)
	b.add(r)
	b.component(p, r, &arguments)
}

// role says what the container is in its pod.
func (p *pod) role(body *value.Value, word string) value.Value {
	switch strings.Fields(word)[0] {
	case "ephemeral":
		return text("ephemeral")
	case "container":
		return text("container")
	}
	policy := field(body, "restartPolicy")
	switch {
	case policy.Kind == value.Unknown:
		return unknownAt(&policy)
	case policy.Text == "Always":
		return text("sidecar")
	}
	return text("init")
}

// shared are the fields of the security context that a container takes from its pod,
// https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#set-the-security-context-for-a-container.
var shared = [...]string{"appArmorProfile", "runAsGroup", "runAsNonRoot", "runAsUser", "seLinuxOptions", "seccompProfile"}

// effective returns the security context that counts for a container, and the names of what comes from the pod. Of seLinuxOptions and the
// profiles the container's counts as a whole, of windowsOptions field by field: so the kubelet has it.
func (p *pod) effective(body *value.Value, name string, part *Part) (value.Value, []string) {
	own, outer := field(body, "securityContext"), field(&p.spec, "securityContext")
	if own.Kind != value.Object && own.IsSet() {
		return own, nil
	}
	out := value.Value{Kind: value.Object, Range: own.Range, Open: own.Open}
	out.Fields = own.Fields
	var inherited []string
	inherit := func(field string, v value.Value, from value.Path) {
		out = with(out, field, v)
		part.move("securityContext."+field, from)
	}
	pods := path(p.at, "spec", "securityContext")
	for _, f := range shared {
		if own.Field(f).IsSet() || own.Open && own.Field(f).Kind == value.Absent {
			continue
		}
		theirs := field(&outer, f)
		if v, key := p.annotated(f, name); v.IsSet() && (key != seccompPod || !theirs.IsSet()) {
			inherit(f, v, path(p.at, "metadata", "annotations", key))
			continue
		}
		if theirs.IsSet() {
			inherit(f, theirs, path(pods, f))
			inherited = append(inherited, f)
		}
	}
	if windows := field(&outer, "windowsOptions"); windows.IsSet() {
		inner := field(&out, "windowsOptions")
		switch {
		case !inner.IsSet():
			inherit("windowsOptions", windows, path(pods, "windowsOptions"))
			inherited = append(inherited, "windowsOptions")
		case inner.Kind == value.Object && windows.Kind == value.Object:
			for _, f := range windows.Fields {
				if f.Value.IsSet() && !inner.Field(f.Name).IsSet() && !(strings.HasPrefix(f.Name, "gmsa") && gmsaSet(own.Field("windowsOptions"))) {
					inner = with(inner, f.Name, f.Value)
					part.move("securityContext.windowsOptions."+f.Name, path(pods, "windowsOptions", f.Name))
					inherited = append(inherited, "windowsOptions."+f.Name)
				}
			}
			out = with(out, "windowsOptions", inner)
		}
	}
	if len(out.Fields) == 0 && !out.Open && !own.IsSet() {
		return own, nil
	}
	return out, inherited
}

// gmsaSet reports whether a container has credentials of its own: both fields of them go together.
func gmsaSet(options *value.Value) bool {
	return options.Field("gmsaCredentialSpec").IsSet() || options.Field("gmsaCredentialSpecName").IsSet()
}

// The annotations that said what fields say now.
const (
	seccompPod        = "seccomp.security.alpha.kubernetes.io/pod"
	seccompContainer  = "container.seccomp.security.alpha.kubernetes.io/"
	appArmorContainer = "container.apparmor.security.beta.kubernetes.io/"
)

// annotated returns the profile that an annotation of old names for a container, and the annotation.
func (p *pod) annotated(field, container string) (value.Value, string) {
	annotations := p.metadata.Field("annotations")
	keys := []string{appArmorContainer + container}
	if field == "seccompProfile" {
		keys = []string{seccompContainer + container, seccompPod}
	} else if field != "appArmorProfile" {
		return value.Value{}, ""
	}
	for _, key := range keys {
		a := annotations.Field(key)
		if !a.IsSet() {
			continue
		}
		v := value.Value{Kind: value.Object, Range: a.Range}
		typ := text("")
		typ.Range = a.Range
		profile, local := strings.CutPrefix(a.Text, "localhost/")
		switch {
		case a.Kind == value.Unknown:
			return unknownAt(a), key
		case a.Text == "runtime/default" || a.Text == "docker/default":
			typ.Text = "RuntimeDefault"
		case a.Text == "unconfined":
			typ.Text = "Unconfined"
		case local:
			typ.Text = "Localhost"
			at := text(profile)
			at.Range = a.Range
			v = with(v, "localhostProfile", at)
		default:
			continue
		}
		return with(v, "type", typ), key
	}
	return value.Value{}, ""
}
