package ansible

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/ansible/jinja"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// The types of resources in Ansible's own words: what has no twin in Terraform. package schema says what they have.
const (
	taskType        = "ansible_task"
	playType        = "ansible_play"
	blockType       = "ansible_block"
	variableType    = "ansible_variable"
	hostType        = "ansible_host"
	configType      = "ansible_config"
	requirementType = "ansible_requirement"
)

// taskWords are the keywords that an ansible_task carries, with what plays and blocks around it say.
var taskWords = []string{"become", "become_method", "become_user", "changed_when", "check_mode", "connection", "delegate_to", "environment",
	"failed_when", "ignore_errors", "no_log", "register", "remote_user", "run_once", "until", "vars"}

// playWords are those of an ansible_play.
var playWords = []string{"any_errors_fatal", "become", "become_method", "become_user", "connection", "environment", "gather_facts",
	"ignore_errors", "no_log", "remote_user", "strategy"}

// name is what people call a task: its name, or its module with what it is about.
func (t *task) label() string {
	if n := t.node.Get("name"); n != nil && n.Text != "" {
		return n.Text
	}
	short := t.call.module[strings.LastIndexByte(t.call.module, '.')+1:]
	for _, about := range []string{"name", "path", "dest", "src", "url", "repo", "key", "pkg"} {
		if n := t.call.args.Get(about); n != nil && n.Kind == document.Scalar && len(n.Text) < 80 && n.Text != "" {
			return short + " " + n.Text
		}
		for _, a := range t.call.list {
			if a.name == about && len(a.text) < 80 {
				return short + " " + a.text
			}
		}
	}
	return short
}

// call evaluates a task that calls a module.
func (u *evaluation) call(t *task) {
	label := t.label()
	place := joined(u.play, t.frame.module)
	t.address = u.unique(joined(place, "task["+quoted(label)+"]"))
	short := t.call.module[strings.LastIndexByte(t.call.module, '.')+1:]
	known := u.estate.table().Knows(t.call.module)
	cloud := ""
	if known {
		cloud = u.unique(joined(place, short+"["+quoted(label)+"]"))
	}
	defaults := t.frame.moduleDefaults(t.call.module)
	loops := t.node.Get("loop") != nil || slices.ContainsFunc(t.node.Members, func(m document.Member) bool { return strings.HasPrefix(m.Key.Text, "with_") })
	t.name, t.again = label, loops || t.frame.module != ""
	var bodies []value.Value
	u.instances(t, func(i instance) {
		env := u.env(i.scope)
		args := t.call.arguments(env, defaults)
		h := &handle{unit: u, task: t, env: env, defaults: defaults}
		body := u.taskBody(t, env, &args, label, loops)
		// Rounds of a loop that do the same are one: whatever is wrong with them is wrong once.
		if !slices.ContainsFunc(bodies, func(b value.Value) bool { return b.Equal(&body.Value) }) {
			bodies = append(bodies, body.Value)
			u.add(&resource.Resource{Address: t.address + i.key, Type: taskType, Native: t.call.module, Name: label, Body: body.Value,
				Maybe: i.maybe, Refs: refs(body.Marks), Handle: h}, t.frame, t.file, t.at)
		}
		target := ""
		if known {
			target = cloud
			u.cloud(t, i, &args, cloud, h)
		}
		u.learn(t, i, &args, target, loops)
	})
}

// taskBody makes the body of an ansible_task.
func (u *evaluation) taskBody(t *task, env *env, args *jinja.Result, label string, loops bool) jinja.Result {
	out := jinja.Result{Value: value.Value{Kind: value.Object, Range: t.at}}
	set := func(name string, v value.Value) { put(&out, name, jinja.Result{Value: v}) }
	set("module", value.Value{Kind: value.String, Text: t.call.module, Range: t.call.key.Key.Range})
	if m := t.node.Member("name"); m != nil {
		set("name", value.Value{Kind: value.String, Text: label, Range: m.Range})
	}
	put(&out, "args", ownArguments(t.call.module, *args, u.estate.table().Knows(t.call.module)))
	u.keywords(&out, taskWords, t.words, t.node, env)
	if loops {
		set("loop", value.Value{Kind: value.Bool, Bool: true})
	}
	if t.frame.handler {
		set("handler", value.Value{Kind: value.Bool, Bool: true})
	}
	return out
}

