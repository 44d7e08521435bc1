package github

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

var derivedOfJob = []string{
	"kind", "action", "action_path", "ref", "version", "pinned", "runner_labels", "self_hosted", "permissions", "permissions_preset", "permissions_unset",
	"own_permissions", "writes", "unused_writes", "secrets_inherited", "expressions", "insecure_commands", "bot_conditions", "always_true", "unsound_contains",
	"secret_dumps", "unredacted_secrets", "secrets_used", "literal_passwords", "runs_outsiders_code", "id_token_exposed", "vulnerability", "archived", "mistakes",
}

// job makes the resources of a job, without its steps.
func (e *evaluation) job(j *job) {
	in := j.scope()
	n := j.node
	exprs := gather(j.of.file.File, n, "steps", "name")
	e.bounded(exprs)
	r := &resource.Resource{Address: e.Address(j.address()), Type: "actions_job", Name: j.id, Range: j.member.Range, Header: j.member.Key.Range}
	var body pipelines.Body
	set(&body, "actions_job", n)
	body = slices.DeleteFunc(body, func(f value.Field) bool {
		return f.Name == "permissions" || f.Name == "container" || f.Name == "services"
	})
	body.Set("id", pipelines.String(j.id, j.member.Key.Range))
	e.common(&body, r, j)
	setUse(&body, j.uses, at(n, "uses"))
	e.permissionsOfJob(&body, j)
	runner := at(n, "runs-on")
	if labels, known := j.labels(); len(labels) > 0 || !known {
		v := pipelines.Strings(labels, runner)
		v.Open = !known
		body.Set("runner_labels", v)
	}
	setRunner(&body, j)
	container := containerOf(n.Member("container"))
	body.Set("container", container)
	services := servicesOf(n.Member("services"))
	body.Set("services", services)
	if textOf(n.Get("secrets")) == "inherit" {
		body.Set("secrets_inherited", pipelines.Bool(true, at(n, "secrets")))
	}
	body.Set("expressions", e.shown(exprs, in))
	setInsecure(&body, n)
	conditions(&body, e, n, exprs)
	secretUses(&body, exprs)
	body.Set("secrets_used", e.secretsUsed(j, exprs).value())
	body.Set("literal_passwords", literalPasswords(container, services).value())
	if at, ok := e.runsOutsidersCode(j); ok {
		body.Set("runs_outsiders_code", pipelines.Bool(true, at))
	}
	setAdvice(&body, j.uses, at(n, "uses"))
	body.Set("mistakes", e.mistakesOfJob(j, exprs).value())
	h := e.handle("actions_job", n, value.Path{{Name: "jobs"}, {Name: j.id}}, derivedOfJob)
	conditions := e.lowerConditions(n)
	h.Lower = e.lowerPermissions(n, func(c resource.Change) (pipelines.Lowering, bool, error) {
		if c.Op == resource.Remove && len(c.Path) == 1 {
			switch c.Path[0].Name {
			case "secrets_inherited":
				l, err := e.named(j)
				return l, true, err
			case "vulnerability":
				l, err := mended(n, j.uses)
				return l, true, err
			}
		}
		return conditions(c)
	})
	e.add(r, body, h)
	if image := container.Field("image"); image.IsSet() {
		e.image(r.Address+".container", "job", *image, j)
	}
	for i := range services.Items {
		if image := services.Items[i].Field("image"); image.IsSet() {
			e.image(r.Address+".services."+services.Items[i].Field("name").Text, "service", *image, j)
		}
	}
	e.variables(n.Get("env"), "job", r.Address, j)
}

// containerOf reads a container, which may be but the name of an image.
func containerOf(m *document.Member) value.Value {
	if m == nil || m.Value.IsNull() {
		return value.Value{}
	}
	v := evaluated(m.Value)
	if m.Value.Kind == document.Scalar {
		var body pipelines.Body
		v.Range = m.Range
		body.Set("image", v)
		return body.Object(m.Range)
	}
	v.Range = m.Range
	return v
}

// servicesOf reads the services of a job, a mapping, as a list of containers with names.
func servicesOf(m *document.Member) value.Value {
	if m == nil || m.Value.Kind != document.Mapping {
		return value.Value{}
	}
	list := value.Value{Kind: value.List, Range: m.Range}
	for i := range m.Value.Members {
		s := &m.Value.Members[i]
		v := containerOf(s)
		if v.Kind != value.Object {
			continue
		}
		body := pipelines.Body(slices.DeleteFunc(slices.Clone(v.Fields), func(f value.Field) bool { return f.Name == "name" }))
		body.Set("name", pipelines.String(s.Key.Text, s.Key.Range))
		list.Items = append(list.Items, body.Object(s.Range))
	}
	return list
}

// setRunner says whether a job runs on a machine of one's own.
func setRunner(body *pipelines.Body, j *job) {
	n := j.node.Get("runs-on")
	if n == nil {
		return
	}
	place := at(j.node, "runs-on")
	if n.Kind == document.Mapping && n.Get("group") != nil {
		// A group may hold larger runners of GitHub's as well as one's own: only its labels can tell.
		body.Set("self_hosted", value.Value{Kind: value.Unknown, Range: place})
	}
	labels, known := j.labels()
	hosted := func(l string) bool { return strings.EqualFold(l, "self-hosted") }
	switch {
	case slices.ContainsFunc(labels, hosted):
		*body = slices.DeleteFunc(*body, func(f value.Field) bool { return f.Name == "self_hosted" })
		body.Set("self_hosted", pipelines.Bool(true, place))
	case n.Kind == document.Mapping && n.Get("group") != nil:
	case !known:
		body.Set("self_hosted", value.Value{Kind: value.Unknown, Range: place})
	default:
		body.Set("self_hosted", pipelines.Bool(false, place))
	}
}

// variables adds the variables that an env sets to a text that stands there, and the switches whatever they are set to. What an
// expression gives, mostly a secret that is kept where it belongs, would only be one more thing that nobody knows.
func (e *evaluation) variables(env *document.Node, scope, owner string, j *job) {
	if env == nil || env.Kind != document.Mapping {
		return
	}
	for i := range env.Members {
		m := &env.Members[i]
		set := evaluated(m.Value)
		if !switches[strings.ToUpper(m.Key.Text)] && set.Kind != value.String || m.Key.Text == insecureCommands {
			continue
		}
		v := pipelines.Variable{Address: e.Address(owner + ".env." + m.Key.Text), Name: m.Key.Text, Value: set, Scope: scope, Range: m.Range}
		v.Value.Range = m.Range
		if j != nil && j.member != nil {
			v.Job = j.address()
		}
		v.Handle = &pipelines.Handle{Node: env, Native: func(p value.Path) (value.Path, bool) {
			if len(p) == 1 && p[0].Name == "value" {
				return value.Path{{Name: m.Key.Text}}, true
			}
			return nil, false
		}}
		e.Add(v.Resource("github"))
	}
}
