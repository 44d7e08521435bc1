package github

import (
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// derivedOfStep are the attributes of a step that are worked out of what is written.
var derivedOfStep = []string{
	"kind", "action", "action_path", "ref", "version", "pinned", "expressions", "injects", "injects_input", "injects_secret", "injects_value", "env_file_writes",
	"deprecated_commands", "obfuscated", "insecure_commands", "bot_conditions", "always_true", "unsound_contains", "secret_dumps", "unredacted_secrets",
	"keeps_credentials", "uploads_credentials", "untrusted_ref", "untrusted_artifact", "restores_cache", "static_credentials", "static_token",
	"app_token_scoped", "vulnerability", "archived", "old_runtime", "publishes", "mistakes",
}

// address is the address of a job: its id.
func (j *job) address() string { return "jobs." + j.id }

// step makes the resources of a step.
func (e *evaluation) step(s *step) {
	e.bounded(s.exprs)
	in := s.scope()
	parent, prefix := "steps", value.Path{{Name: "runs"}, {Name: "steps"}, {Index: s.index}}
	if s.of.member != nil {
		parent, prefix = s.of.address(), value.Path{{Name: "jobs"}, {Name: s.of.id}, {Name: "steps"}, {Index: s.index}}
	}
	r := &resource.Resource{Address: e.Address(parent + "." + s.name()), Type: "actions_step", Name: s.name(), Range: s.place}
	var body pipelines.Body
	set(&body, "actions_step", s.node)
	e.common(&body, r, s.of)
	body.Set("in_action", pipelines.Bool(s.of.of.action, r.Range))
	setUse(&body, s.uses, at(s.node, "uses"))
	if s.text != nil {
		body.Set("kind", pipelines.String("run", at(s.node, "run")))
	}
	body.Set("expressions", e.shown(s.exprs, in))
	e.injections(&body, s)
	body.Set("env_file_writes", e.envFileWrites(s).value())
	body.Set("deprecated_commands", e.deprecatedCommands(s).value())
	body.Set("obfuscated", e.obfuscated(s).value())
	setInsecure(&body, s.node)
	conditions(&body, e, s.node, s.exprs)
	secretUses(&body, s.exprs)
	e.credentials(&body, s)
	body.Set("untrusted_ref", e.untrustedRef(s).first())
	body.Set("untrusted_artifact", e.untrustedArtifact(s).first())
	body.Set("restores_cache", e.restoresCache(s).first())
	body.Set("static_credentials", staticCredentials(s).value())
	body.Set("static_token", e.staticToken(s).first())
	body.Set("publishes", publishes(e, s).first())
	setAppToken(&body, s)
	setAdvice(&body, s.uses, at(s.node, "uses"))
	body.Set("mistakes", e.mistakesOfStep(s).value())
	h := e.handle("actions_step", s.node, prefix, derivedOfStep)
	h.Lower = e.lowerStep(s)
	e.add(r, body, h)
	if s.text != nil {
		script := s.script()
		script.Commands = e.reads(s)
		script.Address = e.Address(r.Address + ".run")
		script.Range = s.node.Get("run").Range
		script.Step = r.Address
		if s.of.member != nil {
			script.Job = s.of.address()
		}
		if env := s.node.Get("env"); env != nil {
			script.Environment = evaluated(env)
		}
		script.Handle = &pipelines.Handle{Node: s.node, Prefix: prefix, Native: func(p value.Path) (value.Path, bool) {
			return value.Path{{Name: "run"}}, len(p) == 1 && p[0].Name == "text"
		}, Waits: func(value.Path) []dialect.Wait { return e.waits(s.node.Get("run")) }}
		e.Add(script.Resource("github"))
	}
	if s.uses.kind == "docker" {
		e.image(r.Address+".uses", "step", pipelines.String(s.uses.ref, at(s.node, "uses")), s.of)
	}
	e.variables(s.node.Get("env"), "step", r.Address, s.of)
}

// common adds what steps and jobs have in common: where they belong, and what can start them.
func (e *evaluation) common(body *pipelines.Body, r *resource.Resource, j *job) {
	body.Set("triggers", pipelines.Strings(e.events.names, r.Range))
	owner := e.model.address()
	body.Set("workflow", pipelines.String(owner, r.Range))
	r.Refs = append(r.Refs, resource.Ref{Path: value.Path{{Name: "workflow"}}, Target: owner})
	if r.Type == "actions_step" && j.member != nil {
		body.Set("job", pipelines.String(j.address(), r.Range))
		r.Refs = append(r.Refs, resource.Ref{Path: value.Path{{Name: "job"}}, Target: j.address()})
	}
}

// setUse adds the parts of what stands behind uses.
func setUse(body *pipelines.Body, u use, at source.Range) {
	if u.kind == "" {
		return
	}
	body.Set("kind", pipelines.String(u.kind, at))
	body.Set("pinned", pipelines.Bool(u.pinned(), at))
	if u.repo != "" {
		body.Set("action", pipelines.String(u.repo, at))
	}
	if u.path != "" {
		body.Set("action_path", pipelines.String(u.path, at))
	}
	if u.ref != "" {
		body.Set("ref", pipelines.String(u.ref, at))
	}
	if u.version != "" {
		body.Set("version", pipelines.String(u.version, at))
	}
}

// image adds the use of a container image.
func (e *evaluation) image(address, use string, image value.Value, j *job) {
	i := pipelines.Image{Address: e.Address(address), Use: use, Image: image, Range: image.Range}
	if j.member != nil {
		i.Job = j.address()
	}
	e.Add(i.Resource("github"))
}

// switches are the variables that make runs print more than they do by themselves.
var switches = map[string]bool{"ACTIONS_STEP_DEBUG": true, "ACTIONS_RUNNER_DEBUG": true}