// read returns an argument as modules read it: texts that are booleans as such, modes as the texts that people write, one volume as a
// list of it.
func read(name string, v value.Value) value.Value {
	switch {
	case v.Kind == value.String && len(v.Text) >= 2 && len(v.Text) <= 5 && v.Text != "on" && v.Text != "off":
		if b, ok := jinja.Bool(&v); ok {
			return value.Value{Kind: value.Bool, Bool: b, Range: v.Range, Given: v.Given}
		}
	case v.Kind == value.Number && (name == "mode" || name == "directory_mode") && v.Number >= 0 && v.Number < 1<<16:
		return value.Value{Kind: value.String, Text: fmt.Sprintf("%04o", int(v.Number)), Range: v.Range}
	case v.Kind == value.Number && name == "password":
		return value.Value{Kind: value.String, Text: v.Digits(), Range: v.Range}
	case v.Kind == value.String && name == "volumes":
		out := value.Value{Kind: value.List, Range: v.Range}
		for _, part := range strings.Split(v.Text, ",") {
			out.Items = append(out.Items, value.Value{Kind: value.String, Text: strings.TrimSpace(part), Range: v.Range, Given: v.Given})
		}
		return out
	case name == "volumes" && v.Kind != value.List && v.Kind != value.Unknown && v.Kind != value.Null:
		return value.Value{Kind: value.List, Items: []value.Value{v}, Range: v.Range}
	}
	return v
}

// access are the options of cloud modules that say how to reach the cloud, with their other names. They have no place in what
// the tables make of a task.
var access = map[string][]string{
	"amazon.aws": {"access_key", "access_token", "aws_access_key", "aws_access_key_id", "aws_ca_bundle", "aws_secret_access_key", "aws_secret_key",
		"aws_security_token", "aws_session_token", "ec2_access_key", "ec2_secret_key", "endpoint_url", "ec2_url", "s3_url", "profile",
		"secret_key", "security_token", "session_token", "validate_certs"},
	"azure.azcollection": {"ad_user", "client_id", "password", "profile", "secret", "tenant", "cert_validation_mode", "thumbprint", "x509_certificate_path"},
	"google.cloud":       {"access_token", "auth_kind", "service_account_contents", "service_account_email", "service_account_file"},
}

// ownArguments are the arguments that a task carries in Ansible's own words. Of what is translated these are only the ones that
// have no twin: everything else is judged once, in Terraform's words.
// They are as modules read them.
func ownArguments(module string, args jinja.Result, translated bool) jinja.Result {
	if !translated {
		args.Value.Fields = slices.Clone(args.Value.Fields)
		for i := range args.Value.Fields {
			f := &args.Value.Fields[i]
			f.Value = read(f.Name, f.Value)
		}
		return args
	}
	collection := module[:max(0, strings.LastIndexByte(module, '.'))]
	if collection == "community.aws" {
		collection = "amazon.aws"
	}
	out := jinja.Result{Value: value.Value{Kind: value.Object, Range: args.Value.Range}}
	for i := range args.Value.Fields {
		if name := args.Value.Fields[i].Name; slices.Contains(access[collection], name) {
			put(&out, name, jinja.Member(args, name))
		}
	}
	return out
}

// keywords sets keywords in a body: those of the node itself, else what is inherited.
func (u *evaluation) keywords(out *jinja.Result, names []string, inherited map[string]*document.Member, n *document.Node, env *env) {
	for _, name := range names {
		m := n.Member(name)
		if m == nil && (name != "become_user" || n.Member("become") != nil || inherited["become"] != nil) {
			m = inherited[name] // whom to become says nothing while nobody is to be become
		}
		if m == nil {
			continue
		}
		r := env.node(m.Value)
		if r.Omit {
			continue
		}
		place(&r.Value, m.Range)
		put(out, name, r)
	}
}

// moduleDefaults lists what module_defaults say of a module, weakest first.
func (f *frame) moduleDefaults(module string) []*document.Node {
	var out []*document.Node
	for _, n := range f.defaults {
		for i := range n.Members {
			m := &n.Members[i]
			if group, ok := strings.CutPrefix(m.Key.Text, "group/"); ok {
				if inGroup(module, group[strings.LastIndexByte(group, '.')+1:]) {
					out = append(out, m.Value)
				}
			} else if fullName(m.Key.Text, f.collections) == module {
				out = append(out, m.Value)
			}
		}
	}
	return out
}

// inGroup reports whether a module belongs to a group of actions that defaults can be given for.
func inGroup(module, group string) bool {
	for _, collection := range map[string][]string{
		"aws": {"amazon.aws.", "community.aws."}, "azure": {"azure.azcollection."}, "gcp": {"google.cloud."},
		"k8s": {"kubernetes.core."}, "docker": {"community.docker."},
	}[group] {
		if strings.HasPrefix(module, collection) {
			return true
		}
	}
	return false
}

func refs(marks []jinja.Mark) []resource.Ref {
	var out []resource.Ref
	for _, m := range marks {
		out = append(out, resource.Ref{Path: m.Path, Target: m.Target, Attribute: m.Attribute})
	}
	return out
}

// add adds a resource in Ansible's own words.
func (u *evaluation) add(r *resource.Resource, in *frame, f *file, at source.Range) {
	r.Dialect = "ansible" // without provider: what runs on hosts is nobody's resource
	r.Range, r.Header = at, firstLine(f.source, at)
	if in != nil {
		r.Module, r.Calls = in.module, in.calls
		r.Maybe = r.Maybe || in.maybe
	}
	u.resources = append(u.resources, r)
}

// playResource adds the ansible_play.
func (u *evaluation) playResource(f *file, n *document.Node, at source.Range, in *frame, name string) {
	env := u.env(in.scope)
	out := jinja.Result{Value: value.Value{Kind: value.Object, Range: at}}
	if m := n.Member("name"); m != nil {
		put(&out, "name", jinja.Result{Value: value.Value{Kind: value.String, Text: name, Range: m.Range}})
	}
	if m := n.Member("hosts"); m != nil {
		put(&out, "hosts", jinja.Result{Value: value.Value{Kind: value.String, Text: hostsOf(n), Range: m.Range}})
	}
	u.keywords(&out, playWords, nil, n, env)
	u.add(&resource.Resource{Address: u.play, Type: playType, Name: name, Body: out.Value, Refs: refs(out.Marks),
		Handle: &handle{unit: u, env: env, document: f.doc, node: n}}, nil, f, at)
}

// blockResource adds the ansible_block.
func (u *evaluation) blockResource(f *file, n *document.Node, at source.Range, in *frame) {
	name := "block"
	out := jinja.Result{Value: value.Value{Kind: value.Object, Range: at}}
	if m := n.Member("name"); m != nil {
		name = m.Value.Text
		put(&out, "name", jinja.Result{Value: value.Value{Kind: value.String, Text: name, Range: m.Range}})
	}
	for _, word := range []string{"rescue", "always"} {
		m := n.Member(word)
		v := value.Value{Kind: value.Bool}
		if m != nil {
			v.Bool, v.Range = len(m.Value.Items) > 0, m.Range
		}
		put(&out, word, jinja.Result{Value: v})
	}
	u.add(&resource.Resource{Address: u.unique(joined(u.play, in.module, "block["+quoted(name)+"]")), Type: blockType, Name: name, Body: out.Value,
		Handle: &handle{unit: u, env: u.env(in.scope), document: f.doc, node: n}}, in, f, at)
}

// variablesFile makes the resources of a file of variables.
func (u *evaluation) variablesFile(f *file) {
	if f.doc == nil {
		return
	}
	s := u.outer()
	for _, d := range u.varsIn(f.path) {
		s.define(d)
	}
	for _, root := range f.doc.Roots {
		u.variables(f, root, u.env(s), nil, "var")
	}
}

// variablesOf makes the resources of a file of variables that no unit of its own judges.
func (u *evaluation) variablesOf(name string, in *frame) {
	f := u.load(name)
	if f == nil || f.doc == nil || u.addresses["file "+name] > 0 {
		return
	}
	u.addresses["file "+name]++
	for _, root := range f.doc.Roots {
		u.variables(f, root, u.env(in.scope), nil, "var")
	}
}

// variablesIn makes the resources of the variables of a play.
func (u *evaluation) variablesIn(n *document.Node, in *frame, prefix string) {
	if n == nil {
		return
	}
	f := u.estate.file(n.Range.File)
	if f == nil {
		return
	}
	u.variables(f, n, u.env(in.scope), nil, prefix)
	for _, item := range n.Items {
		u.variables(f, item, u.env(in.scope), nil, prefix)
	}
}

// variables adds an ansible_variable for each member of a mapping.
func (u *evaluation) variables(f *file, n *document.Node, env *env, in *frame, prefix string) {
	if n == nil || n.Kind != document.Mapping {
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		if u.stop() {
			return
		}
		if m.Merged || m.Key.Kind != document.Scalar || m.Range.File != f.path {
			continue
		}
		r := env.node(m.Value)
		place(&r.Value, m.Range)
		body := jinja.Result{Value: value.Value{Kind: value.Object, Range: m.Range}}
		put(&body, "name", jinja.Result{Value: value.Value{Kind: value.String, Text: m.Key.Text, Range: m.Key.Range}})
		put(&body, "value", r)
		u.add(&resource.Resource{Address: u.unique(prefix + "." + shown(m.Key.Text)), Type: variableType, Name: m.Key.Text, Body: body.Value,
			Refs: refs(body.Marks), Handle: &handle{unit: u, env: env, document: f.doc, node: n, variable: m}}, in, f, m.Range)
	}
}

// inventoryFile makes the resources of an inventory: its hosts, and the variables that it gives them.
func (u *evaluation) inventoryFile(f *file) {
	if f.source == nil || bytes.HasPrefix(f.source.Bytes, vaultMark) {
		return
	}
	in := newInventory("")
	if f.kind == inventoryINI {
		in.readINI(f.source)
	} else if f.doc != nil {
		for _, root := range f.doc.Roots {
			in.readYAML(root, 0)
		}
	}
	in.finish()
	env := u.env(u.outer())
	variable := func(prefix string, defs []*definition) {
		for _, d := range defs {
			r := env.definition(d)
			place(&r.Value, d.entry)
			body := jinja.Result{Value: value.Value{Kind: value.Object, Range: d.entry}}
			put(&body, "name", jinja.Result{Value: value.Value{Kind: value.String, Text: d.name, Range: d.entry}})
			put(&body, "value", r)
			h := &handle{unit: u, env: env}
			if d.owner != nil {
				h.document, h.node, h.variable = f.doc, d.owner, d.owner.Member(d.name)
			}
			u.add(&resource.Resource{Address: u.unique(prefix + ".var." + shown(d.name)), Type: variableType, Name: d.name, Body: body.Value, Handle: h}, nil, f, d.entry)
		}
	}
	for _, name := range sortedKeys(in.groups) {
		variable("group["+quoted(name)+"]", in.groups[name].vars)
	}
	for _, name := range sortedKeys(in.hosts) {
		if u.stop() {
			return
		}
		h := in.hosts[name]
		address := "host[" + quoted(name) + "]"
		body := jinja.Result{Value: value.Value{Kind: value.Object, Range: h.at}}
		put(&body, "name", jinja.Result{Value: value.Value{Kind: value.String, Text: name, Range: h.at}})
		reach := jinja.Result{Value: value.Value{Kind: value.String, Text: name, Range: h.at}}
		for _, d := range h.vars {
			if d.name == "ansible_host" {
				reach = env.definition(d)
				place(&reach.Value, d.entry)
			}
		}
		put(&body, "address", reach)
		groups := value.Value{Kind: value.List, Range: h.at}
		for _, g := range in.groupsOf(name) {
			groups.Items = append(groups.Items, value.Value{Kind: value.String, Text: g, Range: h.at})
		}
		put(&body, "groups", jinja.Result{Value: groups})
		u.add(&resource.Resource{Address: address, Type: hostType, Name: name, Body: body.Value, Handle: &handle{unit: u, env: env}}, nil, f, h.at)
		variable(address, h.vars)
	}
}

// config makes the resource of an ansible.cfg.
func (u *evaluation) config(f *file) {
	if f.source == nil {
		return
	}
	whole := source.Range{File: f.path, End: len(f.source.Bytes)}
	body := jinja.Result{Value: value.Value{Kind: value.Object, Range: whole}}
	servers := value.Value{Kind: value.List}
	for _, s := range f.sections {
		block := jinja.Result{Value: value.Value{Kind: value.Object, Range: s.at}}
		for _, k := range s.keys {
			v := value.Value{Kind: value.String, Text: k.text, Range: k.at}
			switch strings.ToLower(k.text) {
			case "true", "yes", "on":
				v = value.Value{Kind: value.Bool, Bool: true, Range: k.at}
			case "false", "no", "off":
				v = value.Value{Kind: value.Bool, Range: k.at}
			}
			put(&block, k.name, jinja.Result{Value: v})
		}
		if name, ok := strings.CutPrefix(s.name, "galaxy_server."); ok {
			put(&block, "name", jinja.Result{Value: value.Value{Kind: value.String, Text: name, Range: s.at}})
			servers.Items = append(servers.Items, block.Value)
			continue
		}
		put(&body, s.name, block)
	}
	put(&body, "galaxy_servers", jinja.Result{Value: servers})
	u.add(&resource.Resource{Address: "config", Type: configType, Name: "config", Body: body.Value, Handle: &handle{unit: u, settings: f}}, nil, f, whole)
}

// requirements makes the resources of what ansible-galaxy is to install.
func (u *evaluation) requirements(f *file) {
	if f.doc == nil {
		return
	}
	env := u.env(u.outer())
	list := func(n *document.Node, kind string) {
		if n == nil {
			return
		}
		for i, item := range n.Items {
			at := n.Place(i)
			body := jinja.Result{Value: value.Value{Kind: value.Object, Range: at}}
			put(&body, "kind", jinja.Result{Value: value.Value{Kind: value.String, Text: kind, Range: at}})
			name := item.Text
			if item.Kind == document.Scalar {
				name, version, _ := strings.Cut(item.Text, ",")
				put(&body, "name", jinja.Result{Value: value.Value{Kind: value.String, Text: name, Range: at}})
				if version != "" {
					put(&body, "version", jinja.Result{Value: value.Value{Kind: value.String, Text: version, Range: at}})
				}
			} else {
				for _, word := range []string{"name", "src", "source", "version", "scm", "type", "role", "include"} {
					if m := item.Member(word); m != nil {
						r := env.node(m.Value)
						place(&r.Value, m.Range)
						put(&body, word, r)
						if word == "name" || name == "" {
							name = m.Value.Text
						}
					}
				}
				if kind == "role" && item.Get("include") != nil {
					continue
				}
			}
			u.add(&resource.Resource{Address: u.unique(kind + "[" + quoted(name) + "]"), Type: requirementType, Name: name, Body: body.Value,
				Handle: &handle{unit: u, env: env, document: f.doc, node: item}}, nil, f, at)
		}
	}
	for _, root := range f.doc.Roots {
		if root.Kind == document.Sequence {
			list(root, "role")
			continue
		}
		list(root.Get("roles"), "role")
		list(root.Get("collections"), "collection")
	}
}
